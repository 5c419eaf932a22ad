// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accel.c: which events the kernel raises by itself, where it knows of Xen;
 * see struct xen_accel.
 *
 * It interrupts a vCPU by the vector the guest chose for it, or for all, and no
 * other way: only the events of a vCPU that has one are the kernel's. It finds
 * them in shared_info and vcpu_info, so these must be where the guest can see
 * them. A send that reaches a back-end touches neither and always is the
 * kernel's.
 *
 * What of this changes while the guest runs is told to the kernel in an order
 * in which an event, whoever raises it, comes late or twice but is not lost.
 */
#include "pvabi/xen_priv.h"

#include <errno.h>
#include <string.h>

#define LINE 64u /* bytes of the CPU's cache */

static bool is_given(const struct xen *x, uint32_t port)
{
    return x->given[port / 64] >> port % 64 & 1;
}

static void take(struct xen *x, uint32_t port)
{
    if (!is_given(x, port))
        return;
    x->given[port / 64] &= ~((uint64_t)1 << port % 64);
    x->accel->take(x->accel->ctx, port);
}

/* One that is refused stays a hypercall of ours. */
static void give(struct xen *x, uint32_t port, uint32_t target, unsigned vcpu)
{
    if (x->accel->give(x->accel->ctx, port, target, vcpu) == 0)
        x->given[port / 64] |= (uint64_t)1 << port % 64;
}

static void bound_to_guest(struct xen *x, uint32_t port, uint32_t target,
                           unsigned vcpu)
{
    take(x, port);
    if (x->vcpus[vcpu].kernel)
        give(x, port, target, vcpu);
}

void accel_bound(void *ctx, uint32_t port, const struct evtchn_info *info)
{
    struct xen *x = ctx;

    if (!x->accel)
        return;
    if (info->status == EVTCHNSTAT_ipi) {
        bound_to_guest(x, port, port, info->vcpu);
    } else if (info->status == EVTCHNSTAT_virq && info->virq == VIRQ_TIMER) {
        timer_give(x, info->vcpu, x->vcpus[info->vcpu].kernel ? port : 0);
    } else if (info->status == EVTCHNSTAT_interdomain) {
        if (!info->backend)
            bound_to_guest(x, info->peer, port, info->vcpu);
        else if (!is_given(x, port))
            give(x, port, 0, 0);
    }
}

void accel_closed(void *ctx, uint32_t port)
{
    struct xen *x = ctx;

    if (!x->accel)
        return;
    take(x, port);
    for (unsigned i = 0; i < x->n_vcpus; i++)
        if (x->vcpus[i].timer_port == port)
            timer_give(x, i, 0);
}

/* At once: for one port after the other the kernel would wait each time. */
void accel_reset(void *ctx)
{
    struct xen *x = ctx;

    if (!x->accel)
        return;
    x->accel->take_all(x->accel->ctx);
    memset(x->given, 0, sizeof(x->given));
    for (unsigned i = 0; i < x->n_vcpus; i++)
        timer_give(x, i, 0);
}

bool accel_raise(void *ctx, uint32_t port, unsigned vcpu)
{
    const struct xen *x = ctx;

    return x->accel && x->vcpus[vcpu].kernel &&
           x->accel->raise(x->accel->ctx, port, vcpu);
}

/*
 * The kernel takes the selector for 64 bits whatever the guest does. A locked
 * operation on what lies in two lines may be a fault, there in the kernel.
 */
static bool selector_in_line(const struct xen *x, uint64_t info)
{
    const uint64_t at =
        info + (shinfo_is32(x->si)
                    ? offsetof(struct vcpu_info_x86_32, evtchn_pending_sel)
                    : offsetof(struct vcpu_info, evtchn_pending_sel));

    return at % LINE <= LINE - sizeof(uint64_t);
}

void accel_vcpu(struct xen *x, unsigned vcpu)
{
    struct xen_vcpu *v = &x->vcpus[vcpu];
    const uint64_t info = xen_info(x, vcpu);
    const bool kernel = x->kernel_shinfo && (v->vector || x->callback) &&
                        info != XEN_NOWHERE && selector_in_line(x, info);

    if (!x->accel)
        return;
    x->accel->set_info(x->accel->ctx, vcpu, info);
    x->accel->set_vector(x->accel->ctx, vcpu, kernel ? v->vector : 0);
    if (v->kernel == kernel)
        return;
    v->kernel = kernel;
    evtchn_tell_bound(x->ev, vcpu);
}

int accel_callback(struct xen *x, uint8_t vector)
{
    int ret;

    if (x->callback == vector)
        return 0;
    ret = x->accel ? x->accel->set_callback(x->accel->ctx, vector) : 0;
    if (ret < 0)
        return ret;
    x->callback = vector;
    for (unsigned i = 0; x->accel && i < x->n_vcpus; i++)
        accel_vcpu(x, i);
    return 0;
}

void accel_unmap(struct xen *x)
{
    if (!x->accel || !x->kernel_shinfo)
        return;
    x->kernel_shinfo = false;
    (void)x->accel->map(x->accel->ctx, XEN_NOWHERE, !shinfo_is32(x->si));
}

void accel_map(struct xen *x)
{
    if (x->accel)
        x->kernel_shinfo = x->accel->map(x->accel->ctx, x->si_gpa >> 12,
                                         !shinfo_is32(x->si)) == 0;
}

void xen_settled(struct xen *x, unsigned vcpu, bool moved, uint64_t timer)
{
    if (moved)
        shinfo_mark_all(x->si, vcpu);
    if (timer)
        timer_returned(x, vcpu, timer);
    evtchn_renotify(x->ev, vcpu);
}
