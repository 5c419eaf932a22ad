// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * acpi_loader.c: see acpi_loader.h.
 *
 * A pointer in a file holds, before it is corrected, the offset of what it
 * points to in that thing's file. The tables are therefore built for where
 * their file begins at address 0: the RSDP, which precedes them in the
 * builder's buffer and is a file of its own, lies below that.
 */
#include "boot/acpi_loader.h"

#include "boot/acpi_tables.h"
#include "vmm/log.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 56

enum command {
    CMD_ALLOCATE = 1,
    CMD_ADD_POINTER = 2,
    CMD_ADD_CHECKSUM = 3,
};

#define ZONE_HIGH 1
#define ZONE_F    2 /* below 1 MiB, where one looks for an RSDP */

/* Little-endian, as all in these files. */
struct step {
    uint32_t command;
    union {
        struct {
            char file[NAME_BYTES];
            uint32_t align;
            uint8_t zone;
        } __attribute__((packed)) allocate;
        struct {
            char file[NAME_BYTES];    /* with the pointer */
            char pointee[NAME_BYTES]; /* pointed into */
            uint32_t offset;
            uint8_t size;
        } __attribute__((packed)) pointer;
        struct {
            char file[NAME_BYTES];
            uint32_t offset; /* of the sum */
            uint32_t start;
            uint32_t length;
        } __attribute__((packed)) sum;
        unsigned char room[124];
    };
} __attribute__((packed));

_Static_assert(sizeof(struct step) == ACPI_STEP_BYTES, "as firmware reads it");
_Static_assert(ACPI_RSDP_BYTES == ACPI_RSDP_V1, "the RSDP's file");

static void name(char out[NAME_BYTES], const char *text)
{
    memcpy(out, text, strlen(text) + 1);
}

static void append(struct acpi_files *f, const struct step *s)
{
    BUG_ON(f->n_steps == ACPI_MAX_STEPS);
    memcpy(f->script[f->n_steps++], s, sizeof(*s));
}

static void add_file(struct acpi_files *f, const char *file, uint32_t align,
                     uint8_t zone)
{
    struct step s = {.command = htole32(CMD_ALLOCATE)};

    name(s.allocate.file, file);
    s.allocate.align = htole32(align);
    s.allocate.zone = zone;
    append(f, &s);
}

/* All pointers lead into the tables. */
static void add_pointer(struct acpi_files *f, const char *file, uint32_t offset,
                        uint8_t size)
{
    struct step s = {.command = htole32(CMD_ADD_POINTER)};

    name(s.pointer.file, file);
    name(s.pointer.pointee, ACPI_FILE_TABLES);
    s.pointer.offset = htole32(offset);
    s.pointer.size = size;
    append(f, &s);
}

static void add_sum(struct acpi_files *f, const char *file, uint32_t at,
                    uint32_t start, uint32_t length)
{
    struct step s = {.command = htole32(CMD_ADD_CHECKSUM)};

    name(s.sum.file, file);
    s.sum.offset = htole32(at);
    s.sum.start = htole32(start);
    s.sum.length = htole32(length);
    append(f, &s);
}

static void write_script(struct acpi_files *f, const struct acpi_fixups *fix)
{
    add_file(f, ACPI_FILE_TABLES, ACPI_FACS_ALIGN, ZONE_HIGH);
    add_file(f, ACPI_FILE_RSDP, 16, ZONE_F);
    for (unsigned i = 0; i < fix->n_pointers; i++)
        add_pointer(f, ACPI_FILE_TABLES, fix->pointers[i].at - ACPI_PC_TABLES,
                    fix->pointers[i].size);
    for (unsigned i = 0; i < fix->n_sums; i++) {
        const uint32_t table = fix->sums[i].table - ACPI_PC_TABLES;

        add_sum(f, ACPI_FILE_TABLES,
                table + offsetof(struct acpi_header, checksum), table,
                fix->sums[i].length);
    }
    add_pointer(f, ACPI_FILE_RSDP, offsetof(struct acpi_rsdp, rsdt), 4);
    add_sum(f, ACPI_FILE_RSDP, offsetof(struct acpi_rsdp, checksum), 0,
            ACPI_RSDP_V1);
}

int acpi_files_build(const struct machine_desc *m, struct acpi_files *out)
{
    struct acpi_fixups fix = {0};
    unsigned char *buf = malloc(ACPI_FILES_MAX);
    int64_t n = -ENOMEM;

    *out = (struct acpi_files){0};
    if (buf)
        n = acpi_pc_build(m, GPA(0 - (uint64_t)ACPI_PC_TABLES), buf,
                          ACPI_FILES_MAX, &fix);
    if (n < 0) {
        log_error("ACPI tables: cannot be built: %s", strerror((int)-n));
        free(buf);
        return (int)n;
    }
    memcpy(out->rsdp, buf, sizeof(out->rsdp));
    out->tables_size = (size_t)n - ACPI_PC_TABLES;
    memmove(buf, buf + ACPI_PC_TABLES, out->tables_size);
    out->tables = buf;
    write_script(out, &fix);
    return 0;
}

void acpi_files_free(struct acpi_files *files)
{
    free(files->tables);
    files->tables = NULL;
}
