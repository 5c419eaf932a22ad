// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * func.c: the configuration space of a PCI function; see pci.h.
 *
 * Which bits a write changes is data (the mask), so that sizing a BAR, say,
 * needs no code: the address bits below its size cannot be written. Only the
 * command register and the BARs have effects here; a device adds its own by
 * struct pci_func_ops.
 *
 * Must never look at anything but the 256 bytes for an offset of the guest's.
 */
#include "devices/pci/pci.h"

#include "vmm/checked.h"
#include "vmm/log.h"

#include <linux/pci_regs.h>
#include <string.h>

#define CAPS_BEGIN 0x40u

static void put16(uint8_t *at, uint16_t v)
{
    memcpy(at, &v, sizeof(v));
}

static void put32(uint8_t *at, uint32_t v)
{
    memcpy(at, &v, sizeof(v));
}

static uint16_t get16(const uint8_t *at)
{
    uint16_t v;

    memcpy(&v, at, sizeof(v));
    return v;
}

/* ---- making one ---- */

void pci_func_init(struct pci_func *f, const struct pci_func_ops *ops,
                   void *dev, const struct pci_ids *ids)
{
    *f = (struct pci_func){.ops = ops, .dev = dev, .cap_end = CAPS_BEGIN};
    put16(f->config + PCI_VENDOR_ID, ids->vendor);
    put16(f->config + PCI_DEVICE_ID, ids->device);
    put16(f->config + PCI_SUBSYSTEM_VENDOR_ID, ids->subvendor);
    put16(f->config + PCI_SUBSYSTEM_ID, ids->subsystem);
    put32(f->config + PCI_CLASS_REVISION, ids->class << 8 | ids->revision);
    put16(f->mask + PCI_COMMAND, PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
    f->mask[PCI_CACHE_LINE_SIZE] = 0xff;
    f->mask[PCI_INTERRUPT_LINE] = 0xff;
}

void pci_func_bar(struct pci_func *f, unsigned bar, enum space space,
                  uint32_t size, const struct io_ops *ops)
{
    const unsigned at = PCI_BASE_ADDRESS_0 + 4 * bar;
    const bool ports = space == SPACE_PIO;

    BUG_ON(bar >= PCI_MAX_BARS || f->bars[bar].size);
    BUG_ON(size & (size - 1) || size < (ports ? 4 : 16));
    f->bars[bar] = (struct pci_bar){.size = size, .space = space, .ops = ops};
    put32(f->config + at,
          ports ? PCI_BASE_ADDRESS_SPACE_IO : PCI_BASE_ADDRESS_SPACE_MEMORY);
    put32(f->mask + at, ~(size - 1));
    f->mask[PCI_COMMAND] |= ports ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
}

/* ---- memory behind a BAR, where the guest needs an exit to reach it ---- */

static void ram_read(void *dev, uint64_t off, void *data, unsigned n)
{
    const struct pci_bar *bar = dev;

    memcpy(data, (const uint8_t *)bar->ram + off, n);
}

static void ram_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    const struct pci_bar *bar = dev;

    if (!bar->read_only)
        memcpy((uint8_t *)bar->ram + off, data, n);
}

static const struct io_ops ram_ops = {
    .name = "pci-memory",
    .read = ram_read,
    .write = ram_write,
};

static void check_ram(const void *ram, uint32_t size)
{
    BUG_ON(size & (size - 1) || size < GUEST_PAGE);
    BUG_ON((uintptr_t)ram % GUEST_PAGE);
}

void pci_func_bar_ram(struct pci_func *f, unsigned bar, void *ram,
                      uint32_t size)
{
    check_ram(ram, size);
    pci_func_bar(f, bar, SPACE_MMIO, size, &ram_ops);
    f->bars[bar].ram = ram;
    f->config[PCI_BASE_ADDRESS_0 + 4 * bar] |= PCI_BASE_ADDRESS_MEM_PREFETCH;
}

