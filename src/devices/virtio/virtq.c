// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtq.c: the device's side of a split virtqueue; see virtq.h.
 *
 * Source: virtio 1.2, 2.7. Byte order is little endian, as the host's.
 *
 * Everything the guest wrote is fetched once, by fetch.h: the driver's index
 * when what is known is used up, each ring entry, each descriptor. A chain is
 * walked at most as far as the queue has entries, whatever its links say, so
 * that loops end; buffers are resolved while walking, so that no descriptor
 * is kept. What does not fit the rules breaks the ring for good: nothing of
 * it is touched any more until the driver resets the device.
 *
 * Thread: loop, board lock held. Must never trust an index twice, or wait.
 */
#include "devices/virtio/virtq.h"

#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>

/* Offsets in the available ring; used_event follows the entries. */
#define AVAIL_FLAGS 0u
#define AVAIL_IDX   2u
#define AVAIL_RING  4u
/* Offsets in the used ring; avail_event follows the entries. */
#define USED_FLAGS 0u
#define USED_IDX   2u
#define USED_RING  4u

#define DESC_BYTES sizeof(struct vring_desc)
#define ELEM_BYTES sizeof(struct vring_used_elem)

_Static_assert(DESC_BYTES == 16, "virtio 1.2, 2.7.5");
_Static_assert(ELEM_BYTES == 8, "virtio 1.2, 2.7.8");

/* A walk along one chain, through one table and perhaps a second. */
struct walk {
    const struct gwin *table; /* the ring's, or the indirect one below */
    struct gwin indirect;
    uint32_t entries; /* of the table */
    uint16_t next;
    uint16_t steps; /* buffers seen */
};

static size_t avail_entry(const struct virtq *q, uint16_t i)
{
    return AVAIL_RING + (i & (q->cfg.size - 1u)) * sizeof(uint16_t);
}

static size_t used_entry(const struct virtq *q, uint16_t i)
{
    return USED_RING + (i & (q->cfg.size - 1u)) * ELEM_BYTES;
}

static size_t used_event(const struct virtq *q)
{
    return AVAIL_RING + q->cfg.size * sizeof(uint16_t);
}

static size_t avail_event(const struct virtq *q)
{
    return USED_RING + q->cfg.size * ELEM_BYTES;
}

/* ---- configuration ---- */

static bool is_lawful(const struct virtq_config *c)
{
    if (!c->size || c->size > VIRTQ_MAX_SIZE || (c->size & (c->size - 1)))
        return false;
    return c->desc.v % 16 == 0 && c->avail.v % 2 == 0 && c->used.v % 4 == 0;
}

static bool map_rings(struct virtq *q)
{
    const struct virtq_config *c = &q->cfg;
    /* Both rings end in an event index, used or not. */
    const size_t avail = used_event(q) + sizeof(uint16_t);
    const size_t used = avail_event(q) + sizeof(uint16_t);

    return gmem_win(q->mem, c->desc, c->size * DESC_BYTES, &q->desc) == 0 &&
           gmem_win(q->mem, c->avail, avail, &q->avail) == 0 &&
           gmem_win(q->mem, c->used, used, &q->used) == 0;
}

int virtq_start(struct virtq *q, struct gmem *mem,
                const struct virtq_config *cfg, bool event_idx, bool indirect)
{
    *q = (struct virtq){
        .cfg = *cfg,
        .mem = mem,
        .event_idx = event_idx,
        .indirect = indirect,
    };
    if (!is_lawful(cfg) || !map_rings(q))
        return -EINVAL;
    q->running = true;
    return 0;
}

void virtq_stop(struct virtq *q)
{
    *q = (struct virtq){0};
}

/* ---- heads in flight ---- */

static bool is_busy(const struct virtq *q, uint16_t head)
{
    return q->busy[head / 8] & (1u << head % 8);
}

static void set_busy(struct virtq *q, uint16_t head, bool busy)
{
    const uint8_t bit = (uint8_t)(1u << head % 8);

    if (busy)
        q->busy[head / 8] |= bit;
    else
        q->busy[head / 8] &= (uint8_t)~bit;
}

/* ---- popping ---- */

