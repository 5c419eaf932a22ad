// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vsock.c: the socket device and its three queues; see vsock.h. Source:
 * virtio 1.2, 5.10.
 *
 * Both directions are served once at the end of a turn in which anything
 * happened, and each queue interrupts at most once for it. After TURN_PACKETS
 * each way others on the loop have their turn.
 *
 * A packet of the guest is a header, copied once, and data that goes from
 * where it lies into a socket. A buffer for the guest is popped when there
 * may be something for it; if there is not after all, it is held for the
 * next. That one buffer is all that is ever in flight.
 *
 * When the driver goes, all connections end; the next one hears of it by the
 * event queue (5.10.6.7), should it still believe in any.
 *
 * Thread: loop, board lock held; the configuration also on a vCPU.
 */
#include "devices/virtio/vsock_priv.h"

#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#define RX     0u
#define TX     1u
#define EVENT  2u
#define QUEUES 3u

#define HEADER       sizeof(struct virtio_vsock_hdr)
#define TURN_PACKETS 64u
#define EVENT_SIZE   4u

/* virtio 1.2; not in every system's header. */
#define F_STREAM 0

void vsock_wake(struct vsock *v)
{
    if (!v->in_turn)
        loop_post(v->loop, &v->turn);
}

/* Then its memory is left alone. */
static bool is_broken(const struct vsock *v)
{
    return virtio_queue(v->v, RX)->broken;
}

/* ---- from the guest ---- */

/* One packet. 1, 0 if there is none, or -EPROTO with v told. */
static int take_packet(struct vsock *v)
{
    struct virtq *q = virtio_queue(v->v, TX);
    struct vchain c = {.iov = v->tx_iov, .max = VIRTQ_MAX_IOV};
    struct virtio_vsock_hdr h;
    const int ret = virtq_pop(q, &c);

    if (ret < 0)
        virtio_broken(v->v, q->why);
    if (ret <= 0)
        return ret;
    if (vchain_read(&c, 0, &h, sizeof(h)) == sizeof(h))
        vsock_take(v, &h, &c);
    else
        virtio_broken(v->v, "a packet without a header");
    virtq_push(q, c.head, 0);
    return 1;
}

/* Returns whether there may be more that can be taken now. */
static bool serve_tx(struct vsock *v)
{
    struct virtq *q = virtio_queue(v->v, TX);

    if (!v->tx_more)
        return false;
    virtq_quiet(q);
    for (unsigned i = 0; i < TURN_PACKETS; i++) {
        int ret;

        /* Its answers have no buffers: when it gives some, we go on. */
        if (v->n_refusals >= VSOCK_REFUSALS / 2)
            return false;
        ret = take_packet(v);
        if (ret < 0 || (ret == 0 && !virtq_listen(q))) {
            v->tx_more = false;
            return false;
        }
    }
    return true;
}

/* ---- to the guest ---- */

/* Is there a buffer to fill? */
static bool hold_buffer(struct vsock *v)
{
    struct virtq *q = virtio_queue(v->v, RX);
    int ret;

    if (v->rx_held)
        return true;
    v->rx = (struct vchain){.iov = v->rx_iov, .max = VIRTQ_MAX_IOV};
    do
        ret = virtq_pop(q, &v->rx);
    while (ret == 0 && virtq_listen(q));
    if (ret < 0)
        virtio_broken(v->v, q->why);
    if (ret <= 0)
        return false;
    v->rx_held = true;
    if (v->rx.in_bytes >= HEADER)
        return true;
    virtio_broken(v->v, "a buffer too small for a header");
    return false;
}

static void push_buffer(struct vsock *v, uint32_t written)
{
    if (v->rx_held)
        virtq_push(virtio_queue(v->v, RX), v->rx.head, written);
    v->rx_held = false;
}

/* Returns whether there may be more for the guest, and room. */
static bool serve_rx(struct vsock *v)
{
    if (!vsock_has_due(v))
        return false;
    virtq_quiet(virtio_queue(v->v, RX));
    for (unsigned i = 0; i < TURN_PACKETS; i++) {
        uint32_t n;

        if (!vsock_has_due(v) || is_broken(v) || !hold_buffer(v))
            return false;
        n = vsock_give(v, &v->rx);
        if (n)
            push_buffer(v, n);
    }
    return true;
}

/* ---- events ---- */

static void serve_events(struct vsock *v)
{
    const struct virtio_vsock_event event = {
        .id = VIRTIO_VSOCK_EVENT_TRANSPORT_RESET};
    struct virtq *q = virtio_queue(v->v, EVENT);
    struct vchain c = {.iov = v->part, .max = VIRTQ_MAX_IOV};
    int ret;

    if (!v->lost)
        return;
    ret = virtq_pop(q, &c);
    if (ret < 0)
        virtio_broken(v->v, q->why);
    if (ret <= 0)
        return;
    virtq_push(q, c.head, (uint32_t)vchain_write(&c, 0, &event, sizeof(event)));
    v->lost = false;
}

