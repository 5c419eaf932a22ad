/* SPDX-License-Identifier: MIT */
/*
 * pc.h: where things are in the address spaces of a PC of the 440FX and
 * PIIX generation, beside what abi/layout.h says of all modes. Shared with
 * guests/.
 *
 * RAM: [0, 640 KiB), [768 KiB, 1 MiB) as PAM says, [1 MiB, up to 3 GiB),
 * [4 GiB, ...).
 */
#ifndef ABI_PC_H
#define ABI_PC_H

#define PC_VGA        0x000a0000u /* the display's window */
#define PC_SHADOW     0x000c0000u /* ROM, or the RAM that shadows it */
#define PC_BIOS       0x000e0000u /* the end of the firmware is seen here too */
#define PC_BIOS_SIZE  0x00020000u
#define PC_SHADOW_END 0x00100000u

/* MMIO in the hole. BARs: from where RAM ends, see PC_PCI_MMIO. */
#define PC_PCI_MMIO_END 0xfec00000u
#define PC_HPET         0xfed00000u

/* 2 GiB of RAM or less: firmware and we have more room for BARs. */
#define PC_PCI_MMIO(low_ram) \
    ((low_ram) <= 0x80000000u ? 0x80000000u : 0xc0000000u)

/* I/O ports */
#define PC_PIC_MASTER    0x020
#define PC_PIT           0x040
#define PC_KBD_DATA      0x060
#define PC_PORT_B        0x061
#define PC_KBD_COMMAND   0x064
#define PC_CMOS          0x070
#define PC_PORT92        0x092
#define PC_PIC_SLAVE     0x0a0
#define PC_SMI           0x0b2
#define PC_DEBUG_E9      0x0e9
#define PC_IDE1          0x170
#define PC_IDE0          0x1f0
#define PC_IDE1_CTL      0x376
#define PC_IDE0_CTL      0x3f6
#define PC_COM2          0x2f8
#define PC_LPT1          0x378
#define PC_COM1          0x3f8
#define PC_DEBUG_402     0x402
#define PC_ELCR          0x4d0
#define PC_FW_CFG        0x510
#define PC_PM            0x600  /* where firmware puts the PIIX4's ports */
#define PC_PCI_PORTS     0x1000 /* window of the I/O BARs */
#define PC_PCI_PORTS_END 0x10000

/* ISA interrupts */
#define PC_IRQ_TIMER 0
#define PC_IRQ_KBD   1
#define PC_IRQ_COM2  3
#define PC_IRQ_COM1  4
#define PC_IRQ_LPT1  7
#define PC_IRQ_RTC   8
#define PC_IRQ_SCI   9
#define PC_IRQ_MOUSE 12
#define PC_IRQ_IDE0  14
#define PC_IRQ_IDE1  15

/* I/O APIC pins: as the ISA interrupts, but for the timer; then the PIRQs. */
#define PC_PIN_TIMER 2
#define PC_PIN_PIRQ  16

/* PCI slots */
#define PC_SLOT_HOST    0
#define PC_SLOT_ISA     1
#define PC_SLOT_IDE     2
#define PC_SLOT_PM      3
#define PC_SLOT_DISPLAY 4
#define PC_SLOT_FIRST   5 /* and up: what the operator asks for */

#endif
