// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ahci_port.c: the registers of a port, and how it stops; see ahci_priv.h.
 * Source: AHCI 1.3, 3.3 (registers), 10.1 to 10.4 (start, stop, resets).
 *
 * A port that stops while the disk works for it cannot wait here: PxCMD.CR
 * (or GHC.HR, or BSY) stays set, the loop drains the disk, and then guest
 * memory is the guest's own again.
 *
 * Thread: board lock held, on a vCPU or on the loop.
 */
#include "devices/ata/ahci_priv.h"

/* Registers of a port, by offset. */
enum {
    PX_CLB = 0x00,
    PX_CLBU = 0x04,
    PX_FB = 0x08,
    PX_FBU = 0x0c,
    PX_IS = 0x10,
    PX_IE = 0x14,
    PX_CMD = 0x18,
    PX_TFD = 0x20,
    PX_SIG = 0x24,
    PX_SSTS = 0x28,
    PX_SCTL = 0x2c,
    PX_SERR = 0x30,
    PX_SACT = 0x34,
    PX_CI = 0x38,
};

#define CLB_MASK 0xfffffffffffffc00ull
#define FB_MASK  0xffffffffffffff00ull

#define SIG_DISK  0x00000101u
#define SIG_CDROM 0xeb140101u
#define SIG_NONE  0xffffffffu

#define SSTS_LINKED 0x00000123u /* active, 3 Gb/s, a device is there */
#define SCTL_DET    0x0000000fu
#define DET_NONE    0u
#define DET_RESET   1u
#define DET_OFF     4u

#define TFD_NONE 0x0000007fu

/* ---- what it says ---- */

uint32_t ahci_port_is(const struct ahci_port *p)
{
    return p->is | (p->serr & SERR_DIAG_X ? PIS_PCS : 0) |
           (p->serr & SERR_DIAG_N ? PIS_PRCS : 0);
}

void ahci_port_raise(struct ahci_port *p, uint32_t bits)
{
    p->is |= bits;
    ahci_update(p->hba);
}

/* One that does not run has nowhere to go on from (6.2.2). */
void ahci_port_halt(struct ahci_port *p, uint32_t bits)
{
    p->halted = p->cmd & PCMD_ST;
    ahci_port_raise(p, bits);
}

/* ---- the link ---- */

static bool is_connected(const struct ahci_port *p)
{
    return p->slots;
}

/* The first frame after a reset says what it is (10.4.2). */
static void greet(struct ahci_port *p)
{
    if (!p->linked || p->greeted || !(p->cmd & PCMD_FRE))
        return;
    p->greeted = true;
    ahci_send_d2h(p, false);
}

/* The device answers to the end of a reset, if there is one. */
static void link_up(struct ahci_port *p)
{
    p->linked = is_connected(p);
    p->held = false;
    p->sig = SIG_NONE;
    if (!p->linked)
        return;
    ata_reset(&p->drive);
    p->sig = p->drive.cdrom ? SIG_CDROM : SIG_DISK;
    p->serr |= SERR_DIAG_X | SERR_DIAG_N;
    p->greeted = false;
    greet(p);
}

/* ---- stopping ---- */

static bool is_busy(const struct ahci_port *p)
{
    for (unsigned i = 0; p->slots && i < AHCI_SLOTS; i++)
        if (p->slots[i].in_flight)
            return true;
    return false;
}

/* 10.3.2, 5.3.1: commands that were issued are forgotten. */
static void stopped(struct ahci_port *p)
{
    p->stopping = false;
    p->ci = 0;
    p->sact = 0;
    p->current = -1;
    p->queued = 0;
    p->told = 0;
    p->halted = false;
    if (p->slots && (p->drive.status & ATA_BSY) && !p->held)
        p->drive.status = ATA_DRDY | ATA_DSC;
    if (p->comreset && (p->sctl & SCTL_DET) == DET_NONE) {
        p->comreset = false;
        link_up(p);
    }
    ahci_stopped(p->hba);
    ahci_update(p->hba);
}

void ahci_port_on_stop(struct loop_op *op, int res)
{
    struct ahci_port *p = op->owner;

    (void)res;
    blk_drain(p->drive.blk);
    stopped(p);
}

static void stop(struct ahci_port *p)
{
    if (p->stopping)
        return;
    if (!is_busy(p)) {
        stopped(p);
        return;
    }
    p->stopping = true;
    loop_post(p->hba->loop, &p->stop_op);
}

/* ---- power-on and resets ---- */

static void clear_registers(struct ahci_port *p)
{
    p->clb = 0;
    p->fb = 0;
    p->is = 0;
    p->ie = 0;
    p->cmd = 0;
    p->sctl = 0;
    p->serr = 0;
}

