// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * net_tap.c: a tap interface of the host as a guest's link.
 *
 * Source: Linux, Documentation/networking/tuntap.rst, <linux/if_tun.h>.
 *
 * The tap speaks our header (IFF_VNET_HDR, 12 bytes), so that checksums and
 * segmentation are left to whoever is on the far side. A packet is one
 * readv(2) or writev(2) between the tap and guest memory: it never waits, and
 * costs less than a request to the loop's ring and its completion. The loop
 * says when there is something to read; its poll is told of each packet that
 * arrives, so that one that finds nobody reading costs a look and no more
 * once the tap's own queue is full.
 *
 * With several queue pairs there is a descriptor for each; those the driver
 * does not use are detached, and the host steers nothing to them.
 *
 * Thread: loop, board lock held; opening: the main one, before the seal.
 */
#include "devices/backend/net_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Linux 6.2; not in every system's header. */
#define OFFLOAD_USO4 0x20u
#define OFFLOAD_USO6 0x40u

_Static_assert(sizeof(struct virtio_net_hdr_v1) == NET_HDR,
               "virtio 1.2, 5.1.6");

struct tap_queue {
    struct loop_op watch;
    struct net_tap *tap;
    int fd; /* owned */
    bool detached;
};

struct net_tap {
    struct net net;
    struct tap_queue queues[NET_MAX_QUEUES];
};

static const char removed[] = "the interface was removed";

static struct net_tap *tap_of(struct net *net)
{
    return (struct net_tap *)net;
}

/* ---- packets ---- */

/*
 * A tap that is down, or has no room: as a cable that nobody holds. That it
 * was removed is told here at the latest: the kernel wakes a poll for it just
 * before it is so, and the poll may look too early.
 */
static int tap_send(struct net *net, unsigned queue, const struct net_pkt *pkt)
{
    const ssize_t n =
        writev(tap_of(net)->queues[queue].fd, pkt->iov, (int)pkt->n);

    if (n >= 0)
        return 0;
    if (errno == EBADFD)
        net_link_lost(net, removed);
    return errno == EAGAIN ? -ENOBUFS : -errno;
}

