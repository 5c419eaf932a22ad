// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a character backend can be opened on, and how it ends: shared
 * descriptors, files, terminals, a full disk, bytes still buffered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chr_rig.h"
#include "vmm/log.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- descriptors ---- */

static void shared_descriptors_stay_as_they_are(void **state)
{
    int in[2];
    int out[2];
    struct chr *c;

    (void)state;
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    c = rig_stdio_on(dup(in[0]), dup(out[1]));
    assert_non_null(c);
    assert_int_equal(fcntl(in[0], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(out[1], F_GETFL) & O_NONBLOCK, 0);
    assert_false(chr_is_tty(c));
    chr_close(c);
    for (unsigned i = 0; i < 2; i++) {
        close(in[i]);
        close(out[i]);
    }
}

static void a_redirected_file_is_not_written_over(void **state)
{
    struct chr_rig *r = *state;
    char path[] = "/tmp/vmm-test-chr-XXXXXX";
    const int fd = mkstemp(path);
    char text[64] = {0};
    struct chr *c;

    /* The shell's group command wrote before, and writes after. */
    assert_int_equal(write(fd, "before\n", 7), 7);
    c = rig_stdio_on(open("/dev/null", O_RDONLY), dup(fd));
    assert_int_equal(chr_start(c, r->loop), 0);
    say(c, "guest\n");
    rig_run(r, 5 * RIG_MS);
    assert_int_equal(write(fd, "after\n", 6), 6);
    say(c, "last");
    chr_close(c);
    assert_int_equal(pread(fd, text, sizeof(text), 0), 23);
    assert_string_equal(text, "before\nguest\nafter\nlast");
    close(fd);
    unlink(path);
}

static void a_file_is_appended_to_and_private(void **state)
{
    struct chr_rig *r = *state;
    char dir[] = "/tmp/vmm-test-chr-XXXXXX";
    char path[64];
    char text[64] = {0};
    struct stat st;
    int fd;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/console", dir);
    for (unsigned i = 0; i < 2; i++) {
        struct chr *c = chr_open_file(path);

        assert_non_null(c);
        assert_int_equal(chr_start(c, r->loop), 0);
        say(c, "boot\n");
        rig_run(r, 5 * RIG_MS);
        say(c, "down");
        chr_close(c);
    }
    fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, text, sizeof(text)), 18);
    assert_string_equal(text, "boot\ndownboot\ndown");
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    close(fd);
    unlink(path);
    rmdir(dir);
}

static void a_full_disk_costs_only_what_does_not_fit(void **state)
{
    struct chr_rig *r = *state;
    char path[] = "/tmp/vmm-test-chr-XXXXXX";
    const int fd = mkstemp(path);
    struct rlimit saved;
    struct rlimit small = {.rlim_cur = 8};
    struct chr *c = chr_open_file(path);
    char text[64] = {0};

    assert_int_equal(chr_start(c, r->loop), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &saved);
    small.rlim_max = saved.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    say(c, "12345678lost\n");
    rig_run(r, 5 * RIG_MS);
    setrlimit(RLIMIT_FSIZE, &saved);
    assert_int_equal(stats_of(c).out_dropped, 5);
    say(c, "room\n");
    rig_run(r, 5 * RIG_MS);
    chr_close(c);
    assert_int_equal(read(fd, text, sizeof(text)), 13);
    assert_string_equal(text, "12345678room\n");
    close(fd);
    unlink(path);
}

static void a_path_that_cannot_be(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    assert_null(chr_open_file("/nonexistent/console"));
    assert_null(chr_open_file("/"));
}

/* ---- terminals ---- */

/* The path of the pty that chr_open_pty just logged to standard error. */
static struct chr *open_pty_chr(char *path, size_t size)
{
    const int saved = dup(STDERR_FILENO);
    char line[128] = {0};
    struct chr *c;
    int p[2];
    char *at;

    assert_int_equal(pipe(p), 0);
    dup2(p[1], STDERR_FILENO);
    log_set_level(LOG_INFO);
    c = chr_open_pty();
    log_set_level(LOG_ERROR);
    dup2(saved, STDERR_FILENO);
    assert_true(read(p[0], line, sizeof(line) - 1) > 0);
    at = strstr(line, "/dev/pts/");
    assert_non_null(at);
    snprintf(path, size, "%.*s", (int)strcspn(at, "\n"), at);
    close(p[0]);
    close(p[1]);
    close(saved);
    return c;
}

