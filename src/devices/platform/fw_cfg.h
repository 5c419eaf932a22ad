/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg.h: the firmware configuration device, by which SeaBIOS and OVMF
 * learn of the machine: items by number, files by name, read byte by byte or
 * by DMA. Source: the fw_cfg specification of the QEMU project
 * (docs/specs/fw_cfg.rst), whose signature it therefore bears.
 *
 * All items are read only and known when the device is made.
 *
 * Thread: board lock held.
 */
#ifndef PLATFORM_FW_CFG_H
#define PLATFORM_FW_CFG_H

#include "mmu/gmem.h"
#include "vmm/device.h"

#define FW_CFG_PORTS 12u /* 0x510: selector, data, and the DMA address */

/* Selectors that the device answers itself. */
#define FW_CFG_SIGNATURE 0x0000u
#define FW_CFG_ID        0x0001u
#define FW_CFG_DIRECTORY 0x0019u

/* Others that firmware knows by number. */
#define FW_CFG_UUID       0x0002u
#define FW_CFG_RAM_SIZE   0x0003u
#define FW_CFG_NOGRAPHIC  0x0004u
#define FW_CFG_NB_CPUS    0x0005u
#define FW_CFG_BOOT_MENU  0x000eu
#define FW_CFG_MAX_CPUS   0x000fu
#define FW_CFG_FILE_FIRST 0x0020u
#define FW_CFG_X86        0x8000u /* e820, SMBIOS, IRQ0 override, HPET */

#define FW_CFG_NAME_SIZE 56u /* with the NUL */

/* One row of the owner's table. */
struct fw_cfg_item {
    const char *name; /* a file: its path; NULL: an item by number */
    const void *data; /* borrowed, as long as the device lives */
    uint32_t size;
    uint16_t selector; /* without a name; files get theirs in order */
};

struct fw_cfg;

/*
 * The table is copied, mem borrowed. A name that does not fit, a selector
 * twice or one of the device's own is a bug of the caller. NULL: out of
 * memory, logged.
 */
struct fw_cfg *fw_cfg_create(struct gmem *mem, const struct fw_cfg_item *items,
                             unsigned n);
void fw_cfg_destroy(struct fw_cfg *f);

extern const struct io_ops fw_cfg_ops; /* FW_CFG_PORTS ports */

#endif
