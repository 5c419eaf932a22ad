/* SPDX-License-Identifier: MIT */
/*
 * virtio.h: a virtio device as its driver meets it, whatever the transport.
 * Source: virtio 1.2, 2.1 (status), 2.2 (features), 3.1 (initialization).
 *
 * A transport is a const table; virtio_find looks for a device by each of
 * them. Nothing here insists on the right order of things: a test may well
 * do them wrongly. Thread: the boot CPU, unless a test says otherwise.
 */
#ifndef GUEST_VIRTIO_H
#define GUEST_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#define VIRTIO_ID_NET     1u
#define VIRTIO_ID_BLOCK   2u
#define VIRTIO_ID_CONSOLE 3u
#define VIRTIO_ID_RNG     4u

#define VIRTIO_ACKNOWLEDGE 0x01u
#define VIRTIO_DRIVER      0x02u
#define VIRTIO_DRIVER_OK   0x04u
#define VIRTIO_FEATURES_OK 0x08u
#define VIRTIO_NEEDS_RESET 0x40u
#define VIRTIO_FAILED      0x80u

#define VIRTIO_F_INDIRECT   (1ull << 28)
#define VIRTIO_F_EVENT_IDX  (1ull << 29)
#define VIRTIO_F_VERSION_1  (1ull << 32)
#define VIRTIO_F_PACKED     (1ull << 34)
#define VIRTIO_F_RING_RESET (1ull << 40)

#define VIRTIO_ISR_QUEUE  1u
#define VIRTIO_ISR_CONFIG 2u

struct virtio;

/* Where a queue is, as the device is told. */
struct virtio_place {
    uint32_t size;
    uint64_t desc, avail, used;
};

/* What a transport can do; const, never written. */
struct virtio_bus {
    const char *name;
    /* True if there is a device with this index; it is filled in. */
    bool (*probe)(struct virtio *v, unsigned index);
    uint64_t (*features)(struct virtio *v);
    void (*set_features)(struct virtio *v, uint64_t bits);
    uint8_t (*status)(struct virtio *v);
    void (*set_status)(struct virtio *v, uint8_t status);
    uint16_t (*queue_max)(struct virtio *v, uint16_t q);
    void (*queue_place)(struct virtio *v, uint16_t q,
                        const struct virtio_place *at);
    void (*queue_enable)(struct virtio *v, uint16_t q);
    bool (*queue_enabled)(struct virtio *v, uint16_t q);
    void (*queue_reset)(struct virtio *v, uint16_t q);
    bool (*queue_resetting)(struct virtio *v, uint16_t q);
    void (*notify)(struct virtio *v, uint16_t q);
    /* The causes of an interrupt, which are acknowledged. */
    uint32_t (*causes)(struct virtio *v);
    uint32_t (*generation)(struct virtio *v);
    /* Interrupts of all causes arrive as this vector on this CPU. */
    void (*route)(struct virtio *v, unsigned vector);
};

struct virtio {
    const struct virtio_bus *bus;
    uintptr_t base;   /* of its registers */
    uintptr_t config; /* of its configuration space */
    uint32_t id;
    uint32_t gsi;
    uint64_t features; /* negotiated by virtio_begin */
    /* virtio-pci's own */
    uintptr_t function; /* its configuration space */
    unsigned slot;
    uintptr_t isr;
    uintptr_t notify_at;
    uint16_t notify_port; /* the same, at ports; 0: none */
    uint32_t notify_step; /* bytes from queue to queue */
};

/* The nth device (from 0) of a kind; false if there are fewer. */
bool virtio_find(struct virtio *v, uint32_t id, unsigned nth);

/* Write 0 to the status and wait until it reads 0; false after a while. */
bool virtio_reset(struct virtio *v);

/*
 * Reset, ACKNOWLEDGE, DRIVER, negotiate VERSION_1 and those of wanted that
 * are offered, FEATURES_OK. False if the device does not take them. Queues
 * can be set up now; then virtio_go.
 */
bool virtio_begin(struct virtio *v, uint64_t wanted);
/* DRIVER_OK. */
void virtio_go(struct virtio *v);

uint8_t virtio_status(struct virtio *v);

/* Wait until all these bits are in the status; says whether they came. */
bool virtio_await_status(struct virtio *v, uint8_t bits, uint64_t ns);

extern const struct virtio_bus virtio_mmio_bus, virtio_pci_bus;

#endif
