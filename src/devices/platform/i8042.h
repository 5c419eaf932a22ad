/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * i8042.h: a PC's keyboard controller (Intel 8042 with IBM's PS/2 firmware),
 * and the keyboard and the mouse it has on its two wires (ps2.h).
 * Thread: board lock held.
 */
#ifndef PLATFORM_I8042_H
#define PLATFORM_I8042_H

#include "devices/platform/ps2.h"
#include "vmm/device.h"
#include "vmm/intr.h"

struct i8042;

struct i8042_hooks {
    /* The output port's opinion of address line 20 changed; begins open. */
    void (*a20)(void *ctx, bool open);
    /* The line that resets the CPU was pulled. */
    void (*reset)(void *ctx);
    void *ctx; /* borrowed */
};

/* hooks is copied, the lines are borrowed. NULL: out of memory, logged. */
struct i8042 *i8042_create(const struct i8042_hooks *hooks, struct intr *irq1,
                           struct intr *irq12);
void i8042_destroy(struct i8042 *c);

/* One port each: 0x60 and 0x64. */
extern const struct io_ops i8042_data_ops;
extern const struct io_ops i8042_command_ops;

/* What a person does; as ps2_kbd_key and ps2_mouse_move. */
void i8042_key(struct i8042 *c, unsigned key, bool down);
void i8042_mouse(struct i8042 *c, int dx, int dy, int dz, unsigned buttons);

/* The guest has taken all that was typed. */
bool i8042_keys_taken(const struct i8042 *c);

/* PS2_LED_*, as the guest set them. */
unsigned i8042_leds(const struct i8042 *c);

#endif
