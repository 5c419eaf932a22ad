// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_e1000_tx.c: the transmit descriptors of the 82540EM, by 3.3 to 3.7 of
 * its manual (Intel 317453), and what a hostile driver makes of them.
 */
#include "e1000_rig.h"

#include "devices/backend/net_csum.h"

#define HEADERS 54u /* Ethernet, IPv4, TCP */
#define SEQ     0x01020304u

static void fill(struct rig *r, uint64_t at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t byte = (uint8_t)(i * 7 + i / 256);

        poke(r, at + i, &byte, 1);
    }
}

static unsigned be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

/* The sum of a pseudo header: addresses, TCP, length. */
static uint64_t pseudo(const uint8_t *ip, size_t n)
{
    const uint8_t tail[4] = {0, 6, (uint8_t)(n >> 8), (uint8_t)n};

    return net_csum_add(ip + 12, 8) + net_csum_add(tail, 4);
}

/* A header of TCP over IPv4 as a driver leaves it: sums not made. */
static void put_headers(struct rig *r, uint64_t at, size_t tcp_length)
{
    uint8_t h[HEADERS] = {
        0x02, 1,  2,    3, 4, 5,  0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
        8,    0,  0x45, 0, 0, 0,  0x12, 0x34, 0x40, 0,    64,   6,
        0,    0,  10,   0, 2, 15, 10,   0,    2,    2,    0x12, 0x34,
        0,    80, 1,    2, 3, 4,  0,    0,    0,    0,    0x50, 0x19,
    };
    const uint16_t sum = net_csum_fold(pseudo(h + 14, tcp_length));

    memcpy(h + 50, &sum, sizeof(sum));
    poke(r, at, h, sizeof(h));
}

static void assert_ip_sum(const uint8_t *frame)
{
    assert_int_equal(net_csum_fold(net_csum_add(frame + 14, 20)), UINT16_MAX);
}

/* ---- legacy descriptors (3.3.3) ---- */

static void test_a_frame_goes_out(void **state)
{
    struct rig *r = *state;
    uint8_t want[60];

    start(r);
    fill(r, BUF(0), 60);
    peek(r, BUF(0), want, 60);
    offer(r, BUF(0), EOP | IFCS | RS | 60, 0);
    go(r);
    assert_int_equal(r->net->sent, 1);
    assert_int_equal(sent_bytes(r), 60);
    assert_memory_equal(sent(r), want, 60);
    assert_int_equal(sent_hdr(r).flags, 0);
    assert_true(tx_done(r, 0));
    assert_int_equal(get(r, REG_TDH), 1);
    assert_true(pin(r));
    assert_int_equal(get(r, REG_ICR), ICR_TXDW | ICR_TXQE);
    assert_int_equal(get(r, REG_GPTC), 1);
    assert_int_equal(get(r, REG_GPTC), 0);
    assert_int_equal(get(r, REG_GOTCL), 64);
    assert_int_equal(get(r, REG_PTC64), 1);
}

static void test_nothing_is_reported_unasked(void **state)
{
    struct rig *r = *state;

    start(r);
    offer(r, BUF(0), EOP | 60, 0);
    go(r);
    assert_int_equal(r->net->sent, 1);
    assert_false(tx_done(r, 0));
    assert_int_equal(get(r, REG_ICR), ICR_TXQE);
}

static void test_a_frame_of_several_buffers_over_the_end(void **state)
{
    struct rig *r = *state;
    uint8_t want[600];

    start(r);
    r->tail = RING - 2;
    put(r, REG_TDH, r->tail);
    fill(r, BUF(0), sizeof(want));
    peek(r, BUF(0), want, sizeof(want));
    offer(r, BUF(0), RS | 100, 0);
    offer(r, BUF(0) + 100, RS | 1, 0);
    offer(r, 0, RS | 77, 0); /* no address, no data */
    offer(r, BUF(0), RS, 0); /* nor without length */
    offer(r, BUF(0) + 101, EOP | RS | 499, 0);
    go(r);
    assert_int_equal(r->net->sent, 1);
    assert_int_equal(sent_bytes(r), sizeof(want));
    assert_memory_equal(sent(r), want, sizeof(want));
    assert_true(tx_done(r, RING - 2) && tx_done(r, RING - 1));
    assert_true(tx_done(r, 0) && tx_done(r, 1) && tx_done(r, 2));
    assert_int_equal(get(r, REG_TDH), 3);
}

