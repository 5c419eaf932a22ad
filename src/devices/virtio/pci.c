// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pci.c: a virtio device as a PCI function; see pci.h. The registers in its
 * BARs are in pci_regs.c and pci_legacy.c.
 *
 * Source: virtio 1.2, 4.1.2 (ids), 4.1.4 (capabilities), 4.1.5.1.2 (MSI-X);
 * PCI Advanced Capabilities ECN (function-level reset without PCI Express).
 *
 * The interrupt status byte collects causes for INTA# and is cleared by
 * reading it. With MSI-X only configuration changes show in it.
 *
 * Notify registers are bound to eventfds (KVM_IOEVENTFD) while their BAR
 * decodes and their queue is enabled; binding is slow and a guest enables but
 * the queues it has a use for. A notify that is not bound is an exit, and
 * works as well. There are two sets of them, and the first that a driver
 * finds are ports: the CPU says all of a port access, while KVM has to decode
 * the instruction of one to memory. Those in memory are for a driver without
 * ports, and not bound.
 */
#include "devices/virtio/pci_priv.h"

#include "vmm/checked.h"

#include <linux/pci_regs.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

/* 4.1.2: vendor, first device id of each kind of interface. */
#define VENDOR          0x1af4u
#define MODERN_DEVICE   0x1040u
#define MODERN_REVISION 1

/* ---- interrupts ---- */

static void assert_pin(struct virtio_pci *t, uint8_t cause)
{
    t->isr |= cause;
    pci_func_set_intx(&t->func, true);
}

static void queue_interrupt(void *ctx, unsigned q)
{
    struct virtio_pci *t = ctx;

    if (!msix_enabled(&t->msix))
        assert_pin(t, 1);
    else if (t->vectors[q] != VIRTIO_MSI_NO_VECTOR)
        msix_raise(&t->msix, t->vectors[q]);
}

static void config_interrupt(void *ctx)
{
    struct virtio_pci *t = ctx;

    if (!msix_enabled(&t->msix)) {
        assert_pin(t, VIRTIO_PCI_ISR_CONFIG);
        return;
    }
    t->isr |= VIRTIO_PCI_ISR_CONFIG;
    if (t->config_vector != VIRTIO_MSI_NO_VECTOR)
        msix_raise(&t->msix, t->config_vector);
}

uint8_t virtio_pci_read_isr(struct virtio_pci *t)
{
    const uint8_t isr = t->isr;

    t->isr = 0;
    pci_func_set_intx(&t->func, false);
    return isr;
}

/* 4.1.5.1.2.1: what cannot be had reads back as no vector. */
static uint16_t usable_vector(struct virtio_pci *t, uint16_t vector)
{
    return msix_use(&t->msix, vector) ? vector : VIRTIO_MSI_NO_VECTOR;
}

void virtio_pci_set_queue_vector(struct virtio_pci *t, unsigned q,
                                 uint16_t vector)
{
    if (q < t->v.n_queues)
        t->vectors[q] = usable_vector(t, vector);
}

uint16_t virtio_pci_queue_vector(const struct virtio_pci *t, unsigned q)
{
    return q < t->v.n_queues ? t->vectors[q] : VIRTIO_MSI_NO_VECTOR;
}

void virtio_pci_set_config_vector(struct virtio_pci *t, uint16_t vector)
{
    t->config_vector = usable_vector(t, vector);
}

/* The device was reset: no causes, no vectors, selectors at 0. */
static void forget(void *ctx)
{
    struct virtio_pci *t = ctx;

    t->isr = 0;
    pci_func_set_intx(&t->func, false);
    t->config_vector = VIRTIO_MSI_NO_VECTOR;
    for (unsigned q = 0; q < VIRTIO_MAX_QUEUES; q++)
        t->vectors[q] = VIRTIO_MSI_NO_VECTOR;
    t->device_features_sel = 0;
    t->driver_features_sel = 0;
    t->queue_sel = 0;
}

static const struct virtio_transport transport = {
    .queue_interrupt = queue_interrupt,
    .config_interrupt = config_interrupt,
    .reset = forget,
};