static void a_pty_carries_both_ways(void **state)
{
    struct chr_rig *r = *state;
    struct front f;
    char path[64];
    char got[64];
    struct chr *c = open_pty_chr(path, sizeof(path));

    assert_non_null(c);
    assert_false(chr_is_tty(c));
    assert_int_equal(chr_start(c, r->loop), 0);
    attach(&f, c);
    say(c, "early\r\n");
    rig_run(r, 2 * RIG_MS);
    assert_int_equal(f.n, 0); /* not echoed */
    /* People come and go. */
    for (unsigned i = 0; i < 3; i++) {
        const int peer = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);

        assert_true(peer >= 0);
        say(c, "prompt\n");
        assert_int_equal(rig_read(r, peer, got, i ? 7 : 14), i ? 7 : 14);
        assert_int_equal(write(peer, "\x03hi\r", 4), 4);
        rig_await(r, &f.n, 4 * (i + 1));
        assert_int_equal(f.n, 4 * (i + 1));
        assert_memory_equal(f.got + 4 * i, "\x03hi\r", 4);
        close(peer);
        assert_in_range(sleeps_during(r, 50 * RIG_MS), 0, 20);
    }
    chr_close(c);
}

static void a_pty_without_anybody_is_quiet(void **state)
{
    static char block[CHR_BUF];
    struct chr_rig *r = *state;
    char path[64];
    struct chr *c = open_pty_chr(path, sizeof(path));
    int64_t began;

    assert_int_equal(chr_start(c, r->loop), 0);
    for (unsigned i = 0; i < 4; i++) {
        chr_write(c, block, chr_room(c));
        rig_run(r, 2 * RIG_MS);
    }
    rig_run(r, CHR_STALL_NS * 3);
    assert_int_equal(chr_room(c), CHR_BUF);
    assert_in_range(sleeps_during(r, 100 * RIG_MS), 0, 20);
    began = now_ms();
    chr_close(c);
    assert_in_range(now_ms() - began, 0,
                    CHR_CLOSE_MS - 50); /* known to be stalled */
}

static void a_terminal_on_stdin_is_known(void **state)
{
    struct chr_rig *r = *state;
    const int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    struct front f;
    struct termios t;
    int slave;
    struct chr *c;

    assert_int_equal(grantpt(master) | unlockpt(master), 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    tcgetattr(slave, &t);
    cfmakeraw(&t);
    tcsetattr(slave, TCSANOW, &t);
    c = rig_stdio_on(dup(slave), dup(slave));
    assert_true(chr_is_tty(c));
    assert_int_equal(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(chr_start(c, r->loop), 0);
    attach(&f, c);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(write(master, "key", 3), 3);
        rig_await(r, &f.n, 3 * (i + 1));
        assert_int_equal(f.n, 3 * (i + 1));
    }
    say(c, "screen");
    rig_run(r, 2 * CHR_FLUSH_NS);
    assert_int_equal(read(master, f.got, sizeof(f.got)), 6);
    /* The terminal goes away: the end of input, and no output. */
    close(master);
    rig_run(r, 5 * RIG_MS);
    assert_in_range(sleeps_during(r, 50 * RIG_MS), 0, 20);
    say(c, "nobody\n");
    rig_run(r, 5 * RIG_MS);
    assert_int_equal(stats_of(c).out_dropped, 7);
    chr_close(c);
    close(slave);
}

/* ---- the end ---- */

static void closing_writes_what_is_buffered_once(void **state)
{
    static char got[3 * 4096];
    struct chr_rig r;
    size_t n;

    (void)state;
    for (unsigned turns = 0; turns < 3; turns++) {
        rig_open(&r);
        /* Closed before the loop saw it, or with the write queued. */
        for (unsigned i = 0; i < 1000; i++)
            say(r.chr, "line\n");
        if (turns)
            rig_run(&r, turns == 1 ? 1 : RIG_MS);
        say(r.chr, "Power down");
        chr_close(r.chr);
        r.chr = NULL;
        n = rig_screen(&r, got, sizeof(got));
        assert_int_equal(n, 5010);
        assert_memory_equal(got + 5000, "Power down", 10);
        rig_close(&r);
    }
}

static void stop_with_a_write_queued(struct loop_op *op, int res)
{
    struct chr_rig *r = op->owner;

    (void)res;
    /* This turn's wake-up queues the write, which is never submitted. */
    say(r->chr, "the end\n");
    loop_stop(r->loop, 0);
}

static void a_queued_write_is_not_doubled(void **state)
{
    char got[256];

    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        struct chr_rig r;
        struct loop_op op;

        rig_open(&r);
        op = (struct loop_op){.fn = stop_with_a_write_queued, .owner = &r};
        say(r.chr, "line\n");
        loop_timer(r.loop, &op, i * 1000);
        loop_run(r.loop);
        chr_close(r.chr);
        r.chr = NULL;
        assert_int_equal(rig_screen(&r, got, sizeof(got)), 13);
        assert_memory_equal(got, "line\nthe end\n", 13);
        rig_close(&r);
    }
}

