/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * acpi_priv.h: what the files that write ACPI tables share: acpi.c (the tables
 * and the platform's devices), acpi_pci.c (the PCI bus), acpi_pc.c and
 * acpi_pc_dsdt.c (the same of a PC).
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

void acpi_put_ports(struct writer *w, uint64_t base, uint32_t n);

/* Where a device's registers are, for acpi_put_crs. */
enum acpi_registers { ACPI_REGS_UNSAID, ACPI_REGS_PORTS, ACPI_REGS_MEMORY };

/* Name (_CRS, ResourceTemplate () {registers, interrupt if any}). */
void acpi_put_crs(struct writer *w, const struct dev_desc *d,
                  enum acpi_registers where);

void acpi_put_processor(struct writer *w, unsigned id);
void acpi_put_uart(struct writer *w, const struct dev_desc *d, unsigned nth);
/* Name (\_S5, ...) with this SLP_TYP. */
void acpi_put_s5(struct writer *w, unsigned typ);

/* MADT: the local APICs and their NMI; an I/O APIC. */
void acpi_put_lapics(struct writer *w, unsigned n);
void acpi_put_ioapic(struct writer *w, const struct dev_desc *d);

struct acpi_gas acpi_ports(uint64_t port, unsigned bytes);
uint8_t acpi_checksum(const void *p, size_t n);

/* A window of the host bridge, of ports or buses (ACPI_RES_TYPE_...). */
void acpi_put_window(struct writer *w, uint8_t type, uint16_t first,
                     uint16_t last);
/* The same of memory: [base, end). */
void acpi_put_memory_window(struct writer *w, uint64_t base, uint64_t end);
/* Name (_CRS, ResourceTemplate () {what r holds}). */
void acpi_put_template(struct writer *w, struct writer *r);
/* An entry of a _PRT: INTA# of a slot, to a GSI. */
void acpi_put_route(struct writer *w, unsigned slot, uint32_t gsi);

/* The DSDT of a PC; returns where it begins. */
must_check size_t acpi_pc_put_dsdt(struct writer *w,
                                   const struct machine_desc *m);

/* The bus as devices of the DSDT, and its table; returns where that begins. */
void acpi_put_pci(struct writer *w, const struct machine_desc *m,
                  const struct dev_desc *host);
must_check size_t acpi_put_mcfg(struct writer *w, const struct machine_desc *m);

#endif
