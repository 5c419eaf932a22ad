// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The network device and a driver that keeps the rules: packets both ways,
 * however they are cut up, and offloads; see test_vnet_ctrl.c for the rest.
 */
#include "vnet_rig.h"

static void assert_frame(struct rig *r, uint64_t gpa, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(*guest(r, gpa + i),
                         (uint8_t)((from + i) * 7 + (from + i) / 256));
}

static void configuration_space(void **state)
{
    struct rig *r = *state;
    struct virtio_net_config c;
    unsigned char *bytes = (unsigned char *)&c;

    memset(&c, 0, sizeof(c));
    for (unsigned i = 0; i < vnet_ops.config_size; i++)
        reg_get(&r->m, VIRTIO_MMIO_CONFIG + i, bytes + i, 1);
    assert_memory_equal(c.mac, r->net->info.mac, 6);
    assert_int_equal(c.status, VIRTIO_NET_S_LINK_UP);
    assert_int_equal(c.max_virtqueue_pairs, 1);
    assert_int_equal(c.mtu, 1500);
    assert_true(offered(&r->m) & BIT(VIRTIO_NET_F_MTU));
    assert_true(offered(&r->m) & BIT(VIRTIO_NET_F_HOST_TSO6));
    assert_false(offered(&r->m) & BIT(VIRTIO_NET_F_MQ));
    assert_false(offered(&r->m) & BIT(56)); /* USO: not this link's */
}

static void offers_what_the_link_can(void **state)
{
    struct rig *r = *state;

    r->net->info.send = NET_CSUM;
    r->net->info.recv = 0;
    r->net->info.mtu = 0;
    assert_true(offered(&r->m) & BIT(VIRTIO_NET_F_CSUM));
    assert_false(offered(&r->m) & BIT(VIRTIO_NET_F_HOST_TSO4));
    assert_false(offered(&r->m) & BIT(VIRTIO_NET_F_GUEST_CSUM));
    assert_false(offered(&r->m) & BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS));
    assert_false(offered(&r->m) & BIT(VIRTIO_NET_F_MTU));
    r->net->info.send = r->net->info.recv = NET_CSUM | NET_USO;
    assert_true(offered(&r->m) & BIT(54));
    assert_true(offered(&r->m) & BIT(56));
}

static void link_goes_down(void **state)
{
    struct rig *r = *state;
    const uint32_t before = rd(&r->m, VIRTIO_MMIO_CONFIG_GENERATION);
    uint16_t status;

    go(r, F_CTRL);
    r->net->down = true;
    r->net->front->link(r->net->owner, false);
    spin(&r->m);
    assert_int_equal(interrupts(&r->m), 1);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_CONFIG_GENERATION), before + 1);
    reg_get(&r->m, VIRTIO_MMIO_CONFIG + 6, &status, sizeof(status));
    assert_int_equal(status, 0);
}

/* ---- sending ---- */

static void sends_a_packet(void **state)
{
    struct rig *r = *state;
    struct vring_used_elem e;

    go(r, 0);
    send_plain(r, 3, 100);
    go_on(r, TX);
    assert_int_equal(r->net->sent, 1);
    assert_int_equal(r->net->last.n, NET_HDR + 100);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(r->net->last.bytes[NET_HDR + i],
                         (unsigned char)(i * 3 + 3));
    wait_sent(r);
    assert_true(ring_take(&r->m.rings[TX], &e));
    assert_int_equal(e.id, 3);
    assert_int_equal(e.len, 0);
}

/* Header byte by byte, the frame over three descriptors: 2.7.4 allows it. */
static void sends_what_is_split_anyhow(void **state)
{
    struct rig *r = *state;
    struct ring *tx = &r->m.rings[TX];

    go(r, 0);
    memset(guest(r, BUFFER(0)), 0, 12);
    memset(guest(r, BUFFER(1)), 0x41, 200);
    for (uint16_t i = 0; i < 11; i++)
        ring_desc(tx, i, BUFFER(0) + i, 1, NEXT, (uint16_t)(i + 1));
    ring_desc(tx, 11, BUFFER(0) + 11, 1, NEXT, 12);
    ring_desc(tx, 12, BUFFER(1), 20, NEXT, 13);
    ring_desc(tx, 13, BUFFER(1), 30, NEXT, 14);
    ring_desc(tx, 14, BUFFER(1), 50, 0, 0);
    ring_offer(tx, 0);
    go_on(r, TX);
    assert_int_equal(r->net->sent, 1);
    assert_int_equal(r->net->last.n, NET_HDR + 100);
    assert_int_equal(r->net->last.bytes[NET_HDR], 0x41);
    assert_int_equal(r->net->last.bytes[NET_HDR + 99], 0x41);
}

