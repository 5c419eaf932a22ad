// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vballoon.c: the memory balloon; see vballoon.h. Source: virtio 1.2, 5.5.
 *
 * The configuration says how many pages the guest should give up. It tells
 * them by number on the inflate queue, or reports what is free anyway on the
 * reporting queue, and gets a buffer back when the host has the pages. On the
 * deflate queue it says which it takes again: it need not ask, for a page
 * that is touched is there.
 *
 * Everything a driver says is a hint about its own memory: a number outside
 * of RAM is passed over and counted, and said in the log. A chain may name
 * 2^30 pages: a turn of the loop takes TURN_PAGES of it, or TURN_BYTES of what
 * is reported, and goes on in the next.
 *
 * A statistics buffer is kept until somebody asks for the status; giving it
 * back is the question.
 *
 * Queues by number: 0 inflate, 1 deflate, 2 statistics, 4 reports (3 is for
 * hints, which are not offered). Drivers disagree on whether a queue that is
 * not negotiated keeps its number; a Linux driver has the reports at 3. So
 * every queue from 2 on that is not the statistics' takes reports.
 *
 * Thread: loop, board lock held; the configuration also on a vCPU. Must never
 * believe that a page is the guest's to give: gmem says so.
 */
#include "devices/virtio/vballoon.h"

#include "mmu/gmem.h"
#include "vmm/log.h"

#include <linux/virtio_balloon.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BIT(n) ((uint64_t)1 << (n))

#define QUEUE_SIZE 64
/* What a turn of the loop does with a queue, at most. */
#define TURN_CHAINS 4u
#define TURN_PAGES  256u       /* of a chain */
#define TURN_BYTES  (16 * MIB) /* of a chain */

#define MAX_STATS 32u /* in a chain */

enum {
    Q_INFLATE,
    Q_DEFLATE,
    Q_STATS,
    N_QUEUES = 5,
};

/* A chain that is being worked on. */
struct work {
    bool busy;
    struct vchain chain;
    uint64_t done; /* bytes of it; of the iovec at, for reports */
    int at;
    struct iovec iov[QUEUE_SIZE + 2];
};

struct vballoon {
    struct loop *loop; /* borrowed */
    struct gmem *mem;  /* borrowed */
    struct virtio *v;  /* borrowed */
    uint64_t target;
    uint32_t actual; /* pages in the balloon, as the driver has it */
    bool live;       /* between start and stop */
    uint64_t returned;
    uint64_t stats[VIRTIO_BALLOON_S_NR];
    uint64_t told;  /* CLOCK_MONOTONIC seconds of stats; UNKNOWN: never */
    unsigned again; /* queues that have work left, as bits */
    struct loop_op turn;
    struct log_limit limit;
    struct work work[N_QUEUES];
};

static uint64_t now_seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec;
}

/* Pages to be given up; a field of 32 bits. */
static uint32_t wanted_pages(const struct vballoon *b)
{
    const uint64_t size = gmem_size(b->mem);
    const uint64_t pages =
        size > b->target ? (size - b->target) / GUEST_PAGE : 0;

    return pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX;
}

/* ---- pages for the host ---- */

/* What became of pages: the bytes the host has, or -errno. */
static void note(struct vballoon *b, int64_t ret)
{
    if (ret >= 0)
        b->returned += (uint64_t)ret;
    else
        log_guest(&b->limit, "virtio-balloon: pages not taken: %s",
                  strerror((int)-ret));
}

/* A run of pages, found in numbers that rise or fall by one. */
struct run {
    uint64_t first;
    uint64_t n;
};

static bool run_takes(struct run *r, uint64_t pfn)
{
    if (pfn != r->first + r->n && pfn + 1 != r->first)
        return false;
    if (pfn < r->first)
        r->first = pfn;
    r->n++;
    return true;
}

static void discard_pages(struct vballoon *b, const uint32_t *pfn, size_t n)
{
    for (size_t i = 0; i < n;) {
        struct run r = {.first = pfn[i++], .n = 1};

        while (i < n && run_takes(&r, pfn[i]))
            i++;
        note(b,
             gmem_discard(b->mem, GPA(r.first * GUEST_PAGE), r.n * GUEST_PAGE));
    }
}

/* A turn's worth of the numbers. True: that was all of them. */
static bool inflate(struct vballoon *b, struct work *w)
{
    uint32_t pfn[TURN_PAGES];
    const size_t n = vchain_read(&w->chain, w->done, pfn, sizeof(pfn));

    discard_pages(b, pfn, n / sizeof(pfn[0]));
    w->done += n;
    return n < sizeof(pfn) || w->done == w->chain.out_bytes;
}

