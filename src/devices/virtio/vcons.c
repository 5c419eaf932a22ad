// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vcons.c: the console device; see vcons.h. Source: virtio 1.2, 5.3.
 *
 * Port 0 has queues 0 and 1, the control messages 2 and 3, port n the pair at
 * 2n + 2; of each pair the first goes to the guest. A driver that does not
 * take the multiport feature has port 0, open from the start.
 *
 * What a turn leaves undone is marked by queue and done in the next, after
 * everybody else had theirs.
 *
 * Thread: loop, board lock held; the configuration also on a vCPU, and that
 * includes the emergency write. Must never wait for a reader.
 */
#include "devices/virtio/vcons_priv.h"

#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#define BIT(n) ((uint64_t)1 << (n))

/* ---- queues ---- */

void vcons_again(struct vcons *c, unsigned q)
{
    c->again |= 1u << q;
    loop_post(c->loop, &c->turn);
}

void vcons_done(struct vcons *c, unsigned q, int ret, bool listen)
{
    struct virtq *queue = virtio_queue(c->v, q);

    virtio_publish(c->v, q);
    if (ret < 0)
        virtio_broken(c->v, queue->why);
    else if (ret == 0 && listen && virtq_listen(queue))
        vcons_again(c, q);
}

static bool is_control(const struct vcons *c, unsigned q)
{
    return c->multiport && (q == VCONS_CTL_RX || q == VCONS_CTL_TX);
}

static struct vcons_port *port_of(struct vcons *c, unsigned q)
{
    return &c->ports[q < VCONS_CTL_RX ? 0 : q / 2 - 1];
}

static void serve(struct vcons *c, unsigned q)
{
    if (is_control(c, q) && q == VCONS_CTL_RX)
        vcons_ctl_send(c);
    else if (is_control(c, q))
        vcons_ctl_receive(c);
    else if (q % 2 == 0)
        vcons_port_receive(port_of(c, q));
    else
        vcons_port_send(port_of(c, q));
}

static void on_turn(struct loop_op *op, int res)
{
    struct vcons *c = op->owner;
    uint32_t again = c->again;

    (void)res;
    c->again = 0;
    for (; again; again &= again - 1)
        serve(c, (unsigned)__builtin_ctz(again));
}

/* ---- what the common half asks ---- */

static void vcons_attach(void *dev, struct virtio *v)
{
    struct vcons *c = dev;

    c->v = v;
}

static uint64_t vcons_offer(void *dev)
{
    const struct vcons *c = dev;

    return BIT(VIRTIO_CONSOLE_F_EMERG_WRITE) |
           (c->sized ? BIT(VIRTIO_CONSOLE_F_SIZE) : 0) |
           (c->multiport ? BIT(VIRTIO_CONSOLE_F_MULTIPORT) : 0);
}

static unsigned vcons_n_queues(void *dev)
{
    const struct vcons *c = dev;

    return c->multiport ? 2 * c->n_ports + 2 : 2;
}

static uint16_t vcons_queue_size(void *dev, unsigned q)
{
    if (is_control(dev, q))
        return VCONS_CTL_SIZE;
    return q % 2 ? VCONS_TX_SIZE : VCONS_RX_SIZE;
}

static void vcons_config_read(void *dev, unsigned off, void *buf, unsigned n)
{
    const struct vcons *c = dev;
    const struct virtio_console_config config = {
        .cols = c->cols, .rows = c->rows, .max_nr_ports = c->n_ports};
    const unsigned char *bytes = (const unsigned char *)&config;

    memcpy(buf, bytes + off, n);
}

/* 5.3.4: a byte for the first port, from a guest that may be dying. */
static void vcons_config_write(void *dev, unsigned off, const void *buf,
                               unsigned n)
{
    const struct vcons *c = dev;

    (void)n;
    if (off == offsetof(struct virtio_console_config, emerg_wr))
        chr_write(c->ports[0].chr, buf, 1);
}

