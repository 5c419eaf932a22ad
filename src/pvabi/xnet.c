// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xnet.c: the network back-end; see xnet.h. Source: xen/io/netif.h.
 *
 * A queue is a pair of rings, served by xnet_rx.c and xnet_tx.c, with one
 * event channel or two. Packets move within one callback: nothing is in
 * flight, but for receive buffers popped ahead and one packet a link refused
 * for now. A large segment goes from ring to link, and from link to ring, in
 * one piece.
 *
 * What a turn brought is published after it, once per ring. What was sent is
 * not worth an event of its own, as in vnet.c: it becomes visible with the
 * next packet received, or when it adds up, or after TX_DELAY_NS.
 *
 * Thread: loop, board lock held.
 */
#include "pvabi/xnet_priv.h"

#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

#define TX_DELAY_NS 250000u
/* Sent and not told: at most so much. */
#define TX_DELAY_SLOTS 32u
#define TX_DELAY_BYTES (32 * KIB)

/* ---- publishing ---- */

static bool publish_tx(struct xnet_tx *tx)
{
    tx->done = 0;
    tx->done_bytes = 0;
    return xring_publish(&tx->r.ring);
}

/* Is it time to tell the driver what was sent? */
static bool tx_is_due(const struct xnet_tx *tx)
{
    return tx->done >= TX_DELAY_SLOTS || tx->done_bytes >= TX_DELAY_BYTES;
}

static void notify(const struct xnet_queue *q, bool rx, bool tx)
{
    struct evtchn *events = q->n->bus.host.events;

    if (rx)
        evtchn_backend_notify(events, q->rx_port);
    if (tx && (!rx || q->tx_port != q->rx_port))
        evtchn_backend_notify(events, q->tx_port);
}

static void publish_queue(struct xnet_queue *q)
{
    struct xnet *n = q->n;
    const bool received = q->rx.dirty;
    const bool rx = received && xring_publish(&q->rx.r.ring);
    bool tx = false;

    q->rx.dirty = false;
    if (q->tx.done && received)
        xring_show(&q->tx.r.ring);
    if (q->tx.done && tx_is_due(&q->tx))
        tx = publish_tx(&q->tx);
    else if (q->tx.done && n->tx_timer.kind == LOOP_IDLE)
        loop_timer(n->bus.host.loop, &n->tx_timer, TX_DELAY_NS);
    notify(q, rx, tx);
}

static void on_tx_timer(struct loop_op *op, int res)
{
    struct xnet *n = op->owner;

    if (res < 0)
        return; /* cancelled */
    for (unsigned i = 0; i < n->n_queues; i++)
        if (n->queues[i].tx.done)
            notify(&n->queues[i], false, publish_tx(&n->queues[i].tx));
}

/* After the callbacks of a turn in which something moved or was left. */
static void on_turn(struct loop_op *op, int res)
{
    struct xnet *n = op->owner;

    (void)res;
    for (unsigned i = 0; i < n->n_queues; i++) {
        struct xnet_queue *q = &n->queues[i];

        publish_queue(q);
        if (q->rx.more)
            xnet_receive(&q->rx);
        if (q->tx.more)
            xnet_transmit(&q->tx);
    }
    if (n->more_control)
        xnet_control(n);
}

/* ---- what the link says ---- */

static void on_ready(void *owner, unsigned queue)
{
    struct xnet *n = owner;

    if (n->connected && queue < n->n_queues)
        xnet_receive(&n->queues[queue].rx);
}

static void on_room(void *owner)
{
    struct xnet *n = owner;

    for (unsigned i = 0; n->connected && i < n->n_queues; i++)
        if (n->queues[i].tx.pending)
            xnet_transmit(&n->queues[i].tx);
}

static void on_link(void *owner, bool up)
{
    struct xnet *n = owner;

    xenbus_put(&n->bus, "carrier", "%d", up);
}

static const struct net_front front = {
    .ready = on_ready,
    .room = on_room,
    .link = on_link,
};

/* ---- what the driver says ---- */

static void on_tx_event(void *owner)
{
    struct xnet_queue *q = owner;

    if (q->n->connected)
        xnet_transmit(&q->tx);
}

static void on_rx_event(void *owner)
{
    struct xnet_queue *q = owner;

    if (q->n->connected)
        xnet_receive(&q->rx);
}

static void on_event(void *owner)
{
    on_rx_event(owner);
    on_tx_event(owner);
}

