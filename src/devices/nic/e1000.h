/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * e1000.h: Intel's 82540EM Gigabit Ethernet controller as a PCI function in
 * front of a struct net.
 *
 * Source: "PCI/PCI-X Family of Gigabit Ethernet Controllers Software
 * Developer's Manual", Intel 317453; section numbers in these files are its.
 *
 * What is there: legacy and TCP/IP descriptors, checksum offload both ways,
 * TCP segmentation, VLAN tags, the address filters, interrupts with their
 * delays and throttle, the EEPROM and the PHY with auto-negotiation,
 * statistics. What is not: wake-up filters, the flash, loopback, message
 * signalled interrupts. Frames from the host have no frame check sequence;
 * where the driver wants to see one, it sees four zeroes.
 *
 * Threads: board lock held. Registers are served on vCPU threads; packets
 * move on the loop alone, and no access waits for one. Create and destroy on
 * the loop thread.
 */
#ifndef NIC_E1000_H
#define NIC_E1000_H

#include "devices/backend/net.h"
#include "devices/pci/pci.h"
#include "devices/platform/clock.h"
#include "mmu/gmem.h"

struct e1000;

struct e1000_config {
    struct net *net;   /* started */
    struct loop *loop; /* its lock is the board lock */
    struct gmem *mem;
    struct chip_clock clock; /* calls e1000_tick */
    void *rom;               /* an option ROM, from a page on; NULL: none */
    uint32_t rom_size;       /* bytes, 2^n, a page or more */
};

/* All in cfg is borrowed. NULL after logging. */
struct e1000 *e1000_create(const struct e1000_config *cfg);
/* Its function is unplugged. */
void e1000_destroy(struct e1000 *n);

struct pci_func *e1000_func(struct e1000 *n);

/*
 * Take the card out of its slot, for good: its link may be another front-end's
 * from then on. False: it was not there. Any thread.
 */
bool e1000_unplug(struct e1000 *n);

/* The deadline armed last has passed. Thread: loop. */
void e1000_tick(struct e1000 *n);

#endif
