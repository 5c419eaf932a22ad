// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_e1000.c: registers, interrupts, EEPROM and PHY of the 82540EM, by its
 * manual (Intel 317453).
 */
#include "e1000_rig.h"

/* 13.4.1: what a reset leaves, and that it ends by itself. */
static void test_reset_restores_the_registers(void **state)
{
    struct rig *r = *state;

    start(r);
    put(r, REG_MTA, 1);
    put(r, REG_ITR, 500);
    put(r, REG_CTRL, CTRL_RST);
    assert_int_equal(get(r, REG_CTRL), CTRL_FD | CTRL_SLU);
    assert_int_equal(get(r, REG_RCTL), 0);
    assert_int_equal(get(r, REG_TCTL), 0);
    assert_int_equal(get(r, REG_IMS), 0);
    assert_int_equal(get(r, REG_MTA), 0);
    assert_int_equal(get(r, REG_ITR), 0);
    assert_int_equal(get(r, REG_VET), 0x8100);
    assert_int_equal(get(r, REG_PBA), 0x00100030);
    assert_int_equal(get(r, REG_RAL), 0x33221102u);
    assert_int_equal(get(r, REG_RAH), RAH_AV | 0x5544u);
    assert_false(pin(r));
}

static void test_reserved_addresses_read_zero(void **state)
{
    struct rig *r = *state;
    uint64_t two;
    uint16_t half = 0xffff;

    put(r, 0x0004, 0x12345678);
    put(r, 0x1ffc, UINT32_MAX);
    put(r, 0x1fffc, UINT32_MAX);
    assert_int_equal(get(r, 0x0004), 0);
    assert_int_equal(get(r, 0x1ffc), 0);
    assert_int_equal(get(r, 0x1fffc), 0);
    /* Two registers at once, and a part of one. */
    put(r, REG_FCAL, 0x11223344);
    put(r, REG_FCAH, 0x5566);
    e1000_memory_ops.read(r->n, REG_FCAL, &two, sizeof(two));
    assert_true(two == 0x0000556611223344u);
    e1000_memory_ops.read(r->n, REG_FCAL + 2, &half, sizeof(half));
    assert_int_equal(half, 0x1122);
    /* 13.2.1: a part cannot be written. */
    e1000_memory_ops.write(r->n, REG_FCAL, &half, sizeof(half));
    assert_int_equal(get(r, REG_FCAL), 0x11223344);
}

/* 13.2.2: a driver resets by the ports, where its writes are not posted. */
static void test_ports_reach_the_registers(void **state)
{
    struct rig *r = *state;
    uint32_t v = REG_FCTTV;

    e1000_port_ops.write(r->n, 0, &v, 4);
    v = 0x1234;
    e1000_port_ops.write(r->n, 4, &v, 4);
    assert_int_equal(get(r, REG_FCTTV), 0x1234);
    v = 0;
    e1000_port_ops.read(r->n, 4, &v, 4);
    assert_int_equal(v, 0x1234);
    e1000_port_ops.read(r->n, 0, &v, 4);
    assert_int_equal(v, REG_FCTTV);
    v = UINT32_MAX;
    e1000_port_ops.write(r->n, 0, &v, 4);
    e1000_port_ops.read(r->n, 0, &v, 4);
    assert_int_equal(v, 0x000fffff);
    e1000_port_ops.read(r->n, 4, &v, 4);
    assert_int_equal(v, 0);
}

/* ---- interrupts ---- */

static void test_causes_need_their_mask(void **state)
{
    struct rig *r = *state;

    put(r, REG_ICS, ICR_LSC | ICR_RXT0);
    assert_false(pin(r));
    put(r, REG_IMS, ICR_TXDW);
    assert_false(pin(r));
    put(r, REG_IMS, ICR_RXT0);
    assert_true(pin(r));
    assert_int_equal(get(r, REG_IMS), ICR_TXDW | ICR_RXT0);
    put(r, REG_IMC, ICR_RXT0);
    assert_false(pin(r));
    put(r, REG_IMS, ICR_LSC);
    assert_true(pin(r));
    /* Writing ones clears these; reading clears all. */
    put(r, REG_ICR, ICR_LSC);
    assert_false(pin(r));
    put(r, REG_ICS, ICR_LSC);
    assert_int_equal(get(r, REG_ICR), ICR_LSC | ICR_RXT0);
    assert_false(pin(r));
    assert_int_equal(get(r, REG_ICR), 0);
}

