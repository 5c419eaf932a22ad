// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xs_wire.c: the verbs of the wire; see xs_wire.h.
 *
 * A verb is a row of one table. Its arguments are strings, each with its NUL,
 * in a payload of ours that was copied once; a value may hold any bytes. A
 * handler appends to the reply and returns 0, or returns an error that becomes
 * the reply, by name. What answers nothing answers "OK".
 *
 * Domain 0 has no connection: what only it may ask is refused, as Xen does.
 */
#include "pvabi/xs_wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGS 8u /* a path and one permission too many, and some more */

/* A guest's watch; its strings behind it. */
struct guest_watch {
    struct xs_watch w;
    char token[];
};

/* A request under way. */
struct call {
    struct xs_conn *c;
    struct xs_view view;
    char *data; /* of the request, with a NUL behind its len bytes */
    size_t len;
    struct xs_msg *reply;
};

struct verb {
    int (*run)(struct call *call);
    bool in_tx; /* the transaction of the request counts */
};

/* Append to the reply. */
static int put(struct call *call, const void *data, size_t n)
{
    struct xsd_sockmsg *head = &call->reply->head;

    if (n > XENSTORE_PAYLOAD_MAX - head->len)
        return -E2BIG;
    if (n) /* an empty value is no pointer */
        memcpy(call->reply->data + head->len, data, n);
    head->len += (uint32_t)n;
    return 0;
}

/* With its NUL. */
static int put_string(struct call *call, const char *s)
{
    return put(call, s, strlen(s) + 1);
}

/*
 * The strings the payload is made of, up to MAX_ARGS. Their number, or
 * -EINVAL if there are more or the last has no NUL.
 */
static int split(const struct call *call, char *args[MAX_ARGS])
{
    size_t at = 0;
    int n = 0;

    if (!call->len || call->data[call->len - 1])
        return -EINVAL;
    for (; at < call->len; at += strlen(call->data + at) + 1) {
        if (n == MAX_ARGS)
            return -EINVAL;
        args[n++] = call->data + at;
    }
    return n;
}

/* The one string there is. */
static const char *only_arg(const struct call *call)
{
    char *args[MAX_ARGS];

    return split(call, args) == 1 ? args[0] : NULL;
}

static int resolve(const struct call *call, char out[XS_PATH_SIZE],
                   const char *path)
{
    return path && xs_path_resolve(out, call->view.xs->home, path) ? 0
                                                                   : -EINVAL;
}

/* The node the one argument names. */
static int node_of(const struct call *call, const char *arg,
                   const struct xs_node **out)
{
    char path[XS_PATH_SIZE];
    const int ret = resolve(call, path, arg);

    return ret < 0 ? ret : xs_view_find(&call->view, path, out);
}

static int parse_domid(const char *text, uint16_t *out)
{
    unsigned long v;
    char *end;

    if (!text || *text < '0' || *text > '9')
        return -EINVAL;
    v = strtoul(text, &end, 10);
    if (*end || v > UINT16_MAX)
        return -EINVAL;
    *out = (uint16_t)v;
    return 0;
}

static int run_directory(struct call *call)
{
    const struct xs_node *n;
    int ret = node_of(call, only_arg(call), &n);

    for (unsigned i = 0; ret == 0 && i < n->n_kids; i++)
        ret = put_string(call, n->kids[i]->name);
    return ret;
}

/*
 * Names from byte off of the list on, as many as fit with an empty one behind
 * the last of all.
 */
static int put_names(struct call *call, const struct xs_node *n, uint64_t off)
{
    const size_t room = XENSTORE_PAYLOAD_MAX - call->reply->head.len;
    size_t at = 0, used = 0;

    for (unsigned i = 0; i < n->n_kids; i++) {
        const char *name = n->kids[i]->name;
        const size_t size = strlen(name) + 1;
        const size_t skip = off <= at ? 0 : off - at;
        const bool last = i + 1 == n->n_kids;

        at += size;
        if (skip >= size)
            continue;
        if (used + size - skip + last > room)
            return 0;
        used += size - skip;
        (void)put(call, name + skip, size - skip);
    }
    return put_string(call, "");
}

