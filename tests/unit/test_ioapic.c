// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The I/O APIC against its datasheet: registers, edges, levels, masking,
 * EOI, the message on the bus, and what the route hook is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/platform/ioapic.h"

#include <string.h>

#define PINS    8u
#define WATCHED 2u /* the EOI of its edges is wanted */
#define MASKED  (1ull << 16)
#define LEVEL   (1ull << 15)
#define RIRR    (1ull << 14)
#define LOWPOL  (1ull << 13)
#define IDLE    (1ull << 12)
#define LOGICAL (1ull << 11)
#define DEST(x) ((uint64_t)(x) << 56)

struct rig {
    struct ioapic *io;
    unsigned sent;
    uint64_t addr;
    uint32_t data;
    unsigned routed;
    unsigned routed_pin;
    uint64_t routed_addr;
    uint32_t routed_data;
    bool routed_level;
    bool routed_before_send;
    unsigned masks; /* changes told */
    unsigned masked_pin;
    bool masked;
    unsigned ended; /* edges of a watched pin */
    unsigned ended_pin;
    bool again; /* one more edge from inside the hook */
};

static void on_send(void *ctx, uint64_t addr, uint32_t data)
{
    struct rig *r = ctx;

    r->sent++;
    r->addr = addr;
    r->data = data;
}

static void on_route(void *ctx, unsigned pin, uint64_t addr, uint32_t data,
                     bool level)
{
    struct rig *r = ctx;

    r->routed++;
    r->routed_pin = pin;
    r->routed_addr = addr;
    r->routed_data = data;
    r->routed_level = level;
    r->routed_before_send = r->sent == 0;
}

static void on_mask(void *ctx, unsigned pin, bool masked)
{
    struct rig *r = ctx;

    r->masks++;
    r->masked_pin = pin;
    r->masked = masked;
}

static void on_ended(void *ctx, unsigned pin)
{
    struct rig *r = ctx;

    r->ended++;
    r->ended_pin = pin;
    if (r->again) {
        r->again = false;
        ioapic_set_pin(r->io, pin, false);
        ioapic_set_pin(r->io, pin, true);
    }
}

static int setup(void **state)
{
    static struct rig r;
    const struct msi_sink sink = {.send = on_send, .ctx = &r};
    const struct ioapic_hooks hooks = {.route = on_route,
                                       .mask = on_mask,
                                       .ended = on_ended,
                                       .watched = 1u << WATCHED,
                                       .ctx = &r};

    r = (struct rig){.io = ioapic_create(PINS, &sink, &hooks)};
    *state = &r;
    return r.io ? 0 : -1;
}

static int teardown(void **state)
{
    ioapic_destroy(((struct rig *)*state)->io);
    return 0;
}

static void mmio_put(struct rig *r, uint64_t off, uint64_t v, unsigned n)
{
    ioapic_ops.write(r->io, off, &v, n);
}

static uint64_t mmio_get(struct rig *r, uint64_t off, unsigned n)
{
    uint64_t v = 0;

    ioapic_ops.read(r->io, off, &v, n);
    return v;
}

static uint32_t reg_get(struct rig *r, unsigned index)
{
    mmio_put(r, 0x00, index, 4);
    return (uint32_t)mmio_get(r, 0x10, 4);
}

static void reg_put(struct rig *r, unsigned index, uint32_t v)
{
    mmio_put(r, 0x00, index, 4);
    mmio_put(r, 0x10, v, 4);
}

static uint64_t entry_get(struct rig *r, unsigned pin)
{
    return reg_get(r, 0x10 + 2 * pin) | (uint64_t)reg_get(r, 0x11 + 2 * pin)
                                            << 32;
}

/* High half first, as a driver does: the low half unmasks. */
static void entry_put(struct rig *r, unsigned pin, uint64_t v)
{
    reg_put(r, 0x11 + 2 * pin, (uint32_t)(v >> 32));
    reg_put(r, 0x10 + 2 * pin, (uint32_t)v);
}

static void pin_set(struct rig *r, unsigned pin, bool level)
{
    ioapic_set_pin(r->io, pin, level);
}

