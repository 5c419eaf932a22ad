// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vga_draw.c: a row of the picture; see vga_view.h.
 *
 * The VGA's rows are made a character clock at a time: eight or nine dots
 * from the four planes' bytes at one address. A frame buffer's row is
 * converted dot by dot. Every index is bounded here: the address counter by
 * the planes' size, a frame buffer's row by what is left of memory.
 */
#include "devices/vga/vga_view_priv.h"

/* Dots on their way into a row: the first few may be cut off. */
struct out {
    uint32_t *row;
    unsigned width;
    unsigned at;
    unsigned skip;
    unsigned scale;
};

static void put(struct out *o, uint32_t color)
{
    if (o->skip) {
        o->skip--;
        return;
    }
    for (unsigned i = 0; i < o->scale && o->at < o->width; i++)
        o->row[o->at++] = color;
}

/* ---- text ---- */

static unsigned plane(uint32_t planes, unsigned p)
{
    return planes >> 8 * p & 0xff;
}

static uint8_t glyph_line(const struct vga_view *w, unsigned ch, unsigned attr,
                          unsigned scan)
{
    const uint32_t at =
        (w->fonts[attr >> 3 & 1] + 32 * ch + scan) & (VGA_PLANE_BYTES - 1);

    return w->vga->vram[(size_t)4 * at + 2];
}

static bool cursor_here(const struct vga_view *w, uint32_t counter,
                        unsigned scan)
{
    const struct vga *v = w->vga;
    const unsigned start = v->crtc[CRTC_CURSOR_START];

    return counter == w->cursor_at && !(start & 0x20) &&
           scan >= (start & 0x1f) && scan <= (v->crtc[CRTC_CURSOR_END] & 0x1fu);
}

static void put_char(const struct vga_view *w, struct out *o, uint32_t counter,
                     unsigned scan)
{
    const struct vga *v = w->vga;
    const uint32_t planes = vga_fetch(v, counter, scan);
    const unsigned ch = plane(planes, 0), attr = plane(planes, 1);
    const unsigned back =
        attr >> 4 & (v->ac[AC_MODE] & AC_MODE_BLINK ? 0x7u : 0xfu);
    unsigned bits = (unsigned)glyph_line(w, ch, attr, scan) << 1;

    /* The ninth dot: the eighth again for lines and boxes, else none. */
    if ((v->ac[AC_MODE] & AC_MODE_9TH_DOT) && (ch & 0xe0) == 0xc0)
        bits |= bits >> 1 & 1;
    if ((attr & 0x07) == 1 && scan == (v->crtc[CRTC_UNDERLINE] & 0x1fu))
        bits = 0x1ff;
    if (cursor_here(w, counter, scan))
        bits = 0x1ff;
    for (unsigned i = 0; i < w->cell_width; i++)
        put(o, w->colors[bits >> (8 - i) & 1 ? attr & 0x0f : back]);
}

/* ---- graphics ---- */

static void put_planes(const struct vga_view *w, struct out *o, uint32_t planes)
{
    for (unsigned i = 8; i-- > 0;) {
        const uint32_t bits = planes >> i;

        put(o, w->colors[(bits & 1) | (bits >> 7 & 2) | (bits >> 14 & 4) |
                         (bits >> 21 & 8)]);
    }
}

/* Planes 0 and 1 one after the other, two bits a dot; 2 and 3 above them. */
static void put_pairs(const struct vga_view *w, struct out *o, uint32_t planes)
{
    for (unsigned i = 0; i < 8; i++) {
        const unsigned p = i / 4, shift = 6 - 2 * (i % 4);
        const unsigned low = plane(planes, p) >> shift & 3;
        const unsigned high = plane(planes, p + 2) >> shift & 3;

        put(o, w->colors[low | high << 2]);
    }
}

