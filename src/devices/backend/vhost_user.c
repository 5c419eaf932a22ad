// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vhost_user.c: messages to a device in another process; see vhost_user.h.
 *
 * A message is a header of 12 bytes, a payload, and perhaps descriptors with
 * its first byte. Addresses inside guest memory are given as guest addresses
 * throughout: each region's "user address" is its guest address, so that the
 * other process learns nothing of where things are in ours.
 */
#include "devices/backend/vhost_user.h"

#include "vmm/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define VERSION 0x1u
#define REPLY   0x4u

#define PROTOCOL_FEATURES ((uint64_t)1 << 30)

enum request {
    GET_FEATURES = 1,
    SET_FEATURES = 2,
    SET_OWNER = 3,
    SET_MEM_TABLE = 5,
    SET_VRING_NUM = 8,
    SET_VRING_ADDR = 9,
    SET_VRING_BASE = 10,
    GET_VRING_BASE = 11,
    SET_VRING_KICK = 12,
    SET_VRING_CALL = 13,
    GET_PROTOCOL_FEATURES = 15,
    SET_PROTOCOL_FEATURES = 16,
    SET_VRING_ENABLE = 18,
};

struct vring_state {
    uint32_t index;
    uint32_t num;
};

struct vring_addr {
    uint32_t index;
    uint32_t flags;
    uint64_t desc;
    uint64_t used;
    uint64_t avail;
    uint64_t log;
};

struct region {
    uint64_t gpa;
    uint64_t size;
    uint64_t user;
    uint64_t offset;
};

struct mem_table {
    uint32_t n;
    uint32_t padding;
    struct region regions[VHOST_USER_REGIONS];
};

struct header {
    uint32_t request;
    uint32_t flags;
    uint32_t size;
};

struct message {
    struct header h;
    union {
        uint64_t u64;
        struct vring_state state;
        struct vring_addr addr;
        struct mem_table memory;
    } __attribute__((packed)) u;
} __attribute__((packed));

_Static_assert(sizeof(struct header) == 12, "vhost-user: message header");
_Static_assert(sizeof(struct vring_addr) == 40, "vhost-user: ring addresses");
_Static_assert(sizeof(struct mem_table) == 8 + 32 * VHOST_USER_REGIONS,
               "vhost-user: memory regions");

static int lose(struct vhost_user *u, const char *what, int err)
{
    if (!u->lost && !u->starting)
        log_error("%s: %s: %s: its device is out of order", u->who, what,
                  err ? strerror(err) : "it ended");
    u->lost = true;
    return err ? -err : -ECONNRESET;
}

/* ---- one message ---- */

static void attach_fds(struct msghdr *msg, struct cmsghdr *c, const int *fds,
                       unsigned n)
{
    if (!n)
        return;
    msg->msg_control = c;
    msg->msg_controllen = CMSG_SPACE(n * sizeof(int));
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(n * sizeof(int));
    memcpy(CMSG_DATA(c), fds, n * sizeof(int));
}

