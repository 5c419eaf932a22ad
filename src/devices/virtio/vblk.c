// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vblk.c: the block device; see vblk.h; vblk_req.c takes requests. Source:
 * virtio 1.2, 5.2.
 *
 * Request slots are as many as a queue has entries and are found by the
 * chain's head; nothing is allocated for a request. A request of few segments
 * keeps them in its slot, a longer one in one of the queue's long arrays;
 * when all of these are taken, the queue waits for a completion. That bounds
 * what a guest can make us hold.
 *
 * When one queue is reset, the disk ends everything; what it cancelled of
 * other queues is submitted again.
 *
 * What ends during a loop turn is published after it, once per queue, and
 * interrupts at most once. A queue gives way to others after as many requests
 * as it has entries.
 *
 * Thread: loop, board lock held; the configuration also on a vCPU.
 */
#include "devices/virtio/vblk_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <linux/virtio_blk.h>
#include <stdlib.h>
#include <string.h>

#define BIT(n) ((uint64_t)1 << (n))

/* Pop as much as there is and as may be. 0, or -EPROTO. */
static int pop_requests(struct vblk_queue *queue)
{
    struct vblk *b = queue->b;
    struct virtq *q = virtio_queue(b->v, queue->index);

    queue->more = true;
    for (unsigned n = 0; n < b->cfg.queue_size && queue->n_free; n++) {
        struct vchain c = {.iov = b->scratch, .max = VIRTQ_MAX_IOV};
        const int ret = virtq_pop(q, &c);

        if (ret < 0)
            return ret;
        if (ret == 0) {
            queue->more = false;
            return 0;
        }
        vblk_take(queue, &c);
    }
    return 0;
}

/* What cannot be taken now is taken after a completion, or next turn. */
static void serve(struct vblk_queue *queue)
{
    struct vblk *b = queue->b;
    struct virtq *q = virtio_queue(b->v, queue->index);

    virtq_quiet(q);
    if (pop_requests(queue) < 0) {
        virtio_broken(b->v, q->why);
        return;
    }
    if (!queue->more)
        queue->more = virtq_listen(q);
    if (queue->more && queue->n_free)
        loop_post(b->loop, &b->turn);
}

static void publish(struct vblk *b)
{
    for (unsigned i = 0; i < b->cfg.queues; i++) {
        if (b->queues[i].dirty)
            virtio_publish(b->v, i);
        b->queues[i].dirty = false;
    }
}

/* After the callbacks of a turn in which something ended or was left. */
static void on_turn(struct loop_op *op, int res)
{
    struct vblk *b = op->owner;

    (void)res;
    publish(b);
    for (unsigned i = 0; i < b->cfg.queues; i++)
        if (b->queues[i].more && b->queues[i].n_free)
            serve(&b->queues[i]);
}

/* ---- what the common half asks ---- */

static void vblk_attach(void *dev, struct virtio *v)
{
    struct vblk *b = dev;

    b->v = v;
}

static uint64_t vblk_offer(void *dev)
{
    const struct vblk *b = dev;
    const struct blk_info *info = blk_info(b->blk);
    uint64_t bits = BIT(VIRTIO_BLK_F_SEG_MAX) | BIT(VIRTIO_BLK_F_BLK_SIZE) |
                    BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_TOPOLOGY) |
                    BIT(VIRTIO_BLK_F_CONFIG_WCE);

    if (b->cfg.queues > 1)
        bits |= BIT(VIRTIO_BLK_F_MQ);
    if (info->read_only)
        return bits | BIT(VIRTIO_BLK_F_RO);
    if (info->discard_align)
        bits |= BIT(VIRTIO_BLK_F_DISCARD);
    if (info->can_zero)
        bits |= BIT(VIRTIO_BLK_F_WRITE_ZEROES);
    return bits;
}

static unsigned vblk_n_queues(void *dev)
{
    const struct vblk *b = dev;

    return b->cfg.queues;
}

static uint16_t vblk_queue_size(void *dev, unsigned q)
{
    const struct vblk *b = dev;

    (void)q;
    return b->cfg.queue_size;
}

/* How many doublings make a logical block a physical one. */
static uint8_t physical_exponent(const struct blk_info *info)
{
    uint8_t n = 0;

    while (n < 16 && info->logical_block << (n + 1) <= info->physical_block)
        n++;
    return n;
}

static void describe(const struct vblk *b, struct virtio_blk_config *c)
{
    const struct blk_info *info = blk_info(b->blk);

    *c = (struct virtio_blk_config){
        .capacity = info->size / BLK_SECTOR,
        .seg_max = vblk_max_segments(b),
        .blk_size = info->logical_block,
        .physical_block_exp = physical_exponent(info),
        .min_io_size = (uint16_t)(1u << physical_exponent(info)),
        .wce = b->write_cache,
        .num_queues = (uint16_t)b->cfg.queues,
        .max_discard_sectors = VBLK_RANGE_SECTORS,
        .max_discard_seg = 1,
        .discard_sector_alignment = info->discard_align / BLK_SECTOR,
        .max_write_zeroes_sectors = VBLK_RANGE_SECTORS,
        .max_write_zeroes_seg = 1,
        .write_zeroes_may_unmap = 1,
    };
}

static void vblk_config_read(void *dev, unsigned off, void *buf, unsigned n)
{
    struct virtio_blk_config c;
    const unsigned char *bytes = (const unsigned char *)&c;

    describe(dev, &c);
    memcpy(buf, bytes + off, n);
}

