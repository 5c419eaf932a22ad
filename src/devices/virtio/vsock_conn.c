// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vsock_conn.c: what packets and the host's programs do to connections.
 * Source: virtio 1.2, 5.10.6 (device operation).
 *
 * A connection is known by its two ports; the guest's address and ours are
 * always the same two. It begins with a REQUEST of either end, is up with the
 * other's RESPONSE, and ends with an RST, which also answers whatever cannot
 * be: an unknown connection, port, type or operation.
 *
 * An end that will not send or not receive any more says so by SHUTDOWN. If
 * the guest said both, it is through: it gets its RST at once, and what it
 * wrote before is still written out. If the host said both, the guest owes
 * the RST and has a few seconds for it.
 *
 * What there is for the guest (packets owed, bytes to read) is no queue but a
 * state of the connection; connections that have something stand in line and
 * send one packet each. Only refusals are kept as such, a bounded number:
 * while the guest gives no buffers for them, it is not listened to (5.10.6.1),
 * and one that is lost all the same is made up for by the guest's next packet.
 *
 * Thread: loop, board lock held.
 */
#include "devices/virtio/vsock_priv.h"

#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/socket.h>

#define BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

_Static_assert(sizeof(struct virtio_vsock_hdr) == 44, "virtio 1.2, 5.10.6");

/* ---- finding connections ---- */

static struct vsock_conn **bucket(struct vsock *v, uint32_t guest_port,
                                  uint32_t host_port)
{
    return &v->buckets[(guest_port * 31 + host_port) % VSOCK_BUCKETS];
}

static struct vsock_conn *find(struct vsock *v, uint32_t guest_port,
                               uint32_t host_port)
{
    struct vsock_conn *c = *bucket(v, guest_port, host_port);

    while (c && (c->guest_port != guest_port || c->host_port != host_port))
        c = c->chain;
    return c;
}

/* From now on the guest's packets do not reach it any more. */
static void unhash(struct vsock *v, struct vsock_conn *c)
{
    struct vsock_conn **at = bucket(v, c->guest_port, c->host_port);

    while (*at && *at != c)
        at = &(*at)->chain;
    if (*at)
        *at = c->chain;
}

static struct vsock_conn *conn_of(struct vsock *v, const struct uds_stream *s)
{
    return &v->conns[uds_index(s)];
}

static struct vsock_conn *open_conn(struct vsock *v, struct uds_stream *s,
                                    enum vsock_state state, uint32_t guest_port,
                                    uint32_t host_port)
{
    struct vsock_conn **at = bucket(v, guest_port, host_port);
    struct vsock_conn *c = conn_of(v, s);

    BUG_ON(c->state != VSOCK_FREE);
    *c = (struct vsock_conn){
        .state = state,
        .stream = s,
        .guest_port = guest_port,
        .host_port = host_port,
        .chain = *at,
    };
    *at = c;
    vsock_flow_open(v, c);
    return c;
}

/* ---- those with packets for the guest ---- */

static unsigned unsaid(const struct vsock_conn *c)
{
    const unsigned now = (c->eof ? VIRTIO_VSOCK_SHUTDOWN_SEND : 0u) |
                         (c->gone ? VIRTIO_VSOCK_SHUTDOWN_RCV : 0u);

    return c->state == VSOCK_UP ? now & ~c->host_said : 0;
}

static bool may_read(const struct vsock_conn *c)
{
    return c->state == VSOCK_UP && c->readable && !c->eof &&
           !(c->guest_said & VIRTIO_VSOCK_SHUTDOWN_RCV);
}

void vsock_due(struct vsock *v, struct vsock_conn *c)
{
    const bool data = may_read(c) && (vsock_has_credit(c) || !c->asked_credit);

    if (c->due || c->state == VSOCK_LINGER || !(c->owes || data || unsaid(c)))
        return;
    c->due = true;
    c->next = NULL;
    *v->due_end = c;
    v->due_end = &c->next;
    vsock_wake(v);
}

static void remove_due(struct vsock *v, struct vsock_conn *c)
{
    struct vsock_conn **at = &v->due_first;

    if (!c->due)
        return;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    if (!*at)
        v->due_end = at;
    c->due = false;
}

bool vsock_has_due(const struct vsock *v)
{
    return v->n_refusals || v->due_first;
}

/* ---- the end of a connection ---- */

static void refuse(struct vsock *v, const struct vsock_refusal *r)
{
    const unsigned last = v->first_refusal + v->n_refusals;

    if (v->n_refusals == VSOCK_REFUSALS)
        return;
    v->refusals[last % VSOCK_REFUSALS] = *r;
    v->n_refusals++;
    vsock_wake(v);
}

