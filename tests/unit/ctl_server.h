/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_server.h: a control socket to test with, served by a real loop in a
 * thread of its own, with a machine behind it that counts what it is asked;
 * and a client that says what it expects.
 */
#ifndef TESTS_CTL_SERVER_H
#define TESTS_CTL_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

static inline void op_status(void *ctx, json_t *out)
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

static inline int op_button(void *ctx)
{
    struct server *s = ctx;

    __atomic_add_fetch(&s->presses, 1, __ATOMIC_RELAXED);
    return 0;
}

static inline void op_kill(void *ctx, const char *why)
{
    struct server *s = ctx;

    assert_non_null(why);
    __atomic_add_fetch(&s->kills, 1, __ATOMIC_RELAXED);
}

static inline int op_flip(void *ctx)
{
    struct server *s = ctx;

    __atomic_add_fetch(&s->flips, 1, __ATOMIC_RELAXED);
    return 0;
}

static inline void on_quit(struct loop_op *op, int res)
{
    struct server *s = op->owner;

    (void)res;
    loop_stop(s->loop, 0);
}

static inline int op_resize(void *ctx, const char *disk, uint64_t *size)
{
    (void)ctx;
    *size = strlen(disk);
    return 0;
}

static inline int op_balloon(void *ctx, uint64_t target)
{
    (void)ctx;
    (void)target;
    return -EOPNOTSUPP;
}

static inline struct xs *op_store(void *ctx)
{
    (void)ctx;
    return NULL;
}

static inline int op_screen(void *ctx, json_t *out)
{
    (void)ctx;
    (void)out;
    return -EOPNOTSUPP;
}

#define PICTURE_SIDE 1000u

/* A large one, of which every byte can be told. */
static inline int op_picture(void *ctx, struct ctl_picture *out)
{
    const size_t n = (size_t)3 * PICTURE_SIDE * PICTURE_SIDE;
    unsigned char *data = malloc(n);

    (void)ctx;
    if (!data)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        data[i] = (unsigned char)(i % 251);
    *out = (struct ctl_picture){data, n, PICTURE_SIDE, PICTURE_SIDE};
    return 0;
}

static inline int op_type(void *ctx, const struct key_stroke *strokes,
                          unsigned n)
{
    (void)ctx;
    (void)strokes;
    (void)n;
    return -EOPNOTSUPP;
}

static const struct ctl_seat_ops op_seat = {op_screen, op_picture, op_type};

/* The loop belongs to the thread that made it. */
static inline void *serve(void *arg)
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

static inline unsigned open_fds(void)
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

static inline int start(uint64_t idle_ns)
{
    struct server *s = &server;

    fds_before = open_fds();
    *s = (struct server){.idle_ns = idle_ns};
    s->ops = (struct ctl_ops){.status = op_status,
                              .power_button = op_button,
                              .kill = op_kill,
                              .pause = op_flip,
                              .resume = op_flip,
                              .resume_to_end = op_flip,
                              .resize = op_resize,
                              .balloon = op_balloon,
                              .store = op_store,
                              .seat = &op_seat,
                              .ctx = s};
    strcpy(base, "/tmp/test_ctl.XXXXXX");
    if (!mkdtemp(base))
        return -1;
    setenv("VMM_RUNTIME_DIR", base, 1);
    s->quit_fd = eventfd(0, EFD_CLOEXEC);
    if (rundir_claim(&s->claim, "web") < 0 || ctl_open(&s->ctl, &s->claim) < 0)
        return -1;
    return pthread_create(&s->thread, NULL, serve, s);
}

static inline int setup(void **state)
{
    (void)state;
    return start(0);
}

static inline int setup_hasty(void **state)
{
    (void)state;
    return start(150000000); /* 150 ms */
}

/* Whatever a test did, nothing of it is left: no descriptor, no file. */
static inline int teardown(void **state)
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

static inline int dial(void)
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

static inline void put(int fd, const char *text, size_t n)
{
    assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Send to a server that may have refused us already, for want of a slot. */
static inline void offer(int fd, const char *text, size_t n)
{
    if (send(fd, text, n, MSG_NOSIGNAL) < 0)
        assert_int_equal(errno, EPIPE);
}

/* One line from the socket, parsed; NULL at the end of the connection. */
static inline json_t *get(int fd)
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

static inline void assert_reply(int fd, bool ok)
{
    json_t *reply = get(fd);

    assert_non_null(reply);
    assert_int_equal(json_is_true(json_object_get(reply, "ok")), ok);
    json_decref(reply);
}

static inline void assert_hung_up(int fd)
{
    char c;
    ssize_t n;

    do {
        n = recv(fd, &c, 1, 0);
    } while (n > 0);
    assert_true(n == 0 || errno == ECONNRESET);
}

static inline bool is_served(void)
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
static inline void assert_alive(void)
{
    const struct timespec pause = {.tv_nsec = 10000000};

    for (int tries = 0; tries < 500; tries++) {
        if (is_served())
            return;
        nanosleep(&pause, NULL);
    }
    fail_msg("nobody is served any more");
}

static inline void settle(void)
{
    const struct timespec ms300 = {.tv_nsec = 300000000};

    nanosleep(&ms300, NULL);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
