// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loop.c: the event loop over one io_uring; see vmm/loop.h.
 *
 * user_data is the address of the struct loop_op, or 0 for the SQEs nobody
 * waits for (cancels). A turn is: submit everything queued and wait for one
 * completion (one io_uring_enter), then run the callbacks of all completions
 * there are, with the board lock held.
 *
 * loop_drain and loop_turn_of wait for some ops in the middle of a turn;
 * completions of other ops that they meet are put aside and run by the next
 * turn, in order. They are kept in the ops themselves, for there may be more
 * ops in flight than the completion queue has entries.
 *
 * The ring is loop_ring.c's; a new kind of operation needs a row there.
 */
#include "loop_priv.h"
#include "loop_ring.h"

#include "vmm/log.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* BLOCK_URING_CMD_DISCARD of <linux/blkdev.h>, Linux 6.12. */
#define BLOCK_DISCARD _IO(0x12, 0)

struct loop {
    struct io_uring ring;
    pthread_mutex_t *lock; /* borrowed, may be NULL */
    bool stopping;
    int code;
    /* Ops whose completions wait for the next turn, oldest first. */
    struct loop_op *aside;
    struct loop_op **aside_end;
    pthread_t thread; /* that is in loop_run, while running */
    _Atomic bool running;
    struct loop_posts posts;
    uint64_t batch; /* submissions so far */
    bool busy;      /* the next turn has work without waiting */
};

static const char *const kind_names[] = {
    [LOOP_IDLE] = "idle",       [LOOP_WATCH] = "watch",
    [LOOP_POLLOUT] = "pollout", [LOOP_READ] = "read",
    [LOOP_WRITE] = "write",     [LOOP_TIMER] = "timer",
    [LOOP_FSYNC] = "fsync",     [LOOP_FALLOCATE] = "fallocate",
    [LOOP_DISCARD] = "discard", [LOOP_POST] = "post",
};

struct loop_posts *loop_posts_of(struct loop *loop)
{
    return &loop->posts;
}

int loop_create(struct loop **out, pthread_mutex_t *lock)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    int ret;

    if (!loop) {
        log_error("event loop: out of memory");
        return -ENOMEM;
    }
    loop->lock = lock;
    loop->aside_end = &loop->aside;
    ret = loop_ring_open(&loop->ring);
    if (ret < 0)
        goto free_loop;
    ret = posts_open(loop, lock);
    if (ret < 0)
        goto exit_ring;
    *out = loop;
    return 0;

exit_ring:
    io_uring_queue_exit(&loop->ring);
free_loop:
    free(loop);
    return ret;
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    io_uring_queue_exit(&loop->ring);
    posts_close(loop);
    free(loop);
}

/* Failures of io_uring_enter that the next turn mends. */
static bool is_passing(int err)
{
    return err == EINTR || err == EAGAIN || err == EBUSY || err == ETIME;
}

/*
 * A free SQE; a full queue is submitted first (back-pressure, not failure).
 * A kernel out of memory may take nothing for a moment.
 */
static struct io_uring_sqe *sqe_get(struct loop *loop)
{
    struct io_uring_sqe *sqe;

    while (!(sqe = io_uring_get_sqe(&loop->ring))) {
        const int ret = io_uring_submit(&loop->ring);

        BUG_ON(ret < 0 && !is_passing(-ret));
        loop->batch++;
    }
    return sqe;
}

static struct io_uring_sqe *op_start(struct loop *loop, struct loop_op *op,
                                     enum loop_kind kind)
{
    BUG_ON(op->kind != LOOP_IDLE);
    BUG_ON(!op->fn);
    op->kind = kind;
    op->cancelling = false;
    return sqe_get(loop);
}

void loop_watch(struct loop *loop, struct loop_op *op, int fd)
{
    struct io_uring_sqe *sqe = op_start(loop, op, LOOP_WATCH);

    io_uring_prep_poll_multishot(sqe, fd, POLLIN);
    io_uring_sqe_set_data(sqe, op);
    op->fd = fd;
}

