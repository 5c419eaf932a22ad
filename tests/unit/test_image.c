// SPDX-License-Identifier: GPL-2.0-or-later
/* Plain ELF images, good and bad, and the files that are none at all. */
#include "image_builder.h"

#include <stdio.h>
#include <sys/stat.h>

/* Spoil one thing of the good image, and name what must be said of it. */
#define REFUSED(change, part)                \
    do {                                     \
        struct elf64_image e = good_elf64(); \
        change;                              \
        assert_refused(&e, sizeof(e), part); \
    } while (0)

static void elf64_is_taken(void **state)
{
    const struct elf64_image e = good_elf64();
    struct image *img = assert_taken(&e, sizeof(e));
    const struct image_info *info = image_info(img);
    size_t size;

    (void)state;
    assert_int_equal(info->container, IMAGE_ELF);
    assert_true(info->elf64 && info->has_pvh && !info->has_pv);
    assert_int_equal(info->pvh_entry, ENTRY);
    assert_int_equal(info->elf_entry, BASE);
    assert_string_equal(info->guest_os, "tester");
    assert_int_equal(info->n_notes, 2);
    assert_int_equal(info->n_segments, 2);
    assert_int_equal(info->segments[0].offset, e.ph[0].p_offset);
    assert_int_equal(info->segments[0].paddr.v, BASE);
    assert_int_equal(info->segments[0].filesz, sizeof(e.text));
    assert_int_equal(info->segments[0].memsz, 0x1000);
    assert_int_equal(info->segments[1].filesz, 0);
    assert_int_equal(info->segments[1].memsz, 0x3000);
    assert_int_equal(image_fd(img), -1);
    assert_ptr_equal(image_elf(img, &size), &e);
    assert_int_equal(size, sizeof(e));
    assert_describes(img, "ELF64 x86-64, PVH note 0x1000010");
    image_close(img);
}

/* Hostile case 48: a 32-bit ELF may well be for EM_X86_64. */
static void elf32_is_taken_for_both_machines(void **state)
{
    struct elf32_image e = good_elf32();
    struct image *img = assert_taken(&e, sizeof(e));

    (void)state;
    assert_describes(img, "ELF32 i386, PVH note 0x1000010");
    assert_int_equal(image_info(img)->n_segments, 1);
    assert_int_equal(image_info(img)->segments[0].offset,
                     offsetof(struct elf32_image, text));
    image_close(img);
    e.eh.e_machine = EM_X86_64;
    img = assert_taken(&e, sizeof(e));
    assert_describes(img, "ELF32 x86-64, PVH note 0x1000010");
    image_close(img);
}

static void assert_pvh(const void *data, size_t size, bool has)
{
    struct image *img = assert_taken(data, size);

    assert_int_equal(image_info(img)->has_pvh, has);
    assert_int_equal(image_info(img)->pvh_entry, has ? ENTRY : 0);
    image_close(img);
}

static void notes_of_any_padding_are_read(void **state)
{
    static const struct {
        size_t padded;   /* what the notes are padded to */
        uint64_t stated; /* what the program header says */
        uint32_t size;   /* of the entry */
    } cases[] = {{4, 4, 4}, {4, 4, 8},  {8, 8, 4}, {8, 8, 8}, {4, 0, 4},
                 {4, 1, 8}, {4, 16, 4}, {8, 4, 8}, {4, 8, 4}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct elf64_image e = good_elf64();

        e.ph[2].p_filesz = put_pvh(e.notes, cases[i].padded, cases[i].size);
        e.ph[2].p_align = cases[i].stated;
        assert_pvh(&e, sizeof(e), true);
    }
}

/* A last note without its padding is whole. */
static void last_padding_may_be_missing(void **state)
{
    struct elf64_image e = good_elf64();
    size_t pos = put_pvh(e.notes, 4, 8);

    (void)state;
    put_note(e.notes, &pos, 4, "Xen", 8, "generic", 7);
    e.ph[2].p_filesz = pos - 1;
    assert_pvh(&e, sizeof(e), true);
}

