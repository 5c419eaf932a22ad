// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The network device's control queue, several pairs of queues, and the reset
 * of one queue, with a driver that keeps the rules.
 */
#include "vnet_rig.h"

/* Does a frame to this address, perhaps with a VLAN tag, come through? */
static bool passes(struct rig *r, const char *mac, unsigned vlan)
{
    struct ring *rx = &r->m.rings[RX];
    const uint16_t before = ring_used_idx(rx);
    struct fake_packet *p = fake_put(r->net, FRAME);

    memcpy(p->bytes + NET_HDR, mac, 6);
    p->bytes[NET_HDR + 12] = vlan ? 0x81 : 0x08;
    p->bytes[NET_HDR + 13] = 0;
    p->bytes[NET_HDR + 14] = (uint8_t)(vlan >> 8);
    p->bytes[NET_HDR + 15] = (uint8_t)vlan;
    give(r, rx->idx % SIZE, 2000);
    go_on(r, RX);
    arrive(r, 0);
    return ring_used_idx(rx) != before;
}

#define OWN   "\x02\x11\x22\x33\x44\x55"
#define OTHER "\x02\x99\x99\x99\x99\x99"
#define MULTI "\x01\x00\x5e\x00\x00\x01"
#define BROAD "\xff\xff\xff\xff\xff\xff"

static uint8_t mode(struct rig *r, uint8_t cmd, uint8_t on)
{
    return command(r, VIRTIO_NET_CTRL_RX, cmd, &on, 1);
}

static void receive_modes(void **state)
{
    struct rig *r = *state;

    go(r, F_MRG | F_CTRL);
    assert_true(passes(r, OTHER, 0)); /* nothing was said yet */
    assert_int_equal(mode(r, VIRTIO_NET_CTRL_RX_PROMISC, 0), 0);
    assert_true(passes(r, OWN, 0));
    assert_true(passes(r, BROAD, 0));
    assert_false(passes(r, OTHER, 0));
    assert_false(passes(r, MULTI, 0));
    assert_int_equal(mode(r, VIRTIO_NET_CTRL_RX_ALLMULTI, 1), 0);
    assert_true(passes(r, MULTI, 0));
    assert_int_equal(mode(r, VIRTIO_NET_CTRL_RX_NOMULTI, 1), 0);
    assert_false(passes(r, MULTI, 0));
    assert_int_equal(mode(r, VIRTIO_NET_CTRL_RX_NOBCAST, 1), 0);
    assert_false(passes(r, BROAD, 0));
    assert_int_equal(mode(r, VIRTIO_NET_CTRL_RX_ALLUNI, 1), 0);
    assert_true(passes(r, OTHER, 0));
    assert_int_equal(mode(r, VIRTIO_NET_CTRL_RX_NOUNI, 1), 0);
    assert_false(passes(r, OWN, 0));
    assert_int_equal(mode(r, VIRTIO_NET_CTRL_RX_PROMISC, 1), 0);
    assert_true(passes(r, OTHER, 0));
}

static void address_tables(void **state)
{
    struct rig *r = *state;
    uint8_t data[4 + 70 * 6 + 4 + 6] = {1, 0, 0, 0};

    go(r, F_MRG | F_CTRL);
    mode(r, VIRTIO_NET_CTRL_RX_PROMISC, 0);
    memcpy(data + 4, OTHER, 6);
    data[10] = 1;
    memcpy(data + 14, MULTI, 6);
    assert_int_equal(command(r, VIRTIO_NET_CTRL_MAC,
                             VIRTIO_NET_CTRL_MAC_TABLE_SET, data, 20),
                     0);
    assert_true(passes(r, OTHER, 0));
    assert_true(passes(r, MULTI, 0));
    assert_false(passes(r, "\x02\x99\x99\x99\x99\x98", 0));
    assert_false(passes(r, "\x01\x00\x5e\x00\x00\x02", 0));
    /* More than we keep: all of that kind. */
    memset(data, 0, sizeof(data));
    data[0] = 70;
    assert_int_equal(command(r, VIRTIO_NET_CTRL_MAC,
                             VIRTIO_NET_CTRL_MAC_TABLE_SET, data,
                             4 + 70 * 6 + 4),
                     0);
    assert_true(passes(r, OTHER, 0));
    assert_false(passes(r, MULTI, 0));
}

static void new_address(void **state)
{
    struct rig *r = *state;
    unsigned char mac[6];

    go(r, F_MRG | F_CTRL);
    mode(r, VIRTIO_NET_CTRL_RX_PROMISC, 0);
    assert_int_equal(
        command(r, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, OTHER, 6),
        0);
    assert_true(passes(r, OTHER, 0));
    assert_false(passes(r, OWN, 0));
    for (unsigned i = 0; i < 6; i++)
        reg_get(&r->m, VIRTIO_MMIO_CONFIG + i, mac + i, 1);
    assert_memory_equal(mac, OTHER, 6);
    wr(&r->m, VIRTIO_MMIO_STATUS, 0);
    spin(&r->m);
    reg_get(&r->m, VIRTIO_MMIO_CONFIG + 5, mac, 1);
    assert_int_equal(mac[0], 0x55); /* a reset brings the own one back */
}

static void vlans(void **state)
{
    struct rig *r = *state;
    const uint16_t seven = 7;

    go(r, F_MRG | F_CTRL);
    mode(r, VIRTIO_NET_CTRL_RX_PROMISC, 0);
    assert_true(passes(r, OWN, 0));
    assert_false(passes(r, OWN, 7));
    assert_int_equal(
        command(r, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, &seven, 2),
        0);
    assert_true(passes(r, OWN, 7));
    assert_true(passes(r, OWN, 0xe007)); /* priority bits are none of it */
    assert_false(passes(r, OWN, 8));
    assert_int_equal(
        command(r, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_DEL, &seven, 2),
        0);
    assert_false(passes(r, OWN, 7));
}

