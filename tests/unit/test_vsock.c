// SPDX-License-Identifier: GPL-2.0-or-later
/* The socket device: connections both ways, credit, every kind of end. */
#include "vsock_rig.h"

static void identity(void **state)
{
    struct rig *r = *state;

    assert_int_equal(rd(&r->m, VIRTIO_MMIO_DEVICE_ID), 19);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_CONFIG), CID);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_CONFIG + 4), 0);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_CONFIG + 8), UINT32_MAX);
    assert_true(offered(&r->m) & 1);
}

static void a_program_connects(void **state)
{
    struct rig *r = *state;
    struct peer p;
    int fd;

    go(r, 8);
    fd = connect_program(r, &p);
    assert_true(p.host_port >= 0x40000000u);
    assert_int_equal(p.host_alloc, 65536);
    assert_int_equal(write(fd, "ping", 4), 4);
    assert_memory_equal(await_op(r, &p, OP(RW)).data, "ping", 4);
    send_data(r, &p, "pong!", 5);
    assert_reads(fd, "pong!");
    assert_true(interrupts(&r->m) > 0);
    close(fd);
}

static void the_guest_connects(void **state)
{
    struct rig *r = *state;
    struct peer p;
    int at, fd;

    go(r, 8);
    at = listener(r, "_5000");
    fd = connect_guest(r, &p, at);
    send_data(r, &p, "hello", 5);
    assert_reads(fd, "hello");
    assert_int_equal(write(fd, "you", 3), 3);
    assert_memory_equal(await_op(r, &p, OP(RW)).data, "you", 3);
    assert_true(all_sent(r));
    close(fd);
    unlisten(r, at, "_5000");
}

static void nobody_listens(void **state)
{
    struct rig *r = *state;
    struct peer p = {.guest_port = 9, .host_port = UINT32_MAX, .alloc = 4096};

    go(r, 8);
    say(r, &p, OP(REQUEST), 0);
    await_op(r, &p, OP(RST));
    assert_int_equal(streams(r), 0);
}

/* The largest port has the longest name. */
static void the_last_port(void **state)
{
    struct rig *r = *state;
    struct peer p = {.guest_port = 9, .host_port = UINT32_MAX, .alloc = 4096};
    int at;

    go(r, 8);
    at = listener(r, "_4294967295");
    say(r, &p, OP(REQUEST), 0);
    await_op(r, &p, OP(RESPONSE));
    unlisten(r, at, "_4294967295");
}

static void the_guest_refuses(void **state)
{
    struct rig *r = *state;
    struct packet req;
    struct peer p;
    char c;
    int fd;

    go(r, 8);
    fd = program(r, "CONNECT 77\n");
    req = await(r);
    p = (struct peer){.guest_port = 77, .host_port = req.h.src_port};
    say(r, &p, OP(RST), 0);
    assert_int_equal(read(fd, &c, 1), 0);
    assert_int_equal(streams(r), 0);
    close(fd);
}

/* What comes with the first line reaches the guest once it has answered. */
static void eager_program(void **state)
{
    struct rig *r = *state;
    struct packet req;
    struct peer p;
    int fd;

    go(r, 8);
    fd = program(r, "CONNECT 1024\nGET /\n");
    req = await(r);
    assert_silence(r);
    p = (struct peer){
        .guest_port = 1024, .host_port = req.h.src_port, .alloc = 4096};
    say(r, &p, OP(RESPONSE), 0);
    assert_memory_equal(await_op(r, &p, OP(RW)).data, "GET /\n", 6);
    close(fd);
}

static void first_line_in_pieces(void **state)
{
    struct rig *r = *state;
    int fd;

    go(r, 8);
    fd = program(r, "CONN");
    assert_silence(r);
    assert_int_equal(write(fd, "ECT 5\n", 6), 6);
    assert_int_equal(await(r).h.dst_port, 5);
    close(fd);
}

/* Until there is a driver, nobody is there. */
static void no_driver(void **state)
{
    struct rig *r = *state;
    const int fd = program(r, "CONNECT 1024\n");
    char c;

    spin(&r->m);
    spin(&r->m);
    assert_int_equal(read(fd, &c, 1), 0);
    close(fd);
}

