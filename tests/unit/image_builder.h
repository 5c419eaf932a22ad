/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image_builder.h: kernel images to test with, built field by field, and a
 * check that a bad one is refused with exactly one line.
 *
 * The good image is a struct: a test takes it, spoils one field, and says
 * what it expects. Offsets of the bzImage header are written down here once
 * more, from the boot protocol, so that the parser's are checked too.
 */
#ifndef TESTS_IMAGE_BUILDER_H
#define TESTS_IMAGE_BUILDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "boot/image.h"
#include "vmm/types.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BASE  0x1000000u
#define ENTRY (BASE + 0x10)

/* A small kernel of each class; in file order, without holes. */
struct elf64_image {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[4]; /* text, bss, notes, none */
    uint8_t notes[256];
    uint8_t text[256];
    Elf64_Shdr sh[2]; /* none, notes; not announced by eh */
};

struct elf32_image {
    Elf32_Ehdr eh;
    Elf32_Phdr ph[4];
    uint8_t notes[256];
    uint8_t text[256];
    Elf32_Shdr sh[2];
};

/* Append a note at *pos of a 256-byte area, padded to align. */
static inline void put_note(uint8_t *area, size_t *pos, size_t align,
                            const char *owner, uint32_t type,
                            const void *contents, uint32_t size)
{
    const Elf64_Nhdr h = {(uint32_t)strlen(owner) + 1, size, type};
    size_t p = *pos;

    memcpy(area + p, &h, sizeof(h));
    p += sizeof(h);
    memcpy(area + p, owner, h.n_namesz);
    p = (p + h.n_namesz + align - 1) & ~(align - 1);
    memcpy(area + p, contents, size);
    *pos = (p + size + align - 1) & ~(align - 1);
}

/* A GUEST_OS note and a PVH entry of 4 or 8 bytes. Returns the size. */
static inline size_t put_pvh(uint8_t *area, size_t align, uint32_t size)
{
    const uint64_t entry = ENTRY;
    size_t pos = 0;

    memset(area, 0, 256);
    put_note(area, &pos, align, "Xen", 6, "tester", 7);
    put_note(area, &pos, align, "Xen", 18, &entry, size);
    return pos;
}

static inline struct elf64_image good_elf64(void)
{
    struct elf64_image e = {0};
    const size_t notes = put_pvh(e.notes, 4, 8);

    memcpy(e.eh.e_ident, "\177ELF\2\1\1", 7);
    e.eh.e_type = ET_EXEC;
    e.eh.e_machine = EM_X86_64;
    e.eh.e_version = 1;
    e.eh.e_entry = BASE;
    e.eh.e_phoff = offsetof(struct elf64_image, ph);
    e.eh.e_ehsize = sizeof(e.eh);
    e.eh.e_phentsize = sizeof(e.ph[0]);
    e.eh.e_phnum = 4;
    e.ph[0].p_type = PT_LOAD;
    e.ph[0].p_offset = offsetof(struct elf64_image, text);
    e.ph[0].p_paddr = BASE;
    e.ph[0].p_filesz = sizeof(e.text);
    e.ph[0].p_memsz = 0x1000;
    e.ph[1].p_type = PT_LOAD; /* bss only: its file offset means nothing */
    e.ph[1].p_offset = 0x123456789;
    e.ph[1].p_paddr = BASE + 0x1000;
    e.ph[1].p_memsz = 0x3000;
    e.ph[2].p_type = PT_NOTE;
    e.ph[2].p_offset = offsetof(struct elf64_image, notes);
    e.ph[2].p_filesz = notes;
    e.ph[2].p_align = 4;
    memset(e.text, 0xcc, sizeof(e.text));
    return e;
}

static inline struct elf32_image good_elf32(void)
{
    struct elf32_image e = {0};
    const size_t notes = put_pvh(e.notes, 4, 4);

    memcpy(e.eh.e_ident, "\177ELF\1\1\1", 7);
    e.eh.e_type = ET_EXEC;
    e.eh.e_machine = EM_386;
    e.eh.e_version = 1;
    e.eh.e_entry = BASE;
    e.eh.e_phoff = offsetof(struct elf32_image, ph);
    e.eh.e_ehsize = sizeof(e.eh);
    e.eh.e_phentsize = sizeof(e.ph[0]);
    e.eh.e_phnum = 3;
    e.ph[0].p_type = PT_LOAD;
    e.ph[0].p_offset = offsetof(struct elf32_image, text);
    e.ph[0].p_paddr = BASE;
    e.ph[0].p_filesz = sizeof(e.text);
    e.ph[0].p_memsz = 0x1000;
    e.ph[1].p_type = PT_NULL;
    e.ph[2].p_type = PT_NOTE;
    e.ph[2].p_offset = offsetof(struct elf32_image, notes);
    e.ph[2].p_filesz = (Elf32_Word)notes;
    e.ph[2].p_align = 4;
    memset(e.text, 0xcc, sizeof(e.text));
    return e;
}

