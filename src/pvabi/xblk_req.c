// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xblk_req.c: one request of the block back-end; see xblk.c. Source:
 * xen/io/blkif.h.
 *
 * A request has been copied off the ring; the segments of an indirect one are
 * copied once out of the pages that hold them. What is checked is the copy.
 * Whatever a request says, it is answered. Range, alignment and read-only are
 * the disk's to check.
 *
 * A flush may carry data, which are written after it. A write barrier comes
 * after all that was asked for before it, and before all that is after it:
 * the queue stops behind it, it waits for those in flight, and is a flush, a
 * write and a flush.
 *
 * Thread: loop, board lock held.
 */
#include "pvabi/xblk_priv.h"

#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <string.h>

/* Not a status: the disk has the request now. */
#define SUBMITTED 1

#define SEGMENT_BYTES      sizeof(struct blkif_request_segment)
#define SEGMENTS_IN_A_PAGE (GUEST_PAGE / SEGMENT_BYTES)

_Static_assert(sizeof(union xblk_request) == 112, "xen/io/blkif.h, x86_64");
_Static_assert(sizeof(struct blkif_request_discard) <= 112, "blkif.h");
_Static_assert(sizeof(struct blkif_request_indirect) <= 112, "blkif.h");
_Static_assert(sizeof(struct blkif_response) == 16, "xen/io/blkif.h, x86_64");
_Static_assert(offsetof(struct blkif_request, id) == 8, "padding before");
_Static_assert(offsetof(struct blkif_request_discard, id) == 8, "the same");
_Static_assert(offsetof(struct blkif_request_indirect, id) == 8, "the same");
_Static_assert(SEGMENT_BYTES == 8, "xen/io/blkif.h");

/* ---- the end of a request ---- */

static void go_on(struct xblk_slot *s);

/* All that came before a barrier ended: its turn. */
static void run_barrier(struct xblk_queue *queue)
{
    if (!queue->barrier || queue->barrier_runs || queue->b->stopping ||
        xring_in_flight(&queue->r.ring) > 1)
        return;
    queue->barrier_runs = true;
    go_on(queue->barrier);
}

/* 32-bit guests' responses end before the last padding. */
static void respond(struct xblk_queue *queue, uint64_t id, uint8_t op,
                    int status)
{
    struct blkif_response rsp;

    memset(&rsp, 0, sizeof(rsp)); /* the padding, too (XSA-216) */
    rsp.id = id;
    rsp.operation = op;
    rsp.status = (int16_t)status;
    xring_push(&queue->r.ring, &rsp,
               sizeof(rsp) - (queue->b->is32 ? XBLK_PADDING : 0));
    if (!queue->dirty)
        loop_post(queue->b->bus.host.loop, &queue->b->turn);
    queue->dirty = true;
}

static void end(struct xblk_slot *s, int status)
{
    struct xblk_queue *queue = s->queue;

    xblk_let_go(s);
    if (s->longer)
        queue->free[queue->n_free++] = s->longer;
    s->longer = NULL;
    if (queue->barrier == s)
        queue->barrier = NULL;
    queue->free_slots[queue->n_free_slots++] = (uint16_t)(s - queue->slots);
    respond(queue, s->id, s->op, status);
    run_barrier(queue);
}

static int status_of(int result)
{
    if (result == 0)
        return BLKIF_RSP_OKAY;
    return result == -EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP : BLKIF_RSP_ERROR;
}

static void on_done(struct blk_req *req)
{
    struct xblk_slot *s = req->owner;

    if (req->result == 0)
        go_on(s);
    else
        end(s, status_of(req->result));
}

/* ---- to the disk, step by step ---- */

static void submit(struct xblk_slot *s, enum blk_op op)
{
    const bool moves = op != BLK_FLUSH;
    struct blk_req *req = &s->req;

    req->op = op;
    req->offset = moves ? s->offset : 0;
    req->len = moves ? s->len : 0;
    req->iov = s->iov;
    req->n_iov = moves ? s->n_iov : 0;
    req->done = on_done;
    req->owner = s;
    blk_submit(s->queue->b->blk, req);
}

static void go_on(struct xblk_slot *s)
{
    static const uint8_t order[] = {XBLK_PRE_FLUSH, XBLK_DATA, XBLK_POST_FLUSH};

    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (!(s->steps & order[i]))
            continue;
        s->steps &= (uint8_t)~order[i];
        submit(s, order[i] == XBLK_DATA ? s->data_op : BLK_FLUSH);
        return;
    }
    end(s, BLKIF_RSP_OKAY);
}

void xblk_drop_barrier(struct xblk_queue *queue)
{
    if (queue->barrier)
        end(queue->barrier, BLKIF_RSP_ERROR);
}

/* ---- requests by operation; each returns a status, or SUBMITTED ---- */

static int begin(struct xblk_slot *s, unsigned steps)
{
    s->steps = (uint8_t)steps;
    go_on(s);
    return SUBMITTED;
}

/* Hold the pages of n segments, one or more, for reading or writing. */
static bool take_data(struct xblk_slot *s, enum blk_op op, uint64_t sector,
                      const struct blkif_request_segment *segs, unsigned n)
{
    int64_t bytes;

    if (!checked_mul(sector, BLK_SECTOR, &s->offset))
        return false;
    s->data_op = op;
    s->for_writing = op == BLK_READ;
    bytes = xblk_hold(s, segs, n);
    s->len = (uint64_t)bytes;
    return bytes > 0;
}

