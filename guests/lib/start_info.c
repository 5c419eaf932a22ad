/* SPDX-License-Identifier: MIT */
/*
 * start_info.c: see start_info.h. Everything lies below 4 GiB.
 */
#include "start_info.h"

#include "report.h"
#include "string.h"

const struct pvh_start_info *start_info(void)
{
    return (const struct pvh_start_info *)(uintptr_t)entry_regs.ebx;
}

void start_info_init(void)
{
    if (start_info()->magic != PVH_START_MAGIC)
        test_error("EBX 0x%x points to 0x%x, not to a start_info",
                   entry_regs.ebx, start_info()->magic);
}

const char *start_info_cmdline(void)
{
    uint64_t addr = start_info()->cmdline_paddr;

    return addr ? (const char *)(uintptr_t)addr : "";
}

bool start_info_option(const char *name, uint64_t *value)
{
    const char *at = strstr(start_info_cmdline(), name);

    if (!at || at[strlen(name)] != '=')
        return false;
    *value = 0;
    for (at += strlen(name) + 1; *at >= '0' && *at <= '9'; at++)
        *value = *value * 10 + (uint64_t)(*at - '0');
    return true;
}

const struct pvh_memmap_entry *start_info_memmap(unsigned *n)
{
    *n = start_info()->version ? start_info()->memmap_entries : 0;
    return (const struct pvh_memmap_entry *)(uintptr_t)start_info()
        ->memmap_paddr;
}

const struct pvh_modlist_entry *start_info_modules(unsigned *n)
{
    *n = start_info()->nr_modules;
    return (const struct pvh_modlist_entry *)(uintptr_t)start_info()
        ->modlist_paddr;
}
