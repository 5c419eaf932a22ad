/* SPDX-License-Identifier: MIT */
/*
 * acpi.c: see acpi.h. The tables come from the VMM under test: a length is
 * believed only as far as it can be followed.
 */
#include "acpi.h"

#include "start_info.h"
#include "string.h"

#include <stddef.h>

#define MADT_ENABLED 1u

#define AML_NAME    0x08
#define AML_PACKAGE 0x12
#define AML_BYTE    0x0a

/* Resource descriptors (6.4.3): the tag, a length of two bytes, the rest. */
#define RES_MEMORY32  0x86
#define RES_INTERRUPT 0x89

const struct acpi_rsdp *acpi_rsdp(void)
{
    return (const struct acpi_rsdp *)(uintptr_t)start_info()->rsdp_paddr;
}

const void *acpi_find(const char *signature)
{
    const struct acpi_rsdp *rsdp = acpi_rsdp();
    const struct acpi_header *xsdt;
    unsigned n;

    if (!rsdp || !rsdp->xsdt)
        return NULL;
    xsdt = (const struct acpi_header *)(uintptr_t)rsdp->xsdt;
    n = (xsdt->length - (unsigned)sizeof(*xsdt)) / 8;
    for (unsigned i = 0; i < n; i++) {
        uint64_t addr;
        const struct acpi_header *table;

        memcpy(&addr, (const char *)(xsdt + 1) + 8 * i, sizeof(addr));
        table = (const struct acpi_header *)(uintptr_t)addr;
        if (memcmp(table->signature, signature, 4) == 0)
            return table;
    }
    return NULL;
}

const struct acpi_header *acpi_dsdt(void)
{
    const struct acpi_fadt *fadt = acpi_find("FACP");

    if (!fadt)
        return NULL;
    if (fadt->header.length >= offsetof(struct acpi_fadt, x_legacy) &&
        fadt->x_dsdt)
        return (const struct acpi_header *)(uintptr_t)fadt->x_dsdt;
    return (const struct acpi_header *)(uintptr_t)fadt->dsdt;
}

const struct acpi_madt_entry *acpi_madt_next(const struct acpi_madt_entry *e)
{
    const struct acpi_madt *madt = acpi_find("APIC");
    const char *next, *end;

    if (!madt)
        return NULL;
    next = e ? (const char *)e + e->length : (const char *)(madt + 1);
    end = (const char *)madt + madt->header.length;
    if (end - next < 2)
        return NULL;
    e = (const struct acpi_madt_entry *)next;
    return e->length < 2 || e->length > end - next ? NULL : e;
}

unsigned acpi_cpus(uint32_t *apic_ids, unsigned max)
{
    const struct acpi_madt_entry *e = NULL;
    unsigned n = 0;

    while (n < max && (e = acpi_madt_next(e))) {
        if (e->type == ACPI_MADT_LAPIC && e->u.lapic.flags & MADT_ENABLED)
            apic_ids[n++] = e->u.lapic.apic_id;
        if (e->type == ACPI_MADT_X2APIC && e->u.x2apic.flags & MADT_ENABLED)
            apic_ids[n++] = e->u.x2apic.apic_id;
    }
    return n;
}

bool acpi_sum_ok(const void *table, uint32_t length)
{
    const uint8_t *bytes = table;
    uint8_t sum = 0;

    for (uint32_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

/*
 * Name (_S5, Package () {type, ...}): NameOp, the name, PackageOp, a
 * package length of one byte (the package is small), the element count, and
 * the first element: a byte constant, or Zero and One as opcodes.
 */
static bool s5_at(const uint8_t *p, uint8_t *type)
{
    if (memcmp(p + 1, "_S5_", 4) != 0 || p[0] != AML_NAME ||
        p[5] != AML_PACKAGE)
        return false;
    *type = p[8] == AML_BYTE ? p[9] : p[8];
    return true;
}

bool acpi_s5_type(uint8_t *type)
{
    const struct acpi_header *dsdt = acpi_dsdt();
    const uint8_t *aml = (const uint8_t *)(dsdt + 1);
    uint32_t n;

    if (!dsdt || dsdt->length < sizeof(*dsdt) + 10)
        return false;
    n = dsdt->length - (uint32_t)sizeof(*dsdt) - 10;
    for (uint32_t i = 0; i <= n; i++)
        if (aml[i] == AML_NAME && s5_at(aml + i, type))
            return true;
    return false;
}

struct res_memory32 {
    uint8_t tag;
    uint16_t length;
    uint8_t writable;
    uint32_t base, size;
} __attribute__((packed));

struct res_interrupt {
    uint8_t tag;
    uint16_t length;
    uint8_t flags, count;
    uint32_t gsi;
} __attribute__((packed));

/* A memory descriptor with its interrupt right after it. */
struct res_device {
    struct res_memory32 memory;
    struct res_interrupt interrupt;
} __attribute__((packed));

bool acpi_gsi_of(uint32_t base, uint32_t *gsi)
{
    const struct acpi_header *dsdt = acpi_dsdt();
    const char *at = (const char *)dsdt;
    struct res_device d;

    if (!dsdt)
        return false;
    for (uint32_t i = 0; i + sizeof(d) <= dsdt->length; i++) {
        if ((uint8_t)at[i] != RES_MEMORY32)
            continue;
        memcpy(&d, at + i, sizeof(d));
        if (d.memory.base != base || d.interrupt.tag != RES_INTERRUPT)
            continue;
        *gsi = d.interrupt.gsi;
        return true;
    }
    return false;
}
