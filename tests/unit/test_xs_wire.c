// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each verb a guest has, and each error. Facts from Xen's
 * docs/misc/xenstore.txt and io/xs_wire.h.
 */
#include "xs_rig.h"

static int setup(void **state)
{
    struct xs_rig *r = rig_open(NULL);

    assert_int_equal(xs_write(r->xs, "/ro/a", "readable"), 0);
    assert_int_equal(xs_set_perms(r->xs, "/ro", 0, GUEST, XS_R), 0);
    assert_int_equal(xs_set_perms(r->xs, "/ro/a", 0, GUEST, XS_R), 0);
    assert_int_equal(xs_write(r->xs, "/wo", "secret"), 0);
    assert_int_equal(xs_set_perms(r->xs, "/wo", 0, GUEST, XS_W), 0);
    assert_int_equal(xs_write(r->xs, "/rw", "shared"), 0);
    assert_int_equal(xs_set_perms(r->xs, "/rw", 0, GUEST, XS_RW), 0);
    assert_int_equal(xs_write(r->xs, "/no/a", "hidden"), 0);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_close(*state);
    return 0;
}

static void test_read(void **state)
{
    struct xs_rig *r = *state;

    guest_expect(r, XS_READ, 0, "/ro/a\0", "readable");
    guest_expect(r, XS_READ, 0, "/ro\0", "");
    guest_no(r, XS_READ, 0, "/ro/b\0", "ENOENT");
    guest_no(r, XS_READ, 0, "/no/a\0", "EACCES");
    /* Where it may not look it does not learn what is missing. */
    guest_no(r, XS_READ, 0, "/no/b\0", "EACCES");
    guest_no(r, XS_READ, 0, "/wo\0", "EACCES");
    guest_no(r, XS_READ, 0, "none\0", "ENOENT");
}

/* What is no path, in whatever place. */
static void test_bad_paths(void **state)
{
    struct xs_rig *r = *state;
    char path[XENSTORE_ABS_PATH_MAX + 2];
    struct answer a;

    guest_no(r, XS_READ, 0, "\0", "EINVAL");
    guest_no(r, XS_READ, 0, "//\0", "EINVAL");
    guest_no(r, XS_READ, 0, "/ro/\0", "EINVAL");
    guest_no(r, XS_READ, 0, "a/\0", "EINVAL");
    guest_no(r, XS_READ, 0, "a//b\0", "EINVAL");
    guest_no(r, XS_READ, 0, "../0/name\0", "EINVAL");
    guest_no(r, XS_READ, 0, "/ro/a.b\0", "EINVAL");
    guest_no(r, XS_READ, 0, "@releaseDomain/\0", "EINVAL");
    guest_no(r, XS_READ, 0, "/ro/\xff\0", "EINVAL");
    guest_no(r, XS_READ, 0, "/ro/a b\0", "EINVAL");
    /* One argument, with its NUL, and no more. */
    guest_no(r, XS_READ, 0, "/ro/a", "EINVAL");
    guest_no(r, XS_READ, 0, "/ro/a\0/ro/a\0", "EINVAL");
    guest_no(r, XS_READ, 0, "/ro/a\0x", "EINVAL");
    guest_no(r, XS_READ, 0, "", "EINVAL");
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[XENSTORE_ABS_PATH_MAX + 1] = '\0';
    guest_ask(r, &a, XS_READ, 0, path, sizeof(path));
    assert_string_equal(a.data, "EINVAL");
    path[XENSTORE_ABS_PATH_MAX] = '\0';
    guest_ask(r, &a, XS_READ, 0, path, sizeof(path) - 1);
    assert_string_equal(a.data, "EINVAL");
    path[XENSTORE_ABS_PATH_MAX - 1] = '\0';
    guest_ask(r, &a, XS_READ, 0, path, sizeof(path) - 2);
    assert_string_equal(a.data, "EACCES");
}

/* 2048 bytes below its home, by either name. */
static void test_relative_limit(void **state)
{
    struct xs_rig *r = *state;
    char path[sizeof(HOME) + XENSTORE_REL_PATH_MAX + 2] = HOME "/";
    char *rel = path + sizeof(HOME);
    struct answer a;

    memset(rel, 'a', XENSTORE_REL_PATH_MAX + 1);
    guest_ask(r, &a, XS_READ, 0, rel, XENSTORE_REL_PATH_MAX + 2);
    assert_string_equal(a.data, "EINVAL");
    guest_ask(r, &a, XS_READ, 0, path, sizeof(path));
    assert_string_equal(a.data, "EINVAL");
    rel[XENSTORE_REL_PATH_MAX] = '\0';
    guest_ask(r, &a, XS_READ, 0, rel, XENSTORE_REL_PATH_MAX + 1);
    assert_string_equal(a.data, "ENOENT");
    guest_ask(r, &a, XS_READ, 0, path, sizeof(path) - 1);
    assert_string_equal(a.data, "ENOENT");
}

