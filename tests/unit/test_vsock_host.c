// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's side of stream sockets: programs without manners, a host that
 * runs out of things, a helper that is slow or gone.
 */
#include "vsock_rig.h"

#include <sys/resource.h>

/* ---- programs ---- */

static void bad_first_lines(void **state)
{
    static const char *const lines[] = {
        "\n",
        "CONNECT \n",
        "CONNECT\n",
        "connect 5\n",
        "CONNECT 5x\n",
        "CONNECT -1\n",
        "CONNECT 4294967296\n",
        "CONNECT 99999999999999999999\n",
        "GET / HTTP/1.1\r\n",
        "CONNECT 00000000000000000000000000000000000000001\n",
    };
    struct rig *r = *state;
    char c;

    go(r, 8);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        const int fd = program(r, lines[i]);

        assert_silence(r);
        assert_true(read(fd, &c, 1) <= 0);
        close(fd);
    }
    assert_int_equal(streams(r), 0);
    assert_lives(r);
}

static void silent_program(void **state)
{
    struct rig *r = *state;
    const int fd = program(r, "CONN");
    char c;

    go(r, 8);
    for (unsigned i = 0; i < 10000 && streams(r); i++) {
        spin(&r->m);
        usleep(1000);
    }
    assert_int_equal(streams(r), 0);
    assert_true(read(fd, &c, 1) <= 0);
    close(fd);
}

static void program_that_only_looks_in(void **state)
{
    struct rig *r = *state;

    go(r, 8);
    for (unsigned i = 0; i < 300; i++) {
        close(program(r, i % 2 ? "" : "CONN"));
        spin(&r->m);
    }
    assert_int_equal(streams(r), 0);
    assert_lives(r);
}

/* A program asks and is gone before the guest can hear of it. */
static void gone_before_the_request(void **state)
{
    struct rig *r = *state;
    struct packet got;

    go(r, 0);
    close(program(r, "CONNECT 5\n"));
    spin(&r->m);
    spin(&r->m);
    assert_int_equal(streams(r), 0);
    give_buffer(r, 0);
    kick(&r->m, RX);
    spin(&r->m);
    assert_false(next_packet(r, &got));
}

/* ---- the host ---- */

static void no_descriptors(void **state) /* 68 */
{
    struct rig *r = *state;
    struct peer p = {.guest_port = 1, .host_port = 5000};
    struct rlimit old, few;
    struct packet got;
    int at, fds[2];

    go(r, 8);
    at = listener(r, "_5000");
    getrlimit(RLIMIT_NOFILE, &old);
    for (unsigned i = 0; i < 2; i++)
        fds[i] = program(r, "CONNECT 5\n");
    few = old;
    few.rlim_cur = (rlim_t)fds[1] + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_silence(r);
    say(r, &p, OP(REQUEST), 0);
    await_op(r, &p, OP(RST));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    /* They waited, and now they are heard. */
    got = await(r);
    assert_int_equal(got.h.op, OP(REQUEST));
    got = await(r);
    assert_int_equal(got.h.op, OP(REQUEST));
    close(fds[0]);
    close(fds[1]);
    unlisten(r, at, "_5000");
}

static void helper_is_killed(void **state)
{
    struct rig *r = *state;
    struct peer p = {.guest_port = 1, .host_port = 5000};
    const int at = listener(r, "_5000");

    go(r, 8);
    kill(r->uds->helper.pid, SIGSTOP);
    say(r, &p, OP(REQUEST), 0);
    assert_silence(r);
    kill(r->uds->helper.pid, SIGKILL);
    await_op(r, &p, OP(RST));
    say(r, &p, OP(REQUEST), 0);
    await_op(r, &p, OP(RST));
    assert_lives(r);
    unlisten(r, at, "_5000");
}

/* The helper is slow; the guest has given up and asked again meanwhile. */
static void answers_that_come_too_late(void **state)
{
    struct rig *r = *state;
    struct peer p = {.guest_port = 1, .host_port = 5000, .alloc = 100};
    const int at = listener(r, "_5000");

    go(r, 8);
    kill(r->uds->helper.pid, SIGSTOP);
    for (unsigned i = 0; i < 5; i++) {
        say(r, &p, OP(REQUEST), 0);
        say(r, &p, OP(RST), 0);
    }
    say(r, &p, OP(REQUEST), 0);
    assert_silence(r);
    kill(r->uds->helper.pid, SIGCONT);
    await_op(r, &p, OP(RESPONSE));
    assert_silence(r);
    assert_int_equal(streams(r), 1);
    unlisten(r, at, "_5000");
}

static void listener_with_a_full_queue(void **state)
{
    struct rig *r = *state;
    struct peer p = {.guest_port = 1, .host_port = 5000, .alloc = 100};
    const int at = listener(r, "_5000");
    unsigned refused = 0;

    assert_int_equal(listen(at, 1), 0);
    go(r, 8);
    for (; p.guest_port < 8; p.guest_port++) {
        say(r, &p, OP(REQUEST), 0);
        refused += await(r).h.op == OP(RST);
    }
    assert_true(refused > 0);
    unlisten(r, at, "_5000");
}

/* ---- the path ---- */

static void paths(void **state)
{
    struct rig *r = *state;
    char name[200];
    struct uds *u;
    int fd;

    log_set_level(LOG_ERROR);
    /* Somebody listens there. */
    assert_null(uds_open(r->path, NULL));
    /* Too long, by one; and just not. */
    memset(name, 0, sizeof(name));
    snprintf(name, sizeof(name), "%s/", r->dir);
    memset(name + strlen(name), 'x', 107 - 11 + 1 - strlen(name));
    assert_null(uds_open(name, NULL));
    name[107 - 11] = '\0';
    u = uds_open(name, NULL);
    assert_non_null(u);
    /* A killed process leaves its socket behind. */
    assert_int_equal(close(u->fd), 0);
    u->fd = -1;
    uds_close(u);
    assert_int_equal(access(name, F_OK), 0);
    u = uds_open(name, NULL);
    assert_non_null(u);
    uds_close(u);
    assert_null(uds_open("/nonexistent/v", NULL));
    /* What is no socket is not ours to replace. */
    fd = open(name, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_null(uds_open(name, NULL));
    assert_int_equal(unlink(name), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_first_lines),
        TEST(silent_program),
        TEST(program_that_only_looks_in),
        TEST(gone_before_the_request),
        TEST(no_descriptors),
        TEST(helper_is_killed),
        TEST(answers_that_come_too_late),
        TEST(listener_with_a_full_queue),
        TEST(paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
