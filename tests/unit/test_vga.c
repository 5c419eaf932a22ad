// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The VGA's registers, by IBM's tables; the dispi registers, by both ways; the
 * PCI function.
 */
#include "vga_rig.h"

#include <linux/pci_regs.h>

#define LINE_NS 31778u

static void registers_keep_their_bits(void **state)
{
    static const struct {
        unsigned port;
        unsigned n;
        uint8_t bits[25];
    } parts[] = {
        {0x3c4, 5, {0x03, 0x3d, 0x0f, 0x3f, 0x0e}},
        {0x3ce, 9, {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff}},
    };
    struct rig *r = *state;

    for (unsigned p = 0; p < ARRAY_LEN(parts); p++) {
        for (unsigned i = 0; i < parts[p].n; i++) {
            set(r, parts[p].port, i, 0xff);
            assert_int_equal(get(r, parts[p].port, i), parts[p].bits[i]);
            set(r, parts[p].port, i, 0);
            assert_int_equal(get(r, parts[p].port, i), 0);
        }
        /* What is not there keeps nothing. */
        set(r, parts[p].port, parts[p].n, 0xff);
        assert_int_equal(get(r, parts[p].port, parts[p].n), 0);
    }
    assert_int_equal(inb(r, 0x3c4), 5);
    outb(r, 0x3ce, 0xf3);
    assert_int_equal(inb(r, 0x3ce), 3);
}

/* Bit 0 of Miscellaneous Output says where the CRT controller is. */
static void mono_or_color(void **state)
{
    struct rig *r = *state;

    outb(r, 0x3c2, 0x00);
    set(r, 0x3b4, 0x0e, 0x12);
    set(r, 0x3d4, 0x0e, 0x34);
    assert_int_equal(get(r, 0x3b4, 0x0e), 0x12);
    assert_int_equal(inb(r, 0x3d4), 0xff);
    outb(r, 0x3c2, 0x01);
    assert_int_equal(inb(r, 0x3cc), 0x01);
    assert_int_equal(get(r, 0x3d4, 0x0e), 0x12);
    assert_int_equal(inb(r, 0x3b5), 0xff);
    outb(r, 0x3da, 0x08);
    assert_int_equal(inb(r, 0x3ca), 0x08);
}

/* Bit 7 of register 11: 0 to 7 are protected, but for the line compare. */
static void timing_can_be_protected(void **state)
{
    struct rig *r = *state;

    outb(r, 0x3c2, 0x01);
    for (unsigned i = 0; i < 25; i++)
        set(r, 0x3d4, i, 0x55 & (i == 0x11 ? 0x7f : 0xff));
    set(r, 0x3d4, 0x11, 0x80);
    for (unsigned i = 0; i < 25; i++)
        if (i != 0x11)
            set(r, 0x3d4, i, 0xaa);
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(get(r, 0x3d4, i), 0x55);
    assert_int_equal(get(r, 0x3d4, 7), 0x45);
    for (unsigned i = 8; i < 25; i++)
        if (i != 0x11)
            assert_int_equal(get(r, 0x3d4, i), 0xaa);
    assert_int_equal(get(r, 0x3d4, 0x19), 0);
}

static void attribute_index_and_data(void **state)
{
    struct rig *r = *state;

    outb(r, 0x3c2, 0x01);
    (void)inb(r, 0x3da);
    outb(r, 0x3c0, 0x05);
    outb(r, 0x3c0, 0xff);
    outb(r, 0x3c0, 0x10);
    outb(r, 0x3c0, 0xff);
    outb(r, 0x3c0, 0x05);
    /* A look at the status: an index is next. */
    (void)inb(r, 0x3da);
    outb(r, 0x3c0, 0x10);
    assert_int_equal(inb(r, 0x3c0), 0x10);
    assert_int_equal(inb(r, 0x3c1), 0xef);
    (void)inb(r, 0x3da);
    outb(r, 0x3c0, 0x05);
    assert_int_equal(inb(r, 0x3c1), 0x3f);
    /* The display has the palette: it cannot be written. */
    (void)inb(r, 0x3da);
    outb(r, 0x3c0, 0x25);
    outb(r, 0x3c0, 0x01);
    assert_int_equal(inb(r, 0x3c1), 0x3f);
    outb(r, 0x3c0, 0x33);
    outb(r, 0x3c0, 0x07);
    assert_int_equal(inb(r, 0x3c1), 0x07);
    outb(r, 0x3c0, 0x1f);
    outb(r, 0x3c0, 0x07);
    assert_int_equal(inb(r, 0x3c1), 0);
}

static void dac(void **state)
{
    struct rig *r = *state;

    assert_int_equal(inb(r, 0x3c6), 0xff);
    outb(r, 0x3c8, 0xfe);
    assert_int_equal(inb(r, 0x3c7), 0);
    for (unsigned i = 0; i < 9; i++)
        outb(r, 0x3c9, 0xc0 + i);
    /* Six bits, and on to the next entry after three. */
    outb(r, 0x3c7, 0xfe);
    assert_int_equal(inb(r, 0x3c7), 3);
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(inb(r, 0x3c9), i);
    outb(r, 0x3c7, 0x00);
    assert_int_equal(inb(r, 0x3c9), 6);
    dispi_set(r, 4, 0x20);
    set_dac(r, 1, 0xfedcba);
    outb(r, 0x3c7, 1);
    assert_int_equal(inb(r, 0x3c9), 0xfe);
    assert_int_equal(inb(r, 0x3c9), 0xdc);
}

