/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox.h: what a compromised vmm could still do, made small.
 *
 * Stages, each its own function, in the order main calls them. Namespaces
 * and Landlock get stages of their own between the two.
 */
#ifndef VMM_SANDBOX_STAGES_H
#define VMM_SANDBOX_STAGES_H

#include "vmm/types.h"

/*
 * Before anything is opened: all descriptors but 0, 1, 2 and the n in keep
 * are closed; no_new_privs; handlers for SIGSYS (a violation: named,
 * VMM_EXIT_SANDBOX) and for our own crashes (one line, VMM_EXIT_CRASH). 0 or
 * -errno, logged.
 */
must_check int sandbox_early(const int *keep, int n);

/*
 * The last stage before the first guest instruction: the loop thread's
 * filter. Threads made later start with it. 0 or -errno, logged.
 */
must_check int sandbox_seal(void);

/* The filter of the helper process of --vsock. 0 or -errno. */
must_check int sandbox_seal_helper(void);

/* A vCPU thread's narrower filter, on top. Aborts if the kernel refuses. */
void sandbox_seal_vcpu(void);

#endif
