// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The block back-end and a driver that keeps the rules: every request, both
 * layouts, rings of every size, and coming and going. Numbers are those of
 * the hostile cases.
 */
#include "xblk_rig.h"

static void reads_and_writes_of(struct rig *r)
{
    struct blkif_request req;

    go(r);
    memset(r->pages[0], 0x5a, GUEST_PAGE);
    req = request(r, BLKIF_OP_WRITE, 3, 1);
    req.seg[0].first_sect = 2;
    req.seg[0].last_sect = 3;
    assert_int_equal(ask(r, &req), BLKIF_RSP_OKAY);
    assert_int_equal(r->blk->data[3 * 512 - 1], 2);
    assert_int_equal(r->blk->data[3 * 512], 0x5a);
    assert_int_equal(r->blk->data[5 * 512 - 1], 0x5a);
    assert_int_equal(r->blk->data[5 * 512], 5);
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 4, 11), BLKIF_RSP_OKAY);
    assert_int_equal(r->pages[0][0], 0x5a);
    for (unsigned i = 1; i < 88; i++)
        assert_int_equal(r->pages[i / 8][i % 8 * 512], 4 + i);
    assert_int_equal(ask_for(r, BLKIF_OP_FLUSH_DISKCACHE, 0, 0), 0);
    assert_int_equal(r->blk->submitted[BLK_FLUSH], 1);
    assert_nothing_held(r);
}

static void reads_and_writes(void **state)
{
    struct rig *r = *state;

    tell(&r->front, "protocol", "x86_64-abi");
    reads_and_writes_of(r);
}

/* A driver that does not say has the layout of its kind. */
static void native_protocol(void **state)
{
    reads_and_writes_of(*state);
}

static void a_32_bit_guest(void **state)
{
    struct rig *r = *state;

    r->is32 = true;
    tell(&r->front, "protocol", "x86_32-abi");
    reads_and_writes_of(r);
}

static void what_the_driver_is_told(void **state)
{
    struct rig *r = *state;
    const struct xen_front *f = &r->front;
    char text[256];

    assert_int_equal(asked(f, "sectors"), DISK_BYTES / 512);
    assert_int_equal(asked(f, "sector-size"), 512);
    assert_int_equal(asked(f, "physical-sector-size"), 4096);
    assert_int_equal(asked(f, "info"), 0);
    assert_int_equal(asked(f, "feature-flush-cache"), 1);
    assert_int_equal(asked(f, "feature-barrier"), 1);
    assert_int_equal(asked(f, "feature-persistent"), 0);
    assert_int_equal(asked(f, "feature-discard"), 1);
    assert_int_equal(asked(f, "discard-granularity"), 4096);
    assert_int_equal(asked(f, "discard-secure"), 0);
    assert_int_equal(asked(f, "feature-max-indirect-segments"), 256);
    assert_int_equal(asked(f, "max-ring-page-order"), 4);
    assert_int_equal(asked(f, "multi-queue-max-queues"), QUEUES);
    snprintf(text, sizeof(text), "%s/virtual-device", f->front);
    assert_true(xs_exists(r->x.xs, text));
    snprintf(text, sizeof(text), "%s/backend", f->front);
    assert_int_equal(xs_read(r->x.xs, text, text, sizeof(text)),
                     strlen(f->back));
    assert_string_equal(text, f->back);
}

static void cdrom(void **state)
{
    const struct xblk_config cfg = {
        .queues = 1, .vdev = VDEV, .name = "xvda", .cdrom = true};
    struct rig *r = *state;

    xblk_destroy(r->dev);
    r->blk->info.read_only = true;
    plug(r, &cfg);
    assert_int_equal(asked(&r->front, "info"),
                     VDISK_CDROM | VDISK_REMOVABLE | VDISK_READONLY);
    assert_int_equal(asked(&r->front, "feature-discard"), UINT64_MAX);
    go(r);
    assert_int_equal(ask_for(r, BLKIF_OP_WRITE, 0, 1), BLKIF_RSP_ERROR);
    assert_int_equal(ask_for(r, BLKIF_OP_WRITE_BARRIER, 0, 1), BLKIF_RSP_ERROR);
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 0, 1), BLKIF_RSP_OKAY);
    assert_untouched(r);
}

