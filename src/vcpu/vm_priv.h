/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm_priv.h: what the files of src/vcpu share. Nobody else includes it. */
#ifndef VCPU_VM_PRIV_H
#define VCPU_VM_PRIV_H

#include "abi/layout.h"
#include "vcpu/cpuid.h"
#include "vcpu/kvm_xen.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"

#include <linux/kvm.h>
#include <stdatomic.h>

/* Where a GSI goes: an IOAPIC pin, or a message of its own. */
struct vm_route {
    uint64_t addr;
    uint32_t data;
    bool set;    /* addr and data were given */
    bool level;  /* a pin: its EOI is wanted */
    bool masked; /* a pin */
    bool live;   /* an irqfd is bound to it; a message: in use */
    bool stale;  /* a message: not in use, but KVM was not told so */
};

#define VM_MAX_MSIS   512
#define VM_MAX_ROUTES (LAYOUT_IOAPIC_MAX + VM_MAX_MSIS)

struct vm {
    int kvm_fd; /* borrowed */
    int fd;     /* owned */
    unsigned n_cpus;
    size_t run_size;        /* bytes of a vCPU's shared page(s) */
    const struct gmem *mem; /* borrowed, after vm_map */
    bool hide_kvm;
    struct cpuid_table cpuid; /* policy applied, CPU-independent part */
    enum kvm_xen_accel xen;
    uint32_t xen_version;
    unsigned xen_does;                     /* KVM_XEN_DOES_* */
    struct vm_piece pieces[VM_MAX_PIECES]; /* as KVM has them */
    bool (*claim)(void *ctx, uint64_t addr, uint32_t data);
    void *claim_ctx; /* borrowed */
    unsigned pins;   /* GSIs below are the IOAPIC's */
    unsigned n_msis; /* GSIs from pins on that were ever in use */
    struct vm_route routes[VM_MAX_ROUTES];
    struct {
        struct kvm_irq_routing head;
        struct kvm_irq_routing_entry entries[VM_MAX_ROUTES];
    } table; /* as KVM was last given it */
    /* Page of vCPU 0's mapping with the collected writes; 0: none. */
    size_t coalesced_page;
};

/* vm.c: as msi_ops.claim; ctx is the vm. */
bool vm_claimed(void *ctx, uint64_t addr, uint32_t data);

/* What of a vCPU's KVM knows, or is to know; see kvm_xen.h. */
struct xen_vcpu_state {
    uint64_t info;
    uint64_t time_copy;
    uint64_t runstate;
    uint64_t timer_at; /* to be known only */
    uint64_t timer_port;
    uint64_t vector;
};

/* Of an upcall past the local APIC; see upcall.c. */
enum {
    UPCALL_NONE,
    UPCALL_LOOK,  /* is one due, and can it be delivered? */
    UPCALL_WAITS, /* it could not: until the next exit, or a look */
};

struct vcpu {
    struct vm *vm; /* borrowed */
    unsigned id;
    int fd;                     /* owned */
    struct kvm_run *run;        /* owned mapping, vm->run_size bytes */
    pthread_mutex_t *lock;      /* borrowed: the board lock */
    const struct vcpu_ops *ops; /* borrowed */
    pthread_t thread;
    bool started;
    _Atomic unsigned reasons;   /* VCPU_REASON_* */
    pthread_cond_t parked_cond; /* with the board lock */
    pthread_cond_t resume_cond; /* with the board lock */
    bool parked;                /* board lock */
    uint64_t parked_ns;         /* board lock */
    _Atomic bool up;            /* runs, or did so */
    /* context.c; board lock, but for stopped to read */
    _Atomic bool stopped; /* up, but for now */
    bool runs;            /* as KVM was told by its own thread */
    bool was_open;        /* interrupts were on when it stopped */
    bool loaded;          /* it begins with this context */
    struct cpu_context context;
    uint64_t xen_clock;                   /* board lock; see kvm_xen.h */
    struct xen_vcpu_state xen_want;       /* board lock */
    struct xen_vcpu_state xen_have;       /* board lock; set by its thread */
    bool dead;                            /* cannot go on: parked for good */
    unsigned upcall_tries;                /* board lock */
    _Atomic unsigned upcall;              /* UPCALL_*; board lock to set */
    _Atomic bool intr;                    /* its INTR pin; board lock to set */
    struct kvm_coalesced_mmio_ring *ring; /* in run; NULL: no collecting */
    struct vcpu_stats stats;              /* written by the vCPU thread only */
};

