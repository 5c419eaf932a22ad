/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vrng.h: the entropy device (virtio 1.2, 5.4): the host's random numbers.
 */
#ifndef VIRTIO_VRNG_H
#define VIRTIO_VRNG_H

#include "devices/virtio/virtio.h"

struct vrng;

/* NULL after logging. loop is borrowed. */
struct vrng *vrng_create(struct loop *loop);
/* After its transport. */
void vrng_destroy(struct vrng *r);

extern const struct virtio_dev_ops vrng_ops;

#endif
