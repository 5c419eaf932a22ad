// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a hostile driver can do to the network back-end. Numbers are those of
 * the hostile cases.
 */
#include "xnet_rig.h"

static void assert_closed_for_now(struct rig *r)
{
    unsigned before;

    assert_int_equal(back_state(&r->front), XenbusStateClosing);
    assert_int_equal(gnttab_pins(r->x.gnt), 0);
    leave(r);
    go(r);
    before = r->net->sent;
    put_tx(r, 0, 0, 0, 60);
    assert_int_equal(send_and_wait(r), NETIF_RSP_OKAY);
    assert_int_equal(r->net->sent, before + 1);
}

/* Refused, with an answer; the connection lives. */
static void assert_dropped(struct rig *r)
{
    const unsigned sent = r->net->sent, dropped = r->net->dropped_tx;

    assert_int_equal(send_and_wait(r), NETIF_RSP_ERROR);
    assert_int_equal(r->net->sent, sent);
    assert_int_equal(r->net->dropped_tx, dropped + 1);
    assert_int_equal(back_state(&r->front), XenbusStateConnected);
    for (unsigned i = 0; i < PAGES; i++)
        assert_false(is_held(&r->x, r->refs[i]));
}

static void bad_sizes(void **state) /* 42, 29 */
{
    static const struct {
        unsigned off, size;
    } bad[] = {
        {0, 0},    {0, 13},    {4096, 60},     {4095, 60},   {1, 4096},
        {0, 4097}, {0, 65535}, {65535, 65535}, {65535, 100}, {4037, 60},
    };
    struct rig *r = *state;

    go(r);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        put_tx(r, 0, bad[i].off, 0, bad[i].size);
        assert_dropped(r);
    }
    put_tx(r, 0, 4036, 0, 60);
    assert_int_equal(send_and_wait(r), NETIF_RSP_OKAY);
}

/* The rest is more than all there is. */
static void size_below_its_parts(void **state) /* 42 */
{
    struct rig *r = *state;

    go(r);
    put_tx(r, 0, 0, NETTXF_more_data, 100);
    put_tx(r, 1, 0, 0, 101);
    assert_dropped(r);
    put_tx(r, 0, 0, NETTXF_more_data, 65535);
    for (unsigned i = 1; i < 30; i++)
        put_tx(r, i, 0, i < 29 ? NETTXF_more_data : 0, 4096);
    assert_dropped(r);
}

/* All in the others: the first has nothing (XSA-448). */
static void pieces_without_bytes(void **state) /* 42 */
{
    struct rig *r = *state;

    go(r);
    put_tx(r, PAGES, 9999, NETTXF_more_data, 100);
    put_tx(r, 1, 0, NETTXF_more_data, 50);
    put_tx(r, PAGES, 9999, NETTXF_more_data, 0);
    put_tx(r, 2, 0, 0, 50);
    assert_int_equal(send_and_wait(r), NETIF_RSP_OKAY);
    assert_int_equal(r->net->last.n, NET_HDR + 100);
    put_tx(r, 0, 0, NETTXF_more_data, 0);
    put_tx(r, 1, 0, 0, 0);
    assert_dropped(r);
}

/* As many pieces as there may be, of a byte each (XSA-432). */
static void tiny_pieces(void **state) /* 42 */
{
    struct rig *r = *state;

    go(r);
    tcp_frame(r->pages[0], false);
    for (unsigned i = 0; i < 32; i++)
        put_tx(r, 0, i,
               (i < 31 ? NETTXF_more_data : 0) | (i ? 0 : NETTXF_csum_blank),
               i ? 1 : 32);
    assert_dropped(r); /* no checksum field in 32 bytes */
    put_tx(r, 0, 0, NETTXF_more_data | NETTXF_csum_blank, 31 + 60);
    for (unsigned i = 1; i < 32; i++)
        put_tx(r, 0, i + 59, i < 31 ? NETTXF_more_data : 0, 1);
    assert_int_equal(send_and_wait(r), NETIF_RSP_OKAY);
}

static void chains_without_an_end(void **state) /* 42 */
{
    struct rig *r = *state;

    go(r);
    put_tx(r, 0, 0, NETTXF_more_data, 60);
    kick_tx(r);
    assert_closed_for_now(r);
    for (unsigned i = 0; i < 33; i++)
        put_tx(r, i, 0, NETTXF_more_data, 60);
    kick_tx(r);
    assert_closed_for_now(r);
    put_tx(r, 0, 0, NETTXF_extra_info, 60);
    kick_tx(r);
    assert_closed_for_now(r);
}

static void extras_against_the_rules(void **state) /* 42 */
{
    static const uint8_t types[] = {0, 5, 100, 255};
    struct rig *r = *state;

    go(r);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const struct netif_extra_info e = {.type = types[i]};

        put_tx(r, 0, 0, NETTXF_extra_info, 60);
        xfront_put(&r->tx[0].f, &e, sizeof(e));
        kick_tx(r);
        assert_closed_for_now(r);
    }
    put_tx(r, 0, 0, NETTXF_extra_info, 60);
    for (unsigned i = 0; i < 20; i++)
        put_gso(r, XEN_NETIF_GSO_TYPE_TCPV4, 1400, XEN_NETIF_EXTRA_FLAG_MORE);
    kick_tx(r);
    assert_closed_for_now(r);
}

