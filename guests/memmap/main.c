/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memmap: the start_info memory map is sorted, without overlap, of known
 * types; the RAM in it is what was asked for (memory=MiB on the command
 * line), ends at the hole and goes on above it; and what the loader handed
 * over lies in it.
 *
 * The first MiB holds back the area from 640 KiB, so that RAM may be up to
 * 384 KiB less than asked for, never more.
 */
#include "abi/layout.h"
#include "acpi.h"
#include "console.h"
#include "report.h"
#include "start_info.h"

#define MIB       (1ull << 20)
#define PAGE_MASK 0xfffull

static const char *const type_name[] = {"none", "RAM",          "reserved",
                                        "ACPI", "non-volatile", "unusable"};

#define TYPE_MAX (sizeof(type_name) / sizeof(type_name[0]))

static void check_entry(const struct pvh_memmap_entry *e, uint64_t last_end)
{
    printf("%09llx-%09llx %s\n", (unsigned long long)e->addr,
           (unsigned long long)(e->addr + e->size),
           e->type < TYPE_MAX ? type_name[e->type] : "?");
    CHECK_GE("type", e->type, 1);
    CHECK_LE("type", e->type, TYPE_MAX - 1);
    CHECK_EQ("reserved field", e->reserved, 0);
    CHECK_GE("size", e->size, 1);
    CHECK_GE("start after the entry before", e->addr, last_end);
    CHECK_GE("end", e->addr + e->size, e->addr);
    if (e->type == 1) {
        CHECK_EQ("RAM start, offset in page", e->addr & PAGE_MASK, 0);
        CHECK_EQ("RAM size, offset in page", e->size & PAGE_MASK, 0);
        if (e->addr < LAYOUT_HOLE_END)
            CHECK_LE("RAM end below the hole", e->addr + e->size, LAYOUT_HOLE);
    }
}

/* RAM and ACPI memory both hold bytes; the hole does not. */
static void check_inside(const char *what, uint64_t addr, uint64_t size)
{
    unsigned n;
    const struct pvh_memmap_entry *map = start_info_memmap(&n);

    for (unsigned i = 0; i < n; i++)
        if (map[i].addr <= addr && addr + size <= map[i].addr + map[i].size)
            return;
    test_fail("%s: 0x%llx to 0x%llx is in no range", what,
              (unsigned long long)addr, (unsigned long long)(addr + size));
}

static void check_total(uint64_t total)
{
    uint64_t asked;

    if (!start_info_option("memory", &asked))
        test_error("the command line has no memory=MiB");
    CHECK_LE("RAM", total, asked * MIB);
    CHECK_GE("RAM", total, asked * MIB - (MIB - LAYOUT_LOW_END));
}

void test_main(void)
{
    unsigned n;
    const struct pvh_memmap_entry *map = start_info_memmap(&n);
    uint64_t last_end = 0, total = 0;

    CHECK_GE("entries", n, 2);
    for (unsigned i = 0; i < n; i++) {
        check_entry(&map[i], last_end);
        last_end = map[i].addr + map[i].size;
        total += map[i].type == 1 ? map[i].size : 0;
    }
    check_total(total);
    check_inside("kernel", (uintptr_t)image_start,
                 (uint64_t)(image_end - image_start));
    check_inside("start_info", entry_regs.ebx, sizeof(*start_info()));
    check_inside("memory map", (uintptr_t)map, n * sizeof(*map));
    check_inside("RSDP", start_info()->rsdp_paddr, sizeof(*acpi_rsdp()));
    check_inside("command line", start_info()->cmdline_paddr, 1);
}