/* ---- kicks ---- */

/* Modern: a port for each queue. Legacy: one for all, the value says which. */
static struct kick_reg kick_reg(const struct virtio_pci *t, unsigned bar,
                                unsigned q)
{
    const uint64_t base = t->func.bars[bar].base;

    if (bar == BAR_NOTIFY)
        return (struct kick_reg){
            .space = SPACE_PIO,
            .addr = base + (uint64_t)q * NOTIFY_STRIDE,
            .len = sizeof(uint16_t),
        };
    return (struct kick_reg){
        .space = SPACE_PIO,
        .addr = base + VIRTIO_PCI_QUEUE_NOTIFY,
        .len = sizeof(uint16_t),
        .match = true,
        .value = q,
    };
}

/* Let the binding of queue q be as the BAR and the driver have it. */
static void bind_queue(struct virtio_pci *t, unsigned bar, unsigned q,
                       bool decodes)
{
    const struct kick_ops *ops = t->v.host.kicks;
    struct virtio_pci_kicks *k = &t->kicks[bar];
    const struct kick_reg reg = kick_reg(t, bar, q);
    const int fd = t->v.queues[q].kick_fd;
    const uint32_t bit = 1u << q;

    _Static_assert(VIRTIO_MAX_QUEUES <= 32, "a bit per queue");
    if (!ops || (decodes && k->wanted & bit) == !!(k->bound & bit))
        return;
    if (k->bound & bit)
        ops->unbind(ops->ctx, &reg, fd);
    else if (ops->bind(ops->ctx, &reg, fd) < 0)
        return; /* logged; a kick is an exit then */
    k->bound ^= bit;
}

static void bar_moved(void *dev, unsigned bar, bool decodes)
{
    struct virtio_pci *t = dev;

    for (unsigned q = 0; q < t->v.n_queues; q++)
        bind_queue(t, bar, q, decodes);
}

void virtio_pci_enable_queue(struct virtio_pci *t, unsigned bar)
{
    const unsigned q = t->queue_sel;

    virtio_queue_enable(&t->v, q);
    if (!virtio_queue_ready(&t->v, q))
        return;
    t->kicks[bar].wanted |= 1u << q;
    bind_queue(t, bar, q, t->func.bars[bar].decodes);
}

/* ---- configuration space ---- */

/* The body of a vendor capability, behind id and link (4.1.4). */
struct cap_body {
    uint8_t len;
    uint8_t type;
    uint8_t bar;
    uint8_t id;
    uint8_t padding[2];
    uint32_t offset;
    uint32_t length;
    uint32_t extra; /* the notify multiplier, or the window's data */
} __attribute__((packed));

#define CAP_LINK 2u /* bytes of id and link */

_Static_assert(sizeof(struct cap_body) + CAP_LINK == 20, "capability");

static unsigned add_cap(struct virtio_pci *t, uint8_t type, uint8_t bar,
                        uint32_t offset, uint32_t length)
{
    const bool extra = type == VIRTIO_PCI_CAP_NOTIFY_CFG;
    const unsigned n = (unsigned)(extra ? sizeof(struct cap_body)
                                        : offsetof(struct cap_body, extra));
    const struct cap_body body = {
        .len = (uint8_t)(n + CAP_LINK),
        .type = type,
        .bar = bar,
        .offset = offset,
        .length = length,
        .extra = NOTIFY_STRIDE,
    };

    return pci_func_cap(&t->func, PCI_CAP_ID_VNDR, &body, NULL, n);
}

/* 4.1.4.9: the guest writes where to look, and then the data. */
static void add_window(struct virtio_pci *t)
{
    const struct cap_body body = {
        .len = sizeof(body) + CAP_LINK,
        .type = VIRTIO_PCI_CAP_PCI_CFG,
    };
    const struct cap_body mask = {
        .bar = UINT8_MAX,
        .offset = UINT32_MAX,
        .length = UINT32_MAX,
        .extra = UINT32_MAX,
    };

    t->window =
        pci_func_cap(&t->func, PCI_CAP_ID_VNDR, &body, &mask, sizeof(body));
}

