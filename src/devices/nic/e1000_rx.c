// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * e1000_rx.c: the receive ring of the 82540EM; see e1000.h. Source: 3.2
 * (descriptors, ring), 3.2.9 (checksums).
 *
 * A frame is read into memory of our own and copied into the guest's buffers:
 * filters, tags and checksums are then worked out on bytes that nobody
 * changes, and what does not fit is known before a buffer is touched. A frame
 * without enough descriptors is held until there are, and nothing else is
 * read; with no descriptor at all nothing is read.
 *
 * Thread: loop, board lock held.
 */
#include "devices/nic/e1000_priv.h"

#include "devices/backend/net_csum.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* Frames in a turn, so that others have theirs. */
#define TURN 256u

#define ETHERNET 14u
#define MACS     12u
#define TAG      4u
#define CRC      4u

/* 13.4.22: without LPE no longer frame passes, its check sequence included. */
#define LONGEST_SHORT 1522u
#define LONGEST       16384u

#define STA_DD    0x01u
#define STA_EOP   0x02u
#define STA_IXSM  0x04u
#define STA_VP    0x08u
#define STA_TCPCS 0x20u
#define STA_IPCS  0x40u
#define STA_PIF   0x80u

#define ERR_TCPE 0x20u
#define ERR_IPE  0x40u

struct desc {
    uint64_t addr;
    uint16_t length, sum;
    uint8_t status, errors;
    uint16_t special;
};

_Static_assert(sizeof(struct desc) == DESC_BYTES, "3.2.3");

/* ---- the ring ---- */

static bool ring_is_sound(const struct e1000 *n)
{
    static struct log_limit limit;
    const uint32_t size = e1000_ring_size(n, REG_RDLEN);

    if (e1000_get(n, REG_RDH) < size && e1000_get(n, REG_RDT) < size)
        return true;
    log_guest(&limit,
              "e1000: a receive ring of %u descriptors with its head "
              "at %u and its tail at %u",
              size, e1000_get(n, REG_RDH), e1000_get(n, REG_RDT));
    return false;
}

/* Descriptors the driver has given. */
static uint32_t free_descs(const struct e1000 *n)
{
    const uint32_t size = e1000_ring_size(n, REG_RDLEN);

    return (e1000_get(n, REG_RDT) + size - e1000_get(n, REG_RDH)) % size;
}

static bool can_receive(const struct e1000 *n)
{
    return (e1000_get(n, REG_RCTL) & RCTL_EN) && e1000_link_up(n) &&
           e1000_get(n, REG_RDH) != e1000_get(n, REG_RDT) && ring_is_sound(n);
}

static uint32_t buffer_size(const struct e1000 *n)
{
    const uint32_t rctl = e1000_get(n, REG_RCTL);
    const uint32_t size = 2048u >> (rctl >> 16 & 3);

    return rctl & RCTL_BSEX && size < 2048 ? 16 * size : size;
}

/* ---- what a frame is ---- */

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static bool is_tagged(const struct e1000 *n, const uint8_t *frame, size_t len)
{
    return len >= ETHERNET + TAG && be16(frame + MACS) == e1000_get(n, REG_VET);
}

static void count_refused(struct e1000 *n, unsigned reg)
{
    e1000_count(n, reg, 1);
    net_dropped(n->net, false);
}

/* Does the driver want it? Sets the part of its status that says why. */
static bool wanted(struct e1000 *n, const uint8_t *frame, size_t len)
{
    const uint32_t rctl = e1000_get(n, REG_RCTL);
    const size_t most = rctl & RCTL_LPE ? LONGEST : LONGEST_SHORT;
    enum e1000_match match;

    if (len < ETHERNET) {
        count_refused(n, REG_RUC);
        return false;
    }
    if (len + CRC > most) {
        count_refused(n, REG_ROC);
        return false;
    }
    e1000_count(n, REG_TPR, 1);
    e1000_count64(n, REG_TORL, (uint32_t)(len + CRC));
    match = e1000_filter(n, frame);
    if (match == MATCH_NONE ||
        ((rctl & RCTL_VFE) && is_tagged(n, frame, len) &&
         !e1000_filter_vlan(n, be16(frame + MACS + 2)))) {
        net_dropped(n->net, false);
        return false;
    }
    n->rx.status = match == MATCH_HASH ? STA_PIF : 0;
    return true;
}

/* A sender's checksum that was left to its device is made whole. */
static bool finish_sum(struct e1000_rx *rx, size_t len)
{
    const struct virtio_net_hdr_v1 *h = &rx->in.hdr;

    if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE)
        return false; /* queued for a driver before this one */
    if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
        return true;
    return net_csum_complete(rx->in.bytes, len, h->csum_start, h->csum_offset);
}