static void test_short_frames_are_padded(void **state)
{
    struct rig *r = *state;

    start(r);
    put(r, REG_TCTL, TCTL_EN | TCTL_PSP);
    fill(r, BUF(0), 20);
    offer(r, BUF(0), EOP | 20, 0);
    go(r);
    assert_int_equal(sent_bytes(r), 60);
    assert_int_equal(sent(r)[19], 19 * 7);
    assert_int_equal(sent(r)[20], 0);
    assert_int_equal(sent(r)[59], 0);
}

/* IC: from CSS to the end, at CSO; the backend does it. */
static void test_legacy_checksum(void **state)
{
    struct rig *r = *state;

    start(r);
    fill(r, BUF(0), 100);
    offer(r, BUF(0), EOP | IC | 50u << 16 | 100, 34u << 8);
    go(r);
    assert_int_equal(sent_hdr(r).flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(sent_hdr(r).csum_start, 34);
    assert_int_equal(sent_hdr(r).csum_offset, 16);
}

static void test_checksum_without_a_backend_for_it(void **state)
{
    struct rig *r = *state;
    const uint8_t zeroes[2] = {0};

    start(r);
    r->net->info.send = 0;
    fill(r, BUF(0), 101);
    poke(r, BUF(0) + 50, zeroes, 2);
    offer(r, BUF(0), IC | 33, 0);
    offer(r, BUF(0) + 33, EOP | IC | 50u << 16 | 68, 34u << 8);
    go(r);
    assert_int_equal(sent_hdr(r).flags, 0);
    assert_int_equal(sent_bytes(r), 101);
    assert_int_equal(net_csum_fold(net_csum_add(sent(r) + 34, 67)), UINT16_MAX);
}

/* Chapter 9: VLE with CTRL.VME puts a tag behind the addresses. */
static void test_tag_is_inserted(void **state)
{
    struct rig *r = *state;
    uint8_t want[80];

    start(r);
    fill(r, BUF(0), 80);
    peek(r, BUF(0), want, 80);
    offer(r, BUF(0), EOP | VLE | 80, 0x6123u << 16);
    go(r);
    assert_int_equal(sent_bytes(r), 80); /* VME is off */
    put(r, REG_CTRL, CTRL_SLU | CTRL_VME);
    offer(r, BUF(0), EOP | VLE | IC | 50u << 16 | 80, 0x6123u << 16 | 34u << 8);
    go(r);
    assert_int_equal(sent_bytes(r), 84);
    assert_memory_equal(sent(r), want, 12);
    assert_int_equal(be32(sent(r) + 12), 0x81006123u);
    assert_memory_equal(sent(r) + 16, want + 12, 68);
    assert_int_equal(sent_hdr(r).csum_start, 38);
    assert_int_equal(sent_hdr(r).csum_offset, 16);
}

/* ---- TCP/IP descriptors (3.3.5 to 3.3.7) ---- */

static void test_data_descriptor_sums(void **state)
{
    struct rig *r = *state;

    start(r);
    put_headers(r, BUF(0), 20 + 46);
    offer(r, css(14, 24, 33, 34, 50, 0), TX_CONTEXT | 0x03000000u, 0);
    /* POPTS counts in the first descriptor only. */
    offer(r, BUF(0), TX_DATA | HEADERS, 3u << 8);
    offer(r, BUF(1), TX_DATA | EOP | RS | 46, 0);
    go(r);
    assert_int_equal(r->net->sent, 1);
    assert_int_equal(sent_bytes(r), 100);
    assert_ip_sum(sent(r));
    assert_int_equal(sent_hdr(r).flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(sent_hdr(r).csum_start, 34);
    assert_int_equal(sent_hdr(r).csum_offset, 16);
    assert_false(tx_done(r, 0));
    assert_true(tx_done(r, 2));
    /* The context stays; without POPTS nothing is inserted. */
    offer(r, BUF(0), TX_DATA | HEADERS, 0);
    offer(r, BUF(1), TX_DATA | EOP | 46, 3u << 8);
    go(r);
    assert_int_equal(sent_hdr(r).flags, 0);
    assert_int_equal(be16(sent(r) + 24), 0);
}

/* TUCSE before the end: no backend can do that. */
static void test_a_sum_that_ends_early(void **state)
{
    struct rig *r = *state;

    start(r);
    put_headers(r, BUF(0), 0);
    fill(r, BUF(0) + HEADERS, 46);
    poke(r, BUF(0) + 50, &(uint16_t){0}, 2);
    offer(r, css(14, 24, 33, 34, 50, 89), TX_CONTEXT, 0);
    offer(r, BUF(0), TX_DATA | EOP | 100, 2u << 8);
    go(r);
    assert_int_equal(sent_hdr(r).flags, 0);
    assert_int_equal(net_csum_fold(net_csum_add(sent(r) + 34, 56)), UINT16_MAX);
}

/* Header and payload in different buffers, to be cut by mss. */
static void offer_segments(struct rig *r, unsigned payload, unsigned mss,
                           uint32_t tucmd)
{
    const unsigned half = payload / 2 + 1;

    put_headers(r, BUF(0), 0);
    fill(r, BUF(1), payload);
    offer(r, css(14, 24, 33, 34, 50, 0),
          TX_CONTEXT | TSE | RS | tucmd << 24 | payload,
          mss << 16 | HEADERS << 8);
    offer(r, BUF(0), TX_DATA | TSE | HEADERS, 3u << 8);
    offer(r, BUF(1), TX_DATA | TSE | half, 0);
    offer(r, BUF(1) + half, TX_DATA | TSE | EOP | RS | (payload - half), 0);
}

static void test_the_host_segments(void **state)
{
    struct rig *r = *state;

    start(r);
    offer_segments(r, 8000, 1448, 3);
    go(r);
    assert_int_equal(r->net->sent, 1);
    assert_int_equal(sent_bytes(r), HEADERS + 8000);
    assert_int_equal(sent_hdr(r).gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
    assert_int_equal(sent_hdr(r).gso_size, 1448);
    assert_int_equal(sent_hdr(r).hdr_len, HEADERS);
    assert_int_equal(sent_hdr(r).flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(be16(sent(r) + 16), 40 + 8000);
    assert_ip_sum(sent(r));
    /* What the driver summed up of the pseudo header, with the length. */
    assert_int_equal(*(const uint16_t *)(const void *)(sent(r) + 50),
                     net_csum_fold(pseudo(sent(r) + 14, 20 + 8000)));
    assert_int_equal(sent(r)[47], 0x19); /* FIN and PSH are the host's */
    assert_int_equal(get(r, REG_TSCTC), 1);
    assert_int_equal(get(r, REG_TSCTFC), 0);
    assert_int_equal(get(r, REG_GPTC), 6);
}

static unsigned first_sent;
static struct fake_packet frames[8];

/* Keep each frame: the link takes one at a time. */
static void send_one_by_one(struct rig *r, unsigned n)
{
    r->net->refuse = true;
    go(r);
    assert_int_equal(r->net->sent, first_sent);
    r->net->refuse = false;
    for (unsigned i = 0; i < n; i++) {
        unsigned budget = 1;

        assert_int_equal(e1000_packet_send(r->n, &budget), i == n - 1);
        frames[i] = r->net->last;
    }
}

static void check_segment(unsigned i, size_t payload, bool last)
{
    const uint8_t *f = frames[i].bytes + NET_HDR;
    struct virtio_net_hdr_v1 h;

    memcpy(&h, frames[i].bytes, sizeof(h));
    assert_int_equal(frames[i].n, NET_HDR + HEADERS + payload);
    assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_NONE);
    assert_int_equal(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(be16(f + 16), 40 + payload);
    assert_int_equal(be16(f + 18), 0x1234 + i);
    assert_ip_sum(f);
    assert_int_equal(be32(f + 38), SEQ + i * 1000);
    assert_int_equal(f[47], last ? 0x19 : 0x10);
    assert_int_equal(*(const uint16_t *)(const void *)(f + 50),
                     net_csum_fold(pseudo(f + 14, 20 + payload)));
    for (size_t k = 0; k < payload; k++) {
        const size_t at = i * 1000 + k;

        assert_int_equal(f[HEADERS + k], (uint8_t)(at * 7 + at / 256));
    }
}

/* 3.5.9, frame by frame, with a link that refuses now and then. */
static void test_segments_are_made_here(void **state)
{
    struct rig *r = *state;

    start(r);
    first_sent = 0;
    r->net->info.send = NET_CSUM;
    offer_segments(r, 2500, 1000, 3);
    send_one_by_one(r, 3);
    check_segment(0, 1000, false);
    check_segment(1, 1000, false);
    check_segment(2, 500, true);
    /* The packet's descriptors are reported when all of it is sent. */
    assert_false(tx_done(r, 3));
}

static void test_segments_by_udp_and_over_ipv6(void **state)
{
    struct rig *r = *state;

    start(r);
    r->net->info.send = NET_CSUM;
    offer_segments(r, 2500, 1000, 2); /* IPv4, not TCP */
    go(r);
    assert_int_equal(r->net->sent, 3);
    assert_int_equal(be16(sent(r) + 16), 40 + 500);
    assert_int_equal(be16(sent(r) + 34 + 4), 20 + 500);
    offer_segments(r, 2500, 1000, 1); /* TCP, not IPv4 */
    go(r);
    assert_int_equal(r->net->sent, 6);
    assert_int_equal(be16(sent(r) + 14 + 4), HEADERS + 500 - 14 - 40);
}

static void test_a_refused_packet_waits(void **state)
{
    struct rig *r = *state;

    start(r);
    r->net->refuse = true;
    offer(r, BUF(0), EOP | RS | 60, 0);
    offer(r, BUF(0), EOP | RS | 61, 0);
    go(r);
    assert_int_equal(r->net->sent, 0);
    assert_false(tx_done(r, 0));
    r->net->refuse = false;
    r->net->front->room(r->net->owner);
    turns(r);
    assert_int_equal(r->net->sent, 2);
    assert_true(tx_done(r, 0) && tx_done(r, 1));
}

static void test_own_address_only(void **state)
{
    struct rig *r = *state;

    start(r);
    r->net->info.only_own_mac = true;
    fill(r, BUF(0), 60);
    offer(r, BUF(0), EOP | RS | 60, 0);
    go(r);
    assert_int_equal(r->net->sent, 0);
    assert_int_equal(r->net->dropped_tx, 1);
    assert_true(tx_done(r, 0));
    poke(r, BUF(0) + 6, r->net->info.mac, 6);
    offer(r, BUF(0), EOP | 60, 0);
    go(r);
    assert_int_equal(r->net->sent, 1);
}

static void test_no_link_no_sending(void **state)
{
    struct rig *r = *state;

    start(r);
    put(r, REG_CTRL, CTRL_PHY_RST);
    offer(r, BUF(0), EOP | 60, 0);
    go(r);
    assert_int_equal(r->net->sent, 0);
    pass(r, 20000000);
    turns(r);
    assert_int_equal(r->net->sent, 1);
}

/* ---- hostile drivers ---- */

static void test_rings_that_are_none(void **state)
{
    struct rig *r = *state;
    static const struct {
        uint32_t base, high, len, head, tail;
    } rings[] = {
        {TX_RING, 0, 0, 0, 5},           {TX_RING, 0, 128, 100, 5},
        {TX_RING, 0, 128, 0, 8},         {TX_RING, 0, 128, 0, 0xffff},
        {0xfffffff0u, ~0u, 128, 1, 5},   {RAM, 0, 128, 0, 5},
        {0xc0000000u, 0, 0xfff80, 0, 9}, {TX_RING, 0, 128, 0xffff, 0xfffe},
    };

    start(r);
    for (size_t i = 0; i < ARRAY_LEN(rings); i++) {
        put(r, REG_TDBAL, rings[i].base);
        put(r, REG_TDBAH, rings[i].high);
        put(r, REG_TDLEN, rings[i].len);
        put(r, REG_TDH, rings[i].head);
        put(r, REG_TDT, rings[i].tail);
        turns(r);
        assert_int_equal(r->net->sent, 0);
        assert_int_equal(get(r, REG_TDH), rings[i].head);
    }
    put(r, REG_TDBAH, 0);
    put(r, REG_TDH, 0);
    put(r, REG_TDT, 0);
    start(r);
    offer(r, BUF(0), EOP | 60, 0);
    go(r);
    assert_int_equal(r->net->sent, 1);
}

static void test_buffers_that_are_no_ram(void **state)
{
    struct rig *r = *state;

    start(r);
    offer(r, RAM - 10, EOP | RS | 60, 0);
    offer(r, UINT64_MAX - 10, EOP | RS | 60, 0);
    offer(r, 0xfee00000u, RS | 60, 0);
    offer(r, BUF(0), EOP | RS | 60, 0);
    offer(r, BUF(0), EOP | RS | 13, 0); /* no whole header */
    go(r);
    assert_int_equal(r->net->sent, 0);
    assert_int_equal(r->net->dropped_tx, 4);
    for (unsigned i = 0; i < 5; i++)
        assert_true(tx_done(r, i));
}

/* Fragments without end: bounded, and thrown away when one comes. */
static void test_endless_fragments(void **state)
{
    struct rig *r = *state;

    start(r);
    for (unsigned lap = 0; lap < 100; lap++) {
        for (unsigned i = 0; i < RING - 1; i++)
            offer(r, BUF(0), RS | TX_DATA | TSE | 1, 0);
        go(r);
        assert_true(get(r, REG_TDH) == r->tail);
    }
    assert_int_equal(r->net->sent, 0);
    offer(r, BUF(0), TX_DATA | TSE | EOP | 1, 0);
    go(r);
    assert_int_equal(r->net->sent, 0);
    assert_int_equal(r->net->dropped_tx, 1);
    offer(r, BUF(0), EOP | 60, 0);
    go(r);
    assert_int_equal(r->net->sent, 1);
}

static void test_a_packet_too_long(void **state)
{
    struct rig *r = *state;

    start(r);
    offer(r, BUF(0), 0xffff, 0);
    offer(r, BUF(0), EOP | 60, 0);
    for (unsigned i = 0; i < 4; i++)
        offer(r, BUF(0), TX_DATA | TSE | 0xfffff, 0);
    offer(r, BUF(0), TX_DATA | TSE | EOP | 1, 0);
    go(r);
    assert_int_equal(r->net->sent, 0);
    assert_int_equal(r->net->dropped_tx, 2);
}

static void test_context_garbage(void **state)
{
    struct rig *r = *state;
    uint32_t seed = 1;

    start(r);
    for (unsigned i = 0; i < 2000; i++) {
        uint32_t v[4];

        for (unsigned k = 0; k < 4; k++)
            v[k] = seed = seed * 1664525u + 1013904223u;
        offer(r, (uint64_t)v[0] << 32 | v[1], TX_CONTEXT | (v[2] & 0x070fffffu),
              v[3]);
        offer(r, BUF(v[2] & 7), TX_DATA | (v[2] & VLE) | (v[3] & TSE) | 200,
              v[1]);
        offer(r, BUF(1), TX_DATA | EOP | (v[0] & 0x1fff), v[2]);
        put(r, REG_CTRL, CTRL_SLU | (v[3] & CTRL_VME));
        r->net->info.send = v[3] & 7;
        put(r, REG_TDT, r->tail);
        /* A tiny MSS takes its turns. */
        for (unsigned t = 0; t < 50 && get(r, REG_TDH) != r->tail; t++)
            turns(r);
        assert_int_equal(get(r, REG_TDH), r->tail);
    }
    assert_true(r->net->sent > 1000);
}

static void test_segments_of_nothing(void **state)
{
    struct rig *r = *state;

    start(r);
    offer_segments(r, 2500, 0, 3); /* no MSS */
    go(r);
    assert_int_equal(r->net->sent, 0);
    assert_true(tx_done(r, 3));
    /* The header is longer than all there is. */
    offer(r, css(14, 24, 33, 34, 50, 0), TX_CONTEXT | TSE | 1,
          100u << 16 | 255u << 8);
    offer(r, BUF(0), TX_DATA | TSE | EOP | RS | 100, 3u << 8);
    go(r);
    assert_int_equal(r->net->sent, 0);
    assert_int_equal(get(r, REG_TSCTFC), 1);
}

static void test_reset_forgets_a_packet(void **state)
{
    struct rig *r = *state;

    start(r);
    r->net->refuse = true;
    offer(r, BUF(0), EOP | RS | 60, 0);
    go(r);
    put(r, REG_CTRL, CTRL_RST);
    r->net->refuse = false;
    r->net->front->room(r->net->owner);
    turns(r);
    assert_int_equal(r->net->sent, 0);
    assert_false(tx_done(r, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_frame_goes_out),
        TEST(test_nothing_is_reported_unasked),
        TEST(test_a_frame_of_several_buffers_over_the_end),
        TEST(test_short_frames_are_padded),
        TEST(test_legacy_checksum),
        TEST(test_checksum_without_a_backend_for_it),
        TEST(test_tag_is_inserted),
        TEST(test_data_descriptor_sums),
        TEST(test_a_sum_that_ends_early),
        TEST(test_the_host_segments),
        TEST(test_segments_are_made_here),
        TEST(test_segments_by_udp_and_over_ipv6),
        TEST(test_a_refused_packet_waits),
        TEST(test_own_address_only),
        TEST(test_no_link_no_sending),
        TEST(test_rings_that_are_none),
        TEST(test_buffers_that_are_no_ram),
        TEST(test_endless_fragments),
        TEST(test_a_packet_too_long),
        TEST(test_context_garbage),
        TEST(test_segments_of_nothing),
        TEST(test_reset_forgets_a_packet),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
