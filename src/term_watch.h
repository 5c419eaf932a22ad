/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * term_watch.h: the watcher, a small process that puts a terminal's settings
 * back when vmm dies without doing so.
 */
#ifndef VMM_TERM_WATCH_H
#define VMM_TERM_WATCH_H

#include "vmm/types.h"

#include <termios.h>

/*
 * Fork the watcher of a terminal. Returns the descriptor that keeps it
 * waiting (owned by the caller, close-on-exec), or -errno. It ends when the
 * descriptor's last copy is closed, by whatever death.
 */
must_check int term_watch_start(int tty);

/*
 * Wait until the watcher is out of reach of what may kill its parent. To be
 * called once, before the first change of settings.
 */
void term_watch_ready(int watch);

/*
 * armed: should this process vanish, put these settings back. Else: leave
 * the terminal alone. Async-signal-safe.
 */
void term_watch_tell(int watch, bool armed, const struct termios *saved);

/* Are these raw settings, as term.c makes them? */
bool term_is_raw(const struct termios *t);

#endif
