/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vnc.h: a guest's screen, keyboard and mouse for VNC viewers, by a server
 * that is another process (src/vnc/vmm_vnc.c). Here are its start and end, the
 * drawing into the file it has the picture from, and what it says of viewers.
 *
 * While there is no viewer nothing is drawn. If the server dies, the guest
 * goes on without it.
 *
 * Thread: loop, board lock held; open before the seal.
 */
#ifndef VMM_VNC_H
#define VMM_VNC_H

#include "board.h"
#include "opt_display.h"
#include "vmm/loop.h"

struct vnc;

/*
 * Listen, and start a server that calls the guest by name. NULL after
 * logging. board is borrowed: NULL in it while the guest reboots.
 */
struct vnc *vnc_open(const struct display_option *at, const char *name,
                     struct board **board);
void vnc_start(struct vnc *v, struct loop *loop);
/* Before loop_destroy; NULL is a no-op. */
void vnc_close(struct vnc *v);

#endif
