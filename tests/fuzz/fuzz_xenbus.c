// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_xenbus.c: a front-end that writes anything into its nodes, in any
 * order, before a device that takes a ring and a port and does nothing with
 * them; see xen_machine.h. Whatever it wrote: the back-end is in one of its
 * states, holds pages only while connected, and can be connected to again, or
 * the operator took it out, and there is nothing.
 */
#include "xen_machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_ORDER 4u

/* The device: as little as there can be. */
struct toy {
    struct xenbus bus;
    struct xenbus_ring ring;
    uint32_t port;
    bool connected;
    bool breaks; /* at the next event */
};

static const char *const nodes[] = {
    "ring-ref",        "ring-ref0", "ring-ref1",     "ring-ref2", "ring-ref3",
    "ring-page-order", "state",     "event-channel", "feature-x", "text",
};

static void on_event(void *owner)
{
    struct toy *t = owner;
    uint32_t word;

    BUG_ON(!t->connected);
    if (t->breaks || xring_pop(&t->ring.ring, &word, sizeof(word)) < 0)
        xenbus_broken(&t->bus, "a test");
}

static void toy_describe(void *dev)
{
    struct toy *t = dev;

    xenbus_put(&t->bus, "feature-y", "1");
}

static int toy_connect(void *dev)
{
    struct toy *t = dev;
    uint64_t order;
    char text[8];
    int ret;

    BUG_ON(t->connected || t->ring.n_pages || t->port);
    (void)xenbus_has(&t->bus, "feature-x");
    (void)xenbus_get_text(&t->bus, "text", text, sizeof(text));
    ret = xenbus_get(&t->bus, "ring-page-order", MAX_ORDER, 0, &order);
    if (ret < 0)
        return ret;
    ret = xenbus_take_ring(&t->bus, "ring-ref", (unsigned)order, 112, &t->ring);
    if (ret < 0)
        return ret;
    return xenbus_take_port(&t->bus, "event-channel", on_event, t, &t->port);
}

static void toy_connected(void *dev)
{
    struct toy *t = dev;

    t->connected = true;
}

static void toy_disconnect(void *dev)
{
    struct toy *t = dev;

    xenbus_drop_port(&t->bus, &t->port);
    xenbus_drop_ring(&t->bus, &t->ring);
    t->connected = t->breaks = false;
}

static void toy_changed(void *dev)
{
    struct toy *t = dev;

    BUG_ON(!t->connected);
}

static const struct xenbus_ops toy_ops = {
    .type = "toy",
    .describe = toy_describe,
    .connect = toy_connect,
    .connected = toy_connected,
    .disconnect = toy_disconnect,
    .changed = toy_changed,
};

static void tell_ring(struct machine *m)
{
    untell(&m->front, "ring-page-order");
    untell(&m->front, "ring-ref0");
    memset(m->pages[0], 0, 16);
    tell_number(&m->front, "ring-ref", m->refs[0]);
    tell_number(&m->front, "event-channel", m->ports[0]);
}

/* Up to three bytes of the input, as they are, in a node. */
static void any_text(struct machine *m, const uint8_t *bytes)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", m->front.front,
             nodes[bytes[1] % ARRAY_LEN(nodes)]);
    BUG_ON(xs_write_bytes(m->x.xs, path, bytes + 2, bytes[0] >> 4 & 3) < 0);
}

/* Taken out for good; there is nothing to be online again. */
static void set_online(struct machine *m, const struct toy *t, bool online)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/online", m->front.back);
    if (!t->bus.gone)
        BUG_ON(xs_write(m->x.xs, path, online ? "1" : "0") < 0);
}

static void check_state(const struct machine *m, const struct toy *t)
{
    const unsigned state = back_state(&m->front);

    if (t->bus.gone) {
        BUG_ON(xs_exists(m->x.xs, m->front.back) || t->connected);
        return;
    }
    BUG_ON(state != t->bus.state);
    BUG_ON(state != XenbusStateInitWait && state != XenbusStateConnected &&
           state != XenbusStateClosing && state != XenbusStateClosed);
    /* One that is asked to go is served still. */
    BUG_ON(t->connected
               ? state != XenbusStateConnected && state != XenbusStateClosing
               : state == XenbusStateConnected);
    BUG_ON(!t->connected && gnttab_pins(m->x.gnt) != 0);
}

static void toy_step(struct machine *m, struct toy *t, const uint8_t *bytes)
{
    switch (bytes[0] % 16) {
    case 8:
        tell_ring(m);
        break;
    case 9:
        (void)xs_rm(m->x.xs, m->front.front);
        break;
    case 10:
        t->breaks = t->connected;
        send_event(&m->x, m->ports[0]);
        break;
    case 11:
        xenbus_broken(&t->bus, "another test");
        break;
    case 12:
        xenbus_announce(&t->bus);
        break;
    case 13:
        spin(&m->x);
        check_state(m, t);
        break;
    case 14:
        set_online(m, t, bytes[1] & 3);
        break;
    default:
        any_text(m, bytes);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine *m = machine_begin("toy", 7);
    const struct xenbus_host host = rig_host(&m->x);
    struct toy t = {0};

    BUG_ON(xenbus_init(&t.bus, &host, &toy_ops, &t, 7) < 0);
    tell_ring(m);
    for (; size >= STEP; data += STEP, size -= STEP) {
        const struct step s = step_of(data);

        if (!common_step(m, &s, nodes, ARRAY_LEN(nodes)))
            toy_step(m, &t, data);
    }
    set_online(m, &t, true);
    spin(&m->x);
    if (!t.bus.gone) {
        begin_anew(m);
        tell_ring(m);
        set_front(&m->front, XenbusStateInitialised);
        BUG_ON(!t.connected);
    }
    check_state(m, &t);
    xenbus_fini(&t.bus);
    BUG_ON(t.connected || xs_exists(m->x.xs, m->front.back));
    machine_end(m);
    return 0;
}
