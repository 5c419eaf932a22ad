// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The page between guest and store: bytes both ways, whatever pieces they come
 * in, and what a guest can do to it. Facts from Xen's docs/misc/xenstore-ring
 * and io/xs_wire.h.
 */
#include "xs_rig.h"

/*
 * What the guest does while we are at work: right after we looked at one of its
 * indices, once.
 */
static struct {
    const void *index;
    void (*act)(struct xs_rig *r);
    struct xs_rig *r;
} meanwhile;

uint32_t __real_fetch_acquire32(const void *src);
uint32_t __wrap_fetch_acquire32(const void *src);

uint32_t __wrap_fetch_acquire32(const void *src)
{
    const uint32_t v = __real_fetch_acquire32(src);

    if (src == meanwhile.index) {
        meanwhile.index = NULL;
        meanwhile.act(meanwhile.r);
    }
    return v;
}

static int setup(void **state)
{
    meanwhile.index = NULL;
    *state = rig_open(NULL);
    return 0;
}

static int teardown(void **state)
{
    rig_close(*state);
    return 0;
}

static void test_features(void **state)
{
    struct xs_rig *r = *state;

    assert_int_equal(r->page.ring.server_features,
                     XENSTORE_SERVER_FEATURE_RECONNECTION |
                         XENSTORE_SERVER_FEATURE_ERROR);
    assert_int_equal(r->page.ring.connection, XENSTORE_CONNECTED);
    assert_int_equal(r->page.ring.error, XENSTORE_ERROR_NONE);
}

static void test_write_read(void **state)
{
    struct xs_rig *r = *state;

    guest_ok(r, XS_WRITE, 0, "a\0value");
    guest_expect(r, XS_READ, 0, "a\0", "value");
    guest_expect(r, XS_READ, 0, HOME "/a\0", "value");
    assert_true(r->notified >= 3);
}

/* Nothing happens without being told: no event for nothing. */
static void test_idle_kick(void **state)
{
    struct xs_rig *r = *state;

    guest_kick(r);
    assert_int_equal(r->notified, 0);
    guest_quiet(r);
}

/* Indices run on over 2^32. */
static void test_wrap(void **state)
{
    struct xs_rig *r = *state;
    struct xenstore_domain_interface *ring = &r->page.ring;

    xs_ring_destroy(r->ring);
    ring->req_cons = ring->req_prod = UINT32_MAX - 20;
    ring->rsp_cons = ring->rsp_prod = UINT32_MAX - 5;
    rig_connect(r);
    for (unsigned i = 0; i < 50; i++) {
        guest_ok(r, XS_WRITE, 0, "some/path\0some value");
        guest_expect(r, XS_READ, 0, "some/path\0", "some value");
    }
    assert_in_range(ring->req_cons, 1, 10000);
}

/* A message of any length, in bytes that come one at a time. */
static void test_pieces(void **state)
{
    static const char text[] = "p\0a value that comes slowly";
    struct xs_rig *r = *state;
    const struct xsd_sockmsg head = {XS_WRITE, 5, 0, sizeof(text) - 1};
    struct answer a;

    for (size_t i = 0; i < sizeof(head); i++)
        guest_send_bytes(r, (const char *)&head + i, 1);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        assert_int_equal(r->page.ring.rsp_prod, 0);
        guest_send_bytes(r, text + i, 1);
    }
    assert_true(guest_get(r, &a));
    assert_int_equal(a.head.type, XS_WRITE);
    assert_int_equal(a.head.req_id, 5);
    guest_expect(r, XS_READ, 0, "p\0", "a value that comes slowly");
}

/* Longer than the ring, both ways. */
static void test_long(void **state)
{
    struct xs_rig *r = *state;
    char data[2 + 2000] = "l";
    struct answer a;

    memset(data + 2, 'v', 2000);
    guest_ask(r, &a, XS_WRITE, 0, data, sizeof(data));
    assert_int_equal(a.head.type, XS_WRITE);
    guest_ask(r, &a, XS_READ, 0, "l", 2);
    assert_int_equal(a.head.len, 2000);
    assert_memory_equal(a.data, data + 2, 2000);
}

