/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rng: the entropy device fills buffers, each differently, no further than
 * they go; a long one at least in part; a readable one not at all. Source:
 * virtio 1.2, 5.4.
 */
#include "clock.h"
#include "report.h"
#include "string.h"
#include "vq.h"

#define PATIENCE (5 * CLOCK_S)

static struct virtio dev;
static struct vq q;
static uint8_t bytes[65536];

/* One buffer; how many bytes it got. */
static uint32_t ask(uint8_t *at, uint32_t n, bool writable)
{
    const struct vq_buf buf = VQ_BUF(at, n);
    uint32_t written = 0;
    uint16_t head;

    if (vq_add(&q, &buf, !writable, writable) < 0)
        test_error("no room in the queue");
    vq_kick(&q);
    CHECK_EQ("an answer", vq_wait(&q, PATIENCE), 1);
    CHECK_EQ("a used buffer", vq_get(&q, &head, &written), 1);
    return written;
}

/* Enough of each bit: 4096 bytes have 16384 ones, give or take 600. */
static void check_ones(uint32_t n)
{
    uint32_t ones = 0;

    for (uint32_t i = 0; i < n; i++)
        for (unsigned b = 0; b < 8; b++)
            ones += bytes[i] >> b & 1;
    CHECK_GE("ones", ones, n * 4 - n / 4);
    CHECK_LE("ones", ones, n * 4 + n / 4);
}

void test_main(void)
{
    uint32_t n;

    if (!virtio_find(&dev, VIRTIO_ID_RNG, 0))
        test_error("there is no entropy device");
    CHECK_EQ("features taken", virtio_begin(&dev, VIRTIO_F_INDIRECT), 1);
    vq_open(&q, &dev, 0, 0);
    virtio_go(&dev);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ("bytes for 64", ask(bytes + 64 * i, 64, true), 64);
    CHECK_EQ("behind the last", bytes[256], 0);
    for (unsigned i = 1; i < 4; i++)
        CHECK_EQ("the same as the first",
                 memcmp(bytes, bytes + 64 * i, 64) == 0, 0);
    CHECK_EQ("bytes for 1", ask(bytes, 1, true), 1);
    n = ask(bytes, 4096, true);
    CHECK_GE("bytes for 4096", n, 256);
    CHECK_LE("bytes for 4096", n, 4096);
    check_ones(n);
    n = ask(bytes, sizeof(bytes), true);
    CHECK_GE("bytes for 64 KiB", n, 1);
    CHECK_LE("bytes for 64 KiB", n, sizeof(bytes));
    memset(bytes, 0, 64);
    CHECK_EQ("bytes for a readable buffer", ask(bytes, 64, false), 0);
    CHECK_EQ("its first", bytes[0], 0);
    CHECK_EQ("NEEDS_RESET", virtio_status(&dev) & VIRTIO_NEEDS_RESET, 0);
}
