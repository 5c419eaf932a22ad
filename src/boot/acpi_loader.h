/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * acpi_loader.h: a PC's ACPI tables as files for its firmware, which finds
 * memory for them: the tables, the RSDP, and a script that says what goes
 * where and what is corrected then. Source: the comments on fw_cfg's
 * "etc/table-loader" in SeaBIOS (src/fw/romfile_loader.h is its reader) and
 * OVMF; QEMU's docs/specs/acpi_hw_reduced_hotplug.rst names the files.
 */
#ifndef BOOT_ACPI_LOADER_H
#define BOOT_ACPI_LOADER_H

#include "boot/acpi.h"
#include "vmm/machine.h"
#include "vmm/types.h"

#define ACPI_FILE_RSDP   "etc/acpi/rsdp"
#define ACPI_FILE_TABLES "etc/acpi/tables"
#define ACPI_FILE_SCRIPT "etc/table-loader"

#define ACPI_RSDP_BYTES 20u
/* Two files to place, and then fixups. */
#define ACPI_MAX_STEPS  (2 + ACPI_MAX_POINTERS + 1 + ACPI_MAX_SUMS + 1)
#define ACPI_STEP_BYTES 128u
#define ACPI_FILES_MAX  (64 * KIB)

struct acpi_files {
    unsigned char rsdp[ACPI_RSDP_BYTES];
    unsigned char *tables; /* owned */
    size_t tables_size;
    unsigned char script[ACPI_MAX_STEPS][ACPI_STEP_BYTES];
    unsigned n_steps;
};

/* 0 or -errno, logged. */
must_check int acpi_files_build(const struct machine_desc *m,
                                struct acpi_files *out);
void acpi_files_free(struct acpi_files *files); /* also one all zeroes */

#endif
