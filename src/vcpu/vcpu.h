/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vcpu.h: one virtual CPU and the thread that runs it.
 *
 * Exits that concern the machine go up through struct vcpu_ops, given by the
 * board and called with the board lock held. Leaving KVM_RUN from outside is
 * one mechanism: reason bits, then immediate_exit, then a signal.
 */
#ifndef VCPU_VCPU_H
#define VCPU_VCPU_H

#include "vcpu/vm.h"
#include "vmm/cpu_context.h"
#include "vmm/entry.h"
#include "vmm/hcall.h"
#include "vmm/types.h"

#include <pthread.h>

struct vcpu;

/* How a guest can come to its end by itself. */
enum vcpu_end {
    VCPU_END_TRIPLE,   /* KVM_EXIT_SHUTDOWN */
    VCPU_END_INTERNAL, /* KVM_EXIT_INTERNAL_ERROR */
    VCPU_END_ENTRY,    /* KVM_EXIT_FAIL_ENTRY */
    VCPU_END_KVM,      /* KVM_RUN failed, or an exit without a handler */
};

/* What of a guest of Xen goes up. Board lock held. */
struct vcpu_xen_ops {
    /* A hypercall; its result. */
    int64_t (*hypercall)(void *ctx, const struct hcall *call);
    /*
     * The guest wrote the MSR that asks for a hypercall page; false: a value
     * that is refused.
     */
    bool (*page)(void *ctx, uint64_t value, bool is64);
    /*
     * The vector of an upcall that is due on a vCPU past its local APIC, after
     * kvm_xen_look; 0: none is. The guest cannot take it now: call
     * kvm_xen_look_again for all vCPUs after ns, or sooner.
     */
    uint8_t (*upcall)(void *ctx, unsigned vcpu);
    void (*upcall_later)(void *ctx, unsigned ns);
    /*
     * The guest reads EFER in long mode, which a 64-bit Linux does once it is
     * unpacked and mapped, and before its first hypercall. Only with the
     * engine KVM_XEN_USER.
     */
    void (*efer_read)(void *ctx, const struct paging *paging, gva_t rip);
    /*
     * What kvm_xen_set_info, _vector and _timer asked for is so now. moved:
     * KVM may have told events where vcpu_info was before, and nobody looks
     * there any more. timer: the timer is KVM's no longer and was to fire at
     * this time; else 0.
     */
    void (*settled)(void *ctx, unsigned vcpu, bool moved, uint64_t timer);
    void *ctx; /* borrowed */
};

struct vcpu_ops {
    /* A port or memory access; fill data for a read. Board lock held. */
    void (*access)(void *ctx, enum space space, uint64_t addr, void *data,
                   unsigned n, bool write);
    /* A level-triggered vector was acknowledged. Board lock held. */
    void (*eoi)(void *ctx, uint8_t vector);
    /*
     * The CPU takes the interrupt at its INTR pin: its vector. Board lock
     * held. NULL: nobody drives that pin.
     */
    uint8_t (*ack)(void *ctx);
    /*
     * It shut down (a triple fault), and the machine around it takes that for
     * a reset. Board lock held; it parks until it is stopped. NULL: it takes
     * it for the end, and ended is called.
     */
    void (*shutdown)(void *ctx);
    /*
     * The vCPU cannot go on; reason, registers and code were printed to
     * stderr already. It parks until it is stopped. Board lock held.
     */
    void (*ended)(void *ctx, enum vcpu_end how);
    /*
     * Once, on the boot vCPU's thread, before everything else: load the
     * guest. Returns false if it could not: the vCPU then never runs.
     */
    bool (*prepare)(void *ctx);
    /* On each vCPU thread before it runs a guest instruction: its filter. */
    void (*seal_thread)(void *ctx);
    /* Once, on the boot vCPU's thread, right before its first KVM_RUN. */
    void (*first_entry)(void *ctx);
    const struct vcpu_xen_ops *xen; /* borrowed; NULL: no guest of Xen */
    void *ctx;                      /* borrowed */
};

