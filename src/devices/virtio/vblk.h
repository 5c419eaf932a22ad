/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vblk.h: the block device (virtio 1.2, 5.2) in front of a struct blk.
 */
#ifndef VIRTIO_VBLK_H
#define VIRTIO_VBLK_H

#include "devices/backend/blk.h"
#include "devices/virtio/virtio.h"

#define VBLK_MAX_QUEUES 16
#define VBLK_ID_BYTES   20

struct vblk_config {
    unsigned queues;        /* 1..VBLK_MAX_QUEUES */
    uint16_t queue_size;    /* power of two, 4..VIRTQ_MAX_SIZE */
    char id[VBLK_ID_BYTES]; /* what GET_ID answers; NUL-padded */
};

struct vblk;

/*
 * Make the front-end of a started disk; blk and loop are borrowed. NULL after
 * logging.
 */
struct vblk *vblk_create(struct blk *blk, struct loop *loop,
                         const struct vblk_config *cfg);
/* After its transport; nothing is in flight. */
void vblk_destroy(struct vblk *b);

extern const struct virtio_dev_ops vblk_ops;

#endif
