// SPDX-License-Identifier: GPL-2.0-or-later
/* pc_slots.c: see pc_slots.h. */
#include "pc_slots.h"

#include "abi/pc.h"
#include "board_virtio.h"

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
