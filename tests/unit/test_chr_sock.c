// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A chr that clients attach to: output waits for them, input outlives them,
 * one at a time, and the socket's file is ours and nobody else's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chr_rig.h"
#include "vmm/log.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct rig {
    struct chr_rig c; /* its loop and its way to run it */
    char dir[32];
    char path[64];
    struct chr *chr;
    struct front front;
    unsigned changes;
};

static void on_attached(void *owner)
{
    struct front *f = owner;
    struct rig *r = (struct rig *)((char *)f - offsetof(struct rig, front));

    r->changes++;
}

static void open_socket(struct rig *r)
{
    const struct chr_front ops = {.readable = front_readable,
                                  .writable = front_writable,
                                  .attached = on_attached,
                                  .owner = &r->front};

    r->chr = chr_open_unix(r->path);
    assert_non_null(r->chr);
    assert_int_equal(chr_start(r->chr, r->c.loop), 0);
    r->front = (struct front){.chr = r->chr};
    chr_attach(r->chr, &ops);
}

static int setup(void **state)
{
    static struct rig r;

    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    r = (struct rig){.dir = "/tmp/vmm-test-sock-XXXXXX"};
    assert_non_null(mkdtemp(r.dir));
    snprintf(r.path, sizeof(r.path), "%s/c", r.dir);
    rig_open(&r.c);
    open_socket(&r);
    *state = &r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    chr_close(r->chr);
    rig_close(&r->c);
    unlink(r->path);
    return rmdir(r->dir);
}

static void run(struct rig *r)
{
    rig_run(&r->c, 10 * RIG_MS);
}

static int connect_to(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    strncpy(at.sun_path, path, sizeof(at.sun_path) - 1);
    assert_int_equal(connect(fd, (const void *)&at, sizeof(at)), 0);
    return fd;
}

static int join(struct rig *r)
{
    const int fd = connect_to(r->path);

    run(r);
    return fd;
}

static void leave(struct rig *r, int fd)
{
    close(fd);
    run(r);
}

static void assert_hears(struct rig *r, int fd, const char *text)
{
    char got[256] = {0};

    assert_in_range(strlen(text), 1, sizeof(got) - 1);
    assert_int_equal(rig_read(&r->c, fd, got, strlen(text)), strlen(text));
    assert_string_equal(got, text);
}

static void assert_got(const struct rig *r, const char *text)
{
    assert_int_equal(r->front.n, strlen(text));
    assert_memory_equal(r->front.got, text, strlen(text));
}

static void both_ways(void **state)
{
    struct rig *r = *state;
    int fd;

    assert_false(chr_is_attached(r->chr));
    fd = join(r);
    assert_true(chr_is_attached(r->chr));
    say(r->chr, "login:\n");
    assert_hears(r, fd, "login:\n");
    assert_int_equal(write(fd, "root\n", 5), 5);
    run(r);
    assert_got(r, "root\n");
    leave(r, fd);
    assert_false(chr_is_attached(r->chr));
    assert_int_equal(r->changes, 2);
}

static void what_was_said_before_waits(void **state)
{
    struct rig *r = *state;
    int fd;

    say(r->chr, "booting\n");
    run(r);
    assert_int_equal(chr_room(r->chr), CHR_BUF);
    fd = join(r);
    assert_hears(r, fd, "booting\n");
    leave(r, fd);
    say(r->chr, "later\n");
    fd = join(r);
    assert_hears(r, fd, "later\n");
    close(fd);
}

static void the_oldest_goes_first_and_is_counted(void **state)
{
    static char text[CHR_BUF + 100], got[CHR_BUF];
    struct rig *r = *state;
    int fd;

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 23);
    chr_write(r->chr, text, 1000);
    chr_write(r->chr, text + 1000, sizeof(text) - 1000);
    chr_write(r->chr, "!\n", 2);
    assert_int_equal(stats_of(r->chr).out_dropped, 102);
    fd = join(r);
    assert_hears(r, fd,
                 "vmm: console: 102 bytes of earlier output were dropped\r\n");
    assert_int_equal(rig_read(&r->c, fd, got, CHR_BUF), CHR_BUF);
    assert_memory_equal(got, text + 102, CHR_BUF - 2);
    assert_memory_equal(got + CHR_BUF - 2, "!\n", 2);
    /* Told once. */
    leave(r, fd);
    fd = join(r);
    assert_int_equal(read(fd, got, 1), -1);
    close(fd);
}

