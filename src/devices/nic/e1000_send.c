// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * e1000_send.c: a packet of the 82540EM on its way out: tags, checksums and
 * segments; see e1000.h. Source: 3.5 (segmentation), 3.6 and 3.7 (checksums),
 * chapter 9 (tags).
 *
 * What is looked at or changed is copied out of guest memory first, once: the
 * packet's head. The rest goes from guest memory to the link. A checksum that
 * runs to the end of the frame is left to the backend, and a packet to be
 * segmented to the host, where these can do it; else both are done here.
 *
 * Offsets are the guest's. One that leads out of the head changes nothing;
 * the frame goes out as it is.
 *
 * Thread: loop, board lock held.
 */
#include "devices/nic/e1000_priv.h"

#include "devices/backend/net_csum.h"
#include "mmu/fetch.h"

#include <arpa/inet.h>
#include <string.h>

#define ETHERNET  14u
#define MACS      12u
#define TAG       4u
#define CRC       4u
#define MIN_FRAME 60u

#define IP_LENGTH   2u
#define IP_ID       4u
#define IP6_LENGTH  4u
#define IP6_HEADER  40u
#define TCP_SEQ     4u
#define TCP_FLAGS   13u
#define TCP_FIN_PSH 0x09u
#define UDP_LENGTH  4u

/* The longest packet with an IPv4 header that says how long it is. */
#define MOST_IP 65535u

/* ---- bytes of the frame's head; outside of it nothing happens ---- */

/* Where byte `off` of the packet is in the frame, if there is a tag. */
static size_t shifted(const struct e1000_tx *tx, unsigned off)
{
    return off + (tx->p.vlan && off >= MACS ? TAG : 0);
}

static uint8_t *field(struct e1000_tx *tx, unsigned off, unsigned n)
{
    const size_t at = shifted(tx, off);

    return at + n <= tx->n_own ? tx->own.bytes + at : NULL;
}

