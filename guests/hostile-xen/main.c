/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile-xen: cases 37 to 39 from inside: every hypercall with wild
 * arguments, its structures at the edges of memory, in the hypercall page and
 * across its pages; the hypercall page, shared_info, vcpu_info, runstate and
 * clock at addresses that are none; event channels by the thousand, closed
 * while they are sent to, storms. After each case the guest is still served.
 * Options: case=N, kernel=1.
 */
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "start_info.h"
#include "string.h"
#include "xen.h"

#include <xen/grant_table.h>
#include <xen/physdev.h>

#define ROUNDS 2000u

static unsigned char arena[2 * 4096] __attribute__((aligned(4096)));
static uint32_t seed = 4711;

static uint32_t any(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 7;
}

/* Addresses that are at some edge of something. */
static unsigned long any_pointer(void)
{
    static const unsigned long edges[] = {
        0,           1,           0xfff,       0x9fffd,     0xa0000,
        0xfffff,     0xbffffffe,  0xc0000000u, 0xfec00000u, 0xfee00000u,
        0xfeffc000u, 0xfefffffeu, 0xfffffffcu, 0x7fffffffu, 0x80000000u,
    };
    const unsigned long rest = any() % 5 ? any() % 4096 : 0;

    switch (any() % 8) {
    case 0:
        return edges[any() % (sizeof(edges) / sizeof(edges[0]))];
    case 1:
        return XEN_PTR(xen_page) + rest;
    case 2:
        return XEN_PTR(&xen_shared) + rest;
    case 3:
        return XEN_PTR(arena) + 4096 - any() % 24; /* across the pages */
    case 4:
        return (unsigned long)any() << (any() % 32);
    case 5:
        return ~0ul - any() % 64;
    default:
        return XEN_PTR(arena) + rest;
    }
}

static void scribble(void)
{
    for (unsigned i = 0; i < sizeof(arena); i += 4) {
        const uint32_t r = any();
        const uint32_t v = r % 4 == 0   ? any() % 16
                           : r % 4 == 1 ? (uint32_t)any_pointer()
                           : r % 4 == 2 ? DOMID_SELF
                                        : r;

        memcpy(&arena[i], &v, 4);
    }
}

/* The guest's end is not for here, nor text by the thousand. */
static bool spare(unsigned nr, unsigned long op)
{
    /* Who polls for nothing waits for ever, but where we come back early. */
    return (nr == __HYPERVISOR_sched_op &&
            (op == SCHEDOP_shutdown ||
             (op == SCHEDOP_poll && xen_by_kernel()))) ||
           nr == __HYPERVISOR_console_io || nr == __HYPERVISOR_iret ||
           nr == __HYPERVISOR_multicall;
}

static void hypercalls(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        const unsigned nr = any() % 64;
        const unsigned long op = any() % 40;

        if (i % 64 == 0)
            scribble();
        if (spare(nr, op))
            continue;
        (void)xen_call(nr, any() % 16 ? op : any_pointer(), any_pointer(),
                       any() % 2 ? any() % 4 : any_pointer(), any_pointer(),
                       any_pointer());
        /* Whatever became of it, the page is as it was told to be. */
        if (i % 256 == 0)
            wrmsr(xen_page_msr(), (uintptr_t)xen_page);
    }
}

/* ---- case 38 ---- */

/* Where Xen may write: the arena, or where this guest has nothing. */
static xen_pfn_t any_page(void)
{
    static const xen_pfn_t nowhere[] = {
        0x4000,  0x4fff,    0xbffff,    0xc0000, 0xdffff, 0xfec00,  0xfee00,
        0xfffff, 0x1000000, 0x40000000, ~0u,     ~0u - 1, 0x100000, 0xffffff,
    };
    const unsigned n = sizeof(nowhere) / sizeof(nowhere[0]);

    return any() % 2 ? (xen_pfn_t)(XEN_PTR(arena) >> 12) + any() % 2
                     : nowhere[any() % n];
}

