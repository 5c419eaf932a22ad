/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs_wire.h: a guest's requests to the store and their answers, as messages;
 * how they travel is xs_ring.c's affair. Source: Xen's docs/misc/xenstore.txt
 * and io/xs_wire.h.
 *
 * Thread: board lock held.
 */
#ifndef PVABI_XS_WIRE_H
#define PVABI_XS_WIRE_H

#include "pvabi/xs_priv.h"

/* As it goes over the wire; head.len bytes of data. */
struct xs_msg {
    struct xsd_sockmsg head;
    char data[XENSTORE_PAYLOAD_MAX + 1]; /* with a NUL that is not sent */
};

_Static_assert(offsetof(struct xs_msg, data) == sizeof(struct xsd_sockmsg),
               "a message is one piece");

struct xs_conn {
    struct xs *xs; /* borrowed */
    struct xs_listener listener;
    struct xs_tx *tx; /* owned */
    uint32_t last_tx;
};

/* wake is called when there is an event to fetch. */
void xs_conn_open(struct xs_conn *c, struct xs *xs,
                  void (*wake)(struct xs_listener *l));
/* Forget its watches, what they were to be told, and transactions. */
void xs_conn_reset(struct xs_conn *c);
void xs_conn_close(struct xs_conn *c);

/*
 * Answer a request, of whatever content; head.len is at most
 * XENSTORE_PAYLOAD_MAX. The request's data may be changed.
 */
void xs_conn_answer(struct xs_conn *c, struct xs_msg *request,
                    struct xs_msg *reply);

/* The next event as a message, if there is one. */
bool xs_conn_event(struct xs_conn *c, struct xs_msg *out);

#endif