/* A byte is a dot, and takes the time of two. */
static void put_bytes(const struct vga_view *w, struct out *o, uint32_t planes)
{
    for (unsigned p = 0; p < 4; p++) {
        put(o, w->colors[plane(planes, p)]);
        put(o, w->colors[plane(planes, p)]);
    }
}

static void draw_vga(const struct vga_view *w, unsigned y, uint32_t *row)
{
    const struct vga_line l = vga_line_at(w, y);
    struct out o = {.row = row,
                    .width = w->width,
                    .skip = w->kind == VGA_BYTES ? l.panning & 6u : l.panning,
                    .scale = w->scale};

    for (unsigned n = 0; o.at < o.width; n++) {
        const uint32_t counter = vga_counter(w->vga, l.address, n);

        if (w->kind == VGA_TEXT)
            put_char(w, &o, counter, l.scan);
        else if (w->kind == VGA_PLANES)
            put_planes(w, &o, vga_fetch(w->vga, counter, l.scan));
        else if (w->kind == VGA_PAIRS)
            put_pairs(w, &o, vga_fetch(w->vga, counter, l.scan));
        else
            put_bytes(w, &o, vga_fetch(w->vga, counter, l.scan));
    }
}

/* ---- the frame buffer ---- */

static uint32_t scaled(unsigned v, unsigned bits)
{
    return (v << (8 - bits) | v >> (2 * bits - 8)) & 0xff;
}

static uint32_t color_15(unsigned d)
{
    return scaled(d >> 10 & 31, 5) << 16 | scaled(d >> 5 & 31, 5) << 8 |
           scaled(d & 31, 5);
}

static uint32_t color_16(unsigned d)
{
    return scaled(d >> 11 & 31, 5) << 16 | scaled(d >> 5 & 63, 6) << 8 |
           scaled(d & 31, 5);
}

/* A dot of two bytes or more, lowest first. */
static uint32_t deep_color(const uint8_t *at, unsigned bpp)
{
    const unsigned low = at[0] | (unsigned)at[1] << 8;

    if (bpp == 15)
        return color_15(low);
    if (bpp == 16)
        return color_16(low);
    return low | (uint32_t)at[2] << 16;
}

static void draw_frame_planes(const struct vga_view *w, uint64_t first,
                              uint32_t *row)
{
    struct out o = {.row = row, .width = w->width, .scale = 1};

    for (uint64_t at = first; o.at < o.width; at++) {
        uint32_t planes = 0;

        if (at < VGA_VRAM / 4)
            memcpy(&planes, w->vga->vram + 4 * at, sizeof(planes));
        put_planes(w, &o, planes);
    }
}

static void draw_frame(const struct vga_view *w, unsigned y, uint32_t *row)
{
    const uint16_t *r = w->vga->dispi;
    const unsigned bpp = r[DISPI_BPP], bytes = (bpp + 7) / 8;
    const uint64_t line =
        (uint64_t)(y + r[DISPI_Y_OFFSET]) * vga_dispi_pitch(w->vga);
    const uint64_t first = line + (uint64_t)bytes * r[DISPI_X_OFFSET];
    const uint8_t *at = w->vga->vram + first;

    if (bpp == 4) {
        draw_frame_planes(w, line + r[DISPI_X_OFFSET] / 8, row);
        return;
    }
    if (first > VGA_VRAM || (uint64_t)bytes * w->width > VGA_VRAM - first) {
        memset(row, 0, w->width * sizeof(*row));
        return;
    }
    for (unsigned x = 0; x < w->width; x++, at += bytes)
        row[x] = bytes == 1 ? w->colors[*at] : deep_color(at, bpp);
}

void vga_draw_row(const struct vga_view *w, unsigned y, uint32_t *row)
{
    if (w->kind == VGA_BLANK)
        memset(row, 0, w->width * sizeof(*row));
    else if (w->kind == VGA_FRAME)
        draw_frame(w, y, row);
    else
        draw_vga(w, y, row);
}
