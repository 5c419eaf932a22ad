// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The memory balloon: pages go back to the host, the others stay; the target
 * and what the guest tells of itself; a driver that gives what is not its own.
 */
#include "mmio_rig.h"

#include "devices/virtio/vballoon.h"

#include <linux/virtio_balloon.h>
#include <stdlib.h>
#include <sys/mman.h>

#define F_MUST    BIT(VIRTIO_F_VERSION_1)
#define F_STATS   BIT(VIRTIO_BALLOON_F_STATS_VQ)
#define F_REPORTS BIT(VIRTIO_BALLOON_F_REPORTING)

#define INFLATE 0
#define DEFLATE 1
#define STATS   2
#define SIZE    64

#define PFNS DATA      /* where the driver keeps its numbers */
#define HEAP 0x120000u /* below 2 MiB, where pages are small */
#define PAGE GUEST_PAGE

struct rig {
    struct mmio_rig m;
    struct vballoon *dev;
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    log_set_level(LOG_ERROR);
    rig_open(&r->m);
    r->dev = vballoon_create(r->m.loop, r->m.mem, RAM);
    assert_non_null(r->dev);
    rig_plug(&r->m, &vballoon_ops, r->dev);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    virtio_mmio_destroy(r->m.t);
    r->m.t = NULL;
    vballoon_destroy(r->dev);
    rig_close(&r->m);
    free(r);
    return 0;
}

static unsigned char *guest(struct rig *r, uint64_t gpa)
{
    return r->m.rings[0].ram + gpa;
}

/* The guest uses n pages of its heap. */
static void use(struct rig *r, unsigned n)
{
    memset(guest(r, HEAP), 'x', n * PAGE);
}

static bool is_there(struct rig *r, uint64_t gpa)
{
    unsigned char there = 0;

    assert_int_equal(mincore(guest(r, gpa), PAGE, &there), 0);
    return there & 1;
}

/* Pages of the heap that are there, one bit each. */
static unsigned there(struct rig *r, unsigned n)
{
    unsigned bits = 0;

    for (unsigned i = 0; i < n; i++)
        bits |= (unsigned)is_there(r, HEAP + i * PAGE) << i;
    return bits;
}

static uint32_t heap(unsigned page)
{
    return (uint32_t)(HEAP / PAGE) + page;
}

static void assert_taken(struct rig *r, unsigned q, uint16_t head)
{
    struct vring_used_elem e = {0};

    assert_true(ring_take(&r->m.rings[q], &e));
    assert_int_equal(e.id, head);
    assert_int_equal(e.len, 0);
}

static bool is_taken(struct rig *r, unsigned q)
{
    struct vring_used_elem e;

    return ring_take(&r->m.rings[q], &e);
}

static void give(struct rig *r, unsigned q, const uint32_t *pfn, uint32_t bytes)
{
    memcpy(guest(r, PFNS), pfn, bytes);
    ring_desc(&r->m.rings[q], 0, PFNS, bytes, 0, 0);
    ring_offer(&r->m.rings[q], 0);
    kick(&r->m, q);
    spin(&r->m);
    assert_taken(r, q, 0);
}

static struct vballoon_status status(struct rig *r)
{
    struct vballoon_status s;

    vballoon_get_status(r->dev, &s);
    return s;
}

/* ---- pages ---- */

static void inflated_pages_are_the_hosts(void **state)
{
    struct rig *r = *state;
    const uint32_t up[] = {heap(1), heap(2), heap(4)};
    const uint32_t down[] = {heap(7), heap(6)};

    drive(&r->m, F_MUST, 2, SIZE);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_DEVICE_ID), 5);
    use(r, 8);
    assert_int_equal(there(r, 8), 0xff);
    give(r, INFLATE, up, sizeof(up));
    assert_int_equal(there(r, 8), 0xe9);
    give(r, INFLATE, down, sizeof(down));
    assert_int_equal(there(r, 8), 0x29);
    assert_int_equal(status(r).returned, 5 * PAGE);
    assert_int_equal(*guest(r, HEAP), 'x');
    /* Back again, and empty. */
    give(r, DEFLATE, up, sizeof(up));
    assert_int_equal(*guest(r, HEAP + PAGE), 0);
    assert_int_equal(there(r, 2), 3);
    assert_false(needs_reset(&r->m));
}

