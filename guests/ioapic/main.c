/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ioapic: the redirection table reads back what was written, except its
 * read-only bits; pins come up masked. With the UART's transmitter-empty
 * interrupt as the source: an edge on a masked pin is ignored, an edge on an
 * open one arrives once, a level arrives again after each EOI until its
 * cause is gone. Source: Intel 82093AA data sheet, 3.2.
 */
#include "ioapic.h"

#include "abi/layout.h"
#include "apic.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "uart.h"

#define VECTOR_PIN (VECTOR_FIRST_IRQ + 3)
#define PIN        LAYOUT_COM1_GSI
#define PATIENCE   (5 * CLOCK_S)
#define QUIET      (20 * CLOCK_MS)

#define READ_ONLY (IOAPIC_PENDING | IOAPIC_REMOTE)
#define WRITABLE  (0xff0000000001ffffull & ~READ_ONLY)

static volatile unsigned seen;
static unsigned clear_at; /* remove the cause at this interrupt */

static void on_pin(struct trap_frame *frame)
{
    (void)frame;
    seen = seen + 1;
    if (seen == clear_at)
        uart_write(UART_IER, 0);
    apic_eoi();
}

static void wait_for(unsigned n, uint64_t ns)
{
    irq_enable();
    (void)clock_wait(seen >= n, ns);
    irq_disable();
}

/* The transmitter is empty: enabling its interrupt raises the line. */
static void raise_line(void)
{
    uart_write(UART_IER, UART_IER_THRE);
}

static void lower_line(void)
{
    uart_write(UART_IER, 0);
}

static void check_registers(void)
{
    static const uint64_t patterns[] = {0x5500000000015555, 0xaa0000000001aaaa,
                                        0xff0000000001ffff, 0x0000000000010000};

    CHECK_EQ("pins", ioapic_pins(), LAYOUT_IOAPIC_PINS);
    CHECK_GE("version", ioapic_read(IOAPIC_VERSION) & 0xff, 0x11);
    for (unsigned pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++) {
        CHECK_EQ("entry at reset", ioapic_entry(pin), IOAPIC_MASKED);
        for (unsigned i = 0; i < 4; i++) {
            ioapic_set_entry(pin, patterns[i]);
            CHECK_EQ("entry read back", ioapic_entry(pin),
                     patterns[i] & WRITABLE);
        }
    }
}

static void edge(void)
{
    seen = 0;
    clear_at = 0;
    ioapic_set_entry(PIN, IOAPIC_DEST(apic_id()) | IOAPIC_MASKED | VECTOR_PIN);
    raise_line();
    wait_for(1, QUIET);
    CHECK_EQ("interrupts, masked", seen, 0);
    ioapic_route(PIN, VECTOR_PIN);
    wait_for(1, QUIET);
    CHECK_EQ("interrupts, edge was while masked", seen, 0);
    lower_line();
    raise_line();
    wait_for(1, PATIENCE);
    wait_for(2, QUIET);
    CHECK_EQ("interrupts, edge while open", seen, 1);
    CHECK_EQ("remote IRR of an edge", ioapic_entry(PIN) & IOAPIC_REMOTE, 0);
    lower_line();
}

static void level(void)
{
    seen = 0;
    clear_at = 3;
    /* Or the rise would be an edge to the open pin, and one interrupt more. */
    ioapic_set_entry(PIN, IOAPIC_MASKED);
    raise_line();
    ioapic_set_entry(PIN, IOAPIC_DEST(apic_id()) | IOAPIC_LEVEL | VECTOR_PIN);
    CHECK_EQ("remote IRR of a level not taken",
             ioapic_entry(PIN) & IOAPIC_REMOTE, IOAPIC_REMOTE);
    wait_for(3, PATIENCE);
    wait_for(4, QUIET);
    /*
     * On a KVM without VMX or SVM vmm now and then sees one EOI exit more than
     * there were interrupts, and then one more is on its way; why is not known.
     */
    CHECK_GE("interrupts of a level until its cause is gone", seen, 3);
    CHECK_LE("interrupts of a level when its cause was gone", seen, 4);
    CHECK_EQ("remote IRR after the last EOI", ioapic_entry(PIN) & IOAPIC_REMOTE,
             0);
    ioapic_mask(PIN);
}

void test_main(void)
{
    apic_init();
    ioapic_init();
    trap_set_handler(VECTOR_PIN, on_pin);
    uart_drain();
    test_hold(); /* printing would lower and raise the line */
    check_registers();
    edge();
    level();
    uart_init();
    test_release();
}
