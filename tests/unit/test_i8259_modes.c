// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pair of 8259A: levels, spurious interrupts, masks and the special modes,
 * poll, status reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "i8259_rig.h"

/* A level asks for as long as it is high. */
static void level_inputs(void **state)
{
    struct rig *r = *state;

    chip_write(&i8259_elcr_ops, r->pics, 0, 0x20, 1);
    chip_write(&i8259_elcr_ops, r->pics, 1, 0x08, 1);
    raise_line(r, 5);
    assert_int_equal(ack(r), 0x0d);
    assert_int_equal(irr(r, MASTER), 0x20);
    put(r, MASTER, 0, EOI);
    assert_true(out(r));
    assert_int_equal(ack(r), 0x0d);
    lower_line(r, 5);
    assert_int_equal(irr(r, MASTER), 0);
    put(r, MASTER, 0, EOI);
    assert_false(out(r));
    raise_line(r, 11);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(ack(r), 0x73);
        put(r, SLAVE, 0, EOI);
        put(r, MASTER, 0, EOI);
        assert_true(out(r));
    }
    /* Initialization does not forget it either. */
    init_pair(r, 0x01, 0x01);
    assert_true(out(r));
    assert_int_equal(ack(r), 0x73);
}

static void elcr_has_no_bit_for_edges_only(void **state)
{
    struct rig *r = *state;

    assert_int_equal(chip_read(&i8259_elcr_ops, r->pics, 0, 2), 0);
    chip_write(&i8259_elcr_ops, r->pics, 0, 0xffff, 2);
    assert_int_equal(chip_read(&i8259_elcr_ops, r->pics, 0, 2), 0xdef8);
}

static void elcr_changes_under_a_line(void **state)
{
    struct rig *r = *state;

    raise_line(r, 5);
    assert_int_equal(ack(r), 0x0d);
    put(r, MASTER, 0, EOI);
    assert_false(out(r));
    chip_write(&i8259_elcr_ops, r->pics, 0, 0x20, 1);
    assert_true(out(r));
    chip_write(&i8259_elcr_ops, r->pics, 0, 0x00, 1);
    assert_false(out(r));
}

/* "the IR input must remain high until the first INTA", else IR7. */
static void what_goes_away_is_spurious(void **state)
{
    struct rig *r = *state;

    raise_line(r, 3);
    lower_line(r, 3);
    assert_false(out(r));
    assert_int_equal(ack(r), 0x0f);
    assert_int_equal(isr(r, MASTER), 0);
    /* A request that a poll took is gone, too. */
    init_pair(r, 0x11, 0x01);
    raise_line(r, 9);
    put(r, SLAVE, 0, POLL);
    assert_true(out(r));
    assert_int_equal(get(r, SLAVE, 0), 0x81);
    assert_false(out(r));
    assert_int_equal(r->acked, 1u << 9);
}

static void spurious_from_the_slave(void **state)
{
    struct rig *r = *state;

    raise_line(r, 9);
    /* Masked in the slave between the request and the acknowledge. */
    put(r, SLAVE, 1, 0xff);
    assert_false(out(r));
    assert_int_equal(ack(r), 0x0f);
    /* A master that takes its input for its own sees it through. */
    put(r, SLAVE, 1, 0x00);
    assert_int_equal(ack(r), 0x71);
    /* Called for an input that is none of its own: it answers 7 of its. */
    put(r, MASTER, 0, 0x11);
    put(r, MASTER, 1, 0x08);
    put(r, MASTER, 1, 0x08);
    put(r, MASTER, 1, 0x01);
    put(r, SLAVE, 0, 0x11);
    put(r, SLAVE, 1, 0x70);
    put(r, SLAVE, 1, 0x03);
    put(r, SLAVE, 1, 0x01);
    raise_line(r, 3);
    assert_int_equal(ack(r), 0x77);
    assert_int_equal(isr(r, MASTER), 0x08);
    assert_int_equal(isr(r, SLAVE), 0);
}

static void masks(void **state)
{
    struct rig *r = *state;

    r->mask_changes = 0;
    put(r, MASTER, 1, 0x18);
    assert_int_equal(get(r, MASTER, 1), 0x18);
    assert_int_equal(r->mask_changes, 2);
    assert_int_equal(r->masks, 0x0018);
    put(r, SLAVE, 1, 0x80);
    assert_int_equal(r->masks, 0x8018);
    raise_line(r, 3);
    raise_line(r, 15);
    assert_false(out(r));
    assert_int_equal(irr(r, MASTER), 0x08);
    assert_int_equal(irr(r, SLAVE), 0x80);
    put(r, MASTER, 1, 0x10);
    assert_true(out(r));
    put(r, MASTER, 1, 0x18);
    assert_false(out(r));
    /* The cascade's mask masks eight. */
    put(r, SLAVE, 1, 0x00);
    assert_true(out(r));
    put(r, MASTER, 1, 0x1c);
    assert_false(out(r));
    /* Initialization unmasks, and says so. */
    put(r, MASTER, 0, 0x11);
    assert_int_equal(r->masks, 0);
}