static void test_write(void **state)
{
    struct xs_rig *r = *state;
    char buf[64];

    guest_ok(r, XS_WRITE, 0, "d/e/f\0text");
    assert_int_equal(xs_read(r->xs, HOME "/d/e/f", buf, 64), 4);
    assert_string_equal(buf, "text");
    guest_ok(r, XS_WRITE, 0, "bytes\0a\0b\xff\0");
    guest_expect(r, XS_READ, 0, "bytes\0", "a\0b\xff\0");
    guest_ok(r, XS_WRITE, 0, "bytes\0");
    guest_expect(r, XS_READ, 0, "bytes\0", "");
    guest_ok(r, XS_WRITE, 0, "/rw\0mine");
    guest_ok(r, XS_WRITE, 0, "/wo\0mine");
    /* Below what it may write it may make its own. */
    guest_ok(r, XS_WRITE, 0, "/rw/new\0mine");
    guest_no(r, XS_WRITE, 0, "/ro/a\0mine", "EACCES");
    guest_no(r, XS_WRITE, 0, "/ro/b\0mine", "EACCES");
    guest_no(r, XS_WRITE, 0, "/no/b\0mine", "EACCES");
    guest_no(r, XS_WRITE, 0, "/\0mine", "EACCES");
    guest_no(r, XS_WRITE, 0, "no-nul", "EINVAL");
    guest_no(r, XS_WRITE, 0, "", "EINVAL");
    guest_no(r, XS_WRITE, 0, "a//b\0x", "EINVAL");
}

static void test_mkdir(void **state)
{
    struct xs_rig *r = *state;

    guest_ok(r, XS_MKDIR, 0, "m/n\0");
    guest_expect(r, XS_READ, 0, "m/n\0", "");
    guest_ok(r, XS_WRITE, 0, "m\0kept");
    guest_ok(r, XS_MKDIR, 0, "m\0");
    guest_expect(r, XS_READ, 0, "m\0", "kept");
    guest_no(r, XS_MKDIR, 0, "/ro/x\0", "EACCES");
    guest_no(r, XS_MKDIR, 0, "m", "EINVAL");
    guest_no(r, XS_MKDIR, 0, "m\0n\0", "EINVAL");
}

static void test_rm(void **state)
{
    struct xs_rig *r = *state;

    guest_ok(r, XS_WRITE, 0, "m/n/o\0x");
    guest_ok(r, XS_RM, 0, "m\0");
    guest_no(r, XS_READ, 0, "m/n/o\0", "ENOENT");
    /* Nothing there: no error if the parent is. */
    guest_ok(r, XS_RM, 0, "m\0");
    guest_no(r, XS_RM, 0, "m/n\0", "ENOENT");
    guest_no(r, XS_RM, 0, "/ro/a\0", "EACCES");
    guest_no(r, XS_RM, 0, "/ro/none\0", "EACCES");
    guest_no(r, XS_RM, 0, "/\0", "EINVAL");
}

static void test_directory(void **state)
{
    struct xs_rig *r = *state;

    guest_ok(r, XS_MKDIR, 0, "d/b\0");
    guest_ok(r, XS_MKDIR, 0, "d/a\0");
    guest_ok(r, XS_MKDIR, 0, "d/c\0");
    guest_expect(r, XS_DIRECTORY, 0, "d\0", "a\0b\0c\0");
    guest_expect(r, XS_DIRECTORY, 0, "d/a\0", "");
    guest_no(r, XS_DIRECTORY, 0, "e\0", "ENOENT");
    guest_no(r, XS_DIRECTORY, 0, "/no\0", "EACCES");
}

