// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pc_bars.c: memory behind a PC's BARs, shown to the guest as pieces of the
 * VM's map: what is not shown costs an exit for each access, and no more.
 *
 * Thread: board lock held.
 */
#include "pc.h"

static struct pc_bar_piece *find_piece(struct pc *p, uint64_t base)
{
    for (unsigned i = 0; i < PC_BAR_PIECES; i++)
        if (p->bar_pieces[i].base == base)
            return &p->bar_pieces[i];
    return NULL;
}

/* base 0 is nowhere in the window: it marks what is not in use. */
static bool show(void *ctx, uint64_t base, void *host, uint64_t size,
                 bool read_only)
{
    struct pc *p = ctx;
    struct pc_bar_piece *b = find_piece(p, 0);
    const struct vm_piece piece = {
        .base = GPA(base), .size = size, .host = host, .read_only = read_only};

    if (!b ||
        vm_put_piece(p->host.vm, PC_MEM_PIECES + (unsigned)(b - p->bar_pieces),
                     &piece) < 0)
        return false;
    b->base = base;
    return true;
}

static void hide(void *ctx, uint64_t base)
{
    static const struct vm_piece nothing;
    struct pc *p = ctx;
    struct pc_bar_piece *b = find_piece(p, base);

    BUG_ON(!b);
    b->base = 0;
    /* What KVM keeps showing is memory of the device, until it goes. */
    if (vm_put_piece(p->host.vm, PC_MEM_PIECES + (unsigned)(b - p->bar_pieces),
                     &nothing) < 0)
        log_warn("pci: memory at %#llx stays visible",
                 (unsigned long long)base);
}

struct pci_map_ops pc_bar_map(struct pc *p)
{
    return (struct pci_map_ops){.map = show, .unmap = hide, .ctx = p};
}
