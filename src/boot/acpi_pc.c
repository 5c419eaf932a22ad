// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * acpi_pc.c: the ACPI tables of a PC of the PIIX4 generation: fixed hardware,
 * described as ACPI 2.0 did (FADT revision 3) below an RSDT, which everything
 * since the first ACPI systems can read. Source: ACPI 6.5, 5.2 (which keeps
 * those forms); IA-PC HPET 1.0a, 3.2.4; the 82371AB datasheet for the ports.
 *
 * A firmware moves the tables where it likes: it is given them as they would
 * be at address 0, and the list of what then has to be corrected.
 *
 * Pure, as acpi.c.
 */
#include "boot/acpi.h"

#include "abi/layout.h"
#include "abi/pc.h"
#include "boot/acpi_priv.h"
#include "vmm/log.h"

#include <string.h>

#define FADT_REVISION 3
#define MADT_REVISION 1
#define RSDT_REVISION 1

#define MAX_TABLES 3

/* PIIX4: offsets behind the ports' base (devices/platform/piix4_pm.h). */
#define PM1_EVENT   0x00u
#define PM1_CONTROL 0x04u
#define PM_TIMER    0x08u
#define GPE0        0x0cu

#define SMI_ACPI_ENABLE  0xf1u
#define SMI_ACPI_DISABLE 0xf0u

#define RESET_PORT   0xcf9u
#define RESET_VALUE  0x06u
#define CMOS_CENTURY 0x32u

#define NO_C2 0x0fffu
#define NO_C3 0x0fffu

#define HPET_ID       0x8086a201u
#define HPET_MIN_TICK 100u

static void note_pointer(struct acpi_fixups *f, size_t at, uint8_t size)
{
    if (!f)
        return;
    BUG_ON(f->n_pointers == ACPI_MAX_POINTERS);
    f->pointers[f->n_pointers].at = (uint32_t)at;
    f->pointers[f->n_pointers++].size = size;
}

static void note_sum(struct acpi_fixups *f, size_t table, size_t length)
{
    if (!f)
        return;
    BUG_ON(f->n_sums == ACPI_MAX_SUMS);
    f->sums[f->n_sums].table = (uint32_t)table;
    f->sums[f->n_sums++].length = (uint32_t)length;
}

static size_t put_facs(struct writer *w)
{
    const struct acpi_facs f = {
        .signature = {'F', 'A', 'C', 'S'},
        .length = sizeof(f),
        .version = ACPI_FACS_VERSION,
    };
    size_t at;

    writer_align(w, ACPI_FACS_ALIGN);
    at = w->len;
    writer_bytes(w, &f, sizeof(f));
    return at;
}

/* The PIIX4's registers, in the words of 1996 and in those of 2000. */
static void fadt_registers(struct acpi_fadt *f, const struct dev_desc *pm)
{
    const uint32_t base = (uint32_t)pm->base;

    f->sci = (uint16_t)pm->gsi;
    f->smi_command = PC_SMI;
    f->acpi_enable = SMI_ACPI_ENABLE;
    f->acpi_disable = SMI_ACPI_DISABLE;
    f->pm1a_event = base + PM1_EVENT;
    f->pm1_event_len = 4;
    f->pm1a_control = base + PM1_CONTROL;
    f->pm1_control_len = 2;
    f->pm_timer = base + PM_TIMER;
    f->pm_timer_len = 4;
    f->gpe0 = base + GPE0;
    f->gpe0_len = 4;
    f->x_pm1a_event = acpi_ports(f->pm1a_event, f->pm1_event_len);
    f->x_pm1a_control = acpi_ports(f->pm1a_control, f->pm1_control_len);
    f->x_pm_timer = acpi_ports(f->pm_timer, f->pm_timer_len);
    f->x_gpe0 = acpi_ports(f->gpe0, f->gpe0_len);
}

static size_t put_fadt(struct writer *w, const struct machine_desc *m,
                       uint32_t facs, uint32_t dsdt, struct acpi_fixups *fix)
{
    const size_t at = acpi_table_begin(w, "FACP", FADT_REVISION);
    struct acpi_fadt f = {
        .facs = facs,
        .dsdt = dsdt,
        .c2_latency = NO_C2,
        .c3_latency = NO_C3,
        .century = CMOS_CENTURY,
        .boot_arch = ACPI_BOOT_LEGACY | ACPI_BOOT_8042,
        .flags = ACPI_FADT_WBINVD | ACPI_FADT_PROC_C1 |
                 ACPI_FADT_NO_FIXED_SLEEP | ACPI_FADT_RESET_REG,
        .reset = acpi_ports(RESET_PORT, 1),
        .reset_value = RESET_VALUE,
        .x_dsdt = dsdt,
    };

    fadt_registers(&f, machine_find(m, DEV_PIIX4));
    writer_bytes(w, (const unsigned char *)&f + sizeof(f.header),
                 ACPI_FADT_V3 - sizeof(f.header));
    acpi_table_end(w, at);
    note_pointer(fix, at + offsetof(struct acpi_fadt, facs), 4);
    note_pointer(fix, at + offsetof(struct acpi_fadt, dsdt), 4);
    note_pointer(fix, at + offsetof(struct acpi_fadt, x_dsdt), 8);
    note_sum(fix, at, ACPI_FADT_V3);
    return at;
}

