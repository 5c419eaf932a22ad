// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a monitor shows of IBM's standard modes and of frame buffers: shape,
 * dots, characters, cursor, the two halves of a split screen.
 */
#include "vga_rig.h"

/* A character and its attribute, where a program of mode 3 puts them. */
static void put_char(struct rig *r, unsigned col, unsigned row, unsigned ch,
                     unsigned attr)
{
    poke(r, 0xb8000 + 2 * (80 * row + col), ch | attr << 8, 2);
}

static void put_text(struct rig *r, unsigned col, unsigned row, const char *s)
{
    while (*s)
        put_char(r, col++, row, (uint8_t)*s++, 0x07);
}

static void set_cursor(struct rig *r, unsigned at)
{
    set(r, 0x3d4, 0x0e, at >> 8);
    set(r, 0x3d4, 0x0f, at & 0xff);
}

/* In mode 3's palette: the attribute's colours as greys of the DAC. */
static uint32_t text_color(unsigned i)
{
    return grey_of(modes[MODE_03].ac[i]);
}

static void shapes(void **state)
{
    static const struct {
        unsigned mode;
        enum vga_kind kind;
        unsigned width, height;
    } rows[] = {
        {MODE_03, VGA_TEXT, 720, 400},   {MODE_04, VGA_PAIRS, 640, 400},
        {MODE_06, VGA_PLANES, 640, 400}, {MODE_0D, VGA_PLANES, 640, 400},
        {MODE_10, VGA_PLANES, 640, 350}, {MODE_12, VGA_PLANES, 640, 480},
        {MODE_13, VGA_BYTES, 640, 400},
    };
    struct rig *r = *state;

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        set_mode(r, rows[i].mode);
        look(r);
        assert_int_equal(r->view.kind, rows[i].kind);
        assert_int_equal(r->view.width, rows[i].width);
        assert_int_equal(r->view.height, rows[i].height);
    }
    /* Off, by either switch. */
    set(r, 0x3c4, 1, 0x21);
    look(r);
    assert_int_equal(r->view.kind, VGA_BLANK);
    set(r, 0x3c4, 1, 0x01);
    (void)inb(r, 0x3da);
    outb(r, 0x3c0, 0x00);
    look(r);
    assert_int_equal(r->view.kind, VGA_BLANK);
    assert_int_equal(dot(r, 0, 0), 0);
}

/* ---- text ---- */

static void characters(void **state)
{
    struct rig *r = *state;
    char row[VGA_TEXT_BYTES];

    set_mode(r, MODE_03);
    put_text(r, 0, 0, "Press ESC");
    put_text(r, 78, 24, "ok");
    put_char(r, 2, 1, 0xc9, 7);
    put_char(r, 3, 1, 0xcd, 7);
    put_char(r, 4, 1, 0x81, 7);
    put_char(r, 5, 1, 0x01, 7);
    put_char(r, 6, 1, 0x00, 7);
    put_char(r, 7, 1, 0xff, 7);
    look(r);
    assert_int_equal(r->view.cols, 80);
    assert_int_equal(r->view.rows, 25);
    assert_int_equal(vga_text_row(&r->view, 0, row), 9);
    assert_string_equal(row, "Press ESC");
    assert_int_equal(vga_text_row(&r->view, 24, row), 80);
    assert_string_equal(row + 78, "ok");
    vga_text_row(&r->view, 1, row);
    assert_string_equal(row, "  \u2554\u2550\u00fc\u263a");
}

