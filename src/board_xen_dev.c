// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * board_xen_dev.c: see board_xen_dev.h. The guest is told by HVM parameters
 * where the console is, and of the rest by the store.
 */
#include "board_xen_dev.h"

#include "abi/layout.h"
#include "pc_slots.h"
#include "pvabi/xblk.h"
#include "pvabi/xcons.h"
#include "pvabi/xen_abi.h"
#include "pvabi/xnet.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* More queues than this gain nothing: one loop serves them all. */
#define DISK_MAX_QUEUES 4

#define DISK_NAME 8 /* bytes of xvda, ..., xvdzz */

struct board_xen_dev {
    struct board_xen_dev_host host;
    /* owned; NULL: it is none of Xen's */
    struct xcons *console;
    struct xblk *disks[CONFIG_MAX_DISKS];
    struct xnet *nets[CONFIG_MAX_NETS];
};

static int make_console(struct board_xen_dev *d)
{
    struct xcons_config c = {
        .xs = d->host.bus.xs,
        .events = d->host.bus.events,
        .chr = d->host.console,
        .frame = LAYOUT_XEN_CONSOLE / GUEST_PAGE,
    };
    int port;

    if (!d->host.console)
        return 0;
    port = evtchn_builder_alloc(d->host.bus.events);
    c.port = (uint32_t)port;
    /* Nobody else has ports yet, and the page was put there. */
    BUG_ON(port < 0);
    BUG_ON(gmem_win(d->host.mem, GPA(LAYOUT_XEN_CONSOLE), GUEST_PAGE, &c.page) <
           0);
    d->console = xcons_create(&c);
    if (!d->console)
        return -ENOMEM;
    d->host.dev->xen_console = d->console;
    if (d->host.dev->cols)
        xcons_resize(d->console, d->host.dev->cols, d->host.dev->rows);
    gnttab_seed(d->host.bus.gnt, GNTTAB_RESERVED_CONSOLE, (gfn_t){c.frame});
    xen_set_param(d->host.xen, HVM_PARAM_CONSOLE_PFN, c.frame);
    xen_set_param(d->host.xen, HVM_PARAM_CONSOLE_EVTCHN, c.port);
    return 0;
}

/* A disk that two drivers write to is soon none. */
static bool is_left_emulated(const struct board_xen_dev *d, unsigned i)
{
    return d->host.cfg->unplug == UNPLUG_NEVER &&
           pc_ide_place(d->host.cfg, i) != PC_NO_PLACE;
}

/* As Linux names them: xvda to xvdz, xvdaa and so on. */
static void name_disk(char name[DISK_NAME], unsigned nth)
{
    if (nth < 26)
        snprintf(name, DISK_NAME, "xvd%c", 'a' + nth % 26);
    else
        snprintf(name, DISK_NAME, "xvd%c%c", 'a' + (nth / 26 - 1) % 26,
                 'a' + nth % 26);
}

static int make_disks(struct board_xen_dev *d)
{
    const struct config *cfg = d->host.cfg;
    unsigned nth = 0;

    for (unsigned i = 0; i < cfg->n_disks; i++) {
        char name[DISK_NAME];
        const struct xblk_config c = {
            .queues = cfg->cpus < DISK_MAX_QUEUES ? cfg->cpus : DISK_MAX_QUEUES,
            .vdev = xblk_vdev(nth),
            .cdrom = cfg->disks[i].cdrom,
            .persistent = cfg->disks[i].persistent,
            .name = name,
        };

        if (cfg->disks[i].iface != DISK_XEN || is_left_emulated(d, i))
            continue;
        name_disk(name, nth++);
        d->disks[i] = xblk_create(d->host.dev->disks[i], &d->host.bus, &c);
        if (!d->disks[i])
            return -EIO;
    }
    return 0;
}

static int make_nets(struct board_xen_dev *d)
{
    const struct config *cfg = d->host.cfg;
    unsigned nth = 0;

    for (unsigned i = 0; i < cfg->n_nets; i++) {
        if (cfg->nets[i].model != NET_XEN ||
            (cfg->unplug == UNPLUG_NEVER && pc_is_card(cfg, i)))
            continue;
        d->nets[i] = xnet_create(d->host.dev->nets[i], &d->host.bus, nth++);
        if (!d->nets[i])
            return -EIO;
    }
    return 0;
}

struct board_xen_dev *
board_xen_dev_create(const struct board_xen_dev_host *host)
{
    static int (*const steps[])(struct board_xen_dev *
                                d) = {make_console, make_disks, make_nets};
    struct board_xen_dev *d = calloc(1, sizeof(*d));

    if (!d) {
        log_error("Xen devices: out of memory");
        return NULL;
    }
    d->host = *host;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (steps[i](d) < 0) {
            board_xen_dev_destroy(d);
            return NULL;
        }
    }
    return d;
}

void board_xen_dev_destroy(struct board_xen_dev *d)
{
    if (!d)
        return;
    for (unsigned i = CONFIG_MAX_NETS; i-- > 0;)
        xnet_destroy(d->nets[i]);
    for (unsigned i = CONFIG_MAX_DISKS; i-- > 0;)
        xblk_destroy(d->disks[i]);
    d->host.dev->xen_console = NULL;
    xcons_destroy(d->console);
    free(d);
}
