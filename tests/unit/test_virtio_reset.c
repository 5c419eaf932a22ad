// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Resets of a device or a queue with something in flight (hostile case 16),
 * also from vCPU threads while the loop runs, or does not any more.
 */
#include "toy_rig.h"
#include "vcpu_threads.h"

static void queue_reset(void **state)
{
    struct rig *r = *state;
    struct mmio_rig *m = &r->m;

    drive(m, F_ALL, 2, SIZE);
    r->toy.hold = true;
    offer(m, 0, 1);
    kick(m, 0);
    spin(m);
    assert_int_equal(r->toy.n_held, 1);
    wr(m, VIRTIO_MMIO_QUEUE_SEL, 0);
    wr(m, REG_QUEUE_RESET, 1);
    assert_int_equal(rd(m, REG_QUEUE_RESET), 1);
    spin(m);
    assert_int_equal(rd(m, REG_QUEUE_RESET), 0);
    assert_int_equal(rd(m, VIRTIO_MMIO_QUEUE_READY), 0);
    assert_int_equal(r->toy.n_held, 0);
    assert_works(m, 1);
    /* Elsewhere, smaller, and it works again. */
    r->toy.hold = false;
    make_ring(m, 0, SIZE / 2);
    set_queue(m, 0, &m->rings[0].cfg);
    wr(m, VIRTIO_MMIO_QUEUE_READY, 1);
    spin(m);
    assert_works(m, 0);
    /* The old way to stop a queue; not for another set-up after DRIVER_OK
     * unless queue reset was negotiated. */
    wr(m, VIRTIO_MMIO_QUEUE_SEL, 1);
    wr(m, VIRTIO_MMIO_QUEUE_READY, 0);
    spin(m);
    assert_int_equal(rd(m, VIRTIO_MMIO_QUEUE_READY), 0);
    assert_works(m, 0);
}

static void reset_and_look(struct rig *r)
{
    must(r->toy.n_held == 1);
    wr(&r->m, VIRTIO_MMIO_STATUS, 0);
    must(rd(&r->m, VIRTIO_MMIO_STATUS) == 0);
    must(r->toy.n_held == 0);
    must(r->toy.stops == 1);
}

static void hold_one(struct rig *r)
{
    drive(&r->m, F_ALL, 2, SIZE);
    r->toy.hold = true;
    offer(&r->m, 0, 1);
    kick(&r->m, 0);
    spin(&r->m);
    assert_int_equal(r->toy.n_held, 1);
}

/* Back from the write, nothing is in flight; nothing is published. */
static void reset_waits_for_the_end(void **state)
{
    struct rig *r = *state;
    struct vcpu cpu = {.rig = r, .run = reset_and_look};

    hold_one(r);
    run_vcpus(&cpu, 1, r->m.loop, &r->m.lock);
    assert_int_equal(ring_used_idx(&r->m.rings[0]), 0);
    r->toy.hold = false;
    drive(&r->m, F_ALL, 2, SIZE);
    assert_works(&r->m, 0);
}

static void reset_only(struct rig *r)
{
    wr(&r->m, VIRTIO_MMIO_STATUS, 0);
    must(rd(&r->m, VIRTIO_MMIO_STATUS) == 0);
}

/* Two vCPUs reset at once: one stop, both come back. */
static void two_resets_at_once(void **state)
{
    struct rig *r = *state;
    struct vcpu cpus[] = {{.rig = r, .run = reset_only},
                          {.rig = r, .run = reset_only}};

    hold_one(r);
    run_vcpus(cpus, 2, r->m.loop, &r->m.lock);
    assert_int_equal(r->toy.stops, 1);
}

static void *reset_late(void *arg)
{
    struct rig *r = arg;

    wr(&r->m, VIRTIO_MMIO_STATUS, 0);
    return NULL;
}

/* The loop has ended for good: the vCPU comes back, to be joined. */
static void stop_does_not_hang_on_a_reset(void **state)
{
    struct rig *r = *state;
    pthread_t thread;

    hold_one(r);
    assert_int_equal(pthread_create(&thread, NULL, reset_late, r), 0);
    pthread_join(thread, NULL);
    assert_int_equal(r->toy.stops, 0);
    assert_int_not_equal(rd(&r->m, VIRTIO_MMIO_STATUS), 0);
}

static void many_resets(struct rig *r)
{
    for (int i = 0; i < 200; i++) {
        struct mmio_rig *m = &r->m;

        wr(m, VIRTIO_MMIO_STATUS, 0);
        must(rd(m, VIRTIO_MMIO_STATUS) == 0);
        must(r->toy.n_held == 0);
        wr(m, VIRTIO_MMIO_STATUS, S_DRIVER);
        accept_features(m, F_ALL);
        wr(m, VIRTIO_MMIO_STATUS, S_READY);
        make_ring(m, 0, SIZE);
        set_queue(m, 0, &m->rings[0].cfg);
        wr(m, VIRTIO_MMIO_QUEUE_READY, 1);
        wr(m, VIRTIO_MMIO_STATUS, S_LIVE);
        for (uint16_t head = 0; head < 8; head++) {
            offer(m, 0, head);
            must(eventfd_write(m->notes[0].fd, 1) == 0);
        }
    }
}

static void resets_in_a_row(void **state)
{
    struct rig *r = *state;
    struct vcpu cpu = {.rig = r, .run = many_resets};

    hold_one(r);
    run_vcpus(&cpu, 1, r->m.loop, &r->m.lock);
    assert_false(needs_reset(&r->m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(queue_reset),        TEST(reset_waits_for_the_end),
        TEST(two_resets_at_once), TEST(stop_does_not_hang_on_a_reset),
        TEST(resets_in_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
