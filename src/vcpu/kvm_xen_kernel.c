// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kvm_xen_kernel.c: what a KVM that knows of Xen does by itself; see
 * kvm_xen.h.
 *
 * KVM has the same words in guest memory that src/pvabi has, and both change
 * them by locked operations in the order Xen gives, so that each may raise an
 * event at any time. What KVM is told of a vCPU is written to v->xen_want and
 * handed over by the vCPU's own thread: the ioctl waits for the vCPU to leave
 * KVM_RUN. Until then an event waits in KVM, which delivers it when it learns
 * where to.
 */
#include "vcpu/vm_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

/* EVTCHNSTAT_* of Xen's event_channel.h, by which KVM names kinds of ports. */
#define STATUS_INTERDOMAIN 2
#define STATUS_IPI         5

/*
 * Newer than the headers of Linux 6.1, which are those to build with:
 * KVM_XEN_HVM_CONFIG_RUNSTATE_UPDATE_FLAG, _SHARED_INFO_HVA, and
 * KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG.
 */
#define HAS_UPDATE_FLAG  (1u << 6)
#define HAS_HVA          (1u << 8)
#define ATTR_UPDATE_FLAG 0x5

/*
 * A timer that KVM sets never comes here, where an upcall that a local APIC
 * did not take while it was off is told again. KVM does that itself when the
 * APIC is turned on since Linux 6.9, which is also when HAS_HVA came.
 */
unsigned kvm_xen_does(int kvm_fd)
{
    const unsigned events = KVM_XEN_HVM_CONFIG_SHARED_INFO |
                            KVM_XEN_HVM_CONFIG_EVTCHN_2LEVEL |
                            KVM_XEN_HVM_CONFIG_EVTCHN_SEND;
    const unsigned runstates = KVM_XEN_HVM_CONFIG_RUNSTATE | HAS_UPDATE_FLAG;
    const int has = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_XEN_HVM);

    if (has < 0 || ((unsigned)has & events) != events)
        return 0;
    return KVM_XEN_DOES_EVENTS |
           ((unsigned)has & HAS_HVA ? KVM_XEN_DOES_TIMERS : 0) |
           (((unsigned)has & runstates) == runstates ? KVM_XEN_DOES_RUNSTATES
                                                     : 0);
}

unsigned kvm_xen_vm_does(const struct vm *vm)
{
    return vm->xen_does;
}

static int set_attr(const struct vm *vm, const struct kvm_xen_hvm_attr *a)
{
    return ioctl(vm->fd, KVM_XEN_HVM_SET_ATTR, a) < 0 ? -errno : 0;
}

int xen_kernel_setup_vm(struct vm *vm)
{
    const struct kvm_xen_hvm_attr version = {.type =
                                                 KVM_XEN_ATTR_TYPE_XEN_VERSION,
                                             .u.xen_version = vm->xen_version};
    struct kvm_xen_hvm_config c = {.flags = KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL,
                                   .msr = KVM_XEN_MSR};

    vm->xen_does = kvm_xen_does(vm->kvm_fd);
    if (vm->xen_does)
        c.flags |= KVM_XEN_HVM_CONFIG_EVTCHN_SEND;
    if (ioctl(vm->fd, KVM_XEN_HVM_CONFIG, &c) < 0)
        return -errno;
    return vm->xen_does ? set_attr(vm, &version) : 0;
}

/* ---- the machine's ---- */

int kvm_xen_map(struct vm *vm, uint64_t gfn, bool is64)
{
    const struct kvm_xen_hvm_attr a = {.type = KVM_XEN_ATTR_TYPE_SHARED_INFO,
                                       .u.shared_info.gfn = gfn};

    kvm_xen_set_long_mode(vm, is64);
    return set_attr(vm, &a);
}

