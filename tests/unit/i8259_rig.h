/* SPDX-License-Identifier: GPL-2.0-or-later */
/* i8259_rig.h: the pair of 8259A, set up as a BIOS does it. */
#ifndef TESTS_I8259_RIG_H
#define TESTS_I8259_RIG_H

#include "chip_rig.h"
#include "devices/platform/i8259.h"
#include "vmm/log.h"

#define MASTER &i8259_master_ops
#define SLAVE  &i8259_slave_ops

#define EOI          0x20u
#define SPECIFIC(n)  (0x60u | (n))
#define ROTATE_EOI   0xa0u
#define ROTATE_SPEC  0xe0u
#define SET_LOWEST   0xc0u
#define AEOI_ROT_ON  0x80u
#define AEOI_ROT_OFF 0x00u
#define READ_IRR     0x0au
#define READ_ISR     0x0bu
#define POLL         0x0cu
#define SMM_ON       0x68u
#define SMM_OFF      0x48u

struct rig {
    struct i8259 *pics;
    struct wire out;
    unsigned acked; /* bit per input */
    unsigned mask_changes;
    uint16_t masks;
};

static inline void on_acked(void *ctx, unsigned irq)
{
    ((struct rig *)ctx)->acked |= 1u << irq;
}

static inline void on_masked(void *ctx, unsigned irq, bool masked)
{
    struct rig *r = ctx;
    const uint16_t bit = (uint16_t)(1u << irq);

    r->mask_changes++;
    r->masks = (uint16_t)(masked ? r->masks | bit : r->masks & ~bit);
}

static inline void put(struct rig *r, const struct io_ops *ops, unsigned port,
                       unsigned v)
{
    chip_write(ops, r->pics, port, v, 1);
}

static inline unsigned get(struct rig *r, const struct io_ops *ops,
                           unsigned port)
{
    return (unsigned)chip_read(ops, r->pics, port, 1);
}

static inline unsigned irr(struct rig *r, const struct io_ops *ops)
{
    put(r, ops, 0, READ_IRR);
    return get(r, ops, 0);
}

static inline unsigned isr(struct rig *r, const struct io_ops *ops)
{
    put(r, ops, 0, READ_ISR);
    return get(r, ops, 0);
}

/* As a BIOS does it: vectors 8 and 0x70, nothing masked. */
static inline void init_pair(struct rig *r, unsigned icw4_master,
                             unsigned icw4_slave)
{
    put(r, MASTER, 0, 0x11);
    put(r, MASTER, 1, 0x08);
    put(r, MASTER, 1, 0x04);
    put(r, MASTER, 1, icw4_master);
    put(r, SLAVE, 0, 0x11);
    put(r, SLAVE, 1, 0x70);
    put(r, SLAVE, 1, 0x02);
    put(r, SLAVE, 1, icw4_slave);
}

static inline int setup(void **state)
{
    static struct rig r;
    const struct i8259_hooks hooks = {
        .acked = on_acked, .masked = on_masked, .ctx = &r};

    r = (struct rig){.masks = UINT16_MAX};
    wire_init(&r.out);
    r.pics = i8259_create(&r.out.intr, &hooks);
    *state = &r;
    if (!r.pics)
        return -1;
    init_pair(&r, 0x01, 0x01);
    return 0;
}

static inline int teardown(void **state)
{
    i8259_destroy(((struct rig *)*state)->pics);
    return 0;
}

static inline void raise_line(struct rig *r, unsigned irq)
{
    i8259_set_line(r->pics, irq, true);
}

static inline void lower_line(struct rig *r, unsigned irq)
{
    i8259_set_line(r->pics, irq, false);
}

static inline void pulse(struct rig *r, unsigned irq)
{
    lower_line(r, irq);
    raise_line(r, irq);
}

static inline int ack(struct rig *r)
{
    return i8259_ack(r->pics);
}

static inline bool out(const struct rig *r)
{
    return r->out.intr.level;
}

static inline unsigned vector_of(unsigned irq)
{
    return irq < 8 ? 0x08 + irq : 0x70 + irq - 8;
}

#endif