/* In service and masked: whoever is not masked may interrupt. */
static void special_mask_mode(void **state)
{
    struct rig *r = *state;

    raise_line(r, 1);
    assert_int_equal(ack(r), 0x09);
    raise_line(r, 6);
    put(r, MASTER, 1, 0x02);
    assert_false(out(r));
    put(r, MASTER, 0, SMM_ON);
    assert_true(out(r));
    /* SMM without ESMM says nothing. */
    put(r, MASTER, 0, 0x28);
    assert_true(out(r));
    assert_int_equal(ack(r), 0x0e);
    /* A non-specific EOI does not see who is masked. */
    put(r, MASTER, 0, EOI);
    assert_int_equal(isr(r, MASTER), 0x02);
    put(r, MASTER, 0, EOI);
    assert_int_equal(isr(r, MASTER), 0x02);
    pulse(r, 6);
    put(r, MASTER, 0, SMM_OFF);
    assert_false(out(r));
    put(r, MASTER, 0, EOI);
    assert_int_equal(isr(r, MASTER), 0);
    assert_true(out(r));
}

/* A higher one of the slave, while the slave is served. */
static void special_fully_nested_mode(void **state)
{
    struct rig *r = *state;

    for (unsigned nested = 0; nested < 2; nested++) {
        init_pair(r, nested ? 0x11 : 0x01, 0x01);
        pulse(r, 12);
        assert_int_equal(ack(r), 0x74);
        pulse(r, 14); /* lower: never */
        assert_false(out(r));
        pulse(r, 9);
        assert_int_equal(out(r), nested);
        if (nested) {
            assert_int_equal(ack(r), 0x71);
            assert_int_equal(isr(r, SLAVE), 0x12);
        }
        pulse(r, 3); /* the cascade input still stands before it */
        assert_false(out(r));
        pulse(r, 1);
        assert_true(out(r));
        assert_int_equal(ack(r), 0x09);
        lower_line(r, 1);
    }
}

static void poll_is_an_acknowledge(void **state)
{
    struct rig *r = *state;

    put(r, MASTER, 0, POLL);
    assert_int_equal(get(r, MASTER, 0), 0);
    raise_line(r, 6);
    raise_line(r, 4);
    put(r, MASTER, 0, POLL);
    assert_int_equal(get(r, MASTER, 0), 0x84);
    assert_int_equal(isr(r, MASTER), 0x10);
    assert_false(out(r));
    /* One read only; 6 must wait for 4. */
    put(r, MASTER, 0, POLL);
    assert_int_equal(get(r, MASTER, 1), 0);
    assert_int_equal(get(r, MASTER, 1), 0x00);
    put(r, MASTER, 0, EOI);
    put(r, MASTER, 0, POLL);
    assert_int_equal(get(r, MASTER, 0), 0x86);
    put(r, MASTER, 0, EOI);
    /* The master names its cascade input, the slave the rest. */
    raise_line(r, 13);
    put(r, MASTER, 0, POLL);
    assert_int_equal(get(r, MASTER, 0), 0x82);
    put(r, SLAVE, 0, POLL);
    assert_int_equal(get(r, SLAVE, 0), 0x85);
    assert_int_equal(r->acked, 1u << 4 | 1u << 6 | 1u << 13);
}

/* Poll wins over a register choice in the same word, which is not lost. */
static void status_reads_keep_their_choice(void **state)
{
    struct rig *r = *state;

    raise_line(r, 4);
    put(r, MASTER, 0, READ_ISR);
    put(r, MASTER, 0, POLL | 0x02);
    assert_int_equal(get(r, MASTER, 0), 0x84);
    assert_int_equal(get(r, MASTER, 0), 0x10);
    assert_int_equal(get(r, MASTER, 0), 0x10);
    put(r, MASTER, 0, 0x08); /* neither RR nor anything else */
    assert_int_equal(get(r, MASTER, 0), 0x10);
    put(r, MASTER, 0, READ_IRR);
    assert_int_equal(get(r, MASTER, 0), 0x00);
}

static void a_word_is_two_ports(void **state)
{
    struct rig *r = *state;

    raise_line(r, 4);
    chip_write(MASTER, r->pics, 0, 0x5a0a, 2);
    assert_int_equal(chip_read(MASTER, r->pics, 0, 2), 0x5a10);
}

static void out_of_reset_nothing_asks(void **state)
{
    struct wire w;
    struct i8259 *pics;

    (void)state;
    wire_init(&w);
    pics = i8259_create(&w.intr, NULL);
    assert_non_null(pics);
    i8259_set_line(pics, 0, true);
    i8259_set_line(pics, 14, true);
    assert_int_equal(wire_rises(&w), 0);
    chip_write(MASTER, pics, 1, 0xfe, 1);
    assert_int_equal(wire_rises(&w), 1);
    i8259_destroy(pics);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(elcr_has_no_bit_for_edges_only),
        ROW(elcr_changes_under_a_line),
        ROW(what_goes_away_is_spurious),
        ROW(spurious_from_the_slave),
        ROW(special_fully_nested_mode),
        ROW(poll_is_an_acknowledge),
        ROW(status_reads_keep_their_choice),
        ROW(a_word_is_two_ports),
        cmocka_unit_test(out_of_reset_nothing_asks),
        ROW(level_inputs),
        ROW(masks),
        ROW(special_mask_mode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
