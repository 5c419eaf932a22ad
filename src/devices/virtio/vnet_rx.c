// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vnet_rx.c: a receive queue of the network device; see vnet.c. Source:
 * virtio 1.2, 5.1.6.3 and 5.1.6.4.
 *
 * Buffers are popped ahead of the packet, as many as the last packets took,
 * and a packet is read right into them. How long it is shows only then; what
 * they do not hold lands behind them in a spill of our own, and is copied
 * into further buffers. So small packets cost few iovecs and large ones no
 * copy, and none is cut. If there are no further buffers the packet is held
 * until there are, and nothing else is read. With no buffer at all nothing is
 * read.
 *
 * The header arrives in our own memory and is written to the guest's when the
 * number of buffers is known. What a guest writes into a buffer meanwhile is
 * its own affair: a frame's addresses are looked at for its own filter only.
 *
 * Thread: loop, board lock held.
 */
#include "devices/virtio/vnet_priv.h"

#include <string.h>

/* Packets in a turn, so that others have theirs. */
#define TURN_PACKETS 256u

/* ---- buffers ---- */

static struct vnet_buf *buf_at(struct vnet_rx *rx, unsigned i)
{
    return &rx->bufs[(rx->first + i) % VNET_MAX_SIZE];
}

static struct vchain chain_of(struct vnet_rx *rx, const struct vnet_buf *b)
{
    return (struct vchain){.n_in = b->n_iov,
                           .iov = rx->pool + (b->at - rx->base)};
}

/* Room for the iovecs of one more chain behind those in use. */
static bool pool_has_room(struct vnet_rx *rx)
{
    const uint32_t begin = rx->count ? buf_at(rx, 0)->at : rx->end;

    if (rx->end - rx->base + VNET_CHAIN_IOV <= VNET_POOL_IOV)
        return true;
    memmove(rx->pool, rx->pool + (begin - rx->base),
            (rx->end - begin) * sizeof(rx->pool[0]));
    rx->base = begin;
    return rx->end - rx->base + VNET_CHAIN_IOV <= VNET_POOL_IOV;
}

/* A buffer must hold a header, and be the device's to write. */
static bool check_buffer(const struct vnet_rx *rx, const struct vchain *c)
{
    if (!c->n_out && c->in_bytes >= rx->n->hdr_len)
        return true;
    virtio_broken(rx->n->v, c->n_out ? "a receive buffer that is readable"
                                     : "a receive buffer without room for "
                                       "a header");
    return false;
}

/* Pop one more buffer. False: there is none, or the ring broke. */
static bool add_buffer(struct vnet_rx *rx)
{
    struct virtq *q = vnet_rx_queue(rx);
    struct vchain c = {.iov = rx->pool + (rx->end - rx->base),
                       .max = VNET_CHAIN_IOV};
    const int ret = virtq_pop(q, &c);

    if (ret < 0)
        virtio_broken(rx->n->v, q->why);
    if (ret <= 0)
        return false;
    *buf_at(rx, rx->count++) = (struct vnet_buf){
        c.head, (uint16_t)(c.n_out + c.n_in), rx->end, c.in_bytes};
    rx->end += (uint32_t)(c.n_out + c.n_in);
    return check_buffer(rx, &c);
}

/*
 * Have up to n buffers, and at least so many. If they are fewer, the driver
 * is asked to say when there are more.
 */
static bool have_buffers(struct vnet_rx *rx, unsigned n, unsigned least)
{
    struct virtq *q = vnet_rx_queue(rx);

    while (rx->count < n && pool_has_room(rx))
        if (!add_buffer(rx) && (rx->count >= least || !virtq_listen(q)))
            break;
    return rx->count >= least && !q->broken;
}

/* Return the first buffer, with so many bytes in it. */
static void push_first(struct vnet_rx *rx, uint64_t written)
{
    virtq_push(vnet_rx_queue(rx), buf_at(rx, 0)->head, (uint32_t)written);
    rx->first = (rx->first + 1) % VNET_MAX_SIZE;
    rx->count--;
}

/* ---- one packet ---- */

/* Add a buffer's segments, but for the first skip bytes. */
static void offer_buffer(struct vnet_rx *rx, const struct vnet_buf *b,
                         size_t skip)
{
    const struct vchain c = chain_of(rx, b);

    for (int i = 0; i < c.n_in; i++) {
        const size_t cut = skip < c.iov[i].iov_len ? skip : c.iov[i].iov_len;

        rx->to[rx->n_to++] = (struct iovec){(uint8_t *)c.iov[i].iov_base + cut,
                                            c.iov[i].iov_len - cut};
        skip -= cut;
    }
}

/* Header, buffers behind the place of the guest's header, spill. */
static void offer_room(struct vnet_rx *rx)
{
    rx->to[0] = (struct iovec){&rx->hdr, sizeof(rx->hdr)};
    rx->n_to = 1;
    rx->room = 0;
    for (rx->offered = 0; rx->offered < rx->count && rx->offered < rx->want;
         rx->offered++) {
        const struct vnet_buf *b = buf_at(rx, rx->offered);

        /* Each buffer has less: there is room for one at least. */
        if (rx->n_to + b->n_iov >= VNET_READ_IOV)
            break;
        offer_buffer(rx, b, rx->offered ? 0 : rx->n->hdr_len);
        rx->room += b->bytes;
    }
    rx->to[rx->n_to++] = (struct iovec){rx->spill, sizeof(rx->spill)};
}

