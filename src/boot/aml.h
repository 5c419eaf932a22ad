/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aml.h: append ACPI machine language to a writer.
 *
 * Only what our tables need of ACPI 6.5 chapter 20 is here. Integers and
 * lengths are encoded as short as they can be.
 *
 * No guest memory, no state outside the writer. Thread: any.
 */
#ifndef BOOT_AML_H
#define BOOT_AML_H

#include "boot/writer.h"
#include "vmm/types.h"

/* Opcodes (ACPI 6.5, 20.3); those above 0xff are ExtOpPrefix, byte. */
enum aml_op {
    AML_NAME = 0x08,
    AML_SCOPE = 0x10,
    AML_BUFFER = 0x11,
    AML_PACKAGE = 0x12,
    AML_METHOD = 0x14,
    AML_AND = 0x7b,
    AML_NOTIFY = 0x86,
    AML_IF = 0xa0,
    AML_REGION = 0x5b80,
    AML_FIELD = 0x5b81,
    AML_DEVICE = 0x5b82,
};

void aml_op(struct writer *w, enum aml_op op);

/* A NameSeg of one to four characters, padded with '_'. */
void aml_name(struct writer *w, const char *name);

/* The shortest integer constant for value. */
void aml_int(struct writer *w, uint64_t value);

void aml_string(struct writer *w, const char *text);

/* A seven-character EISA id ("PNP0501") as the integer it packs to. */
void aml_eisa_id(struct writer *w, const char *id);

/*
 * Begin an object with a PkgLength: op, then (at aml_close) the length of
 * what came in between. Returns the mark aml_close needs. They nest.
 */
must_check size_t aml_open(struct writer *w, enum aml_op op);
void aml_close(struct writer *w, size_t mark);

/* A Buffer object of n bytes. */
void aml_buffer(struct writer *w, const void *src, size_t n);

#endif
