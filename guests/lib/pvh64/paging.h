/* SPDX-License-Identifier: MIT */
/*
 * paging.h: the page tables of long mode, beyond the identity map that the
 * image comes with. Source: Intel SDM volume 3, 4.5. Boot CPU only.
 */
#ifndef GUEST_PAGING_H
#define GUEST_PAGING_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_SIZE    4096u
#define PAGE_PRESENT (1ull << 0)
#define PAGE_WRITE   (1ull << 1)
#define PAGE_USER    (1ull << 2)
#define PAGE_LARGE   (1ull << 7)
#define PAGE_NX      (1ull << 63)

/* A region of addresses that the identity map leaves alone. */
#define PAGE_FREE_AREA 0x00007f0000000000ull

/* Map one 4 KiB page at va, which must be outside the identity map. */
void paging_map(uint64_t va, uint64_t pa, uint64_t flags);

/*
 * True if [0, end) can be reached: without 1 GiB pages the map above 4 GiB
 * is made here, of 2 MiB pages, as far as the table pool goes.
 */
bool paging_reach(uint64_t end);

#endif
