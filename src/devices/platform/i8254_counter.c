// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * i8254_counter.c: one counter of the 8254; see i8254_counter.h. Source: its
 * datasheet (order number 231164).
 *
 * Nothing happens between two accesses: a counter is a few words of state,
 * and counter_run moves them on by any number of clock pulses at once, with
 * the same result as one by one. The names are the datasheet's: CR is what
 * was written, CE what counts; CR goes into CE with a pulse of its own.
 *
 * A count of 1 is illegal in modes 2 and 3; it counts as 2 here.
 */
#include "devices/platform/i8254_counter.h"
#include "devices/platform/clock.h"

/* The control word. */
#define CW_BCD        0x01u
#define CW_MODE_SHIFT 1
#define CW_RW_SHIFT   4
#define CW_PROGRAM    0x3fu /* what the status byte repeats */
#define RW_LSB        1u
#define RW_MSB        2u
#define RW_BOTH       3u

#define STATUS_OUT  0x80u
#define STATUS_NULL 0x40u

static uint32_t from_bcd(uint32_t v)
{
    return v % 16 + v / 16 % 16 * 10 + v / 256 % 16 * 100 + v / 4096 * 1000;
}

static uint32_t to_bcd(uint32_t v)
{
    return v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12;
}

/* One more than the largest count. */
static uint32_t base_of(const struct counter *c)
{
    return c->bcd ? 10000 : 65536;
}

bool counter_repeats(const struct counter *c)
{
    return c->mode == RATE || c->mode == SQUARE;
}

/* What CE gets from CR: 0 is the largest count. */
static uint32_t count_of(const struct counter *c)
{
    uint32_t n = c->bcd ? from_bcd(c->cr) : c->cr;

    if (n == 0)
        n = base_of(c);
    return n == 1 && counter_repeats(c) ? 2 : n;
}

static void set_out(struct counter *c, bool level)
{
    c->rises += level && !c->out;
    c->out = level;
}

static void take_count(struct counter *c)
{
    c->n = count_of(c);
    c->null_count = false;
}

/* The pulse that loads CE. */
static void load(struct counter *c)
{
    take_count(c);
    c->ce = c->mode == SQUARE ? (c->n + 1) / 2 : c->n;
    c->load = false;
    c->counting = true;
    c->strobe = false;
    c->expiry = !counter_repeats(c);
    set_out(c, c->mode != TERMINAL_COUNT && c->mode != ONE_SHOT);
}

/* Does the gate (or half a count) keep CE from counting? */
static bool is_stopped(const struct counter *c)
{
    if (!c->counting || c->halted)
        return true;
    return !c->gate && c->mode != ONE_SHOT && c->mode != HARD_STROBE;
}

/* Mode 2: low while CE is 1; the pulse after that loads CE anew. */
static void run_rate(struct counter *c, uint64_t pulses)
{
    if (pulses >= c->ce) {
        pulses -= c->ce;
        take_count(c);
        c->rises += pulses / c->n;
        c->ce = c->n;
        pulses %= c->n;
        set_out(c, false); /* it was, if only for the last pulse */
        set_out(c, true);
    }
    c->ce -= (uint32_t)pulses;
    set_out(c, c->ce > 1);
}

/* Mode 3: the end of a half toggles, and takes a new count if there is one. */
static void toggle(struct counter *c)
{
    take_count(c);
    set_out(c, !c->out);
    c->ce = c->out ? (c->n + 1) / 2 : c->n / 2;
}

static void run_square(struct counter *c, uint64_t pulses)
{
    if (pulses >= c->ce) {
        pulses -= c->ce;
        toggle(c);
        c->rises += pulses / c->n;
        pulses %= c->n;
    }
    if (pulses >= c->ce) {
        pulses -= c->ce;
        toggle(c);
    }
    c->ce -= (uint32_t)pulses;
}

/* The others: something happens at 0, once; CE wraps and counts on. */
static void run_once(struct counter *c, uint64_t pulses)
{
    const uint32_t base = base_of(c);
    const bool strobes = c->mode == SOFT_STROBE || c->mode == HARD_STROBE;

    if (c->expiry && pulses >= c->ce) {
        pulses -= c->ce;
        c->ce = 0;
        c->expiry = false;
        c->strobe = strobes;
        set_out(c, !strobes);
    }
    if (c->strobe && pulses) {
        c->strobe = false;
        set_out(c, true);
    }
    if (pulses)
        c->ce = (uint32_t)((c->ce + base - pulses % base) % base);
}

void counter_run(struct counter *c, uint64_t pulses)
{
    if (c->load && pulses) {
        load(c);
        pulses--;
    }
    if (!pulses || is_stopped(c))
        return;
    if (c->mode == RATE)
        run_rate(c, pulses);
    else if (c->mode == SQUARE)
        run_square(c, pulses);
    else
        run_once(c, pulses);
}

