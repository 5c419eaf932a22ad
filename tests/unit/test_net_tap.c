// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A real tap, in a network namespace of our own: made on demand, by name, by
 * descriptor; packets both ways, offloads, queues, and a tap that goes away.
 * Without the right to make such a namespace, or without /dev/net/tun, the
 * tests say that they skip.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/backend/net_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME 100u
#define TYPE  0x88b5 /* for experiments (IEEE 802, 9.2.4) */

struct rig {
    struct loop *loop;
    struct net *net;
    int host; /* a packet socket on the host's side */
    unsigned ready, down;
    struct loop_op stop_timer;
    struct virtio_net_hdr_v1 hdr;
    uint8_t frame[NET_MAX_FRAME];
    struct iovec iov[2];
};

static void on_ready(void *owner, unsigned queue)
{
    (void)queue;
    ((struct rig *)owner)->ready++;
}

static void on_room(void *owner)
{
    (void)owner;
}

static void on_link(void *owner, bool up)
{
    assert_false(up);
    ((struct rig *)owner)->down++;
}

static const struct net_front front = {on_ready, on_room, on_link};

static void on_stop(struct loop_op *op, int res)
{
    struct rig *r = op->owner;

    (void)res;
    loop_stop(r->loop, 0);
}

static void run_for(struct rig *r, unsigned ms)
{
    r->stop_timer = (struct loop_op){.fn = on_stop, .owner = r};
    loop_timer(r->loop, &r->stop_timer, ms * UINT64_C(1000000));
    assert_int_equal(loop_run(r->loop), 0);
}

static void if_do(unsigned long request, struct ifreq *ifr)
{
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);

    assert_int_equal(ioctl(fd, request, ifr), 0);
    close(fd);
}

static int packet_socket(const char *ifname)
{
    const struct sockaddr_ll at = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(TYPE),
        .sll_ifindex = (int)if_nametoindex(ifname),
    };
    const struct timeval limit = {.tv_sec = 5};
    const int fd = socket(AF_PACKET, SOCK_RAW, htons(TYPE));

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    return fd;
}

static struct net_config config(const char *ifname)
{
    return (struct net_config){
        .kind = NET_TAP, .ifname = ifname, .fd = -1, .queues = 1};
}

static void begin(struct rig *r, const struct net_config *cfg,
                  const char *ifname)
{
    *r = (struct rig){.host = -1};
    assert_int_equal(loop_create(&r->loop, NULL), 0);
    r->net = net_open(cfg);
    assert_non_null(r->net);
    assert_int_equal(net_start(r->net, r->loop), 0);
    net_attach(r->net, &front, r);
    r->iov[0] = (struct iovec){&r->hdr, sizeof(r->hdr)};
    r->host = packet_socket(ifname);
}

static void end(struct rig *r)
{
    net_attach(r->net, NULL, NULL);
    net_close(r->net);
    loop_destroy(r->loop);
    close(r->host);
}

/* An Ethernet header for a frame of ours. */
static void make_frame(struct rig *r, uint8_t fill)
{
    memset(r->frame, fill, FRAME);
    memcpy(r->frame, "\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01", 12);
    r->frame[12] = TYPE >> 8;
    r->frame[13] = TYPE & 0xff;
}

static void send_frame(struct rig *r, unsigned queue, size_t n)
{
    const struct net_pkt pkt = {r->iov, 2, NET_HDR + n};

    r->iov[1] = (struct iovec){r->frame, n};
    assert_int_equal(net_send(r->net, queue, &pkt), 0);
}

static int recv_frame(struct rig *r)
{
    const struct net_pkt room = {r->iov, 2, NET_HDR + NET_MAX_FRAME};

    r->iov[1] = (struct iovec){r->frame, NET_MAX_FRAME};
    return net_recv(r->net, 0, &room);
}

/* The next frame that is ours: the kernel speaks on a new interface, too. */
static int recv_ours(struct rig *r)
{
    int n;

    do
        n = recv_frame(r);
    while (n > 0 && (r->frame[12] << 8 | r->frame[13]) != TYPE);
    return n;
}

