// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * blk_nbd_open.c: connecting to an NBD server and agreeing on an export.
 *
 * The server is another program that may be broken or hostile: every length
 * it sends is bounded before use, it has NBD_TIMEOUT_S for each answer, and
 * what it says in words is only ever printed.
 *
 * NBD_OPT_GO is asked first, for it tells the sizes of requests the server
 * takes; a server that does not know it is asked by NBD_OPT_EXPORT_NAME.
 *
 * Thread: blk_open's, before the sandbox is sealed; blocking calls.
 */
#include "devices/backend/blk_nbd.h"
#include "devices/backend/blk_priv.h"

#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NBD_TIMEOUT_S 5

#define NBD_MAGIC     UINT64_C(0x4e42444d41474943) /* "NBDMAGIC" */
#define NBD_OPT_MAGIC UINT64_C(0x49484156454f5054) /* "IHAVEOPT" */
#define NBD_REP_MAGIC UINT64_C(0x0003e889045565a9)

#define NBD_FIXED_NEWSTYLE 0x1u
#define NBD_NO_ZEROES      0x2u

#define NBD_OPT_EXPORT_NAME 1u
#define NBD_OPT_GO          7u

#define NBD_REP_ACK       1u
#define NBD_REP_INFO      3u
#define NBD_REP_ERR       0x80000000u
#define NBD_REP_ERR_UNSUP 0x80000001u

#define NBD_INFO_EXPORT     0u
#define NBD_INFO_BLOCK_SIZE 3u

#define MAX_NAME    255  /* bytes of an export's name; the protocol has 4096 */
#define MAX_REPLY   4096 /* bytes behind the header of an option's reply */
#define MAX_REPLIES 32   /* to one option */

#define DEFAULT_MAX_BLOCK (32 * (uint32_t)MIB)
#define PADDING           124 /* behind an old reply, without NO_ZEROES */

struct nbd_server {
    int fd;
    const char *disk; /* for messages */
    const char *name; /* of the export */
    bool no_zeroes;
};

struct option_reply {
    uint32_t type;
    uint32_t len;
    unsigned char data[MAX_REPLY + 1]; /* a NUL behind what there is */
};

