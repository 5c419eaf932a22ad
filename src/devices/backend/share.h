/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * share.h: a folder of the host's for the guest, served by virtiofsd, which
 * is started here and looked after.
 *
 * virtiofsd is a program of its own (Rust, or QEMU's older one in C); it
 * shuts itself into the folder. It is reached by vhost-user, over a socket
 * whose name is gone as soon as it is connected, and lives as long as we do,
 * through all reboots of the guest. If it dies, the guest's device is out of
 * order and all else goes on.
 *
 * Thread: the loop's; open before the seal.
 */
#ifndef BACKEND_SHARE_H
#define BACKEND_SHARE_H

#include "devices/backend/vhost_user.h"
#include "vmm/loop.h"

struct share;

struct share_config {
    const char *tag; /* borrowed, as are all: what the guest mounts */
    const char *dir;
    bool read_only;
};

/*
 * Start virtiofsd; socket is a path it may be reached by for a moment, in a
 * folder of the user's own. NULL after logging.
 */
struct share *share_open(const struct share_config *cfg, const char *socket);
/* Look after it on the loop (borrowed). 0 or -errno, logged. */
must_check int share_start(struct share *s, struct loop *loop);
/* virtiofsd ends; before loop_destroy. */
void share_close(struct share *s);

const char *share_tag(const struct share *s);

/* The way to virtiofsd; may be lost. */
struct vhost_user *share_device(struct share *s);

/* gone is called when it is lost while the guest runs; NULL: nobody cares. */
void share_attach(struct share *s, void (*gone)(void *owner), void *owner);

/*
 * It does not give the guest's memory back: end it by force. After this it
 * is lost, and touches nothing.
 */
void share_kill(struct share *s);

#endif