/* Numbers in pieces of any size are put together. */
static void numbers_in_several_buffers(void **state)
{
    struct rig *r = *state;
    const uint32_t pfn[] = {heap(0), heap(1)};
    struct ring *ring = &r->m.rings[INFLATE];

    drive(&r->m, F_MUST, 2, SIZE);
    use(r, 3);
    memcpy(guest(r, PFNS), pfn, sizeof(pfn));
    ring_desc(ring, 0, PFNS, 3, NEXT, 1);
    ring_desc(ring, 1, PFNS + 3, 0, NEXT, 2);
    ring_desc(ring, 2, PFNS + 3, 5, 0, 0);
    ring_offer(ring, 0);
    kick(&r->m, INFLATE);
    spin(&r->m);
    assert_taken(r, INFLATE, 0);
    assert_int_equal(there(r, 3), 4);
}

/* hostile case 34 */
static void numbers_that_are_not_the_guests(void **state)
{
    struct rig *r = *state;
    const uint32_t pfn[] = {
        (uint32_t)(RAM / PAGE), heap(0), UINT32_MAX, heap(0), 0xc0000, heap(0),
        UINT32_MAX - 1,         heap(2)};

    drive(&r->m, F_MUST, 2, SIZE);
    use(r, 4);
    give(r, INFLATE, pfn, sizeof(pfn));
    assert_int_equal(there(r, 4), 0xa);
    assert_int_equal(status(r).returned, 4 * PAGE);
    use(r, 4);
    give(r, INFLATE, pfn + 1, 3); /* no number at all */
    give(r, INFLATE, pfn + 1, 7); /* one, and three bytes */
    assert_int_equal(there(r, 4), 0xe);
    give(r, INFLATE, pfn, 0);
    give(r, DEFLATE, pfn, sizeof(pfn));
    assert_false(needs_reset(&r->m));
    assert_int_equal(status(r).actual, RAM);
}

/* Larger than all of RAM, over many turns; others have theirs meanwhile. */
static void a_chain_of_a_million_numbers(void **state)
{
    struct rig *r = *state;

    drive(&r->m, F_MUST, 2, SIZE);
    use(r, 4);
    ring_desc(&r->m.rings[INFLATE], 0, DATA, (uint32_t)(2 * MIB), 0, 0);
    ring_offer(&r->m.rings[INFLATE], 0);
    kick(&r->m, INFLATE);
    spin(&r->m);
    assert_false(is_taken(r, INFLATE));
    give(r, DEFLATE, (uint32_t[]){0}, 4);
    for (unsigned i = 0; i < 200 && !is_taken(r, INFLATE); i++)
        spin(&r->m);
    assert_int_equal(ring_used_idx(&r->m.rings[INFLATE]), 1);
}

static void reset_in_the_middle_of_a_chain(void **state)
{
    struct rig *r = *state;

    drive(&r->m, F_MUST, 2, SIZE);
    ring_desc(&r->m.rings[INFLATE], 0, DATA, (uint32_t)(2 * MIB), 0, 0);
    ring_offer(&r->m.rings[INFLATE], 0);
    kick(&r->m, INFLATE);
    spin(&r->m);
    drive(&r->m, F_MUST, 2, SIZE);
    use(r, 2);
    spin(&r->m);
    assert_int_equal(there(r, 2), 3);
    give(r, INFLATE, (uint32_t[]){heap(0)}, 4);
    assert_int_equal(there(r, 2), 2);
}

/* ---- reports ---- */

static void report_on(struct rig *r, unsigned q, uint64_t features, unsigned n)
{
    struct ring *ring;

    drive(&r->m, F_MUST | features, n, SIZE);
    ring = &r->m.rings[q];
    use(r, 8);
    ring_desc(ring, 0, HEAP, 2 * PAGE, NEXT | WRITABLE, 1);
    ring_desc(ring, 1, HEAP + 3 * PAGE, PAGE, NEXT | WRITABLE, 2);
    ring_desc(ring, 2, HEAP + 5 * PAGE + 1, 2 * PAGE, WRITABLE, 0);
    ring_offer(ring, 0);
    kick(&r->m, q);
    spin(&r->m);
    assert_taken(r, q, 0);
    assert_int_equal(there(r, 8), 0xb4);
}

