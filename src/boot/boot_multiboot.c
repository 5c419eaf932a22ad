// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * boot_multiboot.c: a Multiboot image; Multiboot specification 0.6.96.
 *
 * Where things go in guest memory:
 *
 *   LAYOUT_TABLES   ACPI (where a scan for the RSDP looks), then the Multiboot
 *                   information and what it points to
 *   as linked       the image, by its header's addresses or as an ELF
 *   top of low RAM  the modules, page-aligned, downwards
 *
 * By custom the first word of each string is the file's name; kernels that
 * parse their command line drop it.
 *
 * Thread: as boot.c.
 */
#include "boot/boot_priv.h"

#include "abi/multiboot.h"
#include "boot/writer.h"
#include "vmm/log.h"

#include <errno.h>
#include <string.h>

#define LOADER_NAME "vmm"
#define UNDERSTOOD  (MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY)

static bool takes(const struct image_info *info, enum boot_entry entry)
{
    return info->multiboot.found && entry == BOOT_ENTRY_AUTO;
}

/* 3.1.2: what is required and not understood is to be refused. */
static int check(struct boot *b)
{
    const uint32_t flags = image_info(b->img)->multiboot.flags;

    if (flags & MULTIBOOT_VIDEO) {
        log_error("kernel %s: its Multiboot header asks for a video mode, "
                  "which needs a BIOS: boot it with GRUB from a disk",
                  b->cfg->kernel);
        return -EINVAL;
    }
    if (flags & MULTIBOOT_REQUIRED & ~UNDERSTOOD) {
        log_error("kernel %s: its Multiboot header requires what nobody "
                  "knows: flags 0x%x",
                  b->cfg->kernel, flags & MULTIBOOT_REQUIRED & ~UNDERSTOOD);
        return -EINVAL;
    }
    return 0;
}

/* ---- the information ---- */

/* Where in the window the parts are that follow the information. */
struct parts {
    struct writer w;
    struct multiboot_info info;
    struct multiboot_module modules[BOOT_MAX_MODULES];
};

/* The address of what is written next. */
static uint32_t here(const struct boot *b, const struct parts *p)
{
    return (uint32_t)(LAYOUT_TABLES + b->plan.tables + p->w.len);
}

/* "name text" and a NUL; its address is returned. */
static uint32_t put_string(const struct boot *b, struct parts *p,
                           const char *path, const char *text)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const uint32_t at = here(b, p);

    writer_bytes(&p->w, name, strlen(name));
    if (text && text[0]) {
        writer_byte(&p->w, ' ');
        writer_bytes(&p->w, text, strlen(text));
    }
    writer_byte(&p->w, '\0');
    return at;
}

static void put_mmap(const struct boot *b, struct parts *p,
                     const struct machine_desc *m)
{
    p->info.mmap_addr = here(b, p);
    for (unsigned i = 0; i < m->n_ranges; i++) {
        const struct multiboot_mmap e = {
            .size = sizeof(e) - sizeof(e.size),
            .addr = m->map[i].base.v,
            .len = m->map[i].size,
            .type = (uint32_t)m->map[i].type,
        };

        writer_bytes(&p->w, &e, sizeof(e));
    }
    p->info.mmap_length = here(b, p) - p->info.mmap_addr;
}

/* Bytes of RAM in one piece from base on. */
static uint64_t ram_from(const struct machine_desc *m, uint64_t base)
{
    for (unsigned i = 0; i < m->n_ranges; i++) {
        const struct mem_range *r = &m->map[i];

        if (r->type == MEM_RAM && base >= r->base.v &&
            base - r->base.v < r->size)
            return r->size - (base - r->base.v);
    }
    return 0;
}

static void put_modules(const struct boot *b, struct parts *p)
{
    const unsigned n = b->plan.n_modules;

    for (unsigned i = 0; i < n; i++) {
        const struct placed_module *mod = &b->plan.modules[i];

        p->modules[i] = (struct multiboot_module){
            .start = (uint32_t)mod->base.v,
            .end = (uint32_t)(mod->base.v + mod->size),
            .string = put_string(b, p, b->cfg->modules[i].path, mod->cmdline),
        };
    }
    writer_align(&p->w, 4);
    p->info.mods_count = n;
    p->info.mods_addr = here(b, p);
    writer_bytes(&p->w, p->modules, n * sizeof(p->modules[0]));
}

/* The information is first, and complete when all else is written. */
static int64_t build(struct boot *b, const struct machine_desc *m)
{
    struct parts p = {0};

    writer_init(&p.w, b->window + b->plan.tables,
                sizeof(b->window) - b->plan.tables);
    writer_bytes(&p.w, &p.info, sizeof(p.info));
    p.info.flags = MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_CMDLINE |
                   MULTIBOOT_INFO_MODS | MULTIBOOT_INFO_MMAP |
                   MULTIBOOT_INFO_LOADER;
    p.info.mem_lower = (uint32_t)(ram_from(m, 0) / KIB);
    p.info.mem_upper = (uint32_t)(ram_from(m, MIB) / KIB);
    put_mmap(b, &p, m);
    p.info.boot_loader_name = put_string(b, &p, LOADER_NAME, NULL);
    p.info.cmdline = put_string(b, &p, b->cfg->kernel, b->cfg->cmdline);
    put_modules(b, &p);
    writer_patch(&p.w, 0, &p.info, sizeof(p.info));
    return writer_size(&p.w);
}

static int plan_info(struct boot *b, const struct machine_desc *m)
{
    int64_t n;

    b->plan.info = GPA(LAYOUT_TABLES + b->plan.tables);
    n = build(b, m);
    if (n < 0) {
        log_error("kernel %s: command lines and tables need more than the %u "
                  "KiB kept for them: shorten the command lines",
                  b->cfg->kernel, (unsigned)(sizeof(b->window) / KIB));
        return (int)n;
    }
    b->plan.tables += (size_t)n;
    return 0;
}

/* ---- the protocol ---- */

static int place(struct boot *b, const struct gmem *mem,
                 const struct machine_desc *m, struct entry_state *out)
{
    const struct image_multiboot *mb = &image_info(b->img)->multiboot;
    struct span kernel[IMAGE_MAX_SEGMENTS];
    int rc;

    if (mb->addresses) {
        b->segments = &mb->segment;
        b->n_segments = 1;
    }
    rc = boot_check_segments(b, m, mem);
    if (rc == 0)
        rc = boot_plan_modules(b, m, kernel, boot_segment_spans(b, kernel));
    if (rc == 0)
        rc = boot_plan_acpi(b, m);
    if (rc == 0)
        rc = plan_info(b, m);
    *out = (struct entry_state){
        .kind = ENTRY_MULTIBOOT,
        .rip = mb->entry,
        .rax = MULTIBOOT_BOOT_MAGIC,
        .rbx = b->plan.info.v,
    };
    return rc;
}

static int load(struct boot *b, struct gmem *mem)
{
    int rc = boot_load_segments(b, mem);

    if (rc == 0)
        rc = boot_load_modules(b, mem);
    return rc ? rc : boot_load_window(b, mem);
}

const struct boot_ops boot_multiboot = {
    .name = "multiboot",
    .takes = takes,
    .check = check,
    .place = place,
    .load = load,
};
