/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pace.h: whether a ring's guest is to notify, or its ring is looked at.
 *
 * Many front-ends notify for each request they put in, as often as they are
 * asked to. With many in flight it is cheaper not to ask, and to look after a
 * short while at how many have come. With few it is not: the guest waits then.
 * No rule says beforehand which it is, so both ways are measured: the time that
 * as many requests take. To look must win clearly, is tried ever more seldom
 * while it loses, and never for a guest that asks for little, or that has not
 * had two requests here at once. Who is served as fast as he asks never has,
 * however many he could ask for: so now and then, and soon after a rest, there
 * is a glance, one look that is no trial.
 *
 * Pure: the time is an argument. Thread: loop.
 */
#ifndef PVABI_PACE_H
#define PVABI_PACE_H

#include "vmm/types.h"

#define PACE_WINDOW  64u   /* requests of a measurement */
#define PACE_LOOK_NS 50000 /* until the ring is looked at */

struct pace {
    bool looks;     /* the way it is now */
    bool trial;     /* for one window only, if it does not win */
    bool several;   /* two were here at once in this window */
    bool glance;    /* look, once, after these requests */
    unsigned alone; /* requests one by one since the last glance */
    unsigned every; /* so many of them are worth one */
    unsigned n;     /* requests of this window */
    uint64_t begin; /* of it; 0: at the next request */
    uint64_t last;  /* when requests were taken */
    uint64_t took;  /* the last window the other way, in a trial */
    unsigned rest;  /* windows until the next trial */
    unsigned gap;   /* as many, next time */
};

void pace_init(struct pace *p);

/* An answer came that the guest did not wait for: it is not through others. */
static inline void pace_busy(struct pace *p)
{
    p->several = true;
}

/*
 * So many requests were taken out of the ring, at this time in ns; before them
 * so many had not ended.
 */
void pace_took(struct pace *p, unsigned n, unsigned in_flight, uint64_t now);

#endif
