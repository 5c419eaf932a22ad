/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nbd_server.h: an NBD server in a thread, over memory, that keeps to the
 * protocol or breaks it as asked. One client; it ends when that goes away.
 */
#ifndef TEST_NBD_SERVER_H
#define TEST_NBD_SERVER_H

#include "blk_rig.h"
#include "devices/backend/blk_nbd.h"

#include <endian.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#define NBD_SIZE  (2 * MIB)
#define NBD_BATCH 16

enum trick {
    TRICK_NONE,
    TRICK_DRIP,       /* replies in small pieces */
    TRICK_REORDER,    /* many requests, then the answers last to first */
    TRICK_ERROR,      /* every answer is server->error */
    TRICK_BAD_MAGIC,  /* from here on: broken replies */
    TRICK_BAD_COOKIE, /* of no request */
    TRICK_OLD_COOKIE, /* of the request before */
    TRICK_TWICE,      /* each answer comes twice */
    TRICK_HANG_UP,    /* in the middle of a reply */
    TRICK_SILENT,     /* reads, never answers */
};

struct nbd_request {
    uint16_t flags, type;
    uint64_t cookie, offset;
    uint32_t len;
};

struct nbd_server {
    char path[108];
    uint16_t export_flags;    /* NBD_SEND_* */
    uint32_t max_block;       /* 0: no NBD_INFO_BLOCK_SIZE */
    bool old_style;           /* knows no NBD_OPT_GO */
    bool padding;             /* has no NO_ZEROES */
    _Atomic enum trick trick; /* for the requests from here on */
    uint32_t error;
    /* what it saw */
    unsigned requests[8]; /* by type */
    unsigned fua, no_hole, goodbyes;
    uint32_t longest;
    char name[256];
    unsigned char mem[NBD_SIZE];
    /* its own */
    enum trick now; /* for the requests at hand */
    int listener;
    int fd;
    uint64_t last_cookie;
    pthread_t thread;
};

static inline bool srv_read(struct nbd_server *s, void *buf, size_t n)
{
    return n == 0 || recv(s->fd, buf, n, MSG_WAITALL) == (ssize_t)n;
}

static inline void srv_write(struct nbd_server *s, const void *buf, size_t n)
{
    const char *p = buf;

    while (n) {
        size_t k = n;
        ssize_t put;

        if (s->now == TRICK_DRIP)
            k = 1 + (size_t)rand() % (n < 3000 ? n : 3000);
        put = send(s->fd, p, k, MSG_NOSIGNAL);
        if (put <= 0)
            return;
        p += put;
        n -= (size_t)put;
    }
}

static inline void srv_put(unsigned char **p, uint64_t v, unsigned bytes)
{
    while (bytes--)
        *(*p)++ = (unsigned char)(v >> (8 * bytes));
}

static inline uint64_t srv_get(const unsigned char *p, unsigned bytes)
{
    uint64_t v = 0;

    while (bytes--)
        v = v << 8 | *p++;
    return v;
}

static inline void srv_option_reply(struct nbd_server *s, uint32_t option,
                                    uint32_t type, const void *data, uint32_t n)
{
    unsigned char head[20], *p = head;

    srv_put(&p, UINT64_C(0x3e889045565a9), 8);
    srv_put(&p, option, 4);
    srv_put(&p, type, 4);
    srv_put(&p, n, 4);
    srv_write(s, head, sizeof(head));
    srv_write(s, data, n);
}

static inline void srv_describe(struct nbd_server *s)
{
    unsigned char info[12], sizes[14], *p = info;

    srv_put(&p, 0, 2);
    srv_put(&p, NBD_SIZE, 8);
    srv_put(&p, 1u | s->export_flags, 2);
    srv_option_reply(s, 7, 3, info, sizeof(info));
    p = sizes;
    srv_put(&p, 3, 2);
    srv_put(&p, 1, 4);
    srv_put(&p, 4096, 4);
    srv_put(&p, s->max_block, 4);
    if (s->max_block)
        srv_option_reply(s, 7, 3, sizes, sizeof(sizes));
    srv_option_reply(s, 7, 1, NULL, 0);
}

static inline bool srv_export_name(struct nbd_server *s,
                                   const unsigned char *name, uint32_t n)
{
    unsigned char answer[134] = {0}, *p = answer;

    memcpy(s->name, name, n);
    srv_put(&p, NBD_SIZE, 8);
    srv_put(&p, 1u | s->export_flags, 2);
    srv_write(s, answer, s->padding ? 134 : 10);
    return true;
}

