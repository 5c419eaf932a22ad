/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ide.h: two ATA channels with up to two drives each and the bus-master DMA
 * of the PIIX3, in front of struct blk.
 *
 * A drive is a disk (LBA28 and LBA48, PIO and multiword or Ultra DMA) or a
 * CD-ROM (ATAPI). Registers are served on vCPU threads; data moves on the
 * loop, and no access ever waits for it: the guest sees BSY.
 *
 * Sources: ATA/ATAPI-6 (INCITS 361-2002), "Programming Interface for Bus
 * Master IDE Controller" 1.0, the 82371SB datasheet (290550), and MMC-3 for
 * the CD-ROM. Thread: board lock held; create and destroy on the loop.
 */
#ifndef ATA_IDE_H
#define ATA_IDE_H

#include "devices/backend/blk.h"
#include "mmu/gmem.h"
#include "vmm/device.h"
#include "vmm/intr.h"
#include "vmm/loop.h"

#define IDE_CHANNELS   2
#define IDE_DRIVES     2
#define IDE_MODEL_MAX  40
#define IDE_SERIAL_MAX 20

struct ide;
struct ide_channel;

struct ide_drive_config {
    struct blk *blk; /* started; NULL: no drive */
    bool cdrom;
    const char *serial; /* at most IDE_SERIAL_MAX bytes; borrowed */
};

struct ide_config {
    struct loop *loop; /* its lock is the board lock */
    struct gmem *mem;
    struct intr *intr[IDE_CHANNELS];
    struct ide_drive_config drives[IDE_CHANNELS][IDE_DRIVES];
};

/* All in cfg is borrowed. NULL after logging. */
struct ide *ide_create(const struct ide_config *cfg);
/* No vCPU runs. What is in flight is brought to its end. */
void ide_destroy(struct ide *ide);

struct ide_channel *ide_channel(struct ide *ide, unsigned n);

/*
 * Pull a drive out, for good: it answers no more, and what it was doing ends
 * nowhere. Its disk may be another front-end's from then on. False: there was
 * none. Any thread.
 */
bool ide_unplug(struct ide *ide, unsigned channel, unsigned drive);

/* Registers; dev is the channel: 8 ports at 1f0 or 170, 1 at 3f6 or 376. */
#define IDE_COMMAND_PORTS 8
extern const struct io_ops ide_command_ops;
extern const struct io_ops ide_control_ops;

/* Bus-master registers of both channels (BAR 4); dev is the ide. */
#define IDE_BM_PORTS 16
extern const struct io_ops ide_bm_ops;

#endif
