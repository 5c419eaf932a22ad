// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bss that a kernel's file has bytes for: nobody copies them. These here are
 * no zeroes, to tell whether somebody does.
 */
#include "direct_rig.h"

#include <zlib.h>

#define BSS_AT   0x40u
#define BSS_SIZE 0x20u

static struct elf64_image elf_with_bss(void)
{
    struct elf64_image e = good_elf64();

    e.eh.e_shoff = offsetof(struct elf64_image, sh);
    e.eh.e_shentsize = sizeof(e.sh[0]);
    e.eh.e_shnum = 2;
    e.sh[1] = (Elf64_Shdr){.sh_type = SHT_NOBITS,
                           .sh_flags = SHF_ALLOC,
                           .sh_addr = BSS_AT,
                           .sh_size = BSS_SIZE};
    return e;
}

static void starts_with_bss_fresh(struct fixture *f)
{
    struct elf64_image e = elf_with_bss();
    struct entry_state entry;
    uint8_t got[sizeof(e.text)];

    start(f, &entry);
    assert_int_equal(entry.kind, ENTRY_PVH);
    read_guest(f, BASE, got, sizeof(got));
    memset(e.text + BSS_AT, 0, BSS_SIZE);
    assert_memory_equal(got, e.text, sizeof(got));
}

/* By descriptor, straight into guest memory. */
static void of_a_plain_elf(void **state)
{
    struct fixture *f = *state;
    const struct elf64_image e = elf_with_bss();

    f->cfg.kernel = give(f, &e, sizeof(e));
    starts_with_bss_fresh(f);
}

/* Out of memory of ours. */
static void of_a_packed_elf(void **state)
{
    struct fixture *f = *state;
    const struct elf64_image e = elf_with_bss();
    gzFile gz;

    f->cfg.kernel = give(f, "", 0);
    gz = gzopen(f->cfg.kernel, "wb");
    assert_non_null(gz);
    assert_int_equal(gzwrite(gz, &e, sizeof(e)), sizeof(e));
    assert_int_equal(gzclose(gz), Z_OK);
    starts_with_bss_fresh(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_a_plain_elf),
        TEST(of_a_packed_elf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
