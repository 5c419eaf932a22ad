/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blk_priv.h: what the files of the disk backend share; see blk.h.
 *
 * The life of a request: pending (checked, waits for room or for the rate
 * limit) -> in flight (the implementation works on it) -> ended. What ends
 * without I/O goes through the list of those to be answered by the loop's
 * next turn, so that done never runs inside blk_submit. What the host failed
 * may be held instead (BLK_ERROR_STOP): nothing starts until blk_retry makes
 * it pending again.
 *
 * Every loop_op of a disk, also those inside requests, has the struct blk as
 * its owner: a drain runs these and no others (loop_turn_of).
 */
#ifndef BACKEND_BLK_PRIV_H
#define BACKEND_BLK_PRIV_H

#include "devices/backend/blk.h"
#include "devices/backend/ratelimit.h"
#include "vmm/log.h"

#define BLK_MAX_IN_FLIGHT 128
#define BLK_MAX_RETRIES   16 /* EINTR and EAGAIN without progress */
#define BLK_PATIENCE_NS   5000000000u

struct blk_ops {
    const char *name;
    /* Begin: the loop is known. May be NULL. */
    void (*start)(struct blk *blk);
    /*
     * Go on with a request in flight from req->moved: start one loop
     * operation for it, or end it by blk_end_later; never call back.
     */
    void (*issue)(struct blk *blk, struct blk_req *req);
    /* A request is about to be answered. May be NULL. */
    void (*ended)(struct blk *blk, struct blk_req *req);
    /* A drain saw nothing happen for BLK_PATIENCE_NS: fail them all, soon. */
    void (*give_up)(struct blk *blk);
    /* The size as it is now, in bytes; 0 or -errno. */
    int (*size)(struct blk *blk, uint64_t *out);
    void (*close)(struct blk *blk);
};

/* One file or block device with guest data in it. */
struct blk_file {
    int fd;             /* owned */
    int cached_fd;      /* owned: same file, not O_DIRECT; -1 if fd is not */
    int claim_fd;       /* owned: keeps the host from a block device; or -1 */
    uint32_t mem_align; /* of memory given to fd */
    uint32_t block;     /* of offsets and lengths given to fd */
    bool can_discard;   /* a block device, until it was seen not to */
    bool no_punch;      /* the file system was seen to have no holes */
    bool no_zero_range;
    bool in_memory; /* tmpfs: never waits for a device */
};

struct blk_list {
    struct blk_req *first;
    struct blk_req **end;
};

/* The first member of each implementation's own struct. */
struct blk {
    const struct blk_ops *ops;
    char *name;            /* owned: the path, for messages */
    struct loop *loop;     /* borrowed; NULL until blk_start */
    struct blk_file *file; /* where writes go; NULL if not to a file */
    struct blk_info info;
    struct blk_stats stats;
    struct log_limit log;
    bool always_writethrough;
    bool writethrough; /* as the front-end or the operator wants */
    bool draining;
    bool dirty;            /* written since the last flush */
    struct blk_list ended; /* to be answered by the next turn */
    struct blk_list pending;
    struct blk_list held; /* failed, to be tried again: nothing starts */
    bool stop_on_error;
    blk_stopped_fn *stopped;
    void *stopped_owner;
    struct blk_req *flight;
    unsigned n_flight;
    struct ratelimit limit;
    struct loop_op timer; /* until the rate limit lets the next one pass */
    struct loop_op wake;
    int wake_fd; /* owned: how other threads wake the loop */
    bool woken;  /* since the loop last looked */
    blk_resized_fn *resized;
    void *front;
};

/* A stretch of a request's memory; lives as long as the request. */
struct blk_piece {
    const struct iovec *iov;
    unsigned n;
    uint64_t len;
};

/*
 * Set up what is common. cfg: limits, cache, path. info must be filled in.
 * 0 or -errno, logged; then blk_exit is not needed.
 */
must_check int blk_init(struct blk *blk, const struct blk_ops *ops,
                        const struct blk_config *cfg);
void blk_exit(struct blk *blk);

/* The next piece of READ or WRITE at req->moved, at most max bytes. */
struct blk_piece blk_next_piece(struct blk_req *req, uint64_t max);

/*
 * What became of a piece of READ or WRITE: bytes or -errno. Issues the rest,
 * tries again, or answers. On the loop, from a callback of the loop's.
 */
void blk_moved(struct blk_req *req, int res);

/* What became of any other request: 0 or -errno. As blk_moved. */
void blk_result(struct blk_req *req, int res);

/* Issue a request again; while draining, answer it. As blk_moved. */
void blk_go_on(struct blk_req *req);

/* Answer a request in the loop's next turn. */
void blk_end_later(struct blk_req *req, int result);

/* The request a loop_op is the io member of. */
struct blk_req *blk_req_of(struct loop_op *io);

/*
 * Open, claim and lock a file or block device, and say what it is in *info.
 * 0 or -errno, logged; then nothing is left open.
 */
must_check int blk_file_open(struct blk_file *file,
                             const struct blk_config *cfg,
                             struct blk_info *info);
/* An unlinked file of this size for data nobody keeps. As above. */
must_check int blk_file_open_temporary(struct blk_file *file, uint64_t size);
void blk_file_close(struct blk_file *file);
int blk_file_size(const struct blk_file *file, uint64_t *out);

/* Parts of issue, each of which starts one loop operation for req. */
void blk_file_move(struct blk_req *req, const struct blk_file *file,
                   uint64_t max);
/* The same on blk->file. */
void blk_file_flush(struct blk_req *req);
void blk_file_discard(struct blk_req *req);
void blk_file_zero(struct blk_req *req);

/*
 * Lock a file against other guests, and this guest's other disks: shared for
 * reading, exclusive for writing. 0 or -EBUSY, logged with its owner. Where
 * the file system has no locks, that is a warning.
 */
must_check int blk_lock(int fd, const char *path, bool exclusive);

/* The implementations: NULL after logging. */
struct blk *blk_raw_open(const struct blk_config *cfg);
struct blk *blk_overlay_open(const struct blk_config *cfg);
struct blk *blk_nbd_open(const struct blk_config *cfg);

#endif
