// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xnet_rx.c: a receive ring of the network back-end; see xnet.c. Source:
 * xen/io/netif.h, "Guest receive".
 *
 * Buffers, a page each, are popped ahead of the packet and held, as many as
 * the last packets took, and a packet is read right into them. How long it is
 * shows only then; what they do not hold lands behind them in a spill of our
 * own, and is copied into further buffers. If there are no further ones the
 * packet is held until there are, and nothing else is read. With no buffer at
 * all nothing is read: the host's queue drops.
 *
 * A large segment says so in an extra, which takes the place of the second
 * response, and the buffer there stays unused. Most packets of several pages
 * are such: so where the driver takes them the second buffer is left out when
 * reading. One that is none after all is moved up by a page.
 *
 * Responses come in the order of their requests: drivers find them by place.
 *
 * Thread: loop, board lock held.
 */
#include "pvabi/xnet_priv.h"

#include <string.h>

/* Packets in a turn, so that others have theirs. */
#define TURN_PACKETS 256u

#define EXTRA_SLOT 1u

_Static_assert(sizeof(struct netif_rx_request) == 8, "xen/io/netif.h");
_Static_assert(sizeof(union netif_rx_sring_entry) == 8, "xen/io/netif.h");
_Static_assert(sizeof(struct netif_rx_response) == 8, "xen/io/netif.h");
_Static_assert(NET_MAX_FRAME / GUEST_PAGE + 2 <= XNET_RX_BUFS, "a packet fits");

/* ---- buffers ---- */

static struct xnet_buf *buf_at(struct xnet_rx *rx, unsigned i)
{
    return &rx->bufs[(rx->first + i) % XNET_RX_BUFS];
}

/* Hold the page of a request popped. 0 or -EPROTO. */
static int hold_buffer(struct xnet_rx *rx, const struct netif_rx_request *req)
{
    struct gwin page;

    if (gnttab_win(rx->q->n->bus.host.gnt, req->gref, true, &page) < 0)
        return xring_break(&rx->r.ring, "a receive buffer that is not granted");
    *buf_at(rx, rx->count++) = (struct xnet_buf){req->id, req->gref, page.host};
    return 0;
}

/* Pop up to n more buffers. False: there is none, or the ring broke. */
static bool add_buffers(struct xnet_rx *rx, unsigned n)
{
    struct netif_rx_request reqs[XNET_RX_BUFS];
    const int got = xring_pop_some(&rx->r.ring, reqs, n);
    int ret = got;

    for (int i = 0; ret >= 0 && i < got; i++)
        ret = hold_buffer(rx, &reqs[i]);
    if (ret < 0)
        xenbus_broken(&rx->q->n->bus, rx->r.ring.why);
    return ret >= 0 && got;
}

/*
 * Have up to n buffers, and at least so many. If they are fewer, the driver
 * is asked to say when there are more.
 */
static bool have_buffers(struct xnet_rx *rx, unsigned n, unsigned least)
{
    struct xring *r = &rx->r.ring;

    while (rx->count < n)
        if (!add_buffers(rx, n - rx->count) &&
            (rx->count >= least || !xring_listen(r)))
            break;
    return rx->count >= least && !r->broken;
}

static void let_go_first(struct xnet_rx *rx)
{
    gnttab_release(rx->q->n->bus.host.gnt, buf_at(rx, 0)->ref, true);
    rx->first = (rx->first + 1) % XNET_RX_BUFS;
    rx->count--;
}

/* ---- reading a packet ---- */

static bool takes_gso(const struct xnet_rx *rx)
{
    return rx->q->n->offloads & (NET_TSO4 | NET_TSO6);
}

/* Header, buffers, spill. */
static void offer_room(struct xnet_rx *rx, struct net_pkt *room)
{
    unsigned n = 0;

    rx->offered = rx->count < rx->want ? rx->count : rx->want;
    rx->spared = rx->offered > EXTRA_SLOT && takes_gso(rx);
    rx->to[n++] = (struct iovec){&rx->hdr, sizeof(rx->hdr)};
    for (unsigned i = 0; i < rx->offered; i++)
        if (i != EXTRA_SLOT || !rx->spared)
            rx->to[n++] = (struct iovec){buf_at(rx, i)->page, GUEST_PAGE};
    rx->to[n++] = (struct iovec){rx->spill, sizeof(rx->spill)};
    *room = (struct net_pkt){.iov = rx->to, .n = n};
}

/* A packet queued for another driver may need what this one cannot do. */
static bool driver_can_take(const struct xnet_rx *rx)
{
    const unsigned offloads = rx->q->n->offloads;
    const struct virtio_net_hdr_v1 *h = &rx->hdr;
    const uint8_t type = xnet_gso_type(h);

    if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE &&
        !(type == XEN_NETIF_GSO_TYPE_TCPV4   ? offloads & NET_TSO4
          : type == XEN_NETIF_GSO_TYPE_TCPV6 ? offloads & NET_TSO6
                                             : 0))
        return false;
    return !(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || (offloads & NET_CSUM);
}

/* The first buffer holds the address; what the guest makes of it is its own. */
static bool driver_wants(const struct xnet_rx *rx)
{
    const struct xnet *n = rx->q->n;
    uint8_t mac[XNET_MAC];

    if (!n->multicast.on)
        return true;
    fetch_copy(mac, rx->to[1].iov_base, sizeof(mac));
    return xnet_multicast_passes(&n->multicast, mac);
}

