/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc_machine.h: the chips of a PC, wired as on a board, for the fuzz target
 * that does anything to them. Guest memory lasts as long as the process.
 */
#ifndef FUZZ_PC_MACHINE_H
#define FUZZ_PC_MACHINE_H

#include "devices/pci/i440fx.h"
#include "devices/pci/piix.h"
#include "devices/pci/xen_platform.h"
#include "devices/platform/clock.h"
#include "devices/platform/fw_cfg.h"
#include "devices/platform/hpet.h"
#include "devices/platform/i8042.h"
#include "devices/platform/i8254.h"
#include "devices/platform/i8259.h"
#include "devices/platform/ioapic.h"
#include "devices/platform/lpt.h"
#include "devices/platform/mc146818.h"
#include "devices/platform/pc_irq.h"
#include "devices/platform/pc_misc.h"
#include "devices/platform/pflash.h"
#include "devices/platform/piix4_pm.h"
#include "pc_mem.h"
#include "vmm/log.h"

#include <string.h>

#define HPET_PINS 0x00f00004u

/* In place of the backend: its room is the fuzzer's to say. */
struct chr {
    struct chr_front front;
    size_t room;
};

struct place {
    const struct io_ops *ops;
    void *dev;
    unsigned len;
};

/* Each chip's deadline, and the time they share. */
struct timer {
    const uint64_t *now;
    uint64_t deadline;
};

struct machine {
    uint64_t now;
    struct chr chr;
    struct gmem *mem; /* lasts as long as the process */
    struct i8259 *pics;
    struct intr intr; /* of the CPU */
    struct ioapic *ioapic;
    struct pc_irq *irq;
    struct i8254 *pit;
    struct timer pit_timer;
    struct intr irq0;
    struct mc146818 *rtc;
    struct timer rtc_timer;
    struct intr irq8;
    struct hpet *hpet;
    struct timer hpet_timer;
    struct piix4_pm *pm;
    struct timer pm_timer;
    struct intr sci;
    struct pc_misc *misc;
    struct lpt *lpt;
    struct intr irq7;
    struct i8042 *kbc;
    struct intr irq1;
    struct intr irq12;
    struct fw_cfg *cfg;
    struct pc_mem *shadow;
    struct bus *bus; /* for ports that firmware moves */
    struct pci_bus *pci;
    struct i440fx *host;
    struct piix_isa *isa;
    struct piix_acpi *acpi;
    struct pflash *flash;
    unsigned char flash_data[4 * PFLASH_BLOCK];
    bool flash_shown;
    struct xen_platform *xen;
    struct place places[23];
    unsigned n_places;
};

void __wrap_chr_attach(struct chr *c, const struct chr_front *front);
size_t __wrap_chr_room(const struct chr *c);
void __wrap_chr_write(struct chr *c, const void *buf, size_t n);

void __wrap_chr_attach(struct chr *c, const struct chr_front *front)
{
    c->front = front ? *front : (struct chr_front){0};
}

size_t __wrap_chr_room(const struct chr *c)
{
    return c->room;
}

void __wrap_chr_write(struct chr *c, const void *buf, size_t n)
{
    (void)buf;
    c->room -= n < c->room ? n : c->room;
}

static void on_line(void *ctx, unsigned line, bool level)
{
    (void)ctx;
    (void)line;
    (void)level;
}

static void place(struct machine *m, const struct io_ops *ops, void *dev,
                  unsigned len)
{
    BUG_ON(m->n_places == ARRAY_LEN(m->places));
    m->places[m->n_places++] = (struct place){ops, dev, len};
}

static uint64_t timer_now(void *ctx)
{
    return *((struct timer *)ctx)->now;
}

static void timer_arm(void *ctx, uint64_t deadline)
{
    ((struct timer *)ctx)->deadline = deadline;
}

static struct chip_clock make_clock(struct machine *m, struct timer *t)
{
    *t = (struct timer){.now = &m->now, .deadline = CLOCK_NEVER};
    return (struct chip_clock){.now = timer_now, .arm = timer_arm, .ctx = t};
}

static struct intr make_line(struct machine *m, unsigned irq)
{
    return (struct intr){.set = pc_irq_set, .ctx = m->irq, .line = irq};
}

