/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * powerbutton: `vmm stop` presses the power button: the generic event
 * device interrupts, its register says why and forgets when it is read; the
 * guest then powers off.
 */
#include "abi/layout.h"
#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "ioapic.h"
#include "report.h"

#define VECTOR_GED (VECTOR_FIRST_IRQ + 4)

static volatile unsigned interrupts;
static volatile uint32_t events, again;

static void on_event(struct trap_frame *frame)
{
    (void)frame;
    events |= mmio_read32(LAYOUT_GED);
    again = mmio_read32(LAYOUT_GED);
    interrupts = interrupts + 1;
    apic_eoi();
}

void test_main(void)
{
    apic_init();
    ioapic_init();
    trap_set_handler(VECTOR_GED, on_event);
    CHECK_EQ("events, none yet", mmio_read32(LAYOUT_GED), 0);
    ioapic_route(LAYOUT_GED_GSI, VECTOR_GED);
    test_ready();
    while (!interrupts)
        irq_wait();
    CHECK_EQ("interrupts", interrupts, 1);
    CHECK_EQ("events", events, LAYOUT_GED_EVT_POWER);
    CHECK_EQ("events, read again", again, 0);
}
