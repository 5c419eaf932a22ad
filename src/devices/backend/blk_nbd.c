// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * blk_nbd.c: a disk behind an NBD server (qemu-storage-daemon, nbdkit), which
 * is how formats such as qcow2 are read and written.
 *
 * One socket, many requests on it, answered in any order. At any time there
 * is at most one write on the socket (a request's header, then its data out
 * of guest memory) and exactly one read (a reply's header, or its data into
 * guest memory).
 *
 * A request has a slot; the cookie the server gives back is the slot's number
 * and generation, so that an answer to what was not asked, was answered, or
 * has not been sent to its end is seen for what it is. After that, or any
 * other breach, the connection is dead: it is shut down, and all requests,
 * those in flight and those to come, are answered EIO. A slot whose memory
 * the kernel may still be working on is answered when that operation ends,
 * which the shutdown makes soon.
 *
 * There is no cancelling in the protocol: a drain waits for the server, and
 * kills the connection if it says nothing for BLK_PATIENCE_NS.
 *
 * Thread: loop.
 */
#include "devices/backend/blk_nbd.h"
#include "devices/backend/blk_priv.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NO_SLOT UINT32_MAX

/* Without data the length may be anything; a multiple of all blocks. */
#define MAX_WITHOUT_DATA (1 * GIB)

#define TX_SEGMENTS 16 /* in one write: the header and some of the data */

enum slot_state {
    SLOT_FREE,
    SLOT_QUEUED, /* waits for its turn on the socket */
    SLOT_SENT,   /* to its end: an answer may come */
};

struct nbd_slot {
    enum slot_state state;
    enum nbd_type type;
    uint32_t generation; /* counts the requests that had this slot */
    struct blk_req *req; /* borrowed */
    uint64_t end;        /* req->moved once this is answered */
};

struct request_head {
    uint32_t magic;
    uint16_t flags;
    uint16_t type;
    uint64_t cookie;
    uint64_t offset;
    uint32_t len;
} __attribute__((packed));
_Static_assert(sizeof(struct request_head) == NBD_REQUEST_BYTES, "NBD");

struct reply_head {
    uint32_t magic;
    uint32_t error;
    uint64_t cookie;
} __attribute__((packed));
_Static_assert(sizeof(struct reply_head) == NBD_REPLY_BYTES, "NBD");

struct nbd {
    struct blk blk;
    int fd; /* owned */
    struct nbd_export export;
    bool dead;
    struct nbd_slot slots[BLK_MAX_IN_FLIGHT];
    /* To be sent, a ring of slot numbers: at most one entry per slot. */
    uint32_t queue[BLK_MAX_IN_FLIGHT];
    uint32_t queue_head;
    uint32_t queue_tail;
    /* Being sent. */
    uint32_t tx_slot;
    struct request_head tx_head;
    uint32_t tx_head_sent;
    struct iovec tx_iov[TX_SEGMENTS];
    struct loop_op tx;
    /* Being received; rx_slot is NO_SLOT for a header. */
    uint32_t rx_slot;
    struct reply_head rx_head;
    uint32_t rx_head_got;
    struct loop_op rx;
};

static void receive_next(struct nbd *nbd);
static void send_next(struct nbd *nbd);

static struct nbd *nbd_of(struct blk *blk)
{
    return (struct nbd *)blk;
}

static void slot_free(struct nbd *nbd, uint32_t n)
{
    nbd->slots[n].state = SLOT_FREE;
    nbd->slots[n].req = NULL;
    nbd->slots[n].generation++;
}

static uint32_t slot_take(struct nbd *nbd, struct blk_req *req)
{
    uint32_t n = 0;

    while (n < BLK_MAX_IN_FLIGHT && nbd->slots[n].state != SLOT_FREE)
        n++;
    BUG_ON(n == BLK_MAX_IN_FLIGHT);
    nbd->slots[n].state = SLOT_QUEUED;
    nbd->slots[n].req = req;
    return n;
}

/* Is the kernel working on this slot's memory? */
static bool slot_is_busy(const struct nbd *nbd, uint32_t n)
{
    return (n == nbd->tx_slot && nbd->tx.kind != LOOP_IDLE) ||
           (n == nbd->rx_slot && nbd->rx.kind != LOOP_IDLE);
}

/* On a dead connection: answer what the kernel is not working on. */
static void fail_slots(struct nbd *nbd)
{
    for (uint32_t n = 0; n < BLK_MAX_IN_FLIGHT; n++) {
        struct blk_req *req = nbd->slots[n].req;

        if (!req || slot_is_busy(nbd, n))
            continue;
        slot_free(nbd, n);
        blk_end_later(req, -EIO);
    }
}

