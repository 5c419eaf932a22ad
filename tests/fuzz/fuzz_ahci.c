// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_ahci.c: anything done to the registers, lists and tables of an AHCI
 * controller, over a disk and a disc in memory whose requests end when and as
 * the input says (hostile case 35). Whatever it was: after a reset nothing is
 * in flight, and a sector can be read by a queued command.
 */
#include "devices/ata/ahci_priv.h"

#include "fake_blk.h"
#include "loop_turns.h"
#include "vmm/log.h"

#include <pthread.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM    (256 * KIB)
#define LIST   0x1000u
#define FRAMES 0x2000u
#define TABLES 0x4000u /* of 0x400 bytes, one for each slot */
#define STEP   10

struct machine {
    pthread_mutex_t lock;
    struct loop *loop;
    struct gmem *mem;
    struct blk *disks[2];
    struct ahci *hba;
};

static void turn(struct machine *m)
{
    loop_turns(m->loop, 1);
}

/* Loop and memory last as long as the process. */
static struct machine *machine(void)
{
    static struct machine m = {.lock = PTHREAD_MUTEX_INITIALIZER};

    if (m.loop)
        return &m;
    log_set_level(LOG_ERROR);
    BUG_ON(loop_create(&m.loop, &m.lock) < 0);
    m.mem = gmem_create(RAM, GMEM_ANON);
    BUG_ON(!m.mem);
    for (unsigned i = 0; i < 2; i++)
        m.disks[i] = fake_open(m.loop);
    return &m;
}

static void on_message(void *ctx, uint64_t addr, uint32_t data)
{
    (void)ctx;
    (void)addr;
    (void)data;
}

static void plug(struct machine *m)
{
    const struct ahci_config cfg = {
        .loop = m->loop,
        .mem = m->mem,
        .msi = {.send = on_message},
        .drives = {{m->disks[0], false, "disk"}, {m->disks[1], true, "disc"}},
    };

    for (unsigned i = 0; i < 2; i++) {
        m->disks[i]->manual = false;
        m->disks[i]->result = 0;
        m->disks[i]->info.read_only = i == 1;
    }
    m->hba = ahci_create(&cfg);
    BUG_ON(!m->hba);
}

static void put(struct machine *m, unsigned at, uint32_t v)
{
    ahci_ops.write(m->hba, at, &v, sizeof(v));
}

static uint32_t get(struct machine *m, unsigned at)
{
    uint32_t v;

    ahci_ops.read(m->hba, at, &v, sizeof(v));
    return v;
}

static void poke(struct machine *m, uint32_t at, const void *data, size_t n)
{
    BUG_ON(gmem_write(m->mem, GPA(at), data, n) < 0);
}

static void start(struct machine *m, unsigned port)
{
    const unsigned base = 0x100 + 0x80 * port;

    put(m, base + 0x00, LIST);
    put(m, base + 0x04, 0);
    put(m, base + 0x08, FRAMES);
    put(m, base + 0x0c, 0);
    put(m, base + 0x14, UINT32_MAX);
    put(m, base + 0x18, PCMD_FRE);
    put(m, base + 0x18, PCMD_FRE | PCMD_ST);
}

/* A header and the frame behind it, of the input's bytes. */
static void command(struct machine *m, unsigned slot, const uint8_t *s)
{
    const uint32_t table = TABLES + 0x400 * slot;
    const uint32_t header[4] = {5u | (uint32_t)(s[2] & 63) << 16, 0, table, 0};
    const uint8_t fis[20] = {s[2] & 64 ? s[9] : 0x27,
                             s[2] & 128 ? 0 : 0x80,
                             s[3],
                             s[4],
                             s[5],
                             s[6],
                             0,
                             s[9],
                             s[7] & 1,
                             0,
                             0,
                             0,
                             s[8],
                             s[7] >> 7,
                             0,
                             s[7]};

    poke(m, LIST + 32 * slot, header, sizeof(header));
    poke(m, table, fis, sizeof(fis));
    poke(m, table + 0x40, s + 4, 6);
}