static void count_good(struct e1000 *n, const uint8_t *frame, size_t len)
{
    e1000_count(n, REG_GPRC, 1);
    e1000_count64(n, REG_GORCL, (uint32_t)(len + CRC));
    e1000_count_size(n, REG_PRC64, len + CRC, 1);
    if (frame[0] == 0xff)
        e1000_count(n, REG_BPRC, 1);
    else if (frame[0] & 1)
        e1000_count(n, REG_MPRC, 1);
}

/* ---- checksums ---- */

/* The sum of a pseudo header: addresses, protocol, length. */
static uint64_t pseudo(const uint8_t *addresses, size_t n, uint8_t protocol,
                       size_t length)
{
    return net_csum_add(addresses, n) + htons(protocol) +
           htons((uint16_t)length);
}

/* TCP or UDP of so many bytes, behind a pseudo header with this sum. */
static void check_l4(struct e1000_rx *rx, const uint8_t *at, size_t n,
                     uint8_t protocol, uint64_t sum)
{
    const bool udp = protocol == IPPROTO_UDP;

    if ((!udp && protocol != IPPROTO_TCP) || n < (udp ? 8u : 20u))
        return;
    if (udp && at[6] == 0 && at[7] == 0)
        return; /* the sender made none */
    rx->status |= STA_TCPCS;
    if (net_csum_fold(sum + net_csum_add(at, n)) != UINT16_MAX)
        rx->errors |= ERR_TCPE;
}

static void check_ipv4(struct e1000_rx *rx, const uint8_t *ip, size_t n,
                       uint32_t rxcsum)
{
    const size_t head = 4u * (ip[0] & 0xf), total = n < 20 ? 0 : be16(ip + 2);

    if (n < 20 || ip[0] >> 4 != 4 || head < 20 || head > total || total > n)
        return;
    if (rxcsum & RXCSUM_IPOFL) {
        rx->status |= STA_IPCS;
        if (net_csum_fold(net_csum_add(ip, head)) != UINT16_MAX)
            rx->errors |= ERR_IPE;
    }
    /* Of a fragment the rest is not here. */
    if ((rxcsum & RXCSUM_TUOFL) && !(be16(ip + 6) & 0x3fff))
        check_l4(rx, ip + head, total - head, ip[9],
                 pseudo(ip + 12, 8, ip[9], total - head));
}

static void check_ipv6(struct e1000_rx *rx, const uint8_t *ip, size_t n)
{
    const size_t length = n < 40 ? 0 : be16(ip + 4);

    if (n < 40 || ip[0] >> 4 != 6 || length > n - 40)
        return;
    check_l4(rx, ip + 40, length, ip[6], pseudo(ip + 8, 32, ip[6], length));
}

/* Status, errors and the packet checksum of a frame as the driver sees it. */
static void check_sums(struct e1000 *n, size_t len)
{
    struct e1000_rx *rx = &n->rx;
    const uint32_t rxcsum = e1000_get(n, REG_RXCSUM);
    const size_t start = rxcsum & 0xff;
    const uint8_t *frame = rx->bytes, *type = frame + MACS;

    rx->errors = 0;
    rx->sum = UINT16_MAX;
    if (start < len)
        rx->sum = htons(
            (uint16_t)~net_csum_fold(net_csum_add(frame + start, len - start)));
    if (is_tagged(n, frame, len))
        type += TAG;
    if (be16(type) == 0x0800)
        check_ipv4(rx, type + 2, len - (size_t)(type + 2 - frame), rxcsum);
    else if (be16(type) == 0x86dd && (rxcsum & RXCSUM_TUOFL) &&
             (rxcsum & RXCSUM_IPV6OF))
        check_ipv6(rx, type + 2, len - (size_t)(type + 2 - frame));
    if (!(rx->status & (STA_TCPCS | STA_IPCS)))
        rx->status |= STA_IXSM;
}

/* ---- a frame that is wanted ---- */

/* Chapter 9: the tag goes into the descriptor. Returns the frame's length. */
static size_t strip_tag(struct e1000 *n, size_t len)
{
    struct e1000_rx *rx = &n->rx;

    rx->bytes = rx->in.bytes;
    rx->tag = 0;
    if (!(e1000_get(n, REG_CTRL) & CTRL_VME) ||
        !is_tagged(n, rx->in.bytes, len))
        return len;
    rx->tag = be16(rx->in.bytes + MACS + 2);
    rx->status |= STA_VP;
    rx->bytes += TAG;
    memmove(rx->bytes, rx->in.bytes, MACS);
    return len - TAG;
}

