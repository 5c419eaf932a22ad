// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The MC146818A against its datasheet: the calendar with its carries, the
 * four data formats, alarms, update cycle, periodic rates, the interrupt
 * line, and what a guest finds after it was too slow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chip_clock.h"
#include "chip_rig.h"
#include "devices/platform/mc146818.h"

#include <string.h>
#include <time.h>

#define MS 1000000ull
#define US 1000ull

#define A     0x0au
#define B     0x0bu
#define C     0x0cu
#define D     0x0du
#define SET   0x80u
#define PIE   0x40u
#define AIE   0x20u
#define UIE   0x10u
#define BIN   0x04u
#define H24   0x02u
#define IRQF  0x80u
#define PF    0x40u
#define AF    0x20u
#define UF    0x10u
#define START (1000 * CLOCK_SECOND) /* of the chip's clock */

struct rig {
    struct mc146818 *rtc;
    struct fake_clock clock;
    struct wire irq8;
};

static int begin(struct rig *r, uint64_t wall)
{
    struct chip_clock clock;

    memset(r, 0, sizeof(*r));
    clock = fake_clock_init(&r->clock, START);
    wire_init(&r->irq8);
    r->rtc = mc146818_create(&clock, wall, &r->irq8.intr);
    return r->rtc ? 0 : -1;
}

static int setup(void **state)
{
    static struct rig r;

    *state = &r;
    return begin(&r, 0);
}

static int teardown(void **state)
{
    mc146818_destroy(((struct rig *)*state)->rtc);
    return 0;
}

static void put(struct rig *r, unsigned index, unsigned v)
{
    chip_write(&mc146818_ops, r->rtc, 0, index, 1);
    chip_write(&mc146818_ops, r->rtc, 1, v, 1);
}

static unsigned get(struct rig *r, unsigned index)
{
    chip_write(&mc146818_ops, r->rtc, 0, index, 1);
    return (unsigned)chip_read(&mc146818_ops, r->rtc, 1, 1);
}

static void run_for(struct rig *r, uint64_t ns)
{
    const uint64_t until = r->clock.now + ns;

    while (fake_clock_next(&r->clock, until))
        mc146818_tick(r->rtc);
}

/* The nine registers of a moment, in the order a person reads them. */
struct time_regs {
    uint8_t century, year, month, mday, wday, hour, min, sec;
};

static const uint8_t reg_of[] = {0x32, 0x09, 0x08, 0x07, 0x06, 0x04, 0x02, 0};

static void set_time(struct rig *r, const struct time_regs *t)
{
    uint8_t v[sizeof(*t)];
    const unsigned b = get(r, B);

    memcpy(v, t, sizeof(v));
    put(r, B, b | SET);
    for (unsigned i = 0; i < sizeof(v); i++)
        put(r, reg_of[i], v[i]);
    put(r, B, b);
}

static void expect_time(struct rig *r, const struct time_regs *t)
{
    uint8_t v[sizeof(*t)];
    uint8_t is[sizeof(*t)];

    memcpy(v, t, sizeof(v));
    for (unsigned i = 0; i < sizeof(v); i++)
        is[i] = (uint8_t)get(r, reg_of[i]);
    assert_memory_equal(is, v, sizeof(v));
}

static void begins_with_the_wall_clock(void **state)
{
    /* 2026-11-21 10:07:27, a Saturday; 250 ms into the second. */
    const uint64_t wall = 1795255647ull * CLOCK_SECOND + 250 * MS;
    const struct time_regs t = {0x20, 0x26, 0x11, 0x21, 7, 0x10, 0x07, 0x27};
    const struct time_regs next = {0x20, 0x26, 0x11, 0x21, 7, 0x10, 0x07, 0x28};
    struct rig r;

    (void)state;
    assert_int_equal(begin(&r, wall), 0);
    expect_time(&r, &t);
    run_for(&r, 749 * MS);
    expect_time(&r, &t);
    run_for(&r, 1 * MS);
    expect_time(&r, &next);
    assert_int_equal(get(&r, D), 0x80);
    mc146818_destroy(r.rtc);
}

