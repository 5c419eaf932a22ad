/* SPDX-License-Identifier: MIT */
/*
 * pvh.h: the x86/HVM direct boot ABI as the guest sees it.
 * Source: Xen docs/misc/pvh.pandoc and
 * xen/include/public/arch-x86/hvm/start_info.h. Shared with guests/.
 */
#ifndef ABI_PVH_H
#define ABI_PVH_H

#include <stddef.h>
#include <stdint.h>

#define PVH_START_MAGIC   0x336ec578u /* "xEn3" with the 0x80 bit set */
#define PVH_START_VERSION 1u

/* ELF note that carries the 32-bit physical entry point; name "Xen". */
#define PVH_NOTE_NAME         "Xen"
#define PVH_NOTE_PHYS32_ENTRY 18u

struct pvh_start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags; /* SIF_xxx; 0 for an unprivileged guest */
    uint32_t nr_modules;
    uint64_t modlist_paddr; /* struct pvh_modlist_entry[nr_modules] */
    uint64_t cmdline_paddr; /* NUL-terminated */
    uint64_t rsdp_paddr;
    /* version 1 and later */
    uint64_t memmap_paddr; /* struct pvh_memmap_entry[memmap_entries] */
    uint32_t memmap_entries;
    uint32_t reserved;
};

struct pvh_modlist_entry {
    uint64_t paddr;
    uint64_t size;          /* bytes */
    uint64_t cmdline_paddr; /* 0 if none */
    uint64_t reserved;
};

/* Types are the ACPI ones: 1 RAM, 2 reserved, 3 ACPI, 4 NVS, 5 unusable. */
struct pvh_memmap_entry {
    uint64_t addr;
    uint64_t size;
    uint32_t type;
    uint32_t reserved;
};

_Static_assert(sizeof(struct pvh_start_info) == 56, "start_info layout");
_Static_assert(offsetof(struct pvh_start_info, memmap_paddr) == 40, "v1");
_Static_assert(sizeof(struct pvh_modlist_entry) == 32, "modlist layout");
_Static_assert(sizeof(struct pvh_memmap_entry) == 24, "memmap layout");

#endif
