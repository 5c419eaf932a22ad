// SPDX-License-Identifier: GPL-2.0-or-later
/* evtchn.c: the table of ports and the guest's operations; see evtchn.h. */
#include "pvabi/evtchn_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct evtchn *evtchn_create(const struct evtchn_config *cfg)
{
    const unsigned n = shinfo_vcpus(cfg->shinfo);
    struct evtchn *e = calloc(1, sizeof(*e));

    if (!e) {
        log_error("event channels: out of memory");
        return NULL;
    }
    e->si = cfg->shinfo;
    e->mem = cfg->mem;
    e->domid = cfg->domid;
    e->fifo_offered = cfg->fifo;
    e->n_pirqs = cfg->pirqs ? EVTCHN_MAX_PIRQS : 0;
    e->ops = cfg->ops;
    e->n_vcpus = n;
    e->vcpus = calloc(n, sizeof(e->vcpus[0]));
    e->virqs = calloc(n * NR_VIRQS, sizeof(e->virqs[0]));
    if (!e->vcpus || !e->virqs) {
        log_error("event channels: out of memory");
        evtchn_destroy(e);
        return NULL;
    }
    return e;
}

void evtchn_destroy(struct evtchn *e)
{
    if (!e)
        return;
    free(e->vcpus);
    free(e->virqs);
    free(e);
}

static bool is_self(const struct evtchn *e, domid_t dom)
{
    return dom == DOMID_SELF || dom == e->domid;
}

/* A domain that exists but is not ours to ask about, or one that is not. */
static int other_domain(domid_t dom)
{
    return dom == XEN_BACKEND_DOMID ? -EPERM : -ESRCH;
}

/* The lowest free port, or -ENOSPC. */
static int free_port(const struct evtchn *e)
{
    for (uint32_t p = 1; evtchn_valid(e, p); p++)
        if (e->chans[p].status == EVTCHNSTAT_closed && !fifo_is_busy(e, p))
            return (int)p;
    return -ENOSPC;
}

/* A new port of a kind, notifying vCPU 0; or -ENOSPC. */
static int new_port(struct evtchn *e, uint32_t status)
{
    const int port = free_port(e);
    struct chan *c;

    if (port < 0)
        return port;
    c = &e->chans[port];
    *c = (struct chan){.status = status,
                       .priority = EVTCHN_FIFO_PRIORITY_DEFAULT,
                       /* Where a queue may still name it as its tail. */
                       .queue_vcpu = c->queue_vcpu,
                       .queue_priority = c->queue_priority};
    evtchn_clear_pending(e, (uint32_t)port);
    return port;
}

void evtchn_bound(struct evtchn *e, uint32_t port)
{
    const struct chan *c = &e->chans[port];
    const struct evtchn_info info = {.status = c->status,
                                     .vcpu = c->vcpu,
                                     .virq = c->irq,
                                     .peer = c->peer,
                                     .backend = c->on_notify != NULL};

    if (e->ops.bound)
        e->ops.bound(e->ops.ctx, port, &info);
}

void evtchn_tell_bound(struct evtchn *e, unsigned vcpu)
{
    for (uint32_t p = 1; p < EVTCHN_MAX_PORTS; p++)
        if (e->chans[p].status > EVTCHNSTAT_unbound && e->chans[p].vcpu == vcpu)
            evtchn_bound(e, p);
}

static struct chan *chan_at(struct evtchn *e, uint32_t port)
{
    if (!evtchn_valid(e, port) || e->chans[port].status == EVTCHNSTAT_closed)
        return NULL;
    return &e->chans[port];
}

int evtchn_builder_alloc(struct evtchn *e)
{
    const int port = new_port(e, EVTCHNSTAT_unbound);

    if (port > 0)
        e->chans[port].remote = XEN_BACKEND_DOMID;
    return port;
}

static int do_alloc_unbound(struct evtchn *e, union evtchn_arg *arg)
{
    struct evtchn_alloc_unbound *a = &arg->alloc_unbound;
    int port;

    if (!is_self(e, a->dom))
        return other_domain(a->dom);
    port = new_port(e, EVTCHNSTAT_unbound);
    if (port < 0)
        return port;
    e->chans[port].remote =
        is_self(e, a->remote_dom) ? e->domid : a->remote_dom;
    a->port = (evtchn_port_t)port;
    return 0;
}

