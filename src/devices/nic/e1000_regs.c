// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * e1000_regs.c: the registers of the 82540EM, through memory and through the
 * two ports of the I/O BAR; see e1000.h. Source: chapter 13.
 *
 * A register is a row: where it is, which of its bits can be written, what it
 * is after a reset, and what reading or writing it does beyond that. What has
 * no row reads as zero and ignores writes, as reserved addresses do.
 *
 * Registers are double words (13.2.1): writes of another size are ignored.
 *
 * Thread: vCPU, board lock held. Must never move a packet.
 */
#include "devices/nic/e1000_priv.h"

#include <string.h>

struct row {
    uint16_t at;
    uint16_t n;    /* double words in a row */
    uint32_t mask; /* bits that can be written */
    uint32_t initial;
    uint32_t (*read)(struct e1000 *n, unsigned at);
    void (*write)(struct e1000 *n, unsigned at, uint32_t value);
};

/* ---- what some registers do ---- */

static void write_ctrl(struct e1000 *n, unsigned at, uint32_t value)
{
    if (value & CTRL_RST) {
        e1000_reset(n);
        return;
    }
    if (value & ~e1000_get(n, at) & CTRL_PHY_RST)
        e1000_phy_reset(n);
    e1000_set(n, at, value);
}

static uint32_t read_status(struct e1000 *n, unsigned at)
{
    (void)at;
    return e1000_phy_status(n);
}

static uint32_t read_eecd(struct e1000 *n, unsigned at)
{
    (void)at;
    return e1000_eecd_read(n);
}

static void write_eecd(struct e1000 *n, unsigned at, uint32_t value)
{
    (void)at;
    e1000_eecd_write(n, value);
}

static void write_eerd(struct e1000 *n, unsigned at, uint32_t value)
{
    (void)at;
    e1000_eerd_write(n, value);
}

static void write_ctrl_ext(struct e1000 *n, unsigned at, uint32_t value)
{
    e1000_set(n, at, value & ~CTRL_EXT_EE_RST);
    if (value & CTRL_EXT_EE_RST)
        e1000_load_address(n);
}

static void write_mdic(struct e1000 *n, unsigned at, uint32_t value)
{
    (void)at;
    e1000_mdic_write(n, value);
}

/* 13.4.17: reading takes all causes. */
static uint32_t read_icr(struct e1000 *n, unsigned at)
{
    const uint32_t causes = e1000_get(n, at);

    e1000_set(n, at, 0);
    e1000_irq_update(n);
    return causes;
}

static void write_icr(struct e1000 *n, unsigned at, uint32_t value)
{
    e1000_set(n, at, e1000_get(n, at) & ~value);
    e1000_irq_update(n);
}

static void write_itr(struct e1000 *n, unsigned at, uint32_t value)
{
    e1000_set(n, at, value & UINT16_MAX);
    e1000_irq_throttle(n);
}

static void write_ics(struct e1000 *n, unsigned at, uint32_t value)
{
    (void)at;
    e1000_raise(n, value & ICR_ALL);
}

static void write_ims(struct e1000 *n, unsigned at, uint32_t value)
{
    e1000_set(n, at, e1000_get(n, at) | (value & ICR_ALL));
    e1000_irq_update(n);
}

static void write_imc(struct e1000 *n, unsigned at, uint32_t value)
{
    (void)at;
    e1000_set(n, REG_IMS, e1000_get(n, REG_IMS) & ~value);
    e1000_irq_update(n);
}

static uint32_t read_nothing(struct e1000 *n, unsigned at)
{
    (void)n;
    (void)at;
    return 0;
}

/* The rings may have work now. */
static void write_and_post(struct e1000 *n, unsigned at, uint32_t value)
{
    e1000_set(n, at, value);
    e1000_post(n);
}

static void write_tail(struct e1000 *n, unsigned at, uint32_t value)
{
    write_and_post(n, at, value & UINT16_MAX);
}

/* 13.4.30: bit 31 has the timer expire at once. */
static void write_rdtr(struct e1000 *n, unsigned at, uint32_t value)
{
    e1000_set(n, at, value & UINT16_MAX);
    if (!(value & 0x80000000u))
        return;
    e1000_timer_stop(n, TIMER_RDTR);
    e1000_timer_stop(n, TIMER_RADV);
    e1000_raise(n, ICR_RXT0);
}

/* 13.7: a counter is cleared by reading it; a pair, by reading its high half.
 */
static uint32_t read_stat(struct e1000 *n, unsigned at)
{
    const bool pair = (at >= REG_GORCL && at < REG_GOTCL + 8) ||
                      (at >= REG_TORL && at < REG_TOTL + 8);
    const uint32_t value = e1000_get(n, at);

    if (pair && !(at & 4))
        return value;
    e1000_set(n, at, 0);
    if (pair)
        e1000_set(n, at - 4, 0);
    return value;
}

