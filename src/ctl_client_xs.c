// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ctl_client_xs.c: vmm xs: a look into a guest's xenstore, and a hand in it.
 *
 * A tree may be longer than an answer of the control socket: it is asked for
 * in parts, and from the beginning if it changed in between. A watch asks
 * whether anything changed, ten times a second, and prints what did.
 */
#include "ctl_client_priv.h"

#include "vmm/exitcode.h"
#include "vmm/log.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WATCH_MS  100
#define MAX_TRIES 10 /* to read a tree that does not change meanwhile */

/* A session with the guest. */
struct session {
    const struct request *req;
    struct rundir_guest g;
    struct ctl_conn conn;
};

static json_t *ask(struct session *s, const char *verb, json_t *args)
{
    json_t *reply = ctl_client_ask_on(&s->g, &s->conn, verb, args);

    json_decref(args);
    return reply;
}

/* The word behind the operation, or "": the guest's own directory. */
static const char *word(const struct session *s, unsigned i)
{
    return i < s->req->n_keys ? s->req->keys[i] : "";
}

/* The store was not trusted to the guest, but what is in it may be its own. */
static const char *text_of(const json_t *node, const char *key)
{
    const char *text = json_string_value(json_object_get(node, key));

    for (const char *p = text; p && *p; p++)
        if (*p < 0x20 || *p > 0x7e)
            return "?";
    return text ? text : "?";
}

/*
 * The nodes behind the last of *all, or from the beginning, are added to it.
 * 1: there are more, 0: that is all, -1: it did not work (logged). Nothing is
 * added if the store is as it was at change *gen, which becomes that of the
 * answer.
 */
static int walk_part(struct session *s, bool flat, json_int_t *gen, json_t *all)
{
    const size_t n = json_array_size(all);
    const char *after = n ? text_of(json_array_get(all, n - 1), "path") : NULL;
    json_t *reply =
        ask(s, "xs-walk",
            json_pack("{s:s, s:b, s:s*, s:I}", "path", word(s, 1), "flat", flat,
                      "after", after, "since", n ? (json_int_t)-1 : *gen));
    int ret;

    if (!reply)
        return -1;
    *gen = json_integer_value(json_object_get(reply, "gen"));
    json_array_extend(all, json_object_get(reply, "nodes"));
    ret = json_is_true(json_object_get(reply, "more"));
    /* An answer that goes on without a node would go on for ever. */
    if (ret && json_array_size(all) == n)
        ret = -1;
    json_decref(reply);
    return ret;
}

/*
 * All nodes at path, from one state of the store, whose number becomes *gen:
 * read again if it changes meanwhile. NULL: it did not work. An empty array if
 * the store is as it was at change *gen.
 */
static json_t *walk(struct session *s, bool flat, json_int_t *gen)
{
    for (unsigned i = 0; i < MAX_TRIES; i++) {
        json_t *all = json_array();
        json_int_t first;
        int more = walk_part(s, flat, gen, all);

        first = *gen;
        while (more > 0 && *gen == first)
            more = walk_part(s, flat, gen, all);
        if (more == 0 && *gen == first)
            return all;
        json_decref(all);
        if (more < 0)
            return NULL;
        *gen = -1;
    }
    log_error("%s: its xenstore changes all the time", s->req->name);
    return NULL;
}

/* ---- the operations ---- */

static int run_ls(struct session *s)
{
    json_int_t gen = -1;
    json_t *all = walk(s, true, &gen), *node;
    size_t i;

    json_array_foreach(all, i, node)
    {
        const char *path = text_of(node, "path");
        const char *slash = strrchr(path, '/');

        puts(slash ? slash + 1 : path);
    }
    json_decref(all);
    return all ? VMM_EXIT_OK : VMM_EXIT_HOST;
}

static unsigned depth_of(const char *path)
{
    unsigned n = 0;

    for (; *path; path++)
        n += *path == '/' && path[1];
    return n;
}

static int run_tree(struct session *s)
{
    json_int_t gen = -1;
    json_t *all = walk(s, false, &gen), *node;
    unsigned top = 0;
    size_t i;

    json_array_foreach(all, i, node)
    {
        const char *path = text_of(node, "path");
        const char *name = strrchr(path, '/');
        const unsigned depth = depth_of(path);

        top = i ? top : depth;
        printf("%*s%s = \"%s\"   (%s)\n", (int)(depth - top), "",
               name && name[1] ? name + 1 : path, text_of(node, "value"),
               text_of(node, "perms"));
    }
    json_decref(all);
    return all ? VMM_EXIT_OK : VMM_EXIT_HOST;
}

