// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xs_ring.c: see xs_ring.h.
 *
 * Two byte streams of 1024 bytes each. A request is gathered until it is
 * whole, answered, and the answer sent as the guest makes room. Only then is
 * the next request taken out of the ring: a guest that does not read finds
 * its requests waiting there, and we keep one message each way. Events go out
 * between answers.
 *
 * req_cons and rsp_prod are ours, and kept here: what the guest writes over
 * them in the page is never read. Its own two are read once a look, and one
 * further from ours than the ring is long ends the connection. Linux sends no
 * event for what it finds us busy with, so after each move of ours they are
 * looked at once more.
 *
 * A turn of the loop handles TURN_MESSAGES and goes on in the next.
 */
#include "pvabi/xs_ring.h"

#include "mmu/gwin.h"
#include "pvabi/xs_wire.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

#define TURN_MESSAGES 32u

#define FEATURES \
    (XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR)

#define FIELD(name) offsetof(struct xenstore_domain_interface, name)

struct xs_ring {
    struct loop *loop; /* borrowed */
    struct xs *xs;     /* borrowed */
    struct gwin win;
    void (*notify)(void *owner);
    void *owner; /* borrowed */
    struct xs_conn conn;
    struct loop_op turn;
    uint32_t req_cons, rsp_prod; /* ours */
    bool moved;                  /* in this turn: the guest is to be told */
    bool broken;                 /* until it asks for a new connection */
    size_t have;                 /* bytes of request that are there */
    size_t sent;                 /* bytes of reply that are in the ring */
    size_t to_send;              /* 0: no reply */
    struct xs_msg request, reply;
    struct log_limit limit;
};

static void put_field(struct xs_ring *r, size_t field, uint32_t v)
{
    win_store_release32(&r->win, field, v);
}

/* The connection ends; why is for the guest (XENSTORE_ERROR_...). */
static void fail(struct xs_ring *r, uint32_t why, const char *text)
{
    log_guest(&r->limit, "xenstore: the guest's ring: %s", text);
    r->broken = true;
    r->moved = true;
    r->have = r->to_send = 0;
    xs_conn_reset(&r->conn);
    put_field(r, FIELD(error), why);
}

static void reconnect(struct xs_ring *r)
{
    static const size_t indices[] = {FIELD(req_cons), FIELD(req_prod),
                                     FIELD(rsp_cons), FIELD(rsp_prod)};

    xs_conn_reset(&r->conn);
    r->have = r->to_send = 0;
    r->req_cons = r->rsp_prod = 0;
    r->broken = false;
    r->moved = true;
    for (unsigned i = 0; i < ARRAY_LEN(indices); i++)
        put_field(r, indices[i], 0);
    put_field(r, FIELD(error), XENSTORE_ERROR_NONE);
    /* The guest looks at this alone, and then at all the others. */
    put_field(r, FIELD(connection), XENSTORE_CONNECTED);
}

/* How far one round the ring is one piece. */
static size_t piece(uint32_t index, size_t n)
{
    const size_t room = XENSTORE_RING_SIZE - MASK_XENSTORE_IDX(index);

    return n < room ? n : room;
}

/* The room for a reply; false, and the end, if the guest says nonsense. */
static bool find_room(struct xs_ring *r, size_t *room)
{
    /* Pairs with the guest's store after it has read. */
    const uint32_t used =
        r->rsp_prod - win_load_acquire32(&r->win, FIELD(rsp_cons));

    if (used > XENSTORE_RING_SIZE) {
        fail(r, XENSTORE_ERROR_RINGIDX, "rsp_cons is out of range");
        return false;
    }
    *room = XENSTORE_RING_SIZE - used;
    return true;
}

/* Put in as much of the reply as there is room. */
static void put_reply(struct xs_ring *r, size_t room)
{
    const unsigned char *from = (const unsigned char *)&r->reply;
    size_t n;

    for (; room && r->to_send > r->sent; room -= n) {
        n = r->to_send - r->sent;
        n = piece(r->rsp_prod, n < room ? n : room);
        win_copy_out(&r->win, FIELD(rsp) + MASK_XENSTORE_IDX(r->rsp_prod),
                     from + r->sent, n);
        r->sent += n;
        r->rsp_prod += (uint32_t)n;
        r->moved = true;
    }
    put_field(r, FIELD(rsp_prod), r->rsp_prod);
    /*
     * The guest tells that it has read only if it then finds that the ring was
     * full: either we see its new rsp_cons, or it sees our rsp_prod.
     */
    win_full_barrier();
    if (r->sent == r->to_send)
        r->to_send = 0;
}

/* Send until there is no room. True if nothing is left. */
static bool flush(struct xs_ring *r)
{
    size_t room;

    while (r->to_send) {
        if (!find_room(r, &room))
            return true;
        if (!room)
            return false;
        put_reply(r, room);
    }
    return true;
}

