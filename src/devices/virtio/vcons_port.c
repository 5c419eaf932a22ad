// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vcons_port.c: the bytes of one port; see vcons.h. Source: virtio 1.2,
 * 5.3.6.
 *
 * Out: a chain is popped and written to the chr as far as that has room. The
 * rest waits, popped, for the reader; the guest's driver waits in turn if it
 * likes, no vCPU ever does. A reader that stalls takes everything, as chr.h
 * says, so that a chain never waits for ever.
 *
 * In: a buffer is popped only when there are bytes for it, and bytes are
 * taken from the chr only into a buffer. So input comes as fast as the guest
 * makes room and waits in the host's kernel otherwise.
 *
 * A turn of the loop moves TURN_BYTES of a queue; a chain counts at least
 * CHAIN_BYTES, so that empty ones are not free.
 */
#include "devices/virtio/vcons_priv.h"

#define TURN_BYTES  (64 * 1024)
#define CHAIN_BYTES 64

static size_t least(size_t a, uint64_t b)
{
    return a < b ? a : (size_t)b;
}

/* ---- out ---- */

/* Write on from where it stopped. False: the chr is full, or it is enough. */
static bool send_chain(struct vcons_port *p, size_t *budget)
{
    struct vcons *c = p->c;

    while (p->sent < p->out.out_bytes) {
        size_t n = least(sizeof(c->bytes), p->out.out_bytes - p->sent);

        n = least(n, *budget);
        n = least(n, chr_room(p->chr));
        if (!n)
            return false;
        vchain_read(&p->out, p->sent, c->bytes, n);
        chr_write(p->chr, c->bytes, n);
        p->sent += n;
        *budget -= n;
    }
    return true;
}

/* The next chain becomes the port's. As virtq_pop. */
static int begin_chain(struct vcons_port *p)
{
    int ret = 1;

    if (p->sending)
        return 1;
    p->out = (struct vchain){.iov = p->iov, .max = (int)ARRAY_LEN(p->iov)};
    ret = virtq_pop(virtio_queue(p->c->v, p->tx), &p->out);
    p->sending = ret > 0;
    p->sent = 0;
    return ret;
}

static void end_chain(struct vcons_port *p)
{
    virtq_push(virtio_queue(p->c->v, p->tx), p->out.head, 0);
    p->sending = false;
}

void vcons_port_send(struct vcons_port *p)
{
    struct vcons *c = p->c;
    size_t budget = TURN_BYTES;
    int ret = 1;

    virtq_quiet(virtio_queue(c->v, p->tx));
    while (budget && (ret = begin_chain(p)) > 0 && send_chain(p, &budget)) {
        end_chain(p);
        budget -= least(budget, CHAIN_BYTES);
    }
    vcons_done(c, p->tx, ret, true);
    /* A full chr calls when it has room. */
    if (ret > 0 && chr_room(p->chr))
        vcons_again(c, p->tx);
}

/* ---- in ---- */

static bool has_input(const struct vcons_port *p)
{
    return p->open && chr_pending(p->chr);
}

/* Fill a buffer with what there is; bytes. */
static uint32_t fill(const struct vcons_port *p, const struct vchain *chain)
{
    struct vcons *c = p->c;
    uint64_t done = 0;

    while (done < chain->in_bytes) {
        const size_t n = chr_read(
            p->chr, c->bytes, least(sizeof(c->bytes), chain->in_bytes - done));

        if (!n)
            break;
        vchain_write(chain, done, c->bytes, n);
        done += n;
    }
    return (uint32_t)done;
}

void vcons_port_receive(struct vcons_port *p)
{
    struct vcons *c = p->c;
    struct virtq *q = virtio_queue(c->v, p->rx);
    struct vchain chain = {.iov = c->iov, .max = (int)ARRAY_LEN(c->iov)};
    size_t budget = TURN_BYTES;
    int ret = 0;

    virtq_quiet(q);
    while (budget && has_input(p) && (ret = virtq_pop(q, &chain)) > 0) {
        const uint32_t n = fill(p, &chain);

        virtq_push(q, chain.head, n);
        budget -= least(budget, n + CHAIN_BYTES);
    }
    /* Buffers that come while there is nothing to put in need no kick. */
    vcons_done(c, p->rx, ret, has_input(p));
    if (ret > 0 && has_input(p))
        vcons_again(c, p->rx);
}

/* ---- what the chr tells ---- */

static void on_readable(void *owner)
{
    struct vcons_port *p = owner;

    if (p->c->live)
        vcons_port_receive(p);
}

static void on_writable(void *owner)
{
    struct vcons_port *p = owner;

    if (p->c->live)
        vcons_port_send(p);
}

/* A terminal is there even if nobody looks at it. */
static void on_attached(void *owner)
{
    struct vcons_port *p = owner;

    if (!p->c->live || !p->ready || p->console)
        return;
    vcons_ctl_due(p, VCONS_DUE_OPEN);
    vcons_ctl_send(p->c);
}

void vcons_port_attach(struct vcons_port *p, bool on)
{
    const struct chr_front front = {
        .readable = on_readable,
        .writable = on_writable,
        .attached = on_attached,
        .owner = p,
    };

    chr_attach(p->chr, on ? &front : NULL);
}

void vcons_port_stop(struct vcons_port *p)
{
    if (p->sending)
        end_chain(p);
}
