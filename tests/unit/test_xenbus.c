// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device that the operator takes out: what a tool stack writes, and what a
 * driver sees, which is the protocol of Xen's own back-ends (xen/io/xenbus.h,
 * `online` in io/blkif.h). The device is a disk.
 */
#include "xblk_rig.h"

static void set_online(struct rig *r, const char *value)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/online", r->front.back);
    assert_int_equal(xs_write(r->x.xs, path, value), 0);
    spin(&r->x);
}

static bool is_there(const struct rig *r)
{
    const bool back = xs_exists(r->x.xs, r->front.back);

    assert_int_equal(xs_exists(r->x.xs, r->front.front), back);
    return back;
}

/* It is told, served until it closes, and then there is nothing. */
static void a_driver_that_closes(void **state)
{
    struct rig *r = *state;

    go(r);
    set_online(r, "0");
    assert_int_equal(back_state(&r->front), XenbusStateClosing);
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 3, 1), BLKIF_RSP_OKAY);
    set_front(&r->front, XenbusStateClosing);
    assert_int_equal(back_state(&r->front), XenbusStateClosing);
    assert_false(is_held(&r->x, r->queues[0].refs[0]));
    assert_true(is_there(r));
    set_front(&r->front, XenbusStateClosed);
    assert_false(is_there(r));
    /* Nothing that happens to the disk makes a node. */
    r->blk->info.size = DISK_BYTES / 2;
    r->blk->resized(r->blk->front);
    spin(&r->x);
    assert_false(is_there(r));
}

/* The state is written too, by who does as libxl does. */
static void as_a_tool_stack(void **state)
{
    struct rig *r = *state;
    char path[128];

    go(r);
    snprintf(path, sizeof(path), "%s/state", r->front.back);
    assert_int_equal(xs_write(r->x.xs, path, "5"), 0);
    set_online(r, "0");
    assert_int_equal(back_state(&r->front), XenbusStateClosing);
    set_front(&r->front, XenbusStateClosed);
    assert_false(is_there(r));
}

static void a_driver_that_never_came(void **state)
{
    struct rig *r = *state;

    set_online(r, "0");
    assert_false(is_there(r));
}

/* It had closed, for reasons of its own. */
static void a_driver_that_left(void **state)
{
    struct rig *r = *state;

    go(r);
    set_front(&r->front, XenbusStateClosed);
    set_online(r, "0");
    assert_false(is_there(r));
}

/* Requests on their way are brought to an end first. */
static void in_flight(void **state)
{
    struct rig *r = *state;
    const struct blkif_request req = request(r, BLKIF_OP_READ, 0, 1);

    go(r);
    r->blk->manual = true;
    put_bytes(r, 0, &req);
    kick(r, 0);
    spin(&r->x);
    set_online(r, "0");
    assert_int_equal(r->blk->in_flight, 1);
    set_front(&r->front, XenbusStateClosed);
    assert_int_equal(r->blk->in_flight, 0);
    assert_nothing_held(r);
    assert_false(is_there(r));
}

/* A driver that begins again instead, as after kexec, is not let in. */
static void a_driver_that_begins_again(void **state)
{
    struct rig *r = *state;

    go(r);
    set_online(r, "0");
    set_front(&r->front, XenbusStateInitialising);
    assert_int_equal(back_state(&r->front), XenbusStateClosing);
    assert_false(is_held(&r->x, r->queues[0].refs[0]));
    set_front(&r->front, XenbusStateInitialised);
    assert_int_equal(back_state(&r->front), XenbusStateClosing);
    set_front(&r->front, XenbusStateClosed);
    assert_false(is_there(r));
}

/* Anything but 1 is 0; and 1 again, before the driver closed, is a pardon. */
static void a_change_of_mind(void **state)
{
    struct rig *r = *state;

    set_online(r, "1");
    go(r);
    set_online(r, "");
    assert_int_equal(back_state(&r->front), XenbusStateClosing);
    set_online(r, "1");
    leave(r);
    go(r);
    assert_int_equal(ask_for(r, BLKIF_OP_READ, 3, 1), BLKIF_RSP_OKAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_driver_that_closes),
        TEST(as_a_tool_stack),
        TEST(a_driver_that_never_came),
        TEST(a_driver_that_left),
        TEST(in_flight),
        TEST(a_driver_that_begins_again),
        TEST(a_change_of_mind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
