// SPDX-License-Identifier: GPL-2.0-or-later
/* kvm_xen.c: see kvm_xen.h. */
#include "vcpu/kvm_xen.h"

#include "mmu/gmem.h"
#include "vcpu/vm_priv.h"
#include "vmm/log.h"
#include "vmm/machine.h"

#include <asm/kvm_para.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define CR0_PE    0x1u
#define EFER_LMA  0x400u
#define MSR_EFER  0xc0000080u
#define RFLAGS_VM 0x20000u

const char *const kvm_xen_names[KVM_XEN_ACCELS] = {
    [KVM_XEN_OFF] = "off",
    [KVM_XEN_KERNEL] = "kernel",
    [KVM_XEN_USER] = "user",
};

/* Registers come with the exit: both engines look at the paging mode. */
static bool has_sync_regs(int fd)
{
    const int want = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;

    return (ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS) & want) == want;
}

bool kvm_xen_can(int fd, enum kvm_xen_accel accel)
{
    const int want =
        KVM_XEN_HVM_CONFIG_HYPERCALL_MSR | KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL;
    int has;

    if (accel == KVM_XEN_OFF)
        return true;
    if (!has_sync_regs(fd))
        return false;
    if (accel == KVM_XEN_USER)
        return ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_MSR_FILTER) > 0;
    has = ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_XEN_HVM);
    return has > 0 && (has & want) == want;
}

enum kvm_xen_accel kvm_xen_best(int fd)
{
    if (kvm_xen_can(fd, KVM_XEN_KERNEL))
        return KVM_XEN_KERNEL;
    return kvm_xen_can(fd, KVM_XEN_USER) ? KVM_XEN_USER : KVM_XEN_OFF;
}

/*
 * A write to the MSR of the hypercall page leaves the guest, and so does a
 * read of EFER: see vcpu_xen_ops.efer_read.
 */
static int filter_msr(struct vm *vm)
{
    static uint8_t denied;
    const struct kvm_msr_filter filter = {
        .flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
        .ranges = {{.flags = KVM_MSR_FILTER_WRITE,
                    .nmsrs = 1,
                    .base = KVM_XEN_MSR,
                    .bitmap = &denied},
                   {.flags = KVM_MSR_FILTER_READ,
                    .nmsrs = 1,
                    .base = MSR_EFER,
                    .bitmap = &denied}},
    };

    return ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter) < 0 ? -errno : 0;
}

int xen_setup_vm(struct vm *vm)
{
    switch (vm->xen) {
    case KVM_XEN_USER:
        return filter_msr(vm);
    case KVM_XEN_KERNEL:
        return xen_kernel_setup_vm(vm);
    case KVM_XEN_OFF:
    case KVM_XEN_ACCELS:
        break;
    }
    return 0;
}

void xen_setup_vcpu(struct vcpu *v)
{
    if (v->vm->xen != KVM_XEN_OFF)
        v->run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
}

void kvm_xen_set_long_mode(struct vm *vm, bool is64)
{
    const struct kvm_xen_hvm_attr a = {.type = KVM_XEN_ATTR_TYPE_LONG_MODE,
                                       .u.long_mode = is64};

    if (vm->xen == KVM_XEN_KERNEL &&
        ioctl(vm->fd, KVM_XEN_HVM_SET_ATTR, &a) < 0)
        log_debug("KVM_XEN_ATTR_TYPE_LONG_MODE: %s", strerror(errno));
}

enum kvm_xen_accel kvm_xen_engine(const struct vm *vm)
{
    return vm->xen;
}

uint64_t kvm_xen_now(const struct vm *vm)
{
    struct kvm_clock_data c = {0};

    (void)ioctl(vm->fd, KVM_GET_CLOCK, &c);
    return c.clock;
}

void kvm_xen_set_clock(struct vcpu *v, uint64_t gpa)
{
    if (v->xen_clock == gpa)
        return;
    v->xen_clock = gpa;
    vcpu_kick(v, VCPU_REASON_WORK);
}

static void set_clock(struct vcpu *v)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entries[1];
    } msrs = {
        .head = {.nmsrs = 1},
        .entries = {{.index = MSR_KVM_SYSTEM_TIME_NEW}},
    };
    static struct log_limit limit;

    if (v->xen_clock != KVM_XEN_NOWHERE)
        msrs.entries[0].data = v->xen_clock | 1;
    if (ioctl(v->fd, KVM_SET_MSRS, &msrs.head) != 1)
        log_guest(&limit, "vcpu%u: KVM keeps no clock at %#llx", v->id,
                  (unsigned long long)v->xen_clock);
}

_Static_assert(MACHINE_MAX_CPUS * sizeof(struct kvm_steal_time) <=
                   LAYOUT_XEN_STORE - LAYOUT_XEN_STEAL,
               "the steal times of all vCPUs fit");

/* The struct kvm_steal_time of this vCPU. */
static uint64_t steal_of(const struct vcpu *v)
{
    return LAYOUT_XEN_STEAL + v->id * sizeof(struct kvm_steal_time);
}

/* A KVM that refuses has no way to know (CONFIG_SCHED_INFO). */
static void set_steal(struct vcpu *v)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entries[1];
    } msrs = {
        .head = {.nmsrs = 1},
        .entries = {{.index = MSR_KVM_STEAL_TIME,
                     .data = steal_of(v) | KVM_MSR_ENABLED}},
    };

    (void)ioctl(v->fd, KVM_SET_MSRS, &msrs.head);
}

