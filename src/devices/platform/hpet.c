// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hpet.c: the high precision event timers; see hpet.h. Source: IA-PC HPET
 * specification 1.0a; names are its own.
 *
 * The main counter is computed from the time; comparators are run over the
 * stretch since they were looked at last. A match is equality: a comparator
 * set to what has passed fires when the counter comes round again (in 32-bit
 * mode after 43 seconds), as the specification warns (2.3.9.2.1).
 *
 * An edge is a fall and a rise: the line stays high until just before the
 * next one, so that neither an 8259 nor a masked pin loses it. A write of
 * less than a dword, or across one, is none of the chip's and is ignored.
 *
 * VAL_SET: the next write of the comparator sets the accumulator as well as
 * the period; any write of either half ends it.
 */
#include "devices/platform/hpet.h"
#include "vmm/intr.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

#define TICK_NS (CLOCK_SECOND / HPET_HZ)

/* Offsets. */
#define REG_CAP    0x000u
#define REG_CONF   0x010u
#define REG_STATUS 0x020u
#define REG_MAIN   0x0f0u
#define REG_TIMERS 0x100u
#define TIMER_SIZE 0x20u
#define TIMER_CONF 0x00u
#define TIMER_COMP 0x08u

#define CAP_FEMTO  10000000ull /* of a tick */
#define CONF_ON    0x1u
#define CONF_LEGAC 0x2u

/* A timer's configuration. */
#define T_LEVEL       0x0002u
#define T_INT_ENB     0x0004u
#define T_PERIODIC    0x0008u
#define T_PERIOD_CAP  0x0010u
#define T_SIZE_CAP    0x0020u
#define T_VAL_SET     0x0040u
#define T_32MODE      0x0100u
#define T_ROUTE       0x3e00u
#define T_ROUTE_SHIFT 9
#define T_KEPT        (T_LEVEL | T_INT_ENB | T_PERIODIC | T_VAL_SET | T_32MODE)

#define BIT_32 (1ull << 32)
#define FAR    (1ull << 58) /* ticks; beyond this nothing is due */

struct timer {
    uint64_t conf;
    uint64_t comp;
    uint64_t period;
    struct owed owed;
    struct intr line;
};

struct hpet {
    struct chip_clock clock;
    struct hpet_hooks hooks;
    uint32_t pins;
    uint64_t conf;
    uint64_t status;
    uint64_t base;  /* the main counter at `start`, or while it is halted */
    uint64_t start; /* ns */
    uint64_t seen;  /* the main counter, as far as the timers were run */
    uint64_t armed;
    struct timer timer[HPET_TIMERS];
};

struct hpet *hpet_create(const struct chip_clock *clock, uint32_t pins,
                         const struct hpet_hooks *hooks)
{
    struct hpet *h = calloc(1, sizeof(*h));
    const unsigned first = (unsigned)__builtin_ctz(pins);

    BUG_ON(pins == 0);
    if (!h) {
        log_error("hpet: out of memory");
        return NULL;
    }
    h->clock = *clock;
    h->hooks = *hooks;
    h->pins = pins;
    h->armed = CLOCK_NEVER;
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        h->timer[i].comp = UINT64_MAX;
        h->timer[i].conf = first << T_ROUTE_SHIFT;
        h->timer[i].line =
            (struct intr){.set = hooks->set, .ctx = hooks->ctx, .line = first};
    }
    return h;
}

void hpet_destroy(struct hpet *h)
{
    free(h);
}

static uint64_t now_ns(const struct hpet *h)
{
    return h->clock.now(h->clock.ctx);
}

static uint64_t main_counter(const struct hpet *h)
{
    if (!(h->conf & CONF_ON))
        return h->base;
    return h->base + (now_ns(h) - h->start) / TICK_NS;
}

static bool is_narrow(const struct timer *t)
{
    return t->conf & T_32MODE;
}

static uint64_t cut(const struct timer *t, uint64_t v)
{
    return is_narrow(t) ? (uint32_t)v : v;
}

static bool repeats(const struct timer *t)
{
    return (t->conf & T_PERIODIC) && t->period;
}

/* Ticks from `from` to the next match, at least 1; UINT64_MAX: never. */
static uint64_t distance(const struct timer *t, uint64_t from)
{
    const uint64_t d = cut(t, t->comp - from);

    if (d)
        return d;
    return is_narrow(t) ? BIT_32 : UINT64_MAX;
}

static uint64_t period_ns(const struct timer *t)
{
    if (!repeats(t) || t->period > FAR)
        return 0;
    return t->period * TICK_NS;
}

