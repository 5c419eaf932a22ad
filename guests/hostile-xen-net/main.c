/* SPDX-License-Identifier: MIT */
/*
 * hostile-xen-net: cases 42 and 43 from inside: packets of too many slots,
 * without an end, with extras that are none or never end, of sizes that do not
 * add up, behind their page, of no bytes and of many pieces with none; a
 * control ring asked for hashing and for nonsense; receive buffers that are
 * none, that nobody posts, indices that go back; slots and pages rewritten by
 * another CPU while they are taken. Each packet is answered or the connection
 * ends, and another sends and receives. The host sends all the time.
 * Source: xen/io/netif.h.
 */
#include "apic.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "smp.h"
#include "start_info.h"
#include "string.h"
#include "xennet.h"

#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#define SLOTS    XENNET_SLOTS
#define CTRLS    128u
#define BUFFERS  16u
#define PATIENCE (15 * CLOCK_S)
#define A_WHILE  (50 * CLOCK_MS)
#define STORM    100u /* rounds */

static struct xennet link;
static unsigned char tx_page[XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char rx_page[XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char ctrl_page[XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char out[XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char in[BUFFERS][XENBUS_PAGE] __attribute__((aligned(4096)));
static uint32_t ctrl_ref, out_ref, in_refs[BUFFERS];
static uint32_t ctrl_port;
static xen_netif_ctrl_front_ring_t ctrl;
static unsigned extras; /* among the slots that were not answered yet */

static uint32_t any(uint32_t *from)
{
    *from = *from * 1664525u + 1013904223u;
    return *from >> 7;
}

/* ---- a link that works ---- */

static void connect(void)
{
    ctrl.sring = (void *)ctrl_page;
    SHARED_RING_INIT(ctrl.sring);
    ctrl.req_prod_pvt = ctrl.rsp_cons = 0;
    ctrl.nr_ents = CTRLS;
    extras = 0;
    ctrl_port = front_port();
    front_put_number(&link.front, "ctrl-ring-ref", ctrl_ref);
    front_put_number(&link.front, "event-channel-ctrl", ctrl_port);
    front_put(&link.front, "request-multicast-control", "1");
    front_put(&link.front, "feature-gso-tcpv4", "1");
    xennet_connect(&link, false);
}

/* ---- slots of a packet ---- */

static netif_tx_request_t *put(unsigned offset, unsigned size, uint16_t flags)
{
    return xennet_put(&link, out_ref, offset, size, flags);
}

static struct netif_extra_info *put_extra(unsigned type, unsigned flags)
{
    struct netif_extra_info *e =
        (void *)RING_GET_REQUEST(&link.tx, link.tx.req_prod_pvt);

    *e = (struct netif_extra_info){.type = (uint8_t)type,
                                   .flags = (uint8_t)flags};
    link.tx.req_prod_pvt++;
    extras++;
    return e;
}

static bool all_answered(void)
{
    return __atomic_load_n(&link.tx.sring->rsp_prod, __ATOMIC_ACQUIRE) ==
           link.tx.req_prod_pvt;
}

/* All that was shown is answered: by okay (0) or an error (1), and no other. */
static void expect(const char *what, unsigned errors)
{
    unsigned other = 0, null = 0;

    xennet_show(&link);
    if (!clock_wait(all_answered(), PATIENCE)) {
        test_fail("%s: not answered", what);
        return;
    }
    for (; link.tx.rsp_cons != link.tx.req_prod_pvt; link.tx.rsp_cons++) {
        const netif_tx_response_t *rsp =
            RING_GET_RESPONSE(&link.tx, link.tx.rsp_cons);

        null += rsp->status == NETIF_RSP_NULL;
        other += rsp->status != (errors ? NETIF_RSP_ERROR : NETIF_RSP_OKAY);
    }
    CHECK_EQ(what, other - null, 0);
    CHECK_EQ("answers to extras", null, extras);
    extras = 0;
}

static void refused(const char *what)
{
    expect(what, 1);
}

/* ---- it works ---- */

/* A frame of the tests', from whom it says. */
static void write_frame(void)
{
    memset(out, 0xff, 6);
    memcpy(out + 6, "\x02\0\0\0\0\x77\x88\xb5", 8);
}

static bool has_packet(void)
{
    return __atomic_load_n(&link.rx.sring->rsp_prod, __ATOMIC_ACQUIRE) !=
           link.rx.rsp_cons;
}

static void works(void)
{
    write_frame();
    put(0, 60, 0);
    expect("a frame", 0);
    while (link.rx.req_prod_pvt - link.rx.rsp_cons < BUFFERS)
        xennet_post(&link, link.rx.req_prod_pvt % BUFFERS,
                    in_refs[link.rx.req_prod_pvt % BUFFERS]);
    xennet_show_buffers(&link);
    CHECK_EQ("a frame received", clock_wait(has_packet(), PATIENCE) ? 1u : 0u,
             1);
    CHECK_EQ("its size",
             RING_GET_RESPONSE(&link.rx, link.rx.rsp_cons)->status >= 60 ? 1u
                                                                         : 0u,
             1);
}

/* From any state: all pages are ours, and another connection serves. */
static void again(void)
{
    front_restart(&link.front);
    CHECK_EQ("the rings are ours",
             xen_ungrant(link.tx_ref) && xen_ungrant(link.rx_ref) &&
                 xen_ungrant(ctrl_ref) && xen_ungrant(out_ref),
             true);
    for (unsigned i = 0; i < BUFFERS; i++)
        CHECK_EQ("the page is ours", xen_ungrant(in_refs[i]), 1);
    xen_regrant(link.tx_ref, tx_page);
    xen_regrant(link.rx_ref, rx_page);
    xen_regrant(ctrl_ref, ctrl_page);
    xen_regrant(out_ref, out);
    for (unsigned i = 0; i < BUFFERS; i++)
        xen_regrant(in_refs[i], in[i]);
    connect();
    works();
}

/* What was put or written ends the connection. */
static void ends(const char *what)
{
    if (!front_wait(&link.front, XenbusStateClosing))
        test_fail("%s: expected Closing", what);
    again();
}

static void show_ends(const char *what)
{
    xennet_show(&link);
    ends(what);
}

/* ---- case 42 ---- */

static void wrong_chains(void)
{
    for (unsigned i = 0; i < 33; i++)
        put(0, i ? 60 : 2000, NETTXF_more_data);
    show_ends("a packet of 33 slots");
    for (unsigned i = 0; i < SLOTS; i++)
        put(0, 60, NETTXF_more_data);
    show_ends("a ring full of one packet");
    put(0, 60, NETTXF_extra_info);
    show_ends("no extra where one is said to be");
    put(0, 60, NETTXF_extra_info);
    for (unsigned i = 0; i < 40; i++)
        put_extra(XEN_NETIF_EXTRA_TYPE_HASH, XEN_NETIF_EXTRA_FLAG_MORE);
    show_ends("extras without an end");
    for (unsigned type = 0; type < 256; type += 85) {
        put(0, 60, NETTXF_extra_info);
        put_extra(type ? type : XEN_NETIF_EXTRA_TYPE_NONE, 0);
        show_ends("an extra of no type");
    }
    link.tx.sring->req_prod = link.tx.req_prod_pvt + 5000;
    xen_send(link.tx_port);
    ends("an index that claims too much");
    link.tx.sring->req_prod = link.tx.req_prod_pvt - 1;
    xen_send(link.tx_port);
    ends("an index that goes back");
}

static void wrong_sizes(void)
{
    put(0, 0, 0);
    refused("a frame of no bytes");
    put(0, 13, 0);
    refused("a frame of 13 bytes");
    put(4000, 97, 0);
    refused("a frame behind its page");
    put(65535, 65535, 0);
    refused("an offset far behind the page");
    put(0, 4097, 0);
    refused("a frame larger than a page");
    put(0, 59, NETTXF_more_data);
    put(0, 60, 0);
    refused("parts larger than the whole");
    put(0, 65535, NETTXF_more_data);
    put(0, 60, 0);
    refused("a first part of 65475 bytes");
    for (unsigned i = 0; i < 18; i++)
        put(0, i ? 4000 : 65535, i < 17 ? NETTXF_more_data : 0);
    refused("more than a frame can have");
    put(0, 60, 0)->gref = 511;
    refused("a page that is not granted");
    put(0, 60, 0)->gref = UINT32_MAX;
    refused("a page of no reference");
}

/* Pieces of no bytes and of one are lawful (XSA-432, XSA-448). */
static void tiny_pieces(void)
{
    write_frame();
    put(0, 60, NETTXF_more_data);
    put(60, 0, 0);
    expect("a last piece of no bytes", 0);
    put(0, 60, NETTXF_more_data);
    put(0, 60, 0);
    expect("a first piece of no bytes", 0);
    for (unsigned i = 0; i < 18; i++)
        put(i ? 42 + i : 0, i ? 1 : 60, i < 17 ? NETTXF_more_data : 0);
    expect("eighteen pieces", 0);
    put(4096, 60, NETTXF_more_data);
    put(0, 60, 0);
    expect("a piece of no bytes at a page's end", 0);
}

static void put_gso(unsigned type, unsigned size, unsigned len)
{
    struct netif_extra_info *e;

    put(0, len, NETTXF_extra_info | NETTXF_csum_blank | NETTXF_data_validated);
    e = put_extra(XEN_NETIF_EXTRA_TYPE_GSO, 0);
    e->u.gso.type = (uint8_t)type;
    e->u.gso.size = (uint16_t)size;
}

static void wrong_offloads(void)
{
    static const uint8_t headers[][2] = {{0x45, 6}, {0x40, 6}, {0x4f, 17},
                                         {0x60, 6}, {0, 0},    {0xff, 0xff}};

    write_frame();
    out[12] = 8;
    out[13] = 0;
    for (unsigned i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        memset(out + 14, 0xff, 100);
        out[14] = headers[i][0];
        out[23] = headers[i][1];
        put(0, 30, NETTXF_csum_blank);
        refused("a checksum behind the frame");
        put_gso(77, 1000, 2000);
        refused("segments of no type");
        put_gso(XEN_NETIF_GSO_TYPE_TCPV4, 0, 2000);
        refused("segments of no bytes");
        put_gso(XEN_NETIF_GSO_TYPE_TCPV6, 1000, 2000);
        refused("segments of another protocol");
    }
    again();
}

static void many_addresses(void)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < 100; i++) {
        struct netif_extra_info *e;

        put(0, 0, NETTXF_extra_info);
        e = put_extra(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 0);
        e->u.mcast.addr[0] = 1;
        e->u.mcast.addr[5] = (uint8_t)i;
        xennet_show(&link);
        if (!clock_wait(all_answered(), PATIENCE))
            test_fail("an address: not answered");
        taken += RING_GET_RESPONSE(&link.tx, link.tx.rsp_cons)->status ==
                 NETIF_RSP_OKAY;
        link.tx.rsp_cons = link.tx.req_prod_pvt;
    }
    CHECK_EQ("addresses", taken, 64);
    again();
}

/* ---- the control ring ---- */

static void ask_control(unsigned type, uint32_t first)
{
    struct xen_netif_ctrl_request *req =
        RING_GET_REQUEST(&ctrl, ctrl.req_prod_pvt);

    *req = (struct xen_netif_ctrl_request){.id = (uint16_t)type,
                                           .type = (uint16_t)type,
                                           .data = {first, 0xffffffff, 1}};
    ctrl.req_prod_pvt++;
}

static bool control_answered(void)
{
    return __atomic_load_n(&ctrl.sring->rsp_prod, __ATOMIC_ACQUIRE) ==
           ctrl.req_prod_pvt;
}

static void control(void)
{
    unsigned supported = 0;
    int notify;

    for (unsigned type = 0; type < 100; type++)
        ask_control(type, 1);
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&ctrl, notify);
    if (notify)
        xen_send(ctrl_port);
    if (!clock_wait(control_answered(), PATIENCE))
        test_fail("control requests: not answered");
    for (; ctrl.rsp_cons != ctrl.sring->rsp_prod; ctrl.rsp_cons++)
        supported += RING_GET_RESPONSE(&ctrl, ctrl.rsp_cons)->status !=
                     XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
    CHECK_EQ("hashing and nonsense supported", supported, 0);
    works();
    ctrl.sring->req_prod = ctrl.req_prod_pvt + 5000;
    xen_send(ctrl_port);
    ends("an index that claims too much");
}

/* ---- case 43 ---- */

static void wrong_buffers(void)
{
    static const uint32_t wrong[] = {300, 511, 512, UINT32_MAX};

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        /* Behind those that are there: it is reached, as the host sends. */
        while (link.rx.req_prod_pvt - link.rx.rsp_cons < 2 * BUFFERS)
            xennet_post(&link, 0, wrong[i]);
        xennet_show_buffers(&link);
        ends("a buffer that is not granted");
    }
}

