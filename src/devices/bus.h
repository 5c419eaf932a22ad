/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bus.h: which device answers at an I/O port or an MMIO address.
 *
 * Ranges are claimed while the machine is built, or when the guest moves a
 * PCI BAR, and looked up by binary search at each exit. What nobody claims
 * answers all-ones, is counted, and is kept as a short list of the addresses
 * asked for most, so that a user can see what a guest probed in vain.
 *
 * Thread: board lock held.
 */
#ifndef DEVICES_BUS_H
#define DEVICES_BUS_H

#include "vmm/device.h"
#include "vmm/types.h"

#include <stdio.h>

struct bus;

struct bus *bus_create(void); /* NULL: out of memory, logged */
void bus_destroy(struct bus *bus);

/*
 * Give [base, base+len) of a space to a device. Returns 0, or -EEXIST if
 * part of it is taken, -EINVAL if it is empty, wraps or leaves the space,
 * -ENOMEM. ops and dev are borrowed.
 */
must_check int bus_claim(struct bus *bus, enum space space, uint64_t base,
                         uint64_t len, const struct io_ops *ops, void *dev);

/* Take back the claim that begins at base; there is one. */
void bus_unclaim(struct bus *bus, enum space space, uint64_t base);

/*
 * One access of n bytes (1, 2, 4 or 8). An access that straddles the end of
 * a range is nobody's: reads give all-ones, writes vanish.
 */
void bus_access(struct bus *bus, enum space space, uint64_t addr, void *data,
                unsigned n, bool write);

/* Accesses to a space that nobody claimed, since creation. */
uint64_t bus_unclaimed(const struct bus *bus, enum space space);

/*
 * Print the unclaimed addresses asked for most, one line each and the most
 * asked for first; nothing if there were none.
 */
void bus_report(const struct bus *bus, FILE *out);

#endif
