// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a hostile driver can ask of the block back-end, on its ring and in the
 * store. Numbers are those of the hostile cases.
 */
#include "xblk_rig.h"

/* The connection ended, and another can begin. */
static void assert_closed_for_now(struct rig *r)
{
    assert_int_equal(back_state(&r->front), XenbusStateClosing);
    assert_int_equal(r->blk->in_flight, 0);
    assert_nothing_held(r);
    assert_false(is_held(&r->x, r->queues[0].refs[0]));
    leave(r);
    go(r);
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 7, 1), 0);
    assert_int_equal(r->pages[0][0], 7);
}

static void ring_indices_jump(void **state) /* 41 */
{
    static const uint32_t bad[] = {33, 1000, 0x80000000, UINT32_MAX};
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (back_state(&r->front) == XenbusStateInitWait)
            go(r);
        *xfront_word(&r->queues[0].f, X_REQ_PROD) = bad[i];
        send_event(&r->x, r->queues[0].port);
        spin(&r->x);
        assert_closed_for_now(r);
        leave(r);
    }
    assert_untouched(r);
}

static void breaks_with_io_in_flight(void **state) /* 41, 45 */
{
    struct rig *r = *state;
    struct blkif_request req = request(r, BLKIF_OP_WRITE, 0, 11);

    go(r);
    r->blk->manual = true;
    put_bytes(r, 0, &req);
    kick(r, 0);
    spin(&r->x);
    assert_int_equal(r->blk->in_flight, 1);
    assert_true(is_held(&r->x, r->refs[10]));
    *xfront_word(&r->queues[0].f, X_REQ_PROD) = 5000;
    send_event(&r->x, r->queues[0].port);
    r->blk->manual = false;
    spin(&r->x);
    fake_number(r->blk, 512, 0);
    assert_closed_for_now(r);
}

static void bad_segments(void **state) /* 41 */
{
    struct rig *r = *state;
    struct blkif_request req;

    go(r);
    for (unsigned op = BLKIF_OP_READ; op <= BLKIF_OP_WRITE; op++) {
        req = request(r, (uint8_t)op, 0, 0);
        assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
        req = request(r, (uint8_t)op, 0, 12);
        assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
        req = request(r, (uint8_t)op, 0, 255);
        assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
        req = request(r, (uint8_t)op, 0, 2);
        req.seg[1].first_sect = 3;
        req.seg[1].last_sect = 2;
        assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
        req.seg[1].last_sect = 8;
        assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
        req.seg[1].first_sect = req.seg[1].last_sect = 255;
        assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
        req = request(r, (uint8_t)op, DISK_BYTES / 512 - 1, 1);
        assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
        req = request(r, (uint8_t)op, UINT64_MAX, 1);
        assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
        req = request(r, (uint8_t)op, UINT64_MAX / 512 + 1, 1);
        assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
    }
    assert_nothing_held(r);
    assert_untouched(r);
}

static void bad_grants(void **state) /* 40 */
{
    struct rig *r = *state;
    struct blkif_request req = request(r, BLKIF_OP_READ, 0, 3);

    go(r);
    req.seg[2].gref = UNGRANTED;
    assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
    req.seg[2].gref = UINT32_MAX;
    assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
    req.seg[2].gref = r->refs[2];
    entry(&r->x, r->refs[2])->domid = 5;
    assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
    entry(&r->x, r->refs[2])->domid = 0;
    entry(&r->x, r->refs[2])->frame = 0xfffff;
    assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
    grant(&r->x, r->refs[2], new_gfn(&r->x), true);
    assert_int_equal(ask(r, &req), BLKIF_RSP_ERROR);
    req.operation = BLKIF_OP_WRITE;
    assert_int_equal(ask(r, &req), BLKIF_RSP_OKAY);
    assert_nothing_held(r);
}

