/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-blk: a disk of Xen's: reads find what was there, writes stay, in pages
 * and in parts of them, by indirect segments, behind barriers; discard; what
 * breaks the rules is refused, or ends the connection, and another begins. The
 * harness compares the image in the end. A 32-bit image speaks x86_32-abi, and
 * with order=N the ring has 2^N pages. Source: xen/io/blkif.h.
 */
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "disk.h"
#include "report.h"
#include "start_info.h"
#include "string.h"
#include "xenblk.h"

#define VDEV      51712u
#define PAGES     34u
#define IN_PAGE   (XENBUS_PAGE / SECTOR)
#define NO_ANSWER 99u

static struct xenblk disk;
static unsigned char ring[XENBLK_PAGES * XENBUS_PAGE]
    __attribute__((aligned(4096)));
static unsigned char data[PAGES * XENBUS_PAGE] __attribute__((aligned(4096)));
static uint32_t refs[PAGES];
static struct disk who; /* for disk_say: the first */

/* The answer to the one request there is. */
static unsigned answer(uint8_t op)
{
    const blkif_response_t *rsp = xenblk_answer(&disk);

    if (!rsp)
        return NO_ANSWER;
    CHECK_EQ("the answer's id", rsp->id, 0x123456789abcdefull);
    CHECK_EQ("the answer's operation", rsp->operation, op);
    return (unsigned)-rsp->status;
}

/* Sectors of whole pages of data, from its first, cut at first and last. */
static unsigned do_pages(uint8_t op, uint64_t sector, unsigned pages,
                         uint8_t first, uint8_t last)
{
    blkif_request_t *req = xenblk_slot(&disk);

    req->operation = op;
    req->nr_segments = (uint8_t)pages;
    req->id = 0x123456789abcdefull;
    req->sector_number = sector;
    for (unsigned i = 0; i < pages && i < 11; i++) {
        req->seg[i].gref = refs[i];
        req->seg[i].first_sect = i == 0 ? first : 0;
        req->seg[i].last_sect = i == pages - 1 ? last : IN_PAGE - 1;
    }
    xenblk_push(&disk);
    return answer(op);
}

/* The same by indirect segments, whose page is the last of data. */
static unsigned do_indirect(uint8_t op, uint64_t sector, unsigned pages)
{
    blkif_request_indirect_t *req = xenblk_slot(&disk);
    struct blkif_request_segment *seg =
        (void *)(data + (PAGES - 1) * XENBUS_PAGE);

    req->operation = BLKIF_OP_INDIRECT;
    req->indirect_op = op;
    req->nr_segments = (uint16_t)pages;
    req->id = 0x123456789abcdefull;
    req->sector_number = sector;
    req->indirect_grefs[0] = refs[PAGES - 1];
    for (unsigned i = 0; i < pages; i++)
        seg[i] = (struct blkif_request_segment){.gref = refs[i],
                                                .last_sect = IN_PAGE - 1};
    xenblk_push(&disk);
    return answer(op);
}

static unsigned do_discard(uint64_t sector, uint64_t count, uint8_t flag)
{
    blkif_request_discard_t *req = xenblk_slot(&disk);

    req->operation = BLKIF_OP_DISCARD;
    req->flag = flag;
    req->id = 0x123456789abcdefull;
    req->sector_number = sector;
    req->nr_sectors = count;
    xenblk_push(&disk);
    return answer(BLKIF_OP_DISCARD);
}

static void check_read(uint64_t sector, unsigned pages, uint32_t seed)
{
    memset(data, 0xee, pages * XENBUS_PAGE);
    CHECK_EQ("read", do_pages(BLKIF_OP_READ, sector, pages, 0, IN_PAGE - 1), 0);
    CHECK_EQ("what was read is what was there",
             pattern_is(data, sector, pages * IN_PAGE, seed), 1);
}

static void write_pages(uint8_t op, uint64_t sector, unsigned pages,
                        uint32_t seed)
{
    pattern_fill(data, sector, pages * IN_PAGE, seed);
    CHECK_EQ("write", do_pages(op, sector, pages, 0, IN_PAGE - 1), 0);
    disk_say(&who, "wrote", sector, pages * IN_PAGE, seed);
}

