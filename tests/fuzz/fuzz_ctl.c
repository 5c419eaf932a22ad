// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Control requests: any bytes get exactly one line, which is an object of
 * our version that says ok or why not; a refused request did nothing.
 */
#include "ctl_verb.h"

#include <stdlib.h>
#include <string.h>

static unsigned acts; /* what the machine was asked to do */

static void op_status(void *ctx, json_t *out)
{
    (void)ctx;
    json_object_set_new(out, "state", json_string("running"));
}

static int op_act(void *ctx)
{
    (void)ctx;
    acts++;
    return 0;
}

static int op_resize(void *ctx, const char *disk, uint64_t *size)
{
    (void)ctx;
    acts++;
    *size = strlen(disk);
    return 0;
}

static int op_balloon(void *ctx, uint64_t target)
{
    (void)ctx;
    if (!target || target > INT64_MAX)
        abort();
    acts++;
    return 0;
}

static void op_kill(void *ctx, const char *why)
{
    (void)ctx;
    if (!why || !*why)
        abort();
    acts++;
}

static void op_arm(void *owner, unsigned seconds)
{
    (void)owner;
    if (seconds > 86400)
        abort();
}

static void check_reply(const char *text)
{
    json_t *reply = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const json_t *ok = json_object_get(reply, "ok");

    if (strchr(text, '\n') != text + strlen(text) - 1)
        abort();
    if (json_integer_value(json_object_get(reply, "vmm")) != CTL_VERSION)
        abort();
    if (!json_is_boolean(ok))
        abort();
    if (json_is_false(ok) &&
        (acts || !json_string_value(json_object_get(reply, "error"))))
        abort();
    json_decref(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ctl_ops ops = {op_status, op_act,    op_kill,    op_act,
                                       op_act,    op_resize, op_balloon, NULL};
    struct ctl_guest guest = {.ops = &ops, .name = "fuzz", .arm_stop = op_arm};
    char *text;

    acts = 0;
    text = ctl_answer(&guest, (const char *)data, size);
    if (!text)
        abort();
    check_reply(text);
    free(text);
    return 0;
}
