// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The HPET against its specification: registers, the main counter, one-shot
 * and periodic timers in both widths, edges and levels, routes and legacy
 * replacement, and late calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chip_clock.h"
#include "chip_rig.h"
#include "devices/platform/hpet.h"

#include <string.h>

#define MS   1000000ull
#define TICK 10ull /* ns */
#define PINS 0x00f00000u

#define CONF    0x010u
#define STATUS  0x020u
#define MAIN    0x0f0u
#define T(n)    (0x100u + 0x20u * (n))
#define COMP(n) (T(n) + 8)

#define ON       0x1u
#define LEGACY   0x2u
#define LEVEL    0x0002u
#define ENABLE   0x0004u
#define PERIODIC 0x0008u
#define VAL_SET  0x0040u
#define NARROW   0x0100u
#define ROUTE(p) ((uint64_t)(p) << 9)

struct rig {
    struct hpet *hpet;
    struct fake_clock clock;
    bool level[34];
    unsigned rises[34];
    bool legacy;
    unsigned armed;
};

static void on_set(void *ctx, unsigned line, bool level)
{
    struct rig *r = ctx;

    assert_true(line < 34);
    r->level[line] = level;
    r->rises[line] += level;
}

static void on_legacy(void *ctx, bool on)
{
    ((struct rig *)ctx)->legacy = on;
}

static int setup(void **state)
{
    static struct rig r;
    const struct hpet_hooks hooks = {
        .set = on_set, .legacy = on_legacy, .ctx = &r};
    struct chip_clock clock;

    memset(&r, 0, sizeof(r));
    clock = fake_clock_init(&r.clock, 12345678);
    r.hpet = hpet_create(&clock, PINS, &hooks);
    *state = &r;
    return r.hpet ? 0 : -1;
}

static int teardown(void **state)
{
    hpet_destroy(((struct rig *)*state)->hpet);
    return 0;
}

static void put(struct rig *r, unsigned off, uint64_t v)
{
    chip_write(&hpet_ops, r->hpet, off, v, 8);
}

static void put4(struct rig *r, unsigned off, uint32_t v)
{
    chip_write(&hpet_ops, r->hpet, off, v, 4);
}

static uint64_t get(struct rig *r, unsigned off)
{
    return chip_read(&hpet_ops, r->hpet, off, 8);
}

static unsigned rises(struct rig *r, unsigned line)
{
    const unsigned n = r->rises[line];

    r->rises[line] = 0;
    return n;
}

static void run_for(struct rig *r, uint64_t ns)
{
    const uint64_t until = r->clock.now + ns;

    while (fake_clock_next(&r->clock, until)) {
        r->armed++;
        hpet_tick(r->hpet);
    }
}

static void ticks(struct rig *r, uint64_t n)
{
    run_for(r, n * TICK);
}

static void capabilities(void **state)
{
    struct rig *r = *state;

    /* 10 ns; Intel; legacy routes, 64 bits, three timers, revision 1. */
    assert_int_equal(get(r, 0), 0x009896808086a201ull);
    put(r, 0, 0);
    assert_int_equal(get(r, 0), 0x009896808086a201ull);
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        assert_int_equal(get(r, T(n)), 0x00f0000000002830ull);
        assert_int_equal(get(r, COMP(n)), UINT64_MAX);
    }
    assert_int_equal(get(r, T(3)), 0);
    put(r, CONF, UINT64_MAX);
    assert_int_equal(get(r, CONF), 3);
    put(r, T(0), UINT64_MAX);
    assert_int_equal(get(r, T(0)), 0x00f0000000002830ull | 0x014e);
}

static void accesses_of_every_width(void **state)
{
    struct rig *r = *state;

    put(r, MAIN, 0x1122334455667788ull);
    assert_int_equal(chip_read(&hpet_ops, r->hpet, MAIN, 4), 0x55667788);
    assert_int_equal(chip_read(&hpet_ops, r->hpet, MAIN + 4, 4), 0x11223344);
    assert_int_equal(chip_read(&hpet_ops, r->hpet, MAIN + 2, 2), 0x5566);
    assert_int_equal(chip_read(&hpet_ops, r->hpet, MAIN + 7, 1), 0x11);
    assert_int_equal(chip_read(&hpet_ops, r->hpet, MAIN + 4, 8), 0);
    put4(r, MAIN + 4, 0xaabbccdd);
    assert_int_equal(get(r, MAIN), 0xaabbccdd55667788ull);
    chip_write(&hpet_ops, r->hpet, MAIN, 0, 1);
    chip_write(&hpet_ops, r->hpet, MAIN, 0, 2);
    chip_write(&hpet_ops, r->hpet, MAIN + 2, 0, 4);
    chip_write(&hpet_ops, r->hpet, MAIN + 4, 0, 8);
    assert_int_equal(get(r, MAIN), 0xaabbccdd55667788ull);
    /* Where no register is. */
    put(r, 0x028, UINT64_MAX);
    put(r, T(3), UINT64_MAX);
    put(r, T(0) + 0x18, UINT64_MAX);
    assert_int_equal(get(r, 0x028) | get(r, T(3)) | get(r, T(0) + 0x18), 0);
    put4(r, MAIN, 1);
    assert_int_equal(get(r, MAIN), 0xaabbccdd00000001ull);
}

