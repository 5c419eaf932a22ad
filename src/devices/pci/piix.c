// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * piix.c: the south bridge's PCI functions; see piix.h. Sources: the 82371SB
 * (PIIX3, order number 290550), 2.2, and the 82371AB (PIIX4, 290562), 7.1.
 *
 * The power management ports decode where PMBA says while PMIOSE is set;
 * where something else lies already they do not, until they are moved.
 *
 * The SMBus has no devices: its base keeps what is written and nothing
 * answers there.
 */
#include "devices/pci/piix.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

#define REG_COMMAND 0x04u

/* The ISA bridge. */
#define ISA_IORT      0x4cu
#define ISA_XBCS      0x4eu
#define ISA_PIRQ      0x60u
#define ISA_TOM       0x69u
#define ISA_APICBASE  0x80u
#define ISA_ALWAYS_ON 0x07u /* ports, memory, bus master */

/* Power management. */
#define PM_BASE      0x40u /* a dword; bit 0 says ports */
#define PM_BASE_MASK 0xffc0u
#define PM_DEVACTB   0x58u /* a dword */
#define PM_APMC_SMI  0x02u /* in its last byte: the SMI command port traps */
#define PM_MISC      0x80u
#define PM_MISC_ON   0x01u
#define PM_SMB_BASE  0x90u
#define PM_SMB_MASK  0xfff0u
#define PM_SMB_CFG   0xd2u

static const struct pci_ids isa_ids = {
    .vendor = 0x8086,
    .device = 0x7000,
    .class = 0x060100,
};

static const struct pci_ids acpi_ids = {
    .vendor = 0x8086,
    .device = 0x7113,
    .class = 0x068000,
    .revision = 0x03,
};

struct piix_isa {
    struct pci_func func;
    struct pc_irq *irq; /* borrowed */
};

struct piix_acpi {
    struct pci_func func;
    struct bus *bus;     /* borrowed */
    struct piix4_pm *pm; /* borrowed */
    uint16_t claimed;    /* first port; 0: none are */
};

static uint16_t get16(const uint8_t *at)
{
    uint16_t v;

    memcpy(&v, at, sizeof(v));
    return v;
}

static void put16(uint8_t *at, uint16_t v)
{
    memcpy(at, &v, sizeof(v));
}

static void isa_written(void *dev, unsigned off, unsigned n)
{
    struct piix_isa *p = dev;

    for (unsigned i = 0; i < PC_IRQ_PIRQS; i++)
        if (off <= ISA_PIRQ + i && off + n > ISA_PIRQ + i)
            pc_irq_set_route(p->irq, i, p->func.config[ISA_PIRQ + i]);
}

static const struct pci_func_ops isa_ops = {.after_write = isa_written};

struct piix_isa *piix_isa_create(struct pc_irq *irq)
{
    struct piix_isa *p = calloc(1, sizeof(*p));

    if (!p) {
        log_error("piix: out of memory");
        return NULL;
    }
    p->irq = irq;
    pci_func_init(&p->func, &isa_ops, p, &isa_ids);
    p->func.config[REG_COMMAND] = ISA_ALWAYS_ON;
    p->func.mask[REG_COMMAND] = 0;
    p->func.config[ISA_IORT] = 0x4d;
    p->func.mask[ISA_IORT] = 0x7f;
    put16(p->func.config + ISA_XBCS, 0x0003);
    put16(p->func.mask + ISA_XBCS, 0x01ff);
    p->func.mask[ISA_TOM] = 0xfe;
    p->func.mask[ISA_APICBASE] = 0x7f;
    for (unsigned i = 0; i < PC_IRQ_PIRQS; i++) {
        p->func.config[ISA_PIRQ + i] = PC_IRQ_ROUTE_OFF;
        p->func.mask[ISA_PIRQ + i] = 0x8f;
    }
    return p;
}

void piix_isa_destroy(struct piix_isa *p)
{
    free(p);
}

struct pci_func *piix_isa_func(struct piix_isa *p)
{
    return &p->func;
}

/* Where the ports should be; 0: nowhere. */
static uint16_t wanted_base(const struct piix_acpi *p)
{
    if (!(p->func.config[PM_MISC] & PM_MISC_ON))
        return 0;
    return get16(p->func.config + PM_BASE) & PM_BASE_MASK;
}

static void move_ports(struct piix_acpi *p, uint16_t base)
{
    if (base == p->claimed)
        return;
    if (p->claimed)
        bus_unclaim(p->bus, SPACE_PIO, p->claimed);
    p->claimed = 0;
    if (base && bus_claim(p->bus, SPACE_PIO, base, PIIX4_PM_PORTS,
                          &piix4_pm_ops, p->pm) == 0)
        p->claimed = base;
}

static void acpi_written(void *dev, unsigned off, unsigned n)
{
    struct piix_acpi *p = dev;

    (void)off;
    (void)n;
    move_ports(p, wanted_base(p));
}

static const struct pci_func_ops acpi_ops = {.after_write = acpi_written};

struct piix_acpi *piix_acpi_create(struct bus *bus, struct piix4_pm *pm)
{
    struct piix_acpi *p = calloc(1, sizeof(*p));

    if (!p) {
        log_error("piix: out of memory");
        return NULL;
    }
    p->bus = bus;
    p->pm = pm;
    pci_func_init(&p->func, &acpi_ops, p, &acpi_ids);
    p->func.mask[REG_COMMAND] |= 0x01; /* ports: those of the SMBus */
    put16(p->func.config + PM_BASE, 0x0001);
    put16(p->func.mask + PM_BASE, PM_BASE_MASK);
    /* There is no SMM: firmware that finds it set up leaves it alone. */
    p->func.config[PM_DEVACTB + 3] = PM_APMC_SMI;
    p->func.mask[PM_MISC] = PM_MISC_ON;
    put16(p->func.config + PM_SMB_BASE, 0x0001);
    put16(p->func.mask + PM_SMB_BASE, PM_SMB_MASK);
    p->func.mask[PM_SMB_CFG] = 0x0f;
    return p;
}

void piix_acpi_destroy(struct piix_acpi *p)
{
    if (!p)
        return;
    move_ports(p, 0);
    free(p);
}

struct pci_func *piix_acpi_func(struct piix_acpi *p)
{
    return &p->func;
}

uint16_t piix_acpi_base(const struct piix_acpi *p)
{
    return p->claimed;
}
