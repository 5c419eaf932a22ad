/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs_ring.h: the page by which a guest speaks to the store. Source: Xen's
 * docs/misc/xenstore-ring.txt.
 *
 * What the guest breaks (indices, a message too long) ends the connection
 * with a word in the page's error field; it can ask for a new one by the
 * connection field.
 *
 * Thread: any, board lock held; all work is done by the loop.
 */
#ifndef PVABI_XS_RING_H
#define PVABI_XS_RING_H

#include "mmu/gmem.h"
#include "pvabi/xenstore.h"

struct xs_ring;

/*
 * Serve the guest of xs on a page, whose indices are taken as they are; win
 * (copied) is that page, or the structure in it. notify tells the guest that
 * the ring changed: on the loop thread, lock held. NULL after logging.
 */
struct xs_ring *xs_ring_create(struct xs *xs, struct loop *loop,
                               const struct gwin *win,
                               void (*notify)(void *owner), void *owner);
/* Its watches and transactions end with it. */
void xs_ring_destroy(struct xs_ring *r);

/* The guest says that the ring changed. */
void xs_ring_kick(struct xs_ring *r);

#endif