/* ---- the table ---- */

#define ALL UINT32_MAX
#define STORED(at, mask, initial)        \
    {                                    \
        at, 1, mask, initial, NULL, NULL \
    }

/* clang-format off */
static const struct row rows[] = {
    {REG_CTRL, 1, ALL, CTRL_FD | CTRL_SLU, NULL, write_ctrl},
    {REG_STATUS, 1, 0, 0, read_status, NULL},
    {REG_EECD, 1, ALL, 0, read_eecd, write_eecd},
    {REG_EERD, 1, ALL, 0, NULL, write_eerd},
    {REG_CTRL_EXT, 1, ALL, 0, NULL, write_ctrl_ext},
    {REG_MDIC, 1, ALL, 0, NULL, write_mdic},
    STORED(REG_FCAL, ALL, 0x00c28001u),
    STORED(REG_FCAH, UINT16_MAX, 0x0100u),
    STORED(REG_FCT, UINT16_MAX, 0x8808u),
    STORED(REG_VET, UINT16_MAX, 0x8100u),
    {REG_ICR, 1, ALL, 0, read_icr, write_icr},
    {REG_ITR, 1, ALL, 0, NULL, write_itr},
    {REG_ICS, 1, ALL, 0, read_nothing, write_ics},
    {REG_IMS, 1, ALL, 0, NULL, write_ims},
    {REG_IMC, 1, ALL, 0, read_nothing, write_imc},
    {REG_RCTL, 1, ALL, 0, NULL, write_and_post},
    STORED(REG_FCTTV, UINT16_MAX, 0),
    STORED(REG_TXCW, ALL, 0),
    {REG_TCTL, 1, ALL, 0, NULL, write_and_post},
    STORED(REG_TIPG, ALL, 0x00602008u),
    STORED(REG_AIT, UINT16_MAX, 0),
    STORED(REG_LEDCTL, ALL, 0x07061302u),
    STORED(REG_PBA, UINT16_MAX, 0x00100030u),
    STORED(REG_FCRTL, 0x8000fff8u, 0),
    STORED(REG_FCRTH, 0xfff8u, 0),
    STORED(REG_RDFH, 0x1fffu, 0),
    STORED(REG_RDFT, 0x1fffu, 0),
    STORED(REG_RDFHS, 0x1fffu, 0),
    STORED(REG_RDFTS, 0x1fffu, 0),
    STORED(REG_RDFPC, 0x1fffu, 0),
    STORED(REG_RDBAL, ~0xfu, 0),
    STORED(REG_RDBAH, ALL, 0),
    STORED(REG_RDLEN, 0xfff80u, 0),
    STORED(REG_RDH, UINT16_MAX, 0),
    {REG_RDT, 1, ALL, 0, NULL, write_tail},
    {REG_RDTR, 1, ALL, 0, NULL, write_rdtr},
    STORED(REG_RXDCTL, ALL, 0x00010000u),
    STORED(REG_RADV, UINT16_MAX, 0),
    STORED(REG_RSRPD, 0xfffu, 0),
    STORED(REG_TXDMAC, ALL, 0),
    STORED(REG_TDFH, 0x7ffu, 0x0600u),
    STORED(REG_TDFT, 0x7ffu, 0x0600u),
    STORED(REG_TDFHS, 0x7ffu, 0x0600u),
    STORED(REG_TDFTS, 0x7ffu, 0x0600u),
    STORED(REG_TDFPC, 0x7ffu, 0),
    STORED(REG_TDBAL, ~0xfu, 0),
    STORED(REG_TDBAH, ALL, 0),
    STORED(REG_TDLEN, 0xfff80u, 0),
    STORED(REG_TDH, UINT16_MAX, 0),
    {REG_TDT, 1, ALL, 0, NULL, write_tail},
    STORED(REG_TIDV, UINT16_MAX, 0),
    STORED(REG_TXDCTL, ALL, 0),
    STORED(REG_TADV, UINT16_MAX, 0),
    STORED(REG_TSPMT, ALL, 0x01000400u),
    {REG_STATS, STATS_REGS, 0, 0, read_stat, NULL},
    STORED(REG_RXCSUM, 0x7ffu, 0),
    {REG_MTA, MTA_REGS, ALL, 0, NULL, NULL},
    {REG_RAL, 2 * RA_ENTRIES, ALL, 0, NULL, NULL},
    {REG_VFTA, VFTA_REGS, ALL, 0, NULL, NULL},
    STORED(REG_WUC, 0xfu, 0),
    STORED(REG_WUFC, 0xf80ffu, 0),
    STORED(REG_WUS, 0, 0),
    STORED(REG_MANC, ALL, 0),
    STORED(REG_IPAV, 0x1000fu, 0),
    {REG_IP4AT, 8, ALL, 0, NULL, NULL},
    {REG_IP6AT, 4, ALL, 0, NULL, NULL},
    STORED(REG_WUPL, 0xfffu, 0),
    {REG_WUPM, 32, 0, 0, NULL, NULL},
};
/* clang-format on */

