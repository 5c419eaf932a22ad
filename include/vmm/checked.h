/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * checked.h: unsigned arithmetic that says when it wrapped.
 *
 * Every sum of a guest-chosen address and a guest-chosen length goes through
 * here; a plain `+` on such values is a bug.
 */
#ifndef VMM_CHECKED_H
#define VMM_CHECKED_H

#include "vmm/types.h"

/* *sum = a + b. Returns false, and leaves *sum alone, if that wraps 2^64. */
static inline must_check bool checked_add(uint64_t a, uint64_t b, uint64_t *sum)
{
    uint64_t s;

    if (__builtin_add_overflow(a, b, &s))
        return false;
    *sum = s;
    return true;
}

/* *product = a * b. Returns false, and leaves it alone, if that wraps. */
static inline must_check bool checked_mul(uint64_t a, uint64_t b,
                                          uint64_t *product)
{
    uint64_t p;

    if (__builtin_mul_overflow(a, b, &p))
        return false;
    *product = p;
    return true;
}

/* Is [off, off+len) inside [0, size)? Never wraps; len 0 at size is inside. */
static inline bool range_ok(uint64_t off, uint64_t len, uint64_t size)
{
    return off <= size && len <= size - off;
}

/* Do [a, a+alen) and [b, b+blen) share a byte? Ends must not wrap. */
static inline bool ranges_overlap(uint64_t a, uint64_t alen, uint64_t b,
                                  uint64_t blen)
{
    return alen && blen && a < b + blen && b < a + alen;
}

/* Round up to a power-of-two multiple. Returns false if that wraps. */
static inline must_check bool checked_align_up(uint64_t v, uint64_t align,
                                               uint64_t *out)
{
    uint64_t s;

    if (!checked_add(v, align - 1, &s))
        return false;
    *out = s & ~(align - 1);
    return true;
}

#endif
