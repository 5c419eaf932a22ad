// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PCI bus, by a guest that reads, sizes, moves and breaks what it finds;
 * two plain functions sit on it. Hostile case 20.
 */
#include "pci_rig.h"

#define OTHER 5u /* slot of the second function, on another BAR layout */

/* A function whose registers answer with its tag. */
struct plain {
    struct pci_func func;
    uint8_t tag;
    unsigned moves;
};

static void plain_read(void *dev, uint64_t off, void *data, unsigned n)
{
    (void)off;
    memset(data, ((struct plain *)dev)->tag, n);
}

static void plain_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    (void)off;
    (void)n;
    memcpy(&((struct plain *)dev)->tag, data, 1);
}

static const struct io_ops plain_io = {
    .name = "plain", .read = plain_read, .write = plain_write};

static void plain_moved(void *dev, unsigned bar, bool decodes)
{
    struct plain *p = dev;

    (void)bar;
    (void)decodes;
    p->moves++;
}

static const struct pci_func_ops plain_ops = {.bar_moved = plain_moved};

struct rig {
    struct pci_rig p;
    struct plain a, b;
};

static void plug(struct rig *r, struct plain *p, unsigned slot, uint8_t tag)
{
    const struct pci_ids ids = {.vendor = 0x1af4,
                                .device = 0x1050,
                                .subvendor = 0x1234,
                                .subsystem = 0x5678,
                                .class = 0x020000,
                                .revision = 7};
    const uint8_t body[] = {1, 2, 3, 4, 5}, mask[] = {0, 0xf0, 0, 0, 1};

    p->tag = tag;
    pci_func_init(&p->func, &plain_ops, p, &ids);
    pci_func_use_intx(&p->func);
    pci_func_bar(&p->func, 0, SPACE_PIO, 64, &plain_io);
    pci_func_bar(&p->func, 1, SPACE_MMIO, 0x8000, &plain_io);
    assert_int_equal(pci_func_cap(&p->func, 0x09, body, mask, sizeof(body)),
                     0x40);
    assert_int_equal(pci_func_cap(&p->func, 0x05, body, NULL, 2), 0x48);
    assert_int_equal(pci_bus_plug(r->p.pci, slot, &p->func), 0);
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    rig_open(&r->p);
    plug(r, &r->a, SLOT, 0xaa);
    plug(r, &r->b, OTHER, 0xbb);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    pci_bus_unplug(&r->a.func);
    pci_bus_unplug(&r->b.func);
    rig_close(&r->p);
    free(r);
    return 0;
}

/* ---- configuration space ---- */

static void a_scan_finds_what_is_there(void **state)
{
    struct rig *r = *state;

    for (unsigned slot = 0; slot < PCI_MAX_SLOTS; slot++) {
        const uint32_t id = cfg_get(&r->p, slot, PCI_VENDOR_ID, 4);

        assert_int_equal(port_get(&r->p, slot, PCI_VENDOR_ID, 4), id);
        if (slot == 0)
            assert_int_equal(id, 0x00081b36);
        else if (slot == SLOT || slot == OTHER)
            assert_int_equal(id, 0x10501af4);
        else
            assert_int_equal(id, UINT32_MAX);
    }
    /* One function each: no header says otherwise, and none answers. */
    assert_int_equal(cfg_get(&r->p, 0, PCI_HEADER_TYPE, 1), 0);
    assert_int_equal(cfg_get(&r->p, SLOT, 1u << 12, 4), UINT32_MAX);
    put(&r->p, SPACE_PIO, 0xcf8, 0x80000000u | SLOT << 11 | 1u << 8, 4);
    assert_int_equal(get(&r->p, SPACE_PIO, 0xcfc, 4), UINT32_MAX);
    /* No other bus. */
    put(&r->p, SPACE_PIO, 0xcf8, 0x80010000u | SLOT << 11, 4);
    assert_int_equal(get(&r->p, SPACE_PIO, 0xcfc, 4), UINT32_MAX);
    /* Not enabled. */
    put(&r->p, SPACE_PIO, 0xcf8, SLOT << 11, 4);
    assert_int_equal(get(&r->p, SPACE_PIO, 0xcfc, 4), UINT32_MAX);
}

