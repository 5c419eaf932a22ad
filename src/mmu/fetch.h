/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch.h: where every read of guest memory by this process ends up.
 *
 * Three functions, kept out of line on purpose: a test puts its own in their
 * place at link time (ld --wrap) and counts how often each guest byte is
 * fetched, or changes it right after, as a hostile guest would. The code
 * under test is the code that ships.
 *
 * Callers are the doors (gmem.c, gwin.h) and the iovec helpers of the rings;
 * nobody else has a host pointer to guest memory.
 *
 * Thread: any.
 */
#ifndef MMU_FETCH_H
#define MMU_FETCH_H

#include "vmm/types.h"

/* Copy n bytes out of guest memory, each byte fetched once. */
void fetch_copy(void *dst, const void *src, size_t n);

/* Load an index, 2-byte aligned, with acquire order. */
uint16_t fetch_acquire16(const void *src);

/* The same for an index of 4 bytes, 4-byte aligned. */
uint32_t fetch_acquire32(const void *src);

#endif
