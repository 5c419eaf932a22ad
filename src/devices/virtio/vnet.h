/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vnet.h: the network device (virtio 1.2, 5.1) in front of a struct net.
 */
#ifndef VIRTIO_VNET_H
#define VIRTIO_VNET_H

#include "devices/backend/net.h"
#include "devices/virtio/virtio.h"

#define VNET_MAX_PAIRS NET_MAX_QUEUES

struct vnet_config {
    uint16_t queue_size; /* power of two, 16..VNET_MAX_SIZE */
};

#define VNET_MAX_SIZE 512u

struct vnet;

/*
 * Make the front-end of a started link; net and loop are borrowed. NULL after
 * logging.
 */
struct vnet *vnet_create(struct net *net, struct loop *loop,
                         const struct vnet_config *cfg);
/* After its transport. */
void vnet_destroy(struct vnet *n);

extern const struct virtio_dev_ops vnet_ops;

#endif