/*
 * Requests without anybody reading: they wait in the ring when the answers
 * fill theirs; all are answered in the end, in order.
 */
static void test_unread(void **state)
{
    static const char path[] = "q";
    struct xs_rig *r = *state;
    struct xenstore_domain_interface *ring = &r->page.ring;
    char v[402] = "q";
    struct answer a;
    unsigned sent = 0;

    memset(v + 2, 'v', 400);
    guest_ask(r, &a, XS_WRITE, 0, v, sizeof(v));
    for (;; sent++) {
        const struct xsd_sockmsg head = {XS_READ, sent, 0, sizeof(path)};
        const uint32_t was = ring->req_cons;

        guest_send_bytes(r, &head, sizeof(head));
        guest_send_bytes(r, path, sizeof(path));
        guest_kick(r);
        if (ring->req_cons == was)
            break;
    }
    /* Two answers and a bit are in the ring. */
    assert_int_equal(sent, 3);
    assert_int_equal(ring->rsp_prod - ring->rsp_cons, XENSTORE_RING_SIZE);
    for (unsigned i = 0; i <= sent; i++) {
        assert_true(guest_get(r, &a));
        assert_int_equal(a.head.req_id, i);
        assert_int_equal(a.head.len, 400);
    }
    guest_quiet(r);
}

/* ---- Linux sends no event for what it finds us busy with ---- */

#define NODE "n" /* with its NUL */

/* As xb_write: an event only if all before was taken. True: it is sent. */
static bool linux_write(struct xs_rig *r, const void *data, uint32_t n)
{
    struct xenstore_domain_interface *ring = &r->page.ring;
    const uint32_t prod = ring->req_prod;

    for (uint32_t i = 0; i < n; i++)
        ring->req[MASK_XENSTORE_IDX(prod + i)] = ((const char *)data)[i];
    ring->req_prod = prod + n;
    return prod <= ring->req_cons;
}

/* As xb_read: an event only if the ring was full. True: it is sent. */
static bool linux_read_all(struct xs_rig *r)
{
    struct xenstore_domain_interface *ring = &r->page.ring;
    const uint32_t cons = ring->rsp_cons;

    ring->rsp_cons = ring->rsp_prod;
    return ring->rsp_prod - cons >= XENSTORE_RING_SIZE;
}

static void write_rest(struct xs_rig *r)
{
    assert_false(linux_write(r, NODE, sizeof(NODE)));
}

/* The rest of a request comes while we take its head. */
static void test_rest_meanwhile(void **state)
{
    struct xs_rig *r = *state;
    const struct xsd_sockmsg head = {XS_READ, 9, 0, sizeof(NODE)};

    guest_ok(r, XS_WRITE, 0, NODE "\0value");
    meanwhile.index = &r->page.ring.req_prod;
    meanwhile.act = write_rest;
    meanwhile.r = r;
    assert_true(linux_write(r, &head, sizeof(head)));
    guest_kick(r);
    assert_int_equal(r->page.ring.rsp_prod - r->page.ring.rsp_cons,
                     sizeof(head) + strlen("value"));
}

static void read_all(struct xs_rig *r)
{
    assert_false(linux_read_all(r));
}

/* The guest makes room while we fill what room there was. */
static void test_room_meanwhile(void **state)
{
    struct xs_rig *r = *state;
    struct xenstore_domain_interface *ring = &r->page.ring;
    struct xsd_sockmsg head = {XS_READ, 9, 0, sizeof(NODE)};
    const uint32_t answer = sizeof(head) + 600;
    char v[sizeof(NODE) + 600 + 1] = NODE;
    uint32_t begin;

    memset(v + sizeof(NODE), 'v', 600);
    guest_ok(r, XS_WRITE, 0, v);
    begin = ring->rsp_prod;
    for (unsigned i = 0; i < 2; i++) {
        if (i == 1) {
            meanwhile.index = &ring->rsp_cons;
            meanwhile.act = read_all;
            meanwhile.r = r;
        }
        (void)linux_write(r, &head, sizeof(head));
        (void)linux_write(r, NODE, sizeof(NODE));
        guest_kick(r);
    }
    if (ring->rsp_prod - begin != 2 * answer) {
        /* Only if we wait for room: then the ring has to be full. */
        assert_true(linux_read_all(r));
        guest_kick(r);
    }
    assert_int_equal(ring->rsp_prod - begin, 2 * answer);
}

