// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_e1000_rx.c: the receive ring and the filters of the 82540EM, by 3.2
 * and chapter 10 of its manual (Intel 317453), and hostile drivers.
 */
#include "e1000_rig.h"

#include "devices/backend/net_csum.h"

enum { DD = 1, EOF_ = 2, IXSM = 4, VP = 8, TCPCS = 0x20, IPCS = 0x40 };
#define PIF  0x80
#define TCPE 0x20
#define IPE  0x40

static void test_a_frame_comes_in(void **state)
{
    struct rig *r = *state;
    uint8_t *frame, got[64];
    struct rxd d;

    start(r);
    frame = incoming(r, 60);
    receive(r);
    d = rx_at(r, 0);
    assert_int_equal(d.status, DD | EOF_ | IXSM);
    assert_int_equal(d.errors, 0);
    assert_int_equal(d.length, 60);
    peek(r, BUF(32), got, 60);
    assert_memory_equal(got, frame, 60);
    assert_int_equal(get(r, REG_RDH), 1);
    assert_true(pin(r));
    assert_int_equal(get(r, REG_ICR), ICR_RXT0);
    assert_int_equal(get(r, REG_GPRC), 1);
    assert_int_equal(get(r, REG_GORCL), 64);
    /* The packet checksum, from PCSS on. */
    assert_int_equal(d.sum, (uint16_t)~__builtin_bswap16(
                                net_csum_fold(net_csum_add(frame, 60))));
}

/* RCTL.SECRC off: four bytes more. */
static void test_check_sequence_has_its_place(void **state)
{
    struct rig *r = *state;

    start(r);
    put(r, REG_RCTL, RCTL_EN);
    incoming(r, 60);
    receive(r);
    assert_int_equal(rx_at(r, 0).length, 64);
}

static void test_a_frame_over_several_buffers_and_the_end(void **state)
{
    struct rig *r = *state;
    uint8_t *frame, got[1100];

    start(r);
    put(r, REG_RDH, RING - 2);
    put(r, REG_RDT, 6);
    put(r, REG_RCTL, RCTL_EN | RCTL_SECRC | 3u << 16); /* 256 bytes each */
    frame = incoming(r, sizeof(got));
    receive(r);
    for (unsigned i = 0; i < 5; i++) {
        const unsigned at = (RING - 2 + i) % RING;

        assert_int_equal(rx_at(r, at).status, i == 4 ? DD | EOF_ | IXSM : DD);
        assert_int_equal(rx_at(r, at).length, i == 4 ? 76 : 256);
        peek(r, BUF(32 + at), got + 256 * i, rx_at(r, at).length);
    }
    assert_memory_equal(got, frame, sizeof(got));
    assert_int_equal(get(r, REG_RDH), 3);
}

static void test_buffer_sizes(void **state)
{
    struct rig *r = *state;
    static const uint16_t sizes[] = {2048, 1024,  512,  256,
                                     2048, 16384, 8192, 4096};

    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        const uint32_t bsex = i & 4 ? RCTL_BSEX : 0;
        const unsigned n = (9000u + sizes[i] - 1) / sizes[i];

        put(r, REG_CTRL, CTRL_RST);
        start(r);
        put(r, REG_RDT, 0);
        put(r, REG_RDLEN, 64 * 16);
        for (unsigned k = 0; k < 64; k++)
            give(r, k, BUF(0));
        put(r, REG_RDT, 63);
        put(r, REG_RCTL,
            RCTL_EN | RCTL_SECRC | RCTL_LPE | bsex | (i & 3) << 16);
        incoming(r, 9000);
        receive(r);
        assert_int_equal(get(r, REG_RDH), n);
        assert_int_equal(rx_at(r, n - 1).length, 9000 - (n - 1) * sizes[i]);
    }
}