static void vcons_start(void *dev, uint64_t features)
{
    struct vcons *c = dev;

    for (unsigned i = 0; i < c->n_ports; i++) {
        struct vcons_port *p = &c->ports[i];

        p->ready = false;
        p->due = 0;
        p->open = i == 0 && !(features & BIT(VIRTIO_CONSOLE_F_MULTIPORT));
    }
    c->live = true;
}

static void vcons_kick(void *dev, unsigned q)
{
    serve(dev, q);
}

static void vcons_stop_queue(void *dev, unsigned q)
{
    struct vcons *c = dev;
    struct vcons_port *p = port_of(c, q);

    if (is_control(c, q) || q != p->tx)
        return;
    vcons_port_stop(p);
    virtio_publish(c->v, q);
}

static void vcons_stop(void *dev)
{
    struct vcons *c = dev;

    c->live = false;
    c->again = 0;
    loop_drain(c->loop, &c->turn);
    for (unsigned i = 0; i < c->n_ports; i++)
        vcons_stop_queue(c, c->ports[i].tx);
}

const struct virtio_dev_ops vcons_ops = {
    .name = "virtio-console",
    .id = VIRTIO_ID_CONSOLE,
    .pci_class = 0x078000, /* simple communication controller, other */
    .features = BIT(VIRTIO_CONSOLE_F_SIZE) | BIT(VIRTIO_CONSOLE_F_MULTIPORT) |
                BIT(VIRTIO_CONSOLE_F_EMERG_WRITE),
    .attach = vcons_attach,
    .offer = vcons_offer,
    .n_queues = vcons_n_queues,
    .queue_size = vcons_queue_size,
    .config_size = sizeof(struct virtio_console_config),
    .config_read = vcons_config_read,
    .config_write = vcons_config_write,
    .start = vcons_start,
    .kick = vcons_kick,
    .stop = vcons_stop,
    .stop_queue = vcons_stop_queue,
};

/* ---- the terminal's size ---- */

void vcons_resize(struct vcons *c, uint16_t cols, uint16_t rows)
{
    if (!c->sized || (cols == c->cols && rows == c->rows))
        return;
    c->cols = cols;
    c->rows = rows;
    if (!c->live || !virtio_has(c->v, VIRTIO_CONSOLE_F_SIZE))
        return;
    if (!virtio_has(c->v, VIRTIO_CONSOLE_F_MULTIPORT)) {
        virtio_config_changed(c->v);
        return;
    }
    for (unsigned i = 0; i < c->n_ports; i++)
        if (c->ports[i].console && c->ports[i].ready)
            vcons_ctl_due(&c->ports[i], VCONS_DUE_RESIZE);
    vcons_ctl_send(c);
}

/* ---- making and taking apart ---- */

struct vcons *vcons_create(struct loop *loop, const struct vcons_config *cfg)
{
    struct vcons *c = calloc(1, sizeof(*c));

    BUG_ON(!cfg->n_ports || cfg->n_ports > VCONS_MAX_PORTS);
    BUG_ON(cfg->n_ports > 1 && !cfg->multiport);
    if (!c) {
        log_error("virtio-console: out of memory");
        return NULL;
    }
    c->loop = loop;
    c->multiport = cfg->multiport;
    c->sized = cfg->sized;
    c->n_ports = cfg->n_ports;
    c->turn = (struct loop_op){.fn = on_turn, .owner = c};
    for (unsigned i = 0; i < c->n_ports; i++) {
        const struct vcons_port_config *from = &cfg->ports[i];

        BUG_ON(from->name && strlen(from->name) > VCONS_NAME_MAX);
        c->ports[i] = (struct vcons_port){
            .c = c,
            .chr = from->chr,
            .name = from->name,
            .console = from->console,
            .rx = i ? 2 * i + 2 : 0,
            .tx = i ? 2 * i + 3 : 1,
        };
        vcons_port_attach(&c->ports[i], true);
    }
    return c;
}

void vcons_destroy(struct vcons *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < c->n_ports; i++)
        vcons_port_attach(&c->ports[i], false);
    loop_drain(c->loop, &c->turn);
    free(c);
}
