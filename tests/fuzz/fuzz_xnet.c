// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_xnet.c: a driver that does anything to the Xen network back-end, over
 * a link in memory that gives and refuses packets as the input says; see
 * xen_machine.h. Whatever it did: no page is held after it closed, and a
 * packet goes out and one comes in for the next.
 */
#include "xen_machine.h"

#include "fake_net.h"
#include "pvabi/xnet.h"

#include <xen/io/netif.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Pages 0 to 2 are rings: to send, to receive, of control. */
static const char *const nodes[] = {
    "tx-ring-ref",         "rx-ring-ref",
    "event-channel",       "event-channel-tx",
    "event-channel-rx",    "multi-queue-num-queues",
    "request-rx-copy",     "feature-sg",
    "feature-gso-tcpv4",   "feature-no-csum-offload",
    "ctrl-ring-ref",       "event-channel-ctrl",
    "queue-0/tx-ring-ref", "request-multicast-control",
};

static void tell_rings(struct machine *m)
{
    static const char *const on[] = {"request-rx-copy", "feature-sg",
                                     "feature-gso-tcpv4", "feature-gso-tcpv6",
                                     "feature-ipv6-csum-offload"};
    static const char *const none[] = {"multi-queue-num-queues",
                                       "event-channel-tx", "event-channel-rx",
                                       "feature-no-csum-offload"};

    for (size_t i = 0; i < ARRAY_LEN(on); i++)
        tell(&m->front, on[i], "1");
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        untell(&m->front, none[i]);
    for (unsigned i = 0; i < 3; i++)
        memset(m->pages[i], 0, 16);
    tell_number(&m->front, "tx-ring-ref", m->refs[0]);
    tell_number(&m->front, "rx-ring-ref", m->refs[1]);
    tell_number(&m->front, "ctrl-ring-ref", m->refs[2]);
    tell_number(&m->front, "event-channel", m->ports[0]);
    tell_number(&m->front, "event-channel-ctrl", m->ports[1]);
}

static struct xfront ring_of(struct machine *m, unsigned page, uint32_t slot)
{
    uint32_t prod;

    memcpy(&prod, m->pages[page], sizeof(prod));
    return (struct xfront){
        .pages = {m->pages[page]}, .size = 256, .slot = slot, .req_prod = prod};
}

static void show(struct machine *m, struct xfront *f)
{
    (void)xfront_show(f);
    send_event(&m->x, m->ports[0]);
    spin(&m->x);
}

/* A packet to send that is nearly right, of one slot or of several. */
static void offer_packet(struct machine *m, const struct step *s)
{
    const unsigned more = (s->where >> 2) & 7;
    struct xfront f = ring_of(m, 0, 12);
    struct netif_tx_request req = {
        .gref = m->refs[s->c % PAGES],
        .offset = s->c & 0x1ff,
        .flags =
            (uint16_t)((s->where & 1) | (s->where & 2 ? NETTXF_extra_info : 0) |
                       (more ? NETTXF_more_data : 0)),
        .size = s->b,
    };
    const struct netif_extra_info e = {
        .type = (uint8_t)(1 + (s->a & 3)),
        .u.gso = {.size = s->c, .type = (uint8_t)(s->a >> 4 & 3)},
    };

    xfront_put(&f, &req, sizeof(req));
    if (s->where & 2)
        xfront_put(&f, &e, sizeof(e));
    for (unsigned i = 1; i <= more; i++) {
        req.flags = i < more ? NETTXF_more_data : 0;
        req.size = (uint16_t)(s->b / 8);
        xfront_put(&f, &req, sizeof(req));
    }
    show(m, &f);
}

