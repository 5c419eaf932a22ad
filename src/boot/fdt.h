/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fdt.h: the machine as a flattened device tree (Devicetree specification
 * 0.4), for guests without ACPI. Written with libfdt.
 */
#ifndef BOOT_FDT_H
#define BOOT_FDT_H

#include "vmm/machine.h"
#include "vmm/types.h"

#include <stddef.h>

/*
 * Build the tree of m into buf. cmdline goes to /chosen/bootargs;
 * initrd_start/end (0, 0: none) to /chosen. buf is 8-byte aligned. Returns
 * bytes used or -ENOSPC.
 */
must_check int64_t fdt_build(const struct machine_desc *m, const char *cmdline,
                             gpa_t initrd_start, gpa_t initrd_end, void *buf,
                             size_t size);

#endif