static void registers_after_reset(void **state)
{
    struct rig *r = *state;

    assert_int_equal(reg_get(r, 0), 0);
    assert_int_equal(reg_get(r, 1), 0x20 | (PINS - 1) << 16);
    assert_int_equal(reg_get(r, 2), 0);
    for (unsigned pin = 0; pin < PINS; pin++)
        assert_int_equal(entry_get(r, pin), MASKED);
    /* Behind the last pin, and between the known ones, is nothing. */
    for (unsigned i = 0x10 + 2 * PINS; i < 256; i++) {
        reg_put(r, i, ~0u);
        assert_int_equal(reg_get(r, i), 0);
    }
    assert_int_equal(reg_get(r, 0x0f), 0);
    assert_int_equal(r->sent + r->routed, 0);
}

static void only_writable_bits_are_written(void **state)
{
    struct rig *r = *state;

    reg_put(r, 0, ~0u);
    assert_int_equal(reg_get(r, 0), 0x0f000000);
    assert_int_equal(reg_get(r, 2), 0x0f000000);
    reg_put(r, 1, 0);
    reg_put(r, 2, 0);
    assert_int_equal(reg_get(r, 1) & 0xff, 0x20);
    assert_int_equal(reg_get(r, 2), 0x0f000000);
    entry_put(r, 3, ~0ull);
    assert_int_equal(entry_get(r, 3), 0xff0000000001afff);
    entry_put(r, 3, 0);
    assert_int_equal(entry_get(r, 3), 0);
}

static void other_widths(void **state)
{
    struct rig *r = *state;
    const uint64_t version = 0x20 | (PINS - 1) << 16;

    mmio_put(r, 0x00, 1, 1);
    assert_int_equal(mmio_get(r, 0x00, 4), 1);
    assert_int_equal(mmio_get(r, 0x10, 1), 0x20);
    assert_int_equal(mmio_get(r, 0x10, 2), 0x20);
    assert_int_equal(mmio_get(r, 0x10, 8), version);
    mmio_put(r, 0x00, 0x10, 2);
    mmio_put(r, 0x10, 0, 1); /* too narrow: not written */
    mmio_put(r, 0x10, 0, 2);
    assert_int_equal(mmio_get(r, 0x10, 4), MASKED);
    mmio_put(r, 0x10, 0xabcdef00000033, 8);
    assert_int_equal(entry_get(r, 0), 0x33);
    for (unsigned off = 4; off < 0x1000; off += 4)
        if (off != 0x10)
            assert_int_equal(mmio_get(r, off, 4), 0);
}

static void the_message_on_the_bus(void **state)
{
    static const struct {
        uint64_t entry;
        uint64_t addr;
        uint32_t data;
    } cases[] = {
        {0x31, 0xfee00000, 0x31},
        {0x31 | DEST(5), 0xfee05000, 0x31},
        {0x31 | DEST(0xff) | LOGICAL, 0xfeeff004, 0x31},
        {0x131, 0xfee00000, 0x131},         /* lowest priority */
        {0x400, 0xfee00000, 0x400},         /* NMI */
        {0x700 | LEVEL, 0xfee00000, 0x700}, /* ExtINT is an edge */
        {0x31 | LEVEL, 0xfee00000, 0xc031}, /* level, assert */
        {0x31 | LEVEL | LOWPOL, 0xfee00000, 0xc031},
        {0x31 | LOWPOL, 0xfee00000, 0x31},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig *r = *state;

        entry_put(r, 1, cases[i].entry);
        pin_set(r, 1, true);
        assert_int_equal(r->sent, i + 1);
        assert_int_equal(r->addr, cases[i].addr);
        assert_int_equal(r->data, cases[i].data);
        pin_set(r, 1, false);
        entry_put(r, 1, MASKED);
    }
}

static void an_edge_is_a_rise(void **state)
{
    struct rig *r = *state;

    entry_put(r, 4, 0x34);
    pin_set(r, 4, true);
    pin_set(r, 4, true);
    assert_int_equal(r->sent, 1);
    pin_set(r, 4, false);
    assert_int_equal(r->sent, 1);
    pin_set(r, 4, true);
    assert_int_equal(r->sent, 2);
    assert_int_equal(entry_get(r, 4) & (RIRR | IDLE), 0);
    ioapic_eoi(r->io, 0x34);
    assert_int_equal(r->sent, 2);
}

static void an_edge_while_masked_is_lost(void **state)
{
    struct rig *r = *state;

    entry_put(r, 4, 0x34 | MASKED);
    pin_set(r, 4, true);
    entry_put(r, 4, 0x34);
    assert_int_equal(r->sent, 0);
    pin_set(r, 4, false);
    pin_set(r, 4, true);
    assert_int_equal(r->sent, 1);
}

