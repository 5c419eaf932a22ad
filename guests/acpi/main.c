/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * acpi: the tables are well-formed (signatures, lengths, sums of bytes) and
 * tell of a hardware-reduced machine: FADT with the sleep and reset
 * registers of abi/layout.h, MADT with cpus=N CPUs and the IOAPIC, DSDT with
 * \_S5. Source: ACPI 6.5, 5.2.
 */
#include "abi/layout.h"
#include "acpi.h"
#include "console.h"
#include "report.h"
#include "smp.h"
#include "start_info.h"
#include "string.h"

#include <stddef.h>

#define TABLE_MAX 0x20000u

static void check_table(const struct acpi_header *t)
{
    printf("%c%c%c%c at 0x%lx, %u bytes\n", t->signature[0], t->signature[1],
           t->signature[2], t->signature[3], (unsigned long)(uintptr_t)t,
           t->length);
    CHECK_GE("table length", t->length, sizeof(*t));
    CHECK_LE("table length", t->length, TABLE_MAX);
    CHECK_GE("table address", (uintptr_t)t, LAYOUT_TABLES);
    CHECK_LE("table end", (uintptr_t)t + t->length, LAYOUT_TABLES_END);
    if (t->length <= TABLE_MAX)
        CHECK_EQ("table sum is 0", acpi_sum_ok(t, t->length), 1);
}

static void check_rsdp(const struct acpi_rsdp *rsdp)
{
    if (!rsdp)
        test_error("start_info names no RSDP");
    CHECK_EQ("RSDP signature", memcmp(rsdp->signature, "RSD PTR ", 8) == 0, 1);
    CHECK_EQ("RSDP alignment", (uintptr_t)rsdp & 15, 0);
    CHECK_GE("RSDP revision", rsdp->revision, 2);
    CHECK_EQ("RSDP length", rsdp->length, sizeof(*rsdp));
    CHECK_EQ("RSDP sum is 0", acpi_sum_ok(rsdp, 20), 1);
    CHECK_EQ("RSDP extended sum is 0", acpi_sum_ok(rsdp, sizeof(*rsdp)), 1);
    CHECK_NE("XSDT address", rsdp->xsdt, 0);
}

static void check_xsdt(const struct acpi_header *xsdt)
{
    check_table(xsdt);
    CHECK_EQ("XSDT signature", memcmp(xsdt->signature, "XSDT", 4) == 0, 1);
    for (uint32_t at = sizeof(*xsdt); at + 8 <= xsdt->length; at += 8) {
        uint64_t addr;

        memcpy(&addr, (const char *)xsdt + at, sizeof(addr));
        check_table((const struct acpi_header *)(uintptr_t)addr);
    }
}

static void check_port(const char *what, const struct acpi_gas *gas,
                       unsigned port)
{
    CHECK_EQ(what, gas->space, ACPI_SPACE_IO);
    CHECK_EQ(what, gas->bit_width, 8);
    CHECK_EQ(what, gas->bit_offset, 0);
    CHECK_EQ(what, gas->address, port);
}

static void check_fadt(void)
{
    const struct acpi_fadt *fadt = acpi_find("FACP");

    if (!fadt)
        test_error("the XSDT names no FADT");
    CHECK_GE("FADT revision", fadt->header.revision, 5);
    CHECK_GE("FADT length", fadt->header.length,
             offsetof(struct acpi_fadt, hypervisor_id));
    CHECK_NE("FADT HW_REDUCED_ACPI", fadt->flags & ACPI_FADT_HW_REDUCED, 0);
    CHECK_NE("FADT RESET_REG_SUP", fadt->flags & ACPI_FADT_RESET_REG, 0);
    check_port("reset register", &fadt->reset_reg, LAYOUT_RESET);
    CHECK_EQ("reset value", fadt->reset_value, LAYOUT_RESET_VALUE);
    check_port("sleep control register", &fadt->sleep_control,
               LAYOUT_SLEEP_CTL);
    check_port("sleep status register", &fadt->sleep_status, LAYOUT_SLEEP_STS);
    if (fadt->dsdt && fadt->x_dsdt)
        CHECK_EQ("DSDT, both pointers", fadt->x_dsdt, fadt->dsdt);
}

static void check_dsdt(void)
{
    const struct acpi_header *dsdt = acpi_dsdt();
    uint8_t type = 0;

    if (!dsdt)
        test_error("the FADT names no DSDT");
    check_table(dsdt);
    CHECK_EQ("DSDT signature", memcmp(dsdt->signature, "DSDT", 4) == 0, 1);
    CHECK_EQ("DSDT has _S5", acpi_s5_type(&type), 1);
    CHECK_EQ("_S5 sleep type", type, LAYOUT_S5_TYP);
}

static void check_madt(void)
{
    const struct acpi_madt *madt = acpi_find("APIC");
    const struct acpi_madt_entry *e = NULL;
    static uint32_t ids[SMP_MAX_CPUS];
    unsigned bytes = sizeof(*madt), ioapics = 0;
    uint64_t cpus;

    if (!madt)
        test_error("the XSDT names no MADT");
    if (!start_info_option("cpus", &cpus))
        test_error("the command line has no cpus=N");
    CHECK_EQ("local APIC address", madt->lapic_addr, LAYOUT_LAPIC);
    while ((e = acpi_madt_next(e))) {
        bytes += e->length;
        if (e->type != ACPI_MADT_IOAPIC)
            continue;
        ioapics++;
        CHECK_EQ("IOAPIC address", e->u.ioapic.addr, LAYOUT_IOAPIC);
        CHECK_EQ("IOAPIC first interrupt", e->u.ioapic.gsi_base, 0);
    }
    CHECK_EQ("MADT entries end where it ends", bytes, madt->header.length);
    CHECK_EQ("IOAPICs", ioapics, 1);
    CHECK_EQ("CPUs", acpi_cpus(ids, SMP_MAX_CPUS), cpus);
    for (unsigned i = 0; i < cpus; i++)
        CHECK_EQ("APIC id", ids[i], i);
}

void test_main(void)
{
    check_rsdp(acpi_rsdp());
    check_xsdt((const struct acpi_header *)(uintptr_t)acpi_rsdp()->xsdt);
    check_fadt();
    check_dsdt();
    check_madt();
}
