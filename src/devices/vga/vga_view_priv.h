/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vga_view_priv.h: where a line's bytes are; for the files that read them. */
#ifndef VGA_VGA_VIEW_PRIV_H
#define VGA_VGA_VIEW_PRIV_H

#include "devices/vga/vga_priv.h"
#include "devices/vga/vga_view.h"

#include <string.h>

/* What the CRT controller counts, at the beginning of a line. */
struct vga_line {
    uint32_t address;
    unsigned scan;    /* line of the row */
    unsigned panning; /* dots cut off at the left */
};

struct vga_line vga_line_at(const struct vga_view *view, unsigned y);

/* The address counter, n characters right of a line's beginning. */
static inline uint32_t vga_counter(const struct vga *v, uint32_t address,
                                   unsigned n)
{
    if (v->crtc[CRTC_UNDERLINE] & 0x20)
        return address + n / 4;
    return address + (v->crtc[CRTC_MODE] & 0x08 ? n / 2 : n);
}

/* The four planes' bytes where the counter points to on a scan line. */
static inline uint32_t vga_fetch(const struct vga *v, uint32_t counter,
                                 unsigned scan)
{
    const unsigned mode = v->crtc[CRTC_MODE];
    uint32_t a = counter, planes;

    if (v->crtc[CRTC_UNDERLINE] & 0x40) /* doublewords */
        a = a << 2 | (a >> 12 & 3);
    else if (!(mode & 0x40)) /* words */
        a = a << 1 | (a >> (mode & 0x20 ? 15 : 13) & 1);
    if (!(mode & 0x01)) /* two banks of lines, as the CGA has them */
        a = (a & ~0x2000u) | (scan & 1) << 13;
    if (!(mode & 0x02))
        a = (a & ~0x4000u) | (scan >> 1 & 1) << 14;
    a &= VGA_PLANE_BYTES - 1;
    memcpy(&planes, v->vram + (size_t)4 * a, sizeof(planes));
    return planes;
}

#endif
