// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * uds.c: the listening socket and the streams; see uds.h.
 *
 * The loop tells that a descriptor became readable, not that it still is:
 * whoever reads goes on until it is told -EAGAIN. A program's first line is
 * looked at where it lies (MSG_PEEK) and only then taken, so that not a byte
 * of what follows it is lost.
 *
 * Programs of the host that may open PATH are trusted to be who they are,
 * not to be polite: they have a few seconds for their line, and their number
 * is bounded by the streams there are.
 *
 * Thread: loop, board lock held. Must never wait.
 */
#include "devices/backend/uds_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG        64
#define TURN_PROGRAMS  64 /* accepted before others on the loop are served */
#define LINE_MAX_CHARS 32 /* "CONNECT 4294967295\n" and some blanks */
#define STALE_TRIES    10
#define STALE_NS       10000000
#define TICK_NS        1000000000ull

/* ---- deadlines ---- */

static void need_tick(struct uds *u)
{
    if (u->tick.kind == LOOP_IDLE)
        loop_timer(u->loop, &u->tick, TICK_NS);
}

void uds_deadline(struct uds_stream *s, unsigned seconds)
{
    /* The tick under way may be nearly over: one more. */
    s->seconds = seconds ? seconds + 1 : 0;
    if (seconds)
        need_tick(s->u);
}

static void accept_programs(struct uds *u);

static void expire(struct uds_stream *s)
{
    struct uds *u = s->u;

    if (s->state == UDS_HELLO || !u->attached)
        uds_end(s);
    else
        u->front.event(u->front.owner, s, UDS_LATE);
}

static void on_tick(struct loop_op *op, int res)
{
    struct uds *u = op->owner;
    bool again = false;

    if (res < 0)
        return;
    for (unsigned i = 0; i < UDS_STREAMS; i++) {
        struct uds_stream *s = &u->streams[i];

        if (s->state != UDS_FREE && s->seconds && --s->seconds == 0)
            expire(s);
        again |= s->state != UDS_FREE && s->seconds;
    }
    if (u->starved)
        accept_programs(u);
    if (again || u->starved)
        need_tick(u);
}

/* ---- streams ---- */

struct uds_stream *uds_take(struct uds *u, enum uds_state state)
{
    for (unsigned i = 0; i < UDS_STREAMS; i++) {
        struct uds_stream *s = &u->streams[i];

        if (s->state != UDS_FREE)
            continue;
        *s = (struct uds_stream){.u = u, .state = state, .fd = -1};
        return s;
    }
    return NULL;
}

unsigned uds_index(const struct uds_stream *s)
{
    return (unsigned)(s - s->u->streams);
}

void uds_end(struct uds_stream *s)
{
    struct uds *u = s->u;

    BUG_ON(s->state == UDS_FREE);
    if (s->fd >= 0) {
        loop_drain(u->loop, &s->watch);
        loop_drain(u->loop, &s->room);
        close(s->fd);
    }
    s->fd = -1;
    s->seconds = 0;
    s->state = UDS_FREE;
    /* Perhaps for want of this very descriptor. */
    if (u->starved && u->attached)
        loop_post(u->loop, &u->more);
}

