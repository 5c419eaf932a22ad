/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image.h: a kernel file, told apart by its content.
 *
 * image_open finds out what a file is: an ELF or another image that says in a
 * Multiboot header where it wants to be, either of them packed with gzip, xz,
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
    IMAGE_PACKED,  /* the file is a compressed ELF or flat image */
    IMAGE_BZIMAGE, /* the file is a Linux bzImage */
    IMAGE_FLAT,    /* the file is no ELF, but has a Multiboot header */
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
#define IMAGE_LINUX_HEADER  0x9fu /* boot_params has no room for more */

struct image_segment {
    uint64_t offset; /* in the ELF's bytes */
    uint64_t filesz; /* offset + filesz lies inside the ELF */
    uint64_t memsz;  /* >= filesz, > 0; paddr + memsz does not wrap */
    gpa_t paddr;
    /* Of the filesz bytes those that need no copy, being bss; 0: none. */
    uint64_t bss_at;
    uint64_t bss_size;
    uint64_t vaddr; /* where it is linked, as sections have it */
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

/*
 * What a Multiboot header (Multiboot specification 0.6.96, 3.1) asks for.
 * Where the image goes is in the ELF, or in segment if the header says it.
 */
struct image_multiboot {
    bool found;
    uint32_t offset; /* of the header in the image */
    uint32_t flags;
    bool addresses; /* the header's count, whatever the file is (bit 16) */
    struct image_segment segment; /* with addresses only */
    uint32_t entry;               /* in a part of the image that is loaded */
};

/*
 * What a Linux boot loader needs of a bzImage (boot.rst). Fields that the
 * image's protocol does not have are 0.
 */
struct image_linux {
    /* The setup header, from offset 0x1f1 of the file on; zeroes after it. */
    unsigned char header[IMAGE_LINUX_HEADER];
    uint64_t kernel_at;   /* the protected-mode kernel in the file */
    uint64_t kernel_size; /* > 0, inside the file */
    uint32_t setup_size;  /* bytes of boot sector and real-mode code */
    uint64_t pref_address;
    uint32_t init_size;
    uint32_t alignment;
    uint32_t initrd_max; /* the last byte an initrd may take */
    bool high;           /* LOADED_HIGH: the kernel goes to 1 MiB, or above */
    bool relocatable;
    bool entry64; /* XLF_KERNEL_64 */
};

/* Everything known of an image; filled by image_open, const afterwards. */
struct image_info {
    enum image_container container;
    enum image_packing packing;
    uint64_t packed_size;    /* bytes of the compressed ELF; 0 if none */
    uint16_t bz_version;     /* 0x020f for 2.15; bzImage only */
    uint32_t bz_cmdline_max; /* bytes without NUL; 0 unknown */
    char bz_release[128];    /* the kernel's own version text, or "" */
    struct image_linux bz;
    struct image_multiboot multiboot;
    bool unpacked;     /* what follows is known; not with image_open_packed */
    uint64_t elf_size; /* bytes, unpacked */
    bool elf64;        /* ELFCLASS64 */
    uint16_t elf_machine; /* EM_X86_64 or EM_386 */
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

/*
 * As image_open, but a bzImage stays packed: its setup header is all that is
 * known of it, image_elf has nothing.
 */
must_check int image_open_packed(const char *path, struct image **out);

/* The same on bytes in memory (tests, fuzzing); data is borrowed. */
must_check int image_parse(const char *name, const void *data, size_t size,
                           struct image **out);

/* Free everything, close the file. NULL is allowed. */
void image_close(struct image *img);

/* Lives as long as img. */
const struct image_info *image_info(const struct image *img);

/*
 * The image's bytes, unpacked if it was packed; *size is set. A bzImage's ELF
 * is followed by its relocation table: bytes past the ELF's own end that no
 * segment uses. Valid until image_release_unpacked or image_close.
 *
 * After image_release_unpacked, and for a plain ELF file the first time, the
 * file is read again; if it is no longer the image that was opened, that is an
 * error. Returns NULL with the reason logged.
 */
const void *image_elf(struct image *img, size_t *size);

/*
 * The descriptor of a file that is not packed, whose bytes can be read straight
 * into guest memory at image_segment.offset; -1 if the image was unpacked or
 * parsed from memory, when image_elf has them. Borrowed.
 */
int image_fd(const struct image *img);

/* The descriptor of the file as it is, for image_linux.kernel_at. Borrowed. */
int image_file(const struct image *img);

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
