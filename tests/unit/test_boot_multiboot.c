// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A Multiboot image on a PC without firmware: what it finds, and what is
 * refused.
 */
#include "direct_rig.h"

static struct multiboot_info info_of(const struct fixture *f,
                                     const struct entry_state *e)
{
    struct multiboot_info mbi;

    assert_int_equal(e->kind, ENTRY_MULTIBOOT);
    assert_int_equal(e->rax, 0x2badb002);
    assert_in_range(e->rbx, LAYOUT_TABLES, LAYOUT_TABLES_END - sizeof(mbi));
    read_guest(f, e->rbx, &mbi, sizeof(mbi));
    assert_int_equal(mbi.flags, 0x24d);
    return mbi;
}

static void a_flat_image(void **state)
{
    struct fixture *f = *state;
    const struct flat_image flat = good_flat();
    struct flat_image got;
    struct entry_state e;
    struct multiboot_info mbi;
    char name[64];

    f->cfg.kernel = give(f, &flat, sizeof(flat));
    start(f, &e);
    assert_int_equal(e.rip, MB_ENTRY);
    read_guest(f, MB_LOAD, &got, sizeof(got));
    assert_memory_equal(&got, &flat, sizeof(flat));
    mbi = info_of(f, &e);
    assert_int_equal(mbi.mem_lower, 640);
    assert_int_equal(mbi.mem_upper, RAM / KIB - 1024);
    assert_int_equal(mbi.mods_count, 0);
    guest_has(f, mbi.boot_loader_name, "vmm");
    snprintf(name, sizeof(name), "%s console=ttyS0",
             strrchr(f->cfg.kernel, '/') + 1);
    guest_has(f, mbi.cmdline, name);
}

/* Each entry is its size and what that counts. */
static void its_memory_map(void **state)
{
    struct fixture *f = *state;
    const struct flat_image flat = good_flat();
    struct multiboot_info mbi;
    struct entry_state e;
    uint32_t at, n = 0;

    f->cfg.kernel = give(f, &flat, sizeof(flat));
    start(f, &e);
    mbi = info_of(f, &e);
    for (at = 0; at < mbi.mmap_length; n++) {
        struct multiboot_mmap entry;

        read_guest(f, mbi.mmap_addr + at, &entry, sizeof(entry));
        assert_int_equal(entry.size, 20);
        assert_int_equal(entry.addr, f->m.map[n].base.v);
        assert_int_equal(entry.len, f->m.map[n].size);
        assert_int_equal(entry.type, f->m.map[n].type);
        at += entry.size + 4;
    }
    assert_int_equal(n, f->m.n_ranges);
    assert_int_equal(at, mbi.mmap_length);
}

static void its_modules(void **state)
{
    struct fixture *f = *state;
    const struct elf32_image elf = multiboot_elf(3);
    struct multiboot_module mods[2];
    struct multiboot_info mbi;
    struct entry_state e;
    char text[64];

    f->cfg.kernel = give(f, &elf, sizeof(elf));
    add_initrd(f, NULL);
    add_initrd(f, "second one");
    start(f, &e);
    assert_int_equal(e.rip, BASE);
    mbi = info_of(f, &e);
    assert_int_equal(mbi.mods_count, 2);
    assert_int_equal(mbi.mods_addr % 4, 0);
    read_guest(f, mbi.mods_addr, mods, sizeof(mods));
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(mods[i].start % GUEST_PAGE, 0);
        assert_int_equal(mods[i].end - mods[i].start, strlen(INITRD));
        read_guest(f, mods[i].start, text, strlen(INITRD));
        assert_memory_equal(text, INITRD, strlen(INITRD));
    }
    snprintf(text, sizeof(text), "%s second one",
             strrchr(f->cfg.modules[1].path, '/') + 1);
    guest_has(f, mods[1].string, text);
    /* The bss of the image is not in the way of what is placed. */
    assert_false(mods[1].start >= BASE && mods[1].start < BASE + 0x1000);
}

static void evil_multiboot(void **state)
{
    struct fixture *f = *state;
    struct flat_image flat = good_flat();

    flat.flags |= 4;
    mb_sum(&flat);
    f->cfg.kernel = give(f, &flat, sizeof(flat));
    refused(f, -EINVAL, "asks for a video mode");
    flat.flags = 0x18003;
    mb_sum(&flat);
    f->cfg.kernel = give(f, &flat, sizeof(flat));
    refused(f, -EINVAL, "flags 0x8000");
    flat = good_flat();
    flat.bss_end = UINT32_MAX;
    f->cfg.kernel = give(f, &flat, sizeof(flat));
    refused(f, -EINVAL, "outside the guest's 64 MiB");
}

/* It may not lie where the tables will be. */
static void multiboot_over_the_tables(void **state)
{
    struct fixture *f = *state;
    struct flat_image flat = good_flat();

    flat.load_addr = LAYOUT_TABLES;
    flat.header_addr = LAYOUT_TABLES + MB_AT;
    flat.load_end = flat.bss_end = 0;
    flat.entry = LAYOUT_TABLES + 128;
    f->cfg.kernel = give(f, &flat, sizeof(flat));
    refused(f, -EINVAL, "0xa0000 to 0xfffff is reserved");
}

/* An ELF with a PVH note alone is started by that. */
static void pvh_is_the_last_way(void **state)
{
    struct fixture *f = *state;
    const struct elf32_image elf = good_elf32();
    struct entry_state e;

    f->cfg.kernel = give(f, &elf, sizeof(elf));
    start(f, &e);
    assert_int_equal(e.kind, ENTRY_PVH);
    f->cfg.entry = BOOT_ENTRY_32;
    refused(f, -EINVAL, "no bzImage with the entry asked for");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_flat_image),
        TEST(its_memory_map),
        TEST(its_modules),
        TEST(evil_multiboot),
        TEST(multiboot_over_the_tables),
        TEST(pvh_is_the_last_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
