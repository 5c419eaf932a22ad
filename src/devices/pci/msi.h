/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * msi.h: the MSI capability of a function: one message, without masking.
 *
 * What it is sent for is the device's to decide; here is where it goes. While
 * it is enabled the pin is left alone.
 *
 * Source: PCI Local Bus Specification 3.0, 6.8.1. Thread: board lock held.
 */
#ifndef PCI_MSI_H
#define PCI_MSI_H

#include "devices/pci/pci.h"

struct msi {
    struct pci_func *func; /* borrowed */
    struct msi_sink sink;
    unsigned cap; /* offset of the capability */
};

/* Add the capability to a function that is not plugged yet. */
void msi_init(struct msi *m, struct pci_func *f, const struct msi_sink *sink);

bool msi_enabled(const struct msi *m);

/* Send the message, which is enabled. */
void msi_send(const struct msi *m);

/* For pci_func_ops.after_write. */
void msi_config_written(struct msi *m, unsigned off, unsigned n);

#endif
