// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The network device and a driver that breaks the rules. Numbers are those of
 * the hostile cases.
 */
#include "vnet_rig.h"

#define ALL (F_MRG | F_CTRL | F_OFFLOADS)

/* The device works: a packet goes out, and the driver is told. */
static void assert_sends(struct rig *r)
{
    const unsigned before = r->net->sent;

    send_plain(r, 60, FRAME);
    go_on(r, TX);
    assert_int_equal(r->net->sent, before + 1);
}

/* A packet that is thrown away, and counted, and its chain returned. */
static void assert_dropped(struct rig *r)
{
    const unsigned sent = r->net->sent, dropped = r->net->dropped_tx;
    struct ring *tx = &r->m.rings[TX];

    go_on(r, TX);
    wait_sent(r);
    assert_int_equal(r->net->sent, sent);
    assert_int_equal(r->net->dropped_tx, dropped + 1);
    assert_int_equal(ring_used_idx(tx), tx->idx);
    assert_false(needs_reset(&r->m));
}

/* ---- 29: packets to send ---- */

static void no_header_or_half_of_one(void **state)
{
    static const uint32_t sizes[] = {0, 1, 11, 12, 12 + 13};
    struct rig *r = *state;
    struct ring *tx = &r->m.rings[TX];

    go(r, ALL);
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        ring_desc(tx, 0, BUFFER(0), sizes[i], 0, 0);
        ring_offer(tx, 0);
        assert_dropped(r);
    }
    assert_sends(r);
}

static void too_long_or_writable(void **state)
{
    struct rig *r = *state;
    struct ring *tx = &r->m.rings[TX];

    go(r, ALL);
    ring_desc(tx, 0, DATA, NET_HDR + NET_MAX_FRAME + 1, 0, 0);
    ring_offer(tx, 0);
    assert_dropped(r);
    ring_desc(tx, 0, DATA, NET_HDR + FRAME, NEXT, 1);
    ring_desc(tx, 1, DATA, 10, WRITABLE, 0);
    ring_offer(tx, 0);
    assert_dropped(r);
    ring_desc(tx, 0, DATA, NET_HDR + FRAME, WRITABLE, 0);
    ring_offer(tx, 0);
    assert_dropped(r);
    /* The longest that is lawful. */
    memset(guest(r, DATA), 0, NET_HDR);
    ring_desc(tx, 0, DATA, NET_HDR + NET_MAX_FRAME, 0, 0);
    ring_offer(tx, 0);
    go_on(r, TX);
    assert_int_equal(r->net->sent, 1);
}

static void garbage_in_the_header(void **state)
{
    static const struct virtio_net_hdr_v1 bad[] = {
        /* beyond the frame, or about to wrap */
        {.flags = 1, .csum_start = 63, .csum_offset = 0},
        {.flags = 1, .csum_start = 0xffff, .csum_offset = 0xffff},
        {.flags = 1, .csum_start = 0, .csum_offset = 63},
        /* segments without a checksum, a size, a lawful kind */
        {.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 100},
        {.flags = 1, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 0},
        {.flags = 1, .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 100},
        {.flags = 1, .gso_type = 2, .gso_size = 100},
        {.flags = 1, .gso_type = 0xff, .gso_size = 0xffff, .hdr_len = 0xffff},
        /* not negotiated */
        {.flags = 1, .gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 100},
        {.flags = 1, .gso_type = 5, .gso_size = 100},
    };
    struct rig *r = *state;

    go(r, ALL);
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        send_raw(r, (uint16_t)i, &bad[i], FRAME);
        assert_dropped(r);
    }
    assert_sends(r);
}

static void a_checksum_not_negotiated(void **state)
{
    const struct virtio_net_hdr_v1 h = {.flags = 1, .csum_start = 20};
    struct rig *r = *state;

    go(r, F_MRG);
    send_raw(r, 0, &h, FRAME);
    assert_dropped(r);
}

