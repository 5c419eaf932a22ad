// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ide_xfer.c: data between host, buffer and disk; see ide_priv.h.
 *
 * By PIO the buffer is filled (or emptied) by the disk in pieces of IDE_BUF,
 * and the host moves it in DRQ blocks, with an interrupt for each. By DMA the
 * disk moves guest memory itself, as much at a time as an iovec holds. What a
 * packet command answers out of its head is in the buffer alone.
 *
 * Register accesses only move bytes and submit; what the disk answers is
 * dealt with on the loop (on_disk).
 */
#include "devices/ata/ide_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <string.h>

/* Most bytes one request moves by DMA. */
#define DMA_MOST (1024u * 1024)

static uint8_t ready(const struct ata_drive *d)
{
    return d->cdrom ? ATA_DRDY : ATA_DRDY | ATA_DSC;
}

/* ---- ends ---- */

static void packet_reason(struct ata_drive *d, uint8_t reason)
{
    d->count.now = reason;
}

static void finish(struct ata_drive *d)
{
    if (d->ch->xfer.packet)
        packet_reason(d, ATAPI_CD | ATAPI_IO);
    ide_end(d, 0);
}

/* Where the disk failed: LBA48 commands tell it in six bytes, others in four.
 */
static void tell_sector(struct ata_drive *d, uint64_t lba)
{
    for (unsigned i = 0; i < 3; i++) {
        d->lba[i].now = (uint8_t)(lba >> (8 * i));
        d->lba[i].before = (uint8_t)(lba >> (8 * (i + 3)));
    }
}

static void fail(struct ata_drive *d)
{
    const struct ide_xfer *x = &d->ch->xfer;

    if (x->packet) {
        d->sense = 3; /* medium error */
        d->asc = 0x11;
        d->ascq = 0;
        packet_reason(d, ATAPI_CD | ATAPI_IO);
        ide_end(d, (uint8_t)(d->sense << 4));
        return;
    }
    tell_sector(d, x->offset / ATA_SECTOR);
    ide_end(d, ATA_UNC);
}

/* ---- DRQ blocks ---- */

static void open_block(struct ata_drive *d, bool interrupt)
{
    struct ide_xfer *x = &d->ch->xfer;

    x->end = x->at + x->block < x->len ? x->at + x->block : x->len;
    d->status = ready(d) | ATA_DRQ;
    if (x->packet) {
        const unsigned n = x->end - x->at;

        d->lba[1].now = (uint8_t)n;
        d->lba[2].now = (uint8_t)(n >> 8);
        packet_reason(d, x->then == IDE_THEN_PACKET ? ATAPI_CD
                         : x->in                    ? ATAPI_IO
                                                    : 0);
    }
    if (interrupt)
        ide_interrupt(d);
}

/* ---- the disk ---- */

static void disk_submit(struct ata_drive *d, const struct iovec *iov, int n,
                        uint64_t bytes)
{
    struct ide_channel *ch = d->ch;
    const struct ide_xfer *x = &ch->xfer;

    ch->req.op = x->in ? BLK_READ : BLK_WRITE;
    ch->req.blk = d->blk;
    ch->req.offset = x->offset;
    ch->req.len = bytes;
    ch->req.iov = iov;
    ch->req.n_iov = n;
    ch->in_flight = true;
    d->status = ATA_BSY;
    blk_submit(d->blk, &ch->req);
}

/* Fill or empty the buffer. */
static void disk_buffer(struct ata_drive *d)
{
    struct ide_channel *ch = d->ch;

    ch->iov[0] = (struct iovec){ch->buf, ch->xfer.len};
    disk_submit(d, ch->iov, 1, ch->xfer.len);
}

static unsigned next_piece(const struct ide_xfer *x)
{
    return x->left < IDE_BUF ? (unsigned)x->left : IDE_BUF;
}

static void disk_dma(struct ata_drive *d)
{
    struct ide_channel *ch = d->ch;
    const struct ide_xfer *x = &ch->xfer;
    const uint64_t most = x->left < DMA_MOST ? x->left : DMA_MOST;
    int n;
    const uint64_t got = bm_gather(ch->ide, &ch->bm, most, ch->iov, &n);

    if (got)
        disk_submit(d, ch->iov, n, got);
    else
        bm_fail(&ch->bm); /* the drive waits; the driver resets it */
}

static void after_dma(struct ata_drive *d)
{
    if (d->ch->xfer.left)
        disk_dma(d);
    else
        finish(d);
}

/* The buffer was filled: the host may have it. */
static void after_fill(struct ata_drive *d)
{
    d->ch->xfer.at = 0;
    open_block(d, true);
}

/* The buffer was written: the host may fill it again. */
static void after_write(struct ata_drive *d)
{
    struct ide_xfer *x = &d->ch->xfer;

    if (!x->left) {
        finish(d);
        return;
    }
    x->len = next_piece(x);
    x->at = 0;
    open_block(d, true);
}

