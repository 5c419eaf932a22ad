/* SPDX-License-Identifier: MIT */
/*
 * cpu.h: the instructions C has no words for, one function each.
 *
 * A function ending in _safe executes its instruction under the trap table
 * (trap.h): a fault is returned as a value, and the outputs are then 0.
 * Callers: everything in guests/, on any CPU.
 */
#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#include "trap.h"

#include <stdint.h>

#define MSR_TSC          0x010u
#define MSR_APIC_BASE    0x01bu
#define MSR_TSC_DEADLINE 0x6e0u
#define MSR_X2APIC       0x800u
#define MSR_EFER         0xc0000080u
#define EFER_NXE         (1u << 11)
#define FLAGS_IF         (1u << 9)

static inline uint8_t inb(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint16_t inw(uint16_t port)
{
    uint16_t value;

    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint32_t inl(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void outb(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static inline void outw(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static inline void outl(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

/* Memory-mapped registers; 64-bit ones are one access in pvh64 only. */
static inline uint8_t mmio_read8(uintptr_t addr)
{
    return *(volatile uint8_t *)addr;
}

static inline uint16_t mmio_read16(uintptr_t addr)
{
    return *(volatile uint16_t *)addr;
}

static inline uint32_t mmio_read32(uintptr_t addr)
{
    return *(volatile uint32_t *)addr;
}

static inline uint64_t mmio_read64(uintptr_t addr)
{
    return *(volatile uint64_t *)addr;
}

static inline void mmio_write8(uintptr_t addr, uint8_t value)
{
    *(volatile uint8_t *)addr = value;
}

static inline void mmio_write16(uintptr_t addr, uint16_t value)
{
    *(volatile uint16_t *)addr = value;
}

static inline void mmio_write32(uintptr_t addr, uint32_t value)
{
    *(volatile uint32_t *)addr = value;
}

static inline void mmio_write64(uintptr_t addr, uint64_t value)
{
    *(volatile uint64_t *)addr = value;
}

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;

    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"a"((uint32_t)value),
                     "d"((uint32_t)(value >> 32)), "c"(msr)
                     : "memory");
}

static inline struct trap rdmsr_safe(uint32_t msr, uint64_t *value)
{
    struct trap t = TRAP_NONE;
    uint32_t low = 0, high = 0;

    __asm__ volatile(TRAP_CATCH("rdmsr")
                     : "+a"(low), "+d"(high)
                     : "c"(msr), "D"(&t)
                     : "memory");
    *value = (uint64_t)high << 32 | low;
    return t;
}

static inline struct trap wrmsr_safe(uint32_t msr, uint64_t value)
{
    struct trap t = TRAP_NONE;

    __asm__ volatile(TRAP_CATCH("wrmsr")
                     :
                     : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)),
                       "c"(msr), "D"(&t)
                     : "memory");
    return t;
}

static inline struct trap read_safe(uintptr_t addr, uint32_t *value)
{
    struct trap t = TRAP_NONE;

    *value = 0;
    __asm__ volatile(TRAP_CATCH("movl (%1), %0")
                     : "+r"(*value)
                     : "r"(addr), "D"(&t)
                     : "memory");
    return t;
}

static inline struct trap write_safe(uintptr_t addr, uint32_t value)
{
    struct trap t = TRAP_NONE;

    __asm__ volatile(TRAP_CATCH("movl %0, (%1)")
                     :
                     : "r"(value), "r"(addr), "D"(&t)
                     : "memory");
    return t;
}

static inline void irq_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static inline void irq_disable(void)
{
    __asm__ volatile("cli" ::: "memory");
}

/* Wait for one interrupt, with none lost between the two instructions. */
static inline void irq_wait(void)
{
    __asm__ volatile("sti; hlt; cli" ::: "memory");
}

static inline void cpu_pause(void)
{
    __asm__ volatile("pause" ::: "memory");
}

/* Nothing more happens on this CPU. */
static inline _Noreturn void cpu_stop(void)
{
    for (;;)
        __asm__ volatile("cli; hlt" ::: "memory");
}

#endif
