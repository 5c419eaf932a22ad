// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * boot.c: open a guest's files, and start it by a boot protocol; boot.h.
 *
 * boot_open opens and checks, boot_place checks against the machine and
 * decides, boot_load copies. How a kernel is to be started is a row of
 * protocols[]; what these have in common is in boot_parts.c.
 *
 * Thread: start-up, and the loop thread on a reboot, in the sandbox: no file
 * is opened there, and the tables are built in a buffer made by boot_open.
 */
#include "boot/boot_priv.h"

#include "boot/dump.h"
#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIBE_MAX 256

/* How a kernel can be started, the best first, and what to say if none fits. */
static const struct {
    const struct boot_ops *ways[6]; /* a NULL ends them */
    bool packed;                    /* a bzImage is started as it is */
    const char *missing;
} protocols[] = {
    [BOOT_PVH] =
        {
            .ways = {&boot_pvh},
            .missing = "no PVH entry point (ELF note Xen 18): build it with "
                       "CONFIG_PVH=y; `vmm inspect` tells what it has",
        },
    [BOOT_DIRECT] =
        {
            .ways = {&boot_linux64, &boot_linux32, &boot_linux16,
                     &boot_multiboot, &boot_pvh},
            .packed = true,
            .missing = "no bzImage with the entry asked for, and neither a "
                       "Multiboot header nor a PVH entry point: boot it from "
                       "a disk; `vmm inspect` tells what it has",
        },
    [BOOT_FIRMWARE] = {.ways = {&boot_firmware}},
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
    return info->bz_cmdline_max && info->bz_cmdline_max < BOOT_CMDLINE_MAX
               ? info->bz_cmdline_max
               : BOOT_CMDLINE_MAX;
}

static const struct boot_ops *choose(const struct boot_config *cfg,
                                     const struct image_info *info)
{
    const struct boot_ops *const *way = protocols[cfg->protocol].ways;

    while (*way && !(*way)->takes(info, cfg->entry))
        way++;
    return *way;
}

static int open_image(const struct boot_config *cfg, struct image **out)
{
    return protocols[cfg->protocol].packed ? image_open_packed(cfg->kernel, out)
                                           : image_open(cfg->kernel, out);
}

static int open_kernel(struct boot *b)
{
    const char *path = b->cfg->kernel;
    const struct image_info *info;
    int rc = open_image(b->cfg, &b->img);

    if (rc < 0)
        return rc;
    info = image_info(b->img);
    b->segments = info->segments;
    b->n_segments = info->n_segments;
    b->how = choose(b->cfg, info);
    if (!b->how) {
        log_error("kernel %s: %s", path, protocols[b->cfg->protocol].missing);
        return -EINVAL;
    }
    return check_text(path, b->cfg->cmdline, cmdline_limit(info));
}

/* Is what was opened something that can be loaded? Sets mod->size. */
static int check_module(struct boot_file *mod, const char *path)
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
    struct boot_file *mod = &b->files[b->n_files];
    int rc;

    mod->fd = open(want->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (mod->fd < 0) {
        rc = -errno;
        log_error("initrd %s: cannot be opened: %s: check path and "
                  "permissions",
                  want->path, strerror(-rc));
        return rc;
    }
    b->n_files++;
    rc = check_module(mod, want->path);
    if (rc == 0 && want->cmdline)
        rc = check_text(want->path, want->cmdline, BOOT_CMDLINE_MAX);
    return rc;
}

static int open_all(struct boot *b)
{
    char what[DESCRIBE_MAX];
    int rc = open_kernel(b);

    for (unsigned i = 0; rc == 0 && i < b->cfg->n_modules; i++)
        rc = open_module(b, &b->cfg->modules[i]);
    if (rc == 0 && b->how->check)
        rc = b->how->check(b);
    if (rc < 0)
        return rc;
    image_describe(b->img, what, sizeof(what));
    log_info("kernel: %s, booting %s", what, b->how->name);
    return 0;
}

/* What starts no kernel is the one way there is. */
static int open_way(struct boot *b)
{
    const struct boot_ops *way = protocols[b->cfg->protocol].ways[0];

    if (!way->open)
        return open_all(b);
    b->how = way;
    return way->open(b);
}

int boot_open(const struct boot_config *cfg, struct boot **out)
{
    struct boot *b = calloc(1, sizeof(*b));
    int rc;

    BUG_ON(cfg->n_modules > BOOT_MAX_MODULES);
    if (!b) {
        log_error("boot: out of memory: free some on the host");
        return -ENOMEM;
    }
    b->cfg = cfg;
    rc = open_way(b);
    if (rc < 0) {
        boot_close(b);
        return rc;
    }
    *out = b;
    return 0;
}

void boot_close(struct boot *b)
{
    if (!b)
        return;
    while (b->n_files)
        close(b->files[--b->n_files].fd);
    for (unsigned i = 0; i < BOOT_FW_PARTS; i++)
        if (b->fw.parts[i].host)
            munmap(b->fw.parts[i].host, b->fw.parts[i].size);
    image_close(b->img);
    rom_free(&b->rom);
    free(b);
}

const struct rom *boot_rom(const struct boot *b)
{
    return &b->rom;
}

int boot_place(struct boot *b, const struct gmem *mem,
               const struct machine_desc *m, struct entry_state *out)
{
    b->plan = (struct boot_plan){0};
    return b->how->place(b, mem, m, out);
}

const struct boot_fw_item *boot_fw_items(const struct boot *b, unsigned *n)
{
    *n = b->fw.n_items;
    return b->fw.items;
}

int boot_load(struct boot *b, struct gmem *mem)
{
    return b->how->load(b, mem);
}

int boot_dump_fdt(struct boot *b, const struct machine_desc *m,
                  const char *path)
{
    struct span kernel[IMAGE_MAX_SEGMENTS];
    int64_t n;
    int rc;

    b->plan = (struct boot_plan){0};
    rc = boot_plan_modules(b, m, kernel, boot_segment_spans(b, kernel));
    if (rc)
        return rc;
    n = boot_build_fdt(b, m, &b->plan, b->window, BOOT_WINDOW);
    if (n < 0) {
        log_error("dump %s: the device tree needs more than %u KiB: shorten "
                  "the command line",
                  path, (unsigned)(BOOT_WINDOW / KIB));
        return (int)n;
    }
    return dump_file(path, b->window, (size_t)n);
}
