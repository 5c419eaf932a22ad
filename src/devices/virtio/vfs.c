// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vfs.c: the file system device; see vfs.h. Source: virtio 1.2, 5.11.
 *
 * Nothing of a request is seen here. Each queue that runs is handed over: the
 * other process has the guest's memory, the queue's kicks, which go from KVM
 * to it, and an eventfd to signal for an interrupt. That one comes to the loop
 * and goes on as the transport's interrupt, since there is more to it than a
 * signal: the cause in a register, a mask.
 *
 * A queue is handed over when it is first kicked, which the common half does
 * as soon as it runs, and taken back when it stops: the other process answers
 * once it has ended what was in flight. If it does not answer in time it is
 * ended, because the guest's memory must be at rest; then, as when it dies by
 * itself, the device needs a reset that will not help before the guest, too,
 * is started again by a new vmm.
 *
 * Thread: loop, board lock held; the configuration also on a vCPU.
 */
#include "devices/virtio/vfs.h"

#include "vmm/log.h"

#include <errno.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* One for urgent requests, one for all others. */
#define QUEUES     2u
#define QUEUE_SIZE 128u

#define BIT(n) ((uint64_t)1 << (n))

/* Without these the other process could not read the rings we offer. */
#define NEEDED                                                    \
    (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
     BIT(VIRTIO_RING_F_EVENT_IDX))

struct vfs_queue {
    struct vfs *f;
    int call; /* owned: signalled by the other process; -1: none */
    struct loop_op call_op;
    int kick; /* borrowed, while handed over */
    bool lent;
};

struct vfs {
    struct share *share; /* borrowed */
    struct loop *loop;   /* borrowed */
    struct gmem *mem;    /* borrowed */
    struct virtio *v;    /* borrowed */
    bool told_memory;    /* the other process has mapped it */
    struct vfs_queue queues[QUEUES];
};

/* ---- handing over ---- */

static int tell_memory(struct vfs *f)
{
    struct vhost_user_region regions[GMEM_MAX_SLOTS];
    unsigned n;
    const struct gmem_slot *slots = gmem_slots(f->mem, &n);
    int ret;

    if (f->told_memory)
        return 0;
    for (unsigned i = 0; i < n; i++) {
        uint64_t offset;
        const int fd = gmem_file(f->mem, i, &offset);

        regions[i] = (struct vhost_user_region){
            .gpa = slots[i].base.v,
            .size = slots[i].size,
            .offset = offset,
            .fd = fd,
        };
    }
    ret = vhost_user_set_memory(share_device(f->share), regions, n);
    f->told_memory = ret == 0;
    return ret;
}

static int lend(struct vfs *f, unsigned q)
{
    const struct virtq_config *c = &virtio_queue(f->v, q)->cfg;
    struct vfs_queue *queue = &f->queues[q];
    struct vhost_user_ring ring = {
        .index = q,
        .size = c->size,
        .desc = c->desc.v,
        .avail = c->avail.v,
        .used = c->used.v,
        .call = queue->call,
    };

    queue->kick = virtio_queue_lend(f->v, q);
    queue->lent = true;
    ring.kick = queue->kick;
    return vhost_user_start(share_device(f->share), &ring);
}

/* The queue is at rest after this, whatever it takes. */
static void take_back(struct vfs *f, unsigned q)
{
    struct vfs_queue *queue = &f->queues[q];

    if (!queue->lent)
        return;
    queue->lent = false;
    if (vhost_user_stop(share_device(f->share), q) < 0)
        share_kill(f->share);
    virtio_queue_reclaim(f->v, q);
}

static void on_call(struct loop_op *op, int res)
{
    const struct vfs_queue *queue = op->owner;
    struct vfs *f = queue->f;

    if (res >= 0 && f->v && queue->lent)
        virtio_interrupt(f->v, (unsigned)(queue - f->queues));
}

static void on_gone(void *owner)
{
    struct vfs *f = owner;

    if (f->v)
        virtio_broken(f->v, "the process that serves it is gone");
}

/* ---- what the common half asks ---- */

static void vfs_attach(void *dev, struct virtio *v)
{
    struct vfs *f = dev;

    f->v = v;
}

