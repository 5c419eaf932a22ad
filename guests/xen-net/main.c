/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-net: a link of Xen's: frames the host sends arrive, in pages of ours;
 * frames of one piece and of several go out; a chain without an end closes the
 * connection, and another begins, with a channel for each ring. The harness
 * sends all the time and looks for the frames. Source: xen/io/netif.h.
 */
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "nic.h"
#include "report.h"
#include "string.h"
#include "xenbus.h"

#include <xen/io/netif.h>

#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#define BUFFERS 32u
#define SLOTS   256u

static struct front front;
static unsigned char tx_page[XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char rx_page[XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char out[2][XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char in[BUFFERS][XENBUS_PAGE] __attribute__((aligned(4096)));
static uint32_t tx_ref, rx_ref, out_refs[2], in_refs[BUFFERS];
static uint32_t tx_port, rx_port;
static netif_tx_front_ring_t tx;
static netif_rx_front_ring_t rx;
static uint32_t sent;

static void post(unsigned i)
{
    netif_rx_request_t *req = RING_GET_REQUEST(&rx, rx.req_prod_pvt);

    req->id = (uint16_t)i;
    req->gref = in_refs[i];
    rx.req_prod_pvt++;
}

static void show_buffers(void)
{
    int notify;

    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&rx, notify);
    if (notify)
        xen_send(rx_port);
}

static void begin_rings(void)
{
    tx.sring = (void *)tx_page;
    rx.sring = (void *)rx_page;
    SHARED_RING_INIT(tx.sring);
    SHARED_RING_INIT(rx.sring);
    tx.req_prod_pvt = tx.rsp_cons = 0;
    rx.req_prod_pvt = rx.rsp_cons = 0;
    tx.nr_ents = rx.nr_ents = SLOTS;
    for (unsigned i = 0; i < BUFFERS; i++)
        post(i);
}

static void connect(bool split)
{
    begin_rings();
    tx_port = front_port();
    rx_port = split ? front_port() : tx_port;
    front_put_number(&front, "tx-ring-ref", tx_ref);
    front_put_number(&front, "rx-ring-ref", rx_ref);
    if (split) {
        front_put_number(&front, "event-channel-tx", tx_port);
        front_put_number(&front, "event-channel-rx", rx_port);
    } else {
        front_put_number(&front, "event-channel", tx_port);
    }
    front_put(&front, "request-rx-copy", "1");
    front_put(&front, "feature-rx-notify", "1");
    front_put(&front, "feature-sg", "1");
    front_state(&front, XenbusStateConnected);
    CHECK_EQ("connected", front_wait(&front, XenbusStateConnected), 1);
    show_buffers();
}

/* ---- receiving ---- */

static uint32_t good, bad;

/* Only frames of the tests' type count. */
static void look_at(const struct frame *f, unsigned len)
{
    const uint8_t *rest = (const uint8_t *)f->rest;

    if (f->type != (uint16_t)(NIC_TYPE >> 8 | (NIC_TYPE & 0xff) << 8))
        return;
    for (unsigned i = 0; i + 18 < len; i++) {
        if (rest[i] != (uint8_t)f->number) {
            bad++;
            return;
        }
    }
    good++;
}

static void receive(uint32_t least)
{
    const uint64_t end = clock_ns() + 10 * CLOCK_S;

    good = bad = 0;
    while (good < least && clock_ns() < end) {
        while (__atomic_load_n(&rx.sring->rsp_prod, __ATOMIC_ACQUIRE) !=
               rx.rsp_cons) {
            const netif_rx_response_t *rsp =
                RING_GET_RESPONSE(&rx, rx.rsp_cons);

            rx.rsp_cons++;
            if (rsp->status > 0 && rsp->id < BUFFERS)
                look_at((const void *)(in[rsp->id] + rsp->offset),
                        (unsigned)rsp->status);
            CHECK_EQ("errors of a buffer", rsp->status <= 0, 0);
            CHECK_EQ("more than a page", rsp->flags & NETRXF_more_data, 0);
            post(rsp->id);
        }
        show_buffers();
    }
    CHECK_GE("frames received", good, least);
    CHECK_EQ("frames that are wrong", bad, 0);
}

/* ---- sending ---- */

static void put(unsigned page, unsigned off, unsigned size, uint16_t flags)
{
    netif_tx_request_t *req = RING_GET_REQUEST(&tx, tx.req_prod_pvt);

    req->gref = out_refs[page];
    req->offset = (uint16_t)off;
    req->flags = flags;
    req->id = (uint16_t)page;
    req->size = (uint16_t)size;
    tx.req_prod_pvt++;
}

static void show_frames(void)
{
    int notify;

    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&tx, notify);
    if (notify)
        xen_send(tx_port);
}

static void write_frame(struct frame *f, uint32_t number, unsigned len)
{
    memset(f->to, 0xff, sizeof(f->to));
    memcpy(f->from, "\x02\0\0\0\0\x77", sizeof(f->from));
    f->type = (uint16_t)(NIC_TYPE >> 8 | (NIC_TYPE & 0xff) << 8);
    f->number = number;
    memset(f->rest, (uint8_t)number, len - 18);
}

static unsigned answers(void)
{
    unsigned n = 0;

    while (__atomic_load_n(&tx.sring->rsp_prod, __ATOMIC_ACQUIRE) !=
           tx.rsp_cons) {
        const netif_tx_response_t *rsp = RING_GET_RESPONSE(&tx, tx.rsp_cons);

        CHECK_EQ("an error of what was sent", rsp->status != NETIF_RSP_OKAY, 0);
        tx.rsp_cons++;
        n++;
    }
    return n;
}

/* A frame in one piece, or with its end in another page. */
static void send_one(unsigned len, unsigned cut)
{
    const uint64_t end = clock_ns() + 5 * CLOCK_S;
    unsigned want = 1, got = 0;

    write_frame((void *)(out[0] + 100), sent++, len);
    if (cut) {
        memcpy(out[1] + 4096 - cut, out[0] + 100 + len - cut, cut);
        put(0, 100, len, NETTXF_more_data);
        put(1, 4096 - cut, cut, 0);
        want = 2;
    } else {
        put(0, 100, len, 0);
    }
    show_frames();
    while (got < want && clock_ns() < end)
        got += answers();
    CHECK_EQ("answers to a frame", got, want);
}

static void send_many(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const unsigned len = 60 + sent * 37 % 1455;

        send_one(len, i % 2 ? 20 : 0);
    }
}

void test_main(void)
{
    xen_init();
    xenbus_init();
    if (!front_open(&front, "vif", 0))
        test_error("there is no vif 0");
    tx_ref = xen_grant(tx_page, false);
    rx_ref = xen_grant(rx_page, false);
    for (unsigned i = 0; i < 2; i++)
        out_refs[i] = xen_grant(out[i], true);
    for (unsigned i = 0; i < BUFFERS; i++)
        in_refs[i] = xen_grant(in[i], false);
    CHECK_EQ("offered", front_wait(&front, XenbusStateInitWait), 1);
    CHECK_EQ("carrier", front_asked(&front, "carrier"), 1);
    connect(false);
    receive(50);
    send_many(100);
    receive(20);
    put(0, 100, 60, NETTXF_more_data);
    show_frames();
    CHECK_EQ("closed for that", front_wait(&front, XenbusStateClosing), 1);
    front_restart(&front);
    connect(true);
    receive(20);
    send_many(20);
    front_restart(&front);
    CHECK_EQ("pages are ours again", xen_ungrant(in_refs[0]), 1);
}
