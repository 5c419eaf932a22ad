// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pc_misc.c: the odd ports of a PC; see pc_misc.h. Sources: the 82371AB
 * datasheet (order number 290562), 4.1.3 reset control and 4.2.8 port 92;
 * the debug console as in Bochs.
 *
 * Line 20 is open if port 92 or the keyboard controller opens it: either
 * alone can, and only both can close it, as the gate in a PC is wired.
 *
 * All ports are one byte wide: an access reaches them with one byte.
 */
#include "devices/platform/pc_misc.h"
#include "vmm/log.h"

#include <stdlib.h>

/* 0xcf9 */
#define CF9_HARD 0x02u
#define CF9_CPU  0x04u /* its rise resets */
#define CF9_KEPT (CF9_HARD | CF9_CPU)

/* 0x92 */
#define P92_INIT 0x01u /* its rise resets the CPU */
#define P92_A20  0x02u

#define DEBUG_THERE 0xe9u

struct pc_misc {
    struct pc_misc_hooks hooks;
    uint8_t cf9;
    uint8_t port92;
    bool keyboard_a20;
};

struct pc_misc *pc_misc_create(const struct pc_misc_hooks *hooks)
{
    struct pc_misc *m = calloc(1, sizeof(*m));

    if (!m) {
        log_error("pc_misc: out of memory");
        return NULL;
    }
    m->hooks = *hooks;
    m->keyboard_a20 = true;
    return m;
}

void pc_misc_destroy(struct pc_misc *m)
{
    free(m);
}

bool pc_misc_a20(const struct pc_misc *m)
{
    return m->keyboard_a20 || (m->port92 & P92_A20);
}

void pc_misc_keyboard_a20(void *pc_misc, bool open)
{
    struct pc_misc *m = pc_misc;
    const bool was = pc_misc_a20(m);

    m->keyboard_a20 = open;
    if (pc_misc_a20(m) != was)
        m->hooks.a20(m->hooks.ctx, pc_misc_a20(m));
}

static void cf9_read(void *dev, uint64_t off, void *data, unsigned n)
{
    const struct pc_misc *m = dev;

    (void)off;
    (void)n;
    *(uint8_t *)data = m->cf9;
}

/* The kind of reset is what bit 1 says when bit 2 rises. */
static void cf9_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct pc_misc *m = dev;
    const uint8_t v = *(const uint8_t *)data & CF9_KEPT;
    const bool rises = (v & ~m->cf9) & CF9_CPU;

    (void)off;
    (void)n;
    m->cf9 = v;
    if (rises)
        m->hooks.reset(m->hooks.ctx, v & CF9_HARD);
}

static void port92_read(void *dev, uint64_t off, void *data, unsigned n)
{
    const struct pc_misc *m = dev;

    (void)off;
    (void)n;
    *(uint8_t *)data = m->port92;
}

static void port92_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct pc_misc *m = dev;
    const uint8_t v = *(const uint8_t *)data & (P92_INIT | P92_A20);
    const bool rises = (v & ~m->port92) & P92_INIT;
    const bool was = pc_misc_a20(m);

    (void)off;
    (void)n;
    m->port92 = v;
    if (pc_misc_a20(m) != was)
        m->hooks.a20(m->hooks.ctx, pc_misc_a20(m));
    if (rises)
        m->hooks.reset(m->hooks.ctx, false);
}

static void debug_read(void *dev, uint64_t off, void *data, unsigned n)
{
    (void)dev;
    (void)off;
    (void)n;
    *(uint8_t *)data = DEBUG_THERE;
}

static void debug_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    (void)off;
    chr_write(dev, data, n);
}

const struct io_ops pc_misc_cf9_ops = {
    .name = "reset control",
    .read = cf9_read,
    .write = cf9_write,
};

const struct io_ops pc_misc_port92_ops = {
    .name = "port92",
    .read = port92_read,
    .write = port92_write,
};

const struct io_ops pc_debug_ops = {
    .name = "debug console",
    .read = debug_read,
    .write = debug_write,
};