static void offloads_on_and_off(void **state)
{
    struct rig *r = *state;
    uint64_t bits = BIT(VIRTIO_NET_F_GUEST_CSUM);

    go(r, F_CTRL | F_OFFLOADS);
    assert_int_equal(command(r, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
                             VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, &bits, 8),
                     0);
    assert_int_equal(r->net->offloads, NET_CSUM);
    bits |= BIT(VIRTIO_NET_F_GUEST_TSO4);
    assert_int_equal(command(r, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
                             VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, &bits, 8),
                     0);
    assert_int_equal(r->net->offloads, NET_CSUM | NET_TSO4);
    bits |= BIT(VIRTIO_NET_F_GUEST_ECN); /* not negotiated */
    assert_int_equal(command(r, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
                             VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, &bits, 8),
                     1);
    assert_int_equal(r->net->offloads, NET_CSUM | NET_TSO4);
}

/* ---- several queues ---- */

static int setup_two(void **state)
{
    return setup_pairs(state, 2);
}

/* The control queue is behind all pairs once MQ is negotiated. */
static void go_mq(struct rig *r)
{
    struct mmio_rig *m = &r->m;

    negotiate(m, F_MODERN | F_MRG | F_CTRL | BIT(VIRTIO_NET_F_MQ));
    for (unsigned q = 0; q < 5; q++) {
        struct ring ring = ring_at(m->mem, 0x10000ull * (q + 1), SIZE);

        memset(ring.ram + 0x10000ull * (q + 1), 0, 0x10000);
        if (q < 4)
            m->rings[q] = ring;
        set_queue(m, q, &ring.cfg);
        wr(m, VIRTIO_MMIO_QUEUE_READY, 1);
    }
    wr(m, VIRTIO_MMIO_STATUS, S_LIVE);
    spin(m);
    assert_int_equal(rd(m, VIRTIO_MMIO_STATUS), S_LIVE);
}

static uint8_t set_pairs(struct rig *r, uint16_t pairs)
{
    struct ring control = ring_at(r->m.mem, 0x50000, SIZE);
    unsigned char *at = guest(r, 0x90000);

    control.idx = control.seen = ring_used_idx(&control);
    at[0] = VIRTIO_NET_CTRL_MQ;
    at[1] = VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET;
    memcpy(at + 2, &pairs, sizeof(pairs));
    *guest(r, 0x98000) = PLAIN;
    ring_desc(&control, 0, 0x90000, 4, NEXT, 1);
    ring_desc(&control, 1, 0x98000, 1, WRITABLE, 0);
    ring_offer(&control, 0);
    go_on(r, 4);
    return *guest(r, 0x98000);
}

static void two_pairs(void **state)
{
    struct rig *r = *state;
    const struct virtio_net_hdr_v1 h = {0};

    go_mq(r);
    assert_int_equal(r->net->queues, 1);
    /* Kicked before it is in use: served when it is. */
    memcpy(guest(r, BUFFER(9)), &h, sizeof(h));
    ring_desc(&r->m.rings[3], 0, BUFFER(9), NET_HDR + FRAME, 0, 0);
    ring_offer(&r->m.rings[3], 0);
    go_on(r, 3);
    assert_int_equal(r->net->sent, 0);
    assert_int_equal(set_pairs(r, 0), 1);
    assert_int_equal(set_pairs(r, 3), 1);
    assert_int_equal(set_pairs(r, 2), 0);
    assert_int_equal(r->net->queues, 2);
    assert_int_equal(r->net->sent, 1);
    assert_int_equal(r->net->queue, 1);
    ring_desc(&r->m.rings[2], 0, BUFFER(0), 2000, WRITABLE, 0);
    ring_offer(&r->m.rings[2], 0);
    fake_put(r->net, FRAME);
    arrive(r, 1);
    assert_int_equal(ring_used_idx(&r->m.rings[2]), 1);
    assert_int_equal(set_pairs(r, 1), 0);
    fake_put(r->net, FRAME);
    arrive(r, 1);
    assert_int_equal(r->net->count, 1);
}

/* A queue that is reset gives back what was popped ahead, the others go on. */
static void queue_reset(void **state) /* 16 */
{
    struct rig *r = *state;

    go(r, F_MRG | BIT(VIRTIO_F_RING_RESET));
    for (uint16_t i = 0; i < 8; i++)
        give(r, i, 1000);
    go_on(r, RX);
    wr(&r->m, VIRTIO_MMIO_QUEUE_SEL, RX);
    wr(&r->m, REG_QUEUE_RESET, 1);
    spin(&r->m);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_QUEUE_READY), 0);
    memset(guest(r, BUFFER(0)), PLAIN, 1000);
    fake_put(r->net, FRAME);
    arrive(r, 0);
    assert_int_equal(*guest(r, BUFFER(0)), PLAIN);
    send_plain(r, 1, FRAME);
    go_on(r, TX);
    assert_int_equal(r->net->sent, 1);
    make_ring(&r->m, RX, SIZE);
    set_queue(&r->m, RX, &r->m.rings[RX].cfg);
    give(r, 0, 1000);
    wr(&r->m, VIRTIO_MMIO_QUEUE_READY, 1);
    spin(&r->m);
    assert_int_equal(ring_used_idx(&r->m.rings[RX]), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(receive_modes),
        TEST(address_tables),
        TEST(new_address),
        TEST(vlans),
        TEST(offloads_on_and_off),
        cmocka_unit_test_setup_teardown(two_pairs, setup_two, teardown),
        TEST(queue_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
