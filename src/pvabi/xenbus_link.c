// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xenbus_link.c: the rings and ports of one connection; see xenbus.h.
 *
 * A ring's pages stay granted (the grants are marked as in use) from here
 * until the ring is dropped, whatever becomes of the front-end's nodes: what
 * they say is read once.
 *
 * Source: xen/io/blkif.h and netif.h, on multi-page rings and several queues.
 * Thread: loop, board lock held.
 */
#include "pvabi/xenbus.h"

#include <errno.h>
#include <stdio.h>

const char *xenbus_queue_node(char *buf, unsigned i, unsigned n,
                              const char *node)
{
    if (n > 1)
        snprintf(buf, XENBUS_NODE, "queue-%u/%s", i, node);
    else
        snprintf(buf, XENBUS_NODE, "%s", node);
    return buf;
}

/* A number that has to be there. */
static int need(struct xenbus *x, const char *node, uint32_t *out)
{
    uint64_t v;
    const int ret = xenbus_get(x, node, UINT32_MAX, UINT64_MAX, &v);

    if (ret < 0)
        return ret;
    if (v == UINT64_MAX)
        return xenbus_refuse(x, "there is no %s", node);
    *out = (uint32_t)v;
    return 0;
}

/* The node that names page i: "ring-ref", or "ring-ref3" of several. */
static int page_ref(struct xenbus *x, const char *node, unsigned order,
                    unsigned i, uint32_t *ref)
{
    char name[XENBUS_NODE + 12];
    uint64_t v;
    int ret;

    snprintf(name, sizeof(name), "%s%u", node, i);
    if (order)
        return need(x, name, ref);
    /* One page may be named either way. */
    ret = xenbus_get(x, node, UINT32_MAX, UINT64_MAX, &v);
    if (ret < 0)
        return ret;
    if (v == UINT64_MAX)
        return need(x, name, ref);
    *ref = (uint32_t)v;
    return 0;
}

int xenbus_take_ring(struct xenbus *x, const char *node, unsigned order,
                     uint32_t slot, struct xenbus_ring *out)
{
    struct gwin wins[XRING_MAX_PAGES];
    const unsigned n = 1u << order;

    BUG_ON(n > XRING_MAX_PAGES);
    for (out->n_pages = 0; out->n_pages < n; out->n_pages++) {
        uint32_t *ref = &out->refs[out->n_pages];
        const int ret = page_ref(x, node, order, out->n_pages, ref);

        if (ret < 0)
            return ret;
        if (gnttab_win(x->host.gnt, *ref, true, &wins[out->n_pages]) < 0)
            return xenbus_refuse(x, "%s: grant %u is not ours to write", node,
                                 *ref);
    }
    xring_start(&out->ring, wins, n, slot);
    return 0;
}

void xenbus_drop_ring(struct xenbus *x, struct xenbus_ring *r)
{
    xring_stop(&r->ring);
    while (r->n_pages)
        gnttab_release(x->host.gnt, r->refs[--r->n_pages], true);
}

int xenbus_take_port(struct xenbus *x, const char *node,
                     void (*fn)(void *owner), void *owner, uint32_t *port)
{
    uint32_t guest = 0;
    const int ret = need(x, node, &guest);

    if (ret < 0)
        return ret;
    if (evtchn_backend_bind(x->host.events, guest, fn, owner) < 0)
        return xenbus_refuse(x, "%s: port %u is not ours to take", node, guest);
    *port = guest;
    return 0;
}

void xenbus_drop_port(struct xenbus *x, uint32_t *port)
{
    if (*port)
        evtchn_backend_unbind(x->host.events, *port);
    *port = 0;
}
