// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket as its clients see it, with a server on a real loop in
 * a thread of its own: good clients, and those of hostile case 77.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl.h"
#include "vmm/log.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STATUS "{\"vmm\":1,\"cmd\":\"status\"}\n"

struct server {
    struct claim claim;
    struct ctl *ctl;
    struct ctl_ops ops;
    struct loop *loop;
    struct loop_op quit;
    int quit_fd;
    pthread_t thread;
    uint64_t idle_ns;
    /* atomic: what the machine was asked for */
    int presses;
    int kills;
    int flips;   /* pause and resume */
    int padding; /* bytes a status is made longer by */
};

static char base[64];
static struct server server;
static int left_open[4];

static void op_status(void *ctx, json_t *out)
{
    struct server *s = ctx;
    const size_t n = (size_t)__atomic_load_n(&s->padding, __ATOMIC_RELAXED);
    char *text = malloc(n + 1);

    assert_non_null(text);
    memset(text, 'x', n);
    text[n] = '\0';
    json_object_set_new(out, "state", json_string("running"));
    json_object_set_new(out, "padding", json_string(text));
    free(text);
}

static int op_button(void *ctx)
{
    struct server *s = ctx;

    __atomic_add_fetch(&s->presses, 1, __ATOMIC_RELAXED);
    return 0;
}

static void op_kill(void *ctx, const char *why)
{
    struct server *s = ctx;

    assert_non_null(why);
    __atomic_add_fetch(&s->kills, 1, __ATOMIC_RELAXED);
}

static int op_flip(void *ctx)
{
    struct server *s = ctx;

    __atomic_add_fetch(&s->flips, 1, __ATOMIC_RELAXED);
    return 0;
}

static void on_quit(struct loop_op *op, int res)
{
    struct server *s = op->owner;

    (void)res;
    loop_stop(s->loop, 0);
}

/* The loop belongs to the thread that made it. */
static void *serve(void *arg)
{
    struct server *s = arg;

    assert_int_equal(loop_create(&s->loop, NULL), 0);
    s->quit = (struct loop_op){.fn = on_quit, .owner = s};
    loop_watch(s->loop, &s->quit, s->quit_fd);
    ctl_start(s->ctl, s->loop, &s->ops, s->idle_ns);
    assert_int_equal(loop_run(s->loop), 0);
    ctl_close(s->ctl);
    loop_destroy(s->loop);
    return NULL;
}

static unsigned open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static unsigned fds_before;

static int start(uint64_t idle_ns)
{
    struct server *s = &server;

    fds_before = open_fds();
    *s = (struct server){.idle_ns = idle_ns};
    s->ops =
        (struct ctl_ops){op_status, op_button, op_kill, op_flip, op_flip, s};
    strcpy(base, "/tmp/test_ctl.XXXXXX");
    if (!mkdtemp(base))
        return -1;
    setenv("VMM_RUNTIME_DIR", base, 1);
    s->quit_fd = eventfd(0, EFD_CLOEXEC);
    if (rundir_claim(&s->claim, "web") < 0 || ctl_open(&s->ctl, &s->claim) < 0)
        return -1;
    return pthread_create(&s->thread, NULL, serve, s);
}

static int setup(void **state)
{
    (void)state;
    return start(0);
}

static int setup_hasty(void **state)
{
    (void)state;
    return start(150000000); /* 150 ms */
}

/* Whatever a test did, nothing of it is left: no descriptor, no file. */
static int teardown(void **state)
{
    const uint64_t one = 1;

    (void)state;
    if (write(server.quit_fd, &one, sizeof(one)) != sizeof(one))
        return -1;
    pthread_join(server.thread, NULL);
    close(server.quit_fd);
    rundir_release(&server.claim, "done");
    assert_int_equal(open_fds(), fds_before);
    return rmdir(base);
}

static int dial(void)
{
    const struct timeval limit = {.tv_sec = 20};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    strcpy(addr.sun_path, server.claim.socket);
    assert_int_equal(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)),
                     0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    return fd;
}

static void put(int fd, const char *text, size_t n)
{
    assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Send to a server that may have refused us already, for want of a slot. */
static void offer(int fd, const char *text, size_t n)
{
    if (send(fd, text, n, MSG_NOSIGNAL) < 0)
        assert_int_equal(errno, EPIPE);
}

/* One line from the socket, parsed; NULL at the end of the connection. */
static json_t *get(int fd)
{
    static _Thread_local char buf[1024 * 1024];
    const char *nl = NULL;
    size_t n = 0;
    json_t *reply;

    while (!nl) {
        /* Look first, so as to take no byte of the next line. */
        ssize_t got = recv(fd, buf + n, sizeof(buf) - n, MSG_PEEK);

        if (got <= 0) {
            assert_int_equal(n, 0);
            return NULL;
        }
        nl = memchr(buf + n, '\n', (size_t)got);
        if (nl)
            got = nl + 1 - (buf + n);
        assert_int_equal(recv(fd, buf + n, (size_t)got, 0), got);
        n += (size_t)got;
        assert_true(n < sizeof(buf));
    }
    reply = json_loadb(buf, n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(reply);
    return reply;
}

static void assert_reply(int fd, bool ok)
{
    json_t *reply = get(fd);

    assert_non_null(reply);
    assert_int_equal(json_is_true(json_object_get(reply, "ok")), ok);
    json_decref(reply);
}

static void assert_hung_up(int fd)
{
    char c;
    ssize_t n;

    do {
        n = recv(fd, &c, 1, 0);
    } while (n > 0);
    assert_true(n == 0 || errno == ECONNRESET);
}

static bool is_served(void)
{
    const int fd = dial();
    bool ok = send(fd, STATUS, strlen(STATUS), MSG_NOSIGNAL) > 0;
    json_t *reply = ok ? get(fd) : NULL;

    ok = json_is_true(json_object_get(reply, "ok"));
    json_decref(reply);
    close(fd);
    return ok;
}

/*
 * The server lives, and serves a well-behaved client, at once or as soon as
 * it has seen the hang-ups of those before.
 */
static void assert_alive(void)
{
    const struct timespec pause = {.tv_nsec = 10000000};

    for (int tries = 0; tries < 500; tries++) {
        if (is_served())
            return;
        nanosleep(&pause, NULL);
    }
    fail_msg("nobody is served any more");
}

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

static void settle(void)
{
    const struct timespec ms300 = {.tv_nsec = 300000000};

    nanosleep(&ms300, NULL);
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

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_request_one_answer),
        T(many_requests_in_one_write),
        T(half_closed_client_is_answered),
        T(garbage_is_answered),
        T(half_message_then_close),
        T(byte_by_byte),
        T(longest_line),
        T(hundred_megabytes_without_a_newline),
        T(too_many_connections),
        T(ten_thousand_connections),
        T(slow_reader_holds_nobody_up),
        T(client_dies_mid_reply),
        cmocka_unit_test_setup_teardown(idle_connections_end, setup_hasty,
                                        teardown),
        T(stop_ends_the_hard_way),
        T(later_stop_moves_the_end),
        T(conflicting_commands),
        T(other_user_is_refused),
        cmocka_unit_test_setup_teardown(end_with_clients_connected, setup,
                                        teardown_then_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
