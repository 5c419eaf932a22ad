// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The 8254 against its datasheet: the wave forms of every mode pulse by pulse,
 * the same in one leap, commands, BCD.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "i8254_rig.h"

/*
 * A wave form: what is done before the pulse, then CE and OUT after it.
 * The text: '+' and '-' gate, 'H' and 'L' end a pulse with OUT so; a digit
 * writes a count of so many before the next pulse. CE is checked where the
 * datasheet draws it ('x' in `ce`: it does not).
 */
struct wave {
    const char *name;
    unsigned mode;
    const char *program;
    const char *ce;
};

static const struct wave waves[] = {
    /* mode 0: N+1 pulses after the count; the gate holds; a new count. */
    {"0 count", 0, "+4LLLLHHH", "43210FE"},
    {"0 gate", 0, "+3LL-LL+LHH", "3222 10F"},
    {"0 again", 0, "+3LLL2LLHH", "321210F"},
    {"0 no gate", 0, "-4LL+LLLHH", "44 3210F"},
    /* mode 1: the gate starts it; again before the end; new count waits. */
    {"1 shot", 1, "-3HH+LLLHH", "xx3210F"},
    {"1 again", 1, "-3H+LL-+LLLH", "x323210"},
    {"1 new count", 1, "-2H+LL4HH-+LLLLH", "x2 10F43210"},
    {"1 gate low", 1, "-3H+L-LLH", "x3210"},
    /* mode 2: low for one pulse in N. */
    {"2 rate", 2, "+3HHLHHLHH", "3213213 2"},
    {"2 gate", 2, "+3HHL-HH+HHLH", "321 11 3213"},
    {"2 new count", 2, "+4HH5HLHHHHLH", "43 215432 15"},
    /* mode 3: two halves, counting by two; odd counts are high longer. */
    {"3 even", 3, "+4HHLLHHLLH", "424242424"},
    {"3 odd", 3, "+5HHHLLHHHLLH", "42042 420424"},
    {"3 gate", 3, "+4HHL-HH+HHLL", "42 4 44 4242"},
    {"3 new count", 3, "+4H2HLHLH", "422222"},
    {"3 three", 3, "+3HHLHHLH", "2022022"},
    /* mode 4: a strobe, once, by the count. */
    {"4 strobe", 4, "+3HHHLHHH", "3210FED"},
    {"4 gate", 4, "-3HH+HHLHH", "3321 0FE"},
    {"4 again", 4, "+3HH2HHLHH", "3221 0FE"},
    /* mode 5: a strobe, by the gate. */
    {"5 strobe", 5, "-3HH+HHHLHH", "xx3210FE"},
    {"5 again", 5, "-3H+HH-+HHHLH", "x323210F"},
    /* 6 and 7 are 2 and 3. */
    {"6 rate", 6, "+3HHLHHLHH", "32132132"},
    {"7 square", 7, "+4HHLLHHLLH", "424242424"},
    /* illegal counts of one count as two */
    {"2 one", 2, "+1HLHLHL", "212121"},
    {"3 one", 3, "+1HLHLHL", "222222"},
    {"0 one", 0, "+1LHHH", "10FE"},
};

static unsigned ce_of(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : 0xfff0u + (unsigned)(c - 'A' + 10);
}

/* One step of a program; tells whether it was a pulse. */
static bool play(struct rig *r, char c)
{
    if (c == '+' || c == '-')
        gate2(r, c == '+');
    else if (c >= '0' && c <= '9')
        set_count(r, 2, (unsigned)(c - '0'));
    else
        pulses(r, 1);
    return c == 'H' || c == 'L';
}

static void expect_pulse(struct rig *r, const struct wave *w, const char *at,
                         char ce)
{
    const unsigned v = count(r, 2);

    if (out2(r) != (*at == 'H') || (ce != 'x' && v != ce_of(ce)))
        fail_msg("%s: at \"%s\": OUT %d, CE %x, not %c, %c", w->name, at,
                 out2(r), v, *at, ce);
}