static void carries(void **state)
{
    static const struct {
        struct time_regs from;
        struct time_regs to;
    } rows[] = {
        {{0x20, 0x26, 0x01, 0x01, 5, 0x00, 0x00, 0x59},
         {0x20, 0x26, 0x01, 0x01, 5, 0x00, 0x01, 0x00}},
        {{0x20, 0x26, 0x01, 0x01, 5, 0x09, 0x59, 0x59},
         {0x20, 0x26, 0x01, 0x01, 5, 0x10, 0x00, 0x00}},
        {{0x20, 0x26, 0x01, 0x31, 7, 0x23, 0x59, 0x59},
         {0x20, 0x26, 0x02, 0x01, 1, 0x00, 0x00, 0x00}},
        {{0x20, 0x26, 0x04, 0x30, 5, 0x23, 0x59, 0x59},
         {0x20, 0x26, 0x05, 0x01, 6, 0x00, 0x00, 0x00}},
        /* years with and without 29 February */
        {{0x20, 0x24, 0x02, 0x28, 4, 0x23, 0x59, 0x59},
         {0x20, 0x24, 0x02, 0x29, 5, 0x00, 0x00, 0x00}},
        {{0x20, 0x24, 0x02, 0x29, 5, 0x23, 0x59, 0x59},
         {0x20, 0x24, 0x03, 0x01, 6, 0x00, 0x00, 0x00}},
        {{0x20, 0x26, 0x02, 0x28, 7, 0x23, 0x59, 0x59},
         {0x20, 0x26, 0x03, 0x01, 1, 0x00, 0x00, 0x00}},
        {{0x20, 0x00, 0x02, 0x28, 2, 0x23, 0x59, 0x59},
         {0x20, 0x00, 0x02, 0x29, 3, 0x00, 0x00, 0x00}},
        {{0x21, 0x00, 0x02, 0x28, 1, 0x23, 0x59, 0x59},
         {0x21, 0x00, 0x03, 0x01, 2, 0x00, 0x00, 0x00}},
        /* years and centuries */
        {{0x20, 0x26, 0x12, 0x31, 5, 0x23, 0x59, 0x59},
         {0x20, 0x27, 0x01, 0x01, 6, 0x00, 0x00, 0x00}},
        {{0x19, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x59},
         {0x20, 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00}},
        {{0x99, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x59},
         {0x00, 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00}},
        /* no daylight saving, on neither of its Sundays */
        {{0x20, 0x26, 0x04, 0x26, 1, 0x01, 0x59, 0x59},
         {0x20, 0x26, 0x04, 0x26, 1, 0x02, 0x00, 0x00}},
        {{0x20, 0x26, 0x10, 0x25, 1, 0x01, 0x59, 0x59},
         {0x20, 0x26, 0x10, 0x25, 1, 0x02, 0x00, 0x00}},
    };
    struct rig *r = *state;

    put(r, B, H24 | 0x01);
    assert_int_equal(get(r, B), H24); /* DSE is not there */
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        set_time(r, &rows[i].from);
        expect_time(r, &rows[i].from);
        run_for(r, CLOCK_SECOND);
        expect_time(r, &rows[i].to);
    }
}

