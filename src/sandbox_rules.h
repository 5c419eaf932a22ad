/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox_rules.h: the part of the system-call filters that is not KVM's. */
#ifndef VMM_SANDBOX_RULES_H
#define VMM_SANDBOX_RULES_H

#include "vmm/sandbox.h"

extern const struct sandbox_rule host_rules[];
extern const size_t host_rules_len;

/* What the sanitizers' runtime needs besides; empty in a normal build. */
extern const struct sandbox_rule extra_rules[];
extern const size_t extra_rules_len;

#endif
