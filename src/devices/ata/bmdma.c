// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bmdma.c: the bus master of a channel: its registers, and the table of
 * physical region descriptors. Source: "Programming Interface for Bus Master
 * IDE Controller" 1.0; the 82371SB datasheet, 2.7.
 *
 * An entry is fetched once, when the transfer reaches it. Where a table leads
 * out of RAM, or ends before the transfer does, the transfer stops: active
 * stays set, which is how a driver sees it.
 */
#include "devices/ata/ide_priv.h"

#include "vmm/checked.h"

#include <string.h>

#define REG_COMMAND 0u
#define REG_STATUS  2u
#define REG_TABLE   4u
#define REGS        8u /* of one channel */

#define CMD_START 0x01u
#define CMD_READ  0x08u /* into memory; the drive's command decides */

#define ST_ACTIVE   0x01u
#define ST_ERROR    0x02u
#define ST_INTR     0x04u
#define ST_CAPABLE0 0x20u
#define ST_CAPABLE1 0x40u

#define ENTRY_BYTES 8u
#define ENTRY_LAST  0x80000000u
#define ENTRY_COUNT 0xfffeu /* even; 0 is 64 KiB */

struct prd {
    uint32_t addr;
    uint32_t count;
};

void bm_reset(struct bm *bm)
{
    *bm = (struct bm){.status = bm->status & (ST_CAPABLE0 | ST_CAPABLE1)};
}

/* ---- the table ---- */

/* The entry under way, or the next. False: there is none, or no RAM. */
static bool refill(const struct ide *ide, struct bm_cursor *c)
{
    struct prd e;

    if (c->left)
        return true;
    if (c->last || gmem_read(ide->mem, GPA(c->entry), &e, sizeof(e)) < 0)
        return false;
    c->addr = e.addr & ~1u;
    c->left = e.count & ENTRY_COUNT;
    if (!c->left)
        c->left = 64 * 1024;
    c->last = e.count & ENTRY_LAST;
    c->entry += ENTRY_BYTES;
    return true;
}

/* As much as there is of most, up to a full iovec; moves the cursor. */
static uint64_t gather(struct ide *ide, struct bm_cursor *c, uint64_t most,
                       struct iovec *iov, int *n)
{
    uint64_t done = 0;

    *n = 0;
    while (done < most && refill(ide, c)) {
        const uint64_t part = c->left < most - done ? c->left : most - done;
        const int used =
            gmem_iov(ide->mem, GPA(c->addr), part, iov + *n, IDE_MAX_IOV - *n);

        if (used < 0)
            break;
        *n += used;
        done += part;
        c->addr += (uint32_t)part;
        c->left -= (uint32_t)part;
    }
    return done;
}

/* Twice, if the first walk ends inside a sector: the disk moves whole ones. */
uint64_t bm_gather(struct ide *ide, struct bm *bm, uint64_t most,
                   struct iovec *iov, int *n)
{
    struct bm_cursor c = bm->cursor;
    uint64_t got = gather(ide, &c, most, iov, n);
    const uint64_t whole = got - got % ATA_SECTOR;

    if (got != whole) {
        c = bm->cursor;
        got = gather(ide, &c, whole, iov, n);
        if (got != whole)
            return 0;
    }
    bm->cursor = c;
    return got;
}

unsigned bm_copy(struct ide *ide, struct bm *bm, void *buf, unsigned n, bool in)
{
    struct bm_cursor *c = &bm->cursor;
    unsigned char *at = buf;
    unsigned done = 0;

    while (done < n && refill(ide, c)) {
        const unsigned part = c->left < n - done ? c->left : n - done;
        const int ret = in ? gmem_write(ide->mem, GPA(c->addr), at + done, part)
                           : gmem_read(ide->mem, GPA(c->addr), at + done, part);

        if (ret < 0)
            break;
        done += part;
        c->addr += part;
        c->left -= part;
    }
    return done;
}

void bm_interrupt(struct bm *bm)
{
    bm->status |= ST_INTR;
    /* The table is used up: nothing more can move. */
    if (bm->cursor.last && !bm->cursor.left)
        bm->status &= (uint8_t)~ST_ACTIVE;
}

bool bm_started(const struct bm *bm)
{
    return bm->command & CMD_START;
}

void bm_fail(struct bm *bm)
{
    bm->status |= ST_ERROR;
    bm->status &= (uint8_t)~ST_ACTIVE;
}

/* ---- registers ---- */

static void write_command(struct ide_channel *ch, uint8_t value)
{
    struct bm *bm = &ch->bm;
    const bool starts = (value & CMD_START) && !(bm->command & CMD_START);
    const bool stops = !(value & CMD_START) && (bm->command & CMD_START);

    bm->command = value & (CMD_START | CMD_READ);
    if (starts) {
        bm->cursor = (struct bm_cursor){.entry = bm->table};
        bm->status |= ST_ACTIVE;
        ide_xfer_dma(ch);
    } else if (stops) {
        bm->status &= (uint8_t)~ST_ACTIVE;
        if (ch->in_flight && ch->xfer.d.dma)
            ide_stop(ch);
    }
}

/* Error and interrupt are cleared by writing one; the capable bits are kept. */
static void write_status(struct bm *bm, uint8_t value)
{
    const uint8_t kept = ST_CAPABLE0 | ST_CAPABLE1;

    bm->status &= (uint8_t) ~(value & (ST_ERROR | ST_INTR));
    bm->status = (uint8_t)((bm->status & ~kept) | (value & kept));
}

static void write_byte(struct ide_channel *ch, unsigned reg, uint8_t value)
{
    const unsigned shift = 8 * (reg - REG_TABLE);

    if (reg == REG_COMMAND) {
        write_command(ch, value);
    } else if (reg == REG_STATUS) {
        write_status(&ch->bm, value);
    } else if (reg >= REG_TABLE) {
        ch->bm.table &= ~(0xffu << shift);
        ch->bm.table |= (uint32_t)value << shift;
        ch->bm.table &= ~3u;
    }
}

static uint8_t read_byte(const struct ide_channel *ch, unsigned reg)
{
    if (reg == REG_COMMAND)
        return ch->bm.command;
    if (reg == REG_STATUS)
        return ch->bm.status;
    if (reg >= REG_TABLE)
        return (uint8_t)(ch->bm.table >> (8 * (reg - REG_TABLE)));
    return 0;
}

static void bm_read(void *dev, uint64_t off, void *data, unsigned n)
{
    const struct ide *ide = dev;
    unsigned char *out = data;

    for (unsigned i = 0; i < n; i++) {
        const unsigned at = (unsigned)off + i;

        out[i] = at < IDE_BM_PORTS
                     ? read_byte(&ide->channels[at / REGS], at % REGS)
                     : 0xff;
    }
}

static void bm_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct ide *ide = dev;
    const unsigned char *in = data;

    for (unsigned i = 0; i < n; i++) {
        const unsigned at = (unsigned)off + i;

        if (at < IDE_BM_PORTS)
            write_byte(&ide->channels[at / REGS], at % REGS, in[i]);
    }
}

const struct io_ops ide_bm_ops = {
    .name = "ide-bm",
    .read = bm_read,
    .write = bm_write,
};
