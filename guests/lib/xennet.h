/* SPDX-License-Identifier: MIT */
/*
 * xennet.h: the front-end's half of a link of Xen's, with one pair of rings,
 * for good and for evil. After xenbus_init. Source: xen/io/netif.h.
 */
#ifndef GUEST_XENNET_H
#define GUEST_XENNET_H

#include "xenbus.h"

#include <xen/io/netif.h>

#define XENNET_SLOTS 256u /* of each ring */

struct xennet {
    struct front front;
    unsigned char *tx_page, *rx_page;
    uint32_t tx_ref, rx_ref;
    uint32_t tx_port, rx_port; /* the same, unless split */
    netif_tx_front_ring_t tx;
    netif_rx_front_ring_t rx;
};

/* Rings of a page each of the caller's. ERROR if there is no such link. */
void xennet_open(struct xennet *n, unsigned id, void *tx_page, void *rx_page);

/* Empty rings, a port for both or (split) for each, and be connected. */
void xennet_connect(struct xennet *n, bool split);

/* Add a buffer, and show all that were added. */
void xennet_post(struct xennet *n, unsigned id, uint32_t ref);
void xennet_show_buffers(struct xennet *n);

/* Add a piece of a packet, and show all that were added. */
netif_tx_request_t *xennet_put(struct xennet *n, uint32_t ref, unsigned offset,
                               unsigned size, uint16_t flags);
void xennet_show(struct xennet *n);

#endif
