// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_xblk.c: a driver that does anything to the Xen block back-end, over a
 * disk in memory whose requests end when and as the input says; see
 * xen_machine.h. Whatever it did: nothing is in flight and no page held after
 * it closed, and a sector can be read by the next.
 */
#include "xen_machine.h"

#include "fake_blk.h"
#include "pvabi/xblk.h"

#include <xen/io/blkif.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VDEV 51712u

static const char *const nodes[] = {
    "ring-ref",
    "ring-ref0",
    "ring-ref1",
    "protocol",
    "ring-page-order",
    "multi-queue-num-queues",
    "queue-0",
    "event-channel",
    "queue-0/ring-ref",
    "queue-0/event-channel",
    "queue-1/ring-ref",
    "queue-1/event-channel",
    "feature-persistent",
};

/* Nodes that are right, for one queue with its ring in page 0. */
static void tell_ring(struct machine *m, bool is32, bool keep)
{
    static const char *const none[] = {"ring-page-order",
                                       "multi-queue-num-queues", "ring-ref0"};

    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        untell(&m->front, none[i]);
    memset(m->pages[0], 0, 16);
    tell_number(&m->front, "ring-ref", m->refs[0]);
    tell_number(&m->front, "event-channel", m->ports[0]);
    tell(&m->front, "protocol", is32 ? "x86_32-abi" : "x86_64-abi");
    tell(&m->front, "feature-persistent", keep ? "1" : "0");
}

static struct xfront ring_of(struct machine *m)
{
    uint32_t prod;

    memcpy(&prod, m->pages[0], sizeof(prod));
    return (struct xfront){
        .pages = {m->pages[0]}, .size = 32, .slot = 112, .req_prod = prod};
}

/* A request that is nearly right. */
static void offer_request(struct machine *m, const struct step *s)
{
    struct xfront f = ring_of(m);
    struct blkif_request req;

    memset(&req, 0, sizeof(req));
    req.operation = s->where & 7;
    req.nr_segments = (s->where >> 3) & 15;
    req.id = s->a;
    req.sector_number = s->b & 0x3ff;
    for (unsigned i = 0; i < 11; i++) {
        req.seg[i].gref = m->refs[(s->c + i) % PAGES];
        req.seg[i].first_sect = (s->a >> (i % 8)) & 3;
        req.seg[i].last_sect = (uint8_t)(4 + ((s->b >> 12) & 7));
    }
    xfront_put(&f, &req, sizeof(req));
    (void)xfront_show(&f);
    send_event(&m->x, m->ports[0]);
}

static void offer_indirect(struct machine *m, const struct step *s)
{
    struct xfront f = ring_of(m);
    struct blkif_request_indirect req = {
        .operation = BLKIF_OP_INDIRECT,
        .indirect_op = s->where & 3,
        .nr_segments = s->a & 0x3ff,
        .sector_number = s->b & 0x3ff,
        .indirect_grefs = {m->refs[s->c % PAGES], m->refs[s->where % PAGES]},
    };

    for (unsigned i = 0; i < 512 && s->where & 0x80; i++) {
        const struct blkif_request_segment seg = {m->refs[i % PAGES], 0, 0};

        memcpy(m->pages[s->c % PAGES] + i * sizeof(seg), &seg, sizeof(seg));
    }
    xfront_put(&f, &req, sizeof(req));
    (void)xfront_show(&f);
    send_event(&m->x, m->ports[0]);
}

static void disk_step(struct machine *m, struct blk *blk, const struct step *s)
{
    static const int results[] = {0, 0, -EIO, -EOPNOTSUPP, -ECANCELED};

    switch (s->what % 16) {
    case 8:
        blk->manual = s->where & 1;
        break;
    case 9:
        fake_end(blk, results[s->where % ARRAY_LEN(results)]);
        break;
    case 10:
        blk->info.size = s->a % (DISK_BYTES / 512) * 512ull;
        blk->resized(blk->front);
        break;
    case 11:
        tell_ring(m, s->where & 1, s->where & 2);
        break;
    case 12:
        offer_indirect(m, s);
        break;
    default:
        offer_request(m, s);
        break;
    }
}

static void check(struct machine *m, struct blk *blk)
{
    struct xfront f;
    struct blkif_request req;

    blk->manual = false;
    blk->info.size = DISK_BYTES;
    blk->data[512] = 0x5a;
    begin_anew(m);
    BUG_ON(blk->in_flight);
    tell_ring(m, false, false);
    set_front(&m->front, XenbusStateInitialised);
    BUG_ON(back_state(&m->front) != XenbusStateConnected);
    f = ring_of(m);
    memset(&req, 0, sizeof(req));
    req.nr_segments = 1;
    req.sector_number = 1;
    req.seg[0].gref = m->refs[1];
    xfront_put(&f, &req, sizeof(req));
    (void)xfront_show(&f);
    send_event(&m->x, m->ports[0]);
    spin(&m->x);
    BUG_ON(*xfront_word(&f, X_RSP_PROD) != 1 || m->pages[1][0] != 0x5a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct xblk_config cfg = {
        .queues = 2,
        .vdev = VDEV,
        .name = "fuzz",
        .persistent = size && data[0] & 1,
    };
    struct machine *m = machine_begin("vbd", VDEV);
    const struct xenbus_host host = rig_host(&m->x);
    struct blk *blk = fake_open(m->x.loop);
    struct xblk *dev = xblk_create(blk, &host, &cfg);

    BUG_ON(!dev);
    tell_ring(m, size && data[0] & 2, size && data[0] & 4);
    set_front(&m->front, XenbusStateConnected);
    for (; size >= STEP; data += STEP, size -= STEP) {
        const struct step s = step_of(data);

        if (!common_step(m, &s, nodes, ARRAY_LEN(nodes)))
            disk_step(m, blk, &s);
    }
    check(m, blk);
    xblk_destroy(dev);
    BUG_ON(blk->in_flight);
    fake_close(blk);
    machine_end(m);
    return 0;
}
