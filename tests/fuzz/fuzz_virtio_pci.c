// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_virtio_pci.c: a guest that does anything to configuration space, BARs,
 * the MSI-X table and both register sets of two entropy devices on a PCI bus,
 * one of them transitional. Whatever it did: with its BAR back in place and
 * after a reset, a device works; no kick is bound where no BAR decodes.
 */
#include "abi/layout.h"
#include "devices/bus.h"
#include "devices/virtio/pci.h"
#include "devices/virtio/vrng.h"
#include "loop_turns.h"
#include "ring_driver.h"
#include "vmm/log.h"

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM       (256 * KIB)
#define RING(d)   (0x1000u + 0x4000u * (d))
#define BUFFER    0x10000u
#define STEP      8
#define SIZE      16
#define DEVICES   2u
#define SLOT(d)   (1u + (d))
#define BAR(n)    (PCI_BASE_ADDRESS_0 + 4 * (n))
#define HOME(d)   (LAYOUT_PCI_MMIO + 0x8000u * (d))
#define NOTIFY    0x3000u
#define TABLE     0x4000u
#define MAX_KICKS 64

struct machine {
    pthread_mutex_t lock;
    struct loop *loop;
    struct gmem *mem;
    unsigned char *ram;
    struct bus *bus;
    struct pci_bus *pci;
    struct vrng *rng[DEVICES];
    struct virtio_pci *dev[DEVICES];
    struct ring rings[DEVICES];
    struct kick_ops kicks;
    struct kick_reg bound[MAX_KICKS];
    unsigned n_bound;
    struct msi_ops msi;
    int routes;
};

struct step {
    uint8_t what, where;
    uint16_t a;
    uint32_t v;
};

/* ---- what stands in for KVM ---- */

static bool same_reg(const struct kick_reg *a, const struct kick_reg *b)
{
    return a->space == b->space && a->addr == b->addr && a->value == b->value;
}

static int on_bind(void *ctx, const struct kick_reg *reg, int fd)
{
    struct machine *m = ctx;
    const uint64_t low =
        reg->space == SPACE_PIO ? LAYOUT_PCI_PORTS : LAYOUT_PCI_MMIO;
    const uint64_t high =
        reg->space == SPACE_PIO ? LAYOUT_PCI_PORTS_END : LAYOUT_PCI_MMIO_END;

    (void)fd;
    BUG_ON(m->n_bound == MAX_KICKS || reg->addr < low || reg->addr >= high);
    for (unsigned i = 0; i < m->n_bound; i++)
        BUG_ON(same_reg(&m->bound[i], reg));
    m->bound[m->n_bound++] = *reg;
    return 0;
}

static void on_unbind(void *ctx, const struct kick_reg *reg, int fd)
{
    struct machine *m = ctx;

    (void)fd;
    for (unsigned i = 0; i < m->n_bound; i++) {
        if (!same_reg(&m->bound[i], reg))
            continue;
        m->bound[i] = m->bound[--m->n_bound];
        return;
    }
    BUG_ON(true); /* unbound what is not bound */
}

static int on_open(void *ctx, int fd)
{
    struct machine *m = ctx;

    BUG_ON(fd < 0);
    return m->routes++;
}

static void on_set(void *ctx, int route, uint64_t addr, uint32_t data)
{
    const struct machine *m = ctx;

    (void)data;
    BUG_ON(route < 0 || route >= m->routes || addr & 3);
}

static void on_close(void *ctx, int route, int fd)
{
    on_set(ctx, route, 0, 0);
    BUG_ON(fd < 0);
}

static void on_line(void *ctx, unsigned line, bool level)
{
    (void)ctx;
    (void)level;
    BUG_ON(line >= PCI_N_LINES);
}

/* ---- the machine ---- */

static void spin(struct machine *m)
{
    loop_turns(m->loop, 4);
}

static struct machine *machine_once(void)
{
    static struct machine m = {.lock = PTHREAD_MUTEX_INITIALIZER};