static void header(void **state)
{
    struct rig *r = *state;

    assert_int_equal(cfg_get(&r->p, 0, PCI_CLASS_REVISION, 4), 0x06000000);
    assert_int_equal(cfg_get(&r->p, SLOT, PCI_CLASS_REVISION, 4), 0x02000007);
    assert_int_equal(cfg_get(&r->p, SLOT, PCI_SUBSYSTEM_VENDOR_ID, 4),
                     0x56781234);
    assert_int_equal(cfg_get(&r->p, SLOT, PCI_COMMAND, 2), 0);
    assert_int_equal(cfg_get(&r->p, SLOT, PCI_INTERRUPT_PIN, 1), 1);
    assert_int_equal(cfg_get(&r->p, SLOT, PCI_INTERRUPT_LINE, 1),
                     LAYOUT_PCI_GSI);
    assert_int_equal(cfg_get(&r->p, OTHER, PCI_INTERRUPT_LINE, 1),
                     LAYOUT_PCI_GSI);
    assert_int_equal(cfg_get(&r->p, 0, PCI_INTERRUPT_PIN, 1), 0);
    assert_int_equal(find_cap(&r->p, SLOT, 0x09, 0), 0x40);
    assert_int_equal(find_cap(&r->p, SLOT, 0x05, 0), 0x48);
    assert_int_equal(find_cap(&r->p, SLOT, 0x11, 0), 0);
}

/* Any width, any place: the same bytes by both ways. */
static void both_ways_agree(void **state)
{
    struct rig *r = *state;

    for (unsigned off = 0; off < PCI_CONFIG_SIZE; off++) {
        for (unsigned n = 1; n <= 4; n *= 2) {
            uint32_t want = 0;

            for (unsigned i = 0; i < n; i++)
                want |= cfg_get(&r->p, SLOT, off + i, 1) << 8 * i;
            if (off + n <= PCI_CONFIG_SIZE)
                assert_int_equal(cfg_get(&r->p, SLOT, off, n), want);
            if (off % 4 + n <= 4)
                assert_int_equal(port_get(&r->p, SLOT, off, n), want);
        }
    }
}

/* Behind the 256 bytes, across their end, across functions: all-ones. */
static void beyond_is_nothing(void **state)
{
    struct rig *r = *state;
    uint64_t low, high;

    for (unsigned off = PCI_CONFIG_SIZE; off < 0x1000; off += 4)
        assert_int_equal(cfg_get(&r->p, SLOT, off, 4), UINT32_MAX);
    assert_int_equal(cfg_get(&r->p, SLOT, 0xfe, 4), UINT32_MAX);
    assert_true(get(&r->p, SPACE_MMIO, ecam_at(SLOT, 0xffc), 8) == UINT64_MAX);
    low = cfg_get(&r->p, SLOT, 0, 4);
    high = cfg_get(&r->p, SLOT, 4, 4);
    assert_true(get(&r->p, SPACE_MMIO, ecam_at(SLOT, 0), 8) ==
                (high << 32 | low));
    for (unsigned n = 1; n <= 8; n *= 2) {
        put(&r->p, SPACE_MMIO, ecam_at(SLOT, 0xff), 0, n);
        put(&r->p, SPACE_MMIO, ecam_at(SLOT, 0xfff), 0, n);
        put(&r->p, SPACE_MMIO, ecam_at(31, 0x7fff), 0, n);
    }
    assert_int_equal(get(&r->p, SPACE_PIO, 0xcff, 2), 0xffff);
}

/* The address port is a dword; other widths are not for it. */
static void address_port(void **state)
{
    struct rig *r = *state;

    put(&r->p, SPACE_PIO, 0xcf8, UINT32_MAX, 4);
    assert_int_equal(get(&r->p, SPACE_PIO, 0xcf8, 4), 0x80fffffc);
    put(&r->p, SPACE_PIO, 0xcf8, 0x80000000, 4);
    put(&r->p, SPACE_PIO, 0xcfb, 0x01, 1);
    put(&r->p, SPACE_PIO, 0xcf9, 0x06, 1);
    put(&r->p, SPACE_PIO, 0xcf8, 0x1234, 2);
    put(&r->p, SPACE_PIO, 0xcfa, 0x12345678, 4);
    assert_int_equal(get(&r->p, SPACE_PIO, 0xcf8, 4), 0x80000000);
    assert_int_equal(get(&r->p, SPACE_PIO, 0xcf9, 1), 0xff);
    assert_int_equal(get(&r->p, SPACE_PIO, 0xcfa, 4), UINT32_MAX);
}

