// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vnet.c: the network device; see vnet.h. Source: virtio 1.2, 5.1.
 *
 * A pair of queues is served by vnet_rx.c and vnet_tx.c, the control queue by
 * vnet_ctrl.c. Packets move within one callback: nothing is in flight, but
 * for receive buffers popped ahead and one packet a link refused for now.
 *
 * What a turn brought is published after it, once per queue. What was sent is
 * not worth an interrupt of its own, as network cards have it, too: it becomes
 * visible with the next packet received, whose interrupt has most drivers look
 * at both queues; a driver that still waits is interrupted when it adds up, or
 * after TX_DELAY_NS: as long as TCP itself lets a queue below it grow, and
 * still below what a sender with a small socket buffer would notice.
 *
 * Thread: loop, board lock held; the configuration also on a vCPU.
 */
#include "devices/virtio/vnet_priv.h"

#include "vmm/log.h"

#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#define BIT(n) VNET_BIT(n)

#define TX_DELAY_NS 1000000u
/* Sent and not told: at most so much. */
#define TX_DELAY_PACKETS 32u
#define TX_DELAY_BYTES   (32 * KIB)

/* ---- publishing ---- */

static void publish_rx(struct vnet_rx *rx)
{
    rx->dirty = false;
    virtio_publish(rx->n->v, 2 * rx->pair);
}

static void publish_tx(struct vnet_tx *tx)
{
    tx->done = 0;
    tx->done_bytes = 0;
    virtio_publish(tx->n->v, 2 * tx->pair + 1);
}

/* Is it time to tell the driver what was sent? */
static bool tx_is_due(const struct vnet_tx *tx)
{
    const struct virtq *q = vnet_tx_queue(tx);

    return tx->done >= TX_DELAY_PACKETS || tx->done_bytes >= TX_DELAY_BYTES ||
           tx->done >= q->cfg.size / 4u;
}

static void publish_pair(struct vnet *n, unsigned i)
{
    struct vnet_tx *tx = &n->tx[i];
    const bool received = n->rx[i].dirty;

    if (received)
        publish_rx(&n->rx[i]);
    if (!tx->done)
        return;
    if (received)
        virtq_show(vnet_tx_queue(tx));
    if (tx_is_due(tx))
        publish_tx(tx);
    else if (n->tx_timer.kind == LOOP_IDLE)
        loop_timer(n->loop, &n->tx_timer, TX_DELAY_NS);
}

static void on_tx_timer(struct loop_op *op, int res)
{
    struct vnet *n = op->owner;

    if (res < 0)
        return; /* cancelled */
    for (unsigned i = 0; i < n->max_pairs; i++)
        if (n->tx[i].done)
            publish_tx(&n->tx[i]);
}

static unsigned control_queue(const struct vnet *n)
{
    return virtio_has(n->v, VIRTIO_NET_F_MQ) ? 2 * n->max_pairs : 2;
}

/* After the callbacks of a turn in which something moved or was left. */
static void on_turn(struct loop_op *op, int res)
{
    struct vnet *n = op->owner;

    (void)res;
    for (unsigned i = 0; i < n->max_pairs; i++) {
        publish_pair(n, i);
        if (n->rx[i].more)
            vnet_receive(&n->rx[i]);
        if (n->tx[i].more)
            vnet_transmit(&n->tx[i]);
    }
    if (n->more_control) {
        n->more_control = false;
        vnet_control(n, control_queue(n));
    }
}

/* ---- what the link says ---- */

static void on_ready(void *owner, unsigned queue)
{
    struct vnet *n = owner;

    if (n->started && queue < n->pairs)
        vnet_receive(&n->rx[queue]);
}

static void on_room(void *owner)
{
    struct vnet *n = owner;

    for (unsigned i = 0; n->started && i < n->pairs; i++)
        if (n->tx[i].pending)
            vnet_transmit(&n->tx[i]);
}

static void on_link(void *owner, bool up)
{
    struct vnet *n = owner;

    (void)up; /* the configuration asks the link */
    if (n->v)
        virtio_config_changed(n->v);
}