static void the_counter_counts_when_on(void **state)
{
    struct rig *r = *state;

    ticks(r, 1000);
    assert_int_equal(get(r, MAIN), 0);
    put(r, MAIN, 500);
    put(r, CONF, ON);
    assert_int_equal(get(r, MAIN), 500);
    ticks(r, 1000);
    assert_int_equal(get(r, MAIN), 1500);
    put(r, CONF, 0);
    ticks(r, 1000);
    assert_int_equal(get(r, MAIN), 1500);
    put(r, CONF, ON);
    run_for(r, 60 * CLOCK_SECOND);
    assert_int_equal(get(r, MAIN), 1500 + 60ull * HPET_HZ);
    put(r, MAIN, UINT64_MAX);
    ticks(r, 2);
    assert_int_equal(get(r, MAIN), 1);
}

static void one_shot_edge(void **state)
{
    struct rig *r = *state;

    put(r, T(0), ENABLE | ROUTE(20));
    put(r, COMP(0), 10000);
    put(r, CONF, ON);
    ticks(r, 9999);
    assert_int_equal(rises(r, 20), 0);
    ticks(r, 1);
    assert_int_equal(rises(r, 20), 1);
    assert_int_equal(get(r, STATUS), 0);
    assert_int_equal(r->clock.deadline, CLOCK_NEVER);
    /* Set to what has passed: not before the counter comes round. */
    put(r, COMP(0), 9000);
    run_for(r, 100 * CLOCK_SECOND);
    assert_int_equal(rises(r, 20), 0);
    /* And once more ahead: the line falls and rises. */
    put(r, COMP(0), get(r, MAIN) + 100);
    ticks(r, 100);
    assert_int_equal(rises(r, 20), 1);
    assert_true(r->level[20]);
}

/* 32 bits: the counter comes round after 43 seconds. */
static void narrow_timers_come_round(void **state)
{
    struct rig *r = *state;

    put(r, MAIN, 0x5fffffff0ull);
    put(r, T(1), ENABLE | NARROW | ROUTE(21));
    put(r, COMP(1), 0xffffffff00000010ull);
    assert_int_equal(get(r, COMP(1)), 0x10);
    put(r, CONF, ON);
    ticks(r, 0x1f);
    assert_int_equal(rises(r, 21), 0);
    ticks(r, 1);
    assert_int_equal(rises(r, 21), 1);
    ticks(r, 0xffffffffull);
    assert_int_equal(rises(r, 21), 0);
    ticks(r, 1);
    assert_int_equal(rises(r, 21), 1);
    /* Becoming narrow cuts what is there. */
    put(r, COMP(2), 0x123456789abcull);
    put(r, T(2), NARROW);
    assert_int_equal(get(r, COMP(2)), 0x56789abc);
}

/* The accumulator by VAL_SET, the period by the write after it. */
static void set_periodic(struct rig *r, unsigned n, uint64_t extra,
                         uint64_t first, uint64_t period)
{
    put(r, T(n), ENABLE | PERIODIC | VAL_SET | extra);
    put(r, COMP(n), first);
    assert_int_equal(get(r, T(n)) & VAL_SET, 0);
    put(r, COMP(n), period);
}

static void periodic_edge(void **state)
{
    struct rig *r = *state;

    set_periodic(r, 0, ROUTE(22), 500000, 100000);
    assert_int_equal(get(r, COMP(0)), 500000);
    put(r, CONF, ON);
    ticks(r, 499999);
    assert_int_equal(rises(r, 22), 0);
    ticks(r, 1);
    assert_int_equal(rises(r, 22), 1);
    assert_int_equal(get(r, COMP(0)), 600000);
    r->armed = 0;
    run_for(r, 10 * CLOCK_SECOND);
    assert_int_equal(rises(r, 22), 10000);
    assert_int_equal(r->armed, 10000);
    /* As some write it: the first and the period are the same. */
    put(r, T(0), 0);
    put(r, CONF, 0);
    put(r, MAIN, 0);
    put(r, T(0), ENABLE | PERIODIC | VAL_SET | ROUTE(22));
    put4(r, COMP(0), 200000);
    put4(r, COMP(0) + 4, 0);
    put(r, CONF, ON);
    run_for(r, CLOCK_SECOND);
    assert_int_equal(rises(r, 22), 500);
}

static void narrow_periodic(void **state)
{
    struct rig *r = *state;

    put(r, MAIN, 0xfffe0000ull);
    set_periodic(r, 0, NARROW | ROUTE(20), 0xffff0000, 0x20000);
    put(r, CONF, ON);
    ticks(r, 0x10000);
    assert_int_equal(rises(r, 20), 1);
    assert_int_equal(get(r, COMP(0)), 0x10000);
    ticks(r, 0x20000);
    assert_int_equal(rises(r, 20), 1);
    assert_int_equal(get(r, COMP(0)), 0x30000);
}

