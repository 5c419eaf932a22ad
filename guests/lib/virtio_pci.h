/* SPDX-License-Identifier: MIT */
/*
 * virtio_pci.h: the registers of virtio-pci, for tests that use them the
 * wrong way. Source: virtio 1.2, 4.1.4.
 */
#ifndef GUEST_VIRTIO_PCI_H
#define GUEST_VIRTIO_PCI_H

#include <stdint.h>

/* The type of a vendor capability, at offset 3 of it. */
enum virtio_pci_cap {
    VPCI_COMMON = 1,
    VPCI_NOTIFY = 2,
    VPCI_ISR = 3,
    VPCI_DEVICE = 4,
    VPCI_WINDOW = 5,
};

/* Offsets in such a capability. */
#define VPCI_CAP_TYPE   3u
#define VPCI_CAP_BAR    4u
#define VPCI_CAP_OFFSET 8u
#define VPCI_CAP_LENGTH 12u
#define VPCI_CAP_EXTRA  16u /* notify: the multiplier; window: the data */

/* The common configuration. */
enum virtio_pci_register {
    VPCI_DEVICE_SELECT = 0x00,
    VPCI_DEVICE_FEATURES = 0x04,
    VPCI_DRIVER_SELECT = 0x08,
    VPCI_DRIVER_FEATURES = 0x0c,
    VPCI_CONFIG_VECTOR = 0x10,
    VPCI_NUM_QUEUES = 0x12,
    VPCI_STATUS = 0x14,
    VPCI_GENERATION = 0x15,
    VPCI_QUEUE_SELECT = 0x16,
    VPCI_QUEUE_SIZE = 0x18,
    VPCI_QUEUE_VECTOR = 0x1a,
    VPCI_QUEUE_ENABLE = 0x1c,
    VPCI_QUEUE_NOTIFY_OFF = 0x1e,
    VPCI_QUEUE_DESC = 0x20,
    VPCI_QUEUE_AVAIL = 0x28,
    VPCI_QUEUE_USED = 0x30,
    VPCI_QUEUE_RESET = 0x3a,
    VPCI_COMMON_END = 0x3c,
};

#endif
