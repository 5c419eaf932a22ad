/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen_machine.h: what the fuzz targets of the Xen back-ends share: a guest
 * without a CPU (xen_rig.h), and steps that do anything with its pages,
 * grants, events and nodes. The loop and the memory last as long as the
 * process.
 */
#ifndef FUZZ_XEN_MACHINE_H
#define FUZZ_XEN_MACHINE_H

#include "fetch_count.h"
#include "step.h"
#include "xen_rig.h"

#define PAGES 16u /* granted, data and rings alike */

struct machine {
    struct xen_rig x;
    struct xen_front front;
    unsigned char *pages[PAGES];
    uint32_t refs[PAGES];
    uint32_t ports[4];
};

/* A fresh guest with pages, grants and ports, and no device yet. */
static struct machine *machine_begin(const char *type, unsigned id)
{
    static struct machine m;

    if (!m.x.loop)
        rig_host_open(&m.x);
    poison = 0;
    memset(m.x.ram, 0, RAM);
    rig_guest_open(&m.x);
    m.front = front_of(&m.x, type, id);
    m.front.r = &m.x;
    for (unsigned i = 0; i < PAGES; i++)
        m.refs[i] = granted_page(&m.x, &m.pages[i]);
    for (unsigned i = 0; i < ARRAY_LEN(m.ports); i++)
        m.ports[i] = new_port(&m.x);
    fetches.ram = m.x.ram;
    fetches.after = change;
    return &m;
}

static void machine_end(struct machine *m)
{
    poison = 0;
    rig_guest_close(&m->x);
}

static void any_port(struct machine *m, const struct step *s)
{
    uint32_t *port = &m->ports[s->where % ARRAY_LEN(m->ports)];

    if (s->a & 1) {
        close_port(&m->x, *port);
        *port = new_port(&m->x);
    } else {
        send_event(&m->x, *port);
    }
    spin(&m->x);
}

static void any_grant(struct machine *m, const struct step *s)
{
    struct grant_entry_v1 *e = entry(&m->x, m->refs[s->where % PAGES]);

    if (s->where & 0x80)
        grant(&m->x, m->refs[s->where % PAGES],
              (uint64_t)(m->pages[s->where % PAGES] - m->x.ram) / GUEST_PAGE,
              s->where & 0x40);
    else
        *e = (struct grant_entry_v1){s->a, (domid_t)(s->b & 3), s->c};
}

static const char *any_value(const struct step *s, char *buf, size_t size)
{
    static const char *const odd[] = {
        "", "x", "-1", " 1", "99999999999999999", "4294967296"};

    if (s->b & 0x8000)
        return odd[s->b % ARRAY_LEN(odd)];
    snprintf(buf, size, "%u", s->c);
    return buf;
}

static void any_node(struct machine *m, const struct step *s,
                     const char *const *nodes, size_t n)
{
    const char *node = nodes[s->where % n];
    char buf[24];

    if (s->b & 0x4000)
        untell(&m->front, node);
    else if (s->b & 0x2000)
        tell_number(&m->front, node, m->refs[s->c % PAGES]);
    else if (s->b & 0x1000)
        tell_number(&m->front, node, m->ports[s->c % ARRAY_LEN(m->ports)]);
    else
        tell(&m->front, node, any_value(s, buf, sizeof(buf)));
}

/* Steps that every device can be driven by; false: none of these. */
static bool common_step(struct machine *m, const struct step *s,
                        const char *const *nodes, size_t n)
{
    switch (s->what % 16) {
    case 0:
        memcpy(m->pages[s->where % PAGES] + s->a % (GUEST_PAGE - 4), &s->b, 4);
        return true;
    case 1: /* an index of a ring */
        memcpy(m->pages[s->where % 4] + 4 * (s->a % 4), &s->b, 4);
        return true;
    case 2:
        any_port(m, s);
        return true;
    case 3:
        any_grant(m, s);
        return true;
    case 4:
        poison = s->where;
        return true;
    case 5:
        tell_number(&m->front, "state", s->where % 10);
        if (s->where & 0x80)
            spin(&m->x);
        return true;
    case 6:
        any_node(m, s, nodes, n);
        return true;
    case 7:
        spin(&m->x);
        return true;
    default:
        return false;
    }
}

/* Whatever state the device is in: offered again. */
static void begin_anew(struct machine *m)
{
    poison = 0;
    for (unsigned i = 0; i < PAGES; i++)
        grant(&m->x, m->refs[i],
              (uint64_t)(m->pages[i] - m->x.ram) / GUEST_PAGE, false);
    set_front(&m->front, XenbusStateClosed);
    BUG_ON(back_state(&m->front) != XenbusStateClosed);
    BUG_ON(gnttab_pins(m->x.gnt) != 0);
    set_front(&m->front, XenbusStateInitialising);
    BUG_ON(back_state(&m->front) != XenbusStateInitWait);
}

#endif
