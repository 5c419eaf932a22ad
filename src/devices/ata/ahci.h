/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ahci.h: a Serial ATA host controller of six ports, as in the 82801IR
 * (ICH9R), in front of struct blk.
 *
 * A drive is a disk, with queued commands, or a CD-ROM. Registers are served
 * on vCPU threads, where commands are fetched and handed to the disk; what the
 * disk answers is dealt with on the loop. Guest memory is the I/O buffer.
 *
 * Sources: "Serial ATA Advanced Host Controller Interface (AHCI)" 1.3, the
 * ICH9 datasheet (316972) for its PCI function, Serial ATA 2.6 for frames
 * and queues. Not there: port multipliers, power states of the link, hot
 * plug, enclosure management, command completion coalescing.
 *
 * Thread: board lock held; create and destroy on the loop.
 */
#ifndef ATA_AHCI_H
#define ATA_AHCI_H

#include "devices/backend/blk.h"
#include "devices/pci/pci.h"
#include "mmu/gmem.h"
#include "vmm/loop.h"

#define AHCI_PORTS 6

struct ahci;

struct ahci_drive_config {
    struct blk *blk; /* started; NULL: nothing is connected */
    bool cdrom;
    const char *serial; /* at most 20 bytes; may be NULL */
};

struct ahci_config {
    struct loop *loop; /* its lock is the board lock */
    struct gmem *mem;
    struct msi_sink msi; /* copied */
    struct ahci_drive_config drives[AHCI_PORTS];
};

/* All in cfg is borrowed. NULL after logging. */
struct ahci *ahci_create(const struct ahci_config *cfg);
/* No vCPU runs, the function is unplugged. What is in flight ends. */
void ahci_destroy(struct ahci *hba);

struct pci_func *ahci_func(struct ahci *hba);

/* The registers (BAR 5); dev is the ahci. */
#define AHCI_SIZE 0x1000u
extern const struct io_ops ahci_ops;

#endif
