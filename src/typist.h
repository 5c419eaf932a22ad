/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * typist.h: types on a guest's keyboard what was asked for, as fast as a
 * person might and the guest reads: firmware has room for 15 keys, and loses
 * what comes faster than it is asked for them.
 *
 * Thread: loop, board lock held.
 */
#ifndef VMM_TYPIST_H
#define VMM_TYPIST_H

#include "keymap.h"
#include "vmm/loop.h"

#define TYPIST_STROKES 4096u
#define TYPIST_NS      15000000ull /* between two strokes */
#define TYPIST_WAIT    2000u /* times that: a slow guest is busy so long */

struct typist_ops {
    void (*stroke)(void *ctx, unsigned key, bool down);
    /* Has the guest taken all that it was given? */
    bool (*idle)(void *ctx);
    void *ctx; /* borrowed */
};

struct typist {
    struct loop *loop; /* borrowed */
    struct typist_ops ops;
    struct loop_op timer;
    struct key_stroke strokes[TYPIST_STROKES];
    unsigned head;
    unsigned n;
    unsigned waited; /* turns without an answer of the guest's */
};

/* ops is copied. */
void typist_init(struct typist *t, struct loop *loop,
                 const struct typist_ops *ops);

/* All or nothing: 0 or -ENOBUFS, when there is no room for n more. */
must_check int typist_add(struct typist *t, const struct key_stroke *strokes,
                          unsigned n);

/* Before loop_destroy; nothing happens to one never initialised. */
void typist_end(struct typist *t);

#endif
