// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A PC's interrupt wires: which line ends where, steering, legacy
 * replacement; and the timer with the real 8259s at the end of its wire,
 * whose acknowledges tell it what the guest has missed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chip_clock.h"
#include "chip_rig.h"
#include "devices/platform/hpet.h"
#include "devices/platform/i8254.h"
#include "devices/platform/i8259.h"
#include "devices/platform/pc_irq.h"

#include <string.h>

#define MS 1000000ull

struct rig {
    struct pc_irq *irq;
    uint32_t lines;
    uint32_t pins;
    unsigned changes;
    unsigned events[PC_IRQ_PINS];
};

static void flip(struct rig *r, uint32_t *set, unsigned bit, bool level)
{
    /* An end hears of changes only. */
    assert_int_not_equal(!!(*set & 1u << bit), level);
    *set ^= 1u << bit;
    r->changes++;
}

static void on_pic(void *ctx, unsigned irq, bool level)
{
    struct rig *r = ctx;

    flip(r, &r->lines, irq, level);
}

static void on_ioapic(void *ctx, unsigned pin, bool level)
{
    struct rig *r = ctx;

    flip(r, &r->pins, pin, level);
}

static void on_event(void *ctx, unsigned pin)
{
    struct rig *r = ctx;

    r->events[pin]++;
}

static int setup(void **state)
{
    static struct rig r;
    const struct pc_irq_ends ends = {.pic = on_pic,
                                     .pic_ctx = &r,
                                     .ioapic = on_ioapic,
                                     .ioapic_ctx = &r,
                                     .event = on_event,
                                     .event_ctx = &r};

    r = (struct rig){.irq = pc_irq_create(&ends)};
    *state = &r;
    return r.irq ? 0 : -1;
}

static int teardown(void **state)
{
    pc_irq_destroy(((struct rig *)*state)->irq);
    return 0;
}

static void isa_lines_end_at_both(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0; i < 16; i++) {
        if (i == I8259_CASCADE)
            continue;
        pc_irq_set(r->irq, i, true);
        assert_int_equal(r->lines, 1u << i);
        assert_int_equal(r->pins, i == 0 ? 1u << 2 : 1u << i);
        pc_irq_set(r->irq, i, true);
        assert_int_equal(r->changes, 2);
        pc_irq_set(r->irq, i, false);
        assert_int_equal(r->lines | r->pins, 0);
        r->changes = 0;
    }
}

/* Every PIRQ with every value of its register. */
static void pirqs_are_steered(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0; i < 4 * 256; i++) {
        const unsigned n = i / 256;
        const unsigned v = i % 256;
        const unsigned line = v & 0x0f;
        const bool off = (v & 0x80) || line < 3 || line == 8 || line == 13;

        pc_irq_set_route(r->irq, n, (uint8_t)v);
        assert_int_equal(pc_irq_route(r->irq, n), v & 0x8f);
        pc_irq_set(r->irq, PC_IRQ_PIRQ + n, true);
        assert_int_equal(r->pins, 1u << (16 + n) | (off ? 0 : 1u << line));
        assert_int_equal(r->lines, off ? 0 : 1u << line);
        pc_irq_set(r->irq, PC_IRQ_PIRQ + n, false);
        assert_int_equal(r->lines | r->pins, 0);
        pc_irq_set_route(r->irq, n, PC_IRQ_ROUTE_OFF);
    }
}

static void a_line_is_shared(void **state)
{
    struct rig *r = *state;

    for (unsigned n = 0; n < PC_IRQ_PIRQS; n++)
        pc_irq_set_route(r->irq, n, 11);
    pc_irq_set(r->irq, 11, true);
    pc_irq_set(r->irq, PC_IRQ_PIRQ, true);
    pc_irq_set(r->irq, PC_IRQ_PIRQ + 3, true);
    pc_irq_set(r->irq, 11, false);
    pc_irq_set(r->irq, PC_IRQ_PIRQ, false);
    assert_int_equal(r->lines, 1u << 11);
    /* Steered elsewhere while it is up. */
    pc_irq_set_route(r->irq, 3, 5);
    assert_int_equal(r->lines, 1u << 5);
    pc_irq_set_route(r->irq, 3, PC_IRQ_ROUTE_OFF);
    assert_int_equal(r->lines, 0);
    assert_int_equal(r->pins, 1u << 19);
}

