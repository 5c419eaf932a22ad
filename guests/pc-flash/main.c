/* SPDX-License-Identifier: MIT */
/*
 * pc-flash: flash memory below a PC's firmware. It is found as UEFI finds it,
 * one block is programmed, and after a reset of the machine it must hold what
 * was programmed; then another is erased and programmed. The harness looks for
 * both in the file. Source: Intel 290606 (28F640J5).
 */
#include "console.h"
#include "cpu.h"
#include "power.h"
#include "report.h"

#include <stddef.h>

/* 64 KiB that end where 256 KiB of firmware begin. */
#define FLASH 0xfffb0000u
#define SIZE  0x10000u
#define BLOCK 0x1000u
#define READY 0x80u

static const char text[] = "kept over a reset";

static uint8_t get(uint32_t off)
{
    return mmio_read8(FLASH + off);
}

static void put(uint32_t off, uint8_t value)
{
    mmio_write8(FLASH + off, value);
}

/* With RAM the byte would be the command's, with a ROM it would not change. */
static void find(void)
{
    const uint8_t was = get(0);

    put(0, 0x50);
    CHECK_EQ("the array after its status was cleared", get(0), was);
    put(0, 0x70);
    CHECK_EQ("a cleared status", get(0), 0);
    put(0, 0x90);
    CHECK_EQ("the maker", get(0), 0x89);
    put(0, 0xff);
    CHECK_EQ("the array", get(0), was);
}

static void program(uint32_t off, uint8_t value)
{
    put(off, 0x40);
    put(off, value);
    CHECK_EQ("the status", get(off) & READY, READY);
    put(off, 0xff);
    CHECK_EQ("what was programmed", get(off), value);
}

static void erase(uint32_t off)
{
    put(off, 0x20);
    put(off, 0xd0);
    CHECK_EQ("the status", get(off), READY);
    put(off, 0xff);
    for (uint32_t i = 0; i < BLOCK; i += 256)
        CHECK_EQ("a byte that was erased", get(off + i), 0xff);
}

void test_main(void)
{
    find();
    if (get(BLOCK) == 0xff) {
        for (uint32_t i = 0; i < sizeof(text); i++)
            program(BLOCK + i, (uint8_t)text[i]);
        printf("programmed\n");
        power_reset();
    }
    for (uint32_t i = 0; i < sizeof(text); i++)
        CHECK_EQ("a byte after the reset", get(BLOCK + i), (uint8_t)text[i]);
    program(2 * BLOCK, 0x11);
    erase(2 * BLOCK);
    program(3 * BLOCK - 1, 0x42);
    program(SIZE - 1, 0x24);
}