static void put16(struct e1000_tx *tx, unsigned off, size_t value)
{
    uint8_t *at = field(tx, off, 2);

    if (!at)
        return;
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void add16(struct e1000_tx *tx, unsigned off, unsigned by)
{
    const uint8_t *at = field(tx, off, 2);

    if (at)
        put16(tx, off, ((unsigned)at[0] << 8 | at[1]) + by);
}

static void add32(struct e1000_tx *tx, unsigned off, uint32_t by)
{
    uint8_t *at = field(tx, off, 4);
    uint32_t v;

    if (!at)
        return;
    memcpy(&v, at, sizeof(v));
    v = htonl(ntohl(v) + by);
    memcpy(at, &v, sizeof(v));
}

/* Add a length to the sum of a pseudo header that is there without it. */
static void add_to_sum(struct e1000_tx *tx, unsigned off, size_t length)
{
    uint8_t *at = field(tx, off, 2);
    uint16_t v;

    if (!at)
        return;
    memcpy(&v, at, sizeof(v));
    v = net_csum_fold((uint64_t)v + htons((uint16_t)length) +
                      htons((uint16_t)(length >> 16)));
    memcpy(at, &v, sizeof(v));
}

/* ---- checksums ---- */

/* The sum of bytes [from, to) of the frame, which lie inside of it. */
static uint16_t sum_of(const struct e1000_tx *tx, size_t from, size_t to)
{
    uint64_t sum = 0;
    size_t at = 0, skip = NET_HDR;
    bool odd = false;

    for (unsigned i = 0; i < tx->n_frame && at < to; i++) {
        const uint8_t *base = (const uint8_t *)tx->frame[i].iov_base + skip;
        const size_t n = tx->frame[i].iov_len - skip;
        const size_t first = from > at ? from - at : 0;
        const size_t end = to - at < n ? to - at : n;

        if (first < end) {
            const unsigned part =
                net_csum_fold(net_csum_add(base + first, end - first));

            sum += odd ? (part << 8 & 0xff00u) | part >> 8 : part;
            odd ^= (end - first) & 1;
        }
        at += n;
        skip = 0;
    }
    return net_csum_fold(sum);
}

/* Insert the checksum over [css, cse]; cse 0: to the end. */
static void insert_sum(struct e1000_tx *tx, unsigned css, unsigned cse,
                       unsigned cso)
{
    const size_t from = shifted(tx, css), last = shifted(tx, cse);
    const size_t to =
        cse == 0 || last >= tx->frame_bytes ? tx->frame_bytes : last + 1;
    uint8_t *at = field(tx, cso, 2);
    uint16_t sum;

    if (!at || from >= to)
        return;
    sum = (uint16_t)~sum_of(tx, from, to);
    if (sum == 0)
        sum = UINT16_MAX; /* the other zero: none at all, to UDP */
    memcpy(at, &sum, sizeof(sum));
}

/* Can the backend do it? It sums up to the end. */
static bool backend_sums(const struct e1000 *n)
{
    const struct e1000_tx *tx = &n->tx;
    const struct e1000_packet *p = &tx->p;

    return (net_info(n->net)->send & NET_CSUM) && p->cso >= p->css &&
           (p->cse == 0 || shifted(tx, p->cse) + 1 >= tx->frame_bytes) &&
           shifted(tx, p->cso) + 2 <= tx->frame_bytes;
}

static void do_sums(struct e1000 *n)
{
    struct e1000_tx *tx = &n->tx;
    const struct e1000_packet *p = &tx->p;

    if (p->ip_sum)
        insert_sum(tx, p->c.ipcss, p->c.ipcse, p->c.ipcso);
    if (!p->sum)
        return;
    if (!backend_sums(n)) {
        insert_sum(tx, p->css, p->cse, p->cso);
        return;
    }
    tx->own.hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    tx->own.hdr.csum_start = (uint16_t)shifted(tx, p->css);
    tx->own.hdr.csum_offset =
        (uint16_t)(shifted(tx, p->cso) - shifted(tx, p->css));
}

/* ---- segments ---- */

/* Bytes behind the head that are not sent yet. */
static size_t left_of(const struct e1000_tx *tx)
{
    return tx->p.bytes - tx->n_head - tx->cursor.done;
}

/* Is it left to the host to make frames of it? */
static bool host_segments(const struct e1000 *n)
{
    const struct e1000_tx *tx = &n->tx;
    const struct e1000_packet *p = &tx->p;
    const unsigned kind = p->c.ipv4 ? NET_TSO4 : NET_TSO6;

    return p->segment && p->c.tcp && p->sum && p->c.tucso > p->c.tucss &&
           (net_info(n->net)->send & kind) && left_of(tx) > p->c.mss &&
           tx->cursor.part == 0 && p->bytes <= MOST_IP;
}

/* 3.5.9: the headers of a frame with so many bytes behind its head. */
static void fix_headers(struct e1000_tx *tx, size_t payload, bool whole)
{
    const struct e1000_context *c = &tx->p.c;
    const size_t bytes = tx->n_head + payload;
    const size_t ip = bytes - c->ipcss, l4 = bytes - c->tucss;
    uint8_t *flags = field(tx, c->tucss + TCP_FLAGS, 1);

    if (c->ipv4) {
        put16(tx, c->ipcss + IP_LENGTH, ip);
        add16(tx, c->ipcss + IP_ID, tx->cursor.part);
    } else {
        put16(tx, c->ipcss + IP6_LENGTH, ip - IP6_HEADER);
    }
    if (!c->tcp) {
        put16(tx, c->tucss + UDP_LENGTH, l4);
    } else {
        add32(tx, c->tucss + TCP_SEQ, (uint32_t)tx->cursor.done);
        if (flags && !whole && payload < left_of(tx))
            *flags &= (uint8_t)~TCP_FIN_PSH;
    }
    if (tx->p.sum)
        add_to_sum(tx, c->tucso, l4);
}

static void tell_host(struct e1000_tx *tx)
{
    const struct e1000_context *c = &tx->p.c;

    tx->own.hdr.gso_type =
        c->ipv4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    tx->own.hdr.gso_size = c->mss;
    tx->own.hdr.hdr_len = (uint16_t)tx->n_own;
}

/* ---- one frame ---- */

/* The head, with a tag if there is to be one. */
static void make_own(struct e1000 *n)
{
    struct e1000_tx *tx = &n->tx;
    const uint16_t tag[2] = {htons((uint16_t)e1000_get(n, REG_VET)),
                             htons(tx->p.tag)};
    const size_t first = tx->p.vlan ? MACS : 0, shift = tx->p.vlan ? TAG : 0;

    tx->own.hdr = (struct virtio_net_hdr_v1){0};
    memcpy(tx->own.bytes, tx->head, first);
    if (shift)
        memcpy(tx->own.bytes + first, tag, sizeof(tag));
    memcpy(tx->own.bytes + first + shift, tx->head + first, tx->n_head - first);
    tx->n_own = tx->n_head + shift;
}

/* The head and n bytes from the cursor on; *c is behind them. */
static void gather(struct e1000_tx *tx, size_t n, struct e1000_cursor *c)
{
    tx->frame[0] = (struct iovec){&tx->own, NET_HDR + tx->n_own};
    tx->n_frame = 1;
    tx->frame_bytes = tx->n_own + n;
    c->done += n;
    c->part++;
    while (n) {
        const struct iovec *v = &tx->iov[c->at];
        const size_t run = n < v->iov_len - c->skip ? n : v->iov_len - c->skip;

        tx->frame[tx->n_frame++] =
            (struct iovec){(uint8_t *)v->iov_base + c->skip, run};
        n -= run;
        c->skip += run;
        if (c->skip == v->iov_len) {
            c->at++;
            c->skip = 0;
        }
    }
}

/* 13.4.33, PSP: short frames are filled up. */
static void pad(const struct e1000 *n, struct e1000_tx *tx)
{
    const size_t bytes = tx->frame_bytes;

    if (!(e1000_get(n, REG_TCTL) & TCTL_PSP) || bytes >= MIN_FRAME)
        return;
    tx->frame[tx->n_frame++] = (struct iovec){tx->pad, MIN_FRAME - bytes};
    tx->frame_bytes = MIN_FRAME;
}

static void count(struct e1000 *n, size_t payload)
{
    const struct e1000_tx *tx = &n->tx;
    const bool host = tx->own.hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE;
    const uint32_t frames =
        host ? (uint32_t)((payload + tx->p.c.mss - 1) / tx->p.c.mss) : 1;
    const size_t bytes =
        tx->frame_bytes + (frames - 1) * tx->n_own + (size_t)frames * CRC;

    e1000_count(n, REG_GPTC, frames);
    e1000_count(n, REG_TPT, frames);
    e1000_count64(n, REG_GOTCL, (uint32_t)bytes);
    e1000_count64(n, REG_TOTL, (uint32_t)bytes);
    e1000_count_size(n, REG_PTC64, host ? tx->n_own + tx->p.c.mss + CRC : bytes,
                     frames);
    if (tx->head[0] == 0xff)
        e1000_count(n, REG_BPTC, frames);
    else if (tx->head[0] & 1)
        e1000_count(n, REG_MPTC, frames);
}

/* Send the next frame. False: the link refuses it for now. */
static bool send_frame(struct e1000 *n)
{
    struct e1000_tx *tx = &n->tx;
    struct e1000_cursor next = tx->cursor;
    const bool whole = host_segments(n);
    const size_t left = left_of(tx), mss = tx->p.c.mss;
    const size_t payload = tx->p.segment && !whole && mss < left ? mss : left;
    struct net_pkt pkt;

    make_own(n);
    if (tx->p.segment)
        fix_headers(tx, payload, whole);
    gather(tx, payload, &next);
    pad(n, tx);
    do_sums(n);
    if (whole)
        tell_host(tx);
    pkt = (struct net_pkt){tx->frame, tx->n_frame, NET_HDR + tx->frame_bytes};
    if (net_send(n->net, 0, &pkt) < 0)
        return false;
    count(n, payload);
    tx->cursor = next;
    return true;
}

bool e1000_packet_send(struct e1000 *n, unsigned *budget)
{
    while (*budget) {
        (*budget)--;
        if (!send_frame(n)) {
            (*budget)++;
            return false;
        }
        if (!left_of(&n->tx))
            return true;
    }
    return false;
}

/* ---- the packet ---- */

/* Copy the packet's first bytes; the cursor is behind them. */
static void take_head(struct e1000_tx *tx, size_t n)
{
    struct e1000_cursor c = {0};

    tx->n_head = 0;
    while (tx->n_head < n) {
        const struct iovec *v = &tx->iov[c.at];
        const size_t want = n - tx->n_head;
        const size_t run = want < v->iov_len ? want : v->iov_len;

        fetch_copy(tx->head + tx->n_head, v->iov_base, run);
        tx->n_head += run;
        c.skip = run;
        if (run == v->iov_len) {
            c.at++;
            c.skip = 0;
        }
    }
    tx->cursor = c;
}

/* How much of it is looked at. */
static size_t head_of(const struct e1000_packet *p)
{
    size_t n = ETHERNET;

    if (p->segment)
        return p->c.hdrlen;
    if (p->ip_sum || p->sum)
        n = TX_HEAD;
    return n < p->bytes ? n : p->bytes;
}

static bool segment_is_sound(const struct e1000_packet *p)
{
    const struct e1000_context *c = &p->c;

    return c->mss && c->hdrlen >= ETHERNET && c->hdrlen < p->bytes &&
           (size_t)c->hdrlen + c->mss <= TX_MOST && c->ipcss < c->hdrlen &&
           c->tucss < c->hdrlen;
}

static bool is_sound(struct e1000 *n)
{
    const struct e1000_packet *p = &n->tx.p;

    if (p->broken || p->bytes < ETHERNET)
        return false;
    if (!p->segment)
        return true;
    e1000_count(n, REG_TSCTC, 1);
    if (p->bytes != (size_t)p->c.hdrlen + p->c.paylen)
        e1000_count(n, REG_TSCTFC, 1);
    return segment_is_sound(p);
}

bool e1000_packet_begin(struct e1000 *n)
{
    struct e1000_tx *tx = &n->tx;
    const struct net_info *info = net_info(n->net);

    if (is_sound(n)) {
        take_head(tx, head_of(&tx->p));
        if (!info->only_own_mac ||
            memcmp(tx->head + E1000_MAC, info->mac, E1000_MAC) == 0)
            return true;
    }
    if (tx->p.bytes)
        net_dropped(n->net, true);
    return false;
}
