// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The network back-end and a driver that keeps the rules: packets of every
 * shape, offloads both ways, several queues, coming and going.
 */
#include "xnet_rig.h"

static void what_the_driver_is_told(void **state)
{
    struct rig *r = *state;
    const struct xen_front *f = &r->front;
    char text[256];

    assert_int_equal(asked(f, "feature-rx-copy"), 1);
    assert_int_equal(asked(f, "feature-sg"), 1);
    assert_int_equal(asked(f, "feature-gso-tcpv4"), 1);
    assert_int_equal(asked(f, "feature-gso-tcpv6"), 1);
    assert_int_equal(asked(f, "feature-ipv6-csum-offload"), 1);
    assert_int_equal(asked(f, "feature-split-event-channels"), 1);
    assert_int_equal(asked(f, "feature-multicast-control"), 1);
    assert_int_equal(asked(f, "multi-queue-max-queues"), 1);
    assert_int_equal(asked(f, "carrier"), 1);
    snprintf(text, sizeof(text), "%s/hotplug-status", f->back);
    assert_true(xs_read(r->x.xs, text, text, sizeof(text)) > 0);
    assert_string_equal(text, "connected");
    snprintf(text, sizeof(text), "%s/mac", f->front);
    assert_true(xs_read(r->x.xs, text, text, sizeof(text)) > 0);
    assert_string_equal(text, "02:11:22:33:44:55");
}

static void sends(void **state)
{
    struct rig *r = *state;
    unsigned id = 0;

    go(r);
    for (unsigned i = 0; i < 1000; i++)
        r->pages[0][100 + i] = (unsigned char)i;
    put_tx(r, 0, 100, 0, 1000);
    kick_tx(r);
    assert_int_equal(r->net->sent, 1);
    assert_int_equal(r->net->last.n, NET_HDR + 1000);
    assert_int_equal(sent_header(r)->flags, 0);
    assert_memory_equal(r->net->last.bytes + NET_HDR, r->pages[0] + 100, 1000);
    wait_sent(r);
    assert_true(was_told(&r->x, r->tx[0].port));
    assert_int_equal(take_tx(r, &id), NETIF_RSP_OKAY);
    assert_int_equal(id, 0x100);
    assert_int_equal(take_tx(r, &id), 0x7fff);
    assert_false(is_held(&r->x, r->refs[0]));
}

/* The first slot says the size of all. */
static void sends_scattered(void **state)
{
    struct rig *r = *state;
    unsigned id = 0;

    go(r);
    for (unsigned p = 0; p < 18; p++)
        memset(r->pages[p], (int)p, GUEST_PAGE);
    put_tx(r, 0, 0, NETTXF_more_data, 100 + 16 * 3000 + 50);
    for (unsigned p = 1; p < 17; p++)
        put_tx(r, p, 1000, NETTXF_more_data, 3000);
    put_tx(r, 17, 4000, 0, 50);
    kick_tx(r);
    assert_int_equal(r->net->last.n, NET_HDR + 100 + 16 * 3000 + 50);
    assert_int_equal(r->net->last.bytes[NET_HDR + 99], 0);
    assert_int_equal(r->net->last.bytes[NET_HDR + 100], 1);
    assert_int_equal(r->net->last.bytes[NET_HDR + 100 + 15 * 3000], 16);
    assert_int_equal(r->net->last.bytes[NET_HDR + 100 + 16 * 3000], 17);
    wait_sent(r);
    for (unsigned p = 0; p < 18; p++) {
        assert_int_equal(take_tx(r, &id), NETIF_RSP_OKAY);
        assert_int_equal(id, 0x100 + p);
    }
}

