/* SPDX-License-Identifier: MIT */
/*
 * apic.c: see apic.h.
 */
#include "apic.h"

#include "abi/layout.h"
#include "cpu.h"

#define CPUID_1_ECX_X2APIC (1u << 21)
#define APIC_BASE_X2       (1u << 10)
#define APIC_BASE_ENABLE   (1u << 11)
#define SPURIOUS_ENABLE    (1u << 8)
#define DIVIDE_BY_1        0xbu
#define ICR_BUSY           (1u << 12)

bool apic_has_x2(void)
{
    return cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC;
}

static bool in_x2_mode(void)
{
    return rdmsr(MSR_APIC_BASE) & APIC_BASE_X2;
}

static uint32_t register_msr(enum apic_register reg)
{
    return MSR_X2APIC + (uint32_t)reg / 16;
}

uint32_t apic_read(enum apic_register reg)
{
    if (in_x2_mode())
        return (uint32_t)rdmsr(register_msr(reg));
    return mmio_read32(LAYOUT_LAPIC + (uintptr_t)reg);
}

void apic_write(enum apic_register reg, uint32_t value)
{
    if (in_x2_mode())
        wrmsr(register_msr(reg), value);
    else
        mmio_write32(LAYOUT_LAPIC + (uintptr_t)reg, value);
}

static void spurious(struct trap_frame *frame)
{
    (void)frame; /* not acknowledged: SDM volume 3, 11.9 */
}

void apic_init(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

    wrmsr(MSR_APIC_BASE, apic_has_x2() ? base | APIC_BASE_X2 : base);
    trap_set_handler(VECTOR_SPURIOUS, spurious);
    apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    apic_write(APIC_TPR, 0);
}

uint32_t apic_id(void)
{
    uint32_t id = apic_read(APIC_ID);

    return in_x2_mode() ? id : id >> 24;
}

void apic_eoi(void)
{
    apic_write(APIC_EOI, 0);
}

void apic_ipi(uint32_t dest, uint32_t icr)
{
    if (in_x2_mode()) {
        wrmsr(register_msr(APIC_ICR), (uint64_t)dest << 32 | icr);
        return;
    }
    apic_write(APIC_ICR_HIGH, dest << 24);
    apic_write(APIC_ICR, icr);
    while (apic_read(APIC_ICR) & ICR_BUSY)
        cpu_pause();
}

void apic_timer(enum apic_timer_mode mode, unsigned vector, uint32_t count)
{
    apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
    apic_write(APIC_LVT_TIMER, (uint32_t)mode | vector);
    if (mode != APIC_TSC_DEADLINE)
        apic_write(APIC_TIMER_INITIAL, count);
}

void apic_timer_stop(void)
{
    apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | VECTOR_SPURIOUS);
    apic_write(APIC_TIMER_INITIAL, 0);
}
