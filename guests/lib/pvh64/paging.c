/* SPDX-License-Identifier: MIT */
/*
 * paging.c: see paging.h. New tables come from a small pool in the image.
 */
#include "paging.h"

#include "cpu.h"
#include "report.h"

#define POOL_TABLES      32u
#define CPUID_EXT_EDX_1G (1u << 26)
#define GIB              (1ull << 30)
#define ADDRESS_MASK     0x000ffffffffff000ull

struct table {
    uint64_t entry[512];
};

extern struct table paging_root, paging_low; /* start.S */

static struct table pool[POOL_TABLES] __attribute__((aligned(PAGE_SIZE)));
static unsigned pool_used;

static struct table *new_table(void)
{
    if (pool_used == POOL_TABLES)
        test_error("out of page tables");
    return &pool[pool_used++];
}

/* The table below an entry, made if it is not there. */
static struct table *descend(uint64_t *entry)
{
    if (!(*entry & PAGE_PRESENT))
        *entry = (uintptr_t)new_table() | PAGE_PRESENT | PAGE_WRITE | PAGE_USER;
    return (struct table *)(uintptr_t)(*entry & ADDRESS_MASK);
}

static unsigned index_at(uint64_t va, unsigned shift)
{
    return (unsigned)(va >> shift) & 511;
}

void paging_map(uint64_t va, uint64_t pa, uint64_t flags)
{
    struct table *t = &paging_root;

    for (unsigned shift = 39; shift > 12; shift -= 9)
        t = descend(&t->entry[index_at(va, shift)]);
    t->entry[index_at(va, 12)] = pa | flags;
    __asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

static void map_2m(uint64_t gib)
{
    struct table *t = new_table();

    for (unsigned i = 0; i < 512; i++)
        t->entry[i] = (gib * GIB + ((uint64_t)i << 21)) | PAGE_PRESENT |
                      PAGE_WRITE | PAGE_USER | PAGE_LARGE;
    paging_low.entry[gib] =
        (uintptr_t)t | PAGE_PRESENT | PAGE_WRITE | PAGE_USER;
}

bool paging_reach(uint64_t end)
{
    if (end > 512 * GIB)
        return false;
    if (cpuid(0x80000001, 0).edx & CPUID_EXT_EDX_1G)
        return true;
    for (uint64_t gib = 4; gib * GIB < end; gib++)
        if (paging_low.entry[gib] & PAGE_LARGE)
            map_2m(gib);
    return true;
}
