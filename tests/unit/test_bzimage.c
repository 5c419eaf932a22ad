// SPDX-License-Identifier: GPL-2.0-or-later
/* Packed ELFs and bzImages, good and bad; and what inspect says of them. */
#include "packers.h"

#include "boot/boot.h"

#include <stdio.h>

/* The good kernel in a bzImage with a gzip payload; one field is set. */
static void assert_field_refused(size_t off, const void *value, size_t n,
                                 const char *part)
{
    const struct elf64_image e = good_elf64();
    struct bytes packed = pack_gzip(&e, sizeof(e));
    struct bytes bz = make_bzimage(1, packed.data, packed.size);

    memcpy(bz.data + off, value, n);
    assert_refused(bz.data, bz.size, part);
    free(bz.data);
    free(packed.data);
}

static void assert_u32_refused(size_t off, uint32_t value, const char *part)
{
    assert_field_refused(off, &value, sizeof(value), part);
}

/* From the file: unpacked, released, unpacked again. */
static void assert_opens(const struct bytes *b, const struct elf64_image *e,
                         const char *text)
{
    const int fd = make_file(b->data, b->size);
    struct image *img;
    size_t size;

    assert_int_equal(image_open(path_of(fd).text, &img), 0);
    assert_describes(img, text);
    assert_int_equal(image_fd(img), -1);
    for (int round = 0; round < 2; round++) {
        assert_memory_equal(image_elf(img, &size), e, sizeof(*e));
        assert_true(size >= sizeof(*e));
        image_release_unpacked(img);
    }
    image_close(img);
    close(fd);
}

static void packed_elf_is_taken(void **state)
{
    const struct elf64_image e = good_elf64();
    char text[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(packers); i++) {
        struct bytes b = packers[i].pack(&e, sizeof(e));
        struct image *img = assert_taken(b.data, b.size);

        assert_int_equal(image_info(img)->container, IMAGE_PACKED);
        assert_int_equal(image_info(img)->packing, packers[i].packing);
        assert_int_equal(image_info(img)->elf_size, sizeof(e));
        image_close(img);
        snprintf(text, sizeof(text),
                 "ELF64 x86-64 packed with %s, PVH note 0x1000010",
                 packers[i].name);
        assert_opens(&b, &e, text);
        free(b.data);
    }
}

/* The payload as the kernel's build makes it: relocations, then the size. */
static struct bytes pack_vmlinux(const struct packer *p,
                                 const struct elf64_image *e)
{
    const uint32_t size = sizeof(*e) + 64;
    uint8_t plain[sizeof(*e) + 64];
    struct bytes b;

    memcpy(plain, e, sizeof(*e));
    memset(plain + sizeof(*e), 0x5a, 64);
    b = p->pack(plain, sizeof(plain));
    b.data = realloc(b.data, b.size + 4);
    assert_non_null(b.data);
    memcpy(b.data + b.size, &size, 4);
    b.size += 4;
    return b;
}

static void bzimage_is_taken(void **state)
{
    static const uint8_t sects[] = {0, 1, 39, 255};
    const struct elf64_image e = good_elf64();
    char text[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(packers) * ARRAY_LEN(sects); i++) {
        const struct packer *p = &packers[i / ARRAY_LEN(sects)];
        struct bytes payload = pack_vmlinux(p, &e);
        struct bytes bz = make_bzimage(sects[i % ARRAY_LEN(sects)],
                                       payload.data, payload.size);

        snprintf(text, sizeof(text),
                 "bzImage 2.15, %s payload, PVH note 0x1000010", p->name);
        assert_opens(&bz, &e, text);
        free(bz.data);
        free(payload.data);
    }
}

static void header_facts_are_kept(void **state)
{
    const struct elf64_image e = good_elf64();
    struct bytes packed = pack_xz(&e, sizeof(e));
    struct bytes bz = make_bzimage(1, packed.data, packed.size);
    struct image *img = assert_taken(bz.data, bz.size);
    const struct image_info *info = image_info(img);

    (void)state;
    assert_int_equal(info->container, IMAGE_BZIMAGE);
    assert_int_equal(info->bz_version, 0x20f);
    assert_int_equal(info->bz_cmdline_max, 2047);
    assert_int_equal(info->packed_size, packed.size);
    assert_string_equal(info->bz_release, "6.1.0-test?[31m");
    image_close(img);
    free(bz.data);
    free(packed.data);
}

