// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keyboard controller with its keyboard and mouse: commands, both scan
 * code sets and the translation, interrupts byte by byte, packets, queues
 * that are never emptied.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chip_rig.h"
#include "devices/platform/i8042.h"

#include <stdio.h>
#include <string.h>

#define OBF 0x01u
#define SYS 0x04u
#define CMD 0x08u
#define AUX 0x20u

#define CB_TEXT 0x47u /* interrupts, system flag, translation */
#define CB_RAW  0x07u

struct rig {
    struct i8042 *kbc;
    struct wire irq1;
    struct wire irq12;
    unsigned resets;
    unsigned a20_changes;
    bool a20;
};

static void on_a20(void *ctx, bool open)
{
    struct rig *r = ctx;

    r->a20_changes++;
    r->a20 = open;
}

static void on_reset(void *ctx)
{
    ((struct rig *)ctx)->resets++;
}

static void data(struct rig *r, unsigned v)
{
    chip_write(&i8042_data_ops, r->kbc, 0, v, 1);
}

static void cmd(struct rig *r, unsigned v)
{
    chip_write(&i8042_command_ops, r->kbc, 0, v, 1);
}

static unsigned status(struct rig *r)
{
    return (unsigned)chip_read(&i8042_command_ops, r->kbc, 0, 1);
}

static unsigned get(struct rig *r)
{
    return (unsigned)chip_read(&i8042_data_ops, r->kbc, 0, 1);
}

static void set_cb(struct rig *r, unsigned v)
{
    cmd(r, 0x60);
    data(r, v);
}

static void aux(struct rig *r, unsigned v)
{
    cmd(r, 0xd4);
    data(r, v);
}

static int setup(void **state)
{
    static struct rig r;
    const struct i8042_hooks hooks = {
        .a20 = on_a20, .reset = on_reset, .ctx = &r};

    memset(&r, 0, sizeof(r));
    wire_init(&r.irq1);
    wire_init(&r.irq12);
    r.kbc = i8042_create(&hooks, &r.irq1.intr, &r.irq12.intr);
    *state = &r;
    return r.kbc ? 0 : -1;
}

static int teardown(void **state)
{
    i8042_destroy(((struct rig *)*state)->kbc);
    return 0;
}

/* All that comes, from the keyboard (0) or from the mouse (AUX). */
static void expect(struct rig *r, unsigned from, const char *hex)
{
    char seen[256] = "";
    size_t n = 0;

    while ((status(r) & OBF) && n < sizeof(seen) - 4) {
        assert_int_equal(status(r) & AUX, from);
        n += (size_t)snprintf(seen + n, sizeof(seen) - n, "%s%02x",
                              n ? " " : "", get(r));
    }
    assert_string_equal(seen, hex);
}

static void the_controller_tests_itself(void **state)
{
    struct rig *r = *state;

    assert_int_equal(status(r), 0x10);
    cmd(r, 0xaa);
    assert_int_equal(status(r), 0x10 | CMD | SYS | OBF);
    expect(r, 0, "55");
    cmd(r, 0xab);
    expect(r, 0, "00");
    cmd(r, 0xa9);
    expect(r, 0, "00");
    cmd(r, 0xc0);
    expect(r, 0, "80");
    cmd(r, 0xa4);
    expect(r, 0, "f1");
    cmd(r, 0xe0);
    expect(r, 0, "00");
    cmd(r, 0xb5); /* unknown: nothing */
    expect(r, 0, "");
}

static void command_byte_and_ram(void **state)
{
    struct rig *r = *state;

    cmd(r, 0x20);
    expect(r, 0, "30");
    set_cb(r, 0x45);
    assert_int_equal(status(r) & (CMD | SYS), SYS);
    cmd(r, 0x20);
    expect(r, 0, "45");
    for (unsigned i = 1; i < 32; i++) {
        cmd(r, 0x60 + i);
        data(r, i * 7);
    }
    for (unsigned i = 1; i < 32; i++) {
        cmd(r, 0x20 + i);
        assert_int_equal(get(r), i * 7);
    }
    cmd(r, 0xad);
    cmd(r, 0xa7);
    cmd(r, 0x20);
    expect(r, 0, "75");
    cmd(r, 0xae);
    cmd(r, 0xa8);
    cmd(r, 0x20);
    expect(r, 0, "45");
    /* A command in the place of an argument: the first is forgotten. */
    cmd(r, 0x60);
    cmd(r, 0x20);
    expect(r, 0, "45");
    data(r, 0xee); /* goes to the keyboard: an echo */
    expect(r, 0, "ee");
}

