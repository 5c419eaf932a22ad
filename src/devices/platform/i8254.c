// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * i8254.c: the Intel 8254; see i8254.h. Source: its datasheet (order number
 * 231164); port 0x61 from the 82371AB (PIIX4, 290562), 4.2.7.
 *
 * The counters are state machines (i8254_counter.c); how many clock pulses
 * they have had is computed from the time, whenever somebody looks.
 *
 * Counter 0's rising edges are the timer interrupts. Its line does not
 * follow OUT down in the periodic modes: it stays high until just before the
 * next edge, so that a guest that is slow to acknowledge has a whole period
 * and not half of one before the 8259 forgets the request. That difference
 * can be seen in the 8259's IRR and nowhere else.
 *
 * Counter 1 has no memory to refresh: port 0x61 toggles its bit as if it
 * had.
 */
#include "devices/platform/i8254.h"
#include "devices/platform/bytes.h"
#include "devices/platform/i8254_counter.h"
#include "vmm/log.h"

#include <stdlib.h>

#define COUNTERS     3u
#define PORT_CONTROL 3u

/* The control word. */
#define CW_RW_SHIFT   4
#define CW_SELECT     6
#define SELECT_BACK   3u /* the read-back command */
#define BACK_NO_COUNT 0x20u
#define BACK_NO_STAT  0x10u
#define RW_LATCH      0u
#define RW_BOTH       3u

/* Port 0x61. */
#define B_GATE2   0x01u
#define B_SPEAKER 0x02u
#define B_KEPT    0x0fu
#define B_REFRESH 0x10u
#define B_OUT2    0x20u

#define REFRESH_PULSES 18u /* 15.085 us */

struct i8254 {
    struct counter counter[COUNTERS];
    struct chip_clock clock;
    struct intr *irq0; /* borrowed */
    struct owed owed;
    uint64_t pulses; /* since the clock's beginning, as far as run */
    uint64_t armed;
    uint8_t port_b;
};

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
        counter_program(c, RW_BOTH << CW_RW_SHIFT);
    }
    return pit;
}

void i8254_destroy(struct i8254 *pit)
{
    free(pit);
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

    return counter_repeats(c) ? clock_ns(c->n, I8254_HZ) : 0;
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
    const uint64_t rise = counter_to_rise(&pit->counter[0]);
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

static void read_back(struct i8254 *pit, uint8_t v)
{
    for (unsigned i = 0; i < COUNTERS; i++) {
        if (!(v & 2u << i))
            continue;
        if (!(v & BACK_NO_COUNT))
            counter_latch_count(&pit->counter[i]);
        if (!(v & BACK_NO_STAT))
            counter_latch_status(&pit->counter[i]);
    }
}

static void write_control(struct i8254 *pit, uint8_t v)
{
    const unsigned i = v >> CW_SELECT;

    if (i == SELECT_BACK) {
        read_back(pit, v);
    } else if ((v >> CW_RW_SHIFT & 3) == RW_LATCH) {
        counter_latch_count(&pit->counter[i]);
    } else {
        counter_program(&pit->counter[i], v);
        /* Whoever sets up a timer has not missed ticks of it. */
        if (i == 0) {
            owed_clear(&pit->owed);
            pit->counter[i].rises = pit->counter[i].rises != 0;
        }
    }
}

static uint8_t port_byte(void *dev, uint64_t off)
{
    struct i8254 *pit = dev;

    if (off == PORT_CONTROL)
        return UINT8_MAX; /* write only */
    return counter_read(&pit->counter[off]);
}

static void port_set(void *dev, uint64_t off, uint8_t v)
{
    struct i8254 *pit = dev;

    if (off == PORT_CONTROL)
        write_control(pit, v);
    else
        counter_write(&pit->counter[off], v);
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
    counter_set_gate(&pit->counter[2], v & B_GATE2);
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