/* 13.4.18: 500 * 256 ns from one interrupt to the next. */
static void test_throttle_spaces_interrupts(void **state)
{
    struct rig *r = *state;

    put(r, REG_ITR, 500);
    put(r, REG_IMS, ICR_RXT0);
    put(r, REG_ICS, ICR_RXT0);
    assert_true(pin(r));
    get(r, REG_ICR);
    put(r, REG_ICS, ICR_RXT0);
    assert_false(pin(r));
    pass(r, 127000);
    assert_false(pin(r));
    pass(r, 1000);
    assert_true(pin(r));
    /* The cause is there to be read in the meantime. */
    get(r, REG_ICR);
    put(r, REG_ICS, ICR_RXT0);
    assert_int_equal(get(r, REG_ICR), ICR_RXT0);
    pass(r, 1000000);
    assert_false(pin(r));
    /* Without a throttle at once, also when it is taken away. */
    put(r, REG_ICS, ICR_RXT0);
    get(r, REG_ICR);
    put(r, REG_ICS, ICR_RXT0);
    assert_false(pin(r));
    put(r, REG_ITR, 0);
    assert_true(pin(r));
}

/* 3.2.7.1: RDTR begins anew with each packet, RADV does not. */
static void test_receive_delays(void **state)
{
    struct rig *r = *state;

    start(r);
    put(r, REG_RDTR, 100); /* 102.4 us */
    put(r, REG_RADV, 200);
    for (int i = 0; i < 2; i++) {
        incoming(r, 60);
        receive(r);
        assert_false(pin(r));
        pass(r, 90000);
    }
    assert_false(pin(r));
    incoming(r, 60);
    receive(r);
    pass(r, 24000); /* 204 us after the first one */
    assert_false(pin(r));
    pass(r, 1000);
    assert_true(pin(r));
    assert_int_equal(get(r, REG_ICR), ICR_RXT0);
    pass(r, 1000000);
    assert_int_equal(get(r, REG_ICR), 0);
    /* FPD: now. */
    incoming(r, 60);
    receive(r);
    assert_false(pin(r));
    put(r, REG_RDTR, 0x80000000u | 100);
    assert_int_equal(get(r, REG_ICR), ICR_RXT0);
    pass(r, 1000000);
    assert_int_equal(get(r, REG_ICR), 0);
}

/* 3.4.3.1: IDE waits for TIDV, or TADV; a descriptor without it does not. */
static void test_transmit_delays(void **state)
{
    struct rig *r = *state;

    start(r);
    put(r, REG_TIDV, 100);
    put(r, REG_TADV, 150);
    offer(r, BUF(0), EOP | RS | IDE | 60, 0);
    go(r);
    assert_true(tx_done(r, 0));
    assert_int_equal(get(r, REG_ICR), ICR_TXQE);
    pass(r, 90000);
    offer(r, BUF(0), EOP | RS | IDE | 60, 0);
    go(r);
    assert_int_equal(get(r, REG_ICR), ICR_TXQE);
    pass(r, 63000);
    assert_int_equal(get(r, REG_ICR), 0);
    pass(r, 1000); /* 153.6 us after the first */
    assert_int_equal(get(r, REG_ICR), ICR_TXDW);
    pass(r, 1000000);
    assert_int_equal(get(r, REG_ICR), 0);
    offer(r, BUF(0), EOP | RS | 60, 0);
    go(r);
    assert_int_equal(get(r, REG_ICR), ICR_TXQE | ICR_TXDW);
}

/* ---- EEPROM ---- */

static uint16_t eerd(struct rig *r, unsigned at)
{
    uint32_t v;

    put(r, REG_EERD, at << 8 | 1);
    v = get(r, REG_EERD);
    assert_true(v & 0x10);
    return (uint16_t)(v >> 16);
}

static void test_eeprom_sums_up(void **state)
{
    struct rig *r = *state;
    uint16_t sum = 0;

    for (unsigned i = 0; i < 64; i++)
        sum = (uint16_t)(sum + eerd(r, i));
    assert_int_equal(sum, 0xbaba);
    assert_int_equal(eerd(r, 0), 0x1102);
    assert_int_equal(eerd(r, 2), 0x5544);
    assert_int_equal(eerd(r, 0x0d), 0x100e);
    assert_int_equal(eerd(r, 0x0a) >> 14, 1); /* its signature */
}

enum { SK = 1, CS = 2, DI = 4, DO = 8, REQ = 0x40, GNT = 0x80 };

