// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The platform device of a guest of Xen: its BARs, and the protocol by which
 * drivers have emulated devices unplugged, as docs/misc/hvm-emulated-unplug of
 * Xen has it, step by step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/bus.h"
#include "devices/pci/xen_platform.h"
#include "mmu/gmem.h"

#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 0xe0000000u
#define PORTS  0x1000u
#define SLOT   5u

struct rig {
    struct bus *bus;
    struct pci_bus *pci;
    struct gmem *mem;
    struct xen_platform *p;
    bool line;
    unsigned unplugged; /* the last mask */
    unsigned times;
};

static void on_unplug(void *ctx, unsigned what)
{
    struct rig *r = ctx;

    r->unplugged = what;
    r->times++;
}

static void on_moved(void *ctx, uint64_t base)
{
    struct rig *r = ctx;

    gmem_place_bar(r->mem, base);
}

static void on_line(void *ctx, unsigned line, bool level)
{
    struct rig *r = ctx;

    (void)line;
    r->line = level;
}

static struct rig *make(bool protocol)
{
    struct rig *r = calloc(1, sizeof(*r));
    const struct xen_platform_hooks hooks = {on_unplug, on_moved, r};
    struct pci_bus_config c = {.memory = {WINDOW, 0xf0000000u},
                               .ports = {PORTS, 0x10000}};
    void *ram;

    r->mem = gmem_create(4 * MIB, GMEM_ANON);
    ram = gmem_reserve_bar(r->mem, XEN_PLATFORM_RAM);
    assert_non_null(ram);
    for (unsigned i = 0; i < PCI_N_LINES; i++)
        c.lines[i] = (struct intr){.set = on_line, .ctx = r, .line = i};
    r->bus = c.bus = bus_create();
    r->pci = pci_bus_create(&c);
    r->p = xen_platform_create(&hooks, ram, protocol);
    assert_int_equal(bus_claim(r->bus, SPACE_PIO, XEN_PLATFORM_PORT,
                               XEN_PLATFORM_PORTS, &xen_platform_ops, r->p),
                     0);
    assert_int_equal(pci_bus_plug(r->pci, SLOT, xen_platform_func(r->p)), 0);
    return r;
}

static int setup(void **state)
{
    *state = make(true);
    return 0;
}

static int setup_without(void **state)
{
    *state = make(false);
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    pci_bus_unplug(xen_platform_func(r->p));
    xen_platform_destroy(r->p);
    pci_bus_destroy(r->pci);
    bus_destroy(r->bus);
    gmem_destroy(r->mem);
    free(r);
    return 0;
}

static uint32_t in(struct rig *r, uint64_t port, unsigned n)
{
    uint32_t v = 0;

    bus_access(r->bus, SPACE_PIO, port, &v, n, false);
    return v;
}

static void out(struct rig *r, uint64_t port, uint32_t v, unsigned n)
{
    bus_access(r->bus, SPACE_PIO, port, &v, n, true);
}

static uint32_t cfg(struct rig *r, unsigned off)
{
    uint32_t v = 0;

    pci_func_read(xen_platform_func(r->p), off, &v, sizeof(v));
    return v;
}

static void set_cfg(struct rig *r, unsigned off, uint32_t v)
{
    pci_func_write(xen_platform_func(r->p), off, &v, sizeof(v));
}

static void decode(struct rig *r, uint16_t bits)
{
    pci_func_write(xen_platform_func(r->p), PCI_COMMAND, &bits, sizeof(bits));
}

static void what_a_scan_finds(void **state)
{
    struct rig *r = *state;

    assert_int_equal(cfg(r, PCI_VENDOR_ID), 0x00015853);
    assert_int_equal(cfg(r, PCI_CLASS_REVISION) >> 8, 0xff8000);
    assert_int_equal(cfg(r, PCI_SUBSYSTEM_VENDOR_ID), 0x00015853);
    assert_int_equal(cfg(r, PCI_BASE_ADDRESS_0) & 1, 1);
    assert_int_equal(cfg(r, PCI_BASE_ADDRESS_1) & 0xf, 8);
    set_cfg(r, PCI_BASE_ADDRESS_1, 0xffffffff);
    assert_int_equal(cfg(r, PCI_BASE_ADDRESS_1), 0xff000008);
    assert_int_equal(cfg(r, PCI_INTERRUPT_LINE) >> 8 & 0xff, 1);
    pci_func_set_intx(xen_platform_func(r->p), true);
    assert_true(r->line);
}

