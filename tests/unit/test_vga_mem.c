// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Display memory through the window: which addresses and planes, and every
 * write and read mode of the graphics controller, by IBM's description.
 */
#include "vga_rig.h"

/* All planes, 64 KiB at 0xa0000, no odd/even, no chain: as mode 0x12. */
static void planar(struct rig *r)
{
    set_mode(r, MODE_12);
}

static uint32_t planes_at(struct rig *r, uint32_t at)
{
    return *plane(r, 0, at) | (uint32_t)*plane(r, 1, at) << 8 |
           (uint32_t)*plane(r, 2, at) << 16 | (uint32_t)*plane(r, 3, at) << 24;
}

static void put_planes(struct rig *r, uint32_t at, uint32_t v)
{
    for (unsigned p = 0; p < 4; p++)
        *plane(r, p, at) = (uint8_t)(v >> 8 * p);
}

static void four_maps(void **state)
{
    static const struct {
        uint32_t base, end;
    } maps[] = {
        {0xa0000, 0xc0000},
        {0xa0000, 0xb0000},
        {0xb0000, 0xb8000},
        {0xb8000, 0xc0000},
    };
    struct rig *r = *state;

    planar(r);
    for (unsigned m = 0; m < 4; m++) {
        set(r, 0x3ce, 6, 0x01 | m << 2);
        put_planes(r, 0, 0x04030201);
        for (uint32_t at = 0xa0000; at < 0xc0000; at += 0x8000) {
            const bool inside = at >= maps[m].base && at < maps[m].end;

            if (at == maps[m].base)
                assert_int_equal(peek(r, at, 1), 0x01);
            else if (!inside)
                assert_int_equal(peek(r, at, 1), 0xff);
        }
        poke(r, maps[m].base, 0x55, 1);
        assert_int_equal(planes_at(r, 0), 0x55555555);
        assert_int_equal(
            peek(r, maps[m].end - 1, 1),
            *plane(r, 0, (maps[m].end - 1 - maps[m].base) & 0xffff));
    }
    /* Turned off, nothing answers. */
    outb(r, 0x3c2, modes[MODE_12].misc & ~2u);
    assert_int_equal(peek(r, 0xb8000, 1), 0xff);
    poke(r, 0xb8000, 0x66, 1);
    assert_int_equal(planes_at(r, 0), 0x55555555);
}

static void map_mask(void **state)
{
    struct rig *r = *state;

    planar(r);
    for (unsigned mask = 0; mask < 16; mask++) {
        uint32_t want = 0;

        put_planes(r, 5, 0);
        set(r, 0x3c4, 2, mask);
        poke(r, WINDOW + 5, 0xa5, 1);
        for (unsigned p = 0; p < 4; p++)
            want |= (mask >> p & 1) * 0xa5u << 8 * p;
        assert_int_equal(planes_at(r, 5), want);
    }
}

static void read_mode_0(void **state)
{
    struct rig *r = *state;

    planar(r);
    put_planes(r, 7, 0xdeadbeef);
    for (unsigned p = 0; p < 4; p++) {
        set(r, 0x3ce, 4, p);
        assert_int_equal(peek(r, WINDOW + 7, 1), 0xdeadbeef >> 8 * p & 0xff);
    }
}

/* Bits whose colour is the one asked for, in the planes that count. */
static void read_mode_1(void **state)
{
    struct rig *r = *state;

    planar(r);
    /* Dots from the left: colours 0 to 7. */
    put_planes(r, 0, 0x000f3355);
    set(r, 0x3ce, 5, 0x08);
    set(r, 0x3ce, 7, 0x0f);
    for (unsigned c = 0; c < 8; c++) {
        set(r, 0x3ce, 2, c);
        assert_int_equal(peek(r, WINDOW, 1), 0x80 >> c);
    }
    set(r, 0x3ce, 2, 8);
    assert_int_equal(peek(r, WINDOW, 1), 0);
    /* Plane 0 does not count: pairs of colours are one. */
    set(r, 0x3ce, 7, 0x0e);
    set(r, 0x3ce, 2, 4);
    assert_int_equal(peek(r, WINDOW, 1), 0x0c);
    set(r, 0x3ce, 7, 0);
    assert_int_equal(peek(r, WINDOW, 1), 0xff);
}