/* On the loop. */
static void on_disk(struct blk_req *req)
{
    struct ide_channel *ch = req->owner;
    struct ide_xfer *x = &ch->xfer;
    struct ata_drive *d = ch->busy;

    ch->in_flight = false;
    if (ch->stopping || !d)
        return;
    if (req->result < 0) {
        fail(d);
        return;
    }
    if (req->op == BLK_FLUSH) {
        ide_end(d, 0);
        return;
    }
    x->offset += req->len;
    x->left -= req->len;
    if (x->dma)
        after_dma(d);
    else if (x->in)
        after_fill(d);
    else
        after_write(d);
}

static void init_request(struct ide_channel *ch)
{
    ch->req.done = on_disk;
    ch->req.owner = ch;
}

void ide_flush(struct ata_drive *d)
{
    struct ide_channel *ch = d->ch;

    ch->busy = d;
    init_request(ch);
    ch->req.op = BLK_FLUSH;
    ch->req.blk = d->blk;
    ch->req.offset = 0;
    ch->req.len = 0;
    ch->req.n_iov = 0;
    ch->in_flight = true;
    d->status = ATA_BSY;
    blk_submit(d->blk, &ch->req);
}

/* ---- the host ---- */

/* All of buf has moved, and the disk has no part in it, or no more. */
static void after_last_block(struct ata_drive *d)
{
    struct ide_xfer *x = &d->ch->xfer;

    if (x->then == IDE_THEN_PACKET) {
        x->active = false;
        d->status = ATA_BSY;
        atapi_packet(d);
    } else if (x->packet || !x->in) {
        finish(d);
    } else {
        /* 9.5: PIO to the host ends without a further interrupt. */
        x->active = false;
        d->ch->busy = NULL;
        d->error = 0;
        d->status = ready(d);
    }
}

static void after_block(struct ata_drive *d)
{
    struct ide_xfer *x = &d->ch->xfer;

    if (x->at < x->len) {
        open_block(d, true);
    } else if (x->disk && x->in && x->left) {
        x->len = next_piece(x);
        disk_buffer(d);
    } else if (x->disk && !x->in) {
        disk_buffer(d);
    } else {
        after_last_block(d);
    }
}

/* The bytes of n that the DRQ block under way still wants. */
static unsigned room(const struct ide_channel *ch, bool in, unsigned n)
{
    const struct ide_xfer *x = &ch->xfer;

    if (!ch->busy || !(ch->busy->status & ATA_DRQ) || x->dma || x->in != in)
        return 0;
    return n < x->end - x->at ? n : x->end - x->at;
}

static void moved(struct ide_channel *ch, unsigned n)
{
    struct ide_xfer *x = &ch->xfer;

    x->at += n;
    if (x->at == x->end)
        after_block(ch->busy);
}

void ide_xfer_read(struct ide_channel *ch, void *data, unsigned n)
{
    const unsigned part = room(ch, true, n);

    memset(data, 0xff, n);
    if (!part)
        return;
    memcpy(data, ch->buf + ch->xfer.at, part);
    moved(ch, part);
}

void ide_xfer_write(struct ide_channel *ch, const void *data, unsigned n)
{
    const unsigned part = room(ch, false, n);

    if (!part)
        return;
    memcpy(ch->buf + ch->xfer.at, data, part);
    moved(ch, part);
}

/* A packet command's answer goes by the table too, if the host wants it so. */
static void dma_buffer(struct ata_drive *d)
{
    struct ide_channel *ch = d->ch;
    struct ide_xfer *x = &ch->xfer;

    if (bm_copy(ch->ide, &ch->bm, ch->buf, x->len, x->in) == x->len)
        finish(d);
    else
        bm_fail(&ch->bm);
}

void ide_xfer_dma(struct ide_channel *ch)
{
    struct ata_drive *d = ch->busy;

    if (!d || !ch->xfer.active || !ch->xfer.dma || ch->in_flight)
        return;
    if (!bm_started(&ch->bm))
        return;
    if (ch->xfer.disk)
        disk_dma(d);
    else
        dma_buffer(d);
}

static void begin_pio(struct ata_drive *d)
{
    struct ide_xfer *x = &d->ch->xfer;

    x->at = 0;
    if (x->disk)
        x->len = next_piece(x);
    if (x->disk && x->in)
        disk_buffer(d);
    else /* 9.6: a disk's first block out comes without an interrupt */
        open_block(d, x->in || (x->packet && x->then != IDE_THEN_PACKET));
}

void ide_xfer_begin(struct ata_drive *d, const struct ide_xfer *x)
{
    struct ide_channel *ch = d->ch;

    init_request(ch);
    ch->busy = d;
    ch->xfer = *x;
    ch->xfer.active = true;
    if (!x->dma) {
        begin_pio(d);
        return;
    }
    /* DRQ stands for DMARQ: the bus master may begin. */
    d->status = ready(d) | ATA_DRQ;
    if (x->packet)
        packet_reason(d, x->in ? ATAPI_IO : 0);
    ide_xfer_dma(ch);
}
