// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ctl_seat.c: the verbs of whoever sits in front of a guest: screen,
 * screenshot, sendkey; see ctl_verb.h.
 *
 * A picture does not fit into a line: the answer says its size in bytes, and
 * so many bytes follow its newline.
 */
#include "ctl_verb_priv.h"

#include <errno.h>
#include <string.h>

#define MAX_STROKES 4096

static int fail_seat(json_t *reply, const char *what, int err)
{
    switch (err) {
    case -EOPNOTSUPP:
        return ctl_fail(reply, "the guest has no %s: a PC (--mode=hvm) has one",
                        what);
    case -EAGAIN:
        return ctl_fail(reply, "the guest reboots: try again");
    default:
        return ctl_fail(reply, "the %s: %s", what, strerror(-err));
    }
}

int ctl_run_screen(struct ctl_guest *guest, const json_t *request,
                   json_t *reply)
{
    const int ret = guest->ops->seat->screen(guest->ops->ctx, reply);

    (void)request;
    return ret < 0 ? fail_seat(reply, "display", ret) : 0;
}

int ctl_run_screenshot(struct ctl_guest *guest, const json_t *request,
                       json_t *reply)
{
    struct ctl_picture *p = &guest->picture;
    int ret;

    (void)request;
    if (guest->picture_busy)
        return ctl_fail(reply, "another picture is on its way: try again");
    ret = guest->ops->seat->picture(guest->ops->ctx, p);
    if (ret < 0)
        return fail_seat(reply, "display", ret);
    json_object_set_new(reply, "width", json_integer(p->width));
    json_object_set_new(reply, "height", json_integer(p->height));
    json_object_set_new(reply, "bytes", json_integer((json_int_t)p->size));
    return 0;
}

/* ---- sendkey ---- */

struct typing {
    struct key_stroke strokes[MAX_STROKES];
    unsigned n;
};

/* Append n strokes. False: there are too many. */
static bool add(struct typing *t, const struct key_stroke *s, int n)
{
    if (n < 0 || t->n + (unsigned)n > MAX_STROKES)
        return false;
    memcpy(t->strokes + t->n, s, (size_t)n * sizeof(*s));
    t->n += (unsigned)n;
    return true;
}

static int add_text(struct typing *t, const json_t *text, json_t *reply)
{
    const char *s = json_string_value(text);

    if (!text)
        return 0;
    if (!s)
        return ctl_fail(reply, "\"text\" must be a string");
    for (; *s; s++) {
        struct key_stroke strokes[4];
        const int n = keymap_type((unsigned char)*s, strokes);

        if (n < 0)
            return ctl_fail(reply, "text: a US keyboard has no key for one of "
                                   "the characters");
        if (!add(t, strokes, n))
            return ctl_fail(reply, "text: too long: give it in pieces");
    }
    return 0;
}

static int add_keys(struct typing *t, const json_t *keys, json_t *reply)
{
    if (keys && !json_is_array(keys))
        return ctl_fail(reply, "\"keys\" must be a list of strings");
    for (size_t i = 0; i < json_array_size(keys); i++) {
        struct key_stroke strokes[2 * KEYMAP_CHORD];
        const char *name = json_string_value(json_array_get(keys, i));
        const int n = name ? keymap_chord(name, strokes) : -EINVAL;

        if (n < 0)
            return ctl_fail(reply, "no key '%.32s': vmm(1) lists their names",
                            name ? name : "");
        if (!add(t, strokes, n))
            return ctl_fail(reply, "too many keys: give them in pieces");
    }
    return 0;
}

int ctl_run_sendkey(struct ctl_guest *guest, const json_t *request,
                    json_t *reply)
{
    struct typing t;
    int ret;

    t.n = 0;
    if (add_text(&t, json_object_get(request, "text"), reply) < 0 ||
        add_keys(&t, json_object_get(request, "keys"), reply) < 0)
        return -1;
    if (t.n == 0)
        return ctl_fail(reply, "nothing to type: give \"keys\" or \"text\"");
    ret = guest->ops->seat->type(guest->ops->ctx, t.strokes, t.n);
    if (ret == -ENOBUFS)
        return ctl_fail(reply, "the guest has not yet read what was typed "
                               "before: try again");
    if (ret < 0)
        return fail_seat(reply, "keyboard", ret);
    json_object_set_new(reply, "strokes", json_integer(t.n));
    return 0;
}
