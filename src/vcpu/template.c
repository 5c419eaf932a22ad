// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * template.c: the CPU state each boot protocol starts from, as const data.
 */
#include "vcpu/vm_priv.h"

#include <errno.h>
#include <sys/ioctl.h>

#define CR0_PE     0x1u
#define CR0_ET     0x10u /* always one on every CPU since the 486 */
#define RFLAGS_ONE 0x2u

#define SEG_CODE    0xbu /* execute, read, accessed */
#define SEG_DATA    0x3u /* read, write, accessed */
#define SEG_TSS_BSY 0xbu /* busy 32-bit TSS */

struct cpu_template {
    struct kvm_segment cs, ds, tr, ldt;
    uint64_t cr0, cr4, efer;
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
};

int template_load(struct vcpu *v, const struct entry_state *e)
{
    const struct cpu_template *t = &templates[e->kind];
    const struct kvm_regs regs = {
        .rip = e->rip,
        .rbx = e->rbx,
        .rsi = e->rsi,
        .rsp = e->rsp,
        .rflags = RFLAGS_ONE,
    };
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
    return ioctl(v->fd, KVM_SET_REGS, &regs) < 0 ? -errno : 0;
}
