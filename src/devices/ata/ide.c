// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ide.c: the registers of an ATA channel; see ide.h and ide_priv.h.
 *
 * Both drives latch what is written to the task file; the one that is
 * selected answers reads and executes commands. While a drive is busy its
 * task file cannot be written. An absent drive answers as the one that is
 * there says it must: status 0.
 *
 * A reset cannot wait here for the disk: BSY is set, the loop drains the
 * channel, and BSY falls when guest memory is the guest's own again.
 */
#include "devices/ata/ide_priv.h"

#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

/* Command block registers, by offset. */
enum {
    REG_DATA,
    REG_FEATURE, /* read: error */
    REG_COUNT,
    REG_LBA0,
    REG_LBA1,
    REG_LBA2,
    REG_DEVICE,
    REG_COMMAND, /* read: status */
};

static struct ata_drive *selected(struct ide_channel *ch)
{
    return &ch->drives[ch->selected];
}

static bool is_there(const struct ata_drive *d)
{
    return d->blk && !d->gone;
}

/* The line shows the selected drive, unless the host does not listen. */
static void drive_line(struct ide_channel *ch)
{
    const bool level = selected(ch)->intrq && !(ch->control & ATA_NIEN);

    intr_set(ch->intr, level);
}

void ide_interrupt(struct ata_drive *d)
{
    struct ide_channel *ch = ide_channel_of(d);

    d->intrq = true;
    bm_interrupt(&ch->bm);
    drive_line(ch);
}

void ide_end(struct ata_drive *d, uint8_t error)
{
    struct ide_channel *ch = ide_channel_of(d);

    ch->busy = NULL;
    ch->xfer.active = false;
    d->error = error;
    d->status = ATA_DRDY | ATA_DSC | (error ? ATA_ERR : 0);
    ide_interrupt(d);
}

/* ---- reset ---- */

static void reset_drives(struct ide_channel *ch)
{
    ch->busy = NULL;
    ch->xfer.active = false;
    ch->selected = 0;
    for (unsigned i = 0; i < IDE_DRIVES; i++)
        if (is_there(&ch->drives[i]))
            ata_reset(&ch->drives[i]);
    bm_reset(&ch->bm);
    drive_line(ch);
}

/* On the loop: nothing may land in guest memory after this. */
static void on_stop(struct loop_op *op, int res)
{
    struct ide_channel *ch = op->owner;

    (void)res;
    if (ch->in_flight)
        blk_drain(ch->req.blk);
    ch->stopping = false;
    if (ch->resetting)
        ata_reset(ch->resetting);
    ch->resetting = NULL;
    if (!ch->srst)
        return;
    ch->srst = false;
    /* Held in reset: BSY stays until the host lets go. */
    if (!(ch->control & ATA_SRST))
        reset_drives(ch);
}

void ide_stop(struct ide_channel *ch)
{
    ch->stopping = true;
    loop_post(ch->ide->loop, &ch->stop_op);
}

/* 8.10: both drives, whichever is selected; drive 0 answers. */
static void diagnose(struct ata_drive *d)
{
    struct ide_channel *ch = ide_channel_of(d);

    for (unsigned i = 0; i < IDE_DRIVES; i++)
        if (is_there(&ch->drives[i]))
            ata_reset(&ch->drives[i]);
    ch->selected = 0;
    ide_interrupt(&ch->drives[0]);
}

/* 8.9: what the drive was doing is forgotten; BSY until the disk has too. */
static void device_reset(struct ata_drive *d)
{
    struct ide_channel *ch = ide_channel_of(d);
    const bool own = ch->busy == d || ch->resetting == d;

    if (own) {
        ch->busy = NULL;
        ch->xfer.active = false;
    }
    if (!own || !ch->in_flight) {
        ata_reset(d);
        return;
    }
    d->status = ATA_BSY;
    ch->resetting = d;
    ide_stop(ch);
}

static const struct ata_transport transport = {
    .end = ide_end,
    .move = ide_move,
    .flush = ide_flush,
    .packet = ide_packet,
    .diagnose = diagnose,
    .device_reset = device_reset,
};

