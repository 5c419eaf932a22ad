/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hpet.h: a high precision event timer block: one 64-bit counter of 100 MHz,
 * three comparators, each one-shot or periodic, 32 or 64 bits wide, edge or
 * level, routed to an I/O APIC pin or, in legacy replacement, in place of
 * the 8254 and the RTC. No messages (FSB). Source: IA-PC HPET 1.0a.
 *
 * Lost periodic ticks are treated as clock.h says. Thread: board lock held.
 */
#ifndef PLATFORM_HPET_H
#define PLATFORM_HPET_H

#include "devices/platform/clock.h"
#include "vmm/device.h"

#define HPET_SIZE   0x400u
#define HPET_TIMERS 3u
#define HPET_HZ     100000000u
#define HPET_ID     0x8086a201u /* low half of the capabilities, for ACPI */

/* Lines: the pins of the I/O APIC are 0 to 31; and these two ISA ones. */
#define HPET_IRQ0 32u
#define HPET_IRQ8 33u

struct hpet_hooks {
    /* Drive a line; called only on a change of level. */
    void (*set)(void *ctx, unsigned line, bool level);
    /*
     * Legacy replacement went on or off: on, HPET_IRQ0 and HPET_IRQ8 take
     * the places of the 8254's and the RTC's interrupts.
     */
    void (*legacy)(void *ctx, bool on);
    void *ctx; /* borrowed */
};

struct hpet;

/*
 * pins: bit n set: a comparator may be routed to pin n; not 0. clock and hooks
 * are copied. NULL: out of memory, logged.
 */
struct hpet *hpet_create(const struct chip_clock *clock, uint32_t pins,
                         const struct hpet_hooks *hooks);
void hpet_destroy(struct hpet *h);

extern const struct io_ops hpet_ops; /* HPET_SIZE bytes of MMIO */

/* The deadline given to clock.arm has passed. */
void hpet_tick(struct hpet *h);

#endif