static int break_ring(struct virtq *q, const char *why)
{
    q->broken = true;
    q->why = why;
    return -EPROTO;
}

/* Is there an entry to pop? 1, 0, or -EPROTO. */
static int look_for_entry(struct virtq *q)
{
    if (q->next_avail != q->avail_idx)
        return 1;
    /* Pairs with the driver's store of idx: its entries are seen below. */
    q->avail_idx = win_load_acquire16(&q->avail, AVAIL_IDX);
    if (q->next_avail == q->avail_idx)
        return 0;
    if ((uint16_t)(q->avail_idx - q->next_avail) > q->cfg.size)
        return break_ring(q, "the available index jumped");
    return 1;
}

static int enter_indirect(struct virtq *q, struct walk *w,
                          const struct vring_desc *d)
{
    if (!q->indirect)
        return break_ring(q, "an indirect descriptor was not negotiated");
    if (w->table == &w->indirect)
        return break_ring(q, "an indirect table in an indirect table");
    if (d->flags & VRING_DESC_F_NEXT)
        return break_ring(q, "an indirect descriptor goes on");
    if (!d->len || d->len % DESC_BYTES)
        return break_ring(q, "an indirect table of a broken size");
    if (gmem_win(q->mem, GPA(d->addr), d->len, &w->indirect) < 0)
        return break_ring(q, "an indirect table outside RAM");
    w->table = &w->indirect;
    w->entries = (uint32_t)(d->len / DESC_BYTES);
    w->next = 0;
    return 0;
}

static int add_buffer(struct virtq *q, struct vchain *c,
                      const struct vring_desc *d)
{
    const bool in = d->flags & VRING_DESC_F_WRITE;
    const int used = c->n_out + c->n_in;
    int n;

    if (!in && c->n_in)
        return break_ring(q, "a readable buffer after a writable one");
    /* Cannot wrap: both sums are bounded by this very check. */
    if (c->out_bytes + c->in_bytes + d->len > VIRTQ_MAX_BYTES)
        return break_ring(q, "a chain of more than 4 GiB");
    n = gmem_iov(q->mem, GPA(d->addr), d->len, c->iov + used, c->max - used);
    if (n == -E2BIG)
        return break_ring(q, "a chain of too many buffers");
    if (n < 0)
        return break_ring(q, "a buffer outside RAM");
    *(in ? &c->n_in : &c->n_out) += n;
    *(in ? &c->in_bytes : &c->out_bytes) += d->len;
    return 0;
}

/* One descriptor. 1: the chain goes on, 0: it ended, -EPROTO. */
static int step(struct virtq *q, struct walk *w, struct vchain *c)
{
    struct vring_desc d;
    int ret;

    if (w->next >= w->entries)
        return break_ring(q, "a descriptor index out of range");
    win_copy_in(w->table, w->next * DESC_BYTES, &d, sizeof(d));
    if (d.flags & VRING_DESC_F_INDIRECT) {
        ret = enter_indirect(q, w, &d);
        return ret < 0 ? ret : 1;
    }
    if (++w->steps > q->cfg.size)
        return break_ring(q, "a chain longer than the queue");
    ret = add_buffer(q, c, &d);
    if (ret < 0)
        return ret;
    w->next = d.next;
    return !!(d.flags & VRING_DESC_F_NEXT);
}

static int walk_chain(struct virtq *q, struct vchain *c)
{
    struct walk w = {
        .table = &q->desc, .entries = q->cfg.size, .next = c->head};
    int ret;

    do
        ret = step(q, &w, c);
    while (ret > 0);
    return ret;
}

int virtq_pop(struct virtq *q, struct vchain *c)
{
    int ret;

    if (q->broken)
        return -EPROTO;
    if (!q->running)
        return 0;
    ret = look_for_entry(q);
    if (ret <= 0)
        return ret;
    *c = (struct vchain){.iov = c->iov, .max = c->max};
    win_copy_in(&q->avail, avail_entry(q, q->next_avail), &c->head,
                sizeof(c->head));
    if (c->head >= q->cfg.size)
        return break_ring(q, "a head out of range");
    if (is_busy(q, c->head))
        return break_ring(q, "a head that is in flight");
    ret = walk_chain(q, c);
    if (ret < 0)
        return ret;
    set_busy(q, c->head, true);
    q->in_flight++;
    q->next_avail++;
    return 1;
}

