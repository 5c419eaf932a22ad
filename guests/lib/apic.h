/* SPDX-License-Identifier: MIT */
/*
 * apic.h: this CPU's local APIC, by x2APIC where offered, else by memory.
 * Source: Intel SDM volume 3, chapter 11. Each function acts on the CPU it
 * is called on.
 */
#ifndef GUEST_APIC_H
#define GUEST_APIC_H

#include <stdbool.h>
#include <stdint.h>

enum apic_register { /* memory offsets; the MSR is 0x800 + offset / 16 */
                     APIC_ID = 0x020,
                     APIC_VERSION = 0x030,
                     APIC_TPR = 0x080,
                     APIC_EOI = 0x0b0,
                     APIC_SPURIOUS = 0x0f0,
                     APIC_ISR = 0x100,
                     APIC_IRR = 0x200,
                     APIC_ICR = 0x300,
                     APIC_ICR_HIGH = 0x310,
                     APIC_LVT_TIMER = 0x320,
                     APIC_LVT_LINT0 = 0x350,
                     APIC_TIMER_INITIAL = 0x380,
                     APIC_TIMER_CURRENT = 0x390,
                     APIC_TIMER_DIVIDE = 0x3e0,
};

enum apic_timer_mode { /* bits 17 and 18 of the timer's LVT */
                       APIC_ONE_SHOT = 0,
                       APIC_PERIODIC = 1 << 17,
                       APIC_TSC_DEADLINE = 2 << 17,
};

#define APIC_LVT_MASKED  (1u << 16)
#define APIC_ICR_FIXED   0x04000u /* assert, physical, fixed delivery */
#define APIC_ICR_INIT    0x04500u
#define APIC_ICR_STARTUP 0x04600u
#define APIC_ICR_SELF    0x40000u

bool apic_has_x2(void);

/* Enable it (software enable, spurious vector, everything accepted). */
void apic_init(void);

uint32_t apic_read(enum apic_register reg);
void apic_write(enum apic_register reg, uint32_t value);

uint32_t apic_id(void);
void apic_eoi(void);

/* icr: APIC_ICR_* with a vector or start-up page. */
void apic_ipi(uint32_t dest, uint32_t icr);

/* Arm the timer: divide by 1; count is ignored for APIC_TSC_DEADLINE. */
void apic_timer(enum apic_timer_mode mode, unsigned vector, uint32_t count);
void apic_timer_stop(void);

#endif
