// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a hostile driver can ask of the block device. Numbers are those of the
 * hostile cases.
 */
#include "vblk_rig.h"

static void out_of_range(void **state) /* 23 */
{
    static const struct {
        uint64_t sector;
        uint32_t len;
    } bad[] = {
        {DISK_BYTES / 512, 512},
        {DISK_BYTES / 512 - 1, 1024},
        {UINT64_MAX, 512},
        {UINT64_MAX / 512, 512},
        {UINT64_MAX / 512 + 1, 512},
        {1ull << 55, 512},
        {0, 1},
        {0, 511},
        {0, 513},
        {DISK_BYTES / 512 - 1, 513},
    };
    struct rig *r = *state;

    go(r, 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(
            ask(r, VIRTIO_BLK_T_OUT, bad[i].sector, bad[i].len, false),
            VIRTIO_BLK_S_IOERR);
        assert_int_equal(
            ask(r, VIRTIO_BLK_T_IN, bad[i].sector, bad[i].len, true),
            VIRTIO_BLK_S_IOERR);
    }
    assert_untouched(r);
    assert_int_equal(ask(r, VIRTIO_BLK_T_IN, DISK_BYTES / 512 - 1, 512, true),
                     VIRTIO_BLK_S_OK);
}

/* A table of n one-sector buffers between header and status. */
static void offer_segments(struct rig *r, unsigned slot, unsigned n,
                           uint32_t each)
{
    const uint16_t head = (uint16_t)slot;
    const uint64_t table = 0x200000u + slot * 0x1000u;
    struct ring *ring = &r->m.rings[0];

    put_header(r, head, VIRTIO_BLK_T_IN, 0);
    put_desc(ring, table, 0, HEADER(head), 16, NEXT, 1);
    for (unsigned i = 1; i <= n; i++)
        put_desc(ring, table, i, DATA + i * 512, each, NEXT | WRITABLE,
                 (uint16_t)(i + 1));
    put_desc(ring, table, n + 1, STATUS(head), 1, WRITABLE, 0);
    ring_desc(ring, head, table, (n + 2) * 16, INDIRECT, 0);
    ring_offer(ring, head);
}

static void too_many_segments(void **state) /* 23 */
{
    struct rig *r = *state;
    struct ring *ring;
    const uint64_t table = 0x200000;

    go(r, BIT(VIRTIO_RING_F_INDIRECT_DESC));
    offer_segments(r, 0, SIZE - 2, 512);
    assert_int_equal(answer(r), VIRTIO_BLK_S_OK);
    /* One more, with the status at the end of the last. */
    ring = &r->m.rings[0];
    put_header(r, 0, VIRTIO_BLK_T_IN, 0);
    put_desc(ring, table, 0, HEADER(0), 16, NEXT, 1);
    for (unsigned i = 1; i < SIZE; i++)
        put_desc(ring, table, i, DATA + i * 512, i + 1 < SIZE ? 512 : 513,
                 WRITABLE | (i + 1 < SIZE ? NEXT : 0), (uint16_t)(i + 1));
    *guest(r, DATA + SIZE * 512) = PLAIN;
    ring_desc(ring, 0, table, SIZE * 16, INDIRECT, 0);
    ring_offer(ring, 0);
    kick(&r->m, 0);
    spin(&r->m);
    assert_int_equal(*guest(r, DATA + SIZE * 512), VIRTIO_BLK_S_IOERR);
}

static void read_only_disk(void **state) /* 24 */
{
    struct rig *r = *state;

    r->blk->info.read_only = true;
    assert_true(offered(&r->m) & BIT(VIRTIO_BLK_F_RO));
    assert_false(offered(&r->m) & BIT(VIRTIO_BLK_F_DISCARD));
    for (unsigned acked = 0; acked < 2; acked++) {
        go(r, acked ? BIT(VIRTIO_BLK_F_RO) : 0);
        assert_int_equal(ask(r, VIRTIO_BLK_T_OUT, 0, 512, false),
                         VIRTIO_BLK_S_IOERR);
        assert_int_not_equal(ask(r, VIRTIO_BLK_T_DISCARD, 0, 16, false), 0);
        assert_int_equal(ask(r, VIRTIO_BLK_T_IN, 0, 512, true), 0);
    }
    assert_untouched(r);
}

