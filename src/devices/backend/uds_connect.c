// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * uds_connect.c: the helper that connects to PATH_PORT; see uds.h.
 *
 * Whoever may connect to a path may connect to any: a guest that took over
 * this process could reach every unix socket of its user. So the process
 * keeps no such right. The helper has the prefix of the path since before
 * the guest ran, and is sent a number; the worst a guest can have from it is
 * what the operator gave: the sockets PATH_0 to PATH_4294967295.
 *
 * A request is a datagram of two numbers, an answer one of two numbers with
 * the socket in its control data. Connecting never waits, neither there nor
 * here: a listener whose queue is full refuses. An answer to a question that
 * nobody remembers is closed.
 *
 * The helper ignores the terminal's signals and ends when this process does:
 * then its socket ends. If somebody kills it, guests are refused.
 */
#include "devices/backend/uds_priv.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_MS 1000
/* The helper's only descriptor. */
#define HELPER_FD 0

struct request {
    uint32_t cookie;
    uint32_t port;
};

struct answer {
    uint32_t cookie;
    int32_t result; /* 0: a descriptor comes with it; or -errno */
};

/* Room for one descriptor, aligned as the header wants it. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* ---- in the helper ---- */

static size_t put_decimal(char *to, uint32_t v)
{
    char digits[UDS_PORT_CHARS];
    size_t n = 0;

    do
        digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    for (size_t i = 0; i < n; i++)
        to[i] = digits[n - 1 - i];
    return n;
}

static int connect_to(const char *path, uint32_t port)
{
    const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const size_t n = strlen(path);
    const int fd = socket(AF_UNIX, type, 0);
    int ret = 0;

    if (fd < 0)
        return -errno;
    memcpy(addr.sun_path, path, n);
    addr.sun_path[n] = '_';
    put_decimal(addr.sun_path + n + 1, port);
    if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
        return fd;
    ret = -errno;
    close(fd);
    return ret;
}

static void answer(const struct answer *a, int fd)
{
    union control control = {.bytes = {0}};
    struct iovec iov = {.iov_base = NULL, .iov_len = sizeof(*a)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    struct answer copy = *a;

    iov.iov_base = &copy;
    if (fd >= 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof(control.bytes);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    }
    while (sendmsg(HELPER_FD, &msg, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

_Noreturn static void serve(const char *path)
{
    struct request r;

    while (recv(HELPER_FD, &r, sizeof(r), 0) == sizeof(r)) {
        const int fd = connect_to(path, r.port);
        const struct answer a = {.cookie = r.cookie, .result = fd < 0 ? fd : 0};

        answer(&a, fd);
        if (fd >= 0)
            close(fd);
    }
    _exit(0);
}

_Noreturn static void helper(const struct uds *u, int sock, int (*seal)(void))
{
    setsid();
    prctl(PR_SET_NAME, "vmm-connect");
    dup2(sock, HELPER_FD);
    close_range(HELPER_FD + 1, ~0u, 0);
    if (seal && seal() < 0)
        _exit(1);
    serve(u->path);
}

/* ---- in vmm ---- */

int uds_helper_start(struct uds *u, int (*seal)(void))
{
    sigset_t all, old;
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
        log_error("--vsock: socketpair: %s", strerror(errno));
        return -errno;
    }
    u->helper.fd = fds[0];
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    u->helper.pid = fork();
    if (u->helper.pid == 0)
        helper(u, fds[1], seal);
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(fds[1]);
    if (u->helper.pid > 0)
        return 0;
    log_error("--vsock: fork: %s: raise the process limit (ulimit -u)",
              strerror(errno));
    u->helper.pid = 0;
    return -EAGAIN;
}

/* Nobody will answer those that wait. */
static void lose_helper(struct uds *u)
{
    log_warn("vsock %s: the process that connects to the host's sockets is "
             "gone: guests are refused",
             u->path);
    loop_drain(u->loop, &u->helper.watch);
    close(u->helper.fd);
    u->helper.fd = -1;
    for (unsigned i = 0; i < UDS_STREAMS; i++) {
        struct uds_stream *s = &u->streams[i];

        if (s->state != UDS_CONNECTING)
            continue;
        uds_end(s);
        u->front.connected(u->front.owner, s, -EPIPE);
    }
}

static struct uds_stream *find_cookie(struct uds *u, uint32_t cookie)
{
    for (unsigned i = 0; i < UDS_STREAMS; i++)
        if (u->streams[i].state == UDS_CONNECTING &&
            u->streams[i].cookie == cookie)
            return &u->streams[i];
    return NULL;
}

static void on_answer(struct uds *u, const struct answer *a, int fd)
{
    struct uds_stream *s = find_cookie(u, a->cookie);
    /* The kernel drops a descriptor there was no room for. */
    const int result = a->result == 0 && fd < 0 ? -EMFILE : a->result;

    if (!s || result < 0) {
        if (fd >= 0)
            close(fd);
        if (!s)
            return;
        uds_end(s);
        u->front.connected(u->front.owner, s, result);
        return;
    }
    s->fd = fd;
    s->state = UDS_OPEN;
    uds_watch(s);
    u->front.connected(u->front.owner, s, 0);
}

/* Bytes of an answer received, and its descriptor or -1. */
static ssize_t receive(int from, struct answer *a, int *fd)
{
    union control control;
    struct iovec iov = {.iov_base = a, .iov_len = sizeof(*a)};
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    const ssize_t n = recvmsg(from, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

    *fd = -1;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(*fd)))
        memcpy(fd, CMSG_DATA(c), sizeof(*fd));
    return n;
}

static void on_helper(struct loop_op *op, int res)
{
    struct uds *u = op->owner;
    struct answer a;
    ssize_t n;
    int fd;

    if (res == -ECANCELED)
        return;
    while ((n = receive(u->helper.fd, &a, &fd)) == sizeof(a))
        on_answer(u, &a, fd);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    lose_helper(u);
}

void uds_helper_watch(struct uds *u)
{
    u->helper.watch = (struct loop_op){.fn = on_helper, .owner = u};
    loop_watch(u->loop, &u->helper.watch, u->helper.fd);
}

int uds_helper_ask(struct uds *u, uint32_t cookie, uint32_t port)
{
    const struct request r = {.cookie = cookie, .port = port};

    if (u->helper.fd < 0)
        return -EPIPE;
    if (send(u->helper.fd, &r, sizeof(r), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return -errno;
    return 0;
}

void uds_helper_end(struct uds *u)
{
    struct uds_helper *h = &u->helper;
    struct pollfd p = {.fd = h->fd, .events = 0};

    if (h->fd >= 0) {
        if (u->loop)
            loop_drain(u->loop, &h->watch);
        /* It hangs up as it ends. If somebody stopped it, init buries it. */
        shutdown(h->fd, SHUT_WR);
        while (poll(&p, 1, END_MS) < 0 && errno == EINTR)
            ;
        close(h->fd);
    }
    if (h->pid > 0)
        waitpid(h->pid, NULL, p.revents & POLLHUP ? 0 : WNOHANG);
    h->fd = -1;
    h->pid = 0;
}
