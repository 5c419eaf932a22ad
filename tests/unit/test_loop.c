// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The event loop on a real ring: watches, timers, I/O, cancel, drain. What is
 * posted and called: test_loop_post.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct probe {
    struct loop *loop;
    int fd;
    int calls;
    int last;
    int stop_after;
};

static void on_event(struct loop_op *op, int res)
{
    struct probe *p = op->owner;
    uint64_t v;

    p->last = res;
    if (p->fd >= 0 && res > 0 && op->kind == LOOP_WATCH)
        assert_int_equal(read(p->fd, &v, sizeof(v)), sizeof(v));
    if (++p->calls == p->stop_after)
        loop_stop(p->loop, 42);
}

static void kick(int fd)
{
    const uint64_t one = 1;

    assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static int setup(void **state)
{
    return loop_create((struct loop **)state, NULL);
}

static int teardown(void **state)
{
    loop_destroy(*state);
    return 0;
}

static void watch_fires_each_time(void **state)
{
    struct probe p = {.loop = *state, .fd = eventfd(0, 0), .stop_after = 1};
    struct loop_op op = {.fn = on_event, .owner = &p};

    loop_watch(p.loop, &op, p.fd);
    for (int i = 1; i <= 3; i++) {
        kick(p.fd);
        p.stop_after = i;
        assert_int_equal(loop_run(p.loop), 42);
        assert_int_equal(p.calls, i);
        assert_true(p.last > 0);
    }
    loop_drain(p.loop, &op);
    assert_int_equal(op.kind, LOOP_IDLE);
    kick(p.fd);
    assert_int_equal(p.calls, 3);
    close(p.fd);
}

static void timer_fires_once_with_zero(void **state)
{
    struct probe p = {.loop = *state, .fd = -1, .stop_after = 1, .last = 9};
    struct loop_op op = {.fn = on_event, .owner = &p};

    loop_timer(p.loop, &op, 1000000);
    assert_int_equal(loop_run(p.loop), 42);
    assert_int_equal(p.last, 0);
    assert_int_equal(op.kind, LOOP_IDLE);
}

static void cancelled_timer_says_so(void **state)
{
    struct probe p = {.loop = *state, .fd = -1, .stop_after = 1};
    struct loop_op op = {.fn = on_event, .owner = &p};

    loop_timer(p.loop, &op, 3600000000000ull);
    loop_cancel(p.loop, &op);
    loop_cancel(p.loop, &op);
    assert_int_equal(loop_run(p.loop), 42);
    assert_int_equal(p.last, -ECANCELED);
}

static void read_write_through_a_pipe(void **state)
{
    struct probe p = {.loop = *state, .fd = -1, .stop_after = 2};
    struct loop_op rd = {.fn = on_event, .owner = &p};
    struct loop_op wr = {.fn = on_event, .owner = &p};
    char in[8] = "";
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    loop_read(p.loop, &rd, fds[0], in, sizeof(in), (uint64_t)-1);
    loop_write(p.loop, &wr, fds[1], "hello", 5, (uint64_t)-1);
    assert_int_equal(loop_run(p.loop), 42);
    assert_string_equal(in, "hello");
    close(fds[0]);
    close(fds[1]);
}

/* Draining one op must neither lose nor reorder another's completions. */
static void drain_keeps_the_others(void **state)
{
    struct probe a = {.loop = *state, .fd = -1, .stop_after = 1};
    struct probe b = {.loop = *state, .fd = eventfd(0, 0), .stop_after = 1};
    struct loop_op slow = {.fn = on_event, .owner = &a};
    struct loop_op watch = {.fn = on_event, .owner = &b};

    loop_timer(a.loop, &slow, 3600000000000ull);
    loop_watch(b.loop, &watch, b.fd);
    kick(b.fd);
    loop_drain(a.loop, &slow);
    assert_int_equal(a.calls, 0);
    assert_int_equal(loop_run(b.loop), 42);
    assert_int_equal(b.calls, 1);
    loop_drain(b.loop, &watch);
    close(b.fd);
}

/* More ops at once than the submission queue has entries. */
static void full_queue_is_submitted(void **state)
{
    enum { N = 200 };
    static struct loop_op ops[N];
    struct probe p = {.loop = *state, .fd = -1, .stop_after = N};

    for (int i = 0; i < N; i++) {
        ops[i] = (struct loop_op){.fn = on_event, .owner = &p};
        loop_timer(p.loop, &ops[i], 1000);
    }
    assert_int_equal(loop_run(p.loop), 42);
    assert_int_equal(p.calls, N);
}

static int run_one(struct probe *p)
{
    p->calls = 0;
    p->stop_after = 1;
    assert_int_equal(loop_run(p->loop), 42);
    return p->last;
}

/*
 * More completions than the completion queue holds, and a watch among them:
 * the kernel ends a multishot poll whose event finds no room.
 */
static void overflow_loses_no_watch(void **state)
{
    enum { N = 600 };
    static struct loop_op ops[N];
    struct probe many = {.loop = *state, .fd = -1, .stop_after = N};
    struct probe p = {.loop = *state, .fd = eventfd(0, 0)};
    struct loop_op watch = {.fn = on_event, .owner = &p};

    loop_watch(p.loop, &watch, p.fd);
    for (int i = 0; i < N; i++) {
        ops[i] = (struct loop_op){.fn = on_event, .owner = &many};
        loop_timer(p.loop, &ops[i], 1);
        if (i == N / 2)
            usleep(1000);
        if (i > N / 2 && i % 64 == 0)
            kick(p.fd);
    }
    assert_int_equal(loop_run(p.loop), 42);
    assert_int_equal(many.calls, N);
    for (int i = 1; i <= 3; i++) {
        kick(p.fd);
        p.calls = 0;
        p.stop_after = 1;
        assert_int_equal(loop_run(p.loop), 42);
    }
    assert_int_equal(loop_drain(p.loop, &watch), -ECANCELED);
    close(p.fd);
}

/* Cancels ask for room in a full queue, and drains wait behind it. */
static void full_queue_can_be_cancelled(void **state)
{
    enum { N = 400 };
    static struct loop_op ops[N];
    struct probe p = {.loop = *state, .fd = -1};

    for (int i = 0; i < N; i++) {
        ops[i] = (struct loop_op){.fn = on_event, .owner = &p};
        loop_timer(p.loop, &ops[i], 3600000000000ull);
    }
    for (int i = 0; i < N; i++)
        loop_cancel(p.loop, &ops[i]);
    for (int i = N; i-- > 0;)
        assert_int_equal(loop_drain(p.loop, &ops[i]), -ECANCELED);
    assert_int_equal(p.calls, 0);
}

/* The ring must be made for every kind: none is refused by its restrictions. */
static void every_kind_is_allowed(void **state)
{
    struct probe p = {.loop = *state, .fd = -1};
    struct loop_op op = {.fn = on_event, .owner = &p};
    const int fd = memfd_create("loop", MFD_CLOEXEC);
    char byte = 'x';
    const struct iovec v = {&byte, 1};

    loop_write(p.loop, &op, fd, &byte, 1, 0);
    assert_int_equal(run_one(&p), 1);
    loop_read(p.loop, &op, fd, &byte, 1, 0);
    assert_int_equal(run_one(&p), 1);
    loop_writev(p.loop, &op, fd, &v, 1, 0, 0);
    assert_int_equal(run_one(&p), 1);
    loop_readv(p.loop, &op, fd, &v, 1, 0);
    assert_int_equal(run_one(&p), 1);
    loop_fdatasync(p.loop, &op, fd);
    assert_int_equal(run_one(&p), 0);
    loop_fallocate(p.loop, &op, fd, 0, 0, 1);
    assert_int_equal(run_one(&p), 0);
    loop_pollout(p.loop, &op, fd);
    assert_true(run_one(&p) > 0);
    loop_timer(p.loop, &op, 1);
    assert_int_equal(run_one(&p), 0);
    /* A memfd has no commands; the ring would say EACCES. */
    loop_discard(p.loop, &op, fd, 0, 4096);
    assert_int_not_equal(run_one(&p), -EACCES);
    close(fd);
}

static void vectors_sync_and_holes_on_a_file(void **state)
{
    struct probe p = {.loop = *state, .fd = -1};
    struct loop_op op = {.fn = on_event, .owner = &p};
    char a[4096], b[4096], c[8192];
    const struct iovec out[2] = {{a, sizeof(a)}, {b, sizeof(b)}};
    const struct iovec in = {c, sizeof(c)};
    const int fd = memfd_create("loop", MFD_CLOEXEC);
    struct stat st;

    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    loop_writev(p.loop, &op, fd, out, 2, 4096, RWF_DSYNC);
    assert_int_equal(run_one(&p), 8192);
    loop_fdatasync(p.loop, &op, fd);
    assert_int_equal(op.kind, LOOP_FSYNC);
    assert_int_equal(run_one(&p), 0);
    loop_fallocate(p.loop, &op, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                   4096, 4096);
    assert_int_equal(run_one(&p), 0);
    loop_readv(p.loop, &op, fd, &in, 1, 4096);
    assert_int_equal(run_one(&p), 8192);
    assert_int_equal(c[0] | c[4095], 0);
    assert_memory_equal(c + 4096, b, 4096);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_blocks * 512, 4096);
    close(fd);
}

