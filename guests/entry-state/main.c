/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entry-state: the CPU is as Xen docs/misc/pvh says at the PVH entry point.
 *
 * cr0: PE and nothing else writable; cr4: 0; eflags: VM, IF and TF clear;
 * ebx: the start_info; data segments flat to 4 GiB (the local APIC's
 * version, near the top, reads the same through DS, ES and SS). EFER is
 * left open by the specification but long mode must not be on.
 */
#include "console.h"
#include "report.h"
#include "start_info.h"

#define CR0_PE 0x1u
#define CR0_ET 0x10u /* hard-wired to 1 on every CPU since the 486 */

/*
 * On AMD processors a guest sees the host's CR4.MCE in its own, whatever the
 * VMM sets: KVM keeps it on in the guest's real register.
 */
#define CR4_MCE 0x40u

#define EFLAGS_TF (1u << 8)
#define EFLAGS_IF (1u << 9)
#define EFLAGS_VM (1u << 17)

#define EFER_LME_LMA 0x500u

#define APIC_VERSION_MIN 0x10u

static void check_segment(const char *name, uint32_t version)
{
    CHECK_EQ(name, version, entry_regs.apic_ds);
    CHECK_GE(name, version & 0xff, APIC_VERSION_MIN);
    CHECK_NE(name, version, 0xffffffff);
}

void test_main(void)
{
    const struct entry_regs *r = &entry_regs;

    CHECK_EQ("cr0", r->cr0 & ~CR0_ET, CR0_PE);
    CHECK_EQ("cr4", r->cr4 & ~CR4_MCE, 0);
    CHECK_EQ("eflags VM, IF, TF",
             r->eflags & (EFLAGS_VM | EFLAGS_IF | EFLAGS_TF), 0);
    CHECK_EQ("eflags fixed bits", r->eflags & 0xffc0802au, 2);
    CHECK_EQ("efer LME, LMA", r->efer & EFER_LME_LMA, 0);
    check_segment("apic version by ds", r->apic_ds);
    check_segment("apic version by es", r->apic_es);
    check_segment("apic version by ss", r->apic_ss);
    CHECK_EQ("start_info magic", start_info()->magic, PVH_START_MAGIC);
    CHECK_GE("start_info version", start_info()->version, 1);
    CHECK_EQ("start_info flags", start_info()->flags, 0);
    CHECK_EQ("start_info reserved", start_info()->reserved, 0);
}
