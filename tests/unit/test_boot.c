// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * boot_open and boot_load on small kernels made here: what a guest finds in
 * its memory, once and after a reboot, and what is refused in one line each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi/layout.h"
#include "abi/pvh.h"
#include "boot/boot.h"
#include "vmm/log.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define RAM      (16 * MIB)
#define TEXT     (2 * MIB) /* where the test kernel's first segment goes */
#define BSS      (3 * MIB)
#define BSS_SIZE 0x1234u
#define ENTRY    (TEXT + 0x10)

/* A kernel: an ELF with text, bss and the PVH note, all in one page. */
struct kernel {
    Elf64_Ehdr ehdr;
    Elf64_Phdr phdr[3];
    struct {
        Elf64_Nhdr head;
        char name[4];
        uint64_t entry;
    } note;
    unsigned char text[64];
};

struct fixture {
    char dir[32];
    char kernel[64];
    char initrd[64];
    struct gmem *mem;
    struct machine_desc m;
    struct boot_config cfg;
};

static struct kernel make_kernel(void)
{
    const size_t text = offsetof(struct kernel, text);
    const size_t note = offsetof(struct kernel, note);
    struct kernel k = {
        .ehdr = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
                             EV_CURRENT},
                 .e_type = ET_EXEC,
                 .e_machine = EM_X86_64,
                 .e_version = EV_CURRENT,
                 .e_phoff = offsetof(struct kernel, phdr),
                 .e_ehsize = sizeof(Elf64_Ehdr),
                 .e_phentsize = sizeof(Elf64_Phdr),
                 .e_phnum = 3},
        .phdr = {{.p_type = PT_LOAD,
                  .p_offset = text,
                  .p_paddr = TEXT,
                  .p_filesz = 64,
                  .p_memsz = 64},
                 {.p_type = PT_LOAD, .p_paddr = BSS, .p_memsz = BSS_SIZE},
                 {.p_type = PT_NOTE,
                  .p_offset = note,
                  .p_filesz = 24,
                  .p_align = 4}},
        .note = {.head = {4, 8, PVH_NOTE_PHYS32_ENTRY},
                 .name = PVH_NOTE_NAME,
                 .entry = ENTRY},
    };

    for (unsigned i = 0; i < sizeof(k.text); i++)
        k.text[i] = (unsigned char)(i ^ 0x5a);
    return k;
}

static void put_file(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct kernel k = make_kernel();

    strcpy(f->dir, "/tmp/vmm-test-boot-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->kernel, sizeof(f->kernel), "%s/kernel", f->dir);
    snprintf(f->initrd, sizeof(f->initrd), "%s/initrd", f->dir);
    put_file(f->kernel, &k, sizeof(k));
    put_file(f->initrd, "initial ramdisk", 15);
    f->mem = gmem_create(RAM, GMEM_ANON);
    f->m = (struct machine_desc){
        .n_cpus = 2,
        .n_ranges = 3,
        .map = {{GPA(0), LAYOUT_LOW_END, MEM_RAM},
                {GPA(LAYOUT_TABLES), 128 * KIB, MEM_RESERVED},
                {GPA(MIB), RAM - MIB, MEM_RAM}},
        .n_devs = 1,
        .devs = {{DEV_UART16550, LAYOUT_COM1, 8, LAYOUT_COM1_GSI}},
    };
    f->cfg =
        (struct boot_config){.kernel = f->kernel, .cmdline = "console=ttyS0"};
    *state = f;
    return f->mem ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char line[64];

    gmem_destroy(f->mem);
    snprintf(line, sizeof(line), "rm -r %s", f->dir);
    free(f);
    return system(line);
}

/* ---- what the log says ---- */

static int log_saved;

static void log_begin(const struct fixture *f)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "%s/log", f->dir);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    log_saved = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

