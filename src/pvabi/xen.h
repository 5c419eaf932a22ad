/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen.h: the Xen guest ABI of one machine: hypercalls, and the state behind
 * them.
 *
 * One object holds what a domain is to its guest: shared_info, event channels,
 * grant table, parameters, timers and clocks. It knows nothing of KVM: the
 * machine it stands in is struct xen_ops. A hypercall comes in as plain values
 * (vmm/hcall.h) and is answered by a row of a table.
 *
 * Thread: board lock held, on a vCPU thread or the loop.
 * Source: Xen's public headers; docs/guest-abi-xen.md says what is offered.
 */
#ifndef PVABI_XEN_H
#define PVABI_XEN_H

#include "devices/backend/chr.h"
#include "mmu/gmem.h"
#include "pvabi/evtchn.h"
#include "pvabi/shinfo.h"
#include "pvabi/xen_abi.h"
#include "vmm/cpu_context.h"
#include "vmm/hcall.h"
#include "vmm/machine.h"
#include "vmm/types.h"

struct xen;

/* Interrupt lines that can be events, at most. */
#define XEN_MAX_GSIS 24

/* A line that stands for the upcall of vCPU 0, as the guest named it. */
struct xen_via {
    enum {
        XEN_VIA_NONE,
        XEN_VIA_GSI,
        XEN_VIA_INTX,
    } kind;
    uint32_t line; /* GSI: its number; INTx: 0 for INTA# */
    uint8_t devfn; /* INTx: whose, on bus 0 */
};

/* How a vCPU spent its time: ns, counted from any beginning. */
struct xen_times {
    uint64_t ran;    /* on a CPU of the host's */
    uint64_t waited; /* for one; 0 if that is not known */
    uint64_t paused; /* by the operator */
};

struct xen_ops {
    /* Deliver an interrupt to a vCPU's local APIC. */
    void (*interrupt)(void *ctx, unsigned vcpu, uint8_t vector);
    /*
     * A vCPU without a vector of its own has an upcall, which xen_callback
     * names: deliver it past the local APIC. Not with accel.
     */
    void (*nudge)(void *ctx, unsigned vcpu);
    /* The guest's system time in ns. */
    uint64_t (*now)(void *ctx);
    /* Have xen_timer called, on the loop, at this system time; 0: do not. */
    void (*set_timer)(void *ctx, unsigned vcpu, uint64_t at);
    /* Keep the vCPU's struct vcpu_time_info there (KVM_XEN_NOWHERE: not). */
    void (*set_clock)(void *ctx, unsigned vcpu, uint64_t gpa);
    void (*times)(void *ctx, unsigned vcpu, struct xen_times *out);
    /* The guest's words are that wide. */
    void (*set_long_mode)(void *ctx, bool is64);
    /* Raise or lower a line; -EINVAL: it is none. May be NULL: none is. */
    int (*line)(void *ctx, const struct xen_via *via, bool level);
    /*
     * From now on a line's interrupts are told to xen_gsi, or go where they go
     * on such a machine. One that is up is told at once, here or there.
     */
    void (*lead)(void *ctx, unsigned gsi, bool to_event);
    /* The guest has ended the interrupt of such a line of xen_config.ended. */
    void (*end)(void *ctx, unsigned gsi);
    /* Put memory where there is none. 0 or -errno. */
    int (*back)(void *ctx, gpa_t page);
    /* SHUTDOWN_* */
    void (*shutdown)(void *ctx, unsigned reason);
    /* As struct evtchn_ops.post: have xen_dispatch called on the loop. */
    void (*post)(void *ctx);
    /* Does the vCPU run, or was it never started, or stopped? */
    bool (*is_up)(void *ctx, unsigned vcpu);
    /*
     * The vCPU, which was never started, is to begin like that. 0, or -EEXIST:
     * it was given a state, or is up already.
     */
    int (*load_vcpu)(void *ctx, unsigned vcpu, const struct cpu_context *c);
    /* It runs on, or begins. 0, or -EINVAL: it was given no state. */
    int (*start_vcpu)(void *ctx, unsigned vcpu);
    /* It stops soon, and keeps its state; not if it is not up. */
    void (*stop_vcpu)(void *ctx, unsigned vcpu);
    /* Deliver a non-maskable interrupt. */
    void (*nmi)(void *ctx, unsigned vcpu);
    /* Give up the lock for a while, at most ns, or until wake is called. */
    void (*wait)(void *ctx, uint64_t ns);
    void (*wake)(void *ctx);
    void *ctx; /* borrowed */
};

/*
 * What the machine's kernel does without us, where it knows of Xen: it changes
 * the words of 2-level events and the clocks by itself. What
 * is said of a vCPU takes effect before it runs on, and xen_settled is called
 * then. Pages are "nowhere" with all bits set.
 */
