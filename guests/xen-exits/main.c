/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-exits: two CPUs pass an event to and fro, then the first waits for timers
 * that it sets one after the other, then both halt and the harness counts what
 * left the guest. Options: ipis=N and ticks=N, of each kind.
 */
#include "apic.h"
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "smp.h"
#include "start_info.h"
#include "xen.h"

#define IS(what, call, result) \
    CHECK_EQ(what, (uint64_t)(int64_t)(call), (uint64_t)(int64_t)(result))

#define CPUS 2
#define TICK CLOCK_MS

static struct vcpu_info infos[CPUS] __attribute__((aligned(64)));
static unsigned ports[CPUS], timer;

static void take(unsigned cpu, unsigned port)
{
    infos[cpu].evtchn_upcall_pending = 0;
    infos[cpu].evtchn_pending_sel = 0;
    xen_clear(port);
}

static void wait_for(unsigned cpu, unsigned port)
{
    while (!xen_is_pending(port))
        irq_wait();
    take(cpu, port);
}

static void answer(unsigned cpu)
{
    take(cpu, ports[cpu]);
    xen_take_events(cpu);
    for (;;) {
        wait_for(cpu, ports[cpu]);
        if (xen_send(ports[0]) != 0)
            test_fail("CPU %u cannot send", cpu);
    }
}

static void prepare(unsigned cpu)
{
    const struct vcpu_register_vcpu_info a = {
        .mfn = (uintptr_t)&infos[cpu] >> 12,
        .offset = (uintptr_t)&infos[cpu] & 4095,
    };

    IS("register", xen_vcpu(VCPUOP_register_vcpu_info, cpu, &a), 0);
    ports[cpu] = (unsigned)xen_bind_ipi(cpu);
}

void test_main(void)
{
    struct vcpu_set_singleshot_timer t = {0};
    uint64_t ipis = 0, ticks = 0;

    (void)start_info_option("ipis", &ipis);
    (void)start_info_option("ticks", &ticks);
    xen_init();
    for (unsigned i = 0; i < CPUS; i++)
        prepare(i);
    clock_use(&infos[0].time);
    timer = (unsigned)xen_bind_virq(VIRQ_TIMER, 0);
    xen_take_events(0);
    take(0, ports[0]);
    CHECK_EQ("CPUs", smp_start_all(answer), CPUS);
    for (uint64_t i = 0; i < ipis; i += 2) {
        IS("send", xen_send(ports[1]), 0);
        wait_for(0, ports[0]);
    }
    for (uint64_t i = 0; i < ticks; i++) {
        t.timeout_abs_ns = clock_ns() + TICK;
        IS("set", xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
        wait_for(0, timer);
    }
    test_ready();
    for (;;)
        irq_wait();
}