static void foreign_owners_are_passed_over(void **state)
{
    static const char *const owners[] = {"xen", "Xe", "Xenx", "GNU", ""};
    const uint64_t entry = ENTRY;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        struct elf64_image e = good_elf64();
        size_t pos = 0;

        put_note(e.notes, &pos, 4, owners[i], 18, &entry, 8);
        e.ph[2].p_filesz = pos;
        assert_pvh(&e, sizeof(e), false);
    }
}

static void first_of_two_entries_counts(void **state)
{
    struct elf64_image e = good_elf64();
    const uint64_t other = ENTRY + 16;
    size_t pos = put_pvh(e.notes, 4, 8);

    (void)state;
    put_note(e.notes, &pos, 4, "Xen", 18, &other, 8);
    e.ph[2].p_filesz = pos;
    assert_pvh(&e, sizeof(e), true);
}

static void notes_by_section_are_found(void **state)
{
    struct elf64_image e = good_elf64();
    struct elf32_image n = good_elf32();

    (void)state;
    e.ph[2].p_type = PT_NULL;
    assert_pvh(&e, sizeof(e), false);
    e.eh.e_shoff = offsetof(struct elf64_image, sh);
    e.eh.e_shentsize = sizeof(e.sh[0]);
    e.eh.e_shnum = 2;
    e.sh[1].sh_type = SHT_NOTE;
    e.sh[1].sh_offset = e.ph[2].p_offset;
    e.sh[1].sh_size = e.ph[2].p_filesz;
    e.sh[1].sh_addralign = 4;
    assert_pvh(&e, sizeof(e), true);

    n.ph[2].p_type = PT_NULL;
    n.eh.e_shoff = offsetof(struct elf32_image, sh);
    n.eh.e_shentsize = sizeof(n.sh[0]);
    n.eh.e_shnum = 2;
    n.sh[1].sh_type = SHT_NOTE;
    n.sh[1].sh_offset = n.ph[2].p_offset;
    n.sh[1].sh_size = n.ph[2].p_filesz;
    n.sh[1].sh_addralign = 4;
    assert_pvh(&n, sizeof(n), true);
}

/* With an entry found, the section headers do not even need to exist. */
static void sections_are_not_read_in_vain(void **state)
{
    struct elf64_image e = good_elf64();

    (void)state;
    e.eh.e_shoff = UINT64_MAX - 5;
    e.eh.e_shentsize = 3;
    e.eh.e_shnum = 65535;
    assert_pvh(&e, sizeof(e), true);
}

