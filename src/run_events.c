// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * run_events.c: what reaches a running guest from outside: signals, the
 * console's escape keys, the control socket. Everything here is a callback
 * of the loop, with the board lock held. r->board is NULL for the moment a
 * reboot takes; what arrives then concerns a machine that is gone.
 */
#include "run.h"
#include "startup.h"

#include "devices/virtio/vballoon.h"
#include "notify.h"
#include "pvabi/xs_domain.h"
#include "vmm/log.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const struct {
    int sig;
    const char *name;
} ending_signals[] = {
    {SIGTERM, "SIGTERM"},
    {SIGINT, "SIGINT"},
    {SIGHUP, "SIGHUP"},
};

static void end_guest(struct run *r, const char *why)
{
    log_info("ended by %s", why);
    /* The first reason is the one that counts. */
    if (!r->how[0])
        snprintf(r->how, sizeof(r->how), "ended by %s", why);
    if (r->board)
        board_stop(r->board, VERDICT_STOPPED);
}

/* ---- signals ---- */

static void on_signal(struct loop_op *op, int res)
{
    struct run *r = op->owner;
    struct signalfd_siginfo info;

    if (res < 0 || read(r->signal_fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGQUIT && r->board)
        board_dump(r->board);
    for (size_t i = 0; i < ARRAY_LEN(ending_signals); i++)
        if (info.ssi_signo == (uint32_t)ending_signals[i].sig)
            end_guest(r, ending_signals[i].name);
}

/* nohup(1) asks for it so; a blocked signal would reach us all the same. */
static bool hangup_ignored(void)
{
    struct sigaction sa;

    return sigaction(SIGHUP, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

int run_signals_open(struct run *r)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(ending_signals); i++)
        sigaddset(&set, ending_signals[i].sig);
    sigaddset(&set, SIGQUIT);
    if (hangup_ignored())
        sigdelset(&set, SIGHUP);
    /* Blocked before there is a second thread: all threads inherit it. */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    /* What these tell is also an errno of the write, and answered there. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    /* Means nothing here, and must not end a guest. */
    signal(SIGUSR2, SIG_IGN);
    r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (r->signal_fd >= 0)
        return 0;
    log_error("signalfd: %s: raise the open-files limit (ulimit -n)",
              strerror(errno));
    return -errno;
}

/* ---- the console's escape keys ---- */

static void key_quit(void *ctx)
{
    end_guest(ctx, "Ctrl-] q");
}

static void key_power(void *ctx)
{
    const struct run *r = ctx;

    log_info("power button pressed");
    if (r->board)
        board_power_button(r->board);
}

/*
 * The process is about to stop, or goes on: the guest's clock is told so that
 * its watchdogs do not bark. A guest the operator paused stays paused.
 */
static void key_suspend(void *ctx, bool stopping)
{
    struct run *r = ctx;

    if (!r->board)
        return;
    if (stopping) {
        r->suspended = !board_paused(r->board);
        board_pause(r->board);
    } else if (r->suspended) {
        r->suspended = false;
        board_resume(r->board);
    }
}

static void key_hold_input(void *ctx, bool hold)
{
    const struct run *r = ctx;

    chr_hold_input(r->stdio, hold);
}

static void on_resize(void *ctx, uint16_t cols, uint16_t rows)
{
    struct run *r = ctx;

    hostdev_resize_terminal(&r->dev, cols, rows);
}

/* The console, or port of one, that leads to standard input and output. */
static struct chr *find_stdio(const struct run *r)
{
    for (unsigned i = 0; i < r->cfg.n_ports; i++)
        if (r->cfg.ports[i].place.kind == CONSOLE_STDIO)
            return r->dev.ports[i];
    for (unsigned i = 0; i < PC_PORT_COUNT; i++)
        if (r->cfg.pc_ports[i].kind == CONSOLE_STDIO)
            return r->dev.pc_ports[i];
    return r->mirror ? mirror_chr(r->mirror) : r->console;
}

/* ---- the control socket ---- */

/* A number of bytes, or nothing if it is not known. */
static void add_bytes(json_t *out, const char *key, uint64_t bytes)
{
    if (bytes != VBALLOON_UNKNOWN)
        json_object_set_new(out, key, json_integer((json_int_t)bytes));
}

static void add_balloon(const struct run *r, json_t *out)
{
    struct vballoon_status s;
    json_t *o;

    if (!r->dev.balloon)
        return;
    vballoon_get_status(r->dev.balloon, &s);
    o = json_pack("{s:b}", "driver", s.driven);
    add_bytes(o, "target", s.target);
    add_bytes(o, "actual", s.actual);
    add_bytes(o, "returned", s.returned);
    add_bytes(o, "free", s.free);
    add_bytes(o, "available", s.available);
    add_bytes(o, "total", s.total);
    add_bytes(o, "age", s.age);
    json_object_set_new(out, "balloon", o);
}

static struct xs_domain *domain_of(const struct run *r)
{
    return r->board ? board_domain(r->board) : NULL;
}

static struct xs *ctl_store(void *ctx)
{
    struct xs_domain *d = domain_of(ctx);

    return d ? xs_domain_store(d) : NULL;
}

/* What a guest of Xen has of its quota, and shall have of memory. */
static void add_xenstore(const struct run *r, json_t *out)
{
    struct xs_domain *d = domain_of(r);
    struct xs_usage u;

    if (!d)
        return;
    xs_usage(xs_domain_store(d), &u);
    json_object_set_new(
        out, "xenstore",
        json_pack("{s:I, s:I, s:I, s:I, s:I}", "nodes", (json_int_t)u.nodes,
                  "watches", (json_int_t)u.watches, "transactions",
                  (json_int_t)u.transactions, "bytes", (json_int_t)u.bytes,
                  "target", (json_int_t)xs_domain_memory(d)));
}

/* Why a guest is paused that nobody paused. */
static void add_stopped_disks(const struct run *r, json_t *out)
{
    json_t *disks = hostdev_stopped_disks(&r->dev, &r->cfg);

    if (disks)
        json_object_set_new(out, "stopped_disks", disks);
}

static void ctl_status(void *ctx, json_t *out)
{
    const struct run *r = ctx;
    struct vcpu_stats stats = {0};
    json_t *by_name = json_object();

    if (r->board)
        board_get_stats(r->board, &stats);
    for (unsigned i = 0; i < VCPU_EXIT_REASONS; i++) {
        const char *name = vcpu_exit_name(i);

        if (name && stats.by_reason[i])
            json_object_set_new(by_name, name,
                                json_integer((json_int_t)stats.by_reason[i]));
    }
    json_object_set_new(out, "mode", json_string(profiles[r->cfg.mode].name));
    json_object_set_new(out, "abi", json_string(abi_names[r->cfg.abi]));
    json_object_set_new(out, "cpus", json_integer(r->cfg.cpus));
    json_object_set_new(out, "memory", json_integer((json_int_t)r->cfg.memory));
    json_object_set_new(
        out, "state",
        json_string(r->board && board_paused(r->board) ? "paused" : "running"));
    json_object_set_new(out, "exits", json_integer((json_int_t)stats.exits));
    json_object_set_new(out, "exits_by_reason", by_name);
    json_object_set_new(
        out, "unclaimed_accesses",
        json_integer((json_int_t)(r->board ? board_unclaimed(r->board) : 0)));
    add_balloon(r, out);
    add_xenstore(r, out);
    add_stopped_disks(r, out);
}

static int ctl_power_button(void *ctx)
{
    const struct run *r = ctx;

    if (r->board)
        board_power_button(r->board);
    return 0;
}

static void ctl_kill(void *ctx, const char *why)
{
    end_guest(ctx, why);
}

static int ctl_pause(void *ctx)
{
    const struct run *r = ctx;

    if (!r->board)
        return -EAGAIN;
    board_pause(r->board);
    return 0;
}

/* What disks hold is tried first; if that fails the guest is paused anew. */
static int ctl_resume(void *ctx)
{
    struct run *r = ctx;

    if (!r->board)
        return -EAGAIN;
    hostdev_retry_disks(&r->dev);
    board_resume(r->board);
    return 0;
}

/* A guest that is to power off can do so only if it is told of errors. */
static int ctl_resume_to_end(void *ctx)
{
    struct run *r = ctx;

    hostdev_never_stop(&r->dev);
    return ctl_resume(ctx);
}

/*
 * To pause waits for vCPUs, and has posts run meanwhile: not in the middle of a
 * disk's completions, nor in a post.
 */
static void on_disk_stopped(void *ctx)
{
    struct run *r = ctx;

    if (r->disk_stop.kind == LOOP_IDLE)
        loop_timer(r->loop, &r->disk_stop, 0);
}

static void pause_for_disk(struct loop_op *op, int res)
{
    const struct run *r = op->owner;

    /* A reboot may have come first, and given them up. */
    if (res == 0 && r->board && hostdev_disk_is_stopped(&r->dev))
        board_pause(r->board);
}

static int ctl_resize(void *ctx, const char *disk, uint64_t *size)
{
    struct run *r = ctx;

    return hostdev_resize_disk(&r->dev, &r->cfg, disk, size);
}

/* A guest of Xen has its own, unless the operator gave it the other. */
static int ctl_balloon(void *ctx, uint64_t target)
{
    struct run *r = ctx;
    struct xs_domain *d = domain_of(r);

    if (target > r->cfg.memory)
        return -ERANGE;
    if (d && !r->cfg.balloon)
        return xs_domain_set_memory(d, target);
    return hostdev_set_balloon(&r->dev, target);
}

static int ctl_screen(void *ctx, json_t *out)
{
    return seat_screen(&((struct run *)ctx)->seat, out);
}

static int ctl_picture(void *ctx, struct ctl_picture *out)
{
    return seat_picture(&((struct run *)ctx)->seat, out);
}

static int ctl_type(void *ctx, const struct key_stroke *strokes, unsigned n)
{
    return seat_type(&((struct run *)ctx)->seat, strokes, n);
}

static const struct ctl_seat_ops ctl_seat = {
    .screen = ctl_screen,
    .picture = ctl_picture,
    .type = ctl_type,
};

void run_events_start(struct run *r)
{
    const struct term_ops keys = {
        .quit = key_quit,
        .power = key_power,
        .suspend = key_suspend,
        .hold_input = key_hold_input,
        .resize = on_resize,
        .ctx = r,
    };
    const struct ctl_ops verbs = {
        .status = ctl_status,
        .power_button = ctl_power_button,
        .kill = ctl_kill,
        .pause = ctl_pause,
        .resume = ctl_resume,
        .resume_to_end = ctl_resume_to_end,
        .resize = ctl_resize,
        .balloon = ctl_balloon,
        .store = ctl_store,
        .seat = &ctl_seat,
        .ctx = r,
    };

    r->term_ops = keys;
    r->ctl_ops = verbs;
    r->signal_op = (struct loop_op){.fn = on_signal, .owner = r};
    loop_watch(r->loop, &r->signal_op, r->signal_fd);
    r->disk_stop = (struct loop_op){.fn = pause_for_disk, .owner = r};
    hostdev_on_disk_stop(&r->dev, on_disk_stopped, r);
    seat_init(&r->seat, &r->board, r->loop);
    if (r->vnc)
        vnc_start(r->vnc, r->loop);
    ctl_start(r->ctl, r->loop, &r->ctl_ops, 0);
    if (!r->term)
        return;
    r->stdio = find_stdio(r);
    chr_set_filter(r->stdio, term_filter(r->term));
    term_start(r->term, r->loop, &r->term_ops);
}

void run_first_entry(void *ctx)
{
    const struct run *r = ctx;

    notify_send(r->notify_fd, "READY=1");
    /* Without the sandbox there may be a debugger, whose breakpoints are in
     * these pages. */
    if (r->cfg.sandbox)
        startup_forget();
}
