/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pflash.h: NOR flash beside a PC's firmware, for what firmware must not
 * forget: UEFI's variables. Eight bits wide, blocks of 4 KiB, Intel's command
 * set as the 28F640J5's datasheet (Intel 290606) and CFI (JEDEC JESD68, command
 * set 0001) have it.
 *
 * Programming can only clear bits, an erase sets those of a block. Both are
 * done at once. While reads find the array it may be shown to the guest as
 * memory that it cannot write.
 *
 * Thread: board lock held.
 */
#ifndef PLATFORM_PFLASH_H
#define PLATFORM_PFLASH_H

#include "vmm/device.h"
#include "vmm/types.h"

#define PFLASH_BLOCK 4096u
#define PFLASH_MAX   (8u * 1024 * 1024)

struct pflash;

struct pflash_hooks {
    /* Reads find the array from now on, or something else. */
    void (*shown)(void *ctx, bool array);
    /* These bytes of it are others now. */
    void (*changed)(void *ctx, uint32_t off, uint32_t n);
    void *ctx; /* borrowed */
};

/*
 * data: size bytes (blocks, up to PFLASH_MAX), borrowed; hooks are copied.
 * Reads find the array. NULL: out of memory, logged.
 */
struct pflash *pflash_create(unsigned char *data, uint32_t size,
                             const struct pflash_hooks *hooks);
void pflash_destroy(struct pflash *f);

extern const struct io_ops pflash_ops; /* size bytes of memory */

#endif
