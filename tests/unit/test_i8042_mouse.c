// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PS/2 mouse behind the keyboard controller: commands, packets, scaling,
 * the wheel, and movement that nobody fetches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "i8042_rig.h"

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
        ROW(the_mouse_reports_when_asked),
        ROW(mouse_commands),
        ROW(mouse_packets),
        ROW(mouse_scaling),
        ROW(the_wheel),
        ROW(an_unread_mouse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
