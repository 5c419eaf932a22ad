/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch_count.h: stands between the program and guest memory at link time
 * (mmu/fetch.h): counts the fetches of each byte, and lets a test change
 * memory right after it was looked at, as the quickest of guests would.
 */
#ifndef TESTS_FETCH_COUNT_H
#define TESTS_FETCH_COUNT_H

#include "mmu/fetch.h"

#define FETCH_BYTES (256u * 1024)

void __real_fetch_copy(void *dst, const void *src, size_t n);
void __wrap_fetch_copy(void *dst, const void *src, size_t n);
uint16_t __real_fetch_acquire16(const void *src);
uint16_t __wrap_fetch_acquire16(const void *src);
uint32_t __real_fetch_acquire32(const void *src);
uint32_t __wrap_fetch_acquire32(const void *src);

static struct {
    unsigned char *ram; /* where counting begins; FETCH_BYTES are counted */
    uint8_t counts[FETCH_BYTES];
    void (*after)(unsigned char *at, size_t n); /* may be NULL */
} fetches;

static void note_fetch(const void *src, size_t n)
{
    const size_t off = (size_t)((uintptr_t)src - (uintptr_t)fetches.ram);

    if (!fetches.ram || off >= FETCH_BYTES)
        return;
    for (size_t i = 0; i < n && off + i < FETCH_BYTES; i++)
        fetches.counts[off + i]++;
    if (fetches.after)
        fetches.after(fetches.ram + off, n);
}

void __wrap_fetch_copy(void *dst, const void *src, size_t n)
{
    __real_fetch_copy(dst, src, n);
    note_fetch(src, n);
}

uint16_t __wrap_fetch_acquire16(const void *src)
{
    const uint16_t v = __real_fetch_acquire16(src);

    note_fetch(src, sizeof(v));
    return v;
}

uint32_t __wrap_fetch_acquire32(const void *src)
{
    const uint32_t v = __real_fetch_acquire32(src);

    note_fetch(src, sizeof(v));
    return v;
}

#endif
