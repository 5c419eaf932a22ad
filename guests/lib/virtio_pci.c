/* SPDX-License-Identifier: MIT */
/*
 * virtio_pci.c: the pci transport, modern interface; see virtio.h.
 */
#include "virtio_pci.h"

#include "abi/layout.h"
#include "apic.h"
#include "cpu.h"
#include "ioapic.h"
#include "pci.h"
#include "report.h"
#include "start_info.h"
#include "virtio.h"

#define VENDOR       0x1af4u
#define MODERN_FIRST 0x1040u
#define MODERN_LAST  0x107fu
#define N_LINES      4u

static uint8_t get8(const struct virtio *v, enum virtio_pci_register reg)
{
    return mmio_read8(v->base + reg);
}

static uint16_t get16(const struct virtio *v, enum virtio_pci_register reg)
{
    return mmio_read16(v->base + reg);
}

static void set16(const struct virtio *v, enum virtio_pci_register reg,
                  uint16_t value)
{
    mmio_write16(v->base + reg, value);
}

static void set32(const struct virtio *v, unsigned reg, uint32_t value)
{
    mmio_write32(v->base + reg, value);
}

static void select(const struct virtio *v, uint16_t q)
{
    set16(v, VPCI_QUEUE_SELECT, q);
}

static bool is_port(const struct virtio *v, unsigned bar)
{
    return mmio_read32(v->function + PCI_BAR + 4 * bar) & 1;
}

/*
 * Where one of the structures is, in memory or at ports, and its capability;
 * 0: nowhere.
 */
static uintptr_t find(const struct virtio *v, enum virtio_pci_cap type,
                      bool ports, unsigned *cap)
{
    for (*cap = 0;
         (*cap = pci_capability(v->function, PCI_CAP_VENDOR, *cap)) != 0;) {
        const uintptr_t at = v->function + *cap;
        const unsigned bar = mmio_read8(at + VPCI_CAP_BAR);

        if (mmio_read8(at + VPCI_CAP_TYPE) == type && is_port(v, bar) == ports)
            return (uintptr_t)pci_bar(v->function, bar) +
                   mmio_read32(at + VPCI_CAP_OFFSET);
    }
    return 0;
}

static uint32_t id_of(uintptr_t function)
{
    const uint16_t id = mmio_read16(function + PCI_DEVICE);

    if (mmio_read16(function + PCI_VENDOR) != VENDOR || id > MODERN_LAST)
        return 0;
    return id >= MODERN_FIRST ? id - MODERN_FIRST
                              : mmio_read16(function + PCI_SUBSYSTEM);
}

static bool probe(struct virtio *v, unsigned index)
{
    unsigned cap;

    v->function = index < PCI_SLOTS ? pci_function(index) : 0;
    if (!v->function)
        return false;
    v->slot = index;
    v->id = id_of(v->function);
    if (!v->id)
        return false;
    mmio_write16(v->function + PCI_COMMAND,
                 PCI_CMD_PORTS | PCI_CMD_MEMORY | PCI_CMD_MASTER);
    v->config = find(v, VPCI_DEVICE, false, &cap);
    v->isr = find(v, VPCI_ISR, false, &cap);
    v->notify_port = (uint16_t)find(v, VPCI_NOTIFY, true, &cap);
    v->notify_at = find(v, VPCI_NOTIFY, false, &cap);
    v->notify_step = mmio_read32(v->function + cap + VPCI_CAP_EXTRA);
    v->base = find(v, VPCI_COMMON, false, &cap);
    return v->base && v->isr && v->notify_at;
}

static uint64_t features(struct virtio *v)
{
    uint64_t low;

    set32(v, VPCI_DEVICE_SELECT, 0);
    low = mmio_read32(v->base + VPCI_DEVICE_FEATURES);
    set32(v, VPCI_DEVICE_SELECT, 1);
    return low | (uint64_t)mmio_read32(v->base + VPCI_DEVICE_FEATURES) << 32;
}

static void set_features(struct virtio *v, uint64_t bits)
{
    set32(v, VPCI_DRIVER_SELECT, 0);
    set32(v, VPCI_DRIVER_FEATURES, (uint32_t)bits);
    set32(v, VPCI_DRIVER_SELECT, 1);
    set32(v, VPCI_DRIVER_FEATURES, (uint32_t)(bits >> 32));
}

