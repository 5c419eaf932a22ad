// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ctl_client.c: see ctl_client.h.
 *
 * A command is a row of one table: its verb on the wire, which arguments it
 * takes, and what to do with the answer. Whoever ends a guest waits for the
 * process behind the socket by a pidfd, whose pid comes from the kernel
 * (SO_PEERCRED), and then reads in the lock file, opened before, how it ended.
 *
 * The other side may have been taken over by its guest: text from it is
 * printed with control bytes masked.
 */
#include "config_size.h"
#include "ctl_client_priv.h"
#include "ctl_verb.h"
#include "rundir.h"
#include "vmm/exitcode.h"
#include "vmm/log.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define TEARDOWN_SECONDS 10 /* the most a process takes to end, once told */
#define MAX_TIMEOUT      86400
#define FRESH_MS         50 /* for the guest's answer */

static int fail_usage(const struct command *cmd, const char *what)
{
    log_error("%s: %s: vmm %s %s", cmd->words.name, what, cmd->words.name,
              cmd->words.usage);
    return VMM_EXIT_USAGE;
}

/* Only printable ASCII reaches the operator's terminal. */
static void mask_text(char *s)
{
    for (; *s; s++)
        if (*s < 0x20 || *s > 0x7e)
            *s = '?';
}

static void format_bytes(char out[TEXT_MAX], uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned u = 0;

    while (u + 1 < ARRAY_LEN(units) && bytes && bytes % 1024 == 0) {
        bytes /= 1024;
        u++;
    }
    snprintf(out, TEXT_MAX, "%llu %s", (unsigned long long)bytes, units[u]);
}

static void format_seconds(char out[TEXT_MAX], uint64_t seconds)
{
    const unsigned long long s = seconds;

    if (s < 60)
        snprintf(out, TEXT_MAX, "%llus", s);
    else if (s < 3600)
        snprintf(out, TEXT_MAX, "%llum%02llus", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, TEXT_MAX, "%lluh%02llum", s / 3600, s / 60 % 60);
    else
        snprintf(out, TEXT_MAX, "%llud%02lluh", s / 86400, s / 3600 % 24);
}

static bool is_one_of(const char *key, const char *const *list)
{
    while (*list && strcmp(key, *list) != 0)
        list++;
    return *list;
}

/* A member as a person reads it; "?" for one that is not there. */
static void format_value(char out[TEXT_MAX], const char *key,
                         const json_t *value)
{
    static const char *const bytes[] = {
        "memory", "target",    "actual", "returned",
        "free",   "available", "total",  NULL,
    };
    static const char *const seconds[] = {"uptime", "age", NULL};
    const uint64_t number = (uint64_t)json_integer_value(value);

    if (json_is_string(value))
        snprintf(out, TEXT_MAX, "%s", json_string_value(value));
    else if (json_is_boolean(value))
        snprintf(out, TEXT_MAX, "%s", json_is_true(value) ? "yes" : "no");
    else if (!json_is_integer(value))
        snprintf(out, TEXT_MAX, "?");
    else if (is_one_of(key, bytes))
        format_bytes(out, number);
    else if (is_one_of(key, seconds))
        format_seconds(out, number);
    else
        snprintf(out, TEXT_MAX, "%lld", (long long)number);
    mask_text(out);
}

static void say_silent(const struct rundir_guest *g, int err)
{
    log_error("%s: pid %d does not answer: %s: it is starting, ending or stuck",
              g->name, (int)g->pid, strerror(-err));
}

json_t *ctl_client_ask_on(const struct rundir_guest *g, struct ctl_conn *conn,
                          const char *verb, json_t *args)
{
    json_t *reply = NULL;
    const int ret = ctl_conn_ask(conn, verb, args, &reply);

    if (ret < 0) {
        say_silent(g, ret);
        return NULL;
    }
    if (!json_is_true(json_object_get(reply, "ok"))) {
        char text[TEXT_MAX];

        format_value(text, "error", json_object_get(reply, "error"));
        log_error("%s: %s", g->name, text);
        json_decref(reply);
        return NULL;
    }
    return reply;
}

