// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * acpi_pc_dsdt.c: a PC's devices in ACPI's words: the PCI bus, how its
 * interrupt pins are routed, and what sits on the ISA bus behind it.
 *
 * A guest says with \_PIC whether it uses the 8259s or the I/O APIC. For the
 * I/O APIC each pin's line is a GSI of its own. For the 8259s it is one of
 * four link devices, LNKA to LNKD, whose setting is a steering register of the
 * PIIX3. Only the pins of slots in use are told: a guest looks through the
 * list for each device. Source: ACPI 6.5, 6.2.13 (_PRT), 5.8.1 (\_PIC), the
 * 82371SB datasheet, 2.2.9 (PIRQRC). Pure, as acpi.c.
 */
#include "boot/acpi_priv.h"

#include "abi/layout.h"
#include "abi/pc.h"
#include "vmm/log.h"

#include <string.h>

#define DSDT_REVISION 1 /* 32-bit integers, as such a PC's are */

#define S5_TYP 0u /* of the PIIX4 */

#define PRT_FIELDS       4
#define PRT_ANY_FUNCTION 0xffffu

#define PIRQRC     0x60u /* four registers of one byte */
#define PIRQRC_OFF 0x80u
#define STA_ON     0x0bu
#define STA_OFF    0x09u
#define CRS_IRQ    5u /* where in a template of one interrupt its number is */
#define LINK_IRQS  2u
#define LINK_IRQ_A 10u
#define LINK_IRQ_B 11u

static const char link_names[MACHINE_PCI_LINES][5] = {"LNKA", "LNKB", "LNKC",
                                                      "LNKD"};
static const char reg_names[MACHINE_PCI_LINES][5] = {"PRQA", "PRQB", "PRQC",
                                                     "PRQD"};

static size_t open_device(struct writer *w, const char *name)
{
    const size_t dev = aml_open(w, AML_DEVICE);

    aml_name(w, name);
    return dev;
}

static void put_number(struct writer *w, const char *name, uint64_t value)
{
    aml_op(w, AML_NAME);
    aml_name(w, name);
    aml_int(w, value);
}

static size_t open_method(struct writer *w, const char *name, uint8_t flags)
{
    const size_t method = aml_open(w, AML_METHOD);

    aml_name(w, name);
    writer_byte(w, flags);
    return method;
}

/* ---- the bridge ---- */

/* What is forwarded: all ports but its own, the display, the BARs. */
static void put_bridge_crs(struct writer *w, const struct dev_desc *host)
{
    unsigned char buf[128];
    struct writer r;

    writer_init(&r, buf, sizeof(buf));
    acpi_put_window(&r, ACPI_RES_TYPE_BUS, 0, 0);
    acpi_put_ports(&r, LAYOUT_PCI_CONFIG, LAYOUT_PCI_CONFIG_LEN);
    acpi_put_window(&r, ACPI_RES_TYPE_IO, 0, LAYOUT_PCI_CONFIG - 1);
    acpi_put_window(&r, ACPI_RES_TYPE_IO,
                    LAYOUT_PCI_CONFIG + LAYOUT_PCI_CONFIG_LEN, 0xffff);
    acpi_put_memory_window(&r, PC_VGA, PC_SHADOW);
    acpi_put_memory_window(&r, host->base, host->base + host->size);
    acpi_put_template(w, &r);
}

/* Package {address, pin, link device, 0}. */
static void put_link_route(struct writer *w, unsigned slot)
{
    const size_t package = aml_open(w, AML_PACKAGE);

    writer_byte(w, PRT_FIELDS);
    aml_int(w, (uint64_t)slot << 16 | PRT_ANY_FUNCTION);
    aml_int(w, 0);
    aml_name(w, link_names[MACHINE_PCI_LINE(slot)]);
    aml_int(w, 0);
    aml_close(w, package);
}

/* Return (Package () {a route for each slot}), by links or by GSIs. */
static void return_routes(struct writer *w, const struct machine_desc *m,
                          bool links)
{
    const struct dev_desc *host = machine_find(m, DEV_PC_PCI);
    size_t package;

    aml_op(w, AML_RETURN);
    package = aml_open(w, AML_PACKAGE);
    writer_byte(w, (uint8_t)(m->pci_slots - 1));
    for (unsigned slot = 1; slot < m->pci_slots; slot++) {
        if (links)
            put_link_route(w, slot);
        else
            acpi_put_route(w, slot, host->gsi + MACHINE_PCI_LINE(slot));
    }
    aml_close(w, package);
}

/* Method (_PRT) { If (PICM) { Return (GSIs) } Return (links) } */
static void put_prt(struct writer *w, const struct machine_desc *m)
{
    const size_t method = open_method(w, "_PRT", 0);
    const size_t branch = aml_open(w, AML_IF);

    aml_name(w, "PICM");
    return_routes(w, m, false);
    aml_close(w, branch);
    return_routes(w, m, true);
    aml_close(w, method);
}

