// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * intr.c: the INTR pin of a vCPU, on which a PC's 8259s speak.
 *
 * The local APIC is KVM's and the 8259s are not: KVM asks for a vector only
 * when it has been given one (KVM_INTERRUPT), and decides by itself whether
 * LINT0 passes it on. So a vector is fetched from the 8259s - which changes
 * them - no sooner than KVM says that the guest would take it at once: at the
 * end of KVM_RUN, in ready_for_interrupt_injection. If it would not,
 * request_interrupt_window makes KVM_RUN return when it will.
 *
 * What the pin is doing changes on other threads too: they set v->intr, then
 * get the vCPU out of KVM_RUN as vcpu_kick does. Source: Linux
 * Documentation/virt/kvm/api.rst, KVM_INTERRUPT and struct kvm_run.
 */
#include "vcpu/vm_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

void vcpu_set_intr(void *vcpu, unsigned line, bool level)
{
    struct vcpu *v = vcpu;

    (void)line;
    v->intr = level;
    /* Its own thread looks at the pin before it enters the guest. */
    if (level && v->started && !pthread_equal(pthread_self(), v->thread))
        vcpu_kick(v, 0);
}

static void deliver(struct vcpu *v)
{
    const struct kvm_interrupt i = {.irq = v->ops->ack(v->ops->ctx)};
    static struct log_limit limit;

    /* One at a time: what KVM said of the guest was true before this one. */
    v->run->ready_for_interrupt_injection = 0;
    if (ioctl(v->fd, KVM_INTERRUPT, &i) < 0)
        log_guest(&limit, "vcpu%u: interrupt vector %u: %s", v->id, i.irq,
                  strerror(errno));
}

void intr_inject(struct vcpu *v)
{
    struct kvm_run *run = v->run;

    if (v->intr && run->ready_for_interrupt_injection) {
        pthread_mutex_lock(v->lock);
        if (v->intr)
            deliver(v);
        pthread_mutex_unlock(v->lock);
    }
    run->request_interrupt_window = v->intr;
}
