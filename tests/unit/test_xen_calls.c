// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Xen's hypercall instructions in a kernel that is loaded: which of them get a
 * port write in their place, and what looks like one and is none.
 */
#include "boot/boot.h"

#include "abi/layout.h"
#include "image_builder.h"

#include <stdio.h>

#define RAM     (32 * MIB)
#define CHUNK   (64 * KIB) /* that is looked at at a time */
#define BIG     (3 * CHUNK)
#define VMCALL  0x0f, 0x01, 0xc1
#define VMMCALL 0x0f, 0x01, 0xd9
#define OUT     0xe7, LAYOUT_XEN_HCALL, 0x90

static const unsigned char calls[256] = {
    [0] = VMCALL,   0xc3, /* at a segment's first byte */
    [16] = 0xf3,    0x0f, 0x1e,          0xfa,
    VMMCALL,        0xe9,                      /* behind an endbr64 */
    [32] = VMMCALL, 0xcc, [49] = VMCALL, 0xc3, /* not the first of a function */
    [64] = VMCALL,  0x90,                      /* no return behind it */
    [80] = 0x0f,    0x01, 0xca,          0xc3, /* clac */
    [100] = VMCALL, 0xc3,                      /* no endbr64 before it */
    [253] = VMCALL,                            /* the end */
};

static const unsigned char in_place[256] = {
    [0] = OUT,      0xc3, [16] = 0xf3,   0x0f,           0x1e,
    0xfa,           OUT,  0xe9,          [32] = OUT,     0xcc,
    [49] = VMCALL,  0xc3, [64] = VMCALL, 0x90,           [80] = 0x0f,
    0x01,           0xca, 0xc3,          [100] = VMCALL, 0xc3,
    [253] = VMCALL,
};

/* A kernel in a file loaded into mem. */
static void load(struct gmem *mem, const void *image, size_t size, bool patch)
{
    const int fd = make_file(image, size);
    const struct path path = path_of(fd);
    const struct machine_desc m = {
        .n_cpus = 1,
        .n_ranges = 2,
        .map = {{GPA(0), LAYOUT_LOW_END, MEM_RAM},
                {GPA(MIB), RAM - MIB, MEM_RAM}},
    };
    const struct boot_config cfg = {
        .kernel = path.text, .cmdline = "", .xen_calls = patch};
    struct entry_state entry;
    struct boot *b;

    assert_int_equal(boot_open(&cfg, &b), 0);
    assert_int_equal(boot_place(b, mem, &m, &entry), 0);
    assert_int_equal(boot_load(b, mem), 0);
    boot_close(b);
    close(fd);
}

static void check(uint32_t flags, bool patch, const unsigned char *expected)
{
    struct gmem *mem = gmem_create(RAM, GMEM_ANON);
    struct elf64_image e = good_elf64();
    unsigned char text[256];

    assert_non_null(mem);
    memcpy(e.text, calls, sizeof(calls));
    e.ph[0].p_flags = flags;
    load(mem, &e, sizeof(e), patch);
    assert_int_equal(gmem_read(mem, GPA(BASE), text, sizeof(text)), 0);
    assert_memory_equal(text, expected, sizeof(text));
    gmem_destroy(mem);
}

static void rewrites_what_is_one(void **state)
{
    (void)state;
    check(PF_R | PF_X, true, in_place);
}

static void leaves_the_rest(void **state)
{
    (void)state;
    check(PF_R | PF_X, false, calls);
    check(PF_R | PF_W, true, calls);
}

/* A site at each place where one chunk ends and the next begins. */
static void sees_all_of_a_large_segment(void **state)
{
    static const unsigned char site[] = {VMCALL, 0xc3};
    static const unsigned char done[] = {OUT, 0xc3};
    static unsigned char image[sizeof(struct elf64_image) + BIG];
    struct elf64_image e = good_elf64();
    unsigned char *text = image + sizeof(e), seen[4];

    (void)state;
    e.ph[0].p_offset = sizeof(e);
    e.ph[0].p_filesz = BIG;
    e.ph[0].p_memsz = BIG;
    e.ph[0].p_flags = PF_R | PF_X;
    e.ph[1].p_paddr = BASE + BIG;
    for (uint64_t shift = 0; shift < 32; shift += 16) {
        struct gmem *mem = gmem_create(RAM, GMEM_ANON);

        memcpy(image, &e, sizeof(e));
        memset(text, 0x90, BIG);
        for (uint64_t at = CHUNK - 32; at < CHUNK + 32; at += 32)
            memcpy(text + at + shift, site, sizeof(site));
        memcpy(text + BIG - 16, site, sizeof(site));
        load(mem, image, sizeof(image), true);
        for (uint64_t at = CHUNK - 32; at < CHUNK + 32; at += 32) {
            assert_int_equal(
                gmem_read(mem, GPA(BASE + at + shift), seen, sizeof(seen)), 0);
            assert_memory_equal(seen, done, sizeof(done));
        }
        assert_int_equal(
            gmem_read(mem, GPA(BASE + BIG - 16), seen, sizeof(seen)), 0);
        assert_memory_equal(seen, done, sizeof(done));
        gmem_destroy(mem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rewrites_what_is_one),
        cmocka_unit_test(leaves_the_rest),
        cmocka_unit_test(sees_all_of_a_large_segment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
