/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vsock: stream sockets both ways. The guest connects to the host's port 5000
 * and is refused at 5001, then lets a program of the host connect to its port
 * 7. What comes on either connection goes back on it, within the credit of
 * both ends; a half-closed one is closed, and when both are, the test ends.
 * The harness compares what it sent. Source: virtio 1.2, 5.10.
 */
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "string.h"
#include "vq.h"

#define ID_VSOCK 19u
#define HOST     2u
#define PATIENCE (20 * CLOCK_S)

#define OP_REQUEST  1u
#define OP_RESPONSE 2u
#define OP_RST      3u
#define OP_SHUTDOWN 4u
#define OP_RW       5u
#define SHUT_BOTH   3u

#define ALLOC   16384u
#define BUFFERS 16u

struct header {
    uint64_t src_cid, dst_cid;
    uint32_t src_port, dst_port, len;
    uint16_t type, op;
    uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

struct packet {
    struct header h;
    uint8_t data[ALLOC];
};

struct conn {
    bool up;
    uint32_t own, peer; /* ports */
    uint32_t peer_alloc, peer_fwd, sent, fwd;
    bool ending;  /* the host sends no more */
    uint32_t len; /* not yet sent back */
    uint8_t data[ALLOC];
};

static struct virtio dev;
static struct vq rx, tx;
static struct packet buffers[BUFFERS];
static struct packet out;
static struct conn conns[2];
static unsigned ended;

static void give(unsigned i)
{
    const struct vq_buf buf = VQ_BUF(&buffers[i], sizeof(buffers[i]));

    if (vq_add(&rx, &buf, 0, 1) < 0)
        test_error("no room in the receive queue");
    vq_kick(&rx);
}

/* Send out.h and n bytes of out.data; returns once they are taken. */
static void transmit(const struct conn *c, uint16_t op, uint32_t n,
                     uint32_t flags)
{
    const struct vq_buf buf = VQ_BUF(&out, sizeof(out.h) + n);
    uint32_t written;
    uint16_t head;

    out.h = (struct header){
        .src_cid = mmio_read32(dev.config),
        .dst_cid = HOST,
        .src_port = c->own,
        .dst_port = c->peer,
        .len = n,
        .type = 1,
        .op = op,
        .flags = flags,
        .buf_alloc = ALLOC,
        .fwd_cnt = c->fwd,
    };
    if (vq_add(&tx, &buf, 1, 0) < 0)
        test_error("no room in the transmit queue");
    vq_kick(&tx);
    if (!vq_wait(&tx, PATIENCE) || !vq_get(&tx, &head, &written))
        test_error("a packet was not taken");
}

static struct conn *find(const struct header *h)
{
    for (unsigned i = 0; i < 2; i++)
        if (conns[i].own == h->dst_port && conns[i].peer == h->src_port)
            return &conns[i];
    return NULL;
}

/* As much as there is credit for; the end when all has gone. */
static void send_back(struct conn *c)
{
    uint32_t credit = c->peer_alloc - (c->sent - c->peer_fwd);
    uint32_t n = c->len < credit ? c->len : credit;

    if (n) {
        memcpy(out.data, c->data, n);
        c->fwd += n;
        c->sent += n;
        c->len -= n;
        transmit(c, OP_RW, n, 0);
        for (uint32_t i = 0; i < c->len; i++)
            c->data[i] = c->data[n + i];
    }
    if (c->ending && !c->len) {
        c->ending = false;
        transmit(c, OP_SHUTDOWN, 0, SHUT_BOTH);
    }
}

static void accept_program(const struct header *h)
{
    struct conn *c = &conns[1];

    CHECK_EQ("the port a program wants", h->dst_port, 7);
    c->own = h->dst_port;
    c->peer = h->src_port;
    c->peer_alloc = h->buf_alloc;
    c->up = true;
    transmit(c, OP_RESPONSE, 0, 0);
}

static void take_data(struct conn *c, const struct packet *p)
{
    if (p->h.len > ALLOC - c->len)
        test_error("%u bytes without credit", p->h.len);
    memcpy(c->data + c->len, p->data, p->h.len);
    c->len += p->h.len;
}

static void take(const struct packet *p)
{
    struct conn *c = find(&p->h);

    CHECK_EQ("source address", p->h.src_cid, HOST);
    CHECK_EQ("destination address", p->h.dst_cid, mmio_read32(dev.config));
    if (!c && p->h.op == OP_REQUEST) {
        accept_program(&p->h);
        return;
    }
    if (!c)
        test_error("operation %u for no connection", p->h.op);
    c->peer_alloc = p->h.buf_alloc;
    c->peer_fwd = p->h.fwd_cnt;
    if (p->h.op == OP_RESPONSE)
        c->up = true;
    if (p->h.op == OP_RW)
        take_data(c, p);
    if (p->h.op == OP_SHUTDOWN)
        c->ending = true;
    if (p->h.op == OP_RST) {
        ended++;
        c->own = 0;
        c->up = false;
        return;
    }
    send_back(c);
}

static void receive(void)
{
    uint32_t written;
    uint16_t head;

    if (!vq_wait(&rx, PATIENCE) || !vq_get(&rx, &head, &written))
        test_error("nothing came");
    CHECK_GE("bytes of a packet", written, sizeof(struct header));
    CHECK_EQ("its length", written - sizeof(struct header),
             buffers[head].h.len);
    take(&buffers[head]);
    give(head);
}

static void connect(uint32_t own, uint32_t port)
{
    conns[0] = (struct conn){.own = own, .peer = port};
    transmit(&conns[0], OP_REQUEST, 0, 0);
    receive();
}

void test_main(void)
{
    if (!virtio_find(&dev, ID_VSOCK, 0))
        test_error("there is no socket device");
    CHECK_EQ("features taken", virtio_begin(&dev, VIRTIO_F_EVENT_IDX), 1);
    vq_open(&rx, &dev, 0, BUFFERS);
    vq_open(&tx, &dev, 1, 0);
    virtio_go(&dev);
    for (unsigned i = 0; i < BUFFERS; i++)
        give(i);
    connect(99, 5001);
    CHECK_EQ("connections refused", ended, 1);
    connect(100, 5000);
    CHECK_EQ("connected to port 5000", conns[0].up, 1);
    test_ready();
    while (ended < 3)
        receive();
    CHECK_EQ("NEEDS_RESET", virtio_status(&dev) & VIRTIO_NEEDS_RESET, 0);
}
