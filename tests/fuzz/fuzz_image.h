/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_image.h: what must hold of any image that was taken, whatever the
 * bytes were. Beyond memory safety, which the sanitizers watch, these are
 * the promises of image_info that the loader builds on.
 *
 * Run with -close_fd_mask=2: each refused input logs a line.
 */
#ifndef TESTS_FUZZ_IMAGE_H
#define TESTS_FUZZ_IMAGE_H

#include "boot/image.h"
#include "vmm/checked.h"
#include "vmm/log.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void check_segment(const struct image_info *info, unsigned i)
{
    const struct image_segment *s = &info->segments[i];
    uint64_t end;

    BUG_ON(s->memsz == 0 || s->filesz > s->memsz);
    BUG_ON(s->filesz && !range_ok(s->offset, s->filesz, info->elf_size));
    BUG_ON(!checked_add(s->paddr.v, s->memsz, &end));
    BUG_ON(!range_ok(s->bss_at, s->bss_size, s->filesz));
    for (unsigned j = 0; j < i; j++)
        BUG_ON(ranges_overlap(s->paddr.v, s->memsz, info->segments[j].paddr.v,
                              info->segments[j].memsz));
}

static inline bool entry_is_loaded(const struct image_info *info)
{
    for (unsigned i = 0; i < info->n_segments; i++) {
        const struct image_segment *s = &info->segments[i];

        if (info->pvh_entry >= s->paddr.v &&
            info->pvh_entry - s->paddr.v < s->filesz)
            return true;
    }
    return false;
}

/* The header's own count is as sound as a segment, and has the entry in it. */
static inline void check_multiboot(const struct image_info *info)
{
    const struct image_multiboot *mb = &info->multiboot;
    const struct image_segment *s = &mb->segment;

    if (!mb->found || !mb->addresses)
        return;
    BUG_ON(s->memsz < s->filesz || s->filesz == 0);
    BUG_ON(!range_ok(s->offset, s->filesz, info->elf_size));
    BUG_ON(mb->entry < s->paddr.v || mb->entry - s->paddr.v >= s->filesz);
}

/* What a loader copies out of the file is in it. */
static inline void check_linux(const struct image_info *info, size_t size)
{
    if (info->container != IMAGE_BZIMAGE)
        return;
    BUG_ON(!info->bz.kernel_size);
    BUG_ON(!range_ok(info->bz.kernel_at, info->bz.kernel_size, size));
    BUG_ON(!range_ok(0, info->bz.setup_size, size));
}

static inline void check_texts(const struct image *img)
{
    char line[16];
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    BUG_ON(!out);
    image_inspect(img, out);
    fclose(out);
    for (size_t i = 0; i < n; i++)
        BUG_ON(text[i] != '\n' && (text[i] < 0x20 || text[i] > 0x7e));
    free(text);
    image_describe(img, line, sizeof(line)); /* too short for any of them */
}

static inline void fuzz_image(const uint8_t *data, size_t size)
{
    const struct image_info *info;
    struct image *img;
    size_t elf_size;

    if (image_parse("fuzz", data, size, &img) != 0)
        return;
    info = image_info(img);
    BUG_ON(info->n_segments > IMAGE_MAX_SEGMENTS);
    BUG_ON(info->n_segments == 0 && !info->multiboot.addresses);
    check_multiboot(info);
    check_linux(info, size);
    for (unsigned i = 0; i < info->n_segments; i++)
        check_segment(info, i);
    BUG_ON(info->has_pvh && !entry_is_loaded(info));
    check_texts(img);
    image_release_unpacked(img);
    BUG_ON(!image_elf(img, &elf_size) || elf_size != info->elf_size);
    image_close(img);
}

#endif
