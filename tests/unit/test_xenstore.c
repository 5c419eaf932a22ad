// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The store as domain 0 has it: values, directories, permissions, watches.
 * Facts from Xen's docs/misc/xenstore.txt.
 */
#include "xs_rig.h"

#include "pvabi/xs_path.h"

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

static void collect(char *text, const char *name)
{
    strcat(text, name);
    strcat(text, " ");
}

/* The first node of a walk, as it was told. */
static bool keep(void *ctx, const struct xs_entry *e)
{
    *(struct xs_entry *)ctx = *e;
    return false;
}

static unsigned perms(const struct xs *xs, const char *path,
                      struct xs_perm *out)
{
    struct xs_entry e;

    assert_int_equal(xs_walk(xs, path, NULL, keep, &e), 0);
    memcpy(out, e.perms, e.n_perms * sizeof(*out));
    return e.n_perms;
}

#define assert_value(xs, path, want)                                      \
    do {                                                                  \
        char buf_[64];                                                    \
        assert_int_equal(xs_read(xs, path, buf_, 64), (int)strlen(want)); \
        assert_string_equal(buf_, want);                                  \
    } while (0)

static void test_write_read(void **state)
{
    struct xs *xs = ((struct xs_rig *)*state)->xs;
    char buf[4];

    assert_int_equal(xs_read(xs, "/a/b/c", buf, 4), -ENOENT);
    assert_int_equal(xs_write(xs, "/a/b/c", "one"), 0);
    assert_value(xs, "/a/b/c", "one");
    /* Parents are made, and empty. */
    assert_value(xs, "/a/b", "");
    assert_value(xs, "/a", "");
    assert_int_equal(xs_write(xs, "/a/b/c", "three"), 0);
    assert_int_equal(xs_read(xs, "/a/b/c", buf, 4), -EMSGSIZE);
    assert_int_equal(xs_write(xs, "/a/b/c", ""), 0);
    assert_int_equal(xs_read(xs, "/a/b/c", buf, 1), 0);
    assert_int_equal(xs_printf(xs, "/n", "%u-%s", 4u, "x"), 0);
    assert_value(xs, "/n", "4-x");
    assert_int_equal(xs_printf(xs, "/n", "%2000u", 4u), -EMSGSIZE);
    assert_true(xs_exists(xs, "/"));
    assert_false(xs_exists(xs, "/b"));
    assert_false(xs_exists(xs, "n"));
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t max, want;
        int ret;
    } rows[] = {
        {"0", 0, 0, 0},
        {"1", 0, 9, -EINVAL},
        {"007", 7, 7, 0},
        {"65535", 65535, 65535, 0},
        {"65536", 65535, 9, -EINVAL},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX, 0},
        {"18446744073709551616", UINT64_MAX, 9, -EINVAL},
        {"99999999999999999999999", UINT64_MAX, 9, -EINVAL},
        {"", 10, 9, -EINVAL},
        {"+1", 10, 9, -EINVAL},
        {"-1", 10, 9, -EINVAL},
        {" 1", 10, 9, -EINVAL},
        {"1 ", 10, 9, -EINVAL},
        {"0x1", 10, 9, -EINVAL},
    };
    struct xs *xs = ((struct xs_rig *)*state)->xs;
    uint64_t v = 9;

    assert_int_equal(xs_read_uint(xs, "/n", 10, &v), -ENOENT);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        v = 9;
        assert_int_equal(xs_write(xs, "/n", rows[i].text), 0);
        assert_int_equal(xs_read_uint(xs, "/n", rows[i].max, &v), rows[i].ret);
        assert_int_equal(v, rows[i].want);
    }
    /* A NUL is not the end of it. */
    assert_int_equal(xs_write_bytes(xs, "/n", "1\0", 2), 0);
    assert_int_equal(xs_read_uint(xs, "/n", 10, &v), -EINVAL);
}

/* What is there already keeps its value. */
static void test_mkdir(void **state)
{
    struct xs *xs = ((struct xs_rig *)*state)->xs;

    assert_int_equal(xs_mkdir(xs, "/d/b"), 0);
    assert_value(xs, "/d/b", "");
    assert_int_equal(xs_write(xs, "/d/c", "kept"), 0);
    assert_int_equal(xs_mkdir(xs, "/d/c"), 0);
    assert_value(xs, "/d/c", "kept");
}

