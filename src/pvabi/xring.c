// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xring.c: the back-end's side of a Xen I/O ring; see xring.h.
 *
 * Source: xen/io/ring.h. Byte order is little endian, as the host's.
 *
 * The indices run free over 32 bits. Requests outstanding can be no more than
 * slots: an index that says otherwise breaks the ring for good, and nothing
 * of it is touched any more until the front-end connects anew.
 *
 * Thread: loop, board lock held. Must never trust an index twice, or wait.
 */
#include "pvabi/xring.h"

#include <errno.h>
#include <stdint.h>

/* Not every header names its types alike: this one's members are read only. */
#include <xen/io/ring.h>

struct no_message {
    uint32_t word;
};
DEFINE_RING_TYPES(any, struct no_message, struct no_message);

#define REQ_PROD  offsetof(struct any_sring, req_prod)
#define REQ_EVENT offsetof(struct any_sring, req_event)
#define RSP_PROD  offsetof(struct any_sring, rsp_prod)
#define RSP_EVENT offsetof(struct any_sring, rsp_event)
#define SLOTS     offsetof(struct any_sring, ring)

_Static_assert(SLOTS == 64, "xen/io/ring.h: the slots follow 64 bytes");

uint32_t xring_slots(unsigned n_pages, uint32_t slot)
{
    const uint32_t fit = (uint32_t)(n_pages * GUEST_PAGE - SLOTS) / slot;

    return fit ? UINT32_C(1) << (31 - __builtin_clz(fit)) : 0;
}

int xring_break(struct xring *r, const char *why)
{
    r->broken = true;
    r->why = why;
    return -EPROTO;
}

void xring_start(struct xring *r, const struct gwin *pages, unsigned n,
                 uint32_t slot)
{
    BUG_ON(!n || n > XRING_MAX_PAGES);
    *r = (struct xring){.size = xring_slots(n, slot), .slot = slot};
    BUG_ON(!r->size);
    for (unsigned i = 0; i < n; i++) {
        BUG_ON(pages[i].size != GUEST_PAGE);
        r->pages[i] = pages[i];
    }
    r->rsp_prod = win_load_acquire32(&r->pages[0], RSP_PROD);
    r->req_cons = r->signalled = r->req_prod = r->rsp_prod;
    r->running = true;
}

void xring_stop(struct xring *r)
{
    *r = (struct xring){0};
}

/* ---- slots: a copy at most across one border of pages ---- */

static size_t slot_at(const struct xring *r, uint32_t index)
{
    return SLOTS + (size_t)(index & (r->size - 1)) * r->slot;
}

/* How much of n bytes at off lie in off's page. */
static size_t in_page(size_t off, size_t n)
{
    const size_t left = GUEST_PAGE - off % GUEST_PAGE;

    return n < left ? n : left;
}

static void copy_in(const struct xring *r, size_t off, void *dst, size_t n)
{
    const size_t run = in_page(off, n);
    unsigned char *d = dst;

    win_copy_in(&r->pages[off / GUEST_PAGE], off % GUEST_PAGE, d, run);
    if (run < n)
        win_copy_in(&r->pages[off / GUEST_PAGE + 1], 0, d + run, n - run);
}

static void copy_out(const struct xring *r, size_t off, const void *src,
                     size_t n)
{
    const size_t run = in_page(off, n);
    const unsigned char *s = src;

    win_copy_out(&r->pages[off / GUEST_PAGE], off % GUEST_PAGE, s, run);
    if (run < n)
        win_copy_out(&r->pages[off / GUEST_PAGE + 1], 0, s + run, n - run);
}

/*
 * How many of n slots from index on lie in a row in one page; one that lies
 * across a border is a row of its own.
 */
static unsigned in_a_row(const struct xring *r, uint32_t index, unsigned n)
{
    const uint32_t to_wrap = r->size - (index & (r->size - 1));
    const size_t left = GUEST_PAGE - slot_at(r, index) % GUEST_PAGE;
    const unsigned fit = (unsigned)(left / r->slot);

    n = n < to_wrap ? n : to_wrap;
    n = n < fit ? n : fit;
    return n ? n : 1;
}

