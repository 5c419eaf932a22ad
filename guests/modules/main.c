/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * modules: each module is in RAM, page aligned, clear of the kernel and of
 * the others; size, checksum and command line are printed for the harness,
 * which knows what they must be.
 */
#include "console.h"
#include "report.h"
#include "start_info.h"

#define PAGE_MASK 0xfffull

static uint32_t checksum(const uint8_t *bytes, uint64_t n)
{
    uint32_t sum = 0;

    while (n--)
        sum = sum * 31 + *bytes++;
    return sum;
}

static bool overlap(const struct pvh_modlist_entry *m, uint64_t from,
                    uint64_t to)
{
    return m->paddr < to && from < m->paddr + m->size;
}

static bool in_ram(const struct pvh_modlist_entry *m)
{
    unsigned n;
    const struct pvh_memmap_entry *map = start_info_memmap(&n);

    for (unsigned i = 0; i < n; i++)
        if (map[i].type == 1 && map[i].addr <= m->paddr &&
            m->paddr + m->size <= map[i].addr + map[i].size)
            return true;
    return false;
}

static void check_module(const struct pvh_modlist_entry *m, unsigned i)
{
    uintptr_t cmdline = (uintptr_t)m->cmdline_paddr;

    CHECK_EQ("module address, offset in page", m->paddr & PAGE_MASK, 0);
    CHECK_EQ("module in RAM", in_ram(m), 1);
    CHECK_EQ("module reserved field", m->reserved, 0);
    CHECK_EQ("module over the kernel",
             overlap(m, (uintptr_t)image_start, (uintptr_t)image_end), 0);
    printf("module %u size %llu sum %08x cmdline [%s]\n", i,
           (unsigned long long)m->size,
           checksum((const uint8_t *)(uintptr_t)m->paddr, m->size),
           cmdline ? (const char *)cmdline : "");
}

void test_main(void)
{
    unsigned n;
    const struct pvh_modlist_entry *mods = start_info_modules(&n);

    for (unsigned i = 0; i < n; i++) {
        check_module(&mods[i], i);
        for (unsigned j = 0; j < i; j++)
            CHECK_EQ(
                "module over another",
                overlap(&mods[i], mods[j].paddr, mods[j].paddr + mods[j].size),
                0);
    }
    printf("%u modules\n", n);
}