static int run_directory_part(struct call *call)
{
    const struct xs_node *n;
    char *args[MAX_ARGS], *end, gen[24];
    uint64_t off;
    int ret;

    if (split(call, args) != 2 || *args[1] < '0' || *args[1] > '9')
        return -EINVAL;
    off = strtoull(args[1], &end, 10);
    if (*end)
        return -EINVAL;
    ret = node_of(call, args[0], &n);
    if (ret < 0)
        return ret;
    snprintf(gen, sizeof(gen), "%" PRIu64, n->gen);
    ret = put_string(call, gen);
    return ret < 0 ? ret : put_names(call, n, off);
}

static int run_read(struct call *call)
{
    const struct xs_node *n;
    const int ret = node_of(call, only_arg(call), &n);

    return ret < 0 ? ret : put(call, n->value, n->size);
}

static int run_write(struct call *call)
{
    const char *nul = memchr(call->data, '\0', call->len);
    char path[XS_PATH_SIZE];
    size_t value;
    int ret;

    if (!nul)
        return -EINVAL;
    ret = resolve(call, path, call->data);
    value = (size_t)(nul + 1 - call->data);
    return ret < 0 ? ret
                   : xs_view_write(&call->view, path, call->data + value,
                                   call->len - value);
}

static int run_mkdir(struct call *call)
{
    char path[XS_PATH_SIZE];
    const int ret = resolve(call, path, only_arg(call));

    return ret < 0 ? ret : xs_view_mkdir(&call->view, path);
}

static int run_rm(struct call *call)
{
    char path[XS_PATH_SIZE];
    const int ret = resolve(call, path, only_arg(call));

    return ret < 0 ? ret : xs_view_rm(&call->view, path);
}

static const char letters[] = "nrwb"; /* by enum xs_access */

static int run_get_perms(struct call *call)
{
    const struct xs_node *n;
    int ret = node_of(call, only_arg(call), &n);

    for (unsigned i = 0; ret == 0 && i < n->n_perms; i++) {
        char text[8];

        snprintf(text, sizeof(text), "%c%u", letters[n->perms[i].access],
                 n->perms[i].domid);
        ret = put_string(call, text);
    }
    return ret;
}

static int parse_perm(const char *text, struct xs_perm *out)
{
    const char *letter = *text ? strchr(letters, *text) : NULL;

    if (!letter)
        return -EINVAL;
    out->access = (uint8_t)(letter - letters);
    return parse_domid(text + 1, &out->domid);
}

static int run_set_perms(struct call *call)
{
    char *args[MAX_ARGS], path[XS_PATH_SIZE];
    struct xs_perm perms[XS_MAX_PERMS];
    const int n = split(call, args) - 1;
    int ret;

    if (n < 1)
        return -EINVAL;
    if ((unsigned)n > XS_MAX_PERMS)
        return -ENOSPC;
    ret = resolve(call, path, args[0]);
    for (int i = 0; ret == 0 && i < n; i++)
        ret = parse_perm(args[i + 1], &perms[i]);
    return ret < 0 ? ret
                   : xs_view_set_perms(&call->view, path, perms, (unsigned)n);
}

static struct xs_watch *watch_find(const struct xs_conn *c, const char *path,
                                   const char *token)
{
    struct xs_watch *w = c->listener.watches;

    while (w && (strcmp(w->path, path) != 0 || strcmp(w->token, token) != 0))
        w = w->next;
    return w;
}

/*
 * The path and token of a watch. Special paths (@releaseDomain) tell of other
 * domains, and are domain 0's.
 */
static int watch_args(struct call *call, char *args[MAX_ARGS],
                      char path[XS_PATH_SIZE])
{
    const int n = split(call, args);

    if (n < 2 || n > 3)
        return -EINVAL;
    if (args[0][0] == '@')
        return -EACCES;
    return resolve(call, path, args[0]);
}

