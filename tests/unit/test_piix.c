// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A 440FX/PIIX board's PCI functions, by the ports a firmware uses: identity,
 * PAM, steering of PIRQs, the ports of power management, reset control.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chip_clock.h"
#include "chip_rig.h"
#include "devices/pci/i440fx.h"
#include "devices/pci/piix.h"
#include "devices/platform/pc_misc.h"

#include <string.h>

enum { HOST, ISA, ACPI };

struct rig {
    struct bus *bus;
    struct pci_bus *pci;
    struct i440fx *host;
    struct piix_isa *isa;
    struct piix_acpi *acpi;
    struct pc_irq *irq;
    struct piix4_pm *pm;
    struct pc_misc *misc;
    struct fake_clock clock;
    struct wire sci;
    uint32_t pic_lines;
    unsigned pams; /* segments told of */
    struct i440fx_segment pam;
    unsigned hard_resets;
};

static void on_pic(void *ctx, unsigned irq, bool level)
{
    struct rig *r = ctx;

    r->pic_lines =
        level ? r->pic_lines | 1u << irq : r->pic_lines & ~(1u << irq);
}

static void on_ioapic(void *ctx, unsigned pin, bool level)
{
    (void)ctx;
    (void)pin;
    (void)level;
}

static void on_pam(void *ctx, const struct i440fx_segment *s)
{
    struct rig *r = ctx;

    r->pams++;
    r->pam = *s;
}

static void on_poweroff(void *ctx)
{
    (void)ctx;
}

static void on_reset(void *ctx, bool hard)
{
    ((struct rig *)ctx)->hard_resets += hard;
}

static void make_chips(struct rig *r)
{
    const struct pc_irq_ends ends = {
        .pic = on_pic, .pic_ctx = r, .ioapic = on_ioapic};
    const struct piix4_pm_hooks pm_hooks = {.poweroff = on_poweroff};
    const struct pc_misc_hooks misc_hooks = {.reset = on_reset, .ctx = r};
    const struct i440fx_hooks hooks = {.pam = on_pam, .ctx = r};
    const struct chip_clock clock = fake_clock_init(&r->clock, 0);

    wire_init(&r->sci);
    r->irq = pc_irq_create(&ends);
    r->pm = piix4_pm_create(&clock, false, &pm_hooks, &r->sci.intr);
    r->misc = pc_misc_create(&misc_hooks);
    r->host = i440fx_create(&hooks);
    r->isa = piix_isa_create(r->irq);
    r->acpi = piix_acpi_create(r->bus, r->pm);
    assert_true(r->irq && r->pm && r->misc && r->host && r->isa && r->acpi);
}

static int setup(void **state)
{
    static struct rig r;
    struct pci_bus_config cfg = {.ports = {0xc000, 0x10000}};

    memset(&r, 0, sizeof(r));
    r.bus = bus_create();
    make_chips(&r);
    cfg.bus = r.bus;
    cfg.host = i440fx_func(r.host);
    cfg.reset_ops = &pc_misc_cf9_ops;
    cfg.reset_dev = r.misc;
    for (unsigned i = 0; i < PCI_N_LINES; i++)
        cfg.lines[i] = (struct intr){
            .set = pc_irq_set, .ctx = r.irq, .line = PC_IRQ_PIRQ + i};
    r.pci = pci_bus_create(&cfg);
    assert_int_equal(pci_bus_plug(r.pci, ISA, piix_isa_func(r.isa)), 0);
    assert_int_equal(pci_bus_plug(r.pci, ACPI, piix_acpi_func(r.acpi)), 0);
    assert_int_equal(
        bus_claim(r.bus, SPACE_PIO, 0xcf8, 8, &pci_ports_ops, r.pci), 0);
    *state = &r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    pci_bus_unplug(piix_acpi_func(r->acpi));
    pci_bus_unplug(piix_isa_func(r->isa));
    piix_acpi_destroy(r->acpi);
    piix_isa_destroy(r->isa);
    pci_bus_destroy(r->pci);
    i440fx_destroy(r->host);
    pc_misc_destroy(r->misc);
    piix4_pm_destroy(r->pm);
    pc_irq_destroy(r->irq);
    bus_destroy(r->bus);
    return 0;
}

