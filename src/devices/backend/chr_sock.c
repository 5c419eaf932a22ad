// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chr_sock.c: a chr that clients attach to; see chr.h.
 *
 * A unix stream socket, made before the process is sealed, whose mode alone
 * decides who may connect: it is 0600 from the first moment. One client at a
 * time; another is told so in one line. A client's two directions end one by
 * one:
 *
 *   nobody ──accept──> attached ──it does not listen──> only its input is left
 *     ^                   │                                     │
 *     │                   └──it says no more──> only output     │
 *     └──────────── both ended, or hung up ─────────────────────┘
 *
 * so that `echo reboot | nc -U PATH` is heard to its end although nobody
 * listens to the answer. Output is written if somebody listens, else kept
 * (chr_out.c). A client that hung up while its input waits for the guest is
 * given up as soon as the next one comes.
 *
 * Whether the owner of an old socket still lives is asked by a datagram
 * socket: it is refused either way, but differently, and a living owner does
 * not see it.
 *
 * Thread: loop, but for chr_open_unix. Must never wait for a client.
 */
#include "devices/backend/chr_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 16
/* How long to ask whether the owner of a socket lives. */
#define DYING_MS    200
#define DYING_TRIES 10

static bool is_sock(const struct chr *c)
{
    return c->sock.fd >= 0;
}

