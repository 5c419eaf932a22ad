/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xblk_priv.h: what xblk.c (the device), xblk_req.c (one request) and
 * xblk_grants.c (the pages of requests) share.
 */
#ifndef PVABI_XBLK_PRIV_H
#define PVABI_XBLK_PRIV_H

#include "pvabi/pace.h"
#include "pvabi/xblk.h"

#include "pvabi/xen_abi.h"

#include <xen/io/blkif.h>

#define XBLK_MAX_ORDER    4u    /* rings of up to 16 pages */
#define XBLK_MAX_SLOTS    512u  /* that these have */
#define XBLK_MAX_INDIRECT 256u  /* segments */
#define XBLK_LONG_LISTS   16u   /* long lists for each queue */
#define XBLK_MAX_KEPT     1056u /* grants a queue keeps at most */

#define XBLK_SHORT BLKIF_MAX_SEGMENTS_PER_REQUEST

/* What a request is done in, in this order. */
#define XBLK_PRE_FLUSH  0x1u
#define XBLK_DATA       0x2u
#define XBLK_POST_FLUSH 0x4u

/* A grant kept from request to request. */
struct xblk_kept {
    uint32_t ref;
    uint16_t users;      /* requests in flight that use it */
    uint16_t prev, next; /* by last use; an index, or XBLK_NONE */
    uint16_t chain;      /* with the same hash */
    unsigned char *page;
};

#define XBLK_NONE    UINT16_MAX
#define XBLK_BUCKETS 512u

/* The grants a queue keeps. */
struct xblk_cache {
    struct xblk_kept *kept; /* owned: XBLK_MAX_KEPT; NULL: not offered */
    bool on;                /* the front-end keeps them too */
    unsigned n;
    uint16_t newest, oldest;
    uint16_t buckets[XBLK_BUCKETS];
};

/* A page held for a request: by its own grant, or by one that is kept. */
struct xblk_hold {
    uint32_t ref;
    uint16_t kept; /* index, or XBLK_NONE */
};

struct xblk_list {
    struct iovec iov[XBLK_MAX_INDIRECT];
    struct xblk_hold holds[XBLK_MAX_INDIRECT];
};

struct xblk_slot {
    struct blk_req req;
    struct xblk_queue *queue;
    uint64_t id;         /* the guest's, echoed */
    uint8_t op;          /* echoed */
    uint8_t steps;       /* XBLK_* still to be done */
    enum blk_op data_op; /* with its range */
    uint64_t offset, len;
    bool for_writing; /* how its pages are held */
    uint16_t n_holds;
    int n_iov;
    struct xblk_list *longer; /* borrowed from the queue, or NULL */
    struct iovec *iov;        /* one of the two below */
    struct xblk_hold *holds;
    struct iovec short_iov[XBLK_SHORT];
    struct xblk_hold short_holds[XBLK_SHORT];
};

struct xblk_queue {
    struct xblk *b;
    struct xenbus_ring r;
    uint32_t port;                       /* 0: none */
    struct xblk_slot *slots;             /* owned: XBLK_MAX_SLOTS */
    uint16_t free_slots[XBLK_MAX_SLOTS]; /* a stack */
    unsigned n_free_slots;
    struct xblk_list *lists;                 /* owned: XBLK_LONG_LISTS */
    struct xblk_list *free[XBLK_LONG_LISTS]; /* those not in use */
    unsigned n_free;
    struct xblk_slot *barrier; /* nothing is popped until it ended */
    bool barrier_runs;         /* all before it ended */
    bool dirty;                /* something was pushed; the turn is posted */
    bool more;                 /* something may be left to pop */
    struct pace pace;
    struct loop_op look; /* the timer of a queue that is looked at */
    bool looking;        /* it runs, and the guest was not asked to notify */
    struct xblk_cache cache;
    struct blkif_request_segment segments[XBLK_MAX_INDIRECT];
};

struct xblk {
    struct blk *blk; /* borrowed */
    struct xenbus bus;
    struct xblk_config cfg;
    unsigned n_queues; /* of this connection */
    bool is32;         /* its requests are laid out as a 32-bit guest's */
    bool persistent;   /* grants are kept */
    bool stopping;
    struct loop_op turn;
    struct xblk_queue queues[XBLK_MAX_QUEUES];
};

/*
 * A request of any kind, as 64-bit guests lay it out. That of 32-bit guests
 * is the same without the 4 bytes of padding behind the first 4.
 */
union xblk_request {
    struct blkif_request rw;
    struct blkif_request_discard discard;
    struct blkif_request_indirect indirect;
    unsigned char bytes[sizeof(struct blkif_request)];
};

#define XBLK_PADDING 4u /* what 32-bit guests leave out */

/* Bytes of a slot of the ring. */
static inline uint32_t xblk_slot_bytes(const struct xblk *b)
{
    return sizeof(union xblk_request) - (b->is32 ? XBLK_PADDING : 0);
}

/* ---- xblk_req.c ---- */

/*
 * Answer a request that was popped, or submit it to the disk. Needs a free
 * list and a free slot.
 */
void xblk_take(struct xblk_queue *queue, const union xblk_request *r);
/* The queue stops: answer a barrier that waits for others. */
void xblk_drop_barrier(struct xblk_queue *queue);

/* ---- xblk_grants.c ---- */

/*
 * Hold the pages of n segments and make an iovec of them, for the slot's
 * request. The bytes, or -errno; then nothing is held.
 */
must_check int64_t xblk_hold(struct xblk_slot *s,
                             const struct blkif_request_segment *segs,
                             unsigned n);
/* Let go of all pages of the slot's. */
void xblk_let_go(struct xblk_slot *s);

void xblk_cache_init(struct xblk_cache *c);
/* Give back all that is kept; nothing of it is in use. */
void xblk_cache_empty(struct xblk_queue *queue);

#endif
