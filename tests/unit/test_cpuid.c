// SPDX-License-Identifier: GPL-2.0-or-later
/* The CPUID policy and topology on tables as KVM might hand them out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vcpu/cpuid.h"

#include <string.h>

static void add(struct cpuid_table *t, uint32_t leaf, uint32_t index,
                bool indexed, uint32_t fill)
{
    t->entries[t->head.nent++] = (struct kvm_cpuid_entry2){
        .function = leaf,
        .index = index,
        .flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
        .eax = fill,
        .ebx = fill,
        .ecx = fill,
        .edx = fill,
    };
}

/* A host that claims everything. */
static struct cpuid_table generous(void)
{
    struct cpuid_table t = {.head.nent = 0};

    add(&t, 0, 0, false, 0);
    t.entries[0].eax = 0x1f;
    add(&t, 1, 0, false, ~0u);
    add(&t, 4, 0, true, 0);
    t.entries[2].eax = 0xfc000121; /* L1 data, shared by all, 64 cores */
    add(&t, 4, 3, true, 0);
    t.entries[3].eax = 0x00000163; /* L3 */
    add(&t, 7, 0, true, ~0u);
    add(&t, 0xa, 0, false, ~0u);
    add(&t, 0xb, 0, true, ~0u);
    add(&t, 0xb, 1, true, ~0u);
    add(&t, 0x1f, 0, true, ~0u);
    add(&t, 0x40000001, 0, false, ~0u);
    add(&t, 0x80000001, 0, false, ~0u);
    add(&t, 0x80000008, 0, false, ~0u);
    add(&t, 0x8000000a, 0, false, ~0u);
    add(&t, 0x8000001e, 0, false, ~0u);
    return t;
}

static void policy_takes_away(void **state)
{
    struct cpuid_table t = generous();

    (void)state;
    cpuid_apply_policy(&t);
    assert_int_equal(cpuid_find(&t, 1, 0)->ecx & (1u << 5), 0);  /* VMX */
    assert_int_equal(cpuid_find(&t, 1, 0)->ecx & (1u << 27), 0); /* OSXSAVE */
    assert_int_not_equal(cpuid_find(&t, 1, 0)->ecx & (1u << 31), 0);
    assert_int_equal(cpuid_find(&t, 7, 0)->edx & (1u << 24), 0); /* AMX */
    assert_int_equal(cpuid_find(&t, 0xa, 0)->eax, 0);            /* PMU */
    assert_int_equal(cpuid_find(&t, 0x80000001, 0)->ecx & (1u << 2), 0);
    assert_null(cpuid_find(&t, 0x8000000a, 0));
    assert_null(cpuid_find(&t, 0x1f, 0));
    /* no asynchronous page faults, but the clock */
    assert_int_equal(cpuid_find(&t, 0x40000001, 0)->eax & (1u << 4), 0);
    assert_int_not_equal(cpuid_find(&t, 0x40000001, 0)->eax & (1u << 3), 0);
}

/* A guest without a paravirtual interface: only that there is a hypervisor. */
static void kvm_can_be_hidden(void **state)
{
    struct cpuid_table t = generous();
    uint32_t n;

    (void)state;
    add(&t, 0x40000000, 0, false, ~0u);
    n = t.head.nent;
    cpuid_hide_kvm(&t);
    assert_int_equal(t.head.nent, n - 2);
    assert_null(cpuid_find(&t, 0x40000000, 0));
    assert_null(cpuid_find(&t, 0x40000001, 0));
    assert_int_not_equal(cpuid_find(&t, 1, 0)->ecx & (1u << 31), 0);
}

static void policy_sets_what_the_apic_gives(void **state)
{
    struct cpuid_table t = {.head.nent = 0};

    (void)state;
    add(&t, 1, 0, false, 0);
    cpuid_apply_policy(&t);
    assert_int_equal(t.entries[0].ecx, 1u << 31 | 1u << 24 | 1u << 21);
}

