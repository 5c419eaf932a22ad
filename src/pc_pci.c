// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pc_pci.c: what sits on a PC's PCI bus; see pc.h. Slots are named in
 * abi/pc.h: the bridges first, then what is always there, then what the
 * operator asks for.
 */
#include "pc.h"

#include "pc_slots.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdio.h>

static int make_bridge(struct pc *p)
{
    const struct i440fx_hooks hooks = {
        .pam = pc_mem_pam, .pam_settled = pc_mem_pam_settled, .ctx = p->mem};

    p->bridge = i440fx_create(&hooks);
    return p->bridge ? 0 : -ENOMEM;
}

static int make_bus(struct pc *p)
{
    struct pci_bus_config c = {
        .bus = p->host.bus,
        .memory = {PC_PCI_MMIO(pc_low_ram(p)), PC_PCI_MMIO_END},
        .ports = {PC_PCI_PORTS, PC_PCI_PORTS_END},
        .host = i440fx_func(p->bridge),
        .reset_ops = &pc_misc_cf9_ops,
        .reset_dev = p->misc,
        .map = pc_bar_map(p),
    };

    for (unsigned i = 0; i < PCI_N_LINES; i++)
        c.lines[i] = (struct intr){
            .set = pc_irq_set, .ctx = p->irq, .line = PC_IRQ_PIRQ + i};
    p->pci = pci_bus_create(&c);
    if (!p->pci)
        return -ENOMEM;
    return pc_ports(p, LAYOUT_PCI_CONFIG, LAYOUT_PCI_CONFIG_LEN, &pci_ports_ops,
                    p->pci);
}

static int make_isa(struct pc *p)
{
    p->isa = piix_isa_create(p->irq);
    if (!p->isa)
        return -ENOMEM;
    return pci_bus_plug(p->pci, PC_SLOT_ISA, piix_isa_func(p->isa));
}

static int make_acpi(struct pc *p)
{
    p->acpi = piix_acpi_create(p->host.bus, p->pm);
    if (!p->acpi)
        return -ENOMEM;
    return pci_bus_plug(p->pci, PC_SLOT_PM, piix_acpi_func(p->acpi));
}

/* ---- IDE ---- */

/* The disks that are IDE's, in their order: master, slave, and again. */
static void list_drives(const struct pc *p, struct ide_config *c,
                        char ids[][DISK_ID_MAX + 1])
{
    const struct config *cfg = p->host.cfg;

    for (unsigned i = 0; i < cfg->n_disks; i++) {
        const unsigned n = pc_ide_place(cfg, i);

        if (n == PC_NO_PLACE)
            continue;
        disk_option_id(&cfg->disks[i], i, ids[n]);
        c->drives[n / IDE_DRIVES][n % IDE_DRIVES] = (struct ide_drive_config){
            .blk = p->host.host->dev->disks[i],
            .cdrom = cfg->disks[i].cdrom,
            .serial = ids[n],
        };
    }
}

static int claim_channel(struct pc *p, unsigned n, uint64_t command,
                         uint64_t control)
{
    struct ide_channel *c = ide_channel(p->ide, n);
    const int ret =
        pc_ports(p, command, IDE_COMMAND_PORTS, &ide_command_ops, c);

    return ret == 0 ? pc_ports(p, control, 1, &ide_control_ops, c) : ret;
}

static int make_ide(struct pc *p)
{
    char ids[IDE_CHANNELS * IDE_DRIVES][DISK_ID_MAX + 1];
    struct ide_config c = {
        .loop = p->host.host->loop,
        .mem = p->host.mem,
        .intr = {pc_line(p, PC_IRQ_IDE0), pc_line(p, PC_IRQ_IDE1)},
    };
    int ret;

    list_drives(p, &c, ids);
    p->ide = ide_create(&c);
    if (!p->ide)
        return -ENOMEM;
    piix_ide_init(&p->ide_func, p->ide);
    ret = claim_channel(p, 0, PC_IDE0, PC_IDE0_CTL);
    if (ret == 0)
        ret = claim_channel(p, 1, PC_IDE1, PC_IDE1_CTL);
    return ret == 0 ? pci_bus_plug(p->pci, PC_SLOT_IDE, &p->ide_func) : ret;
}

/* ---- all of it ---- */

int pc_make_pci(struct pc *p)
{
    int ret = make_bridge(p);

    if (ret == 0)
        ret = make_bus(p);
    if (ret == 0)
        ret = make_isa(p);
    if (ret == 0)
        ret = make_acpi(p);
    return ret == 0 ? make_ide(p) : ret;
}

void pc_destroy_pci(struct pc *p)
{
    pci_bus_unplug(&p->ide_func);
    ide_destroy(p->ide);
    piix_acpi_destroy(p->acpi);
    piix_isa_destroy(p->isa);
    pci_bus_destroy(p->pci);
    i440fx_destroy(p->bridge);
}
