// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A domain in the store: the tree, as its guest sees it over the ring with
 * event channels; and what is asked of it. Facts from Xen's
 * docs/misc/xenstore-paths.
 */
#include "xs_rig.h"

#include "pvabi/xs_domain.h"

#define MEM   (1 * MIB)
#define FRAME 5u
#undef HOME
#define HOME "/local/domain/1"

/* A guest with event channels, whose page is RAM. */
struct domain_rig {
    struct xs_rig r;
    struct gmem *mem;
    struct shinfo *si;
    struct evtchn *e;
    struct xs_domain *d;
    struct loop_op dispatch;
};

static void on_upcall(void *ctx, unsigned vcpu)
{
    (void)ctx;
    assert_int_equal(vcpu, 0);
}

static void on_wake(void *ctx)
{
    (void)ctx;
}

static void on_post(void *ctx)
{
    struct domain_rig *r = ctx;

    loop_post(r->r.loop, &r->dispatch);
}

static void on_dispatch(struct loop_op *op, int res)
{
    struct domain_rig *r = op->owner;

    (void)res;
    evtchn_dispatch(r->e);
}

static void guest_event_send(struct xs_rig *r)
{
    struct domain_rig *d = (struct domain_rig *)r;
    union evtchn_arg a = {.send = {.port = xs_domain_port(d->d)}};

    assert_int_equal(evtchn_op(d->e, EVTCHNOP_send, &a), 0);
}

static void make(struct domain_rig *r)
{
    const struct evtchn_config ev = {
        .shinfo = r->si,
        .mem = r->mem,
        .domid = XEN_GUEST_DOMID,
        .ops = {.upcall = on_upcall,
                .post = on_post,
                .poll_wake = on_wake,
                .ctx = r},
    };
    const struct xs_domain_config cfg = {
        .loop = r->r.loop,
        .events = r->e = evtchn_create(&ev),
        .name = "tester",
        .uuid = {0x12, 0x34, [15] = 0xff},
        .cpus = 3,
        .memory = 512 * MIB,
        .target = 256 * MIB,
        .page = win_of(r->r.page.bytes, GUEST_PAGE),
        .frame = FRAME,
    };

    assert_non_null(r->e);
    r->d = xs_domain_create(&cfg);
    assert_non_null(r->d);
    r->r.xs = xs_domain_store(r->d);
}

