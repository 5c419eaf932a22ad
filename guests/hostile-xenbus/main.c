/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile-xenbus: case 45 from inside: a front-end that jumps between states,
 * writes what is none, names rings and event channels that are not its to
 * give, changes them when it is connected, and leaves with requests in flight.
 * After each the pages are its own again, and another connection serves.
 */
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "disk.h"
#include "report.h"
#include "string.h"
#include "xenbus.h"

#include <xen/io/blkif.h>
#include <xen/io/protocols.h>

#define VDEV    51712u
#define PAGES   16u
#define IN_PAGE (XENBUS_PAGE / SECTOR)
#define ROUNDS  20u

static struct front front;
static unsigned char ring[XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char data[PAGES * XENBUS_PAGE] __attribute__((aligned(4096)));
static uint32_t ring_ref, refs[PAGES];
static blkif_front_ring_t r;
static uint32_t port;

#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

/* Everything a back-end reads, good. */
static void offer(void)
{
    r.sring = (void *)ring;
    SHARED_RING_INIT(r.sring);
    r.req_prod_pvt = r.rsp_cons = 0;
    r.nr_ents = 32;
    port = front_port();
    front_put_number(&front, "ring-ref", ring_ref);
    front_put_number(&front, "event-channel", port);
    front_put(&front, "protocol", XEN_IO_PROTO_ABI_NATIVE);
}

static void connect(void)
{
    offer();
    front_state(&front, XenbusStateInitialised);
    CHECK_EQ("connected", front_wait(&front, XenbusStateConnected), 1);
    front_state(&front, XenbusStateConnected);
}

/* A page each, of the sectors after one another. */
static void push_reads(unsigned n)
{
    int notify;

    for (unsigned i = 0; i < n; i++) {
        blkif_request_t *req = RING_GET_REQUEST(&r, r.req_prod_pvt);

        *req = (blkif_request_t){.operation = BLKIF_OP_READ,
                                 .nr_segments = 1,
                                 .id = i,
                                 .sector_number = i * IN_PAGE};
        req->seg[0].gref = refs[i];
        req->seg[0].last_sect = IN_PAGE - 1;
        r.req_prod_pvt++;
    }
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&r, notify);
    if (notify)
        xen_send(port);
}

static void check_served(void)
{
    memset(data, 0xee, sizeof(data));
    push_reads(PAGES);
    (void)clock_wait(__atomic_load_n(&r.sring->rsp_prod, __ATOMIC_ACQUIRE) ==
                         r.req_prod_pvt,
                     DISK_PATIENCE);
    CHECK_EQ("answers", r.sring->rsp_prod, r.req_prod_pvt);
    r.rsp_cons = r.sring->rsp_prod;
    CHECK_EQ("what was read", pattern_is(data, 0, PAGES * IN_PAGE, 0), 1);
}

/* Nothing is held, and a connection like any other comes about. */
static void check_whole(const char *what)
{
    printf("case 45: %s\n", what);
    front_restart(&front);
    CHECK_EQ("the ring is ours", xen_ungrant(ring_ref), 1);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK_EQ("the page is ours", xen_ungrant(refs[i]), 1);
    for (unsigned i = 0; i < PAGES; i++)
        xen_regrant(refs[i], data + i * XENBUS_PAGE);
    xen_regrant(ring_ref, ring);
    connect();
    check_served();
}

/* ---- the evil ---- */

/* As fast as the store takes them, all that is needed lying ready. */
static void jump(void)
{
    static const enum xenbus_state states[] = {
        XenbusStateClosed,      XenbusStateInitialised,
        XenbusStateClosing,     XenbusStateInitialising,
        XenbusStateConnected,   XenbusStateInitialising,
        XenbusStateInitialised, XenbusStateReconfiguring,
        XenbusStateClosed,      XenbusStateInitialising,
    };

    offer();
    for (unsigned n = 0; n < ROUNDS * 10; n++)
        front_state(&front, states[n % (sizeof(states) / sizeof(states[0]))]);
    check_whole("states that jump");
}

static void no_states(void)
{
    static const char *const values[] = {
        "", "x", "-1", "99", "18446744073709551616", "3 3", "\xff",
    };

    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        front_put(&front, "state", values[i]);
        front_state(&front, XenbusStateConnected);
    }
    check_whole("states that are none");
}

/* Refused: the back-end closes and says why. */
static void refused(const char *node, const char *value)
{
    front_restart(&front);
    offer();
    front_put(&front, node, value);
    front_state(&front, XenbusStateInitialised);
    if (!front_wait(&front, XenbusStateClosing))
        test_fail("%s = %s: it is not refused", node, value);
}

static void wrong_nodes(void)
{
    static const char *const values[] = {"", "x", "511", "4294967295",
                                         "99999999999999999999"};

    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        refused("ring-ref", values[i]);
        refused("event-channel", values[i]);
    }
    refused("event-channel", "0");
    refused("protocol", "vax-abi");
    refused("multi-queue-num-queues", "0");
    refused("multi-queue-num-queues", "4294967296");
    front_put(&front, "multi-queue-num-queues", "1");
    refused("ring-page-order", "31");
    front_put(&front, "ring-page-order", "0");
    check_whole("nodes that are wrong");
}

/* A port that is no back-end's to bind: an interprocessor interrupt. */
static void foreign_port(void)
{
    front_restart(&front);
    offer();
    front_put_number(&front, "event-channel", (uint32_t)xen_bind_ipi(0));
    front_state(&front, XenbusStateInitialised);
    CHECK_EQ("refused", front_wait(&front, XenbusStateClosing), 1);
    check_whole("a port of something else");
}

/* They are read once: what is served goes on. */
static void change_when_connected(void)
{
    front_put_number(&front, "ring-ref", 500);
    front_put_number(&front, "event-channel", 1);
    front_put(&front, "protocol", "x86_32-abi");
    check_served();
    check_whole("nodes that change when connected");
}

static void close_port(void)
{
    const struct evtchn_close c = {.port = port};

    push_reads(PAGES);
    CHECK_EQ("close", (uint64_t)xen_event(EVTCHNOP_close, &c), 0);
    check_whole("a port that is closed");
}

static void leave_in_flight(void)
{
    for (unsigned n = 0; n < ROUNDS; n++) {
        push_reads(PAGES);
        front_state(&front,
                    n % 2 ? XenbusStateInitialising : XenbusStateClosed);
        front_state(&front, XenbusStateInitialising);
        CHECK_EQ("offered", front_wait(&front, XenbusStateInitWait), 1);
        connect();
    }
    check_whole("requests in flight at the end");
}

void test_main(void)
{
    xen_init();
    xenbus_init();
    if (!front_open(&front, "vbd", VDEV))
        test_error("there is no xvda");
    CHECK_EQ("offered", front_wait(&front, XenbusStateInitWait), 1);
    ring_ref = xen_grant(ring, false);
    for (unsigned i = 0; i < PAGES; i++)
        refs[i] = xen_grant(data + i * XENBUS_PAGE, false);
    connect();
    check_served();
    jump();
    no_states();
    wrong_nodes();
    foreign_port();
    change_when_connected();
    close_port();
    leave_in_flight();
}
