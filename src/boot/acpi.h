/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * acpi.h: the hardware-reduced ACPI tables of a machine_desc.
 * Source: ACPI 6.5 (5.2.5 RSDP, 5.2.8 XSDT, 5.2.9 FADT, 5.2.12 MADT,
 * 5.6.9 GED, 20 AML).
 */
#ifndef BOOT_ACPI_H
#define BOOT_ACPI_H

#include "vmm/machine.h"
#include "vmm/types.h"

#include <stddef.h>

/*
 * Write RSDP, XSDT, FADT, MADT and DSDT into buf, which will lie at guest
 * address base (16-byte aligned, below 4 GiB). The RSDP is the first byte;
 * the tables follow, each at the next multiple of 16. Returns the bytes used,
 * or -ENOSPC.
 */
must_check int64_t acpi_build(const struct machine_desc *m, gpa_t base,
                              void *buf, size_t size);

#endif