static int tap_recv(struct net *net, unsigned queue, const struct net_pkt *room)
{
    const ssize_t n =
        readv(tap_of(net)->queues[queue].fd, room->iov, (int)room->n);

    if (n < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    /* Less than a header never comes of a tap. */
    return n < (ssize_t)NET_HDR ? -EIO : (int)n;
}

static void on_readable(struct loop_op *op, int res)
{
    struct tap_queue *q = op->owner;

    if (res < 0)
        return; /* cancelled */
    if (res & POLLERR) {
        /* It was removed, and a poll would say so again and again. */
        net_link_lost(&q->tap->net, removed);
        loop_cancel(q->tap->net.loop, op);
        return;
    }
    net_ready(&q->tap->net, (unsigned)(q - q->tap->queues));
}

static int tap_start(struct net *net)
{
    struct net_tap *tap = tap_of(net);

    for (unsigned i = 0; i < net->info.queues; i++)
        loop_watch(net->loop, &tap->queues[i].watch, tap->queues[i].fd);
    return 0;
}

/* ---- what the driver chose ---- */

static unsigned tun_offloads(unsigned offloads)
{
    static const struct {
        unsigned net, tun;
    } map[] = {
        {NET_CSUM, TUN_F_CSUM},
        {NET_TSO4, TUN_F_TSO4},
        {NET_TSO6, TUN_F_TSO6},
        {NET_USO, OFFLOAD_USO4 | OFFLOAD_USO6},
    };
    unsigned tun = 0;

    for (size_t i = 0; i < ARRAY_LEN(map); i++)
        if (offloads & map[i].net)
            tun |= map[i].tun;
    return tun;
}

static void tap_set_offloads(struct net *net, unsigned offloads)
{
    /* One setting for the interface, through any of its queues. */
    if (ioctl(tap_of(net)->queues[0].fd, TUNSETOFFLOAD,
              tun_offloads(offloads)) < 0 &&
        !net->down)
        log_warn("--net %s: TUNSETOFFLOAD: %s", net->name, strerror(errno));
}

static void attach_queue(struct tap_queue *q, bool attach)
{
    struct ifreq ifr = {.ifr_flags =
                            attach ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE};

    if (q->detached == !attach)
        return;
    if (ioctl(q->fd, TUNSETQUEUE, &ifr) < 0) {
        log_warn("--net %s: TUNSETQUEUE: %s", q->tap->net.name,
                 strerror(errno));
        return;
    }
    q->detached = !attach;
}

static void tap_set_queues(struct net *net, unsigned n)
{
    for (unsigned i = 1; i < net->info.queues && !net->down; i++)
        attach_queue(&tap_of(net)->queues[i], i < n);
}

static void tap_close(struct net *net)
{
    struct net_tap *tap = tap_of(net);

    for (unsigned i = 0; i < net->info.queues; i++) {
        if (net->loop)
            loop_drain(net->loop, &tap->queues[i].watch);
        if (tap->queues[i].fd >= 0)
            close(tap->queues[i].fd);
    }
    free(tap);
}

static const struct net_ops tap_ops = {
    .start = tap_start,
    .send = tap_send,
    .recv = tap_recv,
    .set_offloads = tap_set_offloads,
    .set_queues = tap_set_queues,
    .close = tap_close,
};

/* ---- opening ---- */

static const char *attach_advice(int err, bool exists)
{
    switch (err) {
    case EPERM:
        return exists ? "it belongs to somebody else: make it with 'user' set"
                      : "there is none, and making one takes CAP_NET_ADMIN: "
                        "have it made ('ip tuntap add')";
    case EBUSY:
        return "it is in use, by another guest perhaps: give another one";
    case EINVAL:
        return "it is no tap, or made with another number of queues "
               "('multi_queue' goes with queues=2 and more)";
    default:
        return "give another name";
    }
}

static int open_queue(struct net_tap *tap, const char *ifname, bool exists)
{
    struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    int err;

    if (fd < 0) {
        err = errno;
        log_error("--net %s: /dev/net/tun: %s: load the module tun, or allow "
                  "this user to open it",
                  tap->net.name, strerror(err));
        return -err;
    }
    if (tap->net.info.queues > 1)
        ifr.ifr_flags |= IFF_MULTI_QUEUE;
    strncpy(ifr.ifr_name, ifname, IFNAMSIZ - 1);
    if (ioctl(fd, TUNSETIFF, &ifr) == 0)
        return fd;
    err = errno;
    log_error("--net %s: %s: %s", tap->net.name, strerror(err),
              attach_advice(err, exists));
    close(fd);
    return -err;
}

/* An interface ioctl on a socket made for it. 0 or -errno. */
static int if_ioctl(unsigned long request, struct ifreq *ifr)
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int ret = 0;

    if (fd < 0)
        return -errno;
    if (ioctl(fd, request, ifr) < 0)
        ret = -errno;
    close(fd);
    return ret;
}

/* One that we made is of use to nobody while it is down. */
static void bring_up(const char *ifname)
{
    struct ifreq ifr = {.ifr_flags = 0};

    strncpy(ifr.ifr_name, ifname, IFNAMSIZ - 1);
    if (if_ioctl(SIOCGIFFLAGS, &ifr) < 0)
        return;
    ifr.ifr_flags |= IFF_UP;
    if (if_ioctl(SIOCSIFFLAGS, &ifr) < 0)
        log_warn("--net %s: it cannot be brought up: use 'ip link'", ifname);
}

static uint16_t read_mtu(const char *ifname)
{
    struct ifreq ifr = {.ifr_mtu = 0};

    strncpy(ifr.ifr_name, ifname, IFNAMSIZ - 1);
    if (if_ioctl(SIOCGIFMTU, &ifr) < 0)
        return 0;
    return ifr.ifr_mtu < 68 || ifr.ifr_mtu > 65535 ? 0 : (uint16_t)ifr.ifr_mtu;
}

