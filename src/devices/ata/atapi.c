// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * atapi.c: the CD-ROM's packet commands; see ata_priv.h. Sources: ATA/ATAPI-6,
 * 8.23 and 9.8 (PACKET); MMC-3 and SPC-2 for what is in a packet.
 *
 * A packet is 12 bytes in the drive's buffer. It is copied once; its answer
 * is built in the same buffer and cut to what the host allows, or data comes
 * from the disk in sectors of 2048 bytes. A failure leaves sense data, which
 * REQUEST SENSE tells and clears.
 */
#include "devices/ata/ata_priv.h"

#include "vmm/checked.h"

#include <string.h>

/* Sense keys. */
#define SENSE_MEDIUM    0x3
#define SENSE_ILLEGAL   0x5
#define SENSE_ATTENTION 0x6

/* Additional sense codes. */
#define ASC_UNREADABLE     0x11
#define ASC_INVALID_OPCODE 0x20
#define ASC_OUT_OF_RANGE   0x21
#define ASC_INVALID_FIELD  0x24
#define ASC_RESET          0x29
#define ASC_SAVING         0x39 /* saving parameters not supported */
#define ASC_NO_REMOVAL     0x53 /* medium removal prevented */

struct packet {
    unsigned char b[PACKET_BYTES];
};

static uint32_t be16(const unsigned char *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const unsigned char *p)
{
    return be16(p) << 16 | be16(p + 2);
}

static void put16(unsigned char *p, uint32_t v)
{
    p[0] = (unsigned char)(v >> 8);
    p[1] = (unsigned char)v;
}

