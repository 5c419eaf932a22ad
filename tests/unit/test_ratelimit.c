// SPDX-License-Identifier: GPL-2.0-or-later
/* Token buckets by a clock of our own: rates, bursts, debts, extremes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/backend/ratelimit.h"

#include <stdlib.h>

#define SECOND UINT64_C(1000000000)

/* How many operations of n bytes pass in ns, each sent as soon as it may. */
static uint64_t count(struct ratelimit *limit, uint64_t n, uint64_t from,
                      uint64_t ns)
{
    uint64_t passed = 0;

    for (uint64_t now = from; now < from + ns;) {
        const uint64_t wait = ratelimit_take(limit, n, now);

        now += wait;
        passed += wait == 0;
    }
    return passed;
}

static void assert_within_2_percent(uint64_t got, uint64_t asked)
{
    assert_true(got * 100 >= asked * 98);
    assert_true(got * 100 <= asked * 102);
}

static void no_limit_never_waits(void **state)
{
    struct ratelimit limit;

    (void)state;
    ratelimit_init(&limit, 0, 0, 5);
    assert_false(ratelimit_active(&limit));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(ratelimit_take(&limit, UINT64_MAX, 5), 0);
    ratelimit_init(&limit, 0, RATELIMIT_MAX_RATE + 1, 5);
    assert_false(ratelimit_active(&limit));
}

static void operations_keep_the_rate(void **state)
{
    static const uint64_t rates[] = {1, 3, 7, 100, 999, 10000, 123457};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        const uint64_t secs = rates[i] < 10 ? 200 : 10;
        struct ratelimit limit;

        ratelimit_init(&limit, rates[i], 0, 0);
        assert_within_2_percent(count(&limit, 0, 0, secs * SECOND),
                                rates[i] * secs);
    }
}

static void bytes_keep_the_rate(void **state)
{
    static const uint64_t sizes[] = {512, 4096, 65536, 1048576};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct ratelimit limit;

        ratelimit_init(&limit, 0, 10 * MIB, 77);
        assert_within_2_percent(
            count(&limit, sizes[i], 77, 10 * SECOND) * sizes[i], 100 * MIB);
    }
}

/* A transfer bigger than the bucket passes, and is paid for afterwards. */
static void big_transfers_run_into_debt(void **state)
{
    struct ratelimit limit;
    uint64_t wait;

    (void)state;
    ratelimit_init(&limit, 0, 1 * MIB, 0);
    assert_int_equal(ratelimit_take(&limit, 16 * MIB, 0), 0);
    wait = ratelimit_take(&limit, 1, 0);
    assert_true(wait > 15 * SECOND && wait <= 16 * SECOND);
    assert_int_equal(ratelimit_take(&limit, 1, wait), 0);
    /* An operation without bytes does not wait for those who owe bytes. */
    assert_int_equal(ratelimit_take(&limit, 0, wait), 0);
}

/* Whoever was idle gets a burst of 50 ms, not the tokens of an hour. */
static void idleness_is_not_saved_up(void **state)
{
    struct ratelimit limit;

    (void)state;
    ratelimit_init(&limit, 1000, 0, 0);
    assert_true(count(&limit, 0, 0, 1 * SECOND) > 900);
    assert_within_2_percent(count(&limit, 0, 3600 * SECOND, SECOND / 10), 150);
}

/* A sleeper that always comes late, by less than a burst, loses nothing. */
static void late_timers_keep_the_rate(void **state)
{
    struct ratelimit limit;
    uint64_t passed = 0;

    (void)state;
    srand(1);
    ratelimit_init(&limit, 2000, 0, 0);
    for (uint64_t now = 0; now < 20 * SECOND;) {
        const uint64_t wait = ratelimit_take(&limit, 0, now);

        if (wait)
            now += wait + (uint64_t)rand() % 10000000;
        else
            passed++;
    }
    assert_within_2_percent(passed, 40000);
}

static void the_tighter_limit_holds(void **state)
{
    struct ratelimit limit;

    (void)state;
    ratelimit_init(&limit, 100, 100 * MIB, 0);
    assert_within_2_percent(count(&limit, 4096, 0, 10 * SECOND), 1000);
    ratelimit_init(&limit, 100000, 4 * MIB, 0);
    assert_within_2_percent(count(&limit, 4096, 0, 10 * SECOND), 10240);
}

/* Nothing overflows at the ends of what can be asked. */
static void extremes_do_not_wrap(void **state)
{
    struct ratelimit limit;

    (void)state;
    ratelimit_init(&limit, RATELIMIT_MAX_RATE, RATELIMIT_MAX_RATE, 0);
    assert_int_equal(ratelimit_take(&limit, UINT64_MAX, 0), 0);
    assert_true(ratelimit_take(&limit, 1, 0) < SECOND);
    assert_int_equal(ratelimit_take(&limit, 1, UINT64_MAX - 1), 0);
    ratelimit_init(&limit, 0, 1, 0);
    assert_int_equal(ratelimit_take(&limit, UINT64_MAX, 0), 0);
    assert_true(ratelimit_take(&limit, 1, 0) > UINT64_C(4000000000) * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_limit_never_waits),
        cmocka_unit_test(operations_keep_the_rate),
        cmocka_unit_test(bytes_keep_the_rate),
        cmocka_unit_test(big_transfers_run_into_debt),
        cmocka_unit_test(idleness_is_not_saved_up),
        cmocka_unit_test(late_timers_keep_the_rate),
        cmocka_unit_test(the_tighter_limit_holds),
        cmocka_unit_test(extremes_do_not_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
