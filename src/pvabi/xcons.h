/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xcons.h: the guest's primary console (xen/io/console.h) over a struct chr.
 *
 * It has no grants and no states: its page and its event channel exist before
 * the guest does, which finds them by HVM parameters.
 */
#ifndef PVABI_XCONS_H
#define PVABI_XCONS_H

#include "devices/backend/chr.h"
#include "mmu/gmem.h"
#include "pvabi/evtchn.h"
#include "pvabi/xenstore.h"

struct xcons;

struct xcons_config {
    struct xs *xs; /* borrowed, as all below */
    struct evtchn *events;
    struct chr *chr;
    struct gwin page; /* the ring */
    uint64_t frame;   /* its number */
    uint32_t port;    /* unbound, for domain 0 */
};

/* Connect the page and the port to the chr. NULL after logging. */
struct xcons *xcons_create(const struct xcons_config *cfg);
void xcons_destroy(struct xcons *c);

/* The terminal has this size now; 0 by 0: not known. */
void xcons_resize(struct xcons *c, uint16_t cols, uint16_t rows);

/*
 * Bytes the guest writes past the ring (console_io, port 0xe9). They may be
 * lost on a full chr. Any thread, board lock held.
 */
void xcons_write(struct xcons *c, const void *buf, size_t n);

#endif
