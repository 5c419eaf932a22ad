// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * evtchn_fifo.c: event channels by FIFO queues; see evtchn.h.
 *
 * Each port has a word in a page the guest gave: PENDING, MASKED, LINKED,
 * BUSY and the next port of its queue. Each vCPU has a control block: a bit for
 * each priority that has something, and the head of each queue. We are the
 * only producer and keep the tails; the guest consumes. A word that becomes
 * pending, unmasked and not linked is put behind the tail; if the tail has
 * left its queue meanwhile, the queue was empty and the word is the new head.
 *
 * All words belong to the guest too: a link is a bounded number of attempts,
 * and a port read from a word is never followed.
 *
 * Source: "Event Channel FIFO" (Xen, docs), public event_channel.h.
 */
#include "pvabi/evtchn_priv.h"

#include "mmu/gwin.h"

#include <errno.h>
#include <string.h>

#define BIT_PENDING   (1u << EVTCHN_FIFO_PENDING)
#define BIT_MASKED    (1u << EVTCHN_FIFO_MASKED)
#define BIT_LINKED    (1u << EVTCHN_FIFO_LINKED)
#define BIT_BUSY      (1u << EVTCHN_FIFO_BUSY)
#define LINK_MASK     ((uint32_t)EVTCHN_FIFO_LINK_MASK)
#define PAGE_WORDS    (4096 / sizeof(event_word_t))
#define LINK_ATTEMPTS 4

/* The page and the offset of a port's word; false: the guest gave none. */
static bool word_of(const struct evtchn *e, uint32_t port, struct gwin *page,
                    size_t *off)
{
    if (port / PAGE_WORDS >= e->n_pages)
        return false;
    *page = e->pages[port / PAGE_WORDS];
    *off = port % PAGE_WORDS * sizeof(event_word_t);
    return true;
}

/* Set or clear bits of a port's word; says what was there. */
static uint32_t change(const struct gwin *page, size_t off, uint32_t set,
                       uint32_t clear)
{
    uint32_t *w = win_word(page, off);

    if (set)
        return __atomic_fetch_or(w, set, __ATOMIC_SEQ_CST);
    return __atomic_fetch_and(w, ~clear, __ATOMIC_SEQ_CST);
}

/*
 * Put port behind the tail. A guest that changes the tail's word all the time
 * is held off by BUSY for a few attempts more, then loses its queue.
 */
static bool link_behind(const struct evtchn *e, uint32_t tail, uint32_t port)
{
    struct gwin page;
    uint32_t old;
    size_t off;

    if (!tail || !word_of(e, tail, &page, &off))
        return false;
    old = win_load32(&page, off);
    for (unsigned i = 0; i < 2 * LINK_ATTEMPTS; i++) {
        if (!(old & BIT_LINKED))
            break;
        if (win_cas32(&page, off, &old, (old & ~(BIT_BUSY | LINK_MASK)) | port))
            return true;
        if (i == LINK_ATTEMPTS)
            old = change(&page, off, BIT_BUSY, 0) | BIT_BUSY;
    }
    (void)change(&page, off, 0, BIT_BUSY);
    return false;
}

/* The port leaves the tail of a queue it was in before. */
static void forget_tail(struct evtchn *e, uint32_t port)
{
    const struct chan *c = &e->chans[port];
    uint32_t *tail = &e->vcpus[c->queue_vcpu].tail[c->queue_priority];

    if (*tail == port &&
        (c->queue_vcpu != c->vcpu || c->queue_priority != c->priority))
        *tail = 0;
}

static void enqueue(struct evtchn *e, uint32_t port)
{
    struct chan *c = &e->chans[port];
    struct fifo_vcpu *v = &e->vcpus[c->vcpu];
    const size_t head = offsetof(struct evtchn_fifo_control_block, head) +
                        c->priority * sizeof(uint32_t);

    forget_tail(e, port);
    c->queue_vcpu = c->vcpu;
    c->queue_priority = c->priority;
    if (v->tail[c->priority] == port ||
        !link_behind(e, v->tail[c->priority], port))
        win_store32(&v->control, head, port);
    v->tail[c->priority] = port;
    if (!win_set_bit(&v->control, 0, c->priority))
        evtchn_mark_upcall(e, c->vcpu);
}

/* Link a pending word, if nothing speaks against it. */
static void link_pending(struct evtchn *e, uint32_t port,
                         const struct gwin *page, size_t off)
{
    if (win_load32(page, off) & (BIT_MASKED | BIT_LINKED))
        return;
    /* A vCPU without a control block takes nothing. */
    if (!e->vcpus[e->chans[port].vcpu].control.size)
        return;
    if (!(change(page, off, BIT_LINKED, 0) & BIT_LINKED)) {
        (void)change(page, off, 0, LINK_MASK);
        enqueue(e, port);
    }
}