/* A list that is longer than a message, in parts. */
static void test_directory_part(void **state)
{
    struct xs_rig *r = *state;
    static char list[16384], whole[16384];
    size_t n = 0, want = 0;
    char path[128], ask[64], gen[24] = "";
    struct answer a;

    for (unsigned i = 0; i < 80; i++) {
        snprintf(path, sizeof(path), "/ro/d/%0100u", i);
        assert_int_equal(xs_mkdir(r->xs, path), 0);
        memcpy(whole + want, path + 6, 101);
        want += 101;
    }
    assert_int_equal(xs_set_perms(r->xs, "/ro/d", 0, GUEST, XS_R), 0);
    guest_no(r, XS_DIRECTORY, 0, "/ro/d\0", "E2BIG");
    for (unsigned parts = 0; parts < 10; parts++) {
        const int len = snprintf(ask, sizeof(ask), "/ro/d%c%zu", '\0', n) + 1;
        size_t head;

        guest_ask(r, &a, XS_DIRECTORY_PART, 0, ask, (size_t)len);
        assert_int_equal(a.head.type, XS_DIRECTORY_PART);
        head = strlen(a.data) + 1;
        if (!n)
            strcpy(gen, a.data);
        assert_string_equal(a.data, gen);
        memcpy(list + n, a.data + head, a.head.len - head);
        n += a.head.len - head;
        if (!list[n - 1] && !list[n - 2])
            break;
    }
    assert_int_equal(n, want + 1);
    assert_memory_equal(list, whole, want);
    /* From behind the end: nothing but the end. */
    guest_ask(r, &a, XS_DIRECTORY_PART, 0,
              "/ro/d\0"
              "99999",
              12);
    assert_int_equal(a.head.len, strlen(gen) + 2);
    /* A child more, and the number is another. */
    assert_int_equal(xs_mkdir(r->xs, "/ro/d/new"), 0);
    guest_ask(r, &a, XS_DIRECTORY_PART, 0,
              "/ro/d\0"
              "0",
              8);
    assert_string_not_equal(a.data, gen);
    guest_no(r, XS_DIRECTORY_PART, 0, "/ro/d\0", "EINVAL");
    guest_no(r, XS_DIRECTORY_PART, 0, "/ro/d\0x\0", "EINVAL");
    guest_no(r, XS_DIRECTORY_PART, 0, "/ro/d\0-1\0", "EINVAL");
    guest_no(r, XS_DIRECTORY_PART, 0,
             "/ro/d\0"
             "1x\0",
             "EINVAL");
    guest_no(r, XS_DIRECTORY_PART, 0,
             "/ro/e\0"
             "0\0",
             "ENOENT");
}

static void test_directory_part_empty(void **state)
{
    struct xs_rig *r = *state;
    struct answer a;

    guest_ok(r, XS_MKDIR, 0, "d\0");
    guest_ask(r, &a, XS_DIRECTORY_PART, 0,
              "d\0"
              "0",
              4);
    assert_int_equal(a.head.type, XS_DIRECTORY_PART);
    assert_int_equal(a.head.len, strlen(a.data) + 2);
}

static void test_perms(void **state)
{
    struct xs_rig *r = *state;

    guest_expect(r, XS_GET_PERMS, 0, "/ro\0", "n0\0r7\0");
    guest_ok(r, XS_MKDIR, 0, "p\0");
    guest_expect(r, XS_GET_PERMS, 0, "p\0", "n7\0");
    guest_ok(r, XS_SET_PERMS, 0, "p\0n7\0b0\0w65535\0r3\0");
    guest_expect(r, XS_GET_PERMS, 0, "p\0", "n7\0b0\0w65535\0r3\0");
    guest_no(r, XS_GET_PERMS, 0, "/no\0", "EACCES");
    guest_no(r, XS_GET_PERMS, 0, "q\0", "ENOENT");
    /* What is not its own it cannot give, nor give away its own. */
    guest_no(r, XS_SET_PERMS, 0, "p\0n0\0", "EPERM");
    guest_no(r, XS_SET_PERMS, 0, "/rw\0n0\0b7\0", "EPERM");
    guest_no(r, XS_SET_PERMS, 0, "/rw\0n7\0", "EPERM");
    guest_no(r, XS_SET_PERMS, 0, "/ro\0n7\0", "EACCES");
    guest_no(r, XS_SET_PERMS, 0, "q\0n7\0", "ENOENT");
    guest_no(r, XS_SET_PERMS, 0, "p\0", "EINVAL");
    guest_no(r, XS_SET_PERMS, 0, "p\0x7\0", "EINVAL");
    guest_no(r, XS_SET_PERMS, 0, "p\0n\0", "EINVAL");
    guest_no(r, XS_SET_PERMS, 0, "p\0n65536\0", "EINVAL");
    guest_no(r, XS_SET_PERMS, 0, "p\0n7x\0", "EINVAL");
    guest_no(r, XS_SET_PERMS, 0, "p\0n-1\0", "EINVAL");
    guest_no(r, XS_SET_PERMS, 0, "p\0n7", "EINVAL");
    guest_ok(r, XS_SET_PERMS, 0, "p\0n7\0r1\0r2\0r3\0r4\0");
    guest_no(r, XS_SET_PERMS, 0, "p\0n7\0r1\0r2\0r3\0r4\0r5\0", "ENOSPC");
    /* An owner needs no entry. */
    guest_ok(r, XS_WRITE, 0, "p\0still mine");
    guest_expect(r, XS_READ, 0, "p\0", "still mine");
}

