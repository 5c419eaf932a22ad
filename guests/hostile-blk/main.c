/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile-blk: requests that make no sense to a disk. Numbers are those of
 * the hostile cases: ranges (23), a read-only disk (24), types (25), discard
 * and write-zeroes (26), requests in odd pieces (27), as much as there can
 * be (28). Source: virtio 1.2, 5.2.6.
 */
#include "console.h"
#include "cpu.h"
#include "hostile.h"
#include "report.h"
#include "string.h"

#define UNMAP      1u
#define READ_TURNS 8u

static uint8_t block[DISK_RUN * SECTOR] __attribute__((aligned(4096)));

/* ---- 23: ranges ---- */

static void ranges(void)
{
    const uint64_t end = victim.sectors;
    const struct {
        uint64_t sector;
        uint32_t len;
    } bad[] = {
        {end, SECTOR},
        {end - 1, 2 * SECTOR},
        {end - 1, SECTOR + 1},
        {end + 1, SECTOR},
        {UINT64_MAX, SECTOR},
        {UINT64_MAX / SECTOR, SECTOR},
        {UINT64_MAX / SECTOR + 1, SECTOR},
        {1ull << 55, SECTOR},
        {1ull << 63, SECTOR},
        {0, 1},
        {0, SECTOR - 1},
        {0, SECTOR + 1},
        {5, 3 * SECTOR + 7},
    };

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ("write",
                 disk_do(&victim, BLK_OUT, bad[i].sector, block, bad[i].len),
                 BLK_IOERR);
        CHECK_EQ("read",
                 disk_do(&victim, BLK_IN, bad[i].sector, block, bad[i].len),
                 BLK_IOERR);
    }
    disk_check(&victim, end - 1, 1, 0);
}

/* As many segments as the configuration allows, and one more. */
static void segments(void)
{
    static struct vq_desc table[VQ_MAX + 4];
    const uint32_t most = mmio_read32(victim.dev.config + BLK_SEG_MAX);

    CHECK_LE("segments of a request", most, VQ_MAX);
    for (uint32_t n = most; n <= most + 1; n++) {
        const uint32_t last = n + 1;

        disk_again(&victim);
        hostile_request(BLK_IN, 0);
        table[0] = HOSTILE_HEADER;
        for (uint32_t i = 1; i < last; i++)
            vq_put(&table[i], (uintptr_t)block, SECTOR, VQ_NEXT | VQ_WRITE,
                   (uint16_t)(i + 1));
        table[last] = HOSTILE_STATUS;
        vq_put(&HOSTILE_HEADER, (uintptr_t)table,
               (last + 1) * (uint32_t)sizeof(table[0]), VQ_INDIRECT, 0);
        hostile_fire(0);
        if (n == most)
            hostile_expect_status(BLK_OK);
        else
            hostile_expect_refused();
    }
}

/* ---- 24: a read-only disk, which is disk 2 ---- */

static void changes_refused(struct disk *d)
{
    CHECK_EQ("write", disk_write(d, 0, 8, 5), BLK_IOERR);
    CHECK_NE("discard", disk_do_range(d, BLK_DISCARD, 0, 8, 0), BLK_OK);
    CHECK_NE("zeroes", disk_do_range(d, BLK_ZEROES, 0, 8, 0), BLK_OK);
    CHECK_NE("zeroes", disk_do_range(d, BLK_ZEROES, 0, 8, UNMAP), BLK_OK);
    CHECK_EQ("flush", disk_do(d, BLK_FLUSH, 0, NULL, 0), BLK_OK);
    disk_check(d, 0, 8, 0);
}

static void read_only(void)
{
    static struct disk third;

    disk_open(&third, 2, DISK_FEATURES);
    CHECK_EQ("F_RO", !!(third.dev.features & BLK_F_RO), 1);
    changes_refused(&third);
    disk_open(&third, 2, DISK_FEATURES & ~BLK_F_RO);
    CHECK_EQ("F_RO not taken", third.dev.features & BLK_F_RO, 0);
    changes_refused(&third);
}

/* ---- 25: types ---- */

static void unknown_types(void)
{
    static const uint32_t types[] = {
        2,  3,     5,    6,  7,  9,          10,         12,        14,
        15, 0x100, 0xff, 16, 64, 0x80000000, 0x80000001, UINT32_MAX};

    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        hostile_request(types[i], 0); /* data to be written by the device */
        memset(hostile_data, 0x5a, SECTOR);
        hostile_fire(0);
        hostile_expect_status(BLK_UNSUPP);
        CHECK_EQ("data", bytes_are(hostile_data, 0x5a, SECTOR), 1);
        hostile_request(types[i], 0);
        HOSTILE_DATA.flags = VQ_NEXT;
        hostile_fire(0);
        hostile_expect_status(BLK_UNSUPP);
    }
}

