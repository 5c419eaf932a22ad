// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loop.c: the event loop over one io_uring; see vmm/loop.h.
 *
 * user_data is the address of the struct loop_op, or 0 for the SQEs nobody
 * waits for (cancels). A turn is: submit everything queued and wait for one
 * completion (one io_uring_enter), then run the callbacks of all completions
 * there are, with the board lock held.
 *
 * loop_drain waits for one op in the middle of a turn; completions of other
 * ops that it meets are put aside and run by the next turn, in order.
 *
 * SINGLE_ISSUER and DEFER_TASKRUN (Linux 6.1) spare the interrupts and locks
 * of a ring that several threads might use; older kernels get a plain ring.
 */
#include "vmm/loop.h"
#include "vmm/log.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define LOOP_SQ_ENTRIES 64
#define LOOP_CQ_ENTRIES 256

struct loop {
    struct io_uring ring;
    pthread_mutex_t *lock; /* borrowed, may be NULL */
    bool stopping;
    int code;
    /* Completions met by loop_drain, to be run by the next turn. */
    struct io_uring_cqe aside[LOOP_CQ_ENTRIES];
    unsigned n_aside;
};

static const char *const kind_names[] = {
    [LOOP_IDLE] = "idle", [LOOP_WATCH] = "watch", [LOOP_POLLOUT] = "pollout",
    [LOOP_READ] = "read", [LOOP_WRITE] = "write", [LOOP_TIMER] = "timer",
};

static int ring_init(struct io_uring *ring)
{
    struct io_uring_params p = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER |
                 IORING_SETUP_DEFER_TASKRUN,
        .cq_entries = LOOP_CQ_ENTRIES,
    };
    int ret = io_uring_queue_init_params(LOOP_SQ_ENTRIES, ring, &p);

    if (ret != -EINVAL)
        return ret;
    log_debug("io_uring: no single-issuer ring here, using a plain one");
    p = (struct io_uring_params){
        .flags = IORING_SETUP_CQSIZE,
        .cq_entries = LOOP_CQ_ENTRIES,
    };
    return io_uring_queue_init_params(LOOP_SQ_ENTRIES, ring, &p);
}

static const char *ring_advice(int err)
{
    switch (err) {
    case EPERM:
        return "allow it (sysctl kernel.io_uring_disabled=0)";
    case ENOSYS:
        return "use a kernel with CONFIG_IO_URING";
    case ENOMEM:
        return "raise the locked-memory limit (ulimit -l)";
    default:
        return "run 'vmm doctor'";
    }
}

int loop_create(struct loop **out, pthread_mutex_t *lock)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    int ret;

    if (!loop) {
        log_error("event loop: out of memory");
        return -ENOMEM;
    }
    ret = ring_init(&loop->ring);
    if (ret < 0) {
        log_error("io_uring_setup: %s: %s", strerror(-ret), ring_advice(-ret));
        free(loop);
        return ret;
    }
    loop->lock = lock;
    *out = loop;
    return 0;
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    io_uring_queue_exit(&loop->ring);
    free(loop);
}

/* A free SQE; a full queue is submitted first (back-pressure, not failure). */
static struct io_uring_sqe *sqe_get(struct loop *loop)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

    if (!sqe) {
        io_uring_submit(&loop->ring);
        sqe = io_uring_get_sqe(&loop->ring);
    }
    BUG_ON(!sqe);
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

void loop_cancel(struct loop *loop, struct loop_op *op)
{
    struct io_uring_sqe *sqe;

    if (op->kind == LOOP_IDLE || op->cancelling)
        return;
    op->cancelling = true;
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

static void op_complete(struct loop *loop, const struct io_uring_cqe *cqe)
{
    struct loop_op *op = io_uring_cqe_get_data(cqe);
    int res;

    if (!op)
        return;
    res = op_result(op, cqe->res);
    if (op->kind == LOOP_WATCH && (cqe->flags & IORING_CQE_F_MORE)) {
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

static void run_aside(struct loop *loop)
{
    for (unsigned i = 0; i < loop->n_aside; i++)
        op_complete(loop, &loop->aside[i]);
    loop->n_aside = 0;
}

static void run_completions(struct loop *loop)
{
    struct io_uring_cqe *cqe;

    if (loop->lock)
        pthread_mutex_lock(loop->lock);
    run_aside(loop);
    while (io_uring_peek_cqe(&loop->ring, &cqe) == 0) {
        const struct io_uring_cqe copy = {
            .user_data = cqe->user_data, .res = cqe->res, .flags = cqe->flags};

        io_uring_cqe_seen(&loop->ring, cqe);
        op_complete(loop, &copy);
    }
    if (loop->lock)
        pthread_mutex_unlock(loop->lock);
}

/* Failures of io_uring_enter that the next turn mends. */
static bool is_passing(int err)
{
    return err == EINTR || err == EAGAIN || err == EBUSY || err == ETIME;
}

void loop_stop(struct loop *loop, int code)
{
    loop->stopping = true;
    loop->code = code;
}

int loop_run(struct loop *loop)
{
    loop->stopping = false;
    while (!loop->stopping) {
        const unsigned want = loop->n_aside ? 0 : 1;
        const int ret = io_uring_submit_and_wait(&loop->ring, want);

        if (ret < 0 && !is_passing(-ret)) {
            log_error("io_uring_enter: %s", strerror(-ret));
            return ret;
        }
        run_completions(loop);
    }
    return loop->code;
}

/* Take one completion off the ring; keep it for later if it is not op's. */
static void drain_one(struct loop *loop, struct loop_op *op,
                      struct io_uring_cqe *cqe)
{
    const bool more = cqe->flags & IORING_CQE_F_MORE;

    if (io_uring_cqe_get_data(cqe) == op) {
        op->res = op_result(op, cqe->res);
        if (!more)
            op->kind = LOOP_IDLE;
    } else if (io_uring_cqe_get_data(cqe)) {
        BUG_ON(loop->n_aside == LOOP_CQ_ENTRIES);
        loop->aside[loop->n_aside++] = (struct io_uring_cqe){
            .user_data = cqe->user_data, .res = cqe->res, .flags = cqe->flags};
    }
    io_uring_cqe_seen(&loop->ring, cqe);
}

/* Forget completions of op that an earlier drain put aside. */
static void drain_aside(struct loop *loop, struct loop_op *op)
{
    for (unsigned i = 0; i < loop->n_aside; i++) {
        struct io_uring_cqe *cqe = &loop->aside[i];

        if (io_uring_cqe_get_data(cqe) != op)
            continue;
        op->res = op_result(op, cqe->res);
        if (!(cqe->flags & IORING_CQE_F_MORE))
            op->kind = LOOP_IDLE;
        cqe->user_data = 0;
    }
}

int loop_drain(struct loop *loop, struct loop_op *op)
{
    struct io_uring_cqe *cqe;

    op->res = -ECANCELED;
    drain_aside(loop, op);
    loop_cancel(loop, op);
    while (op->kind != LOOP_IDLE) {
        const int ret = io_uring_submit_and_wait(&loop->ring, 1);

        BUG_ON(ret < 0 && !is_passing(-ret));
        while (io_uring_peek_cqe(&loop->ring, &cqe) == 0)
            drain_one(loop, op, cqe);
    }
    return op->res;
}
