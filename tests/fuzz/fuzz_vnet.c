// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_vnet.c: a driver that does anything to the network device, over a link
 * in memory that gives and refuses packets as the input says; see
 * virtio_machine.h. Whatever it did: after a reset a packet goes out and one
 * comes in.
 */
#include "virtio_machine.h"

#include "devices/virtio/vnet.h"
#include "fake_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FEATURE(n) ((uint64_t)1 << (n))
#define MODERN     FEATURE(VIRTIO_F_VERSION_1)

/* A packet to send that is nearly right. */
static void offer_packet(struct machine *m, const struct step *s)
{
    const struct virtio_net_hdr_v1 h = {
        .flags = s->a & 1,
        .gso_type = (uint8_t)(s->a >> 1) & 7,
        .gso_size = (uint16_t)(s->a >> 4),
        .csum_start = s->c & 63,
        .csum_offset = s->c >> 10,
    };
    struct ring *r = &m->rings[1];
    const uint16_t head = s->where % (SIZE - 1);
    const uint64_t at = SMALL + head * 64u;

    memcpy(m->ram + at, &h, sizeof(h));
    ring_desc(r, head, at, s->what & 16 ? 64 : 12, NEXT, head + 1);
    ring_desc(r, head + 1u, SMALL + 0x1000, s->b, 0, 0);
    ring_offer(r, head);
}

static void offer_command(struct machine *m, const struct step *s)
{
    struct ring *r = &m->rings[2];
    const uint16_t words[] = {s->a, s->b, s->c, s->b};

    memcpy(m->ram + SMALL, words, sizeof(words));
    ring_desc(r, 0, SMALL, s->where & 63, NEXT, 1);
    ring_desc(r, 1, SMALL + 0x800, 1, WRITABLE, 0);
    ring_offer(r, 0);
    wr(m, VIRTIO_MMIO_QUEUE_NOTIFY, 2);
    spin(m);
}

static void offer_buffer(struct machine *m, const struct step *s)
{
    struct ring *r = &m->rings[0];
    const uint16_t head = s->where % SIZE;

    ring_desc(r, head, 0x10000 + head * 0x1000u, s->b & 0x1fff, WRITABLE, 0);
    ring_offer(r, head);
}

static void packet_arrives(struct machine *m, struct net *net,
                           const struct step *s)
{
    if (net->count < FAKE_PACKETS) {
        struct fake_packet *p = fake_put(net, s->b);

        p->bytes[0] = s->where & 3;
        p->bytes[1] = (uint8_t)(s->a & 0x87);
        memcpy(p->bytes + NET_HDR, &s->c, sizeof(s->c));
    }
    fake_ready(net, s->where >> 7);
    spin(m);
}

static void link_step(struct machine *m, struct net *net, const struct step *s)
{
    switch (s->what % 16) {
    case 10:
        net->refuse = s->where & 1;
        if (!net->refuse && net->front)
            net->front->room(net->owner);
        break;
    case 11:
        packet_arrives(m, net, s);
        break;
    case 12:
        offer_buffer(m, s);
        break;
    case 13:
        offer_command(m, s);
        break;
    case 14:
        offer_packet(m, s);
        break;
    default:
        spin(m);
        break;
    }
}

static void check(struct machine *m, struct net *net)
{
    const unsigned sent = net->sent;

    poison = 0;
    net->refuse = false;
    net->count = 0;
    initialize(m, MODERN | FEATURE(VIRTIO_NET_F_MRG_RXBUF));
    BUG_ON(rd(m, VIRTIO_MMIO_STATUS) != 0x0f);
    memset(m->ram + SMALL, 0, 128);
    memcpy(m->ram + SMALL + NET_HDR + 6, net->info.mac, 6);
    ring_desc(&m->rings[1], 0, SMALL, 128, 0, 0);
    ring_offer(&m->rings[1], 0);
    wr(m, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
    spin(m);
    BUG_ON(net->sent != sent + 1 || net->last.n != 128);
    ring_desc(&m->rings[0], 0, 0x10000, 0x1000, WRITABLE, 0);
    ring_offer(&m->rings[0], 0);
    fake_put(net, 1000);
    wr(m, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    spin(m);
    BUG_ON(ring_used_idx(&m->rings[0]) != 1);
    BUG_ON(m->ram[0x10000 + NET_HDR + 5] != 35);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vnet_config cfg = {.queue_size = SIZE};
    const uint8_t what = size ? data[0] : 0;
    struct machine *m = machine_once();
    struct net *net = fake_net_open(what & 1 ? 2 : 1);
    struct vnet *dev;

    net->info.only_own_mac = what & 2;
    net->info.recv |= what & 4 ? NET_USO : 0;
    net->info.send |= what & 4 ? NET_USO : 0;
    dev = vnet_create(net, m->loop, &cfg);
    machine_plug(m, &vnet_ops, dev);
    initialize(m, MODERN | (what & 8 ? FEATURE(VIRTIO_NET_F_MRG_RXBUF) : 0) |
                      (what & 16 ? 0xffull << 17 : 0) |
                      (what & 32 ? 0x1983ull : 0) |
                      (what & 64 ? FEATURE(VIRTIO_RING_F_EVENT_IDX) : 0));
    for (; size >= STEP; data += STEP, size -= STEP) {
        const struct step s = step_of(data);

        if (!common_step(m, &s))
            link_step(m, net, &s);
    }
    check(m, net);
    virtio_mmio_destroy(m->t);
    vnet_destroy(dev);
    BUG_ON(net->front);
    free(net);
    return 0;
}