    if (m.loop)
        return &m;
    log_set_level(LOG_ERROR);
    BUG_ON(loop_create(&m.loop, &m.lock) < 0);
    m.mem = gmem_create(RAM, GMEM_ANON);
    BUG_ON(!m.mem);
    m.ram = ram_of(m.mem);
    m.kicks = (struct kick_ops){on_bind, on_unbind, &m};
    m.msi = (struct msi_ops){
        .open = on_open, .set = on_set, .close = on_close, .ctx = &m};
    /* So that no call waits: the loop counts as ended between its runs. */
    spin(&m);
    return &m;
}

static void machine_build(struct machine *m)
{
    const struct virtio_host host = {
        .loop = m->loop, .mem = m->mem, .kicks = &m->kicks};
    struct pci_bus_config c = {
        .memory = {LAYOUT_PCI_MMIO, LAYOUT_PCI_MMIO_END},
        .ports = {LAYOUT_PCI_PORTS, LAYOUT_PCI_PORTS_END},
    };

    memset(m->ram, 0, RAM);
    m->routes = 0;
    m->bus = bus_create();
    BUG_ON(!m->bus);
    c.bus = m->bus;
    for (unsigned i = 0; i < PCI_N_LINES; i++)
        c.lines[i] = (struct intr){.set = on_line, .line = i};
    m->pci = pci_bus_create(&c);
    BUG_ON(!m->pci);
    BUG_ON(bus_claim(m->bus, SPACE_PIO, LAYOUT_PCI_CONFIG,
                     LAYOUT_PCI_CONFIG_LEN, &pci_ports_ops, m->pci) < 0);
    BUG_ON(bus_claim(m->bus, SPACE_MMIO, LAYOUT_ECAM, LAYOUT_ECAM_SIZE,
                     &pci_ecam_ops, m->pci) < 0);
    for (unsigned d = 0; d < DEVICES; d++) {
        const struct virtio_pci_config v = {
            .bus = m->pci, .slot = SLOT(d), .msi = &m->msi, .legacy = d == 0};

        m->rng[d] = vrng_create(m->loop);
        BUG_ON(!m->rng[d]);
        m->dev[d] = virtio_pci_create(&host, &vrng_ops, m->rng[d], &v);
        BUG_ON(!m->dev[d]);
        m->rings[d] = ring_at(m->mem, RING(d), SIZE);
    }
}

static void machine_take_apart(struct machine *m)
{
    for (unsigned d = 0; d < DEVICES; d++) {
        virtio_pci_destroy(m->dev[d]);
        vrng_destroy(m->rng[d]);
    }
    BUG_ON(m->n_bound);
    pci_bus_destroy(m->pci);
    bus_destroy(m->bus);
}

/* ---- accesses ---- */

static void put(struct machine *m, enum space space, uint64_t addr, uint64_t v,
                unsigned n)
{
    pthread_mutex_lock(&m->lock);
    bus_access(m->bus, space, addr, &v, n, true);
    pthread_mutex_unlock(&m->lock);
}

static uint32_t get(struct machine *m, enum space space, uint64_t addr,
                    unsigned n)
{
    uint64_t v = 0;

    pthread_mutex_lock(&m->lock);
    bus_access(m->bus, space, addr, &v, n, false);
    pthread_mutex_unlock(&m->lock);
    return (uint32_t)v;
}

static uint64_t ecam(unsigned d, unsigned off)
{
    return LAYOUT_ECAM + ((uint64_t)SLOT(d) << 15) + off;
}

/* where: two bits of width, one for writing. */
static void reach(struct machine *m, enum space space, uint64_t addr,
                  const struct step *s)
{
    const unsigned n = 1u << (s->where & (space == SPACE_PIO ? 1 : 3));

    if (s->where & 4)
        put(m, space, addr, (uint64_t)s->v << 16 | s->v, n);
    else
        (void)get(m, space, addr, n);
}

/* A register of the memory BAR, wherever that is now. */
static void reach_bar(struct machine *m, unsigned d, const struct step *s)
{
    const uint64_t base = get(m, SPACE_MMIO, ecam(d, BAR(1)), 4) & ~15u;
    static const unsigned pages[] = {0, 0x1000, 0x2000, NOTIFY, TABLE, 0x5000};
    const unsigned page = pages[(s->a >> 8) % ARRAY_LEN(pages)];

    reach(m, SPACE_MMIO, base + page + (s->a & 0x7f), s);
}