/* What changes after it was looked at is not looked at again. */
static void grow(unsigned char *at, size_t n)
{
    if (n == NET_HDR)
        memset(at, 0xff, NET_HDR);
}

static void header_is_fetched_once(void **state) /* 10 */
{
    static const uint8_t zero[NET_HDR];
    struct rig *r = *state;
    unsigned char *ram;

    go(r, ALL);
    ram = guest(r, BUFFER(0));
    send_plain(r, 0, FRAME);
    fetches.ram = ram;
    fetches.after = grow;
    go_on(r, TX);
    assert_int_equal(r->net->sent, 1);
    assert_memory_equal(r->net->last.bytes, zero, NET_HDR);
    for (unsigned i = 0; i < NET_HDR; i++)
        assert_int_equal(fetches.counts[i], 1);
}

/* ---- 30: receive buffers ---- */

static void assert_broken_by_buffer(struct rig *r, uint32_t n, uint16_t flags)
{
    struct ring *rx;

    go(r, ALL);
    rx = &r->m.rings[RX];
    ring_desc(rx, 0, BUFFER(0), n, flags, 0);
    ring_offer(rx, 0);
    r->net->count = 0;
    fake_put(r->net, FRAME);
    go_on(r, RX);
    assert_true(needs_reset(&r->m));
    arrive(r, 0);
    assert_int_equal(r->net->count, 1); /* the host's queue keeps it */
    assert_int_equal(ring_used_idx(rx), 0);
}

static void useless_buffers(void **state)
{
    struct rig *r = *state;

    assert_broken_by_buffer(r, 0, WRITABLE);
    assert_broken_by_buffer(r, 1, WRITABLE);
    assert_broken_by_buffer(r, NET_HDR - 1, WRITABLE);
    assert_broken_by_buffer(r, 2000, 0);
    go(r, ALL);
    assert_sends(r);
}

/* Buffers that hold a header and a byte: lawful, and never enough. */
static void tiny_buffers(void **state)
{
    struct rig *r = *state;

    go(r, ALL);
    for (uint16_t i = 0; i < SIZE; i++)
        give(r, i, NET_HDR + 1);
    go_on(r, RX);
    fake_put(r->net, SIZE * (NET_HDR + 1));
    fake_put(r->net, 13 * (SIZE - 1) - NET_HDR);
    arrive(r, 0);
    assert_int_equal(r->net->dropped_rx, 1);
    assert_int_equal(ring_used_idx(&r->m.rings[RX]), SIZE - 1);
    assert_int_equal(header(r, BUFFER(0))->num_buffers, SIZE - 1);
}

/* 64: with nobody to receive, nothing is read, and nothing is spent. */
static void flood_without_buffers(void **state)
{
    struct rig *r = *state;

    go(r, ALL);
    for (unsigned i = 0; i < FAKE_PACKETS; i++)
        fake_put(r->net, 1000);
    for (unsigned i = 0; i < 100; i++)
        arrive(r, 0);
    assert_int_equal(r->net->reads, 0);
    assert_sends(r);
}

/* A ring broken while a packet and buffers are held: no more is written. */
static void broken_while_buffers_are_held(void **state)
{
    struct rig *r = *state;
    struct ring *rx;

    go(r, ALL);
    rx = &r->m.rings[RX];
    for (uint16_t i = 0; i < 4; i++)
        give(r, i, 1000);
    go_on(r, RX);
    fake_put(r->net, 3900); /* makes the device hold four */
    arrive(r, 0);
    for (uint16_t i = 4; i < 8; i++)
        give(r, i, 1000);
    go_on(r, RX);
    ring_desc(&r->m.rings[TX], 0, UINT64_MAX - 4, 100, 0, 0);
    ring_offer(&r->m.rings[TX], 0);
    go_on(r, TX);
    assert_true(needs_reset(&r->m));
    fake_put(r->net, FRAME);
    arrive(r, 0);
    assert_int_equal(*guest(r, BUFFER(4)), PLAIN);
    assert_int_equal(ring_used_idx(rx), 4);
    go(r, ALL);
    assert_sends(r);
}