static void a_level_waits_for_its_eoi(void **state)
{
    struct rig *r = *state;

    entry_put(r, 2, 0x52 | LEVEL);
    pin_set(r, 2, true);
    assert_int_equal(r->sent, 1);
    assert_true(entry_get(r, 2) & RIRR);
    /* Neither another rise nor a foreign EOI sends again. */
    pin_set(r, 2, false);
    pin_set(r, 2, true);
    ioapic_eoi(r->io, 0x53);
    assert_int_equal(r->sent, 1);
    ioapic_eoi(r->io, 0x52);
    assert_int_equal(r->sent, 2);
    pin_set(r, 2, false);
    mmio_put(r, 0x40, 0x52, 4); /* the EOI register does the same */
    assert_int_equal(r->sent, 2);
    assert_false(entry_get(r, 2) & RIRR);
    pin_set(r, 2, true);
    assert_int_equal(r->sent, 3);
}

static void a_masked_level_is_kept(void **state)
{
    struct rig *r = *state;

    entry_put(r, 2, 0x52 | LEVEL | MASKED);
    pin_set(r, 2, true);
    assert_int_equal(r->sent, 0);
    entry_put(r, 2, 0x52 | LEVEL);
    assert_int_equal(r->sent, 1);
    /* Masked in service: the EOI counts, unmasking sends once more. */
    entry_put(r, 2, 0x52 | LEVEL | MASKED);
    assert_true(entry_get(r, 2) & RIRR);
    ioapic_eoi(r->io, 0x52);
    assert_int_equal(r->sent, 1);
    entry_put(r, 2, 0x52 | LEVEL);
    assert_int_equal(r->sent, 2);
    pin_set(r, 2, false);
    ioapic_eoi(r->io, 0x52);
    assert_int_equal(r->sent, 2);
}

static void becoming_an_edge_forgets_remote_irr(void **state)
{
    struct rig *r = *state;

    entry_put(r, 2, 0x52 | LEVEL);
    pin_set(r, 2, true);
    entry_put(r, 2, 0x52 | MASKED);
    assert_false(entry_get(r, 2) & RIRR);
    entry_put(r, 2, 0x52 | LEVEL);
    assert_int_equal(r->sent, 2);
}

static void one_eoi_serves_all_pins_of_a_vector(void **state)
{
    struct rig *r = *state;

    for (unsigned pin = 0; pin < PINS; pin++) {
        entry_put(r, pin, 0x60 | LEVEL);
        pin_set(r, pin, true);
    }
    assert_int_equal(r->sent, PINS);
    ioapic_eoi(r->io, 0x60);
    assert_int_equal(r->sent, 2 * PINS);
}

static void routes_follow_unmasked_messages(void **state)
{
    struct rig *r = *state;

    entry_put(r, 6, 0x41 | LEVEL | MASKED | DEST(2));
    assert_int_equal(r->routed, 0);
    pin_set(r, 6, true);
    entry_put(r, 6, 0x41 | LEVEL | DEST(2));
    assert_int_equal(r->routed, 1);
    assert_true(r->routed_before_send);
    assert_int_equal(r->sent, 1);
    assert_int_equal(r->routed_pin, 6);
    assert_int_equal(r->routed_addr, 0xfee02000);
    assert_int_equal(r->routed_data, 0xc041);
    assert_true(r->routed_level);
    /* Masking and unmasking tells nothing new. */
    entry_put(r, 6, 0x41 | LEVEL | MASKED | DEST(2));
    entry_put(r, 6, 0x41 | LEVEL | DEST(2));
    assert_int_equal(r->routed, 1);
    entry_put(r, 6, 0x42 | DEST(2));
    assert_int_equal(r->routed, 2);
    assert_int_equal(r->routed_data, 0x42);
    assert_false(r->routed_level);
    /* The first route of a pin is told even if it is all zeroes. */
    entry_put(r, 0, 0);
    assert_int_equal(r->routed, 3);
}

static void masks_are_told(void **state)
{
    struct rig *r = *state;

    entry_put(r, 6, 0x41 | MASKED);
    assert_int_equal(r->masks, 0);
    entry_put(r, 6, 0x41);
    assert_int_equal(r->masks, 1);
    assert_int_equal(r->masked_pin, 6);
    assert_false(r->masked);
    entry_put(r, 6, 0x42);
    assert_int_equal(r->masks, 1);
    entry_put(r, 6, 0x42 | MASKED);
    assert_int_equal(r->masks, 2);
    assert_true(r->masked);
}