void loop_pollout(struct loop *loop, struct loop_op *op, int fd)
{
    struct io_uring_sqe *sqe = op_start(loop, op, LOOP_POLLOUT);

    io_uring_prep_poll_add(sqe, fd, POLLOUT);
    io_uring_sqe_set_data(sqe, op);
}

void loop_read(struct loop *loop, struct loop_op *op, int fd, void *buf,
               unsigned n, uint64_t off)
{
    struct io_uring_sqe *sqe = op_start(loop, op, LOOP_READ);

    io_uring_prep_read(sqe, fd, buf, n, off);
    io_uring_sqe_set_data(sqe, op);
}

void loop_write(struct loop *loop, struct loop_op *op, int fd, const void *buf,
                unsigned n, uint64_t off)
{
    struct io_uring_sqe *sqe = op_start(loop, op, LOOP_WRITE);

    io_uring_prep_write(sqe, fd, buf, n, off);
    io_uring_sqe_set_data(sqe, op);
}

/* One segment needs no list for the kernel to fetch and check. */
static void prep_segments(struct io_uring_sqe *sqe, bool in, int fd,
                          const struct iovec *iov, unsigned n, uint64_t off)
{
    if (n == 1 && iov->iov_len <= INT32_MAX)
        io_uring_prep_rw(in ? IORING_OP_READ : IORING_OP_WRITE, sqe, fd,
                         iov->iov_base, (unsigned)iov->iov_len, off);
    else
        io_uring_prep_rw(in ? IORING_OP_READV : IORING_OP_WRITEV, sqe, fd, iov,
                         n, off);
}

void loop_readv(struct loop *loop, struct loop_op *op, int fd,
                const struct iovec *iov, unsigned n, uint64_t off)
{
    struct io_uring_sqe *sqe = op_start(loop, op, LOOP_READ);

    prep_segments(sqe, true, fd, iov, n, off);
    io_uring_sqe_set_data(sqe, op);
}

void loop_writev(struct loop *loop, struct loop_op *op, int fd,
                 const struct iovec *iov, unsigned n, uint64_t off,
                 int rw_flags)
{
    struct io_uring_sqe *sqe = op_start(loop, op, LOOP_WRITE);

    prep_segments(sqe, false, fd, iov, n, off);
    sqe->rw_flags = rw_flags;
    io_uring_sqe_set_data(sqe, op);
}

void loop_fdatasync(struct loop *loop, struct loop_op *op, int fd)
{
    struct io_uring_sqe *sqe = op_start(loop, op, LOOP_FSYNC);

    io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
    io_uring_sqe_set_data(sqe, op);
}

void loop_fallocate(struct loop *loop, struct loop_op *op, int fd, int mode,
                    uint64_t off, uint64_t len)
{
    struct io_uring_sqe *sqe = op_start(loop, op, LOOP_FALLOCATE);

    io_uring_prep_fallocate(sqe, fd, mode, (off_t)off, (off_t)len);
    io_uring_sqe_set_data(sqe, op);
}

void loop_discard(struct loop *loop, struct loop_op *op, int fd, uint64_t off,
                  uint64_t len)
{
    struct io_uring_sqe *sqe = op_start(loop, op, LOOP_DISCARD);

    io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
    sqe->cmd_op = BLOCK_DISCARD;
    sqe->addr = off;
    sqe->addr3 = len;
    io_uring_sqe_set_data(sqe, op);
}

void loop_timer(struct loop *loop, struct loop_op *op, uint64_t ns)
{
    struct io_uring_sqe *sqe = op_start(loop, op, LOOP_TIMER);
    struct __kernel_timespec *ts = (struct __kernel_timespec *)&op->ts;

    _Static_assert(sizeof(*ts) == sizeof(op->ts), "loop_op.ts layout");
    ts->tv_sec = (int64_t)(ns / 1000000000u);
    ts->tv_nsec = (long long)(ns % 1000000000u);
    io_uring_prep_timeout(sqe, ts, 0, 0);
    io_uring_sqe_set_data(sqe, op);
}

