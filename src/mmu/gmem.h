/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gmem.h: guest RAM and its four doors.
 *
 * RAM is one or two host mappings, anonymous and private unless a device lives
 * in another process: below the hole and above 4 GiB. What of them is RAM to
 * the guest are the "slots": all of it, but for a PC's window on its display
 * (gmem_lay_out_pc). Everything else that touches guest RAM goes through a
 * door below; each takes a length, uses checked arithmetic, tests both bounds
 * and may cross from one slot into an adjacent one. A hole is never backed.
 *
 * Thread: doors from any thread (the guest runs at the same time: what is
 * read may change at once; copy it once and check the copy), gmem_discard and
 * gmem_discard_iov too. Create, load, discard all and destroy only while no
 * vCPU runs.
 */
#ifndef MMU_GMEM_H
#define MMU_GMEM_H

#include "vmm/types.h"

#include <sys/types.h>
#include <sys/uio.h>

struct gmem;

enum gmem_backing {
    GMEM_ANON,    /* anonymous, transparent huge pages advised */
    GMEM_HUGETLB, /* from the host's huge page pool */
    GMEM_FILE,    /* gmem_create_on: a file that other processes map too */
};

/* One contiguous stretch of RAM, as KVM's memory slot wants it. */
struct gmem_slot {
    gpa_t base;
    uint64_t size; /* bytes, multiple of GUEST_PAGE */
    void *host;    /* owned by the gmem; for KVM_SET_USER_MEMORY_REGION only */
    uint64_t offset; /* in the file, if it has one */
    /* Where the guest sees it is its chipset's to say: see board_pc_mem.h. */
    bool shadow;
};

#define GMEM_MAX_SLOTS 4

/*
 * Memory where there is no RAM, put there while the guest runs because it
 * asked for it (Xen's grant frames). Pages at a time this many bytes.
 */
#define GMEM_MAX_WINDOWS 16
#define GMEM_WINDOW      (256 * KIB) /* aligned to itself */

/* A pinned window on contiguous guest memory (a ring). Opaque to users. */
struct gwin {
    unsigned char *host;
    size_t size;
};

/*
 * Reserve size bytes of guest RAM, split at the hole (abi/layout.h); nothing
 * is touched. Returns NULL after logging why (and what to do).
 */
struct gmem *gmem_create(uint64_t size, enum gmem_backing backing);
void gmem_destroy(struct gmem *m);

/*
 * A file for RAM that a device's process maps too: it cannot grow or shrink.
 * A descriptor of the caller's, or -errno, logged. Before the seal.
 */
must_check int gmem_make_file(uint64_t size, bool hugepages);

/*
 * As gmem_create, on a file of gmem_make_file of the same size, which is
 * borrowed and emptied: what a machine before left in it is gone.
 */
struct gmem *gmem_create_on(uint64_t size, int file);

/*
 * This machine is a PC: the display's window is no RAM, and what lies between
 * it and 1 MiB is a slot of its own, the one with shadow set. After create,
 * before anything else.
 */
void gmem_lay_out_pc(struct gmem *m);

/* The file under a slot and where in it, or -1: this RAM is private. */
int gmem_file(const struct gmem *m, unsigned slot, uint64_t *offset);

/* The slots, in rising order of gpa; *n is set to their number. */
const struct gmem_slot *gmem_slots(const struct gmem *m, unsigned *n);

/*
 * Reserve what windows are made of, once, before any is; nothing is touched. 0
 * or -ENOMEM, logged.
 */
must_check int gmem_reserve_windows(struct gmem *m);

/*
 * Back the page at base, and what is free around it, with fresh memory. Returns
 * the number of a new window, which KVM has to be told of, -EEXIST: there is
 * memory already, or -ENOSPC: too many windows. Thread: any; the doors may be
 * used meanwhile.
 */
must_check int gmem_back(struct gmem *m, gpa_t base);
const struct gmem_slot *gmem_window(const struct gmem *m, unsigned window);

/*
 * Memory of a device's, which devices reach too where the guest sees it, behind
 * a BAR: size bytes (whole pages), once; nothing is touched. Where it is in the
 * process, for KVM and the BAR only; NULL after logging.
 */
void *gmem_reserve_bar(struct gmem *m, uint64_t size);

/* Where the guest sees it from now on. Board lock held; the doors are in use.
 */
#define GMEM_NOWHERE UINT64_MAX
void gmem_place_bar(struct gmem *m, uint64_t base);

/* Bytes of RAM in all, windows and BAR apart. */
uint64_t gmem_size(const struct gmem *m);

/* Is every byte of [base, base+n) RAM? n 0 is never. */
bool gmem_is_ram(const struct gmem *m, gpa_t base, uint64_t n);

/* Door 1: copy out of the guest, each byte fetched once. 0 or -EFAULT. */
must_check int gmem_read(const struct gmem *m, gpa_t from, void *dst, size_t n);

/* Door 2: copy into the guest. All or nothing. 0 or -EFAULT. */
must_check int gmem_write(struct gmem *m, gpa_t to, const void *src, size_t n);

/*
 * Door 3: host iovecs of [base, base+n), for the kernel's eyes only.
 * Returns the entries used (at most max), -EFAULT, or -E2BIG.
 */
must_check int gmem_iov(const struct gmem *m, gpa_t base, uint64_t n,
                        struct iovec *iov, int max);

/* Door 4: a window on n contiguous bytes inside one slot. 0 or -EFAULT. */
must_check int gmem_win(const struct gmem *m, gpa_t base, size_t n,
                        struct gwin *win);

/*
 * Fill [to, to+n) from a file at offset off, without passing the bytes
 * through the process. All n bytes must be there. 0, -EFAULT, -EIO or
 * another -errno of pread(2).
 */
must_check int gmem_load(struct gmem *m, gpa_t to, int fd, uint64_t off,
                         uint64_t n);

/* Give every page back; the guest reads zeroes again. 0 or -errno. */
must_check int gmem_discard_all(struct gmem *m);

/*
 * Give back the pages that lie in [base, base+n) to their last byte; the
 * guest reads zeroes there, and so does who shares the file it lies in. With
 * huge pages less than one is nothing. Returns the bytes given back, -EFAULT
 * if not all is RAM (then nothing is done), or -errno of madvise(2).
 */
must_check int64_t gmem_discard(struct gmem *m, gpa_t base, uint64_t n);

/* The same for an iovec that gmem_iov has filled in. */
must_check int64_t gmem_discard_iov(struct gmem *m, const struct iovec *iov);

#endif