static int open_by_name(struct net_tap *tap, const char *ifname)
{
    const bool exists = if_nametoindex(ifname) != 0;

    for (unsigned i = 0; i < tap->net.info.queues; i++) {
        tap->queues[i].fd = open_queue(tap, ifname, exists || i);
        if (tap->queues[i].fd < 0)
            return tap->queues[i].fd;
    }
    if (!exists)
        bring_up(ifname);
    tap->net.info.mtu = read_mtu(ifname);
    return 0;
}

/* A descriptor that whoever started us made: it must be what we need. */
static int take_fd(struct net_tap *tap, int fd)
{
    struct ifreq ifr = {.ifr_flags = 0};
    const int flags = fcntl(fd, F_GETFL);

    if (flags < 0) {
        log_error("--net tap,fd=%d: not an open descriptor: open it before "
                  "vmm starts",
                  fd);
        return -EBADF;
    }
    tap->queues[0].fd = fd;
    if (ioctl(fd, TUNGETIFF, &ifr) < 0) {
        log_error("--net tap,fd=%d: not attached to a tap: TUNSETIFF makes it "
                  "one",
                  fd);
        return -EINVAL;
    }
    if (!(ifr.ifr_flags & IFF_TAP) || !(ifr.ifr_flags & IFF_VNET_HDR) ||
        !(ifr.ifr_flags & IFF_NO_PI)) {
        log_error("--net tap,fd=%d: attach it with IFF_TAP, IFF_NO_PI and "
                  "IFF_VNET_HDR",
                  fd);
        return -EINVAL;
    }
    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    return 0;
}

static int set_header(const struct net_tap *tap)
{
    const int size = NET_HDR;

    for (unsigned i = 0; i < tap->net.info.queues; i++) {
        if (ioctl(tap->queues[i].fd, TUNSETVNETHDRSZ, &size) == 0)
            continue;
        log_error("--net %s: TUNSETVNETHDRSZ: %s: use Linux 3.8 or later",
                  tap->net.name, strerror(errno));
        return -errno;
    }
    return 0;
}

/* A kernel says by refusing which offloads it does not know. */
static void probe_offloads(struct net_tap *tap)
{
    const int fd = tap->queues[0].fd;
    struct net_info *info = &tap->net.info;

    info->recv = NET_CSUM | NET_TSO4 | NET_TSO6 | NET_USO;
    if (ioctl(fd, TUNSETOFFLOAD, tun_offloads(info->recv)) < 0)
        info->recv &= ~NET_USO;
    info->send = info->recv;
    tap_set_offloads(&tap->net, 0);
}

static int open_queues(struct net_tap *tap, const struct net_config *cfg)
{
    int ret;

    ret = cfg->ifname ? open_by_name(tap, cfg->ifname) : take_fd(tap, cfg->fd);
    if (ret < 0)
        return ret;
    ret = set_header(tap);
    if (ret == 0)
        probe_offloads(tap);
    return ret;
}

struct net *net_tap_open(const struct net_config *cfg)
{
    struct net_tap *tap = calloc(1, sizeof(*tap));

    if (!tap) {
        log_error("--net tap: out of memory");
        return NULL;
    }
    net_init(&tap->net, &tap_ops, cfg);
    if (cfg->ifname)
        snprintf(tap->net.name, sizeof(tap->net.name), "tap,ifname=%s",
                 cfg->ifname);
    else
        snprintf(tap->net.name, sizeof(tap->net.name), "tap,fd=%d", cfg->fd);
    for (unsigned i = 0; i < NET_MAX_QUEUES; i++)
        tap->queues[i] = (struct tap_queue){
            .watch = {.fn = on_readable, .owner = &tap->queues[i]},
            .tap = tap,
            .fd = -1,
        };
    if (open_queues(tap, cfg) < 0) {
        tap_close(&tap->net);
        return NULL;
    }
    return &tap->net;
}
