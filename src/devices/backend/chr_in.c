// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chr_in.c: the input half of the chr backend; see chr.h.
 *
 * The loop reads while there is room in in_buf and stops when there is none;
 * whatever is behind the descriptor then waits in the kernel, and its writer
 * waits in turn. So nothing is lost, and a person's escape keys are still
 * seen behind up to CHR_IN_BUF bytes that a hung guest does not take.
 *
 * A descriptor is read until it is empty (EAGAIN) and then watched; files
 * and blocking descriptors never say that and are never watched. The watch
 * reports edges, hence `again`: an edge that met a read in flight may be
 * newer than that read's answer.
 *
 * Bytes [head, head+n) belong to the front-end, which only takes away at the
 * front; a read in flight writes behind them. Both agree because head+n does
 * not change while bytes are taken.
 */
#include "devices/backend/chr_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define CURRENT_POSITION UINT64_MAX

/* Move what is left to the front; returns the room behind it. */
static size_t compact(struct chr *c)
{
    struct chr_input *in = &c->in;

    if (in->head && in->n)
        memmove(c->in_buf, c->in_buf + in->head, in->n);
    in->head = 0;
    return CHR_IN_BUF - in->n;
}

void chr_fill(struct chr *c)
{
    struct chr_input *in = &c->in;
    size_t room;

    if (in->fd < 0 || in->eof || in->held || !in->more)
        return;
    if (in->read.kind != LOOP_IDLE)
        return;
    room = compact(c);
    if (!room)
        return;
    in->again = false;
    loop_read(c->loop, &in->read, in->fd, c->in_buf + in->n, (unsigned)room,
              CURRENT_POSITION);
}

static void deliver(struct chr *c)
{
    c->in.delivering = true;
    if (c->front.readable)
        c->front.readable(c->front.owner);
    c->in.delivering = false;
}

void chr_want_input(struct chr *c)
{
    if (!c->in.n)
        return; /* what comes next is announced anyway */
    c->in.wanted = true;
    chr_kick(c, CHR_KICK_LATER);
}

void chr_redeliver(struct chr *c)
{
    if (!c->in.wanted)
        return;
    c->in.wanted = false;
    deliver(c);
}

static void accept_bytes(struct chr *c, size_t n)
{
    struct chr_input *in = &c->in;
    unsigned char *bytes = c->in_buf + in->head + in->n;

    if (c->filter.input)
        n = c->filter.input(c->filter.ctx, bytes, n);
    c->stats.in_bytes += n;
    in->n += n;
    if (n)
        deliver(c);
    chr_fill(c);
}

static void on_empty(struct chr *c)
{
    struct chr_input *in = &c->in;

    in->more = in->again;
    if (in->watch.kind == LOOP_IDLE && !in->held)
        loop_watch(c->loop, &in->watch, in->fd);
    chr_fill(c);
}

static void on_end(struct chr *c, int res)
{
    if (res < 0)
        log_debug("console %s: input ended: %s", c->name, strerror(-res));
    c->in.eof = true;
    if (!chr_sock_mute(c, res))
        loop_cancel(c->loop, &c->in.watch);
}

static void on_read(struct loop_op *op, int res)
{
    struct chr *c = op->owner;

    if (res > 0)
        accept_bytes(c, (size_t)res);
    else if (res == -EAGAIN)
        on_empty(c);
    else if (res == -EINTR || res == -ECANCELED)
        chr_fill(c); /* unless held, which is what cancels */
    else
        on_end(c, res);
}

static void on_readable(struct loop_op *op, int res)
{
    struct chr *c = op->owner;

    if (res < 0 && res != -ECANCELED) {
        on_end(c, res);
        return;
    }
    if (c->in.eof && chr_sock_mute(c, 0))
        return;
    /* A watch that was cancelled is wanted again if that was taken back. */
    c->in.again = true;
    c->in.more = true;
    chr_fill(c);
}

void chr_hold_input(struct chr *c, bool hold)
{
    struct chr_input *in = &c->in;

    in->held = hold;
    if (!c->loop)
        return;
    if (hold) {
        loop_cancel(c->loop, &in->watch);
        loop_cancel(c->loop, &in->read);
        return;
    }
    if (c->tty)
        in->eof = false;
    in->more = true;
    chr_fill(c);
}

size_t chr_pending(const struct chr *c)
{
    return c->in.n;
}

size_t chr_read(struct chr *c, void *buf, size_t n)
{
    struct chr_input *in = &c->in;

    if (n > in->n)
        n = in->n;
    if (!n)
        return 0;
    memcpy(buf, c->in_buf + in->head, n);
    in->head += n;
    in->n -= n;
    /* Half empty again: time to read on, if that had to stop. */
    if (in->more && !in->delivering && in->read.kind == LOOP_IDLE &&
        in->n <= CHR_IN_BUF / 2)
        chr_kick(c, CHR_KICK_NOW);
    return n;
}

void chr_input_init(struct chr *c, int fd)
{
    struct chr_input *in = &c->in;

    in->fd = fd;
    in->more = true;
    in->eof = false;
    in->again = false;
    in->watch = (struct loop_op){.fn = on_readable, .owner = c};
    in->read = (struct loop_op){.fn = on_read, .owner = c};
}

/* Take what a socket holds, as far as there is room. */
static void salvage(struct chr *c, int fd)
{
    const size_t room = compact(c);
    const ssize_t got =
        room ? recv(fd, c->in_buf + c->in.n, room, MSG_DONTWAIT) : 0;

    if (got > 0)
        c->in.n += (size_t)got;
}

void chr_input_end(struct chr *c, int fd)
{
    const int res = loop_drain(c->loop, &c->in.read);

    loop_drain(c->loop, &c->in.watch);
    if (res > 0)
        c->in.n += (size_t)res;
    salvage(c, fd);
    chr_input_init(c, -1);
    chr_want_input(c);
}

void chr_input_close(struct chr *c)
{
    if (!c->loop)
        return;
    loop_drain(c->loop, &c->in.read);
    loop_drain(c->loop, &c->in.watch);
}
