/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pci-scan: what a kernel's scan of the bus finds. The MCFG names the memory
 * where configuration space is, and the ports 0xCF8 and 0xCFC show the same;
 * devices=N functions are there behind a host bridge, one after the other,
 * and nobody else; each BAR has a size, a place of its own in the window and
 * decodes where it is moved; each function has MSI-X and the five structures
 * of virtio. Without devices there is no bus at all.
 *
 * Source: PCI Local Bus 3.0, chapter 6; PCI Firmware 3.2, 4.1.2 (MCFG).
 */
#include "abi/layout.h"
#include "acpi.h"
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "start_info.h"
#include "string.h"

#define SLOTS     32u
#define CAP_VNDR  0x09u
#define CAP_MSIX  0x11u
#define ALL_TYPES 0x3eu /* virtio's structures 1 to 5, a bit each */

enum config {
    ID = 0x00,
    COMMAND = 0x04,
    CLASS = 0x08,
    HEADER = 0x0e,
    BAR0 = 0x10,
    CAPS = 0x34,
    INT_LINE = 0x3c,
    INT_PIN = 0x3d,
};

struct mcfg {
    struct acpi_header header;
    uint64_t reserved;
    uint64_t base;
    uint16_t segment;
    uint8_t first_bus, last_bus;
    uint32_t reserved2;
} __attribute__((packed));

static uintptr_t ecam;

static uintptr_t at(unsigned slot, unsigned reg)
{
    return ecam + (slot << 15) + reg;
}

static uint32_t read_ports(unsigned slot, unsigned reg)
{
    outl(LAYOUT_PCI_CONFIG, 0x80000000u | slot << 11 | reg);
    return inl(LAYOUT_PCI_CONFIG + 4);
}

static void find_ecam(void)
{
    const struct mcfg *mcfg = acpi_find("MCFG");

    if (!mcfg)
        test_error("the XSDT names no MCFG");
    CHECK_EQ("MCFG length", mcfg->header.length, sizeof(*mcfg));
    CHECK_EQ("ECAM", mcfg->base, LAYOUT_ECAM);
    CHECK_EQ("segment", mcfg->segment, 0);
    CHECK_EQ("first bus", mcfg->first_bus, 0);
    CHECK_EQ("last bus", mcfg->last_bus, 0);
    ecam = (uintptr_t)mcfg->base;
}

static void scan(unsigned devices)
{
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        const uint32_t id = mmio_read32(at(slot, ID));

        CHECK_EQ("id, by the ports", read_ports(slot, ID), id);
        if (slot > devices) {
            CHECK_EQ("empty slot", id, UINT32_MAX);
            continue;
        }
        CHECK_NE("function", id, UINT32_MAX);
        CHECK_EQ("header type", mmio_read8(at(slot, HEADER)), 0);
        CHECK_EQ("second function", mmio_read32(at(slot, 0x1000)), UINT32_MAX);
        CHECK_EQ("behind 256 bytes", mmio_read32(at(slot, 0x100)), UINT32_MAX);
        for (unsigned reg = 0; reg < 0x100; reg += 4)
            CHECK_EQ("register, by the ports", read_ports(slot, reg),
                     mmio_read32(at(slot, reg)));
    }
    CHECK_EQ("class of slot 0", mmio_read32(at(0, CLASS)) >> 8, 0x060000);
}

/* Its size; 0: there is no such BAR. Decoding is off. */
static uint32_t size_bar(unsigned slot, unsigned bar)
{
    const uintptr_t reg = at(slot, BAR0 + 4 * bar);
    const uint32_t was = mmio_read32(reg);
    uint32_t mask;

    mmio_write32(reg, UINT32_MAX);
    mask = mmio_read32(reg) & (was & 1 ? ~3u : ~15u);
    mmio_write32(reg, was);
    CHECK_EQ("BAR, put back", mmio_read32(reg), was);
    return mask ? ~mask + 1 : 0;
}

