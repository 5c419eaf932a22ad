// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The block device over a file: ring, device, disk and loop as they ship.
 * What is written is in the file, what is read came from it; a reset in the
 * middle of it all leaves nothing in flight.
 */
#include "mmio_rig.h"

#include "devices/virtio/vblk.h"

#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define F_MUST                                           \
    (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_BLK_F_FLUSH) | \
     BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_F_RING_RESET))
#define SIZE       128
#define DEPTH      32
#define BLOCK      4096u
#define DISK_BYTES (4u * 1024 * 1024)

#define HEADER(i) (0x80000u + (i)*0x40u)
#define STATUS(i) (HEADER(i) + 0x20u)
#define BUFFER(i) (DATA + (i)*BLOCK)

struct rig {
    struct mmio_rig m;
    struct blk *blk;
    struct vblk *dev;
    char path[32];
    int fd;
};

static int setup(void **state)
{
    static const struct vblk_config cfg = {
        .queues = 2, .queue_size = SIZE, .id = "file"};
    struct rig *r = calloc(1, sizeof(*r));
    struct blk_config file = {.path = r->path};

    snprintf(r->path, sizeof(r->path), "/tmp/test_vblk.XXXXXX");
    r->fd = mkstemp(r->path);
    assert_true(r->fd >= 0);
    assert_int_equal(ftruncate(r->fd, DISK_BYTES), 0);
    rig_open(&r->m);
    r->blk = blk_open(&file);
    assert_non_null(r->blk);
    assert_int_equal(blk_start(r->blk, r->m.loop), 0);
    r->dev = vblk_create(r->blk, r->m.loop, &cfg);
    assert_non_null(r->dev);
    rig_plug(&r->m, &vblk_ops, r->dev);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    virtio_mmio_destroy(r->m.t);
    r->m.t = NULL;
    vblk_destroy(r->dev);
    blk_close(r->blk);
    rig_close(&r->m);
    unlink(r->path);
    close(r->fd);
    free(r);
    return 0;
}

static unsigned char *guest(struct rig *r, uint64_t gpa)
{
    return r->m.rings[0].ram + gpa;
}

/* Request i: BLOCK bytes at block i; flushes have no data. */
static void request(struct rig *r, unsigned q, unsigned i, uint32_t type)
{
    const struct virtio_blk_outhdr h = {.type = type,
                                        .sector = i * (BLOCK / 512)};
    const uint16_t head = (uint16_t)(3 * i), data = (uint16_t)(head + 1),
                   last = (uint16_t)(head + 2);
    const uint16_t in = type == VIRTIO_BLK_T_IN ? WRITABLE : 0;
    struct ring *ring = &r->m.rings[q];

    memcpy(guest(r, HEADER(i)), &h, sizeof(h));
    *guest(r, STATUS(i)) = 0xee;
    ring_desc(ring, head, HEADER(i), 16, NEXT,
              type == VIRTIO_BLK_T_FLUSH ? last : data);
    ring_desc(ring, data, BUFFER(i), BLOCK, NEXT | in, last);
    ring_desc(ring, last, STATUS(i), 1, WRITABLE, 0);
    ring_offer(ring, head);
}

/* Until n chains came back on q; half a minute is for ever. */
static void wait_for(struct rig *r, unsigned q, uint16_t n)
{
    const time_t end = time(NULL) + 30;

    while (ring_used_idx(&r->m.rings[q]) != n) {
        spin(&r->m);
        assert_true(time(NULL) < end);
    }
}

static void do_all(struct rig *r, uint32_t type)
{
    const uint16_t before = ring_used_idx(&r->m.rings[0]);

    for (unsigned i = 0; i < DEPTH; i++)
        request(r, 0, i, type);
    kick(&r->m, 0);
    wait_for(r, 0, (uint16_t)(before + DEPTH));
    for (unsigned i = 0; i < DEPTH; i++)
        assert_int_equal(*guest(r, STATUS(i)), VIRTIO_BLK_S_OK);
}

static void written_is_read_back(void **state)
{
    struct rig *r = *state;
    unsigned char block[BLOCK];

    drive(&r->m, F_MUST, 2, SIZE);
    for (unsigned i = 0; i < DEPTH; i++)
        memset(guest(r, BUFFER(i)), (int)i + 1, BLOCK);
    do_all(r, VIRTIO_BLK_T_OUT);
    do_all(r, VIRTIO_BLK_T_FLUSH);
    for (unsigned i = 0; i < DEPTH; i++) {
        assert_int_equal(pread(r->fd, block, BLOCK, (off_t)i * BLOCK), BLOCK);
        assert_int_equal(block[0], i + 1);
        assert_int_equal(block[BLOCK - 1], i + 1);
    }
    memset(guest(r, BUFFER(0)), 0, DEPTH * BLOCK);
    do_all(r, VIRTIO_BLK_T_IN);
    for (unsigned i = 0; i < DEPTH; i++) {
        assert_int_equal(*guest(r, BUFFER(i)), i + 1);
        assert_int_equal(*guest(r, BUFFER(i) + BLOCK - 1), i + 1);
    }
}

/* Many requests need few submissions: each is one io_uring_enter. */
static void requests_share_submissions(void **state)
{
    struct rig *r = *state;
    uint64_t before;

    drive(&r->m, F_MUST, 2, SIZE);
    do_all(r, VIRTIO_BLK_T_OUT);
    before = loop_batch(r->m.loop);
    do_all(r, VIRTIO_BLK_T_IN);
    /* The test's own turns are in it. */
    print_message("%u reads in %u submissions\n", DEPTH,
                  (unsigned)(loop_batch(r->m.loop) - before));
    assert_true(loop_batch(r->m.loop) - before <= 24);
}

static void reset_in_the_middle(void **state)
{
    struct rig *r = *state;

    for (unsigned round = 0; round < 50; round++) {
        drive(&r->m, F_MUST, 2, SIZE);
        for (unsigned i = 0; i < DEPTH; i++)
            request(r, 0, i, i & 1 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT);
        kick(&r->m, 0);
        if (round & 1)
            spin(&r->m);
    }
    drive(&r->m, F_MUST, 2, SIZE);
    do_all(r, VIRTIO_BLK_T_IN);
}

static void queue_reset_in_the_middle(void **state)
{
    struct rig *r = *state;

    drive(&r->m, F_MUST, 2, SIZE);
    for (unsigned i = 0; i < DEPTH; i++)
        request(r, i & 1, i, VIRTIO_BLK_T_OUT);
    kick(&r->m, 0);
    kick(&r->m, 1);
    wr(&r->m, VIRTIO_MMIO_QUEUE_SEL, 0);
    wr(&r->m, REG_QUEUE_RESET, 1);
    wait_for(r, 1, DEPTH / 2);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_QUEUE_READY), 0);
    for (unsigned i = 1; i < DEPTH; i += 2)
        assert_int_equal(*guest(r, STATUS(i)), VIRTIO_BLK_S_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(written_is_read_back),
        TEST(requests_share_submissions),
        TEST(reset_in_the_middle),
        TEST(queue_reset_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