/* bss that the file has as zeroes: by section, where it can be nothing else. */
static void bss_in_the_file_is_found(void **state)
{
    enum { ALLOC = SHF_ALLOC, BSS = SHT_NOBITS, DATA = SHT_PROGBITS };
    const uint64_t at = 0xffffffff81000000;
    static const struct {
        struct {
            uint32_t type;
            uint64_t flags, off, size;
        } sh[2];
        uint64_t bss_at, bss_size;
    } cases[] = {
        {{{BSS, ALLOC, 0x40, 0x20}}, 0x40, 0x20},
        {{{BSS, ALLOC, 0x40, 0x20}, {BSS, ALLOC, 0x60, 0x10}}, 0x40, 0x30},
        {{{BSS, ALLOC, 0x40, 0x20}, {BSS, ALLOC, 0x80, 0x21}}, 0x80, 0x21},
        {{{BSS, ALLOC, 0x40, 0x20}, {BSS, ALLOC, 0x80, 0x20}}, 0x40, 0x20},
        {{{BSS, ALLOC, 0, 256}}, 0, 256},
        {{{BSS, ALLOC, 0x40, 0x20}, {DATA, ALLOC, 0x60, 0x10}}, 0x40, 0x20},
        {{{BSS, ALLOC, 0x40, 0x20}, {DATA, 0, 0x40, 0x20}}, 0x40, 0x20},
        {{{BSS, ALLOC, 0x40, 0x20}, {DATA, ALLOC, 0x5f, 1}}, 0, 0},
        {{{BSS, ALLOC, 0x40, 0x20}, {DATA, 0, 0x40, UINT64_MAX}}, 0, 0},
        {{{BSS, ALLOC | SHF_TLS, 0x40, 0x20}}, 0, 0},
        {{{BSS, 0, 0x40, 0x20}}, 0, 0},
        {{{DATA, ALLOC, 0x40, 0x20}}, 0, 0},
        {{{BSS, ALLOC, 0x40, 0xc1}}, 0, 0},
        {{{BSS, ALLOC, (uint64_t)-1, 0x20}}, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct elf64_image e = good_elf64();
        struct image *img;

        e.eh.e_shoff = offsetof(struct elf64_image, sh);
        e.eh.e_shentsize = sizeof(e.sh[0]);
        e.eh.e_shnum = 2;
        e.ph[0].p_vaddr = at;
        for (unsigned j = 0; j < 2; j++)
            e.sh[j] = (Elf64_Shdr){.sh_type = cases[i].sh[j].type,
                                   .sh_flags = cases[i].sh[j].flags,
                                   .sh_addr = at + cases[i].sh[j].off,
                                   .sh_size = cases[i].sh[j].size};
        img = assert_taken(&e, sizeof(e));
        assert_int_equal(image_info(img)->segments[0].bss_at, cases[i].bss_at);
        assert_int_equal(image_info(img)->segments[0].bss_size,
                         cases[i].bss_size);
        image_close(img);
    }
}

/* Which of two segments linked to one address it is, nobody can tell. */
static void ambiguous_bss_is_no_bss(void **state)
{
    struct elf64_image e = good_elf64();
    struct image *img;

    (void)state;
    e.eh.e_shoff = offsetof(struct elf64_image, sh);
    e.eh.e_shentsize = sizeof(e.sh[0]);
    e.eh.e_shnum = 2;
    e.sh[1] = (Elf64_Shdr){.sh_type = SHT_NOBITS,
                           .sh_flags = SHF_ALLOC,
                           .sh_addr = 0x40,
                           .sh_size = 0x20};
    e.ph[1].p_offset = e.ph[0].p_offset;
    e.ph[1].p_filesz = 0x60;
    img = assert_taken(&e, sizeof(e));
    assert_int_equal(image_info(img)->segments[0].bss_size, 0);
    assert_int_equal(image_info(img)->segments[1].bss_size, 0);
    image_close(img);
}

static void no_note_is_no_error(void **state)
{
    struct elf64_image e = good_elf64();
    struct image *img;

    (void)state;
    e.ph[2].p_type = PT_NULL;
    img = assert_taken(&e, sizeof(e));
    assert_describes(img, "ELF64 x86-64, no PVH note");
    image_close(img);
}

static void empty_segments_are_ignored(void **state)
{
    struct elf64_image e = good_elf64();
    struct image *img;

    (void)state;
    e.ph[3].p_type = PT_LOAD; /* memsz 0 at address 0 */
    img = assert_taken(&e, sizeof(e));
    assert_int_equal(image_info(img)->n_segments, 2);
    image_close(img);
    e.ph[3].p_paddr = BASE; /* inside another, but of no size */
    e.ph[3].p_offset = UINT64_MAX;
    img = assert_taken(&e, sizeof(e));
    assert_int_equal(image_info(img)->n_segments, 2);
    image_close(img);
}

static void bad_ident_is_refused(void **state)
{
    (void)state;
    REFUSED(e.eh.e_ident[EI_CLASS] = 3, "class 3");
    REFUSED(e.eh.e_ident[EI_CLASS] = 0, "class 0");
    REFUSED(e.eh.e_ident[EI_DATA] = ELFDATA2MSB, "little-endian");
    REFUSED(e.eh.e_ident[EI_VERSION] = 0, "version 0");
    REFUSED(e.eh.e_ident[0] = 0, "not a kernel image");
}

static void other_kinds_of_elf_are_refused(void **state)
{
    (void)state;
    REFUSED(e.eh.e_machine = EM_AARCH64, "machine 183 (AArch64)");
    REFUSED(e.eh.e_machine = 0xfffe, "(unknown)");
    REFUSED(e.eh.e_type = ET_REL, "no executable");
    REFUSED(e.eh.e_type = ET_CORE, "no executable");
    REFUSED(e.eh.e_type = ET_NONE, "no executable");
}

static void bad_tables_are_refused(void **state)
{
    (void)state;
    REFUSED(e.eh.e_phnum = 0, "without program headers");
    REFUSED(e.eh.e_phnum = 0xffff, "65535 ELF program headers");
    REFUSED(e.eh.e_phnum = 256, "(256 at 0x40) lie outside");
    REFUSED(e.eh.e_phentsize = 32, "headers of 32 bytes");
    REFUSED(e.eh.e_phentsize = 0, "headers of 0 bytes");
    REFUSED(e.eh.e_phoff = sizeof(e), "lie outside");
    REFUSED(e.eh.e_phoff = UINT64_MAX - 55, "lie outside");
    REFUSED(e.eh.e_phoff = UINT64_MAX - 56 * 2 + 1, "lie outside");
}

static void bad_section_tables_are_refused(void **state)
{
    (void)state;
    REFUSED((e.ph[2].p_type = PT_NULL, e.eh.e_shnum = 1), "of 0 bytes");
    REFUSED((e.ph[2].p_type = PT_NULL, e.eh.e_shnum = 1,
             e.eh.e_shentsize = sizeof(Elf64_Shdr),
             e.eh.e_shoff = sizeof(e) - 63),
            "section headers (");
    REFUSED((e.ph[2].p_type = PT_NULL, e.eh.e_shnum = 2,
             e.eh.e_shentsize = sizeof(Elf64_Shdr), e.eh.e_shoff = UINT64_MAX),
            "section headers (");
}

static void bad_segments_are_refused(void **state)
{
    (void)state;
    REFUSED(e.ph[0].p_memsz = 255, "larger in the file than in memory");
    REFUSED((e.ph[3].p_type = PT_LOAD, e.ph[3].p_filesz = 1),
            "larger in the file than in memory");
    REFUSED(e.ph[0].p_offset = sizeof(e) - 255, "past the end of the file");
    REFUSED(e.ph[0].p_offset = UINT64_MAX - 100, "past the end of the file");
    REFUSED((e.ph[0].p_filesz = 1 << 20, e.ph[0].p_memsz = 1 << 20),
            "past the end of the file");
    REFUSED(e.ph[0].p_paddr = UINT64_MAX - 0x10, "wraps around");
    REFUSED(e.ph[1].p_memsz = UINT64_MAX, "wraps around");
    REFUSED(e.ph[1].p_paddr = BASE + 0xfff, "overlaps");
    REFUSED(e.ph[1].p_paddr = BASE - 0x2fff, "overlaps");
    REFUSED((e.ph[1].p_paddr = BASE - 1, e.ph[1].p_memsz = 3 << 20),
            "overlaps");
    REFUSED((e.ph[0].p_type = e.ph[1].p_type = PT_NULL), "nothing to load");
}

static void too_many_segments_are_refused(void **state)
{
    struct {
        Elf64_Ehdr eh;
        Elf64_Phdr ph[IMAGE_MAX_SEGMENTS + 1];
    } e = {.eh = good_elf64().eh};

    (void)state;
    e.eh.e_phnum = IMAGE_MAX_SEGMENTS + 1;
    for (unsigned i = 0; i <= IMAGE_MAX_SEGMENTS; i++)
        e.ph[i] = (Elf64_Phdr){
            .p_type = PT_LOAD, .p_paddr = i * 4096u, .p_memsz = 4096};
    assert_refused(&e, sizeof(e), "more than 64 ELF segments");
    e.eh.e_phnum = IMAGE_MAX_SEGMENTS;
    assert_pvh(&e, sizeof(e), false);
}

static void bad_notes_are_refused(void **state)
{
    Elf64_Nhdr huge = {.n_namesz = UINT32_MAX, .n_descsz = 4, .n_type = 18};

    (void)state;
    REFUSED(e.ph[2].p_filesz = sizeof(e), "ELF notes");
    REFUSED(e.ph[2].p_filesz = UINT64_MAX, "more than 1 MiB");
    REFUSED(e.ph[2].p_offset = UINT64_MAX - 8, "outside the file");
    REFUSED(memcpy(e.notes, &huge, 12), "runs past the end");
    huge.n_namesz = 4;
    huge.n_descsz = UINT32_MAX;
    REFUSED(memcpy(e.notes, &huge, 12), "runs past the end");
    huge.n_descsz = UINT32_MAX - 2; /* wraps when padded in 32 bits */
    REFUSED(memcpy(e.notes, &huge, 12), "runs past the end");
    REFUSED(e.ph[2].p_filesz = 11, "runs past the end");
}

static void bad_entries_are_refused(void **state)
{
    const uint32_t two = 2;
    const uint64_t high = 4 * GIB + ENTRY, outside = BASE + 256;

    /* The entry's note: 24 bytes after the first note of 24. */
    (void)state;
    REFUSED(memcpy(e.notes + 24 + 4, &two, 4), "2 bytes, not 4 or 8");
    REFUSED(memcpy(e.notes + 24 + 16, &high, 8), "not below 4 GiB");
    REFUSED(memcpy(e.notes + 24 + 16, &outside, 8), "in no segment");
    REFUSED(e.ph[0].p_filesz = 16, "in no segment");
}

/* Cut anywhere: taken or refused with one line, never more. */
static void any_cut_is_survived(void **state)
{
    const struct elf64_image e = good_elf64();
    const size_t needed = offsetof(struct elf64_image, sh);

    (void)state;
    assert_refused(&e, 0, "is empty");
    for (size_t n = 1; n < needed; n++)
        assert_refused(&e, n, "");
    assert_pvh(&e, needed, true);
}

/* Every bit flipped, one at a time. */
static void any_flipped_bit_is_survived(void **state)
{
    struct elf64_image e = good_elf64();
    uint8_t *bytes = (uint8_t *)&e;
    struct capture c;
    struct image *img;

    (void)state;
    for (size_t i = 0; i < offsetof(struct elf64_image, text) * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        capture_begin(&c);
        if (image_parse("test", &e, sizeof(e), &img) == 0) {
            const struct image_info *info = image_info(img);

            for (unsigned s = 0; s < info->n_segments; s++)
                assert_true(info->segments[s].filesz <= sizeof(e));
            image_close(img);
        }
        capture_end(&c);
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
}

static void file_is_handed_out(void **state)
{
    const struct elf64_image e = good_elf64();
    const int fd = make_file(&e, sizeof(e));
    struct elf64_image again;
    struct image *img;
    size_t size;

    (void)state;
    assert_int_equal(image_open(path_of(fd).text, &img), 0);
    assert_true(image_fd(img) >= 0);
    assert_int_equal(pread(image_fd(img), &again, sizeof(again), 0),
                     sizeof(again));
    assert_memory_equal(&again, &e, sizeof(e));
    for (int round = 0; round < 2; round++) {
        assert_memory_equal(image_elf(img, &size), &e, sizeof(e));
        assert_int_equal(size, sizeof(e));
        image_release_unpacked(img);
        image_release_unpacked(img);
    }
    image_close(img);
    image_close(NULL);
    close(fd);
}

/* Notes and headers beyond the first page are read where they are. */
static void far_headers_are_read(void **state)
{
    struct {
        uint8_t gap[20000];
        struct elf64_image e;
    } far = {.e = good_elf64()};
    const uint64_t at = offsetof(typeof(far), e);
    struct image *img;
    int fd;

    (void)state;
    far.e.eh.e_phoff += at;
    far.e.ph[0].p_offset += at;
    far.e.ph[2].p_offset += at;
    memcpy(far.gap, &far.e.eh, sizeof(far.e.eh));
    fd = make_file(&far, sizeof(far));
    assert_int_equal(image_open(path_of(fd).text, &img), 0);
    assert_describes(img, "ELF64 x86-64, PVH note 0x1000010");
    image_close(img);
    close(fd);
}

static const void *elf_refused(struct image *img, const char *part)
{
    struct capture c;
    const void *elf;
    size_t size;

    capture_begin(&c);
    elf = image_elf(img, &size);
    capture_end(&c);
    assert_one_line(&c, part);
    return elf;
}

static void changed_file_is_noticed(void **state)
{
    struct elf64_image e = good_elf64();
    const int fd = make_file(&e, sizeof(e));
    struct image *img;

    (void)state;
    assert_int_equal(image_open(path_of(fd).text, &img), 0);
    e.ph[1].p_memsz += 4096;
    assert_int_equal(pwrite(fd, &e, sizeof(e), 0), sizeof(e));
    assert_null(elf_refused(img, "not the kernel any more"));
    assert_int_equal(ftruncate(fd, 100), 0);
    assert_null(elf_refused(img, "became shorter"));
    image_close(img);
    close(fd);
}

static void other_files_are_refused(void **state)
{
    static const char qcow2[] = "QFI\xfb\0\0\0\3";
    uint8_t disk[1024] = {0};

    (void)state;
    memcpy(disk + 510, "\x55\xaa", 2);
    assert_refused(disk, sizeof(disk), "not a kernel image (neither ELF");
    assert_refused("070701xxxxxxxx", 14, "--initrd");
    assert_refused(qcow2, sizeof(qcow2), "qcow2");
    assert_refused("#!/bin/sh\n", 10, "a script");
    assert_refused("\177EL", 3, "not a kernel image");
    assert_refused("x", 1, "not a kernel image");
}

static void what_is_no_file_is_refused(void **state)
{
    char dir[] = "/tmp/vmm-test-XXXXXX";
    char fifo[sizeof(dir) + 8];

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    alarm(10); /* an open that waits for a writer is a failure */
    assert_open_refused(fifo, -EINVAL, "not a regular file");
    alarm(0);
    assert_open_refused(dir, -EINVAL, "not a regular file");
    assert_open_refused("/dev/zero", -EINVAL, "not a regular file");
    assert_open_refused("/dev/null", -EINVAL, "not a regular file");
    unlink(fifo);
    assert_open_refused(fifo, -ENOENT, "No such file");
    assert_open_refused("", -ENOENT, "No such file");
    rmdir(dir);
}

static void sparse_tebibyte_is_refused_at_once(void **state)
{
    const int fd = memfd_create("sparse", MFD_CLOEXEC);
    const struct elf64_image e = good_elf64();
    struct image *img;

    (void)state;
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
    assert_open_refused(path_of(fd).text, -EINVAL, "not a kernel image");
    assert_int_equal(pwrite(fd, "\x1f\x8b\x08", 3, 0), 3);
    assert_open_refused(path_of(fd).text, -EINVAL, "more than 1024 MiB");
    /* As an ELF it is fine; only its segments are ever read. */
    assert_int_equal(pwrite(fd, &e, sizeof(e), 0), sizeof(e));
    assert_int_equal(image_open(path_of(fd).text, &img), 0);
    assert_null(elf_refused(img, "more than 1024 MiB"));
    image_close(img);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elf64_is_taken),
        cmocka_unit_test(elf32_is_taken_for_both_machines),
        cmocka_unit_test(notes_of_any_padding_are_read),
        cmocka_unit_test(last_padding_may_be_missing),
        cmocka_unit_test(foreign_owners_are_passed_over),
        cmocka_unit_test(first_of_two_entries_counts),
        cmocka_unit_test(notes_by_section_are_found),
        cmocka_unit_test(sections_are_not_read_in_vain),
        cmocka_unit_test(bss_in_the_file_is_found),
        cmocka_unit_test(ambiguous_bss_is_no_bss),
        cmocka_unit_test(no_note_is_no_error),
        cmocka_unit_test(empty_segments_are_ignored),
        cmocka_unit_test(bad_ident_is_refused),
        cmocka_unit_test(other_kinds_of_elf_are_refused),
        cmocka_unit_test(bad_tables_are_refused),
        cmocka_unit_test(bad_section_tables_are_refused),
        cmocka_unit_test(bad_segments_are_refused),
        cmocka_unit_test(too_many_segments_are_refused),
        cmocka_unit_test(bad_notes_are_refused),
        cmocka_unit_test(bad_entries_are_refused),
        cmocka_unit_test(any_cut_is_survived),
        cmocka_unit_test(any_flipped_bit_is_survived),
        cmocka_unit_test(file_is_handed_out),
        cmocka_unit_test(far_headers_are_read),
        cmocka_unit_test(changed_file_is_noticed),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(sparse_tebibyte_is_refused_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
