/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl.h: the control socket of a running guest, served by the loop.
 *
 * NAME.sock in the runtime directory takes one JSON object per line and
 * answers each with one line (ctl_verb.h). Only the user who started the
 * guest, and root, are heard.
 *
 * Bounds: CTL_CLIENTS connections, CTL_LINE_MAX bytes a line, one answer
 * buffered per connection (no request is read before the last answer is out),
 * one request per connection and turn of the loop, and idle_ns without a
 * whole request ends a connection. Nothing blocks.
 */
#ifndef VMM_CTL_H
#define VMM_CTL_H

#include "ctl_verb.h"
#include "rundir.h"
#include "vmm/loop.h"

#define CTL_CLIENTS  16
#define CTL_LINE_MAX (64 * 1024)
#define CTL_IDLE_NS  30000000000ull

struct ctl;

/*
 * Make the socket of a claimed name (borrowed) and listen: clients connect
 * from now on and are answered once ctl_start has run. 0 or -errno, logged.
 * To be called before the sandbox is closed.
 */
must_check int ctl_open(struct ctl **out, const struct claim *claim);

/*
 * Serve on the loop (borrowed, as ops). idle_ns 0 means CTL_IDLE_NS. Needs
 * accept4, getsockopt, recvfrom, sendto and close.
 */
void ctl_start(struct ctl *ctl, struct loop *loop, const struct ctl_ops *ops,
               uint64_t idle_ns);

/* Hang up and free; NULL is a no-op. The socket file is rundir_release's. */
void ctl_close(struct ctl *ctl);

#endif
