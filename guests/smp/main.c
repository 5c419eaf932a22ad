/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * smp: every CPU of the MADT starts by INIT and SIPI, has its own APIC id
 * (by its APIC and by CPUID, the one the MADT says), runs at the same time
 * as the others, counts on its own and in common, and takes an interrupt
 * from the boot CPU. How many there must be: cpus=N on the command line.
 */
#include "acpi.h"
#include "apic.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "smp.h"
#include "start_info.h"

#define VECTOR_PING VECTOR_FIRST_IRQ
#define ROUNDS      100u
#define PATIENCE    (10 * CLOCK_S)

struct cpu {
    uint32_t apic_id;
    uint32_t cpuid_id;
    uint32_t count;
    uint32_t pings;
};

static struct cpu cpus[SMP_MAX_CPUS];
static uint32_t index_of[SMP_MAX_CPUS + 1]; /* by APIC id */
static uint32_t total, ready;
static bool go;

static void ping(struct trap_frame *frame)
{
    (void)frame;
    cpus[index_of[apic_id() & 0xff]].pings++;
    apic_eoi();
}

static void identify(unsigned cpu)
{
    cpus[cpu].apic_id = apic_id();
    cpus[cpu].cpuid_id = cpuid(1, 0).ebx >> 24;
    index_of[cpus[cpu].apic_id & 0xff] = cpu;
}

/* On each woken CPU: halt until all are there, count, wait for a ping. */
static void count(unsigned cpu)
{
    identify(cpu);
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
        irq_wait();
    for (unsigned i = 0; i < ROUNDS; i++) {
        cpus[cpu].count++;
        __atomic_add_fetch(&total, 1, __ATOMIC_RELAXED);
    }
    __atomic_add_fetch(&ready, 1, __ATOMIC_RELEASE);
    for (;;)
        irq_wait();
}

static void check_ids(const uint32_t *madt, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned same = 0;

        CHECK_EQ("CPUID's APIC id", cpus[i].cpuid_id, cpus[i].apic_id & 0xff);
        for (unsigned j = 0; j < n; j++)
            same += cpus[j].apic_id == madt[i];
        CHECK_EQ("CPUs with an APIC id of the MADT", same, 1);
    }
}

static void ping_all(unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        apic_ipi(cpus[i].apic_id, APIC_ICR_FIXED | VECTOR_PING);
}

static void check_counts(unsigned n)
{
    __atomic_store_n(&go, true, __ATOMIC_RELEASE);
    ping_all(n);
    if (!clock_wait(__atomic_load_n(&ready, __ATOMIC_ACQUIRE) == n - 1,
                    PATIENCE))
        test_fail("CPUs that counted: expected %u, seen %u", n - 1, ready);
    CHECK_EQ("common count", total, (n - 1) * ROUNDS);
    for (unsigned i = 1; i < n; i++)
        CHECK_EQ("count of one CPU", cpus[i].count, ROUNDS);
}

static void check_pings(unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        __atomic_store_n(&cpus[i].pings, 0, __ATOMIC_RELEASE);
    ping_all(n);
    for (unsigned i = 1; i < n; i++)
        if (!clock_wait(__atomic_load_n(&cpus[i].pings, __ATOMIC_ACQUIRE),
                        PATIENCE))
            test_fail("CPU %u: expected an interrupt, seen none", i);
}

void test_main(void)
{
    static uint32_t madt[SMP_MAX_CPUS];
    unsigned n = acpi_cpus(madt, SMP_MAX_CPUS), running;
    uint64_t asked, began = clock_ns();

    if (!start_info_option("cpus", &asked))
        test_error("the command line has no cpus=N");
    CHECK_EQ("CPUs in the MADT", n, asked);
    apic_init();
    trap_set_handler(VECTOR_PING, ping);
    identify(0);
    running = smp_start_all(count);
    printf("%u CPUs after %u ms\n", running,
           (unsigned)((clock_ns() - began) >> 20));
    CHECK_EQ("CPUs running", running, n);
    check_counts(running);
    check_ids(madt, running);
    check_pings(running);
}