static void unknown_types(void **state) /* 25 */
{
    static const uint32_t types[] = {VIRTIO_BLK_T_SCSI_CMD,
                                     3,
                                     5,
                                     6,
                                     7,
                                     VIRTIO_BLK_T_SECURE_ERASE,
                                     VIRTIO_BLK_T_BARRIER,
                                     0x80000001,
                                     UINT32_MAX};
    struct rig *r = *state;

    go(r, 0);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        memset(guest(r, BUFFER(0)), 0x77, 512);
        assert_int_equal(ask(r, types[i], 0, 512, true), VIRTIO_BLK_S_UNSUPP);
        assert_int_equal(*guest(r, BUFFER(0)), 0x77);
        assert_int_equal(ask(r, types[i], 0, 512, false), VIRTIO_BLK_S_UNSUPP);
    }
    assert_int_equal(ask(r, VIRTIO_BLK_T_FLUSH, 7, 512, false), 0);
    assert_untouched(r);
}

static void identity_of_any_length(void **state) /* 25 */
{
    static const char id[VBLK_ID_BYTES] = "disk-0";
    struct rig *r = *state;

    go(r, 0);
    memset(guest(r, BUFFER(0)), 0x77, 64);
    assert_int_equal(ask(r, VIRTIO_BLK_T_GET_ID, 0, 4, true), 0);
    assert_memory_equal(guest(r, BUFFER(0)), "disk\x77", 5);
    assert_int_equal(ask(r, VIRTIO_BLK_T_GET_ID, 0, 20, true), 0);
    assert_memory_equal(guest(r, BUFFER(0)), id, 20);
    assert_int_equal(*guest(r, BUFFER(0) + 20), 0x77);
    assert_int_equal(ask(r, VIRTIO_BLK_T_GET_ID, 0, 64, true), 0);
    assert_int_equal(*guest(r, BUFFER(0) + 20), 0x77);
    assert_int_equal(ask(r, VIRTIO_BLK_T_GET_ID, 0, 0, true), 0);
    assert_int_equal(ask(r, VIRTIO_BLK_T_GET_ID, 0, 64, false), 0);
}

static uint8_t ask_range(struct rig *r, uint32_t type, uint64_t sector,
                         uint32_t sectors, uint32_t flags)
{
    const struct virtio_blk_discard_write_zeroes range = {
        .sector = sector, .num_sectors = sectors, .flags = flags};

    memcpy(guest(r, BUFFER(0)), &range, sizeof(range));
    return ask(r, type, 0, sizeof(range), false);
}

