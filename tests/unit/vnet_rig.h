/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vnet_rig.h: the network device over registers, rings and a link in memory.
 * Two pairs of queues and the control queue; rings[0] receives, rings[1]
 * sends, and so on.
 */
#ifndef TESTS_VNET_RIG_H
#define TESTS_VNET_RIG_H

#include "mmio_rig.h"

#include "devices/virtio/vnet.h"
#include "fake_net.h"
#include "fetch_count.h"

#include <linux/virtio_net.h>

#define F_MODERN BIT(VIRTIO_F_VERSION_1)
#define F_MRG    BIT(VIRTIO_NET_F_MRG_RXBUF)
#define F_CTRL                                                       \
    (BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_CTRL_RX) |         \
     BIT(VIRTIO_NET_F_CTRL_VLAN) | BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) | \
     BIT(VIRTIO_NET_F_CTRL_MAC_ADDR))
#define F_OFFLOADS                                                \
    (BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) |      \
     BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO4) | \
     BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))

#define SIZE 64
#define RX   0
#define TX   1
#define CTRL 2 /* without MQ */

#define BUFFER(i) (DATA + (i)*0x4000ull)
#define PLAIN     0xee /* a byte nobody wrote */
#define FRAME     64u

struct rig {
    struct mmio_rig m;
    struct net *net;
    struct vnet *dev;
};

static inline int setup_pairs(void **state, unsigned pairs)
{
    const struct vnet_config cfg = {.queue_size = SIZE};
    struct rig *r = calloc(1, sizeof(*r));

    rig_open(&r->m);
    r->net = fake_net_open(pairs);
    r->dev = vnet_create(r->net, r->m.loop, &cfg);
    assert_non_null(r->dev);
    rig_plug(&r->m, &vnet_ops, r->dev);
    *state = r;
    return 0;
}

static inline int setup(void **state)
{
    return setup_pairs(state, 1);
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    memset(&fetches, 0, sizeof(fetches));
    virtio_mmio_destroy(r->m.t);
    r->m.t = NULL;
    vnet_destroy(r->dev);
    assert_null(r->net->front);
    free(r->net);
    rig_close(&r->m);
    free(r);
    return 0;
}

static inline void go(struct rig *r, uint64_t features)
{
    drive(&r->m, F_MODERN | features, 3, SIZE);
}

static inline unsigned char *guest(struct rig *r, uint64_t gpa)
{
    return r->m.rings[0].ram + gpa;
}

/* A receive buffer of so many bytes. */
static inline void give(struct rig *r, uint16_t head, uint32_t n)
{
    memset(guest(r, BUFFER(head)), PLAIN, n < 0x4000 ? n : 0x4000);
    ring_desc(&r->m.rings[RX], head, BUFFER(head), n, WRITABLE, 0);
    ring_offer(&r->m.rings[RX], head);
}

/* And what follows from it. */
static inline void arrive(struct rig *r, unsigned queue)
{
    struct ready_note note;

    fake_ready_soon(&note, r->m.loop, r->net, queue);
    spin(&r->m);
}

static inline const struct virtio_net_hdr_v1 *header(struct rig *r,
                                                     uint64_t gpa)
{
    void *at = guest(r, gpa);

    return at;
}

/* A packet to send: header and frame in one descriptor. */
static inline void send_raw(struct rig *r, uint16_t head,
                            const struct virtio_net_hdr_v1 *h, uint32_t frame)
{
    unsigned char *at = guest(r, BUFFER(head));

    memcpy(at, h, sizeof(*h));
    for (uint32_t i = 0; i < frame; i++)
        at[NET_HDR + i] = (unsigned char)(i * 3 + head);
    ring_desc(&r->m.rings[TX], head, BUFFER(head), NET_HDR + frame, 0, 0);
    ring_offer(&r->m.rings[TX], head);
}

static inline void send_plain(struct rig *r, uint16_t head, uint32_t frame)
{
    const struct virtio_net_hdr_v1 h = {0};

    send_raw(r, head, &h, frame);
}

static inline void go_on(struct rig *r, unsigned queue)
{
    kick(&r->m, queue);
    spin(&r->m);
}

/* Until the delay after which a driver hears of what was sent. */
static inline void wait_sent(struct rig *r)
{
    usleep(2000);
    spin(&r->m);
}

/* A command with its data; returns the answer, or PLAIN for none. */
static inline uint8_t command_on(struct rig *r, unsigned queue, uint8_t class,
                                 uint8_t cmd, const void *data, size_t n)
{
    struct ring *ring = &r->m.rings[queue];
    struct vring_used_elem e;
    unsigned char *at = guest(r, 0x90000);

    at[0] = class;
    at[1] = cmd;
    if (n)
        memcpy(at + 2, data, n);
    *guest(r, 0x98000) = PLAIN;
    ring_desc(ring, 0, 0x90000, (uint32_t)(2 + n), NEXT, 1);
    ring_desc(ring, 1, 0x98000, 1, WRITABLE, 0);
    ring_offer(ring, 0);
    go_on(r, queue);
    assert_true(ring_take(ring, &e));
    assert_int_equal(e.len, 1);
    return *guest(r, 0x98000);
}

static inline uint8_t command(struct rig *r, uint8_t class, uint8_t cmd,
                              const void *data, size_t n)
{
    return command_on(r, CTRL, class, cmd, data, n);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
