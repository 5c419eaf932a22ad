// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Links without a host behind them: frames over a stream socket whose other
 * end is the test, checksums, rates, what is left of a link that broke.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/backend/net_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME 100u

struct rig {
    struct loop *loop;
    struct net *net;
    int peer;
    struct loop_op turn;
    unsigned turns;
    struct loop_op stop_timer;
    /* what the front-end was told */
    unsigned ready, room, down;
    /* a packet */
    struct virtio_net_hdr_v1 hdr;
    uint8_t frame[NET_MAX_FRAME];
    struct iovec iov[3];
};

static void on_ready(void *owner, unsigned queue)
{
    struct rig *r = owner;

    assert_int_equal(queue, 0);
    r->ready++;
}

static void on_room(void *owner)
{
    ((struct rig *)owner)->room++;
}

static void on_link(void *owner, bool up)
{
    assert_false(up);
    ((struct rig *)owner)->down++;
}

static const struct net_front front = {on_ready, on_room, on_link};

static void on_turn(struct loop_op *op, int res)
{
    struct rig *r = op->owner;

    (void)res;
    if (--r->turns)
        loop_post(r->loop, op);
    else
        loop_stop(r->loop, 0);
}

static void spin(struct rig *r)
{
    r->turns = 8;
    r->turn = (struct loop_op){.fn = on_turn, .owner = r};
    loop_post(r->loop, &r->turn);
    assert_int_equal(loop_run(r->loop), 0);
}

static void on_stop(struct loop_op *op, int res)
{
    struct rig *r = op->owner;

    (void)res;
    loop_stop(r->loop, 0);
}

/* Let the loop run for so long. */
static void run_for(struct rig *r, unsigned ms)
{
    r->stop_timer = (struct loop_op){.fn = on_stop, .owner = r};
    loop_timer(r->loop, &r->stop_timer, ms * UINT64_C(1000000));
    assert_int_equal(loop_run(r->loop), 0);
}

static struct rig *open_rig(uint64_t pps, uint64_t bps)
{
    const struct net_config cfg = {
        .kind = NET_USER, .queues = 1, .fd = -1, .pps = pps, .bps = bps};
    struct rig *r = calloc(1, sizeof(*r));
    int ends[2];