/* Say a line to a client, if its socket takes it. */
static void tell(int fd, const char *line)
{
    if (send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug("console: a client could not be told: %s", strerror(errno));
}

static bool hung_up(int fd)
{
    struct pollfd p = {.fd = fd};

    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

/* ---- the end of a client ---- */

static void tell_attached(struct chr *c)
{
    if (c->front.attached)
        c->front.attached(c->front.owner);
}

/* Nobody listens any more: what is buffered waits for the next client. */
static void stop_output(struct chr *c)
{
    if (c->out.fd < 0)
        return;
    chr_output_stop(c);
    c->out.fd = -1;
    c->out.stalled = false;
    log_debug("console %s: detached", c->sock.name);
    tell_attached(c);
    /* Whoever waited for room has it now. */
    if (c->front.writable)
        c->front.writable(c->front.owner);
}

/* What a client said before it went is the guest's, as far as it fits. */
static void drop_peer(struct chr *c)
{
    chr_input_end(c, c->sock.peer);
    stop_output(c);
    close(c->sock.peer);
    c->sock.peer = -1;
}

bool chr_sock_deaf(struct chr *c)
{
    if (!is_sock(c))
        return false;
    stop_output(c);
    if (c->in.eof && c->sock.peer >= 0)
        drop_peer(c);
    return true;
}

/* A client that only listens is watched: its going is the next edge. */
bool chr_sock_mute(struct chr *c, int res)
{
    struct chr_input *in = &c->in;

    if (!is_sock(c))
        return false;
    if (res < 0 || c->out.fd < 0 || hung_up(c->sock.peer))
        drop_peer(c);
    else if (in->watch.kind == LOOP_IDLE)
        loop_watch(c->loop, &in->watch, in->fd);
    return true;
}

/* ---- its beginning ---- */

static void tell_lost(struct chr *c, int fd)
{
    char line[96];

    if (!c->sock.lost)
        return;
    snprintf(line, sizeof(line),
             "vmm: console: %llu bytes of earlier output were dropped\r\n",
             (unsigned long long)c->sock.lost);
    tell(fd, line);
    c->sock.lost = 0;
}

static void attach(struct chr *c, int fd)
{
    c->sock.peer = fd;
    log_debug("console %s: attached", c->sock.name);
    tell_lost(c, fd);
    c->out.fd = fd;
    chr_flush(c);
    /* What the guest did not take yet stays in front of it. */
    chr_input_init(c, fd);
    chr_fill(c);
    tell_attached(c);
}

static void on_client(struct chr *c, int fd)
{
    if (c->sock.peer >= 0 && hung_up(c->sock.peer))
        drop_peer(c);
    if (c->sock.peer < 0) {
        attach(c, fd);
        return;
    }
    tell(fd, "vmm: console: somebody else is attached: one client at a "
             "time\r\n");
    close(fd);
}

static void on_connect(struct loop_op *op, int res)
{
    struct chr *c = op->owner;
    int fd;

    if (res < 0)
        return;
    while ((fd = accept4(c->sock.fd, NULL, NULL,
                         SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        on_client(c, fd);
    /* What is left in the backlog is taken with the next connection. */
    if (errno != EAGAIN)
        log_guest(&c->limit, "console %s: accept: %s", c->sock.name,
                  strerror(errno));
}

/* ---- the socket ---- */

/* Did its owner die? Asked in a way that a living one does not notice. */
static bool is_stale(const struct sockaddr_un *at)
{
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const struct sockaddr *address = (const void *)at;
    bool gone;

    if (fd < 0)
        return false;
    gone = connect(fd, address, sizeof(*at)) < 0 &&
           (errno == ECONNREFUSED || errno == ENOENT);
    close(fd);
    return gone;
}

/*
 * A process that was killed may be gone for whoever waits for it while the
 * kernel still takes its ring, and with it the socket, apart.
 */
static bool becomes_stale(const struct sockaddr_un *at)
{
    for (unsigned i = 0; i < DYING_TRIES; i++) {
        if (is_stale(at))
            return true;
        poll(NULL, 0, DYING_MS / DYING_TRIES);
    }
    return false;
}

/* 0, or why nothing can be bound there. */
static int clear_place(const struct sockaddr_un *at)
{
    struct stat st;

    if (lstat(at->sun_path, &st) < 0)
        return -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    if (!becomes_stale(at))
        return -EADDRINUSE;
    return unlink(at->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_to(int fd, const struct sockaddr_un *at)
{
    const struct sockaddr *address = (const void *)at;
    int ret;

    /* The file takes the mode of the socket. */
    if (fchmod(fd, 0600) < 0)
        return -errno;
    if (bind(fd, address, sizeof(*at)) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -errno;
    ret = clear_place(at);
    if (ret < 0)
        return ret;
    return bind(fd, address, sizeof(*at)) < 0 ? -errno : 0;
}

/* A listening socket at the path, or -errno. */
static int listen_at(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd, ret;

    if (strlen(path) >= sizeof(at.sun_path))
        return -ENAMETOOLONG;
    memcpy(at.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    ret = bind_to(fd, &at);
    if (ret == 0 && listen(fd, BACKLOG) < 0)
        ret = -errno;
    if (ret == 0)
        return fd;
    close(fd);
    return ret;
}

static const char *what_to_do(int err)
{
    switch (err) {
    case EADDRINUSE:
        return "a living process listens there: name another";
    case EEXIST:
        return "what is there is no socket: name another, or remove it";
    case ENAMETOOLONG:
        return "a socket's path has at most 107 bytes";
    default:
        return "name a place where a socket can be made";
    }
}

struct chr *chr_open_unix(const char *path)
{
    const int fd = listen_at(path);
    struct chr *c;
    struct stat st;

    if (fd < 0) {
        log_error("console unix:%s: %s: %s", path, strerror(-fd),
                  what_to_do(-fd));
        return NULL;
    }
    c = chr_make("unix", -1, -1);
    if (!c) {
        unlink(path);
        close(fd);
        return NULL;
    }
    c->sock.fd = fd;
    snprintf(c->sock.name, sizeof(c->sock.name), "unix:%s", path);
    c->name = c->sock.name;
    if (lstat(path, &st) == 0) {
        c->sock.dev = st.st_dev;
        c->sock.ino = st.st_ino;
    }
    return c;
}

void chr_sock_start(struct chr *c)
{
    if (!is_sock(c))
        return;
    c->sock.watch = (struct loop_op){.fn = on_connect, .owner = c};
    loop_watch(c->loop, &c->sock.watch, c->sock.fd);
}

/* Remove the file, unless it is somebody else's by now. */
static void remove_file(const struct chr_sock *s)
{
    const char *path = s->name + strlen("unix:");
    struct stat st;

    if (fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (st.st_dev != s->dev || st.st_ino != s->ino)
        return;
    if (unlinkat(AT_FDCWD, path, 0) < 0)
        log_warn("console %s: cannot be removed: %s", s->name, strerror(errno));
}

/* The input and output halves are closed already. */
void chr_sock_close(struct chr *c)
{
    if (!is_sock(c))
        return;
    if (c->loop)
        loop_drain(c->loop, &c->sock.watch);
    remove_file(&c->sock);
    close(c->sock.fd);
    if (c->sock.peer >= 0)
        close(c->sock.peer);
}
