/* SPDX-License-Identifier: MIT */
/*
 * start_info.h: what the loader handed over: entry registers, memory map,
 * command line, modules. Source: Xen docs/misc/pvh.
 */
#ifndef GUEST_START_INFO_H
#define GUEST_START_INFO_H

#include "abi/pvh.h"

#include <stdbool.h>
#include <stdint.h>

/* The CPU as the loader left it (entry.S). */
struct entry_regs {
    uint32_t ebx, eflags, cr0, cr4, efer;
    uint32_t apic_ds, apic_es, apic_ss; /* the same word, by each segment */
};
extern const struct entry_regs entry_regs;

/* The image this kernel was loaded as, [image_start, image_end). */
extern char image_start[], image_end[];

/* Check the magic; without start_info there is nothing to test: ERROR. */
void start_info_init(void);

const struct pvh_start_info *start_info(void);

/* "" if there is none. */
const char *start_info_cmdline(void);

/* True, and *value after "name=", if the command line has such a word. */
bool start_info_option(const char *name, uint64_t *value);

/* The memory map; n entries. */
const struct pvh_memmap_entry *start_info_memmap(unsigned *n);

/* The modules; n entries. */
const struct pvh_modlist_entry *start_info_modules(unsigned *n);

#endif
