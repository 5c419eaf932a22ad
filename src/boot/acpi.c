// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * acpi.c: hardware-reduced ACPI (ACPI 6.5, 4.1) for a machine_desc without a
 * PC (that is acpi_pc.c), and what both kinds of tables are made of.
 *
 * The tables follow each other from the RSDP on, each 16-byte aligned: DSDT,
 * FADT, MADT, MCFG if there is a PCI bus (acpi_pci.c), XSDT. They are as small
 * as the machine lets them be, because a guest pays for each object it
 * interprets at boot. What they say is absent matters as much as what they say
 * is there: a guest that is not told that there is no RTC, 8042 or VGA probes
 * for it at the price of thousands of exits.
 *
 * Power off: \_S5 and the sleep control register. Reset: the reset register.
 * Power button: the generic event device (5.6.9), whose _EVT reads the
 * event-select register, which clears it, and notifies PWRB.
 *
 * Pure: reads a machine_desc, writes bytes. Thread: start-up, or the loop
 * thread on a rebuild.
 */
#include "boot/acpi.h"

#include "abi/layout.h"
#include "boot/acpi_priv.h"
#include "boot/aml.h"
#include "vmm/log.h"

#include <stdio.h>
#include <string.h>

#define TABLE_ALIGN 16
#define NAME_LEN    5 /* four characters and a NUL */

/* 5.2.9: the table's revision 6.5, as major and minor. */
#define FADT_MAJOR    6
#define FADT_MINOR    5
#define MADT_REVISION 6
#define DSDT_REVISION 2 /* 64-bit integers */
#define XSDT_REVISION 1
#define RSDP_REVISION 2

/* Notification values (5.6.6) and field flags (20.2.5.2). */
#define NOTIFY_PRESSED 0x80

uint8_t acpi_checksum(const void *p, size_t n)
{
    const unsigned char *b = p;
    unsigned sum = 0;

    while (n--)
        sum += *b++;
    return (uint8_t)(0u - sum);
}

size_t acpi_table_begin(struct writer *w, const char *signature,
                        uint8_t revision)
{
    struct acpi_header h = {
        .revision = revision,
        .oem_id = {'V', 'M', 'M', ' ', ' ', ' '},
        .oem_table_id = {'V', 'M', 'M', 'T', 'A', 'B', 'L', 'E'},
        .oem_revision = 1,
        .creator_id = {'V', 'M', 'M', ' '},
        .creator_revision = 1,
    };
    size_t at;

    memcpy(h.signature, signature, sizeof(h.signature));
    writer_align(w, TABLE_ALIGN);
    at = w->len;
    writer_bytes(w, &h, sizeof(h));
    return at;
}

void acpi_table_end(struct writer *w, size_t at)
{
    const uint32_t length = (uint32_t)(w->len - at);
    uint8_t sum;

    if (writer_size(w) < 0)
        return;
    writer_patch(w, at + offsetof(struct acpi_header, length), &length, 4);
    sum = acpi_checksum(w->buf + at, length);
    writer_patch(w, at + offsetof(struct acpi_header, checksum), &sum, 1);
}

/* ---- DSDT ---- */

static void put_interrupt(struct writer *w, uint32_t gsi)
{
    const struct acpi_res_interrupt r = {
        .tag = ACPI_RES_INTERRUPT,
        .length = sizeof(r) - 3,
        .flags = ACPI_RES_INT_CONSUMER | ACPI_RES_INT_EDGE,
        .count = 1,
        .gsi = gsi,
    };

    writer_bytes(w, &r, sizeof(r));
}

void acpi_put_ports(struct writer *w, uint64_t base, uint32_t n)
{
    const struct acpi_res_io r = {
        .tag = ACPI_RES_IO,
        .decode16 = 1,
        .min = (uint16_t)base,
        .max = (uint16_t)base,
        .align = 1,
        .length = (uint8_t)n,
    };

    writer_bytes(w, &r, sizeof(r));
}

void acpi_put_memory(struct writer *w, uint64_t base, uint32_t size)
{
    const struct acpi_res_memory32 r = {
        .tag = ACPI_RES_MEMORY32,
        .length = sizeof(r) - 3,
        .writable = 1,
        .base = (uint32_t)base,
        .size = size,
    };

    writer_bytes(w, &r, sizeof(r));
}