/* One clock: what is put in, and what comes out. */
static unsigned mw_bit(struct rig *r, unsigned in)
{
    const uint32_t v = REQ | CS | (in ? DI : 0);
    unsigned out;

    put(r, REG_EECD, v);
    put(r, REG_EECD, v | SK);
    out = get(r, REG_EECD) & DO ? 1 : 0;
    put(r, REG_EECD, v);
    return out;
}

static void mw_out(struct rig *r, unsigned v, unsigned n)
{
    while (n--)
        mw_bit(r, v >> n & 1);
}

static void mw_begin(struct rig *r, unsigned command)
{
    put(r, REG_EECD, REQ);
    put(r, REG_EECD, REQ | CS);
    mw_out(r, command, 9);
}

static uint16_t mw_read(struct rig *r, unsigned at)
{
    unsigned v = 0;

    mw_begin(r, 0x180 | at);
    assert_false(get(r, REG_EECD) & DO); /* a zero comes first */
    for (unsigned i = 0; i < 16; i++)
        v = v << 1 | mw_bit(r, 0);
    put(r, REG_EECD, REQ);
    return (uint16_t)v;
}

static void mw_write(struct rig *r, unsigned at, unsigned v)
{
    mw_begin(r, 0x140 | at);
    mw_out(r, v, 16);
    put(r, REG_EECD, REQ);
    put(r, REG_EECD, REQ | CS);
    assert_true(get(r, REG_EECD) & DO); /* ready */
}

static void test_microwire_reads_and_writes(void **state)
{
    struct rig *r = *state;

    put(r, REG_EECD, REQ);
    assert_true(get(r, REG_EECD) & GNT);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(mw_read(r, i), eerd(r, i));
    mw_write(r, 6, 0xbeef); /* not before EWEN */
    assert_int_equal(mw_read(r, 6), 0);
    mw_begin(r, 0x130);
    mw_write(r, 6, 0xbeef);
    assert_int_equal(mw_read(r, 6), 0xbeef);
    mw_begin(r, 0x1c0 | 6); /* erase */
    assert_int_equal(mw_read(r, 6), 0xffff);
    mw_begin(r, 0x100); /* EWDS */
    mw_write(r, 6, 0x1234);
    assert_int_equal(mw_read(r, 6), 0xffff);
    /* A reset keeps it, and loads the address from it. */
    mw_begin(r, 0x130);
    mw_write(r, 0, 0x0202);
    put(r, REG_CTRL, CTRL_RST);
    assert_int_equal(get(r, REG_RAL), 0x33220202u);
}

static void test_microwire_goes_on_with_the_next_word(void **state)
{
    struct rig *r = *state;
    unsigned v = 0;

    mw_begin(r, 0x180 | 63);
    for (unsigned i = 0; i < 32; i++)
        v = v << 1 | mw_bit(r, 1);
    assert_int_equal(v, (uint32_t)eerd(r, 63) << 16 | eerd(r, 0));
}

/* ---- PHY ---- */

static uint16_t phy_get(struct rig *r, unsigned at)
{
    put(r, REG_MDIC, 2u << 26 | 1u << 21 | at << 16);
    assert_int_equal(get(r, REG_MDIC) >> 28, 1);
    return (uint16_t)get(r, REG_MDIC);
}

static void phy_put(struct rig *r, unsigned at, unsigned v)
{
    put(r, REG_MDIC, 1u << 26 | 1u << 21 | at << 16 | v);
    assert_int_equal(get(r, REG_MDIC) >> 28, 1);
}

static void test_phy_says_who_it_is(void **state)
{
    struct rig *r = *state;

    assert_int_equal(phy_get(r, 2), 0x0141);
    assert_int_equal(phy_get(r, 3), 0x0c20);
    assert_int_equal(phy_get(r, 1), 0x7949 | 0x24);
    /* Up, resolved, 1000, full duplex. */
    assert_int_equal(phy_get(r, 17), 0xac00);
    assert_int_equal(get(r, REG_STATUS) & 0xc3, 0x83);
    /* Another one's address: an error, and an interrupt if it is wanted. */
    put(r, REG_MDIC, 2u << 26 | 2u << 21 | 1u << 29);
    assert_int_equal(get(r, REG_MDIC) >> 28, 7);
    assert_int_equal(get(r, REG_ICR), ICR_MDAC);
}

