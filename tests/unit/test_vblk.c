// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The block device and a driver that keeps the rules: every request type,
 * however it is cut up. Numbers are those of the hostile cases.
 */
#include "vblk_rig.h"

static void reads_and_writes(void **state)
{
    struct rig *r = *state;
    struct vring_used_elem e;

    go(r, 0);
    memset(guest(r, BUFFER(0)), 0x5a, 1024);
    assert_int_equal(ask(r, VIRTIO_BLK_T_OUT, 3, 1024, false), 0);
    assert_int_equal(r->blk->data[3 * 512 - 1], 2);
    assert_int_equal(r->blk->data[3 * 512], 0x5a);
    assert_int_equal(r->blk->data[5 * 512 - 1], 0x5a);
    assert_int_equal(r->blk->data[5 * 512], 5);
    request(r, 1, VIRTIO_BLK_T_IN, 4, 1024, true);
    kick(&r->m, 0);
    spin(&r->m);
    assert_true(ring_take(&r->m.rings[0], &e));
    assert_int_equal(e.id, 3);
    assert_int_equal(e.len, 1025);
    assert_int_equal(status_of(r, 1), 0);
    assert_int_equal(*guest(r, BUFFER(3)), 0x5a);
    assert_int_equal(*guest(r, BUFFER(3) + 512), 5);
    assert_int_equal(ask(r, VIRTIO_BLK_T_FLUSH, 0, 0, false), 0);
    assert_int_equal(r->blk->submitted[BLK_FLUSH], 1);
}

static void configuration_space(void **state)
{
    struct rig *r = *state;
    struct virtio_blk_config c;
    unsigned char *bytes = (unsigned char *)&c;

    memset(&c, 0, sizeof(c));
    for (unsigned i = 0; i < vblk_ops.config_size; i++)
        reg_get(&r->m, VIRTIO_MMIO_CONFIG + i, bytes + i, 1);
    assert_int_equal(c.capacity, DISK_BYTES / 512);
    assert_int_equal(c.seg_max, SIZE - 2);
    assert_int_equal(c.blk_size, 512);
    assert_int_equal(c.physical_block_exp, 3);
    assert_int_equal(c.num_queues, 2);
    assert_int_equal(c.max_discard_seg, 1);
    assert_int_equal(c.discard_sector_alignment, 8);
    assert_int_equal(c.write_zeroes_may_unmap, 1);
    assert_true(offered(&r->m) & BIT(VIRTIO_BLK_F_MQ));
    assert_true(offered(&r->m) & BIT(VIRTIO_BLK_F_CONFIG_WCE));
    assert_false(offered(&r->m) & BIT(VIRTIO_BLK_F_RO));
}

static void resize_is_announced(void **state)
{
    struct rig *r = *state;
    const uint32_t before = rd(&r->m, VIRTIO_MMIO_CONFIG_GENERATION);

    go(r, 0);
    r->blk->info.size = 2 * 512;
    r->blk->resized(r->blk->front);
    spin(&r->m);
    assert_int_equal(interrupts(&r->m), 1);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_CONFIG_GENERATION), before + 1);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_CONFIG), 2);
}

/* Many ends of one turn: one publish, one interrupt. */
static void one_interrupt_for_many(void **state)
{
    struct rig *r = *state;

    go(r, 0);
    for (unsigned i = 0; i < 20; i++)
        request(r, i, VIRTIO_BLK_T_IN, i, 512, true);
    kick(&r->m, 0);
    spin(&r->m);
    assert_int_equal(ring_used_idx(&r->m.rings[0]), 20);
    assert_int_equal(interrupts(&r->m), 1);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(*guest(r, BUFFER(3 * i)), i);
}

static void both_queues(void **state)
{
    struct rig *r = *state;

    go(r, BIT(VIRTIO_BLK_F_MQ));
    request_on(r, 1, 2, VIRTIO_BLK_T_IN, 9, 512, true);
    kick(&r->m, 1);
    spin(&r->m);
    assert_int_equal(ring_used_idx(&r->m.rings[1]), 1);
    assert_int_equal(*guest(r, BUFFER(6)), 9);
}

static void host_errors(void **state)
{
    struct rig *r = *state;

    go(r, 0);
    r->blk->result = -EIO;
    assert_int_equal(ask(r, VIRTIO_BLK_T_IN, 0, 512, true), VIRTIO_BLK_S_IOERR);
    r->blk->result = -ENOSPC;
    assert_int_equal(ask(r, VIRTIO_BLK_T_OUT, 0, 512, false),
                     VIRTIO_BLK_S_IOERR);
    r->blk->result = -EOPNOTSUPP;
    assert_int_equal(ask(r, VIRTIO_BLK_T_FLUSH, 0, 0, false),
                     VIRTIO_BLK_S_UNSUPP);
}

/* Header byte by byte, data and status in one buffer: 2.7.4 allows it. */
static void split_anyhow(void **state) /* 27 */
{
    struct rig *r = *state;
    struct ring *ring = &r->m.rings[0];

    go(r, 0);
    put_header(r, 0, VIRTIO_BLK_T_IN, 6);
    for (uint16_t i = 0; i < 16; i++)
        ring_desc(ring, i, HEADER(0) + i, 1, NEXT, (uint16_t)(i + 1));
    ring_desc(ring, 16, BUFFER(0), 100, NEXT | WRITABLE, 17);
    ring_desc(ring, 17, BUFFER(1), 413, WRITABLE, 0);
    *guest(r, BUFFER(1) + 412) = PLAIN;
    ring_offer(ring, 0);
    kick(&r->m, 0);
    spin(&r->m);
    assert_int_equal(*guest(r, BUFFER(0)), 6);
    assert_int_equal(*guest(r, BUFFER(1) + 411), 6);
    assert_int_equal(*guest(r, BUFFER(1) + 412), VIRTIO_BLK_S_OK);
}

