/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmio-default: an address in the hole that no chip claims reads all-ones in
 * every width, aligned or not, and what is written there is gone.
 */
#include "abi/layout.h"
#include "console.h"
#include "cpu.h"
#include "report.h"

static const uint32_t unclaimed[] = {
    LAYOUT_HOLE,       LAYOUT_HOLE + 0x1003,   0xd0000000, 0xe0000ffc,
    LAYOUT_IOAPIC - 8, LAYOUT_IOAPIC + 0x1000, 0xfed00000, LAYOUT_GED - 8,
    LAYOUT_GED + 16,   LAYOUT_LAPIC + 0x2000,  0xff000001, 0xfffffff0,
};

static void scribble(uintptr_t addr)
{
    mmio_write8(addr, 0);
    mmio_write16(addr, 0);
    mmio_write32(addr, 0);
    mmio_write64(addr, 0);
}

void test_main(void)
{
    for (unsigned i = 0; i < sizeof(unclaimed) / sizeof(unclaimed[0]); i++) {
        uintptr_t addr = unclaimed[i];

        scribble(addr);
        CHECK_EQ("read of 1 byte", mmio_read8(addr), 0xff);
        CHECK_EQ("read of 2 bytes", mmio_read16(addr), 0xffff);
        CHECK_EQ("read of 4 bytes", mmio_read32(addr), 0xffffffff);
        CHECK_EQ("read of 8 bytes", mmio_read64(addr), ~0ull);
    }
}