static void release_out_of_setup_is_ignored(void **state)
{
    const struct elf64_image e = good_elf64();
    struct bytes packed = pack_gzip(&e, sizeof(e));
    struct bytes bz = make_bzimage(1, packed.data, packed.size);
    struct image *img;

    (void)state;
    memcpy(bz.data + 0x20e, "\xff\xff", 2);
    img = assert_taken(bz.data, bz.size);
    assert_string_equal(image_info(img)->bz_release, "");
    image_close(img);
    free(bz.data);
    free(packed.data);
}

/* init_size (0x260) is for the bzImage's own code, which never runs. */
static void init_size_is_not_believed(void **state)
{
    const struct elf64_image e = good_elf64();
    struct bytes packed = pack_gzip(&e, sizeof(e));
    struct bytes bz = make_bzimage(1, packed.data, packed.size);

    (void)state;
    memset(bz.data + 0x260, 0xff, 4);
    assert_opens(&bz, &e, "bzImage 2.15, gzip payload, PVH note 0x1000010");
    free(bz.data);
    free(packed.data);
}

/* Hostile case 49. */
static void bad_headers_are_refused(void **state)
{
    (void)state;
    assert_field_refused(0x1fe, "\x00", 1, "not a kernel image");
    assert_field_refused(0x202, "hdrS", 4, "not a kernel image");
    assert_field_refused(0x206, "\x07\x02", 2, "protocol 2.07");
    assert_field_refused(0x206, "\x00\x00", 2, "protocol 0.00");
    assert_field_refused(0x201, "\x20", 1, "does not say where");
    assert_field_refused(0x1f1, "\xff", 1, "is not in the file");
    assert_field_refused(0x1f1, "\x00", 1, "is not in the file");
    assert_u32_refused(0x248, UINT32_MAX, "is not in the file");
    assert_u32_refused(0x24c, UINT32_MAX, "is not in the file");
    assert_u32_refused(0x24c, 0, "is not in the file");
    assert_u32_refused(0x24c, 10, "truncated");
    assert_u32_refused(0x24c, 2, "CONFIG_KERNEL_ZSTD");
    assert_u32_refused(0x248, 0, "payload begins 00 00 00 00");
}

static void payload_must_be_a_kernel(void **state)
{
    static const char cpio[] = "070701 and so on";
    uint8_t lzo[64] = "\x89LZO\0\r\n\x1a\n";
    struct bytes bz = make_bzimage(1, lzo, sizeof(lzo));
    struct bytes packed = pack_zstd(cpio, sizeof(cpio));

    (void)state;
    assert_refused(bz.data, bz.size, "begins 89 4c 5a 4f");
    free(bz.data);
    assert_refused(packed.data, packed.size, "with zstd is a cpio archive");
    bz = make_bzimage(1, packed.data, packed.size);
    assert_refused(bz.data, bz.size, "--initrd");
    free(bz.data);
    free(packed.data);
    packed = pack_bzip2("", 0);
    assert_refused(packed.data, packed.size, "not an ELF kernel");
    free(packed.data);
}

/* The headers inside are no less hostile for being packed. */
static void packed_elf_is_checked_too(void **state)
{
    struct elf64_image e = good_elf64();
    struct bytes packed;

    (void)state;
    e.ph[0].p_offset = sizeof(e) - 1;
    packed = pack_gzip(&e, sizeof(e));
    assert_refused(packed.data, packed.size, "past the end of the file");
    free(packed.data);
}

static void any_cut_is_survived(void **state)
{
    const struct elf64_image e = good_elf64();
    struct bytes packed = pack_gzip(&e, sizeof(e));
    struct bytes bz = make_bzimage(1, packed.data, packed.size);

    (void)state;
    for (size_t n = 0; n < bz.size - 16; n++)
        assert_refused(bz.data, n, "");
    free(bz.data);
    free(packed.data);
}