/* Its socket has room for what we ever send at once, or it has stopped. */
static int send_message(struct vhost_user *u, struct message *m, unsigned what,
                        uint32_t size, const int *fds, unsigned n)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(VHOST_USER_REGIONS * sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec iov = {.iov_base = m, .iov_len = sizeof(m->h) + size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t put;

    if (u->lost)
        return -ECONNRESET;
    m->h = (struct header){.request = what, .flags = VERSION, .size = size};
    attach_fds(&msg, &control.header, fds, n);
    do
        put = sendmsg(u->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (put < 0 && errno == EINTR);
    if (put == (ssize_t)iov.iov_len)
        return 0;
    return lose(u, "telling it", put < 0 ? errno : EPROTO);
}

static int send_u64(struct vhost_user *u, unsigned what, uint64_t value)
{
    struct message m = {.u.u64 = value};

    return send_message(u, &m, what, sizeof(m.u.u64), NULL, 0);
}

static int send_state(struct vhost_user *u, unsigned what, unsigned index,
                      uint32_t num)
{
    struct message m = {.u.state = {.index = index, .num = num}};

    return send_message(u, &m, what, sizeof(m.u.state), NULL, 0);
}

static int send_fd(struct vhost_user *u, unsigned what, unsigned index, int fd)
{
    struct message m = {.u.u64 = index};

    return send_message(u, &m, what, sizeof(m.u.u64), &fd, 1);
}

/* Exactly n bytes, each wait bounded. */
static int receive(struct vhost_user *u, void *to, size_t n)
{
    struct pollfd p = {.fd = u->fd, .events = POLLIN};
    unsigned char *at = to;

    while (n) {
        ssize_t got = recv(u->fd, at, n, MSG_DONTWAIT);

        if (got == 0)
            return lose(u, "asking it", 0);
        if (got > 0) {
            at += got;
            n -= (size_t)got;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return lose(u, "asking it", errno);
        got = poll(&p, 1, VHOST_USER_MS);
        if (got == 0)
            return lose(u, "asking it", ETIMEDOUT);
    }
    return 0;
}

/* The answer to what was just sent, of this size. */
static int receive_reply(struct vhost_user *u, struct message *m, unsigned what,
                         uint32_t size)
{
    int ret = receive(u, &m->h, sizeof(m->h));

    if (ret < 0)
        return ret;
    if (m->h.request != what || m->h.size != size ||
        (m->h.flags & (VERSION | REPLY)) != (VERSION | REPLY))
        return lose(u, "its answer", EPROTO);
    return receive(u, &m->u, size);
}

static int get_u64(struct vhost_user *u, unsigned what, uint64_t *value)
{
    struct message m = {.u.u64 = 0};
    int ret = send_message(u, &m, what, 0, NULL, 0);

    if (ret == 0)
        ret = receive_reply(u, &m, what, sizeof(m.u.u64));
    *value = ret == 0 ? m.u.u64 : 0;
    return ret;
}

/* ---- what a front-end says ---- */

/* No protocol feature is needed; but then queues are enabled one by one. */
static int settle_protocol(struct vhost_user *u)
{
    uint64_t protocol;
    int ret;

    if (!(u->features & PROTOCOL_FEATURES))
        return lose(u, "it knows no queues to be enabled", ENOTSUP);
    ret = get_u64(u, GET_PROTOCOL_FEATURES, &protocol);
    return ret < 0 ? ret : send_u64(u, SET_PROTOCOL_FEATURES, 0);
}

int vhost_user_open(struct vhost_user *u, int fd, const char *who)
{
    struct message m = {.u.u64 = 0};
    int ret;

    *u = (struct vhost_user){.fd = fd, .who = who, .starting = true};
    ret = get_u64(u, GET_FEATURES, &u->features);
    if (ret == 0)
        ret = settle_protocol(u);
    if (ret == 0)
        ret = send_message(u, &m, SET_OWNER, 0, NULL, 0);
    u->starting = false;
    return ret;
}

int vhost_user_set_features(struct vhost_user *u, uint64_t bits)
{
    return send_u64(u, SET_FEATURES, (bits & u->features) | PROTOCOL_FEATURES);
}

int vhost_user_set_memory(struct vhost_user *u,
                          const struct vhost_user_region *regions, unsigned n)
{
    struct message m = {.u.memory = {.n = n}};
    int fds[VHOST_USER_REGIONS];

    BUG_ON(n > VHOST_USER_REGIONS);
    for (unsigned i = 0; i < n; i++) {
        m.u.memory.regions[i] = (struct region){
            .gpa = regions[i].gpa,
            .size = regions[i].size,
            .user = regions[i].gpa,
            .offset = regions[i].offset,
        };
        fds[i] = regions[i].fd;
    }
    return send_message(u, &m, SET_MEM_TABLE,
                        (uint32_t)(8 + n * sizeof(struct region)), fds, n);
}

int vhost_user_start(struct vhost_user *u, const struct vhost_user_ring *ring)
{
    struct message m = {.u.addr = {.index = ring->index,
                                   .desc = ring->desc,
                                   .used = ring->used,
                                   .avail = ring->avail}};
    int ret = send_state(u, SET_VRING_NUM, ring->index, ring->size);

    if (ret == 0)
        ret = send_state(u, SET_VRING_BASE, ring->index, 0);
    if (ret == 0)
        ret = send_message(u, &m, SET_VRING_ADDR, sizeof(m.u.addr), NULL, 0);
    if (ret == 0)
        ret = send_fd(u, SET_VRING_CALL, ring->index, ring->call);
    if (ret == 0)
        ret = send_fd(u, SET_VRING_KICK, ring->index, ring->kick);
    if (ret == 0)
        ret = send_state(u, SET_VRING_ENABLE, ring->index, 1);
    return ret;
}

int vhost_user_stop(struct vhost_user *u, unsigned index)
{
    struct message m = {.u.state = {.index = index}};
    int ret = send_message(u, &m, GET_VRING_BASE, sizeof(m.u.state), NULL, 0);

    if (ret == 0)
        ret = receive_reply(u, &m, GET_VRING_BASE, sizeof(m.u.state));
    return ret;
}

bool vhost_user_check(struct vhost_user *u)
{
    char byte;
    const ssize_t n = recv(u->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (u->lost)
        return false;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    /* It has nothing to say that was not asked. */
    lose(u, "serving the guest", n < 0 ? errno : n > 0 ? EPROTO : 0);
    return false;
}