/* "CONNECT 1024\n", of which n characters are there: the port. */
static bool parse_hello(const char *line, size_t n, uint32_t *port)
{
    static const char word[] = "CONNECT ";
    uint64_t v = 0;
    size_t i = sizeof(word) - 1;

    if (n <= i || memcmp(line, word, i) != 0 || line[i] == '\n')
        return false;
    for (; i < n && line[i] != '\n'; i++) {
        if (line[i] < '0' || line[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(line[i] - '0');
        if (v > UINT32_MAX)
            return false;
    }
    *port = (uint32_t)v;
    return true;
}

/* 1: the port is known, 0: not yet, -errno: it never will be. */
static int read_hello(struct uds_stream *s, uint32_t *port)
{
    char line[LINE_MAX_CHARS];
    const ssize_t n = recv(s->fd, line, sizeof(line), MSG_PEEK | MSG_DONTWAIT);
    const char *nl;
    size_t len;

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    nl = memchr(line, '\n', (size_t)n);
    if (n == 0 || (!nl && n == LINE_MAX_CHARS))
        return -EPROTO;
    if (!nl)
        return 0;
    len = (size_t)(nl - line) + 1;
    if (recv(s->fd, line, len, MSG_DONTWAIT) != (ssize_t)len)
        return -EPROTO;
    return parse_hello(line, len, port) ? 1 : -EPROTO;
}

static void on_hello(struct uds_stream *s)
{
    struct uds *u = s->u;
    uint32_t port = 0;
    const int ret = read_hello(s, &port);

    if (ret == 0)
        return;
    if (ret < 0 || !u->attached) {
        uds_end(s);
        return;
    }
    uds_deadline(s, 0);
    s->state = UDS_OFFERED;
    if (!u->front.incoming(u->front.owner, s, port))
        uds_end(s);
}

static void tell(struct uds_stream *s, unsigned what)
{
    struct uds *u = s->u;

    if (s->state == UDS_HELLO && (what & UDS_HUNG_UP))
        uds_end(s);
    else if (s->state == UDS_HELLO)
        on_hello(s);
    else if (u->attached)
        u->front.event(u->front.owner, s, what);
}

static void on_watch(struct loop_op *op, int res)
{
    unsigned what = UDS_READABLE;

    /* A poll that failed tells nothing any more: as if nobody were there. */
    if (res < 0 || res & (POLLHUP | POLLERR))
        what |= UDS_HUNG_UP;
    if (res != -ECANCELED)
        tell(op->owner, what);
}

static void on_room(struct loop_op *op, int res)
{
    if (res != -ECANCELED)
        tell(op->owner, UDS_WRITABLE);
}

void uds_watch(struct uds_stream *s)
{
    s->watch = (struct loop_op){.fn = on_watch, .owner = s};
    s->room = (struct loop_op){.fn = on_room, .owner = s};
    loop_watch(s->u->loop, &s->watch, s->fd);
}

void uds_accept(struct uds_stream *s, uint32_t host_port)
{
    char line[LINE_MAX_CHARS];
    const int n = snprintf(line, sizeof(line), "OK %u\n", host_port);

    BUG_ON(s->state != UDS_OFFERED);
    s->state = UDS_OPEN;
    /* Its buffer is empty. Who does not get it will have hung up. */
    if (send(s->fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < n)
        log_debug("vsock: a program was gone before its guest answered");
}

ssize_t uds_readv(struct uds_stream *s, const struct iovec *iov, int n)
{
    const ssize_t got = readv(s->fd, iov, n);

    if (got < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    return got;
}

ssize_t uds_writev(struct uds_stream *s, const struct iovec *iov, int n)
{
    const ssize_t put = writev(s->fd, iov, n);

    if (put < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    return put;
}

void uds_want_room(struct uds_stream *s)
{
    if (s->room.kind == LOOP_IDLE)
        loop_pollout(s->u->loop, &s->room, s->fd);
}

void uds_shutdown(struct uds_stream *s, int how)
{
    /* Fails only when the other end has gone already. */
    (void)shutdown(s->fd, how);
}

struct uds_stream *uds_connect(struct uds *u, uint32_t port)
{
    struct uds_stream *s = uds_take(u, UDS_CONNECTING);

    if (!s)
        return NULL;
    s->cookie = u->helper.next_cookie++;
    if (uds_helper_ask(u, s->cookie, port) < 0) {
        s->state = UDS_FREE;
        return NULL;
    }
    return s;
}

/* ---- programs that come ---- */

static void greet(struct uds *u, int fd)
{
    struct uds_stream *s = u->attached ? uds_take(u, UDS_HELLO) : NULL;

    if (!s) {
        close(fd);
        return;
    }
    s->fd = fd;
    uds_watch(s);
    uds_deadline(s, UDS_HELLO_S);
}

static void accept_programs(struct uds *u)
{
    u->starved = false;
    for (unsigned i = 0; i < TURN_PROGRAMS; i++) {
        const int fd = accept4(u->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            greet(u, fd);
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR)
            continue;
        if (errno == EAGAIN)
            return;
        log_guest(&u->limit, "vsock %s: accept: %s: programs wait", u->path,
                  strerror(errno));
        u->starved = true;
        need_tick(u);
        return;
    }
    loop_post(u->loop, &u->more);
}

static void on_program(struct loop_op *op, int res)
{
    if (res >= 0)
        accept_programs(op->owner);
}

/* ---- making and taking apart ---- */

/* Does a connection to it come to nobody? */
static bool nobody_listens(const struct sockaddr_un *addr)
{
    const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const int fd = socket(AF_UNIX, type, 0);
    bool refused = false;

    if (fd < 0)
        return false;
    if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0)
        refused = errno == ECONNREFUSED;
    close(fd);
    return refused;
}

/*
 * A socket that a killed process left is in nobody's use; the kernel may let
 * go of its ring, which watches it, a moment after the process is gone.
 */
static bool is_stale(const struct sockaddr_un *addr)
{
    const struct timespec moment = {.tv_nsec = STALE_NS};
    struct stat st;

    if (lstat(addr->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    for (unsigned i = 0; i < STALE_TRIES; i++) {
        if (nobody_listens(addr))
            return true;
        nanosleep(&moment, NULL);
    }
    return false;
}

static int bind_to(int fd, const struct sockaddr_un *addr)
{
    const struct sockaddr *a = (const struct sockaddr *)addr;

    if (bind(fd, a, sizeof(*addr)) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -errno;
    if (!is_stale(addr))
        return -EADDRINUSE;
    (void)unlinkat(AT_FDCWD, addr->sun_path, 0);
    return bind(fd, a, sizeof(*addr)) < 0 ? -errno : 0;
}

static int listen_on(struct uds *u)
{
    const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, type, 0);
    int ret;

    memcpy(addr.sun_path, u->path, strlen(u->path));
    ret = fd < 0 ? -errno : bind_to(fd, &addr);
    if (ret == 0 && listen(fd, BACKLOG) < 0)
        ret = -errno;
    if (ret == 0) {
        u->fd = fd;
        return 0;
    }
    log_error("--vsock: %s: %s: %s", u->path, strerror(-ret),
              ret == -EADDRINUSE ? "another guest or program has it: give "
                                   "another uds="
                                 : "give a path this user may make");
    if (fd >= 0)
        close(fd);
    return ret;
}

static int take_path(struct uds *u, const char *path)
{
    const size_t n = strlen(path);

    if (n + UDS_PORT_CHARS > UDS_PATH_MAX) {
        log_error("--vsock: %s: a socket's path has at most %zu characters: "
                  "give a shorter uds=",
                  path, UDS_PATH_MAX - UDS_PORT_CHARS);
        return -EINVAL;
    }
    memcpy(u->path, path, n + 1);
    return 0;
}

struct uds *uds_open(const char *path, int (*seal)(void))
{
    struct uds *u = calloc(1, sizeof(*u));

    if (!u) {
        log_error("--vsock: out of memory");
        return NULL;
    }
    u->fd = -1;
    u->helper.fd = -1;
    u->watch = (struct loop_op){.fn = on_program, .owner = u};
    u->more = (struct loop_op){.fn = on_program, .owner = u};
    u->tick = (struct loop_op){.fn = on_tick, .owner = u};
    if (take_path(u, path) < 0 || listen_on(u) < 0 ||
        uds_helper_start(u, seal) < 0) {
        uds_close(u);
        return NULL;
    }
    return u;
}

int uds_start(struct uds *u, struct loop *loop)
{
    u->loop = loop;
    loop_watch(loop, &u->watch, u->fd);
    uds_helper_watch(u);
    return 0;
}

static void end_all(struct uds *u)
{
    for (unsigned i = 0; i < UDS_STREAMS; i++)
        if (u->streams[i].state != UDS_FREE)
            uds_end(&u->streams[i]);
}

void uds_attach(struct uds *u, const struct uds_front *front)
{
    u->attached = front != NULL;
    if (front)
        u->front = *front;
    else
        end_all(u);
}

void uds_close(struct uds *u)
{
    if (!u)
        return;
    u->attached = false;
    if (u->loop) {
        end_all(u);
        loop_drain(u->loop, &u->watch);
        loop_drain(u->loop, &u->more);
        loop_drain(u->loop, &u->tick);
    }
    uds_helper_end(u);
    if (u->fd >= 0) {
        close(u->fd);
        (void)unlinkat(AT_FDCWD, u->path, 0);
    }
    free(u);
}