/* route.c: an irqfd is bound to a pin; messages, numbered from 0. */
void route_pin_live(struct vm *vm, unsigned pin);
must_check int route_msi_alloc(struct vm *vm); /* or -ENOSPC, logged */
void route_msi_free(struct vm *vm, unsigned route);
void route_msi_set(struct vm *vm, unsigned route, uint64_t addr, uint32_t data);

/* What to do when KVM answers this errno: the end of an error line. */
const char *kvm_advice(int err);

/*
 * Handle the exit in v->run. Board lock held. Returns true if the vCPU can
 * run on, false if it was ended (ops->ended was called).
 */
must_check bool exit_dispatch(struct vcpu *v);

/* Report and end a vCPU. Board lock held. */
void exit_end(struct vcpu *v, enum vcpu_end how, const char *what);

/*
 * Before each KVM_RUN: give an interrupt that waits at the INTR pin to KVM, or
 * ask to be told when the guest can take it. Board lock NOT held.
 */
void intr_inject(struct vcpu *v);

/* Load the const register template of e->kind and e's own registers. */
must_check int template_load(struct vcpu *v, const struct entry_state *e);

/* kvm_xen.c: 0 or -errno. */
must_check int xen_setup_vm(struct vm *vm);
void xen_setup_vcpu(struct vcpu *v);
/* kvm_xen_kernel.c: the same for what KVM does. 0 or -errno. */
must_check int xen_kernel_setup_vm(struct vm *vm);
must_check int xen_kernel_setup_vcpu(struct vcpu *v);
/* Tell KVM what it is to know. The vCPU's thread, board lock held. */
void xen_kernel_settle(struct vcpu *v);
/* VCPU_REASON_WORK, on the vCPU's thread. Board lock held. */
void xen_vcpu_work(struct vcpu *v);
/* Is the KVM_EXIT_IO in v->run a hypercall? Then do it. Board lock held. */
bool xen_is_call(const struct vcpu *v);
void xen_port_call(struct vcpu *v);
/* KVM_EXIT_XEN. Board lock held. */
must_check bool xen_exit(struct vcpu *v);
/* A write to an MSR, if it asks for a hypercall page: else false. */
bool xen_wrmsr(struct vcpu *v);
/* A read of an MSR, if it is one we have to do with: else false. */
bool xen_rdmsr(struct vcpu *v);

/* upcall.c: before each KVM_RUN, after intr_inject. Board lock NOT held. */
void upcall_inject(struct vcpu *v);
/* After KVM_RUN: can one that waits be delivered? Board lock held. */
void upcall_left(struct vcpu *v);
/* The vCPU runs from now on. Its own thread, board lock held. */
void upcall_begins(struct vcpu *v);
/* context.c: false: it was ended by that. Board lock held. */
must_check bool vcpu_finish_exit(struct vcpu *v);

/* context.c, on the vCPU's thread. VCPU_REASON_WORK. Board lock held. */
void context_work(struct vcpu *v);
/* KVM_RUN found it still to be woken, and maybe it was. Board lock NOT held. */
void context_woken(struct vcpu *v);

/* Answer an MSR access KVM does not know by the policy table. */
void msr_exit(struct vcpu *v, bool write);

/* MSRs whose state at reset is not KVM's default. 0 or -errno. */
must_check int msr_init(struct vcpu *v);

#endif
