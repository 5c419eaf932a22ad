/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * term.h: the operator's terminal, when it is the guest's console.
 *
 * While vmm is in the foreground of the terminal on standard input, the
 * terminal is raw: every key goes to the guest, except what follows the
 * escape key:
 *
 *   Ctrl-] q   end the guest now        Ctrl-] z   suspend vmm
 *   Ctrl-] p   press its power button   Ctrl-] ?   say this
 *   Ctrl-] Ctrl-]   send one Ctrl-] to the guest
 *
 * The settings found are put back whenever vmm stops, leaves the foreground
 * or ends, SIGKILL included. A terminal that is not the console is never
 * touched: where that may be, term_open is simply not called.
 */
#ifndef VMM_TERM_H
#define VMM_TERM_H

#include "devices/backend/chr.h"
#include "vmm/types.h"

struct term;
struct loop;

/* What the keys ask for, on the loop thread, board lock held. None is NULL. */
struct term_ops {
    void (*quit)(void *ctx);
    void (*power)(void *ctx);
    /* About to stop (true) the whole process; running again (false). */
    void (*suspend)(void *ctx, bool stopping);
    /*
     * true: do not read standard input, it is typed for somebody else;
     * false: read again. Called once by term_start, then on changes.
     */
    void (*hold_input)(void *ctx, bool hold);
    /* The terminal has this size; called by term_start, then as it changes. */
    void (*resize)(void *ctx, uint16_t cols, uint16_t rows);
    void *ctx; /* borrowed */
};

/*
 * To be called for a console on standard input, before there are threads and
 * large mappings, because it forks the watcher. If standard input is no
 * terminal that costs one system call and *out is NULL. Else SIGTSTP,
 * SIGCONT, SIGWINCH, SIGTTIN and SIGTTOU are blocked in the calling thread,
 * and must stay so in all others. 0 or -errno, logged; the terminal is as it
 * was.
 */
must_check int term_open(struct term **out);

/*
 * Go raw if in the foreground, and follow job control on the loop (borrowed,
 * as ops). Needs ioctl (TCGETS, TCSETS, TIOCGPGRP, TIOCGWINSZ), read, write,
 * sendto, getpgrp, getpid, kill (SIGTSTP to pid 0 and to itself),
 * rt_sigprocmask; at the end poll, shutdown, wait4.
 */
void term_start(struct term *term, struct loop *loop,
                const struct term_ops *ops);

/* The filter for chr_set_filter; valid until term_close. */
const struct chr_filter *term_filter(struct term *term);

/*
 * Put the settings back. Async-signal-safe, idempotent, any thread; NULL is a
 * no-op. For ways out that do not reach term_close.
 */
void term_restore(struct term *term);

/* Put the settings back, dismiss the watcher and free; NULL is a no-op. */
void term_close(struct term *term);

#endif