static void only_masked_bits_change(void **state)
{
    struct rig *r = *state;
    uint8_t before[PCI_CONFIG_SIZE], after[PCI_CONFIG_SIZE];

    for (unsigned i = 0; i < PCI_CONFIG_SIZE; i++)
        before[i] = (uint8_t)cfg_get(&r->p, SLOT, i, 1);
    for (unsigned i = 0; i < PCI_CONFIG_SIZE; i++)
        cfg_put(&r->p, SLOT, i, 0xff, 1);
    for (unsigned i = 0; i < PCI_CONFIG_SIZE; i++) {
        after[i] = (uint8_t)cfg_get(&r->p, SLOT, i, 1);
        assert_int_equal((before[i] ^ after[i]) & ~r->a.func.mask[i], 0);
        assert_int_equal(after[i] & r->a.func.mask[i], r->a.func.mask[i]);
    }
    assert_int_equal(cfg_get(&r->p, SLOT, PCI_COMMAND, 2), 0x407);
    assert_int_equal(cfg_get(&r->p, SLOT, 0x43, 1), 0xf2);
}

/* ---- BARs ---- */

static uint8_t at_memory(struct rig *r, uint64_t addr)
{
    return (uint8_t)get(&r->p, SPACE_MMIO, addr, 1);
}

static void sizing(void **state)
{
    struct rig *r = *state;
    const uint32_t was = port_get(&r->p, SLOT, BAR(1), 4);

    assert_int_equal(was, LAYOUT_PCI_MMIO);
    assert_int_equal(port_get(&r->p, SLOT, BAR(0), 4), LAYOUT_PCI_PORTS | 1);
    /* With decoding on, as the careless do it. */
    command(&r->p, SLOT, 3);
    port_put(&r->p, SLOT, BAR(1), UINT32_MAX, 4);
    assert_int_equal(port_get(&r->p, SLOT, BAR(1), 4), 0xffff8000);
    assert_int_equal(at_memory(r, was), 0xff);
    assert_int_equal(at_memory(r, 0xffff8000), 0xff);
    port_put(&r->p, SLOT, BAR(1), was, 4);
    assert_int_equal(at_memory(r, was), 0xaa);
    port_put(&r->p, SLOT, BAR(0), UINT32_MAX, 4);
    assert_int_equal(port_get(&r->p, SLOT, BAR(0), 4), 0xffffffc1);
    for (unsigned i = 2; i < PCI_MAX_BARS; i++) {
        port_put(&r->p, SLOT, BAR(i), UINT32_MAX, 4);
        assert_int_equal(port_get(&r->p, SLOT, BAR(i), 4), 0);
    }
    port_put(&r->p, SLOT, PCI_ROM_ADDRESS, UINT32_MAX, 4);
    assert_int_equal(port_get(&r->p, SLOT, PCI_ROM_ADDRESS, 4), 0);
}

static void decoding_is_the_drivers(void **state)
{
    struct rig *r = *state;
    const uint64_t mem = bar_base(&r->p, SLOT, 1);
    const uint64_t io = bar_base(&r->p, SLOT, 0);

    assert_int_equal(at_memory(r, mem), 0xff);
    command(&r->p, SLOT, PCI_COMMAND_MEMORY);
    assert_int_equal(at_memory(r, mem), 0xaa);
    assert_int_equal(at_memory(r, mem + 0x7fff), 0xaa);
    assert_int_equal(get(&r->p, SPACE_PIO, io, 1), 0xff);
    command(&r->p, SLOT, PCI_COMMAND_IO);
    assert_int_equal(at_memory(r, mem), 0xff);
    assert_int_equal(get(&r->p, SPACE_PIO, io + 63, 1), 0xaa);
    assert_int_equal(r->a.moves, 3);
    command(&r->p, SLOT, PCI_COMMAND_IO);
    assert_int_equal(r->a.moves, 3);
}