static void check_place(uint32_t base, uint32_t size, uint32_t low,
                        uint64_t high)
{
    static uint64_t end = LAYOUT_PCI_MMIO;

    CHECK_EQ("size is a power of 2", size & (size - 1), 0);
    CHECK_EQ("alignment", base & (size - 1), 0);
    CHECK_GE("base", base, low);
    CHECK_LE("end", (uint64_t)base + size, high);
    if (low == LAYOUT_PCI_MMIO) {
        CHECK_GE("a place of its own", base, end);
        end = (uint64_t)base + size;
    }
}

/* The structure's first word follows the BAR about; off, it is all-ones. */
static void check_move(unsigned slot, unsigned bar, uint32_t size)
{
    const uintptr_t reg = at(slot, BAR0 + 4 * bar);
    const uint32_t was = mmio_read32(reg);
    const uint32_t to = LAYOUT_PCI_MMIO_END - size;

    CHECK_EQ("at reset", mmio_read32(was), UINT32_MAX);
    mmio_write16(at(slot, COMMAND), 2);
    CHECK_EQ("enabled", mmio_read32(was), 0);
    mmio_write32(reg, to);
    CHECK_EQ("left", mmio_read32(was), UINT32_MAX);
    CHECK_EQ("moved", mmio_read32(to), 0);
    mmio_write32(reg, LAYOUT_ECAM);
    CHECK_EQ("over the ECAM", mmio_read32(at(0, CLASS)) >> 8, 0x060000);
    mmio_write32(reg, was);
    CHECK_EQ("back", mmio_read32(was), 0);
    mmio_write16(at(slot, COMMAND), 0);
}

static void check_bars(unsigned slot)
{
    unsigned found = 0;

    CHECK_EQ("command at reset", mmio_read16(at(slot, COMMAND)), 0);
    for (unsigned bar = 0; bar < 6; bar++) {
        const uint32_t value = mmio_read32(at(slot, BAR0 + 4 * bar));
        const uint32_t size = size_bar(slot, bar);

        if (!size)
            continue;
        found++;
        if (value & 1) {
            check_place(value & ~3u, size, LAYOUT_PCI_PORTS,
                        LAYOUT_PCI_PORTS_END);
            continue;
        }
        check_place(value & ~15u, size, LAYOUT_PCI_MMIO, LAYOUT_PCI_MMIO_END);
        check_move(slot, bar, size);
    }
    CHECK_NE("BARs", found, 0);
}

static void check_caps(unsigned slot)
{
    unsigned types = 0, vectors = 0, steps = 0;

    for (unsigned cap = mmio_read8(at(slot, CAPS)); cap && steps < 48;
         cap = mmio_read8(at(slot, cap + 1)), steps++) {
        const uint8_t id = mmio_read8(at(slot, cap));

        if (id == CAP_VNDR)
            types |= 1u << (mmio_read8(at(slot, cap + 3)) & 31);
        if (id == CAP_MSIX)
            vectors = (mmio_read16(at(slot, cap + 2)) & 0x7ff) + 1u;
    }
    CHECK_NE("the list of capabilities ends", steps, 48);
    /* A device without a configuration of its own has no structure for it. */
    CHECK_EQ("structures", types | 1u << 4, ALL_TYPES);
    CHECK_GE("MSI-X vectors", vectors, 2);
    CHECK_EQ("interrupt pin", mmio_read8(at(slot, INT_PIN)), 1);
    CHECK_GE("interrupt line", mmio_read8(at(slot, INT_LINE)), LAYOUT_PCI_GSI);
    CHECK_LE("interrupt line", mmio_read8(at(slot, INT_LINE)),
             LAYOUT_PCI_GSI + 3);
}

static void no_bus(void)
{
    CHECK_EQ("no MCFG", acpi_find("MCFG") == NULL, 1);
    CHECK_EQ("no ports", read_ports(0, ID), UINT32_MAX);
    CHECK_EQ("no ECAM", mmio_read32(LAYOUT_ECAM), UINT32_MAX);
}

void test_main(void)
{
    uint64_t devices = 0;

    if (!start_info_option("devices", &devices) || devices == 0) {
        no_bus();
        return;
    }
    find_ecam();
    scan((unsigned)devices);
    for (unsigned slot = 1; slot <= devices; slot++) {
        check_bars(slot);
        check_caps(slot);
    }
}
