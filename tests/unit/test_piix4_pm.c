// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PIIX4's power management: status and enable registers, the SCI, the
 * PM timer in both widths, every sleep type, the SMI commands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chip_clock.h"
#include "chip_rig.h"
#include "devices/platform/piix4_pm.h"
#include "vmm/log.h"

#include <string.h>

#define STS  PIIX4_PM1_EVT
#define EN   (PIIX4_PM1_EVT + 2u)
#define CNT  PIIX4_PM1_CNT
#define TMR  PIIX4_PM_TMR
#define GSTS PIIX4_GPE0
#define GEN  (PIIX4_GPE0 + 2u)

#define TIMER  0x0001u
#define BUTTON 0x0100u
#define WAKE   0x8000u
#define SCI_EN 0x0001u
#define SLEEP  0x2000u

struct rig {
    struct piix4_pm *pm;
    struct fake_clock clock;
    struct wire sci;
    unsigned poweroffs;
};

static void on_poweroff(void *ctx)
{
    ((struct rig *)ctx)->poweroffs++;
}

static int begin(struct rig *r, bool wide)
{
    const struct piix4_pm_hooks hooks = {.poweroff = on_poweroff, .ctx = r};
    struct chip_clock clock;

    memset(r, 0, sizeof(*r));
    log_set_level(LOG_ERROR);
    clock = fake_clock_init(&r->clock, 777 * CLOCK_SECOND);
    wire_init(&r->sci);
    r->pm = piix4_pm_create(&clock, wide, &hooks, &r->sci.intr);
    return r->pm ? 0 : -1;
}

static int setup(void **state)
{
    static struct rig r;

    *state = &r;
    return begin(&r, false);
}

static int teardown(void **state)
{
    piix4_pm_destroy(((struct rig *)*state)->pm);
    return 0;
}

static void put(struct rig *r, unsigned reg, unsigned v)
{
    chip_write(&piix4_pm_ops, r->pm, reg, v, 2);
}

static unsigned get(struct rig *r, unsigned reg)
{
    return (unsigned)chip_read(&piix4_pm_ops, r->pm, reg, 2);
}

static void smi(struct rig *r, unsigned v)
{
    chip_write(&piix4_pm_smi_ops, r->pm, 0, v, 1);
}

static uint32_t timer(struct rig *r)
{
    return (uint32_t)chip_read(&piix4_pm_ops, r->pm, TMR, 4);
}

static void run_for(struct rig *r, uint64_t ns)
{
    const uint64_t until = r->clock.now + ns;

    while (fake_clock_next(&r->clock, until))
        piix4_pm_tick(r->pm);
}

static void the_timer_runs_at_its_rate(void **state)
{
    struct rig r;

    for (unsigned wide = 0; wide < 2; wide++) {
        const uint32_t mask = wide ? UINT32_MAX : 0xffffff;

        assert_int_equal(begin(&r, wide), 0);
        assert_int_equal(timer(&r), 0);
        run_for(&r, CLOCK_SECOND);
        assert_int_equal(timer(&r), PIIX4_PM_HZ);
        run_for(&r, 3600 * CLOCK_SECOND);
        assert_int_equal(timer(&r), (3601ull * PIIX4_PM_HZ) & mask);
        /* It is not written, and a byte of it is a byte of it. */
        chip_write(&piix4_pm_ops, r.pm, TMR, 0, 4);
        assert_int_equal(timer(&r), (3601ull * PIIX4_PM_HZ) & mask);
        assert_int_equal(chip_read(&piix4_pm_ops, r.pm, TMR + 1, 1),
                         timer(&r) >> 8 & 0xff);
        piix4_pm_destroy(r.pm);
    }
    (void)state;
}

/* "set any time the most significant bit toggles": each 2.3435 s. */
static void the_timer_overflows(void **state)
{
    struct rig *r = *state;
    const uint64_t half = clock_ns(1ull << 23, PIIX4_PM_HZ);

    put(r, CNT, SCI_EN);
    run_for(r, half - 1000);
    assert_int_equal(get(r, STS), 0);
    run_for(r, 1000);
    assert_int_equal(get(r, STS), TIMER);
    assert_int_equal(wire_rises(&r->sci), 0);
    put(r, STS, TIMER);
    assert_int_equal(get(r, STS), 0);
    put(r, EN, TIMER);
    run_for(r, half - 1000);
    assert_int_equal(wire_rises(&r->sci), 0);
    run_for(r, 2000);
    assert_int_equal(wire_rises(&r->sci), 1);
    assert_true(r->sci.intr.level);
    put(r, STS, TIMER);
    assert_false(r->sci.intr.level);
    /* Two toggles slept through are one event, not none. */
    r->clock.now += 2 * half;
    assert_int_equal(get(r, STS), TIMER);
    put(r, EN, 0);
    put(r, STS, TIMER);
    assert_int_equal(r->clock.deadline, CLOCK_NEVER);
}

static void a_wide_timer_overflows_later(void **state)
{
    struct rig r;

    (void)state;
    assert_int_equal(begin(&r, true), 0);
    put(&r, CNT, SCI_EN);
    put(&r, EN, TIMER);
    run_for(&r, clock_ns(1ull << 31, PIIX4_PM_HZ) - 1000);
    assert_int_equal(wire_rises(&r.sci), 0);
    run_for(&r, 1000);
    assert_int_equal(wire_rises(&r.sci), 1);
    piix4_pm_destroy(r.pm);
}