static void ranges(void **state) /* 26 */
{
    const uint32_t types[] = {VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES};
    struct rig *r = *state;

    go(r, BIT(VIRTIO_BLK_F_DISCARD) | BIT(VIRTIO_BLK_F_WRITE_ZEROES));
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const uint32_t t = types[i];

        assert_int_equal(ask_range(r, t, DISK_BYTES / 512, 1, 0),
                         VIRTIO_BLK_S_IOERR);
        assert_int_equal(ask_range(r, t, UINT64_MAX, 1, 0), VIRTIO_BLK_S_IOERR);
        assert_int_equal(ask_range(r, t, UINT64_MAX / 512, 2, 0),
                         VIRTIO_BLK_S_IOERR);
        assert_int_equal(ask_range(r, t, 0, UINT32_MAX, 0), VIRTIO_BLK_S_IOERR);
        assert_int_equal(ask_range(r, t, 0, 8, 2), VIRTIO_BLK_S_UNSUPP);
        assert_int_equal(ask_range(r, t, 0, 8, 1u << 31), VIRTIO_BLK_S_UNSUPP);
        assert_int_equal(ask(r, t, 0, 15, false), VIRTIO_BLK_S_IOERR);
        assert_int_equal(ask(r, t, 0, 32, false), VIRTIO_BLK_S_IOERR);
        assert_int_equal(ask(r, t, 0, 0, false), VIRTIO_BLK_S_IOERR);
        assert_int_equal(ask(r, t, 0, 16, true), VIRTIO_BLK_S_IOERR);
    }
    assert_int_equal(ask_range(r, VIRTIO_BLK_T_DISCARD, 0, 8, 1),
                     VIRTIO_BLK_S_UNSUPP);
    assert_untouched(r);
    assert_int_equal(ask_range(r, VIRTIO_BLK_T_WRITE_ZEROES, 8, 8, 1), 0);
    assert_true(r->blk->unmap);
    assert_int_equal(ask_range(r, VIRTIO_BLK_T_WRITE_ZEROES, 16, 8, 0), 0);
    assert_false(r->blk->unmap);
    assert_int_equal(ask_range(r, VIRTIO_BLK_T_DISCARD, 24, 8, 0), 0);
    assert_int_equal(r->blk->data[8 * 512 - 1], 7);
    assert_int_equal(r->blk->data[8 * 512], 0);
    assert_int_equal(r->blk->data[32 * 512 - 1], 0);
    assert_int_equal(r->blk->data[32 * 512], 32);
}

static void ranges_not_negotiated(void **state) /* 26 */
{
    struct rig *r = *state;

    go(r, 0);
    assert_int_equal(ask_range(r, VIRTIO_BLK_T_DISCARD, 0, 8, 0),
                     VIRTIO_BLK_S_UNSUPP);
    assert_int_equal(ask_range(r, VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0),
                     VIRTIO_BLK_S_UNSUPP);
    assert_untouched(r);
}

static void short_header(void **state) /* 6, 27 */
{
    struct rig *r = *state;
    struct ring *ring = &r->m.rings[0];

    for (uint32_t len = 0; len < 16; len++) {
        go(r, 0);
        put_header(r, 0, VIRTIO_BLK_T_OUT, 0);
        ring_desc(ring, 0, HEADER(0), len, NEXT, 1);
        ring_desc(ring, 1, STATUS(0), 1, WRITABLE, 0);
        ring_offer(ring, 0);
        assert_int_equal(answer(r), VIRTIO_BLK_S_IOERR);
    }
}

static void no_status_byte(void **state) /* 6, 7 */
{
    struct rig *r = *state;
    struct ring *ring = &r->m.rings[0];

    go(r, 0);
    put_header(r, 0, VIRTIO_BLK_T_OUT, 0);
    ring_desc(ring, 0, HEADER(0), 16, NEXT, 1);
    ring_desc(ring, 1, BUFFER(0), 512, NEXT, 2);
    ring_desc(ring, 2, STATUS(0), 0, WRITABLE, 0);
    ring_offer(ring, 0);
    kick(&r->m, 0);
    spin(&r->m);
    assert_true(needs_reset(&r->m));
    assert_int_equal(r->blk->submitted[BLK_WRITE], 0);
    go(r, 0);
    assert_int_equal(ask(r, VIRTIO_BLK_T_IN, 0, 512, true), 0);
}

