// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * evtchn_deliver.c: how an event reaches the guest by the 2-level words, and
 * how a send reaches a back-end; see evtchn.h.
 *
 * 2-level: PENDING of the port; if that was clear and MASK is clear, the
 * port's bit in the selector of the vCPU; if that was clear, upcall_pending; if
 * that was clear, an interrupt. Each step is one locked operation, and the
 * guest clears them in the opposite order, so that no event is lost.
 */
#include "pvabi/evtchn_priv.h"

#include "vmm/log.h"

#include <errno.h>

void evtchn_mark_upcall(struct evtchn *e, unsigned vcpu)
{
    if (!shinfo_set_upcall(e->si, vcpu))
        e->ops.upcall(e->ops.ctx, vcpu);
}

static void select_port(struct evtchn *e, uint32_t port)
{
    const unsigned vcpu = e->chans[port].vcpu;

    if (!shinfo_set_selector(e->si, vcpu, port))
        evtchn_mark_upcall(e, vcpu);
}

static bool raised_elsewhere(const struct evtchn *e, uint32_t port)
{
    return e->ops.raise && e->ops.raise(e->ops.ctx, port, e->chans[port].vcpu);
}

void evtchn_raise(struct evtchn *e, uint32_t port)
{
    if (e->fifo)
        fifo_raise(e, port);
    else if (!raised_elsewhere(e, port) && !shinfo_set_pending(e->si, port) &&
             !shinfo_masked(e->si, port))
        select_port(e, port);
    if (e->ops.poll_wake)
        e->ops.poll_wake(e->ops.ctx);
}

void evtchn_unmask(struct evtchn *e, uint32_t port)
{
    if (e->fifo)
        fifo_unmask(e, port);
    else if (shinfo_clear_mask(e->si, port) && shinfo_pending(e->si, port))
        select_port(e, port);
}

void evtchn_move(struct evtchn *e, uint32_t port)
{
    /* A FIFO event stays in the queue it is in until the guest takes it. */
    if (!e->fifo && shinfo_pending(e->si, port) && !shinfo_masked(e->si, port))
        select_port(e, port);
}

void evtchn_clear_pending(struct evtchn *e, uint32_t port)
{
    if (e->fifo)
        fifo_clear_pending(e, port);
    else
        (void)shinfo_clear_pending(e->si, port);
}

void evtchn_renotify(struct evtchn *e, unsigned vcpu)
{
    if (shinfo_upcall(e->si, vcpu))
        e->ops.upcall(e->ops.ctx, vcpu);
}

int evtchn_is_pending(const struct evtchn *e, uint32_t port)
{
    if (!evtchn_valid(e, port))
        return -EINVAL;
    return e->fifo ? fifo_pending(e, port) : shinfo_pending(e->si, port);
}

uint32_t evtchn_virq_port(const struct evtchn *e, unsigned vcpu, unsigned virq)
{
    if (vcpu >= e->n_vcpus || virq >= NR_VIRQS)
        return 0;
    return e->virqs[vcpu * NR_VIRQS + virq];
}

void evtchn_virq(struct evtchn *e, unsigned vcpu, unsigned virq)
{
    const uint32_t port = evtchn_virq_port(e, vcpu, virq);

    if (port)
        evtchn_raise(e, port);
}

uint32_t evtchn_pirq_port(const struct evtchn *e, uint32_t pirq)
{
    return pirq < e->n_pirqs ? e->pirqs[pirq] : 0;
}

void evtchn_pirq(struct evtchn *e, uint32_t pirq)
{
    const uint32_t port = evtchn_pirq_port(e, pirq);

    if (port)
        evtchn_raise(e, port);
}

/* ---- back-ends ---- */

void evtchn_notify_backend(struct evtchn *e, uint32_t port)
{
    struct chan *c = &e->chans[port];

    if (!c->on_notify || c->notified)
        return;
    c->notified = true;
    c->next = 0;
    if (e->first)
        e->chans[e->last].next = port;
    else
        e->first = port;
    e->last = port;
    e->n_listed++;
    if (e->ops.post)
        e->ops.post(e->ops.ctx);
    else
        evtchn_dispatch(e);
}

void evtchn_unlist(struct evtchn *e, uint32_t port)
{
    uint32_t *at = &e->first;
    uint32_t before = 0;

    if (!e->chans[port].notified)
        return;
    while (*at != port) {
        before = *at;
        at = &e->chans[*at].next;
    }
    *at = e->chans[port].next;
    if (e->last == port)
        e->last = before;
    e->chans[port].notified = false;
    e->n_listed--;
}

/* What is notified meanwhile is for the next time, so that this one ends. */
void evtchn_dispatch(struct evtchn *e)
{
    for (unsigned n = e->n_listed; n && e->first; n--) {
        const uint32_t port = e->first;
        const struct chan *c = &e->chans[port];

        evtchn_unlist(e, port);
        c->on_notify(c->owner);
    }
    if (e->first && e->ops.post)
        e->ops.post(e->ops.ctx);
}

static bool is_ours(const struct evtchn *e, uint32_t port)
{
    return evtchn_valid(e, port) &&
           e->chans[port].status == EVTCHNSTAT_interdomain &&
           e->chans[port].remote == XEN_BACKEND_DOMID;
}

int evtchn_backend_bind(struct evtchn *e, uint32_t port,
                        void (*on_notify)(void *owner), void *owner)
{
    struct chan *c;

    if (!evtchn_valid(e, port))
        return -EINVAL;
    c = &e->chans[port];
    if (c->status != EVTCHNSTAT_unbound || c->remote != XEN_BACKEND_DOMID)
        return -EINVAL;
    c->status = EVTCHNSTAT_interdomain;
    c->on_notify = on_notify;
    c->owner = owner;
    evtchn_bound(e, port);
    /* What the guest sent while nobody listened was dropped. */
    evtchn_notify_backend(e, port);
    return 0;
}

void evtchn_backend_unbind(struct evtchn *e, uint32_t port)
{
    struct chan *c;

    if (!is_ours(e, port))
        return;
    if (e->ops.closed)
        e->ops.closed(e->ops.ctx, port);
    evtchn_unlist(e, port);
    c = &e->chans[port];
    c->status = EVTCHNSTAT_unbound;
    c->on_notify = NULL;
    c->owner = NULL;
}

void evtchn_backend_notify(struct evtchn *e, uint32_t port)
{
    if (is_ours(e, port))
        evtchn_raise(e, port);
}

void evtchn_backend_kicked(struct evtchn *e, uint32_t port)
{
    if (is_ours(e, port))
        evtchn_notify_backend(e, port);
}
