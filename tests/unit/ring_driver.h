/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring_driver.h: a guest driver's side of a split virtqueue, in process, for
 * good and for evil: it writes whatever it is told into guest memory.
 *
 * Guest memory is one slot at 0, so that a guest address is an offset.
 */
#ifndef TESTS_RING_DRIVER_H
#define TESTS_RING_DRIVER_H

#include "devices/virtio/virtq.h"

#include <linux/virtio_ring.h>
#include <string.h>

#define BIT(n) ((uint64_t)1 << (n))

#define NEXT     VRING_DESC_F_NEXT
#define WRITABLE VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT

struct ring {
    unsigned char *ram;
    struct virtq_config cfg;
    uint16_t idx;  /* next to offer */
    uint16_t seen; /* next used element to look at */
};

static inline unsigned char *ram_of(const struct gmem *mem)
{
    unsigned n;

    return gmem_slots(mem, &n)[0].host;
}

/* Rings one after the other from base, the places the specification wants. */
static inline struct ring ring_at(const struct gmem *mem, uint64_t base,
                                  uint16_t size)
{
    const uint64_t avail = base + 16ull * size;
    const uint64_t used = (avail + 6 + 2ull * size + 3) & ~3ull;

    return (struct ring){
        .ram = ram_of(mem),
        .cfg = {.size = size,
                .desc = GPA(base),
                .avail = GPA(avail),
                .used = GPA(used)},
    };
}

static inline void put_desc(struct ring *r, uint64_t table, unsigned i,
                            uint64_t addr, uint32_t len, uint16_t flags,
                            uint16_t next)
{
    const struct vring_desc d = {addr, len, flags, next};

    memcpy(r->ram + table + i * sizeof(d), &d, sizeof(d));
}

static inline void ring_desc(struct ring *r, unsigned i, uint64_t addr,
                             uint32_t len, uint16_t flags, uint16_t next)
{
    put_desc(r, r->cfg.desc.v, i, addr, len, flags, next);
}

static inline uint16_t *ring_word(struct ring *r, uint64_t gpa)
{
    void *at = r->ram + gpa;

    return at;
}

static inline uint16_t *ring_avail_idx(struct ring *r)
{
    return ring_word(r, r->cfg.avail.v + 2);
}

static inline uint16_t *ring_used_event(struct ring *r)
{
    return ring_word(r, r->cfg.avail.v + 4 + 2ull * r->cfg.size);
}

static inline uint16_t *ring_avail_event(struct ring *r)
{
    return ring_word(r, r->cfg.used.v + 4 + 8ull * r->cfg.size);
}

/* Make a head available. */
static inline void ring_offer(struct ring *r, uint16_t head)
{
    const uint64_t slot = r->idx & (r->cfg.size - 1u);

    *ring_word(r, r->cfg.avail.v + 4 + 2 * slot) = head;
    __atomic_store_n(ring_avail_idx(r), ++r->idx, __ATOMIC_RELEASE);
}

static inline uint16_t ring_used_idx(struct ring *r)
{
    return __atomic_load_n(ring_word(r, r->cfg.used.v + 2), __ATOMIC_ACQUIRE);
}

/* The next used element, if there is one. */
static inline bool ring_take(struct ring *r, struct vring_used_elem *elem)
{
    const uint64_t slot = r->seen & (r->cfg.size - 1u);

    if (ring_used_idx(r) == r->seen)
        return false;
    memcpy(elem, r->ram + r->cfg.used.v + 4 + 8 * slot, sizeof(*elem));
    r->seen++;
    return true;
}

#endif
