/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-smp: each CPU finds its number in CPUID, has a vcpu_info and a clock of
 * its own, and gets the events that are bound to it: the CPUs pass one on in a
 * ring, as interprocessor interrupts by event channel. With all=1 by one vector
 * for all CPUs, which passes no local APIC, and also when it comes while
 * interrupts are off. Options: cpus=N, all=1.
 */
#include "apic.h"
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "smp.h"
#include "start_info.h"
#include "xen.h"

#define MAX_CPUS 8
#define ROUNDS   50
#define PATIENCE (20 * CLOCK_S)

#define IS(what, call, result) \
    CHECK_EQ(what, (uint64_t)(int64_t)(call), (uint64_t)(int64_t)(result))

static struct vcpu_info infos[MAX_CPUS] __attribute__((aligned(64)));
static unsigned ports[MAX_CPUS];
static unsigned n_cpus;
static uint64_t all;
static uint32_t turns, ready;

/* What a kernel does for a CPU before it wakes it. */
static void prepare(unsigned cpu)
{
    const struct vcpu_register_vcpu_info a = {
        .mfn = (uintptr_t)&infos[cpu] >> 12,
        .offset = (uintptr_t)&infos[cpu] & 4095,
    };

    IS("register", xen_vcpu(VCPUOP_register_vcpu_info, cpu, &a), 0);
    IS("twice", xen_vcpu(VCPUOP_register_vcpu_info, cpu, &a), XEN_EINVAL);
    CHECK_EQ("all counts as pending", infos[cpu].evtchn_upcall_pending, 1);
    ports[cpu] = (unsigned)xen_bind_ipi(cpu);
}

static void take(unsigned cpu)
{
    infos[cpu].evtchn_upcall_pending = 0;
    infos[cpu].evtchn_pending_sel = 0;
    xen_clear(ports[cpu]);
}

/* An event that comes while interrupts are off is told when they are on. */
static void delay(unsigned cpu)
{
    for (unsigned i = 0; i < 5; i++) {
        const unsigned before = xen_upcalls[cpu];
        const uint64_t from = clock_ns();
        bool ok;

        IS("to itself", xen_send(ports[cpu]), 0);
        while (clock_ns() < from + CLOCK_MS)
            ;
        CHECK_EQ("upcalls, interrupts off", xen_upcalls[cpu], before);
        irq_enable();
        ok = clock_wait(xen_upcalls[cpu] != before, PATIENCE);
        irq_disable();
        CHECK_EQ("an upcall, interrupts on", ok, true);
        take(cpu);
    }
}

static void take_events(unsigned cpu)
{
    if (all)
        delay(cpu);
    else
        xen_take_events(cpu);
}

/* Wait for my event, send the next CPU its own. */
static void play(unsigned cpu)
{
    const struct pvclock *clock = (const void *)&infos[cpu].time;
    uint64_t last = clock_read(clock);

    for (unsigned i = 0; i < ROUNDS; i++) {
        const unsigned next = (cpu + 1) % n_cpus;

        while (!xen_is_pending(ports[cpu]))
            irq_wait();
        take(cpu);
        if (clock_read(clock) < last)
            test_fail("the clock of CPU %u went back", cpu);
        last = clock_read(clock);
        __atomic_add_fetch(&turns, 1, __ATOMIC_SEQ_CST);
        if (xen_send(ports[next]) != 0)
            test_fail("CPU %u cannot send", cpu);
    }
}

static void other(unsigned cpu)
{
    CHECK_EQ("vCPU id of another", cpuid(xen_leaf(4), 0).ebx, apic_id());
    CHECK_NE("its clock", infos[cpu].time.version, 0);
    take(cpu);
    take_events(cpu);
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    play(cpu);
}

void test_main(void)
{
    uint64_t cpus = 2;

    (void)start_info_option("cpus", &cpus);
    n_cpus = (unsigned)cpus;
    xen_init();
    IS("up", xen_vcpu(VCPUOP_is_up, 0, NULL), 1);
    IS("up, not woken", xen_vcpu(VCPUOP_is_up, 1, NULL), 0);
    IS("no such vCPU", xen_vcpu(VCPUOP_is_up, n_cpus, NULL), XEN_ENOENT);
    for (unsigned i = 0; i < n_cpus; i++)
        prepare(i);
    take(0);
    (void)start_info_option("all", &all);
    if (all)
        xen_take_callback();
    take_events(0);
    CHECK_EQ("CPUs", smp_start_all(other), n_cpus);
    if (!clock_wait(__atomic_load_n(&ready, __ATOMIC_SEQ_CST) == n_cpus - 1,
                    PATIENCE))
        test_error("not all CPUs are ready");
    IS("up, woken", xen_vcpu(VCPUOP_is_up, 1, NULL), 1);
    IS("begin", xen_send(ports[0]), 0);
    play(0);
    if (!clock_wait(__atomic_load_n(&turns, __ATOMIC_SEQ_CST) ==
                        n_cpus * ROUNDS,
                    PATIENCE))
        test_error("the event got lost");
}
