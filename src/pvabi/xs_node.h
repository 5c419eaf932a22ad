/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs_node.h: an immutable tree of named values; the store's own.
 *
 * A tree is a reference to a root. A copy of a tree is a second reference: no
 * node that two trees share is ever changed. Whoever changes a tree gets his
 * own copy of the nodes from the root to the change; a node that only he
 * refers to is changed in place. So a transaction costs nothing to begin and
 * what it changes to carry on, and what changed between two trees is found by
 * walking both where their nodes differ.
 *
 * Memory a guest causes to be allocated is metered: its nodes pay for what
 * they take from the time they are made to the time the last tree forgets
 * them.
 *
 * Paths are well-formed (xs_path.h). Thread: board lock held.
 */
#ifndef PVABI_XS_NODE_H
#define PVABI_XS_NODE_H

#include "pvabi/xenstore.h"

/* Bytes in use, and how many there may be. */
struct xs_meter {
    size_t used, max;
};

/* False, and nothing is taken, if it would be too much. NULL has no limit. */
must_check bool xs_meter_take(struct xs_meter *meter, size_t n);
void xs_meter_give(struct xs_meter *meter, size_t n);

/* Its name never changes; all else only while refs is 1. */
struct xs_node {
    unsigned refs;
    uint32_t size;          /* of the value */
    uint64_t gen;           /* of the last change to value, children, perms */
    uint64_t touched;       /* the same, children left out */
    struct xs_meter *meter; /* who pays; NULL: domain 0 */
    size_t cost;            /* what was taken from the meter */
    unsigned char *value;   /* owned */
    struct xs_node **kids;  /* owned; sorted by name, n_kids of them */
    unsigned n_kids;
    unsigned n_perms;
    struct xs_perm perms[XS_MAX_PERMS];
    char name[]; /* of the last part of the path; "" for the root */
};

struct xs_tree {
    struct xs_node *root; /* one reference */
    unsigned owned;       /* nodes that belong to domid */
    uint16_t domid;
};

/* Who changes a tree, and under which limits. */
struct xs_actor {
    uint16_t domid;
    const struct xs_limits *limits; /* NULL: none */
    struct xs_meter *meter;         /* NULL: none */
    uint64_t gen;                   /* of the change */
};

/* A tree of an empty root, whose permissions are domain 0's. -ENOMEM. */
must_check int xs_tree_create(struct xs_tree *t, uint16_t domid);
/* Another reference to the same nodes. */
struct xs_tree xs_tree_copy(const struct xs_tree *t);
void xs_tree_drop(struct xs_tree *t);

const struct xs_node *xs_tree_find(const struct xs_tree *t, const char *path);
/* The node, or of its parents the nearest that is there. */
const struct xs_node *xs_tree_nearest(const struct xs_tree *t,
                                      const char *path);

/* May this domain do all of access (an or of enum xs_access) with it? */
bool xs_node_allows(const struct xs_node *n, uint16_t domid, unsigned access);
/* Bytes of the list of children as DIRECTORY has it. */
size_t xs_node_list_size(const struct xs_node *n);

/*
 * Changes: all or nothing, permissions checked by the caller. value NULL:
 * leave it alone if the node is there, else make it empty. 0, -ENOMEM (memory
 * or the meter), -ENOSPC (a limit); xs_tree_remove and xs_tree_set_perms
 * -ENOENT as well.
 */
must_check int xs_tree_write(struct xs_tree *t, const struct xs_actor *who,
                             const char *path, const void *value, size_t n);
must_check int xs_tree_remove(struct xs_tree *t, const struct xs_actor *who,
                              const char *path);
must_check int xs_tree_set_perms(struct xs_tree *t, const struct xs_actor *who,
                                 const char *path, const struct xs_perm *perms,
                                 unsigned n);

/* What happened to a node between two trees. */
enum xs_change {
    XS_CHANGED, /* or made */
    XS_REMOVED, /* it is in the old tree only; said for the topmost */
};

typedef void xs_diff_fn(void *ctx, const char *path, enum xs_change what);

/* Call fn for each node that differs. */
void xs_tree_diff(const struct xs_tree *before, const struct xs_tree *after,
                  xs_diff_fn *fn, void *ctx);

#endif
