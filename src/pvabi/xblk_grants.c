// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xblk_grants.c: the pages of requests; see xblk.c. Source: xen/io/blkif.h,
 * feature-persistent.
 *
 * A page is held by marking its grant as in use; the guest cannot take it
 * back before it is let go. Segments that lie side by side become one entry
 * of the iovec.
 *
 * With persistent grants a page stays held after its request: a table of at
 * most XBLK_MAX_KEPT, found by the reference, the least recently used given
 * up for a new one. They are held for writing, whatever the request. Where
 * that fails, or all are in use, a page is held for its request alone.
 *
 * Thread: loop, board lock held.
 */
#include "pvabi/xblk_priv.h"

#include <errno.h>

#define SECTORS_IN_A_PAGE (GUEST_PAGE / BLK_SECTOR)

/* ---- grants that are kept ---- */

static struct gnttab *grants(const struct xblk_queue *queue)
{
    return queue->b->bus.host.gnt;
}

static uint16_t *bucket(struct xblk_cache *c, uint32_t ref)
{
    return &c->buckets[ref % XBLK_BUCKETS];
}

void xblk_cache_init(struct xblk_cache *c)
{
    c->n = 0;
    c->newest = c->oldest = XBLK_NONE;
    for (unsigned i = 0; i < XBLK_BUCKETS; i++)
        c->buckets[i] = XBLK_NONE;
}

static uint16_t find(struct xblk_cache *c, uint32_t ref)
{
    uint16_t i = *bucket(c, ref);

    while (i != XBLK_NONE && c->kept[i].ref != ref)
        i = c->kept[i].chain;
    return i;
}

static void unlink_use(struct xblk_cache *c, uint16_t i)
{
    const struct xblk_kept *k = &c->kept[i];

    *(k->prev == XBLK_NONE ? &c->newest : &c->kept[k->prev].next) = k->next;
    *(k->next == XBLK_NONE ? &c->oldest : &c->kept[k->next].prev) = k->prev;
}

static void link_newest(struct xblk_cache *c, uint16_t i)
{
    struct xblk_kept *k = &c->kept[i];

    k->prev = XBLK_NONE;
    k->next = c->newest;
    *(c->newest == XBLK_NONE ? &c->oldest : &c->kept[c->newest].prev) = i;
    c->newest = i;
}

static void unlink_chain(struct xblk_cache *c, uint16_t i)
{
    uint16_t *at = bucket(c, c->kept[i].ref);

    while (*at != i)
        at = &c->kept[*at].chain;
    *at = c->kept[i].chain;
}

/* An entry to fill: a new one, or the least recently used that is free. */
static uint16_t make_room(struct xblk_queue *queue)
{
    struct xblk_cache *c = &queue->cache;
    uint16_t i = c->oldest;

    if (c->n < XBLK_MAX_KEPT)
        return (uint16_t)c->n++;
    while (i != XBLK_NONE && c->kept[i].users)
        i = c->kept[i].prev;
    if (i == XBLK_NONE)
        return i;
    unlink_use(c, i);
    unlink_chain(c, i);
    gnttab_release(grants(queue), c->kept[i].ref, true);
    return i;
}

/* Keep a grant from now on. XBLK_NONE: it cannot be. */
static uint16_t keep(struct xblk_queue *queue, uint32_t ref)
{
    struct xblk_cache *c = &queue->cache;
    struct gwin win;
    uint16_t i;

    if (gnttab_win(grants(queue), ref, true, &win) < 0)
        return XBLK_NONE;
    i = make_room(queue);
    if (i == XBLK_NONE) {
        gnttab_release(grants(queue), ref, true);
        return i;
    }
    c->kept[i] = (struct xblk_kept){
        .ref = ref, .chain = *bucket(c, ref), .page = win.host};
    *bucket(c, ref) = i;
    link_newest(c, i);
    return i;
}

static uint16_t use_kept(struct xblk_queue *queue, uint32_t ref)
{
    struct xblk_cache *c = &queue->cache;
    uint16_t i = find(c, ref);

    if (i == XBLK_NONE) {
        i = keep(queue, ref);
    } else {
        unlink_use(c, i);
        link_newest(c, i);
    }
    if (i != XBLK_NONE)
        c->kept[i].users++;
    return i;
}

void xblk_cache_empty(struct xblk_queue *queue)
{
    struct xblk_cache *c = &queue->cache;

    for (uint16_t i = c->newest; i != XBLK_NONE; i = c->kept[i].next)
        gnttab_release(grants(queue), c->kept[i].ref, true);
    xblk_cache_init(c);
}

/* ---- the pages of one request ---- */

/* Hold [off, off + len) of a page, and say where it is. 0 or -errno. */
static int hold_page(struct xblk_slot *s, uint32_t ref, unsigned off,
                     unsigned len, struct iovec *out)
{
    struct xblk_queue *queue = s->queue;
    struct xblk_hold *hold = &s->holds[s->n_holds];
    int ret;

    *hold = (struct xblk_hold){ref, XBLK_NONE};
    if (queue->cache.on)
        hold->kept = use_kept(queue, ref);
    if (hold->kept == XBLK_NONE) {
        ret = gnttab_iov(grants(queue), ref, off, len, s->for_writing, out);
        if (ret < 0)
            return ret;
    } else {
        *out = (struct iovec){queue->cache.kept[hold->kept].page + off, len};
    }
    s->n_holds++;
    return 0;
}

void xblk_let_go(struct xblk_slot *s)
{
    struct xblk_queue *queue = s->queue;

    while (s->n_holds) {
        const struct xblk_hold *hold = &s->holds[--s->n_holds];

        if (hold->kept != XBLK_NONE)
            queue->cache.kept[hold->kept].users--;
        else
            gnttab_release(grants(queue), hold->ref, s->for_writing);
    }
}

static void add_segment(struct xblk_slot *s, const struct iovec *v)
{
    struct iovec *last = s->iov + s->n_iov - 1;

    if (s->n_iov &&
        (unsigned char *)last->iov_base + last->iov_len == v->iov_base)
        last->iov_len += v->iov_len;
    else
        s->iov[s->n_iov++] = *v;
}

static int hold_segment(struct xblk_slot *s,
                        const struct blkif_request_segment *seg)
{
    struct iovec v;
    int ret;

    if (seg->first_sect > seg->last_sect || seg->last_sect >= SECTORS_IN_A_PAGE)
        return -EINVAL;
    ret = hold_page(s, seg->gref, seg->first_sect * BLK_SECTOR,
                    (seg->last_sect - seg->first_sect + 1u) * BLK_SECTOR, &v);
    if (ret == 0)
        add_segment(s, &v);
    return ret < 0 ? ret : (int)v.iov_len;
}

int64_t xblk_hold(struct xblk_slot *s, const struct blkif_request_segment *segs,
                  unsigned n)
{
    int64_t bytes = 0;

    for (unsigned i = 0; i < n; i++) {
        const int ret = hold_segment(s, &segs[i]);

        if (ret < 0) {
            xblk_let_go(s);
            return ret;
        }
        bytes += ret;
    }
    return bytes;
}
