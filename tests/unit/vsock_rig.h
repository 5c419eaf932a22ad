/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vsock_rig.h: the socket device over registers and rings on one side, and
 * over real unix sockets in a directory of its own on the other.
 */
#ifndef TESTS_VSOCK_RIG_H
#define TESTS_VSOCK_RIG_H

#include "mmio_rig.h"

#include "devices/backend/uds_priv.h"
#include "devices/virtio/vsock.h"
#include "fetch_count.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_vsock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#define F_MUST BIT(VIRTIO_F_VERSION_1)
#define CID    42u
#define HOST   2u
#define SIZE   16

#define RX 0
#define TX 1
#define EV 2

#define HDR sizeof(struct virtio_vsock_hdr)

#define RX_AT(head) (0x100000u + (head)*0x2000u)
#define RX_BYTES    (44u + 4096)
#define TX_AT(head) (0x200000u + (head)*0x12000u)
#define EV_AT       0x60000u

#define OP(name)  VIRTIO_VSOCK_OP_##name
#define SHUT_BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

/* A connection as the guest keeps it. */
struct peer {
    uint32_t guest_port, host_port;
    uint32_t alloc, fwd; /* the guest's own, as it says them */
    uint32_t host_alloc, host_fwd;
};

struct packet {
    struct virtio_vsock_hdr h;
    unsigned char data[4096];
};

struct rig {
    struct mmio_rig m;
    struct uds *uds;
    struct vsock *dev;
    char dir[64];
    char path[80];
};

/* ---- timers of the device run ten times as fast ---- */

void __real_loop_timer(struct loop *loop, struct loop_op *op, uint64_t ns);
void __wrap_loop_timer(struct loop *loop, struct loop_op *op, uint64_t ns);

void __wrap_loop_timer(struct loop *loop, struct loop_op *op, uint64_t ns)
{
    __real_loop_timer(loop, op, ns / 10);
}

/* ---- making ---- */

static inline int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    rig_open(&r->m);
    strcpy(r->dir, "/tmp/vsock-test-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->path, sizeof(r->path), "%s/v", r->dir);
    r->uds = uds_open(r->path, NULL);
    assert_non_null(r->uds);
    assert_int_equal(uds_start(r->uds, r->m.loop), 0);
    r->dev = vsock_create(r->uds, r->m.loop, CID);
    assert_non_null(r->dev);
    rig_plug(&r->m, &vsock_ops, r->dev);
    *state = r;
    return 0;
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    memset(&fetches, 0, sizeof(fetches));
    virtio_mmio_destroy(r->m.t);
    r->m.t = NULL;
    vsock_destroy(r->dev);
    uds_close(r->uds);
    assert_int_equal(access(r->path, F_OK), -1);
    assert_int_equal(rmdir(r->dir), 0);
    rig_close(&r->m);
    free(r);
    return 0;
}

/* ---- the guest ---- */

static inline void give_buffer(struct rig *r, uint16_t head)
{
    ring_desc(&r->m.rings[RX], head, RX_AT(head), RX_BYTES, WRITABLE, 0);
    ring_offer(&r->m.rings[RX], head);
}

/* Up to DRIVER_OK, with so many buffers to receive into. */
static inline void go(struct rig *r, uint16_t buffers)
{
    struct mmio_rig *m = &r->m;

    negotiate(m, F_MUST | BIT(VIRTIO_F_RING_RESET));
    for (unsigned q = 0; q < 3; q++) {
        make_ring(m, q, q == EV ? 4 : SIZE);
        set_queue(m, q, &m->rings[q].cfg);
        wr(m, VIRTIO_MMIO_QUEUE_READY, 1);
    }
    for (uint16_t i = 0; i < buffers; i++)
        give_buffer(r, i);
    ring_desc(&m->rings[EV], 0, EV_AT, 16, WRITABLE, 0);
    ring_offer(&m->rings[EV], 0);
    wr(m, VIRTIO_MMIO_STATUS, S_LIVE);
    spin(m);
    assert_int_equal(rd(m, VIRTIO_MMIO_STATUS), S_LIVE);
}

static inline struct virtio_vsock_hdr header(const struct peer *p, uint16_t op,
                                             uint32_t len, uint32_t flags)
{
    return (struct virtio_vsock_hdr){
        .src_cid = CID,
        .dst_cid = HOST,
        .src_port = p->guest_port,
        .dst_port = p->host_port,
        .len = len,
        .type = VIRTIO_VSOCK_TYPE_STREAM,
        .op = op,
        .flags = flags,
        .buf_alloc = p->alloc,
        .fwd_cnt = p->fwd,
    };
}

/* Put a packet into the ring, without a kick; data may be NULL. */
static inline void queue_packet(struct rig *r, const struct virtio_vsock_hdr *h,
                                const void *data, uint32_t n)
{
    struct ring *tx = &r->m.rings[TX];
    const uint16_t head = tx->idx % SIZE;

    memcpy(tx->ram + TX_AT(head), h, HDR);
    if (n)
        memcpy(tx->ram + TX_AT(head) + HDR, data, n);
    ring_desc(tx, head, TX_AT(head), (uint32_t)HDR + n, 0, 0);
    ring_offer(tx, head);
}

/* Was everything the guest sent taken? */
static inline bool all_sent(struct rig *r)
{
    struct ring *tx = &r->m.rings[TX];

    return ring_used_idx(tx) == tx->idx;
}

