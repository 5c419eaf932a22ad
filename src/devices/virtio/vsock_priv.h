/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vsock_priv.h: what the files of the socket device share; see vsock.h.
 *
 * vsock.c has the queues, vsock_conn.c what a packet does to a connection,
 * vsock_flow.c the bytes and their credit.
 */
#ifndef VIRTIO_VSOCK_PRIV_H
#define VIRTIO_VSOCK_PRIV_H

#include "devices/virtio/vsock.h"
#include "vmm/log.h"

#include <linux/virtio_vsock.h>

#define VSOCK_HOST_CID 2u

#define VSOCK_QUEUE_SIZE 128u
/* Bytes of data in a packet to the guest; others have their turn then. */
#define VSOCK_MAX_DATA (64u * 1024)

/*
 * What of a guest's bytes a program of the host has not taken yet is kept
 * here, as far as the guest was told there is room. The first connections
 * have much, later ones little, all together 4 MiB: a guest can make us hold
 * no more. Touched only when a program lags behind.
 */
#define VSOCK_WIDE_CONNS  48u
#define VSOCK_WIDE_WINDOW (64u * 1024)
#define VSOCK_WINDOW      1024u

/* Refusals that wait for a buffer; while half are there no packet is taken. */
#define VSOCK_REFUSALS 128u

/* Seconds: to answer a connection, or the end of one. */
#define VSOCK_ANSWER_S 5u
#define VSOCK_CLOSE_S  8u

/* Ports the guest sees programs of the host at: from here on upwards. */
#define VSOCK_FIRST_PORT 0x40000000u
#define VSOCK_LAST_PORT  0x7fffffffu

#define VSOCK_BUCKETS 256u

enum vsock_state {
    VSOCK_FREE,
    VSOCK_CONNECTING, /* the guest asked; the host's side is not there yet */
    VSOCK_ASKED,      /* a program asked; the guest has not answered */
    VSOCK_UP,
    VSOCK_LINGER, /* the guest is through; its last bytes are being written */
};

/* Packets a connection owes the guest: bits, in the order they are sent. */
#define OWES_REQUEST        0x1u
#define OWES_RESPONSE       0x2u
#define OWES_CREDIT_UPDATE  0x4u
#define OWES_CREDIT_REQUEST 0x8u

struct vsock_conn {
    enum vsock_state state;
    struct uds_stream *stream; /* borrowed; VSOCK_FREE: meaningless */
    uint32_t guest_port;
    uint32_t host_port;
    struct vsock_conn *chain; /* of its bucket */
    struct vsock_conn *next;  /* of those with packets for the guest */
    bool due;                 /* is in that list */
    unsigned owes;
    /* the host's end */
    bool readable; /* there may be bytes */
    bool eof;      /* there are none any more */
    bool gone;     /* nobody reads what the guest writes */
    /* VIRTIO_VSOCK_SHUTDOWN_*: what each end said that it will not do */
    unsigned guest_said;
    unsigned host_said;
    /* to the guest: what it can take (5.10.6.3) */
    uint32_t peer_alloc;
    uint32_t peer_fwd;
    uint32_t tx_count;
    bool asked_credit;
    /* from the guest */
    uint32_t window;     /* our buf_alloc, constant */
    uint32_t rx_count;   /* bytes taken from it */
    uint32_t fwd;        /* of these, those the host has; the rest is parked */
    uint32_t told;       /* fwd, as the guest last heard */
    unsigned char *park; /* window bytes, a ring */
    uint32_t park_head;
};

/* Where a refusal goes. */
struct vsock_refusal {
    uint64_t cid; /* whom the guest wrote to */
    uint32_t guest_port;
    uint32_t host_port;
    uint16_t type;
};

struct vsock {
    struct uds *uds;   /* borrowed */
    struct loop *loop; /* borrowed */
    struct virtio *v;  /* borrowed; NULL while there is no transport */
    uint32_t cid;
    bool live;    /* a driver is there */
    bool lost;    /* connections ended without its doing: it will be told */
    bool tx_more; /* the guest may have sent packets */
    bool in_turn;
    struct loop_op turn;
    struct log_limit limit;
    uint32_t next_port;
    /* a buffer of the guest's, popped and not yet filled */
    struct vchain rx;
    bool rx_held;
    /* with packets for the guest, in order */
    struct vsock_conn *due_first;
    struct vsock_conn **due_end;
    struct vsock_refusal refusals[VSOCK_REFUSALS];
    unsigned n_refusals;
    unsigned first_refusal;
    unsigned char *parks; /* owned: all windows */
    struct vsock_conn *buckets[VSOCK_BUCKETS];
    struct vsock_conn conns[UDS_STREAMS]; /* one for each stream */
    struct iovec rx_iov[VIRTQ_MAX_IOV];
    struct iovec tx_iov[VIRTQ_MAX_IOV];
    struct iovec part[VIRTQ_MAX_IOV];
};

/* ---- vsock.c ---- */

/* Look after the queues at the end of this turn. */
void vsock_wake(struct vsock *v);

/* ---- vsock_conn.c ---- */

/* A packet of the guest's; c is its whole chain. */
void vsock_take(struct vsock *v, const struct virtio_vsock_hdr *h,
                const struct vchain *c);

/*
 * Write the next packet that is due into the chain: its bytes, or 0 if there
 * is none.
 */
uint32_t vsock_give(struct vsock *v, const struct vchain *c);

/* May be false: then vsock_give would only find that there is nothing. */
bool vsock_has_due(const struct vsock *v);

/* The connection has, or may have, something for the guest. */
void vsock_due(struct vsock *v, struct vsock_conn *c);

/* End a connection; say so to the guest if it knows of it. */
void vsock_drop(struct vsock *v, struct vsock_conn *c, bool tell);

/* End all without a word. */
void vsock_drop_all(struct vsock *v);

extern const struct uds_front vsock_front; /* owner to be filled in */

/* ---- vsock_flow.c ---- */

/* The part [off, off+len) of n segments, in at most max; how many. */
int vsock_cut(const struct iovec *iov, int n, uint64_t off, uint64_t len,
              struct iovec *out, int max);

/* Give a new connection its window. */
void vsock_flow_open(struct vsock *v, struct vsock_conn *c);

/*
 * Data of a packet, len bytes behind its header. False: the guest had not
 * the room it used.
 */
must_check bool vsock_flow_in(struct vsock *v, struct vsock_conn *c,
                              const struct vchain *chain, uint32_t len);

/* Bytes taken from the guest that the host has not. */
uint32_t vsock_parked(const struct vsock_conn *c);

/* There is room at the host's end: write what is parked. */
void vsock_unpark(struct vsock *v, struct vsock_conn *c);

/* Nobody reads any more: whatever the guest wrote and writes is lost. */
void vsock_flow_gone(struct vsock *v, struct vsock_conn *c);

/* Has the guest room for more? */
bool vsock_has_credit(const struct vsock_conn *c);

/* Read what the guest has room for into the chain, behind a header. */
uint32_t vsock_flow_out(struct vsock *v, struct vsock_conn *c,
                        const struct vchain *chain);

#endif