static void the_power_button(void **state)
{
    struct rig *r = *state;

    /* Nobody asked. */
    assert_false(piix4_pm_power_button(r->pm));
    assert_int_equal(get(r, STS), BUTTON);
    put(r, EN, BUTTON);
    assert_false(piix4_pm_power_button(r->pm));
    assert_int_equal(wire_rises(&r->sci), 0);
    /* What was pressed before is told when somebody asks. */
    put(r, CNT, SCI_EN);
    assert_int_equal(wire_rises(&r->sci), 1);
    put(r, STS, (uint16_t)~BUTTON);
    assert_true(r->sci.intr.level);
    put(r, STS, BUTTON);
    assert_false(r->sci.intr.level);
    assert_true(piix4_pm_power_button(r->pm));
    assert_int_equal(wire_rises(&r->sci), 1);
    put(r, EN, 0);
    assert_false(r->sci.intr.level);
}

static void enables_keep_what_they_may(void **state)
{
    struct rig *r = *state;

    put(r, EN, 0xffff);
    assert_int_equal(get(r, EN), 0x0521);
    put(r, GEN, 0xffff);
    assert_int_equal(get(r, GEN), 0xffff);
    /* As one dword, as bytes. */
    chip_write(&piix4_pm_ops, r->pm, STS, 0x01000000, 4);
    assert_int_equal(get(r, EN), 0x0100);
    chip_write(&piix4_pm_ops, r->pm, EN, 0x20, 1);
    assert_int_equal(get(r, EN), 0x0120);
    assert_int_equal(chip_read(&piix4_pm_ops, r->pm, EN + 1, 1), 0x01);
    chip_write(&piix4_pm_ops, r->pm, 0x10, 0x89abcdef, 4);
    assert_int_equal(chip_read(&piix4_pm_ops, r->pm, 0x10, 4), 0x89abcdef);
    for (unsigned reg = 0x14; reg < PIIX4_PM_PORTS; reg += 2) {
        put(r, reg, 0xffff);
        assert_int_equal(get(r, reg), 0);
    }
}

/* Sixteen bits of control, all of them: only SLP_EN with type 0 is off. */
static void every_sleep_type(void **state)
{
    struct rig *r = *state;

    for (unsigned v = 0; v <= 0xffff; v++) {
        const unsigned type = v >> 10 & 7;
        const unsigned before = r->poweroffs;

        put(r, STS, WAKE);
        put(r, CNT, v);
        assert_int_equal(r->poweroffs - before, (v & SLEEP) && type == 0);
        assert_int_equal(get(r, STS) & WAKE,
                         (v & SLEEP) && type != 0 ? WAKE : 0);
        assert_int_equal(get(r, CNT), v & 0x1c03);
    }
    assert_int_equal(r->poweroffs, 0x10000 / 16);
    /* By bytes: the type first, then with the enable. */
    r->poweroffs = 0;
    chip_write(&piix4_pm_ops, r->pm, CNT + 1, 0x00, 1);
    assert_int_equal(r->poweroffs, 0);
    chip_write(&piix4_pm_ops, r->pm, CNT + 1, 0x20, 1);
    assert_int_equal(r->poweroffs, 1);
}

static void smi_commands(void **state)
{
    struct rig *r = *state;

    for (unsigned v = 0; v < 256; v++) {
        const unsigned before = get(r, CNT);

        smi(r, v);
        if (v == PIIX4_ACPI_ENABLE)
            assert_int_equal(get(r, CNT), SCI_EN);
        else if (v == PIIX4_ACPI_DISABLE)
            assert_int_equal(get(r, CNT), 0);
        else
            assert_int_equal(get(r, CNT), before);
        assert_int_equal(chip_read(&piix4_pm_smi_ops, r->pm, 0, 1), v);
    }
    chip_write(&piix4_pm_smi_ops, r->pm, 1, 0xf0, 1);
    assert_int_equal(get(r, CNT), SCI_EN); /* the status is no command */
    assert_int_equal(chip_read(&piix4_pm_smi_ops, r->pm, 0, 2), 0xf0ff);
    /* The SCI goes with ACPI mode. */
    put(r, EN, BUTTON);
    assert_true(piix4_pm_power_button(r->pm));
    smi(r, PIIX4_ACPI_DISABLE);
    assert_false(r->sci.intr.level);
    smi(r, PIIX4_ACPI_ENABLE);
    assert_true(r->sci.intr.level);
}

static void general_purpose_events(void **state)
{
    struct rig *r = *state;

    put(r, CNT, SCI_EN);
    for (unsigned i = 0; i < PIIX4_GPES; i++) {
        put(r, GEN, 0xffffu & ~(1u << i));
        piix4_pm_event(r->pm, i);
        assert_int_equal(get(r, GSTS), 1u << i);
        assert_int_equal(wire_rises(&r->sci), 0);
        put(r, GEN, 1u << i);
        assert_int_equal(wire_rises(&r->sci), 1);
        put(r, GSTS, 1u << i);
        assert_false(r->sci.intr.level);
    }
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_timer_runs_at_its_rate),
        ROW(the_timer_overflows),
        cmocka_unit_test(a_wide_timer_overflows_later),
        ROW(the_power_button),
        ROW(enables_keep_what_they_may),
        ROW(every_sleep_type),
        ROW(smi_commands),
        ROW(general_purpose_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
