// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ctl.c: see ctl.h.
 *
 * A connection is a slot of a fixed table:
 *
 *   CLIENT_FREE -> CLIENT_OPEN      accepted, peer is ours
 *   CLIENT_OPEN -> CLIENT_LAST      one more answer, then hang up
 *   CLIENT_OPEN, _LAST -> _CLOSING  ops cancelled, waiting for their ends
 *   CLIENT_CLOSING -> CLIENT_FREE   no op in flight: descriptor closed
 *
 * client_step is the whole of the work: send what is left of the last answer,
 * else answer one line, else read. It runs when the socket became readable
 * and, after an answer, when it can be written, which is both how a slow
 * reader is waited for and how a fast one gives way to others. A watch tells
 * of new bytes once, so a step ends only at EAGAIN or with a pollout in
 * flight.
 *
 * Thread: loop.
 */
#include "ctl.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum client_state {
    CLIENT_FREE,
    CLIENT_OPEN,
    CLIENT_LAST,
    CLIENT_CLOSING,
};

struct client {
    enum client_state state;
    struct ctl *ctl; /* borrowed */
    int fd;          /* owned */
    struct loop_op watch;
    struct loop_op room;  /* pollout while an answer is on its way */
    struct loop_op clock; /* the idle timer */
    bool busy;            /* a whole request came since the clock ticked */
    char *in;             /* owned: CTL_LINE_MAX bytes */
    size_t in_len;
    size_t in_seen; /* of them known to hold no newline */
    char *out;      /* owned: the answer on its way, or NULL */
    size_t out_len;
    size_t out_sent;
    struct ctl_picture tail; /* owned: goes behind the answer */
};

struct ctl {
    int fd; /* owned: the listening socket */
    uid_t uid;
    struct loop *loop; /* borrowed; NULL until started */
    uint64_t idle_ns;
    struct loop_op watch;
    struct loop_op stop; /* the timer of a stop under way */
    uint64_t stop_ns;
    bool stop_again; /* a later stop gave a new time: start the timer anew */
    struct ctl_guest guest;
    struct client clients[CTL_CLIENTS];
};

/* Free the slot once no op of it is in flight. */
static void client_reap(struct client *c)
{
    if (c->watch.kind != LOOP_IDLE || c->room.kind != LOOP_IDLE ||
        c->clock.kind != LOOP_IDLE)
        return;
    close(c->fd);
    free(c->in);
    free(c->out);
    free(c->tail.data);
    *c = (struct client){.state = CLIENT_FREE};
}

static void client_close(struct client *c)
{
    c->state = CLIENT_CLOSING;
    loop_cancel(c->ctl->loop, &c->watch);
    loop_cancel(c->ctl->loop, &c->room);
    loop_cancel(c->ctl->loop, &c->clock);
    client_reap(c);
}

/* Take over an answer; no memory for one ends the connection. */
static void client_reply(struct client *c, char *line)
{
    c->out = line;
    c->out_len = line ? strlen(line) : 0;
    c->out_sent = 0;
    if (!line)
        c->state = CLIENT_LAST;
}

/* Nothing more is sent but what is on its way. */
static void client_hang_up(struct client *c)
{
    c->state = CLIENT_LAST;
    free(c->tail.data);
    c->tail = (struct ctl_picture){0};
}

/* Is a picture on its way to somebody? Answers are never that long. */
static bool picture_busy(const struct ctl *ctl)
{
    for (unsigned i = 0; i < CTL_CLIENTS; i++)
        if (ctl->clients[i].tail.data ||
            (ctl->clients[i].out && ctl->clients[i].out_len > CTL_LINE_MAX))
            return true;
    return false;
}

/* Send what is left of the answer; out is NULL when nothing is left. */
static void client_send(struct client *c)
{
    const ssize_t n =
        send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent,
             MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0)
        client_hang_up(c); /* the peer is gone, so is its answer */
    else
        c->out_sent += (size_t)n;
    if (n >= 0 && c->out_sent < c->out_len)
        return;
    free(c->out);
    c->out = c->tail.data;
    c->out_len = c->tail.size;
    c->out_sent = 0;
    c->tail = (struct ctl_picture){0};
}

