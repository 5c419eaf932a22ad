/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio_machine.h: what the fuzz targets of virtio devices share: a device
 * on the mmio transport, its registers, its rings, and steps that do anything
 * with them. The loop and the memory last as long as the process.
 */
#ifndef FUZZ_VIRTIO_MACHINE_H
#define FUZZ_VIRTIO_MACHINE_H

#include "devices/virtio/mmio.h"
#include "fetch_count.h"
#include "loop_turns.h"
#include "ring_driver.h"
#include "step.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#define RAM     (256 * KIB)
#define RING(q) (0x1000u + 0x2000u * (q))
#define TABLE   0x6000u
#define SMALL   0x8000u /* where headers and the like are */
#define BASE    0xfeb00000u
#define SIZE    16
#define RINGS   3

struct machine {
    pthread_mutex_t lock;
    struct loop *loop;
    struct gmem *mem;
    unsigned char *ram;
    struct virtio_mmio *t;
    struct ring rings[RINGS];
    unsigned first; /* the rings are queues first, first + 1 and so on */
    int irqfd;
};

static void spin(struct machine *m)
{
    loop_turns(m->loop, 4);
}

static struct machine *machine_once(void)
{
    static struct machine m = {.lock = PTHREAD_MUTEX_INITIALIZER};

    if (m.loop)
        return &m;
    log_set_level(LOG_ERROR);
    BUG_ON(loop_create(&m.loop, &m.lock) < 0);
    m.mem = gmem_create(RAM, GMEM_ANON);
    BUG_ON(!m.mem);
    m.ram = ram_of(m.mem);
    m.irqfd = eventfd(0, EFD_NONBLOCK);
    /* So that no call waits: the loop counts as ended between its runs. */
    spin(&m);
    fetches.ram = m.ram;
    fetches.after = change;
    return &m;
}

static void machine_plug(struct machine *m, const struct virtio_dev_ops *ops,
                         void *dev)
{
    const struct virtio_host host = {.loop = m->loop, .mem = m->mem};

    poison = 0;
    m->first = 0;
    memset(m->ram, 0, RAM);
    m->t = virtio_mmio_create(&host, ops, dev, GPA(BASE), m->irqfd);
    BUG_ON(!m->t);
    for (unsigned q = 0; q < RINGS; q++)
        m->rings[q] = ring_at(m->mem, RING(q), SIZE);
}

/* No board lock is needed while the loop stands; calls need it held. */
static void wr(struct machine *m, unsigned off, uint32_t v)
{
    pthread_mutex_lock(&m->lock);
    virtio_mmio_ops.write(m->t, off, &v, sizeof(v));
    pthread_mutex_unlock(&m->lock);
}

static uint32_t rd(struct machine *m, unsigned off)
{
    uint32_t v;

    virtio_mmio_ops.read(m->t, off, &v, sizeof(v));
    return v;
}

/* Any access to any register. */
static void reach(struct machine *m, const struct step *s)
{
    const unsigned n = 1u << (s->where & 3);
    const unsigned off = s->a & (0xfffu & ~(n - 1));
    uint64_t v = (uint64_t)s->b | (uint64_t)s->c << 16;

    pthread_mutex_lock(&m->lock);
    if (s->where & 4)
        virtio_mmio_ops.write(m->t, off, &v, n);
    else
        virtio_mmio_ops.read(m->t, off, &v, n);
    pthread_mutex_unlock(&m->lock);
}

/* The sequence of 3.1 with these features; what is left out stays so. */
static void initialize(struct machine *m, uint64_t features)
{
    wr(m, VIRTIO_MMIO_STATUS, 0);
    spin(m);
    BUG_ON(rd(m, VIRTIO_MMIO_STATUS) != 0);
    wr(m, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    wr(m, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
    wr(m, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    wr(m, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
    wr(m, VIRTIO_MMIO_STATUS, 0x0b);
    for (unsigned q = 0; q < RINGS; q++) {
        struct ring *r = &m->rings[q];
        uint32_t n;

        wr(m, VIRTIO_MMIO_QUEUE_SEL, m->first + q);
        n = rd(m, VIRTIO_MMIO_QUEUE_NUM_MAX);
        n = n && n < SIZE ? n : SIZE;
        *r = ring_at(m->mem, RING(q), (uint16_t)n);
        memset(m->ram + RING(q), 0, 0x1000);
        wr(m, VIRTIO_MMIO_QUEUE_NUM, n);
        wr(m, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)r->cfg.desc.v);
        wr(m, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)r->cfg.avail.v);
        wr(m, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)r->cfg.used.v);
        wr(m, VIRTIO_MMIO_QUEUE_READY, 1);
    }
    wr(m, VIRTIO_MMIO_STATUS, 0x0f);
    spin(m);
}

static uint64_t buffer(uint16_t v)
{
    return v & 0x8000 ? (uint64_t)(int64_t)(int16_t)v * 2 + RAM : v * 8ull;
}

/* Steps that every device can be driven by; false: none of these. */
static bool common_step(struct machine *m, const struct step *s)
{
    struct ring *r = &m->rings[s->where >> 7];

    switch (s->what % 16) {
    case 0:
        reach(m, s);
        return true;
    case 1:
        ring_desc(r, s->where % SIZE, buffer(s->a), s->b, s->c >> 13,
                  s->c & 31);
        return true;
    case 2:
        put_desc(r, TABLE, s->where % 32, buffer(s->a), s->b, s->c >> 13,
                 s->c & 31);
        return true;
    case 3:
        ring_desc(r, s->where % SIZE, TABLE, s->b, INDIRECT, 0);
        return true;
    case 4:
        ring_offer(r, s->where % SIZE);
        return true;
    case 5:
        wr(m, VIRTIO_MMIO_QUEUE_NOTIFY, m->first + (s->where >> 7));
        spin(m);
        return true;
    case 6:
        *ring_word(r, (s->a * 2u) % RAM) = s->b;
        return true;
    case 7:
        poison = s->where;
        return true;
    case 8:
        initialize(m, (uint64_t)s->a | (uint64_t)s->b << 16 |
                          (uint64_t)s->c << 32);
        return true;
    case 9:
        wr(m, VIRTIO_MMIO_QUEUE_SEL, m->first + (s->where >> 7));
        wr(m, 0xc0, 1);
        return true;
    default:
        return false;
    }
}

#endif