/* Bytes of an image under construction. */
struct bytes {
    uint8_t *data; /* owned */
    size_t size;
};

/* Setup of sects sectors after the boot sector, then 64 bytes, payload. */
#define BZ_PAYLOAD_OFFSET 64u

static inline struct bytes make_bzimage(uint8_t sects, const void *payload,
                                        size_t size)
{
    const size_t setup = ((sects ? sects : 4u) + 1u) * 512u;
    const uint32_t where[] = {BZ_PAYLOAD_OFFSET, (uint32_t)size};
    const uint32_t cmdline = 2047;
    struct bytes b = {.size = setup + BZ_PAYLOAD_OFFSET + size + 16};

    b.data = calloc(1, b.size);
    assert_non_null(b.data);
    b.data[0x1f1] = sects;
    memcpy(b.data + 0x1fe, "\x55\xaa\xeb\x6aHdrS\x0f\x02", 10);
    memcpy(b.data + 0x20e, "\x80\x00", 2);
    memcpy(b.data + 0x238, &cmdline, 4);
    memcpy(b.data + 0x248, where, 8);
    memcpy(b.data + 0x280, "6.1.0-test\033[31m", 15);
    memcpy(b.data + setup + BZ_PAYLOAD_OFFSET, payload, size);
    return b;
}

/* Send standard error into a memfd while a call under test logs. */
struct capture {
    int saved;
    int fd;
    char text[2048];
};

static inline void capture_begin(struct capture *c)
{
    c->saved = dup(STDERR_FILENO);
    c->fd = memfd_create("log", MFD_CLOEXEC);
    assert_true(c->saved >= 0 && c->fd >= 0);
    assert_true(dup2(c->fd, STDERR_FILENO) >= 0);
}

static inline void capture_end(struct capture *c)
{
    const ssize_t n = pread(c->fd, c->text, sizeof(c->text) - 1, 0);

    assert_true(dup2(c->saved, STDERR_FILENO) >= 0);
    close(c->saved);
    close(c->fd);
    assert_true(n >= 0);
    c->text[n] = '\0';
}

/* Exactly one line was said, and it contains part. */
static inline void assert_one_line(const struct capture *c, const char *part)
{
    const char *end = strchr(c->text, '\n');

    if (!end || end[1] != '\0')
        fail_msg("not one line: \"%s\"", c->text);
    if (!strstr(c->text, part))
        fail_msg("\"%s\" lacks \"%s\"", c->text, part);
}

/* The bytes as a file; path_of names it. Close the descriptor. */
static inline int make_file(const void *data, size_t size)
{
    const int fd = memfd_create("image", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    return fd;
}

struct path {
    char text[32];
};

static inline struct path path_of(int fd)
{
    struct path p;

    snprintf(p.text, sizeof(p.text), "/proc/self/fd/%d", fd);
    return p;
}

static inline void assert_open_refused(const char *path, int err,
                                       const char *part)
{
    struct capture c;
    struct image *img = NULL;
    int got;

    capture_begin(&c);
    got = image_open(path, &img);
    capture_end(&c);
    assert_int_equal(got, err);
    assert_null(img);
    assert_one_line(&c, part);
}

/* Both ways in, memory and file, refuse it as -EINVAL with the same line. */
static inline void assert_refused(const void *data, size_t size,
                                  const char *part)
{
    /* An allocation of its own, so that ASan sees one byte too far. */
    void *copy = malloc(size ? size : 1);
    const int fd = make_file(data, size);
    struct capture c;
    struct image *img = NULL;
    int got;

    assert_non_null(copy);
    memcpy(copy, data, size);
    capture_begin(&c);
    got = image_parse("test", copy, size, &img);
    capture_end(&c);
    assert_int_equal(got, -EINVAL);
    assert_null(img);
    assert_one_line(&c, part);
    assert_open_refused(path_of(fd).text, -EINVAL, part);
    close(fd);
    free(copy);
}

/* It is taken; the caller closes it. */
static inline struct image *assert_taken(const void *data, size_t size)
{
    struct image *img = NULL;

    assert_int_equal(image_parse("test", data, size, &img), 0);
    assert_non_null(img);
    return img;
}

static inline void assert_describes(const struct image *img, const char *text)
{
    char line[128];

    image_describe(img, line, sizeof(line));
    assert_string_equal(line, text);
}

#endif
