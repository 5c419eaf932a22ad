// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_e1000.c: anything done to the registers and rings of an 82540EM, over
 * a link in memory that takes, refuses and delivers as the input says
 * (hostile case 35). Whatever it was: after a reset a frame goes each way.
 */
#include "devices/nic/e1000_priv.h"

#include "fake_net.h"
#include "loop_turns.h"

#include <pthread.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM     (256 * KIB)
#define TX_RING 0x1000u
#define RX_RING 0x2000u
#define STEP    10

struct machine {
    pthread_mutex_t lock;
    struct loop *loop;
    struct gmem *mem;
    struct net *net;
    struct e1000 *n;
    uint64_t now, deadline;
};

static uint64_t clock_now(void *ctx)
{
    return ((struct machine *)ctx)->now;
}

static void clock_arm(void *ctx, uint64_t deadline)
{
    ((struct machine *)ctx)->deadline = deadline;
}

static void turn(struct machine *m)
{
    loop_turns(m->loop, 1);
}

static void pass(struct machine *m, uint64_t ns)
{
    const uint64_t end = m->now + ns;

    for (unsigned i = 0; i < 16 && m->deadline <= end; i++) {
        m->now = m->deadline > m->now ? m->deadline : m->now;
        m->deadline = CLOCK_NEVER;
        e1000_tick(m->n);
    }
    m->now = end;
}

/* Loop and memory last as long as the process. */
static struct machine *machine(void)
{
    static struct machine m = {.lock = PTHREAD_MUTEX_INITIALIZER};

    if (m.loop)
        return &m;
    log_set_level(LOG_ERROR);
    BUG_ON(loop_create(&m.loop, &m.lock) < 0);
    m.mem = gmem_create(RAM, GMEM_ANON);
    m.net = fake_net_open(1);
    BUG_ON(!m.mem);
    return &m;
}

static void put(struct machine *m, uint32_t at, uint32_t v)
{
    e1000_memory_ops.write(m->n, at, &v, sizeof(v));
}

static uint32_t get(struct machine *m, uint32_t at)
{
    uint32_t v;

    e1000_memory_ops.read(m->n, at, &v, sizeof(v));
    return v;
}

static void plug(struct machine *m)
{
    const struct e1000_config cfg = {
        .net = m->net,
        .loop = m->loop,
        .mem = m->mem,
        .clock = {clock_now, clock_arm, m},
    };

    m->now = 0;
    m->deadline = CLOCK_NEVER;
    m->net->count = 0;
    m->net->down = false;
    m->net->refuse = false;
    m->net->info.send = NET_CSUM | NET_TSO4 | NET_TSO6;
    m->n = e1000_create(&cfg);
    BUG_ON(!m->n);
}

/* Rings as a driver has them, of 8 descriptors. */
static void start(struct machine *m)
{
    put(m, REG_TDBAL, TX_RING);
    put(m, REG_TDBAH, 0);
    put(m, REG_TDLEN, 128);
    put(m, REG_TDH, 0);
    put(m, REG_TDT, 0);
    put(m, REG_TCTL, TCTL_EN);
    put(m, REG_RDBAL, RX_RING);
    put(m, REG_RDBAH, 0);
    put(m, REG_RDLEN, 128);
    put(m, REG_RDH, 0);
    put(m, REG_RDT, 7);
    put(m, REG_RCTL, RCTL_EN | RCTL_UPE);
}

static void descriptor(struct machine *m, uint32_t ring, const uint8_t *s)
{
    uint64_t d[2] = {0, 0};

    /* Of a data descriptor, or all of a context. */
    memcpy(&d[0], s + 2, s[1] & 8 ? 8 : 2);
    d[0] <<= s[1] & 8 ? 0 : 2;
    memcpy(&d[1], s + 2, 8);
    BUG_ON(gmem_write(m->mem, GPA(ring + 16u * (s[1] & 7)), d, 16) < 0);
}

