// SPDX-License-Identifier: GPL-2.0-or-later
/* board_virtio.c: makes the paravirtual devices; see board_virtio.h. */
#include "board_virtio.h"

#include "abi/layout.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/pci.h"
#include "devices/virtio/vballoon.h"
#include "devices/virtio/vblk.h"
#include "devices/virtio/vcons.h"
#include "devices/virtio/vfs.h"
#include "devices/virtio/vnet.h"
#include "devices/virtio/vrng.h"
#include "devices/virtio/vsock.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DISK_QUEUE_SIZE 256
/* More queues than this gain nothing: one loop serves them all. */
#define DISK_MAX_QUEUES 4
#define NET_QUEUE_SIZE  256

/* A device without its transport. */
struct front {
    const struct virtio_dev_ops *ops;
    void *dev;
    void (*destroy)(void *dev);
    const struct rom *rom; /* borrowed; NULL: none, on PCI */
};

struct slot {
    struct front front;
    /* one of them */
    struct virtio_pci *pci;
    struct virtio_mmio *mmio;
    int irqfd; /* owned; -1: none */
};

struct board_virtio {
    struct board_virtio_host host;
    struct kick_ops kicks;
    struct msi_ops msi;
    struct slot slots[BOARD_MAX_VIRTIO];
    unsigned n;
};

/* ---- the kinds ---- */

static unsigned count_disks(const struct config *cfg)
{
    unsigned n = 0;

    for (unsigned i = 0; i < cfg->n_disks; i++)
        n += cfg->disks[i].iface == DISK_VIRTIO;
    return n;
}

/* Which of the operator's disks the nth of ours is. */
static unsigned find_disk(const struct config *cfg, unsigned nth)
{
    unsigned i = 0;

    while (cfg->disks[i].iface != DISK_VIRTIO || nth-- > 0)
        i++;
    return i;
}

static unsigned disk_queues(const struct config *cfg)
{
    return cfg->cpus < DISK_MAX_QUEUES ? cfg->cpus : DISK_MAX_QUEUES;
}

static void destroy_disk(void *dev)
{
    vblk_destroy(dev);
}

static void make_disk(const struct board_virtio_host *host, unsigned nth,
                      struct front *out)
{
    struct vblk_config c = {
        .queues = disk_queues(host->cfg),
        .queue_size = DISK_QUEUE_SIZE,
    };
    const unsigned i = find_disk(host->cfg, nth);
    char id[DISK_ID_MAX + 1];

    disk_option_id(&host->cfg->disks[i], i, id);
    memcpy(c.id, id, strnlen(id, sizeof(c.id)));
    *out = (struct front){
        .ops = &vblk_ops,
        .dev = vblk_create(host->dev->disks[i], host->loop, &c),
        .destroy = destroy_disk,
    };
}

static unsigned count_nets(const struct config *cfg)
{
    unsigned n = 0;

    for (unsigned i = 0; i < cfg->n_nets; i++)
        n += cfg->nets[i].model == NET_VIRTIO;
    return n;
}

/* Which of the operator's links the nth of ours is. */
static unsigned find_net(const struct config *cfg, unsigned nth)
{
    unsigned i = 0;

    while (cfg->nets[i].model != NET_VIRTIO || nth-- > 0)
        i++;
    return i;
}

static void destroy_net(void *dev)
{
    vnet_destroy(dev);
}

static void make_net(const struct board_virtio_host *host, unsigned nth,
                     struct front *out)
{
    const struct vnet_config c = {.queue_size = NET_QUEUE_SIZE};
    const unsigned i = find_net(host->cfg, nth);

    *out = (struct front){
        .ops = &vnet_ops,
        .dev = vnet_create(host->dev->nets[i], host->loop, &c),
        .destroy = destroy_net,
        .rom = &host->dev->roms[i],
    };
}

static unsigned count_rng(const struct config *cfg)
{
    return cfg->rng ? 1 : 0;
}

static void destroy_rng(void *dev)
{
    vrng_destroy(dev);
}

static void make_rng(const struct board_virtio_host *host, unsigned nth,
                     struct front *out)
{
    (void)nth;
    *out = (struct front){
        .ops = &vrng_ops,
        .dev = vrng_create(host->loop),
        .destroy = destroy_rng,
    };
}

static unsigned count_vsock(const struct config *cfg)
{
    return cfg->vsock.cid ? 1 : 0;
}

static void destroy_vsock(void *dev)
{
    vsock_destroy(dev);
}

static void make_vsock(const struct board_virtio_host *host, unsigned nth,
                       struct front *out)
{
    (void)nth;
    *out = (struct front){
        .ops = &vsock_ops,
        .dev = vsock_create(host->dev->uds, host->loop, host->cfg->vsock.cid),
        .destroy = destroy_vsock,
    };
}

static unsigned count_shares(const struct config *cfg)
{
    return cfg->n_shares;
}

static void destroy_share(void *dev)
{
    vfs_destroy(dev);
}

