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
#include "xenblk.h"

#define VDEV    51712u
#define PAGES   16u
#define IN_PAGE (XENBUS_PAGE / SECTOR)
#define ROUNDS  20u

static struct xenblk disk;
static unsigned char ring[XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char data[PAGES * XENBUS_PAGE] __attribute__((aligned(4096)));
static uint32_t refs[PAGES];

/* A page each, of the sectors after one another. */
static void push_reads(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        blkif_request_t *req =
            RING_GET_REQUEST(&disk.r, disk.r.req_prod_pvt + i);

        *req = (blkif_request_t){.operation = BLKIF_OP_READ,
                                 .nr_segments = 1,
                                 .id = i,
                                 .sector_number = i * IN_PAGE};
        req->seg[0].gref = refs[i];
        req->seg[0].last_sect = IN_PAGE - 1;
    }
    xenblk_push_n(&disk, n);
}

static void check_served(void)
{
    unsigned answers = 0;

    memset(data, 0xee, sizeof(data));
    push_reads(PAGES);
    while (answers < PAGES && xenblk_answer(&disk))
        answers++;
    CHECK_EQ("answers", answers, PAGES);
    CHECK_EQ("what was read", pattern_is(data, 0, PAGES * IN_PAGE, 0), 1);
}

/* Nothing is held, and a connection like any other comes about. */
static void check_whole(const char *what)
{
    printf("case 45: %s\n", what);
    front_restart(&disk.front);
    CHECK_EQ("the ring is ours", xen_ungrant(disk.ring_refs[0]), 1);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK_EQ("the page is ours", xen_ungrant(refs[i]), 1);
    for (unsigned i = 0; i < PAGES; i++)
        xen_regrant(refs[i], data + i * XENBUS_PAGE);
    xen_regrant(disk.ring_refs[0], ring);
    xenblk_connect(&disk);
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

    xenblk_offer(&disk);
    for (unsigned n = 0; n < ROUNDS * 10; n++)
        front_state(&disk.front,
                    states[n % (sizeof(states) / sizeof(states[0]))]);
    check_whole("states that jump");
}

static void no_states(void)
{
    static const char *const values[] = {
        "", "x", "-1", "99", "18446744073709551616", "3 3", "\xff",
    };

    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        front_put(&disk.front, "state", values[i]);
        front_state(&disk.front, XenbusStateConnected);
    }
    check_whole("states that are none");
}

/* Refused: the back-end closes and says why. */
static void refused(const char *node, const char *value)
{
    front_restart(&disk.front);
    xenblk_offer(&disk);
    front_put(&disk.front, node, value);
    front_state(&disk.front, XenbusStateInitialised);
    if (!front_wait(&disk.front, XenbusStateClosing))
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
    front_put(&disk.front, "multi-queue-num-queues", "1");
    refused("ring-page-order", "31");
    front_put(&disk.front, "ring-page-order", "0");
    check_whole("nodes that are wrong");
}

/* A port that is no back-end's to bind: an interprocessor interrupt. */
static void foreign_port(void)
{
    front_restart(&disk.front);
    xenblk_offer(&disk);
    front_put_number(&disk.front, "event-channel", (uint32_t)xen_bind_ipi(0));
    front_state(&disk.front, XenbusStateInitialised);
    CHECK_EQ("refused", front_wait(&disk.front, XenbusStateClosing), 1);
    check_whole("a port of something else");
}

/* They are read once: what is served goes on. */
static void change_when_connected(void)
{
    front_put_number(&disk.front, "ring-ref", 500);
    front_put_number(&disk.front, "event-channel", 1);
    front_put(&disk.front, "protocol", "x86_32-abi");
    check_served();
    check_whole("nodes that change when connected");
}

static void close_port(void)
{
    const struct evtchn_close c = {.port = disk.port};

    push_reads(PAGES);
    CHECK_EQ("close", (uint64_t)xen_event(EVTCHNOP_close, &c), 0);
    check_whole("a port that is closed");
}

static void leave_in_flight(void)
{
    for (unsigned n = 0; n < ROUNDS; n++) {
        push_reads(PAGES);
        front_state(&disk.front,
                    n % 2 ? XenbusStateInitialising : XenbusStateClosed);
        front_state(&disk.front, XenbusStateInitialising);
        CHECK_EQ("offered", front_wait(&disk.front, XenbusStateInitWait), 1);
        xenblk_connect(&disk);
    }
    check_whole("requests in flight at the end");
}

void test_main(void)
{
    xen_init();
    xenbus_init();
    xenblk_open(&disk, VDEV, ring, 0);
    for (unsigned i = 0; i < PAGES; i++)
        refs[i] = xen_grant(data + i * XENBUS_PAGE, false);
    xenblk_connect(&disk);
    check_served();
    jump();
    no_states();
    wrong_nodes();
    foreign_port();
    change_when_connected();
    close_port();
    leave_in_flight();
}