/* Too few descriptors: the frame waits, and those behind it. */
static void test_a_frame_waits_for_descriptors(void **state)
{
    struct rig *r = *state;

    start(r);
    put(r, REG_RDT, 2);
    put(r, REG_RCTL, RCTL_EN | RCTL_SECRC | 3u << 16);
    incoming(r, 700);
    incoming(r, 60);
    receive(r);
    assert_int_equal(get(r, REG_RDH), 0);
    assert_int_equal(r->net->count, 1);
    put(r, REG_RDT, 5);
    turns(r);
    assert_int_equal(get(r, REG_RDH), 4);
    assert_int_equal(rx_at(r, 2).length, 700 - 512);
    assert_int_equal(rx_at(r, 3).length, 60);
}

/* Nobody reads while there is no descriptor, or receiving is off. */
static void test_the_host_keeps_what_nobody_takes(void **state)
{
    struct rig *r = *state;

    start(r);
    put(r, REG_RDT, 0);
    turns(r);
    r->net->reads = 0;
    incoming(r, 60);
    receive(r);
    put(r, REG_RCTL, 0);
    put(r, REG_RDT, 5);
    receive(r);
    assert_int_equal(r->net->reads, 0);
    put(r, REG_RCTL, RCTL_EN | RCTL_SECRC);
    turns(r);
    assert_int_equal(rx_at(r, 0).length, 60);
}

static void test_length_limits(void **state)
{
    struct rig *r = *state;

    start(r);
    incoming(r, 1518);
    incoming(r, 1519);
    receive(r);
    assert_int_equal(get(r, REG_RDH), 1);
    assert_int_equal(get(r, REG_ROC), 1);
    put(r, REG_RCTL, RCTL_EN | RCTL_SECRC | RCTL_LPE);
    incoming(r, 1519);
    incoming(r, 16381);
    receive(r);
    assert_int_equal(get(r, REG_RDH), 2);
    assert_int_equal(get(r, REG_ROC), 1);
}

/* RDMTS: half, quarter, eighth of 16 descriptors. */
static void test_minimum_threshold(void **state)
{
    struct rig *r = *state;

    for (unsigned k = 0; k < 3; k++) {
        const unsigned left = 8u >> k;

        put(r, REG_CTRL, CTRL_RST);
        start(r);
        put(r, REG_RCTL, RCTL_EN | RCTL_SECRC | k << 8);
        for (unsigned i = 0; i < 15 - left; i++) {
            assert_false(get(r, REG_ICR) & ICR_RXDMT0);
            incoming(r, 60);
            receive(r);
        }
        assert_true(get(r, REG_ICR) & ICR_RXDMT0);
    }
}

static void test_small_frames_are_told(void **state)
{
    struct rig *r = *state;

    start(r);
    put(r, REG_RSRPD, 100);
    incoming(r, 97);
    receive(r);
    assert_int_equal(get(r, REG_ICR), ICR_RXT0);
    incoming(r, 96);
    receive(r);
    assert_int_equal(get(r, REG_ICR), ICR_RXT0 | ICR_SRPD);
}

/* ---- filters (10.1) ---- */

/* Does a frame to this address come through? */
static bool passes(struct rig *r, const uint8_t *to)
{
    const uint32_t head = get(r, REG_RDH);
    uint8_t *frame = incoming(r, 60);
    bool passed;

    memcpy(frame, to, 6);
    receive(r);
    passed = get(r, REG_RDH) != head;
    put(r, REG_RDT, (get(r, REG_RDH) + RING - 1) % RING);
    return passed;
}

