// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * acpi_pci.c: the PCI bus in ACPI's words: where its configuration space is
 * (MCFG, PCI Firmware 3.2, 4.1.2), which addresses the host bridge forwards
 * (_CRS), and where the interrupt pins go (_PRT; ACPI 6.5, 6.2.13).
 *
 * Only the pins of slots in use are told, and only INTA#, for our functions
 * have no other: a guest interprets each entry. There is no _OSC: nothing of
 * PCI Express is to be handed over. Pure, as acpi.c.
 */
#include "abi/layout.h"
#include "boot/acpi_priv.h"
#include "vmm/log.h"

#include <string.h>

#define PRT_FIELDS       4
#define PRT_ANY_FUNCTION 0xffffu

void acpi_put_window(struct writer *w, uint8_t type, uint16_t first,
                     uint16_t last)
{
    const struct acpi_res_word r = {
        .tag = ACPI_RES_WORD,
        .length = sizeof(r) - 3,
        .type = type,
        .flags = ACPI_RES_MIN_FIXED | ACPI_RES_MAX_FIXED,
        .type_flags = type == ACPI_RES_TYPE_IO ? ACPI_RES_IO_ENTIRE : 0,
        .min = first,
        .max = last,
        .size = (uint16_t)(last - first + 1),
    };

    writer_bytes(w, &r, sizeof(r));
}

void acpi_put_memory_window(struct writer *w, uint64_t base, uint64_t end)
{
    const struct acpi_res_dword r = {
        .tag = ACPI_RES_DWORD,
        .length = sizeof(r) - 3,
        .type = ACPI_RES_TYPE_MEMORY,
        .flags = ACPI_RES_MIN_FIXED | ACPI_RES_MAX_FIXED,
        .type_flags = ACPI_RES_MEM_WRITABLE,
        .min = (uint32_t)base,
        .max = (uint32_t)(end - 1),
        .size = (uint32_t)(end - base),
    };

    writer_bytes(w, &r, sizeof(r));
}

void acpi_put_template(struct writer *w, struct writer *r)
{
    const struct acpi_res_end end = {.tag = ACPI_RES_END};

    writer_bytes(r, &end, sizeof(end));
    BUG_ON(writer_size(r) < 0);
    aml_op(w, AML_NAME);
    aml_name(w, "_CRS");
    aml_buffer(w, r->buf, r->len);
}

static void put_bridge_crs(struct writer *w)
{
    unsigned char buf[96];
    struct writer r;

    writer_init(&r, buf, sizeof(buf));
    acpi_put_window(&r, ACPI_RES_TYPE_BUS, 0, 0);
    /* Not forwarded: configuration mechanism #1. */
    acpi_put_ports(&r, LAYOUT_PCI_CONFIG, LAYOUT_PCI_CONFIG_LEN);
    acpi_put_window(&r, ACPI_RES_TYPE_IO, LAYOUT_PCI_PORTS,
                    LAYOUT_PCI_PORTS_END - 1);
    acpi_put_memory_window(&r, LAYOUT_PCI_MMIO, LAYOUT_PCI_MMIO_END);
    acpi_put_template(w, &r);
}

/* Package {address, pin, 0: no link device, GSI}. */
void acpi_put_route(struct writer *w, unsigned slot, uint32_t gsi)
{
    const size_t package = aml_open(w, AML_PACKAGE);

    writer_byte(w, PRT_FIELDS);
    aml_int(w, (uint64_t)slot << 16 | PRT_ANY_FUNCTION);
    aml_int(w, 0);
    aml_int(w, 0);
    aml_int(w, gsi);
    aml_close(w, package);
}

static void put_prt(struct writer *w, const struct machine_desc *m,
                    const struct dev_desc *host)
{
    size_t package;

    aml_op(w, AML_NAME);
    aml_name(w, "_PRT");
    package = aml_open(w, AML_PACKAGE);
    writer_byte(w, (uint8_t)(m->pci_slots - 1));
    for (unsigned slot = 1; slot < m->pci_slots; slot++)
        acpi_put_route(w, slot, host->gsi + MACHINE_PCI_LINE(slot));
    aml_close(w, package);
}

static void put_number(struct writer *w, const char *name, unsigned value)
{
    aml_op(w, AML_NAME);
    aml_name(w, name);
    aml_int(w, value);
}

/* The ECAM is not the bridge's to forward: a motherboard resource. */
static void put_ecam(struct writer *w, const struct dev_desc *host)
{
    const size_t dev = aml_open(w, AML_DEVICE);
    unsigned char buf[16];
    struct writer r;

    aml_name(w, "ECAM");
    acpi_put_hid(w, "PNP0C02");
    acpi_put_uid(w, 0);
    writer_init(&r, buf, sizeof(buf));
    acpi_put_memory(&r, host->base, host->size);
    acpi_put_template(w, &r);
    aml_close(w, dev);
}

void acpi_put_pci(struct writer *w, const struct machine_desc *m,
                  const struct dev_desc *host)
{
    size_t dev;

    BUG_ON(m->pci_slots == 0);
    put_ecam(w, host);
    dev = aml_open(w, AML_DEVICE);
    aml_name(w, "PCI0");
    acpi_put_hid(w, "PNP0A08");
    aml_op(w, AML_NAME);
    aml_name(w, "_CID");
    aml_eisa_id(w, "PNP0A03");
    acpi_put_uid(w, 0);
    put_number(w, "_SEG", 0);
    put_number(w, "_BBN", 0);
    put_bridge_crs(w);
    put_prt(w, m, host);
    aml_close(w, dev);
}

size_t acpi_put_mcfg(struct writer *w, const struct machine_desc *m)
{
    const size_t at = acpi_table_begin(w, "MCFG", ACPI_MCFG_REVISION);
    const struct dev_desc *host = machine_find(m, DEV_PCI_HOST);
    const struct acpi_mcfg_body body = {.base = host->base};

    writer_bytes(w, &body, sizeof(body));
    acpi_table_end(w, at);
    return at;
}
