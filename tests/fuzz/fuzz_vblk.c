// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_vblk.c: a driver that does anything to the block device, over a disk
 * in memory whose requests end when and as the input says; see
 * virtio_machine.h. Whatever it did: nothing is in flight after a reset, and
 * a sector can be read.
 */
#include "virtio_machine.h"

#include "devices/virtio/vblk.h"
#include "fake_blk.h"

#include <linux/virtio_blk.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_header(struct machine *m, uint64_t at, uint32_t type,
                       uint64_t sector)
{
    const struct virtio_blk_outhdr h = {.type = type, .sector = sector};

    memcpy(m->ram + at, &h, sizeof(h));
}

/* A request that is nearly right. */
static void offer_request(struct machine *m, const struct step *s)
{
    struct ring *r = &m->rings[s->where >> 7];
    const uint16_t head = s->where % (SIZE - 2);
    const uint64_t at = SMALL + head * 32u;
    const uint16_t in = s->c & 1 ? WRITABLE : 0;

    put_header(m, at, s->a & 15, s->a >> 4);
    ring_desc(r, head, at, 16, NEXT, head + 1);
    ring_desc(r, head + 1u, 0x10000 + head * 0x1000u, s->b, NEXT | in,
              head + 2);
    ring_desc(r, head + 2u, at + 16, 1, WRITABLE, 0);
    ring_offer(r, head);
}

static void disk_step(struct machine *m, struct blk *blk, const struct step *s)
{
    static const int results[] = {0, 0, -EIO, -EOPNOTSUPP, -ECANCELED};

    switch (s->what % 16) {
    case 10:
        blk->manual = s->where & 1;
        break;
    case 11:
        fake_end(blk, results[s->where % ARRAY_LEN(results)]);
        break;
    case 12:
        blk->info.size = s->a % (DISK_BYTES / 512) * 512ull;
        blk->resized(blk->front);
        break;
    case 13:
    case 14:
        offer_request(m, s);
        break;
    default:
        spin(m);
        break;
    }
}

static void check(struct machine *m, struct blk *blk)
{
    struct ring *r = &m->rings[0];

    poison = 0;
    blk->manual = false;
    blk->info.size = DISK_BYTES;
    blk->data[512] = 0x5a;
    initialize(m, (uint64_t)1 << VIRTIO_F_VERSION_1);
    BUG_ON(rd(m, VIRTIO_MMIO_STATUS) != 0x0f || blk->in_flight);
    put_header(m, SMALL, VIRTIO_BLK_T_IN, 1);
    ring_desc(r, 0, SMALL, 16, NEXT, 1);
    ring_desc(r, 1, SMALL + 0x1000, 513, WRITABLE, 0);
    ring_offer(r, 0);
    wr(m, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    spin(m);
    BUG_ON(ring_used_idx(r) != 1);
    BUG_ON(m->ram[SMALL + 0x1000] != 0x5a || m->ram[SMALL + 0x1200] != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vblk_config cfg = {
        .queues = 2, .queue_size = SIZE, .id = "fuzz"};
    struct machine *m = machine_once();
    struct blk *blk = fake_open(m->loop);
    struct vblk *dev = vblk_create(blk, m->loop, &cfg);

    machine_plug(m, &vblk_ops, dev);
    initialize(m, ((uint64_t)1 << VIRTIO_F_VERSION_1) |
                      (size ? (uint64_t)data[0] << 9 | 1u << 28 : 0));
    for (; size >= STEP; data += STEP, size -= STEP) {
        const struct step s = step_of(data);

        if (!common_step(m, &s))
            disk_step(m, blk, &s);
    }
    check(m, blk);
    virtio_mmio_destroy(m->t);
    BUG_ON(blk->in_flight);
    vblk_destroy(dev);
    fake_close(blk);
    return 0;
}