/* Whatever number a driver thinks the queue has. */
static void reports_on_any_queue(void **state)
{
    report_on(*state, 2, F_REPORTS, 3);
    report_on(*state, 3, F_REPORTS | F_STATS, 4);
    report_on(*state, 4, F_REPORTS | F_STATS, 5);
}

static void a_report_of_everything(void **state)
{
    struct rig *r = *state;
    struct ring *ring = &r->m.rings[3];

    drive(&r->m, F_MUST | F_REPORTS | F_STATS, 4, SIZE);
    use(r, 4);
    /* All but the rings. */
    for (uint16_t i = 0; i < SIZE - 1; i++)
        ring_desc(ring, i, DATA, (uint32_t)(RAM - DATA), NEXT | WRITABLE,
                  (uint16_t)(i + 1));
    ring_desc(ring, SIZE - 1, DATA, (uint32_t)(RAM - DATA), WRITABLE, 0);
    ring_offer(ring, 0);
    kick(&r->m, 3);
    for (unsigned i = 0; i < 10; i++)
        spin(&r->m);
    assert_taken(r, 3, 0);
    assert_int_equal(there(r, 4), 0);
    assert_int_equal(status(r).returned, SIZE * (RAM - DATA));
}

static void a_report_that_may_only_be_read(void **state)
{
    struct rig *r = *state;

    drive(&r->m, F_MUST | F_REPORTS | F_STATS, 4, SIZE);
    use(r, 1);
    ring_desc(&r->m.rings[3], 0, HEAP, PAGE, 0, 0);
    ring_offer(&r->m.rings[3], 0);
    kick(&r->m, 3);
    spin(&r->m);
    assert_taken(r, 3, 0);
    assert_int_equal(there(r, 1), 1);
}

/* ---- target ---- */

static uint32_t wanted(struct rig *r)
{
    return rd(&r->m, VIRTIO_MMIO_CONFIG);
}

static void the_target(void **state)
{
    struct rig *r = *state;

    assert_int_equal(wanted(r), 0);
    vballoon_set_target(r->dev, RAM - MIB);
    assert_int_equal(wanted(r), MIB / PAGE);
    drive(&r->m, F_MUST, 2, SIZE);
    vballoon_set_target(r->dev, RAM / 2);
    spin(&r->m);
    assert_int_equal(interrupts(&r->m), 1);
    assert_int_equal(wanted(r), RAM / 2 / PAGE);
    vballoon_set_target(r->dev, RAM / 2);
    spin(&r->m);
    assert_int_equal(interrupts(&r->m), 0);
    vballoon_set_target(r->dev, 2 * RAM);
    assert_int_equal(wanted(r), 0);
}

static void what_the_driver_has_given_up(void **state)
{
    struct rig *r = *state;

    assert_false(status(r).driven);
    drive(&r->m, F_MUST, 2, SIZE);
    wr(&r->m, VIRTIO_MMIO_CONFIG + 4, 256);
    assert_true(status(r).driven);
    assert_int_equal(status(r).actual, RAM - MIB);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_CONFIG + 4), 256);
    wr(&r->m, VIRTIO_MMIO_CONFIG, 99); /* not the driver's */
    assert_int_equal(wanted(r), 0);
    wr(&r->m, VIRTIO_MMIO_CONFIG + 4, UINT32_MAX); /* more than there is */
    assert_int_equal(status(r).actual, 0);
    wr(&r->m, VIRTIO_MMIO_STATUS, 0);
    spin(&r->m);
    assert_int_equal(status(r).actual, RAM);
}

/* ---- statistics ---- */

struct stat_entry {
    uint16_t tag;
    uint64_t value;
};

