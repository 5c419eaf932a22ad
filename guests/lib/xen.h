/* SPDX-License-Identifier: MIT */
/*
 * xen.h: being a guest of Xen: the hypercall page, shared_info, a vector for
 * events. Structures are those of Xen's public headers.
 */
#ifndef GUEST_XEN_H
#define GUEST_XEN_H

#define __XEN_INTERFACE_VERSION__ 0x00040e00

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>

#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define XEN_EPERM  (-1)
#define XEN_ENOENT (-2)
#define XEN_ESRCH  (-3)
#define XEN_EFAULT (-14)
#define XEN_EEXIST (-17)
#define XEN_EINVAL (-22)
#define XEN_ENOSPC (-28)
#define XEN_ENOSYS (-38)
#define XEN_ETIME  (-62)

#define XEN_VECTOR 0x50u /* of events, on every CPU */

/* The page, ours; it can be put elsewhere by xen_put_page. */
extern unsigned char xen_page[4096];
extern struct shared_info xen_shared;
/* Upcalls taken so far, by CPU. */
extern volatile unsigned xen_upcalls[32];

/*
 * Ask for the hypercall page, map shared_info, and measure time by Xen's
 * clock. SKIP if this is no guest of Xen.
 */
void xen_init(void);

/*
 * Option kernel=1: the host's kernel answers what it can of Xen by itself,
 * which differs here and there from what Xen does: docs/guest-abi-xen.md.
 */
bool xen_by_kernel(void);

/* Where Xen's CPUID leaves are. */
uint32_t xen_leaf(unsigned n);

/* The MSR by which the page is asked for. */
uint32_t xen_page_msr(void);

/* A hypercall by the page. */
long xen_call(unsigned nr, unsigned long a, unsigned long b, unsigned long c,
              unsigned long d, unsigned long e);

#define XEN_PTR(p) ((unsigned long)(uintptr_t)(p))

static inline long xen_call2(unsigned nr, unsigned long a, const void *b)
{
    return xen_call(nr, a, XEN_PTR(b), 0, 0, 0);
}

static inline long xen_event(unsigned op, const void *arg)
{
    return xen_call2(__HYPERVISOR_event_channel_op, op, arg);
}

static inline long xen_vcpu(unsigned op, unsigned vcpu, const void *arg)
{
    return xen_call(__HYPERVISOR_vcpu_op, op, vcpu, XEN_PTR(arg), 0, 0);
}

/* Take events on XEN_VECTOR on this CPU, whose number it is. */
void xen_take_events(unsigned vcpu);

/* Take events on XEN_VECTOR on all CPUs, past their local APICs. */
void xen_take_callback(void);

/* Ports. */
long xen_bind_ipi(unsigned vcpu);
long xen_bind_virq(unsigned virq, unsigned vcpu);
long xen_send(unsigned port);
bool xen_is_pending(unsigned port);
void xen_clear(unsigned port);
void xen_mask(unsigned port);

#endif
