// SPDX-License-Identifier: GPL-2.0-or-later
/* startup.c: see startup.h. */
#include "startup.h"

#include "vmm/types.h"

#include <link.h>
#include <sys/mman.h>

/* The program is the first in the list, and the only one that is looked at. */
static int forget_segments(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        const uintptr_t begin = info->dlpi_addr + p->p_vaddr;
        const uintptr_t page = begin & ~(uintptr_t)(GUEST_PAGE - 1);

        if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
            (void)madvise((void *)page, begin - page + p->p_memsz,
                          MADV_DONTNEED);
    }
    return 1;
}

void startup_forget(void)
{
    (void)dl_iterate_phdr(forget_segments, NULL);
}
