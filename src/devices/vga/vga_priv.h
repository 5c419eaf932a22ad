/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vga_priv.h: the state of the VGA, shared by the files of src/devices/vga.
 * Register names are those of IBM's PS/2 Hardware Interface Technical
 * Reference, Video Subsystem (May 1992).
 */
#ifndef VGA_VGA_PRIV_H
#define VGA_VGA_PRIV_H

#include "devices/vga/vga.h"

#define VGA_PLANE_BYTES 0x10000u /* of each of the four planes */

/* Miscellaneous Output */
#define MISC_COLOR  0x01u /* CRT controller at 3dx, else at 3bx */
#define MISC_MEMORY 0x02u /* the processor reaches display memory */

enum {
    SEQ_CLOCKING = 1,
    SEQ_MAP_MASK,
    SEQ_CHAR_MAP,
    SEQ_MEMORY,
    SEQ_REGS,
};

#define CLOCKING_8DOTS 0x01u
#define CLOCKING_HALF  0x08u
#define CLOCKING_OFF   0x20u
#define MEMORY_LINEAR  0x04u /* not odd/even */
#define MEMORY_CHAIN4  0x08u

enum {
    GC_SET_RESET,
    GC_ENABLE_SET_RESET,
    GC_COMPARE,
    GC_ROTATE,
    GC_READ_MAP,
    GC_MODE,
    GC_MISC,
    GC_DONT_CARE,
    GC_BIT_MASK,
    GC_REGS,
};

#define GC_MODE_WRITE    0x03u
#define GC_MODE_COMPARE  0x08u
#define GC_MODE_ODD_EVEN 0x10u
#define GC_MODE_PAIRS    0x20u /* two bits a pixel from pairs of planes */
#define GC_MODE_256      0x40u
#define GC_MISC_GRAPHICS 0x01u
#define GC_MISC_ODD_EVEN 0x02u

enum {
    AC_MODE = 0x10,
    AC_OVERSCAN,
    AC_PLANES,
    AC_PANNING,
    AC_COLOR_SELECT,
    AC_REGS,
};

#define AC_INDEX_VIDEO  0x20u /* the palette is the display's */
#define AC_MODE_9TH_DOT 0x04u
#define AC_MODE_BLINK   0x08u
#define AC_MODE_PAN_TOP 0x20u
#define AC_MODE_P54     0x80u

enum {
    CRTC_H_END = 0x01,
    CRTC_V_TOTAL = 0x06,
    CRTC_OVERFLOW,
    CRTC_PRESET,
    CRTC_MAX_SCAN,
    CRTC_CURSOR_START,
    CRTC_CURSOR_END,
    CRTC_START_HIGH,
    CRTC_START_LOW,
    CRTC_CURSOR_HIGH,
    CRTC_CURSOR_LOW,
    CRTC_V_RETRACE,
    CRTC_V_RETRACE_END,
    CRTC_V_END,
    CRTC_OFFSET,
    CRTC_UNDERLINE,
    CRTC_MODE = 0x17,
    CRTC_LINE_COMPARE,
    CRTC_REGS,
};

#define CRTC_PROTECT 0x80u /* in V_RETRACE_END: registers 0 to 7 */

/* The dispi interface, version 5. */
enum {
    DISPI_ID,
    DISPI_XRES,
    DISPI_YRES,
    DISPI_BPP,
    DISPI_ENABLE,
    DISPI_BANK,
    DISPI_VIRT_WIDTH,
    DISPI_VIRT_HEIGHT,
    DISPI_X_OFFSET,
    DISPI_Y_OFFSET,
    DISPI_MEMORY,
    DISPI_REGS,
};

#define DISPI_ON       0x01u
#define DISPI_GETCAPS  0x02u
#define DISPI_8BIT_DAC 0x20u
#define DISPI_LFB      0x40u
#define DISPI_KEEP     0x80u /* enabling does not clear memory */

#define DISPI_MAX_X 2560u
#define DISPI_MAX_Y 1600u

struct vga {
    struct vga_config cfg;
    struct pci_func func;
    uint8_t *vram; /* owned mapping, VGA_VRAM bytes */
    uint8_t misc;
    uint8_t feature;
    uint8_t seq_index;
    uint8_t seq[SEQ_REGS];
    uint8_t gc_index;
    uint8_t gc[GC_REGS];
    uint8_t crtc_index;
    uint8_t crtc[CRTC_REGS];
    uint8_t ac_index;
    bool ac_is_data; /* the next write to 3c0 is for a register */
    uint8_t ac[AC_REGS];
    uint8_t pel_mask;
    uint8_t dac_index;
    uint8_t dac_part; /* red, green, blue: which is next */
    bool dac_reading;
    uint8_t dac[256][3];
    uint32_t latch; /* a byte for each plane */
    uint16_t dispi_index;
    uint16_t dispi[DISPI_REGS]; /* as in force */
};

/* dispi.c */
void vga_dispi_reset(struct vga *v);
uint16_t vga_dispi_get(const struct vga *v, unsigned index);
void vga_dispi_set(struct vga *v, unsigned index, uint16_t value);

static inline bool vga_dispi_on(const struct vga *v)
{
    return v->dispi[DISPI_ENABLE] & DISPI_ON;
}

/* Bytes from one line to the next; of a plane's, with 4 bits a pixel. */
static inline uint32_t vga_dispi_pitch(const struct vga *v)
{
    const uint32_t width = v->dispi[DISPI_VIRT_WIDTH];
    const unsigned bpp = v->dispi[DISPI_BPP];

    return bpp == 4 ? width / 8 : width * ((bpp + 7) / 8);
}

/* vga_regs.c: one port of the VGA, counted from VGA_PORTS. */
uint8_t vga_port_read(struct vga *v, unsigned off);
void vga_port_write(struct vga *v, unsigned off, uint8_t value);

#endif
