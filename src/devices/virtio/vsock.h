/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vsock.h: the socket device (virtio 1.2, 5.10): streams between ports of
 * the guest and programs of the host, over a struct uds.
 */
#ifndef VIRTIO_VSOCK_H
#define VIRTIO_VSOCK_H

#include "devices/backend/uds.h"
#include "devices/virtio/virtio.h"

/* Addresses a guest cannot have: those below, and the two last. */
#define VSOCK_MIN_CID 3u
#define VSOCK_MAX_CID 0xfffffffdu

struct vsock;

/*
 * The device of a guest with this address; uds (started) and loop are
 * borrowed. NULL after logging.
 */
struct vsock *vsock_create(struct uds *uds, struct loop *loop, uint32_t cid);
/* After its transport. */
void vsock_destroy(struct vsock *v);

extern const struct virtio_dev_ops vsock_ops;

#endif
