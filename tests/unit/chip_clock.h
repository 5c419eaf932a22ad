/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chip_clock.h: a clock the test moves, and the deadline a chip asked for. */
#ifndef CHIP_CLOCK_H
#define CHIP_CLOCK_H

#include "devices/platform/clock.h"

struct fake_clock {
    uint64_t now;
    uint64_t deadline;
    unsigned arms;
};

static inline uint64_t fake_clock_now(void *ctx)
{
    return ((struct fake_clock *)ctx)->now;
}

static inline void fake_clock_arm(void *ctx, uint64_t deadline)
{
    struct fake_clock *c = ctx;

    c->deadline = deadline;
    c->arms++;
}

static inline struct chip_clock fake_clock_init(struct fake_clock *c,
                                                uint64_t now)
{
    *c = (struct fake_clock){.now = now, .deadline = CLOCK_NEVER};
    return (struct chip_clock){
        .now = fake_clock_now, .arm = fake_clock_arm, .ctx = c};
}

/* Has the deadline passed? If so it is taken. */
static inline bool fake_clock_due(struct fake_clock *c)
{
    if (c->deadline > c->now)
        return false;
    c->deadline = CLOCK_NEVER;
    return true;
}

/* Move on to the next deadline, but not beyond `until`: was there one? */
static inline bool fake_clock_next(struct fake_clock *c, uint64_t until)
{
    if (c->deadline > until) {
        c->now = until;
        return false;
    }
    if (c->deadline > c->now)
        c->now = c->deadline;
    return fake_clock_due(c);
}

#endif
