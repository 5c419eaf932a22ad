// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_xenstore.c: a guest that does anything to the store: well-formed
 * messages of any content, bytes that are none, indices, reconnection; while
 * domain 0 writes, removes and watches too.
 *
 * The input is a list of steps: one byte says what, one is its argument, and
 * one how many bytes follow. What must hold is checked after each: the guest
 * has no more than its limits, and what is counted is what is there. In the
 * end its directory goes, and nothing of it may be left.
 */
#include "loop_turns.h"
#include "mmu/gwin.h"
#include "pvabi/xs_priv.h"
#include "pvabi/xs_ring.h"

#include <stdio.h>
#include <stdlib.h>

#define GUEST 7u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small, so that they are met. */
static const struct xs_limits limits = {
    .nodes = 40,
    .watches = 6,
    .transactions = 3,
    .changes = 50,
    .node_bytes = 300,
    .total_bytes = 16 * KIB,
};

struct fuzz {
    struct loop *loop;
    struct xs *xs;
    struct xs_ring *ring;
    struct xs_watch watch;
    union {
        struct xenstore_domain_interface ring;
        unsigned char bytes[GUEST_PAGE];
    } page;
    uint32_t req_id;
};

static void spin(struct fuzz *f)
{
    loop_turns(f->loop, 4);
}

static void on_notify(void *owner)
{
    (void)owner;
}

/* Domain 0 acts on what it is told. */
static void on_watch(void *owner, const char *path)
{
    struct fuzz *f = owner;

    BUG_ON(!xs_path_ok(path));
    if (xs_path_is_in(path, "/local/domain/7/state"))
        (void)xs_write(f->xs, "/local/domain/0/state", path);
}

/* ---- the guest ---- */

static void put_bytes(struct fuzz *f, const void *data, size_t n)
{
    struct xenstore_domain_interface *ring = &f->page.ring;
    const char *from = data;

    for (; n; n--) {
        ring->req[MASK_XENSTORE_IDX(ring->req_prod)] = *from++;
        ring->req_prod++;
        if (ring->req_prod - ring->req_cons >= XENSTORE_RING_SIZE) {
            xs_ring_kick(f->ring);
            spin(f);
        }
    }
    xs_ring_kick(f->ring);
    spin(f);
}

static void put_message(struct fuzz *f, uint8_t what, const uint8_t *data,
                        size_t n)
{
    /* Numbers of transactions are small: some exist. */
    const struct xsd_sockmsg head = {what & 31, ++f->req_id, what >> 5,
                                     (uint32_t)n};

    put_bytes(f, &head, sizeof(head));
    put_bytes(f, data, n);
}

static void read_answers(struct fuzz *f, unsigned n)
{
    struct xenstore_domain_interface *ring = &f->page.ring;
    const uint32_t there = ring->rsp_prod - ring->rsp_cons;

    ring->rsp_cons += there < n ? there : n;
    xs_ring_kick(f->ring);
    spin(f);
}

static void set_index(struct fuzz *f, uint8_t which, const uint8_t *data,
                      size_t n)
{
    uint32_t *const index[] = {
        &f->page.ring.req_cons,   &f->page.ring.req_prod,
        &f->page.ring.rsp_cons,   &f->page.ring.rsp_prod,
        &f->page.ring.connection, &f->page.ring.error,
    };

    memcpy(index[which % ARRAY_LEN(index)], data, n < 4 ? n : 4);
    xs_ring_kick(f->ring);
    spin(f);
}

/* ---- domain 0 ---- */

static void from_host(struct fuzz *f, uint8_t what, const uint8_t *data,
                      size_t n)
{
    char path[300];
    const int at = snprintf(path, sizeof(path), "/local/domain/7/");

    memcpy(path + at, data, n);
    path[(size_t)at + n] = '\0';
    switch (what % 5) {
    case 0:
        (void)xs_write(f->xs, path, "from domain 0");
        break;
    case 1:
        (void)xs_rm(f->xs, path);
        break;
    case 2:
        (void)xs_set_perms(f->xs, path, 0, GUEST, XS_R);
        break;
    case 3:
        (void)xs_set_perms(f->xs, path, GUEST, 0, XS_R);
        break;
    default:
        xs_unwatch(&f->watch);
        f->watch = (struct xs_watch){.fn = on_watch, .owner = f};
        if (xs_watch(f->xs, &f->watch, path) < 0)
            (void)!xs_watch(f->xs, &f->watch, "/local");
        break;
    }
}

/* ---- what must hold ---- */

static unsigned count_owned(const struct xs_node *n)
{
    unsigned sum = n->perms[0].domid == GUEST;

    BUG_ON(!n->refs || n->n_perms > XS_MAX_PERMS);
    for (unsigned i = 0; i < n->n_kids; i++) {
        BUG_ON(i && strcmp(n->kids[i - 1]->name, n->kids[i]->name) >= 0);
        sum += count_owned(n->kids[i]);
    }
    return sum;
}

static void check(const struct fuzz *f)
{
    struct xs_usage u;

    xs_usage(f->xs, &u);
    BUG_ON(count_owned(f->xs->tree.root) != u.nodes);
    BUG_ON(u.watches > limits.watches);
    BUG_ON(u.transactions > limits.transactions);
    /* Domain 0 may make the guest's nodes bigger than its share. */
    BUG_ON(u.bytes > limits.total_bytes + 8 * KIB);
}

/* ---- one life ---- */

static void step(struct fuzz *f, const uint8_t *s, const uint8_t *data,
                 size_t n)
{
    switch (s[0] % 8) {
    case 0:
    case 1:
    case 2:
    case 3:
        put_message(f, s[1], data, n);
        break;
    case 4:
        put_bytes(f, data, n);
        break;
    case 5:
        set_index(f, s[1], data, n);
        break;
    case 6:
        from_host(f, s[1], data, n);
        break;
    default:
        read_answers(f, s[1] * 16u);
        break;
    }
    check(f);
}

static struct loop *loop_once(void)
{
    static struct loop *loop;

    if (!loop) {
        log_set_level(LOG_ERROR);
        BUG_ON(loop_create(&loop, NULL) < 0);
    }
    return loop;
}

static void begin(struct fuzz *f)
{
    const struct gwin win = win_of(f->page.bytes, sizeof(f->page.bytes));

    f->loop = loop_once();
    f->xs = xs_create(f->loop, GUEST, &limits);
    BUG_ON(!f->xs || xs_mkdir(f->xs, xs_guest_path(f->xs)) < 0);
    BUG_ON(xs_set_perms(f->xs, xs_guest_path(f->xs), GUEST, 0, XS_NONE) < 0);
    f->ring = xs_ring_create(f->xs, f->loop, &win, on_notify, f);
    BUG_ON(!f->ring);
    f->watch = (struct xs_watch){.fn = on_watch, .owner = f};
    BUG_ON(xs_watch(f->xs, &f->watch, "/local/domain/7") < 0);
}

static void end(struct fuzz *f)
{
    struct xs_usage u;

    xs_ring_destroy(f->ring);
    xs_unwatch(&f->watch);
    (void)xs_rm(f->xs, "/local");
    xs_usage(f->xs, &u);
    BUG_ON(u.nodes || u.watches || u.transactions);
    xs_destroy(f->xs); /* and nothing is metered any more */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz *f = calloc(1, sizeof(*f));

    BUG_ON(!f);
    begin(f);
    while (size >= 3) {
        const size_t left = size - 3;
        const size_t n = data[2] < left ? data[2] : left;

        step(f, data, data + 3, n);
        data += 3 + n;
        size = left - n;
    }
    end(f);
    free(f);
    return 0;
}
