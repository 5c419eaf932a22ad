// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pace.h against guests that are arithmetic: how long a window takes is a
 * function of the way and of how many requests the guest has in flight.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pvabi/pace.h"

struct guest {
    struct pace p;
    uint64_t now;
    uint64_t told;   /* ns of a request it was asked to notify for */
    uint64_t looked; /* ns of a look, and of what came by then */
    unsigned depth;  /* requests that come by a look */
    unsigned requests, looks;
};

static struct guest make(uint64_t told, uint64_t looked, unsigned depth)
{
    struct guest g = {.now = 1, .told = told, .looked = looked, .depth = depth};

    pace_init(&g.p);
    return g;
}

static void run(struct guest *g, unsigned requests)
{
    for (unsigned done = 0, n, turn = 0; done < requests; done += n, turn++) {
        n = g->p.looks ? g->depth : 1;
        /* Now and then the next one is there before the first is taken. */
        if (!g->p.looks && g->depth > 1 && turn % 20 == 0)
            n = 2;
        g->now += g->p.looks ? g->looked : g->told;
        g->looks += g->p.looks;
        g->requests += n;
        pace_took(&g->p, n, 0, g->now);
    }
}

static void test_many_in_flight_are_looked_at(void **state)
{
    struct guest g = make(40000, 70000, 6);

    (void)state;
    assert_false(g.p.looks);
    run(&g, 3 * PACE_WINDOW);
    assert_true(g.p.looks);
    /* From then on nearly always. */
    g.looks = g.requests = 0;
    run(&g, 200 * PACE_WINDOW);
    assert_true(g.p.looks);
    assert_true(g.looks * g.depth > g.requests * 9 / 10);
}

static void test_one_at_a_time_is_told(void **state)
{
    struct guest g = make(10000, 60000, 1);

    (void)state;
    run(&g, 500 * PACE_WINDOW);
    assert_int_equal(g.looks, 0);
}

/*
 * Served as fast as it asks: that there are more shows by a glance, soon after
 * each rest.
 */
static void test_served_one_by_one(void **state)
{
    struct guest g = make(40000, 70000, 6);

    (void)state;
    for (unsigned rest = 0; rest < 3; rest++) {
        for (unsigned i = 0; i < 5 * PACE_WINDOW && !g.p.looks; i++) {
            const unsigned n = g.p.glance ? g.depth : 1;

            g.now += g.p.glance ? g.looked : g.told;
            pace_took(&g.p, n, 0, g.now);
            assert_true(i <= 3 * PACE_WINDOW);
        }
        assert_true(g.p.looks);
        /* Long by itself. */
        for (unsigned i = 0; i < 50 * PACE_WINDOW; i++) {
            g.now += 20000;
            pace_took(&g.p, 1, 0, g.now);
        }
        assert_false(g.p.looks);
        g.now += UINT64_C(1000000000);
        pace_took(&g.p, 1, 0, g.now);
    }
}

/*
 * A glance behind the last of a batch shows nothing: whatever glances there
 * are, they do not all fall there.
 */
static void test_served_by_batches(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 32; first++) {
        struct guest g = make(40000, 70000, 6);
        unsigned done = first, i;

        for (i = 0; i < 20 * PACE_WINDOW && !g.p.looks; i++) {
            const unsigned left = 32 - done % 32;
            const bool more = g.p.glance && left < 32;
            const unsigned n = !more ? 1 : left < g.depth ? left : g.depth;

            g.now += more ? g.looked : g.told;
            pace_took(&g.p, n, 0, g.now);
            done += n;
        }
        assert_true(g.p.looks);
    }
}

/* One that has no more is seldom kept waiting for a glance. */
static void test_glances_are_rare(void **state)
{
    struct guest g = make(20000, 60000, 1);
    unsigned glances = 0;

    (void)state;
    for (unsigned i = 0; i < 100 * PACE_WINDOW; i++) {
        g.now += g.p.glance ? g.looked : g.told;
        pace_took(&g.p, 1, 0, g.now);
        glances += g.p.glance;
        assert_false(g.p.looks);
    }
    assert_in_range(glances, 10, 100 * PACE_WINDOW / 200);
}

/* Four that come by each look would have been done sooner if told of. */
static void test_looking_must_win(void **state)
{
    struct guest g = make(10000, 60000, 4);

    (void)state;
    run(&g, 500 * PACE_WINDOW);
    g.looks = g.requests = 0;
    run(&g, 500 * PACE_WINDOW);
    assert_true(g.looks * g.depth * 20 < g.requests);
}

/* They come one by one, but the guest is behind with answers. */
static void test_behind_with_answers(void **state)
{
    struct guest g = make(40000, 70000, 6);

    (void)state;
    for (unsigned i = 0; i < 4 * PACE_WINDOW; i++) {
        g.now += g.told;
        pace_took(&g.p, 1, 0, g.now);
    }
    assert_false(g.p.looks);
    pace_busy(&g.p);
    for (unsigned i = 0; i < PACE_WINDOW; i++) {
        g.now += g.told;
        pace_took(&g.p, 1, 0, g.now);
    }
    assert_true(g.p.looks);
}

static void test_a_change_is_noticed(void **state)
{
    struct guest g = make(40000, 70000, 8);

    (void)state;
    run(&g, 10 * PACE_WINDOW);
    assert_true(g.p.looks);
    g.told = 10000;
    g.depth = 1;
    run(&g, 50 * PACE_WINDOW);
    assert_false(g.p.looks);
    /* Long alone, then in company again: it is not waited for. */
    run(&g, 500 * PACE_WINDOW);
    g.told = 40000;
    g.depth = 8;
    run(&g, 3 * PACE_WINDOW);
    assert_true(g.p.looks);
}

static void test_slow_disks_are_told(void **state)
{
    struct guest g = make(200000, 200000, 30);

    (void)state;
    run(&g, 100 * PACE_WINDOW);
    assert_int_equal(g.looks, 0);
}

/* A guest that rests for an hour, and a clock at its end. */
static void test_rests(void **state)
{
    struct guest g = make(40000, 70000, 8);

    (void)state;
    run(&g, 10 * PACE_WINDOW);
    g.now += UINT64_C(3600) * 1000000000;
    run(&g, 2 * PACE_WINDOW);
    g.now = UINT64_MAX - 1000;
    run(&g, 2 * PACE_WINDOW);
    run(&g, 300 * PACE_WINDOW);
    assert_true(g.p.looks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_in_flight_are_looked_at),
        cmocka_unit_test(test_one_at_a_time_is_told),
        cmocka_unit_test(test_looking_must_win),
        cmocka_unit_test(test_served_one_by_one),
        cmocka_unit_test(test_served_by_batches),
        cmocka_unit_test(test_glances_are_rare),
        cmocka_unit_test(test_behind_with_answers),
        cmocka_unit_test(test_a_change_is_noticed),
        cmocka_unit_test(test_slow_disks_are_told),
        cmocka_unit_test(test_rests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
