// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio.c: what all transports share: status, features, queues, reset; see
 * virtio.h and virtio_priv.h.
 *
 * Source: virtio 1.2, 2.1 to 2.6 and 3.1.
 *
 * A register write on a vCPU thread changes only what the driver can read
 * back. What the device does about it (start, stop, kick) is done by
 * service() on the loop thread, posted for a start and called, with the vCPU
 * waiting, for a reset. A device whose start was not served yet has nothing
 * in flight and is reset on the spot.
 *
 * Ring configuration is frozen by enabling a queue and copied by virtq_start;
 * after DRIVER_OK only a queue that was reset can be set up again. A driver
 * that breaks the rules gets NEEDS_RESET: no queue is touched until it
 * resets the device.
 *
 * Drivers from before 1.0 (the notes on legacy interfaces in 2.2, 2.6 and
 * 3.1) have no FEATURES_OK, and many of them use their queues before they set
 * DRIVER_OK: for them the device starts with the first kick.
 */
#include "devices/virtio/virtio_priv.h"

#include "vmm/checked.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BIT(n) ((uint64_t)1 << (n))

/* What every device of ours offers. */
#define CORE_FEATURES                                     \
    (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_RESET) | \
     BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX))

/* To drivers from before 1.0; nothing of ours depends on a layout. */
#define LEGACY_FEATURES                                            \
    (BIT(VIRTIO_F_ANY_LAYOUT) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
     BIT(VIRTIO_RING_F_EVENT_IDX))

/* The status bits a driver can set. */
#define DRIVER_BITS                                            \
    (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |    \
     VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK | \
     VIRTIO_CONFIG_S_FAILED)

static bool has_status(const struct virtio *v, unsigned bits)
{
    return v->status & bits;
}

/* May the device look at its queues? */
static bool is_live(const struct virtio *v)
{
    return v->started && !v->resetting &&
           !has_status(v, VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED);
}

/* ---- for the device ---- */

struct virtq *virtio_queue(struct virtio *v, unsigned q)
{
    BUG_ON(q >= v->n_queues);
    return &v->queues[q].vq;
}

bool virtio_has(const struct virtio *v, unsigned feature_bit)
{
    return v->driver_features & BIT(feature_bit);
}

void virtio_publish(struct virtio *v, unsigned q)
{
    if (virtq_publish(virtio_queue(v, q)))
        v->transport->queue_interrupt(v->ctx, q);
}

void virtio_interrupt(struct virtio *v, unsigned q)
{
    BUG_ON(q >= v->n_queues);
    if (is_live(v))
        v->transport->queue_interrupt(v->ctx, q);
}

int virtio_queue_lend(struct virtio *v, unsigned q)
{
    BUG_ON(q >= v->n_queues);
    loop_drain(v->host.loop, &v->queues[q].kick_op);
    return v->queues[q].kick_fd;
}

void virtio_queue_reclaim(struct virtio *v, unsigned q)
{
    struct virtio_queue *queue = &v->queues[q];

    BUG_ON(q >= v->n_queues);
    if (queue->kick_op.kind == LOOP_IDLE)
        loop_watch(v->host.loop, &queue->kick_op, queue->kick_fd);
}

/* A driver hears of the configuration once it runs (2.1.2, 2.3). */
static void interrupt_config(struct virtio *v)
{
    if (has_status(v, VIRTIO_CONFIG_S_DRIVER_OK))
        v->transport->config_interrupt(v->ctx);
}

void virtio_config_changed(struct virtio *v)
{
    v->generation++;
    interrupt_config(v);
}

void virtio_broken(struct virtio *v, const char *why)
{
    if (has_status(v, VIRTIO_CONFIG_S_NEEDS_RESET))
        return;
    log_guest(&v->limit, "%s: %s: stopped until its driver resets it",
              v->ops->name, why);
    v->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
    for (unsigned q = 0; q < v->n_queues; q++)
        v->queues[q].vq.broken = true;
    interrupt_config(v);
}

/* ---- features and configuration ---- */

static uint64_t offered(const struct virtio *v)
{
    const uint64_t own = v->ops->offer(v->dev) & v->ops->features;

    if (v->legacy)
        return (own & UINT32_MAX) | LEGACY_FEATURES;
    return own | CORE_FEATURES;
}

