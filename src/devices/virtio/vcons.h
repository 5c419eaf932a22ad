/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vcons.h: the console device (virtio 1.2, 5.3): byte streams between the
 * guest and one struct chr each.
 *
 * With one port it is a terminal of the guest and nothing else. With the
 * multiport feature ports have names, and may be plain streams. Thread: loop,
 * board lock held.
 */
#ifndef VIRTIO_VCONS_H
#define VIRTIO_VCONS_H

#include "devices/backend/chr.h"
#include "devices/virtio/virtio.h"

#define VCONS_MAX_PORTS 15 /* what VIRTIO_MAX_QUEUES has room for */
#define VCONS_NAME_MAX  63 /* bytes */

struct vcons_port_config {
    struct chr *chr;  /* borrowed */
    const char *name; /* borrowed, at most VCONS_NAME_MAX; NULL: none */
    bool console;     /* a terminal of the guest; else a stream of bytes */
};

struct vcons_config {
    struct vcons_port_config ports[VCONS_MAX_PORTS];
    unsigned n_ports; /* from 1; more than 1 needs multiport */
    bool multiport;
    bool sized; /* vcons_resize will tell a size */
};

struct vcons;

/* Make the front-end; loop is borrowed. NULL after logging. */
struct vcons *vcons_create(struct loop *loop, const struct vcons_config *cfg);
/* After its transport; input not yet taken stays with the chr. */
void vcons_destroy(struct vcons *c);

/* The operator's terminal has this size. */
void vcons_resize(struct vcons *c, uint16_t cols, uint16_t rows);

extern const struct virtio_dev_ops vcons_ops;

#endif