static void identities(void)
{
    static const uint32_t sizes[] = {1, 4, 19, 20, 21, SECTOR, 4096};

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const uint32_t told = sizes[i] < 20 ? sizes[i] : 20;

        memset(block, 0x5a, sizeof(block));
        CHECK_EQ("GET_ID", disk_do(&victim, BLK_GET_ID, 0, block, sizes[i]),
                 BLK_OK);
        CHECK_EQ("bytes written", victim.written, told + 1);
        CHECK_EQ("bytes behind it", bytes_are(block + told, 0x5a, 64), 1);
        CHECK_EQ("identity", block[0], 'd');
    }
    CHECK_LE("GET_ID without data", disk_do(&victim, BLK_GET_ID, 0, NULL, 0),
             BLK_UNSUPP);
}

static void flush_with_data(void)
{
    hostile_request(BLK_FLUSH, 77);
    memset(hostile_data, 0x5a, SECTOR);
    hostile_fire(0);
    (void)vq_wait(&victim.q, DISK_PATIENCE);
    CHECK_LE("status", hostile_status(), BLK_UNSUPP);
    CHECK_EQ("data", bytes_are(hostile_data, 0x5a, SECTOR), 1);
}

/* ---- 26: discard and write-zeroes ---- */

static void bad_ranges(uint32_t type)
{
    const uint64_t end = victim.sectors;
    const struct blk_range bad[] = {
        {end, 1, 0},
        {end - 1, 2, 0},
        {0, UINT32_MAX, 0},
        {UINT64_MAX, 1, 0},
        {UINT64_MAX / SECTOR, 1, 0},
        {1ull << 55, 8, 0},
        {end, UINT32_MAX, 0},
        {1, UINT32_MAX, UNMAP},
        {0, 8, 2},
        {0, 8, 0x80000000},
        {0, 8, UINT32_MAX},
    };

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_NE("range",
                 disk_do_range(&victim, type, bad[i].sector, bad[i].count,
                               bad[i].flags),
                 BLK_OK);
}

static void bad_lengths(uint32_t type)
{
    static const uint32_t sizes[] = {1, 8, 15, 17, 31, SECTOR};

    memset(block, 0, sizeof(block));
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        CHECK_NE("bytes of ranges", disk_do(&victim, type, 0, block, sizes[i]),
                 BLK_OK);
    CHECK_NE("no range", disk_do(&victim, type, 0, NULL, 0), BLK_OK);
}

static void bad_discards(void)
{
    bad_ranges(BLK_DISCARD);
    bad_lengths(BLK_DISCARD);
    CHECK_NE("discard with unmap",
             disk_do_range(&victim, BLK_DISCARD, 0, 8, UNMAP), BLK_OK);
}

static void bad_zeroes(void)
{
    bad_ranges(BLK_ZEROES);
    bad_lengths(BLK_ZEROES);
}

static void without_features(void)
{
    const uint64_t features = victim.dev.features;

    disk_open(&victim, 0, features & ~(BLK_F_DISCARD | BLK_F_ZEROES));
    CHECK_EQ("discard", disk_do_range(&victim, BLK_DISCARD, 0, 8, 0),
             BLK_UNSUPP);
    CHECK_EQ("zeroes", disk_do_range(&victim, BLK_ZEROES, 0, 8, 0), BLK_UNSUPP);
    disk_open(&victim, 0, features);
}

/* ---- 27: odd pieces ---- */

/* A request of pieces; each descriptor has bytes[i] of the whole. */
static uint8_t in_pieces(uint32_t type, uint64_t sector, const uint32_t *bytes,
                         unsigned n)
{
    static struct {
        struct blk_header header;
        uint8_t rest[3 * SECTOR + 1];
    } __attribute__((packed)) whole;
    const uint32_t readable =
        type == BLK_OUT ? sizeof(whole.header) + SECTOR : sizeof(whole.header);
    struct vq_desc *desc = victim.q.desc;
    uint8_t *const begin = (uint8_t *)&whole;
    uint32_t at = 0;

    memset(&whole, 0xff, sizeof(whole));
    whole.header = (struct blk_header){type, 0, sector};
    pattern_fill(block, sector, 1, 6);
    memcpy(whole.rest, block, type == BLK_OUT ? SECTOR : 0);
    for (unsigned i = 0; i < n; at += bytes[i++])
        vq_put(&desc[i], (uintptr_t)begin + at, bytes[i],
               (uint16_t)((i + 1 < n ? VQ_NEXT : 0) |
                          (at >= readable ? VQ_WRITE : 0)),
               (uint16_t)(i + 1));
    hostile_fire(0);
    (void)vq_wait(&victim.q, DISK_PATIENCE);
    victim.q.seen = vq_used_idx(&victim.q);
    memcpy(block, whole.rest, SECTOR);
    return __atomic_load_n(&begin[at - 1], __ATOMIC_ACQUIRE);
}

