/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spin: never leaves the guest by itself; with all CPUs, interrupts off.
 * SIGTERM must still end it within 100 ms.
 */
#include "apic.h"
#include "report.h"
#include "smp.h"

static void spin(unsigned cpu)
{
    (void)cpu;
    for (;;)
        __asm__ volatile("");
}

void test_main(void)
{
    apic_init();
    smp_start_all(spin);
    test_ready();
    spin(0);
}