static void topology_of_one(void **state)
{
    struct cpuid_table t = generous();

    (void)state;
    cpuid_apply_policy(&t);
    cpuid_set_topology(&t, 0, 1);
    assert_int_equal(cpuid_find(&t, 1, 0)->ebx >> 16, 1);
    assert_int_equal(cpuid_find(&t, 1, 0)->edx & (1u << 28), 0);
    assert_int_equal(cpuid_find(&t, 0xb, 1)->eax, 0);
    assert_int_equal(cpuid_find(&t, 0xb, 1)->ebx, 1);
    assert_int_equal(cpuid_find(&t, 0x80000008, 0)->ecx & 0xffff, 0);
}

static void topology_of_five(void **state)
{
    struct cpuid_table t = generous();

    (void)state;
    cpuid_apply_policy(&t);
    cpuid_set_topology(&t, 3, 5);
    assert_int_equal(cpuid_find(&t, 1, 0)->ebx >> 24, 3);
    assert_int_equal((cpuid_find(&t, 1, 0)->ebx >> 16) & 0xff, 8);
    assert_int_not_equal(cpuid_find(&t, 1, 0)->edx & (1u << 28), 0);
    assert_int_equal(cpuid_find(&t, 0xb, 0)->edx, 3);
    assert_int_equal(cpuid_find(&t, 0xb, 0)->ecx, 0x100);
    assert_int_equal(cpuid_find(&t, 0xb, 1)->eax, 3);
    assert_int_equal(cpuid_find(&t, 0xb, 1)->ebx, 5);
    assert_int_equal(cpuid_find(&t, 0xb, 2)->ecx, 2);
    /* L1 belongs to one core, L3 to eight ids; 8 cores in the package */
    assert_int_equal((cpuid_find(&t, 4, 0)->eax >> 14) & 0xfff, 0);
    assert_int_equal((cpuid_find(&t, 4, 3)->eax >> 14) & 0xfff, 7);
    assert_int_equal(cpuid_find(&t, 4, 0)->eax >> 26, 7);
    assert_int_equal(cpuid_find(&t, 0x80000008, 0)->ecx & 0xffff, 0x3004);
    assert_int_equal(cpuid_find(&t, 0x8000001e, 0)->eax, 3);
}

static void topology_can_be_set_again(void **state)
{
    struct cpuid_table t = generous();
    uint32_t n;

    (void)state;
    cpuid_apply_policy(&t);
    cpuid_set_topology(&t, 0, 2);
    n = t.head.nent;
    cpuid_set_topology(&t, 1, 2);
    assert_int_equal(t.head.nent, n);
    assert_int_equal(cpuid_find(&t, 0xb, 0)->edx, 1);
}

/* Xen's leaves in the place of KVM's, and each vCPU its own number. */
static void xen_in_place_of_kvm(void **state)
{
    struct cpuid_table t = generous();
    const struct kvm_cpuid_entry2 *e;

    (void)state;
    add(&t, 0x40000000, 0, false, ~0u);
    cpuid_set_xen(&t, 4u << 16 | 20u, 3);
    e = cpuid_find(&t, 0x40000000, 0);
    assert_non_null(e);
    assert_int_equal(e->ebx, 0x566e6558); /* "XenV" */
    assert_true(e->eax >= 0x40000004);
    e = cpuid_find(&t, 0x40000001, 0);
    assert_int_equal(e->eax, 4u << 16 | 20u);
    e = cpuid_find(&t, 0x40000002, 0);
    assert_int_equal(e->ebx, 0x40000000);
    e = cpuid_find(&t, 0x40000004, 0);
    assert_int_equal(e->ebx, 3);
    assert_true(e->eax & 64);
    cpuid_set_xen(&t, 4u << 16 | 16u, 3);
    assert_false(cpuid_find(&t, 0x40000004, 0)->eax & 64);
    /* What is not Xen's stays. */
    assert_non_null(cpuid_find(&t, 0x80000008, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xen_in_place_of_kvm),
        cmocka_unit_test(policy_takes_away),
        cmocka_unit_test(kvm_can_be_hidden),
        cmocka_unit_test(policy_sets_what_the_apic_gives),
        cmocka_unit_test(topology_of_one),
        cmocka_unit_test(topology_of_five),
        cmocka_unit_test(topology_can_be_set_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
