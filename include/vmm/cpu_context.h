/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpu_context.h: the state a CPU is to begin in, when a guest says it by
 * hypercall instead of waking the CPU by INIT and SIPI.
 */
#ifndef VMM_CPU_CONTEXT_H
#define VMM_CPU_CONTEXT_H

#include <stdint.h>

/*
 * A segment register's hidden part. ar: bits 8 to 15 and 20 to 23 of a
 * descriptor's upper half (Intel SDM volume 3, 3.4.5), 12 of them; 0: none.
 */
struct cpu_segment {
    uint64_t base;
    uint32_t limit; /* in bytes */
    uint16_t ar;
};

#define CPU_AR_TYPE(ar) ((ar)&0xfu)
#define CPU_AR_S        0x10u
#define CPU_AR_DPL(ar)  ((ar) >> 5 & 3u)
#define CPU_AR_P        0x80u
#define CPU_AR_AVL      0x100u
#define CPU_AR_L        0x200u
#define CPU_AR_DB       0x400u
#define CPU_AR_G        0x800u
#define CPU_AR_MBZ      0xf000u

struct cpu_context {
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    uint64_t rip, rflags;
    uint64_t cr0, cr3, cr4, efer;
    struct cpu_segment cs, ds, ss, es, tr;
};

#endif
