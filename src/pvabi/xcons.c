// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xcons.c: the primary console; see xcons.h. Source: xen/io/console.h.
 *
 * One page with a ring each way and four indices, which run free over 32
 * bits. We keep none of our own, so that a guest may begin the page anew.
 * Each is fetched once, and what lies between two of them is checked: more
 * than a ring holds is nothing, until the guest puts it right.
 *
 * Out: bytes are taken as far as the chr has room; the rest stays in the
 * ring, which the guest may find full, and no vCPU ever waits. A reader that
 * stalls takes everything, as chr.h says. In: bytes are taken from the chr
 * only into room in the ring, and wait in the host's kernel otherwise.
 *
 * Thread: loop, board lock held; xcons_write on a vCPU too.
 */
#include "pvabi/xcons.h"

#include "mmu/gwin.h"
#include "pvabi/xen_abi.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>
#include <xen/io/console.h>

#define RING     struct xencons_interface
#define IN_SIZE  (sizeof(((RING *)0)->in))
#define OUT_SIZE (sizeof(((RING *)0)->out))

#define HOME "/local/domain/1/console"

_Static_assert(XEN_GUEST_DOMID == 1, "HOME");
_Static_assert(sizeof(RING) == 3088, "xen/io/console.h");

struct xcons {
    struct xcons_config cfg;
};

static uint32_t load(const struct xcons *c, size_t index)
{
    return win_load_acquire32(&c->cfg.page, index);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- out ---- */

/* Write n bytes of the ring from index cons on. */
static void write_out(const struct xcons *c, uint32_t cons, size_t n)
{
    unsigned char bytes[OUT_SIZE];
    const size_t at = cons % OUT_SIZE;
    const size_t run = least(n, OUT_SIZE - at);

    win_copy_in(&c->cfg.page, offsetof(RING, out) + at, bytes, run);
    win_copy_in(&c->cfg.page, offsetof(RING, out), bytes + run, n - run);
    chr_write(c->cfg.chr, bytes, n);
}

/* True: something moved, and the guest is to be told. */
static bool send(const struct xcons *c)
{
    const uint32_t cons = load(c, offsetof(RING, out_cons));
    /* Pairs with the guest's store of out_prod: it wrote the bytes first. */
    const uint32_t n = load(c, offsetof(RING, out_prod)) - cons;
    const size_t take = least(n, chr_room(c->cfg.chr));

    if (n > OUT_SIZE || !take)
        return false;
    write_out(c, cons, take);
    /* Pairs with the guest's load of out_cons: the bytes were read before. */
    win_store_release32(&c->cfg.page, offsetof(RING, out_cons),
                        cons + (uint32_t)take);
    return true;
}

/* ---- in ---- */

static bool receive(const struct xcons *c)
{
    unsigned char bytes[IN_SIZE];
    const uint32_t prod = load(c, offsetof(RING, in_prod));
    /* Pairs with the guest's store of in_cons: it read the bytes first. */
    const uint32_t used = prod - load(c, offsetof(RING, in_cons));
    const size_t at = prod % IN_SIZE;
    size_t n, run;

    if (used >= IN_SIZE)
        return false;
    n = chr_read(c->cfg.chr, bytes, IN_SIZE - used);
    run = least(n, IN_SIZE - at);
    if (!n)
        return false;
    win_copy_out(&c->cfg.page, offsetof(RING, in) + at, bytes, run);
    win_copy_out(&c->cfg.page, offsetof(RING, in), bytes + run, n - run);
    /* Pairs with the guest's load of in_prod: it sees the bytes. */
    win_store_release32(&c->cfg.page, offsetof(RING, in_prod),
                        prod + (uint32_t)n);
    return true;
}

/* Both ways; the guest hears of it once. */
static void serve(void *owner)
{
    struct xcons *c = owner;
    const bool sent = send(c);
    const bool received = receive(c);

    if (sent || received)
        evtchn_backend_notify(c->cfg.events, c->cfg.port);
}

/* ---- making and taking apart ---- */

/* What xenconsoled's clients and guests look for. */
static void make_nodes(const struct xcons_config *cfg)
{
    struct xs *xs = cfg->xs;

    xs_printf(xs, HOME "/ring-ref", "%llu", (unsigned long long)cfg->frame);
    xs_printf(xs, HOME "/port", "%u", cfg->port);
    xs_write(xs, HOME "/limit", "1048576");
    xs_write(xs, HOME "/type", "xenconsoled");
    xs_write(xs, HOME "/output", "pty");
    xs_write(xs, HOME "/tty", "");
}

struct xcons *xcons_create(const struct xcons_config *cfg)
{
    struct xcons *c = calloc(1, sizeof(*c));
    const struct chr_front front = {
        .readable = serve, .writable = serve, .owner = c};

    if (!c) {
        log_error("Xen console: out of memory");
        return NULL;
    }
    c->cfg = *cfg;
    if (evtchn_backend_bind(cfg->events, cfg->port, serve, c) < 0) {
        log_error("Xen console: port %u is not bound", cfg->port);
        free(c);
        return NULL;
    }
    make_nodes(cfg);
    chr_attach(cfg->chr, &front);
    return c;
}

void xcons_destroy(struct xcons *c)
{
    if (!c)
        return;
    chr_attach(c->cfg.chr, NULL);
    evtchn_backend_unbind(c->cfg.events, c->cfg.port);
    free(c);
}

void xcons_resize(struct xcons *c, uint16_t cols, uint16_t rows)
{
    xs_printf(c->cfg.xs, HOME "/cols", "%u", cols);
    xs_printf(c->cfg.xs, HOME "/rows", "%u", rows);
}

void xcons_write(struct xcons *c, const void *buf, size_t n)
{
    chr_write(c->cfg.chr, buf, n);
}