void acpi_put_crs(struct writer *w, const struct dev_desc *d,
                  enum acpi_registers where)
{
    const struct acpi_res_end end = {.tag = ACPI_RES_END};
    unsigned char buf[32];
    struct writer r;

    writer_init(&r, buf, sizeof(buf));
    if (where == ACPI_REGS_PORTS)
        acpi_put_ports(&r, d->base, d->size);
    else if (where == ACPI_REGS_MEMORY)
        acpi_put_memory(&r, d->base, d->size);
    if (d->gsi != DEV_NO_GSI)
        put_interrupt(&r, d->gsi);
    writer_bytes(&r, &end, sizeof(end));
    BUG_ON(writer_size(&r) < 0);
    aml_op(w, AML_NAME);
    aml_name(w, "_CRS");
    aml_buffer(w, buf, r.len);
}

void acpi_put_uid(struct writer *w, unsigned uid)
{
    aml_op(w, AML_NAME);
    aml_name(w, "_UID");
    aml_int(w, uid);
}

void acpi_put_hid(struct writer *w, const char *id)
{
    aml_op(w, AML_NAME);
    aml_name(w, "_HID");
    if (strncmp(id, "PNP", 3) == 0)
        aml_eisa_id(w, id);
    else
        aml_string(w, id);
}

/* 8.4: every processor of the MADT is in the namespace, by the same _UID. */
void acpi_put_processor(struct writer *w, unsigned id)
{
    char name[NAME_LEN];
    size_t dev;

    snprintf(name, sizeof(name), "C%03X", id & 0xfff);
    dev = aml_open(w, AML_DEVICE);
    aml_name(w, name);
    acpi_put_hid(w, "ACPI0007");
    acpi_put_uid(w, id);
    aml_close(w, dev);
}

void acpi_put_uart(struct writer *w, const struct dev_desc *d, unsigned nth)
{
    char name[NAME_LEN];
    size_t dev;

    snprintf(name, sizeof(name), "COM%X", (nth + 1) & 0xf);
    dev = aml_open(w, AML_DEVICE);
    aml_name(w, name);
    acpi_put_hid(w, "PNP0501");
    acpi_put_uid(w, nth + 1);
    acpi_put_crs(w, d, ACPI_REGS_PORTS);
    aml_close(w, dev);
}

/*
 * Method (_EVT, 1) { If (ESEL & POWER) { Notify (PWRB, 0x80) } }
 * One read of ESEL only: reading clears it.
 */
static void put_evt(struct writer *w)
{
    const size_t method = aml_open(w, AML_METHOD);
    size_t branch;

    aml_name(w, "_EVT");
    writer_byte(w, AML_METHOD_1_ARG);
    branch = aml_open(w, AML_IF);
    aml_op(w, AML_AND);
    aml_name(w, "ESEL");
    aml_int(w, LAYOUT_GED_EVT_POWER);
    writer_byte(w, AML_NULL_TARGET);
    aml_op(w, AML_NOTIFY);
    aml_name(w, "PWRB");
    aml_int(w, NOTIFY_PRESSED);
    aml_close(w, branch);
    aml_close(w, method);
}

/* The event-select register: OperationRegion EREG and its field ESEL. */
static void put_event_select(struct writer *w, const struct dev_desc *d)
{
    size_t field;

    aml_op(w, AML_REGION);
    aml_name(w, "EREG");
    writer_byte(w, AML_REGION_MEMORY);
    aml_int(w, d->base);
    aml_int(w, sizeof(uint32_t));
    field = aml_open(w, AML_FIELD);
    aml_name(w, "EREG");
    writer_byte(w, AML_FIELD_DWORD);
    aml_name(w, "ESEL");
    writer_byte(w, 32); /* bits, encoded as a PkgLength of one byte */
    aml_close(w, field);
}

/* The generic event device, and the button it speaks for. */
static void put_ged(struct writer *w, const struct dev_desc *d)
{
    size_t dev = aml_open(w, AML_DEVICE);

    aml_name(w, "PWRB");
    acpi_put_hid(w, "PNP0C0C");
    aml_close(w, dev);

    dev = aml_open(w, AML_DEVICE);
    aml_name(w, "GED");
    acpi_put_hid(w, "ACPI0013");
    acpi_put_uid(w, 0);
    acpi_put_crs(w, d, ACPI_REGS_UNSAID);
    put_event_select(w, d);
    put_evt(w);
    aml_close(w, dev);
}