static void test_rm(void **state)
{
    struct xs *xs = ((struct xs_rig *)*state)->xs;

    assert_int_equal(xs_write(xs, "/d/a/b/c", "x"), 0);
    assert_int_equal(xs_write(xs, "/d/z", "x"), 0);
    assert_int_equal(xs_rm(xs, "/d/a"), 0);
    assert_false(xs_exists(xs, "/d/a/b/c"));
    assert_false(xs_exists(xs, "/d/a"));
    assert_true(xs_exists(xs, "/d/z"));
    assert_int_equal(xs_rm(xs, "/d/a"), -ENOENT);
    assert_int_equal(xs_rm(xs, "/"), -EINVAL);
}

static void test_bad_paths(void **state)
{
    static const char *const bad[] = {"",       "a",    "//",  "/a/", "/a//b",
                                      "/a b",   "/a.b", "/.",  "/..", "/a\n",
                                      "/a\xff", "a/",   "/a,b"};
    struct xs *xs = ((struct xs_rig *)*state)->xs;
    char longest[XS_PATH_SIZE + 1];
    char buf[4];

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(xs_write(xs, bad[i], "x"), -EINVAL);
        assert_int_equal(xs_mkdir(xs, bad[i]), -EINVAL);
        assert_int_equal(xs_rm(xs, bad[i]), -EINVAL);
        assert_int_equal(xs_set_perms(xs, bad[i], 0, 1, XS_R), -EINVAL);
        assert_int_equal(xs_read(xs, bad[i], buf, 4), -ENOENT);
    }
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    longest[XENSTORE_ABS_PATH_MAX] = '\0';
    assert_int_equal(xs_write(xs, longest, "x"), -EINVAL);
    longest[XENSTORE_ABS_PATH_MAX - 1] = '\0';
    assert_int_equal(xs_write(xs, longest, "x"), 0);
    assert_value(xs, longest, "x");
    assert_value(xs, "/", "");
}

static void test_deep(void **state)
{
    struct xs *xs = ((struct xs_rig *)*state)->xs;
    char path[XS_PATH_SIZE];

    for (unsigned i = 0; i + 1 < XENSTORE_ABS_PATH_MAX; i++)
        path[i] = i % 2 ? 'd' : '/';
    path[XENSTORE_ABS_PATH_MAX - 2] = '\0';
    assert_int_equal(xs_write(xs, path, "x"), 0);
    assert_value(xs, path, "x");
    assert_int_equal(xs_rm(xs, "/d"), 0);
    assert_false(xs_exists(xs, path));
}

/* Many children: they stay in order, and each is found. */
static void test_wide(void **state)
{
    struct xs *xs = ((struct xs_rig *)*state)->xs;
    char path[32], want[32];

    for (unsigned i = 0; i < 2000; i++) {
        snprintf(path, sizeof(path), "/w/%u", i * 7919 % 2003);
        assert_int_equal(xs_printf(xs, path, "%u", i), 0);
    }
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(path, sizeof(path), "/w/%u", i * 7919 % 2003);
        snprintf(want, sizeof(want), "%u", i);
        assert_value(xs, path, want);
        if (i % 2)
            assert_int_equal(xs_rm(xs, path), 0);
    }
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(path, sizeof(path), "/w/%u", i * 7919 % 2003);
        assert_int_equal(xs_exists(xs, path), i % 2 == 0);
    }
}

static void test_perms(void **state)
{
    struct xs *xs = ((struct xs_rig *)*state)->xs;
    struct xs_perm p[XS_MAX_PERMS];

    assert_int_equal(xs_mkdir(xs, "/p"), 0);
    assert_int_equal(perms(xs, "/p", p), 1);
    assert_int_equal(p[0].domid, 0);
    assert_int_equal(p[0].access, XS_NONE);
    assert_int_equal(xs_set_perms(xs, "/p", 0, GUEST, XS_R), 0);
    /* Children are like their parents. */
    assert_int_equal(xs_mkdir(xs, "/p/q/r"), 0);
    assert_int_equal(perms(xs, "/p/q/r", p), 2);
    assert_int_equal(p[1].domid, GUEST);
    assert_int_equal(p[1].access, XS_R);
    assert_int_equal(xs_set_perms(xs, "/p", GUEST, GUEST, XS_NONE), 0);
    assert_int_equal(perms(xs, "/p", p), 1);
    assert_int_equal(p[0].domid, GUEST);
    assert_int_equal(xs_set_perms(xs, "/none", 0, 0, XS_R), -ENOENT);
}

