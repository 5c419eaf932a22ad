// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_virtio_mmio.c: a driver that does anything to the registers of the
 * mmio transport, with the entropy device behind it; see virtio_machine.h.
 * Whatever it did: after a reset the status is 0 and the device works.
 */
#include "virtio_machine.h"

#include "devices/virtio/vrng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct machine *m)
{
    struct vring_used_elem e;
    struct ring *r = &m->rings[0];

    poison = 0;
    initialize(m, (uint64_t)1 << VIRTIO_F_VERSION_1);
    BUG_ON(rd(m, VIRTIO_MMIO_STATUS) != 0x0f);
    ring_desc(r, 0, SMALL, 64, WRITABLE, 0);
    ring_offer(r, 0);
    wr(m, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    spin(m);
    BUG_ON(!ring_take(r, &e) || e.id != 0 || e.len != 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine *m = machine_once();
    struct vrng *rng = vrng_create(m->loop);

    machine_plug(m, &vrng_ops, rng);
    for (; size >= STEP; data += STEP, size -= STEP) {
        const struct step s = step_of(data);

        if (!common_step(m, &s))
            spin(m);
    }
    check(m);
    virtio_mmio_destroy(m->t);
    vrng_destroy(rng);
    return 0;
}