static void die(struct nbd *nbd, const char *why)
{
    if (!nbd->dead) {
        log_error("disk %s: NBD server %s: the guest gets errors from now on; "
                  "restart both",
                  nbd->blk.name, why);
        nbd->dead = true;
        shutdown(nbd->fd, SHUT_RDWR);
    }
    fail_slots(nbd);
}

static bool must_go_on(int res)
{
    return res == -EINTR || res == -EAGAIN;
}

/* What is left of the header and, for a write, of the data: one array. */
static unsigned gather(struct nbd *nbd, const struct nbd_slot *slot)
{
    struct blk_req *req = slot->req;
    struct blk_piece piece;
    unsigned n = 0, k;

    if (nbd->tx_head_sent < sizeof(nbd->tx_head))
        nbd->tx_iov[n++] =
            (struct iovec){(char *)&nbd->tx_head + nbd->tx_head_sent,
                           sizeof(nbd->tx_head) - nbd->tx_head_sent};
    if (slot->type != NBD_WRITE || req->moved == slot->end)
        return n;
    piece = blk_next_piece(req, slot->end - req->moved);
    k = piece.n < TX_SEGMENTS - n ? piece.n : TX_SEGMENTS - n;
    memcpy(nbd->tx_iov + n, piece.iov, k * sizeof(*piece.iov));
    return n + k;
}

static void send_rest(struct nbd *nbd)
{
    const struct nbd_slot *slot = &nbd->slots[nbd->tx_slot];
    const unsigned n = gather(nbd, slot);

    loop_writev(nbd->blk.loop, &nbd->tx, nbd->fd, nbd->tx_iov, n, 0, 0);
}

/* Count what went out. Returns whether the request has, to its end. */
static bool count_sent(struct nbd *nbd, uint32_t n)
{
    const struct nbd_slot *slot = &nbd->slots[nbd->tx_slot];
    const uint32_t left = (uint32_t)sizeof(nbd->tx_head) - nbd->tx_head_sent;
    const uint32_t head = n < left ? n : left;

    nbd->tx_head_sent += head;
    if (slot->type != NBD_WRITE)
        return nbd->tx_head_sent == sizeof(nbd->tx_head);
    slot->req->moved += n - head;
    return slot->req->moved == slot->end;
}

static void on_sent(struct loop_op *op, int res)
{
    struct nbd *nbd = nbd_of(op->owner);

    if (nbd->dead || (res <= 0 && !must_go_on(res))) {
        die(nbd, "took no more requests");
        return;
    }
    if (res < 0 || !count_sent(nbd, (uint32_t)res)) {
        send_rest(nbd);
        return;
    }
    nbd->slots[nbd->tx_slot].state = SLOT_SENT;
    nbd->tx_slot = NO_SLOT;
    send_next(nbd);
}

static unsigned command_flags(const struct nbd *nbd,
                              const struct nbd_slot *slot)
{
    const struct blk_req *req = slot->req;
    unsigned flags = 0;

    if (slot->type != NBD_WRITE && slot->type != NBD_WRITE_ZEROES)
        return 0;
    if (nbd->blk.writethrough && (nbd->export.flags & NBD_SEND_FUA))
        flags |= NBD_FLAG_FUA;
    if (slot->type == NBD_WRITE_ZEROES && !req->unmap)
        flags |= NBD_FLAG_NO_HOLE;
    return flags;
}

static void send_next(struct nbd *nbd)
{
    struct nbd_slot *slot;
    uint32_t n;

    if (nbd->tx.kind != LOOP_IDLE || nbd->queue_head == nbd->queue_tail)
        return;
    n = nbd->queue[nbd->queue_head++ % BLK_MAX_IN_FLIGHT];
    slot = &nbd->slots[n];
    nbd->tx_slot = n;
    nbd->tx_head_sent = 0;
    nbd->tx_head = (struct request_head){
        .magic = htobe32(NBD_REQUEST_MAGIC),
        .flags = htobe16((uint16_t)command_flags(nbd, slot)),
        .type = htobe16((uint16_t)slot->type),
        .cookie = htobe64((uint64_t)slot->generation << 32 | n),
    };
    if (slot->type != NBD_FLUSH) {
        nbd->tx_head.offset = htobe64(slot->req->offset + slot->req->moved);
        nbd->tx_head.len = htobe32((uint32_t)(slot->end - slot->req->moved));
    }
    send_rest(nbd);
}

