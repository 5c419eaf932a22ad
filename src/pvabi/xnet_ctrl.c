// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xnet_ctrl.c: the control ring of the network back-end, and the list of
 * multicast addresses. Source: xen/io/netif.h.
 *
 * The control ring is there for hashing, which nobody does here: how packets
 * are spread over queues is the host's link's affair. So every request is
 * answered, and all but "no hashing" with "not supported".
 *
 * Thread: loop, board lock held.
 */
#include "pvabi/xnet_priv.h"

#include <string.h>

/* Requests in a turn, so that others have theirs. */
#define TURN_REQUESTS 32u

/* ---- the ring ---- */

static void answer(struct xnet *n, const struct xen_netif_ctrl_request *req)
{
    const bool none = req->type == XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM &&
                      req->data[0] == XEN_NETIF_CTRL_HASH_ALGORITHM_NONE;
    const struct xen_netif_ctrl_response rsp = {
        .id = req->id,
        .type = req->type,
        .status = none ? XEN_NETIF_CTRL_STATUS_SUCCESS
                       : XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED,
    };

    xring_push(&n->ctrl.ring, &rsp, sizeof(rsp));
}

void xnet_control(struct xnet *n)
{
    struct xring *r = &n->ctrl.ring;
    struct xen_netif_ctrl_request req;
    int ret = 1;

    for (unsigned i = 0; i < TURN_REQUESTS; i++) {
        ret = xring_pop(r, &req, sizeof(req));
        if (ret <= 0)
            break;
        answer(n, &req);
    }
    if (ret < 0) {
        xenbus_broken(&n->bus, r->why);
        return;
    }
    n->more_control = ret > 0 || xring_listen(r);
    if (n->more_control)
        xnet_post(n);
    if (xring_publish(r))
        evtchn_backend_notify(n->bus.host.events, n->ctrl_port);
}

static void on_event(void *owner)
{
    xnet_control(owner);
}

int xnet_ctrl_connect(struct xnet *n)
{
    uint64_t ref;
    int ret;

    n->more_control = false;
    ret = xenbus_get(&n->bus, "ctrl-ring-ref", UINT32_MAX, UINT64_MAX, &ref);
    if (ret < 0 || ref == UINT64_MAX)
        return ret;
    ret = xenbus_take_ring(&n->bus, "ctrl-ring-ref", 0,
                           sizeof(struct xen_netif_ctrl_request), &n->ctrl);
    if (ret < 0)
        return ret;
    return xenbus_take_port(&n->bus, "event-channel-ctrl", on_event, n,
                            &n->ctrl_port);
}

void xnet_ctrl_disconnect(struct xnet *n)
{
    xenbus_drop_port(&n->bus, &n->ctrl_port);
    xenbus_drop_ring(&n->bus, &n->ctrl);
}

/* ---- multicast ---- */

static int find(const struct xnet_multicast *m, const uint8_t *mac)
{
    for (unsigned i = 0; i < m->n; i++)
        if (memcmp(m->list[i], mac, XNET_MAC) == 0)
            return (int)i;
    return -1;
}

bool xnet_multicast_change(struct xnet_multicast *m,
                           const struct netif_extra_info *extra)
{
    const uint8_t *mac = extra->u.mcast.addr;
    const int i = find(m, mac);

    if (extra->type == XEN_NETIF_EXTRA_TYPE_MCAST_DEL) {
        if (i >= 0)
            memmove(m->list[i], m->list[--m->n], XNET_MAC);
        return true;
    }
    if (i >= 0)
        return true;
    if (m->n == XNET_MULTICAST)
        return false;
    memcpy(m->list[m->n++], mac, XNET_MAC);
    return true;
}

bool xnet_multicast_passes(const struct xnet_multicast *m,
                           const uint8_t mac[XNET_MAC])
{
    static const uint8_t broadcast[XNET_MAC] = {0xff, 0xff, 0xff,
                                                0xff, 0xff, 0xff};

    if (!m->on || !(mac[0] & 1) || memcmp(mac, broadcast, XNET_MAC) == 0)
        return true;
    return find(m, mac) >= 0;
}
