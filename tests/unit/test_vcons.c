// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The console device with one port: bytes both ways at the reader's and the
 * guest's own pace, the terminal's size, and resets in the middle.
 */
#include "vcons_rig.h"

/* ---- bytes ---- */

static void output_reaches_the_reader(void **state)
{
    struct rig *r = *state;

    drive(&r->m, F_MUST, 2, RX_SIZE);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_DEVICE_ID), 3);
    print(r, TX, "hello\n");
    assert_out(&r->chrs[0], "hello\n");
    assert_int_equal(taken(r, TX, 0), 0);
    assert_int_equal(interrupts(&r->m), 1);
}

static void output_of_many_pieces(void **state)
{
    struct rig *r = *state;
    struct ring *ring = &r->m.rings[TX];

    drive(&r->m, F_MUST, 2, RX_SIZE);
    memcpy(guest(r, DATA), "onetwothree", 11);
    ring_desc(ring, 0, DATA, 3, NEXT, 1);
    ring_desc(ring, 1, DATA + 3, 3, NEXT, 2);
    ring_desc(ring, 2, DATA + 6, 0, NEXT, 3);
    ring_desc(ring, 3, DATA + 6, 5, 0, 0);
    ring_offer(ring, 0);
    go_on(r, TX);
    assert_out(&r->chrs[0], "onetwothree");
}

/* The reader takes a little at a time; the chain waits, in order. */
static void a_slow_reader(void **state)
{
    struct rig *r = *state;
    struct chr *c = &r->chrs[0];

    drive(&r->m, F_MUST, 2, RX_SIZE);
    c->room = 4;
    memcpy(guest(r, DATA), "0123456789abc", 13);
    offer(r, TX, 0, DATA, 10);
    offer(r, TX, 1, DATA + 10, 3);
    go_on(r, TX);
    assert_out(c, "0123");
    assert_false(is_taken(r, TX));
    fake_drain(c, 5);
    spin(&r->m);
    assert_out(c, "012345678");
    assert_false(is_taken(r, TX));
    fake_drain(c, 1);
    spin(&r->m);
    assert_out(c, "0123456789");
    assert_int_equal(taken(r, TX, 0), 0);
    fake_drain(c, 100);
    spin(&r->m);
    assert_out(c, "0123456789abc");
    assert_int_equal(taken(r, TX, 1), 0);
    print(r, TX, "!");
    assert_out(c, "0123456789abc!");
}

/* More than a turn's worth, in order and to the end. */
static void megabytes_of_output(void **state)
{
    struct rig *r = *state;
    struct chr *c = &r->chrs[0];

    drive(&r->m, F_MUST, 2, RX_SIZE);
    c->room = SIZE_MAX;
    for (size_t i = 0; i < MIB; i++)
        *guest(r, DATA + i) = (unsigned char)(i % 251);
    offer(r, TX, 0, DATA, (uint32_t)MIB);
    go_on(r, TX);
    spin(&r->m);
    assert_int_equal(c->n_out, MIB);
    for (size_t i = MIB - FAKE_OUT; i < MIB; i++)
        assert_int_equal(c->out[i % FAKE_OUT], i % 251);
    assert_int_equal(taken(r, TX, 0), 0);
}

static void input_waits_for_buffers(void **state)
{
    struct rig *r = *state;
    struct chr *c = &r->chrs[0];

    drive(&r->m, F_MUST, 2, RX_SIZE);
    fake_type(c, "abcdefgh", 8);
    spin(&r->m);
    assert_int_equal(chr_pending(c), 8);
    offer(r, RX, 0, DATA, 3);
    offer(r, RX, 1, DATA + 0x100, 0); /* of no use */
    offer(r, RX, 2, DATA + 0x200, 64);
    go_on(r, RX);
    assert_int_equal(taken(r, RX, 0), 3);
    assert_memory_equal(guest(r, DATA), "abc", 3);
    assert_int_equal(taken(r, RX, 1), 0);
    assert_int_equal(taken(r, RX, 2), 5);
    assert_memory_equal(guest(r, DATA + 0x200), "defgh", 5);
    /* A buffer is not taken before there is something for it. */
    offer(r, RX, 3, DATA + 0x300, 64);
    go_on(r, RX);
    assert_false(is_taken(r, RX));
    fake_type(c, "\r", 1);
    spin(&r->m);
    assert_int_equal(taken(r, RX, 3), 1);
    assert_int_equal(*guest(r, DATA + 0x300), '\r');
}