/* Many requests at once are answered over several turns. */
static void test_many(void **state)
{
    struct xs_rig *r = *state;
    const struct xsd_sockmsg head = {XS_GET_DOMAIN_PATH, 1, 0, 2};
    struct xenstore_domain_interface *ring = &r->page.ring;
    unsigned answers = 0;
    struct answer a;

    for (unsigned i = 0; i < 56; i++) {
        memcpy(ring->req + ring->req_prod, &head, sizeof(head));
        memcpy(ring->req + ring->req_prod + sizeof(head), "1", 2);
        ring->req_prod += sizeof(head) + 2;
    }
    while (guest_get(r, &a))
        answers += a.head.type == XS_GET_DOMAIN_PATH;
    assert_int_equal(answers, 56);
}

/* ---- what ends a connection ---- */

/* The connection is dead, and comes back when the guest asks. */
static void assert_dead(struct xs_rig *r, uint32_t error)
{
    struct xenstore_domain_interface *ring = &r->page.ring;
    const unsigned notified = r->notified;
    struct answer a;
    struct xs_usage u;

    assert_int_equal(ring->error, error);
    xs_usage(r->xs, &u);
    assert_int_equal(u.watches, 0);
    assert_int_equal(u.transactions, 0);
    guest_kick(r);
    assert_int_equal(r->notified, notified);
    ring->connection = XENSTORE_RECONNECT;
    guest_kick(r);
    assert_int_equal(ring->connection, XENSTORE_CONNECTED);
    assert_int_equal(ring->error, XENSTORE_ERROR_NONE);
    assert_int_equal(ring->req_prod, 0);
    assert_int_equal(ring->rsp_cons, 0);
    guest_ask(r, &a, XS_READ, 0, ".", 2);
    assert_int_equal(a.head.type, XS_ERROR);
    guest_ok(r, XS_WRITE, 0, "alive\0yes");
}

/* Something to lose. */
static void make_state(struct xs_rig *r)
{
    guest_ok(r, XS_WATCH, 0, "w\0token\0");
    guest_event(r, "w", "token");
    assert_true(guest_begin(r) > 0);
}

static void test_req_prod_far(void **state)
{
    struct xs_rig *r = *state;

    make_state(r);
    r->page.ring.req_prod = r->page.ring.req_cons + XENSTORE_RING_SIZE + 1;
    guest_kick(r);
    assert_dead(r, XENSTORE_ERROR_RINGIDX);
    make_state(r);
    r->page.ring.req_prod = r->page.ring.req_cons - 1;
    guest_kick(r);
    assert_dead(r, XENSTORE_ERROR_RINGIDX);
}

static void test_rsp_cons_far(void **state)
{
    struct xs_rig *r = *state;

    make_state(r);
    r->page.ring.rsp_cons = r->page.ring.rsp_prod + 1;
    guest_send(r, XS_READ, 0, "a", 2);
    assert_dead(r, XENSTORE_ERROR_RINGIDX);
    make_state(r);
    r->page.ring.rsp_cons = r->page.ring.rsp_prod - XENSTORE_RING_SIZE - 1;
    guest_send(r, XS_READ, 0, "a", 2);
    assert_dead(r, XENSTORE_ERROR_RINGIDX);
}

