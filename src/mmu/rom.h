/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rom.h: an image in memory that nobody can write: a guest's ROM.
 *
 * It is no guest RAM, and no door of gmem.h leads to it: a device that is
 * given its address for a transfer finds nothing there. Once loaded not even
 * the process can write it.
 */
#ifndef MMU_ROM_H
#define MMU_ROM_H

#include "vmm/types.h"

struct rom {
    void *host;    /* owned; for KVM's memory slots and readers of bytes */
    uint64_t size; /* bytes, a multiple of GUEST_PAGE; 0: there is none */
};

/*
 * Read size bytes of fd (a multiple of GUEST_PAGE, not 0). 0 or -errno of
 * what failed; -EIO: the file is shorter. Before the seal.
 */
must_check int rom_load(struct rom *rom, int fd, uint64_t size);

/* As rom_load, of n bytes; the rest up to size are ones. */
must_check int rom_load_padded(struct rom *rom, int fd, uint64_t n,
                               uint64_t size);
/* Put n bytes at off, which are inside. 0 or -errno. Before the seal. */
must_check int rom_patch(struct rom *rom, uint64_t off, const void *data,
                         size_t n);
void rom_free(struct rom *rom); /* also one that was never loaded */

#endif
