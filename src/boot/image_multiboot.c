// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * image_multiboot.c: the header by which an image asks for a Multiboot boot.
 *
 * Multiboot specification 0.6.96, 3.1: somewhere in the first 8192 bytes, at a
 * multiple of four, magic, flags and a checksum that adds them up to zero. The
 * first such place is the header. Flag bit 16 says that five addresses follow,
 * which are then true whatever else the file is (3.1.3): a flat image has
 * nothing else to say where it belongs. Without that bit the file is an ELF.
 *
 * Bits 0 to 15 ask for what a boot loader must provide or refuse; that is for
 * the loader to judge (boot_multiboot.c), not for the parser.
 *
 * An ELF may hold these bytes by chance or for another loader, so one whose
 * header makes no sense is still an ELF: it has no Multiboot header then.
 */
#include "boot/image_internal.h"

#include "abi/multiboot.h"
#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Where a header can be, copied at once. */
struct head {
    uint8_t bytes[MULTIBOOT_SEARCH];
    size_t size;
};

/* Without addresses it may end where these would begin. */
static struct multiboot_header header_at(const struct head *head, size_t at)
{
    struct multiboot_header h = {0};
    const size_t left = head->size - at;

    memcpy(&h, head->bytes + at, left < sizeof(h) ? left : sizeof(h));
    return h;
}

/* Offset of the header in *at. */
static bool find(const struct head *head, size_t *at)
{
    for (size_t i = 0; i + MULTIBOOT_HEADER_MIN <= head->size; i += 4) {
        uint32_t magic;

        memcpy(&magic, head->bytes + i, sizeof(magic));
        if (magic == MULTIBOOT_HEADER_MAGIC) {
            const struct multiboot_header h = header_at(head, i);

            if (h.magic + h.flags + h.checksum == 0) {
                *at = i;
                return true;
            }
        }
    }
    return false;
}

/* What is wrong with the five addresses; NULL and *s if nothing is. */
static const char *address_fault(const struct multiboot_header *h, size_t at,
                                 uint64_t file_size, struct image_segment *s)
{
    uint64_t size;

    if (at + sizeof(*h) > MULTIBOOT_SEARCH || at + sizeof(*h) > file_size)
        return "its addresses are cut off";
    if (h->load_addr > h->header_addr || h->header_addr - h->load_addr > at)
        return "the image would begin before the file";
    s->offset = at - (h->header_addr - h->load_addr);
    s->paddr = GPA(h->load_addr);
    size = file_size - s->offset;
    if (h->load_end_addr) {
        if (h->load_end_addr <= h->load_addr)
            return "the image ends before it begins";
        if (h->load_end_addr - h->load_addr > size)
            return "the image runs past the end of the file";
        size = h->load_end_addr - h->load_addr;
    }
    s->filesz = size;
    s->memsz = size;
    if (h->bss_end_addr) {
        if (h->bss_end_addr < h->load_addr ||
            h->bss_end_addr - h->load_addr < size)
            return "its bss ends before its data";
        s->memsz = h->bss_end_addr - h->load_addr;
    }
    if (h->entry_addr < h->load_addr || h->entry_addr - h->load_addr >= size)
        return "its entry is outside of it";
    return NULL;
}

/* Is the ELF's entry a place in memory that the file fills? */
static bool elf_entry_loaded(const struct image_info *info)
{
    for (unsigned i = 0; i < info->n_segments; i++) {
        const struct image_segment *s = &info->segments[i];

        if (info->elf_entry >= s->paddr.v &&
            info->elf_entry - s->paddr.v < s->filesz)
            return true;
    }
    return false;
}

/* Returns what is wrong, or NULL. */
static const char *take(const struct multiboot_header *h, size_t at,
                        const struct image_source *src,
                        const struct image_info *info,
                        struct image_multiboot *out)
{
    *out = (struct image_multiboot){
        .found = true,
        .offset = (uint32_t)at,
        .flags = h->flags,
        .addresses = (h->flags & MULTIBOOT_ADDRESSES) != 0,
    };
    if (out->addresses) {
        out->entry = h->entry_addr;
        return address_fault(h, at, src->size, &out->segment);
    }
    if (!info->n_segments)
        return "it is no ELF and gives no addresses";
    if (!elf_entry_loaded(info) || info->elf_entry > UINT32_MAX)
        return "its ELF entry is in no segment below 4 GiB";
    out->entry = (uint32_t)info->elf_entry;
    return NULL;
}

int image_parse_multiboot(const struct image_source *src,
                          struct image_info *info)
{
    struct multiboot_header h;
    const char *fault;
    struct head head;
    size_t at;
    int err;

    head.size =
        src->size < sizeof(head.bytes) ? (size_t)src->size : sizeof(head.bytes);
    err = source_read(src, 0, head.bytes, head.size, "beginning");
    if (err)
        return err;
    if (!find(&head, &at))
        return 0;
    h = header_at(&head, at);
    fault = take(&h, at, src, info, &info->multiboot);
    if (!fault)
        return 0;
    info->multiboot = (struct image_multiboot){0};
    if (info->n_segments)
        return 0;
    log_error("%s: the Multiboot header at 0x%zx is wrong: %s: the file is "
              "truncated or damaged",
              src->name, at, fault);
    return -EINVAL;
}
