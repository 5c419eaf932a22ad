/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-late: a guest that begins as Linux does: it registers a vcpu_info, which
 * counts everything as pending, and names its vector while its local APIC is
 * off, which then takes no interrupt; the APIC is on before the first timer is
 * set. Nothing of that may be lost: the timer's event interrupts.
 */
#include "apic.h"
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "xen.h"

#define IS(what, call, result) \
    CHECK_EQ(what, (uint64_t)(int64_t)(call), (uint64_t)(int64_t)(result))

static struct vcpu_info info __attribute__((aligned(64)));
static volatile unsigned upcalls;

static void on_event(struct trap_frame *frame)
{
    (void)frame;
    upcalls++;
    info.evtchn_upcall_pending = 0;
    info.evtchn_pending_sel = 0;
    apic_eoi();
}

void test_main(void)
{
    const struct vcpu_register_vcpu_info place = {
        .mfn = (uintptr_t)&info >> 12,
        .offset = (uintptr_t)&info & 4095,
    };
    const struct xen_hvm_evtchn_upcall_vector vector = {.vector = XEN_VECTOR};
    struct vcpu_set_singleshot_timer t = {0};
    long port;

    xen_init();
    IS("register", xen_vcpu(VCPUOP_register_vcpu_info, 0, &place), 0);
    clock_use(&info.time);
    IS("vector",
       xen_call2(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &vector),
       0);
    trap_set_handler(XEN_VECTOR, on_event);
    apic_init();
    irq_enable();
    port = xen_bind_virq(VIRQ_TIMER, 0);
    CHECK_GE("port", (uint64_t)port, 1);
    t.timeout_abs_ns = clock_ns() + 20 * CLOCK_MS;
    IS("set", xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t), 0);
    clock_wait(xen_is_pending((unsigned)port) && upcalls, 5 * CLOCK_S);
    CHECK_EQ("the timer's event", xen_is_pending((unsigned)port), 1);
    CHECK_GE("upcalls", upcalls, 1);
    irq_disable();
}
