// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hc_vcpu_life.c: HYPERVISOR_vcpu_op where a vCPU begins, stops and goes on.
 *
 * A vCPU that was never woken is given its registers by VCPUOP_initialise and
 * begins with VCPUOP_up. One that went down keeps its state, and up lets it go
 * on. INIT and SIPI, by the local APIC, are another way to the same.
 *
 * What a context may hold is checked here as Xen does it: what is let through
 * and a CPU still refuses leaves it down.
 * Source: Xen's public vcpu.h, hvm/hvm_vcpu.h.
 */
#include "pvabi/xen_priv.h"

#include "vmm/cpu_context.h"

#include <errno.h>
#include <xen/hvm/hvm_vcpu.h>

_Static_assert(sizeof(struct vcpu_hvm_context) == 128, "hvm_vcpu.h");

#define CR0_PE      0x1u
#define CR0_PG      0x80000000u
#define CR4_PAE     0x20u
#define EFER_SCE    0x1u
#define EFER_LME    0x100u
#define EFER_LMA    0x400u
#define EFER_NX     0x800u
#define RFLAGS_ONE  0x2u
#define TYPE_CODE   0x8u
#define TYPE_RW     0x2u /* of data: writable; of code: readable */
#define TYPE_BUSY   0xbu /* TSS of 32 or 64 bits */
#define TYPE_BUSY16 0x3u
#define LIMIT_BYTES 0xfffffu

/* ---- checks ---- */

enum seg_kind { SEG_CODE, SEG_STACK, SEG_DATA, SEG_TASK };

static bool type_fits(enum seg_kind kind, uint16_t ar)
{
    const unsigned type = CPU_AR_TYPE(ar);

    switch (kind) {
    case SEG_CODE:
        return ar & CPU_AR_S && type & TYPE_CODE;
    case SEG_STACK:
        return ar & CPU_AR_S && !(type & TYPE_CODE) && type & TYPE_RW;
    case SEG_DATA:
        return ar & CPU_AR_S && (!(type & TYPE_CODE) || type & TYPE_RW);
    case SEG_TASK:
        return !(ar & CPU_AR_S) && (type == TYPE_BUSY || type == TYPE_BUSY16);
    }
    return false;
}

static bool segment_fits(enum seg_kind kind, const struct cpu_segment *s)
{
    if (s->ar == 0)
        return kind == SEG_DATA; /* a null selector */
    if (s->ar & CPU_AR_MBZ || !(s->ar & CPU_AR_P) || !type_fits(kind, s->ar))
        return false;
    /* A limit in pages ends with one, in bytes it has 20 bits. */
    return s->ar & CPU_AR_G ? (s->limit & (GUEST_PAGE - 1)) == GUEST_PAGE - 1
                            : s->limit <= LIMIT_BYTES;
}

static bool segments_fit(const struct cpu_context *c)
{
    return segment_fits(SEG_CODE, &c->cs) && segment_fits(SEG_STACK, &c->ss) &&
           segment_fits(SEG_DATA, &c->ds) && segment_fits(SEG_DATA, &c->es) &&
           segment_fits(SEG_TASK, &c->tr) &&
           CPU_AR_DPL(c->cs.ar) == CPU_AR_DPL(c->ss.ar) &&
           c->rip <= c->cs.limit;
}

/* Long mode is in force exactly if it is asked for and memory is paged. */
static bool mode_fits(const struct cpu_context *c)
{
    const bool lma = c->efer & EFER_LME && c->cr0 & CR0_PG;

    if (c->efer & ~(uint64_t)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX) ||
        c->cr0 > UINT32_MAX || !!(c->efer & EFER_LMA) != lma)
        return false;
    if (c->cr0 & CR0_PG && !(c->cr0 & CR0_PE))
        return false;
    return !lma || c->cr4 & CR4_PAE;
}