static void split(void)
{
    static const uint32_t header[] = {1, 3, 4, 8, SECTOR, 1};
    static const uint32_t joined[] = {16, SECTOR + 1};
    static const uint32_t glued[] = {16 + SECTOR, 1};
    static const uint32_t mixed[] = {15, 1, 1, SECTOR - 2, 1, 1};
    const uint64_t sector = 900;

    CHECK_EQ("write, header in pieces", in_pieces(BLK_OUT, sector, header, 6),
             BLK_OK);
    disk_say(&victim, "wrote", sector, 1, 6);
    CHECK_EQ("write, header and data in one",
             in_pieces(BLK_OUT, sector + 1, glued, 2), BLK_OK);
    disk_say(&victim, "wrote", sector + 1, 1, 6);
    CHECK_EQ("write in pieces", in_pieces(BLK_OUT, sector + 2, mixed, 6),
             BLK_OK);
    disk_say(&victim, "wrote", sector + 2, 1, 6);
    CHECK_EQ("read, data and status in one",
             in_pieces(BLK_IN, sector, joined, 2), BLK_OK);
    CHECK_EQ("what was read", pattern_is(block, sector, 1, 6), 1);
    CHECK_EQ("read, header in pieces", in_pieces(BLK_IN, sector + 1, header, 6),
             BLK_OK);
    CHECK_EQ("what was read", pattern_is(block, sector + 1, 1, 6), 1);
}

/* As many descriptors of one byte as the queue has. */
static void single_bytes(void)
{
    uint32_t bytes[VQ_MAX];
    const unsigned n = victim.q.size;

    for (unsigned i = 0; i < n; i++)
        bytes[i] = 1;
    CHECK_EQ("read of what is no sector", in_pieces(BLK_IN, 0, bytes, n),
             BLK_IOERR);
}

static void not_a_sector(void)
{
    static const uint32_t more[] = {16, SECTOR, 1, 1};

    CHECK_EQ("read of 513 bytes", in_pieces(BLK_IN, 0, more, 4), BLK_IOERR);
    CHECK_EQ("write of 513 bytes",
             disk_do(&victim, BLK_OUT, 0, block, SECTOR + 1), BLK_IOERR);
}

/* ---- 28: as much as there can be ---- */

/* Fill the ring; wait until all is answered. */
static void fill_ring(uint32_t type, uint32_t len, unsigned n)
{
    unsigned answered = 0;
    uint32_t written;
    uint16_t head;

    for (unsigned i = 0; i < n; i++)
        if (disk_add(&victim, i, type, 0, block, len) < 0)
            test_error("no room for request %u", i);
    vq_kick(&victim.q);
    while (answered < n && vq_wait(&victim.q, DISK_PATIENCE))
        answered += vq_get(&victim.q, &head, &written);
    CHECK_EQ("answers", answered, n);
    for (unsigned i = 0; i < n; i++)
        CHECK_EQ("status", victim.requests[i].status, BLK_OK);
}

static void many_flushes(void)
{
    for (unsigned i = 0; i < 4; i++)
        fill_ring(BLK_FLUSH, 0, victim.q.size / 2u);
}

static void many_reads(void)
{
    for (unsigned i = 0; i < READ_TURNS; i++)
        fill_ring(BLK_IN, sizeof(block), victim.q.size / 3u);
}

static void cache_toggled(void)
{
    CHECK_EQ("F_CONFIG_WCE", !!(victim.dev.features & BLK_F_WCE), 1);
    for (uint32_t i = 0; i < 16; i++) {
        mmio_write8(victim.dev.config + BLK_WCE, (uint8_t)i);
        CHECK_EQ("write cache", mmio_read8(victim.dev.config + BLK_WCE), i & 1);
        CHECK_EQ("write", disk_write(&victim, 40 + i, 1, 8), BLK_OK);
    }
    fill_ring(BLK_FLUSH, 0, 16);
}

static const struct hostile_row rows[] = {
    {23, "ranges", ranges},
    {23, "segments", segments},
    {24, "a read-only disk", read_only},
    {25, "unknown types", unknown_types},
    {25, "identities of any length", identities},
    {25, "a flush with data", flush_with_data},
    {26, "discards", bad_discards},
    {26, "zeroes", bad_zeroes},
    {26, "neither was negotiated", without_features},
    {27, "requests in pieces", split},
    {27, "pieces of one byte", single_bytes},
    {27, "what is no sector", not_a_sector},
    {28, "flushes", many_flushes},
    {28, "long reads", many_reads},
    {28, "the write cache on and off", cache_toggled},
};

void test_main(void)
{
    hostile_main(rows, sizeof(rows) / sizeof(rows[0]));
}