/* ---- credit ---- */

/* Data to the guest: as much as it has room for, and no byte more. */
static void credit_of_the_guest(void **state)
{
    struct rig *r = *state;
    unsigned char bytes[300];
    struct packet got;
    struct peer p;
    int at, fd;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)i;
    go(r, 8);
    at = listener(r, "_5000");
    p = (struct peer){.guest_port = 700, .host_port = 5000, .alloc = 100};
    say(r, &p, OP(REQUEST), 0);
    await_op(r, &p, OP(RESPONSE));
    fd = accept(at, NULL, NULL);
    assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
    got = await_op(r, &p, OP(RW));
    assert_int_equal(got.h.len, 100);
    assert_memory_equal(got.data, bytes, 100);
    await_op(r, &p, OP(CREDIT_REQUEST));
    assert_silence(r);
    p.fwd = 30;
    say(r, &p, OP(CREDIT_UPDATE), 0);
    got = await_op(r, &p, OP(RW));
    assert_int_equal(got.h.len, 30);
    assert_memory_equal(got.data, bytes + 100, 30);
    await_op(r, &p, OP(CREDIT_REQUEST));
    p.fwd = 130;
    p.alloc = 1000;
    say(r, &p, OP(CREDIT_UPDATE), 0);
    got = await_op(r, &p, OP(RW));
    assert_int_equal(got.h.len, 170);
    assert_memory_equal(got.data, bytes + 130, 170);
    assert_silence(r);
    close(fd);
    unlisten(r, at, "_5000");
}

static unsigned char pattern(uint32_t i)
{
    return (unsigned char)(i * 7 + i / 251);
}

/* Send n bytes of the pattern from count on, as credit allows. */
static uint32_t send_all(struct rig *r, struct peer *p, uint32_t from,
                         uint32_t n)
{
    static unsigned char bytes[65536];
    uint32_t sent = from;

    while (sent < from + n) {
        uint32_t free = p->host_alloc - (sent - p->host_fwd);
        struct packet got;

        free = free < from + n - sent ? free : from + n - sent;
        for (uint32_t i = 0; i < free; i++)
            bytes[i] = pattern(sent + i);
        if (free)
            send_data(r, p, bytes, free);
        sent += free;
        spin(&r->m);
        if (next_packet(r, &got)) {
            assert_int_equal(got.h.op, OP(CREDIT_UPDATE));
            p->host_fwd = got.h.fwd_cnt;
        } else if (!free) {
            break;
        }
    }
    return sent;
}

static uint32_t read_some(int fd, uint32_t from)
{
    unsigned char bytes[8192];
    const ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    for (ssize_t i = 0; i < n; i++)
        assert_int_equal(bytes[i], pattern(from + (uint32_t)i));
    return from + (n > 0 ? (uint32_t)n : 0);
}

/*
 * A program that does not read: the guest can send what fits the socket and
 * the window, in one packet each time; then it waits, and nothing is lost.
 */
static void credit_of_the_host(void **state)
{
    struct rig *r = *state;
    uint32_t sent, got = 0;
    struct peer p;
    int fd;

    go(r, 8);
    fd = connect_program(r, &p);
    sent = send_all(r, &p, 0, 4 * MIB);
    assert_true(sent > 65536 && sent < 4 * MIB);
    /* All the room it was told of is used. */
    assert_int_equal(p.host_alloc - (sent - p.host_fwd), 0);
    say(r, &p, OP(CREDIT_REQUEST), 0);
    await_op(r, &p, OP(CREDIT_UPDATE));
    while (sent < 4 * MIB) {
        for (unsigned i = 0; i < 16; i++)
            got = read_some(fd, got);
        spin(&r->m);
        sent = send_all(r, &p, sent, 4 * MIB - sent);
    }
    for (unsigned i = 0; i < 2000 && got < sent; i++) {
        got = read_some(fd, got);
        spin(&r->m);
    }
    assert_int_equal(got, 4 * MIB);
    close(fd);
}

