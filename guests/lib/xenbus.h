/* SPDX-License-Identifier: MIT */
/*
 * xenbus.h: a guest's way to Xen's devices: the store, pages granted to the
 * back-ends, and the front-end's half of a device. After xen_init.
 */
#ifndef GUEST_XENBUS_H
#define GUEST_XENBUS_H

#include "xen.h"

#include <xen/grant_table.h>
#include <xen/io/xenbus.h>

#define XENBUS_PAGE 4096u

/* Find the store, put the grant table into a page of ours. ERROR if not. */
void xenbus_init(void);

/* The value, with a NUL, cut to size bytes; false: there is none. */
bool store_read(const char *path, char *value, size_t size);
/* A number; absent if there is none, or what is there is no number. */
uint64_t store_number(const char *path, uint64_t absent);
/* ERROR if the store refuses. */
void store_write(const char *path, const char *value);

/* Grant a page to the back-ends; the reference. */
uint32_t xen_grant(const void *page, bool readonly);
/* Take it back; false: a back-end holds it. */
bool xen_ungrant(uint32_t ref);
/* Grant by a reference that was taken back, for writing. */
void xen_regrant(uint32_t ref, const void *page);

/* The front-end's half of a device. */
struct front {
    char path[64], back[96];
};

/* False: there is no such device. */
bool front_open(struct front *f, const char *type, unsigned id);
void front_put(const struct front *f, const char *node, const char *value);
void front_put_number(const struct front *f, const char *node, uint32_t v);
/* A number of the back-end's; 0 if there is none. */
uint64_t front_asked(const struct front *f, const char *node);
void front_state(const struct front *f, enum xenbus_state state);
/* Wait until the back-end has this state; false: it has another. */
bool front_wait(const struct front *f, enum xenbus_state state);
/* Closing, Closed, Initialising: the way back to the beginning. */
void front_restart(const struct front *f);

/* A port for a back-end to bind. */
uint32_t front_port(void);

#endif