static void keyboard_commands(void **state)
{
    static const struct {
        const char *send;
        const char *back;
    } rows[] = {
        {"\xff", "fa aa"},
        {"\xee", "ee"},
        {"\xf2", "fa ab 83"},
        {"\xf4", "fa"},
        {"\xf5", "fa"},
        {"\xf6", "fa"},
        {"\xed\x05", "fa fa"},
        {"\xf3\x7f", "fa fa"},
        {"\xf0\x01", "fa fa"},
        {"\xf0\x02", "fa fa"},
        {"\xf0\x03", "fa fe"},
        {"\xf7", "fa"},
        {"\xfa", "fa"},
        {"\xfb", "fe"},
        {"\xfd", "fe"},
        {"\xef", "fe"},
        {"\xf1", "fe"},
        {"\x12", "fe"},
        /* a command where an argument should be is a command */
        {"\xed\xf2", "fa fa ab 83"},
        {"\xf2\xfe", "fa ab 83 83"},
    };
    struct rig *r = *state;

    set_cb(r, CB_RAW);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        char seen[64] = "";
        size_t n = 0;

        for (const char *p = rows[i].send; *p; p++) {
            data(r, (uint8_t)*p);
            while (status(r) & OBF)
                n += (size_t)snprintf(seen + n, sizeof(seen) - n, "%s%02x",
                                      n ? " " : "", get(r));
        }
        assert_string_equal(seen, rows[i].back);
    }
    data(r, 0xf0);
    expect(r, 0, "fa");
    data(r, 0x00);
    expect(r, 0, "fa 02");
    /* Lamps. */
    data(r, 0xed);
    data(r, 0x06);
    assert_int_equal(i8042_leds(r->kbc), PS2_LED_NUM | PS2_LED_CAPS);
    data(r, 0xff);
    assert_int_equal(i8042_leds(r->kbc), 0);
    /* Translated, the identity is the one drivers know. */
    set_cb(r, CB_TEXT);
    while (status(r) & OBF)
        get(r);
    data(r, 0xf2);
    expect(r, 0, "fa ab 41");
}

static void press(struct rig *r, unsigned key)
{
    i8042_key(r->kbc, key, true);
    i8042_key(r->kbc, key, false);
}

/* As the tables of sets 2 and 1 have them. */
static void keys(void **state)
{
    static const struct {
        unsigned key;
        const char *set2;
        const char *set1;
    } rows[] = {
        {0x01, "76 f0 76", "01 81"},               /* Esc */
        {0x1e, "1c f0 1c", "1e 9e"},               /* A */
        {0x39, "29 f0 29", "39 b9"},               /* space */
        {0x1c, "5a f0 5a", "1c 9c"},               /* enter */
        {0x41, "83 f0 83", "41 c1"},               /* F7 */
        {0x57, "78 f0 78", "57 d7"},               /* F11 */
        {0x56, "61 f0 61", "56 d6"},               /* 102nd */
        {0x45, "77 f0 77", "45 c5"},               /* Num Lock */
        {0xe048, "e0 75 e0 f0 75", "e0 48 e0 c8"}, /* up */
        {0xe053, "e0 71 e0 f0 71", "e0 53 e0 d3"}, /* delete */
        {0xe01d, "e0 14 e0 f0 14", "e0 1d e0 9d"}, /* right Ctrl */
        {0xe05b, "e0 1f e0 f0 1f", "e0 5b e0 db"}, /* left logo */
        {PS2_KEY_PAUSE, "e1 14 77 e1 f0 14 f0 77", "e1 1d 45 e1 9d c5"},
        {PS2_KEY_PRINT, "e0 12 e0 7c e0 f0 7c e0 f0 12",
         "e0 2a e0 37 e0 b7 e0 aa"},
        {0x00, "", ""},
        {0x80, "", ""},
        {0xe000, "", ""},
        {0xe1e1, "", ""},
        {0x12345, "", ""},
    };
    struct rig *r = *state;

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        set_cb(r, CB_RAW);
        data(r, 0xf6);
        expect(r, 0, "fa");
        press(r, rows[i].key);
        expect(r, 0, rows[i].set2);
        /* translated */
        set_cb(r, CB_TEXT);
        press(r, rows[i].key);
        expect(r, 0, rows[i].set1);
        /* and by the keyboard itself */
        set_cb(r, CB_RAW);
        data(r, 0xf0);
        get(r);
        data(r, 0x01);
        get(r);
        press(r, rows[i].key);
        expect(r, 0, rows[i].set1);
    }
}

