// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ahci_queue.c: READ and WRITE FPDMA QUEUED; see ahci_priv.h. Source: Serial
 * ATA 2.6, 13.6 (native command queuing), 13.7 (log 10h); AHCI 1.3, 5.6.4 and
 * 6.2.2.2.
 *
 * The device takes a queued command at once (its bit of PxCI falls); its bit
 * of PxSACT falls when it is done. What ends in one turn of the loop is told
 * by one frame and one interrupt. When one fails, the others are not told any
 * more, and the driver asks the log which it was.
 */
#include "devices/ata/ahci_priv.h"

#include "vmm/checked.h"

#include <string.h>

#define READ_QUEUED  0x60u
#define WRITE_QUEUED 0x61u

#define DEVICE_FUA 0x80u

#define FIS_BITS    0xa1u
#define FIS_INTR    0x40u
#define AT_BITS     0x58u
#define STATUS_BITS 0x77u /* of the status, what this frame has */

#define LOG_DIRECTORY 0x00u
#define LOG_QUEUE     0x10u
#define NOT_QUEUED    0x80u

bool ahci_is_queued(const struct ahci_port *p, uint8_t command)
{
    return !p->drive.cdrom &&
           (command == READ_QUEUED || command == WRITE_QUEUED);
}

/* Commands that ended, by their bits. */
static void send_bits(struct ahci_port *p, uint32_t done)
{
    const struct ata_drive *d = &p->drive;
    uint8_t fis[8] = {FIS_BITS, FIS_INTR, d->status & STATUS_BITS, d->error};

    memcpy(fis + 4, &done, sizeof(done));
    ahci_send_fis(p, AT_BITS, fis, sizeof(fis));
    p->sact &= ~done;
    p->queued &= ~done;
    ahci_port_raise(p, PIS_SDBS);
}

void ahci_queue_on_tell(struct loop_op *op, int res)
{
    struct ahci_port *p = op->owner;
    const uint32_t done = p->told;

    (void)res;
    if (!done || p->stopping || p->halted)
        return;
    p->told = 0;
    send_bits(p, done);
    ahci_run(p);
}

static uint64_t lba_of(const struct ata_drive *d)
{
    uint64_t lba = 0;

    for (unsigned i = 0; i < 3; i++) {
        lba |= (uint64_t)d->lba[i].now << (8 * i);
        lba |= (uint64_t)d->lba[i].before << (8 * (i + 3));
    }
    return lba;
}

static void fail(struct ahci_port *p, unsigned tag, uint8_t error, uint64_t lba)
{
    struct ata_drive *d = &p->drive;

    d->error = error;
    d->status = ATA_DRDY | ATA_DSC | ATA_ERR;
    p->failure = (struct ahci_failure){
        .any = true,
        .tag = (uint8_t)tag,
        .status = d->status,
        .error = error,
        .lba = lba,
    };
    send_bits(p, 0);
    ahci_port_halt(p, PIS_TFES);
}

void ahci_queue_begin(struct ahci_port *p, unsigned slot, uint8_t command)
{
    struct ata_drive *d = &p->drive;
    struct ahci_slot *s = &p->slots[slot];
    const unsigned n = d->feature.now | (unsigned)d->feature.before << 8;
    const uint64_t count = n ? n : 65536, lba = lba_of(d);
    const struct blk_info *info = blk_info(d->blk);
    const bool write = command == WRITE_QUEUED;

    d->status = ATA_DRDY | ATA_DSC;
    d->error = 0;
    p->ci &= ~ahci_bit(slot);
    /* Its tag is its slot (AHCI 1.3, 5.6.4.1). */
    if (d->count.now >> 3 != slot || (p->queued & ahci_bit(slot)) ||
        (write && info->read_only)) {
        fail(p, slot, ATA_ABRT, lba);
        return;
    }
    if (!range_ok(lba, count, info->size / ATA_SECTOR)) {
        fail(p, slot, ATA_IDNF, lba);
        return;
    }
    p->queued |= ahci_bit(slot);
    s->in = !write;
    s->fua = write && (d->device & DEVICE_FUA);
    s->offset = lba * ATA_SECTOR;
    s->left = count * ATA_SECTOR;
    ahci_xfer(s);
}

void ahci_queue_on_disk(struct ahci_slot *s, int result)
{
    struct ahci_port *p = s->port;

    if (p->halted)
        return; /* another one failed: nobody is told of this one */
    if (result < 0) {
        fail(p, s->tag, ATA_UNC, s->offset / ATA_SECTOR);
        return;
    }
    if (s->left) {
        ahci_xfer(s);
        return;
    }
    if (s->fua) {
        s->fua = false;
        ahci_flush(s);
        return;
    }
    p->told |= ahci_bit(s->tag);
    loop_post(p->hba->loop, &p->tell_op);
}

/* ---- the logs ---- */

static void put_failure(struct ahci_port *p, uint8_t *out)
{
    const struct ahci_failure *f = &p->failure;

    out[0] = f->any ? f->tag : NOT_QUEUED;
    out[2] = f->status;
    out[3] = f->error;
    for (unsigned i = 0; i < 3; i++) {
        out[4 + i] = (uint8_t)(f->lba >> (8 * i));
        out[8 + i] = (uint8_t)(f->lba >> (8 * (i + 3)));
    }
    p->failure = (struct ahci_failure){.any = false};
}

bool ahci_queue_log(struct ahci_port *p, unsigned log, unsigned page)
{
    uint8_t *out = p->buf;
    unsigned sum = 0;

    if ((log != LOG_DIRECTORY && log != LOG_QUEUE) || page)
        return false;
    memset(out, 0, ATA_SECTOR);
    if (log == LOG_DIRECTORY) {
        out[0] = 1;             /* version */
        out[2 * LOG_QUEUE] = 1; /* pages */
        return true;
    }
    put_failure(p, out);
    for (unsigned i = 0; i < ATA_SECTOR - 1; i++)
        sum += out[i];
    out[ATA_SECTOR - 1] = (uint8_t)(0u - sum);
    return true;
}
