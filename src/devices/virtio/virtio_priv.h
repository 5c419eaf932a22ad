/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio_priv.h: the half of a transport that is the same for all of them;
 * for mmio.c and its like only.
 *
 * A transport embeds a struct virtio, decodes registers, and calls what is
 * declared here. It may read all fields; virtio.c alone writes them, but for
 * the queue configuration that virtio_queue_setup lends.
 *
 * Thread: board lock held; init and fini on the loop thread.
 */
#ifndef VIRTIO_PRIV_H
#define VIRTIO_PRIV_H

#include "devices/virtio/virtio.h"
#include "vmm/log.h"

/* What the common half asks of a transport; const, never written. */
struct virtio_transport {
    /* Used buffers in q; the configuration changed. Loop thread. */
    void (*queue_interrupt)(void *ctx, unsigned q);
    void (*config_interrupt)(void *ctx);
    /* The register whose write kicks queue q. NULL: the transport binds
     * kick_fd itself, where and when the guest decides. */
    void (*kick_reg)(void *ctx, unsigned q, struct kick_reg *reg);
    /* The device was reset: forget interrupts not yet acknowledged. */
    void (*reset)(void *ctx);
};

struct virtio_queue {
    struct virtio *v;
    struct virtq vq;
    struct virtq_config set; /* as the driver wrote it */
    bool ready;              /* enabled by the driver: set is frozen */
    bool was_reset;          /* may be set up again after DRIVER_OK */
    bool stopping;           /* to be stopped by the loop */
    bool bound;              /* kick_fd is bound to the notify register */
    int kick_fd;             /* owned */
    struct loop_op kick_op;
};

struct virtio {
    const struct virtio_dev_ops *ops; /* borrowed */
    void *dev;                        /* borrowed */
    const struct virtio_transport *transport;
    void *ctx; /* the transport */
    struct virtio_host host;
    struct virtio_queue *queues; /* owned */
    unsigned n_queues;
    uint64_t driver_features;
    bool alien_features; /* the driver took some that nobody has a bit for */
    bool legacy;         /* the driver is from before 1.0 */
    uint8_t status;
    bool started;   /* the device was told of DRIVER_OK */
    bool resetting; /* 0 was written, and something may be in flight */
    uint32_t generation;
    struct loop_op service; /* start and stop, on the loop */
    struct log_limit limit;
};

/*
 * Make the common half: queues, kicks and their watches. Returns 0 or
 * -errno, logged.
 */
must_check int virtio_init(struct virtio *v, const struct virtio_host *host,
                           const struct virtio_dev_ops *ops, void *dev,
                           const struct virtio_transport *transport, void *ctx);
/* Stop the device and free what virtio_init made. */
void virtio_fini(struct virtio *v);

/*
 * The driver uses the interface from before virtio 1.0 (until it resets the
 * device): 32 feature bits without VERSION_1, no FEATURES_OK, and a queue that
 * is kicked works, DRIVER_OK or not. False: it uses the other one.
 */
must_check bool virtio_begin_legacy(struct virtio *v);

/* 32 feature bits from bit 32 * select on. */
uint32_t virtio_read_features(const struct virtio *v, uint32_t select);
void virtio_write_features(struct virtio *v, uint32_t select, uint32_t bits);
/* What the driver wrote. */
uint32_t virtio_driver_features(const struct virtio *v, uint32_t select);

/* Writing 0 is a reset and waits for its end. */
void virtio_write_status(struct virtio *v, uint32_t status);

/* The most entries of queue q; 0 if there is no such queue. */
uint16_t virtio_queue_max(const struct virtio *v, unsigned q);
/* What the driver may change of queue q now, or NULL. */
struct virtq_config *virtio_queue_setup(struct virtio *v, unsigned q);
bool virtio_queue_ready(const struct virtio *v, unsigned q);
/* Enable; frozen from here on. Nothing happens to a queue already in use. */
void virtio_queue_enable(struct virtio *v, unsigned q);
/* Stop one queue and wait for its end. */
void virtio_queue_stop(struct virtio *v, unsigned q);
/* VIRTIO_F_RING_RESET: the same, and it may be set up again. */
void virtio_queue_reset(struct virtio *v, unsigned q);
bool virtio_queue_stopping(const struct virtio *v, unsigned q);
/* A kick that came as an exit. */
void virtio_notify(struct virtio *v, uint32_t q);

/* Device configuration; outside of it reads all-ones, writes vanish. */
void virtio_read_config(const struct virtio *v, uint64_t off, void *buf,
                        unsigned n);
void virtio_write_config(struct virtio *v, uint64_t off, const void *buf,
                         unsigned n);

#endif