static bool list_path(void *ctx, const struct xs_entry *e)
{
    char *text = ctx;

    collect(text, e->path);
    return strlen(text) < 60;
}

/* The whole, or what comes behind a place: parents first, in order. */
static void test_walk(void **state)
{
    struct xs *xs = ((struct xs_rig *)*state)->xs;
    char text[128] = "";
    uint64_t was;

    assert_int_equal(xs_write(xs, "/w/a-b", "1"), 0);
    assert_int_equal(xs_write(xs, "/w/a/c", "2"), 0);
    assert_int_equal(xs_write(xs, "/w/b", "3"), 0);
    assert_int_equal(xs_walk(xs, "/w", NULL, list_path, text), 0);
    assert_string_equal(text, "/w /w/a /w/a/c /w/a-b /w/b ");
    text[0] = '\0';
    assert_int_equal(xs_walk(xs, "/w", "/w/a", list_path, text), 0);
    assert_string_equal(text, "/w/a/c /w/a-b /w/b ");
    text[0] = '\0';
    assert_int_equal(xs_walk(xs, "/w", "/w/a/c", list_path, text), 0);
    assert_string_equal(text, "/w/a-b /w/b ");
    text[0] = '\0';
    assert_int_equal(xs_walk(xs, "/w", "/w/b", list_path, text), 0);
    assert_string_equal(text, "");
    assert_int_equal(xs_walk(xs, "/", NULL, list_path, text), 0);
    assert_string_equal(text, "/ /local /local/domain /local/domain/7 /w /w/a "
                              "/w/a/c /w/a-b ");
    text[0] = '\0';
    assert_int_equal(xs_walk(xs, "/", "/", list_path, text), 0);
    assert_string_equal(text, "/local /local/domain /local/domain/7 /w /w/a "
                              "/w/a/c /w/a-b /w/b ");
    assert_int_equal(xs_walk(xs, "/none", NULL, list_path, text), -ENOENT);
    assert_int_equal(xs_walk(xs, "w", NULL, list_path, text), -ENOENT);
    was = xs_changed(xs);
    assert_int_equal(xs_mkdir(xs, "/w"), 0);
    assert_int_equal(xs_changed(xs), was);
    assert_int_equal(xs_rm(xs, "/w/b"), 0);
    assert_true(xs_changed(xs) > was);
}

/* ---- watches ---- */

struct seen {
    struct xs_watch w;
    struct xs *xs;
    char paths[1024];
    unsigned n;
    struct xs_watch *end; /* to be unset by the next call */
};

static void on_watch(void *owner, const char *path)
{
    struct seen *s = owner;

    s->n++;
    if (strlen(s->paths) + strlen(path) + 2 < sizeof(s->paths))
        collect(s->paths, path);
    if (s->end)
        xs_unwatch(s->end);
}

static void watch(struct xs_rig *r, struct seen *s, const char *path)
{
    *s = (struct seen){.xs = r->xs};
    s->w.fn = on_watch;
    s->w.owner = s;
    assert_int_equal(xs_watch(r->xs, &s->w, path), 0);
}

#define assert_seen(r, s, want)                \
    do {                                       \
        spin(r);                               \
        assert_string_equal((s)->paths, want); \
        (s)->paths[0] = '\0';                  \
    } while (0)

static void test_watch(void **state)
{
    struct xs_rig *r = *state;
    struct seen s;

    watch(r, &s, "/x");
    /* Never from inside, and once at the beginning. */
    assert_int_equal(s.n, 0);
    assert_seen(r, &s, "/x ");
    assert_int_equal(xs_write(r->xs, "/x", "1"), 0);
    assert_int_equal(s.n, 1);
    assert_seen(r, &s, "/x ");
    assert_int_equal(xs_write(r->xs, "/x/y/z", "1"), 0);
    assert_int_equal(xs_write(r->xs, "/xx", "1"), 0);
    assert_int_equal(xs_write(r->xs, "/", "1"), 0);
    assert_seen(r, &s, "/x/y/z ");
    assert_int_equal(xs_set_perms(r->xs, "/x/y", 0, 3, XS_R), 0);
    assert_seen(r, &s, "/x/y ");
    /* Removed: the node, and for one below, by the watch's own path. */
    assert_int_equal(xs_rm(r->xs, "/x/y"), 0);
    assert_seen(r, &s, "/x/y ");
    assert_int_equal(xs_mkdir(r->xs, "/x"), 0);
    assert_seen(r, &s, "");
    assert_int_equal(xs_rm(r->xs, "/x"), 0);
    assert_seen(r, &s, "/x ");
    xs_unwatch(&s.w);
    assert_int_equal(xs_write(r->xs, "/x", "1"), 0);
    assert_seen(r, &s, "");
    xs_unwatch(&s.w);
}

