// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vga_view.c: from registers to the shape of a picture; see vga_view.h.
 * Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem
 * (CRT controller: display end, offset, start address, line compare, preset
 * row scan; attribute controller: palette, color select, panning).
 */
#include "devices/vga/vga_view_priv.h"

/* ---- colours ---- */

static unsigned eight_bits(const struct vga *v, uint8_t c)
{
    if (v->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC)
        return c;
    return (unsigned)(c << 2 | c >> 4) & 0xff;
}

static uint32_t dac_color(const struct vga *v, unsigned i)
{
    const uint8_t *c = v->dac[i & v->pel_mask];

    return eight_bits(v, c[0]) << 16 | eight_bits(v, c[1]) << 8 |
           eight_bits(v, c[2]);
}

/* A dot of four bits goes through the attribute controller's palette. */
static uint32_t palette_color(const struct vga *v, unsigned dot)
{
    const unsigned select = v->ac[AC_COLOR_SELECT];
    unsigned i = v->ac[dot & v->ac[AC_PLANES] & 0x0f];

    if (v->ac[AC_MODE] & AC_MODE_P54)
        i = (i & 0x0f) | (select & 0x03) << 4;
    return dac_color(v, i | (select & 0x0c) << 4);
}

static void look_colors(struct vga_view *w)
{
    const bool bytes = w->kind == VGA_BYTES ||
                       (w->kind == VGA_FRAME && w->vga->dispi[DISPI_BPP] == 8);

    for (unsigned i = 0; i < ARRAY_LEN(w->colors); i++)
        w->colors[i] = bytes ? dac_color(w->vga, i) : palette_color(w->vga, i);
}

/* ---- the CRT controller ---- */

static unsigned over(const struct vga *v, unsigned bit, unsigned to)
{
    return (unsigned)(v->crtc[CRTC_OVERFLOW] >> bit & 1) << to;
}

static unsigned lines_shown(const struct vga *v)
{
    return (v->crtc[CRTC_V_END] | over(v, 1, 8) | over(v, 6, 9)) + 1u;
}

static unsigned line_compare(const struct vga *v)
{
    return v->crtc[CRTC_LINE_COMPARE] | over(v, 4, 8) |
           (unsigned)(v->crtc[CRTC_MAX_SCAN] >> 6 & 1) << 9;
}

static unsigned word(const struct vga *v, unsigned high)
{
    return (unsigned)v->crtc[high] << 8 | v->crtc[high + 1];
}

/* Nine dots of text begin with the ninth: 8 is none, 0 is one. */
static unsigned panning(const struct vga_view *w)
{
    const unsigned pan = w->vga->ac[AC_PANNING] & 0x0f;

    if (w->cell_width == 9)
        return pan >= 8 ? 0 : pan + 1;
    return pan & 7;
}

static void look_counters(struct vga_view *w)
{
    const struct vga *v = w->vga;

    w->cell_height = (v->crtc[CRTC_MAX_SCAN] & 0x1fu) + 1;
    w->repeat = v->crtc[CRTC_MAX_SCAN] & 0x80 ? 2 : 1;
    w->start = word(v, CRTC_START_HIGH) + (v->crtc[CRTC_PRESET] >> 5 & 3u);
    w->pitch = 2u * v->crtc[CRTC_OFFSET];
    w->preset = v->crtc[CRTC_PRESET] & 0x1fu;
    w->split = line_compare(v);
    w->panning = panning(w);
}

struct vga_line vga_line_at(const struct vga_view *w, unsigned y)
{
    struct vga_line l = {.address = w->start, .panning = w->panning};
    unsigned line = y;

    if (y > w->split) {
        line = y - w->split - 1;
        l.address = 0;
        if (w->vga->ac[AC_MODE] & AC_MODE_PAN_TOP)
            l.panning = 0;
    }
    line /= w->repeat;
    if (y <= w->split)
        line += w->preset;
    l.address += line / w->cell_height * w->pitch;
    l.scan = line % w->cell_height;
    return l;
}

/* ---- text ---- */

/* Three bits of the character map select, as a place in plane 2. */
static uint32_t font_at(unsigned low, unsigned high)
{
    return (low & 3) * 0x4000u + (high & 1) * 0x2000u;
}

static void look_cursor(struct vga_view *w)
{
    const struct vga *v = w->vga;
    const uint32_t at = word(v, CRTC_CURSOR_HIGH);
    const unsigned start = v->crtc[CRTC_CURSOR_START];

    w->cursor_at = at;
    w->cursor_col = w->cols;
    w->cursor_row = w->rows;
    if ((start & 0x20) || (start & 0x1fu) > (v->crtc[CRTC_CURSOR_END] & 0x1fu))
        return;
    for (unsigned row = 0; row < w->rows; row++) {
        const struct vga_line l =
            vga_line_at(w, row * w->cell_height * w->repeat);

        if (at < l.address || at - l.address >= w->cols)
            continue;
        w->cursor_col = at - l.address;
        w->cursor_row = row;
        return;
    }
}

static void look_text(struct vga_view *w)
{
    const struct vga *v = w->vga;
    const unsigned map = v->seq[SEQ_CHAR_MAP];
    const unsigned row = w->cell_height * w->repeat;

    w->fonts[1] = font_at(map >> 2, map >> 5);
    w->fonts[0] = font_at(map, map >> 4);
    w->cols = v->crtc[CRTC_H_END] + 1u;
    w->rows = (w->height + row - 1) / row;
    look_cursor(w);
}

/* ---- all of it ---- */

static enum vga_kind kind_of(const struct vga *v)
{
    if ((v->seq[SEQ_CLOCKING] & CLOCKING_OFF) ||
        !(v->ac_index & AC_INDEX_VIDEO))
        return VGA_BLANK;
    if (!(v->gc[GC_MISC] & GC_MISC_GRAPHICS))
        return VGA_TEXT;
    if (v->gc[GC_MODE] & GC_MODE_256)
        return VGA_BYTES;
    return v->gc[GC_MODE] & GC_MODE_PAIRS ? VGA_PAIRS : VGA_PLANES;
}

void vga_look(const struct vga *v, struct vga_view *w)
{
    *w = (struct vga_view){.vga = v, .width = 640, .height = 480};
    w->kind = vga_dispi_on(v) ? VGA_FRAME : kind_of(v);
    if (w->kind == VGA_FRAME) {
        w->width = v->dispi[DISPI_XRES];
        w->height = v->dispi[DISPI_YRES];
    } else if (w->kind != VGA_BLANK) {
        const bool nine =
            w->kind == VGA_TEXT && !(v->seq[SEQ_CLOCKING] & CLOCKING_8DOTS);

        w->cell_width = nine ? 9 : 8;
        w->scale = v->seq[SEQ_CLOCKING] & CLOCKING_HALF ? 2 : 1;
        w->width = (v->crtc[CRTC_H_END] + 1u) * w->cell_width * w->scale;
        w->height = lines_shown(v);
        look_counters(w);
    }
    if (w->kind == VGA_TEXT)
        look_text(w);
    look_colors(w);
}