/* Header and data in one buffer; the write leaves out the header. */
static void header_with_data(void **state) /* 27 */
{
    struct rig *r = *state;
    struct ring *ring = &r->m.rings[0];

    go(r, 0);
    put_header(r, 0, VIRTIO_BLK_T_OUT, 2);
    memset(guest(r, HEADER(0) + 16), 0x42, 64);
    memset(guest(r, BUFFER(0)), 0x42, 448);
    ring_desc(ring, 0, HEADER(0), 16 + 64, NEXT, 1);
    ring_desc(ring, 1, BUFFER(0), 448, NEXT, 2);
    ring_desc(ring, 2, STATUS(0), 1, WRITABLE, 0);
    ring_offer(ring, 0);
    assert_int_equal(answer(r), VIRTIO_BLK_S_OK);
    assert_int_equal(r->blk->data[1024], 0x42);
    assert_int_equal(r->blk->data[1535], 0x42);
    assert_int_equal(r->blk->data[1536], 3);
}

static void set_write_cache(struct rig *r, uint8_t on)
{
    reg_put(&r->m, VIRTIO_MMIO_CONFIG + offsetof(struct virtio_blk_config, wce),
            &on, 1);
}

static void write_cache_toggles(void **state) /* 28, 58 */
{
    struct rig *r = *state;

    go(r, 0);
    assert_false(r->blk->writethrough);
    set_write_cache(r, 0); /* not negotiated */
    assert_false(r->blk->writethrough);
    go(r, BIT(VIRTIO_BLK_F_CONFIG_WCE));
    for (unsigned i = 0; i < 6; i++) {
        set_write_cache(r, i & 1);
        assert_int_equal(r->blk->writethrough, !(i & 1));
        assert_int_equal(ask(r, VIRTIO_BLK_T_OUT, 0, 512, false), 0);
    }
    /* Who did not take flushes must not need them. */
    drive(&r->m, BIT(VIRTIO_F_VERSION_1), 2, SIZE);
    assert_true(r->blk->writethrough);
}

/* The loop starts a device some time after DRIVER_OK. */
static void write_cache_chosen_before_the_start(void **state)
{
    struct rig *r = *state;

    negotiate(&r->m, F_MUST | BIT(VIRTIO_BLK_F_CONFIG_WCE));
    wr(&r->m, VIRTIO_MMIO_STATUS, S_LIVE);
    set_write_cache(r, 0);
    spin(&r->m);
    assert_true(r->blk->writethrough);
    go(r, BIT(VIRTIO_BLK_F_CONFIG_WCE));
    assert_false(r->blk->writethrough);
}

static void many_flushes(void **state) /* 28 */
{
    struct rig *r = *state;

    go(r, 0);
    r->blk->manual = true;
    for (unsigned i = 0; i < 20; i++)
        request(r, i, VIRTIO_BLK_T_FLUSH, 0, 0, false);
    kick(&r->m, 0);
    spin(&r->m);
    assert_int_equal(r->blk->in_flight, 20);
    while (fake_end(r->blk, 0))
        ;
    spin(&r->m);
    assert_int_equal(ring_used_idx(&r->m.rings[0]), 20);
}

/* Only the queue that is reset loses its requests. */
static void queue_reset_spares_the_other(void **state) /* 16 */
{
    struct rig *r = *state;

    go(r, BIT(VIRTIO_F_RING_RESET));
    r->blk->manual = true;
    for (unsigned i = 0; i < 4; i++) {
        request_on(r, 0, i, VIRTIO_BLK_T_IN, i, 512, true);
        request_on(r, 1, i + 4, VIRTIO_BLK_T_IN, i + 4, 512, true);
    }
    kick(&r->m, 0);
    kick(&r->m, 1);
    spin(&r->m);
    assert_int_equal(r->blk->in_flight, 8);
    wr(&r->m, VIRTIO_MMIO_QUEUE_SEL, 0);
    wr(&r->m, REG_QUEUE_RESET, 1);
    spin(&r->m);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_QUEUE_READY), 0);
    assert_int_equal(r->blk->in_flight, 4);
    while (fake_end(r->blk, 0))
        ;
    spin(&r->m);
    assert_int_equal(ring_used_idx(&r->m.rings[1]), 4);
    for (unsigned i = 4; i < 8; i++) {
        assert_int_equal(status_of(r, i), VIRTIO_BLK_S_OK);
        assert_int_equal(*guest(r, BUFFER(3 * i)), i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_and_writes),    TEST(configuration_space),
        TEST(resize_is_announced), TEST(one_interrupt_for_many),
        TEST(both_queues),         TEST(host_errors),
        TEST(split_anyhow),        TEST(header_with_data),
        TEST(write_cache_toggles), TEST(write_cache_chosen_before_the_start),
        TEST(many_flushes),        TEST(queue_reset_spares_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
