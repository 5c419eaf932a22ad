/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vnet_priv.h: what the files of the network device share: vnet.c (the
 * device), vnet_rx.c, vnet_tx.c (a queue each way), vnet_ctrl.c (the control
 * queue), vnet_filter.c (what the driver wants to hear).
 */
#ifndef VIRTIO_VNET_PRIV_H
#define VIRTIO_VNET_PRIV_H

#include "devices/virtio/vnet.h"

/* One chain's iovecs: a descriptor may lie across two slots of RAM. */
#define VNET_CHAIN_IOV (VNET_MAX_SIZE + 2)
#define VNET_POOL_IOV  (512u + VNET_CHAIN_IOV)
#define VNET_READ_IOV  1024u /* what one readv(2) takes */

#define VNET_MAC       6u
#define VNET_MAC_TABLE 64u
#define VNET_VLANS     4096u

/* What the driver wants to hear (5.1.6.5.1 to 5.1.6.5.3). */
struct vnet_filter {
    bool promisc, allmulti, alluni, nomulti, nouni, nobcast;
    bool all_table_uni, all_table_multi; /* more than the table holds */
    unsigned n_table;
    uint8_t table[VNET_MAC_TABLE][VNET_MAC];
    bool by_vlan;
    uint8_t vlans[VNET_VLANS / 8];
};

/* A chain popped and not yet used. */
struct vnet_buf {
    uint16_t head;
    uint16_t n_iov;
    uint32_t at;    /* of its iovecs, counted from the queue's start */
    uint64_t bytes; /* room */
};

struct vnet_rx {
    struct vnet *n;
    unsigned pair;
    struct vnet_buf bufs[VNET_MAX_SIZE]; /* a ring of count from first */
    unsigned first, count;
    struct iovec pool[VNET_POOL_IOV]; /* their iovecs, [begin, end) */
    uint32_t base, end;               /* pool[0] is number base */
    unsigned want;                    /* buffers that a packet may take */
    bool dirty;                       /* something was pushed */
    bool more;                        /* something may be left to receive */
    /* The packet being received. */
    struct virtio_net_hdr_v1 hdr;
    struct iovec to[VNET_READ_IOV];
    unsigned n_to;
    unsigned offered; /* buffers in to */
    uint64_t room;    /* bytes of these */
    uint64_t held;    /* bytes of a packet that waits for buffers, or 0 */
    uint8_t spill[NET_MAX_FRAME]; /* what buffers did not take */
};

/* What is copied of a packet to send, before it is looked at. */
struct vnet_tx_head {
    struct virtio_net_hdr_v1 hdr;
    uint8_t ethernet[14]; /* only where the source is checked */
};

struct vnet_tx {
    struct vnet *n;
    unsigned pair;
    struct vnet_tx_head head;
    struct vchain c; /* the one being sent: header and more cut off */
    struct net_pkt pkt;
    bool pending; /* it was refused: to be sent again */
    bool more;    /* something may be left to pop */
    unsigned done;
    size_t done_bytes; /* pushed, and not published yet */
    struct iovec iov[1 + VNET_CHAIN_IOV];
};

struct vnet {
    struct net *net;   /* borrowed */
    struct loop *loop; /* borrowed */
    struct virtio *v;  /* borrowed; NULL without a transport */
    struct vnet_config cfg;
    unsigned max_pairs;
    bool started;
    bool mergeable;
    size_t hdr_len;    /* of the driver's header */
    unsigned pairs;    /* that the driver uses */
    unsigned offloads; /* NET_*: what the driver receives */
    uint8_t mac[VNET_MAC];
    struct vnet_filter filter;
    struct loop_op turn;
    struct loop_op tx_timer;
    struct vnet_rx *rx; /* owned: max_pairs of them */
    struct vnet_tx *tx; /* owned: as many */
    bool more_control;  /* commands may be left */
    struct iovec ctrl_iov[VNET_CHAIN_IOV];
};

#define VNET_BIT(n) ((uint64_t)1 << (n))

/* Virtio 1.2, not in every system's header. */
#define VNET_F_GUEST_USO4 54
#define VNET_F_GUEST_USO6 55
#define VNET_F_HOST_USO   56
#define VNET_GSO_UDP_L4   5

static inline struct virtq *vnet_rx_queue(const struct vnet_rx *rx)
{
    return virtio_queue(rx->n->v, 2 * rx->pair);
}

static inline struct virtq *vnet_tx_queue(const struct vnet_tx *tx)
{
    return virtio_queue(tx->n->v, 2 * tx->pair + 1);
}

/* Have what was pushed published, and what is left done, after this turn. */
static inline void vnet_post(struct vnet *n)
{
    loop_post(n->loop, &n->turn);
}

/* ---- vnet_rx.c, vnet_tx.c ---- */

/* Receive what there is and is room for; send what there is. */
void vnet_receive(struct vnet_rx *rx);
void vnet_transmit(struct vnet_tx *tx);

/* Give every chain back, not yet published, and forget what waits. */
void vnet_rx_stop(struct vnet_rx *rx);
void vnet_tx_stop(struct vnet_tx *tx);

/* ---- vnet_ctrl.c ---- */

void vnet_control(struct vnet *n, unsigned q);

/* The offloads, as NET_*, among feature bits of what the guest receives. */
unsigned vnet_guest_offloads(uint64_t features);

/* The driver uses the first so many pairs from now on. */
void vnet_use_pairs(struct vnet *n, unsigned pairs);

/* ---- vnet_filter.c ---- */

#define VNET_FILTER_BYTES                              \
    18u /* of a frame, that decide: two MACs, VLAN tag \
         */

/* Before the driver said anything: everything passes. */
void vnet_filter_init(struct vnet_filter *f);
/* Does everything pass, unseen? */
bool vnet_filter_is_open(const struct vnet_filter *f);
/* Of a frame's first bytes: does the driver want it? */
bool vnet_filter_passes(const struct vnet_filter *f,
                        const uint8_t mac[VNET_MAC],
                        const uint8_t frame[VNET_FILTER_BYTES]);
/* Forget the table of addresses, and add to it; overflow: let all pass. */
void vnet_filter_clear(struct vnet_filter *f);
void vnet_filter_add(struct vnet_filter *f, const uint8_t mac[VNET_MAC]);
void vnet_filter_set_vlan(struct vnet_filter *f, unsigned vlan, bool pass);

#endif