static void put32(unsigned char *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

static uint32_t sectors_of(const struct ata_drive *d)
{
    const uint64_t n = blk_info(d->blk)->size / CD_SECTOR;

    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* ---- ends ---- */

static void good(struct ata_drive *d)
{
    d->count.now = ATAPI_CD | ATAPI_IO;
    d->transport->end(d, 0);
}

uint8_t atapi_medium_error(struct ata_drive *d)
{
    d->sense = SENSE_MEDIUM;
    d->asc = ASC_UNREADABLE;
    d->ascq = 0;
    d->count.now = ATAPI_CD | ATAPI_IO;
    return SENSE_MEDIUM << 4;
}

static void check(struct ata_drive *d, uint8_t sense, uint8_t asc)
{
    d->sense = sense;
    d->asc = asc;
    d->ascq = 0;
    d->count.now = ATAPI_CD | ATAPI_IO;
    d->transport->end(d, (uint8_t)((unsigned)sense << 4 | ATA_ABRT));
}

static void refuse(struct ata_drive *d)
{
    check(d, SENSE_ILLEGAL, ASC_INVALID_FIELD);
}

/* The most bytes a DRQ block may have: what the host wrote, and even. */
static unsigned byte_limit(const struct ata_drive *d)
{
    const unsigned n = d->lba[1].now | (unsigned)d->lba[2].now << 8;

    if (n == 0 || n == 0xffff)
        return 0xfffe;
    return n & 1 && n > 1 ? n - 1 : n;
}

static bool wants_dma(const struct ata_drive *d)
{
    return d->feature.now & 1;
}

/* n bytes of the buffer, as far as the host allows, are the answer. */
static void answer(struct ata_drive *d, unsigned n, unsigned allowed)
{
    const struct ata_data x = {
        .in = true,
        .packet = true,
        .dma = wants_dma(d),
        .len = n < allowed ? n : allowed,
        .block = byte_limit(d),
    };

    if (x.len)
        d->transport->move(d, &x);
    else
        good(d);
}

/* ---- commands ---- */

static void test_ready(struct ata_drive *d, const struct packet *p)
{
    (void)p;
    good(d);
}

static void request_sense(struct ata_drive *d, const struct packet *p)
{
    unsigned char *out = d->buf;

    memset(out, 0, 18);
    out[0] = 0x70;
    out[2] = d->sense;
    out[7] = 10; /* bytes that follow */
    out[12] = d->asc;
    out[13] = d->ascq;
    d->sense = 0;
    d->asc = 0;
    d->ascq = 0;
    answer(d, 18, p->b[4]);
}

static void inquiry(struct ata_drive *d, const struct packet *p)
{
    /* Vendor, product and revision, 8, 16 and 4 characters. */
    static const char names[] = "VMM     VMM DVD-ROM     1.0 ";
    const size_t n = sizeof(names) - 1;
    unsigned char *out = d->buf;

    if (p->b[1] & 1) { /* vital product data */
        refuse(d);
        return;
    }
    memset(out, 0, 36);
    out[0] = 0x05; /* CD-ROM */
    out[1] = 0x80; /* removable */
    out[3] = 0x21; /* ATAPI's response format */
    out[4] = 31;   /* bytes that follow */
    memcpy(out + 8, names, n);
    answer(d, 36, be16(p->b + 3));
}

static void read_capacity(struct ata_drive *d, const struct packet *p)
{
    (void)p;
    put32(d->buf, sectors_of(d) - 1);
    put32(d->buf + 4, CD_SECTOR);
    answer(d, 8, 8);
}

static void read_sectors(struct ata_drive *d, uint32_t lba, uint32_t n)
{
    const struct ata_data x = {
        .in = true,
        .packet = true,
        .disk = true,
        .dma = wants_dma(d),
        .offset = (uint64_t)lba * CD_SECTOR,
        .left = (uint64_t)n * CD_SECTOR,
        .block = byte_limit(d),
    };

    if (!range_ok(lba, n, sectors_of(d)))
        check(d, SENSE_ILLEGAL, ASC_OUT_OF_RANGE);
    else if (n)
        d->transport->move(d, &x);
    else
        good(d);
}

static void read10(struct ata_drive *d, const struct packet *p)
{
    read_sectors(d, be32(p->b + 2), be16(p->b + 7));
}

static void read12(struct ata_drive *d, const struct packet *p)
{
    read_sectors(d, be32(p->b + 2), be32(p->b + 6));
}

/* READ CD, of which user data alone is there. */
static void read_cd(struct ata_drive *d, const struct packet *p)
{
    const uint32_t n = be32(p->b + 5) & 0xffffff;

    switch (p->b[9] & 0xf8) {
    case 0x00:
        good(d);
        break;
    case 0x10:
        read_sectors(d, be32(p->b + 2), n);
        break;
    default:
        refuse(d);
        break;
    }
}

static void seek(struct ata_drive *d, const struct packet *p)
{
    if (be32(p->b + 2) < sectors_of(d))
        good(d);
    else
        check(d, SENSE_ILLEGAL, ASC_OUT_OF_RANGE);
}

/* An address as block number or as minute, second, frame. */
static void put_address(unsigned char *out, uint32_t lba, bool msf)
{
    const uint32_t f = lba + 150;

    if (!msf) {
        put32(out, lba);
        return;
    }
    out[0] = 0;
    out[1] = (unsigned char)(f / 75 / 60);
    out[2] = (unsigned char)(f / 75 % 60);
    out[3] = (unsigned char)(f % 75);
}

static unsigned char *put_track(unsigned char *out, uint8_t number,
                                uint32_t lba, bool msf)
{
    out[0] = 0;
    out[1] = 0x14; /* data, address mode 1 */
    out[2] = number;
    out[3] = 0;
    put_address(out + 4, lba, msf);
    return out + 8;
}

/* One track of data from the first sector on, and the lead-out. */
static void read_toc(struct ata_drive *d, const struct packet *p)
{
    const bool msf = p->b[1] & 2;
    const unsigned format = p->b[2] & 0xf ? p->b[2] & 0xf : p->b[9] >> 6;
    unsigned char *out = d->buf, *at = out + 4;

    if (format > 1 || (format == 0 && p->b[6] > 1 && p->b[6] != 0xaa)) {
        refuse(d);
        return;
    }
    if (p->b[6] <= 1 || format == 1)
        at = put_track(at, 1, 0, msf);
    if (format == 0)
        at = put_track(at, 0xaa, sectors_of(d), msf);
    put16(out, (uint32_t)(at - out) - 2);
    out[2] = 1; /* first and last track, or session */
    out[3] = 1;
    answer(d, (unsigned)(at - out), be16(p->b + 7));
}

/* Capabilities and mechanical status: reads, ejects by order, can be locked. */
static unsigned put_capabilities(const struct ata_drive *d, unsigned char *out)
{
    memset(out, 0, 20);
    out[0] = 0x2a;
    out[1] = 18;
    out[2] = 0x3b; /* reads CD-R, CD-RW, DVD */
    out[4] = 0x70; /* mode 2, several sessions */
    out[6] = (unsigned char)(0x29 | (d->locked ? 2 : 0)); /* tray */
    put16(out + 8, 706);                                  /* kB/s, fourfold */
    put16(out + 14, 706);                                 /* now */
    return 20;
}

static unsigned put_recovery(unsigned char *out)
{
    memset(out, 0, 8);
    out[0] = 0x01;
    out[1] = 6;
    out[3] = 5; /* retries */
    return 8;
}

static void mode_sense(struct ata_drive *d, const struct packet *p)
{
    const unsigned page = p->b[2] & 0x3f;
    unsigned char *out = d->buf;
    unsigned n = 8;

    if (p->b[2] >> 6 == 3) {
        check(d, SENSE_ILLEGAL, ASC_SAVING);
        return;
    }
    if (page != 0x01 && page != 0x2a && page != 0x3f) {
        refuse(d);
        return;
    }
    memset(out, 0, n);
    out[2] = 0x01; /* a disc with data */
    if (page != 0x2a)
        n += put_recovery(out + n);
    if (page != 0x01)
        n += put_capabilities(d, out + n);
    put16(out, n - 2);
    answer(d, n, be16(p->b + 7));
}

static void prevent_removal(struct ata_drive *d, const struct packet *p)
{
    d->locked = p->b[4] & 1;
    good(d);
}

/* The medium stays: it can be spun down and up, and not be put out. */
static void start_stop(struct ata_drive *d, const struct packet *p)
{
    if ((p->b[4] & 3) == 2)
        check(d, SENSE_ILLEGAL, ASC_NO_REMOVAL);
    else
        good(d);
}

static void put_profile(unsigned char *out, uint16_t profile, bool current)
{
    put16(out, profile);
    out[2] = current;
    out[3] = 0;
}

static void get_configuration(struct ata_drive *d, const struct packet *p)
{
    const bool dvd = sectors_of(d) > 360000; /* 700 MiB and a little */
    unsigned char *out = d->buf;

    memset(out, 0, 40);
    put16(out + 6, dvd ? 0x10 : 0x08);
    /* Profile list. */
    out[10] = 0x03; /* persistent, current */
    out[11] = 8;
    put_profile(out + 12, 0x10, dvd);
    put_profile(out + 16, 0x08, !dvd);
    /* Core: the physical interface is ATAPI. */
    put16(out + 20, 1);
    out[22] = 0x03;
    out[23] = 4;
    put32(out + 24, 2);
    /* Removable medium: a tray that can be locked. */
    put16(out + 28, 3);
    out[30] = 0x03;
    out[31] = 4;
    out[32] = 0x39;
    put32(out, 36 - 4);
    answer(d, 36, be16(p->b + 7));
}

/* Polled for a change of medium: there is one, and nothing happened. */
static void get_event(struct ata_drive *d, const struct packet *p)
{
    unsigned char *out = d->buf;
    const bool media = p->b[4] & 0x10;

    if (!(p->b[1] & 1)) { /* to be told later is not offered */
        refuse(d);
        return;
    }
    memset(out, 0, 8);
    put16(out, media ? 6 : 2);
    out[2] = media ? 4 : 0x80; /* media class, or none */
    out[3] = 0x10;
    out[5] = 0x02; /* a medium is present */
    answer(d, media ? 8 : 4, be16(p->b + 7));
}

static void mechanism_status(struct ata_drive *d, const struct packet *p)
{
    memset(d->buf, 0, 8);
    answer(d, 8, be16(p->b + 8));
}

static void disc_information(struct ata_drive *d, const struct packet *p)
{
    unsigned char *out = d->buf;

    memset(out, 0, 34);
    put16(out, 32);
    out[2] = 0x0e; /* complete, last session complete */
    out[3] = 1;
    out[4] = 1;
    out[5] = 1;
    out[6] = 1;
    out[7] = 0x20; /* unrestricted use */
    memset(out + 16, 0xff, 8);
    answer(d, 34, be16(p->b + 7));
}

static const struct packet_command {
    uint8_t code;
    bool any_time; /* also while a reset was not told yet */
    void (*run)(struct ata_drive *d, const struct packet *p);
} commands[] = {
    {0x00, false, test_ready},       {0x03, true, request_sense},
    {0x12, true, inquiry},           {0x1b, false, start_stop},
    {0x1e, false, prevent_removal},  {0x25, false, read_capacity},
    {0x28, false, read10},           {0x2b, false, seek},
    {0x43, false, read_toc},         {0x46, true, get_configuration},
    {0x4a, true, get_event},         {0x51, false, disc_information},
    {0x5a, false, mode_sense},       {0xa8, false, read12},
    {0xbd, false, mechanism_status}, {0xbe, false, read_cd},
};

static void execute(struct ata_drive *d, const struct packet_command *c,
                    const struct packet *p)
{
    if (d->attention && !c->any_time) {
        d->attention = false;
        check(d, SENSE_ATTENTION, ASC_RESET);
        return;
    }
    c->run(d, p);
}

void atapi_packet(struct ata_drive *d)
{
    struct packet p;

    memcpy(p.b, d->buf, sizeof(p.b));
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (commands[i].code == p.b[0]) {
            execute(d, &commands[i], &p);
            return;
        }
    }
    check(d, SENSE_ILLEGAL, ASC_INVALID_OPCODE);
}
