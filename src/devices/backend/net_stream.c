// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * net_stream.c: frames over a stream socket: 4 bytes of length, big endian,
 * and a frame of Ethernet; what passt (and others) speak.
 *
 * The peer knows no headers of ours: a partial checksum is made whole here,
 * segmentation is not offered. Frames go through a buffer in each direction,
 * so that a turn of the loop costs one read and one write however many frames
 * there are, and a socket that takes half a frame is no trouble: what the
 * guest sent has left its memory.
 *
 * The buffer towards the peer is full while the peer does not read: then
 * net_send refuses. The one from the peer is filled only when a frame is
 * wanted and none is in it.
 *
 * The peer is trusted as little as a guest: a length that no frame has ends
 * the link.
 *
 * Thread: loop, board lock held. Must never wait for the peer.
 */
#include "devices/backend/net_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LENGTH     sizeof(uint32_t)
#define MIN_FRAME  14u /* what every frame begins with */
#define PADDED     60u /* no frame on a wire is shorter */
#define IPV4       20u /* the least of its header */
#define IPV6       40u
#define BUFFER     (128 * KIB) /* room for one frame, at least */
#define FRAME_ROOM (LENGTH + NET_MAX_FRAME)

_Static_assert(BUFFER >= FRAME_ROOM, "the longest frame fits");

struct span {
    size_t begin, end;
    uint8_t bytes[BUFFER];
};

struct net_stream {
    struct net net;
    int fd; /* owned */
    struct loop_op readable, writable, flush;
    bool drained; /* nothing to read until the loop says so */
    bool refused; /* net_send answered -EAGAIN */
    struct span in, out;
};

static struct net_stream *stream_of(struct net *net)
{
    return (struct net_stream *)net;
}

static size_t filled(const struct span *s)
{
    return s->end - s->begin;
}

/* Bring what is left to the front. */
static void compact(struct span *s)
{
    memmove(s->bytes, s->bytes + s->begin, filled(s));
    s->end -= s->begin;
    s->begin = 0;
}

/* ---- to the peer ---- */

/* Write what there is. Is the socket full? */
static bool write_out(struct net_stream *st)
{
    struct span *out = &st->out;

    while (filled(out) && !st->net.down) {
        const ssize_t n = send(st->fd, out->bytes + out->begin, filled(out),
                               MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0 && errno != EINTR)
            net_link_lost(&st->net, strerror(errno));
        else if (n > 0)
            out->begin += (size_t)n;
    }
    out->begin = out->end = 0;
    return false;
}

static void push_out(struct net_stream *st)
{
    if (st->writable.kind != LOOP_IDLE)
        return; /* the socket was full, and still is */
    if (write_out(st))
        loop_pollout(st->net.loop, &st->writable, st->fd);
}

static void on_flush(struct loop_op *op, int res)
{
    (void)res;
    push_out(op->owner);
}

static void on_writable(struct loop_op *op, int res)
{
    struct net_stream *st = op->owner;

    if (res < 0)
        return; /* cancelled */
    push_out(st);
    if (st->refused && filled(&st->out) < BUFFER / 2) {
        st->refused = false;
        net_room(&st->net);
    }
}

static bool make_room(struct net_stream *st, size_t n)
{
    if (n <= BUFFER - st->out.end)
        return true;
    push_out(st);
    compact(&st->out);
    return n <= BUFFER - st->out.end;
}

/* Behind the header: the frame, put together. */
static void gather(const struct net_pkt *pkt, uint8_t *to)
{
    size_t skip = NET_HDR;

    for (unsigned i = 0; i < pkt->n; i++) {
        const uint8_t *from = pkt->iov[i].iov_base;
        const size_t n = pkt->iov[i].iov_len - skip;

        if (n)
            memcpy(to, from + skip, n);
        to += n;
        skip = 0;
    }
}

/*
 * A card's driver fills frames up to what Ethernet carries at least, and passt
 * takes what it filled in for data: the end of a connection's byte stream.
 */
static size_t without_padding(const uint8_t *frame, size_t n)
{
    const unsigned type = (unsigned)frame[12] << 8 | frame[13];
    size_t whole = n;

    if (n > PADDED)
        return n;
    if (type == ETHERTYPE_IP && n >= MIN_FRAME + IPV4)
        whole = MIN_FRAME + ((size_t)frame[16] << 8 | frame[17]);
    else if (type == ETHERTYPE_IPV6 && n >= MIN_FRAME + IPV6)
        whole = MIN_FRAME + IPV6 + ((size_t)frame[18] << 8 | frame[19]);
    return whole < n && whole >= MIN_FRAME + IPV4 ? whole : n;
}

