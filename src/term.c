// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * term.c: see term.h.
 *
 * Job control. SIGTSTP and SIGCONT come through a signalfd on the loop. To
 * stop means: put the settings back, let SIGTSTP through, and when execution
 * goes on here, look again where we stand. SIGSTOP cannot be caught: the
 * shell cleans up after it, and SIGCONT brings us back here as well.
 *
 * In the background nothing is set and nothing is read: SIGTTIN and SIGTTOU
 * stay blocked, so that neither a log line nor a mistake stops the guest. No
 * signal tells that a running job was brought to the foreground (the shell
 * sends SIGCONT to a stopped one only), so then, and only then, a timer
 * looks every BACKGROUND_NS.
 *
 * A terminal that is not our controlling terminal knows no jobs: it counts as
 * foreground.
 *
 * Settings change with TCSANOW: TCSAFLUSH would throw away what the user
 * typed ahead, TCSADRAIN would wait for a terminal that is not being read.
 *
 * Thread: main until term_start, then loop, but for term_restore.
 */
#include "term.h"
#include "term_watch.h"
#include "vmm/log.h"
#include "vmm/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define TTY           STDIN_FILENO
#define ESCAPE        0x1d /* Ctrl-] */
#define BACKGROUND_NS 250000000ull

struct term {
    struct termios saved; /* to put back; fresh each time we go raw */
    bool raw;             /* atomic: also taken by term_restore */
    bool escape;          /* the last key was the escape key */
    bool held;            /* as last told to hold_input */
    bool greeted;
    struct term_watch watch;
    int signal_fd;     /* owned */
    struct loop *loop; /* borrowed; NULL until started */
    struct loop_op signals;
    struct loop_op clock;       /* only in the background */
    const struct term_ops *ops; /* borrowed */
    struct chr_filter filter;
};

enum place {
    FOREGROUND,
    BACKGROUND,
    HUNG_UP, /* there is no terminal any more */
};

static enum place place_now(void)
{
    const pid_t group = tcgetpgrp(TTY);

    if (group < 0)
        return errno == ENOTTY ? FOREGROUND : HUNG_UP;
    return group == getpgrp() ? FOREGROUND : BACKGROUND;
}

/* Settings for "every byte, as typed, at once", from those found. */
static struct termios raw_of(const struct termios *found)
{
    struct termios raw = *found;

    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return raw;
}

static void go_raw(struct term *t)
{
    struct termios found;
    struct termios raw;

    if (tcgetattr(TTY, &found) < 0)
        return;
    /* After a SIGSTOP the shell has changed what we believe to be raw. */
    if (t->raw && term_is_raw(&found))
        return;
    /*
     * Raw settings are worth keeping only the first time: later they are
     * ours, put back by a shell that saw us stopped by SIGSTOP.
     */
    if (!t->greeted || !term_is_raw(&found))
        t->saved = found;
    raw = raw_of(&found);
    /* Before the change: a watcher that is told twice does no harm. */
    term_watch_tell(&t->watch, true, &t->saved);
    if (tcsetattr(TTY, TCSANOW, &raw) < 0) {
        log_warn("terminal: cannot be made raw: %s", strerror(errno));
        term_watch_tell(&t->watch, false, &t->saved);
        return;
    }
    __atomic_store_n(&t->raw, true, __ATOMIC_RELEASE);
    log_set_crlf(true);
    if (!t->greeted)
        log_info("console: this terminal; Ctrl-] ? lists the escape keys");
    t->greeted = true;
}

void term_restore(struct term *t)
{
    const int saved_errno = errno;

    if (!t || !__atomic_exchange_n(&t->raw, false, __ATOMIC_ACQ_REL))
        return;
    /* SIGTTOU is blocked: works from the background too. */
    if (tcsetattr(TTY, TCSANOW, &t->saved) == 0)
        term_watch_tell(&t->watch, false, &t->saved);
    log_set_crlf(false);
    errno = saved_errno;
}

static void set_held(struct term *t, bool hold)
{
    if (t->held == hold)
        return;
    t->held = hold;
    t->ops->hold_input(t->ops->ctx, hold);
}

/* The terminal is somebody else's, who made his own settings: forget ours. */
static void leave_foreground(struct term *t)
{
    if (__atomic_exchange_n(&t->raw, false, __ATOMIC_ACQ_REL))
        term_watch_tell(&t->watch, false, &t->saved);
    log_set_crlf(false);
    set_held(t, true);
}

static void tell_size(const struct term *t)
{
    struct winsize size;

    if (ioctl(TTY, TIOCGWINSZ, &size) == 0)
        t->ops->resize(t->ops->ctx, size.ws_col, size.ws_row);
}

