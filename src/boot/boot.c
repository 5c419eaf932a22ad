// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * boot.c: see boot.h. The PVH boot of Xen's docs/misc/pvh.
 *
 * Where things go in guest memory:
 *
 *   LAYOUT_TABLES   ACPI (the RSDP first, where a scan for it looks too),
 *                   the device tree if asked for, start_info and its parts
 *   as linked       the kernel's segments; their bss is not written, since
 *                   guest memory is fresh
 *   top of low RAM  the modules, downwards
 *
 * boot_open opens and checks, boot_load checks against the machine and then
 * copies. A plain ELF and the modules go from the page cache straight into
 * guest memory; a packed kernel is unpacked into memory of ours, which is
 * given back once it is copied.
 *
 * Thread: start-up, and the loop thread on a reboot, in the sandbox: no file
 * is opened there, and the tables are built in a buffer made by boot_open.
 */
#include "boot/boot.h"

#include "abi/layout.h"
#include "boot/acpi.h"
#include "boot/dump.h"
#include "boot/fdt.h"
#include "boot/image.h"
#include "boot/place.h"
#include "boot/pvh.h"
#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW       (LAYOUT_TABLES_END - LAYOUT_TABLES)
#define CMDLINE_MAX  4095 /* bytes, where the kernel does not say less */
#define DESCRIBE_MAX 256
#define FDT_CMDLINE  "dtb"
#define MAX_SPANS    (IMAGE_MAX_SEGMENTS + BOOT_MAX_MODULES)

_Static_assert(WINDOW >= (BOOT_MAX_MODULES + 1) * (CMDLINE_MAX + 1) + 48 * KIB,
               "the longest command lines and 48 KiB of tables fit");

struct module {
    int fd; /* owned */
    uint64_t size;
};

/* What goes where; the device tree may be one module more. */
struct plan {
    struct pvh_module modules[BOOT_MAX_MODULES + 1];
    unsigned n_modules;
    size_t tables; /* bytes of the window used */
    gpa_t start_info;
};

struct boot {
    const struct boot_config *cfg; /* borrowed */
    struct image *img;             /* owned */
    struct module modules[BOOT_MAX_MODULES];
    unsigned n_modules;                       /* opened so far */
    struct plan plan;                         /* made by boot_place */
    _Alignas(8) unsigned char window[WINDOW]; /* the tables, ditto */
};

/* ---- open ---- */

/* whose: the file the text is for. */
static int check_text(const char *whose, const char *text, size_t max)
{
    const size_t n = strlen(text);

    if (n > max) {
        log_error("command line of %s: %zu bytes, but at most %zu are taken: "
                  "shorten it",
                  whose, n, max);
        return -EINVAL;
    }
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] >= ' ' || text[i] == '\t')
            continue;
        log_error("command line of %s: byte %zu is the control character "
                  "0x%02x: give one line of text",
                  whose, i, (unsigned)(unsigned char)text[i]);
        return -EINVAL;
    }
    return 0;
}

/* bzImage says how long a command line its kernel takes; others do not. */
static size_t cmdline_limit(const struct image_info *info)
{
    return info->bz_cmdline_max && info->bz_cmdline_max < CMDLINE_MAX
               ? info->bz_cmdline_max
               : CMDLINE_MAX;
}

static int open_kernel(struct boot *b)
{
    const char *path = b->cfg->kernel;
    const struct image_info *info;
    int rc = image_open(path, &b->img);

    if (rc < 0)
        return rc;
    info = image_info(b->img);
    if (!info->has_pvh) {
        log_error("kernel %s: no PVH entry point (ELF note Xen 18): build it "
                  "with CONFIG_PVH=y; `vmm inspect` tells what it has",
                  path);
        return -EINVAL;
    }
    return check_text(path, b->cfg->cmdline, cmdline_limit(info));
}

