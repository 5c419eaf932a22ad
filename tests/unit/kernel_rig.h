/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel_rig.h: the hypercalls of a guest without one (hcall_rig.h), and a
 * kernel that knows of Xen: it writes down what it is told, takes nothing
 * twice, and can refuse.
 */
#ifndef KERNEL_RIG_H
#define KERNEL_RIG_H

#include "hcall_rig.h"

#include "vmm/log.h"

#define KERNEL_NOWHERE UINT64_MAX

struct kernel {
    struct hcall_rig r;
    struct xen_accel ops;
    bool refuses;
    uint64_t gfn; /* of shared_info */
    bool is64;
    struct {
        bool given;
        uint32_t target;
        unsigned vcpu;
    } sends[EVTCHN_MAX_PORTS];
    unsigned takes, resets, raises, notified, nudges;
    uint8_t callback;
    struct {
        uint64_t info, time_copy, runstate;
        uint8_t vector;
        uint32_t timer_port;
        uint64_t timer_at;
    } vcpus[RIG_CPUS];
    bool update_flag;
    bool knows_runstate;
};

/* Has the vCPU a vector, its own or that for all? */
static inline bool kernel_interrupts(const struct kernel *k, unsigned vcpu)
{
    return k->vcpus[vcpu].vector || k->callback;
}

static inline int kernel_map(void *ctx, uint64_t gfn, bool is64)
{
    struct kernel *k = ctx;

    if (k->refuses && gfn != KERNEL_NOWHERE)
        return -EFAULT;
    k->gfn = gfn;
    k->is64 = is64;
    return 0;
}

static inline int kernel_give(void *ctx, uint32_t port, uint32_t target,
                              unsigned vcpu)
{
    struct kernel *k = ctx;

    BUG_ON(port == 0 || port >= EVTCHN_MAX_PORTS || target >= EVTCHN_MAX_PORTS);
    BUG_ON(k->sends[port].given || (target && !kernel_interrupts(k, vcpu)));
    if (k->refuses)
        return -ENOMEM;
    k->sends[port].given = true;
    k->sends[port].target = target;
    k->sends[port].vcpu = vcpu;
    return 0;
}

static inline void kernel_take(void *ctx, uint32_t port)
{
    struct kernel *k = ctx;

    BUG_ON(!k->sends[port].given);
    k->sends[port].given = false;
    k->takes++;
}

static inline void kernel_take_all(void *ctx)
{
    struct kernel *k = ctx;

    memset(k->sends, 0, sizeof(k->sends));
    k->resets++;
}

static inline bool kernel_raise(void *ctx, uint32_t port, unsigned vcpu)
{
    struct kernel *k = ctx;

    BUG_ON(port == 0 || k->gfn == KERNEL_NOWHERE ||
           !kernel_interrupts(k, vcpu));
    k->raises += !k->refuses;
    return !k->refuses;
}

static inline void kernel_set_info(void *ctx, unsigned vcpu, uint64_t gpa)
{
    struct kernel *k = ctx;

    k->vcpus[vcpu].info = gpa;
}

static inline void kernel_set_vector(void *ctx, unsigned vcpu, uint8_t vector)
{
    struct kernel *k = ctx;

    k->vcpus[vcpu].vector = vector;
}

static inline int kernel_set_callback(void *ctx, uint8_t vector)
{
    struct kernel *k = ctx;

    if (k->refuses)
        return -EINVAL;
    k->callback = vector;
    return 0;
}

static inline void kernel_nudge(void *ctx, unsigned vcpu)
{
    struct kernel *k = ctx;

    BUG_ON(!k->callback || k->vcpus[vcpu].vector);
    k->nudges++;
}

static inline void kernel_set_timer(void *ctx, unsigned vcpu, uint32_t port,
                                    uint64_t at)
{
    struct kernel *k = ctx;

    k->vcpus[vcpu].timer_port = port;
    k->vcpus[vcpu].timer_at = at;
}

static inline void kernel_set_time_copy(void *ctx, unsigned vcpu, uint64_t gpa)
{
    struct kernel *k = ctx;

    k->vcpus[vcpu].time_copy = gpa;
}

static inline void kernel_set_runstate(void *ctx, unsigned vcpu, uint64_t gpa)
{
    struct kernel *k = ctx;

    k->vcpus[vcpu].runstate = gpa;
}

static inline void kernel_set_update_flag(void *ctx, bool on)
{
    struct kernel *k = ctx;

    k->update_flag = on;
}

static inline bool kernel_get_runstate(void *ctx, unsigned vcpu,
                                       struct vcpu_runstate_info *out)
{
    const struct kernel *k = ctx;

    (void)vcpu;
    *out = (struct vcpu_runstate_info){.state = RUNSTATE_running,
                                       .state_entry_time = 1000,
                                       .time = {[RUNSTATE_runnable] = 77}};
    return k->knows_runstate;
}

/* False: out of memory. */
static inline bool kernel_make(struct kernel *k)
{
    *k = (struct kernel){.gfn = KERNEL_NOWHERE};
    for (unsigned i = 0; i < RIG_CPUS; i++)
        k->vcpus[i].info = k->vcpus[i].time_copy = k->vcpus[i].runstate =
            KERNEL_NOWHERE;
    k->ops = (struct xen_accel){.timers = true,
                                .runstates = true,
                                .map = kernel_map,
                                .give = kernel_give,
                                .take = kernel_take,
                                .take_all = kernel_take_all,
                                .raise = kernel_raise,
                                .set_info = kernel_set_info,
                                .set_vector = kernel_set_vector,
                                .set_callback = kernel_set_callback,
                                .nudge = kernel_nudge,
                                .set_timer = kernel_set_timer,
                                .set_time_copy = kernel_set_time_copy,
                                .set_runstate = kernel_set_runstate,
                                .set_update_flag = kernel_set_update_flag,
                                .get_runstate = kernel_get_runstate,
                                .ctx = k};
    return rig_make_with(&k->r, &k->ops);
}

#endif
