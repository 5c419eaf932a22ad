// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The virtio-pci transport, modern interface, by a driver that knows nothing
 * but configuration space. Numbers are those of the hostile cases.
 */
#include "vpci_rig.h"

/* ---- by the rules ---- */

static void identity(void **state)
{
    struct rig *r = *state;

    assert_int_equal(cfg_get(&r->p, SLOT, PCI_VENDOR_ID, 4),
                     0x1af4 | (0x1040 + 42) << 16);
    assert_int_equal(cfg_get(&r->p, SLOT, PCI_REVISION_ID, 1), 1);
    assert_int_equal(cfg_get(&r->p, SLOT, BAR(0), 4), 0);
    for (uint8_t type = 1; type <= 5; type++) {
        const unsigned at = vcap(r, type);

        assert_true(at != 0);
        assert_int_equal(cfg_get(&r->p, SLOT, at + VIRTIO_PCI_CAP_LEN, 1),
                         type == VIRTIO_PCI_CAP_NOTIFY_CFG ||
                                 type == VIRTIO_PCI_CAP_PCI_CFG
                             ? 20
                             : 16);
    }
    assert_int_equal(
        cfg_get(&r->p, SLOT, vcap(r, 4) + VIRTIO_PCI_CAP_LENGTH, 4), 8);
    assert_int_equal(
        cfg_get(&r->p, SLOT, vcap(r, 2) + VIRTIO_PCI_CAP_LENGTH, 4), 8);
}

static void whole_sequence(void **state)
{
    struct rig *r = *state;

    assert_true(offered(r) == F_ALL);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_NUMQ, 2), 2);
    for (unsigned q = 0; q < 2; q++) {
        select_queue(r, q);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_SIZE, 2), SIZE);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_NOFF, 2), q);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_MSIX, 2), NO_VECTOR);
    }
    drive(r, F_ALL, true);
    assert_int_equal(r->toy.starts, 1);
    assert_true(r->toy.features == F_ALL);
    wr(r, VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_GF, 4), F_ALL >> 32);
    for (unsigned q = 0; q < 2; q++) {
        const struct virtq_config *c = &r->p.rings[q].cfg;

        select_queue(r, q);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_DESCLO, 4), c->desc.v);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_AVAILLO, 4), c->avail.v);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_USEDLO, 4), c->used.v);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_USEDHI, 4), 0);
        assert_works(r, q);
    }
}

/* No exit of any kind for a request there and back. */
static void a_request_takes_no_exit(void **state)
{
    struct rig *r = *state;

    drive(r, F_ALL, true);
    r->p.exits = 0;
    for (unsigned i = 0; i < 10; i++)
        assert_works(r, 0);
    assert_int_equal(r->p.exits, 0);
    assert_true(sent(&r->p, 1) > 0);
}

/* Bound for any value, when the queue is enabled and not before. */
static void kick_registers_are_bound(void **state)
{
    struct rig *r = *state;

    assert_int_equal(r->p.n_notes, 0);
    negotiate(r, F_ALL);
    enable_queue(r, 1);
    assert_int_equal(r->p.n_notes, 1);
    assert_int_equal(r->p.notes[0].reg.space, SPACE_PIO);
    assert_int_equal(r->p.notes[0].reg.addr, r->at.ports + r->at.stride);
    assert_int_equal(r->p.notes[0].reg.len, 2);
    assert_false(r->p.notes[0].reg.match);
    enable_queue(r, 0);
    assert_int_equal(r->p.n_notes, 2);
    /* The next driver finds them bound. */
    drive(r, F_ALL, false);
    assert_int_equal(r->p.n_notes, 2);
}

