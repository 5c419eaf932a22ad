// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * boot_linux.c: a bzImage by the Linux boot protocol, at its 64-bit or its
 * 32-bit entry. Linux Documentation/arch/x86/boot.rst, sections "The 64-bit
 * boot protocol" and "The 32-bit boot protocol", and zero-page.rst.
 *
 * Where things go in guest memory:
 *
 *   LOW            descriptors, boot_params, the command line, a seed for the
 *                  kernel's random numbers, and for the 64-bit entry page
 *                  tables that map 4 GiB to themselves: struct low
 *   LAYOUT_TABLES  ACPI; no firmware runs that could bring it
 *   pref_address   the protected-mode kernel, which unpacks itself there; all
 *                  of init_size is kept free for that. A kernel that cannot
 *                  be moved is put to 1 MiB and goes there by itself
 *   top of RAM     the initrd, below what the kernel can reach. Several are
 *                  one after another, which is one to Linux
 *
 * Thread: as boot.c.
 */
#include "boot/boot_priv.h"

#include "vmm/checked.h"
#include "vmm/log.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define LOW            0x6000u
#define KERNEL_OLD     0x100000u
#define ENTRY64_OFFSET 0x200u
#define LOADER_OTHER   0xff /* type_of_loader: none of the registered ones */
#define VGA_NORMAL     0xffff
#define INITRD_ALIGN   4u

/* Flat segments: __BOOT_CS is selector 0x10, __BOOT_DS is 0x18. */
#define GDT_CODE32 0x00cf9b000000ffffull
#define GDT_CODE64 0x00af9b000000ffffull
#define GDT_DATA   0x00cf93000000ffffull
#define GDT_LEN    4u

#define PTE_TABLE 0x03u /* present, writable */
#define PTE_LARGE 0x83u
#define ENTRIES   512u
#define LARGE     (2 * MIB)

struct seed {
    struct setup_data head;
    uint8_t bytes[32];
};

struct low {
    uint64_t gdt[GDT_LEN];
    struct seed seed;
    uint8_t pad[4096 - GDT_LEN * 8 - sizeof(struct seed)];
    struct boot_params params;
    char cmdline[4096];
    uint64_t pml4[ENTRIES], pdpt[ENTRIES], pd[4][ENTRIES];
};

_Static_assert(sizeof(struct boot_params) == 4096, "zero page layout");
_Static_assert(offsetof(struct boot_params, hdr) + IMAGE_LINUX_HEADER ==
                   offsetof(struct boot_params, edd_mbr_sig_buffer),
               "the header has all the room there is");
_Static_assert(BOOT_CMDLINE_MAX < sizeof(((struct low *)0)->cmdline),
               "the longest command line fits");
_Static_assert(LOW + sizeof(struct low) <= 0x10000, "in the first 64 KiB");
_Static_assert(MACHINE_MAX_RANGES <= E820_MAX_ENTRIES_ZEROPAGE, "e820 fits");
_Static_assert(sizeof(struct low) == BOOT_LOW, "as boot_priv.h has it");
_Static_assert(offsetof(struct low, params) == 4096, "pages are pages");

#define AT(field) (LOW + (uint32_t)offsetof(struct low, field))

static struct low *low_of(struct boot *b)
{
    return (struct low *)(void *)b->low;
}

/* ---- what is wrong with it ---- */

int boot_check_linux(struct boot *b)
{
    const struct image_linux *bz = &image_info(b->img)->bz;

    if (!bz->high) {
        log_error("kernel %s: a zImage, which loads below 640 KiB: give a "
                  "bzImage",
                  b->cfg->kernel);
        return -EINVAL;
    }
    for (unsigned i = 0; i < b->n_files; i++) {
        if (!b->cfg->modules[i].cmdline)
            continue;
        log_error("initrd %s: the Linux boot protocol has no command line for "
                  "it: leave it out",
                  b->cfg->modules[i].path);
        return -EINVAL;
    }
    return 0;
}

static bool takes64(const struct image_info *info, enum boot_entry entry)
{
    return info->container == IMAGE_BZIMAGE && info->bz.entry64 &&
           (entry == BOOT_ENTRY_AUTO || entry == BOOT_ENTRY_64);
}

static bool takes32(const struct image_info *info, enum boot_entry entry)
{
    return info->container == IMAGE_BZIMAGE &&
           (entry == BOOT_ENTRY_AUTO || entry == BOOT_ENTRY_32);
}

/* ---- plan ---- */

/* Where it wants to be put. */
static uint64_t load_address(const struct image_linux *bz)
{
    const uint64_t align = bz->alignment ? bz->alignment : 1;

    if (bz->relocatable && bz->pref_address && bz->pref_address % align == 0)
        return bz->pref_address;
    return KERNEL_OLD;
}

