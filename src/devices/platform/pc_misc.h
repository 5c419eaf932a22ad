/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc_misc.h: the odd ports of a PC: reset control (0xcf9), system control
 * port A (0x92), address line 20, and the debug consoles (0x402, 0xe9).
 * Thread: board lock held.
 */
#ifndef PLATFORM_PC_MISC_H
#define PLATFORM_PC_MISC_H

#include "devices/backend/chr.h"
#include "vmm/device.h"

struct pc_misc;

struct pc_misc_hooks {
    /*
     * hard: the whole machine; else the CPU alone (INIT), as firmware wants
     * that returns to real mode and finds in CMOS why.
     */
    void (*reset)(void *ctx, bool hard);
    /* Address line 20 is open (addresses are whole) or closed. */
    void (*a20)(void *ctx, bool open);
    void *ctx; /* borrowed */
};

/* hooks is copied. NULL: out of memory, logged. Line 20 begins open. */
struct pc_misc *pc_misc_create(const struct pc_misc_hooks *hooks);
void pc_misc_destroy(struct pc_misc *m);

/*
 * One port each. 0xcf9 lies among the ports of the PCI bus, which hands byte
 * accesses of this one on (pci_bus_config.reset_ops).
 */
extern const struct io_ops pc_misc_cf9_ops;
extern const struct io_ops pc_misc_port92_ops;

/* The keyboard controller's opinion of line 20; ctx is the pc_misc. */
void pc_misc_keyboard_a20(void *pc_misc, bool open);

bool pc_misc_a20(const struct pc_misc *m);

/*
 * One port, dev is a struct chr (attached to nothing else): what is written
 * goes there. Reads as 0xe9, by which firmware knows that somebody listens.
 */
extern const struct io_ops pc_debug_ops;

#endif
