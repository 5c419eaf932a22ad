// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vga_mem.c: the processor's way to display memory through the window at
 * 0xa0000; see vga.h. Source: IBM PS/2 Hardware Interface Technical
 * Reference, Video Subsystem: "Video memory organization", sequencer
 * registers 2 and 4, graphics controller registers 0 to 8.
 *
 * An address becomes an offset and a set of planes: by chain 4 (two address
 * bits name the plane), by odd/even (one does), or as it is. A read fills the
 * latches with all four planes at the offset. A write goes through the
 * graphics controller, for all planes at once: a dword holds a byte of each.
 *
 * In a mode of the dispi interface with 8 bits a pixel and more the window is
 * 64 KiB of the frame buffer, chosen by the bank.
 *
 * Guest memory is never touched here; no offset leaves VGA_VRAM.
 */
#include "devices/vga/vga_priv.h"

#include <string.h>

/* Four bits, for planes, as bytes. */
static uint32_t spread(unsigned bits)
{
    uint32_t v = 0;

    for (unsigned p = 0; p < 4; p++)
        v |= (bits >> p & 1) * 0xffu << 8 * p;
    return v;
}

/* One byte in all planes. */
static uint32_t repeat(uint8_t byte)
{
    return byte * 0x01010101u;
}

/* Where the window shows memory: GC_MISC, bits 2 and 3. */
static bool window_offset(const struct vga *v, uint64_t off, uint32_t *out)
{
    static const struct {
        uint32_t base;
        uint32_t size;
    } maps[4] = {
        {0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
    const unsigned map = v->gc[GC_MISC] >> 2 & 3;

    if (!(v->misc & MISC_MEMORY) || off < maps[map].base ||
        off - maps[map].base >= maps[map].size)
        return false;
    *out = (uint32_t)off - maps[map].base;
    return true;
}

static uint32_t bank(const struct vga *v)
{
    return vga_dispi_on(v) ? (uint32_t)v->dispi[DISPI_BANK] << 16 : 0;
}

/* Is the window a piece of the frame buffer? */
static bool is_linear(const struct vga *v)
{
    return vga_dispi_on(v) && v->dispi[DISPI_BPP] > 4;
}

static uint8_t *linear_byte(const struct vga *v, uint64_t off)
{
    const uint64_t at = bank(v) + off;

    return off < 0x10000 && at < VGA_VRAM ? v->vram + at : NULL;
}

/* An access to planes: where, and which of them address bits choose. */
struct place {
    uint32_t index; /* of the dword */
    unsigned write; /* planes, one bit each */
    unsigned read;  /* the plane that is read */
};

static bool find_place(const struct vga *v, uint64_t off, struct place *p)
{
    uint32_t a;

    if (!window_offset(v, off, &a))
        return false;
    p->write = 0xf;
    p->read = v->gc[GC_READ_MAP];
    if (v->seq[SEQ_MEMORY] & MEMORY_CHAIN4) {
        p->read = a & 3;
        p->write = 1u << p->read;
        a = (a & 0xfffcu) | (a >> 14 & 3);
    } else {
        if (!(v->seq[SEQ_MEMORY] & MEMORY_LINEAR))
            p->write = a & 1 ? 0xa : 0x5;
        if (v->gc[GC_MODE] & GC_MODE_ODD_EVEN)
            p->read = (p->read & 2) | (a & 1);
        if (v->gc[GC_MISC] & GC_MISC_ODD_EVEN)
            a &= ~1u;
    }
    p->write &= v->seq[SEQ_MAP_MASK];
    p->index = bank(v) + (a & (VGA_PLANE_BYTES - 1));
    return p->index < VGA_VRAM / 4;
}

static uint32_t get_dword(const struct vga *v, uint32_t index)
{
    uint32_t d;

    memcpy(&d, v->vram + (size_t)4 * index, sizeof(d));
    return d;
}

/* Bits are one where all planes that count have the colour. */
static uint8_t compare_color(const struct vga *v)
{
    const uint32_t care = spread(v->gc[GC_DONT_CARE]);
    const uint32_t d = (v->latch ^ spread(v->gc[GC_COMPARE])) & care;

    return (uint8_t) ~(d | d >> 8 | d >> 16 | d >> 24);
}

static uint8_t read_byte(struct vga *v, uint64_t off)
{
    struct place p;

    if (is_linear(v)) {
        const uint8_t *at = linear_byte(v, off);

        return at ? *at : 0xff;
    }
    if (!find_place(v, off, &p))
        return 0xff;
    v->latch = get_dword(v, p.index);
    if (v->gc[GC_MODE] & GC_MODE_COMPARE)
        return compare_color(v);
    return (uint8_t)(v->latch >> 8 * p.read);
}

static uint32_t combine(const struct vga *v, uint32_t d)
{
    switch (v->gc[GC_ROTATE] >> 3 & 3) {
    case 1:
        return d & v->latch;
    case 2:
        return d | v->latch;
    case 3:
        return d ^ v->latch;
    default:
        return d;
    }
}

static uint8_t rotate(const struct vga *v, uint8_t byte)
{
    const unsigned n = v->gc[GC_ROTATE] & 7;

    return (uint8_t)(byte >> n | byte << (8 - n));
}

/* What the graphics controller makes of a byte: a byte for each plane. */
static uint32_t transform(const struct vga *v, uint8_t byte)
{
    const uint32_t set_reset = spread(v->gc[GC_SET_RESET]);
    uint32_t mask = repeat(v->gc[GC_BIT_MASK]);
    uint32_t enable, d;

    switch (v->gc[GC_MODE] & GC_MODE_WRITE) {
    case 0:
        enable = spread(v->gc[GC_ENABLE_SET_RESET]);
        d = (repeat(rotate(v, byte)) & ~enable) | (set_reset & enable);
        break;
    case 1:
        return v->latch;
    case 2:
        d = spread(byte);
        break;
    default:
        mask &= repeat(rotate(v, byte));
        d = set_reset;
        break;
    }
    return (combine(v, d) & mask) | (v->latch & ~mask);
}

static void write_byte(struct vga *v, uint64_t off, uint8_t byte)
{
    struct place p;
    uint32_t planes, d;

    if (is_linear(v)) {
        uint8_t *at = linear_byte(v, off);

        if (at)
            *at = byte;
        return;
    }
    if (!find_place(v, off, &p))
        return;
    planes = spread(p.write);
    d = (transform(v, byte) & planes) | (get_dword(v, p.index) & ~planes);
    memcpy(v->vram + (size_t)4 * p.index, &d, sizeof(d));
}

static void window_read(void *dev, uint64_t off, void *data, unsigned n)
{
    uint8_t *to = data;

    for (unsigned i = 0; i < n; i++)
        to[i] = read_byte(dev, off + i);
}

static void window_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    const uint8_t *from = data;

    for (unsigned i = 0; i < n; i++)
        write_byte(dev, off + i, from[i]);
}

const struct io_ops vga_window_ops = {
    .name = "vga-memory",
    .read = window_read,
    .write = window_write,
};
