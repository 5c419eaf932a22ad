// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * host_probe.c: the operator's side of vmm without a machine behind it, for
 * the tests in this folder.
 *
 *   host_probe serve NAME KIND   hold a name and serve its control socket;
 *                                KIND: obey, ignore or lack the power button
 *   host_probe term              a console on standard input: tells what
 *                                arrives and which escape keys were used
 *   host_probe COMMAND ...       a client command (ps, status, ...)
 */
#include "ctl.h"
#include "ctl_client.h"
#include "pvabi/xenstore.h"
#include "rundir.h"
#include "term.h"
#include "vmm/exitcode.h"
#include "vmm/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct probe {
    struct loop *loop;
    struct xs *xs;        /* the guest's store, with a little in it */
    struct loop_op off;   /* the guest takes its time to power off */
    struct loop_op input; /* standard input */
    struct term *term;
    const char *kind;
    const char *how;
    bool paused;
    bool held;
    uint64_t target; /* of the balloon */
    uint16_t cols;
    size_t bytes;
    unsigned sum;
};

static void end(struct probe *p, const char *how)
{
    p->how = how;
    loop_stop(p->loop, 0);
}

/* ---- serve ---- */

static void on_off(struct loop_op *op, int res)
{
    if (res == 0)
        end(op->owner, "the guest powered off");
}

static void do_status(void *ctx, json_t *out)
{
    const struct probe *p = ctx;

    json_object_set_new(out, "mode", json_string("pvh"));
    json_object_set_new(out, "cpus", json_integer(2));
    json_object_set_new(out, "memory", json_integer(512 << 20));
    json_object_set_new(out, "state",
                        json_string(p->paused ? "paused" : "running"));
    json_object_set_new(out, "exits", json_pack("{s:i}", "KVM_EXIT_IO", 7));
}

static int do_button(void *ctx)
{
    struct probe *p = ctx;

    if (strcmp(p->kind, "lack") == 0)
        return -EOPNOTSUPP;
    if (strcmp(p->kind, "obey") == 0 && !p->paused && p->off.kind == LOOP_IDLE)
        loop_timer(p->loop, &p->off, 200000000);
    return 0;
}

static void do_kill(void *ctx, const char *why)
{
    static char how[RUNDIR_HOW_MAX];

    snprintf(how, sizeof(how), "ended by %s", why);
    end(ctx, how);
}

static int do_resize(void *ctx, const char *disk, uint64_t *size)
{
    (void)ctx;
    if (strcmp(disk, "disk0") != 0)
        return -ENODEV;
    *size = 3 << 20;
    return 0;
}

static int do_pause(void *ctx)
{
    struct probe *p = ctx;

    p->paused = true;
    return 0;
}

static int do_resume(void *ctx)
{
    struct probe *p = ctx;

    p->paused = false;
    return 0;
}

static int do_balloon(void *ctx, uint64_t target)
{
    struct probe *p = ctx;

    if (target > 512 << 20)
        return -ERANGE;
    p->target = target;
    return 0;
}

/* A kind "graphics" has a picture only; a line of text is hostile. */
static int do_screen(void *ctx, json_t *out)
{
    const struct probe *p = ctx;

    json_object_set_new(out, "width", json_integer(4));
    json_object_set_new(out, "height", json_integer(2));
    if (strcmp(p->kind, "graphics") != 0)
        json_object_set_new(out, "text",
                            json_pack("[s, s, s]", "\u2554 Boot \u2557", "",
                                      "\x1b[31m\x7f\xc2\x85."));
    return 0;
}

/* Black, but for the last dot. */
static int do_picture(void *ctx, struct ctl_picture *out)
{
    unsigned char *data = calloc(8, 3);

    (void)ctx;
    if (!data)
        return -ENOMEM;
    data[21] = 1;
    data[22] = 2;
    data[23] = 3;
    *out = (struct ctl_picture){data, 24, 4, 2};
    return 0;
}

/* Says each stroke. */
static struct xs *do_store(void *ctx)
{
    const struct probe *p = ctx;

    return strcmp(p->kind, "lack") == 0 ? NULL : p->xs;
}

static int fill_store(struct probe *p)
{
    p->xs = xs_create(p->loop, 1, NULL);
    if (!p->xs || xs_write(p->xs, "/local/domain/1/name", "probe") < 0 ||
        xs_write_bytes(p->xs, "/local/domain/1/data/odd", "a\\b\0\xff\n", 6) <
            0 ||
        xs_set_perms(p->xs, "/local/domain/1/data", 1, 0, XS_R) < 0)
        return -ENOMEM;
    return 0;
}

