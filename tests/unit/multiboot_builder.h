/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * multiboot_builder.h: a flat Multiboot image, field by field; see
 * image_builder.h. The header is a little into the file, where the spec lets
 * it be, and numbers are written down here once more.
 */
#ifndef TESTS_MULTIBOOT_BUILDER_H
#define TESTS_MULTIBOOT_BUILDER_H

#include "image_builder.h"

#define MB_AT    64u       /* offset of the header */
#define MB_LOAD  0x200000u /* where offset 0 goes */
#define MB_BSS   0x3000u
#define MB_ENTRY (MB_LOAD + 128u)

struct flat_image {
    uint8_t before[MB_AT];
    uint32_t magic, flags, checksum;
    uint32_t header_addr, load_addr, load_end, bss_end, entry;
    uint8_t text[256];
};

static inline void mb_sum(struct flat_image *f)
{
    f->checksum = 0u - f->magic - f->flags;
}

static inline struct flat_image good_flat(void)
{
    struct flat_image f = {
        .magic = 0x1badb002,
        .flags = 0x10003,
        .header_addr = MB_LOAD + MB_AT,
        .load_addr = MB_LOAD,
        .load_end = MB_LOAD + sizeof(f),
        .bss_end = MB_LOAD + MB_BSS,
        .entry = MB_ENTRY,
    };

    memset(f.text, 0x90, sizeof(f.text));
    mb_sum(&f);
    return f;
}

/* An ELF with a header in its text, without addresses. */
static inline struct elf32_image multiboot_elf(uint32_t flags)
{
    struct elf32_image e = good_elf32();
    const uint32_t header[] = {0x1badb002, flags, 0u - 0x1badb002 - flags};

    memcpy(e.text + 32, header, sizeof(header));
    return e;
}

#endif
