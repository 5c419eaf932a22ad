/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ide_priv.h: a channel, its drives, and the one command it executes; for
 * the files of this folder only.
 *
 * ide.c has the registers, ata_cmd.c the disk's commands, ata_identify.c what
 * a drive says of itself, atapi*.c the CD-ROM's, ide_xfer.c moves data,
 * bmdma.c walks the table of the bus master.
 */
#ifndef ATA_IDE_PRIV_H
#define ATA_IDE_PRIV_H

#include "devices/ata/ide.h"

#define ATA_SECTOR 512u
#define CD_SECTOR  2048u

/* Status register. */
#define ATA_ERR  0x01u /* CHK for a packet command */
#define ATA_DRQ  0x08u
#define ATA_DSC  0x10u /* seek complete */
#define ATA_DF   0x20u
#define ATA_DRDY 0x40u
#define ATA_BSY  0x80u

/* Error register. */
#define ATA_ABRT 0x04u
#define ATA_IDNF 0x10u
#define ATA_UNC  0x40u

/* Device register. */
#define ATA_DEV 0x10u
#define ATA_LBA 0x40u

/* Device control register. */
#define ATA_NIEN 0x02u
#define ATA_SRST 0x04u
#define ATA_HOB  0x80u

/* Interrupt reason (the count register of a packet command). */
#define ATAPI_CD 0x01u /* command packet, or command end */
#define ATAPI_IO 0x02u /* to the host */

#define IDE_BUF      (64u * 1024)
#define IDE_MAX_IOV  256
#define PACKET_BYTES 12u

/* Most sectors of one DRQ block of READ or WRITE MULTIPLE. */
#define ATA_MAX_MULTIPLE 16u

/* A register and what was written before it (LBA48). */
struct ata_reg {
    uint8_t now;
    uint8_t before;
};

struct ata_drive {
    struct ide_channel *ch;
    struct blk *blk; /* borrowed; NULL: absent */
    bool cdrom;
    char serial[IDE_SERIAL_MAX + 1];
    /* the task file: a write reaches both drives of a channel */
    struct ata_reg feature, count, lba[3];
    uint8_t device;
    uint8_t status;
    uint8_t error;
    bool intrq;
    /* what commands set */
    uint8_t multiple; /* sectors of a DRQ block; 0: not set */
    uint8_t heads, spt;
    uint8_t udma, mwdma; /* the mode chosen; 0xff: none */
    bool write_cache;
    bool smart;
    bool standby;
    /* CD-ROM: why the last packet failed, MMC-3 */
    uint8_t sense, asc, ascq;
    bool attention; /* a reset was not told yet */
    bool locked;
};

/* What happens when the data of a command has moved. */
enum ide_then {
    IDE_THEN_END,    /* the command is done */
    IDE_THEN_PACKET, /* 12 bytes of a packet command are in buf */
};

/* Data on its way between host, buffer and disk. */
struct ide_xfer {
    bool active;
    bool in; /* to the host */
    bool dma;
    bool disk;   /* buffer and disk exchange; else buf is all there is */
    bool packet; /* a packet command: interrupt reason, byte counts */
    enum ide_then then;
    uint64_t offset; /* bytes on the disk */
    uint64_t left;   /* bytes the disk has still to move */
    unsigned len;    /* bytes of buf that are in turn */
    unsigned at;     /* bytes the host has moved of them */
    unsigned block;  /* bytes of a DRQ block */
    unsigned end;    /* of the DRQ block under way */
};

/* Bus-master registers of a channel, and a place in the table. */
struct bm_cursor {
    uint32_t entry; /* address of the next entry */
    uint32_t addr;  /* in the one under way */
    uint32_t left;  /* bytes of it; 0: fetch the next */
    bool last;      /* no entry follows */
};

struct bm {
    uint8_t command;
    uint8_t status;
    uint32_t table;
    struct bm_cursor cursor;
};

struct ide_channel {
    struct ide *ide;
    struct intr *intr; /* borrowed */
    struct ata_drive drives[IDE_DRIVES];
    uint8_t control;
    unsigned selected;
    struct bm bm;
    struct ide_xfer xfer;
    struct ata_drive *busy; /* whose command xfer belongs to */
    struct blk_req req;     /* of the drive in busy */
    bool in_flight;
    bool stopping; /* reset or stop: what ends now ends for nobody */
    bool srst;     /* a software reset waits for the disk */
    struct ata_drive *resetting; /* so does this drive's own reset */
    struct loop_op stop_op;
    struct iovec iov[IDE_MAX_IOV];
    unsigned char *buf; /* owned, IDE_BUF bytes */
};

struct ide {
    struct loop *loop; /* borrowed */
    struct gmem *mem;  /* borrowed */
    struct ide_channel channels[IDE_CHANNELS];
};

/* ---- ide.c ---- */

/* The command is over; interrupt. error 0: it went well. */
void ide_end(struct ata_drive *d, uint8_t error);
/* A packet command is over: 0, or with sense data. */
void ide_interrupt(struct ata_drive *d);
/* Bring what is in flight to its end, on the loop; nobody is answered. */
void ide_stop(struct ide_channel *ch);

/* ---- ide_xfer.c ---- */

/* Begin to move data as x says; the drive's status follows. */
void ide_xfer_begin(struct ata_drive *d, const struct ide_xfer *x);
/* The data register. */
void ide_xfer_read(struct ide_channel *ch, void *data, unsigned n);
void ide_xfer_write(struct ide_channel *ch, const void *data, unsigned n);
/* The bus master was started: data may move. */
void ide_xfer_dma(struct ide_channel *ch);
/* FLUSH: when the disk has written what it holds, the command ends. */
void ide_flush(struct ata_drive *d);

/* ---- bmdma.c ---- */

void bm_reset(struct bm *bm);
bool bm_started(const struct bm *bm);
/* The table does not hold what the drive would move. */
void bm_fail(struct bm *bm);
/* The drive interrupts. */
void bm_interrupt(struct bm *bm);
/*
 * The next most bytes (a multiple of ATA_SECTOR) of the table, or fewer, as
 * an iovec; *n: its length. 0: the table has no whole sector left, or leads
 * out of RAM.
 */
uint64_t bm_gather(struct ide *ide, struct bm *bm, uint64_t most,
                   struct iovec *iov, int *n);
/* Copy between buf and the table. Bytes moved. */
unsigned bm_copy(struct ide *ide, struct bm *bm, void *buf, unsigned n,
                 bool in);

/* ---- commands ---- */

/* ata_cmd.c: a write to the command register of a drive that is there. */
void ata_command(struct ata_drive *d, uint8_t command);
/* ata_identify.c: 512 bytes. */
void ata_identify(const struct ata_drive *d, unsigned char *out);
/* atapi.c: the packet in ch->buf. */
void atapi_packet(struct ata_drive *d);
void atapi_begin(struct ata_drive *d);
/* The signature a reset, or a command that is not for it, leaves. */
void ata_signature(struct ata_drive *d);
/* Back to what power-on left, but for what the host chose. */
void ata_reset(struct ata_drive *d);

#endif