static int run_watch(struct call *call)
{
    struct xs_conn *c = call->c;
    char *args[MAX_ARGS], path[XS_PATH_SIZE];
    struct guest_watch *g;
    int ret = watch_args(call, args, path);

    if (ret < 0)
        return ret;
    if (watch_find(c, path, args[1]))
        return -EEXIST;
    if (c->listener.n_watches >= c->xs->limits->watches)
        return -E2BIG;
    g = calloc(1, sizeof(*g) + strlen(args[1]) + 1);
    if (!g)
        return -ENOMEM;
    memcpy(g->token, args[1], strlen(args[1]) + 1);
    g->w.token = g->token;
    g->w.relative = args[0][0] == '/' ? 0 : strlen(c->xs->home) + 1;
    ret = xs_listener_watch(c->xs, &c->listener, &g->w, path);
    if (ret < 0)
        free(g);
    return ret;
}

static void unwatch(struct xs_watch *w)
{
    xs_unwatch(w);
    /* It is the first member of what was allocated. */
    free(w);
}

static int run_unwatch(struct call *call)
{
    char *args[MAX_ARGS], path[XS_PATH_SIZE];
    const int ret = watch_args(call, args, path);
    struct xs_watch *w;

    if (ret < 0)
        return ret;
    w = watch_find(call->c, path, args[1]);
    if (!w)
        return -ENOENT;
    unwatch(w);
    return 0;
}

static int run_reset_watches(struct call *call)
{
    xs_conn_reset(call->c);
    return 0;
}

static struct xs_tx **tx_find(struct xs_conn *c, uint32_t id)
{
    struct xs_tx **at = &c->tx;

