/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpuid.h: what a guest's CPUID says.
 *
 * The host's supported set, minus what the policy table takes away, plus the
 * topology of this machine. Pure functions on a table: testable without KVM.
 * Sources: Intel SDM vol. 2A CPUID, AMD APM vol. 3 appendix E, KVM's
 * Documentation/virt/kvm/x86/cpuid.rst.
 */
#ifndef VCPU_CPUID_H
#define VCPU_CPUID_H

#include "vmm/types.h"

#include <linux/kvm.h>

#define CPUID_MAX_ENTRIES 128

/* Laid out as KVM wants it: struct kvm_cpuid2 with its entries behind. */
struct cpuid_table {
    struct kvm_cpuid2 head;
    struct kvm_cpuid_entry2 entries[CPUID_MAX_ENTRIES];
};

/* The entry of a leaf (and subleaf, where the leaf has them), or NULL. */
struct kvm_cpuid_entry2 *cpuid_find(struct cpuid_table *t, uint32_t leaf,
                                    uint32_t subleaf);

/* Apply the policy: mask, set and drop what the same table says for all. */
void cpuid_apply_policy(struct cpuid_table *t);

/*
 * A guest that is to meet no paravirtual interface: take KVM's leaves away.
 * That there is a hypervisor it is told all the same, because what it then
 * leaves alone (microcode, thermal and power registers) is not there.
 */
void cpuid_hide_kvm(struct cpuid_table *t);

/* Fill in what differs by CPU: APIC id and topology of n_cpus cores. */
void cpuid_set_topology(struct cpuid_table *t, unsigned id, unsigned n_cpus);

/*
 * Xen's leaves in the place of KVM's: version is major << 16 | minor, id the
 * vCPU's.
 */
void cpuid_set_xen(struct cpuid_table *t, uint32_t version, unsigned id);

#endif