static int do_bind_interdomain(struct evtchn *e, union evtchn_arg *arg)
{
    struct evtchn_bind_interdomain *a = &arg->bind_interdomain;
    struct chan *remote;
    int port;

    /* Back-ends wait for the guest's ports and have none of their own. */
    if (!is_self(e, a->remote_dom))
        return a->remote_dom == XEN_BACKEND_DOMID ? -EINVAL : -ESRCH;
    remote = chan_at(e, a->remote_port);
    if (!remote || remote->status != EVTCHNSTAT_unbound ||
        remote->remote != e->domid)
        return -EINVAL;
    port = new_port(e, EVTCHNSTAT_interdomain);
    if (port < 0)
        return port;
    e->chans[port].remote = e->domid;
    e->chans[port].peer = a->remote_port;
    remote->status = EVTCHNSTAT_interdomain;
    remote->peer = (uint32_t)port;
    a->local_port = (evtchn_port_t)port;
    evtchn_bound(e, a->remote_port);
    evtchn_bound(e, a->local_port);
    /* The other end may have sent while this one was not there. */
    evtchn_raise(e, a->local_port);
    return 0;
}

static bool virq_is_global(unsigned virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF &&
           virq != VIRQ_XENPMU;
}

static int do_bind_virq(struct evtchn *e, union evtchn_arg *arg)
{
    struct evtchn_bind_virq *a = &arg->bind_virq;
    int port;

    if (a->virq >= NR_VIRQS || (virq_is_global(a->virq) && a->vcpu))
        return -EINVAL;
    if (a->vcpu >= e->n_vcpus)
        return -ENOENT;
    if (evtchn_virq_port(e, a->vcpu, a->virq))
        return -EEXIST;
    port = new_port(e, EVTCHNSTAT_virq);
    if (port < 0)
        return port;
    e->chans[port].vcpu = a->vcpu;
    e->chans[port].irq = a->virq;
    a->port = (evtchn_port_t)port;
    e->virqs[a->vcpu * NR_VIRQS + a->virq] = a->port;
    evtchn_bound(e, a->port);
    return 0;
}

static void tell_pirq(const struct evtchn *e, uint32_t pirq, bool bound)
{
    if (e->ops.pirq)
        e->ops.pirq(e->ops.ctx, pirq, bound);
}

static int do_bind_pirq(struct evtchn *e, union evtchn_arg *arg)
{
    struct evtchn_bind_pirq *a = &arg->bind_pirq;
    int port;

    if (a->pirq >= e->n_pirqs)
        return -EINVAL;
    if (e->pirqs[a->pirq])
        return -EEXIST;
    port = new_port(e, EVTCHNSTAT_pirq);
    if (port < 0)
        return port;
    e->chans[port].irq = a->pirq;
    a->port = (evtchn_port_t)port;
    e->pirqs[a->pirq] = a->port;
    evtchn_bound(e, a->port);
    tell_pirq(e, a->pirq, true);
    return 0;
}

static int do_bind_ipi(struct evtchn *e, union evtchn_arg *arg)
{
    struct evtchn_bind_ipi *a = &arg->bind_ipi;
    int port;

    if (a->vcpu >= e->n_vcpus)
        return -ENOENT;
    port = new_port(e, EVTCHNSTAT_ipi);
    if (port < 0)
        return port;
    e->chans[port].vcpu = a->vcpu;
    a->port = (evtchn_port_t)port;
    evtchn_bound(e, a->port);
    return 0;
}

/* Where the port of a virq is kept: a global one's at vCPU 0. */
static uint32_t *virq_slot(struct evtchn *e, const struct chan *c)
{
    const uint32_t vcpu = virq_is_global(c->irq) ? 0 : c->vcpu;

    return &e->virqs[vcpu * NR_VIRQS + c->irq];
}

/* The other end of a channel the guest has with itself. */
static void release_peer(struct evtchn *e, const struct chan *c)
{
    struct chan *peer = &e->chans[c->peer];

    if (e->ops.closed)
        e->ops.closed(e->ops.ctx, c->peer);
    peer->status = EVTCHNSTAT_unbound;
    peer->peer = 0;
}

static void close_port(struct evtchn *e, uint32_t port)
{
    struct chan *c = &e->chans[port];

    if (e->ops.closed)
        e->ops.closed(e->ops.ctx, port);
    evtchn_unlist(e, port);
    if (c->status == EVTCHNSTAT_virq)
        *virq_slot(e, c) = 0;
    if (c->status == EVTCHNSTAT_pirq) {
        e->pirqs[c->irq] = 0;
        tell_pirq(e, c->irq, false);
    }
    if (c->status == EVTCHNSTAT_interdomain && c->peer && c->peer != port)
        release_peer(e, c);
    evtchn_clear_pending(e, port);
    *c = (struct chan){.status = EVTCHNSTAT_closed,
                       .queue_vcpu = c->queue_vcpu,
                       .queue_priority = c->queue_priority};
}

static int do_close(struct evtchn *e, union evtchn_arg *arg)
{
    if (!chan_at(e, arg->close.port))
        return -EINVAL;
    close_port(e, arg->close.port);
    return 0;
}

