// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Control requests: any bytes get exactly one line, which is an object of
 * our version that says ok or why not; a refused request did nothing.
 */
#include "ctl_verb.h"
#include "pvabi/xenstore.h"

#include <errno.h>
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

static int op_screen(void *ctx, json_t *out)
{
    (void)ctx;
    json_object_set_new(out, "graphics", json_true());
    return 0;
}

static int op_picture(void *ctx, struct ctl_picture *out)
{
    (void)ctx;
    *out = (struct ctl_picture){malloc(3), 3, 1, 1};
    return out->data ? 0 : -ENOMEM;
}

/* Every key that goes down comes up: none is left pressed. */
static int op_type(void *ctx, const struct key_stroke *strokes, unsigned n)
{
    int held = 0;

    (void)ctx;
    for (unsigned i = 0; i < n; i++)
        held += strokes[i].down ? 1 : -1;
    if (n == 0 || held != 0)
        abort();
    acts++;
    return 0;
}

static struct xs *store; /* of this request, if it asked for one */

static struct xs *op_store(void *ctx)
{
    static struct loop *loop;

    (void)ctx;
    if (!loop && loop_create(&loop, NULL) < 0)
        abort();
    if (!store)
        store = xs_create(loop, 1, NULL);
    if (!store ||
        xs_write_bytes(store, "/local/domain/1/a/b", "\0\\\xff", 3) < 0)
        abort();
    return store;
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
    static const struct ctl_seat_ops seat = {
        .screen = op_screen, .picture = op_picture, .type = op_type};
    static const struct ctl_ops ops = {.status = op_status,
                                       .power_button = op_act,
                                       .kill = op_kill,
                                       .pause = op_act,
                                       .resume = op_act,
                                       .resume_to_end = op_act,
                                       .resize = op_resize,
                                       .balloon = op_balloon,
                                       .store = op_store,
                                       .seat = &seat};
    struct ctl_guest guest = {.ops = &ops, .name = "fuzz", .arm_stop = op_arm};
    char *text;

    acts = 0;
    text = ctl_answer(&guest, (const char *)data, size);
    if (!text)
        abort();
    check_reply(text);
    free(text);
    xs_destroy(store);
    store = NULL;
    free(guest.picture.data);
    return 0;
}
