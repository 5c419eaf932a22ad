// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A bzImage on a PC: what it finds at its 64- and its 32-bit entry, what the
 * firmware is told for its 16-bit entry, and what is refused.
 */
#include "direct_rig.h"

#include <asm/bootparam.h>

#define PREF      (16 * MIB)
#define INIT_SIZE (8 * MIB)
#define SETUP     (5 * 512u)
#define LOW_MAX   0x10000u

/* A bzImage as of 2.15, of which the payload is no kernel: nobody unpacks. */
static struct bytes linux_image(void)
{
    struct bytes b = make_bzimage(4, "payload", 7);
    struct setup_header h;

    memcpy(&h, b.data + 0x1f1, sizeof(h));
    h.loadflags = LOADED_HIGH;
    h.initrd_addr_max = 0x7fffffff;
    h.kernel_alignment = 2 * MIB;
    h.relocatable_kernel = 1;
    h.xloadflags = XLF_KERNEL_64;
    h.pref_address = PREF;
    h.init_size = INIT_SIZE;
    memcpy(b.data + 0x1f1, &h, sizeof(h));
    return b;
}

static void edit(struct bytes *b, size_t off, uint64_t value, size_t n)
{
    memcpy(b->data + off, &value, n);
}

static void use(struct fixture *f, struct bytes *b)
{
    f->cfg.kernel = give(f, b->data, b->size);
}

static struct boot_params params_of(const struct fixture *f,
                                    const struct entry_state *e)
{
    struct boot_params bp;

    assert_in_range(e->rsi, 1, LOW_MAX - sizeof(bp));
    read_guest(f, e->rsi, &bp, sizeof(bp));
    return bp;
}

static void check_params(const struct fixture *f, const struct boot_params *bp)
{
    char rsdp[8];

    assert_int_equal(bp->hdr.header, 0x53726448); /* "HdrS" */
    assert_int_equal(bp->hdr.version, 0x020f);
    assert_int_equal(bp->hdr.type_of_loader, 0xff);
    assert_int_equal(bp->hdr.code32_start, PREF);
    assert_int_equal(bp->sentinel, 0);
    guest_has(f, bp->hdr.cmd_line_ptr, f->cfg.cmdline);
    assert_int_equal(bp->e820_entries, f->m.n_ranges);
    for (unsigned i = 0; i < f->m.n_ranges; i++) {
        assert_int_equal(bp->e820_table[i].addr, f->m.map[i].base.v);
        assert_int_equal(bp->e820_table[i].size, f->m.map[i].size);
        assert_int_equal(bp->e820_table[i].type, f->m.map[i].type);
    }
    read_guest(f, bp->acpi_rsdp_addr, rsdp, sizeof(rsdp));
    assert_memory_equal(rsdp, "RSD PTR ", 8);
}

/* The kernel, byte for byte, is where it wants to be. */
static void check_kernel(const struct fixture *f, const struct bytes *b)
{
    uint8_t got[256];
    const size_t n = b->size - SETUP;

    assert_true(n <= sizeof(got));
    read_guest(f, PREF, got, n);
    assert_memory_equal(got, b->data + SETUP, n);
}

static uint64_t gdt_entry(const struct fixture *f, const struct entry_state *e,
                          unsigned selector)
{
    uint64_t v;

    assert_true(selector + 8 <= e->gdt_size);
    read_guest(f, e->gdt + selector, &v, sizeof(v));
    return v;
}

/* Follow the tables that the guest would: gva to gpa by 2 MiB pages. */
static uint64_t walk(const struct fixture *f, uint64_t cr3, uint64_t gva)
{
    uint64_t table = cr3, pte = 0;

    for (unsigned shift = 39; shift >= 21; shift -= 9) {
        read_guest(f, table + ((gva >> shift) & 511) * 8, &pte, 8);
        assert_int_equal(pte & 3, 3);
        table = pte & 0xffffffffff000ull;
    }
    assert_int_equal(pte & 0x80, 0x80);
    return table + (gva & (2 * MIB - 1));
}

