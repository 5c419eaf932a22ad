/* SPDX-License-Identifier: GPL-2.0-or-later */
/* evtchn_priv.h: what the files of the event channels share. */
#ifndef PVABI_EVTCHN_PRIV_H
#define PVABI_EVTCHN_PRIV_H

#include "pvabi/evtchn.h"

#define FIFO_MAX_PAGES (EVTCHN_FIFO_NR_CHANNELS * 4 / 4096)

struct chan {
    uint32_t status; /* EVTCHNSTAT_* */
    uint32_t vcpu;   /* notified */
    domid_t remote;  /* unbound: who may bind; interdomain: who did */
    uint32_t peer;   /* interdomain with ourselves: the other port */
    uint32_t irq;    /* virq or pirq */
    /* interdomain with a back-end */
    void (*on_notify)(void *owner);
    void *owner;         /* borrowed */
    bool notified;       /* in the list of e->first */
    uint32_t next;       /* in that list, 0: the last */
    uint32_t priority;   /* FIFO */
    uint32_t queue_vcpu; /* FIFO: where it was last linked */
    uint32_t queue_priority;
    bool early; /* FIFO: pending, but there is no word for it yet */
};

/* The vCPU's side of FIFO delivery. */
struct fifo_vcpu {
    struct gwin control; /* size 0: none */
    uint32_t tail[EVTCHN_FIFO_MAX_QUEUES];
};

struct evtchn {
    struct shinfo *si; /* borrowed */
    struct gmem *mem;  /* borrowed */
    domid_t domid;
    bool fifo_offered;
    struct evtchn_ops ops;
    unsigned n_vcpus;
    uint32_t first, last; /* ports whose back-ends have events, */
    unsigned n_listed;    /* how many */
    bool fifo;            /* the guest chose it */
    unsigned n_pages;     /* of event words */
    struct gwin pages[FIFO_MAX_PAGES];
    struct fifo_vcpu *vcpus; /* owned, n_vcpus */
    uint32_t *virqs;         /* owned, n_vcpus * NR_VIRQS: ports */
    unsigned n_pirqs;
    uint32_t pirqs[EVTCHN_MAX_PIRQS]; /* ports */
    struct chan chans[EVTCHN_MAX_PORTS];
};

static inline bool evtchn_valid(const struct evtchn *e, uint32_t port)
{
    return port > 0 && port < EVTCHN_MAX_PORTS &&
           (e->fifo || port < shinfo_ports(e->si));
}

/* evtchn.c: the machine is told what a port is bound to. */
void evtchn_bound(struct evtchn *e, uint32_t port);

/* evtchn_deliver.c: set the port's event pending, whatever it is bound to. */
void evtchn_raise(struct evtchn *e, uint32_t port);
/* Interrupt a vCPU, unless it was told before and did not look yet. */
void evtchn_mark_upcall(struct evtchn *e, unsigned vcpu);
/* Unmask a port; what is pending is delivered. */
void evtchn_unmask(struct evtchn *e, uint32_t port);
/* The port now notifies another vCPU. */
void evtchn_move(struct evtchn *e, uint32_t port);
void evtchn_clear_pending(struct evtchn *e, uint32_t port);
/* Forget that a back-end has events. */
void evtchn_unlist(struct evtchn *e, uint32_t port);
/* A send arrived at the back-end that the port is connected to. */
void evtchn_notify_backend(struct evtchn *e, uint32_t port);

/* evtchn_fifo.c */
int fifo_init_control(struct evtchn *e, struct evtchn_init_control *arg);
int fifo_expand_array(struct evtchn *e, const struct evtchn_expand_array *arg);
int fifo_set_priority(struct evtchn *e, const struct evtchn_set_priority *arg);
void fifo_raise(struct evtchn *e, uint32_t port);
void fifo_unmask(struct evtchn *e, uint32_t port);
bool fifo_pending(const struct evtchn *e, uint32_t port);
void fifo_clear_pending(struct evtchn *e, uint32_t port);
/* May a free port not be handed out, because it is still in a queue? */
bool fifo_is_busy(const struct evtchn *e, uint32_t port);
void fifo_reset(struct evtchn *e);

#endif
