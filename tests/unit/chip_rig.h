/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chip_rig.h: what stands around a chip under test: lines that are watched,
 * and accesses of any width through its io_ops.
 */
#ifndef CHIP_RIG_H
#define CHIP_RIG_H

#include "vmm/device.h"
#include "vmm/intr.h"

/* A line and what happened on it. */
struct wire {
    struct intr intr;
    unsigned rises;
};

static inline void wire_set(void *ctx, unsigned line, bool level)
{
    struct wire *w = ctx;

    (void)line;
    w->rises += level;
}

static inline void wire_init(struct wire *w)
{
    *w = (struct wire){.intr = {.set = wire_set, .ctx = w}};
}

/* How often the line rose since it was last asked. */
static inline unsigned wire_rises(struct wire *w)
{
    const unsigned n = w->rises;

    w->rises = 0;
    return n;
}

static inline void chip_write(const struct io_ops *ops, void *dev, uint64_t off,
                              uint64_t v, unsigned n)
{
    ops->write(dev, off, &v, n);
}

static inline uint64_t chip_read(const struct io_ops *ops, void *dev,
                                 uint64_t off, unsigned n)
{
    uint64_t v = 0;

    ops->read(dev, off, &v, n);
    return v;
}

#endif
