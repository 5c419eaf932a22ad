// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vga_regs.c: the VGA's ports, a byte at a time; see vga.h. Source: IBM PS/2
 * Hardware Interface Technical Reference, Video Subsystem: the tables of each
 * of the five parts (general registers, sequencer, CRT controller, graphics
 * controller, attribute controller) and of the DAC.
 *
 * A register keeps the bits its table has; what they do is looked at where a
 * byte of memory is accessed or a picture is made. Retrace is told from the
 * time: a guest that waits for it waits as long as in front of a monitor.
 *
 * Not there: the interrupt of vertical retrace, which an AT has no line for;
 * the test bits; light pens.
 */
#include "devices/vga/vga_priv.h"

/* Ports, from VGA_PORTS. */
enum {
    PORT_MONO_INDEX = 0x04,
    PORT_MONO_DATA = 0x05,
    PORT_MONO_STATUS = 0x0a,
    PORT_AC = 0x10,
    PORT_AC_READ = 0x11,
    PORT_MISC_WRITE = 0x12, /* read: input status 0 */
    PORT_ENABLE = 0x13,
    PORT_SEQ_INDEX = 0x14,
    PORT_SEQ_DATA = 0x15,
    PORT_PEL_MASK = 0x16,
    PORT_DAC_READ = 0x17, /* read: the DAC's state */
    PORT_DAC_WRITE = 0x18,
    PORT_DAC_DATA = 0x19,
    PORT_FEATURE_READ = 0x1a,
    PORT_MISC_READ = 0x1c,
    PORT_GC_INDEX = 0x1e,
    PORT_GC_DATA = 0x1f,
    PORT_COLOR_INDEX = 0x24,
    PORT_COLOR_DATA = 0x25,
    PORT_COLOR_STATUS = 0x2a,
};

/* What a register's table has. */
static const uint8_t seq_masks[SEQ_REGS] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
static const uint8_t gc_masks[GC_REGS] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03,
                                          0x7b, 0x0f, 0x0f, 0xff};
static const uint8_t ac_masks[AC_REGS] = {
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f,
};

#define STATUS0_MONITOR   0x10u /* somebody loads the DAC's lines */
#define STATUS1_DISABLED  0x01u
#define STATUS1_V_RETRACE 0x08u

/* ---- input status 1: where the beam is ---- */

#define LINE_NS    31778u /* 31.47 kHz, of all of IBM's modes */
#define LINE_SHOWN 25422u

static unsigned v_bits(const struct vga *v, unsigned reg, unsigned bit8,
                       unsigned bit9)
{
    const unsigned over = v->crtc[CRTC_OVERFLOW];

    return v->crtc[reg] | (over >> bit8 & 1) << 8 | (over >> bit9 & 1) << 9;
}

static uint8_t status1(const struct vga *v)
{
    const unsigned total = v_bits(v, CRTC_V_TOTAL, 0, 5) + 2;
    const unsigned end = v_bits(v, CRTC_V_END, 1, 6) + 1;
    const uint64_t now = v->cfg.now(v->cfg.ctx);
    const unsigned line = (unsigned)(now / LINE_NS % total);
    unsigned retrace = v_bits(v, CRTC_V_RETRACE, 2, 7);
    uint8_t status = 0;

    /*
     * To the end of the frame, not for two lines: who has to leave the guest
     * for each look might never see so short a pulse.
     */
    if (retrace == 0 || retrace >= total)
        retrace = total - 1;
    if (line >= retrace)
        status |= STATUS1_V_RETRACE | STATUS1_DISABLED;
    if (line >= end || now % LINE_NS >= LINE_SHOWN)
        status |= STATUS1_DISABLED;
    return status;
}

/* ---- the CRT controller, at one of two places ---- */

static bool is_crtc(const struct vga *v, unsigned off)
{
    return (off >= PORT_COLOR_INDEX) == !!(v->misc & MISC_COLOR);
}

static uint8_t crtc_read(struct vga *v, unsigned off)
{
    if (!is_crtc(v, off))
        return 0xff;
    switch (off) {
    case PORT_MONO_INDEX:
    case PORT_COLOR_INDEX:
        return v->crtc_index;
    case PORT_MONO_DATA:
    case PORT_COLOR_DATA:
        return v->crtc_index < CRTC_REGS ? v->crtc[v->crtc_index] : 0;
    case PORT_MONO_STATUS:
    case PORT_COLOR_STATUS:
        v->ac_is_data = false;
        return status1(v);
    default:
        return 0xff;
    }
}

static void crtc_write_data(struct vga *v, uint8_t value)
{
    const unsigned i = v->crtc_index;

    if (i >= CRTC_REGS)
        return;
    if (i > CRTC_OVERFLOW || !(v->crtc[CRTC_V_RETRACE_END] & CRTC_PROTECT))
        v->crtc[i] = value;
    else if (i == CRTC_OVERFLOW) /* bit 8 of the line compare is not timing */
        v->crtc[i] = (uint8_t)((v->crtc[i] & ~0x10) | (value & 0x10));
}