static void test_filters(void **state)
{
    struct rig *r = *state;
    static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t other[6] = {2, 1, 1, 1, 1, 1};
    static const uint8_t group[6] = {1, 0, 0x5e, 0, 0x12, 0x34};
    const uint32_t on = RCTL_EN | RCTL_SECRC;

    start(r);
    put(r, REG_RCTL, on);
    assert_true(passes(r, r->net->info.mac));
    assert_false(passes(r, all));
    assert_false(passes(r, other));
    assert_false(passes(r, group));
    put(r, REG_RCTL, on | RCTL_BAM);
    assert_true(passes(r, all));
    put(r, REG_RCTL, on | RCTL_UPE);
    assert_true(passes(r, other));
    assert_false(passes(r, group));
    put(r, REG_RCTL, on | RCTL_MPE);
    assert_false(passes(r, other));
    assert_true(passes(r, group));
    put(r, REG_RCTL, on);
    /* The last entry of the table, valid and not. */
    put(r, REG_RAL + 8 * 15, 0x01010102);
    put(r, REG_RAH + 8 * 15, 0x0101);
    assert_false(passes(r, other));
    put(r, REG_RAH + 8 * 15, RAH_AV | 0x0101);
    assert_true(passes(r, other));
    put(r, REG_RAH, 0);
    assert_false(passes(r, r->net->info.mac));
}

/* MO: bits 47:36, 46:35, 45:34 or 43:32 of the address. */
static void test_hashes(void **state)
{
    struct rig *r = *state;
    static const uint8_t group[6] = {1, 0, 0x5e, 0, 0x12, 0x34};
    static const unsigned bits[] = {0x341, 0x682, 0xd04, 0x412};

    start(r);
    for (unsigned mo = 0; mo < 4; mo++) {
        const unsigned at = REG_MTA + 4 * (bits[mo] / 32);
        const unsigned index = (get(r, REG_RDH)) % RING;

        put(r, REG_RCTL, RCTL_EN | RCTL_SECRC | mo << 12);
        put(r, at, ~(1u << bits[mo] % 32));
        assert_false(passes(r, group));
        put(r, at, 1u << bits[mo] % 32);
        assert_true(passes(r, group));
        assert_true(rx_at(r, index).status & PIF);
        put(r, at, 0);
    }
}

/* ---- tags (chapter 9) ---- */

static uint8_t *tagged(struct rig *r, unsigned tag)
{
    uint8_t *frame = incoming(r, 100);

    frame[12] = 0x81;
    frame[13] = 0;
    frame[14] = (uint8_t)(tag >> 8);
    frame[15] = (uint8_t)tag;
    return frame;
}

static void test_tag_is_stripped(void **state)
{
    struct rig *r = *state;
    uint8_t *frame, got[100];

    start(r);
    tagged(r, 0x2005);
    receive(r);
    assert_int_equal(rx_at(r, 0).length, 100);
    assert_int_equal(rx_at(r, 0).status & VP, 0);
    put(r, REG_CTRL, CTRL_SLU | CTRL_VME);
    frame = tagged(r, 0x2005);
    receive(r);
    assert_int_equal(rx_at(r, 1).length, 96);
    assert_int_equal(rx_at(r, 1).status & VP, VP);
    assert_int_equal(rx_at(r, 1).special, 0x2005);
    peek(r, BUF(33), got, 96);
    assert_memory_equal(got, frame, 12);
    assert_memory_equal(got + 12, frame + 16, 84);
    /* One without comes through as it is. */
    incoming(r, 60);
    receive(r);
    assert_int_equal(rx_at(r, 2).status & VP, 0);
    assert_int_equal(rx_at(r, 2).length, 60);
}

static void test_tags_are_filtered(void **state)
{
    struct rig *r = *state;

    start(r);
    put(r, REG_RCTL, RCTL_EN | RCTL_SECRC | RCTL_VFE);
    put(r, REG_VFTA + 4 * (0x105 / 32), 1u << 0x105 % 32);
    tagged(r, 0x2104);
    tagged(r, 0x2105);
    incoming(r, 60);
    receive(r);
    assert_int_equal(get(r, REG_RDH), 2);
    assert_int_equal(rx_at(r, 0).length, 100);
    assert_int_equal(rx_at(r, 1).length, 60);
}

/* ---- checksums (3.2.9) ---- */

