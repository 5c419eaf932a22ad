/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image_internal.h: between the image_*.c files only.
 *
 * A parser sees an image_source and fills an image_info; it knows neither
 * files nor memory. It logs what is wrong itself, with the source's name,
 * and returns -EINVAL; an unreadable file is its own -errno.
 */
#ifndef BOOT_IMAGE_INTERNAL_H
#define BOOT_IMAGE_INTERNAL_H

#include "boot/image.h"
#include "boot/unpack.h"
#include "vmm/types.h"

/* Bytes to parse: a file whose beginning was read, or memory. */
struct image_source {
    const char *name;    /* borrowed; for messages */
    int fd;              /* borrowed; -1 if all bytes are in head */
    const uint8_t *head; /* borrowed; the first head_size bytes */
    size_t head_size;
    uint64_t size; /* of the whole */
};

struct image {
    struct image_info info;
    struct image_source source; /* its head is gone once a file is open */
    uint64_t packed_at;         /* file offset of the packed bytes */
    bool keep_packed;           /* of a bzImage look at the outside only */
    struct unpacked elf;        /* owned; empty if released */
    char name[];                /* as the operator wrote it */
};

/*
 * Copy n bytes at off; all or nothing. what names them in the message if they
 * lie outside. The fewest system calls: none for bytes in head.
 */
must_check int source_read(const struct image_source *src, uint64_t off,
                           void *dst, size_t n, const char *what);

/* Does it start as an ELF, as a bzImage? */
bool image_is_elf(const struct image_source *src);
bool image_is_bzimage(const struct image_source *src);

/* Fill in all elf_, pvh_ and segment fields and the notes. */
must_check int image_parse_elf(const struct image_source *src,
                               struct image_info *info);

/*
 * Look for a Multiboot header and fill in info->multiboot; after
 * image_parse_elf if it is an ELF. None, and one that is no header after all,
 * is no error; one that asks for what makes no sense is.
 */
must_check int image_parse_multiboot(const struct image_source *src,
                                     struct image_info *info);

/* Fill in the bz and bz_ fields and packed_size, and say where the payload is.
 */
must_check int image_parse_bzimage(const struct image_source *src,
                                   struct image_info *info,
                                   uint64_t *payload_at);

/*
 * Take the notes of one area (a PT_NOTE segment or SHT_NOTE section) into
 * info; align is what the ELF says of the area.
 */
must_check int image_parse_notes(const char *name, const void *area,
                                 size_t size, uint64_t align,
                                 struct image_info *info);

/* Copy text of the file, up to a NUL, with all but printable ASCII as '?'. */
void image_copy_text(char *dst, size_t size, const void *text, size_t n);

#endif