/* Pulses until OUT rises by itself, or CLOCK_NEVER. */
uint64_t counter_to_rise(const struct counter *c)
{
    struct counter next = *c;

    if (c->load)
        load(&next);
    if (next.rises != c->rises)
        return 1;
    if (is_stopped(&next))
        return CLOCK_NEVER;
    switch (next.mode) {
    case RATE:
        return c->load + next.ce;
    case SQUARE:
        return c->load + next.ce + (next.out ? count_of(&next) / 2 : 0);
    case SOFT_STROBE:
    case HARD_STROBE:
        if (next.strobe)
            return 1;
        return next.expiry ? c->load + next.ce + 1u : CLOCK_NEVER;
    case TERMINAL_COUNT:
    case ONE_SHOT:
    default:
        return next.expiry ? c->load + next.ce : CLOCK_NEVER;
    }
}

static uint16_t value_of(const struct counter *c)
{
    uint32_t v = c->ce;

    if (c->mode == SQUARE && c->counting) {
        const uint32_t half = c->out ? (c->n + 1) / 2 : c->n / 2;

        v = (c->n & ~1u) - 2 * (half - c->ce); /* it counts by two */
    }
    return (uint16_t)(c->bcd ? to_bcd(v % base_of(c)) : v);
}

/* A control word that is no command: the counter waits for a count. */
void counter_program(struct counter *c, uint8_t v)
{
    const unsigned mode = v >> CW_MODE_SHIFT & 7;

    c->program = v & CW_PROGRAM;
    c->rw = v >> CW_RW_SHIFT & 3;
    c->mode = (enum mode)(mode > HARD_STROBE ? mode & 3 : mode);
    c->bcd = v & CW_BCD;
    c->has_count = c->load = c->counting = false;
    c->expiry = c->strobe = c->halted = false;
    c->write_msb = c->read_msb = false;
    c->count_latched = c->status_latched = false;
    c->null_count = true;
    set_out(c, c->mode != TERMINAL_COUNT);
}

void counter_latch_count(struct counter *c)
{
    if (!c->count_latched)
        c->count_latch = value_of(c);
    c->count_latched = true;
}

void counter_latch_status(struct counter *c)
{
    if (!c->status_latched)
        c->status_latch = (uint8_t)(c->program | (c->out ? STATUS_OUT : 0) |
                                    (c->null_count ? STATUS_NULL : 0));
    c->status_latched = true;
}

/* CR is complete. */
static void count_written(struct counter *c, uint16_t cr)
{
    c->cr = cr;
    c->has_count = true;
    c->null_count = true;
    c->halted = false;
    if (c->mode == TERMINAL_COUNT) {
        c->expiry = false;
        set_out(c, false);
    }
    /* Triggered modes wait for the gate, periodic ones for their reload. */
    if (c->mode == TERMINAL_COUNT || c->mode == SOFT_STROBE ||
        (counter_repeats(c) && !c->counting))
        c->load = true;
}

/* The first of two bytes stops mode 0, and nothing else. */
static void write_lsb(struct counter *c, uint8_t v)
{
    c->lsb = v;
    c->write_msb = true;
    if (c->mode != TERMINAL_COUNT)
        return;
    c->halted = true;
    c->expiry = false;
    c->load = false;
    set_out(c, false);
}

void counter_write(struct counter *c, uint8_t v)
{
    if (c->rw == RW_LSB) {
        count_written(c, v);
    } else if (c->rw == RW_MSB) {
        count_written(c, (uint16_t)(v << 8));
    } else if (!c->write_msb) {
        write_lsb(c, v);
    } else {
        c->write_msb = false;
        count_written(c, (uint16_t)(v << 8 | c->lsb));
    }
}

uint8_t counter_read(struct counter *c)
{
    const uint16_t v = c->count_latched ? c->count_latch : value_of(c);
    const bool msb = c->rw == RW_MSB || c->read_msb;

    if (c->status_latched) {
        c->status_latched = false;
        return c->status_latch;
    }
    if (c->rw == RW_BOTH)
        c->read_msb = !c->read_msb;
    if (!c->read_msb)
        c->count_latched = false;
    return (uint8_t)(msb ? v >> 8 : v);
}

/* A rising gate triggers the modes that know triggers. */
void counter_set_gate(struct counter *c, bool level)
{
    const bool rises = level && !c->gate;

    c->gate = level;
    if (!level && counter_repeats(c))
        set_out(c, true);
    if (rises && c->has_count && c->mode != TERMINAL_COUNT &&
        c->mode != SOFT_STROBE)
        c->load = true;
}