/* Write mode 0: rotate, set/reset, function with the latch, bit mask. */
static void write_mode_0(void **state)
{
    static const struct {
        uint8_t set_reset, enable, rotate, mask, byte;
        uint32_t want; /* over a latch of 0x0f0f33cc */
    } rows[] = {
        {0x0, 0x0, 0x00, 0xff, 0x81, 0x81818181},
        {0x0, 0x0, 0x01, 0xff, 0x81, 0xc0c0c0c0},
        {0x0, 0x0, 0x07, 0xff, 0x81, 0x03030303},
        {0x5, 0xf, 0x00, 0xff, 0x81, 0x00ff00ff},
        {0x5, 0x3, 0x00, 0xff, 0x81, 0x818100ff},
        {0x0, 0x0, 0x08, 0xff, 0xf0, 0x000030c0},
        {0x0, 0x0, 0x10, 0xff, 0xf0, 0xfffff3fc},
        {0x0, 0x0, 0x18, 0xff, 0xf0, 0xffffc33c},
        {0x0, 0x0, 0x00, 0xf0, 0xff, 0xfffff3fc},
        {0x0, 0x0, 0x00, 0x00, 0xff, 0x0f0f33cc},
        {0xf, 0xf, 0x18, 0x0f, 0x00, 0x00003cc3},
    };
    struct rig *r = *state;

    planar(r);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        put_planes(r, 1, 0x0f0f33cc);
        put_planes(r, 2, 0);
        set(r, 0x3ce, 0, rows[i].set_reset);
        set(r, 0x3ce, 1, rows[i].enable);
        set(r, 0x3ce, 3, rows[i].rotate);
        set(r, 0x3ce, 8, rows[i].mask);
        (void)peek(r, WINDOW + 1, 1);
        poke(r, WINDOW + 2, rows[i].byte, 1);
        assert_int_equal(planes_at(r, 2), rows[i].want);
    }
}

/* Write mode 1: the latches, whatever the processor's byte. */
static void write_mode_1(void **state)
{
    struct rig *r = *state;

    planar(r);
    put_planes(r, 0x100, 0x12345678);
    set(r, 0x3ce, 5, 0x01);
    set(r, 0x3ce, 8, 0x00);
    (void)peek(r, WINDOW + 0x100, 1);
    poke(r, WINDOW + 0x200, 0xffffffff, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(planes_at(r, 0x200 + i), 0x12345678);
    set(r, 0x3c4, 2, 0x6);
    poke(r, WINDOW + 0x300, 0, 1);
    assert_int_equal(planes_at(r, 0x300), 0x00345600);
}

/* Write mode 2: a colour for all dots, by bit mask and function. */
static void write_mode_2(void **state)
{
    struct rig *r = *state;

    planar(r);
    set(r, 0x3ce, 5, 0x02);
    poke(r, WINDOW, 0xfa, 1);
    assert_int_equal(planes_at(r, 0), 0xff00ff00);
    set(r, 0x3ce, 8, 0x80);
    (void)peek(r, WINDOW, 1);
    poke(r, WINDOW, 0x05, 1);
    assert_int_equal(planes_at(r, 0), 0x7f807f80);
    set(r, 0x3ce, 3, 0x18);
    (void)peek(r, WINDOW, 1);
    poke(r, WINDOW, 0x0f, 1);
    assert_int_equal(planes_at(r, 0), 0xff00ff00);
}

/* Write mode 3: set/reset where the byte and the bit mask have ones. */
static void write_mode_3(void **state)
{
    struct rig *r = *state;

    planar(r);
    put_planes(r, 0, 0x33333333);
    set(r, 0x3ce, 5, 0x03);
    set(r, 0x3ce, 0, 0x9);
    set(r, 0x3ce, 1, 0x0); /* has no say here */
    set(r, 0x3ce, 8, 0xfc);
    set(r, 0x3ce, 3, 0x04);
    (void)peek(r, WINDOW, 1);
    poke(r, WINDOW, 0x3c, 1); /* rotated c3, masked c0 */
    assert_int_equal(planes_at(r, 0), 0xf33333f3 & ~0x00c0c000u);
}

/* Chain 4: the two lowest bits are the plane. */
static void chain_4(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_13);
    poke(r, WINDOW, 0x0807060504030201, 8);
    assert_int_equal(planes_at(r, 0), 0x04030201);
    assert_int_equal(planes_at(r, 4), 0x08070605);
    assert_int_equal(planes_at(r, 1), 0);
    assert_true(peek(r, WINDOW, 8) == 0x0807060504030201);
    /* Bits 14 and 15 take the place of those two. */
    poke(r, WINDOW + 0xc000, 0x0d0c0b0a, 4);
    assert_int_equal(planes_at(r, 0xc003), 0x0d0c0b0a);
    /* The map mask counts as ever. */
    set(r, 0x3c4, 2, 0x8);
    poke(r, WINDOW, 0xffffffff, 4);
    assert_int_equal(planes_at(r, 0), 0xff030201);
}