/* Look where we stand, and act on it. */
static void update(struct term *t)
{
    const enum place place = place_now();

    if (place == FOREGROUND) {
        go_raw(t);
        set_held(t, false);
        /* The signal is for the foreground: we may have missed it. */
        tell_size(t);
        return;
    }
    leave_foreground(t);
    if (place == BACKGROUND && t->clock.kind == LOOP_IDLE)
        loop_timer(t->loop, &t->clock, BACKGROUND_NS);
}

static void clock_fn(struct loop_op *op, int res)
{
    if (res == 0)
        update(op->owner);
}

/*
 * Stop as SIGTSTP's default does. In a process group that nobody could
 * continue the kernel drops the signal, and all goes on.
 */
static void stop_self(struct term *t)
{
    sigset_t tstp;

    sigemptyset(&tstp);
    sigaddset(&tstp, SIGTSTP);
    t->ops->suspend(t->ops->ctx, true);
    term_restore(t);
    kill(getpid(), SIGTSTP);
    /* Here the process stops, and here it goes on after SIGCONT. */
    pthread_sigmask(SIG_UNBLOCK, &tstp, NULL);
    pthread_sigmask(SIG_BLOCK, &tstp, NULL);
    update(t);
    t->ops->suspend(t->ops->ctx, false);
}

static void signals_fn(struct loop_op *op, int res)
{
    struct term *t = op->owner;
    struct signalfd_siginfo info;

    if (res < 0)
        return;
    while (read(t->signal_fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGTSTP)
            stop_self(t);
        else if (info.ssi_signo == SIGWINCH)
            tell_size(t);
        else
            update(t);
    }
}

static void say(const char *text)
{
    /* A line for who sits there, whatever the log level is. */
    if (write(TTY, text, strlen(text)) < 0)
        log_debug("terminal: cannot be written");
}

static void say_keys(void)
{
    say("\r\nvmm: Ctrl-] then  q end the guest  p power button  z suspend  "
        "? help  Ctrl-] itself\r\n");
}

/* Act on the key after the escape key. Returns true if the guest gets it. */
static bool escape_key(struct term *t, unsigned char key)
{
    switch (key) {
    case 'q':
        t->ops->quit(t->ops->ctx);
        return false;
    case 'p':
        t->ops->power(t->ops->ctx);
        return false;
    case 'z':
        /*
         * The whole job, as the terminal's own Ctrl-Z: a script that waits
         * for us would keep the terminal. Ours comes through the signalfd.
         */
        kill(0, SIGTSTP);
        return false;
    case ESCAPE:
        return true;
    default:
        say_keys();
        return false;
    }
}

/* struct chr_filter: what remains for the guest moves to the front. */
static size_t filter_input(void *ctx, unsigned char *buf, size_t n)
{
    struct term *t = ctx;
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        const unsigned char key = buf[i];

        if (t->escape) {
            t->escape = false;
            if (escape_key(t, key))
                buf[kept++] = key;
        } else if (key == ESCAPE) {
            t->escape = true;
        } else {
            buf[kept++] = key;
        }
    }
    return kept;
}

static int block_signals(void)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGCONT);
    sigaddset(&set, SIGWINCH);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    sigaddset(&set, SIGTTIN);
    sigaddset(&set, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return fd;
}

int term_open(struct term **out)
{
    struct termios found;
    struct term *t;
    int ret;

    *out = NULL;
    if (tcgetattr(TTY, &found) < 0)
        return 0;
    t = calloc(1, sizeof(*t));
    if (!t) {
        log_error("terminal: out of memory");
        return -ENOMEM;
    }
    ret = term_watch_start(&t->watch, TTY);
    if (ret < 0)
        goto free_term;
    ret = block_signals();
    if (ret < 0)
        goto end_watch;
    t->signal_fd = ret;
    t->signals = (struct loop_op){.fn = signals_fn, .owner = t};
    t->clock = (struct loop_op){.fn = clock_fn, .owner = t};
    t->filter = (struct chr_filter){.input = filter_input, .ctx = t};
    *out = t;
    return 0;

end_watch:
    term_watch_end(&t->watch);
free_term:
    free(t);
    log_error("terminal: cannot watch over its settings: %s", strerror(-ret));
    return ret;
}

void term_start(struct term *t, struct loop *loop, const struct term_ops *ops)
{
    if (!t)
        return;
    t->loop = loop;
    t->ops = ops;
    term_watch_ready(&t->watch);
    t->held = place_now() != FOREGROUND;
    ops->hold_input(ops->ctx, t->held);
    loop_watch(loop, &t->signals, t->signal_fd);
    update(t);
}

const struct chr_filter *term_filter(struct term *t)
{
    return &t->filter;
}

void term_close(struct term *t)
{
    if (!t)
        return;
    term_restore(t);
    if (t->loop) {
        loop_drain(t->loop, &t->signals);
        loop_drain(t->loop, &t->clock);
    }
    close(t->signal_fd);
    term_watch_end(&t->watch);
    free(t);
}
