// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ata_cmd.c: the commands of a disk, and those a CD-ROM shares with it; see
 * ata_priv.h. Source: ATA/ATAPI-6, chapter 8.
 *
 * A command is a row: its code, who has it, and what it does. What is not in
 * the table is aborted, and so is what a row refuses. Sector ranges are
 * checked here for IDNF; the disk checks them again.
 */
#include "devices/ata/ata_priv.h"

#include "vmm/checked.h"

#include <string.h>

#define HEADS     16u
#define SPT       63u
#define LBA28_MAX 0x0fffffffull

#define FOR_DISK  0x1u
#define FOR_CDROM 0x2u
#define FOR_BOTH  (FOR_DISK | FOR_CDROM)

/* How a row of data transfer moves. */
#define MOVE_OUT   0x01u
#define MOVE_DMA   0x02u
#define MOVE_EXT   0x04u /* LBA48 */
#define MOVE_MULTI 0x08u /* DRQ blocks of several sectors */
#define MOVE_NONE  0x10u /* READ VERIFY: the range is all there is */

static uint64_t sectors_of(const struct ata_drive *d)
{
    return blk_info(d->blk)->size / ATA_SECTOR;
}

static void end(struct ata_drive *d, uint8_t error)
{
    d->transport->end(d, error);
}

static void done(struct ata_drive *d)
{
    end(d, 0);
}

static void abort_command(struct ata_drive *d)
{
    end(d, ATA_ABRT);
}

/* ---- addresses ---- */

static uint64_t address28(const struct ata_drive *d)
{
    const uint32_t low = d->lba[0].now | (uint32_t)d->lba[1].now << 8 |
                         (uint32_t)d->lba[2].now << 16;

    if (d->device & ATA_LBA)
        return low | (uint64_t)(d->device & 0xf) << 24;
    /* Cylinder, head, sector; sectors count from 1. */
    if (d->lba[0].now == 0)
        return UINT64_MAX;
    return ((uint64_t)(low >> 8) * d->heads + (d->device & 0xf)) * d->spt +
           d->lba[0].now - 1;
}

static uint64_t address48(const struct ata_drive *d)
{
    uint64_t lba = 0;

    for (unsigned i = 0; i < 3; i++) {
        lba |= (uint64_t)d->lba[i].now << (8 * i);
        lba |= (uint64_t)d->lba[i].before << (8 * (i + 3));
    }
    return lba;
}

static unsigned count_of(const struct ata_drive *d, bool ext)
{
    const unsigned n =
        ext ? d->count.now | (unsigned)d->count.before << 8 : d->count.now;

    if (n)
        return n;
    return ext ? 65536 : 256;
}

/* ---- data ---- */

static bool may_move(const struct ata_drive *d, unsigned how)
{
    if ((how & MOVE_MULTI) && !d->multiple)
        return false;
    return !(how & MOVE_OUT) || !blk_info(d->blk)->read_only;
}

static void move(struct ata_drive *d, unsigned how)
{
    const bool ext = how & MOVE_EXT;
    const uint64_t lba = ext ? address48(d) : address28(d);
    const unsigned n = count_of(d, ext);
    struct ata_data x = {
        .in = !(how & MOVE_OUT),
        .dma = how & MOVE_DMA,
        .disk = true,
        .left = (uint64_t)n * ATA_SECTOR,
        .block = ATA_SECTOR * (how & MOVE_MULTI ? d->multiple : 1u),
    };

    if (!may_move(d, how)) {
        abort_command(d);
        return;
    }
    if (!range_ok(lba, n, sectors_of(d))) {
        end(d, ATA_IDNF);
        return;
    }
    if (how & MOVE_NONE) {
        done(d);
        return;
    }
    x.offset = lba * ATA_SECTOR;
    d->transport->move(d, &x);
}

/* What is in the buffer goes to the host as one block. */
static void answer(struct ata_drive *d)
{
    const struct ata_data x = {
        .in = true, .len = ATA_SECTOR, .block = ATA_SECTOR};

    d->transport->move(d, &x);
}

static void identify(struct ata_drive *d, unsigned how)
{
    (void)how;
    ata_identify(d, d->buf);
    answer(d);
}

/* 8.15.5.2: a CD-ROM aborts IDENTIFY DEVICE, with its signature. */
static void identify_cdrom(struct ata_drive *d, unsigned how)
{
    (void)how;
    ata_signature(d);
    abort_command(d);
}

/* ---- without data ---- */

static void nothing(struct ata_drive *d, unsigned how)
{
    (void)how;
    d->standby = false;
    done(d);
}

static void stand_by(struct ata_drive *d, unsigned how)
{
    (void)how;
    d->standby = true;
    done(d);
}

static void check_power(struct ata_drive *d, unsigned how)
{
    (void)how;
    d->count.now = d->standby ? 0x00 : 0xff;
    done(d);
}

