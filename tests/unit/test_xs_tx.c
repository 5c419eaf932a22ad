// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Transactions, and the limits of a guest (hostile case 44). Facts from Xen's
 * docs/misc/xenstore.txt; the limits are those of its xenstored.
 */
#include "xs_rig.h"

static int setup(void **state)
{
    *state = rig_open(NULL);
    return 0;
}

static int teardown(void **state)
{
    rig_close(*state);
    return 0;
}

static void test_isolated(void **state)
{
    struct xs_rig *r = *state;
    uint32_t tx;

    guest_ok(r, XS_WRITE, 0, "a\0old");
    tx = guest_begin(r);
    guest_ok(r, XS_WRITE, tx, "a\0new");
    guest_ok(r, XS_WRITE, tx, "b/c\0new");
    guest_expect(r, XS_READ, tx, "a\0", "new");
    guest_expect(r, XS_READ, 0, "a\0", "old");
    guest_no(r, XS_READ, 0, "b/c\0", "ENOENT");
    guest_expect(r, XS_DIRECTORY, tx, HOME "\0", "a\0b\0");
    guest_ok(r, XS_TRANSACTION_END, tx, "T\0");
    guest_expect(r, XS_READ, 0, "a\0", "new");
    guest_expect(r, XS_READ, 0, "b/c\0", "new");
    guest_no(r, XS_TRANSACTION_END, tx, "T\0", "ENOENT");
    guest_no(r, XS_READ, tx, "a\0", "ENOENT");
}

static void test_abort(void **state)
{
    struct xs_rig *r = *state;
    const uint32_t tx = guest_begin(r);

    guest_ok(r, XS_WRITE, tx, "a\0new");
    guest_ok(r, XS_TRANSACTION_END, tx, "F\0");
    guest_no(r, XS_READ, 0, "a\0", "ENOENT");
}

static void test_conflict(void **state)
{
    struct xs_rig *r = *state;
    uint32_t tx = guest_begin(r);

    /* Somebody else's write, wherever it is. */
    guest_ok(r, XS_WRITE, tx, "a\0mine");
    assert_int_equal(xs_write(r->xs, "/elsewhere", "1"), 0);
    guest_no(r, XS_TRANSACTION_END, tx, "T\0", "EAGAIN");
    guest_no(r, XS_READ, 0, "a\0", "ENOENT");
    /* Its own outside of it counts too. */
    tx = guest_begin(r);
    guest_ok(r, XS_WRITE, tx, "a\0mine");
    guest_ok(r, XS_WRITE, 0, "b\0other");
    guest_no(r, XS_TRANSACTION_END, tx, "T\0", "EAGAIN");
    /* And another transaction's, once it is committed. */
    tx = guest_begin(r);
    {
        const uint32_t second = guest_begin(r);

        guest_ok(r, XS_WRITE, tx, "a\0one");
        guest_ok(r, XS_WRITE, second, "a\0two");
        guest_ok(r, XS_TRANSACTION_END, second, "T\0");
    }
    guest_no(r, XS_TRANSACTION_END, tx, "T\0", "EAGAIN");
    guest_expect(r, XS_READ, 0, "a\0", "two");
    /* One that was thrown away does not. */
    tx = guest_begin(r);
    {
        const uint32_t second = guest_begin(r);

        guest_ok(r, XS_WRITE, second, "a\0three");
        guest_ok(r, XS_TRANSACTION_END, second, "F\0");
    }
    guest_ok(r, XS_WRITE, tx, "a\0one");
    guest_ok(r, XS_TRANSACTION_END, tx, "T\0");
}

