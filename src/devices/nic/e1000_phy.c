// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * e1000_phy.c: the 82540EM's PHY, and the link it makes; see e1000.h.
 * Sources: chapter 11, 13.4.6 (MDIC), 13.5 (registers 0 to 21); IEEE 802.3,
 * 22.2.4 and 40.5.1, for those every PHY has.
 *
 * The link partner can do everything. Negotiation takes NEGOTIATE_NS: less
 * than on any wire, but not nothing, so that a driver sees the link go and
 * come. The cable is the backend's link.
 */
#include "devices/nic/e1000_priv.h"

#include <string.h>

#define NEGOTIATE_NS 10000000u /* 10 ms */

enum {
    PHY_CONTROL = 0,
    PHY_STATUS = 1,
    PHY_ADVERTISE = 4,
    PHY_PARTNER = 5,
    PHY_EXPANSION = 6,
    PHY_ADVERTISE_1000 = 9,
    PHY_PARTNER_1000 = 10,
    PHY_SPECIFIC = 17,
    PHY_INT_MASK = 18,
    PHY_INT = 19,
};

#define CONTROL_RESET     0x8000u
#define CONTROL_SPEED_LOW 0x2000u
#define CONTROL_AUTO      0x1000u
#define CONTROL_DOWN      0x0800u
#define CONTROL_ISOLATE   0x0400u
#define CONTROL_RESTART   0x0200u
#define CONTROL_DUPLEX    0x0100u
#define CONTROL_SPEED_HI  0x0040u

#define STATUS_DONE 0x0020u
#define STATUS_LINK 0x0004u

#define SPECIFIC_SPEED    14u /* shift */
#define SPECIFIC_DUPLEX   0x2000u
#define SPECIFIC_RESOLVED 0x0800u
#define SPECIFIC_LINK     0x0400u

#define INT_LINK       0x0400u
#define INT_NEGOTIATED 0x0800u

/* What a register is after a reset, and which bits can be written. */
static const struct {
    uint16_t initial;
    uint16_t mask;
} defaults[PHY_REGS] = {
    [PHY_CONTROL] = {0x1140, 0x7dc0},
    [PHY_STATUS] = {0x7949, 0},
    [2] = {0x0141, 0}, /* who made it */
    [3] = {0x0c20, 0},
    [PHY_ADVERTISE] = {0x0de1, 0xefff},
    [PHY_PARTNER] = {0, 0},
    [PHY_EXPANSION] = {0x0004, 0},
    [7] = {0x2001, 0xb7ff},
    [PHY_ADVERTISE_1000] = {0x0e00, 0xff00},
    [15] = {0x3000, 0},
    [16] = {0x0068, 0xffff},
    [PHY_INT_MASK] = {0, 0xffff},
    [20] = {0x0d60, 0xffff},
    [29] = {0, 0xffff},
    [30] = {0, 0xffff},
};

#define SPEED_10   0u
#define SPEED_100  1u
#define SPEED_1000 2u

struct mode {
    unsigned speed;
    bool full;
};

/* The best both ends can do, or what the driver forces. */
static struct mode mode_of(const struct e1000_phy *p)
{
    const uint16_t c = p->regs[PHY_CONTROL], a = p->regs[PHY_ADVERTISE];
    const uint16_t giga = p->regs[PHY_ADVERTISE_1000];
    struct mode m = {SPEED_10, false};

    if (!(c & CONTROL_AUTO)) {
        m.full = c & CONTROL_DUPLEX;
        if (c & CONTROL_SPEED_HI)
            m.speed = SPEED_1000;
        else if (c & CONTROL_SPEED_LOW)
            m.speed = SPEED_100;
    } else if (giga & 0x0300u) {
        m = (struct mode){SPEED_1000, giga & 0x0200u};
    } else if (a & 0x0180u) {
        m = (struct mode){SPEED_100, a & 0x0100u};
    } else {
        m.full = a & 0x0040u;
    }
    return m;
}

static bool link_over(const struct e1000_phy *p, bool cable)
{
    return cable && !p->negotiating &&
           !(p->regs[PHY_CONTROL] & (CONTROL_DOWN | CONTROL_ISOLATE));
}

bool e1000_link_up(const struct e1000 *n)
{
    return link_over(&n->phy, net_link_up(n->net));
}

uint32_t e1000_phy_status(const struct e1000 *n)
{
    const struct mode m = mode_of(&n->phy);

    if (!e1000_link_up(n))
        return CTRL_FD;
    return (m.full ? 1u : 0) | 2u | m.speed << 6 | m.speed << 8;
}

/* ---- the link comes and goes ---- */

static void interrupt(struct e1000 *n, uint16_t cause)
{
    struct e1000_phy *p = &n->phy;

    p->regs[PHY_INT] |= cause;
    if (p->regs[PHY_INT] & p->regs[PHY_INT_MASK])
        n->causes |= ICR_PHYINT;
}

static void changed(struct e1000 *n, bool was)
{
    const bool up = e1000_link_up(n);

    if (up == was)
        return;
    n->phy.link_lost |= !up;
    interrupt(n, INT_LINK);
    n->causes |= ICR_LSC;
    e1000_irq_flush(n);
    e1000_post(n);
}

