/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen_rig.h: a Xen guest's memory, grants, event channels and store, with the
 * test as the guest, for good and for evil. Nothing of it is faked: only the
 * guest's CPU is missing.
 *
 * Pages are handed out in an order in which no two lie side by side.
 */
#ifndef TESTS_XEN_RIG_H
#define TESTS_XEN_RIG_H

#include "loop_turns.h"
#include "pvabi/evtchn.h"
#include "pvabi/grant.h"
#include "pvabi/shinfo.h"
#include "pvabi/xenbus.h"
#include "pvabi/xenstore.h"
#include "xring_driver.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM         (4 * MIB)
#define TABLE_GFN   0x10u /* of the grant table's first frame */
#define FIRST_GFN   0x20u /* of pages handed out */
#define FIRST_REF   GNTTAB_NR_RESERVED_ENTRIES
#define XEN_REFS    512u
#define UNGRANTED   511u /* a reference nobody grants */
#define FRONT_WORDS 4

struct xen_rig {
    pthread_mutex_t lock;
    struct loop *loop;
    struct gmem *mem;
    unsigned char *ram;
    struct shinfo *shinfo;
    struct evtchn *events;
    struct gnttab *gnt;
    struct xs *xs;
    struct loop_op dispatch;
    unsigned n_pages;
    uint32_t next_ref;
};

static inline void rig_post(void *ctx)
{
    struct xen_rig *r = ctx;

    loop_post(r->loop, &r->dispatch);
}

static inline void rig_dispatch(struct loop_op *op, int res)
{
    struct xen_rig *r = op->owner;

    (void)res;
    evtchn_dispatch(r->events);
}

static inline void rig_upcall(void *ctx, unsigned vcpu)
{
    (void)ctx;
    (void)vcpu;
}

/* Let the loop take a few turns; more than any answer here needs. */
static inline void spin(struct xen_rig *r)
{
    loop_turns(r->loop, 12);
}

/* ---- memory and grants ---- */

static inline unsigned char *page_at(struct xen_rig *r, uint64_t gfn)
{
    return r->ram + gfn * GUEST_PAGE;
}

static inline uint64_t new_gfn(struct xen_rig *r)
{
    const uint64_t n = RAM / GUEST_PAGE - FIRST_GFN;

    BUG_ON(r->n_pages >= n / 2);
    return FIRST_GFN + n - 2 * ++r->n_pages;
}

static inline struct grant_entry_v1 *entry(struct xen_rig *r, uint32_t ref)
{
    void *at = page_at(r, TABLE_GFN) + ref * sizeof(struct grant_entry_v1);

    return at;
}

static inline void grant(struct xen_rig *r, uint32_t ref, uint64_t gfn,
                         bool readonly)
{
    *entry(r, ref) = (struct grant_entry_v1){
        .flags = (uint16_t)(GTF_permit_access | (readonly ? GTF_readonly : 0)),
        .domid = XEN_BACKEND_DOMID,
        .frame = (uint32_t)gfn,
    };
}

/* A page of the guest's that the back-end may use. */
static inline uint32_t granted_page(struct xen_rig *r, unsigned char **page)
{
    const uint64_t gfn = new_gfn(r);
    const uint32_t ref = r->next_ref++;

    grant(r, ref, gfn, false);
    *page = page_at(r, gfn);
    return ref;
}

/* Does the back-end hold it? */
static inline bool is_held(struct xen_rig *r, uint32_t ref)
{
    return entry(r, ref)->flags & (GTF_reading | GTF_writing);
}

/* ---- events ---- */

static inline uint32_t new_port(struct xen_rig *r)
{
    union evtchn_arg arg = {
        .alloc_unbound = {.dom = DOMID_SELF, .remote_dom = XEN_BACKEND_DOMID}};

    BUG_ON(evtchn_op(r->events, EVTCHNOP_alloc_unbound, &arg) != 0);
    return arg.alloc_unbound.port;
}

static inline void close_port(struct xen_rig *r, uint32_t port)
{
    union evtchn_arg arg = {.close = {.port = port}};

    BUG_ON(evtchn_op(r->events, EVTCHNOP_close, &arg) != 0);
}

