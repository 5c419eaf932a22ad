/* SPDX-License-Identifier: MIT */
/*
 * smp.h: waking the other CPUs. Source: Intel SDM volume 3, 9.4.4.
 */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include <stdbool.h>
#include <stdint.h>

#define SMP_MAX_CPUS 255

/* What a woken CPU runs; cpu is the index the waker gave. */
typedef void smp_entry(unsigned cpu);

/*
 * Wake the CPU with this APIC id by INIT and SIPI and have it call entry
 * with index cpu (1 .. SMP_MAX_CPUS-1), its APIC and trap table set up,
 * interrupts off; after entry it halts for good. False if it does not
 * report within 5 seconds. Caller: the boot CPU, after apic_init().
 */
bool smp_start(uint32_t apic_id, unsigned cpu, smp_entry *entry);

/*
 * Wake all that the MADT names except the caller, indices from 1. The
 * number of CPUs that run, the caller included.
 */
unsigned smp_start_all(smp_entry *entry);

#endif
