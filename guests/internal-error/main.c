/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * internal-error: an instruction that KVM has to emulate and cannot ends
 * the machine with an exit status of its own (17). Where ring 0 runs on the
 * processor itself the instruction just executes: SKIP.
 */
#include "report.h"

void test_main(void)
{
    unsigned long bits;

    test_result();
    __asm__ volatile("popcnt %1, %0" : "=r"(bits) : "r"(0xffUL));
    if (bits != 8)
        test_fail("popcnt: expected 8, seen %lu", bits);
    test_skip("the processor executes this instruction itself");
}