/* The C library agrees about five centuries, in leaps of odd length. */
static void long_times(void **state)
{
    struct rig r;
    const uint64_t leap = 86400ull * 23 + 7919;
    time_t t = 0;

    (void)state;
    assert_int_equal(begin(&r, 0), 0);
    put(&r, B, H24 | BIN | SET);
    put(&r, 0x32, 19);
    put(&r, 0x09, 70);
    put(&r, B, H24 | BIN);
    for (unsigned i = 0; i < 8000; i++) {
        struct tm tm;

        t += (time_t)leap;
        r.clock.now += leap * CLOCK_SECOND;
        gmtime_r(&t, &tm);
        expect_time(&r, &(struct time_regs){
                            .century = (uint8_t)((tm.tm_year + 1900) / 100),
                            .year = (uint8_t)(tm.tm_year % 100),
                            .month = (uint8_t)(tm.tm_mon + 1),
                            .mday = (uint8_t)tm.tm_mday,
                            .wday = (uint8_t)(tm.tm_wday + 1),
                            .hour = (uint8_t)tm.tm_hour,
                            .min = (uint8_t)tm.tm_min,
                            .sec = (uint8_t)tm.tm_sec});
    }
    assert_true(get(&r, 0x32) >= 24);
    mc146818_destroy(r.rtc);
}

/* Every hour of the day in the four formats. */
static void data_formats(void **state)
{
    static const char *const names[] = {"BCD 12", "BCD 24", "bin 12", "bin 24"};
    struct rig *r = *state;

    for (unsigned f = 0; f < 4; f++) {
        const bool bin = f & 2;
        const bool h24 = f & 1;
        struct time_regs t = {bin ? 20 : 0x20, bin ? 26 : 0x26, 1, 1, 5, 0,
                              bin ? 59 : 0x59, bin ? 59 : 0x59};

        put(r, B, (bin ? BIN : 0) | (h24 ? H24 : 0));
        t.hour = h24 ? (bin ? 23 : 0x23) : (bin ? 0x80 | 11 : 0x91);
        set_time(r, &t);
        for (unsigned h = 0; h < 24; h++) {
            const unsigned shown = h24 ? h : (h + 11) % 12 + 1;
            unsigned v = bin ? shown : shown / 10 << 4 | shown % 10;

            if (!h24 && h >= 12)
                v |= 0x80;
            run_for(r, h == 0 ? CLOCK_SECOND : 3600 * CLOCK_SECOND);
            if (get(r, 4) != v)
                fail_msg("%s: hour %u reads %x", names[f], h, get(r, 4));
            assert_int_equal(get(r, 7), 2);
        }
    }
}

/* Nonsense is kept as written until a carry goes through it. */
static void nonsense_is_survived(void **state)
{
    struct rig *r = *state;

    for (unsigned v = 0; v < 256; v++) {
        const uint8_t x = (uint8_t)v;
        const struct time_regs t = {x, x, x, x, x, x, x, x};

        put(r, B, v & (BIN | H24));
        set_time(r, &t);
        put(r, 1, v);
        put(r, 3, v);
        put(r, 5, v);
        expect_time(r, &t);
        put(r, B, (v & (BIN | H24)) | AIE);
        run_for(r, 3 * CLOCK_SECOND);
        r->clock.now += 400ull * 86400 * CLOCK_SECOND;
        run_for(r, CLOCK_SECOND);
        if (v & BIN) {
            assert_in_range(get(r, 0), 0, 59);
            assert_in_range(get(r, 7), 1, 31);
            assert_in_range(get(r, 8), 1, 12);
        }
        put(r, B, 0);
    }
}

static void set_holds_the_update(void **state)
{
    struct rig *r = *state;

    put(r, B, H24 | UIE);
    put(r, B, H24 | UIE | SET);
    assert_int_equal(get(r, B), H24 | SET); /* SET clears UIE */
    get(r, C);
    put(r, 0, 0x42);
    run_for(r, 10 * CLOCK_SECOND + 999 * MS);
    assert_int_equal(get(r, 0), 0x42);
    assert_int_equal(get(r, A), 0x26); /* no UIP */
    assert_int_equal(get(r, C), PF);
    put(r, B, H24);
    run_for(r, 1 * MS);
    assert_int_equal(get(r, 0), 0x43);
    assert_int_equal(get(r, C) & UF, UF);
}

