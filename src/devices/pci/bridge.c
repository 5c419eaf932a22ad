// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bridge.c: the host bridge: slots, the two ways to configuration space, the
 * windows for BARs, the four interrupt lines; see pci.h.
 *
 * Source: PCI 3.0, 3.2.2.3.2 (configuration mechanism #1: ports 0xCF8 and
 * 0xCFC); PCI Express 2.0, 7.2.2 (ECAM: device << 15 | function << 12 |
 * register). There is one bus, and every device has one function: any other
 * address reads all-ones, which is how a scan finds nobody.
 *
 * Slots hold a pointer each: a scan of the empty ones costs a table look-up
 * and no more.
 */
#include "devices/pci/pci.h"

#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

/* The configuration address: enable, bus, device, function, register. */
#define ADDRESS_ENABLE 0x80000000u
#define ADDRESS_BUS    0x00ff0000u
#define ADDRESS_FUNC   0x00000700u
#define ADDRESS_REG    0x000000fcu
#define ADDRESS_ZERO   0x7f000003u /* bits that are not there */

#define DATA_PORT  4u /* behind the address port */
#define RESET_PORT 1u

#define ECAM_REG  0xfffu
#define ECAM_FUNC 0x7000u

/* The id of the bridge that Linux' documents call the generic ECAM host. */
static const struct pci_ids bridge_ids = {
    .vendor = 0x1b36,
    .device = 0x0008,
    .class = 0x060000,
};

/* What is left of a window, for BARs that have no address yet. */
struct space_left {
    struct pci_window window;
    uint64_t next;
};

struct pci_bus {
    struct bus *bus;              /* borrowed */
    struct space_left windows[2]; /* by enum space */
    struct intr lines[PCI_N_LINES];
    unsigned asserting[PCI_N_LINES]; /* functions that do, per line */
    uint8_t irq;
    uint32_t address;               /* as written to 0xCF8 */
    const struct io_ops *reset_ops; /* of 0xCF9, or NULL */
    void *reset_dev;                /* borrowed */
    struct pci_map_ops map;
    struct pci_func *slots[PCI_MAX_SLOTS];
    struct pci_func bridge; /* in slot 0 unless the owner has another */
};

/* ---- BARs ---- */

static unsigned bar_offset(unsigned i)
{
    return i == PCI_ROM_BAR ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * i;
}

static uint32_t bar_register(const struct pci_func *f, unsigned i)
{
    uint32_t v;

    memcpy(&v, f->config + bar_offset(i), sizeof(v));
    return v;
}

/* Should the BAR decode, and where? */
static bool bar_wanted(const struct pci_bus *b, const struct pci_func *f,
                       unsigned i, uint64_t *base)
{
    const struct pci_bar *bar = &f->bars[i];
    const struct pci_window *w = &b->windows[bar->space].window;
    const unsigned enable =
        bar->space == SPACE_PIO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

    if (!bar->size || !(f->config[PCI_COMMAND] & enable))
        return false;
    /* A ROM has a switch of its own besides. */
    if (i == PCI_ROM_BAR && !(bar_register(f, i) & PCI_ROM_ADDRESS_ENABLE))
        return false;
    *base = bar_register(f, i) & ~(bar->size - 1);
    return *base >= w->base &&
           range_ok(*base - w->base, bar->size, w->end - w->base);
}

static void bar_stop(struct pci_func *f, unsigned i)
{
    struct pci_bar *bar = &f->bars[i];

    if (f->ops && f->ops->bar_moved)
        f->ops->bar_moved(f->dev, i, false);
    if (bar->mapped)
        f->bus->map.unmap(f->bus->map.ctx, bar->base);
    bar->mapped = false;
    bus_unclaim(f->bus->bus, bar->space, bar->base);
    bar->decodes = false;
}

