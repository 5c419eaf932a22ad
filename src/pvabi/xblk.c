// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xblk.c: the block back-end; see xblk.h; xblk_req.c takes requests. Source:
 * xen/io/blkif.h.
 *
 * Request slots are as many as the largest ring has; nothing is allocated for
 * a request, nor for a connection. A request of few segments keeps them in
 * its slot, a longer one (indirect) in one of the queue's long lists; when
 * all of these are taken, the queue waits for a completion. That bounds what
 * a guest can make us hold.
 *
 * Guest pages are the I/O buffers. Each is held by its grant for as long as
 * its request is in flight, and no longer; with persistent grants the
 * most-used stay held (xblk_grants.c). These save a guest nothing here, where
 * to hold a page is to set a bit, and cost it a copy: they are offered only
 * where asked for.
 *
 * A front-end notifies for each request. Where many are in flight the ring is
 * looked at now and then instead (pace.h), and whenever a request ends.
 *
 * What ends during a loop turn is published after it, once per queue, with at
 * most one event each. A queue gives way to others after as many requests as
 * it has slots.
 *
 * Thread: loop, board lock held.
 */
#include "pvabi/xblk_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xen/io/protocols.h>

/* xvda is disk 202, of 16 minors each; from the 16th on the number is wide. */
#define VDEV_MAJOR    202u
#define VDEV_EXTENDED (1u << 28)

unsigned xblk_vdev(unsigned nth)
{
    return nth < 16 ? VDEV_MAJOR << 8 | nth << 4 : VDEV_EXTENDED | nth << 8;
}

/* ---- the ring ---- */

static bool can_pop(const struct xblk_queue *queue)
{
    return queue->n_free && queue->n_free_slots && !queue->barrier;
}

/* As xring_pop, whatever the layout. */
static int pop(struct xblk_queue *queue, union xblk_request *r)
{
    const uint32_t n = xblk_slot_bytes(queue->b);
    unsigned char *to = r->bytes + (sizeof(*r) - n);
    const int ret = xring_pop(&queue->r.ring, to, n);

    memmove(r->bytes, to, XBLK_PADDING);
    return ret;
}

