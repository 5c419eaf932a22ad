// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * image_elf.c: the headers of an ELF, checked, as segments and notes.
 *
 * System V gABI chapters 4 and 5. Both classes end up in the 64-bit header
 * structs; a 32-bit ELF may say EM_X86_64, since the PVH entry is 32-bit code
 * in either case. Notes are looked up by program header, and by section only
 * if that found no PVH entry: linkers that make no PT_NOTE exist, and section
 * headers cost more reads.
 *
 * A kernel that links something behind its bss has the bss in the file, as
 * zeroes: a tenth of a Debian vmlinux. The section headers, where they are
 * sound, tell which bytes those are.
 *
 * Whether segments fit the guest's memory is for the loader to judge; here a
 * segment is sound if it lies in the file, does not wrap and shares no
 * address with another. The order of the file is kept.
 */
#include "boot/image_internal.h"

#include "vmm/checked.h"
#include "vmm/log.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Far above any kernel's; they bound what a crafted file can make us do. */
#define MAX_PROGRAM_HEADERS 256
#define MAX_NOTES_SIZE      MIB
#define MAX_BSS_SECTIONS    64 /* read for the bss in one go */

/* One parse: where from, and the file header. */
struct parse {
    const struct image_source *src;
    struct image_info *info;
    Elf64_Ehdr eh;
};

static const char *machine_name(uint16_t machine)
{
    static const struct {
        uint16_t machine;
        const char *name;
    } names[] = {
        {EM_ARM, "Arm"},       {EM_AARCH64, "AArch64"}, {EM_RISCV, "RISC-V"},
        {EM_PPC64, "PowerPC"}, {EM_S390, "s390"},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].machine == machine)
            return names[i].name;
    return "unknown";
}

static void widen_ehdr(const Elf32_Ehdr *n, Elf64_Ehdr *w)
{
    *w = (Elf64_Ehdr){
        .e_type = n->e_type,
        .e_machine = n->e_machine,
        .e_version = n->e_version,
        .e_entry = n->e_entry,
        .e_phoff = n->e_phoff,
        .e_shoff = n->e_shoff,
        .e_flags = n->e_flags,
        .e_ehsize = n->e_ehsize,
        .e_phentsize = n->e_phentsize,
        .e_phnum = n->e_phnum,
        .e_shentsize = n->e_shentsize,
        .e_shnum = n->e_shnum,
        .e_shstrndx = n->e_shstrndx,
    };
    memcpy(w->e_ident, n->e_ident, EI_NIDENT);
}

static int read_ehdr(struct parse *p)
{
    unsigned char ident[EI_NIDENT];
    Elf32_Ehdr narrow;
    int err = source_read(p->src, 0, ident, sizeof(ident), "ELF header");

    if (err)
        return err;
    if (ident[EI_CLASS] == ELFCLASS64)
        return source_read(p->src, 0, &p->eh, sizeof(p->eh), "ELF header");
    err = source_read(p->src, 0, &narrow, sizeof(narrow), "ELF header");
    if (!err)
        widen_ehdr(&narrow, &p->eh);
    return err;
}

static int read_phdr(const struct parse *p, unsigned i, Elf64_Phdr *out)
{
    static const char what[] = "ELF program header";
    Elf32_Phdr n;
    /* check_table saw to it that this neither wraps nor leaves the file. */
    const uint64_t at = p->eh.e_phoff + (uint64_t)i * p->eh.e_phentsize;
    int err;

    if (p->info->elf64)
        return source_read(p->src, at, out, sizeof(*out), what);
    err = source_read(p->src, at, &n, sizeof(n), what);
    if (err)
        return err;
    *out = (Elf64_Phdr){
        .p_type = n.p_type,
        .p_flags = n.p_flags,
        .p_offset = n.p_offset,
        .p_vaddr = n.p_vaddr,
        .p_paddr = n.p_paddr,
        .p_filesz = n.p_filesz,
        .p_memsz = n.p_memsz,
        .p_align = n.p_align,
    };
    return 0;
}