static int do_send(struct evtchn *e, union evtchn_arg *arg)
{
    const struct chan *c = chan_at(e, arg->send.port);

    if (!c)
        return -EINVAL;
    switch (c->status) {
    case EVTCHNSTAT_unbound:
        return 0; /* nobody listens */
    case EVTCHNSTAT_ipi:
        evtchn_raise(e, arg->send.port);
        return 0;
    case EVTCHNSTAT_interdomain:
        if (c->peer)
            evtchn_raise(e, c->peer);
        else
            evtchn_notify_backend(e, arg->send.port);
        return 0;
    default:
        return -EINVAL;
    }
}

static int do_status(struct evtchn *e, union evtchn_arg *arg)
{
    struct evtchn_status *a = &arg->status;
    const struct chan *c;

    if (!is_self(e, a->dom))
        return other_domain(a->dom);
    if (!evtchn_valid(e, a->port))
        return -EINVAL;
    c = &e->chans[a->port];
    a->status = c->status;
    a->vcpu = c->vcpu;
    if (c->status == EVTCHNSTAT_unbound) {
        a->u.unbound.dom = c->remote;
    } else if (c->status == EVTCHNSTAT_interdomain) {
        a->u.interdomain.dom = c->remote;
        /* A back-end's ports have the numbers of the guest's. */
        a->u.interdomain.port = c->peer ? c->peer : a->port;
    } else if (c->status == EVTCHNSTAT_pirq) {
        a->u.pirq = c->irq;
    } else if (c->status == EVTCHNSTAT_virq) {
        a->u.virq = c->irq;
    }
    return 0;
}

static int do_bind_vcpu(struct evtchn *e, union evtchn_arg *arg)
{
    const struct evtchn_bind_vcpu *a = &arg->bind_vcpu;
    struct chan *c = chan_at(e, a->port);

    if (a->vcpu >= e->n_vcpus)
        return -ENOENT;
    if (!c || c->status == EVTCHNSTAT_ipi)
        return -EINVAL;
    if (c->status == EVTCHNSTAT_virq && !virq_is_global(c->irq))
        return -EINVAL;
    if (c->vcpu == a->vcpu)
        return 0;
    c->vcpu = a->vcpu;
    evtchn_bound(e, a->port);
    evtchn_move(e, a->port);
    return 0;
}

static int do_unmask(struct evtchn *e, union evtchn_arg *arg)
{
    if (!evtchn_valid(e, arg->unmask.port))
        return -EINVAL;
    evtchn_unmask(e, arg->unmask.port);
    return 0;
}

void evtchn_reset_all(struct evtchn *e)
{
    if (e->ops.reset)
        e->ops.reset(e->ops.ctx);
    for (uint32_t p = 1; p < EVTCHN_MAX_PORTS; p++)
        if (e->chans[p].status != EVTCHNSTAT_closed)
            close_port(e, p);
    fifo_reset(e);
}

static int do_reset(struct evtchn *e, union evtchn_arg *arg)
{
    if (!is_self(e, arg->reset.dom))
        return other_domain(arg->reset.dom);
    evtchn_reset_all(e);
    return 0;
}

static int do_init_control(struct evtchn *e, union evtchn_arg *arg)
{
    return fifo_init_control(e, &arg->init_control);
}

static int do_expand_array(struct evtchn *e, union evtchn_arg *arg)
{
    return fifo_expand_array(e, &arg->expand_array);
}

static int do_set_priority(struct evtchn *e, union evtchn_arg *arg)
{
    return fifo_set_priority(e, &arg->set_priority);
}

#define OP(name, back) \
    [EVTCHNOP_##name] = {sizeof(struct evtchn_##name), (back), do_##name}

static const struct {
    size_t size;
    bool copy_back;
    int (*fn)(struct evtchn *e, union evtchn_arg *arg);
} ops[] = {
    OP(bind_interdomain, true), OP(bind_virq, true),     OP(bind_pirq, true),
    OP(close, false),           OP(send, false),         OP(status, true),
    OP(alloc_unbound, true),    OP(bind_ipi, true),      OP(bind_vcpu, false),
    OP(unmask, false),          OP(reset, false),        OP(init_control, true),
    OP(expand_array, false),    OP(set_priority, false),
};

bool evtchn_op_size(unsigned cmd, size_t *size, bool *copy_back)
{
    if (cmd >= ARRAY_LEN(ops))
        return false;
    *size = ops[cmd].size;
    *copy_back = ops[cmd].copy_back;
    return true;
}

int evtchn_op(struct evtchn *e, unsigned cmd, union evtchn_arg *arg)
{
    if (cmd >= ARRAY_LEN(ops))
        return -ENOSYS;
    return ops[cmd].fn(e, arg);
}
