/* SPDX-License-Identifier: MIT */
/*
 * xen-detach: a disk that the operator takes out while it is in use: the
 * back-end says Closing and serves until the driver closes; then there is no
 * such device, and its pages are the guest's. The harness writes what a tool
 * stack would, after READY. Source: xen/io/xenbus.h, `online` in io/blkif.h.
 */
#include "clock.h"
#include "cpu.h"
#include "disk.h"
#include "report.h"
#include "xenblk.h"

#define VDEV    51712u
#define IN_PAGE (XENBUS_PAGE / SECTOR)

static struct xenblk disk;
static unsigned char ring[XENBUS_PAGE] __attribute__((aligned(4096)));
static unsigned char data[XENBUS_PAGE] __attribute__((aligned(4096)));
static uint32_t ref;

static void check_read(uint64_t sector)
{
    blkif_request_t *req = xenblk_slot(&disk);
    const blkif_response_t *rsp;

    *req = (blkif_request_t){
        .operation = BLKIF_OP_READ, .nr_segments = 1, .sector_number = sector};
    req->seg[0] = (struct blkif_request_segment){ref, 0, IN_PAGE - 1};
    xenblk_push(&disk);
    rsp = xenblk_answer(&disk);
    CHECK_EQ("a read", rsp && rsp->status == BLKIF_RSP_OKAY ? 1u : 0u, 1);
    CHECK_EQ("what was read", pattern_is(data, sector, IN_PAGE, 0), 1);
}

static bool is_gone(void)
{
    char path[128];

    return !front_open(&disk.front, "vbd", VDEV) &&
           !store_read("/local/domain/0/backend/vbd/1/51712/state", path,
                       sizeof(path));
}

void test_main(void)
{
    xen_init();
    xenbus_init();
    xenblk_open(&disk, VDEV, ring, 0);
    ref = xen_grant(data, false);
    xenblk_connect(&disk);
    check_read(0);
    test_ready();
    CHECK_EQ("told", front_wait(&disk.front, XenbusStateClosing), 1);
    check_read(8);
    front_state(&disk.front, XenbusStateClosing);
    front_state(&disk.front, XenbusStateClosed);
    CHECK_EQ("gone", clock_wait(is_gone(), DISK_PATIENCE) ? 1u : 0u, 1);
    CHECK_EQ("the ring is ours", xen_ungrant(disk.ring_refs[0]), 1);
    CHECK_EQ("the page is ours", xen_ungrant(ref), 1);
}