static inline bool srv_handshake(struct nbd_server *s)
{
    unsigned char hello[18] = "NBDMAGICIHAVEOPT", head[16], data[512];

    hello[17] = s->padding ? 1 : 3;
    srv_write(s, hello, sizeof(hello));
    if (!srv_read(s, data, 4))
        return false;
    for (;;) {
        uint32_t option, n;

        if (!srv_read(s, head, sizeof(head)))
            return false;
        option = (uint32_t)srv_get(head + 8, 4);
        n = (uint32_t)srv_get(head + 12, 4);
        if (n > 255 || !srv_read(s, data, n))
            return false;
        if (option == 1)
            return srv_export_name(s, data, n);
        if (option != 7 || s->old_style) {
            srv_option_reply(s, option, 0x80000001u, NULL, 0);
            continue;
        }
        memcpy(s->name, data + 4, srv_get(data, 4));
        srv_describe(s);
        return true;
    }
}

static inline bool srv_request(struct nbd_server *s, struct nbd_request *r)
{
    unsigned char head[28];

    if (!srv_read(s, head, sizeof(head)) ||
        srv_get(head, 4) != NBD_REQUEST_MAGIC)
        return false;
    r->flags = (uint16_t)srv_get(head + 4, 2);
    r->type = (uint16_t)srv_get(head + 6, 2);
    r->cookie = srv_get(head + 8, 8);
    r->offset = srv_get(head + 16, 8);
    r->len = (uint32_t)srv_get(head + 24, 4);
    s->requests[r->type & 7]++;
    s->fua += r->flags & NBD_FLAG_FUA;
    s->no_hole += r->flags & NBD_FLAG_NO_HOLE ? 1 : 0;
    s->longest = r->len > s->longest ? r->len : s->longest;
    if (r->offset > NBD_SIZE || r->len > NBD_SIZE - r->offset)
        return false;
    if (r->type == NBD_WRITE)
        return srv_read(s, s->mem + r->offset, r->len);
    if (r->type == NBD_WRITE_ZEROES)
        memset(s->mem + r->offset, 0, r->len);
    s->goodbyes += r->type == NBD_DISC;
    return r->type != NBD_DISC;
}

static inline void srv_reply(struct nbd_server *s, const struct nbd_request *r)
{
    const uint32_t error = s->now == TRICK_ERROR ? s->error : 0;
    unsigned char head[16], *p = head;
    uint64_t cookie = r->cookie;

    if (s->now == TRICK_SILENT)
        return;
    if (s->now == TRICK_BAD_COOKIE)
        cookie ^= 0xffff;
    if (s->now == TRICK_OLD_COOKIE)
        cookie = s->last_cookie;
    s->last_cookie = r->cookie;
    srv_put(&p, NBD_REPLY_MAGIC ^ (s->now == TRICK_BAD_MAGIC), 4);
    srv_put(&p, error, 4);
    srv_put(&p, cookie, 8);
    srv_write(s, head, s->now == TRICK_HANG_UP ? 11 : sizeof(head));
    if (s->now == TRICK_HANG_UP)
        shutdown(s->fd, SHUT_RDWR);
    if (s->now == TRICK_TWICE)
        srv_write(s, head, sizeof(head));
    if (r->type == NBD_READ && !error)
        srv_write(s, s->mem + r->offset, r->len);
}

/* As many requests as come within a moment; answers from the last on. */
static inline bool srv_batch(struct nbd_server *s)
{
    struct nbd_request batch[NBD_BATCH];
    struct pollfd poll_fd = {.fd = s->fd, .events = POLLIN};
    const unsigned max = s->now == TRICK_REORDER ? NBD_BATCH : 1;
    unsigned n = 0;
    bool on = true;

    do
        on = srv_request(s, &batch[n]) && ++n;
    while (on && n < max && poll(&poll_fd, 1, 5) > 0);
    s->now = s->trick;
    while (n)
        srv_reply(s, &batch[--n]);
    return on;
}

static inline void *srv_thread(void *arg)
{
    struct nbd_server *s = arg;

    s->now = s->trick;
    s->fd = accept(s->listener, NULL, NULL);
    if (s->fd >= 0 && srv_handshake(s))
        while (srv_batch(s))
            continue;
    close(s->fd);
    return NULL;
}

static inline void srv_start(struct nbd_server *s, const char *dir)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    snprintf(s->path, sizeof(s->path), "%s/nbd", dir);
    memcpy(at.sun_path, s->path, sizeof(at.sun_path));
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(s->listener, 1), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, srv_thread, s), 0);
}

static inline void srv_end(struct nbd_server *s)
{
    pthread_join(s->thread, NULL);
    close(s->listener);
    unlink(s->path);
}

#endif