/* ---- 31: the control queue ---- */

static void unknown_commands(void **state)
{
    struct rig *r = *state;
    uint8_t data[600] = {0};

    go(r, ALL);
    for (unsigned class = 0; class < 256; class += 5)
        for (unsigned cmd = 0; cmd < 256; cmd += 17)
            assert_in_range(
                command(r, (uint8_t) class, (uint8_t)cmd, data, class % 13), 0,
                1);
    assert_int_equal(command(r, 0, 99, data, 1), 1);
    assert_int_equal(command(r, VIRTIO_NET_CTRL_MQ,
                             VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, "\x01", 2),
                     1); /* not negotiated */
    assert_int_equal(command(r, VIRTIO_NET_CTRL_MQ, 1 /* RSS */, data, 600), 1);
    assert_sends(r);
}

static void broken_commands(void **state)
{
    struct rig *r = *state;
    uint8_t data[64];

    go(r, ALL);
    memset(data, 0xff, sizeof(data));
    for (size_t n = 0; n < 40; n++) {
        if (n != 1)
            assert_int_equal(command(r, VIRTIO_NET_CTRL_RX, 0, data, n), 1);
        /* A table of 2^32 - 1 addresses. */
        assert_int_equal(command(r, VIRTIO_NET_CTRL_MAC, 0, data, n), 1);
        if (n != 2)
            assert_int_equal(command(r, VIRTIO_NET_CTRL_VLAN, 0, data, n), 1);
        assert_int_equal(command(r, VIRTIO_NET_CTRL_MAC, 1, data, n), 1);
    }
    assert_int_equal(command(r, VIRTIO_NET_CTRL_VLAN, 0, data, 2), 1);
    /* One good table and nothing behind it. */
    memset(data, 0, sizeof(data));
    assert_int_equal(command(r, VIRTIO_NET_CTRL_MAC, 0, data, 4), 1);
    assert_int_equal(command(r, VIRTIO_NET_CTRL_MAC, 0, data, 9), 1);
    assert_int_equal(command(r, VIRTIO_NET_CTRL_MAC, 0, data, 8), 0);
    assert_sends(r);
}

static void no_place_for_the_answer(void **state)
{
    struct rig *r = *state;

    go(r, ALL);
    ring_desc(&r->m.rings[CTRL], 0, DATA, 3, 0, 0);
    ring_offer(&r->m.rings[CTRL], 0);
    go_on(r, CTRL);
    assert_true(needs_reset(&r->m));
    go(r, ALL);
    assert_sends(r);
}

/* A command of one byte, or none: an answer all the same. */
static void no_command_at_all(void **state)
{
    struct rig *r = *state;
    struct ring *ctrl = &r->m.rings[CTRL];
    struct vring_used_elem e;

    go(r, ALL);
    ring_desc(ctrl, 0, DATA, 1, WRITABLE, 0);
    ring_offer(ctrl, 0);
    go_on(r, CTRL);
    assert_true(ring_take(ctrl, &e));
    assert_int_equal(*guest(r, DATA), 1);
    assert_false(needs_reset(&r->m));
}

/* ---- 32: another station's address ---- */

static void a_foreign_sender(void **state)
{
    static const struct virtio_net_hdr_v1 h = {0};
    struct rig *r = *state;
    struct ring *tx = &r->m.rings[TX];
    unsigned char *frame;

    r->net->info.only_own_mac = true;
    assert_false(offered(&r->m) & BIT(VIRTIO_NET_F_CTRL_MAC_ADDR));
    go(r, ALL & ~BIT(VIRTIO_NET_F_CTRL_MAC_ADDR));
    send_plain(r, 0, FRAME);
    assert_dropped(r);
    memcpy(guest(r, BUFFER(0)), &h, sizeof(h));
    frame = guest(r, BUFFER(0) + NET_HDR);
    memcpy(frame + 6, r->net->info.mac, 6);
    ring_desc(tx, 0, BUFFER(0), NET_HDR + FRAME, 0, 0);
    ring_offer(tx, 0);
    go_on(r, TX);
    assert_int_equal(r->net->sent, 1);
    assert_int_equal(r->net->last.n, NET_HDR + FRAME);
    assert_memory_equal(r->net->last.bytes + NET_HDR, frame, FRAME);
}