/* ---- pushing and notifications ---- */

void virtq_push(struct virtq *q, uint16_t head, uint32_t written)
{
    const struct vring_used_elem elem = {.id = head, .len = written};

    BUG_ON(head >= q->cfg.size || !is_busy(q, head));
    set_busy(q, head, false);
    q->in_flight--;
    if (q->broken)
        return;
    win_copy_out(&q->used, used_entry(q, q->next_used), &elem, sizeof(elem));
    q->next_used++;
}

/* Did the index pass the one the driver waits for? (2.7.10) */
static bool passed_event(const struct virtq *q)
{
    const uint16_t event = win_load_acquire16(&q->avail, used_event(q));

    return (uint16_t)(q->next_used - event - 1) <
           (uint16_t)(q->next_used - q->signalled);
}

void virtq_show(struct virtq *q)
{
    /* Pairs with the driver's load of idx: it sees the elements. */
    if (q->running && !q->broken)
        win_store_release16(&q->used, USED_IDX, q->next_used);
}

bool virtq_publish(struct virtq *q)
{
    bool wanted;

    if (!q->running || q->broken || q->next_used == q->signalled)
        return false;
    /* Pairs with the driver's load of idx: it sees the elements. */
    win_store_release16(&q->used, USED_IDX, q->next_used);
    /*
     * Pairs with the driver's barrier between its store of used_event or
     * flags and its look at idx: either it sees the new index, or we see
     * that it waits.
     */
    win_full_barrier();
    if (q->event_idx)
        wanted = passed_event(q);
    else
        wanted = !(win_load_acquire16(&q->avail, AVAIL_FLAGS) &
                   VRING_AVAIL_F_NO_INTERRUPT);
    q->signalled = q->next_used;
    return wanted;
}

void virtq_quiet(struct virtq *q)
{
    /* With event index, an avail_event left behind asks for no kicks. */
    if (q->running && !q->broken && !q->event_idx)
        win_store_release16(&q->used, USED_FLAGS, VRING_USED_F_NO_NOTIFY);
}

bool virtq_listen(struct virtq *q)
{
    if (!q->running || q->broken)
        return false;
    if (q->event_idx)
        win_store_release16(&q->used, avail_event(q), q->next_avail);
    else
        win_store_release16(&q->used, USED_FLAGS, 0);
    /*
     * Pairs with the driver's barrier between its store of idx and its look
     * at avail_event or flags: either we see the entry, or it kicks.
     */
    win_full_barrier();
    return look_for_entry(q) != 0;
}

/* ---- a chain's bytes ---- */

/* The part of iov that holds byte *off of the rest; moves *off into it. */
static const struct iovec *seek(const struct iovec *iov, int n, uint64_t *off)
{
    for (int i = 0; i < n; i++) {
        if (*off < iov[i].iov_len)
            return &iov[i];
        *off -= iov[i].iov_len;
    }
    return NULL;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t vchain_gather(const struct vchain *c, uint64_t off, void *dst, size_t n)
{
    const struct iovec *end = c->iov + c->n_out;
    const struct iovec *v = seek(c->iov, c->n_out, &off);
    unsigned char *d = dst;
    size_t done = 0;

    for (; v && v < end && done < n; v++, off = 0) {
        const unsigned char *from = v->iov_base;
        const size_t run = least(n - done, v->iov_len - off);

        fetch_copy(d + done, from + off, run);
        done += run;
    }
    return done;
}

size_t vchain_scatter(const struct vchain *c, uint64_t off, const void *src,
                      size_t n)
{
    const struct iovec *in = c->iov + c->n_out;
    const struct iovec *end = in + c->n_in;
    const struct iovec *v = seek(in, c->n_in, &off);
    const unsigned char *s = src;
    size_t done = 0;

    for (; v && v < end && done < n; v++, off = 0) {
        unsigned char *to = v->iov_base;
        const size_t run = least(n - done, v->iov_len - off);

        memcpy(to + off, s + done, run);
        done += run;
    }
    return done;
}