/* Answer the first whole line of the buffer. Returns false if there is none. */
static bool client_answer(struct client *c)
{
    struct ctl_guest *guest = &c->ctl->guest;
    const char *nl = memchr(c->in + c->in_seen, '\n', c->in_len - c->in_seen);
    size_t n;

    c->in_seen = c->in_len;
    if (!nl)
        return false;
    n = (size_t)(nl - c->in);
    c->busy = true;
    guest->picture_busy = picture_busy(c->ctl);
    client_reply(c, ctl_answer(guest, c->in, n));
    c->tail = guest->picture;
    guest->picture = (struct ctl_picture){0};
    if (!c->out)
        client_hang_up(c);
    c->in_len -= n + 1;
    c->in_seen = 0;
    memmove(c->in, c->in + n + 1, c->in_len);
    return true;
}

/* Returns 1 if bytes came, 0 if there are none now, -1 at the end. */
static int client_recv(struct client *c)
{
    const ssize_t n =
        recv(c->fd, c->in + c->in_len, CTL_LINE_MAX - c->in_len, MSG_DONTWAIT);

    if (n > 0) {
        c->in_len += (size_t)n;
        return 1;
    }
    return n < 0 && errno == EAGAIN ? 0 : -1;
}

/* Read until there is an answer to send. Returns false at EAGAIN or the end. */
static bool client_work(struct client *c)
{
    while (!client_answer(c)) {
        int ret;

        if (c->in_len == CTL_LINE_MAX) {
            client_reply(c, ctl_refusal("a request is at most 65536 bytes"));
            c->state = CLIENT_LAST;
            return true;
        }
        ret = client_recv(c);
        if (ret < 0)
            c->state = CLIENT_LAST;
        if (ret <= 0)
            return false;
    }
    return true;
}

static void client_step(struct client *c)
{
    bool more = true;

    if (!c->out && c->state == CLIENT_OPEN)
        more = client_work(c);
    if (c->out)
        client_send(c);
    if (c->state == CLIENT_LAST && !c->out)
        client_close(c);
    else if (more)
        loop_pollout(c->ctl->loop, &c->room, c->fd);
}

static void client_watch_fn(struct loop_op *op, int res)
{
    struct client *c = op->owner;

    if (c->state == CLIENT_CLOSING)
        client_reap(c);
    else if (res < 0)
        client_close(c);
    else if (c->room.kind == LOOP_IDLE)
        client_step(c);
}

static void client_room_fn(struct loop_op *op, int res)
{
    struct client *c = op->owner;

    if (c->state == CLIENT_CLOSING)
        client_reap(c);
    else if (res < 0)
        client_close(c);
    else
        client_step(c);
}

static void client_clock_fn(struct loop_op *op, int res)
{
    struct client *c = op->owner;

    if (c->state == CLIENT_CLOSING) {
        client_reap(c);
    } else if (res < 0 || !c->busy) {
        client_close(c);
    } else {
        c->busy = false;
        loop_timer(c->ctl->loop, &c->clock, c->ctl->idle_ns);
    }
}

static struct client *client_slot(struct ctl *ctl)
{
    for (unsigned i = 0; i < CTL_CLIENTS; i++)
        if (ctl->clients[i].state == CLIENT_FREE)
            return &ctl->clients[i];
    return NULL;
}

/* Begin to serve a connection. Returns why not, or NULL. */
static const char *client_open(struct ctl *ctl, int fd)
{
    struct client *c = client_slot(ctl);
    struct ucred peer;
    socklen_t len = sizeof(peer);

    /* The directory's mode keeps others out; this holds without it too. */
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
        (peer.uid != ctl->uid && peer.uid != 0))
        return "this guest belongs to another user";
    if (!c)
        return "too many connections: try again";
    c->in = malloc(CTL_LINE_MAX);
    if (!c->in)
        return "out of memory";
    c->ctl = ctl;
    c->fd = fd;
    c->state = CLIENT_OPEN;
    c->watch = (struct loop_op){.fn = client_watch_fn, .owner = c};
    c->room = (struct loop_op){.fn = client_room_fn, .owner = c};
    c->clock = (struct loop_op){.fn = client_clock_fn, .owner = c};
    loop_watch(ctl->loop, &c->watch, fd);
    loop_timer(ctl->loop, &c->clock, ctl->idle_ns);
    return NULL;
}

