/* SPDX-License-Identifier: MIT */
/*
 * hostile-xen-blk: case 41 from inside: a disk's ring whose index claims too
 * much, requests of too many segments, of sectors behind their page, of pages
 * that are not granted, of operations there are none; what the back-end writes
 * in the ring overwritten; requests, indirect segments and grants rewritten by
 * another CPU while they are taken. Each request is answered or the connection
 * ends, and another serves. Nothing is written to the disk but what is said:
 * the harness compares.
 */
#include "apic.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "disk.h"
#include "report.h"
#include "smp.h"
#include "string.h"
#include "xenblk.h"

#define VDEV    51712u
#define PAGES   16u
#define IN_PAGE (XENBUS_PAGE / SECTOR)
#define WRITTEN 64u /* the sector that is written to see that it works */
#define STORM   60u /* rings full of requests */

/* Behind the status; a 32-bit response ends there. */
#define RSP_END (offsetof(blkif_response_t, status) + 2)

static struct xenblk disk;
static unsigned char ring[XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char data[PAGES * XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char list[XENBUS_PAGE] __attribute__((aligned(4096)));
static uint32_t refs[PAGES], list_ref;
static struct disk who; /* for disk_say: the first */
static uint32_t seed = 1616;
static enum { IDLE, RUNS, ENDS, ENDED } state; /* of the other CPU */

static uint32_t any(uint32_t *from)
{
    *from = *from * 1664525u + 1013904223u;
    return *from >> 7;
}

/* ---- a good request, to be spoilt ---- */

static blkif_request_t *a_read(uint64_t sector)
{
    blkif_request_t *req = xenblk_slot(&disk);

    memset(req, 0xee, sizeof(*req));
    req->operation = BLKIF_OP_READ;
    req->nr_segments = 1;
    req->id = 0x123456789abcdefull;
    req->sector_number = sector;
    req->seg[0] = (struct blkif_request_segment){refs[0], 0, IN_PAGE - 1};
    return req;
}

static blkif_request_indirect_t *an_indirect(unsigned n)
{
    blkif_request_indirect_t *req = xenblk_slot(&disk);
    struct blkif_request_segment *seg = (void *)list;

    memset(req, 0, sizeof(*req));
    req->operation = BLKIF_OP_INDIRECT;
    req->indirect_op = BLKIF_OP_READ;
    req->nr_segments = (uint16_t)n;
    req->id = 0x123456789abcdefull;
    req->indirect_grefs[0] = list_ref;
    for (unsigned i = 0; i < XENBUS_PAGE / sizeof(*seg); i++)
        seg[i] = (struct blkif_request_segment){refs[i % PAGES], 0, 0};
    return req;
}

/* Pushed and answered; what is left of the slot tells nothing (XSA-216). */
static unsigned status(void)
{
    const blkif_response_t *rsp;
    const unsigned char *bytes;

    xenblk_push(&disk);
    rsp = xenblk_answer(&disk);
    if (!rsp) {
        test_fail("expected an answer, seen none");
        return ~0u;
    }
    CHECK_EQ("the answer's id", rsp->id, 0x123456789abcdefull);
    bytes = (const void *)rsp;
    CHECK_EQ("padding", bytes[9], 0);
    CHECK_EQ("padding at the end",
             bytes_are(bytes + RSP_END, 0, sizeof(*rsp) - RSP_END), true);
    return (unsigned)-rsp->status;
}

/* ---- it works ---- */

static void works(void)
{
    blkif_request_t *req;

    pattern_fill(data, WRITTEN, IN_PAGE, ++seed);
    req = a_read(WRITTEN);
    req->operation = BLKIF_OP_WRITE;
    CHECK_EQ("a write", status(), XENBLK_OK);
    disk_say(&who, "wrote", WRITTEN, IN_PAGE, seed);
    memset(data, 0xee, XENBUS_PAGE);
    (void)a_read(WRITTEN);
    CHECK_EQ("a read", status(), XENBLK_OK);
    CHECK_EQ("what was read", pattern_is(data, WRITTEN, IN_PAGE, seed), 1);
}

/* From any state: all pages are ours, and another connection serves. */
static void again(void)
{
    front_restart(&disk.front);
    CHECK_EQ("the ring is ours", xen_ungrant(disk.ring_refs[0]), 1);
    CHECK_EQ("the list is ours", xen_ungrant(list_ref), 1);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK_EQ("the page is ours", xen_ungrant(refs[i]), 1);
    xen_regrant(disk.ring_refs[0], ring);
    xen_regrant(list_ref, list);
    for (unsigned i = 0; i < PAGES; i++)
        xen_regrant(refs[i], data + i * XENBUS_PAGE);
    xenblk_connect(&disk);
    works();
}

/* ---- the evil ---- */

static void wrong_index(void)
{
    static const uint32_t wrong[] = {33,         34,         5000,
                                     0x7fffffff, 0x80000000, 0xffffffff};

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        disk.r.sring->req_prod = disk.r.req_prod_pvt + wrong[i];
        xen_send(disk.port);
        if (!front_wait(&disk.front, XenbusStateClosing))
            test_fail("%x requests ahead: expected Closing", wrong[i]);
        again();
    }
}

/* The first and the last sector of a segment, and what becomes of it. */
static void wrong_sectors(void)
{
    static const uint8_t wrong[][2] = {{5, 4}, {7, 0},   {0, 8},
                                       {8, 8}, {0, 255}, {255, 255}};

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        blkif_request_t *req = a_read(0);
        struct blkif_request_segment *seg = (void *)list;

        req->seg[0].first_sect = wrong[i][0];
        req->seg[0].last_sect = wrong[i][1];
        CHECK_EQ("sectors behind the page", status(), XENBLK_REFUSED);
        (void)an_indirect(20);
        seg[19].first_sect = wrong[i][0];
        seg[19].last_sect = wrong[i][1];
        CHECK_EQ("the same in a list", status(), XENBLK_REFUSED);
    }
    (void)a_read(UINT64_MAX);
    CHECK_EQ("a sector that wraps", status(), XENBLK_REFUSED);
    (void)a_read(1ull << 55);
    CHECK_EQ("a sector that wraps in bytes", status(), XENBLK_REFUSED);
}