static void the_64_bit_entry(void **state)
{
    static const uint64_t places[] = {0, 0x7123, PREF + 0x200, 0xfee00030,
                                      4 * GIB - 1};
    struct fixture *f = *state;
    struct bytes b = linux_image();
    struct boot_params bp;
    struct entry_state e;

    use(f, &b);
    start(f, &e);
    bp = params_of(f, &e);
    assert_int_equal(e.kind, ENTRY_LINUX64);
    assert_int_equal(e.rip, PREF + 0x200);
    check_params(f, &bp);
    check_kernel(f, &b);
    assert_int_equal(bp.hdr.ramdisk_size, 0);
    assert_int_equal(gdt_entry(f, &e, 0x10), 0x00af9b000000ffffull);
    assert_int_equal(gdt_entry(f, &e, 0x18), 0x00cf93000000ffffull);
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        assert_int_equal(walk(f, e.cr3, places[i]), places[i]);
    free(b.data);
}

static void the_32_bit_entry(void **state)
{
    struct fixture *f = *state;
    struct bytes b = linux_image();
    struct boot_params bp;
    struct entry_state e;

    use(f, &b);
    f->cfg.entry = BOOT_ENTRY_32;
    start(f, &e);
    bp = params_of(f, &e);
    assert_int_equal(e.kind, ENTRY_LINUX32);
    assert_int_equal(e.rip, PREF);
    assert_int_equal(e.cr3, 0);
    check_params(f, &bp);
    assert_int_equal(gdt_entry(f, &e, 0x10), 0x00cf9b000000ffffull);
    free(b.data);
}

/* A kernel without the flag is entered at 32 bits, and only there. */
static void no_64_bit_entry(void **state)
{
    struct fixture *f = *state;
    struct bytes b = linux_image();
    struct entry_state e;

    edit(&b, 0x236, 0, 2);
    use(f, &b);
    start(f, &e);
    assert_int_equal(e.kind, ENTRY_LINUX32);
    f->cfg.entry = BOOT_ENTRY_64;
    refused(f, -EINVAL, "no bzImage with the entry asked for");
    free(b.data);
}

/* ---- through the firmware ---- */

static const struct boot_fw_item *item(const struct boot *b, const char *name,
                                       uint16_t number)
{
    unsigned n;
    const struct boot_fw_item *items = boot_fw_items(b, &n);

    for (unsigned i = 0; i < n; i++)
        if (name ? items[i].name && !strcmp(items[i].name, name)
                 : !items[i].name && items[i].number == number)
            return &items[i];
    fail_msg("no item %s or 0x%x", name ? name : "", number);
    return NULL;
}

static uint32_t number(const struct boot *b, uint16_t which)
{
    const struct boot_fw_item *i = item(b, NULL, which);
    uint32_t v;

    assert_int_equal(i->size, sizeof(v));
    memcpy(&v, i->data, sizeof(v));
    return v;
}

static unsigned sum_of(const uint8_t *p, size_t n)
{
    unsigned sum = 0;

    while (n--)
        sum += *p++;
    return sum & 0xff;
}

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    while (n--)
        v = v << 8 | *p++;
    return v;
}

/* The ROM is one to firmware, and its table has each part once. */
static void check_rom(const struct boot *b)
{
    static const struct {
        uint16_t data, size, addr;
    } parts[] = {{0x18, 0x17, 0x16},
                 {0x11, 0x08, 0x07},
                 {0x15, 0x14, 0x13},
                 {0x12, 0x0b, 0x0a}};
    const struct boot_fw_item *i = item(b, "genroms/linuxboot.bin", 0);
    const uint8_t *rom = i->data, *pnp = rom + rom[0x1a], *row = NULL;

    assert_int_equal(i->size, 512);
    assert_memory_equal(rom, "\x55\xaa\x01\xcb", 4);
    assert_int_equal(sum_of(rom, 512), 0);
    assert_memory_equal(pnp, "$PnP\x01\x02", 6);
    assert_int_equal(sum_of(pnp, 32), 0);
    assert_int_equal(pnp[27], 0); /* the entry vector is in the first half */
    for (size_t at = 0; !row && at + 4 <= 512; at += 4)
        if (!memcmp(rom + at, "\x00\x18\x00\x0a", 4))
            row = rom + at;
    assert_non_null(row);
    for (size_t p = 0; p < ARRAY_LEN(parts); p++, row += 16) {
        assert_int_equal(big_endian(row, 4), parts[p].data << 16 | 0x0a);
        assert_int_equal(big_endian(row + 4, 4), number(b, parts[p].size));
        assert_int_equal(big_endian(row + 8, 8), number(b, parts[p].addr));
        assert_int_equal(item(b, NULL, parts[p].data)->size,
                         number(b, parts[p].size));
    }
    assert_int_equal(big_endian(row, 4), 0);
}

