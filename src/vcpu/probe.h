/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h: what the host's KVM offers, for `vmm doctor`.
 */
#ifndef VCPU_PROBE_H
#define VCPU_PROBE_H

#include "vmm/types.h"

enum kvm_need {
    KVM_REQUIRED, /* vmm cannot run a guest without it */
    KVM_BETTER,   /* used where present */
};

struct kvm_feature {
    const char *name;
    enum kvm_need need;
    const char *use; /* what vmm does with it */
    int value;       /* as KVM_CHECK_EXTENSION answers; 0 absent */
};

/*
 * The i-th feature as found on kvm_fd; false if there are no more. Thread:
 * any.
 */
bool kvm_probe(int kvm_fd, unsigned i, struct kvm_feature *out);

/* "VMX", "SVM", or "software (neither VMX nor SVM)". */
const char *kvm_hardware(void);

#endif
