// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kvm_rules.c: the ioctls of KVM a sealed thread may make. A vCPU thread
 * runs the guest and reads its state; making and arming a machine, which a
 * reboot does again, is the loop thread's alone. Used when vmm is built.
 */
#include "vcpu/kvm_rules.h"

#include <linux/kvm.h>

#define KVM(request, who, why)                                       \
    {                                                                \
        "ioctl", (who), SANDBOX_EQUAL, 1, (uint32_t)(request), (why) \
    }

const struct sandbox_rule kvm_rules[] = {
    KVM(KVM_RUN, SANDBOX_BOTH, "run the guest"),
    KVM(KVM_SIGNAL_MSI, SANDBOX_BOTH, "interrupt the guest"),
    KVM(KVM_SET_GSI_ROUTING, SANDBOX_BOTH, "the guest wrote the IOAPIC"),
    KVM(KVM_IRQFD, SANDBOX_BOTH, "the guest uses an MSI-X vector; reboot"),
    KVM(KVM_IOEVENTFD, SANDBOX_BOTH,
        "the guest enables a queue or moves a BAR; reboot"),
    KVM(KVM_INTERRUPT, SANDBOX_BOTH, "an interrupt of the 8259"),
    KVM(KVM_SET_USER_MEMORY_REGION, SANDBOX_BOTH,
        "the guest shadows its firmware, maps Xen's grant frames; reboot"),
    KVM(KVM_GET_REGS, SANDBOX_BOTH, "report of a failed guest"),
    KVM(KVM_GET_SREGS, SANDBOX_BOTH, "report, and entry state on reboot"),
    KVM(KVM_TRANSLATE, SANDBOX_BOTH, "report: code bytes at rip"),
    KVM(KVM_CREATE_VM, SANDBOX_LOOP, "reboot"),
    KVM(KVM_CHECK_EXTENSION, SANDBOX_LOOP, "reboot"),
    KVM(KVM_GET_VCPU_MMAP_SIZE, SANDBOX_LOOP, "reboot"),
    KVM(KVM_GET_SUPPORTED_CPUID, SANDBOX_LOOP, "reboot"),
    KVM(KVM_SET_IDENTITY_MAP_ADDR, SANDBOX_LOOP, "reboot"),
    KVM(KVM_SET_TSS_ADDR, SANDBOX_LOOP, "reboot"),
    KVM(KVM_ENABLE_CAP, SANDBOX_LOOP, "reboot: irqchip, MSR exits"),
    KVM(KVM_REGISTER_COALESCED_MMIO, SANDBOX_LOOP, "reboot"),
    KVM(KVM_CREATE_VCPU, SANDBOX_LOOP, "reboot"),
    KVM(KVM_SET_CPUID2, SANDBOX_LOOP, "reboot"),
    KVM(KVM_SET_MSRS, SANDBOX_BOTH, "reboot; where a Xen guest's clock is"),
    KVM(KVM_GET_CLOCK, SANDBOX_BOTH, "Xen timers are set in the guest's time"),
    KVM(KVM_XEN_HVM_CONFIG, SANDBOX_LOOP, "reboot"),
    KVM(KVM_X86_SET_MSR_FILTER, SANDBOX_LOOP, "reboot"),
    KVM(KVM_XEN_HVM_SET_ATTR, SANDBOX_BOTH, "a Xen guest's pages and ports"),
    KVM(KVM_XEN_VCPU_SET_ATTR, SANDBOX_BOTH, "what of Xen's is a vCPU's"),
    KVM(KVM_XEN_VCPU_GET_ATTR, SANDBOX_BOTH, "a Xen guest's timer, runstate"),
    KVM(KVM_XEN_HVM_EVTCHN_SEND, SANDBOX_BOTH, "an event for a Xen guest"),
    KVM(KVM_SET_SREGS, SANDBOX_BOTH, "reboot; a Xen guest starts a vCPU"),
    KVM(KVM_SET_REGS, SANDBOX_BOTH, "reboot; a Xen guest starts a vCPU"),
    KVM(KVM_SET_MP_STATE, SANDBOX_BOTH, "a Xen guest starts, stops a vCPU"),
    KVM(KVM_GET_MP_STATE, SANDBOX_BOTH, "was a waiting vCPU woken?"),
    KVM(KVM_GET_VCPU_EVENTS, SANDBOX_BOTH, "can it take Xen's upcall?"),
    KVM(KVM_SET_VCPU_EVENTS, SANDBOX_BOTH, "an upcall past the local APIC"),
    KVM(KVM_KVMCLOCK_CTRL, SANDBOX_LOOP, "resume after a pause"),
};

const size_t kvm_rules_len = ARRAY_LEN(kvm_rules);