/* Name (PICM, 0)  Method (_PIC, 1) { Store (Arg0, PICM) } */
static void put_pic(struct writer *w)
{
    size_t method;

    put_number(w, "PICM", 0);
    method = open_method(w, "_PIC", AML_METHOD_1_ARG);
    aml_op(w, AML_STORE);
    aml_op(w, AML_ARG0);
    aml_name(w, "PICM");
    aml_close(w, method);
}

/* ---- the link devices ---- */

/* One shared level-triggered interrupt of those given. */
static void put_irqs(struct writer *w, const uint32_t *irqs, unsigned n)
{
    const struct acpi_res_end end = {.tag = ACPI_RES_END};
    const struct acpi_res_interrupt head = {
        .tag = ACPI_RES_INTERRUPT,
        .length = (uint16_t)(2 + n * sizeof(*irqs)),
        .flags = ACPI_RES_INT_CONSUMER | ACPI_RES_INT_SHARED,
        .count = (uint8_t)n,
    };
    unsigned char buf[32];
    struct writer r;

    writer_init(&r, buf, sizeof(buf));
    writer_bytes(&r, &head, offsetof(struct acpi_res_interrupt, gsi));
    writer_bytes(&r, irqs, n * sizeof(*irqs));
    writer_bytes(&r, &end, sizeof(end));
    BUG_ON(writer_size(&r) < 0);
    aml_buffer(w, buf, r.len);
}

/* If (And (reg, off)), to be closed. */
static size_t open_if_off(struct writer *w, const char *reg)
{
    const size_t branch = aml_open(w, AML_IF);

    aml_op(w, AML_AND);
    aml_name(w, reg);
    aml_int(w, PIRQRC_OFF);
    writer_byte(w, AML_NULL_TARGET);
    return branch;
}

static void put_link_sta(struct writer *w, const char *reg)
{
    const size_t method = open_method(w, "_STA", 0);
    const size_t branch = open_if_off(w, reg);

    aml_op(w, AML_RETURN);
    aml_int(w, STA_OFF);
    aml_close(w, branch);
    aml_op(w, AML_RETURN);
    aml_int(w, STA_ON);
    aml_close(w, method);
}

static void put_link_dis(struct writer *w, const char *reg)
{
    const size_t method = open_method(w, "_DIS", 0);

    aml_op(w, AML_OR);
    aml_name(w, reg);
    aml_int(w, PIRQRC_OFF);
    aml_name(w, reg);
    aml_close(w, method);
}

/* CreateDWordField (template, CRS_IRQ, IRQW), where template is written. */
static void put_irq_field(struct writer *w)
{
    aml_int(w, CRS_IRQ);
    aml_name(w, "IRQW");
}

static void put_link_crs(struct writer *w, const char *reg)
{
    static const uint32_t none[] = {0};
    const size_t method = open_method(w, "_CRS", AML_METHOD_SERIAL);

    aml_op(w, AML_NAME);
    aml_name(w, "RES");
    put_irqs(w, none, 1);
    aml_op(w, AML_DWORD_FIELD);
    aml_name(w, "RES");
    put_irq_field(w);
    /* Off: bit 7 is no part of the number. */
    aml_op(w, AML_AND);
    aml_name(w, reg);
    aml_int(w, 0x0f);
    aml_name(w, "IRQW");
    aml_op(w, AML_RETURN);
    aml_name(w, "RES");
    aml_close(w, method);
}

static void put_link_srs(struct writer *w, const char *reg)
{
    const size_t method =
        open_method(w, "_SRS", AML_METHOD_1_ARG | AML_METHOD_SERIAL);

    aml_op(w, AML_DWORD_FIELD);
    aml_op(w, AML_ARG0);
    put_irq_field(w);
    aml_op(w, AML_STORE);
    aml_name(w, "IRQW");
    aml_name(w, reg);
    aml_close(w, method);
}

static void put_link(struct writer *w, unsigned n)
{
    static const uint32_t irqs[LINK_IRQS] = {LINK_IRQ_A, LINK_IRQ_B};
    const char *reg = reg_names[n];
    const size_t dev = open_device(w, link_names[n]);

    acpi_put_hid(w, "PNP0C0F");
    acpi_put_uid(w, n + 1);
    aml_op(w, AML_NAME);
    aml_name(w, "_PRS");
    put_irqs(w, irqs, LINK_IRQS);
    put_link_sta(w, reg);
    put_link_dis(w, reg);
    put_link_crs(w, reg);
    put_link_srs(w, reg);
    aml_close(w, dev);
}

