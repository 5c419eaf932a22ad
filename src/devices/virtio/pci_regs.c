// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pci_regs.c: the registers in the modern BARs of virtio-pci; see pci.h.
 *
 * Source: virtio 1.2, 4.1.4.3 (common configuration), 4.1.4.4 (notification),
 * 4.1.4.5 (interrupt status), 4.1.4.6 (device configuration). A field of the
 * common configuration is accessed with its own width, one of 64 bits as two
 * words; any other access, and an offset nobody defines, reads all-ones and
 * writes nothing.
 */
#include "devices/virtio/pci_priv.h"

#include <string.h>

/* virtio 1.2; not in every system's header. */
#define Q_NDATA 56u
#define Q_RESET 58u

/* The width of the field that begins at an offset; 0: none does. */
static const uint8_t widths[COMMON_SIZE] = {
    [VIRTIO_PCI_COMMON_DFSELECT] = 4,
    [VIRTIO_PCI_COMMON_DF] = 4,
    [VIRTIO_PCI_COMMON_GFSELECT] = 4,
    [VIRTIO_PCI_COMMON_GF] = 4,
    [VIRTIO_PCI_COMMON_MSIX] = 2,
    [VIRTIO_PCI_COMMON_NUMQ] = 2,
    [VIRTIO_PCI_COMMON_STATUS] = 1,
    [VIRTIO_PCI_COMMON_CFGGENERATION] = 1,
    [VIRTIO_PCI_COMMON_Q_SELECT] = 2,
    [VIRTIO_PCI_COMMON_Q_SIZE] = 2,
    [VIRTIO_PCI_COMMON_Q_MSIX] = 2,
    [VIRTIO_PCI_COMMON_Q_ENABLE] = 2,
    [VIRTIO_PCI_COMMON_Q_NOFF] = 2,
    [VIRTIO_PCI_COMMON_Q_DESCLO] = 4,
    [VIRTIO_PCI_COMMON_Q_DESCHI] = 4,
    [VIRTIO_PCI_COMMON_Q_AVAILLO] = 4,
    [VIRTIO_PCI_COMMON_Q_AVAILHI] = 4,
    [VIRTIO_PCI_COMMON_Q_USEDLO] = 4,
    [VIRTIO_PCI_COMMON_Q_USEDHI] = 4,
    [Q_NDATA] = 2,
    [Q_RESET] = 2,
};

/* ---- common configuration, of the selected queue ---- */

/* Half of an address; 0 of a queue that is not there. */
static uint32_t read_address(const struct virtio_pci *t, uint64_t off)
{
    const struct virtq_config *c;
    uint64_t v;

    if (t->queue_sel >= t->v.n_queues)
        return 0;
    c = &t->v.queues[t->queue_sel].set;
    if (off < VIRTIO_PCI_COMMON_Q_AVAILLO)
        v = c->desc.v;
    else if (off < VIRTIO_PCI_COMMON_Q_USEDLO)
        v = c->avail.v;
    else
        v = c->used.v;
    return (uint32_t)(off % 8 ? v >> 32 : v);
}

static void write_address(struct virtq_config *c, uint64_t off, uint32_t value)
{
    gpa_t *gpa = off < VIRTIO_PCI_COMMON_Q_AVAILLO  ? &c->desc
                 : off < VIRTIO_PCI_COMMON_Q_USEDLO ? &c->avail
                                                    : &c->used;

    if (off % 8)
        gpa->v = (gpa->v & UINT32_MAX) | (uint64_t)value << 32;
    else
        gpa->v = (gpa->v & ~(uint64_t)UINT32_MAX) | value;
}

static uint32_t read_queue_size(const struct virtio_pci *t)
{
    return t->queue_sel < t->v.n_queues ? t->v.queues[t->queue_sel].set.size
                                        : 0;
}

static uint32_t read_common(const struct virtio_pci *t, uint64_t off)
{
    const struct virtio *v = &t->v;

    switch (off) {
    case VIRTIO_PCI_COMMON_DFSELECT:
        return t->device_features_sel;
    case VIRTIO_PCI_COMMON_DF:
        return virtio_read_features(v, t->device_features_sel);
    case VIRTIO_PCI_COMMON_GFSELECT:
        return t->driver_features_sel;
    case VIRTIO_PCI_COMMON_GF:
        return virtio_driver_features(v, t->driver_features_sel);
    case VIRTIO_PCI_COMMON_MSIX:
        return t->config_vector;
    case VIRTIO_PCI_COMMON_NUMQ:
        return v->n_queues;
    case VIRTIO_PCI_COMMON_STATUS:
        return v->status;
    case VIRTIO_PCI_COMMON_CFGGENERATION:
        return v->generation;
    case VIRTIO_PCI_COMMON_Q_SELECT:
        return t->queue_sel;
    case VIRTIO_PCI_COMMON_Q_SIZE:
        return read_queue_size(t);
    case VIRTIO_PCI_COMMON_Q_MSIX:
        return virtio_pci_queue_vector(t, t->queue_sel);
    case VIRTIO_PCI_COMMON_Q_ENABLE:
        return virtio_queue_ready(v, t->queue_sel);
    case VIRTIO_PCI_COMMON_Q_NOFF:
    case Q_NDATA:
        return t->queue_sel;
    case Q_RESET:
        return virtio_queue_stopping(v, t->queue_sel);
    default:
        return read_address(t, off);
    }
}

