// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xs_diff.c: what changed between two trees (xs_node.h), for the events of a
 * transaction. Nodes that both trees share are not looked into: the work is
 * that of the change.
 */
#include "pvabi/xs_node.h"
#include "pvabi/xs_path.h"
#include "vmm/log.h"

#include <string.h>

/* A walk, and where it is. */
struct walk {
    xs_diff_fn *fn;
    void *ctx;
    size_t len; /* of path; 0: at the root */
    char path[XS_PATH_SIZE];
};

static void tell(struct walk *w, enum xs_change what)
{
    w->fn(w->ctx, w->len ? w->path : "/", what);
}

/* Step down to a child; the old length, to step back up. */
static size_t down(struct walk *w, const struct xs_node *n)
{
    const size_t was = w->len, len = strlen(n->name);

    w->path[was] = '/';
    memcpy(w->path + was + 1, n->name, len + 1);
    w->len = was + 1 + len;
    return was;
}

static void up(struct walk *w, size_t was)
{
    w->len = was;
    w->path[was] = '\0';
}

static void added(struct walk *w, const struct xs_node *n)
{
    tell(w, XS_CHANGED);
    for (unsigned i = 0; i < n->n_kids; i++) {
        const size_t was = down(w, n->kids[i]);

        added(w, n->kids[i]);
        up(w, was);
    }
}

static void diff(struct walk *w, const struct xs_node *a,
                 const struct xs_node *b);

/* A child that is in one of the trees, or in both. */
static void diff_kid(struct walk *w, const struct xs_node *a,
                     const struct xs_node *b)
{
    const struct xs_node *any = a ? a : b;
    size_t was;

    BUG_ON(!any);
    was = down(w, any);
    if (!a)
        added(w, b);
    else if (!b)
        tell(w, XS_REMOVED);
    else
        diff(w, a, b);
    up(w, was);
}

/* Two nodes of one path: their children are sorted, and walked together. */
static void diff(struct walk *w, const struct xs_node *a,
                 const struct xs_node *b)
{
    unsigned i = 0, j = 0;

    if (a == b)
        return;
    if (a->touched != b->touched)
        tell(w, XS_CHANGED);
    while (i < a->n_kids || j < b->n_kids) {
        const struct xs_node *x = i < a->n_kids ? a->kids[i] : NULL;
        const struct xs_node *y = j < b->n_kids ? b->kids[j] : NULL;
        const int c = x && y ? strcmp(x->name, y->name) : (x ? -1 : 1);

        diff_kid(w, c <= 0 ? x : NULL, c >= 0 ? y : NULL);
        i += c <= 0;
        j += c >= 0;
    }
}

void xs_tree_diff(const struct xs_tree *before, const struct xs_tree *after,
                  xs_diff_fn *fn, void *ctx)
{
    struct walk w = {.fn = fn, .ctx = ctx};

    diff(&w, before->root, after->root);
}