/* Reasons to leave KVM_RUN. */
#define VCPU_REASON_STOP  0x1u /* end the thread */
#define VCPU_REASON_PAUSE 0x2u /* park until resumed */
#define VCPU_REASON_WORK  0x4u /* do what only its own thread can, go on */

/* Exit reasons KVM numbers today all lie below this. */
#define VCPU_EXIT_REASONS 64

struct vcpu_stats {
    uint64_t exits;                        /* exits that reached this process */
    uint64_t by_reason[VCPU_EXIT_REASONS]; /* indexed by KVM_EXIT_* */
};

/*
 * Make a vCPU; id is also its APIC id, 0 the boot CPU. lock (the board
 * lock) and ops are borrowed. NULL after logging.
 */
struct vcpu *vcpu_create(struct vm *vm, unsigned id, pthread_mutex_t *lock,
                         const struct vcpu_ops *ops);
void vcpu_destroy(struct vcpu *v); /* stopped, or never started */

/* Load the boot vCPU's registers. 0 or -errno, logged. Not running. */
must_check int vcpu_set_entry(struct vcpu *v, const struct entry_state *e);

/*
 * Once per process, before the first vcpu_start: the handler of the signal
 * that interrupts KVM_RUN.
 */
void vcpu_init_kick(void);

/* Start the thread. 0 or -errno, logged. */
must_check int vcpu_start(struct vcpu *v);

/*
 * Does it run: is it the boot CPU, did it get its SIPI, was it started, and not
 * stopped since? Any thread.
 */
bool vcpu_is_up(const struct vcpu *v);

/*
 * Start and stop a vCPU in other ways than by its local APIC. One that never
 * ran begins with the context it is given; one that stopped goes on where it
 * was, or is woken by INIT and SIPI. Board lock held. Thread: any, its own too.
 *
 * load: 0, or -EEXIST: it has one, or has run. start_up: 0, or -EINVAL: it has
 * no context. stop_down: it leaves the guest soon.
 */
must_check int vcpu_load(struct vcpu *v, const struct cpu_context *c);
must_check int vcpu_start_up(struct vcpu *v);
void vcpu_stop_down(struct vcpu *v);

/*
 * Make the vCPU leave KVM_RUN for these reasons. Returns at once. Thread:
 * any but its own.
 */
void vcpu_kick(struct vcpu *v, unsigned reasons);

/*
 * Drive a vCPU's INTR pin, which is also LINT0 of its local APIC: while it is
 * up, an interrupt is acknowledged and delivered each time the guest can take
 * one and LINT0 passes it on (ExtINT). Has the shape of intr.set; ctx is the
 * vcpu. Board lock held. Thread: any.
 */
void vcpu_set_intr(void *vcpu, unsigned line, bool level);

/* Wait for the thread of a vCPU kicked with STOP. Board lock NOT held. */
void vcpu_join(struct vcpu *v);

/*
 * Wait until a vCPU kicked with PAUSE is out of KVM_RUN. Board lock held
 * (and given up while waiting). Thread: loop.
 */
void vcpu_wait_parked(struct vcpu *v);

/* Let a parked vCPU run again. Board lock held. */
void vcpu_resume(struct vcpu *v);

/* A racy snapshot of the counters. Any thread. */
void vcpu_get_stats(const struct vcpu *v, struct vcpu_stats *out);

/* The name of an exit reason ("KVM_EXIT_IO"), or NULL. */
const char *vcpu_exit_name(unsigned reason);

/*
 * Print registers and the code bytes at rip to stderr. The vCPU must not be
 * in KVM_RUN.
 */
void vcpu_dump(struct vcpu *v);

/*
 * Deliver the writes that KVM has collected (vm_coalesce) now, not before the
 * next exit. Any thread, board lock held.
 */
void vcpu_deliver(struct vcpu *v);

#endif