static void kicks_by_exit(void **state)
{
    struct rig *r = *state;

    drive(r, F_ALL, false);
    /* By a driver that has no use for ports. */
    for (unsigned n = 1; n <= 8; n *= 2) {
        uint64_t any = 0x1234;

        offer(r, 0, 5);
        bus_access(r->p.bus, SPACE_MMIO, r->at.notify, &any, n, true);
        spin(&r->p);
        assert_done(r, 0);
    }
    /* As where an eventfd could not be had. */
    for (unsigned n = 1; n <= 4; n *= 2) {
        uint32_t any = 0x1234;

        offer(r, 0, 5);
        bus_access(r->p.bus, SPACE_PIO, r->at.ports, &any, n, true);
        spin(&r->p);
        assert_done(r, 0);
        bus_access(r->p.bus, SPACE_PIO, r->at.ports, &any, n, false);
        assert_int_equal((uint8_t)any, 0xff);
    }
}

/* 20: moved with a ring in use; kicks and registers follow. */
static void bars_move(void **state)
{
    struct rig *r = *state;
    const uint64_t before = r->at.notify;

    drive(r, F_ALL, true);
    cfg_put(&r->p, SLOT, BAR(1), 0xd0000000, 4);
    cfg_put(&r->p, SLOT, BAR(2), 0xe000, 4);
    discover(r);
    assert_int_not_equal(before, r->at.notify);
    assert_int_equal(r->at.ports, 0xe000);
    assert_int_equal(r->p.n_notes, 2);
    assert_int_equal(status(r), S_LIVE);
    assert_works(r, 0);
    assert_works(r, 1);
    /* Away and back. */
    command(&r->p, SLOT, 0);
    assert_int_equal(r->p.n_notes, 0);
    assert_int_equal(status(r), 0xff);
    offer(r, 0, 5);
    kick(r, 0);
    spin(&r->p);
    command(&r->p, SLOT, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    assert_int_equal(r->p.n_notes, 2);
    kick(r, 0);
    spin(&r->p);
    assert_done(r, 0);
}

/* Queue interrupts and configuration changes by INTA#, cleared by reading. */
static void by_pin(void **state)
{
    struct rig *r = *state;

    drive(r, F_BASE, false);
    assert_false(r->p.lines[0]);
    assert_works(r, 0);
    assert_true(r->p.lines[0]);
    assert_int_equal(isr(r), 1);
    assert_false(r->p.lines[0]);
    assert_int_equal(isr(r), 0);
    virtio_config_changed(r->toy.v);
    assert_works(r, 1);
    assert_true(r->p.lines[0]);
    assert_int_equal(get(&r->p, SPACE_MMIO, r->at.isr, 4), 3);
    assert_false(r->p.lines[0]);
    /* A reset forgets what was not acknowledged. */
    assert_works(r, 0);
    assert_true(r->p.lines[0]);
    set_status(r, 0);
    spin(&r->p);
    assert_false(r->p.lines[0]);
    assert_int_equal(isr(r), 0);
}

/* 22 */
static void configuration(void **state)
{
    struct rig *r = *state;
    const uint64_t at = r->at.device;

    memcpy(r->toy.config, "abcdefgh", 8);
    assert_int_equal(get(&r->p, SPACE_MMIO, at + 3, 1), 'd');
    assert_int_equal(get(&r->p, SPACE_MMIO, at + 1, 2), 'b' | 'c' << 8);
    put(&r->p, SPACE_MMIO, at + 6, 'X' | 'Y' << 8, 2);
    assert_memory_equal(r->toy.config, "abcdefXY", 8);
    assert_int_equal(get(&r->p, SPACE_MMIO, at + 6, 4), UINT32_MAX);
    assert_int_equal(get(&r->p, SPACE_MMIO, at + 8, 1), 0xff);
    assert_int_equal(get(&r->p, SPACE_MMIO, at + 0xffc, 4), UINT32_MAX);
    put(&r->p, SPACE_MMIO, at + 7, 0x5a5a, 2);
    put(&r->p, SPACE_MMIO, at + 8, 0x5a, 1);
    assert_memory_equal(r->toy.config, "abcdefXY", 8);
}

static void configuration_changes(void **state)
{
    struct rig *r = *state;
    const uint8_t before = (uint8_t)rd(r, VIRTIO_PCI_COMMON_CFGGENERATION, 1);

    drive(r, F_ALL, true);
    for (unsigned i = 1; i <= 300; i++) {
        virtio_config_changed(r->toy.v);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_CFGGENERATION, 1),
                         (uint8_t)(before + i));
    }
    spin(&r->p);
    assert_int_equal(sent(&r->p, 0), 1);
    assert_int_equal(isr(r), 2);
}

