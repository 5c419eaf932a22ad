// SPDX-License-Identifier: GPL-2.0-or-later
/* The loop's ring refuses what the loop never asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int setup(void **state)
{
    static struct io_uring ring;

    *state = &ring;
    return loop_ring_open(&ring);
}

static int teardown(void **state)
{
    io_uring_queue_exit(*state);
    return 0;
}

/* Submit what was prepared and give its result. */
static int result(struct io_uring *ring)
{
    struct io_uring_cqe *cqe;
    int res;

    assert_int_equal(io_uring_submit_and_wait(ring, 1), 1);
    assert_int_equal(io_uring_peek_cqe(ring, &cqe), 0);
    res = cqe->res;
    io_uring_cqe_seen(ring, cqe);
    return res;
}

static void files_cannot_be_opened(void **state)
{
    struct io_uring *ring = *state;

    io_uring_prep_openat(io_uring_get_sqe(ring), AT_FDCWD, "/", O_RDONLY, 0);
    assert_int_equal(result(ring), -EACCES);
    io_uring_prep_unlinkat(io_uring_get_sqe(ring), AT_FDCWD, "no-file", 0);
    assert_int_equal(result(ring), -EACCES);
}

static void sockets_cannot_be_made(void **state)
{
    struct io_uring *ring = *state;

    io_uring_prep_socket(io_uring_get_sqe(ring), AF_UNIX, SOCK_STREAM, 0, 0);
    assert_int_equal(result(ring), -EACCES);
    io_uring_prep_accept(io_uring_get_sqe(ring), 0, NULL, NULL, 0);
    assert_int_equal(result(ring), -EACCES);
}

/* Every operation there may ever be but those of the loop. */
static void others_are_refused(void **state)
{
    static const uint8_t allowed[] = {
        IORING_OP_POLL_ADD, IORING_OP_READ,      IORING_OP_WRITE,
        IORING_OP_READV,    IORING_OP_WRITEV,    IORING_OP_FSYNC,
        IORING_OP_TIMEOUT,  IORING_OP_FALLOCATE, IORING_OP_ASYNC_CANCEL,
        IORING_OP_URING_CMD};
    struct io_uring *ring = *state;

    for (unsigned op = 0; op <= IORING_OP_SENDMSG_ZC; op++) {
        if (memchr(allowed, (int)op, sizeof(allowed)))
            continue;
        io_uring_prep_rw((int)op, io_uring_get_sqe(ring), -1, NULL, 0, 0);
        assert_int_equal(result(ring), -EACCES);
    }
}

static void links_and_drains_are_refused(void **state)
{
    struct io_uring *ring = *state;
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    struct __kernel_timespec ts = {0};

    io_uring_prep_timeout(sqe, &ts, 0, 0);
    sqe->flags |= IOSQE_IO_DRAIN;
    assert_int_equal(result(ring), -EACCES);
}

static void ring_cannot_be_widened(void **state)
{
    struct io_uring_restriction open = {.opcode = IORING_RESTRICTION_SQE_OP,
                                        .sqe_op = IORING_OP_OPENAT};
    struct io_uring *ring = *state;
    const int fd = 0;

    assert_int_equal(syscall(SYS_io_uring_register, ring->ring_fd,
                             IORING_REGISTER_RESTRICTIONS, &open, 1),
                     -1);
    assert_int_equal(io_uring_register_files(ring, &fd, 1), -EACCES);
    assert_int_equal(io_uring_register_eventfd(ring, fd), -EACCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_cannot_be_opened, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(sockets_cannot_be_made, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(others_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(links_and_drains_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(ring_cannot_be_widened, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