/* ---- a turn ---- */

static void publish(struct vsock *v)
{
    for (unsigned q = 0; q < QUEUES; q++)
        virtio_publish(v->v, q);
}

static void on_turn(struct loop_op *op, int res)
{
    struct vsock *v = op->owner;
    bool more;

    (void)res;
    if (!v->live || is_broken(v))
        return;
    v->in_turn = true;
    more = serve_tx(v);
    more |= serve_rx(v);
    /* Answers that found buffers made room for questions. */
    more |= v->tx_more && v->n_refusals < VSOCK_REFUSALS / 2;
    serve_events(v);
    publish(v);
    v->in_turn = false;
    if (more)
        vsock_wake(v);
}

/* ---- what the common half asks ---- */

static void vsock_attach(void *dev, struct virtio *virtio)
{
    struct vsock *v = dev;

    v->v = virtio;
}

static uint64_t vsock_offer(void *dev)
{
    (void)dev;
    return (uint64_t)1 << F_STREAM;
}

static unsigned vsock_n_queues(void *dev)
{
    (void)dev;
    return QUEUES;
}

static uint16_t vsock_queue_size(void *dev, unsigned q)
{
    (void)dev;
    return q == EVENT ? EVENT_SIZE : VSOCK_QUEUE_SIZE;
}

static void vsock_config_read(void *dev, unsigned off, void *buf, unsigned n)
{
    const struct vsock *v = dev;
    const struct virtio_vsock_config c = {.guest_cid = v->cid};
    const unsigned char *bytes = (const unsigned char *)&c;

    memcpy(buf, bytes + off, n);
}

static void vsock_start(void *dev, uint64_t features)
{
    struct vsock *v = dev;

    (void)features;
    v->live = true;
    virtq_quiet(virtio_queue(v->v, RX));
}

static void vsock_kick(void *dev, unsigned q)
{
    struct vsock *v = dev;

    v->tx_more |= q == TX;
    vsock_wake(v);
}

static void vsock_stop(void *dev)
{
    struct vsock *v = dev;

    v->live = false;
    vsock_drop_all(v);
    loop_drain(v->loop, &v->turn);
    push_buffer(v, 0);
    publish(v);
    v->tx_more = false;
}

/* Connections go on; they only have to wait. */
static void vsock_stop_queue(void *dev, unsigned q)
{
    struct vsock *v = dev;

    if (q == RX)
        push_buffer(v, 0);
    v->tx_more &= q != TX;
    virtio_publish(v->v, q);
}

const struct virtio_dev_ops vsock_ops = {
    .name = "virtio-vsock",
    .id = VIRTIO_ID_VSOCK,
    .pci_class = 0x078000, /* communication, other */
    .features = (uint64_t)1 << F_STREAM,
    .attach = vsock_attach,
    .offer = vsock_offer,
    .n_queues = vsock_n_queues,
    .queue_size = vsock_queue_size,
    .config_size = sizeof(struct virtio_vsock_config),
    .config_read = vsock_config_read,
    .start = vsock_start,
    .kick = vsock_kick,
    .stop = vsock_stop,
    .stop_queue = vsock_stop_queue,
};

/* ---- making and taking apart ---- */

struct vsock *vsock_create(struct uds *uds, struct loop *loop, uint32_t cid)
{
    struct vsock *v = calloc(1, sizeof(*v));
    struct uds_front front = vsock_front;

    BUG_ON(cid < VSOCK_MIN_CID || cid > VSOCK_MAX_CID);
    if (v)
        v->parks = calloc(1, VSOCK_WIDE_CONNS * (size_t)VSOCK_WIDE_WINDOW +
                                 (UDS_STREAMS - VSOCK_WIDE_CONNS) *
                                     (size_t)VSOCK_WINDOW);
    if (!v || !v->parks) {
        log_error("virtio-vsock: out of memory");
        free(v);
        return NULL;
    }
    v->uds = uds;
    v->loop = loop;
    v->cid = cid;
    v->next_port = VSOCK_FIRST_PORT;
    v->due_end = &v->due_first;
    v->turn = (struct loop_op){.fn = on_turn, .owner = v};
    front.owner = v;
    uds_attach(uds, &front);
    return v;
}

void vsock_destroy(struct vsock *v)
{
    if (!v)
        return;
    uds_attach(v->uds, NULL);
    loop_drain(v->loop, &v->turn);
    free(v->parks);
    free(v);
}
