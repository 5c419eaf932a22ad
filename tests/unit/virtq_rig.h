/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtq_rig.h: one split ring, a driver for it, and its memory counted. */
#ifndef TESTS_VIRTQ_RIG_H
#define TESTS_VIRTQ_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetch_count.h"
#include "ring_driver.h"

#include <errno.h>
#include <stdlib.h>

#define RAM   (2 * MIB)
#define RING  0x1000u
#define TABLE 0x8000u /* indirect descriptors */
#define DATA  0x10000u
#define SIZE  8u

struct rig {
    struct gmem *mem;
    struct ring ring;
    struct virtq q;
    struct iovec iov[VIRTQ_MAX_IOV];
    struct vchain chain;
    unsigned interrupts;
    unsigned rechecks;
};

static inline void start(struct rig *r, bool event_idx, bool indirect)
{
    memset(r->ring.ram, 0, RAM);
    r->ring = ring_at(r->mem, RING, SIZE);
    assert_int_equal(
        virtq_start(&r->q, r->mem, &r->ring.cfg, event_idx, indirect), 0);
    r->chain = (struct vchain){.iov = r->iov, .max = VIRTQ_MAX_IOV};
}

static inline int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    r->mem = gmem_create(RAM, GMEM_ANON);
    r->ring.ram = ram_of(r->mem);
    start(r, true, true);
    memset(&fetches, 0, sizeof(fetches));
    *state = r;
    return 0;
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    fetches.ram = NULL;
    gmem_destroy(r->mem);
    free(r);
    return 0;
}

static inline int pop(struct rig *r)
{
    return virtq_pop(&r->q, &r->chain);
}

/* Give the chain back, publish, wait for more. */
static inline void give_back(struct rig *r, uint32_t written)
{
    virtq_push(&r->q, r->chain.head, written);
    r->interrupts += virtq_publish(&r->q);
    r->rechecks += virtq_listen(&r->q);
}

/* The ring is broken, for this reason, and stays so. */
static inline void assert_broken(struct rig *r, const char *why)
{
    assert_int_equal(pop(r), -EPROTO);
    assert_true(r->q.broken);
    assert_string_equal(r->q.why, why);
    assert_int_equal(pop(r), -EPROTO);
    assert_false(virtq_listen(&r->q));
    assert_false(virtq_publish(&r->q));
}

/* Head 0: one readable, two writable buffers. */
static inline void offer_three(struct rig *r)
{
    ring_desc(&r->ring, 0, DATA, 16, NEXT, 3);
    ring_desc(&r->ring, 3, DATA + 0x1000, 512, NEXT | WRITABLE, 1);
    ring_desc(&r->ring, 1, DATA + 0x3000, 1, WRITABLE, 0);
    ring_offer(&r->ring, 0);
}

static inline void complete(struct rig *r)
{
    ring_desc(&r->ring, 0, DATA, 1, 0, 0);
    ring_offer(&r->ring, 0);
    assert_int_equal(pop(r), 1);
    virtq_push(&r->q, 0, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