static bool interrupts(const struct hpet *h, const struct timer *t)
{
    return (h->conf & CONF_ON) && (t->conf & T_INT_ENB);
}

/* Where a timer's line goes now. */
static unsigned line_of(const struct hpet *h, unsigned n)
{
    if (n < 2 && (h->conf & CONF_LEGAC))
        return n == 0 ? HPET_IRQ0 : HPET_IRQ8;
    return (unsigned)(h->timer[n].conf & T_ROUTE) >> T_ROUTE_SHIFT;
}

/* A level line follows its status; an edge line is left to itself. */
static void update_line(struct hpet *h, unsigned n)
{
    struct timer *t = &h->timer[n];
    const bool asks = (t->conf & T_LEVEL) && (h->status & 1u << n);

    if (t->line.line != line_of(h, n)) {
        intr_lower(&t->line);
        t->line.line = line_of(h, n);
    }
    if (!interrupts(h, t))
        intr_lower(&t->line);
    else if (t->conf & T_LEVEL)
        intr_set(&t->line, asks);
}

static void fire(struct hpet *h, unsigned n)
{
    struct timer *t = &h->timer[n];

    if (t->conf & T_LEVEL) {
        h->status |= 1u << n;
    } else if (interrupts(h, t)) {
        intr_lower(&t->line);
        intr_raise(&t->line);
    }
    update_line(h, n);
}

/* Matches in the next `ticks` ticks; the accumulator moves along. */
static uint64_t count_matches(const struct hpet *h, struct timer *t,
                              uint64_t ticks)
{
    const uint64_t d = distance(t, h->seen);
    uint64_t more;

    if (d > ticks)
        return 0;
    if (!repeats(t))
        return 1;
    more = (ticks - d) / t->period;
    t->comp = cut(t, t->comp + (more + 1) * t->period);
    return more + 1;
}

static void run_timer(struct hpet *h, unsigned n, uint64_t ticks)
{
    struct timer *t = &h->timer[n];
    const uint64_t matches = count_matches(h, t, ticks);

    if (matches) {
        owed_deliver(&t->owed, now_ns(h), matches, period_ns(t));
        fire(h, n);
    } else if (owed_next(&t->owed, period_ns(t)) <= now_ns(h)) {
        owed_pay(&t->owed, now_ns(h));
        fire(h, n);
    }
    if (!interrupts(h, t))
        owed_clear(&t->owed);
}

static void run(struct hpet *h)
{
    const uint64_t to = main_counter(h);

    for (unsigned n = 0; n < HPET_TIMERS && (h->conf & CONF_ON); n++)
        run_timer(h, n, to - h->seen);
    h->seen = to;
}

/* When a timer wants to be run next. Its line being up can wait. */
static uint64_t timer_deadline(const struct hpet *h, unsigned n)
{
    const struct timer *t = &h->timer[n];
    const uint64_t d = distance(t, h->seen);
    uint64_t next = owed_next(&t->owed, period_ns(t));

    if (!interrupts(h, t) || ((t->conf & T_LEVEL) && (h->status & 1u << n)))
        return CLOCK_NEVER;
    if (d <= FAR && h->start + (h->seen - h->base + d) * TICK_NS < next)
        next = h->start + (h->seen - h->base + d) * TICK_NS;
    if (next < t->owed.last + CLOCK_MIN_GAP)
        next = t->owed.last + CLOCK_MIN_GAP;
    return next;
}

static void arm(struct hpet *h)
{
    uint64_t next = CLOCK_NEVER;

    for (unsigned n = 0; n < HPET_TIMERS; n++)
        if (timer_deadline(h, n) < next)
            next = timer_deadline(h, n);
    if (next == h->armed)
        return;
    h->armed = next;
    h->clock.arm(h->clock.ctx, next);
}

void hpet_tick(struct hpet *h)
{
    h->armed = CLOCK_NEVER;
    run(h);
    arm(h);
}

static uint64_t capabilities(void)
{
    return CAP_FEMTO << 32 | HPET_ID;
}

static uint64_t read_timer(const struct hpet *h, unsigned n, unsigned reg)
{
    const struct timer *t = &h->timer[n];

    if (reg == TIMER_CONF)
        return t->conf | T_PERIOD_CAP | T_SIZE_CAP | (uint64_t)h->pins << 32;
    return reg == TIMER_COMP ? t->comp : 0;
}