static const struct net_front front = {
    .ready = on_ready,
    .room = on_room,
    .link = on_link,
};

/* ---- what the common half asks ---- */

static void vnet_attach(void *dev, struct virtio *v)
{
    struct vnet *n = dev;

    n->v = v;
}

#define ALWAYS                                                 \
    (BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_STATUS) |        \
     BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_CTRL_VQ) | \
     BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_CTRL_VLAN) | \
     BIT(VIRTIO_NET_F_CTRL_RX_EXTRA))

static const struct {
    unsigned send, recv; /* of net_info: either */
    uint64_t feature;
} offload_features[] = {
    {NET_CSUM, 0, BIT(VIRTIO_NET_F_CSUM)},
    {NET_TSO4, 0, BIT(VIRTIO_NET_F_HOST_TSO4)},
    {NET_TSO6, 0, BIT(VIRTIO_NET_F_HOST_TSO6)},
    {NET_USO, 0, BIT(VNET_F_HOST_USO)},
    {0, NET_CSUM,
     BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS)},
    {0, NET_TSO4, BIT(VIRTIO_NET_F_GUEST_TSO4)},
    {0, NET_TSO6, BIT(VIRTIO_NET_F_GUEST_TSO6)},
    {0, NET_USO, BIT(VNET_F_GUEST_USO4) | BIT(VNET_F_GUEST_USO6)},
};

static uint64_t vnet_offer(void *dev)
{
    const struct vnet *n = dev;
    const struct net_info *info = net_info(n->net);
    uint64_t bits = ALWAYS;

    for (size_t i = 0; i < ARRAY_LEN(offload_features); i++)
        if ((offload_features[i].send & info->send) ||
            (offload_features[i].recv & info->recv))
            bits |= offload_features[i].feature;
    if (info->mtu)
        bits |= BIT(VIRTIO_NET_F_MTU);
    if (n->max_pairs > 1)
        bits |= BIT(VIRTIO_NET_F_MQ);
    if (!info->only_own_mac)
        bits |= BIT(VIRTIO_NET_F_CTRL_MAC_ADDR);
    return bits;
}

static unsigned vnet_n_queues(void *dev)
{
    const struct vnet *n = dev;

    return 2 * n->max_pairs + 1;
}

static uint16_t vnet_queue_size(void *dev, unsigned q)
{
    const struct vnet *n = dev;

    (void)q;
    return n->cfg.queue_size;
}

static void vnet_config_read(void *dev, unsigned off, void *buf, unsigned n)
{
    const struct vnet *net = dev;
    struct virtio_net_config c = {
        .status = net_link_up(net->net) ? VIRTIO_NET_S_LINK_UP : 0,
        .max_virtqueue_pairs = (uint16_t)net->max_pairs,
        .mtu = net_info(net->net)->mtu,
    };

    memcpy(c.mac, net->mac, sizeof(c.mac));
    memcpy(buf, (const uint8_t *)&c + off, n);
}

static void serve_pair(struct vnet *n, unsigned i)
{
    vnet_receive(&n->rx[i]);
    vnet_transmit(&n->tx[i]);
}

void vnet_use_pairs(struct vnet *n, unsigned pairs)
{
    const unsigned before = n->pairs;

    n->pairs = pairs;
    net_set_queues(n->net, pairs);
    /* What was kicked before it was in use is not kicked again. */
    for (unsigned i = before; i < pairs; i++)
        serve_pair(n, i);
}

static void vnet_start(void *dev, uint64_t features)
{
    struct vnet *n = dev;
    const bool modern = features & BIT(VIRTIO_F_VERSION_1);

    n->started = true;
    n->mergeable = features & BIT(VIRTIO_NET_F_MRG_RXBUF);
    /* 5.1.6.1: num_buffers is there when it has to be, or in any case. */
    n->hdr_len = modern || n->mergeable ? sizeof(struct virtio_net_hdr_v1)
                                        : sizeof(struct virtio_net_hdr);
    vnet_filter_init(&n->filter);
    n->filter.by_vlan = features & BIT(VIRTIO_NET_F_CTRL_VLAN);
    memcpy(n->mac, net_info(n->net)->mac, sizeof(n->mac));
    n->offloads = vnet_guest_offloads(features);
    net_set_offloads(n->net, n->offloads);
    n->pairs = 1;
    net_set_queues(n->net, 1);
}

