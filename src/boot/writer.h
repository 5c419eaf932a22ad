/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * writer.h: append bytes to a fixed buffer.
 *
 * Writing past the end is not an error of each call: the bytes are dropped,
 * and writer_size says -ENOSPC once, at the end.
 *
 * No guest memory, no state outside struct writer. Thread: any.
 */
#ifndef BOOT_WRITER_H
#define BOOT_WRITER_H

#include "vmm/types.h"

struct writer {
    unsigned char *buf; /* borrowed */
    size_t size;
    size_t len; /* bytes wanted so far; more than size once it overflowed */
};

void writer_init(struct writer *w, void *buf, size_t size);

/* Bytes written, or -ENOSPC if they did not all fit. */
must_check int64_t writer_size(const struct writer *w);

void writer_bytes(struct writer *w, const void *src, size_t n);
void writer_byte(struct writer *w, uint8_t value);

/* Fill with zeroes up to a multiple of align (a power of two). */
void writer_align(struct writer *w, size_t align);

/* Overwrite bytes already written; no-op where the buffer overflowed. */
void writer_patch(struct writer *w, size_t at, const void *src, size_t n);

#endif
