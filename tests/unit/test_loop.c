// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The event loop on a real ring: watches, timers, I/O, cancel, drain, posts;
 * and calls from a second thread, also when the loop cannot answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* ---- posts ---- */

/* Writes down in which order callbacks ran. */
struct trail {
    struct loop *loop;
    char order[16];
    size_t n;
    struct loop_op *then; /* posted by the first callback */
};

struct step {
    struct trail *trail;
    char name;
    bool posts;
    bool stops;
};

static void on_step(struct loop_op *op, int res)
{
    const struct step *s = op->owner;
    struct trail *t = s->trail;

    assert_true(t->n < sizeof(t->order) - 1);
    t->order[t->n++] = res == -ECANCELED ? '!' : s->name;
    if (s->posts) {
        loop_post(t->loop, t->then);
        loop_post(t->loop, t->then);
    }
    if (s->stops)
        loop_stop(t->loop, 42);
}

/* Two callbacks of one turn post the same op: it runs once, after both. */
static void post_runs_once_after_the_turn(void **state)
{
    const int ready = eventfd(1, 0);
    struct trail t = {.loop = *state};
    struct step a = {.trail = &t, .name = 'a', .posts = true};
    struct step p = {.trail = &t, .name = 'p', .stops = true};
    struct loop_op one = {.fn = on_step, .owner = &a};
    struct loop_op two = {.fn = on_step, .owner = &a};
    struct loop_op post = {.fn = on_step, .owner = &p};

    t.then = &post;
    loop_watch(t.loop, &one, ready);
    loop_watch(t.loop, &two, ready);
    assert_int_equal(loop_run(t.loop), 42);
    assert_string_equal(t.order, "aap");
    assert_int_equal(post.kind, LOOP_IDLE);
    close(ready);
}

/* What a post posts belongs to the next turn, which does not wait. */
static void post_of_a_post_is_next_turns(void **state)
{
    struct trail t = {.loop = *state};
    struct step a = {.trail = &t, .name = 'a', .posts = true};
    struct step b = {.trail = &t, .name = 'b', .stops = true};
    struct loop_op first = {.fn = on_step, .owner = &a};
    struct loop_op second = {.fn = on_step, .owner = &b};
    const uint64_t before = loop_batch(t.loop);

    t.then = &second;
    loop_post(t.loop, &first);
    assert_int_equal(loop_run(t.loop), 42);
    assert_string_equal(t.order, "ab");
    assert_int_equal(loop_batch(t.loop), before + 2);
}

static void drained_post_never_runs(void **state)
{
    struct trail t = {.loop = *state};
    struct step a = {.trail = &t, .name = 'a'};
    struct step b = {.trail = &t, .name = 'b', .stops = true};
    struct loop_op first = {.fn = on_step, .owner = &a};
    struct loop_op third = {.fn = on_step, .owner = &a};
    struct loop_op second = {.fn = on_step, .owner = &b};

    loop_post(t.loop, &first);
    loop_post(t.loop, &third);
    loop_post(t.loop, &second);
    loop_cancel(t.loop, &third);
    assert_int_equal(loop_drain(t.loop, &first), -ECANCELED);
    assert_int_equal(loop_run(t.loop), 42);
    assert_string_equal(t.order, "!b");
}

/* ---- calls ---- */

struct caller {
    struct loop *loop;
    pthread_mutex_t *lock;
    struct loop_op op;
    pthread_t thread;
    int runs;
    int answer;
    bool done;  /* under the lock */
    bool stops; /* end the loop from the callback */
};

static void on_call(struct loop_op *op, int res)
{
    struct caller *c = op->owner;

    assert_int_equal(res, 0);
    c->runs++;
    if (c->stops)
        loop_stop(c->loop, 42);
}

static void *call(void *arg)
{
    struct caller *c = arg;

    pthread_mutex_lock(c->lock);
    c->answer = loop_call(c->loop, &c->op);
    c->done = true;
    pthread_mutex_unlock(c->lock);
    return NULL;
}

static void start_caller(struct caller *c)
{
    c->op = (struct loop_op){.fn = on_call, .owner = c};
    assert_int_equal(pthread_create(&c->thread, NULL, call, c), 0);
}

