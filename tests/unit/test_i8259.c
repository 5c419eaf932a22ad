// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pair of 8259A against the datasheet: initialization words, priority,
 * rotation, every kind of EOI, cascade, levels, poll, the masks, spurious
 * interrupts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chip_rig.h"
#include "devices/platform/i8259.h"
#include "vmm/log.h"

#define MASTER &i8259_master_ops
#define SLAVE  &i8259_slave_ops

#define EOI          0x20u
#define SPECIFIC(n)  (0x60u | (n))
#define ROTATE_EOI   0xa0u
#define ROTATE_SPEC  0xe0u
#define SET_LOWEST   0xc0u
#define AEOI_ROT_ON  0x80u
#define AEOI_ROT_OFF 0x00u
#define READ_IRR     0x0au
#define READ_ISR     0x0bu
#define POLL         0x0cu
#define SMM_ON       0x68u
#define SMM_OFF      0x48u

struct rig {
    struct i8259 *pics;
    struct wire out;
    unsigned acked; /* bit per input */
    unsigned mask_changes;
    uint16_t masks;
};

static void on_acked(void *ctx, unsigned irq)
{
    ((struct rig *)ctx)->acked |= 1u << irq;
}

static void on_masked(void *ctx, unsigned irq, bool masked)
{
    struct rig *r = ctx;
    const uint16_t bit = (uint16_t)(1u << irq);

    r->mask_changes++;
    r->masks = (uint16_t)(masked ? r->masks | bit : r->masks & ~bit);
}

static void put(struct rig *r, const struct io_ops *ops, unsigned port,
                unsigned v)
{
    chip_write(ops, r->pics, port, v, 1);
}

static unsigned get(struct rig *r, const struct io_ops *ops, unsigned port)
{
    return (unsigned)chip_read(ops, r->pics, port, 1);
}

static unsigned irr(struct rig *r, const struct io_ops *ops)
{
    put(r, ops, 0, READ_IRR);
    return get(r, ops, 0);
}

static unsigned isr(struct rig *r, const struct io_ops *ops)
{
    put(r, ops, 0, READ_ISR);
    return get(r, ops, 0);
}

/* As a BIOS does it: vectors 8 and 0x70, nothing masked. */
static void init_pair(struct rig *r, unsigned icw4_master, unsigned icw4_slave)
{
    put(r, MASTER, 0, 0x11);
    put(r, MASTER, 1, 0x08);
    put(r, MASTER, 1, 0x04);
    put(r, MASTER, 1, icw4_master);
    put(r, SLAVE, 0, 0x11);
    put(r, SLAVE, 1, 0x70);
    put(r, SLAVE, 1, 0x02);
    put(r, SLAVE, 1, icw4_slave);
}

static int setup(void **state)
{
    static struct rig r;
    const struct i8259_hooks hooks = {
        .acked = on_acked, .masked = on_masked, .ctx = &r};

    r = (struct rig){.masks = UINT16_MAX};
    wire_init(&r.out);
    r.pics = i8259_create(&r.out.intr, &hooks);
    *state = &r;
    if (!r.pics)
        return -1;
    init_pair(&r, 0x01, 0x01);
    return 0;
}

static int teardown(void **state)
{
    i8259_destroy(((struct rig *)*state)->pics);
    return 0;
}

static void raise_line(struct rig *r, unsigned irq)
{
    i8259_set_line(r->pics, irq, true);
}

static void lower_line(struct rig *r, unsigned irq)
{
    i8259_set_line(r->pics, irq, false);
}

static void pulse(struct rig *r, unsigned irq)
{
    lower_line(r, irq);
    raise_line(r, irq);
}

static int ack(struct rig *r)
{
    return i8259_ack(r->pics);
}

static bool out(const struct rig *r)
{
    return r->out.intr.level;
}

static unsigned vector_of(unsigned irq)
{
    return irq < 8 ? 0x08 + irq : 0x70 + irq - 8;
}

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
    /* The slave's: 15, and the master serves its cascade input. */
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
        ROW(level_inputs),
        ROW(elcr_has_no_bit_for_edges_only),
        ROW(elcr_changes_under_a_line),
        ROW(what_goes_away_is_spurious),
        ROW(spurious_from_the_slave),
        ROW(masks),
        ROW(special_mask_mode),
        ROW(special_fully_nested_mode),
        ROW(poll_is_an_acknowledge),
        ROW(status_reads_keep_their_choice),
        ROW(a_word_is_two_ports),
        cmocka_unit_test(out_of_reset_nothing_asks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