static int do_data(struct xblk_slot *s, enum blk_op op,
                   const struct blkif_request *r)
{
    if (!r->nr_segments || r->nr_segments > XBLK_SHORT ||
        !take_data(s, op, r->sector_number, r->seg, r->nr_segments))
        return BLKIF_RSP_ERROR;
    return begin(s, XBLK_DATA);
}

/* A flush, and data after it if there are any. */
static int do_flush(struct xblk_slot *s, const struct blkif_request *r,
                    unsigned more)
{
    unsigned steps = XBLK_PRE_FLUSH;

    if (r->nr_segments > XBLK_SHORT)
        return BLKIF_RSP_ERROR;
    if (r->nr_segments) {
        if (!take_data(s, BLK_WRITE, r->sector_number, r->seg, r->nr_segments))
            return BLKIF_RSP_ERROR;
        steps |= XBLK_DATA | more;
    }
    s->steps = (uint8_t)steps;
    return SUBMITTED;
}

static int do_plain_flush(struct xblk_slot *s, const struct blkif_request *r)
{
    const int ret = do_flush(s, r, 0);

    if (ret == SUBMITTED)
        go_on(s);
    return ret;
}

static int do_barrier(struct xblk_slot *s, const struct blkif_request *r)
{
    struct xblk_queue *queue = s->queue;
    const int ret = do_flush(s, r, XBLK_POST_FLUSH);

    if (ret != SUBMITTED)
        return ret;
    queue->barrier = s;
    queue->barrier_runs = false;
    run_barrier(queue);
    return SUBMITTED;
}

/* Nobody here can promise that a copy is beyond recovery. */
static int do_discard(struct xblk_slot *s,
                      const struct blkif_request_discard *r)
{
    if (r->flag & BLKIF_DISCARD_SECURE)
        return BLKIF_RSP_EOPNOTSUPP;
    if (!checked_mul(r->sector_number, BLK_SECTOR, &s->offset) ||
        !checked_mul(r->nr_sectors, BLK_SECTOR, &s->len))
        return BLKIF_RSP_ERROR;
    s->data_op = BLK_DISCARD;
    return begin(s, XBLK_DATA);
}

/* Copy n segments out of the page that holds them, once. */
static bool copy_segments(struct gnttab *gnt, uint32_t ref,
                          struct blkif_request_segment *to, size_t n)
{
    struct gwin page;

    if (gnttab_win(gnt, ref, false, &page) < 0)
        return false;
    win_copy_in(&page, 0, to, n * SEGMENT_BYTES);
    gnttab_release(gnt, ref, false);
    return true;
}

static bool copy_all_segments(struct xblk_queue *queue,
                              const struct blkif_request_indirect *r,
                              unsigned n)
{
    for (unsigned at = 0; at < n; at += SEGMENTS_IN_A_PAGE) {
        const unsigned left = n - at;

        if (!copy_segments(queue->b->bus.host.gnt,
                           r->indirect_grefs[at / SEGMENTS_IN_A_PAGE],
                           queue->segments + at,
                           left < SEGMENTS_IN_A_PAGE ? left
                                                     : SEGMENTS_IN_A_PAGE))
            return false;
    }
    return true;
}

static int do_indirect(struct xblk_slot *s,
                       const struct blkif_request_indirect *r)
{
    struct xblk_queue *queue = s->queue;
    const bool read = r->indirect_op == BLKIF_OP_READ;
    const unsigned n = r->nr_segments;

    /* What a front-end compares is the operation inside. */
    s->op = r->indirect_op;
    if (!read && r->indirect_op != BLKIF_OP_WRITE)
        return BLKIF_RSP_EOPNOTSUPP;
    if (!n || n > XBLK_MAX_INDIRECT || !copy_all_segments(queue, r, n))
        return BLKIF_RSP_ERROR;
    if (n > XBLK_SHORT) {
        /* There is one: nothing is popped without. */
        BUG_ON(!queue->n_free);
        s->longer = queue->free[--queue->n_free];
        s->iov = s->longer->iov;
        s->holds = s->longer->holds;
    }
    if (!take_data(s, read ? BLK_READ : BLK_WRITE, r->sector_number,
                   queue->segments, n))
        return BLKIF_RSP_ERROR;
    return begin(s, XBLK_DATA);
}

static int do_request(struct xblk_slot *s, const union xblk_request *r)
{
    switch (s->op) {
    case BLKIF_OP_READ:
        return do_data(s, BLK_READ, &r->rw);
    case BLKIF_OP_WRITE:
        return do_data(s, BLK_WRITE, &r->rw);
    case BLKIF_OP_WRITE_BARRIER:
        return do_barrier(s, &r->rw);
    case BLKIF_OP_FLUSH_DISKCACHE:
        return do_plain_flush(s, &r->rw);
    case BLKIF_OP_DISCARD:
        return do_discard(s, &r->discard);
    case BLKIF_OP_INDIRECT:
        return do_indirect(s, &r->indirect);
    default:
        return BLKIF_RSP_EOPNOTSUPP;
    }
}

void xblk_take(struct xblk_queue *queue, const union xblk_request *r)
{
    struct xblk_slot *s;
    int status;

    BUG_ON(!queue->n_free_slots);
    s = &queue->slots[queue->free_slots[--queue->n_free_slots]];
    s->queue = queue;
    s->id = r->rw.id;
    s->op = r->rw.operation;
    s->steps = 0;
    s->n_holds = 0;
    s->n_iov = 0;
    s->iov = s->short_iov;
    s->holds = s->short_holds;
    status = do_request(s, r);
    if (status != SUBMITTED)
        end(s, status);
}
