// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvh.c: see pvh.h.
 *
 * One block: start_info, then the module list, the memory map, and the
 * strings. The three structures are multiples of eight bytes long, so each
 * is aligned where it falls. Addresses are known before anything is written:
 * every part's offset follows from the counts and the strings' lengths.
 *
 * Pure: reads its arguments, writes bytes. Thread: start-up, or the loop
 * thread on a rebuild.
 */
#include "boot/pvh.h"

#include "abi/pvh.h"
#include "boot/writer.h"
#include "vmm/log.h"

#include <string.h>

static void put_text(struct writer *w, const char *text)
{
    writer_bytes(w, text, strlen(text) + 1);
}

static void put_memmap(struct writer *w, const struct machine_desc *m)
{
    for (unsigned i = 0; i < m->n_ranges; i++) {
        const struct pvh_memmap_entry e = {
            .addr = m->map[i].base.v,
            .size = m->map[i].size,
            .type = (uint32_t)m->map[i].type,
        };

        writer_bytes(w, &e, sizeof(e));
    }
}

/* The module list; their command lines will follow each other at strings. */
static void put_modlist(struct writer *w, const struct pvh_info *info,
                        uint64_t strings)
{
    for (unsigned i = 0; i < info->n_modules; i++) {
        const struct placed_module *mod = &info->modules[i];
        const struct pvh_modlist_entry e = {
            .paddr = mod->base.v,
            .size = mod->size,
            .cmdline_paddr = mod->cmdline ? strings : 0,
        };

        if (mod->cmdline)
            strings += strlen(mod->cmdline) + 1;
        writer_bytes(w, &e, sizeof(e));
    }
}

int64_t pvh_build(const struct pvh_info *info, gpa_t base, void *buf,
                  size_t size)
{
    const struct machine_desc *m = info->machine;
    const uint64_t modlist = base.v + sizeof(struct pvh_start_info);
    const uint64_t memmap =
        modlist + info->n_modules * sizeof(struct pvh_modlist_entry);
    const uint64_t strings =
        memmap + m->n_ranges * sizeof(struct pvh_memmap_entry);
    const struct pvh_start_info start = {
        .magic = PVH_START_MAGIC,
        .version = PVH_START_VERSION,
        .nr_modules = info->n_modules,
        .modlist_paddr = info->n_modules ? modlist : 0,
        .cmdline_paddr = strings,
        .rsdp_paddr = info->rsdp.v,
        .memmap_paddr = memmap,
        .memmap_entries = m->n_ranges,
    };
    struct writer w;

    BUG_ON(base.v % PVH_ALIGN || m->n_ranges > MACHINE_MAX_RANGES);
    writer_init(&w, buf, size);
    writer_bytes(&w, &start, sizeof(start));
    put_modlist(&w, info, strings + strlen(info->cmdline) + 1);
    put_memmap(&w, m);
    put_text(&w, info->cmdline);
    for (unsigned i = 0; i < info->n_modules; i++)
        if (info->modules[i].cmdline)
            put_text(&w, info->modules[i].cmdline);
    return writer_size(&w);
}
