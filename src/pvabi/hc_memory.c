// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hc_memory.c: HYPERVISOR_memory_op: which page is where, how many there are.
 *
 * A page of Xen's is put where the guest wants it: on RAM it has there, or, if
 * there is none, on memory put there for it. What a guest gives back by
 * decrease_reservation goes to the host; populate_physmap gives it back as
 * zeroes.
 */
#include "pvabi/xen_priv.h"

#include "vmm/checked.h"

#include <errno.h>
#include <string.h>

/*
 * What one call does at most, with the board locked; the guest is told how many
 * extents were done. Of many calls in one, each may do less.
 */
#define MAX_EXTENTS ((uint64_t)4096)
#define MAX_PAGES   ((uint64_t)1 << 18) /* 1 GiB */
#define NESTED_MAX  ((uint64_t)64)

/* A structure by its 32-bit layout, where that differs. */
struct reservation32 {
    uint32_t extent_start;
    uint32_t nr_extents;
    uint32_t extent_order;
    uint32_t mem_flags;
    domid_t domid;
};

struct physmap32 {
    domid_t domid;
    uint16_t size;
    uint32_t space;
    uint32_t idx;
    uint32_t gpfn;
};

struct batch32 {
    domid_t domid;
    uint16_t space;
    uint16_t size;
    uint16_t extra;
    uint32_t idxs;
    uint32_t gpfns;
    uint32_t errs;
};

_Static_assert(sizeof(struct reservation32) == 20, "reservation32");
_Static_assert(sizeof(struct physmap32) == 16, "physmap32");
_Static_assert(sizeof(struct batch32) == 20, "batch32");

/* ---- where Xen's pages are ---- */

static int place_grant(struct xen *x, uint64_t idx, uint64_t gfn)
{
    const int ret = xen_back(x, gfn);

    return ret < 0 ? ret : gnttab_place(x->gt, idx, (gfn_t){gfn});
}

static int place(struct xen *x, unsigned space, uint64_t idx, uint64_t gfn)
{
    switch (space) {
    case XENMAPSPACE_shared_info:
        return idx ? -EINVAL : xen_map_shinfo(x, gfn);
    case XENMAPSPACE_gmfn:
    case XENMAPSPACE_gmfn_range:
        /* Pages of RAM stay where they are. */
        return -EOPNOTSUPP;
    case XENMAPSPACE_grant_table:
        return place_grant(x, idx, gfn);
    default:
        return -ENOSYS;
    }
}

static int add_to_physmap(struct xcall *c)
{
    struct xen_add_to_physmap a;
    struct physmap32 a32;

    if (c->is64) {
        if (xcall_in(c, c->arg[1], &a, sizeof(a)) < 0)
            return -EFAULT;
    } else {
        if (xcall_in(c, c->arg[1], &a32, sizeof(a32)) < 0)
            return -EFAULT;
        a = (struct xen_add_to_physmap){a32.domid, a32.size, a32.space, a32.idx,
                                        a32.gpfn};
    }
    if (!xen_is_self(a.domid))
        return -ESRCH;
    /* KVM may have filled the hypercall page without a word to us. */
    if (a.space == XENMAPSPACE_shared_info && !c->x->latched)
        xen_latch(c->x, c->is64);
    return place(c->x, a.space, a.idx, a.gpfn);
}

struct batch {
    domid_t domid;
    uint16_t space;
    uint16_t size;
    uint64_t idxs;
    uint64_t gpfns;
    uint64_t errs;
};

static int read_batch(const struct xcall *c, struct batch *b)
{
    struct batch32 b32;
    unsigned char raw[32];

    _Static_assert(sizeof(raw) == sizeof(struct xen_add_to_physmap_batch),
                   "batch");
    if (!c->is64) {
        if (xcall_in(c, c->arg[1], &b32, sizeof(b32)) < 0)
            return -EFAULT;
        *b = (struct batch){b32.domid, b32.space, b32.size,
                            b32.idxs,  b32.gpfns, b32.errs};
        return 0;
    }
    if (xcall_in(c, c->arg[1], raw, sizeof(raw)) < 0)
        return -EFAULT;
    memcpy(&b->domid, raw, 2);
    memcpy(&b->space, raw + 2, 2);
    memcpy(&b->size, raw + 4, 2);
    memcpy(&b->idxs, raw + 8, 8);
    memcpy(&b->gpfns, raw + 16, 8);
    memcpy(&b->errs, raw + 24, 8);
    return 0;
}

static int add_to_physmap_batch(struct xcall *c)
{
    struct batch b;

    if (read_batch(c, &b) < 0)
        return -EFAULT;
    if (!xen_is_self(b.domid))
        return -ESRCH;
    if (c->nested && b.size > NESTED_MAX)
        return -E2BIG;
    for (uint32_t i = 0; i < b.size; i++) {
        uint64_t idx, gfn;
        int32_t err;

        if (xcall_word_in(c, b.idxs, i, &idx) < 0 ||
            xcall_word_in(c, b.gpfns, i, &gfn) < 0)
            return -EFAULT;
        err = place(c->x, b.space, idx, gfn);
        if (xcall_out_at(c, b.errs, i, &err, sizeof(err)) < 0)
            return -EFAULT;
    }
    return 0;
}

static int remove_from_physmap(struct xcall *c)
{
    uint64_t gfn;
    domid_t domid;

    /* domid, padding to a word, gpfn */
    if (xcall_in(c, c->arg[1], &domid, sizeof(domid)) < 0 ||
        xcall_word_in(c, c->arg[1], 1, &gfn) < 0)
        return -EFAULT;
    if (!xen_is_self(domid))
        return -ESRCH;
    if (gfn > UINT64_MAX >> 12 ||
        !gmem_is_ram(c->x->mem, GPA(gfn << 12), GUEST_PAGE))
        return -ENOENT;
    xen_unmap_page(c->x, gfn);
    return 0;
}