/* Must the answer to a write wait for a flush, for want of FUA? */
static bool wants_flush(const struct nbd *nbd, enum nbd_type type)
{
    return nbd->blk.writethrough &&
           (type == NBD_WRITE || type == NBD_WRITE_ZEROES) &&
           !(nbd->export.flags & NBD_SEND_FUA) &&
           (nbd->export.flags & NBD_SEND_FLUSH);
}

/* A slot's request was answered by the server. */
static void complete(struct nbd *nbd, uint32_t n, int result)
{
    const struct nbd_slot slot = nbd->slots[n];
    struct blk_req *req = slot.req;

    slot_free(nbd, n);
    if (result < 0) {
        blk_result(req, result);
        return;
    }
    req->moved = slot.end;
    if (slot.type != NBD_FLUSH &&
        (req->moved < req->len || wants_flush(nbd, slot.type)))
        blk_go_on(req);
    else
        blk_result(req, 0);
}

/* Errors as the protocol numbers them, which is as Linux does. */
static int error_of(uint32_t wire)
{
    switch (wire) {
    case 0:
        return 0;
    case EPERM:
    case ENOMEM:
    case EINVAL:
    case ENOSPC:
    case EOVERFLOW:
    case ENOTSUP:
        return -(int)wire;
    default:
        return -EIO;
    }
}

/* A request that has its whole answer. */
struct answered {
    uint32_t slot; /* NO_SLOT: none has */
    int result;
};

/* A reply's header is there. False: the server broke the protocol. */
static bool take_reply(struct nbd *nbd, struct answered *out)
{
    const uint64_t cookie = be64toh(nbd->rx_head.cookie);
    const uint32_t n = (uint32_t)cookie;
    const int result = error_of(be32toh(nbd->rx_head.error));
    const struct nbd_slot *slot;

    if (be32toh(nbd->rx_head.magic) != NBD_REPLY_MAGIC ||
        n >= BLK_MAX_IN_FLIGHT)
        return false;
    slot = &nbd->slots[n];
    if (slot->state != SLOT_SENT || slot->generation != cookie >> 32)
        return false;
    if (slot->type == NBD_READ && result == 0)
        nbd->rx_slot = n;
    else
        *out = (struct answered){n, result};
    return true;
}

/* n bytes of what receive_next asked for. False: protocol broken. */
static bool take_bytes(struct nbd *nbd, uint32_t n, struct answered *out)
{
    const struct nbd_slot *slot;

    if (nbd->rx_slot == NO_SLOT) {
        nbd->rx_head_got += n;
        if (nbd->rx_head_got < sizeof(nbd->rx_head))
            return true;
        nbd->rx_head_got = 0;
        return take_reply(nbd, out);
    }
    slot = &nbd->slots[nbd->rx_slot];
    slot->req->moved += n;
    if (slot->req->moved == slot->end) {
        *out = (struct answered){nbd->rx_slot, 0};
        nbd->rx_slot = NO_SLOT;
    }
    return true;
}

/* The next read begins before done is called, which may drain the disk. */
static void on_received(struct loop_op *op, int res)
{
    struct nbd *nbd = nbd_of(op->owner);
    struct answered answered = {.slot = NO_SLOT};

    if (nbd->dead || (res <= 0 && !must_go_on(res))) {
        die(nbd, res ? strerror(-res) : "closed the connection");
        return;
    }
    if (res > 0 && !take_bytes(nbd, (uint32_t)res, &answered)) {
        die(nbd, "answered what was not asked");
        return;
    }
    receive_next(nbd);
    if (answered.slot != NO_SLOT)
        complete(nbd, answered.slot, answered.result);
}

static void receive_next(struct nbd *nbd)
{
    struct loop *loop = nbd->blk.loop;
    struct blk_piece piece;
    const struct nbd_slot *slot;

    if (nbd->rx_slot == NO_SLOT) {
        loop_read(loop, &nbd->rx, nbd->fd,
                  (char *)&nbd->rx_head + nbd->rx_head_got,
                  (unsigned)sizeof(nbd->rx_head) - nbd->rx_head_got, 0);
        return;
    }
    slot = &nbd->slots[nbd->rx_slot];
    piece = blk_next_piece(slot->req, slot->end - slot->req->moved);
    loop_readv(loop, &nbd->rx, nbd->fd, piece.iov, piece.n, 0);
}