/* UIP rises 244 us before the update, which takes 1984 us. */
static void update_in_progress(void **state)
{
    struct rig *r = *state;

    assert_int_equal(get(r, A), 0x26);
    run_for(r, CLOCK_SECOND - 2229 * US);
    assert_int_equal(get(r, A), 0x26);
    run_for(r, 2 * US);
    assert_int_equal(get(r, A), 0xa6);
    assert_int_equal(get(r, 0), 0x00);
    run_for(r, 2226 * US);
    assert_int_equal(get(r, A), 0xa6);
    run_for(r, 1 * US);
    assert_int_equal(get(r, A), 0x26);
    assert_int_equal(get(r, 0), 0x01);
    put(r, A, 0xff);
    assert_int_equal(get(r, A), 0x7f); /* UIP is not the guest's */
}

/* The first update comes half a second after the chain starts. */
static void the_chain_starts_anew(void **state)
{
    struct rig *r = *state;

    run_for(r, 300 * MS);
    put(r, A, 0x76);
    put(r, 0, 0x10);
    run_for(r, 5 * CLOCK_SECOND);
    assert_int_equal(get(r, 0), 0x10);
    get(r, C);
    run_for(r, CLOCK_SECOND);
    assert_int_equal(get(r, C), 0);
    put(r, A, 0x26);
    run_for(r, 499 * MS);
    assert_int_equal(get(r, 0), 0x10);
    run_for(r, 1 * MS);
    assert_int_equal(get(r, 0), 0x11);
    run_for(r, 999 * MS);
    assert_int_equal(get(r, 0), 0x11);
    run_for(r, 1 * MS);
    assert_int_equal(get(r, 0), 0x12);
}

static void update_ended_interrupt(void **state)
{
    struct rig *r = *state;

    put(r, B, H24 | UIE);
    get(r, C);
    for (unsigned i = 0; i < 5; i++) {
        run_for(r, 999 * MS);
        assert_int_equal(wire_rises(&r->irq8), 0);
        run_for(r, 1 * MS);
        assert_int_equal(wire_rises(&r->irq8), 1);
        assert_int_equal(get(r, C) & (uint8_t)~PF, IRQF | UF);
        assert_false(r->irq8.intr.level);
        assert_int_equal(get(r, C), 0);
    }
    /* A flag without its enable: no line, and then there is one. */
    put(r, B, H24);
    run_for(r, CLOCK_SECOND);
    assert_int_equal(wire_rises(&r->irq8), 0);
    put(r, B, H24 | UIE);
    assert_int_equal(wire_rises(&r->irq8), 1);
}

struct alarm_row {
    uint8_t hour, min, sec;
    unsigned first; /* seconds after 10:20:30 */
    unsigned then;  /* and after that one */
};

static void alarms(void **state)
{
    static const struct alarm_row rows[] = {
        {0x10, 0x20, 0x31, 1, 86400},     {0x10, 0x20, 0x30, 86400, 86400},
        {0x10, 0x20, 0x29, 86399, 86400}, {0x09, 0x00, 0x00, 81570, 86400},
        {0xff, 0xff, 0xff, 1, 1},         {0xff, 0xff, 0x00, 30, 60},
        {0xc0, 0xc5, 0x30, 60, 60},       {0xff, 0x20, 0x00, 3570, 3600},
        {0xff, 0x21, 0xff, 30, 1},        {0x11, 0xff, 0x15, 2385, 60},
        {0x12, 0xff, 0xff, 5970, 1},
    };
    const struct time_regs t = {0x20, 0x26, 1, 1, 5, 0x10, 0x20, 0x30};
    struct rig *r = *state;

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        const struct alarm_row *a = &rows[i];

        put(r, B, H24);
        set_time(r, &t);
        put(r, 5, a->hour);
        put(r, 3, a->min);
        put(r, 1, a->sec);
        get(r, C);
        put(r, B, H24 | AIE);
        wire_rises(&r->irq8);
        run_for(r, a->first * CLOCK_SECOND - MS);
        assert_int_equal(wire_rises(&r->irq8), 0);
        run_for(r, MS);
        assert_int_equal(wire_rises(&r->irq8), 1);
        assert_int_equal(get(r, C) & (IRQF | AF), IRQF | AF);
        run_for(r, a->then * CLOCK_SECOND - MS);
        assert_int_equal(wire_rises(&r->irq8), 0);
        run_for(r, MS);
        assert_int_equal(wire_rises(&r->irq8), 1);
    }
}

