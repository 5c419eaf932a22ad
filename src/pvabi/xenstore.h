/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenstore.h: the XenStore of one guest, in process.
 *
 * A tree of named values that the guest and its devices' back-ends configure
 * themselves by. The guest is one domain and has its ring (xs_ring.h); all
 * else is domain 0, in the process, by the functions below: it may do
 * anything, counts against no quota, and has no transactions, because nothing
 * comes between two of its calls.
 *
 * Paths are absolute and well-formed ("/local/domain/1/name"); values are
 * bytes, by custom text without a NUL. A value a guest can write is the
 * guest's: check it (xs_read_uint does).
 *
 * Thread: any, board lock held; a watch's fn on the loop thread, lock held.
 */
#ifndef PVABI_XENSTORE_H
#define PVABI_XENSTORE_H

#include "vmm/loop.h"
#include "vmm/types.h"

/* What a domain may do with a node. */
enum xs_access {
    XS_NONE = 0,
    XS_R = 1,
    XS_W = 2,
    XS_RW = 3,
};

struct xs_perm {
    uint16_t domid;
    uint8_t access; /* enum xs_access */
};

/*
 * The first entry names the owner, who may do anything, and what domains that
 * no other entry names may do.
 */
#define XS_MAX_PERMS 5u

/* A guest's limits, as those of Xen's xenstored. */
struct xs_limits {
    unsigned nodes;
    unsigned watches;
    unsigned transactions;
    unsigned changes;   /* in one transaction */
    size_t node_bytes;  /* of one node: value, names of children */
    size_t total_bytes; /* of all that is kept for the guest */
};

extern const struct xs_limits xs_default_limits;

struct xs;

/*
 * An empty store for the guest domid, whose limits (borrowed) are NULL for
 * the default. The loop is borrowed. NULL after logging.
 */
struct xs *xs_create(struct loop *loop, uint16_t domid,
                     const struct xs_limits *limits);
/* After the ring and all who watch. */
void xs_destroy(struct xs *xs);

/* "/local/domain/N" of the guest. */
const char *xs_guest_path(const struct xs *xs);

/*
 * The value, with a NUL behind it that does not count. Returns its length,
 * -ENOENT, or -EMSGSIZE if it does not fit into size bytes with the NUL.
 */
must_check int xs_read(const struct xs *xs, const char *path, char *buf,
                       size_t size);

/*
 * A value that is a decimal number of at most max, with nothing around it. 0,
 * -ENOENT, or -EINVAL for anything else, which leaves *out alone.
 */
must_check int xs_read_uint(const struct xs *xs, const char *path, uint64_t max,
                            uint64_t *out);

bool xs_exists(const struct xs *xs, const char *path);

/*
 * Store a value; parents that are missing are made, with the permissions of
 * theirs. 0 or -ENOMEM; -EINVAL for a path that is none.
 */
int xs_write(struct xs *xs, const char *path, const char *value);
int xs_write_bytes(struct xs *xs, const char *path, const void *value,
                   size_t n);
/* At most 1023 bytes of text, else -EMSGSIZE. */
int xs_printf(struct xs *xs, const char *path, const char *fmt, ...)
    printf_like(3, 4);

/* Make sure that there is a node. 0, -ENOMEM or -EINVAL. */
int xs_mkdir(struct xs *xs, const char *path);

/* Remove a node and all below it. 0, -ENOENT if there is none, -EINVAL. */
int xs_rm(struct xs *xs, const char *path);

/*
 * owner may do anything; all others but who (if it is not owner) nothing.
 * 0, -ENOENT, -ENOMEM or -EINVAL.
 */
int xs_set_perms(struct xs *xs, const char *path, uint16_t owner, uint16_t who,
                 enum xs_access access);

/* A node as xs_walk tells it. */
struct xs_entry {
    const char *path;
    const void *value; /* size bytes, and no NUL behind them */
    size_t size;
    const struct xs_perm *perms;
    unsigned n_perms;
    uint64_t touched; /* number of the change that last wrote it */
};

/*
 * Tell fn of the node at top and of all below it, parents first, children in
 * order; with `after` only of those that come behind that path. fn must not
 * change the store; it returns false to end. 0 or -ENOENT.
 */
int xs_walk(const struct xs *xs, const char *top, const char *after,
            bool (*fn)(void *ctx, const struct xs_entry *e), void *ctx);

/* The number of the last change; larger than any before. */
uint64_t xs_changed(const struct xs *xs);

/*
 * A watch of domain 0's, embedded in what watches. fn is called for the node
 * at path and for all below it with the path that was written, removed or
 * given other permissions; and once for the path itself when the watch is set.
 * What happens again before fn ran may be told once; if very much does, fn is
 * called for the watch's own path alone. It is called from the loop, never
 * from inside a write, and may do anything, also unwatch.
 */
struct xs_watch {
    void (*fn)(void *owner, const char *path);
    void *owner; /* borrowed */
    /* Below: the store's. */
    struct xs *xs;     /* NULL: not set */
    char *path;        /* owned */
    bool again;        /* its path is to be told, whatever is queued */
    size_t relative;   /* bytes of path that are not told; 0: it all is */
    const char *token; /* of a guest's watch, else NULL */
    struct xs_listener *listener;
    struct xs_watch *next;
};

/*
 * Set w, whose fn and owner are filled in and which is not set, on path
 * (copied). 0, -ENOMEM or -EINVAL.
 */
must_check int xs_watch(struct xs *xs, struct xs_watch *w, const char *path);

/* What was not told yet is dropped. No-op for a watch that is not set. */
void xs_unwatch(struct xs_watch *w);

/* Does the guest watch that very path? */
bool xs_is_watched(const struct xs *xs, const char *path);

/* For the operator: what the guest has of its quota. */
struct xs_usage {
    unsigned nodes;
    unsigned watches;
    unsigned transactions;
    size_t bytes;
};

void xs_usage(const struct xs *xs, struct xs_usage *out);

#endif