/* The row of the double word at `at`; rows are sorted. NULL: reserved. */
static const struct row *row_of(unsigned at)
{
    size_t first = 0, end = ARRAY_LEN(rows);

    while (first < end) {
        const size_t i = (first + end) / 2;
        const struct row *r = &rows[i];

        if (at < r->at)
            end = i;
        else if (at >= r->at + 4u * r->n)
            first = i + 1;
        else
            return r;
    }
    return NULL;
}

static uint32_t register_read(struct e1000 *n, uint32_t at)
{
    const struct row *r = row_of(at);

    if (!r)
        return 0;
    return r->read ? r->read(n, at) : e1000_get(n, at);
}

static void register_write(struct e1000 *n, uint32_t at, uint32_t value)
{
    const struct row *r = row_of(at);

    if (!r)
        return;
    if (r->write)
        r->write(n, at, value);
    else
        e1000_set(n, at, (e1000_get(n, at) & ~r->mask) | (value & r->mask));
}

/* ---- statistics (13.7) ---- */

void e1000_count(struct e1000 *n, unsigned reg, uint32_t by)
{
    const uint32_t v = e1000_get(n, reg);

    e1000_set(n, reg, v <= UINT32_MAX - by ? v + by : UINT32_MAX);
}

void e1000_count64(struct e1000 *n, unsigned reg, uint32_t by)
{
    const uint64_t v = e1000_get(n, reg) | (uint64_t)e1000_get(n, reg + 4)
                                               << 32;
    const uint64_t sum = v <= UINT64_MAX - by ? v + by : UINT64_MAX;

    e1000_set(n, reg, (uint32_t)sum);
    e1000_set(n, reg + 4, (uint32_t)(sum >> 32));
}

void e1000_count_size(struct e1000 *n, unsigned reg, size_t bytes, uint32_t by)
{
    static const uint16_t most[] = {64, 127, 255, 511, 1023};
    unsigned i = 0;

    while (i < ARRAY_LEN(most) && bytes > most[i])
        i++;
    e1000_count(n, reg + 4 * i, by);
}

/* ---- reset ---- */

void e1000_load_address(struct e1000 *n)
{
    const uint16_t *w = n->eeprom.words;

    e1000_set(n, REG_RAL, w[0] | (uint32_t)w[1] << 16);
    e1000_set(n, REG_RAH, w[2] | RAH_AV);
}

void e1000_regs_reset(struct e1000 *n)
{
    memset(n->reg, 0, sizeof(n->reg));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].initial)
            e1000_set(n, rows[i].at, rows[i].initial);
    e1000_load_address(n);
}

/* ---- the ways to them ---- */

static void memory_read(void *dev, uint64_t off, void *data, unsigned n)
{
    struct e1000 *e = dev;
    uint8_t *out = data;

    /* Eight bytes are two registers; fewer are a part of one. */
    for (unsigned done = 0; done < n;) {
        const unsigned at = (unsigned)(off + done), skip = at % 4;
        const unsigned run = n - done < 4 - skip ? n - done : 4 - skip;
        const uint32_t v = register_read(e, at - skip);

        memcpy(out + done, (const uint8_t *)&v + skip, run);
        done += run;
    }
}

static void memory_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    const uint8_t *in = data;

    if (n % 4 || off % 4)
        return;
    for (unsigned done = 0; done < n; done += 4) {
        uint32_t v;

        memcpy(&v, in + done, sizeof(v));
        register_write(dev, (uint32_t)off + done, v);
    }
}

const struct io_ops e1000_memory_ops = {
    .name = "e1000",
    .read = memory_read,
    .write = memory_write,
};

/* 13.2.2: IOADDR says where IODATA is. */
#define IO_ADDR_MASK 0x000fffffu
#define IO_DATA      4u

static void port_read(void *dev, uint64_t off, void *data, unsigned n)
{
    struct e1000 *e = dev;
    const unsigned skip = off % 4;
    const uint32_t v =
        off < IO_DATA ? e->io_addr : register_read(e, e->io_addr & ~3u);

    memset(data, 0xff, n);
    memcpy(data, (const uint8_t *)&v + skip, n < 4 - skip ? n : 4 - skip);
}

static void port_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct e1000 *e = dev;
    uint32_t v;

    if (n != sizeof(v) || off % 4)
        return;
    memcpy(&v, data, sizeof(v));
    if (off < IO_DATA)
        e->io_addr = v & IO_ADDR_MASK;
    else
        register_write(e, e->io_addr & ~3u, v);
}

const struct io_ops e1000_port_ops = {
    .name = "e1000-io",
    .read = port_read,
    .write = port_write,
};
