// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ahci_xfer.c: the data of a port's commands; see ahci_priv.h. Source: AHCI
 * 1.3, 4.2.3.3 (the table of physical regions), 6.1.9 (overflow).
 *
 * An entry is fetched once, when the transfer reaches it. A request to the
 * disk is as long as its iovec holds; longer commands take several, one after
 * the other. Where a table leads out of RAM, or ends before the transfer
 * does, the port halts.
 *
 * Thread: board lock held; what the disk answers, on the loop.
 */
#include "devices/ata/ahci_priv.h"

/* Most bytes of a request. */
#define MOST (1024u * 1024)

#define COUNT_MASK 0x003fffffu

struct prd {
    uint64_t addr;
    uint32_t reserved;
    uint32_t count; /* less one */
};

/* The entry under way, or the next. False: there is none, or no RAM. */
static bool refill(const struct ahci *hba, struct ahci_cursor *c)
{
    struct prd e;

    if (c->left)
        return true;
    if (c->next == c->n ||
        gmem_read(hba->mem, GPA(c->table + c->next * sizeof(e)), &e,
                  sizeof(e)) < 0)
        return false;
    c->next++;
    c->addr = e.addr & ~1ull;
    c->left = ((e.count & COUNT_MASK) | 1) + 1;
    return true;
}

/* As much as there is of most, up to a full iovec; moves the cursor. */
static uint64_t gather(const struct ahci *hba, struct ahci_cursor *c,
                       uint64_t most, struct iovec *iov, int *n)
{
    uint64_t done = 0;

    *n = 0;
    while (done < most && refill(hba, c)) {
        const uint64_t part = c->left < most - done ? c->left : most - done;
        const int used =
            gmem_iov(hba->mem, GPA(c->addr), part, iov + *n, AHCI_IOV - *n);

        if (used < 0)
            break;
        *n += used;
        done += part;
        c->addr += part;
        c->left -= (uint32_t)part;
    }
    return done;
}

/*
 * The same in whole sectors: the disk moves no parts. The second walk is
 * over fewer bytes of the same entries, which the guest may have changed
 * meanwhile: then it may come out shorter, and that is an error.
 */
static uint64_t gather_sectors(struct ahci_slot *s, uint64_t most, int *n,
                               bool *used_up)
{
    const struct ahci *hba = s->port->hba;
    struct ahci_cursor c = s->cursor;
    uint64_t got = gather(hba, &c, most, s->iov, n);
    const uint64_t whole = got - got % ATA_SECTOR;

    *used_up = c.next == c.n && !c.left;
    if (got != whole) {
        c = s->cursor;
        got = gather(hba, &c, whole, s->iov, n);
        if (got != whole)
            return 0;
    }
    s->cursor = c;
    return got;
}

static void submit(struct ahci_slot *s, enum blk_op op, uint64_t bytes, int n)
{
    struct blk *blk = s->port->drive.blk;

    s->req.op = op;
    s->req.offset = op == BLK_FLUSH ? 0 : s->offset;
    s->req.len = bytes;
    s->req.iov = s->iov;
    s->req.n_iov = n;
    s->req.done = ahci_on_disk;
    s->req.owner = s;
    s->in_flight = true;
    blk_submit(blk, &s->req);
}

bool ahci_xfer(struct ahci_slot *s)
{
    const uint64_t most = s->left < MOST ? s->left : MOST;
    bool used_up;
    int n;
    const uint64_t got = gather_sectors(s, most, &n, &used_up);

    if (!got) {
        ahci_port_halt(s->port, used_up ? PIS_OFS : PIS_HBFS);
        return false;
    }
    submit(s, s->in ? BLK_READ : BLK_WRITE, got, n);
    return true;
}

void ahci_flush(struct ahci_slot *s)
{
    submit(s, BLK_FLUSH, 0, 0);
}

unsigned ahci_copy(struct ahci_slot *s, void *buf, unsigned n, bool in)
{
    const struct ahci *hba = s->port->hba;
    struct ahci_cursor *c = &s->cursor;
    unsigned char *at = buf;
    unsigned done = 0;

    while (done < n && refill(hba, c)) {
        const unsigned part = c->left < n - done ? c->left : n - done;
        const int ret = in ? gmem_write(hba->mem, GPA(c->addr), at + done, part)
                           : gmem_read(hba->mem, GPA(c->addr), at + done, part);

        if (ret < 0)
            break;
        done += part;
        c->addr += part;
        c->left -= part;
    }
    return done;
}

/* ---- what the disk answers ---- */

/* Where the disk failed, in the task file. */
static void tell_sector(struct ata_drive *d, uint64_t lba)
{
    for (unsigned i = 0; i < 3; i++) {
        d->lba[i].now = (uint8_t)(lba >> (8 * i));
        d->lba[i].before = (uint8_t)(lba >> (8 * (i + 3)));
    }
}

static void single_on_disk(struct ahci_slot *s, int result)
{
    struct ata_drive *d = &s->port->drive;

    if (result < 0 && d->cdrom) {
        d->transport->end(d, atapi_medium_error(d));
    } else if (result < 0) {
        tell_sector(d, s->offset / ATA_SECTOR);
        d->transport->end(d, ATA_UNC);
    } else if (s->left && s->req.op != BLK_FLUSH) {
        ahci_xfer(s);
    } else {
        if (d->cdrom)
            d->count.now = ATAPI_CD | ATAPI_IO;
        d->transport->end(d, 0);
    }
}

void ahci_on_disk(struct blk_req *req)
{
    struct ahci_slot *s = req->owner;
    struct ahci_port *p = s->port;
    const bool queued = p->queued & ahci_bit(s->tag);

    s->in_flight = false;
    if (p->stopping)
        return;
    if (req->result == 0 && req->op != BLK_FLUSH) {
        s->offset += req->len;
        s->left -= req->len;
        s->moved += (uint32_t)req->len;
    }
    if (queued)
        ahci_queue_on_disk(s, req->result);
    else
        single_on_disk(s, req->result);
    ahci_run(p);
}