static void a_bar_moves(void **state)
{
    struct rig *r = *state;

    command(&r->p, SLOT, 3);
    cfg_put(&r->p, SLOT, BAR(1), 0xd0008123, 4);
    assert_int_equal(cfg_get(&r->p, SLOT, BAR(1), 4), 0xd0008000);
    assert_int_equal(at_memory(r, 0xd0008000), 0xaa);
    assert_int_equal(at_memory(r, LAYOUT_PCI_MMIO), 0xff);
    cfg_put(&r->p, SLOT, BAR(0), 0xfffff040, 4); /* above 64 KiB */
    assert_int_equal(get(&r->p, SPACE_PIO, 0xf040, 1), 0xff);
    cfg_put(&r->p, SLOT, BAR(0), 0xf040, 4);
    assert_int_equal(get(&r->p, SPACE_PIO, 0xf040, 1), 0xaa);
    /* Byte by byte: every step is a place of its own. */
    for (unsigned i = 0; i < 4; i++)
        cfg_put(&r->p, SLOT, BAR(1) + i, 0xc1234567u >> 8 * i, 1);
    assert_int_equal(at_memory(r, 0xc1230000), 0xaa);
}

/* 20: over RAM, over chips, over the end of the window. */
static void where_no_bar_can_be(void **state)
{
    static const uint32_t places[] = {
        0,           0x00100000, 0xbfff8000, LAYOUT_PCI_MMIO_END,
        LAYOUT_ECAM, 0xfec00000, 0xfee00000, 0xffff8000,
    };
    struct rig *r = *state;
    const uint32_t id = cfg_get(&r->p, 0, 0, 4);

    command(&r->p, SLOT, 3);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        cfg_put(&r->p, SLOT, BAR(1), places[i], 4);
        assert_int_equal(cfg_get(&r->p, SLOT, BAR(1), 4), places[i]);
        assert_false(r->a.func.bars[1].decodes);
        assert_int_equal(cfg_get(&r->p, 0, 0, 4), id);
    }
    cfg_put(&r->p, SLOT, BAR(0), LAYOUT_COM1, 4);
    assert_false(r->a.func.bars[0].decodes);
    cfg_put(&r->p, SLOT, BAR(0), 0xcf8, 4);
    assert_false(r->a.func.bars[0].decodes);
    cfg_put(&r->p, SLOT, BAR(1), LAYOUT_PCI_MMIO_END - 0x8000, 4);
    assert_true(r->a.func.bars[1].decodes);
}

/* 20: who was there first stays; the other comes when the place is free. */
static void over_each_other(void **state)
{
    struct rig *r = *state;
    const uint64_t a = bar_base(&r->p, SLOT, 1), b = bar_base(&r->p, OTHER, 1);

    command(&r->p, SLOT, 3);
    command(&r->p, OTHER, 3);
    cfg_put(&r->p, SLOT, BAR(1), (uint32_t)b, 4);
    assert_int_equal(at_memory(r, b), 0xbb);
    assert_int_equal(at_memory(r, a), 0xff);
    /* The two change places. */
    cfg_put(&r->p, OTHER, BAR(1), (uint32_t)a, 4);
    assert_int_equal(at_memory(r, b), 0xaa);
    assert_int_equal(at_memory(r, a), 0xbb);
    cfg_put(&r->p, OTHER, BAR(1), (uint32_t)b, 4);
    command(&r->p, SLOT, 0);
    assert_int_equal(at_memory(r, b), 0xbb);
}

static void unplugged_leaves_nothing(void **state)
{
    struct rig *r = *state;
    const uint64_t a = bar_base(&r->p, SLOT, 1);

    command(&r->p, SLOT, 3);
    pci_func_set_intx(&r->a.func, true);
    assert_true(r->p.lines[0]);
    pci_bus_unplug(&r->a.func);
    assert_false(r->p.lines[0]);
    assert_int_equal(at_memory(r, a), 0xff);
    assert_int_equal(cfg_get(&r->p, SLOT, 0, 4), UINT32_MAX);
    pci_func_set_intx(&r->a.func, true);
    assert_false(r->p.lines[0]);
}

