// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vsock_flow.c: the bytes of a connection and their credit. Source: virtio
 * 1.2, 5.10.6.3 (buffer space management).
 *
 * Each end says how much it can hold (buf_alloc) and how many bytes it has
 * passed on (fwd_cnt), both in the header of every packet; what is in
 * between is the sender's credit. All counts are modulo 2^32.
 *
 * From the guest: bytes go straight from its memory into the socket. What
 * does not fit is parked in the connection's window, which cannot overflow
 * as long as the guest keeps to what it was told; who does not is reset.
 * To the guest: bytes go straight from the socket into its memory, never
 * more than its credit.
 *
 * Thread: loop, board lock held.
 */
#include "devices/virtio/vsock_priv.h"

#include <errno.h>
#include <limits.h>

#define HEADER sizeof(struct virtio_vsock_hdr)

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

int vsock_cut(const struct iovec *iov, int n, uint64_t off, uint64_t len,
              struct iovec *out, int max)
{
    int used = 0;

    for (int i = 0; i < n && len && used < max; i++) {
        uint64_t run;

        if (off >= iov[i].iov_len) {
            off -= iov[i].iov_len;
            continue;
        }
        run = iov[i].iov_len - off;
        run = run < len ? run : len;
        out[used].iov_base = (unsigned char *)iov[i].iov_base + off;
        out[used++].iov_len = run;
        off = 0;
        len -= run;
    }
    return used;
}

void vsock_flow_open(struct vsock *v, struct vsock_conn *c)
{
    const size_t i = (size_t)(c - v->conns);
    const size_t wide = VSOCK_WIDE_CONNS * (size_t)VSOCK_WIDE_WINDOW;

    if (i < VSOCK_WIDE_CONNS) {
        c->window = VSOCK_WIDE_WINDOW;
        c->park = v->parks + i * VSOCK_WIDE_WINDOW;
    } else {
        c->window = VSOCK_WINDOW;
        c->park = v->parks + wide + (i - VSOCK_WIDE_CONNS) * VSOCK_WINDOW;
    }
}

uint32_t vsock_parked(const struct vsock_conn *c)
{
    return c->rx_count - c->fwd;
}

/*
 * n more bytes are the host's. The guest is told once it has heard of only
 * half of the room there is; until then it has the other half.
 */
static void forward(struct vsock *v, struct vsock_conn *c, uint32_t n)
{
    c->fwd += n;
    if (c->fwd - c->told < c->window / 2)
        return;
    c->owes |= OWES_CREDIT_UPDATE;
    vsock_due(v, c);
}

void vsock_flow_gone(struct vsock *v, struct vsock_conn *c)
{
    c->gone = true;
    forward(v, c, vsock_parked(c));
    vsock_due(v, c);
}

/* Bytes the socket took of these segments; it may have lost its reader. */
static uint32_t write_out(struct vsock *v, struct vsock_conn *c,
                          const struct iovec *iov, int n)
{
    const ssize_t put = n ? uds_writev(c->stream, iov, n) : 0;

    if (put >= 0)
        return (uint32_t)put;
    if (put != -EAGAIN)
        vsock_flow_gone(v, c);
    return 0;
}

/* Keep bytes [off, off+n) of the chain behind those parked already. */
static void park(struct vsock_conn *c, const struct vchain *chain, uint64_t off,
                 uint32_t n)
{
    uint32_t at = (c->park_head + vsock_parked(c)) % c->window;

    BUG_ON(vsock_parked(c) + n > c->window);
    while (n) {
        const uint32_t run = least(n, c->window - at);

        vchain_read(chain, off, c->park + at, run);
        c->rx_count += run;
        off += run;
        n -= run;
        at = 0;
    }
}

bool vsock_flow_in(struct vsock *v, struct vsock_conn *c,
                   const struct vchain *chain, uint32_t len)
{
    uint32_t done = 0;
    int n;

    if (len > c->window - (c->rx_count - c->told))
        return false;
    if (!vsock_parked(c) && !c->gone) {
        n = vsock_cut(chain->iov, chain->n_out, HEADER, len, v->part, IOV_MAX);
        done = write_out(v, c, v->part, n);
    }
    if (c->gone)
        done = len;
    c->rx_count += done;
    forward(v, c, done);
    if (done == len)
        return true;
    park(c, chain, HEADER + done, len - done);
    uds_want_room(c->stream);
    return true;
}

void vsock_unpark(struct vsock *v, struct vsock_conn *c)
{
    const uint32_t n = vsock_parked(c);
    const uint32_t run = least(n, c->window - c->park_head);
    const struct iovec iov[2] = {
        {.iov_base = c->park + c->park_head, .iov_len = run},
        {.iov_base = c->park, .iov_len = n - run},
    };
    uint32_t put;

    if (!n)
        return;
    put = write_out(v, c, iov, n > run ? 2 : 1);
    if (c->gone)
        return;
    c->park_head = (c->park_head + put) % c->window;
    forward(v, c, put);
    if (put < n)
        uds_want_room(c->stream);
}

/* What the guest can still take. A driver that lies here starves itself. */
static uint32_t credit(const struct vsock_conn *c)
{
    const uint32_t under_way = c->tx_count - c->peer_fwd;

    return under_way < c->peer_alloc ? c->peer_alloc - under_way : 0;
}

bool vsock_has_credit(const struct vsock_conn *c)
{
    return credit(c) > 0;
}

/* Ask once for each time that there is none. */
static void want_credit(struct vsock_conn *c)
{
    if (!c->asked_credit)
        c->owes |= OWES_CREDIT_REQUEST;
    c->asked_credit = true;
}

uint32_t vsock_flow_out(struct vsock *v, struct vsock_conn *c,
                        const struct vchain *chain)
{
    const uint64_t room = chain->in_bytes - HEADER;
    uint32_t max = least(credit(c), VSOCK_MAX_DATA);
    ssize_t got;
    int n;

    if (!max) {
        want_credit(c);
        return 0;
    }
    max = room < max ? (uint32_t)room : max;
    if (!max)
        return 0;
    n = vsock_cut(chain->iov + chain->n_out, chain->n_in, HEADER, max, v->part,
                  IOV_MAX);
    got = uds_readv(c->stream, v->part, n);
    if (got > 0) {
        c->tx_count += (uint32_t)got;
        return (uint32_t)got;
    }
    c->readable = false;
    /* A program that died with bytes unread is at its end, too. */
    c->eof = got != -EAGAIN;
    c->gone |= got < 0 && got != -EAGAIN;
    return 0;
}
