// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * context.c: vCPUs that are started and stopped by their machine, and not by
 * INIT and SIPI alone.
 *
 * A stopped vCPU waits in KVM as one that was never woken does, so that SIPI
 * still wakes it. Its interrupts are off meanwhile: one that is pending would
 * end that wait again and again. All is done on the vCPU's own thread, since
 * these ioctls wait for it to leave KVM_RUN.
 *
 * Source: Linux Documentation/virt/kvm/api.rst, KVM_SET_MP_STATE.
 */
#include "vcpu/vm_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define RFLAGS_IF 0x200u
#define CR0_ET    0x10u

static int set_mp_state(struct vcpu *v, uint32_t state)
{
    const struct kvm_mp_state s = {.mp_state = state};

    return ioctl(v->fd, KVM_SET_MP_STATE, &s) < 0 ? -errno : 0;
}

static struct kvm_segment segment(const struct cpu_segment *s)
{
    return (struct kvm_segment){
        .base = s->base,
        .limit = s->limit,
        .type = CPU_AR_TYPE(s->ar),
        .s = !!(s->ar & CPU_AR_S),
        .dpl = CPU_AR_DPL(s->ar),
        .present = !!(s->ar & CPU_AR_P),
        .avl = !!(s->ar & CPU_AR_AVL),
        .l = !!(s->ar & CPU_AR_L),
        .db = !!(s->ar & CPU_AR_DB),
        .g = !!(s->ar & CPU_AR_G),
        .unusable = !(s->ar & CPU_AR_P),
    };
}

/* The rest is as after reset. */
static int load(struct vcpu *v, const struct cpu_context *c)
{
    const struct kvm_regs regs = {
        .rax = c->rax,
        .rcx = c->rcx,
        .rdx = c->rdx,
        .rbx = c->rbx,
        .rsp = c->rsp,
        .rbp = c->rbp,
        .rsi = c->rsi,
        .rdi = c->rdi,
        .rip = c->rip,
        .rflags = c->rflags,
    };
    struct kvm_sregs s;

    if (ioctl(v->fd, KVM_GET_SREGS, &s) < 0)
        return -errno;
    s.cs = segment(&c->cs);
    s.ds = segment(&c->ds);
    s.ss = segment(&c->ss);
    s.es = segment(&c->es);
    s.fs = s.gs = s.ldt = (struct kvm_segment){.unusable = 1};
    s.tr = segment(&c->tr);
    s.cr0 = c->cr0 | CR0_ET;
    s.cr3 = c->cr3;
    s.cr4 = c->cr4;
    s.efer = c->efer;
    if (ioctl(v->fd, KVM_SET_SREGS, &s) < 0 ||
        ioctl(v->fd, KVM_SET_REGS, &regs) < 0)
        return -errno;
    return 0;
}

/* Allow interrupts, or not; were they? */
static int allow(struct vcpu *v, bool on, bool *were)
{
    struct kvm_regs regs;

    if (ioctl(v->fd, KVM_GET_REGS, &regs) < 0)
        return -errno;
    *were = regs.rflags & RFLAGS_IF;
    if (*were == on)
        return 0;
    regs.rflags ^= RFLAGS_IF;
    return ioctl(v->fd, KVM_SET_REGS, &regs) < 0 ? -errno : 0;
}

/*
 * KVM finishes the instruction of an exit when it is entered again. Nothing
 * else of the guest runs: immediate_exit stays set, so that a kick which comes
 * now is not lost. False: it was ended by that.
 */
bool vcpu_finish_exit(struct vcpu *v)
{
    __atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    while (ioctl(v->fd, KVM_RUN, 0) == 0)
        if (!exit_dispatch(v))
            return false;
    return true;
}

static int stop(struct vcpu *v)
{
    int ret;

    if (!vcpu_finish_exit(v)) {
        v->dead = true;
        return 0;
    }
    ret = allow(v, false, &v->was_open);
    return ret < 0 ? ret : set_mp_state(v, KVM_MP_STATE_UNINITIALIZED);
}

static int start(struct vcpu *v)
{
    bool closed;
    int ret = 0;

    if (v->loaded)
        ret = load(v, &v->context);
    else if (v->was_open)
        ret = allow(v, true, &closed);
    v->loaded = v->was_open = false;
    return ret < 0 ? ret : set_mp_state(v, KVM_MP_STATE_RUNNABLE);
}

void context_work(struct vcpu *v)
{
    static struct log_limit limit;
    const bool wanted = !v->stopped && (v->up || v->id == 0);
    int ret;

    if (wanted == v->runs)
        return;
    ret = wanted ? start(v) : stop(v);
    v->runs = wanted;
    if (wanted)
        upcall_begins(v);
    if (ret == 0)
        return;
    v->stopped = true;
    log_guest(&limit, "vcpu%u: KVM takes no such state: %s", v->id,
              strerror(-ret));
}

/* Of a stopped one, an interrupt that cannot be masked ends KVM_RUN too. */
void context_woken(struct vcpu *v)
{
    struct kvm_mp_state s = {.mp_state = KVM_MP_STATE_RUNNABLE};

    if (ioctl(v->fd, KVM_GET_MP_STATE, &s) == 0 &&
        s.mp_state == KVM_MP_STATE_UNINITIALIZED)
        return;
    pthread_mutex_lock(v->lock);
    v->stopped = v->was_open = v->loaded = false;
    v->up = v->runs = true;
    upcall_begins(v);
    pthread_mutex_unlock(v->lock);
}

int vcpu_load(struct vcpu *v, const struct cpu_context *c)
{
    if (v->id == 0 || v->up || v->loaded)
        return -EEXIST;
    v->context = *c;
    v->loaded = true;
    return 0;
}

int vcpu_start_up(struct vcpu *v)
{
    if (v->id > 0 && !v->up && !v->loaded)
        return -EINVAL;
    if (vcpu_is_up(v))
        return 0;
    v->stopped = false;
    v->up = true;
    vcpu_kick(v, VCPU_REASON_WORK);
    return 0;
}

void vcpu_stop_down(struct vcpu *v)
{
    if (!vcpu_is_up(v))
        return;
    v->stopped = true;
    vcpu_kick(v, VCPU_REASON_WORK);
}