static void input_in_front_of_the_driver(void **state)
{
    struct rig *r = *state;

    fake_type(&r->chrs[0], "early", 5);
    negotiate(&r->m, F_MUST);
    make_ring(&r->m, RX, RX_SIZE);
    set_queue(&r->m, RX, &r->m.rings[RX].cfg);
    wr(&r->m, VIRTIO_MMIO_QUEUE_READY, 1);
    offer(r, RX, 0, DATA, 64);
    wr(&r->m, VIRTIO_MMIO_STATUS, S_LIVE);
    spin(&r->m);
    assert_int_equal(taken(r, RX, 0), 5);
}

/* What was written is not written again, what waits is given back. */
static void reset_in_the_middle_of_a_chain(void **state)
{
    struct rig *r = *state;
    struct chr *c = &r->chrs[0];

    drive(&r->m, F_MUST, 2, RX_SIZE);
    c->room = 2;
    print(r, TX, "hello");
    assert_out(c, "he");
    drive(&r->m, F_MUST, 2, RX_SIZE);
    fake_drain(c, 100);
    spin(&r->m);
    assert_out(c, "he");
    print(r, TX, "new");
    assert_out(c, "henew");
}

static void one_queue_is_reset_alone(void **state)
{
    struct rig *r = *state;
    struct chr *c = &r->chrs[0];

    drive(&r->m, F_MUST | BIT(VIRTIO_F_RING_RESET), 2, RX_SIZE);
    c->room = 2;
    print(r, TX, "hello");
    wr(&r->m, VIRTIO_MMIO_QUEUE_SEL, RX);
    wr(&r->m, REG_QUEUE_RESET, 1);
    spin(&r->m);
    fake_drain(c, 100);
    spin(&r->m);
    assert_out(c, "hello");
    c->room = 1;
    print(r, TX, "xy");
    wr(&r->m, VIRTIO_MMIO_QUEUE_SEL, TX);
    wr(&r->m, REG_QUEUE_RESET, 1);
    spin(&r->m);
    fake_drain(c, 100);
    spin(&r->m);
    assert_out(c, "hellox");
}

static void emergency_write(void **state)
{
    struct rig *r = *state;
    const unsigned at =
        VIRTIO_MMIO_CONFIG + offsetof(struct virtio_console_config, emerg_wr);

    wr(&r->m, at, '!'); /* no driver yet */
    drive(&r->m, F_MUST | BIT(VIRTIO_CONSOLE_F_EMERG_WRITE), 2, RX_SIZE);
    wr(&r->m, at, '?' | 0x4100);
    assert_out(&r->chrs[0], "!?");
    wr(&r->m, VIRTIO_MMIO_CONFIG, 7);
    assert_out(&r->chrs[0], "!?");
}

/* ---- size ---- */

static void size_in_the_configuration(void **state)
{
    struct rig *r = *state;
    uint16_t size[2];
    uint32_t generation;

    vcons_resize(r->dev, 80, 25);
    assert_int_equal(interrupts(&r->m), 0);
    drive(&r->m, F_MUST | F_SIZE, 2, RX_SIZE);
    reg_get(&r->m, VIRTIO_MMIO_CONFIG, size, sizeof(size));
    assert_int_equal(size[0], 80);
    assert_int_equal(size[1], 25);
    generation = rd(&r->m, VIRTIO_MMIO_CONFIG_GENERATION);
    vcons_resize(r->dev, 132, 43);
    spin(&r->m);
    assert_int_equal(interrupts(&r->m), 1);
    assert_int_not_equal(rd(&r->m, VIRTIO_MMIO_CONFIG_GENERATION), generation);
    reg_get(&r->m, VIRTIO_MMIO_CONFIG, size, sizeof(size));
    assert_int_equal(size[0], 132);
    vcons_resize(r->dev, 132, 43);
    spin(&r->m);
    assert_int_equal(interrupts(&r->m), 0);
}

/* hostile case 33 */
static void a_flood_of_empty_chains(void **state)
{
    struct rig *r = *state;

    drive(&r->m, F_MUST, 2, TX_SIZE / 4);
    r->chrs[0].room = SIZE_MAX;
    for (unsigned round = 0; round < 50; round++) {
        for (uint16_t i = 0; i < TX_SIZE / 4; i++)
            offer(r, TX, i, DATA, 0);
        go_on(r, TX);
    }
    assert_int_equal(ring_used_idx(&r->m.rings[TX]), 50 * TX_SIZE / 4);
    assert_out(&r->chrs[0], "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(output_reaches_the_reader),
        TEST(output_of_many_pieces),
        TEST(a_slow_reader),
        TEST(megabytes_of_output),
        TEST(input_waits_for_buffers),
        TEST(input_in_front_of_the_driver),
        TEST(reset_in_the_middle_of_a_chain),
        TEST(one_queue_is_reset_alone),
        TEST(emergency_write),
        TEST(size_in_the_configuration),
        TEST(a_flood_of_empty_chains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
