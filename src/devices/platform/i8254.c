// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * i8254.c: the Intel 8254; see i8254.h. Source: its datasheet (order number
 * 231164); port 0x61 from the 82371AB (PIIX4, 290562), 4.2.7.
 *
 * Nothing happens between two accesses: a counter is a few words of state,
 * and counter_run moves them on by any number of clock pulses at once, with
 * the same result as one by one. How many pulses have passed is computed
 * from the time. The names are the datasheet's: CR is what was written, CE
 * what counts; CR goes into CE with a pulse of its own.
 *
 * Counter 0's rising edges are the timer interrupts. Its line does not
 * follow OUT down in the periodic modes: it stays high until just before the
 * next edge, so that a guest that is slow to acknowledge has a whole period
 * and not half of one before the 8259 forgets the request. That difference
 * can be seen in the 8259's IRR and nowhere else.
 *
 * A count of 1 is illegal in modes 2 and 3; it counts as 2 here. Counter 1
 * has no memory to refresh: port 0x61 toggles its bit as if it had.
 */
#include "devices/platform/i8254.h"
#include "devices/platform/bytes.h"
#include "vmm/log.h"

#include <stdlib.h>

#define COUNTERS     3u
#define PORT_CONTROL 3u

/* The control word. */
#define CW_BCD        0x01u
#define CW_MODE_SHIFT 1
#define CW_RW_SHIFT   4
#define CW_PROGRAM    0x3fu /* what the status byte repeats */
#define CW_SELECT     6
#define SELECT_BACK   3u /* the read-back command */
#define BACK_NO_COUNT 0x20u
#define BACK_NO_STAT  0x10u
#define RW_LATCH      0u
#define RW_LSB        1u
#define RW_MSB        2u
#define RW_BOTH       3u

#define STATUS_OUT  0x80u
#define STATUS_NULL 0x40u

/* Port 0x61. */
#define B_GATE2   0x01u
#define B_SPEAKER 0x02u
#define B_KEPT    0x0fu
#define B_REFRESH 0x10u
#define B_OUT2    0x20u

#define REFRESH_PULSES 18u /* 15.085 us */

enum mode {
    TERMINAL_COUNT,
    ONE_SHOT,
    RATE,
    SQUARE,
    SOFT_STROBE,
    HARD_STROBE,
};

struct counter {
    uint8_t program; /* the control word's RW, mode and BCD */
    uint8_t rw;
    enum mode mode;
    bool bcd;
    uint16_t cr;
    uint32_t n;  /* CE's first value */
    uint32_t ce; /* SQUARE: pulses left of this half; else the count */
    bool gate;
    bool out;
    uint64_t rises;  /* of out, not yet told */
    bool has_count;  /* CR was written since the control word */
    bool null_count; /* CR was not yet loaded into CE */
    bool load;       /* the next pulse loads CE */
    bool counting;   /* CE was loaded since the control word */
    bool expiry;     /* not periodic: reaching 0 will mean something */
    bool strobe;     /* out is low for one pulse */
    bool halted;     /* TERMINAL_COUNT: between two bytes of a count */
    uint8_t lsb;     /* the first byte */
    bool write_msb;  /* the second is next */
    bool read_msb;
    bool count_latched;
    bool status_latched;
    uint16_t count_latch;
    uint8_t status_latch;
};

struct i8254 {
    struct counter counter[COUNTERS];
    struct chip_clock clock;
    struct intr *irq0; /* borrowed */
    struct owed owed;
    uint64_t pulses; /* since the clock's beginning, as far as run */
    uint64_t armed;
    uint8_t port_b;
};

static void program(struct counter *c, uint8_t v);

struct i8254 *i8254_create(const struct chip_clock *clock, struct intr *irq0)
{
    struct i8254 *pit = calloc(1, sizeof(*pit));

    if (!pit) {
        log_error("i8254: out of memory");
        return NULL;
    }
    pit->clock = *clock;
    pit->irq0 = irq0;
    pit->armed = CLOCK_NEVER;
    pit->pulses = clock_ticks(clock->now(clock->ctx), I8254_HZ);
    for (unsigned i = 0; i < COUNTERS; i++) {
        struct counter *c = &pit->counter[i];

        c->gate = i < 2; /* counter 2's is in port 0x61 */
        program(c, RW_BOTH << CW_RW_SHIFT);
    }
    return pit;
}

void i8254_destroy(struct i8254 *pit)
{
    free(pit);
}

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

static bool is_periodic(const struct counter *c)
{
    return c->mode == RATE || c->mode == SQUARE;
}

