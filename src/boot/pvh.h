/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvh.h: what a PVH guest finds behind %ebx: hvm_start_info and all it
 * points to. Source: Xen docs/misc/pvh.pandoc (abi/pvh.h).
 */
#ifndef BOOT_PVH_H
#define BOOT_PVH_H

#include "boot/place.h"
#include "vmm/machine.h"
#include "vmm/types.h"

#define PVH_ALIGN 8 /* what pvh_build wants of its base */

/* All borrowed. */
struct pvh_info {
    const struct machine_desc *machine; /* its map is handed over as it is */
    const char *cmdline;
    const struct placed_module *modules;
    unsigned n_modules;
    gpa_t rsdp;
};

/*
 * Write start_info (the first byte), module list, memory map and the command
 * lines into buf, which will lie at guest address base (PVH_ALIGN). Returns
 * the bytes used, or -ENOSPC.
 */
must_check int64_t pvh_build(const struct pvh_info *info, gpa_t base, void *buf,
                             size_t size);

#endif
