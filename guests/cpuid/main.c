/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpuid: this is a guest of KVM and says so; each CPU's APIC id is the same
 * in every leaf; the topology leaves have room for all CPUs and fit each
 * other; and no leaf promises what is not there: for each feature bit that
 * comes with an MSR the MSR is read, and features no guest gets are absent.
 * Options: cpus=N on the command line.
 */
#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "smp.h"
#include "start_info.h"
#include "string.h"

#define LEAF_HYPERVISOR        0x40000000u
#define LEAF_KVM               0x40000001u
#define LEAF_TOPOLOGY          0xbu
#define CPUID_1_ECX_HYPERVISOR (1u << 31)
#define KVM_CLOCK2             (1u << 3)

enum cpuid_register { EAX, EBX, ECX, EDX };

static uint32_t get(uint32_t leaf, enum cpuid_register reg)
{
    struct cpuid c = cpuid(leaf, 0);
    const uint32_t regs[] = {c.eax, c.ebx, c.ecx, c.edx};

    return regs[reg];
}

/* A feature bit, and an MSR that comes with it. */
static const struct promise {
    uint32_t leaf;
    enum cpuid_register reg;
    unsigned bit;
    uint32_t msr;
    const char *name;
} promises[] = {
    {1, EDX, 4, 0x10, "TSC"},
    {1, EDX, 9, 0x1b, "APIC"},
    {1, EDX, 12, 0xfe, "MTRR"},
    {1, EDX, 14, 0x179, "MCA"},
    {1, EDX, 16, 0x277, "PAT"},
    {1, ECX, 21, 0x802, "x2APIC"},
    {1, ECX, 24, 0x6e0, "TSC deadline"},
    {7, EBX, 1, 0x3b, "TSC_ADJUST"},
    {7, EDX, 29, 0x10a, "ARCH_CAPABILITIES"},
    {7, EDX, 26, 0x48, "SPEC_CTRL"},
    {0x80000001, EDX, 27, 0xc0000103, "RDTSCP"},
    {LEAF_KVM, EAX, 0, 0x11, "kvmclock, old"},
    {LEAF_KVM, EAX, 3, 0x4b564d01, "kvmclock"},
    {LEAF_KVM, EAX, 4, 0x4b564d02, "asynchronous page faults"},
    {LEAF_KVM, EAX, 5, 0x4b564d03, "steal time"},
    {LEAF_KVM, EAX, 6, 0x4b564d04, "paravirtual EOI"},
    {LEAF_KVM, EAX, 12, 0x4b564d05, "poll control"},
    {LEAF_KVM, EAX, 14, 0x4b564d06, "asynchronous page faults by interrupt"},
    {LEAF_KVM, EAX, 17, 0x4b564d08, "migration control"},
};

/* What a guest of this program has no use of or cannot have. */
static const struct absence {
    uint32_t leaf;
    enum cpuid_register reg;
    unsigned bit;
    const char *name;
} absences[] = {
    {1, ECX, 2, "DTES64"},       {1, ECX, 3, "MONITOR"},
    {1, ECX, 4, "DS_CPL"},       {1, ECX, 5, "VMX"},
    {1, ECX, 6, "SMX"},          {1, ECX, 7, "EIST"},
    {1, ECX, 8, "TM2"},          {1, ECX, 11, "SDBG"},
    {1, ECX, 14, "xTPR"},        {1, ECX, 15, "PDCM"},
    {1, EDX, 21, "DS"},          {1, EDX, 22, "ACPI thermal"},
    {1, EDX, 29, "TM"},          {1, EDX, 31, "PBE"},
    {7, EBX, 2, "SGX"},          {7, EBX, 12, "RDT-M"},
    {7, EBX, 15, "RDT-A"},       {7, EBX, 25, "Processor Trace"},
    {0x80000001, ECX, 2, "SVM"},
};

static void check_promises(void)
{
    for (unsigned i = 0; i < sizeof(promises) / sizeof(promises[0]); i++) {
        const struct promise *p = &promises[i];
        uint64_t value;

        if (!(get(p->leaf, p->reg) & 1u << p->bit))
            continue;
        if (rdmsr_safe(p->msr, &value).vector >= 0)
            test_fail("%s is promised: expected MSR 0x%x, seen a fault",
                      p->name, p->msr);
    }
}

