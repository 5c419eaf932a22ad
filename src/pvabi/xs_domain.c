// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xs_domain.c: see xs_domain.h.
 *
 * The tree is a table. A node is the guest's to read; one that is marked is
 * its own, to write what it likes. Nodes of devices come from their back-ends.
 */
#include "pvabi/xs_domain.h"

#include "mmu/gwin.h"
#include "pvabi/xs_ring.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#define PATH_MAX_HERE 128

struct xs_domain {
    struct xs_domain_config cfg;
    struct xs *xs;        /* owned */
    struct xs_ring *ring; /* owned */
    int port;             /* 0: none */
    uint64_t target;
    bool denied; /* the store took something not: out of memory */
};

/* Nodes below the guest's directory with a fixed value. */
static const struct {
    const char *path, *value;
    bool own; /* the guest writes it */
} nodes[] = {
    {"control", "", false},
    {"control/shutdown", "", true},
    {"control/sysrq", "", true},
    {"control/feature-poweroff", "", true},
    {"control/feature-reboot", "", true},
    {"control/feature-suspend", "", true},
    {"control/platform-feature-multiprocessor-suspend", "1", false},
    {"control/platform-feature-xs_reset_watches", "1", false},
    {"device", "", false},
    {"device/suspend", "", false},
    {"device/suspend/event-channel", "", true},
    {"data", "", true},
    {"drivers", "", true},
    {"feature", "", true},
    {"attr", "", true},
    {"error", "", true},
};

/* ---- writing below a directory ---- */

static void note(struct xs_domain *d, int ret)
{
    d->denied |= ret < 0;
}

printf_like(4, 5) static void put(struct xs_domain *d, const char *dir,
                                  const char *node, const char *fmt, ...)
{
    char path[PATH_MAX_HERE], value[PATH_MAX_HERE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    snprintf(path, sizeof(path), "%s/%s", dir, node);
    note(d, xs_write(d->xs, path, value));
}

/* A directory of domain 0's that the guest may read. */
static void make_dir(struct xs_domain *d, const char *path)
{
    note(d, xs_mkdir(d->xs, path));
    note(d,
         xs_set_perms(d->xs, path, XEN_BACKEND_DOMID, XEN_GUEST_DOMID, XS_R));
}

static void give(struct xs_domain *d, const char *home, const char *node)
{
    char path[PATH_MAX_HERE];

    snprintf(path, sizeof(path), "%s/%s", home, node);
    note(d,
         xs_set_perms(d->xs, path, XEN_GUEST_DOMID, XEN_GUEST_DOMID, XS_NONE));
}

/* ---- the tree ---- */

static void put_vm(struct xs_domain *d, const char *home)
{
    char uuid[40], path[PATH_MAX_HERE];
    const uint8_t *u = d->cfg.uuid;

    snprintf(uuid, sizeof(uuid),
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
             "%02x%02x%02x%02x%02x%02x",
             u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10],
             u[11], u[12], u[13], u[14], u[15]);
    snprintf(path, sizeof(path), "/vm/%s", uuid);
    make_dir(d, path);
    put(d, path, "uuid", "%s", uuid);
    put(d, path, "name", "%s", d->cfg.name);
    put(d, home, "vm", "%s", path);
}

static void put_cpus(struct xs_domain *d, const char *home)
{
    char node[32];

    for (unsigned i = 0; i < d->cfg.cpus; i++) {
        snprintf(node, sizeof(node), "cpu/%u/availability", i);
        put(d, home, node, "online");
    }
}

static void put_memory(struct xs_domain *d, const char *home)
{
    put(d, home, "memory/static-max", "%llu",
        (unsigned long long)(d->cfg.memory / KIB));
    put(d, home, "memory/target", "%llu",
        (unsigned long long)(d->target / KIB));
}

static int make_tree(struct xs_domain *d)
{
    const char *home = xs_guest_path(d->xs);

    put(d, "/local/domain/0", "name", "Domain-0");
    put(d, "/local/domain/0", "domid", "0");
    /* Children are like their parents: what follows the guest may read. */
    make_dir(d, home);
    put(d, home, "name", "%s", d->cfg.name);
    put(d, home, "domid", "%u", XEN_GUEST_DOMID);
    put(d, home, "store/port", "%d", d->port);
    put(d, home, "store/ring-ref", "%llu", (unsigned long long)d->cfg.frame);
    put_vm(d, home);
    put_cpus(d, home);
    put_memory(d, home);
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        put(d, home, nodes[i].path, "%s", nodes[i].value);
        if (nodes[i].own)
            give(d, home, nodes[i].path);
    }
    if (!d->denied)
        return 0;
    log_error("xenstore: out of memory");
    return -ENOMEM;
}

