// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * blk_file_io.c: requests on files and block devices, as io_uring operations,
 * and the raw disk, which is nothing but those.
 *
 * Discard and write-zeroes are fallocate(2), for block devices as well: the
 * kernel turns PUNCH_HOLE and ZERO_RANGE there into what BLKDISCARD and
 * BLKZEROOUT do, but as an asynchronous operation that needs no thread of
 * ours. Some devices can discard but not make zeroes, and so refuse the
 * hole: those are asked by the discard command of newer kernels first. What
 * a file system or device cannot do is found out once: a discard is then
 * ignored, which it may be; zeroes are written.
 *
 * Writethrough: writes carry RWF_DSYNC; fallocate has no such flag and is
 * followed by a flush.
 *
 * Thread: loop.
 */
#include "devices/backend/blk_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define CLEAR (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE)

#define ZERO_SEGMENTS 64

#define MEMORY_SEGMENTS 16u

/* Only ever read, also by the kernel. */
static _Alignas(4096) char zeroes[64 * KIB];

static void on_moved(struct loop_op *op, int res)
{
    blk_moved(blk_req_of(op), res);
}

static void on_result(struct loop_op *op, int res)
{
    blk_result(blk_req_of(op), res);
}

/* The descriptor for a piece: direct I/O only for what it can take. */
static int pick_fd(const struct blk_file *file, const struct blk_piece *piece,
                   uint64_t at)
{
    const uint64_t odd = file->block - 1;

    if (file->cached_fd < 0)
        return file->fd;
    if (at & odd)
        return file->cached_fd;
    for (unsigned i = 0; i < piece->n; i++) {
        const struct iovec *v = &piece->iov[i];

        if (((uintptr_t)v->iov_base & (file->mem_align - 1)) ||
            (v->iov_len & odd))
            return file->cached_fd;
    }
    return file->fd;
}

/*
 * tmpfs of Linux 6.11 to 6.14 looks at all segments again for each page it
 * writes: 254 pages in one call cost five times what they cost by sixteen.
 */
static unsigned segments_at_once(const struct blk_file *file,
                                 const struct blk_piece *piece)
{
    return file->in_memory && piece->n > MEMORY_SEGMENTS ? MEMORY_SEGMENTS
                                                         : piece->n;
}

void blk_file_move(struct blk_req *req, const struct blk_file *file,
                   uint64_t max)
{
    const struct blk_piece piece = blk_next_piece(req, max);
    const uint64_t at = req->offset + req->moved;
    const int fd = pick_fd(file, &piece, at);
    const int flags = req->blk->writethrough ? RWF_DSYNC : 0;
    struct loop *loop = req->blk->loop;

    req->io.fn = on_moved;
    if (req->op == BLK_READ)
        loop_readv(loop, &req->io, fd, piece.iov, piece.n, at);
    else
        loop_writev(loop, &req->io, fd, piece.iov,
                    segments_at_once(file, &piece), at, flags);
}

void blk_file_flush(struct blk_req *req)
{
    req->io.fn = on_result;
    loop_fdatasync(req->blk->loop, &req->io, req->blk->file->fd);
}

/* What a file system or device answers that has no such operation. */
static bool is_unsupported(int res)
{
    return res == -EOPNOTSUPP || res == -ENOSYS;
}

static void on_device_discarded(struct loop_op *op, int res)
{
    struct blk_req *req = blk_req_of(op);

    /* EINVAL: this kernel has the command not for devices. */
    if (is_unsupported(res) || res == -EINVAL) {
        req->blk->file->can_discard = false;
        blk_go_on(req);
        return;
    }
    blk_result(req, res);
}

static void on_hole_discarded(struct loop_op *op, int res)
{
    struct blk_req *req = blk_req_of(op);

    if (is_unsupported(res)) {
        req->blk->file->no_punch = true;
        res = 0;
    } else if (res == 0) {
        req->moved = req->len;
    }
    blk_result(req, res);
}

void blk_file_discard(struct blk_req *req)
{
    const struct blk_file *file = req->blk->file;
    struct loop *loop = req->blk->loop;

    if (file->can_discard) {
        req->io.fn = on_device_discarded;
        loop_discard(loop, &req->io, file->fd, req->offset, req->len);
    } else if (!file->no_punch) {
        req->io.fn = on_hole_discarded;
        loop_fallocate(loop, &req->io, file->fd, PUNCH, req->offset, req->len);
    } else {
        blk_end_later(req, 0);
    }
}

