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
    gpa_t info;    /* what the guest is told about itself: start_info */
};

struct boot {
    const struct boot_config *cfg; /* borrowed */
    const struct boot_ops *how;    /* its row */
    struct rom rom;                /* owned; of size 0: none */
    struct image *img;             /* owned; NULL: none */
    struct boot_file files[BOOT_MAX_MODULES];
    unsigned n_files;      /* opened so far */
    struct boot_plan plan; /* made by place */
    /* The tables, ditto; they will be at LAYOUT_TABLES. */
    _Alignas(8) unsigned char window[BOOT_WINDOW];
};

/*
 * A boot protocol: a row of protocols[] in boot.c. place and load are
 * boot_place and boot_load.
 */
struct boot_ops {
    const char *name;
    /* NULL: it starts a kernel; else open what it starts instead. */
    int (*open)(struct boot *b);
    /* Can it start this image? If not, and if no other can, missing says so. */
    bool (*takes)(const struct image_info *info);
    const char *missing;
    int (*place)(struct boot *b, const struct gmem *mem,
                 const struct machine_desc *m, struct entry_state *out);
    int (*load)(struct boot *b, struct gmem *mem);
};

extern const struct boot_ops boot_pvh;
extern const struct boot_ops boot_firmware;

/* The device tree of m for a guest placed by p, in buf; as fdt_build. */
must_check int64_t boot_build_fdt(const struct boot *b,
                                  const struct machine_desc *m,
                                  const struct boot_plan *p, void *buf,
                                  size_t size);

/* ---- boot_parts.c; 0 or -errno, logged ---- */

/* Is every segment of the ELF in RAM? */
must_check int boot_check_segments(const struct boot *b,
                                   const struct machine_desc *m,
                                   const struct gmem *mem);

/* Where the ELF's segments go; returns how many. */
unsigned boot_segment_spans(const struct boot *b,
                            struct span out[IMAGE_MAX_SEGMENTS]);

/*
 * Find a place for every module, as high as there is RAM below RAM, and
 * clear of the kernel's n spans and of each other, and put it into the plan.
 */
must_check int boot_plan_modules(struct boot *b, const struct machine_desc *m,
                                 const struct span *kernel, unsigned n);

/* Copy the ELF's segments, the modules, the window's first bytes. */
must_check int boot_load_segments(struct boot *b, struct gmem *mem);
/* xen_calls.c: after the segments; see boot_config.xen_calls. */
must_check int boot_patch_calls(const struct boot *b, struct gmem *mem);
must_check int boot_load_modules(const struct boot *b, struct gmem *mem);
must_check int boot_load_window(const struct boot *b, struct gmem *mem);

#endif
