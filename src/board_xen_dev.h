/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * board_xen_dev.h: what a guest of Xen finds in its store: the console, and a
 * back-end for each disk and link of the operator's.
 *
 * Thread: the loop's, while no vCPU runs.
 */
#ifndef VMM_BOARD_XEN_DEV_H
#define VMM_BOARD_XEN_DEV_H

#include "config.h"
#include "hostdev.h"
#include "mmu/gmem.h"
#include "pvabi/xen.h"
#include "pvabi/xenbus.h"

struct board_xen_dev;

/* All borrowed, for its life. */
struct board_xen_dev_host {
    const struct config *cfg;
    struct hostdev *dev;
    struct gmem *mem;    /* the console's page is there */
    struct chr *console; /* NULL: none */
    struct xen *xen;     /* is told where the console is */
    struct xenbus_host bus;
};

/* NULL after logging. */
struct board_xen_dev *
board_xen_dev_create(const struct board_xen_dev_host *host);
/* Before the store and the event channels go. */
void board_xen_dev_destroy(struct board_xen_dev *d);

#endif