static void alarms_that_never_come(void **state)
{
    static const uint8_t rows[][3] = {
        {0x24, 0, 0}, {0, 0x60, 0}, {0, 0, 0x60}, {0x0a, 0, 0}, {0, 0, 0xbf},
    };
    struct rig *r = *state;

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        put(r, 5, rows[i][0]);
        put(r, 3, rows[i][1]);
        put(r, 1, rows[i][2]);
        put(r, B, H24 | AIE);
        assert_int_equal(r->clock.deadline, CLOCK_NEVER);
        r->clock.now += 3 * 86400 * CLOCK_SECOND;
        assert_int_equal(get(r, C) & AF, 0);
    }
    /* 12 hours: 11 at night is 0x91. */
    put(r, B, AIE);
    put(r, 5, 0x91);
    put(r, 3, 0x00);
    put(r, 1, 0x00);
    get(r, C);
    run_for(r, 86400 * CLOCK_SECOND);
    assert_int_equal(get(r, C) & AF, AF);
    assert_int_equal(wire_rises(&r->irq8), 1);
}

/* Slept through: the alarm is still found, once. */
static void an_alarm_in_a_leap(void **state)
{
    struct rig *r = *state;

    put(r, 5, 0x12);
    put(r, 3, 0x00);
    put(r, 1, 0x00);
    get(r, C);
    r->clock.now += 43199 * CLOCK_SECOND;
    assert_int_equal(get(r, C) & AF, 0);
    r->clock.now += 10 * CLOCK_SECOND;
    assert_int_equal(get(r, C) & AF, AF);
    r->clock.now += 86000 * CLOCK_SECOND;
    assert_int_equal(get(r, C) & AF, 0);
}

static void periodic_rates(void **state)
{
    static const unsigned per_10s[] = {
        0,    2560, 1280, 81920, 40960, 20480, 10240, 5120,
        2560, 1280, 640,  320,   160,   80,    40,    20,
    };
    struct rig *r = *state;

    for (unsigned rate = 0; rate < 16; rate++) {
        const uint64_t until = r->clock.now + 10 * CLOCK_SECOND;
        unsigned seen = 0;

        put(r, A, 0x20 | rate);
        put(r, B, H24 | PIE);
        get(r, C);
        while (fake_clock_next(&r->clock, until)) {
            mc146818_tick(r->rtc);
            assert_true(r->irq8.intr.level);
            assert_int_equal(get(r, C) & (IRQF | PF), IRQF | PF);
            seen++;
        }
        assert_int_equal(seen, per_10s[rate]);
    }
}

/* A guest that was slow to read C gets what it missed, at twice the rate. */
static void missed_periods_are_given_back(void **state)
{
    struct rig *r = *state;
    unsigned seen = 0;

    put(r, A, 0x2a); /* 64 Hz */
    put(r, B, H24 | PIE);
    get(r, C);
    run_for(r, 500 * MS); /* nobody reads */
    assert_int_equal(wire_rises(&r->irq8), 1);
    for (unsigned ms = 0; ms < 2000; ms++) {
        run_for(r, MS);
        if (r->irq8.intr.level) {
            seen++;
            get(r, C);
        }
    }
    assert_in_range(seen, 159, 161);
    /* Polling without PIE is owed nothing. */
    put(r, B, H24);
    r->clock.now += CLOCK_SECOND;
    assert_int_equal(get(r, C) & PF, PF);
    r->clock.now += 8 * MS;
    get(r, C);
    assert_int_equal(get(r, C), 0);
}