/* A byte more than it was told there is room for ends the connection. */
static void no_credit(void **state)
{
    struct rig *r = *state;
    unsigned char byte = 1;
    struct peer p;
    int fd;

    go(r, 8);
    fd = connect_program(r, &p);
    send_all(r, &p, 0, 4 * MIB);
    send_data(r, &p, &byte, 1);
    await_op(r, &p, OP(RST));
    assert_int_equal(streams(r), 0);
    assert_false(needs_reset(&r->m));
    close(fd);
}

/* ---- the end of connections ---- */

static void guest_stops_sending(void **state)
{
    struct rig *r = *state;
    struct peer p;
    char c;
    int fd;

    go(r, 8);
    fd = connect_program(r, &p);
    send_data(r, &p, "end", 3);
    say(r, &p, OP(SHUTDOWN), VIRTIO_VSOCK_SHUTDOWN_SEND);
    assert_reads(fd, "end");
    assert_int_equal(read(fd, &c, 1), 0);
    assert_int_equal(write(fd, "more", 4), 4);
    assert_memory_equal(await_op(r, &p, OP(RW)).data, "more", 4);
    say(r, &p, OP(SHUTDOWN), VIRTIO_VSOCK_SHUTDOWN_RCV);
    await_op(r, &p, OP(RST));
    assert_int_equal(streams(r), 0);
    close(fd);
}

static void guest_stops_receiving(void **state)
{
    struct rig *r = *state;
    struct peer p;
    int fd;

    go(r, 8);
    fd = connect_program(r, &p);
    say(r, &p, OP(SHUTDOWN), VIRTIO_VSOCK_SHUTDOWN_RCV);
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    send_data(r, &p, "still", 5);
    assert_reads(fd, "still");
    close(fd);
}

static void program_stops_sending(void **state)
{
    struct rig *r = *state;
    struct peer p;
    int fd;

    go(r, 8);
    fd = connect_program(r, &p);
    assert_int_equal(write(fd, "end", 3), 3);
    shutdown(fd, SHUT_WR);
    assert_memory_equal(await_op(r, &p, OP(RW)).data, "end", 3);
    assert_int_equal(await_op(r, &p, OP(SHUTDOWN)).h.flags,
                     VIRTIO_VSOCK_SHUTDOWN_SEND);
    send_data(r, &p, "back", 4);
    assert_reads(fd, "back");
    close(fd);
    assert_int_equal(await_op(r, &p, OP(SHUTDOWN)).h.flags, SHUT_BOTH);
    say(r, &p, OP(RST), 0);
    assert_int_equal(streams(r), 0);
}

/* What it wrote before it went comes before its end. */
static void program_goes(void **state)
{
    struct rig *r = *state;
    unsigned flags;
    struct packet got;
    struct peer p;
    int fd;

    go(r, 8);
    fd = connect_program(r, &p);
    p.alloc = 2;
    say(r, &p, OP(CREDIT_UPDATE), 0);
    assert_int_equal(write(fd, "last", 4), 4);
    close(fd);
    assert_memory_equal(await_op(r, &p, OP(RW)).data, "la", 2);
    /* It will not receive: known at once. The rest waits for room. */
    assert_int_equal(await_op(r, &p, OP(SHUTDOWN)).h.flags,
                     VIRTIO_VSOCK_SHUTDOWN_RCV);
    await_op(r, &p, OP(CREDIT_REQUEST));
    p.fwd = 2;
    say(r, &p, OP(CREDIT_UPDATE), 0);
    assert_memory_equal(await_op(r, &p, OP(RW)).data, "st", 2);
    p.fwd = 4;
    say(r, &p, OP(CREDIT_UPDATE), 0);
    got = await(r);
    flags = got.h.flags;
    if (got.h.op == OP(CREDIT_REQUEST))
        flags = await_op(r, &p, OP(SHUTDOWN)).h.flags;
    assert_int_equal(flags, SHUT_BOTH);
    say(r, &p, OP(RST), 0);
    assert_int_equal(streams(r), 0);
}

/* The guest owes an RST; one that does not send it is sent it. */
static void guest_forgets_to_reset(void **state)
{
    struct rig *r = *state;
    struct peer p;

    go(r, 8);
    close(connect_program(r, &p));
    assert_int_equal(await_op(r, &p, OP(SHUTDOWN)).h.flags, SHUT_BOTH);
    await_op(r, &p, OP(RST));
    assert_int_equal(streams(r), 0);
}