/* ---- handing it over ---- */

/* Slots for so many bytes of data, with an extra or without. */
static unsigned slots_for(size_t total, bool gso)
{
    return (unsigned)((total + GUEST_PAGE - 1) / GUEST_PAGE) + gso;
}

/* The slot of the nth page of data. */
static unsigned slot_of(unsigned nth, bool gso)
{
    return nth + (gso && nth >= EXTRA_SLOT);
}

/* Bring the data to where they belong: up by a page, and out of the spill. */
static void arrange(struct xnet_rx *rx, size_t total, bool gso)
{
    const unsigned read = rx->offered - rx->spared; /* pages read into */
    const unsigned pages = slots_for(total, false);
    const uint8_t *from = rx->spill;

    for (unsigned i = EXTRA_SLOT; rx->spared && !gso && i < read && i < pages;
         i++)
        memcpy(buf_at(rx, i)->page, buf_at(rx, i + 1)->page, GUEST_PAGE);
    for (unsigned i = read; i < pages; i++, from += GUEST_PAGE) {
        const size_t left = total - i * GUEST_PAGE;

        memcpy(buf_at(rx, slot_of(i, gso))->page, from,
               left < GUEST_PAGE ? left : GUEST_PAGE);
    }
}

/* A slot of the ring on its way to the driver. */
union out {
    struct netif_rx_response rsp;
    struct netif_extra_info extra;
};

_Static_assert(sizeof(union out) == sizeof(struct netif_rx_response),
               "an extra is no longer than a response");

static union out extra_of(const struct xnet_rx *rx)
{
    return (union out){.extra = {.type = XEN_NETIF_EXTRA_TYPE_GSO,
                                 .u.gso = {.size = rx->hdr.gso_size,
                                           .type = xnet_gso_type(&rx->hdr)}}};
}

/* Ready the window for a packet like this one; see vnet_rx.c. */
static void adapt(struct xnet_rx *rx, unsigned used)
{
    if (used >= rx->want)
        rx->want = used;
    else
        rx->want -= (rx->want - used + 15) / 16;
}

static void deliver(struct xnet_rx *rx, size_t total, bool gso)
{
    const unsigned pages = slots_for(total, false);
    const unsigned slots = slots_for(total, gso);
    unsigned flags = xnet_rx_flags(&rx->hdr) | (gso ? NETRXF_extra_info : 0);
    union out out[XNET_RX_BUFS];

    arrange(rx, total, gso);
    if (gso)
        out[EXTRA_SLOT] = extra_of(rx);
    for (unsigned i = 0; i < pages; i++) {
        const size_t left = total - i * GUEST_PAGE;
        const unsigned slot = slot_of(i, gso);

        out[slot].rsp = (struct netif_rx_response){
            .id = buf_at(rx, slot)->id,
            .flags = (uint16_t)(flags | (i + 1 < pages ? NETRXF_more_data : 0)),
            .status = (int16_t)(left < GUEST_PAGE ? left : GUEST_PAGE),
        };
        flags = 0;
    }
    xring_push_some(&rx->r.ring, out, slots);
    for (unsigned i = 0; i < slots; i++)
        let_go_first(rx);
    adapt(rx, slots);
    rx->dirty = true;
    xnet_post(rx->q->n);
}

/* A packet of total bytes is there. False: it waits for buffers. */
static bool place(struct xnet_rx *rx, size_t total)
{
    const bool gso = rx->hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE;
    const unsigned slots = slots_for(total, gso);

    rx->held = 0;
    if (slots_for(total, false) > 1 && !rx->q->n->sg) {
        net_dropped(rx->q->n->net, false);
    } else if (have_buffers(rx, slots, slots)) {
        deliver(rx, total, gso);
    } else {
        rx->held = total;
        return false;
    }
    return true;
}

/* Receive one packet. False: there is none, or no room. */
static bool receive_one(struct xnet_rx *rx)
{
    struct net *net = rx->q->n->net;
    struct net_pkt room;
    int n;

    if (!have_buffers(rx, rx->want, 1))
        return false;
    offer_room(rx, &room);
    n = net_recv(net, rx->q->index, &room);
    if (n < 0)
        return false;
    if (n <= (int)NET_HDR || !driver_can_take(rx) || !driver_wants(rx)) {
        net_dropped(net, false);
        return true;
    }
    return place(rx, (size_t)n - NET_HDR);
}

void xnet_receive(struct xnet_rx *rx)
{
    const struct xring *r = &rx->r.ring;

    rx->more = false;
    if (!r->running || r->broken)
        return;
    for (unsigned i = 0; i < TURN_PACKETS; i++)
        if (!(rx->held ? place(rx, rx->held) : receive_one(rx)))
            return;
    rx->more = true;
    xnet_post(rx->q->n);
}

void xnet_rx_start(struct xnet_rx *rx)
{
    rx->first = rx->count = 0;
    rx->want = 1;
    rx->held = 0;
    rx->dirty = rx->more = false;
}

void xnet_rx_stop(struct xnet_rx *rx)
{
    while (rx->count)
        let_go_first(rx);
    xnet_rx_start(rx);
}
