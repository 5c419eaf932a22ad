// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cpuid.c: the CPUID policy as a table, and the topology; see cpuid.h.
 *
 * KVM_GET_SUPPORTED_CPUID says what the host can do. What a guest sees of it
 * is decided here, row by row, with the reason in the row.
 */
#include "vcpu/cpuid.h"

#include "vcpu/kvm_xen.h"

#include <asm/kvm_para.h>
#include <xen/arch-x86/cpuid.h>

#define ANY_SUBLEAF UINT32_MAX

enum cpuid_reg {
    REG_EAX,
    REG_EBX,
    REG_ECX,
    REG_EDX,
};

#define BIT(n) ((uint32_t)1 << (n))

/* KVM's features at leaf 0x40000001 EAX that we let a guest use. */
#define KVM_FEATURES_OFFERED                                              \
    (BIT(KVM_FEATURE_NOP_IO_DELAY) | BIT(KVM_FEATURE_CLOCKSOURCE2) |      \
     BIT(KVM_FEATURE_STEAL_TIME) | BIT(KVM_FEATURE_PV_EOI) |              \
     BIT(KVM_FEATURE_PV_UNHALT) | BIT(KVM_FEATURE_PV_TLB_FLUSH) |         \
     BIT(KVM_FEATURE_PV_SEND_IPI) | BIT(KVM_FEATURE_POLL_CONTROL) |       \
     BIT(KVM_FEATURE_PV_SCHED_YIELD) | BIT(KVM_FEATURE_MSI_EXT_DEST_ID) | \
     BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT))

/* value = (value & keep) | set */
static const struct cpuid_rule {
    uint32_t leaf;
    uint32_t subleaf;
    enum cpuid_reg reg;
    uint32_t keep;
    uint32_t set;
    const char *why;
} rules[] = {
    {1, ANY_SUBLEAF, REG_ECX, ~(BIT(5) | BIT(27)), BIT(31) | BIT(24) | BIT(21),
     "no VMX (nesting is not offered), OSXSAVE follows CR4; hypervisor bit, "
     "TSC deadline and x2APIC come from the kernel's local APIC"},
    {1, ANY_SUBLEAF, REG_EDX, ~BIT(28), 0, "HTT is set with the topology"},
    {6, ANY_SUBLEAF, REG_EAX, BIT(2), 0, "always-running APIC timer only"},
    {6, ANY_SUBLEAF, REG_ECX, 0, 0, "no power and thermal MSRs"},
    {7, 0, REG_EDX, ~(BIT(22) | BIT(24) | BIT(25)), 0,
     "AMX needs a permission no guest asked for"},
    {0xa, ANY_SUBLEAF, REG_EAX, 0, 0, "no performance counters"},
    {0xa, ANY_SUBLEAF, REG_EBX, 0, 0, "no performance counters"},
    {0xa, ANY_SUBLEAF, REG_EDX, 0, 0, "no performance counters"},
    {0xd, 0, REG_EAX, ~(BIT(17) | BIT(18)), 0, "no AMX state"},
    {KVM_CPUID_FEATURES, ANY_SUBLEAF, REG_EAX, KVM_FEATURES_OFFERED, 0,
     "no asynchronous page faults: a guest gains little and the host's "
     "paging becomes visible"},
    {0x80000001, ANY_SUBLEAF, REG_ECX, ~(BIT(2) | BIT(23) | BIT(24) | BIT(28)),
     0, "no SVM (nesting is not offered), no performance counters"},
};

/* Leaves a guest does not see at all. */
static const uint32_t dropped[] = {
    0x0b,       /* topology: made anew below */
    0x1a,       /* hybrid cores: ours are all alike */
    0x1d,       /* AMX */
    0x1e,       /* AMX */
    0x1f,       /* topology v2: leaf 0xb says all there is */
    0x8000000a, /* SVM */
    0x80000022, /* performance counters v2 */
};