/* The beginning of a frame, so that there is something to look at. */
static void write_frame(struct machine *m, const struct step *s)
{
    static const uint8_t types[] = {0x08, 0x86, 0x81, 0x00};
    unsigned char *at = m->pages[3 + s->where % (PAGES - 3)] + (s->c & 0x1ff);

    at[12] = types[s->a & 3];
    at[13] = s->a & 1 ? 0xdd : 0;
    at[14] = s->a & 1 ? 0x60 : 0x45;
    at[20] = s->b & 0xff;
    at[23] = (s->a & 4) ? 17 : 6;
    at[46] = 0x50;
    at[66] = 0x50;
}

static void offer_buffer(struct machine *m, const struct step *s)
{
    struct xfront f = ring_of(m, 1, 8);

    for (unsigned i = 0; i <= (s->where & 31); i++) {
        const struct netif_rx_request req = {
            .id = (uint16_t)i, .gref = m->refs[3 + (s->a + i) % (PAGES - 3)]};

        xfront_put(&f, &req, sizeof(req));
    }
    show(m, &f);
}

static void packet_arrives(struct machine *m, struct net *net,
                           const struct step *s)
{
    if (net->count < FAKE_PACKETS) {
        struct fake_packet *p = fake_put(net, s->b);

        p->bytes[0] = s->where & 3;
        p->bytes[1] = (uint8_t)(s->a & 0x87);
        memcpy(p->bytes + NET_HDR, &s->c, sizeof(s->c));
    }
    fake_ready(net, s->where >> 7);
    spin(&m->x);
}

static void link_step(struct machine *m, struct net *net, const struct step *s)
{
    switch (s->what % 16) {
    case 8:
        net->refuse = s->where & 1;
        if (!net->refuse && net->front)
            net->front->room(net->owner);
        break;
    case 9:
        if (net->front)
            net->front->link(net->owner, s->where & 1);
        break;
    case 10:
    case 11:
        packet_arrives(m, net, s);
        break;
    case 12:
        offer_buffer(m, s);
        break;
    case 13:
        tell_rings(m);
        break;
    case 14:
        write_frame(m, s);
        break;
    default:
        offer_packet(m, s);
        break;
    }
}

static void check(struct machine *m, struct net *net)
{
    const unsigned sent = net->sent;
    struct xfront f;
    const struct netif_tx_request req = {.gref = m->refs[3], .size = 128};
    const struct netif_rx_request buf = {.gref = m->refs[4]};

    net->refuse = false;
    net->count = 0;
    begin_anew(m);
    tell_rings(m);
    memcpy(m->pages[3] + 6, net->info.mac, 6);
    set_front(&m->front, XenbusStateConnected);
    BUG_ON(back_state(&m->front) != XenbusStateConnected);
    f = ring_of(m, 0, 12);
    xfront_put(&f, &req, sizeof(req));
    show(m, &f);
    BUG_ON(net->sent != sent + 1 || net->last.n != NET_HDR + 128);
    f = ring_of(m, 1, 8);
    xfront_put(&f, &buf, sizeof(buf));
    memcpy(fake_put(net, 1000)->bytes + NET_HDR, net->info.mac, 6);
    show(m, &f);
    BUG_ON(*xfront_word(&f, X_RSP_PROD) != 1);
    BUG_ON(m->pages[4][999] != (uint8_t)(999 * 7 + 999 / 256));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t what = size ? data[0] : 0;
    struct machine *m = machine_begin("vif", 0);
    const struct xenbus_host host = rig_host(&m->x);
    struct net *net = fake_net_open(what & 1 ? 2 : 1);
    struct xnet *dev;

    net->info.only_own_mac = what & 2;
    dev = xnet_create(net, &host, 0);
    BUG_ON(!dev);
    tell_rings(m);
    set_front(&m->front, XenbusStateConnected);
    for (; size >= STEP; data += STEP, size -= STEP) {
        const struct step s = step_of(data);

        if (!common_step(m, &s, nodes, ARRAY_LEN(nodes)))
            link_step(m, net, &s);
    }
    check(m, net);
    xnet_destroy(dev);
    BUG_ON(net->front);
    free(net);
    machine_end(m);
    return 0;
}