static void flush(struct ata_drive *d, unsigned how)
{
    (void)how;
    d->transport->flush(d);
}

static void set_multiple(struct ata_drive *d, unsigned how)
{
    const unsigned n = d->count.now;

    (void)how;
    if (n > ATA_MAX_MULTIPLE || (n & (n - 1))) {
        abort_command(d);
        return;
    }
    d->multiple = (uint8_t)n;
    done(d);
}

/* Sectors per track and, in the device register, the last head. */
static void set_geometry(struct ata_drive *d, unsigned how)
{
    (void)how;
    if (d->count.now == 0) {
        abort_command(d);
        return;
    }
    d->spt = d->count.now;
    d->heads = (uint8_t)((d->device & 0xf) + 1);
    done(d);
}

static void native_max(struct ata_drive *d, unsigned how)
{
    uint64_t last = sectors_of(d) - 1;

    if (!(how & MOVE_EXT) && last > LBA28_MAX)
        last = LBA28_MAX;
    for (unsigned i = 0; i < 3; i++) {
        d->lba[i].now = (uint8_t)(last >> (8 * i));
        if (how & MOVE_EXT)
            d->lba[i].before = (uint8_t)(last >> (8 * (i + 3)));
    }
    if (!(how & MOVE_EXT))
        d->device = (uint8_t)((d->device & 0xf0) | (last >> 24 & 0xf));
    done(d);
}

/* Transfer mode: the count register has its kind and number (table 44). */
static bool set_transfer_mode(struct ata_drive *d)
{
    const uint8_t kind = d->count.now >> 3, mode = d->count.now & 7;

    switch (kind) {
    case 0: /* PIO default */
    case 1: /* PIO with flow control */
        return mode <= 4;
    case 4:
        if (mode > 2)
            return false;
        d->mwdma = mode;
        d->udma = 0xff;
        return true;
    case 8:
        if (mode > 5)
            return false;
        d->udma = mode;
        d->mwdma = 0xff;
        return true;
    default:
        return false;
    }
}

static bool set_write_cache(struct ata_drive *d, bool on)
{
    if (d->cdrom)
        return false;
    d->write_cache = on;
    blk_set_writethrough(d->blk, !on);
    return true;
}

static bool set_feature(struct ata_drive *d)
{
    switch (d->feature.now) {
    case 0x02:
        return set_write_cache(d, true);
    case 0x82:
        return set_write_cache(d, false);
    case 0x03:
        return set_transfer_mode(d);
    case 0x05: /* power management, look-ahead, defaults: taken, no effect */
    case 0x85:
    case 0x55:
    case 0xaa:
    case 0x66:
    case 0xcc:
        return true;
    default:
        return false;
    }
}

static void set_features(struct ata_drive *d, unsigned how)
{
    (void)how;
    if (set_feature(d))
        done(d);
    else
        abort_command(d);
}

/* 8.55: "healthy", and nothing to read about it beyond zeroes. */
static void smart_data(struct ata_drive *d)
{
    unsigned char *p = d->buf;
    unsigned sum = 0;

    memset(p, 0, ATA_SECTOR);
    p[0] = 1;      /* revision of the attribute structure */
    p[362] = 0x80; /* off-line data collection was never started */
    p[368] = 0x03; /* attributes are saved, and autosave is there */
    for (unsigned i = 0; i < ATA_SECTOR - 1; i++)
        sum += p[i];
    p[ATA_SECTOR - 1] = (unsigned char)(0u - sum);
    answer(d);
}

static void smart(struct ata_drive *d, unsigned how)
{
    const uint8_t feature = d->feature.now;

    (void)how;
    /* The key that keeps a stray write from being a SMART command. */
    if (d->lba[1].now != 0x4f || d->lba[2].now != 0xc2 ||
        (!d->smart && feature != 0xd8)) {
        abort_command(d);
        return;
    }
    switch (feature) {
    case 0xd0: /* values */
    case 0xd1: /* thresholds */
        smart_data(d);
        break;
    case 0xd8: /* on, off */
    case 0xd9:
        d->smart = feature == 0xd8;
        done(d);
        break;
    case 0xd2: /* autosave */
    case 0xda: /* status: the key unchanged says that all is well */
        done(d);
        break;
    default:
        abort_command(d);
        break;
    }
}

/* ---- resets and signatures ---- */

void ata_signature(struct ata_drive *d)
{
    d->count.now = 1;
    d->lba[0].now = 1;
    d->lba[1].now = d->cdrom ? 0x14 : 0;
    d->lba[2].now = d->cdrom ? 0xeb : 0;
    d->device = 0;
}