json_t *ctl_client_ask(const struct rundir_guest *g, struct ctl_conn *conn,
                       const char *verb, json_t *args)
{
    const int ret = ctl_conn_open(conn, g->socket);

    if (ret < 0) {
        say_silent(g, ret);
        return NULL;
    }
    return ctl_client_ask_on(g, conn, verb, args);
}

static void print_row(void *ctx, const struct rundir_guest *g)
{
    static const char *const columns[] = {"state", "mode", "cpus", "memory",
                                          "uptime"};
    char text[ARRAY_LEN(columns)][TEXT_MAX];
    struct ctl_conn conn = {.fd = -1};
    json_t *reply = NULL;
    bool *ok = ctx;

    /* A guest that does not answer is shown all the same. */
    if (ctl_conn_open(&conn, g->socket) < 0 ||
        ctl_conn_ask(&conn, "status", NULL, &reply) < 0)
        *ok = false;
    ctl_conn_close(&conn);
    for (unsigned i = 0; i < ARRAY_LEN(columns); i++)
        format_value(text[i], columns[i], json_object_get(reply, columns[i]));
    printf("%-16s %8d  %-8s %-7s %4s  %8s  %7s\n", g->name, (int)g->pid,
           text[0], text[1], text[2], text[3], text[4]);
    json_decref(reply);
}

static int run_ps(const struct command *cmd, const struct request *req)
{
    bool ok = true;
    int ret;

    (void)cmd;
    (void)req;
    printf("%-16s %8s  %-8s %-7s %4s  %8s  %7s\n", "NAME", "PID", "STATE",
           "MODE", "CPUS", "MEMORY", "UPTIME");
    ret = rundir_each(print_row, &ok);
    return ret < 0 || !ok ? VMM_EXIT_HOST : VMM_EXIT_OK;
}

/* One line per member, and per member of a member ("exits.io"). */
static void print_members(const char *prefix, json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        char path[TEXT_MAX];
        char text[TEXT_MAX];

        snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", key);
        mask_text(path);
        if (json_is_object(value) && !*prefix) {
            print_members(path, value);
            continue;
        }
        format_value(text, key, value);
        printf("%-24s %s\n", path, text);
    }
}

static int show_status(const struct command *cmd, const struct request *req,
                       json_t *reply)
{
    char *text;

    (void)cmd;
    if (!req->json) {
        json_object_del(reply, "vmm");
        json_object_del(reply, "ok");
        print_members("", reply);
        return VMM_EXIT_OK;
    }
    text = json_dumps(reply, JSON_ENSURE_ASCII);
    if (!text) {
        log_error("%s: out of memory", req->name);
        return VMM_EXIT_HOST;
    }
    puts(text);
    free(text);
    return VMM_EXIT_OK;
}

static int show_done(const struct command *cmd, const struct request *req,
                     json_t *reply)
{
    (void)reply;
    /* "paused", "resumed" */
    printf("%s: %sd\n", req->name, cmd->words.name);
    return VMM_EXIT_OK;
}

static int show_size(const struct command *cmd, const struct request *req,
                     json_t *reply)
{
    char text[TEXT_MAX];

    (void)cmd;
    format_bytes(text,
                 (uint64_t)json_integer_value(json_object_get(reply, "size")));
    printf("%s: %s: %s\n", req->name, req->disk, text);
    return VMM_EXIT_OK;
}

static int show_target(const struct command *cmd, const struct request *req,
                       json_t *reply)
{
    char text[TEXT_MAX];

    (void)cmd;
    format_value(text, "target", json_object_get(reply, "size"));
    printf("%s: asked to keep %s\n", req->name, text);
    return VMM_EXIT_OK;
}

/* A verb's arguments, or NULL. */
static json_t *arguments(const struct request *req)
{
    if (req->disk)
        return json_pack("{s:s}", "disk", req->disk);
    if (req->size)
        return json_pack("{s:I}", "size", (json_int_t)req->size);
    if (req->text || req->n_keys)
        return ctl_client_typing(req);
    return NULL;
}

/*
 * A status tells the memory figures of the last time somebody asked, and has
 * the guest fill in new ones: where they are old, a second look has those.
 */