/* Odd/even: characters in plane 0, attributes in plane 1. */
static void odd_even(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_03);
    poke(r, 0xb8000, 0x1f421f41, 4);
    assert_int_equal(planes_at(r, 0), 0x1f41);
    assert_int_equal(planes_at(r, 2), 0x1f42);
    assert_int_equal(planes_at(r, 1), 0);
    assert_int_equal(peek(r, 0xb8000, 4), 0x1f421f41);
    assert_int_equal(peek(r, 0xb8002, 1), 0x42);
    /* Planes 2 and 3, where the map mask and the read map say so. */
    set(r, 0x3c4, 2, 0xc);
    poke(r, 0xb8000, 0x6655, 2);
    assert_int_equal(planes_at(r, 0), 0x66551f41);
    set(r, 0x3ce, 4, 2);
    assert_int_equal(peek(r, 0xb8000, 2), 0x6655);
}

/* How firmware loads a font: plane 2 alone, byte after byte. */
static void a_font_is_loaded(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_03);
    set(r, 0x3c4, 2, 0x04);
    set(r, 0x3c4, 4, 0x06);
    set(r, 0x3ce, 4, 0x02);
    set(r, 0x3ce, 5, 0x00);
    set(r, 0x3ce, 6, 0x04);
    poke(r, 0xa0000 + 32 * 'A', 0x0102030405060708, 8);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(*plane(r, 2, 32 * 'A' + i), 8 - i);
    assert_true(peek(r, 0xa0000 + 32 * 'A', 8) == 0x0102030405060708);
}

/* Four bits a pixel: planes as ever, further away by the bank. */
static void planes_of_a_frame(void **state)
{
    struct rig *r = *state;

    planar(r);
    dispi_set(r, 1, 800);
    dispi_set(r, 2, 600);
    dispi_set(r, 3, 4);
    dispi_set(r, 4, 0x01);
    dispi_set(r, 5, 1);
    set(r, 0x3c4, 2, 0x2);
    poke(r, WINDOW + 3, 0x99, 1);
    assert_int_equal(vram(r)[4 * 0x10003 + 1], 0x99);
    /* Behind the last dword there is nothing. */
    dispi_set(r, 5, 255);
    poke(r, WINDOW + 3, 0x99, 1);
    assert_int_equal(peek(r, WINDOW + 3, 1), 0xff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(four_maps),    TEST(map_mask),         TEST(read_mode_0),
        TEST(read_mode_1),  TEST(write_mode_0),     TEST(write_mode_1),
        TEST(write_mode_2), TEST(write_mode_3),     TEST(chain_4),
        TEST(odd_even),     TEST(a_font_is_loaded), TEST(planes_of_a_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
