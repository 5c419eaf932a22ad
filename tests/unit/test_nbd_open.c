// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding and agreeing with an NBD server, byte by byte. */
#include "nbd_server.h"

/* What a server says first, as bytes, and what must come of it. */
struct script {
    unsigned char bytes[512];
    size_t n;
};

static void say(struct script *s, uint64_t v, unsigned bytes)
{
    unsigned char *p = s->bytes + s->n;

    srv_put(&p, v, bytes);
    s->n += bytes;
}

static void say_hello(struct script *s, uint16_t flags)
{
    s->n = 0;
    say(s, UINT64_C(0x4e42444d41474943), 8);
    say(s, UINT64_C(0x49484156454f5054), 8);
    say(s, flags, 2);
}

static void say_reply(struct script *s, uint32_t option, uint32_t type,
                      uint32_t n)
{
    say(s, UINT64_C(0x3e889045565a9), 8);
    say(s, option, 4);
    say(s, type, 4);
    say(s, n, 4);
}

static void say_export(struct script *s, uint64_t size)
{
    say_reply(s, 7, 3, 12);
    say(s, 0, 2);
    say(s, size, 8);
    say(s, 1, 2);
}

static void say_blocks(struct script *s, uint32_t min, uint32_t max)
{
    say_reply(s, 7, 3, 14);
    say(s, 3, 2);
    say(s, min, 4);
    say(s, 4096, 4);
    say(s, max, 4);
}

/* The handshake's result, and in *text what it said. */
static int negotiate(const struct script *s, struct nbd_export *export,
                     const char *want)
{
    struct rig_log log;
    const char *text;
    int fds[2], ret;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(write(fds[1], s->bytes, s->n), (ssize_t)s->n);
    shutdown(fds[1], SHUT_WR);
    rig_catch(&log);
    ret = nbd_handshake(fds[0], "disk", "name", export);
    text = rig_caught(&log);
    if (want && !strstr(text, want))
        fail_msg("'%s' is not in '%s'", want, text);
    close(fds[0]);
    close(fds[1]);
    return ret;
}

static void good_negotiations(void **state)
{
    struct nbd_export export;
    struct script s;

    (void)state;
    say_hello(&s, 3);
    say_export(&s, 10000);
    say_blocks(&s, 4096, 100000);
    say_reply(&s, 7, 3, 6); /* news of a kind we do not know */
    say(&s, 0x7777, 6);
    say_reply(&s, 7, 1, 0);
    assert_int_equal(negotiate(&s, &export, NULL), 0);
    assert_int_equal(export.size, 8192);
    assert_int_equal(export.min_block, 4096);
    assert_int_equal(export.max_block, 98304);
}

static void bad_greetings(void **state)
{
    struct nbd_export export;
    struct script s = {.n = 0};

    (void)state;
    assert_true(negotiate(&s, &export, "connection closed") < 0);
    say(&s, UINT64_C(0x5353482d322e302d), 8); /* SSH-2.0- */
    say(&s, 0, 8);
    say(&s, 0, 2);
    assert_true(negotiate(&s, &export, "does not speak NBD") < 0);
    s.n = 0;
    say(&s, UINT64_C(0x4e42444d41474943), 8);
    say(&s, UINT64_C(0x00420281861253), 8);
    say(&s, 0, 2);
    assert_true(negotiate(&s, &export, "old style") < 0);
    say_hello(&s, 0);
    assert_true(negotiate(&s, &export, "old style") < 0);
}

static void bad_replies(void **state)
{
    struct nbd_export export;
    struct script s;

    (void)state;
    say_hello(&s, 3);
    say_reply(&s, 7, 0x80000006u, 9);
    memcpy(s.bytes + s.n, "no\033such\n!", 9);
    s.n += 9;
    assert_true(negotiate(&s, &export, "no export 'name' (error 6)") < 0);
    say_hello(&s, 3);
    say_reply(&s, 8, 1, 0);
    assert_true(negotiate(&s, &export, "not asked") < 0);
    say_hello(&s, 3);
    say_reply(&s, 7, 3, 0xffffffffu);
    assert_true(negotiate(&s, &export, "too long") < 0);
    say_hello(&s, 3);
    say_reply(&s, 7, 1, 0);
    assert_true(negotiate(&s, &export, "size") < 0);
    say_hello(&s, 3);
    say_reply(&s, 7, 3, 11);
    assert_true(negotiate(&s, &export, "closed") < 0);
}

static void bad_exports(void **state)
{
    static const struct {
        uint64_t size;
        uint32_t min, max;
        const char *text;
    } cases[] = {
        {0, 1, 65536, "empty"},
        {511, 1, 65536, "empty"},
        {UINT64_MAX, 1, 65536, "impossible size"},
        {65536, 0, 65536, "block size"},
        {65536, 3, 65536, "block size"},
        {65536, 1u << 31, 1u << 31, "block size"},
        {65536, 4096, 4095, "block size"},
        {65536, 1, 0, "block size"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct nbd_export export;
        struct script s;

        say_hello(&s, 3);
        say_export(&s, cases[i].size);
        say_blocks(&s, cases[i].min, cases[i].max);
        say_reply(&s, 7, 1, 0);
        assert_true(negotiate(&s, &export, cases[i].text) < 0);
    }
}

static void bad_addresses(void **state)
{
    struct blk_config cfg = {0};
    char long_path[300] = "nbd:unix:/";

    (void)state;
    cfg.path = "nbd:unix:";
    RIG_REFUSED(&cfg, "path must have");
    cfg.path = "nbd:unix::name";
    RIG_REFUSED(&cfg, "path must have");
    memset(long_path + 10, 'x', 120);
    cfg.path = long_path;
    RIG_REFUSED(&cfg, "path must have");
    /* "/x:" and a name of 256 bytes */
    memset(long_path + 10, 'x', 259);
    long_path[11] = ':';
    long_path[268] = '\0';
    RIG_REFUSED(&cfg, "name is longer than 255");
    cfg.path = "nbd:unix:/nonexistent/socket";
    RIG_REFUSED(&cfg, "No such file", "start the NBD server");
    cfg = (struct blk_config){.path = "nbd:unix:/x", .snapshot = true};
    RIG_REFUSED(&cfg, "snapshot=on is for files");
    cfg = (struct blk_config){.path = "nbd:unix:/x", .cache = BLK_CACHE_NONE};
    RIG_REFUSED(&cfg, "cache=none is for files");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_negotiations), cmocka_unit_test(bad_greetings),
        cmocka_unit_test(bad_replies),       cmocka_unit_test(bad_exports),
        cmocka_unit_test(bad_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
