/* SPDX-License-Identifier: GPL-2.0-or-later */
/* i8254_rig.h: the timer, a clock that the test moves, and interrupt 0. */
#ifndef TESTS_I8254_RIG_H
#define TESTS_I8254_RIG_H

#include "chip_clock.h"
#include "chip_rig.h"
#include "devices/platform/i8254.h"

#include <stdlib.h>
#include <string.h>

#define MS      1000000ull
#define CONTROL 3u

struct rig {
    struct i8254 *pit;
    struct fake_clock clock;
    struct wire irq0;
    uint64_t pulse; /* the test's own count */
    unsigned armed; /* deadlines met */
};

static inline int rig_init(struct rig *r)
{
    struct chip_clock clock;

    memset(r, 0, sizeof(*r));
    clock = fake_clock_init(&r->clock, 0);
    wire_init(&r->irq0);
    r->pit = i8254_create(&clock, &r->irq0.intr);
    return r->pit ? 0 : -1;
}

static inline int setup(void **state)
{
    static struct rig r;

    *state = &r;
    return rig_init(&r);
}

static inline int teardown(void **state)
{
    i8254_destroy(((struct rig *)*state)->pit);
    return 0;
}

static inline void put(struct rig *r, unsigned port, unsigned v)
{
    chip_write(&i8254_ops, r->pit, port, v, 1);
}

static inline unsigned get(struct rig *r, unsigned port)
{
    return (unsigned)chip_read(&i8254_ops, r->pit, port, 1);
}

/* Control word of a counter: two-byte counts, as every test wants. */
static inline void set_mode(struct rig *r, unsigned counter, unsigned mode)
{
    put(r, CONTROL, counter << 6 | 0x30 | mode << 1);
}

static inline void set_count(struct rig *r, unsigned counter, unsigned count)
{
    put(r, counter, count & 0xff);
    put(r, counter, count >> 8);
}

static inline unsigned count(struct rig *r, unsigned counter)
{
    unsigned v;

    put(r, CONTROL, counter << 6);
    v = get(r, counter);
    return v | get(r, counter) << 8;
}

static inline unsigned status(struct rig *r, unsigned counter)
{
    put(r, CONTROL, 0xe0 | 2u << counter);
    return get(r, counter);
}

static inline void gate2(struct rig *r, bool level)
{
    chip_write(&i8254_speaker_ops, r->pit, 0, level, 1);
}

static inline bool out2(struct rig *r)
{
    return chip_read(&i8254_speaker_ops, r->pit, 0, 1) & 0x20;
}

static inline void pulses(struct rig *r, uint64_t n)
{
    r->pulse += n;
    r->clock.now = clock_ns(r->pulse, I8254_HZ);
}

#endif