static void set_busy(struct ide_channel *ch)
{
    for (unsigned i = 0; i < IDE_DRIVES; i++) {
        struct ata_drive *d = &ch->drives[i];

        d->intrq = false;
        if (is_there(d))
            d->status = ATA_BSY;
    }
}

static void write_control(struct ide_channel *ch, uint8_t value)
{
    const uint8_t old = ch->control;

    ch->control = value;
    if ((value & ATA_SRST) && !(old & ATA_SRST)) {
        set_busy(ch);
        /* A command that waits for the bus master waits no longer. */
        ch->busy = NULL;
        ch->xfer.active = false;
        ch->srst = true;
        ide_stop(ch);
    } else if (!(value & ATA_SRST) && (old & ATA_SRST) && !ch->srst) {
        reset_drives(ch);
    }
    drive_line(ch);
}

/* ---- the command block ---- */

static void latch(struct ata_reg *r, uint8_t value)
{
    r->before = r->now;
    r->now = value;
}

static void write_task_file(struct ata_drive *d, unsigned reg, uint8_t value)
{
    switch (reg) {
    case REG_FEATURE:
        latch(&d->feature, value);
        break;
    case REG_COUNT:
        latch(&d->count, value);
        break;
    case REG_DEVICE:
        d->device = value;
        break;
    default:
        latch(&d->lba[reg - REG_LBA0], value);
        break;
    }
}

static bool is_busy(const struct ide_channel *ch)
{
    for (unsigned i = 0; i < IDE_DRIVES; i++)
        if (ch->drives[i].status & (ATA_BSY | ATA_DRQ))
            return true;
    return false;
}

static void write_command(struct ide_channel *ch, uint8_t value)
{
    struct ata_drive *d = selected(ch);

    if (!is_there(d) || ch->srst || (ch->control & ATA_SRST))
        return;
    /* 7.3: DEVICE RESET alone is heard at any other time. */
    if (is_busy(ch) && !(d->cdrom && value == 0x08))
        return;
    d->intrq = false;
    drive_line(ch);
    ata_command(d, value);
}

static void write_register(struct ide_channel *ch, unsigned reg, uint8_t value)
{
    /* 6.2: any write to the command block closes the window on "before". */
    ch->control &= (uint8_t)~ATA_HOB;
    if (reg == REG_COMMAND) {
        write_command(ch, value);
        return;
    }
    if (is_busy(ch) || ch->srst)
        return;
    for (unsigned i = 0; i < IDE_DRIVES; i++)
        write_task_file(&ch->drives[i], reg, value);
    if (reg == REG_DEVICE) {
        ch->selected = value & ATA_DEV ? 1 : 0;
        drive_line(ch);
    }
}

static uint8_t shown(const struct ide_channel *ch, const struct ata_reg *r)
{
    return ch->control & ATA_HOB ? r->before : r->now;
}

static uint8_t status(const struct ide_channel *ch)
{
    return ch->drives[ch->selected].status;
}

static uint8_t read_register(struct ide_channel *ch, unsigned reg)
{
    struct ata_drive *d = selected(ch);

    if (!is_there(d) && !is_there(&ch->drives[!ch->selected]))
        return 0xff; /* nobody drives the bus */
    if (!is_there(d))
        return 0;
    switch (reg) {
    case REG_FEATURE:
        return d->error;
    case REG_COUNT:
        return shown(ch, &d->count);
    case REG_DEVICE:
        return d->device | 0xa0;
    case REG_COMMAND:
        d->intrq = false;
        drive_line(ch);
        return status(ch);
    default:
        return shown(ch, &d->lba[reg - REG_LBA0]);
    }
}

/* The data register takes words and double words; others are bytes. */
static void command_read(void *dev, uint64_t off, void *data, unsigned n)
{
    struct ide_channel *ch = dev;
    unsigned char *out = data;

    if (off == REG_DATA) {
        ide_xfer_read(ch, data, n);
        return;
    }
    for (unsigned i = 0; i < n; i++)
        out[i] = off + i < IDE_COMMAND_PORTS
                     ? read_register(ch, (unsigned)off + i)
                     : 0xff;
}

