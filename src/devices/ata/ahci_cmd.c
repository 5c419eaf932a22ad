// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ahci_cmd.c: commands of a port: fetched, begun, ended; see ahci_priv.h.
 * Source: AHCI 1.3, 4.2 (memory structures), 5.3 (the port's states), 6.2
 * (errors); Serial ATA 2.6, 10.3 (frames).
 *
 * A header and the frame behind it are copied once; the frame becomes the
 * drive's task file, and the drive's commands are those of ata_cmd.c. A
 * command without a queue has the drive to itself.
 *
 * A command that fails halts the port: its bit of PxCI stays, PxCMD.CCS says
 * which it is.
 */
#include "devices/ata/ahci_priv.h"

#include <string.h>

#define HEADER_BYTES 32u

#define FIS_H2D     0x27u
#define FIS_D2H     0x34u
#define FIS_PIO     0x5fu
#define FIS_COMMAND 0x80u /* of byte 1: a command, else device control */
#define FIS_INTR    0x40u
#define FIS_TO_HOST 0x20u
#define FIS_BYTES   64u

/* Where frames go in the receive area (4.2.1). */
#define AT_PIO 0x20u
#define AT_D2H 0x40u

#define ACMD_AT 0x40u /* in the command table */
#define PRDT_AT 0x80u

#define CMD_READ_LOG     0x2fu
#define CMD_READ_LOG_DMA 0x47u

struct header {
    uint32_t flags; /* PRDTL << 16 */
    uint32_t moved;
    uint64_t table;
};

/* The frame, and the packet for a CD-ROM. */
struct command {
    uint8_t fis[FIS_BYTES];
    uint8_t packet[PACKET_BYTES];
};

_Static_assert(offsetof(struct command, packet) == ACMD_AT, "4.2.3.2");

/* ---- frames to the host ---- */

void ahci_send_fis(struct ahci_port *p, unsigned at, const void *fis,
                   unsigned n)
{
    if (!(p->cmd & PCMD_FRE))
        return;
    if (gmem_write(p->hba->mem, GPA(p->fb + at), fis, n) < 0)
        ahci_port_halt(p, PIS_HBFS);
}

/* The task file, as frames have it. */
static void put_task_file(const struct ata_drive *d, uint8_t *fis)
{
    fis[2] = d->status;
    fis[3] = d->error;
    for (unsigned i = 0; i < 3; i++) {
        fis[4 + i] = d->lba[i].now;
        fis[8 + i] = d->lba[i].before;
    }
    fis[7] = d->device;
    fis[12] = d->count.now;
    fis[13] = d->count.before;
}

void ahci_send_d2h(struct ahci_port *p, bool interrupt)
{
    uint8_t fis[20] = {FIS_D2H, interrupt ? FIS_INTR : 0};

    put_task_file(&p->drive, fis);
    ahci_send_fis(p, AT_D2H, fis, sizeof(fis));
    if (interrupt)
        ahci_port_raise(p, PIS_DHRS);
}

/* Data went to the host by PIO: this frame has the status before and after. */
static void send_pio_setup(struct ahci_port *p, uint32_t bytes)
{
    uint8_t fis[20] = {FIS_PIO, FIS_INTR | FIS_TO_HOST};

    put_task_file(&p->drive, fis);
    fis[2] |= ATA_DRQ;
    fis[15] = p->drive.status;
    fis[16] = (uint8_t)bytes;
    fis[17] = (uint8_t)(bytes >> 8);
    ahci_send_fis(p, AT_PIO, fis, sizeof(fis));
    ahci_port_raise(p, PIS_PSS);
}

/* ---- the end of a command without a queue ---- */

/* The drive's status says how it went. */
static void finish(struct ahci_port *p)
{
    struct ahci_slot *s = &p->slots[p->current];
    const bool failed = p->drive.status & (ATA_ERR | ATA_DF);

    if (gmem_write(p->hba->mem, GPA(s->header + offsetof(struct header, moved)),
                   &s->moved, sizeof(s->moved)) < 0)
        ahci_port_halt(p, PIS_HBFS);
    if (failed) {
        ahci_send_d2h(p, true);
        ahci_port_halt(p, PIS_TFES);
        return;
    }
    p->ci &= ~ahci_bit(s->tag);
    p->current = -1;
    if (p->pio_in)
        send_pio_setup(p, s->moved);
    else
        ahci_send_d2h(p, true);
}

static void end(struct ata_drive *d, uint8_t error)
{
    d->error = error;
    d->status = ATA_DRDY | ATA_DSC | (error ? ATA_ERR : 0);
    finish(d->port);
}

static void move(struct ata_drive *d, const struct ata_data *x)
{
    struct ahci_port *p = d->port;
    struct ahci_slot *s = &p->slots[p->current];

    p->pio_in = x->in && !x->dma && !x->packet;
    s->in = x->in;
    s->offset = x->offset;
    s->left = x->left;
    if (x->disk) {
        ahci_xfer(s);
        return;
    }
    s->moved = ahci_copy(s, d->buf, x->len, x->in);
    if (s->moved < x->len)
        ahci_port_raise(p, PIS_OFS);
    if (x->packet)
        d->count.now = ATAPI_CD | ATAPI_IO;
    end(d, 0);
}

static void flush(struct ata_drive *d)
{
    struct ahci_port *p = d->port;

    ahci_flush(&p->slots[p->current]);
}

/* The reset leaves its own code in the error register. */
static void reset_device(struct ata_drive *d)
{
    ata_reset(d);
    finish(d->port);
}

const struct ata_transport ahci_transport = {
    .end = end,
    .move = move,
    .flush = flush,
    .packet = atapi_packet,
    .diagnose = reset_device,
    .device_reset = reset_device,
};

/* ---- beginning ---- */

static void load_task_file(struct ata_drive *d, const uint8_t *fis)
{
    d->feature = (struct ata_reg){fis[3], fis[11]};
    d->count = (struct ata_reg){fis[12], fis[13]};
    for (unsigned i = 0; i < 3; i++)
        d->lba[i] = (struct ata_reg){fis[4 + i], fis[8 + i]};
    d->device = fis[7];
}

/* 10.4.1: a software reset is two frames, with SRST and without. */
static void control(struct ahci_port *p, unsigned slot, const uint8_t *fis)
{
    struct ata_drive *d = &p->drive;
    const bool hold = fis[15] & ATA_SRST;

    p->ci &= ~ahci_bit(slot);
    if (hold) {
        p->held = true;
        d->status = ATA_BSY;
    } else if (p->held) {
        p->held = false;
        ata_reset(d);
        ahci_send_d2h(p, false);
    }
}

static void read_log(struct ahci_port *p, bool dma)
{
    struct ata_drive *d = &p->drive;
    const struct ata_data x = {.in = true, .dma = dma, .len = ATA_SECTOR};
    const unsigned page = d->lba[1].now | (unsigned)d->lba[1].before << 8;

    if (d->count.now != 1 || d->count.before != 0 ||
        !ahci_queue_log(p, d->lba[0].now, page))
        end(d, ATA_ABRT);
    else
        move(d, &x);
}

static void begin(struct ahci_port *p, unsigned slot, const struct command *c)
{
    struct ata_drive *d = &p->drive;
    const uint8_t command = c->fis[2];

    p->current = (int)slot;
    p->pio_in = false;
    d->status = ATA_BSY;
    memcpy(d->buf, c->packet, sizeof(c->packet));
    if (!d->cdrom && (command == CMD_READ_LOG || command == CMD_READ_LOG_DMA))
        read_log(p, command == CMD_READ_LOG_DMA);
    else
        ata_command(d, command);
}

/* ---- fetching ---- */

/* Copy a slot's header and frame. False: they are not RAM. */
static bool fetch(struct ahci_port *p, unsigned slot, struct command *c)
{
    struct ahci_slot *s = &p->slots[slot];
    struct header h;

    s->header = p->clb + slot * HEADER_BYTES;
    s->moved = 0;
    if (gmem_read(p->hba->mem, GPA(s->header), &h, sizeof(h)) < 0)
        return false;
    h.table &= ~0x7full;
    s->cursor =
        (struct ahci_cursor){.table = h.table + PRDT_AT, .n = h.flags >> 16};
    return gmem_read(p->hba->mem, GPA(h.table), c, sizeof(*c)) == 0;
}

/* Begin a command. False: it has to wait, or the port has halted. */
static bool start(struct ahci_port *p, unsigned slot)
{
    struct command c;

    if (!fetch(p, slot, &c)) {
        ahci_port_halt(p, PIS_HBFS);
        return false;
    }
    if (c.fis[0] != FIS_H2D) {
        ahci_port_halt(p, PIS_IFS);
        return false;
    }
    if (!(c.fis[1] & FIS_COMMAND)) {
        control(p, slot, c.fis);
        return true;
    }
    if (p->held)
        return false; /* the device hears nothing */
    if (ahci_is_queued(p, c.fis[2])) {
        load_task_file(&p->drive, c.fis);
        ahci_queue_begin(p, slot, c.fis[2]);
        return true;
    }
    if (p->queued)
        return false; /* it is begun when the queue is empty */
    load_task_file(&p->drive, c.fis);
    begin(p, slot, &c);
    return true;
}

void ahci_run(struct ahci_port *p)
{
    for (unsigned slot = 0; slot < AHCI_SLOTS; slot++) {
        if (!(p->cmd & PCMD_ST) || !p->linked || p->stopping || p->halted ||
            p->current >= 0)
            return;
        if ((p->ci & ahci_bit(slot)) && !start(p, slot))
            return;
    }
}