/* ---- popping ---- */

/* Is there a request to pop? 1, 0, or -EPROTO. */
static int look_for_request(struct xring *r)
{
    if (r->req_cons != r->req_prod)
        return 1;
    /* Pairs with the guest's store of req_prod: its requests are seen. */
    r->req_prod = win_load_acquire32(&r->pages[0], REQ_PROD);
    if (r->req_cons == r->req_prod)
        return 0;
    if (r->req_prod - r->rsp_prod > r->size)
        return xring_break(r, "more requests than slots");
    if (r->req_prod - r->rsp_prod < r->req_cons - r->rsp_prod)
        return xring_break(r, "the request index went back");
    return 1;
}

int xring_pop(struct xring *r, void *req, size_t n)
{
    int ret;

    BUG_ON(n > r->slot && r->running);
    if (r->broken)
        return -EPROTO;
    if (!r->running)
        return 0;
    ret = look_for_request(r);
    if (ret <= 0)
        return ret;
    copy_in(r, slot_at(r, r->req_cons), req, n);
    r->req_cons++;
    return 1;
}

int xring_pop_some(struct xring *r, void *reqs, unsigned max)
{
    unsigned n;
    int ret;

    BUG_ON(!max);
    if (r->broken)
        return -EPROTO;
    if (!r->running)
        return 0;
    ret = look_for_request(r);
    if (ret <= 0)
        return ret;
    n = r->req_prod - r->req_cons;
    n = in_a_row(r, r->req_cons, n < max ? n : max);
    copy_in(r, slot_at(r, r->req_cons), reqs, (size_t)n * r->slot);
    r->req_cons += n;
    return (int)n;
}

/* ---- pushing and notifications ---- */

void xring_push(struct xring *r, const void *rsp, size_t n)
{
    BUG_ON(n > r->slot || !xring_in_flight(r));
    if (!r->broken)
        copy_out(r, slot_at(r, r->rsp_prod), rsp, n);
    r->rsp_prod++;
}

void xring_push_some(struct xring *r, const void *rsps, unsigned n)
{
    const unsigned char *from = rsps;

    BUG_ON(n > xring_in_flight(r));
    while (n) {
        const unsigned run = r->broken ? n : in_a_row(r, r->rsp_prod, n);

        if (!r->broken)
            copy_out(r, slot_at(r, r->rsp_prod), from, (size_t)run * r->slot);
        r->rsp_prod += run;
        from += (size_t)run * r->slot;
        n -= run;
    }
}

void xring_show(struct xring *r)
{
    /* Pairs with the guest's load of rsp_prod: it sees the responses. */
    if (r->running && !r->broken)
        win_store_release32(&r->pages[0], RSP_PROD, r->rsp_prod);
}

bool xring_publish(struct xring *r)
{
    uint32_t event, before;

    if (!r->running || r->broken || r->rsp_prod == r->signalled)
        return false;
    /* Pairs with the guest's load of rsp_prod: it sees the responses. */
    win_store_release32(&r->pages[0], RSP_PROD, r->rsp_prod);
    /*
     * Pairs with the guest's barrier between its store of rsp_event and its
     * look at rsp_prod: either it sees the new index, or we see that it
     * waits.
     */
    win_full_barrier();
    event = win_load_acquire32(&r->pages[0], RSP_EVENT);
    before = r->signalled;
    r->signalled = r->rsp_prod;
    return r->rsp_prod - event < r->rsp_prod - before;
}

bool xring_listen(struct xring *r)
{
    if (!r->running || r->broken)
        return false;
    win_store_release32(&r->pages[0], REQ_EVENT, r->req_cons + 1);
    /*
     * Pairs with the guest's barrier between its store of req_prod and its
     * look at req_event: either we see the request, or it sends an event.
     */
    win_full_barrier();
    return look_for_request(r) != 0;
}