static uint32_t port_in(struct rig *r, unsigned port, unsigned n)
{
    uint32_t v = 0;

    bus_access(r->bus, SPACE_PIO, port, &v, n, false);
    return v;
}

static void port_out(struct rig *r, unsigned port, uint32_t v, unsigned n)
{
    bus_access(r->bus, SPACE_PIO, port, &v, n, true);
}

static uint32_t cfg_in(struct rig *r, unsigned slot, unsigned reg, unsigned n)
{
    port_out(r, 0xcf8, 0x80000000 | slot << 11 | (reg & ~3u), 4);
    return port_in(r, 0xcfc + reg % 4, n);
}

static void cfg_out(struct rig *r, unsigned slot, unsigned reg, uint32_t v,
                    unsigned n)
{
    port_out(r, 0xcf8, 0x80000000 | slot << 11 | (reg & ~3u), 4);
    port_out(r, 0xcfc + reg % 4, v, n);
}

static void firmware_knows_them(void **state)
{
    struct rig *r = *state;

    assert_int_equal(cfg_in(r, HOST, 0, 4), 0x12378086);
    assert_int_equal(cfg_in(r, HOST, 8, 4), 0x06000002);
    assert_int_equal(cfg_in(r, ISA, 0, 4), 0x70008086);
    assert_int_equal(cfg_in(r, ISA, 8, 4), 0x06010000);
    assert_int_equal(cfg_in(r, ACPI, 0, 4), 0x71138086);
    assert_int_equal(cfg_in(r, ACPI, 8, 4), 0x06800003);
    assert_int_equal(cfg_in(r, 3, 0, 4), 0xffffffff);
    /* The ISA bridge is always on. */
    cfg_out(r, ISA, 4, 0, 2);
    assert_int_equal(cfg_in(r, ISA, 4, 2), 7);
}

/* Every segment, every value of its two bits. */
static void shadow_segments(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0; i < I440FX_SEGMENTS; i++) {
        const unsigned reg = 0x59 + (i + 1) / 2;
        const unsigned shift = i % 2 ? 0 : 4;

        for (unsigned bits = 4; bits-- > 0;) {
            const struct i440fx_segment *s = i440fx_segment(r->host, i);

            r->pams = 0;
            cfg_out(r, HOST, reg, bits << shift, 1);
            assert_int_equal(r->pams, 1);
            assert_int_equal(r->pam.base.v,
                             i ? 0xc0000 + (i - 1) * 0x4000 : 0xf0000);
            assert_int_equal(r->pam.size, i ? 0x4000 : 0x10000);
            assert_int_equal(s->read_ram, bits & 1);
            assert_int_equal(s->write_ram, bits >> 1);
            assert_int_equal(r->pam.read_ram, s->read_ram);
            assert_int_equal(r->pam.write_ram, s->write_ram);
            cfg_out(r, HOST, reg, bits << shift, 1);
            assert_int_equal(r->pams, 1);
        }
    }
}

/* As firmware does it: all at once by dwords. */
static void shadow_all(void **state)
{
    struct rig *r = *state;

    cfg_out(r, HOST, 0x58, 0xffffffff, 4);
    cfg_out(r, HOST, 0x5c, 0xffffffff, 4);
    assert_int_equal(r->pams, I440FX_SEGMENTS);
    assert_int_equal(cfg_in(r, HOST, 0x58, 4), 0x333330ff);
    assert_int_equal(cfg_in(r, HOST, 0x5c, 4), 0x33333333);
    for (unsigned i = 0; i < I440FX_SEGMENTS; i++)
        assert_true(i440fx_segment(r->host, i)->read_ram &&
                    i440fx_segment(r->host, i)->write_ram);
    /* ROM again for writes, in one segment. */
    cfg_out(r, HOST, 0x59, 0x10, 1);
    assert_int_equal(r->pams, I440FX_SEGMENTS + 1);
    assert_true(r->pam.read_ram && !r->pam.write_ram);
}

static void smram_locks(void **state)
{
    struct rig *r = *state;

    assert_int_equal(cfg_in(r, HOST, 0x72, 1), 0x02);
    cfg_out(r, HOST, 0x72, 0xff & ~0x10u, 1);
    assert_int_equal(cfg_in(r, HOST, 0x72, 1), 0x6a);
    cfg_out(r, HOST, 0x72, 0x5a, 1);
    assert_int_equal(cfg_in(r, HOST, 0x72, 1), 0x1a);
    cfg_out(r, HOST, 0x72, 0x40, 1);
    assert_int_equal(cfg_in(r, HOST, 0x72, 1), 0x1a);
}