static uint8_t *tcp_frame(struct rig *r, bool udp)
{
    static const uint8_t ip[] = {0x45, 0, 0,  90, 0, 1,  0,  0, 64, 6,
                                 0,    0, 10, 0,  2, 15, 10, 0, 2,  2};
    uint8_t *f = incoming(r, 110); /* six bytes too many: padding */
    uint8_t tail[4] = {0, 6, 0, 70};
    uint16_t sum;

    f[12] = 8;
    f[13] = 0;
    memcpy(f + 14, ip, sizeof(ip));
    f[23] = tail[1] = udp ? 17 : 6;
    sum = (uint16_t)~net_csum_fold(net_csum_add(f + 14, 20));
    memcpy(f + 24, &sum, 2);
    memset(f + 34 + (udp ? 6 : 16), 0, 2);
    sum = (uint16_t)~net_csum_fold(net_csum_add(f + 34, 70) +
                                   net_csum_add(f + 26, 8) +
                                   net_csum_add(tail, 4));
    memcpy(f + 34 + (udp ? 6 : 16), &sum, 2);
    return f;
}

static void test_checksums_are_looked_at(void **state)
{
    struct rig *r = *state;

    start(r);
    tcp_frame(r, false);
    receive(r);
    assert_int_equal(rx_at(r, 0).status, DD | EOF_ | IXSM);
    put(r, REG_RXCSUM, RXCSUM_IPOFL | RXCSUM_TUOFL);
    for (unsigned i = 1; i < 3; i++) {
        tcp_frame(r, i == 2);
        receive(r);
        assert_int_equal(rx_at(r, i).status, DD | EOF_ | IPCS | TCPCS);
        assert_int_equal(rx_at(r, i).errors, 0);
    }
    tcp_frame(r, false)[60]++;
    receive(r);
    assert_int_equal(rx_at(r, 3).status, DD | EOF_ | IPCS | TCPCS);
    assert_int_equal(rx_at(r, 3).errors, TCPE);
    tcp_frame(r, false)[18]++; /* its id */
    receive(r);
    assert_int_equal(rx_at(r, 4).errors, IPE);
    /* Of a fragment nothing can be said but for its header. */
    tcp_frame(r, false)[20] |= 0x20;
    receive(r);
    assert_int_equal(rx_at(r, 5).status, DD | EOF_ | IPCS);
}

/* What the host's sender left to its device is whole in the guest. */
static void test_partial_checksums_are_made_whole(void **state)
{
    struct rig *r = *state;
    struct virtio_net_hdr_v1 h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                  .csum_start = 34,
                                  .csum_offset = 16};
    const uint8_t tail[4] = {0, 6, 0, 70};
    uint8_t *f;
    uint16_t sum;

    start(r);
    put(r, REG_RXCSUM, RXCSUM_IPOFL | RXCSUM_TUOFL);
    f = tcp_frame(r, false);
    r->net->in[0].n -= 6;
    sum = net_csum_fold(net_csum_add(f + 26, 8) + net_csum_add(tail, 4));
    memcpy(f + 50, &sum, 2);
    memcpy(f - NET_HDR, &h, sizeof(h));
    receive(r);
    assert_int_equal(rx_at(r, 0).status, DD | EOF_ | IPCS | TCPCS);
    assert_int_equal(rx_at(r, 0).errors, 0);
    /* Segments of the host's are nobody's here. */
    h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
    memcpy(tcp_frame(r, false) - NET_HDR, &h, sizeof(h));
    receive(r);
    assert_int_equal(get(r, REG_RDH), 1);
    assert_int_equal(r->net->offloads, 0);
}

/* Headers that say more than there is. */
static void test_frames_that_lie(void **state)
{
    struct rig *r = *state;

    start(r);
    put(r, REG_RXCSUM, 0xff | RXCSUM_IPOFL | RXCSUM_TUOFL | RXCSUM_IPV6OF);
    for (unsigned byte = 14; byte < 40; byte++) {
        for (unsigned v = 0; v < 256; v += 5) {
            uint8_t *f = tcp_frame(r, v & 1);

            f[12] = byte & 1 ? 0x86 : 8;
            f[13] = byte & 1 ? 0xdd : 0;
            f[byte] = (uint8_t)v;
            r->net->in[r->net->first].n = NET_HDR + 14 + v % 100;
            receive(r);
            put(r, REG_RDT, (get(r, REG_RDH) + RING - 1) % RING);
        }
    }
    assert_int_equal(get(r, REG_GPRC), 26 * 52);
}

