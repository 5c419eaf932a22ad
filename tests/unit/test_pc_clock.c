// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The deadlines of a PC's chips on a real loop: called once each has passed,
 * in time, also after a later one was waited for, and not after the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pc_clock.h"
#include "vmm/loop.h"

#define MS 1000000ull

struct chip {
    struct chip_clock clock;
    unsigned ticks;
    uint64_t period; /* to arm anew, or 0 */
    uint64_t last;
};

struct rig {
    struct loop *loop;
    struct pc_clock *clock;
    struct chip a, b;
    struct loop_op limit;
};

static struct rig rig;

static void tick(void *ctx)
{
    struct chip *c = ctx;

    c->ticks++;
    c->last = c->clock.now(c->clock.ctx);
    if (c->period)
        c->clock.arm(c->clock.ctx, c->last + c->period);
}

static void on_limit(struct loop_op *op, int res)
{
    (void)op;
    (void)res;
    loop_stop(rig.loop, 0);
}

static void run_for(uint64_t ns)
{
    rig.limit = (struct loop_op){.fn = on_limit, .owner = &rig};
    loop_timer(rig.loop, &rig.limit, ns);
    assert_int_equal(loop_run(rig.loop), 0);
}

static void make_chip(struct chip *c)
{
    c->clock = pc_clock_alarm(rig.clock, tick);
    pc_clock_own(rig.clock, c);
}

static int setup(void **state)
{
    (void)state;
    rig = (struct rig){0};
    assert_int_equal(loop_create(&rig.loop, NULL), 0);
    rig.clock = pc_clock_create(rig.loop);
    assert_non_null(rig.clock);
    make_chip(&rig.a);
    make_chip(&rig.b);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pc_clock_destroy(rig.clock);
    loop_destroy(rig.loop);
    return 0;
}

static uint64_t now(void)
{
    return rig.a.clock.now(rig.a.clock.ctx);
}

static void arm(struct chip *c, uint64_t deadline)
{
    c->clock.arm(c->clock.ctx, deadline);
}

static void a_deadline_passes(void **state)
{
    const uint64_t at = now() + 5 * MS;

    (void)state;
    arm(&rig.a, at);
    run_for(60 * MS);
    assert_int_equal(rig.a.ticks, 1);
    assert_true(rig.a.last >= at);
    assert_int_equal(rig.b.ticks, 0);
}

/* What is waited for already is later. */
static void a_sooner_one_overtakes(void **state)
{
    const uint64_t begin = now();

    (void)state;
    arm(&rig.a, begin + 3000 * MS);
    run_for(1 * MS);
    arm(&rig.b, now() + 5 * MS);
    run_for(100 * MS);
    assert_int_equal(rig.a.ticks, 0);
    assert_int_equal(rig.b.ticks, 1);
    /* And sooner than it was meant to be. */
    arm(&rig.a, now() + MS);
    run_for(100 * MS);
    assert_int_equal(rig.a.ticks, 1);
}

static void one_that_is_put_off(void **state)
{
    (void)state;
    arm(&rig.a, now() + 5 * MS);
    run_for(1 * MS);
    arm(&rig.a, CLOCK_NEVER);
    run_for(30 * MS);
    assert_int_equal(rig.a.ticks, 0);
}

static void a_period_goes_on(void **state)
{
    (void)state;
    rig.a.period = 2 * MS;
    rig.b.period = 5 * MS;
    arm(&rig.a, now());
    arm(&rig.b, now());
    run_for(100 * MS);
    assert_in_range(rig.a.ticks, 5, 51);
    assert_in_range(rig.b.ticks, 3, 21);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_deadline_passes),
        TEST(a_sooner_one_overtakes),
        TEST(one_that_is_put_off),
        TEST(a_period_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