static void sends_large_segments(void **state)
{
    struct rig *r = *state;
    unsigned id = 0;

    go(r);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        const unsigned tcp = tcp_frame(r->pages[0], v6);

        put_tx(r, 0, 0,
               NETTXF_csum_blank | NETTXF_data_validated | NETTXF_extra_info |
                   NETTXF_more_data,
               8000);
        put_gso(r, v6 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4,
                1400, 0);
        put_tx(r, 1, 0, 0, 4096);
        kick_tx(r);
        assert_int_equal(r->net->sent, v6 + 1);
        assert_int_equal(r->net->last.n, NET_HDR + 8000);
        assert_int_equal(sent_header(r)->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
        assert_int_equal(sent_header(r)->gso_type,
                         v6 ? VIRTIO_NET_HDR_GSO_TCPV6
                            : VIRTIO_NET_HDR_GSO_TCPV4);
        assert_int_equal(sent_header(r)->gso_size, 1400);
        assert_int_equal(sent_header(r)->csum_start, tcp);
        assert_int_equal(sent_header(r)->csum_offset, 16);
        assert_int_equal(sent_header(r)->hdr_len, tcp + 20);
        assert_int_equal(r->net->last.bytes[NET_HDR + tcp + 16], 0xab);
        wait_sent(r);
        assert_int_equal(take_tx(r, &id), NETIF_RSP_OKAY);
        assert_int_equal(id, 0x100);
        assert_int_equal(take_tx(r, &id), NETIF_RSP_NULL);
        assert_int_equal(take_tx(r, &id), NETIF_RSP_OKAY);
        assert_int_equal(id, 0x101);
    }
}

/* A driver that forgot to say so: the pseudo header's sum is put in. */
static void a_segment_without_a_blank_checksum(void **state)
{
    struct rig *r = *state;
    const unsigned tcp = tcp_frame(r->pages[0], false);
    unsigned sum;

    go(r);
    put_tx(r, 0, 0, NETTXF_extra_info, 3000);
    put_gso(r, XEN_NETIF_GSO_TYPE_TCPV4, 1400, 0);
    kick_tx(r);
    assert_int_equal(r->net->sent, 1);
    sum = (unsigned)r->net->last.bytes[NET_HDR + tcp + 16] << 8 |
          r->net->last.bytes[NET_HDR + tcp + 17];
    assert_int_equal(sum, 0x0a00 + 0x0b00 + 6 + 3000 - 34);
}

static void blank_checksums(void **state)
{
    struct rig *r = *state;
    unsigned char *at = r->pages[0];

    go(r);
    tcp_frame(at, false);
    put_tx(r, 0, 0, NETTXF_csum_blank, 100);
    kick_tx(r);
    assert_int_equal(sent_header(r)->csum_start, 34);
    assert_int_equal(sent_header(r)->gso_type, 0);
    at[14 + 9] = 17; /* UDP */
    put_tx(r, 0, 0, NETTXF_csum_blank, 100);
    kick_tx(r);
    assert_int_equal(sent_header(r)->csum_offset, 6);
    /* With a VLAN's tag. */
    tcp_frame(at + 4, true);
    memmove(at, at + 4, 12);
    memcpy(at + 12, "\x81\0\0\x05", 4);
    put_tx(r, 0, 0, NETTXF_csum_blank, 100);
    kick_tx(r);
    assert_int_equal(sent_header(r)->csum_start, 58);
    assert_int_equal(r->net->sent, 3);
}

static void refused_for_now(void **state)
{
    struct rig *r = *state;
    unsigned id = 0;

    go(r);
    r->net->refuse = true;
    put_tx(r, 0, 0, 0, 60);
    put_tx(r, 1, 0, 0, 61);
    kick_tx(r);
    assert_int_equal(r->net->sent, 0);
    assert_true(is_held(&r->x, r->refs[0]));
    assert_false(is_held(&r->x, r->refs[1]));
    r->net->refuse = false;
    r->net->front->room(r->net->owner);
    spin(&r->x);
    wait_sent(r);
    assert_int_equal(r->net->sent, 2);
    assert_int_equal(r->net->last.n, NET_HDR + 61);
    assert_int_equal(take_tx(r, &id), NETIF_RSP_OKAY);
    assert_int_equal(take_tx(r, &id), NETIF_RSP_OKAY);
    assert_false(is_held(&r->x, r->refs[0]));
}

static void only_its_own_address(void **state)
{
    struct rig *r = *state;

    r->net->info.only_own_mac = true;
    go(r);
    tcp_frame(r->pages[0], false);
    put_tx(r, 0, 0, 0, 100);
    assert_int_equal(send_and_wait(r), NETIF_RSP_OKAY);
    assert_int_equal(r->net->last.n, NET_HDR + 100);
    r->pages[0][7]++;
    put_tx(r, 0, 0, 0, 100);
    assert_int_equal(send_and_wait(r), NETIF_RSP_ERROR);
    assert_int_equal(r->net->sent, 1);
    assert_int_equal(r->net->dropped_tx, 1);
}