static uint32_t write_stats(struct rig *r, const struct stat_entry *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct virtio_balloon_stat s = {e[i].tag, e[i].value};

        memcpy(guest(r, DATA + i * sizeof(s)), &s, sizeof(s));
    }
    return (uint32_t)(n * sizeof(struct virtio_balloon_stat));
}

static void offer_stats(struct rig *r, uint32_t bytes)
{
    ring_desc(&r->m.rings[STATS], 0, DATA, bytes, 0, 0);
    ring_offer(&r->m.rings[STATS], 0);
    kick(&r->m, STATS);
    spin(&r->m);
}

static void statistics_are_asked_for(void **state)
{
    static const struct stat_entry first[] = {{VIRTIO_BALLOON_S_MEMFREE, 1000},
                                              {VIRTIO_BALLOON_S_MEMTOT, 5000},
                                              {VIRTIO_BALLOON_S_AVAIL, 3000}};
    static const struct stat_entry second[] = {{VIRTIO_BALLOON_S_MEMFREE, 7}};
    struct rig *r = *state;

    drive(&r->m, F_MUST | F_STATS, 3, SIZE);
    assert_int_equal(status(r).age, VBALLOON_UNKNOWN);
    offer_stats(r, write_stats(r, first, 3));
    assert_false(is_taken(r, STATS)); /* kept until somebody asks */
    assert_int_equal(status(r).free, 1000);
    spin(&r->m);
    assert_taken(r, STATS, 0);
    assert_int_equal(interrupts(&r->m), 1);
    assert_int_equal(status(r).available, 3000);
    assert_int_equal(status(r).total, 5000);
    assert_true(status(r).age <= 1);
    offer_stats(r, write_stats(r, second, 1));
    assert_int_equal(status(r).free, 7);
    assert_int_equal(status(r).total, VBALLOON_UNKNOWN);
}

static void statistics_of_no_sense(void **state)
{
    static struct stat_entry many[200];
    struct rig *r = *state;

    drive(&r->m, F_MUST | F_STATS, 3, SIZE);
    for (unsigned i = 0; i < 200; i++)
        many[i] = (struct stat_entry){(uint16_t)(i * 331), i};
    offer_stats(r, write_stats(r, many, 200));
    status(r);
    offer_stats(r, 0);
    assert_int_equal(status(r).age, VBALLOON_UNKNOWN);
    spin(&r->m);
    offer_stats(r, 9);
    status(r);
    spin(&r->m);
    /* Two at once: the second waits its turn. */
    many[0] = (struct stat_entry){VIRTIO_BALLOON_S_MEMFREE, 5};
    ring_desc(&r->m.rings[STATS], 1, DATA, write_stats(r, many, 1), 0, 0);
    ring_offer(&r->m.rings[STATS], 1);
    offer_stats(r, 9);
    assert_int_equal(status(r).free, 5);
    assert_int_equal(status(r).age, VBALLOON_UNKNOWN); /* of the second */
    assert_false(needs_reset(&r->m));
}

static void a_broken_ring(void **state)
{
    struct rig *r = *state;

    drive(&r->m, F_MUST | F_STATS, 3, SIZE);
    offer_stats(r, 0);
    ring_offer(&r->m.rings[INFLATE], 0x4000);
    kick(&r->m, INFLATE);
    spin(&r->m);
    assert_true(needs_reset(&r->m));
    status(r);
    vballoon_set_target(r->dev, 0);
    spin(&r->m);
    drive(&r->m, F_MUST | F_STATS, 3, SIZE);
    use(r, 1);
    give(r, INFLATE, (uint32_t[]){heap(0)}, 4);
    assert_int_equal(there(r, 1), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(inflated_pages_are_the_hosts),
        TEST(numbers_in_several_buffers),
        TEST(numbers_that_are_not_the_guests),
        TEST(a_chain_of_a_million_numbers),
        TEST(reset_in_the_middle_of_a_chain),
        TEST(reports_on_any_queue),
        TEST(a_report_of_everything),
        TEST(a_report_that_may_only_be_read),
        TEST(the_target),
        TEST(what_the_driver_has_given_up),
        TEST(statistics_are_asked_for),
        TEST(statistics_of_no_sense),
        TEST(a_broken_ring),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
