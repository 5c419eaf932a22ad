/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * i8254.h: the PC's Intel 8254 interval timer at 1.193182 MHz, and port 0x61
 * (system control port B), which gates counter 2 and shows its output.
 *
 * Counter 0 drives interrupt 0; lost ticks are treated as clock.h says.
 * Thread: board lock held.
 */
#ifndef PLATFORM_I8254_H
#define PLATFORM_I8254_H

#include "devices/platform/clock.h"
#include "vmm/device.h"
#include "vmm/intr.h"

#define I8254_HZ    1193182u
#define I8254_PORTS 4u

struct i8254;

/* clock is copied, irq0 borrowed. NULL: out of memory, logged. */
struct i8254 *i8254_create(const struct chip_clock *clock, struct intr *irq0);
void i8254_destroy(struct i8254 *pit);

extern const struct io_ops i8254_ops;         /* I8254_PORTS ports, 0x40 */
extern const struct io_ops i8254_speaker_ops; /* one port, 0x61 */

/* The deadline given to clock.arm has passed. */
void i8254_tick(struct i8254 *pit);

/*
 * A CPU took interrupt 0, or has ended it: whichever the interrupt controller
 * can tell. Until it is called for the first time, ticks are delivered unseen.
 */
void i8254_tick_taken(struct i8254 *pit);

/* Interrupt 0 was masked or unmasked: forget what is owed. */
void i8254_forgive(struct i8254 *pit);

#endif
