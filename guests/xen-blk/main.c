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
#include "xenbus.h"

#include <xen/io/blkif.h>
#include <xen/io/protocols.h>

#define VDEV     51712u
#define PAGES    34u
#define IN_PAGE  (XENBUS_PAGE / SECTOR)
#define MAX_RING 16u
/* Statuses, their sign turned. */
#define REFUSED     1u
#define UNSUPPORTED 2u
#define NO_ANSWER   99u

static struct front front;
static unsigned char ring[MAX_RING * XENBUS_PAGE]
    __attribute__((aligned(4096)));
static unsigned char data[PAGES * XENBUS_PAGE] __attribute__((aligned(4096)));
static uint32_t ring_refs[MAX_RING], refs[PAGES];
static blkif_front_ring_t r;
static uint32_t port;
static uint64_t order;
static struct disk who; /* for disk_say: the first */

#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

static void begin_ring(void)
{
    const size_t room = (XENBUS_PAGE << order) - offsetof(blkif_sring_t, ring);

    r.sring = (void *)ring;
    SHARED_RING_INIT(r.sring);
    r.req_prod_pvt = r.rsp_cons = 0;
    r.nr_ents = 1;
    while (2 * r.nr_ents * sizeof(r.sring->ring[0]) <= room)
        r.nr_ents *= 2;
}

static void connect(void)
{
    char node[] = "ring-refNN";

    begin_ring();
    for (unsigned i = 0; i < 1u << order; i++) {
        if (!ring_refs[i])
            ring_refs[i] = xen_grant(ring + i * XENBUS_PAGE, false);
        node[8] = (char)(i < 10 ? '0' + i : '1');
        node[9] = (char)(i < 10 ? 0 : '0' + i - 10);
        if (!order)
            node[8] = 0;
        front_put_number(&front, node, ring_refs[i]);
    }
    port = front_port();
    front_put_number(&front, "ring-page-order", (uint32_t)order);
    front_put_number(&front, "event-channel", port);
    front_put(&front, "protocol", XEN_IO_PROTO_ABI_NATIVE);
    front_state(&front, XenbusStateInitialised);
    CHECK_EQ("connected", front_wait(&front, XenbusStateConnected), 1);
    front_state(&front, XenbusStateConnected);
}

/* The answer to the one request there is. */
static unsigned answer(uint8_t op)
{
    const blkif_response_t *rsp;

    clock_wait(__atomic_load_n(&r.sring->rsp_prod, __ATOMIC_ACQUIRE) !=
                   r.rsp_cons,
               DISK_PATIENCE);
    if (r.sring->rsp_prod == r.rsp_cons)
        return NO_ANSWER;
    rsp = RING_GET_RESPONSE(&r, r.rsp_cons);
    r.rsp_cons++;
    CHECK_EQ("the answer's id", rsp->id, 0x123456789abcdefull);
    CHECK_EQ("the answer's operation", rsp->operation, op);
    return (unsigned)-rsp->status;
}

static void push(void)
{
    int notify;

    r.req_prod_pvt++;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&r, notify);
    if (notify)
        xen_send(port);
}

/* Sectors of whole pages of data, from its first, cut at first and last. */
static unsigned do_pages(uint8_t op, uint64_t sector, unsigned pages,
                         uint8_t first, uint8_t last)
{
    blkif_request_t *req = RING_GET_REQUEST(&r, r.req_prod_pvt);

    req->operation = op;
    req->nr_segments = (uint8_t)pages;
    req->id = 0x123456789abcdefull;
    req->sector_number = sector;
    for (unsigned i = 0; i < pages && i < 11; i++) {
        req->seg[i].gref = refs[i];
        req->seg[i].first_sect = i == 0 ? first : 0;
        req->seg[i].last_sect = i == pages - 1 ? last : IN_PAGE - 1;
    }
    push();
    return answer(op);
}

/* The same by indirect segments, whose page is the last of data. */
static unsigned do_indirect(uint8_t op, uint64_t sector, unsigned pages)
{
    blkif_request_indirect_t *req =
        (void *)RING_GET_REQUEST(&r, r.req_prod_pvt);
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
    push();
    return answer(op);
}

static unsigned do_discard(uint64_t sector, uint64_t count, uint8_t flag)
{
    blkif_request_discard_t *req = (void *)RING_GET_REQUEST(&r, r.req_prod_pvt);

    req->operation = BLKIF_OP_DISCARD;
    req->flag = flag;
    req->id = 0x123456789abcdefull;
    req->sector_number = sector;
    req->nr_sectors = count;
    push();
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
             UNSUPPORTED);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK_EQ("pages are ours again", xen_ungrant(refs[i]), 1);
    for (unsigned i = 0; i < PAGES; i++)
        refs[i] = xen_grant(data + i * XENBUS_PAGE, false);
}

static void rules_broken(uint64_t sectors)
{
    CHECK_EQ("beyond the end",
             do_pages(BLKIF_OP_WRITE, sectors - 1, 1, 0, IN_PAGE - 1), REFUSED);
    CHECK_EQ("last before first", do_pages(BLKIF_OP_WRITE, 0, 1, 5, 4),
             REFUSED);
    CHECK_EQ("twelve segments", do_pages(BLKIF_OP_WRITE, 0, 12, 0, 7), REFUSED);
    CHECK_EQ("an unknown operation", do_pages(77, 0, 1, 0, 7), UNSUPPORTED);
    CHECK_EQ("a page taken back", xen_ungrant(refs[0]), 1);
    CHECK_EQ("a page not granted", do_pages(BLKIF_OP_WRITE, 0, 1, 0, 7),
             REFUSED);
    refs[0] = xen_grant(data, true);
    CHECK_EQ("a read into a page for reading",
             do_pages(BLKIF_OP_READ, 0, 1, 0, 7), REFUSED);
    write_pages(BLKIF_OP_WRITE, 80, 1, 6);
    CHECK_EQ("ours again", xen_ungrant(refs[0]), 1);
    refs[0] = xen_grant(data, false);
    /* An index that claims too much ends the connection, and no more. */
    r.sring->req_prod = r.req_prod_pvt + 5000;
    xen_send(port);
    CHECK_EQ("closed for that", front_wait(&front, XenbusStateClosing), 1);
    front_restart(&front);
    front_put_number(&front, "ring-page-order", 31);
    front_state(&front, XenbusStateInitialised);
    CHECK_EQ("refused for that", front_wait(&front, XenbusStateClosing), 1);
    front_restart(&front);
    connect();
    check_read(80, 1, 6);
}

void test_main(void)
{
    uint64_t sectors;

    xen_init();
    xenbus_init();
    if (!front_open(&front, "vbd", VDEV))
        test_error("there is no xvda");
    start_info_option("order", &order);
    CHECK_EQ("offered", front_wait(&front, XenbusStateInitWait), 1);
    CHECK_EQ("sector size", front_asked(&front, "sector-size"), SECTOR);
    CHECK_GE("segments", front_asked(&front, "feature-max-indirect-segments"),
             256);
    sectors = front_asked(&front, "sectors");
    CHECK_EQ("size", sectors, 2048);
    for (unsigned i = 0; i < PAGES; i++)
        refs[i] = xen_grant(data + i * XENBUS_PAGE, false);
    for (unsigned i = 0; i < 2; i++) {
        connect();
        rules_kept(sectors);
        front_restart(&front);
    }
    connect();
    rules_broken(sectors);
}