static json_t *freshen(struct ctl_conn *conn, const struct command *cmd,
                       json_t *reply)
{
    const json_t *balloon = json_object_get(reply, "balloon");
    const json_t *age = json_object_get(balloon, "age");
    json_t *newer = NULL;

    if (!json_is_true(json_object_get(balloon, "driver")) ||
        (age && json_integer_value(age) == 0))
        return reply;
    poll(NULL, 0, FRESH_MS);
    if (ctl_conn_ask(conn, cmd->words.name, NULL, &newer) < 0)
        return reply;
    if (!json_is_true(json_object_get(newer, "ok"))) {
        json_decref(newer);
        return reply;
    }
    json_decref(reply);
    return newer;
}

/* Ask, and show the answer. */
static int run_ask(const struct command *cmd, const struct request *req)
{
    struct ctl_conn conn = {.fd = -1};
    struct rundir_guest g;
    json_t *args, *reply;
    int ret = VMM_EXIT_HOST;

    if (rundir_find(&g, req->name) < 0)
        return VMM_EXIT_HOST;
    args = arguments(req);
    reply = ctl_client_ask(&g, &conn, cmd->words.name, args);
    if (reply) {
        reply = freshen(&conn, cmd, reply);
        ret = cmd->show(cmd, req, reply);
    }
    json_decref(args);
    json_decref(reply);
    ctl_conn_close(&conn);
    close(g.lock_fd);
    return ret;
}

static void print_end(const struct rundir_guest *g)
{
    char how[RUNDIR_HOW_MAX + 1];

    if (rundir_how(g, how)) {
        mask_text(how);
        printf("%s: %s\n", g->name, how);
    } else {
        printf("%s: ended without saying how (killed from outside?)\n",
               g->name);
    }
}

/* Wait for the end of the process behind the socket. */
static int wait_end(const struct rundir_guest *g, pid_t pid, int seconds)
{
    struct pollfd p = {.events = POLLIN};
    int ready = 1;

    p.fd = pidfd_open(pid, 0);
    if (p.fd >= 0) {
        ready = poll(&p, 1, seconds * 1000);
        close(p.fd);
    } else if (errno != ESRCH) {
        log_error("%s: told to end, but pid %d cannot be waited for: %s",
                  g->name, (int)pid, strerror(errno));
        return VMM_EXIT_HOST;
    }
    if (ready <= 0) {
        log_error("%s: pid %d does not end: kill -9 %d", g->name, (int)pid,
                  (int)pid);
        return VMM_EXIT_HOST;
    }
    print_end(g);
    return VMM_EXIT_OK;
}

/* stop and kill: tell, wait, say how it ended. */
static int run_end(const struct command *cmd, const struct request *req)
{
    const bool is_stop = strcmp(cmd->words.name, "stop") == 0;
    const int timeout = req->timeout < 0 ? CTL_STOP_TIMEOUT : req->timeout;
    struct ctl_conn conn = {.fd = -1};
    struct rundir_guest g;
    json_t *args, *reply;
    int ret = VMM_EXIT_HOST;

    if (rundir_find(&g, req->name) < 0)
        return VMM_EXIT_HOST;
    args = is_stop ? json_pack("{s:i}", "timeout", timeout) : NULL;
    reply = ctl_client_ask(&g, &conn, cmd->words.name, args);
    if (reply)
        ret =
            wait_end(&g, conn.pid, TEARDOWN_SECONDS + (is_stop ? timeout : 0));
    json_decref(args);
    json_decref(reply);
    ctl_conn_close(&conn);
    close(g.lock_fd);
    return ret;
}

static const struct command commands[] = {
    {{"ps", "", "list the running guests"}, "", run_ps, NULL},
    {{"status", "NAME [--json]", "say what a guest is and does"},
     "nj",
     run_ask,
     show_status},
    {{"stop", "NAME [--timeout SECONDS]",
      "press the power button; end the guest if that takes too long (30 s)"},
     "nt",
     run_end,
     NULL},
    {{"kill", "NAME", "end a guest at once"}, "n", run_end, NULL},
    {{"pause", "NAME", "halt a guest's CPUs"}, "n", run_ask, show_done},
    {{"resume", "NAME", "let a paused guest go on"}, "n", run_ask, show_done},
    {{"resize", "NAME DISK", "tell a guest that a disk's file has grown"},
     "nd",
     run_ask,
     show_size},
    {{"balloon", "NAME SIZE", "ask a guest to keep SIZE of its memory"},
     "ns",
     run_ask,
     show_target},
    {{"mem", "NAME SIZE", "the same as balloon"}, "ns", run_ask, show_target},
    {{"xs", "NAME OP [PATH [VALUE]]",
      "ls, tree, read, write, rm, watch, order, sysrq: a guest's xenstore"},
     "nw",
     ctl_client_xs,
     NULL},
    {{"screen", "NAME [--json]", "print what a guest's text screen shows"},
     "nj",
     run_ask,
     ctl_client_show_screen},
    {{"screenshot", "NAME FILE", "write what a guest's screen shows as PNG"},
     "nf",
     ctl_client_screenshot,
     NULL},
    {{"sendkey", "NAME [--text TEXT] [KEY...]",
      "type on a guest's keyboard: text, then keys (ctrl-alt-delete)"},
     "nxk",
     run_ask,
     ctl_client_show_nothing},
};

