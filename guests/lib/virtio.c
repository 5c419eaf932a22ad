/* SPDX-License-Identifier: MIT */
/*
 * virtio.c: see virtio.h.
 */
#include "virtio.h"

#include "clock.h"
#include "cpu.h"

#include <stddef.h>

#define MAX_DEVICES 64u
#define PATIENCE    (15 * CLOCK_S)

static const struct virtio_bus *const buses[] = {&virtio_pci_bus,
                                                 &virtio_mmio_bus};

bool virtio_find(struct virtio *v, uint32_t id, unsigned nth)
{
    for (unsigned b = 0; b < sizeof(buses) / sizeof(buses[0]); b++)
        for (unsigned i = 0; i < MAX_DEVICES; i++) {
            *v = (struct virtio){.bus = buses[b]};
            if (buses[b]->probe(v, i) && v->id == id && nth-- == 0)
                return true;
        }
    return false;
}

uint8_t virtio_status(struct virtio *v)
{
    return v->bus->status(v);
}

bool virtio_reset(struct virtio *v)
{
    v->bus->set_status(v, 0);
    return clock_wait(v->bus->status(v) == 0, PATIENCE);
}

bool virtio_begin(struct virtio *v, uint64_t wanted)
{
    if (!virtio_reset(v))
        return false;
    v->bus->set_status(v, VIRTIO_ACKNOWLEDGE);
    v->bus->set_status(v, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    v->features = v->bus->features(v) & (wanted | VIRTIO_F_VERSION_1);
    v->bus->set_features(v, v->features);
    v->bus->set_status(v,
                       VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    return v->bus->status(v) & VIRTIO_FEATURES_OK;
}

void virtio_go(struct virtio *v)
{
    v->bus->set_status(v, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER |
                              VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

bool virtio_await_status(struct virtio *v, uint8_t bits, uint64_t ns)
{
    return clock_wait((v->bus->status(v) & bits) == bits, ns);
}
