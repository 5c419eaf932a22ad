/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * e1000_rig.h: an 82540EM over a link in memory, as its driver meets it: a
 * ring each way, registers, a clock that the test turns, and its pin.
 */
#ifndef TESTS_E1000_RIG_H
#define TESTS_E1000_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/nic/e1000_priv.h"
#include "fake_net.h"
#include "loop_turns.h"

#include <pthread.h>

#define RAM     (4u << 20)
#define TX_RING 0x10000u
#define RX_RING 0x20000u
#define RING    16u /* descriptors of each */
#define BUFS    0x100000u
#define BUF(i)  (BUFS + (i)*0x4000u)

#define EOP  0x01000000u
#define IFCS 0x02000000u
#define IC   0x04000000u
#define TSE  0x04000000u
#define RS   0x08000000u
#define DEXT 0x20000000u
#define VLE  0x40000000u
#define IDE  0x80000000u
#define DTYP 0x00100000u /* data */
#define DONE 1u

#define TX_CONTEXT DEXT
#define TX_DATA    (DEXT | DTYP)

struct txd {
    uint64_t addr;
    uint32_t lower, upper;
};

struct rxd {
    uint64_t addr;
    uint16_t length, sum;
    uint8_t status, errors;
    uint16_t special;
};

struct rig {
    pthread_mutex_t lock;
    struct loop *loop;
    struct gmem *mem;
    struct net *net;
    struct e1000 *n;
    uint64_t now, deadline;
    unsigned tail; /* of the transmit ring */
};

static inline uint64_t rig_now(void *ctx)
{
    return ((struct rig *)ctx)->now;
}

static inline void rig_arm(void *ctx, uint64_t deadline)
{
    ((struct rig *)ctx)->deadline = deadline;
}

/* Let the loop do what is due. */
static inline void turns(struct rig *r)
{
    loop_turns(r->loop, 4);
}

/* Time passes, and the chip is called as it asked for it. */
static inline void pass(struct rig *r, uint64_t ns)
{
    const uint64_t end = r->now + ns;

    while (r->deadline <= end) {
        r->now = r->deadline > r->now ? r->deadline : r->now;
        r->deadline = CLOCK_NEVER;
        e1000_tick(r->n);
    }
    r->now = end;
}

static inline uint32_t get(struct rig *r, unsigned at)
{
    uint32_t v;

    e1000_memory_ops.read(r->n, at, &v, sizeof(v));
    return v;
}

static inline void put(struct rig *r, unsigned at, uint32_t v)
{
    e1000_memory_ops.write(r->n, at, &v, sizeof(v));
}

static inline bool pin(struct rig *r)
{
    return e1000_func(r->n)->intx;
}

static inline void poke(struct rig *r, uint64_t at, const void *data, size_t n)
{
    assert_int_equal(gmem_write(r->mem, GPA(at), data, n), 0);
}

static inline void peek(struct rig *r, uint64_t at, void *data, size_t n)
{
    assert_int_equal(gmem_read(r->mem, GPA(at), data, n), 0);
}

/* ---- transmit ---- */

/* Put a descriptor into the ring, behind the last. */
static inline void offer(struct rig *r, uint64_t addr, uint32_t lower,
                         uint32_t upper)
{
    const struct txd d = {addr, lower, upper};

    poke(r, TX_RING + 16 * r->tail, &d, sizeof(d));
    r->tail = (r->tail + 1) % RING;
}

static inline void go(struct rig *r)
{
    put(r, REG_TDT, r->tail);
    turns(r);
}

/* A context for TCP (or what is left) over IPv4 behind a plain header. */
static inline uint64_t css(unsigned ipcss, unsigned ipcso, unsigned ipcse,
                           unsigned tucss, unsigned tucso, unsigned tucse)
{
    return ipcss | (uint64_t)ipcso << 8 | (uint64_t)ipcse << 16 |
           (uint64_t)tucss << 32 | (uint64_t)tucso << 40 |
           (uint64_t)tucse << 48;
}

static inline struct txd tx_at(struct rig *r, unsigned i)
{
    struct txd d;

    peek(r, TX_RING + 16 * i, &d, sizeof(d));
    return d;
}

static inline bool tx_done(struct rig *r, unsigned i)
{
    return tx_at(r, i).upper & DONE;
}

static inline struct virtio_net_hdr_v1 sent_hdr(struct rig *r)
{
    struct virtio_net_hdr_v1 h;

    memcpy(&h, r->net->last.bytes, sizeof(h));
    return h;
}

static inline const uint8_t *sent(struct rig *r)
{
    return r->net->last.bytes + NET_HDR;
}

static inline size_t sent_bytes(struct rig *r)
{
    return r->net->last.n - NET_HDR;
}

/* ---- receive ---- */

static inline void give(struct rig *r, unsigned i, uint64_t addr)
{
    const struct rxd d = {.addr = addr};

    poke(r, RX_RING + 16 * i, &d, sizeof(d));
}

static inline struct rxd rx_at(struct rig *r, unsigned i)
{
    struct rxd d;

    peek(r, RX_RING + 16 * i, &d, sizeof(d));
    return d;
}

/* A frame of n bytes to the card's own address comes from the host. */
static inline uint8_t *incoming(struct rig *r, size_t n)
{
    struct fake_packet *p = fake_put(r->net, n);
    uint8_t *frame = p->bytes + NET_HDR;

    memcpy(frame, r->net->info.mac, 6);
    memset(frame + 6, 0x22, 6);
    frame[12] = 0x88;
    frame[13] = 0xb5;
    return frame;
}

static inline void receive(struct rig *r)
{
    fake_ready(r->net, 0);
    turns(r);
}

/* ---- the machine ---- */

static inline int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct e1000_config cfg = {.clock = {rig_now, rig_arm, r}};

    pthread_mutex_init(&r->lock, NULL);
    assert_int_equal(loop_create(&r->loop, &r->lock), 0);
    r->mem = gmem_create(RAM, GMEM_ANON);
    assert_non_null(r->mem);
    r->net = fake_net_open(1);
    r->now = 1000000;
    r->deadline = CLOCK_NEVER;
    cfg.net = r->net;
    cfg.loop = r->loop;
    cfg.mem = r->mem;
    r->n = e1000_create(&cfg);
    assert_non_null(r->n);
    *state = r;
    return 0;
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    e1000_destroy(r->n);
    free(r->net);
    gmem_destroy(r->mem);
    loop_destroy(r->loop);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return 0;
}

/* As a driver leaves it: rings, both directions on, all causes unmasked. */
static inline void start(struct rig *r)
{
    put(r, REG_TDBAL, TX_RING);
    put(r, REG_TDLEN, RING * 16);
    put(r, REG_TCTL, TCTL_EN);
    put(r, REG_RDBAL, RX_RING);
    put(r, REG_RDLEN, RING * 16);
    for (unsigned i = 0; i < RING; i++)
        give(r, i, BUF(32 + i));
    put(r, REG_RDT, RING - 1);
    put(r, REG_RCTL, RCTL_EN | RCTL_SECRC | RCTL_BAM);
    put(r, REG_IMS, UINT32_MAX);
    turns(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