bool virtio_begin_legacy(struct virtio *v)
{
    if (v->legacy || v->started || v->resetting ||
        has_status(v, VIRTIO_CONFIG_S_FEATURES_OK))
        return v->legacy;
    v->legacy = true;
    v->driver_features = 0;
    return true;
}

uint32_t virtio_read_features(const struct virtio *v, uint32_t select)
{
    return select < 2 ? (uint32_t)(offered(v) >> (32 * select)) : 0;
}

void virtio_write_features(struct virtio *v, uint32_t select, uint32_t bits)
{
    const unsigned shift = 32 * (select & 1);

    if (has_status(v, VIRTIO_CONFIG_S_FEATURES_OK) || v->started)
        return;
    if (v->legacy) {
        /* Nobody could tell it that it took too much. */
        v->driver_features = bits & offered(v);
        return;
    }
    if (select > 1) {
        v->alien_features |= bits != 0;
        return;
    }
    v->driver_features &= ~((uint64_t)UINT32_MAX << shift);
    v->driver_features |= (uint64_t)bits << shift;
}

uint32_t virtio_driver_features(const struct virtio *v, uint32_t select)
{
    return select < 2 ? (uint32_t)(v->driver_features >> (32 * select)) : 0;
}

/* 2.2: a subset of what is offered, and of this century (6.1). */
static bool features_acceptable(const struct virtio *v)
{
    return !v->alien_features && !(v->driver_features & ~offered(v)) &&
           virtio_has(v, VIRTIO_F_VERSION_1);
}

void virtio_read_config(const struct virtio *v, uint64_t off, void *buf,
                        unsigned n)
{
    if (range_ok(off, n, v->ops->config_size))
        v->ops->config_read(v->dev, (unsigned)off, buf, n);
    else
        memset(buf, 0xff, n);
}

void virtio_write_config(struct virtio *v, uint64_t off, const void *buf,
                         unsigned n)
{
    if (v->ops->config_write && range_ok(off, n, v->ops->config_size))
        v->ops->config_write(v->dev, (unsigned)off, buf, n);
}

/* ---- start and stop, on the loop ---- */

static void queue_defaults(struct virtio *v, unsigned q)
{
    struct virtio_queue *queue = &v->queues[q];

    virtq_stop(&queue->vq);
    queue->set = (struct virtq_config){.size = virtio_queue_max(v, q)};
    queue->ready = false;
}

/* Back to what the device was before any driver. Nothing is in flight. */
static void forget(struct virtio *v)
{
    for (unsigned q = 0; q < v->n_queues; q++) {
        queue_defaults(v, q);
        v->queues[q].was_reset = false;
        v->queues[q].stopping = false;
    }
    v->started = false;
    v->resetting = false;
    v->alien_features = false;
    v->legacy = false;
    v->driver_features = 0;
    v->status = 0;
    v->transport->reset(v->ctx);
}

static int start_queue(struct virtio *v, unsigned q)
{
    struct virtio_queue *queue = &v->queues[q];

    if (queue->set.size > virtio_queue_max(v, q))
        return -EINVAL;
    return virtq_start(&queue->vq, v->host.mem, &queue->set,
                       virtio_has(v, VIRTIO_RING_F_EVENT_IDX),
                       virtio_has(v, VIRTIO_RING_F_INDIRECT_DESC));
}

/* Let every queue run that is enabled and does not yet. */
static void start_queues(struct virtio *v)
{
    for (unsigned q = 0; q < v->n_queues; q++) {
        const struct virtio_queue *queue = &v->queues[q];

        if (!queue->ready || queue->vq.running)
            continue;
        if (start_queue(v, q) < 0) {
            virtio_broken(v, "a queue's size or addresses are wrong");
            return;
        }
    }
}

/* What became available before a queue ran must not wait for a kick. */
static void kick_queues(struct virtio *v)
{
    for (unsigned q = 0; q < v->n_queues && is_live(v); q++)
        if (v->queues[q].vq.running)
            v->ops->kick(v->dev, q);
}

static void start_device(struct virtio *v)
{
    start_queues(v);
    if (has_status(v, VIRTIO_CONFIG_S_NEEDS_RESET))
        return;
    if (!v->started) {
        v->started = true;
        v->ops->start(v->dev, v->driver_features);
    }
    kick_queues(v);
}

