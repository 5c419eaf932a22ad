/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pci_rig.h: a PCI bus as a guest meets it: configuration space by either
 * way, BARs where it puts them, four interrupt lines, messages and kicks.
 *
 * KVM's part is played here: a write to a bound register signals the eventfd
 * and is no exit, and a vector's eventfd is read to see what was sent.
 */
#ifndef TESTS_PCI_RIG_H
#define TESTS_PCI_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi/layout.h"
#include "devices/bus.h"
#include "devices/pci/pci.h"
#include "loop_turns.h"
#include "ring_driver.h"
#include "vmm/kick.h"
#include "vmm/loop.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RAM      (4 * MIB)
#define DATA     0x100000u
#define SLOT     1u
#define MAX_MSIS 16

struct kick_note {
    struct kick_reg reg;
    int fd;
};

struct msi_note {
    int fd; /* -1: closed */
    unsigned sets;
    uint64_t addr;
    uint32_t data;
};

struct pci_rig {
    pthread_mutex_t lock;
    struct loop *loop;
    struct gmem *mem;
    struct bus *bus;
    struct pci_bus *pci;
    bool lines[PCI_N_LINES];
    struct kick_ops kicks;
    struct kick_note notes[64]; /* bound now */
    unsigned n_notes;
    struct msi_ops msi;
    struct msi_note msis[MAX_MSIS];
    unsigned n_msis;
    unsigned msi_room; /* routes that can still be opened */
    uint64_t claims; /* messages to this address are someone else's; 0: none */
    unsigned claimed;
    unsigned exits;
    struct ring rings[4];
};

/* ---- what stands in for KVM ---- */

static inline int rig_bind(void *ctx, const struct kick_reg *reg, int fd)
{
    struct pci_rig *r = ctx;

    for (unsigned i = 0; i < r->n_notes; i++)
        assert_false(r->notes[i].reg.addr == reg->addr &&
                     r->notes[i].reg.value == reg->value);
    assert_true(r->n_notes < ARRAY_LEN(r->notes));
    r->notes[r->n_notes++] = (struct kick_note){*reg, fd};
    return 0;
}

static inline void rig_unbind(void *ctx, const struct kick_reg *reg, int fd)
{
    struct pci_rig *r = ctx;

    for (unsigned i = 0; i < r->n_notes; i++) {
        if (r->notes[i].fd != fd || r->notes[i].reg.addr != reg->addr ||
            r->notes[i].reg.space != reg->space)
            continue;
        r->notes[i] = r->notes[--r->n_notes];
        return;
    }
    fail_msg("unbound what is not bound");
}

static inline int rig_msi_open(void *ctx, int fd)
{
    struct pci_rig *r = ctx;

    if (r->msi_room == 0)
        return -28;
    r->msi_room--;
    assert_true(r->n_msis < MAX_MSIS);
    r->msis[r->n_msis] = (struct msi_note){.fd = fd};
    return (int)r->n_msis++;
}

static inline void rig_msi_set(void *ctx, int route, uint64_t addr,
                               uint32_t data)
{
    struct msi_note *n = &((struct pci_rig *)ctx)->msis[route];

    n->sets++;
    n->addr = addr;
    n->data = data;
}

static inline void rig_msi_close(void *ctx, int route, int fd)
{
    struct msi_note *n = &((struct pci_rig *)ctx)->msis[route];

    assert_int_equal(n->fd, fd);
    n->fd = -1;
}

static inline bool rig_msi_claim(void *ctx, uint64_t addr, uint32_t data)
{
    struct pci_rig *r = ctx;

    if (!r->claims || addr != r->claims || (data & 0xff))
        return false;
    r->claimed++;
    return true;
}

static inline void rig_line(void *ctx, unsigned line, bool level)
{
    ((struct pci_rig *)ctx)->lines[line] = level;
}

