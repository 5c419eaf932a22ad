/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * place.h: find room in the guest's RAM, by the machine's map alone.
 *
 * Pure arithmetic; no guest memory. Thread: any.
 */
#ifndef BOOT_PLACE_H
#define BOOT_PLACE_H

#include "vmm/machine.h"
#include "vmm/types.h"

/* A stretch of guest memory that is taken; its end does not wrap. */
struct span {
    uint64_t base;
    uint64_t size;
};

/* A file for the guest, where it has it. */
struct placed_module {
    gpa_t base;
    uint64_t size;
    const char *cmdline; /* borrowed; NULL if none */
};

/* Is all of [base, base+size) RAM in the map? size 0 is never. */
bool place_is_ram(const struct machine_desc *m, gpa_t base, uint64_t size);

/*
 * The highest page-aligned address from 1 MiB up to the hole where size
 * bytes (> 0) are RAM and clear of the n spans taken. False if there is
 * none.
 */
must_check bool place_high(const struct machine_desc *m,
                           const struct span *taken, unsigned n, uint64_t size,
                           gpa_t *out);

/* The most bytes, in pages, for which place_high succeeds; 0 if none. */
uint64_t place_room(const struct machine_desc *m, const struct span *taken,
                    unsigned n);

#endif
