/* SPDX-License-Identifier: MIT */
/*
 * pci.c: see pci.h.
 */
#include "pci.h"

#include "acpi.h"
#include "cpu.h"
#include "string.h"

#include <stddef.h>

#define SLOT_BYTES 0x8000u /* 8 functions of 4 KiB */
#define MAX_CAPS   48u     /* as many as fit: a chain that is a ring ends */

struct acpi_mcfg {
    struct acpi_header header;
    uint64_t reserved;
    uint64_t base; /* of the first segment */
    uint16_t segment;
    uint8_t first_bus, last_bus;
    uint32_t reserved2;
} __attribute__((packed));

uintptr_t pci_function(unsigned slot)
{
    static uintptr_t base; /* looked for once */
    const struct acpi_mcfg *mcfg;
    uintptr_t function;

    if (!base) {
        mcfg = acpi_find("MCFG");
        if (!mcfg || mcfg->header.length < sizeof(*mcfg))
            return 0;
        base = (uintptr_t)mcfg->base;
    }
    function = base + slot * SLOT_BYTES;
    return mmio_read16(function + PCI_VENDOR) == 0xffff ? 0 : function;
}

unsigned pci_capability(uintptr_t function, uint8_t id, unsigned after)
{
    unsigned at = mmio_read8(function + (after ? after + 1 : PCI_CAPABILITIES));

    for (unsigned i = 0; at && i < MAX_CAPS; i++) {
        if (mmio_read8(function + at) == id)
            return at;
        at = mmio_read8(function + at + 1);
    }
    return 0;
}

uint64_t pci_bar(uintptr_t function, unsigned bar)
{
    uint32_t low = mmio_read32(function + PCI_BAR + 4 * bar);

    if (low & 1)
        return low & ~3u;
    return low & ~15u;
}