static void serve_start(struct virtio *v)
{
    if (!has_status(v, VIRTIO_CONFIG_S_DRIVER_OK) ||
        has_status(v, VIRTIO_CONFIG_S_NEEDS_RESET))
        return;
    if (!v->legacy && !has_status(v, VIRTIO_CONFIG_S_FEATURES_OK)) {
        virtio_broken(v, "DRIVER_OK without FEATURES_OK");
        return;
    }
    start_device(v);
}

static void stop_queue(struct virtio *v, unsigned q)
{
    if (v->started && v->ops->stop_queue)
        v->ops->stop_queue(v->dev, q);
    else if (v->started)
        v->ops->stop(v->dev);
    queue_defaults(v, q);
    v->queues[q].stopping = false;
}

static void serve_queue_stops(struct virtio *v)
{
    for (unsigned q = 0; q < v->n_queues; q++)
        if (v->queues[q].stopping)
            stop_queue(v, q);
}

static void service(struct loop_op *op, int res)
{
    struct virtio *v = op->owner;

    (void)res;
    if (v->resetting) {
        if (v->started)
            v->ops->stop(v->dev);
        forget(v);
        return;
    }
    serve_queue_stops(v);
    serve_start(v);
}

/*
 * Have the loop do it, and wait. It cannot answer while it ends or pauses
 * this very vCPU, which then runs no instruction before it has.
 */
static void call_service(struct virtio *v)
{
    if (loop_call(v->host.loop, &v->service) < 0)
        log_debug("%s: a reset is left to the loop", v->ops->name);
}

/* ---- status ---- */

static void reset(struct virtio *v)
{
    if (!v->started) {
        forget(v);
        return;
    }
    v->resetting = true;
    call_service(v);
}

void virtio_write_status(struct virtio *v, uint32_t status)
{
    const unsigned known =
        v->legacy ? DRIVER_BITS & ~(unsigned)VIRTIO_CONFIG_S_FEATURES_OK
                  : DRIVER_BITS;
    const unsigned added = status & known & ~(unsigned)v->status;

    if (status == 0) {
        reset(v);
        return;
    }
    if (v->resetting)
        return;
    /* Bits are only ever added (2.1.1); features are settled once. */
    v->status |= (uint8_t)(added & ~(unsigned)VIRTIO_CONFIG_S_FEATURES_OK);
    if ((added & VIRTIO_CONFIG_S_FEATURES_OK) && features_acceptable(v))
        v->status |= VIRTIO_CONFIG_S_FEATURES_OK;
    if (added & VIRTIO_CONFIG_S_DRIVER_OK)
        loop_post(v->host.loop, &v->service);
}

/* ---- queues ---- */

uint16_t virtio_queue_max(const struct virtio *v, unsigned q)
{
    return q < v->n_queues ? v->ops->queue_size(v->dev, q) : 0;
}

struct virtq_config *virtio_queue_setup(struct virtio *v, unsigned q)
{
    struct virtio_queue *queue;

    if (q >= v->n_queues || v->resetting)
        return NULL;
    queue = &v->queues[q];
    if (queue->ready || queue->stopping)
        return NULL;
    if (has_status(v, VIRTIO_CONFIG_S_DRIVER_OK) && !queue->was_reset &&
        !v->legacy)
        return NULL;
    return &queue->set;
}

bool virtio_queue_ready(const struct virtio *v, unsigned q)
{
    return q < v->n_queues && v->queues[q].ready;
}

bool virtio_queue_stopping(const struct virtio *v, unsigned q)
{
    return q < v->n_queues && v->queues[q].stopping;
}

void virtio_queue_enable(struct virtio *v, unsigned q)
{
    if (!virtio_queue_setup(v, q))
        return;
    v->queues[q].ready = true;
    if (has_status(v, VIRTIO_CONFIG_S_DRIVER_OK))
        loop_post(v->host.loop, &v->service);
}

void virtio_queue_stop(struct virtio *v, unsigned q)
{
    if (v->resetting || !virtio_queue_ready(v, q))
        return;
    if (!v->started) {
        v->queues[q].ready = false;
        return;
    }
    v->queues[q].stopping = true;
    call_service(v);
}

