// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vnet_ctrl.c: the control queue of the network device; see vnet.c. Source:
 * virtio 1.2, 5.1.6.5.
 *
 * A command is a row of a table: class, number, the feature it belongs to,
 * and the function that takes its data. The data is copied once and checked;
 * what does not fit is answered VIRTIO_NET_ERR and changes nothing. Only a
 * command without a byte to answer in breaks the device.
 *
 * Thread: loop, board lock held.
 */
#include "devices/virtio/vnet_priv.h"

#include <string.h>

/* Commands in a turn; the driver waits for each of them. */
#define TURN_COMMANDS 64u

/* A command's data: the chain without the two bytes that name it. */
struct args {
    const struct vchain *c;
    uint64_t at;
};

static size_t left(const struct args *a)
{
    return (size_t)(a->c->out_bytes - a->at);
}

/* The next n bytes. False: there are not as many. */
static bool get(struct args *a, void *to, size_t n)
{
    if (left(a) < n)
        return false;
    vchain_read(a->c, a->at, to, n);
    a->at += n;
    return true;
}

/* The data is exactly n bytes. */
static bool get_all(struct args *a, void *to, size_t n)
{
    return left(a) == n && get(a, to, n);
}

/* ---- what the driver wants to hear ---- */

static bool set_flag(struct args *a, bool *flag)
{
    uint8_t on;

    if (!get_all(a, &on, sizeof(on)))
        return false;
    *flag = on != 0;
    return true;
}

static bool do_promisc(struct vnet *n, struct args *a)
{
    return set_flag(a, &n->filter.promisc);
}

static bool do_allmulti(struct vnet *n, struct args *a)
{
    return set_flag(a, &n->filter.allmulti);
}

static bool do_alluni(struct vnet *n, struct args *a)
{
    return set_flag(a, &n->filter.alluni);
}

static bool do_nomulti(struct vnet *n, struct args *a)
{
    return set_flag(a, &n->filter.nomulti);
}

static bool do_nouni(struct vnet *n, struct args *a)
{
    return set_flag(a, &n->filter.nouni);
}

static bool do_nobcast(struct vnet *n, struct args *a)
{
    return set_flag(a, &n->filter.nobcast);
}

/* One of the two tables: a count, and as many addresses. */
static bool get_table(struct args *a, struct vnet_filter *f)
{
    uint8_t mac[VNET_MAC];
    uint32_t count;

    if (!get(a, &count, sizeof(count)) || count > left(a) / VNET_MAC)
        return false;
    /* Bounded: the chain is no longer than the queue has buffers. */
    for (uint32_t i = 0; i < count && i <= VNET_MAC_TABLE; i++) {
        vchain_read(a->c, a->at + (uint64_t)i * VNET_MAC, mac, VNET_MAC);
        vnet_filter_add(f, mac);
    }
    a->at += (uint64_t)count * VNET_MAC;
    return true;
}

static bool do_mac_table(struct vnet *n, struct args *a)
{
    struct vnet_filter next = n->filter;

    vnet_filter_clear(&next);
    /* Single addresses, then those of groups. */
    for (unsigned i = 0; i < 2; i++)
        if (!get_table(a, &next))
            return false;
    if (left(a))
        return false;
    n->filter = next;
    return true;
}

static bool do_mac_addr(struct vnet *n, struct args *a)
{
    uint8_t mac[VNET_MAC];

    if (!get_all(a, mac, sizeof(mac)) || (mac[0] & 1) ||
        net_info(n->net)->only_own_mac)
        return false;
    memcpy(n->mac, mac, sizeof(mac));
    return true;
}

static bool set_vlan(struct vnet *n, struct args *a, bool pass)
{
    uint16_t vlan;

    if (!get_all(a, &vlan, sizeof(vlan)) || vlan >= VNET_VLANS)
        return false;
    vnet_filter_set_vlan(&n->filter, vlan, pass);
    return true;
}

static bool do_vlan_add(struct vnet *n, struct args *a)
{
    return set_vlan(n, a, true);
}

static bool do_vlan_del(struct vnet *n, struct args *a)
{
    return set_vlan(n, a, false);
}

/* ---- queues and offloads ---- */

static bool do_pairs(struct vnet *n, struct args *a)
{
    uint16_t pairs;

    if (!get_all(a, &pairs, sizeof(pairs)) || !pairs || pairs > n->max_pairs)
        return false;
    vnet_use_pairs(n, pairs);
    return true;
}

