// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * image_notes.c: ELF notes, and what Xen's say of a kernel.
 *
 * System V gABI, "Note Section": namesz, descsz, type as 32-bit words, then
 * the name and the contents, each padded. The gABI pads to 4 bytes in 32-bit
 * files and 8 in 64-bit ones; real linkers pad to 4 in both unless the area's
 * alignment is 8, and some mix. So the alignment the ELF states is tried
 * first, and the other one where that does not come out even.
 * Xen's notes: xen/include/public/elfnote.h.
 *
 * Pure: bytes in, info out. The area is a private copy, checked once whole
 * before anything in it is used.
 */
#include "boot/image_internal.h"

#include "abi/pvh.h"
#include "vmm/log.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define XEN_NOTE_ENTRY    1
#define XEN_NOTE_GUEST_OS 6

_Static_assert(sizeof(Elf64_Nhdr) == 12 && sizeof(Elf32_Nhdr) == 12,
               "one note header for both classes");

struct area {
    const uint8_t *bytes;
    size_t size;
    size_t pos;
    size_t align; /* 4 or 8 */
};

struct note {
    const char *owner; /* not NUL-terminated */
    size_t owner_size; /* with its NUL, if it has one */
    uint32_t type;
    const uint8_t *contents;
    uint32_t size;
};

/*
 * The end of len bytes at pos, padded; the last note's padding may be cut off
 * by the area's end. Returns false if the bytes themselves are.
 */
static bool skip(const struct area *a, size_t pos, uint32_t len, size_t *end)
{
    size_t padded;

    if (len > a->size - pos)
        return false;
    padded = (pos + len + a->align - 1) & ~(a->align - 1);
    *end = padded < a->size ? padded : a->size;
    return true;
}

/* 1 and the next note, 0 at the end, -EINVAL if it runs past the end. */
static int next_note(struct area *a, struct note *out)
{
    Elf64_Nhdr h;
    size_t contents, end;

    if (a->pos == a->size)
        return 0;
    if (a->size - a->pos < sizeof(h))
        return -EINVAL;
    memcpy(&h, a->bytes + a->pos, sizeof(h));
    a->pos += sizeof(h);
    if (!skip(a, a->pos, h.n_namesz, &contents) ||
        !skip(a, contents, h.n_descsz, &end))
        return -EINVAL;
    *out = (struct note){
        .owner = (const char *)a->bytes + a->pos,
        .owner_size = h.n_namesz,
        .type = h.n_type,
        .contents = a->bytes + contents,
        .size = h.n_descsz,
    };
    a->pos = end;
    return 1;
}

static bool well_formed(struct area a)
{
    struct note n;
    int ret;

    do {
        ret = next_note(&a, &n);
    } while (ret > 0);
    return ret == 0;
}

void image_copy_text(char *dst, size_t size, const void *text, size_t n)
{
    const unsigned char *s = text;
    size_t i;

    for (i = 0; i < n && i < size - 1 && s[i]; i++)
        dst[i] = s[i] >= 0x20 && s[i] < 0x7f ? (char)s[i] : '?';
    dst[i] = '\0';
}

/* Keep it for inspect, unless the same note came by another way before. */
static void keep(const struct note *n, struct image_info *info)
{
    const size_t copied =
        n->size < IMAGE_NOTE_CONTENTS ? n->size : IMAGE_NOTE_CONTENTS;
    struct image_note note = {.type = n->type, .size = n->size};

    image_copy_text(note.owner, sizeof(note.owner), n->owner, n->owner_size);
    memcpy(note.contents, n->contents, copied);
    for (unsigned i = 0; i < info->n_notes; i++)
        if (!memcmp(&info->notes[i], &note, sizeof(note)))
            return;
    if (info->n_notes < IMAGE_MAX_NOTES)
        info->notes[info->n_notes++] = note;
}

/* The contents as a number: a word of either class. */
static bool note_number(const struct note *n, uint64_t *out)
{
    *out = 0;
    if (n->size != 4 && n->size != 8)
        return false;
    memcpy(out, n->contents, n->size);
    return true;
}

static int take_pvh(const char *name, const struct note *n,
                    struct image_info *info)
{
    uint64_t entry;

    if (!note_number(n, &entry)) {
        log_error("%s: the PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY) has %u "
                  "bytes, not 4 or 8: the file is damaged",
                  name, n->size);
        return -EINVAL;
    }
    if (entry >= 4 * GIB) {
        log_error("%s: PVH entry 0x%llx is not below 4 GiB: the file is "
                  "damaged",
                  name, (unsigned long long)entry);
        return -EINVAL;
    }
    if (!info->has_pvh) {
        info->has_pvh = true;
        info->pvh_entry = entry;
    }
    return 0;
}

static int take(const char *name, const struct note *n, struct image_info *info)
{
    keep(n, info);
    if (n->owner_size != sizeof(PVH_NOTE_NAME) ||
        memcmp(n->owner, PVH_NOTE_NAME, sizeof(PVH_NOTE_NAME)) != 0)
        return 0;
    switch (n->type) {
    case XEN_NOTE_ENTRY:
        info->has_pv = true;
        return 0;
    case XEN_NOTE_GUEST_OS:
        image_copy_text(info->guest_os, sizeof(info->guest_os), n->contents,
                        n->size);
        return 0;
    case PVH_NOTE_PHYS32_ENTRY:
        return take_pvh(name, n, info);
    default:
        return 0;
    }
}

int image_parse_notes(const char *name, const void *area, size_t size,
                      uint64_t align, struct image_info *info)
{
    struct area a = {.bytes = area, .size = size, .align = align == 8 ? 8 : 4};
    struct note n;
    int err = 0;

    if (!well_formed(a)) {
        a.align = a.align == 8 ? 4 : 8;
        if (!well_formed(a)) {
            log_error("%s: an ELF note runs past the end of its notes: the "
                      "file is damaged",
                      name);
            return -EINVAL;
        }
    }
    while (!err && next_note(&a, &n) > 0)
        err = take(name, &n, info);
    return err;
}