/* ---- receiving ---- */

static void receives(void **state)
{
    struct rig *r = *state;
    struct netif_rx_response rsp;

    go(r);
    give(r, 0, 4);
    fake_put(r->net, 1000);
    arrive(r, 0);
    assert_true(was_told(&r->x, r->rx[0].port));
    assert_true(take_rx(r, &rsp));
    assert_int_equal(rsp.id, 0x200);
    assert_int_equal(rsp.status, 1000);
    assert_int_equal(rsp.offset, 0);
    assert_int_equal(rsp.flags, 0);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(r->pages[0][i], byte_of(i));
    assert_int_equal(r->pages[0][1000], PLAIN);
    assert_false(take_rx(r, &rsp));
}

/*
 * The data of a packet of n bytes over slots, an extra's left out; false if
 * any byte is wrong.
 */
static void check_packet(struct rig *r, size_t n, bool gso, unsigned flags)
{
    size_t done = 0;
    bool more;

    do {
        const uint32_t slot = r->rx[0].f.rsp_cons;
        struct netif_rx_response rsp;

        assert_true(take_rx(r, &rsp));
        assert_int_equal(rsp.id, 0x200 + slot);
        assert_true(rsp.status > 0);
        assert_int_equal(rsp.flags & ~(unsigned)NETRXF_more_data,
                         done ? 0 : flags | (gso ? NETRXF_extra_info : 0));
        for (int i = 0; i < rsp.status; i++)
            assert_int_equal(r->pages[slot % PAGES][i],
                             byte_of(done + (size_t)i));
        more = rsp.flags & NETRXF_more_data;
        if (done == 0 && gso) {
            struct netif_extra_info e;

            assert_true(take_rx(r, &e));
            assert_int_equal(e.type, XEN_NETIF_EXTRA_TYPE_GSO);
            assert_int_equal(e.flags, 0);
            assert_int_equal(e.u.gso.type, XEN_NETIF_GSO_TYPE_TCPV4);
            assert_int_equal(e.u.gso.size, 1448);
        }
        done += (size_t)rsp.status;
    } while (more);
    assert_int_equal(done, n);
}

static void put_packet(struct rig *r, size_t n, bool gso)
{
    struct fake_packet *p = fake_put(r->net, n);
    const struct virtio_net_hdr_v1 h = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
        .gso_size = 1448,
    };

    if (gso)
        memcpy(p->bytes, &h, sizeof(h));
}

/* Every mixture of sizes and kinds, with the window at any width. */
static void receives_large_packets(void **state)
{
    static const size_t sizes[] = {60,   4096,  4097,  65000, 1500,
                                   9000, 65535, 12288, 20,    65549};
    struct rig *r = *state;
    const unsigned both = NETRXF_csum_blank | NETRXF_data_validated;
    unsigned given = 0;

    go(r);
    for (unsigned round = 0; round < 4 * ARRAY_LEN(sizes); round++) {
        const size_t n = sizes[(round * 7) % ARRAY_LEN(sizes)];
        const bool gso = n > 60 && round % 3 != 1;

        give(r, given, 20);
        given += 20;
        put_packet(r, n, gso);
        arrive(r, 0);
        check_packet(r, n, gso, gso ? both : 0);
        /* What was given and not used is used first the next time. */
        given = r->rx[0].f.req_prod;
        while (r->rx[0].f.req_prod - r->rx[0].f.rsp_cons >= 20) {
            put_packet(r, 14, false);
            arrive(r, 0);
            check_packet(r, 14, false, 0);
        }
    }
    assert_int_equal(r->net->dropped_rx, 0);
}

static void several_in_one_turn(void **state)
{
    struct rig *r = *state;

    go(r);
    give(r, 0, 60);
    for (unsigned i = 0; i < 10; i++)
        put_packet(r, 3000 + i * 1000, i % 2);
    arrive(r, 0);
    for (unsigned i = 0; i < 10; i++)
        check_packet(r, 3000 + i * 1000, i % 2,
                     i % 2 ? NETRXF_csum_blank | NETRXF_data_validated : 0);
}