    assert_int_equal(loop_create(&r->loop, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    r->peer = ends[1];
    r->net = net_stream_open(&cfg, "test", ends[0]);
    assert_non_null(r->net);
    assert_int_equal(net_start(r->net, r->loop), 0);
    net_attach(r->net, &front, r);
    r->iov[0] = (struct iovec){&r->hdr, sizeof(r->hdr)};
    return r;
}

static int setup(void **state)
{
    *state = open_rig(0, 0);
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    net_attach(r->net, NULL, NULL);
    net_close(r->net);
    if (r->peer >= 0)
        close(r->peer);
    loop_destroy(r->loop);
    free(r);
    return 0;
}

/* Send n bytes of the frame, in two pieces. */
static int send_frame(struct rig *r, size_t n)
{
    const struct net_pkt pkt = {r->iov, 3, NET_HDR + n};

    r->iov[1] = (struct iovec){r->frame, n / 3};
    r->iov[2] = (struct iovec){r->frame + n / 3, n - n / 3};
    return net_send(r->net, 0, &pkt);
}

/* Receive into the frame, in two pieces. */
static int recv_frame(struct rig *r)
{
    const struct net_pkt room = {r->iov, 3, NET_HDR + NET_MAX_FRAME};

    memset(&r->hdr, 0xff, sizeof(r->hdr));
    r->iov[1] = (struct iovec){r->frame, 50};
    r->iov[2] = (struct iovec){r->frame + 50, NET_MAX_FRAME - 50};
    return net_recv(r->net, 0, &room);
}

static void peer_reads(struct rig *r, void *to, size_t n)
{
    assert_int_equal(recv(r->peer, to, n, MSG_WAITALL), n);
}

static void peer_writes(struct rig *r, const void *from, size_t n)
{
    assert_int_equal(write(r->peer, from, n), n);
}

static void peer_sends(struct rig *r, uint8_t fill, uint32_t n)
{
    const uint32_t length = htonl(n);
    uint8_t *frame = malloc(n);

    memset(frame, fill, n);
    peer_writes(r, &length, sizeof(length));
    peer_writes(r, frame, n);
    free(frame);
}

static struct net_stats stats_of(struct rig *r)
{
    struct net_stats s;

    net_get_stats(r->net, &s);
    return s;
}

/* ---- frames ---- */

static void frames_out(void **state)
{
    struct rig *r = *state;
    uint8_t got[2 * (4 + FRAME)];

    memset(r->frame, 0x11, FRAME);
    r->frame[FRAME - 1] = 0x22;
    assert_int_equal(send_frame(r, FRAME), 0);
    assert_int_equal(send_frame(r, FRAME), 0);
    spin(r);
    peer_reads(r, got, sizeof(got));
    assert_memory_equal(got, "\0\0\0\x64", 4);
    assert_memory_equal(got + 4, r->frame, FRAME);
    assert_memory_equal(got + 4 + FRAME, "\0\0\0\x64", 4);
    assert_int_equal(stats_of(r).tx, 2);
    assert_int_equal(stats_of(r).tx_bytes, 2 * FRAME);
}

static void frames_in(void **state)
{
    static const uint8_t zero[NET_HDR];
    struct rig *r = *state;

    assert_int_equal(recv_frame(r), -EAGAIN);
    peer_sends(r, 1, 60);
    peer_sends(r, 2, 1500);
    peer_sends(r, 3, NET_MAX_FRAME);
    spin(r);
    assert_true(r->ready > 0);
    assert_int_equal(recv_frame(r), NET_HDR + 60);
    assert_memory_equal(&r->hdr, zero, NET_HDR);
    assert_int_equal(r->frame[59], 1);
    assert_int_equal(recv_frame(r), NET_HDR + 1500);
    assert_int_equal(r->frame[1499], 2);
    assert_int_equal(recv_frame(r), NET_HDR + NET_MAX_FRAME);
    assert_int_equal(r->frame[NET_MAX_FRAME - 1], 3);
    assert_int_equal(recv_frame(r), -EAGAIN);
    assert_int_equal(stats_of(r).rx, 3);
}

/* Byte by byte: nothing is a frame before it is one. */
static void frames_in_pieces(void **state)
{
    struct rig *r = *state;
    uint8_t bytes[4 + 20] = {0, 0, 0, 20};

    for (unsigned i = 0; i < sizeof(bytes); i++) {
        assert_int_equal(recv_frame(r), -EAGAIN);
        peer_writes(r, bytes + i, 1);
        spin(r);
    }
    assert_int_equal(recv_frame(r), NET_HDR + 20);
}

/* A peer that does not read fills us up to a point, and is told apart. */
static void a_peer_that_does_not_read(void **state)
{
    struct rig *r = *state;
    unsigned sent = 0, got = 0;
    uint32_t length;

    while (send_frame(r, 60000) == 0) {
        spin(r);
        assert_in_range(++sent, 1, 100);
    }
    assert_int_equal(r->room, 0);
    /* Frames still come out whole, in order, and none is missing. */
    while (got < sent) {
        peer_reads(r, &length, sizeof(length));
        assert_int_equal(ntohl(length), 60000);
        peer_reads(r, r->frame, 60000);
        got++;
        spin(r);
    }
    assert_true(r->room > 0);
    assert_int_equal(send_frame(r, 60000), 0);
    assert_int_equal(stats_of(r).tx_dropped, 0);
}

static void broken_lengths(void **state)
{
    static const uint32_t lengths[] = {0, 13, NET_MAX_FRAME + 1, UINT32_MAX};

    teardown(state);
    for (unsigned i = 0; i < ARRAY_LEN(lengths); i++) {
        struct rig *r = open_rig(0, 0);
        const uint32_t length = htonl(lengths[i]);

        peer_writes(r, &length, sizeof(length));
        spin(r);
        assert_int_equal(recv_frame(r), -EAGAIN);
        assert_int_equal(r->down, 1);
        assert_false(net_link_up(r->net));
        *state = r;
        teardown(state);
    }
    setup(state);
}

static void the_peer_ends(void **state)
{
    struct rig *r = *state;
    unsigned ready;

    close(r->peer);
    r->peer = -1;
    spin(r);
    assert_int_equal(r->down, 1);
    assert_int_equal(recv_frame(r), -EAGAIN);
    ready = r->ready;
    run_for(r, 50);
    assert_int_equal(r->ready, ready);
    assert_int_equal(send_frame(r, FRAME), 0);
    assert_int_equal(r->down, 1);
    assert_int_equal(stats_of(r).tx_dropped, 1);
}

static void the_peer_ends_while_we_write(void **state)
{
    struct rig *r = *state;

    close(r->peer);
    r->peer = -1;
    assert_int_equal(send_frame(r, FRAME), 0);
    spin(r);
    assert_int_equal(r->down, 1);
}

/* A frame that says it is so long: n bytes of it are sent, how many arrive? */
static size_t sent_of(struct rig *r, unsigned type, unsigned at, unsigned says,
                      size_t n)
{
    uint8_t got[4 + FRAME] = {0};

    memset(r->frame, 0, sizeof(r->frame));
    r->frame[12] = (uint8_t)(type >> 8);
    r->frame[13] = (uint8_t)type;
    r->frame[at] = (uint8_t)(says >> 8);
    r->frame[at + 1] = (uint8_t)says;
    assert_int_equal(send_frame(r, n), 0);
    spin(r);
    peer_reads(r, got, 4);
    assert_int_equal(got[0] | got[1] | got[2], 0);
    assert_true(got[3] <= FRAME);
    peer_reads(r, got + 4, got[3]);
    assert_memory_equal(got + 4, r->frame, got[3]);
    return got[3];
}

/* A stream's last bytes would be what fills a frame up to 60. */
static void padding_is_not_sent(void **state)
{
    struct rig *r = *state;

    assert_int_equal(sent_of(r, 0x0800, 16, 41, 60), 55);
    assert_int_equal(sent_of(r, 0x0800, 16, 46, 60), 60);
    assert_int_equal(sent_of(r, 0x86dd, 18, 1, 60), 55);
    /* What is said is no frame's length, or none that was filled. */
    assert_int_equal(sent_of(r, 0x0800, 16, 0, 60), 60);
    assert_int_equal(sent_of(r, 0x0800, 16, 19, 60), 60);
    assert_int_equal(sent_of(r, 0x0800, 16, 0xffff, 60), 60);
    assert_int_equal(sent_of(r, 0x86dd, 18, 0xffff, 60), 60);
    assert_int_equal(sent_of(r, 0x0800, 16, 41, 61), 61);
    assert_int_equal(sent_of(r, 0x0806, 16, 41, 60), 60);
    assert_int_equal(sent_of(r, 0x0800, 16, 20, 33), 33);
    assert_int_equal(sent_of(r, 0x86dd, 18, 0, 53), 53);
}

static void what_the_stream_cannot_carry(void **state)
{
    struct rig *r = *state;

    r->hdr = (struct virtio_net_hdr_v1){.flags = 1, .gso_type = 1};
    assert_int_equal(send_frame(r, FRAME), 0);
    r->hdr = (struct virtio_net_hdr_v1){.flags = 1, .csum_start = FRAME};
    assert_int_equal(send_frame(r, FRAME), 0);
    r->hdr = (struct virtio_net_hdr_v1){0};
    assert_int_equal(send_frame(r, 13), 0);
    assert_int_equal(stats_of(r).tx_dropped, 3);
    assert_int_equal(stats_of(r).tx, 0);
}

/* ---- checksums ---- */

/* RFC 1071 as it is written: 16 bits at a time, in network order. */
static uint16_t plain_sum(const uint8_t *at, size_t n)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)at[i] << 8 | (i + 1 < n ? at[i + 1] : 0);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/*
 * Is the sum of all, the pseudo header's included, -0? That one is what the
 * driver left where the checksum is now.
 */
static bool is_whole(const uint8_t *frame, size_t n, uint16_t start,
                     const uint8_t *pseudo)
{
    const uint8_t sums[4] = {
        pseudo[0], pseudo[1],
        (uint8_t)(plain_sum(frame + start, n - start) >> 8),
        (uint8_t)plain_sum(frame + start, n - start)};

    return plain_sum(sums, sizeof(sums)) == 0xffff;
}

static void checksums(void **state)
{
    uint8_t frame[1600], pseudo[2];

    (void)state;
    srandom(7);
    for (unsigned round = 0; round < 2000; round++) {
        const size_t n = 60 + (size_t)random() % 1500;
        const uint16_t start = (uint16_t)(2 * ((size_t)random() % 20));

        for (size_t i = 0; i < n; i++)
            frame[i] = (uint8_t)random();
        memcpy(pseudo, frame + start + 6, 2);
        assert_true(net_csum_complete(frame, n, start, 6));
        assert_true(is_whole(frame, n, start, pseudo));
    }
}

static void checksums_of_zero(void **state)
{
    uint8_t frame[64];

    (void)state;
    /* All ones add up to -0, whose complement means "none" to UDP. */
    memset(frame, 0xff, sizeof(frame));
    assert_true(net_csum_complete(frame, sizeof(frame), 34, 6));
    assert_memory_equal(frame + 40, "\xff\xff", 2);
}

static void checksums_out_of_bounds(void **state)
{
    uint8_t *frame = malloc(60);

    (void)state;
    memset(frame, 0, 60);
    assert_false(net_csum_complete(frame, 60, 60, 0));
    assert_false(net_csum_complete(frame, 60, 59, 0));
    assert_false(net_csum_complete(frame, 60, 20, 39));
    assert_false(net_csum_complete(frame, 60, 0xffff, 0xffff));
    assert_true(net_csum_complete(frame, 60, 20, 38));
    free(frame);
}

static void a_partial_checksum_is_made_whole(void **state)
{
    struct rig *r = *state;
    uint8_t got[4 + FRAME];

    for (unsigned i = 0; i < FRAME; i++)
        r->frame[i] = (uint8_t)(i * 11);
    r->hdr = (struct virtio_net_hdr_v1){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .csum_start = 34,
        .csum_offset = 16,
    };
    assert_int_equal(send_frame(r, FRAME), 0);
    spin(r);
    peer_reads(r, got, sizeof(got));
    assert_true(is_whole(got + 4, FRAME, 34, r->frame + 50));
    /* The guest's own memory is left as it was. */
    assert_int_equal(r->frame[50], (uint8_t)(50 * 11));
}

/* ---- rates ---- */

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Never more than was asked for. Was it as much? */
static bool rate_was(uint64_t amount, uint64_t rate, uint64_t ns)
{
    /* What a full bucket lets pass at once, and one packet more. */
    const double burst = (double)rate * RATELIMIT_BURST_NS / 1e9;
    const double asked = (double)rate * (double)ns / 1e9;

    assert_true((double)amount <= 1.02 * asked + burst + 1);
    return (double)amount >= 0.98 * asked - 1;
}

/* Send whenever it may, for half a second. */
static bool packets_at(struct rig *r, uint64_t pps)
{
    const uint64_t begin = now_ns();
    uint8_t sink[4096];

    while (now_ns() - begin < 500000000u) {
        const unsigned before = r->room;

        while (send_frame(r, FRAME) == 0)
            ;
        while (r->room == before) {
            run_for(r, 1);
            while (recv(r->peer, sink, sizeof(sink), MSG_DONTWAIT) > 0)
                ;
        }
    }
    return rate_was(stats_of(r).tx, pps, now_ns() - begin);
}

/* Receive whenever it may, for half a second. */
static bool bytes_at(struct rig *r, uint64_t bps)
{
    const uint64_t begin = now_ns();
    uint64_t sent = 0;

    while (now_ns() - begin < 500000000u) {
        for (; sent < stats_of(r).rx + 20; sent++)
            peer_sends(r, 1, 1000);
        run_for(r, 1);
        while (recv_frame(r) > 0)
            ;
    }
    return rate_was(stats_of(r).rx_bytes / 1000, bps / 1000, now_ns() - begin);
}

/* A host that is busy elsewhere may be late, but not each time. */
static void packets_a_second(void **state)
{
    bool held = false;

    for (unsigned i = 0; i < 10 && !held; i++) {
        *state = open_rig(2000, 0);
        held = packets_at(*state, 2000);
        teardown(state);
    }
    assert_true(held);
}

static void bytes_a_second(void **state)
{
    bool held = false;

    for (unsigned i = 0; i < 10 && !held; i++) {
        *state = open_rig(0, 1000000);
        held = bytes_at(*state, 1000000);
        teardown(state);
    }
    assert_true(held);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frames_out),
        TEST(frames_in),
        TEST(frames_in_pieces),
        TEST(a_peer_that_does_not_read),
        TEST(broken_lengths),
        TEST(the_peer_ends),
        TEST(the_peer_ends_while_we_write),
        TEST(what_the_stream_cannot_carry),
        TEST(padding_is_not_sent),
        cmocka_unit_test(checksums),
        cmocka_unit_test(checksums_of_zero),
        cmocka_unit_test(checksums_out_of_bounds),
        TEST(a_partial_checksum_is_made_whole),
        cmocka_unit_test(packets_a_second),
        cmocka_unit_test(bytes_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
