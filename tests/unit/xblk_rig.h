/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xblk_rig.h: the block back-end, its driver, and a disk in memory. */
#ifndef TESTS_XBLK_RIG_H
#define TESTS_XBLK_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_blk.h"
#include "fetch_count.h"
#include "pvabi/xblk.h"
#include "xen_rig.h"

#include <xen/io/blkif.h>

#define QUEUES 2
#define VDEV   51712u
#define PAGES  24u /* data pages, granted */

struct blk_queue {
    struct xfront f;
    uint32_t refs[XRING_MAX_PAGES];
    uint32_t port;
};

struct rig {
    struct xen_rig x;
    struct xen_front front;
    struct blk *blk;
    struct xblk *dev;
    bool is32;
    struct blk_queue queues[QUEUES];
    unsigned char *pages[PAGES];
    uint32_t refs[PAGES];
};

static inline void plug(struct rig *r, const struct xblk_config *cfg)
{
    const struct xenbus_host host = rig_host(&r->x);

    r->dev = xblk_create(r->blk, &host, cfg);
    assert_non_null(r->dev);
    spin(&r->x);
}

static inline int setup_with(void **state, const struct xblk_config *cfg)
{
    struct rig *r = calloc(1, sizeof(*r));

    rig_open(&r->x);
    r->front = front_of(&r->x, "vbd", VDEV);
    r->blk = fake_open(r->x.loop);
    fake_number(r->blk, 512, 0);
    for (unsigned i = 0; i < PAGES; i++)
        r->refs[i] = granted_page(&r->x, &r->pages[i]);
    plug(r, cfg);
    *state = r;
    return 0;
}

static inline int setup(void **state)
{
    const struct xblk_config cfg = {
        .queues = QUEUES, .vdev = VDEV, .name = "xvda"};

    return setup_with(state, &cfg);
}

static inline int setup_persistent(void **state)
{
    const struct xblk_config cfg = {
        .queues = 1, .vdev = VDEV, .name = "xvda", .persistent = true};

    return setup_with(state, &cfg);
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    memset(&fetches, 0, sizeof(fetches));
    xblk_destroy(r->dev);
    assert_int_equal(r->blk->in_flight, 0);
    assert_false(xs_exists(r->x.xs, r->front.back));
    fake_close(r->blk);
    rig_close(&r->x);
    free(r);
    return 0;
}

static inline uint32_t slot_bytes(const struct rig *r)
{
    return r->is32 ? 108 : 112;
}

/* The pages of a ring, and the nodes that name them. */
static inline void make_ring(struct rig *r, unsigned q, unsigned n,
                             unsigned order)
{
    struct blk_queue *queue = &r->queues[q];
    char prefix[XENBUS_NODE], node[80];

    xenbus_queue_node(prefix, q, n, "ring-ref");
    for (unsigned i = 0; i < 1u << order; i++) {
        if (!queue->refs[i])
            queue->refs[i] = granted_page(&r->x, &queue->f.pages[i]);
        if (order)
            snprintf(node, sizeof(node), "%s%u", prefix, i);
        else
            snprintf(node, sizeof(node), "%s", prefix);
        tell_number(&r->front, node, queue->refs[i]);
    }
    xfront_init(&queue->f, 1u << order, slot_bytes(r));
    if (queue->port)
        close_port(&r->x, queue->port);
    queue->port = new_port(&r->x);
    xenbus_queue_node(node, q, n, "event-channel");
    tell_number(&r->front, node, queue->port);
}

/* Fresh rings of 2^order pages for n queues. */
static inline void make_rings(struct rig *r, unsigned n, unsigned order)
{
    for (unsigned q = 0; q < n; q++)
        make_ring(r, q, n, order);
    if (n > 1)
        tell_number(&r->front, "multi-queue-num-queues", n);
    if (order)
        tell_number(&r->front, "ring-page-order", order);
    else
        untell(&r->front, "ring-page-order");
}

static inline void go_with(struct rig *r, unsigned n, unsigned order)
{
    assert_int_equal(back_state(&r->front), XenbusStateInitWait);
    make_rings(r, n, order);
    set_front(&r->front, XenbusStateInitialised);
    assert_int_equal(back_state(&r->front), XenbusStateConnected);
    set_front(&r->front, XenbusStateConnected);
    for (unsigned q = 0; q < n; q++)
        was_told(&r->x, r->queues[q].port);
}

static inline void go(struct rig *r)
{
    go_with(r, 1, 0);
}

/* Close as a driver does, and be ready to begin again. */
static inline void leave(struct rig *r)
{
    set_front(&r->front, XenbusStateClosing);
    assert_int_equal(back_state(&r->front), XenbusStateClosing);
    set_front(&r->front, XenbusStateClosed);
    assert_int_equal(back_state(&r->front), XenbusStateClosed);
    set_front(&r->front, XenbusStateInitialising);
    assert_int_equal(back_state(&r->front), XenbusStateInitWait);
}

/* A request as this guest lays it out: 32-bit ones have no padding. */
static inline void put_bytes(struct rig *r, unsigned q, const void *req)
{
    unsigned char bytes[112];

    memcpy(bytes, req, sizeof(bytes));
    if (r->is32)
        memmove(bytes + 4, bytes + 8, sizeof(bytes) - 8);
    xfront_put(&r->queues[q].f, bytes, slot_bytes(r));
}

/* Whole pages, from the first on. */
static inline struct blkif_request request(const struct rig *r, uint8_t op,
                                           uint64_t sector, unsigned pages)
{
    struct blkif_request req;

    memset(&req, 0, sizeof(req));
    req.operation = op;
    req.nr_segments = (uint8_t)pages;
    req.id = 0x1122334455667788;
    req.sector_number = sector;
    for (unsigned i = 0; i < pages && i < 11; i++) {
        req.seg[i].gref = r->refs[i];
        req.seg[i].last_sect = 7;
    }
    return req;
}

static inline void kick(struct rig *r, unsigned q)
{
    if (xfront_show(&r->queues[q].f))
        send_event(&r->x, r->queues[q].port);
}

static inline bool take_response(struct rig *r, unsigned q,
                                 struct blkif_response *rsp)
{
    memset(rsp, 0, sizeof(*rsp));
    return xfront_take(&r->queues[q].f, rsp, r->is32 ? 12 : sizeof(*rsp));
}

/* The status of the one request there was. */
static inline int answer(struct rig *r)
{
    struct blkif_response rsp;

    bool done = false;

    kick(r, 0);
    /* Now and then the ring is looked at instead of told of, a bit later. */
    for (unsigned i = 0; i < 10000 && !done; i++) {
        spin(&r->x);
        done = take_response(r, 0, &rsp);
    }
    assert_true(done);
    assert_true(rsp.id == 0x1122334455667788);
    return rsp.status;
}

static inline int ask(struct rig *r, const struct blkif_request *req)
{
    put_bytes(r, 0, req);
    return answer(r);
}

static inline int ask_for(struct rig *r, uint8_t op, uint64_t sector,
                          unsigned pages)
{
    const struct blkif_request req = request(r, op, sector, pages);

    return ask(r, &req);
}

static inline void assert_nothing_held(struct rig *r)
{
    for (unsigned i = 0; i < PAGES; i++)
        assert_false(is_held(&r->x, r->refs[i]));
}

static inline void assert_untouched(const struct rig *r)
{
    for (size_t i = 0; i < DISK_BYTES; i++)
        assert_int_equal(r->blk->data[i], (unsigned char)(i / 512));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
