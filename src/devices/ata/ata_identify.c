// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ata_identify.c: what a drive says of itself (IDENTIFY DEVICE, IDENTIFY
 * PACKET DEVICE). Source: ATA/ATAPI-6, 8.15 and 8.16, by word number.
 */
#include "devices/ata/ata_priv.h"

#include <string.h>

#define MAX_CYLS   16383u
#define LBA28_SIZE 0x10000000ull

static void put(unsigned char *out, unsigned word, uint16_t value)
{
    out[2 * word] = (unsigned char)value;
    out[2 * word + 1] = (unsigned char)(value >> 8);
}

/* Text: the first character of a pair is the word's high byte. */
static void put_text(unsigned char *out, unsigned word, unsigned words,
                     const char *text)
{
    const size_t n = strlen(text);

    for (size_t i = 0; i < 2 * (size_t)words; i++)
        out[2 * word + (i ^ 1)] = i < n ? (unsigned char)text[i] : ' ';
}

static void put_geometry(const struct ata_drive *d, unsigned char *out,
                         uint64_t sectors)
{
    uint64_t cyls = sectors / (16 * 63);
    uint32_t now;

    if (cyls > MAX_CYLS)
        cyls = MAX_CYLS;
    put(out, 1, (uint16_t)cyls);
    put(out, 3, 16);
    put(out, 6, 63);
    /* The translation in force. */
    cyls = sectors / ((unsigned)d->heads * d->spt);
    if (cyls > UINT16_MAX)
        cyls = UINT16_MAX;
    now = (uint32_t)cyls * d->heads * d->spt;
    put(out, 54, (uint16_t)cyls);
    put(out, 55, d->heads);
    put(out, 56, d->spt);
    put(out, 57, (uint16_t)now);
    put(out, 58, (uint16_t)(now >> 16));
}

static void put_size(unsigned char *out, uint64_t sectors)
{
    const uint64_t small = sectors < LBA28_SIZE ? sectors : LBA28_SIZE - 1;

    put(out, 60, (uint16_t)small);
    put(out, 61, (uint16_t)(small >> 16));
    for (unsigned i = 0; i < 4; i++)
        put(out, 100 + i, (uint16_t)(sectors >> (16 * i)));
}

/* Modes that are there, and the one that is chosen (words 63 to 88). */
static void put_modes(const struct ata_drive *d, unsigned char *out)
{
    const unsigned udma = d->cdrom ? 0x07 : 0x3f;

    put(out, 53, 0x0007); /* words 54 to 58, 64 to 70 and 88 mean something */
    put(out, 63, (uint16_t)(0x07 | (d->mwdma < 3 ? 0x100u << d->mwdma : 0)));
    put(out, 64, 0x0003); /* PIO modes 3 and 4 */
    for (unsigned word = 65; word <= 68; word++)
        put(out, word, 120); /* ns a cycle */
    put(out, 80, 0x007e);    /* ATA-1 to ATA/ATAPI-6 */
    put(out, 88, (uint16_t)(udma | (d->udma < 6 ? 0x100u << d->udma : 0)));
    if (!d->sata)
        put(out, 93, 0x6003 | (d->second ? 0x0400 : 0));
}

/* Serial ATA 2.6, 13.2.1: signalling at 1.5 and 3 Gb/s, queued commands. */
static void put_sata(const struct ata_drive *d, unsigned char *out)
{
    put(out, 76, d->cdrom ? 0x0006 : 0x0106);
    if (!d->cdrom)
        put(out, 75, ATA_QUEUE - 1);
    put(out, 80, 0x00fe); /* to ATA/ATAPI-7 */
}

/* Words 82 to 87: what is there and what is on. */
static void put_features(const struct ata_drive *d, unsigned char *out)
{
    const uint16_t cache = d->write_cache ? 0x0020 : 0;
    const uint16_t health = d->smart ? 0x0001 : 0;
    const uint16_t log = d->sata ? 0x0020 : 0; /* READ LOG EXT */

    put(out, 82, 0x4029); /* NOP, write cache, power management, SMART */
    put(out, 83, 0x7400); /* both FLUSHes, LBA48 */
    put(out, 84, 0x4000 | log);
    put(out, 85, (uint16_t)(0x4008 | cache | health));
    put(out, 86, 0x3400);
    put(out, 87, 0x4000 | log);
}

/* Bigger physical sectors, as a power of two of logical ones. */
static void put_sector_size(const struct ata_drive *d, unsigned char *out)
{
    uint32_t n = blk_info(d->blk)->physical_block / ATA_SECTOR;
    unsigned power = 0;

    while (n > 1 && power < 15) {
        n /= 2;
        power++;
    }
    if (power)
        put(out, 106, (uint16_t)(0x6000 | power));
}

static void identify_disk(const struct ata_drive *d, unsigned char *out)
{
    const uint64_t sectors = blk_info(d->blk)->size / ATA_SECTOR;

    put(out, 0, 0x0040); /* a fixed disk */
    put_text(out, 27, 20, "VMM HARDDISK");
    put(out, 47, 0x8000 | ATA_MAX_MULTIPLE);
    put(out, 49, 0x0f00); /* IORDY, LBA, DMA */
    put(out, 50, 0x4000);
    put(out, 59, d->multiple ? 0x0100 | d->multiple : 0);
    put_geometry(d, out, sectors);
    put_size(out, sectors);
    put_features(d, out);
    put_sector_size(d, out);
}

static void identify_cdrom(unsigned char *out)
{
    /* ATAPI, CD-ROM, removable, DRQ within 50 us, packets of 12 bytes. */
    put(out, 0, 0x85c0);
    put_text(out, 27, 20, "VMM DVD-ROM");
    put(out, 49, 0x0f00);
    put(out, 82, 0x4210); /* NOP, DEVICE RESET, PACKET */
    put(out, 83, 0x4000);
    put(out, 84, 0x4000);
    put(out, 85, 0x4210);
    put(out, 87, 0x4000);
}

void ata_identify(const struct ata_drive *d, unsigned char *out)
{
    unsigned sum = 0;

    memset(out, 0, ATA_SECTOR);
    put_text(out, 10, 10, d->serial);
    put_text(out, 23, 4, "1.0");
    put_modes(d, out);
    if (d->sata)
        put_sata(d, out);
    if (d->cdrom)
        identify_cdrom(out);
    else
        identify_disk(d, out);
    out[510] = 0xa5; /* the sum of all bytes is 0 */
    for (unsigned i = 0; i < ATA_SECTOR - 1; i++)
        sum += out[i];
    out[511] = (unsigned char)(0u - sum);
}