/* Begin to negotiate, if the driver wants that; was: the link so far. */
static void begin(struct e1000 *n, bool was)
{
    struct e1000_phy *p = &n->phy;

    p->negotiating = p->regs[PHY_CONTROL] & CONTROL_AUTO &&
                     !(p->regs[PHY_CONTROL] & CONTROL_DOWN) &&
                     net_link_up(n->net);
    p->regs[PHY_PARTNER] = 0;
    p->regs[PHY_PARTNER_1000] = 0;
    p->regs[PHY_EXPANSION] = defaults[PHY_EXPANSION].initial;
    if (p->negotiating)
        e1000_timer_set(n, TIMER_NEGOTIATE, NEGOTIATE_NS);
    else
        e1000_timer_stop(n, TIMER_NEGOTIATE);
    changed(n, was);
}

static void told_by_partner(struct e1000_phy *p)
{
    p->regs[PHY_PARTNER] = 0x45e1;
    p->regs[PHY_PARTNER_1000] = 0x3c00;
    p->regs[PHY_EXPANSION] = defaults[PHY_EXPANSION].initial | 0x0003u;
}

void e1000_phy_negotiated(struct e1000 *n)
{
    n->phy.negotiating = false;
    told_by_partner(&n->phy);
    interrupt(n, INT_NEGOTIATED);
    changed(n, false);
}

static void set_defaults(struct e1000_phy *p)
{
    *p = (struct e1000_phy){.negotiating = false};
    for (unsigned i = 0; i < PHY_REGS; i++)
        p->regs[i] = defaults[i].initial;
}

/* From power-on the link has had its time. */
void e1000_phy_init(struct e1000 *n)
{
    set_defaults(&n->phy);
    if (net_link_up(n->net))
        told_by_partner(&n->phy);
}

void e1000_phy_reset(struct e1000 *n)
{
    const bool was = e1000_link_up(n);

    set_defaults(&n->phy);
    begin(n, was);
}

void e1000_phy_cable(struct e1000 *n)
{
    begin(n, link_over(&n->phy, !net_link_up(n->net)));
}

/* ---- registers ---- */

static uint16_t read_status(struct e1000 *n)
{
    struct e1000_phy *p = &n->phy;
    uint16_t v = p->regs[PHY_STATUS];

    if (e1000_link_up(n) && !p->link_lost)
        v |= STATUS_LINK;
    if (!p->negotiating && (p->regs[PHY_CONTROL] & CONTROL_AUTO) &&
        net_link_up(n->net))
        v |= STATUS_DONE;
    p->link_lost = false;
    return v;
}

static uint16_t read_specific(const struct e1000 *n)
{
    const struct mode m = mode_of(&n->phy);

    if (!e1000_link_up(n))
        return 0;
    return (uint16_t)(m.speed << SPECIFIC_SPEED |
                      (m.full ? SPECIFIC_DUPLEX : 0) | SPECIFIC_RESOLVED |
                      SPECIFIC_LINK);
}

static uint16_t phy_read(struct e1000 *n, unsigned at)
{
    uint16_t v = n->phy.regs[at];

    switch (at) {
    case PHY_STATUS:
        return read_status(n);
    case PHY_SPECIFIC:
        return read_specific(n);
    case PHY_INT: /* cleared by reading */
        n->phy.regs[at] = 0;
        return v;
    default:
        return v;
    }
}

static void write_control(struct e1000 *n, uint16_t value)
{
    struct e1000_phy *p = &n->phy;
    const bool was = e1000_link_up(n);
    const uint16_t old = p->regs[PHY_CONTROL];

    if (value & CONTROL_RESET) {
        e1000_phy_reset(n);
        return;
    }
    p->regs[PHY_CONTROL] = value & defaults[PHY_CONTROL].mask;
    p->regs[PHY_CONTROL] &= (uint16_t)~CONTROL_RESTART;
    if ((value & CONTROL_RESTART) ||
        ((value ^ old) & (CONTROL_AUTO | CONTROL_DOWN)))
        begin(n, was);
    else
        changed(n, was);
}

static void phy_write(struct e1000 *n, unsigned at, uint16_t value)
{
    uint16_t *r = &n->phy.regs[at];
    const uint16_t mask = defaults[at].mask;

    if (at == PHY_CONTROL)
        write_control(n, value);
    else
        *r = (uint16_t)((*r & ~mask) | (value & mask));
}

/* ---- MDIC (13.4.6) ---- */

#define MDIC_WRITE 1u
#define MDIC_READ  2u
#define MDIC_READY 0x10000000u
#define MDIC_INT   0x20000000u
#define MDIC_ERROR 0x40000000u
#define MDIC_PHY   1u /* its address */

void e1000_mdic_write(struct e1000 *n, uint32_t value)
{
    const unsigned at = value >> 16 & (PHY_REGS - 1), phy = value >> 21 & 31;
    const unsigned op = value >> 26 & 3;

    value &= ~(MDIC_READY | MDIC_ERROR);
    if (phy != MDIC_PHY)
        value |= MDIC_ERROR;
    else if (op == MDIC_READ)
        value = (value & ~0xffffu) | phy_read(n, at);
    else if (op == MDIC_WRITE)
        phy_write(n, at, (uint16_t)value);
    e1000_set(n, REG_MDIC, value | MDIC_READY);
    if (value & MDIC_INT)
        e1000_raise(n, ICR_MDAC);
}
