/* SPDX-License-Identifier: MIT */
/*
 * clock.c: see clock.h.
 */
#include "clock.h"

#include "cpu.h"
#include "report.h"
#include "string.h"

static struct pvclock boot_page __attribute__((aligned(64)));
static const struct pvclock *in_use; /* NULL: none yet */

bool clock_present(void)
{
    struct cpuid c = cpuid(KVM_CPUID_SIGNATURE, 0);

    if (memcmp(&c.ebx, "KVMKVMKVM\0\0\0", 12) != 0)
        return false;
    return cpuid(KVM_CPUID_FEATURES, 0).eax & KVM_FEATURE_CLOCK2;
}

void clock_register(struct pvclock *page)
{
    wrmsr(MSR_KVM_SYSTEM_TIME, (uintptr_t)page | 1);
}

/* delta * mul / 2^32, where the product has 96 bits. */
static uint64_t scale(uint64_t delta, uint32_t mul, int shift)
{
    delta = shift < 0 ? delta >> -shift : delta << shift;
    return (delta >> 32) * mul + ((delta & 0xffffffff) * mul >> 32);
}

uint64_t clock_read(const struct pvclock *page)
{
    uint32_t version;
    uint64_t ns;

    do {
        version = __atomic_load_n(&page->version, __ATOMIC_ACQUIRE);
        ns =
            page->system_time + scale(rdtsc() - page->tsc_timestamp,
                                      page->tsc_to_system_mul, page->tsc_shift);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((version & 1) ||
             version != __atomic_load_n(&page->version, __ATOMIC_RELAXED));
    return ns;
}

void clock_use(const void *page)
{
    in_use = page;
}

uint64_t clock_ns(void)
{
    if (!in_use) {
        if (!clock_present())
            test_error("no kvmclock to measure time with");
        clock_register(&boot_page);
        if (!boot_page.version)
            test_error("kvmclock's page stays empty");
        in_use = &boot_page;
    }
    return clock_read(in_use);
}

/* Over 10 * 2^20 ns, 61/64 of which are 10 ms: in 32 bits, which divide. */
uint64_t clock_tsc_khz(void)
{
    uint64_t ns = clock_ns(), tsc = rdtsc(), end = ns + (10ull << 20);

    while (clock_ns() < end)
        cpu_pause();
    return (uint32_t)(rdtsc() - tsc) / 10u * 61 / 64;
}

void clock_delay(uint64_t ns)
{
    uint64_t end = clock_ns() + ns;

    while (clock_ns() < end)
        cpu_pause();
}
