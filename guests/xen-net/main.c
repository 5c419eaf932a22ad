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
#include "xennet.h"

#define BUFFERS 32u

static struct xennet link;
static unsigned char tx_page[XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char rx_page[XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char out[2][XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char in[BUFFERS][XENBUS_PAGE] __attribute__((aligned(4096)));
static uint32_t out_refs[2], in_refs[BUFFERS];
static uint32_t sent;

static void connect(bool split)
{
    xennet_connect(&link, split);
    for (unsigned i = 0; i < BUFFERS; i++)
        xennet_post(&link, i, in_refs[i]);
    xennet_show_buffers(&link);
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
        while (__atomic_load_n(&link.rx.sring->rsp_prod, __ATOMIC_ACQUIRE) !=
               link.rx.rsp_cons) {
            const netif_rx_response_t *rsp =
                RING_GET_RESPONSE(&link.rx, link.rx.rsp_cons);

            link.rx.rsp_cons++;
            if (rsp->status > 0 && rsp->id < BUFFERS)
                look_at((const void *)(in[rsp->id] + rsp->offset),
                        (unsigned)rsp->status);
            CHECK_EQ("errors of a buffer", rsp->status <= 0, 0);
            CHECK_EQ("more than a page", rsp->flags & NETRXF_more_data, 0);
            xennet_post(&link, rsp->id, in_refs[rsp->id]);
        }
        xennet_show_buffers(&link);
    }
    CHECK_GE("frames received", good, least);
    CHECK_EQ("frames that are wrong", bad, 0);
}

/* ---- sending ---- */

static void put(unsigned page, unsigned off, unsigned size, uint16_t flags)
{
    (void)xennet_put(&link, out_refs[page], off, size, flags);
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

    while (__atomic_load_n(&link.tx.sring->rsp_prod, __ATOMIC_ACQUIRE) !=
           link.tx.rsp_cons) {
        const netif_tx_response_t *rsp =
            RING_GET_RESPONSE(&link.tx, link.tx.rsp_cons);

        CHECK_EQ("an error of what was sent", rsp->status != NETIF_RSP_OKAY, 0);
        link.tx.rsp_cons++;
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
    xennet_show(&link);
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
    xennet_open(&link, 0, tx_page, rx_page);
    for (unsigned i = 0; i < 2; i++)
        out_refs[i] = xen_grant(out[i], true);
    for (unsigned i = 0; i < BUFFERS; i++)
        in_refs[i] = xen_grant(in[i], false);
    CHECK_EQ("carrier", front_asked(&link.front, "carrier"), 1);
    connect(false);
    receive(50);
    send_many(100);
    receive(20);
    put(0, 100, 60, NETTXF_more_data);
    xennet_show(&link);
    CHECK_EQ("closed for that", front_wait(&link.front, XenbusStateClosing), 1);
    front_restart(&link.front);
    connect(true);
    receive(20);
    send_many(20);
    front_restart(&link.front);
    CHECK_EQ("pages are ours again", xen_ungrant(in_refs[0]), 1);
}
