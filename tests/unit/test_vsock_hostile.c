// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The socket device and a driver that breaks the rules. Numbers are cases of
 * the list of hostile input.
 */
#include "vsock_rig.h"

#include <sys/resource.h>

static void strangers_get_a_reset(void **state)
{
    static const uint16_t ops[] = {OP(RESPONSE),
                                   OP(SHUTDOWN),
                                   OP(RW),
                                   OP(CREDIT_UPDATE),
                                   OP(CREDIT_REQUEST),
                                   0,
                                   8,
                                   0xffff};
    struct rig *r = *state;
    struct peer p = {.guest_port = 1, .host_port = 2};

    go(r, 8);
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        say(r, &p, ops[i], SHUT_BOTH);
        await_op(r, &p, OP(RST));
    }
    /* But not for a reset: two devices would never end. */
    say(r, &p, OP(RST), 0);
    assert_silence(r);
    assert_lives(r);
}

static void unknown_types_and_addresses(void **state)
{
    struct rig *r = *state;
    const struct peer p = {.guest_port = 1, .host_port = 2};
    struct virtio_vsock_hdr h = header(&p, OP(REQUEST), 0, 0);
    struct packet got;

    go(r, 8);
    h.type = 77;
    send_header(r, &h, NULL, 0);
    got = await(r);
    assert_int_equal(got.h.op, OP(RST));
    assert_int_equal(got.h.type, 77);
    h = header(&p, OP(REQUEST), 0, 0);
    h.dst_cid = 0x500000002ull;
    send_header(r, &h, NULL, 0);
    got = await(r);
    assert_int_equal(got.h.op, OP(RST));
    assert_int_equal(got.h.src_cid, 0x500000002ull);
    h = header(&p, OP(REQUEST), 0, 0);
    h.src_cid = CID + 1;
    send_header(r, &h, NULL, 0);
    assert_silence(r);
    assert_lives(r);
}

static void unknown_operation_on_a_connection(void **state)
{
    struct rig *r = *state;
    struct peer p;
    int fd;

    go(r, 8);
    for (uint16_t op = 8; op < 10; op++) {
        fd = connect_program(r, &p);
        say(r, &p, op, 0);
        await_op(r, &p, OP(RST));
        assert_int_equal(streams(r), 0);
        close(fd);
    }
}

/* What is out of order ends that connection. */
static void out_of_order(void **state)
{
    static const uint16_t ops[] = {OP(REQUEST), OP(RESPONSE)};
    struct rig *r = *state;
    struct packet req;
    struct peer p;
    int fd;

    go(r, 8);
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        fd = connect_program(r, &p);
        say(r, &p, ops[i], 0);
        await_op(r, &p, OP(RST));
        close(fd);
    }
    fd = program(r, "CONNECT 8\n");
    req = await(r);
    p = (struct peer){.guest_port = 8, .host_port = req.h.src_port};
    send_data(r, &p, "early", 5);
    await_op(r, &p, OP(RST));
    close(fd);
    fd = connect_program(r, &p);
    say(r, &p, OP(SHUTDOWN), VIRTIO_VSOCK_SHUTDOWN_SEND);
    send_data(r, &p, "late", 4);
    await_op(r, &p, OP(RST));
    close(fd);
    assert_int_equal(streams(r), 0);
    assert_lives(r);
}

static void longer_than_its_chain(void **state) /* 5, 6 */
{
    struct rig *r = *state;
    struct virtio_vsock_hdr h;
    struct peer p;
    int fd;

    go(r, 8);
    fd = connect_program(r, &p);
    h = header(&p, OP(RW), 100, 0);
    send_header(r, &h, "0123456789", 10);
    await_op(r, &p, OP(RST));
    close(fd);
    fd = connect_program(r, &p);
    h = header(&p, OP(RW), UINT32_MAX, 0);
    send_header(r, &h, "0123456789", 10);
    await_op(r, &p, OP(RST));
    close(fd);
    /* The rest of a longer chain is nobody's. */
    fd = connect_program(r, &p);
    h = header(&p, OP(RW), 3, 0);
    send_header(r, &h, "0123456789", 10);
    assert_reads(fd, "012");
    assert_int_equal(recv(fd, &h, 1, MSG_DONTWAIT), -1);
    close(fd);
}

