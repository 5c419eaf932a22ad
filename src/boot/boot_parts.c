// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * boot_parts.c: what the boot protocols share: an ELF's segments go where they
 * are linked, modules go as high as they can, tables go into their window. A
 * plain ELF and the modules go from the page cache straight into guest memory;
 * a packed kernel is unpacked into memory of ours, which is given back once it
 * is copied. bss is not written, since guest memory is fresh, even where the
 * file has zeroes for it.
 */
#include "boot/boot_priv.h"

#include "boot/acpi.h"
#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PART_ALIGN 8 /* of what follows the ACPI tables */
#define MAX_SPANS  (IMAGE_MAX_SEGMENTS + BOOT_MAX_MODULES)

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

int boot_check_segments(const struct boot *b, const struct machine_desc *m,
                        const struct gmem *mem)
{
    for (unsigned i = 0; i < b->n_segments; i++) {
        const struct image_segment *s = &b->segments[i];

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

unsigned boot_segment_spans(const struct boot *b,
                            struct span out[IMAGE_MAX_SEGMENTS])
{
    for (unsigned i = 0; i < b->n_segments; i++)
        out[i] = (struct span){b->segments[i].paddr.v, b->segments[i].memsz};
    return b->n_segments;
}

int boot_plan_modules(struct boot *b, const struct machine_desc *m,
                      const struct span *kernel, unsigned n)
{
    struct boot_plan *p = &b->plan;
    struct span taken[MAX_SPANS];

    BUG_ON(n > IMAGE_MAX_SEGMENTS);
    memcpy(taken, kernel, n * sizeof(*kernel));
    for (unsigned i = 0; i < b->n_files; i++) {
        const struct boot_module *want = &b->cfg->modules[i];
        const uint64_t size = b->files[i].size;
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
        p->modules[i] = (struct placed_module){at, size, want->cmdline};
    }
    p->n_modules = b->n_files;
    return 0;
}

int boot_plan_acpi(struct boot *b, const struct machine_desc *m)
{
    const int64_t n =
        acpi_build(m, GPA(LAYOUT_TABLES), b->window, sizeof(b->window));

    if (n < 0) {
        log_error("machine: its ACPI tables need more than the %u KiB kept "
                  "for tables: give less CPUs or devices",
                  (unsigned)(sizeof(b->window) / KIB));
        return (int)n;
    }
    b->plan.tables = ((size_t)n + PART_ALIGN - 1) & ~(size_t)(PART_ALIGN - 1);
    return 0;
}

/* ---- load ---- */

int boot_read_file(int fd, uint64_t off, void *dst, uint64_t n)
{
    uint64_t done = 0;

    while (done < n) {
        const ssize_t got =
            pread(fd, (char *)dst + done, n - done, (off_t)(off + done));

        if (got == 0)
            return -EIO;
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0)
            done += (uint64_t)got;
    }
    return 0;
}

/* Where a segment's bytes come from. */
struct bytes_of {
    int fd;
    const unsigned char *elf; /* NULL: from the file itself, by fd */
    size_t size;              /* of the elf */
};

/* n bytes of a segment, from its byte at on. */
static int load_part(struct gmem *mem, const struct image_segment *s,
                     const struct bytes_of *from, uint64_t at, uint64_t n)
{
    const gpa_t to = GPA(s->paddr.v + at);
    const uint64_t off = s->offset + at;

    return from->elf ? gmem_write(mem, to, from->elf + off, n)
                     : gmem_load(mem, to, from->fd, off, n);
}

static int load_segment(struct gmem *mem, const struct image_segment *s,
                        const struct bytes_of *from)
{
    const uint64_t behind = s->bss_at + s->bss_size;
    int rc;

    if (!s->filesz) /* its offset means nothing */
        return 0;
    if (from->elf && !range_ok(s->offset, s->filesz, from->size))
        return -EIO;
    if (!s->bss_size)
        return load_part(mem, s, from, 0, s->filesz);
    rc = load_part(mem, s, from, 0, s->bss_at);
    return rc ? rc : load_part(mem, s, from, behind, s->filesz - behind);
}

int boot_load_segments(struct boot *b, struct gmem *mem)
{
    struct bytes_of from = {.fd = image_fd(b->img)};
    int rc = 0;

    if (from.fd < 0) {
        from.elf = image_elf(b->img, &from.size);
        if (!from.elf)
            return -EIO;
    }
    for (unsigned i = 0; rc == 0 && i < b->n_segments; i++) {
        rc = load_segment(mem, &b->segments[i], &from);
        if (rc)
            log_error("kernel %s: segment %u cannot be read: %s: was the file "
                      "changed since it was opened? start again",
                      b->cfg->kernel, i, strerror(-rc));
    }
    image_release_unpacked(b->img);
    return rc;
}

int boot_load_modules(const struct boot *b, struct gmem *mem)
{
    for (unsigned i = 0; i < b->n_files; i++) {
        const int rc = gmem_load(mem, b->plan.modules[i].base, b->files[i].fd,
                                 0, b->files[i].size);

        if (rc) {
            log_error("initrd %s: cannot be read: %s: was the file changed "
                      "since it was opened? start again",
                      b->cfg->modules[i].path, strerror(-rc));
            return rc;
        }
    }
    return 0;
}

int boot_load_window(const struct boot *b, struct gmem *mem)
{
    const int rc =
        gmem_write(mem, GPA(LAYOUT_TABLES), b->window, b->plan.tables);

    if (rc)
        log_error("guest memory: no RAM at 0x%x for the tables: give at least "
                  "1 MiB with --memory",
                  LAYOUT_TABLES);
    return rc;
}