static void queue_reset(void **state)
{
    struct rig *r = *state;

    drive(r, F_ALL, true);
    r->toy.hold = true;
    offer(r, 0, 1);
    kick(r, 0);
    spin(&r->p);
    assert_int_equal(r->toy.n_held, 1);
    select_queue(r, 0);
    wr(r, Q_RESET, 2, 2);
    assert_int_equal(rd(r, Q_RESET, 2), 0);
    wr(r, Q_RESET, 1, 2);
    assert_int_equal(rd(r, Q_RESET, 2), 1);
    spin(&r->p);
    assert_int_equal(rd(r, Q_RESET, 2), 0);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
    assert_int_equal(r->toy.n_held, 0);
    assert_works(r, 1);
    r->toy.hold = false;
    enable_queue(r, 0);
    spin(&r->p);
    assert_works(r, 0);
}

/* ---- function-level reset ---- */

static void function_level_reset(void **state)
{
    struct rig *r = *state;
    const unsigned af = find_cap(&r->p, SLOT, PCI_CAP_ID_AF, 0);

    assert_int_equal(cfg_get(&r->p, SLOT, af + PCI_AF_LENGTH, 1), 6);
    assert_int_equal(cfg_get(&r->p, SLOT, af + PCI_AF_CAP, 1), 3);
    drive(r, F_ALL, true);
    r->toy.hold = true;
    offer(r, 0, 1);
    kick(r, 0);
    spin(&r->p);
    cfg_put(&r->p, SLOT, BAR(1), 0xd0000000, 4);
    cfg_put(&r->p, SLOT, af + PCI_AF_CTRL, 0xfe, 1); /* not that bit */
    assert_int_equal(r->toy.stops, 0);
    cfg_put(&r->p, SLOT, af + PCI_AF_CTRL, 1, 1);
    spin(&r->p);
    assert_int_equal(r->toy.stops, 1);
    assert_int_equal(r->toy.n_held, 0);
    assert_int_equal(cfg_get(&r->p, SLOT, af + PCI_AF_CTRL, 2), 0);
    assert_int_equal(cfg_get(&r->p, SLOT, PCI_COMMAND, 2), 0);
    assert_int_equal(cfg_get(&r->p, SLOT, r->at.msix + PCI_MSIX_FLAGS, 2), 2);
    assert_int_equal(bar_base(&r->p, SLOT, 1), LAYOUT_PCI_MMIO);
    r->toy.hold = false;
    command(&r->p, SLOT, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    discover(r);
    assert_int_equal(status(r), 0);
    for (unsigned v = 0; v < 3; v++) {
        assert_int_equal(get(&r->p, SPACE_MMIO, r->at.table + v * 16, 8), 0);
        assert_int_equal(get(&r->p, SPACE_MMIO, r->at.table + v * 16 + 12, 4),
                         1);
    }
    drive(r, F_ALL, true);
    assert_works(r, 0);
}

/* ---- the window in configuration space ---- */

static void window_set(struct rig *r, uint32_t bar, uint32_t off, uint32_t len)
{
    const unsigned at = vcap(r, VIRTIO_PCI_CAP_PCI_CFG);

    cfg_put(&r->p, SLOT, at + VIRTIO_PCI_CAP_BAR, bar, 1);
    cfg_put(&r->p, SLOT, at + VIRTIO_PCI_CAP_OFFSET, off, 4);
    cfg_put(&r->p, SLOT, at + VIRTIO_PCI_CAP_LENGTH, len, 4);
}

static uint32_t window_get(struct rig *r, uint32_t off, uint32_t len)
{
    window_set(r, 1, off, len);
    return port_get(&r->p, SLOT, vcap(r, VIRTIO_PCI_CAP_PCI_CFG) + 16, len);
}

static void window_put(struct rig *r, uint32_t off, uint32_t v, uint32_t len)
{
    window_set(r, 1, off, len);
    port_put(&r->p, SLOT, vcap(r, VIRTIO_PCI_CAP_PCI_CFG) + 16, v, len);
}

/* A driver that cannot reach the BAR: decoding is off all the time. */
static void through_the_window(void **state)
{
    struct rig *r = *state;

    command(&r->p, SLOT, 0);
    assert_int_equal(window_get(r, VIRTIO_PCI_COMMON_NUMQ, 2), 2);
    window_put(r, VIRTIO_PCI_COMMON_STATUS, S_DRIVER, 1);
    assert_int_equal(window_get(r, VIRTIO_PCI_COMMON_STATUS, 1), S_DRIVER);
    window_put(r, VIRTIO_PCI_COMMON_DFSELECT, 1, 4);
    assert_int_equal(window_get(r, VIRTIO_PCI_COMMON_DF, 4), F_ALL >> 32);
    window_put(r, VIRTIO_PCI_COMMON_STATUS, 0, 1);
    assert_int_equal(window_get(r, VIRTIO_PCI_COMMON_STATUS, 1), 0);
}

/* 20: out of the BAR, of another, of odd lengths. */
static void window_abuse(void **state)
{
    static const struct {
        uint32_t bar, off, len;
    } bad[] = {
        {1, 0x8000, 4}, {1, 0x7ffe, 4}, {1, UINT32_MAX, 1}, {1, UINT32_MAX, 4},
        {1, 0, 0},      {1, 0, 3},      {1, 0, 8},          {1, 0, UINT32_MAX},
        {0, 0, 4},      {2, 0, 4},      {6, 0, 4},          {255, 0, 4},
        {1, 1, 2},      {1, 2, 4},
    };
    struct rig *r = *state;
    const unsigned data = vcap(r, VIRTIO_PCI_CAP_PCI_CFG) + 16;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        window_set(r, bad[i].bar, bad[i].off, bad[i].len);
        for (unsigned n = 1; n <= 4; n *= 2) {
            cfg_put(&r->p, SLOT, data, UINT32_MAX, n);
            (void)cfg_get(&r->p, SLOT, data, n);
            (void)cfg_get(&r->p, SLOT, data - 2, 4);
        }
    }
    assert_int_equal(status(r), 0);
    drive(r, F_ALL, true);
    assert_works(r, 0);
}

