// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hc_physdev.c: HYPERVISOR_physdev_op, and what its numbers, the "physical"
 * interrupts (pirqs), stand for: interrupts of emulated devices.
 *
 * The guest has a line mapped to a number, or takes a number and writes it into
 * a device's message; then it binds the number to a port. While it is both
 * mapped and bound the line is led to the port and its I/O APIC pin is quiet.
 * A number that is a message's is told from the others when one comes in.
 *
 * What is given out for lines and for messages are two ranges, so that messages
 * never leave a line without a number.
 *
 * Source: Xen's public physdev.h.
 */
#include "pvabi/xen_priv.h"

#include <errno.h>
#include <stddef.h>

/* Numbers given out: the lower ones are for whoever asks for them by name. */
#define FIRST_GIVEN   16
#define FIRST_MESSAGE 64

_Static_assert(FIRST_MESSAGE - FIRST_GIVEN >= XEN_MAX_GSIS, "one for each");

/* ---- what a number stands for ---- */

/* The number of a line, or -ENOENT. */
static int pirq_of(const struct xen *x, unsigned gsi)
{
    for (unsigned i = 0; i < EVTCHN_MAX_PIRQS; i++)
        if (x->pirqs[i].use == PIRQ_LINE && x->pirqs[i].gsi == gsi)
            return (int)i;
    return -ENOENT;
}

static bool is_free(const struct xen *x, int pirq)
{
    return x->pirqs[pirq].use == PIRQ_FREE;
}

/* A number nobody has, or -ENOSPC. */
static int free_pirq(const struct xen *x, int type)
{
    if (type == MAP_PIRQ_TYPE_GSI)
        for (int i = FIRST_GIVEN; i < FIRST_MESSAGE; i++)
            if (is_free(x, i))
                return i;
    for (int i = EVTCHN_MAX_PIRQS - 1; i >= FIRST_MESSAGE; i--)
        if (is_free(x, i))
            return i;
    return -ENOSPC;
}

static bool is_line(const struct xen *x, uint32_t pirq)
{
    return x->pirqs[pirq].use == PIRQ_LINE;
}

/* Where upcalls come by a line, a line's event would raise it in turn. */
static bool has_vector(const struct xen *x)
{
    return x->vcpus[0].vector || x->callback;
}

void pirq_bound(void *ctx, uint32_t pirq, bool bound)
{
    struct xen *x = ctx;

    if (is_line(x, pirq))
        x->ops.lead(x->ops.ctx, x->pirqs[pirq].gsi, bound);
}

void pirq_reset(struct xen *x)
{
    for (unsigned i = 0; i < EVTCHN_MAX_PIRQS; i++)
        x->pirqs[i] = (struct pirq){.use = PIRQ_FREE};
}

/* ---- interrupts ---- */

void xen_gsi(struct xen *x, unsigned gsi)
{
    const int pirq = pirq_of(x, gsi);

    if (pirq >= 0 && has_vector(x))
        evtchn_pirq(x->ev, (uint32_t)pirq);
}

/* A message to a local APIC (Intel SDM volume 3, 11.11), with more bits. */
#define MSI_BASE       0xfee00000u
#define MSI_BASE_MASK  0xfff00000u
#define MSI_DEST_SHIFT 12
#define MSI_DEST_HIGH  0xffffff00u /* of the address's upper half */
#define MSI_VECTOR     0xffu

bool xen_message(struct xen *x, uint64_t addr, uint32_t data)
{
    const uint32_t pirq = ((uint32_t)(addr >> 32) & MSI_DEST_HIGH) |
                          ((addr >> MSI_DEST_SHIFT) & 0xff);

    if ((data & MSI_VECTOR) || ((uint32_t)addr & MSI_BASE_MASK) != MSI_BASE)
        return false;
    if (pirq == 0 || !evtchn_pirq_port(x->ev, pirq) || is_line(x, pirq))
        return false;
    x->pirqs[pirq].use = PIRQ_MESSAGE;
    evtchn_pirq(x->ev, pirq);
    return true;
}

/* ---- the calls ---- */

/* A guest changes what is its own, under the name of "myself" only. */
static int check_domain(domid_t dom)
{
    if (dom == DOMID_SELF)
        return 0;
    return dom == XEN_GUEST_DOMID || dom == XEN_BACKEND_DOMID ? -EPERM : -ESRCH;
}

/* Which number the line is to have, or already has; or -errno. */
static int choose(const struct xen *x, unsigned gsi, int wanted)
{
    const int has = pirq_of(x, gsi);

    if (has >= 0)
        return wanted < 0 || wanted == has ? has : -EEXIST;
    if (wanted < 0)
        return free_pirq(x, MAP_PIRQ_TYPE_GSI);
    if (wanted >= EVTCHN_MAX_PIRQS)
        return -EINVAL;
    if (is_line(x, (uint32_t)wanted) || x->pirqs[wanted].use == PIRQ_MESSAGE)
        return -EEXIST;
    return wanted;
}