static void unknown_operations(void **state) /* 41 */
{
    static const uint8_t ops[] = {4, 7, 8, 100, 255};
    struct rig *r = *state;

    go(r);
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        assert_int_equal(ask_for(r, ops[i], 0, 1), BLKIF_RSP_EOPNOTSUPP);
    assert_untouched(r);
}

static int ask_indirect(struct rig *r, const struct blkif_request_indirect *req)
{
    unsigned char bytes[112] = {0};

    memcpy(bytes, req, sizeof(*req));
    put_bytes(r, 0, bytes);
    return answer(r);
}

static void bad_indirect_pages(void **state) /* 41 */
{
    struct rig *r = *state;
    struct blkif_request_indirect req = {
        .operation = BLKIF_OP_INDIRECT,
        .indirect_op = BLKIF_OP_READ,
        .nr_segments = 5,
        .id = 0x1122334455667788,
        .indirect_grefs = {UNGRANTED},
    };

    go(r);
    assert_int_equal(ask_indirect(r, &req), BLKIF_RSP_ERROR);
    req.indirect_grefs[0] = r->refs[0];
    memset(r->pages[0], 0xff, GUEST_PAGE);
    assert_int_equal(ask_indirect(r, &req), BLKIF_RSP_ERROR);
    req.nr_segments = UINT16_MAX;
    assert_int_equal(ask_indirect(r, &req), BLKIF_RSP_ERROR);
    for (unsigned op = 2; op < 256; op++) {
        req.nr_segments = 1;
        req.indirect_op = (uint8_t)op;
        assert_int_equal(ask_indirect(r, &req), BLKIF_RSP_EOPNOTSUPP);
    }
    assert_nothing_held(r);
}

/* More long requests than there are lists: some wait, all are answered. */
static void floods_of_long_requests(void **state) /* 28 */
{
    struct rig *r = *state;
    struct blkif_request_indirect req = {
        .operation = BLKIF_OP_INDIRECT,
        .indirect_op = BLKIF_OP_READ,
        .nr_segments = 100,
        .indirect_grefs = {r->refs[PAGES - 1]},
    };
    struct blkif_response rsp;
    unsigned answers = 0;

    for (unsigned i = 0; i < 100; i++) {
        const struct blkif_request_segment seg = {r->refs[i % 8], 0, 0};

        memcpy(r->pages[PAGES - 1] + i * sizeof(seg), &seg, sizeof(seg));
    }
    go(r);
    r->blk->manual = true;
    for (unsigned i = 0; i < 32; i++) {
        unsigned char bytes[112] = {0};

        memcpy(bytes, &req, sizeof(req));
        put_bytes(r, 0, bytes);
    }
    kick(r, 0);
    spin(&r->x);
    assert_int_equal(r->blk->in_flight, 16);
    r->blk->manual = false;
    for (unsigned i = 0; i < 8; i++) {
        fake_end(r->blk, 0);
        spin(&r->x);
        while (take_response(r, 0, &rsp))
            answers += rsp.status == 0;
    }
    assert_int_equal(answers, 32);
    assert_nothing_held(r);
}

static void change_after(unsigned char *at, size_t n)
{
    /* The indices are test_xring's. */
    for (size_t i = 0; at >= fetches.ram + 64 && i < n; i++)
        at[i] = (unsigned char)~at[i];
}

/* The request, rewritten right after it was looked at (XSA-155). */
static void fetched_once(void **state) /* 41 */
{
    struct rig *r = *state;
    struct blkif_request req = request(r, BLKIF_OP_READ, 5, 2);
    struct blkif_response rsp;

    go(r);
    put_bytes(r, 0, &req);
    (void)xfront_show(&r->queues[0].f);
    fetches.ram = r->queues[0].f.pages[0];
    fetches.after = change_after;
    send_event(&r->x, r->queues[0].port);
    spin(&r->x);
    for (size_t i = 64; i < GUEST_PAGE; i++)
        assert_true(fetches.counts[i] <= 1);
    memset(&fetches, 0, sizeof(fetches));
    xfront_slot(&r->queues[0].f, 0, &rsp, sizeof(rsp), true);
    assert_true(rsp.id == req.id);
    assert_int_equal(r->pages[0][0], 5);
    assert_int_equal(r->pages[1][0], 13);
}