/* Translation gives back the code every key was named by. */
static void every_key_survives_translation(void **state)
{
    struct rig *r = *state;

    set_cb(r, CB_TEXT);
    for (unsigned key = 1; key < 0x80; key++) {
        press(r, key);
        assert_int_equal(get(r), key);
        assert_int_equal(get(r), key | 0x80);
        assert_int_equal(status(r) & OBF, 0);
    }
}

/* Each byte is an edge of its own. */
static void interrupts(void **state)
{
    struct rig *r = *state;

    set_cb(r, CB_RAW);
    press(r, 0x1e);
    assert_int_equal(wire_rises(&r->irq1), 1);
    for (unsigned i = 0; i < 2; i++) {
        get(r);
        assert_int_equal(wire_rises(&r->irq1), 1);
        assert_true(r->irq1.intr.level);
    }
    get(r);
    assert_int_equal(wire_rises(&r->irq1), 0);
    assert_false(r->irq1.intr.level);
    /* Not asked for: the byte is there all the same, and then it is told. */
    set_cb(r, 0x00);
    press(r, 0x1e);
    assert_int_equal(wire_rises(&r->irq1), 0);
    set_cb(r, 0x01);
    assert_int_equal(wire_rises(&r->irq1), 1);
    expect(r, 0, "1c f0 1c");
    wire_rises(&r->irq1);
    /* Answers of the controller interrupt too; the mouse has its own. */
    cmd(r, 0x20);
    assert_int_equal(wire_rises(&r->irq1), 1);
    get(r);
    set_cb(r, CB_RAW);
    aux(r, 0xf4);
    assert_int_equal(wire_rises(&r->irq1), 0);
    assert_int_equal(wire_rises(&r->irq12), 1);
    expect(r, AUX, "fa");
    assert_false(r->irq12.intr.level);
    /* What the buffer holds can be seen at the output port. */
    aux(r, 0xf4);
    cmd(r, 0xd0);
    get(r);
    assert_int_equal(get(r), 0x03 | 0x20);
}

static void a_disabled_device_waits(void **state)
{
    struct rig *r = *state;

    set_cb(r, CB_RAW);
    aux(r, 0xf4);
    get(r);
    cmd(r, 0xad);
    cmd(r, 0xa7);
    press(r, 0x1e);
    i8042_mouse(r->kbc, 1, 2, 0, 0);
    assert_int_equal(status(r) & OBF, 0);
    cmd(r, 0xa8);
    expect(r, AUX, "28 01 fe");
    cmd(r, 0xae);
    expect(r, 0, "1c f0 1c");
    /* A command to the keyboard opens its interface. */
    cmd(r, 0xad);
    data(r, 0xee);
    expect(r, 0, "ee");
    /* A keyboard that does not scan has no keys. */
    data(r, 0xf5);
    expect(r, 0, "fa");
    press(r, 0x1e);
    expect(r, 0, "");
}

static void bytes_through_the_controller(void **state)
{
    struct rig *r = *state;

    set_cb(r, CB_RAW);
    cmd(r, 0xd2);
    data(r, 0x5a);
    assert_int_equal(wire_rises(&r->irq1), 1);
    expect(r, 0, "5a");
    cmd(r, 0xd3);
    data(r, 0xa5);
    assert_int_equal(wire_rises(&r->irq12), 1);
    expect(r, AUX, "a5");
}

static void line_20_and_reset(void **state)
{
    struct rig *r = *state;

    cmd(r, 0xd0);
    expect(r, 0, "03");
    cmd(r, 0xd1);
    data(r, 0x01);
    assert_int_equal(r->a20_changes, 1);
    assert_false(r->a20);
    cmd(r, 0xd1);
    data(r, 0xdf);
    assert_true(r->a20);
    cmd(r, 0xdd);
    assert_false(r->a20);
    cmd(r, 0xdf);
    cmd(r, 0xdf);
    assert_true(r->a20);
    assert_int_equal(r->a20_changes, 4);
    assert_int_equal(r->resets, 0);
    for (unsigned v = 0xf0; v < 0x100; v++)
        cmd(r, v);
    assert_int_equal(r->resets, 8);
    cmd(r, 0xd1);
    data(r, 0xde);
    assert_int_equal(r->resets, 9);
}

