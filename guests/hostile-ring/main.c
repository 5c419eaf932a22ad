/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile-ring: a driver that writes nonsense into its ring. Numbers are
 * those of the hostile cases: loops (1), long chains (2), indices out of
 * range (3), addresses nobody has (4), sums that wrap (5), lengths (6),
 * directions and indirection (7), the available index (8), a head in use
 * (9), rings over rings (11), a used ring that is scribbled on (12), storms
 * of kicks (19). What must come of it: an error, or NEEDS_RESET; nothing for
 * anybody else. Source: virtio 1.2, 2.7.
 */
#include "abi/layout.h"
#include "console.h"
#include "cpu.h"
#include "hostile.h"
#include "report.h"
#include "string.h"

#define KICKS      50000u
#define KICKS_EACH 5000u

static struct vq_desc table[2 * VQ_MAX] __attribute__((aligned(4096)));

/* The lawful request, by an indirect table of these entries. */
static void by_table(uint32_t type, uint32_t bytes)
{
    hostile_request(type, 0);
    memcpy(table, victim.q.desc, 3 * sizeof(table[0]));
    vq_put(&HOSTILE_HEADER, (uintptr_t)table, bytes, VQ_INDIRECT, 0);
}

/* ---- 1: loops ---- */

static void loop_self(void)
{
    hostile_request(BLK_OUT, 0);
    HOSTILE_DATA.next = 1;
    hostile_fire(0);
    hostile_expect_broken();
}

static void loop_header(void)
{
    hostile_request(BLK_OUT, 0);
    HOSTILE_HEADER.next = 0;
    hostile_fire(0);
    hostile_expect_broken();
}

static void loop_two(void)
{
    hostile_request(BLK_IN, 0);
    HOSTILE_STATUS.flags |= VQ_NEXT;
    HOSTILE_STATUS.next = 1;
    hostile_fire(0);
    hostile_expect_broken();
}

static void loop_indirect(void)
{
    by_table(BLK_IN, 3 * sizeof(table[0]));
    table[2].flags |= VQ_NEXT;
    table[2].next = 1;
    hostile_fire(0);
    hostile_expect_broken();
}

/* ---- 2: chains longer than the queue ---- */

static void long_table(unsigned n)
{
    by_table(BLK_IN, n * (uint32_t)sizeof(table[0]));
    for (unsigned i = 1; i + 1 < n; i++)
        vq_put(&table[i], (uintptr_t)hostile_data, SECTOR, VQ_NEXT | VQ_WRITE,
               (uint16_t)(i + 1));
    table[n - 1] = HOSTILE_STATUS;
    hostile_fire(0);
}

static void long_by_one(void)
{
    long_table(victim.q.size + 1u);
    hostile_expect_refused();
}

static void long_by_double(void)
{
    long_table(2 * VQ_MAX);
    hostile_expect_refused();
}

/* A table of 16 MiB, of which little is used, is no error. */
static void huge_table(void)
{
    by_table(BLK_IN, 1u << 24);
    hostile_fire(0);
    hostile_expect_status(BLK_OK);
}

/* ---- 3: indices out of range ---- */

static void head_out(void)
{
    hostile_request(BLK_IN, 0);
    hostile_fire(victim.q.size);
    hostile_expect_broken();
}

static void head_far_out(void)
{
    hostile_request(BLK_IN, 0);
    hostile_fire(0xffff);
    hostile_expect_broken();
}

static void next_out(void)
{
    hostile_request(BLK_IN, 0);
    HOSTILE_DATA.next = victim.q.size;
    hostile_fire(0);
    hostile_expect_broken();
}

static void next_out_of_table(void)
{
    by_table(BLK_IN, 2 * sizeof(table[0]));
    hostile_fire(0);
    hostile_expect_broken();
}

/* ---- 4 and 5: addresses ---- */

static void at_address(unsigned which, uint64_t addr, uint32_t len)
{
    disk_again(&victim);
    hostile_request(BLK_IN, 0);
    victim.q.desc[which].addr = addr;
    if (len)
        victim.q.desc[which].len = len;
    hostile_fire(0);
    hostile_expect_refused();
}

static void outside_ram(void)
{
    const uint64_t end = hostile_ram_end();
    const uint64_t places[] = {
        LAYOUT_VIRTIO_MMIO, LAYOUT_LAPIC, LAYOUT_IOAPIC, LAYOUT_GED,
        LAYOUT_PCI_MMIO,    LAYOUT_ECAM,  end,           end + (1u << 20),
        LAYOUT_HOLE_END,    1ull << 40,   1ull << 52,    1ull << 63,
        UINT64_MAX - 4095,
    };

    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        for (unsigned which = 0; which < 3; which++)
            at_address(which, places[i], 0);
}

