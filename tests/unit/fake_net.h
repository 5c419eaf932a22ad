/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_net.h: a link in memory, in the real one's place at link time. What is
 * sent is kept; what is to be received is put in by the test, or the fuzzer.
 */
#ifndef TESTS_FAKE_NET_H
#define TESTS_FAKE_NET_H

#include "devices/backend/net.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_PACKETS 16u
#define FAKE_BYTES   (NET_HDR + NET_MAX_FRAME)

struct fake_packet {
    size_t n;
    uint8_t bytes[FAKE_BYTES]; /* header first */
};

struct net {
    struct net_info info;
    const struct net_front *front;
    void *owner;
    unsigned offloads, queues;
    bool down;
    bool refuse; /* net_send answers -EAGAIN */
    unsigned sent, dropped_tx, dropped_rx, reads;
    unsigned queue; /* of the last packet sent */
    struct fake_packet last;
    /* to be received, on any queue: a ring */
    struct fake_packet in[FAKE_PACKETS];
    unsigned first, count;
};

const struct net_info *__wrap_net_info(const struct net *net);
bool __wrap_net_link_up(const struct net *net);
void __wrap_net_attach(struct net *net, const struct net_front *front,
                       void *owner);
void __wrap_net_set_offloads(struct net *net, unsigned offloads);
void __wrap_net_set_queues(struct net *net, unsigned n);
int __wrap_net_send(struct net *net, unsigned queue, const struct net_pkt *pkt);
int __wrap_net_recv(struct net *net, unsigned queue,
                    const struct net_pkt *room);
void __wrap_net_dropped(struct net *net, bool sending);

const struct net_info *__wrap_net_info(const struct net *net)
{
    return &net->info;
}

bool __wrap_net_link_up(const struct net *net)
{
    return !net->down;
}

void __wrap_net_attach(struct net *net, const struct net_front *front,
                       void *owner)
{
    net->front = front;
    net->owner = owner;
}

void __wrap_net_set_offloads(struct net *net, unsigned offloads)
{
    net->offloads = offloads;
}

void __wrap_net_set_queues(struct net *net, unsigned n)
{
    net->queues = n;
}

int __wrap_net_send(struct net *net, unsigned queue, const struct net_pkt *pkt)
{
    size_t n = 0;

    if (net->refuse)
        return -EAGAIN;
    net->last.n = 0;
    for (unsigned i = 0; i < pkt->n; i++) {
        n += pkt->iov[i].iov_len;
        BUG_ON(n > FAKE_BYTES);
        if (pkt->iov[i].iov_len)
            memcpy(net->last.bytes + net->last.n, pkt->iov[i].iov_base,
                   pkt->iov[i].iov_len);
        net->last.n = n;
    }
    BUG_ON(n != pkt->bytes || pkt->iov[0].iov_len < NET_HDR);
    net->queue = queue;
    net->sent++;
    return 0;
}

int __wrap_net_recv(struct net *net, unsigned queue, const struct net_pkt *room)
{
    const struct fake_packet *p = &net->in[net->first];
    size_t done = 0;

    (void)queue;
    net->reads++;
    if (!net->count)
        return -EAGAIN;
    for (unsigned i = 0; i < room->n && done < p->n; i++) {
        size_t run = room->iov[i].iov_len;

        if (run > p->n - done)
            run = p->n - done;
        if (run)
            memcpy(room->iov[i].iov_base, p->bytes + done, run);
        done += run;
    }
    BUG_ON(done != p->n); /* nothing is ever cut */
    net->first = (net->first + 1) % FAKE_PACKETS;
    net->count--;
    return (int)done;
}

void __wrap_net_dropped(struct net *net, bool sending)
{
    if (sending)
        net->dropped_tx++;
    else
        net->dropped_rx++;
}

/* The next packet to fill in and be received: a header and n bytes. */
static inline struct fake_packet *fake_put(struct net *net, size_t n)
{
    struct fake_packet *p = &net->in[(net->first + net->count) % FAKE_PACKETS];

    BUG_ON(net->count == FAKE_PACKETS || n > NET_MAX_FRAME);
    net->count++;
    memset(p->bytes, 0, NET_HDR);
    for (size_t i = 0; i < n; i++)
        p->bytes[NET_HDR + i] = (uint8_t)(i * 7 + i / 256);
    p->n = NET_HDR + n;
    return p;
}

/* As the loop does when the host has something. */
static inline void fake_ready(struct net *net, unsigned queue)
{
    if (net->front)
        net->front->ready(net->owner, queue);
}

static inline struct net *fake_net_open(unsigned queues)
{
    struct net *net = calloc(1, sizeof(*net));

    BUG_ON(!net);
    net->info = (struct net_info){
        .mac = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55},
        .mtu = 1500,
        .send = NET_CSUM | NET_TSO4 | NET_TSO6,
        .recv = NET_CSUM | NET_TSO4 | NET_TSO6,
        .queues = queues,
    };
    return net;
}

/* On the loop's thread, as the loop would, in its next turn. */
struct ready_note {
    struct loop_op op;
    struct net *net;
    unsigned queue;
};

static inline void on_ready_note(struct loop_op *op, int res)
{
    struct ready_note *note = op->owner;

    (void)res;
    fake_ready(note->net, note->queue);
}

/* note must live until then. */
static inline void fake_ready_soon(struct ready_note *note, struct loop *loop,
                                   struct net *net, unsigned queue)
{
    *note = (struct ready_note){.net = net, .queue = queue};
    note->op = (struct loop_op){.fn = on_ready_note, .owner = note};
    loop_post(loop, &note->op);
}

#endif