/* Interrupts sent by a route since the last look. */
static inline uint64_t sent(struct pci_rig *r, unsigned route)
{
    uint64_t n = 0;

    assert_true(route < r->n_msis);
    return read(r->msis[route].fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/* ---- the machine ---- */

/* Let the loop take a few turns; more than any answer here needs. */
static inline void spin(struct pci_rig *r)
{
    loop_turns(r->loop, 12);
}

static inline void rig_open(struct pci_rig *r)
{
    struct pci_bus_config c = {
        .memory = {LAYOUT_PCI_MMIO, LAYOUT_PCI_MMIO_END},
        .ports = {LAYOUT_PCI_PORTS, LAYOUT_PCI_PORTS_END},
        .irq = LAYOUT_PCI_GSI,
    };

    *r = (struct pci_rig){.lock = PTHREAD_MUTEX_INITIALIZER,
                          .msi_room = MAX_MSIS};
    assert_int_equal(loop_create(&r->loop, &r->lock), 0);
    r->mem = gmem_create(RAM, GMEM_ANON);
    assert_non_null(r->mem);
    r->bus = bus_create();
    assert_non_null(r->bus);
    r->kicks = (struct kick_ops){rig_bind, rig_unbind, r};
    r->msi = (struct msi_ops){.open = rig_msi_open,
                              .set = rig_msi_set,
                              .close = rig_msi_close,
                              .claim = rig_msi_claim,
                              .ctx = r};
    c.bus = r->bus;
    for (unsigned i = 0; i < PCI_N_LINES; i++)
        c.lines[i] = (struct intr){.set = rig_line, .ctx = r, .line = i};
    r->pci = pci_bus_create(&c);
    assert_non_null(r->pci);
    assert_int_equal(bus_claim(r->bus, SPACE_PIO, LAYOUT_PCI_CONFIG,
                               LAYOUT_PCI_CONFIG_LEN, &pci_ports_ops, r->pci),
                     0);
    assert_int_equal(bus_claim(r->bus, SPACE_MMIO, LAYOUT_ECAM,
                               LAYOUT_ECAM_SIZE, &pci_ecam_ops, r->pci),
                     0);
}

/* Everything was taken off it: nothing is bound, no line is up. */
static inline void rig_close(struct pci_rig *r)
{
    assert_int_equal(r->n_notes, 0);
    for (unsigned i = 0; i < r->n_msis; i++)
        assert_int_equal(r->msis[i].fd, -1);
    for (unsigned i = 0; i < PCI_N_LINES; i++)
        assert_false(r->lines[i]);
    pci_bus_destroy(r->pci);
    bus_destroy(r->bus);
    loop_destroy(r->loop);
    gmem_destroy(r->mem);
}

/* ---- accesses of a vCPU, as KVM hands them on ---- */

static inline bool is_kick(const struct kick_reg *k, enum space space,
                           uint64_t addr, uint64_t value, unsigned n)
{
    return k->space == space && k->addr == addr && (!k->len || k->len == n) &&
           (!k->match || k->value == value);
}

static inline void put(struct pci_rig *r, enum space space, uint64_t addr,
                       uint64_t value, unsigned n)
{
    for (unsigned i = 0; i < r->n_notes; i++) {
        if (!is_kick(&r->notes[i].reg, space, addr, value, n))
            continue;
        assert_int_equal(eventfd_write(r->notes[i].fd, 1), 0);
        return;
    }
    r->exits++;
    pthread_mutex_lock(&r->lock);
    bus_access(r->bus, space, addr, &value, n, true);
    pthread_mutex_unlock(&r->lock);
}

static inline uint64_t get(struct pci_rig *r, enum space space, uint64_t addr,
                           unsigned n)
{
    uint64_t v = 0;

    r->exits++;
    pthread_mutex_lock(&r->lock);
    bus_access(r->bus, space, addr, &v, n, false);
    pthread_mutex_unlock(&r->lock);
    return v;
}

/* ---- configuration space ---- */

static inline uint64_t ecam_at(unsigned slot, unsigned off)
{
    return LAYOUT_ECAM + ((uint64_t)slot << 15) + off;
}

static inline uint32_t cfg_get(struct pci_rig *r, unsigned slot, unsigned off,
                               unsigned n)
{
    return (uint32_t)get(r, SPACE_MMIO, ecam_at(slot, off), n);
}

static inline void cfg_put(struct pci_rig *r, unsigned slot, unsigned off,
                           uint32_t v, unsigned n)
{
    put(r, SPACE_MMIO, ecam_at(slot, off), v, n);
}

static inline void port_address(struct pci_rig *r, unsigned slot, unsigned off)
{
    put(r, SPACE_PIO, LAYOUT_PCI_CONFIG,
        0x80000000u | slot << 11 | (off & 0xfcu), 4);
}

static inline uint32_t port_get(struct pci_rig *r, unsigned slot, unsigned off,
                                unsigned n)
{
    port_address(r, slot, off);
    return (uint32_t)get(r, SPACE_PIO, LAYOUT_PCI_CONFIG + 4 + off % 4, n);
}

static inline void port_put(struct pci_rig *r, unsigned slot, unsigned off,
                            uint32_t v, unsigned n)
{
    port_address(r, slot, off);
    put(r, SPACE_PIO, LAYOUT_PCI_CONFIG + 4 + off % 4, v, n);
}

#define BAR(n) (PCI_BASE_ADDRESS_0 + 4 * (n))

static inline uint64_t bar_base(struct pci_rig *r, unsigned slot, unsigned bar)
{
    const uint32_t v = cfg_get(r, slot, BAR(bar), 4);

    return v & (v & 1 ? ~3u : ~15u);
}

static inline void command(struct pci_rig *r, unsigned slot, uint16_t v)
{
    cfg_put(r, slot, PCI_COMMAND, v, 2);
}

/* The nth capability of an id, or 0. Ends the test if the list never ends. */
static inline unsigned find_cap(struct pci_rig *r, unsigned slot, uint8_t id,
                                unsigned nth)
{
    unsigned at = cfg_get(r, slot, PCI_CAPABILITY_LIST, 1);

    for (unsigned steps = 0; at; steps++) {
        assert_true(steps < 48 && at >= 0x40 && at % 4 == 0);
        if (cfg_get(r, slot, at, 1) == id && nth-- == 0)
            return at;
        at = cfg_get(r, slot, at + 1, 1);
    }
    return 0;
}

#endif
