// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dump.c: a vCPU's registers and the code at rip, for a person to read.
 * Runs on the vCPU's own thread or while it is parked; needs only the GET
 * ioctls, which the vCPU's system-call filter allows.
 */
#include "vcpu/vm_priv.h"

#include "vmm/log.h"

#include <stdio.h>
#include <sys/ioctl.h>

#define CODE_BEFORE 8
#define CODE_BYTES  32

static void dump_general(const struct kvm_regs *r)
{
    log_error("  rip=%016llx rflags=%08llx rsp=%016llx", r->rip, r->rflags,
              r->rsp);
    log_error("  rax=%016llx rbx=%016llx rcx=%016llx rdx=%016llx", r->rax,
              r->rbx, r->rcx, r->rdx);
    log_error("  rsi=%016llx rdi=%016llx rbp=%016llx r8 =%016llx", r->rsi,
              r->rdi, r->rbp, r->r8);
    log_error("  r9 =%016llx r10=%016llx r11=%016llx r12=%016llx", r->r9,
              r->r10, r->r11, r->r12);
    log_error("  r13=%016llx r14=%016llx r15=%016llx", r->r13, r->r14, r->r15);
}

static void dump_segment(const char *name, const struct kvm_segment *s)
{
    log_error("  %s=%04x base=%016llx limit=%08x type=%x s=%u dpl=%u p=%u "
              "l=%u db=%u",
              name, s->selector, s->base, s->limit, s->type, s->s, s->dpl,
              s->present, s->l, s->db);
}

static void dump_system(const struct kvm_sregs *s)
{
    log_error("  cr0=%08llx cr2=%016llx cr3=%016llx cr4=%08llx efer=%04llx",
              s->cr0, s->cr2, s->cr3, s->cr4, s->efer);
    dump_segment("cs", &s->cs);
    dump_segment("ss", &s->ss);
    dump_segment("ds", &s->ds);
    dump_segment("tr", &s->tr);
    log_error("  gdt=%016llx/%04x idt=%016llx/%04x apic=%llx", s->gdt.base,
              s->gdt.limit, s->idt.base, s->idt.limit, s->apic_base);
}

/* One byte of code at a linear address, by KVM's own page walk. */
static bool code_byte(const struct vcpu *v, uint64_t linear, unsigned char *out)
{
    struct kvm_translation t = {.linear_address = linear};

    if (ioctl(v->fd, KVM_TRANSLATE, &t) < 0 || !t.valid || !v->vm->mem)
        return false;
    return gmem_read(v->vm->mem, GPA(t.physical_address), out, 1) == 0;
}

/* "  code: .. .. <xx> .. ..": the byte at rip in angle brackets. */
static void dump_code(const struct vcpu *v, const struct kvm_regs *r,
                      const struct kvm_sregs *s)
{
    const uint64_t rip = s->cs.base + r->rip;
    char line[CODE_BYTES * 5 + 16];
    size_t n = 0;

    for (unsigned i = 0; i < CODE_BYTES; i++) {
        const bool here = i == CODE_BEFORE;
        unsigned char byte;

        if (code_byte(v, rip - CODE_BEFORE + i, &byte))
            n += (size_t)snprintf(line + n, sizeof(line) - n,
                                  here ? " <%02x>" : " %02x", byte);
        else
            n += (size_t)snprintf(line + n, sizeof(line) - n,
                                  here ? " <-->" : " --");
    }
    log_error("  code:%s", line);
}

void vcpu_dump(struct vcpu *v)
{
    struct kvm_regs regs;
    struct kvm_sregs sregs;

    if (ioctl(v->fd, KVM_GET_REGS, &regs) < 0 ||
        ioctl(v->fd, KVM_GET_SREGS, &sregs) < 0) {
        log_error("  (the registers of vcpu%u cannot be read)", v->id);
        return;
    }
    dump_general(&regs);
    dump_system(&sregs);
    dump_code(v, &regs, &sregs);
}
