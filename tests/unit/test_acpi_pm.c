// SPDX-License-Identifier: GPL-2.0-or-later
/* The ACPI registers: every byte to each port, and the power button. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi/layout.h"
#include "devices/platform/acpi_pm.h"
#include "vmm/log.h"

#include <string.h>

enum { CTL, STS, RESET };

struct rig {
    struct acpi_pm *pm;
    struct intr ged;
    unsigned poweroffs;
    unsigned resets;
    unsigned rises;
    bool level;
};

static void on_poweroff(void *ctx)
{
    ((struct rig *)ctx)->poweroffs++;
}

static void on_reset(void *ctx)
{
    ((struct rig *)ctx)->resets++;
}

static void on_line(void *ctx, unsigned line, bool level)
{
    struct rig *r = ctx;

    assert_int_equal(line, LAYOUT_GED_GSI);
    r->rises += level;
    r->level = level;
}

static int setup(void **state)
{
    static struct rig r;
    const struct acpi_pm_events events = {
        .poweroff = on_poweroff, .reset = on_reset, .ctx = &r};

    r = (struct rig){
        .ged = {.set = on_line, .ctx = &r, .line = LAYOUT_GED_GSI}};
    r.pm = acpi_pm_create(&events, &r.ged);
    *state = &r;
    log_set_level(LOG_ERROR);
    return r.pm ? 0 : -1;
}

static int teardown(void **state)
{
    acpi_pm_destroy(((struct rig *)*state)->pm);
    return 0;
}

static void outb(struct rig *r, unsigned port, uint8_t v)
{
    acpi_pm_ports_ops.write(r->pm, port, &v, 1);
}

static uint8_t inb(struct rig *r, unsigned port)
{
    uint8_t v = 0xee;

    acpi_pm_ports_ops.read(r->pm, port, &v, 1);
    return v;
}

static uint32_t ged(struct rig *r)
{
    uint32_t v = 0xeeeeeeee;

    acpi_pm_ged_ops.read(r->pm, 0, &v, 4);
    return v;
}

static void only_s5_with_enable_powers_off(void **state)
{
    struct rig *r = *state;

    for (unsigned v = 0; v < 256; v++) {
        const bool s5 = (v & 0x20) && ((v >> 2) & 7) == LAYOUT_S5_TYP;
        const unsigned before = r->poweroffs;

        outb(r, CTL, (uint8_t)v);
        assert_int_equal(r->poweroffs - before, s5);
        /* SLP_EN reads as zero, SLP_TYP as written. */
        assert_int_equal(inb(r, CTL), v & 0x1c);
    }
    assert_int_equal(r->poweroffs, 16);
    assert_int_equal(r->resets, 0);
}

static void only_the_reset_value_resets(void **state)
{
    struct rig *r = *state;

    for (unsigned v = 0; v < 256; v++)
        outb(r, RESET, (uint8_t)v);
    assert_int_equal(r->resets, 1);
    assert_int_equal(r->poweroffs, 0);
    assert_int_equal(inb(r, RESET), 0);
}

static void status_has_nothing_to_tell(void **state)
{
    struct rig *r = *state;

    outb(r, STS, 0xff);
    assert_int_equal(inb(r, STS), 0);
    assert_int_equal(r->poweroffs + r->resets, 0);
}

static void a_word_is_two_bytes(void **state)
{
    struct rig *r = *state;
    const uint16_t sleep = LAYOUT_SLP_EN | LAYOUT_S5_TYP << 2;
    const uint16_t reset = LAYOUT_RESET_VALUE << 8;

    acpi_pm_ports_ops.write(r->pm, CTL, &sleep, 2);
    assert_int_equal(r->poweroffs, 1);
    acpi_pm_ports_ops.write(r->pm, STS, &reset, 2);
    assert_int_equal(r->resets, 1);
}

static void the_button_is_an_edge_and_a_bit(void **state)
{
    struct rig *r = *state;
    const uint32_t ones = ~0u;

    assert_int_equal(ged(r), 0);
    acpi_pm_power_button(r->pm);
    assert_int_equal(r->rises, 1);
    assert_false(r->level);
    /* Writes change nothing; the bit waits to be read, once. */
    acpi_pm_ged_ops.write(r->pm, 0, &ones, 4);
    assert_int_equal(ged(r), LAYOUT_GED_EVT_POWER);
    assert_int_equal(ged(r), 0);
    acpi_pm_power_button(r->pm);
    acpi_pm_power_button(r->pm);
    assert_int_equal(r->rises, 3);
    assert_int_equal(ged(r), LAYOUT_GED_EVT_POWER);
    assert_int_equal(ged(r), 0);
}

static void ged_reads_of_any_width_and_place(void **state)
{
    struct rig *r = *state;

    for (unsigned n = 1; n <= 8; n *= 2) {
        uint64_t v = 0;

        acpi_pm_power_button(r->pm);
        for (unsigned off = n; off < ACPI_PM_GED; off += n) {
            acpi_pm_ged_ops.read(r->pm, off, &v, n);
            assert_int_equal(v, 0);
        }
        acpi_pm_ged_ops.read(r->pm, 0, &v, n);
        assert_int_equal(v, LAYOUT_GED_EVT_POWER);
        assert_int_equal(ged(r), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_s5_with_enable_powers_off, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_the_reset_value_resets, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(status_has_nothing_to_tell, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_word_is_two_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(the_button_is_an_edge_and_a_bit, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(ged_reads_of_any_width_and_place, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
