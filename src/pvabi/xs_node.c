// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xs_node.c: see xs_node.h.
 *
 * A change goes in three steps: look whether limits and memory allow it, take
 * the path to it for oneself (own_path), change. After the second nothing can
 * fail but an allocation, and what was copied until then says the same as
 * before.
 *
 * Recursion is as deep as a path has parts, 1536 at most.
 */
#include "pvabi/xs_node.h"

#include "pvabi/xs_path.h"
#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool xs_meter_take(struct xs_meter *meter, size_t n)
{
    if (!meter)
        return true;
    if (!range_ok(meter->used, n, meter->max))
        return false;
    meter->used += n;
    return true;
}

void xs_meter_give(struct xs_meter *meter, size_t n)
{
    if (meter)
        meter->used -= n;
}

static size_t cost_of(const struct xs_node *n)
{
    return sizeof(*n) + strlen(n->name) + 1 + n->size +
           n->n_kids * sizeof(struct xs_node *);
}

/* After a change in place; over the limit for once, if it is domain 0's. */
static void account(struct xs_node *n)
{
    const size_t cost = cost_of(n);

    if (n->meter)
        n->meter->used += cost - n->cost;
    n->cost = cost;
}

static void node_put(struct xs_node *n)
{
    if (!n || --n->refs)
        return;
    for (unsigned i = 0; i < n->n_kids; i++)
        node_put(n->kids[i]);
    xs_meter_give(n->meter, n->cost);
    free(n->kids);
    free(n->value);
    free(n);
}

/* A node without value and children; name need not end. */
static struct xs_node *node_new(const char *name, size_t len,
                                struct xs_meter *meter)
{
    const size_t bytes = sizeof(struct xs_node) + len + 1;
    struct xs_node *n;

    if (!xs_meter_take(meter, bytes))
        return NULL;
    n = calloc(1, bytes);
    if (!n) {
        xs_meter_give(meter, bytes);
        return NULL;
    }
    memcpy(n->name, name, len);
    n->refs = 1;
    n->meter = meter;
    n->cost = bytes;
    return n;
}

static bool set_value(struct xs_node *n, const void *value, size_t size)
{
    unsigned char *copy = size ? malloc(size) : NULL;

    if (size && !copy)
        return false;
    if (size)
        memcpy(copy, value, size);
    free(n->value);
    n->value = copy;
    n->size = (uint32_t)size;
    account(n);
    return true;
}

/* A node that says the same, for the caller alone. */
static struct xs_node *node_copy(const struct xs_node *from,
                                 struct xs_meter *meter)
{
    struct xs_node *n;

    if (!xs_meter_take(meter, cost_of(from)))
        return NULL;
    /* Taken in one piece: what follows does not need to ask. */
    xs_meter_give(meter, cost_of(from));
    n = node_new(from->name, strlen(from->name), meter);
    if (!n)
        return NULL;
    n->gen = from->gen;
    n->touched = from->touched;
    n->n_perms = from->n_perms;
    memcpy(n->perms, from->perms, sizeof(n->perms));
    if (from->n_kids)
        n->kids = malloc(from->n_kids * sizeof(struct xs_node *));
    if ((from->n_kids && !n->kids) || !set_value(n, from->value, from->size)) {
        node_put(n);
        return NULL;
    }
    for (; n->n_kids < from->n_kids; n->n_kids++) {
        n->kids[n->n_kids] = from->kids[n->n_kids];
        n->kids[n->n_kids]->refs++;
    }
    account(n);
    return n;
}

/* A part of a path: where it begins, and its length; 0 behind the last. */
struct part {
    const char *at;
    size_t len;
};

static struct part part_first(const char *path)
{
    return (struct part){path + 1, strcspn(path + 1, "/")};
}

static struct part part_next(struct part p)
{
    const char *at = p.at + p.len;

    if (!*at)
        return (struct part){at, 0};
    return (struct part){at + 1, strcspn(at + 1, "/")};
}

static int compare(const struct xs_node *n, struct part p)
{
    const int c = strncmp(n->name, p.at, p.len);

    return c ? c : (n->name[p.len] ? 1 : 0);
}