static void wrong_counts(void)
{
    static const unsigned counts[] = {0, 12, 13, 128, 255};
    static const unsigned longer[] = {0, 257, 512, 4096, 65535};

    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        a_read(0)->nr_segments = (uint8_t)counts[i];
        CHECK_EQ("segments", status(), XENBLK_REFUSED);
        (void)an_indirect(longer[i]);
        CHECK_EQ("indirect segments", status(), XENBLK_REFUSED);
    }
}

static void wrong_operations(void)
{
    for (unsigned op = BLKIF_OP_INDIRECT + 1; op < 256; op++) {
        a_read(0)->operation = (uint8_t)op;
        CHECK_EQ("no operation", status(), XENBLK_UNSUPPORTED);
    }
    for (unsigned op = BLKIF_OP_WRITE + 1; op < 256; op++) {
        an_indirect(1)->indirect_op = (uint8_t)op;
        CHECK_EQ("no indirect operation", status(), XENBLK_UNSUPPORTED);
    }
}

static void wrong_pages(void)
{
    static const uint32_t wrong[] = {300, 511, 512, 0x7fffffff, UINT32_MAX};

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        a_read(0)->seg[0].gref = wrong[i];
        CHECK_EQ("a page not granted", status(), XENBLK_REFUSED);
        an_indirect(1)->indirect_grefs[0] = wrong[i];
        CHECK_EQ("a list not granted", status(), XENBLK_REFUSED);
        (void)an_indirect(12);
        ((struct blkif_request_segment *)(void *)list)[11].gref = wrong[i];
        CHECK_EQ("a page of a list not granted", status(), XENBLK_REFUSED);
    }
}

/* Theirs are not ours to write; what they say to us is our own loss. */
static void overwritten(void)
{
    for (unsigned i = 0; i < 64; i++) {
        disk.r.sring->rsp_prod = any(&seed);
        disk.r.sring->req_event = any(&seed);
        disk.r.sring->rsp_event = any(&seed);
        disk.r.sring->req_prod = disk.r.req_prod_pvt;
        xen_send(disk.port);
    }
    again();
}

