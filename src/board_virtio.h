/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * board_virtio.h: the virtio devices of a machine, each behind a transport.
 *
 * Which devices there are follows from the configuration alone, so that the
 * tables can be written before any exists. A kind of device is a row of one
 * table: how many there are, and how to make the nth. Thread: the loop's.
 */
#ifndef VMM_BOARD_VIRTIO_H
#define VMM_BOARD_VIRTIO_H

#include "config.h"
#include "devices/bus.h"
#include "devices/pci/pci.h"
#include "hostdev.h"
#include "mmu/gmem.h"
#include "vcpu/vm.h"
#include "vmm/loop.h"
#include "vmm/machine.h"

#define BOARD_MAX_VIRTIO 32

struct board_virtio;

/* What the devices are attached to; all borrowed, for their life. */
struct board_virtio_host {
    const struct config *cfg;
    const struct machine_desc *desc; /* after board_virtio_describe */
    struct hostdev *dev;
    struct loop *loop;
    struct gmem *mem;
    struct vm *vm;
    struct bus *bus;
    struct pci_bus *pci; /* NULL: the devices are not on it */
    unsigned first_slot; /* on that bus; the others follow */
};

/* How many devices cfg asks for. */
unsigned board_virtio_count(const struct config *cfg);

/* How many of those are disks: they come first. */
unsigned board_virtio_disks(const struct config *cfg);

/* Are the devices on a PCI bus? */
bool board_virtio_on_pci(const struct config *cfg);

/* Add the devices, their addresses and interrupts, to the description. */
void board_virtio_describe(const struct config *cfg, struct machine_desc *m);

/*
 * The kernel's command line: cfg->append, and where the devices are if only it
 * tells. To be freed; NULL: out of memory, logged.
 */
must_check char *board_virtio_cmdline(const struct config *cfg);

/* NULL after logging. */
struct board_virtio *board_virtio_create(const struct board_virtio_host *host);
/* When no vCPU runs; the host's halves are left as they were. */
void board_virtio_destroy(struct board_virtio *bv);

#endif
