// SPDX-License-Identifier: GPL-2.0-or-later
/* The entropy device: it fills what is writable, within bounds, for anyone. */
#include "mmio_rig.h"

#include "devices/virtio/vrng.h"

#include <stdlib.h>

#define F_MUST BIT(VIRTIO_F_VERSION_1)
#define SIZE   64

struct rig {
    struct mmio_rig m;
    struct vrng *rng;
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    rig_open(&r->m);
    r->rng = vrng_create(r->m.loop);
    assert_non_null(r->rng);
    rig_plug(&r->m, &vrng_ops, r->rng);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    rig_close(&r->m);
    vrng_destroy(r->rng);
    free(r);
    return 0;
}

static uint32_t ask(struct rig *r)
{
    struct vring_used_elem e;

    ring_offer(&r->m.rings[0], 0);
    kick(&r->m, 0);
    spin(&r->m);
    assert_true(ring_take(&r->m.rings[0], &e));
    assert_int_equal(e.id, 0);
    return e.len;
}

static bool is_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

static void fills_a_buffer(void **state)
{
    struct rig *r = *state;
    struct ring *ring = &r->m.rings[0];

    drive(&r->m, F_MUST, 1, SIZE);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_DEVICE_ID), 4);
    ring_desc(ring, 0, DATA, 32, NEXT | WRITABLE, 1);
    ring_desc(ring, 1, DATA + 0x100, 32, WRITABLE, 0);
    assert_int_equal(ask(r), 64);
    assert_int_equal(interrupts(&r->m), 1);
    /* Wrong once in 2^256. */
    assert_false(is_zero(ring->ram + DATA, 32));
    assert_false(is_zero(ring->ram + DATA + 0x100, 32));
    assert_true(is_zero(ring->ram + DATA + 32, 32));
}

/* One queue: any value, any width, no decoding. */
static void one_kick_register(void **state)
{
    struct rig *r = *state;

    assert_int_equal(r->m.n_notes, 1);
    assert_int_equal(r->m.notes[0].reg.len, 0);
    assert_false(r->m.notes[0].reg.match);
}

static void no_configuration(void **state)
{
    struct rig *r = *state;

    assert_int_equal(rd(&r->m, VIRTIO_MMIO_CONFIG), UINT32_MAX);
    wr(&r->m, VIRTIO_MMIO_CONFIG, 1);
}

static void huge_and_odd_buffers(void **state) /* hostile case 34 */
{
    struct rig *r = *state;
    struct ring *ring = &r->m.rings[0];

    drive(&r->m, F_MUST, 1, SIZE);
    ring_desc(ring, 0, DATA, 2 * MIB, WRITABLE, 0);
    assert_int_equal(ask(r), 4096);
    assert_true(is_zero(ring->ram + DATA + 4096, 4096));
    ring_desc(ring, 0, DATA + 0x2000, 64, 0, 0); /* not writable */
    assert_int_equal(ask(r), 0);
    assert_true(is_zero(ring->ram + DATA + 0x2000, 64));
    ring_desc(ring, 0, DATA + 0x2000, 0, WRITABLE, 0);
    assert_int_equal(ask(r), 0);
}

/* More than one turn's worth comes in the turns that follow. */
static void whole_queue_over_several_turns(void **state)
{
    struct rig *r = *state;
    struct ring *ring = &r->m.rings[0];

    drive(&r->m, F_MUST, 1, SIZE);
    for (uint16_t i = 0; i < SIZE; i++) {
        ring_desc(ring, i, DATA + i * 64u, 64, WRITABLE, 0);
        ring_offer(ring, i);
    }
    kick(&r->m, 0);
    spin(&r->m);
    assert_int_equal(ring_used_idx(ring), SIZE);
    for (uint16_t i = 0; i < SIZE; i++)
        assert_false(is_zero(ring->ram + DATA + i * 64u, 64));
    assert_true(interrupts(&r->m) > 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fills_a_buffer),
        TEST(one_kick_register),
        TEST(no_configuration),
        TEST(huge_and_odd_buffers),
        TEST(whole_queue_over_several_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