static void make_share(const struct board_virtio_host *host, unsigned nth,
                       struct front *out)
{
    *out = (struct front){
        .ops = &vfs_ops,
        .dev = vfs_create(host->dev->shares[nth], host->loop, host->mem),
        .destroy = destroy_share,
    };
}

/*
 * A first port without a name is a device of its own, without the multiport
 * feature: every driver knows how, and the terminal's size is told in a way
 * that all understand alike. The ports with names share a device.
 */
static bool first_is_alone(const struct config *cfg)
{
    return cfg->n_ports > 0 && !cfg->ports[0].name;
}

static unsigned count_consoles(const struct config *cfg)
{
    const unsigned alone = first_is_alone(cfg);

    return alone + (cfg->n_ports > alone);
}

static void destroy_console(void *dev)
{
    vcons_destroy(dev);
}

/* The ports from first to before end. */
static struct vcons_config describe_ports(const struct board_virtio_host *host,
                                          unsigned first, unsigned end)
{
    struct vcons_config c = {.multiport = host->cfg->ports[first].name};

    for (unsigned i = first; i < end; i++)
        c.ports[c.n_ports++] = (struct vcons_port_config){
            .chr = host->dev->ports[i],
            .name = host->cfg->ports[i].name,
            .console = i == 0,
        };
    c.sized = first == 0 && chr_is_tty(host->dev->ports[0]);
    return c;
}

static void make_console(const struct board_virtio_host *host, unsigned nth,
                         struct front *out)
{
    const unsigned alone = first_is_alone(host->cfg);
    const struct vcons_config c =
        nth == 0 && alone ? describe_ports(host, 0, 1)
                          : describe_ports(host, alone, host->cfg->n_ports);
    struct vcons *dev = vcons_create(host->loop, &c);

    *out = (struct front){
        .ops = &vcons_ops, .dev = dev, .destroy = destroy_console};
    if (nth != 0 || !dev)
        return;
    vcons_resize(dev, host->dev->cols, host->dev->rows);
    host->dev->console = dev;
}

static unsigned count_balloons(const struct config *cfg)
{
    return cfg->balloon ? 1 : 0;
}

static void destroy_balloon(void *dev)
{
    vballoon_destroy(dev);
}

static void make_balloon(const struct board_virtio_host *host, unsigned nth,
                         struct front *out)
{
    (void)nth;
    host->dev->balloon =
        vballoon_create(host->loop, host->mem, host->dev->balloon_target);
    *out = (struct front){
        .ops = &vballoon_ops,
        .dev = host->dev->balloon,
        .destroy = destroy_balloon,
    };
}

static const struct kind {
    unsigned (*count)(const struct config *cfg);
    /* out->dev is NULL after logging */
    void (*make)(const struct board_virtio_host *host, unsigned nth,
                 struct front *out);
} kinds[] = {
    {count_disks, make_disk},       {count_nets, make_net},
    {count_rng, make_rng},          {count_vsock, make_vsock},
    {count_shares, make_share},     {count_consoles, make_console},
    {count_balloons, make_balloon},
};

unsigned board_virtio_disks(const struct config *cfg)
{
    return count_disks(cfg);
}

unsigned board_virtio_count(const struct config *cfg)
{
    unsigned n = 0;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        n += kinds[i].count(cfg);
    return n;
}

static void add_dev(struct machine_desc *m, const struct dev_desc *d)
{
    BUG_ON(m->n_devs == MACHINE_MAX_DEVS);
    m->devs[m->n_devs++] = *d;
}

static void describe_mmio(struct machine_desc *m, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const struct dev_desc d = {
            .kind = DEV_VIRTIO_MMIO,
            .base = LAYOUT_VIRTIO_MMIO + (uint64_t)i * LAYOUT_VIRTIO_STRIDE,
            .size = VIRTIO_MMIO_SIZE,
            .gsi = m->n_pins++,
        };

        add_dev(m, &d);
    }
}

/* The host bridge, if there is anything behind it, in slot 0. */
static void describe_pci(struct machine_desc *m, unsigned n)
{
    const unsigned lines = n < MACHINE_PCI_LINES ? n : MACHINE_PCI_LINES;
    const struct dev_desc d = {
        .kind = DEV_PCI_HOST,
        .base = LAYOUT_ECAM,
        .size = LAYOUT_ECAM_SIZE,
        .gsi = LAYOUT_PCI_GSI,
    };

    if (n == 0)
        return;
    add_dev(m, &d);
    m->pci_slots = 1 + n;
    if (m->n_pins < LAYOUT_PCI_GSI + lines)
        m->n_pins = LAYOUT_PCI_GSI + lines;
}

bool board_virtio_on_pci(const struct config *cfg)
{
    return cfg->transport == TRANSPORT_PCI ||
           cfg->transport == TRANSPORT_PCI_LEGACY;
}

