// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ctl_verb.c: see ctl_verb.h.
 *
 * To add a verb: write its handler and add its row. An argument that the row
 * does not list is refused, because a misspelt one that is ignored does
 * something else than what was asked.
 *
 * The bytes come from the user's own processes, or from root's. They are
 * checked all the same: the line's length by the server, depth, duplicate
 * keys and UTF-8 by jansson, types and ranges here.
 */
#include "ctl_verb_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGS    4
#define MAX_SECONDS 86400
#define ERROR_MAX   256

struct verb {
    const char *name;
    const char *args[MAX_ARGS]; /* what it takes besides "vmm" and "cmd" */
    /* Fill reply; 0, or -1 after ctl_fail(). */
    int (*run)(struct ctl_guest *guest, const json_t *request, json_t *reply);
    const char *help;
};

static uint64_t now_seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec;
}

static json_t *reply_new(bool ok)
{
    return json_pack("{s:i, s:b}", "vmm", CTL_VERSION, "ok", ok);
}

/* An error may quote a request, cut anywhere: keep it printable ASCII. */
static void mask_foreign(char *s)
{
    for (; *s; s++)
        if (*s < 0x20 || *s > 0x7e)
            *s = '?';
}

/* Turn the reply into an error; whatever the handler put there is dropped. */
int ctl_fail(json_t *reply, const char *fmt, ...)
{
    char text[ERROR_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    mask_foreign(text);
    json_object_clear(reply);
    json_object_set_new(reply, "vmm", json_integer(CTL_VERSION));
    json_object_set_new(reply, "ok", json_false());
    json_object_set_new(reply, "error", json_string(text));
    return -1;
}

static int run_status(struct ctl_guest *guest, const json_t *request,
                      json_t *reply)
{
    const uint64_t up = now_seconds() - guest->started;

    (void)request;
    json_object_set_new(reply, "name", json_string(guest->name));
    json_object_set_new(reply, "pid", json_integer(getpid()));
    json_object_set_new(reply, "version", json_string(VMM_VERSION));
    json_object_set_new(reply, "uptime", json_integer((json_int_t)up));
    guest->ops->status(guest->ops->ctx, reply);
    return 0;
}

/* The "timeout" of a stop, or -1 if it is not a sensible number. */
static int stop_seconds(const json_t *request)
{
    const json_t *timeout = json_object_get(request, "timeout");
    json_int_t v;

    if (!timeout)
        return CTL_STOP_TIMEOUT;
    v = json_integer_value(timeout);
    if (!json_is_integer(timeout) || v < 0 || v > MAX_SECONDS)
        return -1;
    return (int)v;
}

/*
 * The button needs a guest that runs, so a paused one is resumed, and no disk
 * may pause it again. A guest without a button has nothing to wait for.
 */
static int run_stop(struct ctl_guest *guest, const json_t *request,
                    json_t *reply)
{
    const struct ctl_ops *ops = guest->ops;
    const int seconds = stop_seconds(request);
    int ret;

    if (seconds < 0)
        return ctl_fail(reply, "timeout: give whole seconds, 0 to %d",
                        MAX_SECONDS);
    ret = ops->resume_to_end(ops->ctx);
    if (ret < 0)
        return ctl_fail(reply, "cannot resume the guest: %s", strerror(-ret));
    ret = ops->power_button(ops->ctx);
    if (ret < 0)
        ops->kill(ops->ctx, "'vmm stop': the guest has no power button");
    else
        guest->arm_stop(guest->owner, (unsigned)seconds);
    json_object_set_new(reply, "accepted", json_true());
    json_object_set_new(reply, "button", json_boolean(ret == 0));
    json_object_set_new(reply, "timeout", json_integer(seconds));
    return 0;
}

static int run_kill(struct ctl_guest *guest, const json_t *request,
                    json_t *reply)
{
    (void)request;
    guest->ops->kill(guest->ops->ctx, "'vmm kill'");
    json_object_set_new(reply, "accepted", json_true());
    return 0;
}

static int run_pause(struct ctl_guest *guest, const json_t *request,
                     json_t *reply)
{
    const int ret = guest->ops->pause(guest->ops->ctx);

    (void)request;
    if (ret < 0)
        return ctl_fail(reply, "cannot pause the guest: %s", strerror(-ret));
    json_object_set_new(reply, "state", json_string("paused"));
    return 0;
}

static int run_resume(struct ctl_guest *guest, const json_t *request,
                      json_t *reply)
{
    const int ret = guest->ops->resume(guest->ops->ctx);

    (void)request;
    if (ret < 0)
        return ctl_fail(reply, "cannot resume the guest: %s", strerror(-ret));
    json_object_set_new(reply, "state", json_string("running"));
    return 0;
}

static int run_resize(struct ctl_guest *guest, const json_t *request,
                      json_t *reply)
{
    const char *disk = json_string_value(json_object_get(request, "disk"));
    uint64_t size;
    int ret;

    if (!disk)
        return ctl_fail(reply,
                        "\"disk\" must name one: its id, or disk0 for the "
                        "first");
    ret = guest->ops->resize(guest->ops->ctx, disk, &size);
    if (ret == -ENODEV)
        return ctl_fail(reply,
                        "no disk '%.32s': give its id, or disk0 for the "
                        "first, disk1 for the next",
                        disk);
    if (ret < 0)
        return ctl_fail(reply, "disk '%.32s': its size cannot be read: %s",
                        disk, strerror(-ret));
    json_object_set_new(reply, "disk", json_string(disk));
    json_object_set_new(reply, "size", json_integer((json_int_t)size));
    return 0;
}

static int run_balloon(struct ctl_guest *guest, const json_t *request,
                       json_t *reply)
{
    const json_t *size = json_object_get(request, "size");
    const json_int_t target = json_integer_value(size);
    int ret;

    if (!json_is_integer(size) || target <= 0)
        return ctl_fail(reply, "\"size\" must be a number of bytes, from 1");
    ret = guest->ops->balloon(guest->ops->ctx, (uint64_t)target);
    if (ret == -ERANGE)
        return ctl_fail(reply, "the guest has less memory than that");
    if (ret == -EOPNOTSUPP)
        return ctl_fail(reply,
                        "the guest has no balloon: start it with --balloon");
    if (ret < 0)
        return ctl_fail(reply, "the balloon: %s", strerror(-ret));
    json_object_set_new(reply, "size", json_integer(target));
    return 0;
}

static int run_version(struct ctl_guest *guest, const json_t *request,
                       json_t *reply)
{
    (void)guest;
    (void)request;
    json_object_set_new(reply, "version", json_string(VMM_VERSION));
    return 0;
}

static int run_help(struct ctl_guest *guest, const json_t *request,
                    json_t *reply);

static const struct verb verbs[] = {
    {"status", {NULL}, run_status, "what the guest is and does"},
    {"stop",
     {"timeout"},
     run_stop,
     "power button, and after timeout seconds "
     "the hard way"},
    {"kill", {NULL}, run_kill, "end the guest now"},
    {"pause", {NULL}, run_pause, "halt all vCPUs"},
    {"resume", {NULL}, run_resume, "let the vCPUs go on"},
    {"resize", {"disk"}, run_resize, "tell the guest a disk's new size"},
    {"balloon", {"size"}, run_balloon, "ask the guest to keep so much memory"},
    {"screen", {NULL}, ctl_run_screen, "what the guest shows as text"},
    {"screenshot", {NULL}, ctl_run_screenshot, "a picture, behind the answer"},
    {"sendkey", {"keys", "text"}, ctl_run_sendkey, "type on its keyboard"},
    {"mem", {"size"}, run_balloon, "the same as balloon"},
    {"xs-read", {"path"}, ctl_run_xs_read, "a value of its xenstore"},
    {"xs-write",
     {"path", "value"},
     ctl_run_xs_write,
     "write a value of its xenstore"},
    {"xs-rm", {"path"}, ctl_run_xs_rm, "remove a node and all below it"},
    {"xs-order", {"what"}, ctl_run_xs_order, "poweroff, halt, reboot, suspend"},
    {"xs-sysrq", {"key"}, ctl_run_xs_sysrq, "a magic key of Linux's"},
    {"xs-walk",
     {"path", "after", "since", "flat"},
     ctl_run_xs_walk,
     "nodes of its xenstore"},
    {"version", {NULL}, run_version, "the version that runs the guest"},
    {"help", {NULL}, run_help, "the verbs and what they do"},
};

static int run_help(struct ctl_guest *guest, const json_t *request,
                    json_t *reply)
{
    json_t *list = json_object();

    (void)guest;
    (void)request;
    for (unsigned i = 0; i < ARRAY_LEN(verbs); i++)
        json_object_set_new(list, verbs[i].name, json_string(verbs[i].help));
    json_object_set_new(reply, "verbs", list);
    return 0;
}

static const struct verb *verb_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(verbs); i++)
        if (strcmp(name, verbs[i].name) == 0)
            return &verbs[i];
    return NULL;
}

