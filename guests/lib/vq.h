/* SPDX-License-Identifier: MIT */
/*
 * vq.h: a split virtqueue, driven from the driver's side.
 * Source: virtio 1.2, 2.7.
 *
 * Well-behaved use: vq_open, then vq_add and vq_kick, vq_get, vq_wait. A
 * hostile test writes the ring itself, with vq_put for a descriptor, vq_offer
 * and vq_publish; the two do not mix on one queue without vq_open in between.
 *
 * A struct vq is the ring's memory too: make it static, so that it is aligned
 * and zeroed. It reads 16 KiB.
 */
#ifndef GUEST_VQ_H
#define GUEST_VQ_H

#include "virtio.h"

#define VQ_MAX 256u /* entries */

#define VQ_NEXT     1u
#define VQ_WRITE    2u
#define VQ_INDIRECT 4u

#define VQ_NO_INTERRUPT 1u /* in avail.flags */
#define VQ_NO_NOTIFY    1u /* in used.flags */

struct vq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

struct vq_avail {
    uint16_t flags;
    uint16_t idx;
    uint16_t ring[VQ_MAX + 1]; /* used_event is ring[size] */
};

struct vq_elem {
    uint32_t id;
    uint32_t len;
};

struct vq_used {
    uint16_t flags;
    uint16_t idx;
    struct vq_elem ring[VQ_MAX + 1]; /* avail_event is in ring[size].id */
};

struct vq {
    struct vq_desc desc[VQ_MAX] __attribute__((aligned(4096)));
    struct vq_avail avail __attribute__((aligned(4096)));
    struct vq_used used __attribute__((aligned(4096)));
    struct virtio *dev; /* borrowed */
    uint16_t index;
    uint16_t size;
    bool event_idx;
    uint16_t next;           /* entry of avail to be filled next */
    uint16_t seen;           /* entry of used to be looked at next */
    uint16_t told;           /* what was published when the device was told */
    uint16_t n_free;         /* descriptors */
    uint16_t first_free;     /* the others by link */
    uint16_t link[VQ_MAX];   /* our own: what is in desc the device sees */
    uint16_t length[VQ_MAX]; /* of the chain that begins here */
};

/* A buffer of a chain. */
struct vq_buf {
    uint64_t addr;
    uint32_t len;
};

/* A buffer in this guest's memory. */
#define VQ_BUF(p, n) ((struct vq_buf){(uintptr_t)(p), (uint32_t)(n)})

/*
 * Begin with an empty ring of size entries (0: as many as the device and
 * VQ_MAX allow) and enable it. dev: after virtio_begin.
 */
void vq_open(struct vq *q, struct virtio *dev, uint16_t index, uint16_t size);

/* The same, but nothing is said to the device; for vq_place. */
void vq_clear(struct vq *q, struct virtio *dev, uint16_t index, uint16_t size);
struct virtio_place vq_place(const struct vq *q);

/*
 * Add a chain of n_out buffers to be read, then n_in to be written. Its head,
 * or -1: no room. Not yet visible.
 */
int vq_add(struct vq *q, const struct vq_buf *bufs, unsigned n_out,
           unsigned n_in);
/* The same by an indirect table (the caller's, one entry per buffer). */
int vq_add_indirect(struct vq *q, struct vq_desc *table,
                    const struct vq_buf *bufs, unsigned n_out, unsigned n_in);

/* Publish what was added; notify if the device wants it. True if it did. */
bool vq_kick(struct vq *q);

/* The next used chain, whose descriptors are free then; false: none. */
bool vq_get(struct vq *q, uint16_t *head, uint32_t *written);
/* Is there one? */
bool vq_has(const struct vq *q);
/* Wait until there is one, spinning; says whether it came. */
bool vq_wait(const struct vq *q, uint64_t ns);

/* Ask for an interrupt at the next used chain, or for none. True if there is
 * one already. */
bool vq_arm(struct vq *q);
void vq_quiet(struct vq *q);

/* ---- raw ---- */

void vq_put(struct vq_desc *d, uint64_t addr, uint32_t len, uint16_t flags,
            uint16_t next);
/* Put a head into the ring, not yet visible. */
void vq_offer(struct vq *q, uint16_t head);
/* Make idx what it should be, or anything else; no notification. */
void vq_publish(struct vq *q, uint16_t idx);
void vq_notify(struct vq *q);
uint16_t vq_used_idx(const struct vq *q);

#endif