static void test_watch_below_removed(void **state)
{
    struct xs_rig *r = *state;
    struct seen s, none;

    assert_int_equal(xs_write(r->xs, "/a/b/c", "1"), 0);
    watch(r, &s, "/a/b");
    watch(r, &none, "/a/other");
    assert_seen(r, &s, "/a/b ");
    assert_seen(r, &none, "/a/other ");
    assert_int_equal(xs_rm(r->xs, "/a"), 0);
    assert_seen(r, &s, "/a/b ");
    assert_seen(r, &none, "");
    xs_unwatch(&none.w);
    xs_unwatch(&s.w);
}

/* What happens twice before anybody looks is told once. */
static void test_watch_merges(void **state)
{
    struct xs_rig *r = *state;
    struct seen s;

    watch(r, &s, "/m");
    spin(r);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(xs_printf(r->xs, "/m/a", "%u", i), 0);
    spin(r);
    assert_int_equal(s.n, 2);
    xs_unwatch(&s.w);
}

/* Too much to be remembered becomes one event of the watch's own path. */
static void test_watch_overflow(void **state)
{
    struct xs_rig *r = *state;
    char path[32];
    struct seen s;

    watch(r, &s, "/m");
    spin(r);
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(path, sizeof(path), "/m/%u", i);
        assert_int_equal(xs_write(r->xs, path, ""), 0);
    }
    s.paths[0] = '\0';
    spin(r);
    assert_in_range(s.n, 200, 300);
    assert_int_equal(xs_write(r->xs, "/m/0", ""), 0);
    s.paths[0] = '\0';
    assert_seen(r, &s, "/m/0 ");
    xs_unwatch(&s.w);
}

static void test_unwatch_inside(void **state)
{
    struct xs_rig *r = *state;
    struct seen a, b;

    watch(r, &a, "/m");
    watch(r, &b, "/m");
    spin(r);
    a.end = &b.w;
    assert_int_equal(xs_write(r->xs, "/m", "1"), 0);
    spin(r);
    assert_int_equal(a.n, 2);
    assert_int_equal(b.n, 1);
    a.end = &a.w;
    assert_int_equal(xs_write(r->xs, "/m/a", "1"), 0);
    assert_int_equal(xs_write(r->xs, "/m/b", "1"), 0);
    spin(r);
    assert_int_equal(a.n, 3);
    assert_int_equal(xs_watch(r->xs, &b.w, "not/a/path"), -EINVAL);
}

static void test_usage(void **state)
{
    struct xs_rig *r = *state;
    struct xs_usage u;

    xs_usage(r->xs, &u);
    assert_int_equal(u.nodes, 1); /* its home */
    assert_int_equal(u.watches, 0);
    assert_int_equal(xs_write(r->xs, HOME "/a/b", "x"), 0);
    assert_int_equal(xs_write(r->xs, "/mine", "x"), 0);
    xs_usage(r->xs, &u);
    assert_int_equal(u.nodes, 3);
    assert_int_equal(u.bytes, 0); /* domain 0 paid */
    assert_int_equal(xs_set_perms(r->xs, HOME "/a/b", 0, 0, XS_NONE), 0);
    xs_usage(r->xs, &u);
    assert_int_equal(u.nodes, 2);
    assert_int_equal(xs_rm(r->xs, HOME), 0);
    xs_usage(r->xs, &u);
    assert_int_equal(u.nodes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_write_read),     T(test_numbers),
        T(test_mkdir),          T(test_rm),
        T(test_bad_paths),      T(test_deep),
        T(test_wide),           T(test_perms),
        T(test_watch),          T(test_watch_below_removed),
        T(test_watch_merges),   T(test_watch_overflow),
        T(test_unwatch_inside), T(test_walk),
        T(test_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
