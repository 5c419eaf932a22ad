// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_ide.c: anything done to the ports of the IDE channels and to the table
 * of their bus master, over a disk and a disc in memory whose requests end
 * when and as the input says (hostile case 35). Whatever it was: after a
 * reset nothing is in flight, and a sector can be read.
 */
#include "devices/ata/ide.h"

#include "fake_blk.h"
#include "loop_turns.h"
#include "vmm/log.h"

#include <pthread.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM   (256 * KIB)
#define TABLE 0x1000u
#define STEP  6

struct machine {
    pthread_mutex_t lock;
    struct loop *loop;
    struct gmem *mem;
    struct blk *disks[2];
    struct intr intr[2];
    struct ide *ide;
};

static void on_line(void *ctx, unsigned line, bool level)
{
    (void)ctx;
    (void)line;
    (void)level;
}

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
    BUG_ON(loop_create(&m.loop, &m.lock) < 0);
    m.mem = gmem_create(RAM, GMEM_ANON);
    BUG_ON(!m.mem);
    for (unsigned i = 0; i < 2; i++) {
        m.disks[i] = fake_open(m.loop);
        m.intr[i] = (struct intr){.set = on_line};
    }
    return &m;
}

static void plug(struct machine *m)
{
    const struct ide_config cfg = {
        .loop = m->loop,
        .mem = m->mem,
        .intr = {&m->intr[0], &m->intr[1]},
        .drives = {{{m->disks[0], false, "disk"}, {m->disks[1], true, "disc"}}},
    };

    for (unsigned i = 0; i < 2; i++) {
        m->disks[i]->manual = false;
        m->disks[i]->result = 0;
        m->disks[i]->info.read_only = i == 1;
    }
    m->ide = ide_create(&cfg);
    BUG_ON(!m->ide);
}

static void put(struct machine *m, unsigned reg, uint32_t v, unsigned n)
{
    ide_command_ops.write(ide_channel(m->ide, 0), reg, &v, n);
}

static uint8_t get(struct machine *m, unsigned reg)
{
    uint8_t v;

    ide_command_ops.read(ide_channel(m->ide, 0), reg, &v, 1);
    return v;
}

/* A packet whose first bytes are the input's. */
static void send_packet(struct machine *m, const uint8_t *s)
{
    const unsigned char p[12] = {s[1], s[2], 0, 0,    0, s[3],
                                 0,    0,    4, s[4], 0, s[5]};

    put(m, 6, 0xb0, 1);
    put(m, 7, 0xa0, 1);
    for (unsigned i = 0; i < sizeof(p); i += 2)
        ide_command_ops.write(ide_channel(m->ide, 0), 0, p + i, 2);
}

static void step(struct machine *m, const uint8_t *s)
{
    static const unsigned widths[] = {1, 2, 4, 4};
    static const int results[] = {0, 0, -EIO, -ECANCELED};
    const unsigned n = widths[s[1] >> 6], reg = s[1] & 7;
    struct ide_channel *ch = ide_channel(m->ide, s[0] >> 7);
    const uint32_t prd[2] = {(uint32_t)s[2] << 10 | s[3],
                             (s[5] & 1u) << 31 | (uint32_t)s[4] << 5};
    uint64_t v = 0;

    memcpy(&v, s + 2, 4);
    switch (s[0] & 15) {
    case 0:
        turn(m);
        break;
    case 1:
        ide_control_ops.write(ch, 0, &v, 1);
        break;
    case 2:
        ide_control_ops.read(ch, 0, &v, 1);
        break;
    case 3:
        ide_bm_ops.write(m->ide, s[1] & 15, &v, n);
        break;
    case 4:
        ide_bm_ops.read(m->ide, s[1] & 15, &v, n);
        break;
    case 5:
        BUG_ON(gmem_write(m->mem, GPA(TABLE + 8u * (s[1] & 31)), prd, 8) < 0);
        break;
    case 6:
        m->disks[s[1] & 1]->manual = s[2] & 1;
        break;
    case 7:
        fake_end(m->disks[s[1] & 1], results[s[2] & 3]);
        break;
    case 8:
        send_packet(m, s);
        break;
    case 9: /* drain or fill a block */
        for (unsigned i = 0; i < 4u * s[2]; i++)
            ide_command_ops.read(ch, 0, &v, 2);
        break;
    case 10:
        for (unsigned i = 0; i < 4u * s[2]; i++)
            ide_command_ops.write(ch, 0, &v, 2);
        break;
    case 11:
        ide_command_ops.read(ch, reg, &v, n);
        break;
    default:
        ide_command_ops.write(ch, reg, &v, n);
        break;
    }
}

static void check(struct machine *m)
{
    const uint8_t hold = 4, go = 0;

    m->disks[0]->manual = false;
    m->disks[0]->result = 0;
    ide_control_ops.write(ide_channel(m->ide, 0), 0, &hold, 1);
    turn(m);
    ide_control_ops.write(ide_channel(m->ide, 0), 0, &go, 1);
    turn(m);
    BUG_ON(m->disks[0]->in_flight || m->disks[1]->in_flight);
    BUG_ON(get(m, 7) != 0x50);
    m->disks[0]->data[512] = 0x5a;
    put(m, 6, 0xe0, 1);
    put(m, 2, 1, 1);
    put(m, 3, 1, 1);
    put(m, 4, 0, 1);
    put(m, 5, 0, 1);
    put(m, 7, 0x20, 1);
    turn(m);
    turn(m);
    BUG_ON(get(m, 7) != 0x58 || get(m, 0) != 0x5a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine *m = machine();

    plug(m);
    for (size_t at = 0; at + STEP <= size && at < 400 * STEP; at += STEP)
        step(m, data + at);
    check(m);
    ide_destroy(m->ide);
    BUG_ON(m->disks[0]->in_flight || m->disks[1]->in_flight);
    return 0;
}
