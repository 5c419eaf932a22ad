// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory behind BARs: a prefetchable BAR and an expansion ROM, reached by
 * exits where nobody maps them, and mapped where somebody does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/bus.h"
#include "devices/pci/pci.h"

#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW     0xe0000000u
#define WINDOW_END 0xf0000000u
#define RAM_SIZE   0x10000u
#define ROM_SIZE   0x2000u
#define SLOT       2u

struct note {
    uint64_t base;
    void *host;
    uint64_t size;
    bool read_only;
};

struct rig {
    struct bus *bus;
    struct pci_bus *pci;
    struct pci_func func;
    uint8_t *ram;
    uint8_t *rom;
    bool refuse; /* nothing can be mapped */
    struct note notes[4];
    unsigned n_notes;
};

static bool map(void *ctx, uint64_t base, void *host, uint64_t size,
                bool read_only)
{
    struct rig *r = ctx;

    if (r->refuse)
        return false;
    assert_true(r->n_notes < ARRAY_LEN(r->notes));
    r->notes[r->n_notes++] = (struct note){base, host, size, read_only};
    return true;
}

static void unmap(void *ctx, uint64_t base)
{
    struct rig *r = ctx;

    for (unsigned i = 0; i < r->n_notes; i++) {
        if (r->notes[i].base != base)
            continue;
        r->notes[i] = r->notes[--r->n_notes];
        return;
    }
    fail_msg("unmapped what is not mapped");
}

static void *pages(size_t n)
{
    void *p = aligned_alloc(GUEST_PAGE, n);

    assert_non_null(p);
    return memset(p, 0, n);
}

static int setup(void **state)
{
    const struct pci_ids ids = {.vendor = 0x1234, .device = 0x1111};
    struct rig *r = calloc(1, sizeof(*r));
    struct pci_bus_config c = {.memory = {WINDOW, WINDOW_END},
                               .ports = {0x1000, 0x2000},
                               .map = {map, unmap, r}};

    r->ram = pages(RAM_SIZE);
    r->rom = pages(ROM_SIZE);
    memcpy(r->rom, "\x55\xaa\x10", 3);
    r->bus = c.bus = bus_create();
    r->pci = pci_bus_create(&c);
    pci_func_init(&r->func, NULL, r, &ids);
    pci_func_bar_ram(&r->func, 0, r->ram, RAM_SIZE);
    pci_func_rom(&r->func, r->rom, ROM_SIZE);
    assert_int_equal(pci_bus_plug(r->pci, SLOT, &r->func), 0);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    pci_bus_unplug(&r->func);
    assert_int_equal(r->n_notes, 0);
    pci_bus_destroy(r->pci);
    bus_destroy(r->bus);
    free(r->ram);
    free(r->rom);
    free(r);
    return 0;
}

static uint32_t cfg_get(struct rig *r, unsigned off)
{
    uint32_t v = 0;

    pci_func_read(&r->func, off, &v, sizeof(v));
    return v;
}

static void cfg_put(struct rig *r, unsigned off, uint32_t v)
{
    pci_func_write(&r->func, off, &v, sizeof(v));
}

static void command(struct rig *r, uint16_t v)
{
    pci_func_write(&r->func, PCI_COMMAND, &v, sizeof(v));
}

static uint32_t at(struct rig *r, uint64_t addr)
{
    uint32_t v = 0;

    bus_access(r->bus, SPACE_MMIO, addr, &v, sizeof(v), false);
    return v;
}

static void poke(struct rig *r, uint64_t addr, uint32_t v)
{
    bus_access(r->bus, SPACE_MMIO, addr, &v, sizeof(v), true);
}

static void sizing(void **state)
{
    struct rig *r = *state;

    cfg_put(r, PCI_BASE_ADDRESS_0, UINT32_MAX);
    assert_int_equal(cfg_get(r, PCI_BASE_ADDRESS_0),
                     ~(RAM_SIZE - 1) | PCI_BASE_ADDRESS_MEM_PREFETCH);
    /* The enable bit is no address, and is kept. */
    cfg_put(r, PCI_ROM_ADDRESS, ~(uint32_t)PCI_ROM_ADDRESS_ENABLE);
    assert_int_equal(cfg_get(r, PCI_ROM_ADDRESS), ~(ROM_SIZE - 1));
    cfg_put(r, PCI_ROM_ADDRESS, UINT32_MAX);
    assert_int_equal(cfg_get(r, PCI_ROM_ADDRESS),
                     ~(ROM_SIZE - 1) | PCI_ROM_ADDRESS_ENABLE);
}

static void a_rom_has_two_switches(void **state)
{
    struct rig *r = *state;
    const uint32_t base = cfg_get(r, PCI_ROM_ADDRESS);

    assert_int_equal(at(r, base), UINT32_MAX);
    cfg_put(r, PCI_ROM_ADDRESS, base | PCI_ROM_ADDRESS_ENABLE);
    assert_int_equal(at(r, base), UINT32_MAX);
    command(r, PCI_COMMAND_MEMORY);
    assert_int_equal(at(r, base), 0x10aa55);
    poke(r, base, 0);
    assert_int_equal(at(r, base), 0x10aa55);
    cfg_put(r, PCI_ROM_ADDRESS, base);
    assert_int_equal(at(r, base), UINT32_MAX);
}

static void by_exits(void **state)
{
    struct rig *r = *state;
    const uint32_t base = cfg_get(r, PCI_BASE_ADDRESS_0) & ~15u;

    r->refuse = true;
    command(r, PCI_COMMAND_MEMORY);
    poke(r, base + RAM_SIZE - 4, 0x01020304);
    assert_int_equal(at(r, base + RAM_SIZE - 4), 0x01020304);
    assert_int_equal(r->ram[RAM_SIZE - 1], 1);
    assert_int_equal(at(r, base + RAM_SIZE - 2), UINT32_MAX);
    /* It is no mapping, and none is taken back. */
    command(r, 0);
}

static void mapped_where_it_decodes(void **state)
{
    struct rig *r = *state;
    const uint32_t rom = cfg_get(r, PCI_ROM_ADDRESS);

    command(r, PCI_COMMAND_MEMORY);
    assert_int_equal(r->n_notes, 1);
    assert_ptr_equal(r->notes[0].host, r->ram);
    assert_int_equal(r->notes[0].size, RAM_SIZE);
    assert_false(r->notes[0].read_only);
    cfg_put(r, PCI_ROM_ADDRESS, rom | PCI_ROM_ADDRESS_ENABLE);
    assert_int_equal(r->n_notes, 2);
    assert_int_equal(r->notes[1].base, rom);
    assert_int_equal(r->notes[1].size, ROM_SIZE);
    assert_true(r->notes[1].read_only);
    cfg_put(r, PCI_BASE_ADDRESS_0, 0xe8000000);
    assert_int_equal(r->n_notes, 2);
    assert_int_equal(r->notes[1].base, 0xe8000000);
    /* Outside of the window it is nowhere. */
    cfg_put(r, PCI_BASE_ADDRESS_0, 0x1000000);
    assert_int_equal(r->n_notes, 1);
    pci_func_reset(&r->func);
    assert_int_equal(r->n_notes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sizing),
        TEST(a_rom_has_two_switches),
        TEST(by_exits),
        TEST(mapped_where_it_decodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
