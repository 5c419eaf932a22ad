// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pc_xen.c: what a PC has for a guest of Xen besides: the platform device, the
 * unplugging of what its drivers take over, the line of upcalls, interrupts
 * that are events; see pc.h.
 *
 * Only doubles go (pc_slots.h): what the operator asked for as IDE or e1000
 * stays. A double that went comes back with the next machine, after a reboot.
 */
#include "pc.h"

#include "devices/ata/ide.h"
#include "pc_slots.h"
#include "vmm/log.h"

#include <errno.h>

/* ---- unplugging ---- */

static unsigned unplug_disks(struct pc *p, bool all)
{
    const struct config *cfg = p->host.cfg;
    unsigned n = 0;

    for (unsigned i = 0; i < cfg->n_disks; i++) {
        const unsigned place = pc_ide_place(cfg, i);

        if (cfg->disks[i].iface != DISK_XEN || cfg->disks[i].cdrom ||
            place == PC_NO_PLACE || (place == 0 && !all))
            continue;
        n += ide_unplug(p->ide, place / IDE_DRIVES, place % IDE_DRIVES);
    }
    return n;
}

static unsigned unplug_nics(struct pc *p)
{
    const struct config *cfg = p->host.cfg;
    unsigned n = 0;

    for (unsigned i = 0; i < cfg->n_nets; i++)
        if (cfg->nets[i].model == NET_XEN && p->nics[i])
            n += e1000_unplug(p->nics[i]);
    return n;
}

static void on_unplug(void *ctx, unsigned what)
{
    struct pc *p = ctx;
    unsigned disks = 0, nics = 0;

    if (what & (XEN_UNPLUG_DISKS | XEN_UNPLUG_AUX))
        disks = unplug_disks(p, what & XEN_UNPLUG_DISKS);
    if (what & XEN_UNPLUG_NICS)
        nics = unplug_nics(p);
    /* Each goes once. */
    if (disks || nics)
        log_info("the guest has %u IDE disks and %u network cards unplugged: "
                 "it has Xen's drivers",
                 disks, nics);
}

/* ---- the device ---- */

static void on_moved(void *ctx, uint64_t base)
{
    const struct pc *p = ctx;

    gmem_place_bar(p->host.mem, base);
}

int pc_make_xen(struct pc *p)
{
    const struct config *cfg = p->host.cfg;
    const struct xen_platform_hooks hooks = {
        .unplug = on_unplug, .moved = on_moved, .ctx = p};
    void *ram;
    int ret;

    if (cfg->abi != ABI_XEN)
        return 0;
    ram = gmem_reserve_bar(p->host.mem, XEN_PLATFORM_RAM);
    if (!ram)
        return -ENOMEM;
    p->xen = xen_platform_create(&hooks, ram, cfg->unplug != UNPLUG_NEVER);
    if (!p->xen)
        return -ENOMEM;
    ret = pc_ports(p, XEN_PLATFORM_PORT, XEN_PLATFORM_PORTS, &xen_platform_ops,
                   p->xen);
    if (ret < 0)
        return ret;
    return pci_bus_plug(p->pci, pc_slot(cfg, PC_KIND_XEN, 0),
                        xen_platform_func(p->xen));
}

void pc_destroy_xen(struct pc *p)
{
    if (p->xen)
        pci_bus_unplug(xen_platform_func(p->xen));
    xen_platform_destroy(p->xen);
}

/* ---- for the board ---- */

struct chr *pc_xen_console(void *pc)
{
    const struct pc *p = pc;

    return p->host.host->dev->pc_ports[PC_PORT_XEN];
}

/*
 * The platform device's own pin, or an ISA line, which others may be on too:
 * PIRQs that are steered there, and nobody else.
 */
int pc_xen_line(void *pc, const struct xen_via *via, bool level)
{
    static const uint32_t shared = 1u << 5 | 1u << 10 | 1u << 11;
    struct pc *p = pc;
    struct pci_func *f = xen_platform_func(p->xen);

    if (via->kind == XEN_VIA_INTX) {
        if (via->devfn != f->slot << 3 || via->line != 0)
            return -EINVAL;
        pci_func_set_intx(f, level);
        return 0;
    }
    if (via->line >= PC_IRQ_ISA_LINES || !(shared & 1u << via->line))
        return -EINVAL;
    pc_irq_set(p->irq, via->line, level);
    return 0;
}

/* ---- interrupts that are events ---- */

static void set_events(void *pc, const struct platform_events *to)
{
    struct pc *p = pc;

    p->events = *to;
}

/* The 8254 counts ticks that the guest takes: by now somewhere else. */
static void lead(void *pc, unsigned gsi, bool to_event)
{
    struct pc *p = pc;

    if (gsi == PC_IRQ_TIMER_PIN)
        i8254_forgive(p->pit);
    pc_irq_lead(p->irq, gsi, to_event);
}

static void end(void *pc, unsigned gsi)
{
    struct pc *p = pc;

    if (gsi == PC_IRQ_TIMER_PIN)
        i8254_tick_taken(p->pit);
    else
        pc_irq_ended(p->irq, gsi);
}

const struct platform_xen_events pc_xen_events = {
    .gsis = PC_IRQ_PINS,
    .ended = PC_IRQ_LEVELS | 1u << PC_IRQ_TIMER_PIN,
    .connect = set_events,
    .lead = lead,
    .end = end,
};
