/* SPDX-License-Identifier: MIT */
/* xennet.c: see xennet.h. */
#include "xennet.h"

#include "report.h"
#include "string.h"

#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

void xennet_open(struct xennet *n, unsigned id, void *tx_page, void *rx_page)
{
    n->tx_page = tx_page;
    n->rx_page = rx_page;
    if (!front_open(&n->front, "vif", id))
        test_error("there is no vif %u", id);
    CHECK_EQ("offered", front_wait(&n->front, XenbusStateInitWait), 1);
    n->tx_ref = xen_grant(tx_page, false);
    n->rx_ref = xen_grant(rx_page, false);
}

static void begin_rings(struct xennet *n)
{
    n->tx.sring = (void *)n->tx_page;
    n->rx.sring = (void *)n->rx_page;
    SHARED_RING_INIT(n->tx.sring);
    SHARED_RING_INIT(n->rx.sring);
    n->tx.req_prod_pvt = n->tx.rsp_cons = 0;
    n->rx.req_prod_pvt = n->rx.rsp_cons = 0;
    n->tx.nr_ents = n->rx.nr_ents = XENNET_SLOTS;
}

void xennet_connect(struct xennet *n, bool split)
{
    begin_rings(n);
    n->tx_port = front_port();
    n->rx_port = split ? front_port() : n->tx_port;
    front_put_number(&n->front, "tx-ring-ref", n->tx_ref);
    front_put_number(&n->front, "rx-ring-ref", n->rx_ref);
    if (split) {
        front_put_number(&n->front, "event-channel-tx", n->tx_port);
        front_put_number(&n->front, "event-channel-rx", n->rx_port);
    } else {
        front_put_number(&n->front, "event-channel", n->tx_port);
    }
    front_put(&n->front, "request-rx-copy", "1");
    front_put(&n->front, "feature-rx-notify", "1");
    front_put(&n->front, "feature-sg", "1");
    front_state(&n->front, XenbusStateConnected);
    CHECK_EQ("connected", front_wait(&n->front, XenbusStateConnected), 1);
}

void xennet_post(struct xennet *n, unsigned id, uint32_t ref)
{
    netif_rx_request_t *req = RING_GET_REQUEST(&n->rx, n->rx.req_prod_pvt);

    req->id = (uint16_t)id;
    req->gref = ref;
    n->rx.req_prod_pvt++;
}

void xennet_show_buffers(struct xennet *n)
{
    int notify;

    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&n->rx, notify);
    if (notify)
        xen_send(n->rx_port);
}

netif_tx_request_t *xennet_put(struct xennet *n, uint32_t ref, unsigned offset,
                               unsigned size, uint16_t flags)
{
    netif_tx_request_t *req = RING_GET_REQUEST(&n->tx, n->tx.req_prod_pvt);

    *req = (netif_tx_request_t){.gref = ref,
                                .offset = (uint16_t)offset,
                                .flags = flags,
                                .id = (uint16_t)n->tx.req_prod_pvt,
                                .size = (uint16_t)size};
    n->tx.req_prod_pvt++;
    return req;
}

void xennet_show(struct xennet *n)
{
    int notify;

    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&n->tx, notify);
    if (notify)
        xen_send(n->tx_port);
}
