/* SPDX-License-Identifier: MIT */
/*
 * clock.h: time from KVM's paravirtual clock.
 * Source: Linux Documentation/virt/kvm/x86/msr.rst, cpuid.rst.
 */
#ifndef GUEST_CLOCK_H
#define GUEST_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_MS 1000000ull
#define CLOCK_S  1000000000ull

#define MSR_KVM_WALL_CLOCK  0x4b564d00u
#define MSR_KVM_SYSTEM_TIME 0x4b564d01u

#define KVM_CPUID_SIGNATURE 0x40000000u
#define KVM_CPUID_FEATURES  0x40000001u
#define KVM_FEATURE_CLOCK2  (1u << 3)

struct pvclock {
    uint32_t version; /* odd while it is written */
    uint32_t pad;
    uint64_t tsc_timestamp;
    uint64_t system_time;
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
    uint8_t flags;
    uint8_t pad2[2];
} __attribute__((packed, aligned(4)));

_Static_assert(sizeof(struct pvclock) == 32, "pvclock layout");

/* True if the clock is offered. */
bool clock_present(void);

/*
 * Measure time by another page of the same layout (Xen's), which is kept
 * already. Before the first clock_ns.
 */
void clock_use(const void *page);

/* Have KVM keep page (this CPU's; 4-byte aligned, own 64 bytes). */
void clock_register(struct pvclock *page);

/* Nanoseconds by page, now. */
uint64_t clock_read(const struct pvclock *page);

/*
 * Nanoseconds since some moment, any CPU, by the boot CPU's page; the first
 * call must be on the boot CPU. Without the clock: ERROR.
 */
uint64_t clock_ns(void);

/* The TSC's frequency as the clock implies it. */
uint64_t clock_tsc_khz(void);

/* Wait, spinning. */
void clock_delay(uint64_t ns);

/* Wait until condition holds, or ns have passed; says whether it held. */
#define clock_wait(condition, ns)                 \
    __extension__({                               \
        uint64_t end_ = clock_ns() + (ns);        \
        while (!(condition) && clock_ns() < end_) \
            cpu_pause();                          \
        (condition);                              \
    })

#endif