/* Who changed nothing has seen one state, and cannot conflict. */
static void test_read_only(void **state)
{
    struct xs_rig *r = *state;
    uint32_t tx;

    guest_ok(r, XS_WRITE, 0, "a\0old");
    tx = guest_begin(r);
    guest_expect(r, XS_READ, tx, "a\0", "old");
    guest_ok(r, XS_WRITE, 0, "a\0new");
    guest_expect(r, XS_READ, tx, "a\0", "old");
    guest_ok(r, XS_MKDIR, tx, "a\0"); /* is there: no change */
    guest_ok(r, XS_TRANSACTION_END, tx, "T\0");
    guest_expect(r, XS_READ, 0, "a\0", "new");
}

static void test_arguments(void **state)
{
    struct xs_rig *r = *state;
    const uint32_t tx = guest_begin(r);

    guest_no(r, XS_TRANSACTION_START, tx, "\0", "EBUSY");
    guest_no(r, XS_TRANSACTION_START, 999, "\0", "EBUSY");
    guest_no(r, XS_TRANSACTION_END, tx, "", "EINVAL");
    guest_no(r, XS_TRANSACTION_END, tx, "T", "EINVAL");
    guest_no(r, XS_TRANSACTION_END, tx, "X\0", "EINVAL");
    guest_no(r, XS_TRANSACTION_END, tx, "T\0T\0", "EINVAL");
    guest_no(r, XS_TRANSACTION_END, 0, "T\0", "ENOENT");
    guest_no(r, XS_TRANSACTION_END, tx + 1, "T\0", "ENOENT");
    guest_no(r, XS_WRITE, tx + 1, "a\0x", "ENOENT");
    /* What has nothing to do with one ignores it. */
    guest_ok(r, XS_WATCH, tx + 1, "w\0t\0");
    guest_expect(r, XS_GET_DOMAIN_PATH, 77, "1\0", "/local/domain/1\0");
    guest_ok(r, XS_TRANSACTION_END, tx, "F\0");
}

/* What a commit changed is told, each node once; nothing before. */
static void test_events(void **state)
{
    struct xs_rig *r = *state;
    uint32_t tx;

    guest_ok(r, XS_WRITE, 0, "w/gone/deep\0x");
    guest_ok(r, XS_WRITE, 0, "w/same\0x");
    guest_ok(r, XS_WRITE, 0, "w/perm\0x");
    guest_ok(r, XS_WRITE, 0, "w/untouched\0x");
    guest_ok(r, XS_WATCH, 0, "w\0t\0");
    guest_event(r, "w", "t");
    guest_ok(r, XS_WATCH, 0, "w/gone/deep\0deep\0");
    guest_event(r, "w/gone/deep", "deep");
    tx = guest_begin(r);
    guest_ok(r, XS_WRITE, tx, "w/new/child\0x");
    guest_ok(r, XS_WRITE, tx, "w/same\0x");
    guest_ok(r, XS_WRITE, tx, "w/same\0x");
    guest_ok(r, XS_SET_PERMS, tx, "w/perm\0n7\0r1\0");
    guest_ok(r, XS_RM, tx, "w/gone\0");
    guest_ok(r, XS_WRITE, tx, "w/short-lived\0x");
    guest_ok(r, XS_RM, tx, "w/short-lived\0");
    guest_quiet(r);
    guest_ok(r, XS_TRANSACTION_END, tx, "T\0");
    guest_event(r, "w/gone", "t");
    guest_event(r, "w/gone/deep", "deep");
    guest_event(r, "w/new", "t");
    guest_event(r, "w/new/child", "t");
    guest_event(r, "w/perm", "t");
    guest_event(r, "w/same", "t");
    guest_quiet(r);
}

static void test_aborted_is_not_told(void **state)
{
    struct xs_rig *r = *state;
    uint32_t tx;

    guest_ok(r, XS_WATCH, 0, "w\0t\0");
    guest_event(r, "w", "t");
    tx = guest_begin(r);
    guest_ok(r, XS_WRITE, tx, "w/a\0x");
    guest_ok(r, XS_TRANSACTION_END, tx, "F\0");
    tx = guest_begin(r);
    guest_ok(r, XS_WRITE, tx, "w/a\0x");
    assert_int_equal(xs_write(r->xs, "/elsewhere", "1"), 0);
    guest_no(r, XS_TRANSACTION_END, tx, "T\0", "EAGAIN");
    guest_quiet(r);
}