static void vnet_kick(void *dev, unsigned q)
{
    struct vnet *n = dev;

    if (q == control_queue(n) && virtio_has(n->v, VIRTIO_NET_F_CTRL_VQ))
        vnet_control(n, q);
    else if (q / 2 >= n->pairs)
        return;
    else if (q % 2)
        vnet_transmit(&n->tx[q / 2]);
    else
        vnet_receive(&n->rx[q / 2]);
}

static void vnet_stop_queue(void *dev, unsigned q)
{
    struct vnet *n = dev;

    if (q / 2 >= n->max_pairs)
        n->more_control = false;
    else if (q % 2)
        vnet_tx_stop(&n->tx[q / 2]);
    else
        vnet_rx_stop(&n->rx[q / 2]);
}

static void vnet_stop(void *dev)
{
    struct vnet *n = dev;

    n->started = false;
    for (unsigned q = 0; q < vnet_n_queues(n); q++)
        vnet_stop_queue(n, q);
    loop_drain(n->loop, &n->turn);
    loop_drain(n->loop, &n->tx_timer);
    memcpy(n->mac, net_info(n->net)->mac, sizeof(n->mac));
}

const struct virtio_dev_ops vnet_ops = {
    .name = "virtio-net",
    .id = VIRTIO_ID_NET,
    .pci_class = 0x020000, /* network, Ethernet */
    .features = ALWAYS | BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
                BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) | BIT(VIRTIO_NET_F_MTU) |
                BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6) |
                BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) |
                BIT(VNET_F_GUEST_USO4) | BIT(VNET_F_GUEST_USO6) |
                BIT(VNET_F_HOST_USO) | BIT(VIRTIO_NET_F_MQ) |
                BIT(VIRTIO_NET_F_CTRL_MAC_ADDR),
    .attach = vnet_attach,
    .offer = vnet_offer,
    .n_queues = vnet_n_queues,
    .queue_size = vnet_queue_size,
    .config_size = offsetof(struct virtio_net_config, speed),
    .config_read = vnet_config_read,
    .start = vnet_start,
    .kick = vnet_kick,
    .stop = vnet_stop,
    .stop_queue = vnet_stop_queue,
};

/* ---- making and taking apart ---- */

static bool make_pairs(struct vnet *n)
{
    n->rx = calloc(n->max_pairs, sizeof(*n->rx));
    n->tx = calloc(n->max_pairs, sizeof(*n->tx));
    if (!n->rx || !n->tx)
        return false;
    for (unsigned i = 0; i < n->max_pairs; i++) {
        n->rx[i].n = n->tx[i].n = n;
        n->rx[i].pair = n->tx[i].pair = i;
        n->rx[i].want = 1;
    }
    return true;
}

struct vnet *vnet_create(struct net *net, struct loop *loop,
                         const struct vnet_config *cfg)
{
    struct vnet *n = calloc(1, sizeof(*n));

    BUG_ON(cfg->queue_size < 16 || cfg->queue_size > VNET_MAX_SIZE);
    if (n) {
        n->net = net;
        n->loop = loop;
        n->cfg = *cfg;
        n->max_pairs = net_info(net)->queues;
        memcpy(n->mac, net_info(net)->mac, sizeof(n->mac));
        n->turn = (struct loop_op){.fn = on_turn, .owner = n};
        n->tx_timer = (struct loop_op){.fn = on_tx_timer, .owner = n};
    }
    if (!n || !make_pairs(n)) {
        log_error("virtio-net: out of memory");
        vnet_destroy(n);
        return NULL;
    }
    net_attach(net, &front, n);
    return n;
}

void vnet_destroy(struct vnet *n)
{
    if (!n)
        return;
    net_attach(n->net, NULL, NULL);
    loop_drain(n->loop, &n->turn);
    loop_drain(n->loop, &n->tx_timer);
    free(n->rx);
    free(n->tx);
    free(n);
}