static void all_of_code_page_437(void **state)
{
    struct rig *r = *state;
    char row[VGA_TEXT_BYTES];
    static const char want[] =
        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_"
        "`abcdefghijklmno";
    static const char high[] =
        "\u2514\u2534\u252c\u251c\u2500\u253c\u255e\u255f\u255a\u2554\u2569"
        "\u2566\u2560\u2550\u256c\u2567\u2568\u2564\u2565\u2559\u2558\u2552"
        "\u2553\u256b\u256a\u2518\u250c\u2588\u2584\u258c\u2590\u2580\u03b1"
        "\u00df\u0393\u03c0\u03a3\u03c3\u00b5\u03c4\u03a6\u0398\u03a9\u03b4"
        "\u221e\u03c6\u03b5\u2229\u2261\u00b1\u2265\u2264\u2320\u2321\u00f7"
        "\u2248\u00b0\u2219\u00b7\u221a\u207f\u00b2\u25a0";

    set_mode(r, MODE_03);
    for (unsigned c = 0; c < 80; c++)
        put_char(r, c, 0, 0x20 + c, 7);
    for (unsigned c = 0; c < 0x40; c++)
        put_char(r, c, 1, 0xc0 + c, 7);
    look(r);
    vga_text_row(&r->view, 0, row);
    assert_string_equal(row, want);
    vga_text_row(&r->view, 1, row);
    assert_string_equal(row, high);
}

static void the_cursor(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_03);
    set_cursor(r, 80 * 3 + 17);
    look(r);
    assert_int_equal(r->view.cursor_row, 3);
    assert_int_equal(r->view.cursor_col, 17);
    /* Off the screen; turned off; beginning behind its end. */
    set_cursor(r, 80 * 25);
    look(r);
    assert_false(r->view.cursor_col < r->view.cols);
    set_cursor(r, 0);
    set(r, 0x3d4, 0x0a, 0x2d);
    look(r);
    assert_false(r->view.cursor_col < r->view.cols);
    set(r, 0x3d4, 0x0a, 0x0f);
    look(r);
    assert_false(r->view.cursor_col < r->view.cols);
}

static void a_scrolled_screen(void **state)
{
    struct rig *r = *state;
    char row[VGA_TEXT_BYTES];

    set_mode(r, MODE_03);
    put_text(r, 0, 7, "seven");
    set(r, 0x3d4, 0x0c, 80 * 7 >> 8);
    set(r, 0x3d4, 0x0d, 80 * 7 & 0xff);
    set_cursor(r, 80 * 8);
    look(r);
    vga_text_row(&r->view, 0, row);
    assert_string_equal(row, "seven");
    assert_int_equal(r->view.cursor_row, 1);
}

/* A glyph's dots, in the colours of the attribute. */
static void glyphs(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_03);
    grey(r);
    *plane(r, 2, 32 * 'A' + 5) = 0x81;
    put_char(r, 1, 2, 'A', 0x4e);
    set_cursor(r, 0xffff);
    look(r);
    for (unsigned x = 0; x < 9; x++)
        assert_int_equal(dot(r, 9 + x, 2 * 16 + 5),
                         text_color(x == 0 || x == 7 ? 0xe : 0x4));
    assert_int_equal(dot(r, 9, 2 * 16 + 6), text_color(4));
    /* Bit 7 blinks, and is not the background's. */
    put_char(r, 1, 2, 'A', 0xce);
    assert_int_equal(dot(r, 10, 2 * 16 + 5), text_color(4));
    set_ac(r, 0x10, 0x04);
    assert_int_equal(dot(r, 10, 2 * 16 + 5), text_color(0xc));
}

/* The ninth dot goes on where boxes are drawn. */
static void the_ninth_dot(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_03);
    grey(r);
    *plane(r, 2, 32 * 0xc4) = 0xff;
    *plane(r, 2, 32 * 0xb0) = 0xff;
    put_char(r, 0, 0, 0xc4, 0x07);
    put_char(r, 1, 0, 0xb0, 0x07);
    look(r);
    assert_int_equal(dot(r, 8, 0), text_color(7));
    assert_int_equal(dot(r, 17, 0), text_color(0));
    set_ac(r, 0x10, 0x08);
    assert_int_equal(dot(r, 8, 0), text_color(0));
    /* With eight there is none. */
    set(r, 0x3c4, 1, 0x01);
    look(r);
    assert_int_equal(r->view.width, 640);
    assert_int_equal(dot(r, 8, 0), text_color(7));
}

