// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pc_irq.c: a PC's interrupt wires; see pc_irq.h. Sources: the 82371AB
 * datasheet (order number 290562), 4.1.10 PIRQRC; IA-PC HPET 1.0a, 2.3.5.
 *
 * Each end is the OR of what leads to it, computed anew when something
 * changes; an end hears of changes only. A PIRQ reaches the 8259s, and the I/O
 * APIC's pin of the same number, by way of the ISA line its register names,
 * which it shares with whoever else is on it; and the I/O APIC by a pin of its
 * own, whatever the register says. An operating system uses one of the three:
 * ACPI tells of the last, an MP table that knows of no other of the second.
 *
 * In legacy replacement the HPET's first two timers take the places of ISA
 * lines 0 and 8, and what drives those is not heard.
 */
#include "devices/platform/pc_irq.h"
#include "devices/platform/hpet.h"
#include "vmm/log.h"

#include <stdlib.h>

#define LINE_TIMER   0u
#define LINE_CASCADE 2u
#define LINE_RTC     8u

/* ISA lines that a PIRQ may be steered to: not 0, 1, 2, 8, 13. */
#define STEERABLE    0xdef8u
#define ROUTE_LINE   0x0fu
#define ROUTE_KEPT   (PC_IRQ_ROUTE_OFF | ROUTE_LINE)
#define HPET_TIMER_L (1u << LINE_TIMER)
#define HPET_RTC_L   (1u << LINE_RTC)

struct pc_irq {
    struct pc_irq_ends ends;
    uint32_t inputs;    /* as they are driven */
    uint32_t hpet_pins; /* as the HPET drives I/O APIC pins */
    uint16_t hpet_isa;  /* its lines 0 and 8 */
    bool legacy;
    uint8_t route[PC_IRQ_PIRQS];
    uint16_t pic_lines;   /* what the 8259s were told */
    uint32_t ioapic_pins; /* what the I/O APIC was told */
    uint32_t led;         /* pins that are events, */
    uint32_t events;      /* and how those are driven */
};

struct pc_irq *pc_irq_create(const struct pc_irq_ends *ends)
{
    struct pc_irq *q = calloc(1, sizeof(*q));

    if (!q) {
        log_error("pc_irq: out of memory");
        return NULL;
    }
    q->ends = *ends;
    for (unsigned i = 0; i < PC_IRQ_PIRQS; i++)
        q->route[i] = PC_IRQ_ROUTE_OFF;
    return q;
}

void pc_irq_destroy(struct pc_irq *q)
{
    free(q);
}

/* The ISA lines, whoever drives them. */
static uint16_t isa_lines(const struct pc_irq *q)
{
    uint16_t lines = (uint16_t)q->inputs;

    if (!q->legacy)
        return lines;
    lines &= (uint16_t) ~(HPET_TIMER_L | HPET_RTC_L);
    return lines | q->hpet_isa;
}

/* The ISA line that PIRQ n is steered to, as a bit; 0: none. */
static uint16_t steered(const struct pc_irq *q, unsigned n)
{
    if (q->route[n] & PC_IRQ_ROUTE_OFF)
        return 0;
    return (uint16_t)(1u << (q->route[n] & ROUTE_LINE)) & STEERABLE;
}

static uint16_t wanted_lines(const struct pc_irq *q)
{
    uint16_t lines = isa_lines(q);

    for (unsigned n = 0; n < PC_IRQ_PIRQS; n++)
        if (q->inputs & 1u << (PC_IRQ_PIRQ + n))
            lines |= steered(q, n);
    return lines;
}

static uint32_t wanted_pins(const struct pc_irq *q)
{
    const uint16_t isa = wanted_lines(q);
    uint32_t pins = isa & ~(1u << LINE_TIMER);

    if (isa & 1u << LINE_TIMER)
        pins |= 1u << PC_IRQ_TIMER_PIN;
    pins |= q->inputs & ~0xffffu; /* PIRQs have the pins of their inputs */
    return pins | q->hpet_pins;
}

_Static_assert(PC_IRQ_PIRQ == PC_IRQ_PIRQ_PIN, "wanted_pins copies them");

/* Tell the ends what changed. */
static void update(struct pc_irq *q)
{
    const uint16_t lines = wanted_lines(q);
    const uint32_t pins = wanted_pins(q);
    const uint16_t line_changes = lines ^ q->pic_lines;
    const uint32_t chips = pins & ~q->led;
    const uint32_t pin_changes = chips ^ q->ioapic_pins;
    const uint32_t rises = pins & q->led & ~q->events;

    q->pic_lines = lines;
    q->ioapic_pins = chips;
    q->events = pins & q->led;
    for (unsigned i = 0; i < PC_IRQ_ISA_LINES; i++)
        if (line_changes & 1u << i)
            q->ends.pic(q->ends.pic_ctx, i, lines & 1u << i);
    for (unsigned i = 0; i < PC_IRQ_PINS; i++)
        if (pin_changes & 1u << i)
            q->ends.ioapic(q->ends.ioapic_ctx, i, chips & 1u << i);
    for (unsigned i = 0; rises && i < PC_IRQ_PINS; i++)
        if (rises & 1u << i)
            q->ends.event(q->ends.event_ctx, i);
}

static uint32_t with_bit(uint32_t v, unsigned bit, bool level)
{
    return level ? v | 1u << bit : v & ~(1u << bit);
}

void pc_irq_set(void *pc_irq, unsigned input, bool level)
{
    struct pc_irq *q = pc_irq;

    BUG_ON(input >= PC_IRQ_INPUTS || input == LINE_CASCADE);
    q->inputs = with_bit(q->inputs, input, level);
    update(q);
}

void pc_irq_hpet_set(void *pc_irq, unsigned line, bool level)
{
    struct pc_irq *q = pc_irq;

    if (line == HPET_IRQ0)
        q->hpet_isa = (uint16_t)with_bit(q->hpet_isa, LINE_TIMER, level);
    else if (line == HPET_IRQ8)
        q->hpet_isa = (uint16_t)with_bit(q->hpet_isa, LINE_RTC, level);
    else if (line < PC_IRQ_PINS)
        q->hpet_pins = with_bit(q->hpet_pins, line, level);
    update(q);
}

void pc_irq_hpet_legacy(void *pc_irq, bool on)
{
    struct pc_irq *q = pc_irq;

    q->legacy = on;
    update(q);
}

void pc_irq_lead(struct pc_irq *q, unsigned pin, bool to_event)
{
    BUG_ON(pin >= PC_IRQ_PINS || !q->ends.event);
    q->led = with_bit(q->led, pin, to_event);
    update(q);
}

void pc_irq_ended(struct pc_irq *q, unsigned pin)
{
    BUG_ON(pin >= PC_IRQ_PINS || !q->ends.event);
    if (q->events & PC_IRQ_LEVELS & 1u << pin)
        q->ends.event(q->ends.event_ctx, pin);
}

void pc_irq_set_route(struct pc_irq *q, unsigned n, uint8_t v)
{
    BUG_ON(n >= PC_IRQ_PIRQS);
    q->route[n] = v & ROUTE_KEPT;
    update(q);
}

uint8_t pc_irq_route(const struct pc_irq *q, unsigned n)
{
    BUG_ON(n >= PC_IRQ_PIRQS);
    return q->route[n];
}
