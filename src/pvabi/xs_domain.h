/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs_domain.h: what a tool stack does for a domain in the store: the tree a
 * guest expects to find, its connection, and what is asked of it while it
 * runs.
 *
 * The page of the ring and its event channel exist before the guest does,
 * which finds them by HVM parameters. Everything asked of a guest is a wish:
 * a driver in it watches the node and acts on it, or none does.
 *
 * Sources: Xen's docs/misc/xenstore-paths, docs/misc/libxl_memory.
 * Thread: board lock held; create and destroy on the loop thread.
 */
#ifndef PVABI_XS_DOMAIN_H
#define PVABI_XS_DOMAIN_H

#include "pvabi/evtchn.h"
#include "pvabi/xenstore.h"

struct xs_domain;

struct xs_domain_config {
    struct loop *loop;     /* borrowed, as all below */
    struct evtchn *events; /* of the guest XEN_GUEST_DOMID */
    const char *name;      /* of the guest */
    uint8_t uuid[16];
    unsigned cpus;
    uint64_t memory;  /* bytes it has */
    uint64_t target;  /* bytes it shall keep; 0: all */
    struct gwin page; /* the ring; what is in it is lost */
    uint64_t frame;   /* its number */
};

/*
 * Make store, tree and connection. The guest is to be told frame and port by
 * HVM_PARAM_STORE_PFN and _EVTCHN. NULL after logging.
 */
struct xs_domain *xs_domain_create(const struct xs_domain_config *cfg);
/* After all back-ends. */
void xs_domain_destroy(struct xs_domain *d);

/* Borrowed, for back-ends. */
struct xs *xs_domain_store(struct xs_domain *d);
uint32_t xs_domain_port(const struct xs_domain *d);

/* What control/shutdown can ask for. */
enum xs_order {
    XS_ORDER_POWEROFF,
    XS_ORDER_HALT,
    XS_ORDER_REBOOT,
    XS_ORDER_SUSPEND,
};

/* The order of that name (poweroff, halt, ...); false: there is none. */
bool xs_domain_order_parse(const char *word, enum xs_order *out);

/*
 * Ask the guest to end or to suspend; what was asked before and not yet taken
 * is forgotten. 0, -EOPNOTSUPP: it says that it does not do that, -ENOMEM.
 */
must_check int xs_domain_order(struct xs *xs, enum xs_order order);
/* Does a driver in the guest wait for orders? */
bool xs_domain_listens(const struct xs *xs);

/* A magic key of Linux's, by its letter. 0, -EINVAL or -ENOMEM. */
must_check int xs_domain_sysrq(struct xs *xs, char key);

/*
 * How much memory the guest shall keep, in whole KiB. 0, -ERANGE: it has less
 * than that, or -ENOMEM.
 */
must_check int xs_domain_set_memory(struct xs_domain *d, uint64_t bytes);
uint64_t xs_domain_memory(const struct xs_domain *d);

#endif
