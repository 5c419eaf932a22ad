// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * image_inspect.c: what was found in an image, told to people: one line for
 * the log, the whole for `vmm inspect`.
 *
 * Only reads image_info. Texts that came out of the file are printable ASCII
 * since image_copy_text, or are made so here: a kernel file must not send
 * escape sequences to the operator's terminal.
 */
#include "boot/boot.h"
#include "boot/image_internal.h"

#include "abi/multiboot.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

static const char *arch_name(const struct image_info *info)
{
    const bool amd64 = info->elf_machine == EM_X86_64;

    if (!info->elf_machine)
        return "flat image";
    if (info->elf64)
        return amd64 ? "ELF64 x86-64" : "ELF64 i386";
    return amd64 ? "ELF32 x86-64" : "ELF32 i386";
}

/* "bzImage 2.15, lz4 payload", "ELF64 x86-64 packed with xz", ... */
static void describe_format(const struct image_info *info, char *buf,
                            size_t size)
{
    const unsigned version = info->bz_version;

    switch (info->container) {
    case IMAGE_BZIMAGE:
        snprintf(buf, size, "bzImage %u.%u%s%s%s", version >> 8, version & 0xff,
                 info->unpacked ? ", " : "",
                 info->unpacked ? unpack_name(info->packing) : "",
                 info->unpacked ? " payload" : "");
        break;
    case IMAGE_PACKED:
        snprintf(buf, size, "%s packed with %s", arch_name(info),
                 unpack_name(info->packing));
        break;
    case IMAGE_ELF:
    case IMAGE_FLAT:
        snprintf(buf, size, "%s", arch_name(info));
        break;
    }
}

void image_describe(const struct image *img, char *buf, size_t size)
{
    const struct image_info *info = &img->info;
    char format[64];

    describe_format(info, format, sizeof(format));
    if (info->has_pvh)
        snprintf(buf, size, "%s, PVH note 0x%" PRIx64, format, info->pvh_entry);
    else if (info->multiboot.found)
        snprintf(buf, size, "%s, Multiboot entry 0x%" PRIx32, format,
                 info->multiboot.entry);
    else
        snprintf(buf, size, "%s%s", format,
                 info->unpacked ? ", no PVH note" : "");
}

/* How a note's contents are to be shown. */
enum show {
    SHOW_HEX,
    SHOW_WORDS, /* 32-bit each */
    SHOW_NUMBER,
    SHOW_TEXT,
};

struct note_kind {
    const char *owner;
    uint32_t type;
    const char *name;
    enum show show;
};

/* xen/include/public/elfnote.h, and what Linux and GNU ld add. */
static const struct note_kind note_kinds[] = {
    {"Xen", 0, "INFO", SHOW_TEXT},
    {"Xen", 1, "ENTRY", SHOW_NUMBER},
    {"Xen", 2, "HYPERCALL_PAGE", SHOW_NUMBER},
    {"Xen", 3, "VIRT_BASE", SHOW_NUMBER},
    {"Xen", 4, "PADDR_OFFSET", SHOW_NUMBER},
    {"Xen", 5, "XEN_VERSION", SHOW_TEXT},
    {"Xen", 6, "GUEST_OS", SHOW_TEXT},
    {"Xen", 7, "GUEST_VERSION", SHOW_TEXT},
    {"Xen", 8, "LOADER", SHOW_TEXT},
    {"Xen", 9, "PAE_MODE", SHOW_TEXT},
    {"Xen", 10, "FEATURES", SHOW_TEXT},
    {"Xen", 11, "BSD_SYMTAB", SHOW_TEXT},
    {"Xen", 12, "HV_START_LOW", SHOW_NUMBER},
    {"Xen", 13, "L1_MFN_VALID", SHOW_HEX},
    {"Xen", 14, "SUSPEND_CANCEL", SHOW_NUMBER},
    {"Xen", 15, "INIT_P2M", SHOW_NUMBER},
    {"Xen", 16, "MOD_START_PFN", SHOW_NUMBER},
    {"Xen", 17, "SUPPORTED_FEATURES", SHOW_NUMBER},
    {"Xen", 18, "PHYS32_ENTRY", SHOW_NUMBER},
    {"Xen", 19, "PHYS32_RELOC", SHOW_WORDS},
    {"Linux", 0x100, "BUILD_SALT", SHOW_TEXT},
    {"Linux", 0x101, "LTO_INFO", SHOW_NUMBER},
    {"GNU", 3, "BUILD_ID", SHOW_HEX},
    {"GNU", 5, "PROPERTY", SHOW_HEX},
};