static int do_type(void *ctx, const struct key_stroke *strokes, unsigned n)
{
    (void)ctx;
    for (unsigned i = 0; i < n; i++)
        printf("%c%x ", strokes[i].down ? '+' : '-', strokes[i].key);
    puts("typed");
    fflush(stdout);
    return 0;
}

static int serve(const char *name, const char *kind)
{
    struct probe p = {.kind = kind, .off = {.fn = on_off, .owner = &p}};
    const struct ctl_seat_ops seat = {
        .screen = do_screen, .picture = do_picture, .type = do_type};
    const struct ctl_ops ops = {.status = do_status,
                                .power_button = do_button,
                                .kill = do_kill,
                                .pause = do_pause,
                                .resume = do_resume,
                                .resume_to_end = do_resume,
                                .resize = do_resize,
                                .balloon = do_balloon,
                                .store = do_store,
                                .seat = &seat,
                                .ctx = &p};
    struct claim claim;
    struct ctl *ctl;

    if (rundir_claim(&claim, name) < 0 || ctl_open(&ctl, &claim) < 0 ||
        loop_create(&p.loop, NULL) < 0 || fill_store(&p) < 0)
        return VMM_EXIT_HOST;
    ctl_start(ctl, p.loop, &ops, 0);
    puts("READY");
    fflush(stdout);
    loop_run(p.loop);
    loop_drain(p.loop, &p.off);
    ctl_close(ctl);
    xs_destroy(p.xs);
    loop_destroy(p.loop);
    rundir_release(&claim, p.how);
    return VMM_EXIT_OK;
}

/* ---- term ---- */

/* Lines must look the same on a raw and on a cooked terminal. */
static void tell(const char *what)
{
    printf("<%s>\r\n", what);
    fflush(stdout);
}

static void on_input(struct loop_op *op, int res)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    struct probe *p = op->owner;
    unsigned char buf[512];

    while (res >= 0 && !p->held && poll(&in, 1, 0) == 1) {
        const struct chr_filter *f = p->term ? term_filter(p->term) : NULL;
        ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

        if (n <= 0) {
            tell("EOF");
            end(p, "");
            return;
        }
        if (f)
            n = (ssize_t)f->input(f->ctx, buf, (size_t)n);
        for (ssize_t i = 0; i < n; i++) {
            p->sum = p->sum * 31 + buf[i];
            if (buf[i] == '#') /* the test asks for the account */
                printf("<BYTES %zu SUM %u>\r\n", p->bytes, p->sum);
        }
        p->bytes += (size_t)n;
        fflush(stdout);
    }
}

/* A terminal without a size, as most of the tests have it, is not worth it. */
static void on_size(void *ctx, uint16_t cols, uint16_t rows)
{
    struct probe *p = ctx;
    char text[32];

    if (cols == p->cols)
        return;
    p->cols = cols;
    snprintf(text, sizeof(text), "SIZE %ux%u", cols, rows);
    tell(text);
}

static void key_quit(void *ctx)
{
    tell("QUIT");
    end(ctx, "");
}

static void key_power(void *ctx)
{
    (void)ctx;
    tell("POWER");
}

static void key_suspend(void *ctx, bool stopping)
{
    (void)ctx;
    tell(stopping ? "STOPPING" : "RUNNING");
}

static void hold_input(void *ctx, bool hold)
{
    struct probe *p = ctx;

    p->held = hold;
    tell(hold ? "HELD" : "READING");
    /* A watch tells of new bytes only: look at those that waited. */
    if (!hold)
        on_input(&p->input, 0);
}

static int term(void)
{
    static struct probe p;
    const struct term_ops ops = {key_quit,   key_power, key_suspend,
                                 hold_input, on_size,   &p};

    p.input = (struct loop_op){.fn = on_input, .owner = &p};
    if (term_open(&p.term) < 0 || loop_create(&p.loop, NULL) < 0)
        return VMM_EXIT_HOST;
    loop_watch(p.loop, &p.input, STDIN_FILENO);
    term_start(p.term, p.loop, &ops);
    tell(p.term ? "TERMINAL" : "NO TERMINAL");
    loop_run(p.loop);
    term_close(p.term);
    loop_drain(p.loop, &p.input);
    loop_destroy(p.loop);
    tell("END");
    return VMM_EXIT_OK;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "term") == 0)
        return term();
    if (argc == 4 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2], argv[3]);
    if (argc < 2)
        return VMM_EXIT_USAGE;
    return ctl_client_main(argc - 1, argv + 1);
}