/* What of memory it may use until it knows the map. */
static struct span run_span(const struct image_linux *bz)
{
    return (struct span){
        .base = bz->pref_address ? bz->pref_address : KERNEL_OLD,
        .size =
            bz->init_size > bz->kernel_size ? bz->init_size : bz->kernel_size,
    };
}

/* The kernel as it is put and as it runs must be RAM. */
static int check_kernel(const struct boot *b, const struct machine_desc *m,
                        const struct gmem *mem, const struct span spans[2])
{
    for (unsigned i = 0; i < 2; i++) {
        const gpa_t base = GPA(spans[i].base);

        if (place_is_ram(m, base, spans[i].size) &&
            gmem_is_ram(mem, base, spans[i].size))
            continue;
        log_error("kernel %s: it needs %llu KiB at 0x%llx, which is not all "
                  "in the guest's %llu MiB of RAM: give more with --memory",
                  b->cfg->kernel,
                  (unsigned long long)((spans[i].size - 1) / KIB + 1),
                  (unsigned long long)base.v,
                  (unsigned long long)(gmem_size(mem) / MIB));
        return -EINVAL;
    }
    return 0;
}

uint64_t boot_initrd_next(uint64_t at)
{
    return (at + INITRD_ALIGN - 1) & ~(uint64_t)(INITRD_ALIGN - 1);
}

/* Files are far smaller than the sum of their sizes could wrap at. */
uint64_t boot_initrd_size(const struct boot *b)
{
    uint64_t size = 0;

    for (unsigned i = 0; i < b->n_files; i++)
        size = boot_initrd_next(size) + b->files[i].size;
    return size;
}

static void put_initrds(struct boot *b, uint64_t at)
{
    for (unsigned i = 0; i < b->n_files; i++) {
        at = boot_initrd_next(at);
        b->plan.modules[i] =
            (struct placed_module){GPA(at), b->files[i].size, NULL};
        at += b->files[i].size;
    }
    b->plan.n_modules = b->n_files;
}

static int plan_initrd(struct boot *b, const struct machine_desc *m,
                       const struct span *taken, unsigned n)
{
    const uint64_t size = boot_initrd_size(b);
    gpa_t at;

    if (size == 0)
        return 0;
    if (place_high(m, taken, n, size, &at)) {
        put_initrds(b, at.v);
        return 0;
    }
    log_error("initrd %s: does not fit: %llu KiB are needed below 0x%llx, the "
              "largest free stretch of RAM has %llu KiB: give more with "
              "--memory, or a smaller file",
              b->cfg->modules[0].path,
              (unsigned long long)((size - 1) / KIB + 1),
              (unsigned long long)image_info(b->img)->bz.initrd_max + 1,
              (unsigned long long)(place_room(m, taken, n) / KIB));
    return -ENOSPC;
}

int boot_plan_linux(struct boot *b, const struct machine_desc *m,
                    const struct gmem *mem, uint64_t at,
                    const struct span *keep)
{
    const struct image_linux *bz = &image_info(b->img)->bz;
    const uint64_t end = (uint64_t)bz->initrd_max + 1;
    struct span taken[4] = {
        {at ? at : load_address(bz), bz->kernel_size},
        run_span(bz),
    };
    int rc;

    b->plan.kernel = GPA(taken[0].base);
    rc = check_kernel(b, m, mem, taken);
    if (rc)
        return rc;
    /* place_high keeps below the hole by itself. */
    if (end < LAYOUT_HOLE)
        taken[2] = (struct span){end, LAYOUT_HOLE - end};
    if (keep)
        taken[3] = *keep;
    return plan_initrd(b, m, taken, ARRAY_LEN(taken));
}

/* ---- what the kernel reads ---- */

static void put_e820(struct boot_params *bp, const struct machine_desc *m)
{
    for (unsigned i = 0; i < m->n_ranges; i++)
        bp->e820_table[i] =
            (struct boot_e820_entry){.addr = m->map[i].base.v,
                                     .size = m->map[i].size,
                                     .type = (uint32_t)m->map[i].type};
    bp->e820_entries = (uint8_t)m->n_ranges;
}

static void put_params(struct boot *b, const struct machine_desc *m,
                       struct boot_params *bp)
{
    const struct image_linux *bz = &image_info(b->img)->bz;
    const struct boot_plan *p = &b->plan;

