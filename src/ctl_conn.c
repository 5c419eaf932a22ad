// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ctl_conn.c: see ctl_conn.h. One request, one answer, blocking, for the
 * commands that speak to a guest. The other side is not trusted to answer:
 * ANSWER_MS bounds the whole exchange, REPLY_MAX the answer.
 */
#include "ctl_conn.h"
#include "ctl_verb.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS 5000
#define BULK_MS   30000
#define REPLY_MAX (256 * 1024)

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int connect_to(int fd, const char *path)
{
    /* connect(2) waits that long for room in the backlog. */
    const struct timeval limit = {.tv_sec = ANSWER_MS / 1000};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    memcpy(addr.sun_path, path, strlen(path) + 1);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
        connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
        return -errno;
    return 0;
}

int ctl_conn_open(struct ctl_conn *conn, const char *path)
{
    struct ucred peer = {.pid = 0};
    socklen_t len = sizeof(peer);
    int ret;

    conn->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (conn->fd < 0)
        return -errno;
    ret = connect_to(conn->fd, path);
    if (ret == 0 &&
        getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        ret = -errno;
    if (ret < 0)
        ctl_conn_close(conn);
    else
        conn->pid = peer.pid;
    return ret;
}

void ctl_conn_close(struct ctl_conn *conn)
{
    if (conn->fd >= 0)
        close(conn->fd);
    conn->fd = -1;
}

/* The request as text, without its newline; NULL: out of memory. */
static char *request_text(const char *verb, json_t *args)
{
    json_t *request = json_pack("{s:i, s:s}", "vmm", CTL_VERSION, "cmd", verb);
    char *text = NULL;

    if (request && (!args || json_object_update(request, args) == 0))
        text = json_dumps(request, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(request);
    return text;
}

static int send_request(int fd, const char *verb, json_t *args)
{
    char *text = request_text(verb, args);
    char newline[] = "\n";
    struct iovec iov[] = {{text, text ? strlen(text) : 0}, {newline, 1}};
    const struct msghdr msg = {.msg_iov = iov, .msg_iovlen = ARRAY_LEN(iov)};
    ssize_t sent;
    int ret = 0;

    if (!text)
        return -ENOMEM;
    /* At once: who answers half a request may be gone for the other half. */
    sent = sendmsg(fd, &msg, MSG_NOSIGNAL);
    if (sent < 0)
        ret = -errno;
    else if ((size_t)sent != iov[0].iov_len + 1)
        ret = -EPIPE;
    free(text);
    return ret;
}

/* Read up to and without the newline. Returns the length or -errno. */
static ssize_t recv_line(int fd, char *buf, size_t room)
{
    const int64_t deadline = now_ms() + ANSWER_MS;
    size_t used = 0;

    while (used < room) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        const int64_t left = deadline - now_ms();
        const char *nl = NULL;
        ssize_t n;

        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            return -ETIMEDOUT;
        /* What is behind the line stays in the socket. */
        n = recv(fd, buf + used, room - used, MSG_DONTWAIT | MSG_PEEK);
        if (n > 0)
            nl = memchr(buf + used, '\n', (size_t)n);
        if (n > 0)
            n = recv(fd, buf + used,
                     nl ? (size_t)(nl + 1 - buf) - used : (size_t)n,
                     MSG_DONTWAIT);
        if (n == 0)
            return -ECONNRESET;
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (n < 0)
            continue;
        if (nl)
            return nl - buf;
        used += (size_t)n;
    }
    return -EPROTO;
}

int ctl_conn_read(struct ctl_conn *conn, void *buf, size_t n)
{
    const int64_t deadline = now_ms() + BULK_MS;

    for (size_t used = 0; used < n;) {
        struct pollfd p = {.fd = conn->fd, .events = POLLIN};
        const int64_t left = deadline - now_ms();
        ssize_t got;

        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            return -ETIMEDOUT;
        got = recv(conn->fd, (char *)buf + used, n - used, MSG_DONTWAIT);
        if (got == 0)
            return -ECONNRESET;
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (got > 0)
            used += (size_t)got;
    }
    return 0;
}

int ctl_conn_ask(struct ctl_conn *conn, const char *verb, json_t *args,
                 json_t **reply)
{
    char *buf = malloc(REPLY_MAX);
    const json_t *version;
    ssize_t n;
    int ret;

    if (!buf)
        return -ENOMEM;
    ret = send_request(conn->fd, verb, args);
    n = ret < 0 ? ret : recv_line(conn->fd, buf, REPLY_MAX);
    if (n >= 0)
        *reply = json_loadb(buf, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
    free(buf);
    if (n < 0)
        return (int)n;
    version = json_object_get(*reply, "vmm");
    if (json_is_integer(version) && json_integer_value(version) == CTL_VERSION)
        return 0;
    json_decref(*reply);
    *reply = NULL;
    return -EPROTO;
}