static void the_16_bit_entry(void **state)
{
    struct fixture *f = *state;
    struct bytes b = linux_image();
    struct setup_header h;
    struct entry_state e;
    struct boot *boot = NULL;
    uint8_t *bios = calloc(1, 64 * KIB);

    use(f, &b);
    add_initrd(f, NULL);
    f->cfg.entry = BOOT_ENTRY_16;
    f->cfg.firmware = give(f, bios, 64 * KIB);
    assert_int_equal(boot_open(&f->cfg, &boot), 0);
    assert_int_equal(boot_place(boot, f->mem, &f->m, &e), 0);
    assert_int_equal(e.kind, ENTRY_RESET);
    assert_int_equal(boot_rom(boot)->size, 64 * KIB);
    check_rom(boot);
    assert_int_equal(number(boot, 0x17), SETUP);
    assert_int_equal(number(boot, 0x08), b.size - SETUP);
    assert_memory_equal(item(boot, NULL, 0x11)->data, b.data + SETUP,
                        b.size - SETUP);
    assert_string_equal(item(boot, NULL, 0x15)->data, "console=ttyS0");
    assert_memory_equal(item(boot, NULL, 0x12)->data, INITRD, strlen(INITRD));
    /* Firmware has the last MiB. */
    assert_int_equal(number(boot, 0x0a), RAM - MIB - GUEST_PAGE);
    memcpy(&h, (const uint8_t *)item(boot, NULL, 0x18)->data + 0x1f1,
           sizeof(h));
    assert_int_equal(h.type_of_loader, 0xff);
    assert_int_equal(h.loadflags, LOADED_HIGH | CAN_USE_HEAP);
    assert_int_equal(h.code32_start, 0x100000);
    assert_int_equal(h.heap_end_ptr, 0xde00);
    assert_int_equal(h.cmd_line_ptr, number(boot, 0x13));
    assert_int_equal(h.ramdisk_image, number(boot, 0x0a));
    assert_int_equal(h.ramdisk_size, strlen(INITRD));
    assert_int_equal(h.pref_address, PREF);
    boot_close(boot);
    free(bios);
    free(b.data);
}

static void too_much_real_mode_code(void **state)
{
    struct fixture *f = *state;
    struct bytes b = make_bzimage(64, "payload", 7);
    uint8_t *bios = calloc(1, 64 * KIB);

    edit(&b, 0x211, LOADED_HIGH, 1);
    use(f, &b);
    f->cfg.entry = BOOT_ENTRY_16;
    f->cfg.firmware = give(f, bios, 64 * KIB);
    refused(f, -EINVAL, "33280 bytes of real-mode code");
    free(bios);
    free(b.data);
}

/* ---- Linux again ---- */

/* Before 2.10, and where it says so, a kernel is put to 1 MiB. */
static void kernels_that_cannot_be_moved(void **state)
{
    struct fixture *f = *state;
    struct bytes b = linux_image();
    struct entry_state e;
    char got[7];

    edit(&b, 0x234, 0, 1);
    edit(&b, 0x236, 0, 2);
    use(f, &b);
    start(f, &e);
    assert_int_equal(e.rip, MIB);
    read_guest(f, MIB + BZ_PAYLOAD_OFFSET, got, sizeof(got));
    assert_memory_equal(got, "payload", 7);
    edit(&b, 0x206, 0x209, 2); /* the fields after are not there then */
    use(f, &b);
    start(f, &e);
    assert_int_equal(e.rip, MIB);
    free(b.data);
}

/* Several are one after another, each from a multiple of four. */
static void initrds_are_one(void **state)
{
    struct fixture *f = *state;
    struct bytes b = linux_image();
    struct boot_params bp;
    struct entry_state e;
    char got[2 * sizeof(INITRD)];

    use(f, &b);
    add_initrd(f, NULL);
    add_initrd(f, NULL);
    start(f, &e);
    bp = params_of(f, &e);
    assert_int_equal(bp.hdr.ramdisk_image, RAM - GUEST_PAGE);
    assert_int_equal(bp.hdr.ramdisk_size, 16 + 15);
    read_guest(f, bp.hdr.ramdisk_image, got, 31);
    assert_memory_equal(got, INITRD "\0" INITRD, 31);
    free(b.data);
}