/* The id is Linux' for virtio-mmio. */
static void put_virtio(struct writer *w, const struct dev_desc *d, unsigned nth)
{
    char name[NAME_LEN];
    size_t dev;

    snprintf(name, sizeof(name), "VR%02X", nth & 0xff);
    dev = aml_open(w, AML_DEVICE);
    aml_name(w, name);
    acpi_put_hid(w, "LNRO0005");
    acpi_put_uid(w, nth);
    acpi_put_crs(w, d, ACPI_REGS_MEMORY);
    aml_close(w, dev);
}

/* Name (\_S5, Package {SLP_TYP, SLP_TYP, 0, 0}); 7.4.2. */
void acpi_put_s5(struct writer *w, unsigned typ)
{
    size_t package;

    aml_op(w, AML_NAME);
    aml_name(w, "_S5"); /* at the root: no prefix needed */
    package = aml_open(w, AML_PACKAGE);
    writer_byte(w, 4);
    aml_int(w, typ);
    aml_int(w, typ);
    aml_int(w, 0);
    aml_int(w, 0);
    aml_close(w, package);
}

static void put_devices(struct writer *w, const struct machine_desc *m)
{
    unsigned uarts = 0, virtios = 0;

    for (unsigned i = 0; i < m->n_devs; i++) {
        const struct dev_desc *d = &m->devs[i];

        if (d->kind == DEV_UART16550)
            acpi_put_uart(w, d, uarts++);
        else if (d->kind == DEV_GED)
            put_ged(w, d);
        else if (d->kind == DEV_VIRTIO_MMIO && !m->virtio_by_cmdline)
            put_virtio(w, d, virtios++);
        else if (d->kind == DEV_PCI_HOST)
            acpi_put_pci(w, m, d);
    }
}

static size_t put_dsdt(struct writer *w, const struct machine_desc *m)
{
    const size_t at = acpi_table_begin(w, "DSDT", DSDT_REVISION);
    size_t scope;

    if (machine_find(m, DEV_ACPI_SLEEP))
        acpi_put_s5(w, LAYOUT_S5_TYP);
    scope = aml_open(w, AML_SCOPE);
    aml_name(w, "_SB");
    for (unsigned i = 0; i < m->n_cpus; i++)
        acpi_put_processor(w, i);
    put_devices(w, m);
    aml_close(w, scope);
    acpi_table_end(w, at);
    return at;
}

/* ---- FADT ---- */

struct acpi_gas acpi_ports(uint64_t port, unsigned bytes)
{
    return (struct acpi_gas){
        .space = ACPI_SPACE_IO,
        .bit_width = (uint8_t)(8 * bytes),
        .access_size = ACPI_ACCESS_BYTE,
        .address = port,
    };
}

/* What is said of the machine's registers, beyond what is always so. */
static void fadt_registers(struct acpi_fadt *f, const struct machine_desc *m)
{
    const struct dev_desc *sleep = machine_find(m, DEV_ACPI_SLEEP);
    const struct dev_desc *reset = machine_find(m, DEV_ACPI_RESET);

    if (sleep) {
        f->sleep_control = acpi_ports(sleep->base, 1);
        f->sleep_status = acpi_ports(sleep->base + 1, 1);
    }
    if (reset) {
        f->flags |= ACPI_FADT_RESET_REG;
        f->reset = acpi_ports(reset->base, 1);
        f->reset_value = LAYOUT_RESET_VALUE;
    }
}

