// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_vballoon.c: a driver that does anything to the balloon, at two of its
 * queues, while the operator asks and changes his mind; see virtio_machine.h.
 * Whatever it did: after a reset one page is taken, and the next is not.
 */
#include "virtio_machine.h"

#include "devices/virtio/vballoon.h"

#include <linux/virtio_balloon.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VERSION_1 ((uint64_t)1 << VIRTIO_F_VERSION_1)
#define PAGES     0x20u /* the first page of the heap */

/* Numbers that are nearly right. */
static void offer_numbers(struct machine *m, const struct step *s)
{
    struct ring *r = &m->rings[s->where >> 7];
    const uint16_t head = s->where % SIZE;
    const uint32_t pfn[4] = {s->a, s->a + 1u, s->b, (uint32_t)s->c << 16};

    memcpy(m->ram + SMALL + head * 16u, pfn, sizeof(pfn));
    ring_desc(r, head, SMALL + head * 16u, s->b % 17, 0, 0);
    ring_offer(r, head);
}

static void offer_stats(struct machine *m, const struct step *s)
{
    struct ring *r = &m->rings[0];
    const uint16_t head = s->where % SIZE;
    const struct virtio_balloon_stat stat = {s->a & 15, s->b};

    memcpy(m->ram + SMALL, &stat, sizeof(stat));
    ring_desc(r, head, SMALL, sizeof(stat) + (s->c & 1), 0, 0);
    ring_offer(r, head);
}

static void balloon_step(struct machine *m, struct vballoon *dev,
                         const struct step *s)
{
    struct vballoon_status status;

    switch (s->what % 16) {
    case 10:
        offer_numbers(m, s);
        break;
    case 11:
        vballoon_set_target(dev, s->a * 64ull);
        break;
    case 12:
        offer_stats(m, s);
        break;
    case 13:
        wr(m, VIRTIO_MMIO_CONFIG + 4, s->a);
        break;
    default:
        vballoon_get_status(dev, &status);
        BUG_ON(status.actual > RAM);
        spin(m);
        break;
    }
}

static void check(struct machine *m)
{
    const uint32_t pfn = PAGES;

    poison = 0;
    m->first = 0;
    initialize(m, VERSION_1);
    BUG_ON(rd(m, VIRTIO_MMIO_STATUS) != 0x0f);
    memset(m->ram + PAGES * GUEST_PAGE, 'x', 2 * GUEST_PAGE);
    memcpy(m->ram + SMALL, &pfn, sizeof(pfn));
    ring_desc(&m->rings[0], 0, SMALL, sizeof(pfn), 0, 0);
    ring_offer(&m->rings[0], 0);
    wr(m, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    spin(m);
    BUG_ON(ring_used_idx(&m->rings[0]) != 1);
    BUG_ON(m->ram[PAGES * GUEST_PAGE] != 0);
    BUG_ON(m->ram[(PAGES + 1) * GUEST_PAGE] != 'x');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned firsts[] = {0, 2, 3, 1};
    struct machine *m = machine_once();
    struct vballoon *dev = vballoon_create(m->loop, m->mem, RAM);

    machine_plug(m, &vballoon_ops, dev);
    m->first = size ? firsts[data[0] >> 4 & 3] : 0;
    initialize(m, VERSION_1 | (size ? data[0] & 0x26 : 0));
    for (; size >= STEP; data += STEP, size -= STEP) {
        const struct step s = step_of(data);

        if (!common_step(m, &s))
            balloon_step(m, dev, &s);
    }
    check(m);
    virtio_mmio_destroy(m->t);
    vballoon_destroy(dev);
    return 0;
}