static int run_read(struct session *s)
{
    json_t *reply = ask(s, "xs-read", json_pack("{s:s}", "path", word(s, 1)));

    if (!reply)
        return VMM_EXIT_HOST;
    puts(text_of(reply, "value"));
    json_decref(reply);
    return VMM_EXIT_OK;
}

static int done(json_t *reply)
{
    const bool ok = reply;

    json_decref(reply);
    return ok ? VMM_EXIT_OK : VMM_EXIT_HOST;
}

static int run_write(struct session *s)
{
    json_t *args =
        json_pack("{s:s, s:s}", "path", word(s, 1), "value", word(s, 2));

    if (!args) {
        log_error("xs: a path and a value are UTF-8");
        return VMM_EXIT_USAGE;
    }
    return done(ask(s, "xs-write", args));
}

static int run_rm(struct session *s)
{
    return done(ask(s, "xs-rm", json_pack("{s:s}", "path", word(s, 1))));
}

static int run_order(struct session *s)
{
    return done(ask(s, "xs-order", json_pack("{s:s}", "what", word(s, 1))));
}

static int run_sysrq(struct session *s)
{
    return done(ask(s, "xs-sysrq", json_pack("{s:s}", "key", word(s, 1))));
}

/* Nodes by path, with the number of their last change. */
static json_t *index_of(json_t *all)
{
    json_t *by_path = json_object(), *node;
    size_t i;

    json_array_foreach(all, i, node)
    {
        json_object_set(by_path, text_of(node, "path"), node);
    }
    return by_path;
}

static void print_changes(json_t *was, json_t *now)
{
    const char *path;
    json_t *node;

    json_object_foreach(was, path, node) if (!json_object_get(now, path))
        printf("%s removed\n", path);
    json_object_foreach(now, path, node)
    {
        const json_t *old = json_object_get(was, path);

        if (!json_equal(json_object_get(old, "gen"),
                        json_object_get(node, "gen")))
            printf("%s = \"%s\"\n", path, text_of(node, "value"));
    }
    fflush(stdout);
}

/* Until the guest ends or the node goes, or the operator ends us. */
static int run_watch(struct session *s)
{
    json_int_t gen = -1, seen;
    json_t *all = walk(s, false, &gen), *was = index_of(all), *now;
    const bool begun = all;

    while (all) {
        json_decref(all);
        poll(NULL, 0, WATCH_MS);
        seen = gen;
        all = walk(s, false, &gen);
        if (!all || gen == seen)
            continue;
        now = index_of(all);
        print_changes(was, now);
        json_decref(was);
        was = now;
    }
    json_decref(was);
    return begun ? VMM_EXIT_OK : VMM_EXIT_HOST;
}

/* ---- the command ---- */

static const struct op {
    const char *name;
    unsigned min, max; /* words behind it */
    int (*run)(struct session *s);
    const char *usage;
} ops[] = {
    {"ls", 0, 1, run_ls, "ls [PATH]"},
    {"read", 1, 1, run_read, "read PATH"},
    {"write", 2, 2, run_write, "write PATH VALUE"},
    {"rm", 1, 1, run_rm, "rm PATH"},
    {"tree", 0, 1, run_tree, "tree [PATH]"},
    {"watch", 0, 1, run_watch, "watch [PATH]"},
    {"order", 1, 1, run_order, "order poweroff|halt|reboot|suspend"},
    {"sysrq", 1, 1, run_sysrq, "sysrq KEY"},
};

static const struct op *op_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        if (strcmp(ops[i].name, name) == 0)
            return &ops[i];
    return NULL;
}

static int session_run(struct session *s, const struct op *op)
{
    const int err = ctl_conn_open(&s->conn, s->g.socket);
    int ret;

    if (err < 0) {
        log_error("%s: pid %d does not answer: %s", s->g.name, (int)s->g.pid,
                  strerror(-err));
        return VMM_EXIT_HOST;
    }
    ret = op->run(s);
    ctl_conn_close(&s->conn);
    return ret;
}

int ctl_client_xs(const struct command *cmd, const struct request *req)
{
    struct session s = {.req = req, .conn = {.fd = -1}};
    const struct op *op = op_find(req->keys[0]);
    const unsigned words = req->n_keys - 1;
    int ret;

    if (!op) {
        log_error("xs: no '%s': vmm xs %s", req->keys[0], cmd->words.usage);
        return VMM_EXIT_USAGE;
    }
    if (words < op->min || words > op->max) {
        log_error("xs: vmm xs %s %s", req->name, op->usage);
        return VMM_EXIT_USAGE;
    }
    if (rundir_find(&s.g, req->name) < 0)
        return VMM_EXIT_HOST;
    ret = session_run(&s, op);
    close(s.g.lock_fd);
    return ret;
}