static void areas(void)
{
    for (unsigned i = 0; i < 400; i++) {
        const struct xen_add_to_physmap map = {
            .domid = DOMID_SELF,
            .space =
                any() % 4 ? XENMAPSPACE_shared_info : XENMAPSPACE_grant_table,
            .idx = any() % 4,
            .gpfn = any_page(),
        };
        const struct vcpu_register_vcpu_info info = {.mfn = any_page(),
                                                     .offset = any() % 5000};
        const struct vcpu_register_runstate_memory_area area = {
            .addr.p = any() % 2 ? XEN_PTR(arena) + any() % sizeof(arena)
                                : 0xd0000000u + any() % 4096};

        (void)xen_call2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &map);
        (void)xen_vcpu(VCPUOP_register_vcpu_info, any() % 4, &info);
        (void)xen_vcpu(any() % 2 ? VCPUOP_register_runstate_memory_area
                                 : VCPUOP_register_vcpu_time_memory_area,
                       0, &area);
        if (any() % 8 == 0)
            (void)wrmsr_safe(xen_page_msr(), 0xd0000000u + any() % 64);
    }
}

/* ---- case 39 ---- */

static void ports(void)
{
    unsigned n = 0;

    while (xen_bind_ipi(0) > 0)
        n++;
    CHECK_GE("ports", n, 1000);
    CHECK_LE("ports", n, 4096);
    for (unsigned i = 0; i < ROUNDS; i++) {
        const unsigned port = any() % 4 ? any() % (n + 8) : any();
        const struct evtchn_close c = {.port = port};

        (void)xen_send(port);
        switch (any() % 4) {
        case 0:
            (void)xen_event(EVTCHNOP_close, &c);
            (void)xen_send(port);
            break;
        case 1:
            (void)xen_event(EVTCHNOP_unmask, &c);
            break;
        case 2:
            (void)xen_bind_ipi(any() % 3);
            break;
        default:
            (void)xen_bind_virq(any() % 32, any() % 3);
            break;
        }
    }
}

static void reset_ports(void)
{
    const struct evtchn_reset r = {.dom = DOMID_SELF};

    CHECK_EQ("reset", (uint64_t)xen_event(EVTCHNOP_reset, &r), 0);
}

/* FIFO with a control block and words that change under it. */
static void fifo(void)
{
    struct evtchn_init_control i = {.control_gfn = XEN_PTR(arena) >> 12};
    const struct evtchn_expand_array e = {.array_gfn =
                                              (XEN_PTR(arena) >> 12) + 1};

    (void)xen_event(EVTCHNOP_init_control, &i);
    for (unsigned n = 0; n < 200; n++)
        (void)xen_event(EVTCHNOP_expand_array, &e);
    for (unsigned n = 0; n < ROUNDS; n++) {
        const struct evtchn_set_priority p = {.port = any() % 64,
                                              .priority = any() % 20};

        if (n % 16 == 0)
            scribble();
        (void)xen_bind_ipi(0);
        (void)xen_send(any() % 64);
        (void)xen_event(EVTCHNOP_unmask, &p);
        (void)xen_event(EVTCHNOP_set_priority, &p);
    }
}

static const struct {
    unsigned number;
    const char *what;
    void (*run)(void);
} cases[] = {
    {37, "every hypercall with wild arguments", hypercalls},
    {38, "pages and areas where there is nothing", areas},
    {39, "ports by the thousand", ports},
    {39, "a reset of all ports", reset_ports},
    {39, "FIFO queues that change", fifo},
    {39, "a reset of the queues", reset_ports},
};

void test_main(void)
{
    uint64_t number = 37;

    (void)start_info_option("case", &number);
    xen_init();
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].number != number)
            continue;
        printf("case %u: %s\n", cases[i].number, cases[i].what);
        cases[i].run();
        CHECK_EQ(
            "still served",
            (uint64_t)xen_call2(__HYPERVISOR_xen_version, XENVER_version, NULL),
            4u << 16 | 17u);
    }
}