static void round_trip(struct rig *r)
{
    uint8_t got[2 * FRAME];
    int n;

    make_frame(r, 0x41);
    r->hdr = (struct virtio_net_hdr_v1){0};
    send_frame(r, 0, FRAME);
    assert_int_equal(recv(r->host, got, sizeof(got), 0), FRAME);
    assert_memory_equal(got, r->frame, FRAME);
    got[20] = 0x42;
    assert_int_equal(send(r->host, got, FRAME, 0), FRAME);
    for (unsigned i = 0; (n = recv_ours(r)) == -EAGAIN && i < 100; i++)
        run_for(r, 5);
    assert_int_equal(n, NET_HDR + FRAME);
    assert_memory_equal(r->frame, got, FRAME);
}

/* ---- tests ---- */

static void made_on_demand(void **state)
{
    const struct net_config cfg = config("vmmtest0");
    struct net_stats s;
    struct rig r;

    (void)state;
    assert_int_equal(if_nametoindex("vmmtest0"), 0);
    begin(&r, &cfg, "vmmtest0");
    assert_int_equal(net_info(r.net)->mtu, 1500);
    assert_int_equal(net_info(r.net)->recv & ~NET_USO,
                     NET_CSUM | NET_TSO4 | NET_TSO6);
    round_trip(&r);
    net_get_stats(r.net, &s);
    assert_int_equal(s.tx, 1);
    assert_int_equal(s.tx_bytes, FRAME);
    assert_true(s.rx >= 1);
    end(&r);
    assert_int_equal(if_nametoindex("vmmtest0"), 0); /* and gone with us */
}

/* Of more than one packet, the loop tells; the rest is fetched by batch. */
static void the_loop_tells(void **state)
{
    const struct net_config cfg = config("vmmtest0");
    struct rig r;
    unsigned got = 0;

    (void)state;
    begin(&r, &cfg, "vmmtest0");
    run_for(&r, 20);
    while (recv_frame(&r) > 0)
        ;
    make_frame(&r, 1);
    for (unsigned round = 0; round < 3; round++) {
        const unsigned before = r.ready;

        for (unsigned i = 0; i < 50; i++)
            assert_int_equal(send(r.host, r.frame, FRAME, 0), FRAME);
        run_for(&r, 20);
        assert_true(r.ready > before);
        while (recv_ours(&r) > 0)
            got++;
        make_frame(&r, 1);
    }
    assert_int_equal(got, 150);
    end(&r);
}

/* The host's stack is handed one large packet, and cuts it up or does not. */
static void a_large_packet_out(void **state)
{
    const struct net_config cfg = config("vmmtest0");
    struct net_stats s;
    struct rig r;

    (void)state;
    begin(&r, &cfg, "vmmtest0");
    net_set_offloads(r.net, NET_CSUM | NET_TSO4);
    make_frame(&r, 0);
    memcpy(r.frame + 12, "\x08\x00\x45\x00\x13\x88", 6); /* IPv4, 5000 */
    r.frame[22] = 64;
    r.frame[23] = IPPROTO_TCP;
    r.frame[46] = 0x50;
    r.hdr = (struct virtio_net_hdr_v1){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
        .hdr_len = 54,
        .gso_size = 1000,
        .csum_start = 34,
        .csum_offset = 16,
    };
    send_frame(&r, 0, 14 + 5000);
    net_get_stats(r.net, &s);
    assert_int_equal(s.tx, 1);
    assert_int_equal(s.tx_dropped, 0);
    /* What the kernel does not believe is dropped, and counted. */
    r.hdr.csum_start = 60000;
    send_frame(&r, 0, 14 + 5000);
    net_get_stats(r.net, &s);
    assert_int_equal(s.tx_dropped, 1);
    end(&r);
}

static void taken_by_somebody_else(void **state)
{
    const struct net_config cfg = config("vmmtest0");
    struct rig r;

    (void)state;
    begin(&r, &cfg, "vmmtest0");
    assert_null(net_open(&cfg));
    end(&r);
}

static int open_tap(const char *name, int flags)
{
    struct ifreq ifr = {.ifr_flags = (short)flags};
    const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
    assert_int_equal(ioctl(fd, TUNSETIFF, &ifr), 0);
    return fd;
}