/* Below what the kernel can reach, and clear of what it needs to unpack. */
static void initrd_keeps_its_limit(void **state)
{
    struct fixture *f = *state;
    struct bytes b = linux_image();
    struct boot_params bp;
    struct entry_state e;

    edit(&b, 0x22c, PREF + INIT_SIZE + strlen(INITRD) - 1, 4);
    use(f, &b);
    add_initrd(f, NULL);
    start(f, &e);
    bp = params_of(f, &e);
    assert_int_equal(bp.hdr.ramdisk_image, PREF + INIT_SIZE);
    edit(&b, 0x22c, PREF + INIT_SIZE + strlen(INITRD) - 2, 4);
    use(f, &b);
    start(f, &e);
    bp = params_of(f, &e);
    assert_int_equal(bp.hdr.ramdisk_image, PREF - GUEST_PAGE);
    edit(&b, 0x22c, MIB, 4);
    use(f, &b);
    refused(f, -ENOSPC, "does not fit");
    free(b.data);
}

static void a_seed_for_random_numbers(void **state)
{
    struct fixture *f = *state;
    struct bytes b = linux_image();
    struct setup_data head;
    struct boot_params bp;
    struct entry_state e;
    uint8_t first[32], second[32];

    use(f, &b);
    start(f, &e);
    bp = params_of(f, &e);
    read_guest(f, bp.hdr.setup_data, &head, sizeof(head));
    assert_int_equal(head.next, 0);
    assert_int_equal(head.type, SETUP_RNG_SEED);
    assert_int_equal(head.len, sizeof(first));
    read_guest(f, bp.hdr.setup_data + sizeof(head), first, sizeof(first));
    start(f, &e);
    read_guest(f, bp.hdr.setup_data + sizeof(head), second, sizeof(second));
    assert_memory_not_equal(first, second, sizeof(first));
    free(b.data);
}

/* Evil headers: one line each, and nothing is started. */
static void evil_bzimages(void **state)
{
    static const struct {
        size_t off;
        uint64_t value;
        size_t n;
        const char *says;
    } evil[] = {
        {0x211, 0, 1, "zImage"},
        {0x260, 0xffffffff, 4, "not all in the guest's 64 MiB"},
        {0x258, 0xffffffffffe00000ull, 8, "not all in the guest's 64 MiB"},
        {0x258, 0xc0000000, 8, "not all in the guest's 64 MiB"},
        {0x258, 0xa0000, 8, "not all in the guest's 64 MiB"},
        {0x1f1, 255, 1, "not in the file"},
        {0x248, 0xffffffff, 4, "not in the file"},
        {0x206, 0x207, 2, "does not say where"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(evil); i++) {
        struct bytes b = linux_image();

        edit(&b, evil[i].off, evil[i].value, evil[i].n);
        f->n_fds = 0;
        use(f, &b);
        refused(f, -EINVAL, evil[i].says);
        close(f->fds[0]);
        free(b.data);
    }
    f->n_fds = 0;
}

static void what_linux_is_not_given(void **state)
{
    struct fixture *f = *state;
    struct bytes b = linux_image();
    char text[2049];

    use(f, &b);
    memset(text, 'x', sizeof(text));
    text[2048] = '\0';
    f->cfg.cmdline = text;
    refused(f, -EINVAL, "at most 2047 are taken");
    f->cfg.cmdline = "one\ntwo";
    refused(f, -EINVAL, "control character");
    f->cfg.cmdline = "";
    add_initrd(f, "words");
    refused(f, -EINVAL, "no command line for it");
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_64_bit_entry),          TEST(the_32_bit_entry),
        TEST(no_64_bit_entry),           TEST(the_16_bit_entry),
        TEST(too_much_real_mode_code),   TEST(kernels_that_cannot_be_moved),
        TEST(initrds_are_one),           TEST(initrd_keeps_its_limit),
        TEST(a_seed_for_random_numbers), TEST(evil_bzimages),
        TEST(what_linux_is_not_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
