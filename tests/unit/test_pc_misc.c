// SPDX-License-Identifier: GPL-2.0-or-later
/* The odd ports of a PC: both resets, address line 20, the debug console. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chip_rig.h"
#include "chr_rig.h"
#include "devices/platform/pc_misc.h"

struct rig {
    struct pc_misc *misc;
    unsigned hard;
    unsigned soft;
    unsigned a20_changes;
    bool a20;
};

static void on_reset(void *ctx, bool hard)
{
    struct rig *r = ctx;

    r->hard += hard;
    r->soft += !hard;
}

static void on_a20(void *ctx, bool open)
{
    struct rig *r = ctx;

    r->a20_changes++;
    r->a20 = open;
}

static int setup(void **state)
{
    static struct rig r;
    const struct pc_misc_hooks hooks = {
        .reset = on_reset, .a20 = on_a20, .ctx = &r};

    r = (struct rig){.misc = pc_misc_create(&hooks)};
    *state = &r;
    return r.misc ? 0 : -1;
}

static int teardown(void **state)
{
    pc_misc_destroy(((struct rig *)*state)->misc);
    return 0;
}

static void cf9(struct rig *r, unsigned v)
{
    chip_write(&pc_misc_cf9_ops, r->misc, 0, v, 1);
}

static void port92(struct rig *r, unsigned v)
{
    chip_write(&pc_misc_port92_ops, r->misc, 0, v, 1);
}

static void reset_control(void **state)
{
    struct rig *r = *state;

    cf9(r, 0x02);
    assert_int_equal(r->hard + r->soft, 0);
    cf9(r, 0x06);
    assert_int_equal(r->hard, 1);
    cf9(r, 0x06); /* no rise */
    cf9(r, 0x04);
    assert_int_equal(r->hard + r->soft, 1);
    cf9(r, 0x00);
    cf9(r, 0x04);
    assert_int_equal(r->soft, 1);
    assert_int_equal(chip_read(&pc_misc_cf9_ops, r->misc, 0, 1), 0x04);
    cf9(r, 0xf9);
    assert_int_equal(chip_read(&pc_misc_cf9_ops, r->misc, 0, 1), 0x00);
    assert_int_equal(r->hard + r->soft, 2);
}

static void port_92_resets_the_cpu(void **state)
{
    struct rig *r = *state;

    port92(r, 0x01);
    assert_int_equal(r->soft, 1);
    port92(r, 0x03);
    assert_int_equal(r->soft, 1);
    port92(r, 0x00);
    port92(r, 0xff);
    assert_int_equal(r->soft, 2);
    assert_int_equal(r->hard, 0);
    assert_int_equal(chip_read(&pc_misc_port92_ops, r->misc, 0, 1), 0x03);
}

/* Either opens line 20, only both close it. */
static void address_line_20(void **state)
{
    struct rig *r = *state;

    assert_true(pc_misc_a20(r->misc));
    port92(r, 0x02);
    port92(r, 0x00);
    assert_int_equal(r->a20_changes, 0);
    pc_misc_keyboard_a20(r->misc, false);
    assert_int_equal(r->a20_changes, 1);
    assert_false(r->a20 || pc_misc_a20(r->misc));
    port92(r, 0x02);
    assert_true(r->a20 && pc_misc_a20(r->misc));
    pc_misc_keyboard_a20(r->misc, true);
    port92(r, 0x00);
    assert_int_equal(r->a20_changes, 2);
    pc_misc_keyboard_a20(r->misc, false);
    assert_int_equal(r->a20_changes, 3);
    assert_false(r->a20);
}

static void the_debug_console(void **state)
{
    static const char text[] = "firmware: hello\n";
    struct chr_rig r;
    char buf[sizeof(text)] = "";

    (void)state;
    rig_open(&r);
    for (const char *p = text; *p; p++)
        chip_write(&pc_debug_ops, r.chr, 0, (uint8_t)*p, 1);
    assert_int_equal(chip_read(&pc_debug_ops, r.chr, 0, 1), 0xe9);
    assert_int_equal(rig_read(&r, r.screen, buf, sizeof(text) - 1),
                     sizeof(text) - 1);
    assert_string_equal(buf, text);
    rig_close(&r);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(reset_control),
        ROW(port_92_resets_the_cpu),
        ROW(address_line_20),
        cmocka_unit_test(the_debug_console),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