/* Retrace and blanking in the 400 lines' mode: 449 lines of 31.778 us. */
static void the_beam(void **state)
{
    static const struct {
        unsigned line;
        unsigned ns;
        uint8_t status;
    } looks[] = {
        {0, 0, 0x00},
        {0, 25421, 0x00},
        {0, 25422, 0x01},
        {399, 0, 0x00},
        {400, 0, 0x01},
        {411, 31777, 0x01},
        {412, 0, 0x09},
        {448, 31777, 0x09},
        {449, 0, 0x00},
        {449 * 70, 0, 0x00},
        {449 * 70 + 412, 5, 0x09},
    };
    struct rig *r = *state;

    set_mode(r, MODE_03);
    for (unsigned i = 0; i < ARRAY_LEN(looks); i++) {
        r->now = (uint64_t)looks[i].line * LINE_NS + looks[i].ns;
        assert_int_equal(inb(r, 0x3da), looks[i].status);
    }
}

/* Whatever the registers say, who waits for retrace sees it come and go. */
static void the_beam_never_stops(void **state)
{
    struct rig *r = *state;

    outb(r, 0x3c2, 0x01);
    for (unsigned v = 0; v < 0x100; v += 0x0f) {
        unsigned seen = 0;

        set(r, 0x3d4, 0x06, v);
        set(r, 0x3d4, 0x07, v);
        set(r, 0x3d4, 0x10, 0xff - v);
        for (unsigned line = 0; line < 1100; line++) {
            r->now += LINE_NS;
            seen |= inb(r, 0x3da) & 8 ? 2 : 1;
        }
        assert_int_equal(seen, 3);
    }
}

static void status0_has_a_monitor(void **state)
{
    struct rig *r = *state;

    assert_int_equal(inb(r, 0x3c2), 0x10);
    assert_int_equal(inb(r, 0x3c3), 1);
}

/* ---- dispi ---- */

static void dispi_id(void **state)
{
    struct rig *r = *state;

    assert_int_equal(dispi_get(r, 0), 0xb0c5);
    for (unsigned id = 0xb0c0; id <= 0xb0c5; id++) {
        dispi_set(r, 0, id);
        assert_int_equal(dispi_get(r, 0), id);
    }
    dispi_set(r, 0, 0xb0c6);
    assert_int_equal(dispi_get(r, 0), 0xb0c5);
    assert_int_equal(dispi_get(r, 10), VGA_VRAM / 0x10000);
    assert_int_equal(dispi_get(r, 11), 0);
    assert_int_equal(in(r, 0x1ce, 2), 11);
}

static void dispi_caps(void **state)
{
    struct rig *r = *state;

    dispi_set(r, 4, 0x02);
    assert_int_equal(dispi_get(r, 1), 2560);
    assert_int_equal(dispi_get(r, 2), 1600);
    assert_int_equal(dispi_get(r, 3), 32);
    dispi_set(r, 4, 0);
    assert_int_equal(dispi_get(r, 1), 0);
}

static void enable(struct rig *r, unsigned x, unsigned y, unsigned bpp)
{
    dispi_set(r, 4, 0);
    dispi_set(r, 1, x);
    dispi_set(r, 2, y);
    dispi_set(r, 3, bpp);
    dispi_set(r, 4, 0x41);
}

static void dispi_mode(void **state)
{
    struct rig *r = *state;

    vram(r)[100] = 1;
    enable(r, 1024, 768, 32);
    assert_int_equal(vram(r)[100], 0);
    assert_int_equal(dispi_get(r, 4), 0x41);
    assert_int_equal(dispi_get(r, 6), 1024);
    assert_int_equal(dispi_get(r, 7), VGA_VRAM / 4096);
    dispi_set(r, 6, 2048);
    assert_int_equal(dispi_get(r, 7), VGA_VRAM / 8192);
    dispi_set(r, 8, 5000);
    assert_int_equal(dispi_get(r, 8), 1024);
    dispi_set(r, 9, 5000);
    assert_int_equal(dispi_get(r, 9), 2048 - 768);
    /* Enabling again, or with "keep", clears nothing. */
    vram(r)[100] = 1;
    dispi_set(r, 4, 0x41);
    assert_int_equal(vram(r)[100], 1);
    dispi_set(r, 4, 0);
    dispi_set(r, 4, 0xc1);
    assert_int_equal(vram(r)[100], 1);
    assert_int_equal(dispi_get(r, 8), 0);
}

