/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gwin.h: loads and stores in a window on guest memory (gmem_win).
 *
 * For rings: the window was checked once, so that an access costs no lookup.
 * The offset is ours, computed from a masked index: one outside the window
 * is a broken invariant, never guest data.
 *
 * Thread: any; the guest reads and writes the same memory at the same time.
 */
#ifndef MMU_GWIN_H
#define MMU_GWIN_H

#include "mmu/fetch.h"
#include "mmu/gmem.h"
#include "vmm/checked.h"
#include "vmm/copyonce.h"
#include "vmm/log.h"

/* The host bytes [off, off+n) of a window. */
static inline unsigned char *win_at(const struct gwin *w, size_t off, size_t n)
{
    BUG_ON(!range_ok(off, n, w->size));
    return w->host + off;
}

/* Copy out, each byte fetched once. */
static inline void win_copy_in(const struct gwin *w, size_t off, void *dst,
                               size_t n)
{
    fetch_copy(dst, win_at(w, off, n), n);
}

/* Copy into the guest; seen no later than the next release store. */
static inline void win_copy_out(const struct gwin *w, size_t off,
                                const void *src, size_t n)
{
    memcpy(win_at(w, off, n), src, n);
}

/* An index the guest stores: what it wrote before it is seen after it. */
static inline uint16_t win_load_acquire16(const struct gwin *w, size_t off)
{
    return fetch_acquire16(win_at(w, off, sizeof(uint16_t)));
}

static inline uint32_t win_load_acquire32(const struct gwin *w, size_t off)
{
    return fetch_acquire32(win_at(w, off, sizeof(uint32_t)));
}

/* An index the guest loads: what we wrote before it is seen after it. */
static inline void win_store_release16(const struct gwin *w, size_t off,
                                       uint16_t v)
{
    void *at = win_at(w, off, sizeof(v));

    store_release16(at, v);
}

static inline void win_store_release32(const struct gwin *w, size_t off,
                                       uint32_t v)
{
    void *at = win_at(w, off, sizeof(v));

    store_release32(at, v);
}

/* A window on memory of ours that stands in for the guest's. */
static inline struct gwin win_of(void *host, size_t n)
{
    return (struct gwin){.host = host, .size = n};
}

/*
 * Words and bits that both sides change: each function is one locked
 * operation on the 32-bit word at off, 4-byte aligned, and orders all that
 * comes before it before all that comes after. Bits are numbered from off on.
 */
static inline uint32_t *win_word(const struct gwin *w, size_t off)
{
    void *at = win_at(w, off, sizeof(uint32_t));

    return at;
}

static inline uint32_t win_load32(const struct gwin *w, size_t off)
{
    return __atomic_load_n(win_word(w, off), __ATOMIC_SEQ_CST);
}

static inline void win_store32(const struct gwin *w, size_t off, uint32_t v)
{
    __atomic_store_n(win_word(w, off), v, __ATOMIC_SEQ_CST);
}

/* Store v if *old is there; else say in *old what is. */
static inline bool win_cas32(const struct gwin *w, size_t off, uint32_t *old,
                             uint32_t v)
{
    return __atomic_compare_exchange_n(win_word(w, off), old, v, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline bool win_test_bit(const struct gwin *w, size_t off, uint32_t bit)
{
    return win_load32(w, off + bit / 32 * 4) >> bit % 32 & 1;
}

/* Set a bit and say what it was. */
static inline bool win_set_bit(const struct gwin *w, size_t off, uint32_t bit)
{
    const uint32_t mask = (uint32_t)1 << bit % 32;

    return __atomic_fetch_or(win_word(w, off + bit / 32 * 4), mask,
                             __ATOMIC_SEQ_CST) &
           mask;
}

/* Clear a bit and say what it was. */
static inline bool win_clear_bit(const struct gwin *w, size_t off, uint32_t bit)
{
    const uint32_t mask = (uint32_t)1 << bit % 32;

    return __atomic_fetch_and(win_word(w, off + bit / 32 * 4), ~mask,
                              __ATOMIC_SEQ_CST) &
           mask;
}

/* Clear bits of the word at off. */
static inline void win_clear_bits(const struct gwin *w, size_t off,
                                  uint32_t bits)
{
    (void)__atomic_fetch_and(win_word(w, off), ~bits, __ATOMIC_SEQ_CST);
}

/* Put a byte and say what was there. */
static inline uint8_t win_swap8(const struct gwin *w, size_t off, uint8_t v)
{
    return __atomic_exchange_n(win_at(w, off, 1), v, __ATOMIC_SEQ_CST);
}

/*
 * Order our store to one shared word before our load of another; the other
 * side does the same with the words exchanged, so that one of us sees the
 * other's store.
 */
static inline void win_full_barrier(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
