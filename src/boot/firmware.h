/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firmware.h: the BIOS of a PC: a ROM image that ends at 4 GiB.
 */
#ifndef BOOT_FIRMWARE_H
#define BOOT_FIRMWARE_H

#include "mmu/rom.h"
#include "vmm/types.h"

#define FIRMWARE_MAX (16 * MIB)

/*
 * Read the image at path (NULL: SeaBIOS, where distributions put it) and say
 * what was found. 0 or -errno with the reason logged, -EINVAL: it can never
 * be a firmware. rom_free it. Before the seal.
 */
must_check int firmware_open(const char *path, struct rom *out);

#endif