static int read_shdr(const struct parse *p, unsigned i, Elf64_Shdr *out)
{
    static const char what[] = "ELF section header";
    Elf32_Shdr n;
    const uint64_t at = p->eh.e_shoff + (uint64_t)i * p->eh.e_shentsize;
    int err;

    if (p->info->elf64)
        return source_read(p->src, at, out, sizeof(*out), what);
    err = source_read(p->src, at, &n, sizeof(n), what);
    if (err)
        return err;
    *out = (Elf64_Shdr){
        .sh_type = n.sh_type,
        .sh_offset = n.sh_offset,
        .sh_size = n.sh_size,
        .sh_addralign = n.sh_addralign,
    };
    return 0;
}

static int check_ident(const struct parse *p)
{
    const unsigned char *id = p->eh.e_ident;

    if (id[EI_CLASS] != ELFCLASS64 && id[EI_CLASS] != ELFCLASS32) {
        log_error("%s: ELF class %u is neither 32-bit nor 64-bit: the file is "
                  "damaged",
                  p->src->name, id[EI_CLASS]);
        return -EINVAL;
    }
    if (id[EI_DATA] != ELFDATA2LSB) {
        log_error("%s: not a little-endian ELF: give an x86 kernel",
                  p->src->name);
        return -EINVAL;
    }
    if (id[EI_VERSION] != EV_CURRENT) {
        log_error("%s: ELF version %u is not 1: the file is damaged",
                  p->src->name, id[EI_VERSION]);
        return -EINVAL;
    }
    return 0;
}

static int check_kind(const struct parse *p)
{
    const Elf64_Ehdr *eh = &p->eh;

    if (eh->e_machine != EM_X86_64 && eh->e_machine != EM_386) {
        log_error("%s: ELF for machine %u (%s): give an x86 kernel",
                  p->src->name, eh->e_machine, machine_name(eh->e_machine));
        return -EINVAL;
    }
    /* ET_DYN: a position-independent kernel is loaded where it was linked. */
    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN) {
        log_error("%s: ELF type %u is no executable (an object file, a module "
                  "or a core dump): give the linked kernel",
                  p->src->name, eh->e_type);
        return -EINVAL;
    }
    return 0;
}

/* A header table: what it is called, and what the ELF says of it. */
struct table {
    const char *name;
    uint64_t off;
    unsigned count;
    size_t size;     /* of one entry */
    size_t expected; /* for the ELF's class */
};

static int check_table(const struct parse *p, const struct table *t)
{
    if (t->size != t->expected) {
        log_error("%s: ELF %s headers of %zu bytes instead of %zu: the file "
                  "is damaged",
                  p->src->name, t->name, t->size, t->expected);
        return -EINVAL;
    }
    /* 16 bits times 16 bits cannot wrap. */
    if (!range_ok(t->off, (uint64_t)t->count * t->size, p->src->size)) {
        log_error("%s: the ELF %s headers (%u at 0x%" PRIx64 ") lie outside "
                  "the file: it is truncated or damaged",
                  p->src->name, t->name, t->count, t->off);
        return -EINVAL;
    }
    return 0;
}

static int check_program_headers(const struct parse *p)
{
    const struct table t = {
        .name = "program",
        .off = p->eh.e_phoff,
        .count = p->eh.e_phnum,
        .size = p->eh.e_phentsize,
        .expected = p->info->elf64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr),
    };

    if (t.count == 0) {
        log_error("%s: ELF without program headers: give the linked kernel",
                  p->src->name);
        return -EINVAL;
    }
    if (t.count > MAX_PROGRAM_HEADERS) {
        log_error("%s: %u ELF program headers, more than %u: not a kernel",
                  p->src->name, t.count, MAX_PROGRAM_HEADERS);
        return -EINVAL;
    }
    return check_table(p, &t);
}

static int check_section_headers(const struct parse *p)
{
    const struct table t = {
        .name = "section",
        .off = p->eh.e_shoff,
        .count = p->eh.e_shnum,
        .size = p->eh.e_shentsize,
        .expected = p->info->elf64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr),
    };

    return t.count ? check_table(p, &t) : 0;
}

