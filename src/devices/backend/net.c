// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * net.c: what is common to all links: rate limits, statistics, the link's
 * state; see net.h and net_priv.h.
 *
 * How large a packet is is known when it has passed: one that a limit would
 * not have let pass stays owed, and nothing more passes in that direction
 * before it could be paid for.
 *
 * Thread: loop, board lock held. Must never wait.
 */
#include "devices/backend/net_priv.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- rates ---- */

/* Take n bytes of the rate; what there is not now is owed. */
static void rate_pay(struct net *net, struct net_rate *r, uint64_t n)
{
    uint64_t wait;

    if (!ratelimit_active(&r->limit))
        return;
    wait = ratelimit_take(&r->limit, n, now_ns());
    r->owed = n;
    if (wait)
        loop_timer(net->loop, &r->timer, wait);
}

static bool rate_is_waiting(const struct net_rate *r)
{
    return r->timer.kind != LOOP_IDLE;
}

/* The timer fired. Is the debt paid now? */
static bool rate_settle(struct net *net, struct net_rate *r, int res)
{
    if (res < 0)
        return false; /* cancelled */
    rate_pay(net, r, r->owed);
    return !rate_is_waiting(r);
}

static void on_tx_timer(struct loop_op *op, int res)
{
    struct net *net = op->owner;

    if (rate_settle(net, &net->tx, res))
        net_room(net);
}

static void on_rx_timer(struct loop_op *op, int res)
{
    struct net *net = op->owner;

    if (!rate_settle(net, &net->rx, res))
        return;
    for (unsigned q = 0; q < net->info.queues; q++)
        net_ready(net, q);
}

static void rate_init(struct net *net, struct net_rate *r, loop_fn *fn,
                      const struct net_config *cfg)
{
    ratelimit_init(&r->limit, cfg->pps, cfg->bps, now_ns());
    r->timer = (struct loop_op){.fn = fn, .owner = net};
}

/* ---- from the implementation ---- */

void net_ready(struct net *net, unsigned queue)
{
    if (net->front)
        net->front->ready(net->owner, queue);
}

void net_room(struct net *net)
{
    if (net->front)
        net->front->room(net->owner);
}

void net_link_lost(struct net *net, const char *why)
{
    if (net->down)
        return;
    net->down = true;
    log_error("--net %s: %s: the guest's link is down", net->name, why);
    if (net->front)
        net->front->link(net->owner, false);
}

/* ---- from the front-end ---- */

int net_send(struct net *net, unsigned queue, const struct net_pkt *pkt)
{
    const size_t n = pkt->bytes - NET_HDR;
    int ret;

    BUG_ON(!pkt->n || pkt->iov[0].iov_len < NET_HDR);
    if (net->down) {
        net->stats.tx_dropped++;
        return 0;
    }
    if (rate_is_waiting(&net->tx))
        return -EAGAIN;
    ret = net->ops->send(net, queue, pkt);
    if (ret == -EAGAIN)
        return ret;
    if (ret < 0) {
        net->stats.tx_dropped++;
        return 0;
    }
    net->stats.tx++;
    net->stats.tx_bytes += n;
    rate_pay(net, &net->tx, n);
    return 0;
}

int net_recv(struct net *net, unsigned queue, const struct net_pkt *room)
{
    int ret;

    BUG_ON(!room->n || room->iov[0].iov_len < NET_HDR);
    if (net->down || rate_is_waiting(&net->rx))
        return -EAGAIN;
    ret = net->ops->recv(net, queue, room);
    if (ret == -EAGAIN)
        return ret;
    if (ret < 0) {
        net_link_lost(net, strerror(-ret));
        return -EAGAIN;
    }
    net->stats.rx++;
    net->stats.rx_bytes += (unsigned)ret - NET_HDR;
    rate_pay(net, &net->rx, (unsigned)ret - NET_HDR);
    return ret;
}

void net_dropped(struct net *net, bool sending)
{
    if (sending)
        net->stats.tx_dropped++;
    else
        net->stats.rx_dropped++;
}

void net_attach(struct net *net, const struct net_front *front, void *owner)
{
    net->front = front;
    net->owner = owner;
}

void net_set_offloads(struct net *net, unsigned offloads)
{
    if (net->ops->set_offloads)
        net->ops->set_offloads(net, offloads & net->info.recv);
}

void net_set_queues(struct net *net, unsigned n)
{
    BUG_ON(!n || n > net->info.queues);
    if (net->ops->set_queues)
        net->ops->set_queues(net, n);
}

const struct net_info *net_info(const struct net *net)
{
    return &net->info;
}

void net_get_stats(const struct net *net, struct net_stats *out)
{
    *out = net->stats;
}

bool net_link_up(const struct net *net)
{
    return !net->down;
}

/* ---- life ---- */

void net_init(struct net *net, const struct net_ops *ops,
              const struct net_config *cfg)
{
    net->ops = ops;
    memcpy(net->info.mac, cfg->mac, sizeof(net->info.mac));
    net->info.only_own_mac = cfg->only_own_mac;
    net->info.queues = cfg->queues;
    rate_init(net, &net->tx, on_tx_timer, cfg);
    rate_init(net, &net->rx, on_rx_timer, cfg);
}

struct net *net_open(const struct net_config *cfg)
{
    BUG_ON(!cfg->queues || cfg->queues > NET_MAX_QUEUES);
    return cfg->kind == NET_TAP ? net_tap_open(cfg) : net_user_open(cfg);
}

int net_start(struct net *net, struct loop *loop)
{
    net->loop = loop;
    return net->ops->start(net);
}

void net_close(struct net *net)
{
    if (!net)
        return;
    if (net->loop) {
        loop_drain(net->loop, &net->tx.timer);
        loop_drain(net->loop, &net->rx.timer);
    }
    net->ops->close(net);
}
