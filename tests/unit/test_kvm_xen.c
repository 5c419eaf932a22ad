// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a KVM that knows of Xen is told, and when: KVM is its ioctl here, which
 * writes down what it is asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vcpu/vm_priv.h"
#include "vmm/log.h"

#include <errno.h>
#include <string.h>

#define MAX_LOG 16
#define VM_FD   3
#define CPU_FD  5

#define EVENTS                                                               \
    (KVM_XEN_HVM_CONFIG_HYPERCALL_MSR | KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL | \
     KVM_XEN_HVM_CONFIG_SHARED_INFO | KVM_XEN_HVM_CONFIG_EVTCHN_2LEVEL |     \
     KVM_XEN_HVM_CONFIG_EVTCHN_SEND)

struct rig {
    struct vm vm;
    struct vcpu v;
    struct kvm_run run;
    struct vcpu_ops ops;
    struct vcpu_xen_ops xen_ops;
    int capability;
    int refuses; /* errno of attributes, 0: takes them */
    struct kvm_xen_hvm_config config;
    struct kvm_xen_hvm_attr vm_attrs[MAX_LOG];
    struct kvm_xen_vcpu_attr attrs[MAX_LOG];
    struct kvm_irq_routing_xen_evtchn sent;
    unsigned n_vm_attrs, n_attrs, gets, configs;
    struct kvm_xen_vcpu_attr known; /* what is read */
    unsigned settled;
    bool moved;
    uint64_t timer;
};

static struct rig rig;

int __wrap_ioctl(int fd, unsigned long request, ...);

static int answer(void)
{
    errno = rig.refuses;
    return rig.refuses ? -1 : 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    void *arg;

    va_start(args, request);
    arg = va_arg(args, void *);
    va_end(args);
    switch (request) {
    case KVM_CHECK_EXTENSION:
        return rig.capability;
    case KVM_XEN_HVM_CONFIG:
        rig.configs++;
        rig.config = *(struct kvm_xen_hvm_config *)arg;
        return answer();
    case KVM_XEN_HVM_SET_ATTR:
        assert_int_equal(fd, VM_FD);
        assert_true(rig.n_vm_attrs < MAX_LOG);
        rig.vm_attrs[rig.n_vm_attrs++] = *(struct kvm_xen_hvm_attr *)arg;
        return answer();
    case KVM_XEN_HVM_EVTCHN_SEND:
        rig.sent = *(struct kvm_irq_routing_xen_evtchn *)arg;
        return answer();
    case KVM_XEN_VCPU_SET_ATTR:
        assert_int_equal(fd, CPU_FD);
        assert_true(rig.n_attrs < MAX_LOG);
        rig.attrs[rig.n_attrs++] = *(struct kvm_xen_vcpu_attr *)arg;
        return answer();
    case KVM_XEN_VCPU_GET_ATTR:
        rig.gets++;
        ((struct kvm_xen_vcpu_attr *)arg)->u = rig.known.u;
        return answer();
    default:
        fail_msg("ioctl %#lx", request);
        return -1;
    }
}

static void settled(void *ctx, unsigned vcpu, bool moved, uint64_t timer)
{
    struct rig *r = ctx;

    assert_int_equal(vcpu, 1);
    r->settled++;
    r->moved = moved;
    r->timer = timer;
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    rig = (struct rig){.capability = EVENTS | 1 << 8};
    rig.xen_ops = (struct vcpu_xen_ops){.settled = settled, .ctx = &rig};
    rig.ops = (struct vcpu_ops){.xen = &rig.xen_ops};
    rig.vm.fd = VM_FD;
    rig.vm.xen = KVM_XEN_KERNEL;
    rig.vm.xen_version = 4u << 16 | 17u;
    rig.v.vm = &rig.vm;
    rig.v.id = 1;
    rig.v.fd = CPU_FD;
    rig.v.run = &rig.run;
    rig.v.ops = &rig.ops;
    if (xen_kernel_setup_vm(&rig.vm) < 0 || xen_kernel_setup_vcpu(&rig.v) < 0)
        return -1;
    rig.n_vm_attrs = rig.n_attrs = 0;
    return 0;
}

static void settle(void)
{
    rig.n_attrs = rig.settled = rig.gets = 0;
    xen_kernel_settle(&rig.v);
}

static void test_what_it_does(void **state)
{
    static const struct {
        int capability;
        unsigned does;
    } rows[] = {
        {-1, 0},
        {0, 0},
        {KVM_XEN_HVM_CONFIG_HYPERCALL_MSR | KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL,
         0},
        {EVENTS & ~KVM_XEN_HVM_CONFIG_EVTCHN_SEND, 0},
        {EVENTS, KVM_XEN_DOES_EVENTS},
        {EVENTS | KVM_XEN_HVM_CONFIG_RUNSTATE, KVM_XEN_DOES_EVENTS},
        {EVENTS | KVM_XEN_HVM_CONFIG_RUNSTATE | 1 << 6,
         KVM_XEN_DOES_EVENTS | KVM_XEN_DOES_RUNSTATES},
        {EVENTS | 1 << 8, KVM_XEN_DOES_EVENTS | KVM_XEN_DOES_TIMERS},
        {0x1ff,
         KVM_XEN_DOES_EVENTS | KVM_XEN_DOES_TIMERS | KVM_XEN_DOES_RUNSTATES},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rig.capability = rows[i].capability;
        assert_int_equal(kvm_xen_does(0), rows[i].does);
    }
}

