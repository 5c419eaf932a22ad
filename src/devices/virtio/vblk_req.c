// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vblk_req.c: one request of the block device; see vblk.c. Source: virtio
 * 1.2, 5.2.6.
 *
 * A chain is a header of 16 bytes, data, and a last writable byte for the
 * status; how these are spread over descriptors is the driver's business
 * (2.7.4). The header is copied once, the data's segments become the disk's
 * iovec, the status byte's place is remembered: the chain is not looked at
 * again. Whatever a request says, it is answered; only a chain without a
 * byte for the status cannot be, and breaks the device. Range, alignment and
 * read-only are the disk's to check.
 *
 * Thread: loop, board lock held.
 */
#include "devices/virtio/vblk_priv.h"

#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <linux/virtio_blk.h>
#include <string.h>

/* Not a status: the disk has the request now. */
#define SUBMITTED 0x100u

_Static_assert(sizeof(struct virtio_blk_outhdr) == 16, "virtio 1.2, 5.2.6");
_Static_assert(sizeof(struct virtio_blk_discard_write_zeroes) == 16,
               "virtio 1.2, 5.2.6");
_Static_assert(VBLK_ID_BYTES == VIRTIO_BLK_ID_BYTES, "virtio 1.2, 5.2.6");

/* A popped chain taken apart. */
struct vblk_request {
    struct vblk_slot *slot;
    struct virtio_blk_outhdr header;
    struct vchain *data; /* the payload: header and status cut off */
};

/* ---- the end of a request ---- */

static void push(struct vblk_slot *s, uint8_t status, uint32_t written)
{
    struct vblk_queue *queue = s->queue;
    struct virtq *q = virtio_queue(queue->b->v, queue->index);

    if (s->longer)
        queue->free[queue->n_free++] = s->longer;
    s->longer = NULL;
    if (!q->broken)
        memcpy(s->status, &status, sizeof(status));
    virtq_push(q, (uint16_t)(s - queue->slots), written);
    if (!queue->dirty)
        loop_post(queue->b->loop, &queue->b->turn);
    queue->dirty = true;
}

/* The status byte is written in any case; data only by a read that worked. */
static void end(struct vblk_slot *s, uint8_t status)
{
    push(s, status, 1 + (status == VIRTIO_BLK_S_OK ? s->read_bytes : 0));
}

static bool is_bystander(const struct vblk_slot *s, int result)
{
    const struct vblk_queue *queue = s->queue;

    return result == -ECANCELED && queue->b->stopping >= 0 &&
           (unsigned)queue->b->stopping != queue->index;
}

static void on_done(struct blk_req *req)
{
    struct vblk_slot *s = req->owner;
    struct vblk *b = s->queue->b;

    if (is_bystander(s, req->result)) {
        s->next = b->cancelled;
        b->cancelled = s;
    } else if (req->result == 0) {
        end(s, VIRTIO_BLK_S_OK);
    } else if (req->result == -EOPNOTSUPP) {
        end(s, VIRTIO_BLK_S_UNSUPP);
    } else {
        end(s, VIRTIO_BLK_S_IOERR);
    }
}

/* ---- requests by type; each returns a status, or SUBMITTED ---- */

static unsigned submit(struct vblk_request *r, enum blk_op op, uint64_t sector,
                       uint64_t len)
{
    struct vblk_slot *s = r->slot;
    struct blk_req *req = &s->req;
    uint64_t offset;

    if (!checked_mul(sector, BLK_SECTOR, &offset))
        return VIRTIO_BLK_S_IOERR;
    req->op = op;
    req->offset = offset;
    req->len = len;
    req->done = on_done;
    req->owner = s;
    blk_submit(s->queue->b->blk, req);
    return SUBMITTED;
}

/* Give the request its own copy of the segments. */
static bool keep_segments(struct vblk_request *r, const struct iovec *iov,
                          int n)
{
    struct vblk_slot *s = r->slot;
    struct vblk_queue *queue = s->queue;
    struct iovec *to = s->iov;

    if (n > vblk_max_segments(queue->b))
        return false;
    if (n > VBLK_SHORT_IOV) {
        /* There is one: nothing is popped without. */
        BUG_ON(!queue->n_free);
        to = s->longer = queue->free[--queue->n_free];
    }
    s->req.iov = to;
    s->req.n_iov = n;
    if (n == 1)
        *to = *iov; /* most often; a call costs more than the copy */
    else
        memcpy(to, iov, (size_t)n * sizeof(*iov));
    return true;
}

