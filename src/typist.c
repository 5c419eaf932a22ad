// SPDX-License-Identifier: GPL-2.0-or-later
/* typist.c: see typist.h. A timer runs while there is something to type. */
#include "typist.h"

#include <errno.h>

static void on_timer(struct loop_op *op, int res)
{
    struct typist *t = op->owner;
    struct key_stroke s;

    if (res < 0 || t->n == 0)
        return;
    if (!t->ops.idle(t->ops.ctx)) {
        /* It reads no keyboard: what is left would surprise it one day. */
        if (++t->waited == TYPIST_WAIT)
            t->n = 0;
    } else {
        t->waited = 0;
        s = t->strokes[t->head];
        t->head = (t->head + 1) % TYPIST_STROKES;
        t->n--;
        t->ops.stroke(t->ops.ctx, s.key, s.down);
    }
    if (t->n)
        loop_timer(t->loop, &t->timer, TYPIST_NS);
}

void typist_init(struct typist *t, struct loop *loop,
                 const struct typist_ops *ops)
{
    *t = (struct typist){.loop = loop, .ops = *ops};
    t->timer = (struct loop_op){.fn = on_timer, .owner = t};
}

int typist_add(struct typist *t, const struct key_stroke *strokes, unsigned n)
{
    if (n > TYPIST_STROKES - t->n)
        return -ENOBUFS;
    if (t->n == 0)
        t->waited = 0;
    for (unsigned i = 0; i < n; i++)
        t->strokes[(t->head + t->n++) % TYPIST_STROKES] = strokes[i];
    if (t->n && t->timer.kind == LOOP_IDLE)
        loop_timer(t->loop, &t->timer, 0);
    return 0;
}

void typist_end(struct typist *t)
{
    if (t->loop)
        loop_drain(t->loop, &t->timer);
    t->n = 0;
}
