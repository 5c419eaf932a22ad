// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Multiboot headers: where they are found, what is believed of them, and what
 * is refused.
 */
#include "multiboot_builder.h"

#include "packers.h"

static struct image *parse_ok(const void *data, size_t size)
{
    struct image *img = NULL;

    assert_int_equal(image_parse("test", data, size, &img), 0);
    return img;
}

static void flat_image_says_where_it_goes(void **state)
{
    const struct flat_image f = good_flat();
    struct image *img = parse_ok(&f, sizeof(f));
    const struct image_info *info = image_info(img);
    const struct image_multiboot *mb = &info->multiboot;
    size_t size;

    (void)state;
    assert_int_equal(info->container, IMAGE_FLAT);
    assert_true(mb->found && mb->addresses);
    assert_int_equal(mb->offset, MB_AT);
    assert_int_equal(mb->entry, MB_ENTRY);
    assert_int_equal(mb->segment.offset, 0);
    assert_int_equal(mb->segment.paddr.v, MB_LOAD);
    assert_int_equal(mb->segment.filesz, sizeof(f));
    assert_int_equal(mb->segment.memsz, MB_BSS);
    assert_int_equal(info->n_segments, 0);
    assert_memory_equal(image_elf(img, &size), &f, sizeof(f));
    assert_int_equal(size, sizeof(f));
    image_close(img);
}

/* Zero ends: to the end of the file, and no bss. Bytes before are left out. */
static void open_ends_are_the_files(void **state)
{
    struct flat_image f = good_flat();
    struct image *img;
    const struct image_segment *s;

    (void)state;
    f.load_addr = f.header_addr - 16;
    f.load_end = f.bss_end = 0;
    img = parse_ok(&f, sizeof(f));
    s = &image_info(img)->multiboot.segment;
    assert_int_equal(s->offset, MB_AT - 16);
    assert_int_equal(s->filesz, sizeof(f) - (MB_AT - 16));
    assert_int_equal(s->memsz, s->filesz);
    image_close(img);
}

static void elf_with_a_header(void **state)
{
    const struct elf32_image e = multiboot_elf(2);
    struct image *img = parse_ok(&e, sizeof(e));
    const struct image_info *info = image_info(img);

    (void)state;
    assert_int_equal(info->container, IMAGE_ELF);
    assert_true(info->multiboot.found);
    assert_false(info->multiboot.addresses);
    assert_int_equal(info->multiboot.flags, 2);
    assert_int_equal(info->multiboot.entry, BASE);
    assert_int_equal(info->n_segments, 1);
    image_close(img);
}

static void packed_flat_image(void **state)
{
    const struct flat_image f = good_flat();
    struct bytes gz = pack_gzip(&f, sizeof(f));
    struct image *img = parse_ok(gz.data, gz.size);
    size_t size;

    (void)state;
    assert_int_equal(image_info(img)->container, IMAGE_PACKED);
    assert_int_equal(image_info(img)->multiboot.entry, MB_ENTRY);
    image_release_unpacked(img);
    assert_memory_equal(image_elf(img, &size), &f, sizeof(f));
    image_close(img);
    free(gz.data);
}

/* The last place is 8180: twelve bytes, and then no addresses. */
static void only_the_first_8_kib_are_searched(void **state)
{
    const uint32_t header[] = {0x1badb002, 0, 0u - 0x1badb002};
    const struct elf32_image e = good_elf32();
    uint8_t *file = calloc(1, 16384);
    struct image *img;

    (void)state;
    assert_non_null(file);
    memcpy(file, &e, sizeof(e));
    memcpy(file + 8180, header, sizeof(header));
    img = parse_ok(file, 16384);
    assert_int_equal(image_info(img)->multiboot.offset, 8180);
    image_close(img);
    memset(file + 8180, 0, sizeof(header));
    memcpy(file + 8184, header, sizeof(header));
    img = parse_ok(file, 16384);
    assert_false(image_info(img)->multiboot.found);
    image_close(img);
    free(file);
}

/* The magic alone, or at an odd place, is nothing. */
static void what_only_looks_like_a_header(void **state)
{
    struct flat_image f = good_flat();
    uint8_t odd[sizeof(f) + 2] = {0};

    (void)state;
    memcpy(odd + 2, &f, sizeof(f));
    assert_refused(odd, sizeof(odd), "not a kernel image");
    f.checksum++;
    assert_refused(&f, sizeof(f), "not a kernel image");
}

/* An ELF whose header makes no sense is an ELF. */
static void wrong_header_in_an_elf(void **state)
{
    const uint32_t header[] = {0x1badb002, 0x10000, 0u - 0x1badb002 - 0x10000};
    struct elf32_image e = good_elf32();
    struct image *img;

    (void)state;
    memcpy(e.text + 32, header, sizeof(header));
    img = parse_ok(&e, sizeof(e));
    assert_false(image_info(img)->multiboot.found);
    assert_true(image_info(img)->has_pvh);
    image_close(img);
    e = multiboot_elf(0);
    e.eh.e_entry = BASE + 0x800; /* in its bss */
    img = parse_ok(&e, sizeof(e));
    assert_false(image_info(img)->multiboot.found);
    image_close(img);
}

static void wrong_addresses_are_refused(void **state)
{
    static const struct {
        size_t field;
        uint32_t value;
        const char *says;
    } wrong[] = {
        {offsetof(struct flat_image, load_addr), MB_LOAD + MB_AT + 1,
         "begin before the file"},
        {offsetof(struct flat_image, load_addr), 0, "begin before the file"},
        {offsetof(struct flat_image, header_addr), UINT32_MAX,
         "begin before the file"},
        {offsetof(struct flat_image, load_end), MB_LOAD,
         "ends before it begins"},
        {offsetof(struct flat_image, load_end), 1, "ends before it begins"},
        {offsetof(struct flat_image, load_end), UINT32_MAX,
         "past the end of the file"},
        {offsetof(struct flat_image, bss_end), MB_LOAD + 8,
         "bss ends before its data"},
        {offsetof(struct flat_image, bss_end), 8, "bss ends before its data"},
        {offsetof(struct flat_image, entry), MB_LOAD - 1, "outside of it"},
        {offsetof(struct flat_image, entry), MB_LOAD + MB_BSS - 1,
         "outside of it"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct flat_image f = good_flat();

        memcpy((uint8_t *)&f + wrong[i].field, &wrong[i].value, 4);
        assert_refused(&f, sizeof(f), wrong[i].says);
    }
}

static void flat_without_addresses(void **state)
{
    struct flat_image f = good_flat();

    (void)state;
    f.flags = 3;
    mb_sum(&f);
    assert_refused(&f, sizeof(f), "no ELF and gives no addresses");
}

/* Cut off anywhere it is refused in one line, or the rest is what it is. */
static void cut_off_anywhere(void **state)
{
    const struct flat_image f = good_flat();

    (void)state;
    for (size_t n = 1; n < sizeof(f); n++)
        assert_refused(&f, n,
                       n < MB_AT + 12 ? "not a kernel image"
                                      : "Multiboot header at 0x40 is wrong");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_image_says_where_it_goes),
        cmocka_unit_test(open_ends_are_the_files),
        cmocka_unit_test(elf_with_a_header),
        cmocka_unit_test(packed_flat_image),
        cmocka_unit_test(only_the_first_8_kib_are_searched),
        cmocka_unit_test(what_only_looks_like_a_header),
        cmocka_unit_test(wrong_header_in_an_elf),
        cmocka_unit_test(wrong_addresses_are_refused),
        cmocka_unit_test(flat_without_addresses),
        cmocka_unit_test(cut_off_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
