/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net.h: a network link, with no idea of what ring is in front of it.
 *
 * A packet is a struct virtio_net_hdr_v1 (12 bytes; Linux's own tap speaks
 * it), which carries checksum and segmentation offload in both directions,
 * and a frame of Ethernet. It moves at once, inside net_send or net_recv, from
 * or to guest memory named by iovecs, and nothing of it is kept: a reset finds
 * nothing in flight. The header is in the caller's own memory, so that what
 * was checked is what is used.
 *
 * The front-end pulls what is received, when it has buffers: with none,
 * nothing is read, and the host's queue drops, not ours. A backend that knows
 * no offloads (user networking) has a software fallback.
 *
 * Thread: loop, board lock held. A front-end whose guest starts a packet by a
 * register write on a vCPU has the loop send it (loop_post).
 */
#ifndef BACKEND_NET_H
#define BACKEND_NET_H

#include "vmm/loop.h"
#include "vmm/types.h"

#include <linux/virtio_net.h>
#include <sys/uio.h>

#define NET_HDR 12u /* struct virtio_net_hdr_v1 */
/* The longest frame: 64 KiB of segments, Ethernet header, VLAN tag. */
#define NET_MAX_FRAME  (65535u + 14 + 4)
#define NET_MAX_QUEUES 8

struct net;

/* A packet to send, or room for one. */
struct net_pkt {
    /*
     * iov[0] begins with the header, NET_HDR bytes or more of the caller's
     * own memory; the rest is the frame, or where it is to go.
     */
    const struct iovec *iov;
    unsigned n;
    size_t bytes; /* of all of them */
};

/* Offloads a front-end may ask for. */
#define NET_CSUM 0x01u /* partial checksums */
#define NET_TSO4 0x02u
#define NET_TSO6 0x04u
#define NET_USO  0x08u

struct net_info {
    uint8_t mac[6];    /* what the guest's interface is to have */
    uint16_t mtu;      /* 0: not known */
    unsigned send;     /* NET_*: what may be sent */
    unsigned recv;     /* NET_*: what net_set_offloads can ask for */
    unsigned queues;   /* queue pairs */
    bool only_own_mac; /* frames from other addresses are not to be sent */
};

struct net_stats {
    uint64_t rx, tx, rx_bytes, tx_bytes; /* bytes: frames, no headers */
    uint64_t rx_dropped, tx_dropped;
};

enum net_kind {
    NET_TAP,  /* by name or by open descriptor */
    NET_USER, /* passt, started and supervised by us */
};

#define NET_MAX_HOSTFWD 16

struct net_config {
    enum net_kind kind;
    const char *ifname; /* NET_TAP; NULL with fd */
    int fd;             /* NET_TAP; -1: open ifname */
    /* NET_USER: "tcp:2222:22", "udp:127.0.0.1:53:53" */
    const char *hostfwd[NET_MAX_HOSTFWD];
    unsigned n_hostfwd;
    /* NET_USER: what the guest is told by DHCP; 0: the most that passt has */
    unsigned mtu;
    uint8_t mac[6];
    bool only_own_mac;
    unsigned queues; /* 1..NET_MAX_QUEUES */
    uint64_t pps;    /* 0: no limit; each direction */
    uint64_t bps;    /* bytes a second; 0: no limit; each direction */
};

/* Is it a way to forward a port, as in net_config? */
must_check bool net_hostfwd_valid(const char *text);

/*
 * Open the tap, or start passt. NULL after logging. Thread: the main one,
 * before the seal. An fd given is the net's from here on.
 */
struct net *net_open(const struct net_config *cfg);
/* Begin to listen; loop is borrowed. 0 or -errno, logged. */
must_check int net_start(struct net *net, struct loop *loop);
/* No front-end is attached. NULL is nothing. */
void net_close(struct net *net);

const struct net_info *net_info(const struct net *net);
void net_get_stats(const struct net *net, struct net_stats *out);
bool net_link_up(const struct net *net);

/* What a front-end is told, on the loop. */
struct net_front {
    /* There may be something to receive on a queue pair: until -EAGAIN. */
    void (*ready)(void *owner, unsigned queue);
    /* What net_send refused with -EAGAIN may be sent now, on every queue. */
    void (*room)(void *owner);
    /* The link went down (up is false) or came up. */
    void (*link)(void *owner, bool up);
};

/* One front-end at a time; NULL: none. */
void net_attach(struct net *net, const struct net_front *front, void *owner);

/* What the guest's driver can receive: of info's recv, what it accepted. */
void net_set_offloads(struct net *net, unsigned offloads);

/* How many queue pairs the driver uses: what comes in is spread over these. */
void net_set_queues(struct net *net, unsigned n);

/*
 * Send a packet. 0: the memory is the caller's again; the packet is under
 * way, or dropped and counted because the host does not take it. -EAGAIN: it
 * cannot be sent now; room will be called.
 */
must_check int net_send(struct net *net, unsigned queue,
                        const struct net_pkt *pkt);

/*
 * Receive a packet. Its size, header included, or -EAGAIN: none is there;
 * ready will be called. What does not fit is lost. The header's num_buffers
 * is the caller's to fill in.
 */
must_check int net_recv(struct net *net, unsigned queue,
                        const struct net_pkt *room);

/* The front-end threw away a packet: for the statistics. */
void net_dropped(struct net *net, bool sending);

#endif