static void incoming(struct machine *m, const uint8_t *s)
{
    struct fake_packet *p;

    if (m->net->count == FAKE_PACKETS)
        return;
    p = fake_put(m->net, (s[1] | (size_t)s[2] << 8) % 20000);
    memcpy(p->bytes + NET_HDR + 12, s + 3, 7);
    memcpy(p->bytes, s + 3, s[9] & 1 ? 6 : 0);
    fake_ready(m->net, 0);
}

static void step(struct machine *m, const uint8_t *s)
{
    static const unsigned widths[] = {1, 2, 4, 8};
    const unsigned n = widths[s[1] & 3];
    uint32_t at = (s[2] | (uint32_t)s[3] << 8) & ~(n - 1);
    uint64_t v;

    memcpy(&v, s + 2, 8);
    switch (s[0] & 15) {
    case 0:
        turn(m);
        break;
    case 1:
        start(m);
        break;
    case 2:
    case 3:
        descriptor(m, TX_RING, s);
        break;
    case 4:
        descriptor(m, RX_RING, s);
        break;
    case 5:
        put(m, REG_TDT, s[1]);
        break;
    case 6:
        put(m, REG_RDT, s[1]);
        break;
    case 7:
        incoming(m, s);
        break;
    case 8:
        m->net->refuse = s[1] & 1;
        m->net->info.send = s[1] >> 1 & 7;
        if (!m->net->refuse)
            m->net->front->room(m->net->owner);
        break;
    case 9:
        m->net->down = s[1] & 1;
        m->net->front->link(m->net->owner, s[1] & 1);
        break;
    case 10:
        pass(m, (uint64_t)s[1] << s[2] % 24);
        break;
    case 11:
        e1000_port_ops.write(m->n, s[1] & 4, &v, 4);
        e1000_port_ops.read(m->n, s[1] & 7, &v, 1);
        break;
    case 12:
        e1000_memory_ops.read(m->n, at, &v, n);
        break;
    case 13: /* the microwire */
        for (unsigned i = 0; i < 64; i++)
            put(m, REG_EECD, (s[1 + i / 8] >> i % 8 & 1) * 4 | 2 | (i & 1));
        break;
    default:
        memcpy(&v, s + 4, 4);
        e1000_memory_ops.write(m->n, at % 0x6000u, &v, n);
        break;
    }
}

/* Memory that descriptors name, in order; a frame goes each way. */
static void check(struct machine *m)
{
    const uint64_t tx[2] = {0x8000, 0x0b00003cu};
    const uint64_t rx[2] = {0x9000, 0};
    uint8_t status = 0;
    unsigned sent;

    m->net->down = false;
    m->net->refuse = false;
    m->net->count = 0;
    put(m, REG_CTRL, CTRL_RST);
    put(m, REG_MDIC, 1u << 26 | 1u << 21 | 0x8000);
    pass(m, CLOCK_SECOND);
    BUG_ON(!(get(m, REG_STATUS) & 2) || e1000_func(m->n)->intx);
    BUG_ON(gmem_write(m->mem, GPA(TX_RING), tx, 16) < 0);
    BUG_ON(gmem_write(m->mem, GPA(RX_RING), rx, 16) < 0);
    start(m);
    put(m, REG_IMS, ICR_ALL);
    put(m, REG_TDT, 1);
    sent = m->net->sent;
    fake_put(m->net, 60);
    turn(m);
    turn(m);
    BUG_ON(m->net->sent != sent + 1 || get(m, REG_TDH) != 1);
    BUG_ON(get(m, REG_RDH) != 1);
    BUG_ON(gmem_read(m->mem, GPA(TX_RING + 12), &status, 1) < 0);
    BUG_ON(!(status & 1) || !e1000_func(m->n)->intx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine *m = machine();

    plug(m);
    for (size_t at = 0; at + STEP <= size && at < 400 * STEP; at += STEP)
        step(m, data + at);
    check(m);
    e1000_destroy(m->n);
    turn(m);
    return 0;
}