struct xen_accel {
    bool timers;    /* VCPUOP_set_singleshot_timer and set_timer_op */
    bool runstates; /* runstate areas */
    /* shared_info is at this page. 0 or -errno: then nowhere. */
    int (*map)(void *ctx, uint64_t gfn, bool is64);
    /*
     * A send to port raises target on a vCPU, or is reported by
     * evtchn_backend_kicked if target is 0. It was not given before. 0 or
     * -errno.
     */
    int (*give)(void *ctx, uint32_t port, uint32_t target, unsigned vcpu);
    /* A send to port, or to any, is a hypercall again. */
    void (*take)(void *ctx, uint32_t port);
    void (*take_all)(void *ctx);
    /* Raise a port on a vCPU; false: it cannot. */
    bool (*raise)(void *ctx, uint32_t port, unsigned vcpu);
    /* A vCPU's vcpu_info; its upcalls' vector, 0: no interrupt. */
    void (*set_info)(void *ctx, unsigned vcpu, uint64_t gpa);
    void (*set_vector)(void *ctx, unsigned vcpu, uint8_t vector);
    /*
     * vCPUs without a vector are interrupted by this one whenever their upcall
     * is pending, past their local APICs; 0: they are not. 0 or -errno.
     */
    int (*set_callback)(void *ctx, uint8_t vector);
    /* We made the upcall of such a vCPU pending. */
    void (*nudge)(void *ctx, unsigned vcpu);
    /* The singleshot timer raises port, next at this time (0: as it was). */
    void (*set_timer)(void *ctx, unsigned vcpu, uint32_t port, uint64_t at);
    void (*set_time_copy)(void *ctx, unsigned vcpu, uint64_t gpa);
    void (*set_runstate)(void *ctx, unsigned vcpu, uint64_t gpa);
    void (*set_update_flag)(void *ctx, bool on);
    /* Of the vCPU whose thread this is; false: unknown. */
    bool (*get_runstate)(void *ctx, unsigned vcpu,
                         struct vcpu_runstate_info *out);
    void *ctx; /* borrowed */
};

/* What the operator reads in the guest's /sys/hypervisor, and it is true. */
struct xen_config {
    struct gmem *mem;                /* borrowed */
    const struct machine_desc *desc; /* borrowed */
    struct chr *console;             /* borrowed; of console_io and port 0xe9 */
    uint32_t version;                /* major << 16 | minor */
    bool fifo;                       /* FIFO event channels; not with accel */
    bool drivers_only;               /* no clock that timers are made of */
    unsigned gsis;  /* interrupt lines that can be events; 0: none can, nor
                       can messages, and lead and end may be NULL */
    uint64_t ended; /* those whose ends are wanted: a bit each */
    struct xen_ops ops;
    const struct xen_accel *accel; /* borrowed; NULL: all is done here */
};

/* NULL after logging. */
struct xen *xen_create(const struct xen_config *cfg);
void xen_destroy(struct xen *x);

/* The hypercall; its result. */
int64_t xen_hypercall(struct xen *x, const struct hcall *call);

/*
 * The guest asked for its hypercall page by the MSR; false: not to be had at
 * that address.
 */
bool xen_hypercall_page(struct xen *x, uint64_t value, bool is64);

/* A vCPU's timer is due, as set_timer asked. Loop thread. */
void xen_timer(struct xen *x, unsigned vcpu);

/*
 * What struct xen_accel was told of a vCPU is so. moved: an event may have
 * been told where its vcpu_info was before. timer: the kernel's timer is off
 * and was to fire at this time; else 0.
 */
void xen_settled(struct xen *x, unsigned vcpu, bool moved, uint64_t timer);

/*
 * The vCPU left the guest: if the line of upcalls is up and the guest took
 * what it stood for, it falls. Before what made it leave is looked at, so that
 * the end of an interrupt finds the line as it is.
 */
void xen_left(struct xen *x);

/* A line that is led here interrupts. */
void xen_gsi(struct xen *x, unsigned gsi);

/*
 * A device sends a message: true: it is an event, which was raised; false: it
 * is for a local APIC.
 */
bool xen_message(struct xen *x, uint64_t addr, uint32_t data);

/* The vector of an upcall that is due past the local APIC; 0: none is. */
uint8_t xen_callback(const struct xen *x, unsigned vcpu);

/* Back-ends have events: see evtchn_dispatch. Loop thread. */
void xen_dispatch(struct xen *x);

/* Set a parameter the guest can read: HVM_PARAM_*. */
void xen_set_param(struct xen *x, uint32_t index, uint64_t value);

/* Borrowed, for back-ends. */
struct evtchn *xen_evtchn(struct xen *x);
struct gnttab *xen_gnttab(struct xen *x);

/* Everything is as after creation: a soft reset. Parameters stay. */
void xen_reset(struct xen *x);

/* Hypercalls answered, and those nobody knows. Any thread, racy. */
struct xen_stats {
    uint64_t calls;
    uint64_t unknown;
};

void xen_get_stats(const struct xen *x, struct xen_stats *out);

/* Debug console: port 0xe9. */
#define XEN_DEBUG_PORT 0xe9
extern const struct io_ops xen_debug_port_ops; /* its dev is the struct xen */

#endif
