/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * holes: what no range of the map claims is not memory: it reads all-ones,
 * and what is written there is gone. Looked at: each gap between ranges and
 * after the last, both ends and some places between. Left out: where the
 * machine has its chips, and the first MiB, which is one piece of memory
 * whatever the map says of it.
 */
#include "abi/layout.h"
#include "console.h"
#include "cpu.h"
#include "paging.h"
#include "report.h"
#include "start_info.h"

#define LOW_END    0x00100000ull
#define CHIPS_FROM 0xfe000000ull
#define CHIPS_TO   0x100000000ull

static unsigned probed;

static void probe(uint64_t addr)
{
    addr &= ~3ull;
    if (!paging_reach(addr + 4) || (addr >= CHIPS_FROM && addr < CHIPS_TO))
        return;
    probed++;
    CHECK_EQ("read in a hole", mmio_read32((uintptr_t)addr), 0xffffffff);
    mmio_write32((uintptr_t)addr, 0x12345678);
    CHECK_EQ("read after write in a hole", mmio_read32((uintptr_t)addr),
             0xffffffff);
}

static void probe_gap(uint64_t from, uint64_t to)
{
    if (from >= to)
        return;
    printf("hole %09llx-%09llx\n", (unsigned long long)from,
           (unsigned long long)to);
    probe(from);
    probe(from + (to - from) / 2);
    probe(to - 4);
    for (unsigned i = 1; i < 16; i++)
        probe(from + (to - from) / 16 * i);
}

void test_main(void)
{
    unsigned n;
    const struct pvh_memmap_entry *map = start_info_memmap(&n);
    uint64_t at = LOW_END;

    for (unsigned i = 0; i < n; i++) {
        probe_gap(at, map[i].addr);
        if (map[i].addr + map[i].size > at)
            at = map[i].addr + map[i].size;
    }
    if (at < CHIPS_FROM)
        probe_gap(at, CHIPS_FROM);
    probe_gap(at > CHIPS_TO ? at : CHIPS_TO, (at | (CHIPS_TO - 1)) + 1);
    CHECK_GE("places probed", probed, 8);
}
