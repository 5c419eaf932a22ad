/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmio_rig.h: a virtio-mmio device as its driver meets it: registers, guest
 * memory, an interrupt that is an eventfd, kicks that are eventfds.
 *
 * The test is the guest and, when it lets the loop run (spin), the host too.
 * While the loop does not run, a register write that would wait for it only
 * leaves its wish, and the next spin fulfils it.
 */
#ifndef TESTS_MMIO_RIG_H
#define TESTS_MMIO_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/virtio/mmio.h"
#include "loop_turns.h"
#include "ring_driver.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RAM  (4 * MIB)
#define BASE 0xfeb00000u
#define DATA 0x100000u

#define REG_QUEUE_RESET 0x0c0u

#define S_DRIVER (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define S_READY  (S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define S_LIVE   (S_READY | VIRTIO_CONFIG_S_DRIVER_OK)

struct kick_note {
    struct kick_reg reg;
    int fd;
    bool bound;
};

struct mmio_rig {
    pthread_mutex_t lock;
    struct loop *loop;
    struct gmem *mem;
    struct virtio_mmio *t;
    int irqfd;
    struct kick_ops kicks;
    struct kick_note notes[VIRTIO_MAX_QUEUES];
    unsigned n_notes;
    struct ring rings[6];
};

static inline int rig_bind(void *ctx, const struct kick_reg *reg, int fd)
{
    struct mmio_rig *r = ctx;

    r->notes[r->n_notes++] = (struct kick_note){*reg, fd, true};
    return 0;
}

static inline void rig_unbind(void *ctx, const struct kick_reg *reg, int fd)
{
    struct mmio_rig *r = ctx;

    for (unsigned i = 0; i < r->n_notes; i++)
        if (r->notes[i].fd == fd && r->notes[i].reg.value == reg->value)
            r->notes[i].bound = false;
}

/* Let the loop take a few turns; more than any answer here needs. */
static inline void spin(struct mmio_rig *r)
{
    loop_turns(r->loop, 12);
}

/* Everything but the device. */
static inline void rig_open(struct mmio_rig *r)
{
    *r = (struct mmio_rig){.lock = PTHREAD_MUTEX_INITIALIZER};
    assert_int_equal(loop_create(&r->loop, &r->lock), 0);
    r->mem = gmem_create(RAM, GMEM_ANON);
    assert_non_null(r->mem);
    r->irqfd = eventfd(0, EFD_NONBLOCK);
    r->kicks = (struct kick_ops){rig_bind, rig_unbind, r};
}

static inline void rig_plug(struct mmio_rig *r, const struct virtio_dev_ops *o,
                            void *dev)
{
    const struct virtio_host host = {
        .loop = r->loop, .mem = r->mem, .kicks = &r->kicks};

    r->t = virtio_mmio_create(&host, o, dev, GPA(BASE), r->irqfd);
    assert_non_null(r->t);
}

static inline void rig_close(struct mmio_rig *r)
{
    virtio_mmio_destroy(r->t);
    for (unsigned i = 0; i < r->n_notes; i++)
        assert_false(r->notes[i].bound);
    loop_destroy(r->loop);
    gmem_destroy(r->mem);
    close(r->irqfd);
}

/* ---- registers, as a vCPU reaches them: with the lock held ---- */

static inline void reg_get(struct mmio_rig *r, unsigned off, void *to,
                           unsigned n)
{
    pthread_mutex_lock(&r->lock);
    virtio_mmio_ops.read(r->t, off, to, n);
    pthread_mutex_unlock(&r->lock);
}

static inline void reg_put(struct mmio_rig *r, unsigned off, const void *from,
                           unsigned n)
{
    pthread_mutex_lock(&r->lock);
    virtio_mmio_ops.write(r->t, off, from, n);
    pthread_mutex_unlock(&r->lock);
}

static inline uint32_t rd(struct mmio_rig *r, unsigned off)
{
    uint32_t v = 0;

    reg_get(r, off, &v, sizeof(v));
    return v;
}

static inline void wr(struct mmio_rig *r, unsigned off, uint32_t v)
{
    reg_put(r, off, &v, sizeof(v));
}

/* Interrupts since the last look. */
static inline uint64_t interrupts(struct mmio_rig *r)
{
    uint64_t n = 0;

    return read(r->irqfd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/* ---- the sequence of 3.1 ---- */

static inline uint64_t offered(struct mmio_rig *r)
{
    uint64_t low;

    wr(r, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    low = rd(r, VIRTIO_MMIO_DEVICE_FEATURES);
    wr(r, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    return low | (uint64_t)rd(r, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
}

static inline void accept_features(struct mmio_rig *r, uint64_t bits)
{
    for (uint32_t i = 0; i < 2; i++) {
        wr(r, VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
        wr(r, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(bits >> 32 * i));
    }
}

static inline void set_queue(struct mmio_rig *r, unsigned q,
                             const struct virtq_config *c)
{
    wr(r, VIRTIO_MMIO_QUEUE_SEL, q);
    wr(r, VIRTIO_MMIO_QUEUE_NUM, c->size);
    wr(r, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)c->desc.v);
    wr(r, VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(c->desc.v >> 32));
    wr(r, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)c->avail.v);
    wr(r, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, (uint32_t)(c->avail.v >> 32));
    wr(r, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)c->used.v);
    wr(r, VIRTIO_MMIO_QUEUE_USED_HIGH, (uint32_t)(c->used.v >> 32));
}

/* A fresh ring for queue q; each has its 64 KiB of guest memory. */
static inline void make_ring(struct mmio_rig *r, unsigned q, uint16_t size)
{
    r->rings[q] = ring_at(r->mem, 0x10000ull * (q + 1), size);
    memset(r->rings[q].ram + 0x10000ull * (q + 1), 0, 0x10000);
}

/* Reset, and everything up to FEATURES_OK with these features. */
static inline void negotiate(struct mmio_rig *r, uint64_t features)
{
    wr(r, VIRTIO_MMIO_STATUS, 0);
    spin(r);
    assert_int_equal(rd(r, VIRTIO_MMIO_STATUS), 0);
    wr(r, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    wr(r, VIRTIO_MMIO_STATUS, S_DRIVER);
    accept_features(r, features);
    wr(r, VIRTIO_MMIO_STATUS, S_READY);
}

/* All of it, with n queues of this size. */
static inline void drive(struct mmio_rig *r, uint64_t features, unsigned n,
                         uint16_t size)
{
    negotiate(r, features);
    assert_int_equal(rd(r, VIRTIO_MMIO_STATUS), S_READY);
    for (unsigned q = 0; q < n; q++) {
        make_ring(r, q, size);
        set_queue(r, q, &r->rings[q].cfg);
        wr(r, VIRTIO_MMIO_QUEUE_READY, 1);
        assert_int_equal(rd(r, VIRTIO_MMIO_QUEUE_READY), 1);
    }
    wr(r, VIRTIO_MMIO_STATUS, S_LIVE);
    spin(r);
    assert_int_equal(rd(r, VIRTIO_MMIO_STATUS), S_LIVE);
    (void)interrupts(r);
}

/* As KVM does for a write to a bound register. */
static inline void kick(struct mmio_rig *r, unsigned q)
{
    assert_int_equal(eventfd_write(r->notes[q].fd, 1), 0);
}

static inline bool needs_reset(struct mmio_rig *r)
{
    return rd(r, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

#endif
