/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpci_rig.h: a virtio-pci device as its driver meets it: found by its
 * capabilities, driven by the structures they point at.
 */
#ifndef TESTS_VPCI_RIG_H
#define TESTS_VPCI_RIG_H

#include "devices/virtio/pci.h"
#include "pci_rig.h"
#include "toy_dev.h"

#include <linux/virtio_pci.h>

/* virtio 1.2; not in every system's header. */
#define Q_NDATA 56u
#define Q_RESET 58u

#define S_DRIVER (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define S_READY  (S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define S_LIVE   (S_READY | VIRTIO_CONFIG_S_DRIVER_OK)

#define NO_VECTOR 0xffffu

/* What a driver finds out before it begins. */
struct found {
    uint64_t common, notify, isr, device, table, pending;
    uint64_t ports; /* notify registers again, that a driver prefers */
    uint32_t stride;
    unsigned msix; /* offset of the capability */
};

struct rig {
    struct pci_rig p;
    struct toy toy;
    struct virtio_pci *t;
    struct found at;
};

static inline void vpci_plug(struct rig *r, const struct virtio_dev_ops *ops,
                             void *dev, bool legacy)
{
    const struct virtio_host host = {
        .loop = r->p.loop, .mem = r->p.mem, .kicks = &r->p.kicks};
    const struct virtio_pci_config c = {
        .bus = r->p.pci, .slot = SLOT, .msi = &r->p.msi, .legacy = legacy};

    r->t = virtio_pci_create(&host, ops, dev, &c);
    assert_non_null(r->t);
}

/* The nth capability of a type; 0: there is none. */
static inline unsigned vcap_nth(struct rig *r, uint8_t type, unsigned nth)
{
    unsigned at;

    for (unsigned n = 0; (at = find_cap(&r->p, SLOT, PCI_CAP_ID_VNDR, n)); n++)
        if (cfg_get(&r->p, SLOT, at + VIRTIO_PCI_CAP_CFG_TYPE, 1) == type &&
            nth-- == 0)
            return at;
    return 0;
}

static inline unsigned vcap(struct rig *r, uint8_t type)
{
    return vcap_nth(r, type, 0);
}

static inline uint64_t structure_at(struct rig *r, unsigned at)
{
    const unsigned bar = cfg_get(&r->p, SLOT, at + VIRTIO_PCI_CAP_BAR, 1);

    assert_true(at != 0);
    return bar_base(&r->p, SLOT, bar) +
           cfg_get(&r->p, SLOT, at + VIRTIO_PCI_CAP_OFFSET, 4);
}

static inline uint64_t structure(struct rig *r, uint8_t type)
{
    return structure_at(r, vcap(r, type));
}

static inline uint64_t msix_structure(struct rig *r, unsigned reg)
{
    const uint32_t v = cfg_get(&r->p, SLOT, r->at.msix + reg, 4);

    return bar_base(&r->p, SLOT, v & 7) + (v & ~7u);
}

/* Where everything is now; again after a BAR was moved. */
static inline void discover(struct rig *r)
{
    r->at.common = structure(r, VIRTIO_PCI_CAP_COMMON_CFG);
    r->at.isr = structure(r, VIRTIO_PCI_CAP_ISR_CFG);
    r->at.device = structure(r, VIRTIO_PCI_CAP_DEVICE_CFG);
    r->at.ports = structure(r, VIRTIO_PCI_CAP_NOTIFY_CFG);
    r->at.notify = structure_at(r, vcap_nth(r, VIRTIO_PCI_CAP_NOTIFY_CFG, 1));
    r->at.stride = cfg_get(
        &r->p, SLOT,
        vcap(r, VIRTIO_PCI_CAP_NOTIFY_CFG) + VIRTIO_PCI_NOTIFY_CAP_MULT, 4);
    r->at.msix = find_cap(&r->p, SLOT, PCI_CAP_ID_MSIX, 0);
    assert_true(r->at.msix != 0);
    r->at.table = msix_structure(r, PCI_MSIX_TABLE);
    r->at.pending = msix_structure(r, PCI_MSIX_PBA);
}

