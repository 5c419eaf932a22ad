/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xnet_rig.h: the network back-end, its driver, and a link in memory. */
#ifndef TESTS_XNET_RIG_H
#define TESTS_XNET_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_net.h"
#include "fetch_count.h"
#include "pvabi/xnet.h"
#include "xen_rig.h"

#include <unistd.h>
#include <xen/io/netif.h>

#define PAGES   64u /* of data, granted */
#define MAX_QUE 2u
#define PLAIN   0xee /* a byte nobody wrote */

struct net_ring {
    struct xfront f;
    uint32_t ref, port;
};

struct rig {
    struct xen_rig x;
    struct xen_front front;
    struct net *net;
    struct xnet *dev;
    struct net_ring rx[MAX_QUE], tx[MAX_QUE], ctrl;
    bool split;
    unsigned char *pages[PAGES];
    uint32_t refs[PAGES];
};

static inline int setup_queues(void **state, unsigned queues)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct xenbus_host host;

    rig_open(&r->x);
    r->front = front_of(&r->x, "vif", 0);
    r->net = fake_net_open(queues);
    for (unsigned i = 0; i < PAGES; i++)
        r->refs[i] = granted_page(&r->x, &r->pages[i]);
    host = rig_host(&r->x);
    r->dev = xnet_create(r->net, &host, 0);
    assert_non_null(r->dev);
    spin(&r->x);
    *state = r;
    return 0;
}

static inline int setup(void **state)
{
    return setup_queues(state, 1);
}

static inline int setup_pair(void **state)
{
    return setup_queues(state, 2);
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    memset(&fetches, 0, sizeof(fetches));
    xnet_destroy(r->dev);
    assert_null(r->net->front);
    assert_false(xs_exists(r->x.xs, r->front.back));
    free(r->net);
    rig_close(&r->x);
    free(r);
    return 0;
}

static inline void make_ring(struct rig *r, struct net_ring *ring,
                             const char *node, uint32_t slot)
{
    if (!ring->ref)
        ring->ref = granted_page(&r->x, &ring->f.pages[0]);
    xfront_init(&ring->f, 1, slot);
    tell_number(&r->front, node, ring->ref);
}

static inline void make_port(struct rig *r, struct net_ring *ring,
                             const char *node)
{
    if (ring->port)
        close_port(&r->x, ring->port);
    ring->port = new_port(&r->x);
    tell_number(&r->front, node, ring->port);
}

static inline void make_queue(struct rig *r, unsigned q, unsigned n)
{
    struct net_ring *rx = &r->rx[q], *tx = &r->tx[q];
    char node[XENBUS_NODE];

    make_ring(r, rx, xenbus_queue_node(node, q, n, "rx-ring-ref"), 8);
    make_ring(r, tx, xenbus_queue_node(node, q, n, "tx-ring-ref"), 12);
    if (rx->port == tx->port)
        rx->port = 0;
    if (r->split) {
        make_port(r, rx, xenbus_queue_node(node, q, n, "event-channel-rx"));
        make_port(r, tx, xenbus_queue_node(node, q, n, "event-channel-tx"));
        return;
    }
    make_port(r, tx, xenbus_queue_node(node, q, n, "event-channel"));
    rx->port = tx->port;
}

/* What Linux's netfront writes. */
static inline void tell_features(struct rig *r)
{
    static const char *const on[] = {
        "request-rx-copy",   "feature-rx-notify", "feature-sg",
        "feature-gso-tcpv4", "feature-gso-tcpv6", "feature-ipv6-csum-offload"};

    for (size_t i = 0; i < ARRAY_LEN(on); i++)
        tell(&r->front, on[i], "1");
}

static inline void connect_queues(struct rig *r, unsigned n)
{
    for (unsigned q = 0; q < n; q++)
        make_queue(r, q, n);
    if (n > 1)
        tell_number(&r->front, "multi-queue-num-queues", n);
    set_front(&r->front, XenbusStateConnected);
    assert_int_equal(back_state(&r->front), XenbusStateConnected);
}

static inline void go(struct rig *r)
{
    tell_features(r);
    connect_queues(r, 1);
}