int kvm_xen_give(struct vm *vm, uint32_t port, uint32_t target, uint32_t vcpu,
                 int fd)
{
    struct kvm_xen_hvm_attr a = {
        .type = KVM_XEN_ATTR_TYPE_EVTCHN,
        .u.evtchn = {.send_port = port,
                     .type = target == port ? STATUS_IPI : STATUS_INTERDOMAIN}};

    if (target)
        a.u.evtchn.deliver.port = (__typeof__(a.u.evtchn.deliver.port)){
            .port = target,
            .vcpu = vcpu,
            .priority = KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL};
    else
        a.u.evtchn.deliver.eventfd.fd = fd;
    return set_attr(vm, &a);
}

static void take(const struct vm *vm, uint32_t port, uint32_t flags)
{
    const struct kvm_xen_hvm_attr a = {
        .type = KVM_XEN_ATTR_TYPE_EVTCHN,
        .u.evtchn = {.send_port = port, .flags = flags}};
    static struct log_limit limit;
    const int ret = set_attr(vm, &a);

    if (ret < 0)
        log_guest(&limit, "KVM keeps event channel %u: %s", port,
                  strerror(-ret));
}

void kvm_xen_take(struct vm *vm, uint32_t port)
{
    take(vm, port, KVM_XEN_EVTCHN_DEASSIGN);
}

void kvm_xen_take_all(struct vm *vm)
{
    take(vm, 0, KVM_XEN_EVTCHN_RESET);
}

bool kvm_xen_raise(struct vm *vm, uint32_t port, uint32_t vcpu)
{
    const struct kvm_irq_routing_xen_evtchn e = {
        .port = port,
        .vcpu = vcpu,
        .priority = KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL};

    return ioctl(vm->fd, KVM_XEN_HVM_EVTCHN_SEND, &e) == 0;
}

void kvm_xen_set_update_flag(struct vm *vm, bool on)
{
    /* A byte of the union, like the flag that those headers do not have. */
    const struct kvm_xen_hvm_attr a = {.type = ATTR_UPDATE_FLAG,
                                       .u.long_mode = on};
    const int ret = set_attr(vm, &a);

    if (ret < 0)
        log_debug("KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG: %s", strerror(-ret));
}

/* ---- a vCPU's: what it is to know ---- */

/* One of v->xen_want. */
static void want(struct vcpu *v, uint64_t *what, uint64_t value)
{
    if (*what == value)
        return;
    *what = value;
    vcpu_kick(v, VCPU_REASON_WORK);
}

void kvm_xen_set_info(struct vcpu *v, uint64_t gpa)
{
    want(v, &v->xen_want.info, gpa);
}

void kvm_xen_set_vector(struct vcpu *v, uint8_t vector)
{
    want(v, &v->xen_want.vector, vector);
}

int kvm_xen_set_callback(struct vm *vm, uint8_t vector)
{
    const struct kvm_xen_hvm_attr a = {.type = KVM_XEN_ATTR_TYPE_UPCALL_VECTOR,
                                       .u.vector = vector};

    return set_attr(vm, &a);
}

void kvm_xen_nudge(struct vcpu *v)
{
    vcpu_kick(v, VCPU_REASON_WORK);
}

void kvm_xen_set_timer(struct vcpu *v, uint32_t port, uint64_t at)
{
    want(v, &v->xen_want.timer_port, port);
    /* What KVM was not told yet is given back with the port. */
    if (port || at)
        want(v, &v->xen_want.timer_at, at);
}

void kvm_xen_set_time_copy(struct vcpu *v, uint64_t gpa)
{
    want(v, &v->xen_want.time_copy, gpa);
}

void kvm_xen_set_runstate(struct vcpu *v, uint64_t gpa)
{
    want(v, &v->xen_want.runstate, gpa);
}

/* ---- a vCPU's: telling it, on its thread ---- */

static bool tell(const struct vcpu *v, const struct kvm_xen_vcpu_attr *a)
{
    static struct log_limit limit;

    if (ioctl(v->fd, KVM_XEN_VCPU_SET_ATTR, a) == 0)
        return true;
    log_guest(&limit, "vcpu%u: KVM_XEN_VCPU_SET_ATTR %u: %s", v->id, a->type,
              strerror(errno));
    return false;
}

