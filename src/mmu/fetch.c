// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fetch.c: reads of guest memory; see fetch.h. Alone in its file, so that the
 * linker can put a test's functions in place of these.
 */
#include "mmu/fetch.h"

#include "vmm/copyonce.h"

void fetch_copy(void *dst, const void *src, size_t n)
{
    copy_once(dst, src, n);
}

uint16_t fetch_acquire16(const void *src)
{
    return load_acquire16(src);
}

uint32_t fetch_acquire32(const void *src)
{
    return load_acquire32(src);
}