/* Is what was opened something that can be loaded? Sets mod->size. */
static int check_module(struct module *mod, const char *path)
{
    struct stat st;

    if (fstat(mod->fd, &st) < 0) {
        const int rc = -errno;

        log_error("initrd %s: cannot be examined: %s: give another file", path,
                  strerror(-rc));
        return rc;
    }
    if (!S_ISREG(st.st_mode)) {
        log_error("initrd %s: not a regular file: give a file that holds the "
                  "initramfs",
                  path);
        return -EINVAL;
    }
    if (st.st_size == 0) {
        log_error("initrd %s: the file is empty: give another one, or leave "
                  "--initrd out",
                  path);
        return -EINVAL;
    }
    mod->size = (uint64_t)st.st_size;
    return 0;
}

/* O_NONBLOCK: a FIFO without a writer is refused, not waited for. */
static int open_module(struct boot *b, const struct boot_module *want)
{
    struct module *mod = &b->modules[b->n_modules];
    int rc;

    mod->fd = open(want->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (mod->fd < 0) {
        rc = -errno;
        log_error("initrd %s: cannot be opened: %s: check path and "
                  "permissions",
                  want->path, strerror(-rc));
        return rc;
    }
    b->n_modules++;
    rc = check_module(mod, want->path);
    if (rc == 0 && want->cmdline)
        rc = check_text(want->path, want->cmdline, CMDLINE_MAX);
    return rc;
}

static int open_all(struct boot *b)
{
    int rc = open_kernel(b);

    for (unsigned i = 0; rc == 0 && i < b->cfg->n_modules; i++)
        rc = open_module(b, &b->cfg->modules[i]);
    return rc;
}

int boot_open(const struct boot_config *cfg, struct boot **out)
{
    char what[DESCRIBE_MAX];
    struct boot *b = calloc(1, sizeof(*b));
    int rc;

    BUG_ON(cfg->n_modules > BOOT_MAX_MODULES);
    if (!b) {
        log_error("kernel %s: out of memory: free some on the host",
                  cfg->kernel);
        return -ENOMEM;
    }
    b->cfg = cfg;
    rc = open_all(b);
    if (rc < 0) {
        boot_close(b);
        return rc;
    }
    image_describe(b->img, what, sizeof(what));
    log_info("kernel: %s, booting pvh", what);
    *out = b;
    return 0;
}

void boot_close(struct boot *b)
{
    if (!b)
        return;
    while (b->n_modules)
        close(b->modules[--b->n_modules].fd);
    image_close(b->img);
    free(b);
}

/* ---- plan ---- */

/* What to do about a segment that is not in RAM. */
static const char *segment_advice(const struct image_segment *s)
{
    if (ranges_overlap(s->paddr.v, s->memsz, LAYOUT_LOW_END,
                       LAYOUT_LOW_TOP - LAYOUT_LOW_END))
        return "0xa0000 to 0xfffff is reserved, link it at 1 MiB or above";
    if (ranges_overlap(s->paddr.v, s->memsz, LAYOUT_HOLE,
                       LAYOUT_HOLE_END - LAYOUT_HOLE))
        return "3 GiB to 4 GiB is for devices, link it lower";
    return "give more with --memory";
}

static int check_segments(const struct boot *b, const struct machine_desc *m,
                          const struct gmem *mem)
{
    const struct image_info *info = image_info(b->img);

    for (unsigned i = 0; i < info->n_segments; i++) {
        const struct image_segment *s = &info->segments[i];

        if (place_is_ram(m, s->paddr, s->memsz) &&
            gmem_is_ram(mem, s->paddr, s->memsz))
            continue;
        log_error("kernel %s: segment %u, %llu KiB at 0x%llx, is outside the "
                  "guest's %llu MiB of RAM: %s",
                  b->cfg->kernel, i, (unsigned long long)(s->memsz / KIB),
                  (unsigned long long)s->paddr.v,
                  (unsigned long long)(gmem_size(mem) / MIB),
                  segment_advice(s));
        return -EINVAL;
    }
    return 0;
}

static unsigned segment_spans(const struct boot *b, struct span *out)
{
    const struct image_info *info = image_info(b->img);

    for (unsigned i = 0; i < info->n_segments; i++)
        out[i] =
            (struct span){info->segments[i].paddr.v, info->segments[i].memsz};
    return info->n_segments;
}

/* Find a place for every module, clear of the kernel and of each other. */
static int plan_modules(const struct boot *b, const struct machine_desc *m,
                        struct plan *p)
{
    struct span taken[MAX_SPANS];
    unsigned n = segment_spans(b, taken);

    for (unsigned i = 0; i < b->n_modules; i++) {
        const struct boot_module *want = &b->cfg->modules[i];
        const uint64_t size = b->modules[i].size;
        gpa_t at;

        if (!place_high(m, taken, n, size, &at)) {
            log_error("initrd %s: does not fit: it needs %llu KiB, the "
                      "largest free stretch of RAM below 3 GiB has %llu KiB: "
                      "give more with --memory, or a smaller file",
                      want->path, (unsigned long long)((size - 1) / KIB + 1),
                      (unsigned long long)(place_room(m, taken, n) / KIB));
            return -ENOSPC;
        }
        taken[n++] = (struct span){at.v, size};
        p->modules[i] = (struct pvh_module){at, size, want->cmdline};
    }
    p->n_modules = b->n_modules;
    return 0;
}

/* The first module is the initrd, as for start_info. */
static int64_t build_fdt(const struct boot *b, const struct machine_desc *m,
                         const struct plan *p, void *buf, size_t size)
{
    const struct pvh_module *initrd = &p->modules[0];
    const bool has = b->n_modules > 0;

    return fdt_build(m, b->cfg->cmdline, GPA(has ? initrd->base.v : 0),
                     GPA(has ? initrd->base.v + initrd->size : 0), buf, size);
}

/* Round up what of the window is used to where the next part may start. */
static size_t next_part(int64_t used)
{
    return ((size_t)used + PVH_ALIGN - 1) & ~(size_t)(PVH_ALIGN - 1);
}

static int64_t add_fdt(struct boot *b, const struct machine_desc *m,
                       struct plan *p)
{
    const int64_t n =
        build_fdt(b, m, p, b->window + p->tables, WINDOW - p->tables);

    if (n < 0)
        return n;
    p->modules[p->n_modules++] = (struct pvh_module){
        GPA(LAYOUT_TABLES + p->tables), (uint64_t)n, FDT_CMDLINE};
    p->tables = next_part((int64_t)p->tables + n);
    return n;
}

static int64_t add_start_info(struct boot *b, const struct machine_desc *m,
                              struct plan *p)
{
    const struct pvh_info info = {
        .machine = m,
        .cmdline = b->cfg->cmdline,
        .modules = p->modules,
        .n_modules = p->n_modules,
        .rsdp = GPA(LAYOUT_TABLES),
    };
    int64_t n;

    p->start_info = GPA(LAYOUT_TABLES + p->tables);
    n = pvh_build(&info, p->start_info, b->window + p->tables,
                  WINDOW - p->tables);
    if (n >= 0)
        p->tables += (size_t)n;
    return n;
}

/* ACPI, device tree, start_info: one after the other in b->window. */
static int64_t build_window(struct boot *b, const struct machine_desc *m,
                            struct plan *p)
{
    int64_t n = acpi_build(m, GPA(LAYOUT_TABLES), b->window, WINDOW);

    if (n < 0)
        return n;
    p->tables = next_part(n);
    if (b->cfg->fdt)
        n = add_fdt(b, m, p);
    return n < 0 ? n : add_start_info(b, m, p);
}

static int plan_tables(struct boot *b, const struct machine_desc *m,
                       struct plan *p)
{
    const int64_t n = build_window(b, m, p);

    if (n >= 0)
        return 0;
    log_error("kernel %s: command lines and tables need more than the %u KiB "
              "kept for them: shorten the command lines",
              b->cfg->kernel, (unsigned)(WINDOW / KIB));
    return (int)n;
}

/* ---- load ---- */

/* elf is NULL where the segment can be read from the file itself. */
static int load_segment(struct gmem *mem, const struct image_segment *s, int fd,
                        const unsigned char *elf, size_t size)
{
    if (!elf)
        return gmem_load(mem, s->paddr, fd, s->offset, s->filesz);
    if (!range_ok(s->offset, s->filesz, size))
        return -EIO;
    return gmem_write(mem, s->paddr, elf + s->offset, s->filesz);
}

static int load_kernel(struct boot *b, struct gmem *mem)
{
    const struct image_info *info = image_info(b->img);
    const int fd = image_fd(b->img);
    const unsigned char *elf = NULL;
    size_t size = 0;
    int rc = 0;

    if (fd < 0) {
        elf = image_elf(b->img, &size);
        if (!elf)
            return -EIO;
    }
    for (unsigned i = 0; rc == 0 && i < info->n_segments; i++) {
        rc = load_segment(mem, &info->segments[i], fd, elf, size);
        if (rc)
            log_error("kernel %s: segment %u cannot be read: %s: was the file "
                      "changed since it was opened? start again",
                      b->cfg->kernel, i, strerror(-rc));
    }
    image_release_unpacked(b->img);
    return rc;
}

static int load_modules(const struct boot *b, struct gmem *mem,
                        const struct plan *p)
{
    for (unsigned i = 0; i < b->n_modules; i++) {
        const int rc = gmem_load(mem, p->modules[i].base, b->modules[i].fd, 0,
                                 b->modules[i].size);

        if (rc) {
            log_error("initrd %s: cannot be read: %s: was the file changed "
                      "since it was opened? start again",
                      b->cfg->modules[i].path, strerror(-rc));
            return rc;
        }
    }
    return 0;
}

static int load_tables(const struct boot *b, struct gmem *mem,
                       const struct plan *p)
{
    const int rc = gmem_write(mem, GPA(LAYOUT_TABLES), b->window, p->tables);

    if (rc)
        log_error("guest memory: no RAM at 0x%x for the tables: give at least "
                  "1 MiB with --memory",
                  LAYOUT_TABLES);
    return rc;
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

int boot_place(struct boot *b, const struct gmem *mem,
               const struct machine_desc *m, struct entry_state *out)
{
    struct plan *p = &b->plan;
    int rc = check_segments(b, m, mem);

    *p = (struct plan){0};
    if (rc == 0)
        rc = plan_modules(b, m, p);
    if (rc == 0)
        rc = plan_tables(b, m, p);
    if (rc)
        return rc;
    *out = (struct entry_state){
        .kind = ENTRY_PVH,
        .rip = image_info(b->img)->pvh_entry,
        .rbx = p->start_info.v,
    };
    return 0;
}

int boot_load(struct boot *b, struct gmem *mem)
{
    int rc = load_kernel(b, mem);

    if (rc == 0)
        rc = load_modules(b, mem, &b->plan);
    if (rc == 0)
        rc = load_tables(b, mem, &b->plan);
    return rc ? rc : load_reset_vector(mem);
}

int boot_dump_fdt(struct boot *b, const struct machine_desc *m,
                  const char *path)
{
    struct plan p = {0};
    int rc = plan_modules(b, m, &p);
    int64_t n;

    if (rc)
        return rc;
    n = build_fdt(b, m, &p, b->window, WINDOW);
    if (n < 0) {
        log_error("dump %s: the device tree needs more than %u KiB: shorten "
                  "the command line",
                  path, (unsigned)(WINDOW / KIB));
        return (int)n;
    }
    return dump_file(path, b->window, (size_t)n);
}
