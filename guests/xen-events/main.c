/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-events: event channels as a guest has them: an event to itself comes as
 * an interrupt by the vector it chose, a masked one waits and is raised when it
 * is unmasked; loopback, status, close, poll; then the same by FIFO queues,
 * where there are any. Options: kernel=1.
 */
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "xen.h"

#define PATIENCE (5 * CLOCK_S)
#define QUIET    (20 * CLOCK_MS)

#define IS(what, call, result) \
    CHECK_EQ(what, (uint64_t)(int64_t)(call), (uint64_t)(int64_t)(result))

static struct evtchn_fifo_control_block control __attribute__((aligned(4096)));
static uint32_t words[1024] __attribute__((aligned(4096)));

/* As a kernel does in its handler. */
static void take(unsigned port)
{
    xen_shared.vcpu_info[0].evtchn_upcall_pending = 0;
    xen_shared.vcpu_info[0].evtchn_pending_sel = 0;
    xen_clear(port);
}

static bool came(unsigned n, uint64_t ns)
{
    bool ok;

    irq_enable();
    ok = clock_wait(xen_upcalls[0] >= n, ns);
    irq_disable();
    return ok;
}

static void one_event(unsigned port)
{
    const unsigned before = xen_upcalls[0];

    IS("send", xen_send(port), 0);
    CHECK_EQ("pending", xen_is_pending(port), 1);
    CHECK_EQ("upcall pending", xen_shared.vcpu_info[0].evtchn_upcall_pending,
             1);
    CHECK_EQ("an interrupt", came(before + 1, PATIENCE), true);
    /* It was not taken: no second one. */
    IS("send again", xen_send(port), 0);
    CHECK_EQ("a second interrupt", came(before + 2, QUIET), false);
    take(port);
    IS("send, taken", xen_send(port), 0);
    CHECK_EQ("the next interrupt", came(before + 2, PATIENCE), true);
    take(port);
}

static void masked(unsigned port)
{
    const unsigned before = xen_upcalls[0];
    const struct evtchn_unmask u = {.port = port};

    xen_mask(port);
    IS("send, masked", xen_send(port), 0);
    CHECK_EQ("pending, masked", xen_is_pending(port), 1);
    CHECK_EQ("an interrupt, masked", came(before + 1, QUIET), false);
    IS("unmask", xen_event(EVTCHNOP_unmask, &u), 0);
    CHECK_EQ("an interrupt, unmasked", came(before + 1, PATIENCE), true);
    take(port);
}

static void loopback(void)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF,
                                     .remote_dom = DOMID_SELF};
    struct evtchn_bind_interdomain b = {.remote_dom = DOMID_SELF};
    struct evtchn_status s = {.dom = DOMID_SELF};
    struct evtchn_close c;

    IS("allocate", xen_event(EVTCHNOP_alloc_unbound, &a), 0);
    b.remote_port = a.port;
    IS("bind", xen_event(EVTCHNOP_bind_interdomain, &b), 0);
    s.port = b.local_port;
    IS("status", xen_event(EVTCHNOP_status, &s), 0);
    CHECK_EQ("interdomain", s.status, EVTCHNSTAT_interdomain);
    CHECK_EQ("the other end", s.u.interdomain.port, a.port);
    take(b.local_port);
    IS("send to the other end", xen_send(b.local_port), 0);
    CHECK_EQ("the other end pending", xen_is_pending(a.port), 1);
    take(a.port);
    c.port = b.local_port;
    IS("close", xen_event(EVTCHNOP_close, &c), 0);
    IS("close again", xen_event(EVTCHNOP_close, &c), XEN_EINVAL);
    s.port = a.port;
    IS("status of the other end", xen_event(EVTCHNOP_status, &s), 0);
    CHECK_EQ("unbound", s.status, EVTCHNSTAT_unbound);
    c.port = a.port;
    IS("close the other end", xen_event(EVTCHNOP_close, &c), 0);
}

static void poll(unsigned port)
{
    evtchn_port_t ports[1] = {port};
    struct sched_poll p = {.nr_ports = 1,
                           .timeout = clock_ns() + 30 * CLOCK_MS};
    const uint64_t end = p.timeout;

    set_xen_guest_handle(p.ports, ports);
    while (clock_ns() < end)
        IS("poll", xen_call2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p), 0);
    IS("poll, past", xen_call2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p), 0);
    IS("send", xen_send(port), 0);
    p.timeout = 0;
    IS("poll, pending", xen_call2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p), 0);
    ports[0] = 100000;
    IS("poll, no port", xen_call2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p),
       XEN_EINVAL);
    p.nr_ports = 129;
    IS("poll, many", xen_call2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p),
       XEN_EINVAL);
    IS("yield", xen_call2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL), 0);
    take(port);
}

static void fifo(void)
{
    struct evtchn_init_control i = {.control_gfn = (uintptr_t)&control >> 12,
                                    .vcpu = 0};
    const struct evtchn_expand_array e = {.array_gfn = (uintptr_t)words >> 12};
    struct evtchn_set_priority prio;
    const unsigned before = xen_upcalls[0];
    long port;

    if (xen_by_kernel()) {
        IS("no queues", xen_event(EVTCHNOP_init_control, &i), XEN_ENOSYS);
        return;
    }
    IS("expand too early", xen_event(EVTCHNOP_expand_array, &e), -95);
    IS("init control", xen_event(EVTCHNOP_init_control, &i), 0);
    CHECK_EQ("link bits", i.link_bits, EVTCHN_FIFO_LINK_BITS);
    IS("expand", xen_event(EVTCHNOP_expand_array, &e), 0);
    port = xen_bind_ipi(0);
    prio = (struct evtchn_set_priority){.port = (evtchn_port_t)port,
                                        .priority = 2};
    IS("priority", xen_event(EVTCHNOP_set_priority, &prio), 0);
    prio.priority = 16;
    IS("no priority", xen_event(EVTCHNOP_set_priority, &prio), XEN_EINVAL);
    IS("send", xen_send((unsigned)port), 0);
    CHECK_EQ("ready", control.ready, 1u << 2);
    CHECK_EQ("head", control.head[2], (unsigned)port);
    CHECK_EQ("word", words[port],
             1u << EVTCHN_FIFO_PENDING | 1u << EVTCHN_FIFO_LINKED);
    CHECK_EQ("an interrupt", came(before + 1, PATIENCE), true);
}

void test_main(void)
{
    struct evtchn_bind_virq v = {.virq = VIRQ_TIMER, .vcpu = 0};
    long port, timer;

    xen_init();
    xen_take_events(0);
    port = xen_bind_ipi(0);
    CHECK_GE("a port", (uint64_t)port, 1);
    /* What came before is not this test's. */
    take((unsigned)port);
    one_event((unsigned)port);
    masked((unsigned)port);
    timer = xen_bind_virq(VIRQ_TIMER, 0);
    CHECK_GE("the timer's port", (uint64_t)timer, 1);
    IS("twice", xen_event(EVTCHNOP_bind_virq, &v), XEN_EEXIST);
    IS("send a virq", xen_send((unsigned)timer), XEN_EINVAL);
    IS("an IPI for no vCPU", xen_bind_ipi(77), XEN_ENOENT);
    loopback();
    poll((unsigned)port);
    fifo();
}