static void cursor_and_underline(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_03);
    grey(r);
    set_cursor(r, 3);
    put_char(r, 3, 0, 0, 0x17);
    put_char(r, 4, 0, 0, 0x21);
    look(r);
    assert_int_equal(dot(r, 27, 12), text_color(1));
    assert_int_equal(dot(r, 27, 13), text_color(7));
    assert_int_equal(dot(r, 35, 14), text_color(7));
    assert_int_equal(dot(r, 27, 15), text_color(1));
    assert_int_equal(dot(r, 36, 14), text_color(2));
    set(r, 0x3d4, 0x14, 14);
    assert_int_equal(dot(r, 36, 14), text_color(1));
    assert_int_equal(dot(r, 36, 13), text_color(2));
}

/* Bit 3 of the attribute chooses between two fonts. */
static void two_fonts(void **state)
{
    static const struct {
        uint8_t select;
        uint32_t a, b;
    } rows[] = {
        {0x00, 0, 0},           {0x04, 0x4000, 0}, {0x01, 0, 0x4000},
        {0x0e, 0xc000, 0x8000}, {0x20, 0x2000, 0}, {0x10, 0, 0x2000},
        {0x3f, 0xe000, 0xe000},
    };
    struct rig *r = *state;

    set_mode(r, MODE_03);
    grey(r);
    put_char(r, 0, 0, 'x', 0x0f);
    put_char(r, 1, 0, 'x', 0x07);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        set(r, 0x3c4, 3, rows[i].select);
        *plane(r, 2, rows[i].a + 32 * 'x') = 0x80;
        look(r);
        assert_int_equal(dot(r, 0, 0), text_color(15));
        *plane(r, 2, rows[i].a + 32 * 'x') = 0;
        assert_int_equal(dot(r, 0, 0), text_color(0));
        *plane(r, 2, rows[i].b + 32 * 'x') = 0x80;
        assert_int_equal(dot(r, 9, 0), text_color(7));
        *plane(r, 2, rows[i].b + 32 * 'x') = 0;
    }
}

/* ---- graphics ---- */

static void sixteen_colors(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_12);
    grey(r);
    /* Dots 0 to 7 of colours 8 to 15, at the last byte of the last line. */
    *plane(r, 0, 80 * 480 - 1) = 0x55;
    *plane(r, 1, 80 * 480 - 1) = 0x33;
    *plane(r, 2, 80 * 480 - 1) = 0x0f;
    *plane(r, 3, 80 * 480 - 1) = 0xff;
    look(r);
    for (unsigned x = 0; x < 8; x++)
        assert_int_equal(dot(r, 632 + x, 479),
                         grey_of(modes[MODE_12].ac[8 + x]));
    assert_int_equal(dot(r, 631, 479), 0);
    /* Planes that are not enabled are zeroes. */
    set_ac(r, 0x12, 0x03);
    look(r);
    assert_int_equal(dot(r, 633, 479), grey_of(1));
}

static void low_resolution(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_0D);
    grey(r);
    *plane(r, 0, 40) = 0x80;
    look(r);
    for (unsigned y = 0; y < 5; y++)
        for (unsigned x = 0; x < 3; x++)
            assert_int_equal(dot(r, x, y),
                             x < 2 && (y == 2 || y == 3) ? grey_of(1) : 0);
}

/* 16 KiB at 0xb8000: two bits a dot, odd lines 8 KiB behind even ones. */
static void cga_four_colors(void **state)
{
    struct rig *r = *state;
    static const uint8_t pal[] = {0x00, 0x13, 0x15, 0x17};

    set_mode(r, MODE_04);
    grey(r);
    poke(r, 0xb8000, 0xe41b, 2);
    poke(r, 0xba000 + 79, 0x40, 1);
    poke(r, 0xb8000 + 80 * 99, 0xc0, 1);
    look(r);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(dot(r, 2 * i, 0), grey_of(pal[i]));
        assert_int_equal(dot(r, 2 * i + 1, 1), grey_of(pal[i]));
        assert_int_equal(dot(r, 8 + 2 * i, 0), grey_of(pal[3 - i]));
    }
    assert_int_equal(dot(r, 632, 2), grey_of(0x13));
    assert_int_equal(dot(r, 632, 4), 0);
    assert_int_equal(dot(r, 0, 396), grey_of(0x17));
}

