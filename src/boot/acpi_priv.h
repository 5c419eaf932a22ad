/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * acpi_priv.h: what the files that write ACPI tables share: acpi.c (the tables
 * and the platform's devices), acpi_pci.c (the PCI bus).
 */
#ifndef BOOT_ACPI_PRIV_H
#define BOOT_ACPI_PRIV_H

#include "boot/acpi_tables.h"
#include "boot/aml.h"
#include "vmm/machine.h"

/* Start a table at the next aligned offset, which is returned. */
must_check size_t acpi_table_begin(struct writer *w, const char *signature,
                                   uint8_t revision);
/* Everything from at to the end is one table: write its length and sum. */
void acpi_table_end(struct writer *w, size_t at);

/* Name (_HID, ...): a string (ACPI ids) or a packed EISA id (PNP ids). */
void acpi_put_hid(struct writer *w, const char *id);
void acpi_put_uid(struct writer *w, unsigned uid);

/* A fixed range of memory, in a resource template. */
void acpi_put_memory(struct writer *w, uint64_t base, uint32_t size);

/* The bus as devices of the DSDT, and its table; returns where that begins. */
void acpi_put_pci(struct writer *w, const struct machine_desc *m,
                  const struct dev_desc *host);
must_check size_t acpi_put_mcfg(struct writer *w, const struct machine_desc *m);

#endif