void loop_signal(struct loop *loop, int eventfd)
{
    static const uint64_t one = 1;
    struct io_uring_sqe *sqe = sqe_get(loop);

    io_uring_prep_write(sqe, eventfd, &one, sizeof(one), 0);
    /* Success is silent; a failure is a CQE that nobody waits for. */
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data(sqe, NULL);
}

uint64_t loop_batch(const struct loop *loop)
{
    return loop->batch;
}

void loop_cancel(struct loop *loop, struct loop_op *op)
{
    struct io_uring_sqe *sqe;

    if (op->kind == LOOP_IDLE || op->cancelling)
        return;
    op->cancelling = true;
    if (op->kind == LOOP_POST)
        return;
    sqe = sqe_get(loop);
    io_uring_prep_cancel(sqe, op, 0);
    io_uring_sqe_set_data(sqe, NULL);
}

/* An op's completion as its callback should see it. */
static int op_result(const struct loop_op *op, int res)
{
    /* A timer that ran out is a success. */
    if (op->kind == LOOP_TIMER && res == -ETIME)
        return 0;
    return res;
}

static void op_complete(struct loop *loop, struct loop_op *op, int res,
                        unsigned flags)
{
    if (op->kind == LOOP_WATCH && (flags & IORING_CQE_F_MORE)) {
        op->fn(op, res);
        return;
    }
    if (op->kind == LOOP_WATCH && !op->cancelling && res >= 0) {
        /* The kernel ended the multishot by itself: begin a new one. */
        op->kind = LOOP_IDLE;
        loop_watch(loop, op, op->fd);
        op->fn(op, res);
        return;
    }
    if (res < 0)
        log_debug("loop: %s ended: %s", kind_names[op->kind], strerror(-res));
    op->kind = LOOP_IDLE;
    op->fn(op, res);
}

/* Keep a completion for the next turn; those of one watch become one. */
static void aside_put(struct loop *loop, struct loop_op *op, int res,
                      unsigned flags)
{
    op->res = res;
    op->aside_flags = flags;
    if (op->aside)
        return;
    op->aside = true;
    op->aside_next = NULL;
    *loop->aside_end = op;
    loop->aside_end = &op->aside_next;
}

/* Take the op that *at points to off the list. */
static struct loop_op *aside_take(struct loop *loop, struct loop_op **at)
{
    struct loop_op *op = *at;

    *at = op->aside_next;
    if (!*at)
        loop->aside_end = at;
    op->aside = false;
    return op;
}

/* The first op put aside that has this owner; any for NULL. */
static struct loop_op **aside_find(struct loop *loop, const void *owner)
{
    for (struct loop_op **at = &loop->aside; *at; at = &(*at)->aside_next)
        if (!owner || (*at)->owner == owner)
            return at;
    return NULL;
}

/* Run what was put aside for owner (NULL: for all). Did anything run? */
static bool aside_run(struct loop *loop, const void *owner)
{
    struct loop_op **at;
    bool ran = false;

    while ((at = aside_find(loop, owner))) {
        struct loop_op *op = aside_take(loop, at);

        op_complete(loop, op, op->res, op->aside_flags);
        ran = true;
    }
    return ran;
}

struct completion {
    struct loop_op *op;
    int res;
    unsigned flags;
};

/* Take a completion somebody waits for off the ring. False: there is none. */
static bool next_completion(struct loop *loop, struct completion *out)
{
    struct io_uring_cqe *cqe;

    while (io_uring_peek_cqe(&loop->ring, &cqe) == 0) {
        out->op = io_uring_cqe_get_data(cqe);
        out->res = out->op ? op_result(out->op, cqe->res) : 0;
        out->flags = cqe->flags;
        io_uring_cqe_seen(&loop->ring, cqe);
        if (out->op)
            return true;
    }
    return false;
}

static void loop_lock(struct loop *loop)
{
    if (loop->lock)
        pthread_mutex_lock(loop->lock);
}

static void loop_unlock(struct loop *loop)
{
    if (loop->lock)
        pthread_mutex_unlock(loop->lock);
}