static void wave_forms(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0; i < ARRAY_LEN(waves); i++) {
        const struct wave *w = &waves[i];
        const char *ce = w->ce;

        gate2(r, false);
        set_mode(r, 2, w->mode);
        assert_int_equal(out2(r), w->mode != 0);
        for (const char *at = w->program; *at; at++) {
            if (!play(r, *at))
                continue;
            ce += strspn(ce, " ");
            assert_int_not_equal(*ce, '\0');
            expect_pulse(r, w, at, *ce++);
        }
    }
}

/* Something a guest may do to counter 2, by chance. */
static void any_action(struct rig *const *rigs, unsigned n)
{
    const unsigned dice = (unsigned)random() % 8;
    const unsigned mode = (unsigned)random() % 6;
    const unsigned bcd = (unsigned)random() % 2;
    const unsigned value = (unsigned)random() % (dice & 1 ? 6 : 0x9a);

    for (unsigned i = 0; i < n; i++) {
        struct rig *r = rigs[i];

        if (dice < 2)
            put(r, CONTROL, 0xb0 | mode << 1 | bcd);
        else if (dice < 5)
            set_count(r, 2, value);
        else
            gate2(r, dice & 1);
    }
}

/* The same state whether the pulses come one by one or all at once. */
static void a_leap_is_many_steps(void **state)
{
    struct rig one;
    struct rig leap;
    struct rig *both[] = {&one, &leap};

    (void)state;
    assert_int_equal(rig_init(&one), 0);
    assert_int_equal(rig_init(&leap), 0);
    srandom(8254);
    for (unsigned i = 0; i < 4000; i++) {
        const unsigned n = (unsigned)random() % 400;

        any_action(both, 2);
        for (unsigned k = 0; k < n; k++) {
            pulses(&one, 1);
            out2(&one);
        }
        pulses(&leap, n);
        assert_int_equal(out2(&one), out2(&leap));
        assert_int_equal(count(&one, 2), count(&leap, 2));
        assert_int_equal(status(&one, 2), status(&leap, 2));
    }
    i8254_destroy(one.pit);
    i8254_destroy(leap.pit);
}

static void largest_counts(void **state)
{
    struct rig *r = *state;

    set_mode(r, 2, 0);
    gate2(r, true);
    set_count(r, 2, 0);
    pulses(r, 65536);
    assert_false(out2(r));
    assert_int_equal(count(r, 2), 1);
    pulses(r, 1);
    assert_true(out2(r));
    put(r, CONTROL, 0xb1);
    set_count(r, 2, 0);
    pulses(r, 1);
    assert_int_equal(count(r, 2), 0x0000);
    pulses(r, 1);
    assert_int_equal(count(r, 2), 0x9999);
    pulses(r, 9998);
    assert_false(out2(r));
    assert_int_equal(count(r, 2), 0x0001);
    pulses(r, 1);
    assert_true(out2(r));
    pulses(r, 1);
    assert_int_equal(count(r, 2), 0x9999);
}

static void bcd_counts_in_decades(void **state)
{
    struct rig *r = *state;

    put(r, CONTROL, 0xb5); /* mode 2, BCD */
    gate2(r, true);
    set_count(r, 2, 0x1002);
    pulses(r, 1);
    assert_int_equal(count(r, 2), 0x1002);
    pulses(r, 3);
    assert_int_equal(count(r, 2), 0x0999);
    pulses(r, 999);
    assert_int_equal(count(r, 2), 0x1002);
}

/* One byte only: the other is zero. */
static void bytes_of_a_count(void **state)
{
    struct rig *r = *state;

    gate2(r, true);
    put(r, CONTROL, 0x94); /* LSB, mode 2 */
    put(r, 2, 0x40);
    pulses(r, 1);
    assert_int_equal(get(r, 2), 0x40);
    assert_int_equal(get(r, 2), 0x40);
    put(r, CONTROL, 0xa4); /* MSB */
    put(r, 2, 0x12);
    pulses(r, 1);
    assert_int_equal(get(r, 2), 0x12);
    pulses(r, 1);
    assert_int_equal(get(r, 2), 0x11);
    put(r, CONTROL, 0xb4); /* both */
    put(r, 2, 0x34);
    pulses(r, 5);
    put(r, 2, 0x12);
    pulses(r, 1);
    assert_int_equal(get(r, 2), 0x34);
    assert_int_equal(get(r, 2), 0x12);
}

