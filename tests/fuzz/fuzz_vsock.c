// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_vsock.c: a driver that does anything to the socket device, and
 * programs of the host that do what programs can; see virtio_machine.h.
 * Whatever they did: no stream is left after a reset, a program's request
 * arrives, and what the guest is made to hold for is within its credit.
 */
#include "virtio_machine.h"

#include "devices/virtio/vsock.h"
#include "fake_uds.h"

#include <linux/virtio_vsock.h>

#define CID 42u
#define RX  0
#define TX  1

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A packet that is nearly right, on one of few ports. */
static void offer_packet(struct machine *m, const struct step *s)
{
    struct ring *r = &m->rings[TX];
    const uint16_t head = s->where % SIZE;
    const uint64_t at = SMALL + head * 0x40u;
    const struct virtio_vsock_hdr h = {
        .src_cid = CID,
        .dst_cid = 2,
        .src_port = s->a & 3,
        .dst_port = s->a & 4 ? 0x40000000u + (s->a >> 14) : 5,
        .len = s->b,
        .type = VIRTIO_VSOCK_TYPE_STREAM,
        .op = s->c & 7,
        .flags = s->c >> 3 & 3,
        .buf_alloc = s->a >> 3,
        .fwd_cnt = s->c >> 5,
    };

    memcpy(m->ram + at, &h, sizeof(h));
    ring_desc(r, head, at, 44, NEXT, head + 1);
    ring_desc(r, head + 1u, 0x10000, s->b, 0, 0);
    ring_offer(r, head);
}

static void offer_buffer(struct machine *m, const struct step *s)
{
    struct ring *r = &m->rings[RX];
    const uint16_t head = s->where % SIZE;

    ring_desc(r, head, 0x20000u + head * 0x1000u, 44 + s->b % 0xfd4u, WRITABLE,
              0);
    ring_offer(r, head);
}

/* The outcome of a connection the guest asked for. */
static void end_connecting(struct uds_stream *p, int result)
{
    p->connecting = false;
    p->used = result == 0;
    fake_uds.front.connected(fake_uds.front.owner, p, result);
}

static void program_step(const struct step *s)
{
    struct uds_stream *p = &fake_uds.streams[s->where % 8];

    if (!p->used)
        return;
    if (p->connecting) {
        end_connecting(p, s->a & 1 ? -ECONNREFUSED : 0);
        return;
    }
    p->to_read += s->b;
    p->room += s->c;
    p->eof |= !!(s->a & 0x100);
    fake_uds.front.event(fake_uds.front.owner, p, s->a & 15);
}

static void come(const struct step *s)
{
    struct uds_stream *p = fake_take(false);

    if (p && !fake_uds.front.incoming(fake_uds.front.owner, p, s->a & 3))
        p->used = false;
}

static void socket_step(struct machine *m, const struct step *s)
{
    pthread_mutex_lock(&m->lock);
    switch (s->what % 16) {
    case 10:
        come(s);
        break;
    case 11:
        offer_buffer(m, s);
        break;
    case 12:
        program_step(s);
        break;
    case 13:
    case 14:
        offer_packet(m, s);
        break;
    default:
        fake_uds.refuse = s->where & 1;
        break;
    }
    pthread_mutex_unlock(&m->lock);
    spin(m);
}

static void check(struct machine *m)
{
    static const struct step any = {.a = 1};
    struct virtio_vsock_hdr h;
    struct ring *r = &m->rings[RX];

    poison = 0;
    fake_uds.refuse = false;
    initialize(m, (uint64_t)1 << VIRTIO_F_VERSION_1);
    BUG_ON(rd(m, VIRTIO_MMIO_STATUS) != 0x0f || fake_in_use());
    offer_buffer(m, &any);
    come(&any);
    spin(m);
    BUG_ON(ring_used_idx(r) != 1);
    memcpy(&h, m->ram + 0x20000, sizeof(h));
    BUG_ON(h.op != VIRTIO_VSOCK_OP_REQUEST || h.dst_port != 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine *m = machine_once();
    struct vsock *dev = vsock_create(NULL, m->loop, CID);

    fake_uds.refuse = false;
    machine_plug(m, &vsock_ops, dev);
    initialize(m, ((uint64_t)1 << VIRTIO_F_VERSION_1) |
                      (size ? (uint64_t)(data[0] & 3) << 28 : 0));
    for (; size >= STEP; data += STEP, size -= STEP) {
        const struct step s = step_of(data);

        if (!common_step(m, &s))
            socket_step(m, &s);
    }
    check(m);
    virtio_mmio_destroy(m->t);
    BUG_ON(fake_in_use());
    vsock_destroy(dev);
    return 0;
}
