// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xenstore.c: the store and domain 0's side of it; see xenstore.h.
 *
 * Domain 0 is the process: its calls are views of the store itself by a domain
 * that may do anything (xs_store.c). A path of ours that is none is a bug of
 * the caller's or a name the operator chose: -EINVAL.
 */
#include "pvabi/xs_priv.h"

#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1024

/* Xen's defaults, tools/xenstored. */
const struct xs_limits xs_default_limits = {
    .nodes = 1000,
    .watches = 128,
    .transactions = 10,
    .changes = 1024,
    .node_bytes = 2048,
    .total_bytes = 2560 * KIB,
};

/* What domain 0 is told in a turn of the loop, at most. */
#define TURN_EVENTS 256u

static struct xs_view host_view(struct xs *xs)
{
    return (struct xs_view){.xs = xs};
}

static void host_wake(struct xs_listener *l)
{
    struct xs *xs = (struct xs *)((char *)l - offsetof(struct xs, host));

    loop_post(xs->loop, &xs->tell);
}

/* fn may unwatch any watch: the event in hand is ours and says all. */
static void host_tell(struct loop_op *op, int res)
{
    struct xs *xs = op->owner;
    struct xs_event *e;

    (void)res;
    for (unsigned i = 0; i < TURN_EVENTS; i++) {
        e = xs_listener_next(&xs->host);
        if (!e)
            return;
        e->watch->fn(e->watch->owner, e->path);
        xs_event_free(&xs->host, e);
    }
    loop_post(xs->loop, &xs->tell);
}

struct xs *xs_create(struct loop *loop, uint16_t domid,
                     const struct xs_limits *limits)
{
    struct xs *xs = calloc(1, sizeof(*xs));

    BUG_ON(domid == 0);
    if (!xs || xs_tree_create(&xs->tree, domid) < 0) {
        log_error("xenstore: out of memory");
        free(xs);
        return NULL;
    }
    xs->loop = loop;
    xs->limits = limits ? limits : &xs_default_limits;
    xs->domid = domid;
    xs->meter.max = xs->limits->total_bytes;
    snprintf(xs->home, sizeof(xs->home), "/local/domain/%u", domid);
    xs->host.wake = host_wake;
    xs->tell = (struct loop_op){.fn = host_tell, .owner = xs};
    xs_listener_add(xs, &xs->host);
    return xs;
}

void xs_destroy(struct xs *xs)
{
    if (!xs)
        return;
    xs_listener_remove(xs, &xs->host);
    BUG_ON(xs->listeners || xs->n_tx);
    loop_drain(xs->loop, &xs->tell);
    xs_tree_drop(&xs->tree);
    BUG_ON(xs->meter.used);
    free(xs);
}

const char *xs_guest_path(const struct xs *xs)
{
    return xs->home;
}

static const struct xs_node *node_at(const struct xs *xs, const char *path)
{
    return xs_path_ok(path) ? xs_tree_find(&xs->tree, path) : NULL;
}

int xs_read(const struct xs *xs, const char *path, char *buf, size_t size)
{
    const struct xs_node *n = node_at(xs, path);

    if (!n)
        return -ENOENT;
    if (n->size >= size)
        return -EMSGSIZE;
    if (n->size)
        memcpy(buf, n->value, n->size);
    buf[n->size] = '\0';
    return (int)n->size;
}

int xs_read_uint(const struct xs *xs, const char *path, uint64_t max,
                 uint64_t *out)
{
    const struct xs_node *n = node_at(xs, path);
    uint64_t sum = 0;

    if (!n)
        return -ENOENT;
    if (n->size == 0)
        return -EINVAL;
    for (uint32_t i = 0; i < n->size; i++) {
        const unsigned digit = n->value[i] - (unsigned)'0';

        if (digit > 9 || !checked_mul(sum, 10, &sum) ||
            !checked_add(sum, digit, &sum) || sum > max)
            return -EINVAL;
    }
    *out = sum;
    return 0;
}

bool xs_exists(const struct xs *xs, const char *path)
{
    return node_at(xs, path);
}

int xs_write_bytes(struct xs *xs, const char *path, const void *value, size_t n)
{
    const struct xs_view v = host_view(xs);

    if (!xs_path_ok(path) || n > XENSTORE_PAYLOAD_MAX)
        return -EINVAL;
    return xs_view_write(&v, path, value, n);
}

int xs_write(struct xs *xs, const char *path, const char *value)
{
    return xs_write_bytes(xs, path, value, strlen(value));
}

int xs_printf(struct xs *xs, const char *path, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(text))
        return -EMSGSIZE;
    return xs_write_bytes(xs, path, text, (size_t)n);
}

int xs_mkdir(struct xs *xs, const char *path)
{
    const struct xs_view v = host_view(xs);

    return xs_path_ok(path) ? xs_view_mkdir(&v, path) : -EINVAL;
}

int xs_rm(struct xs *xs, const char *path)
{
    const struct xs_view v = host_view(xs);

    if (!xs_path_ok(path))
        return -EINVAL;
    return node_at(xs, path) ? xs_view_rm(&v, path) : -ENOENT;
}

int xs_set_perms(struct xs *xs, const char *path, uint16_t owner, uint16_t who,
                 enum xs_access access)
{
    const struct xs_perm perms[] = {{owner, XS_NONE}, {who, (uint8_t)access}};
    const struct xs_view v = host_view(xs);

    if (!xs_path_ok(path))
        return -EINVAL;
    return xs_view_set_perms(&v, path, perms, who == owner ? 1 : 2);
}

int xs_watch(struct xs *xs, struct xs_watch *w, const char *path)
{
    if (!xs_path_ok(path))
        return -EINVAL;
    w->relative = 0;
    w->token = NULL;
    return xs_listener_watch(xs, &xs->host, w, path);
}

bool xs_is_watched(const struct xs *xs, const char *path)
{
    for (const struct xs_listener *l = xs->listeners; l; l = l->next)
        for (const struct xs_watch *w = l->watches; w; w = w->next)
            if (l->domid && strcmp(w->path, path) == 0)
                return true;
    return false;
}

void xs_usage(const struct xs *xs, struct xs_usage *out)
{
    *out = (struct xs_usage){
        .nodes = xs->tree.owned,
        .transactions = xs->n_tx,
        .bytes = xs->meter.used,
    };
    for (const struct xs_listener *l = xs->listeners; l; l = l->next)
        out->watches += l->domid ? l->n_watches : 0;
}
