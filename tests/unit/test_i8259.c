// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pair of 8259A against the datasheet: initialization words, priority,
 * rotation, every kind of EOI, cascade.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "i8259_rig.h"

static void every_input_has_its_vector(void **state)
{
    struct rig *r = *state;

    for (unsigned irq = 0; irq < I8259_LINES; irq++) {
        if (irq == I8259_CASCADE)
            continue;
        assert_false(out(r));
        raise_line(r, irq);
        assert_true(out(r));
        assert_int_equal(ack(r), vector_of(irq));
        assert_false(out(r));
        if (irq >= 8) {
            assert_int_equal(isr(r, SLAVE), 1u << (irq - 8));
            assert_int_equal(isr(r, MASTER), 0x04);
            put(r, SLAVE, 0, EOI);
        }
        put(r, MASTER, 0, EOI);
        assert_int_equal(isr(r, MASTER) | isr(r, SLAVE), 0);
        /* Still high, but an edge was asked for. */
        assert_false(out(r));
        lower_line(r, irq);
        assert_int_equal(r->acked, 1u << irq);
        r->acked = 0;
    }
}

static void icw2_gives_the_upper_bits_only(void **state)
{
    struct rig *r = *state;

    put(r, MASTER, 0, 0x11);
    put(r, MASTER, 1, 0xff);
    put(r, MASTER, 1, 0x04);
    put(r, MASTER, 1, 0x01);
    raise_line(r, 3);
    assert_int_equal(ack(r), 0xfb);
}

/* A high line is no request after initialization: the edge came before. */
static void icw1_resets_all_but_the_lines(void **state)
{
    struct rig *r = *state;

    put(r, MASTER, 1, 0xf0);
    raise_line(r, 1);
    raise_line(r, 3);
    assert_int_equal(ack(r), 0x09);
    put(r, MASTER, 0, 0xc3);
    put(r, MASTER, 0, SMM_ON);
    put(r, MASTER, 0, READ_ISR);
    put(r, MASTER, 0, 0x11);
    assert_false(out(r));
    /* Asks for nothing in the middle of its initialization. */
    pulse(r, 5);
    assert_false(out(r));
    put(r, MASTER, 1, 0x20);
    put(r, MASTER, 1, 0x04);
    assert_false(out(r));
    put(r, MASTER, 1, 0x01);
    assert_int_equal(get(r, MASTER, 1), 0x00);
    assert_int_equal(get(r, MASTER, 0), 0x20); /* IRR is what is read */
    assert_int_equal(isr(r, MASTER), 0);
    assert_int_equal(ack(r), 0x25);
    put(r, MASTER, 0, EOI);
    pulse(r, 3);
    assert_int_equal(ack(r), 0x23);
}

static void without_ic4_there_is_no_auto_eoi(void **state)
{
    struct rig *r = *state;

    init_pair(r, 0x03, 0x01);
    raise_line(r, 4);
    assert_int_equal(ack(r), 0x0c);
    assert_int_equal(isr(r, MASTER), 0);
    put(r, MASTER, 0, 0x10);
    put(r, MASTER, 1, 0x08);
    put(r, MASTER, 1, 0x04);
    put(r, MASTER, 1, 0x55); /* the mask already */
    assert_int_equal(get(r, MASTER, 1), 0x55);
    put(r, MASTER, 1, 0x00);
    pulse(r, 4);
    assert_int_equal(ack(r), 0x0c);
    assert_int_equal(isr(r, MASTER), 0x10);
}

/* SNGL: no ICW3, and the cascade input is one like the others. */
static void a_single_master_has_no_slave(void **state)
{
    struct rig *r = *state;

    put(r, MASTER, 0, 0x13);
    put(r, MASTER, 1, 0x40);
    put(r, MASTER, 1, 0x01);
    raise_line(r, 12);
    assert_true(out(r));
    assert_int_equal(ack(r), 0x42);
}

static void a_slave_of_another_name_does_not_answer(void **state)
{
    struct rig *r = *state;

    put(r, SLAVE, 0, 0x11);
    put(r, SLAVE, 1, 0x70);
    put(r, SLAVE, 1, 0x03);
    put(r, SLAVE, 1, 0x01);
    raise_line(r, 8);
    assert_int_equal(ack(r), 0xff);
    assert_int_equal(isr(r, SLAVE), 0);
    assert_int_equal(isr(r, MASTER), 0x04);
}

/* Every pair of inputs, in service and asking, for every lowest. */
static void priority_is_a_ring(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0; i < 8 * 8 * 8; i++) {
        const unsigned lowest = i / 64;
        const unsigned busy = i / 8 % 8;
        const unsigned asks = i % 8;
        const unsigned busy_rank = (busy - lowest - 1) % 8;
        const unsigned asks_rank = (asks - lowest - 1) % 8;

        if (busy == I8259_CASCADE || asks == I8259_CASCADE)
            continue;
        init_pair(r, 0x01, 0x01);
        put(r, MASTER, 0, SET_LOWEST | lowest);
        pulse(r, busy);
        assert_int_equal(ack(r), 0x08 + busy);
        pulse(r, asks);
        assert_int_equal(out(r), asks_rank < busy_rank);
        put(r, MASTER, 0, SPECIFIC(busy));
        assert_true(out(r));
        assert_int_equal(ack(r), 0x08 + asks);
    }
}