static int map_line(struct xen *x, int gsi, int *pirq)
{
    int ret;

    if (gsi < 0 || (unsigned)gsi >= x->n_gsis)
        return -EINVAL;
    ret = choose(x, (unsigned)gsi, *pirq);
    if (ret < 0)
        return ret;
    *pirq = ret;
    if (is_line(x, (uint32_t)ret))
        return 0;
    x->pirqs[ret] = (struct pirq){.use = PIRQ_LINE, .gsi = (uint8_t)gsi};
    if (evtchn_pirq_port(x->ev, (uint32_t)ret))
        pirq_bound(x, (uint32_t)ret, true);
    return 0;
}

static int map_pirq(struct xcall *c)
{
    /* What is behind these has another place in 32-bit guests, and no use. */
    const size_t size = offsetof(struct physdev_map_pirq, bus);
    struct physdev_map_pirq m = {0};
    int ret;

    if (xcall_in(c, c->arg[1], &m, size) < 0)
        return -EFAULT;
    ret = check_domain(m.domid);
    if (ret < 0)
        return ret;
    if (m.type != MAP_PIRQ_TYPE_GSI || !has_vector(c->x))
        return -EINVAL;
    ret = map_line(c->x, m.index, &m.pirq);
    return ret < 0 ? ret : xcall_out(c, c->arg[1], &m, size);
}

static int unmap_pirq(struct xcall *c)
{
    struct physdev_unmap_pirq u;
    int ret;

    if (xcall_in(c, c->arg[1], &u, sizeof(u)) < 0)
        return -EFAULT;
    ret = check_domain(u.domid);
    if (ret < 0)
        return ret;
    if (u.pirq < 0 || u.pirq >= EVTCHN_MAX_PIRQS || is_free(c->x, u.pirq))
        return -EINVAL;
    if (evtchn_pirq_port(c->x->ev, (uint32_t)u.pirq))
        pirq_bound(c->x, (uint32_t)u.pirq, false);
    c->x->pirqs[u.pirq] = (struct pirq){.use = PIRQ_FREE};
    return 0;
}

static bool ends(const struct xen *x, uint32_t pirq)
{
    return is_line(x, pirq) && x->ended_gsis >> x->pirqs[pirq].gsi & 1;
}

/* A line that is up still asks again. */
static int eoi(struct xcall *c)
{
    struct xen *x = c->x;
    struct physdev_eoi e;

    if (xcall_in(c, c->arg[1], &e, sizeof(e)) < 0)
        return -EFAULT;
    if (e.irq >= EVTCHN_MAX_PIRQS)
        return -EINVAL;
    if (is_free(x, (int)e.irq) && !evtchn_pirq_port(x->ev, e.irq))
        return -EINVAL;
    if (ends(x, e.irq) && evtchn_pirq_port(x->ev, e.irq))
        x->ops.end(x->ops.ctx, x->pirqs[e.irq].gsi);
    return 0;
}

static int irq_status_query(struct xcall *c)
{
    struct physdev_irq_status_query q;

    if (xcall_in(c, c->arg[1], &q, sizeof(q)) < 0)
        return -EFAULT;
    if (q.irq >= EVTCHN_MAX_PIRQS || is_free(c->x, (int)q.irq))
        return -EINVAL;
    q.flags = ends(c->x, q.irq) ? XENIRQSTAT_needs_eoi : 0;
    return xcall_out(c, c->arg[1], &q, sizeof(q));
}

static int get_free_pirq(struct xcall *c)
{
    struct physdev_get_free_pirq f;
    int ret;

    if (xcall_in(c, c->arg[1], &f, sizeof(f)) < 0)
        return -EFAULT;
    ret = free_pirq(c->x, f.type);
    if (ret < 0)
        return ret;
    f.pirq = (uint32_t)ret;
    if (xcall_out(c, c->arg[1], &f, sizeof(f)) < 0)
        return -EFAULT;
    c->x->pirqs[f.pirq].use = PIRQ_GIVEN;
    return 0;
}

int64_t hc_physdev_op(struct xcall *c)
{
    if (!c->x->n_gsis)
        return -ENOSYS;
    switch (c->arg[0]) {
    case PHYSDEVOP_map_pirq:
        return map_pirq(c);
    case PHYSDEVOP_unmap_pirq:
        return unmap_pirq(c);
    case PHYSDEVOP_eoi:
        return eoi(c);
    case PHYSDEVOP_irq_status_query:
        return irq_status_query(c);
    case PHYSDEVOP_get_free_pirq:
        return get_free_pirq(c);
    default:
        /* PHYSDEVOP_pirq_eoi_gmfn_* too, which is for PV guests. */
        return -ENOSYS;
    }
}
