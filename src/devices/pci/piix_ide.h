/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * piix_ide.h: the IDE interface of the PIIX3 as a PCI function, around the
 * two channels of ide.h: their bus master is BAR 4. The command ports are
 * where a PC has them, whatever the function's registers say.
 * Thread: board lock held.
 */
#ifndef PCI_PIIX_IDE_H
#define PCI_PIIX_IDE_H

#include "devices/ata/ide.h"
#include "devices/pci/pci.h"

#define PIIX_IDE_BAR 4u

/* Make f the function of ide (borrowed), to be plugged by the owner. */
void piix_ide_init(struct pci_func *f, struct ide *ide);

#endif
