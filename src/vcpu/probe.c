// SPDX-License-Identifier: GPL-2.0-or-later
/* probe.c: see probe.h. */
#include "vcpu/probe.h"

#include <cpuid.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#define CAP(cap, need, use)    \
    {                          \
        cap,                   \
        {                      \
#cap, need, use, 0 \
        }                      \
    }

static const struct {
    int cap;
    struct kvm_feature feature;
} features[] = {
    CAP(KVM_CAP_USER_MEMORY, KVM_REQUIRED, "guest RAM"),
    CAP(KVM_CAP_READONLY_MEM, KVM_REQUIRED, "firmware of a PC"),
    CAP(KVM_CAP_IMMEDIATE_EXIT, KVM_REQUIRED, "stop a running vCPU"),
    CAP(KVM_CAP_SPLIT_IRQCHIP, KVM_REQUIRED, "local APICs in the kernel"),
    CAP(KVM_CAP_SIGNAL_MSI, KVM_REQUIRED, "interrupts"),
    CAP(KVM_CAP_IRQFD, KVM_REQUIRED, "interrupts without a system call"),
    CAP(KVM_CAP_IOEVENTFD, KVM_REQUIRED, "kicks without an exit"),
    CAP(KVM_CAP_EXT_CPUID, KVM_REQUIRED, "the guest's CPUID"),
    CAP(KVM_CAP_MAX_VCPUS, KVM_REQUIRED, "vCPUs of one guest at most"),
    CAP(KVM_CAP_X2APIC_API, KVM_BETTER, "x2APIC destinations"),
    CAP(KVM_CAP_TSC_DEADLINE_TIMER, KVM_BETTER, "precise timers"),
    CAP(KVM_CAP_X86_USER_SPACE_MSR, KVM_BETTER, "MSR policy and reports"),
    CAP(KVM_CAP_X86_MSR_FILTER, KVM_BETTER, "Xen ABI without KVM_XEN"),
    CAP(KVM_CAP_SYNC_REGS, KVM_BETTER, "Xen ABI without KVM_XEN"),
    CAP(KVM_CAP_XEN_HVM, KVM_BETTER, "Xen ABI in the kernel"),
    CAP(KVM_CAP_BINARY_STATS_FD, KVM_BETTER, "exit statistics"),
};

bool kvm_probe(int kvm_fd, unsigned i, struct kvm_feature *out)
{
    int value;

    if (i >= ARRAY_LEN(features))
        return false;
    *out = features[i].feature;
    value = ioctl(kvm_fd, KVM_CHECK_EXTENSION, features[i].cap);
    out->value = value > 0 ? value : 0;
    return true;
}

const char *kvm_hardware(void)
{
    unsigned a, b, c, d;

    if (__get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 5)))
        return "VMX";
    if (__get_cpuid(0x80000001, &a, &b, &c, &d) && (c & (1u << 2)))
        return "SVM";
    return "software (neither VMX nor SVM)";
}
