/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vga_rig.h: a VGA on a bus, driven through its ports as software does, and
 * IBM's standard modes as register values (PS/2 Hardware Interface Technical
 * Reference, Video Subsystem, "Video modes").
 */
#ifndef TESTS_VGA_RIG_H
#define TESTS_VGA_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/bus.h"
#include "devices/vga/vga.h"
#include "devices/vga/vga_view.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW 0xa0000u

struct rig {
    struct bus *bus;
    struct vga *vga;
    uint64_t now;
    struct vga_view view;
    uint32_t row[VGA_MAX_WIDTH];
};

struct vga_mode {
    uint8_t misc;
    uint8_t seq[4]; /* registers 1 to 4 */
    uint8_t crtc[25];
    uint8_t gc[9];
    uint8_t ac[21];
};

enum { MODE_03, MODE_04, MODE_06, MODE_0D, MODE_10, MODE_12, MODE_13 };

#define AC_CGA(mode, planes)                                                \
    0x00, 0x13, 0x15, 0x17, 0x02, 0x04, 0x06, 0x07, 0x10, 0x11, 0x12, 0x13, \
        0x14, 0x15, 0x16, 0x17, mode, 0x00, planes, 0x00, 0x00
#define AC_EGA(mode, pan)                                                   \
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, \
        0x3c, 0x3d, 0x3e, 0x3f, mode, 0x00, 0x0f, pan, 0x00

