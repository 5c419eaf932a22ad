// SPDX-License-Identifier: GPL-2.0-or-later
/* The control socket as its good clients see it, alone and many at a time. */
#include "ctl_server.h"

static int left_open[4];

static void one_request_one_answer(void **state)
{
    const int fd = dial();

    (void)state;
    for (int i = 0; i < 100; i++) {
        put(fd, STATUS, strlen(STATUS));
        assert_reply(fd, true);
    }
    close(fd);
}

static void many_requests_in_one_write(void **state)
{
    enum { N = 500 };
    const size_t len = strlen(STATUS);
    char *text = malloc(N * len);
    const int fd = dial();

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < N; i++)
        memcpy(text + i * len, STATUS, len);
    put(fd, text, N * len);
    for (int i = 0; i < N; i++)
        assert_reply(fd, true);
    free(text);
    close(fd);
}

static void half_closed_client_is_answered(void **state)
{
    const int fd = dial();

    (void)state;
    put(fd, STATUS STATUS, 2 * strlen(STATUS));
    shutdown(fd, SHUT_WR);
    assert_reply(fd, true);
    assert_reply(fd, true);
    assert_null(get(fd));
    close(fd);
}

static void byte_by_byte(void **state)
{
    const int fd = dial();

    (void)state;
    for (size_t i = 0; i < strlen(STATUS); i++) {
        const struct timespec ms = {.tv_nsec = 1000000};

        put(fd, &STATUS[i], 1);
        nanosleep(&ms, NULL);
    }
    assert_reply(fd, true);
    close(fd);
}

static void stop_ends_the_hard_way(void **state)
{
    static const char now[] = "{\"vmm\":1,\"cmd\":\"stop\",\"timeout\":0}\n";
    const int fd = dial();

    (void)state;
    put(fd, now, strlen(now));
    assert_reply(fd, true);
    settle();
    assert_int_equal(__atomic_load_n(&server.presses, __ATOMIC_RELAXED), 1);
    assert_int_equal(__atomic_load_n(&server.kills, __ATOMIC_RELAXED), 1);
    close(fd);
}

/* The newest stop decides, in both directions. */
static void later_stop_moves_the_end(void **state)
{
    static const char late[] = "{\"vmm\":1,\"cmd\":\"stop\",\"timeout\":99}\n";
    static const char now[] = "{\"vmm\":1,\"cmd\":\"stop\",\"timeout\":0}\n";
    static const char soon[] = "{\"vmm\":1,\"cmd\":\"stop\",\"timeout\":1}\n";
    const int fd = dial();

    (void)state;
    put(fd, soon, strlen(soon));
    assert_reply(fd, true);
    put(fd, late, strlen(late));
    assert_reply(fd, true);
    for (int i = 0; i < 4; i++)
        settle();
    assert_int_equal(__atomic_load_n(&server.kills, __ATOMIC_RELAXED), 0);
    put(fd, now, strlen(now));
    assert_reply(fd, true);
    settle();
    assert_int_equal(__atomic_load_n(&server.kills, __ATOMIC_RELAXED), 1);
    assert_int_equal(__atomic_load_n(&server.presses, __ATOMIC_RELAXED), 3);
    close(fd);
}

static void *flip_many(void *arg)
{
    const char *verb = arg;
    const int fd = dial();

    for (int i = 0; i < 2500; i++) {
        put(fd, verb, strlen(verb));
        assert_reply(fd, true);
    }
    close(fd);
    return NULL;
}

/* Conflicting commands from four sides, 10^4 of them: each is answered. */
static void conflicting_commands(void **state)
{
    static char verbs[4][64] = {
        "{\"vmm\":1,\"cmd\":\"pause\"}\n",
        "{\"vmm\":1,\"cmd\":\"resume\"}\n",
        "{\"vmm\":1,\"cmd\":\"stop\",\"timeout\":600}\n",
        "{\"vmm\":1,\"cmd\":\"pause\"}\n",
    };
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, flip_many, verbs[i]),
                         0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(__atomic_load_n(&server.presses, __ATOMIC_RELAXED), 2500);
    /* A stop resumes first. */
    assert_int_equal(__atomic_load_n(&server.flips, __ATOMIC_RELAXED), 10000);
    assert_int_equal(__atomic_load_n(&server.kills, __ATOMIC_RELAXED), 0);
}

static void read_picture(int fd)
{
    static unsigned char buf[65536];
    const size_t size = (size_t)3 * PICTURE_SIDE * PICTURE_SIDE;
    size_t n = 0;

    while (n < size) {
        const size_t left = size - n;
        const ssize_t got =
            recv(fd, buf, left < sizeof(buf) ? left : sizeof(buf), 0);

        assert_true(got > 0);
        for (ssize_t i = 0; i < got; i++, n++)
            assert_int_equal(buf[i], n % 251);
    }
}

/* A picture follows its answer; one is on its way at a time. */
static void a_picture_behind_the_answer(void **state)
{
    static const char shot[] = "{\"vmm\":1,\"cmd\":\"screenshot\"}\n";
    static const char version[] = "{\"vmm\":1,\"cmd\":\"version\"}\n";
    const int fd = dial(), other = dial();

    (void)state;
    put(fd, shot, strlen(shot));
    assert_reply(fd, true);
    put(other, shot, strlen(shot));
    assert_reply(other, false);
    put(fd, version, strlen(version));
    read_picture(fd);
    assert_reply(fd, true);
    put(other, shot, strlen(shot));
    assert_reply(other, true);
    read_picture(other);
    /* Who hangs up in the middle of one leaves nothing behind. */
    put(fd, shot, strlen(shot));
    assert_reply(fd, true);
    close(fd);
    settle();
    put(other, shot, strlen(shot));
    assert_reply(other, true);
    read_picture(other);
    close(other);
}

/* The server ends while clients are connected, half answered. */
static void end_with_clients_connected(void **state)
{
    (void)state;
    __atomic_store_n(&server.padding, 500000, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < ARRAY_LEN(left_open); i++) {
        left_open[i] = dial();
        if (i % 2)
            put(left_open[i], STATUS STATUS, 2 * strlen(STATUS));
    }
    settle();
}

static int teardown_then_close(void **state)
{
    fds_before += ARRAY_LEN(left_open);
    if (teardown(state) < 0)
        return -1;
    for (unsigned i = 0; i < ARRAY_LEN(left_open); i++) {
        assert_hung_up(left_open[i]);
        close(left_open[i]);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_request_one_answer),
        T(many_requests_in_one_write),
        T(half_closed_client_is_answered),
        T(byte_by_byte),
        T(stop_ends_the_hard_way),
        T(later_stop_moves_the_end),
        T(conflicting_commands),
        T(a_picture_behind_the_answer),
        cmocka_unit_test_setup_teardown(end_with_clients_connected, setup,
                                        teardown_then_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
