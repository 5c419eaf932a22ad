// SPDX-License-Identifier: GPL-2.0-or-later
/* pc_slots.c: see pc_slots.h. */
#include "pc_slots.h"

#include "abi/pc.h"
#include "board_virtio.h"
#include "devices/ata/ide.h"

#include <stdio.h>

static bool has_doubles(const struct config *cfg)
{
    return cfg->abi == ABI_XEN && cfg->unplug != UNPLUG_AT_BOOT &&
           profiles[cfg->mode].platform == PLATFORM_PC;
}

static unsigned count_ide(const struct config *cfg)
{
    unsigned n = 0;

    for (unsigned i = 0; i < cfg->n_disks; i++)
        n += cfg->disks[i].iface == DISK_IDE;
    return n;
}

static bool is_on_ide(const struct config *cfg, unsigned i)
{
    return cfg->disks[i].iface == DISK_IDE ||
           (cfg->disks[i].iface == DISK_XEN && has_doubles(cfg));
}

unsigned pc_ide_place(const struct config *cfg, unsigned i)
{
    unsigned left = IDE_CHANNELS * IDE_DRIVES - count_ide(cfg), place = 0;

    for (unsigned j = 0; j <= i; j++) {
        const bool there =
            is_on_ide(cfg, j) && (cfg->disks[j].iface == DISK_IDE || left);

        if (j == i)
            return there ? place : PC_NO_PLACE;
        place += there;
        left -= there && cfg->disks[j].iface == DISK_XEN;
    }
    return PC_NO_PLACE;
}

bool pc_is_card(const struct config *cfg, unsigned i)
{
    return cfg->nets[i].model == NET_E1000 ||
           (cfg->nets[i].model == NET_XEN && has_doubles(cfg));
}

static unsigned count_xen(const struct config *cfg)
{
    return cfg->abi == ABI_XEN;
}

static unsigned count_ahci(const struct config *cfg)
{
    for (unsigned i = 0; i < cfg->n_disks; i++)
        if (cfg->disks[i].iface == DISK_AHCI)
            return 1;
    return 0;
}

static unsigned count_nics(const struct config *cfg)
{
    unsigned n = 0;

    for (unsigned i = 0; i < cfg->n_nets; i++)
        n += pc_is_card(cfg, i);
    return n;
}

static unsigned (*const counts[PC_KIND_COUNT])(const struct config *cfg) = {
    [PC_KIND_XEN] = count_xen,
    [PC_KIND_AHCI] = count_ahci,
    [PC_KIND_NIC] = count_nics,
    [PC_KIND_VIRTIO] = board_virtio_count,
};

unsigned pc_slot(const struct config *cfg, enum pc_kind kind, unsigned nth)
{
    unsigned slot = PC_SLOT_FIRST + nth;

    for (unsigned k = 0; k < (unsigned)kind; k++)
        slot += counts[k](cfg);
    return slot;
}

unsigned pc_slot_count(const struct config *cfg)
{
    return pc_slot(cfg, PC_KIND_COUNT, 0);
}

/* How many disks of the same interface come before disk i. */
static unsigned nth_of_its_kind(const struct config *cfg, unsigned i)
{
    unsigned n = 0;

    for (unsigned j = 0; j < i; j++)
        n += cfg->disks[j].iface == cfg->disks[i].iface;
    return n;
}

bool pc_disk_path(const struct config *cfg, unsigned i, char out[PC_PATH_MAX])
{
    const unsigned n = nth_of_its_kind(cfg, i);
    const unsigned place = pc_ide_place(cfg, i);

    if (place != PC_NO_PLACE) {
        snprintf(out, PC_PATH_MAX, "/pci@i0cf8/ide@%x/drive@%x/disk@%x",
                 (unsigned)PC_SLOT_IDE, place / IDE_DRIVES, place % IDE_DRIVES);
        return true;
    }
    switch (cfg->disks[i].iface) {
    case DISK_AHCI:
        snprintf(out, PC_PATH_MAX, "/pci@i0cf8/pci8086,2922@%x/drive@%x/disk@0",
                 pc_slot(cfg, PC_KIND_AHCI, 0), n);
        return true;
    case DISK_VIRTIO:
        snprintf(out, PC_PATH_MAX, "/pci@i0cf8/scsi@%x/disk@0,0",
                 pc_slot(cfg, PC_KIND_VIRTIO, n));
        return true;
    case DISK_IDE:
    case DISK_XEN: /* on no bus of a PC's */
    case DISK_UNSAID:
        break;
    }
    return false;
}

/* Virtio's links come behind the disks among its devices. */
static unsigned net_slot(const struct config *cfg, unsigned i)
{
    const bool card = pc_is_card(cfg, i);
    unsigned n = 0;

    for (unsigned j = 0; j < i; j++)
        n += card ? pc_is_card(cfg, j)
                  : cfg->nets[j].model == cfg->nets[i].model;
    if (card)
        return pc_slot(cfg, PC_KIND_NIC, n);
    return pc_slot(cfg, PC_KIND_VIRTIO, board_virtio_disks(cfg) + n);
}

bool pc_net_path(const struct config *cfg, unsigned i, char out[PC_PATH_MAX])
{
    if (cfg->nets[i].model == NET_XEN && !pc_is_card(cfg, i))
        return false;
    snprintf(out, PC_PATH_MAX, "/pci@i0cf8/ethernet@%x/ethernet-phy@0",
             net_slot(cfg, i));
    return true;
}