static void numbers_of_disks(void **state)
{
    (void)state;
    assert_int_equal(xblk_vdev(0), 51712);
    assert_int_equal(xblk_vdev(1), 51728);
    assert_int_equal(xblk_vdev(15), 51952);
    assert_int_equal(xblk_vdev(16), (1 << 28) | 16 << 8);
}

/* Many ends of one turn: one publish, one event. */
static void one_event_for_many(void **state)
{
    struct rig *r = *state;
    struct blkif_response rsp;

    go(r);
    for (unsigned i = 0; i < 20; i++) {
        struct blkif_request req = request(r, BLKIF_OP_READ, i, 1);

        req.id = i;
        req.seg[0].gref = r->refs[i];
        req.seg[0].last_sect = 0;
        put_bytes(r, 0, &req);
    }
    kick(r, 0);
    spin(&r->x);
    assert_true(was_told(&r->x, r->queues[0].port));
    for (unsigned i = 0; i < 20; i++) {
        assert_true(take_response(r, 0, &rsp));
        assert_int_equal(rsp.status, 0);
        assert_int_equal(r->pages[rsp.id][0], rsp.id);
    }
    assert_false(was_told(&r->x, r->queues[0].port));
}

/* Rings of every size, filled to the last slot, again and again. */
static void rings_of_many_pages(void **state)
{
    struct rig *r = *state;
    struct blkif_response rsp;

    for (unsigned order = 0; order <= 4; order++) {
        uint32_t *size = &r->queues[0].f.size;

        go_with(r, 1, order);
        for (unsigned turn = 0; turn < 2; turn++) {
            for (unsigned i = 0; i < *size; i++) {
                struct blkif_request req = request(r, BLKIF_OP_READ, i % 64, 1);

                req.id = i;
                put_bytes(r, 0, &req);
            }
            kick(r, 0);
            for (unsigned i = 0; i < *size;) {
                spin(&r->x);
                while (take_response(r, 0, &rsp)) {
                    assert_int_equal(rsp.status, 0);
                    i++;
                }
            }
        }
        untell(&r->front, "ring-ref");
        leave(r);
    }
}

static void two_queues(void **state)
{
    struct rig *r = *state;
    struct blkif_response rsp;

    for (unsigned order = 0; order < 2; order++) {
        go_with(r, 2, order);
        for (unsigned q = 0; q < 2; q++) {
            struct blkif_request req = request(r, BLKIF_OP_READ, 9 + q, 1);

            req.seg[0].gref = r->refs[q];
            put_bytes(r, q, &req);
            kick(r, q);
        }
        spin(&r->x);
        for (unsigned q = 0; q < 2; q++) {
            assert_true(was_told(&r->x, r->queues[q].port));
            assert_true(take_response(r, q, &rsp));
            assert_int_equal(rsp.status, 0);
            assert_int_equal(r->pages[q][0], 9 + q);
        }
        leave(r);
    }
}

/* n segments of a sector each, in pages of their own. */
static int ask_indirect(struct rig *r, uint8_t op, uint64_t sector, unsigned n)
{
    struct blkif_request_indirect req = {
        .operation = BLKIF_OP_INDIRECT,
        .indirect_op = op,
        .nr_segments = (uint16_t)n,
        .id = 0x1122334455667788,
        .sector_number = sector,
        .indirect_grefs = {r->refs[PAGES - 1], UNGRANTED},
    };
    unsigned char bytes[112] = {0};

    for (unsigned i = 0; i < n && i < 512; i++) {
        const struct blkif_request_segment seg = {
            .gref = r->refs[i / 8 % (PAGES - 1)],
            .first_sect = i % 8,
            .last_sect = i % 8,
        };

        memcpy(r->pages[PAGES - 1] + i * sizeof(seg), &seg, sizeof(seg));
    }
    memcpy(bytes, &req, sizeof(req));
    put_bytes(r, 0, bytes);
    return answer(r);
}