static uint16_t get16(const unsigned char *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint64_t get64(const unsigned char *p)
{
    return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static void put32(unsigned char *p, uint32_t v)
{
    v = htobe32(v);
    memcpy(p, &v, sizeof(v));
}

static void put64(unsigned char *p, uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, sizeof(v));
}

static int lost(const struct nbd_server *server, const char *what, int err)
{
    log_error("disk %s: NBD server: %s: %s", server->disk, what,
              err == EAGAIN ? "no answer in time"
              : err         ? strerror(err)
                            : "connection closed");
    return err ? -err : -ECONNRESET;
}

static int protocol_error(const struct nbd_server *server, const char *what)
{
    log_error("disk %s: NBD server: %s: give the socket of a server with fixed "
              "newstyle negotiation",
              server->disk, what);
    return -EPROTO;
}

static int receive(const struct nbd_server *server, void *buf, size_t n)
{
    char *p = buf;

    while (n) {
        const ssize_t got = recv(server->fd, p, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return lost(server, "reading", got ? errno : 0);
        p += got;
        n -= (size_t)got;
    }
    return 0;
}

static int transmit(const struct nbd_server *server, const void *buf, size_t n)
{
    const char *p = buf;

    while (n) {
        const ssize_t put = send(server->fd, p, n, MSG_NOSIGNAL);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return lost(server, "writing", errno);
        p += put;
        n -= (size_t)put;
    }
    return 0;
}

static int greet(struct nbd_server *server)
{
    unsigned char hello[18], answer[4];
    int ret = receive(server, hello, sizeof(hello));

    if (ret < 0)
        return ret;
    if (get64(hello) != NBD_MAGIC)
        return protocol_error(server, "does not speak NBD");
    if (get64(hello + 8) != NBD_OPT_MAGIC ||
        !(get16(hello + 16) & NBD_FIXED_NEWSTYLE))
        return protocol_error(server, "negotiates in an old style");
    server->no_zeroes = get16(hello + 16) & NBD_NO_ZEROES;
    put32(answer, NBD_FIXED_NEWSTYLE | (server->no_zeroes ? NBD_NO_ZEROES : 0));
    return transmit(server, answer, sizeof(answer));
}

/* Ask for an option; its data is short. */
static int ask(const struct nbd_server *server, uint32_t option,
               const unsigned char *data, uint32_t len)
{
    unsigned char msg[16 + MAX_NAME + 8];

    BUG_ON(len > sizeof(msg) - 16);
    put64(msg, NBD_OPT_MAGIC);
    put32(msg + 8, option);
    put32(msg + 12, len);
    memcpy(msg + 16, data, len);
    return transmit(server, msg, 16 + len);
}

static int receive_reply(const struct nbd_server *server, uint32_t option,
                         struct option_reply *reply)
{
    unsigned char head[20];
    int ret = receive(server, head, sizeof(head));

    if (ret < 0)
        return ret;
    if (get64(head) != NBD_REP_MAGIC || get32(head + 8) != option)
        return protocol_error(server, "answered what was not asked");
    reply->type = get32(head + 12);
    reply->len = get32(head + 16);
    if (reply->len > MAX_REPLY)
        return protocol_error(server, "sent an answer that is too long");
    ret = receive(server, reply->data, reply->len);
    reply->data[ret < 0 ? 0 : reply->len] = '\0';
    return ret;
}

static void take_info(const struct option_reply *reply, struct nbd_export *out,
                      bool *known)
{
    const unsigned char *d = reply->data;

    if (reply->len == 12 && get16(d) == NBD_INFO_EXPORT) {
        out->size = get64(d + 2);
        out->flags = get16(d + 10);
        *known = true;
    } else if (reply->len == 14 && get16(d) == NBD_INFO_BLOCK_SIZE) {
        out->min_block = get32(d + 2);
        out->max_block = get32(d + 10);
    }
}

/* 0, 1 if the server knows no NBD_OPT_GO, or -errno, logged. */
static int go(const struct nbd_server *server, struct nbd_export *out)
{
    unsigned char data[4 + MAX_NAME + 4];
    const uint32_t n = (uint32_t)strlen(server->name);
    struct option_reply reply;
    bool known = false;
    int ret;

    put32(data, n);
    memcpy(data + 4, server->name, n);
    put32(data + 4 + n, 1u << 16 | NBD_INFO_BLOCK_SIZE); /* one question */
    ret = ask(server, NBD_OPT_GO, data, n + 8);
    for (int i = 0; ret == 0 && i < MAX_REPLIES; i++) {
        ret = receive_reply(server, NBD_OPT_GO, &reply);
        if (ret < 0)
            return ret;
        if (reply.type == NBD_REP_ACK)
            return known ? 0 : protocol_error(server, "did not tell a size");
        if (reply.type == NBD_REP_ERR_UNSUP)
            return 1;
        if (reply.type & NBD_REP_ERR) {
            log_error("disk %s: NBD server: no export '%s' (error %u): %s",
                      server->disk, server->name, reply.type & ~NBD_REP_ERR,
                      (const char *)reply.data);
            return -ENOENT;
        }
        if (reply.type == NBD_REP_INFO)
            take_info(&reply, out, &known);
    }
    return ret < 0 ? ret : protocol_error(server, "never comes to an end");
}

static int go_old_style(const struct nbd_server *server, struct nbd_export *out)
{
    const uint32_t n = (uint32_t)strlen(server->name);
    unsigned char data[10 + PADDING] = {0};
    int ret = ask(server, NBD_OPT_EXPORT_NAME,
                  (const unsigned char *)server->name, n);

    if (ret == 0)
        ret = receive(server, data, server->no_zeroes ? 10 : sizeof(data));
    if (ret < 0)
        return ret;
    out->size = get64(data);
    out->flags = get16(data + 8);
    return 0;
}

static bool is_power_of_two(uint32_t v)
{
    return v && !(v & (v - 1));
}

static int check_export(const struct nbd_server *server, struct nbd_export *e)
{
    if (!is_power_of_two(e->min_block) || e->min_block > 64 * KIB)
        return protocol_error(server, "has an impossible block size");
    if (e->min_block < BLK_SECTOR)
        e->min_block = BLK_SECTOR;
    if (e->max_block > DEFAULT_MAX_BLOCK)
        e->max_block = DEFAULT_MAX_BLOCK;
    e->max_block -= e->max_block % e->min_block;
    if (!e->max_block)
        return protocol_error(server, "has an impossible block size");
    if (e->size > INT64_MAX)
        return protocol_error(server, "has an impossible size");
    e->size -= e->size % e->min_block;
    if (!e->size) {
        log_error("disk %s: NBD server: the export '%s' is empty", server->disk,
                  server->name);
        return -EINVAL;
    }
    return 0;
}

int nbd_handshake(int fd, const char *disk, const char *name,
                  struct nbd_export *out)
{
    struct nbd_server server = {.fd = fd, .disk = disk, .name = name};
    int ret = greet(&server);

    *out = (struct nbd_export){.min_block = 1, .max_block = DEFAULT_MAX_BLOCK};
    if (ret == 0)
        ret = go(&server, out);
    if (ret == 1)
        ret = go_old_style(&server, out);
    return ret < 0 ? ret : check_export(&server, out);
}

/* Bound each wait for the server; 0: no more, the loop does not block. */
static int set_timeout(int fd, time_t seconds)
{
    const struct timeval t = {.tv_sec = seconds};

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) < 0)
        return -errno;
    return 0;
}

