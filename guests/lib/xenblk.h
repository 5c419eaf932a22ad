/* SPDX-License-Identifier: MIT */
/*
 * xenblk.h: the front-end's half of a disk of Xen's, with one ring, for good
 * and for evil. After xenbus_init. A 32-bit image speaks x86_32-abi. Source:
 * xen/io/blkif.h.
 */
#ifndef GUEST_XENBLK_H
#define GUEST_XENBLK_H

#include "xenbus.h"

#include <xen/io/blkif.h>

#define XENBLK_PAGES 16u /* of the largest ring */

/* Statuses, their sign turned. */
#define XENBLK_OK          0u
#define XENBLK_REFUSED     1u
#define XENBLK_UNSUPPORTED 2u

struct xenblk {
    struct front front;
    unsigned char *ring;
    unsigned order;
    uint32_t ring_refs[XENBLK_PAGES];
    blkif_front_ring_t r;
    uint32_t port;
};

/* A ring of 2^order pages of the caller's. ERROR if there is no such disk. */
void xenblk_open(struct xenblk *d, unsigned vdev, void *ring, unsigned order);

/* An empty ring, and all nodes that a back-end reads. */
void xenblk_offer(struct xenblk *d);
/* Offer, and be connected. */
void xenblk_connect(struct xenblk *d);

/* The slot that the next push shows; any of the structures fits. */
void *xenblk_slot(struct xenblk *d);
void xenblk_push(struct xenblk *d);
/* So many at once: the slots after one another were filled. */
void xenblk_push_n(struct xenblk *d, unsigned n);

/* The next answer, to be copied; NULL: none came in time. */
const blkif_response_t *xenblk_answer(struct xenblk *d);

#endif