static void cga_two_colors(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_06);
    grey(r);
    poke(r, 0xb8000 + 80, 0x01, 1);
    poke(r, 0xba000, 0x80, 1);
    look(r);
    assert_int_equal(dot(r, 7, 4), grey_of(0x13));
    assert_int_equal(dot(r, 6, 4), 0);
    assert_int_equal(dot(r, 0, 2), grey_of(0x13));
    assert_int_equal(dot(r, 0, 3), grey_of(0x13));
    assert_int_equal(dot(r, 0, 0), 0);
}

/* 320 by 200 bytes in a row; each is two dots of two lines. */
static void bytes_in_a_row(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_13);
    grey(r);
    for (uint32_t i = 0; i < 320 * 200; i++)
        poke(r, WINDOW + i, (i * 7 + i / 320) & 63, 1);
    look(r);
    for (uint32_t i = 0; i < 320 * 200; i += 101) {
        const unsigned x = i % 320, y = i / 320;
        const uint32_t want = grey_of((i * 7 + i / 320) & 63);

        assert_int_equal(dot(r, 2 * x, 2 * y), want);
        assert_int_equal(dot(r, 2 * x + 1, 2 * y + 1), want);
    }
    /* The mask is between memory and the DAC. */
    outb(r, 0x3c6, 0x0f);
    look(r);
    assert_int_equal(dot(r, 10, 0), grey_of(5 * 7 & 0x0f));
}

/* The same without chain 4: planes are every fourth dot ("mode X"). */
static void unchained(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_13);
    grey(r);
    set(r, 0x3c4, 4, 0x06);
    set(r, 0x3d4, 0x14, 0x00);
    set(r, 0x3d4, 0x17, 0xe3);
    for (unsigned p = 0; p < 4; p++) {
        set(r, 0x3c4, 2, 1u << p);
        poke(r, WINDOW + 80, 0x10 + p, 1);
    }
    look(r);
    for (unsigned p = 0; p < 4; p++)
        assert_int_equal(dot(r, 2 * p, 2), grey_of(0x10 + p));
}

/* Behind the line compared all begins at 0 again. */
static void split_screen(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_12);
    grey(r);
    set(r, 0x3d4, 0x0c, 0x10);
    *plane(r, 0, 0) = 0x80;
    *plane(r, 0, 0x1000) = 0x40;
    set(r, 0x3d4, 0x07, 0x3e & ~0x10);
    set(r, 0x3d4, 0x09, 0x00);
    set(r, 0x3d4, 0x18, 99);
    set_ac(r, 0x13, 1);
    look(r);
    /* Panned by a dot, above and below; then above only. */
    assert_int_equal(dot(r, 0, 0), grey_of(1));
    assert_int_equal(dot(r, 0, 99), 0);
    assert_int_equal(dot(r, 0, 100), 0);
    set_ac(r, 0x10, 0x21);
    look(r);
    assert_int_equal(dot(r, 0, 100), grey_of(1));
    assert_int_equal(dot(r, 1, 100), 0);
}

static void color_select(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_12);
    for (unsigned i = 0; i < 256; i++)
        set_dac(r, i, (i & 63) | (i >> 6) << 8);
    *plane(r, 3, 0) = 0x80;
    set_ac(r, 0x14, 0x0e);
    look(r);
    /* The palette's six bits and two of the register. */
    assert_int_equal(dot(r, 0, 0) >> 10 & 63, 3);
    assert_int_equal(dot(r, 0, 0) >> 2 & 63, 0x38);
    /* Four bits and all of it. */
    set_ac(r, 0x10, 0x81);
    look(r);
    assert_int_equal(dot(r, 0, 0) >> 2 & 63, 0x28);
}

/* ---- frame buffers ---- */

