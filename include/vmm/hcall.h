/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hcall.h: a hypercall as it leaves the guest, whoever caught it.
 *
 * src/vcpu fills one from the exit, src/pvabi acts on it, src/mmu walks the
 * caller's page tables. All plain values: the vCPU may be looked at by nobody
 * else meanwhile.
 */
#ifndef VMM_HCALL_H
#define VMM_HCALL_H

#include "vmm/types.h"

/* What a page-table walk depends on. */
struct paging {
    uint64_t cr0;
    uint64_t cr3;
    uint64_t cr4;
    uint64_t efer;
};

#define HCALL_MAX_ARGS 6

struct hcall {
    unsigned vcpu;
    uint64_t nr;
    uint64_t arg[HCALL_MAX_ARGS];
    bool is64;   /* the caller's words and pointers are 64 bits wide */
    bool denied; /* not from ring 0 of protected mode */
    struct paging paging;
};

#endif