/* Make ready what was read: held is its length from now on. */
static void prepare(struct e1000 *n, size_t len)
{
    struct e1000_rx *rx = &n->rx;

    count_good(n, rx->in.bytes, len);
    if (len + CRC <= e1000_get(n, REG_RSRPD))
        n->causes |= ICR_SRPD;
    len = strip_tag(n, len);
    check_sums(n, len);
    if (!(e1000_get(n, REG_RCTL) & RCTL_SECRC)) {
        memset(rx->bytes + len, 0, CRC);
        len += CRC;
    }
    rx->held = len;
}

/* ---- descriptors ---- */

/* One buffer's worth; a buffer that is not RAM swallows it. */
static bool fill(struct e1000 *n, const uint8_t *from, size_t len, bool last)
{
    const struct e1000_rx *rx = &n->rx;
    const gpa_t at = e1000_ring_at(n, REG_RDBAL, e1000_get(n, REG_RDH));
    const uint32_t size = e1000_ring_size(n, REG_RDLEN);
    const gpa_t status_at = GPA(at.v + offsetof(struct desc, status));
    struct desc d;
    uint8_t status;

    if (gmem_read(n->mem, at, &d, sizeof(d)) < 0)
        return false;
    if (d.addr && gmem_write(n->mem, GPA(d.addr), from, len) < 0)
        net_dropped(n->net, false);
    d.length = (uint16_t)len;
    d.sum = rx->sum;
    d.status = 0;
    d.errors = last ? rx->errors : 0;
    d.special = rx->tag;
    status = (uint8_t)(STA_DD | (last ? STA_EOP | rx->status : 0));
    /* The status last: the driver polls it and takes the rest as written. */
    if (gmem_write(n->mem, at, &d, sizeof(d)) < 0 ||
        gmem_write(n->mem, status_at, &status, 1) < 0)
        return false;
    e1000_set(n, REG_RDH, (e1000_get(n, REG_RDH) + 1) % size);
    return true;
}

/* 13.4.22, RDMTS: a half, a quarter or an eighth is left. */
static void check_low(struct e1000 *n)
{
    const uint32_t size = e1000_ring_size(n, REG_RDLEN);
    const unsigned shift = (e1000_get(n, REG_RCTL) >> 8 & 3) + 1;

    if (shift <= 3 && free_descs(n) <= size >> shift)
        n->causes |= ICR_RXDMT0;
}

/* Hand over the frame that is held. False: it waits for descriptors. */
static bool place(struct e1000 *n)
{
    static struct log_limit limit;
    struct e1000_rx *rx = &n->rx;
    const size_t size = buffer_size(n), need = (rx->held + size - 1) / size;
    const size_t total = rx->held;

    if (need >= e1000_ring_size(n, REG_RDLEN)) {
        rx->held = 0; /* it never will have enough */
        count_refused(n, REG_RNBC);
        return true;
    }
    if (need > free_descs(n))
        return false;
    rx->held = 0;
    for (size_t done = 0; done < total; done += size) {
        const size_t run = size < total - done ? size : total - done;

        if (!fill(n, rx->bytes + done, run, done + run == total)) {
            log_guest(&limit, "e1000: a receive ring where no RAM is");
            count_refused(n, REG_RNBC);
            return true;
        }
    }
    n->rx_written = true;
    check_low(n);
    return true;
}

/* Read a frame, and hold it if it is wanted. False: there is none. */
static bool read_frame(struct e1000 *n)
{
    struct e1000_rx *rx = &n->rx;
    const struct iovec iov = {&rx->in, sizeof(rx->in) - CRC};
    const struct net_pkt room = {&iov, 1, iov.iov_len};
    const int ret = net_recv(n->net, 0, &room);
    size_t len;

    if (ret < 0)
        return false;
    len = (size_t)ret - NET_HDR;
    if (!finish_sum(rx, len))
        net_dropped(n->net, false);
    else if (wanted(n, rx->in.bytes, len))
        prepare(n, len);
    return true;
}

void e1000_receive(struct e1000 *n)
{
    for (unsigned i = 0; i < TURN; i++) {
        if (!can_receive(n))
            return;
        if (!n->rx.held && !read_frame(n))
            return;
        if (n->rx.held && !place(n))
            return;
    }
    e1000_post(n);
}

void e1000_rx_reset(struct e1000 *n)
{
    n->rx.held = 0;
}
