/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc-boot: a PC's BIOS booted this from a disk, and around it is the machine
 * it described: the bridges in their slots, the firmware as ROM and in its
 * shadow, memory that PAM governs, the 8254's ticks by way of the 8259s and
 * the CPU's INTR pin, clocks that go, the keyboard controller, fw_cfg, ACPI
 * where the BIOS put it. It ends by the PIIX4's soft off.
 */
#include "abi/layout.h"
#include "abi/pc.h"
#include "acpi.h"
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "string.h"

#define VECTOR_MASTER (VECTOR_FIRST_IRQ + 16)
#define VECTOR_SLAVE  (VECTOR_MASTER + 8)
#define PIC_EOI       0x20

#define PIT_HZ   1193182u
#define TICK_HZ  100u
#define TICKS    20u
#define PATIENCE (20 * CLOCK_S)

#define PAM_C8 0x5b /* low half: c8000; PAM1 is c0000 and c4000 */
#define SHADOW ((volatile uint8_t *)0xc8000)

static volatile unsigned ticks;

static uint8_t config8(unsigned slot, unsigned reg)
{
    outl(LAYOUT_PCI_CONFIG, 0x80000000u | slot << 11 | (reg & ~3u));
    return inb((uint16_t)(LAYOUT_PCI_CONFIG + 4 + (reg & 3)));
}

static uint32_t config32(unsigned slot, unsigned reg)
{
    outl(LAYOUT_PCI_CONFIG, 0x80000000u | slot << 11 | reg);
    return inl(LAYOUT_PCI_CONFIG + 4);
}

static void set_config8(unsigned slot, unsigned reg, uint8_t value)
{
    outl(LAYOUT_PCI_CONFIG, 0x80000000u | slot << 11 | (reg & ~3u));
    outb((uint16_t)(LAYOUT_PCI_CONFIG + 4 + (reg & 3)), value);
}

static uint8_t cmos(uint8_t index)
{
    outb(PC_CMOS, index);
    return inb(PC_CMOS + 1);
}

static void check_slots(void)
{
    CHECK_EQ("slot 0", config32(PC_SLOT_HOST, 0), 0x12378086);
    CHECK_EQ("slot 1", config32(PC_SLOT_ISA, 0), 0x70008086);
    CHECK_EQ("slot 2", config32(PC_SLOT_IDE, 0), 0x70108086);
    CHECK_EQ("slot 3", config32(PC_SLOT_PM, 0), 0x71138086);
    CHECK_EQ("power management at", config32(PC_SLOT_PM, 0x40), PC_PM | 1);
}

/* The reset vector jumps far, and nobody can change that. */
static void check_rom(void)
{
    volatile uint8_t *vector = (volatile uint8_t *)0xfffffff0u;
    const uint8_t was = *vector;

    CHECK_EQ("reset vector", was, 0xea);
    *vector = (uint8_t)~was;
    CHECK_EQ("ROM after a write", *vector, was);
    CHECK_EQ("the BIOS below 1 MiB", *(volatile uint8_t *)0xffff0, 0xea);
}

/* RAM, RAM that cannot be written, nothing, and what was written to that. */
static void check_pam(void)
{
    const uint8_t was = config8(PC_SLOT_HOST, PAM_C8);
    const uint8_t other = was & 0xf0;

    set_config8(PC_SLOT_HOST, PAM_C8, other | 3);
    SHADOW[0] = 0x5a;
    CHECK_EQ("shadow RAM", SHADOW[0], 0x5a);
    set_config8(PC_SLOT_HOST, PAM_C8, other | 1);
    SHADOW[0] = 0xa5;
    CHECK_EQ("shadow RAM, write protected", SHADOW[0], 0x5a);
    set_config8(PC_SLOT_HOST, PAM_C8, other);
    CHECK_EQ("no ROM", SHADOW[0], 0xff);
    SHADOW[0] = 0xa5;
    set_config8(PC_SLOT_HOST, PAM_C8, other | 2);
    CHECK_EQ("no ROM, RAM written", SHADOW[0], 0xff);
    SHADOW[1] = 0xc3;
    set_config8(PC_SLOT_HOST, PAM_C8, other | 3);
    CHECK_EQ("shadow RAM after all that", SHADOW[0], 0x5a);
    CHECK_EQ("shadow RAM written unseen", SHADOW[1], 0xc3);
    set_config8(PC_SLOT_HOST, PAM_C8, was);
}

static void on_tick(struct trap_frame *frame)
{
    (void)frame;
    ticks = ticks + 1;
    outb(PC_PIC_MASTER, PIC_EOI);
}

static void init_pic(uint16_t port, uint8_t vector, uint8_t cascade,
                     uint8_t mask)
{
    outb(port, 0x11);
    outb(port + 1, vector);
    outb(port + 1, cascade);
    outb(port + 1, 0x01);
    outb(port + 1, mask);
}

static void check_ticks(void)
{
    const unsigned count = PIT_HZ / TICK_HZ;
    uint64_t begin, ns;

    init_pic(PC_PIC_MASTER, VECTOR_MASTER, 1 << 2, 0xfe);
    init_pic(PC_PIC_SLAVE, VECTOR_SLAVE, 2, 0xff);
    trap_set_handler(VECTOR_MASTER, on_tick);
    outb(PC_PIT + 3, 0x34); /* counter 0, both bytes, mode 2 */
    outb(PC_PIT, count & 0xff);
    outb(PC_PIT, count >> 8);
    begin = clock_ns();
    while (ticks < TICKS && clock_ns() - begin < PATIENCE)
        irq_wait();
    ns = clock_ns() - begin;
    outb(PC_PIC_MASTER + 1, 0xff);
    CHECK_EQ("ticks", ticks, TICKS);
    /* Never sooner than a tick short: what is owed comes at twice the rate. */
    CHECK_GE("ns for them", ns, (TICKS / 2 - 1) * (CLOCK_S / TICK_HZ));
}

static void check_clocks(void)
{
    const uint32_t pm = inl(PC_PM + 8);
    const uint32_t hpet = mmio_read32(PC_HPET + 0xf0);
    const uint8_t status = cmos(0x0d);

    mmio_write32(PC_HPET + 0x10, 1); /* on */
    CHECK_EQ("HPET period in fs", mmio_read32(PC_HPET + 4), 10000000);
    CHECK_EQ("clock battery", status & 0x80, 0x80);
    CHECK_EQ("KiB of base memory", cmos(0x15) | (uint32_t)cmos(0x16) << 8, 640);
    for (unsigned i = 0; i < 1000; i++)
        cpu_pause();
    CHECK_NE("PM timer", inl(PC_PM + 8), pm);
    CHECK_NE("HPET counter", mmio_read32(PC_HPET + 0xf0), hpet);
}

static void check_keyboard(void)
{
    unsigned i;

    outb(PC_KBD_COMMAND, 0xaa); /* test yourself */
    for (i = 0; i < 1000 && !(inb(PC_KBD_COMMAND) & 1); i++)
        cpu_pause();
    CHECK_EQ("keyboard controller's test", inb(PC_KBD_DATA), 0x55);
}

static void check_fw_cfg(void)
{
    static const char name[] = "QEMU";

    outw(PC_FW_CFG, 0);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ("fw_cfg", inb(PC_FW_CFG + 1), (uint8_t)name[i]);
}

void test_main(void)
{
    check_slots();
    check_rom();
    check_pam();
    check_ticks();
    check_clocks();
    check_keyboard();
    check_fw_cfg();
    CHECK_NE("ACPI's root", (uintptr_t)acpi_rsdp(), 0);
}