/* ---- the map and its size ---- */

/* As BIOS INT 15h, E820h. */
struct e820_entry {
    uint64_t base;
    uint64_t size;
    uint32_t type;
} __attribute__((packed));

static int memory_map(struct xcall *c)
{
    const struct machine_desc *m = c->x->desc;
    uint32_t n;
    uint64_t buffer;

    /* nr_entries, padding to a word, the buffer's address */
    if (xcall_in(c, c->arg[1], &n, sizeof(n)) < 0 ||
        xcall_word_in(c, c->arg[1], 1, &buffer) < 0)
        return -EFAULT;
    if (n > m->n_ranges)
        n = m->n_ranges;
    for (uint32_t i = 0; buffer && i < n; i++) {
        const struct e820_entry e = {m->map[i].base.v, m->map[i].size,
                                     (uint32_t)m->map[i].type};

        if (xcall_out_at(c, buffer, i, &e, sizeof(e)) < 0)
            return -EFAULT;
    }
    return xcall_out(c, c->arg[1], &n, sizeof(n));
}

static int64_t of_domain(struct xcall *c, uint64_t value)
{
    struct xen_memory_domain a;

    if (xcall_in(c, c->arg[1], &a, sizeof(a)) < 0)
        return -EFAULT;
    return xen_is_self(a.domid) ? (int64_t)value : -ESRCH;
}

static uint64_t maximum_gfn(const struct xen *x)
{
    uint64_t max = 0;

    for (unsigned i = 0; i < x->desc->n_ranges; i++) {
        const struct mem_range *r = &x->desc->map[i];
        const uint64_t last = (r->base.v + r->size - 1) >> 12;

        if (last > max)
            max = last;
    }
    return max;
}

/* ---- balloon ---- */

struct extents {
    uint64_t start;
    uint64_t n;
    uint32_t order;
    domid_t domid;
};

static int read_extents(const struct xcall *c, struct extents *e)
{
    struct reservation32 r32;
    struct xen_memory_reservation r;

    if (c->is64) {
        if (xcall_in(c, c->arg[1], &r, sizeof(r)) < 0 ||
            xcall_word_in(c, c->arg[1], 0, &e->start) < 0)
            return -EFAULT;
        e->n = r.nr_extents;
        e->order = r.extent_order;
        e->domid = r.domid;
        return 0;
    }
    if (xcall_in(c, c->arg[1], &r32, sizeof(r32)) < 0)
        return -EFAULT;
    *e = (struct extents){r32.extent_start, r32.nr_extents, r32.extent_order,
                          r32.domid};
    return 0;
}

/* A domain gets blocks of at most 2 MiB. */
#define MAX_ORDER 9

/* Give one extent back; false: it is none of the guest's. */
static bool release(struct xen *x, uint64_t gfn, uint64_t pages)
{
    if (gfn > (UINT64_MAX >> 12) - pages ||
        !gmem_is_ram(x->mem, GPA(gfn << 12), pages << 12))
        return false;
    for (uint64_t i = 0; i < pages; i++)
        xen_unmap_page(x, gfn + i);
    if (gmem_discard(x->mem, GPA(gfn << 12), pages << 12) < 0)
        return false;
    x->gone_pages += pages;
    return true;
}

/* The memory is there since the guest was made: it is only counted. */
static bool populate(struct xen *x, uint64_t gfn, uint64_t pages)
{
    if (gfn > (UINT64_MAX >> 12) - pages ||
        !gmem_is_ram(x->mem, GPA(gfn << 12), pages << 12))
        return false;
    x->gone_pages -= pages < x->gone_pages ? pages : x->gone_pages;
    return true;
}

/* How many extents were done; an error only if none could be looked at. */
static int64_t for_extents(struct xcall *c,
                           bool (*fn)(struct xen *x, uint64_t gfn,
                                      uint64_t pages))
{
    struct extents e;
    uint64_t i, max;

    if (read_extents(c, &e) < 0)
        return -EFAULT;
    if (!xen_is_self(e.domid))
        return -ESRCH;
    if (e.order > MAX_ORDER)
        return -EPERM;
    max = c->nested ? NESTED_MAX : MAX_EXTENTS;
    for (i = 0; i < e.n && i < max && i << e.order < MAX_PAGES; i++) {
        uint64_t gfn;

        if (xcall_word_in(c, e.start, i, &gfn) < 0 ||
            !fn(c->x, gfn, (uint64_t)1 << e.order))
            break;
    }
    return (int64_t)i;
}

int64_t hc_memory_op(struct xcall *c)
{
    /* Higher bits are where an interrupted call goes on: ours are not. */
    switch (c->arg[0]) {
    case XENMEM_add_to_physmap:
        return add_to_physmap(c);
    case XENMEM_add_to_physmap_batch:
        return add_to_physmap_batch(c);
    case XENMEM_remove_from_physmap:
        return remove_from_physmap(c);
    case XENMEM_memory_map:
        return memory_map(c);
    case XENMEM_current_reservation:
        return of_domain(c, c->x->max_pages - c->x->gone_pages);
    case XENMEM_maximum_reservation:
        return of_domain(c, c->x->max_pages);
    case XENMEM_maximum_gpfn:
        return of_domain(c, maximum_gfn(c->x));
    case XENMEM_maximum_ram_page:
        return (int64_t)maximum_gfn(c->x);
    case XENMEM_decrease_reservation:
        return for_extents(c, release);
    case XENMEM_populate_physmap:
    case XENMEM_increase_reservation:
        return for_extents(c, populate);
    default:
        return -ENOSYS;
    }
}
