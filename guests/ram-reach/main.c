/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ram-reach: every range of RAM in the map can be written and keeps what was
 * written: its first and last word, and one word in every 2 MiB, each with a
 * value made of its address so that no two places can be the same memory.
 * All are written before the first is read back. pvh32 goes up to 4 GiB.
 */
#include "console.h"
#include "frame.h"
#include "paging.h"
#include "report.h"
#include "start_info.h"

#define STEP (2ull << 20)

typedef void visitor(uint64_t addr);

static unsigned visited;

static bool is_free(uint64_t addr)
{
    return addr >= (uintptr_t)image_end && addr >= 1ull << 20;
}

static uint32_t value_of(uint64_t addr)
{
    return (uint32_t)(addr >> 2) ^ (uint32_t)(addr >> 32) << 24 ^ 0xa5a5a5a5;
}

static void fill(uint64_t addr)
{
    *(volatile uint32_t *)(uintptr_t)addr = value_of(addr);
}

static void verify(uint64_t addr)
{
    uint32_t seen = *(volatile uint32_t *)(uintptr_t)addr;

    visited++;
    if (seen != value_of(addr))
        test_fail("0x%llx: expected 0x%x, seen 0x%x", (unsigned long long)addr,
                  value_of(addr), seen);
}

static void visit_range(const struct pvh_memmap_entry *e, visitor *visit)
{
    uint64_t end = e->addr + e->size;

    if (!paging_reach(end))
        return;
    for (uint64_t at = e->addr; at < end; at = (at | (STEP - 1)) + 1)
        if (is_free(at))
            visit(at);
    if (is_free(end - 4))
        visit(end - 4);
}

static void visit_all(visitor *visit)
{
    unsigned n;
    const struct pvh_memmap_entry *map = start_info_memmap(&n);

    for (unsigned i = 0; i < n; i++)
        if (map[i].type == 1)
            visit_range(&map[i], visit);
}

/* Low memory holds nothing of ours but the trampoline's page: all of it. */
static void check_low(void)
{
    for (uint64_t at = 0x1000; at < 0xa0000; at += 0x1000)
        fill(at);
    for (uint64_t at = 0x1000; at < 0xa0000; at += 0x1000)
        verify(at);
}

void test_main(void)
{
    uint64_t memory;

    if (!start_info_option("memory", &memory))
        test_error("the command line has no memory=MiB");
    visit_all(fill);
    visit_all(verify);
    printf("%u words in RAM above 1 MiB\n", visited);
    CHECK_GE("words seen", visited,
             (memory < 3072 || ARCH_BITS == 64 ? memory : 3072) / 2 - 2);
    check_low();
}