static const struct vga_mode modes[] = {
    [MODE_03] = {0x67,
                 {0x00, 0x03, 0x00, 0x02},
                 {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00,
                  0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
                  0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
                 {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff},
                 {AC_EGA(0x0c, 0x08)}},
    [MODE_04] = {0x63,
                 {0x09, 0x03, 0x00, 0x02},
                 {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00,
                  0xc1, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
                  0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff},
                 {0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x0f, 0x00, 0xff},
                 {AC_CGA(0x01, 0x03)}},
    [MODE_06] = {0x63,
                 {0x01, 0x01, 0x00, 0x06},
                 {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00,
                  0xc1, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
                  0x8f, 0x28, 0x00, 0x96, 0xb9, 0xc2, 0xff},
                 {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0d, 0x00, 0xff},
                 {AC_CGA(0x01, 0x01)}},
    [MODE_0D] = {0x63,
                 {0x09, 0x0f, 0x00, 0x06},
                 {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00,
                  0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
                  0x8f, 0x14, 0x00, 0x96, 0xb9, 0xe3, 0xff},
                 {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff},
                 {AC_EGA(0x01, 0x00)}},
    [MODE_10] = {0xa3,
                 {0x01, 0x0f, 0x00, 0x06},
                 {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00,
                  0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x83, 0x85,
                  0x5d, 0x28, 0x0f, 0x63, 0xba, 0xe3, 0xff},
                 {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff},
                 {AC_EGA(0x01, 0x00)}},
    [MODE_12] = {0xe3,
                 {0x01, 0x0f, 0x00, 0x06},
                 {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00,
                  0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xea, 0x8c,
                  0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff},
                 {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff},
                 {AC_EGA(0x01, 0x00)}},
    [MODE_13] = {0x63,
                 {0x01, 0x0f, 0x00, 0x0e},
                 {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00,
                  0x41, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
                  0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
                 {0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff},
                 {AC_EGA(0x41, 0x00)}},
};

/* ---- accesses ---- */

static inline void out(struct rig *r, unsigned port, uint32_t v, unsigned n)
{
    bus_access(r->bus, SPACE_PIO, port, &v, n, true);
}

static inline void outb(struct rig *r, unsigned port, uint32_t v)
{
    out(r, port, v, 1);
}

static inline uint32_t in(struct rig *r, unsigned port, unsigned n)
{
    uint32_t v = 0;

    bus_access(r->bus, SPACE_PIO, port, &v, n, false);
    return v;
}

static inline uint8_t inb(struct rig *r, unsigned port)
{
    return (uint8_t)in(r, port, 1);
}

/* An indexed register: index and data in one word. */
static inline void set(struct rig *r, unsigned port, unsigned i, unsigned v)
{
    out(r, port, i | v << 8, 2);
}

static inline uint8_t get(struct rig *r, unsigned port, unsigned i)
{
    outb(r, port, i);
    return inb(r, port + 1);
}

/* The attribute controller; the display keeps the palette. */
static inline void set_ac(struct rig *r, unsigned i, unsigned v)
{
    (void)inb(r, 0x3da);
    outb(r, 0x3c0, i);
    outb(r, 0x3c0, v);
    outb(r, 0x3c0, 0x20);
}

static inline void set_dac(struct rig *r, unsigned i, uint32_t rgb)
{
    outb(r, 0x3c8, i);
    for (unsigned n = 3; n-- > 0;)
        outb(r, 0x3c9, rgb >> 8 * n & 0xff);
}

static inline void poke(struct rig *r, uint32_t at, uint64_t v, unsigned n)
{
    bus_access(r->bus, SPACE_MMIO, at, &v, n, true);
}

static inline uint64_t peek(struct rig *r, uint32_t at, unsigned n)
{
    uint64_t v = 0;

    bus_access(r->bus, SPACE_MMIO, at, &v, n, false);
    return v;
}

static inline void dispi_set(struct rig *r, unsigned i, unsigned v)
{
    out(r, 0x1ce, i, 2);
    out(r, 0x1cf, v, 2);
}

static inline uint16_t dispi_get(struct rig *r, unsigned i)
{
    out(r, 0x1ce, i, 2);
    return (uint16_t)in(r, 0x1cf, 2);
}

/* Display memory, as the frame buffer has it. */
static inline uint8_t *vram(struct rig *r)
{
    return vga_func(r->vga)->bars[0].ram;
}

/* The byte of a plane. */
static inline uint8_t *plane(struct rig *r, unsigned p, uint32_t at)
{
    return &vram(r)[4 * at + p];
}

/* ---- modes ---- */

/* DAC entry i is the colour i, i, i; the first 64 are told apart so. */
static inline void grey(struct rig *r)
{
    for (unsigned i = 0; i < 256; i++)
        set_dac(r, i, (i & 63) * 0x010101);
}

static inline uint32_t grey_of(unsigned i)
{
    return (i << 2 | i >> 4) * 0x010101u;
}

static inline void set_mode(struct rig *r, unsigned m)
{
    const struct vga_mode *mode = &modes[m];

    outb(r, 0x3c2, mode->misc);
    for (unsigned i = 0; i < 4; i++)
        set(r, 0x3c4, i + 1, mode->seq[i]);
    set(r, 0x3d4, 0x11, 0);
    for (unsigned i = 0; i < 25; i++)
        set(r, 0x3d4, i, mode->crtc[i]);
    for (unsigned i = 0; i < 9; i++)
        set(r, 0x3ce, i, mode->gc[i]);
    for (unsigned i = 0; i < 21; i++)
        set_ac(r, i, mode->ac[i]);
}

static inline void look(struct rig *r)
{
    vga_look(r->vga, &r->view);
}

/* A dot of the picture; after look(). */
static inline uint32_t dot(struct rig *r, unsigned x, unsigned y)
{
    assert_true(x < r->view.width && y < r->view.height);
    vga_draw_row(&r->view, y, r->row);
    return r->row[x];
}

/* ---- making ---- */

static inline uint64_t rig_now(void *ctx)
{
    return ((struct rig *)ctx)->now;
}

static inline int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    const struct vga_config cfg = {.now = rig_now, .ctx = r};

    assert_non_null(r);
    r->bus = bus_create();
    r->vga = vga_create(&cfg);
    assert_true(r->bus && r->vga);
    assert_int_equal(bus_claim(r->bus, SPACE_PIO, VGA_PORTS, VGA_PORTS_LEN,
                               &vga_ports_ops, r->vga),
                     0);
    assert_int_equal(bus_claim(r->bus, SPACE_PIO, VGA_DISPI, VGA_DISPI_LEN,
                               &vga_dispi_ops, r->vga),
                     0);
    assert_int_equal(bus_claim(r->bus, SPACE_MMIO, VGA_WINDOW, VGA_WINDOW_SIZE,
                               &vga_window_ops, r->vga),
                     0);
    *state = r;
    return 0;
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    vga_destroy(r->vga);
    bus_destroy(r->bus);
    free(r);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