/* ---- hostile ---- */

/* 20: every register of both BARs and of configuration space, every width. */
static void any_access_anywhere(void **state)
{
    struct rig *r = *state;

    for (unsigned round = 0; round < 2; round++) {
        const uint64_t base = bar_base(&r->p, SLOT, 1);

        for (unsigned off = 0; off < 0x8000; off += off % 0x1000 < 64 ? 1 : 97)
            for (unsigned n = 1; n <= 8; n *= 2) {
                (void)get(&r->p, SPACE_MMIO, base + off, n);
                put(&r->p, SPACE_MMIO, base + off, UINT64_MAX >> off % 64, n);
            }
        spin(&r->p);
        for (unsigned off = 0x40; off < PCI_CONFIG_SIZE; off++)
            for (unsigned n = 1; n <= 8; n *= 2)
                put(&r->p, SPACE_MMIO, ecam_at(SLOT, off), UINT64_MAX, n);
        spin(&r->p);
        command(&r->p, SLOT, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    }
    discover(r);
    drive(r, F_ALL, true);
    assert_works(r, 0);
}

static void fields_have_one_width(void **state)
{
    struct rig *r = *state;

    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_NUMQ, 1), 0xff);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_NUMQ, 4), UINT32_MAX);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_NUMQ + 1, 2), 0xffff);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_STATUS, 2), 0xffff);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_DFSELECT, 2), 0xffff);
    assert_true(get(&r->p, SPACE_MMIO, r->at.common + 32, 8) == UINT64_MAX);
    wr(r, VIRTIO_PCI_COMMON_STATUS, S_DRIVER, 2);
    wr(r, VIRTIO_PCI_COMMON_STATUS, S_DRIVER, 4);
    assert_int_equal(status(r), 0);
    assert_int_equal(rd(r, 60, 4), UINT32_MAX);
    wr(r, 60, 1, 4);
}