/* ---- the connection ---- */

static void on_event(void *owner)
{
    const struct xs_domain *d = owner;

    xs_ring_kick(d->ring);
}

static void on_notify(void *owner)
{
    const struct xs_domain *d = owner;

    evtchn_backend_notify(d->cfg.events, (uint32_t)d->port);
}

static int make_port(struct xs_domain *d)
{
    d->port = evtchn_builder_alloc(d->cfg.events);
    if (d->port > 0)
        return 0;
    log_error("xenstore: no event channel is free");
    d->port = 0;
    return -ENOSPC;
}

static int make_store(struct xs_domain *d)
{
    d->xs = xs_create(d->cfg.loop, XEN_GUEST_DOMID, NULL);
    return d->xs ? 0 : -ENOMEM;
}

static int make_ring(struct xs_domain *d)
{
    static const struct xenstore_domain_interface empty;

    win_copy_out(&d->cfg.page, 0, &empty, sizeof(empty));
    d->ring = xs_ring_create(d->xs, d->cfg.loop, &d->cfg.page, on_notify, d);
    if (!d->ring)
        return -ENOMEM;
    return evtchn_backend_bind(d->cfg.events, (uint32_t)d->port, on_event, d);
}

struct xs_domain *xs_domain_create(const struct xs_domain_config *cfg)
{
    static int (*const steps[])(struct xs_domain * d) = {make_port, make_store,
                                                         make_tree, make_ring};
    struct xs_domain *d = calloc(1, sizeof(*d));

    if (!d) {
        log_error("xenstore: out of memory");
        return NULL;
    }
    d->cfg = *cfg;
    d->target = cfg->target ? cfg->target : cfg->memory;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (steps[i](d) < 0) {
            xs_domain_destroy(d);
            return NULL;
        }
    }
    return d;
}

void xs_domain_destroy(struct xs_domain *d)
{
    if (!d)
        return;
    if (d->ring)
        evtchn_backend_unbind(d->cfg.events, (uint32_t)d->port);
    xs_ring_destroy(d->ring);
    xs_destroy(d->xs);
    free(d);
}

struct xs *xs_domain_store(struct xs_domain *d)
{
    return d->xs;
}

uint32_t xs_domain_port(const struct xs_domain *d)
{
    return (uint32_t)d->port;
}

/* ---- what is asked of the guest ---- */

static int write_control(struct xs *xs, const char *node, const char *value)
{
    char path[PATH_MAX_HERE];

    snprintf(path, sizeof(path), "%s/control/%s", xs_guest_path(xs), node);
    return xs_write(xs, path, value);
}

static const struct {
    const char *word, *feature;
} orders[] = {
    [XS_ORDER_POWEROFF] = {"poweroff", "feature-poweroff"},
    [XS_ORDER_HALT] = {"halt", "feature-poweroff"},
    [XS_ORDER_REBOOT] = {"reboot", "feature-reboot"},
    [XS_ORDER_SUSPEND] = {"suspend", "feature-suspend"},
};

bool xs_domain_order_parse(const char *word, enum xs_order *out)
{
    for (unsigned i = 0; i < ARRAY_LEN(orders); i++)
        if (strcmp(orders[i].word, word) == 0) {
            *out = (enum xs_order)i;
            return true;
        }
    return false;
}

int xs_domain_order(struct xs *xs, enum xs_order order)
{
    char path[PATH_MAX_HERE];
    uint64_t can;

    /* Empty: it does not say. */
    snprintf(path, sizeof(path), "%s/control/%s", xs_guest_path(xs),
             orders[order].feature);
    if (xs_read_uint(xs, path, 1, &can) == 0 && !can)
        return -EOPNOTSUPP;
    return write_control(xs, "shutdown", orders[order].word);
}

bool xs_domain_listens(const struct xs *xs)
{
    char path[PATH_MAX_HERE];

    snprintf(path, sizeof(path), "%s/control/shutdown", xs_guest_path(xs));
    return xs_is_watched(xs, path);
}

int xs_domain_sysrq(struct xs *xs, char key)
{
    const char text[] = {key, '\0'};

    if (key < '!' || key > '~')
        return -EINVAL;
    return write_control(xs, "sysrq", text);
}

int xs_domain_set_memory(struct xs_domain *d, uint64_t bytes)
{
    if (bytes > d->cfg.memory)
        return -ERANGE;
    d->target = bytes;
    d->denied = false;
    put_memory(d, xs_guest_path(d->xs));
    return d->denied ? -ENOMEM : 0;
}

uint64_t xs_domain_memory(const struct xs_domain *d)
{
    return d->target;
}
