// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xnet_tx.c: a transmit ring of the network back-end; see xnet.c. Source:
 * xen/io/netif.h, "Guest transmit".
 *
 * A packet is a chain of slots, popped as a whole: a first one with the size
 * of it all, extras, and the rest. The pages are held while the link looks at
 * them. Where the frame's headers are looked at they are copied first, and
 * the copy is what the link gets, before the rest of the frame in guest
 * memory. A packet against the rules is thrown away and counted, and answered
 * with an error; a chain that has no end breaks the ring.
 *
 * A packet that the link refuses for now stays popped, and the only one: the
 * others wait in the ring.
 *
 * Thread: loop, board lock held.
 */
#include "pvabi/xnet_priv.h"

#include <string.h>

/* Packets in a turn, so that others have theirs. */
#define TURN_PACKETS 256u

#define MIN_FRAME 14u

_Static_assert(sizeof(struct netif_tx_request) == 12, "xen/io/netif.h");
_Static_assert(sizeof(struct netif_extra_info) == 8, "xen/io/netif.h");
_Static_assert(sizeof(struct netif_tx_response) == 4, "xen/io/netif.h");
_Static_assert(sizeof(union netif_tx_sring_entry) == 12, "xen/io/netif.h");

/* ---- taking a packet's slots off the ring ---- */

/* The next slot of a packet that has more; 0, or -EPROTO. */
static int pop_more(struct xnet_tx *tx, void *slot, size_t n)
{
    const int ret = xring_pop(&tx->r.ring, slot, n);

    if (ret == 0)
        return xring_break(&tx->r.ring, "a packet without an end");
    return ret < 0 ? ret : 0;
}

static int note_extra(struct xnet_tx *tx, const struct netif_extra_info *e)
{
    switch (e->type) {
    case XEN_NETIF_EXTRA_TYPE_GSO:
        tx->gso = *e;
        return 0;
    case XEN_NETIF_EXTRA_TYPE_MCAST_ADD:
    case XEN_NETIF_EXTRA_TYPE_MCAST_DEL:
        tx->mcast = *e;
        return 0;
    case XEN_NETIF_EXTRA_TYPE_HASH:
        return 0; /* for whom it may concern */
    default:
        return xring_break(&tx->r.ring, "an extra of an unknown type");
    }
}

static int pop_extras(struct xnet_tx *tx)
{
    struct netif_extra_info e;
    int ret;

    do {
        if (tx->n_extras == XNET_MAX_EXTRAS)
            return xring_break(&tx->r.ring, "a packet of too many extras");
        ret = pop_more(tx, &e, sizeof(e));
        if (ret < 0)
            return ret;
        tx->n_extras++;
        ret = note_extra(tx, &e);
    } while (ret == 0 && (e.flags & XEN_NETIF_EXTRA_FLAG_MORE));
    return ret;
}

/* All slots of the next packet: 1, 0 if there is none, or -EPROTO. */
static int pop_packet(struct xnet_tx *tx)
{
    struct netif_tx_request *s = tx->slots;
    int ret = xring_pop(&tx->r.ring, s, sizeof(*s));

    if (ret <= 0)
        return ret;
    tx->n_slots = 1;
    tx->n_extras = 0;
    tx->gso.type = tx->mcast.type = XEN_NETIF_EXTRA_TYPE_NONE;
    if (s->flags & NETTXF_extra_info)
        ret = pop_extras(tx);
    while (ret >= 0 && (s->flags & NETTXF_more_data)) {
        if (tx->n_slots == XNET_MAX_SLOTS)
            return xring_break(&tx->r.ring, "a packet of too many slots");
        s = &tx->slots[tx->n_slots++];
        ret = pop_more(tx, s, sizeof(*s));
    }
    return ret < 0 ? ret : 1;
}

/* ---- answering them ---- */

static void let_go(struct xnet_tx *tx)
{
    while (tx->n_held)
        gnttab_release(tx->q->n->bus.host.gnt, tx->held[--tx->n_held], false);
}

/* A response for each slot, in their order; extras have none of their own. */
static void push(struct xnet_tx *tx, int status, size_t bytes)
{
    union netif_tx_sring_entry out[XNET_MAX_SLOTS + XNET_MAX_EXTRAS];
    const unsigned n = tx->n_slots + tx->n_extras;

    let_go(tx);
    for (unsigned i = 0; i < n; i++) {
        const bool extra = i > 0 && i <= tx->n_extras;

        memset(&out[i], 0, sizeof(out[i]));
        if (extra)
            out[i].rsp.status = NETIF_RSP_NULL;
        else
            out[i].rsp = (struct netif_tx_response){
                .id = tx->slots[i ? i - tx->n_extras : 0].id,
                .status = (int16_t)status};
    }
    xring_push_some(&tx->r.ring, out, n);
    tx->done += n;
    tx->done_bytes += bytes;
    xnet_post(tx->q->n);
}

/* ---- one packet ---- */

/* The first slot says the size of all: what is left of it is its own. */
static bool first_size(const struct xnet_tx *tx, size_t *own)
{
    size_t rest = 0;

    for (unsigned i = 1; i < tx->n_slots; i++)
        rest += tx->slots[i].size;
    if (tx->slots[0].size < rest)
        return false;
    *own = tx->slots[0].size - rest;
    return true;
}

