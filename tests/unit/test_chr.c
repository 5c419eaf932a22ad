// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The character backend as a stream: nothing lost, nobody blocked, input only
 * as fast as it is taken, nothing happening when nothing happens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chr_rig.h"
#include "vmm/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

/* ---- output ---- */

/* A chr whose writes can be told apart: each is one packet. */
static struct chr *open_packets(struct loop *loop, int *screen)
{
    int s[2];
    struct chr *c;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s),
                     0);
    fcntl(s[0], F_SETFL, O_NONBLOCK);
    *screen = s[0];
    c = rig_stdio_on(open("/dev/null", O_RDONLY), s[1]);
    assert_non_null(c);
    assert_int_equal(chr_start(c, loop), 0);
    return c;
}

static void a_burst_is_one_write(void **state)
{
    struct chr_rig *r = *state;
    char packet[CHR_BUF];
    int screen;
    struct chr *c = open_packets(r->loop, &screen);

    for (unsigned i = 0; i < 50; i++)
        say(c, "x");
    rig_run(r, CHR_FLUSH_NS * 5);
    assert_int_equal(read(screen, packet, sizeof(packet)), 50);
    /* A newline does not wait for the flush timer. */
    for (const char *p = "login:\n"; *p; p++)
        chr_write(c, p, 1);
    rig_run(r, CHR_FLUSH_NS / 2);
    assert_int_equal(read(screen, packet, sizeof(packet)), 7);
    assert_int_equal(read(screen, packet, sizeof(packet)), -1);
    chr_close(c);
    close(screen);
}

static void half_full_does_not_wait(void **state)
{
    struct chr_rig *r = *state;
    static char half[CHR_BUF / 2];
    char packet[CHR_BUF];
    int screen;
    struct chr *c = open_packets(r->loop, &screen);

    memset(half, 'h', sizeof(half));
    chr_write(c, half, sizeof(half));
    rig_run(r, CHR_FLUSH_NS / 2);
    assert_int_equal(read(screen, packet, sizeof(packet)), sizeof(half));
    chr_close(c);
    close(screen);
}

static void a_megabyte_comes_out_in_order(void **state)
{
    struct chr_rig *r = *state;
    uint32_t sent = 0;
    uint32_t seen = 0;

    while (seen < 1024 * 1024 / 4) {
        uint32_t words[1024];
        size_t n;

        while (sent < 1024 * 1024 / 4 && chr_room(r->chr) >= 12) {
            chr_write(r->chr, &sent, sizeof(sent));
            sent++;
        }
        /* A while without anybody who reads would be a stall. */
        rig_run_once(r, RIG_MS / 10);
        n = rig_screen(r, words, sizeof(words));
        assert_int_equal(n % 4, 0);
        for (size_t i = 0; i < n / 4; i++)
            assert_int_equal(words[i], seen++);
    }
    assert_int_equal(stats_of(r->chr).out_dropped, 0);
    assert_int_equal(stats_of(r->chr).out_bytes, 1024 * 1024);
}

static void a_stalled_reader_loses_and_comes_back(void **state)
{
    static char block[CHR_BUF];
    struct chr_rig *r = *state;
    struct front f;
    size_t accepted = 0;
    size_t seen = 0;

    attach(&f, r->chr);
    /* The pipe fills, then the buffer, at once: a stall is told by the clock.
     */
    for (unsigned i = 0; i < 2; i++) {
        RIG_UNTIL(r, chr_room(r->chr) == CHR_BUF);
        assert_int_equal(chr_room(r->chr), CHR_BUF);
        chr_write(r->chr, block, CHR_BUF);
        accepted += CHR_BUF;
    }
    assert_int_equal(chr_room(r->chr), 0);
    f.writables = 0;
    rig_run(r, CHR_STALL_NS * 3);
    assert_int_equal(f.writables, 1); /* told once that nobody waits */
    assert_int_equal(chr_room(r->chr), CHR_BUF);
    chr_write(r->chr, block, 1000);
    assert_int_equal(stats_of(r->chr).out_dropped, 1000);
    RIG_UNTIL(r, (seen += rig_screen(r, block, sizeof(block))) >= accepted);
    assert_int_equal(seen, accepted);
    say(r->chr, "back\n");
    assert_int_equal(rig_read(r, r->screen, block, 5), 5);
    assert_int_equal(stats_of(r->chr).out_dropped, 1000);
}