static size_t put_fadt(struct writer *w, const struct machine_desc *m,
                       uint64_t dsdt)
{
    const size_t at = acpi_table_begin(w, "FACP", FADT_MAJOR);
    struct acpi_fadt f = {
        .dsdt = (uint32_t)dsdt,
        .x_dsdt = dsdt,
        .minor_version = FADT_MINOR,
        .boot_arch = ACPI_BOOT_NO_VGA | ACPI_BOOT_NO_CMOS_RTC,
        .flags = ACPI_FADT_WBINVD | ACPI_FADT_PROC_C1 |
                 ACPI_FADT_NO_FIXED_POWER | ACPI_FADT_NO_FIXED_SLEEP |
                 ACPI_FADT_NO_FIXED_RTC | ACPI_FADT_HW_REDUCED,
    };

    fadt_registers(&f, m);
    writer_bytes(w, (const unsigned char *)&f + sizeof(f.header),
                 sizeof(f) - sizeof(f.header));
    acpi_table_end(w, at);
    return at;
}

/* ---- MADT ---- */

void acpi_put_lapics(struct writer *w, unsigned n)
{
    const struct acpi_madt_lapic_nmi nmi = {
        .type = ACPI_MADT_LAPIC_NMI,
        .length = sizeof(nmi),
        .uid = 0xff,
        .lint = 1,
    };

    for (unsigned i = 0; i < n; i++) {
        const struct acpi_madt_lapic e = {
            .type = ACPI_MADT_LAPIC,
            .length = sizeof(e),
            .uid = (uint8_t)i,
            .apic_id = (uint8_t)i,
            .flags = 1,
        };

        writer_bytes(w, &e, sizeof(e));
    }
    writer_bytes(w, &nmi, sizeof(nmi));
}

void acpi_put_ioapic(struct writer *w, const struct dev_desc *d)
{
    const struct acpi_madt_ioapic e = {
        .type = ACPI_MADT_IOAPIC,
        .length = sizeof(e),
        .address = (uint32_t)d->base,
        .gsi_base = d->gsi,
    };

    writer_bytes(w, &e, sizeof(e));
}

static size_t put_madt(struct writer *w, const struct machine_desc *m)
{
    const size_t at = acpi_table_begin(w, "APIC", MADT_REVISION);
    const struct dev_desc *ioapic = machine_find(m, DEV_IOAPIC);
    const uint32_t head[2] = {LAYOUT_LAPIC, 0}; /* address, flags */

    writer_bytes(w, head, sizeof(head));
    acpi_put_lapics(w, m->n_cpus);
    if (ioapic)
        acpi_put_ioapic(w, ioapic);
    acpi_table_end(w, at);
    return at;
}

/* ---- the roots ---- */

static size_t put_xsdt(struct writer *w, const uint64_t *tables, size_t n)
{
    const size_t at = acpi_table_begin(w, "XSDT", XSDT_REVISION);

    writer_bytes(w, tables, n * sizeof(*tables));
    acpi_table_end(w, at);
    return at;
}

static void patch_rsdp(struct writer *w, uint64_t xsdt)
{
    struct acpi_rsdp r = {
        .signature = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' '},
        .oem_id = {'V', 'M', 'M', ' ', ' ', ' '},
        .revision = RSDP_REVISION,
        .length = sizeof(r),
        .xsdt = xsdt,
    };

    r.checksum = acpi_checksum(&r, ACPI_RSDP_V1);
    r.checksum_all = acpi_checksum(&r, sizeof(r));
    writer_patch(w, 0, &r, sizeof(r));
}

static int64_t build_reduced(const struct machine_desc *m, gpa_t base,
                             void *buf, size_t size)
{
    static const struct acpi_rsdp empty;
    uint64_t tables[3];
    struct writer w;
    size_t dsdt, n = 0;

    writer_init(&w, buf, size);
    writer_bytes(&w, &empty, sizeof(empty));
    dsdt = put_dsdt(&w, m);
    tables[n++] = base.v + put_fadt(&w, m, base.v + dsdt);
    tables[n++] = base.v + put_madt(&w, m);
    if (machine_find(m, DEV_PCI_HOST))
        tables[n++] = base.v + acpi_put_mcfg(&w, m);
    patch_rsdp(&w, base.v + put_xsdt(&w, tables, n));
    return writer_size(&w);
}

int64_t acpi_build(const struct machine_desc *m, gpa_t base, void *buf,
                   size_t size)
{
    BUG_ON(m->n_cpus > MACHINE_MAX_CPUS || base.v % TABLE_ALIGN);
    if (machine_find(m, DEV_PIIX4))
        return acpi_pc_build(m, base, buf, size, NULL);
    return build_reduced(m, base, buf, size);
}
