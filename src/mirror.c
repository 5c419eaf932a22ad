// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mirror.c: see mirror.h.
 *
 * Twenty times a second the screen is compared with what the terminal shows,
 * and rows that differ are written anew, by the control sequences that every
 * terminal has (ECMA-48). What the terminal does not take in time is not
 * queued: the row is written when there is room, as it is then.
 *
 * Keys come as a terminal sends them (termkeys.h) and are typed at a typist's
 * pace.
 */
#include "mirror.h"

#include "devices/platform/i8042.h"
#include "devices/vga/vga_view.h"
#include "termkeys.h"
#include "typist.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_NS  50000000ull
#define MAX_ROWS 100u
#define ROW_ROOM 8192u /* a row of 256 cells, each of another colour */

struct mirror {
    const char *name;     /* borrowed: of the guest */
    struct board **board; /* borrowed */
    struct loop *loop;    /* borrowed */
    struct chr *chr;      /* owned */
    struct typist typist;
    struct loop_op timer;
    /* what the terminal shows */
    unsigned cols; /* 0: nothing of ours */
    unsigned rows;
    unsigned width; /* of a picture it was told of */
    unsigned cursor_col;
    unsigned cursor_row;
    uint16_t cells[MAX_ROWS][VGA_TEXT_COLS];
    char out[ROW_ROOM];
};

/* ---- the screen ---- */

/* The VGA's colours have red and blue the other way round. */
static unsigned sgr_color(unsigned c)
{
    return (c & 1) << 2 | (c & 2) | (c & 4) >> 2;
}

static unsigned put_color(char *out, unsigned attr)
{
    const unsigned fore = (attr & 8 ? 90 : 30) + sgr_color(attr);

    return (unsigned)sprintf(out, "\x1b[%u;%um", fore,
                             40 + sgr_color(attr >> 4));
}

static void put_row(struct mirror *m, unsigned row)
{
    const uint16_t *cells = m->cells[row];
    unsigned n = (unsigned)sprintf(m->out, "\x1b[%u;1H", row + 1);
    unsigned attr = 0x100; /* none yet */

    for (unsigned col = 0; col < m->cols; col++) {
        if (cells[col] >> 8 != attr)
            n += put_color(m->out + n, attr = cells[col] >> 8);
        n += vga_text_encode(cells[col] & 0xff, m->out + n);
    }
    n += (unsigned)sprintf(m->out + n, "\x1b[0m\x1b[K");
    chr_write(m->chr, m->out, n);
}

static void put_cursor(struct mirror *m, const struct vga_view *view)
{
    char out[64];
    int n;

    m->cursor_col = view->cursor_col;
    m->cursor_row = view->cursor_row;
    if (view->cursor_col < view->cols)
        n = sprintf(out, "\x1b[%u;%uH\x1b[?25h", view->cursor_row + 1,
                    view->cursor_col + 1);
    else
        n = sprintf(out, "\x1b[?25l");
    chr_write(m->chr, out, (size_t)n);
}

static void clear(struct mirror *m)
{
    static const char all[] = "\x1b[0m\x1b[2J\x1b[H";

    chr_write(m->chr, all, strlen(all));
    memset(m->cells, 0, sizeof(m->cells));
}

static void show_text(struct mirror *m, const struct vga_view *view)
{
    const unsigned rows = view->rows < MAX_ROWS ? view->rows : MAX_ROWS;
    bool any = false;

    if (view->cols != m->cols || rows != m->rows)
        clear(m);
    m->cols = view->cols;
    m->rows = rows;
    for (unsigned row = 0; row < rows; row++) {
        uint16_t cells[VGA_TEXT_COLS] = {0};

        if (chr_room(m->chr) < ROW_ROOM)
            return;
        vga_text_cells(view, row, cells);
        if (memcmp(cells, m->cells[row], sizeof(cells)) == 0)
            continue;
        memcpy(m->cells[row], cells, sizeof(cells));
        put_row(m, row);
        any = true;
    }
    if (any || view->cursor_col != m->cursor_col ||
        view->cursor_row != m->cursor_row)
        put_cursor(m, view);
}

static void show_picture(struct mirror *m, const struct vga_view *view)
{
    char out[160];
    int n;

    if (m->cols == 0 && m->width == view->width)
        return;
    clear(m);
    m->cols = 0;
    m->width = view->width;
    n = snprintf(out, sizeof(out),
                 "[graphics, %ux%u: 'vmm screenshot %.32s FILE' makes a "
                 "picture]\r\n",
                 view->width, view->height, m->name);
    chr_write(m->chr, out, (size_t)n);
}

static void on_timer(struct loop_op *op, int res)
{
    struct mirror *m = op->owner;
    const struct vga *vga = *m->board ? board_display(*m->board) : NULL;
    struct vga_view view;

    if (res < 0)
        return;
    if (vga) {
        vga_look(vga, &view);
        if (view.kind == VGA_TEXT)
            show_text(m, &view);
        else if (view.kind != VGA_BLANK)
            show_picture(m, &view);
    }
    loop_timer(m->loop, &m->timer, TICK_NS);
}

/* ---- the keyboard ---- */

static struct i8042 *keyboard(const struct mirror *m)
{
    return *m->board ? board_keyboard(*m->board) : NULL;
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

/* Nobody types faster than this; what is pasted faster may be cut short. */
static void on_readable(void *owner)
{
    struct mirror *m = owner;
    char in[256];
    size_t n;

    while ((n = chr_read(m->chr, in, sizeof(in))) > 0) {
        for (size_t at = 0; at < n;) {
            struct key_stroke strokes[TERMKEYS_MAX];
            unsigned n_strokes;

            at += termkeys_take(in + at, n - at, strokes, &n_strokes);
            if (typist_add(&m->typist, strokes, n_strokes) < 0)
                return;
        }
    }
}

/* ---- making ---- */

struct mirror *mirror_open(const char *name, struct board **board)
{
    struct mirror *m = calloc(1, sizeof(*m));

    if (!m) {
        log_error("--display: out of memory");
        return NULL;
    }
    m->name = name;
    m->board = board;
    m->chr = chr_open_stdio();
    if (m->chr)
        return m;
    free(m);
    return NULL;
}

int mirror_start(struct mirror *m, struct loop *loop)
{
    const struct typist_ops ops = {.stroke = stroke, .idle = idle, .ctx = m};
    const struct chr_front front = {.readable = on_readable, .owner = m};
    const int ret = chr_start(m->chr, loop);

    if (ret < 0)
        return ret;
    m->loop = loop;
    typist_init(&m->typist, loop, &ops);
    m->timer = (struct loop_op){.fn = on_timer, .owner = m};
    loop_timer(loop, &m->timer, TICK_NS);
    chr_attach(m->chr, &front);
    return 0;
}

/* The operator's next line begins below the guest's screen. */
static void leave(struct mirror *m)
{
    char out[64];
    const int n = snprintf(out, sizeof(out), "\x1b[0m\x1b[%u;1H\x1b[?25h\r\n",
                           m->rows ? m->rows : 1);

    if (m->cols)
        chr_write(m->chr, out, (size_t)n);
}

void mirror_close(struct mirror *m)
{
    if (!m)
        return;
    if (m->loop) {
        chr_attach(m->chr, NULL);
        typist_end(&m->typist);
        loop_drain(m->loop, &m->timer);
        leave(m);
    }
    chr_close(m->chr);
    free(m);
}

struct chr *mirror_chr(struct mirror *m)
{
    return m->chr;
}