static void run_turn(struct loop *loop)
{
    struct completion c;

    loop_lock(loop);
    loop->posts.in_turn = true;
    aside_run(loop, NULL);
    while (next_completion(loop, &c))
        op_complete(loop, c.op, c.res, c.flags);
    posts_run(&loop->posts);
    loop->posts.in_turn = false;
    loop->busy = loop->aside || loop->posts.first;
    loop_unlock(loop);
}

void loop_stop(struct loop *loop, int code)
{
    loop->stopping = true;
    loop->code = code;
}

bool loop_is_current(const struct loop *loop)
{
    return loop->running && pthread_equal(loop->thread, pthread_self());
}

/*
 * Submit, and wait for a completion unless there is work already; what has
 * completed is gathered either way, so that the busy do not starve others.
 */
static int submit(struct loop *loop)
{
    loop->batch++;
    return loop->busy ? io_uring_submit_and_get_events(&loop->ring)
                      : io_uring_submit_and_wait(&loop->ring, 1);
}

static int run_turns(struct loop *loop)
{
    while (!loop->stopping) {
        const int ret = submit(loop);

        if (ret < 0 && !is_passing(-ret)) {
            log_error("io_uring_enter: %s", strerror(-ret));
            return ret;
        }
        run_turn(loop);
    }
    return loop->code;
}

int loop_run(struct loop *loop)
{
    int ret;

    loop_lock(loop);
    loop->stopping = false;
    loop->thread = pthread_self();
    loop->running = true;
    loop->busy = loop->aside || loop->posts.first;
    posts_let_go(&loop->posts, false);
    loop_unlock(loop);
    ret = run_turns(loop);
    /* A thread in loop_call would wait for ever, and whoever joins it. */
    loop_lock(loop);
    loop->running = false;
    posts_let_go(&loop->posts, true);
    loop_unlock(loop);
    return ret;
}

/* Note a completion of the op being drained; keep anybody else's. */
static void drain_one(struct loop *loop, struct loop_op *op,
                      const struct completion *c)
{
    if (c->op != op) {
        aside_put(loop, c->op, c->res, c->flags);
        return;
    }
    op->res = c->res;
    if (!(c->flags & IORING_CQE_F_MORE))
        op->kind = LOOP_IDLE;
}

/* Has an earlier drain met op already? Then its result is known. */
static bool drain_aside(struct loop *loop, struct loop_op *op)
{
    for (struct loop_op **at = &loop->aside; *at; at = &(*at)->aside_next) {
        if (*at != op)
            continue;
        aside_take(loop, at);
        if (!(op->aside_flags & IORING_CQE_F_MORE))
            op->kind = LOOP_IDLE;
        return true;
    }
    return false;
}

int loop_drain(struct loop *loop, struct loop_op *op)
{
    struct completion c;

    if (!drain_aside(loop, op))
        op->res = -ECANCELED;
    if (op->kind == LOOP_POST)
        posts_remove(&loop->posts, op);
    loop_cancel(loop, op);
    while (op->kind != LOOP_IDLE) {
        int ret;

        loop->batch++;
        ret = io_uring_submit_and_wait(&loop->ring, 1);
        BUG_ON(ret < 0 && !is_passing(-ret));
        while (next_completion(loop, &c))
            drain_one(loop, op, &c);
    }
    return op->res;
}

bool loop_turn_of(struct loop *loop, const void *owner, uint64_t ns)
{
    struct __kernel_timespec ts = {
        .tv_sec = (int64_t)(ns / 1000000000u),
        .tv_nsec = (long long)(ns % 1000000000u),
    };
    struct io_uring_cqe *cqe;
    struct completion c;
    bool ran;
    int ret;

    BUG_ON(!owner);
    ran = aside_run(loop, owner);
    if (ran)
        return true;
    loop->batch++;
    ret = io_uring_submit_and_wait_timeout(&loop->ring, &cqe, 1, &ts, NULL);
    BUG_ON(ret < 0 && !is_passing(-ret));
    while (next_completion(loop, &c)) {
        if (c.op->owner == owner) {
            op_complete(loop, c.op, c.res, c.flags);
            ran = true;
        } else {
            aside_put(loop, c.op, c.res, c.flags);
        }
    }
    return ran;
}
