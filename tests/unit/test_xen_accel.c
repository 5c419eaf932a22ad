// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What of events, timers and areas a kernel that knows of Xen is given, in what
 * order, and when it is taken back: with a kernel that writes down what it is
 * told and can refuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel_rig.h"

#define PAGE    0x8000ull
#define INFO    0x20ull /* page of a vcpu_info */
#define AREA    0x6000ull
#define NOWHERE UINT64_MAX
#define VECTOR  0x51

/* ---- the guest ---- */

#define EVENT(k, op, arg)                                               \
    assert_int_equal(rig_with(&k->r, __HYPERVISOR_event_channel_op, op, \
                              &(arg), sizeof(arg)),                     \
                     0)

static void map_shinfo(struct kernel *k)
{
    assert_int_equal(rig_map_shinfo(&k->r, PAGE >> 12), 0);
}

static void unmap_shinfo(struct kernel *k)
{
    struct xen_remove_from_physmap a = {.domid = DOMID_SELF,
                                        .gpfn = PAGE >> 12};

    assert_int_equal(rig_with(&k->r, __HYPERVISOR_memory_op,
                              XENMEM_remove_from_physmap, &a, sizeof(a)),
                     0);
}

static void set_vector(struct kernel *k, unsigned vcpu)
{
    assert_int_equal(rig_set_vector(&k->r, vcpu, VECTOR), 0);
}

static int64_t register_info(struct kernel *k, bool is64, unsigned vcpu,
                             uint32_t offset)
{
    const struct vcpu_register_vcpu_info a = {.mfn = INFO + vcpu,
                                              .offset = offset};

    assert_int_equal(gmem_write(k->r.mem, GPA(RIG_ARG), &a, sizeof(a)), 0);
    return rig_call(&k->r, is64, __HYPERVISOR_vcpu_op,
                    VCPUOP_register_vcpu_info, vcpu, RIG_ARG);
}

static uint32_t bind_ipi(struct kernel *k, unsigned vcpu)
{
    struct evtchn_bind_ipi a = {.vcpu = vcpu};

    EVENT(k, EVTCHNOP_bind_ipi, a);
    return a.port;
}

static uint32_t bind_timer(struct kernel *k, unsigned vcpu)
{
    struct evtchn_bind_virq a = {.virq = VIRQ_TIMER, .vcpu = vcpu};

    EVENT(k, EVTCHNOP_bind_virq, a);
    return a.port;
}

static uint32_t alloc(struct kernel *k, domid_t remote)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = remote};

    EVENT(k, EVTCHNOP_alloc_unbound, a);
    return a.port;
}

static void close_port(struct kernel *k, uint32_t port)
{
    struct evtchn_close a = {.port = port};

    EVENT(k, EVTCHNOP_close, a);
}

static void send_port(struct kernel *k, uint32_t port)
{
    struct evtchn_send a = {.port = port};

    EVENT(k, EVTCHNOP_send, a);
}

static void assert_raises(const struct kernel *k, uint32_t port,
                          uint32_t target, unsigned vcpu)
{
    assert_true(k->sends[port].given);
    assert_int_equal(k->sends[port].target, target);
    assert_int_equal(k->sends[port].vcpu, vcpu);
}

/* ---- tests ---- */

static void test_a_vcpu_needs_all_of_it(void **state)
{
    struct kernel *k = *state;
    const uint32_t port = bind_ipi(k, 1);

    assert_false(k->sends[port].given);
    set_vector(k, 1);
    assert_false(k->sends[port].given);
    assert_int_equal(k->vcpus[1].vector, 0);
    map_shinfo(k);
    assert_int_equal(k->gfn, PAGE >> 12);
    assert_true(k->is64);
    assert_int_equal(k->vcpus[1].info, PAGE + 64);
    assert_int_equal(k->vcpus[1].vector, VECTOR);
    assert_raises(k, port, port, 1);
    /* Others still have none. */
    assert_false(k->sends[bind_ipi(k, 0)].given);
    assert_raises(k, bind_ipi(k, 1), port + 2, 1);
    unmap_shinfo(k);
    assert_int_equal(k->gfn, NOWHERE);
    assert_int_equal(k->vcpus[1].info, NOWHERE);
    assert_false(k->sends[port].given);
    map_shinfo(k);
    assert_raises(k, port, port, 1);
    close_port(k, port);
    assert_false(k->sends[port].given);
}

static int64_t set_callback(struct kernel *k, uint64_t value)
{
    struct xen_hvm_param p = {
        .domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = value};

    return rig_with(&k->r, __HYPERVISOR_hvm_op, HVMOP_set_param, &p, sizeof(p));
}