static void across_the_end(void)
{
    const uint64_t end = hostile_ram_end();

    at_address(0, end - 8, 0);
    at_address(1, end - SECTOR / 2, 0);
    at_address(1, LAYOUT_VIRTIO_MMIO - SECTOR / 2, 0);
}

static void table_outside_ram(void)
{
    by_table(BLK_IN, 3 * sizeof(table[0]));
    HOSTILE_HEADER.addr = hostile_ram_end() - 16;
    hostile_fire(0);
    hostile_expect_broken();
}

static void wrapping(void)
{
    for (unsigned which = 0; which < 3; which++) {
        at_address(which, UINT64_MAX - 255, 4096);
        at_address(which, UINT64_MAX, 1);
        at_address(which, UINT64_MAX, 2);
        at_address(which, 1ull << 63, 0xffffffff);
    }
}

/* Each buffer is lawful; the sum has 33 bits. */
static void sum_of_lengths(void)
{
    const uint32_t each = 128u << 20;

    by_table(BLK_IN, 40 * sizeof(table[0]));
    for (unsigned i = 1; i < 39; i++)
        vq_put(&table[i], 1u << 20, each, VQ_NEXT | VQ_WRITE,
               (uint16_t)(i + 1));
    table[39] = HOSTILE_STATUS;
    hostile_fire(0);
    hostile_expect_refused();
}

/* ---- 6: lengths ---- */

static void no_header(void)
{
    hostile_request(BLK_IN, 0);
    HOSTILE_HEADER.len = 0;
    hostile_fire(0);
    hostile_expect_status(BLK_IOERR);
}

static void no_data(void)
{
    hostile_request(BLK_IN, 0);
    HOSTILE_DATA.len = 0;
    hostile_fire(0);
    hostile_expect_status(BLK_OK);
}

static void no_status(void)
{
    hostile_request(BLK_OUT, 0);
    HOSTILE_STATUS.len = 0;
    hostile_fire(0);
    hostile_expect_broken();
    CHECK_EQ("byte that was not to be written", hostile_status(), BLK_NONE);
}

static void endless(void)
{
    for (unsigned which = 0; which < 3; which++)
        at_address(which, 1u << 20, 0xffffffff);
}

/* ---- 7: directions, indirection ---- */

static void readable_status(void)
{
    hostile_request(BLK_OUT, 0);
    HOSTILE_STATUS.flags = 0;
    hostile_fire(0);
    hostile_expect_broken();
    CHECK_EQ("byte that was not to be written", hostile_status(), BLK_NONE);
}

static void readable_data(void)
{
    hostile_request(BLK_IN, 0);
    memset(hostile_data, 0x5a, SECTOR);
    HOSTILE_DATA.flags = VQ_NEXT;
    hostile_fire(0);
    hostile_expect_any();
    CHECK_EQ("data that was not to be written",
             bytes_are(hostile_data, 0x5a, SECTOR), 1);
}

static void writable_data(void)
{
    hostile_request(BLK_OUT, 3);
    HOSTILE_DATA.flags = VQ_NEXT | VQ_WRITE;
    hostile_fire(0);
    hostile_expect_any(); /* nothing is written: the harness compares */
}

static void writable_header(void)
{
    hostile_request(BLK_IN, 0);
    HOSTILE_HEADER.flags |= VQ_WRITE;
    hostile_fire(0);
    hostile_expect_refused();
}

static void writable_first(void)
{
    hostile_request(BLK_OUT, 0);
    HOSTILE_HEADER.flags |= VQ_WRITE;
    hostile_fire(0);
    hostile_expect_broken();
}

static void indirect_goes_on(void)
{
    by_table(BLK_IN, 3 * sizeof(table[0]));
    HOSTILE_HEADER.flags = VQ_INDIRECT | VQ_NEXT;
    HOSTILE_HEADER.next = 1;
    hostile_fire(0);
    hostile_expect_broken();
}

/* Lawful but for its depth. */
static void indirect_nested(void)
{
    by_table(BLK_IN, 2 * sizeof(table[0]));
    vq_put(&table[8], (uintptr_t)hostile_data, SECTOR, VQ_NEXT | VQ_WRITE, 1);
    table[9] = HOSTILE_STATUS;
    vq_put(&table[1], (uintptr_t)&table[8], 2 * sizeof(table[0]), VQ_INDIRECT,
           0);
    hostile_fire(0);
    hostile_expect_broken();
}

