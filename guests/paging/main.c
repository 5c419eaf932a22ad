/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * paging: page faults carry the error code and address the SDM says
 * (volume 3, 4.7): not present, write to a read-only page, execution of a
 * no-execute page; and a page mapped twice is one page. pvh64 only.
 */
#include "paging.h"

#include "cpu.h"
#include "report.h"

#define ERROR_PRESENT 0x01u
#define ERROR_WRITE   0x02u
#define ERROR_FETCH   0x10u

#define VA_ABSENT PAGE_FREE_AREA
#define VA_FIRST  (PAGE_FREE_AREA + 1 * PAGE_SIZE)
#define VA_SECOND (PAGE_FREE_AREA + 2 * PAGE_SIZE)
#define VA_NX     (PAGE_FREE_AREA + 3 * PAGE_SIZE)

static uint32_t page[PAGE_SIZE / 4] __attribute__((aligned(PAGE_SIZE)));

static void check(const char *what, struct trap t, uint32_t error,
                  uint64_t addr)
{
    CHECK_EQ(what, (unsigned)t.vector, VECTOR_PF);
    CHECK_EQ(what, t.error, error);
    CHECK_EQ(what, t.addr, addr);
}

static void not_present(void)
{
    uint32_t value;

    check("read of nothing", read_safe(VA_ABSENT + 8, &value), 0,
          VA_ABSENT + 8);
    check("write to nothing", write_safe(VA_ABSENT, 1), ERROR_WRITE, VA_ABSENT);
    CHECK_EQ("address that is not canonical",
             (unsigned)read_safe(1ull << 63, &value).vector, VECTOR_GP);
}

static void read_only(void)
{
    uint32_t value;

    paging_map(VA_FIRST, (uintptr_t)page, PAGE_PRESENT | PAGE_WRITE);
    paging_map(VA_SECOND, (uintptr_t)page, PAGE_PRESENT);
    CHECK_EQ("write", (unsigned)write_safe(VA_FIRST, 77).vector, ~0u);
    CHECK_EQ("read", (unsigned)read_safe(VA_SECOND, &value).vector, ~0u);
    CHECK_EQ("one page by two addresses", value, 77);
    check("write to a read-only page", write_safe(VA_SECOND, 1),
          ERROR_PRESENT | ERROR_WRITE, VA_SECOND);
}

/* The page holds "jmp *%rsi", which trap_jump() comes back by. */
static void no_execute(void)
{
    page[0] = 0xe6ff;
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
    paging_map(VA_NX, (uintptr_t)page, PAGE_PRESENT);
    CHECK_EQ("execution", (unsigned)trap_jump(VA_NX).vector, ~0u);
    paging_map(VA_NX, (uintptr_t)page, PAGE_PRESENT | PAGE_NX);
    check("execution of a no-execute page", trap_jump(VA_NX),
          ERROR_PRESENT | ERROR_FETCH, VA_NX);
}

void test_main(void)
{
    not_present();
    read_only();
    no_execute();
}