static void waits_for_buffers(void **state)
{
    struct rig *r = *state;
    struct netif_rx_response rsp;

    go(r);
    put_packet(r, 10000, true);
    arrive(r, 0);
    assert_int_equal(r->net->count, 1); /* not even read */
    give(r, 0, 2);
    assert_int_equal(r->net->count, 0);
    assert_false(take_rx(r, &rsp));
    give(r, 2, 1);
    assert_false(take_rx(r, &rsp));
    give(r, 3, 1);
    check_packet(r, 10000, true, NETRXF_csum_blank | NETRXF_data_validated);
}

/* Of a driver that takes one page a packet, nothing more is asked. */
static void no_scatter_gather(void **state)
{
    struct rig *r = *state;
    struct netif_rx_response rsp;

    tell_features(r);
    untell(&r->front, "feature-sg");
    connect_queues(r, 1);
    assert_int_equal(r->net->offloads, NET_CSUM);
    give(r, 0, 8);
    put_packet(r, 5000, false);
    put_packet(r, 4096, false);
    arrive(r, 0);
    assert_int_equal(r->net->dropped_rx, 1);
    check_packet(r, 4096, false, 0);
    assert_false(take_rx(r, &rsp));
}

static void offloads_follow_the_driver(void **state)
{
    static const struct {
        const char *without;
        unsigned offloads;
    } rows[] = {
        {"nothing", NET_CSUM | NET_TSO4 | NET_TSO6},
        {"feature-gso-tcpv4", NET_CSUM | NET_TSO6},
        {"feature-gso-tcpv6", NET_CSUM | NET_TSO4},
        {"feature-ipv6-csum-offload", 0},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tell_features(r);
        untell(&r->front, rows[i].without);
        connect_queues(r, 1);
        assert_int_equal(r->net->offloads, rows[i].offloads);
        leave(r);
    }
    tell_features(r);
    tell(&r->front, "feature-no-csum-offload", "1");
    connect_queues(r, 1);
    assert_int_equal(r->net->offloads, 0);
    give(r, 0, 8);
    put_packet(r, 100, true);
    arrive(r, 0);
    assert_int_equal(r->net->dropped_rx, 1);
}

/* ---- queues, channels, links ---- */

static void split_channels(void **state)
{
    struct rig *r = *state;

    r->split = true;
    go(r);
    give(r, 0, 4);
    fake_put(r->net, 100);
    arrive(r, 0);
    assert_true(was_told(&r->x, r->rx[0].port));
    assert_false(was_told(&r->x, r->tx[0].port));
    put_tx(r, 0, 0, 0, 60);
    kick_tx(r);
    wait_sent(r);
    assert_true(was_told(&r->x, r->tx[0].port));
    assert_false(was_told(&r->x, r->rx[0].port));
}

static void two_queues(void **state)
{
    struct rig *r = *state;
    const struct netif_tx_request req = {.gref = r->refs[1], .size = 77};
    const struct netif_rx_request buf = {.gref = r->refs[2]};
    struct netif_rx_response rsp;

    r->split = true;
    tell_features(r);
    connect_queues(r, 2);
    assert_int_equal(r->net->queues, 2);
    xfront_put(&r->tx[1].f, &req, sizeof(req));
    kick(r, &r->tx[1]);
    assert_int_equal(r->net->queue, 1);
    assert_int_equal(r->net->last.n, NET_HDR + 77);
    xfront_put(&r->rx[1].f, &buf, sizeof(buf));
    kick(r, &r->rx[1]);
    fake_put(r->net, 500);
    arrive(r, 1);
    assert_true(xfront_take(&r->rx[1].f, &rsp, sizeof(rsp)));
    assert_int_equal(rsp.status, 500);
    assert_int_equal(r->pages[2][499], byte_of(499));
    leave(r);
    untell(&r->front, "multi-queue-num-queues");
    go(r);
    assert_int_equal(r->net->queues, 1);
}

static void the_link_goes_and_comes(void **state)
{
    struct rig *r = *state;

    go(r);
    r->net->front->link(r->net->owner, false);
    assert_int_equal(asked(&r->front, "carrier"), 0);
    r->net->front->link(r->net->owner, true);
    assert_int_equal(asked(&r->front, "carrier"), 1);
}

static void reconnects(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0; i < 4; i++) {
        r->split = i % 2;
        untell(&r->front, "event-channel");
        untell(&r->front, "event-channel-rx");
        untell(&r->front, "event-channel-tx");
        go(r);
        give(r, 0, 4);
        put_packet(r, 100, false);
        arrive(r, 0);
        check_packet(r, 100, false, 0);
        leave(r);
        assert_int_equal(gnttab_pins(r->x.gnt), 0);
    }
}

