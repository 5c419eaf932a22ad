// SPDX-License-Identifier: GPL-2.0-or-later
/* hc_vcpu.c: HYPERVISOR_vcpu_op. */
#include "pvabi/xen_priv.h"

#include <errno.h>

static int register_info(struct xcall *c, unsigned vcpu)
{
    struct vcpu_register_vcpu_info a;
    struct gwin win;
    uint64_t gpa;
    int ret;

    if (xcall_in(c, c->arg[2], &a, sizeof(a)) < 0)
        return -EFAULT;
    const uint32_t align = shinfo_is32(c->x->si) ? 4 : 8;

    if (a.offset > GUEST_PAGE - SHINFO_VCPU_SIZE || a.offset % align ||
        a.mfn > UINT64_MAX >> 12)
        return -ENXIO;
    gpa = (a.mfn << 12) + a.offset;
    if (gmem_win(c->x->mem, GPA(gpa), SHINFO_VCPU_SIZE, &win) < 0)
        return -EINVAL;
    ret = shinfo_register_vcpu(c->x->si, vcpu, &win);
    if (ret < 0)
        return ret;
    c->x->vcpus[vcpu].info = gpa;
    xen_place_clocks(c->x);
    evtchn_renotify(c->x->ev, vcpu);
    return 0;
}

/* A union of pointers, the first of which is the caller's. */
static int area_address(const struct xcall *c, uint64_t *out)
{
    return xcall_word_in(c, c->arg[2], 0, out);
}

static int register_runstate(struct xcall *c, unsigned vcpu)
{
    uint64_t gva;

    if (area_address(c, &gva) < 0)
        return -EFAULT;
    return areas_set_runstate(c, vcpu, gva);
}

static int register_time(struct xcall *c, unsigned vcpu)
{
    uint64_t gva;

    if (area_address(c, &gva) < 0)
        return -EFAULT;
    return areas_set_time(c, vcpu, gva);
}

static int get_runstate(struct xcall *c, unsigned vcpu)
{
    struct vcpu_runstate_info r;

    if (vcpu != c->h->vcpu || !areas_own_runstate(c->x, vcpu, &r)) {
        runstate_account(c->x, vcpu);
        runstate_get(c->x, vcpu, &r);
    }
    if (c->is64)
        return xcall_out(c, c->arg[2], &r, sizeof(r));
    if (xcall_out(c, c->arg[2], &r.state, 4) < 0)
        return -EFAULT;
    return xcall_out(c, c->arg[2] + 4, &r.state_entry_time, sizeof(r) - 8);
}

static int set_singleshot(struct xcall *c, unsigned vcpu)
{
    struct vcpu_set_singleshot_timer a = {0};
    /* Eight bytes and four; only then do the paddings differ. */
    const size_t size = sizeof(a.timeout_abs_ns) + sizeof(a.flags);

    if (vcpu != c->h->vcpu)
        return -EINVAL;
    if (xcall_in(c, c->arg[2], &a, size) < 0)
        return -EFAULT;
    if (a.flags & VCPU_SSHOTTMR_future &&
        a.timeout_abs_ns < c->x->ops.now(c->x->ops.ctx))
        return -ETIME;
    return timer_singleshot(c->x, vcpu, a.timeout_abs_ns);
}

static int stop_singleshot(struct xcall *c, unsigned vcpu)
{
    if (vcpu != c->h->vcpu)
        return -EINVAL;
    timer_stop_singleshot(c->x, vcpu);
    return 0;
}

static int set_periodic(struct xcall *c, unsigned vcpu)
{
    struct vcpu_set_periodic_timer a;

    if (xcall_in(c, c->arg[2], &a, sizeof(a)) < 0)
        return -EFAULT;
    return timer_periodic(c->x, vcpu, a.period_ns);
}

static int stop_periodic(struct xcall *c, unsigned vcpu)
{
    timer_stop_periodic(c->x, vcpu);
    return 0;
}

/* The union that physical addresses come in has eight bytes for everyone. */
static int area_gpa(const struct xcall *c, uint64_t *out)
{
    return xcall_in(c, c->arg[2], out, sizeof(*out));
}

static int put_runstate(struct xcall *c, unsigned vcpu)
{
    uint64_t gpa;

    if (area_gpa(c, &gpa) < 0)
        return -EFAULT;
    return areas_put_runstate(c, vcpu, gpa);
}

static int put_time(struct xcall *c, unsigned vcpu)
{
    uint64_t gpa;

    if (area_gpa(c, &gpa) < 0)
        return -EFAULT;
    return areas_put_time(c, vcpu, gpa);
}

/* Of Xen 4.18, whose headers are younger than those this is built with. */
#define OP_REGISTER_RUNSTATE_PHYS_AREA  14
#define OP_REGISTER_VCPU_TIME_PHYS_AREA 15

int64_t hc_vcpu_op(struct xcall *c)
{
    static int (*const ops[])(struct xcall * c, unsigned vcpu) = {
        [VCPUOP_initialise] = vcpu_op_initialise,
        [VCPUOP_up] = vcpu_op_up,
        [VCPUOP_down] = vcpu_op_down,
        [VCPUOP_is_up] = vcpu_op_is_up,
        [VCPUOP_get_runstate_info] = get_runstate,
        [VCPUOP_register_runstate_memory_area] = register_runstate,
        [VCPUOP_set_periodic_timer] = set_periodic,
        [VCPUOP_stop_periodic_timer] = stop_periodic,
        [VCPUOP_set_singleshot_timer] = set_singleshot,
        [VCPUOP_stop_singleshot_timer] = stop_singleshot,
        [VCPUOP_register_vcpu_info] = register_info,
        [VCPUOP_send_nmi] = vcpu_op_send_nmi,
        [VCPUOP_register_vcpu_time_memory_area] = register_time,
        [OP_REGISTER_RUNSTATE_PHYS_AREA] = put_runstate,
        [OP_REGISTER_VCPU_TIME_PHYS_AREA] = put_time,
    };
    const uint64_t cmd = c->arg[0];

    if (c->arg[1] >= c->x->n_vcpus)
        return -ENOENT;
    if (cmd >= ARRAY_LEN(ops) || !ops[cmd])
        return -ENOSYS;
    return ops[cmd](c, (unsigned)c->arg[1]);
}