static void reset_guest(struct vsock *v, const struct vsock_conn *c)
{
    const struct vsock_refusal r = {
        .cid = VSOCK_HOST_CID,
        .guest_port = c->guest_port,
        .host_port = c->host_port,
        .type = VIRTIO_VSOCK_TYPE_STREAM,
    };

    refuse(v, &r);
}

/* All but the stream. */
static void forget(struct vsock *v, struct vsock_conn *c)
{
    unhash(v, c);
    remove_due(v, c);
    c->state = VSOCK_FREE;
}

void vsock_drop(struct vsock *v, struct vsock_conn *c, bool tell)
{
    if (tell && c->state != VSOCK_LINGER)
        reset_guest(v, c);
    forget(v, c);
    uds_end(c->stream);
}

void vsock_drop_all(struct vsock *v)
{
    for (unsigned i = 0; i < UDS_STREAMS; i++) {
        struct vsock_conn *c = &v->conns[i];

        if (c->state == VSOCK_FREE)
            continue;
        v->lost |= c->state == VSOCK_UP;
        vsock_drop(v, c, false);
    }
    v->n_refusals = 0;
}

/* The guest is through: it is told so, and only its bytes live on. */
static void let_go(struct vsock *v, struct vsock_conn *c)
{
    reset_guest(v, c);
    if (!vsock_parked(c)) {
        vsock_drop(v, c, false);
        return;
    }
    unhash(v, c);
    remove_due(v, c);
    uds_deadline(c->stream, 0);
    c->state = VSOCK_LINGER;
}

/* ---- packets of the guest ---- */

/* What the packet says makes no sense for this connection. */
static void break_conn(struct vsock *v, struct vsock_conn *c, const char *why)
{
    log_guest(&v->limit, "virtio-vsock: port %u to %u: %s: reset",
              c->guest_port, c->host_port, why);
    vsock_drop(v, c, true);
}

static void take_request(struct vsock *v, struct vsock_conn *c,
                         const struct virtio_vsock_hdr *h,
                         const struct vchain *chain)
{
    (void)h;
    (void)chain;
    break_conn(v, c, "a request for a connection that is there");
}

static void take_response(struct vsock *v, struct vsock_conn *c,
                          const struct virtio_vsock_hdr *h,
                          const struct vchain *chain)
{
    (void)h;
    (void)chain;
    if (c->state != VSOCK_ASKED || (c->owes & OWES_REQUEST)) {
        break_conn(v, c, "a response to no request");
        return;
    }
    c->state = VSOCK_UP;
    c->readable = true;
    uds_deadline(c->stream, 0);
    uds_accept(c->stream, c->host_port);
}

static void take_rst(struct vsock *v, struct vsock_conn *c,
                     const struct virtio_vsock_hdr *h,
                     const struct vchain *chain)
{
    (void)h;
    (void)chain;
    vsock_drop(v, c, false);
}

/* The program hears the guest's end once it has all of its bytes. */
static void pass_end(struct vsock_conn *c)
{
    if ((c->guest_said & VIRTIO_VSOCK_SHUTDOWN_SEND) && !vsock_parked(c))
        uds_shutdown(c->stream, SHUT_WR);
}

static void take_shutdown(struct vsock *v, struct vsock_conn *c,
                          const struct virtio_vsock_hdr *h,
                          const struct vchain *chain)
{
    (void)chain;
    c->guest_said |= h->flags & BOTH;
    if (c->guest_said == BOTH) {
        let_go(v, c);
        return;
    }
    if (c->state != VSOCK_UP) {
        break_conn(v, c, "a shutdown before the connection is up");
        return;
    }
    if (c->guest_said & VIRTIO_VSOCK_SHUTDOWN_RCV)
        uds_shutdown(c->stream, SHUT_RD);
    pass_end(c);
}

static void take_data(struct vsock *v, struct vsock_conn *c,
                      const struct virtio_vsock_hdr *h,
                      const struct vchain *chain)
{
    if (c->state != VSOCK_UP)
        break_conn(v, c, "data before the connection is up");
    else if (c->guest_said & VIRTIO_VSOCK_SHUTDOWN_SEND)
        break_conn(v, c, "data after a shutdown");
    else if (h->len > chain->out_bytes - sizeof(*h))
        break_conn(v, c, "a packet shorter than it says");
    else if (!vsock_flow_in(v, c, chain, h->len))
        break_conn(v, c, "data without credit");
}

/* What it says is in every header. */
static void take_credit(struct vsock *v, struct vsock_conn *c,
                        const struct virtio_vsock_hdr *h,
                        const struct vchain *chain)
{
    (void)v;
    (void)c;
    (void)h;
    (void)chain;
}