/* Exactly one line came out, and it holds want. */
static void log_end(const struct fixture *f, const char *want)
{
    char path[64], text[4096];
    FILE *log;
    size_t n;

    dup2(log_saved, STDERR_FILENO);
    close(log_saved);
    snprintf(path, sizeof(path), "%s/log", f->dir);
    log = fopen(path, "r");
    assert_non_null(log);
    n = fread(text, 1, sizeof(text) - 1, log);
    text[n] = 0;
    fclose(log);
    if (!strstr(text, want) || strchr(text, '\n') != text + n - 1)
        fail_msg("wanted one line with \"%s\", got:\n%s", want, text);
}

static struct boot *open_ok(const struct fixture *f)
{
    struct boot *b = NULL;

    log_begin(f);
    if (boot_open(&f->cfg, &b) < 0)
        b = NULL;
    log_end(f, "PVH note 0x200010, booting pvh");
    assert_non_null(b);
    return b;
}

static void open_refused(const struct fixture *f, int rc, const char *want)
{
    struct boot *b = NULL;
    int got;

    log_begin(f);
    got = boot_open(&f->cfg, &b);
    log_end(f, want);
    assert_int_equal(got, rc);
    assert_null(b);
}

static int place_and_load(struct boot *b, struct fixture *f,
                          struct entry_state *e)
{
    const int rc = boot_place(b, f->mem, &f->m, e);

    return rc ? rc : boot_load(b, f->mem);
}

static void load_refused(struct fixture *f, struct boot *b, int rc,
                         const char *want)
{
    struct entry_state e;
    int got;

    log_begin(f);
    got = place_and_load(b, f, &e);
    log_end(f, want);
    assert_int_equal(got, rc);
    boot_close(b);
}

static void add_module(struct fixture *f, const char *path, const char *text)
{
    f->cfg.modules[f->cfg.n_modules++] = (struct boot_module){path, text};
}

/* ---- what is in the guest ---- */

static void guest_text(const struct fixture *f, uint64_t gpa, const char *want)
{
    char got[256];

    assert_in_range(gpa, LAYOUT_TABLES, LAYOUT_TABLES_END - 1);
    assert_int_equal(gmem_read(f->mem, GPA(gpa), got, strlen(want) + 1), 0);
    assert_string_equal(got, want);
}

static struct pvh_start_info start_info(const struct fixture *f, uint64_t gpa)
{
    struct pvh_start_info s;

    assert_in_range(gpa, LAYOUT_TABLES, LAYOUT_TABLES_END - sizeof(s));
    assert_int_equal(gmem_read(f->mem, GPA(gpa), &s, sizeof(s)), 0);
    assert_int_equal(s.magic, PVH_START_MAGIC);
    assert_int_equal(s.memmap_entries, f->m.n_ranges);
    return s;
}

static struct pvh_modlist_entry
module(const struct fixture *f, const struct pvh_start_info *s, unsigned i)
{
    const uint64_t at = s->modlist_paddr + i * sizeof(struct pvh_modlist_entry);
    struct pvh_modlist_entry e;

    assert_true(i < s->nr_modules);
    assert_int_equal(gmem_read(f->mem, GPA(at), &e, sizeof(e)), 0);
    return e;
}

/* Kernel, command line and RSDP are where the entry state says. */
static struct pvh_start_info load(struct fixture *f, struct boot *b)
{
    const struct kernel k = make_kernel();
    struct entry_state e = {0};
    struct pvh_start_info s;
    unsigned char got[64];

    assert_int_equal(place_and_load(b, f, &e), 0);
    assert_int_equal(e.kind, ENTRY_PVH);
    assert_int_equal(e.rip, ENTRY);
    assert_int_equal(gmem_read(f->mem, GPA(TEXT), got, 64), 0);
    assert_memory_equal(got, k.text, 64);
    s = start_info(f, e.rbx);
    guest_text(f, s.cmdline_paddr, f->cfg.cmdline);
    assert_int_equal(gmem_read(f->mem, GPA(s.rsdp_paddr), got, 8), 0);
    assert_memory_equal(got, "RSD PTR ", 8);
    return s;
}

