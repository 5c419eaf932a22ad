// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hypercalls without a guest: who may call, how arguments of both word sizes
 * travel, where pages and clocks go, what timers ask of the machine. What a
 * real caller sees is tested by guests/xen-*.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hcall_rig.h"

#define PAGE    0x8000ull
#define NOWHERE UINT64_MAX

static void test_who_may_call(void **state)
{
    struct hcall_rig *r = *state;
    struct hcall h = {.nr = __HYPERVISOR_xen_version, .is64 = true};
    struct xen_stats s;

    assert_int_equal(xen_hypercall(r->xen, &h), 4 << 16 | 17);
    h.denied = true;
    assert_int_equal(xen_hypercall(r->xen, &h), -EPERM);
    assert_int_equal(rig_call(r, true, 63, 0, 0, 0), -ENOSYS);
    assert_int_equal(rig_call(r, true, UINT64_MAX, 0, 0, 0), -ENOSYS);
    xen_get_stats(r->xen, &s);
    assert_int_equal(s.calls, 3);
    assert_int_equal(s.unknown, 2);
}

static void test_the_page(void **state)
{
    struct hcall_rig *r = *state;
    unsigned char page[4096];

    assert_false(xen_hypercall_page(r->xen, PAGE + 1, true));
    assert_false(xen_hypercall_page(r->xen, RIG_RAM, true));
    assert_false(xen_hypercall_page(r->xen, UINT64_MAX & ~4095ull, true));
    assert_true(xen_hypercall_page(r->xen, PAGE, true));
    assert_true(r->is64);
    rig_get(r, PAGE, page, sizeof(page));
    /* mov $29, %eax; out %eax, $port; ret */
    assert_int_equal(page[29 * 32], 0xb8);
    assert_int_equal(page[29 * 32 + 1], 29);
    assert_int_equal(page[29 * 32 + 5], 0xe7);
    assert_int_equal(page[29 * 32 + 7], 0xc3);
    /* iret is for guests without hardware. */
    assert_int_equal(page[__HYPERVISOR_iret * 32], 0x0f);
    assert_true(xen_hypercall_page(r->xen, PAGE, false));
    assert_false(r->is64);
}

static void test_words_of_32_bits(void **state)
{
    struct hcall_rig *r = *state;
    const uint32_t physmap[] = {DOMID_SELF, XENMAPSPACE_shared_info, 0,
                                PAGE >> 12};
    uint32_t entry[8] = {__HYPERVISOR_xen_version, 0, XENVER_version};
    uint32_t reservation[5] = {0x2000, 2, 0, 0, DOMID_SELF};
    uint32_t frames[2] = {0x30, 0xfffff};

    rig_put(r, RIG_ARG, physmap, sizeof(physmap));
    assert_int_equal(rig_call(r, false, __HYPERVISOR_memory_op,
                              XENMEM_add_to_physmap, RIG_ARG, 0),
                     0);
    /* The first that asks for the page says how wide its words are. */
    assert_false(r->is64);
    assert_int_equal(r->clocks[0],
                     PAGE + offsetof(struct vcpu_info_x86_32, time));
    rig_put(r, RIG_ARG, entry, sizeof(entry));
    assert_int_equal(rig_call(r, false, __HYPERVISOR_multicall, RIG_ARG, 1, 0),
                     0);
    rig_get(r, RIG_ARG, entry, sizeof(entry));
    assert_int_equal(entry[1], 4 << 16 | 17);
    /* Two extents, the second of which is nowhere. */
    rig_put(r, RIG_ARG, reservation, sizeof(reservation));
    rig_put(r, 0x2000, frames, sizeof(frames));
    assert_int_equal(rig_call(r, false, __HYPERVISOR_memory_op,
                              XENMEM_decrease_reservation, RIG_ARG, 0),
                     1);
    /* Two words are one time. */
    assert_int_equal(rig_call(r, false, __HYPERVISOR_set_timer_op, 5, 1, 0), 0);
    assert_int_equal(r->timers[0], 1ull << 32 | 5);
}

static int64_t set_callback(struct hcall_rig *r, uint64_t value)
{
    const struct xen_hvm_param p = {
        .domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = value};

    rig_put(r, RIG_ARG, &p, sizeof(p));
    return rig_call(r, true, __HYPERVISOR_hvm_op, HVMOP_set_param, RIG_ARG, 0);
}

