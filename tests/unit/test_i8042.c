// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keyboard controller with its keyboard: commands, both scan code sets and
 * the translation, interrupts byte by byte, queues that are never emptied.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "i8042_rig.h"

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
