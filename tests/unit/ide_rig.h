/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ide_rig.h: an IDE pair over a disk in memory, as a BIOS would drive it. */
#ifndef TESTS_IDE_RIG_H
#define TESTS_IDE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/ata/ide.h"
#include "fake_blk.h"
#include "loop_turns.h"
#include "vmm/log.h"

enum { DATA, FEATURE, COUNT, LBA0, LBA1, LBA2, DEVICE, COMMAND };

#define ERR  0x01
#define DRQ  0x08
#define DRDY 0x40
#define BSY  0x80

#define RAM       (4u << 20)
#define TABLE     0x1000u
#define BM_START  1
#define BM_ACTIVE 1
#define BM_ERROR  2
#define BM_INTR   4

struct rig {
    pthread_mutex_t lock;
    struct loop *loop;
    struct gmem *mem;
    struct blk *disk, *cd;
    struct intr intr[2];
    unsigned rises;
    struct ide *ide;
    struct ide_channel *ch, *ch2; /* disk 0; CD-ROM 0 */
};

static void on_line(void *ctx, unsigned line, bool level)
{
    struct rig *r = ctx;

    (void)line;
    r->rises += level;
}

/* Let the loop do what is due. */
static inline void turns(struct rig *r)
{
    loop_turns(r->loop, 8);
}

static inline int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct ide_config cfg = {0};

    pthread_mutex_init(&r->lock, NULL);
    assert_int_equal(loop_create(&r->loop, &r->lock), 0);
    r->mem = gmem_create(RAM, GMEM_ANON);
    assert_non_null(r->mem);
    r->disk = fake_open(r->loop);
    r->cd = fake_open(r->loop);
    r->cd->info.read_only = true;
    fake_number(r->disk, 512, 0);
    fake_number(r->cd, 2048, 0x80);
    for (unsigned i = 0; i < 2; i++) {
        r->intr[i] = (struct intr){.set = on_line, .ctx = r, .line = 14 + i};
        cfg.intr[i] = &r->intr[i];
    }
    cfg.loop = r->loop;
    cfg.mem = r->mem;
    cfg.drives[0][0] = (struct ide_drive_config){r->disk, false, "VMM00001"};
    cfg.drives[1][0] = (struct ide_drive_config){r->cd, true, "VMM00002"};
    r->ide = ide_create(&cfg);
    assert_non_null(r->ide);
    r->ch = ide_channel(r->ide, 0);
    r->ch2 = ide_channel(r->ide, 1);
    *state = r;
    return 0;
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    ide_destroy(r->ide);
    assert_int_equal(r->disk->in_flight + r->cd->in_flight, 0);
    fake_close(r->disk);
    fake_close(r->cd);
    gmem_destroy(r->mem);
    loop_destroy(r->loop);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return 0;
}

static inline uint8_t get(struct ide_channel *ch, unsigned reg)
{
    uint8_t v;

    ide_command_ops.read(ch, reg, &v, 1);
    return v;
}

static inline void put(struct ide_channel *ch, unsigned reg, unsigned value)
{
    const uint8_t v = (uint8_t)value;

    ide_command_ops.write(ch, reg, &v, 1);
}

static inline uint8_t alt_status(struct ide_channel *ch)
{
    uint8_t v;

    ide_control_ops.read(ch, 0, &v, 1);
    return v;
}

static inline void control(struct ide_channel *ch, unsigned value)
{
    const uint8_t v = (uint8_t)value;

    ide_control_ops.write(ch, 0, &v, 1);
}

/* An LBA28 command on drive 0. */
static inline void command28(struct ide_channel *ch, uint32_t lba, unsigned n,
                             uint8_t command)
{
    put(ch, DEVICE, 0xe0 | (lba >> 24 & 0xf));
    put(ch, COUNT, n);
    put(ch, LBA0, lba);
    put(ch, LBA1, lba >> 8);
    put(ch, LBA2, lba >> 16);
    put(ch, COMMAND, command);
}

static inline void command48(struct ide_channel *ch, uint64_t lba, unsigned n,
                             uint8_t command)
{
    put(ch, DEVICE, 0x40);
    put(ch, COUNT, n >> 8);
    put(ch, COUNT, n);
    for (unsigned i = 0; i < 3; i++) {
        put(ch, LBA0 + i, (unsigned)(lba >> (8 * (i + 3))));
        put(ch, LBA0 + i, (unsigned)(lba >> (8 * i)));
    }
    put(ch, COMMAND, command);
}

/* n bytes through the data register, words at a time. */
static inline void pio_in(struct ide_channel *ch, void *out, unsigned n)
{
    for (unsigned i = 0; i < n; i += 2)
        ide_command_ops.read(ch, DATA, (unsigned char *)out + i, 2);
}

static inline void pio_out(struct ide_channel *ch, const void *in, unsigned n)
{
    for (unsigned i = 0; i < n; i += 2)
        ide_command_ops.write(ch, DATA, (const unsigned char *)in + i, 2);
}

static inline void bm_put(struct rig *r, unsigned off, uint32_t v, unsigned n)
{
    ide_bm_ops.write(r->ide, off, &v, n);
}

static inline uint8_t bm_get(struct rig *r, unsigned off)
{
    uint8_t v;

    ide_bm_ops.read(r->ide, off, &v, 1);
    return v;
}

static inline void prd(struct rig *r, unsigned i, uint32_t addr, uint32_t count,
                       bool last)
{
    const uint32_t e[2] = {addr, (count & 0xffff) | (last ? 1u << 31 : 0)};

    assert_int_equal(gmem_write(r->mem, GPA(TABLE + 8 * i), e, sizeof(e)), 0);
}

static inline void bm_go(struct rig *r, unsigned channel, bool in)
{
    bm_put(r, channel * 8 + 4, TABLE, 4);
    bm_put(r, channel * 8 + 2, BM_ERROR | BM_INTR, 1);
    bm_put(r, channel * 8, BM_START | (in ? 8 : 0), 1);
}

static inline unsigned char ram_at(struct rig *r, uint32_t gpa)
{
    unsigned char c = 0;

    assert_int_equal(gmem_read(r->mem, GPA(gpa), &c, 1), 0);
    return c;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
