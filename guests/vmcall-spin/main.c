/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmcall-spin: on software KVM a VMCALL in ring 0 is retried for ever inside
 * KVM_RUN. SIGTERM must still end the machine within 100 ms. Where VMCALL
 * comes back (with -ENOSYS in EAX): SKIP.
 */
#include "report.h"

void test_main(void)
{
    unsigned long result;

    test_ready();
    __asm__ volatile("vmcall" : "=a"(result) : "a"(0x7fff), "b"(0) : "memory");
    test_skip("VMCALL comes back here, with 0x%lx", result);
}
