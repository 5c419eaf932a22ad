/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * triple-fault: a fault without a table to handle it ends the machine with
 * an exit status of its own (16).
 */
#include "power.h"
#include "report.h"

void test_main(void)
{
    test_result();
    power_triple_fault();
}
