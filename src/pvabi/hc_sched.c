// SPDX-License-Identifier: GPL-2.0-or-later
/* hc_sched.c: HYPERVISOR_sched_op. */
#include "pvabi/xen_priv.h"

#include <errno.h>

#define POLL_MAX_PORTS 128
/* Whoever polls may come back early, and then polls again. */
#define POLL_SLICE ((uint64_t)1000000)

static int64_t shutdown_domain(struct xcall *c)
{
    struct sched_shutdown s;

    if (xcall_in(c, c->arg[1], &s, sizeof(s)) < 0)
        return -EFAULT;
    if (s.reason > SHUTDOWN_MAX)
        return -EINVAL;
    /*
     * Resumed in place, at once: nothing of the machine is gone. 1 says so, as
     * for a suspend that was cancelled: the guest keeps what it has.
     */
    if (s.reason == SHUTDOWN_suspend)
        return 1;
    c->x->ops.shutdown(c->x->ops.ctx, s.reason);
    return 0;
}

struct poll {
    uint64_t ports;
    uint32_t n;
    uint64_t timeout; /* system time; 0: none */
};

static int read_poll(const struct xcall *c, struct poll *out)
{
    struct sched_poll p64;
    struct {
        uint32_t ports;
        uint32_t nr_ports;
        uint64_t timeout;
    } p32;
    uint64_t ports;

    if (c->is64) {
        if (xcall_in(c, c->arg[1], &p64, sizeof(p64)) < 0 ||
            xcall_word_in(c, c->arg[1], 0, &ports) < 0)
            return -EFAULT;
        *out = (struct poll){ports, p64.nr_ports, p64.timeout};
        return 0;
    }
    if (xcall_in(c, c->arg[1], &p32, sizeof(p32)) < 0)
        return -EFAULT;
    *out = (struct poll){p32.ports, p32.nr_ports, p32.timeout};
    return 0;
}

/* 1: one is pending, 0: none, or -errno. */
static int any_pending(const struct xcall *c, const struct poll *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t port;
        int ret;

        if (xcall_in_at(c, p->ports, i, &port, sizeof(port)) < 0)
            return -EFAULT;
        ret = evtchn_is_pending(c->x->ev, port);
        if (ret != 0)
            return ret;
    }
    return 0;
}

static int64_t poll_ports(struct xcall *c)
{
    struct poll p;
    uint64_t now;
    int ret;

    if (read_poll(c, &p) < 0)
        return -EFAULT;
    if (p.n > POLL_MAX_PORTS)
        return -EINVAL;
    ret = any_pending(c, &p);
    if (ret != 0)
        return ret < 0 ? ret : 0;
    now = c->x->ops.now(c->x->ops.ctx);
    if (c->nested || (p.timeout && p.timeout <= now))
        return 0;
    c->x->ops.wait(c->x->ops.ctx, p.timeout && p.timeout - now < POLL_SLICE
                                      ? p.timeout - now
                                      : POLL_SLICE);
    return 0;
}

int64_t hc_sched_op(struct xcall *c)
{
    switch (c->arg[0]) {
    case SCHEDOP_yield:
        return 0;
    case SCHEDOP_block:
        /* It may end at once, and the guest then looks and blocks again. */
        if (!c->nested && !shinfo_upcall(c->x->si, c->h->vcpu))
            c->x->ops.wait(c->x->ops.ctx, POLL_SLICE);
        return 0;
    case SCHEDOP_shutdown:
        return shutdown_domain(c);
    case SCHEDOP_poll:
        return poll_ports(c);
    case SCHEDOP_shutdown_code:
        return 0;
    default:
        return -ENOSYS;
    }
}