static void by_descriptor(void **state)
{
    struct net_config cfg = {.kind = NET_TAP, .queues = 1};
    struct ifreq ifr = {.ifr_flags = IFF_UP, .ifr_name = "vmmtest1"};
    struct rig r;

    (void)state;
    cfg.fd = open_tap("vmmtest1", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
    if_do(SIOCSIFFLAGS, &ifr);
    begin(&r, &cfg, "vmmtest1");
    round_trip(&r);
    end(&r);
    assert_int_equal(if_nametoindex("vmmtest1"), 0);
}

static void by_a_descriptor_of_no_use(void **state) /* 53 */
{
    struct net_config cfg = {.kind = NET_TAP, .queues = 1};

    (void)state;
    cfg.fd = open_tap("vmmtest1", IFF_TAP | IFF_NO_PI);
    assert_null(net_open(&cfg));
    cfg.fd = open_tap("vmmtest1", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
    assert_null(net_open(&cfg));
    cfg.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_null(net_open(&cfg));
    cfg.fd = 999;
    assert_null(net_open(&cfg));
}

static void no_tap_by_that_name(void **state) /* 53 */
{
    struct net_config cfg = config("lo");

    (void)state;
    assert_null(net_open(&cfg));
}

static void several_queues(void **state)
{
    struct net_config cfg = config("vmmtest0");
    struct rig r;
    uint8_t got[2 * FRAME];

    (void)state;
    cfg.queues = 4;
    begin(&r, &cfg, "vmmtest0");
    net_set_queues(r.net, 1);
    round_trip(&r); /* on the first, as the others are detached */
    net_set_queues(r.net, 4);
    make_frame(&r, 9);
    r.hdr = (struct virtio_net_hdr_v1){0};
    for (unsigned q = 0; q < 4; q++) {
        send_frame(&r, q, FRAME);
        assert_int_equal(recv(r.host, got, sizeof(got), 0), FRAME);
    }
    net_set_queues(r.net, 1);
    net_set_queues(r.net, 2);
    end(&r);
}

static void remove_tap(const char *name)
{
    char command[64];

    snprintf(command, sizeof(command), "ip link del %s", name);
    assert_int_equal(system(command), 0);
}

static void go_away(bool by_sending)
{
    const struct net_config cfg = config("vmmtest0");
    struct rig r;
    unsigned ready;

    begin(&r, &cfg, "vmmtest0");
    remove_tap("vmmtest0");
    /* At the latest when something is sent. */
    if (by_sending) {
        make_frame(&r, 1);
        send_frame(&r, 0, FRAME);
    }
    run_for(&r, 20);
    assert_int_equal(r.down, 1);
    assert_int_equal(recv_frame(&r), -EAGAIN);
    assert_false(net_link_up(r.net));
    ready = r.ready;
    run_for(&r, 100);
    assert_in_range(r.ready - ready, 0, 2); /* no spinning */
    make_frame(&r, 1);
    send_frame(&r, 0, FRAME);
    net_set_offloads(r.net, NET_CSUM);
    net_set_queues(r.net, 1);
    assert_int_equal(r.down, 1);
    end(&r);
}

static void goes_away(void **state) /* 63 */
{
    (void)state;
    go_away(false);
    go_away(true);
}

/* 64: who does not read costs the host its queue, and us nothing. */
static void a_flood_nobody_reads(void **state)
{
    const struct net_config cfg = config("vmmtest0");
    struct rig r;
    unsigned ready;

    (void)state;
    begin(&r, &cfg, "vmmtest0");
    make_frame(&r, 1);
    for (unsigned i = 0; i < 5000; i++)
        (void)send(r.host, r.frame, FRAME, MSG_DONTWAIT);
    run_for(&r, 20);
    ready = r.ready;
    for (unsigned i = 0; i < 5000; i++)
        (void)send(r.host, r.frame, FRAME, MSG_DONTWAIT);
    run_for(&r, 20);
    assert_in_range(r.ready - ready, 0, 2);
    end(&r);
}

static void need_tap(void **state)
{
    (void)state;
    print_message("skipped: no namespace with a tap here (run as root, with "
                  "/dev/net/tun)\n");
    skip();
}

static bool probe(void)
{
    const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    const bool ok = fd >= 0 && unshare(CLONE_NEWNET) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_on_demand),
        cmocka_unit_test(the_loop_tells),
        cmocka_unit_test(a_large_packet_out),
        cmocka_unit_test(taken_by_somebody_else),
        cmocka_unit_test(by_descriptor),
        cmocka_unit_test(by_a_descriptor_of_no_use),
        cmocka_unit_test(no_tap_by_that_name),
        cmocka_unit_test(several_queues),
        cmocka_unit_test(goes_away),
        cmocka_unit_test(a_flood_nobody_reads),
    };
    const struct CMUnitTest none[] = {cmocka_unit_test(need_tap)};

    if (!probe())
        return cmocka_run_group_tests(none, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