static void took_upcall(struct hcall_rig *r)
{
    const uint64_t no = 0;

    rig_put(r, PAGE + offsetof(struct vcpu_info, evtchn_upcall_pending), &no,
            1);
    rig_put(r, PAGE + offsetof(struct vcpu_info, evtchn_pending_sel), &no, 8);
}

/* A port that CPU 0 can be told of. */
static uint32_t bind_ipi(struct hcall_rig *r)
{
    struct evtchn_bind_ipi b = {.vcpu = 0};

    rig_put(r, RIG_ARG, &b, sizeof(b));
    assert_int_equal(rig_call(r, true, __HYPERVISOR_event_channel_op,
                              EVTCHNOP_bind_ipi, RIG_ARG, 0),
                     0);
    rig_get(r, RIG_ARG, &b, sizeof(b));
    return b.port;
}

static void send(struct hcall_rig *r, uint32_t port)
{
    const struct evtchn_send s = {port};

    rig_put(r, RIG_ARG, &s, sizeof(s));
    assert_int_equal(rig_call(r, true, __HYPERVISOR_event_channel_op,
                              EVTCHNOP_send, RIG_ARG, 0),
                     0);
}

#define VIA(type, rest) ((uint64_t)(type) << 56 | (rest))

static void test_upcalls_by_a_line(void **state)
{
    struct hcall_rig *r = *state;
    const struct xen_hvm_evtchn_upcall_vector v = {.vcpu = 0, .vector = 0x50};
    uint32_t port[3];

    assert_int_equal(rig_map_shinfo(r, PAGE >> 12), 0);
    for (unsigned i = 0; i < ARRAY_LEN(port); i++)
        port[i] = bind_ipi(r);
    /* No line: accepted, and never raised. */
    assert_int_equal(set_callback(r, VIA(HVM_PARAM_CALLBACK_TYPE_GSI, 1)), 0);
    send(r, port[0]);
    assert_int_equal(r->edges, 0);
    /* What is pending is told by the new line. */
    assert_int_equal(
        set_callback(r, VIA(HVM_PARAM_CALLBACK_TYPE_PCI_INTX, 5 << 11)), 0);
    assert_true(r->line);
    assert_int_equal(r->via.kind, XEN_VIA_INTX);
    xen_left(r->xen);
    assert_true(r->line);
    took_upcall(r);
    xen_left(r->xen);
    assert_false(r->line);
    /* What comes before the guest leaves again is an edge of its own. */
    send(r, port[1]);
    took_upcall(r);
    send(r, port[2]);
    assert_int_equal(r->edges, 3);
    assert_true(r->line);
    /* Another line: the old one falls, the new one is up. */
    assert_int_equal(set_callback(r, VIA(HVM_PARAM_CALLBACK_TYPE_GSI, 9)), 0);
    assert_true(r->line);
    assert_int_equal(r->via.kind, XEN_VIA_GSI);
    /* A vector of its own goes before any line. */
    rig_put(r, RIG_ARG, &v, sizeof(v));
    assert_int_equal(rig_call(r, true, __HYPERVISOR_hvm_op,
                              HVMOP_set_evtchn_upcall_vector, RIG_ARG, 0),
                     0);
    assert_int_equal(r->interrupts[0], 1);
    xen_left(r->xen);
    assert_false(r->line);
}

