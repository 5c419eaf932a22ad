/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ide_priv.h: a channel, its drives, and the one command it executes; for
 * the files of this folder only.
 *
 * ide.c has the registers, ide_xfer.c moves data, bmdma.c walks the table of
 * the bus master. The drives' commands are those of ata_priv.h.
 */
#ifndef ATA_IDE_PRIV_H
#define ATA_IDE_PRIV_H

#include "devices/ata/ata_priv.h"
#include "devices/ata/ide.h"

#define IDE_BUF     (64u * 1024)
#define IDE_MAX_IOV 256

_Static_assert(IDE_SERIAL_MAX == ATA_SERIAL_MAX, "8.15: words 10 to 19");

/* What happens when the data of a command has moved. */
enum ide_then {
    IDE_THEN_END,    /* the command is done */
    IDE_THEN_PACKET, /* 12 bytes of a packet command are in buf */
};

/* Data on its way between host, buffer and disk. */
struct ide_xfer {
    struct ata_data d; /* left: that the disk has still to move */
    bool active;
    enum ide_then then;
    unsigned at;  /* bytes of buf that the host has moved */
    unsigned end; /* of the DRQ block under way */
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

static inline struct ide_channel *ide_channel_of(const struct ata_drive *d)
{
    return d->port;
}

/* ---- ide.c ---- */

/* The command is over; interrupt. error 0: it went well. */
void ide_end(struct ata_drive *d, uint8_t error);
/* A packet command is over: 0, or with sense data. */
void ide_interrupt(struct ata_drive *d);
/* Bring what is in flight to its end, on the loop; nobody is answered. */
void ide_stop(struct ide_channel *ch);

/* ---- ide_xfer.c ---- */

/* Begin to move data as x says; the drive's status follows. */
void ide_move(struct ata_drive *d, const struct ata_data *x);
/* The host is to write a packet. */
void ide_packet(struct ata_drive *d);
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

#endif
