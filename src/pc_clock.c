// SPDX-License-Identifier: GPL-2.0-or-later
/* pc_clock.c: see pc_clock.h. */
#include "pc_clock.h"

#include "vmm/log.h"

#include <stdlib.h>
#include <time.h>

struct alarm {
    struct pc_clock *clock;
    uint64_t deadline;
    void (*tick)(void *chip);
    void *chip; /* borrowed; NULL: not made yet */
};

struct pc_clock {
    struct loop *loop; /* borrowed */
    struct alarm alarms[PC_CLOCK_ALARMS];
    unsigned n;
    struct loop_op timer;
    struct loop_op set_timer; /* posted: set the timer, on the loop */
    uint64_t waits_for;       /* when the timer goes off, CLOCK_NEVER: not */
    bool ringing;             /* inside ring: it sets the timer when done */
};

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * CLOCK_SECOND + (uint64_t)ts.tv_nsec;
}

static uint64_t alarm_now(void *ctx)
{
    (void)ctx;
    return now_ns();
}

static uint64_t earliest(const struct pc_clock *c)
{
    uint64_t min = CLOCK_NEVER;

    for (unsigned i = 0; i < c->n; i++)
        if (c->alarms[i].deadline < min)
            min = c->alarms[i].deadline;
    return min;
}

/*
 * A timer that goes off too early does no harm: it is left alone, and set
 * anew then. One that would be late is called off first, which ends in
 * on_timer too. On the loop.
 */
static void set_timer(struct pc_clock *c)
{
    const uint64_t when = earliest(c), now = now_ns();

    if (when >= c->waits_for)
        return;
    c->waits_for = when;
    if (c->timer.kind == LOOP_IDLE)
        loop_timer(c->loop, &c->timer, when > now ? when - now : 0);
    else
        loop_cancel(c->loop, &c->timer);
}

static void ring(struct pc_clock *c)
{
    const uint64_t now = now_ns();

    c->ringing = true;
    for (unsigned i = 0; i < c->n; i++) {
        struct alarm *a = &c->alarms[i];

        if (a->deadline > now || !a->chip)
            continue;
        a->deadline = CLOCK_NEVER;
        a->tick(a->chip);
    }
    c->ringing = false;
}

static void on_timer(struct loop_op *op, int res)
{
    struct pc_clock *c = op->owner;

    (void)res; /* it went off, or was called off: look at the clock */
    c->waits_for = CLOCK_NEVER;
    ring(c);
    set_timer(c);
}

static void on_set_timer(struct loop_op *op, int res)
{
    (void)res;
    set_timer(op->owner);
}

static void alarm_arm(void *ctx, uint64_t deadline)
{
    struct alarm *a = ctx;
    struct pc_clock *c = a->clock;

    a->deadline = deadline;
    if (!c->ringing && deadline < c->waits_for)
        loop_post(c->loop, &c->set_timer);
}

struct pc_clock *pc_clock_create(struct loop *loop)
{
    struct pc_clock *c = calloc(1, sizeof(*c));

    if (!c) {
        log_error("machine: out of memory");
        return NULL;
    }
    c->loop = loop;
    c->waits_for = CLOCK_NEVER;
    c->timer = (struct loop_op){.fn = on_timer, .owner = c};
    c->set_timer = (struct loop_op){.fn = on_set_timer, .owner = c};
    return c;
}

void pc_clock_destroy(struct pc_clock *c)
{
    if (!c)
        return;
    loop_drain(c->loop, &c->set_timer);
    loop_drain(c->loop, &c->timer);
    free(c);
}

struct chip_clock pc_clock_alarm(struct pc_clock *c, void (*tick)(void *chip))
{
    struct alarm *a = &c->alarms[c->n];

    BUG_ON(c->n == PC_CLOCK_ALARMS);
    c->n++;
    *a = (struct alarm){.clock = c, .deadline = CLOCK_NEVER, .tick = tick};
    return (struct chip_clock){.now = alarm_now, .arm = alarm_arm, .ctx = a};
}

void pc_clock_own(struct pc_clock *c, void *chip)
{
    c->alarms[c->n - 1].chip = chip;
}