/* A turn's worth of the buffers, which are the pages themselves. */
static bool take_report(struct vballoon *b, struct work *w)
{
    const struct iovec *in = w->chain.iov + w->chain.n_out;
    uint64_t budget = TURN_BYTES;

    for (; w->at < w->chain.n_in && budget; w->at++, w->done = 0) {
        unsigned char *base = in[w->at].iov_base;
        const uint64_t left = in[w->at].iov_len - w->done;
        const uint64_t n = left < budget ? left : budget;
        const struct iovec part = {base + w->done, n};

        note(b, gmem_discard_iov(b->mem, &part));
        budget -= n;
        w->done += n;
        if (n < left)
            return false;
    }
    return w->at == w->chain.n_in;
}

/* ---- statistics ---- */

static void forget_stats(struct vballoon *b)
{
    for (unsigned i = 0; i < ARRAY_LEN(b->stats); i++)
        b->stats[i] = VBALLOON_UNKNOWN;
    b->told = VBALLOON_UNKNOWN;
}

static void read_stats(struct vballoon *b, const struct vchain *c)
{
    struct virtio_balloon_stat s;
    uint64_t off = 0;

    forget_stats(b);
    for (unsigned i = 0; i < MAX_STATS; i++, off += sizeof(s)) {
        if (vchain_read(c, off, &s, sizeof(s)) < sizeof(s))
            break;
        if (s.tag < ARRAY_LEN(b->stats))
            b->stats[s.tag] = s.val;
    }
    if (off)
        b->told = now_seconds();
}

/* ---- queues ---- */

static void vballoon_again(struct vballoon *b, unsigned q)
{
    b->again |= 1u << q;
    loop_post(b->loop, &b->turn);
}

/* Publish, and see to what comes next; ret is virtq_pop's last answer. */
static void finish(struct vballoon *b, unsigned q, int ret)
{
    struct virtq *queue = virtio_queue(b->v, q);

    virtio_publish(b->v, q);
    if (ret < 0)
        virtio_broken(b->v, queue->why);
    else if (ret > 0 || virtq_listen(queue))
        vballoon_again(b, q);
}

static void end_work(struct vballoon *b, unsigned q)
{
    struct work *w = &b->work[q];

    if (w->busy)
        virtq_push(virtio_queue(b->v, q), w->chain.head, 0);
    w->busy = false;
}

/* The next chain, if none is worked on. As virtq_pop. */
static int begin_work(struct vballoon *b, unsigned q)
{
    struct work *w = &b->work[q];
    int ret;

    if (w->busy)
        return 1;
    w->chain = (struct vchain){.iov = w->iov, .max = (int)ARRAY_LEN(w->iov)};
    w->done = 0;
    w->at = 0;
    ret = virtq_pop(virtio_queue(b->v, q), &w->chain);
    w->busy = ret > 0;
    return ret;
}

/* True: the chain needs no more. */
static bool work_on(struct vballoon *b, unsigned q)
{
    if (q == Q_INFLATE)
        return inflate(b, &b->work[q]);
    /* What is deflated is there again when it is touched. */
    return q == Q_DEFLATE || take_report(b, &b->work[q]);
}

static void serve_pages(struct vballoon *b, unsigned q)
{
    int ret = 1;

    virtq_quiet(virtio_queue(b->v, q));
    for (unsigned i = 0; i < TURN_CHAINS && ret > 0; i++) {
        ret = begin_work(b, q);
        if (ret <= 0 || !work_on(b, q))
            break;
        end_work(b, q);
    }
    finish(b, q, ret);
}

/* Any further buffer waits until this one is given back. */
static void serve_stats(struct vballoon *b)
{
    struct virtq *queue = virtio_queue(b->v, Q_STATS);
    int ret;

    virtq_quiet(queue);
    if (b->work[Q_STATS].busy)
        return;
    ret = begin_work(b, Q_STATS);
    if (ret > 0)
        read_stats(b, &b->work[Q_STATS].chain);
    else
        finish(b, Q_STATS, ret);
}

static bool has_stats(const struct vballoon *b)
{
    return virtio_has(b->v, VIRTIO_BALLOON_F_STATS_VQ);
}

static void vballoon_kick(void *dev, unsigned q)
{
    struct vballoon *b = dev;

    if (q == Q_STATS && has_stats(b))
        serve_stats(b);
    else
        serve_pages(b, q);
}

/* ---- what the common half asks ---- */

static void vballoon_attach(void *dev, struct virtio *v)
{
    struct vballoon *b = dev;

    b->v = v;
}

static uint64_t vballoon_offer(void *dev)
{
    (void)dev;
    return UINT64_MAX; /* all it knows */
}

