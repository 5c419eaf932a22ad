/* SPDX-License-Identifier: MIT */
/*
 * hostile.c: see hostile.h.
 */
#include "hostile.h"

#include "console.h"
#include "cpu.h"
#include "prompt.h"
#include "report.h"
#include "start_info.h"

#include <stddef.h>

#define SOON      DISK_PATIENCE
#define LATE_MS   8000 /* where many want the same CPU */
#define A_WHILE   (30 * CLOCK_MS)
#define VICTIM_AT 32u /* the sector that is written to see that it works */

struct disk victim, bystander;
uint8_t hostile_data[16 * SECTOR] __attribute__((aligned(4096)));

static uint32_t seed; /* of the last write; each has another */

/* ---- the two disks are well ---- */

static void works(struct disk *d, uint64_t sector)
{
    uint8_t status = disk_write(d, sector, 1, ++seed);

    if (status != BLK_OK)
        test_fail("disk %u: expected it to work, seen status %u, device "
                  "status 0x%x",
                  d->nth, status, virtio_status(&d->dev));
    else
        disk_check(d, sector, 1, seed);
}

void hostile_bystander(void)
{
    uint64_t begin = clock_ns();

    works(&bystander, 8);
    CHECK_LE("milliseconds of the bystander's requests",
             (clock_ns() - begin) >> 20, LATE_MS);
}

static void run(const struct hostile_row *row)
{
    printf("case %u: %s\n", row->number, row->what);
    disk_again(&victim);
    row->run();
    hostile_bystander();
    disk_again(&victim);
    works(&victim, VICTIM_AT);
}

void hostile_main(const struct hostile_row *rows, unsigned n)
{
    uint64_t number = 0;
    unsigned ran = 0;

    (void)start_info_option("case", &number);
    disk_open(&victim, 0, DISK_FEATURES);
    disk_open(&bystander, 1, DISK_FEATURES);
    hostile_bystander();
    for (unsigned i = 0; i < n; i++) {
        if (rows[i].number != number)
            continue;
        run(&rows[i]);
        ran++;
    }
    if (!ran)
        test_error("the command line has no case=N of this guest");
    printf("QUIET\n");
    prompt_wait();
}

/* ---- raw requests ---- */

/* Room 0 is disk_do's; this is nobody else's. */
static struct disk_request *request(void)
{
    return &victim.requests[1];
}

void hostile_request(uint32_t type, uint64_t sector)
{
    struct disk_request *r = request();
    uint16_t in = type == BLK_OUT ? 0 : VQ_WRITE;

    r->header = (struct blk_header){.type = type, .sector = sector};
    r->status = BLK_NONE;
    vq_put(&HOSTILE_HEADER, (uintptr_t)&r->header, sizeof(r->header), VQ_NEXT,
           1);
    vq_put(&HOSTILE_DATA, (uintptr_t)hostile_data, SECTOR,
           (uint16_t)(VQ_NEXT | in), 2);
    vq_put(&HOSTILE_STATUS, (uintptr_t)&r->status, 1, VQ_WRITE, 0);
}

void hostile_fire(uint16_t head)
{
    vq_offer(&victim.q, head);
    vq_publish(&victim.q, victim.q.next);
    vq_notify(&victim.q);
}

uint8_t hostile_status(void)
{
    return __atomic_load_n(&request()->status, __ATOMIC_ACQUIRE);
}

static bool is_broken(void)
{
    return virtio_status(&victim.dev) & VIRTIO_NEEDS_RESET;
}

/* ---- outcomes ---- */

void hostile_expect_status(uint8_t status)
{
    (void)vq_wait(&victim.q, SOON);
    CHECK_EQ("status of the request", hostile_status(), status);
    CHECK_EQ("NEEDS_RESET", is_broken(), 0);
    victim.q.seen = vq_used_idx(&victim.q);
}

void hostile_expect_broken(void)
{
    uint16_t used;

    if (!clock_wait(is_broken(), SOON)) {
        test_fail("expected NEEDS_RESET, seen device status 0x%x",
                  virtio_status(&victim.dev));
        return;
    }
    used = vq_used_idx(&victim.q);
    vq_publish(&victim.q, (uint16_t)(victim.q.next + 1));
    vq_notify(&victim.q);
    clock_delay(A_WHILE / 4);
    CHECK_EQ("used index of a broken queue", vq_used_idx(&victim.q), used);
}

void hostile_expect_refused(void)
{
    (void)clock_wait(is_broken() || vq_has(&victim.q), SOON);
    if (is_broken())
        return;
    if (!vq_has(&victim.q))
        test_fail("expected an error or NEEDS_RESET, seen nothing");
    CHECK_NE("status of a refused request", hostile_status(), BLK_OK);
    victim.q.seen = vq_used_idx(&victim.q);
}

void hostile_expect_nothing(void)
{
    clock_delay(A_WHILE);
    CHECK_EQ("NEEDS_RESET", is_broken(), 0);
    CHECK_EQ("used index", vq_used_idx(&victim.q), victim.q.seen);
}

void hostile_expect_any(void)
{
    (void)clock_wait(is_broken() || vq_has(&victim.q), A_WHILE);
}

uint64_t hostile_ram_end(void)
{
    unsigned n;
    const struct pvh_memmap_entry *map = start_info_memmap(&n);
    uint64_t end = 0;

    for (unsigned i = 0; i < n; i++)
        if (map[i].type == 1 && map[i].addr < 1ull << 32)
            end = map[i].addr + map[i].size;
    return end;
}
