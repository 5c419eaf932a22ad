/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vblk_priv.h: what vblk.c (the device) and vblk_req.c (one request) share.
 */
#ifndef VIRTIO_VBLK_PRIV_H
#define VIRTIO_VBLK_PRIV_H

#include "devices/virtio/vblk.h"

#define VBLK_SHORT_IOV 6  /* segments a slot holds itself */
#define VBLK_LONG_IOVS 16 /* long arrays for each queue */

/* Per request; large enough for any file system's trim (5.2.4). */
#define VBLK_RANGE_SECTORS (1u << 22)

struct vblk_slot {
    struct blk_req req;
    struct vblk_queue *queue;
    unsigned char *status;  /* guest memory: the byte the driver waits for */
    uint32_t read_bytes;    /* written to the guest if it succeeds */
    struct iovec *longer;   /* borrowed from the queue, or NULL */
    struct vblk_slot *next; /* cancelled, to be submitted again */
    struct iovec iov[VBLK_SHORT_IOV];
};

struct vblk_queue {
    struct vblk *b;
    unsigned index;
    struct vblk_slot *slots;            /* owned, by head */
    struct iovec *arrays;               /* owned: all the long arrays */
    struct iovec *free[VBLK_LONG_IOVS]; /* those not in use */
    unsigned n_free;
    bool dirty; /* something was pushed; the turn is posted */
    bool more;  /* something may be left to pop */
};

struct vblk {
    struct blk *blk;   /* borrowed */
    struct loop *loop; /* borrowed */
    struct virtio *v;  /* borrowed */
    struct vblk_config cfg;
    bool write_cache;  /* the configuration's writeback field */
    bool cache_chosen; /* by the driver, since the device was stopped */
    struct loop_op turn;
    int stopping;                /* the one queue being stopped, or -1 */
    struct vblk_slot *cancelled; /* of other queues, meanwhile */
    struct iovec scratch[VIRTQ_MAX_IOV];
    struct vblk_queue queues[VBLK_MAX_QUEUES];
};

/* Segments of payload; header and status take a descriptor each. */
static inline uint16_t vblk_max_segments(const struct vblk *b)
{
    return (uint16_t)(b->cfg.queue_size - 2);
}

/*
 * Take a popped chain apart: answer it at once, or submit it to the disk.
 * Needs a free long array.
 */
void vblk_take(struct vblk_queue *queue, struct vchain *c);

#endif