static void reset_keeps_the_time(void **state)
{
    const struct time_regs t = {0x20, 0x26, 1, 1, 5, 0x10, 0x20, 0x30};
    struct rig *r = *state;

    set_time(r, &t);
    put(r, 0x0f, 0x5a);
    put(r, B, H24 | PIE | AIE | UIE | 0x08);
    run_for(r, 10 * MS);
    assert_true(r->irq8.intr.level);
    mc146818_reset(r->rtc);
    assert_false(r->irq8.intr.level);
    assert_int_equal(get(r, B), H24);
    assert_int_equal(get(r, C), 0);
    assert_int_equal(get(r, 0x0f), 0x5a);
    expect_time(r, &t);
}

static void ram_and_index(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0x0e; i < MC146818_BYTES; i++)
        put(r, i, i ^ 0x5a);
    for (unsigned i = 0x0e; i < MC146818_BYTES; i++)
        if (i != MC146818_CENTURY)
            assert_int_equal(get(r, i), i ^ 0x5a);
    /* Bit 7 of the index is the NMI's; the index does not read back. */
    assert_false(mc146818_nmi_masked(r->rtc));
    assert_int_equal(get(r, 0x80 | 0x40), 0x40 ^ 0x5a);
    assert_true(mc146818_nmi_masked(r->rtc));
    assert_int_equal(chip_read(&mc146818_ops, r->rtc, 0, 1), 0xff);
    put(r, D, 0x00);
    assert_int_equal(get(r, D), 0x80);
    /* A word: index and data at once. */
    chip_write(&mc146818_ops, r->rtc, 0, 0x7733, 2);
    assert_int_equal(get(r, 0x33), 0x77);
    assert_int_equal(mc146818_get(r->rtc, 0x33), 0x77);
}

static void memory_sizes(void **state)
{
    static const struct {
        uint64_t low, high;
        unsigned base, ext, ext64, above;
    } rows[] = {
        {640 * KIB, 0, 640, 0, 0, 0},
        {8 * MIB, 0, 640, 7168, 0, 0},
        {128 * MIB, 0, 640, 0xfc00, 1792, 0},
        {3 * GIB, 5 * GIB, 640, 0xfc00, 48896, 81920},
        {3 * GIB, 1ull << 41, 640, 0xfc00, 48896, 0xffffff},
    };
    struct rig *r = *state;

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        mc146818_set_memory(r->rtc, rows[i].low, rows[i].high);
        assert_int_equal(get(r, 0x15) | get(r, 0x16) << 8, rows[i].base);
        assert_int_equal(get(r, 0x17) | get(r, 0x18) << 8, rows[i].ext);
        assert_int_equal(get(r, 0x30) | get(r, 0x31) << 8, rows[i].ext);
        assert_int_equal(get(r, 0x34) | get(r, 0x35) << 8, rows[i].ext64);
        assert_int_equal(get(r, 0x5b) | get(r, 0x5c) << 8 | get(r, 0x5d) << 16,
                         rows[i].above);
    }
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_with_the_wall_clock),
        ROW(carries),
        cmocka_unit_test(long_times),
        ROW(data_formats),
        ROW(nonsense_is_survived),
        ROW(set_holds_the_update),
        ROW(update_in_progress),
        ROW(the_chain_starts_anew),
        ROW(update_ended_interrupt),
        ROW(alarms),
        ROW(alarms_that_never_come),
        ROW(an_alarm_in_a_leap),
        ROW(periodic_rates),
        ROW(missed_periods_are_given_back),
        ROW(reset_keeps_the_time),
        ROW(ram_and_index),
        ROW(memory_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