/* What does not fit is bent: into what there can be, and into memory. */
static void dispi_bends(void **state)
{
    static const struct {
        unsigned ask[3];
        unsigned get[3];
    } rows[] = {
        {{0, 0, 0}, {8, 1, 8}},
        {{1023, 767, 32}, {1016, 767, 32}},
        {{65535, 65535, 32}, {2560, 1600, 32}},
        {{640, 480, 7}, {640, 480, 8}},
        {{800, 600, 4}, {800, 600, 4}},
    };
    struct rig *r = *state;

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        enable(r, rows[i].ask[0], rows[i].ask[1], rows[i].ask[2]);
        for (unsigned n = 0; n < 3; n++)
            assert_int_equal(dispi_get(r, n + 1), rows[i].get[n]);
    }
    /* Lines too long for so many are as long as the picture. */
    enable(r, 2560, 1600, 32);
    dispi_set(r, 6, 4096);
    assert_int_equal(dispi_get(r, 6), 2560);
    dispi_set(r, 7, 1);
    assert_int_equal(dispi_get(r, 7), VGA_VRAM / (2560 * 4));
}

static void dispi_bank(void **state)
{
    struct rig *r = *state;

    outb(r, 0x3c2, 0x02);
    enable(r, 640, 480, 8);
    dispi_set(r, 5, 3);
    poke(r, WINDOW + 0x10, 0x11223344, 4);
    assert_int_equal(vram(r)[0x30010], 0x44);
    assert_int_equal(peek(r, WINDOW + 0x10, 4), 0x11223344);
    assert_int_equal(peek(r, WINDOW + 0x10000, 1), 0xff);
    dispi_set(r, 5, 255);
    poke(r, WINDOW + 0xffff, 0x77, 1);
    assert_int_equal(vram(r)[VGA_VRAM - 1], 0x77);
    dispi_set(r, 5, 256);
    assert_int_equal(dispi_get(r, 5), 255);
    dispi_set(r, 4, 0);
    assert_int_equal(dispi_get(r, 5), 0);
}

/* ---- the function ---- */

static uint32_t reg_get(struct rig *r, unsigned off, unsigned n)
{
    uint32_t v = UINT32_MAX;

    vga_func(r->vga)->bars[2].ops->read(r->vga, off, &v, n);
    return v;
}

static void reg_put(struct rig *r, unsigned off, uint32_t v, unsigned n)
{
    vga_func(r->vga)->bars[2].ops->write(r->vga, off, &v, n);
}

static void registers_in_memory(void **state)
{
    struct rig *r = *state;

    assert_int_equal(reg_get(r, 0x500, 2) & 0xffff, 0xb0c5);
    reg_put(r, 0x502, 800, 2);
    assert_int_equal(dispi_get(r, 1), 800);
    reg_put(r, 0x516, 1, 2);
    assert_int_equal(reg_get(r, 0x516, 2) & 0xffff, 0);
    /* Port 3c2, then 3d4 and 3d5. */
    reg_put(r, 0x402, 0x01, 1);
    assert_int_equal(inb(r, 0x3cc), 0x01);
    reg_put(r, 0x414, 0x560e, 2);
    assert_int_equal(get(r, 0x3d4, 0x0e), 0x56);
    assert_int_equal(reg_get(r, 0x415, 1) & 0xff, 0x56);
    /* Behind them, before them, across an end. */
    assert_int_equal(reg_get(r, 0x420, 4), 0);
    assert_int_equal(reg_get(r, 0x3fc, 4), 0);
    assert_int_equal(reg_get(r, 0xffc, 4), 0);
    reg_put(r, 0xffc, 0xffffffff, 4);
    reg_put(r, 0xffe, 0xffff, 2);
}

static void function(void **state)
{
    struct rig *r = *state;
    const struct pci_func *f = vga_func(r->vga);

    assert_int_equal(f->config[PCI_VENDOR_ID] | f->config[1] << 8, 0x1234);
    assert_int_equal(f->config[PCI_DEVICE_ID] | f->config[3] << 8, 0x1111);
    assert_int_equal(f->config[PCI_CLASS_DEVICE + 1], 0x03);
    assert_int_equal(f->bars[0].size, VGA_VRAM);
    assert_true(f->config[PCI_BASE_ADDRESS_0] & PCI_BASE_ADDRESS_MEM_PREFETCH);
    assert_int_equal(f->bars[2].size, 0x1000);
    assert_int_equal(f->bars[PCI_ROM_BAR].size, 0);
}

static void reset(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_12);
    enable(r, 640, 480, 32);
    vga_reset(r->vga);
    assert_int_equal(inb(r, 0x3cc), 0);
    assert_int_equal(dispi_get(r, 4), 0);
    assert_int_equal(get(r, 0x3ce, 8), 0);
    look(r);
    assert_int_equal(r->view.kind, VGA_BLANK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registers_keep_their_bits),
        TEST(mono_or_color),
        TEST(timing_can_be_protected),
        TEST(attribute_index_and_data),
        TEST(dac),
        TEST(the_beam),
        TEST(the_beam_never_stops),
        TEST(status0_has_a_monitor),
        TEST(dispi_id),
        TEST(dispi_caps),
        TEST(dispi_mode),
        TEST(dispi_bends),
        TEST(dispi_bank),
        TEST(registers_in_memory),
        TEST(function),
        TEST(reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
