/* SPDX-License-Identifier: MIT */
/* xen.c: see xen.h. */
#include "xen.h"

#include "apic.h"
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "start_info.h"

#define BITS (sizeof(xen_ulong_t) * 8)

unsigned char xen_page[4096] __attribute__((aligned(4096)));
struct shared_info xen_shared __attribute__((aligned(4096)));
volatile unsigned xen_upcalls[32];

bool xen_by_kernel(void)
{
    uint64_t kernel = 0;

    return start_info_option("kernel", &kernel) && kernel;
}

uint32_t xen_leaf(unsigned n)
{
    return 0x40000000u + n;
}

uint32_t xen_page_msr(void)
{
    return cpuid(xen_leaf(2), 0).ebx;
}

#ifdef __x86_64__
long xen_call(unsigned nr, unsigned long a, unsigned long b, unsigned long c,
              unsigned long d, unsigned long e)
{
    register unsigned long r10 __asm__("r10") = d;
    register unsigned long r8 __asm__("r8") = e;
    long ret;

    __asm__ volatile("call *%[stub]"
                     : "=a"(ret), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
                     : [stub] "r"(&xen_page[nr * 32])
                     : "memory");
    return ret;
}
#else
long xen_call(unsigned nr, unsigned long a, unsigned long b, unsigned long c,
              unsigned long d, unsigned long e)
{
    long ret;

    __asm__ volatile("call *%%eax"
                     : "=a"(ret), "+b"(a), "+c"(b), "+d"(c), "+S"(d), "+D"(e)
                     : "0"(&xen_page[nr * 32])
                     : "memory");
    return ret;
}
#endif

void xen_init(void)
{
    const struct cpuid c = cpuid(xen_leaf(0), 0);
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_shared_info,
        .gpfn = (xen_pfn_t)((uintptr_t)&xen_shared >> 12),
    };
    const void *clock = &xen_shared.vcpu_info[0].time;

    if (c.ebx != 0x566e6558 || c.ecx != 0x65584d4d || c.edx != 0x4d4d566e)
        test_skip("this is no guest of Xen");
    wrmsr(xen_page_msr(), (uintptr_t)xen_page);
    if (xen_call2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &map) != 0)
        test_error("shared_info cannot be mapped");
    clock_use(clock);
}

static void on_event(struct trap_frame *frame)
{
    const uint32_t id = apic_id();

    (void)frame;
    xen_upcalls[id % 32] = xen_upcalls[id % 32] + 1;
    apic_eoi();
}

void xen_take_events(unsigned vcpu)
{
    const struct xen_hvm_evtchn_upcall_vector v = {.vcpu = vcpu,
                                                   .vector = XEN_VECTOR};

    apic_init();
    trap_set_handler(XEN_VECTOR, on_event);
    if (xen_call2(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &v) != 0)
        test_error("no vector for events");
}

/* Nothing is acknowledged: it passed no interrupt controller. */
static void on_callback(struct trap_frame *frame)
{
    const uint32_t id = apic_id();

    (void)frame;
    xen_upcalls[id % 32] = xen_upcalls[id % 32] + 1;
}

void xen_take_callback(void)
{
    const struct xen_hvm_param p = {
        .domid = DOMID_SELF,
        .index = HVM_PARAM_CALLBACK_IRQ,
        .value = (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | XEN_VECTOR};

    apic_init();
    trap_set_handler(XEN_VECTOR, on_callback);
    if (xen_call2(__HYPERVISOR_hvm_op, HVMOP_set_param, &p) != 0)
        test_error("no vector for events of all CPUs");
}

long xen_bind_ipi(unsigned vcpu)
{
    struct evtchn_bind_ipi a = {.vcpu = vcpu};
    const long ret = xen_event(EVTCHNOP_bind_ipi, &a);

    return ret < 0 ? ret : (long)a.port;
}

long xen_bind_virq(unsigned virq, unsigned vcpu)
{
    struct evtchn_bind_virq a = {.virq = virq, .vcpu = vcpu};
    const long ret = xen_event(EVTCHNOP_bind_virq, &a);

    return ret < 0 ? ret : (long)a.port;
}

long xen_send(unsigned port)
{
    const struct evtchn_send a = {.port = port};

    return xen_event(EVTCHNOP_send, &a);
}

bool xen_is_pending(unsigned port)
{
    return __atomic_load_n(&xen_shared.evtchn_pending[port / BITS],
                           __ATOMIC_SEQ_CST) >>
               port % BITS &
           1;
}

void xen_clear(unsigned port)
{
    __atomic_fetch_and(&xen_shared.evtchn_pending[port / BITS],
                       ~((xen_ulong_t)1 << port % BITS), __ATOMIC_SEQ_CST);
}

void xen_mask(unsigned port)
{
    __atomic_fetch_or(&xen_shared.evtchn_mask[port / BITS],
                      (xen_ulong_t)1 << port % BITS, __ATOMIC_SEQ_CST);
}
