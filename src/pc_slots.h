/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc_slots.h: which slot of a PC's PCI bus a device is in, and by which path
 * the firmware knows it.
 *
 * Slots follow from the configuration alone, so that tables and the boot order
 * can be written before any device exists: behind the bridges (abi/pc.h) come
 * the kinds in the order of enum pc_kind, each with as many as asked for.
 */
#ifndef VMM_PC_SLOTS_H
#define VMM_PC_SLOTS_H

#include "config.h"

#include <limits.h>

enum pc_kind {
    PC_KIND_XEN,    /* one, for a guest of Xen: its platform device */
    PC_KIND_AHCI,   /* one, if a disk is behind it */
    PC_KIND_NIC,    /* network cards that are none of virtio's */
    PC_KIND_VIRTIO, /* as board_virtio.c counts them, disks first */
    PC_KIND_COUNT,
};

/*
 * What a guest of Xen has by Xen's drivers, its firmware and boot loader find
 * as an IDE drive or an e1000, until the guest's drivers have that unplugged:
 * a double of the same disk or link.
 */

/*
 * Where on the IDE controller (channel * IDE_DRIVES + drive) disk i is, itself
 * or as a double, or PC_NO_PLACE. Doubles have the places that are left.
 */
#define PC_NO_PLACE UINT_MAX
unsigned pc_ide_place(const struct config *cfg, unsigned i);
/* Is link i an e1000, itself or as a double? */
bool pc_is_card(const struct config *cfg, unsigned i);

/* The slot of the nth device of a kind. */
unsigned pc_slot(const struct config *cfg, enum pc_kind kind, unsigned nth);

#define PC_PATH_MAX 64

/*
 * How the firmware knows the device of disk i, or of link i (as in cfg): a
 * path of Open Firmware's kind, as SeaBIOS compares it. False: it has none.
 */
must_check bool pc_disk_path(const struct config *cfg, unsigned i,
                             char out[PC_PATH_MAX]);
must_check bool pc_net_path(const struct config *cfg, unsigned i,
                            char out[PC_PATH_MAX]);

/* Slots in use, from 0 on. */
unsigned pc_slot_count(const struct config *cfg);

#endif
