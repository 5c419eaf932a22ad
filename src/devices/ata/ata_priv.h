/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ata_priv.h: a drive and its commands, whatever connects it to the host; for
 * the files of this folder only.
 *
 * ata_cmd.c has the disk's commands, ata_identify.c what a drive says of
 * itself, atapi.c the CD-ROM's. They know the task file and the disk. How data
 * moves and how the host learns of an end is the transport's: the channels of
 * ide_priv.h, or the ports of ahci_priv.h.
 */
#ifndef ATA_ATA_PRIV_H
#define ATA_ATA_PRIV_H

#include "devices/backend/blk.h"
#include "vmm/types.h"

#define ATA_SERIAL_MAX 20

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

#define PACKET_BYTES 12u

/* Most sectors of one DRQ block of READ or WRITE MULTIPLE. */
#define ATA_MAX_MULTIPLE 16u

/* Commands a drive behind Serial ATA can have queued. */
#define ATA_QUEUE 32u

/* A register and what was written before it (LBA48). */
struct ata_reg {
    uint8_t now;
    uint8_t before;
};

struct ata_drive {
    const struct ata_transport *transport; /* borrowed */
    void *port;                            /* borrowed: the transport's own */
    unsigned char *buf; /* borrowed: of ATA_SECTOR bytes or more, for answers */
    struct blk *blk;    /* borrowed; NULL: absent */
    bool gone;          /* pulled out */
    bool cdrom;
    bool sata;   /* not one of two on a cable */
    bool second; /* on a cable */
    char serial[ATA_SERIAL_MAX + 1];
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

/* Data that a command moves between host, buffer and disk. */
struct ata_data {
    bool in; /* to the host */
    bool dma;
    bool disk;       /* the disk's; else len bytes of buf are all there is */
    bool packet;     /* of a packet command */
    uint64_t offset; /* bytes on the disk */
    uint64_t left;   /* bytes the disk has to move */
    unsigned len;    /* bytes of buf */
    unsigned block;  /* bytes of a DRQ block, by PIO */
};

/*
 * What is between a drive and the host: a channel's registers, or a port's
 * frames. A command ends in end, or in one of the others, which see to its
 * end.
 */
struct ata_transport {
    /* The command is over; the host is told. error 0: it went well. */
    void (*end)(struct ata_drive *d, uint8_t error);
    /* Move data, and end. */
    void (*move)(struct ata_drive *d, const struct ata_data *x);
    /* FLUSH: when the disk has written what it holds, end. */
    void (*flush)(struct ata_drive *d);
    /* PACKET: get its 12 bytes into buf, and call atapi_packet. */
    void (*packet)(struct ata_drive *d);
    /* EXECUTE DEVICE DIAGNOSTIC, DEVICE RESET. */
    void (*diagnose)(struct ata_drive *d);
    void (*device_reset)(struct ata_drive *d);
};

/* ---- commands ---- */

/* ata_cmd.c: a write to the command register of a drive that is there. */
void ata_command(struct ata_drive *d, uint8_t command);
/* ata_identify.c: 512 bytes. */
void ata_identify(const struct ata_drive *d, unsigned char *out);
/* atapi.c: the packet in buf. */
void atapi_packet(struct ata_drive *d);
/* atapi.c: the disc could not be read; sense data, and the error register. */
uint8_t atapi_medium_error(struct ata_drive *d);
/* The signature a reset, or a command that is not for it, leaves. */
void ata_signature(struct ata_drive *d);
/* Back to what power-on left, but for what the host chose. */
void ata_reset(struct ata_drive *d);

#endif