static uint8_t status(struct virtio *v)
{
    return get8(v, VPCI_STATUS);
}

static void set_status(struct virtio *v, uint8_t value)
{
    mmio_write8(v->base + VPCI_STATUS, value);
}

static uint16_t queue_max(struct virtio *v, uint16_t q)
{
    select(v, q);
    return get16(v, VPCI_QUEUE_SIZE);
}

static void set_pair(struct virtio *v, unsigned low, uint64_t value)
{
    set32(v, low, (uint32_t)value);
    set32(v, low + 4, (uint32_t)(value >> 32));
}

static void queue_place(struct virtio *v, uint16_t q,
                        const struct virtio_place *at)
{
    select(v, q);
    set16(v, VPCI_QUEUE_SIZE, (uint16_t)at->size);
    set_pair(v, VPCI_QUEUE_DESC, at->desc);
    set_pair(v, VPCI_QUEUE_AVAIL, at->avail);
    set_pair(v, VPCI_QUEUE_USED, at->used);
}

static void queue_enable(struct virtio *v, uint16_t q)
{
    select(v, q);
    set16(v, VPCI_QUEUE_ENABLE, 1);
}

static bool queue_enabled(struct virtio *v, uint16_t q)
{
    select(v, q);
    return get16(v, VPCI_QUEUE_ENABLE);
}

static void queue_reset(struct virtio *v, uint16_t q)
{
    select(v, q);
    set16(v, VPCI_QUEUE_RESET, 1);
}

static bool queue_resetting(struct virtio *v, uint16_t q)
{
    select(v, q);
    return get16(v, VPCI_QUEUE_RESET);
}

/* 4.1.4.4: a queue's register is its number of steps on, with these devices
 * (blk-mq checks it); asking each time would be an exit more per kick. */
static void notify(struct virtio *v, uint16_t q)
{
    const uintptr_t step = (uintptr_t)q * v->notify_step;

    if (v->notify_port)
        outw((uint16_t)(v->notify_port + step), q);
    else
        mmio_write16(v->notify_at + step, q);
}

static uint32_t causes(struct virtio *v)
{
    return mmio_read8(v->isr);
}

static uint32_t generation(struct virtio *v)
{
    return get8(v, VPCI_GENERATION);
}

/* INTA# of the slots goes round the lines, from slot 1 on: level, shared. */
static void route_pin(struct virtio *v, unsigned vector)
{
    v->gsi = LAYOUT_PCI_GSI + (v->slot + N_LINES - 1) % N_LINES;
    ioapic_set_entry(v->gsi, IOAPIC_DEST(apic_id()) | IOAPIC_LEVEL | vector);
}

/* All queues and the configuration use the first vector of the table. */
static void route_message(struct virtio *v, unsigned vector, unsigned cap)
{
    const uintptr_t at = v->function + cap;
    const uint32_t table = mmio_read32(at + 4);
    const uintptr_t entry =
        (uintptr_t)pci_bar(v->function, table & 7) + (table & ~7u);

    mmio_write16(at + 2, MSIX_ENABLE);
    mmio_write32(entry, LAYOUT_LAPIC | apic_id() << 12);
    mmio_write32(entry + 4, 0);
    mmio_write32(entry + 8, vector);
    mmio_write32(entry + 12, 0);
    set16(v, VPCI_CONFIG_VECTOR, 0);
    for (uint16_t q = 0; q < get16(v, VPCI_NUM_QUEUES); q++) {
        select(v, q);
        set16(v, VPCI_QUEUE_VECTOR, 0);
        if (get16(v, VPCI_QUEUE_VECTOR) != 0)
            test_error("queue %u does not take a vector", q);
    }
}

/* MSI-X, unless the command line says intx=1. */
static void route(struct virtio *v, unsigned vector)
{
    unsigned cap = pci_capability(v->function, PCI_CAP_MSIX, 0);
    uint64_t intx = 0;

    (void)start_info_option("intx", &intx);
    if (!cap || intx)
        route_pin(v, vector);
    else
        route_message(v, vector, cap);
}

const struct virtio_bus virtio_pci_bus = {
    .name = "pci",
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