/* The host goes on sending: nothing grows, and nothing is told twice. */
static void never_consumed(void)
{
    uint32_t prod;

    (void)clock_wait(link.rx.sring->rsp_prod == link.rx.req_prod_pvt, PATIENCE);
    CHECK_EQ("all buffers used", link.rx.sring->rsp_prod, link.rx.req_prod_pvt);
    prod = link.rx.sring->rsp_prod;
    clock_delay(4 * A_WHILE);
    CHECK_EQ("none is used twice", link.rx.sring->rsp_prod, prod);
    for (unsigned i = 0; i < 100; i++)
        xen_send(link.tx_port);
    write_frame();
    put(0, 60, 0);
    expect("a frame, meanwhile", 0);
    /* The ring is full of answers that nobody looks at. */
    while (link.rx.req_prod_pvt - link.rx.rsp_cons < SLOTS)
        xennet_post(&link, link.rx.req_prod_pvt % BUFFERS,
                    in_refs[link.rx.req_prod_pvt % BUFFERS]);
    xennet_show_buffers(&link);
    clock_delay(4 * A_WHILE);
    again();
}

static void receive_indices(void)
{
    static const uint32_t wrong[] = {0xffffffff, 0x80000000, 257, 5000};

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        link.rx.sring->req_prod = link.rx.rsp_cons + wrong[i];
        xen_send(link.tx_port);
        ends("an index that goes back or too far");
    }
    for (unsigned i = 0; i < 64; i++) {
        link.rx.sring->rsp_prod = 0xdead0000u + i;
        link.rx.sring->req_event = 0xdead0000u + i;
        link.tx.sring->rsp_prod = 0xdead0000u + i;
        xen_send(link.tx_port);
    }
    again();
}