/* What CE gets from CR: 0 is the largest count. */
static uint32_t count_of(const struct counter *c)
{
    uint32_t n = c->bcd ? from_bcd(c->cr) : c->cr;

    if (n == 0)
        n = base_of(c);
    return n == 1 && is_periodic(c) ? 2 : n;
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
    c->expiry = !is_periodic(c);
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

static void counter_run(struct counter *c, uint64_t pulses)
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
static uint64_t to_rise(const struct counter *c)
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

/* Run the counters up to now. */
static void run(struct i8254 *pit)
{
    const uint64_t now = pit->clock.now(pit->clock.ctx);
    const uint64_t pulses = clock_ticks(now, I8254_HZ);

    for (unsigned i = 0; i < COUNTERS; i++)
        counter_run(&pit->counter[i], pulses - pit->pulses);
    pit->pulses = pulses;
}

/* Of counter 0; 0 if it does not repeat. */
static uint64_t period_of(const struct i8254 *pit)
{
    const struct counter *c = &pit->counter[0];

    return is_periodic(c) ? clock_ns(c->n, I8254_HZ) : 0;
}

static void interrupt(struct i8254 *pit)
{
    intr_lower(pit->irq0);
    intr_raise(pit->irq0);
}

/* Deliver counter 0's edges, and what is owed of earlier ones. */
static void deliver(struct i8254 *pit, uint64_t now)
{
    struct counter *c = &pit->counter[0];
    const uint64_t rises = c->rises;

    c->rises = 0;
    if (rises) {
        owed_deliver(&pit->owed, now, rises, period_of(pit));
        interrupt(pit);
    } else if (owed_next(&pit->owed, period_of(pit)) <= now) {
        owed_pay(&pit->owed, now);
        interrupt(pit);
    }
    if (c->mode == TERMINAL_COUNT && !c->out)
        intr_lower(pit->irq0);
}

static void arm(struct i8254 *pit)
{
    const uint64_t rise = to_rise(&pit->counter[0]);
    const uint64_t owed = owed_next(&pit->owed, period_of(pit));
    uint64_t deadline = owed;

    if (rise != CLOCK_NEVER && clock_ns(pit->pulses + rise, I8254_HZ) < owed)
        deadline = clock_ns(pit->pulses + rise, I8254_HZ);
    if (deadline < pit->owed.last + CLOCK_MIN_GAP)
        deadline = pit->owed.last + CLOCK_MIN_GAP;
    if (deadline == pit->armed)
        return;
    pit->armed = deadline;
    pit->clock.arm(pit->clock.ctx, deadline);
}

/* After the state changed: tell whoever is to know. */
static void settle(struct i8254 *pit)
{
    deliver(pit, pit->clock.now(pit->clock.ctx));
    arm(pit);
}

void i8254_tick(struct i8254 *pit)
{
    pit->armed = CLOCK_NEVER;
    run(pit);
    settle(pit);
}

void i8254_tick_taken(struct i8254 *pit)
{
    owed_take(&pit->owed);
    if (pit->owed.n)
        i8254_tick(pit);
}

void i8254_forgive(struct i8254 *pit)
{
    owed_clear(&pit->owed);
}

/* A control word that is no command: the counter waits for a count. */
static void program(struct counter *c, uint8_t v)
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

static void latch_count(struct counter *c)
{
    if (!c->count_latched)
        c->count_latch = value_of(c);
    c->count_latched = true;
}

static void latch_status(struct counter *c)
{
    if (!c->status_latched)
        c->status_latch = (uint8_t)(c->program | (c->out ? STATUS_OUT : 0) |
                                    (c->null_count ? STATUS_NULL : 0));
    c->status_latched = true;
}

static void read_back(struct i8254 *pit, uint8_t v)
{
    for (unsigned i = 0; i < COUNTERS; i++) {
        if (!(v & 2u << i))
            continue;
        if (!(v & BACK_NO_COUNT))
            latch_count(&pit->counter[i]);
        if (!(v & BACK_NO_STAT))
            latch_status(&pit->counter[i]);
    }
}

static void write_control(struct i8254 *pit, uint8_t v)
{
    const unsigned i = v >> CW_SELECT;

    if (i == SELECT_BACK) {
        read_back(pit, v);
    } else if ((v >> CW_RW_SHIFT & 3) == RW_LATCH) {
        latch_count(&pit->counter[i]);
    } else {
        program(&pit->counter[i], v);
        /* Whoever sets up a timer has not missed ticks of it. */
        if (i == 0) {
            owed_clear(&pit->owed);
            pit->counter[i].rises = pit->counter[i].rises != 0;
        }
    }
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
    if (c->mode == TERMINAL_COUNT || c->mode == SOFT_STROBE)
        c->load = true;
    else if (is_periodic(c) && !c->counting)
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

static void write_count(struct counter *c, uint8_t v)
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

static uint8_t read_count(struct counter *c)
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
static void set_gate(struct counter *c, bool level)
{
    const bool rises = level && !c->gate;

    c->gate = level;
    if (!level && is_periodic(c))
        set_out(c, true);
    if (rises && c->has_count && c->mode != TERMINAL_COUNT &&
        c->mode != SOFT_STROBE)
        c->load = true;
}

static uint8_t port_byte(void *dev, uint64_t off)
{
    struct i8254 *pit = dev;

    if (off == PORT_CONTROL)
        return UINT8_MAX; /* write only */
    return read_count(&pit->counter[off]);
}

static void port_set(void *dev, uint64_t off, uint8_t v)
{
    struct i8254 *pit = dev;

    if (off == PORT_CONTROL)
        write_control(pit, v);
    else
        write_count(&pit->counter[off], v);
}

static void pit_read(void *dev, uint64_t off, void *data, unsigned n)
{
    run(dev);
    bytes_read(port_byte, dev, off, data, n);
    settle(dev);
}

static void pit_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    run(dev);
    bytes_write(port_set, dev, off, data, n);
    settle(dev);
}

static void speaker_read(void *dev, uint64_t off, void *data, unsigned n)
{
    struct i8254 *pit = dev;
    uint8_t v = pit->port_b;

    (void)off;
    (void)n; /* the range is one port wide */
    run(pit);
    if (pit->pulses / REFRESH_PULSES % 2)
        v |= B_REFRESH;
    if (pit->counter[2].out)
        v |= B_OUT2;
    *(uint8_t *)data = v;
    settle(pit);
}

static void speaker_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct i8254 *pit = dev;
    const uint8_t v = *(const uint8_t *)data;

    (void)off;
    (void)n;
    run(pit);
    pit->port_b = v & B_KEPT;
    set_gate(&pit->counter[2], v & B_GATE2);
    settle(pit);
}

const struct io_ops i8254_ops = {
    .name = "i8254",
    .read = pit_read,
    .write = pit_write,
};

const struct io_ops i8254_speaker_ops = {
    .name = "port61",
    .read = speaker_read,
    .write = speaker_write,
};
