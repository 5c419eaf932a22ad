// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * upcall.c: an interrupt that bypasses the local APIC, for a guest of Xen that
 * wants its events by one vector for all CPUs: it does not acknowledge them
 * there, and a message would block all others behind it.
 *
 * KVM takes such an interrupt at the 8259s' pin only, and passes it on only
 * while LINT0 does, which a kernel masks on every CPU but the first. But the
 * state of a vCPU has a place for one that is on its way into the guest, and
 * what stands there is delivered at the next entry, past everything. So it is
 * written there, on the vCPU's thread, when the guest would take it at once:
 * between two instructions, with interrupts on, and nothing else on its way. If
 * it would not, request_interrupt_window makes KVM_RUN return when it will, as
 * far as LINT0 lets KVM; for the others vcpu_xen_ops.upcall_later comes back.
 *
 * Source: Linux Documentation/virt/kvm/api.rst, KVM_SET_VCPU_EVENTS and struct
 * kvm_run; Xen's public hvm/params.h, HVM_PARAM_CALLBACK_TYPE_VECTOR.
 */
#include "vcpu/vm_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

/* The first try after one that failed, and how often the time is doubled. */
#define LATER_NS      50000u
#define LATER_DOUBLED 6u

static void ask(struct vcpu *v)
{
    /* Who does not run keeps it until it does: see upcall_begins. */
    if (!vcpu_is_up(v)) {
        atomic_store(&v->upcall, UPCALL_WAITS);
        return;
    }
    atomic_store(&v->upcall, UPCALL_LOOK);
    /* Its own thread looks before it enters the guest. */
    if (v->started && !pthread_equal(pthread_self(), v->thread))
        vcpu_kick(v, 0);
}

void kvm_xen_look(struct vcpu *v)
{
    v->upcall_tries = 0;
    ask(v);
}

void kvm_xen_look_again(struct vcpu *v)
{
    if (atomic_load(&v->upcall) != UPCALL_NONE)
        ask(v);
}

void upcall_begins(struct vcpu *v)
{
    kvm_xen_look_again(v);
}

void upcall_left(struct vcpu *v)
{
    unsigned waits = UPCALL_WAITS;

    if (v->run->if_flag)
        atomic_compare_exchange_strong(&v->upcall, &waits, UPCALL_LOOK);
}

/* Would the guest take an interrupt at once? */
static bool is_open(const struct vcpu *v, const struct kvm_vcpu_events *e)
{
    return v->run->if_flag && !e->interrupt.injected && !e->interrupt.shadow &&
           !e->exception.injected && !e->exception.pending &&
           !e->nmi.injected && !e->smi.smm;
}

/* Whoever waits for an interrupt has it. -EAGAIN: it does not run. */
static int wake(struct vcpu *v)
{
    struct kvm_mp_state s = {.mp_state = KVM_MP_STATE_RUNNABLE};

    if (ioctl(v->fd, KVM_GET_MP_STATE, &s) < 0)
        return -errno;
    if (s.mp_state == KVM_MP_STATE_RUNNABLE)
        return 0;
    if (s.mp_state != KVM_MP_STATE_HALTED)
        return -EAGAIN;
    s.mp_state = KVM_MP_STATE_RUNNABLE;
    return ioctl(v->fd, KVM_SET_MP_STATE, &s) < 0 ? -errno : 0;
}

/* 0, -EAGAIN, or another -errno. */
static int inject(struct vcpu *v, uint8_t vector)
{
    struct kvm_vcpu_events e;
    int ret;

    if (ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e) < 0)
        return -errno;
    if (!is_open(v, &e))
        return -EAGAIN;
    ret = wake(v);
    if (ret < 0)
        return ret;
    /* Without a flag the rest stays: others may have changed it since. */
    e.flags = 0;
    e.interrupt.injected = 1;
    e.interrupt.nr = vector;
    e.interrupt.soft = 0;
    return ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e) < 0 ? -errno : 0;
}

/* It has to run on meanwhile: to look at once again would not let it. */
static void wait(struct vcpu *v)
{
    atomic_store(&v->upcall, UPCALL_WAITS);
    v->ops->xen->upcall_later(v->ops->xen->ctx, LATER_NS << v->upcall_tries);
    if (v->upcall_tries < LATER_DOUBLED)
        v->upcall_tries++;
}

/* Board lock held. */
static void look(struct vcpu *v)
{
    static struct log_limit limit;
    uint8_t vector;
    int ret;

    atomic_store(&v->upcall, UPCALL_NONE);
    vector = v->ops->xen->upcall(v->ops->xen->ctx, v->id);
    if (!vector)
        return;
    if (!vcpu_finish_exit(v)) {
        v->dead = true;
        return;
    }
    ret = inject(v, vector);
    if (ret < 0)
        wait(v);
    if (ret < 0 && ret != -EAGAIN)
        log_guest(&limit, "vcpu%u: upcall vector %#x: %s", v->id, vector,
                  strerror(-ret));
}

void upcall_inject(struct vcpu *v)
{
    if (atomic_load(&v->upcall) == UPCALL_LOOK) {
        pthread_mutex_lock(v->lock);
        if (v->ops->xen)
            look(v);
        pthread_mutex_unlock(v->lock);
    }
    if (!v->ops->ack)
        v->run->request_interrupt_window = 0;
    if (atomic_load(&v->upcall) == UPCALL_WAITS)
        v->run->request_interrupt_window = 1;
}
