/* SPDX-License-Identifier: MIT */
/*
 * multiboot.h: the Multiboot specification, version 0.6.96, as an image (3.1)
 * and a running kernel (3.2, 3.3) see it. Shared with guests/.
 */
#ifndef ABI_MULTIBOOT_H
#define ABI_MULTIBOOT_H

#include <stddef.h>
#include <stdint.h>

#define MULTIBOOT_SEARCH       8192u /* bytes of the file a header lies in */
#define MULTIBOOT_HEADER_MAGIC 0x1badb002u
#define MULTIBOOT_HEADER_MIN   12u
#define MULTIBOOT_BOOT_MAGIC   0x2badb002u /* in %eax */

/* Flags of the header; the lower half must be understood. */
#define MULTIBOOT_PAGE_ALIGN 0x00000001u /* modules */
#define MULTIBOOT_MEMORY     0x00000002u /* wants mem_*, the map if possible */
#define MULTIBOOT_VIDEO      0x00000004u /* wants a video mode */
#define MULTIBOOT_REQUIRED   0x0000ffffu
#define MULTIBOOT_ADDRESSES  0x00010000u /* the five addresses are valid */

struct multiboot_header {
    uint32_t magic;
    uint32_t flags;
    uint32_t checksum; /* the three add up to 0 */
    /* with MULTIBOOT_ADDRESSES */
    uint32_t header_addr;
    uint32_t load_addr;
    uint32_t load_end_addr; /* 0: the end of the file */
    uint32_t bss_end_addr;  /* 0: no bss */
    uint32_t entry_addr;
};

/* Which parts of multiboot_info are valid. */
#define MULTIBOOT_INFO_MEMORY  0x00000001u
#define MULTIBOOT_INFO_CMDLINE 0x00000004u
#define MULTIBOOT_INFO_MODS    0x00000008u
#define MULTIBOOT_INFO_MMAP    0x00000040u
#define MULTIBOOT_INFO_LOADER  0x00000200u

struct multiboot_info {
    uint32_t flags;
    uint32_t mem_lower; /* KiB from 0 */
    uint32_t mem_upper; /* KiB from 1 MiB to the first hole */
    uint32_t boot_device;
    uint32_t cmdline; /* NUL-terminated */
    uint32_t mods_count;
    uint32_t mods_addr; /* struct multiboot_module[mods_count] */
    uint32_t syms[4];
    uint32_t mmap_length; /* bytes */
    uint32_t mmap_addr;   /* struct multiboot_mmap, one after another */
    uint32_t drives_length;
    uint32_t drives_addr;
    uint32_t config_table;
    uint32_t boot_loader_name;
    uint32_t apm_table;
    uint32_t vbe[4];
    uint32_t framebuffer[7];
};

struct multiboot_module {
    uint32_t start;
    uint32_t end; /* of the bytes after the last */
    uint32_t string;
    uint32_t reserved;
};

/* Types are the ACPI ones. */
struct multiboot_mmap {
    uint32_t size; /* of what follows: 20 */
    uint64_t addr;
    uint64_t len;
    uint32_t type;
} __attribute__((packed));

_Static_assert(sizeof(struct multiboot_header) == 32, "header layout");
_Static_assert(offsetof(struct multiboot_info, mmap_length) == 44, "layout");
_Static_assert(offsetof(struct multiboot_info, boot_loader_name) == 64, "name");
_Static_assert(sizeof(struct multiboot_info) == 116, "information layout");
_Static_assert(sizeof(struct multiboot_module) == 16, "module layout");
_Static_assert(sizeof(struct multiboot_mmap) == 24, "memory map layout");

#endif