static void crtc_write(struct vga *v, unsigned off, uint8_t value)
{
    if (!is_crtc(v, off))
        return;
    switch (off) {
    case PORT_MONO_INDEX:
    case PORT_COLOR_INDEX:
        v->crtc_index = value & 0x3f;
        break;
    case PORT_MONO_DATA:
    case PORT_COLOR_DATA:
        crtc_write_data(v, value);
        break;
    case PORT_MONO_STATUS:
    case PORT_COLOR_STATUS:
        v->feature = value & 0x08;
        break;
    default:
        break;
    }
}

/* ---- the attribute controller: index and data by turns ---- */

static void ac_write(struct vga *v, uint8_t value)
{
    const unsigned i = v->ac_index & 0x1f;

    v->ac_is_data = !v->ac_is_data;
    if (v->ac_is_data)
        v->ac_index = value & 0x3f;
    else if (i < AC_MODE ? !(v->ac_index & AC_INDEX_VIDEO) : i < AC_REGS)
        v->ac[i] = value & ac_masks[i];
}

static uint8_t ac_read_data(const struct vga *v)
{
    const unsigned i = v->ac_index & 0x1f;

    return i < AC_REGS ? v->ac[i] : 0;
}

/* ---- the DAC: three accesses to an entry ---- */

static void dac_begin(struct vga *v, uint8_t index, bool reading)
{
    v->dac_index = index;
    v->dac_part = 0;
    v->dac_reading = reading;
}

static void dac_next(struct vga *v)
{
    if (++v->dac_part < 3)
        return;
    v->dac_part = 0;
    v->dac_index++;
}

static uint8_t dac_read(struct vga *v)
{
    const uint8_t value = v->dac[v->dac_index][v->dac_part];

    dac_next(v);
    return value;
}

static void dac_write(struct vga *v, uint8_t value)
{
    const bool wide = v->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC;

    v->dac[v->dac_index][v->dac_part] = value & (wide ? 0xff : 0x3f);
    dac_next(v);
}

/* ---- the ports ---- */

uint8_t vga_port_read(struct vga *v, unsigned off)
{
    switch (off) {
    case PORT_AC:
        return v->ac_index;
    case PORT_AC_READ:
        return ac_read_data(v);
    case PORT_MISC_WRITE:
        return STATUS0_MONITOR;
    case PORT_ENABLE:
        return 1;
    case PORT_SEQ_INDEX:
        return v->seq_index;
    case PORT_SEQ_DATA:
        return v->seq_index < SEQ_REGS ? v->seq[v->seq_index] : 0;
    case PORT_PEL_MASK:
        return v->pel_mask;
    case PORT_DAC_READ:
        return v->dac_reading ? 3 : 0;
    case PORT_DAC_WRITE:
        return v->dac_index;
    case PORT_DAC_DATA:
        return dac_read(v);
    case PORT_FEATURE_READ:
        return v->feature;
    case PORT_MISC_READ:
        return v->misc;
    case PORT_GC_INDEX:
        return v->gc_index;
    case PORT_GC_DATA:
        return v->gc_index < GC_REGS ? v->gc[v->gc_index] : 0;
    default:
        return crtc_read(v, off);
    }
}

void vga_port_write(struct vga *v, unsigned off, uint8_t value)
{
    switch (off) {
    case PORT_AC:
        ac_write(v, value);
        break;
    case PORT_MISC_WRITE:
        v->misc = value;
        break;
    case PORT_SEQ_INDEX:
        v->seq_index = value & 0x07;
        break;
    case PORT_SEQ_DATA:
        if (v->seq_index < SEQ_REGS)
            v->seq[v->seq_index] = value & seq_masks[v->seq_index];
        break;
    case PORT_PEL_MASK:
        v->pel_mask = value;
        break;
    case PORT_DAC_READ:
        dac_begin(v, value, true);
        break;
    case PORT_DAC_WRITE:
        dac_begin(v, value, false);
        break;
    case PORT_DAC_DATA:
        dac_write(v, value);
        break;
    case PORT_GC_INDEX:
        v->gc_index = value & 0x0f;
        break;
    case PORT_GC_DATA:
        if (v->gc_index < GC_REGS)
            v->gc[v->gc_index] = value & gc_masks[v->gc_index];
        break;
    default:
        crtc_write(v, off, value);
        break;
    }
}

/* A wider access is one to each port, as on the ISA bus. */
static void ports_read(void *dev, uint64_t off, void *data, unsigned n)
{
    uint8_t *to = data;

    for (unsigned i = 0; i < n; i++)
        to[i] = vga_port_read(dev, (unsigned)off + i);
}

static void ports_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    const uint8_t *from = data;

    for (unsigned i = 0; i < n; i++)
        vga_port_write(dev, (unsigned)off + i, from[i]);
}

const struct io_ops vga_ports_ops = {
    .name = "vga",
    .read = ports_read,
    .write = ports_write,
};