static void segments_against_the_rules(void **state) /* 29, 42 */
{
    static const struct {
        uint8_t type;
        uint16_t size;
        bool v6;
    } bad[] = {
        {XEN_NETIF_GSO_TYPE_TCPV4, 0, false},
        {XEN_NETIF_GSO_TYPE_TCPV6, 1400, false},
        {XEN_NETIF_GSO_TYPE_TCPV4, 1400, true},
        {3, 1400, false},
        {255, 1400, false},
    };
    struct rig *r = *state;

    go(r);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        tcp_frame(r->pages[0], bad[i].v6);
        put_tx(r, 0, 0, NETTXF_extra_info | NETTXF_csum_blank, 2000);
        put_gso(r, bad[i].type, bad[i].size, 0);
        assert_dropped(r);
    }
    r->net->info.send = NET_CSUM;
    tcp_frame(r->pages[0], false);
    put_tx(r, 0, 0, NETTXF_extra_info | NETTXF_csum_blank, 2000);
    put_gso(r, XEN_NETIF_GSO_TYPE_TCPV4, 1400, 0);
    assert_dropped(r);
}

/* Frames that say they have a checksum, and have none. */
static void headers_against_the_rules(void **state) /* 29 */
{
    static const struct {
        unsigned at;
        uint8_t value;
    } bad[] = {
        {12, 0x09},                  /* no IP */
        {14, 0x65},                  /* another version */
        {14, 0x44},                  /* header of 16 bytes */
        {14, 0x4f},                  /* header beyond the frame */
        {14 + 6, 0x20},              /* fragments */
        {14 + 7, 0x01}, {14 + 9, 1}, /* neither TCP nor UDP */
    };
    struct rig *r = *state;

    go(r);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        tcp_frame(r->pages[0], false);
        r->pages[0][bad[i].at] = bad[i].value;
        put_tx(r, 0, 0, NETTXF_csum_blank, 60);
        assert_dropped(r);
    }
    for (unsigned n = 14; n < 54; n++) {
        tcp_frame(r->pages[0], false);
        put_tx(r, 0, 0, NETTXF_csum_blank, n);
        assert_dropped(r);
    }
    /* A chain of extension headers that goes round. */
    tcp_frame(r->pages[0], true);
    r->pages[0][14 + 6] = 0;
    memset(r->pages[0] + 54, 0, 2000);
    put_tx(r, 0, 0, NETTXF_csum_blank, 2000);
    assert_dropped(r);
    r->pages[0][14 + 6] = 44; /* a fragment */
    put_tx(r, 0, 0, NETTXF_csum_blank, 200);
    assert_dropped(r);
}

static void bad_grants(void **state) /* 40 */
{
    struct rig *r = *state;

    go(r);
    put_tx(r, PAGES, 0, 0, 60);
    assert_dropped(r);
    put_tx(r, 0, 0, NETTXF_more_data, 120);
    put_tx(r, PAGES, 0, 0, 60);
    assert_dropped(r);
    grant(&r->x, r->refs[3], new_gfn(&r->x), true);
    put_tx(r, 3, 0, 0, 60);
    assert_int_equal(send_and_wait(r), NETIF_RSP_OKAY);
}

static void receive_buffers_not_granted(void **state) /* 40, 43 */
{
    struct rig *r = *state;
    struct netif_rx_request req = {.gref = UNGRANTED};

    go(r);
    xfront_put(&r->rx[0].f, &req, sizeof(req));
    kick(r, &r->rx[0]);
    fake_put(r->net, 60);
    arrive(r, 0);
    assert_closed_for_now(r);
    grant(&r->x, r->refs[3], new_gfn(&r->x), true); /* read-only */
    req.gref = r->refs[3];
    xfront_put(&r->rx[0].f, &req, sizeof(req));
    kick(r, &r->rx[0]);
    assert_closed_for_now(r);
}

static void ring_indices_jump(void **state) /* 42, 43 */
{
    static const uint32_t bad[] = {257, 100000, 0x80000000, UINT32_MAX};
    struct rig *r = *state;

    for (unsigned i = 0; i < 2 * ARRAY_LEN(bad); i++) {
        struct net_ring *ring = i % 2 ? &r->rx[0] : &r->tx[0];

        if (back_state(&r->front) == XenbusStateInitWait)
            go(r);
        *xfront_word(&ring->f, X_REQ_PROD) = bad[i / 2];
        send_event(&r->x, ring->port);
        spin(&r->x);
        assert_closed_for_now(r);
        leave(r);
    }
}