static void on_acked(void *ctx, unsigned irq)
{
    struct machine *m = ctx;

    if (irq == 0)
        i8254_tick_taken(m->pit);
}

static void on_masked(void *ctx, unsigned irq, bool masked)
{
    struct machine *m = ctx;

    (void)masked;
    if (irq == 0)
        i8254_forgive(m->pit);
}

static void build_pit(struct machine *m)
{
    const struct chip_clock clock = make_clock(m, &m->pit_timer);

    m->irq0 = make_line(m, 0);
    m->pit = i8254_create(&clock, &m->irq0);
    BUG_ON(!m->pit);
    place(m, &i8254_ops, m->pit, I8254_PORTS);
    place(m, &i8254_speaker_ops, m->pit, 1);
}

static void build_rtc(struct machine *m)
{
    const struct chip_clock clock = make_clock(m, &m->rtc_timer);

    m->irq8 = make_line(m, 8);
    m->rtc = mc146818_create(&clock, 1795255647ull * CLOCK_SECOND, &m->irq8);
    BUG_ON(!m->rtc);
    mc146818_set_memory(m->rtc, 3 * GIB, GIB);
    place(m, &mc146818_ops, m->rtc, MC146818_PORTS);
}

static void build_hpet(struct machine *m)
{
    const struct chip_clock clock = make_clock(m, &m->hpet_timer);
    const struct hpet_hooks hooks = {
        .set = pc_irq_hpet_set, .legacy = pc_irq_hpet_legacy, .ctx = m->irq};

    m->hpet = hpet_create(&clock, HPET_PINS, &hooks);
    BUG_ON(!m->hpet);
    place(m, &hpet_ops, m->hpet, HPET_SIZE);
}

static void on_poweroff(void *ctx)
{
    (void)ctx;
}

static void build_pm(struct machine *m)
{
    const struct chip_clock clock = make_clock(m, &m->pm_timer);
    const struct piix4_pm_hooks hooks = {.poweroff = on_poweroff};

    m->sci = make_line(m, 9);
    m->pm = piix4_pm_create(&clock, false, &hooks, &m->sci);
    BUG_ON(!m->pm);
    place(m, &piix4_pm_ops, m->pm, PIIX4_PM_PORTS);
    place(m, &piix4_pm_smi_ops, m->pm, PIIX4_PM_SMI);
}

/* Line 20 is told of when it changes, and only then. */
static void on_a20(void *ctx, bool open)
{
    const struct machine *m = ctx;

    BUG_ON(pc_misc_a20(m->misc) != open);
}

static void on_reset(void *ctx, bool hard)
{
    (void)ctx;
    (void)hard;
}

static void build_misc(struct machine *m)
{
    const struct pc_misc_hooks hooks = {
        .reset = on_reset, .a20 = on_a20, .ctx = m};

    m->misc = pc_misc_create(&hooks);
    BUG_ON(!m->misc);
    place(m, &pc_misc_cf9_ops, m->misc, 1);
    place(m, &pc_misc_port92_ops, m->misc, 1);
}

static void on_kbc_reset(void *ctx)
{
    (void)ctx;
}

static void on_kbc_a20(void *ctx, bool open)
{
    pc_misc_keyboard_a20(((struct machine *)ctx)->misc, open);
}

static void build_kbc(struct machine *m)
{
    const struct i8042_hooks hooks = {
        .a20 = on_kbc_a20, .reset = on_kbc_reset, .ctx = m};

    m->irq1 = make_line(m, 1);
    m->irq12 = make_line(m, 12);
    m->kbc = i8042_create(&hooks, &m->irq1, &m->irq12);
    BUG_ON(!m->kbc);
    place(m, &i8042_data_ops, m->kbc, 1);
    place(m, &i8042_command_ops, m->kbc, 1);
}

static void build_fw_cfg(struct machine *m)
{
    static const char file[9000] = "contents";
    static const struct fw_cfg_item items[] = {
        {.data = file, .size = 5, .selector = FW_CFG_NB_CPUS},
        {.name = "etc/file", .data = file, .size = sizeof(file)},
    };

    m->cfg = fw_cfg_create(m->mem, items, ARRAY_LEN(items));
    BUG_ON(!m->cfg);
    place(m, &fw_cfg_ops, m->cfg, FW_CFG_PORTS);
}