/* ---- multicast ---- */

static int mcast(struct rig *r, uint8_t type, const char *mac)
{
    struct netif_extra_info e = {.type = type};

    memcpy(e.u.mcast.addr, mac, 6);
    put_tx(r, 0, 0, NETTXF_extra_info, 0);
    xfront_put(&r->tx[0].f, &e, sizeof(e));
    return send_and_wait(r);
}

static bool is_heard(struct rig *r, const char *mac)
{
    const unsigned dropped = r->net->dropped_rx;
    struct netif_rx_response rsp;

    memcpy(fake_put(r->net, 100)->bytes + NET_HDR, mac, 6);
    arrive(r, 0);
    while (take_rx(r, &rsp))
        ;
    return r->net->dropped_rx == dropped;
}

static void multicast_control(void **state)
{
    static const char group[] = "\x01\0\x5e\0\0\x01", mine[] = "\x02\0\0\0\0\1",
                      all[] = "\xff\xff\xff\xff\xff\xff";
    struct rig *r = *state;
    char mac[] = "\x33\x33\0\0\0\0";

    go(r);
    give(r, 0, 40);
    assert_true(is_heard(r, group));
    tell(&r->front, "request-multicast-control", "1");
    spin(&r->x);
    assert_false(is_heard(r, group));
    assert_true(is_heard(r, mine));
    assert_true(is_heard(r, all));
    assert_int_equal(mcast(r, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, group), 0);
    assert_int_equal(mcast(r, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, group), 0);
    assert_true(is_heard(r, group));
    assert_int_equal(mcast(r, XEN_NETIF_EXTRA_TYPE_MCAST_DEL, group), 0);
    assert_false(is_heard(r, group));
    assert_int_equal(mcast(r, XEN_NETIF_EXTRA_TYPE_MCAST_DEL, group), 0);
    for (unsigned i = 0; i < 70; i++) {
        mac[5] = (char)i;
        assert_int_equal(mcast(r, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, mac),
                         i < 64 ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
    }
    assert_int_equal(r->net->sent, 0);
    tell(&r->front, "request-multicast-control", "0");
    spin(&r->x);
    assert_true(is_heard(r, group));
}

/* ---- the control ring ---- */

static uint32_t ask_control(struct rig *r, uint16_t type, uint32_t word)
{
    const struct xen_netif_ctrl_request req = {
        .id = 0x77, .type = type, .data = {word}};
    struct xen_netif_ctrl_response rsp;

    xfront_put(&r->ctrl.f, &req, sizeof(req));
    kick(r, &r->ctrl);
    assert_true(xfront_take(&r->ctrl.f, &rsp, sizeof(rsp)));
    assert_int_equal(rsp.id, 0x77);
    assert_int_equal(rsp.type, type);
    assert_int_equal(rsp.data, 0);
    return rsp.status;
}

static void hashing_is_refused(void **state)
{
    struct rig *r = *state;

    make_ring(r, &r->ctrl, "ctrl-ring-ref", 16);
    make_port(r, &r->ctrl, "event-channel-ctrl");
    go(r);
    for (uint16_t type = 0; type < 20; type++)
        assert_int_equal(ask_control(r, type, 1),
                         XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED);
    assert_int_equal(ask_control(r, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
                                 XEN_NETIF_CTRL_HASH_ALGORITHM_NONE),
                     XEN_NETIF_CTRL_STATUS_SUCCESS);
    assert_true(was_told(&r->x, r->ctrl.port));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_driver_is_told),
        TEST(sends),
        TEST(sends_scattered),
        TEST(sends_large_segments),
        TEST(a_segment_without_a_blank_checksum),
        TEST(blank_checksums),
        TEST(refused_for_now),
        TEST(only_its_own_address),
        TEST(receives),
        TEST(receives_large_packets),
        TEST(several_in_one_turn),
        TEST(waits_for_buffers),
        TEST(no_scatter_gather),
        TEST(offloads_follow_the_driver),
        TEST(split_channels),
        cmocka_unit_test_setup_teardown(two_queues, setup_pair, teardown),
        TEST(the_link_goes_and_comes),
        TEST(reconnects),
        TEST(multicast_control),
        TEST(hashing_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