void ata_reset(struct ata_drive *d)
{
    d->intrq = false;
    d->multiple = ATA_MAX_MULTIPLE;
    d->heads = HEADS;
    d->spt = SPT;
    d->udma = d->cdrom ? 2 : 5;
    d->mwdma = 0xff;
    d->standby = false;
    d->sense = 0;
    d->asc = 0;
    d->ascq = 0;
    d->attention = d->cdrom;
    d->error = 1; /* diagnostics passed */
    d->status = d->cdrom ? 0 : ATA_DRDY | ATA_DSC;
    ata_signature(d);
}

static void diagnose(struct ata_drive *d, unsigned how)
{
    (void)how;
    d->transport->diagnose(d);
}

static void device_reset(struct ata_drive *d, unsigned how)
{
    (void)how;
    d->transport->device_reset(d);
}

static void packet(struct ata_drive *d, unsigned how)
{
    (void)how;
    d->transport->packet(d);
}

/* ---- the table ---- */

static const struct command {
    uint8_t first, last;
    uint8_t who;
    uint8_t how; /* MOVE_* */
    void (*run)(struct ata_drive *d, unsigned how);
} commands[] = {
    {0x08, 0x08, FOR_CDROM, 0, device_reset},
    {0x10, 0x1f, FOR_DISK, 0, nothing}, /* RECALIBRATE */
    {0x20, 0x21, FOR_DISK, 0, move},
    {0x24, 0x24, FOR_DISK, MOVE_EXT, move},
    {0x25, 0x25, FOR_DISK, MOVE_EXT | MOVE_DMA, move},
    {0x27, 0x27, FOR_DISK, MOVE_EXT, native_max},
    {0x29, 0x29, FOR_DISK, MOVE_EXT | MOVE_MULTI, move},
    {0x30, 0x31, FOR_DISK, MOVE_OUT, move},
    {0x34, 0x34, FOR_DISK, MOVE_OUT | MOVE_EXT, move},
    {0x35, 0x35, FOR_DISK, MOVE_OUT | MOVE_EXT | MOVE_DMA, move},
    {0x39, 0x39, FOR_DISK, MOVE_OUT | MOVE_EXT | MOVE_MULTI, move},
    {0x40, 0x41, FOR_DISK, MOVE_NONE, move},
    {0x42, 0x42, FOR_DISK, MOVE_NONE | MOVE_EXT, move},
    {0x70, 0x7f, FOR_DISK, 0, nothing}, /* SEEK */
    {0x90, 0x90, FOR_BOTH, 0, diagnose},
    {0x91, 0x91, FOR_DISK, 0, set_geometry},
    {0x94, 0x94, FOR_BOTH, 0, stand_by},
    {0x95, 0x95, FOR_BOTH, 0, nothing},
    {0x96, 0x96, FOR_BOTH, 0, stand_by},
    {0x97, 0x97, FOR_BOTH, 0, nothing},
    {0x98, 0x98, FOR_BOTH, 0, check_power},
    {0x99, 0x99, FOR_BOTH, 0, stand_by},
    {0xa0, 0xa0, FOR_CDROM, 0, packet},
    {0xa1, 0xa1, FOR_CDROM, 0, identify},
    {0xb0, 0xb0, FOR_DISK, 0, smart},
    {0xc4, 0xc4, FOR_DISK, MOVE_MULTI, move},
    {0xc5, 0xc5, FOR_DISK, MOVE_OUT | MOVE_MULTI, move},
    {0xc6, 0xc6, FOR_DISK, 0, set_multiple},
    {0xc8, 0xc9, FOR_DISK, MOVE_DMA, move},
    {0xca, 0xcb, FOR_DISK, MOVE_OUT | MOVE_DMA, move},
    {0xe0, 0xe0, FOR_BOTH, 0, stand_by},
    {0xe1, 0xe1, FOR_BOTH, 0, nothing},
    {0xe2, 0xe2, FOR_BOTH, 0, stand_by},
    {0xe3, 0xe3, FOR_BOTH, 0, nothing},
    {0xe5, 0xe5, FOR_BOTH, 0, check_power},
    {0xe6, 0xe6, FOR_BOTH, 0, stand_by}, /* SLEEP */
    {0xe7, 0xe7, FOR_DISK, 0, flush},
    {0xea, 0xea, FOR_DISK, 0, flush},
    {0xec, 0xec, FOR_DISK, 0, identify},
    {0xec, 0xec, FOR_CDROM, 0, identify_cdrom},
    {0xef, 0xef, FOR_BOTH, 0, set_features},
    {0xf8, 0xf8, FOR_DISK, 0, native_max},
};

void ata_command(struct ata_drive *d, uint8_t command)
{
    const uint8_t who = d->cdrom ? FOR_CDROM : FOR_DISK;

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        const struct command *c = &commands[i];

        if (command < c->first || command > c->last || !(c->who & who))
            continue;
        c->run(d, c->how);
        return;
    }
    abort_command(d);
}
