/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop.h: the one io_uring event loop.
 *
 * One thread runs the loop and is the only one that makes SQEs. Everything
 * asynchronous is a struct loop_op embedded in the object that owns it; its
 * address is the cookie in the CQE. An op is idle or in flight; starting an
 * op in flight is a bug of ours. Callbacks run with the board lock held.
 *
 * One io_uring_enter per turn submits what the last turn's callbacks asked
 * for and waits for the next completion.
 *
 * Thread: all functions on the loop thread, but for loop_post, loop_call and
 * loop_is_current: a vCPU thread uses the first two, with the lock held, to
 * have work done by the loop.
 */
#ifndef VMM_LOOP_H
#define VMM_LOOP_H

#include "vmm/types.h"

#include <pthread.h>
#include <sys/uio.h>

struct loop;
struct loop_op;

enum loop_kind {
    LOOP_IDLE,    /* not in flight */
    LOOP_WATCH,   /* multishot poll: fn is called each time fd is readable */
    LOOP_POLLOUT, /* one-shot poll for room to write */
    LOOP_READ,
    LOOP_WRITE,
    LOOP_TIMER,
    LOOP_FSYNC,
    LOOP_FALLOCATE,
    LOOP_DISCARD,
    LOOP_POST, /* fn is due at the end of a turn */
};

/* res: bytes moved, poll events, 0 for a timer that fired, or -errno. */
typedef void loop_fn(struct loop_op *op, int res);

struct loop_op {
    enum loop_kind kind; /* LOOP_IDLE unless in flight */
    loop_fn *fn;
    void *owner; /* borrowed: the object this op is embedded in */
    bool cancelling;
    int fd;  /* LOOP_WATCH: to begin again */
    int res; /* of the last completion that a drain met */
    /* A completion met while others were waited for: run by the next turn. */
    bool aside;
    unsigned aside_flags;
    struct loop_op *aside_next;
    struct loop_op *next; /* LOOP_POST: the one due after it */
    struct {
        int64_t tv_sec;
        long long tv_nsec;
    } ts; /* LOOP_TIMER: read by the kernel at submission */
};

/*
 * Make a loop. lock (borrowed, may be NULL in tests) is held around all
 * callbacks. Returns 0 or -errno, the reason logged.
 */
must_check int loop_create(struct loop **out, pthread_mutex_t *lock);

/* Free a loop; ops in flight are forgotten, their fds stay with the owner. */
void loop_destroy(struct loop *loop);

/*
 * Run until loop_stop. Returns the code given to loop_stop, or -errno if the
 * ring itself failed. May be called again.
 */
int loop_run(struct loop *loop);

/* Make loop_run return code once this turn's callbacks are done. */
void loop_stop(struct loop *loop, int code);

/* Call op->fn every time fd becomes readable (or hung up), until cancelled. */
void loop_watch(struct loop *loop, struct loop_op *op, int fd);

/* Call op->fn once when fd can be written. */
void loop_pollout(struct loop *loop, struct loop_op *op, int fd);

/* Read up to n bytes; off -1 for streams. buf must live until fn ran. */
void loop_read(struct loop *loop, struct loop_op *op, int fd, void *buf,
               unsigned n, uint64_t off);

/* Write up to n bytes; off -1 for streams. buf must live until fn ran. */
void loop_write(struct loop *loop, struct loop_op *op, int fd, const void *buf,
                unsigned n, uint64_t off);

/*
 * Read or write what n segments hold; rw_flags as in preadv2(2). The array
 * must live until the turn's submission, the memory until fn ran.
 */
void loop_readv(struct loop *loop, struct loop_op *op, int fd,
                const struct iovec *iov, unsigned n, uint64_t off);
void loop_writev(struct loop *loop, struct loop_op *op, int fd,
                 const struct iovec *iov, unsigned n, uint64_t off,
                 int rw_flags);

/* fdatasync(2): what completed before this call is on stable storage. */
void loop_fdatasync(struct loop *loop, struct loop_op *op, int fd);

/* fallocate(2) with its mode. */
void loop_fallocate(struct loop *loop, struct loop_op *op, int fd, int mode,
                    uint64_t off, uint64_t len);

/*
 * What ioctl BLKDISCARD does, but asynchronous: Linux 6.12 and later; else
 * -EOPNOTSUPP or -EINVAL, as for devices that cannot discard.
 */
void loop_discard(struct loop *loop, struct loop_op *op, int fd, uint64_t off,
                  uint64_t len);

/* Call op->fn once, ns nanoseconds from now (res 0), unless cancelled. */
void loop_timer(struct loop *loop, struct loop_op *op, uint64_t ns);

/*
 * Add one to an eventfd (an irqfd) with the next submission: no system call
 * of its own, no callback. The descriptor must outlive the turn.
 */
void loop_signal(struct loop *loop, int eventfd);

/*
 * The number of the submission that what is asked for now is part of. Two
 * signals with one number are one interrupt too many.
 */
uint64_t loop_batch(const struct loop *loop);

/*
 * Call op->fn once (res 0) on the loop thread, after the callbacks of a turn
 * and before its submission: the place to do once what many callbacks want
 * done. Posting twice is posting once; what fn posts is for the next turn,
 * which does not wait. Thread: any; lock held.
 */
void loop_post(struct loop *loop, struct loop_op *op);

/*
 * loop_post, and wait until fn ran. Returns 0, or -EAGAIN if the loop cannot
 * come to it while the caller waits (it ended, or itself waits for other
 * threads); op stays posted. Thread: any but the loop's, on which it would
 * wait for itself; lock held, and given up while waiting.
 */
must_check int loop_call(struct loop *loop, struct loop_op *op);

/*
 * A callback is about to give up the lock and to wait for threads that may
 * be in loop_call: those go on with -EAGAIN. The end runs what they posted.
 * From what was itself posted that is a bug of ours: start a timer of 0.
 */
void loop_wait_begin(struct loop *loop);
void loop_wait_end(struct loop *loop);

/*
 * Ask for the end of an op in flight; fn still runs once, with -ECANCELED
 * or the result that overtook the cancel. No-op on an idle op.
 */
void loop_cancel(struct loop *loop, struct loop_op *op);

/*
 * Cancel, and wait until the op is idle; fn is not called. Returns the
 * result fn would have been given (bytes a write moved before the cancel
 * took hold), or -ECANCELED, also for an idle op.
 */
int loop_drain(struct loop *loop, struct loop_op *op);

/*
 * A turn for one owner: submit, and run the callbacks of the ops that name
 * this owner, waiting for one up to ns nanoseconds. Completions of others
 * are kept for the next turn, in order. Returns whether a callback ran. On
 * the loop thread, also from inside a callback.
 */
bool loop_turn_of(struct loop *loop, const void *owner, uint64_t ns);

/* Is the caller the thread that is inside loop_run? Any thread. */
bool loop_is_current(const struct loop *loop);

#endif
