/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net.h: a network link, with no idea of what ring is in front of it.
 *
 * Packets move as iovecs into guest memory, each beginning with a struct
 * virtio_net_hdr_v1 (12 bytes; Linux's own tap speaks it), which carries
 * checksum and segmentation offload in both directions. A backend that knows
 * no offloads (user networking) is given a software fallback by net.c.
 *
 * Transmit: the front-end owns the packet until done. Receive: the front-end
 * posts empty buffers; the backend fills them in order. With no buffer posted
 * nothing is read: the host's queue drops, not ours.
 *
 * Thread: board lock held, loop thread; net_send also from a vCPU thread.
 */
#ifndef BACKEND_NET_H
#define BACKEND_NET_H

#include "vmm/loop.h"
#include "vmm/types.h"

#include <sys/uio.h>

#define NET_HDR 12u /* struct virtio_net_hdr_v1 */

struct net_pkt;
typedef void net_done_fn(struct net_pkt *pkt);

struct net_pkt {
    const struct iovec *iov; /* borrowed until done; header first */
    int n_iov;
    unsigned queue; /* queue pair */
    net_done_fn *done;
    void *owner;
    int result; /* bytes moved, header included, or -errno */
    /* net's own */
    struct loop_op io;
    struct net *net;
    struct net_pkt *next;
};

struct net;

/* Offloads a front-end may ask for, as Linux's TUN_F_*. */
#define NET_CSUM 0x01u
#define NET_TSO4 0x02u
#define NET_TSO6 0x04u
#define NET_USO  0x08u

struct net_info {
    uint8_t mac[6];
    uint16_t mtu;      /* 0: not known */
    unsigned offloads; /* NET_*: what the backend can take and give */
    unsigned queues;   /* queue pairs */
};

struct net_stats {
    uint64_t rx, tx, rx_bytes, tx_bytes;
    uint64_t rx_dropped, tx_dropped;
};

enum net_kind {
    NET_TAP,  /* by name or by open descriptor */
    NET_USER, /* passt, started and supervised by us */
};

struct net_config {
    enum net_kind kind;
    const char *ifname;      /* NET_TAP; NULL with fd */
    int fd;                  /* NET_TAP; -1: open ifname */
    const char *hostfwd[16]; /* NET_USER: "tcp:2222:22" */
    unsigned n_hostfwd;
    uint8_t mac[6]; /* all zero: made from the guest's name */
    unsigned queues;
    uint64_t pps; /* 0: no limit; each direction */
    uint64_t bps; /* bytes a second; 0: no limit; each direction */
};

struct net *net_open(const struct net_config *cfg); /* NULL after logging */
must_check int net_start(struct net *net, struct loop *loop);
void net_close(struct net *net); /* nothing in flight */

const struct net_info *net_info(const struct net *net);
void net_get_stats(const struct net *net, struct net_stats *out);

/* Told of the link's state; on the loop. */
void net_attach(struct net *net, void (*link)(void *owner, bool up),
                void *owner);

/* What the guest's driver can receive: NET_* it accepted. */
void net_set_offloads(struct net *net, unsigned offloads);

void net_send(struct net *net, struct net_pkt *pkt);
void net_post_rx(struct net *net, struct net_pkt *pkt);

/* Give back every packet of a queue pair (result -ECANCELED). */
void net_drain(struct net *net, unsigned queue);

#endif