/* ---- another CPU, for which nothing holds still ---- */

static enum { IDLE, RUNS, ENDS, ENDED } state; /* of it */

static void spoil_slots(uint32_t *from)
{
    netif_tx_request_t *req =
        &((netif_tx_sring_t *)(void *)tx_page)->ring[any(from) % SLOTS].req;
    netif_rx_request_t *buf =
        &((netif_rx_sring_t *)(void *)rx_page)->ring[any(from) % SLOTS].req;

    req->size = (uint16_t)(any(from) % 2 ? any(from) : 60);
    req->offset = (uint16_t)(any(from) % 2 ? any(from) : 0);
    req->gref = any(from) % 8 ? out_ref : any(from);
    buf->gref = in_refs[any(from) % BUFFERS];
    out[any(from) % 64] = (unsigned char)any(from);
    if (any(from) % 16 == 0 && xen_ungrant(out_ref))
        xen_regrant(out_ref, out);
}

static void restless(unsigned cpu)
{
    uint32_t own = 4711 + cpu;

    __atomic_store_n(&state, RUNS, __ATOMIC_RELEASE);
    while (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == RUNS)
        spoil_slots(&own);
    __atomic_store_n(&state, ENDED, __ATOMIC_RELEASE);
}

static void await_state(unsigned want)
{
    const bool reached =
        clock_wait(__atomic_load_n(&state, __ATOMIC_ACQUIRE) == want, PATIENCE);

    CHECK_EQ("the other CPU", reached, true);
}

