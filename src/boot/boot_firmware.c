// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * boot_firmware.c: a PC that starts as hardware does: the CPU after reset, in
 * its firmware. Nothing is loaded: the ROM is mapped (boot_rom), and what the
 * firmware wants to know it asks fw_cfg.
 */
#include "boot/boot_priv.h"

#include "boot/firmware.h"

static int open_rom(struct boot *b)
{
    return firmware_open(b->cfg->firmware, &b->rom);
}

static int place(struct boot *b, const struct gmem *mem,
                 const struct machine_desc *m, struct entry_state *out)
{
    (void)b;
    (void)mem;
    (void)m;
    *out = (struct entry_state){.kind = ENTRY_RESET};
    return 0;
}

static int load(struct boot *b, struct gmem *mem)
{
    (void)b;
    (void)mem;
    return 0;
}

const struct boot_ops boot_firmware = {
    .name = "firmware",
    .open = open_rom,
    .place = place,
    .load = load,
};
