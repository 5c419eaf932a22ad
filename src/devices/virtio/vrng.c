// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vrng.c: the entropy device; see vrng.h. Source: virtio 1.2, 5.4.
 *
 * A buffer is filled by the host kernel's generator, straight into guest
 * memory, as far as CHAIN_BYTES: a driver may get less than it asked for and
 * asks again (5.4.6.1). What is not writable is nobody's business: such a
 * buffer comes back empty. After TURN_CHAINS the others on the loop have
 * their turn, so that a guest that cannot get enough takes time from nobody.
 *
 * Thread: loop, board lock held. Must never wait for entropy.
 */
#include "devices/virtio/vrng.h"

#include "vmm/log.h"

#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <sys/random.h>

#define QUEUE_SIZE  64
#define CHAIN_BYTES 4096u
#define TURN_CHAINS 16u

struct vrng {
    struct loop *loop; /* borrowed */
    struct virtio *v;  /* borrowed */
    struct loop_op again;
    struct iovec iov[QUEUE_SIZE + 2];
};

/* Fill what the chain has room for; returns the bytes written. */
static uint32_t fill(const struct vchain *c)
{
    const struct iovec *in = c->iov + c->n_out;
    size_t left = CHAIN_BYTES;

    for (int i = 0; i < c->n_in && left; i++) {
        const size_t n = in[i].iov_len < left ? in[i].iov_len : left;
        const ssize_t got = getrandom(in[i].iov_base, n, GRND_NONBLOCK);

        if (got > 0)
            left -= (size_t)got;
        if (got < (ssize_t)n)
            break;
    }
    return CHAIN_BYTES - (uint32_t)left;
}

/* Serve some chains. Returns virtq_pop's last answer. */
static int serve(struct vrng *r, struct virtq *q)
{
    struct vchain c = {.iov = r->iov, .max = (int)ARRAY_LEN(r->iov)};
    int ret = 0;

    for (unsigned i = 0; i < TURN_CHAINS; i++) {
        ret = virtq_pop(q, &c);
        if (ret <= 0)
            break;
        virtq_push(q, c.head, fill(&c));
    }
    return ret;
}

static void vrng_kick(void *dev, unsigned queue)
{
    struct vrng *r = dev;
    struct virtq *q = virtio_queue(r->v, queue);
    int ret;

    virtq_quiet(q);
    ret = serve(r, q);
    virtio_publish(r->v, queue);
    if (ret < 0)
        virtio_broken(r->v, q->why);
    else if (ret > 0 || virtq_listen(q))
        loop_post(r->loop, &r->again);
}

static void on_again(struct loop_op *op, int res)
{
    struct vrng *r = op->owner;

    (void)res;
    vrng_kick(r, 0);
}

/* Nothing is ever in flight; only the rest of the queue may be due. */
static void vrng_stop(void *dev)
{
    struct vrng *r = dev;

    loop_drain(r->loop, &r->again);
}

static void vrng_attach(void *dev, struct virtio *v)
{
    struct vrng *r = dev;

    r->v = v;
}

static void vrng_start(void *dev, uint64_t features)
{
    (void)dev;
    (void)features;
}

static uint64_t vrng_offer(void *dev)
{
    (void)dev;
    return 0;
}

static unsigned vrng_n_queues(void *dev)
{
    (void)dev;
    return 1;
}

static uint16_t vrng_queue_size(void *dev, unsigned q)
{
    (void)dev;
    (void)q;
    return QUEUE_SIZE;
}

const struct virtio_dev_ops vrng_ops = {
    .name = "virtio-rng",
    .id = VIRTIO_ID_RNG,
    .pci_class = 0x00ff00, /* unclassified device */
    .attach = vrng_attach,
    .offer = vrng_offer,
    .n_queues = vrng_n_queues,
    .queue_size = vrng_queue_size,
    .start = vrng_start,
    .kick = vrng_kick,
    .stop = vrng_stop,
};

struct vrng *vrng_create(struct loop *loop)
{
    struct vrng *r = calloc(1, sizeof(*r));

    if (!r) {
        log_error("virtio-rng: out of memory");
        return NULL;
    }
    r->loop = loop;
    r->again = (struct loop_op){.fn = on_again, .owner = r};
    return r;
}

void vrng_destroy(struct vrng *r)
{
    free(r);
}
