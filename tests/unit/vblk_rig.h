/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vblk_rig.h: the block device over registers, rings and a disk in memory. */
#ifndef TESTS_VBLK_RIG_H
#define TESTS_VBLK_RIG_H

#include "mmio_rig.h"

#include "devices/virtio/vblk.h"
#include "fake_blk.h"
#include "fetch_count.h"

#include <linux/virtio_blk.h>

#define F_MUST (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_BLK_F_FLUSH))
#define SIZE   64
#define PLAIN  0xee /* a status nobody wrote yet */

/* Guest addresses; each head has its own place. */
#define HEADER(head) (0x80000u + (head)*0x100u)
#define STATUS(head) (HEADER(head) + 0x80u)
#define BUFFER(head) (DATA + (head)*0x4000u)

struct rig {
    struct mmio_rig m;
    struct blk *blk;
    struct vblk *dev;
};

static inline void plug(struct rig *r)
{
    const struct vblk_config cfg = {
        .queues = 2, .queue_size = SIZE, .id = "disk-0"};

    r->dev = vblk_create(r->blk, r->m.loop, &cfg);
    assert_non_null(r->dev);
    rig_plug(&r->m, &vblk_ops, r->dev);
}

static inline int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    rig_open(&r->m);
    r->blk = fake_open(r->m.loop);
    fake_number(r->blk, 512, 0);
    plug(r);
    *state = r;
    return 0;
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    memset(&fetches, 0, sizeof(fetches));
    virtio_mmio_destroy(r->m.t);
    r->m.t = NULL;
    assert_int_equal(r->blk->in_flight, 0);
    vblk_destroy(r->dev);
    fake_close(r->blk);
    rig_close(&r->m);
    free(r);
    return 0;
}

static inline void go(struct rig *r, uint64_t more_features)
{
    drive(&r->m, F_MUST | more_features, 2, SIZE);
}

static inline unsigned char *guest(struct rig *r, uint64_t gpa)
{
    return r->m.rings[0].ram + gpa;
}

static inline void put_header(struct rig *r, uint16_t head, uint32_t type,
                              uint64_t sector)
{
    const struct virtio_blk_outhdr h = {.type = type, .sector = sector};

    memcpy(guest(r, HEADER(head)), &h, sizeof(h));
    *guest(r, STATUS(head)) = PLAIN;
}

/* The usual shape: header, data (none for len 0), status. Head: 3 * slot. */
static inline void request_on(struct rig *r, unsigned q, unsigned slot,
                              uint32_t type, uint64_t sector, uint32_t len,
                              bool in)
{
    const uint16_t head = (uint16_t)(3 * slot);
    const uint16_t data = (uint16_t)(head + 1), last = (uint16_t)(head + 2);
    struct ring *ring = &r->m.rings[q];

    put_header(r, head, type, sector);
    ring_desc(ring, head, HEADER(head), 16, NEXT, len ? data : last);
    ring_desc(ring, data, BUFFER(head), len, NEXT | (in ? WRITABLE : 0), last);
    ring_desc(ring, last, STATUS(head), 1, WRITABLE, 0);
    ring_offer(ring, head);
}

static inline void request(struct rig *r, unsigned slot, uint32_t type,
                           uint64_t sector, uint32_t len, bool in)
{
    request_on(r, 0, slot, type, sector, len, in);
}

static inline uint8_t status_of(struct rig *r, unsigned slot)
{
    return *guest(r, STATUS(3 * slot));
}

/* Kick, let it run, and give the status of the one request there was. */
static inline uint8_t answer(struct rig *r)
{
    struct vring_used_elem e;

    kick(&r->m, 0);
    spin(&r->m);
    assert_true(ring_take(&r->m.rings[0], &e));
    return *guest(r, STATUS(e.id));
}

static inline uint8_t ask(struct rig *r, uint32_t type, uint64_t sector,
                          uint32_t len, bool in)
{
    request(r, 0, type, sector, len, in);
    return answer(r);
}

/* The disk is as setup left it. */
static inline void assert_untouched(const struct rig *r)
{
    for (size_t i = 0; i < DISK_BYTES; i++)
        assert_int_equal(r->blk->data[i], (unsigned char)(i / 512));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
