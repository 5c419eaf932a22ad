/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ports: a port nobody claims reads all-ones in every width, and what is
 * written there is gone. Looked at: where a PC has its chips and this
 * machine has none, and both ends of what it has. One port answers zero.
 */
#include "abi/layout.h"
#include "console.h"
#include "cpu.h"
#include "report.h"

static const uint16_t unclaimed[] = {
    0x0000,                 /* DMA */
    0x0020,                 /* PIC */
    0x0040,                 /* PIT */
    0x0060,                 /* keyboard controller */
    0x0070,                 /* RTC */
    0x0080,                 /* POST code */
    0x00a0,                 /* PIC */
    0x00e8,                 /* next to the debug port */
    0x0170, 0x01f0,         /* IDE */
    0x02e8, 0x02f8, 0x03e8, /* COM4, COM2, COM3 */
    0x0378,                 /* parallel port */
    0x03d4,                 /* VGA */
    0x03f4,                 /* up to COM1 */
    0x0400,                 /* after COM1 */
    0x04d0,                 /* ELCR */
    0x0510,                 /* firmware configuration */
    0x05fc,                 /* up to the sleep registers */
    0x0604,                 /* after them */
    0x0b00,                 /* PIIX power management */
    0x0cf8, 0x0cfc,         /* PCI */
    0x1234, 0x8000, 0xc000, 0xfffc,
};

void test_main(void)
{
    outb(LAYOUT_NO_COUNT, 0xff);
    if (inb(LAYOUT_NO_COUNT) != 0)
        test_fail("port 0x42: expected 0, no count of a timer");
    for (unsigned i = 0; i < sizeof(unclaimed) / sizeof(unclaimed[0]); i++) {
        uint16_t port = unclaimed[i];
        uint8_t byte;
        uint16_t word;
        uint32_t dword;

        outb(port, 0);
        outw(port, 0);
        outl(port, 0);
        byte = inb(port);
        word = inw(port);
        dword = inl(port);
        if (byte != 0xff || word != 0xffff || dword != 0xffffffff)
            test_fail("port 0x%04x: expected all-ones, seen 0x%02x, 0x%04x, "
                      "0x%08x",
                      port, byte, word, dword);
    }
}