static void test_how_it_is_set_up(void **state)
{
    (void)state;
    rig.capability = KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL;
    assert_int_equal(xen_kernel_setup_vm(&rig.vm), 0);
    assert_int_equal(rig.config.flags, KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL);
    assert_int_equal(rig.n_vm_attrs, 0);
    assert_int_equal(xen_kernel_setup_vcpu(&rig.v), 0);
    assert_int_equal(rig.n_attrs, 0);
    rig.capability = EVENTS;
    assert_int_equal(xen_kernel_setup_vm(&rig.vm), 0);
    assert_int_equal(rig.config.flags, KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL |
                                           KVM_XEN_HVM_CONFIG_EVTCHN_SEND);
    assert_int_equal(rig.vm_attrs[0].type, KVM_XEN_ATTR_TYPE_XEN_VERSION);
    assert_int_equal(rig.vm_attrs[0].u.xen_version, 4 << 16 | 17);
    assert_int_equal(xen_kernel_setup_vcpu(&rig.v), 0);
    assert_int_equal(rig.attrs[0].type, KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID);
    assert_int_equal(rig.attrs[0].u.vcpu_id, 1);
    rig.refuses = EINVAL;
    assert_int_equal(xen_kernel_setup_vm(&rig.vm), -EINVAL);
}

static void test_only_what_changed(void **state)
{
    (void)state;
    settle();
    assert_int_equal(rig.n_attrs, 0);
    assert_int_equal(rig.settled, 0);
    kvm_xen_set_info(&rig.v, 0x1000);
    kvm_xen_set_vector(&rig.v, 0x51);
    /* It is the vCPU's own thread that tells. */
    assert_int_equal(rig.n_attrs, 0);
    assert_true(rig.v.reasons & VCPU_REASON_WORK);
    assert_int_equal(rig.run.immediate_exit, 1);
    settle();
    assert_int_equal(rig.n_attrs, 2);
    assert_int_equal(rig.attrs[0].type, KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO);
    assert_int_equal(rig.attrs[0].u.gpa, 0x1000);
    assert_int_equal(rig.attrs[1].type, KVM_XEN_VCPU_ATTR_TYPE_UPCALL_VECTOR);
    assert_int_equal(rig.attrs[1].u.vector, 0x51);
    assert_int_equal(rig.settled, 1);
    assert_false(rig.moved);
    settle();
    assert_int_equal(rig.n_attrs, 0);
    /* Only now could an event have been told at another place. */
    kvm_xen_set_info(&rig.v, 0x2000);
    settle();
    assert_int_equal(rig.n_attrs, 1);
    assert_true(rig.moved);
    rig.v.reasons = 0;
    kvm_xen_set_info(&rig.v, 0x2000);
    assert_int_equal(rig.v.reasons, 0);
}

static void test_what_is_refused_is_tried_again(void **state)
{
    (void)state;
    kvm_xen_set_info(&rig.v, 0x1000);
    kvm_xen_set_vector(&rig.v, 0x51);
    rig.refuses = EFAULT;
    settle();
    assert_int_equal(rig.n_attrs, 2);
    rig.refuses = 0;
    settle();
    assert_int_equal(rig.n_attrs, 2);
    assert_false(rig.moved);
}

static void test_areas(void **state)
{
    (void)state;
    kvm_xen_set_time_copy(&rig.v, 0x3000);
    kvm_xen_set_runstate(&rig.v, 0x4004);
    settle();
    assert_int_equal(rig.n_attrs, 2);
    assert_int_equal(rig.attrs[0].type, KVM_XEN_VCPU_ATTR_TYPE_VCPU_TIME_INFO);
    assert_int_equal(rig.attrs[1].type, KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADDR);
    assert_int_equal(rig.attrs[1].u.gpa, 0x4004);
    assert_int_equal(rig.settled, 0);
    kvm_xen_set_runstate(&rig.v, KVM_XEN_NOWHERE);
    settle();
    assert_int_equal(rig.n_attrs, 1);
    assert_true(rig.attrs[0].u.gpa == UINT64_MAX);
}

static void assert_timer(uint32_t port, uint64_t at)
{
    assert_int_equal(rig.n_attrs, 1);
    assert_int_equal(rig.attrs[0].type, KVM_XEN_VCPU_ATTR_TYPE_TIMER);
    assert_int_equal(rig.attrs[0].u.timer.port, port);
    assert_int_equal(rig.attrs[0].u.timer.expires_ns, at);
}

