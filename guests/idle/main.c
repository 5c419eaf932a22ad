/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle: all CPUs halt for good, interrupts on but none coming. The harness
 * looks whether any thread of vmm wakes.
 */
#include "apic.h"
#include "cpu.h"
#include "report.h"
#include "smp.h"

static void halt(unsigned cpu)
{
    (void)cpu;
    for (;;)
        irq_wait();
}

void test_main(void)
{
    apic_init();
    smp_start_all(halt);
    test_ready();
    halt(0);
}