static void test_too_long(void **state)
{
    static const uint32_t lengths[] = {XENSTORE_PAYLOAD_MAX + 1, UINT32_MAX};
    struct xs_rig *r = *state;

    for (unsigned i = 0; i < ARRAY_LEN(lengths); i++) {
        const struct xsd_sockmsg head = {XS_WRITE, 1, 0, lengths[i]};

        make_state(r);
        guest_send_bytes(r, &head, sizeof(head));
        assert_dead(r, XENSTORE_ERROR_PROTO);
    }
}

/* The longest there may be is an error of the request alone. */
static void test_longest(void **state)
{
    static const char zeroes[XENSTORE_PAYLOAD_MAX];
    struct xs_rig *r = *state;
    struct answer a;

    guest_ask(r, &a, XS_WRITE, 0, zeroes, sizeof(zeroes));
    assert_string_equal(a.data, "EINVAL");
    guest_ok(r, XS_WRITE, 0, "alive\0yes");
}

/* Our indices are ours: what the guest makes of them is not read. */
static void test_our_indices(void **state)
{
    struct xs_rig *r = *state;
    struct xenstore_domain_interface *ring = &r->page.ring;
    const struct xsd_sockmsg head = {XS_READ, 9, 0, 2};
    struct answer a;

    guest_ok(r, XS_WRITE, 0, "a\0value");
    memcpy(ring->req + MASK_XENSTORE_IDX(ring->req_prod), &head, sizeof(head));
    ring->req_prod += sizeof(head);
    ring->req_cons = 0xdeadbeef;
    ring->rsp_prod = 0xdeadbeef;
    guest_kick(r);
    assert_int_equal(ring->req_cons, ring->req_prod);
    memcpy(ring->req + MASK_XENSTORE_IDX(ring->req_prod), "a", 2);
    ring->req_prod += 2;
    guest_kick(r);
    assert_true(guest_get(r, &a));
    assert_int_equal(a.head.req_id, 9);
    assert_string_equal(a.data, "value");
}

/* In the middle of a message either way, with watches and transactions. */
static void test_reconnect(void **state)
{
    struct xs_rig *r = *state;
    struct xenstore_domain_interface *ring = &r->page.ring;
    char v[1502] = "big";
    struct xs_usage before, u;
    struct answer a;

    memset(v + 4, 'v', sizeof(v) - 4);
    guest_ask(r, &a, XS_WRITE, 0, v, sizeof(v));
    xs_usage(r->xs, &before);
    make_state(r);
    guest_send(r, XS_READ, 0, "big", 4); /* the answer does not fit */
    guest_send_bytes(r, "half a header", 13);
    ring->connection = XENSTORE_RECONNECT;
    guest_kick(r);
    assert_int_equal(ring->connection, XENSTORE_CONNECTED);
    assert_int_equal(ring->req_cons, ring->req_prod);
    assert_int_equal(ring->rsp_cons, ring->rsp_prod);
    guest_expect(r, XS_GET_DOMAIN_PATH, 0, "7\0", HOME "\0");
    xs_usage(r->xs, &u);
    assert_int_equal(u.watches, 0);
    assert_int_equal(u.transactions, 0);
    assert_int_equal(u.bytes, before.bytes);
}

static void test_leaves_nothing(void **state)
{
    struct xs_rig *r = *state;
    struct xs_usage u;

    make_state(r);
    guest_ok(r, XS_WRITE, 0, "w/a\0x");
    xs_ring_destroy(r->ring);
    r->ring = NULL;
    assert_int_equal(xs_rm(r->xs, HOME), 0);
    xs_usage(r->xs, &u);
    assert_int_equal(u.nodes, 0);
    assert_int_equal(u.watches, 0);
    assert_int_equal(u.transactions, 0);
    /* Copies of the three nodes above its home are the store's now. */
    assert_in_range(u.bytes, 0, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_features),       T(test_write_read),     T(test_idle_kick),
        T(test_wrap),           T(test_pieces),         T(test_long),
        T(test_rest_meanwhile), T(test_room_meanwhile), T(test_unread),
        T(test_many),           T(test_req_prod_far),   T(test_rsp_cons_far),
        T(test_too_long),       T(test_longest),        T(test_our_indices),
        T(test_reconnect),      T(test_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