static void queues_that_are_not_there(void **state)
{
    struct rig *r = *state;

    for (unsigned q = 2; q <= 0xffff; q += 0x3333) {
        negotiate(r, F_ALL);
        select_queue(r, q);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0);
        set_queue(r, q, &(struct virtq_config){4, {0}, {0x1000}, {0x2000}});
        wr(r, VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_MSIX, 2), NO_VECTOR);
        wr(r, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
        wr(r, Q_RESET, 1, 2);
        kick(r, q);
    }
    for (unsigned off = 0; off < 0x1000; off++)
        put(&r->p, SPACE_MMIO, r->at.notify + off, 0xffff, 2);
    spin(&r->p);
    drive(r, F_ALL, true);
    assert_works(r, 1);
}

static void setup_after_driver_ok(void **state) /* 14 */
{
    static const struct virtq_config evil = {
        0xffff, {1}, {0xfee00000}, {UINT64_MAX}};
    struct rig *r = *state;

    drive(r, F_BASE, false);
    set_queue(r, 0, &evil);
    wr(r, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
    wr(r, Q_RESET, 1, 2); /* not negotiated */
    select_queue(r, 0);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_SIZE, 2), SIZE);
    assert_works(r, 0);
    assert_int_equal(status(r), S_LIVE);
}

static void bad_queues(void **state) /* 15 */
{
    static const struct virtq_config bad[] = {
        {0, {0x10000}, {0x20000}, {0x30000}},
        {3, {0x10000}, {0x20000}, {0x30000}},
        {SIZE * 2, {0x10000}, {0x20000}, {0x30000}},
        {SIZE, {0x10004}, {0x20000}, {0x30000}},
        {SIZE, {RAM}, {0x20000}, {0x30000}},
        {SIZE, {LAYOUT_PCI_MMIO}, {0x20000}, {0x30000}},
        {SIZE, {0x10000}, {0x20000}, {0xffffffff00000000}},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        negotiate(r, F_ALL);
        set_queue(r, 0, &bad[i]);
        wr(r, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
        set_status(r, S_LIVE);
        spin(&r->p);
        assert_true(status(r) & VIRTIO_CONFIG_S_NEEDS_RESET);
        assert_int_equal(isr(r), 2);
        kick(r, 0);
        spin(&r->p);
        assert_int_equal(r->toy.kicks[0], 0);
    }
    drive(r, F_ALL, true);
    assert_works(r, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(identity),
        TEST(whole_sequence),
        TEST(a_request_takes_no_exit),
        TEST(kick_registers_are_bound),
        TEST(kicks_by_exit),
        TEST(bars_move),
        TEST(by_pin),
        TEST(configuration),
        TEST(configuration_changes),
        TEST(queue_reset),
        TEST(function_level_reset),
        TEST(through_the_window),
        TEST(window_abuse),
        TEST(any_access_anywhere),
        TEST(fields_have_one_width),
        TEST(queues_that_are_not_there),
        TEST(setup_after_driver_ok),
        TEST(bad_queues),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
