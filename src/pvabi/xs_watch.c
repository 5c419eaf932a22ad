// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xs_watch.c: who is told of a change; see xenstore.h, xs_priv.h.
 *
 * A change is matched against all watches there are (a guest has 128 at most,
 * a device's back-end a few), and for each match an event is queued. The
 * queue of a listener is bounded: a guest that never reads its ring, or writes
 * faster than it reads, makes us keep XS_MAX_EVENTS and one bit a watch.
 */
#include "pvabi/xs_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t watch_cost(const struct xs_watch *w)
{
    return sizeof(*w) + strlen(w->path) + 1 +
           (w->token ? strlen(w->token) + 1 : 0);
}

static size_t event_cost(const struct xs_event *e)
{
    return sizeof(*e) + strlen(e->path) + 1;
}

void xs_listener_add(struct xs *xs, struct xs_listener *l)
{
    l->next = xs->listeners;
    xs->listeners = l;
}

void xs_listener_clear(struct xs_listener *l)
{
    while (l->watches)
        xs_unwatch(l->watches);
}

void xs_listener_remove(struct xs *xs, struct xs_listener *l)
{
    struct xs_listener **at = &xs->listeners;

    xs_listener_clear(l);
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
}

void xs_event_free(struct xs_listener *l, struct xs_event *e)
{
    xs_meter_give(l->meter, event_cost(e));
    free(e);
}

static void set_again(struct xs_watch *w, bool again)
{
    w->listener->n_again += (unsigned)again - (unsigned)w->again;
    w->again = again;
}

/* A path as this watch is told it: relative, if that is how it was set. */
static const char *as_told(const struct xs_watch *w, const char *path)
{
    return path + w->relative;
}

static struct xs_event *event_new(struct xs_watch *w, const char *path)
{
    const size_t n = strlen(path) + 1;
    struct xs_event *e = malloc(sizeof(*e) + n);

    if (!e)
        return NULL;
    e->next = NULL;
    e->watch = w;
    memcpy(e->path, path, n);
    return e;
}

/* The same, paid for now; xs_event_free gives it back. */
static struct xs_event *event_paid(struct xs_watch *w, const char *path)
{
    struct xs_event *e = event_new(w, path);

    if (e && !xs_meter_take(w->listener->meter, event_cost(e))) {
        free(e);
        return NULL;
    }
    return e;
}

/*
 * Queue an event, unless the same one waits already. What there is no room
 * for becomes an event of the watch's own path, which needs none.
 */
static void queue(struct xs_watch *w, const char *path)
{
    struct xs_listener *l = w->listener;
    struct xs_event **at = &l->first, *e = NULL;

    path = as_told(w, path);
    for (; *at; at = &(*at)->next)
        if ((*at)->watch == w && strcmp((*at)->path, path) == 0)
            return;
    if (l->n_events < XS_MAX_EVENTS)
        e = event_paid(w, path);
    if (e) {
        *at = e;
        l->n_events++;
    } else {
        set_again(w, true);
    }
    l->wake(l);
}

/*
 * The next watch whose own path is to be told; there is one. The event exists
 * only while it is told: the meter, which may be full, lets it pass.
 */
static struct xs_event *next_again(struct xs_listener *l)
{
    struct xs_watch *w = l->watches;
    struct xs_event *e;

    while (!w->again)
        w = w->next;
    e = event_new(w, as_told(w, w->path));
    if (!e)
        return NULL;
    if (l->meter)
        l->meter->used += event_cost(e);
    set_again(w, false);
    return e;
}

struct xs_event *xs_listener_next(struct xs_listener *l)
{
    struct xs_event *e = l->first;

    if (!e)
        return l->n_again ? next_again(l) : NULL;
    l->first = e->next;
    l->n_events--;
    return e;
}

/* May the listener know of this node, as it is or else as it was? */
static bool may_know(const struct xs *xs, const struct xs_listener *l,
                     const struct xs_tree *before, const char *path)
{
    const struct xs_node *n;

    if (l->domid == 0)
        return true;
    n = xs_tree_find(&xs->tree, path);
    if (!n && before)
        n = xs_tree_find(before, path);
    return n && xs_node_allows(n, l->domid, XS_R);
}

/* What a watch is told of this change, or NULL. */
static const char *match(const struct xs_watch *w, const struct xs_tree *before,
                         const char *path, enum xs_change what)
{
    if (xs_path_is_in(path, w->path))
        return path;
    if (what == XS_REMOVED && xs_path_is_in(w->path, path) &&
        xs_tree_find(before, w->path))
        return w->path;
    return NULL;
}

void xs_fire(struct xs *xs, const struct xs_tree *before, const char *path,
             enum xs_change what)
{
    for (struct xs_listener *l = xs->listeners; l; l = l->next)
        for (struct xs_watch *w = l->watches; w; w = w->next) {
            const char *told = match(w, before, path, what);

            if (told && may_know(xs, l, before, told))
                queue(w, told);
        }
}

int xs_listener_watch(struct xs *xs, struct xs_listener *l, struct xs_watch *w,
                      const char *path)
{
    struct xs_watch **at = &l->watches;

    BUG_ON(w->xs);
    w->path = strdup(path);
    if (!w->path || !xs_meter_take(l->meter, watch_cost(w))) {
        free(w->path);
        w->path = NULL;
        return -ENOMEM;
    }
    w->xs = xs;
    w->listener = l;
    w->again = false;
    w->next = NULL;
    while (*at)
        at = &(*at)->next;
    *at = w;
    l->n_watches++;
    queue(w, path);
    return 0;
}

static void forget_events(struct xs_listener *l, const struct xs_watch *w)
{
    struct xs_event **at = &l->first;

    while (*at) {
        struct xs_event *e = *at;

        if (e->watch != w) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        l->n_events--;
        xs_event_free(l, e);
    }
}

void xs_unwatch(struct xs_watch *w)
{
    struct xs_listener *l = w->listener;
    struct xs_watch **at;

    if (!w->xs)
        return;
    for (at = &l->watches; *at != w;)
        at = &(*at)->next;
    *at = w->next;
    l->n_watches--;
    forget_events(l, w);
    set_again(w, false);
    xs_meter_give(l->meter, watch_cost(w));
    free(w->path);
    w->path = NULL;
    w->xs = NULL;
}