/* One vector for all: those without their own are told past the local APIC. */
static void test_callback_vector(void **state)
{
    struct hcall_rig *r = *state;
    const struct xen_hvm_evtchn_upcall_vector v = {.vcpu = 0, .vector = 0x50};
    uint32_t port;

    assert_int_equal(rig_map_shinfo(r, PAGE >> 12), 0);
    port = bind_ipi(r);
    assert_int_equal(set_callback(r, VIA(HVM_PARAM_CALLBACK_TYPE_VECTOR, 0xf)),
                     -EINVAL);
    assert_int_equal(set_callback(r, VIA(HVM_PARAM_CALLBACK_TYPE_VECTOR, 0xf3)),
                     0);
    assert_int_equal(r->nudges[0], 0);
    assert_int_equal(xen_callback(r->xen, 0), 0);
    send(r, port);
    assert_int_equal(r->nudges[0], 1);
    assert_int_equal(r->interrupts[0], 0);
    assert_int_equal(xen_callback(r->xen, 0), 0xf3);
    assert_int_equal(xen_callback(r->xen, 1), 0);
    took_upcall(r);
    assert_int_equal(xen_callback(r->xen, 0), 0);
    /* What is pending is told by the vector that comes. */
    port = bind_ipi(r);
    send(r, port);
    rig_put(r, RIG_ARG, &v, sizeof(v));
    assert_int_equal(rig_call(r, true, __HYPERVISOR_hvm_op,
                              HVMOP_set_evtchn_upcall_vector, RIG_ARG, 0),
                     0);
    assert_int_equal(r->interrupts[0], 1);
    assert_int_equal(xen_callback(r->xen, 0), 0);
    /* None any more. */
    assert_int_equal(set_callback(r, 0), 0);
    assert_int_equal(r->nudges[0], 2);
}

static void test_clocks_follow(void **state)
{
    struct hcall_rig *r = *state;
    const struct vcpu_register_vcpu_info info = {.mfn = 0x20, .offset = 0x40};
    const size_t time = offsetof(struct vcpu_info, time);
    struct shared_info s;

    assert_int_equal(rig_map_shinfo(r, PAGE >> 12), 0);
    assert_int_equal(r->clocks[0], PAGE + time);
    assert_int_equal(r->clocks[3], PAGE + 3 * 64 + time);
    rig_put(r, RIG_ARG, &info, sizeof(info));
    assert_int_equal(rig_call(r, true, __HYPERVISOR_vcpu_op,
                              VCPUOP_register_vcpu_info, 3, RIG_ARG),
                     0);
    assert_int_equal(r->clocks[3], 0x20040 + time);
    assert_int_equal(r->clocks[2], PAGE + 2 * 64 + time);
    /* The words change their size: so do the places. */
    xen_hypercall_page(r->xen, 0x9000, false);
    assert_int_equal(r->clocks[0],
                     PAGE + offsetof(struct vcpu_info_x86_32, time));
    rig_get(r, PAGE, &s, sizeof(s));
    assert_true(s.wc_sec > 1577836800);
    assert_int_equal(s.wc_version & 1, 0);
    xen_reset(r->xen);
    assert_int_equal(r->clocks[0], NOWHERE);
    assert_int_equal(r->clocks[3], NOWHERE);
}

static void test_shinfo_where_there_is_nothing(void **state)
{
    struct hcall_rig *r = *state;

    /* Memory is put there, or there can be none. */
    assert_int_equal(rig_map_shinfo(r, 0x500), 0);
    assert_true(gmem_is_ram(r->mem, GPA(0x500000), 4096));
    assert_int_equal(rig_map_shinfo(r, UINT64_MAX), -EINVAL);
    assert_int_equal(rig_map_shinfo(r, 1ull << 40), -EINVAL);
    for (unsigned i = 1; i < GMEM_MAX_WINDOWS; i++)
        assert_int_equal(rig_map_shinfo(r, 0x500 + i * 0x40), 0);
    assert_int_equal(rig_map_shinfo(r, 0x5000), -ENOSPC);
    assert_int_equal(rig_map_shinfo(r, PAGE >> 12), 0);
}