static void forge(unsigned char *at, size_t n)
{
    if (n == 14)
        memset(at, 0xbb, n);
}

/* The address that was checked is the one that is sent. */
static void a_sender_changed_after_the_check(void **state)
{
    static const struct virtio_net_hdr_v1 h = {0};
    struct rig *r = *state;
    struct ring *tx = &r->m.rings[TX];

    r->net->info.only_own_mac = true;
    go(r, F_MRG);
    memcpy(guest(r, BUFFER(0)), &h, sizeof(h));
    memcpy(guest(r, BUFFER(0) + NET_HDR + 6), r->net->info.mac, 6);
    ring_desc(tx, 0, BUFFER(0), NET_HDR + FRAME, 0, 0);
    ring_offer(tx, 0);
    fetches.ram = guest(r, BUFFER(0));
    fetches.after = forge;
    go_on(r, TX);
    assert_int_equal(r->net->sent, 1);
    assert_memory_equal(r->net->last.bytes + NET_HDR + 6, r->net->info.mac, 6);
}

/* ---- 13 to 17: at the wrong time ---- */

static void kicks_and_packets_before_the_driver(void **state) /* 13 */
{
    struct rig *r = *state;

    for (unsigned q = 0; q < 3; q++)
        kick(&r->m, q);
    fake_put(r->net, FRAME);
    arrive(r, 0);
    r->net->front->room(r->net->owner);
    negotiate(&r->m, F_MODERN | ALL);
    arrive(r, 0);
    assert_int_equal(r->net->reads, 0);
    go(r, ALL);
    assert_sends(r);
}

static void reset_with_everything_under_way(void **state) /* 16 */
{
    struct rig *r = *state;

    for (unsigned turn = 0; turn < 5; turn++) {
        go(r, ALL);
        r->net->refuse = true;
        for (uint16_t i = 0; i < 20; i++) {
            give(r, i, 1000);
            send_plain(r, (uint16_t)(20 + i), FRAME);
        }
        fake_put(r->net, 30000); /* more than there is room for */
        kick(&r->m, RX);
        go_on(r, TX);
        wr(&r->m, VIRTIO_MMIO_STATUS, 0);
        spin(&r->m);
        assert_int_equal(rd(&r->m, VIRTIO_MMIO_STATUS), 0);
        memset(guest(r, BUFFER(0)), PLAIN, 1000);
        r->net->refuse = false;
        r->net->front->room(r->net->owner);
        fake_put(r->net, FRAME);
        arrive(r, 0);
        wait_sent(r);
        assert_int_equal(*guest(r, BUFFER(0)), PLAIN);
        assert_int_equal(*guest(r, BUFFER(0) + 999), PLAIN);
        r->net->count = 0;
    }
    go(r, ALL);
    assert_sends(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_header_or_half_of_one),
        TEST(too_long_or_writable),
        TEST(garbage_in_the_header),
        TEST(a_checksum_not_negotiated),
        TEST(header_is_fetched_once),
        TEST(useless_buffers),
        TEST(tiny_buffers),
        TEST(flood_without_buffers),
        TEST(broken_while_buffers_are_held),
        TEST(unknown_commands),
        TEST(broken_commands),
        TEST(no_place_for_the_answer),
        TEST(no_command_at_all),
        TEST(a_foreign_sender),
        TEST(a_sender_changed_after_the_check),
        TEST(kicks_and_packets_before_the_driver),
        TEST(reset_with_everything_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
