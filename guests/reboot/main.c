/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reboot: the reset register makes a new machine: RAM is clear, the entry
 * state and the UART are as at first. As nothing of the guest survives, the
 * harness counts: after each READY it types 'r' for another reset (or 't'
 * for a triple fault) and in the end 'p' for poweroff.
 */
#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "power.h"
#include "report.h"
#include "smp.h"
#include "start_info.h"
#include "uart.h"

#define MARK      0x600dcafeu
#define MARK_ADDR 0x2000000u /* far from anything loaded: 32 MiB */
#define MARK_LOW  0x00006000u

static uint32_t data_mark; /* loaded again, or still changed? */
static uint32_t others;

static void arrive(unsigned cpu)
{
    (void)cpu;
    __atomic_add_fetch(&others, 1, __ATOMIC_RELEASE);
}

static void check_fresh(void)
{
    CHECK_EQ("RAM at 32 MiB", mmio_read32(MARK_ADDR), 0);
    CHECK_EQ("RAM below 640 KiB", mmio_read32(MARK_LOW), 0);
    CHECK_EQ("variable", data_mark, 0);
    CHECK_EQ("cr0", entry_regs.cr0 & ~0x10u, 1);
    CHECK_EQ("efer", entry_regs.efer & 0x500, 0);
    CHECK_EQ("start_info modules", start_info()->nr_modules, 0);
}

static void leave_traces(void)
{
    mmio_write32(MARK_ADDR, MARK);
    mmio_write32(MARK_LOW, MARK);
    data_mark = MARK;
}

void test_main(void)
{
    unsigned running;
    char order;

    check_fresh();
    apic_init();
    running = smp_start_all(arrive);
    CHECK_EQ("CPUs that arrived",
             __atomic_load_n(&others, __ATOMIC_ACQUIRE) <= running - 1, 1);
    leave_traces();
    printf("%u CPUs\n", running);
    test_result();
    test_ready();
    order = console_getc();
    if (order == 'r')
        power_reset();
    if (order == 't')
        power_triple_fault();
    if (order != 'p')
        test_error("expected r, t or p, seen 0x%x", (unsigned)order);
}