/*
 * The steering registers: a region of the ISA bridge's configuration space,
 * and its fields in \_SB, where the links find them.
 */
static void put_steering(struct writer *w)
{
    aml_op(w, AML_REGION);
    aml_name(w, "P60");
    writer_byte(w, AML_REGION_PCI);
    aml_int(w, PIRQRC);
    aml_int(w, MACHINE_PCI_LINES);
}

static void put_steering_fields(struct writer *w)
{
    const size_t field = aml_open(w, AML_FIELD);

    aml_path(w, "_SB_PCI0ISA_P60_");
    writer_byte(w, AML_FIELD_BYTE);
    for (unsigned i = 0; i < MACHINE_PCI_LINES; i++) {
        aml_name(w, reg_names[i]);
        writer_byte(w, 8); /* bits */
    }
    aml_close(w, field);
}

/* ---- the ISA bus ---- */

static void put_isa_device(struct writer *w, const char *name, const char *hid,
                           const struct dev_desc *d)
{
    const size_t dev = open_device(w, name);

    acpi_put_hid(w, hid);
    acpi_put_crs(w, d, ACPI_REGS_PORTS);
    aml_close(w, dev);
}

/* Two ports that are not neighbours. */
static void put_keyboard(struct writer *w, const struct dev_desc *d)
{
    const size_t dev = open_device(w, "KBD");
    const struct acpi_res_interrupt irq = {
        .tag = ACPI_RES_INTERRUPT,
        .length = sizeof(irq) - 3,
        .flags = ACPI_RES_INT_CONSUMER | ACPI_RES_INT_EDGE,
        .count = 1,
        .gsi = d->gsi,
    };
    unsigned char buf[48];
    struct writer r;

    acpi_put_hid(w, "PNP0303");
    writer_init(&r, buf, sizeof(buf));
    acpi_put_ports(&r, d->base, 1);
    acpi_put_ports(&r, d->base + 4, 1);
    writer_bytes(&r, &irq, sizeof(irq));
    acpi_put_template(w, &r);
    aml_close(w, dev);
}

static void put_mouse(struct writer *w, const struct dev_desc *d)
{
    const size_t dev = open_device(w, "MOU");

    acpi_put_hid(w, "PNP0F13");
    acpi_put_crs(w, d, ACPI_REGS_UNSAID);
    aml_close(w, dev);
}

static void put_isa(struct writer *w, const struct machine_desc *m)
{
    const size_t isa = open_device(w, "ISA");
    unsigned uarts = 0;

    put_number(w, "_ADR", (uint64_t)PC_SLOT_ISA << 16);
    put_steering(w);
    for (unsigned i = 0; i < m->n_devs; i++) {
        const struct dev_desc *d = &m->devs[i];

        if (d->kind == DEV_UART16550)
            acpi_put_uart(w, d, uarts++);
        else if (d->kind == DEV_RTC)
            put_isa_device(w, "RTC", "PNP0B00", d);
        else if (d->kind == DEV_LPT)
            put_isa_device(w, "LPT1", "PNP0400", d);
        else if (d->kind == DEV_KBD)
            put_keyboard(w, d);
        else if (d->kind == DEV_MOUSE)
            put_mouse(w, d);
    }
    aml_close(w, isa);
}

static void put_hpet(struct writer *w, const struct dev_desc *d)
{
    const size_t dev = open_device(w, "HPET");

    acpi_put_hid(w, "PNP0103");
    acpi_put_uid(w, 0);
    acpi_put_crs(w, d, ACPI_REGS_MEMORY);
    aml_close(w, dev);
}

static void put_pci(struct writer *w, const struct machine_desc *m)
{
    const size_t dev = open_device(w, "PCI0");

    acpi_put_hid(w, "PNP0A03");
    acpi_put_uid(w, 0);
    put_bridge_crs(w, machine_find(m, DEV_PC_PCI));
    put_prt(w, m);
    put_isa(w, m);
    aml_close(w, dev);
}

size_t acpi_pc_put_dsdt(struct writer *w, const struct machine_desc *m)
{
    const size_t at = acpi_table_begin(w, "DSDT", DSDT_REVISION);
    const struct dev_desc *hpet = machine_find(m, DEV_HPET);
    size_t scope;

    acpi_put_s5(w, S5_TYP);
    put_pic(w);
    scope = aml_open(w, AML_SCOPE);
    aml_name(w, "_SB");
    for (unsigned i = 0; i < m->n_cpus; i++)
        acpi_put_processor(w, i);
    put_pci(w, m);
    put_steering_fields(w);
    for (unsigned i = 0; i < MACHINE_PCI_LINES; i++)
        put_link(w, i);
    if (hpet)
        put_hpet(w, hpet);
    aml_close(w, scope);
    acpi_table_end(w, at);
    return at;
}
