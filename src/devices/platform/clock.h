/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.h: where a chip has its time from, and what it owes the guest of it.
 *
 * A chip asks what time it is and says when it wants to be called next;
 * between the calls it computes. Each chip has a clock of its own with one
 * deadline: arming replaces it. When it has passed, the owner calls the
 * chip's _tick function; calling it early, late or needlessly is harmless.
 *
 * The lost-tick policy, for chips whose guests count periodic interrupts: a
 * tick that could not be delivered when it was due (the process did not run,
 * or the guest had not yet taken the one before) is owed. It is delivered
 * half a period after a regular one, so that a guest catches up at twice the
 * rate. More than one second is never owed: what a guest missed for longer
 * (it was stopped) is dropped. Periods below CLOCK_MIN_GAP are not kept up
 * with: such ticks merge.
 *
 * Thread: board lock held, on a vCPU thread or on the loop thread.
 */
#ifndef PLATFORM_CLOCK_H
#define PLATFORM_CLOCK_H

#include "vmm/types.h"

#define CLOCK_SECOND  1000000000ull
#define CLOCK_NEVER   UINT64_MAX
#define CLOCK_MIN_GAP 50000ull /* ns between two interrupts of a timer */

struct chip_clock {
    /* Nanoseconds; never goes back. */
    uint64_t (*now)(void *ctx);
    /* Call the chip's _tick at this time, or CLOCK_NEVER. */
    void (*arm)(void *ctx, uint64_t deadline);
    void *ctx; /* borrowed */
};

/* Whole periods of hz in ns nanoseconds; hz below 2^30. */
static inline uint64_t clock_ticks(uint64_t ns, uint64_t hz)
{
    return ns / CLOCK_SECOND * hz + ns % CLOCK_SECOND * hz / CLOCK_SECOND;
}

/* The first nanosecond at which clock_ticks says ticks. */
static inline uint64_t clock_ns(uint64_t ticks, uint64_t hz)
{
    return ticks / hz * CLOCK_SECOND +
           (ticks % hz * CLOCK_SECOND + hz - 1) / hz;
}

/* The account of one periodic interrupt. */
struct owed {
    uint64_t n;    /* ticks due and not delivered */
    uint64_t last; /* when one was delivered last, ns */
    bool tracked;  /* the guest's taking them is seen */
    bool taken;    /* it took the last one */
    bool paid;     /* the last one was owed: a regular one is next */
};

/* The timer was set up anew: nothing is owed of what was before. */
static inline void owed_clear(struct owed *o)
{
    o->n = 0;
    o->tracked = false;
}

/* One tick is delivered now; `due` (at least 1) were. */
static inline void owed_deliver(struct owed *o, uint64_t now, uint64_t due,
                                uint64_t period)
{
    const uint64_t most = period < CLOCK_MIN_GAP ? 0 : CLOCK_SECOND / period;

    o->n += due - 1;
    if (o->tracked && !o->taken)
        o->n++;
    if (o->n > most)
        o->n = most;
    o->last = now;
    o->taken = false;
    o->paid = false;
}

/* The guest took a tick. */
static inline void owed_take(struct owed *o)
{
    o->tracked = true;
    o->taken = true;
}

/* When one that is owed should be delivered, or CLOCK_NEVER. */
static inline uint64_t owed_next(const struct owed *o, uint64_t period)
{
    if (!o->n || o->paid || (o->tracked && !o->taken))
        return CLOCK_NEVER;
    return o->last + period / 2;
}

/* It is delivered now. */
static inline void owed_pay(struct owed *o, uint64_t now)
{
    o->n--;
    o->last = now;
    o->taken = false;
    o->paid = true;
}

#endif