void ahci_port_init(struct ahci_port *p)
{
    clear_registers(p);
    p->current = -1;
    link_up(p);
}

void ahci_port_reset(struct ahci_port *p)
{
    clear_registers(p);
    p->linked = false;
    p->sig = SIG_NONE;
    p->comreset = true;
    stop(p);
}

/* COMRESET is sent while DET is 1; the link comes back when it is 0. */
static void write_sctl(struct ahci_port *p, uint32_t value)
{
    const uint32_t det = value & SCTL_DET;

    p->sctl = value & 0xfffu;
    if (det == DET_RESET || det == DET_OFF) {
        p->linked = false;
        p->sig = SIG_NONE;
        p->comreset = true;
        stop(p);
    } else if (det == DET_NONE && p->comreset && !p->stopping) {
        stopped(p);
    }
}

static void write_cmd(struct ahci_port *p, uint32_t value)
{
    const uint32_t old = p->cmd;

    /* CR is set until the disk is quiet: a start then is not heard. */
    if (p->stopping && !(old & PCMD_ST))
        value &= ~PCMD_ST;
    p->cmd = value & PCMD_KEPT;
    if ((value & PCMD_CLO) && p->current < 0)
        p->drive.status &= (uint8_t) ~(ATA_BSY | ATA_DRQ);
    greet(p);
    if ((old & PCMD_ST) && !(value & PCMD_ST))
        stop(p);
    else if (value & PCMD_ST)
        ahci_run(p);
}

/* ---- registers ---- */

static uint32_t read_cmd(const struct ahci_port *p)
{
    const uint32_t running = (p->cmd & PCMD_ST) || p->stopping ? PCMD_CR : 0;
    const uint32_t slot =
        p->current < 0 ? 0 : (uint32_t)p->current << PCMD_SLOT;

    return p->cmd | PCMD_SUD | PCMD_POD | running | slot |
           (p->cmd & PCMD_FRE ? PCMD_FR : 0);
}

static uint32_t read_tfd(const struct ahci_port *p)
{
    const struct ata_drive *d = &p->drive;

    if (!is_connected(p))
        return TFD_NONE;
    if (p->comreset || !p->linked)
        return ATA_BSY;
    return d->status | (uint32_t)d->error << 8;
}

uint32_t ahci_port_read(struct ahci_port *p, unsigned reg)
{
    switch (reg) {
    case PX_CLB:
        return (uint32_t)p->clb;
    case PX_CLBU:
        return (uint32_t)(p->clb >> 32);
    case PX_FB:
        return (uint32_t)p->fb;
    case PX_FBU:
        return (uint32_t)(p->fb >> 32);
    case PX_IS:
        return ahci_port_is(p);
    case PX_IE:
        return p->ie;
    case PX_CMD:
        return read_cmd(p);
    case PX_TFD:
        return read_tfd(p);
    case PX_SIG:
        return p->sig;
    case PX_SSTS:
        return p->linked ? SSTS_LINKED : 0;
    case PX_SCTL:
        return p->sctl;
    case PX_SERR:
        return p->serr;
    case PX_SACT:
        return p->sact;
    case PX_CI:
        return p->ci;
    default:
        return 0;
    }
}

static void set_low(uint64_t *r, uint32_t value, uint64_t mask)
{
    *r = ((*r & ~(uint64_t)UINT32_MAX) | value) & mask;
}

static void set_high(uint64_t *r, uint32_t value)
{
    *r = (*r & UINT32_MAX) | (uint64_t)value << 32;
}

/* 3.3.13, 3.3.14: bits can be set, and only while the port runs. */
static void issue(struct ahci_port *p, uint32_t *r, uint32_t value)
{
    if (!(p->cmd & PCMD_ST) || p->stopping)
        return;
    *r |= value;
    ahci_run(p);
}

void ahci_port_write(struct ahci_port *p, unsigned reg, uint32_t value)
{
    if (p->hba->resetting)
        return;
    switch (reg) {
    case PX_CLB:
        set_low(&p->clb, value, CLB_MASK);
        break;
    case PX_CLBU:
        set_high(&p->clb, value);
        break;
    case PX_FB:
        set_low(&p->fb, value, FB_MASK);
        break;
    case PX_FBU:
        set_high(&p->fb, value);
        break;
    case PX_IS:
        p->is &= ~value;
        break;
    case PX_IE:
        p->ie = value & PIS_ALL;
        break;
    case PX_CMD:
        write_cmd(p, value);
        break;
    case PX_SCTL:
        write_sctl(p, value);
        break;
    case PX_SERR:
        p->serr &= ~value;
        break;
    case PX_SACT:
        issue(p, &p->sact, value);
        break;
    case PX_CI:
        issue(p, &p->ci, value);
        break;
    default:
        break;
    }
    ahci_update(p->hba);
}
