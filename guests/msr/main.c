/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * msr: an MSR that does not exist faults with #GP(0), read or written; so
 * does a reserved bit of one that does; and those every kernel uses hold
 * what is written.
 */
#include "console.h"
#include "cpu.h"
#include "report.h"

static const uint32_t unknown[] = {
    0x00000003,             /* between architectural ones */
    0x00007fff, 0x000008ff, /* the end of the x2APIC range */
    0x12345678, 0x40000000, /* hypervisor interfaces that are not offered */
    0x40000200, 0xc0002fff, 0xffffffff,
};

static const struct {
    uint32_t msr;
    uint64_t value;
    const char *name;
} reserved[] = {
    {MSR_EFER, 1ull << 63, "EFER"},
    {MSR_APIC_BASE, 1ull << 63, "APIC_BASE"},
};

static const struct {
    uint32_t msr;
    uint64_t value;
    const char *name;
} kept[] = {
    {0x174, 0x10, "SYSENTER_CS"},
    {0x175, 0x12345000, "SYSENTER_ESP"},
    {0x176, 0x12346000, "SYSENTER_EIP"},
    {0x277, 0x0007040600070406, "PAT"},
};

static void check_fault(const char *what, uint32_t msr, struct trap t)
{
    if (t.vector != VECTOR_GP || t.error != 0)
        test_fail("%s MSR 0x%x: expected vector 13, error 0, seen %d, 0x%x",
                  what, msr, t.vector, t.error);
}

void test_main(void)
{
    uint64_t value;

    for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        check_fault("read of", unknown[i], rdmsr_safe(unknown[i], &value));
        check_fault("write of", unknown[i], wrmsr_safe(unknown[i], 0));
    }
    for (unsigned i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        check_fault(reserved[i].name, reserved[i].msr,
                    wrmsr_safe(reserved[i].msr, reserved[i].value));
    for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        CHECK_EQ(kept[i].name,
                 (unsigned)wrmsr_safe(kept[i].msr, kept[i].value).vector, ~0u);
        CHECK_EQ(kept[i].name, (unsigned)rdmsr_safe(kept[i].msr, &value).vector,
                 ~0u);
        CHECK_EQ(kept[i].name, value, kept[i].value);
    }
}
