/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xring.h: a Xen I/O ring, seen from the back-end.
 *
 * One array of slots holds requests on their way here and responses on their
 * way back; the response to the nth request consumed goes into slot n. The
 * ring lies in pages that the guest granted, one after the other for it, but
 * anywhere in host memory for us: a slot may lie across two of them. The
 * guest changes all of it while we look: an index or a request is copied once
 * into a local, the local is checked, and nobody looks back. What a hostile
 * ring can do is make itself broken: xring_pop answers -EPROTO.
 *
 * The verbs are those of virtq.h.
 *
 * Source: xen/io/ring.h. Thread: loop, board lock held.
 */
#ifndef PVABI_XRING_H
#define PVABI_XRING_H

#include "mmu/gwin.h"
#include "vmm/types.h"

#define XRING_MAX_PAGES 16u

struct xring {
    struct gwin pages[XRING_MAX_PAGES];
    uint32_t size; /* slots, a power of two */
    uint32_t slot; /* bytes of one */
    bool running;
    bool broken;
    const char *why;    /* broken: what the guest did, for the log */
    uint32_t req_prod;  /* the guest's index, as last loaded */
    uint32_t req_cons;  /* next request to pop */
    uint32_t rsp_prod;  /* next response to push, not yet published */
    uint32_t signalled; /* responses at the last decision to notify */
};

/* How many slots of so many bytes n pages hold. */
uint32_t xring_slots(unsigned n_pages, uint32_t slot);

/*
 * Begin with n windows of a page each, 1..XRING_MAX_PAGES, which are copied
 * and must stay good until xring_stop. A ring that another back-end served
 * goes on where that stopped.
 */
void xring_start(struct xring *r, const struct gwin *pages, unsigned n,
                 uint32_t slot);

/* Forget everything; the guest's memory is not touched again. */
void xring_stop(struct xring *r);

/* Popped and not pushed. */
static inline uint32_t xring_in_flight(const struct xring *r)
{
    return r->req_cons - r->rsp_prod;
}

/*
 * Copy the first n bytes of the next request. Returns 1, 0 if there is none,
 * or -EPROTO: the guest broke the ring (r->broken).
 */
must_check int xring_pop(struct xring *r, void *req, size_t n);

/*
 * Copy whole requests, one or more and up to max of them, for those who take
 * many: not always as many as there are. Their number, 0 or -EPROTO, as above.
 */
must_check int xring_pop_some(struct xring *r, void *reqs, unsigned max);

/* The ring is against the rules of what it carries; always -EPROTO. */
int xring_break(struct xring *r, const char *why);

/*
 * Put a response of n bytes into the next slot, not yet visible. There is one
 * for each request popped. On a broken ring it is lost; the guest's memory is
 * left alone.
 */
void xring_push(struct xring *r, const void *rsp, size_t n);

/* The same for n whole slots, one after the other. */
void xring_push_some(struct xring *r, const void *rsps, unsigned n);

/*
 * Make what was pushed visible and leave the guest alone for now: it may meet
 * it on its own account. An xring_publish, soon, says whether it waits.
 */
void xring_show(struct xring *r);

/*
 * Make what was pushed visible (release store, full barrier). Returns true
 * if the guest wants an event for it.
 */
must_check bool xring_publish(struct xring *r);

/*
 * Ask for an event with the next request. Returns true if requests arrived in
 * between: pop again before waiting (enable, full barrier, recheck). Until it
 * is called, the guest sends no event for what it puts in.
 */
must_check bool xring_listen(struct xring *r);

#endif
