/* SPDX-License-Identifier: GPL-2.0-or-later */
/* i8042_rig.h: the keyboard controller and what comes out of it. */
#ifndef TESTS_I8042_RIG_H
#define TESTS_I8042_RIG_H

#include "chip_rig.h"
#include "devices/platform/i8042.h"

#include <stdio.h>
#include <string.h>

#define OBF 0x01u
#define SYS 0x04u
#define CMD 0x08u
#define AUX 0x20u

#define CB_TEXT 0x47u /* interrupts, system flag, translation */
#define CB_RAW  0x07u

struct rig {
    struct i8042 *kbc;
    struct wire irq1;
    struct wire irq12;
    unsigned resets;
    unsigned a20_changes;
    bool a20;
};

static inline void on_a20(void *ctx, bool open)
{
    struct rig *r = ctx;

    r->a20_changes++;
    r->a20 = open;
}

static inline void on_reset(void *ctx)
{
    ((struct rig *)ctx)->resets++;
}

static inline void data(struct rig *r, unsigned v)
{
    chip_write(&i8042_data_ops, r->kbc, 0, v, 1);
}

static inline void cmd(struct rig *r, unsigned v)
{
    chip_write(&i8042_command_ops, r->kbc, 0, v, 1);
}

static inline unsigned status(struct rig *r)
{
    return (unsigned)chip_read(&i8042_command_ops, r->kbc, 0, 1);
}

static inline unsigned get(struct rig *r)
{
    return (unsigned)chip_read(&i8042_data_ops, r->kbc, 0, 1);
}

static inline void set_cb(struct rig *r, unsigned v)
{
    cmd(r, 0x60);
    data(r, v);
}

static inline void aux(struct rig *r, unsigned v)
{
    cmd(r, 0xd4);
    data(r, v);
}

static inline int setup(void **state)
{
    static struct rig r;
    const struct i8042_hooks hooks = {
        .a20 = on_a20, .reset = on_reset, .ctx = &r};

    memset(&r, 0, sizeof(r));
    wire_init(&r.irq1);
    wire_init(&r.irq12);
    r.kbc = i8042_create(&hooks, &r.irq1.intr, &r.irq12.intr);
    *state = &r;
    return r.kbc ? 0 : -1;
}

static inline int teardown(void **state)
{
    i8042_destroy(((struct rig *)*state)->kbc);
    return 0;
}

/* All that comes, from the keyboard (0) or from the mouse (AUX). */
static inline void expect(struct rig *r, unsigned from, const char *hex)
{
    char seen[256] = "";
    size_t n = 0;

    while ((status(r) & OBF) && n < sizeof(seen) - 4) {
        assert_int_equal(status(r) & AUX, from);
        n += (size_t)snprintf(seen + n, sizeof(seen) - n, "%s%02x",
                              n ? " " : "", get(r));
    }
    assert_string_equal(seen, hex);
}

#endif
