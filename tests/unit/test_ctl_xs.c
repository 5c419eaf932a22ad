// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The xenstore's verbs of the control socket, with a store and without a
 * socket: answers, parts of long ones, and every wrong request.
 */
#include "xs_rig.h"

#include "ctl_verb.h"

static struct xs_rig *rig;
static bool no_store;

static struct xs *m_store(void *ctx)
{
    (void)ctx;
    return no_store ? NULL : rig->xs;
}

static const struct ctl_ops ops = {.store = m_store};
static struct ctl_guest guest = {.ops = &ops, .name = "web"};

static int setup(void **state)
{
    (void)state;
    rig = rig_open(NULL);
    no_store = false;
    assert_int_equal(xs_write(rig->xs, HOME "/a/b", "one"), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(rig);
    return 0;
}

/* The answer to a request's members. */
static json_t *ask(const char *members)
{
    char line[8192];
    char *text;
    json_t *reply;
    const int n = snprintf(line, sizeof(line), "{\"vmm\":1,%s}", members);

    assert_in_range(n, 1, sizeof(line) - 1);
    text = ctl_answer(&guest, line, (size_t)n);
    assert_non_null(text);
    assert_true(strlen(text) < 64 * KIB);
    reply = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(reply);
    free(text);
    return reply;
}

static void assert_error(const char *members, const char *part)
{
    json_t *reply = ask(members);

    assert_true(json_is_false(json_object_get(reply, "ok")));
    assert_non_null(
        strstr(json_string_value(json_object_get(reply, "error")), part));
    json_decref(reply);
}

static void assert_ok(const char *members)
{
    json_t *reply = ask(members);

    assert_true(json_is_true(json_object_get(reply, "ok")));
    json_decref(reply);
}

static void assert_member(const char *members, const char *key,
                          const char *want)
{
    json_t *reply = ask(members);

    assert_string_equal(json_string_value(json_object_get(reply, key)), want);
    json_decref(reply);
}

static void test_read_write(void **state)
{
    (void)state;
    assert_member("\"cmd\":\"xs-read\",\"path\":\"a/b\"", "value", "one");
    assert_ok("\"cmd\":\"xs-write\",\"path\":\"a/b\",\"value\":\"t\\u0001o\"");
    assert_member("\"cmd\":\"xs-read\",\"path\":\"" HOME "/a/b\"", "value",
                  "t\\x01o");
    assert_ok("\"cmd\":\"xs-rm\",\"path\":\"a\"");
    assert_error("\"cmd\":\"xs-read\",\"path\":\"a/b\"", "is not there");
    assert_error("\"cmd\":\"xs-rm\",\"path\":\"a\"", "is not there");
}

static void test_wrong(void **state)
{
    (void)state;
    assert_error("\"cmd\":\"xs-read\",\"path\":\"/a/\"", "is no path");
    assert_error("\"cmd\":\"xs-read\",\"path\":\"a\\u0007\"", "is no path");
    assert_error("\"cmd\":\"xs-write\",\"path\":\"a\",\"value\":7", "a string");
    assert_error("\"cmd\":\"xs-write\",\"path\":\"a\"", "a string");
    assert_error("\"cmd\":\"xs-rm\",\"path\":\"/\"", "the root stays");
    assert_error("\"cmd\":\"xs-walk\",\"path\":\"/none\"", "is not there");
    assert_error("\"cmd\":\"xs-walk\",\"after\":\"//\"", "is no path");
    assert_error("\"cmd\":\"xs-read\",\"flat\":true", "takes no 'flat'");
    no_store = true;
    assert_error("\"cmd\":\"xs-read\",\"path\":\"a\"", "has no xenstore");
    assert_error("\"cmd\":\"xs-walk\"", "has no xenstore");
}

static size_t count(const json_t *reply)
{
    return json_array_size(json_object_get(reply, "nodes"));
}

static const char *path_at(const json_t *reply, size_t i)
{
    const json_t *nodes = json_object_get(reply, "nodes");

    return json_string_value(json_object_get(json_array_get(nodes, i), "path"));
}

static void test_walk(void **state)
{
    char members[128];
    json_t *reply;

    (void)state;
    assert_int_equal(xs_write(rig->xs, HOME "/c", "x"), 0);
    reply = ask("\"cmd\":\"xs-walk\"");
    assert_int_equal(count(reply), 4);
    assert_string_equal(path_at(reply, 0), HOME);
    assert_string_equal(path_at(reply, 2), HOME "/a/b");
    assert_true(json_is_false(json_object_get(reply, "more")));
    snprintf(members, sizeof(members), "\"cmd\":\"xs-walk\",\"since\":%lld",
             (long long)json_integer_value(json_object_get(reply, "gen")));
    json_decref(reply);
    reply = ask("\"cmd\":\"xs-walk\",\"flat\":true");
    assert_int_equal(count(reply), 2);
    assert_string_equal(path_at(reply, 1), HOME "/c");
    json_decref(reply);
    reply = ask("\"cmd\":\"xs-walk\",\"after\":\"a/b\"");
    assert_int_equal(count(reply), 1);
    json_decref(reply);
    /* Nothing new, and then something. */
    reply = ask(members);
    assert_null(json_object_get(reply, "nodes"));
    json_decref(reply);
    assert_int_equal(xs_rm(rig->xs, HOME "/c"), 0);
    reply = ask(members);
    assert_int_equal(count(reply), 3);
    json_decref(reply);
}

/* Values of the longest and worst kind, in answers that fit their line. */
static void test_parts(void **state)
{
    char value[XENSTORE_PAYLOAD_MAX], path[64] = HOME, members[160];
    unsigned seen = 0, parts = 0;
    bool more = true;

    (void)state;
    memset(value, 1, sizeof(value));
    for (unsigned i = 0; i < 40; i++) {
        snprintf(path, sizeof(path), HOME "/long/%02u", i);
        assert_int_equal(xs_write_bytes(rig->xs, path, value, sizeof(value)),
                         0);
    }
    snprintf(path, sizeof(path), HOME "/a");
    while (more) {
        json_t *reply;

        snprintf(members, sizeof(members),
                 "\"cmd\":\"xs-walk\",\"after\":\"%s\"", path);
        reply = ask(members);
        assert_true(count(reply) > 0);
        seen += (unsigned)count(reply);
        snprintf(path, sizeof(path), "%s", path_at(reply, count(reply) - 1));
        more = json_is_true(json_object_get(reply, "more"));
        json_decref(reply);
        parts++;
    }
    assert_int_equal(seen, 42); /* a/b, long, and the 40 */
    assert_true(parts > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_read_write),
        T(test_wrong),
        T(test_walk),
        T(test_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