/* The qword register at an offset that is a multiple of 8. */
static uint64_t read_reg(const struct hpet *h, uint64_t off)
{
    if (off >= REG_TIMERS) {
        const uint64_t n = (off - REG_TIMERS) / TIMER_SIZE;

        return n < HPET_TIMERS ? read_timer(h, (unsigned)n, off % TIMER_SIZE)
                               : 0;
    }
    switch (off) {
    case REG_CAP:
        return capabilities();
    case REG_CONF:
        return h->conf;
    case REG_STATUS:
        return h->status;
    case REG_MAIN:
        return h->seen;
    default:
        return 0;
    }
}

static void write_conf(struct hpet *h, uint64_t v)
{
    const uint64_t old = h->conf;

    v &= CONF_ON | CONF_LEGAC;
    h->base = h->seen;
    h->start = now_ns(h);
    h->conf = v;
    if ((old ^ v) & CONF_LEGAC)
        h->hooks.legacy(h->hooks.ctx, v & CONF_LEGAC);
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        if (!(v & CONF_ON))
            owed_clear(&h->timer[n].owed);
        update_line(h, n);
    }
}

/* Ones clear; an edge timer has no status. */
static void write_status(struct hpet *h, uint64_t v)
{
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        if (!(v & h->status & 1u << n))
            continue;
        h->status &= ~(1ull << n);
        owed_take(&h->timer[n].owed);
        update_line(h, n);
    }
}

static void write_main(struct hpet *h, uint64_t v)
{
    h->base = h->seen = v;
    h->start = now_ns(h);
}

/* A route that is not offered is not taken: it reads back as it was. */
static void write_timer_conf(struct hpet *h, unsigned n, uint64_t v)
{
    struct timer *t = &h->timer[n];
    const uint64_t route = v & T_ROUTE;
    const uint64_t old = t->conf;

    t->conf = (v & T_KEPT) | (old & T_ROUTE);
    if (h->pins & 1u << (route >> T_ROUTE_SHIFT))
        t->conf = (v & T_KEPT) | route;
    if (!(t->conf & T_PERIODIC))
        t->conf &= ~(uint64_t)T_VAL_SET;
    t->comp = cut(t, t->comp);
    t->period = cut(t, t->period);
    owed_clear(&t->owed);
    if ((old ^ t->conf) & T_LEVEL) {
        h->status &= ~(1ull << n);
        intr_lower(&t->line);
    }
    update_line(h, n);
}

/* The bits of mask in a register become those of v. */
static uint64_t merge(uint64_t old, uint64_t v, uint64_t mask)
{
    return (old & ~mask) | (v & mask);
}

static void write_timer_comp(struct timer *t, uint64_t v, uint64_t mask)
{
    if (!(t->conf & T_PERIODIC) || (t->conf & T_VAL_SET))
        t->comp = cut(t, merge(t->comp, v, mask));
    if (t->conf & T_PERIODIC)
        t->period = cut(t, merge(t->period, v, mask));
    t->conf &= ~(uint64_t)T_VAL_SET;
    owed_clear(&t->owed);
}

static void write_timer(struct hpet *h, uint64_t off, uint64_t v, uint64_t mask)
{
    const uint64_t n = (off - REG_TIMERS) / TIMER_SIZE;

    if (n >= HPET_TIMERS)
        return;
    if (off % TIMER_SIZE == TIMER_CONF)
        write_timer_conf(h, (unsigned)n, merge(h->timer[n].conf, v, mask));
    else if (off % TIMER_SIZE == TIMER_COMP)
        write_timer_comp(&h->timer[n], v, mask);
}

static void write_reg(struct hpet *h, uint64_t off, uint64_t v, uint64_t mask)
{
    if (off >= REG_TIMERS)
        write_timer(h, off, v, mask);
    else if (off == REG_CONF)
        write_conf(h, merge(h->conf, v, mask));
    else if (off == REG_STATUS)
        write_status(h, v & mask);
    else if (off == REG_MAIN)
        write_main(h, merge(h->seen, v, mask));
}

static void mmio_read(void *dev, uint64_t off, void *data, unsigned n)
{
    struct hpet *h = dev;
    uint64_t v = 0;

    run(h);
    if (off % n == 0)
        v = read_reg(h, off & ~7ull) >> 8 * (off % 8);
    memcpy(data, &v, n);
    arm(h);
}

static void mmio_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct hpet *h = dev;
    const unsigned shift = 8 * (off % 8);
    uint64_t v = 0;

    if (n < sizeof(uint32_t) || off % n)
        return;
    memcpy(&v, data, n);
    run(h);
    write_reg(h, off & ~7ull, v << shift,
              n == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX << shift);
    arm(h);
}

const struct io_ops hpet_ops = {
    .name = "hpet",
    .read = mmio_read,
    .write = mmio_write,
};
