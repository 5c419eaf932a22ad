// SPDX-License-Identifier: GPL-2.0-or-later
/* The control socket against the clients of hostile case 77. */
#include "ctl_server.h"

#include <sys/wait.h>

static void garbage_is_answered(void **state)
{
    static const char bytes[] = "\0\1\2\xff\n\n}{\n" STATUS;
    const int fd = dial();

    (void)state;
    put(fd, bytes, sizeof(bytes) - 1);
    for (int i = 0; i < 3; i++)
        assert_reply(fd, false);
    assert_reply(fd, true);
    close(fd);
}

static void half_message_then_close(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        const int fd = dial();

        offer(fd, STATUS, 1 + (size_t)i % (strlen(STATUS) - 1));
        close(fd);
    }
    assert_alive();
}

/* A line of exactly the limit is a line; one byte more is not. */
static void longest_line(void **state)
{
    const size_t len = strlen(STATUS) - 1;
    char *text = malloc(CTL_LINE_MAX + 1);
    int fd = dial();

    (void)state;
    assert_non_null(text);
    memset(text, ' ', CTL_LINE_MAX + 1);
    memcpy(text, STATUS, len);
    text[CTL_LINE_MAX - 1] = '\n';
    put(fd, text, CTL_LINE_MAX);
    assert_reply(fd, true);
    close(fd);
    fd = dial();
    text[CTL_LINE_MAX - 1] = ' ';
    text[CTL_LINE_MAX] = '\n';
    put(fd, text, CTL_LINE_MAX);
    assert_reply(fd, false);
    assert_hung_up(fd);
    close(fd);
    free(text);
}

static void hundred_megabytes_without_a_newline(void **state)
{
    static char block[MIB];
    const int fd = dial();
    size_t sent = 0;

    (void)state;
    memset(block, 'a', sizeof(block));
    while (sent < 100 * MIB) {
        const ssize_t n = send(fd, block, sizeof(block), MSG_NOSIGNAL);

        if (n < 0)
            break;
        sent += (size_t)n;
    }
    /* The server hung up long before, and said why. */
    assert_true(sent < 4 * MIB);
    assert_reply(fd, false);
    assert_hung_up(fd);
    close(fd);
    assert_alive();
}

/* Clients beyond the table are told so; slots come back. */
static void too_many_connections(void **state)
{
    int fds[CTL_CLIENTS + 8];

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = dial();
    for (unsigned i = CTL_CLIENTS; i < ARRAY_LEN(fds); i++) {
        assert_reply(fds[i], false);
        assert_hung_up(fds[i]);
    }
    for (unsigned i = 0; i < CTL_CLIENTS; i++) {
        put(fds[i], STATUS, strlen(STATUS));
        assert_reply(fds[i], true);
    }
    for (unsigned i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    assert_alive();
}

static void ten_thousand_connections(void **state)
{
    (void)state;
    for (int i = 0; i < 10000; i++)
        close(dial());
    assert_alive();
}

/* Asks for much, reads nothing: bounded, and nobody else waits for it. */
static void slow_reader_holds_nobody_up(void **state)
{
    const int slow = dial();
    size_t sent = 0;
    ssize_t n;

    (void)state;
    __atomic_store_n(&server.padding, 100000, __ATOMIC_RELAXED);
    do {
        n = send(slow, STATUS, strlen(STATUS), MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        assert_alive();
    } while (n > 0 && sent < 400 * strlen(STATUS));
    /* It gets all its answers once it reads. */
    for (size_t i = 0; i < sent / strlen(STATUS); i++)
        assert_reply(slow, true);
    close(slow);
}

static void client_dies_mid_reply(void **state)
{
    (void)state;
    __atomic_store_n(&server.padding, 500000, __ATOMIC_RELAXED);
    for (int i = 0; i < 50; i++) {
        const int fd = dial();
        char c;

        offer(fd, STATUS STATUS, 2 * strlen(STATUS));
        assert_int_equal(recv(fd, &c, 1, 0), 1);
        close(fd);
    }
    __atomic_store_n(&server.padding, 0, __ATOMIC_RELAXED);
    assert_alive();
}

/* Silent, dripping and unread connections end; a working one goes on. */
static void idle_connections_end(void **state)
{
    const int silent = dial();
    const int half = dial();
    const int busy = dial();

    (void)state;
    put(half, STATUS, 5);
    for (int i = 0; i < 12; i++) {
        const struct timespec tick = {.tv_nsec = 50000000};

        put(busy, STATUS, strlen(STATUS));
        assert_reply(busy, true);
        send(half, "x", 1, MSG_NOSIGNAL);
        nanosleep(&tick, NULL);
    }
    assert_hung_up(silent);
    assert_hung_up(half);
    put(busy, STATUS, strlen(STATUS));
    assert_reply(busy, true);
    close(silent);
    close(half);
    close(busy);
}

/* Somebody else, who was let into the directory by mistake, is not heard. */
static void other_user_is_refused(void **state)
{
    int status;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip(); /* becoming somebody else takes root */
    assert_int_equal(chmod(base, 0755), 0);
    assert_int_equal(chmod(server.claim.socket, 0666), 0);
    pid = fork();
    if (pid == 0) {
        char buf[256] = "";
        int fd;

        if (setresuid(2, 2, 2) != 0)
            _exit(9);
        fd = dial();
        send(fd, STATUS, strlen(STATUS), MSG_NOSIGNAL);
        recv(fd, buf, sizeof(buf) - 1, MSG_WAITALL);
        _exit(strstr(buf, "another user") ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_alive();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(garbage_is_answered),
        T(half_message_then_close),
        T(longest_line),
        T(hundred_megabytes_without_a_newline),
        T(too_many_connections),
        T(ten_thousand_connections),
        T(slow_reader_holds_nobody_up),
        T(client_dies_mid_reply),
        cmocka_unit_test_setup_teardown(idle_connections_end, setup_hasty,
                                        teardown),
        T(other_user_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
