/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvm_xen.h: what the Xen guest ABI needs of KVM, in two engines.
 *
 * A hypercall leaves the guest either because KVM knows of Xen and intercepts
 * it (KVM_CAP_XEN_HVM), or because it is a port write: the hypercall page is
 * filled with stubs that do `out %eax, $LAYOUT_XEN_HCALL`, and where a kernel
 * has hypercall instructions of its own, the loader puts the equally long
 * `out` in their place. The rest is the same for both: upcalls are messages to
 * the vCPU's local APIC, the clock pages are those of KVM's own clock, whose
 * layout is Xen's.
 *
 * Thread: board lock held, unless said otherwise.
 * Source: Linux Documentation/virt/kvm/api.rst (KVM_XEN_HVM_CONFIG,
 * KVM_X86_SET_MSR_FILTER, KVM_CAP_SYNC_REGS), Xen's public arch-x86/cpuid.h.
 */
#ifndef VCPU_KVM_XEN_H
#define VCPU_KVM_XEN_H

#include "vmm/types.h"

struct vm;
struct vcpu;

enum kvm_xen_accel {
    KVM_XEN_OFF,
    KVM_XEN_KERNEL,
    KVM_XEN_USER,
    KVM_XEN_ACCELS,
};

/* "off", "kernel", "user". */
extern const char *const kvm_xen_names[KVM_XEN_ACCELS];

/* Can the host's KVM carry this engine? Any thread. */
bool kvm_xen_can(int kvm_fd, enum kvm_xen_accel accel);
/* The best one it can, or KVM_XEN_OFF. Any thread. */
enum kvm_xen_accel kvm_xen_best(int kvm_fd);

/* The MSR by which a guest asks for a hypercall page, and its CPUID leaves. */
#define KVM_XEN_MSR 0x40000000u

/* The guest's system time: nanoseconds since the machine was made. */
uint64_t kvm_xen_now(const struct vm *vm);

/*
 * Keep a struct vcpu_time_info at this guest address (all bits set: nowhere)
 * from the vCPU's next entry on. Thread: any, the vCPU may run.
 */
#define KVM_XEN_NOWHERE UINT64_MAX
void kvm_xen_set_clock(struct vcpu *v, uint64_t gpa);

/* Tell KVM the guest's word size, for the hypercall page it may write. */
void kvm_xen_set_long_mode(struct vm *vm, bool is64);

#endif