static void one_write_larger_than_the_buffer(void **state)
{
    static char text[3 * CHR_BUF], got[CHR_BUF];
    struct rig *r = *state;
    int fd;

    memset(text, 'x', 2 * CHR_BUF);
    memset(text + 2 * CHR_BUF, 'y', CHR_BUF);
    chr_write(r->chr, text, sizeof(text));
    fd = join(r);
    assert_hears(
        r, fd, "vmm: console: 131072 bytes of earlier output were dropped\r\n");
    assert_int_equal(rig_read(&r->c, fd, got, CHR_BUF), CHR_BUF);
    assert_memory_equal(got, text + 2 * CHR_BUF, CHR_BUF);
    close(fd);
}

static void a_second_client_is_told(void **state)
{
    struct rig *r = *state;
    const int first = join(r), second = join(r);
    char byte;

    assert_hears(r, second,
                 "vmm: console: somebody else is attached: one client at a "
                 "time\r\n");
    assert_int_equal(read(second, &byte, 1), 0);
    close(second);
    say(r->chr, "still\n");
    assert_hears(r, first, "still\n");
    close(first);
}

static void reattached_a_hundred_times(void **state)
{
    struct rig *r = *state;
    char line[16];

    for (unsigned i = 0; i < 100; i++) {
        const int fd = join(r);

        r->front.n = 0;
        snprintf(line, sizeof(line), "round %u\n", i);
        say(r->chr, line);
        assert_int_equal(write(fd, line, strlen(line)), strlen(line));
        assert_hears(r, fd, line);
        assert_got(r, line);
        leave(r, fd);
    }
    assert_int_equal(r->changes, 200);
}

/* echo quit | nc: it says its word, listens no more, and is gone. */
static void a_client_that_only_speaks(void **state)
{
    struct rig *r = *state;
    int fd = connect_to(r->path);

    assert_int_equal(write(fd, "quit\n", 5), 5);
    close(fd);
    say(r->chr, "kept\n");
    run(r);
    assert_got(r, "quit\n");
    assert_false(chr_is_attached(r->chr));
    fd = join(r);
    assert_true(chr_is_attached(r->chr));
    close(fd);
}

static void a_client_that_has_said_all_listens(void **state)
{
    struct rig *r = *state;
    const int fd = join(r);

    assert_int_equal(write(fd, "go\n", 3), 3);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    run(r);
    assert_got(r, "go\n");
    assert_true(chr_is_attached(r->chr));
    say(r->chr, "going\n");
    assert_hears(r, fd, "going\n");
    assert_true(sleeps_during(&r->c, 200 * RIG_MS) < 20); /* no spinning */
    leave(r, fd);
    assert_false(chr_is_attached(r->chr));
}

/* Two in a row, faster than the loop: neither word is lost. */
static void one_after_the_other(void **state)
{
    struct rig *r = *state;
    const int a = connect_to(r->path), b = connect_to(r->path);

    assert_int_equal(write(a, "a", 1), 1);
    close(a);
    assert_int_equal(write(b, "b", 1), 1);
    run(r);
    assert_got(r, "ab");
    assert_true(chr_is_attached(r->chr));
    close(b);
}

/* The guest takes nothing; who spoke and went does not hold the place. */
static void unread_input_of_one_who_left(void **state)
{
    static char text[65536];
    struct rig *r = *state;
    int fd;

    chr_attach(r->chr, NULL);
    fd = join(r);
    memset(text, 'x', sizeof(text));
    assert_true(write(fd, text, sizeof(text)) > 4096);
    leave(r, fd);
    assert_int_equal(chr_pending(r->chr), 4096);
    fd = join(r);
    say(r->chr, "hello\n");
    assert_hears(r, fd, "hello\n");
    assert_int_equal(chr_read(r->chr, text, sizeof(text)), 4096);
    assert_int_equal(write(fd, "y", 1), 1);
    run(r);
    assert_int_equal(chr_read(r->chr, text, sizeof(text)), 1);
    assert_int_equal(text[0], 'y');
    close(fd);
}

