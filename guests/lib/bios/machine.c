/* SPDX-License-Identifier: MIT */
/*
 * machine.c: what start_info.h and power.h promise, on a PC: nothing is handed
 * over, and the PIIX4 turns the machine off.
 */
#include "power.h"
#include "start_info.h"

#include "abi/pc.h"
#include "console.h"
#include "cpu.h"
#include "string.h"

#define PM1_CONTROL (PC_PM + 4)
#define PM1_S5      0x2000 /* SLP_EN, type 0 */
#define RESET_PORT  0xcf9
#define PATIENCE    2000000u

/* The BIOS, which speaks on COM1 too, was in the middle of a line. */
void start_info_init(void)
{
    printf("\n");
}

/* Where a BIOS puts ACPI's root: on 16 bytes, in its own segment. */
const struct pvh_start_info *start_info(void)
{
    static struct pvh_start_info info;

    for (uintptr_t at = PC_BIOS; at < PC_SHADOW_END && !info.rsdp_paddr;
         at += 16)
        if (memcmp((const void *)at, "RSD PTR ", 8) == 0)
            info.rsdp_paddr = at;
    return &info;
}

const char *start_info_cmdline(void)
{
    return "";
}

bool start_info_option(const char *name, uint64_t *value)
{
    (void)name;
    (void)value;
    return false;
}

_Noreturn static void still_here(const char *what)
{
    for (unsigned i = 0; i < PATIENCE; i++)
        cpu_pause();
    printf("the machine did not %s\n", what);
    cpu_stop();
}

void power_off(void)
{
    outw(PM1_CONTROL, PM1_S5);
    still_here("power off");
}

void power_reset(void)
{
    outb(RESET_PORT, 0x02);
    outb(RESET_PORT, 0x06);
    still_here("reset");
}
void power_triple_fault(void)
{
    struct {
        uint16_t limit;
        uintptr_t base;
    } __attribute__((packed)) empty = {0, 0};

    __asm__ volatile("lidt %0; ud2" ::"m"(empty));
    still_here("shut down");
}