static bool is_posted(struct caller *c)
{
    bool posted;

    pthread_mutex_lock(c->lock);
    posted = c->op.kind == LOOP_POST;
    pthread_mutex_unlock(c->lock);
    return posted;
}

static void call_waits_for_the_loop(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct caller c = {.lock = &lock, .stops = true};

    (void)state;
    assert_int_equal(loop_create(&c.loop, &lock), 0);
    start_caller(&c);
    assert_int_equal(loop_run(c.loop), 42);
    pthread_join(c.thread, NULL);
    assert_int_equal(c.answer, 0);
    assert_int_equal(c.runs, 1);
    loop_destroy(c.loop);
}

/* Nobody waits for a loop that has ended, before or after the call. */
static void ended_loop_keeps_no_caller(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct probe p = {.fd = -1, .stop_after = 1};
    struct loop_op timer = {.fn = on_event, .owner = &p};
    struct caller c = {.lock = &lock};

    (void)state;
    assert_int_equal(loop_create(&c.loop, &lock), 0);
    p.loop = c.loop;
    loop_timer(c.loop, &timer, 1);
    assert_int_equal(loop_run(c.loop), 42);
    start_caller(&c);
    pthread_join(c.thread, NULL);
    assert_int_equal(c.answer, -EAGAIN);
    assert_int_equal(c.runs, 0);
    assert_int_equal(loop_drain(c.loop, &c.op), -ECANCELED);
    loop_destroy(c.loop);
}

/* As a pause does: the loop waits, lock given up, for a thread that calls. */
static void on_pause(struct loop_op *op, int res)
{
    struct caller *c = op->owner;

    (void)res;
    loop_wait_begin(c->loop);
    while (!c->done) {
        pthread_mutex_unlock(c->lock);
        usleep(100);
        pthread_mutex_lock(c->lock);
    }
    assert_int_equal(c->runs, 0);
    loop_wait_end(c->loop);
    assert_int_equal(c->runs, 1);
}

static void pausing_loop_lets_callers_go(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct caller c = {.lock = &lock, .stops = true};
    struct loop_op pause = {.fn = on_pause, .owner = &c};
    const int ready = eventfd(1, 0);

    (void)state;
    assert_int_equal(loop_create(&c.loop, &lock), 0);
    /* Ready at submission: the pause is in the first turn. */
    loop_watch(c.loop, &pause, ready);
    start_caller(&c);
    while (!is_posted(&c))
        usleep(100);
    assert_int_equal(loop_run(c.loop), 42);
    pthread_join(c.thread, NULL);
    assert_int_equal(c.answer, -EAGAIN);
    assert_int_equal(c.runs, 1);
    loop_destroy(c.loop);
    close(ready);
}

static void waits_in_a_post(struct loop_op *op, int res)
{
    (void)res;
    loop_wait_begin(op->owner);
}

_Noreturn static void post_what_waits(int stderr_fd)
{
    struct loop_op op = {.fn = waits_in_a_post};
    struct loop *loop;

    dup2(stderr_fd, STDERR_FILENO);
    if (loop_create(&loop, NULL) == 0) {
        op.owner = loop;
        loop_post(loop, &op);
        loop_run(loop);
    }
    _exit(0);
}

/* Posts would run inside a post: seen at once, not when one happens to. */
static void post_must_not_wait(void **state)
{
    char text[256] = "";
    int said[2], status;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(said), 0);
    pid = fork();
    if (pid == 0)
        post_what_waits(said[1]);
    close(said[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_true(read(said[0], text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "bug in vmm"));
    assert_non_null(strstr(text, "running"));
    close(said[0]);
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
        cmocka_unit_test_setup_teardown(post_runs_once_after_the_turn, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(post_of_a_post_is_next_turns, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(drained_post_never_runs, setup,
                                        teardown),
        cmocka_unit_test(post_must_not_wait),
        cmocka_unit_test(call_waits_for_the_loop),
        cmocka_unit_test(ended_loop_keeps_no_caller),
        cmocka_unit_test(pausing_loop_lets_callers_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
