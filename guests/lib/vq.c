/* SPDX-License-Identifier: MIT */
/*
 * vq.c: see vq.h.
 */
#include "vq.h"

#include "clock.h"
#include "cpu.h"
#include "string.h"

/* A full barrier in any CPU's base instruction set. */
static void barrier(void)
{
    uint32_t word = 0;

    __asm__ volatile("lock; orl $0, %0" : "+m"(word)::"memory");
}

void vq_clear(struct vq *q, struct virtio *dev, uint16_t index, uint16_t size)
{
    memset(q, 0, sizeof(*q));
    q->dev = dev;
    q->index = index;
    q->size = size;
    q->event_idx = dev->features & VIRTIO_F_EVENT_IDX;
    q->n_free = size;
    for (uint16_t i = 0; i < size; i++)
        q->link[i] = (uint16_t)(i + 1);
}

struct virtio_place vq_place(const struct vq *q)
{
    return (struct virtio_place){
        .size = q->size,
        .desc = (uintptr_t)q->desc,
        .avail = (uintptr_t)&q->avail,
        .used = (uintptr_t)&q->used,
    };
}

void vq_open(struct vq *q, struct virtio *dev, uint16_t index, uint16_t size)
{
    uint16_t max = dev->bus->queue_max(dev, index);
    struct virtio_place at;

    if (max > VQ_MAX)
        max = VQ_MAX;
    vq_clear(q, dev, index, size ? size : max);
    at = vq_place(q);
    dev->bus->queue_place(dev, index, &at);
    dev->bus->queue_enable(dev, index);
}

void vq_put(struct vq_desc *d, uint64_t addr, uint32_t len, uint16_t flags,
            uint16_t next)
{
    *d = (struct vq_desc){addr, len, flags, next};
}

void vq_offer(struct vq *q, uint16_t head)
{
    q->avail.ring[q->next++ % q->size] = head;
}

void vq_publish(struct vq *q, uint16_t idx)
{
    __atomic_store_n(&q->avail.idx, idx, __ATOMIC_RELEASE);
}

void vq_notify(struct vq *q)
{
    q->dev->bus->notify(q->dev, q->index);
}

uint16_t vq_used_idx(const struct vq *q)
{
    return __atomic_load_n(&q->used.idx, __ATOMIC_ACQUIRE);
}

static uint16_t flags_of(unsigned i, unsigned n_out, unsigned n)
{
    return (uint16_t)((i < n_out ? 0 : VQ_WRITE) | (i + 1 < n ? VQ_NEXT : 0));
}

int vq_add(struct vq *q, const struct vq_buf *bufs, unsigned n_out,
           unsigned n_in)
{
    const unsigned n = n_out + n_in;
    uint16_t head = q->first_free, at = head;

    if (n > q->n_free)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        vq_put(&q->desc[at], bufs[i].addr, bufs[i].len, flags_of(i, n_out, n),
               q->link[at]);
        q->first_free = q->link[at];
        at = q->link[at];
    }
    q->n_free = (uint16_t)(q->n_free - n);
    q->length[head] = (uint16_t)n;
    vq_offer(q, head);
    return head;
}

int vq_add_indirect(struct vq *q, struct vq_desc *table,
                    const struct vq_buf *bufs, unsigned n_out, unsigned n_in)
{
    const unsigned n = n_out + n_in;
    const struct vq_buf whole = VQ_BUF(table, n * sizeof(*table));
    int head;

    for (unsigned i = 0; i < n; i++)
        vq_put(&table[i], bufs[i].addr, bufs[i].len, flags_of(i, n_out, n),
               (uint16_t)(i + 1));
    head = vq_add(q, &whole, 1, 0);
    if (head >= 0)
        q->desc[head].flags = VQ_INDIRECT;
    return head;
}

/* 2.7.10: does the device wait for an index among the new ones? */
static bool wants_notification(const struct vq *q)
{
    uint16_t event;

    if (!q->event_idx)
        return !(__atomic_load_n(&q->used.flags, __ATOMIC_RELAXED) &
                 VQ_NO_NOTIFY);
    event =
        (uint16_t)__atomic_load_n(&q->used.ring[q->size].id, __ATOMIC_RELAXED);
    return (uint16_t)(q->next - event - 1) < (uint16_t)(q->next - q->told);
}

bool vq_kick(struct vq *q)
{
    bool wanted;

    vq_publish(q, q->next);
    barrier(); /* pairs with the device's, before it looks at idx again */
    wanted = wants_notification(q);
    q->told = q->next;
    if (wanted)
        vq_notify(q);
    return wanted;
}

bool vq_has(const struct vq *q)
{
    return vq_used_idx(q) != q->seen;
}

bool vq_get(struct vq *q, uint16_t *head, uint32_t *written)
{
    const struct vq_elem *e = &q->used.ring[q->seen % q->size];
    uint16_t last;

    if (!vq_has(q))
        return false;
    *head = (uint16_t)e->id;
    *written = e->len;
    q->seen++;
    if (*head >= q->size || !q->length[*head])
        return true; /* not ours: the caller will see it */
    last = *head;
    for (unsigned i = 1; i < q->length[*head]; i++)
        last = q->link[last];
    q->link[last] = q->first_free;
    q->first_free = *head;
    q->n_free = (uint16_t)(q->n_free + q->length[*head]);
    q->length[*head] = 0;
    return true;
}

bool vq_wait(const struct vq *q, uint64_t ns)
{
    return clock_wait(vq_has(q), ns);
}

bool vq_arm(struct vq *q)
{
    if (q->event_idx)
        __atomic_store_n(&q->avail.ring[q->size], q->seen, __ATOMIC_RELAXED);
    else
        __atomic_store_n(&q->avail.flags, 0, __ATOMIC_RELAXED);
    barrier(); /* pairs with the device's, before it looks whether we wait */
    return vq_has(q);
}

void vq_quiet(struct vq *q)
{
    if (q->event_idx) /* behind what was seen: far from coming */
        __atomic_store_n(&q->avail.ring[q->size], (uint16_t)(q->seen - 1),
                         __ATOMIC_RELAXED);
    else
        __atomic_store_n(&q->avail.flags, VQ_NO_INTERRUPT, __ATOMIC_RELAXED);
}