/* Whole keys are dropped, and releases last. */
static void the_key_queue_is_bounded(void **state)
{
    struct rig *r = *state;
    unsigned n = 0;

    set_cb(r, CB_RAW);
    for (unsigned i = 0; i < 1000; i++)
        i8042_key(r->kbc, 0xe048, true);
    for (unsigned i = 0; i < 1000; i++)
        i8042_key(r->kbc, 0xe048, false);
    while (status(r) & OBF) {
        assert_int_equal(get(r), 0xe0);
        if (get(r) == 0xf0)
            assert_int_equal(get(r), 0x75);
        n++;
    }
    assert_in_range(n, 16, 40);
    /* Answers that nobody fetches: the last one's remain. */
    for (unsigned i = 0; i < 1000; i++)
        data(r, 0xf2);
    assert_int_equal(get(r), 0xfa); /* of the first */
    expect(r, 0, "fa ab 83");
    for (unsigned i = 0; i < 1000; i++)
        cmd(r, 0x20);
    for (n = 0; status(r) & OBF; n++)
        get(r);
    assert_in_range(n, 1, 9);
}

static void mouse_commands(void **state)
{
    static const struct {
        const char *send;
        const char *back;
    } rows[] = {
        {"\xff", "fa aa 00"},
        {"\xf2", "fa 00"},
        {"\xe9", "fa 00 02 64"},
        {"\xe8\x03", "fa fa"},
        {"\xe8\x04", "fa fe"},
        {"\x01", "fa"}, /* the argument, once more */
        {"\xf3\x28", "fa fa"},
        {"\xf3\x29", "fa fe"},
        {"\x28", "fa"},
        {"\xe7", "fa"},
        {"\xf4", "fa"},
        {"\xe9", "fa 30 01 28"},
        {"\xe6", "fa"},
        {"\xf0", "fa"},
        {"\xe9", "fa 60 01 28"},
        {"\xeb", "fa 08 00 00"},
        {"\xea", "fa"},
        {"\xee", "fa"},
        {"\xf2\xe9\x55", "f2 e9 55"}, /* echoes */
        {"\xec", "fa"},
        {"\xf6", "fa"},
        {"\xe9\xfe", "fa 00 02 64 64"},
        {"\xe1", "fe"},
        {"\x12", "fe"},
    };
    struct rig *r = *state;

    set_cb(r, CB_RAW);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        char seen[64] = "";
        size_t n = 0;

        for (const char *p = rows[i].send; *p; p++) {
            aux(r, (uint8_t)*p);
            while (status(r) & OBF)
                n += (size_t)snprintf(seen + n, sizeof(seen) - n, "%s%02x",
                                      n ? " " : "", get(r));
        }
        assert_string_equal(seen, rows[i].back);
    }
}

static void enable_mouse(struct rig *r)
{
    set_cb(r, CB_RAW);
    aux(r, 0xff);
    aux(r, 0xf4);
    while (status(r) & OBF)
        get(r);
}

static void mouse_packets(void **state)
{
    static const struct {
        int dx, dy, dz;
        unsigned buttons;
        const char *packets;
    } rows[] = {
        {5, 0, 0, 0, "08 05 00"},
        {-5, 0, 0, 0, "18 fb 00"},
        {0, 5, 0, 0, "28 00 fb"},
        {0, -5, 0, 0, "08 00 05"},
        {0, 0, 0, PS2_BUTTON_LEFT, "09 00 00"},
        {0, 0, 0, PS2_BUTTON_RIGHT, "0a 00 00"},
        {1, 1, 0, PS2_BUTTON_MIDDLE, "2c 01 ff"},
        {0, 0, 0, 0, "08 00 00"},
        {0, 0, 0, 0, ""},
        {0, 0, 1, 0, "08 00 00"},
        {256, -600, 0, 0, "08 ff ff 08 01 ff 08 00 5a"},
        {-256, 0, 0, 0, "18 01 00 18 ff 00"},
        {0, 0, 0, 0xf8, ""},
    };
    struct rig *r = *state;

    enable_mouse(r);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        i8042_mouse(r->kbc, rows[i].dx, rows[i].dy, rows[i].dz,
                    rows[i].buttons);
        expect(r, AUX, rows[i].packets);
    }
}

