/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vga_view.h: what a monitor would show: a picture, row by row, and, in text
 * modes, the characters.
 *
 * vga_look takes the registers' part of a picture; what is made of it is
 * read from memory at each row, which the guest may change meanwhile, as on
 * a screen. Whatever the registers hold, a picture is within VGA_MAX_WIDTH
 * and VGA_MAX_HEIGHT, and nothing outside of display memory is read. What
 * blinks on a monitor is shown always.
 *
 * The picture has the monitor's dots: a mode of 320 by 200 is one of 640 by
 * 400, as the VGA sends it.
 */
#ifndef VGA_VGA_VIEW_H
#define VGA_VGA_VIEW_H

#include "devices/vga/vga.h"

#define VGA_MAX_WIDTH  4608u /* 256 characters of 9 dots, twice as wide */
#define VGA_MAX_HEIGHT 1600u

/* Of vga_text_row: a character is at most three bytes. */
#define VGA_TEXT_COLS  256u
#define VGA_TEXT_BYTES (3 * VGA_TEXT_COLS + 1)

enum vga_kind {
    VGA_BLANK,  /* nothing is shown */
    VGA_TEXT,   /* characters */
    VGA_PLANES, /* a bit of each of four planes a dot */
    VGA_PAIRS,  /* the CGA's two bits a dot */
    VGA_BYTES,  /* 256 colours from four planes */
    VGA_FRAME,  /* the frame buffer */
};

struct vga_view {
    const struct vga *vga; /* borrowed */
    enum vga_kind kind;
    unsigned width; /* of the picture, in dots */
    unsigned height;
    /* of a text mode */
    unsigned cols;
    unsigned rows;
    unsigned cursor_col; /* not below cols: there is none */
    unsigned cursor_row;
    /* private to vga_view.c and vga_draw.c */
    unsigned cell_width;  /* dots of a character clock */
    unsigned cell_height; /* scan lines of a row */
    unsigned scale;       /* monitor dots of a dot */
    unsigned repeat;      /* monitor lines of a scan line */
    uint32_t start;       /* address counter at the first line */
    uint32_t pitch;       /* added to it with each row */
    unsigned preset;      /* scan line that the first row begins with */
    unsigned panning;     /* dots that are cut off at the left */
    unsigned split;       /* line behind which all begins anew at 0 */
    uint32_t cursor_at;   /* address counter under the cursor */
    uint32_t fonts[2];    /* where in plane 2, by bit 3 of the attribute */
    uint32_t colors[256]; /* of dots, 0x00RRGGBB */
};

void vga_look(const struct vga *v, struct vga_view *view);

/* Row y, below height: width dots of 0x00RRGGBB. */
void vga_draw_row(const struct vga_view *view, unsigned y, uint32_t *row);

/*
 * A row of characters as UTF-8, without blanks at its end. Returns the bytes
 * written; out has VGA_TEXT_BYTES and gets a final 0. row is below rows of a
 * text mode.
 */
unsigned vga_text_row(const struct vga_view *view, unsigned row, char *out);

/*
 * A row of characters as they are: the number in the font, and the attribute
 * above it; cells has VGA_TEXT_COLS. row as above.
 */
void vga_text_cells(const struct vga_view *view, unsigned row, uint16_t *cells);

/* A character as UTF-8: at most three bytes. Returns how many. */
unsigned vga_text_encode(unsigned ch, char *out);

#endif