/* Pop as much as there is and as may be. 0, or -EPROTO. */
static int pop_requests(struct xblk_queue *queue)
{
    queue->more = true;
    for (unsigned n = 0; n < queue->r.ring.size && can_pop(queue); n++) {
        union xblk_request r;
        const int ret = pop(queue, &r);

        if (ret < 0)
            return ret;
        if (ret == 0) {
            queue->more = false;
            return 0;
        }
        xblk_take(queue, &r);
    }
    return 0;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/*
 * Ask the guest to tell of the next request, or look for it soon. True: there
 * is one already.
 */
static bool await_request(struct xblk_queue *queue, unsigned taken)
{
    if (queue->looking)
        return false;
    if (!taken || !(queue->pace.looks || queue->pace.glance))
        return xring_listen(&queue->r.ring);
    queue->looking = true;
    loop_timer(queue->b->bus.host.loop, &queue->look, PACE_LOOK_NS);
    return false;
}

/* What cannot be taken now is taken after a completion, or next turn. */
static void serve(struct xblk_queue *queue)
{
    struct xblk *b = queue->b;
    const uint32_t before = queue->r.ring.req_cons;
    const unsigned in_flight = xring_in_flight(&queue->r.ring);
    unsigned taken;

    if (pop_requests(queue) < 0) {
        xenbus_broken(&b->bus, queue->r.ring.why);
        return;
    }
    taken = queue->r.ring.req_cons - before;
    if (taken)
        pace_took(&queue->pace, taken, in_flight, now_ns());
    if (!queue->more)
        queue->more = await_request(queue, taken);
    if (queue->more && can_pop(queue))
        loop_post(b->bus.host.loop, &b->turn);
}

static void on_event(void *owner)
{
    serve(owner);
}

/* Nothing came meanwhile: then the guest is asked to tell. */
static void on_look(struct loop_op *op, int res)
{
    struct xblk_queue *queue = op->owner;

    queue->looking = false;
    if (res == 0 && !queue->b->stopping)
        serve(queue);
}

static void publish(struct xblk *b)
{
    for (unsigned i = 0; i < b->n_queues; i++) {
        struct xblk_queue *queue = &b->queues[i];

        if (queue->dirty && xring_publish(&queue->r.ring))
            evtchn_backend_notify(b->bus.host.events, queue->port);
        else if (queue->dirty)
            pace_busy(&queue->pace);
        queue->dirty = false;
    }
}

/* After the callbacks of a turn in which something ended or was left. */
static void on_turn(struct loop_op *op, int res)
{
    struct xblk *b = op->owner;

    (void)res;
    publish(b);
    for (unsigned i = 0; i < b->n_queues; i++) {
        struct xblk_queue *queue = &b->queues[i];

        if ((queue->more || queue->looking) && can_pop(queue))
            serve(queue);
    }
}

/* ---- what xenbus asks ---- */

static void describe_disk(struct xblk *b)
{
    const struct blk_info *info = blk_info(b->blk);
    struct xenbus *x = &b->bus;

    xenbus_put(x, "sectors", "%llu",
               (unsigned long long)(info->size / BLK_SECTOR));
    xenbus_put(x, "sector-size", "%u", info->logical_block);
    xenbus_put(x, "physical-sector-size", "%u", info->physical_block);
    xenbus_put(x, "info", "%u",
               (info->read_only ? VDISK_READONLY : 0u) |
                   (b->cfg.cdrom ? VDISK_CDROM | VDISK_REMOVABLE : 0u));
}

static void describe_discard(struct xblk *b)
{
    const struct blk_info *info = blk_info(b->blk);
    struct xenbus *x = &b->bus;

    if (info->read_only || !info->discard_align)
        return;
    xenbus_put(x, "feature-discard", "1");
    xenbus_put(x, "discard-granularity", "%u", info->discard_align);
    xenbus_put(x, "discard-alignment", "0");
    xenbus_put(x, "discard-secure", "0");
}

static void xblk_describe(void *dev)
{
    struct xblk *b = dev;
    struct xenbus *x = &b->bus;
    const char *type = b->cfg.cdrom ? "cdrom" : "disk";

    xenbus_put_front(x, "virtual-device", "%u", b->cfg.vdev);
    xenbus_put_front(x, "device-type", "%s", type);
    xenbus_put(x, "device-type", "%s", type);
    xenbus_put(x, "dev", "%s", b->cfg.name);
    xenbus_put(x, "mode", "%s", blk_info(b->blk)->read_only ? "r" : "w");
    xenbus_put(x, "feature-barrier", "1");
    xenbus_put(x, "feature-flush-cache", "1");
    xenbus_put(x, "feature-persistent", "%d", b->cfg.persistent);
    xenbus_put(x, "feature-max-indirect-segments", "%u", XBLK_MAX_INDIRECT);
    xenbus_put(x, "max-ring-page-order", "%u", XBLK_MAX_ORDER);
    xenbus_put(x, "multi-queue-max-queues", "%u", b->cfg.queues);
    describe_discard(b);
    describe_disk(b);
}

/* Which layout: a guest that does not say has that of its kind. */
static int read_protocol(struct xblk *b)
{
    char text[16];
    const char *name = xenbus_get_text(&b->bus, "protocol", text, sizeof(text));

    b->is32 = name && strcmp(name, XEN_IO_PROTO_ABI_X86_32) == 0;
    if (!name || b->is32 || strcmp(name, XEN_IO_PROTO_ABI_X86_64) == 0)
        return 0;
    return xenbus_refuse(&b->bus, "protocol %s is not known", name);
}

static void reset_queue(struct xblk_queue *queue)
{
    const unsigned slots = queue->r.ring.size;

    for (unsigned i = 0; i < slots; i++)
        queue->free_slots[i] = (uint16_t)(slots - 1 - i);
    queue->n_free_slots = slots;
    for (unsigned i = 0; i < XBLK_LONG_LISTS; i++)
        queue->free[i] = &queue->lists[i];
    queue->n_free = XBLK_LONG_LISTS;
    queue->barrier = NULL;
    queue->more = queue->dirty = false;
    pace_init(&queue->pace);
    queue->cache.on = queue->b->persistent;
    xblk_cache_init(&queue->cache);
}

static int connect_queue(struct xblk *b, unsigned i, unsigned n, unsigned order)
{
    struct xblk_queue *queue = &b->queues[i];
    char node[XENBUS_NODE];
    int ret;

    ret = xenbus_take_ring(&b->bus, xenbus_queue_node(node, i, n, "ring-ref"),
                           order, xblk_slot_bytes(b), &queue->r);
    if (ret < 0)
        return ret;
    reset_queue(queue);
    return xenbus_take_port(&b->bus,
                            xenbus_queue_node(node, i, n, "event-channel"),
                            on_event, queue, &queue->port);
}

static int xblk_connect(void *dev)
{
    struct xblk *b = dev;
    struct xenbus *x = &b->bus;
    uint64_t n, order;
    int ret = read_protocol(b);

    b->n_queues = 0;
    b->stopping = false;
    b->persistent = b->cfg.persistent && xenbus_has(x, "feature-persistent");
    if (ret < 0 ||
        (ret = xenbus_get(x, "ring-page-order", XBLK_MAX_ORDER, 0, &order)) <
            0 ||
        (ret = xenbus_get(x, "multi-queue-num-queues", b->cfg.queues, 1, &n)) <
            0)
        return ret;
    if (n == 0)
        return xenbus_refuse(x, "multi-queue-num-queues is 0");
    for (; ret == 0 && b->n_queues < n; b->n_queues++)
        ret = connect_queue(b, b->n_queues, (unsigned)n, (unsigned)order);
    describe_disk(b);
    return ret;
}

/* What was put in before its event could reach us needs none. */
static void xblk_connected(void *dev)
{
    struct xblk *b = dev;

    for (unsigned i = 0; i < b->n_queues; i++)
        serve(&b->queues[i]);
}

/* End everything; nothing is popped or published later because of it. */
static void xblk_disconnect(void *dev)
{
    struct xblk *b = dev;

    b->stopping = true;
    blk_drain(b->blk);
    for (unsigned i = 0; i < b->n_queues; i++)
        xblk_drop_barrier(&b->queues[i]);
    loop_drain(b->bus.host.loop, &b->turn);
    publish(b);
    for (unsigned i = 0; i < b->n_queues; i++) {
        struct xblk_queue *queue = &b->queues[i];

        queue->more = queue->looking = false;
        loop_drain(b->bus.host.loop, &queue->look);
        xenbus_drop_port(&b->bus, &queue->port);
        xblk_cache_empty(queue);
        xenbus_drop_ring(&b->bus, &queue->r);
    }
    b->n_queues = 0;
}

static const struct xenbus_ops ops = {
    .type = "vbd",
    .describe = xblk_describe,
    .connect = xblk_connect,
    .connected = xblk_connected,
    .disconnect = xblk_disconnect,
};

/* ---- making and taking apart ---- */

static void on_resized(void *owner)
{
    struct xblk *b = owner;

    describe_disk(b);
    if (b->bus.state == XenbusStateConnected)
        xenbus_announce(&b->bus);
}

static bool make_queue(struct xblk *b, unsigned i)
{
    struct xblk_queue *queue = &b->queues[i];

    queue->b = b;
    queue->look = (struct loop_op){.fn = on_look, .owner = queue};
    xblk_cache_init(&queue->cache);
    queue->slots = calloc(XBLK_MAX_SLOTS, sizeof(*queue->slots));
    queue->lists = calloc(XBLK_LONG_LISTS, sizeof(*queue->lists));
    if (b->cfg.persistent)
        queue->cache.kept = calloc(XBLK_MAX_KEPT, sizeof(*queue->cache.kept));
    return queue->slots && queue->lists &&
           (queue->cache.kept || !b->cfg.persistent);
}

static void free_all(struct xblk *b)
{
    for (unsigned i = 0; b && i < b->cfg.queues; i++) {
        free(b->queues[i].slots);
        free(b->queues[i].lists);
        free(b->queues[i].cache.kept);
    }
    free(b);
}

struct xblk *xblk_create(struct blk *blk, const struct xenbus_host *host,
                         const struct xblk_config *cfg)
{
    struct xblk *b = calloc(1, sizeof(*b));
    bool made = b != NULL;

    BUG_ON(!cfg->queues || cfg->queues > XBLK_MAX_QUEUES);
    if (b) {
        b->blk = blk;
        b->cfg = *cfg;
        b->turn = (struct loop_op){.fn = on_turn, .owner = b};
    }
    for (unsigned i = 0; made && i < cfg->queues; i++)
        made = make_queue(b, i);
    if (!made) {
        log_error("%s: out of memory", cfg->name);
        free_all(b);
        return NULL;
    }
    if (xenbus_init(&b->bus, host, &ops, b, cfg->vdev) < 0) {
        free_all(b);
        return NULL;
    }
    blk_attach(blk, on_resized, b);
    return b;
}

void xblk_destroy(struct xblk *b)
{
    if (!b)
        return;
    blk_attach(b->blk, NULL, NULL);
    xenbus_fini(&b->bus);
    free_all(b);
}
