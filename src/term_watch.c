// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * term_watch.c: see term_watch.h.
 *
 * The watcher is forked before vmm maps anything large, so that its pages are
 * vmm's own, shared, for as long as both live. It keeps two descriptors, the
 * terminal and a socket to vmm, so that nobody who waits for the end of one
 * of vmm's pipes waits for the watcher.
 *
 * It sits in a session of its own: no signal of the terminal and none sent to
 * vmm's process group reaches it, and a process without that controlling
 * terminal may set it up without being in its foreground. All signals that
 * can be are blocked: it ends with vmm, not before.
 *
 * vmm tells by datagrams whether the terminal is raw and which settings to
 * put back. End of file while it is raw means that vmm is gone. Even then the
 * terminal is left alone if it is not raw any more, because then a shell was
 * quicker and has made its own settings.
 */
#include "term_watch.h"
#include "vmm/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_MS 1000

struct message {
    bool armed;
    struct termios saved;
};

bool term_is_raw(const struct termios *t)
{
    return !(t->c_lflag & (ICANON | ECHO | ISIG));
}

/* Move the watcher's two descriptors to 0 and 1, and close all others. */
static void keep_only(int tty, int sock)
{
    /* Both could sit where the other has to go: first out of the way. */
    const int high = dup(sock);

    dup2(tty, 0);
    dup2(high, 1);
    close_range(2, ~0u, 0);
}

_Noreturn static void watch(int tty, int sock)
{
    struct message last = {.armed = false}; /* sent first: ready */
    struct message next;
    struct termios now;

    setsid();
    prctl(PR_SET_NAME, "vmm-tty");
    keep_only(tty, sock);
    send(1, &last, sizeof(last), MSG_NOSIGNAL);
    while (recv(1, &next, sizeof(next), 0) == sizeof(next))
        last = next;
    if (last.armed && tcgetattr(0, &now) == 0 && term_is_raw(&now))
        tcsetattr(0, TCSANOW, &last.saved);
    _exit(0);
}

int term_watch_start(struct term_watch *w, int tty)
{
    sigset_t all;
    sigset_t old;
    int fds[2];
    int ret = 0;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    w->fd = fds[0];
    w->pid = fork();
    if (w->pid == 0)
        watch(tty, fds[1]);
    if (w->pid < 0)
        ret = -errno;
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(fds[1]);
    if (ret < 0)
        close(fds[0]);
    return ret;
}

void term_watch_ready(const struct term_watch *w)
{
    struct message m;

    /* Its death would end the wait, too: then there is nobody to watch. */
    if (recv(w->fd, &m, sizeof(m), 0) != sizeof(m))
        log_warn("terminal: its watcher is gone: a kill -9 will leave the "
                 "terminal raw ('stty sane' mends it)");
}

void term_watch_tell(const struct term_watch *w, bool armed,
                     const struct termios *saved)
{
    const struct message m = {.armed = armed, .saved = *saved};

    /* A watcher that somebody killed is no reason to die, nor to wait. */
    if (send(w->fd, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return;
}

void term_watch_end(struct term_watch *w)
{
    struct pollfd p = {.fd = w->fd, .events = 0};

    /* It hangs up as it ends. If somebody stopped it, init buries it. */
    shutdown(w->fd, SHUT_WR);
    while (poll(&p, 1, END_MS) < 0 && errno == EINTR)
        ;
    if (p.revents & POLLHUP)
        waitpid(w->pid, NULL, 0);
    close(w->fd);
}
