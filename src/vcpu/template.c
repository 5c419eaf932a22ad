// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * template.c: the CPU state each boot protocol starts from, as const data.
 */
#include "vcpu/vm_priv.h"

#include <errno.h>
#include <sys/ioctl.h>

#define CR0_PE     0x1u
#define CR0_PG     0x80000000u
#define CR4_PAE    0x20u
#define EFER_LME   0x100u
#define EFER_LMA   0x400u
#define CR0_ET     0x10u /* always one on every CPU since the 486 */
#define CR0_NW     0x20000000u
#define CR0_CD     0x40000000u
#define RFLAGS_ONE 0x2u

#define SEG_CODE    0xbu /* execute, read, accessed */
#define SEG_DATA    0x3u /* read, write, accessed */
#define SEG_TSS_BSY 0xbu /* busy 32-bit TSS */
#define SEG_LDT     0x2u

#define RESET_CS   0xf000u
#define RESET_BASE 0xffff0000u
#define RESET_RIP  0xfff0u

struct cpu_template {
    struct kvm_segment cs, ds, tr, ldt;
    uint64_t cr0, cr4, efer;
    uint64_t rip;    /* where the loader has no say */
    bool keeps_regs; /* the others are as a CPU has them after reset */
};

/* Flat 4 GiB segments. */
#define FLAT(sel, kind, ...)                                                  \
    {                                                                         \
        .limit = 0xffffffff, .selector = (sel), .type = (kind), .present = 1, \
        .s = 1, .g = 1, __VA_ARGS__                                           \
    }

#define TASK(sel)                                                           \
    {                                                                       \
        .limit = 0x67, .selector = (sel), .type = SEG_TSS_BSY, .present = 1 \
    }

static const struct cpu_template templates[] = {
    /*
     * Xen docs/misc/pvh: flat 32-bit segments, TR a 32-bit TSS with limit
     * 0x67, CR0.PE alone, CR4 and EFER clear, no paging.
     */
    [ENTRY_PVH] =
        {
            .cs = FLAT(0x8, SEG_CODE, .db = 1),
            .ds = FLAT(0x10, SEG_DATA, .db = 1),
            .tr = TASK(0x18),
            .ldt = {.unusable = 1},
            .cr0 = CR0_PE | CR0_ET,
        },
    /*
     * Linux boot.rst, the 32-bit boot protocol: __BOOT_CS is 0x10 and
     * __BOOT_DS 0x18, in a descriptor table that is loaded; no paging.
     */
    [ENTRY_LINUX32] =
        {
            .cs = FLAT(0x10, SEG_CODE, .db = 1),
            .ds = FLAT(0x18, SEG_DATA, .db = 1),
            .tr = TASK(0),
            .ldt = {.unusable = 1},
            .cr0 = CR0_PE | CR0_ET,
        },
    /* The 64-bit boot protocol: the same in long mode, memory is mapped. */
    [ENTRY_LINUX64] =
        {
            .cs = FLAT(0x10, SEG_CODE, .l = 1),
            .ds = FLAT(0x18, SEG_DATA, .db = 1),
            .tr = TASK(0),
            .ldt = {.unusable = 1},
            .cr0 = CR0_PE | CR0_ET | CR0_PG,
            .cr4 = CR4_PAE,
            .efer = EFER_LME | EFER_LMA,
        },
    /* Multiboot, 3.2: exact selectors are undefined, so is ESP. */
    [ENTRY_MULTIBOOT] =
        {
            .cs = FLAT(0x8, SEG_CODE, .db = 1),
            .ds = FLAT(0x10, SEG_DATA, .db = 1),
            .tr = TASK(0),
            .ldt = {.unusable = 1},
            .cr0 = CR0_PE | CR0_ET,
        },
    /*
     * Intel SDM volume 3, table 10-1: the state of a CPU after reset. EDX is
     * its signature, as KVM has set it.
     */
    [ENTRY_RESET] =
        {
            .cs = {.base = RESET_BASE,
                   .limit = 0xffff,
                   .selector = RESET_CS,
                   .type = SEG_CODE,
                   .present = 1,
                   .s = 1},
            .ds = {.limit = 0xffff, .type = SEG_DATA, .present = 1, .s = 1},
            .tr = {.limit = 0xffff, .type = SEG_TSS_BSY, .present = 1},
            .ldt = {.limit = 0xffff, .type = SEG_LDT, .present = 1},
            .cr0 = CR0_CD | CR0_NW | CR0_ET,
            .rip = RESET_RIP,
            .keeps_regs = true,
        },
};

/* The general registers, where the entry says them. */
static int load_regs(struct vcpu *v, const struct cpu_template *t,
                     const struct entry_state *e)
{
    struct kvm_regs regs = {
        .rip = e->rip,
        .rax = e->rax,
        .rbx = e->rbx,
        .rsi = e->rsi,
        .rsp = e->rsp,
        .rflags = RFLAGS_ONE,
    };

    if (t->keeps_regs) {
        if (ioctl(v->fd, KVM_GET_REGS, &regs) < 0)
            return -errno;
        regs.rip = t->rip;
    }
    return ioctl(v->fd, KVM_SET_REGS, &regs) < 0 ? -errno : 0;
}

int template_load(struct vcpu *v, const struct entry_state *e)
{
    const struct cpu_template *t = &templates[e->kind];
    struct kvm_sregs s;

    /* The rest (APIC base, IDT) is as after reset. */
    if (ioctl(v->fd, KVM_GET_SREGS, &s) < 0)
        return -errno;
    s.cs = t->cs;
    s.ds = s.es = s.fs = s.gs = s.ss = t->ds;
    s.tr = t->tr;
    s.ldt = t->ldt;
    s.cr0 = t->cr0;
    s.cr4 = t->cr4;
    s.efer = t->efer;
    s.cr3 = e->cr3;
    if (e->gdt) {
        s.gdt.base = e->gdt;
        s.gdt.limit = (uint16_t)(e->gdt_size - 1);
    }
    if (ioctl(v->fd, KVM_SET_SREGS, &s) < 0)
        return -errno;
    return load_regs(v, t, e);
}
