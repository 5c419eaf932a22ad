/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aml.h: append bytes, and ACPI machine language, to a fixed buffer.
 *
 * Writing past the end is not an error of each call: the bytes are dropped,
 * and aml_size says -ENOSPC once, at the end. Only what our tables need of
 * ACPI 6.5 chapter 20 is here; lengths are encoded as short as they can be.
 *
 * No guest memory, no state outside struct aml. Thread: any.
 */
#ifndef BOOT_AML_H
#define BOOT_AML_H

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

struct aml {
    unsigned char *buf; /* borrowed */
    size_t size;
    size_t len; /* bytes wanted so far; more than size once it overflowed */
};

void aml_init(struct aml *a, void *buf, size_t size);

/* Bytes written, or -ENOSPC if they did not all fit. */
must_check int64_t aml_size(const struct aml *a);

void aml_bytes(struct aml *a, const void *src, size_t n);
void aml_byte(struct aml *a, uint8_t value);

/* Fill with zeroes up to a multiple of align (a power of two). */
void aml_align(struct aml *a, size_t align);

/* Overwrite bytes already written; no-op where the buffer overflowed. */
void aml_patch(struct aml *a, size_t at, const void *src, size_t n);

void aml_op(struct aml *a, enum aml_op op);

/* A NameSeg of one to four characters, padded with '_'. */
void aml_name(struct aml *a, const char *name);

/* The shortest integer constant for value. */
void aml_int(struct aml *a, uint64_t value);

void aml_string(struct aml *a, const char *text);

/* A seven-character EISA id ("PNP0501") as the integer it packs to. */
void aml_eisa_id(struct aml *a, const char *id);

/*
 * Begin an object with a PkgLength: op, then (at aml_close) the length of
 * what came in between. Returns the mark aml_close needs. They nest.
 */
must_check size_t aml_open(struct aml *a, enum aml_op op);
void aml_close(struct aml *a, size_t mark);

/* A Buffer object of n bytes. */
void aml_buffer(struct aml *a, const void *src, size_t n);

#endif
