/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lapic-timer: the local APIC's timer fires once as one-shot, again and
 * again as periodic, not at all when masked, and at a TSC value where CPUID
 * offers it; never early. Source: Intel SDM volume 3, 11.5.4.
 */
#include "apic.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "report.h"

#define VECTOR_TIMER         (VECTOR_FIRST_IRQ + 1)
#define CPUID_1_ECX_DEADLINE (1u << 24)
#define COUNT                4000000u /* 4 ms at KVM's 1 GHz bus */
#define PATIENCE             (5 * CLOCK_S)
#define QUIET                (50 * CLOCK_MS)

static volatile unsigned fired;
static volatile uint64_t fired_tsc;

static void on_timer(struct trap_frame *frame)
{
    (void)frame;
    if (!fired)
        fired_tsc = rdtsc();
    fired = fired + 1;
    apic_eoi();
}

/* Spin with interrupts on until n interrupts came, or the time is over. */
static void wait_for(unsigned n, uint64_t ns)
{
    irq_enable();
    (void)clock_wait(fired >= n, ns);
    irq_disable();
}

static void one_shot(void)
{
    fired = 0;
    apic_timer(APIC_ONE_SHOT, VECTOR_TIMER, COUNT);
    CHECK_GE("current count, running", COUNT, apic_read(APIC_TIMER_CURRENT));
    wait_for(1, PATIENCE);
    wait_for(2, QUIET);
    CHECK_EQ("one-shot interrupts", fired, 1);
    CHECK_EQ("current count, expired", apic_read(APIC_TIMER_CURRENT), 0);
}

static void halted(void)
{
    fired = 0;
    apic_timer(APIC_ONE_SHOT, VECTOR_TIMER, COUNT);
    irq_wait();
    CHECK_EQ("interrupts that end HLT", fired, 1);
}

static void periodic(void)
{
    fired = 0;
    apic_timer(APIC_PERIODIC, VECTOR_TIMER, COUNT);
    wait_for(5, PATIENCE);
    CHECK_GE("periodic interrupts", fired, 5);
    apic_timer_stop();
    wait_for(~0u, CLOCK_MS); /* one may be on its way */
    fired = 0;
    wait_for(1, QUIET);
    CHECK_EQ("interrupts of a stopped timer", fired, 0);
}

static void masked(void)
{
    fired = 0;
    apic_timer(APIC_ONE_SHOT, VECTOR_TIMER | APIC_LVT_MASKED, COUNT);
    wait_for(1, QUIET);
    CHECK_EQ("interrupts of a masked timer", fired, 0);
}

static void deadline(void)
{
    uint64_t at, khz;

    if (!(cpuid(1, 0).ecx & CPUID_1_ECX_DEADLINE)) {
        printf("TSC deadline is not offered\n");
        return;
    }
    fired = 0;
    apic_timer(APIC_TSC_DEADLINE, VECTOR_TIMER, 0);
    khz = clock_tsc_khz();
    at = rdtsc() + 50 * khz;
    wrmsr(MSR_TSC_DEADLINE, at);
    CHECK_EQ("deadline, armed", rdmsr(MSR_TSC_DEADLINE), at);
    wait_for(1, PATIENCE);
    wait_for(2, QUIET);
    CHECK_EQ("TSC deadline interrupts", fired, 1);
    CHECK_GE("TSC at the interrupt", fired_tsc, at);
    CHECK_EQ("deadline, expired", rdmsr(MSR_TSC_DEADLINE), 0);
}

void test_main(void)
{
    apic_init();
    trap_set_handler(VECTOR_TIMER, on_timer);
    one_shot();
    halted();
    periodic();
    masked();
    deadline();
}