static void rules_kept(uint64_t sectors)
{
    check_read(0, 1, 0);
    check_read(sectors - 88, 11, 0);
    write_pages(BLKIF_OP_WRITE, 8, 1, 1);
    write_pages(BLKIF_OP_WRITE, 800, 11, 2);
    write_pages(BLKIF_OP_WRITE_BARRIER, 400, 3, 3);
    CHECK_EQ("flush", do_pages(BLKIF_OP_FLUSH_DISKCACHE, 0, 0, 0, 0), 0);
    check_read(8, 1, 1);
    check_read(16, 1, 0);
    check_read(800, 11, 2);
    check_read(400, 3, 3);
    /* Part of a page. */
    pattern_fill(data + 2 * SECTOR, 1001, 3, 4);
    CHECK_EQ("write of sectors", do_pages(BLKIF_OP_WRITE, 1001, 1, 2, 4), 0);
    disk_say(&who, "wrote", 1001, 3, 4);
    pattern_fill(data, 1200, 32 * IN_PAGE, 5);
    CHECK_EQ("indirect write", do_indirect(BLKIF_OP_WRITE, 1200, 32), 0);
    disk_say(&who, "wrote", 1200, 32 * IN_PAGE, 5);
    memset(data, 0, 32 * XENBUS_PAGE);
    CHECK_EQ("indirect read", do_indirect(BLKIF_OP_READ, 1200, 32), 0);
    CHECK_EQ("what came", pattern_is(data, 1200, 32 * IN_PAGE, 5), 1);
    CHECK_EQ("discard", do_discard(1600, 16, 0), 0);
    disk_say(&who, "discarded", 1600, 16, 0);
    CHECK_EQ("secure discard", do_discard(1700, 8, BLKIF_DISCARD_SECURE),
             XENBLK_UNSUPPORTED);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK_EQ("pages are ours again", xen_ungrant(refs[i]), 1);
    for (unsigned i = 0; i < PAGES; i++)
        refs[i] = xen_grant(data + i * XENBUS_PAGE, false);
}

static void rules_broken(uint64_t sectors)
{
    CHECK_EQ("beyond the end",
             do_pages(BLKIF_OP_WRITE, sectors - 1, 1, 0, IN_PAGE - 1),
             XENBLK_REFUSED);
    CHECK_EQ("last before first", do_pages(BLKIF_OP_WRITE, 0, 1, 5, 4),
             XENBLK_REFUSED);
    CHECK_EQ("twelve segments", do_pages(BLKIF_OP_WRITE, 0, 12, 0, 7),
             XENBLK_REFUSED);
    CHECK_EQ("an unknown operation", do_pages(77, 0, 1, 0, 7),
             XENBLK_UNSUPPORTED);
    CHECK_EQ("a page taken back", xen_ungrant(refs[0]), 1);
    CHECK_EQ("a page not granted", do_pages(BLKIF_OP_WRITE, 0, 1, 0, 7),
             XENBLK_REFUSED);
    refs[0] = xen_grant(data, true);
    CHECK_EQ("a read into a page for reading",
             do_pages(BLKIF_OP_READ, 0, 1, 0, 7), XENBLK_REFUSED);
    write_pages(BLKIF_OP_WRITE, 80, 1, 6);
    CHECK_EQ("ours again", xen_ungrant(refs[0]), 1);
    refs[0] = xen_grant(data, false);
    /* An index that claims too much ends the connection, and no more. */
    disk.r.sring->req_prod = disk.r.req_prod_pvt + 5000;
    xen_send(disk.port);
    CHECK_EQ("closed for that", front_wait(&disk.front, XenbusStateClosing), 1);
    front_restart(&disk.front);
    front_put_number(&disk.front, "ring-page-order", 31);
    front_state(&disk.front, XenbusStateInitialised);
    CHECK_EQ("refused for that", front_wait(&disk.front, XenbusStateClosing),
             1);
    front_restart(&disk.front);
    xenblk_connect(&disk);
    check_read(80, 1, 6);
}

void test_main(void)
{
    uint64_t sectors, order = 0;

    xen_init();
    xenbus_init();
    start_info_option("order", &order);
    xenblk_open(&disk, VDEV, ring, (unsigned)order);
    CHECK_EQ("sector size", front_asked(&disk.front, "sector-size"), SECTOR);
    CHECK_GE("segments",
             front_asked(&disk.front, "feature-max-indirect-segments"), 256);
    sectors = front_asked(&disk.front, "sectors");
    CHECK_EQ("size", sectors, 2048);
    for (unsigned i = 0; i < PAGES; i++)
        refs[i] = xen_grant(data + i * XENBUS_PAGE, false);
    for (unsigned i = 0; i < 2; i++) {
        xenblk_connect(&disk);
        rules_kept(sectors);
        front_restart(&disk.front);
    }
    xenblk_connect(&disk);
    rules_broken(sectors);
}