/* The route asks for the EOI; what is sent is an edge all the same. */
static void the_end_of_a_watched_edge(void **state)
{
    struct rig *r = *state;

    entry_put(r, WATCHED, 0x30);
    assert_int_equal(r->routed_pin, WATCHED);
    assert_true(r->routed_level);
    assert_int_equal(r->routed_data, 0x30 | 1 << 15 | 1 << 14);
    ioapic_eoi(r->io, 0x30);
    assert_int_equal(r->ended, 0);
    pin_set(r, WATCHED, true);
    assert_int_equal(r->data, 0x30);
    ioapic_eoi(r->io, 0x31);
    assert_int_equal(r->ended, 0);
    ioapic_eoi(r->io, 0x30);
    assert_int_equal(r->ended, 1);
    assert_int_equal(r->ended_pin, WATCHED);
    /* Once for each, and none for another pin of that vector. */
    ioapic_eoi(r->io, 0x30);
    entry_put(r, 5, 0x30);
    assert_false(r->routed_level);
    pin_set(r, 5, true);
    ioapic_eoi(r->io, 0x30);
    assert_int_equal(r->ended, 1);
}

static void a_watched_pin_is_driven_at_its_end(void **state)
{
    struct rig *r = *state;

    entry_put(r, WATCHED, 0x30);
    pin_set(r, WATCHED, true);
    r->again = true;
    ioapic_eoi(r->io, 0x30);
    assert_int_equal(r->sent, 2);
    ioapic_eoi(r->io, 0x30);
    assert_int_equal(r->ended, 2);
}

static void pin_pulse(struct rig *r, unsigned pin)
{
    pin_set(r, pin, false);
    pin_set(r, pin, true);
}

/* A guest that never ends one is not without interrupts for that. */
static void watched_edges_before_the_end_are_lost(void **state)
{
    struct rig *r = *state;

    entry_put(r, WATCHED, 0x30);
    pin_pulse(r, WATCHED);
    pin_pulse(r, WATCHED);
    assert_int_equal(r->sent, 1);
    ioapic_eoi(r->io, 0x30);
    assert_int_equal(r->ended, 1);
    pin_pulse(r, WATCHED);
    assert_int_equal(r->sent, 2);
    for (unsigned i = 0; i < 16; i++)
        pin_pulse(r, WATCHED);
    assert_int_equal(r->sent, 2);
    pin_pulse(r, WATCHED);
    assert_int_equal(r->sent, 3);
    entry_put(r, WATCHED, 0x31);
    pin_pulse(r, WATCHED);
    assert_int_equal(r->sent, 4);
}

/* Nobody acknowledges an NMI. A level has its own way. */
static void what_is_no_edge_to_watch(void **state)
{
    struct rig *r = *state;

    entry_put(r, WATCHED, 0x400);
    assert_false(r->routed_level);
    pin_set(r, WATCHED, true);
    ioapic_eoi(r->io, 0);
    assert_int_equal(r->ended, 0);
    pin_set(r, WATCHED, false);
    entry_put(r, WATCHED, 0x30 | LEVEL);
    pin_set(r, WATCHED, true);
    pin_set(r, WATCHED, false);
    ioapic_eoi(r->io, 0x30);
    assert_int_equal(r->ended, 0);
    assert_false(entry_get(r, WATCHED) & RIRR);
}

static void hooks_are_optional(void **state)
{
    struct rig *r = *state;
    const struct msi_sink sink = {.send = on_send, .ctx = r};

    ioapic_destroy(r->io);
    r->io = ioapic_create(PINS, &sink, NULL);
    assert_non_null(r->io);
    entry_put(r, 0, 0x30);
    pin_set(r, 0, true);
    assert_int_equal(r->sent, 1);
    assert_int_equal(r->routed, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registers_after_reset),
        TEST(only_writable_bits_are_written),
        TEST(other_widths),
        TEST(the_message_on_the_bus),
        TEST(an_edge_is_a_rise),
        TEST(an_edge_while_masked_is_lost),
        TEST(a_level_waits_for_its_eoi),
        TEST(a_masked_level_is_kept),
        TEST(becoming_an_edge_forgets_remote_irr),
        TEST(one_eoi_serves_all_pins_of_a_vector),
        TEST(routes_follow_unmasked_messages),
        TEST(masks_are_told),
        TEST(the_end_of_a_watched_edge),
        TEST(a_watched_pin_is_driven_at_its_end),
        TEST(watched_edges_before_the_end_are_lost),
        TEST(what_is_no_edge_to_watch),
        TEST(hooks_are_optional),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
