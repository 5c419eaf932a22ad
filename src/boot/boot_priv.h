/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * boot_priv.h: between boot.c, which opens a guest's files and chooses the
 * boot protocol, the protocols (boot_*.c), and boot_parts.c, which has the
 * work that they share.
 */
#ifndef BOOT_BOOT_PRIV_H
#define BOOT_BOOT_PRIV_H

#include "abi/layout.h"
#include "boot/boot.h"
#include "boot/image.h"
#include "boot/place.h"
#include "vmm/types.h"

#define BOOT_WINDOW (LAYOUT_TABLES_END - LAYOUT_TABLES)
#define BOOT_LOW    (36 * KIB)
/* bytes, where the kernel does not say less */
#define BOOT_CMDLINE_MAX 4095

struct boot_file {
    int fd; /* owned */
    uint64_t size;
};

/* What goes where; a protocol may add a module of its own. */
struct boot_plan {
    struct placed_module modules[BOOT_MAX_MODULES + 1];
    unsigned n_modules;
    size_t tables; /* bytes of the window used */
    gpa_t info;    /* in the window: start_info, Multiboot information */
    gpa_t kernel;  /* boot_linux.c: where it is loaded */
};

/* What firmware loads: boot_linux16.c. */
enum boot_fw_kind {
    BOOT_FW_SETUP,
    BOOT_FW_KERNEL,
    BOOT_FW_CMDLINE,
    BOOT_FW_INITRD,
    BOOT_FW_PARTS,
};

struct boot_fw_part {
    void *host; /* owned, mapped; NULL: there is none */
    uint32_t size;
    uint32_t addr; /* where in guest memory it goes */
};

#define BOOT_FW_MAX 16u

struct boot_fw {
    struct boot_fw_part parts[BOOT_FW_PARTS];
    uint8_t rom[512];
    struct boot_fw_item items[BOOT_FW_MAX];
    unsigned n_items;
};

struct boot {
    const struct boot_config *cfg; /* borrowed */
    const struct boot_ops *how;    /* its row */
    struct rom rom;                /* owned; of size 0: none */
    struct image *img;             /* owned; NULL: none */
    /* What boot_load_segments loads; the ELF's if nobody says else. */
    const struct image_segment *segments; /* borrowed */
    unsigned n_segments;
    struct boot_file files[BOOT_MAX_MODULES];
    unsigned n_files;      /* opened so far */
    struct boot_plan plan; /* made by place */
    /* The tables, ditto; they will be at LAYOUT_TABLES. */
    _Alignas(8) unsigned char window[BOOT_WINDOW];
    /* What boot_linux.c puts below 64 KiB; untouched otherwise. */
    _Alignas(8) unsigned char low[BOOT_LOW];
    struct boot_fw fw;
    unsigned calls; /* hypercall instructions replaced: xen_calls.c */
};

/*
 * A boot protocol: a row of protocols[] in boot.c. place and load are
 * boot_place and boot_load.
 */
struct boot_ops {
    const char *name;
    /* NULL: it starts a kernel; else open what it starts instead. */
    int (*open)(struct boot *b);
    /* Can it start this image at this entry? */
    bool (*takes)(const struct image_info *info, enum boot_entry entry);
    /* Is all that was opened what the protocol can hand over? NULL: yes. */
    int (*check)(struct boot *b);
    int (*place)(struct boot *b, const struct gmem *mem,
                 const struct machine_desc *m, struct entry_state *out);
    int (*load)(struct boot *b, struct gmem *mem);
};

extern const struct boot_ops boot_pvh;
extern const struct boot_ops boot_firmware;
extern const struct boot_ops boot_linux16;
extern const struct boot_ops boot_linux64;
extern const struct boot_ops boot_linux32;
extern const struct boot_ops boot_multiboot;

/* The device tree of m for a guest placed by p, in buf; as fdt_build. */
must_check int64_t boot_build_fdt(const struct boot *b,
                                  const struct machine_desc *m,
                                  const struct boot_plan *p, void *buf,
                                  size_t size);

/* ---- boot_linux.c; 0 or -errno, logged ---- */

/* Is it a bzImage and are the initrds what Linux can be given? */
must_check int boot_check_linux(struct boot *b);

/*
 * Find places for a bzImage that is loaded at (0: where it wants to be) and
 * for its initrds, clear of keep (NULL: nothing) too.
 */
must_check int boot_plan_linux(struct boot *b, const struct machine_desc *m,
                               const struct gmem *mem, uint64_t at,
                               const struct span *keep);

/* Bytes of all initrds in a row; where the next may begin after offset at. */
uint64_t boot_initrd_size(const struct boot *b);
uint64_t boot_initrd_next(uint64_t at);

/* ---- boot_parts.c; 0 or -errno, logged ---- */

/*
 * The ACPI tables at the window's beginning: plan.tables is where the next part
 * may start.
 */
must_check int boot_plan_acpi(struct boot *b, const struct machine_desc *m);

/* Is every segment in RAM? */
must_check int boot_check_segments(const struct boot *b,
                                   const struct machine_desc *m,
                                   const struct gmem *mem);

/* Where the segments go; returns how many. */
unsigned boot_segment_spans(const struct boot *b,
                            struct span out[IMAGE_MAX_SEGMENTS]);

/*
 * Find a place for every module, as high as there is RAM below RAM, and
 * clear of the kernel's n spans and of each other, and put it into the plan.
 */
must_check int boot_plan_modules(struct boot *b, const struct machine_desc *m,
                                 const struct span *kernel, unsigned n);

/* n bytes at off; -EIO if they are not all there. Not logged. */
must_check int boot_read_file(int fd, uint64_t off, void *dst, uint64_t n);

/* Copy the segments, the modules, the window's first bytes. */
must_check int boot_load_segments(struct boot *b, struct gmem *mem);
/* xen_calls.c: after the segments; see boot_config.xen_calls. */
must_check int boot_patch_calls(struct boot *b, struct gmem *mem);
must_check int boot_load_modules(const struct boot *b, struct gmem *mem);
must_check int boot_load_window(const struct boot *b, struct gmem *mem);

#endif