const struct ctl_command *ctl_client_command(unsigned i)
{
    return i < ARRAY_LEN(commands) ? &commands[i].words : NULL;
}

static bool parse_timeout(const char *text, int *out)
{
    char *end;
    long v;

    /* strtol would take a sign or a blank. */
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    v = strtol(text, &end, 10);
    if (errno || *end || v > MAX_TIMEOUT)
        return false;
    *out = (int)v;
    return true;
}

/* Returns NULL, or what is wrong. */
static const char *parse_options(const struct command *cmd, struct request *req,
                                 int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"text", required_argument, NULL, 'x'},
        {"timeout", required_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    int c;

    optind = 0; /* glibc: begin anew */
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == ':')
            return optopt == 'x' ? "--text needs a text"
                                 : "--timeout needs a number of seconds";
        if (!strchr("jtx", c) || !strchr(cmd->options, c))
            return "unknown option";
        if (c == 'x')
            req->text = optarg;
        if (c == 'j')
            req->json = true;
        if (c == 't' && !parse_timeout(optarg, &req->timeout))
            return "--timeout: give whole seconds, 0 to 86400";
    }
    return NULL;
}

/* The words behind the options, in this order. */
static const struct {
    char option;
    const char *missing;
} word_kinds[] = {
    {'n', "name the guest"},
    {'d', "name the disk"},
    {'s', "say how much it shall keep"},
    {'f', "name the file"},
};

static void take_word(struct request *req, char option, char *word)
{
    if (option == 'n')
        req->name = word;
    if (option == 'd')
        req->disk = word;
    if (option == 'f')
        req->file = word;
}

static const char *parse_words(const struct command *cmd, struct request *req,
                               char **words)
{
    for (size_t i = 0; i < ARRAY_LEN(word_kinds); i++) {
        if (!strchr(cmd->options, word_kinds[i].option))
            continue;
        if (!*words)
            return word_kinds[i].missing;
        if (word_kinds[i].option == 's' &&
            (!config_parse_size(*words, &req->size) || !req->size ||
             req->size > INT64_MAX))
            return "give a size such as 512M";
        take_word(req, word_kinds[i].option, *words++);
    }
    if (!strpbrk(cmd->options, "kw"))
        return *words ? "too many arguments" : NULL;
    req->keys = words;
    while (words[req->n_keys])
        req->n_keys++;
    if (req->n_keys || req->text)
        return NULL;
    return strchr(cmd->options, 'k') ? "say what to type" : "say what to do";
}

static const char *parse(const struct command *cmd, struct request *req,
                         int argc, char **argv)
{
    const char *wrong = parse_options(cmd, req, argc, argv);

    return wrong ? wrong : parse_words(cmd, req, argv + optind);
}

int ctl_client_main(int argc, char **argv)
{
    for (unsigned i = 0; i < ARRAY_LEN(commands); i++) {
        const struct command *cmd = &commands[i];
        struct request req = {.timeout = -1};
        const char *wrong;

        if (strcmp(argv[0], cmd->words.name) != 0)
            continue;
        wrong = parse(cmd, &req, argc, argv);
        if (wrong)
            return fail_usage(cmd, wrong);
        if (req.name && rundir_check_name(req.name) < 0)
            return VMM_EXIT_USAGE;
        return cmd->run(cmd, &req);
    }
    log_error("no command '%s': run 'vmm help'", argv[0]);
    return VMM_EXIT_USAGE;
}
