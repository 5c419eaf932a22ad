// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen_platform.c: see xen_platform.h. What a driver says of itself, and the
 * text it logs, is for the host's log only, and rate limited there; no driver
 * is refused.
 *
 * The fixed ports, by the width of the access:
 *
 *           0x10                            0x12
 *   read    2 bytes: the magic number       1 byte: the protocol's version
 *   write   2 bytes: what shall go          1 byte: of a log line
 *           4 bytes: build number           2 bytes: product number
 */
#include "devices/pci/xen_platform.h"

#include "mmu/gmem.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC    0x49d2u
#define PROTOCOL 1u

#define PORT_A 0u
#define PORT_B 2u

#define BAR_PORTS 0u
#define BAR_RAM   1u
#define N_PORTS   256u

/* Offsets of BAR 0, from before there was a protocol. */
#define OLD_ALL 4u /* 1: disks and cards */
#define OLD_ONE 8u /* 1: disks, 2: cards */

#define LINE_MAX 100u

struct xen_platform {
    struct xen_platform_hooks hooks;
    struct pci_func func;
    bool protocol;
    uint16_t product;
    char line[LINE_MAX];
    unsigned n_line;
    struct log_limit limit;
};

static const struct pci_ids ids = {
    .vendor = 0x5853,
    .device = 0x0001,
    .subvendor = 0x5853,
    .subsystem = 0x0001,
    .class = 0xff8000,
    .revision = 1,
};

static void unplug(struct xen_platform *p, unsigned what)
{
    const unsigned known =
        what & (XEN_UNPLUG_DISKS | XEN_UNPLUG_NICS | XEN_UNPLUG_AUX);

    if (p->protocol && known)
        p->hooks.unplug(p->hooks.ctx, known);
}

/* A byte of a line; what is no text is shown as a dot. */
static void log_byte(struct xen_platform *p, uint8_t c)
{
    if (c != '\n' && p->n_line < LINE_MAX - 1)
        p->line[p->n_line++] = c >= ' ' && c < 0x7f ? (char)c : '.';
    if (c != '\n' && p->n_line < LINE_MAX - 1)
        return;
    p->line[p->n_line] = '\0';
    p->n_line = 0;
    if (p->line[0])
        log_guest(&p->limit, "the guest's drivers: %s", p->line);
}

/* ---- the fixed ports ---- */

static void fixed_read(void *dev, uint64_t off, void *data, unsigned n)
{
    const struct xen_platform *p = dev;
    const uint16_t magic = MAGIC;

    memset(data, 0xff, n);
    if (!p->protocol)
        return;
    if (off == PORT_A && n == sizeof(magic))
        memcpy(data, &magic, n);
    else if (off == PORT_B && n == 1)
        *(uint8_t *)data = PROTOCOL;
}

static void fixed_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct xen_platform *p = dev;
    uint32_t v = 0;

    if (!p->protocol || n > sizeof(v))
        return;
    memcpy(&v, data, n);
    if (off == PORT_A && n == 2)
        unplug(p, v);
    else if (off == PORT_A && n == 4)
        log_debug("guest: its drivers for Xen are product %u, build %u",
                  p->product, v);
    else if (off == PORT_B && n == 2)
        p->product = (uint16_t)v;
    else if (off == PORT_B && n == 1)
        log_byte(p, (uint8_t)v);
}

const struct io_ops xen_platform_ops = {
    .name = "xen-unplug",
    .read = fixed_read,
    .write = fixed_write,
};

/* ---- the device ---- */

static void ports_read(void *dev, uint64_t off, void *data, unsigned n)
{
    (void)dev;
    (void)off;
    memset(data, 0xff, n);
}

static void ports_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    const uint8_t v = *(const uint8_t *)data;

    (void)n;
    if (off == OLD_ALL && v == 1)
        unplug(dev, XEN_UNPLUG_DISKS | XEN_UNPLUG_NICS);
    else if (off == OLD_ONE && v == 1)
        unplug(dev, XEN_UNPLUG_DISKS);
    else if (off == OLD_ONE && v == 2)
        unplug(dev, XEN_UNPLUG_NICS);
}

static const struct io_ops ports_ops = {
    .name = "xen-platform",
    .read = ports_read,
    .write = ports_write,
};

static void bar_moved(void *dev, unsigned bar, bool decodes)
{
    struct xen_platform *p = dev;

    if (bar == BAR_RAM)
        p->hooks.moved(p->hooks.ctx,
                       decodes ? p->func.bars[bar].base : GMEM_NOWHERE);
}

static const struct pci_func_ops func_ops = {.bar_moved = bar_moved};

struct xen_platform *xen_platform_create(const struct xen_platform_hooks *hooks,
                                         void *ram, bool protocol)
{
    struct xen_platform *p = calloc(1, sizeof(*p));

    if (!p) {
        log_error("xen-platform: out of memory");
        return NULL;
    }
    p->hooks = *hooks;
    p->protocol = protocol;
    pci_func_init(&p->func, &func_ops, p, &ids);
    pci_func_bar(&p->func, BAR_PORTS, SPACE_PIO, N_PORTS, &ports_ops);
    pci_func_bar_ram(&p->func, BAR_RAM, ram, XEN_PLATFORM_RAM);
    pci_func_use_intx(&p->func);
    return p;
}

void xen_platform_destroy(struct xen_platform *p)
{
    free(p);
}

struct pci_func *xen_platform_func(struct xen_platform *p)
{
    return &p->func;
}