static void command_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct ide_channel *ch = dev;
    const unsigned char *in = data;

    if (off == REG_DATA) {
        ide_xfer_write(ch, data, n);
        return;
    }
    for (unsigned i = 0; i < n && off + i < IDE_COMMAND_PORTS; i++)
        write_register(ch, (unsigned)off + i, in[i]);
}

const struct io_ops ide_command_ops = {
    .name = "ide",
    .read = command_read,
    .write = command_write,
};

/* Alternate status: as status, and the interrupt stays. */
static void control_read(void *dev, uint64_t off, void *data, unsigned n)
{
    const struct ide_channel *ch = dev;
    const bool any = is_there(&ch->drives[0]) || is_there(&ch->drives[1]);

    (void)off;
    memset(data, 0xff, n);
    if (any)
        *(uint8_t *)data = status(ch);
}

static void control_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    (void)off;
    (void)n;
    write_control(dev, *(const uint8_t *)data);
}

const struct io_ops ide_control_ops = {
    .name = "ide-control",
    .read = control_read,
    .write = control_write,
};

/* As after a reset that only this drive hears, and nothing comes back. */
bool ide_unplug(struct ide *ide, unsigned channel, unsigned drive)
{
    struct ide_channel *ch = ide_channel(ide, channel);
    struct ata_drive *d = &ch->drives[drive];

    if (!is_there(d))
        return false;
    d->gone = true;
    d->status = 0;
    d->intrq = false;
    blk_set_writethrough(d->blk, false);
    if (ch->resetting == d)
        ch->resetting = NULL;
    if (ch->busy == d) {
        ch->busy = NULL;
        ch->xfer.active = false;
        if (ch->in_flight)
            ide_stop(ch);
    }
    drive_line(ch);
    return true;
}

/* ---- making and taking apart ---- */

static void init_drive(struct ata_drive *d, struct ide_channel *ch,
                       const struct ide_drive_config *cfg)
{
    d->transport = &transport;
    d->port = ch;
    d->buf = ch->buf;
    d->second = d == &ch->drives[1];
    d->blk = cfg->blk;
    d->cdrom = cfg->cdrom;
    if (cfg->serial)
        strncpy(d->serial, cfg->serial, IDE_SERIAL_MAX);
    if (!d->blk)
        return;
    d->write_cache = true;
    d->smart = true;
    ata_reset(d);
}

static int init_channel(struct ide_channel *ch, struct ide *ide,
                        const struct ide_config *cfg, unsigned n)
{
    ch->ide = ide;
    ch->intr = cfg->intr[n];
    ch->stop_op = (struct loop_op){.fn = on_stop, .owner = ch};
    ch->buf = malloc(IDE_BUF);
    for (unsigned i = 0; i < IDE_DRIVES; i++)
        init_drive(&ch->drives[i], ch, &cfg->drives[n][i]);
    bm_reset(&ch->bm);
    return ch->buf ? 0 : -1;
}

struct ide *ide_create(const struct ide_config *cfg)
{
    struct ide *ide = calloc(1, sizeof(*ide));
    int ret = ide ? 0 : -1;

    if (ide) {
        ide->loop = cfg->loop;
        ide->mem = cfg->mem;
    }
    for (unsigned n = 0; ide && n < IDE_CHANNELS; n++)
        ret |= init_channel(&ide->channels[n], ide, cfg, n);
    if (ret == 0)
        return ide;
    log_error("ide: out of memory");
    ide_destroy(ide);
    return NULL;
}

void ide_destroy(struct ide *ide)
{
    if (!ide)
        return;
    for (unsigned n = 0; n < IDE_CHANNELS; n++) {
        struct ide_channel *ch = &ide->channels[n];

        if (!ch->ide)
            continue;
        ch->stopping = true;
        if (ch->in_flight)
            blk_drain(ch->req.blk);
        loop_drain(ide->loop, &ch->stop_op);
        free(ch->buf);
    }
    free(ide);
}

struct ide_channel *ide_channel(struct ide *ide, unsigned n)
{
    BUG_ON(n >= IDE_CHANNELS);
    return &ide->channels[n];
}