static void mouse_scaling(void **state)
{
    static const uint8_t scaled[] = {0, 1, 1, 3, 6, 9, 12, 14};
    struct rig *r = *state;

    enable_mouse(r);
    aux(r, 0xe7);
    expect(r, AUX, "fa");
    for (unsigned i = 1; i < ARRAY_LEN(scaled); i++) {
        i8042_mouse(r->kbc, (int)i, (int)i, 0, 0);
        assert_int_equal(get(r), 0x28);
        assert_int_equal(get(r), scaled[i]);
        assert_int_equal(get(r), (uint8_t)-scaled[i]);
    }
    i8042_mouse(r->kbc, 200, 0, 0, 0);
    expect(r, AUX, "08 ff 00");
}

static void the_wheel(void **state)
{
    static const unsigned knock[] = {200, 100, 80};
    struct rig *r = *state;

    enable_mouse(r);
    for (unsigned i = 0; i < ARRAY_LEN(knock); i++) {
        aux(r, 0xf3);
        aux(r, knock[i]);
    }
    aux(r, 0xf2);
    get(r);
    expect(r, AUX, "fa 03");
    i8042_mouse(r->kbc, 0, 0, 1, 0);
    expect(r, AUX, "08 00 00 01");
    i8042_mouse(r->kbc, 0, 0, -10, 0);
    expect(r, AUX, "08 00 00 f8 08 00 00 fe");
    /* Other rates do not open it; a reset closes it. */
    aux(r, 0xff);
    get(r);
    for (unsigned i = 0; i < ARRAY_LEN(knock); i++) {
        aux(r, 0xf3);
        aux(r, knock[2 - i]);
    }
    aux(r, 0xf2);
    while (status(r) & OBF)
        assert_int_not_equal(get(r), 0x03);
}

/* Movement adds up, clicks are kept apart. */
static void an_unread_mouse(void **state)
{
    struct rig *r = *state;

    enable_mouse(r);
    i8042_mouse(r->kbc, 1, 0, 0, 0);
    for (unsigned i = 0; i < 100; i++)
        i8042_mouse(r->kbc, 1, 0, 0, 0);
    expect(r, AUX, "08 01 00 08 64 00");
    i8042_mouse(r->kbc, 0, 0, 0, 1);
    i8042_mouse(r->kbc, 7, 0, 0, 1);
    i8042_mouse(r->kbc, 0, 0, 0, 0);
    i8042_mouse(r->kbc, 0, 0, 0, 2);
    expect(r, AUX, "09 00 00 08 07 00 0a 00 00");
    for (unsigned i = 0; i < 100000; i++)
        i8042_mouse(r->kbc, INT32_MAX, INT32_MIN, INT32_MAX, i);
    for (unsigned i = 0; i < 1000 && (status(r) & OBF); i++)
        get(r);
    assert_int_equal(status(r) & OBF, 0);
}

static void the_mouse_reports_when_asked(void **state)
{
    struct rig *r = *state;

    set_cb(r, CB_RAW);
    i8042_mouse(r->kbc, 1, 1, 1, 1);
    expect(r, 0, "");
    aux(r, 0xf4); /* from here on */
    expect(r, AUX, "fa");
    aux(r, 0xf0);
    expect(r, AUX, "fa");
    i8042_mouse(r->kbc, 3, -4, 0, 1);
    expect(r, 0, "");
    aux(r, 0xeb);
    expect(r, AUX, "fa 09 03 04");
    aux(r, 0xeb);
    expect(r, AUX, "fa 09 00 00");
    aux(r, 0xea);
    expect(r, AUX, "fa");
    aux(r, 0xf5);
    expect(r, AUX, "fa");
    i8042_mouse(r->kbc, 3, -4, 0, 0);
    expect(r, 0, "");
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(the_controller_tests_itself),
        ROW(command_byte_and_ram),
        ROW(keyboard_commands),
        ROW(keys),
        ROW(every_key_survives_translation),
        ROW(interrupts),
        ROW(a_disabled_device_waits),
        ROW(bytes_through_the_controller),
        ROW(line_20_and_reset),
        ROW(the_key_queue_is_bounded),
        ROW(mouse_commands),
        ROW(mouse_packets),
        ROW(mouse_scaling),
        ROW(the_wheel),
        ROW(an_unread_mouse),
        ROW(the_mouse_reports_when_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
