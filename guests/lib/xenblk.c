/* SPDX-License-Identifier: MIT */
/* xenblk.c: see xenblk.h. */
#include "xenblk.h"

#include "clock.h"
#include "cpu.h"
#include "disk.h"
#include "report.h"
#include "string.h"

#include <xen/io/protocols.h>

#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

void xenblk_open(struct xenblk *d, unsigned vdev, void *ring, unsigned order)
{
    d->ring = ring;
    d->order = order;
    if (!front_open(&d->front, "vbd", vdev))
        test_error("there is no disk %u", vdev);
    CHECK_EQ("offered", front_wait(&d->front, XenbusStateInitWait), 1);
    for (unsigned i = 0; i < 1u << order; i++)
        d->ring_refs[i] = xen_grant(d->ring + i * XENBUS_PAGE, false);
}

static void begin_ring(struct xenblk *d)
{
    const size_t room =
        (XENBUS_PAGE << d->order) - offsetof(blkif_sring_t, ring);

    d->r.sring = (void *)d->ring;
    SHARED_RING_INIT(d->r.sring);
    d->r.req_prod_pvt = d->r.rsp_cons = 0;
    d->r.nr_ents = 1;
    while (2 * d->r.nr_ents * sizeof(d->r.sring->ring[0]) <= room)
        d->r.nr_ents *= 2;
}

/* One page is named without a number. */
static void put_ring(const struct xenblk *d)
{
    char node[] = "ring-refNN";

    for (unsigned i = 0; i < 1u << d->order; i++) {
        node[8] = (char)(i < 10 ? '0' + i : '1');
        node[9] = (char)(i < 10 ? 0 : '0' + i - 10);
        if (!d->order)
            node[8] = 0;
        front_put_number(&d->front, node, d->ring_refs[i]);
    }
    front_put_number(&d->front, "ring-page-order", d->order);
}

void xenblk_offer(struct xenblk *d)
{
    begin_ring(d);
    put_ring(d);
    d->port = front_port();
    front_put_number(&d->front, "event-channel", d->port);
    front_put(&d->front, "protocol", XEN_IO_PROTO_ABI_NATIVE);
}

void xenblk_connect(struct xenblk *d)
{
    xenblk_offer(d);
    front_state(&d->front, XenbusStateInitialised);
    CHECK_EQ("connected", front_wait(&d->front, XenbusStateConnected), 1);
    front_state(&d->front, XenbusStateConnected);
}

void *xenblk_slot(struct xenblk *d)
{
    return RING_GET_REQUEST(&d->r, d->r.req_prod_pvt);
}

void xenblk_push_n(struct xenblk *d, unsigned n)
{
    int notify;

    d->r.req_prod_pvt += n;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&d->r, notify);
    if (notify)
        xen_send(d->port);
}

void xenblk_push(struct xenblk *d)
{
    xenblk_push_n(d, 1);
}

const blkif_response_t *xenblk_answer(struct xenblk *d)
{
    (void)clock_wait(__atomic_load_n(&d->r.sring->rsp_prod, __ATOMIC_ACQUIRE) !=
                         d->r.rsp_cons,
                     DISK_PATIENCE);
    if (d->r.sring->rsp_prod == d->r.rsp_cons)
        return NULL;
    return RING_GET_RESPONSE(&d->r, d->r.rsp_cons++);
}
