// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * place.c: see place.h.
 *
 * High, because kernels grow upwards from where they are linked and take
 * their early page tables and heaps from there. Below the hole, because
 * start_info's readers keep module addresses in 32 bits. Above 1 MiB,
 * because the first megabyte holds the tables and SMP trampolines.
 */
#include "boot/place.h"

#include "abi/layout.h"
#include "vmm/checked.h"

#define FLOOR MIB

/* How many bytes from gpa on are RAM in one range of the map; 0 if none. */
static uint64_t ram_run(const struct machine_desc *m, uint64_t gpa)
{
    for (unsigned i = 0; i < m->n_ranges; i++) {
        const struct mem_range *r = &m->map[i];

        if (r->type == MEM_RAM && gpa >= r->base.v && gpa - r->base.v < r->size)
            return r->size - (gpa - r->base.v);
    }
    return 0;
}

/* Ranges may abut, so a stretch may cross from one into the next. */
bool place_is_ram(const struct machine_desc *m, gpa_t base, uint64_t size)
{
    uint64_t gpa = base.v, end;

    if (size == 0 || !checked_add(base.v, size, &end))
        return false;
    while (gpa < end) {
        const uint64_t run = ram_run(m, gpa);

        if (run == 0)
            return false;
        gpa = run < end - gpa ? gpa + run : end;
    }
    return true;
}

static const struct span *hit(const struct span *taken, unsigned n,
                              uint64_t base, uint64_t size)
{
    for (unsigned i = 0; i < n; i++)
        if (ranges_overlap(base, size, taken[i].base, taken[i].size))
            return &taken[i];
    return NULL;
}

/*
 * The highest place in [lo, hi). Below a span that is in the way nothing
 * higher than its base is worth a try; so hi falls with each step.
 */
static bool place_in(uint64_t lo, uint64_t hi, const struct span *taken,
                     unsigned n, uint64_t size, gpa_t *out)
{
    while (hi > lo && hi - lo >= size) {
        const uint64_t at = (hi - size) & ~(GUEST_PAGE - 1);
        const struct span *s = hit(taken, n, at, size);

        if (at < lo)
            return false;
        if (!s) {
            *out = GPA(at);
            return true;
        }
        hi = s->base;
    }
    return false;
}

bool place_high(const struct machine_desc *m, const struct span *taken,
                unsigned n, uint64_t size, gpa_t *out)
{
    for (unsigned i = m->n_ranges; i--;) {
        const struct mem_range *r = &m->map[i];
        const uint64_t end = r->base.v + r->size;
        const uint64_t lo = r->base.v > FLOOR ? r->base.v : FLOOR;
        const uint64_t hi = end < LAYOUT_HOLE ? end : LAYOUT_HOLE;

        if (r->type == MEM_RAM && place_in(lo, hi, taken, n, size, out))
            return true;
    }
    return false;
}

/* What fits, fits when smaller: bisect. */
uint64_t place_room(const struct machine_desc *m, const struct span *taken,
                    unsigned n)
{
    uint64_t fits = 0, too_big = LAYOUT_HOLE / GUEST_PAGE;
    gpa_t at;

    while (too_big - fits > 1) {
        const uint64_t half = fits + (too_big - fits) / 2;

        if (place_high(m, taken, n, half * GUEST_PAGE, &at))
            fits = half;
        else
            too_big = half;
    }
    return fits * GUEST_PAGE;
}