static void bar_start(struct pci_func *f, unsigned i, uint64_t base)
{
    struct pci_bar *bar = &f->bars[i];
    const struct pci_map_ops *map = &f->bus->map;
    void *dev = bar->ram ? bar : f->dev;

    /* What lies there already keeps the place. */
    if (bus_claim(f->bus->bus, bar->space, base, bar->size, bar->ops, dev) < 0)
        return;
    bar->base = base;
    bar->decodes = true;
    if (bar->ram && map->map)
        bar->mapped =
            map->map(map->ctx, base, bar->ram, bar->size, bar->read_only);
    if (f->ops && f->ops->bar_moved)
        f->ops->bar_moved(f->dev, i, true);
}

/* First who leaves, then who comes: two that change places may. */
static void func_leave(struct pci_bus *b, struct pci_func *f)
{
    for (unsigned i = 0; i <= PCI_ROM_BAR; i++) {
        uint64_t base;

        if (f->bars[i].decodes &&
            (!bar_wanted(b, f, i, &base) || base != f->bars[i].base))
            bar_stop(f, i);
    }
}

static void func_come(struct pci_bus *b, struct pci_func *f)
{
    for (unsigned i = 0; i <= PCI_ROM_BAR; i++) {
        uint64_t base;

        if (!f->bars[i].decodes && bar_wanted(b, f, i, &base))
            bar_start(f, i, base);
    }
}

void pci_bus_remap(struct pci_bus *b)
{
    for (unsigned s = 0; s < PCI_MAX_SLOTS; s++)
        if (b->slots[s])
            func_leave(b, b->slots[s]);
    for (unsigned s = 0; s < PCI_MAX_SLOTS; s++)
        if (b->slots[s])
            func_come(b, b->slots[s]);
}

/* ---- interrupt lines ---- */

void pci_bus_line(struct pci_func *f, bool up)
{
    struct pci_bus *b = f->bus;
    const unsigned line = MACHINE_PCI_LINE(f->slot);

    if (up)
        b->asserting[line]++;
    else
        b->asserting[line]--;
    intr_set(&b->lines[line], b->asserting[line] > 0);
}

/* ---- configuration accesses ---- */

static void config_access(struct pci_bus *b, unsigned slot, unsigned func,
                          uint64_t off, void *data, unsigned n, bool write)
{
    struct pci_func *f = func == 0 ? b->slots[slot] : NULL;

    if (f && write)
        pci_func_write(f, off, data, n);
    else if (f)
        pci_func_read(f, off, data, n);
    else if (!write)
        memset(data, 0xff, n);
}

static void ecam_access(struct pci_bus *b, uint64_t off, void *data, unsigned n,
                        bool write)
{
    config_access(b, (unsigned)(off >> 15) % PCI_MAX_SLOTS,
                  (unsigned)(off & ECAM_FUNC) >> 12, off & ECAM_REG, data, n,
                  write);
}

static void ecam_read(void *dev, uint64_t off, void *data, unsigned n)
{
    ecam_access(dev, off, data, n, false);
}

static void ecam_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    uint64_t copy = 0;

    memcpy(&copy, data, n);
    ecam_access(dev, off, &copy, n, true);
}

const struct io_ops pci_ecam_ops = {
    .name = "pci-ecam",
    .read = ecam_read,
    .write = ecam_write,
};

/* The data port: bytes of the register that the address port names. */
static void data_access(struct pci_bus *b, uint64_t off, void *data, unsigned n,
                        bool write)
{
    const uint32_t a = b->address;

    if (!(a & ADDRESS_ENABLE) || (a & ADDRESS_BUS)) {
        if (!write)
            memset(data, 0xff, n);
        return;
    }
    config_access(b, (a >> 11) % PCI_MAX_SLOTS, (a & ADDRESS_FUNC) >> 8,
                  (a & ADDRESS_REG) + (off - DATA_PORT), data, n, write);
}

/*
 * The address port is a dword and nothing else: a byte at its second port is
 * the reset register's, if there is one, and nobody has configuration
 * mechanism #2.
 */
static bool is_reset(const struct pci_bus *b, uint64_t off, unsigned n)
{
    return b->reset_ops && off == RESET_PORT && n == 1;
}