static bool verb_takes(const struct verb *verb, const char *key)
{
    if (strcmp(key, "vmm") == 0 || strcmp(key, "cmd") == 0)
        return true;
    for (unsigned i = 0; i < MAX_ARGS && verb->args[i]; i++)
        if (strcmp(key, verb->args[i]) == 0)
            return true;
    return false;
}

/* The first key that the verb does not take, or NULL. */
static const char *stray_key(const struct verb *verb, json_t *request)
{
    for (void *it = json_object_iter(request); it;
         it = json_object_iter_next(request, it)) {
        const char *key = json_object_iter_key(it);

        if (!verb_takes(verb, key))
            return key;
    }
    return NULL;
}

static int dispatch(struct ctl_guest *guest, json_t *request, json_t *reply)
{
    const json_t *version = json_object_get(request, "vmm");
    const char *cmd = json_string_value(json_object_get(request, "cmd"));
    const struct verb *verb;
    const char *stray;

    if (!json_is_object(request))
        return ctl_fail(reply, "a request is a JSON object");
    if (!json_is_integer(version) || json_integer_value(version) != CTL_VERSION)
        return ctl_fail(reply,
                        "\"vmm\" must be %d, the version of this protocol",
                        CTL_VERSION);
    if (!cmd)
        return ctl_fail(reply, "\"cmd\" must name a verb");
    verb = verb_find(cmd);
    if (!verb)
        return ctl_fail(reply, "no verb '%.32s': \"help\" lists them", cmd);
    stray = stray_key(verb, request);
    if (stray)
        return ctl_fail(reply, "'%s' takes no '%.32s'", verb->name, stray);
    return verb->run(guest, request, reply);
}

/* The reply as a line; consumes it. */
static char *to_line(json_t *reply)
{
    char *text = json_dumps(reply, JSON_COMPACT);
    const size_t n = text ? strlen(text) : 0;
    char *line = text ? realloc(text, n + 2) : NULL;

    json_decref(reply);
    if (!line) {
        free(text);
        return NULL;
    }
    memcpy(line + n, "\n", 2);
    return line;
}

char *ctl_answer(struct ctl_guest *guest, const char *line, size_t n)
{
    json_error_t error;
    json_t *request = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);
    json_t *reply = reply_new(true);

    if (!reply) {
        json_decref(request);
        return NULL;
    }
    if (request)
        dispatch(guest, request, reply);
    else
        ctl_fail(reply, "not JSON: column %d: %s", error.column, error.text);
    json_decref(request);
    return to_line(reply);
}

char *ctl_refusal(const char *text)
{
    json_t *reply = reply_new(false);

    if (!reply)
        return NULL;
    json_object_set_new(reply, "error", json_string(text));
    return to_line(reply);
}