static void a_reader_that_left_blocks_nobody(void **state)
{
    struct chr_rig *r = *state;

    close(r->screen);
    r->screen = -1;
    say(r->chr, "hello\n");
    RIG_UNTIL(r, stats_of(r->chr).out_dropped);
    assert_int_equal(stats_of(r->chr).out_dropped, 6);
    assert_int_equal(chr_room(r->chr), CHR_BUF);
    say(r->chr, "again\n");
    assert_int_equal(stats_of(r->chr).out_dropped, 12);
}

struct writer {
    struct chr *chr;
    pthread_mutex_t lock;
};

/* As a vCPU thread does: byte by byte, the board lock held. */
static void *write_lines(void *arg)
{
    struct writer *w = arg;

    for (unsigned i = 0; i < 2000; i++) {
        char line[16];
        const int n = snprintf(line, sizeof(line), "%08u\n", i);

        for (int k = 0; k < n; k++) {
            pthread_mutex_lock(&w->lock);
            chr_write(w->chr, line + k, 1);
            pthread_mutex_unlock(&w->lock);
        }
    }
    return NULL;
}

static void another_thread_wakes_the_loop(void **state)
{
    struct writer w = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct chr_rig r = {.keys = -1};
    char text[2000 * 9 + 1];
    size_t n = 0;
    int out[2];
    pthread_t thread;

    (void)state;
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    r.screen = out[0];
    assert_int_equal(loop_create(&r.loop, &w.lock), 0);
    w.chr = r.chr = rig_stdio_on(open("/dev/null", O_RDONLY), out[1]);
    assert_int_equal(chr_start(r.chr, r.loop), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_lines, &w), 0);
    for (unsigned i = 0; i < 2000 && n < sizeof(text) - 1; i++) {
        rig_run(&r, RIG_MS);
        n += rig_screen(&r, text + n, sizeof(text) - n);
    }
    pthread_join(thread, NULL);
    assert_int_equal(n, sizeof(text) - 1);
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(atoi(text + 9 * i), i);
    rig_close(&r);
}

/* ---- input ---- */

static void input_is_read_as_fast_as_it_is_taken(void **state)
{
    static char block[32 * 1024];
    struct chr_rig *r = *state;
    size_t typed = 0;
    size_t taken = 0;

    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = (char)(i * 13 % 101);
    rig_type(r, block, sizeof(block));
    RIG_UNTIL(r, stats_of(r->chr).in_bytes);
    /* Nobody takes any: a bounded part was read, the rest waits outside. */
    assert_in_range(stats_of(r->chr).in_bytes, 1, 4096);
    typed = sizeof(block);
    for (unsigned i = 0; i < 1000 && taken < typed; i++) {
        char got[700];
        const size_t n = chr_read(r->chr, got, sizeof(got));

        assert_memory_equal(got, block + taken, n);
        taken += n;
        rig_run(r, RIG_MS / 10);
    }
    assert_int_equal(taken, typed);
}

static void a_front_end_hears_of_input(void **state)
{
    struct chr_rig *r = *state;
    struct front f;

    attach(&f, r->chr);
    rig_type(r, "one", 3);
    rig_await(r, &f.n, 3);
    rig_type(r, "two", 3);
    rig_await(r, &f.n, 6);
    assert_int_equal(f.n, 6);
    assert_memory_equal(f.got, "onetwo", 6);
    /* Detached: what comes now is kept for whoever follows. */
    chr_attach(r->chr, NULL);
    rig_type(r, "kept", 4);
    RIG_UNTIL(r, chr_pending(r->chr) == 4);
    attach(&f, r->chr);
    front_readable(&f);
    assert_int_equal(f.n, 4);
}

/* Removes every 'q', counting them. */
static size_t without_q(void *ctx, unsigned char *buf, size_t n)
{
    unsigned *count = ctx;
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (buf[i] == 'q')
            ++*count;
        else
            buf[kept++] = buf[i];
    }
    return kept;
}

