// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vnet_tx.c: a transmit queue of the network device; see vnet.c. Source:
 * virtio 1.2, 5.1.6.2.
 *
 * The header is copied once and checked, and the copy is what the link gets,
 * before the rest of the frame in guest memory; where the sender's address is
 * checked, the same is done with the Ethernet header. A packet against the
 * rules is thrown away and counted; its chain is returned like any other.
 *
 * A packet that the link refuses for now stays popped, and the only one: the
 * others wait in the ring.
 *
 * Thread: loop, board lock held.
 */
#include "devices/virtio/vnet_priv.h"

#include <string.h>

/* Packets in a turn, so that others have theirs. */
#define TURN_PACKETS 256u

#define MIN_FRAME 14u

/* ---- one packet ---- */

static bool gso_was_negotiated(const struct vnet *n, uint8_t gso_type)
{
    static const struct {
        uint8_t type;
        uint8_t feature;
    } kinds[] = {
        {VIRTIO_NET_HDR_GSO_TCPV4, VIRTIO_NET_F_HOST_TSO4},
        {VIRTIO_NET_HDR_GSO_TCPV6, VIRTIO_NET_F_HOST_TSO6},
        {VNET_GSO_UDP_L4, VNET_F_HOST_USO},
    };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].type == gso_type)
            return virtio_has(n->v, kinds[i].feature);
    return false;
}

/* 5.1.6.2.1, of a header before a frame of so many bytes. */
static bool check_header(const struct vnet *n,
                         const struct virtio_net_hdr_v1 *h, uint64_t frame)
{
    const bool csum = h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;

    if (csum && (!virtio_has(n->v, VIRTIO_NET_F_CSUM) ||
                 (uint64_t)h->csum_start + h->csum_offset + 2 > frame))
        return false;
    if (h->gso_type == VIRTIO_NET_HDR_GSO_NONE)
        return true;
    return csum && h->gso_size && gso_was_negotiated(n, h->gso_type);
}

/* Cut so many bytes off the front; there are as many. */
static void cut_front(struct vchain *c, size_t n)
{
    c->out_bytes -= n;
    while (n) {
        uint8_t *base = c->iov->iov_base;
        const size_t run = n < c->iov->iov_len ? n : c->iov->iov_len;

        c->iov->iov_base = base + run;
        c->iov->iov_len -= run;
        n -= run;
        if (c->iov->iov_len == 0) {
            c->iov++;
            c->n_out--;
        }
    }
}

/*
 * Copy what is looked at out of the chain and check it. On success the packet
 * is tx->pkt.
 */
static bool make_packet(struct vnet_tx *tx)
{
    const struct vnet *n = tx->n;
    struct vchain *c = &tx->c;
    size_t own = sizeof(tx->head.hdr);

    if (c->n_in || c->out_bytes < n->hdr_len + MIN_FRAME ||
        c->out_bytes > n->hdr_len + NET_MAX_FRAME)
        return false;
    tx->head.hdr.num_buffers = 0;
    vchain_read(c, 0, &tx->head.hdr, n->hdr_len);
    cut_front(c, n->hdr_len);
    if (!check_header(n, &tx->head.hdr, c->out_bytes))
        return false;
    if (net_info(n->net)->only_own_mac) {
        own += vchain_read(c, 0, tx->head.ethernet, MIN_FRAME);
        cut_front(c, MIN_FRAME);
        if (memcmp(tx->head.ethernet + VNET_MAC, n->mac, VNET_MAC) != 0)
            return false;
    }
    /* There is an entry before the chain's first (vnet_tx.iov). */
    c->iov[-1] = (struct iovec){&tx->head, own};
    tx->pkt = (struct net_pkt){c->iov - 1, (unsigned)c->n_out + 1,
                               own + c->out_bytes};
    return true;
}

static void push(struct vnet_tx *tx, size_t bytes)
{
    virtq_push(vnet_tx_queue(tx), tx->c.head, 0);
    tx->done++;
    tx->done_bytes += bytes;
    vnet_post(tx->n);
}

/* ---- the queue ---- */

/* Pop the next packet worth sending. False: there is none. */
static bool take(struct vnet_tx *tx)
{
    struct virtq *q = vnet_tx_queue(tx);
    int ret;

    for (;;) {
        tx->c = (struct vchain){.iov = tx->iov + 1, .max = VNET_CHAIN_IOV};
        ret = virtq_pop(q, &tx->c);
        if (ret == 0 && virtq_listen(q))
            continue;
        if (ret < 0)
            virtio_broken(tx->n->v, q->why);
        if (ret <= 0)
            return false;
        if (make_packet(tx))
            return true;
        net_dropped(tx->n->net, true);
        push(tx, 0);
    }
}

void vnet_transmit(struct vnet_tx *tx)
{
    struct virtq *q = vnet_tx_queue(tx);

    tx->more = false;
    if (!q->running || q->broken)
        return;
    virtq_quiet(q);
    for (unsigned i = 0; i < TURN_PACKETS; i++) {
        if (!tx->pending && !take(tx))
            return;
        tx->pending = net_send(tx->n->net, tx->pair, &tx->pkt) < 0;
        if (tx->pending)
            return;
        push(tx, tx->pkt.bytes);
    }
    tx->more = true;
    vnet_post(tx->n);
}

void vnet_tx_stop(struct vnet_tx *tx)
{
    if (tx->pending)
        push(tx, 0);
    tx->pending = false;
    tx->more = false;
    tx->done = 0;
    tx->done_bytes = 0;
}
