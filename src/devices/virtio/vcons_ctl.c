// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vcons_ctl.c: what driver and device tell each other about ports; see
 * vcons.h. Source: virtio 1.2, 5.3.6.2.
 *
 * Messages to the driver are not queued: a port has a bit for each kind that
 * is due, and its content is what is so when a buffer is there to hold it. A
 * driver that gives no buffers, or asks a thousand times, makes nothing grow.
 *
 * The size of a terminal is columns, then rows, as the specification has it.
 * Linux before 6.15 reads them the other way round; a device without the
 * multiport feature tells the size in its configuration, which all read
 * alike.
 */
#include "devices/virtio/vcons_priv.h"

#include <linux/virtio_console.h>
#include <string.h>

#define TURN_CHAINS 16u

/* A message as it goes out; what follows the header depends on the event. */
struct message {
    struct virtio_console_control head;
    unsigned char more[VCONS_NAME_MAX];
};

_Static_assert(sizeof(struct virtio_console_control) == 8, "5.3.6.2");

/* ---- to the driver ---- */

void vcons_ctl_due(struct vcons_port *p, enum vcons_due what)
{
    p->due |= 1u << what;
}

static size_t put_name(const struct vcons_port *p, unsigned char *at)
{
    const size_t n = strlen(p->name);

    memcpy(at, p->name, n);
    return n;
}

static size_t put_size(const struct vcons_port *p, unsigned char *at)
{
    const uint16_t size[2] = {p->c->cols, p->c->rows};

    memcpy(at, size, sizeof(size));
    return sizeof(size);
}

/* Write down the message; its bytes. */
static size_t compose(const struct vcons_port *p, enum vcons_due what,
                      struct message *m)
{
    static const uint16_t events[] = {
        [VCONS_DUE_ADD] = VIRTIO_CONSOLE_PORT_ADD,
        [VCONS_DUE_CONSOLE] = VIRTIO_CONSOLE_CONSOLE_PORT,
        [VCONS_DUE_NAME] = VIRTIO_CONSOLE_PORT_NAME,
        [VCONS_DUE_OPEN] = VIRTIO_CONSOLE_PORT_OPEN,
        [VCONS_DUE_RESIZE] = VIRTIO_CONSOLE_RESIZE,
    };
    size_t n = sizeof(m->head);

    m->head = (struct virtio_console_control){
        .id = (uint32_t)(p - p->c->ports), .event = events[what], .value = 1};
    if (what == VCONS_DUE_OPEN)
        m->head.value = p->console || chr_is_attached(p->chr);
    else if (what == VCONS_DUE_NAME)
        n += put_name(p, m->more);
    else if (what == VCONS_DUE_RESIZE)
        n += put_size(p, m->more);
    return n;
}

static struct vcons_port *next_due(struct vcons *c)
{
    for (unsigned i = 0; i < c->n_ports; i++)
        if (c->ports[i].due)
            return &c->ports[i];
    return NULL;
}

/* A message that does not fit is lost, or it would be tried for ever. */
static void deliver(struct vcons_port *p, const struct vchain *chain)
{
    struct vcons *c = p->c;
    const enum vcons_due what = (enum vcons_due)__builtin_ctz(p->due);
    struct message m;
    size_t n = compose(p, what, &m);

    p->due &= ~(1u << what);
    if (n > chain->in_bytes) {
        log_guest(&c->limit,
                  "virtio-console: a control buffer of %llu bytes: too small",
                  (unsigned long long)chain->in_bytes);
        n = 0;
    }
    vchain_write(chain, 0, &m, n);
    virtq_push(virtio_queue(c->v, VCONS_CTL_RX), chain->head, (uint32_t)n);
}

void vcons_ctl_send(struct vcons *c)
{
    struct virtq *q = virtio_queue(c->v, VCONS_CTL_RX);
    struct vchain chain = {.iov = c->iov, .max = (int)ARRAY_LEN(c->iov)};
    struct vcons_port *p;
    int ret = 0;

    virtq_quiet(q);
    /* Ends: each chain takes a bit away, and nothing here sets one. */
    while ((p = next_due(c)) && (ret = virtq_pop(q, &chain)) > 0)
        deliver(p, &chain);
    vcons_done(c, VCONS_CTL_RX, ret, p != NULL);
}

/* ---- from the driver ---- */

static void on_device_ready(struct vcons *c, uint16_t ok)
{
    if (!ok) {
        log_guest(&c->limit, "virtio-console: the driver gave up");
        return;
    }
    for (unsigned i = 0; i < c->n_ports; i++)
        vcons_ctl_due(&c->ports[i], VCONS_DUE_ADD);
}

static void on_port_ready(struct vcons_port *p, uint16_t ok)
{
    p->ready = ok;
    if (!ok) {
        log_guest(&p->c->limit, "virtio-console: port %u: the driver gave up",
                  (unsigned)(p - p->c->ports));
        return;
    }
    if (p->console)
        vcons_ctl_due(p, VCONS_DUE_CONSOLE);
    if (p->name)
        vcons_ctl_due(p, VCONS_DUE_NAME);
    if (p->console || chr_is_attached(p->chr))
        vcons_ctl_due(p, VCONS_DUE_OPEN);
    if (p->console && virtio_has(p->c->v, VIRTIO_CONSOLE_F_SIZE))
        vcons_ctl_due(p, VCONS_DUE_RESIZE);
}

static void on_port_open(struct vcons_port *p, uint16_t open)
{
    p->open = open;
    if (open)
        vcons_port_receive(p);
}

static void act(struct vcons *c, const struct virtio_console_control *m)
{
    struct vcons_port *p = m->id < c->n_ports ? &c->ports[m->id] : NULL;

    if (m->event == VIRTIO_CONSOLE_DEVICE_READY)
        on_device_ready(c, m->value);
    else if (p && m->event == VIRTIO_CONSOLE_PORT_READY)
        on_port_ready(p, m->value);
    else if (p && m->event == VIRTIO_CONSOLE_PORT_OPEN)
        on_port_open(p, m->value);
    else
        log_guest(&c->limit, "virtio-console: message %u about port %u",
                  m->event, m->id);
}

void vcons_ctl_receive(struct vcons *c)
{
    struct virtq *q = virtio_queue(c->v, VCONS_CTL_TX);
    struct vchain chain = {.iov = c->iov, .max = (int)ARRAY_LEN(c->iov)};
    int ret = 1;

    virtq_quiet(q);
    for (unsigned i = 0; i < TURN_CHAINS && ret > 0; i++) {
        struct virtio_console_control m;
        size_t n;

        ret = virtq_pop(q, &chain);
        if (ret <= 0)
            break;
        n = vchain_read(&chain, 0, &m, sizeof(m));
        virtq_push(q, chain.head, 0);
        if (n == sizeof(m))
            act(c, &m);
        else
            log_guest(&c->limit, "virtio-console: a message of %zu bytes", n);
    }
    vcons_done(c, VCONS_CTL_TX, ret, true);
    if (ret > 0)
        vcons_again(c, VCONS_CTL_TX);
    vcons_ctl_send(c);
}