static void plain_elf_boots(void **state)
{
    struct fixture *f = *state;
    struct boot *b = open_ok(f);
    const struct pvh_start_info s = load(f, b);

    assert_int_equal(s.nr_modules, 0);
    boot_close(b);
}

/*
 * Nothing but text, tables and the reset vector is written: bss and the rest
 * stay fresh. The vector writes the reset register, then waits.
 */
static void only_what_must_be_is_written(void **state)
{
    static const unsigned char vector[] = {0xb0, 0x01, 0xba, 0x02, 0x06,
                                           0xee, 0xf4, 0xeb, 0xfd};
    struct fixture *f = *state;
    struct boot *b = open_ok(f);
    static unsigned char all[RAM];

    load(f, b);
    assert_int_equal(gmem_read(f->mem, GPA(0), all, sizeof(all)), 0);
    memset(all + TEXT, 0, 64);
    memset(all + LAYOUT_TABLES, 0, 4 * KIB);
    assert_memory_equal(all + LAYOUT_RESET_VECTOR, vector, sizeof(vector));
    memset(all + LAYOUT_RESET_VECTOR, 0, sizeof(vector));
    for (size_t i = 0; i < sizeof(all); i++)
        if (all[i])
            fail_msg("byte at 0x%zx was written", i);
    boot_close(b);
}

static void modules_are_high_and_apart(void **state)
{
    struct fixture *f = *state;
    struct pvh_modlist_entry first, second;
    struct pvh_start_info s;
    struct boot *b;
    char got[16] = "";

    add_module(f, f->initrd, NULL);
    add_module(f, f->kernel, "second module");
    b = open_ok(f);
    s = load(f, b);
    assert_int_equal(s.nr_modules, 2);
    first = module(f, &s, 0);
    second = module(f, &s, 1);
    assert_int_equal(first.paddr, RAM - GUEST_PAGE);
    assert_int_equal(first.size, 15);
    assert_int_equal(first.cmdline_paddr, 0);
    assert_int_equal(second.paddr, RAM - 2 * GUEST_PAGE);
    assert_int_equal(second.size, sizeof(struct kernel));
    guest_text(f, second.cmdline_paddr, "second module");
    assert_int_equal(gmem_read(f->mem, GPA(first.paddr), got, 15), 0);
    assert_string_equal(got, "initial ramdisk");
    boot_close(b);
}

/* A reboot opens nothing: the files may be gone by then. */
static void loads_again_without_files(void **state)
{
    struct fixture *f = *state;
    struct boot *b;

    add_module(f, f->initrd, NULL);
    b = open_ok(f);
    assert_int_equal(load(f, b).nr_modules, 1);
    assert_int_equal(unlink(f->kernel) | unlink(f->initrd), 0);
    assert_int_equal(gmem_discard_all(f->mem), 0);
    assert_int_equal(load(f, b).nr_modules, 1);
    boot_close(b);
}

static void packed_elf_boots_twice(void **state)
{
    struct fixture *f = *state;
    const struct kernel k = make_kernel();
    gzFile gz = gzopen(f->kernel, "wb");
    struct boot *b;

    assert_non_null(gz);
    assert_int_equal(gzwrite(gz, &k, sizeof(k)), sizeof(k));
    assert_int_equal(gzclose(gz), Z_OK);
    b = open_ok(f);
    load(f, b);
    assert_int_equal(gmem_discard_all(f->mem), 0);
    load(f, b);
    boot_close(b);
}