static void data_in_pieces(void **state) /* 27 */
{
    struct rig *r = *state;
    struct ring *tx = &r->m.rings[TX];
    struct virtio_vsock_hdr h;
    struct peer p;
    int fd;

    go(r, 8);
    fd = connect_program(r, &p);
    h = header(&p, OP(RW), 6, 0);
    memcpy(tx->ram + TX_AT(0), &h, HDR);
    memcpy(tx->ram + TX_AT(0) + HDR, "pieces", 6);
    ring_desc(tx, 8, TX_AT(0), 1, NEXT, 9);
    ring_desc(tx, 9, TX_AT(0) + 1, 0, NEXT, 10);
    ring_desc(tx, 10, TX_AT(0) + 1, 44, NEXT, 11);
    ring_desc(tx, 11, TX_AT(0) + 45, 1, NEXT, 12);
    ring_desc(tx, 12, TX_AT(0) + 46, 4, 0, 0);
    ring_offer(tx, 8);
    kick(&r->m, TX);
    spin(&r->m);
    assert_reads(fd, "pieces");
    close(fd);
}

static void no_header(void **state)
{
    struct rig *r = *state;
    struct ring *tx = &r->m.rings[TX];

    go(r, 8);
    ring_desc(tx, 0, TX_AT(0), 43, 0, 0);
    ring_offer(tx, 0);
    kick(&r->m, TX);
    spin(&r->m);
    assert_true(needs_reset(&r->m));
    go(r, 8);
    assert_lives(r);
}

/* Case 7: a header to be written to is none to be read. */
static void writable_header(void **state)
{
    struct rig *r = *state;
    struct ring *tx = &r->m.rings[TX];

    go(r, 8);
    ring_desc(tx, 0, TX_AT(0), 64, WRITABLE, 0);
    ring_offer(tx, 0);
    kick(&r->m, TX);
    spin(&r->m);
    assert_true(needs_reset(&r->m));
}

/* A buffer without room for a header; and then nothing is written any more. */
static void small_buffer(void **state)
{
    struct rig *r = *state;
    struct ring *rx = &r->m.rings[RX];
    struct peer p = {.guest_port = 1, .host_port = 2};
    int fd;

    go(r, 0);
    memset(rx->ram + RX_AT(0), 0x5a, 64);
    ring_desc(rx, 0, RX_AT(0), 43, WRITABLE, 0);
    ring_offer(rx, 0);
    say(r, &p, OP(RW), 0);
    spin(&r->m);
    assert_true(needs_reset(&r->m));
    fd = program(r, "CONNECT 5\n");
    spin(&r->m);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(rx->ram[RX_AT(0) + i], 0x5a);
    close(fd);
    go(r, 8);
    assert_lives(r);
}

/* Room for the header alone: packets without data come, data waits. */
static void header_sized_buffers(void **state)
{
    struct rig *r = *state;
    struct ring *rx = &r->m.rings[RX];
    struct vring_used_elem e;
    struct virtio_vsock_hdr h;
    int fd;

    go(r, 0);
    for (uint16_t i = 0; i < 8; i++) {
        ring_desc(rx, i, RX_AT(i), 44, WRITABLE, 0);
        ring_offer(rx, i);
    }
    fd = program(r, "CONNECT 5\nabc");
    for (unsigned i = 0; i < 100 && !ring_used_idx(rx); i++)
        spin(&r->m);
    assert_true(ring_take(rx, &e));
    memcpy(&h, rx->ram + RX_AT(e.id), HDR);
    assert_int_equal(h.op, OP(REQUEST));
    say(r,
        &(struct peer){.guest_port = 5, .host_port = h.src_port, .alloc = 100},
        OP(RESPONSE), 0);
    spin(&r->m);
    assert_false(ring_take(rx, &e));
    assert_false(needs_reset(&r->m));
    close(fd);
}

/*
 * A guest that asks and takes no answers: it is not listened to any more
 * until it does, and nothing grows.
 */
static void no_buffers_for_answers(void **state)
{
    struct rig *r = *state;
    struct peer p = {.guest_port = 1, .host_port = 2};
    struct packet got;
    unsigned sent = 0, answers = 0;

    go(r, 0);
    while (sent < 1000) {
        say(r, &p, OP(RW), 0);
        sent++;
        if (!all_sent(r))
            break;
    }
    assert_true(sent < 200);
    for (uint16_t i = 0; i < 8; i++)
        give_buffer(r, i);
    kick(&r->m, RX);
    for (unsigned i = 0; i < 1000 && answers < sent; i++) {
        spin(&r->m);
        while (next_packet(r, &got))
            answers++;
    }
    assert_int_equal(answers, sent);
    assert_true(all_sent(r));
    assert_lives(r);
}

