// SPDX-License-Identifier: GPL-2.0-or-later
/* pace.c: see pace.h. */
#include "pvabi/pace.h"

#define MAX_GAP 32u
/* A window that takes longer is of a slow disk, or of a guest at rest. */
#define SLOW_NS (PACE_WINDOW * UINT64_C(100000))

/* Odd: who asks by batches is not always glanced at behind the last of one. */
#define FIRST_GLANCE 17u
#define MAX_GLANCE   257u
#define REST_NS      UINT64_C(10000000)

void pace_init(struct pace *p)
{
    *p = (struct pace){.rest = 1, .gap = 1, .every = FIRST_GLANCE};
}

static bool clearly_less(uint64_t a, uint64_t b)
{
    return a < b - b / 5;
}

/* The other way, until it has won or lost. */
static void begin_trial(struct pace *p, uint64_t took)
{
    p->took = took;
    p->trial = true;
    p->looks = !p->looks;
}

static void end_trial(struct pace *p, uint64_t took)
{
    const bool look =
        p->looks ? clearly_less(took, p->took) : clearly_less(p->took, took);

    p->trial = false;
    p->looks = look;
    if (look)
        p->gap = MAX_GAP;
    else if (p->gap < MAX_GAP)
        p->gap *= 2;
    p->rest = p->gap;
}

static void end_window(struct pace *p, uint64_t took)
{
    if (p->trial) {
        end_trial(p, took);
    } else if (took > SLOW_NS || (!p->looks && !p->several)) {
        p->looks = false;
        p->rest = p->gap = 1; /* what comes then is something else */
    } else if (--p->rest == 0) {
        begin_trial(p, took);
    }
}

static void plan_glance(struct pace *p, unsigned n, uint64_t now)
{
    if (p->several || now - p->last > REST_NS) {
        p->every = FIRST_GLANCE;
        p->alone = 0;
    }
    p->last = now;
    p->alone += n;
    p->glance = !p->looks && !p->trial && p->alone >= p->every;
    if (!p->glance)
        return;
    p->alone = 0;
    p->every = 2 * p->every + 1;
    if (p->every > MAX_GLANCE)
        p->every = MAX_GLANCE;
}

/* A trial that has taken longer than the other way is lost before its end. */
void pace_took(struct pace *p, unsigned n, unsigned in_flight, uint64_t now)
{
    const uint64_t took = now - p->begin;

    p->several |= n + in_flight > 1;
    plan_glance(p, n, now);
    if (p->begin) {
        p->n += n;
        if (p->n >= PACE_WINDOW)
            end_window(p, took / p->n * PACE_WINDOW);
        else if (p->trial && took > p->took)
            end_window(p, UINT64_MAX);
        else
            return;
    }
    p->begin = now;
    p->n = 0;
    p->several = false;
}