/* ---- another CPU, for which nothing holds still ---- */

/* No operation of these writes to the disk, whatever else is in the slot. */
static void spoil_requests(uint32_t *from)
{
    static const uint8_t ops[] = {BLKIF_OP_READ, BLKIF_OP_INDIRECT, 77};
    blkif_request_t *req =
        &((blkif_sring_t *)(void *)ring)->ring[any(from) % 32].req;

    req->operation = ops[any(from) % sizeof(ops)];
    req->nr_segments = (uint8_t)(any(from) % 16 & ~1u); /* no write, either */
    req->handle = (uint16_t)(any(from) % 300); /* or segments of a list */
    req->sector_number = any(from) % 3000;
    req->seg[any(from) % 11] = (struct blkif_request_segment){
        any(from) % 8 ? refs[any(from) % PAGES] : any(from),
        (uint8_t)(any(from) % 9), (uint8_t)(any(from) % 9)};
}

static void spoil_list(uint32_t *from)
{
    struct blkif_request_segment *seg = (void *)list;

    seg[any(from) % 300] = (struct blkif_request_segment){
        any(from) % 16 ? refs[any(from) % PAGES] : any(from),
        (uint8_t)(any(from) % 3), (uint8_t)(any(from) % 9)};
}

/* Taken back where nobody has it, and given again. */
static void spoil_grants(uint32_t *from)
{
    const unsigned i = any(from) % PAGES;

    if (xen_ungrant(refs[i]))
        xen_regrant(refs[i], data + i * XENBUS_PAGE);
}

static void restless(unsigned cpu)
{
    uint32_t own = 4711 + cpu;

    __atomic_store_n(&state, RUNS, __ATOMIC_RELEASE);
    while (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == RUNS) {
        spoil_requests(&own);
        spoil_list(&own);
        spoil_grants(&own);
    }
    __atomic_store_n(&state, ENDED, __ATOMIC_RELEASE);
}

static void await_state(unsigned want)
{
    const bool reached = clock_wait(
        __atomic_load_n(&state, __ATOMIC_ACQUIRE) == want, DISK_PATIENCE);

    CHECK_EQ("the other CPU", reached, true);
}

/* As many answers as requests, whatever they became. */
static void storm(void)
{
    unsigned answers = 0;

    for (unsigned n = 0; n < STORM; n++) {
        for (unsigned i = 0; i < 32; i++) {
            blkif_request_t *req =
                RING_GET_REQUEST(&disk.r, disk.r.req_prod_pvt + i);

            req->operation = i % 2 ? BLKIF_OP_READ : BLKIF_OP_INDIRECT;
            req->nr_segments = 0;
            req->id = i;
            ((blkif_request_indirect_t *)(void *)req)->indirect_grefs[0] =
                list_ref;
        }
        xenblk_push_n(&disk, 32);
        for (unsigned i = 0; i < 32 && xenblk_answer(&disk); i++)
            answers++;
    }
    CHECK_EQ("answers", answers, STORM * 32);
}

static void changed_meanwhile(void)
{
    apic_init();
    if (!smp_start(1, 1, restless))
        test_error("no second CPU");
    await_state(RUNS);
    storm();
    __atomic_store_n(&state, ENDS, __ATOMIC_RELEASE);
    await_state(ENDED);
    again();
}

static const struct {
    const char *what;
    void (*run)(void);
} rows[] = {
    {"an index that claims too much", wrong_index},
    {"sectors that are none", wrong_sectors},
    {"segments that are too many", wrong_counts},
    {"operations there are none", wrong_operations},
    {"pages that are not granted", wrong_pages},
    {"the back-end's words overwritten", overwritten},
    {"all rewritten while it is taken", changed_meanwhile},
};

void test_main(void)
{
    xen_init();
    xenbus_init();
    xenblk_open(&disk, VDEV, ring, 0);
    list_ref = xen_grant(list, false);
    for (unsigned i = 0; i < PAGES; i++)
        refs[i] = xen_grant(data + i * XENBUS_PAGE, false);
    xenblk_connect(&disk);
    works();
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        printf("case 41: %s\n", rows[i].what);
        rows[i].run();
        works();
    }
}