static void indirect_sizes(void)
{
    static const uint32_t sizes[] = {0, 1, 15, 17, 47};

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        disk_again(&victim);
        by_table(BLK_IN, sizes[i]);
        hostile_fire(0);
        hostile_expect_broken();
    }
}

static void indirect_unasked(void)
{
    const uint64_t features = victim.dev.features;

    disk_open(&victim, 0, features & ~VIRTIO_F_INDIRECT);
    by_table(BLK_IN, 3 * sizeof(table[0]));
    hostile_fire(0);
    hostile_expect_broken();
    disk_open(&victim, 0, features);
}

/* ---- 8: the available index ---- */

static void publish(uint16_t idx)
{
    hostile_request(BLK_IN, 0);
    vq_publish(&victim.q, idx);
    vq_notify(&victim.q);
}

static void index_jumps(void)
{
    publish((uint16_t)(victim.q.size + 1));
    hostile_expect_broken();
}

static void index_far(void)
{
    publish(0x8000);
    hostile_expect_broken();
}

static void index_back(void)
{
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    hostile_expect_status(BLK_OK);
    publish(0);
    hostile_expect_broken();
}

/* It moves while it is read. Any head it finds is a lawful one. */
static void index_moves(void)
{
    uint16_t idx = 0;

    hostile_request(BLK_IN, 0);
    for (unsigned i = 0; i < KICKS; i++) {
        idx = (uint16_t)(idx * 25173u + 13849u);
        vq_publish(&victim.q, idx);
        if (i % 16 == 0)
            vq_notify(&victim.q);
    }
    hostile_expect_broken();
}

/* Again and again: what vmm says of it must have a limit. */
static void breaks_often(void)
{
    for (unsigned i = 0; i < 100; i++) {
        disk_again(&victim);
        publish(0x8000);
        if (!virtio_await_status(&victim.dev, VIRTIO_NEEDS_RESET,
                                 DISK_PATIENCE))
            test_fail("expected NEEDS_RESET %u times, seen %u", 100, i);
    }
}

/* ---- 9: a head in use ---- */

static void same_head(void)
{
    hostile_request(BLK_IN, 0);
    vq_offer(&victim.q, 0);
    hostile_fire(0);
    (void)virtio_await_status(&victim.dev, VIRTIO_NEEDS_RESET, CLOCK_S / 4);
    CHECK_LE("answers to one head", vq_used_idx(&victim.q), 2);
}

/* The whole ring says the same. */
static void same_head_everywhere(void)
{
    hostile_request(BLK_IN, 0);
    for (unsigned i = 1; i < victim.q.size; i++)
        vq_offer(&victim.q, 0);
    hostile_fire(0);
    (void)virtio_await_status(&victim.dev, VIRTIO_NEEDS_RESET, CLOCK_S / 4);
    CHECK_LE("answers", vq_used_idx(&victim.q), victim.q.size);
}

/* ---- 11: rings over rings; only reads, so that no disk changes ---- */

static void with_place(const struct virtio_place *at)
{
    struct virtio *v = &victim.dev;

    CHECK_EQ("features taken", virtio_begin(v, v->features), 1);
    vq_clear(&victim.q, v, 0, 16);
    hostile_request(BLK_IN, 0);
    v->bus->queue_place(v, 0, at);
    v->bus->queue_enable(v, 0);
    virtio_go(v);
    for (unsigned i = 0; i < 40; i++) {
        hostile_fire((uint16_t)(i % 2));
        hostile_request(BLK_IN, 0);
    }
    hostile_expect_any();
    CHECK_EQ("reset", virtio_reset(v), 1);
}

static void rings_over_rings(void)
{
    struct virtio_place at;

    vq_clear(&victim.q, &victim.dev, 0, 16);
    at = vq_place(&victim.q);
    at.used = at.desc;
    with_place(&at);
    at = vq_place(&victim.q);
    at.used = at.avail;
    with_place(&at);
    at = vq_place(&victim.q);
    at.avail = at.desc;
    with_place(&at);
    at = vq_place(&victim.q);
    at.used = at.avail = at.desc;
    with_place(&at);
}

static void data_over_used(void)
{
    hostile_request(BLK_IN, 0);
    HOSTILE_DATA.addr = (uintptr_t)&victim.q.used;
    hostile_fire(0);
    clock_delay(10 * CLOCK_MS);
    hostile_request(BLK_IN, 0);
    HOSTILE_DATA.addr = (uintptr_t)&victim.q.desc;
    hostile_fire(0);
    clock_delay(10 * CLOCK_MS);
    hostile_request(BLK_IN, 0);
    HOSTILE_DATA.addr = (uintptr_t)&victim.q.avail;
    hostile_fire(0);
    clock_delay(10 * CLOCK_MS);
}