static void more_connections_than_there_are(void **state)
{
    struct rig *r = *state;
    struct peer p = {.host_port = 5000, .alloc = 4096};
    unsigned up = 0, refused = 0;
    struct rlimit old, many;
    struct packet got;
    int at, fd;

    getrlimit(RLIMIT_NOFILE, &old);
    many = old;
    many.rlim_cur = 4096;
    if (setrlimit(RLIMIT_NOFILE, &many) < 0)
        skip();
    go(r, 8);
    at = listener(r, "_5000");
    for (p.guest_port = 1; p.guest_port <= UDS_STREAMS + 3; p.guest_port++) {
        say(r, &p, OP(REQUEST), 0);
        got = await(r);
        up += got.h.op == OP(RESPONSE);
        refused += got.h.op == OP(RST);
        if (p.guest_port == 1)
            assert_int_equal(got.h.buf_alloc, 65536);
    }
    assert_int_equal(up, UDS_STREAMS);
    assert_int_equal(refused, 3);
    /* The last one has the small window. */
    p.guest_port = UDS_STREAMS;
    say(r, &p, OP(CREDIT_REQUEST), 0);
    assert_int_equal(await_op(r, &p, OP(CREDIT_UPDATE)).h.buf_alloc, 1024);
    fd = program(r, "CONNECT 1\n");
    spin(&r->m);
    assert_true(read(fd, &got, 1) <= 0);
    close(fd);
    wr(&r->m, VIRTIO_MMIO_STATUS, 0);
    spin(&r->m);
    assert_int_equal(streams(r), 0);
    unlisten(r, at, "_5000");
    setrlimit(RLIMIT_NOFILE, &old);
}

/* A guest that lies about what it has passed on starves itself. */
static void wild_credit(void **state)
{
    static const uint32_t wild[][2] = {
        {0, 0},        {0, 1}, {UINT32_MAX, 0}, {UINT32_MAX, UINT32_MAX},
        {1, 1u << 31},
    };
    struct rig *r = *state;
    struct packet got;
    struct peer p;
    int fd;

    go(r, 8);
    fd = connect_program(r, &p);
    for (size_t i = 0; i < ARRAY_LEN(wild); i++) {
        p.alloc = wild[i][0];
        p.fwd = wild[i][1];
        say(r, &p, OP(CREDIT_UPDATE), 0);
        assert_int_equal(write(fd, "x", 1), 1);
        spin(&r->m);
        while (next_packet(r, &got))
            assert_true(got.h.op == OP(RW) || got.h.op == OP(CREDIT_REQUEST));
    }
    say(r, &p, OP(RST), 0);
    assert_int_equal(streams(r), 0);
    close(fd);
    assert_lives(r);
}

static unsigned char changed;

static void rewrite(unsigned char *at, size_t n)
{
    memset(at, changed, n);
}

/* Case 10: a packet is looked at once; what becomes of it then is nothing. */
static void header_changes_under_our_eyes(void **state)
{
    struct rig *r = *state;
    struct ring *tx = &r->m.rings[TX];
    struct virtio_vsock_hdr h;
    struct peer p;
    int fd;

    go(r, 8);
    fd = connect_program(r, &p);
    h = header(&p, OP(RW), 4, 0);
    fetches.ram = tx->ram + TX_AT(tx->idx % SIZE);
    fetches.after = rewrite;
    changed = 0xff;
    send_header(r, &h, "once", 4);
    for (size_t i = 0; i < HDR; i++)
        assert_int_equal(fetches.counts[i], 1);
    memset(&fetches, 0, sizeof(fetches));
    assert_reads(fd, "once");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(strangers_get_a_reset),
        TEST(unknown_types_and_addresses),
        TEST(unknown_operation_on_a_connection),
        TEST(out_of_order),
        TEST(longer_than_its_chain),
        TEST(data_in_pieces),
        TEST(no_header),
        TEST(writable_header),
        TEST(small_buffer),
        TEST(header_sized_buffers),
        TEST(no_buffers_for_answers),
        TEST(more_connections_than_there_are),
        TEST(wild_credit),
        TEST(header_changes_under_our_eyes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
