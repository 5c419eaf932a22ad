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
    AML_ARG0 = 0x68,
    AML_STORE = 0x70,
    AML_AND = 0x7b,
    AML_OR = 0x7d,
    AML_NOTIFY = 0x86,
    AML_DWORD_FIELD = 0x8a,
    AML_IF = 0xa0,
    AML_RETURN = 0xa4,
    AML_REGION = 0x5b80,
    AML_FIELD = 0x5b81,
    AML_DEVICE = 0x5b82,
};

/* Bytes that are no opcodes: address spaces, flags (20.2.5). */
#define AML_REGION_MEMORY 0x00
#define AML_REGION_PCI    0x02
#define AML_FIELD_BYTE    0x01 /* ByteAcc, NoLock, Preserve */
#define AML_FIELD_DWORD   0x03 /* DWordAcc, NoLock, Preserve */
#define AML_METHOD_1_ARG  0x01
#define AML_METHOD_SERIAL 0x08 /* or: it makes names */
#define AML_NULL_TARGET   0x00

void aml_op(struct writer *w, enum aml_op op);

/* A NameSeg of one to four characters, padded with '_'. */
void aml_name(struct writer *w, const char *name);

/* A NameString from the root: NameSegs of four characters, one after another.
 */
void aml_path(struct writer *w, const char *segs);

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
