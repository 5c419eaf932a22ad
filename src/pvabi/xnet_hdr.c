// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xnet_hdr.c: offloads, as Xen's rings say them and as a virtio header does.
 *
 * A Xen guest says "the checksum is blank" and no more; the virtio header
 * says where it is. So the headers of such a frame are looked at, in a copy
 * of ours that is then what is sent. The driver has put the sum of the pseudo
 * header into the field, as Linux does; for a large segment whose driver did
 * not even say that it is blank, it is put in here, as Linux's netback does.
 *
 * Source: xen/io/netif.h; virtio 1.2, 5.1.6.2; RFC 791, 8200, 9293, 768.
 * Thread: any; pure.
 */
#include "pvabi/xnet_priv.h"

#include <string.h>

#define ETHERNET 14u
#define VLAN_TAG 4u
#define MAX_TAGS 2u

#define TYPE_IPV4  0x0800u
#define TYPE_VLAN  0x8100u
#define TYPE_QINQ  0x88a8u
#define TYPE_IPV6  0x86ddu
#define PROTO_TCP  6u
#define PROTO_UDP  17u
#define MAX_HOPS   8u /* extension headers */
#define IPV6_FIXED 40u

/* A frame's headers, as far as offloads go. */
struct headers {
    bool v6;
    uint8_t proto;
    size_t addresses, addresses_len; /* source and destination */
    size_t l4;                       /* where TCP or UDP begins */
};

static unsigned be16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* The Ethernet type behind tags, and where what follows begins. */
static bool parse_ethernet(const uint8_t *f, size_t n, unsigned *type,
                           size_t *at)
{
    *at = ETHERNET;
    for (unsigned tags = 0; *at <= n; tags++, *at += VLAN_TAG) {
        *type = be16(f + *at - 2);
        if ((*type != TYPE_VLAN && *type != TYPE_QINQ) || tags == MAX_TAGS)
            return true;
    }
    return false;
}

static bool parse_ipv4(const uint8_t *f, size_t n, size_t at, struct headers *h)
{
    size_t len;

    if (at + 20 > n || f[at] >> 4 != 4)
        return false;
    len = (f[at] & 15u) * 4;
    /* A fragment has no checksum of its own. */
    if (len < 20 || be16(f + at + 6) & 0x3fff)
        return false;
    h->proto = f[at + 9];
    h->addresses = at + 12;
    h->addresses_len = 8;
    h->l4 = at + len;
    return true;
}

/* The length of an extension header, 0: it is none we can pass over. */
static size_t extension(uint8_t next, const uint8_t *at)
{
    switch (next) {
    case 0:  /* hop by hop */
    case 43: /* routing */
    case 60: /* destination */
        return (at[1] + 1u) * 8;
    case 51: /* authentication */
        return (at[1] + 2u) * 4;
    default:
        return 0;
    }
}

static bool parse_ipv6(const uint8_t *f, size_t n, size_t at, struct headers *h)
{
    size_t len;

    if (at + IPV6_FIXED > n || f[at] >> 4 != 6)
        return false;
    h->v6 = true;
    h->proto = f[at + 6];
    h->addresses = at + 8;
    h->addresses_len = 32;
    h->l4 = at + IPV6_FIXED;
    for (unsigned hops = 0; hops < MAX_HOPS && h->l4 + 2 <= n; hops++) {
        len = extension(h->proto, f + h->l4);
        if (!len)
            return true;
        h->proto = f[h->l4];
        h->l4 += len;
    }
    return false;
}

static bool parse(const uint8_t *f, size_t n, struct headers *h)
{
    unsigned type;
    size_t at;

    *h = (struct headers){0};
    if (!parse_ethernet(f, n, &type, &at))
        return false;
    if (type == TYPE_IPV4 ? !parse_ipv4(f, n, at, h)
                          : type != TYPE_IPV6 || !parse_ipv6(f, n, at, h))
        return false;
    if (h->proto == PROTO_TCP)
        return h->l4 + 20 <= n;
    return h->proto == PROTO_UDP && h->l4 + 8 <= n;
}

static size_t checksum_offset(const struct headers *h)
{
    return h->proto == PROTO_TCP ? 16 : 6;
}

/* The sum of the pseudo header, where the checksum goes. */
static void put_pseudo_sum(const struct headers *h, uint8_t *f, size_t total)
{
    const size_t len = total - h->l4;
    uint8_t *field = f + h->l4 + checksum_offset(h);
    uint32_t sum = h->proto + (uint32_t)(len & 0xffff) + (uint32_t)(len >> 16);

    for (size_t i = 0; i < h->addresses_len; i += 2)
        sum += be16(f + h->addresses + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    field[0] = (uint8_t)(sum >> 8);
    field[1] = (uint8_t)sum;
}

static bool put_gso(const struct xnet_wants *wants, const struct headers *h,
                    const uint8_t *frame, size_t n,
                    struct virtio_net_hdr_v1 *out)
{
    const bool v6 = wants->gso_type == XEN_NETIF_GSO_TYPE_TCPV6;
    const size_t tcp = (frame[h->l4 + 12] >> 4) * 4u;

    if (h->proto != PROTO_TCP || v6 != h->v6 || !wants->gso_size || tcp < 20 ||
        h->l4 + tcp > n)
        return false;
    out->gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
    out->gso_size = wants->gso_size;
    out->hdr_len = (uint16_t)(h->l4 + tcp);
    return true;
}

bool xnet_header(const struct xnet_wants *wants, uint8_t *frame, size_t n,
                 size_t total, struct virtio_net_hdr_v1 *out)
{
    struct headers h;

    *out = (struct virtio_net_hdr_v1){0};
    if (!wants->csum && !wants->gso_type)
        return true;
    if (!parse(frame, n, &h))
        return false;
    out->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    out->csum_start = (uint16_t)h.l4;
    out->csum_offset = (uint16_t)checksum_offset(&h);
    if (!wants->gso_type)
        return true;
    if (!wants->csum)
        put_pseudo_sum(&h, frame, total);
    return put_gso(wants, &h, frame, n, out);
}

unsigned xnet_rx_flags(const struct virtio_net_hdr_v1 *h)
{
    if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
        return NETRXF_csum_blank | NETRXF_data_validated;
    return h->flags & VIRTIO_NET_HDR_F_DATA_VALID ? NETRXF_data_validated : 0;
}

uint8_t xnet_gso_type(const struct virtio_net_hdr_v1 *h)
{
    switch (h->gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
        return XEN_NETIF_GSO_TYPE_TCPV4;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        return XEN_NETIF_GSO_TYPE_TCPV6;
    default:
        return XEN_NETIF_GSO_TYPE_NONE;
    }
}