/* No byte of ours comes with a response (XSA-216). */
static void padding_is_zero(void **state) /* 41 */
{
    struct rig *r = *state;
    struct blkif_request req = request(r, BLKIF_OP_READ, 5, 11);
    unsigned char bytes[16];

    go(r);
    memset(r->queues[0].f.pages[0] + 64, 0xee, GUEST_PAGE - 64);
    put_bytes(r, 0, &req);
    assert_int_equal(answer(r), 0);
    xfront_slot(&r->queues[0].f, 0, bytes, sizeof(bytes), true);
    assert_int_equal(bytes[9], 0);
    for (unsigned i = 12; i < 16; i++)
        assert_int_equal(bytes[i], 0);
}

/* ---- nodes and states ---- */

static void bad_nodes(void **state) /* 45 */
{
    static const struct {
        const char *node, *value;
    } bad[] = {
        {"ring-page-order", "31"},
        {"ring-page-order", "5"},
        {"ring-page-order", "-1"},
        {"ring-page-order", "x"},
        {"ring-page-order", "99999999999999999999"},
        {"ring-ref", "none"},
        {"ring-ref", ""},
        {"ring-ref", "4294967296"},
        {"ring-ref", "4294967295"},
        {"ring-ref", "511"},
        {"event-channel", "0"},
        {"event-channel", "7x"},
        {"event-channel", "100000"},
        {"event-channel", "4294967295"},
        {"multi-queue-num-queues", "0"},
        {"multi-queue-num-queues", "3"},
        {"multi-queue-num-queues", "2"}, /* and no queue-0 */
        {"protocol", "arm-abi"},
        {"protocol", ""},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        make_rings(r, 1, 0);
        tell(&r->front, bad[i].node, bad[i].value);
        set_front(&r->front, XenbusStateInitialised);
        assert_int_equal(back_state(&r->front), XenbusStateClosing);
        untell(&r->front, bad[i].node);
        assert_int_equal(gnttab_pins(r->x.gnt), 0);
        leave(r);
    }
    go(r);
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 7, 1), 0);
}

static void no_ring_at_all(void **state) /* 45 */
{
    struct rig *r = *state;

    set_front(&r->front, XenbusStateInitialised);
    assert_int_equal(back_state(&r->front), XenbusStateClosing);
    assert_true(
        xs_exists(r->x.xs, "/local/domain/0/error/backend/vbd/1/51712/error"));
    leave(r);
    go(r);
}

/* The second queue's port is the first one's. */
static void a_port_of_another(void **state) /* 45 */
{
    struct rig *r = *state;

    make_rings(r, 2, 0);
    tell_number(&r->front, "queue-1/event-channel", r->queues[0].port);
    set_front(&r->front, XenbusStateInitialised);
    assert_int_equal(back_state(&r->front), XenbusStateClosing);
    assert_int_equal(gnttab_pins(r->x.gnt), 0);
    untell(&r->front, "multi-queue-num-queues");
    leave(r);
    go(r);
}

/* What is written while connected is for the next time. */
static void nodes_change_while_connected(void **state) /* 45 */
{
    struct rig *r = *state;

    go(r);
    tell(&r->front, "ring-ref", "511");
    tell(&r->front, "event-channel", "99");
    tell(&r->front, "protocol", "x86_32-abi");
    spin(&r->x);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(ask_for(r, BLKIF_OP_READ, i, 1), 0);
}

/* The port is closed under the back-end, and the ring's page ungranted. */
static void takes_away_what_it_gave(void **state) /* 40, 45 */
{
    struct rig *r = *state;

    go(r);
    close_port(&r->x, r->queues[0].port);
    memset(entry(&r->x, r->queues[0].refs[0]), 0,
           sizeof(struct grant_entry_v1));
    r->blk->resized(r->blk->front);
    spin(&r->x);
    leave(r);
    grant(&r->x, r->queues[0].refs[0],
          (uint64_t)(r->queues[0].f.pages[0] - r->x.ram) / GUEST_PAGE, false);
    r->queues[0].port = 0;
    go(r);
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 7, 1), 0);
}