static void guest_never_answers(void **state)
{
    struct rig *r = *state;
    struct peer p = {.guest_port = 3};
    char c;
    int fd;

    go(r, 8);
    fd = program(r, "CONNECT 3\n");
    p.host_port = await(r).h.src_port;
    await_op(r, &p, OP(RST));
    assert_int_equal(read(fd, &c, 1), 0);
    close(fd);
}

/* The guest closes with bytes on their way: it is free, they arrive. */
static void last_bytes_arrive(void **state)
{
    struct rig *r = *state;
    uint32_t sent, got = 0;
    struct peer p, q;
    char c;
    int fd, other;

    go(r, 8);
    fd = connect_program(r, &p);
    sent = send_all(r, &p, 0, 4 * MIB);
    say(r, &p, OP(SHUTDOWN), SHUT_BOTH);
    await_op(r, &p, OP(RST));
    assert_int_equal(streams(r), 1);
    /* A new connection is not the old one. */
    other = connect_program(r, &q);
    for (unsigned i = 0; i < 2000 && got < sent; i++) {
        got = read_some(fd, got);
        spin(&r->m);
    }
    assert_int_equal(got, sent);
    assert_int_equal(read(fd, &c, 1), 0);
    assert_int_equal(streams(r), 1);
    close(fd);
    close(other);
}

static void guest_resets(void **state)
{
    struct rig *r = *state;
    struct peer p;
    char c;
    int fd;

    go(r, 8);
    fd = connect_program(r, &p);
    say(r, &p, OP(RST), 0);
    assert_int_equal(read(fd, &c, 1), 0);
    assert_int_equal(streams(r), 0);
    assert_silence(r);
    close(fd);
}

/* Its driver goes: so do all connections, and the next one is told. */
static void driver_resets(void **state)
{
    struct rig *r = *state;
    struct vring_used_elem e;
    struct peer p;
    uint32_t id = 1;
    char c;
    int fd;

    go(r, 8);
    assert_false(ring_take(&r->m.rings[EV], &e));
    fd = connect_program(r, &p);
    wr(&r->m, VIRTIO_MMIO_STATUS, 0);
    spin(&r->m);
    assert_int_equal(read(fd, &c, 1), 0);
    close(fd);
    assert_int_equal(streams(r), 0);
    go(r, 8);
    assert_true(ring_take(&r->m.rings[EV], &e));
    assert_int_equal(e.len, 4);
    memcpy(&id, r->m.rings[EV].ram + EV_AT, sizeof(id));
    assert_int_equal(id, VIRTIO_VSOCK_EVENT_TRANSPORT_RESET);
    close(connect_program(r, &p));
}

/* The receive queue is set up anew: connections go on. */
static void queue_resets(void **state)
{
    struct rig *r = *state;
    struct peer p;
    int fd;

    go(r, 8);
    fd = connect_program(r, &p);
    wr(&r->m, VIRTIO_MMIO_QUEUE_SEL, RX);
    wr(&r->m, REG_QUEUE_RESET, 1);
    spin(&r->m);
    assert_int_equal(write(fd, "wait", 4), 4);
    spin(&r->m);
    make_ring(&r->m, RX, SIZE);
    set_queue(&r->m, RX, &r->m.rings[RX].cfg);
    give_buffer(r, 0);
    wr(&r->m, VIRTIO_MMIO_QUEUE_READY, 1);
    assert_memory_equal(await_op(r, &p, OP(RW)).data, "wait", 4);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(identity),
        TEST(a_program_connects),
        TEST(the_guest_connects),
        TEST(nobody_listens),
        TEST(the_last_port),
        TEST(the_guest_refuses),
        TEST(eager_program),
        TEST(first_line_in_pieces),
        TEST(no_driver),
        TEST(credit_of_the_guest),
        TEST(credit_of_the_host),
        TEST(no_credit),
        TEST(guest_stops_sending),
        TEST(guest_stops_receiving),
        TEST(program_stops_sending),
        TEST(program_goes),
        TEST(guest_forgets_to_reset),
        TEST(guest_never_answers),
        TEST(last_bytes_arrive),
        TEST(guest_resets),
        TEST(driver_resets),
        TEST(queue_resets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
