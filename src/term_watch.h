/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * term_watch.h: the watcher, a small process that puts a terminal's settings
 * back when vmm dies without doing so.
 */
#ifndef VMM_TERM_WATCH_H
#define VMM_TERM_WATCH_H

#include "vmm/types.h"

#include <sys/types.h>
#include <termios.h>

struct term_watch {
    int fd; /* owned: keeps the watcher waiting; close-on-exec */
    pid_t pid;
};

/*
 * Fork the watcher of a terminal. It ends when the last copy of fd is closed,
 * by whatever death. 0 or -errno.
 */
must_check int term_watch_start(struct term_watch *w, int tty);

/*
 * Wait until the watcher is out of reach of what may kill its parent. To be
 * called once, before the first change of settings.
 */
void term_watch_ready(const struct term_watch *w);

/*
 * armed: should this process vanish, put these settings back. Else: leave
 * the terminal alone. Async-signal-safe.
 */
void term_watch_tell(const struct term_watch *w, bool armed,
                     const struct termios *saved);

/* Let the watcher end, and bury it; bounded in time. */
void term_watch_end(struct term_watch *w);

/* Are these raw settings, as term.c makes them? */
bool term_is_raw(const struct termios *t);

#endif