/* The tree is the last module, the same bytes as --dump-fdt writes. */
static void device_tree_is_the_last_module(void **state)
{
    struct fixture *f = *state;
    static _Alignas(8) char got[8 * KIB], dumped[8 * KIB];
    struct pvh_modlist_entry e;
    struct pvh_start_info s;
    struct boot *b;
    char path[64];
    FILE *file;
    int node;

    f->cfg.fdt = true;
    add_module(f, f->initrd, NULL);
    b = open_ok(f);
    s = load(f, b);
    assert_int_equal(s.nr_modules, 2);
    e = module(f, &s, 1);
    guest_text(f, e.cmdline_paddr, "dtb");
    assert_in_range(e.size, 512, sizeof(got));
    assert_int_equal(gmem_read(f->mem, GPA(e.paddr), got, e.size), 0);
    assert_int_equal(fdt_check_header(got), 0);
    assert_int_equal(fdt_totalsize(got), e.size);
    node = fdt_path_offset(got, "/chosen");
    assert_int_equal(
        fdt_stringlist_search(got, node, "bootargs", f->cfg.cmdline), 0);
    assert_int_equal(
        fdt64_ld(fdt_getprop(got, node, "linux,initrd-start", NULL)),
        RAM - GUEST_PAGE);
    snprintf(path, sizeof(path), "%s/dtb", f->dir);
    assert_int_equal(boot_dump_fdt(b, &f->m, path), 0);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(dumped, 1, sizeof(dumped), file), e.size);
    fclose(file);
    assert_memory_equal(got, dumped, e.size);
    boot_close(b);
}

/* Everything at its largest still fits the window. */
static void the_largest_tables_fit(void **state)
{
    struct fixture *f = *state;
    char *text = calloc(1, 4096);
    struct boot *b;
    struct entry_state e;

    memset(text, 'x', 4095);
    f->m.n_cpus = MACHINE_MAX_CPUS;
    f->cfg.fdt = true;
    f->cfg.cmdline = text;
    for (unsigned i = 0; i < BOOT_MAX_MODULES; i++)
        add_module(f, f->initrd, text);
    b = open_ok(f);
    assert_int_equal(place_and_load(b, f, &e), 0);
    assert_int_equal(start_info(f, e.rbx).nr_modules, BOOT_MAX_MODULES + 1);
    boot_close(b);
    free(text);
}

/* ---- what is refused ---- */

static void kernels_that_cannot_boot(void **state)
{
    struct fixture *f = *state;
    struct kernel k = make_kernel();

    k.note.head.n_type = 1;
    put_file(f->kernel, &k, sizeof(k));
    open_refused(f, -EINVAL, "no PVH entry point");
    f->cfg.kernel = "/nonexistent/vmlinux";
    open_refused(f, -ENOENT, "/nonexistent/vmlinux");
}

static void segments_outside_ram(void **state)
{
    static const struct {
        uint64_t paddr, memsz;
        const char *want;
    } rows[] = {
        {RAM - 4096, 8192, "16 MiB of RAM: give more with --memory"},
        {GIB, 64, "at 0x40000000, is outside the guest's 16 MiB"},
        {UINT32_MAX, 1, "3 GiB to 4 GiB is for devices"},
        {LAYOUT_TABLES, 64, "link it at 1 MiB or above"},
        {LAYOUT_LOW_END - 1, 2, "link it at 1 MiB or above"},
        {LAYOUT_HOLE_END, 64, "give more with --memory"},
        {MIB, UINT64_MAX / 2, "is outside the guest's 16 MiB"},
    };
    struct fixture *f = *state;

    log_set_level(LOG_ERROR);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct kernel k = make_kernel();
        struct boot *b;

        /* Text below the first megabyte: apart from every second segment. */
        k.phdr[0].p_paddr = k.note.entry = 64 * KIB;
        k.phdr[1].p_paddr = rows[i].paddr;
        k.phdr[1].p_memsz = rows[i].memsz;
        put_file(f->kernel, &k, sizeof(k));
        assert_int_equal(boot_open(&f->cfg, &b), 0);
        load_refused(f, b, -EINVAL, rows[i].want);
    }
    log_set_level(LOG_INFO);
}

static void modules_that_cannot_be_used(void **state)
{
    struct fixture *f = *state;
    char path[64];

    snprintf(path, sizeof(path), "%s/other", f->dir);
    add_module(f, path, NULL);
    open_refused(f, -ENOENT, "other: cannot be opened: No such file");
    put_file(path, "", 0);
    open_refused(f, -EINVAL, "other: the file is empty");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    open_refused(f, -EINVAL, "other: not a regular file");
    unlink(path);
    f->cfg.modules[0].path = f->dir;
    open_refused(f, -EINVAL, "not a regular file");
    f->cfg.modules[0].path = "/dev/zero";
    open_refused(f, -EINVAL, "not a regular file");
}

