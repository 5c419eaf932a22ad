/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * piix.h: the south bridge's PCI functions: the PIIX3 ISA bridge, whose
 * registers steer PCI interrupts (pc_irq.h), and the PIIX4 power management
 * function, whose registers say where the ports of piix4_pm.h are.
 *
 * Each takes a slot of its own: the bus has one function in a slot, and
 * firmware finds them by their identity.
 *
 * Thread: board lock held.
 */
#ifndef PCI_PIIX_H
#define PCI_PIIX_H

#include "devices/pci/pci.h"
#include "devices/platform/pc_irq.h"
#include "devices/platform/piix4_pm.h"

struct piix_isa;

/* irq is borrowed. NULL: out of memory, logged. */
struct piix_isa *piix_isa_create(struct pc_irq *irq);
void piix_isa_destroy(struct piix_isa *p);
struct pci_func *piix_isa_func(struct piix_isa *p);

struct piix_acpi;

/* bus (where the ports are claimed) and pm are borrowed. NULL: as above. */
struct piix_acpi *piix_acpi_create(struct bus *bus, struct piix4_pm *pm);
void piix_acpi_destroy(struct piix_acpi *p);
struct pci_func *piix_acpi_func(struct piix_acpi *p);

/* The first port, if they are reached now; else 0. */
uint16_t piix_acpi_base(const struct piix_acpi *p);

#endif
