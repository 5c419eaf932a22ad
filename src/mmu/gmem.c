// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * gmem.c: guest RAM; see gmem.h. The only file that turns a gpa_t into a
 * host pointer.
 *
 * A map is one private mapping, reserved without being touched, so that a
 * guest of 1 TiB costs what it uses. Mappings are aligned to 2 MiB like the
 * guest addresses they stand for, so that the host can use huge pages for
 * both the process and the second-level page tables.
 */
#include "mmu/gmem.h"

#include "abi/layout.h"
#include "abi/pc.h"
#include "mmu/fetch.h"
#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HUGE_2M (2 * MIB)

#define MAX_MAPS 2

struct gmem {
    struct gmem_slot maps[MAX_MAPS]; /* as mapped: below the hole, above */
    unsigned n_maps;
    struct gmem_slot slots[GMEM_MAX_SLOTS]; /* rising gpa */
    unsigned n_slots;
    struct gmem_slot windows[GMEM_MAX_WINDOWS];
    unsigned n_windows;   /* stored after the window it counts */
    unsigned char *spare; /* owned; NULL: no windows */
    unsigned char *bar;   /* owned; NULL: none */
    uint64_t bar_size;
    uint64_t bar_base; /* changes while the doors are in use */
    enum gmem_backing backing;
    int file;      /* GMEM_FILE: borrowed; maps lie in it one after the other */
    uint64_t page; /* bytes, what the host takes and gives at least */
    int discard;   /* the advice that gives pages back */
};

/*
 * An aligned mapping: reserve 2 MiB too much, then cut off both ends.
 * Transparent huge pages need the host address aligned as the guest's.
 */
static void *map_aligned(uint64_t size)
{
    const int prot = PROT_READ | PROT_WRITE;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    unsigned char *p = mmap(NULL, size + HUGE_2M, prot, flags, -1, 0);
    uintptr_t at, head, tail;

    if (p == MAP_FAILED)
        return NULL;
    at = ((uintptr_t)p + HUGE_2M - 1) & ~(uintptr_t)(HUGE_2M - 1);
    head = at - (uintptr_t)p;
    tail = HUGE_2M - head;
    if (head)
        munmap(p, head);
    if (tail)
        munmap(p + head + size, tail);
    return p + head;
}

/*
 * Huge pages, except below 2 MiB: there lie the tables and a few pages of the
 * real-mode world, and zeroing a huge page for those would be most of what
 * starting a small guest costs. Advice only: a kernel without huge pages
 * refuses, and that is fine.
 */
static void advise_huge_pages(unsigned char *p, uint64_t size, uint64_t base)
{
    const uint64_t small = base == 0 && size > HUGE_2M ? HUGE_2M : 0;

    if (small)
        (void)madvise(p, small, MADV_NOHUGEPAGE);
    (void)madvise(p + small, size - small, MADV_HUGEPAGE);
}

static void *map_anon(uint64_t size, uint64_t base)
{
    void *p = map_aligned(size);

    if (!p) {
        log_error("guest memory: cannot reserve %llu MiB: %s: give less with "
                  "--memory, or raise the address-space limit (ulimit -v)",
                  (unsigned long long)(size / MIB), strerror(errno));
        return NULL;
    }
    advise_huge_pages(p, size, base);
    (void)madvise(p, size, MADV_DONTFORK);
    (void)madvise(p, size, MADV_DONTDUMP);
    return p;
}

static void *map_hugetlb(uint64_t size)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
    void *p;

    if (size % HUGE_2M) {
        log_error("guest memory: --hugepages needs a multiple of 2 MiB in "
                  "--memory");
        return NULL;
    }
    p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p == MAP_FAILED) {
        log_error("guest memory: the host's huge page pool cannot give %llu "
                  "MiB: %s: raise vm.nr_hugepages or drop --hugepages",
                  (unsigned long long)(size / MIB), strerror(errno));
        return NULL;
    }
    (void)madvise(p, size, MADV_DONTFORK);
    return p;
}

/* Put the file's part in the place of an aligned reservation. */
static void *map_file(const struct gmem *m, uint64_t size, uint64_t offset)
{
    const int prot = PROT_READ | PROT_WRITE;
    void *at = map_aligned(size), *p = MAP_FAILED;

    if (at)
        p = mmap(at, size, prot, MAP_SHARED | MAP_FIXED, m->file,
                 (off_t)offset);
    /* What a machine before this one left there. */
    if (p != MAP_FAILED && madvise(p, size, MADV_REMOVE) == 0) {
        (void)madvise(p, size, MADV_DONTFORK);
        (void)madvise(p, size, MADV_DONTDUMP);
        return p;
    }
    log_error("guest memory: cannot map %llu MiB of a shared file: %s: raise "
              "the address-space limit (ulimit -v)",
              (unsigned long long)(size / MIB), strerror(errno));
    if (at)
        munmap(at, size);
    return NULL;
}

