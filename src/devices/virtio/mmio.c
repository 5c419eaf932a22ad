// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mmio.c: the registers of virtio-mmio, version 2; see mmio.h.
 *
 * Source: virtio 1.2, 4.2.2. Registers are words and are accessed as words;
 * any other access, and an offset nobody defines, reads all-ones and writes
 * nothing. The device's configuration follows at 0x100 and takes any width.
 *
 * InterruptStatus collects causes until the driver acknowledges them. The
 * line is an edge: each loop turn that found a cause signals the irqfd once,
 * whatever the number of queues, acknowledged or not.
 */
#include "devices/virtio/mmio.h"

#include "devices/virtio/virtio_priv.h"

#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC   0x74726976u /* "virt" */
#define VERSION 2u
#define VENDOR  0x314d4d56u /* "VMM1" */

/* virtio 1.2; not in every system's header. */
#define REG_QUEUE_RESET 0x0c0u

struct virtio_mmio {
    struct virtio v;
    gpa_t base;
    int irqfd;          /* borrowed */
    uint64_t signalled; /* the submission that signals the irqfd */
    uint32_t isr;
    uint32_t device_features_sel;
    uint32_t driver_features_sel;
    uint32_t queue_sel;
};

/* ---- what the common half asks ---- */

static void interrupt(struct virtio_mmio *t, uint32_t cause)
{
    struct loop *loop = t->v.host.loop;

    t->isr |= cause;
    if (t->signalled == loop_batch(loop))
        return;
    loop_signal(loop, t->irqfd);
    t->signalled = loop_batch(loop);
}

static void queue_interrupt(void *ctx, unsigned q)
{
    (void)q;
    interrupt(ctx, VIRTIO_MMIO_INT_VRING);
}

static void config_interrupt(void *ctx)
{
    interrupt(ctx, VIRTIO_MMIO_INT_CONFIG);
}

/*
 * With one queue the value says nothing: a register bound for any value and
 * width is the one KVM knows without decoding the instruction.
 */
static void kick_reg(void *ctx, unsigned q, struct kick_reg *reg)
{
    const struct virtio_mmio *t = ctx;
    const bool one = t->v.n_queues == 1;

    *reg = (struct kick_reg){
        .space = SPACE_MMIO,
        .addr = t->base.v + VIRTIO_MMIO_QUEUE_NOTIFY,
        .len = one ? 0 : 4,
        .match = !one,
        .value = q,
    };
}

static void forget_interrupts(void *ctx)
{
    struct virtio_mmio *t = ctx;

    t->isr = 0;
}

static const struct virtio_transport transport = {
    .queue_interrupt = queue_interrupt,
    .config_interrupt = config_interrupt,
    .kick_reg = kick_reg,
    .reset = forget_interrupts,
};

/* ---- registers ---- */

static uint32_t read_register(const struct virtio_mmio *t, uint64_t off)
{
    const struct virtio *v = &t->v;

    switch (off) {
    case VIRTIO_MMIO_MAGIC_VALUE:
        return MAGIC;
    case VIRTIO_MMIO_VERSION:
        return VERSION;
    case VIRTIO_MMIO_DEVICE_ID:
        return v->ops->id;
    case VIRTIO_MMIO_VENDOR_ID:
        return VENDOR;
    case VIRTIO_MMIO_DEVICE_FEATURES:
        return virtio_read_features(v, t->device_features_sel);
    case VIRTIO_MMIO_QUEUE_NUM_MAX:
        return virtio_queue_max(v, t->queue_sel);
    case VIRTIO_MMIO_QUEUE_READY:
        return virtio_queue_ready(v, t->queue_sel);
    case VIRTIO_MMIO_INTERRUPT_STATUS:
        return t->isr;
    case VIRTIO_MMIO_STATUS:
        return v->status;
    case REG_QUEUE_RESET:
        return virtio_queue_stopping(v, t->queue_sel);
    case VIRTIO_MMIO_CONFIG_GENERATION:
        return v->generation;
    default:
        /* Also the shared memory registers: there is no such region. */
        return UINT32_MAX;
    }
}

static void set_low(gpa_t *gpa, uint32_t value)
{
    gpa->v = (gpa->v & ~(uint64_t)UINT32_MAX) | value;
}

static void set_high(gpa_t *gpa, uint32_t value)
{
    gpa->v = (gpa->v & UINT32_MAX) | (uint64_t)value << 32;
}

