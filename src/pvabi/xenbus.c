// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xenbus.c: the state machine of a back-end; see xenbus.h; xenbus_link.c
 * takes the rings and ports of a connection.
 *
 * The front-end's directory is watched. Whatever happened there, its state is
 * read and answered: nothing is kept of states it went through unseen. So a
 * front-end that changes quicker than we look is answered for where it is.
 *
 * The node "online" of the back-end's is watched too: 0 is the operator's wish
 * to take the device out, as a tool stack's. The front-end is told by Closing,
 * and served until it closes; then both directories go.
 *
 * Source: xen/io/xenbus.h, the state diagrams in xen/io/blkif.h.
 * Thread: loop, board lock held.
 */
#include "pvabi/xenbus.h"

#include "pvabi/xen_abi.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES 256u /* a value or a reason of ours */

_Static_assert(XenbusStateClosed == 6, "xen/io/xenbus.h");

/* ---- nodes ---- */

/* The path of a node below dir; false: it does not fit, so there is none. */
static bool make_path(char path[XENBUS_PATH], const char *dir, const char *node)
{
    const int n = snprintf(path, XENBUS_PATH, "%s/%s", dir, node);

    return n > 0 && (size_t)n < XENBUS_PATH;
}

static void put(struct xenbus *x, const char *dir, const char *node,
                const char *value)
{
    char path[XENBUS_PATH];

    BUG_ON(!make_path(path, dir, node));
    if (!x->gone && xs_write(x->host.xs, path, value) < 0)
        x->denied = true;
}

void xenbus_put(struct xenbus *x, const char *node, const char *fmt, ...)
{
    char value[TEXT_BYTES];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    put(x, x->back, node, value);
}

void xenbus_put_front(struct xenbus *x, const char *node, const char *fmt, ...)
{
    char value[TEXT_BYTES];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    put(x, x->front, node, value);
}

int xenbus_get(struct xenbus *x, const char *node, uint64_t max,
               uint64_t absent, uint64_t *out)
{
    char path[XENBUS_PATH];
    int ret;

    BUG_ON(!make_path(path, x->front, node));
    *out = absent;
    ret = xs_read_uint(x->host.xs, path, max, out);
    if (ret == 0 || ret == -ENOENT)
        return 0;
    xenbus_refuse(x, "%s is no number up to %llu", node,
                  (unsigned long long)max);
    return -EINVAL;
}

bool xenbus_has(const struct xenbus *x, const char *node)
{
    char path[XENBUS_PATH];
    uint64_t v = 0;

    return make_path(path, x->front, node) &&
           xs_read_uint(x->host.xs, path, 1, &v) == 0 && v == 1;
}

const char *xenbus_get_text(const struct xenbus *x, const char *node, char *buf,
                            size_t size)
{
    char path[XENBUS_PATH];

    BUG_ON(!make_path(path, x->front, node));
    return xs_read(x->host.xs, path, buf, size) < 0 ? NULL : buf;
}

/* ---- states ---- */

static void set_state(struct xenbus *x, enum xenbus_state state)
{
    x->state = state;
    xenbus_put(x, "state", "%d", state);
}

void xenbus_announce(struct xenbus *x)
{
    set_state(x, x->state);
}

static void disconnect(struct xenbus *x)
{
    loop_drain(x->host.loop, &x->fail);
    if (x->live)
        x->ops->disconnect(x->dev);
    x->live = false;
}

static void report(struct xenbus *x, const char *why)
{
    char path[XENBUS_PATH + 32];

    log_guest(&x->limit, "%s %u: %s: closed until its driver connects anew",
              x->ops->type, x->id, why);
    snprintf(path, sizeof(path), "/local/domain/%u/error/%s/error",
             XEN_BACKEND_DOMID, x->back + strlen("/local/domain/0/"));
    if (xs_write(x->host.xs, path, why) < 0)
        x->denied = true;
}

int xenbus_refuse(struct xenbus *x, const char *fmt, ...)
{
    char why[TEXT_BYTES];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    report(x, why);
    return -EPROTO;
}

static void on_fail(struct loop_op *op, int res)
{
    struct xenbus *x = op->owner;

    (void)res;
    report(x, x->why);
    disconnect(x);
    set_state(x, XenbusStateClosing);
}

void xenbus_broken(struct xenbus *x, const char *why)
{
    if (!x->live || x->fail.kind != LOOP_IDLE)
        return;
    x->why = why;
    loop_post(x->host.loop, &x->fail);
}

static void connect(struct xenbus *x)
{
    x->live = true;
    if (x->ops->connect(x->dev) < 0) {
        disconnect(x);
        set_state(x, XenbusStateClosing);
        return;
    }
    set_state(x, XenbusStateConnected);
    x->ops->connected(x->dev);
}

/* Offer the device, to a front-end that begins, or begins again. */
static void offer(struct xenbus *x)
{
    disconnect(x);
    set_state(x, XenbusStateInitWait);
}

static void remove_nodes(struct xenbus *x)
{
    xs_unwatch(&x->watch);
    xs_unwatch(&x->online);
    (void)xs_rm(x->host.xs, x->back);
    (void)xs_rm(x->host.xs, x->front);
}

