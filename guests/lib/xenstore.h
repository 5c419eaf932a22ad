/* SPDX-License-Identifier: MIT */
/*
 * xenstore.h: a guest's end of the store's ring, for good and for evil. A
 * guest of Xen (xen_init) opens it, and then asks and is answered, or writes
 * bytes that make no request.
 */
#ifndef GUEST_XENSTORE_H
#define GUEST_XENSTORE_H

#include "clock.h"
#include "xen.h"

#include <xen/io/xs_wire.h>

#define STORE_PATIENCE (5 * CLOCK_S)

extern volatile struct xenstore_domain_interface *store_ring;
extern uint32_t store_port;

/* The last message fetched; data with a NUL behind its len bytes. */
extern struct store_message {
    struct xsd_sockmsg head;
    char data[XENSTORE_PAYLOAD_MAX + 1];
} store_reply;

/* Find page and port. ERROR if there are none. */
void store_open(void);

/* The ring changed: tell the other side. */
void store_kick(void);

/* Put bytes into the ring as there is room; false: none came in time. */
bool store_put(const void *data, size_t n);
bool store_put_request(uint32_t type, uint32_t tx, const void *data, size_t n);

/* Fetch the next message, of any kind; false: none came in time. */
bool store_fetch(uint64_t patience);

/*
 * Ask, and fetch the answer; events that come before it are counted and
 * dropped. The type of the answer, which may be XS_ERROR; ERROR without one.
 */
uint32_t store_ask(uint32_t type, uint32_t tx, const void *data, size_t n);
extern unsigned store_events;

/* An answer as a test expects it, or a failed check. Strings are literals. */
#define STORE_OK(type, tx, payload) \
    store_expect(type, tx, payload, sizeof(payload) - 1, (type), "OK")
#define STORE_IS(type, tx, payload, value) \
    store_expect(type, tx, payload, sizeof(payload) - 1, (type), value)
#define STORE_NO(type, tx, payload, error) \
    store_expect(type, tx, payload, sizeof(payload) - 1, XS_ERROR, error)
void store_expect(uint32_t type, uint32_t tx, const void *data, size_t n,
                  uint32_t want, const char *text);

/* Begin a transaction; 0: refused. */
uint32_t store_begin(void);

/* Have the connection made anew; false: it was not, in time. */
bool store_reconnect(void);

#endif
