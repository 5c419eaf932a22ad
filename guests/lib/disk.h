/* SPDX-License-Identifier: MIT */
/*
 * disk.h: a virtio block device with one queue in use, and the patterns that
 * the harness knows too. Source: virtio 1.2, 5.2.
 *
 * The harness fills the images with pattern 0 and, in the end, compares every
 * byte with what the guest said: disk_write and its like print a line for
 * each change that was acknowledged ("wrote DISK SECTOR COUNT SEED").
 */
#ifndef GUEST_DISK_H
#define GUEST_DISK_H

#include "clock.h"
#include "vq.h"

#define SECTOR 512u

#define BLK_F_SIZE_MAX (1ull << 1)
#define BLK_F_SEG_MAX  (1ull << 2)
#define BLK_F_RO       (1ull << 5)
#define BLK_F_BLK_SIZE (1ull << 6)
#define BLK_F_FLUSH    (1ull << 9)
#define BLK_F_TOPOLOGY (1ull << 10)
#define BLK_F_WCE      (1ull << 11)
#define BLK_F_MQ       (1ull << 12)
#define BLK_F_DISCARD  (1ull << 13)
#define BLK_F_ZEROES   (1ull << 14)

/* What a test wants that does not care. */
#define DISK_FEATURES                                                          \
    (BLK_F_SEG_MAX | BLK_F_RO | BLK_F_BLK_SIZE | BLK_F_FLUSH | BLK_F_DISCARD | \
     BLK_F_ZEROES | VIRTIO_F_INDIRECT | BLK_F_WCE | VIRTIO_F_RING_RESET)

enum blk_type {
    BLK_IN = 0,
    BLK_OUT = 1,
    BLK_FLUSH = 4,
    BLK_GET_ID = 8,
    BLK_DISCARD = 11,
    BLK_ZEROES = 13,
};

enum blk_status {
    BLK_OK = 0,
    BLK_IOERR = 1,
    BLK_UNSUPP = 2,
    BLK_NONE = 0xff, /* no answer: the byte is as it was */
};

/* Offsets in the configuration space. */
enum blk_config {
    BLK_CAPACITY = 0,
    BLK_SEG_MAX = 12,
    BLK_BLK_SIZE = 20,
    BLK_WCE = 32,
    BLK_NUM_QUEUES = 34,
    BLK_MAX_DISCARD = 36,
    BLK_MAX_ZEROES = 48,
};

struct blk_header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

struct blk_range {
    uint64_t sector;
    uint32_t count;
    uint32_t flags; /* 1: unmap */
};

/* One request; its place is the device's until it is answered. */
struct disk_request {
    struct blk_header header;
    struct blk_range range;
    uint8_t status;
};

struct disk {
    struct vq q;
    struct virtio dev;
    unsigned nth;
    uint64_t sectors;
    struct disk_request requests[VQ_MAX];
    uint32_t written; /* by the device, of the last disk_do */
};

/* The nth disk; ERROR if there is none, or it does not start. */
void disk_open(struct disk *d, unsigned nth, uint64_t features);
/* Reset it and begin again with the same features. */
void disk_again(struct disk *d);

/*
 * Add a request with room r of d->requests: header, buffers (to be written by
 * the device for types it answers with data), status. Head or -1.
 */
int disk_add(struct disk *d, unsigned r, uint32_t type, uint64_t sector,
             void *data, uint32_t len);

/* One request from begin to end; BLK_NONE if it is not answered in time. */
uint8_t disk_do(struct disk *d, uint32_t type, uint64_t sector, void *data,
                uint32_t len);
/* The same for DISCARD and ZEROES. */
uint8_t disk_do_range(struct disk *d, uint32_t type, uint64_t sector,
                      uint32_t count, uint32_t flags);
/* How long disk_do waits: a host may have more to do than this guest. */
#define DISK_PATIENCE (15 * CLOCK_S)

/* Write a pattern (at most DISK_RUN sectors) and say so, if it succeeds. */
#define DISK_RUN 256u
uint8_t disk_write(struct disk *d, uint64_t sector, uint32_t count,
                   uint32_t seed);
/* Read and compare with a pattern; anything else is a failed check. */
void disk_check(struct disk *d, uint64_t sector, uint32_t count, uint32_t seed);
/* Say what was acknowledged. verb: wrote, zeroed, discarded. */
void disk_say(const struct disk *d, const char *verb, uint64_t sector,
              uint32_t count, uint32_t seed);

void pattern_fill(void *buf, uint64_t sector, uint32_t count, uint32_t seed);
bool pattern_is(const void *buf, uint64_t sector, uint32_t count,
                uint32_t seed);
bool bytes_are(const void *buf, uint8_t value, uint32_t n);

#endif