static void take_credit_request(struct vsock *v, struct vsock_conn *c,
                                const struct virtio_vsock_hdr *h,
                                const struct vchain *chain)
{
    (void)v;
    (void)h;
    (void)chain;
    if (c->state == VSOCK_UP)
        c->owes |= OWES_CREDIT_UPDATE;
}

typedef void take_fn(struct vsock *v, struct vsock_conn *c,
                     const struct virtio_vsock_hdr *h,
                     const struct vchain *chain);

static take_fn *const takers[] = {
    [VIRTIO_VSOCK_OP_REQUEST] = take_request,
    [VIRTIO_VSOCK_OP_RESPONSE] = take_response,
    [VIRTIO_VSOCK_OP_RST] = take_rst,
    [VIRTIO_VSOCK_OP_SHUTDOWN] = take_shutdown,
    [VIRTIO_VSOCK_OP_RW] = take_data,
    [VIRTIO_VSOCK_OP_CREDIT_UPDATE] = take_credit,
    [VIRTIO_VSOCK_OP_CREDIT_REQUEST] = take_credit_request,
};

static take_fn *taker(uint16_t op)
{
    return op < ARRAY_LEN(takers) ? takers[op] : NULL;
}

static void hear_credit(struct vsock_conn *c, const struct virtio_vsock_hdr *h)
{
    c->peer_alloc = h->buf_alloc;
    c->peer_fwd = h->fwd_cnt;
    c->asked_credit &= !vsock_has_credit(c);
}

/* There is no such connection, and nobody to make one. */
static void answer_stranger(struct vsock *v, const struct virtio_vsock_hdr *h)
{
    const struct vsock_refusal r = {
        .cid = h->dst_cid,
        .guest_port = h->src_port,
        .host_port = h->dst_port,
        .type = h->type,
    };

    if (h->op != VIRTIO_VSOCK_OP_RST)
        refuse(v, &r);
}

static void open_for_guest(struct vsock *v, const struct virtio_vsock_hdr *h)
{
    struct uds_stream *s = uds_connect(v->uds, h->dst_port);

    if (s)
        hear_credit(open_conn(v, s, VSOCK_CONNECTING, h->src_port, h->dst_port),
                    h);
    else
        answer_stranger(v, h);
}

void vsock_take(struct vsock *v, const struct virtio_vsock_hdr *h,
                const struct vchain *chain)
{
    struct vsock_conn *c;
    take_fn *take = taker(h->op);

    if (h->src_cid != v->cid) {
        log_guest(&v->limit, "virtio-vsock: a packet from another's address");
        return;
    }
    if (h->dst_cid != VSOCK_HOST_CID || h->type != VIRTIO_VSOCK_TYPE_STREAM) {
        answer_stranger(v, h);
        return;
    }
    c = find(v, h->src_port, h->dst_port);
    if (!c && h->op == VIRTIO_VSOCK_OP_REQUEST) {
        open_for_guest(v, h);
    } else if (!c) {
        answer_stranger(v, h);
    } else if (!take) {
        break_conn(v, c, "an unknown operation");
    } else {
        hear_credit(c, h);
        take(v, c, h, chain);
        if (c->state != VSOCK_FREE)
            vsock_due(v, c);
    }
}

/* ---- packets for the guest ---- */

static uint32_t put_header(const struct vchain *chain,
                           const struct virtio_vsock_hdr *h)
{
    return (uint32_t)vchain_write(chain, 0, h, sizeof(*h)) + h->len;
}

static uint32_t put(struct vsock *v, struct vsock_conn *c,
                    const struct vchain *chain, uint16_t op, uint32_t flags,
                    uint32_t len)
{
    const struct virtio_vsock_hdr h = {
        .src_cid = VSOCK_HOST_CID,
        .dst_cid = v->cid,
        .src_port = c->host_port,
        .dst_port = c->guest_port,
        .len = len,
        .type = VIRTIO_VSOCK_TYPE_STREAM,
        .op = op,
        .flags = flags,
        .buf_alloc = c->window,
        .fwd_cnt = c->fwd,
    };

    c->told = c->fwd;
    c->owes &= ~OWES_CREDIT_UPDATE;
    return put_header(chain, &h);
}

static uint32_t give_refusal(struct vsock *v, const struct vchain *chain)
{
    const struct vsock_refusal *r = &v->refusals[v->first_refusal];
    const struct virtio_vsock_hdr h = {
        .src_cid = r->cid,
        .dst_cid = v->cid,
        .src_port = r->host_port,
        .dst_port = r->guest_port,
        .type = r->type,
        .op = VIRTIO_VSOCK_OP_RST,
    };

    v->first_refusal = (v->first_refusal + 1) % VSOCK_REFUSALS;
    v->n_refusals--;
    return put_header(chain, &h);
}