/* In place of KVM: what is put may overlap with nothing that is there. */
static struct vm_piece pieces[VM_MAX_PIECES];

int __wrap_vm_put_piece(struct vm *vm, unsigned n,
                        const struct vm_piece *piece);

int __wrap_vm_put_piece(struct vm *vm, unsigned n, const struct vm_piece *piece)
{
    (void)vm;
    BUG_ON(n >= VM_MAX_PIECES);
    pieces[n] = (struct vm_piece){0};
    for (unsigned i = 0; piece->size && i < VM_MAX_PIECES; i++)
        BUG_ON(pieces[i].base.v < piece->base.v + piece->size &&
               piece->base.v < pieces[i].base.v + pieces[i].size);
    pieces[n] = *piece;
    return 0;
}

static void build_shadow(struct machine *m)
{
    static unsigned char image[64 * KIB];
    static const struct rom rom = {.host = image, .size = sizeof(image)};

    memset(pieces, 0, sizeof(pieces));
    m->shadow = pc_mem_create(NULL, m->mem, &rom);
    BUG_ON(!m->shadow);
}

/* Both functions are plugged; the power management's ports are moved. */
static void build_pci(struct machine *m)
{
    const struct i440fx_hooks hooks = {
        .pam = pc_mem_pam, .pam_settled = pc_mem_pam_settled, .ctx = m->shadow};
    struct pci_bus_config cfg = {.memory = {0xe0000000, 0xf0000000},
                                 .ports = {0xc000, 0x10000},
                                 .reset_ops = &pc_misc_cf9_ops,
                                 .reset_dev = m->misc};

    cfg.bus = m->bus = bus_create();
    m->host = i440fx_create(&hooks);
    m->isa = piix_isa_create(m->irq);
    BUG_ON(!m->bus || !m->host || !m->isa);
    m->acpi = piix_acpi_create(m->bus, m->pm);
    cfg.host = i440fx_func(m->host);
    for (unsigned i = 0; i < PCI_N_LINES; i++)
        cfg.lines[i] = make_line(m, PC_IRQ_PIRQ + i);
    m->pci = pci_bus_create(&cfg);
    BUG_ON(!m->acpi || !m->pci);
    BUG_ON(pci_bus_plug(m->pci, 1, piix_isa_func(m->isa)) < 0);
    BUG_ON(pci_bus_plug(m->pci, 2, piix_acpi_func(m->acpi)) < 0);
    BUG_ON(bus_claim(m->bus, SPACE_PIO, 0xcf8, 8, &pci_ports_ops, m->pci) < 0);
}

static void on_unplug(void *ctx, unsigned what)
{
    (void)ctx;
    BUG_ON(!what || what > 7);
}

static void on_moved(void *ctx, uint64_t base)
{
    const struct machine *m = ctx;

    gmem_place_bar(m->mem, base);
}

/* Its memory lasts as long as the guest's. */
static void build_xen(struct machine *m)
{
    static void *ram;
    const struct xen_platform_hooks hooks = {on_unplug, on_moved, m};

    if (!ram)
        ram = gmem_reserve_bar(m->mem, XEN_PLATFORM_RAM);
    BUG_ON(!ram);
    m->xen = xen_platform_create(&hooks, ram, true);
    BUG_ON(!m->xen);
    BUG_ON(pci_bus_plug(m->pci, 3, xen_platform_func(m->xen)) < 0);
    place(m, &xen_platform_ops, m->xen, XEN_PLATFORM_PORTS);
}

static void destroy_pci(struct machine *m)
{
    pci_bus_unplug(xen_platform_func(m->xen));
    xen_platform_destroy(m->xen);
    piix_acpi_destroy(m->acpi);
    piix_isa_destroy(m->isa);
    pci_bus_destroy(m->pci);
    i440fx_destroy(m->host);
    bus_destroy(m->bus);
}