static bool hold_slot(struct xnet_tx *tx, unsigned i, size_t size)
{
    const struct netif_tx_request *s = &tx->slots[i];
    struct iovec *v = &tx->iov[1 + tx->n_held];

    if (!size)
        return true; /* nothing to send (XSA-448) */
    if (gnttab_iov(tx->q->n->bus.host.gnt, s->gref, s->offset, (unsigned)size,
                   false, v) < 0)
        return false;
    tx->held[tx->n_held++] = s->gref;
    return true;
}

static bool hold_packet(struct xnet_tx *tx)
{
    size_t size;

    if (!first_size(tx, &size))
        return false;
    for (unsigned i = 0; i < tx->n_slots; i++) {
        if (!hold_slot(tx, i, size))
            return false;
        size = i + 1 < tx->n_slots ? tx->slots[i + 1].size : 0;
    }
    return true;
}

/* Move the first n bytes of the frame into our copy; there are as many. */
static void pull(struct xnet_tx *tx, size_t n)
{
    size_t done = 0;

    for (struct iovec *v = tx->iov + 1; done < n; v++) {
        const size_t run = n - done < v->iov_len ? n - done : v->iov_len;

        fetch_copy(tx->head.frame + done, v->iov_base, run);
        v->iov_base = (uint8_t *)v->iov_base + run;
        v->iov_len -= run;
        done += run;
    }
}

/* How much of the frame has to be looked at. */
static size_t head_bytes(const struct xnet_tx *tx, bool offloads)
{
    const size_t total = tx->slots[0].size;

    if (offloads)
        return total < XNET_HEAD ? total : XNET_HEAD;
    return net_info(tx->q->n->net)->only_own_mac ? MIN_FRAME : 0;
}

static bool gso_is_offered(const struct xnet *n, uint8_t type)
{
    const unsigned send = net_info(n->net)->send;

    switch (type) {
    case XEN_NETIF_GSO_TYPE_NONE:
        return true;
    case XEN_NETIF_GSO_TYPE_TCPV4:
        return send & NET_TSO4;
    case XEN_NETIF_GSO_TYPE_TCPV6:
        return send & NET_TSO6;
    default:
        return false;
    }
}

static bool check_sender(const struct xnet_tx *tx)
{
    const struct net_info *info = net_info(tx->q->n->net);

    return !info->only_own_mac ||
           memcmp(tx->head.frame + XNET_MAC, info->mac, XNET_MAC) == 0;
}

/* On success the packet is tx->pkt, and its pages are held. */
static bool make_packet(struct xnet_tx *tx)
{
    const size_t total = tx->slots[0].size;
    struct xnet_wants wants = {
        .csum = tx->slots[0].flags & NETTXF_csum_blank,
    };
    size_t own;

    if (tx->gso.type) {
        wants.gso_type = tx->gso.u.gso.type;
        wants.gso_size = tx->gso.u.gso.size;
    }
    if (total < MIN_FRAME || !gso_is_offered(tx->q->n, wants.gso_type) ||
        !hold_packet(tx))
        return false;
    own = head_bytes(tx, wants.csum || wants.gso_type);
    pull(tx, own);
    if (!xnet_header(&wants, tx->head.frame, own, total, &tx->head.hdr) ||
        !check_sender(tx))
        return false;
    tx->iov[0] = (struct iovec){&tx->head, NET_HDR + own};
    tx->pkt = (struct net_pkt){tx->iov, 1 + tx->n_held, NET_HDR + total};
    return true;
}

/* ---- the ring ---- */

/* A change to the list of addresses travels as a packet of no data. */
static void change_multicast(struct xnet_tx *tx)
{
    const bool did = xnet_multicast_change(&tx->q->n->multicast, &tx->mcast);

    push(tx, did ? NETIF_RSP_OKAY : NETIF_RSP_ERROR, 0);
}

enum taken {
    NOTHING,  /* the ring is empty, or broke */
    A_PACKET, /* to be sent */
    ANSWERED, /* not worth sending, and done with */
};

static enum taken take(struct xnet_tx *tx)
{
    struct xring *r = &tx->r.ring;
    int ret;

    do
        ret = pop_packet(tx);
    while (ret == 0 && xring_listen(r));
    if (ret < 0)
        xenbus_broken(&tx->q->n->bus, r->why);
    if (ret <= 0)
        return NOTHING;
    if (tx->mcast.type) {
        change_multicast(tx);
        return ANSWERED;
    }
    if (make_packet(tx))
        return A_PACKET;
    net_dropped(tx->q->n->net, true);
    push(tx, NETIF_RSP_ERROR, 0);
    return ANSWERED;
}

/* False: there is nothing, or it has to wait. */
static bool send_one(struct xnet_tx *tx)
{
    if (!tx->pending) {
        const enum taken taken = take(tx);

        if (taken != A_PACKET)
            return taken == ANSWERED;
    }
    tx->pending = net_send(tx->q->n->net, tx->q->index, &tx->pkt) < 0;
    if (!tx->pending)
        push(tx, NETIF_RSP_OKAY, tx->pkt.bytes);
    return !tx->pending;
}

void xnet_transmit(struct xnet_tx *tx)
{
    const struct xring *r = &tx->r.ring;

    tx->more = false;
    if (!r->running || r->broken)
        return;
    for (unsigned i = 0; i < TURN_PACKETS; i++)
        if (!send_one(tx))
            return;
    tx->more = true;
    xnet_post(tx->q->n);
}

void xnet_tx_start(struct xnet_tx *tx)
{
    tx->n_held = 0;
    tx->pending = tx->more = false;
    tx->done = 0;
    tx->done_bytes = 0;
}

void xnet_tx_stop(struct xnet_tx *tx)
{
    let_go(tx);
    xnet_tx_start(tx);
}