static const struct {
    unsigned feature, offload;
} guest_offloads[] = {
    {VIRTIO_NET_F_GUEST_CSUM, NET_CSUM},
    {VIRTIO_NET_F_GUEST_TSO4, NET_TSO4},
    {VIRTIO_NET_F_GUEST_TSO6, NET_TSO6},
    {VNET_F_GUEST_USO4, NET_USO},
};

unsigned vnet_guest_offloads(uint64_t features)
{
    unsigned bits = 0;

    for (size_t i = 0; i < ARRAY_LEN(guest_offloads); i++)
        if (features & VNET_BIT(guest_offloads[i].feature))
            bits |= guest_offloads[i].offload;
    /* Who cannot take a partial checksum cannot take a partial packet. */
    return bits & NET_CSUM ? bits : 0;
}

/* 5.1.6.5.6.1: of what was negotiated, anything. */
static bool do_offloads(struct vnet *n, struct args *a)
{
    uint64_t wanted, known = VNET_BIT(VNET_F_GUEST_USO6);

    for (size_t i = 0; i < ARRAY_LEN(guest_offloads); i++)
        known |= VNET_BIT(guest_offloads[i].feature);
    if (!get_all(a, &wanted, sizeof(wanted)) || (wanted & ~known))
        return false;
    for (unsigned bit = 0; bit < 64; bit++)
        if ((wanted & VNET_BIT(bit)) && !virtio_has(n->v, bit))
            return false;
    n->offloads = vnet_guest_offloads(wanted);
    net_set_offloads(n->net, n->offloads);
    return true;
}

/* ---- commands ---- */

static const struct {
    uint8_t class, cmd;
    uint8_t feature;
    bool (*take)(struct vnet *n, struct args *a);
} commands[] = {
    {VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, VIRTIO_NET_F_CTRL_RX,
     do_promisc},
    {VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, VIRTIO_NET_F_CTRL_RX,
     do_allmulti},
    {VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLUNI, VIRTIO_NET_F_CTRL_RX_EXTRA,
     do_alluni},
    {VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOMULTI, VIRTIO_NET_F_CTRL_RX_EXTRA,
     do_nomulti},
    {VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOUNI, VIRTIO_NET_F_CTRL_RX_EXTRA,
     do_nouni},
    {VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOBCAST, VIRTIO_NET_F_CTRL_RX_EXTRA,
     do_nobcast},
    {VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, VIRTIO_NET_F_CTRL_RX,
     do_mac_table},
    {VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET,
     VIRTIO_NET_F_CTRL_MAC_ADDR, do_mac_addr},
    {VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, VIRTIO_NET_F_CTRL_VLAN,
     do_vlan_add},
    {VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_DEL, VIRTIO_NET_F_CTRL_VLAN,
     do_vlan_del},
    {VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, VIRTIO_NET_F_MQ,
     do_pairs},
    {VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET,
     VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, do_offloads},
};

static bool run_command(struct vnet *n, const struct vchain *c)
{
    struct args a = {.c = c};
    uint8_t name[2];

    if (!get(&a, name, sizeof(name)))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (commands[i].class == name[0] && commands[i].cmd == name[1])
            return virtio_has(n->v, commands[i].feature) &&
                   commands[i].take(n, &a);
    return false;
}

/* Take the next command. Is there perhaps another one? */
static bool take(struct vnet *n, struct virtq *q)
{
    struct vchain c = {.iov = n->ctrl_iov, .max = VNET_CHAIN_IOV};
    const int ret = virtq_pop(q, &c);
    uint8_t ack;

    if (ret == 0)
        return virtq_listen(q);
    if (ret < 0) {
        virtio_broken(n->v, q->why);
        return false;
    }
    if (!c.in_bytes) {
        virtio_broken(n->v, "a control command without room for an answer");
        virtq_push(q, c.head, 0);
        return false;
    }
    ack = run_command(n, &c) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
    virtq_push(q, c.head, (uint32_t)vchain_write(&c, 0, &ack, sizeof(ack)));
    return true;
}

void vnet_control(struct vnet *n, unsigned index)
{
    struct virtq *q = virtio_queue(n->v, index);

    virtq_quiet(q);
    for (unsigned i = 0; i < TURN_COMMANDS; i++) {
        if (take(n, q))
            continue;
        virtio_publish(n->v, index);
        return;
    }
    virtio_publish(n->v, index);
    n->more_control = true;
    vnet_post(n);
}
