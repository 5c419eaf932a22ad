/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net_priv.h: what the files of the network backend share; see net.h.
 *
 * Every loop_op of a net has the struct net, or the queue in it, as owner.
 */
#ifndef BACKEND_NET_PRIV_H
#define BACKEND_NET_PRIV_H

#include "devices/backend/net.h"
#include "devices/backend/net_csum.h"
#include "devices/backend/ratelimit.h"
#include "vmm/log.h"

struct net_ops {
    /* Listen: the loop is known. 0 or -errno, logged. */
    int (*start)(struct net *net);
    /*
     * 0, -EAGAIN if it cannot be taken now (net_room is called when it can),
     * or another -errno: the packet is lost.
     */
    int (*send)(struct net *net, unsigned queue, const struct net_pkt *pkt);
    /* Bytes, -EAGAIN, or another -errno: the link is broken. */
    int (*recv)(struct net *net, unsigned queue, const struct net_pkt *room);
    /* May be NULL. */
    void (*set_offloads)(struct net *net, unsigned offloads);
    void (*set_queues)(struct net *net, unsigned n);
    /* Stop listening, if it was begun, and free everything. */
    void (*close)(struct net *net);
};

/* One direction's rate. */
struct net_rate {
    struct ratelimit limit;
    struct loop_op timer; /* in flight: nothing passes until it fires */
    uint64_t owed;        /* then: bytes that passed and are to be paid for */
};

/* The first member of each implementation's own struct. */
struct net {
    const struct net_ops *ops;
    char name[64];     /* for messages */
    struct loop *loop; /* borrowed; NULL until net_start */
    struct net_info info;
    struct net_stats stats;
    struct net_rate tx, rx;
    const struct net_front *front; /* borrowed; NULL: none */
    void *owner;
    bool down;
};

/* Set up what is common; ops, name and the rest are the caller's. */
void net_init(struct net *net, const struct net_ops *ops,
              const struct net_config *cfg);

/* From an implementation's callbacks to the front-end. */
void net_ready(struct net *net, unsigned queue);
void net_room(struct net *net);
/* The link is gone for good; logged once, with why. */
void net_link_lost(struct net *net, const char *why);

/* The implementations: NULL after logging. */
struct net *net_tap_open(const struct net_config *cfg);
struct net *net_user_open(const struct net_config *cfg);

/*
 * Frames over a stream socket, each behind its length in 4 bytes, big endian.
 * fd is the net's from here on. NULL after logging.
 */
struct net *net_stream_open(const struct net_config *cfg, const char *name,
                            int fd);

#endif