static void *map_backing(const struct gmem *m, uint64_t base, uint64_t size)
{
    switch (m->backing) {
    case GMEM_ANON:
        return map_anon(size, base);
    case GMEM_HUGETLB:
        return map_hugetlb(size);
    case GMEM_FILE:
        return map_file(m, size, gmem_size(m));
    }
    return NULL;
}

static bool add_map(struct gmem *m, uint64_t base, uint64_t size)
{
    const struct gmem_slot map = {
        .base = GPA(base),
        .size = size,
        .host = map_backing(m, base, size),
        .offset = gmem_size(m),
    };

    if (!map.host)
        return false;
    m->maps[m->n_maps++] = map;
    m->slots[m->n_slots++] = map;
    return true;
}

/* How the host's pages are taken and given, which follows from the backing. */
static void know_pages(struct gmem *m)
{
    struct stat st;

    m->page = m->backing == GMEM_HUGETLB ? HUGE_2M : GUEST_PAGE;
    m->discard = m->backing == GMEM_FILE ? MADV_REMOVE : MADV_DONTNEED;
    /* A file of huge pages says so by its block size. */
    if (m->backing == GMEM_FILE && fstat(m->file, &st) == 0)
        m->page = (uint64_t)st.st_blksize;
}

static struct gmem *create(uint64_t size, enum gmem_backing backing, int file)
{
    const uint64_t low = size < LAYOUT_HOLE ? size : LAYOUT_HOLE;
    struct gmem *m = calloc(1, sizeof(*m));

    BUG_ON(size == 0 || size % GUEST_PAGE);
    if (!m) {
        log_error("guest memory: out of memory");
        return NULL;
    }
    m->backing = backing;
    m->file = file;
    m->bar_base = GMEM_NOWHERE;
    know_pages(m);
    if (!add_map(m, 0, low) ||
        (size > low && !add_map(m, LAYOUT_HOLE_END, size - low))) {
        gmem_destroy(m);
        return NULL;
    }
    return m;
}

struct gmem *gmem_create(uint64_t size, enum gmem_backing backing)
{
    BUG_ON(backing == GMEM_FILE);
    return create(size, backing, -1);
}

struct gmem *gmem_create_on(uint64_t size, int file)
{
    return create(size, GMEM_FILE, file);
}

/*
 * Sealed against a change of its size: whoever else maps it must not be able
 * to make us fault.
 */
int gmem_make_file(uint64_t size, bool hugepages)
{
    const unsigned huge = hugepages ? MFD_HUGETLB | MFD_HUGE_2MB : 0;
    const int fd =
        memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING | huge);
    int err;

    if (hugepages && size % HUGE_2M)
        errno = EINVAL;
    else if (fd >= 0 && ftruncate(fd, (off_t)size) == 0 &&
             fcntl(fd, F_ADD_SEALS,
                   F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return fd;
    err = errno;
    log_error("guest memory: cannot make a shared file of %llu MiB: %s: give "
              "less with --memory%s",
              (unsigned long long)(size / MIB), strerror(err),
              hugepages ? ", a multiple of 2 MiB, or drop --hugepages" : "");
    if (fd >= 0)
        close(fd);
    return -err;
}

/* [base, end) of a map as a slot. */
static struct gmem_slot part(const struct gmem_slot *map, uint64_t base,
                             uint64_t end)
{
    const uint64_t off = base - map->base.v;

    return (struct gmem_slot){
        .base = GPA(base),
        .size = end - base,
        .host = (unsigned char *)map->host + off,
        .offset = map->offset + off,
    };
}

void gmem_lay_out_pc(struct gmem *m)
{
    const struct gmem_slot *low = &m->maps[0];

    BUG_ON(low->size <= LAYOUT_LOW_TOP);
    m->slots[0] = part(low, 0, LAYOUT_LOW_END);
    m->slots[1] = part(low, PC_SHADOW, LAYOUT_LOW_TOP);
    m->slots[1].shadow = true;
    m->slots[2] = part(low, LAYOUT_LOW_TOP, low->size);
    m->n_slots = 3;
    if (m->n_maps > 1)
        m->slots[m->n_slots++] = m->maps[1];
}

int gmem_file(const struct gmem *m, unsigned slot, uint64_t *offset)
{
    *offset = m->slots[slot].offset;
    return m->backing == GMEM_FILE ? m->file : -1;
}

void gmem_destroy(struct gmem *m)
{
    if (!m)
        return;
    if (m->spare)
        munmap(m->spare, GMEM_MAX_WINDOWS * GMEM_WINDOW);
    if (m->bar)
        munmap(m->bar, m->bar_size);
    while (m->n_maps) {
        const struct gmem_slot *map = &m->maps[--m->n_maps];

        munmap(map->host, map->size);
    }
    free(m);
}

const struct gmem_slot *gmem_slots(const struct gmem *m, unsigned *n)
{
    *n = m->n_slots;
    return m->slots;
}

uint64_t gmem_size(const struct gmem *m)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < m->n_maps; i++)
        sum += m->maps[i].size;
    return sum;
}

