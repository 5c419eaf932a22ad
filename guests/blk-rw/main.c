/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blk-rw: what a disk is for: reads find what was there, writes stay, one
 * sector to 128 KiB, in one buffer or many; flush, identity, discard, write
 * zeroes. With ro=1 on the command line the disk must refuse all changes;
 * id=N: its identity is "diskN". The harness compares the image in the end.
 * Source: virtio 1.2, 5.2.
 */
#include "console.h"
#include "cpu.h"
#include "disk.h"
#include "report.h"
#include "start_info.h"
#include "string.h"

static struct disk disk;
static uint8_t buffer[DISK_RUN * SECTOR] __attribute__((aligned(4096)));

static void check_config(bool read_only)
{
    uint64_t offered = disk.dev.bus->features(&disk.dev);

    CHECK_EQ("capacity in sectors is a whole MiB", disk.sectors % 2048, 0);
    CHECK_NE("capacity", disk.sectors, 0);
    CHECK_EQ("block size", mmio_read32(disk.dev.config + BLK_BLK_SIZE), 512);
    CHECK_EQ("F_RO", !!(offered & BLK_F_RO), read_only);
    CHECK_EQ("F_DISCARD", !!(offered & BLK_F_DISCARD), !read_only);
    CHECK_EQ("F_WRITE_ZEROES", !!(offered & BLK_F_ZEROES), !read_only);
    CHECK_EQ("F_FLUSH", !!(offered & BLK_F_FLUSH), 1);
    CHECK_EQ("packed rings", !!(offered & VIRTIO_F_PACKED), 0);
}

static void reads(void)
{
    disk_check(&disk, 0, 1, 0);
    CHECK_EQ("bytes written by a read", disk.written, SECTOR + 1);
    disk_check(&disk, 7, 8, 0);
    disk_check(&disk, 1, DISK_RUN, 0);
    disk_check(&disk, disk.sectors - 1, 1, 0);
}

static void writes(void)
{
    CHECK_EQ("write of a sector", disk_write(&disk, 3, 1, 1), BLK_OK);
    CHECK_EQ("bytes written by a write", disk.written, 1);
    CHECK_EQ("write of a page", disk_write(&disk, 15, 8, 2), BLK_OK);
    CHECK_EQ("write of 128 KiB", disk_write(&disk, 1024, DISK_RUN, 3), BLK_OK);
    CHECK_EQ("write of the last", disk_write(&disk, disk.sectors - 1, 1, 4),
             BLK_OK);
    CHECK_EQ("flush", disk_do(&disk, BLK_FLUSH, 0, NULL, 0), BLK_OK);
    disk_check(&disk, 2, 1, 0);
    disk_check(&disk, 3, 1, 1);
    disk_check(&disk, 4, 1, 0);
    disk_check(&disk, 15, 8, 2);
    disk_check(&disk, 1023, 1, 0);
    disk_check(&disk, 1024, DISK_RUN, 3);
    disk_check(&disk, 1024 + DISK_RUN, 1, 0);
    disk_check(&disk, disk.sectors - 1, 1, 4);
}

/* Data in pieces of odd sizes, one table of descriptors for all. */
static void scattered(void)
{
    static struct vq_desc table[8];
    static const uint32_t cuts[] = {1, 511, 100, 1500, 1984};
    struct disk_request *r = &disk.requests[0];
    struct vq_buf bufs[7];
    uint32_t at = 0, written;
    uint16_t head;

    pattern_fill(buffer, 100, 8, 5);
    r->header = (struct blk_header){.type = BLK_OUT, .sector = 100};
    r->status = BLK_NONE;
    bufs[0] = VQ_BUF(&r->header, sizeof(r->header));
    for (unsigned i = 0; i < 5; at += cuts[i++])
        bufs[i + 1] = VQ_BUF(buffer + at, cuts[i]);
    CHECK_EQ("bytes in pieces", at, 8 * SECTOR);
    bufs[6] = VQ_BUF(&r->status, 1);
    if (!(disk.dev.features & VIRTIO_F_INDIRECT))
        test_error("indirect tables are not offered");
    vq_add_indirect(&disk.q, table, bufs, 6, 1);
    vq_kick(&disk.q);
    CHECK_EQ("answer", vq_wait(&disk.q, DISK_PATIENCE), 1);
    CHECK_EQ("its head", vq_get(&disk.q, &head, &written), 1);
    CHECK_EQ("status of a scattered write", r->status, BLK_OK);
    if (r->status == BLK_OK)
        disk_say(&disk, "wrote", 100, 8, 5);
    disk_check(&disk, 100, 8, 5);
    disk_check(&disk, 108, 1, 0);
}

static void identity(void)
{
    static char id[21];
    uint64_t nth = 0;

    (void)start_info_option("id", &nth);
    memset(id, 'x', sizeof(id));
    CHECK_EQ("GET_ID", disk_do(&disk, BLK_GET_ID, 0, id, 20), BLK_OK);
    CHECK_EQ("bytes of the identity", disk.written, 21);
    CHECK_EQ("identity", memcmp(id, "disk", 4) == 0, 1);
    CHECK_EQ("its number", (uint8_t)id[4], '0' + nth);
    CHECK_EQ("its end", (uint8_t)id[5], 0);
    CHECK_EQ("what follows it", (uint8_t)id[20], 'x');
}

static void ranges(void)
{
    CHECK_EQ("write zeroes", disk_do_range(&disk, BLK_ZEROES, 1030, 3, 0),
             BLK_OK);
    CHECK_EQ("and unmap", disk_do_range(&disk, BLK_ZEROES, 1040, 64, 1),
             BLK_OK);
    CHECK_EQ("discard", disk_do_range(&disk, BLK_DISCARD, 1152, 64, 0), BLK_OK);
    disk_check(&disk, 1029, 1, 3);
    disk_check(&disk, 1033, 1, 3);
    disk_check(&disk, 1104, 1, 3);
    disk_check(&disk, 1151, 1, 3);
    disk_check(&disk, 1216, 1, 3);
    CHECK_EQ("read", disk_do(&disk, BLK_IN, 1030, buffer, 3 * SECTOR), BLK_OK);
    CHECK_EQ("zeroes", bytes_are(buffer, 0, 3 * SECTOR), 1);
    CHECK_EQ("read", disk_do(&disk, BLK_IN, 1040, buffer, 64 * SECTOR), BLK_OK);
    CHECK_EQ("zeroes", bytes_are(buffer, 0, 64 * SECTOR), 1);
}

static void refusals(void)
{
    CHECK_EQ("write", disk_write(&disk, 3, 1, 1), BLK_IOERR);
    CHECK_NE("discard", disk_do_range(&disk, BLK_DISCARD, 0, 8, 0), BLK_OK);
    CHECK_NE("write zeroes", disk_do_range(&disk, BLK_ZEROES, 0, 8, 0), BLK_OK);
    CHECK_EQ("flush", disk_do(&disk, BLK_FLUSH, 0, NULL, 0), BLK_OK);
    disk_check(&disk, 0, 8, 0);
}

void test_main(void)
{
    uint64_t read_only = 0;

    (void)start_info_option("ro", &read_only);
    disk_open(&disk, 0, DISK_FEATURES);
    check_config(read_only);
    reads();
    identity();
    if (read_only) {
        refusals();
        return;
    }
    writes();
    scattered();
    ranges();
    disk_again(&disk);
    disk_check(&disk, 15, 8, 2);
}