static void region(struct machine *m, unsigned slot, const uint8_t *s)
{
    const uint32_t e[4] = {(uint32_t)s[3] << 10 | s[4], s[5] & 1u ? s[6] : 0, 0,
                           (uint32_t)s[7] << 8 | s[8]};

    poke(m, TABLES + 0x400 * slot + 0x80 + 16u * (s[2] % 32), e, sizeof(e));
}

static void step(struct machine *m, const uint8_t *s)
{
    static const int results[] = {0, 0, -EIO, -ECANCELED};
    const unsigned base = 0x100 + 0x80u * (s[1] >> 7), slot = s[1] & 31;
    uint32_t v;

    memcpy(&v, s + 4, sizeof(v));
    switch (s[0] & 15) {
    case 0:
        turn(m);
        break;
    case 1:
        start(m, s[1] >> 7);
        break;
    case 2:
        command(m, slot, s);
        break;
    case 3:
        region(m, slot, s);
        break;
    case 4: /* queued */
        put(m, base + 0x34, 1u << slot);
        put(m, base + 0x38, 1u << slot);
        break;
    case 5:
        put(m, base + 0x38, 1u << slot);
        break;
    case 6:
        m->disks[s[1] >> 7]->manual = s[2] & 1;
        break;
    case 7:
        fake_end(m->disks[s[1] >> 7], results[s[2] & 3]);
        break;
    case 8:
        put(m, base + 4u * (s[2] & 31), v);
        break;
    case 9:
        ahci_ops.read(m->hba, (s[2] | (unsigned)s[3] << 8) & 0xff8, &v, 4);
        break;
    case 10:
        put(m, (s[2] | (unsigned)s[3] << 8) & 0xffc, v);
        break;
    case 11:
        put(m, base + 0x2c, s[2] & 15);
        break;
    case 12: /* the message */
        pci_func_write(ahci_func(m->hba), 0x40u | (s[2] & 15), s + 4, 2);
        break;
    default:
        command(m, slot, s);
        put(m, base + 0x38, v);
        break;
    }
}

static void check(struct machine *m)
{
    const uint32_t header[4] = {5u | 1u << 16, 0, TABLES, 0};
    const uint8_t fis[20] = {0x27, 0x80, 0x60, 1, 1, 0, 0, 0x40};
    const uint32_t e[4] = {0x10000, 0, 0, 511};
    uint8_t byte = 0;

    for (unsigned i = 0; i < 2; i++) {
        m->disks[i]->manual = false;
        m->disks[i]->result = 0;
    }
    put(m, 4, 1);
    turn(m);
    BUG_ON(get(m, 4) != 0x80000000u);
    BUG_ON(m->disks[0]->in_flight || m->disks[1]->in_flight);
    BUG_ON(get(m, 0x128) != 0x123 || get(m, 0x120) != 0x150);
    m->disks[0]->data[512] = 0x5a;
    poke(m, LIST, header, sizeof(header));
    poke(m, TABLES, fis, sizeof(fis));
    poke(m, TABLES + 0x80, e, sizeof(e));
    start(m, 0);
    put(m, 0x134, 1);
    put(m, 0x138, 1);
    turn(m);
    turn(m);
    BUG_ON(get(m, 0x134) || get(m, 0x138) || get(m, 0x120) != 0x50);
    BUG_ON(gmem_read(m->mem, GPA(0x10000), &byte, 1) < 0 || byte != 0x5a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine *m = machine();

    plug(m);
    for (size_t at = 0; at + STEP <= size && at < 400 * STEP; at += STEP)
        step(m, data + at);
    check(m);
    ahci_destroy(m->hba);
    BUG_ON(m->disks[0]->in_flight || m->disks[1]->in_flight);
    return 0;
}