static void pirq_registers(void **state)
{
    struct rig *r = *state;

    assert_int_equal(cfg_in(r, ISA, 0x60, 4), 0x80808080);
    cfg_out(r, ISA, 0x60, 0x0b0b0a0a, 4);
    for (unsigned i = 0; i < 4; i++) {
        pc_irq_set(r->irq, PC_IRQ_PIRQ + i, true);
        assert_int_equal(r->pic_lines, i < 2 ? 1u << 10 : 1u << 11);
        pc_irq_set(r->irq, PC_IRQ_PIRQ + i, false);
    }
    cfg_out(r, ISA, 0x61, 0x85, 1);
    assert_int_equal(cfg_in(r, ISA, 0x60, 4), 0x0b0b850a);
    assert_int_equal(pc_irq_route(r->irq, 1), 0x85);
    assert_int_equal(pc_irq_route(r->irq, 2), 0x0b);
}

static void power_management_ports(void **state)
{
    struct rig *r = *state;

    assert_int_equal(cfg_in(r, ACPI, 0x40, 4), 1);
    cfg_out(r, ACPI, 0x40, 0x601, 4);
    assert_int_equal(piix_acpi_base(r->acpi), 0);
    assert_int_equal(port_in(r, 0x604, 2), 0xffff);
    cfg_out(r, ACPI, 0x80, 0xff, 1);
    assert_int_equal(cfg_in(r, ACPI, 0x80, 1), 1);
    assert_int_equal(piix_acpi_base(r->acpi), 0x600);
    port_out(r, 0x604, 1, 2);
    assert_int_equal(port_in(r, 0x604, 2), 1);
    /* Moved: bits below 64 are not there. */
    cfg_out(r, ACPI, 0x40, 0xffffb03f, 4);
    assert_int_equal(cfg_in(r, ACPI, 0x40, 4), 0xb001);
    assert_int_equal(port_in(r, 0x604, 2), 0xffff);
    assert_int_equal(port_in(r, 0xb004, 2), 1);
    /* Over the configuration ports: not reached, until moved. */
    cfg_out(r, ACPI, 0x40, 0xcc0, 2);
    assert_int_equal(piix_acpi_base(r->acpi), 0);
    assert_int_equal(cfg_in(r, ACPI, 0, 4), 0x71138086);
    cfg_out(r, ACPI, 0x40, 0x600, 2);
    assert_int_equal(port_in(r, 0x604, 2), 1);
    cfg_out(r, ACPI, 0x40, 0, 2);
    assert_int_equal(piix_acpi_base(r->acpi), 0);
    cfg_out(r, ACPI, 0x40, 0xffc0, 2);
    assert_int_equal(piix_acpi_base(r->acpi), 0xffc0);
    cfg_out(r, ACPI, 0x80, 0, 1);
    assert_int_equal(piix_acpi_base(r->acpi), 0);
    /* The SMBus keeps its base, and nobody is there. */
    cfg_out(r, ACPI, 0x90, 0x0701, 2);
    assert_int_equal(cfg_in(r, ACPI, 0x90, 4), 0x0701);
    assert_int_equal(port_in(r, 0x700, 1), 0xff);
}

/* A byte in the middle of the address port. */
static void reset_control(void **state)
{
    struct rig *r = *state;

    port_out(r, 0xcf8, 0x80000800, 4);
    port_out(r, 0xcf9, 0x02, 1);
    port_out(r, 0xcf9, 0x06, 1);
    assert_int_equal(r->hard_resets, 1);
    assert_int_equal(port_in(r, 0xcf9, 1), 0x06);
    assert_int_equal(port_in(r, 0xcf8, 4), 0x80000800);
    assert_int_equal(port_in(r, 0xcf8, 1), 0xff);
    port_out(r, 0xcf8, 0x00000600, 4);
    assert_int_equal(r->hard_resets, 1);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(firmware_knows_them), ROW(shadow_segments),
        ROW(shadow_all),          ROW(smram_locks),
        ROW(pirq_registers),      ROW(power_management_ports),
        ROW(reset_control),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