/* Function-level reset without PCI Express; no transaction is ever pending. */
static void add_reset(struct virtio_pci *t)
{
    const uint8_t body[] = {6, PCI_AF_CAP_TP | PCI_AF_CAP_FLR, 0, 0};
    const uint8_t mask[] = {0, 0, PCI_AF_CTRL_FLR, 0};

    t->reset = pci_func_cap(&t->func, PCI_CAP_ID_AF, body, mask, sizeof(body));
}

/*
 * What the window shows: the BAR whatever its decoding. False if it leaves
 * the BAR or is no access a bus could make.
 */
static bool window_target(const struct virtio_pci *t,
                          const struct pci_bar **bar, uint32_t *off,
                          uint32_t *len)
{
    const uint8_t *cap = t->func.config + t->window;
    const uint8_t nth = cap[VIRTIO_PCI_CAP_BAR];

    memcpy(off, cap + VIRTIO_PCI_CAP_OFFSET, sizeof(*off));
    memcpy(len, cap + VIRTIO_PCI_CAP_LENGTH, sizeof(*len));
    if (nth >= PCI_MAX_BARS || !(*len == 1 || *len == 2 || *len == 4))
        return false;
    *bar = &t->func.bars[nth];
    return *off % *len == 0 && range_ok(*off, *len, (*bar)->size);
}

static unsigned window_data(const struct virtio_pci *t)
{
    return t->window + (unsigned)sizeof(struct virtio_pci_cap);
}

/* An access that begins at the data is one to the BAR. */
static void before_read(void *dev, unsigned off, unsigned n)
{
    struct virtio_pci *t = dev;
    const struct pci_bar *bar;
    uint32_t at, len;

    (void)n;
    if (off == window_data(t) && window_target(t, &bar, &at, &len))
        bar->ops->read(t, at, t->func.config + off, len);
}

/* What was written is in the data already. */
static void window_written(struct virtio_pci *t)
{
    const struct pci_bar *bar;
    uint32_t at, len;
    uint8_t data[4];

    if (!window_target(t, &bar, &at, &len))
        return;
    memcpy(data, t->func.config + window_data(t), sizeof(data));
    bar->ops->write(t, at, data, len);
}

/* As at power-on, once nothing is in flight. */
static void function_reset(struct virtio_pci *t)
{
    virtio_write_status(&t->v, 0);
    msix_reset(&t->msix);
    pci_func_reset(&t->func);
}

static void after_write(void *dev, unsigned off, unsigned n)
{
    struct virtio_pci *t = dev;
    uint8_t *flr = &t->func.config[t->reset + PCI_AF_CTRL];

    msix_config_written(&t->msix, off, n);
    if (off == window_data(t))
        window_written(t);
    if (!*flr)
        return;
    *flr = 0; /* reads so (AF ECN, 6.x.3) */
    function_reset(t);
}

static const struct pci_func_ops func_ops = {
    .before_read = before_read,
    .after_write = after_write,
    .bar_moved = bar_moved,
};

/* ---- making and taking apart ---- */

/* 4.1.2.1 and 5: what there was before 1.0, by its device id then. */
static uint16_t transitional_id(uint16_t id)
{
    static const uint16_t ids[] = {
        [VIRTIO_ID_NET] = 0x1000,     [VIRTIO_ID_BLOCK] = 0x1001,
        [VIRTIO_ID_BALLOON] = 0x1002, [VIRTIO_ID_CONSOLE] = 0x1003,
        [VIRTIO_ID_SCSI] = 0x1004,    [VIRTIO_ID_RNG] = 0x1005,
        [VIRTIO_ID_9P] = 0x1009,
    };

    return id < ARRAY_LEN(ids) ? ids[id] : 0;
}

/* Ports for the queues, a power of two. */
static uint32_t notify_size(const struct virtio_pci *t)
{
    uint32_t size = NOTIFY_STRIDE;

    while (size < t->v.n_queues * NOTIFY_STRIDE)
        size *= 2;
    return size;
}

