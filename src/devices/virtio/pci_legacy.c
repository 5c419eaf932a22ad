// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pci_legacy.c: the I/O BAR of a transitional virtio-pci device, for drivers
 * from before 1.0; see pci.h.
 *
 * Source: virtio 1.2, 4.1.4.10 (register layout), 2.7.2 (queue layout: the
 * used ring on the next page), 4.1.5.1.3 (queue address in pages). With MSI-X
 * enabled two vector registers come before the device's configuration. All is
 * little endian, as the guest is.
 *
 * What a driver writes here first makes it a legacy driver until the next
 * reset; once another one is at work through the memory BAR, only reading
 * works here.
 */
#include "devices/virtio/pci_priv.h"

#include "vmm/checked.h"

#include <linux/virtio_ring.h>
#include <string.h>

static const uint8_t widths[] = {
    [VIRTIO_PCI_HOST_FEATURES] = 4, [VIRTIO_PCI_GUEST_FEATURES] = 4,
    [VIRTIO_PCI_QUEUE_PFN] = 4,     [VIRTIO_PCI_QUEUE_NUM] = 2,
    [VIRTIO_PCI_QUEUE_SEL] = 2,     [VIRTIO_PCI_QUEUE_NOTIFY] = 2,
    [VIRTIO_PCI_STATUS] = 1,        [VIRTIO_PCI_ISR] = 1,
    [VIRTIO_MSI_CONFIG_VECTOR] = 2, [VIRTIO_MSI_QUEUE_VECTOR] = 2,
};

uint32_t virtio_pci_legacy_size(const struct virtio_dev_ops *ops)
{
    uint32_t size = 32;

    while (size < VIRTIO_PCI_CONFIG_OFF(true) + ops->config_size)
        size *= 2;
    return size;
}

/* Where the device's configuration begins now. */
static unsigned config_begin(const struct virtio_pci *t)
{
    return VIRTIO_PCI_CONFIG_OFF(msix_enabled(&t->msix));
}

/* ---- the selected queue ---- */

static uint32_t read_pfn(const struct virtio_pci *t)
{
    const unsigned q = t->queue_sel;

    if (!virtio_queue_ready(&t->v, q))
        return 0;
    return (uint32_t)(t->v.queues[q].set.desc.v >> VIRTIO_PCI_QUEUE_ADDR_SHIFT);
}

/* A page number places and enables the queue, 0 takes it away. */
static void write_pfn(struct virtio_pci *t, uint32_t pfn)
{
    const uint64_t page = VIRTIO_PCI_VRING_ALIGN;
    struct virtq_config *c;
    uint64_t used;

    if (!pfn) {
        virtio_queue_stop(&t->v, t->queue_sel);
        return;
    }
    c = virtio_queue_setup(&t->v, t->queue_sel);
    if (!c)
        return;
    c->size = virtio_queue_max(&t->v, t->queue_sel);
    c->desc = GPA((uint64_t)pfn << VIRTIO_PCI_QUEUE_ADDR_SHIFT);
    c->avail = GPA(c->desc.v + c->size * sizeof(struct vring_desc));
    /* flags, idx, ring, used_event; 44 bits of address: it cannot wrap. */
    used = c->avail.v + (3ull + c->size) * sizeof(uint16_t);
    c->used = GPA((used + page - 1) & ~(page - 1));
    virtio_pci_enable_queue(t, BAR_LEGACY);
}

/* ---- registers ---- */

static uint32_t read_register(struct virtio_pci *t, uint64_t off)
{
    struct virtio *v = &t->v;

    switch (off) {
    case VIRTIO_PCI_HOST_FEATURES:
        return virtio_read_features(v, 0);
    case VIRTIO_PCI_GUEST_FEATURES:
        return virtio_driver_features(v, 0);
    case VIRTIO_PCI_QUEUE_PFN:
        return read_pfn(t);
    case VIRTIO_PCI_QUEUE_NUM:
        return virtio_queue_max(v, t->queue_sel);
    case VIRTIO_PCI_QUEUE_SEL:
        return t->queue_sel;
    case VIRTIO_PCI_STATUS:
        return v->status;
    case VIRTIO_PCI_ISR:
        return virtio_pci_read_isr(t);
    case VIRTIO_MSI_CONFIG_VECTOR:
        return t->config_vector;
    case VIRTIO_MSI_QUEUE_VECTOR:
        return virtio_pci_queue_vector(t, t->queue_sel);
    default:
        return UINT32_MAX;
    }
}

static void write_register(struct virtio_pci *t, uint64_t off, uint32_t value)
{
    struct virtio *v = &t->v;

    switch (off) {
    case VIRTIO_PCI_GUEST_FEATURES:
        virtio_write_features(v, 0, value);
        break;
    case VIRTIO_PCI_QUEUE_PFN:
        write_pfn(t, value);
        break;
    case VIRTIO_PCI_QUEUE_SEL:
        t->queue_sel = (uint16_t)value;
        break;
    case VIRTIO_PCI_QUEUE_NOTIFY:
        virtio_notify(v, value);
        break;
    case VIRTIO_PCI_STATUS:
        virtio_write_status(v, value);
        break;
    case VIRTIO_MSI_CONFIG_VECTOR:
        virtio_pci_set_config_vector(t, (uint16_t)value);
        break;
    case VIRTIO_MSI_QUEUE_VECTOR:
        virtio_pci_set_queue_vector(t, t->queue_sel, (uint16_t)value);
        break;
    default:
        break;
    }
}

static bool is_register(uint64_t off, unsigned n)
{
    return off < ARRAY_LEN(widths) && widths[off] == n;
}

static void legacy_read(void *dev, uint64_t off, void *data, unsigned n)
{
    struct virtio_pci *t = dev;
    const unsigned config = config_begin(t);
    uint32_t value;

    memset(data, 0xff, n);
    if (off >= config) {
        virtio_read_config(&t->v, off - config, data, n);
    } else if (is_register(off, n)) {
        value = read_register(t, off);
        memcpy(data, &value, n);
    }
}

static void legacy_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct virtio_pci *t = dev;
    const unsigned config = config_begin(t);
    uint32_t value = 0;
    bool reset;

    if (off < config && !is_register(off, n))
        return;
    memcpy(&value, data, n < sizeof(value) ? n : sizeof(value));
    reset = off == VIRTIO_PCI_STATUS && value == 0;
    if (!reset && !virtio_begin_legacy(&t->v))
        return;
    if (off >= config)
        virtio_write_config(&t->v, off - config, data, n);
    else
        write_register(t, off, value);
}

const struct io_ops virtio_pci_legacy_ops = {
    .name = "virtio-pci-legacy",
    .read = legacy_read,
    .write = legacy_write,
};