static void check_absences(void)
{
    for (unsigned i = 0; i < sizeof(absences) / sizeof(absences[0]); i++) {
        const struct absence *a = &absences[i];

        if (a->leaf <= get(a->leaf & 0xf0000000, EAX) &&
            get(a->leaf, a->reg) & 1u << a->bit)
            test_fail("%s: expected absent, seen present", a->name);
    }
}

static void check_hypervisor(void)
{
    struct cpuid c = cpuid(LEAF_HYPERVISOR, 0);

    CHECK_NE("hypervisor bit", get(1, ECX) & CPUID_1_ECX_HYPERVISOR, 0);
    CHECK_EQ("signature KVMKVMKVM", memcmp(&c.ebx, "KVMKVMKVM\0\0\0", 12) == 0,
             1);
    CHECK_GE("last hypervisor leaf", c.eax, LEAF_KVM);
    CHECK_LE("last hypervisor leaf", c.eax, LEAF_HYPERVISOR + 0xff);
    CHECK_NE("kvmclock bit", get(LEAF_KVM, EAX) & KVM_CLOCK2, 0);
}

/* The performance counters that leaf 10 counts are there. */
static void check_counters(void)
{
    uint32_t pmu = get(0, EAX) >= 0xa ? get(0xa, EAX) : 0;
    uint64_t value;

    if ((pmu & 0xff) == 0)
        return;
    for (uint32_t i = 0; i < (pmu >> 8 & 0xff); i++)
        CHECK_EQ("performance counter's MSR faults",
                 rdmsr_safe(0xc1 + i, &value).vector >= 0, 0);
}

static void check_ranges(void)
{
    CHECK_GE("last leaf", get(0, EAX), 1);
    CHECK_LE("last leaf", get(0, EAX), 0xff);
    CHECK_GE("last extended leaf", get(0x80000000, EAX), 0x80000008);
    CHECK_GE("physical address bits", get(0x80000008, EAX) & 0xff, 36);
    CHECK_LE("physical address bits", get(0x80000008, EAX) & 0xff, 52);
}

/* Leaf 0xb: levels in order, shifts growing, the last holds all CPUs. */
static void check_topology(uint64_t cpus)
{
    uint32_t shift = 0, count = 1;

    if (get(0, EAX) < LEAF_TOPOLOGY || !get(LEAF_TOPOLOGY, EBX))
        return;
    for (uint32_t level = 0; level < 4; level++) {
        struct cpuid c = cpuid(LEAF_TOPOLOGY, level);

        CHECK_EQ("topology level number", c.ecx & 0xff, level);
        if ((c.ecx >> 8 & 0xff) == 0)
            break;
        CHECK_EQ("topology level type", c.ecx >> 8 & 0xff, level + 1);
        CHECK_GE("topology shift", c.eax & 0x1f, shift);
        CHECK_GE("CPUs at this level", c.ebx & 0xffff, count);
        shift = c.eax & 0x1f;
        count = c.ebx & 0xffff;
    }
    CHECK_GE("APIC ids that fit the last level", 1u << shift, count);
    CHECK_EQ("CPUs at the last level", count, cpus);
}

static void check_cpu(unsigned cpu)
{
    (void)cpu;
    CHECK_EQ("APIC id in leaf 1", get(1, EBX) >> 24, apic_id() & 0xff);
    if (get(0, EAX) >= LEAF_TOPOLOGY && get(LEAF_TOPOLOGY, EBX))
        CHECK_EQ("APIC id in leaf 0xb", get(LEAF_TOPOLOGY, EDX), apic_id());
    CHECK_NE("hypervisor bit", get(1, ECX) & CPUID_1_ECX_HYPERVISOR, 0);
}

static uint32_t done;

static void other_cpu_checks(unsigned cpu)
{
    check_cpu(cpu);
    __atomic_add_fetch(&done, 1, __ATOMIC_RELEASE);
}

void test_main(void)
{
    uint64_t cpus;
    unsigned running;

    if (!start_info_option("cpus", &cpus))
        test_error("the command line has no cpus=N");
    apic_init();
    check_hypervisor();
    check_ranges();
    check_cpu(0);
    check_topology(cpus);
    check_counters();
    check_promises();
    check_absences();
    running = smp_start_all(other_cpu_checks);
    CHECK_EQ("CPUs", running, cpus);
    while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) != running - 1)
        cpu_pause();
}
