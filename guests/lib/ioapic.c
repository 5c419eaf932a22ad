/* SPDX-License-Identifier: MIT */
/*
 * ioapic.c: see ioapic.h.
 */
#include "ioapic.h"

#include "acpi.h"
#include "apic.h"
#include "cpu.h"
#include "report.h"

#include <stddef.h>

#define SELECT 0x00
#define WINDOW 0x10

static uintptr_t base;

void ioapic_init(void)
{
    const struct acpi_madt_entry *e = NULL;

    while ((e = acpi_madt_next(e)))
        if (e->type == ACPI_MADT_IOAPIC)
            base = e->u.ioapic.addr;
    if (!base)
        test_error("the MADT names no IOAPIC");
}

uint32_t ioapic_read(unsigned reg)
{
    mmio_write32(base + SELECT, reg);
    return mmio_read32(base + WINDOW);
}

void ioapic_write(unsigned reg, uint32_t value)
{
    mmio_write32(base + SELECT, reg);
    mmio_write32(base + WINDOW, value);
}

unsigned ioapic_pins(void)
{
    return (ioapic_read(IOAPIC_VERSION) >> 16 & 0xff) + 1;
}

uint64_t ioapic_entry(unsigned pin)
{
    uint64_t high = ioapic_read(IOAPIC_TABLE + 2 * pin + 1);

    return high << 32 | ioapic_read(IOAPIC_TABLE + 2 * pin);
}

/* Masked while the halves disagree. */
void ioapic_set_entry(unsigned pin, uint64_t entry)
{
    ioapic_mask(pin);
    ioapic_write(IOAPIC_TABLE + 2 * pin + 1, (uint32_t)(entry >> 32));
    ioapic_write(IOAPIC_TABLE + 2 * pin, (uint32_t)entry);
}

void ioapic_route(unsigned pin, unsigned vector)
{
    ioapic_set_entry(pin, IOAPIC_DEST(apic_id()) | vector);
}

void ioapic_mask(unsigned pin)
{
    ioapic_write(IOAPIC_TABLE + 2 * pin, (uint32_t)IOAPIC_MASKED);
}
