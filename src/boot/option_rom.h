/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * option_rom.h: the image in a card's expansion ROM, which firmware copies
 * and runs: a display's BIOS, a network card's boot program.
 */
#ifndef BOOT_OPTION_ROM_H
#define BOOT_OPTION_ROM_H

#include "mmu/rom.h"
#include "vmm/types.h"

#define OPTION_ROM_MAX (1 * MIB)

/* A display's, where distributions put SeaBIOS's; for 1234:1111. */
extern const char *const option_rom_vga[];

/* iPXE for an 82540EM; for 8086:100e. */
extern const char *const option_rom_e1000[];

/* iPXE for a virtio network card; for 1af4:1000 and 1af4:1041. */
extern const char *const option_rom_virtio[];

/*
 * Read the first of places (NULL ends them) that is there, into a size of
 * 2^n bytes as pci_func_rom wants it. Without any, or if it cannot be read,
 * the ROM is of size 0, and a warning says so and what it is missing for
 * (missing_for NULL: it is not missed). rom_free it. Before the seal.
 */
void option_rom_open(const char *const *places, const char *missing_for,
                     struct rom *out);

/*
 * Read the file that an option names, which must begin as an option ROM does.
 * 0 or -errno, logged with what (the option). Before the seal.
 */
must_check int option_rom_open_file(const char *path, const char *what,
                                    struct rom *out);

/*
 * Have an image that may serve other devices too name this one: firmware runs
 * it for what it names. Nothing happens to what is no PCI option ROM. Before
 * the seal.
 */
void option_rom_adopt(struct rom *rom, uint16_t vendor, uint16_t device);

#endif