static void legacy_replacement(void **state)
{
    struct rig *r = *state;

    pc_irq_set(r->irq, 0, true);
    pc_irq_hpet_set(r->irq, HPET_IRQ8, true);
    assert_int_equal(r->lines, 1u << 0);
    pc_irq_hpet_legacy(r->irq, true);
    assert_int_equal(r->lines, 1u << 8);
    assert_int_equal(r->pins, 1u << 8);
    pc_irq_hpet_set(r->irq, HPET_IRQ0, true);
    assert_int_equal(r->lines, 1u << 8 | 1u << 0);
    assert_int_equal(r->pins, 1u << 8 | 1u << 2);
    pc_irq_set(r->irq, 0, false);
    assert_int_equal(r->lines, 1u << 8 | 1u << 0);
    pc_irq_hpet_legacy(r->irq, false);
    assert_int_equal(r->lines | r->pins, 0);
    /* Pins of the I/O APIC are the HPET's at any time, shared with PIRQs. */
    pc_irq_hpet_set(r->irq, 18, true);
    pc_irq_set(r->irq, PC_IRQ_PIRQ + 2, true);
    pc_irq_hpet_set(r->irq, 18, false);
    assert_int_equal(r->pins, 1u << 18);
    assert_int_equal(r->lines, 0);
    pc_irq_hpet_set(r->irq, 31, true);
    assert_int_equal(r->pins, 1u << 18);
}

/* Every pin: the 8259s hear of its line as before, the I/O APIC does not. */
static void pins_are_led_to_events(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0; i < PC_IRQ_INPUTS; i++) {
        const unsigned pin = i == 0 ? PC_IRQ_TIMER_PIN : i;

        if (i == I8259_CASCADE)
            continue;
        pc_irq_lead(r->irq, pin, true);
        assert_int_equal(r->events[pin], 0);
        pc_irq_set(r->irq, i, true);
        pc_irq_set(r->irq, i, true);
        assert_int_equal(r->events[pin], 1);
        assert_int_equal(r->pins, 0);
        assert_int_equal(r->lines, i < 16 ? 1u << i : 0);
        pc_irq_set(r->irq, i, false);
        assert_int_equal(r->events[pin], 1);
        pc_irq_lead(r->irq, pin, false);
        pc_irq_set(r->irq, i, true);
        assert_int_equal(r->pins, 1u << pin);
        assert_int_equal(r->events[pin], 1);
        pc_irq_set(r->irq, i, false);
    }
}

/* Up, it falls where it leaves and rises where it arrives. */
static void a_pin_is_led_while_up(void **state)
{
    struct rig *r = *state;
    const unsigned pin = PC_IRQ_PIRQ_PIN + 1;

    pc_irq_set(r->irq, pin, true);
    assert_int_equal(r->pins, 1u << pin);
    pc_irq_lead(r->irq, pin, true);
    assert_int_equal(r->pins, 0);
    assert_int_equal(r->events[pin], 1);
    pc_irq_lead(r->irq, pin, true);
    assert_int_equal(r->events[pin], 1);
    pc_irq_lead(r->irq, pin, false);
    assert_int_equal(r->pins, 1u << pin);
    pc_irq_lead(r->irq, pin, true);
    assert_int_equal(r->events[pin], 2);
}

/* Two on one line: the second is heard at the end of the first. */
static void levels_ask_again(void **state)
{
    struct rig *r = *state;
    const unsigned sci = 9, edge = 14;

    pc_irq_set_route(r->irq, 2, (uint8_t)sci);
    for (unsigned pin = 0; pin < PC_IRQ_PINS; pin++)
        pc_irq_lead(r->irq, pin, true);
    pc_irq_set(r->irq, sci, true);
    pc_irq_set(r->irq, PC_IRQ_PIRQ + 2, true);
    pc_irq_set(r->irq, edge, true);
    assert_int_equal(r->events[sci], 1);
    assert_int_equal(r->events[PC_IRQ_PIRQ_PIN + 2], 1);
    pc_irq_set(r->irq, sci, false);
    for (unsigned pin = 0; pin < PC_IRQ_PINS; pin++)
        pc_irq_ended(r->irq, pin);
    assert_int_equal(r->events[sci], 2);
    assert_int_equal(r->events[PC_IRQ_PIRQ_PIN + 2], 2);
    assert_int_equal(r->events[edge], 1);
    pc_irq_set(r->irq, PC_IRQ_PIRQ + 2, false);
    for (unsigned pin = 0; pin < PC_IRQ_PINS; pin++)
        pc_irq_ended(r->irq, pin);
    assert_int_equal(r->events[sci], 2);
    assert_int_equal(r->events[PC_IRQ_PIRQ_PIN + 2], 2);
}

