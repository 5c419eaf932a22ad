/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio.h: a virtio device and its transport, two tables apart.
 *
 * A device (blk, net, ...) is a const struct virtio_dev_ops and private
 * state; it knows queues and configuration space, and nothing of registers.
 * A transport (mmio, pci) owns the registers and the status machine common
 * to both (virtio.c) and lends the device two things: kicks in, interrupts
 * out. Neither table is ever written.
 *
 * Threads: a device's functions run on the loop, with the board lock held;
 * config_read and config_write on a vCPU thread too, and these must not reach
 * for the loop.
 *
 * Kicks: the transport binds an eventfd to each queue's notify register
 * (KVM_IOEVENTFD); the loop watches it and calls ops->kick. Interrupts:
 * virtio_interrupt is called at most once per queue and loop turn and goes
 * out as a write to an irqfd.
 *
 * Reset (status 0, or queue_reset): ops->stop must bring everything in
 * flight to its end. It runs on the loop thread; a vCPU that wrote the
 * status waits for it, so that the register reads 0 only when the guest's
 * memory is its own again. When one queue is reset, the others go on: they
 * are kicked after stop.
 *
 * Source: virtio 1.2, 2.1 (status), 2.2 (features), 2.5 (configuration),
 * 2.6 (virtqueues), 3.1 (initialization).
 */
#ifndef VIRTIO_VIRTIO_H
#define VIRTIO_VIRTIO_H

#include "devices/virtio/virtq.h"
#include "vmm/kick.h"
#include "vmm/loop.h"
#include "vmm/types.h"

#define VIRTIO_MAX_QUEUES 32

struct virtio; /* the common half: status machine, queues */

/* What a transport needs of the machine; all borrowed. */
struct virtio_host {
    struct loop *loop; /* its lock is the board lock */
    struct gmem *mem;
    const struct kick_ops *kicks; /* NULL: a kick is an exit */
};

struct virtio_dev_ops {
    const char *name;   /* "virtio-blk" */
    uint16_t id;        /* virtio 1.2 section 5 */
    uint32_t pci_class; /* class << 16 | subclass << 8 | prog-if */
    uint64_t features;  /* device bits this code knows */
    /* May be NULL: the way to the queues, first of all; NULL when it ends. */
    void (*attach)(void *dev, struct virtio *v);
    /* Of features, those this instance offers now. */
    uint64_t (*offer)(void *dev);
    unsigned (*n_queues)(void *dev);
    uint16_t (*queue_size)(void *dev, unsigned q); /* maximum, 2^n */
    unsigned config_size; /* bytes of configuration space; 0: no reading */
    void (*config_read)(void *dev, unsigned off, void *buf, unsigned n);
    /* NULL: read only. Inside config_size. */
    void (*config_write)(void *dev, unsigned off, const void *buf, unsigned n);
    /* DRIVER_OK: features are settled, enabled queues run; kicks follow. */
    void (*start)(void *dev, uint64_t features);
    /* A queue was kicked, or may have work. */
    void (*kick)(void *dev, unsigned q);
    /*
     * Bring all that is in flight to an end: every chain popped is pushed.
     * One queue, or all, stop next; those that do not are kicked. Also
     * before the device goes, when no vCPU runs.
     */
    void (*stop)(void *dev);
    /* The same for one queue, leaving others alone; NULL: stop does it. */
    void (*stop_queue)(void *dev, unsigned q);
};

/* The device's way to its queues and to the guest's attention. */
struct virtq *virtio_queue(struct virtio *v, unsigned q);
/* Was it negotiated? */
bool virtio_has(const struct virtio *v, unsigned feature_bit);
/* Publish what was pushed on q and interrupt if the driver wants it. */
void virtio_publish(struct virtio *v, unsigned q);
/* Interrupt the driver for q: another process served it and decided so. */
void virtio_interrupt(struct virtio *v, unsigned q);
/*
 * Lend a queue's kicks to another process: the eventfd (borrowed), which the
 * loop does not watch until virtio_queue_reclaim. Before and after that, kicks
 * reach ops->kick.
 */
int virtio_queue_lend(struct virtio *v, unsigned q);
void virtio_queue_reclaim(struct virtio *v, unsigned q);
/* The configuration changed: new generation, configuration interrupt. */
void virtio_config_changed(struct virtio *v);
/* The driver broke the protocol: NEEDS_RESET; the device is not called again
 * before a reset. Logged, rate-limited. */
void virtio_broken(struct virtio *v, const char *why);

#endif
