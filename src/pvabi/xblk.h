/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xblk.h: the block back-end (xen/io/blkif.h) in front of a struct blk.
 */
#ifndef PVABI_XBLK_H
#define PVABI_XBLK_H

#include "devices/backend/blk.h"
#include "pvabi/xenbus.h"

#define XBLK_MAX_QUEUES 16

struct xblk_config {
    unsigned queues;  /* 1..XBLK_MAX_QUEUES */
    unsigned vdev;    /* the virtual device's number: xblk_vdev */
    bool cdrom;       /* a CD-ROM drive, over a read-only disk */
    bool persistent;  /* offer to keep grants from request to request */
    const char *name; /* "xvda", borrowed */
};

struct xblk;

/* The number of the nth disk (Xen's xen-vbd-interface(7)): xvda, xvdb... */
unsigned xblk_vdev(unsigned nth);

/*
 * Make the back-end of a started disk, and offer it to the guest; blk is
 * borrowed. NULL after logging.
 */
struct xblk *xblk_create(struct blk *blk, const struct xenbus_host *host,
                         const struct xblk_config *cfg);
/* Drains what is in flight. */
void xblk_destroy(struct xblk *b);

#endif
