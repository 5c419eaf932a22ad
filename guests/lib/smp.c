/* SPDX-License-Identifier: MIT */
/*
 * smp.c: see smp.h. One CPU is woken at a time: the mailbox carries its
 * stack and its work, and is free again when the CPU has said "here".
 */
#include "smp.h"

#include "acpi.h"
#include "apic.h"
#include "clock.h"
#include "cpu.h"
#include "string.h"

#define TRAMPOLINE 0x8000u /* the page the start-up IPI names */
#define STACK_SIZE 4096u
#define PATIENCE   (5 * CLOCK_S)

extern const char trampoline_start[], trampoline_end[]; /* entry.S */

void smp_arrive(void); /* start.S */

/* entry.S reads stack, the first member. */
struct smp_mailbox {
    uint32_t stack;
    unsigned cpu;
    smp_entry *entry;
    bool here;
};
struct smp_mailbox smp_mailbox;

static char stacks[SMP_MAX_CPUS][STACK_SIZE] __attribute__((aligned(16)));

/* The first C function of a woken CPU. */
void smp_arrive(void)
{
    unsigned cpu = smp_mailbox.cpu;
    smp_entry *entry = smp_mailbox.entry;

    trap_load();
    apic_init();
    __atomic_store_n(&smp_mailbox.here, true, __ATOMIC_RELEASE);
    entry(cpu);
    cpu_stop();
}

bool smp_start(uint32_t id, unsigned cpu, smp_entry *entry)
{
    memcpy((void *)(uintptr_t)TRAMPOLINE, trampoline_start,
           (size_t)(trampoline_end - trampoline_start));
    smp_mailbox = (struct smp_mailbox){
        .stack = (uint32_t)(uintptr_t)stacks[cpu] + STACK_SIZE,
        .cpu = cpu,
        .entry = entry,
    };
    apic_ipi(id, APIC_ICR_INIT);
    apic_ipi(id, APIC_ICR_STARTUP | TRAMPOLINE >> 12);
    return clock_wait(__atomic_load_n(&smp_mailbox.here, __ATOMIC_ACQUIRE),
                      PATIENCE);
}

unsigned smp_start_all(smp_entry *entry)
{
    uint32_t ids[SMP_MAX_CPUS];
    unsigned n = acpi_cpus(ids, SMP_MAX_CPUS), running = 1;

    for (unsigned i = 0; i < n; i++)
        if (ids[i] != apic_id() && smp_start(ids[i], running, entry))
            running++;
    return running;
}
