/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image.h: a kernel file, told apart by its content.
 *
 * image_open finds out what a file is: an ELF, an ELF packed with gzip, xz,
 * lzma, zstd, lz4 or bzip2, or a bzImage whose payload is one of those.
 * Nothing is believed: every offset and size of the file is checked before
 * use, and what is wrong is said in one logged line that names the file, the
 * field and what to do.
 *
 * A file is read, never mapped: somebody may truncate it while we look, and a
 * short read is an error where a mapping would be SIGBUS. For a plain ELF
 * that is two or three system calls for its headers; its contents go straight
 * from the file descriptor into guest memory.
 *
 * No KVM, no guest memory here. Thread: start-up, and the loop thread on a
 * rebuild; one thread at a time. System calls of image_elf on a rebuild:
 * pread64, mmap, munmap, madvise, and what malloc needs.
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

#define IMAGE_MAX_SEGMENTS  64u
#define IMAGE_MAX_NOTES     24u
#define IMAGE_NOTE_OWNER    16u
#define IMAGE_NOTE_CONTENTS 48u

struct image_segment {
    uint64_t offset; /* in the ELF's bytes */
    uint64_t filesz; /* offset + filesz lies inside the ELF */
    uint64_t memsz;  /* >= filesz, > 0; paddr + memsz does not wrap */
    gpa_t paddr;
    bool executable;
};

/* An ELF note as it was found, for inspect. */
struct image_note {
    char owner[IMAGE_NOTE_OWNER]; /* NUL-terminated, cut if longer */
    uint32_t type;
    uint32_t size; /* of the note's contents in the file */
    /* The first bytes of them; zeroes after. */
    unsigned char contents[IMAGE_NOTE_CONTENTS];
};

/* Everything known of an image; filled by image_open, const afterwards. */
struct image_info {
    enum image_container container;
    enum image_packing packing;
    uint64_t packed_size;    /* bytes of the compressed ELF; 0 if none */
    uint16_t bz_version;     /* 0x020f for 2.15; bzImage only */
    uint32_t bz_cmdline_max; /* bytes without NUL; 0 unknown */
    char bz_release[128];    /* the kernel's own version text, or "" */
    uint64_t elf_size;       /* bytes, unpacked */
    bool elf64;              /* ELFCLASS64 */
    uint16_t elf_machine;    /* EM_X86_64 or EM_386 */
    uint64_t elf_entry;
    bool has_pvh;       /* XEN_ELFNOTE_PHYS32_ENTRY found */
    uint64_t pvh_entry; /* gpa < 4 GiB, in the file part of a segment */
    bool has_pv;        /* a classic Xen PV entry (XEN_ELFNOTE_ENTRY) */
    char guest_os[32];  /* XEN_ELFNOTE_GUEST_OS or ""; printable */
    unsigned n_segments;
    struct image_segment segments[IMAGE_MAX_SEGMENTS]; /* disjoint */
    unsigned n_notes;
    struct image_note notes[IMAGE_MAX_NOTES]; /* the first ones, no twins */
};

struct image;

/*
 * Open and identify a kernel file. The ELF may lack a PVH note: that is not
 * an error here (see image_info.has_pvh). Never blocks on a FIFO or device.
 * A compressed ELF is unpacked into anonymous memory. Returns 0 and *out, or
 * -errno with the reason logged (-EINVAL: the content is at fault).
 */
must_check int image_open(const char *path, struct image **out);

/* The same on bytes in memory (tests, fuzzing); data is borrowed. */
must_check int image_parse(const char *name, const void *data, size_t size,
                           struct image **out);

/* Free everything, close the file. NULL is allowed. */
void image_close(struct image *img);

/* Lives as long as img. */
const struct image_info *image_info(const struct image *img);

/*
 * The ELF's bytes, unpacked if it was packed; *size is set. A bzImage's ELF
 * is followed by its relocation table: bytes past the ELF's own end that no
 * segment uses. Valid until image_release_unpacked or image_close.
 *
 * After image_release_unpacked, and for a plain ELF file the first time, the
 * file is read again; if it is no longer the image that was opened, that is an
 * error. Returns NULL with the reason logged.
 */
const void *image_elf(struct image *img, size_t *size);

/*
 * The descriptor of a plain ELF file, whose bytes can be read straight into
 * guest memory at image_segment.offset; -1 if the ELF was unpacked or parsed
 * from memory, when image_elf has them. Borrowed.
 */
int image_fd(const struct image *img);

/* Drop the copy image_elf returned; it makes it anew. No-op without one. */
void image_release_unpacked(struct image *img);

/*
 * One line of what was found, without newline, for example
 * "bzImage 2.15, lz4 payload, PVH note 0x1000850". Cut to size.
 */
void image_describe(const struct image *img, char *buf, size_t size);

/* The long explanation `vmm inspect` prints. */
void image_inspect(const struct image *img, FILE *out);

#endif