static inline void leave(struct rig *r)
{
    set_front(&r->front, XenbusStateClosing);
    set_front(&r->front, XenbusStateClosed);
    assert_int_equal(back_state(&r->front), XenbusStateClosed);
    set_front(&r->front, XenbusStateInitialising);
    assert_int_equal(back_state(&r->front), XenbusStateInitWait);
}

/* ---- sending ---- */

static inline void put_tx(struct rig *r, unsigned page, unsigned off,
                          unsigned flags, unsigned size)
{
    const struct netif_tx_request req = {
        .gref = page < PAGES ? r->refs[page] : UNGRANTED,
        .offset = (uint16_t)off,
        .flags = (uint16_t)flags,
        .id = (uint16_t)(0x100 + page),
        .size = (uint16_t)size,
    };

    xfront_put(&r->tx[0].f, &req, sizeof(req));
}

static inline void put_gso(struct rig *r, uint8_t type, uint16_t size,
                           uint8_t flags)
{
    const struct netif_extra_info e = {
        .type = XEN_NETIF_EXTRA_TYPE_GSO,
        .flags = flags,
        .u.gso = {.size = size, .type = type},
    };

    xfront_put(&r->tx[0].f, &e, sizeof(e));
}

static inline void kick(struct rig *r, struct net_ring *ring)
{
    if (xfront_show(&ring->f))
        send_event(&r->x, ring->port);
    spin(&r->x);
}

static inline void kick_tx(struct rig *r)
{
    kick(r, &r->tx[0]);
}

/* Until the delay after which a driver hears of what was sent. */
static inline void wait_sent(struct rig *r)
{
    usleep(2000);
    spin(&r->x);
}

/* The next response's status, with its id; 0x7fff: there is none. */
static inline int take_tx(struct rig *r, unsigned *id)
{
    struct netif_tx_response rsp;

    if (!xfront_take(&r->tx[0].f, &rsp, sizeof(rsp)))
        return 0x7fff;
    *id = rsp.id;
    return rsp.status;
}

/* Send, and give the answer to the first slot. */
static inline int send_and_wait(struct rig *r)
{
    unsigned id;
    int status;

    kick_tx(r);
    wait_sent(r);
    status = take_tx(r, &id);
    while (take_tx(r, &id) != 0x7fff)
        ;
    return status;
}

static inline const struct virtio_net_hdr_v1 *sent_header(struct rig *r)
{
    void *at = r->net->last.bytes;

    return at;
}

/* A TCP segment's headers, in IPv4 (20 bytes) or IPv6 (40). */
static inline unsigned tcp_frame(unsigned char *at, bool v6)
{
    const unsigned ip = 14, tcp = v6 ? 54 : 34;

    memset(at, 0, tcp + 20);
    memcpy(at, "\x02\0\0\0\0\x01\x02\x11\x22\x33\x44\x55", 12);
    at[12] = v6 ? 0x86 : 0x08;
    at[13] = v6 ? 0xdd : 0x00;
    at[ip] = v6 ? 0x60 : 0x45;
    at[ip + (v6 ? 6 : 9)] = 6;
    at[ip + (v6 ? 8 : 12)] = 10;
    at[ip + (v6 ? 24 : 16)] = 11;
    at[tcp + 12] = 0x50;
    at[tcp + 16] = 0xab;
    return tcp;
}

/* ---- receiving ---- */

static inline void give(struct rig *r, unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++) {
        const struct netif_rx_request req = {.id = (uint16_t)(0x200 + i),
                                             .gref = r->refs[i % PAGES]};

        memset(r->pages[i % PAGES], PLAIN, GUEST_PAGE);
        xfront_put(&r->rx[0].f, &req, sizeof(req));
    }
    kick(r, &r->rx[0]);
}

static inline bool take_rx(struct rig *r, void *rsp)
{
    return xfront_take(&r->rx[0].f, rsp, 8);
}

/* And what follows from it. */
static inline void arrive(struct rig *r, unsigned queue)
{
    struct ready_note note;

    fake_ready_soon(&note, r->x.loop, r->net, queue);
    spin(&r->x);
}

/* The byte of a packet put in by fake_put. */
static inline uint8_t byte_of(size_t i)
{
    return (uint8_t)(i * 7 + i / 256);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