void board_virtio_describe(const struct config *cfg, struct machine_desc *m)
{
    const unsigned n = board_virtio_count(cfg);

    m->virtio_by_cmdline = cfg->transport == TRANSPORT_MMIO_CMDLINE;
    if (board_virtio_on_pci(cfg))
        describe_pci(m, n);
    else
        describe_mmio(m, n);
}

char *board_virtio_cmdline(const struct config *cfg)
{
    struct machine_desc m = {.n_pins = LAYOUT_IOAPIC_PINS};
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (f) {
        board_virtio_describe(cfg, &m);
        fputs(cfg->append, f);
        for (unsigned i = 0; m.virtio_by_cmdline && i < m.n_devs; i++)
            fprintf(f, " virtio_mmio.device=%#x@%#llx:%u", m.devs[i].size,
                    (unsigned long long)m.devs[i].base, m.devs[i].gsi);
    }
    if (!f || fclose(f) != 0 || !text) {
        log_error("kernel command line: out of memory");
        return NULL;
    }
    return text;
}

/* ---- the transport ---- */

/* The nth virtio-mmio device of the description. */
static const struct dev_desc *find_mmio(const struct machine_desc *m,
                                        unsigned nth)
{
    for (unsigned i = 0; i < m->n_devs; i++)
        if (m->devs[i].kind == DEV_VIRTIO_MMIO && nth-- == 0)
            return &m->devs[i];
    return NULL;
}

static int make_irqfd(struct board_virtio *bv, struct slot *s, unsigned pin)
{
    s->irqfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->irqfd < 0) {
        log_error("%s: eventfd: %s: raise the open-files limit (ulimit -n)",
                  s->front.ops->name, strerror(errno));
        return -errno;
    }
    return vm_irqfd(bv->host.vm, pin, s->irqfd);
}

static struct virtio_host virtio_host(const struct board_virtio *bv)
{
    return (struct virtio_host){
        .loop = bv->host.loop, .mem = bv->host.mem, .kicks = &bv->kicks};
}

static int attach_pci(struct board_virtio *bv, struct slot *s, unsigned nth)
{
    const struct virtio_host host = virtio_host(bv);
    const struct virtio_pci_config c = {
        .bus = bv->host.pci,
        .slot = bv->host.first_slot + nth,
        .msi = &bv->msi,
        .legacy = bv->host.cfg->transport == TRANSPORT_PCI_LEGACY,
        .rom = s->front.rom,
    };

    s->pci = virtio_pci_create(&host, s->front.ops, s->front.dev, &c);
    return s->pci ? 0 : -EIO;
}

static int attach_mmio(struct board_virtio *bv, struct slot *s, unsigned nth)
{
    const struct virtio_host host = virtio_host(bv);
    const struct dev_desc *d = find_mmio(bv->host.desc, nth);
    int ret;

    BUG_ON(!d);
    ret = make_irqfd(bv, s, d->gsi);
    if (ret < 0)
        return ret;
    s->mmio = virtio_mmio_create(&host, s->front.ops, s->front.dev,
                                 GPA(d->base), s->irqfd);
    if (!s->mmio)
        return -EIO;
    return bus_claim(bv->host.bus, SPACE_MMIO, d->base, d->size,
                     &virtio_mmio_ops, s->mmio);
}

/* ---- making and taking apart ---- */

static int make_device(struct board_virtio *bv, const struct kind *kind,
                       unsigned nth)
{
    struct slot *s = &bv->slots[bv->n];

    kind->make(&bv->host, nth, &s->front);
    if (!s->front.dev)
        return -EIO;
    s->irqfd = -1;
    return bv->host.pci ? attach_pci(bv, s, bv->n++)
                        : attach_mmio(bv, s, bv->n++);
}

static int make_devices(struct board_virtio *bv)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const unsigned n = kinds[i].count(bv->host.cfg);

        for (unsigned nth = 0; nth < n; nth++) {
            const int ret = make_device(bv, &kinds[i], nth);

            if (ret < 0)
                return ret;
        }
    }
    return 0;
}

struct board_virtio *board_virtio_create(const struct board_virtio_host *host)
{
    struct board_virtio *bv = calloc(1, sizeof(*bv));

    if (!bv) {
        log_error("machine: out of memory");
        return NULL;
    }
    bv->host = *host;
    bv->kicks = vm_kick_ops(host->vm);
    bv->msi = vm_msi_ops(host->vm);
    if (make_devices(bv) < 0) {
        board_virtio_destroy(bv);
        return NULL;
    }
    return bv;
}

static void destroy_slot(struct slot *s)
{
    virtio_pci_destroy(s->pci);
    virtio_mmio_destroy(s->mmio);
    if (s->irqfd >= 0)
        close(s->irqfd);
    s->front.destroy(s->front.dev);
}

void board_virtio_destroy(struct board_virtio *bv)
{
    if (!bv)
        return;
    bv->host.dev->console = NULL;
    bv->host.dev->balloon = NULL;
    while (bv->n > 0)
        destroy_slot(&bv->slots[--bv->n]);
    free(bv);
}