/* Bytes of the request that are still to come, as far as is known. */
static size_t wanted(const struct xs_ring *r)
{
    const size_t head = sizeof(r->request.head);

    return r->have < head ? head - r->have
                          : head + r->request.head.len - r->have;
}

/* Take n bytes of the avail there are, at most. */
static uint32_t take(struct xs_ring *r, uint32_t avail, size_t n)
{
    unsigned char *to = (unsigned char *)&r->request + r->have;

    n = piece(r->req_cons, n < avail ? n : avail);
    win_copy_in(&r->win, FIELD(req) + MASK_XENSTORE_IDX(r->req_cons), to, n);
    r->have += n;
    r->req_cons += (uint32_t)n;
    r->moved = true;
    return (uint32_t)n;
}

static bool is_whole(const struct xs_ring *r)
{
    return r->have >= sizeof(r->request.head) && !wanted(r);
}

/* Take what there is of the request; false, and the end, if it is too long. */
static bool take_all(struct xs_ring *r, uint32_t avail)
{
    /* The header first: only then is it known how much belongs to it. */
    while (avail && wanted(r)) {
        avail -= take(r, avail, wanted(r));
        if (r->have == sizeof(r->request.head) &&
            r->request.head.len > XENSTORE_PAYLOAD_MAX) {
            fail(r, XENSTORE_ERROR_PROTO, "a message is too long");
            return false;
        }
    }
    put_field(r, FIELD(req_cons), r->req_cons);
    /*
     * The guest tells of more only if it then finds that all before was taken:
     * either we see its new req_prod, or it sees our req_cons.
     */
    win_full_barrier();
    return true;
}

/* Take until there is nothing. True if a request is whole. */
static bool gather(struct xs_ring *r)
{
    while (!is_whole(r)) {
        /* Pairs with the guest's store after it has written. */
        const uint32_t avail =
            win_load_acquire32(&r->win, FIELD(req_prod)) - r->req_cons;

        if (avail > XENSTORE_RING_SIZE) {
            fail(r, XENSTORE_ERROR_RINGIDX, "req_prod is out of range");
            return false;
        }
        if (!avail || !take_all(r, avail))
            return false;
    }
    return true;
}

static void send(struct xs_ring *r)
{
    r->sent = 0;
    r->to_send = sizeof(r->reply.head) + r->reply.head.len;
}

/* One message in or out. False if there is nothing to do. */
static bool step(struct xs_ring *r)
{
    if (!flush(r))
        return false;
    if (!r->broken && xs_conn_event(&r->conn, &r->reply)) {
        send(r);
        return true;
    }
    if (r->broken || !gather(r))
        return false;
    r->have = 0;
    xs_conn_answer(&r->conn, &r->request, &r->reply);
    send(r);
    return true;
}

static void on_turn(struct loop_op *op, int res)
{
    struct xs_ring *r = op->owner;
    unsigned n = 0;

    (void)res;
    r->moved = false;
    if (win_load_acquire32(&r->win, FIELD(connection)) == XENSTORE_RECONNECT)
        reconnect(r);
    while (n < TURN_MESSAGES && step(r))
        n++;
    if (n == TURN_MESSAGES)
        loop_post(r->loop, &r->turn);
    if (r->moved)
        r->notify(r->owner);
}

void xs_ring_kick(struct xs_ring *r)
{
    loop_post(r->loop, &r->turn);
}

static void on_wake(struct xs_listener *l)
{
    struct xs_conn *c =
        (struct xs_conn *)((char *)l - offsetof(struct xs_conn, listener));
    struct xs_ring *r =
        (struct xs_ring *)((char *)c - offsetof(struct xs_ring, conn));

    xs_ring_kick(r);
}

struct xs_ring *xs_ring_create(struct xs *xs, struct loop *loop,
                               const struct gwin *win,
                               void (*notify)(void *owner), void *owner)
{
    struct xs_ring *r = calloc(1, sizeof(*r));

    BUG_ON(win->size < sizeof(struct xenstore_domain_interface));
    if (!r) {
        log_error("xenstore: out of memory");
        return NULL;
    }
    r->loop = loop;
    r->xs = xs;
    r->win = *win;
    r->notify = notify;
    r->owner = owner;
    r->turn = (struct loop_op){.fn = on_turn, .owner = r};
    r->req_cons = win_load_acquire32(win, FIELD(req_cons));
    r->rsp_prod = win_load_acquire32(win, FIELD(rsp_prod));
    xs_conn_open(&r->conn, xs, on_wake);
    put_field(r, FIELD(server_features), FEATURES);
    put_field(r, FIELD(error), XENSTORE_ERROR_NONE);
    put_field(r, FIELD(connection), XENSTORE_CONNECTED);
    return r;
}

void xs_ring_destroy(struct xs_ring *r)
{
    if (!r)
        return;
    xs_conn_close(&r->conn);
    loop_drain(r->loop, &r->turn);
    free(r);
}
