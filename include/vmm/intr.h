/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * intr.h: an interrupt, whatever carries it.
 *
 * A device holds a struct intr and raises or lowers it; whether that is an
 * IOAPIC pin, an MSI or (later) an event channel is settled by whoever made
 * it. Level semantics: raise twice is raise once. A test gives its own ops
 * and watches the line.
 *
 * Thread: with the board lock held (device callbacks always hold it).
 */
#ifndef VMM_INTR_H
#define VMM_INTR_H

#include "vmm/types.h"

struct intr {
    /* Drive the line; called only on a change of level. */
    void (*set)(void *ctx, unsigned line, bool level);
    void *ctx; /* borrowed from the board */
    unsigned line;
    bool level;
};

static inline void intr_set(struct intr *i, bool level)
{
    if (i->level == level)
        return;
    i->level = level;
    i->set(i->ctx, i->line, level);
}

static inline void intr_raise(struct intr *i)
{
    intr_set(i, true);
}

static inline void intr_lower(struct intr *i)
{
    intr_set(i, false);
}

/* One edge: up and down again. */
static inline void intr_pulse(struct intr *i)
{
    intr_set(i, true);
    intr_set(i, false);
}

/* Where a message-signalled interrupt goes; made by src/vcpu, used by chips. */
struct msi_sink {
    /* Deliver address/data as on the bus. Thread: any. */
    void (*send)(void *ctx, uint64_t addr, uint32_t data);
    void *ctx; /* borrowed */
};

#endif
