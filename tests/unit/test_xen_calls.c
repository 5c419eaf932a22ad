// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Xen's hypercall instructions in a kernel that is loaded: which of them get a
 * port write in their place, and what looks like one and is none. The same in
 * a kernel that is in memory already.
 */
#include "boot/boot.h"
#include "vmm/hcall.h"

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

/* ---- a kernel that runs ---- */

#define KERNEL  0xffffffff81000000
#define TABLES  (8 * MIB)
#define PLACE   (16 * MIB) /* where it is in memory */
#define PAGES   3u
#define PRESENT 1u
#define SITES   (2 * 4096u + 64)

/* One page of tables a level, and the kernel's pages, in a row. */
static const struct paging paging = {
    .cr0 = 0x80000001, .cr3 = TABLES, .cr4 = 0x20, .efer = 0x500};

static void put_entry(struct gmem *mem, unsigned level, unsigned i, uint64_t to)
{
    const uint64_t entry = to | PRESENT;

    assert_int_equal(
        gmem_write(mem, GPA(TABLES + level * 4096 + i * 8), &entry, 8), 0);
}

static struct gmem *make_kernel(void)
{
    struct gmem *mem = gmem_create(RAM, GMEM_ANON);

    assert_non_null(mem);
    put_entry(mem, 0, 511, TABLES + 4096);
    put_entry(mem, 1, 510, TABLES + 2 * 4096);
    put_entry(mem, 2, 8, TABLES + 3 * 4096);
    for (unsigned i = 0; i < PAGES; i++)
        put_entry(mem, 3, i, PLACE + i * 4096);
    return mem;
}

struct function {
    unsigned at;
    unsigned char code[4];
};

/* Are these two, in a kernel that begins at rip, taken for hypercalls? */
static bool takes(const struct function f[2], uint64_t rip)
{
    struct gmem *mem = make_kernel();
    unsigned char seen[4];
    bool found;

    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(gmem_write(mem, GPA(PLACE + f[i].at), f[i].code, 4),
                         0);
    found = boot_patch_running(mem, &paging, GVA(rip));
    for (unsigned i = 0; i < 2; i++) {
        const unsigned char done[4] = {OUT, f[i].code[3]};

        assert_int_equal(gmem_read(mem, GPA(PLACE + f[i].at), seen, 4), 0);
        assert_memory_equal(seen, found ? done : f[i].code, 4);
    }
    gmem_destroy(mem);
    return found;
}

static void finds_a_pair(void **state)
{
    const struct function as_linux[] = {{SITES, {VMMCALL, 0xe9}},
                                        {SITES + 16, {VMCALL, 0xe9}}};
    const struct function turned[] = {{SITES, {VMCALL, 0xc3}},
                                      {SITES + 64, {VMMCALL, 0xcc}}};
    const struct function two_pages[] = {{4096 - 16, {VMCALL, 0xc3}},
                                         {4096, {VMMCALL, 0xcc}}};

    (void)state;
    assert_true(takes(as_linux, KERNEL + 0x110));
    assert_true(takes(turned, KERNEL));
    assert_true(takes(two_pages, KERNEL + PAGES * 4096 - 1));
}

static void takes_nothing_else(void **state)
{
    const struct function pair[] = {{SITES, {VMMCALL, 0xc3}},
                                    {SITES + 16, {VMCALL, 0xc3}}};
    const struct function one_kind[] = {{SITES, {VMCALL, 0xc3}},
                                        {SITES + 16, {VMCALL, 0xc3}}};
    const struct function apart[] = {{SITES, {VMMCALL, 0xc3}},
                                     {SITES + 80, {VMCALL, 0xc3}}};
    const struct function inside[] = {{SITES, {VMMCALL, 0xc3}},
                                      {SITES + 17, {VMCALL, 0xc3}}};
    const struct function unmapped[] = {{SITES, {VMMCALL, 0xc3}},
                                        {PAGES * 4096, {VMCALL, 0xc3}}};

    (void)state;
    assert_false(takes(one_kind, KERNEL));
    assert_false(takes(apart, KERNEL));
    assert_false(takes(inside, KERNEL));
    assert_false(takes(unmapped, KERNEL));
    /* Not in the kernel's map, or in a part of it where there is nothing. */
    assert_false(takes(pair, PLACE));
    assert_false(takes(pair, KERNEL - 4 * MIB));
    assert_false(takes(pair, 0xffffffffc0000000));
    assert_false(takes(pair, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rewrites_what_is_one),
        cmocka_unit_test(leaves_the_rest),
        cmocka_unit_test(sees_all_of_a_large_segment),
        cmocka_unit_test(finds_a_pair),
        cmocka_unit_test(takes_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