/* All bits set is KVM's word for nowhere too. */
static void tell_place(const struct vcpu *v, uint16_t type, uint64_t *have,
                       uint64_t gpa)
{
    const struct kvm_xen_vcpu_attr a = {.type = type, .u.gpa = gpa};

    if (*have != gpa)
        *have = tell(v, &a) ? gpa : KVM_XEN_NOWHERE;
}

static void tell_vector(struct vcpu *v)
{
    const struct kvm_xen_vcpu_attr a = {
        .type = KVM_XEN_VCPU_ATTR_TYPE_UPCALL_VECTOR,
        .u.vector = (uint8_t)v->xen_want.vector};

    if (v->xen_have.vector != v->xen_want.vector && tell(v, &a))
        v->xen_have.vector = v->xen_want.vector;
}

/* KVM's timer goes on with another port; without one, its time is ours. */
static uint64_t tell_timer(struct vcpu *v)
{
    struct kvm_xen_vcpu_attr a = {.type = KVM_XEN_VCPU_ATTR_TYPE_TIMER};
    const uint32_t port = (uint32_t)v->xen_want.timer_port;
    uint64_t at = v->xen_want.timer_at;

    v->xen_want.timer_at = 0;
    if (port == v->xen_have.timer_port && !at)
        return 0;
    if (!at && v->xen_have.timer_port &&
        ioctl(v->fd, KVM_XEN_VCPU_GET_ATTR, &a) == 0)
        at = a.u.timer.expires_ns;
    a.u.timer.port = port;
    a.u.timer.priority = KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL;
    a.u.timer.expires_ns = port ? at : 0;
    if (!tell(v, &a))
        return at;
    v->xen_have.timer_port = port;
    return port ? 0 : at;
}

void xen_kernel_settle(struct vcpu *v)
{
    struct xen_vcpu_state *have = &v->xen_have;
    const struct xen_vcpu_state *new = &v->xen_want;
    const bool moved = have->info != KVM_XEN_NOWHERE && have->info != new->info;
    const bool changed = have->info != new->info || have->vector != new->vector;
    uint64_t timer;

    tell_place(v, KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO, &have->info, new->info);
    tell_place(v, KVM_XEN_VCPU_ATTR_TYPE_VCPU_TIME_INFO, &have->time_copy,
               new->time_copy);
    tell_vector(v);
    tell_place(v, KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADDR, &have->runstate,
               new->runstate);
    timer = tell_timer(v);
    if ((changed || timer) && v->ops->xen)
        v->ops->xen->settled(v->ops->xen->ctx, v->id, moved, timer);
}

bool kvm_xen_get_runstate(struct vcpu *v, struct kvm_xen_runstate *out)
{
    struct kvm_xen_vcpu_attr a = {.type = KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_DATA};

    if (!(v->vm->xen_does & KVM_XEN_DOES_RUNSTATES) ||
        ioctl(v->fd, KVM_XEN_VCPU_GET_ATTR, &a) < 0 ||
        !a.u.runstate.state_entry_time)
        return false;
    *out = (struct kvm_xen_runstate){
        .state = (unsigned)a.u.runstate.state,
        .since = a.u.runstate.state_entry_time,
        .time = {a.u.runstate.time_running, a.u.runstate.time_runnable,
                 a.u.runstate.time_blocked, a.u.runstate.time_offline}};
    return true;
}

int xen_kernel_setup_vcpu(struct vcpu *v)
{
    const struct kvm_xen_vcpu_attr id = {.type = KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID,
                                         .u.vcpu_id = v->id};

    v->xen_have = v->xen_want =
        (struct xen_vcpu_state){.info = KVM_XEN_NOWHERE,
                                .time_copy = KVM_XEN_NOWHERE,
                                .runstate = KVM_XEN_NOWHERE};
    if (!v->vm->xen_does)
        return 0;
    return ioctl(v->fd, KVM_XEN_VCPU_SET_ATTR, &id) < 0 ? -errno : 0;
}