static void a_full_bus(void **state)
{
    struct rig *r = *state;
    struct plain p = {.tag = 1};
    const struct pci_ids ids = {.vendor = 1};

    pci_func_init(&p.func, NULL, &p, &ids);
    assert_int_equal(pci_bus_plug(r->p.pci, 0, &p.func), -ENOSPC);
    assert_int_equal(pci_bus_plug(r->p.pci, SLOT, &p.func), -ENOSPC);
    assert_int_equal(pci_bus_plug(r->p.pci, PCI_MAX_SLOTS, &p.func), -ENOSPC);
    pci_func_bar(&p.func, 0, SPACE_MMIO, 0x40000000, &plain_io);
    assert_int_equal(pci_bus_plug(r->p.pci, 9, &p.func), -ENOSPC);
    assert_int_equal(cfg_get(&r->p, 9, 0, 4), UINT32_MAX);
    pci_bus_unplug(&p.func);
}

/* ---- interrupt lines and reset ---- */

/* Slots 1 and 5 share a line: it is up as long as one asserts it. */
static void a_line_is_shared(void **state)
{
    struct rig *r = *state;

    pci_func_set_intx(&r->a.func, true);
    pci_func_set_intx(&r->b.func, true);
    pci_func_set_intx(&r->b.func, true);
    assert_true(r->p.lines[0]);
    assert_false(r->p.lines[1] || r->p.lines[2] || r->p.lines[3]);
    pci_func_set_intx(&r->a.func, false);
    assert_true(r->p.lines[0]);
    pci_func_set_intx(&r->b.func, false);
    assert_false(r->p.lines[0]);
}

static void the_pin_can_be_disabled(void **state)
{
    struct rig *r = *state;

    command(&r->p, SLOT, PCI_COMMAND_INTX_DISABLE);
    pci_func_set_intx(&r->a.func, true);
    assert_false(r->p.lines[0]);
    assert_true(cfg_get(&r->p, SLOT, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
    command(&r->p, SLOT, 0);
    assert_true(r->p.lines[0]);
    pci_func_set_messages(&r->a.func, true);
    assert_false(r->p.lines[0]);
    pci_func_set_messages(&r->a.func, false);
    assert_true(r->p.lines[0]);
    pci_func_set_intx(&r->a.func, false);
    assert_false(cfg_get(&r->p, SLOT, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
}

static void reset_is_as_at_power_on(void **state)
{
    struct rig *r = *state;
    uint8_t before[PCI_CONFIG_SIZE];

    for (unsigned i = 0; i < PCI_CONFIG_SIZE; i++)
        before[i] = (uint8_t)cfg_get(&r->p, SLOT, i, 1);
    command(&r->p, SLOT, 3);
    cfg_put(&r->p, SLOT, BAR(1), 0xd0000000, 4);
    cfg_put(&r->p, SLOT, 0x43, 0xff, 1);
    pci_func_set_intx(&r->a.func, true);
    pci_func_reset(&r->a.func);
    assert_false(r->p.lines[0]);
    assert_int_equal(at_memory(r, 0xd0000000), 0xff);
    for (unsigned i = 0; i < PCI_CONFIG_SIZE; i++)
        assert_int_equal(cfg_get(&r->p, SLOT, i, 1), before[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_scan_finds_what_is_there),
        TEST(header),
        TEST(both_ways_agree),
        TEST(beyond_is_nothing),
        TEST(address_port),
        TEST(only_masked_bits_change),
        TEST(sizing),
        TEST(decoding_is_the_drivers),
        TEST(a_bar_moves),
        TEST(where_no_bar_can_be),
        TEST(over_each_other),
        TEST(unplugged_leaves_nothing),
        TEST(a_full_bus),
        TEST(a_line_is_shared),
        TEST(the_pin_can_be_disabled),
        TEST(reset_is_as_at_power_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