/* Whatever they became, slots without flags are packets, and answered. */
static void changed_meanwhile(void)
{
    apic_init();
    if (!smp_start(1, 1, restless))
        test_error("no second CPU");
    await_state(RUNS);
    for (unsigned n = 0; n < STORM; n++) {
        for (unsigned i = 0; i < SLOTS / 2; i++)
            put(0, 60, i % 4 == 0 ? NETTXF_csum_blank : 0);
        xennet_show(&link);
        if (!clock_wait(all_answered(), PATIENCE)) {
            test_fail("frames that change: not answered");
            break;
        }
        link.tx.rsp_cons = link.tx.req_prod_pvt;
    }
    __atomic_store_n(&state, ENDS, __ATOMIC_RELEASE);
    await_state(ENDED);
    again();
}

static const struct {
    unsigned number;
    const char *what;
    void (*run)(void);
} rows[] = {
    {42, "chains that are none", wrong_chains},
    {42, "sizes that are none", wrong_sizes},
    {42, "tiny pieces", tiny_pieces},
    {42, "offloads of nonsense", wrong_offloads},
    {42, "multicast addresses without end", many_addresses},
    {42, "the control ring", control},
    {43, "buffers that are none", wrong_buffers},
    {43, "a ring that nobody empties", never_consumed},
    {43, "indices of receiving", receive_indices},
    {43, "all rewritten while it is taken", changed_meanwhile},
};

void test_main(void)
{
    uint64_t number = 42;

    (void)start_info_option("case", &number);
    xen_init();
    xenbus_init();
    xennet_open(&link, 0, tx_page, rx_page);
    ctrl_ref = xen_grant(ctrl_page, false);
    out_ref = xen_grant(out, false);
    for (unsigned i = 0; i < BUFFERS; i++)
        in_refs[i] = xen_grant(in[i], false);
    connect();
    works();
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].number != number)
            continue;
        printf("case %u: %s\n", rows[i].number, rows[i].what);
        rows[i].run();
        works();
    }
}