static void reach_ports(struct machine *m, unsigned d, const struct step *s)
{
    const uint64_t base = get(m, SPACE_MMIO, ecam(d, BAR(0)), 4) & ~3u;

    reach(m, SPACE_PIO, base + s->a % 40, s);
}

/* Through the window: bar, offset, length, then the data. */
static void reach_window(struct machine *m, unsigned d, const struct step *s)
{
    unsigned at = 0;

    for (unsigned off = 0x40; off < 0xec; off += 4)
        if ((get(m, SPACE_MMIO, ecam(d, off), 1)) == PCI_CAP_ID_VNDR &&
            get(m, SPACE_MMIO, ecam(d, off + 3), 1) == VIRTIO_PCI_CAP_PCI_CFG)
            at = off;
    BUG_ON(!at);
    put(m, SPACE_MMIO, ecam(d, at + 4), s->where >> 4, 1);
    put(m, SPACE_MMIO, ecam(d, at + 8), s->a, 4);
    put(m, SPACE_MMIO, ecam(d, at + 12), 1u << (s->where >> 5 & 3), 4);
    reach(m, SPACE_MMIO, ecam(d, at + 16), s);
}

/* ---- drivers ---- */

/* The sequence of 3.1, at home, with these features. */
static void initialize(struct machine *m, unsigned d, uint64_t features)
{
    const uint64_t at = HOME(d);
    struct ring *r = &m->rings[d];

    put(m, SPACE_MMIO, ecam(d, BAR(1)), at, 4);
    put(m, SPACE_MMIO, ecam(d, PCI_COMMAND), 7, 2);
    put(m, SPACE_MMIO, at + VIRTIO_PCI_COMMON_STATUS, 0, 1);
    spin(m);
    for (unsigned i = 0; i < 2; i++) {
        put(m, SPACE_MMIO, at + VIRTIO_PCI_COMMON_GFSELECT, i, 4);
        put(m, SPACE_MMIO, at + VIRTIO_PCI_COMMON_GF,
            (uint32_t)(features >> 32 * i), 4);
    }
    put(m, SPACE_MMIO, at + VIRTIO_PCI_COMMON_STATUS, 0x0b, 1);
    *r = ring_at(m->mem, RING(d), SIZE);
    memset(m->ram + RING(d), 0, 0x2000);
    put(m, SPACE_MMIO, at + VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
    put(m, SPACE_MMIO, at + VIRTIO_PCI_COMMON_Q_SIZE, SIZE, 2);
    put(m, SPACE_MMIO, at + VIRTIO_PCI_COMMON_Q_DESCLO, r->cfg.desc.v, 4);
    put(m, SPACE_MMIO, at + VIRTIO_PCI_COMMON_Q_AVAILLO, r->cfg.avail.v, 4);
    put(m, SPACE_MMIO, at + VIRTIO_PCI_COMMON_Q_USEDLO, r->cfg.used.v, 4);
    put(m, SPACE_MMIO, at + VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
    put(m, SPACE_MMIO, at + VIRTIO_PCI_COMMON_STATUS, 0x0f, 1);
    spin(m);
}

static void initialize_legacy(struct machine *m, uint32_t features)
{
    const uint64_t at = LAYOUT_PCI_PORTS;

    put(m, SPACE_MMIO, ecam(0, BAR(0)), at, 4);
    put(m, SPACE_MMIO, ecam(0, PCI_COMMAND), 7, 2);
    put(m, SPACE_PIO, at + VIRTIO_PCI_STATUS, 0, 1);
    spin(m);
    put(m, SPACE_PIO, at + VIRTIO_PCI_STATUS, 3, 1);
    put(m, SPACE_PIO, at + VIRTIO_PCI_GUEST_FEATURES, features, 4);
    put(m, SPACE_PIO, at + VIRTIO_PCI_QUEUE_SEL, 0, 2);
    put(m, SPACE_PIO, at + VIRTIO_PCI_QUEUE_PFN, RING(0) >> 12, 4);
}

/* All vectors to one message; the device may use the first two. */
static void use_vectors(struct machine *m, unsigned d, const struct step *s)
{
    const uint64_t at = HOME(d);

    for (unsigned v = 0; v < 2; v++) {
        put(m, SPACE_MMIO, at + TABLE + 16 * v, 0xfee00000u, 4);
        put(m, SPACE_MMIO, at + TABLE + 16 * v + 8, s->v & 0xff, 4);
        put(m, SPACE_MMIO, at + TABLE + 16 * v + 12, s->where >> 4 & 1, 4);
    }
    put(m, SPACE_MMIO, at + VIRTIO_PCI_COMMON_MSIX, 0, 2);
    put(m, SPACE_MMIO, at + VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
    put(m, SPACE_MMIO, ecam(d, 0x40 + PCI_MSIX_FLAGS),
        s->a & 0x4000u ? 0xc000u : 0x8000u, 2);
}

static void kick(struct machine *m, unsigned d)
{
    put(m, SPACE_MMIO, HOME(d) + NOTIFY, 0, 2);
    if (d == 0)
        put(m, SPACE_PIO, LAYOUT_PCI_PORTS + VIRTIO_PCI_QUEUE_NOTIFY, 0, 2);
    spin(m);
}

static void run_step(struct machine *m, const struct step *s)
{
    const unsigned d = s->where >> 7;

    switch (s->what % 14) {
    case 0:
        reach(m, SPACE_MMIO, ecam(d, s->a & 0x1ff), s);
        break;
    case 1:
        reach(m, SPACE_PIO, LAYOUT_PCI_CONFIG + (s->a & 7), s);
        break;
    case 2:
        put(m, SPACE_PIO, LAYOUT_PCI_CONFIG,
            0x80000000u | (uint32_t)(s->a & 0xff) << 8 | (s->v & 0xff), 4);
        reach(m, SPACE_PIO, LAYOUT_PCI_CONFIG + 4 + (s->v & 3), s);
        break;
    case 3:
    case 4:
        reach_bar(m, d, s);
        break;
    case 5:
        reach_ports(m, 0, s);
        break;
    case 6:
        reach_window(m, d, s);
        break;
    case 7:
        initialize(m, d, (uint64_t)s->a << 32 | s->v);
        break;
    case 8:
        initialize_legacy(m, s->v);
        break;
    case 9:
        use_vectors(m, d, s);
        break;
    case 10:
        ring_desc(&m->rings[d], s->a % SIZE, s->v >> 8, s->v & 0xff, s->a >> 12,
                  s->a >> 8 & 15);
        ring_offer(&m->rings[d], s->a % SIZE);
        break;
    case 11:
        kick(m, d);
        break;
    case 12:
        put(m, SPACE_MMIO, ecam(d, BAR(1)), HOME(s->a & 3), 4);
        put(m, SPACE_MMIO, ecam(d, PCI_COMMAND), s->v & 7, 2);
        break;
    default:
        spin(m);
        break;
    }
}

static void check(struct machine *m)
{
    struct vring_used_elem e;

    /* Out of each other's way first. */
    for (unsigned d = 0; d < DEVICES; d++)
        put(m, SPACE_MMIO, ecam(d, PCI_COMMAND), 0, 2);
    BUG_ON(m->n_bound);
    for (unsigned d = 0; d < DEVICES; d++) {
        initialize(m, d, (uint64_t)1 << VIRTIO_F_VERSION_1);
        BUG_ON(get(m, SPACE_MMIO, HOME(d) + VIRTIO_PCI_COMMON_STATUS, 1) !=
               0x0f);
        ring_desc(&m->rings[d], 0, BUFFER, 64, WRITABLE, 0);
        ring_offer(&m->rings[d], 0);
        kick(m, d);
        BUG_ON(!ring_take(&m->rings[d], &e) || e.id != 0 || e.len != 64);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine *m = machine_once();

    machine_build(m);
    for (; size >= STEP; data += STEP, size -= STEP) {
        struct step s = {.what = data[0], .where = data[1]};

        memcpy(&s.a, data + 2, sizeof(s.a));
        memcpy(&s.v, data + 4, sizeof(s.v));
        run_step(m, &s);
    }
    check(m);
    machine_take_apart(m);
    return 0;
}
