// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xs_walk.c: the store read as a whole, for the operator; see xenstore.h.
 */
#include "pvabi/xs_priv.h"

#include <errno.h>
#include <string.h>

struct walk {
    bool (*fn)(void *ctx, const struct xs_entry *e);
    void *ctx;
    const char *after; /* NULL: from the beginning */
    size_t len;        /* of path; 0: at the root */
    char path[XS_PATH_SIZE];
};

/* Where a character of a path comes: its end first, then what is below. */
static unsigned rank(char c)
{
    return c == '/' ? 1 : (unsigned char)c;
}

/* Does path a come behind b, as the walk goes? */
static bool is_behind(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return rank(*a) > rank(*b);
}

static bool tell(const struct walk *w, const struct xs_node *n)
{
    const struct xs_entry e = {
        .path = w->len ? w->path : "/",
        .value = n->value,
        .size = n->size,
        .perms = n->perms,
        .n_perms = n->n_perms,
        .touched = n->touched,
    };

    /* The root is before everything. */
    if (w->after && (!w->len || !is_behind(w->path, w->after)))
        return true;
    return w->fn(w->ctx, &e);
}

static bool walk(struct walk *w, const struct xs_node *n)
{
    const size_t was = w->len;

    if (!tell(w, n))
        return false;
    for (unsigned i = 0; i < n->n_kids; i++) {
        const size_t len = strlen(n->kids[i]->name);

        w->path[was] = '/';
        memcpy(w->path + was + 1, n->kids[i]->name, len + 1);
        w->len = was + 1 + len;
        if (!walk(w, n->kids[i]))
            return false;
        w->len = was;
        w->path[was] = '\0';
    }
    return true;
}

int xs_walk(const struct xs *xs, const char *top, const char *after,
            bool (*fn)(void *ctx, const struct xs_entry *e), void *ctx)
{
    struct walk w = {.fn = fn, .ctx = ctx, .after = after};
    const struct xs_node *n =
        xs_path_ok(top) ? xs_tree_find(&xs->tree, top) : NULL;

    if (!n)
        return -ENOENT;
    if (top[1]) {
        w.len = strlen(top);
        memcpy(w.path, top, w.len + 1);
    }
    /* After the root comes all the rest. */
    if (after && !after[1])
        w.after = "";
    (void)walk(&w, n);
    return 0;
}

uint64_t xs_changed(const struct xs *xs)
{
    return xs->changed;
}
