/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ioapic.h: Intel 82093AA, MMIO, messages to the local APICs; with as many
 * pins as the machine has (version register bits 23:16 say so) and the EOI
 * register of its successors (version 0x20), because local APICs
 * with x2APIC let a guest turn off the broadcast of EOIs.
 * Thread: board lock held.
 */
#ifndef PLATFORM_IOAPIC_H
#define PLATFORM_IOAPIC_H

#include "abi/layout.h"
#include "vmm/device.h"
#include "vmm/intr.h"

#define IOAPIC_MAX_PINS LAYOUT_IOAPIC_MAX
#define IOAPIC_SIZE     0x1000u

struct ioapic;

/* Told when a pin's entry changed, so that EOI exits can be asked for. */
struct ioapic_hooks {
    /*
     * The message an unmasked pin sends became this one; level: its EOI is
     * wanted, and the message is written as a level triggered one. Masking
     * alone is not told: the EOI of an interrupt already in service must still
     * be seen, and a guest that masks and unmasks causes no routing update.
     */
    void (*route)(void *ctx, unsigned pin, uint64_t addr, uint32_t data,
                  bool level);
    /* May be NULL: a pin's mask changed. All pins begin masked. */
    void (*mask)(void *ctx, unsigned pin, bool masked);
    /*
     * May be NULL: a CPU has ended the interrupt of an edge of one of these
     * pins (bit n: pin n). May drive the pin anew. Edges before that are lost.
     */
    void (*ended)(void *ctx, unsigned pin);
    uint32_t watched;
    void *ctx; /* borrowed */
};

/*
 * pins: 1..IOAPIC_MAX_PINS. sink and hooks are copied; hooks may be NULL.
 * NULL: out of memory, logged.
 */
struct ioapic *ioapic_create(unsigned pins, const struct msi_sink *sink,
                             const struct ioapic_hooks *hooks);
void ioapic_destroy(struct ioapic *io);

extern const struct io_ops ioapic_ops; /* IOAPIC_SIZE bytes */

/* Drive a pin; has the shape of intr.set (ctx is the ioapic). */
void ioapic_set_pin(void *ioapic, unsigned pin, bool level);

/* A local APIC broadcast EOI for vector: clear remote IRR, maybe resend. */
void ioapic_eoi(struct ioapic *io, uint8_t vector);

#endif