/* Registers of the selected queue, while it may be set up. */
static void write_queue_register(struct virtio_mmio *t, uint64_t off,
                                 uint32_t value)
{
    struct virtq_config *c = virtio_queue_setup(&t->v, t->queue_sel);

    if (!c)
        return;
    switch (off) {
    case VIRTIO_MMIO_QUEUE_NUM:
        /* What has no 16 bits is no size; enabling it will tell. */
        c->size = value > UINT16_MAX ? 0 : (uint16_t)value;
        break;
    case VIRTIO_MMIO_QUEUE_DESC_LOW:
        set_low(&c->desc, value);
        break;
    case VIRTIO_MMIO_QUEUE_DESC_HIGH:
        set_high(&c->desc, value);
        break;
    case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
        set_low(&c->avail, value);
        break;
    case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
        set_high(&c->avail, value);
        break;
    case VIRTIO_MMIO_QUEUE_USED_LOW:
        set_low(&c->used, value);
        break;
    case VIRTIO_MMIO_QUEUE_USED_HIGH:
        set_high(&c->used, value);
        break;
    default:
        break;
    }
}

static void write_register(struct virtio_mmio *t, uint64_t off, uint32_t value)
{
    struct virtio *v = &t->v;

    switch (off) {
    case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
        t->device_features_sel = value;
        break;
    case VIRTIO_MMIO_DRIVER_FEATURES:
        virtio_write_features(v, t->driver_features_sel, value);
        break;
    case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
        t->driver_features_sel = value;
        break;
    case VIRTIO_MMIO_QUEUE_SEL:
        t->queue_sel = value;
        break;
    case VIRTIO_MMIO_QUEUE_READY:
        if (value & 1)
            virtio_queue_enable(v, t->queue_sel);
        else
            virtio_queue_stop(v, t->queue_sel);
        break;
    case VIRTIO_MMIO_QUEUE_NOTIFY:
        virtio_notify(v, value);
        break;
    case VIRTIO_MMIO_INTERRUPT_ACK:
        t->isr &= ~value;
        break;
    case VIRTIO_MMIO_STATUS:
        virtio_write_status(v, value);
        break;
    case REG_QUEUE_RESET:
        if (value & 1)
            virtio_queue_reset(v, t->queue_sel);
        break;
    default:
        write_queue_register(t, off, value);
        break;
    }
}

static bool is_word(uint64_t off, unsigned n)
{
    return n == sizeof(uint32_t) && off % sizeof(uint32_t) == 0;
}

static void mmio_read(void *dev, uint64_t off, void *data, unsigned n)
{
    const struct virtio_mmio *t = dev;
    uint32_t value;

    if (off >= VIRTIO_MMIO_CONFIG) {
        virtio_read_config(&t->v, off - VIRTIO_MMIO_CONFIG, data, n);
        return;
    }
    memset(data, 0xff, n);
    if (!is_word(off, n))
        return;
    value = read_register(t, off);
    memcpy(data, &value, sizeof(value));
}

static void mmio_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct virtio_mmio *t = dev;
    uint32_t value;

    if (off >= VIRTIO_MMIO_CONFIG) {
        virtio_write_config(&t->v, off - VIRTIO_MMIO_CONFIG, data, n);
        return;
    }
    if (!is_word(off, n))
        return;
    memcpy(&value, data, sizeof(value));
    write_register(t, off, value);
}

const struct io_ops virtio_mmio_ops = {
    .name = "virtio-mmio",
    .read = mmio_read,
    .write = mmio_write,
};

/* ---- making and taking apart ---- */

struct virtio_mmio *virtio_mmio_create(const struct virtio_host *host,
                                       const struct virtio_dev_ops *ops,
                                       void *dev, gpa_t base, int irqfd)
{
    struct virtio_mmio *t = calloc(1, sizeof(*t));

    if (!t) {
        log_error("%s: out of memory", ops->name);
        return NULL;
    }
    t->base = base;
    t->irqfd = irqfd;
    t->signalled = UINT64_MAX; /* no submission yet */
    if (virtio_init(&t->v, host, ops, dev, &transport, t) < 0) {
        free(t);
        return NULL;
    }
    return t;
}

void virtio_mmio_destroy(struct virtio_mmio *t)
{
    if (!t)
        return;
    virtio_fini(&t->v);
    free(t);
}

struct virtio *virtio_mmio_virtio(struct virtio_mmio *t)
{
    return &t->v;
}