static void test_negotiation_takes_the_link_away(void **state)
{
    struct rig *r = *state;

    put(r, REG_IMS, ICR_LSC);
    phy_put(r, 0, 0x1340); /* negotiate anew */
    assert_int_equal(phy_get(r, 0), 0x1140);
    assert_true(pin(r));
    get(r, REG_ICR);
    assert_int_equal(get(r, REG_STATUS) & 2, 0);
    assert_int_equal(phy_get(r, 1) & 0x24, 0);
    assert_int_equal(phy_get(r, 5), 0);
    pass(r, 20000000);
    assert_int_equal(get(r, REG_ICR), ICR_LSC);
    assert_int_equal(get(r, REG_STATUS) & 2, 2);
    /* It was read as down since it came up: this is the link of now. */
    assert_int_equal(phy_get(r, 1) & 0x24, 0x24);
    assert_int_equal(phy_get(r, 5), 0x45e1);
    assert_int_equal(phy_get(r, 10), 0x3c00);
}

static void test_phy_resolves_what_is_advertised(void **state)
{
    struct rig *r = *state;

    phy_put(r, 9, 0);
    phy_put(r, 0, 0x1200);
    pass(r, 20000000);
    assert_int_equal(get(r, REG_STATUS) & 0xc3, 0x43); /* 100, full */
    phy_put(r, 4, 0x0021);
    phy_put(r, 0, 0x1200);
    pass(r, 20000000);
    assert_int_equal(get(r, REG_STATUS) & 0xc3, 0x02); /* 10, half */
    phy_put(r, 0, 0x2100);                             /* forced: 100, full */
    assert_int_equal(get(r, REG_STATUS) & 0xc3, 0x43);
    phy_put(r, 0, 0x8000); /* and as it was */
    pass(r, 20000000);
    assert_int_equal(phy_get(r, 0), 0x1140);
    assert_int_equal(get(r, REG_STATUS) & 0xc3, 0x83);
    phy_put(r, 0, 0x1940); /* power down */
    assert_int_equal(get(r, REG_STATUS) & 2, 0);
}

static void test_a_pulled_cable_is_told(void **state)
{
    struct rig *r = *state;

    put(r, REG_IMS, ICR_LSC);
    phy_get(r, 1);
    r->net->down = true;
    r->net->front->link(r->net->owner, false);
    turns(r);
    assert_true(pin(r));
    assert_int_equal(get(r, REG_ICR), ICR_LSC);
    assert_int_equal(get(r, REG_STATUS) & 2, 0);
    r->net->down = false;
    r->net->front->link(r->net->owner, true);
    assert_int_equal(phy_get(r, 1) & 4, 0);
    pass(r, 20000000);
    assert_int_equal(get(r, REG_ICR), ICR_LSC);
    assert_int_equal(phy_get(r, 1) & 4, 4);
}

static void test_the_address_is_the_links(void **state)
{
    const struct rig *r = *state;
    const struct pci_func *f = e1000_func(r->n);

    assert_int_equal(f->config[0] | f->config[1] << 8, 0x8086);
    assert_int_equal(f->config[2] | f->config[3] << 8, 0x100e);
    assert_int_equal(f->bars[0].size, 0x20000);
    assert_int_equal(f->bars[2].space, SPACE_PIO);
}

static void test_unplugged_it_lets_go_of_the_link(void **state)
{
    struct rig *r = *state;

    put(r, REG_IMS, ICR_LSC);
    assert_true(e1000_unplug(r->n));
    assert_null(r->net->front);
    /* What was under way ends nowhere. */
    pass(r, 5000000000ull);
    turns(r);
    assert_false(pin(r));
    /* Whose the link is now, e1000_destroy leaves it to. */
    assert_false(e1000_unplug(r->n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reset_restores_the_registers),
        TEST(test_reserved_addresses_read_zero),
        TEST(test_ports_reach_the_registers),
        TEST(test_causes_need_their_mask),
        TEST(test_throttle_spaces_interrupts),
        TEST(test_receive_delays),
        TEST(test_transmit_delays),
        TEST(test_eeprom_sums_up),
        TEST(test_microwire_reads_and_writes),
        TEST(test_microwire_goes_on_with_the_next_word),
        TEST(test_phy_says_who_it_is),
        TEST(test_negotiation_takes_the_link_away),
        TEST(test_phy_resolves_what_is_advertised),
        TEST(test_a_pulled_cable_is_told),
        TEST(test_the_address_is_the_links),
        TEST(test_unplugged_it_lets_go_of_the_link),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
