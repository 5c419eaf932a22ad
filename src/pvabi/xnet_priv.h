/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xnet_priv.h: what the files of the network back-end share: xnet.c (the
 * device), xnet_rx.c, xnet_tx.c (a ring each way), xnet_hdr.c (offloads, as
 * each side says them), xnet_ctrl.c (the control ring, and multicast).
 */
#ifndef PVABI_XNET_PRIV_H
#define PVABI_XNET_PRIV_H

#include "pvabi/xnet.h"

#include "pvabi/xen_abi.h"

#include <xen/io/netif.h>

#define XNET_MAC 6u

/* Slots with data of one packet sent; drivers keep to 18. */
#define XNET_MAX_SLOTS  32u
#define XNET_MAX_EXTRAS 8u
/* What is copied of a frame, where it is looked at: all headers. */
#define XNET_HEAD 128u

/* Slots a packet received can take: 64 KiB anywhere, and an extra. */
#define XNET_RX_BUFS 32u

#define XNET_MULTICAST 64u /* addresses a guest can list */

/* A receive buffer popped, and held, and not yet used. */
struct xnet_buf {
    uint16_t id;
    uint32_t ref;
    unsigned char *page;
};

struct xnet_rx {
    struct xnet_queue *q;
    struct xenbus_ring r;
    struct xnet_buf bufs[XNET_RX_BUFS]; /* a ring of count from first */
    unsigned first, count;
    unsigned want; /* buffers that a packet may take */
    bool dirty;    /* something was pushed */
    bool more;     /* something may be left to receive */
    /* The packet being received. */
    struct virtio_net_hdr_v1 hdr;
    struct iovec to[XNET_RX_BUFS + 2];
    unsigned offered; /* buffers in to */
    bool spared;      /* the second buffer was left out, for an extra */
    size_t held;      /* bytes of a packet that waits for buffers, or 0 */
    uint8_t spill[NET_MAX_FRAME]; /* what buffers did not take */
};

/* What is copied of a packet to send, before it is looked at. */
struct xnet_tx_head {
    struct virtio_net_hdr_v1 hdr;
    uint8_t frame[XNET_HEAD];
};

struct xnet_tx {
    struct xnet_queue *q;
    struct xenbus_ring r;
    /* The packet being sent: its slots, and what extras said. */
    struct netif_tx_request slots[XNET_MAX_SLOTS];
    unsigned n_slots;
    unsigned n_extras;
    struct netif_extra_info gso, mcast; /* type 0: none */
    unsigned n_held;                    /* slots whose pages are held */
    uint32_t held[XNET_MAX_SLOTS];      /* their grants */
    struct xnet_tx_head head;
    struct iovec iov[1 + XNET_MAX_SLOTS];
    struct net_pkt pkt;
    bool pending; /* it was refused: to be sent again */
    bool more;    /* something may be left to pop */
    unsigned done;
    size_t done_bytes; /* pushed, and not published yet */
};

struct xnet_queue {
    struct xnet *n;
    unsigned index;
    uint32_t rx_port, tx_port; /* the same where channels are not split */
    struct xnet_rx rx;
    struct xnet_tx tx;
};

/* The driver's list of multicast addresses that it wants to hear. */
struct xnet_multicast {
    bool on;
    unsigned n;
    uint8_t list[XNET_MULTICAST][XNET_MAC];
};

struct xnet {
    struct net *net; /* borrowed */
    struct xenbus bus;
    unsigned max_queues;
    unsigned n_queues; /* of this connection */
    bool attached;     /* the link is ours, and no emulated card's */
    bool connected;
    bool sg;           /* the driver takes packets of several buffers */
    unsigned offloads; /* NET_*: what the driver receives */
    struct xnet_multicast multicast;
    struct xenbus_ring ctrl;
    uint32_t ctrl_port; /* 0: none */
    bool more_control;  /* requests may be left */
    struct loop_op turn;
    struct loop_op tx_timer;
    struct xnet_queue *queues; /* owned: max_queues */
};

/* Have what was pushed published, and what is left done, after this turn. */
static inline void xnet_post(struct xnet *n)
{
    loop_post(n->bus.host.loop, &n->turn);
}

/* ---- xnet_rx.c, xnet_tx.c ---- */

/* Receive what there is and is room for; send what there is. */
void xnet_receive(struct xnet_rx *rx);
void xnet_transmit(struct xnet_tx *tx);

/* Before the first packet of a connection. */
void xnet_rx_start(struct xnet_rx *rx);
void xnet_tx_start(struct xnet_tx *tx);

/* Let go of every page, and forget what waits. */
void xnet_rx_stop(struct xnet_rx *rx);
void xnet_tx_stop(struct xnet_tx *tx);

/* ---- xnet_hdr.c ---- */

/* What the slots of a packet say of it. */
struct xnet_wants {
    bool csum;         /* its checksum is to be made whole */
    uint8_t gso_type;  /* XEN_NETIF_GSO_TYPE_* */
    uint16_t gso_size; /* with a type */
};

/*
 * The virtio header for a frame of total bytes, the first n of which are
 * here. May put the sum of the pseudo header in. False: the frame is not what
 * they say.
 */
must_check bool xnet_header(const struct xnet_wants *wants, uint8_t *frame,
                            size_t n, size_t total,
                            struct virtio_net_hdr_v1 *h);

/* A received packet's flags (NETRXF_*) and GSO type and size; 0: none. */
unsigned xnet_rx_flags(const struct virtio_net_hdr_v1 *h);
uint8_t xnet_gso_type(const struct virtio_net_hdr_v1 *h);

/* ---- xnet_ctrl.c ---- */

/* Take the control ring if the driver has one. 0 or -errno, refused. */
must_check int xnet_ctrl_connect(struct xnet *n);
void xnet_ctrl_disconnect(struct xnet *n);
/* Answer what is asked. */
void xnet_control(struct xnet *n);

/* An extra of type XEN_NETIF_EXTRA_TYPE_MCAST_*: did it do? */
bool xnet_multicast_change(struct xnet_multicast *m,
                           const struct netif_extra_info *extra);
/* Of a frame's destination: does the driver want it? */
bool xnet_multicast_passes(const struct xnet_multicast *m,
                           const uint8_t mac[XNET_MAC]);

#endif
