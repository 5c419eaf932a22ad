// SPDX-License-Identifier: GPL-2.0-or-later
/* hc_hvm.c: HYPERVISOR_hvm_op: parameters, upcall vectors, small things. */
#include "pvabi/xen_priv.h"

#include <errno.h>

/* Vectors below are the CPU's exceptions. */
#define VECTOR_MIN 0x10

/* hvm/params.h: what the 56 bits below the type say. */
static struct xen_via via_of(uint64_t value)
{
    if (value >> 56 == HVM_PARAM_CALLBACK_TYPE_GSI)
        return (struct xen_via){.kind = XEN_VIA_GSI, .line = (uint32_t)value};
    return (struct xen_via){.kind = XEN_VIA_INTX,
                            .line = value & 0xff,
                            .devfn = (uint8_t)(value >> 8)};
}

/* Such an interrupt bypasses the local APIC and is not acknowledged there. */
static int set_callback_vector(struct xen *x, unsigned vector)
{
    const int ret =
        vector >= VECTOR_MIN ? accel_callback(x, (uint8_t)vector) : -EINVAL;

    for (unsigned i = 0; ret == 0 && i < x->n_vcpus; i++)
        evtchn_renotify(x->ev, i);
    if (ret < 0 && vector >= VECTOR_MIN)
        log_guest(&x->limit,
                  "KVM gives the guest no vector for the events of all CPUs: "
                  "use --xen-accel=user");
    return ret;
}

static int set_callback(struct xcall *c, uint64_t value)
{
    struct xen *x = c->x;
    const uint64_t type = value >> 56;
    struct xen_via via = {0};

    xen_latch(x, c->is64);
    xen_set_via(x, &via);
    if (value == 0)
        return 0;
    if (type == HVM_PARAM_CALLBACK_TYPE_VECTOR)
        return set_callback_vector(x, value & 0xff);
    if (type != HVM_PARAM_CALLBACK_TYPE_GSI &&
        type != HVM_PARAM_CALLBACK_TYPE_PCI_INTX)
        return -EINVAL;
    via = via_of(value);
    /*
     * What is no line is accepted and never raised: a kernel whose CPUs have
     * vectors of their own names one that means nothing.
     */
    if (x->ops.line && x->ops.line(x->ops.ctx, &via, false) == 0) {
        xen_set_via(x, &via);
        evtchn_renotify(x->ev, 0);
    }
    return 0;
}

static int set_param(struct xcall *c)
{
    struct xen_hvm_param p;
    int ret;

    if (xcall_in(c, c->arg[1], &p, sizeof(p)) < 0)
        return -EFAULT;
    if (p.index >= XEN_PARAMS)
        return -EINVAL;
    if (!xen_is_self(p.domid))
        return -ESRCH;
    /* The others are the domain builder's. */
    if (p.index != HVM_PARAM_CALLBACK_IRQ)
        return -EPERM;
    ret = set_callback(c, p.value);
    if (ret == 0)
        c->x->params[p.index] = p.value;
    return ret;
}

static int get_param(struct xcall *c)
{
    struct xen_hvm_param p;

    if (xcall_in(c, c->arg[1], &p, sizeof(p)) < 0)
        return -EFAULT;
    if (p.index >= XEN_PARAMS)
        return -EINVAL;
    if (!xen_is_self(p.domid))
        return -ESRCH;
    p.value = c->x->params[p.index];
    return xcall_out(c, c->arg[1], &p, sizeof(p));
}

static int set_vector(struct xcall *c)
{
    struct xen_hvm_evtchn_upcall_vector a = {0};

    if (xcall_in(c, c->arg[1], &a, sizeof(a)) < 0)
        return -EFAULT;
    if (a.vector < VECTOR_MIN)
        return -EINVAL;
    if (a.vcpu >= c->x->n_vcpus)
        return -ENOENT;
    c->x->vcpus[a.vcpu].vector = a.vector;
    accel_vcpu(c->x, a.vcpu);
    evtchn_renotify(c->x->ev, a.vcpu);
    return 0;
}

/* KVM flushes with the page tables; there is nothing left to do. */
static int flush_tlbs(struct xcall *c)
{
    return c->arg[1] ? -EINVAL : 0;
}

static int get_time(struct xcall *c)
{
    const struct xen_hvm_get_time a = {.now = c->x->ops.now(c->x->ops.ctx)};

    return xcall_out(c, c->arg[1], &a, sizeof(a));
}

static int get_mem_type(struct xcall *c)
{
    struct xen_hvm_get_mem_type a;

    if (xcall_in(c, c->arg[1], &a, sizeof(a)) < 0)
        return -EFAULT;
    if (!xen_is_self(a.domid))
        return -ESRCH;
    a.mem_type = a.pfn <= UINT64_MAX >> 12 &&
                         gmem_is_ram(c->x->mem, GPA(a.pfn << 12), GUEST_PAGE)
                     ? HVMMEM_ram_rw
                     : HVMMEM_mmio_dm;
    return xcall_out(c, c->arg[1], &a, sizeof(a));
}

int64_t hc_hvm_op(struct xcall *c)
{
    switch (c->arg[0]) {
    case HVMOP_set_param:
        return set_param(c);
    case HVMOP_get_param:
        return get_param(c);
    case HVMOP_flush_tlbs:
        return flush_tlbs(c);
    case HVMOP_get_time:
        return get_time(c);
    case HVMOP_get_mem_type:
        return get_mem_type(c);
    case HVMOP_set_evtchn_upcall_vector:
        return set_vector(c);
    default:
        /* pagetable_dying too: a hint for hypervisors with shadow tables. */
        return -ENOSYS;
    }
}
