// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ahci.c: the controller: its PCI function, the registers that are not a
 * port's, its life; see ahci.h. Source: AHCI 1.3, 3.1 (registers), 10.7
 * (interrupts), 10.4.3 (reset).
 */
#include "devices/ata/ahci_priv.h"

#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

#define BAR 5u

enum {
    REG_CAP = 0x00,
    REG_GHC = 0x04,
    REG_IS = 0x08,
    REG_PI = 0x0c,
    REG_VS = 0x10,
    REG_PORTS = 0x100,
    PORT_REGS = 0x80,
};

/*
 * 64-bit addresses, queued commands, command list override, 3 Gb/s, AHCI
 * only, 32 slots, the number of ports.
 */
#define CAP     (0xc1240000u | (AHCI_SLOTS - 1) << 8 | (AHCI_PORTS - 1))
#define GHC_HR  0x00000001u
#define GHC_IE  0x00000002u
#define GHC_AE  0x80000000u
#define VERSION 0x00010300u

static const struct pci_ids ids = {
    .vendor = 0x8086,
    .device = 0x2922,
    .subvendor = 0x8086,
    .subsystem = 0x2922,
    .class = 0x010601,
    .revision = 0x02,
};

/*
 * The pin is a level. A message is sent for each bit of IS that appears; one
 * that a driver clears too early, while its port has more to say, appears again
 * at once (10.6.2).
 */
static void tell(struct ahci *hba)
{
    const uint32_t asks = hba->ghc & GHC_IE ? hba->is : 0;
    const uint32_t news = asks & ~hba->told;

    hba->told = asks;
    if (news && msi_enabled(&hba->msi))
        msi_send(&hba->msi);
    pci_func_set_intx(&hba->func, asks);
}

/* A port's bit stays while the port has something to say (3.1.3). */
void ahci_update(struct ahci *hba)
{
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        const struct ahci_port *p = &hba->ports[i];

        if (ahci_port_is(p) & p->ie)
            hba->is |= ahci_bit(i);
    }
    tell(hba);
}

/* ---- reset ---- */

void ahci_stopped(struct ahci *hba)
{
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        if (hba->ports[i].stopping)
            return;
    hba->resetting = false;
}

static void reset(struct ahci *hba)
{
    hba->ghc = GHC_AE;
    hba->resetting = true;
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        ahci_port_reset(&hba->ports[i]);
    hba->is = 0;
    ahci_stopped(hba);
    ahci_update(hba);
}

static void write_ghc(struct ahci *hba, uint32_t value)
{
    if (hba->resetting)
        return;
    if (value & GHC_HR) {
        reset(hba);
        return;
    }
    hba->ghc = GHC_AE | (value & GHC_IE);
    ahci_update(hba);
}

/* ---- registers ---- */

static uint32_t hba_read(const struct ahci *hba, unsigned at)
{
    switch (at) {
    case REG_CAP:
        return CAP;
    case REG_GHC:
        return hba->ghc | (hba->resetting ? GHC_HR : 0);
    case REG_IS:
        return hba->is;
    case REG_PI:
        return ahci_bit(AHCI_PORTS) - 1;
    case REG_VS:
        return VERSION;
    default:
        return 0;
    }
}

static void hba_write(struct ahci *hba, unsigned at, uint32_t value)
{
    if (at == REG_GHC) {
        write_ghc(hba, value);
    } else if (at == REG_IS) {
        hba->is &= ~value;
        hba->told &= ~value;
        ahci_update(hba);
    }
}

/* The port a register belongs to, or NULL. */
static struct ahci_port *port_of(struct ahci *hba, unsigned at)
{
    const unsigned n =
        at < REG_PORTS ? AHCI_PORTS : (at - REG_PORTS) / PORT_REGS;

    return n < AHCI_PORTS ? &hba->ports[n] : NULL;
}

static uint32_t register_read(struct ahci *hba, unsigned at)
{
    struct ahci_port *p = port_of(hba, at);

    return p ? ahci_port_read(p, at % PORT_REGS) : hba_read(hba, at);
}

