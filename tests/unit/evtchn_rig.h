/* SPDX-License-Identifier: GPL-2.0-or-later */
/* evtchn_rig.h: event channels of a guest with some vCPUs, without one. */
#ifndef EVTCHN_RIG_H
#define EVTCHN_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pvabi/evtchn.h"

#include <errno.h>
#include <string.h>

#define VCPUS   4
#define DOMID   7
#define MEM     (1 * MIB)
#define SHINFO  0x2000ull /* where the guest maps shared_info */
#define CONTROL 0x3000ull /* FIFO control blocks, one a page */
#define ARRAY   0x8000ull /* FIFO event words */
#define MAX_LOG 64

struct rig {
    struct gmem *mem;
    struct shinfo *si;
    struct evtchn *e;
    unsigned upcalls[VCPUS];
    unsigned posts;
    unsigned wakes;
    unsigned notified;
    unsigned bound, closed;
    struct evtchn_info last_bound;
    uint32_t pirq_bound; /* UINT32_MAX: none */
};

static void rig_upcall(void *ctx, unsigned vcpu)
{
    struct rig *r = ctx;

    assert_true(vcpu < VCPUS);
    r->upcalls[vcpu]++;
}

static void rig_post(void *ctx)
{
    struct rig *r = ctx;

    r->posts++;
}

static void rig_wake(void *ctx)
{
    struct rig *r = ctx;

    r->wakes++;
}

static void rig_bound(void *ctx, uint32_t port, const struct evtchn_info *info)
{
    struct rig *r = ctx;

    assert_true(port > 0);
    r->bound++;
    r->last_bound = *info;
}

static void rig_closed(void *ctx, uint32_t port)
{
    struct rig *r = ctx;

    assert_true(port > 0);
    r->closed++;
}

/* One at a time. */
static void rig_pirq(void *ctx, uint32_t pirq, bool bound)
{
    struct rig *r = ctx;

    assert_int_equal(r->pirq_bound, bound ? UINT32_MAX : pirq);
    r->pirq_bound = bound ? pirq : UINT32_MAX;
}

static inline void rig_make(struct rig *r)
{
    struct evtchn_config cfg;
    struct gwin page;

    *r = (struct rig){.mem = gmem_create(MEM, GMEM_ANON),
                      .si = shinfo_create(VCPUS),
                      .pirq_bound = UINT32_MAX};
    assert_non_null(r->mem);
    assert_non_null(r->si);
    cfg = (struct evtchn_config){.shinfo = r->si,
                                 .mem = r->mem,
                                 .domid = DOMID,
                                 .fifo = true,
                                 .pirqs = true,
                                 .ops = {.upcall = rig_upcall,
                                         .post = rig_post,
                                         .bound = rig_bound,
                                         .closed = rig_closed,
                                         .poll_wake = rig_wake,
                                         .pirq = rig_pirq,
                                         .ctx = r}};
    r->e = evtchn_create(&cfg);
    assert_non_null(r->e);
    assert_int_equal(gmem_win(r->mem, GPA(SHINFO), 4096, &page), 0);
    shinfo_map(r->si, &page);
}

static inline void rig_free(struct rig *r)
{
    evtchn_destroy(r->e);
    shinfo_destroy(r->si);
    gmem_destroy(r->mem);
}

static inline int rig_op(struct rig *r, unsigned cmd, union evtchn_arg a)
{
    return evtchn_op(r->e, cmd, &a);
}

static inline uint32_t rig_alloc(struct rig *r, domid_t remote)
{
    union evtchn_arg a = {
        .alloc_unbound = {.dom = DOMID_SELF, .remote_dom = remote}};

    assert_int_equal(evtchn_op(r->e, EVTCHNOP_alloc_unbound, &a), 0);
    return a.alloc_unbound.port;
}

static inline uint32_t rig_ipi(struct rig *r, uint32_t vcpu)
{
    union evtchn_arg a = {.bind_ipi = {.vcpu = vcpu}};

    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_ipi, &a), 0);
    return a.bind_ipi.port;
}

static inline uint32_t rig_virq(struct rig *r, uint32_t virq, uint32_t vcpu)
{
    union evtchn_arg a = {.bind_virq = {.virq = virq, .vcpu = vcpu}};

    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_virq, &a), 0);
    return a.bind_virq.port;
}

static inline int rig_send(struct rig *r, uint32_t port)
{
    return rig_op(r, EVTCHNOP_send, (union evtchn_arg){.send = {.port = port}});
}

static inline int rig_close(struct rig *r, uint32_t port)
{
    return rig_op(r, EVTCHNOP_close,
                  (union evtchn_arg){.close = {.port = port}});
}

static inline int rig_unmask(struct rig *r, uint32_t port)
{
    return rig_op(r, EVTCHNOP_unmask,
                  (union evtchn_arg){.unmask = {.port = port}});
}

static inline struct evtchn_status rig_status(struct rig *r, uint32_t port)
{
    union evtchn_arg a = {.status = {.dom = DOMID_SELF, .port = port}};

    assert_int_equal(evtchn_op(r->e, EVTCHNOP_status, &a), 0);
    return a.status;
}

static inline void rig_notified(void *owner)
{
    struct rig *r = owner;

    r->notified++;
}

#endif