void fifo_raise(struct evtchn *e, uint32_t port)
{
    struct gwin page;
    size_t off;

    if (!word_of(e, port, &page, &off)) {
        e->chans[port].early = true;
        return;
    }
    (void)change(&page, off, BIT_PENDING, 0);
    link_pending(e, port, &page, off);
}

void fifo_unmask(struct evtchn *e, uint32_t port)
{
    struct gwin page;
    size_t off;

    if (!word_of(e, port, &page, &off))
        return;
    if (change(&page, off, 0, BIT_MASKED) & BIT_PENDING)
        link_pending(e, port, &page, off);
}

bool fifo_pending(const struct evtchn *e, uint32_t port)
{
    struct gwin page;
    size_t off;

    if (!word_of(e, port, &page, &off))
        return e->chans[port].early;
    return win_load32(&page, off) & BIT_PENDING;
}

void fifo_clear_pending(struct evtchn *e, uint32_t port)
{
    struct gwin page;
    size_t off;

    e->chans[port].early = false;
    if (word_of(e, port, &page, &off))
        (void)change(&page, off, 0, BIT_PENDING);
}

bool fifo_is_busy(const struct evtchn *e, uint32_t port)
{
    struct gwin page;
    size_t off;

    return word_of(e, port, &page, &off) && win_load32(&page, off) & BIT_LINKED;
}

/* Events already pending by the 2-level words go over. */
static void switch_to_fifo(struct evtchn *e)
{
    const uint32_t n = shinfo_ports(e->si);

    for (uint32_t p = 1; p < n && p < EVTCHN_MAX_PORTS; p++)
        e->chans[p].early =
            e->chans[p].status != EVTCHNSTAT_closed && shinfo_pending(e->si, p);
    e->fifo = true;
}

int fifo_init_control(struct evtchn *e, struct evtchn_init_control *arg)
{
    const size_t size = sizeof(struct evtchn_fifo_control_block);
    struct gwin control;

    if (!e->fifo_offered)
        return -ENOSYS;
    arg->link_bits = EVTCHN_FIFO_LINK_BITS;
    if (arg->vcpu >= e->n_vcpus)
        return -ENOENT;
    if (arg->offset > 4096 - size || arg->offset % 8)
        return -EINVAL;
    if (e->vcpus[arg->vcpu].control.size)
        return -EINVAL;
    if (arg->control_gfn > UINT64_MAX >> 12 ||
        gmem_win(e->mem, GPA((arg->control_gfn << 12) + arg->offset), size,
                 &control) < 0)
        return -EINVAL;
    if (!e->fifo)
        switch_to_fifo(e);
    e->vcpus[arg->vcpu] = (struct fifo_vcpu){.control = control};
    return 0;
}

int fifo_expand_array(struct evtchn *e, const struct evtchn_expand_array *arg)
{
    struct gwin page;
    uint32_t first;

    if (!e->fifo)
        return -EOPNOTSUPP;
    if (e->n_pages == FIFO_MAX_PAGES)
        return -ENOSPC;
    if (arg->array_gfn > UINT64_MAX >> 12 ||
        gmem_win(e->mem, GPA(arg->array_gfn << 12), 4096, &page) < 0)
        return -EINVAL;
    first = e->n_pages * (uint32_t)PAGE_WORDS;
    e->pages[e->n_pages++] = page;
    for (uint32_t p = first; p < first + PAGE_WORDS && p < EVTCHN_MAX_PORTS;
         p++) {
        if (!e->chans[p].early)
            continue;
        e->chans[p].early = false;
        fifo_raise(e, p);
    }
    return 0;
}

int fifo_set_priority(struct evtchn *e, const struct evtchn_set_priority *arg)
{
    if (!e->fifo)
        return -ENOSYS;
    if (!evtchn_valid(e, arg->port) ||
        e->chans[arg->port].status == EVTCHNSTAT_closed)
        return -EINVAL;
    if (arg->priority > EVTCHN_FIFO_PRIORITY_MIN)
        return -EINVAL;
    /* Heeded when the event is linked the next time. */
    e->chans[arg->port].priority = arg->priority;
    return 0;
}

void fifo_reset(struct evtchn *e)
{
    for (uint32_t p = 0; p < EVTCHN_MAX_PORTS; p++)
        e->chans[p].early = false;
    memset(e->vcpus, 0, e->n_vcpus * sizeof(e->vcpus[0]));
    e->n_pages = 0;
    e->fifo = false;
}