/* What the header asks for, done to the frame. 0 or -errno. */
static int finish_frame(const struct net_pkt *pkt, uint8_t *frame, size_t n)
{
    struct virtio_net_hdr_v1 hdr;

    memcpy(&hdr, pkt->iov[0].iov_base, sizeof(hdr));
    if (hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE)
        return -EOPNOTSUPP;
    if (!(hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
        return 0;
    return net_csum_complete(frame, n, hdr.csum_start, hdr.csum_offset)
               ? 0
               : -EINVAL;
}

static int stream_send(struct net *net, unsigned queue,
                       const struct net_pkt *pkt)
{
    struct net_stream *st = stream_of(net);
    size_t n = pkt->bytes - NET_HDR;
    uint32_t length;
    uint8_t *at;
    int ret;

    (void)queue;
    if (n < MIN_FRAME || n > NET_MAX_FRAME)
        return -EINVAL;
    if (!make_room(st, LENGTH + n)) {
        st->refused = true;
        return -EAGAIN;
    }
    at = st->out.bytes + st->out.end;
    gather(pkt, at + LENGTH);
    n = without_padding(at + LENGTH, n);
    ret = finish_frame(pkt, at + LENGTH, n);
    if (ret < 0)
        return ret;
    length = htonl((uint32_t)n);
    memcpy(at, &length, LENGTH);
    st->out.end += LENGTH + n;
    loop_post(net->loop, &st->flush);
    return 0;
}

/* ---- from the peer ---- */

/* 1: a whole frame of *n bytes is there; 0: not yet; -EPROTO. */
static int look_for_frame(const struct span *in, size_t *n)
{
    uint32_t length;

    if (filled(in) < LENGTH)
        return 0;
    memcpy(&length, in->bytes + in->begin, LENGTH);
    *n = ntohl(length);
    if (*n < MIN_FRAME || *n > NET_MAX_FRAME)
        return -EPROTO;
    return filled(in) >= LENGTH + *n;
}

/* 0, -EAGAIN, or another -errno. */
static int read_in(struct net_stream *st)
{
    struct span *in = &st->in;
    size_t room;
    ssize_t n;

    if (st->drained)
        return -EAGAIN;
    compact(in);
    room = BUFFER - in->end;
    n = recv(st->fd, in->bytes + in->end, room, MSG_DONTWAIT);
    if (n == 0)
        return -EPIPE;
    if (n < 0 && errno == EINTR)
        return 0;
    st->drained = n < (ssize_t)room;
    if (n < 0)
        return -errno;
    in->end += (size_t)n;
    return 0;
}

/* Spread a frame behind the header; what does not fit is cut off. */
static size_t scatter(const struct net_pkt *room, const uint8_t *from, size_t n)
{
    size_t done = 0, skip = NET_HDR;

    for (unsigned i = 0; i < room->n && done < n; i++) {
        uint8_t *to = room->iov[i].iov_base;
        size_t run = room->iov[i].iov_len - skip;

        if (run > n - done)
            run = n - done;
        if (run)
            memcpy(to + skip, from + done, run);
        done += run;
        skip = 0;
    }
    return done;
}

static int stream_recv(struct net *net, unsigned queue,
                       const struct net_pkt *room)
{
    struct net_stream *st = stream_of(net);
    size_t n = 0;
    int ret;

    (void)queue;
    while ((ret = look_for_frame(&st->in, &n)) == 0) {
        ret = read_in(st);
        if (ret < 0)
            break;
    }
    if (ret < 0)
        return ret;
    memset(room->iov[0].iov_base, 0, NET_HDR);
    ret = (int)scatter(room, st->in.bytes + st->in.begin + LENGTH, n);
    st->in.begin += LENGTH + n;
    return ret + (int)NET_HDR;
}

static void on_readable(struct loop_op *op, int res)
{
    struct net_stream *st = op->owner;

    if (res < 0)
        return; /* cancelled */
    if (res & (POLLHUP | POLLERR)) {
        /* A poll would say so again and again. */
        net_link_lost(&st->net, "the other end has ended");
        loop_cancel(st->net.loop, op);
        return;
    }
    st->drained = false;
    net_ready(&st->net, 0);
}

/* ---- life ---- */

static int stream_start(struct net *net)
{
    struct net_stream *st = stream_of(net);

    loop_watch(net->loop, &st->readable, st->fd);
    return 0;
}

static void stream_close(struct net *net)
{
    struct net_stream *st = stream_of(net);

    if (net->loop) {
        loop_drain(net->loop, &st->readable);
        loop_drain(net->loop, &st->writable);
        loop_drain(net->loop, &st->flush);
    }
    close(st->fd);
    free(st);
}

static const struct net_ops stream_ops = {
    .start = stream_start,
    .send = stream_send,
    .recv = stream_recv,
    .close = stream_close,
};

struct net *net_stream_open(const struct net_config *cfg, const char *name,
                            int fd)
{
    struct net_stream *st = calloc(1, sizeof(*st));

    if (!st) {
        log_error("--net %s: out of memory", name);
        close(fd);
        return NULL;
    }
    net_init(&st->net, &stream_ops, cfg);
    snprintf(st->net.name, sizeof(st->net.name), "%s", name);
    st->fd = fd;
    st->net.info.send = NET_CSUM;
    st->net.info.recv = NET_CSUM;
    st->readable = (struct loop_op){.fn = on_readable, .owner = st};
    st->writable = (struct loop_op){.fn = on_writable, .owner = st};
    st->flush = (struct loop_op){.fn = on_flush, .owner = st};
    return &st->net;
}