/* A register is a double word; parts of one can be read (3). */
static void ahci_read(void *dev, uint64_t off, void *data, unsigned n)
{
    uint8_t *out = data;

    for (unsigned done = 0; done < n;) {
        const unsigned at = (unsigned)off + done, skip = at % 4;
        const unsigned run = n - done < 4 - skip ? n - done : 4 - skip;
        const uint32_t v = register_read(dev, at - skip);

        memcpy(out + done, (const uint8_t *)&v + skip, run);
        done += run;
    }
}

static void ahci_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    const uint8_t *in = data;

    if (n % 4 || off % 4)
        return;
    for (unsigned done = 0; done < n; done += 4) {
        const unsigned at = (unsigned)off + done;
        struct ahci_port *p = port_of(dev, at);
        uint32_t v;

        memcpy(&v, in + done, sizeof(v));
        if (p)
            ahci_port_write(p, at % PORT_REGS, v);
        else
            hba_write(dev, at, v);
    }
}

const struct io_ops ahci_ops = {
    .name = "ahci",
    .read = ahci_read,
    .write = ahci_write,
};

/* ---- making and taking apart ---- */

static void config_written(void *dev, unsigned off, unsigned n)
{
    struct ahci *hba = dev;

    msi_config_written(&hba->msi, off, n);
}

static const struct pci_func_ops func_ops = {.after_write = config_written};

static bool connect(struct ahci_port *p, const struct ahci_drive_config *cfg)
{
    struct ata_drive *d = &p->drive;

    if (!cfg->blk)
        return true;
    d->blk = cfg->blk;
    d->cdrom = cfg->cdrom;
    d->sata = true;
    d->write_cache = true;
    d->smart = true;
    d->transport = &ahci_transport;
    d->port = p;
    d->buf = p->buf;
    if (cfg->serial)
        strncpy(d->serial, cfg->serial, ATA_SERIAL_MAX);
    p->slots = calloc(AHCI_SLOTS, sizeof(*p->slots));
    for (unsigned i = 0; p->slots && i < AHCI_SLOTS; i++) {
        p->slots[i].port = p;
        p->slots[i].tag = i;
    }
    return p->slots;
}

static bool init(struct ahci *hba, const struct ahci_config *cfg)
{
    hba->loop = cfg->loop;
    hba->mem = cfg->mem;
    hba->ghc = GHC_AE;
    pci_func_init(&hba->func, &func_ops, hba, &ids);
    pci_func_bar(&hba->func, BAR, SPACE_MMIO, AHCI_SIZE, &ahci_ops);
    pci_func_use_intx(&hba->func);
    msi_init(&hba->msi, &hba->func, &cfg->msi);
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        struct ahci_port *p = &hba->ports[i];

        p->hba = hba;
        p->n = i;
        p->stop_op = (struct loop_op){.fn = ahci_port_on_stop, .owner = p};
        p->tell_op = (struct loop_op){.fn = ahci_queue_on_tell, .owner = p};
        if (!connect(p, &cfg->drives[i]))
            return false;
        ahci_port_init(p);
    }
    return true;
}

struct ahci *ahci_create(const struct ahci_config *cfg)
{
    struct ahci *hba = calloc(1, sizeof(*hba));

    if (hba && init(hba, cfg))
        return hba;
    log_error("ahci: out of memory");
    ahci_destroy(hba);
    return NULL;
}

void ahci_destroy(struct ahci *hba)
{
    if (!hba)
        return;
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        struct ahci_port *p = &hba->ports[i];

        p->stopping = true;
        if (p->slots)
            blk_drain(p->drive.blk);
        loop_drain(hba->loop, &p->stop_op);
        loop_drain(hba->loop, &p->tell_op);
        free(p->slots);
    }
    free(hba);
}

struct pci_func *ahci_func(struct ahci *hba)
{
    return &hba->func;
}