static uint64_t ns_of(const struct timespec *t)
{
    return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
}

void kvm_xen_get_times(const struct vcpu *v, struct kvm_xen_times *out)
{
    struct timespec ran = {0};
    clockid_t clock;

    *out = (struct kvm_xen_times){.paused = v->parked_ns};
    if (v->started && pthread_getcpuclockid(v->thread, &clock) == 0 &&
        clock_gettime(clock, &ran) == 0)
        out->ran = ns_of(&ran);
    if (gmem_read(v->vm->mem,
                  GPA(steal_of(v) + offsetof(struct kvm_steal_time, steal)),
                  &out->waited, sizeof(out->waited)) < 0)
        out->waited = 0;
}

/* On the vCPU's own thread: others would wait for it to leave KVM_RUN. */
void xen_vcpu_work(struct vcpu *v)
{
    if (v->vm->xen_does)
        xen_kernel_settle(v);
    else
        set_clock(v);
    if (!(v->vm->xen_does & KVM_XEN_DOES_RUNSTATES) && v->vm->xen)
        set_steal(v);
}

static struct paging paging_of(const struct vcpu *v)
{
    const struct kvm_sregs *s = &v->run->s.regs.sregs;

    return (struct paging){
        .cr0 = s->cr0, .cr3 = s->cr3, .cr4 = s->cr4, .efer = s->efer};
}

static void call_out(struct vcpu *v, struct hcall *h)
{
    h->vcpu = v->id;
    h->paging = paging_of(v);
}

static int64_t call(struct vcpu *v, const struct hcall *h)
{
    if (!v->ops->xen)
        return -ENOSYS;
    return v->ops->xen->hypercall(v->ops->xen->ctx, h);
}

/* Arguments by the caller's mode: Xen's public arch-x86/xen-x86_{32,64}.h. */
static void args_of(struct hcall *h, const struct kvm_regs *r)
{
    const uint64_t args64[] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};
    const uint64_t args32[] = {r->rbx, r->rcx, r->rdx, r->rsi, r->rdi, r->rbp};

    h->nr = h->is64 ? r->rax : (uint32_t)r->rax;
    for (unsigned i = 0; i < HCALL_MAX_ARGS; i++)
        h->arg[i] = h->is64 ? args64[i] : (uint32_t)args32[i];
}

/*
 * A write to the port. rip is moved on by KVM when the vCPU is entered again;
 * only rax is ours.
 */
void xen_port_call(struct vcpu *v)
{
    struct kvm_sync_regs *sync = &v->run->s.regs;
    struct hcall h = {
        .is64 = sync->sregs.efer & EFER_LMA && sync->sregs.cs.l,
        .denied = sync->sregs.ss.dpl != 0 || !(sync->sregs.cr0 & CR0_PE) ||
                  sync->regs.rflags & RFLAGS_VM,
    };
    int64_t result;

    call_out(v, &h);
    args_of(&h, &sync->regs);
    result = call(v, &h);
    sync->regs.rax = h.is64 ? (uint64_t)result : (uint32_t)result;
    v->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
}

bool xen_is_call(const struct vcpu *v)
{
    return v->vm->xen == KVM_XEN_USER && v->run->io.port == LAYOUT_XEN_HCALL &&
           v->run->io.size == 4 && v->run->io.count == 1 &&
           v->run->io.direction == KVM_EXIT_IO_OUT;
}

/* KVM intercepted it. */
bool xen_exit(struct vcpu *v)
{
    struct kvm_xen_exit *e = &v->run->xen;
    struct hcall h = {
        .nr = e->u.hcall.input,
        .is64 = e->u.hcall.longmode,
        .denied = e->u.hcall.cpl != 0 || !(v->run->s.regs.sregs.cr0 & CR0_PE),
    };
    int64_t result;

    if (e->type != KVM_EXIT_XEN_HCALL)
        return true;
    for (unsigned i = 0; i < HCALL_MAX_ARGS; i++)
        h.arg[i] = e->u.hcall.params[i];
    call_out(v, &h);
    result = call(v, &h);
    e->u.hcall.result = h.is64 ? (uint64_t)result : (uint32_t)result;
    return true;
}

bool xen_wrmsr(struct vcpu *v)
{
    const struct kvm_sregs *s = &v->run->s.regs.sregs;
    struct kvm_run *run = v->run;

    if (v->vm->xen != KVM_XEN_USER || run->msr.index != KVM_XEN_MSR ||
        !v->ops->xen)
        return false;
    run->msr.error = !v->ops->xen->page(v->ops->xen->ctx, run->msr.data,
                                        s->efer & EFER_LMA && s->cs.l);
    return true;
}

bool xen_rdmsr(struct vcpu *v)
{
    const struct kvm_sync_regs *sync = &v->run->s.regs;
    const struct paging paging = paging_of(v);
    struct kvm_run *run = v->run;

    if (v->vm->xen != KVM_XEN_USER || run->msr.index != MSR_EFER)
        return false;
    if (v->ops->xen && sync->sregs.efer & EFER_LMA && sync->sregs.cs.l)
        v->ops->xen->efer_read(v->ops->xen->ctx, &paging, GVA(sync->regs.rip));
    run->msr.data = sync->sregs.efer;
    run->msr.error = 0;
    return true;
}
