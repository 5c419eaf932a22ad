/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock: neither the TSC nor kvmclock ever goes back, on one CPU or from
 * one to the other; they agree on how fast time runs with the LAPIC's 1 GHz
 * bus; and the wall clock MSR tells a year of this century.
 *
 * Two CPUs take turns: each reads both clocks and hands the values to the
 * other, who must not read less. Options: cpus=1 leaves the second part out.
 */
#include "apic.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "smp.h"

#define ROUNDS   500u
#define PATIENCE (5 * CLOCK_S)

struct wall_clock {
    uint32_t version, sec, nsec;
};

static struct pvclock pages[2] __attribute__((aligned(64)));
static struct wall_clock wall __attribute__((aligned(64)));

/* Whose turn it is (round % 2), and the latest values. */
static uint32_t turn;
static uint64_t last_ns, last_tsc;
static uint32_t backward_ns, backward_tsc;

static void step(const struct pvclock *page)
{
    uint64_t tsc = rdtsc(), ns = clock_read(page);

    backward_tsc += tsc < last_tsc;
    backward_ns += ns < last_ns;
    last_tsc = tsc;
    last_ns = ns;
}

static void play(unsigned me)
{
    clock_register(&pages[me]);
    for (uint32_t i = me; i < 2 * ROUNDS; i += 2) {
        while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != i)
            cpu_pause();
        step(&pages[me]);
        __atomic_store_n(&turn, i + 1, __ATOMIC_RELEASE);
    }
}

static void alone(void)
{
    clock_register(&pages[0]);
    CHECK_NE("version of the page", pages[0].version, 0);
    CHECK_EQ("version of the page, odd", pages[0].version & 1, 0);
    CHECK_NE("multiplier", pages[0].tsc_to_system_mul, 0);
    for (unsigned i = 0; i < 2 * ROUNDS; i++)
        step(&pages[0]);
    CHECK_EQ("steps back of the TSC", backward_tsc, 0);
    CHECK_EQ("steps back of kvmclock", backward_ns, 0);
}

static void together(unsigned cpus)
{
    uint32_t end = 2 * ROUNDS;

    if (cpus < 2) {
        printf("one CPU: not compared with another\n");
        return;
    }
    play(0);
    if (!clock_wait(__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == end, PATIENCE))
        test_fail("turns: expected %u, seen %u", end, turn);
    CHECK_EQ("steps back of the TSC between CPUs", backward_tsc, 0);
    CHECK_EQ("steps back of kvmclock between CPUs", backward_ns, 0);
}

/* 20 ms of kvmclock, in ticks of the APIC timer: 1 ns each in KVM. */
static void against_apic(void)
{
    uint32_t before, ticks;
    uint64_t ns;

    apic_timer(APIC_ONE_SHOT, VECTOR_SPURIOUS | APIC_LVT_MASKED, ~0u);
    before = apic_read(APIC_TIMER_CURRENT);
    ns = clock_read(&pages[0]);
    while (clock_read(&pages[0]) < ns + 20 * CLOCK_MS)
        cpu_pause();
    ticks = before - apic_read(APIC_TIMER_CURRENT);
    CHECK_GE("APIC ticks in 20 ms", ticks, 19000000);
    /* A busy host may keep the CPU away for long: only the scale is meant. */
    CHECK_LE("APIC ticks in 20 ms", ticks, 2000000000);
}

static void wall_time(void)
{
    wrmsr(MSR_KVM_WALL_CLOCK, (uintptr_t)&wall);
    CHECK_NE("wall clock version", wall.version, 0);
    CHECK_GE("wall clock, seconds since 1970", wall.sec, 1600000000);
    CHECK_LE("wall clock, nanoseconds", wall.nsec, 999999999);
}

void test_main(void)
{
    if (!clock_present())
        test_error("CPUID offers no kvmclock");
    apic_init();
    alone();
    together(smp_start_all(play));
    against_apic();
    wall_time();
    CHECK_GE("TSC frequency, kHz", clock_tsc_khz(), 100000);
    wrmsr(MSR_KVM_SYSTEM_TIME, 0);
}
