// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * blk_piece.c: how much of a request one system call is to move.
 *
 * A transfer may be short, and an implementation may take only so much at
 * once, so a request is moved in pieces: whole segments where they fit, else a
 * part of one.
 *
 * Thread: loop.
 */
#include "devices/backend/blk_priv.h"

#include <limits.h>

struct blk_piece blk_next_piece(struct blk_req *req, uint64_t max)
{
    const struct iovec *v = req->iov, *end = req->iov + req->n_iov;
    struct blk_piece piece = {0};
    uint64_t skip = req->moved;

    /* Most requests are one segment, and moved as a whole. */
    if (req->n_iov == 1 && !skip && v->iov_len <= max)
        return (struct blk_piece){v, 1, v->iov_len};
    while (v < end && skip >= v->iov_len)
        skip -= v++->iov_len;
    BUG_ON(v == end);
    if (skip || v->iov_len > max) {
        const uint64_t left = v->iov_len - skip;

        req->part.iov_base = (char *)v->iov_base + skip;
        req->part.iov_len = left < max ? left : max;
        return (struct blk_piece){&req->part, 1, req->part.iov_len};
    }
    piece.iov = v;
    while (v < end && piece.n < IOV_MAX && v->iov_len <= max - piece.len) {
        piece.len += v++->iov_len;
        piece.n++;
    }
    return piece;
}