static void the_filter_sees_keys_behind_a_hung_guest(void **state)
{
    struct chr_rig *r = *state;
    unsigned count = 0;
    const struct chr_filter filter = {.input = without_q, .ctx = &count};
    char got[16];

    chr_set_filter(r->chr, &filter);
    /* Nobody reads: a later key is still seen. */
    rig_type(r, "abc", 3);
    RIG_UNTIL(r, chr_pending(r->chr) == 3);
    rig_type(r, "q", 1);
    RIG_UNTIL(r, count == 1);
    assert_int_equal(count, 1);
    rig_type(r, "dqe", 3);
    RIG_UNTIL(r, chr_pending(r->chr) == 5);
    assert_int_equal(chr_read(r->chr, got, sizeof(got)), 5);
    assert_memory_equal(got, "abcde", 5);
    assert_int_equal(count, 2);
}

static void held_input_stays_outside(void **state)
{
    struct chr_rig *r = *state;
    struct front f;
    char byte;

    attach(&f, r->chr);
    rig_run(r, RIG_MS);
    chr_hold_input(r->chr, true);
    rig_type(r, "no", 2);
    rig_run(r, 2 * RIG_MS);
    assert_int_equal(f.n, 0);
    chr_hold_input(r->chr, false);
    rig_await(r, &f.n, 2);
    assert_int_equal(f.n, 2);
    /* Held and let go again before the loop turns. */
    chr_hold_input(r->chr, true);
    chr_hold_input(r->chr, false);
    rig_run(r, 2 * RIG_MS);
    rig_type(r, "ye", 2);
    rig_await(r, &f.n, 4);
    assert_int_equal(f.n, 4);
    assert_int_equal(chr_read(r->chr, &byte, 1), 0);
}

static void the_end_of_input_is_quiet(void **state)
{
    struct chr_rig *r = *state;
    struct front f;
    clock_t cpu;

    attach(&f, r->chr);
    rig_type(r, "bye", 3);
    close(r->keys);
    r->keys = -1;
    rig_await(r, &f.n, 3);
    rig_run(r, 5 * RIG_MS);
    assert_int_equal(f.n, 3);
    cpu = clock();
    assert_in_range(sleeps_during(r, 100 * RIG_MS), 0, 20);
    assert_in_range(clock() - cpu, 0, CLOCKS_PER_SEC / 50);
    /* Output goes on. */
    say(r->chr, "still here\n");
    assert_int_equal(rig_read(r, r->screen, f.got, 11), 11);
}

static void input_from_a_file_and_from_nowhere(void **state)
{
    static const char *const sources[] = {"/dev/null", NULL};
    char path[] = "/tmp/vmm-test-chr-XXXXXX";
    const int fd = mkstemp(path);
    struct chr_rig *r = *state;
    static char block[10000];

    assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        struct chr *c = rig_stdio_on(
            open(sources[i] ? sources[i] : path, O_RDONLY), dup(STDOUT_FILENO));
        const size_t want = sources[i] ? 0 : sizeof(block);
        size_t got = 0;

        assert_int_equal(chr_start(c, r->loop), 0);
        for (unsigned turn = 0; turn < 10; turn++) {
            rig_run(r, RIG_MS);
            got += chr_read(c, block, sizeof(block));
        }
        assert_int_equal(got, want);
        assert_in_range(sleeps_during(r, 50 * RIG_MS), 0, 20);
        chr_close(c);
    }
    close(fd);
    unlink(path);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_burst_is_one_write),
        TEST(half_full_does_not_wait),
        TEST(a_megabyte_comes_out_in_order),
        TEST(a_stalled_reader_loses_and_comes_back),
        TEST(a_reader_that_left_blocks_nobody),
        cmocka_unit_test(another_thread_wakes_the_loop),
        TEST(input_is_read_as_fast_as_it_is_taken),
        TEST(a_front_end_hears_of_input),
        TEST(the_filter_sees_keys_behind_a_hung_guest),
        TEST(held_input_stays_outside),
        TEST(the_end_of_input_is_quiet),
        TEST(input_from_a_file_and_from_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
