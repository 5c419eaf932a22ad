// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chr_out.c: the output half of the chr backend; see chr.h.
 *
 * out_buf is a ring of n bytes from head. Front-ends append on any thread;
 * only the loop thread takes away, by one write in flight at a time. What
 * was handed to the kernel stays in place until the write has ended.
 *
 *   idle ──kick──> write in flight ──done, more──> write in flight
 *                      │      └──done, empty──> idle
 *                      └──EAGAIN──> poll for room ──> write in flight
 *
 * The stall timer runs only while the buffer is full: a reader that takes
 * nothing for CHR_STALL_NS is stalled, and from then on nobody waits for it.
 * Its next byte ends that. A stalled reader costs no wakeup.
 */
#include "devices/backend/chr_priv.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A file's offset, or none for a stream: the kernel's own position. */
#define CURRENT_POSITION UINT64_MAX

/* So much can be written to a blocking terminal that polls as writable. */
#define BLOCKING_CHUNK 256

static bool is_full(const struct chr *c)
{
    return c->out.n == CHR_BUF;
}

/* Does anybody wait for bytes, or may they be lost? */
static bool is_listened_to(const struct chr *c)
{
    return c->out.fd >= 0 && !c->out.dead && !c->out.stalled;
}

size_t chr_room(const struct chr *c)
{
    return is_listened_to(c) ? CHR_BUF - c->out.n : CHR_BUF;
}

static void tell_writable(struct chr *c)
{
    if (c->front.writable)
        c->front.writable(c->front.owner);
}

/* ---- stall ---- */

static void watch_for_stall(struct chr *c)
{
    struct chr_output *o = &c->out;

    if (!is_full(c) || o->stalled || o->fd < 0 || o->stall.kind != LOOP_IDLE)
        return;
    o->mark = o->moved;
    loop_timer(c->loop, &o->stall, CHR_STALL_NS);
}

static void on_stall_timer(struct loop_op *op, int res)
{
    struct chr *c = op->owner;

    if (res < 0 || !is_full(c) || c->out.fd < 0)
        return;
    if (c->out.moved != c->out.mark) {
        watch_for_stall(c);
        return;
    }
    c->out.stalled = true;
    log_guest(&c->limit,
              "console %s: nobody reads it; output is dropped until somebody "
              "does",
              c->name);
    tell_writable(c);
}

/* ---- writing ---- */

/* The first stretch of the ring without a break. */
static size_t contiguous(const struct chr_output *o)
{
    const size_t to_end = CHR_BUF - o->head;

    return o->n < to_end ? o->n : to_end;
}

/* The first n bytes of the ring are gone. */
static void consume(struct chr_output *o, size_t n)
{
    o->head = (o->head + n) % CHR_BUF;
    o->n -= n;
    if (o->n == 0)
        o->head = 0;
}

static void start_write(struct chr *c)
{
    struct chr_output *o = &c->out;

    loop_write(c->loop, &o->write, o->fd, c->out_buf + o->head,
               (unsigned)contiguous(o), CURRENT_POSITION);
}

void chr_flush(struct chr *c)
{
    struct chr_output *o = &c->out;

    if (o->n && o->fd >= 0 && !o->dead && o->write.kind == LOOP_IDLE &&
        o->room.kind == LOOP_IDLE)
        start_write(c);
    watch_for_stall(c);
}

/* n bytes left the buffer, written or given up. */
static void leave(struct chr *c, size_t n)
{
    const bool was_full = is_full(c);

    consume(&c->out, n);
    c->out.stalled = false;
    /* The next write first: the front-end's bytes then need no kick. */
    chr_flush(c);
    if (was_full)
        tell_writable(c);
}

/*
 * The host could not take the bytes. A full disk may get better and costs
 * what is buffered; a terminal or pipe that went away does not come back; a
 * socket waits for its next client.
 */
static void give_up(struct chr *c, int err)
{
    if (chr_sock_deaf(c))
        return;
    log_guest(&c->limit, "console %s: %s; its output is lost", c->name,
              strerror(err));
    c->out.dead = !c->out.regular;
    c->stats.out_dropped += c->out.n;
    leave(c, c->out.n);
}

static void on_written(struct loop_op *op, int res)
{
    struct chr *c = op->owner;

    if (res > 0) {
        c->out.moved += (uint64_t)res;
        leave(c, (size_t)res);
    } else if (res == -EAGAIN) {
        loop_pollout(c->loop, &c->out.room, c->out.fd);
        watch_for_stall(c);
    } else if (res == -EINTR) {
        chr_flush(c);
    } else {
        give_up(c, res < 0 ? -res : EIO);
    }
}

