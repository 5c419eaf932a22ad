/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ahci_rig.h: an AHCI controller with a disk on port 0 and a disc on port 1,
 * as a driver meets it: lists, tables and frames in guest memory.
 */
#ifndef TESTS_AHCI_RIG_H
#define TESTS_AHCI_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/ata/ahci_priv.h"
#include "fake_blk.h"
#include "loop_turns.h"
#include "vmm/log.h"

#include <pthread.h>

#define RAM       (4u << 20)
#define LIST(p)   (0x10000u + (p)*0x1000u)
#define FRAMES(p) (0x20000u + (p)*0x1000u)
#define TABLE(s)  (0x30000u + (s)*0x1000u)
#define BUF(s)    (0x100000u + (s)*0x10000u)

enum { GHC = 4, IS = 8, PI = 12, VS = 16 };
enum {
    CLB = 0x00,
    FB = 0x08,
    PIS = 0x10,
    PIE = 0x14,
    CMD = 0x18,
    TFD = 0x20,
    SIG = 0x24,
    SSTS = 0x28,
    SCTL = 0x2c,
    SERR = 0x30,
    SACT = 0x34,
    CI = 0x38,
};

struct rig {
    pthread_mutex_t lock;
    struct loop *loop;
    struct gmem *mem;
    struct blk *disk, *cd;
    struct ahci *hba;
    /* messages that were sent, and the last */
    unsigned messages;
    uint64_t to;
    uint32_t what;
};

static inline void rig_send(void *ctx, uint64_t addr, uint32_t data)
{
    struct rig *r = ctx;

    r->messages++;
    r->to = addr;
    r->what = data;
}

/* What a command frame and its header say. */
struct issue {
    unsigned port, slot;
    uint8_t command;
    uint64_t lba;
    unsigned count, feature;
    uint8_t device;
    bool write;
    unsigned prds; /* entries of the table; 0: one of bytes */
    uint32_t bytes;
    const uint8_t *packet;
};

/* Let the loop do what is due. */
static inline void turns(struct rig *r)
{
    loop_turns(r->loop, 8);
}

static inline uint32_t get(struct rig *r, unsigned at)
{
    uint32_t v;

    ahci_ops.read(r->hba, at, &v, sizeof(v));
    return v;
}

static inline void put(struct rig *r, unsigned at, uint32_t v)
{
    ahci_ops.write(r->hba, at, &v, sizeof(v));
}

static inline uint32_t pget(struct rig *r, unsigned port, unsigned reg)
{
    return get(r, 0x100 + 0x80 * port + reg);
}

static inline void pput(struct rig *r, unsigned port, unsigned reg, uint32_t v)
{
    put(r, 0x100 + 0x80 * port + reg, v);
}

static inline bool pin(struct rig *r)
{
    return ahci_func(r->hba)->intx;
}

static inline void poke(struct rig *r, uint64_t at, const void *data, size_t n)
{
    assert_int_equal(gmem_write(r->mem, GPA(at), data, n), 0);
}

static inline void peek(struct rig *r, uint64_t at, void *data, size_t n)
{
    assert_int_equal(gmem_read(r->mem, GPA(at), data, n), 0);
}

static inline uint8_t ram_at(struct rig *r, uint64_t at)
{
    uint8_t c;

    peek(r, at, &c, 1);
    return c;
}

/* An entry of a slot's table. */
static inline void prd(struct rig *r, unsigned slot, unsigned i, uint64_t addr,
                       uint32_t bytes)
{
    const uint32_t e[4] = {(uint32_t)addr, (uint32_t)(addr >> 32), 0,
                           bytes - 1};

    poke(r, TABLE(slot) + 0x80 + 16 * i, e, sizeof(e));
}

/* Put a command into its slot; the table is made unless prds says how long. */
static inline void place(struct rig *r, const struct issue *c)
{
    uint8_t fis[20] = {
        0x27,
        0x80,
        c->command,
        (uint8_t)c->feature,
        (uint8_t)c->lba,
        (uint8_t)(c->lba >> 8),
        (uint8_t)(c->lba >> 16),
        c->device ? c->device : 0x40,
        (uint8_t)(c->lba >> 24),
        (uint8_t)(c->lba >> 32),
        (uint8_t)(c->lba >> 40),
        (uint8_t)(c->feature >> 8),
        (uint8_t)c->count,
        (uint8_t)(c->count >> 8),
    };
    const unsigned prds = c->prds ? c->prds : c->bytes ? 1 : 0;
    const uint32_t header[4] = {5u | (c->write ? 0x40 : 0) |
                                    (c->packet ? 0x20 : 0) | prds << 16,
                                0, TABLE(c->slot), 0};

    if (!c->prds && c->bytes)
        prd(r, c->slot, 0, BUF(c->slot), c->bytes);
    poke(r, TABLE(c->slot), fis, sizeof(fis));
    if (c->packet)
        poke(r, TABLE(c->slot) + 0x40, c->packet, 12);
    poke(r, LIST(c->port) + 32 * c->slot, header, sizeof(header));
}

static inline void issue(struct rig *r, const struct issue *c)
{
    place(r, c);
    pput(r, c->port, CI, 1u << c->slot);
    turns(r);
}

static inline void issue_queued(struct rig *r, struct issue c)
{
    c.feature = c.count;
    c.count = c.slot << 3;
    place(r, &c);
    pput(r, c.port, SACT, 1u << c.slot);
    pput(r, c.port, CI, 1u << c.slot);
}

static inline uint32_t moved(struct rig *r, unsigned port, unsigned slot)
{
    uint32_t n;

    peek(r, LIST(port) + 32 * slot + 4, &n, sizeof(n));
    return n;
}

static inline int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct ahci_config cfg = {0};

    pthread_mutex_init(&r->lock, NULL);
    assert_int_equal(loop_create(&r->loop, &r->lock), 0);
    r->mem = gmem_create(RAM, GMEM_ANON);
    assert_non_null(r->mem);
    r->disk = fake_open(r->loop);
    r->cd = fake_open(r->loop);
    r->cd->info.read_only = true;
    fake_number(r->disk, 512, 0);
    fake_number(r->cd, 2048, 0x80);
    cfg.loop = r->loop;
    cfg.mem = r->mem;
    cfg.msi = (struct msi_sink){.send = rig_send, .ctx = r};
    cfg.drives[0] = (struct ahci_drive_config){r->disk, false, "VMM00001"};
    cfg.drives[1] = (struct ahci_drive_config){r->cd, true, "VMM00002"};
    r->hba = ahci_create(&cfg);
    assert_non_null(r->hba);
    *state = r;
    return 0;
}

/* As a driver leaves it: both ports running, all interrupts on. */
static inline void start(struct rig *r)
{
    for (unsigned p = 0; p < 2; p++) {
        pput(r, p, CLB, LIST(p));
        pput(r, p, FB, FRAMES(p));
        pput(r, p, CMD, PCMD_FRE);
        pput(r, p, SERR, UINT32_MAX);
        pput(r, p, PIS, UINT32_MAX);
        pput(r, p, PIE, UINT32_MAX);
        pput(r, p, CMD, PCMD_FRE | PCMD_ST);
    }
    put(r, IS, UINT32_MAX);
    put(r, GHC, 0x80000002u);
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    ahci_destroy(r->hba);
    assert_int_equal(r->disk->in_flight + r->cd->in_flight, 0);
    fake_close(r->disk);
    fake_close(r->cd);
    gmem_destroy(r->mem);
    loop_destroy(r->loop);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
