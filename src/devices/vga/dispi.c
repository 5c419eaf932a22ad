// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dispi.c: the "Bochs dispi" registers: modes beyond the VGA's; see vga.h.
 * Source: Bochs' and QEMU's descriptions of the VBE DISPI interface (vbe.txt,
 * standard-vga.txt), version 5.
 *
 * A mode is on or off. While it is on the registers always make a picture
 * that lies in memory: a value that would not is bent to the nearest that
 * does, and read back so. What is asked for while it is off is bent when it
 * is turned on.
 *
 * The same registers are reached by an index and a data port, and, in the
 * function's second memory BAR, each at an address of its own; the VGA's
 * ports 0x3c0 to 0x3df are there, too.
 */
#include "devices/vga/vga_priv.h"

#include <string.h>

#define VERSION     0xb0c5u
#define OLDEST      0xb0c0u
#define ENABLE_MASK 0xe3u

#define VRAM_64K (VGA_VRAM / 0x10000)

/* ---- which pictures there can be ---- */

static uint16_t clamp(uint32_t v, uint32_t low, uint32_t high)
{
    return (uint16_t)(v < low ? low : v > high ? high : v);
}

static uint16_t nearest_bpp(uint16_t bpp)
{
    static const uint8_t known[] = {4, 8, 15, 16, 24, 32};

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (bpp == known[i])
            return bpp;
    return 8;
}

/* Lines of that many bytes that fit into memory, or into a plane. */
static uint32_t lines_that_fit(const struct vga *v)
{
    const uint32_t memory = v->dispi[DISPI_BPP] == 4 ? VGA_VRAM / 4 : VGA_VRAM;

    return memory / vga_dispi_pitch(v);
}

/* Bend the registers to a picture in memory. */
static void fix(struct vga *v)
{
    uint16_t *r = v->dispi;
    uint32_t lines;

    r[DISPI_BPP] = nearest_bpp(r[DISPI_BPP]);
    r[DISPI_XRES] = clamp(r[DISPI_XRES], 8, DISPI_MAX_X) & 0xfff8u;
    r[DISPI_YRES] = clamp(r[DISPI_YRES], 1, DISPI_MAX_Y);
    /* At least a line: as wide as the picture, and as memory allows. */
    r[DISPI_VIRT_WIDTH] =
        clamp(r[DISPI_VIRT_WIDTH], r[DISPI_XRES], UINT16_MAX) & 0xfff8u;
    lines = lines_that_fit(v);
    if (lines < r[DISPI_YRES]) {
        r[DISPI_VIRT_WIDTH] = r[DISPI_XRES];
        lines = lines_that_fit(v);
    }
    r[DISPI_YRES] = clamp(r[DISPI_YRES], 1, lines);
    r[DISPI_VIRT_HEIGHT] = clamp(lines, 1, UINT16_MAX);
    r[DISPI_X_OFFSET] = clamp(r[DISPI_X_OFFSET], 0,
                              (uint32_t)r[DISPI_VIRT_WIDTH] - r[DISPI_XRES]);
    r[DISPI_Y_OFFSET] = clamp(r[DISPI_Y_OFFSET], 0,
                              (uint32_t)r[DISPI_VIRT_HEIGHT] - r[DISPI_YRES]);
}

/* A new mode begins at the top left, with an empty picture. */
static void turn_on(struct vga *v)
{
    v->dispi[DISPI_VIRT_WIDTH] = v->dispi[DISPI_XRES];
    v->dispi[DISPI_X_OFFSET] = 0;
    v->dispi[DISPI_Y_OFFSET] = 0;
    v->dispi[DISPI_BANK] = 0;
    fix(v);
    if (!(v->dispi[DISPI_ENABLE] & DISPI_KEEP)) {
        const unsigned planes = v->dispi[DISPI_BPP] == 4 ? 4 : 1;

        memset(v->vram, 0,
               (size_t)vga_dispi_pitch(v) * v->dispi[DISPI_YRES] * planes);
    }
}

static void set_enable(struct vga *v, uint16_t value)
{
    const bool was_on = vga_dispi_on(v);

    v->dispi[DISPI_ENABLE] = value & ENABLE_MASK;
    if (vga_dispi_on(v) && !was_on)
        turn_on(v);
    if (!vga_dispi_on(v))
        v->dispi[DISPI_BANK] = 0;
}

/* ---- registers ---- */

uint16_t vga_dispi_get(const struct vga *v, unsigned index)
{
    const bool caps = v->dispi[DISPI_ENABLE] & DISPI_GETCAPS;

    switch (index) {
    case DISPI_XRES:
        return caps ? DISPI_MAX_X : v->dispi[index];
    case DISPI_YRES:
        return caps ? DISPI_MAX_Y : v->dispi[index];
    case DISPI_BPP:
        return caps ? 32 : v->dispi[index];
    case DISPI_MEMORY:
        return VRAM_64K;
    default:
        return index < DISPI_REGS ? v->dispi[index] : 0;
    }
}

void vga_dispi_set(struct vga *v, unsigned index, uint16_t value)
{
    switch (index) {
    case DISPI_ID:
        if (value >= OLDEST && value <= VERSION)
            v->dispi[index] = value;
        return;
    case DISPI_ENABLE:
        set_enable(v, value);
        return;
    case DISPI_BANK:
        if (value < VRAM_64K)
            v->dispi[index] = value;
        return;
    case DISPI_XRES:
    case DISPI_YRES:
    case DISPI_BPP:
    case DISPI_VIRT_WIDTH:
    case DISPI_X_OFFSET:
    case DISPI_Y_OFFSET:
        v->dispi[index] = value;
        if (vga_dispi_on(v))
            fix(v);
        return;
    default:
        return;
    }
}

void vga_dispi_reset(struct vga *v)
{
    memset(v->dispi, 0, sizeof(v->dispi));
    v->dispi_index = 0;
    v->dispi[DISPI_ID] = VERSION;
}

/* ---- by ports: 16 bits of index, and of data one port behind ---- */

static uint16_t word(const void *data, unsigned n)
{
    uint16_t v = 0;

    memcpy(&v, data, n < sizeof(v) ? n : sizeof(v));
    return v;
}

static void answer(void *data, unsigned n, uint16_t v)
{
    memset(data, 0, n);
    memcpy(data, &v, n < sizeof(v) ? n : sizeof(v));
}

static void dispi_read(void *dev, uint64_t off, void *data, unsigned n)
{
    const struct vga *v = dev;

    answer(data, n, off ? vga_dispi_get(v, v->dispi_index) : v->dispi_index);
}

static void dispi_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct vga *v = dev;

    if (off)
        vga_dispi_set(v, v->dispi_index, word(data, n));
    else
        v->dispi_index = word(data, n);
}

const struct io_ops vga_dispi_ops = {
    .name = "vga-dispi",
    .read = dispi_read,
    .write = dispi_write,
};