static inline void send_event(struct xen_rig *r, uint32_t port)
{
    union evtchn_arg arg = {.send = {.port = port}};

    BUG_ON(evtchn_op(r->events, EVTCHNOP_send, &arg) != 0);
}

/* Was the guest told, since the last look? */
static inline bool was_told(struct xen_rig *r, uint32_t port)
{
    const bool told = shinfo_clear_pending(r->shinfo, port);

    shinfo_clear_mask(r->shinfo, port);
    return told;
}

/* ---- the store, as the guest's driver uses it ---- */

struct xen_front {
    struct xen_rig *r;
    char front[96], back[96];
};

static inline struct xen_front front_of(struct xen_rig *r, const char *type,
                                        unsigned id)
{
    struct xen_front f = {.r = r};

    snprintf(f.front, sizeof(f.front), "/local/domain/1/device/%s/%u", type,
             id);
    snprintf(f.back, sizeof(f.back), "/local/domain/0/backend/%s/1/%u", type,
             id);
    return f;
}

static inline void tell(const struct xen_front *f, const char *node,
                        const char *value)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", f->front, node);
    BUG_ON(xs_write(f->r->xs, path, value) < 0);
}

static inline void tell_number(const struct xen_front *f, const char *node,
                               uint64_t v)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
    tell(f, node, text);
}

static inline void untell(const struct xen_front *f, const char *node)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", f->front, node);
    (void)xs_rm(f->r->xs, path);
}

/* A number of the back-end's; UINT64_MAX: none. */
static inline uint64_t asked(const struct xen_front *f, const char *node)
{
    char path[256];
    uint64_t v = UINT64_MAX;

    snprintf(path, sizeof(path), "%s/%s", f->back, node);
    if (xs_read_uint(f->r->xs, path, UINT64_MAX - 1, &v) < 0)
        return UINT64_MAX;
    return v;
}

static inline unsigned back_state(const struct xen_front *f)
{
    return (unsigned)asked(f, "state");
}

static inline void set_front(const struct xen_front *f, enum xenbus_state s)
{
    tell_number(f, "state", s);
    spin(f->r);
}

/* ---- making and taking apart ---- */

static inline struct xenbus_host rig_host(struct xen_rig *r)
{
    return (struct xenbus_host){
        .loop = r->loop, .xs = r->xs, .gnt = r->gnt, .events = r->events};
}

/* What lasts as long as the process. */
static inline void rig_host_open(struct xen_rig *r)
{
    unsigned n;

    log_set_level(LOG_ERROR);
    *r = (struct xen_rig){.lock = PTHREAD_MUTEX_INITIALIZER};
    r->dispatch = (struct loop_op){.fn = rig_dispatch, .owner = r};
    BUG_ON(loop_create(&r->loop, &r->lock) < 0);
    r->mem = gmem_create(RAM, GMEM_ANON);
    r->ram = gmem_slots(r->mem, &n)[0].host;
}

static inline void rig_guest_open(struct xen_rig *r)
{
    struct evtchn_config cfg = {
        .mem = r->mem,
        .domid = XEN_GUEST_DOMID,
        .ops = {.upcall = rig_upcall, .post = rig_post, .ctx = r},
    };

    r->n_pages = 0;
    r->next_ref = FIRST_REF;
    cfg.shinfo = r->shinfo = shinfo_create(1);
    r->events = evtchn_create(&cfg);
    r->gnt = gnttab_create(r->mem, XEN_GUEST_DOMID, 4);
    r->xs = xs_create(r->loop, XEN_GUEST_DOMID, NULL);
    BUG_ON(!r->events || !r->gnt || !r->xs);
    BUG_ON(gnttab_place(r->gnt, 0, (gfn_t){TABLE_GFN}) < 0);
}

static inline void rig_open(struct xen_rig *r)
{
    rig_host_open(r);
    rig_guest_open(r);
}

static inline void rig_guest_close(struct xen_rig *r)
{
    BUG_ON(gnttab_pins(r->gnt) != 0);
    loop_drain(r->loop, &r->dispatch);
    xs_destroy(r->xs);
    gnttab_destroy(r->gnt);
    evtchn_destroy(r->events);
    shinfo_destroy(r->shinfo);
}

static inline void rig_close(struct xen_rig *r)
{
    rig_guest_close(r);
    gmem_destroy(r->mem);
    loop_destroy(r->loop);
}

#endif