static void on_room(struct loop_op *op, int res)
{
    struct chr *c = op->owner;

    if (res < 0)
        give_up(c, -res);
    else
        chr_flush(c);
}

/* ---- the front-end's side ---- */

/* Copy n bytes, which fit, behind the last one. */
static void append(struct chr *c, const unsigned char *bytes, size_t n)
{
    const size_t at = (c->out.head + c->out.n) % CHR_BUF;
    const size_t first = n < CHR_BUF - at ? n : CHR_BUF - at;

    memcpy(c->out_buf + at, bytes, first);
    memcpy(c->out_buf, bytes + first, n - first);
    c->out.n += n;
}

/* How soon must the loop look, now that these bytes were appended? */
static enum chr_kick urgency(const struct chr *c, const unsigned char *bytes,
                             size_t n)
{
    const struct chr_output *o = &c->out;

    /* A full buffer needs the stall timer, which only the loop can set. */
    if (is_full(c))
        return CHR_KICK_NOW;
    if (o->write.kind != LOOP_IDLE || o->room.kind != LOOP_IDLE)
        return CHR_KICK_NONE;
    if (o->n >= CHR_BUF / 2 || memchr(bytes, '\n', n))
        return CHR_KICK_NOW;
    return CHR_KICK_LATER;
}

/* Nobody is attached: what comes last is kept, what came first makes room. */
static void keep_newest(struct chr *c, const unsigned char *bytes, size_t n)
{
    struct chr_output *o = &c->out;
    const size_t skip = n > CHR_BUF ? n - CHR_BUF : 0;
    const size_t kept = n - skip;
    const size_t over = o->n + kept > CHR_BUF ? o->n + kept - CHR_BUF : 0;

    consume(o, over);
    append(c, bytes + skip, kept);
    c->stats.out_dropped += skip + over;
    c->sock.lost += skip + over;
}

void chr_write(struct chr *c, const void *buf, size_t n)
{
    const unsigned char *bytes = buf;
    size_t fits = CHR_BUF - c->out.n;

    c->stats.out_bytes += n;
    chr_tail_add(c, bytes, n);
    if (!chr_is_attached(c))
        keep_newest(c, bytes, n);
    if (c->out.fd < 0)
        return;
    if (fits > n)
        fits = n;
    if (c->out.dead)
        fits = 0;
    c->stats.out_dropped += n - fits;
    if (!fits)
        return;
    append(c, bytes, fits);
    chr_kick(c, urgency(c, bytes, fits));
}

/* ---- beginning and end ---- */

void chr_output_init(struct chr *c, int fd)
{
    struct chr_output *o = &c->out;

    o->fd = fd;
    o->write = (struct loop_op){.fn = on_written, .owner = c};
    o->room = (struct loop_op){.fn = on_room, .owner = c};
    o->stall = (struct loop_op){.fn = on_stall_timer, .owner = c};
}

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* One write; bytes written, 0 to try again, or -errno. */
static ssize_t write_some(struct chr *c)
{
    const size_t all = contiguous(&c->out);
    const size_t n =
        c->out.blocking && all > BLOCKING_CHUNK ? BLOCKING_CHUNK : all;
    const ssize_t ret = write(c->out.fd, c->out_buf + c->out.head, n);

    if (ret >= 0)
        return ret;
    return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* Write until the buffer is empty or the reader has gone quiet. */
static void flush_bounded(struct chr *c)
{
    int64_t deadline = now_ms() + CHR_CLOSE_MS;

    while (c->out.n) {
        struct pollfd p = {.fd = c->out.fd, .events = POLLOUT};
        const int64_t left = deadline - now_ms();
        ssize_t n;

        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            return;
        n = write_some(c);
        if (n < 0)
            return;
        consume(&c->out, (size_t)n);
        if (n > 0)
            deadline = now_ms() + CHR_CLOSE_MS;
    }
}

void chr_output_stop(struct chr *c)
{
    struct chr_output *o = &c->out;
    /* A write in flight may have moved bytes before it was ended. */
    const int res = loop_drain(c->loop, &o->write);

    if (res > 0)
        consume(o, (size_t)res);
    loop_drain(c->loop, &o->room);
    loop_drain(c->loop, &o->stall);
}

void chr_output_close(struct chr *c)
{
    const struct chr_output *o = &c->out;

    if (c->loop)
        chr_output_stop(c);
    if (o->fd >= 0 && !o->dead && !o->stalled)
        flush_bounded(c);
}
