/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entry.h: the CPU state a loader hands to the first vCPU, as data.
 *
 * A loader knows guest memory and never KVM; src/vcpu knows KVM and never an
 * image format. Between them stands this: which of the const register
 * templates to use, and the few registers a boot protocol leaves open.
 */
#ifndef VMM_ENTRY_H
#define VMM_ENTRY_H

#include "vmm/types.h"

/* Which register template (src/vcpu/template.c) the boot vCPU starts from. */
enum entry_kind {
    /* Xen docs/misc/pvh: 32-bit flat protected mode, no paging. */
    ENTRY_PVH,
    /* A CPU after reset: 16-bit real mode, f000:fff0 at 4 GiB - 16. */
    ENTRY_RESET,
};

struct entry_state {
    enum entry_kind kind;
    uint64_t rip; /* ENTRY_RESET: this and the rest are not looked at */
    uint64_t rbx; /* ENTRY_PVH: gpa of struct hvm_start_info */
    uint64_t rsi;
    uint64_t rsp;
};

#endif
