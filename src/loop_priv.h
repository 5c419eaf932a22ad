/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_priv.h: what loop.c and loop_post.c share: the posts of a loop.
 *
 * Thread: all of it under the loop's lock; but for posts_open, posts_close.
 */
#ifndef VMM_LOOP_PRIV_H
#define VMM_LOOP_PRIV_H

#include "vmm/loop.h"

struct loop_posts {
    pthread_mutex_t *lock; /* borrowed from the loop, may be NULL */
    int bell;              /* owned: a thread that posted signals it */
    struct loop_op bell_op;
    struct loop_op *first; /* what is due, in order */
    bool in_turn;          /* posts will be looked at without the bell */
    bool let_go;           /* nobody is to wait in loop_call */
    bool running;          /* inside of a post's callback */
    pthread_cond_t called; /* posts ran, or let_go was set */
};

/* The posts of a loop. In loop.c. */
struct loop_posts *loop_posts_of(struct loop *loop);

/* Make them and watch the bell. 0 or -errno, logged. */
must_check int posts_open(struct loop *loop, pthread_mutex_t *lock);
void posts_close(struct loop *loop);

/* Run what is posted now; what that posts is for the next turn. */
void posts_run(struct loop_posts *p);

/* Take op off the list: it never runs. */
void posts_remove(struct loop_posts *p, struct loop_op *op);

/* May threads wait in loop_call from here on? */
void posts_let_go(struct loop_posts *p, bool let_go);

#endif
