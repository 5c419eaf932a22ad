// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pc_settle.c: a PC as its firmware leaves it, for a kernel that is booted
 * without any; see pc.h. What firmware decides and a kernel takes for granted
 * is a table: where RAM shadows ROM, where the ports of power management are,
 * and which ISA interrupts the PIRQs are wired to. BARs have their addresses
 * already, and the rest a kernel sets up itself.
 *
 * Registers: the 82441FX datasheet, 3.2.18 (PAM); the 82371SB's, 2.2.9
 * (PIRQRC), 2.5.2 (ELCR) and 2.3.10 (IDETIM); the 82371AB's, 7.1 (PMBA).
 */
#include "pc.h"

#include <string.h>

/* Both halves of a PAM register: read and write RAM. */
#define PAM_RAM 0x33u
#define PIRQ_AB 10u
#define PIRQ_CD 11u

/* Whose register it is. */
enum settled {
    SETTLED_BRIDGE,
    SETTLED_ISA,
    SETTLED_IDE,
    SETTLED_PM,
    SETTLED_COUNT,
};

static const struct {
    enum settled who;
    uint8_t reg;
    uint8_t size;
    uint16_t value;
} registers[] = {
    /* all from 768 KiB to 1 MiB is RAM */
    {SETTLED_BRIDGE, 0x59, 1, PAM_RAM & 0xf0},
    {SETTLED_BRIDGE, 0x5a, 1, PAM_RAM},
    {SETTLED_BRIDGE, 0x5b, 1, PAM_RAM},
    {SETTLED_BRIDGE, 0x5c, 1, PAM_RAM},
    {SETTLED_BRIDGE, 0x5d, 1, PAM_RAM},
    {SETTLED_BRIDGE, 0x5e, 1, PAM_RAM},
    {SETTLED_BRIDGE, 0x5f, 1, PAM_RAM},
    /* PIRQA# to PIRQD# */
    {SETTLED_ISA, 0x60, 1, PIRQ_AB},
    {SETTLED_ISA, 0x61, 1, PIRQ_AB},
    {SETTLED_ISA, 0x62, 1, PIRQ_CD},
    {SETTLED_ISA, 0x63, 1, PIRQ_CD},
    /* both channels decode; ports and bus master */
    {SETTLED_IDE, 0x40, 2, 0x8000},
    {SETTLED_IDE, 0x42, 2, 0x8000},
    {SETTLED_IDE, 0x04, 2, 0x0005},
    /* where the ACPI tables say that the ports are */
    {SETTLED_PM, 0x40, 2, PC_PM | 0x01},
    {SETTLED_PM, 0x80, 1, 0x01},
};

/* The PIRQs' interrupts are levels. */
static void settle_levels(struct pc *p)
{
    uint8_t elcr[2] = {0, (1u << (PIRQ_AB - 8)) | (1u << (PIRQ_CD - 8))};

    for (unsigned i = 0; i < ARRAY_LEN(elcr); i++)
        bus_access(p->host.bus, SPACE_PIO, PC_ELCR + i, &elcr[i], 1, true);
}

int pc_settle(struct pc *p)
{
    struct pci_func *const funcs[SETTLED_COUNT] = {
        [SETTLED_BRIDGE] = i440fx_func(p->bridge),
        [SETTLED_ISA] = piix_isa_func(p->isa),
        [SETTLED_IDE] = &p->ide_func,
        [SETTLED_PM] = piix_acpi_func(p->acpi),
    };

    /* With a firmware's ROM all is as after a reset. */
    if (boot_rom(p->host.host->boot)->size)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(registers); i++)
        pci_func_write(funcs[registers[i].who], registers[i].reg,
                       &registers[i].value, registers[i].size);
    settle_levels(p);
    return 0;
}