/* 5.2.5.2: who cannot flush gets writes that need no flush. */
static void apply_write_cache(struct vblk *b)
{
    blk_set_writethrough(b->blk, !b->write_cache);
}

static void vblk_config_write(void *dev, unsigned off, const void *buf,
                              unsigned n)
{
    struct vblk *b = dev;
    const uint8_t *byte = buf;

    if (off != offsetof(struct virtio_blk_config, wce) || n != 1 ||
        !virtio_has(b->v, VIRTIO_BLK_F_CONFIG_WCE))
        return;
    b->write_cache = *byte & 1;
    b->cache_chosen = true;
    apply_write_cache(b);
}

static void vblk_start(void *dev, uint64_t features)
{
    struct vblk *b = dev;

    /* A driver may have chosen since DRIVER_OK: that is some time ago. */
    if (!b->cache_chosen || !(features & BIT(VIRTIO_BLK_F_CONFIG_WCE)))
        b->write_cache = blk_info(b->blk)->needs_flush &&
                         (features & BIT(VIRTIO_BLK_F_FLUSH));
    apply_write_cache(b);
}

static void vblk_kick(void *dev, unsigned q)
{
    struct vblk *b = dev;

    serve(&b->queues[q]);
}

/* End everything; nothing is popped or published later because of it. */
static void vblk_stop(void *dev)
{
    struct vblk *b = dev;

    blk_drain(b->blk);
    loop_drain(b->loop, &b->turn);
    publish(b);
    b->cache_chosen = false;
    for (unsigned i = 0; i < b->cfg.queues; i++)
        b->queues[i].more = false;
}

static void vblk_stop_queue(void *dev, unsigned q)
{
    struct vblk *b = dev;
    struct vblk_slot *s;

    b->stopping = (int)q;
    vblk_stop(b);
    b->stopping = -1;
    while ((s = b->cancelled)) {
        b->cancelled = s->next;
        blk_submit(b->blk, &s->req);
    }
}

const struct virtio_dev_ops vblk_ops = {
    .name = "virtio-blk",
    .id = VIRTIO_ID_BLOCK,
    .pci_class = 0x010000, /* mass storage, SCSI: as drivers expect */
    .features = BIT(VIRTIO_BLK_F_SEG_MAX) | BIT(VIRTIO_BLK_F_RO) |
                BIT(VIRTIO_BLK_F_BLK_SIZE) | BIT(VIRTIO_BLK_F_FLUSH) |
                BIT(VIRTIO_BLK_F_TOPOLOGY) | BIT(VIRTIO_BLK_F_CONFIG_WCE) |
                BIT(VIRTIO_BLK_F_MQ) | BIT(VIRTIO_BLK_F_DISCARD) |
                BIT(VIRTIO_BLK_F_WRITE_ZEROES),
    .attach = vblk_attach,
    .offer = vblk_offer,
    .n_queues = vblk_n_queues,
    .queue_size = vblk_queue_size,
    .config_size = offsetof(struct virtio_blk_config, max_secure_erase_sectors),
    .config_read = vblk_config_read,
    .config_write = vblk_config_write,
    .start = vblk_start,
    .kick = vblk_kick,
    .stop = vblk_stop,
    .stop_queue = vblk_stop_queue,
};

/* ---- making and taking apart ---- */

static void on_resized(void *owner)
{
    struct vblk *b = owner;

    if (b->v)
        virtio_config_changed(b->v);
}

static bool make_queue(struct vblk *b, unsigned i)
{
    struct vblk_queue *queue = &b->queues[i];
    const size_t each = vblk_max_segments(b);

    queue->b = b;
    queue->index = i;
    queue->slots = calloc(b->cfg.queue_size, sizeof(*queue->slots));
    queue->arrays = calloc(VBLK_LONG_IOVS * each, sizeof(*queue->arrays));
    if (!queue->slots || !queue->arrays)
        return false;
    for (; queue->n_free < VBLK_LONG_IOVS; queue->n_free++)
        queue->free[queue->n_free] = queue->arrays + queue->n_free * each;
    return true;
}

struct vblk *vblk_create(struct blk *blk, struct loop *loop,
                         const struct vblk_config *cfg)
{
    struct vblk *b = calloc(1, sizeof(*b));
    bool made = b != NULL;

    BUG_ON(!cfg->queues || cfg->queues > VBLK_MAX_QUEUES);
    BUG_ON(cfg->queue_size < 4 || cfg->queue_size > VIRTQ_MAX_SIZE);
    if (b) {
        b->blk = blk;
        b->loop = loop;
        b->cfg = *cfg;
        b->stopping = -1;
        b->turn = (struct loop_op){.fn = on_turn, .owner = b};
    }
    for (unsigned i = 0; made && i < cfg->queues; i++)
        made = make_queue(b, i);
    if (!made) {
        log_error("virtio-blk: out of memory");
        vblk_destroy(b);
        return NULL;
    }
    blk_attach(blk, on_resized, b);
    return b;
}

void vblk_destroy(struct vblk *b)
{
    if (!b)
        return;
    blk_attach(b->blk, NULL, NULL);
    loop_drain(b->loop, &b->turn);
    for (unsigned i = 0; i < b->cfg.queues; i++) {
        free(b->queues[i].slots);
        free(b->queues[i].arrays);
    }
    free(b);
}
