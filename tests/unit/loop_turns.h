/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_turns.h: let a loop take some turns and come back, so that what was
 * posted is done, and what that posted. For tests whose loop nobody else runs.
 */
#ifndef TESTS_LOOP_TURNS_H
#define TESTS_LOOP_TURNS_H

#include "vmm/log.h"
#include "vmm/loop.h"

struct loop_turns {
    struct loop *loop;
    struct loop_op op;
    unsigned left;
};

static inline void loop_turns_step(struct loop_op *op, int res)
{
    struct loop_turns *t = op->owner;

    (void)res;
    if (--t->left)
        loop_post(t->loop, op);
    else
        loop_stop(t->loop, 0);
}

static inline void loop_turns(struct loop *loop, unsigned n)
{
    struct loop_turns t = {.loop = loop, .left = n};

    t.op = (struct loop_op){.fn = loop_turns_step, .owner = &t};
    loop_post(loop, &t.op);
    BUG_ON(loop_run(loop) != 0);
}

#endif
