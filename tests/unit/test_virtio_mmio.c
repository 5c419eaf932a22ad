// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mmio transport and the status machine, by a driver that works on
 * registers. Numbers are those of the hostile cases.
 */
#include "toy_rig.h"

/* ---- by the rules ---- */

static void whole_sequence(void **state)
{
    struct rig *r = *state;
    struct mmio_rig *m = &r->m;

    assert_int_equal(rd(m, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
    assert_int_equal(rd(m, VIRTIO_MMIO_VERSION), 2);
    assert_int_equal(rd(m, VIRTIO_MMIO_DEVICE_ID), 42);
    assert_int_equal(rd(m, VIRTIO_MMIO_VENDOR_ID), 0x314d4d56);
    assert_int_equal(offered(m), F_ALL);
    wr(m, VIRTIO_MMIO_QUEUE_SEL, 1);
    assert_int_equal(rd(m, VIRTIO_MMIO_QUEUE_NUM_MAX), SIZE);
    assert_int_equal(rd(m, VIRTIO_MMIO_QUEUE_READY), 0);
    drive(m, F_ALL, 2, SIZE);
    assert_int_equal(r->toy.starts, 1);
    assert_true(r->toy.features == F_ALL);
    assert_works(m, 0);
    assert_int_equal(interrupts(m), 1);
    assert_int_equal(rd(m, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
    wr(m, VIRTIO_MMIO_INTERRUPT_ACK, 1);
    assert_int_equal(rd(m, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

static void kick_registers_are_bound(void **state)
{
    struct rig *r = *state;
    const struct kick_note *n = r->m.notes;

    assert_int_equal(r->m.n_notes, 2);
    for (unsigned q = 0; q < 2; q++) {
        assert_int_equal(n[q].reg.space, SPACE_MMIO);
        assert_int_equal(n[q].reg.addr, BASE + VIRTIO_MMIO_QUEUE_NOTIFY);
        assert_int_equal(n[q].reg.len, 4);
        assert_true(n[q].reg.match);
        assert_int_equal(n[q].reg.value, q);
    }
}

/* A kick that came as an exit; and chains from before DRIVER_OK. */
static void kicks_by_exit_and_none(void **state)
{
    struct rig *r = *state;
    struct mmio_rig *m = &r->m;

    negotiate(m, F_ALL);
    make_ring(m, 0, SIZE);
    set_queue(m, 0, &m->rings[0].cfg);
    wr(m, VIRTIO_MMIO_QUEUE_READY, 1);
    offer(m, 0, 2);
    wr(m, VIRTIO_MMIO_STATUS, S_LIVE);
    spin(m);
    assert_int_equal(ring_used_idx(&m->rings[0]), 1);
    offer(m, 0, 3);
    wr(m, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    spin(m);
    assert_int_equal(ring_used_idx(&m->rings[0]), 2);
}

/* The eventfd is never read, and still each signal is heard. */
static void each_kick_is_heard(void **state)
{
    struct rig *r = *state;

    drive(&r->m, F_ALL, 2, SIZE);
    r->toy.kicks[0] = 0;
    for (unsigned i = 1; i <= 5; i++) {
        kick(&r->m, 0);
        spin(&r->m);
        assert_int_equal(r->toy.kicks[0], i);
    }
}

static void one_interrupt_for_both_queues(void **state)
{
    struct rig *r = *state;
    struct mmio_rig *m = &r->m;

    drive(m, F_BASE, 2, SIZE);
    offer(m, 0, 1);
    offer(m, 1, 1);
    kick(m, 0);
    kick(m, 1);
    spin(m);
    assert_int_equal(ring_used_idx(&m->rings[0]), 1);
    assert_int_equal(ring_used_idx(&m->rings[1]), 1);
    assert_int_equal(interrupts(m), 1);
}

/* 22 */
static void configuration(void **state)
{
    struct rig *r = *state;
    struct mmio_rig *m = &r->m;
    uint8_t bytes[8];

    memcpy(r->toy.config, "abcdefgh", 8);
    reg_get(m, VIRTIO_MMIO_CONFIG + 3, bytes, 1);
    assert_int_equal(bytes[0], 'd');
    reg_get(m, VIRTIO_MMIO_CONFIG, bytes, 8);
    assert_memory_equal(bytes, "abcdefgh", 8);
    reg_put(m, VIRTIO_MMIO_CONFIG + 6, "XY", 2);
    assert_memory_equal(r->toy.config, "abcdefXY", 8);
    /* Beyond, and across the end. */
    reg_get(m, VIRTIO_MMIO_CONFIG + 6, bytes, 4);
    assert_memory_equal(bytes, "\xff\xff\xff\xff", 4);
    reg_get(m, 0xffc, bytes, 4);
    assert_memory_equal(bytes, "\xff\xff\xff\xff", 4);
    reg_put(m, VIRTIO_MMIO_CONFIG + 7, "ZZ", 2);
    reg_put(m, VIRTIO_MMIO_CONFIG + 8, "Z", 1);
    assert_memory_equal(r->toy.config, "abcdefXY", 8);
}

static void configuration_changes(void **state)
{
    struct rig *r = *state;
    struct mmio_rig *m = &r->m;
    const uint32_t before = rd(m, VIRTIO_MMIO_CONFIG_GENERATION);

    virtio_config_changed(r->toy.v);
    spin(m);
    assert_int_equal(interrupts(m), 0); /* nobody is there yet */
    drive(m, F_ALL, 2, SIZE);
    virtio_config_changed(r->toy.v);
    spin(m);
    assert_int_equal(rd(m, VIRTIO_MMIO_CONFIG_GENERATION), before + 2);
    assert_int_equal(rd(m, VIRTIO_MMIO_INTERRUPT_STATUS), 2);
    assert_int_equal(interrupts(m), 1);
}

/* ---- hostile ---- */

static void kicks_out_of_season(void **state) /* 13 */
{
    struct rig *r = *state;
    struct mmio_rig *m = &r->m;

    kick(m, 0);
    wr(m, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
    wr(m, VIRTIO_MMIO_QUEUE_NOTIFY, 0xffff);
    wr(m, VIRTIO_MMIO_QUEUE_NOTIFY, UINT32_MAX);
    spin(m);
    negotiate(m, F_ALL);
    kick(m, 0);
    spin(m);
    assert_int_equal(r->toy.kicks[0] + r->toy.kicks[1], 0);
    drive(m, F_ALL, 1, SIZE);
    r->toy.kicks[0] = 0;
    kick(m, 1); /* not enabled */
    spin(m);
    wr(m, VIRTIO_MMIO_STATUS, S_LIVE | VIRTIO_CONFIG_S_FAILED);
    kick(m, 0);
    spin(m);
    wr(m, VIRTIO_MMIO_STATUS, 0);
    spin(m);
    kick(m, 0);
    spin(m);
    assert_int_equal(r->toy.kicks[0] + r->toy.kicks[1], 0);
}

static void setup_after_driver_ok(void **state) /* 14 */
{
    static const struct virtq_config evil = {
        0xffff, {1}, {0xfee00000}, {UINT64_MAX}};
    struct rig *r = *state;
    struct mmio_rig *m = &r->m;

    drive(m, F_BASE, 1, SIZE);
    set_queue(m, 0, &evil);
    wr(m, VIRTIO_MMIO_QUEUE_READY, 1);
    set_queue(m, 1, &evil);
    wr(m, VIRTIO_MMIO_QUEUE_READY, 1);
    assert_int_equal(rd(m, VIRTIO_MMIO_QUEUE_READY), 0);
    wr(m, VIRTIO_MMIO_QUEUE_SEL, 0);
    wr(m, REG_QUEUE_RESET, 1); /* not negotiated */
    accept_features(m, F_ALL);
    wr(m, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    spin(m);
    assert_int_equal(rd(m, VIRTIO_MMIO_STATUS), S_LIVE);
    assert_false(virtio_has(r->toy.v, VIRTIO_RING_F_EVENT_IDX));
    assert_works(m, 0);
}

static void setup_of_an_enabled_queue(void **state) /* 14 */
{
    static const struct virtq_config evil = {3, {1}, {1}, {1}};
    struct rig *r = *state;
    struct mmio_rig *m = &r->m;

    negotiate(m, F_ALL);
    make_ring(m, 0, SIZE);
    set_queue(m, 0, &m->rings[0].cfg);
    wr(m, VIRTIO_MMIO_QUEUE_READY, 1);
    set_queue(m, 0, &evil);
    wr(m, VIRTIO_MMIO_STATUS, S_LIVE);
    spin(m);
    assert_false(needs_reset(m));
    assert_works(m, 0);
}

static void bad_queues(void **state) /* 15 */
{
    static const struct virtq_config bad[] = {
        {0, {0x10000}, {0x20000}, {0x30000}},
        {3, {0x10000}, {0x20000}, {0x30000}},
        {SIZE * 2, {0x10000}, {0x20000}, {0x30000}},
        {SIZE, {0x10004}, {0x20000}, {0x30000}},
        {SIZE, {0x10000}, {0x20001}, {0x30000}},
        {SIZE, {0x10000}, {0x20000}, {0x30002}},
        {SIZE, {RAM}, {0x20000}, {0x30000}},
        {SIZE, {0x10000}, {RAM - 8}, {0x30000}},
        {SIZE, {0x10000}, {0x20000}, {0xffffffff00000000}},
    };
    struct rig *r = *state;
    struct mmio_rig *m = &r->m;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        negotiate(m, F_ALL);
        set_queue(m, 0, &bad[i]);
        wr(m, VIRTIO_MMIO_QUEUE_READY, 1);
        wr(m, VIRTIO_MMIO_STATUS, S_LIVE);
        spin(m);
        assert_true(needs_reset(m));
        assert_int_equal(interrupts(m), 1);
        assert_int_equal(rd(m, VIRTIO_MMIO_INTERRUPT_STATUS), 2);
        kick(m, 0);
        spin(m);
        assert_int_equal(r->toy.kicks[0], 0);
    }
    assert_int_equal(r->toy.starts, 0);
    drive(m, F_ALL, 2, SIZE);
    assert_works(m, 0);
}

static void no_queue_at_all(void **state) /* 15 */
{
    struct rig *r = *state;

    drive(&r->m, F_ALL, 0, SIZE);
    kick(&r->m, 0);
    spin(&r->m);
    assert_int_equal(r->toy.kicks[0], 0);
    assert_false(needs_reset(&r->m));
}

static void broken_ring_until_reset(void **state)
{
    struct rig *r = *state;
    struct mmio_rig *m = &r->m;
    unsigned kicks;

    drive(m, F_ALL, 2, SIZE);
    *ring_avail_idx(&m->rings[0]) = 0x8000;
    kick(m, 0);
    spin(m);
    assert_true(needs_reset(m));
    assert_int_equal(interrupts(m), 1);
    kicks = r->toy.kicks[1];
    offer(m, 1, 0);
    kick(m, 1);
    spin(m);
    assert_int_equal(r->toy.kicks[1], kicks);
    assert_int_equal(ring_used_idx(&m->rings[1]), 0);
    /* It cannot be talked out of it. */
    wr(m, VIRTIO_MMIO_STATUS, S_LIVE);
    assert_true(needs_reset(m));
    drive(m, F_ALL, 2, SIZE);
    assert_works(m, 0);
    assert_works(m, 1);
}

static void wrong_features(void **state) /* 17 */
{
    struct rig *r = *state;
    struct mmio_rig *m = &r->m;

    negotiate(m, F_ALL | BIT(5));
    assert_int_equal(rd(m, VIRTIO_MMIO_STATUS), S_DRIVER);
    negotiate(m, F_ALL | BIT(63));
    assert_int_equal(rd(m, VIRTIO_MMIO_STATUS), S_DRIVER);
    negotiate(m, F_TOY);
    assert_int_equal(rd(m, VIRTIO_MMIO_STATUS), S_DRIVER);
    /* Skipped. */
    wr(m, VIRTIO_MMIO_STATUS, S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK);
    spin(m);
    assert_true(needs_reset(m));
    assert_int_equal(r->toy.starts, 0);
    /* Bits above 63 are nobody's. */
    wr(m, VIRTIO_MMIO_STATUS, 0);
    wr(m, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
    wr(m, VIRTIO_MMIO_DRIVER_FEATURES, 1);
    accept_features(m, F_ALL);
    wr(m, VIRTIO_MMIO_STATUS, S_READY);
    assert_int_equal(rd(m, VIRTIO_MMIO_STATUS), S_DRIVER);
    /* Changed later. */
    negotiate(m, F_BASE);
    accept_features(m, F_ALL);
    assert_false(virtio_has(r->toy.v, VIRTIO_F_RING_RESET));
    assert_int_equal(rd(m, VIRTIO_MMIO_STATUS), S_READY);
}

static void odd_accesses(void **state) /* 21 */
{
    static const unsigned undefined[] = {0x28, 0x3c, 0x40, 0x48, 0x54,
                                         0x78, 0x88, 0xb0, 0xb4, 0xb8,
                                         0xbc, 0xc4, 0xf8};
    struct rig *r = *state;
    struct mmio_rig *m = &r->m;
    uint64_t wide = 0;

    for (size_t i = 0; i < ARRAY_LEN(undefined); i++) {
        assert_int_equal(rd(m, undefined[i]), UINT32_MAX);
        wr(m, undefined[i], 1);
    }
    for (unsigned off = 0; off < VIRTIO_MMIO_CONFIG; off++) {
        uint16_t half = 0;
        uint8_t byte = 0;

        reg_get(m, off, &byte, 1);
        assert_int_equal(byte, 0xff);
        reg_get(m, off, &half, 2);
        assert_int_equal(half, 0xffff);
        reg_put(m, off, &byte, 1);
        reg_put(m, off, &half, 2);
        if (off % 4)
            assert_int_equal(rd(m, off), UINT32_MAX);
    }
    reg_get(m, VIRTIO_MMIO_MAGIC_VALUE, &wide, 8);
    assert_true(wide == UINT64_MAX);
    wr(m, VIRTIO_MMIO_QUEUE_SEL, 2);
    assert_int_equal(rd(m, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
    wr(m, VIRTIO_MMIO_QUEUE_NUM, 4);
    wr(m, VIRTIO_MMIO_QUEUE_READY, 1);
    wr(m, REG_QUEUE_RESET, 1);
    assert_int_equal(rd(m, VIRTIO_MMIO_QUEUE_READY), 0);
    wr(m, VIRTIO_MMIO_QUEUE_SEL, UINT32_MAX);
    wr(m, VIRTIO_MMIO_QUEUE_DESC_HIGH, 1);
    assert_int_equal(rd(m, VIRTIO_MMIO_QUEUE_READY), 0);
    drive(m, F_ALL, 2, SIZE);
    assert_works(m, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_sequence),
        TEST(kick_registers_are_bound),
        TEST(kicks_by_exit_and_none),
        TEST(each_kick_is_heard),
        TEST(one_interrupt_for_both_queues),
        TEST(configuration),
        TEST(configuration_changes),
        TEST(kicks_out_of_season),
        TEST(setup_after_driver_ok),
        TEST(setup_of_an_enabled_queue),
        TEST(bad_queues),
        TEST(no_queue_at_all),
        TEST(broken_ring_until_reset),
        TEST(wrong_features),
        TEST(odd_accesses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