/* The command for what is left of a request. */
static enum nbd_type type_of(const struct blk_req *req)
{
    static const enum nbd_type types[] = {
        [BLK_READ] = NBD_READ,         [BLK_WRITE] = NBD_WRITE,
        [BLK_FLUSH] = NBD_FLUSH,       [BLK_DISCARD] = NBD_TRIM,
        [BLK_ZERO] = NBD_WRITE_ZEROES,
    };

    /* All is written: what is left is to flush it. */
    return req->moved == req->len ? NBD_FLUSH : types[req->op];
}

static void nbd_issue(struct blk *blk, struct blk_req *req)
{
    struct nbd *nbd = nbd_of(blk);
    const enum nbd_type type = req->op == BLK_FLUSH ? NBD_FLUSH : type_of(req);
    const bool data = type == NBD_READ || type == NBD_WRITE;
    const uint64_t max = data ? nbd->export.max_block : MAX_WITHOUT_DATA;
    const uint64_t left = req->len - req->moved;
    uint32_t n;

    if (nbd->dead ||
        (type == NBD_FLUSH && !(nbd->export.flags & NBD_SEND_FLUSH))) {
        blk_end_later(req, nbd->dead ? -EIO : 0);
        return;
    }
    n = slot_take(nbd, req);
    nbd->slots[n].type = type;
    nbd->slots[n].end = req->moved + (left < max ? left : max);
    nbd->queue[nbd->queue_tail++ % BLK_MAX_IN_FLIGHT] = n;
    send_next(nbd);
}

static void nbd_start(struct blk *blk)
{
    receive_next(nbd_of(blk));
}

static void nbd_give_up(struct blk *blk)
{
    die(nbd_of(blk), "does not answer");
}

/* The protocol has no way to ask again. */
static int nbd_size(struct blk *blk, uint64_t *out)
{
    *out = blk->info.size;
    return 0;
}

/* Say goodbye, as the protocol wants it, if that can be done at once. */
static void say_goodbye(struct nbd *nbd)
{
    const struct request_head bye = {
        .magic = htobe32(NBD_REQUEST_MAGIC),
        .type = htobe16(NBD_DISC),
    };

    if (!nbd->dead && send(nbd->fd, &bye, sizeof(bye),
                           MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(bye))
        log_debug("disk %s: NBD server not told of the end", nbd->blk.name);
}

static void nbd_close(struct blk *blk)
{
    struct nbd *nbd = nbd_of(blk);

    if (blk->loop) {
        loop_drain(blk->loop, &nbd->tx);
        loop_drain(blk->loop, &nbd->rx);
    }
    say_goodbye(nbd);
    close(nbd->fd);
    blk_exit(blk);
    free(nbd);
}

static const struct blk_ops nbd_ops = {
    .name = "nbd",
    .start = nbd_start,
    .issue = nbd_issue,
    .give_up = nbd_give_up,
    .size = nbd_size,
    .close = nbd_close,
};

static void set_info(struct blk_info *info, const struct nbd_export *export,
                     const struct blk_config *cfg)
{
    const bool writable = !cfg->read_only;

    *info = (struct blk_info){
        .size = export->size,
        .logical_block = export->min_block,
        .physical_block = export->min_block > 4096 ? export->min_block : 4096,
        .read_only = !writable,
        .can_zero = writable && (export->flags & NBD_SEND_WRITE_ZEROES),
        .needs_flush = (export->flags & NBD_SEND_FLUSH) &&
                       cfg->cache != BLK_CACHE_WRITETHROUGH,
    };
    if (writable && (export->flags & NBD_SEND_TRIM))
        info->discard_align = info->physical_block;
}

struct blk *nbd_open_export(const struct blk_config *cfg, int fd,
                            const struct nbd_export *export)
{
    struct nbd *nbd = calloc(1, sizeof(*nbd));

    if (!nbd) {
        log_error("disk %s: out of memory", cfg->path);
        goto close_fd;
    }
    if ((export->flags & NBD_READ_ONLY) && !cfg->read_only) {
        log_error("disk %s: the NBD server exports it for reading only: give "
                  "ro=on",
                  cfg->path);
        goto free_nbd;
    }
    nbd->fd = fd;
    nbd->export = *export;
    nbd->tx_slot = nbd->rx_slot = NO_SLOT;
    nbd->tx = (struct loop_op){.fn = on_sent, .owner = &nbd->blk};
    nbd->rx = (struct loop_op){.fn = on_received, .owner = &nbd->blk};
    set_info(&nbd->blk.info, export, cfg);
    if (blk_init(&nbd->blk, &nbd_ops, cfg) == 0)
        return &nbd->blk;
free_nbd:
    free(nbd);
close_fd:
    close(fd);
    return NULL;
}
