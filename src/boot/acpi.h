/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * acpi.h: the ACPI tables of a machine_desc: those of hardware-reduced ACPI, or
 * a PC's.
 * Source: ACPI 6.5 (5.2.5 RSDP, 5.2.8 XSDT, 5.2.9 FADT, 5.2.12 MADT,
 * 5.6.9 GED, 20 AML).
 */
#ifndef BOOT_ACPI_H
#define BOOT_ACPI_H

#include "vmm/machine.h"
#include "vmm/types.h"

#include <stddef.h>

/*
 * Write RSDP, XSDT (a PC: RSDT), FADT, MADT, DSDT and so on into buf, which
 * will lie at guest address base (16-byte aligned, a PC's 64; below 4 GiB).
 * The RSDP is the first byte; the tables follow, each at the next multiple of
 * 16. Returns the bytes used, or -ENOSPC.
 */
must_check int64_t acpi_build(const struct machine_desc *m, gpa_t base,
                              void *buf, size_t size);

/* What has to be done to a PC's tables where somebody else places them. */
#define ACPI_MAX_POINTERS 12
#define ACPI_MAX_SUMS     4

struct acpi_fixups {
    /* Offsets of pointers to tables: add where the tables are. */
    struct {
        uint32_t at;
        uint8_t size; /* bytes: 4 or 8 */
    } pointers[ACPI_MAX_POINTERS];
    unsigned n_pointers;
    /* Tables with pointers in them: then sum up anew. */
    struct {
        uint32_t table;
        uint32_t length;
    } sums[ACPI_MAX_SUMS];
    unsigned n_sums;
};

/* Where the first table is: behind the RSDP, which stands alone. */
#define ACPI_PC_TABLES 64u

/* As acpi_build; fixups, if not NULL, is filled in, but for the RSDP's. */
must_check int64_t acpi_pc_build(const struct machine_desc *m, gpa_t base,
                                 void *buf, size_t size,
                                 struct acpi_fixups *fixups);

#endif