void virtio_queue_reset(struct virtio *v, unsigned q)
{
    if (!virtio_has(v, VIRTIO_F_RING_RESET) || q >= v->n_queues)
        return;
    v->queues[q].was_reset = true;
    virtio_queue_stop(v, q);
}

/* Does a driver from before 1.0 use a queue that does not run yet? */
static bool is_early(const struct virtio *v, const struct virtio_queue *queue)
{
    return v->legacy && queue->ready && !queue->vq.running && !v->resetting &&
           !has_status(v, VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED);
}

static void on_kick(struct loop_op *op, int res)
{
    const struct virtio_queue *queue = op->owner;
    struct virtio *v = queue->v;

    if (res < 0)
        return;
    if (is_early(v, queue))
        start_device(v);
    else if (is_live(v) && queue->vq.running)
        v->ops->kick(v->dev, (unsigned)(queue - v->queues));
}

void virtio_notify(struct virtio *v, uint32_t q)
{
    if (q < v->n_queues)
        (void)eventfd_write(v->queues[q].kick_fd, 1);
}

/* ---- making and taking apart ---- */

/*
 * The eventfd is watched and never read: the loop hears of each signal, and
 * the count that grows has 64 bits.
 */
static int init_queue(struct virtio *v, unsigned q)
{
    struct virtio_queue *queue = &v->queues[q];
    const struct kick_ops *kicks = v->host.kicks;
    struct kick_reg reg;
    int ret = 0;

    queue->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->kick_fd < 0) {
        log_error("%s: eventfd: %s: raise the open-files limit (ulimit -n)",
                  v->ops->name, strerror(errno));
        return -errno;
    }
    queue->kick_op = (struct loop_op){.fn = on_kick, .owner = queue};
    loop_watch(v->host.loop, &queue->kick_op, queue->kick_fd);
    if (!kicks || !v->transport->kick_reg)
        return 0;
    v->transport->kick_reg(v->ctx, q, &reg);
    ret = kicks->bind(kicks->ctx, &reg, queue->kick_fd);
    queue->bound = ret == 0;
    return ret;
}

static void fini_queue(struct virtio *v, unsigned q)
{
    struct virtio_queue *queue = &v->queues[q];
    const struct kick_ops *kicks = v->host.kicks;
    struct kick_reg reg;

    if (queue->kick_fd < 0)
        return;
    if (queue->bound) {
        v->transport->kick_reg(v->ctx, q, &reg);
        kicks->unbind(kicks->ctx, &reg, queue->kick_fd);
    }
    loop_drain(v->host.loop, &queue->kick_op);
    close(queue->kick_fd);
}

static int alloc_queues(struct virtio *v)
{
    const unsigned n = v->ops->n_queues(v->dev);

    BUG_ON(n > VIRTIO_MAX_QUEUES);
    v->queues = calloc(n, sizeof(*v->queues));
    if (!v->queues) {
        log_error("%s: out of memory", v->ops->name);
        return -ENOMEM;
    }
    v->n_queues = n;
    for (unsigned q = 0; q < n; q++) {
        v->queues[q].v = v;
        v->queues[q].kick_fd = -1;
        queue_defaults(v, q);
    }
    return 0;
}

int virtio_init(struct virtio *v, const struct virtio_host *host,
                const struct virtio_dev_ops *ops, void *dev,
                const struct virtio_transport *transport, void *ctx)
{
    int ret;

    *v = (struct virtio){
        .ops = ops,
        .dev = dev,
        .transport = transport,
        .ctx = ctx,
        .host = *host,
        .service = {.fn = service, .owner = v},
    };
    ret = alloc_queues(v);
    for (unsigned q = 0; q < v->n_queues && ret == 0; q++)
        ret = init_queue(v, q);
    if (ret < 0) {
        virtio_fini(v);
        return ret;
    }
    if (ops->attach)
        ops->attach(dev, v);
    return 0;
}

void virtio_fini(struct virtio *v)
{
    loop_drain(v->host.loop, &v->service);
    if (v->started)
        v->ops->stop(v->dev);
    for (unsigned q = 0; q < v->n_queues; q++)
        fini_queue(v, q);
    if (v->ops->attach)
        v->ops->attach(v->dev, NULL);
    free(v->queues);
}