static uint32_t give_shutdown(struct vsock *v, struct vsock_conn *c,
                              const struct vchain *chain)
{
    c->host_said |= unsaid(c);
    if (c->host_said == BOTH)
        uds_deadline(c->stream, VSOCK_CLOSE_S);
    return put(v, c, chain, VIRTIO_VSOCK_OP_SHUTDOWN, c->host_said, 0);
}

static const struct {
    unsigned bit;
    uint16_t op;
} debts[] = {
    {OWES_REQUEST, VIRTIO_VSOCK_OP_REQUEST},
    {OWES_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE},
    {OWES_CREDIT_UPDATE, VIRTIO_VSOCK_OP_CREDIT_UPDATE},
    {OWES_CREDIT_REQUEST, VIRTIO_VSOCK_OP_CREDIT_REQUEST},
};

static uint32_t give_debt(struct vsock *v, struct vsock_conn *c,
                          const struct vchain *chain, unsigned of)
{
    for (size_t i = 0; i < ARRAY_LEN(debts); i++) {
        if (!(c->owes & of & debts[i].bit))
            continue;
        c->owes &= ~debts[i].bit;
        return put(v, c, chain, debts[i].op, 0, 0);
    }
    return 0;
}

/* The beginning first; the end once all bytes are there; data is credit. */
static uint32_t give_of(struct vsock *v, struct vsock_conn *c,
                        const struct vchain *chain)
{
    uint32_t n = give_debt(v, c, chain, OWES_REQUEST | OWES_RESPONSE);

    if (n)
        return n;
    n = may_read(c) ? vsock_flow_out(v, c, chain) : 0;
    if (n)
        return put(v, c, chain, VIRTIO_VSOCK_OP_RW, 0, n);
    if (unsaid(c))
        return give_shutdown(v, c, chain);
    return give_debt(v, c, chain, c->owes);
}

uint32_t vsock_give(struct vsock *v, const struct vchain *chain)
{
    if (v->n_refusals)
        return give_refusal(v, chain);
    while (v->due_first) {
        struct vsock_conn *c = v->due_first;
        uint32_t n;

        remove_due(v, c);
        n = give_of(v, c, chain);
        if (!n)
            continue;
        vsock_due(v, c);
        return n;
    }
    return 0;
}

/* ---- the host's programs ---- */

/* A port of ours that is in no connection with this one of the guest. */
static uint32_t choose_port(struct vsock *v, uint32_t guest_port)
{
    uint32_t port;

    /* There are more ports than connections. */
    do {
        port = v->next_port;
        v->next_port = port == VSOCK_LAST_PORT ? VSOCK_FIRST_PORT : port + 1;
    } while (find(v, guest_port, port));
    return port;
}

static bool on_incoming(void *owner, struct uds_stream *s, uint32_t port)
{
    struct vsock *v = owner;
    struct vsock_conn *c;

    if (!v->live || v->n_refusals >= VSOCK_REFUSALS / 2)
        return false;
    c = open_conn(v, s, VSOCK_ASKED, port, choose_port(v, port));
    c->owes = OWES_REQUEST;
    uds_deadline(s, VSOCK_ANSWER_S);
    vsock_due(v, c);
    return true;
}

static void on_connected(void *owner, struct uds_stream *s, int result)
{
    struct vsock *v = owner;
    struct vsock_conn *c = conn_of(v, s);

    if (result < 0) {
        reset_guest(v, c);
        forget(v, c);
        return;
    }
    c->state = VSOCK_UP;
    c->owes = OWES_RESPONSE;
    c->readable = true;
    vsock_due(v, c);
}

static void on_linger(struct vsock *v, struct vsock_conn *c, unsigned what)
{
    if (what & UDS_WRITABLE)
        vsock_unpark(v, c);
    if ((what & UDS_HUNG_UP) || !vsock_parked(c))
        vsock_drop(v, c, false);
}

static void on_event(void *owner, struct uds_stream *s, unsigned what)
{
    struct vsock *v = owner;
    struct vsock_conn *c = conn_of(v, s);

    if (c->state == VSOCK_LINGER) {
        on_linger(v, c, what);
        return;
    }
    /* A guest that has not heard of it yet never will. */
    if ((what & UDS_LATE) ||
        (c->state == VSOCK_ASKED && (what & UDS_HUNG_UP))) {
        vsock_drop(v, c, !(c->owes & OWES_REQUEST));
        return;
    }
    if (what & UDS_WRITABLE) {
        vsock_unpark(v, c);
        pass_end(c);
    }
    if (what & UDS_HUNG_UP)
        vsock_flow_gone(v, c);
    c->readable |= !!(what & UDS_READABLE);
    vsock_due(v, c);
}

const struct uds_front vsock_front = {
    .incoming = on_incoming,
    .connected = on_connected,
    .event = on_event,
};
