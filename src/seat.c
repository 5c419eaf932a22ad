// SPDX-License-Identifier: GPL-2.0-or-later
/* seat.c: see seat.h. */
#include "seat.h"

#include "devices/platform/i8042.h"
#include "devices/vga/vga_view.h"

#include <errno.h>
#include <stdlib.h>

/* More cells than that are cut off: an answer is one line of bounded size. */
#define MAX_CELLS 16384u

/* 0 and the screen as it is, or why there is none. */
static int look(const struct seat *s, struct vga_view *view)
{
    const struct vga *vga;

    if (!*s->board)
        return -EAGAIN;
    vga = board_display(*s->board);
    if (!vga)
        return -EOPNOTSUPP;
    vga_look(vga, view);
    return 0;
}

static void add_text(const struct vga_view *view, json_t *out)
{
    char row[VGA_TEXT_BYTES];
    json_t *lines = json_array();
    const unsigned most = MAX_CELLS / view->cols;

    for (unsigned i = 0; i < view->rows && i < most; i++) {
        vga_text_row(view, i, row);
        json_array_append_new(lines, json_string(row));
    }
    json_object_set_new(out, "text", lines);
    if (view->cursor_col < view->cols)
        json_object_set_new(
            out, "cursor",
            json_pack("[i, i]", (int)view->cursor_col, (int)view->cursor_row));
}

int seat_screen(struct seat *s, json_t *out)
{
    struct vga_view view;
    const int ret = look(s, &view);

    if (ret < 0)
        return ret;
    /* A screen that is off is one without text. */
    json_object_set_new(
        out, "graphics",
        json_boolean(view.kind != VGA_TEXT && view.kind != VGA_BLANK));
    json_object_set_new(out, "width", json_integer(view.width));
    json_object_set_new(out, "height", json_integer(view.height));
    if (view.kind == VGA_TEXT)
        add_text(&view, out);
    else if (view.kind == VGA_BLANK)
        json_object_set_new(out, "text", json_array());
    return 0;
}

int seat_picture(struct seat *s, struct ctl_picture *out)
{
    uint32_t row[VGA_MAX_WIDTH];
    struct vga_view view;
    const int ret = look(s, &view);
    uint8_t *to;

    if (ret < 0)
        return ret;
    *out = (struct ctl_picture){
        .size = (size_t)3 * view.width * view.height,
        .width = view.width,
        .height = view.height,
    };
    to = out->data = malloc(out->size);
    if (!to) {
        *out = (struct ctl_picture){0};
        return -ENOMEM;
    }
    for (unsigned y = 0; y < view.height; y++) {
        vga_draw_row(&view, y, row);
        for (unsigned x = 0; x < view.width; x++, to += 3) {
            to[0] = (uint8_t)(row[x] >> 16);
            to[1] = (uint8_t)(row[x] >> 8);
            to[2] = (uint8_t)row[x];
        }
    }
    return 0;
}

/* ---- the keyboard ---- */

static struct i8042 *keyboard(const struct seat *s)
{
    return *s->board ? board_keyboard(*s->board) : NULL;
}

static void stroke(void *ctx, unsigned key, bool down)
{
    struct i8042 *kbc = keyboard(ctx);

    if (kbc)
        i8042_key(kbc, key, down);
}

static bool idle(void *ctx)
{
    const struct i8042 *kbc = keyboard(ctx);

    return !kbc || i8042_keys_taken(kbc);
}

int seat_type(struct seat *s, const struct key_stroke *strokes, unsigned n)
{
    if (!*s->board)
        return -EAGAIN;
    if (!keyboard(s))
        return -EOPNOTSUPP;
    return typist_add(&s->typist, strokes, n);
}

void seat_init(struct seat *s, struct board **board, struct loop *loop)
{
    const struct typist_ops ops = {.stroke = stroke, .idle = idle, .ctx = s};

    s->board = board;
    typist_init(&s->typist, loop, &ops);
}

void seat_end(struct seat *s)
{
    typist_end(&s->typist);
}