static unsigned offload_of(uint8_t gso_type)
{
    switch (gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
        return NET_TSO4;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        return NET_TSO6;
    case VNET_GSO_UDP_L4:
        return NET_USO;
    default:
        return 0;
    }
}

/* A packet queued for another driver may need what this one cannot do. */
static bool driver_can_take(const struct vnet_rx *rx)
{
    const unsigned offloads = rx->n->offloads;
    const struct virtio_net_hdr_v1 *h = &rx->hdr;

    if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE &&
        !(offload_of(h->gso_type) & offloads))
        return false;
    return !(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || (offloads & NET_CSUM);
}

static bool driver_wants(struct vnet_rx *rx)
{
    const struct vnet *n = rx->n;
    const struct vchain frame = {.n_out = (int)rx->n_to - 1, .iov = rx->to + 1};
    uint8_t start[VNET_FILTER_BYTES] = {0};

    if (vnet_filter_is_open(&n->filter))
        return true;
    vchain_read(&frame, 0, start, sizeof(start));
    return vnet_filter_passes(&n->filter, n->mac, start);
}

enum fit {
    FITS,
    FITS_LATER, /* when the driver gives more buffers */
    FITS_NEVER,
};

/* Find buffers for so many bytes; *used is their number. */
static enum fit find_buffers(struct vnet_rx *rx, uint64_t total, unsigned *used)
{
    const struct virtq *q = vnet_rx_queue(rx);
    uint64_t room = 0;

    for (*used = 0; room < total; (*used)++) {
        if (*used && !rx->n->mergeable)
            return FITS_NEVER;
        if (!have_buffers(rx, *used + 1, *used + 1))
            return q->in_flight < q->cfg.size ? FITS_LATER : FITS_NEVER;
        room += buf_at(rx, *used)->bytes;
    }
    return FITS;
}

/* What the buffers offered did not hold goes into those behind them. */
static void place_spill(struct vnet_rx *rx, uint64_t total)
{
    const uint64_t n = total > rx->room ? total - rx->room : 0;
    uint64_t done = 0;

    for (unsigned i = rx->offered; done < n; i++) {
        const struct vchain c = chain_of(rx, buf_at(rx, i));

        done += vchain_write(&c, 0, rx->spill + done, n - done);
    }
}

/*
 * Ready the window for a packet like this one: at once when it grew, slowly
 * when it shrank, for small packets come between large ones.
 */
static void adapt(struct vnet_rx *rx, unsigned used)
{
    if (!rx->n->mergeable)
        return;
    if (used >= rx->want)
        rx->want = used;
    else
        rx->want -= (rx->want - used + 15) / 16;
}

/* Hand a packet in so many buffers over to the driver. */
static void deliver(struct vnet_rx *rx, uint64_t total, unsigned used)
{
    const struct vchain first = chain_of(rx, buf_at(rx, 0));

    place_spill(rx, total);
    if (!(rx->n->offloads & NET_CSUM))
        rx->hdr.flags = 0;
    rx->hdr.num_buffers = (uint16_t)used;
    vchain_write(&first, 0, &rx->hdr, rx->n->hdr_len);
    for (unsigned i = 0; i < used; i++) {
        const uint64_t room = buf_at(rx, 0)->bytes;
        const uint64_t n = total < room ? total : room;

        push_first(rx, n);
        total -= n;
    }
    adapt(rx, used);
    rx->dirty = true;
    vnet_post(rx->n);
}

/* A packet of total bytes is there. False: it waits for buffers. */
static bool place(struct vnet_rx *rx, uint64_t total)
{
    unsigned used;

    rx->held = 0;
    switch (find_buffers(rx, total, &used)) {
    case FITS:
        deliver(rx, total, used);
        return true;
    case FITS_LATER:
        rx->held = total;
        return false;
    case FITS_NEVER:
        break;
    }
    net_dropped(rx->n->net, false);
    return true;
}

/* Receive one packet. False: there is none, or no room. */
static bool receive_one(struct vnet_rx *rx)
{
    struct net_pkt room = {.iov = rx->to};
    int n;

    if (!have_buffers(rx, rx->want, 1))
        return false;
    offer_room(rx);
    room.n = rx->n_to;
    n = net_recv(rx->n->net, rx->pair, &room);
    if (n < 0)
        return false;
    if (!driver_can_take(rx) || !driver_wants(rx)) {
        net_dropped(rx->n->net, false);
        return true;
    }
    return place(rx, (unsigned)n - NET_HDR + rx->n->hdr_len);
}

void vnet_receive(struct vnet_rx *rx)
{
    struct virtq *q = vnet_rx_queue(rx);

    rx->more = false;
    if (!q->running || q->broken)
        return;
    virtq_quiet(q);
    for (unsigned i = 0; i < TURN_PACKETS; i++)
        if (!(rx->held ? place(rx, rx->held) : receive_one(rx)))
            return;
    rx->more = true;
    vnet_post(rx->n);
}

void vnet_rx_stop(struct vnet_rx *rx)
{
    while (rx->count)
        push_first(rx, 0);
    rx->held = 0;
    rx->want = 1;
    rx->more = false;
    rx->dirty = false;
}
