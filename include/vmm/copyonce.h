/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copyonce.h: the only place that reads or writes memory another party may
 * change at the same time (guest RAM, rings).
 *
 * A value fetched here lives in a local and is checked there; nobody looks
 * back at the shared copy. Indices are shared by acquire and release only,
 * and each caller names the access it pairs with.
 */
#ifndef VMM_COPYONCE_H
#define VMM_COPYONCE_H

#include <stdint.h>
#include <string.h>

/*
 * Copy n bytes out of shared memory exactly once. The volatile source keeps
 * the compiler from fetching a byte again after the caller checked it.
 */
static inline void copy_once(void *dst, const volatile void *src, size_t n)
{
    const volatile unsigned char *s = src;
    unsigned char *d = dst;

    /* Words first: one fetch per field for the naturally aligned structs. */
    for (; n >= 8 && ((uintptr_t)s & 7) == 0; n -= 8, s += 8, d += 8) {
        uint64_t w = *(const volatile uint64_t *)s;

        memcpy(d, &w, 8);
    }
    for (; n >= 4 && ((uintptr_t)s & 3) == 0; n -= 4, s += 4, d += 4) {
        uint32_t w = *(const volatile uint32_t *)s;

        memcpy(d, &w, 4);
    }
    for (; n; n--)
        *d++ = *s++;
}

static inline uint16_t load_acquire16(const uint16_t *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline uint32_t load_acquire32(const uint32_t *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void store_release16(uint16_t *p, uint16_t v)
{
    __atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline void store_release32(uint32_t *p, uint32_t v)
{
    __atomic_store_n(p, v, __ATOMIC_RELEASE);
}

#endif
