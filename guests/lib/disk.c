/* SPDX-License-Identifier: MIT */
/*
 * disk.c: see disk.h.
 */
#include "disk.h"

#include "console.h"
#include "cpu.h"
#include "report.h"

#define WORDS (SECTOR / 4)

static uint8_t run[DISK_RUN * SECTOR] __attribute__((aligned(4096)));

/* The first word of a sector; each that follows is STEP more. */
#define STEP 0xc2b2ae35u

static uint32_t first_word(uint64_t sector, uint32_t seed)
{
    return (uint32_t)sector * 0x9e3779b1u + seed * 0x85ebca6bu;
}

void pattern_fill(void *buf, uint64_t sector, uint32_t count, uint32_t seed)
{
    uint32_t *word = buf;

    for (uint32_t s = 0; s < count; s++) {
        uint32_t value = first_word(sector + s, seed);

        for (unsigned i = 0; i < WORDS; i++, value += STEP)
            *word++ = value;
    }
}

bool pattern_is(const void *buf, uint64_t sector, uint32_t count, uint32_t seed)
{
    const uint32_t *word = buf;

    for (uint32_t s = 0; s < count; s++) {
        uint32_t value = first_word(sector + s, seed);

        for (unsigned i = 0; i < WORDS; i++, value += STEP)
            if (*word++ != value)
                return false;
    }
    return true;
}

bool bytes_are(const void *buf, uint8_t value, uint32_t n)
{
    const uint8_t *byte = buf;

    for (uint32_t i = 0; i < n; i++)
        if (byte[i] != value)
            return false;
    return true;
}

static void start(struct disk *d, uint64_t features)
{
    if (!virtio_begin(&d->dev, features))
        test_error("disk %u does not take its features", d->nth);
    vq_open(&d->q, &d->dev, 0, 0);
    virtio_go(&d->dev);
    d->sectors = mmio_read32(d->dev.config + BLK_CAPACITY) |
                 (uint64_t)mmio_read32(d->dev.config + BLK_CAPACITY + 4) << 32;
}

void disk_open(struct disk *d, unsigned nth, uint64_t features)
{
    d->nth = nth;
    if (!virtio_find(&d->dev, VIRTIO_ID_BLOCK, nth))
        test_error("there is no disk %u", nth);
    start(d, features);
}

void disk_again(struct disk *d)
{
    start(d, d->dev.features);
}

int disk_add(struct disk *d, unsigned r, uint32_t type, uint64_t sector,
             void *data, uint32_t len)
{
    struct disk_request *req = &d->requests[r];
    const struct vq_buf header = VQ_BUF(&req->header, sizeof(req->header));
    const struct vq_buf status = VQ_BUF(&req->status, 1);
    const struct vq_buf three[] = {header, VQ_BUF(data, len), status};
    const struct vq_buf two[] = {header, status};
    const bool in = type == BLK_IN || type == BLK_GET_ID;

    req->header = (struct blk_header){.type = type, .sector = sector};
    req->status = BLK_NONE;
    if (!len)
        return vq_add(&d->q, two, 1, 1);
    return vq_add(&d->q, three, in ? 1 : 2, in ? 2 : 1);
}

uint8_t disk_do(struct disk *d, uint32_t type, uint64_t sector, void *data,
                uint32_t len)
{
    uint16_t head;

    if (disk_add(d, 0, type, sector, data, len) < 0)
        test_error("no room in the queue of disk %u", d->nth);
    vq_kick(&d->q);
    if (!vq_wait(&d->q, DISK_PATIENCE) || !vq_get(&d->q, &head, &d->written))
        return BLK_NONE;
    return __atomic_load_n(&d->requests[0].status, __ATOMIC_ACQUIRE);
}

uint8_t disk_do_range(struct disk *d, uint32_t type, uint64_t sector,
                      uint32_t count, uint32_t flags)
{
    struct blk_range *range = &d->requests[0].range;
    uint8_t status;

    *range = (struct blk_range){sector, count, flags};
    status = disk_do(d, type, 0, range, sizeof(*range));
    if (status == BLK_OK)
        disk_say(d, type == BLK_ZEROES ? "zeroed" : "discarded", sector, count,
                 0);
    return status;
}

void disk_say(const struct disk *d, const char *verb, uint64_t sector,
              uint32_t count, uint32_t seed)
{
    printf("%s %u %llu %u %u\n", verb, d->nth, (unsigned long long)sector,
           count, seed);
}

uint8_t disk_write(struct disk *d, uint64_t sector, uint32_t count,
                   uint32_t seed)
{
    uint8_t status;

    pattern_fill(run, sector, count, seed);
    status = disk_do(d, BLK_OUT, sector, run, count * SECTOR);
    if (status == BLK_OK)
        disk_say(d, "wrote", sector, count, seed);
    return status;
}

void disk_check(struct disk *d, uint64_t sector, uint32_t count, uint32_t seed)
{
    uint8_t status = disk_do(d, BLK_IN, sector, run, count * SECTOR);

    if (status != BLK_OK)
        test_fail("disk %u, reading sector %llu: expected status 0, seen %u",
                  d->nth, (unsigned long long)sector, status);
    else if (!pattern_is(run, sector, count, seed))
        test_fail("disk %u, sector %llu and %u more: expected pattern %u, "
                  "seen another",
                  d->nth, (unsigned long long)sector, count - 1, seed);
}
