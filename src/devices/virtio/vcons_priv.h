/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vcons_priv.h: what vcons.c (the device), vcons_port.c (the bytes of a port)
 * and vcons_ctl.c (messages about ports) share.
 */
#ifndef VIRTIO_VCONS_PRIV_H
#define VIRTIO_VCONS_PRIV_H

#include "devices/virtio/vcons.h"
#include "vmm/log.h"

#define VCONS_RX_SIZE  16 /* drivers fill it with a page for each entry */
#define VCONS_TX_SIZE  64
#define VCONS_CTL_SIZE 16
#define VCONS_CTL_RX   2u /* queues of the control messages */
#define VCONS_CTL_TX   3u

/* Messages due to the driver about one port, in the order they go out. */
enum vcons_due {
    VCONS_DUE_ADD,
    VCONS_DUE_CONSOLE,
    VCONS_DUE_NAME,
    VCONS_DUE_OPEN,
    VCONS_DUE_RESIZE,
};

struct vcons_port {
    struct vcons *c;
    struct chr *chr;  /* borrowed */
    const char *name; /* borrowed, or NULL */
    bool console;
    unsigned rx, tx; /* its queues */
    bool ready;      /* the driver knows it */
    bool open;       /* somebody in the guest takes input */
    unsigned due;    /* bits of enum vcons_due */
    bool sending;    /* out is popped and not all of it written yet */
    uint64_t sent;   /* bytes of it */
    struct vchain out;
    struct iovec iov[VCONS_TX_SIZE + 2]; /* of out */
};

struct vcons {
    struct loop *loop; /* borrowed */
    struct virtio *v;  /* borrowed */
    bool multiport;    /* offered */
    bool sized;
    uint16_t cols, rows;
    bool live;      /* between start and stop */
    uint32_t again; /* queues that have work left, as bits */
    struct loop_op turn;
    struct log_limit limit;
    struct iovec iov[VCONS_TX_SIZE + 2]; /* of a chain done with at once */
    unsigned char bytes[4096];           /* on their way */
    unsigned n_ports;
    struct vcons_port ports[VCONS_MAX_PORTS];
};

_Static_assert(VIRTIO_MAX_QUEUES <= 32, "bits of again");
_Static_assert(2 * VCONS_MAX_PORTS + 2 <= VIRTIO_MAX_QUEUES, "queues");

/* Move the guest's output to the chr, or the chr's input to the guest. */
void vcons_port_send(struct vcons_port *p);
void vcons_port_receive(struct vcons_port *p);
/* Be told by the chr, or (false) no more. */
void vcons_port_attach(struct vcons_port *p, bool on);
/* Give back a chain that was not written to its end. */
void vcons_port_stop(struct vcons_port *p);

/* Serve the driver's messages; send it those that are due. */
void vcons_ctl_receive(struct vcons *c);
void vcons_ctl_send(struct vcons *c);
/* A message about the port is due. */
void vcons_ctl_due(struct vcons_port *p, enum vcons_due what);

/* Queue q has work left that others shall not wait for. */
void vcons_again(struct vcons *c, unsigned q);
/*
 * Publish what was pushed on q; ret is virtq_pop's last answer. True: it was
 * 0, and with listen set nothing came in between: the driver kicks again.
 */
void vcons_done(struct vcons *c, unsigned q, int ret, bool listen);

#endif