/* ---- what xenbus asks ---- */

static void xnet_describe(void *dev)
{
    struct xnet *n = dev;
    struct xenbus *x = &n->bus;
    const struct net_info *info = net_info(n->net);
    const uint8_t *m = info->mac;

    xenbus_put_front(x, "handle", "%u", x->id);
    xenbus_put_front(x, "mac", "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1],
                     m[2], m[3], m[4], m[5]);
    if (info->mtu)
        xenbus_put_front(x, "mtu", "%u", info->mtu);
    xenbus_put(x, "handle", "%u", x->id);
    xenbus_put(x, "mac", "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
               m[3], m[4], m[5]);
    xenbus_put(x, "feature-rx-copy", "1");
    xenbus_put(x, "feature-rx-flip", "0");
    xenbus_put(x, "feature-sg", "1");
    xenbus_put(x, "feature-gso-tcpv4", "%d", !!(info->send & NET_TSO4));
    xenbus_put(x, "feature-gso-tcpv6", "%d", !!(info->send & NET_TSO6));
    xenbus_put(x, "feature-ipv6-csum-offload", "%d", !!(info->send & NET_CSUM));
    xenbus_put(x, "feature-multicast-control", "1");
    xenbus_put(x, "feature-dynamic-multicast-control", "1");
    xenbus_put(x, "feature-split-event-channels", "1");
    xenbus_put(x, "feature-ctrl-ring", "1");
    xenbus_put(x, "multi-queue-max-queues", "%u", n->max_queues);
    xenbus_put(x, "carrier", "%d", net_link_up(n->net));
    xenbus_put(x, "hotplug-status", "connected");
}

/*
 * What the driver receives. Checksums are one thing to the link and two to a
 * driver (IPv4's it takes unless it says no); segments have none of their own.
 */
static unsigned read_offloads(const struct xenbus *x)
{
    unsigned offloads = NET_CSUM;

    if (xenbus_has(x, "feature-no-csum-offload") ||
        !xenbus_has(x, "feature-ipv6-csum-offload"))
        return 0;
    if (!xenbus_has(x, "feature-sg"))
        return offloads;
    if (xenbus_has(x, "feature-gso-tcpv4"))
        offloads |= NET_TSO4;
    if (xenbus_has(x, "feature-gso-tcpv6"))
        offloads |= NET_TSO6;
    return offloads;
}

static void xnet_changed(void *dev)
{
    struct xnet *n = dev;

    n->multicast.on = xenbus_has(&n->bus, "request-multicast-control");
}

/* Both rings' events come by one channel, or each by its own. */
static int connect_ports(struct xnet_queue *q, unsigned n)
{
    struct xenbus *x = &q->n->bus;
    char node[XENBUS_NODE];
    uint64_t v;
    int ret;

    xenbus_queue_node(node, q->index, n, "event-channel-tx");
    ret = xenbus_get(x, node, UINT32_MAX, UINT64_MAX, &v);
    if (ret < 0)
        return ret;
    if (v == UINT64_MAX) {
        xenbus_queue_node(node, q->index, n, "event-channel");
        ret = xenbus_take_port(x, node, on_event, q, &q->tx_port);
        q->rx_port = q->tx_port;
        return ret;
    }
    ret = xenbus_take_port(x, node, on_tx_event, q, &q->tx_port);
    if (ret < 0)
        return ret;
    xenbus_queue_node(node, q->index, n, "event-channel-rx");
    return xenbus_take_port(x, node, on_rx_event, q, &q->rx_port);
}

static int connect_queue(struct xnet_queue *q, unsigned n)
{
    struct xenbus *x = &q->n->bus;
    char node[XENBUS_NODE];
    int ret;

    xnet_rx_start(&q->rx);
    xnet_tx_start(&q->tx);
    ret =
        xenbus_take_ring(x, xenbus_queue_node(node, q->index, n, "tx-ring-ref"),
                         0, sizeof(union netif_tx_sring_entry), &q->tx.r);
    if (ret < 0)
        return ret;
    ret =
        xenbus_take_ring(x, xenbus_queue_node(node, q->index, n, "rx-ring-ref"),
                         0, sizeof(union netif_rx_sring_entry), &q->rx.r);
    return ret < 0 ? ret : connect_ports(q, n);
}