static inline void send_header(struct rig *r, const struct virtio_vsock_hdr *h,
                               const void *data, uint32_t n)
{
    queue_packet(r, h, data, n);
    kick(&r->m, TX);
    spin(&r->m);
}

static inline void say(struct rig *r, const struct peer *p, uint16_t op,
                       uint32_t flags)
{
    const struct virtio_vsock_hdr h = header(p, op, 0, flags);

    send_header(r, &h, NULL, 0);
}

static inline void send_data(struct rig *r, const struct peer *p,
                             const void *data, uint32_t n)
{
    const struct virtio_vsock_hdr h = header(p, OP(RW), n, 0);

    send_header(r, &h, data, n);
}

/* The next packet for the guest, its buffer given back; false: none. */
static inline bool next_packet(struct rig *r, struct packet *p)
{
    struct ring *rx = &r->m.rings[RX];
    struct vring_used_elem e;

    if (!ring_take(rx, &e))
        return false;
    assert_true(e.len >= HDR && e.len <= RX_BYTES);
    memcpy(p, rx->ram + RX_AT(e.id), e.len);
    assert_int_equal(p->h.len, e.len - HDR);
    assert_int_equal(p->h.dst_cid, CID);
    give_buffer(r, (uint16_t)e.id);
    kick(&r->m, RX);
    return true;
}

/* The same, waiting for it a while: the host's side has its own time. */
static inline struct packet await(struct rig *r)
{
    struct packet p;

    for (unsigned i = 0; i < 10000; i++) {
        spin(&r->m);
        if (next_packet(r, &p))
            return p;
        usleep(1000);
    }
    fail_msg("no packet came");
    return p;
}

/* Nothing comes, though there is time for it. */
static inline void assert_silence(struct rig *r)
{
    struct packet p;

    for (unsigned i = 0; i < 20; i++) {
        spin(&r->m);
        assert_false(next_packet(r, &p));
        usleep(1000);
    }
}

static inline struct packet await_op(struct rig *r, struct peer *peer,
                                     uint16_t op)
{
    const struct packet p = await(r);

    assert_int_equal(p.h.op, op);
    assert_int_equal(p.h.src_cid, HOST);
    assert_int_equal(p.h.type, VIRTIO_VSOCK_TYPE_STREAM);
    assert_int_equal(p.h.dst_port, peer->guest_port);
    assert_int_equal(p.h.src_port, peer->host_port);
    peer->host_alloc = p.h.buf_alloc;
    peer->host_fwd = p.h.fwd_cnt;
    return p;
}

/* ---- programs of the host ---- */

static inline struct sockaddr_un address(const struct rig *r, const char *tail)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    snprintf(a.sun_path, sizeof(a.sun_path), "%s%s", r->path, tail);
    return a;
}

static inline int program(struct rig *r, const char *hello)
{
    const struct sockaddr_un a = address(r, "");
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    const struct timeval wait = {.tv_sec = 20};

    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    assert_int_equal(write(fd, hello, strlen(hello)), strlen(hello));
    return fd;
}

static inline int listener(struct rig *r, const char *tail)
{
    const struct sockaddr_un a = address(r, tail);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 1024), 0);
    return fd;
}

static inline void unlisten(struct rig *r, int fd, const char *tail)
{
    const struct sockaddr_un a = address(r, tail);

    close(fd);
    unlink(a.sun_path);
}

static inline void assert_reads(int fd, const char *text)
{
    char got[256] = "";

    assert_int_equal(read(fd, got, strlen(text)), strlen(text));
    assert_string_equal(got, text);
}

/* ---- connections ---- */

/* A program and the guest's port 1024, connected; the program's end. */
static inline int connect_program(struct rig *r, struct peer *p)
{
    const int fd = program(r, "CONNECT 1024\n");
    const struct packet req = await(r);
    char ok[32];

    assert_int_equal(req.h.op, OP(REQUEST));
    assert_int_equal(req.h.dst_port, 1024);
    *p = (struct peer){.guest_port = 1024,
                       .host_port = req.h.src_port,
                       .alloc = 65536,
                       .host_alloc = req.h.buf_alloc};
    say(r, p, OP(RESPONSE), 0);
    snprintf(ok, sizeof(ok), "OK %u\n", p->host_port);
    assert_reads(fd, ok);
    return fd;
}

/* The guest's port 700 and a program that listens at 5000. */
static inline int connect_guest(struct rig *r, struct peer *p, int at)
{
    const struct timeval wait = {.tv_sec = 20};
    int fd;

    *p = (struct peer){.guest_port = 700, .host_port = 5000, .alloc = 65536};
    say(r, p, OP(REQUEST), 0);
    await_op(r, p, OP(RESPONSE));
    fd = accept(at, NULL, NULL);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    return fd;
}

/* Streams in use. */
static inline unsigned streams(const struct rig *r)
{
    unsigned n = 0;

    for (unsigned i = 0; i < UDS_STREAMS; i++)
        n += r->uds->streams[i].state != UDS_FREE;
    return n;
}

/* Whatever happened, a program can talk to the guest. */
static inline void assert_lives(struct rig *r)
{
    struct peer p;
    const int fd = connect_program(r, &p);

    assert_int_equal(write(fd, "ok", 2), 2);
    assert_memory_equal(await_op(r, &p, OP(RW)).data, "ok", 2);
    say(r, &p, OP(RST), 0);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