static void enable(struct rig *r, unsigned x, unsigned y, unsigned bpp)
{
    dispi_set(r, 4, 0);
    dispi_set(r, 1, x);
    dispi_set(r, 2, y);
    dispi_set(r, 3, bpp);
    dispi_set(r, 4, 0x41);
}

static void depths(void **state)
{
    static const struct {
        unsigned bpp;
        uint32_t raw;
        uint32_t color;
    } rows[] = {
        {15, 0x7c00, 0xff0000},   {15, 0x03e0, 0x00ff00},
        {15, 0x0010, 0x000084},   {16, 0xf800, 0xff0000},
        {16, 0x0400, 0x008200},   {16, 0x001f, 0x0000ff},
        {24, 0x123456, 0x123456}, {32, 0xff123456, 0x123456},
        {8, 0x2a, 0xaaaaaa},
    };
    struct rig *r = *state;

    grey(r);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        const unsigned bytes = (rows[i].bpp + 7) / 8;

        enable(r, 800, 600, rows[i].bpp);
        memcpy(vram(r) + (800 * 599 + 799) * bytes, &rows[i].raw, bytes);
        look(r);
        assert_int_equal(r->view.kind, VGA_FRAME);
        assert_int_equal(r->view.width, 800);
        assert_int_equal(r->view.height, 600);
        assert_int_equal(dot(r, 799, 599), rows[i].color);
        assert_int_equal(dot(r, 798, 599), 0);
    }
}

static void a_larger_desk(void **state)
{
    struct rig *r = *state;

    enable(r, 640, 480, 32);
    dispi_set(r, 6, 1000);
    dispi_set(r, 8, 7);
    dispi_set(r, 9, 3);
    memcpy(vram(r) + 4 * (1000 * 3 + 7), &(uint32_t){0xabcdef}, 4);
    look(r);
    assert_int_equal(dot(r, 0, 0), 0xabcdef);
}

static void planes_of_a_frame(void **state)
{
    struct rig *r = *state;

    set_mode(r, MODE_12);
    grey(r);
    enable(r, 800, 600, 4);
    vram(r)[4 * (100 * 599 + 99) + 2] = 0x01;
    look(r);
    assert_int_equal(dot(r, 799, 599), grey_of(modes[MODE_12].ac[4]));
}

/* Registers of any value: within the bounds, and in memory (ASan). */
static void any_registers(void **state)
{
    static const uint8_t values[] = {0x00, 0xff, 0x7f, 0x80, 0x55, 0xaa};
    struct rig *r = *state;
    char row[VGA_TEXT_BYTES];

    for (unsigned m = 0; m < ARRAY_LEN(modes); m++) {
        for (unsigned i = 0; i < ARRAY_LEN(values); i++) {
            set_mode(r, m);
            set(r, 0x3d4, 0x11, 0);
            for (unsigned c = 0; c < 25; c++)
                set(r, 0x3d4, c, values[i]);
            set_ac(r, 0x13, values[i]);
            set(r, 0x3c4, 3, values[i]);
            look(r);
            assert_in_range(r->view.width, 8, VGA_MAX_WIDTH);
            assert_in_range(r->view.height, 1, VGA_MAX_HEIGHT);
            (void)dot(r, 0, 0);
            (void)dot(r, r->view.width - 1, r->view.height - 1);
            for (unsigned y = 0; y < r->view.rows; y += 31)
                vga_text_row(&r->view, y, row);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shapes),
        TEST(characters),
        TEST(all_of_code_page_437),
        TEST(the_cursor),
        TEST(a_scrolled_screen),
        TEST(glyphs),
        TEST(the_ninth_dot),
        TEST(cursor_and_underline),
        TEST(two_fonts),
        TEST(sixteen_colors),
        TEST(low_resolution),
        TEST(cga_four_colors),
        TEST(cga_two_colors),
        TEST(bytes_in_a_row),
        TEST(unchained),
        TEST(split_screen),
        TEST(color_select),
        TEST(depths),
        TEST(a_larger_desk),
        TEST(planes_of_a_frame),
        TEST(any_registers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