static unsigned vballoon_n_queues(void *dev)
{
    (void)dev;
    return N_QUEUES;
}

static uint16_t vballoon_queue_size(void *dev, unsigned q)
{
    (void)dev;
    (void)q;
    return QUEUE_SIZE;
}

static void vballoon_config_read(void *dev, unsigned off, void *buf, unsigned n)
{
    const struct vballoon *b = dev;
    const struct virtio_balloon_config config = {.num_pages = wanted_pages(b),
                                                 .actual = b->actual};
    const unsigned char *bytes = (const unsigned char *)&config;

    memcpy(buf, bytes + off, n);
}

/* 5.5.3: actual is the driver's to write. */
static void vballoon_config_write(void *dev, unsigned off, const void *buf,
                                  unsigned n)
{
    struct vballoon *b = dev;

    if (off == offsetof(struct virtio_balloon_config, actual) &&
        n == sizeof(b->actual))
        memcpy(&b->actual, buf, n);
}

static void vballoon_start(void *dev, uint64_t features)
{
    struct vballoon *b = dev;

    (void)features;
    b->live = true;
}

static void vballoon_stop_queue(void *dev, unsigned q)
{
    struct vballoon *b = dev;

    end_work(b, q);
    virtio_publish(b->v, q);
}

/* The memory of a driver that is gone is all in use again. */
static void vballoon_stop(void *dev)
{
    struct vballoon *b = dev;

    b->live = false;
    b->again = 0;
    loop_drain(b->loop, &b->turn);
    for (unsigned q = 0; q < N_QUEUES; q++)
        vballoon_stop_queue(b, q);
    forget_stats(b);
    b->actual = 0;
}

const struct virtio_dev_ops vballoon_ops = {
    .name = "virtio-balloon",
    .id = VIRTIO_ID_BALLOON,
    .pci_class = 0x00ff00, /* unclassified device */
    .features = BIT(VIRTIO_BALLOON_F_STATS_VQ) |
                BIT(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) |
                BIT(VIRTIO_BALLOON_F_REPORTING),
    .attach = vballoon_attach,
    .offer = vballoon_offer,
    .n_queues = vballoon_n_queues,
    .queue_size = vballoon_queue_size,
    .config_size = sizeof(struct virtio_balloon_config),
    .config_read = vballoon_config_read,
    .config_write = vballoon_config_write,
    .start = vballoon_start,
    .kick = vballoon_kick,
    .stop = vballoon_stop,
    .stop_queue = vballoon_stop_queue,
};

/* ---- the operator's side ---- */

void vballoon_set_target(struct vballoon *b, uint64_t target)
{
    if (b->target == target)
        return;
    b->target = target;
    if (b->live)
        virtio_config_changed(b->v);
}

/* A buffer given back is filled again. */
static void ask_for_stats(struct vballoon *b)
{
    if (!b->live || !has_stats(b) || !b->work[Q_STATS].busy)
        return;
    end_work(b, Q_STATS);
    virtio_publish(b->v, Q_STATS);
    serve_stats(b);
}

void vballoon_get_status(struct vballoon *b, struct vballoon_status *out)
{
    const uint64_t size = gmem_size(b->mem);
    const uint64_t held = b->actual * GUEST_PAGE;

    *out = (struct vballoon_status){
        .target = b->target,
        .actual = held < size ? size - held : 0,
        .returned = b->returned,
        .free = b->stats[VIRTIO_BALLOON_S_MEMFREE],
        .available = b->stats[VIRTIO_BALLOON_S_AVAIL],
        .total = b->stats[VIRTIO_BALLOON_S_MEMTOT],
        .age = b->told,
        .driven = b->live,
    };
    if (b->told != VBALLOON_UNKNOWN)
        out->age = now_seconds() - b->told;
    ask_for_stats(b);
}

/* ---- making and taking apart ---- */

static void on_turn(struct loop_op *op, int res)
{
    struct vballoon *b = op->owner;
    unsigned again = b->again;

    (void)res;
    b->again = 0;
    for (; again; again &= again - 1)
        vballoon_kick(b, (unsigned)__builtin_ctz(again));
}

struct vballoon *vballoon_create(struct loop *loop, struct gmem *mem,
                                 uint64_t target)
{
    struct vballoon *b = calloc(1, sizeof(*b));

    if (!b) {
        log_error("virtio-balloon: out of memory");
        return NULL;
    }
    b->loop = loop;
    b->mem = mem;
    b->target = target;
    b->turn = (struct loop_op){.fn = on_turn, .owner = b};
    forget_stats(b);
    return b;
}

void vballoon_destroy(struct vballoon *b)
{
    if (!b)
        return;
    loop_drain(b->loop, &b->turn);
    free(b);
}
