// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * e1000_filter.c: which frames the driver of an 82540EM wants; see e1000.h.
 * Source: 3.2.1 and 10.1 (address filters), 13.5.1 to 13.5.5.
 *
 * Thread: loop, board lock held; pure.
 */
#include "devices/nic/e1000_priv.h"

#include <string.h>

/* A receive address that is in use, and for the destination (AS 00). */
#define RAH_ASEL 0x00030000u

#define VLAN_ID 0xfffu

static bool is_address(const struct e1000 *n, unsigned i, const uint8_t *to)
{
    const uint32_t low = e1000_get(n, REG_RAL + 8 * i);
    const uint32_t high = e1000_get(n, REG_RAH + 8 * i);

    return (high & RAH_AV) && !(high & RAH_ASEL) &&
           memcmp(to, &low, sizeof(low)) == 0 &&
           memcmp(to + sizeof(low), &high, E1000_MAC - sizeof(low)) == 0;
}

/* 12 bits of the address choose a bit of the table; RCTL.MO says which. */
static bool is_hashed(const struct e1000 *n, const uint8_t *to)
{
    static const uint8_t shifts[] = {4, 3, 2, 0};
    const unsigned word = to[4] | (unsigned)to[5] << 8;
    const unsigned offset = e1000_get(n, REG_RCTL) >> 12 & 3;
    const unsigned bit = word >> shifts[offset] & 0xfff;

    return e1000_get(n, REG_MTA + 4 * (bit / 32)) >> bit % 32 & 1;
}

static bool is_broadcast(const uint8_t *to)
{
    static const uint8_t all[E1000_MAC] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    return memcmp(to, all, sizeof(all)) == 0;
}

enum e1000_match e1000_filter(const struct e1000 *n, const uint8_t *frame)
{
    const uint32_t rctl = e1000_get(n, REG_RCTL);
    const bool group = frame[0] & 1;

    if (rctl & (group ? RCTL_MPE : RCTL_UPE))
        return MATCH_EXACT;
    if (is_broadcast(frame) && (rctl & RCTL_BAM))
        return MATCH_EXACT;
    for (unsigned i = 0; i < RA_ENTRIES; i++)
        if (is_address(n, i, frame))
            return MATCH_EXACT;
    return group && is_hashed(n, frame) ? MATCH_HASH : MATCH_NONE;
}

bool e1000_filter_vlan(const struct e1000 *n, uint16_t tag)
{
    const unsigned id = tag & VLAN_ID;

    return e1000_get(n, REG_VFTA + 4 * (id / 32)) >> id % 32 & 1;
}
