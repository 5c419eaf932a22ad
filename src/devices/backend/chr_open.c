// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chr_open.c: the kinds of chr and how their descriptors are made; those of a
 * socket are in chr_sock.c.
 *
 * Standard input and output are shared with the shell and with everybody
 * else on the terminal: O_NONBLOCK there would be seen by all of them. So
 * the file behind the descriptor is opened a second time, through
 * /proc/self/fd, and only our own description is non-blocking. Where that
 * cannot be done (sockets, another user's terminal) the description is
 * shared as it is, and io_uring waits for it. That of a regular file is
 * always shared: another one would start at offset 0 and write over what
 * others wrote before and after.
 *
 * All opening happens before the sandbox is sealed.
 */
#include "devices/backend/chr_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <unistd.h>

/* A chr without descriptors, which is what null is. */
static struct chr *chr_alloc(const char *name)
{
    struct chr *c = calloc(1, sizeof(*c));

    if (!c) {
        log_error("console %s: out of memory", name);
        return NULL;
    }
    c->name = name;
    c->timer_fd = -1;
    c->sock.fd = -1;
    c->sock.peer = -1;
    for (size_t i = 0; i < ARRAY_LEN(c->own_fds); i++)
        c->own_fds[i] = -1;
    c->stderr_tty = isatty(STDERR_FILENO);
    chr_output_init(c, -1);
    chr_input_init(c, -1);
    return c;
}

struct chr *chr_make(const char *name, int in_fd, int out_fd)
{
    struct chr *c = chr_alloc(name);
    struct stat st;

    if (!c)
        return NULL;
    c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (c->timer_fd < 0) {
        log_error("console %s: timerfd_create: %s", name, strerror(errno));
        chr_close(c);
        return NULL;
    }
    chr_input_init(c, in_fd);
    chr_output_init(c, out_fd);
    if (out_fd >= 0 && fstat(out_fd, &st) == 0)
        c->out.regular = S_ISREG(st.st_mode);
    c->out.blocking = out_fd >= 0 && !c->out.regular &&
                      !(fcntl(out_fd, F_GETFL) & O_NONBLOCK);
    return c;
}

/*
 * A descriptor of ours for what fd is open on: with a non-blocking
 * description of its own if that can be had, else sharing the old one. -1 if
 * fd is closed, which is the same as no input or no output.
 */
static int reopen(int fd, int mode)
{
    char path[32];
    struct stat st;
    int own = -1;

    if (fstat(fd, &st) < 0)
        return -1;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode))
        own = open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return own < 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : own;
}

struct chr *chr_open_stdio(void)
{
    const int in = reopen(STDIN_FILENO, O_RDONLY);
    const int out = reopen(STDOUT_FILENO, O_WRONLY);
    struct chr *c = chr_make("stdio", in, out);

    if (!c) {
        if (in >= 0)
            close(in);
        if (out >= 0)
            close(out);
        return NULL;
    }
    c->own_fds[0] = in;
    c->own_fds[1] = out;
    c->tty = isatty(STDIN_FILENO);
    return c;
}

struct chr *chr_open_file(const char *path)
{
    /* O_NONBLOCK: a FIFO that nobody reads is refused, not waited for. */
    const int fd = open(
        path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
        0600);
    struct chr *c;

    if (fd < 0) {
        log_error("console file %s: %s: name one that can be written", path,
                  errno == ENXIO ? "nobody reads it" : strerror(errno));
        return NULL;
    }
    c = chr_make("file", -1, fd);
    if (!c) {
        close(fd);
        return NULL;
    }
    c->own_fds[0] = fd;
    return c;
}

/* Both sides of a new pseudo-terminal; returns 0 or -errno. */
static int open_pty(int *master, int *slave, char *name, size_t size)
{
    struct termios t;

    *master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (*master < 0)
        return -errno;
    if (grantpt(*master) < 0 || unlockpt(*master) < 0)
        return -errno;
    if (ptsname_r(*master, name, size) != 0)
        return -errno;
    *slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*slave < 0 || tcgetattr(*slave, &t) < 0)
        return -errno;
    /* What nobody reads yet must not be echoed back as the guest's input. */
    cfmakeraw(&t);
    return tcsetattr(*slave, TCSANOW, &t) < 0 ? -errno : 0;
}

/*
 * The other side is held open here for as long as the guest runs: people
 * then come and go without the master ever reporting a hang-up, which it
 * would do without end while nobody is there.
 */
struct chr *chr_open_pty(void)
{
    int master = -1;
    int slave = -1;
    char name[64];
    struct chr *c = NULL;
    const int ret = open_pty(&master, &slave, name, sizeof(name));

    if (ret < 0)
        log_error("console pty: %s: is /dev/pts mounted?", strerror(-ret));
    else
        c = chr_make("pty", master, master);
    if (!c) {
        if (master >= 0)
            close(master);
        if (slave >= 0)
            close(slave);
        return NULL;
    }
    c->own_fds[0] = master;
    c->own_fds[1] = slave;
    log_info("console: %s", name);
    return c;
}

struct chr *chr_open_null(void)
{
    return chr_alloc("null");
}