/* Mode 0 stops between the bytes; the second begins anew. */
static void half_a_count_halts_mode_0(void **state)
{
    struct rig *r = *state;

    gate2(r, true);
    set_mode(r, 2, 0);
    set_count(r, 2, 5);
    pulses(r, 20);
    assert_true(out2(r));
    put(r, 2, 0x03);
    assert_false(out2(r));
    pulses(r, 100);
    assert_false(out2(r));
    put(r, 2, 0x00);
    pulses(r, 3);
    assert_false(out2(r));
    pulses(r, 1);
    assert_true(out2(r));
}

static void a_latched_count_waits(void **state)
{
    struct rig *r = *state;

    gate2(r, true);
    set_mode(r, 2, 2);
    set_count(r, 2, 0x1234);
    pulses(r, 1);
    put(r, CONTROL, 0x80);
    pulses(r, 0x10);
    put(r, CONTROL, 0x80); /* ignored: one is latched */
    put(r, CONTROL, 0xd8); /* read back the count: the same */
    assert_int_equal(get(r, 2), 0x34);
    pulses(r, 4);
    assert_int_equal(get(r, 2), 0x12);
    assert_int_equal(get(r, 2), 0x20);
    assert_int_equal(get(r, 2), 0x12);
    /* A control word unlatches. */
    put(r, CONTROL, 0x80);
    set_mode(r, 2, 2);
    set_count(r, 2, 0x4321);
    pulses(r, 1);
    assert_int_equal(get(r, 2), 0x21);
}

static void read_back_status(void **state)
{
    struct rig *r = *state;

    gate2(r, true);
    set_mode(r, 2, 3);
    assert_int_equal(status(r, 2), 0x80 | 0x40 | 0x36);
    set_count(r, 2, 4);
    assert_int_equal(status(r, 2), 0x80 | 0x40 | 0x36);
    pulses(r, 1);
    assert_int_equal(status(r, 2), 0x80 | 0x36);
    pulses(r, 2);
    assert_int_equal(status(r, 2), 0x36);
    /* A new count is null until the half has ended. */
    set_count(r, 2, 6);
    assert_int_equal(status(r, 2), 0x40 | 0x36);
    pulses(r, 2);
    assert_int_equal(status(r, 2), 0x80 | 0x36);
    /* Status and count latched: the status comes first. */
    put(r, CONTROL, 0xc8);
    put(r, CONTROL, 0xe8);
    assert_int_equal(get(r, 2), 0x80 | 0x36);
    assert_int_equal(get(r, 2), 6);
    assert_int_equal(get(r, 2), 0);
    /* All three at once. */
    put(r, CONTROL, 0xee);
    assert_int_equal(get(r, 0) & 0x3f, 0x30);
    assert_int_equal(get(r, 1) & 0x3f, 0x30);
    assert_int_equal(get(r, 2) & 0x3f, 0x36);
    assert_int_equal(get(r, CONTROL), 0xff);
}

static void a_gate_without_a_count_is_nothing(void **state)
{
    struct rig *r = *state;

    for (unsigned mode = 1; mode < 6; mode++) {
        set_mode(r, 2, mode);
        gate2(r, false);
        gate2(r, true);
        pulses(r, 70000);
        assert_true(out2(r));
        gate2(r, false);
    }
}

static void port_61(void **state)
{
    struct rig *r = *state;
    unsigned toggles = 0;
    bool last = false;

    chip_write(&i8254_speaker_ops, r->pit, 0, 0xff, 1);
    assert_int_equal(chip_read(&i8254_speaker_ops, r->pit, 0, 1) & 0xcf, 0x0f);
    for (unsigned us = 0; us < 10000; us++) {
        bool now;

        r->clock.now += 1000;
        now = chip_read(&i8254_speaker_ops, r->pit, 0, 1) & 0x10;
        toggles += now != last;
        last = now;
    }
    assert_in_range(toggles, 662, 664); /* each 15.085 us */
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(wave_forms),
        cmocka_unit_test(a_leap_is_many_steps),
        ROW(largest_counts),
        ROW(bcd_counts_in_decades),
        ROW(bytes_of_a_count),
        ROW(half_a_count_halts_mode_0),
        ROW(a_latched_count_waits),
        ROW(read_back_status),
        ROW(a_gate_without_a_count_is_nothing),
        ROW(port_61),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