static int connect_queues(struct xnet *n, unsigned count)
{
    int ret = 0;

    for (; ret == 0 && n->n_queues < count; n->n_queues++)
        ret = connect_queue(&n->queues[n->n_queues], count);
    return ret < 0 ? ret : xnet_ctrl_connect(n);
}

static int xnet_connect(void *dev)
{
    struct xnet *n = dev;
    struct xenbus *x = &n->bus;
    uint64_t count;
    int ret;

    n->n_queues = 0;
    if (!xenbus_has(x, "request-rx-copy"))
        return xenbus_refuse(x, "the driver asks for page flipping");
    ret = xenbus_get(x, "multi-queue-num-queues", n->max_queues, 1, &count);
    if (ret < 0)
        return ret;
    if (count == 0)
        return xenbus_refuse(x, "multi-queue-num-queues is 0");
    ret = connect_queues(n, (unsigned)count);
    if (ret < 0)
        return ret;
    n->sg = xenbus_has(x, "feature-sg");
    n->multicast.n = 0;
    xnet_changed(n);
    n->offloads = read_offloads(x) & net_info(n->net)->recv;
    net_set_offloads(n->net, n->offloads);
    net_set_queues(n->net, n->n_queues);
    /* Until now the link may have been an emulated card's. */
    net_attach(n->net, &front, n);
    n->attached = true;
    xenbus_put(x, "carrier", "%d", net_link_up(n->net));
    return 0;
}

/* What was put in before its event could reach us needs none. */
static void xnet_connected(void *dev)
{
    struct xnet *n = dev;

    n->connected = true;
    for (unsigned i = 0; i < n->n_queues; i++)
        on_event(&n->queues[i]);
    if (n->ctrl_port)
        xnet_control(n);
}

static void disconnect_queue(struct xnet_queue *q)
{
    struct xenbus *x = &q->n->bus;

    if (q->rx_port != q->tx_port)
        xenbus_drop_port(x, &q->rx_port);
    xenbus_drop_port(x, &q->tx_port);
    q->rx_port = 0;
    xnet_rx_stop(&q->rx);
    xnet_tx_stop(&q->tx);
    xenbus_drop_ring(x, &q->rx.r);
    xenbus_drop_ring(x, &q->tx.r);
}

static void detach(struct xnet *n)
{
    if (n->attached)
        net_attach(n->net, NULL, NULL);
    n->attached = false;
}

static void xnet_disconnect(void *dev)
{
    struct xnet *n = dev;

    detach(n);
    n->connected = false;
    loop_drain(n->bus.host.loop, &n->turn);
    loop_drain(n->bus.host.loop, &n->tx_timer);
    for (unsigned i = 0; i < n->n_queues; i++)
        disconnect_queue(&n->queues[i]);
    n->n_queues = 0;
    n->more_control = false;
    xnet_ctrl_disconnect(n);
}

static const struct xenbus_ops ops = {
    .type = "vif",
    .describe = xnet_describe,
    .connect = xnet_connect,
    .connected = xnet_connected,
    .disconnect = xnet_disconnect,
    .changed = xnet_changed,
};

/* ---- making and taking apart ---- */

static void free_all(struct xnet *n)
{
    if (n)
        free(n->queues);
    free(n);
}

struct xnet *xnet_create(struct net *net, const struct xenbus_host *host,
                         unsigned nth)
{
    struct xnet *n = calloc(1, sizeof(*n));

    if (n) {
        n->net = net;
        n->max_queues = net_info(net)->queues;
        n->turn = (struct loop_op){.fn = on_turn, .owner = n};
        n->tx_timer = (struct loop_op){.fn = on_tx_timer, .owner = n};
        n->queues = calloc(n->max_queues, sizeof(*n->queues));
    }
    if (!n || !n->queues) {
        log_error("vif %u: out of memory", nth);
        free_all(n);
        return NULL;
    }
    for (unsigned i = 0; i < n->max_queues; i++) {
        struct xnet_queue *q = &n->queues[i];

        *q = (struct xnet_queue){
            .n = n, .index = i, .rx = {.q = q}, .tx = {.q = q}};
    }
    if (xenbus_init(&n->bus, host, &ops, n, nth) < 0) {
        free_all(n);
        return NULL;
    }
    return n;
}

void xnet_destroy(struct xnet *n)
{
    if (!n)
        return;
    xenbus_fini(&n->bus);
    detach(n);
    free_all(n);
}
