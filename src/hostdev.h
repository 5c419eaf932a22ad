/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostdev.h: what of the host stands behind a guest's devices: images, links.
 *
 * Opened once, before the process is sealed, and lent to each machine that a
 * reboot builds. Thread: the loop's.
 */
#ifndef VMM_HOSTDEV_H
#define VMM_HOSTDEV_H

#include "config.h"
#include "devices/backend/blk.h"
#include "devices/backend/chr.h"
#include "devices/backend/net.h"
#include "devices/backend/share.h"
#include "devices/backend/uds.h"
#include "flash_file.h"
#include "mmu/rom.h"
#include "rundir.h"
#include "vmm/loop.h"

#include <jansson.h>

struct vballoon;
struct vcons;
struct xcons;

struct hostdev {
    struct blk *disks[CONFIG_MAX_DISKS]; /* as in cfg->disks */
    struct net *nets[CONFIG_MAX_NETS];   /* as in cfg->nets */
    struct rom roms[CONFIG_MAX_NETS];    /* of their cards; size 0: none */
    struct uds *uds;                     /* NULL: no --vsock */
    struct share *shares[CONFIG_MAX_SHARES];
    bool has_ram; /* the guest's RAM is the file below, for virtiofsd */
    int ram_fd;
    struct chr *ports[CONFIG_MAX_PORTS]; /* as in cfg->ports */
    struct chr *pc_ports[PC_PORT_COUNT]; /* NULL: nobody is there */
    struct rom vga_rom;                  /* of size 0: none */
    struct flash_file flash;             /* of size 0: none */
    /* what the operator wants next, for the machine there is and the next */
    uint64_t balloon_target; /* bytes the guest shall keep */
    uint16_t cols, rows;     /* of the terminal; 0: not known */
    /* of the machine there is; borrowed, NULL if it has none */
    struct vballoon *balloon;
    struct vcons *console; /* whose first port is the terminal */
    struct xcons *xen_console;
};

/*
 * The descriptors that whoever started us left for the guest's devices; before
 * anything is opened. Their number, or -EBADF, logged: one is not open.
 */
must_check int hostdev_inherited(const struct config *cfg,
                                 int fds[CONFIG_MAX_NETS]);

/*
 * Open what cfg (borrowed) asks for and begin on the loop (borrowed); what
 * needs a name in the run directory takes it from the claim. 0 or -errno,
 * logged; either way hostdev_close undoes it.
 */
must_check int hostdev_open(struct hostdev *h, const struct config *cfg,
                            const struct claim *claim, struct loop *loop);

/*
 * Look again at the size of the disk of that id, "disk0" and so on where none
 * was given, and tell the guest. 0 and its bytes, -ENODEV if there is no such
 * disk, or another -errno, logged.
 */
must_check int hostdev_resize_disk(struct hostdev *h, const struct config *cfg,
                                   const char *id, uint64_t *size);

/*
 * Who pauses the guest for disks with on-error=stop, see blk_on_stop; whether
 * one of them holds requests; have these tried again; and have the guest told
 * of errors from here on instead.
 */
void hostdev_on_disk_stop(struct hostdev *h, blk_stopped_fn *stopped,
                          void *owner);
bool hostdev_disk_is_stopped(const struct hostdev *h);
void hostdev_retry_disks(struct hostdev *h);
void hostdev_never_stop(struct hostdev *h);

/* Which disks hold requests and why: {id: text}. The caller's; or NULL. */
json_t *hostdev_stopped_disks(const struct hostdev *h,
                              const struct config *cfg);

/* The guest shall keep so many bytes. 0, -EOPNOTSUPP: it has no balloon. */
must_check int hostdev_set_balloon(struct hostdev *h, uint64_t target);

/* The operator's terminal has this size. */
void hostdev_resize_terminal(struct hostdev *h, uint16_t cols, uint16_t rows);

/* No machine uses it any more; before loop_destroy. */
void hostdev_close(struct hostdev *h);

#endif
