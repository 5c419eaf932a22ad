// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is posted to the event loop, and called from a second thread: also when
 * the loop cannot answer, or must not wait.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int setup(void **state)
{
    return loop_create((struct loop **)state, NULL);
}

static int teardown(void **state)
{
    loop_destroy(*state);
    return 0;
}

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
    struct trail t = {0};
    struct step end = {.trail = &t, .name = 'e', .stops = true};
    struct loop_op timer = {.fn = on_step, .owner = &end};
    struct caller c = {.lock = &lock};

    (void)state;
    assert_int_equal(loop_create(&c.loop, &lock), 0);
    t.loop = c.loop;
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
