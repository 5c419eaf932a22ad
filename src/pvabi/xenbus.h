/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenbus.h: the back-end's half of a split device, over the xenstore.
 *
 * A device is two directories, the front-end's (the guest writes there) and
 * the back-end's (we do); each half tells the other of its state in a node
 * "state" of its own. xenbus.c is that state machine and knows no device; a
 * device (blk, net) is a const struct xenbus_ops and private state, and knows
 * rings and nodes, not states.
 *
 * What a front-end says is read once, when it says that it is ready; what it
 * writes afterwards is nothing to us before it connects anew. A front-end may
 * go through its states in any order and as often as it likes: each state has
 * one answer. What breaks the rules, in nodes or on a ring, ends the
 * connection: Closing, with the reason in the back-end's error node and in the
 * log. The front-end can then close and begin again; kexec and reloaded
 * modules do so too.
 *
 * A device whose "online" the operator makes 0 (`vmm xs NAME write`) closes,
 * and has no directories any more once its front-end has closed too. It comes
 * back with the machine's next reset.
 *
 * Source: xen/io/xenbus.h, the state diagrams in xen/io/blkif.h.
 * Thread: loop, board lock held.
 */
#ifndef PVABI_XENBUS_H
#define PVABI_XENBUS_H

#include "pvabi/evtchn.h"
#include "pvabi/grant.h"
#include "pvabi/xenstore.h"
#include "pvabi/xring.h"
#include "vmm/log.h"
#include "vmm/loop.h"

#include <xen/io/xenbus.h>

/* What a back-end needs of the machine; all borrowed. */
struct xenbus_host {
    struct loop *loop;
    struct xs *xs;
    struct gnttab *gnt;
    struct evtchn *events;
};

struct xenbus_ops {
    const char *type; /* "vbd", "vif" */
    /* Write what a front-end may know before it connects. */
    void (*describe)(void *dev);
    /*
     * The front-end is ready: read its nodes, take its rings and ports, and
     * write what it reads next. 0, or -errno after xenbus_refuse.
     */
    int (*connect)(void *dev);
    /* The state is Connected, and the front-end has been told. */
    void (*connected)(void *dev);
    /*
     * Bring all in flight to its end and give back rings and ports, also
     * those of a connect that failed half-way.
     */
    void (*disconnect)(void *dev);
    /* A node of the front-end's may have changed, while connected; or NULL. */
    void (*changed)(void *dev);
};

#define XENBUS_PATH 96u /* bytes of a path to a node of ours */

struct xenbus {
    const struct xenbus_ops *ops; /* borrowed */
    void *dev;                    /* borrowed */
    struct xenbus_host host;
    unsigned id;
    enum xenbus_state state;
    bool live;           /* between connect and disconnect */
    bool leaving;        /* not online: ends for good when it is closed */
    bool gone;           /* it did */
    bool denied;         /* the store took something not: out of memory */
    struct loop_op fail; /* the device found something broken */
    const char *why;     /* what */
    char front[XENBUS_PATH];
    char back[XENBUS_PATH];
    struct xs_watch watch, online;
    struct log_limit limit;
};

/*
 * Make both directories and offer the device. id is a number below 2^28: the
 * virtual device's. 0 or -ENOMEM, logged. On an error nothing is left.
 */
must_check int xenbus_init(struct xenbus *x, const struct xenbus_host *host,
                           const struct xenbus_ops *ops, void *dev,
                           unsigned id);
/* Disconnect and take the directories away. */
void xenbus_fini(struct xenbus *x);

/* Write a node of the back-end's, or (front) of the front-end's. */
void xenbus_put(struct xenbus *x, const char *node, const char *fmt, ...)
    printf_like(3, 4);
void xenbus_put_front(struct xenbus *x, const char *node, const char *fmt, ...)
    printf_like(3, 4);

/*
 * A number the front-end wrote: absent is what it counts as if there is no
 * such node. 0, or -EINVAL for what is none or above max: refused.
 */
must_check int xenbus_get(struct xenbus *x, const char *node, uint64_t max,
                          uint64_t absent, uint64_t *out);
/* Is a feature's node there and 1? What is no number is no. */
bool xenbus_has(const struct xenbus *x, const char *node);
/* A string of the front-end's; NULL: none, or too long. */
const char *xenbus_get_text(const struct xenbus *x, const char *node, char *buf,
                            size_t size);

/* Tell the front-end to look at our nodes again. */
void xenbus_announce(struct xenbus *x);

/*
 * Connect fails: say why, to the log and to the front-end. Always -EPROTO.
 */
int xenbus_refuse(struct xenbus *x, const char *fmt, ...) printf_like(2, 3);
/*
 * The front-end broke a ring (why is a literal): the connection ends, after
 * the callback that this is called from. The device touches nothing more.
 */
void xenbus_broken(struct xenbus *x, const char *why);

/* ---- rings and ports of one connection ---- */

/* One ring with the grants its pages are held by. */
struct xenbus_ring {
    struct xring ring;
    uint32_t refs[XRING_MAX_PAGES];
    unsigned n_pages; /* 0: none */
};

/*
 * Where a front-end's nodes about queue i of n are: its name in buf, which
 * has XENBUS_NODE bytes.
 */
#define XENBUS_NODE 48u
const char *xenbus_queue_node(char *buf, unsigned i, unsigned n,
                              const char *node);

/*
 * Take the ring of 2^order pages that the nodes starting with `node` tell of,
 * with slots of so many bytes. 0 or -errno, refused.
 */
must_check int xenbus_take_ring(struct xenbus *x, const char *node,
                                unsigned order, uint32_t slot,
                                struct xenbus_ring *out);
/* Stop the ring and give its pages back; one without pages is left alone. */
void xenbus_drop_ring(struct xenbus *x, struct xenbus_ring *r);

/*
 * Take the event channel that a node tells of; fn is called for its events.
 * 0 and *port, or -errno, refused.
 */
must_check int xenbus_take_port(struct xenbus *x, const char *node,
                                void (*fn)(void *owner), void *owner,
                                uint32_t *port);
/* Port 0 is none. */
void xenbus_drop_port(struct xenbus *x, uint32_t *port);

#endif
