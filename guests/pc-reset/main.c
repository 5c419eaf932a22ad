/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc-reset: the ways to reset a PC's CPU alone. With word left in CMOS of where
 * to go on, the keyboard controller, port 92 and the reset register lead to the
 * BIOS, which comes back here in real mode; memory and chips are as they were.
 */
#include "abi/pc.h"
#include "console.h"
#include "cpu.h"
#include "report.h"

#define CMOS_SHUTDOWN 0x0f
#define GO_ON         0x0a /* jump to the far pointer at 40:67 */
#define RESET_PORT    0xcf9

/* lib/bios/resume.S: save, reset by the function, come back here. */
void reset_and_resume(void (*reset)(void));

static void set_shutdown(uint8_t code)
{
    outb(PC_CMOS, CMOS_SHUTDOWN);
    outb(PC_CMOS + 1, code);
}

static uint8_t shutdown_code(void)
{
    outb(PC_CMOS, CMOS_SHUTDOWN);
    return inb(PC_CMOS + 1);
}

static void by_keyboard(void)
{
    outb(PC_KBD_COMMAND, 0xfe);
}

static void by_port92(void)
{
    outb(PC_PORT92, inb(PC_PORT92) & 0xfe);
    outb(PC_PORT92, inb(PC_PORT92) | 0x01);
}

static void by_reset_register(void)
{
    outb(RESET_PORT, 0x00);
    outb(RESET_PORT, 0x04);
}

static const struct {
    const char *name;
    void (*reset)(void);
} ways[] = {
    {"the keyboard controller", by_keyboard},
    {"port 92", by_port92},
    {"the reset register", by_reset_register},
};

static volatile unsigned kept;

void test_main(void)
{
    for (unsigned i = 0; i < 3; i++) {
        printf("CPU reset by %s\n", ways[i].name);
        outb(PC_PIC_MASTER + 1, (uint8_t)(0xa0 + i)); /* a chip's register */
        kept = 0x1234 + i;
        set_shutdown(GO_ON);
        reset_and_resume(ways[i].reset);
        CHECK_EQ("memory", kept, 0x1234 + i);
        CHECK_EQ("interrupt mask", inb(PC_PIC_MASTER + 1), 0xa0 + i);
        CHECK_EQ("shutdown byte", shutdown_code(), 0);
    }
}