/* ---- 12: the used ring is the device's ---- */

static void scribbled_used(void)
{
    struct vq *q = &victim.q;
    struct vq_used *used = &q->used;

    for (uint16_t n = 1; n < 8; n++) {
        memset(used->ring, 0xee, sizeof(used->ring));
        used->flags = 0xffff;
        __atomic_store_n(&used->idx, (uint16_t)(n * 1000u), __ATOMIC_RELEASE);
        hostile_request(BLK_IN, 0);
        hostile_fire(0);
        if (!clock_wait(vq_used_idx(q) == n, DISK_PATIENCE))
            test_fail("used index: expected %u, seen %u", n, vq_used_idx(q));
        CHECK_EQ("status", hostile_status(), BLK_OK);
        CHECK_EQ("used head", used->ring[n - 1].id, 0);
    }
}

static void poisoned_event(void)
{
    const uint64_t features = victim.dev.features;
    uint16_t event = 0x1234;

    disk_open(&victim, 0, features | VIRTIO_F_EVENT_IDX);
    for (unsigned i = 0; i < 64; i++) {
        event = (uint16_t)(event * 25173u + 13849u);
        victim.q.avail.ring[victim.q.size] = event;
        victim.q.used.ring[victim.q.size].id = event;
        hostile_request(BLK_IN, 0);
        hostile_fire(0);
        hostile_expect_status(BLK_OK);
    }
    disk_open(&victim, 0, features);
}

/* ---- 19: storms ---- */

static void storm(void (*before)(unsigned i))
{
    for (unsigned i = 0; i < KICKS; i++) {
        before(i);
        vq_notify(&victim.q);
        if (i % KICKS_EACH == 0)
            hostile_bystander();
    }
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    hostile_expect_status(BLK_OK);
}

static void nothing(unsigned i)
{
    (void)i;
}

static void flip_suppression(unsigned i)
{
    victim.q.avail.flags = (uint16_t)(i & VQ_NO_INTERRUPT);
    victim.q.used.flags = (uint16_t)(i >> 1);
}

static void kick_storm(void)
{
    storm(nothing);
}

static void suppression_storm(void)
{
    storm(flip_suppression);
}

static const struct hostile_row rows[] = {
    {1, "a data descriptor is its own next", loop_self},
    {1, "a header is its own next", loop_header},
    {1, "two descriptors in a circle", loop_two},
    {1, "a circle in an indirect table", loop_indirect},
    {2, "one descriptor too many", long_by_one},
    {2, "twice as many as the queue has", long_by_double},
    {2, "a table of 16 MiB", huge_table},
    {3, "head = queue size", head_out},
    {3, "head = 65535", head_far_out},
    {3, "next = queue size", next_out},
    {3, "next behind its table", next_out_of_table},
    {4, "buffers outside RAM", outside_ram},
    {4, "buffers across an end of RAM", across_the_end},
    {4, "a table across the end of RAM", table_outside_ram},
    {5, "address and length wrap", wrapping},
    {5, "lengths of more than 4 GiB", sum_of_lengths},
    {6, "a header of no bytes", no_header},
    {6, "data of no bytes", no_data},
    {6, "a status of no bytes", no_status},
    {6, "buffers of 4 GiB", endless},
    {7, "a status to be read", readable_status},
    {7, "read: data to be read", readable_data},
    {7, "write: data to be written", writable_data},
    {7, "read: a header to be written", writable_header},
    {7, "write: a header to be written", writable_first},
    {7, "an indirect descriptor goes on", indirect_goes_on},
    {7, "a table in a table", indirect_nested},
    {7, "tables of broken sizes", indirect_sizes},
    {7, "a table without the feature", indirect_unasked},
    {8, "the index jumps", index_jumps},
    {8, "the index jumps far", index_far},
    {8, "the index goes back", index_back},
    {8, "the index moves while it is read", index_moves},
    {8, "a hundred times over", breaks_often},
    {9, "one head twice", same_head},
    {9, "one head in the whole ring", same_head_everywhere},
    {11, "rings over rings", rings_over_rings},
    {11, "data over rings", data_over_used},
    {12, "a used ring full of nonsense", scribbled_used},
    {12, "event indices of nonsense", poisoned_event},
    {19, "kicks for an empty ring", kick_storm},
    {19, "suppression goes on and off", suppression_storm},
};

void test_main(void)
{
    hostile_main(rows, sizeof(rows) / sizeof(rows[0]));
}
