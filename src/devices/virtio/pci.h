/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pci.h: the virtio-pci transport (virtio 1.2, 4.1): modern, or transitional
 * with the I/O BAR of drivers from before 1.0 as well.
 *
 * Modern registers lie in one memory BAR with the MSI-X table; each queue has
 * a notify register of its own, there and at a port, and the port is bound to
 * its eventfd as soon as the queue is enabled. Interrupts are MSI-X vectors,
 * or INTA# for a guest that enables none; at most one per vector and loop
 * turn.
 *
 * Threads: register and configuration accesses with the board lock held; a
 * write of 0 to the status, or a function-level reset, gives it up while the
 * loop ends what is in flight.
 */
#ifndef VIRTIO_PCI_H
#define VIRTIO_PCI_H

#include "devices/pci/pci.h"
#include "devices/virtio/virtio.h"
#include "mmu/rom.h"
#include "vmm/kick.h"

struct virtio_pci;

struct virtio_pci_config {
    struct pci_bus *bus; /* borrowed */
    unsigned slot;
    const struct msi_ops *msi; /* borrowed */
    /* Transitional, where the device existed before 1.0. */
    bool legacy;
    const struct rom *rom; /* its expansion ROM, borrowed; NULL: none */
};

/*
 * Make the transport for a device (ops, dev borrowed) and plug it in. NULL
 * after logging. Loop thread.
 */
struct virtio_pci *virtio_pci_create(const struct virtio_host *host,
                                     const struct virtio_dev_ops *ops,
                                     void *dev,
                                     const struct virtio_pci_config *cfg);
/* Stops the device first. Loop thread, no vCPU runs. */
void virtio_pci_destroy(struct virtio_pci *t);

/* The half the device talks to. */
struct virtio *virtio_pci_virtio(struct virtio_pci *t);

#endif