static void changed_payload_is_noticed(void **state)
{
    struct elf64_image e = good_elf64();
    struct bytes a = pack_lz4(&e, sizeof(e)), b;
    const int fd = make_file(a.data, a.size);
    struct capture c;
    struct image *img;
    size_t size;

    (void)state;
    assert_int_equal(image_open(path_of(fd).text, &img), 0);
    assert_non_null(image_elf(img, &size));
    e.ph[1].p_memsz += 0x1000;
    b = pack_lz4(&e, sizeof(e));
    assert_int_equal(a.size, b.size);
    assert_int_equal(pwrite(fd, b.data, b.size, 0), b.size);
    assert_non_null(image_elf(img, &size)); /* the copy is still held */
    image_release_unpacked(img);
    capture_begin(&c);
    assert_null(image_elf(img, &size));
    capture_end(&c);
    assert_one_line(&c, "not the kernel any more");
    image_close(img);
    close(fd);
    free(a.data);
    free(b.data);
}

/* What inspect prints, as one string. The caller frees it. */
static char *inspect(const void *data, size_t size)
{
    struct image *img = assert_taken(data, size);
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    image_inspect(img, out);
    fprintf(out, "PVH %s, directly %s\n", boot_verdict(img, BOOT_PVH),
            boot_verdict(img, BOOT_DIRECT));
    fclose(out);
    image_close(img);
    return text;
}

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" lacks \"%s\"", text, part);
}

static void inspect_explains(void **state)
{
    const struct elf64_image e = good_elf64();
    struct bytes packed = pack_lz4_legacy(&e, sizeof(e));
    struct bytes bz = make_bzimage(4, packed.data, packed.size);
    char *text = inspect(bz.data, bz.size);

    (void)state;
    assert_says(text, "format        bzImage 2.15, lz4 payload\n");
    assert_says(text, "kernel        6.1.0-test?[31m\n");
    assert_says(text, "architecture  ELF64 x86-64\n");
    assert_says(text, "command line  at most 2047 bytes\n");
    assert_says(text, "PVH entry     0x1000010\n");
    assert_says(text, "0x0000000001000000          256         4096\n");
    assert_says(text, "0x0000000001001000            0        12288\n");
    assert_says(text, "  Xen      GUEST_OS             \"tester\"\n");
    assert_says(text, "  Xen      PHYS32_ENTRY         0x1000010\n");
    assert_says(text, "PVH yes, directly yes: Linux boot protocol, 32-bit\n");
    free(text);
    free(bz.data);
    free(packed.data);
}

/* A note may not reach the terminal as it is, nor be believed in its size. */
static void inspect_masks_and_cuts(void **state)
{
    struct elf64_image e = good_elf64();
    const uint8_t many[80] = {0xab, 0xcd};
    size_t pos = 0;
    char *text;

    (void)state;
    put_note(e.notes, &pos, 4, "Xen", 7, "\033]0;x\007", 6);
    put_note(e.notes, &pos, 4, "a\033wner of twenty bytes", 99, many, 80);
    put_note(e.notes, &pos, 4, "Xen", 3, "odd", 3);
    e.ph[2].p_filesz = pos;
    text = inspect(&e, sizeof(e));
    assert_null(strchr(text, '\033'));
    assert_null(strchr(text, '\007'));
    assert_says(text, "GUEST_VERSION        \"?]0;x?\"\n");
    assert_says(text, "a?wner of twent type 99              abcd0000");
    assert_says(text, "... (80 bytes)\n");
    assert_says(text, "VIRT_BASE            6f6464\n");
    assert_says(text, "PVH no: no PVH entry note");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_elf_is_taken),
        cmocka_unit_test(bzimage_is_taken),
        cmocka_unit_test(header_facts_are_kept),
        cmocka_unit_test(release_out_of_setup_is_ignored),
        cmocka_unit_test(init_size_is_not_believed),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(payload_must_be_a_kernel),
        cmocka_unit_test(packed_elf_is_checked_too),
        cmocka_unit_test(any_cut_is_survived),
        cmocka_unit_test(changed_payload_is_noticed),
        cmocka_unit_test(inspect_explains),
        cmocka_unit_test(inspect_masks_and_cuts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
