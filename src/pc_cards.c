// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pc_cards.c: cards that the operator plugs into a PC's bus; see pc.h. The
 * slots are those of pc_slots.h. Virtio devices are plugged by board_virtio.c.
 */
#include "pc.h"

#include "pc_slots.h"

#include <errno.h>

/* ---- AHCI ---- */

static int make_ahci(struct pc *p)
{
    const struct config *cfg = p->host.cfg;
    char ids[AHCI_PORTS][DISK_ID_MAX + 1];
    struct ahci_config c = {.loop = p->host.host->loop,
                            .mem = p->host.mem,
                            .msi = vm_card_sink(p->host.vm)};
    unsigned n = 0;

    for (unsigned i = 0; i < cfg->n_disks; i++) {
        if (cfg->disks[i].iface != DISK_AHCI)
            continue;
        disk_option_id(&cfg->disks[i], i, ids[n]);
        c.drives[n] = (struct ahci_drive_config){
            .blk = p->host.host->dev->disks[i],
            .cdrom = cfg->disks[i].cdrom,
            .serial = ids[n],
        };
        n++;
    }
    if (!n)
        return 0;
    p->ahci = ahci_create(&c);
    if (!p->ahci)
        return -ENOMEM;
    return pci_bus_plug(p->pci, pc_slot(cfg, PC_KIND_AHCI, 0),
                        ahci_func(p->ahci));
}

/* ---- network cards ---- */

static void tick(void *nic)
{
    e1000_tick(nic);
}

static int make_nic(struct pc *p, unsigned i, unsigned nth)
{
    const struct hostdev *dev = p->host.host->dev;
    const struct e1000_config c = {
        .net = dev->nets[i],
        .loop = p->host.host->loop,
        .mem = p->host.mem,
        .clock = pc_clock_alarm(p->clock, tick),
        .rom = dev->roms[i].size ? dev->roms[i].host : NULL,
        .rom_size = (uint32_t)dev->roms[i].size,
    };

    p->nics[i] = e1000_create(&c);
    if (!p->nics[i])
        return -ENOMEM;
    pc_clock_own(p->clock, p->nics[i]);
    return pci_bus_plug(p->pci, pc_slot(p->host.cfg, PC_KIND_NIC, nth),
                        e1000_func(p->nics[i]));
}

static int make_nics(struct pc *p)
{
    const struct config *cfg = p->host.cfg;
    unsigned nth = 0;

    for (unsigned i = 0; i < cfg->n_nets; i++) {
        int ret;

        if (!pc_is_card(cfg, i))
            continue;
        ret = make_nic(p, i, nth++);
        if (ret < 0)
            return ret;
    }
    return 0;
}

int pc_make_cards(struct pc *p)
{
    const int ret = make_ahci(p);

    return ret == 0 ? make_nics(p) : ret;
}

void pc_destroy_cards(struct pc *p)
{
    for (unsigned i = 0; i < ARRAY_LEN(p->nics); i++) {
        if (p->nics[i])
            pci_bus_unplug(e1000_func(p->nics[i]));
        e1000_destroy(p->nics[i]);
    }
    if (p->ahci)
        pci_bus_unplug(ahci_func(p->ahci));
    ahci_destroy(p->ahci);
}
