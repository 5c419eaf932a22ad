// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loop_post.c: what is done once after a turn's callbacks, and what other
 * threads have the loop do; see vmm/loop.h.
 *
 * Ops that are posted wait in a list under the loop's lock. Those of the loop
 * itself are met at the end of the turn that is under way; another thread
 * rings the bell, an eventfd that is watched and never read: a multishot poll
 * tells of each signal, not of the count.
 *
 * A thread in loop_call must never wait for a loop that waits for it: whoever
 * ends the loop, or gives up the lock in a callback to wait for threads, lets
 * the callers go first.
 */
#include "loop_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Nothing to do: the posts are looked at after every turn's callbacks. */
static void on_bell(struct loop_op *op, int res)
{
    (void)op;
    (void)res;
}

int posts_open(struct loop *loop, pthread_mutex_t *lock)
{
    struct loop_posts *p = loop_posts_of(loop);

    p->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->bell < 0) {
        log_error("event loop: eventfd: %s: raise the open-files limit "
                  "(ulimit -n)",
                  strerror(errno));
        return -errno;
    }
    p->lock = lock;
    pthread_cond_init(&p->called, NULL);
    p->bell_op = (struct loop_op){.fn = on_bell, .owner = loop};
    loop_watch(loop, &p->bell_op, p->bell);
    return 0;
}

void posts_close(struct loop *loop)
{
    struct loop_posts *p = loop_posts_of(loop);

    close(p->bell);
    pthread_cond_destroy(&p->called);
}

static void append(struct loop_posts *p, struct loop_op *op)
{
    struct loop_op **at = &p->first;

    while (*at)
        at = &(*at)->next;
    op->next = NULL;
    *at = op;
}

void posts_remove(struct loop_posts *p, struct loop_op *op)
{
    struct loop_op **at = &p->first;

    while (*at && *at != op)
        at = &(*at)->next;
    if (*at)
        *at = op->next;
    op->kind = LOOP_IDLE;
}

/* Up to a mark: what the posts post comes behind it. */
void posts_run(struct loop_posts *p)
{
    struct loop_op mark = {.kind = LOOP_POST};

    if (!p->first)
        return;
    BUG_ON(p->running); /* its mark would be met in the middle */
    p->running = true;
    append(p, &mark);
    while (p->first != &mark) {
        struct loop_op *op = p->first;

        BUG_ON(!op); /* the mark ends the list */
        posts_remove(p, op);
        op->fn(op, op->cancelling ? -ECANCELED : 0);
    }
    posts_remove(p, &mark);
    p->running = false;
    /* Pairs with the wait in loop_call. */
    pthread_cond_broadcast(&p->called);
}

void posts_let_go(struct loop_posts *p, bool let_go)
{
    p->let_go = let_go;
    if (let_go)
        pthread_cond_broadcast(&p->called);
}

static void ring_bell(const struct loop_posts *p)
{
    const uint64_t one = 1;
    const ssize_t n = write(p->bell, &one, sizeof(one));

    /* The count never comes near its limit of 2^64 - 2. */
    BUG_ON(n != sizeof(one));
}

void loop_post(struct loop *loop, struct loop_op *op)
{
    struct loop_posts *p = loop_posts_of(loop);

    if (op->kind == LOOP_POST)
        return;
    BUG_ON(op->kind != LOOP_IDLE);
    BUG_ON(!op->fn);
    op->kind = LOOP_POST;
    op->cancelling = false;
    append(p, op);
    if (!p->in_turn)
        ring_bell(p);
}

int loop_call(struct loop *loop, struct loop_op *op)
{
    struct loop_posts *p = loop_posts_of(loop);

    loop_post(loop, op);
    while (op->kind == LOOP_POST && !p->let_go)
        pthread_cond_wait(&p->called, p->lock);
    return op->kind == LOOP_POST ? -EAGAIN : 0;
}

/* Checked here, where it always shows, and not only when posts are due. */
void loop_wait_begin(struct loop *loop)
{
    struct loop_posts *p = loop_posts_of(loop);

    BUG_ON(p->running);
    posts_let_go(p, true);
}

void loop_wait_end(struct loop *loop)
{
    struct loop_posts *p = loop_posts_of(loop);

    posts_let_go(p, false);
    posts_run(p);
}
