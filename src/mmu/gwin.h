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