/* Host bytes, and how many of those wanted are contiguous there. */
struct run {
    unsigned char *host; /* NULL: no RAM */
    uint64_t n;
};

static struct run run_in(const struct gmem_slot *slots, unsigned n_slots,
                         uint64_t gpa, uint64_t n)
{
    for (unsigned i = 0; i < n_slots; i++) {
        const struct gmem_slot *s = &slots[i];
        /* Below the slot it wraps, and is outside of it too. */
        const uint64_t off = gpa - s->base.v;

        if (off < s->size)
            return (struct run){(unsigned char *)s->host + off,
                                n < s->size - off ? n : s->size - off};
    }
    return (struct run){0};
}

/* The base is fetched once: all else of it stays as it is. */
static struct run run_in_bar(const struct gmem *m, uint64_t gpa, uint64_t n)
{
    const uint64_t base = __atomic_load_n(&m->bar_base, __ATOMIC_RELAXED);
    const uint64_t off = gpa - base;

    if (base == GMEM_NOWHERE || off >= m->bar_size)
        return (struct run){0};
    return (struct run){m->bar + off,
                        n < m->bar_size - off ? n : m->bar_size - off};
}

static struct run run_at(const struct gmem *m, uint64_t gpa, uint64_t n)
{
    struct run r = run_in(m->slots, m->n_slots, gpa, n);

    /* Pairs with the release in gmem_back. */
    if (!r.host)
        r = run_in(m->windows, __atomic_load_n(&m->n_windows, __ATOMIC_ACQUIRE),
                   gpa, n);
    return r.host || !m->bar ? r : run_in_bar(m, gpa, n);
}

/* The same; NULL if gpa is not RAM. */
static unsigned char *at(const struct gmem *m, uint64_t gpa, uint64_t n,
                         uint64_t *run)
{
    const struct run r = run_at(m, gpa, n);

    *run = r.n;
    return r.host;
}

/* Memory beside RAM, most of which is never touched. NULL after logging. */
static void *map_beside(uint64_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED) {
        log_error("guest memory: cannot reserve %llu KiB more: %s: raise the "
                  "address-space limit (ulimit -v)",
                  (unsigned long long)(size / KIB), strerror(errno));
        return NULL;
    }
    (void)madvise(p, size, MADV_DONTFORK);
    (void)madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}

int gmem_reserve_windows(struct gmem *m)
{
    BUG_ON(m->spare);
    m->spare = map_beside(GMEM_MAX_WINDOWS * GMEM_WINDOW);
    return m->spare ? 0 : -ENOMEM;
}

void *gmem_reserve_bar(struct gmem *m, uint64_t size)
{
    BUG_ON(m->bar || !size || size % GUEST_PAGE);
    m->bar = map_beside(size);
    m->bar_size = m->bar ? size : 0;
    return m->bar;
}

void gmem_place_bar(struct gmem *m, uint64_t base)
{
    __atomic_store_n(&m->bar_base, base, __ATOMIC_RELAXED);
}

static bool is_free(const struct gmem *m, uint64_t base, uint64_t size)
{
    for (uint64_t at = base; at < base + size; at += GUEST_PAGE)
        if (run_at(m, at, 1).host)
            return false;
    return true;
}

int gmem_back(struct gmem *m, gpa_t base)
{
    const unsigned i = m->n_windows;
    uint64_t at = base.v & ~(GMEM_WINDOW - 1), size = GMEM_WINDOW;

    if (run_at(m, base.v, 1).host)
        return -EEXIST;
    if (!m->spare || i == GMEM_MAX_WINDOWS)
        return -ENOSPC;
    if (!is_free(m, at, size)) {
        at = base.v & ~(GUEST_PAGE - 1);
        size = GUEST_PAGE;
    }
    m->windows[i] = (struct gmem_slot){
        .base = GPA(at), .size = size, .host = m->spare + i * GMEM_WINDOW};
    /* Whoever counts it sees it whole: pairs with run_at. */
    __atomic_store_n(&m->n_windows, i + 1, __ATOMIC_RELEASE);
    return (int)i;
}

