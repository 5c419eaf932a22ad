/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toy_dev.h: a device of two queues that returns what it gets, or holds it
 * until it is stopped; for a rig of whatever transport.
 */
#ifndef TESTS_TOY_DEV_H
#define TESTS_TOY_DEV_H

#include "devices/virtio/virtio.h"
#include "ring_driver.h"

#include <linux/virtio_config.h>
#include <stdlib.h>

#define F_TOY  BIT(3)
#define F_BASE (F_TOY | BIT(VIRTIO_F_VERSION_1))
#define F_ALL                                                           \
    (F_BASE | BIT(VIRTIO_F_RING_RESET) | BIT(VIRTIO_RING_F_EVENT_IDX) | \
     BIT(VIRTIO_RING_F_INDIRECT_DESC))
#define SIZE 16

struct toy {
    struct virtio *v;
    unsigned starts;
    unsigned stops;
    unsigned kicks[2];
    uint64_t features;
    unsigned char config[8];
    bool hold;
    uint16_t held[SIZE]; /* heads of queue 0 */
    unsigned n_held;
    struct iovec iov[VIRTQ_MAX_IOV];
};

static inline void toy_attach(void *dev, struct virtio *v)
{
    ((struct toy *)dev)->v = v;
}

static inline uint64_t toy_offer(void *dev)
{
    (void)dev;
    return F_TOY;
}

static inline unsigned toy_n_queues(void *dev)
{
    (void)dev;
    return 2;
}

static inline uint16_t toy_queue_size(void *dev, unsigned q)
{
    (void)dev;
    (void)q;
    return SIZE;
}

static inline void toy_config_read(void *dev, unsigned off, void *buf,
                                   unsigned n)
{
    memcpy(buf, ((struct toy *)dev)->config + off, n);
}

static inline void toy_config_write(void *dev, unsigned off, const void *buf,
                                    unsigned n)
{
    memcpy(((struct toy *)dev)->config + off, buf, n);
}

static inline void toy_start(void *dev, uint64_t features)
{
    struct toy *toy = dev;

    toy->starts++;
    toy->features = features;
}

static inline void toy_kick(void *dev, unsigned queue)
{
    struct toy *toy = dev;
    struct virtq *q = virtio_queue(toy->v, queue);
    struct vchain c = {.iov = toy->iov, .max = VIRTQ_MAX_IOV};
    int ret;

    toy->kicks[queue]++;
    do {
        while ((ret = virtq_pop(q, &c)) > 0) {
            if (toy->hold && queue == 0)
                toy->held[toy->n_held++] = c.head;
            else
                virtq_push(q, c.head, (uint32_t)c.in_bytes);
        }
    } while (ret == 0 && virtq_listen(q));
    virtio_publish(toy->v, queue);
    if (ret < 0)
        virtio_broken(toy->v, q->why);
}

static inline void toy_stop(void *dev)
{
    struct toy *toy = dev;

    toy->stops++;
    while (toy->n_held)
        virtq_push(virtio_queue(toy->v, 0), toy->held[--toy->n_held], 0);
}

static const struct virtio_dev_ops toy_ops = {
    .name = "toy",
    .id = 42,
    .features = F_TOY,
    .attach = toy_attach,
    .offer = toy_offer,
    .n_queues = toy_n_queues,
    .queue_size = toy_queue_size,
    .config_size = 8,
    .config_read = toy_config_read,
    .config_write = toy_config_write,
    .start = toy_start,
    .kick = toy_kick,
    .stop = toy_stop,
};

#endif
