// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * e1000_tx.c: the transmit ring of the 82540EM; see e1000.h. Source: 3.3
 * (descriptors), 3.4 (the ring).
 *
 * A descriptor is copied once and what it says is kept: a packet is gathered
 * as segments of guest memory until its last descriptor (EOP). Then it is
 * sent (e1000_send.c), and only then are its descriptors reported, for the
 * driver takes a buffer back when it is. While the link refuses a packet, the
 * ring stands still.
 *
 * A packet of more segments than there is room for, or with a buffer that is
 * not RAM, is thrown away at its end. A ring whose head or tail lies outside
 * of it stands still until the driver mends that.
 *
 * Thread: loop, board lock held.
 */
#include "devices/nic/e1000_priv.h"

/* Descriptors and frames in a turn, so that others have theirs. */
#define TURN 256u

#define CMD_EOP  0x01u
#define CMD_IC   0x04u /* legacy: insert a checksum */
#define CMD_TSE  0x04u /* else: segment */
#define CMD_RS   0x08u
#define CMD_DEXT 0x20u
#define CMD_VLE  0x40u
#define CMD_IDE  0x80u

#define TUCMD_TCP 0x01u
#define TUCMD_IP  0x02u

#define POPTS_IXSM 0x01u
#define POPTS_TXSM 0x02u

#define STA_DD     0x01u
#define STA_OFFSET 12u /* of the status byte in a descriptor */

/* What a context can say of a packet to be segmented. */
#define MOST_SEGMENT ((1u << 20) + 255u)

struct desc {
    uint64_t addr;
    uint32_t lower, upper;
};

_Static_assert(sizeof(struct desc) == DESC_BYTES, "3.3");

enum desc_type { CONTEXT = 0, DATA = 1, LEGACY = 16 };

static unsigned cmd_of(const struct desc *d)
{
    return d->lower >> 24;
}

static unsigned type_of(const struct desc *d)
{
    return cmd_of(d) & CMD_DEXT ? d->lower >> 20 & 0xf : LEGACY;
}

/* ---- reports ---- */

static void report_all(struct e1000 *n)
{
    struct e1000_tx *tx = &n->tx;
    int ret = 0;

    if (!tx->n_reports)
        return;
    for (unsigned i = 0; i < tx->n_reports; i++)
        ret |= gmem_write(n->mem, tx->reports[i].at, &tx->reports[i].status, 1);
    (void)ret; /* RAM that was read can be written */
    if (tx->at_once)
        n->causes |= ICR_TXDW;
    else
        n->tx_written = true;
    tx->n_reports = 0;
    tx->at_once = false;
}

/* Remember to report a descriptor, if it wants to be. */
static void report(struct e1000 *n, const struct desc *d, gpa_t at)
{
    struct e1000_tx *tx = &n->tx;

    if (!(cmd_of(d) & CMD_RS))
        return;
    if (tx->n_reports == TX_RS)
        report_all(n);
    tx->reports[tx->n_reports++] = (struct e1000_report){
        GPA(at.v + STA_OFFSET), (uint8_t)((d->upper & 0xf0u) | STA_DD)};
    tx->at_once |= !(cmd_of(d) & CMD_IDE);
}

/* ---- descriptors ---- */

static void take_context(struct e1000 *n, const struct desc *d)
{
    n->tx.context[cmd_of(d) & CMD_TSE ? 1 : 0] = (struct e1000_context){
        .ipcss = (uint8_t)d->addr,
        .ipcso = (uint8_t)(d->addr >> 8),
        .ipcse = (uint16_t)(d->addr >> 16),
        .tucss = (uint8_t)(d->addr >> 32),
        .tucso = (uint8_t)(d->addr >> 40),
        .tucse = (uint16_t)(d->addr >> 48),
        .paylen = d->lower & 0xfffffu,
        .hdrlen = (uint8_t)(d->upper >> 8),
        .mss = (uint16_t)(d->upper >> 16),
        .tcp = cmd_of(d) & TUCMD_TCP,
        .ipv4 = cmd_of(d) & TUCMD_IP,
    };
}

static void take_tag(struct e1000 *n, const struct desc *d)
{
    struct e1000_packet *p = &n->tx.p;

    p->vlan = (cmd_of(d) & CMD_VLE) && (e1000_get(n, REG_CTRL) & CTRL_VME);
    p->tag = (uint16_t)(d->upper >> 16);
}

/* 3.3.7: what the first descriptor of a packet says. */
static void open_packet(struct e1000 *n, const struct desc *d)
{
    struct e1000_packet *p = &n->tx.p;
    const unsigned popts = d->upper >> 8;

    *p = (struct e1000_packet){.open = true};
    if (type_of(d) != DATA)
        return;
    p->segment = cmd_of(d) & CMD_TSE;
    p->c = n->tx.context[p->segment];
    p->ip_sum = popts & POPTS_IXSM;
    p->sum = popts & POPTS_TXSM;
    p->css = p->c.tucss;
    p->cso = p->c.tucso;
    p->cse = p->c.tucse;
    if (p->segment)
        take_tag(n, d);
}