    memcpy(&bp->hdr, bz->header, sizeof(bz->header));
    bp->acpi_rsdp_addr = LAYOUT_TABLES;
    bp->hdr.type_of_loader = LOADER_OTHER;
    bp->hdr.vid_mode = VGA_NORMAL;
    bp->hdr.code32_start = (uint32_t)p->kernel.v;
    bp->hdr.cmd_line_ptr = AT(cmdline);
    bp->hdr.setup_data = AT(seed);
    if (p->n_modules) {
        bp->hdr.ramdisk_image = (uint32_t)p->modules[0].base.v;
        bp->hdr.ramdisk_size = (uint32_t)boot_initrd_size(b);
    }
    put_e820(bp, m);
}

/* A kernel that knows SETUP_RNG_SEED has random numbers from the start. */
static void put_seed(struct seed *s)
{
    s->head = (struct setup_data){.type = SETUP_RNG_SEED};
    if (getrandom(s->bytes, sizeof(s->bytes), GRND_NONBLOCK) ==
        (ssize_t)sizeof(s->bytes))
        s->head.len = sizeof(s->bytes);
}

static void put_page_tables(struct low *low)
{
    low->pml4[0] = AT(pdpt) | PTE_TABLE;
    for (unsigned i = 0; i < ARRAY_LEN(low->pd); i++) {
        low->pdpt[i] = (AT(pd) + i * sizeof(low->pd[0])) | PTE_TABLE;
        for (unsigned j = 0; j < ENTRIES; j++)
            low->pd[i][j] = (i * (uint64_t)ENTRIES + j) * LARGE | PTE_LARGE;
    }
}

static void put_low(struct boot *b, const struct machine_desc *m, bool wide)
{
    struct low *low = low_of(b);

    memset(low, 0, sizeof(*low));
    low->gdt[2] = wide ? GDT_CODE64 : GDT_CODE32;
    low->gdt[3] = GDT_DATA;
    put_seed(&low->seed);
    put_params(b, m, &low->params);
    memcpy(low->cmdline, b->cfg->cmdline, strlen(b->cfg->cmdline) + 1);
    if (wide)
        put_page_tables(low);
}

static int plan_low(struct boot *b, const struct machine_desc *m,
                    const struct gmem *mem, bool wide)
{
    if (!place_is_ram(m, GPA(LOW), sizeof(b->low)) ||
        !gmem_is_ram(mem, GPA(LOW), sizeof(b->low))) {
        log_error("guest memory: no RAM at 0x%x for the boot parameters: give "
                  "at least 1 MiB with --memory",
                  LOW);
        return -EINVAL;
    }
    put_low(b, m, wide);
    return 0;
}

static int plan(struct boot *b, const struct gmem *mem,
                const struct machine_desc *m, bool wide)
{
    int rc = boot_plan_linux(b, m, mem, 0, NULL);

    if (rc == 0)
        rc = boot_plan_acpi(b, m);
    return rc ? rc : plan_low(b, m, mem, wide);
}

/* ---- the two entries ---- */

static int place64(struct boot *b, const struct gmem *mem,
                   const struct machine_desc *m, struct entry_state *out)
{
    const int rc = plan(b, mem, m, true);

    *out = (struct entry_state){
        .kind = ENTRY_LINUX64,
        .rip = b->plan.kernel.v + ENTRY64_OFFSET,
        .rsi = AT(params),
        .cr3 = AT(pml4),
        .gdt = AT(gdt),
        .gdt_size = GDT_LEN * sizeof(uint64_t),
    };
    return rc;
}

static int place32(struct boot *b, const struct gmem *mem,
                   const struct machine_desc *m, struct entry_state *out)
{
    const int rc = plan(b, mem, m, false);

    *out = (struct entry_state){
        .kind = ENTRY_LINUX32,
        .rip = b->plan.kernel.v,
        .rsi = AT(params),
        .gdt = AT(gdt),
        .gdt_size = GDT_LEN * sizeof(uint64_t),
    };
    return rc;
}

static int load(struct boot *b, struct gmem *mem)
{
    const struct image_linux *bz = &image_info(b->img)->bz;
    int rc = gmem_load(mem, b->plan.kernel, image_file(b->img), bz->kernel_at,
                       bz->kernel_size);

    if (rc) {
        log_error("kernel %s: cannot be read: %s: was the file changed since "
                  "it was opened? start again",
                  b->cfg->kernel, strerror(-rc));
        return rc;
    }
    rc = boot_load_modules(b, mem);
    if (rc == 0)
        rc = boot_load_window(b, mem);
    return rc ? rc : gmem_write(mem, GPA(LOW), b->low, sizeof(b->low));
}

const struct boot_ops boot_linux64 = {
    .name = "linux, 64-bit",
    .takes = takes64,
    .check = boot_check_linux,
    .place = place64,
    .load = load,
};

const struct boot_ops boot_linux32 = {
    .name = "linux, 32-bit",
    .takes = takes32,
    .check = boot_check_linux,
    .place = place32,
    .load = load,
};
