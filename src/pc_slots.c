// SPDX-License-Identifier: GPL-2.0-or-later
/* pc_slots.c: see pc_slots.h. */
#include "pc_slots.h"

#include "abi/pc.h"
#include "board_virtio.h"
#include "devices/ata/ide.h"

#include <stdio.h>

static unsigned (*const counts[PC_KIND_COUNT])(const struct config *cfg) = {
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

    switch (cfg->disks[i].iface) {
    case DISK_IDE:
        snprintf(out, PC_PATH_MAX, "/pci@i0cf8/ide@%x/drive@%x/disk@%x",
                 (unsigned)PC_SLOT_IDE, n / IDE_DRIVES, n % IDE_DRIVES);
        return true;
    case DISK_VIRTIO:
        snprintf(out, PC_PATH_MAX, "/pci@i0cf8/scsi@%x/disk@0,0",
                 pc_slot(cfg, PC_KIND_VIRTIO, n));
        return true;
    case DISK_UNSAID:
        break;
    }
    return false;
}

/* Links come behind the disks among the virtio devices. */
bool pc_net_path(const struct config *cfg, unsigned i, char out[PC_PATH_MAX])
{
    snprintf(out, PC_PATH_MAX, "/pci@i0cf8/ethernet@%x/ethernet-phy@0",
             pc_slot(cfg, PC_KIND_VIRTIO, board_virtio_disks(cfg) + i));
    return true;
}
