/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pci_priv.h: what the files of the virtio-pci transport share: pci.c (the
 * function, its interrupts and kicks), pci_regs.c (the modern BARs),
 * pci_legacy.c (the I/O BAR of the old interface).
 */
#ifndef VIRTIO_PCI_PRIV_H
#define VIRTIO_PCI_PRIV_H

#include "devices/pci/msix.h"
#include "devices/virtio/pci.h"
#include "devices/virtio/virtio_priv.h"

#include <linux/virtio_pci.h>

#define BAR_LEGACY 0u /* where the old interface has to be */
#define BAR_MODERN 1u
#define BAR_NOTIFY 2u /* I/O: a kick there needs no instruction decoded */
#define N_BARS     3u

/* The memory BAR: a page for each structure, so that none is next to another
 * that a guest might want to map elsewhere. */
#define PAGE_COMMON  0x0000u
#define PAGE_ISR     0x1000u
#define PAGE_DEVICE  0x2000u
#define PAGE_NOTIFY  0x3000u
#define PAGE_TABLE   0x4000u
#define PAGE_PENDING 0x5000u
#define PAGE_SIZE    0x1000u
#define MODERN_SIZE  0x8000u

#define NOTIFY_STRIDE 4u /* bytes from queue to queue */

#define COMMON_SIZE 0x3cu /* with queue_notify_data and queue_reset */

/* Notify registers of a BAR, a bit per queue. */
struct virtio_pci_kicks {
    uint32_t wanted; /* queues that were enabled by its interface */
    uint32_t bound;  /* those of them that are bound to their eventfd */
};

struct virtio_pci {
    struct pci_func func;
    struct virtio v;
    struct msix msix;
    uint8_t isr;
    uint16_t config_vector;
    uint16_t vectors[VIRTIO_MAX_QUEUES];
    uint32_t device_features_sel;
    uint32_t driver_features_sel;
    uint16_t queue_sel;
    unsigned window; /* offset of the capability to reach BARs through */
    unsigned reset;  /* offset of the one for function-level reset */
    struct virtio_pci_kicks kicks[N_BARS];
};

/* For both register sets (pci.c). */
uint8_t virtio_pci_read_isr(struct virtio_pci *t);
/* The driver wants q, or no longer, interrupting by vector. */
void virtio_pci_set_queue_vector(struct virtio_pci *t, unsigned q,
                                 uint16_t vector);
uint16_t virtio_pci_queue_vector(const struct virtio_pci *t, unsigned q);
void virtio_pci_set_config_vector(struct virtio_pci *t, uint16_t vector);
/* The driver enables the selected queue, and will kick it in this BAR. */
void virtio_pci_enable_queue(struct virtio_pci *t, unsigned bar);

/* The BARs (pci_regs.c, pci_legacy.c). */
extern const struct io_ops virtio_pci_modern_ops;
extern const struct io_ops virtio_pci_notify_ops;
extern const struct io_ops virtio_pci_legacy_ops;

/* Bytes of the I/O BAR for a device's configuration space. */
uint32_t virtio_pci_legacy_size(const struct virtio_dev_ops *ops);

#endif
