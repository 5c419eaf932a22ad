// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * runstate.c: how a vCPU spent its time, in Xen's four states.
 *
 * The machine knows how long a vCPU's thread ran, how long it waited for a CPU
 * of the host's, and how long the operator had it paused. What is left since it
 * was last asked the vCPU spent blocked, or, if it was not up, offline. So the
 * four add up to the system time, and none ever goes back.
 *
 * What the guest can spoil of what we are told (see kvm_xen.h) is its own
 * account: a number that goes back counts as nothing, one that is too large as
 * all there is.
 */
#include "pvabi/xen_priv.h"

/* From *left to a state: what a counter has grown since it was last seen. */
static void move(uint64_t *left, uint64_t *state, uint64_t counter,
                 uint64_t *seen)
{
    uint64_t grown = counter > *seen ? counter - *seen : 0;

    if (grown > *left)
        grown = *left;
    *seen = counter;
    *state += grown;
    *left -= grown;
}

void runstate_account(struct xen *x, unsigned vcpu)
{
    struct xen_runstate *r = &x->vcpus[vcpu].account;
    const uint64_t now = x->ops.now(x->ops.ctx);
    uint64_t left = now > r->until ? now - r->until : 0;
    struct xen_times t;

    x->ops.times(x->ops.ctx, vcpu, &t);
    r->until += left;
    move(&left, &r->time[RUNSTATE_running], t.ran, &r->seen.ran);
    move(&left, &r->time[RUNSTATE_runnable], t.waited, &r->seen.waited);
    move(&left, &r->time[RUNSTATE_offline], t.paused, &r->seen.paused);
    r->time[r->up ? RUNSTATE_blocked : RUNSTATE_offline] += left;
    r->up = x->ops.is_up(x->ops.ctx, vcpu);
}

void runstate_get(const struct xen *x, unsigned vcpu,
                  struct vcpu_runstate_info *out)
{
    const struct xen_runstate *r = &x->vcpus[vcpu].account;

    *out = (struct vcpu_runstate_info){
        .state = r->up ? RUNSTATE_running : RUNSTATE_offline,
        .state_entry_time = r->until,
    };
    for (unsigned i = 0; i < XEN_RUNSTATES; i++)
        out->time[i] = r->time[i];
}
