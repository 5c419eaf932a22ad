/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vcpu_threads.h: threads of vCPUs with something to do each, while the loop
 * runs on the test's own thread: they begin when it does, and it ends with the
 * last of them.
 */
#ifndef TESTS_VCPU_THREADS_H
#define TESTS_VCPU_THREADS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/loop.h"

#include <pthread.h>
#include <stdlib.h>

struct rig; /* the test's own */

struct vcpu {
    struct rig *rig;
    void (*run)(struct rig *r);
    struct loop *loop;     /* set by run_vcpus, as all below */
    pthread_mutex_t *lock; /* the board's */
    unsigned *running;     /* vCPUs; the last to end stops the loop */
    struct loop_op begin, ended;
    pthread_t thread;
};

static inline void on_vcpu_ended(struct loop_op *op, int res)
{
    const struct vcpu *c = op->owner;

    (void)res;
    if (--*c->running == 0)
        loop_stop(c->loop, 7);
}

static inline void *vcpu_main(void *arg)
{
    struct vcpu *c = arg;

    c->run(c->rig);
    pthread_mutex_lock(c->lock);
    loop_post(c->loop, &c->ended);
    pthread_mutex_unlock(c->lock);
    return NULL;
}

static inline void on_vcpu_begin(struct loop_op *op, int res)
{
    struct vcpu *c = op->owner;

    (void)res;
    assert_int_equal(pthread_create(&c->thread, NULL, vcpu_main, c), 0);
}

static inline void run_vcpus(struct vcpu *cpus, unsigned n, struct loop *loop,
                             pthread_mutex_t *lock)
{
    unsigned running = n;

    for (unsigned i = 0; i < n; i++) {
        struct vcpu *c = &cpus[i];

        c->loop = loop;
        c->lock = lock;
        c->running = &running;
        c->begin = (struct loop_op){.fn = on_vcpu_begin, .owner = c};
        c->ended = (struct loop_op){.fn = on_vcpu_ended, .owner = c};
        loop_post(loop, &c->begin);
    }
    assert_int_equal(loop_run(loop), 7);
    for (unsigned i = 0; i < n; i++)
        pthread_join(cpus[i].thread, NULL);
}

/* On a thread cmocka knows nothing of: a failure ends the process. */
static inline void must(bool holds)
{
    if (!holds)
        abort();
}

#endif