static void all_at_once_come_in_order(void **state)
{
    struct rig *r = *state;
    static const unsigned order[] = {0,  1,  8, 9, 10, 11, 12, 13,
                                     14, 15, 3, 4, 5,  6,  7};

    for (unsigned irq = 0; irq < 16; irq++)
        if (irq != I8259_CASCADE)
            raise_line(r, irq);
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        assert_true(out(r));
        assert_int_equal(ack(r), vector_of(order[i]));
        assert_false(out(r));
        if (order[i] >= 8)
            put(r, SLAVE, 0, EOI);
        put(r, MASTER, 0, EOI);
    }
    assert_false(out(r));
}

/* Non-specific ends the highest in service; specific the one it names. */
static void kinds_of_eoi(void **state)
{
    struct rig *r = *state;

    raise_line(r, 6);
    assert_int_equal(ack(r), 0x0e);
    raise_line(r, 3);
    assert_int_equal(ack(r), 0x0b);
    raise_line(r, 1);
    assert_int_equal(ack(r), 0x09);
    assert_int_equal(isr(r, MASTER), 0x4a);
    put(r, MASTER, 0, SPECIFIC(3));
    assert_int_equal(isr(r, MASTER), 0x42);
    put(r, MASTER, 0, EOI);
    assert_int_equal(isr(r, MASTER), 0x40);
    put(r, MASTER, 0, SPECIFIC(0));
    assert_int_equal(isr(r, MASTER), 0x40);
    put(r, MASTER, 0, 0x40 | 6); /* no operation */
    assert_int_equal(isr(r, MASTER), 0x40);
    put(r, MASTER, 0, EOI);
    put(r, MASTER, 0, EOI);
    assert_int_equal(isr(r, MASTER), 0);
}

/* Which of two waiting inputs is first tells who is the lowest. */
static int first_of(struct rig *r, unsigned a, unsigned b)
{
    int vector;

    pulse(r, a);
    pulse(r, b);
    vector = ack(r);
    put(r, MASTER, 0, SPECIFIC((unsigned)vector & 7));
    put(r, MASTER, 0, SPECIFIC((unsigned)ack(r) & 7));
    return vector - 0x08;
}

static void rotation_on_eoi(void **state)
{
    struct rig *r = *state;

    raise_line(r, 4);
    assert_int_equal(ack(r), 0x0c);
    put(r, MASTER, 0, ROTATE_EOI);
    assert_int_equal(isr(r, MASTER), 0);
    assert_int_equal(first_of(r, 4, 5), 5);
    assert_int_equal(first_of(r, 0, 7), 7);
    /* Specific: ends 6 and makes it the lowest. */
    pulse(r, 6);
    assert_int_equal(ack(r), 0x0e);
    put(r, MASTER, 0, ROTATE_SPEC | 6);
    assert_int_equal(isr(r, MASTER), 0);
    assert_int_equal(first_of(r, 6, 5), 5);
    assert_int_equal(first_of(r, 7, 0), 7);
    /* Nobody in service: nothing to rotate on. */
    put(r, MASTER, 0, ROTATE_EOI);
    assert_int_equal(first_of(r, 7, 0), 7);
}

static void automatic_eoi(void **state)
{
    struct rig *r = *state;

    init_pair(r, 0x03, 0x03);
    raise_line(r, 5);
    raise_line(r, 1);
    assert_int_equal(ack(r), 0x09);
    assert_int_equal(isr(r, MASTER), 0);
    assert_true(out(r));
    assert_int_equal(ack(r), 0x0d);
    assert_false(out(r));
    /* Through the cascade: two of the slave one after the other. */
    raise_line(r, 12);
    raise_line(r, 9);
    assert_int_equal(ack(r), 0x71);
    assert_true(out(r));
    assert_int_equal(ack(r), 0x74);
    assert_int_equal(isr(r, SLAVE) | isr(r, MASTER), 0);
    assert_false(out(r));
}

static void automatic_rotation(void **state)
{
    struct rig *r = *state;

    init_pair(r, 0x03, 0x01);
    put(r, MASTER, 0, AEOI_ROT_ON);
    for (unsigned i = 0; i < 3; i++) {
        pulse(r, 3);
        pulse(r, 4);
        assert_int_equal(ack(r), i % 2 ? 0x0c : 0x0b);
        assert_int_equal(ack(r), i % 2 ? 0x0b : 0x0c);
        /* 4 is the lowest; then 3, by one more of it alone. */
        if (i == 0) {
            pulse(r, 3);
            assert_int_equal(ack(r), 0x0b);
        }
        if (i == 1) {
            pulse(r, 4);
            assert_int_equal(ack(r), 0x0c);
        }
    }
    put(r, MASTER, 0, AEOI_ROT_OFF);
    put(r, MASTER, 0, SET_LOWEST | 7);
    for (unsigned i = 0; i < 3; i++) {
        pulse(r, 3);
        pulse(r, 4);
        assert_int_equal(ack(r), 0x0b);
        assert_int_equal(ack(r), 0x0c);
    }
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(every_input_has_its_vector),
        ROW(icw2_gives_the_upper_bits_only),
        ROW(icw1_resets_all_but_the_lines),
        ROW(without_ic4_there_is_no_auto_eoi),
        ROW(a_single_master_has_no_slave),
        ROW(a_slave_of_another_name_does_not_answer),
        ROW(priority_is_a_ring),
        ROW(all_at_once_come_in_order),
        ROW(kinds_of_eoi),
        ROW(rotation_on_eoi),
        ROW(automatic_eoi),
        ROW(automatic_rotation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
