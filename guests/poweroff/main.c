/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * poweroff: the sleep control register turns the machine off, but only with
 * SLP_EN and the type \_S5 names: anything else is not the end. The status
 * register reads 0 (nothing woke us). Exit status 0.
 */
#include "abi/layout.h"
#include "console.h"
#include "cpu.h"
#include "power.h"
#include "report.h"

void test_main(void)
{
    CHECK_EQ("sleep status", inb(LAYOUT_SLEEP_STS) & 0x80, 0);
    outb(LAYOUT_SLEEP_CTL, LAYOUT_S5_TYP << 2);
    printf("still on: SLP_EN was not set\n");
    outb(LAYOUT_SLEEP_CTL, (LAYOUT_S5_TYP - 1) << 2 | LAYOUT_SLP_EN);
    printf("still on: not the type of S5\n");
    outb(LAYOUT_RESET, LAYOUT_RESET_VALUE + 1);
    printf("still on: not the reset value\n");
}