static void leave(struct xenbus *x, enum xenbus_state state)
{
    disconnect(x);
    if (x->state != state)
        set_state(x, state);
    if (!x->leaving || state != XenbusStateClosed)
        return;
    remove_nodes(x);
    x->gone = true;
    log_info("%s %u: taken out of the guest", x->ops->type, x->id);
}

static void answer(struct xenbus *x, enum xenbus_state front)
{
    switch (front) {
    case XenbusStateInitialising:
        if (x->leaving)
            leave(x, XenbusStateClosing);
        else if (x->state != XenbusStateInitWait)
            offer(x);
        break;
    case XenbusStateInitialised:
    case XenbusStateConnected:
        /* From Closed too: a front-end that does not say that it begins. */
        if (x->state == XenbusStateInitWait || x->state == XenbusStateClosed)
            connect(x);
        break;
    case XenbusStateClosing:
        if (x->state != XenbusStateClosed)
            leave(x, XenbusStateClosing);
        break;
    case XenbusStateClosed:
    case XenbusStateUnknown: /* it took its directory away */
        leave(x, XenbusStateClosed);
        break;
    case XenbusStateInitWait:
    case XenbusStateReconfiguring:
    case XenbusStateReconfigured:
        break;
    }
}

/* What is no state counts as if it were not there. */
static enum xenbus_state front_state(const struct xenbus *x)
{
    char path[XENBUS_PATH];
    uint64_t v = XenbusStateUnknown;

    BUG_ON(!make_path(path, x->front, "state"));
    if (xs_read_uint(x->host.xs, path, XenbusStateReconfigured, &v) < 0)
        return XenbusStateUnknown;
    return (enum xenbus_state)v;
}

static void on_change(void *owner, const char *path)
{
    struct xenbus *x = owner;

    (void)path;
    answer(x, front_state(x));
    if (x->state == XenbusStateConnected && x->ops->changed)
        x->ops->changed(x->dev);
}

/* A driver that is connected closes first; nobody else is asked. */
static void on_online(void *owner, const char *path)
{
    struct xenbus *x = owner;
    char node[XENBUS_PATH];
    uint64_t v = 0;

    (void)path;
    BUG_ON(!make_path(node, x->back, "online"));
    x->leaving = xs_read_uint(x->host.xs, node, 1, &v) < 0 || !v;
    if (!x->leaving)
        return;
    if (!x->live)
        leave(x, XenbusStateClosed);
    else if (x->state == XenbusStateConnected)
        set_state(x, XenbusStateClosing);
}

static int watch_online(struct xenbus *x)
{
    char path[XENBUS_PATH];

    BUG_ON(!make_path(path, x->back, "online"));
    return xs_watch(x->host.xs, &x->online, path);
}

/* ---- making and taking apart ---- */

/* Both directories, as a toolstack makes them. */
static void make_nodes(struct xenbus *x)
{
    struct xs *xs = x->host.xs;

    if (xs_mkdir(xs, x->front) < 0 || xs_mkdir(xs, x->back) < 0 ||
        xs_set_perms(xs, x->front, XEN_GUEST_DOMID, XEN_BACKEND_DOMID, XS_R) <
            0 ||
        xs_set_perms(xs, x->back, XEN_BACKEND_DOMID, XEN_GUEST_DOMID, XS_R) < 0)
        x->denied = true;
    xenbus_put(x, "frontend", "%s", x->front);
    xenbus_put(x, "frontend-id", "%u", XEN_GUEST_DOMID);
    xenbus_put(x, "online", "1");
    xenbus_put_front(x, "backend", "%s", x->back);
    xenbus_put_front(x, "backend-id", "%u", XEN_BACKEND_DOMID);
    x->ops->describe(x->dev);
    set_state(x, XenbusStateInitWait);
    xenbus_put_front(x, "state", "%d", XenbusStateInitialising);
}

int xenbus_init(struct xenbus *x, const struct xenbus_host *host,
                const struct xenbus_ops *ops, void *dev, unsigned id)
{
    *x = (struct xenbus){.ops = ops, .dev = dev, .host = *host, .id = id};
    x->fail = (struct loop_op){.fn = on_fail, .owner = x};
    x->watch = (struct xs_watch){.fn = on_change, .owner = x};
    x->online = (struct xs_watch){.fn = on_online, .owner = x};
    snprintf(x->front, sizeof(x->front), "/local/domain/%u/device/%s/%u",
             XEN_GUEST_DOMID, ops->type, id);
    snprintf(x->back, sizeof(x->back), "/local/domain/%u/backend/%s/%u/%u",
             XEN_BACKEND_DOMID, ops->type, XEN_GUEST_DOMID, id);
    make_nodes(x);
    if (x->denied || xs_watch(host->xs, &x->watch, x->front) < 0 ||
        watch_online(x) < 0) {
        log_error("%s %u: out of memory", ops->type, id);
        xenbus_fini(x);
        return -ENOMEM;
    }
    return 0;
}

void xenbus_fini(struct xenbus *x)
{
    disconnect(x);
    remove_nodes(x);
}
