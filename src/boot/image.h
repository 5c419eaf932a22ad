/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image.h: a kernel file, told apart by its content.
 *
 * image_open maps the file and finds out what it is: an ELF, an ELF packed
 * with gzip, xz, lzma, zstd, lz4 or bzip2, or a bzImage whose payload is one of
 * those. Nothing is believed: every offset and size of the file is checked
 * before use, and what is wrong is said in one logged line that names the
 * file, the field and what to do.
 *
 * No KVM, no guest memory here. Thread: start-up, and the loop thread on a
 * rebuild (which only reads).
 */
#ifndef BOOT_IMAGE_H
#define BOOT_IMAGE_H

#include "vmm/types.h"

#include <stdio.h>

enum image_container {
    IMAGE_ELF,     /* the file itself is the ELF */
    IMAGE_PACKED,  /* the file is a compressed ELF */
    IMAGE_BZIMAGE, /* the file is a Linux bzImage */
};

enum image_packing {
    PACK_NONE,
    PACK_GZIP,
    PACK_XZ,
    PACK_LZMA,
    PACK_ZSTD,
    PACK_LZ4, /* the kernel's legacy frame, and the LZ4 frame format */
    PACK_BZIP2,
};

#define IMAGE_MAX_SEGMENTS 64

struct image_segment {
    uint64_t offset; /* in the ELF's bytes */
    uint64_t filesz;
    uint64_t memsz; /* >= filesz */
    gpa_t paddr;
};

/* Everything known of an image; filled by image_open, const afterwards. */
struct image_info {
    enum image_container container;
    enum image_packing packing;
    uint16_t bz_version;     /* 0x020f for 2.15; bzImage only */
    uint32_t bz_cmdline_max; /* bytes without NUL; 0 unknown */
    bool elf64;              /* ELFCLASS64 */
    uint16_t elf_machine;    /* EM_X86_64 or EM_386 */
    uint64_t elf_entry;
    bool has_pvh;       /* XEN_ELFNOTE_PHYS32_ENTRY found */
    uint64_t pvh_entry; /* gpa, < 4 GiB */
    bool has_pv;        /* a classic Xen PV entry (XEN_ELFNOTE_ENTRY) */
    char guest_os[32];  /* XEN_ELFNOTE_GUEST_OS or "" */
    unsigned n_segments;
    struct image_segment segments[IMAGE_MAX_SEGMENTS];
};

struct image;

/*
 * Open and identify a kernel file. The ELF may lack a PVH note: that is not
 * an error here (see image_info.has_pvh). Returns 0 and *out, or -errno with
 * the reason logged. A compressed ELF is unpacked into anonymous memory.
 */
must_check int image_open(const char *path, struct image **out);

/* The same on bytes in memory (tests, fuzzing); data is borrowed. */
must_check int image_parse(const char *name, const void *data, size_t size,
                           struct image **out);

void image_close(struct image *img);

const struct image_info *image_info(const struct image *img);

/* The ELF's bytes (unpacked if it was packed); *size is set. */
const void *image_elf(const struct image *img, size_t *size);

/*
 * The file descriptor and file offset where the ELF's bytes lie in the
 * opened file as they are, so that they can be read straight into guest
 * memory; -1 if the ELF was unpacked or parsed from memory.
 */
int image_fd(const struct image *img);

/* Drop the unpacked copy once it is loaded; image_elf makes it anew. */
void image_release_unpacked(struct image *img);

/*
 * One line of what was found, without newline, for example
 * "bzImage 2.15, lz4 payload, PVH note 0x1000850".
 */
void image_describe(const struct image *img, char *buf, size_t size);

/* The long explanation `vmm inspect` prints. */
void image_inspect(const struct image *img, FILE *out);

#endif