static void a_client_that_does_not_read(void **state)
{
    static char text[CHR_BUF];
    struct rig *r = *state;
    int fd = join(r);

    memset(text, 'x', sizeof(text));
    for (unsigned i = 0; i < 100 && chr_room(r->chr); i++) {
        chr_write(r->chr, text, chr_room(r->chr));
        run(r);
    }
    rig_run(&r->c, 3 * CHR_STALL_NS);
    assert_int_equal(chr_room(r->chr), CHR_BUF); /* nobody waits for it */
    assert_true(r->front.writables > 0);
    leave(r, fd);
    say(r->chr, "end\n");
    fd = join(r);
    assert_true(chr_is_attached(r->chr));
    leave(r, fd);
}

static void the_file(void **state)
{
    struct rig *r = *state;
    struct stat st;

    assert_int_equal(stat(r->path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
    chr_close(r->chr);
    assert_int_equal(stat(r->path, &st), -1);
    /* What is at its place by then stays. */
    open_socket(r);
    unlink(r->path);
    close(open(r->path, O_CREAT | O_WRONLY, 0600));
    chr_close(r->chr);
    assert_int_equal(stat(r->path, &st), 0);
    unlink(r->path);
    open_socket(r);
}

static void a_living_socket_is_refused_unseen(void **state)
{
    struct rig *r = *state;

    say(r->chr, "kept\n");
    assert_null(chr_open_unix(r->path));
    run(r);
    assert_int_equal(r->changes, 0);
    assert_int_equal(access(r->path, F_OK), 0);
}

static void a_dead_one_is_replaced(void **state)
{
    struct rig *r = *state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const int old = socket(AF_UNIX, SOCK_STREAM, 0);
    int fd;

    chr_close(r->chr);
    strncpy(at.sun_path, r->path, sizeof(at.sun_path) - 1);
    assert_int_equal(bind(old, (const void *)&at, sizeof(at)), 0);
    close(old);
    open_socket(r);
    fd = join(r);
    say(r->chr, "new\n");
    assert_hears(r, fd, "new\n");
    close(fd);
}

static void places_that_are_refused(void **state)
{
    struct rig *r = *state;
    char path[200], other[80];

    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_null(chr_open_unix(path));
    assert_null(chr_open_unix(r->dir));
    snprintf(other, sizeof(other), "%s/no/such", r->dir);
    assert_null(chr_open_unix(other));
    snprintf(other, sizeof(other), "%s/file", r->dir);
    close(open(other, O_CREAT | O_WRONLY, 0600));
    assert_null(chr_open_unix(other));
    assert_int_equal(unlink(other), 0); /* it was left alone */
}

static void the_end_writes_what_is_left(void **state)
{
    struct rig *r = *state;
    const int fd = join(r);
    char got[8] = {0};

    say(r->chr, "down");
    chr_close(r->chr);
    assert_int_equal(read(fd, got, sizeof(got)), 4);
    assert_string_equal(got, "down");
    assert_int_equal(read(fd, got, sizeof(got)), 0);
    close(fd);
    open_socket(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_ways),
        TEST(what_was_said_before_waits),
        TEST(the_oldest_goes_first_and_is_counted),
        TEST(one_write_larger_than_the_buffer),
        TEST(a_second_client_is_told),
        TEST(reattached_a_hundred_times),
        TEST(a_client_that_only_speaks),
        TEST(a_client_that_has_said_all_listens),
        TEST(one_after_the_other),
        TEST(unread_input_of_one_who_left),
        TEST(a_client_that_does_not_read),
        TEST(the_file),
        TEST(a_living_socket_is_refused_unseen),
        TEST(a_dead_one_is_replaced),
        TEST(places_that_are_refused),
        TEST(the_end_writes_what_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