static uint32_t *entry_reg(struct kvm_cpuid_entry2 *e, enum cpuid_reg reg)
{
    switch (reg) {
    case REG_EAX:
        return &e->eax;
    case REG_EBX:
        return &e->ebx;
    case REG_ECX:
        return &e->ecx;
    case REG_EDX:
        return &e->edx;
    }
    __builtin_unreachable();
}

static bool has_subleaves(const struct kvm_cpuid_entry2 *e)
{
    return e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
}

struct kvm_cpuid_entry2 *cpuid_find(struct cpuid_table *t, uint32_t leaf,
                                    uint32_t subleaf)
{
    for (uint32_t i = 0; i < t->head.nent; i++) {
        struct kvm_cpuid_entry2 *e = &t->entries[i];

        if (e->function == leaf && (!has_subleaves(e) || e->index == subleaf))
            return e;
    }
    return NULL;
}

static void drop_leaf(struct cpuid_table *t, uint32_t leaf)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < t->head.nent; i++)
        if (t->entries[i].function != leaf)
            t->entries[kept++] = t->entries[i];
    t->head.nent = kept;
}

static void apply_rule(struct cpuid_table *t, const struct cpuid_rule *rule)
{
    for (uint32_t i = 0; i < t->head.nent; i++) {
        struct kvm_cpuid_entry2 *e = &t->entries[i];
        uint32_t *reg;

        if (e->function != rule->leaf)
            continue;
        if (rule->subleaf != ANY_SUBLEAF && e->index != rule->subleaf)
            continue;
        reg = entry_reg(e, rule->reg);
        *reg = (*reg & rule->keep) | rule->set;
    }
}

void cpuid_apply_policy(struct cpuid_table *t)
{
    for (size_t i = 0; i < ARRAY_LEN(dropped); i++)
        drop_leaf(t, dropped[i]);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        apply_rule(t, &rules[i]);
}

void cpuid_hide_kvm(struct cpuid_table *t)
{
    drop_leaf(t, KVM_CPUID_SIGNATURE);
    drop_leaf(t, KVM_CPUID_FEATURES);
}

/* Bits of an APIC id that tell n CPUs apart. */
static uint32_t id_bits(unsigned n)
{
    uint32_t bits = 0;

    while (((unsigned)1 << bits) < n)
        bits++;
    return bits;
}

static void add_entry(struct cpuid_table *t, const struct kvm_cpuid_entry2 *e)
{
    if (t->head.nent < CPUID_MAX_ENTRIES)
        t->entries[t->head.nent++] = *e;
}

/* Leaf 0xb, SDM vol. 2A: thread level, core level, end. */
static void add_leaf_b(struct cpuid_table *t, unsigned id, unsigned n_cpus)
{
    const struct kvm_cpuid_entry2 levels[] = {
        {.eax = 0, .ebx = 1, .ecx = 0 | 1 << 8},
        {.eax = id_bits(n_cpus), .ebx = n_cpus, .ecx = 1 | 2 << 8},
        {.eax = 0, .ebx = 0, .ecx = 2},
    };

    for (uint32_t i = 0; i < ARRAY_LEN(levels); i++) {
        struct kvm_cpuid_entry2 e = levels[i];

        e.function = 0xb;
        e.index = i;
        e.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
        e.edx = id;
        add_entry(t, &e);
    }
}

/*
 * Cache sharing in leaf 4 (Intel) and 0x8000001d (AMD): the first two levels
 * belong to one core, the third to all of them.
 */
static void set_cache_sharing(struct kvm_cpuid_entry2 *e, unsigned n_cpus)
{
    const uint32_t type = e->eax & 0x1f;
    const uint32_t level = (e->eax >> 5) & 7;
    const uint32_t sharing = level >= 3 ? ((uint32_t)1 << id_bits(n_cpus)) : 1;

    if (type == 0)
        return;
    e->eax &= ~(uint32_t)0x03ffc000;
    e->eax |= (sharing - 1) << 14;
    if (e->function != 4)
        return;
    e->eax &= ~(uint32_t)0xfc000000;
    /* Six bits for the cores of a package: more than 64 do not fit. */
    e->eax |= (n_cpus > 64 ? 63 : ((uint32_t)1 << id_bits(n_cpus)) - 1) << 26;
}

