// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * timer.c: a vCPU's singleshot and periodic timer, which raise VIRQ_TIMER.
 *
 * The machine keeps one timer per vCPU: it is set to the nearer of the two.
 * Where the kernel has a singleshot timer of its own, it is used as long as
 * VIRQ_TIMER is bound and the kernel may raise it; the hypercalls that set it
 * are then seldom seen here. Times are the guest's system time.
 */
#include "pvabi/xen_priv.h"

#include <errno.h>

#define PERIOD_MIN ((uint64_t)1000000) /* 1 ms, as Xen's */
#define PERIOD_MAX ((uint64_t)1 << 61)

static void arm(struct xen *x, unsigned vcpu)
{
    struct xen_vcpu *v = &x->vcpus[vcpu];
    uint64_t at;

    if (v->timer_port && v->singleshot) {
        x->accel->set_timer(x->accel->ctx, vcpu, v->timer_port, v->singleshot);
        v->singleshot = 0;
    }
    at = v->singleshot;
    if (v->next_tick && (!at || v->next_tick < at))
        at = v->next_tick;
    x->ops.set_timer(x->ops.ctx, vcpu, at);
}

void timer_give(struct xen *x, unsigned vcpu, uint32_t port)
{
    struct xen_vcpu *v = &x->vcpus[vcpu];

    if (!x->accel->timers || v->timer_port == port)
        return;
    v->timer_port = port;
    v->timer_out = port == 0;
    x->accel->set_timer(x->accel->ctx, vcpu, port, 0);
    arm(x, vcpu);
}

void timer_returned(struct xen *x, unsigned vcpu, uint64_t at)
{
    struct xen_vcpu *v = &x->vcpus[vcpu];

    if (!v->timer_out)
        return;
    v->timer_out = false;
    v->singleshot = at;
    arm(x, vcpu);
}

/*
 * A local APIC that is still off takes no interrupt, and Linux names its
 * vector before it turns its own on: an upcall that was lost then would be
 * the last. Who sets a timer has the APIC on, and is told again.
 */
int timer_singleshot(struct xen *x, unsigned vcpu, uint64_t at)
{
    /* In the past, or wrapped: due at once. */
    x->vcpus[vcpu].singleshot = at ? at : 1;
    x->vcpus[vcpu].timer_out = false;
    arm(x, vcpu);
    evtchn_renotify(x->ev, vcpu);
    return 0;
}

void timer_stop_singleshot(struct xen *x, unsigned vcpu)
{
    struct xen_vcpu *v = &x->vcpus[vcpu];

    v->singleshot = 0;
    v->timer_out = false;
    if (v->timer_port)
        x->accel->set_timer(x->accel->ctx, vcpu, v->timer_port, 0);
    arm(x, vcpu);
}

int timer_periodic(struct xen *x, unsigned vcpu, uint64_t period)
{
    struct xen_vcpu *v = &x->vcpus[vcpu];

    if (period < PERIOD_MIN || period > PERIOD_MAX)
        return -EINVAL;
    v->period = period;
    v->next_tick = x->ops.now(x->ops.ctx) + period;
    arm(x, vcpu);
    evtchn_renotify(x->ev, vcpu);
    return 0;
}

void timer_stop_periodic(struct xen *x, unsigned vcpu)
{
    x->vcpus[vcpu].next_tick = 0;
    x->vcpus[vcpu].period = 0;
    arm(x, vcpu);
}

/* Ticks that were missed are missed: the next is in the future. */
static void next_tick(struct xen_vcpu *v, uint64_t now)
{
    v->next_tick += v->period;
    if (v->next_tick <= now)
        v->next_tick = now + v->period;
}

/*
 * An upcall that came before the guest enabled its local APIC was lost there,
 * and while its flag is set there is no other: a tick tells it again.
 */
static void tick(struct xen *x, unsigned vcpu)
{
    const bool told = shinfo_upcall(x->si, vcpu);

    evtchn_virq(x->ev, vcpu, VIRQ_TIMER);
    if (told)
        evtchn_renotify(x->ev, vcpu);
}

void xen_timer(struct xen *x, unsigned vcpu)
{
    struct xen_vcpu *v = &x->vcpus[vcpu];
    const uint64_t now = x->ops.now(x->ops.ctx);
    bool due = false;

    if (v->singleshot && v->singleshot <= now) {
        v->singleshot = 0;
        due = true;
    }
    if (v->next_tick && v->next_tick <= now) {
        next_tick(v, now);
        due = true;
    }
    arm(x, vcpu);
    if (due)
        tick(x, vcpu);
}

/*
 * Linux may ask for a time that wrapped, and then has work to do at once; 0
 * stops the timer.
 */
int64_t hc_set_timer_op(struct xcall *c)
{
    const uint64_t at =
        c->is64 ? c->arg[0] : (c->arg[0] & UINT32_MAX) | c->arg[1] << 32;

    if (at == 0)
        timer_stop_singleshot(c->x, c->h->vcpu);
    else
        (void)timer_singleshot(c->x, c->h->vcpu, at > INT64_MAX ? 1 : at);
    return 0;
}
