// SPDX-License-Identifier: GPL-2.0-or-later
/* board_xen_kernel.c: see board_xen_kernel.h. */
#include "board_xen_kernel.h"

#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * An eventfd that KVM signals for one port. When the port is closed, on
 * whatever thread, it stays watched and waits for the next.
 */
struct kick {
    struct board_xen_kernel *k;
    struct kick *next;
    uint32_t port; /* 0: none */
    int fd;        /* owned */
    struct loop_op op;
};

struct board_xen_kernel {
    struct loop *loop;        /* borrowed */
    struct vm *vm;            /* borrowed */
    struct vcpu *const *cpus; /* borrowed; NULL in it: not made yet */
    struct xen *xen;          /* borrowed */
    struct kick *kicks;       /* owned */
    struct xen_accel ops;
};

/* It is watched and never read: the loop hears of each signal. */
static void on_kick(struct loop_op *op, int res)
{
    const struct kick *c = op->owner;

    if (res >= 0 && c->port && c->k->xen)
        evtchn_backend_kicked(xen_evtchn(c->k->xen), c->port);
}

static struct kick *new_kick(struct board_xen_kernel *k)
{
    struct kick *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->k = k;
    c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->fd < 0) {
        log_debug("eventfd for an event channel: %s", strerror(errno));
        free(c);
        return NULL;
    }
    c->op = (struct loop_op){.fn = on_kick, .owner = c};
    loop_watch(k->loop, &c->op, c->fd);
    c->next = k->kicks;
    k->kicks = c;
    return c;
}

/* Of a port, or with 0 a free one, or NULL. */
static struct kick *find_kick(const struct board_xen_kernel *k, uint32_t port)
{
    struct kick *c = k->kicks;

    while (c && c->port != port)
        c = c->next;
    return c;
}

/* Back-ends bind their ports on the loop thread. */
static int give_kick(struct board_xen_kernel *k, uint32_t port)
{
    struct kick *c = find_kick(k, 0);
    int ret;

    if (!c)
        c = new_kick(k);
    if (!c)
        return -ENOMEM;
    ret = kvm_xen_give(k->vm, port, 0, 0, c->fd);
    if (ret == 0)
        c->port = port;
    return ret;
}

/* ---- struct xen_accel ---- */

static int map(void *ctx, uint64_t gfn, bool is64)
{
    const struct board_xen_kernel *k = ctx;

    return kvm_xen_map(k->vm, gfn, is64);
}

static int give(void *ctx, uint32_t port, uint32_t target, unsigned vcpu)
{
    struct board_xen_kernel *k = ctx;

    if (!target)
        return give_kick(k, port);
    return kvm_xen_give(k->vm, port, target, vcpu, -1);
}

static void take(void *ctx, uint32_t port)
{
    const struct board_xen_kernel *k = ctx;
    struct kick *c = find_kick(k, port);

    kvm_xen_take(k->vm, port);
    if (c)
        c->port = 0;
}

static void take_all(void *ctx)
{
    const struct board_xen_kernel *k = ctx;

    kvm_xen_take_all(k->vm);
    for (struct kick *c = k->kicks; c; c = c->next)
        c->port = 0;
}

static bool raise_port(void *ctx, uint32_t port, unsigned vcpu)
{
    const struct board_xen_kernel *k = ctx;

    return kvm_xen_raise(k->vm, port, vcpu);
}

/* While the board is built there are no CPUs, and nothing to tell them. */
static void set_info(void *ctx, unsigned vcpu, uint64_t gpa)
{
    const struct board_xen_kernel *k = ctx;

    if (k->cpus[vcpu])
        kvm_xen_set_info(k->cpus[vcpu], gpa);
}

static void set_vector(void *ctx, unsigned vcpu, uint8_t vector)
{
    const struct board_xen_kernel *k = ctx;

    if (k->cpus[vcpu])
        kvm_xen_set_vector(k->cpus[vcpu], vector);
}

static int set_callback(void *ctx, uint8_t vector)
{
    const struct board_xen_kernel *k = ctx;

    return kvm_xen_set_callback(k->vm, vector);
}

static void nudge(void *ctx, unsigned vcpu)
{
    const struct board_xen_kernel *k = ctx;

    if (k->cpus[vcpu])
        kvm_xen_nudge(k->cpus[vcpu]);
}

static void set_timer(void *ctx, unsigned vcpu, uint32_t port, uint64_t at)
{
    const struct board_xen_kernel *k = ctx;

    if (k->cpus[vcpu])
        kvm_xen_set_timer(k->cpus[vcpu], port, at);
}

static void set_time_copy(void *ctx, unsigned vcpu, uint64_t gpa)
{
    const struct board_xen_kernel *k = ctx;

    if (k->cpus[vcpu])
        kvm_xen_set_time_copy(k->cpus[vcpu], gpa);
}

static void set_runstate(void *ctx, unsigned vcpu, uint64_t gpa)
{
    const struct board_xen_kernel *k = ctx;

    if (k->cpus[vcpu])
        kvm_xen_set_runstate(k->cpus[vcpu], gpa);
}

static void set_update_flag(void *ctx, bool on)
{
    const struct board_xen_kernel *k = ctx;

    kvm_xen_set_update_flag(k->vm, on);
}

static bool get_runstate(void *ctx, unsigned vcpu,
                         struct vcpu_runstate_info *out)
{
    const struct board_xen_kernel *k = ctx;
    struct kvm_xen_runstate r;

    if (!kvm_xen_get_runstate(k->cpus[vcpu], &r))
        return false;
    *out = (struct vcpu_runstate_info){.state = (int)r.state,
                                       .state_entry_time = r.since};
    memcpy(out->time, r.time, sizeof(r.time));
    return true;
}

/* ---- making ---- */

struct board_xen_kernel *board_xen_kernel_create(struct loop *loop,
                                                 struct vm *vm,
                                                 struct vcpu *const *cpus)
{
    const unsigned does = kvm_xen_vm_does(vm);
    struct board_xen_kernel *k = calloc(1, sizeof(*k));

    if (!k) {
        log_error("Xen ABI: out of memory");
        return NULL;
    }
    k->loop = loop;
    k->vm = vm;
    k->cpus = cpus;
    k->ops = (struct xen_accel){
        .timers = does & KVM_XEN_DOES_TIMERS,
        .runstates = does & KVM_XEN_DOES_RUNSTATES,
        .map = map,
        .give = give,
        .take = take,
        .take_all = take_all,
        .raise = raise_port,
        .set_info = set_info,
        .set_vector = set_vector,
        .set_callback = set_callback,
        .nudge = nudge,
        .set_timer = set_timer,
        .set_time_copy = set_time_copy,
        .set_runstate = set_runstate,
        .set_update_flag = set_update_flag,
        .get_runstate = get_runstate,
        .ctx = k,
    };
    return k;
}

void board_xen_kernel_destroy(struct board_xen_kernel *k)
{
    if (!k)
        return;
    while (k->kicks) {
        struct kick *c = k->kicks;

        k->kicks = c->next;
        loop_drain(k->loop, &c->op);
        close(c->fd);
        free(c);
    }
    free(k);
}

const struct xen_accel *board_xen_kernel_ops(const struct board_xen_kernel *k)
{
    return &k->ops;
}

void board_xen_kernel_use(struct board_xen_kernel *k, struct xen *xen)
{
    k->xen = xen;
}
