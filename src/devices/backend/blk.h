/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blk.h: a disk, with no idea of what ring or register is in front of it.
 *
 * A front-end fills a request it owns and submits it; blk always answers
 * through req->done, never by a return value, so that there is one place
 * where a request ends. Range, alignment and read-only are checked here, for
 * every front-end alike. Guest pages are the I/O buffers: iov points into
 * guest memory and goes to the kernel only.
 *
 * An implementation (raw file, block device, NBD, overlay) is a const
 * struct blk_ops; what is common (checks, rate limit, statistics, drain) is
 * in blk.c.
 *
 * Thread: board lock held. blk_submit may be called by a vCPU thread (a
 * register device): the request is queued and the loop is woken. All else,
 * done included, runs on the loop thread.
 */
#ifndef BACKEND_BLK_H
#define BACKEND_BLK_H

#include "vmm/loop.h"
#include "vmm/types.h"

#include <sys/uio.h>

#define BLK_SECTOR 512u

enum blk_op {
    BLK_READ,
    BLK_WRITE,
    BLK_FLUSH,   /* everything acknowledged before is on stable storage */
    BLK_DISCARD, /* contents become undefined; space may be given back */
    BLK_ZERO,    /* contents become zeroes; space may be given back if unmap */
};

struct blk_req;
typedef void blk_done_fn(struct blk_req *req);

struct blk_req {
    /* filled by the front-end, constant until done */
    enum blk_op op;
    bool unmap;              /* BLK_ZERO: holes are welcome */
    uint64_t offset;         /* bytes */
    uint64_t len;            /* bytes; sum of iov for READ and WRITE */
    const struct iovec *iov; /* borrowed until done */
    int n_iov;
    blk_done_fn *done;
    void *owner;
    /* answer: 0 or -errno */
    int result;
    /* blk's own */
    struct loop_op io;
    struct blk *blk;
    struct blk_req *next;  /* in the one list that it is in */
    struct blk_req **link; /* in flight: what points to it; else NULL */
    uint64_t moved;        /* bytes done so far: short transfers go on */
    struct iovec part;     /* the part of a segment they go on with */
    unsigned retries;      /* since something moved */
};

struct blk;

/* What a disk tells its front-end; fixed but for size. */
struct blk_info {
    uint64_t size;           /* bytes, a multiple of BLK_SECTOR */
    uint32_t logical_block;  /* bytes; requests are multiples of it */
    uint32_t physical_block; /* bytes */
    uint32_t discard_align;  /* bytes; 0: no discard */
    bool read_only;
    bool can_zero;
    bool needs_flush; /* a volatile write cache is in front of the storage */
};

/* Told when the size changed; on the loop. */
typedef void blk_resized_fn(void *owner);

struct blk_stats {
    uint64_t reads, writes, flushes, errors;
    uint64_t read_bytes, written_bytes;
};

enum blk_cache {
    BLK_CACHE_WRITEBACK,    /* through the host's page cache (default) */
    BLK_CACHE_NONE,         /* O_DIRECT */
    BLK_CACHE_WRITETHROUGH, /* a write is done when it is on storage */
};

/* What becomes of a request that the host fails. */
enum blk_on_error {
    BLK_ERROR_REPORT, /* the guest is told (default) */
    BLK_ERROR_STOP,   /* it waits for blk_retry; the guest is to be paused */
};

/* Told when requests begin to wait for blk_retry; on the loop. */
typedef void blk_stopped_fn(void *owner);

struct blk_config {
    const char *path; /* borrowed: FILE, or nbd:unix:PATH[:EXPORT] */
    enum blk_cache cache;
    bool read_only;
    bool snapshot; /* writes go to an unlinked temporary file */
    enum blk_on_error on_error;
    uint64_t iops; /* 0: no limit */
    uint64_t bps;  /* 0: no limit */
};

/*
 * Open and lock an image. Its content is never looked at: a raw file is raw.
 * A lock held by another process is an error that names its pid. NULL after
 * logging. No I/O before blk_start.
 */
struct blk *blk_open(const struct blk_config *cfg);

/* Begin on the loop (borrowed). 0 or -errno, logged. */
must_check int blk_start(struct blk *blk, struct loop *loop);

/* Nothing is in flight. Flushes, unlocks, frees. */
void blk_close(struct blk *blk);

const struct blk_info *blk_info(const struct blk *blk);
void blk_get_stats(const struct blk *blk, struct blk_stats *out);

/* One front-end at a time; NULL detaches. */
void blk_attach(struct blk *blk, blk_resized_fn *resized, void *owner);

/*
 * Who pauses the guest for BLK_ERROR_STOP; until somebody does, errors are
 * reported. stopped may be called inside a request's completion: it only
 * makes a note.
 */
void blk_on_stop(struct blk *blk, blk_stopped_fn *stopped, void *owner);

/* Do requests wait for blk_retry? */
bool blk_is_stopped(const struct blk *blk);

/* Enough for what blk_stop_text writes. */
#define BLK_STOP_TEXT 128

/* Which request was the first to wait, and what failed it; "" if none does. */
void blk_stop_text(const struct blk *blk, char text[BLK_STOP_TEXT]);

/* From here on errors are reported, whatever the configuration said. */
void blk_never_stop(struct blk *blk);

/* Try again what waits, before all that came after it. On the loop. */
void blk_retry(struct blk *blk);

/*
 * A guest without flushes (VIRTIO_BLK_F_FLUSH refused, write cache off) gets
 * each write answered only once it is on stable storage. cache=writethrough
 * does so whatever is set here. Begins with off.
 */
void blk_set_writethrough(struct blk *blk, bool on);

/*
 * Always completes through req->done, never from inside this call. -EINVAL:
 * out of range or not aligned; -EROFS; -EOPNOTSUPP; -EIO, -ENOSPC and the
 * like from the host; -ECANCELED by a drain.
 */
void blk_submit(struct blk *blk, struct blk_req *req);

/*
 * Cancel or await everything in flight; every done has run when this
 * returns. Loop thread, in a callback.
 */
void blk_drain(struct blk *blk);

/*
 * Look at the image's size again; tells the front-end if it changed. 0 or
 * -errno, logged.
 */
must_check int blk_resize(struct blk *blk);

#endif
