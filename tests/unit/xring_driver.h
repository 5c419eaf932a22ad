/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xring_driver.h: a front-end's side of a Xen ring, in process, for good and
 * for evil: it writes whatever it is told into the pages, which lie anywhere.
 */
#ifndef TESTS_XRING_DRIVER_H
#define TESTS_XRING_DRIVER_H

#include "pvabi/xring.h"

#include <string.h>

/* Words at the head of the first page (xen/io/ring.h). */
enum xring_word {
    X_REQ_PROD,
    X_REQ_EVENT,
    X_RSP_PROD,
    X_RSP_EVENT,
};

struct xfront {
    unsigned char *pages[XRING_MAX_PAGES];
    uint32_t size, slot;
    uint32_t req_prod; /* next request to put in */
    uint32_t rsp_cons; /* next response to look at */
};

static inline uint32_t *xfront_word(struct xfront *f, enum xring_word w)
{
    void *at = f->pages[0] + 4 * w;

    return at;
}

/* An empty ring, as a driver prepares it (SHARED_RING_INIT). */
static inline void xfront_init(struct xfront *f, unsigned n, uint32_t slot)
{
    for (unsigned i = 0; i < n; i++)
        memset(f->pages[i], 0, GUEST_PAGE);
    *xfront_word(f, X_REQ_EVENT) = 1;
    *xfront_word(f, X_RSP_EVENT) = 1;
    f->slot = slot;
    f->size = xring_slots(n, slot);
    f->req_prod = f->rsp_cons = 0;
}

/* Copy to (or from) slot i, byte by byte: a page may end anywhere. */
static inline void xfront_slot(struct xfront *f, uint32_t i, void *bytes,
                               size_t n, bool in)
{
    size_t at = 64 + (size_t)(i & (f->size - 1)) * f->slot;
    unsigned char *b = bytes;

    for (; n; n--, at++, b++) {
        unsigned char *p = &f->pages[at / GUEST_PAGE][at % GUEST_PAGE];

        if (in)
            *b = *p;
        else
            *p = *b;
    }
}

/* Put a request in; nobody sees it yet. */
static inline void xfront_put(struct xfront *f, const void *req, size_t n)
{
    unsigned char copy[256];

    memcpy(copy, req, n);
    xfront_slot(f, f->req_prod++, copy, n, false);
}

/* Show what was put in. Does the back-end want an event? */
static inline bool xfront_show(struct xfront *f)
{
    const uint32_t before = *xfront_word(f, X_REQ_PROD);
    uint32_t event;

    __atomic_store_n(xfront_word(f, X_REQ_PROD), f->req_prod, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    event = *xfront_word(f, X_REQ_EVENT);
    return f->req_prod - event < f->req_prod - before;
}

/* The next response, if there is one; asks to be told of the one after. */
static inline bool xfront_take(struct xfront *f, void *rsp, size_t n)
{
    if (*xfront_word(f, X_RSP_PROD) == f->rsp_cons)
        return false;
    xfront_slot(f, f->rsp_cons++, rsp, n, true);
    *xfront_word(f, X_RSP_EVENT) = f->rsp_cons + 1;
    return true;
}

#endif