/* The timer, its wire and the 8259s of a real board. */
struct pc {
    struct i8259 *pics;
    struct pc_irq *irq;
    struct i8254 *pit;
    struct fake_clock clock;
    struct wire intr;
    struct intr irq0;
};

static void pc_acked(void *ctx, unsigned irq)
{
    if (irq == 0)
        i8254_tick_taken(((struct pc *)ctx)->pit);
}

static void pc_masked(void *ctx, unsigned irq, bool masked)
{
    struct pc *pc = ctx;

    (void)masked;
    if (irq == 0 && pc->pit)
        i8254_forgive(pc->pit);
}

static void nowhere(void *ctx, unsigned pin, bool level)
{
    (void)ctx;
    (void)pin;
    (void)level;
}

static void pc_build(struct pc *pc)
{
    const struct i8259_hooks hooks = {
        .acked = pc_acked, .masked = pc_masked, .ctx = pc};
    const struct chip_clock clock = fake_clock_init(&pc->clock, 0);

    wire_init(&pc->intr);
    pc->pit = NULL;
    pc->pics = i8259_create(&pc->intr.intr, &hooks);
    pc->irq = pc_irq_create(&(struct pc_irq_ends){
        .pic = i8259_set_line, .pic_ctx = pc->pics, .ioapic = nowhere});
    pc->irq0 = (struct intr){.set = pc_irq_set, .ctx = pc->irq, .line = 0};
    pc->pit = i8254_create(&clock, &pc->irq0);
    assert_true(pc->pics && pc->irq && pc->pit);
}

static void out(struct pc *pc, const struct io_ops *ops, unsigned port,
                unsigned v)
{
    chip_write(ops, ops == &i8254_ops ? (void *)pc->pit : pc->pics, port, v, 1);
}

/* A guest that counts ticks at 100 Hz, as a BIOS has set up the 8259s. */
static void pc_boot(struct pc *pc)
{
    static const unsigned icw[] = {0x11, 0x08, 0x04, 0x01};

    for (unsigned i = 0; i < 4; i++)
        out(pc, &i8259_master_ops, i != 0, icw[i]);
    out(pc, &i8259_master_ops, 1, 0xfe);
    out(pc, &i8254_ops, 3, 0x34);
    out(pc, &i8254_ops, 0, 11931 & 0xff);
    out(pc, &i8254_ops, 0, 11931 >> 8);
}

/* A millisecond; the guest takes interrupts if it has them on. */
static unsigned pc_ms(struct pc *pc, bool interrupts_on)
{
    const uint64_t until = pc->clock.now + MS;
    unsigned taken = 0;

    while (fake_clock_next(&pc->clock, until))
        i8254_tick(pc->pit);
    while (interrupts_on && pc->intr.intr.level) {
        assert_int_equal(i8259_ack(pc->pics), 0x08);
        out(pc, &i8259_master_ops, 0, 0x20);
        taken++;
    }
    return taken;
}

static void no_tick_is_lost(void **state)
{
    struct pc pc;
    unsigned ticks = 0;

    (void)state;
    pc_build(&pc);
    pc_boot(&pc);
    /* Three seconds in all; for 600 ms of them interrupts are off. */
    for (unsigned ms = 0; ms < 3000; ms++)
        ticks += pc_ms(&pc, ms < 200 || ms >= 800);
    assert_in_range(ticks, 299, 301);
    /* Masked in the 8259, nothing is owed. */
    out(&pc, &i8259_master_ops, 1, 0xff);
    for (unsigned ms = 0; ms < 500; ms++)
        assert_int_equal(pc_ms(&pc, true), 0);
    out(&pc, &i8259_master_ops, 1, 0xfe);
    ticks = 0;
    for (unsigned ms = 0; ms < 1000; ms++)
        ticks += pc_ms(&pc, true);
    assert_in_range(ticks, 99, 101);
    i8254_destroy(pc.pit);
    pc_irq_destroy(pc.irq);
    i8259_destroy(pc.pics);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(isa_lines_end_at_both),  ROW(pirqs_are_steered),
        ROW(a_line_is_shared),       ROW(legacy_replacement),
        ROW(pins_are_led_to_events), ROW(a_pin_is_led_while_up),
        ROW(levels_ask_again),       cmocka_unit_test(no_tick_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
