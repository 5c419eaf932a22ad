/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc-restart: the ways a PC's guest starts the machine anew: the hard reset,
 * a reset of the CPU with no word left in CMOS, and a CPU that shuts down.
 * Each leads through the BIOS to this disk again; how many there were is
 * counted on it, in its last sector, by the IDE channel's data port.
 */
#include "abi/pc.h"
#include "console.h"
#include "cpu.h"
#include "power.h"
#include "report.h"

#define SECTOR_COUNT 2048 /* the image has 1 MiB */
#define WORDS        256
#define READ         0x20
#define WRITE        0x30
#define BUSY         0x80
#define WANTS_DATA   0x08
#define PATIENCE     1000000u
#define MAGIC        0x5253

static uint16_t sector[WORDS];

static void wait_for(uint8_t mask, uint8_t value)
{
    for (unsigned i = 0; i < PATIENCE; i++)
        if ((inb(PC_IDE0 + 7) & mask) == value)
            return;
    test_error("the disk stays busy: status %02x", inb(PC_IDE0 + 7));
}

/* The last sector, by LBA28. */
static void command(uint8_t code)
{
    const unsigned lba = SECTOR_COUNT - 1;

    outb(PC_IDE0_CTL, 0x02); /* no interrupt */
    outb(PC_IDE0 + 6, 0xe0);
    wait_for(BUSY, 0);
    outb(PC_IDE0 + 2, 1);
    outb(PC_IDE0 + 3, lba & 0xff);
    outb(PC_IDE0 + 4, lba >> 8 & 0xff);
    outb(PC_IDE0 + 5, lba >> 16 & 0xff);
    outb(PC_IDE0 + 7, code);
    wait_for(BUSY | WANTS_DATA, WANTS_DATA);
}

static unsigned load_count(void)
{
    command(READ);
    for (unsigned i = 0; i < WORDS; i++)
        sector[i] = inw(PC_IDE0);
    return sector[0] == MAGIC ? sector[1] : 0;
}

static void save_count(unsigned n)
{
    sector[0] = MAGIC;
    sector[1] = (uint16_t)n;
    command(WRITE);
    for (unsigned i = 0; i < WORDS; i++)
        outw(PC_IDE0, sector[i]);
    wait_for(BUSY, 0);
}

static void by_keyboard(void)
{
    outb(PC_KBD_COMMAND, 0xfe);
}

static void by_port92(void)
{
    outb(PC_PORT92, inb(PC_PORT92) | 0x01);
}

static const struct {
    const char *name;
    void (*reset)(void);
} ways[] = {
    {"the reset register", power_reset},
    {"the keyboard controller", by_keyboard},
    {"port 92", by_port92},
    {"a triple fault", power_triple_fault},
};

#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

void test_main(void)
{
    const unsigned n = load_count();

    CHECK_LE("starts", n, N_WAYS);
    if (n >= N_WAYS)
        return;
    /* What a new machine does not know any more. */
    CHECK_NE("interrupt mask", inb(PC_PIC_MASTER + 1), 0x5a);
    outb(PC_PIC_MASTER + 1, 0x5a);
    save_count(n + 1);
    printf("reset by %s\n", ways[n].name);
    ways[n].reset();
    for (unsigned i = 0; i < PATIENCE; i++)
        cpu_pause();
    test_fail("reset by %s: nothing happened", ways[n].name);
}