static const struct note_kind *find_kind(const struct image_note *note)
{
    for (size_t i = 0; i < ARRAY_LEN(note_kinds); i++)
        if (note_kinds[i].type == note->type &&
            !strcmp(note_kinds[i].owner, note->owner))
            return &note_kinds[i];
    return NULL;
}

static uint32_t kept_bytes(const struct image_note *note)
{
    return note->size < IMAGE_NOTE_CONTENTS ? note->size : IMAGE_NOTE_CONTENTS;
}

static void print_hex(const struct image_note *note, FILE *out)
{
    for (uint32_t i = 0; i < kept_bytes(note); i++)
        fprintf(out, "%02x", note->contents[i]);
}

static void print_words(const struct image_note *note, FILE *out)
{
    uint32_t word;

    for (uint32_t i = 0; i + 4 <= kept_bytes(note); i += 4) {
        memcpy(&word, note->contents + i, sizeof(word));
        fprintf(out, "%s0x%x", i ? " " : "", word);
    }
}

static void print_text(const struct image_note *note, FILE *out)
{
    char text[IMAGE_NOTE_CONTENTS + 1];

    image_copy_text(text, sizeof(text), note->contents, kept_bytes(note));
    fprintf(out, "\"%s\"", text);
}

static void print_contents(const struct image_note *note, enum show show,
                           FILE *out)
{
    uint64_t number = 0;

    if (show == SHOW_NUMBER && (note->size == 4 || note->size == 8)) {
        memcpy(&number, note->contents, note->size);
        fprintf(out, "0x%" PRIx64, number);
    } else if (show == SHOW_WORDS) {
        print_words(note, out);
    } else if (show == SHOW_TEXT) {
        print_text(note, out);
    } else {
        print_hex(note, out);
    }
    if (note->size > IMAGE_NOTE_CONTENTS)
        fprintf(out, "... (%u bytes)", note->size);
}

static void print_note(const struct image_note *note, FILE *out)
{
    const struct note_kind *kind = find_kind(note);
    char number[16];

    snprintf(number, sizeof(number), "type %u", note->type);
    fprintf(out, "  %-8s %-20s ", note->owner, kind ? kind->name : number);
    print_contents(note, kind ? kind->show : SHOW_HEX, out);
    fputc('\n', out);
}

/* What a loader of the bzImage as such is told; see boot_linux.c. */
static void print_linux(const struct image_info *info, FILE *out)
{
    const struct image_linux *bz = &info->bz;

    if (info->container != IMAGE_BZIMAGE)
        return;
    fprintf(out, "setup         %u bytes, then %" PRIu64 " of kernel\n",
            bz->setup_size, bz->kernel_size);
    fprintf(out, "entries       16-bit, 32-bit%s\n",
            bz->entry64 ? ", 64-bit" : "");
    if (bz->pref_address)
        fprintf(out, "runs at       0x%" PRIx64 ", %u bytes%s\n",
                bz->pref_address, bz->init_size,
                bz->relocatable ? ", relocatable" : "");
    fprintf(out, "initrd        below 0x%x\n", bz->initrd_max);
}