static inline int setup_as(void **state, bool legacy)
{
    struct rig *r = calloc(1, sizeof(*r));

    rig_open(&r->p);
    vpci_plug(r, &toy_ops, &r->toy, legacy);
    command(&r->p, SLOT,
            PCI_COMMAND_MEMORY | PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    discover(r);
    *state = r;
    return 0;
}

static inline int setup(void **state)
{
    return setup_as(state, false);
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    virtio_pci_destroy(r->t);
    assert_null(r->toy.v);
    rig_close(&r->p);
    free(r);
    return 0;
}

/* ---- registers ---- */

static inline uint32_t rd(struct rig *r, unsigned off, unsigned n)
{
    return (uint32_t)get(&r->p, SPACE_MMIO, r->at.common + off, n);
}

static inline void wr(struct rig *r, unsigned off, uint32_t v, unsigned n)
{
    put(&r->p, SPACE_MMIO, r->at.common + off, v, n);
}

static inline uint32_t status(struct rig *r)
{
    return rd(r, VIRTIO_PCI_COMMON_STATUS, 1);
}

static inline void set_status(struct rig *r, uint32_t v)
{
    wr(r, VIRTIO_PCI_COMMON_STATUS, v, 1);
}

static inline uint8_t isr(struct rig *r)
{
    return (uint8_t)get(&r->p, SPACE_MMIO, r->at.isr, 1);
}

static inline void select_queue(struct rig *r, unsigned q)
{
    wr(r, VIRTIO_PCI_COMMON_Q_SELECT, q, 2);
}

static inline uint64_t offered(struct rig *r)
{
    uint64_t low;

    wr(r, VIRTIO_PCI_COMMON_DFSELECT, 0, 4);
    low = rd(r, VIRTIO_PCI_COMMON_DF, 4);
    wr(r, VIRTIO_PCI_COMMON_DFSELECT, 1, 4);
    return low | (uint64_t)rd(r, VIRTIO_PCI_COMMON_DF, 4) << 32;
}

/* ---- MSI-X ---- */

#define VECTOR_ADDR(v) (0xfee00000u + ((v) << 12))
#define VECTOR_DATA(v) (0x40u + (v))

static inline void table_put(struct rig *r, unsigned v, unsigned reg,
                             uint32_t value)
{
    put(&r->p, SPACE_MMIO, r->at.table + v * 16 + reg, value, 4);
}

static inline void set_message(struct rig *r, unsigned v, uint32_t addr,
                               uint32_t data)
{
    table_put(r, v, 0, addr);
    table_put(r, v, 4, 0);
    table_put(r, v, 8, data);
}

static inline void mask_vector(struct rig *r, unsigned v, bool masked)
{
    table_put(r, v, 12, masked);
}

static inline void msix_control(struct rig *r, uint16_t bits)
{
    cfg_put(&r->p, SLOT, r->at.msix + PCI_MSIX_FLAGS, bits, 2);
}

/* Three vectors, as a driver would: configuration, and one for each queue. */
static inline void use_msix(struct rig *r)
{
    msix_control(r, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    for (unsigned v = 0; v < 3; v++) {
        set_message(r, v, VECTOR_ADDR(v), VECTOR_DATA(v));
        mask_vector(r, v, false);
    }
    msix_control(r, PCI_MSIX_FLAGS_ENABLE);
    wr(r, VIRTIO_PCI_COMMON_MSIX, 0, 2);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_MSIX, 2), 0);
    for (unsigned q = 0; q < 2; q++) {
        select_queue(r, q);
        wr(r, VIRTIO_PCI_COMMON_Q_MSIX, q + 1, 2);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_MSIX, 2), q + 1);
    }
}

static inline uint64_t pending(struct rig *r)
{
    return get(&r->p, SPACE_MMIO, r->at.pending, 8);
}

/* ---- the sequence of 3.1 ---- */

static inline void set_queue(struct rig *r, unsigned q,
                             const struct virtq_config *c)
{
    select_queue(r, q);
    wr(r, VIRTIO_PCI_COMMON_Q_SIZE, c->size, 2);
    wr(r, VIRTIO_PCI_COMMON_Q_DESCLO, (uint32_t)c->desc.v, 4);
    wr(r, VIRTIO_PCI_COMMON_Q_DESCHI, (uint32_t)(c->desc.v >> 32), 4);
    wr(r, VIRTIO_PCI_COMMON_Q_AVAILLO, (uint32_t)c->avail.v, 4);
    wr(r, VIRTIO_PCI_COMMON_Q_AVAILHI, (uint32_t)(c->avail.v >> 32), 4);
    wr(r, VIRTIO_PCI_COMMON_Q_USEDLO, (uint32_t)c->used.v, 4);
    wr(r, VIRTIO_PCI_COMMON_Q_USEDHI, (uint32_t)(c->used.v >> 32), 4);
}

/* A fresh ring for queue q; each has its 64 KiB of guest memory. */
static inline void make_ring(struct rig *r, unsigned q, uint16_t size)
{
    r->p.rings[q] = ring_at(r->p.mem, 0x10000ull * (q + 1), size);
    memset(r->p.rings[q].ram + 0x10000ull * (q + 1), 0, 0x10000);
}

/* Reset, and everything up to FEATURES_OK with these features. */
static inline void negotiate(struct rig *r, uint64_t features)
{
    set_status(r, 0);
    spin(&r->p);
    assert_int_equal(status(r), 0);
    set_status(r, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    set_status(r, S_DRIVER);
    for (uint32_t i = 0; i < 2; i++) {
        wr(r, VIRTIO_PCI_COMMON_GFSELECT, i, 4);
        wr(r, VIRTIO_PCI_COMMON_GF, (uint32_t)(features >> 32 * i), 4);
    }
    set_status(r, S_READY);
}

static inline void enable_queue(struct rig *r, unsigned q)
{
    make_ring(r, q, SIZE);
    set_queue(r, q, &r->p.rings[q].cfg);
    wr(r, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
}

/* All of it, with both queues; vectors as they are, or none. */
static inline void drive(struct rig *r, uint64_t features, bool msix)
{
    negotiate(r, features);
    assert_int_equal(status(r), S_READY);
    if (msix)
        use_msix(r);
    for (unsigned q = 0; q < 2; q++)
        enable_queue(r, q);
    set_status(r, S_LIVE);
    spin(&r->p);
    assert_int_equal(status(r), S_LIVE);
}

static inline void kick(struct rig *r, unsigned q)
{
    put(&r->p, SPACE_PIO, r->at.ports + q * r->at.stride, q, 2);
}

static inline void offer(struct rig *r, unsigned q, uint16_t head)
{
    ring_desc(&r->p.rings[q], head, DATA, 64, WRITABLE, 0);
    ring_offer(&r->p.rings[q], head);
}

/* The chain offered came back. */
static inline void assert_done(struct rig *r, unsigned q)
{
    struct vring_used_elem e;

    assert_true(ring_take(&r->p.rings[q], &e));
    assert_int_equal(e.id, 5);
    assert_int_equal(e.len, 64);
}

/* The queue does its work: one chain there and back. */
static inline void assert_works(struct rig *r, unsigned q)
{
    offer(r, q, 5);
    kick(r, q);
    spin(&r->p);
    assert_done(r, q);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