static void make_function(struct virtio_pci *t, bool legacy)
{
    const struct virtio_dev_ops *ops = t->v.ops;
    const uint16_t old_id = legacy ? transitional_id(ops->id) : 0;
    const struct pci_ids ids = {
        .vendor = VENDOR,
        .device = old_id ? old_id : (uint16_t)(MODERN_DEVICE + ops->id),
        .subvendor = VENDOR,
        .subsystem = ops->id,
        .class = ops->pci_class,
        .revision = (uint8_t)(old_id ? 0 : MODERN_REVISION),
    };

    pci_func_init(&t->func, &func_ops, t, &ids);
    pci_func_use_intx(&t->func);
    if (old_id)
        pci_func_bar(&t->func, BAR_LEGACY, SPACE_PIO,
                     virtio_pci_legacy_size(ops), &virtio_pci_legacy_ops);
    pci_func_bar(&t->func, BAR_MODERN, SPACE_MMIO, MODERN_SIZE,
                 &virtio_pci_modern_ops);
    pci_func_bar(&t->func, BAR_NOTIFY, SPACE_PIO, notify_size(t),
                 &virtio_pci_notify_ops);
}

/* Those first that a driver's scans ask for: each step of a scan is an exit. */
static int add_caps(struct virtio_pci *t, const struct msi_ops *msi)
{
    const unsigned queues = t->v.n_queues;
    const struct msix_config msix = {
        .loop = t->v.host.loop,
        .msi = msi,
        .n = queues + 1,
        .bar = BAR_MODERN,
        .table = PAGE_TABLE,
        .pending = PAGE_PENDING,
    };
    const int ret = msix_init(&t->msix, &t->func, &msix);

    add_cap(t, VIRTIO_PCI_CAP_COMMON_CFG, BAR_MODERN, PAGE_COMMON, COMMON_SIZE);
    add_cap(t, VIRTIO_PCI_CAP_ISR_CFG, BAR_MODERN, PAGE_ISR, 1);
    add_cap(t, VIRTIO_PCI_CAP_NOTIFY_CFG, BAR_NOTIFY, 0,
            queues * NOTIFY_STRIDE);
    if (t->v.ops->config_size)
        add_cap(t, VIRTIO_PCI_CAP_DEVICE_CFG, BAR_MODERN, PAGE_DEVICE,
                t->v.ops->config_size);
    add_cap(t, VIRTIO_PCI_CAP_NOTIFY_CFG, BAR_MODERN, PAGE_NOTIFY,
            queues * NOTIFY_STRIDE);
    add_window(t);
    add_reset(t);
    return ret;
}

struct virtio_pci *virtio_pci_create(const struct virtio_host *host,
                                     const struct virtio_dev_ops *ops,
                                     void *dev,
                                     const struct virtio_pci_config *cfg)
{
    struct virtio_pci *t = calloc(1, sizeof(*t));

    if (!t) {
        log_error("%s: out of memory", ops->name);
        return NULL;
    }
    if (virtio_init(&t->v, host, ops, dev, &transport, t) < 0) {
        free(t);
        return NULL;
    }
    forget(t);
    make_function(t, cfg->legacy);
    if (cfg->rom && cfg->rom->size)
        pci_func_rom(&t->func, cfg->rom->host, (uint32_t)cfg->rom->size);
    if (add_caps(t, cfg->msi) < 0 ||
        pci_bus_plug(cfg->bus, cfg->slot, &t->func) < 0) {
        virtio_pci_destroy(t);
        return NULL;
    }
    return t;
}

void virtio_pci_destroy(struct virtio_pci *t)
{
    if (!t)
        return;
    pci_bus_unplug(&t->func);
    /* Ends with a submission: no vector's signal is under way after it. */
    virtio_fini(&t->v);
    msix_fini(&t->msix);
    free(t);
}

struct virtio *virtio_pci_virtio(struct virtio_pci *t)
{
    return &t->v;
}