/* Say what is wrong with a PT_LOAD; NULL if nothing is. */
static const char *segment_fault(const struct parse *p, const Elf64_Phdr *ph)
{
    uint64_t end;

    if (ph->p_filesz > ph->p_memsz)
        return "is larger in the file than in memory";
    if (ph->p_filesz && !range_ok(ph->p_offset, ph->p_filesz, p->src->size))
        return "runs past the end of the file";
    if (!checked_add(ph->p_paddr, ph->p_memsz, &end))
        return "wraps around the end of the address space";
    for (unsigned i = 0; i < p->info->n_segments; i++) {
        const struct image_segment *s = &p->info->segments[i];

        if (ranges_overlap(ph->p_paddr, ph->p_memsz, s->paddr.v, s->memsz))
            return "overlaps another segment";
    }
    return NULL;
}

static int take_segment(const struct parse *p, const Elf64_Phdr *ph)
{
    struct image_info *info = p->info;
    const char *fault = segment_fault(p, ph);

    if (fault) {
        log_error("%s: the ELF segment of %" PRIu64 " bytes at 0x%" PRIx64
                  " %s: the file is truncated or damaged",
                  p->src->name, ph->p_memsz, ph->p_paddr, fault);
        return -EINVAL;
    }
    if (ph->p_memsz == 0)
        return 0;
    if (info->n_segments == IMAGE_MAX_SEGMENTS) {
        log_error("%s: more than %u ELF segments to load: not a kernel",
                  p->src->name, IMAGE_MAX_SEGMENTS);
        return -EINVAL;
    }
    info->segments[info->n_segments++] = (struct image_segment){
        .offset = ph->p_offset,
        .filesz = ph->p_filesz,
        .memsz = ph->p_memsz,
        .paddr = GPA(ph->p_paddr),
        .vaddr = ph->p_vaddr,
        .executable = ph->p_flags & PF_X,
    };
    return 0;
}

static int take_notes(const struct parse *p, uint64_t off, uint64_t size,
                      uint64_t align)
{
    void *area;
    int err;

    if (size == 0)
        return 0;
    if (size > MAX_NOTES_SIZE) {
        log_error("%s: %" PRIu64 " bytes of ELF notes, more than 1 MiB: the "
                  "file is damaged",
                  p->src->name, size);
        return -EINVAL;
    }
    area = malloc(size);
    if (!area) {
        log_error("%s: no memory for the ELF notes", p->src->name);
        return -ENOMEM;
    }
    err = source_read(p->src, off, area, size, "ELF notes");
    if (!err)
        err = image_parse_notes(p->src->name, area, size, align, p->info);
    free(area);
    return err;
}

static int parse_segments(const struct parse *p)
{
    Elf64_Phdr ph;
    int err = check_program_headers(p);

    for (unsigned i = 0; !err && i < p->eh.e_phnum; i++) {
        err = read_phdr(p, i, &ph);
        if (!err && ph.p_type == PT_LOAD)
            err = take_segment(p, &ph);
        else if (!err && ph.p_type == PT_NOTE)
            err = take_notes(p, ph.p_offset, ph.p_filesz, ph.p_align);
    }
    return err;
}

static int parse_sections(const struct parse *p)
{
    Elf64_Shdr sh;
    int err = check_section_headers(p);

    for (unsigned i = 0; !err && i < p->eh.e_shnum; i++) {
        err = read_shdr(p, i, &sh);
        if (!err && sh.sh_type == SHT_NOTE)
            err = take_notes(p, sh.sh_offset, sh.sh_size, sh.sh_addralign);
    }
    return err;
}

/* ---- bss in the file ---- */

/* Has the section bytes that are loaded? */
static bool has_bytes(const Elf64_Shdr *sh)
{
    return sh->sh_flags & SHF_ALLOC && sh->sh_type != SHT_NOBITS;
}

/* Memory without bytes, and nobody else's. A .tbss only seems to lie there. */
static bool is_bss(const Elf64_Shdr *sh, const Elf64_Shdr *all, unsigned n)
{
    if (!(sh->sh_flags & SHF_ALLOC) || sh->sh_flags & SHF_TLS ||
        sh->sh_type != SHT_NOBITS)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (has_bytes(&all[i]) &&
            ranges_overlap(sh->sh_addr, sh->sh_size, all[i].sh_addr,
                           all[i].sh_size))
            return false;
    return true;
}