/* More completions put aside than the completion queue has entries. */
static void aside_has_no_limit(void **state)
{
    enum { N = 600 };
    static struct loop_op ops[N];
    struct probe p = {.loop = *state, .fd = -1, .stop_after = N};
    struct probe slow = {.loop = *state, .fd = -1};
    struct loop_op op = {.fn = on_event, .owner = &slow};

    for (int i = 0; i < N; i++) {
        ops[i] = (struct loop_op){.fn = on_event, .owner = &p};
        loop_timer(p.loop, &ops[i], 1000);
    }
    loop_timer(p.loop, &op, 50000000);
    while (!slow.calls)
        loop_turn_of(p.loop, &slow, 1000000000);
    assert_int_equal(p.calls, 0);
    assert_int_equal(loop_run(p.loop), 42);
    assert_int_equal(p.calls, N);
}

static void turn_of_an_owner_times_out(void **state)
{
    struct probe a = {.loop = *state, .fd = -1, .stop_after = 1};
    struct probe b = {.loop = *state, .fd = -1, .stop_after = 1};
    struct loop_op mine = {.fn = on_event, .owner = &a};
    struct loop_op other = {.fn = on_event, .owner = &b};

    loop_timer(a.loop, &mine, 3600000000000ull);
    loop_timer(a.loop, &other, 1);
    assert_false(loop_turn_of(a.loop, &a, 10000000));
    assert_int_equal(b.calls, 0);
    /* A result that was put aside is the one a drain returns. */
    assert_int_equal(loop_drain(a.loop, &other), 0);
    assert_int_equal(other.kind, LOOP_IDLE);
    loop_cancel(a.loop, &mine);
    assert_true(loop_turn_of(a.loop, &a, 1000000000));
    assert_int_equal(a.last, -ECANCELED);
    assert_int_equal(b.calls, 0);
    assert_false(loop_is_current(a.loop));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(watch_fires_each_time, setup, teardown),
        cmocka_unit_test_setup_teardown(timer_fires_once_with_zero, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(cancelled_timer_says_so, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(read_write_through_a_pipe, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(drain_keeps_the_others, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(full_queue_is_submitted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(overflow_loses_no_watch, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(full_queue_can_be_cancelled, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(every_kind_is_allowed, setup, teardown),
        cmocka_unit_test_setup_teardown(vectors_sync_and_holes_on_a_file, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(aside_has_no_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(turn_of_an_owner_times_out, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