static void offloads_reach_the_link(void **state)
{
    struct rig *r = *state;
    const struct virtio_net_hdr_v1 h = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
        .hdr_len = 54,
        .gso_size = 1448,
        .csum_start = 34,
        .csum_offset = 16,
        .num_buffers = 77, /* means nothing here: not passed on */
    };
    struct virtio_net_hdr_v1 got;

    go(r, F_OFFLOADS);
    assert_int_equal(r->net->offloads, NET_CSUM | NET_TSO4 | NET_TSO6);
    send_raw(r, 0, &h, 5000);
    go_on(r, TX);
    assert_int_equal(r->net->sent, 1);
    memcpy(&got, r->net->last.bytes, sizeof(got));
    assert_int_equal(got.gso_size, 1448);
    assert_int_equal(got.csum_start, 34);
}

static void a_batch_is_one_interrupt(void **state)
{
    struct rig *r = *state;

    go(r, 0);
    for (uint16_t i = 0; i < 40; i++)
        send_plain(r, i, FRAME);
    go_on(r, TX);
    assert_int_equal(r->net->sent, 40);
    assert_int_equal(ring_used_idx(&r->m.rings[TX]), 40);
    assert_int_equal(interrupts(&r->m), 1);
}

/* One packet sent: the driver hears of it soon, not at once. */
static void what_was_sent_is_told_late(void **state)
{
    struct rig *r = *state;

    go(r, 0);
    send_plain(r, 0, FRAME);
    go_on(r, TX);
    wait_sent(r);
    assert_int_equal(ring_used_idx(&r->m.rings[TX]), 1);
    assert_int_equal(interrupts(&r->m), 1);
    wait_sent(r);
    assert_int_equal(interrupts(&r->m), 0);
}

/* What comes in takes along the news of what went out. */
static void an_answer_tells_of_what_was_sent(void **state)
{
    struct rig *r = *state;

    go(r, F_MRG);
    give(r, 0, 2000);
    go_on(r, RX);
    send_plain(r, 0, FRAME);
    fake_put(r->net, FRAME);
    kick(&r->m, TX);
    arrive(r, 0);
    assert_int_equal(ring_used_idx(&r->m.rings[TX]), 1);
    assert_int_equal(ring_used_idx(&r->m.rings[RX]), 1);
    assert_int_equal(interrupts(&r->m), 1);
}

static void room(struct loop_op *op, int res)
{
    struct rig *r = op->owner;

    (void)res;
    r->net->refuse = false;
    r->net->front->room(r->net->owner);
}

static void a_full_link_keeps_the_packet(void **state)
{
    struct rig *r = *state;
    struct loop_op op = {.fn = room, .owner = r};

    go(r, 0);
    r->net->refuse = true;
    send_plain(r, 0, FRAME);
    send_plain(r, 1, 2 * FRAME);
    go_on(r, TX);
    wait_sent(r);
    assert_int_equal(ring_used_idx(&r->m.rings[TX]), 0);
    loop_post(r->m.loop, &op);
    spin(&r->m);
    wait_sent(r);
    assert_int_equal(r->net->sent, 2);
    assert_int_equal(r->net->last.n, NET_HDR + 2 * FRAME);
    assert_int_equal(ring_used_idx(&r->m.rings[TX]), 2);
}

/* ---- receiving ---- */

static void receives_a_packet(void **state)
{
    struct rig *r = *state;
    struct vring_used_elem e;

    go(r, F_MRG);
    give(r, 2, 2000);
    go_on(r, RX);
    fake_put(r->net, 300);
    arrive(r, 0);
    assert_true(ring_take(&r->m.rings[RX], &e));
    assert_int_equal(e.id, 2);
    assert_int_equal(e.len, NET_HDR + 300);
    assert_int_equal(header(r, BUFFER(2))->num_buffers, 1);
    assert_frame(r, BUFFER(2) + NET_HDR, 0, 300);
    assert_int_equal(*guest(r, BUFFER(2) + NET_HDR + 300), PLAIN);
    assert_int_equal(interrupts(&r->m), 1);
}

/* A packet of n bytes into buffers of 1000: first copied, then not. */
static void receive_in_pieces(struct rig *r, size_t n, unsigned buffers)
{
    struct ring *rx = &r->m.rings[RX];
    const uint16_t before = ring_used_idx(rx);
    struct vring_used_elem e;
    size_t at = 0;

    fake_put(r->net, n);
    arrive(r, 0);
    assert_int_equal((uint16_t)(ring_used_idx(rx) - before), buffers);
    for (unsigned i = 0; i < buffers; i++) {
        const size_t skip = i ? 0 : NET_HDR;

        assert_true(ring_take(rx, &e));
        if (i == 0)
            assert_int_equal(header(r, BUFFER(e.id))->num_buffers, buffers);
        assert_frame(r, BUFFER(e.id) + skip, at, e.len - skip);
        at += e.len - skip;
        if (i + 1 < buffers)
            assert_int_equal(e.len, 1000);
    }
    assert_int_equal(at, n);
}

