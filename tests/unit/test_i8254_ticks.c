// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The timer interrupt: its rate over a long time, and the lost-tick policy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "i8254_rig.h"

/* Run the clock for ns, calling the chip whenever it asked for it. */
static void run_for(struct rig *r, uint64_t ns)
{
    const uint64_t until = r->clock.now + ns;

    while (fake_clock_next(&r->clock, until)) {
        r->armed++;
        i8254_tick(r->pit);
    }
}

/* 18 pulses of the count of a BIOS are a second, to a pulse. */
static void the_timer_interrupt(void **state)
{
    static const struct {
        unsigned mode;
        unsigned count;
        unsigned per_100s;
    } rows[] = {
        {2, 0, 1820},      {3, 0, 1820},      {2, 11932, 9999},
        {3, 1193, 100015}, {2, 11931, 10000},
    };
    struct rig *r = *state;

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        set_mode(r, 0, rows[i].mode);
        set_count(r, 0, rows[i].count);
        wire_rises(&r->irq0);
        run_for(r, 100 * CLOCK_SECOND);
        assert_int_equal(wire_rises(&r->irq0), rows[i].per_100s);
        assert_true(r->irq0.intr.level);
        /* One call for one interrupt. */
        assert_in_range(r->armed, rows[i].per_100s, rows[i].per_100s + 1);
        r->armed = 0;
    }
}

static void one_shots_interrupt_once(void **state)
{
    struct rig *r = *state;

    set_mode(r, 0, 0);
    assert_false(r->irq0.intr.level);
    set_count(r, 0, 11932);
    wire_rises(&r->irq0);
    run_for(r, 10 * MS);
    assert_int_equal(wire_rises(&r->irq0), 0);
    run_for(r, 1 * MS);
    assert_int_equal(wire_rises(&r->irq0), 1);
    run_for(r, CLOCK_SECOND);
    assert_int_equal(wire_rises(&r->irq0), 0);
    assert_int_equal(r->clock.deadline, CLOCK_NEVER);
    set_count(r, 0, 100);
    assert_false(r->irq0.intr.level);
    run_for(r, MS);
    assert_int_equal(wire_rises(&r->irq0), 1);
    set_mode(r, 0, 4);
    set_count(r, 0, 1193);
    run_for(r, 100 * MS);
    assert_int_equal(wire_rises(&r->irq0), 1);
}

/* Looked at while OUT is low for its one pulse: it rises with the next. */
static void a_strobe_in_its_pulse(void **state)
{
    struct rig *r = *state;

    for (unsigned again = 0; again < 2; again++) {
        r->pulse = clock_ticks(r->clock.now, I8254_HZ);
        set_mode(r, 0, 4);
        set_count(r, 0, 1000);
        pulses(r, 1001);
        assert_int_equal(status(r, 0) & 0x80, 0);
        if (again) /* a new count, loaded by that pulse */
            set_count(r, 0, 1000);
        wire_rises(&r->irq0);
        assert_int_equal(r->clock.deadline, clock_ns(r->pulse + 1, I8254_HZ));
        run_for(r, 2000);
        assert_int_equal(wire_rises(&r->irq0), 1);
        run_for(r, 10 * MS);
        assert_int_equal(wire_rises(&r->irq0), again);
    }
}

/* 100 Hz, as a guest that counts ticks sets it. */
static void start_100_hz(struct rig *r)
{
    set_mode(r, 0, 2);
    set_count(r, 0, 11931);
    run_for(r, 5 * MS);
    wire_rises(&r->irq0);
}

/* The process did not run for a while: the ticks come at twice the rate. */
static void missed_ticks_are_given_back(void **state)
{
    struct rig *r = *state;

    start_100_hz(r);
    r->clock.now += 500 * MS;
    run_for(r, 0);
    assert_int_equal(wire_rises(&r->irq0), 1);
    run_for(r, 100 * MS);
    assert_in_range(wire_rises(&r->irq0), 19, 21);
    run_for(r, 900 * MS);
    run_for(r, 500 * MS);
    assert_int_equal(wire_rises(&r->irq0) + 1 + 20, 200);
    run_for(r, CLOCK_SECOND);
    assert_int_equal(wire_rises(&r->irq0), 100);
}

static void no_more_than_a_second_is_owed(void **state)
{
    struct rig *r = *state;

    start_100_hz(r);
    r->clock.now += 3600 * CLOCK_SECOND;
    run_for(r, 10 * CLOCK_SECOND);
    assert_in_range(wire_rises(&r->irq0), 1100, 1102);
}

/* The 8259 tells when a tick was taken: those the guest slept over come. */
static void untaken_ticks_are_owed(void **state)
{
    struct rig *r = *state;
    unsigned taken = 1;

    start_100_hz(r);
    i8254_tick_taken(r->pit);
    run_for(r, 300 * MS); /* interrupts are off */
    assert_int_equal(wire_rises(&r->irq0), 30);
    for (unsigned ms = 0; ms < 1000; ms++) {
        if (r->irq0.intr.level && (wire_rises(&r->irq0) || ms == 0)) {
            taken++;
            i8254_tick_taken(r->pit);
        }
        run_for(r, MS);
    }
    /* 5 ms of the beginning, 300 of sleep, 1000 of work. */
    assert_in_range(taken, 129, 131);
    /* Masked by the guest: nothing of it is owed. */
    i8254_tick_taken(r->pit);
    run_for(r, 300 * MS);
    i8254_forgive(r->pit);
    wire_rises(&r->irq0);
    run_for(r, 300 * MS);
    assert_int_equal(wire_rises(&r->irq0), 30);
}

static void a_new_count_owes_nothing(void **state)
{
    struct rig *r = *state;

    start_100_hz(r);
    r->clock.now += 500 * MS;
    start_100_hz(r);
    run_for(r, CLOCK_SECOND);
    assert_int_equal(wire_rises(&r->irq0), 100);
}

/* The fastest a guest can ask for does not eat the host. */
static void the_rate_is_bounded(void **state)
{
    struct rig *r = *state;

    set_mode(r, 0, 2);
    set_count(r, 0, 2);
    run_for(r, CLOCK_SECOND);
    assert_in_range(r->armed, 19000, 20001);
    assert_in_range(wire_rises(&r->irq0), 19000, 20001);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(one_shots_interrupt_once),    ROW(a_strobe_in_its_pulse),
        ROW(missed_ticks_are_given_back), ROW(no_more_than_a_second_is_owed),
        ROW(untaken_ticks_are_owed),      ROW(a_new_count_owes_nothing),
        ROW(the_rate_is_bounded),         ROW(the_timer_interrupt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