/* ---- hostile drivers ---- */

static void test_rings_that_are_none(void **state)
{
    struct rig *r = *state;
    static const struct {
        uint32_t base, high, len, head, tail;
    } rings[] = {
        {RX_RING, 0, 0, 0, 5},         {RX_RING, 0, 128, 100, 5},
        {RX_RING, 0, 128, 0, 8},       {RX_RING, 0, 128, 0, 0xffff},
        {0xfffffff0u, ~0u, 128, 1, 5}, {RAM, 0, 128, 0, 5},
    };

    start(r);
    for (size_t i = 0; i < ARRAY_LEN(rings); i++) {
        put(r, REG_RDBAL, rings[i].base);
        put(r, REG_RDBAH, rings[i].high);
        put(r, REG_RDLEN, rings[i].len);
        put(r, REG_RDH, rings[i].head);
        put(r, REG_RDT, rings[i].tail);
        incoming(r, 60);
        receive(r);
        assert_int_equal(get(r, REG_RDH), rings[i].head);
    }
    put(r, REG_RDBAH, 0);
    put(r, REG_RDH, 0);
    start(r);
    incoming(r, 60);
    receive(r);
    assert_true(rx_at(r, 0).status & DD);
}

/* A frame longer than the whole ring; buffers that are no RAM. */
static void test_frames_without_room(void **state)
{
    struct rig *r = *state;

    start(r);
    put(r, REG_RDT, 0);
    put(r, REG_RDLEN, 128);
    put(r, REG_RDT, 7);
    put(r, REG_RCTL, RCTL_EN | RCTL_SECRC | RCTL_LPE | 3u << 16);
    incoming(r, 4000);
    receive(r);
    assert_int_equal(get(r, REG_RDH), 0);
    assert_int_equal(r->net->dropped_rx, 1);
    assert_int_equal(get(r, REG_RNBC), 1);
    give(r, 0, RAM - 8);
    give(r, 1, 0);
    incoming(r, 60);
    incoming(r, 60);
    receive(r);
    assert_true(rx_at(r, 0).status & DD);
    assert_true(rx_at(r, 1).status & DD);
    assert_int_equal(get(r, REG_RDH), 2);
}

static void test_reset_forgets_a_frame(void **state)
{
    struct rig *r = *state;

    start(r);
    put(r, REG_RDT, 1);
    put(r, REG_RCTL, RCTL_EN | RCTL_SECRC | 3u << 16);
    incoming(r, 700);
    receive(r);
    put(r, REG_CTRL, CTRL_RST);
    start(r);
    incoming(r, 60);
    receive(r);
    assert_int_equal(rx_at(r, 0).length, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_frame_comes_in),
        TEST(test_check_sequence_has_its_place),
        TEST(test_a_frame_over_several_buffers_and_the_end),
        TEST(test_buffer_sizes),
        TEST(test_a_frame_waits_for_descriptors),
        TEST(test_the_host_keeps_what_nobody_takes),
        TEST(test_length_limits),
        TEST(test_minimum_threshold),
        TEST(test_small_frames_are_told),
        TEST(test_filters),
        TEST(test_hashes),
        TEST(test_tag_is_stripped),
        TEST(test_tags_are_filtered),
        TEST(test_checksums_are_looked_at),
        TEST(test_partial_checksums_are_made_whole),
        TEST(test_frames_that_lie),
        TEST(test_rings_that_are_none),
        TEST(test_frames_without_room),
        TEST(test_reset_forgets_a_frame),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
