/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kvm_rules.h: src/vcpu's part of the system-call filters. */
#ifndef VCPU_KVM_RULES_H
#define VCPU_KVM_RULES_H

#include "vmm/sandbox.h"

extern const struct sandbox_rule kvm_rules[];
extern const size_t kvm_rules_len;

#endif