static bool is_canonical(uint64_t va)
{
    return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

/* ---- the two layouts ---- */

static int context_32(const struct vcpu_hvm_x86_32 *r, struct cpu_context *out)
{
    *out = (struct cpu_context){
        .rax = r->eax,
        .rcx = r->ecx,
        .rdx = r->edx,
        .rbx = r->ebx,
        .rsp = r->esp,
        .rbp = r->ebp,
        .rsi = r->esi,
        .rdi = r->edi,
        .rip = r->eip,
        .rflags = r->eflags | RFLAGS_ONE,
        .cr0 = r->cr0,
        .cr3 = r->cr3,
        .cr4 = r->cr4,
        .efer = r->efer,
        .cs = {r->cs_base, r->cs_limit, r->cs_ar},
        .ds = {r->ds_base, r->ds_limit, r->ds_ar},
        .ss = {r->ss_base, r->ss_limit, r->ss_ar},
        .es = {r->es_base, r->es_limit, r->es_ar},
        .tr = {r->tr_base, r->tr_limit, r->tr_ar},
    };
    return segments_fit(out) && mode_fits(out) ? 0 : -EINVAL;
}

static int context_64(const struct vcpu_hvm_x86_64 *r, struct cpu_context *out)
{
    const uint16_t code = CPU_AR_P | CPU_AR_S | CPU_AR_L | CPU_AR_G | 0xbu;
    const uint16_t data = CPU_AR_P | CPU_AR_S | CPU_AR_DB | CPU_AR_G | 0x3u;

    *out = (struct cpu_context){
        .rax = r->rax,
        .rcx = r->rcx,
        .rdx = r->rdx,
        .rbx = r->rbx,
        .rsp = r->rsp,
        .rbp = r->rbp,
        .rsi = r->rsi,
        .rdi = r->rdi,
        .rip = r->rip,
        .rflags = r->rflags | RFLAGS_ONE,
        .cr0 = r->cr0,
        .cr3 = r->cr3,
        .cr4 = r->cr4,
        .efer = r->efer,
        .cs = {0, UINT32_MAX, code},
        .ds = {0, UINT32_MAX, data},
        .ss = {0, UINT32_MAX, data},
        .es = {0, UINT32_MAX, data},
        .tr = {0, 0x67, CPU_AR_P | TYPE_BUSY},
    };
    return mode_fits(out) && out->efer & EFER_LMA && is_canonical(r->rip)
               ? 0
               : -EINVAL;
}

/* ---- the operations ---- */

int vcpu_op_initialise(struct xcall *c, unsigned vcpu)
{
    struct vcpu_hvm_context in;
    struct cpu_context out;
    int ret;

    /* Both word sizes have the same layout. */
    if (xcall_in(c, c->arg[2], &in, sizeof(in)) < 0)
        return -EFAULT;
    if (in.pad)
        return -EINVAL;
    switch (in.mode) {
    case VCPU_HVM_MODE_32B:
        ret = context_32(&in.cpu_regs.x86_32, &out);
        break;
    case VCPU_HVM_MODE_64B:
        ret = context_64(&in.cpu_regs.x86_64, &out);
        break;
    default:
        return -EINVAL;
    }
    return ret < 0 ? ret : c->x->ops.load_vcpu(c->x->ops.ctx, vcpu, &out);
}

int vcpu_op_up(struct xcall *c, unsigned vcpu)
{
    const int ret = c->x->ops.start_vcpu(c->x->ops.ctx, vcpu);

    if (ret == 0)
        areas_changed(c->x, vcpu);
    return ret;
}

/* A machine whose last CPU goes down has come to its end. */
int vcpu_op_down(struct xcall *c, unsigned vcpu)
{
    const struct xen_ops *ops = &c->x->ops;
    bool others = false;

    for (unsigned i = 0; i < c->x->n_vcpus; i++)
        others |= i != vcpu && ops->is_up(ops->ctx, i);
    if (others)
        ops->stop_vcpu(ops->ctx, vcpu);
    else
        ops->shutdown(ops->ctx, SHUTDOWN_poweroff);
    areas_changed(c->x, vcpu);
    return 0;
}

int vcpu_op_is_up(struct xcall *c, unsigned vcpu)
{
    return c->x->ops.is_up(c->x->ops.ctx, vcpu);
}

int vcpu_op_send_nmi(struct xcall *c, unsigned vcpu)
{
    c->x->ops.nmi(c->x->ops.ctx, vcpu);
    return 0;
}
