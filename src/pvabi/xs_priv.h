/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs_priv.h: what the files of the store share: the store itself, its watches
 * and transactions, and what a guest may do by its own name (xs_store.c).
 *
 * Thread: board lock held.
 */
#ifndef PVABI_XS_PRIV_H
#define PVABI_XS_PRIV_H

#include "pvabi/xenstore.h"
#include "pvabi/xs_node.h"
#include "pvabi/xs_path.h"

/* What a watch is to be told, in the order it happened. */
struct xs_event {
    struct xs_event *next;
    struct xs_watch *watch;
    char path[]; /* as the watch is told it */
};

/*
 * Who is told of events: the watches of domain 0 together, or a guest's
 * connection. At most XS_MAX_EVENTS wait; what comes on top of them makes
 * its watch tell its own path in the end.
 */
#define XS_MAX_EVENTS 256u

struct xs_listener {
    uint16_t domid;
    struct xs_watch *watches; /* in the order they were set */
    unsigned n_watches;
    struct xs_event *first;
    unsigned n_events;
    unsigned n_again; /* watches whose again is set */
    /* Something waits. */
    void (*wake)(struct xs_listener *l);
    struct xs_meter *meter; /* pays for watches and events; NULL: none */
    struct xs_listener *next;
};

/* A guest's copy of the tree. */
struct xs_tx {
    uint32_t id; /* never 0 */
    struct xs_tree base, tree;
    uint64_t gen;     /* of the store when it began */
    unsigned changes; /* 0: nothing to commit */
    struct xs_tx *next;
};

struct xs {
    struct loop *loop; /* borrowed */
    const struct xs_limits *limits;
    uint16_t domid; /* the guest */
    char home[32];
    struct xs_tree tree;
    uint64_t gen;     /* counts changes, in transactions too */
    uint64_t changed; /* gen of the last change to tree */
    struct xs_meter meter;
    struct xs_listener host; /* domain 0's watches */
    struct xs_listener *listeners;
    struct loop_op tell; /* of the host's */
    unsigned n_tx;
};

/* xs_watch.c */
void xs_listener_add(struct xs *xs, struct xs_listener *l);
/* Drops its watches and what waits for them. */
void xs_listener_clear(struct xs_listener *l);
void xs_listener_remove(struct xs *xs, struct xs_listener *l);
/* As xs_watch, for any listener; w->relative and w->token are filled in. */
must_check int xs_listener_watch(struct xs *xs, struct xs_listener *l,
                                 struct xs_watch *w, const char *path);
/* The next thing to tell, to be freed by the caller, or NULL. */
struct xs_event *xs_listener_next(struct xs_listener *l);
/* Give back what an event took. */
void xs_event_free(struct xs_listener *l, struct xs_event *e);
/* Tell all who watch of a change from before to xs->tree. */
void xs_fire(struct xs *xs, const struct xs_tree *before, const char *path,
             enum xs_change what);

/*
 * xs_store.c: what a domain asks for by a path that is well-formed. view is
 * xs->tree or a transaction's. Errors are those of the wire: -ENOENT, -EACCES,
 * -EPERM, -ENOSPC, -ENOMEM, -EINVAL.
 */
struct xs_view {
    struct xs *xs;
    struct xs_tx *tx; /* NULL: none */
    uint16_t domid;
};

must_check int xs_view_find(const struct xs_view *v, const char *path,
                            const struct xs_node **out);
must_check int xs_view_write(const struct xs_view *v, const char *path,
                             const void *value, size_t n);
must_check int xs_view_mkdir(const struct xs_view *v, const char *path);
must_check int xs_view_rm(const struct xs_view *v, const char *path);
must_check int xs_view_set_perms(const struct xs_view *v, const char *path,
                                 const struct xs_perm *perms, unsigned n);

/* A new transaction, or NULL: its limit (-ENOSPC) or memory (-ENOMEM). */
struct xs_tx *xs_tx_begin(struct xs *xs, int *err);
/* Ends and frees it. 0, or -EAGAIN: what it changed is lost. */
must_check int xs_tx_commit(struct xs *xs, struct xs_tx *tx);
void xs_tx_abort(struct xs *xs, struct xs_tx *tx);

#endif
