// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vnet_filter.c: which frames the driver wants to hear; virtio 1.2,
 * 5.1.6.5.1 (receive modes), 5.1.6.5.2 (addresses), 5.1.6.5.3 (VLANs).
 *
 * A driver that asks for more addresses than the table holds gets all of that
 * kind: it filters what it does not want itself (5.1.6.5.2).
 *
 * Thread: loop; pure.
 */
#include "devices/virtio/vnet_priv.h"

#include <string.h>

#define TYPE_AT   12u
#define TAG_AT    14u
#define TYPE_VLAN 0x8100u

void vnet_filter_init(struct vnet_filter *f)
{
    *f = (struct vnet_filter){.promisc = true};
}

bool vnet_filter_is_open(const struct vnet_filter *f)
{
    return f->promisc;
}

static unsigned word(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static bool is_broadcast(const uint8_t *mac)
{
    static const uint8_t all[VNET_MAC] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    return memcmp(mac, all, VNET_MAC) == 0;
}

static bool is_multicast(const uint8_t *mac)
{
    return mac[0] & 1;
}

static bool in_table(const struct vnet_filter *f, const uint8_t *mac)
{
    for (unsigned i = 0; i < f->n_table; i++)
        if (memcmp(f->table[i], mac, VNET_MAC) == 0)
            return true;
    return false;
}

static bool vlan_passes(const struct vnet_filter *f, const uint8_t *frame)
{
    const unsigned vlan = word(frame + TAG_AT) % VNET_VLANS;

    if (!f->by_vlan || word(frame + TYPE_AT) != TYPE_VLAN)
        return true;
    return f->vlans[vlan / 8] & (1u << vlan % 8);
}

bool vnet_filter_passes(const struct vnet_filter *f,
                        const uint8_t mac[VNET_MAC],
                        const uint8_t frame[VNET_FILTER_BYTES])
{
    if (f->promisc)
        return true;
    if (!vlan_passes(f, frame))
        return false;
    if (is_broadcast(frame))
        return !f->nobcast;
    if (is_multicast(frame))
        return !f->nomulti &&
               (f->allmulti || f->all_table_multi || in_table(f, frame));
    return !f->nouni &&
           (f->alluni || f->all_table_uni ||
            memcmp(frame, mac, VNET_MAC) == 0 || in_table(f, frame));
}

void vnet_filter_clear(struct vnet_filter *f)
{
    f->n_table = 0;
    f->all_table_uni = false;
    f->all_table_multi = false;
}

void vnet_filter_add(struct vnet_filter *f, const uint8_t mac[VNET_MAC])
{
    if (f->n_table < VNET_MAC_TABLE)
        memcpy(f->table[f->n_table++], mac, VNET_MAC);
    else if (is_multicast(mac))
        f->all_table_multi = true;
    else
        f->all_table_uni = true;
}

void vnet_filter_set_vlan(struct vnet_filter *f, unsigned vlan, bool pass)
{
    const uint8_t bit = (uint8_t)(1u << vlan % 8);

    if (pass)
        f->vlans[vlan / 8] |= bit;
    else
        f->vlans[vlan / 8] &= (uint8_t)~bit;
}