/* The segment that has all of the section in the file, if there is just one. */
static struct image_segment *segment_of(struct image_info *info,
                                        const Elf64_Shdr *sh)
{
    struct image_segment *found = NULL;

    for (unsigned i = 0; i < info->n_segments; i++) {
        struct image_segment *s = &info->segments[i];

        /* Below the segment it wraps, and is outside of it too. */
        if (!range_ok(sh->sh_addr - s->vaddr, sh->sh_size, s->filesz))
            continue;
        if (found)
            return NULL;
        found = s;
    }
    return found;
}

/* One stretch a segment is enough: the longest of adjoining sections. */
static void take_bss(struct image_segment *s, const Elf64_Shdr *sh)
{
    const uint64_t at = sh->sh_addr - s->vaddr;

    if (s->bss_size && at == s->bss_at + s->bss_size) {
        s->bss_size += sh->sh_size;
    } else if (sh->sh_size > s->bss_size) {
        s->bss_at = at;
        s->bss_size = sh->sh_size;
    }
}

static void find_bss_in(struct image_info *info, const Elf64_Shdr *sh,
                        unsigned n)
{
    uint64_t end;

    for (unsigned i = 0; i < n; i++)
        if (!checked_add(sh[i].sh_addr, sh[i].sh_size, &end))
            return;
    for (unsigned i = 0; i < n; i++) {
        struct image_segment *s =
            is_bss(&sh[i], sh, n) ? segment_of(info, &sh[i]) : NULL;

        if (s)
            take_bss(s, &sh[i]);
    }
}

/* What is wrong with sections is no error: nothing but time depends on them. */
static int find_bss(const struct parse *p)
{
    Elf64_Shdr sh[MAX_BSS_SECTIONS];
    const unsigned n = p->eh.e_shnum;
    int err;

    if (!p->info->elf64 || n > MAX_BSS_SECTIONS ||
        p->eh.e_shentsize != sizeof(*sh) ||
        !range_ok(p->eh.e_shoff, n * sizeof(*sh), p->src->size))
        return 0;
    err = source_read(p->src, p->eh.e_shoff, sh, n * sizeof(*sh),
                      "ELF section headers");
    if (!err)
        find_bss_in(p->info, sh, n);
    return err;
}

/* The first instruction must be one that the file brings along. */
static int check_entry(const struct parse *p)
{
    const struct image_info *info = p->info;

    if (info->n_segments == 0) {
        log_error("%s: ELF with nothing to load: give the linked kernel",
                  p->src->name);
        return -EINVAL;
    }
    if (!info->has_pvh)
        return 0;
    for (unsigned i = 0; i < info->n_segments; i++) {
        const struct image_segment *s = &info->segments[i];

        if (info->pvh_entry >= s->paddr.v &&
            info->pvh_entry - s->paddr.v < s->filesz)
            return 0;
    }
    log_error("%s: PVH entry 0x%" PRIx64 " lies in no segment of the file: "
              "the kernel is linked wrongly",
              p->src->name, info->pvh_entry);
    return -EINVAL;
}

bool image_is_elf(const struct image_source *src)
{
    return src->head_size >= SELFMAG && !memcmp(src->head, ELFMAG, SELFMAG);
}

int image_parse_elf(const struct image_source *src, struct image_info *info)
{
    struct parse p = {.src = src, .info = info};
    int err = read_ehdr(&p);

    if (!err)
        err = check_ident(&p);
    if (!err)
        err = check_kind(&p);
    if (err)
        return err;
    info->elf_size = src->size;
    info->elf64 = p.eh.e_ident[EI_CLASS] == ELFCLASS64;
    info->elf_machine = p.eh.e_machine;
    info->elf_entry = p.eh.e_entry;
    err = parse_segments(&p);
    if (!err && !info->has_pvh)
        err = parse_sections(&p);
    if (!err)
        err = find_bss(&p);
    return err ? err : check_entry(&p);
}