static void closing_does_not_wait_for_ever(void **state)
{
    static char block[CHR_BUF];
    struct chr_rig *r = *state;
    int64_t began;

    for (unsigned i = 0; i < 3; i++) {
        chr_write(r->chr, block, chr_room(r->chr));
        rig_run(r, 2 * RIG_MS);
    }
    began = now_ms();
    chr_close(r->chr);
    r->chr = NULL;
    assert_in_range(now_ms() - began, CHR_CLOSE_MS - 50, CHR_CLOSE_MS + 2000);
}

static void null_takes_everything(void **state)
{
    struct chr_rig *r = *state;
    struct chr *c = chr_open_null();
    char byte;

    assert_int_equal(chr_start(c, r->loop), 0);
    for (unsigned i = 0; i < CHR_BUF; i++)
        say(c, "ab\n");
    assert_int_equal(chr_room(c), CHR_BUF);
    assert_int_equal(stats_of(c).out_bytes, 3 * CHR_BUF);
    assert_int_equal(stats_of(c).out_dropped, 0);
    assert_int_equal(chr_read(c, &byte, 1), 0);
    chr_hold_input(c, true);
    chr_hold_input(c, false);
    chr_close(c);
    chr_close(NULL);
}

/* What chr_dump_tail prints, as text. */
static char *dump(const struct chr *c)
{
    static char text[16384];
    const int saved = dup(STDERR_FILENO);
    ssize_t n;
    int p[2];

    assert_int_equal(pipe(p), 0);
    dup2(p[1], STDERR_FILENO);
    chr_dump_tail(c);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(p[1]);
    n = read(p[0], text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    close(p[0]);
    return text;
}

static void the_tail_is_the_last_lines_made_harmless(void **state)
{
    struct chr *c = chr_open_null();
    const char *text;

    (void)state;
    assert_string_equal(dump(c), "");
    say(c, "a\tb\x1b[31m\x07\x9b\r\nno newline");
    text = dump(c);
    assert_non_null(strstr(text, "console: a\tb[31m"));
    assert_null(strchr(text, '\x1b'));
    assert_null(strchr(text, '\x9b'));
    assert_non_null(strstr(text, "console: no newline"));
    for (unsigned i = 0; i < 5000; i++) {
        char line[16];

        snprintf(line, sizeof(line), "line %u\n", i);
        say(c, line);
    }
    text = dump(c);
    assert_non_null(strstr(text, "console: line 4980"));
    assert_non_null(strstr(text, "console: line 4999"));
    assert_null(strstr(text, "line 4979"));
    chr_close(c);
}

static void a_tail_of_one_endless_line(void **state)
{
    static char block[100000];
    struct chr *c = chr_open_null();

    (void)state;
    memset(block, 'e', sizeof(block));
    chr_write(c, block, sizeof(block));
    assert_in_range(strlen(dump(c)), 8192, 9000);
    chr_close(c);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_descriptors_stay_as_they_are),
        TEST(a_redirected_file_is_not_written_over),
        TEST(a_file_is_appended_to_and_private),
        TEST(a_full_disk_costs_only_what_does_not_fit),
        cmocka_unit_test(a_path_that_cannot_be),
        TEST(a_pty_carries_both_ways),
        TEST(a_pty_without_anybody_is_quiet),
        TEST(a_terminal_on_stdin_is_known),
        cmocka_unit_test(closing_writes_what_is_buffered_once),
        cmocka_unit_test(a_queued_write_is_not_doubled),
        TEST(closing_does_not_wait_for_ever),
        TEST(null_takes_everything),
        cmocka_unit_test(the_tail_is_the_last_lines_made_harmless),
        cmocka_unit_test(a_tail_of_one_endless_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
