/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bytes.h: wide accesses to chips on an 8-bit bus.
 *
 * The ISA bridge cuts a word or a dword at such a chip into bytes, lowest
 * port first. A chip that lives on bytes gives its io_ops as calls of these
 * two; the compiler folds the function pointers away.
 */
#ifndef PLATFORM_BYTES_H
#define PLATFORM_BYTES_H

#include "vmm/types.h"

typedef uint8_t byte_read_fn(void *dev, uint64_t off);
typedef void byte_write_fn(void *dev, uint64_t off, uint8_t v);

static inline void bytes_read(byte_read_fn *fn, void *dev, uint64_t off,
                              void *data, unsigned n)
{
    uint8_t *bytes = data;

    for (unsigned i = 0; i < n; i++)
        bytes[i] = fn(dev, off + i);
}

static inline void bytes_write(byte_write_fn *fn, void *dev, uint64_t off,
                               const void *data, unsigned n)
{
    const uint8_t *bytes = data;

    for (unsigned i = 0; i < n; i++)
        fn(dev, off + i, bytes[i]);
}

#endif