static void build_lpt(struct machine *m)
{
    m->chr.room = 8;
    m->irq7 = make_line(m, 7);
    m->lpt = lpt_create(&m->chr, &m->irq7);
    BUG_ON(!m->lpt);
    place(m, &lpt_ops, m->lpt, LPT_PORTS);
    place(m, &pc_debug_ops, &m->chr, 1);
}

/* A message can only hold what an entry of the I/O APIC can. */
static void on_send(void *ctx, uint64_t addr, uint32_t data)
{
    (void)ctx;
    BUG_ON((addr & ~0xff004ull) != 0xfee00000);
    BUG_ON(data & ~0xc7ffu);
}

static void on_ended(void *ctx, unsigned pin)
{
    struct machine *m = ctx;

    BUG_ON(pin != PC_IRQ_TIMER_PIN);
    if (m->pit)
        i8254_tick_taken(m->pit);
}

static void build_wires(struct machine *m)
{
    const struct msi_sink sink = {.send = on_send};
    const struct ioapic_hooks hooks = {
        .ended = on_ended, .watched = 1u << PC_IRQ_TIMER_PIN, .ctx = m};
    struct pc_irq_ends ends = {
        .pic = i8259_set_line, .pic_ctx = m->pics, .ioapic = ioapic_set_pin};

    m->ioapic = ioapic_create(PC_IRQ_PINS, &sink, &hooks);
    ends.ioapic_ctx = m->ioapic;
    m->irq = pc_irq_create(&ends);
    BUG_ON(!m->ioapic || !m->irq);
}

static void build_pics(struct machine *m)
{
    const struct i8259_hooks hooks = {
        .acked = on_acked, .masked = on_masked, .ctx = m};

    m->intr = (struct intr){.set = on_line};
    m->pics = i8259_create(&m->intr, &hooks);
    BUG_ON(!m->pics);
    place(m, &i8259_master_ops, m->pics, I8259_PORTS);
    place(m, &i8259_slave_ops, m->pics, I8259_PORTS);
    place(m, &i8259_elcr_ops, m->pics, I8259_PORTS);
}

static void on_flash_shown(void *ctx, bool array)
{
    struct machine *m = ctx;

    BUG_ON(m->flash_shown == array);
    m->flash_shown = array;
}

static void on_flash_changed(void *ctx, uint32_t off, uint32_t n)
{
    const struct machine *m = ctx;

    BUG_ON(!n || off >= sizeof(m->flash_data) ||
           n > sizeof(m->flash_data) - off);
}

static void build_flash(struct machine *m)
{
    const struct pflash_hooks hooks = {
        .shown = on_flash_shown, .changed = on_flash_changed, .ctx = m};

    m->flash_shown = true;
    m->flash = pflash_create(m->flash_data, sizeof(m->flash_data), &hooks);
    BUG_ON(!m->flash);
    place(m, &pflash_ops, m->flash, sizeof(m->flash_data));
}

static void machine_build(struct machine *m)
{
    build_pics(m);
    build_wires(m);
    build_pit(m);
    build_rtc(m);
    build_hpet(m);
    build_pm(m);
    build_misc(m);
    build_kbc(m);
    build_fw_cfg(m);
    build_shadow(m);
    build_pci(m);
    /* What comes later goes behind: seeds name places by their number. */
    place(m, &ioapic_ops, m->ioapic, IOAPIC_SIZE);
    place(m, &pci_ports_ops, m->pci, 8);
    build_lpt(m);
    place(m, &pc_mem_ops, m->shadow, 0x40000);
    build_flash(m);
    build_xen(m);
}

static void machine_destroy(struct machine *m)
{
    pflash_destroy(m->flash);
    lpt_destroy(m->lpt);
    destroy_pci(m);
    pc_mem_destroy(m->shadow);
    fw_cfg_destroy(m->cfg);
    i8042_destroy(m->kbc);
    pc_misc_destroy(m->misc);
    piix4_pm_destroy(m->pm);
    hpet_destroy(m->hpet);
    mc146818_destroy(m->rtc);
    i8254_destroy(m->pit);
    pc_irq_destroy(m->irq);
    ioapic_destroy(m->ioapic);
    i8259_destroy(m->pics);
}

#endif