/* What the last one says. */
static void close_packet(struct e1000 *n, const struct desc *d)
{
    struct e1000_packet *p = &n->tx.p;

    p->open = false;
    if (!p->segment)
        take_tag(n, d);
    if (type_of(d) != LEGACY || !(cmd_of(d) & CMD_IC))
        return;
    p->sum = true;
    p->css = (uint8_t)(d->upper >> 8);
    p->cso = (uint8_t)(d->lower >> 16);
    p->cse = 0;
}

/* A buffer without an address, or of no length, has no data (3.3.3). */
static void add_buffer(struct e1000 *n, const struct desc *d)
{
    struct e1000_packet *p = &n->tx.p;
    const uint32_t len =
        d->lower & (type_of(d) == LEGACY ? UINT16_MAX : 0xfffffu);
    int used;

    if (!d->addr || !len || p->broken)
        return;
    p->bytes += len;
    used = gmem_iov(n->mem, GPA(d->addr), len, n->tx.iov + p->n,
                    (int)(TX_IOV - p->n));
    if (used < 0 || p->bytes > (p->segment ? MOST_SEGMENT : TX_MOST))
        p->broken = true;
    else
        p->n += (unsigned)used;
}

static void take_data(struct e1000 *n, const struct desc *d)
{
    struct e1000_tx *tx = &n->tx;

    if (!tx->p.open)
        open_packet(n, d);
    add_buffer(n, d);
    if (!(cmd_of(d) & CMD_EOP))
        return;
    close_packet(n, d);
    tx->sending = e1000_packet_begin(n);
}

/* ---- the ring ---- */

static bool ring_is_sound(const struct e1000 *n)
{
    static struct log_limit limit;
    const uint32_t size = e1000_ring_size(n, REG_TDLEN);

    if (e1000_get(n, REG_TDH) < size && e1000_get(n, REG_TDT) < size)
        return true;
    log_guest(&limit,
              "e1000: a transmit ring of %u descriptors with its head "
              "at %u and its tail at %u",
              size, e1000_get(n, REG_TDH), e1000_get(n, REG_TDT));
    return false;
}

static bool has_work(const struct e1000 *n)
{
    return (e1000_get(n, REG_TCTL) & TCTL_EN) && e1000_link_up(n) &&
           e1000_get(n, REG_TDH) != e1000_get(n, REG_TDT) && ring_is_sound(n);
}

/* The head goes on by one. */
static void advance(struct e1000 *n)
{
    const uint32_t size = e1000_ring_size(n, REG_TDLEN);
    const uint32_t head = (e1000_get(n, REG_TDH) + 1) % size;
    const uint32_t left = (e1000_get(n, REG_TDT) + size - head) % size;
    const uint32_t low = 8 * (e1000_get(n, REG_TXDCTL) >> 25);

    e1000_set(n, REG_TDH, head);
    if (left == 0)
        n->causes |= ICR_TXQE;
    if (low && left == low)
        n->causes |= ICR_TXD_LOW;
}

/* Take one descriptor. False: its ring is not RAM. */
static bool take(struct e1000 *n)
{
    static struct log_limit limit;
    const gpa_t at = e1000_ring_at(n, REG_TDBAL, e1000_get(n, REG_TDH));
    struct desc d;

    if (gmem_read(n->mem, at, &d, sizeof(d)) < 0) {
        log_guest(&limit,
                  "e1000: a transmit descriptor at %#llx, where no "
                  "RAM is",
                  (unsigned long long)at.v);
        return false;
    }
    advance(n);
    report(n, &d, at);
    if (type_of(&d) == CONTEXT)
        take_context(n, &d);
    else if (type_of(&d) == DATA || type_of(&d) == LEGACY)
        take_data(n, &d);
    if (!n->tx.p.open && !n->tx.sending)
        report_all(n);
    return true;
}

void e1000_transmit(struct e1000 *n)
{
    struct e1000_tx *tx = &n->tx;
    unsigned budget = TURN;

    while (budget && (tx->sending || has_work(n))) {
        if (!tx->sending) {
            budget--;
            if (!take(n))
                return;
        } else if (e1000_packet_send(n, &budget)) {
            tx->sending = false;
            report_all(n);
        } else if (budget) {
            return; /* refused: e1000_transmit is called when there is room */
        }
    }
    if (!budget)
        e1000_post(n);
}

void e1000_tx_reset(struct e1000 *n)
{
    struct e1000_tx *tx = &n->tx;

    tx->context[0] = tx->context[1] = (struct e1000_context){0};
    tx->p = (struct e1000_packet){0};
    tx->n_reports = 0;
    tx->at_once = false;
    tx->sending = false;
}