static void large_packets_take_several_buffers(void **state)
{
    struct rig *r = *state;

    go(r, F_MRG | F_OFFLOADS);
    for (uint16_t i = 0; i < 60; i++)
        give(r, i, 1000);
    go_on(r, RX);
    receive_in_pieces(r, 988, 1);
    receive_in_pieces(r, 989, 2);
    receive_in_pieces(r, 20000, 21);
    receive_in_pieces(r, 19000, 20);
    receive_in_pieces(r, 60, 1);
}

/* The buffers given do not do: the packet waits, whole, for more of them. */
static void a_packet_waits_for_buffers(void **state)
{
    struct rig *r = *state;

    go(r, F_MRG | F_OFFLOADS);
    give(r, 0, 1000);
    give(r, 1, 1000);
    go_on(r, RX);
    fake_put(r->net, 3000);
    fake_put(r->net, 100);
    arrive(r, 0);
    assert_int_equal(ring_used_idx(&r->m.rings[RX]), 0);
    assert_int_equal(r->net->count, 1); /* nothing else was read */
    for (uint16_t i = 2; i < 5; i++)
        give(r, i, 1000);
    go_on(r, RX);
    assert_int_equal(ring_used_idx(&r->m.rings[RX]), 5);
    assert_int_equal(header(r, BUFFER(0))->num_buffers, 4);
    assert_frame(r, BUFFER(2), 1988, 1000);
    assert_int_equal(r->net->dropped_rx, 0);
}

static void nothing_is_read_without_buffers(void **state)
{
    struct rig *r = *state;

    go(r, F_MRG);
    fake_put(r->net, FRAME);
    arrive(r, 0);
    assert_int_equal(r->net->reads, 0);
    give(r, 0, 1000);
    go_on(r, RX);
    assert_int_equal(ring_used_idx(&r->m.rings[RX]), 1);
}

/* Without mergeable buffers a packet has one, however it is made up. */
static void one_buffer_for_a_packet(void **state)
{
    struct rig *r = *state;
    struct ring *rx = &r->m.rings[RX];
    struct vring_used_elem e;

    go(r, 0);
    ring_desc(rx, 0, BUFFER(0), NET_HDR, NEXT | WRITABLE, 1);
    ring_desc(rx, 1, BUFFER(1), 1000, NEXT | WRITABLE, 2);
    ring_desc(rx, 2, BUFFER(2), 1000, WRITABLE, 0);
    ring_offer(rx, 0);
    give(r, 3, 500);
    go_on(r, RX);
    fake_put(r->net, 1500);
    fake_put(r->net, 1500); /* too large for the next one */
    fake_put(r->net, 200);
    arrive(r, 0);
    assert_true(ring_take(rx, &e));
    assert_int_equal(e.len, NET_HDR + 1500);
    assert_int_equal(header(r, BUFFER(0))->num_buffers, 1);
    assert_frame(r, BUFFER(2), 1000, 500);
    assert_int_equal(r->net->dropped_rx, 1);
    assert_true(ring_take(rx, &e));
    assert_int_equal(e.id, 3);
    assert_frame(r, BUFFER(3) + NET_HDR, 0, 200);
}

/* A packet made for a driver that could do more is not this one's. */
static void what_the_driver_cannot_take_is_dropped(void **state)
{
    struct rig *r = *state;
    struct virtio_net_hdr_v1 h = {.gso_type = VIRTIO_NET_HDR_GSO_TCPV4};

    go(r, F_MRG);
    assert_int_equal(r->net->offloads, 0);
    give(r, 0, 2000);
    go_on(r, RX);
    memcpy(fake_put(r->net, 200)->bytes, &h, sizeof(h));
    h = (struct virtio_net_hdr_v1){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM};
    memcpy(fake_put(r->net, 200)->bytes, &h, sizeof(h));
    h.flags = VIRTIO_NET_HDR_F_DATA_VALID;
    memcpy(fake_put(r->net, 100)->bytes, &h, sizeof(h));
    arrive(r, 0);
    assert_int_equal(r->net->dropped_rx, 2);
    assert_int_equal(ring_used_idx(&r->m.rings[RX]), 1);
    assert_int_equal(header(r, BUFFER(0))->flags, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(configuration_space),
        TEST(offers_what_the_link_can),
        TEST(link_goes_down),
        TEST(sends_a_packet),
        TEST(sends_what_is_split_anyhow),
        TEST(offloads_reach_the_link),
        TEST(a_batch_is_one_interrupt),
        TEST(what_was_sent_is_told_late),
        TEST(an_answer_tells_of_what_was_sent),
        TEST(a_full_link_keeps_the_packet),
        TEST(receives_a_packet),
        TEST(large_packets_take_several_buffers),
        TEST(a_packet_waits_for_buffers),
        TEST(nothing_is_read_without_buffers),
        TEST(one_buffer_for_a_packet),
        TEST(what_the_driver_cannot_take_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
