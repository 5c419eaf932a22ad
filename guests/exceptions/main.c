/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exceptions: faults arrive with the vector, error code and address the SDM
 * says (volume 3, 6.15), and execution goes on after them.
 */
#include "cpu.h"
#include "report.h"

#define MSR_NONE 0x12345678u

static struct trap divide_by_zero(void)
{
    struct trap t = TRAP_NONE;

    __asm__ volatile(TRAP_CATCH("divl %2")
                     :
                     : "a"(1), "d"(0), "r"(0), "D"(&t)
                     : "memory");
    return t;
}

static struct trap undefined(void)
{
    struct trap t = TRAP_NONE;

    __asm__ volatile(TRAP_CATCH("ud2") : : "D"(&t) : "memory");
    return t;
}

static struct trap bad_selector(uint16_t selector)
{
    struct trap t = TRAP_NONE;

    __asm__ volatile(TRAP_CATCH("movw %w0, %%fs")
                     :
                     : "r"(selector), "D"(&t)
                     : "memory");
    return t;
}

static void check(const char *what, struct trap t, int vector, uint32_t error)
{
    CHECK_EQ(what, (unsigned)t.vector, (unsigned)vector);
    if (t.vector == vector)
        CHECK_EQ(what, t.error, error);
}

void test_main(void)
{
    uint64_t value;

    check("divide by zero", divide_by_zero(), VECTOR_DE, 0);
    check("undefined instruction", undefined(), VECTOR_UD, 0);
    check("read of an unknown MSR", rdmsr_safe(MSR_NONE, &value), VECTOR_GP, 0);
    check("selector beyond the GDT", bad_selector(0x1238), VECTOR_GP, 0x1238);
}