static void ports_read(void *dev, uint64_t off, void *data, unsigned n)
{
    struct pci_bus *b = dev;

    if (off >= DATA_PORT)
        data_access(b, off, data, n, false);
    else if (off == 0 && n == sizeof(b->address))
        memcpy(data, &b->address, n);
    else if (is_reset(b, off, n))
        b->reset_ops->read(b->reset_dev, 0, data, n);
    else
        memset(data, 0xff, n);
}

static void ports_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct pci_bus *b = dev;
    uint32_t copy = 0;

    if (n > sizeof(copy))
        return;
    memcpy(&copy, data, n);
    if (off >= DATA_PORT)
        data_access(b, off, &copy, n, true);
    else if (off == 0 && n == sizeof(copy))
        b->address = copy & ~ADDRESS_ZERO;
    else if (is_reset(b, off, n))
        b->reset_ops->write(b->reset_dev, 0, &copy, n);
}

const struct io_ops pci_ports_ops = {
    .name = "pci-config",
    .read = ports_read,
    .write = ports_write,
};

/* ---- making, plugging, taking apart ---- */

struct pci_bus *pci_bus_create(const struct pci_bus_config *cfg)
{
    struct pci_bus *b = calloc(1, sizeof(*b));

    if (!b) {
        log_error("pci: out of memory");
        return NULL;
    }
    b->bus = cfg->bus;
    b->irq = cfg->irq;
    b->windows[SPACE_PIO] = (struct space_left){cfg->ports, cfg->ports.base};
    b->windows[SPACE_MMIO] = (struct space_left){cfg->memory, cfg->memory.base};
    memcpy(b->lines, cfg->lines, sizeof(b->lines));
    b->reset_ops = cfg->reset_ops;
    b->reset_dev = cfg->reset_dev;
    b->map = cfg->map;
    pci_func_init(&b->bridge, NULL, NULL, &bridge_ids);
    b->slots[0] = cfg->host ? cfg->host : &b->bridge;
    b->slots[0]->bus = b;
    return b;
}

void pci_bus_destroy(struct pci_bus *b)
{
    free(b);
}

/* The next place of its alignment in the window of its space. */
static int assign_bar(struct pci_bus *b, struct pci_func *f, unsigned i)
{
    const struct pci_bar *bar = &f->bars[i];
    struct space_left *left = &b->windows[bar->space];
    const uint64_t at = (left->next + bar->size - 1) & ~(bar->size - 1ull);
    const uint32_t reg = bar_register(f, i) | (uint32_t)at;

    if (at + bar->size > left->window.end) {
        log_error("pci: no room for a BAR of %u bytes: use fewer devices",
                  bar->size);
        return -ENOSPC;
    }
    memcpy(f->config + bar_offset(i), &reg, sizeof(reg));
    left->next = at + bar->size;
    return 0;
}

int pci_bus_plug(struct pci_bus *b, unsigned slot, struct pci_func *f)
{
    if (slot >= PCI_MAX_SLOTS || b->slots[slot]) {
        log_error("pci: no slot %u: a guest can have %u PCI devices", slot,
                  PCI_MAX_SLOTS - 1);
        return -ENOSPC;
    }
    for (unsigned i = 0; i <= PCI_ROM_BAR; i++) {
        const int ret = f->bars[i].size ? assign_bar(b, f, i) : 0;

        if (ret < 0)
            return ret;
    }
    if (f->config[PCI_INTERRUPT_PIN])
        f->config[PCI_INTERRUPT_LINE] =
            (uint8_t)(b->irq + MACHINE_PCI_LINE(slot));
    memcpy(f->born, f->config, sizeof(f->born));
    f->bus = b;
    f->slot = slot;
    b->slots[slot] = f;
    return 0;
}

void pci_bus_unplug(struct pci_func *f)
{
    if (!f->bus)
        return;
    pci_func_set_intx(f, false);
    for (unsigned i = 0; i <= PCI_ROM_BAR; i++)
        if (f->bars[i].decodes)
            bar_stop(f, i);
    f->bus->slots[f->slot] = NULL;
    f->bus = NULL;
}
