// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ctl_xs.c: the xenstore's verbs of the control socket: domain 0's hand in
 * the guest's store.
 *
 * A path that does not begin with a slash lies below the guest's directory.
 * Values are the guest's too, any bytes: they travel as text with \xNN for
 * what is not printable ASCII, and \\ for a backslash. A part of the store may
 * be larger than an answer: it is told in parts, each from behind the last path
 * of the one before.
 *
 * Thread: loop, board lock held.
 */
#include "ctl_verb_priv.h"

#include "pvabi/xenstore.h"
#include "pvabi/xs_domain.h"
#include "pvabi/xs_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an answer's nodes may take, so that one more of any size fits too. */
#define PART_MAX 32768u

/* The store, or NULL after ctl_fail. */
static struct xs *store_of(struct ctl_guest *guest, json_t *reply)
{
    struct xs *xs = guest->ops->store(guest->ops->ctx);

    if (!xs)
        ctl_fail(reply, "the guest has no xenstore: --abi=xen gives it one");
    return xs;
}

/* The path of that key as an absolute one; false after ctl_fail. */
static bool path_of(const struct xs *xs, const json_t *request, const char *key,
                    char out[XS_PATH_SIZE], json_t *reply)
{
    const char *text = json_string_value(json_object_get(request, key));
    const char *home = xs_guest_path(xs);

    if (!text || !*text)
        text = home;
    if (xs_path_resolve(out, home, text))
        return true;
    ctl_fail(reply,
             "'%.64s' is no path: parts of letters, digits, - _ and @, "
             "with one slash before each",
             text);
    return false;
}

static int fail_at(json_t *reply, const char *path, int err)
{
    if (err == -ENOENT)
        return ctl_fail(reply, "'%.128s' is not there", path);
    return ctl_fail(reply, "'%.128s': %s", path, strerror(-err));
}

/* Bytes as text; NULL: out of memory. */
static json_t *text_of(const void *bytes, size_t n)
{
    const unsigned char *from = bytes;
    char *text = malloc(4 * n + 1), *to = text;
    json_t *s;

    if (!text)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (from[i] == '\\')
            to += sprintf(to, "\\\\");
        else if (from[i] >= 0x20 && from[i] < 0x7f)
            *to++ = (char)from[i];
        else
            to += sprintf(to, "\\x%02x", from[i]);
    }
    s = json_stringn(text, (size_t)(to - text));
    free(text);
    return s;
}

/* As xenstore-ls has them: "n0,r1". */
static json_t *perms_of(const struct xs_entry *e)
{
    char text[XS_MAX_PERMS * 8 + 1];
    size_t n = 0;

    for (unsigned i = 0; i < e->n_perms; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c%u",
                              i ? "," : "", "nrwb"[e->perms[i].access & 3],
                              e -> perms[i].domid);
    return json_stringn(text, n);
}

int ctl_run_xs_read(struct ctl_guest *guest, const json_t *request,
                    json_t *reply)
{
    char path[XS_PATH_SIZE], value[XENSTORE_PAYLOAD_MAX + 1];
    const struct xs *xs = store_of(guest, reply);
    int n;

    if (!xs || !path_of(xs, request, "path", path, reply))
        return -1;
    n = xs_read(xs, path, value, sizeof(value));
    if (n < 0)
        return fail_at(reply, path, n);
    json_object_set_new(reply, "value", text_of(value, (size_t)n));
    return 0;
}

int ctl_run_xs_write(struct ctl_guest *guest, const json_t *request,
                     json_t *reply)
{
    const json_t *value = json_object_get(request, "value");
    char path[XS_PATH_SIZE];
    struct xs *xs = store_of(guest, reply);
    int ret;

    if (!xs || !path_of(xs, request, "path", path, reply))
        return -1;
    if (!json_is_string(value))
        return ctl_fail(reply, "\"value\" must be a string");
    ret = xs_write_bytes(xs, path, json_string_value(value),
                         json_string_length(value));
    if (ret == -EINVAL)
        return ctl_fail(reply, "a value is at most %d bytes",
                        XENSTORE_PAYLOAD_MAX);
    return ret < 0 ? fail_at(reply, path, ret) : 0;
}

