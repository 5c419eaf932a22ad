// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loop_ring.c: the io_uring of a loop, as little of one as the loop needs.
 *
 * System-call filters see io_uring_enter, not what is asked through the ring:
 * a ring that opens files and connects sockets would undo them. So it is made
 * disabled, restricted to the operations of loop.c (IORING_REGISTER_
 * RESTRICTIONS, see io_uring_register(2)), and enabled; after that nobody can
 * widen it. Any other operation ends in -EACCES.
 *
 * SINGLE_ISSUER and DEFER_TASKRUN (Linux 6.1) spare the locks and interrupts
 * of a ring that several threads might use; COOP_TASKRUN (5.19) spares the
 * interrupts; older kernels get a plain ring.
 *
 * The ring's descriptor is registered with the thread: each io_uring_enter
 * saves looking it up, some 2 % of a small request. Registered files and
 * buffers save less than what keeping them in step would cost; see
 * docs/architecture.md.
 *
 * Thread: the loop's, before the seal.
 */
#include "loop_ring.h"

#include "vmm/log.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SQ_ENTRIES 128
#define CQ_ENTRIES 256

/* What a ring may be asked for. */
static const struct io_uring_restriction restrictions[] = {
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_POLL_ADD},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READ},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITE},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READV},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITEV},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FSYNC},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FALLOCATE},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_TIMEOUT},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_ASYNC_CANCEL},
    {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
     .sqe_flags = IOSQE_CQE_SKIP_SUCCESS},
    /* liburing does so when a ring ends */
    {.opcode = IORING_RESTRICTION_REGISTER_OP,
     .register_op = IORING_UNREGISTER_RING_FDS},
    /* Linux 5.19; the last, to be left out where there is none */
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_URING_CMD},
};

/* Ways to run a ring, the best first. */
static const struct {
    unsigned flags;
    const char *name;
} ways[] = {
    {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
     "single issuer, completions when asked for"},
    {IORING_SETUP_COOP_TASKRUN, "cooperative, this kernel has no better"},
    {0, "plain, this kernel has no better"},
};

static int set_up(struct io_uring *ring)
{
    int ret = -EINVAL;

    for (size_t i = 0; i < ARRAY_LEN(ways) && ret == -EINVAL; i++) {
        struct io_uring_params p = {
            .flags =
                ways[i].flags | IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED,
            .cq_entries = CQ_ENTRIES,
        };

        ret = io_uring_queue_init_params(SQ_ENTRIES, ring, &p);
        if (ret == 0)
            log_debug("io_uring: %s", ways[i].name);
    }
    return ret;
}

/* liburing 2.3 has these calls in its static form only. */
static int ring_register(const struct io_uring *ring, unsigned what, void *arg,
                         unsigned n)
{
    const long ret =
        syscall(SYS_io_uring_register, ring->ring_fd, what, arg, n);

    return ret < 0 ? -errno : 0;
}

static int restrict_to_loop(const struct io_uring *ring)
{
    struct io_uring_restriction list[ARRAY_LEN(restrictions)];
    int ret;

    memcpy(list, restrictions, sizeof(list));
    ret = ring_register(ring, IORING_REGISTER_RESTRICTIONS, list,
                        ARRAY_LEN(list));
    if (ret == -EINVAL)
        ret = ring_register(ring, IORING_REGISTER_RESTRICTIONS, list,
                            ARRAY_LEN(list) - 1);
    return ret;
}

static const char *advice(int err)
{
    switch (err) {
    case EPERM:
        return "allow it (sysctl kernel.io_uring_disabled=0)";
    case ENOSYS:
        return "use a kernel with CONFIG_IO_URING";
    case ENOMEM:
        return "raise the locked-memory limit (ulimit -l)";
    case EINVAL:
        return "use Linux 5.17 or newer";
    default:
        return "run 'vmm doctor'";
    }
}

static int fail(const char *what, int ret)
{
    log_error("io_uring: %s: %s: %s", what, strerror(-ret), advice(-ret));
    return ret;
}

int loop_ring_open(struct io_uring *ring)
{
    const char *what = "restrictions";
    int ret = set_up(ring);

    if (ret < 0)
        return fail("set-up", ret);
    ret = restrict_to_loop(ring);
    if (ret == 0) {
        /* In a helper's memory it would outlive us, and hold our sockets. */
        (void)io_uring_ring_dontfork(ring);
        /* A saving only; Linux 5.18. */
        (void)io_uring_register_ring_fd(ring);
        what = "enabling";
        ret = ring_register(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    }
    if (ret < 0) {
        io_uring_queue_exit(ring);
        return fail(what, ret);
    }
    return 0;
}