/* ---- limits ---- */

static void write_node(struct xs_rig *r, struct answer *a, uint32_t tx,
                       unsigned i, size_t size)
{
    char data[64 + 4096] = "";
    const int n = snprintf(data, 64, "q/%u/%u", i / 32, i % 32);

    memset(data + n + 1, 'v', size);
    guest_ask(r, a, XS_WRITE, tx, data, (size_t)n + 1 + size);
}

static void test_nodes(void **state)
{
    struct xs_rig *r = *state;
    struct xs_usage u;
    struct answer a;
    unsigned made = 0;

    do {
        write_node(r, &a, 0, made++, 1);
    } while (a.head.type == XS_WRITE);
    assert_string_equal(a.data, "ENOSPC");
    xs_usage(r->xs, &u);
    assert_int_equal(u.nodes, 1000);
    guest_no(r, XS_MKDIR, 0, "one-more\0", "ENOSPC");
    /* What is there can be changed; and what is gone made again. */
    guest_ok(r, XS_WRITE, 0, "q/0/0\0v");
    guest_ok(r, XS_RM, 0, "q/0/0\0");
    guest_ok(r, XS_MKDIR, 0, "one-more\0");
    guest_no(r, XS_MKDIR, 0, "two-more\0", "ENOSPC");
    /* Domain 0 has no limit. */
    assert_int_equal(xs_write(r->xs, HOME "/from-dom0", "x"), 0);
    guest_ok(r, XS_RM, 0, "q\0");
    guest_ok(r, XS_WRITE, 0, "q/0/0\0v");
}

/* Nodes a transaction would make count in it. */
static void test_nodes_in_tx(void **state)
{
    struct xs_rig *r = *state;
    const uint32_t tx = guest_begin(r);
    struct xs_usage u;
    struct answer a;
    unsigned made = 0;

    do {
        write_node(r, &a, tx, made++, 1);
    } while (a.head.type == XS_WRITE);
    assert_string_equal(a.data, "ENOSPC");
    xs_usage(r->xs, &u);
    assert_int_equal(u.nodes, 1);
    guest_ok(r, XS_TRANSACTION_END, tx, "T\0");
    xs_usage(r->xs, &u);
    assert_int_equal(u.nodes, 1000);
}

static void test_changes_in_tx(void **state)
{
    struct xs_rig *r = *state;
    const uint32_t tx = guest_begin(r);

    for (unsigned i = 0; i < 1024; i++)
        guest_ok(r, XS_WRITE, tx, "a\0x");
    guest_no(r, XS_WRITE, tx, "a\0x", "ENOSPC");
    guest_no(r, XS_RM, tx, "a\0", "ENOSPC");
    guest_no(r, XS_SET_PERMS, tx, "a\0n7\0", "ENOSPC");
    guest_expect(r, XS_READ, tx, "a\0", "x");
    guest_ok(r, XS_TRANSACTION_END, tx, "T\0");
    guest_expect(r, XS_READ, 0, "a\0", "x");
}

static void test_transactions(void **state)
{
    struct xs_rig *r = *state;
    uint32_t tx[10];

    for (unsigned i = 0; i < 10; i++)
        tx[i] = guest_begin(r);
    guest_no(r, XS_TRANSACTION_START, 0, "\0", "ENOSPC");
    guest_ok(r, XS_TRANSACTION_END, tx[4], "F\0");
    tx[4] = guest_begin(r);
    for (unsigned i = 0; i < 10; i++) {
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(tx[i], tx[j]);
        guest_ok(r, XS_TRANSACTION_END, tx[i], "T\0");
    }
}