static int setup(void **state)
{
    struct domain_rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    log_set_level(LOG_ERROR);
    pthread_mutex_init(&r->r.lock, NULL);
    assert_int_equal(loop_create(&r->r.loop, &r->r.lock), 0);
    r->r.kick = guest_event_send;
    r->dispatch = (struct loop_op){.fn = on_dispatch, .owner = r};
    r->mem = gmem_create(MEM, GMEM_ANON);
    r->si = shinfo_create(1);
    assert_non_null(r->mem);
    assert_non_null(r->si);
    make(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct domain_rig *r = *state;

    xs_domain_destroy(r->d);
    loop_drain(r->r.loop, &r->dispatch);
    evtchn_destroy(r->e);
    shinfo_destroy(r->si);
    gmem_destroy(r->mem);
    loop_destroy(r->r.loop);
    pthread_mutex_destroy(&r->r.lock);
    free(r);
    return 0;
}

static void test_tree(void **state)
{
    struct domain_rig *d = *state;
    struct xs_rig *r = &d->r;
    char want[32];

    guest_expect(r, XS_DIRECTORY, 0, HOME "\0",
                 "attr\0control\0cpu\0data\0device\0domid\0drivers\0error\0"
                 "feature\0memory\0name\0store\0vm\0");
    guest_expect(r, XS_READ, 0, "name\0", "tester");
    guest_expect(r, XS_READ, 0, "domid\0", "1");
    guest_expect(r, XS_READ, 0, "vm\0",
                 "/vm/12340000-0000-0000-0000-0000000000ff");
    guest_expect(r, XS_READ, 0,
                 "/vm/12340000-0000-0000-0000-0000000000ff/name\0", "tester");
    guest_expect(r, XS_READ, 0, "cpu/2/availability\0", "online");
    guest_no(r, XS_READ, 0, "cpu/3/availability\0", "ENOENT");
    guest_expect(r, XS_READ, 0, "memory/static-max\0", "524288");
    guest_expect(r, XS_READ, 0, "memory/target\0", "262144");
    guest_expect(r, XS_READ, 0, "store/ring-ref\0", "5");
    snprintf(want, sizeof(want), "%u", xs_domain_port(d->d));
    {
        struct answer a;

        guest_ask(r, &a, XS_READ, 0, "store/port", sizeof("store/port"));
        assert_string_equal(a.data, want);
    }
    guest_expect(r, XS_READ, 0, "control/shutdown\0", "");
}

/* What is its own it writes, and nothing else. */
static void test_whose(void **state)
{
    struct xs_rig *r = *state;

    guest_ok(r, XS_WRITE, 0, "control/shutdown\0");
    guest_ok(r, XS_WRITE, 0, "control/sysrq\0");
    guest_ok(r, XS_WRITE, 0,
             "control/feature-suspend\0"
             "1");
    guest_ok(r, XS_WRITE, 0,
             "device/suspend/event-channel\0"
             "7");
    guest_ok(r, XS_WRITE, 0, "data/a/b\0mine");
    guest_ok(r, XS_WRITE, 0,
             "attr/vif/0/ipv4/0\0"
             "10.0.0.1");
    guest_no(r, XS_WRITE, 0, "name\0x", "EACCES");
    guest_no(r, XS_WRITE, 0, "control/feature-new\0x", "EACCES");
    guest_no(r, XS_WRITE, 0,
             "memory/target\0"
             "1",
             "EACCES");
    guest_no(r, XS_WRITE, 0, "device/vbd/768/state\0x", "EACCES");
    guest_no(r, XS_WRITE, 0, "new\0x", "EACCES");
    guest_no(r, XS_RM, 0, "control\0", "EACCES");
    guest_no(r, XS_READ, 0, "/local/domain/0/name\0", "EACCES");
}

static void test_orders(void **state)
{
    struct domain_rig *d = *state;
    struct xs_rig *r = &d->r;

    assert_false(xs_domain_listens(d->r.xs));
    guest_ok(r, XS_WATCH, 0, "control/shutdown\0s\0");
    assert_true(xs_domain_listens(d->r.xs));
    guest_event(r, "control/shutdown", "s");
    assert_int_equal(xs_domain_order(d->r.xs, XS_ORDER_POWEROFF), 0);
    guest_event(r, "control/shutdown", "s");
    guest_expect(r, XS_READ, 0, "control/shutdown\0", "poweroff");
    guest_ok(r, XS_WRITE, 0, "control/shutdown\0");
    assert_int_equal(xs_domain_order(d->r.xs, XS_ORDER_REBOOT), 0);
    guest_expect(r, XS_READ, 0, "control/shutdown\0", "reboot");
    /* A second wish replaces the first. */
    assert_int_equal(xs_domain_order(d->r.xs, XS_ORDER_HALT), 0);
    guest_expect(r, XS_READ, 0, "control/shutdown\0", "halt");
    guest_ok(r, XS_WRITE, 0,
             "control/feature-suspend\0"
             "0");
    assert_int_equal(xs_domain_order(d->r.xs, XS_ORDER_SUSPEND), -EOPNOTSUPP);
    guest_expect(r, XS_READ, 0, "control/shutdown\0", "halt");
    guest_ok(r, XS_WRITE, 0,
             "control/feature-suspend\0"
             "1");
    assert_int_equal(xs_domain_order(d->r.xs, XS_ORDER_SUSPEND), 0);
    guest_expect(r, XS_READ, 0, "control/shutdown\0", "suspend");
    guest_ok(r, XS_WRITE, 0, "control/feature-suspend\0rubbish");
    assert_int_equal(xs_domain_order(d->r.xs, XS_ORDER_SUSPEND), 0);
}

static void test_sysrq(void **state)
{
    struct domain_rig *d = *state;

    assert_int_equal(xs_domain_sysrq(d->r.xs, 's'), 0);
    guest_expect(&d->r, XS_READ, 0, "control/sysrq\0", "s");
    assert_int_equal(xs_domain_sysrq(d->r.xs, '\0'), -EINVAL);
    assert_int_equal(xs_domain_sysrq(d->r.xs, ' '), -EINVAL);
    assert_int_equal(xs_domain_sysrq(d->r.xs, '\n'), -EINVAL);
}

static void test_memory(void **state)
{
    struct domain_rig *d = *state;
    struct xs_rig *r = &d->r;

    guest_ok(r, XS_WATCH, 0, "memory/target\0m\0");
    guest_event(r, "memory/target", "m");
    assert_int_equal(xs_domain_memory(d->d), 256 * MIB);
    assert_int_equal(xs_domain_set_memory(d->d, 128 * MIB), 0);
    guest_event(r, "memory/target", "m");
    guest_expect(r, XS_READ, 0, "memory/target\0", "131072");
    assert_int_equal(xs_domain_set_memory(d->d, 512 * MIB + 1), -ERANGE);
    assert_int_equal(xs_domain_set_memory(d->d, 512 * MIB), 0);
    guest_expect(r, XS_READ, 0, "memory/target\0", "524288");
    assert_int_equal(xs_domain_memory(d->d), 512 * MIB);
}

static void test_words(void **state)
{
    enum xs_order order = XS_ORDER_POWEROFF;

    (void)state;
    assert_true(xs_domain_order_parse("suspend", &order));
    assert_int_equal(order, XS_ORDER_SUSPEND);
    assert_false(xs_domain_order_parse("crash", &order));
    assert_false(xs_domain_order_parse("", &order));
}

/* The guest closes the port: nobody hears of its requests any more. */
static void test_port_closed(void **state)
{
    struct domain_rig *d = *state;
    union evtchn_arg a = {.close = {.port = xs_domain_port(d->d)}};

    assert_int_equal(evtchn_op(d->e, EVTCHNOP_close, &a), 0);
    assert_int_equal(xs_domain_order(d->r.xs, XS_ORDER_POWEROFF), 0);
    spin(&d->r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_tree),   T(test_whose), T(test_orders),      T(test_sysrq),
        T(test_memory), T(test_words), T(test_port_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