static void indirect_segments(void **state)
{
    struct rig *r = *state;

    for (unsigned is32 = 0; is32 < 2; is32++) {
        r->is32 = is32;
        tell(&r->front, "protocol", is32 ? "x86_32-abi" : "x86_64-abi");
        go(r);
        for (unsigned n = 1; n <= 184; n += 61) {
            memset(r->pages[0], 0, GUEST_PAGE);
            assert_int_equal(ask_indirect(r, BLKIF_OP_READ, 16, n), 0);
            for (unsigned i = 0; i < n; i++)
                assert_int_equal(r->pages[i / 8][i % 8 * 512], 16 + i);
        }
        memset(r->pages[0], 0x42, GUEST_PAGE);
        assert_int_equal(ask_indirect(r, BLKIF_OP_WRITE, 0, 256), 0);
        assert_int_equal(r->blk->data[0], 0x42);
        fake_number(r->blk, 512, 0);
        assert_int_equal(ask_indirect(r, BLKIF_OP_READ, 0, 257),
                         BLKIF_RSP_ERROR);
        assert_int_equal(ask_indirect(r, BLKIF_OP_READ, 0, 0), BLKIF_RSP_ERROR);
        assert_int_equal(ask_indirect(r, BLKIF_OP_WRITE_BARRIER, 0, 1),
                         BLKIF_RSP_EOPNOTSUPP);
        assert_nothing_held(r);
        leave(r);
    }
}

static void discards(void **state)
{
    struct rig *r = *state;
    struct blkif_request_discard req = {
        .operation = BLKIF_OP_DISCARD,
        .id = 0x1122334455667788,
        .sector_number = 8,
        .nr_sectors = 8,
    };
    struct blkif_request raw = request(r, 0, 0, 0);

    go(r);
    memcpy(&raw, &req, sizeof(req));
    assert_int_equal(ask(r, &raw), 0);
    assert_int_equal(r->blk->data[8 * 512 - 1], 7);
    assert_int_equal(r->blk->data[8 * 512], 0);
    assert_int_equal(r->blk->data[16 * 512 - 1], 0);
    assert_int_equal(r->blk->data[16 * 512], 16);
    req.flag = BLKIF_DISCARD_SECURE;
    memcpy(&raw, &req, sizeof(req));
    assert_int_equal(ask(r, &raw), BLKIF_RSP_EOPNOTSUPP);
    req.flag = 0;
    req.nr_sectors = UINT64_MAX / 256;
    memcpy(&raw, &req, sizeof(req));
    assert_int_equal(ask(r, &raw), BLKIF_RSP_ERROR);
}

static void flush_with_data(void **state)
{
    struct rig *r = *state;

    go(r);
    memset(r->pages[0], 0x11, GUEST_PAGE);
    assert_int_equal(ask_for(r, BLKIF_OP_FLUSH_DISKCACHE, 8, 1), 0);
    assert_int_equal(r->blk->submitted[BLK_FLUSH], 1);
    assert_int_equal(r->blk->submitted[BLK_WRITE], 1);
    assert_int_equal(r->blk->data[8 * 512], 0x11);
}

