/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs_rig.h: a store and its guest, who writes bytes into the ring page and
 * reads what comes back, for good and for evil.
 */
#ifndef TESTS_XS_RIG_H
#define TESTS_XS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop_turns.h"
#include "mmu/gwin.h"
#include "pvabi/xenstore.h"
#include "pvabi/xs_ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#define GUEST 7u /* the guest's domain */
#define HOME  "/local/domain/7"

struct xs_rig {
    pthread_mutex_t lock;
    struct loop *loop;
    struct xs *xs;
    struct xs_ring *ring;
    union {
        struct xenstore_domain_interface ring;
        unsigned char bytes[GUEST_PAGE];
    } page;
    unsigned notified;
    void (*kick)(struct xs_rig *r); /* the guest's way of it */
    uint32_t req_id;
};

/* A message as the guest reads it. */
struct answer {
    struct xsd_sockmsg head;
    char data[XENSTORE_PAYLOAD_MAX + 1];
};

/* Let the loop take a few turns; more than any answer here needs. */
static inline void spin(struct xs_rig *r)
{
    loop_turns(r->loop, 12);
}

static inline void rig_notify(void *owner)
{
    struct xs_rig *r = owner;

    r->notified++;
}

static inline void rig_kick(struct xs_rig *r)
{
    xs_ring_kick(r->ring);
}

static inline void rig_connect(struct xs_rig *r)
{
    const struct gwin win = win_of(r->page.bytes, GUEST_PAGE);

    r->kick = rig_kick;
    r->ring = xs_ring_create(r->xs, r->loop, &win, rig_notify, r);
    assert_non_null(r->ring);
}

/* A guest that may write its own directory. */
static inline struct xs_rig *rig_open(const struct xs_limits *limits)
{
    struct xs_rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    log_set_level(LOG_ERROR);
    pthread_mutex_init(&r->lock, NULL);
    assert_int_equal(loop_create(&r->loop, &r->lock), 0);
    r->xs = xs_create(r->loop, GUEST, limits);
    assert_non_null(r->xs);
    assert_int_equal(xs_mkdir(r->xs, HOME), 0);
    assert_int_equal(xs_set_perms(r->xs, HOME, GUEST, GUEST, XS_NONE), 0);
    rig_connect(r);
    return r;
}

static inline void rig_close(struct xs_rig *r)
{
    xs_ring_destroy(r->ring);
    xs_destroy(r->xs);
    loop_destroy(r->loop);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* ---- the guest ---- */

static inline void guest_kick(struct xs_rig *r)
{
    r->kick(r);
    spin(r);
}

/* Put bytes into the ring as there is room, kicking on the way. */
static inline void guest_send_bytes(struct xs_rig *r, const void *data,
                                    size_t n)
{
    struct xenstore_domain_interface *ring = &r->page.ring;
    const char *from = data;

    for (; n; n--) {
        if (ring->req_prod - ring->req_cons == XENSTORE_RING_SIZE)
            guest_kick(r);
        assert_true(ring->req_prod - ring->req_cons < XENSTORE_RING_SIZE);
        ring->req[MASK_XENSTORE_IDX(ring->req_prod)] = *from++;
        ring->req_prod++;
    }
    guest_kick(r);
}

static inline void guest_send(struct xs_rig *r, uint32_t type, uint32_t tx,
                              const void *data, size_t n)
{
    const struct xsd_sockmsg head = {type, ++r->req_id, tx, (uint32_t)n};

    guest_send_bytes(r, &head, sizeof(head));
    if (n)
        guest_send_bytes(r, data, n);
}

/* So many bytes of what comes back; false if they do not come. */
static inline bool guest_take(struct xs_rig *r, void *to, size_t n)
{
    struct xenstore_domain_interface *ring = &r->page.ring;
    char *out = to;

    for (; n; n--) {
        if (ring->rsp_cons == ring->rsp_prod)
            guest_kick(r);
        if (ring->rsp_cons == ring->rsp_prod)
            return false;
        *out++ = ring->rsp[MASK_XENSTORE_IDX(ring->rsp_cons)];
        ring->rsp_cons++;
    }
    return true;
}

/* The next message there is. */
static inline bool guest_get(struct xs_rig *r, struct answer *a)
{
    memset(a, 0, sizeof(*a));
    if (!guest_take(r, &a->head, sizeof(a->head)))
        return false;
    assert_true(a->head.len <= XENSTORE_PAYLOAD_MAX);
    return guest_take(r, a->data, a->head.len);
}

/* Ask, and have the answer; what events come before it are lost. */
static inline void guest_ask(struct xs_rig *r, struct answer *a, uint32_t type,
                             uint32_t tx, const void *data, size_t n)
{
    guest_send(r, type, tx, data, n);
    do {
        assert_true(guest_get(r, a));
    } while (a->head.type == XS_WATCH_EVENT);
    assert_int_equal(a->head.req_id, r->req_id);
    assert_int_equal(a->head.tx_id, tx);
}

/* The answer to a request must be these bytes. */
#define guest_expect(r, verb, tx, payload, want)                   \
    do {                                                           \
        struct answer a_;                                          \
        guest_ask(r, &a_, verb, tx, payload, sizeof(payload) - 1); \
        assert_int_equal(a_.head.type, verb);                      \
        assert_int_equal(a_.head.len, sizeof(want) - 1);           \
        assert_memory_equal(a_.data, want, sizeof(want) - 1);      \
    } while (0)

#define guest_ok(r, verb, tx, payload) \
    guest_expect(r, verb, tx, payload, "OK\0")

/* It must be refused with the error of that name. */
#define guest_no(r, verb, tx, payload, err)                        \
    do {                                                           \
        struct answer a_;                                          \
        guest_ask(r, &a_, verb, tx, payload, sizeof(payload) - 1); \
        assert_int_equal(a_.head.type, XS_ERROR);                  \
        assert_string_equal(a_.data, err);                         \
        assert_int_equal(a_.head.len, sizeof(err));                \
    } while (0)

/* The next message must be this event. */
#define guest_event(r, path, token)                         \
    do {                                                    \
        struct answer a_;                                   \
        assert_true(guest_get(r, &a_));                     \
        assert_int_equal(a_.head.type, XS_WATCH_EVENT);     \
        assert_int_equal(a_.head.req_id, 0);                \
        assert_string_equal(a_.data, path);                 \
        assert_string_equal(a_.data + sizeof(path), token); \
    } while (0)

#define guest_quiet(r)                   \
    do {                                 \
        struct answer a_;                \
        assert_false(guest_get(r, &a_)); \
    } while (0)

static inline uint32_t guest_begin(struct xs_rig *r)
{
    struct answer a;

    guest_ask(r, &a, XS_TRANSACTION_START, 0, "", 1);
    assert_int_equal(a.head.type, XS_TRANSACTION_START);
    return (uint32_t)strtoul(a.data, NULL, 10);
}

#endif