static void test_vcpu_info_errors(void **state)
{
    struct hcall_rig *r = *state;
    static const struct {
        struct vcpu_register_vcpu_info a;
        unsigned vcpu;
        int64_t ret;
    } rows[] = {
        {{.mfn = 0x20, .offset = 4096 - 63}, 0, -ENXIO},
        {{.mfn = 0x20, .offset = 2}, 0, -ENXIO},
        {{.mfn = RIG_RAM >> 12, .offset = 0}, 0, -EINVAL},
        {{.mfn = UINT64_MAX, .offset = 0}, 0, -ENXIO},
        {{.mfn = 0x20, .offset = 0}, RIG_CPUS, -ENOENT},
        {{.mfn = 0x20, .offset = 4032}, 0, 0},
        {{.mfn = 0x21, .offset = 0}, 0, -EINVAL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rig_put(r, RIG_ARG, &rows[i].a, sizeof(rows[i].a));
        assert_int_equal(rig_call(r, true, __HYPERVISOR_vcpu_op,
                                  VCPUOP_register_vcpu_info, rows[i].vcpu,
                                  RIG_ARG),
                         rows[i].ret);
    }
}

static void test_runstate_across_pages(void **state)
{
    struct hcall_rig *r = *state;
    const uint64_t area = 0x6000 - 20;
    struct vcpu_runstate_info i;

    r->times[0].ran = 1;
    rig_put(r, RIG_ARG, &area, sizeof(area));
    assert_int_equal(rig_call(r, true, __HYPERVISOR_vcpu_op,
                              VCPUOP_register_runstate_memory_area, 0, RIG_ARG),
                     0);
    rig_get(r, area, &i, sizeof(i));
    assert_int_equal(i.state, RUNSTATE_running);
    assert_true(i.time[RUNSTATE_running] > 0);
    assert_int_equal(i.time[RUNSTATE_offline], 0);
    /* It ends where RAM does. */
    rig_put(r, RIG_ARG, &(uint64_t){RIG_RAM - 20}, 8);
    assert_int_equal(rig_call(r, true, __HYPERVISOR_vcpu_op,
                              VCPUOP_register_runstate_memory_area, 0, RIG_ARG),
                     0);
    rig_put(r, RIG_ARG, &(uint64_t){UINT64_MAX - 20}, 8);
    assert_int_equal(rig_call(r, true, __HYPERVISOR_vcpu_op,
                              VCPUOP_register_runstate_memory_area, 0, RIG_ARG),
                     -EFAULT);
}

/* The second clock is a copy that follows the first. */
static void test_time_area(void **state)
{
    struct hcall_rig *r = *state;
    struct vcpu_time_info t = {.version = 4, .system_time = 77};
    const uint64_t first = PAGE + offsetof(struct vcpu_info, time);

    assert_int_equal(rig_map_shinfo(r, PAGE >> 12), 0);
    rig_put(r, first, &t, sizeof(t));
    rig_put(r, RIG_ARG, &(uint64_t){0x6000}, 8);
    assert_int_equal(rig_call(r, true, __HYPERVISOR_vcpu_op,
                              VCPUOP_register_vcpu_time_memory_area, 0,
                              RIG_ARG),
                     0);
    rig_get(r, 0x6000, &t, sizeof(t));
    assert_int_equal(t.version, 4);
    assert_int_equal(t.system_time, 77);
    t = (struct vcpu_time_info){.version = 6, .system_time = 99};
    rig_put(r, first, &t, sizeof(t));
    (void)rig_call(r, true, __HYPERVISOR_xen_version, XENVER_version, 0, 0);
    rig_get(r, 0x6000, &t, sizeof(t));
    assert_int_equal(t.version, 6);
    assert_int_equal(t.system_time, 99);
}

static void bind_timer(struct hcall_rig *r)
{
    struct evtchn_bind_virq v = {.virq = VIRQ_TIMER};
    const struct xen_hvm_evtchn_upcall_vector u = {.vector = 0x51};

    rig_put(r, RIG_ARG, &u, sizeof(u));
    assert_int_equal(rig_call(r, true, __HYPERVISOR_hvm_op,
                              HVMOP_set_evtchn_upcall_vector, RIG_ARG, 0),
                     0);
    rig_put(r, RIG_ARG, &v, sizeof(v));
    assert_int_equal(rig_call(r, true, __HYPERVISOR_event_channel_op,
                              EVTCHNOP_bind_virq, RIG_ARG, 0),
                     0);
}

static void test_timers(void **state)
{
    struct hcall_rig *r = *state;
    const uint64_t period = 5000000;

    bind_timer(r);
    assert_int_equal(
        rig_call(r, true, __HYPERVISOR_set_timer_op, r->now + 100000000, 0, 0),
        0);
    rig_put(r, RIG_ARG, &period, sizeof(period));
    assert_int_equal(rig_call(r, true, __HYPERVISOR_vcpu_op,
                              VCPUOP_set_periodic_timer, 0, RIG_ARG),
                     0);
    /* The nearer of both. */
    assert_true(r->timers[0] < r->now + period + 10000);
    r->now = r->timers[0];
    xen_timer(r->xen, 0);
    assert_int_equal(r->interrupts[0], 1);
    assert_int_equal(r->vector, 0x51);
    assert_true(r->timers[0] > r->now);
    /* Much later: what was missed is missed. */
    r->now += 1000 * period;
    xen_timer(r->xen, 0);
    assert_true(r->timers[0] > r->now);
    assert_int_equal(rig_call(r, true, __HYPERVISOR_vcpu_op,
                              VCPUOP_stop_periodic_timer, 0, 0),
                     0);
    assert_int_equal(r->timers[0], 0);
    /* Too early: nothing but asked for again. */
    assert_int_equal(
        rig_call(r, true, __HYPERVISOR_set_timer_op, r->now + 1000000, 0, 0),
        0);
    xen_timer(r->xen, 0);
    assert_true(r->timers[0] != 0);
    /* A time that wrapped is now, and 0 is never. */
    assert_int_equal(
        rig_call(r, true, __HYPERVISOR_set_timer_op, UINT64_MAX, 0, 0), 0);
    assert_int_equal(r->timers[0], 1);
    assert_int_equal(rig_call(r, true, __HYPERVISOR_set_timer_op, 0, 0, 0), 0);
    assert_int_equal(r->timers[0], 0);
}

static void test_shutdown(void **state)
{
    struct hcall_rig *r = *state;
    struct sched_shutdown s = {.reason = SHUTDOWN_MAX + 1};

    rig_put(r, RIG_ARG, &s, sizeof(s));
    assert_int_equal(
        rig_call(r, true, __HYPERVISOR_sched_op, SCHEDOP_shutdown, RIG_ARG, 0),
        -EINVAL);
    assert_int_equal(r->shutdown, -1);
    s.reason = SHUTDOWN_reboot;
    rig_put(r, RIG_ARG, &s, sizeof(s));
    assert_int_equal(
        rig_call(r, true, __HYPERVISOR_sched_op, SCHEDOP_shutdown, RIG_ARG, 0),
        0);
    assert_int_equal(r->shutdown, SHUTDOWN_reboot);
}

static void test_polls_come_back(void **state)
{
    struct hcall_rig *r = *state;
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    struct sched_poll p = {.nr_ports = 1};
    uint32_t port;

    rig_put(r, RIG_ARG, &ipi, sizeof(ipi));
    assert_int_equal(rig_call(r, true, __HYPERVISOR_event_channel_op,
                              EVTCHNOP_bind_ipi, RIG_ARG, 0),
                     0);
    rig_get(r, RIG_ARG, &ipi, sizeof(ipi));
    port = ipi.port;
    set_xen_guest_handle(p.ports, (evtchn_port_t *)(uintptr_t)0x2000);
    rig_put(r, RIG_ARG, &p, sizeof(p));
    rig_put(r, 0x2000, &port, sizeof(port));
    assert_int_equal(
        rig_call(r, true, __HYPERVISOR_sched_op, SCHEDOP_poll, RIG_ARG, 0), 0);
    assert_int_equal(r->waits, 1);
    rig_put(r, 0x3000, &port, sizeof(port));
    assert_int_equal(rig_call(r, true, __HYPERVISOR_event_channel_op,
                              EVTCHNOP_send, 0x3000, 0),
                     0);
    assert_int_equal(r->wakes, 1);
    assert_int_equal(
        rig_call(r, true, __HYPERVISOR_sched_op, SCHEDOP_poll, RIG_ARG, 0), 0);
    assert_int_equal(r->waits, 1);
    assert_int_equal(
        rig_call(r, true, __HYPERVISOR_sched_op, SCHEDOP_poll, RIG_RAM, 0),
        -EFAULT);
}

static int setup(void **state)
{
    static struct hcall_rig r;

    *state = &r;
    return rig_make(&r) ? 0 : -1;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_may_call),
        TEST(test_the_page),
        TEST(test_words_of_32_bits),
        TEST(test_upcalls_by_a_line),
        TEST(test_callback_vector),
        TEST(test_clocks_follow),
        TEST(test_shinfo_where_there_is_nothing),
        TEST(test_vcpu_info_errors),
        TEST(test_runstate_across_pages),
        TEST(test_time_area),
        TEST(test_timers),
        TEST(test_shutdown),
        TEST(test_polls_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