/* Say why, if the socket takes it, and hang up. */
static void refuse(int fd, const char *why)
{
    char *line = ctl_refusal(why);

    if (line && send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug("control socket: refused, and could not say so");
    free(line);
    close(fd);
}

static void accept_fn(struct loop_op *op, int res)
{
    struct ctl *ctl = op->owner;
    const char *why;
    int fd;

    if (res < 0)
        return;
    while ((fd = accept4(ctl->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
           0) {
        why = client_open(ctl, fd);
        if (why)
            refuse(fd, why);
    }
    /* What is left in the backlog is taken with the next connection. */
    if (errno != EAGAIN)
        log_warn("control socket: accept: %s", strerror(errno));
}

static void stop_fn(struct loop_op *op, int res)
{
    struct ctl *ctl = op->owner;
    const struct ctl_ops *ops = ctl->guest.ops;

    /* Even if the old time ran out just now, the newest request decides. */
    if (ctl->stop_again) {
        ctl->stop_again = false;
        loop_timer(ctl->loop, &ctl->stop, ctl->stop_ns);
    } else if (res == 0) {
        ops->kill(ops->ctx, "'vmm stop': the guest did not power off in time");
    }
}

static void arm_stop(void *owner, unsigned seconds)
{
    struct ctl *ctl = owner;

    ctl->stop_ns = (uint64_t)seconds * 1000000000u;
    if (ctl->stop.kind == LOOP_IDLE) {
        loop_timer(ctl->loop, &ctl->stop, ctl->stop_ns);
        return;
    }
    ctl->stop_again = true;
    loop_cancel(ctl->loop, &ctl->stop);
}

static int listen_on(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const int fd =
        socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    memcpy(addr.sun_path, path, strlen(path) + 1);
    if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
        listen(fd, CTL_CLIENTS) < 0) {
        const int ret = -errno;

        close(fd);
        return ret;
    }
    return fd;
}

/* jansson would open /dev/urandom at its first object, inside the sandbox. */
static void seed_json(void)
{
    size_t seed;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
        seed = (size_t)getpid();
    json_object_seed(seed | 1);
}

int ctl_open(struct ctl **out, const struct claim *claim)
{
    struct ctl *ctl = calloc(1, sizeof(*ctl));

    if (!ctl) {
        log_error("control socket: out of memory");
        return -ENOMEM;
    }
    seed_json();
    ctl->fd = listen_on(claim->socket);
    if (ctl->fd < 0) {
        const int ret = ctl->fd;

        log_error("control socket %s: %s: %s", claim->socket, strerror(-ret),
                  ret == -EMFILE ? "raise the open-files limit (ulimit -n)"
                                 : "set VMM_RUNTIME_DIR to another directory");
        free(ctl);
        return ret;
    }
    ctl->uid = geteuid();
    ctl->watch = (struct loop_op){.fn = accept_fn, .owner = ctl};
    ctl->stop = (struct loop_op){.fn = stop_fn, .owner = ctl};
    ctl->guest.name = claim->name;
    ctl->guest.arm_stop = arm_stop;
    ctl->guest.owner = ctl;
    *out = ctl;
    return 0;
}

void ctl_start(struct ctl *ctl, struct loop *loop, const struct ctl_ops *ops,
               uint64_t idle_ns)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    ctl->guest.started = (uint64_t)now.tv_sec;
    ctl->guest.ops = ops;
    ctl->loop = loop;
    ctl->idle_ns = idle_ns ? idle_ns : CTL_IDLE_NS;
    loop_watch(loop, &ctl->watch, ctl->fd);
}

static void client_drop(struct client *c)
{
    if (c->state == CLIENT_FREE)
        return;
    loop_drain(c->ctl->loop, &c->watch);
    loop_drain(c->ctl->loop, &c->room);
    loop_drain(c->ctl->loop, &c->clock);
    client_reap(c);
}

void ctl_close(struct ctl *ctl)
{
    if (!ctl)
        return;
    if (ctl->loop) {
        loop_drain(ctl->loop, &ctl->watch);
        loop_drain(ctl->loop, &ctl->stop);
    }
    for (unsigned i = 0; i < CTL_CLIENTS; i++)
        client_drop(&ctl->clients[i]);
    close(ctl->fd);
    free(ctl);
}
