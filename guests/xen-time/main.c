/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-time: the clock in vcpu_info runs and never goes back, also in an area
 * of its own; the wall clock tells a year of this century; the singleshot
 * timer fires once and never early, the periodic one again and again, both as
 * VIRQ_TIMER; the runstate adds up. Options: kernel=1.
 */
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "xen.h"

#define PATIENCE (5 * CLOCK_S)
#define QUIET    (30 * CLOCK_MS)
#define Y2020    1577836800u

#define IS(what, call, result) \
    CHECK_EQ(what, (uint64_t)(int64_t)(call), (uint64_t)(int64_t)(result))

static unsigned port;
static struct vcpu_runstate_info runstate __attribute__((aligned(64)));
static struct vcpu_time_info copy __attribute__((aligned(64)));

static void take(void)
{
    xen_shared.vcpu_info[0].evtchn_upcall_pending = 0;
    xen_shared.vcpu_info[0].evtchn_pending_sel = 0;
    xen_clear(port);
}

static bool fires(uint64_t ns)
{
    bool ok;

    irq_enable();
    ok = clock_wait(xen_is_pending(port), ns);
    irq_disable();
    return ok;
}

/* The interrupt may be taken a while after the event became pending. */
static bool upcalled(unsigned before)
{
    bool ok;

    irq_enable();
    ok = clock_wait(xen_upcalls[0] > before, PATIENCE);
    irq_disable();
    return ok;
}

static void runs(void)
{
    uint64_t last = clock_ns();

    for (unsigned i = 0; i < 1000; i++) {
        const uint64_t now = clock_ns();

        if (now < last)
            test_fail("the clock went back by %u ns", (unsigned)(last - now));
        last = now;
    }
    CHECK_GE("wall clock", xen_shared.wc_sec, Y2020);
    CHECK_EQ("its version, odd", xen_shared.wc_version & 1, 0);
    CHECK_LE("its nanoseconds", xen_shared.wc_nsec, 999999999);
}

static void singleshot(void)
{
    struct vcpu_set_singleshot_timer t = {.timeout_abs_ns =
                                              clock_ns() + 20 * CLOCK_MS};
    const unsigned before = xen_upcalls[0];

    IS("set", xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
    CHECK_EQ("it fires", fires(PATIENCE), true);
    CHECK_GE("not before its time", clock_ns(), t.timeout_abs_ns);
    CHECK_EQ("as an interrupt", upcalled(before), true);
    take();
    CHECK_EQ("again", fires(QUIET), false);
    /* In the past: at once, or refused where it must be in the future. */
    t.timeout_abs_ns = 1;
    IS("set, past", xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
    CHECK_EQ("it fires, past", fires(PATIENCE), true);
    take();
    t.flags = VCPU_SSHOTTMR_future;
    IS("set, not past", xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t),
       xen_by_kernel() ? 0 : XEN_ETIME);
    take();
    t = (struct vcpu_set_singleshot_timer){.timeout_abs_ns =
                                               clock_ns() + 10 * QUIET};
    IS("set", xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
    IS("stop", xen_vcpu(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
    CHECK_EQ("a stopped one fires", fires(11 * QUIET), false);
    IS("of no vCPU", xen_vcpu(VCPUOP_set_singleshot_timer, 9, &t),
       xen_by_kernel() ? XEN_EINVAL : XEN_ENOENT);
}

static void timer_op(void)
{
    const uint64_t at = clock_ns() + 10 * CLOCK_MS;
    const bool wide = sizeof(unsigned long) == 8;

    IS("set_timer_op",
       xen_call(__HYPERVISOR_set_timer_op, (unsigned long)at,
                wide ? 0 : (unsigned long)(at >> 32), 0, 0, 0),
       0);
    CHECK_EQ("it fires", fires(PATIENCE), true);
    CHECK_GE("not before its time", clock_ns(), at);
    take();
}

static void periodic(void)
{
    struct vcpu_set_periodic_timer t = {.period_ns = 999999};

    IS("below 1 ms", xen_vcpu(VCPUOP_set_periodic_timer, 0, &t), XEN_EINVAL);
    t.period_ns = 2 * CLOCK_MS;
    IS("set", xen_vcpu(VCPUOP_set_periodic_timer, 0, &t), 0);
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ("it fires", fires(PATIENCE), true);
        take();
    }
    IS("stop", xen_vcpu(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    (void)fires(5 * CLOCK_MS);
    take();
    CHECK_EQ("a stopped one fires", fires(QUIET), false);
}

static void areas(void)
{
    struct vcpu_register_runstate_memory_area r = {.addr.v = &runstate};
    struct vcpu_register_time_memory_area t = {.addr.v = &copy};
    struct vcpu_runstate_info info = {.state = 77};
    uint64_t before, sum = 0;

    IS("runstate area", xen_vcpu(VCPUOP_register_runstate_memory_area, 0, &r),
       0);
    CHECK_EQ("it runs", (unsigned)runstate.state, RUNSTATE_running);
    before = clock_ns();
    IS("runstate", xen_vcpu(VCPUOP_get_runstate_info, 0, &info), 0);
    for (unsigned i = 0; i < 4; i++)
        sum += info.time[i];
    CHECK_GE("all of its time", sum, before);
    CHECK_LE("not more", sum, clock_ns());
    CHECK_EQ("it runs still", (unsigned)info.state, RUNSTATE_running);
    CHECK_GE("time that it ran", info.time[RUNSTATE_running], 1);
    IS("time area", xen_vcpu(VCPUOP_register_vcpu_time_memory_area, 0, &t), 0);
    CHECK_EQ("the same factor", copy.tsc_to_system_mul,
             xen_shared.vcpu_info[0].time.tsc_to_system_mul);
    CHECK_EQ("its version, odd", copy.version & 1, 0);
    CHECK_NE("its version", copy.version, 0);
}

void test_main(void)
{
    xen_init();
    xen_take_events(0);
    port = (unsigned)xen_bind_virq(VIRQ_TIMER, 0);
    take();
    runs();
    singleshot();
    timer_op();
    periodic();
    areas();
}