int ctl_run_xs_rm(struct ctl_guest *guest, const json_t *request, json_t *reply)
{
    char path[XS_PATH_SIZE];
    struct xs *xs = store_of(guest, reply);
    int ret;

    if (!xs || !path_of(xs, request, "path", path, reply))
        return -1;
    ret = xs_rm(xs, path);
    if (ret == -EINVAL)
        return ctl_fail(reply, "the root stays");
    return ret < 0 ? fail_at(reply, path, ret) : 0;
}

/* What the guest's driver is asked for by control/shutdown. */
int ctl_run_xs_order(struct ctl_guest *guest, const json_t *request,
                     json_t *reply)
{
    const char *what = json_string_value(json_object_get(request, "what"));
    struct xs *xs = store_of(guest, reply);
    enum xs_order order;
    int ret;

    if (!xs)
        return -1;
    if (!what || !xs_domain_order_parse(what, &order))
        return ctl_fail(reply, "\"what\" is poweroff, halt, reboot or suspend");
    ret = xs_domain_order(xs, order);
    if (ret == -EOPNOTSUPP)
        return ctl_fail(reply, "the guest says that it does not do '%s'", what);
    return ret < 0 ? ctl_fail(reply, "'%s': %s", what, strerror(-ret)) : 0;
}

int ctl_run_xs_sysrq(struct ctl_guest *guest, const json_t *request,
                     json_t *reply)
{
    const char *key = json_string_value(json_object_get(request, "key"));
    struct xs *xs = store_of(guest, reply);

    if (!xs)
        return -1;
    if (!key || !*key || key[1] || xs_domain_sysrq(xs, *key) < 0)
        return ctl_fail(reply, "\"key\" is one letter or digit");
    return 0;
}

/* A part of the store on its way into an answer. */
struct part {
    json_t *nodes;
    const char *top;
    bool flat; /* children of top, and nothing below them */
    bool more; /* it goes on behind the last one */
    size_t bytes;
};

/* Is it a child of top's itself? */
static bool is_child(const struct part *p, const char *path)
{
    const size_t n = p->top[1] ? strlen(p->top) : 0;

    return path[n] == '/' && path[n + 1] && !strchr(path + n + 1, '/');
}

static bool add_node(void *ctx, const struct xs_entry *e)
{
    struct part *p = ctx;

    if (p->flat && !is_child(p, e->path))
        return true;
    p->more = p->bytes > PART_MAX;
    if (p->more)
        return false;
    /* The worst a byte becomes is five, in JSON. */
    p->bytes += strlen(e->path) + 128;
    if (!p->flat)
        p->bytes += 5 * e->size;
    json_array_append_new(
        p->nodes, p->flat
                      ? json_pack("{s:s}", "path", e->path)
                      : json_pack("{s:s, s:o, s:o, s:I}", "path", e->path,
                                  "value", text_of(e->value, e->size), "perms",
                                  perms_of(e), "gen", (json_int_t)e->touched));
    return true;
}

/*
 * The nodes at path and below, or with "flat" the children; those behind
 * "after", if that is given. With "since", the number of a change: nothing, if
 * there was none after that.
 */
int ctl_run_xs_walk(struct ctl_guest *guest, const json_t *request,
                    json_t *reply)
{
    const json_t *since = json_object_get(request, "since");
    const bool goes_on = json_object_get(request, "after");
    char path[XS_PATH_SIZE], after[XS_PATH_SIZE];
    const struct xs *xs = store_of(guest, reply);
    struct part p = {.top = path};
    int ret;

    if (!xs || !path_of(xs, request, "path", path, reply) ||
        !path_of(xs, request, "after", after, reply))
        return -1;
    json_object_set_new(reply, "gen", json_integer((json_int_t)xs_changed(xs)));
    if (json_is_integer(since) &&
        (uint64_t)json_integer_value(since) == xs_changed(xs))
        return 0;
    p.flat = json_is_true(json_object_get(request, "flat"));
    p.nodes = json_array();
    ret = xs_walk(xs, path, goes_on ? after : NULL, add_node, &p);
    json_object_set_new(reply, "nodes", p.nodes);
    json_object_set_new(reply, "more", json_boolean(p.more));
    return ret < 0 ? fail_at(reply, path, ret) : 0;
}
