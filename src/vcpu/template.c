// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * template.c: the CPU state each boot protocol starts from, as const data.
 */
#include "vcpu/vm_priv.h"

#include <errno.h>
#include <sys/ioctl.h>

#define CR0_PE     0x1u
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

static const struct cpu_template templates[] = {
    /*
     * Xen docs/misc/pvh: flat 32-bit segments, TR a 32-bit TSS with limit
     * 0x67, CR0.PE alone, CR4 and EFER clear, no paging.
     */
    [ENTRY_PVH] =
        {
            .cs = {.limit = 0xffffffff,
                   .selector = 0x8,
                   .type = SEG_CODE,
                   .present = 1,
                   .db = 1,
                   .s = 1,
                   .g = 1},
            .ds = {.limit = 0xffffffff,
                   .selector = 0x10,
                   .type = SEG_DATA,
                   .present = 1,
                   .db = 1,
                   .s = 1,
                   .g = 1},
            .tr = {.limit = 0x67,
                   .selector = 0x18,
                   .type = SEG_TSS_BSY,
                   .present = 1},
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
    if (ioctl(v->fd, KVM_SET_SREGS, &s) < 0)
        return -errno;
    return load_regs(v, t, e);
}