/* Nobody takes what is received: nothing grows (XSA-392). */
static void never_consumes(void **state) /* 43 */
{
    struct rig *r = *state;
    unsigned reads;

    go(r);
    for (unsigned i = 0; i < FAKE_PACKETS; i++)
        fake_put(r->net, 9000);
    arrive(r, 0);
    reads = r->net->reads;
    for (unsigned i = 0; i < 100; i++)
        arrive(r, 0);
    assert_int_equal(r->net->count, FAKE_PACKETS);
    assert_int_equal(r->net->reads, reads);
    give(r, 0, 1);
    for (unsigned i = 0; i < 100; i++)
        arrive(r, 0);
    /* One packet is held, for it needs more than there is. */
    assert_int_equal(r->net->count, FAKE_PACKETS - 1);
}

static void index_goes_back(void **state) /* 43 */
{
    struct rig *r = *state;

    go(r);
    give(r, 0, 8);
    fake_put(r->net, 60);
    arrive(r, 0);
    fake_put(r->net, 30000);
    arrive(r, 0);
    *xfront_word(&r->rx[0].f, X_REQ_PROD) = 2;
    send_event(&r->x, r->rx[0].port);
    spin(&r->x);
    assert_closed_for_now(r);
}

static void change_after(unsigned char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = 0xff;
}

/* Headers, rewritten right after they were looked at. */
static void fetched_once(void **state) /* 42 */
{
    struct rig *r = *state;
    unsigned char frame[60];

    go(r);
    tcp_frame(r->pages[0], false);
    memcpy(frame, r->pages[0], sizeof(frame));
    put_tx(r, 0, 0, NETTXF_csum_blank, 60);
    fetches.ram = r->pages[0];
    fetches.after = change_after;
    kick_tx(r);
    fetches.after = NULL;
    for (size_t i = 0; i < GUEST_PAGE; i++)
        assert_true(fetches.counts[i] <= 1);
    assert_int_equal(r->net->sent, 1);
    assert_memory_equal(r->net->last.bytes + NET_HDR, frame, 60);
    assert_int_equal(r->pages[0][0], 0xff);
}

static void bad_nodes(void **state) /* 45 */
{
    static const struct {
        const char *node, *value;
    } bad[] = {
        {"request-rx-copy", "0"},
        {"request-rx-copy", "yes"},
        {"tx-ring-ref", "511"},
        {"rx-ring-ref", "x"},
        {"rx-ring-ref", ""},
        {"event-channel", "0"},
        {"event-channel", "99999"},
        {"multi-queue-num-queues", "0"},
        {"multi-queue-num-queues", "2"},
        {"multi-queue-num-queues", "-1"},
        {"ctrl-ring-ref", "511"},
        {"event-channel-tx", "0"},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        tell_features(r);
        make_queue(r, 0, 1);
        tell(&r->front, bad[i].node, bad[i].value);
        set_front(&r->front, XenbusStateConnected);
        assert_int_equal(back_state(&r->front), XenbusStateClosing);
        assert_int_equal(gnttab_pins(r->x.gnt), 0);
        untell(&r->front, bad[i].node);
        leave(r);
    }
    go(r);
}

static void states_in_any_order(void **state) /* 45 */
{
    struct rig *r = *state;
    unsigned seed = 7;

    tell_features(r);
    make_queue(r, 0, 1);
    for (unsigned i = 0; i < 2000; i++) {
        seed = seed * 1103515245 + 12345;
        tell_number(&r->front, "state", (seed >> 16) % 10);
        if (seed & 0x1000)
            spin(&r->x);
        if (seed & 0x2000)
            send_event(&r->x, r->tx[0].port);
        if (r->net->count < FAKE_PACKETS)
            fake_put(r->net, 60);
        arrive(r, seed >> 20 & 1);
    }
    set_front(&r->front, XenbusStateClosed);
    assert_int_equal(gnttab_pins(r->x.gnt), 0);
    set_front(&r->front, XenbusStateInitialising);
    go(r);
}

static void disconnects_in_the_middle(void **state) /* 45 */
{
    struct rig *r = *state;

    go(r);
    r->net->refuse = true;
    put_tx(r, 0, 0, NETTXF_more_data, 120);
    put_tx(r, 1, 0, 0, 60);
    kick_tx(r);
    assert_true(is_held(&r->x, r->refs[1]));
    give(r, 4, 2);
    fake_put(r->net, 30000);
    arrive(r, 0);
    set_front(&r->front, XenbusStateClosing);
    assert_int_equal(gnttab_pins(r->x.gnt), 0);
    /* The link is another front-end's, if there is one. */
    assert_null(r->net->front);
    spin(&r->x);
    assert_int_equal(r->net->sent, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_sizes),
        TEST(size_below_its_parts),
        TEST(pieces_without_bytes),
        TEST(tiny_pieces),
        TEST(chains_without_an_end),
        TEST(extras_against_the_rules),
        TEST(segments_against_the_rules),
        TEST(headers_against_the_rules),
        TEST(bad_grants),
        TEST(receive_buffers_not_granted),
        TEST(ring_indices_jump),
        TEST(never_consumes),
        TEST(index_goes_back),
        TEST(fetched_once),
        TEST(bad_nodes),
        TEST(states_in_any_order),
        TEST(disconnects_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