static void test_watches(void **state)
{
    struct xs_rig *r = *state;
    struct answer a;
    char data[32];

    for (unsigned i = 0; i < 128; i++) {
        const int n = snprintf(data, sizeof(data), "w%cx%u", '\0', i) + 1;

        guest_ask(r, &a, XS_WATCH, 0, data, (size_t)n);
        assert_int_equal(a.head.type, XS_WATCH);
    }
    guest_no(r, XS_WATCH, 0, "w\0one more\0", "E2BIG");
    guest_ok(r, XS_UNWATCH, 0, "w\0x5\0");
    guest_ok(r, XS_WATCH, 0, "w\0one more\0");
}

static void test_node_size(void **state)
{
    struct xs_rig *r = *state;
    char data[2 + 2049] = "a";
    struct answer a;

    memset(data + 2, 'v', sizeof(data) - 2);
    guest_ask(r, &a, XS_WRITE, 0, data, sizeof(data));
    assert_string_equal(a.data, "ENOSPC");
    guest_ask(r, &a, XS_WRITE, 0, data, sizeof(data) - 1);
    assert_int_equal(a.head.type, XS_WRITE);
    /* It is full: neither more value nor a child. */
    guest_no(r, XS_MKDIR, 0, "a/b\0", "ENOSPC");
    guest_ask(r, &a, XS_WRITE, 0, data, sizeof(data));
    assert_string_equal(a.data, "ENOSPC");
    guest_ok(r, XS_WRITE, 0, "a\0short");
    guest_ok(r, XS_MKDIR, 0, "a/b\0");
}

/* However it is done, a guest makes us keep no more than its share. */
static void test_memory(void **state)
{
    struct xs_rig *r = *state;
    uint32_t tx[10];
    struct xs_usage u;
    struct answer a;

    for (unsigned i = 0; i < 10; i++) {
        tx[i] = guest_begin(r);
        for (unsigned n = 0; n < 900; n++)
            write_node(r, &a, tx[i], n, 1900);
        xs_usage(r->xs, &u);
        assert_in_range(u.bytes, 1, 2560 * KIB);
    }
    assert_int_equal(a.head.type, XS_ERROR);
    assert_string_equal(a.data, "ENOMEM");
    assert_in_range(u.bytes, 2500 * KIB, 2560 * KIB);
    /* Little is left, but it can still clean up. */
    for (unsigned i = 0; i < 10; i++)
        guest_ok(r, XS_TRANSACTION_END, tx[i], "F\0");
    xs_usage(r->xs, &u);
    assert_int_equal(u.bytes, 0);
    guest_ok(r, XS_WRITE, 0, "q/0/0\0v");
}

/* Full of nodes: removing them needs no memory. */
static void test_full_can_remove(void **state)
{
    static const struct xs_limits tight = {
        .nodes = 1000,
        .watches = 128,
        .transactions = 10,
        .changes = 1024,
        .node_bytes = 2048,
        .total_bytes = 64 * KIB,
    };
    struct xs_rig *r = *state;
    char token[2002] = "q";
    struct answer a;
    unsigned n = 0;

    memset(token + 2, 't', sizeof(token) - 3);
    rig_close(r);
    r = *state = rig_open(&tight);
    do {
        write_node(r, &a, 0, n++, 1000);
    } while (a.head.type == XS_WRITE);
    assert_string_equal(a.data, "ENOMEM");
    assert_in_range(n, 40, 64);
    guest_ask(r, &a, XS_WATCH, 0, token, sizeof(token));
    assert_string_equal(a.data, "ENOMEM");
    guest_ok(r, XS_RM, 0, "q\0");
    guest_ok(r, XS_WRITE, 0, "q/0/0\0v");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_isolated),
        T(test_abort),
        T(test_conflict),
        T(test_read_only),
        T(test_arguments),
        T(test_events),
        T(test_aborted_is_not_told),
        T(test_nodes),
        T(test_nodes_in_tx),
        T(test_changes_in_tx),
        T(test_transactions),
        T(test_watches),
        T(test_node_size),
        T(test_memory),
        T(test_full_can_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
