/* SPDX-License-Identifier: MIT */
/*
 * virtio_mmio.c: the mmio transport, version 2; see virtio.h.
 */
#include "virtio_mmio.h"

#include "abi/layout.h"
#include "acpi.h"
#include "cpu.h"
#include "ioapic.h"
#include "report.h"
#include "start_info.h"
#include "string.h"
#include "virtio.h"

static uint32_t get(const struct virtio *v, enum virtio_mmio_register reg)
{
    return mmio_read32(v->base + reg);
}

static void set(const struct virtio *v, enum virtio_mmio_register reg,
                uint32_t value)
{
    mmio_write32(v->base + reg, value);
}

static bool probe(struct virtio *v, unsigned index)
{
    v->base = LAYOUT_VIRTIO_MMIO + index * LAYOUT_VIRTIO_STRIDE;
    v->config = v->base + MMIO_CONFIG;
    if (get(v, MMIO_MAGIC) != MMIO_MAGIC_VALUE || get(v, MMIO_VERSION) != 2)
        return false;
    v->id = get(v, MMIO_DEVICE_ID);
    return v->id != 0;
}

static uint64_t features(struct virtio *v)
{
    uint64_t low;

    set(v, MMIO_DEVICE_FEATURES_SEL, 0);
    low = get(v, MMIO_DEVICE_FEATURES);
    set(v, MMIO_DEVICE_FEATURES_SEL, 1);
    return low | (uint64_t)get(v, MMIO_DEVICE_FEATURES) << 32;
}

static void set_features(struct virtio *v, uint64_t bits)
{
    set(v, MMIO_DRIVER_FEATURES_SEL, 0);
    set(v, MMIO_DRIVER_FEATURES, (uint32_t)bits);
    set(v, MMIO_DRIVER_FEATURES_SEL, 1);
    set(v, MMIO_DRIVER_FEATURES, (uint32_t)(bits >> 32));
}

static uint8_t status(struct virtio *v)
{
    return (uint8_t)get(v, MMIO_STATUS);
}

static void set_status(struct virtio *v, uint8_t value)
{
    set(v, MMIO_STATUS, value);
}

static uint16_t queue_max(struct virtio *v, uint16_t q)
{
    set(v, MMIO_QUEUE_SEL, q);
    return (uint16_t)get(v, MMIO_QUEUE_NUM_MAX);
}

static void set_pair(struct virtio *v, enum virtio_mmio_register low,
                     uint64_t value)
{
    set(v, low, (uint32_t)value);
    mmio_write32(v->base + low + 4, (uint32_t)(value >> 32));
}

static void queue_place(struct virtio *v, uint16_t q,
                        const struct virtio_place *at)
{
    set(v, MMIO_QUEUE_SEL, q);
    set(v, MMIO_QUEUE_NUM, at->size);
    set_pair(v, MMIO_QUEUE_DESC, at->desc);
    set_pair(v, MMIO_QUEUE_AVAIL, at->avail);
    set_pair(v, MMIO_QUEUE_USED, at->used);
}

static void queue_enable(struct virtio *v, uint16_t q)
{
    set(v, MMIO_QUEUE_SEL, q);
    set(v, MMIO_QUEUE_READY, 1);
}

static bool queue_enabled(struct virtio *v, uint16_t q)
{
    set(v, MMIO_QUEUE_SEL, q);
    return get(v, MMIO_QUEUE_READY);
}

static void queue_reset(struct virtio *v, uint16_t q)
{
    set(v, MMIO_QUEUE_SEL, q);
    set(v, MMIO_QUEUE_RESET, 1);
}

static bool queue_resetting(struct virtio *v, uint16_t q)
{
    set(v, MMIO_QUEUE_SEL, q);
    return get(v, MMIO_QUEUE_RESET);
}

static void notify(struct virtio *v, uint16_t q)
{
    set(v, MMIO_QUEUE_NOTIFY, q);
}

static uint32_t causes(struct virtio *v)
{
    uint32_t seen = get(v, MMIO_INTERRUPT_STATUS);

    set(v, MMIO_INTERRUPT_ACK, seen);
    return seen;
}

static uint32_t generation(struct virtio *v)
{
    return get(v, MMIO_GENERATION);
}

/* virtio_mmio.device=SIZE@0xBASE:GSI, as Linux has it. */
static bool gsi_by_cmdline(struct virtio *v)
{
    static const char name[] = "virtio_mmio.device=";
    const char *at = start_info_cmdline();

    while ((at = strstr(at, name)) != NULL) {
        uint32_t base = 0, gsi = 0;

        at = strstr(at, "@0x");
        if (!at)
            break;
        for (at += 3; *at && *at != ':'; at++)
            base =
                base << 4 | (uint32_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
        for (at += *at == ':'; *at >= '0' && *at <= '9'; at++)
            gsi = gsi * 10 + (uint32_t)(*at - '0');
        v->gsi = gsi;
        if (base == v->base)
            return true;
    }
    return false;
}

static void route(struct virtio *v, unsigned vector)
{
    if (!acpi_gsi_of((uint32_t)v->base, &v->gsi) && !gsi_by_cmdline(v))
        test_error("nothing names an interrupt for the device at 0x%lx",
                   (unsigned long)v->base);
    ioapic_route(v->gsi, vector);
}

const struct virtio_bus virtio_mmio_bus = {
    .name = "mmio",
    .probe = probe,
    .features = features,
    .set_features = set_features,
    .status = status,
    .set_status = set_status,
    .queue_max = queue_max,
    .queue_place = queue_place,
    .queue_enable = queue_enable,
    .queue_enabled = queue_enabled,
    .queue_reset = queue_reset,
    .queue_resetting = queue_resetting,
    .notify = notify,
    .causes = causes,
    .generation = generation,
    .route = route,
};