/* After a fallocate that was to make zeroes; *missing: it is not there. */
static void zeroed(struct blk_req *req, int res, bool *missing)
{
    if (is_unsupported(res)) {
        *missing = true;
        blk_go_on(req);
        return;
    }
    if (res == 0)
        req->moved = req->len;
    if (res == 0 && req->blk->writethrough)
        blk_go_on(req);
    else
        blk_result(req, res);
}

static void on_punched(struct loop_op *op, int res)
{
    struct blk_req *req = blk_req_of(op);

    zeroed(req, res, &req->blk->file->no_punch);
}

static void on_cleared(struct loop_op *op, int res)
{
    struct blk_req *req = blk_req_of(op);

    zeroed(req, res, &req->blk->file->no_zero_range);
}

/* The last way: many times the same zeroes; blk_moved goes on with it. */
static void write_zeroes(struct blk_req *req)
{
    static const struct iovec all[ZERO_SEGMENTS] = {
        [0 ... ZERO_SEGMENTS - 1] = {zeroes, sizeof(zeroes)}};
    const uint64_t left = req->len - req->moved;
    const struct blk_file *file = req->blk->file;
    const struct iovec *iov = all;
    unsigned n = ZERO_SEGMENTS;

    if (left < sizeof(zeroes)) {
        req->part = (struct iovec){zeroes, left};
        iov = &req->part;
        n = 1;
    } else if (left / sizeof(zeroes) < n) {
        n = (unsigned)(left / sizeof(zeroes));
    }
    req->io.fn = on_moved;
    loop_writev(req->blk->loop, &req->io,
                file->cached_fd < 0 ? file->fd : file->cached_fd, iov, n,
                req->offset + req->moved,
                req->blk->writethrough ? RWF_DSYNC : 0);
}

void blk_file_zero(struct blk_req *req)
{
    const struct blk_file *file = req->blk->file;
    struct loop *loop = req->blk->loop;

    if (req->moved == req->len) {
        blk_file_flush(req);
    } else if (req->unmap && !file->no_punch) {
        req->io.fn = on_punched;
        loop_fallocate(loop, &req->io, file->fd, PUNCH, req->offset, req->len);
    } else if (!file->no_zero_range) {
        req->io.fn = on_cleared;
        loop_fallocate(loop, &req->io, file->fd, CLEAR, req->offset, req->len);
    } else {
        write_zeroes(req);
    }
}

struct raw {
    struct blk blk;
    struct blk_file file;
};

static struct raw *raw_of(struct blk *blk)
{
    return (struct raw *)blk;
}

static void raw_issue(struct blk *blk, struct blk_req *req)
{
    switch (req->op) {
    case BLK_READ:
    case BLK_WRITE:
        blk_file_move(req, blk->file, UINT64_MAX);
        break;
    case BLK_FLUSH:
        blk_file_flush(req);
        break;
    case BLK_DISCARD:
        blk_file_discard(req);
        break;
    case BLK_ZERO:
        blk_file_zero(req);
        break;
    }
}

static int raw_size(struct blk *blk, uint64_t *out)
{
    return blk_file_size(blk->file, out);
}

static void raw_close(struct blk *blk)
{
    blk_file_close(blk->file);
    blk_exit(blk);
    free(raw_of(blk));
}

static const struct blk_ops raw_ops = {
    .name = "raw",
    .issue = raw_issue,
    .size = raw_size,
    .close = raw_close,
};

struct blk *blk_raw_open(const struct blk_config *cfg)
{
    struct raw *raw = calloc(1, sizeof(*raw));

    if (!raw) {
        log_error("disk %s: out of memory", cfg->path);
        return NULL;
    }
    if (blk_file_open(&raw->file, cfg, &raw->blk.info) < 0)
        goto free_raw;
    raw->blk.file = &raw->file;
    raw->blk.info.needs_flush = cfg->cache != BLK_CACHE_WRITETHROUGH;
    if (blk_init(&raw->blk, &raw_ops, cfg) < 0)
        goto close_file;
    return &raw->blk;
close_file:
    blk_file_close(&raw->file);
free_raw:
    free(raw);
    return NULL;
}