/* What a queue is made of, while it may be set up. */
static void write_queue(struct virtio_pci *t, uint64_t off, uint32_t value)
{
    struct virtq_config *c = virtio_queue_setup(&t->v, t->queue_sel);

    if (!c)
        return;
    if (off == VIRTIO_PCI_COMMON_Q_SIZE)
        c->size = (uint16_t)value;
    else if (off >= VIRTIO_PCI_COMMON_Q_DESCLO &&
             off <= VIRTIO_PCI_COMMON_Q_USEDHI)
        write_address(c, off, value);
}

static void write_common(struct virtio_pci *t, uint64_t off, uint32_t value)
{
    struct virtio *v = &t->v;

    switch (off) {
    case VIRTIO_PCI_COMMON_DFSELECT:
        t->device_features_sel = value;
        break;
    case VIRTIO_PCI_COMMON_GFSELECT:
        t->driver_features_sel = value;
        break;
    case VIRTIO_PCI_COMMON_GF:
        virtio_write_features(v, t->driver_features_sel, value);
        break;
    case VIRTIO_PCI_COMMON_MSIX:
        virtio_pci_set_config_vector(t, (uint16_t)value);
        break;
    case VIRTIO_PCI_COMMON_STATUS:
        virtio_write_status(v, value);
        break;
    case VIRTIO_PCI_COMMON_Q_SELECT:
        t->queue_sel = (uint16_t)value;
        break;
    case VIRTIO_PCI_COMMON_Q_MSIX:
        virtio_pci_set_queue_vector(t, t->queue_sel, (uint16_t)value);
        break;
    case VIRTIO_PCI_COMMON_Q_ENABLE:
        /* A driver does not write 0 (4.1.4.3.2). */
        if (value == 1)
            virtio_pci_enable_queue(t, BAR_NOTIFY);
        break;
    case Q_RESET:
        if (value == 1)
            virtio_queue_reset(v, t->queue_sel);
        break;
    default:
        write_queue(t, off, value);
        break;
    }
}

static bool is_field(uint64_t off, unsigned n)
{
    return off < COMMON_SIZE && widths[off] == n;
}

/* ---- the BAR ---- */

static void modern_read(void *dev, uint64_t off, void *data, unsigned n)
{
    struct virtio_pci *t = dev;
    const uint64_t page = off & ~(uint64_t)(PAGE_SIZE - 1);
    uint32_t value;

    off -= page;
    memset(data, 0xff, n);
    if (page == PAGE_COMMON && is_field(off, n)) {
        value = read_common(t, off);
        memcpy(data, &value, n);
    } else if (page == PAGE_ISR && off == 0) {
        memset(data, 0, n);
        *(uint8_t *)data = virtio_pci_read_isr(t);
    } else if (page == PAGE_DEVICE) {
        virtio_read_config(&t->v, off, data, n);
    } else if (page == PAGE_TABLE) {
        msix_table_read(&t->msix, off, data, n);
    } else if (page == PAGE_PENDING) {
        msix_pending_read(&t->msix, off, data, n);
    }
}

static void modern_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct virtio_pci *t = dev;
    const uint64_t page = off & ~(uint64_t)(PAGE_SIZE - 1);
    uint32_t value = 0;

    off -= page;
    if (page == PAGE_COMMON && is_field(off, n)) {
        memcpy(&value, data, n);
        write_common(t, off, value);
    } else if (page == PAGE_DEVICE) {
        virtio_write_config(&t->v, off, data, n);
    } else if (page == PAGE_NOTIFY && off % NOTIFY_STRIDE == 0) {
        /* Where says which queue; what is written says nothing. */
        virtio_notify(&t->v, (uint32_t)(off / NOTIFY_STRIDE));
    } else if (page == PAGE_TABLE) {
        msix_table_write(&t->msix, off, data, n);
    }
}

const struct io_ops virtio_pci_modern_ops = {
    .name = "virtio-pci",
    .read = modern_read,
    .write = modern_write,
};

/* ---- the ports ---- */

static void notify_read(void *dev, uint64_t off, void *data, unsigned n)
{
    (void)dev;
    (void)off;
    memset(data, 0xff, n);
}

static void notify_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct virtio_pci *t = dev;

    (void)data;
    (void)n;
    if (off % NOTIFY_STRIDE == 0)
        virtio_notify(&t->v, (uint32_t)(off / NOTIFY_STRIDE));
}

const struct io_ops virtio_pci_notify_ops = {
    .name = "virtio-pci-notify",
    .read = notify_read,
    .write = notify_write,
};