static void the_protocol(void **state)
{
    struct rig *r = *state;

    assert_int_equal(in(r, 0x10, 2), 0x49d2);
    assert_int_equal(in(r, 0x12, 1), 1);
    out(r, 0x12, 3, 2);
    out(r, 0x10, 0x060c, 4);
    assert_int_equal(in(r, 0x10, 2), 0x49d2);
    assert_int_equal(r->times, 0);
    out(r, 0x10, XEN_UNPLUG_DISKS | XEN_UNPLUG_NICS, 2);
    assert_int_equal(r->unplugged, 3);
    out(r, 0x10, XEN_UNPLUG_AUX, 2);
    assert_int_equal(r->unplugged, 4);
    /* What there is none of, and nothing at all. */
    out(r, 0x10, 0xfff8, 2);
    out(r, 0x10, 0, 2);
    assert_int_equal(r->times, 2);
    /* Other widths are nobody's. */
    assert_int_equal(in(r, 0x10, 1), 0xff);
    assert_int_equal(in(r, 0x10, 4), 0xffffffff);
    out(r, 0x10, 1, 1);
    out(r, 0x11, 1, 2);
    assert_int_equal(r->times, 2);
}

static void drivers_write_to_the_log(void **state)
{
    struct rig *r = *state;

    for (const char *c = "hello\n\n"; *c; c++)
        out(r, 0x12, (uint8_t)*c, 1);
    /* Longer than a line, and never ended. */
    for (unsigned i = 0; i < 1000; i++)
        out(r, 0x12, i & 0xff, 1);
    assert_int_equal(r->times, 0);
}

static void older_ways(void **state)
{
    struct rig *r = *state;

    out(r, PORTS + 4, 1, 1);
    assert_int_equal(r->times, 0);
    decode(r, PCI_COMMAND_IO);
    out(r, PORTS + 4, 1, 1);
    assert_int_equal(r->unplugged, 3);
    out(r, PORTS + 8, 1, 4);
    assert_int_equal(r->unplugged, 1);
    out(r, PORTS + 8, 2, 1);
    assert_int_equal(r->unplugged, 2);
    out(r, PORTS + 8, 3, 1);
    out(r, PORTS + 4, 2, 1);
    assert_int_equal(r->times, 3);
    assert_int_equal(in(r, PORTS, 4), 0xffffffff);
}

static void no_protocol(void **state)
{
    struct rig *r = *state;

    assert_int_equal(in(r, 0x10, 2), 0xffff);
    assert_int_equal(in(r, 0x12, 1), 0xff);
    out(r, 0x10, 3, 2);
    decode(r, PCI_COMMAND_IO);
    out(r, PORTS + 4, 1, 1);
    assert_int_equal(r->times, 0);
}

/* Devices reach it where the guest does, and only there. */
static void memory_follows_the_bar(void **state)
{
    struct rig *r = *state;
    const uint32_t last = XEN_PLATFORM_RAM - 4;
    uint32_t v = 0x12345678, got = 0;

    assert_false(gmem_is_ram(r->mem, GPA(WINDOW), 1));
    decode(r, PCI_COMMAND_MEMORY);
    assert_true(gmem_is_ram(r->mem, GPA(WINDOW), XEN_PLATFORM_RAM));
    assert_false(gmem_is_ram(r->mem, GPA(WINDOW + XEN_PLATFORM_RAM), 1));
    assert_false(gmem_is_ram(r->mem, GPA(WINDOW - 1), 1));
    bus_access(r->bus, SPACE_MMIO, WINDOW + last, &v, 4, true);
    assert_int_equal(gmem_read(r->mem, GPA(WINDOW + last), &got, 4), 0);
    assert_int_equal(got, v);
    set_cfg(r, PCI_BASE_ADDRESS_1, 0xe4000000);
    assert_false(gmem_is_ram(r->mem, GPA(WINDOW), 1));
    got = 0;
    assert_int_equal(gmem_read(r->mem, GPA(0xe4000000 + last), &got, 4), 0);
    assert_int_equal(got, v);
    decode(r, 0);
    assert_false(gmem_is_ram(r->mem, GPA(0xe4000000), 1));
    /* Nowhere is not at the end of all addresses either. */
    assert_false(gmem_is_ram(r->mem, GPA(4 * MIB), 1));
    assert_false(gmem_is_ram(r->mem, GPA(UINT64_MAX), 1));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_scan_finds),
        TEST(the_protocol),
        TEST(drivers_write_to_the_log),
        TEST(older_ways),
        cmocka_unit_test_setup_teardown(no_protocol, setup_without, teardown),
        TEST(memory_follows_the_bar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
