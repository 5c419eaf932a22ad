/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ahci_priv.h: the controller, its ports and their command slots; for the
 * files of this folder only.
 *
 * ahci.c has the controller's registers and life, ahci_port.c a port's
 * registers, resets and stops, ahci_cmd.c fetches and ends commands,
 * ahci_queue.c the queued ones, ahci_xfer.c moves their data.
 */
#ifndef ATA_AHCI_PRIV_H
#define ATA_AHCI_PRIV_H

#include "devices/ata/ahci.h"
#include "devices/ata/ata_priv.h"
#include "devices/pci/msi.h"

#define AHCI_SLOTS ATA_QUEUE
#define AHCI_IOV   128 /* of a request; longer tables take several */

/* PxIS and PxIE (3.3.5). */
#define PIS_DHRS 0x00000001u /* frame: device to host */
#define PIS_PSS  0x00000002u /* PIO setup */
#define PIS_SDBS 0x00000008u /* set device bits */
#define PIS_PCS  0x00000040u /* mirrors PxSERR.DIAG.X */
#define PIS_PRCS 0x00400000u /* mirrors PxSERR.DIAG.N */
#define PIS_OFS  0x01000000u /* overflow */
#define PIS_IFS  0x08000000u /* interface fatal error */
#define PIS_HBFS 0x20000000u /* host bus fatal error */
#define PIS_TFES 0x40000000u /* task file error */
#define PIS_ALL  0xfdc000ffu

/* PxCMD (3.3.7). */
#define PCMD_ST    0x00000001u
#define PCMD_SUD   0x00000002u
#define PCMD_POD   0x00000004u
#define PCMD_CLO   0x00000008u
#define PCMD_FRE   0x00000010u
#define PCMD_CCS   0x00001f00u /* shifted by */
#define PCMD_SLOT  8u
#define PCMD_FR    0x00004000u
#define PCMD_CR    0x00008000u
#define PCMD_ATAPI 0x01000000u
#define PCMD_DLAE  0x02000000u
#define PCMD_KEPT  (PCMD_ST | PCMD_FRE | PCMD_ATAPI | PCMD_DLAE)

#define SERR_DIAG_N 0x00010000u
#define SERR_DIAG_X 0x04000000u

/* A place in a table of physical regions (4.2.3.3). */
struct ahci_cursor {
    uint64_t table;
    unsigned next, n; /* entries */
    uint64_t addr;    /* in the one under way */
    uint32_t left;    /* bytes of it; 0: fetch the next */
};

struct ahci_slot {
    struct ahci_port *port; /* borrowed */
    unsigned tag;
    struct blk_req req;
    bool in_flight;
    bool in;         /* to the host */
    bool fua;        /* a write that is to be on the medium when it ends */
    uint64_t offset; /* bytes on the disk */
    uint64_t left;   /* bytes that have still to move */
    uint32_t moved;  /* bytes that have */
    uint64_t header; /* where its command header is */
    struct ahci_cursor cursor;
    struct iovec iov[AHCI_IOV];
};

/* The last queued command that failed: log 10h (Serial ATA 2.6, 13.7). */
struct ahci_failure {
    bool any;
    uint8_t tag, status, error;
    uint64_t lba;
    uint16_t count;
};

struct ahci_port {
    struct ahci *hba; /* borrowed */
    unsigned n;
    struct ata_drive drive;        /* blk NULL: nothing is connected */
    unsigned char buf[ATA_SECTOR]; /* the drive's */
    /* registers */
    uint64_t clb, fb;
    uint32_t is, ie, cmd, sctl, serr, sact, ci;
    uint32_t sig;
    bool linked;  /* SSTS says a device is there and the link is up */
    bool greeted; /* its first frame was told, or waits for FRE: false */
    /* commands */
    int current;     /* the slot of the command under way, or -1 */
    bool pio_in;     /* it answers by PIO */
    uint32_t queued; /* slots whose queued command is under way */
    uint32_t told;   /* of these, what ended and is not told yet */
    bool halted;     /* an error: nothing goes on until ST is cleared */
    struct ahci_failure failure;
    /* stopping */
    bool stopping; /* the disk is to be waited for */
    bool comreset; /* then, and when SCTL lets go, the device is reset */
    bool held;     /* a software reset is held */
    struct loop_op stop_op, tell_op;
    struct ahci_slot *slots; /* owned; NULL: nothing is connected */
};

struct ahci {
    struct pci_func func;
    struct msi msi;
    struct loop *loop; /* borrowed */
    struct gmem *mem;  /* borrowed */
    uint32_t ghc, is;
    uint32_t told;  /* bits of is that the CPU was told of */
    bool resetting; /* GHC.HR: until no port is stopping */
    struct ahci_port ports[AHCI_PORTS];
};

/* ---- ahci.c ---- */

/* The interrupt follows what the ports say. */
void ahci_update(struct ahci *hba);
/* A port has come to its stop. */
void ahci_stopped(struct ahci *hba);

/* ---- ahci_port.c ---- */

void ahci_port_init(struct ahci_port *p);
/* GHC.HR: its registers are as after power-on when it has stopped. */
void ahci_port_reset(struct ahci_port *p);
uint32_t ahci_port_read(struct ahci_port *p, unsigned reg);
void ahci_port_write(struct ahci_port *p, unsigned reg, uint32_t value);
/* PxIS, mirrors included. */
uint32_t ahci_port_is(const struct ahci_port *p);
/* Set bits of PxIS. */
void ahci_port_raise(struct ahci_port *p, uint32_t bits);
/* An error: a port that runs does not go on until the driver stops it. */
void ahci_port_halt(struct ahci_port *p, uint32_t bits);
/* Loop: the disk has nothing of the port any more. */
void ahci_port_on_stop(struct loop_op *op, int res);

/* ---- ahci_cmd.c ---- */

/* Begin what can begin of the commands issued. */
void ahci_run(struct ahci_port *p);
extern const struct ata_transport ahci_transport;
/* Frames into the driver's memory. */
void ahci_send_d2h(struct ahci_port *p, bool interrupt);
void ahci_send_fis(struct ahci_port *p, unsigned at, const void *fis,
                   unsigned n);

/* ---- ahci_queue.c ---- */

/* Is it READ or WRITE FPDMA QUEUED? */
bool ahci_is_queued(const struct ahci_port *p, uint8_t command);
void ahci_queue_begin(struct ahci_port *p, unsigned slot, uint8_t command);
/* A request of a queued command has ended. */
void ahci_queue_on_disk(struct ahci_slot *s, int result);
/* Loop: what ended is told, all of it by one frame. */
void ahci_queue_on_tell(struct loop_op *op, int res);
/* READ LOG EXT: the log into buf. False: there is no such log. */
bool ahci_queue_log(struct ahci_port *p, unsigned log, unsigned page);

/* ---- ahci_xfer.c ---- */

/*
 * Have the disk move as much as one request can. False: the table does not
 * hold it; the port has halted.
 */
bool ahci_xfer(struct ahci_slot *s);
/* Copy between buf and the table. Bytes moved. */
unsigned ahci_copy(struct ahci_slot *s, void *buf, unsigned n, bool in);
void ahci_flush(struct ahci_slot *s);
/* What ended is over with the disk: go on or end. Loop. */
void ahci_on_disk(struct blk_req *req);

static inline uint32_t ahci_bit(unsigned n)
{
    return (uint32_t)1 << n;
}

#endif
