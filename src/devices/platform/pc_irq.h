/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc_irq.h: how a PC's interrupts are wired: from the ISA lines and the four
 * PCI lines to the inputs of the 8259s and to the pins of the I/O APIC, with
 * the PIIX's steering registers and the HPET's legacy replacement between. What
 * a pin is told can go elsewhere instead: a guest of Xen has it as an event.
 * Thread: board lock held.
 */
#ifndef PLATFORM_PC_IRQ_H
#define PLATFORM_PC_IRQ_H

#include "vmm/types.h"

/* Inputs: ISA lines 0 to 15 but for 2, then PIRQA# to PIRQD#. */
#define PC_IRQ_ISA_LINES 16u
#define PC_IRQ_PIRQ      16u /* input of PIRQA# */
#define PC_IRQ_PIRQS     4u
#define PC_IRQ_INPUTS    20u

/* I/O APIC pins: ISA lines as they are, 0 on pin 2; PIRQs from here on. */
#define PC_IRQ_TIMER_PIN 2u
#define PC_IRQ_PIRQ_PIN  16u
#define PC_IRQ_PINS      24u
/*
 * Pins whose interrupts are levels: PIRQs, and the SCI on 9. The HPET may use
 * others like that, but nobody is on its pins with it: each level is an edge.
 */
#define PC_IRQ_LEVELS 0x000f0200u

/* A steering register (PIRQRCx): off, or the ISA line. */
#define PC_IRQ_ROUTE_OFF 0x80u

struct pc_irq;

/* Where the wires end; both have the shape of intr.set. */
struct pc_irq_ends {
    void (*pic)(void *pic, unsigned irq, bool level);
    void *pic_ctx; /* borrowed */
    void (*ioapic)(void *ioapic, unsigned pin, bool level);
    void *ioapic_ctx; /* borrowed */
    /* A pin that is led here rose. NULL: none ever is. */
    void (*event)(void *ctx, unsigned pin);
    void *event_ctx; /* borrowed */
};

/* ends is copied. NULL: out of memory, logged. All routes begin off. */
struct pc_irq *pc_irq_create(const struct pc_irq_ends *ends);
void pc_irq_destroy(struct pc_irq *q);

/* Drive an input; has the shape of intr.set (ctx is the pc_irq). */
void pc_irq_set(void *pc_irq, unsigned input, bool level);

/* Drive a line of the HPET; as hpet_hooks.set and .legacy. */
void pc_irq_hpet_set(void *pc_irq, unsigned line, bool level);
void pc_irq_hpet_legacy(void *pc_irq, bool on);

/*
 * Lead a pin to ends.event, or back to the I/O APIC. It is low where it leaves;
 * if it is up, it rises where it arrives.
 */
void pc_irq_lead(struct pc_irq *q, unsigned pin, bool to_event);

/* Such a pin's interrupt has ended: one of PC_IRQ_LEVELS still up rises anew.
 */
void pc_irq_ended(struct pc_irq *q, unsigned pin);

/* The steering register of PIRQ n. */
void pc_irq_set_route(struct pc_irq *q, unsigned n, uint8_t v);
uint8_t pc_irq_route(const struct pc_irq *q, unsigned n);

#endif