static unsigned do_read(struct vblk_request *r)
{
    const struct vchain *c = r->data;

    if (!keep_segments(r, c->iov + c->n_out, c->n_in))
        return VIRTIO_BLK_S_IOERR;
    r->slot->read_bytes = (uint32_t)c->in_bytes;
    return submit(r, BLK_READ, r->header.sector, c->in_bytes);
}

static unsigned do_write(struct vblk_request *r)
{
    if (!keep_segments(r, r->data->iov, r->data->n_out))
        return VIRTIO_BLK_S_IOERR;
    return submit(r, BLK_WRITE, r->header.sector, r->data->out_bytes);
}

static unsigned do_flush(struct vblk_request *r)
{
    return submit(r, BLK_FLUSH, 0, 0);
}

/* As much of the string as fits; what follows it is left as it was. */
static unsigned do_get_id(struct vblk_request *r)
{
    const struct vblk *b = r->slot->queue->b;

    r->slot->read_bytes =
        (uint32_t)vchain_write(r->data, 0, b->cfg.id, VBLK_ID_BYTES);
    return VIRTIO_BLK_S_OK;
}

/* The one range of a discard or write-zeroes request, copied once. */
static bool read_range(const struct vblk_request *r,
                       struct virtio_blk_discard_write_zeroes *range)
{
    if (r->data->out_bytes != sizeof(*range))
        return false;
    vchain_read(r->data, 0, range, sizeof(*range));
    return range->num_sectors <= VBLK_RANGE_SECTORS;
}

/* 5.2.6.2: a flag that is not known, or not for this type, is UNSUPP. */
static unsigned do_range(struct vblk_request *r, enum blk_op op,
                         unsigned feature, uint32_t flags)
{
    struct virtio_blk_discard_write_zeroes range;

    if (!virtio_has(r->slot->queue->b->v, feature))
        return VIRTIO_BLK_S_UNSUPP;
    if (!read_range(r, &range))
        return VIRTIO_BLK_S_IOERR;
    if (range.flags & ~flags)
        return VIRTIO_BLK_S_UNSUPP;
    r->slot->req.unmap = range.flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
    return submit(r, op, range.sector,
                  (uint64_t)range.num_sectors * BLK_SECTOR);
}

static unsigned do_request(struct vblk_request *r)
{
    switch (r->header.type) {
    case VIRTIO_BLK_T_IN:
        return do_read(r);
    case VIRTIO_BLK_T_OUT:
        return do_write(r);
    case VIRTIO_BLK_T_FLUSH:
        return do_flush(r);
    case VIRTIO_BLK_T_GET_ID:
        return do_get_id(r);
    case VIRTIO_BLK_T_DISCARD:
        return do_range(r, BLK_DISCARD, VIRTIO_BLK_F_DISCARD, 0);
    case VIRTIO_BLK_T_WRITE_ZEROES:
        return do_range(r, BLK_ZERO, VIRTIO_BLK_F_WRITE_ZEROES,
                        VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
    default:
        return VIRTIO_BLK_S_UNSUPP;
    }
}

/* ---- taking requests ---- */

/* Cut the status byte off the end; there is one. */
static unsigned char *cut_status(struct vchain *c)
{
    struct iovec *last = &c->iov[c->n_out + c->n_in - 1];
    unsigned char *base = last->iov_base;

    c->in_bytes--;
    if (--last->iov_len == 0)
        c->n_in--;
    return base + last->iov_len;
}

/* Cut n bytes off the front; there are as many. */
static void cut_front(struct vchain *c, size_t n)
{
    c->out_bytes -= n;
    while (n) {
        unsigned char *base = c->iov->iov_base;
        const size_t run = n < c->iov->iov_len ? n : c->iov->iov_len;

        c->iov->iov_base = base + run;
        c->iov->iov_len -= run;
        n -= run;
        if (c->iov->iov_len == 0) {
            c->iov++;
            c->n_out--;
        }
    }
}

void vblk_take(struct vblk_queue *queue, struct vchain *c)
{
    struct vblk_request r = {.slot = &queue->slots[c->head], .data = c};
    unsigned status = VIRTIO_BLK_S_IOERR;

    if (!c->in_bytes) {
        virtio_broken(queue->b->v, "a request without a status byte");
        virtq_push(virtio_queue(queue->b->v, queue->index), c->head, 0);
        return;
    }
    r.slot->queue = queue;
    r.slot->read_bytes = 0;
    r.slot->status = cut_status(c);
    if (vchain_read(c, 0, &r.header, sizeof(r.header)) == sizeof(r.header)) {
        cut_front(c, sizeof(r.header));
        status = do_request(&r);
    }
    if (status != SUBMITTED)
        end(r.slot, (uint8_t)status);
}
