// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bus.c: the claimed ranges of port and memory space; see devices/bus.h.
 *
 * Each space is an array of ranges sorted by base, searched by bisection; a
 * guest talks to one device in bursts, so the range that answered last is
 * tried first. Ranges never overlap, hence at most one can hold an address. A
 * device may claim and unclaim in the middle of an access: the range that
 * answers is not looked at again.
 *
 * Unclaimed addresses are guest-chosen and without number, so what was asked
 * for most is kept by the "space saving" method: a full table gives its
 * least counted slot to the newcomer, who inherits the count. Counts are then
 * upper bounds, and what is really asked for often always stays.
 */
#include "devices/bus.h"
#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HOT_SLOTS 16
#define ROOM_STEP 128
#define PIO_SIZE  0x10000u
#define N_SPACES  2

struct range {
    uint64_t base;
    uint64_t len;
    const struct io_ops *ops; /* borrowed */
    void *dev;                /* borrowed */
};

struct hot {
    uint64_t addr;
    uint64_t count; /* 0: the slot is free */
};

struct bus_space {
    struct range *ranges; /* owned, sorted by base */
    size_t n;
    size_t room; /* ranges there is memory for; never shrinks */
    size_t last; /* index of the range that answered last */
    uint64_t unclaimed;
    struct hot hot[HOT_SLOTS];
};

struct bus {
    struct bus_space spaces[N_SPACES]; /* indexed by enum space */
};

static const char *const space_names[N_SPACES] = {
    [SPACE_PIO] = "port",
    [SPACE_MMIO] = "memory",
};

struct bus *bus_create(void)
{
    struct bus *bus = calloc(1, sizeof(*bus));

    if (!bus)
        log_error("bus: out of memory");
    return bus;
}

void bus_destroy(struct bus *bus)
{
    if (!bus)
        return;
    for (size_t i = 0; i < N_SPACES; i++)
        free(bus->spaces[i].ranges);
    free(bus);
}

/* Index of the first range with base > addr. */
static size_t upper_bound(const struct bus_space *s, uint64_t addr)
{
    size_t low = 0;
    size_t high = s->n;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;

        if (s->ranges[mid].base <= addr)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool is_taken(const struct bus_space *s, uint64_t base, uint64_t len)
{
    for (size_t i = 0; i < s->n; i++)
        if (ranges_overlap(base, len, s->ranges[i].base, s->ranges[i].len))
            return true;
    return false;
}

/*
 * Room for one range more, made in steps that hold all a machine has: what is
 * claimed while the guest runs (a PCI BAR that it enables) finds it there.
 */
static int make_room(struct bus_space *s)
{
    struct range *grown;

    if (s->n < s->room)
        return 0;
    grown = reallocarray(s->ranges, s->room + ROOM_STEP, sizeof(*grown));
    if (!grown) {
        log_error("bus: out of memory");
        return -ENOMEM;
    }
    s->ranges = grown;
    s->room += ROOM_STEP;
    return 0;
}

int bus_claim(struct bus *bus, enum space space, uint64_t base, uint64_t len,
              const struct io_ops *ops, void *dev)
{
    struct bus_space *s = &bus->spaces[space];
    uint64_t end;
    int ret;
    size_t at;

    if (!len || !checked_add(base, len, &end))
        return -EINVAL;
    if (space == SPACE_PIO && end > PIO_SIZE)
        return -EINVAL;
    if (is_taken(s, base, len))
        return -EEXIST;
    ret = make_room(s);
    if (ret < 0)
        return ret;
    at = upper_bound(s, base);
    memmove(&s->ranges[at + 1], &s->ranges[at],
            (s->n - at) * sizeof(*s->ranges));
    s->ranges[at] = (struct range){base, len, ops, dev};
    s->n++;
    return 0;
}

void bus_unclaim(struct bus *bus, enum space space, uint64_t base)
{
    struct bus_space *s = &bus->spaces[space];
    const size_t at = upper_bound(s, base);

    BUG_ON(at == 0 || s->ranges[at - 1].base != base);
    memmove(&s->ranges[at - 1], &s->ranges[at],
            (s->n - at) * sizeof(*s->ranges));
    s->n--;
}

/* The range that holds all of [addr, addr+n), or NULL. */
static const struct range *find(struct bus_space *s, uint64_t addr, unsigned n)
{
    size_t i = s->last;

    if (i >= s->n || addr - s->ranges[i].base >= s->ranges[i].len) {
        i = upper_bound(s, addr);
        if (i == 0)
            return NULL;
        i--;
    }
    if (!range_ok(addr - s->ranges[i].base, n, s->ranges[i].len))
        return NULL;
    s->last = i;
    return &s->ranges[i];
}

static void note_unclaimed(struct bus_space *s, uint64_t addr)
{
    struct hot *least = &s->hot[0];

    s->unclaimed++;
    for (size_t i = 0; i < HOT_SLOTS; i++) {
        struct hot *h = &s->hot[i];

        if (h->count && h->addr == addr) {
            h->count++;
            return;
        }
        if (h->count < least->count)
            least = h;
    }
    least->addr = addr;
    least->count++;
}

void bus_access(struct bus *bus, enum space space, uint64_t addr, void *data,
                unsigned n, bool write)
{
    struct bus_space *s = &bus->spaces[space];
    const struct range *r = find(s, addr, n);

    if (!r) {
        note_unclaimed(s, addr);
        if (!write)
            memset(data, 0xff, n);
        return;
    }
    if (write)
        r->ops->write(r->dev, addr - r->base, data, n);
    else
        r->ops->read(r->dev, addr - r->base, data, n);
}

uint64_t bus_unclaimed(const struct bus *bus, enum space space)
{
    return bus->spaces[space].unclaimed;
}

static int by_count_falling(const void *a, const void *b)
{
    const struct hot *x = a;
    const struct hot *y = b;

    return (x->count < y->count) - (x->count > y->count);
}

void bus_report(const struct bus *bus, FILE *out)
{
    for (size_t i = 0; i < N_SPACES; i++) {
        const struct bus_space *s = &bus->spaces[i];
        struct hot hot[HOT_SLOTS];

        if (!s->unclaimed)
            continue;
        fprintf(out, "unclaimed %s accesses: %" PRIu64 ", most of them at:\n",
                space_names[i], s->unclaimed);
        memcpy(hot, s->hot, sizeof(hot));
        qsort(hot, HOT_SLOTS, sizeof(hot[0]), by_count_falling);
        for (size_t h = 0; h < HOT_SLOTS && hot[h].count; h++)
            fprintf(out, "  0x%" PRIx64 ": %" PRIu64 "\n", hot[h].addr,
                    hot[h].count);
    }
}