static void print_multiboot(const struct image_multiboot *mb, FILE *out)
{
    if (!mb->found)
        return;
    fprintf(out, "Multiboot     entry 0x%x, header at 0x%x, flags 0x%x%s%s%s\n",
            mb->entry, mb->offset, mb->flags,
            mb->flags & MULTIBOOT_PAGE_ALIGN ? ", aligned modules" : "",
            mb->flags & MULTIBOOT_MEMORY ? ", memory map" : "",
            mb->flags & MULTIBOOT_VIDEO ? ", video mode" : "");
    if (mb->addresses)
        fprintf(out,
                "              0x%" PRIx64 " bytes at 0x%" PRIx64 ", 0x%" PRIx64
                " in memory\n",
                mb->segment.filesz, mb->segment.paddr.v, mb->segment.memsz);
}

static void print_file(const struct image_info *info, FILE *out)
{
    char format[64];

    describe_format(info, format, sizeof(format));
    fprintf(out, "format        %s\n", format);
    if (info->bz_release[0])
        fprintf(out, "kernel        %s\n", info->bz_release);
    if (info->packed_size)
        fprintf(out, "packed        %" PRIu64 " bytes, %" PRIu64 " unpacked\n",
                info->packed_size, info->elf_size);
    if (info->bz_cmdline_max)
        fprintf(out, "command line  at most %u bytes\n", info->bz_cmdline_max);
    print_linux(info, out);
    fprintf(out, "architecture  %s\n", arch_name(info));
    if (info->guest_os[0])
        fprintf(out, "guest         %s\n", info->guest_os);
    if (info->elf_machine)
        fprintf(out, "ELF entry     0x%" PRIx64 "\n", info->elf_entry);
    if (info->has_pvh)
        fprintf(out, "PVH entry     0x%" PRIx64 "\n", info->pvh_entry);
    print_multiboot(&info->multiboot, out);
}

static void print_segments(const struct image_info *info, FILE *out)
{
    if (!info->n_segments)
        return;
    fprintf(out, "segments      %-18s %12s %12s\n", "physical address",
            "in file", "in memory");
    for (unsigned i = 0; i < info->n_segments; i++) {
        const struct image_segment *s = &info->segments[i];

        fprintf(out,
                "              0x%016" PRIx64 " %12" PRIu64 " %12" PRIu64 "\n",
                s->paddr.v, s->filesz, s->memsz);
    }
}

static void print_notes(const struct image_info *info, FILE *out)
{
    fprintf(out, "notes%s\n", info->n_notes ? "" : "         none");
    for (unsigned i = 0; i < info->n_notes; i++)
        print_note(&info->notes[i], out);
    if (info->n_notes == IMAGE_MAX_NOTES)
        fprintf(out, "  (no more than %u are shown)\n", IMAGE_MAX_NOTES);
}

/* Without a boot loader; in the order boot.c tries. */
static const char *direct_boot(const struct image_info *info)
{
    if (info->container == IMAGE_BZIMAGE && info->bz.entry64)
        return "yes: Linux boot protocol, 64-bit";
    if (info->container == IMAGE_BZIMAGE)
        return "yes: Linux boot protocol, 32-bit";
    if (info->multiboot.found)
        return "yes: Multiboot";
    if (info->has_pvh)
        return "yes: PVH entry";
    return "no: no bzImage, Multiboot header or PVH entry note";
}

const char *boot_verdict(const struct image *img, enum boot_protocol protocol)
{
    switch (protocol) {
    case BOOT_FIRMWARE: /* a kernel on the command line goes past it */
    case BOOT_DIRECT:
        return direct_boot(&img->info);
    case BOOT_PVH:
        break;
    }
    return img->info.has_pvh
               ? "yes"
               : "no: no PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY)";
}

/* A file's name may hold any bytes but NUL. */
static void print_name(const char *name, FILE *out)
{
    fputs("file          ", out);
    for (; *name; name++)
        fputc((unsigned char)*name < 0x20 || *name == 0x7f ? '?' : *name, out);
    fputc('\n', out);
}

void image_inspect(const struct image *img, FILE *out)
{
    const struct image_info *info = &img->info;

    print_name(img->name, out);
    print_file(info, out);
    print_segments(info, out);
    print_notes(info, out);
}