static void test_the_timer(void **state)
{
    (void)state;
    kvm_xen_set_timer(&rig.v, 7, 1000);
    settle();
    assert_timer(7, 1000);
    assert_int_equal(rig.gets, 0);
    settle();
    assert_int_equal(rig.n_attrs, 0);
    /* Another port: it goes on as KVM knows it. */
    rig.known.u.timer.expires_ns = 2000;
    kvm_xen_set_timer(&rig.v, 8, 0);
    settle();
    assert_int_equal(rig.gets, 1);
    assert_timer(8, 2000);
    assert_int_equal(rig.settled, 0);
    /* None: the rest is given back. */
    kvm_xen_set_timer(&rig.v, 0, 0);
    settle();
    assert_timer(0, 0);
    assert_int_equal(rig.settled, 1);
    assert_int_equal(rig.timer, 2000);
    /* Set and taken back before KVM knew. */
    kvm_xen_set_timer(&rig.v, 9, 3000);
    kvm_xen_set_timer(&rig.v, 0, 0);
    settle();
    assert_int_equal(rig.timer, 3000);
    kvm_xen_set_timer(&rig.v, 9, 3000);
    kvm_xen_set_timer(&rig.v, 9, 0);
    settle();
    assert_timer(9, 0);
}

static void test_ports(void **state)
{
    const struct kvm_xen_hvm_attr *a = &rig.vm_attrs[0];

    (void)state;
    assert_int_equal(kvm_xen_give(&rig.vm, 5, 5, 2, -1), 0);
    assert_int_equal(a->type, KVM_XEN_ATTR_TYPE_EVTCHN);
    assert_int_equal(a->u.evtchn.send_port, 5);
    assert_int_equal(a->u.evtchn.type, 5); /* an IPI */
    assert_int_equal(a->u.evtchn.deliver.port.port, 5);
    assert_int_equal(a->u.evtchn.deliver.port.vcpu, 2);
    assert_int_equal(a->u.evtchn.flags, 0);
    assert_int_equal(kvm_xen_give(&rig.vm, 6, 7, 1, -1), 0);
    a++;
    assert_int_equal(a->u.evtchn.type, 2); /* between domains */
    assert_int_equal(a->u.evtchn.deliver.port.port, 7);
    assert_int_equal(kvm_xen_give(&rig.vm, 8, 0, 0, 42), 0);
    a++;
    assert_int_equal(a->u.evtchn.type, 2);
    assert_int_equal(a->u.evtchn.deliver.eventfd.port, 0);
    assert_int_equal(a->u.evtchn.deliver.eventfd.fd, 42);
    kvm_xen_take(&rig.vm, 8);
    a++;
    assert_int_equal(a->u.evtchn.flags, KVM_XEN_EVTCHN_DEASSIGN);
    kvm_xen_take_all(&rig.vm);
    a++;
    assert_int_equal(a->u.evtchn.flags, KVM_XEN_EVTCHN_RESET);
    assert_true(kvm_xen_raise(&rig.vm, 9, 3));
    assert_int_equal(rig.sent.port, 9);
    assert_int_equal(rig.sent.vcpu, 3);
    rig.refuses = EINVAL;
    assert_false(kvm_xen_raise(&rig.vm, 9, 3));
    assert_int_equal(kvm_xen_give(&rig.vm, 5, 5, 2, -1), -EINVAL);
}

static void test_shared_info_has_its_words(void **state)
{
    (void)state;
    assert_int_equal(kvm_xen_map(&rig.vm, 0x77, true), 0);
    assert_int_equal(rig.vm_attrs[0].type, KVM_XEN_ATTR_TYPE_LONG_MODE);
    assert_int_equal(rig.vm_attrs[0].u.long_mode, 1);
    assert_int_equal(rig.vm_attrs[1].type, KVM_XEN_ATTR_TYPE_SHARED_INFO);
    assert_int_equal(rig.vm_attrs[1].u.shared_info.gfn, 0x77);
}

static void test_runstate(void **state)
{
    struct kvm_xen_runstate r;

    (void)state;
    assert_false(kvm_xen_get_runstate(&rig.v, &r));
    rig.vm.xen_does |= KVM_XEN_DOES_RUNSTATES;
    /* A vCPU that never ran. */
    assert_false(kvm_xen_get_runstate(&rig.v, &r));
    rig.known.u.runstate.state_entry_time = 100;
    rig.known.u.runstate.time_runnable = 40;
    rig.known.u.runstate.time_running = 60;
    assert_true(kvm_xen_get_runstate(&rig.v, &r));
    assert_int_equal(r.since, 100);
    assert_int_equal(r.time[0], 60);
    assert_int_equal(r.time[1], 40);
}

#define TEST(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_it_does),
        TEST(test_how_it_is_set_up),
        TEST(test_only_what_changed),
        TEST(test_what_is_refused_is_tried_again),
        TEST(test_areas),
        TEST(test_the_timer),
        TEST(test_ports),
        TEST(test_shared_info_has_its_words),
        TEST(test_runstate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
