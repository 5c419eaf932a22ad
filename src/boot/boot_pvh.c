// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * boot_pvh.c: the PVH boot of Xen's docs/misc/pvh.
 *
 * Where things go in guest memory:
 *
 *   LAYOUT_TABLES   ACPI (the RSDP first, where a scan for it looks too),
 *                   the device tree if asked for, start_info and its parts
 *   as linked       the kernel's segments
 *   top of low RAM  the modules, downwards
 */
#include "boot/boot_priv.h"

#include "boot/fdt.h"
#include "boot/pvh.h"
#include "vmm/log.h"

#define FDT_CMDLINE "dtb"

_Static_assert(BOOT_WINDOW >=
                   (BOOT_MAX_MODULES + 1) * (BOOT_CMDLINE_MAX + 1) + 48 * KIB,
               "the longest command lines and 48 KiB of tables fit");

/* The first module is the initrd, as for start_info. */
int64_t boot_build_fdt(const struct boot *b, const struct machine_desc *m,
                       const struct boot_plan *p, void *buf, size_t size)
{
    const struct placed_module *initrd = &p->modules[0];
    const bool has = b->n_files > 0;

    return fdt_build(m, b->cfg->cmdline, GPA(has ? initrd->base.v : 0),
                     GPA(has ? initrd->base.v + initrd->size : 0), buf, size);
}

/* Round up what of the window is used to where the next part may start. */
static size_t next_part(int64_t used)
{
    return ((size_t)used + PVH_ALIGN - 1) & ~(size_t)(PVH_ALIGN - 1);
}

static int64_t add_fdt(struct boot *b, const struct machine_desc *m)
{
    struct boot_plan *p = &b->plan;
    const int64_t n =
        boot_build_fdt(b, m, p, b->window + p->tables, BOOT_WINDOW - p->tables);

    if (n < 0)
        return n;
    p->modules[p->n_modules++] = (struct placed_module){
        GPA(LAYOUT_TABLES + p->tables), (uint64_t)n, FDT_CMDLINE};
    p->tables = next_part((int64_t)p->tables + n);
    return n;
}

static int64_t add_start_info(struct boot *b, const struct machine_desc *m)
{
    struct boot_plan *p = &b->plan;
    const struct pvh_info info = {
        .machine = m,
        .cmdline = b->cfg->cmdline,
        .modules = p->modules,
        .n_modules = p->n_modules,
        .rsdp = GPA(LAYOUT_TABLES),
    };
    int64_t n;

    p->info = GPA(LAYOUT_TABLES + p->tables);
    n = pvh_build(&info, p->info, b->window + p->tables,
                  BOOT_WINDOW - p->tables);
    if (n >= 0)
        p->tables += (size_t)n;
    return n;
}

/* Device tree and start_info behind ACPI in b->window. */
static int plan_info(struct boot *b, const struct machine_desc *m)
{
    int64_t n = b->cfg->fdt ? add_fdt(b, m) : 0;

    if (n >= 0)
        n = add_start_info(b, m);
    if (n >= 0)
        return 0;
    log_error("kernel %s: command lines and tables need more than the %u KiB "
              "kept for them: shorten the command lines",
              b->cfg->kernel, (unsigned)(BOOT_WINDOW / KIB));
    return (int)n;
}

/*
 * A kernel that finds no better way to reboot jumps to where a PC's firmware
 * would be, in real mode. Linux does so on hardware-reduced ACPI without EFI.
 */
static int load_reset_vector(struct gmem *mem)
{
    static const unsigned char code[] = {
        0xb0,
        LAYOUT_RESET_VALUE, /* mov $1, %al */
        0xba,
        LAYOUT_RESET & 0xff,
        LAYOUT_RESET >> 8, /* mov $.., %dx */
        0xee,              /* out %al, %dx */
        0xf4,              /* 1: hlt */
        0xeb,
        0xfd, /* jmp 1b */
    };

    return gmem_write(mem, GPA(LAYOUT_RESET_VECTOR), code, sizeof(code));
}

static int place(struct boot *b, const struct gmem *mem,
                 const struct machine_desc *m, struct entry_state *out)
{
    struct span kernel[IMAGE_MAX_SEGMENTS];
    int rc = boot_check_segments(b, m, mem);

    if (rc == 0)
        rc = boot_plan_modules(b, m, kernel, boot_segment_spans(b, kernel));
    if (rc == 0)
        rc = boot_plan_acpi(b, m);
    if (rc == 0)
        rc = plan_info(b, m);
    if (rc)
        return rc;
    *out = (struct entry_state){
        .kind = ENTRY_PVH,
        .rip = image_info(b->img)->pvh_entry,
        .rbx = b->plan.info.v,
    };
    return 0;
}

static int load(struct boot *b, struct gmem *mem)
{
    int rc = boot_load_segments(b, mem);

    if (rc == 0 && b->cfg->xen_calls)
        rc = boot_patch_calls(b, mem);
    if (rc == 0)
        rc = boot_load_modules(b, mem);
    if (rc == 0)
        rc = boot_load_window(b, mem);
    return rc ? rc : load_reset_vector(mem);
}

static bool takes(const struct image_info *info, enum boot_entry entry)
{
    return info->has_pvh && entry == BOOT_ENTRY_AUTO;
}

const struct boot_ops boot_pvh = {
    .name = "pvh",
    .takes = takes,
    .place = place,
    .load = load,
};
