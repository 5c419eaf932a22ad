/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * i8259.h: the PC's two Intel 8259A interrupt controllers, the slave on the
 * master's input 2, and the edge/level registers (ELCR) beside them.
 *
 * Inputs are the ISA interrupts 0 to 15; the output is the CPU's INTR pin
 * (LINT0 of the local APIC in virtual wire mode). When the CPU takes the
 * interrupt it asks i8259_ack for the vector.
 *
 * Thread: board lock held.
 */
#ifndef PLATFORM_I8259_H
#define PLATFORM_I8259_H

#include "vmm/device.h"
#include "vmm/intr.h"

#define I8259_LINES   16u
#define I8259_CASCADE 2u /* the master's input the slave is on */

struct i8259;

/* Both may be NULL: what the owner of a tick counter wants to know. */
struct i8259_hooks {
    /* A CPU took the interrupt of this input (INTA or poll). */
    void (*acked)(void *ctx, unsigned irq);
    /* A bit of a mask register changed. */
    void (*masked)(void *ctx, unsigned irq, bool masked);
    void *ctx; /* borrowed */
};

/*
 * out is borrowed; hooks is copied and may be NULL. NULL: out of memory,
 * logged.
 */
struct i8259 *i8259_create(struct intr *out, const struct i8259_hooks *hooks);
void i8259_destroy(struct i8259 *pics);

extern const struct io_ops i8259_master_ops; /* two ports, 0x20 */
extern const struct io_ops i8259_slave_ops;  /* two ports, 0xa0 */
extern const struct io_ops i8259_elcr_ops;   /* two ports, 0x4d0 */
#define I8259_PORTS 2u

/*
 * Drive an input; has the shape of intr.set (ctx is the i8259). The cascade
 * input is the slave's: driving it from outside is a bug of the board.
 */
void i8259_set_line(void *i8259, unsigned irq, bool level);

/*
 * The CPU's interrupt acknowledge cycle: returns the vector, 0 to 255. Call
 * it when the output is high; the answer to a request that went away in
 * between is the spurious interrupt 7 (or 15).
 */
int i8259_ack(struct i8259 *pics);

#endif