static void period_0_is_a_one_shot(void **state)
{
    struct rig *r = *state;

    set_periodic(r, 0, ROUTE(20), 1000, 0);
    put(r, CONF, ON);
    run_for(r, 10 * CLOCK_SECOND);
    assert_int_equal(rises(r, 20), 1);
}

static void levels_wait_for_their_status(void **state)
{
    struct rig *r = *state;

    set_periodic(r, 1, LEVEL | ROUTE(23), 100000, 100000);
    put(r, CONF, ON);
    run_for(r, MS);
    assert_true(r->level[23]);
    assert_int_equal(get(r, STATUS), 2);
    run_for(r, MS / 2);
    put(r, STATUS, ~2ull);
    assert_true(r->level[23]);
    put(r, STATUS, 2);
    assert_false(r->level[23]);
    assert_int_equal(get(r, STATUS), 0);
    run_for(r, MS / 2);
    assert_int_equal(rises(r, 23), 2);
    /* Without its enable there is the status, but no line. */
    put(r, T(1), LEVEL | PERIODIC | ROUTE(23));
    assert_false(r->level[23]);
    put(r, STATUS, 2);
    run_for(r, MS);
    assert_int_equal(rises(r, 23), 0);
    assert_int_equal(get(r, STATUS), 2);
    put(r, T(1), ENABLE | LEVEL | PERIODIC | ROUTE(23));
    assert_int_equal(rises(r, 23), 1);
    /* Off: no interrupts at all. */
    put(r, CONF, 0);
    assert_false(r->level[23]);
    /* An edge timer has no status. */
    put(r, T(1), ENABLE | ROUTE(23));
    assert_int_equal(get(r, STATUS), 0);
}

static void routes(void **state)
{
    struct rig *r = *state;

    /* A pin that is not offered: as before. */
    put(r, T(2), ENABLE | LEVEL | ROUTE(21));
    put(r, T(2), ENABLE | LEVEL | ROUTE(5));
    assert_int_equal(get(r, T(2)) & 0x3e00, ROUTE(21));
    put(r, COMP(2), 100);
    put(r, CONF, ON);
    ticks(r, 100000);
    assert_true(r->level[21]);
    /* The level goes with the route. */
    put(r, T(2), ENABLE | LEVEL | ROUTE(22));
    assert_false(r->level[21]);
    assert_true(r->level[22]);
}

static void legacy_replacement(void **state)
{
    struct rig *r = *state;

    put(r, CONF, LEGACY);
    assert_true(r->legacy);
    put(r, CONF, 0);
    assert_false(r->legacy);
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        set_periodic(r, n, ROUTE(20 + n), 100000, 100000);
    put(r, CONF, ON | LEGACY);
    run_for(r, 10 * MS);
    assert_int_equal(rises(r, HPET_IRQ0), 10);
    assert_int_equal(rises(r, HPET_IRQ8), 10);
    assert_int_equal(rises(r, 20) + rises(r, 21), 0);
    assert_int_equal(rises(r, 22), 10);
    put(r, CONF, ON);
    assert_false(r->level[HPET_IRQ0] || r->level[HPET_IRQ8]);
    run_for(r, 10 * MS);
    assert_int_equal(rises(r, HPET_IRQ0), 0);
    assert_int_equal(rises(r, 20), 10);
}

static void late_periods_are_given_back(void **state)
{
    struct rig *r = *state;

    set_periodic(r, 0, ROUTE(20), 1000000, 1000000); /* 100 Hz */
    put(r, CONF, ON);
    r->clock.now += 500 * MS;
    run_for(r, 100 * MS);
    assert_in_range(rises(r, 20), 20, 22);
    run_for(r, 1400 * MS);
    assert_in_range(rises(r, 20), 178, 180);
    /* No more than a second of them. */
    r->clock.now += 3600 * CLOCK_SECOND;
    run_for(r, 2 * CLOCK_SECOND);
    assert_in_range(rises(r, 20), 300, 301);
    /* The counter was never wrong. */
    assert_int_equal(get(r, MAIN), 3604 * (uint64_t)HPET_HZ);
}

static void the_rate_is_bounded(void **state)
{
    struct rig *r = *state;

    for (unsigned n = 0; n < HPET_TIMERS; n++)
        set_periodic(r, n, ROUTE(20 + n), 1, 1);
    put(r, CONF, ON);
    run_for(r, CLOCK_SECOND);
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        assert_in_range(rises(r, 20 + n), 19000, 20001);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(capabilities),
        ROW(accesses_of_every_width),
        ROW(the_counter_counts_when_on),
        ROW(one_shot_edge),
        ROW(narrow_timers_come_round),
        ROW(periodic_edge),
        ROW(narrow_periodic),
        ROW(period_0_is_a_one_shot),
        ROW(levels_wait_for_their_status),
        ROW(routes),
        ROW(legacy_replacement),
        ROW(late_periods_are_given_back),
        ROW(the_rate_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
