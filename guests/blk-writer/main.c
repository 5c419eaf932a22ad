/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blk-writer: writes numbered sectors for ever: number N goes to sector N
 * modulo their count, BATCH of them at a time; after each batch a flush, and
 * when that is acknowledged, a line "acked N". The harness ends vmm at any
 * moment and looks whether all that was acknowledged is there (hostile case
 * 57). The command line says where to begin: from=N.
 */
#include "console.h"
#include "disk.h"
#include "report.h"
#include "start_info.h"

#include <stddef.h>

#define BATCH 4u

static struct disk disk;
static uint8_t data[BATCH][SECTOR];

static void write_batch(uint64_t from)
{
    uint32_t written;
    uint16_t head;

    for (unsigned i = 0; i < BATCH; i++) {
        const uint64_t sector = (uint32_t)(from + i) % (uint32_t)disk.sectors;

        pattern_fill(data[i], sector, 1, (uint32_t)(from + i));
        if (disk_add(&disk, i, BLK_OUT, sector, data[i], SECTOR) < 0)
            test_error("no room in the queue");
    }
    vq_kick(&disk.q);
    for (unsigned i = 0; i < BATCH; i++)
        if (!vq_wait(&disk.q, DISK_PATIENCE) ||
            !vq_get(&disk.q, &head, &written))
            test_error("a write is not answered");
    for (unsigned i = 0; i < BATCH; i++)
        if (disk.requests[i].status != BLK_OK)
            test_error("a write failed: status %u", disk.requests[i].status);
}

void test_main(void)
{
    uint64_t n = 0;

    (void)start_info_option("from", &n);
    disk_open(&disk, 0, DISK_FEATURES);
    for (;; n += BATCH) {
        write_batch(n);
        if (disk_do(&disk, BLK_FLUSH, 0, NULL, 0) != BLK_OK)
            test_error("a flush failed");
        printf("acked %u\n", (unsigned)(n + BATCH - 1));
    }
}