static void put_override(struct writer *w, uint8_t irq, uint32_t gsi,
                         uint16_t flags)
{
    const struct acpi_madt_override e = {
        .type = ACPI_MADT_OVERRIDE,
        .length = sizeof(e),
        .irq = irq,
        .gsi = gsi,
        .flags = flags,
    };

    writer_bytes(w, &e, sizeof(e));
}

/* The timer is on pin 2, and ACPI's own interrupt is a level. */
static size_t put_madt(struct writer *w, const struct machine_desc *m)
{
    const size_t at = acpi_table_begin(w, "APIC", MADT_REVISION);
    const uint32_t head[2] = {LAYOUT_LAPIC, ACPI_MADT_PCAT_COMPAT};
    const struct dev_desc *pm = machine_find(m, DEV_PIIX4);

    writer_bytes(w, head, sizeof(head));
    acpi_put_lapics(w, m->n_cpus);
    acpi_put_ioapic(w, machine_find(m, DEV_IOAPIC));
    put_override(w, PC_IRQ_TIMER, PC_PIN_TIMER, 0);
    put_override(w, (uint8_t)pm->gsi, pm->gsi,
                 ACPI_MPS_ACTIVE_HIGH | ACPI_MPS_LEVEL);
    acpi_table_end(w, at);
    return at;
}

static size_t put_hpet(struct writer *w, const struct dev_desc *d)
{
    const size_t at = acpi_table_begin(w, "HPET", ACPI_HPET_REVISION);
    const struct acpi_hpet h = {
        .block_id = HPET_ID,
        .base = {.space = ACPI_SPACE_MEMORY, .address = d->base},
        .min_tick = HPET_MIN_TICK,
    };

    writer_bytes(w, (const unsigned char *)&h + sizeof(h.header),
                 sizeof(h) - sizeof(h.header));
    acpi_table_end(w, at);
    return at;
}

static size_t put_rsdt(struct writer *w, const uint32_t *tables, size_t n,
                       struct acpi_fixups *fix)
{
    const size_t at = acpi_table_begin(w, "RSDT", RSDT_REVISION);

    for (size_t i = 0; i < n; i++)
        note_pointer(fix, w->len + i * sizeof(*tables), sizeof(*tables));
    writer_bytes(w, tables, n * sizeof(*tables));
    acpi_table_end(w, at);
    note_sum(fix, at, w->len - at);
    return at;
}

static void patch_rsdp(struct writer *w, uint32_t rsdt)
{
    struct acpi_rsdp r = {
        .signature = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' '},
        .oem_id = {'V', 'M', 'M', ' ', ' ', ' '},
        .rsdt = rsdt,
    };

    r.checksum = acpi_checksum(&r, ACPI_RSDP_V1);
    writer_patch(w, 0, &r, ACPI_RSDP_V1);
}

int64_t acpi_pc_build(const struct machine_desc *m, gpa_t base, void *buf,
                      size_t size, struct acpi_fixups *fix)
{
    static const unsigned char empty[ACPI_PC_TABLES];
    /* base may be below 0, so to speak: what is added to it then is not. */
    const uint32_t low = (uint32_t)base.v;
    const struct dev_desc *hpet = machine_find(m, DEV_HPET);
    uint32_t tables[MAX_TABLES];
    struct writer w;
    size_t facs, dsdt, n = 0;

    BUG_ON(base.v % ACPI_FACS_ALIGN);
    writer_init(&w, buf, size);
    writer_bytes(&w, empty, sizeof(empty));
    facs = put_facs(&w);
    dsdt = acpi_pc_put_dsdt(&w, m);
    tables[n++] = low + (uint32_t)put_fadt(&w, m, low + (uint32_t)facs,
                                           low + (uint32_t)dsdt, fix);
    tables[n++] = low + (uint32_t)put_madt(&w, m);
    if (hpet)
        tables[n++] = low + (uint32_t)put_hpet(&w, hpet);
    patch_rsdp(&w, low + (uint32_t)put_rsdt(&w, tables, n, fix));
    return writer_size(&w);
}