/* ---- watches ---- */

static void test_watch(void **state)
{
    struct xs_rig *r = *state;

    guest_ok(r, XS_WATCH, 0, "w\0t1\0");
    guest_event(r, "w", "t1");
    guest_ok(r, XS_WATCH, 0, HOME "/w\0t2\0");
    guest_event(r, HOME "/w", "t2");
    guest_no(r, XS_WATCH, 0, "w\0t1\0", "EEXIST");
    assert_int_equal(xs_write(r->xs, HOME "/w/x", "1"), 0);
    /* Relative if it was set so. */
    guest_event(r, "w/x", "t1");
    guest_event(r, HOME "/w/x", "t2");
    guest_quiet(r);
    guest_ok(r, XS_UNWATCH, 0, "w\0t1\0");
    guest_no(r, XS_UNWATCH, 0, "w\0t1\0", "ENOENT");
    guest_no(r, XS_UNWATCH, 0, "w\0t2x\0", "ENOENT");
    guest_ok(r, XS_RM, 0, "w\0");
    guest_event(r, HOME "/w", "t2");
    guest_quiet(r);
}

static void test_watch_arguments(void **state)
{
    struct xs_rig *r = *state;

    guest_no(r, XS_WATCH, 0, "w\0", "EINVAL");
    guest_no(r, XS_WATCH, 0, "w\0t", "EINVAL");
    guest_no(r, XS_WATCH, 0, "", "EINVAL");
    guest_no(r, XS_WATCH, 0, "w//\0t\0", "EINVAL");
    guest_no(r, XS_WATCH, 0, "\0t\0", "EINVAL");
    guest_no(r, XS_WATCH, 0, "@releaseDomain\0t\0", "EACCES");
    guest_no(r, XS_WATCH, 0, "@introduceDomain\0t\0", "EACCES");
    guest_no(r, XS_UNWATCH, 0, "@releaseDomain\0t\0", "EACCES");
    /* A reserved argument, a token of nothing. */
    guest_ok(r, XS_WATCH, 0, "w\0t\0\0");
    guest_event(r, "w", "t");
    guest_ok(r, XS_WATCH, 0, "w\0\0");
    guest_event(r, "w", "");
    guest_no(r, XS_WATCH, 0, "w\0t\0\0\0", "EINVAL");
}

/* It hears of what it may read, and of that being gone. */
static void test_watch_perms(void **state)
{
    struct xs_rig *r = *state;

    guest_ok(r, XS_WATCH, 0, "/\0t\0");
    guest_event(r, "/", "t"); /* as ever; but the root is not its to read */
    assert_int_equal(xs_write(r->xs, "/no/a", "1"), 0);
    assert_int_equal(xs_write(r->xs, "/wo", "1"), 0);
    assert_int_equal(xs_write(r->xs, "/ro/a", "1"), 0);
    guest_event(r, "/ro/a", "t");
    assert_int_equal(xs_rm(r->xs, "/no/a"), 0);
    assert_int_equal(xs_rm(r->xs, "/ro/a"), 0);
    guest_event(r, "/ro/a", "t");
    guest_quiet(r);
}

/* An event longer than a message is not told, and hurts nobody. */
static void test_watch_too_long(void **state)
{
    struct xs_rig *r = *state;
    char data[2000 + 2096] = "w";
    struct answer a;
    char path[2500];

    memset(data + 2, 't', sizeof(data) - 3);
    guest_ask(r, &a, XS_WATCH, 0, data, sizeof(data));
    assert_int_equal(a.head.type, XS_WATCH);
    assert_true(guest_get(r, &a));
    assert_int_equal(a.head.type, XS_WATCH_EVENT);
    memset(path, 'p', sizeof(path));
    memcpy(path, HOME "/w/", sizeof(HOME "/w/") - 1);
    path[1500] = '\0';
    assert_int_equal(xs_write(r->xs, path, "1"), 0);
    guest_quiet(r);
    guest_ok(r, XS_WRITE, 0, "alive\0yes");
}

