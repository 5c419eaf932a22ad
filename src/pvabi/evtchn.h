/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evtchn.h: the event channels of one guest.
 *
 * A port is the guest's end of a channel: to a back-end in this process
 * (domain 0), to another port of the guest, to a vCPU (IPI), to a virtual or a
 * physical interrupt. An event is a bit, delivered by the 2-level words of
 * shared_info or by FIFO queues, whichever the guest chose; then the vCPU the
 * port notifies gets an upcall.
 *
 * Thread: board lock held, on the loop or a vCPU thread. The guest writes the
 * shared words at any time; nothing it writes can make us touch anything but
 * those words, or make a loop here longer than a small constant.
 *
 * Source: Xen's public event_channel.h and docs/misc (event channel internals,
 * "Event Channel FIFO" design).
 */
#ifndef PVABI_EVTCHN_H
#define PVABI_EVTCHN_H

#include "mmu/gmem.h"
#include "pvabi/shinfo.h"
#include "pvabi/xen_abi.h"
#include "vmm/types.h"

/* Ports a guest can have. Port 0 is none. */
#define EVTCHN_MAX_PORTS 4096
/* Physical interrupts it can have; 0 is one. */
#define EVTCHN_MAX_PIRQS 256

struct evtchn;

/* What a port is bound to; values as in struct evtchn_status. */
struct evtchn_info {
    uint32_t status; /* EVTCHNSTAT_* */
    uint32_t vcpu;
    uint32_t virq; /* EVTCHNSTAT_virq */
    uint32_t peer; /* EVTCHNSTAT_interdomain: the other end, if the guest's */
    bool backend;  /* EVTCHNSTAT_interdomain: the other end is ours */
};

struct evtchn_ops {
    /* evtchn_upcall_pending of a vCPU became 1: interrupt it. */
    void (*upcall)(void *ctx, unsigned vcpu);
    /*
     * Back-ends have events: have evtchn_dispatch called on the loop thread.
     * NULL: on_notify is called at once.
     */
    void (*post)(void *ctx);
    /* A port was bound, or what it is bound to changed. May be NULL. */
    void (*bound)(void *ctx, uint32_t port, const struct evtchn_info *info);
    /* A port is being closed. May be NULL. */
    void (*closed)(void *ctx, uint32_t port);
    /* All ports are about to be closed, one by one. May be NULL. */
    void (*reset)(void *ctx);
    /*
     * Raise a 2-level event in place of us, and wake who polls for it; false:
     * do it here. May be NULL.
     */
    bool (*raise)(void *ctx, uint32_t port, unsigned vcpu);
    /* An event is pending that a vCPU in SCHEDOP_poll may wait for. */
    void (*poll_wake)(void *ctx);
    /* A physical interrupt got a port, or has none any more. May be NULL. */
    void (*pirq)(void *ctx, uint32_t pirq, bool bound);
    void *ctx; /* borrowed */
};

struct evtchn_config {
    struct shinfo *shinfo; /* borrowed */
    struct gmem *mem;      /* borrowed */
    domid_t domid;         /* of the guest */
    bool fifo;             /* offer FIFO delivery */
    bool pirqs;            /* the guest may bind physical interrupts */
    struct evtchn_ops ops;
};

/* NULL: out of memory, logged. */
struct evtchn *evtchn_create(const struct evtchn_config *cfg);
void evtchn_destroy(struct evtchn *e);

/* ---- the guest's side ---- */

union evtchn_arg {
    struct evtchn_alloc_unbound alloc_unbound;
    struct evtchn_bind_interdomain bind_interdomain;
    struct evtchn_bind_virq bind_virq;
    struct evtchn_bind_pirq bind_pirq;
    struct evtchn_close close;
    struct evtchn_send send;
    struct evtchn_status status;
    struct evtchn_bind_ipi bind_ipi;
    struct evtchn_bind_vcpu bind_vcpu;
    struct evtchn_unmask unmask;
    struct evtchn_reset reset;
    struct evtchn_init_control init_control;
    struct evtchn_expand_array expand_array;
    struct evtchn_set_priority set_priority;
};

/*
 * How the argument of EVTCHNOP_* travels; false: there is no such operation.
 * The layouts are the same for 32- and 64-bit guests.
 */
bool evtchn_op_size(unsigned cmd, size_t *size, bool *copy_back);

/* Do EVTCHNOP_cmd with a copy of its argument. 0 or -errno. */
int evtchn_op(struct evtchn *e, unsigned cmd, union evtchn_arg *arg);

/* Close all ports and go back to 2-level delivery, as EVTCHNOP_reset does. */
void evtchn_reset_all(struct evtchn *e);

/* Is the event pending? For SCHEDOP_poll. 0 or 1, -EINVAL: no such port. */
int evtchn_is_pending(const struct evtchn *e, uint32_t port);

/* Raise VIRQ_* on a vCPU (global ones: on 0); nobody bound it: nothing. */
void evtchn_virq(struct evtchn *e, unsigned vcpu, unsigned virq);
/* The port the vCPU bound to a virq, 0: none. */
uint32_t evtchn_virq_port(const struct evtchn *e, unsigned vcpu, unsigned virq);
/* Raise a physical interrupt, if the guest bound it. */
void evtchn_pirq(struct evtchn *e, uint32_t pirq);
/* The port it is bound to, 0: none. */
uint32_t evtchn_pirq_port(const struct evtchn *e, uint32_t pirq);

/*
 * A vCPU's vcpu_info moved or its events' words did: what is pending is told
 * again.
 */
void evtchn_renotify(struct evtchn *e, unsigned vcpu);

/* Call bound again for all ports that notify a vCPU. */
void evtchn_tell_bound(struct evtchn *e, unsigned vcpu);

/* ---- the back-ends' side: domain 0 ---- */

/*
 * The guest allocated `port` unbound for domain 0, or the domain builder did:
 * connect. on_notify runs on the loop thread, board lock held, once for any
 * number of sends before it, and once after binding, since what was sent before
 * is not kept. The guest may close the port at any time, which
 * ends the binding without a word. 0, -EINVAL: no such port or not for us.
 */
must_check int evtchn_backend_bind(struct evtchn *e, uint32_t port,
                                   void (*on_notify)(void *owner), void *owner);
/* The port becomes unbound again, if it is still connected. */
void evtchn_backend_unbind(struct evtchn *e, uint32_t port);
/* Send to the guest; nothing if the port is no longer connected. */
void evtchn_backend_notify(struct evtchn *e, uint32_t port);
/* The guest's send, reported by who caught it: as EVTCHNOP_send. */
void evtchn_backend_kicked(struct evtchn *e, uint32_t port);
/* Call on_notify of all that have events. Thread: loop. */
void evtchn_dispatch(struct evtchn *e);

/*
 * A port unbound for domain 0, as the domain builder makes for xenstore and
 * console. The port, or -ENOSPC.
 */
must_check int evtchn_builder_alloc(struct evtchn *e);

#endif
