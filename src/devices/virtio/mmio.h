/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmio.h: the virtio-mmio transport (virtio 1.2, 4.2), version 2.
 *
 * One page of MMIO registers per device. QueueNotify is bound to an eventfd
 * per queue; the interrupt is an edge on an irqfd, at most one per loop turn.
 * Thread: register access with the board lock held; a write of 0 to Status
 * gives it up while the loop ends what is in flight.
 */
#ifndef VIRTIO_MMIO_H
#define VIRTIO_MMIO_H

#include "devices/virtio/virtio.h"
#include "vmm/device.h"

#define VIRTIO_MMIO_SIZE 0x1000u

struct virtio_mmio;

/*
 * Make the transport for a device (ops, dev borrowed) whose registers lie at
 * base and whose interrupt is the irqfd (borrowed). NULL after logging. Loop
 * thread.
 */
struct virtio_mmio *virtio_mmio_create(const struct virtio_host *host,
                                       const struct virtio_dev_ops *ops,
                                       void *dev, gpa_t base, int irqfd);
/* Stops the device first. Loop thread, no vCPU runs. */
void virtio_mmio_destroy(struct virtio_mmio *t);

/* The half the device talks to. */
struct virtio *virtio_mmio_virtio(struct virtio_mmio *t);

extern const struct io_ops virtio_mmio_ops; /* VIRTIO_MMIO_SIZE bytes */

#endif
