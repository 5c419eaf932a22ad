/* SPDX-License-Identifier: MIT */
/*
 * pci.h: the functions of PCI bus 0, through the memory the MCFG names.
 * Source: PCI Local Bus 3.0, chapter 6; PCI Firmware 3.0, 4.1.2 (MCFG).
 */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_SLOTS 32u

enum pci_register {
    PCI_VENDOR = 0x00,
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_CLASS = 0x08,
    PCI_BAR = 0x10, /* the first */
    PCI_SUBSYSTEM = 0x2e,
    PCI_CAPABILITIES = 0x34,
    PCI_INT_LINE = 0x3c,
    PCI_INT_PIN = 0x3d,
};

#define PCI_CMD_PORTS  0x001u
#define PCI_CMD_MEMORY 0x002u
#define PCI_CMD_MASTER 0x004u
#define PCI_CMD_NO_INT 0x400u

#define PCI_CAP_VENDOR 0x09u
#define PCI_CAP_MSIX   0x11u
#define PCI_CAP_AF     0x13u

/* Message control of MSI-X, at offset 2 of the capability. */
#define MSIX_ENABLE 0x8000u
#define MSIX_MASK   0x4000u

/* Configuration space of a slot; 0 if there is no such function, or no bus. */
uintptr_t pci_function(unsigned slot);

/* The capability with this id behind that offset (0: the first), or 0. */
unsigned pci_capability(uintptr_t function, uint8_t id, unsigned after);

/* Where a memory or I/O BAR is. */
uint64_t pci_bar(uintptr_t function, unsigned bar);

#endif