static void set_leaf1(struct kvm_cpuid_entry2 *e, unsigned id, unsigned n_cpus)
{
    const uint32_t logical = (uint32_t)1 << id_bits(n_cpus);

    e->ebx = (e->ebx & 0x0000ffff) | id << 24;
    e->ebx |= (logical > 255 ? 255 : logical) << 16;
    if (n_cpus > 1)
        e->edx |= BIT(28); /* HTT: the count above is valid */
}

static void set_amd(struct kvm_cpuid_entry2 *e, unsigned id, unsigned n_cpus)
{
    if (e->function == 0x80000008) {
        e->ecx = (e->ecx & 0xffff0000) | id_bits(n_cpus) << 12;
        e->ecx |= (n_cpus > 256 ? 255 : n_cpus - 1);
    } else if (e->function == 0x8000001e) {
        e->eax = id;        /* extended APIC id */
        e->ebx = id & 0xff; /* core id, one thread each */
        e->ecx = 0;         /* one node */
    }
}

void cpuid_set_topology(struct cpuid_table *t, unsigned id, unsigned n_cpus)
{
    const struct kvm_cpuid_entry2 *max = cpuid_find(t, 0, 0);

    for (uint32_t i = 0; i < t->head.nent; i++) {
        struct kvm_cpuid_entry2 *e = &t->entries[i];

        if (e->function == 1)
            set_leaf1(e, id, n_cpus);
        else if (e->function == 4 || e->function == 0x8000001d)
            set_cache_sharing(e, n_cpus);
        else
            set_amd(e, id, n_cpus);
    }
    drop_leaf(t, 0xb);
    if (max && max->eax >= 0xb)
        add_leaf_b(t, id, n_cpus);
}

/* What KVM puts there: signature and features, and room for more. */
#define HYPERVISOR_LEAVES 16

/* Leaf 4: the local APIC is KVM's, and quick. */
#define XEN_HVM_FEATURES                                          \
    (XEN_HVM_CPUID_APIC_ACCESS_VIRT | XEN_HVM_CPUID_X2APIC_VIRT | \
     XEN_HVM_CPUID_VCPU_ID_PRESENT | XEN_HVM_CPUID_DOMID_PRESENT)
#define XEN_4_17 (4u << 16 | 17u) /* the first to tell of upcall vectors */

#define XEN_TSC_NEVER_EMULATED 2
#define XEN_TSC_RELIABLE       2 /* leaf 3, EAX */
#define XEN_DOMID              1

void cpuid_set_xen(struct cpuid_table *t, uint32_t version, unsigned id)
{
    const struct kvm_cpuid_entry2 leaves[] = {
        {.eax = XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES),
         .ebx = XEN_CPUID_SIGNATURE_EBX,
         .ecx = XEN_CPUID_SIGNATURE_ECX,
         .edx = XEN_CPUID_SIGNATURE_EDX},
        {.eax = version},
        {.eax = 1, .ebx = KVM_XEN_MSR},
        {.eax = XEN_TSC_RELIABLE, .ebx = XEN_TSC_NEVER_EMULATED},
        {.eax = XEN_HVM_FEATURES |
                (version >= XEN_4_17 ? XEN_HVM_CPUID_UPCALL_VECTOR : 0),
         .ebx = id,
         .ecx = XEN_DOMID},
        {0},
    };

    for (uint32_t i = 0; i < HYPERVISOR_LEAVES; i++)
        drop_leaf(t, XEN_CPUID_LEAF(i));
    for (uint32_t i = 0; i < ARRAY_LEN(leaves); i++) {
        struct kvm_cpuid_entry2 e = leaves[i];

        e.function = XEN_CPUID_LEAF(i);
        add_entry(t, &e);
    }
}