/* At the end of RAM exactly, one byte more, and 1 TiB of holes. */
static void modules_that_do_not_fit(void **state)
{
    struct fixture *f = *state;
    const uint64_t room = RAM - BSS - BSS_SIZE;
    const uint64_t fits = room & ~(GUEST_PAGE - 1);
    struct boot *b;

    add_module(f, f->initrd, NULL);
    assert_int_equal(truncate(f->initrd, (off_t)fits), 0);
    b = open_ok(f);
    load(f, b);
    boot_close(b);
    assert_int_equal(truncate(f->initrd, (off_t)fits + 1), 0);
    load_refused(f, open_ok(f), -ENOSPC,
                 "it needs 13305 KiB, the largest free stretch of RAM below "
                 "3 GiB has 13304 KiB");
    assert_int_equal(truncate(f->initrd, (off_t)1 << 40), 0);
    load_refused(f, open_ok(f), -ENOSPC, "it needs 1073741824 KiB");
}

static void command_lines(void **state)
{
    struct fixture *f = *state;
    char text[4098] = "";

    f->cfg.cmdline = "a\nb";
    open_refused(f, -EINVAL, "byte 1 is the control character 0x0a");
    f->cfg.cmdline = "a\x1b[2J";
    open_refused(f, -EINVAL, "byte 1 is the control character 0x1b");
    memset(text, 'x', 4096);
    f->cfg.cmdline = text;
    open_refused(f, -EINVAL, "4096 bytes, but at most 4095 are taken");
    text[4095] = 0;
    boot_close(open_ok(f));
    f->cfg.cmdline = "tab\tand UTF-8 \xc3\xa4 pass";
    boot_close(open_ok(f));
    add_module(f, f->initrd, "two\nlines");
    open_refused(f, -EINVAL, "initrd: byte 3 is the control character");
}

/* Files that shrink between open and load: an error, never a signal. */
static void files_that_shrink(void **state)
{
    struct fixture *f = *state;
    struct boot *b;

    add_module(f, f->initrd, NULL);
    b = open_ok(f);
    assert_int_equal(truncate(f->initrd, 3), 0);
    load_refused(f, b, -EIO, "initrd: cannot be read");
    f->cfg.n_modules = 0;
    b = open_ok(f);
    assert_int_equal(truncate(f->kernel, 300), 0);
    load_refused(f, b, -EIO, "segment 0 cannot be read");
}

static void memory_below_the_tables(void **state)
{
    struct fixture *f = *state;
    struct kernel k = make_kernel();
    struct boot *b;

    k.phdr[0].p_paddr = 64 * KIB;
    k.phdr[1].p_paddr = 128 * KIB;
    k.note.entry = 64 * KIB;
    put_file(f->kernel, &k, sizeof(k));
    gmem_destroy(f->mem);
    f->mem = gmem_create(640 * KIB, GMEM_ANON);
    f->m.n_ranges = 1;
    log_set_level(LOG_ERROR);
    assert_int_equal(boot_open(&f->cfg, &b), 0);
    load_refused(f, b, -EFAULT, "give at least 1 MiB with --memory");
    log_set_level(LOG_INFO);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plain_elf_boots),
        TEST(only_what_must_be_is_written),
        TEST(modules_are_high_and_apart),
        TEST(loads_again_without_files),
        TEST(packed_elf_boots_twice),
        TEST(device_tree_is_the_last_module),
        TEST(the_largest_tables_fit),
        TEST(kernels_that_cannot_boot),
        TEST(segments_outside_ram),
        TEST(modules_that_cannot_be_used),
        TEST(modules_that_do_not_fit),
        TEST(command_lines),
        TEST(files_that_shrink),
        TEST(memory_below_the_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
