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
    if (ide_channel_of(d)->xfer.d.packet)
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
    const struct ata_data *x = &ide_channel_of(d)->xfer.d;

    if (x->packet) {
        ide_end(d, atapi_medium_error(d));
        return;
    }
    tell_sector(d, x->offset / ATA_SECTOR);
    ide_end(d, ATA_UNC);
}

/* ---- DRQ blocks ---- */

static void open_block(struct ata_drive *d, bool interrupt)
{
    struct ide_xfer *x = &ide_channel_of(d)->xfer;

    x->end = x->at + x->d.block < x->d.len ? x->at + x->d.block : x->d.len;
    d->status = ready(d) | ATA_DRQ;
    if (x->d.packet) {
        const unsigned n = x->end - x->at;

        d->lba[1].now = (uint8_t)n;
        d->lba[2].now = (uint8_t)(n >> 8);
        packet_reason(d, x->then == IDE_THEN_PACKET ? ATAPI_CD
                         : x->d.in                  ? ATAPI_IO
                                                    : 0);
    }
    if (interrupt)
        ide_interrupt(d);
}

/* ---- the disk ---- */

static void disk_submit(struct ata_drive *d, const struct iovec *iov, int n,
                        uint64_t bytes)
{
    struct ide_channel *ch = ide_channel_of(d);
    const struct ide_xfer *x = &ch->xfer;

    ch->req.op = x->d.in ? BLK_READ : BLK_WRITE;
    ch->req.blk = d->blk;
    ch->req.offset = x->d.offset;
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
    struct ide_channel *ch = ide_channel_of(d);

    ch->iov[0] = (struct iovec){ch->buf, ch->xfer.d.len};
    disk_submit(d, ch->iov, 1, ch->xfer.d.len);
}

static unsigned next_piece(const struct ide_xfer *x)
{
    return x->d.left < IDE_BUF ? (unsigned)x->d.left : IDE_BUF;
}

static void disk_dma(struct ata_drive *d)
{
    struct ide_channel *ch = ide_channel_of(d);
    const struct ide_xfer *x = &ch->xfer;
    const uint64_t most = x->d.left < DMA_MOST ? x->d.left : DMA_MOST;
    int n;
    const uint64_t got = bm_gather(ch->ide, &ch->bm, most, ch->iov, &n);

    if (got)
        disk_submit(d, ch->iov, n, got);
    else
        bm_fail(&ch->bm); /* the drive waits; the driver resets it */
}

static void after_dma(struct ata_drive *d)
{
    if (ide_channel_of(d)->xfer.d.left)
        disk_dma(d);
    else
        finish(d);
}

/* The buffer was filled: the host may have it. */
static void after_fill(struct ata_drive *d)
{
    ide_channel_of(d)->xfer.at = 0;
    open_block(d, true);
}

/* The buffer was written: the host may fill it again. */
static void after_write(struct ata_drive *d)
{
    struct ide_xfer *x = &ide_channel_of(d)->xfer;

    if (!x->d.left) {
        finish(d);
        return;
    }
    x->d.len = next_piece(x);
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
    x->d.offset += req->len;
    x->d.left -= req->len;
    if (x->d.dma)
        after_dma(d);
    else if (x->d.in)
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
    struct ide_channel *ch = ide_channel_of(d);

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
    struct ide_xfer *x = &ide_channel_of(d)->xfer;

    if (x->then == IDE_THEN_PACKET) {
        x->active = false;
        d->status = ATA_BSY;
        atapi_packet(d);
    } else if (x->d.packet || !x->d.in) {
        finish(d);
    } else {
        /* 9.5: PIO to the host ends without a further interrupt. */
        x->active = false;
        ide_channel_of(d)->busy = NULL;
        d->error = 0;
        d->status = ready(d);
    }
}

static void after_block(struct ata_drive *d)
{
    struct ide_xfer *x = &ide_channel_of(d)->xfer;

    if (x->at < x->d.len) {
        open_block(d, true);
    } else if (x->d.disk && x->d.in && x->d.left) {
        x->d.len = next_piece(x);
        disk_buffer(d);
    } else if (x->d.disk && !x->d.in) {
        disk_buffer(d);
    } else {
        after_last_block(d);
    }
}

/* The bytes of n that the DRQ block under way still wants. */
static unsigned room(const struct ide_channel *ch, bool in, unsigned n)
{
    const struct ide_xfer *x = &ch->xfer;

    if (!ch->busy || !(ch->busy->status & ATA_DRQ) || x->d.dma || x->d.in != in)
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
    struct ide_channel *ch = ide_channel_of(d);
    struct ide_xfer *x = &ch->xfer;

    if (bm_copy(ch->ide, &ch->bm, ch->buf, x->d.len, x->d.in) == x->d.len)
        finish(d);
    else
        bm_fail(&ch->bm);
}

void ide_xfer_dma(struct ide_channel *ch)
{
    struct ata_drive *d = ch->busy;

    if (!d || !ch->xfer.active || !ch->xfer.d.dma || ch->in_flight)
        return;
    if (!bm_started(&ch->bm))
        return;
    if (ch->xfer.d.disk)
        disk_dma(d);
    else
        dma_buffer(d);
}

static void begin_pio(struct ata_drive *d)
{
    struct ide_xfer *x = &ide_channel_of(d)->xfer;

    x->at = 0;
    if (x->d.disk)
        x->d.len = next_piece(x);
    if (x->d.disk && x->d.in)
        disk_buffer(d);
    else /* 9.6: a disk's first block out comes without an interrupt */
        open_block(d, x->d.in || (x->d.packet && x->then != IDE_THEN_PACKET));
}

static void begin(struct ata_drive *d, const struct ata_data *x,
                  enum ide_then then)
{
    struct ide_channel *ch = ide_channel_of(d);

    init_request(ch);
    ch->busy = d;
    ch->xfer = (struct ide_xfer){.d = *x, .active = true, .then = then};
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

void ide_move(struct ata_drive *d, const struct ata_data *x)
{
    begin(d, x, IDE_THEN_END);
}

void ide_packet(struct ata_drive *d)
{
    static const struct ata_data x = {
        .packet = true, .len = PACKET_BYTES, .block = PACKET_BYTES};
    const struct ata_reg low = d->lba[1], high = d->lba[2];

    begin(d, &x, IDE_THEN_PACKET);
    /* The limit the host wrote is for the data, not for the packet. */
    d->lba[1] = low;
    d->lba[2] = high;
}