const struct gmem_slot *gmem_window(const struct gmem *m, unsigned window)
{
    BUG_ON(window >= m->n_windows);
    return &m->windows[window];
}

bool gmem_is_ram(const struct gmem *m, gpa_t base, uint64_t n)
{
    uint64_t gpa = base.v, run = 0, end;

    if (n == 0 || !checked_add(base.v, n, &end))
        return false;
    for (; n; gpa += run, n -= run)
        if (!at(m, gpa, n, &run))
            return false;
    return true;
}

int gmem_read(const struct gmem *m, gpa_t from, void *dst, size_t n)
{
    unsigned char *d = dst;
    uint64_t gpa = from.v, run = 0;

    if (n && !gmem_is_ram(m, from, n))
        return -EFAULT;
    for (; n; gpa += run, d += run, n -= run) {
        const unsigned char *host = at(m, gpa, n, &run);

        fetch_copy(d, host, run);
    }
    return 0;
}

int gmem_write(struct gmem *m, gpa_t to, const void *src, size_t n)
{
    const unsigned char *s = src;
    uint64_t gpa = to.v, run = 0;

    if (n && !gmem_is_ram(m, to, n))
        return -EFAULT;
    for (; n; gpa += run, s += run, n -= run) {
        unsigned char *host = at(m, gpa, n, &run);

        memcpy(host, s, run);
    }
    return 0;
}

static int iov_of_many(const struct gmem *m, gpa_t base, uint64_t n,
                       struct iovec *iov, int max)
{
    uint64_t gpa = base.v, run = 0;
    int used = 0;

    if (n && !gmem_is_ram(m, base, n))
        return -EFAULT;
    for (; n; gpa += run, n -= run) {
        if (used == max)
            return -E2BIG;
        iov[used].iov_base = at(m, gpa, n, &run);
        iov[used++].iov_len = run;
    }
    return used;
}

/* Nearly always it is one piece. */
int gmem_iov(const struct gmem *m, gpa_t base, uint64_t n, struct iovec *iov,
             int max)
{
    const struct run r = run_at(m, base.v, n);

    if (!r.host || r.n != n || !n || max < 1)
        return iov_of_many(m, base, n, iov, max);
    *iov = (struct iovec){r.host, n};
    return 1;
}

int gmem_win(const struct gmem *m, gpa_t base, size_t n, struct gwin *win)
{
    const struct run r = run_at(m, base.v, n);

    if (!r.host || r.n != n || !n)
        return -EFAULT;
    *win = (struct gwin){.host = r.host, .size = n};
    return 0;
}

int gmem_load(struct gmem *m, gpa_t to, int fd, uint64_t off, uint64_t n)
{
    uint64_t gpa = to.v, run = 0;

    if (n && !gmem_is_ram(m, to, n))
        return -EFAULT;
    while (n) {
        unsigned char *host = at(m, gpa, n, &run);
        const ssize_t got = pread(fd, host, run, (off_t)off);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return -EIO;
        gpa += (uint64_t)got;
        off += (uint64_t)got;
        n -= (uint64_t)got;
    }
    return 0;
}

int gmem_discard_all(struct gmem *m)
{
    for (unsigned i = 0; i < m->n_maps; i++)
        if (madvise(m->maps[i].host, m->maps[i].size, m->discard) < 0)
            return -errno;
    return 0;
}

/* Whole pages of n host bytes, in one slot. */
static int64_t discard_run(const struct gmem *m, unsigned char *host,
                           uint64_t n)
{
    const uint64_t head = -(uintptr_t)host & (m->page - 1);
    const uint64_t whole = n > head ? (n - head) & ~(m->page - 1) : 0;

    if (!whole)
        return 0;
    if (madvise(host + head, whole, m->discard) < 0)
        return -errno;
    return (int64_t)whole;
}

int64_t gmem_discard(struct gmem *m, gpa_t base, uint64_t n)
{
    uint64_t gpa = base.v, run = 0;
    int64_t sum = 0;

    if (n && !gmem_is_ram(m, base, n))
        return -EFAULT;
    for (; n; gpa += run, n -= run) {
        unsigned char *host = at(m, gpa, n, &run);
        const int64_t ret = discard_run(m, host, run);

        if (ret < 0)
            return ret;
        sum += ret;
    }
    return sum;
}

int64_t gmem_discard_iov(struct gmem *m, const struct iovec *iov)
{
    unsigned char *host = iov->iov_base;

    for (unsigned i = 0; i < m->n_slots; i++) {
        const struct gmem_slot *s = &m->slots[i];
        const uint64_t off = (uintptr_t)host - (uintptr_t)s->host;

        if (range_ok(off, iov->iov_len, s->size))
            return discard_run(m, host, iov->iov_len);
    }
    BUG_ON(true);
}