static void test_one_vector_for_all(void **state)
{
    struct kernel *k = *state;
    const uint64_t type = (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56;
    const uint32_t port = bind_ipi(k, 1);

    map_shinfo(k);
    k->refuses = true;
    assert_int_equal(set_callback(k, type | VECTOR), -EINVAL);
    k->refuses = false;
    assert_int_equal(set_callback(k, type | 0xf), -EINVAL);
    assert_int_equal(set_callback(k, type | VECTOR), 0);
    assert_int_equal(k->callback, VECTOR);
    /* Every vCPU's events are the kernel's, and none has a vector. */
    assert_raises(k, port, port, 1);
    assert_raises(k, bind_ipi(k, 0), port + 1, 0);
    assert_int_equal(k->vcpus[1].vector, 0);
    /* What the kernel cannot raise, it is to look at. */
    k->refuses = true;
    send_port(k, port);
    assert_int_equal(k->nudges, 1);
    assert_int_equal(k->r.interrupts[1], 0);
    k->refuses = false;
    /* A vector of its own goes before that. */
    set_vector(k, 0);
    assert_int_equal(k->vcpus[0].vector, VECTOR);
    /* By another way it is no longer that. */
    assert_int_equal(set_callback(k, 0), 0);
    assert_int_equal(k->callback, 0);
    assert_false(k->sends[port].given);
}

static void test_a_channel_of_its_own(void **state)
{
    struct kernel *k = *state;
    struct evtchn_bind_interdomain b = {.remote_dom = DOMID_SELF};
    struct evtchn_bind_vcpu move = {.vcpu = 1};
    uint32_t port;

    map_shinfo(k);
    set_vector(k, 0);
    b.remote_port = port = alloc(k, DOMID_SELF);
    assert_false(k->sends[port].given);
    EVENT(k, EVTCHNOP_bind_interdomain, b);
    assert_raises(k, port, b.local_port, 0);
    assert_raises(k, b.local_port, port, 0);
    /* A send raises the other end, where that is bound. */
    move.port = port;
    EVENT(k, EVTCHNOP_bind_vcpu, move);
    assert_false(k->sends[b.local_port].given);
    set_vector(k, 1);
    assert_raises(k, b.local_port, port, 1);
    assert_raises(k, port, b.local_port, 0);
    close_port(k, b.local_port);
    assert_false(k->sends[port].given);
    assert_false(k->sends[b.local_port].given);
}

static void on_notify(void *owner)
{
    struct kernel *k = owner;

    k->notified++;
}

static void test_back_ends(void **state)
{
    struct kernel *k = *state;
    struct evtchn *e = xen_evtchn(k->r.xen);
    const uint32_t port = alloc(k, XEN_BACKEND_DOMID);

    assert_int_equal(evtchn_backend_bind(e, port, on_notify, k), 0);
    assert_raises(k, port, 0, 0);
    xen_dispatch(k->r.xen);
    k->notified = 0;
    evtchn_backend_kicked(e, port);
    xen_dispatch(k->r.xen);
    assert_int_equal(k->notified, 1);
    /* It is given once, wherever it is bound. */
    map_shinfo(k);
    set_vector(k, 0);
    assert_raises(k, port, 0, 0);
    assert_int_equal(k->takes, 0);
    evtchn_backend_notify(e, port);
    assert_int_equal(k->raises, 1);
    evtchn_backend_unbind(e, port);
    assert_false(k->sends[port].given);
}

static void test_what_is_refused_is_done_here(void **state)
{
    struct kernel *k = *state;
    uint32_t port;

    k->refuses = true;
    map_shinfo(k);
    set_vector(k, 0);
    port = bind_ipi(k, 0);
    send_port(k, port);
    assert_int_equal(k->r.interrupts[0], 1);
    unmap_shinfo(k);
    k->refuses = false;
    map_shinfo(k);
    assert_raises(k, port, port, 0);
    send_port(k, port);
    assert_int_equal(k->raises, 1);
    k->refuses = true;
    send_port(k, port);
    assert_int_equal(k->raises, 1);
}

static void test_the_timer_goes_and_comes(void **state)
{
    struct kernel *k = *state;
    const uint64_t at = k->r.now + 1000000000;
    uint32_t port;

    map_shinfo(k);
    assert_int_equal(rig_call(&k->r, true, __HYPERVISOR_set_timer_op, at, 0, 0),
                     0);
    assert_int_equal(k->r.timers[0], at);
    port = bind_timer(k, 0);
    assert_int_equal(k->vcpus[0].timer_port, 0);
    set_vector(k, 0);
    /* With its time, which is ours no longer. */
    assert_int_equal(k->vcpus[0].timer_port, port);
    assert_int_equal(k->vcpus[0].timer_at, at);
    assert_int_equal(k->r.timers[0], 0);
    /* Before the kernel is told, a call may come here. */
    assert_int_equal(
        rig_call(&k->r, true, __HYPERVISOR_set_timer_op, at + 5, 0, 0), 0);
    assert_int_equal(k->vcpus[0].timer_at, at + 5);
    assert_int_equal(rig_call(&k->r, true, __HYPERVISOR_set_timer_op, 0, 0, 0),
                     0);
    assert_int_equal(k->vcpus[0].timer_at, 0);
    assert_int_equal(k->r.timers[0], 0);
    /* Nobody's port: the time goes on here, and to the next port. */
    close_port(k, port);
    assert_int_equal(k->vcpus[0].timer_port, 0);
    xen_settled(k->r.xen, 0, false, at);
    assert_int_equal(k->r.timers[0], at);
    port = bind_timer(k, 0);
    assert_int_equal(k->vcpus[0].timer_port, port);
    assert_int_equal(k->vcpus[0].timer_at, at);
    /* A time that comes back unasked for is nobody's. */
    xen_settled(k->r.xen, 0, false, at);
    assert_int_equal(k->r.timers[0], 0);
}

static void test_a_kernel_without_timers(void **state)
{
    struct kernel *k = *state;

    k->ops.timers = false;
    map_shinfo(k);
    set_vector(k, 0);
    (void)bind_timer(k, 0);
    assert_int_equal(k->vcpus[0].timer_port, 0);
    assert_int_equal(
        rig_call(&k->r, true, __HYPERVISOR_set_timer_op, k->r.now + 100, 0, 0),
        0);
    k->r.now += 200;
    xen_timer(k->r.xen, 0);
    assert_int_equal(k->raises, 1);
}

static void test_periodic_ticks_stay_here(void **state)
{
    struct kernel *k = *state;
    const uint64_t period = 2000000;

    map_shinfo(k);
    set_vector(k, 0);
    (void)bind_timer(k, 0);
    assert_int_equal(gmem_write(k->r.mem, GPA(RIG_ARG), &period, 8), 0);
    assert_int_equal(rig_call(&k->r, true, __HYPERVISOR_vcpu_op,
                              VCPUOP_set_periodic_timer, 0, RIG_ARG),
                     0);
    assert_true(k->r.timers[0] != 0);
    k->r.now = k->r.timers[0];
    xen_timer(k->r.xen, 0);
    assert_int_equal(k->raises, 1);
    assert_true(k->r.timers[0] > k->r.now);
}

/* An upcall that was lost is told again by who sets a periodic timer too. */
static void test_periodic_tells_again(void **state)
{
    struct kernel *k = *state;
    const uint64_t period = 2000000;
    unsigned before;

    map_shinfo(k);
    assert_int_equal(register_info(k, true, 0, 0), 0);
    set_vector(k, 0);
    before = k->r.interrupts[0];
    assert_int_equal(gmem_write(k->r.mem, GPA(RIG_ARG), &period, 8), 0);
    assert_int_equal(rig_call(&k->r, true, __HYPERVISOR_vcpu_op,
                              VCPUOP_set_periodic_timer, 0, RIG_ARG),
                     0);
    assert_int_equal(k->r.interrupts[0], before + 1);
}

static void test_a_vcpu_info_that_moved(void **state)
{
    struct kernel *k = *state;
    const struct vcpu_info none = {0};
    struct vcpu_info i;

    map_shinfo(k);
    set_vector(k, 0);
    assert_int_equal(register_info(k, true, 0, 0x40), 0);
    assert_int_equal(k->vcpus[0].info, (INFO << 12) + 0x40);
    /* The guest looked, and then an event was told at the old place. */
    assert_int_equal(
        gmem_write(k->r.mem, GPA((INFO << 12) + 0x40), &none, sizeof(none)), 0);
    k->r.interrupts[0] = 0;
    xen_settled(k->r.xen, 0, false, 0);
    assert_int_equal(k->r.interrupts[0], 0);
    xen_settled(k->r.xen, 0, true, 0);
    assert_int_equal(k->r.interrupts[0], 1);
    assert_int_equal(
        gmem_read(k->r.mem, GPA((INFO << 12) + 0x40), &i, sizeof(i)), 0);
    assert_int_equal(i.evtchn_upcall_pending, 1);
    assert_true(i.evtchn_pending_sel == ~0ul);
}

/* Words the kernel would find in two cache lines are not given to it. */
static void test_a_vcpu_info_across_lines(void **state)
{
    struct kernel *k = *state;
    uint32_t port;

    assert_true(xen_hypercall_page(k->r.xen, 0x9000, false));
    map_shinfo(k);
    assert_false(k->is64);
    set_vector(k, 0);
    port = bind_ipi(k, 0);
    assert_raises(k, port, port, 0);
    assert_int_equal(register_info(k, false, 0, 56), 0);
    assert_false(k->sends[port].given);
    assert_int_equal(k->vcpus[0].vector, 0);
    set_vector(k, 1);
    port = bind_ipi(k, 1);
    assert_int_equal(register_info(k, false, 1, 52), 0);
    assert_raises(k, port, port, 1);
}

static void test_wide_words_are_aligned(void **state)
{
    struct kernel *k = *state;

    map_shinfo(k);
    assert_int_equal(register_info(k, true, 0, 4), -ENXIO);
    assert_int_equal(register_info(k, true, 0, 8), 0);
}

static void test_areas(void **state)
{
    struct kernel *k = *state;
    uint64_t area = AREA - 20; /* continues in the next page */
    struct vcpu_runstate_info r;

    map_shinfo(k);
    assert_int_equal(gmem_write(k->r.mem, GPA(RIG_ARG), &area, 8), 0);
    assert_int_equal(rig_call(&k->r, true, __HYPERVISOR_vcpu_op,
                              VCPUOP_register_runstate_memory_area, 1, RIG_ARG),
                     0);
    assert_int_equal(k->vcpus[1].runstate, area);
    /* The kernel's words are those of shared_info, not the caller's. */
    assert_int_equal(rig_call(&k->r, false, __HYPERVISOR_vcpu_op,
                              VCPUOP_register_runstate_memory_area, 1, RIG_ARG),
                     0);
    assert_int_equal(k->vcpus[1].runstate, NOWHERE);
    area = AREA;
    assert_int_equal(gmem_write(k->r.mem, GPA(RIG_ARG), &area, 8), 0);
    assert_int_equal(rig_call(&k->r, true, __HYPERVISOR_vcpu_op,
                              VCPUOP_register_vcpu_time_memory_area, 2,
                              RIG_ARG),
                     0);
    assert_int_equal(k->vcpus[2].time_copy, AREA);
    assert_int_equal(rig_call(&k->r, true, __HYPERVISOR_vm_assist,
                              VMASST_CMD_enable,
                              VMASST_TYPE_runstate_update_flag, 0),
                     0);
    assert_true(k->update_flag);
    /* Its own runstate, with the time since the kernel looked. */
    k->knows_runstate = true;
    assert_int_equal(rig_call(&k->r, true, __HYPERVISOR_vcpu_op,
                              VCPUOP_get_runstate_info, 0, RIG_ARG),
                     0);
    assert_int_equal(gmem_read(k->r.mem, GPA(RIG_ARG), &r, sizeof(r)), 0);
    assert_int_equal(r.time[RUNSTATE_runnable], 77);
    assert_int_equal(r.time[RUNSTATE_running], k->r.now - 1000);
}

static void test_a_reset_takes_all_back(void **state)
{
    struct kernel *k = *state;
    const uint64_t area = AREA;

    map_shinfo(k);
    set_vector(k, 1);
    assert_int_equal(register_info(k, true, 1, 0), 0);
    (void)bind_ipi(k, 1);
    (void)bind_timer(k, 1);
    assert_int_equal(gmem_write(k->r.mem, GPA(RIG_ARG), &area, 8), 0);
    assert_int_equal(rig_call(&k->r, true, __HYPERVISOR_vcpu_op,
                              VCPUOP_register_runstate_memory_area, 1, RIG_ARG),
                     0);
    xen_reset(k->r.xen);
    assert_int_equal(k->resets, 1);
    assert_int_equal(k->takes, 0);
    assert_int_equal(k->gfn, NOWHERE);
    assert_int_equal(k->vcpus[1].info, NOWHERE);
    assert_int_equal(k->vcpus[1].runstate, NOWHERE);
    assert_int_equal(k->vcpus[1].vector, 0);
    assert_int_equal(k->vcpus[1].timer_port, 0);
    /* What the kernel's timer was set to is of the life before. */
    xen_settled(k->r.xen, 1, true, 77);
    assert_int_equal(k->r.timers[1], 0);
    map_shinfo(k);
    set_vector(k, 1);
    assert_raises(k, bind_ipi(k, 1), 1, 1);
}

static int setup(void **state)
{
    static struct kernel k;

    *state = &k;
    return kernel_make(&k) ? 0 : -1;
}

static int teardown(void **state)
{
    struct kernel *k = *state;

    rig_free(&k->r);
    return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_vcpu_needs_all_of_it),
        TEST(test_one_vector_for_all),
        TEST(test_a_channel_of_its_own),
        TEST(test_back_ends),
        TEST(test_what_is_refused_is_done_here),
        TEST(test_the_timer_goes_and_comes),
        TEST(test_a_kernel_without_timers),
        TEST(test_periodic_ticks_stay_here),
        TEST(test_periodic_tells_again),
        TEST(test_a_vcpu_info_that_moved),
        TEST(test_a_vcpu_info_across_lines),
        TEST(test_wide_words_are_aligned),
        TEST(test_areas),
        TEST(test_a_reset_takes_all_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
