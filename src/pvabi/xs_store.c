// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xs_store.c: what a domain may do with the store, and transactions; see
 * xs_priv.h. Source: Xen's docs/misc/xenstore.txt.
 *
 * Each change has a number (gen), also one inside a transaction. A transaction
 * is two references to the tree as it was: one is changed, the other stays to
 * be compared with. It is committed if nothing changed in between: then its
 * tree becomes the store's. One that changed nothing has seen one state of
 * the store, and cannot conflict.
 */
#include "pvabi/xs_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct xs_tree *tree_of(const struct xs_view *v)
{
    return v->tx ? &v->tx->tree : &v->xs->tree;
}

/* The actor of the next change. */
static struct xs_actor actor(const struct xs_view *v)
{
    struct xs *xs = v->xs;

    return (struct xs_actor){
        .domid = v->domid,
        .limits = v->domid ? xs->limits : NULL,
        .meter = v->domid ? &xs->meter : NULL,
        .gen = ++xs->gen,
    };
}

/* A change was made; one of the store itself is told to who watches. */
static void changed(const struct xs_view *v, const char *path)
{
    if (v->tx) {
        v->tx->changes++;
        return;
    }
    v->xs->changed = v->xs->gen;
    xs_fire(v->xs, NULL, path, XS_CHANGED);
}

static int check_changes(const struct xs_view *v)
{
    return v->tx && v->tx->changes >= v->xs->limits->changes ? -ENOSPC : 0;
}

/*
 * That node, if the domain may do this with it. Where nothing is, only those
 * are told so who could have seen it: -EACCES for the others.
 */
static int find(const struct xs_view *v, const char *path, unsigned access,
                const struct xs_node **out)
{
    const struct xs_tree *t = tree_of(v);
    const struct xs_node *n = xs_tree_find(t, path);

    if (!n) {
        n = xs_tree_nearest(t, path);
        return xs_node_allows(n, v->domid, access) ? -ENOENT : -EACCES;
    }
    if (!xs_node_allows(n, v->domid, access))
        return -EACCES;
    *out = n;
    return 0;
}

int xs_view_find(const struct xs_view *v, const char *path,
                 const struct xs_node **out)
{
    return find(v, path, XS_R, out);
}

/* Writing what is not there is writing to the nearest parent that is. */
static int write_node(const struct xs_view *v, const char *path,
                      const void *value, size_t n)
{
    struct xs_actor who;
    int ret = check_changes(v);

    if (ret < 0)
        return ret;
    who = actor(v);
    ret = xs_tree_write(tree_of(v), &who, path, value, n);
    if (ret == 0)
        changed(v, path);
    return ret;
}

int xs_view_write(const struct xs_view *v, const char *path, const void *value,
                  size_t n)
{
    const struct xs_node *node;
    const int ret = find(v, path, XS_W, &node);

    if (ret < 0 && ret != -ENOENT)
        return ret;
    return write_node(v, path, value, n);
}

int xs_view_mkdir(const struct xs_view *v, const char *path)
{
    const struct xs_node *node;
    const int ret = find(v, path, XS_W, &node);

    /* What is there already is left alone, and nobody is told. */
    if (ret != -ENOENT)
        return ret;
    return write_node(v, path, "", 0);
}

/* Nothing is there to be removed: as good, if its parent is. */
static int rm_nothing(const struct xs_view *v, const char *path)
{
    char parent[XS_PATH_SIZE];
    const size_t up = xs_path_parent(path);

    memcpy(parent, path, up);
    parent[up] = '\0';
    if (up == 0 || xs_tree_find(tree_of(v), parent))
        return 0;
    return -ENOENT;
}

/*
 * Who watches is told first, while it can still be seen what was there; he
 * hears of it later.
 */
int xs_view_rm(const struct xs_view *v, const char *path)
{
    struct xs_tree *t = tree_of(v);
    const struct xs_node *node;
    struct xs_actor who;
    int ret = find(v, path, XS_W, &node);

    if (!path[1])
        return -EINVAL;
    if (ret == -ENOENT)
        return rm_nothing(v, path);
    if (ret == 0)
        ret = check_changes(v);
    if (ret < 0)
        return ret;
    who = actor(v);
    if (!v->tx)
        xs_fire(v->xs, t, path, XS_REMOVED);
    ret = xs_tree_remove(t, &who, path);
    if (ret == 0 && v->tx)
        v->tx->changes++;
    if (!v->tx)
        v->xs->changed = v->xs->gen;
    return ret;
}

int xs_view_set_perms(const struct xs_view *v, const char *path,
                      const struct xs_perm *perms, unsigned n)
{
    const struct xs_node *node;
    struct xs_actor who;
    int ret = find(v, path, XS_W, &node);

    if (ret < 0)
        return ret;
    /* Only who owns it, and he cannot give it away. */
    if (v->domid && (node->perms[0].domid != v->domid ||
                     perms[0].domid != node->perms[0].domid))
        return -EPERM;
    ret = check_changes(v);
    if (ret < 0)
        return ret;
    who = actor(v);
    ret = xs_tree_set_perms(tree_of(v), &who, path, perms, n);
    if (ret == 0)
        changed(v, path);
    return ret;
}

struct xs_tx *xs_tx_begin(struct xs *xs, int *err)
{
    struct xs_tx *tx = NULL;

    *err = -ENOSPC;
    if (xs->n_tx >= xs->limits->transactions)
        return NULL;
    *err = -ENOMEM;
    if (xs_meter_take(&xs->meter, sizeof(*tx)))
        tx = calloc(1, sizeof(*tx));
    if (!tx)
        return NULL;
    tx->base = xs_tree_copy(&xs->tree);
    tx->tree = xs_tree_copy(&xs->tree);
    tx->gen = xs->changed;
    xs->n_tx++;
    return tx;
}

void xs_tx_abort(struct xs *xs, struct xs_tx *tx)
{
    xs_tree_drop(&tx->tree);
    xs_tree_drop(&tx->base);
    xs_meter_give(&xs->meter, sizeof(*tx));
    xs->n_tx--;
    free(tx);
}

/* Of a commit, for each node that differs. */
struct telling {
    struct xs *xs;
    const struct xs_tree *before;
};

static void tell(void *ctx, const char *path, enum xs_change what)
{
    const struct telling *t = ctx;

    xs_fire(t->xs, t->before, path, what);
}

int xs_tx_commit(struct xs *xs, struct xs_tx *tx)
{
    struct telling telling = {xs, &tx->base};
    int ret = 0;

    if (tx->changes && tx->gen != xs->changed) {
        ret = -EAGAIN;
    } else if (tx->changes) {
        xs_tree_drop(&xs->tree);
        xs->tree = xs_tree_copy(&tx->tree);
        xs->changed = ++xs->gen;
        xs_tree_diff(&tx->base, &xs->tree, tell, &telling);
    }
    xs_tx_abort(xs, tx);
    return ret;
}
