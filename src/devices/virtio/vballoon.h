/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vballoon.h: the memory balloon (virtio 1.2, 5.5): the guest gives pages up
 * and the host has them. Thread: loop, board lock held.
 */
#ifndef VIRTIO_VBALLOON_H
#define VIRTIO_VBALLOON_H

#include "devices/virtio/virtio.h"

struct vballoon;

#define VBALLOON_UNKNOWN UINT64_MAX

/* All in bytes but age; what the driver does not tell is VBALLOON_UNKNOWN. */
struct vballoon_status {
    uint64_t target;    /* what the operator wants the guest to have */
    uint64_t actual;    /* what it has, by its own account */
    uint64_t returned;  /* to the host so far, also by free-page reports */
    uint64_t free;      /* of the guest's own statistics, */
    uint64_t available; /* as they were */
    uint64_t total;     /* so many */
    uint64_t age;       /* seconds ago; UNKNOWN: never told */
    bool driven;        /* a driver is there */
};

/*
 * Make the device for a guest whose memory is mem (borrowed, as loop), which
 * shall have target bytes of it. NULL after logging.
 */
struct vballoon *vballoon_create(struct loop *loop, struct gmem *mem,
                                 uint64_t target);
/* After its transport. */
void vballoon_destroy(struct vballoon *b);

/* What the guest shall have: from 0 to all of its memory. */
void vballoon_set_target(struct vballoon *b, uint64_t target);

/* What is known; the guest is asked for newer numbers, for next time. */
void vballoon_get_status(struct vballoon *b, struct vballoon_status *out);

extern const struct virtio_dev_ops vballoon_ops;

#endif