/* Long requests wait for an array; all of them end. */
static void full_ring_of_long_reads(void **state) /* 28 */
{
    struct rig *r = *state;

    go(r, BIT(VIRTIO_RING_F_INDIRECT_DESC));
    r->blk->manual = true;
    for (unsigned i = 0; i < SIZE; i++)
        offer_segments(r, i, SIZE - 2, 512);
    kick(&r->m, 0);
    spin(&r->m);
    assert_int_equal(r->blk->in_flight, 16);
    assert_true(fake_end(r->blk, 0));
    spin(&r->m);
    assert_int_equal(r->blk->in_flight, 16);
    r->blk->manual = false;
    fake_end(r->blk, 0);
    spin(&r->m);
    spin(&r->m);
    assert_int_equal(ring_used_idx(&r->m.rings[0]), SIZE);
    assert_int_equal(r->blk->most, 16);
    for (unsigned i = 0; i < SIZE; i++)
        assert_int_equal(*guest(r, STATUS(i)), VIRTIO_BLK_S_OK);
}

static void reset_with_requests_in_flight(void **state) /* 16 */
{
    struct rig *r = *state;

    go(r, 0);
    r->blk->manual = true;
    for (unsigned i = 0; i < 8; i++)
        request(r, i, VIRTIO_BLK_T_IN, i, 512, true);
    kick(&r->m, 0);
    spin(&r->m);
    assert_int_equal(r->blk->in_flight, 8);
    r->blk->manual = false;
    go(r, 0);
    assert_int_equal(r->blk->in_flight, 0);
    assert_int_equal(ask(r, VIRTIO_BLK_T_IN, 0, 512, true), 0);
}

/* After NEEDS_RESET, what comes back from the disk changes nothing. */
static void broken_with_requests_in_flight(void **state)
{
    struct rig *r = *state;

    go(r, 0);
    r->blk->manual = true;
    request(r, 0, VIRTIO_BLK_T_FLUSH, 0, 0, false);
    kick(&r->m, 0);
    spin(&r->m);
    ring_offer(&r->m.rings[0], 0);
    kick(&r->m, 0);
    spin(&r->m);
    assert_true(needs_reset(&r->m));
    assert_true(fake_end(r->blk, 0));
    spin(&r->m);
    assert_int_equal(status_of(r, 0), PLAIN);
    assert_int_equal(ring_used_idx(&r->m.rings[0]), 0);
}

static void scribble(unsigned char *at, size_t n)
{
    memset(at, 0xff, n);
}

/* 10: the header and the range are read once, and never again. */
static void request_is_fetched_once(void **state)
{
    struct rig *r = *state;
    const struct virtio_blk_discard_write_zeroes range = {.sector = 8,
                                                          .num_sectors = 8};

    go(r, BIT(VIRTIO_BLK_F_WRITE_ZEROES));
    request(r, 0, VIRTIO_BLK_T_WRITE_ZEROES, 0, sizeof(range), false);
    /* In the counted part of memory. */
    ring_desc(&r->m.rings[0], 0, 0x8000, 16, NEXT, 1);
    ring_desc(&r->m.rings[0], 1, 0x8010, 16, NEXT, 2);
    memcpy(guest(r, 0x8000), guest(r, HEADER(0)), 16);
    memcpy(guest(r, 0x8010), &range, sizeof(range));
    fetches.ram = guest(r, 0);
    fetches.after = scribble;
    kick(&r->m, 0);
    spin(&r->m);
    fetches.ram = NULL;
    assert_int_equal(r->blk->submitted[BLK_ZERO], 1);
    assert_int_equal(r->blk->data[8 * 512], 0);
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(fetches.counts[0x8000 + i], 1);
    for (unsigned i = 0; i < 3 * 16; i++)
        assert_int_equal(fetches.counts[r->m.rings[0].cfg.desc.v + i], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(out_of_range),
        TEST(too_many_segments),
        TEST(read_only_disk),
        TEST(unknown_types),
        TEST(identity_of_any_length),
        TEST(ranges),
        TEST(ranges_not_negotiated),
        TEST(short_header),
        TEST(no_status_byte),
        TEST(full_ring_of_long_reads),
        TEST(reset_with_requests_in_flight),
        TEST(broken_with_requests_in_flight),
        TEST(request_is_fetched_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