static void test_reset_watches(void **state)
{
    struct xs_rig *r = *state;
    struct xs_usage u;

    guest_ok(r, XS_WATCH, 0, "w\0t\0");
    guest_event(r, "w", "t");
    (void)guest_begin(r);
    guest_ok(r, XS_RESET_WATCHES, 0, "\0");
    xs_usage(r->xs, &u);
    assert_int_equal(u.watches, 0);
    assert_int_equal(u.transactions, 0);
    assert_int_equal(u.bytes, 0);
}

/* A guest that fetches nothing: what waits for it is bounded. */
static void test_watch_storm(void **state)
{
    struct xs_rig *r = *state;
    struct xs_usage u;
    char path[64];
    unsigned events = 0, own = 0;
    struct answer a;

    guest_ok(r, XS_WATCH, 0, "s\0t\0");
    guest_event(r, "s", "t");
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(path, sizeof(path), "%s/s/%u", HOME, i % 700);
        assert_int_equal(xs_write(r->xs, path, "1"), 0);
    }
    xs_usage(r->xs, &u);
    assert_in_range(u.bytes, 1, 64 * 1024);
    while (guest_get(r, &a)) {
        events++;
        own += strcmp(a.data, "s") == 0;
    }
    assert_in_range(events, 200, 400);
    assert_int_equal(own, 1);
}

/* ---- what is for others, or nobody ---- */

static void test_privileged(void **state)
{
    struct xs_rig *r = *state;

    guest_no(r, XS_CONTROL, 0, "check\0", "EACCES");
    guest_no(r, XS_INTRODUCE, 0,
             "8\0"
             "1\0"
             "1\0",
             "EACCES");
    guest_no(r, XS_RELEASE, 0, "7\0", "EACCES");
    guest_no(r, XS_RESUME, 0, "7\0", "EACCES");
    guest_no(r, XS_SET_TARGET, 0,
             "7\0"
             "8\0",
             "EACCES");
}

static void test_domains(void **state)
{
    struct xs_rig *r = *state;

    guest_expect(r, XS_GET_DOMAIN_PATH, 0, "7\0", "/local/domain/7\0");
    guest_expect(r, XS_GET_DOMAIN_PATH, 0, "0012\0", "/local/domain/12\0");
    guest_no(r, XS_GET_DOMAIN_PATH, 0, "x\0", "EINVAL");
    guest_no(r, XS_GET_DOMAIN_PATH, 0, "65536\0", "EINVAL");
    guest_no(r, XS_GET_DOMAIN_PATH, 0, "\0", "EINVAL");
    guest_expect(r, XS_IS_DOMAIN_INTRODUCED, 0, "7\0", "T\0");
    guest_expect(r, XS_IS_DOMAIN_INTRODUCED, 0, "0\0", "T\0");
    guest_expect(r, XS_IS_DOMAIN_INTRODUCED, 0, "8\0", "F\0");
    guest_no(r, XS_IS_DOMAIN_INTRODUCED, 0, "7", "EINVAL");
}

static void test_unknown(void **state)
{
    static const uint32_t types[] = {XS_WATCH_EVENT,    XS_ERROR,
                                     XS_SET_TARGET + 1, XS_TYPE_COUNT,
                                     XS_INVALID,        UINT32_MAX};
    struct xs_rig *r = *state;
    struct answer a;

    for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
        guest_send(r, types[i], 0, "x", 2);
        assert_true(guest_get(r, &a));
        assert_int_equal(a.head.type, XS_ERROR);
        assert_string_equal(a.data, "ENOSYS");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_read),
        T(test_bad_paths),
        T(test_relative_limit),
        T(test_write),
        T(test_mkdir),
        T(test_rm),
        T(test_directory),
        T(test_directory_part),
        T(test_directory_part_empty),
        T(test_perms),
        T(test_watch),
        T(test_watch_arguments),
        T(test_watch_perms),
        T(test_watch_too_long),
        T(test_reset_watches),
        T(test_watch_storm),
        T(test_privileged),
        T(test_domains),
        T(test_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