/* After all before it, before all after it. */
static void barriers_order(void **state)
{
    struct rig *r = *state;
    struct blkif_request req;

    go(r);
    r->blk->manual = true;
    for (unsigned i = 0; i < 5; i++) {
        req = request(r, i == 2 ? BLKIF_OP_WRITE_BARRIER : BLKIF_OP_WRITE,
                      8 * i, 1);
        put_bytes(r, 0, &req);
    }
    kick(r, 0);
    spin(&r->x);
    assert_int_equal(r->blk->in_flight, 2);
    assert_int_equal(r->blk->submitted[BLK_FLUSH], 0);
    fake_end(r->blk, 0);
    spin(&r->x);
    assert_int_equal(r->blk->in_flight, 1);
    assert_int_equal(r->blk->submitted[BLK_FLUSH], 0);
    fake_end(r->blk, 0);
    for (unsigned step = 0; step < 3; step++) {
        spin(&r->x);
        assert_int_equal(r->blk->in_flight, 1);
        assert_int_equal(r->blk->submitted[BLK_FLUSH], step < 2 ? 1 : 2);
        assert_int_equal(r->blk->submitted[BLK_WRITE], step < 1 ? 2 : 3);
        fake_end(r->blk, 0);
    }
    spin(&r->x);
    assert_int_equal(r->blk->in_flight, 2);
    r->blk->manual = false;
    assert_int_equal(answer(r), 0);
    assert_int_equal(r->blk->submitted[BLK_WRITE], 5);
}

static void empty_barrier(void **state)
{
    struct rig *r = *state;

    go(r);
    assert_int_equal(ask_for(r, BLKIF_OP_WRITE_BARRIER, 0, 0), 0);
    assert_int_equal(r->blk->submitted[BLK_FLUSH], 1);
}

/* A barrier whose flush fails fails, and the queue goes on. */
static void barrier_fails(void **state)
{
    struct rig *r = *state;

    go(r);
    r->blk->result = -EIO;
    assert_int_equal(ask_for(r, BLKIF_OP_WRITE_BARRIER, 0, 1), BLKIF_RSP_ERROR);
    assert_nothing_held(r);
    r->blk->result = 0;
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 0, 1), 0);
}

static void host_errors(void **state)
{
    struct rig *r = *state;

    go(r);
    r->blk->result = -EIO;
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 0, 1), BLKIF_RSP_ERROR);
    r->blk->result = -ENOSPC;
    assert_int_equal(ask_for(r, BLKIF_OP_WRITE, 0, 1), BLKIF_RSP_ERROR);
    r->blk->result = -EOPNOTSUPP;
    assert_int_equal(ask_for(r, BLKIF_OP_FLUSH_DISKCACHE, 0, 0),
                     BLKIF_RSP_EOPNOTSUPP);
    assert_nothing_held(r);
}

static void resize(struct rig *r, uint64_t bytes)
{
    r->blk->info.size = bytes;
    r->blk->resized(r->blk->front);
    spin(&r->x);
}

static void on_state(void *owner, const char *path)
{
    unsigned *told = owner;

    (void)path;
    ++*told;
}

static void resize_is_announced(void **state)
{
    struct rig *r = *state;
    unsigned told = 0;
    struct xs_watch w = {.fn = on_state, .owner = &told};
    char path[256];

    snprintf(path, sizeof(path), "%s/state", r->front.back);
    assert_int_equal(xs_watch(r->x.xs, &w, path), 0);
    resize(r, 8 * 512);
    assert_int_equal(told, 1); /* the watch itself */
    assert_int_equal(asked(&r->front, "sectors"), 8);
    go(r);
    told = 0;
    resize(r, 2 * 512);
    assert_int_equal(told, 1);
    assert_int_equal(asked(&r->front, "sectors"), 2);
    assert_int_equal(back_state(&r->front), XenbusStateConnected);
    xs_unwatch(&w);
}

/* Closed and begun again, as by a kernel started by kexec. */
static void reconnects(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0; i < 5; i++) {
        go(r);
        assert_int_equal(ask_for(r, BLKIF_OP_READ, i, 1), 0);
        assert_int_equal(r->pages[0][0], i);
        assert_true(is_held(&r->x, r->queues[0].refs[0]));
        leave(r);
        assert_false(is_held(&r->x, r->queues[0].refs[0]));
    }
}