static void states_in_any_order(void **state) /* 45 */
{
    struct rig *r = *state;
    unsigned seed = 1;

    make_rings(r, 1, 0);
    for (unsigned i = 0; i < 2000; i++) {
        seed = seed * 1103515245 + 12345;
        if (seed >> 28 == 0)
            untell(&r->front, "state");
        else
            tell_number(&r->front, "state", (seed >> 16) % 10);
        if (seed & 0x1000)
            spin(&r->x);
        if (seed & 0x2000)
            send_event(&r->x, r->queues[0].port);
    }
    set_front(&r->front, XenbusStateClosed);
    assert_int_equal(gnttab_pins(r->x.gnt), 0);
    set_front(&r->front, XenbusStateInitialising);
    go(r);
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 7, 1), 0);
}

static void odd_states(void **state) /* 45 */
{
    static const char *const odd[] = {"", "x", "9", "-1", "4 ", "99999999999"};
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        if (back_state(&r->front) != XenbusStateInitWait)
            set_front(&r->front, XenbusStateInitialising);
        go(r);
        tell(&r->front, "state", odd[i]);
        spin(&r->x);
        assert_int_equal(back_state(&r->front), XenbusStateClosed);
        assert_int_equal(gnttab_pins(r->x.gnt), 0);
    }
}

static void disconnects_with_io_in_flight(void **state) /* 45, XSA-350 */
{
    static const enum xenbus_state ways[] = {
        XenbusStateClosing, XenbusStateClosed, XenbusStateInitialising,
        XenbusStateUnknown};
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct blkif_request req = request(r, BLKIF_OP_READ, 0, 11);

        go(r);
        r->blk->manual = true;
        put_bytes(r, 0, &req);
        req.operation = BLKIF_OP_WRITE_BARRIER;
        put_bytes(r, 0, &req);
        put_bytes(r, 0, &req);
        kick(r, 0);
        spin(&r->x);
        assert_int_equal(r->blk->in_flight, 1);
        set_front(&r->front, ways[i]);
        assert_int_equal(r->blk->in_flight, 0);
        assert_int_equal(gnttab_pins(r->x.gnt), 0);
        r->blk->manual = false;
        set_front(&r->front, XenbusStateClosed);
        set_front(&r->front, XenbusStateInitialising);
    }
    assert_untouched(r);
}

/* Its directory goes, and comes back with what is left in it. */
static void the_directory_goes(void **state) /* 45 */
{
    struct rig *r = *state;

    go(r);
    assert_int_equal(xs_rm(r->x.xs, r->front.front), 0);
    spin(&r->x);
    assert_int_equal(back_state(&r->front), XenbusStateClosed);
    assert_int_equal(gnttab_pins(r->x.gnt), 0);
    set_front(&r->front, XenbusStateInitialising);
    go(r);
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 7, 1), 0);
}

static void event_storm(void **state) /* 39 */
{
    struct rig *r = *state;

    go(r);
    for (unsigned i = 0; i < 10000; i++)
        send_event(&r->x, r->queues[0].port);
    spin(&r->x);
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 7, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ring_indices_jump),
        TEST(breaks_with_io_in_flight),
        TEST(bad_segments),
        TEST(bad_grants),
        TEST(unknown_operations),
        TEST(bad_indirect_pages),
        TEST(floods_of_long_requests),
        TEST(fetched_once),
        TEST(padding_is_zero),
        TEST(bad_nodes),
        TEST(no_ring_at_all),
        TEST(a_port_of_another),
        TEST(nodes_change_while_connected),
        TEST(takes_away_what_it_gave),
        TEST(states_in_any_order),
        TEST(odd_states),
        TEST(disconnects_with_io_in_flight),
        TEST(the_directory_goes),
        TEST(event_storm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