static uint64_t vfs_offer(void *dev)
{
    (void)dev;
    return 0;
}

static unsigned vfs_n_queues(void *dev)
{
    (void)dev;
    return QUEUES;
}

static uint16_t vfs_queue_size(void *dev, unsigned q)
{
    (void)dev;
    (void)q;
    return QUEUE_SIZE;
}

static void vfs_config_read(void *dev, unsigned off, void *buf, unsigned n)
{
    const struct vfs *f = dev;
    struct virtio_fs_config c = {.num_request_queues = QUEUES - 1};
    const unsigned char *bytes = (const unsigned char *)&c;
    const char *tag = share_tag(f->share);

    memcpy(c.tag, tag, strnlen(tag, sizeof(c.tag)));
    memcpy(buf, bytes + off, n);
}

static void vfs_start(void *dev, uint64_t features)
{
    struct vfs *f = dev;

    if (vhost_user_set_features(share_device(f->share), features) < 0 ||
        tell_memory(f) < 0)
        on_gone(f);
}

static void vfs_kick(void *dev, unsigned q)
{
    struct vfs *f = dev;

    if (!f->queues[q].lent && lend(f, q) < 0) {
        on_gone(f);
        return;
    }
    /* What was there before it was handed over. */
    (void)eventfd_write(f->queues[q].kick, 1);
}

static void vfs_stop_queue(void *dev, unsigned q)
{
    take_back(dev, q);
}

static void vfs_stop(void *dev)
{
    for (unsigned q = 0; q < QUEUES; q++)
        take_back(dev, q);
}

const struct virtio_dev_ops vfs_ops = {
    .name = "virtio-fs",
    .id = VIRTIO_ID_FS,
    .pci_class = 0x018000, /* mass storage, other */
    .attach = vfs_attach,
    .offer = vfs_offer,
    .n_queues = vfs_n_queues,
    .queue_size = vfs_queue_size,
    .config_size = sizeof(struct virtio_fs_config),
    .config_read = vfs_config_read,
    .start = vfs_start,
    .kick = vfs_kick,
    .stop = vfs_stop,
    .stop_queue = vfs_stop_queue,
};

/* ---- making and taking apart ---- */

/* Watched and never read, as kicks are. */
static int make_queue(struct vfs *f, unsigned q)
{
    struct vfs_queue *queue = &f->queues[q];

    queue->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->call < 0) {
        log_error("virtio-fs: eventfd: %s: raise the open-files limit "
                  "(ulimit -n)",
                  strerror(errno));
        return -errno;
    }
    queue->call_op = (struct loop_op){.fn = on_call, .owner = queue};
    loop_watch(f->loop, &queue->call_op, queue->call);
    return 0;
}

static int check_features(struct share *share)
{
    const uint64_t missing = NEEDED & ~share_device(share)->features;

    if (missing)
        log_error("--share: %s: this virtiofsd lacks virtio features %#llx: "
                  "use a newer one",
                  share_tag(share), (unsigned long long)missing);
    return missing ? -ENOTSUP : 0;
}

struct vfs *vfs_create(struct share *share, struct loop *loop, struct gmem *mem)
{
    struct vfs *f = calloc(1, sizeof(*f));
    bool made = f != NULL;

    if (f) {
        f->share = share;
        f->loop = loop;
        f->mem = mem;
        for (unsigned q = 0; q < QUEUES; q++)
            f->queues[q] = (struct vfs_queue){.f = f, .call = -1};
    } else {
        log_error("virtio-fs: out of memory");
    }
    /* One that died while the guest rebooted is not the guest's end. */
    if (made && !share_device(share)->lost)
        made = check_features(share) == 0;
    for (unsigned q = 0; made && q < QUEUES; q++)
        made = make_queue(f, q) == 0;
    if (!made) {
        vfs_destroy(f);
        return NULL;
    }
    share_attach(share, on_gone, f);
    return f;
}

void vfs_destroy(struct vfs *f)
{
    if (!f)
        return;
    share_attach(f->share, NULL, NULL);
    for (unsigned q = 0; q < QUEUES; q++) {
        if (f->queues[q].call < 0)
            continue;
        loop_drain(f->loop, &f->queues[q].call_op);
        close(f->queues[q].call);
    }
    free(f);
}
