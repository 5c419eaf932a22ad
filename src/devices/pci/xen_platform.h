/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen_platform.h: the PCI device by which a guest finds out that it runs on
 * Xen, takes grant frames, and has its emulated disks and network cards taken
 * out (5853:0001).
 *
 * It has a BAR of ports, a BAR of memory that is plain memory, INTA#, and four
 * fixed ports from XEN_PLATFORM_PORT on, for the protocol: a magic number is
 * read, product and build number of the drivers are written, and a mask of what
 * shall go. What goes, and what the line is for, is the owner's to know.
 *
 * Source: Xen docs/misc/hvm-emulated-unplug.pandoc, with both older ways of it.
 * Thread: board lock held.
 */
#ifndef PCI_XEN_PLATFORM_H
#define PCI_XEN_PLATFORM_H

#include "devices/pci/pci.h"

struct xen_platform;

#define XEN_PLATFORM_PORT  0x10u
#define XEN_PLATFORM_PORTS 4u
#define XEN_PLATFORM_RAM   (16u * 1024 * 1024) /* bytes behind BAR 1 */

/* What shall go. */
#define XEN_UNPLUG_DISKS 0x01u /* all of them, but no CD-ROM */
#define XEN_UNPLUG_NICS  0x02u
#define XEN_UNPLUG_AUX   0x04u /* disks but for the primary master */

struct xen_platform_hooks {
    void (*unplug)(void *ctx, unsigned what);
    /* The memory is seen there (or nowhere: GMEM_NOWHERE). */
    void (*moved)(void *ctx, uint64_t base);
    void *ctx; /* borrowed */
};

/*
 * hooks are copied, ram is XEN_PLATFORM_RAM bytes from a page on, borrowed.
 * Without protocol the ports say that there is none. NULL after logging.
 */
struct xen_platform *xen_platform_create(const struct xen_platform_hooks *hooks,
                                         void *ram, bool protocol);
void xen_platform_destroy(struct xen_platform *p);

struct pci_func *xen_platform_func(struct xen_platform *p);

/* The fixed ports; dev is the xen_platform. */
extern const struct io_ops xen_platform_ops;

#endif
