/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfs.h: the file system device (virtio 1.2, 5.11), served by another process
 * over vhost-user.
 */
#ifndef VIRTIO_VFS_H
#define VIRTIO_VFS_H

#include "devices/backend/share.h"
#include "devices/virtio/virtio.h"

#define VFS_TAG_MAX 36 /* bytes, not terminated if all are used */

struct vfs;

/*
 * The device of a started share; share, loop and mem are borrowed. mem is of
 * gmem_create_on. NULL after logging.
 */
struct vfs *vfs_create(struct share *share, struct loop *loop,
                       struct gmem *mem);
/* After its transport. */
void vfs_destroy(struct vfs *f);

extern const struct virtio_dev_ops vfs_ops;

#endif