/* Where that child is, or would be. */
static unsigned kid_index(const struct xs_node *n, struct part p, bool *found)
{
    unsigned lo = 0, hi = n->n_kids;

    *found = false;
    while (lo < hi && !*found) {
        const unsigned mid = (lo + hi) / 2;
        const int c = compare(n->kids[mid], p);

        *found = c == 0;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return hi;
}

static struct xs_node *kid(const struct xs_node *n, struct part p)
{
    bool found;
    const unsigned i = kid_index(n, p, &found);

    return found ? n->kids[i] : NULL;
}

/* The last node on the way that is there, and the first part that is not. */
static const struct xs_node *walk(const struct xs_tree *t, const char *path,
                                  struct part *missing)
{
    const struct xs_node *n = t->root, *next;

    *missing = part_first(path);
    while (missing->len && (next = kid(n, *missing))) {
        n = next;
        *missing = part_next(*missing);
    }
    return n;
}

const struct xs_node *xs_tree_nearest(const struct xs_tree *t, const char *path)
{
    struct part missing;

    return walk(t, path, &missing);
}

const struct xs_node *xs_tree_find(const struct xs_tree *t, const char *path)
{
    struct part missing;
    const struct xs_node *n = walk(t, path, &missing);

    return missing.len ? NULL : n;
}

int xs_tree_create(struct xs_tree *t, uint16_t domid)
{
    struct xs_node *root = node_new("", 0, NULL);

    if (!root)
        return -ENOMEM;
    root->n_perms = 1; /* domain 0's, and no other's */
    *t = (struct xs_tree){root, 0, domid};
    return 0;
}

struct xs_tree xs_tree_copy(const struct xs_tree *t)
{
    t->root->refs++;
    return *t;
}

void xs_tree_drop(struct xs_tree *t)
{
    node_put(t->root);
    t->root = NULL;
}

bool xs_node_allows(const struct xs_node *n, uint16_t domid, unsigned access)
{
    unsigned has = n->perms[0].access;

    if (domid == 0 || n->perms[0].domid == domid)
        return true;
    for (unsigned i = 1; i < n->n_perms; i++)
        if (n->perms[i].domid == domid)
            has = n->perms[i].access;
    return (has & access) == access;
}

size_t xs_node_list_size(const struct xs_node *n)
{
    size_t sum = 0;

    for (unsigned i = 0; i < n->n_kids; i++)
        sum += strlen(n->kids[i]->name) + 1;
    return sum;
}

/*
 * The node down the path as far as len bytes, which is there, in a tree whose
 * nodes down to it are nobody else's. NULL: no memory.
 */
static struct xs_node *own_path(struct xs_tree *t, const struct xs_actor *who,
                                const char *path, size_t len)
{
    struct xs_node **at = &t->root;
    struct part p = part_first(path);

    for (;;) {
        struct xs_node *n = *at;
        bool found;

        if (n->refs > 1) {
            n = node_copy(n, who->meter);
            if (!n)
                return NULL;
            node_put(*at);
            *at = n;
        }
        if (!p.len || p.at >= path + len)
            return n;
        at = &n->kids[kid_index(n, p, &found)];
        BUG_ON(!found);
        p = part_next(p);
    }
}

/* Put a child where it belongs. False: no memory. */
static bool insert(struct xs_node *n, struct xs_node *child)
{
    const struct part p = {child->name, strlen(child->name)};
    struct xs_node **kids =
        realloc(n->kids, (n->n_kids + 1) * sizeof(struct xs_node *));
    unsigned i;
    bool found;

    if (!kids)
        return false;
    n->kids = kids;
    i = kid_index(n, p, &found);
    memmove(kids + i + 1, kids + i, (n->n_kids - i) * sizeof(struct xs_node *));
    kids[i] = child;
    n->n_kids++;
    account(n);
    return true;
}

/* Would a node of so much be too big? */
static bool too_big(const struct xs_actor *who, size_t value, size_t names)
{
    return who->limits && value + names > who->limits->node_bytes;
}

/* A new child of like, with its permissions, which are the actor's. */
static struct xs_node *make_child(const struct xs_node *like,
                                  const struct xs_actor *who, struct part p)
{
    struct xs_node *n = node_new(p.at, p.len, who->meter);

    if (!n)
        return NULL;
    n->gen = n->touched = who->gen;
    n->n_perms = like->n_perms;
    memcpy(n->perms, like->perms, sizeof(n->perms));
    if (who->domid)
        n->perms[0].domid = who->domid;
    return n;
}

/*
 * The nodes for a path's parts from p on, each the child of the one before,
 * the last with the value. NULL: no memory.
 */
static struct xs_node *make_chain(const struct xs_node *parent,
                                  const struct xs_actor *who, struct part p,
                                  const void *value, size_t size)
{
    struct xs_node *top = NULL, *last = NULL;

    for (; p.len; p = part_next(p)) {
        struct xs_node *n = make_child(last ? last : parent, who, p);

        if (!n || (last && !insert(last, n))) {
            node_put(n);
            node_put(top);
            return NULL;
        }
        top = top ? top : n;
        last = n;
    }
    if (set_value(last, value, size))
        return top;
    node_put(top);
    return NULL;
}

static unsigned parts_of(struct part p)
{
    unsigned n = 0;

    for (; p.len; p = part_next(p))
        n++;
    return n;
}

static bool over(const struct xs_meter *m)
{
    return m && m->used > m->max;
}

static int create(struct xs_tree *t, const struct xs_actor *who,
                  const char *path, const struct xs_node *near, struct part p,
                  const void *value, size_t size)
{
    const unsigned parts = parts_of(p);
    const uint16_t owner = who->domid ? who->domid : near->perms[0].domid;
    const unsigned mine = owner == t->domid ? parts : 0;
    struct xs_node *parent, *chain;

    if (who->limits && t->owned + mine > who->limits->nodes)
        return -ENOSPC;
    if (too_big(who, size, 0) ||
        too_big(who, near->size, xs_node_list_size(near) + p.len + 1))
        return -ENOSPC;
    chain = make_chain(near, who, p, value, size);
    if (!chain)
        return -ENOMEM;
    parent =
        over(who->meter) ? NULL : own_path(t, who, path, (size_t)(p.at - path));
    if (!parent || !insert(parent, chain)) {
        node_put(chain);
        return -ENOMEM;
    }
    parent->gen = who->gen;
    t->owned += mine;
    return 0;
}

static int change(struct xs_tree *t, const struct xs_actor *who,
                  const char *path, const void *value, size_t size)
{
    const struct xs_node *old = xs_tree_find(t, path);
    const size_t names = xs_node_list_size(old);
    struct xs_node *n;

    if (value && too_big(who, size, names))
        return -ENOSPC;
    if (who->meter && size > old->size &&
        !range_ok(who->meter->used, size - old->size, who->meter->max))
        return -ENOMEM;
    n = own_path(t, who, path, strlen(path));
    if (!n || (value && !set_value(n, value, size)))
        return -ENOMEM;
    n->gen = n->touched = who->gen;
    return 0;
}

int xs_tree_write(struct xs_tree *t, const struct xs_actor *who,
                  const char *path, const void *value, size_t n)
{
    struct part missing;
    const struct xs_node *near = walk(t, path, &missing);

    if (!missing.len)
        return change(t, who, path, value, n);
    return create(t, who, path, near, missing, value, n);
}

static unsigned count_owned(const struct xs_node *n, uint16_t domid)
{
    unsigned sum = n->perms[0].domid == domid;

    for (unsigned i = 0; i < n->n_kids; i++)
        sum += count_owned(n->kids[i], domid);
    return sum;
}

int xs_tree_remove(struct xs_tree *t, const struct xs_actor *who,
                   const char *path)
{
    const struct xs_node *n = xs_tree_find(t, path);
    const size_t up = xs_path_parent(path);
    const struct part p = {path + up + 1, strlen(path + up + 1)};
    struct xs_node *parent, *gone;
    unsigned i;
    bool found;

    if (!n || !p.len)
        return -ENOENT;
    parent = own_path(t, who, path, up);
    if (!parent)
        return -ENOMEM;
    i = kid_index(parent, p, &found);
    gone = parent->kids[i];
    parent->n_kids--;
    memmove(parent->kids + i, parent->kids + i + 1,
            (parent->n_kids - i) * sizeof(struct xs_node *));
    account(parent);
    parent->gen = who->gen;
    t->owned -= count_owned(gone, t->domid);
    node_put(gone);
    return 0;
}

int xs_tree_set_perms(struct xs_tree *t, const struct xs_actor *who,
                      const char *path, const struct xs_perm *perms, unsigned n)
{
    const struct xs_node *old = xs_tree_find(t, path);
    struct xs_node *node;

    BUG_ON(n == 0 || n > XS_MAX_PERMS);
    if (!old)
        return -ENOENT;
    node = own_path(t, who, path, strlen(path));
    if (!node)
        return -ENOMEM;
    t->owned -= node->perms[0].domid == t->domid;
    t->owned += perms[0].domid == t->domid;
    memcpy(node->perms, perms, n * sizeof(*perms));
    node->n_perms = n;
    node->gen = node->touched = who->gen;
    return 0;
}
