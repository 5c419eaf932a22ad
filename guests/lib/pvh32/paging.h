/* SPDX-License-Identifier: MIT */
/*
 * paging.h: 32-bit guests have no page tables: addresses are physical.
 */
#ifndef GUEST_PAGING_H
#define GUEST_PAGING_H

#include <stdbool.h>
#include <stdint.h>

/* True if all of [0, end) can be reached. */
static inline bool paging_reach(uint64_t end)
{
    return end <= 1ull << 32;
}

#endif