/* A driver that vanished: the next one just begins. */
static void begins_without_closing(void **state)
{
    struct rig *r = *state;

    go(r);
    r->blk->manual = true;
    put_bytes(r, 0,
              &(struct blkif_request){
                  .nr_segments = 1,
                  .seg = {{r->refs[0], 0, 7}},
              });
    kick(r, 0);
    spin(&r->x);
    assert_int_equal(r->blk->in_flight, 1);
    set_front(&r->front, XenbusStateInitialising);
    assert_int_equal(back_state(&r->front), XenbusStateInitWait);
    assert_int_equal(r->blk->in_flight, 0);
    assert_nothing_held(r);
    r->blk->manual = false;
    go(r);
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 3, 1), 0);
}

/* ---- persistent grants ---- */

static void grants_are_kept(void **state)
{
    struct rig *r = *state;

    assert_int_equal(asked(&r->front, "feature-persistent"), 1);
    tell(&r->front, "feature-persistent", "1");
    go(r);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(ask_for(r, BLKIF_OP_READ, 4, 3), 0);
        assert_int_equal(r->pages[2][0], 20);
        assert_true(is_held(&r->x, r->refs[0]));
        assert_true(is_held(&r->x, r->refs[2]));
        assert_false(is_held(&r->x, r->refs[3]));
    }
    assert_int_equal(gnttab_pins(r->x.gnt), 3 + 1);
    memset(r->pages[1], 0x77, GUEST_PAGE);
    assert_int_equal(ask_for(r, BLKIF_OP_WRITE, 0, 2), 0);
    assert_int_equal(r->blk->data[4096], 0x77);
    leave(r);
    assert_nothing_held(r);
}

static void a_driver_that_keeps_none(void **state)
{
    struct rig *r = *state;

    go(r);
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 4, 3), 0);
    assert_nothing_held(r);
}

/* More grants than are kept: the least recently used is given up. */
static void the_oldest_is_given_up(void **state)
{
    struct rig *r = *state;
    const uint32_t first = 900, many = 1056 + 40;

    tell(&r->front, "feature-persistent", "1");
    for (uint64_t idx = 1; idx < 4; idx++)
        assert_int_equal(gnttab_place(r->x.gnt, idx, (gfn_t){TABLE_GFN + idx}),
                         0);
    go(r);
    for (uint32_t i = 0; i < many; i++) {
        struct blkif_request req = request(r, BLKIF_OP_READ, i % 64, 1);

        grant(&r->x, first + i, 0x300 + i % 64, false);
        req.seg[0].gref = first + i;
        assert_int_equal(ask(r, &req), 0);
        /* One that is used again and again stays. */
        req.seg[0].gref = first;
        assert_int_equal(ask(r, &req), 0);
    }
    assert_int_equal(gnttab_pins(r->x.gnt), 1056 + 1);
    assert_true(is_held(&r->x, first));
    for (uint32_t i = 1; i <= 40; i++)
        assert_false(is_held(&r->x, first + i));
    assert_true(is_held(&r->x, first + 41));
    leave(r);
    assert_int_equal(gnttab_pins(r->x.gnt), 0);
}

#define KEEP(name) \
    cmocka_unit_test_setup_teardown(name, setup_persistent, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_and_writes),
        TEST(native_protocol),
        TEST(a_32_bit_guest),
        TEST(what_the_driver_is_told),
        TEST(cdrom),
        TEST(numbers_of_disks),
        TEST(one_event_for_many),
        TEST(rings_of_many_pages),
        TEST(two_queues),
        TEST(indirect_segments),
        TEST(discards),
        TEST(flush_with_data),
        TEST(barriers_order),
        TEST(empty_barrier),
        TEST(barrier_fails),
        TEST(host_errors),
        TEST(resize_is_announced),
        TEST(reconnects),
        TEST(begins_without_closing),
        KEEP(grants_are_kept),
        KEEP(a_driver_that_keeps_none),
        KEEP(the_oldest_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
