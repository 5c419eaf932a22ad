/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xnet.h: the network back-end (xen/io/netif.h) in front of a struct net.
 */
#ifndef PVABI_XNET_H
#define PVABI_XNET_H

#include "devices/backend/net.h"
#include "pvabi/xenbus.h"

struct xnet;

/*
 * Make the back-end of a started link, and offer it to the guest as its nth
 * interface; net is borrowed. NULL after logging.
 */
struct xnet *xnet_create(struct net *net, const struct xenbus_host *host,
                         unsigned nth);
void xnet_destroy(struct xnet *n);

#endif