void pci_func_rom(struct pci_func *f, void *image, uint32_t size)
{
    check_ram(image, size);
    f->bars[PCI_ROM_BAR] = (struct pci_bar){.size = size,
                                            .space = SPACE_MMIO,
                                            .ops = &ram_ops,
                                            .ram = image,
                                            .read_only = true};
    put32(f->mask + PCI_ROM_ADDRESS, ~(size - 1) | PCI_ROM_ADDRESS_ENABLE);
    f->mask[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
}

unsigned pci_func_cap(struct pci_func *f, uint8_t id, const void *body,
                      const void *mask, unsigned n)
{
    const uint8_t at = f->cap_end;
    const unsigned link =
        f->cap_last ? f->cap_last + 1u : (unsigned)PCI_CAPABILITY_LIST;

    BUG_ON(!range_ok(at, 2 + n, PCI_CONFIG_SIZE));
    f->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
    f->config[link] = at;
    f->config[at] = id;
    memcpy(f->config + at + 2, body, n);
    if (mask)
        memcpy(f->mask + at + 2, mask, n);
    f->cap_last = at;
    f->cap_end = (uint8_t)((at + 2 + n + 3) & ~3u);
    return at;
}

void pci_func_use_intx(struct pci_func *f)
{
    f->config[PCI_INTERRUPT_PIN] = 1;
}

/* ---- INTA# ---- */

/* The pin is released by either disable bit, and by MSI-X (6.8.3.3). */
static void drive_line(struct pci_func *f)
{
    const uint16_t command = get16(f->config + PCI_COMMAND);
    const bool up =
        f->intx && !f->messages && !(command & PCI_COMMAND_INTX_DISABLE);

    if (!f->bus || up == f->line_up)
        return;
    f->line_up = up;
    pci_bus_line(f, up);
}

void pci_func_set_intx(struct pci_func *f, bool asserted)
{
    f->intx = asserted;
    if (asserted)
        f->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
    else
        f->config[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTERRUPT;
    drive_line(f);
}

void pci_func_set_messages(struct pci_func *f, bool enabled)
{
    f->messages = enabled;
    drive_line(f);
}

/* ---- in use ---- */

void pci_func_read(struct pci_func *f, uint64_t off, void *data, unsigned n)
{
    if (!range_ok(off, n, PCI_CONFIG_SIZE)) {
        memset(data, 0xff, n);
        return;
    }
    if (f->ops && f->ops->before_read)
        f->ops->before_read(f->dev, (unsigned)off, n);
    memcpy(data, f->config + off, n);
}

static bool touches(uint64_t off, unsigned n, unsigned first, unsigned end)
{
    return ranges_overlap(off, n, first, end - first);
}

void pci_func_write(struct pci_func *f, uint64_t off, const void *data,
                    unsigned n)
{
    const uint8_t *from = data;

    if (!range_ok(off, n, PCI_CONFIG_SIZE))
        return;
    for (unsigned i = 0; i < n; i++) {
        uint8_t *to = &f->config[off + i];
        const uint8_t mask = f->mask[off + i];

        *to = (uint8_t)((*to & ~mask) | (from[i] & mask));
    }
    if (touches(off, n, PCI_COMMAND, PCI_STATUS))
        drive_line(f);
    if (touches(off, n, PCI_COMMAND, PCI_STATUS) ||
        touches(off, n, PCI_BASE_ADDRESS_0, PCI_CARDBUS_CIS) ||
        touches(off, n, PCI_ROM_ADDRESS, PCI_ROM_ADDRESS + 4))
        pci_bus_remap(f->bus);
    if (f->ops && f->ops->after_write)
        f->ops->after_write(f->dev, (unsigned)off, n);
}

void pci_func_reset(struct pci_func *f)
{
    memcpy(f->config, f->born, sizeof(f->config));
    f->messages = false;
    pci_func_set_intx(f, false);
    pci_bus_remap(f->bus);
}