/* What only a file has. */
static int check_config(const struct blk_config *cfg)
{
    const char *key = cfg->snapshot                  ? "snapshot=on"
                      : cfg->cache == BLK_CACHE_NONE ? "cache=none"
                                                     : NULL;

    if (!key)
        return 0;
    log_error("disk %s: %s is for files: have the NBD server do it", cfg->path,
              key);
    return -EINVAL;
}

/* A connected socket, or -errno, logged. */
static int connect_to(const char *disk, const struct sockaddr_un *to)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int ret = fd < 0 ? -errno : set_timeout(fd, NBD_TIMEOUT_S);

    if (ret == 0 && connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
        ret = -errno;
    if (ret == 0)
        return fd;
    log_error("disk %s: %s: %s: start the NBD server there first", disk,
              to->sun_path, strerror(-ret));
    if (fd >= 0)
        close(fd);
    return ret;
}

/* Split "nbd:unix:PATH[:EXPORT]". */
static int parse(const char *text, struct sockaddr_un *to, char *name)
{
    static const char scheme[] = "nbd:unix:";
    const char *path = text + sizeof(scheme) - 1, *end;

    if (strncmp(text, scheme, sizeof(scheme) - 1) != 0) {
        log_error("disk %s: give nbd:unix:PATH[:EXPORT] (a file of this name "
                  "is ./%s)",
                  text, text);
        return -EINVAL;
    }
    end = strchrnul(path, ':');
    if (end == path || (size_t)(end - path) >= sizeof(to->sun_path)) {
        log_error("disk %s: the socket's path must have 1 to %d bytes", text,
                  (int)sizeof(to->sun_path) - 1);
        return -EINVAL;
    }
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(to->sun_path, path, (size_t)(end - path));
    if (*end)
        end++;
    if (strlen(end) > MAX_NAME) {
        log_error("disk %s: the export's name is longer than %d bytes", text,
                  MAX_NAME);
        return -EINVAL;
    }
    memcpy(name, end, strlen(end) + 1);
    return 0;
}

struct blk *blk_nbd_open(const struct blk_config *cfg)
{
    struct nbd_export export;
    struct sockaddr_un to;
    char name[MAX_NAME + 1];
    int fd;

    if (check_config(cfg) < 0 || parse(cfg->path, &to, name) < 0)
        return NULL;
    fd = connect_to(cfg->path, &to);
    if (fd < 0)
        return NULL;
    /* A server that goes away is an error of I/O, not our end. */
    signal(SIGPIPE, SIG_IGN);
    if (nbd_handshake(fd, cfg->path, name, &export) < 0) {
        close(fd);
        return NULL;
    }
    BUG_ON(set_timeout(fd, 0) < 0); /* it could be set before */
    return nbd_open_export(cfg, fd, &export);
}
