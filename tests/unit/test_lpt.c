// SPDX-License-Identifier: GPL-2.0-or-later
/* The parallel port: printing, a full backend, the interrupt, registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chip_rig.h"
#include "chr_rig.h"
#include "devices/platform/lpt.h"

#define DATA    0u
#define STATUS  1u
#define CONTROL 2u

struct rig {
    struct lpt *lpt;
    struct chr_rig far;
    struct wire irq7;
};

static int setup(void **state)
{
    static struct rig r;

    rig_open(&r.far);
    wire_init(&r.irq7);
    r.lpt = lpt_create(r.far.chr, &r.irq7.intr);
    *state = &r;
    return r.lpt ? 0 : -1;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    lpt_destroy(r->lpt);
    rig_close(&r->far);
    return 0;
}

static void out(struct rig *r, unsigned port, unsigned v)
{
    chip_write(&lpt_ops, r->lpt, port, v, 1);
}

static unsigned in(struct rig *r, unsigned port)
{
    return (unsigned)chip_read(&lpt_ops, r->lpt, port, 1);
}

/* As a BIOS prints: data, strobe up, strobe down. */
static void print(struct rig *r, unsigned v, unsigned control)
{
    out(r, DATA, v);
    out(r, CONTROL, control | 0x01);
    out(r, CONTROL, control);
}

static void what_is_printed_is_written(void **state)
{
    static const char text[] = "a page\f";
    struct rig *r = *state;
    char buf[sizeof(text)] = "";

    for (const char *p = text; *p; p++) {
        assert_int_equal(in(r, STATUS), 0xdf);
        print(r, (uint8_t)*p, 0x0c);
    }
    /* Data without a strobe, a strobe that stays up: nothing. */
    out(r, DATA, 'x');
    out(r, CONTROL, 0x0d);
    out(r, CONTROL, 0x0d);
    out(r, DATA, 'y');
    assert_int_equal(rig_read(&r->far, r->far.screen, buf, 8), 8);
    assert_memory_equal(buf, "a page\fx", 8);
    rig_run(&r->far, RIG_MS);
    assert_int_equal(rig_screen(&r->far, buf, sizeof(buf)), 0);
    assert_int_equal(wire_rises(&r->irq7), 0);
}

static void registers(void **state)
{
    struct rig *r = *state;

    assert_int_equal(in(r, CONTROL), 0xcc);
    for (unsigned v = 0; v < 256; v++) {
        out(r, DATA, v);
        assert_int_equal(in(r, DATA), v);
        out(r, STATUS, v); /* read only */
        assert_int_equal(in(r, STATUS), 0xdf);
        out(r, CONTROL, v & 0xfe);
        assert_int_equal(in(r, CONTROL), (v & 0x3e) | 0xc0);
        /* Turned to input, the lines float. */
        assert_int_equal(in(r, DATA), v & 0x20 ? 0xff : v);
        out(r, CONTROL, 0x0c);
    }
    assert_int_equal(chip_read(&lpt_ops, r->lpt, DATA, 2), 0xdfff);
}

static void the_interrupt_is_an_acknowledge(void **state)
{
    struct rig *r = *state;

    out(r, CONTROL, 0x1c);
    assert_int_equal(wire_rises(&r->irq7), 0);
    for (unsigned i = 0; i < 3; i++) {
        print(r, 'a', 0x1c);
        assert_int_equal(wire_rises(&r->irq7), 1);
        assert_true(r->irq7.intr.level);
    }
    out(r, CONTROL, 0x0c);
    assert_false(r->irq7.intr.level);
    print(r, 'a', 0x0c);
    assert_int_equal(wire_rises(&r->irq7), 0);
}

/* Nobody reads: the printer is busy, and goes on when somebody does. */
static void a_full_backend_is_a_busy_printer(void **state)
{
    struct rig *r = *state;
    static char buf[CHR_BUF];
    unsigned printed = 0;
    size_t got = 0;

    while (in(r, STATUS) == 0xdf && printed < 2 * CHR_BUF) {
        print(r, 'a' + printed % 26, 0x1c);
        printed++;
    }
    assert_int_equal(in(r, STATUS), 0x5f);
    assert_int_equal(printed, CHR_BUF + 1);
    wire_rises(&r->irq7);
    print(r, '!', 0x1c); /* lost */
    assert_int_equal(wire_rises(&r->irq7), 0);
    for (unsigned i = 0; i < 100 && got < printed; i++) {
        const size_t n = rig_screen(&r->far, buf, sizeof(buf));

        for (size_t k = 0; k < n; k++)
            assert_int_equal(buf[k], 'a' + (got + k) % 26);
        got += n;
        rig_run_once(&r->far, RIG_MS);
    }
    assert_int_equal(got, printed);
    assert_int_equal(in(r, STATUS), 0xdf);
    assert_int_equal(wire_rises(&r->irq7), 1);
    /* A reset of the printer forgets the byte it holds. */
    for (printed = 0; in(r, STATUS) == 0xdf && printed < 2 * CHR_BUF; printed++)
        print(r, 'b', 0x0c);
    assert_int_equal(in(r, STATUS), 0x5f);
    out(r, CONTROL, 0x08);
    assert_int_equal(in(r, STATUS), 0xdf);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(what_is_printed_is_written),
        ROW(registers),
        ROW(the_interrupt_is_an_acknowledge),
        ROW(a_full_backend_is_a_busy_printer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
