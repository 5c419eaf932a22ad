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
    /* Linux boot.rst: 32-bit flat protected mode; 64-bit, paged. */
    ENTRY_LINUX32,
    ENTRY_LINUX64,
    /* Multiboot 0.6.96, 3.2: 32-bit flat protected mode. */
    ENTRY_MULTIBOOT,
};

struct entry_state {
    enum entry_kind kind;
    uint64_t rip; /* ENTRY_RESET: this and the rest are not looked at */
    uint64_t rax; /* ENTRY_MULTIBOOT: its magic number */
    uint64_t rbx; /* gpa of hvm_start_info; of the Multiboot information */
    uint64_t rsi; /* ENTRY_LINUX*: gpa of struct boot_params */
    uint64_t rsp;
    uint64_t cr3; /* ENTRY_LINUX64 */
    uint64_t gdt; /* gpa; 0: none is loaded */
    uint16_t gdt_size;
};

#endif