    while (*at && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

/* A number that is neither 0 nor in use. */
static uint32_t tx_number(struct xs_conn *c)
{
    do {
        c->last_tx++;
    } while (!c->last_tx || *tx_find(c, c->last_tx));
    return c->last_tx;
}

static int run_transaction_start(struct call *call)
{
    struct xs_conn *c = call->c;
    struct xs_tx *tx;
    char text[16];
    int ret;

    if (call->reply->head.tx_id)
        return -EBUSY;
    tx = xs_tx_begin(c->xs, &ret);
    if (!tx)
        return ret;
    tx->id = tx_number(c);
    tx->next = c->tx;
    c->tx = tx;
    snprintf(text, sizeof(text), "%" PRIu32, tx->id);
    return put_string(call, text);
}

static int run_transaction_end(struct call *call)
{
    const char *how = only_arg(call);
    struct xs_tx **at, *tx = call->view.tx;

    if (!how || (strcmp(how, "T") != 0 && strcmp(how, "F") != 0))
        return -EINVAL;
    if (!tx)
        return -ENOENT;
    at = tx_find(call->c, tx->id);
    *at = tx->next;
    if (*how == 'T')
        return xs_tx_commit(call->c->xs, tx);
    xs_tx_abort(call->c->xs, tx);
    return 0;
}

static int run_get_domain_path(struct call *call)
{
    char path[32];
    uint16_t domid;

    if (parse_domid(only_arg(call), &domid) < 0)
        return -EINVAL;
    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    return put_string(call, path);
}

static int run_is_domain_introduced(struct call *call)
{
    uint16_t domid;

    if (parse_domid(only_arg(call), &domid) < 0)
        return -EINVAL;
    return put_string(call,
                      domid == 0 || domid == call->c->xs->domid ? "T" : "F");
}

/* For domain 0 alone. */
static int run_privileged(struct call *call)
{
    (void)call;
    return -EACCES;
}

static const struct verb verbs[XS_TYPE_COUNT] = {
    [XS_CONTROL] = {run_privileged, false},
    [XS_DIRECTORY] = {run_directory, true},
    [XS_READ] = {run_read, true},
    [XS_GET_PERMS] = {run_get_perms, true},
    [XS_WATCH] = {run_watch, false},
    [XS_UNWATCH] = {run_unwatch, false},
    [XS_TRANSACTION_START] = {run_transaction_start, false},
    [XS_TRANSACTION_END] = {run_transaction_end, true},
    [XS_INTRODUCE] = {run_privileged, false},
    [XS_RELEASE] = {run_privileged, false},
    [XS_GET_DOMAIN_PATH] = {run_get_domain_path, false},
    [XS_WRITE] = {run_write, true},
    [XS_MKDIR] = {run_mkdir, true},
    [XS_RM] = {run_rm, true},
    [XS_SET_PERMS] = {run_set_perms, true},
    [XS_IS_DOMAIN_INTRODUCED] = {run_is_domain_introduced, false},
    [XS_RESUME] = {run_privileged, false},
    [XS_SET_TARGET] = {run_privileged, false},
    [XS_RESET_WATCHES] = {run_reset_watches, false},
    [XS_DIRECTORY_PART] = {run_directory_part, true},
};

static int run(struct call *call, const struct xsd_sockmsg *head)
{
    const struct verb *verb =
        head->type < XS_TYPE_COUNT ? &verbs[head->type] : NULL;

    if (!verb || !verb->run)
        return -ENOSYS;
    if (verb->in_tx && head->tx_id) {
        call->view.tx = *tx_find(call->c, head->tx_id);
        if (!call->view.tx)
            return -ENOENT;
    }
    return verb->run(call);
}

/* Errors travel by name. */
static const char *error_name(int err)
{
    for (unsigned i = 0; i < ARRAY_LEN(xsd_errors); i++)
        if (xsd_errors[i].errnum == err)
            return xsd_errors[i].errstring;
    return "EIO";
}

static bool answers_ok(uint32_t type)
{
    switch (type) {
    case XS_WRITE:
    case XS_MKDIR:
    case XS_RM:
    case XS_SET_PERMS:
    case XS_WATCH:
    case XS_UNWATCH:
    case XS_RESET_WATCHES:
    case XS_TRANSACTION_END:
        return true;
    default:
        return false;
    }
}

void xs_conn_answer(struct xs_conn *c, struct xs_msg *request,
                    struct xs_msg *reply)
{
    struct call call = {
        .c = c,
        .view = {c->xs, NULL, c->listener.domid},
        .data = request->data,
        .len = request->head.len,
        .reply = reply,
    };
    int ret;

    request->data[call.len] = '\0'; /* for strtoul and the like */
    reply->head = request->head;
    reply->head.len = 0;
    ret = run(&call, &request->head);
    if (ret == 0 && answers_ok(request->head.type))
        ret = put_string(&call, "OK");
    if (ret == 0)
        return;
    reply->head.type = XS_ERROR;
    reply->head.len = 0;
    (void)put_string(&call, error_name(-ret));
}

bool xs_conn_event(struct xs_conn *c, struct xs_msg *out)
{
    struct call call = {.c = c, .reply = out};
    struct xs_event *e;
    bool told = false;

    /* What is too long for a message is not told: Xen does the same. */
    while (!told && (e = xs_listener_next(&c->listener))) {
        out->head = (struct xsd_sockmsg){.type = XS_WATCH_EVENT};
        told = put_string(&call, e->path) == 0 &&
               put_string(&call, e->watch->token) == 0;
        xs_event_free(&c->listener, e);
    }
    return told;
}

void xs_conn_open(struct xs_conn *c, struct xs *xs,
                  void (*wake)(struct xs_listener *l))
{
    *c = (struct xs_conn){.xs = xs};
    c->listener.domid = xs->domid;
    c->listener.wake = wake;
    c->listener.meter = &xs->meter;
    xs_listener_add(xs, &c->listener);
}

void xs_conn_reset(struct xs_conn *c)
{
    struct xs_watch *next;

    for (struct xs_watch *w = c->listener.watches; w; w = next) {
        next = w->next;
        unwatch(w);
    }
    while (c->tx) {
        struct xs_tx *tx = c->tx;

        c->tx = tx->next;
        xs_tx_abort(c->xs, tx);
    }
}

void xs_conn_close(struct xs_conn *c)
{
    xs_conn_reset(c);
    xs_listener_remove(c->xs, &c->listener);
}
