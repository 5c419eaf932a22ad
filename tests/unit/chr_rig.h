/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chr_rig.h: a stdio chr between two pipes, and a loop to run it on, for
 * tests that stand at the far end of a console.
 */
#ifndef TESTS_CHR_RIG_H
#define TESTS_CHR_RIG_H

#include "devices/backend/chr.h"
#include "vmm/log.h"
#include "vmm/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define RIG_MS 1000000ull /* nanoseconds */

struct chr_rig {
    struct loop *loop;
    struct chr *chr;
    int keys;   /* what is written here is typed */
    int screen; /* non-blocking: what the guest wrote can be read here */
};

static inline void rig_stop(struct loop_op *op, int res)
{
    (void)res;
    loop_stop(op->owner, 0);
}

static inline void rig_run_once(struct chr_rig *r, uint64_t ns)
{
    struct loop_op op = {.fn = rig_stop, .owner = r->loop};

    loop_timer(r->loop, &op, ns);
    assert_int_equal(loop_run(r->loop), 0);
}

/*
 * Run the loop for some time; then what the last turn began comes to its
 * end, however late this process was woken.
 */
static inline void rig_run(struct chr_rig *r, uint64_t ns)
{
    const uint64_t least = 40 * RIG_MS; /* for a worker of a busy host */

    rig_run_once(r, ns > least ? ns : least);
    rig_run_once(r, 1);
    rig_run_once(r, 1);
}

/* Run the loop until a condition holds; gives up after some seconds. */
#define RIG_UNTIL(r, condition)                               \
    do {                                                      \
        for (unsigned i_ = 0; i_ < 200 && !(condition); i_++) \
            rig_run(r, RIG_MS);                               \
    } while (0)

/* Run the loop until *n is at least want. */
static inline void rig_await(struct chr_rig *r, const size_t *n, size_t want)
{
    RIG_UNTIL(r, *n >= want);
}

/* Read want bytes of what comes while the loop runs; how many came. */
static inline size_t rig_read(struct chr_rig *r, int fd, char *buf, size_t want)
{
    size_t n = 0;

    for (unsigned i = 0; i < 50 && n < want; i++) {
        const ssize_t got = read(fd, buf + n, want - n);

        if (got > 0)
            n += (size_t)got;
        else
            rig_run(r, 40 * RIG_MS);
    }
    return n;
}

/* chr_open_stdio with these as descriptors 0 and 1; takes them over. */
static inline struct chr *rig_stdio_on(int in_fd, int out_fd)
{
    const int saved_in = dup(STDIN_FILENO);
    const int saved_out = dup(STDOUT_FILENO);
    struct chr *c;

    fflush(stdout);
    dup2(in_fd, STDIN_FILENO);
    dup2(out_fd, STDOUT_FILENO);
    c = chr_open_stdio();
    dup2(saved_in, STDIN_FILENO);
    dup2(saved_out, STDOUT_FILENO);
    close(saved_in);
    close(saved_out);
    close(in_fd);
    close(out_fd);
    return c;
}

static inline void rig_open(struct chr_rig *r)
{
    int in[2];
    int out[2];

    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    r->keys = in[1];
    r->screen = out[0];
    assert_int_equal(loop_create(&r->loop, NULL), 0);
    r->chr = rig_stdio_on(in[0], out[1]);
    assert_non_null(r->chr);
    assert_int_equal(chr_start(r->chr, r->loop), 0);
}

static inline void rig_close(struct chr_rig *r)
{
    chr_close(r->chr);
    loop_destroy(r->loop);
    if (r->keys >= 0)
        close(r->keys);
    if (r->screen >= 0)
        close(r->screen);
}

/* For tests that need no more than that. */
static inline int rig_setup(void **state)
{
    static struct chr_rig r;

    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    rig_open(&r);
    *state = &r;
    return 0;
}

static inline int rig_teardown(void **state)
{
    rig_close(*state);
    return 0;
}

static inline void rig_type(struct chr_rig *r, const void *bytes, size_t n)
{
    assert_int_equal(write(r->keys, bytes, n), n);
}

/* Read what is on the screen by now; returns the bytes. */
static inline size_t rig_screen(struct chr_rig *r, void *buf, size_t size)
{
    size_t n = 0;

    while (n < size) {
        const ssize_t got = read(r->screen, (char *)buf + n, size - n);

        if (got <= 0)
            break;
        n += (size_t)got;
    }
    return n;
}

static inline struct chr_stats stats_of(const struct chr *c)
{
    struct chr_stats s;

    chr_get_stats(c, &s);
    return s;
}

static inline void say(struct chr *c, const char *text)
{
    chr_write(c, text, strlen(text));
}

/* A front-end that takes input as it comes. */
struct front {
    struct chr *chr;
    char got[256];
    size_t n;
    unsigned writables;
};

static inline void front_readable(void *owner)
{
    struct front *f = owner;

    f->n += chr_read(f->chr, f->got + f->n, sizeof(f->got) - f->n);
}

static inline void front_writable(void *owner)
{
    ((struct front *)owner)->writables++;
}

static inline void attach(struct front *f, struct chr *c)
{
    const struct chr_front ops = {
        .readable = front_readable, .writable = front_writable, .owner = f};

    *f = (struct front){.chr = c};
    chr_attach(c, &ops);
}

/* Times the thread went to sleep while the loop ran for ns. */
static inline long sleeps_during(struct chr_rig *r, uint64_t ns)
{
    struct rusage before;
    struct rusage after;

    getrusage(RUSAGE_THREAD, &before);
    rig_run(r, ns);
    getrusage(RUSAGE_THREAD, &after);
    return after.ru_nvcsw - before.ru_nvcsw + after.ru_nivcsw -
           before.ru_nivcsw;
}

#endif
