// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * blk.c: what is common to all disks: checks, queueing, the rate limit,
 * statistics, drain; see blk.h and blk_priv.h.
 *
 * On the loop thread a request goes straight to the implementation, whose
 * SQE leaves with the turn's one submission. A vCPU thread cannot make SQEs:
 * it appends to the pending list and writes to an eventfd the loop watches.
 * Nobody reads that eventfd: the watch reports each write, and woken keeps a
 * burst of requests to one.
 *
 * At most BLK_MAX_IN_FLIGHT requests are in flight; the rest wait in order.
 * So do those over the rate limit, and all behind them.
 *
 * With on-error=stop a request that the host fails is held, and the guest
 * paused, until it is tried again; what had moved by then has moved. A flush is
 * not held: the kernel tells of a failed one once and drops what it could not
 * write, so that another would succeed and be a lie.
 */
#include "devices/backend/blk_priv.h"

#include "vmm/checked.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static const char *const op_names[] = {
    [BLK_READ] = "read",       [BLK_WRITE] = "write", [BLK_FLUSH] = "flush",
    [BLK_DISCARD] = "discard", [BLK_ZERO] = "zero",
};

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void list_init(struct blk_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_append(struct blk_list *list, struct blk_req *req)
{
    req->next = NULL;
    *list->end = req;
    list->end = &req->next;
}

static struct blk_req *list_take(struct blk_list *list)
{
    struct blk_req *req = list->first;

    if (!req)
        return NULL;
    list->first = req->next;
    if (!list->first)
        list->end = &list->first;
    return req;
}

static void flight_add(struct blk *blk, struct blk_req *req)
{
    req->next = blk->flight;
    if (req->next)
        req->next->link = &req->next;
    req->link = &blk->flight;
    blk->flight = req;
    blk->n_flight++;
}

static void flight_remove(struct blk *blk, struct blk_req *req)
{
    if (!req->link)
        return;
    *req->link = req->next;
    if (req->next)
        req->next->link = req->link;
    req->link = NULL;
    blk->n_flight--;
}

static void wake_loop(struct blk *blk)
{
    const uint64_t one = 1;

    if (blk->woken)
        return;
    blk->woken = true;
    BUG_ON(write(blk->wake_fd, &one, sizeof(one)) != sizeof(one));
}

void blk_end_later(struct blk_req *req, int result)
{
    struct blk *blk = req->blk;

    flight_remove(blk, req);
    req->result = result;
    list_append(&blk->ended, req);
    wake_loop(blk);
}

static void count(struct blk *blk, const struct blk_req *req)
{
    struct blk_stats *s = &blk->stats;

    if (req->result < 0) {
        s->errors++;
        return;
    }
    if (req->op == BLK_READ) {
        s->reads++;
        s->read_bytes += req->len;
    } else if (req->op == BLK_WRITE) {
        s->writes++;
        s->written_bytes += req->len;
    } else if (req->op == BLK_FLUSH) {
        s->flushes++;
    }
}

/* Is it the guest's own fault, or more than this disk can do? */
static bool is_refusal(const struct blk *blk, const struct blk_req *req)
{
    switch (-req->result) {
    case EINVAL:
    case EOPNOTSUPP:
        return true;
    case EROFS: /* or the host's file system became read-only */
        return blk->info.read_only;
    default:
        return false;
    }
}

/* The host's failures are the operator's to know, and the guest's to bear. */
static void log_failure(struct blk *blk, const struct blk_req *req)
{
    if (req->result == -ECANCELED)
        return;
    if (is_refusal(blk, req))
        log_debug("disk %s: %s of %llu bytes at %llu refused: %s", blk->name,
                  op_names[req->op], (unsigned long long)req->len,
                  (unsigned long long)req->offset, strerror(-req->result));
    else
        log_guest(&blk->log,
                  "disk %s: %s of %llu bytes at %llu: %s: the guest is told",
                  blk->name, op_names[req->op], (unsigned long long)req->len,
                  (unsigned long long)req->offset, strerror(-req->result));
}

/* Is it the host's failure, that may pass, of a request worth repeating? */
static bool may_be_held(const struct blk *blk, const struct blk_req *req)
{
    return blk->stop_on_error && blk->stopped && !blk->draining &&
           req->result < 0 && req->result != -ECANCELED &&
           req->op != BLK_FLUSH && !is_refusal(blk, req);
}

static void hold(struct blk *blk, struct blk_req *req)
{
    const bool first = !blk->held.first;
    char text[BLK_STOP_TEXT];

    list_append(&blk->held, req);
    if (!first)
        return;
    blk_stop_text(blk, text);
    log_error("disk %s: %s: the guest is paused; 'vmm resume' tries again",
              blk->name, text);
    blk->stopped(blk->stopped_owner);
}

/* Is there something now that a flush would have to bring to storage? */
static void note_dirty(struct blk *blk, const struct blk_req *req)
{
    const bool failed = req->result < 0;

    if (req->op == BLK_FLUSH ? failed
                             : req->op != BLK_READ && (req->moved || !failed))
        blk->dirty = true;
}

/*
 * Answer: req belongs to the front-end again when done is called. Unless it is
 * to be tried again.
 */
static void answer(struct blk *blk, struct blk_req *req)
{
    if (may_be_held(blk, req)) {
        hold(blk, req);
        return;
    }
    note_dirty(blk, req);
    if (blk->ops->ended)
        blk->ops->ended(blk, req);
    if (req->result < 0)
        log_failure(blk, req);
    count(blk, req);
    req->done(req);
}

static uint64_t charge(const struct blk_req *req)
{
    return req->op == BLK_READ || req->op == BLK_WRITE ? req->len : 0;
}

/* May the next request start? If not, a timer asks again. */
static bool admit(struct blk *blk, const struct blk_req *req)
{
    uint64_t wait;

    if (!ratelimit_active(&blk->limit))
        return true;
    if (blk->timer.kind != LOOP_IDLE)
        return false;
    wait = ratelimit_take(&blk->limit, charge(req), now_ns());
    if (wait)
        loop_timer(blk->loop, &blk->timer, wait);
    return wait == 0;
}

static void start(struct blk *blk, struct blk_req *req)
{
    if (req->op == BLK_FLUSH)
        blk->dirty = false; /* what completes from now on is not in it */
    flight_add(blk, req);
    blk->ops->issue(blk, req);
}

static bool may_start(struct blk *blk, const struct blk_req *req)
{
    return !blk->held.first && blk->n_flight < BLK_MAX_IN_FLIGHT &&
           admit(blk, req);
}

static void run_pending(struct blk *blk)
{
    while (blk->pending.first && may_start(blk, blk->pending.first))
        start(blk, list_take(&blk->pending));
}

static void run_ended(struct blk *blk)
{
    struct blk_req *req;

    while ((req = list_take(&blk->ended)))
        answer(blk, req);
}

static void finish(struct blk_req *req, int result)
{
    struct blk *blk = req->blk;

    flight_remove(blk, req);
    req->result = result;
    answer(blk, req);
    run_pending(blk);
}

static void on_wake(struct loop_op *op, int res)
{
    struct blk *blk = op->owner;

    if (res < 0)
        return; /* cancelled */
    blk->woken = false;
    run_ended(blk);
    run_pending(blk);
}

static void on_timer(struct loop_op *op, int res)
{
    (void)res;
    run_pending(op->owner);
}

struct blk_req *blk_req_of(struct loop_op *io)
{
    return (struct blk_req *)((char *)io - offsetof(struct blk_req, io));
}

static bool worth_a_retry(struct blk_req *req, int res)
{
    return (res == -EINTR || res == -EAGAIN) && !req->blk->draining &&
           req->retries++ < BLK_MAX_RETRIES;
}

void blk_go_on(struct blk_req *req)
{
    if (req->blk->draining)
        finish(req, -ECANCELED);
    else
        req->blk->ops->issue(req->blk, req);
}

void blk_moved(struct blk_req *req, int res)
{
    if (worth_a_retry(req, res)) {
        blk_go_on(req);
        return;
    }
    /* Nothing moved: the image ends here, though the disk does not. */
    if (res <= 0) {
        finish(req, res ? res : -EIO);
        return;
    }
    req->retries = 0;
    req->moved += (unsigned)res;
    if (req->moved >= req->len)
        finish(req, 0);
    else
        blk_go_on(req);
}

void blk_result(struct blk_req *req, int res)
{
    if (worth_a_retry(req, res))
        blk_go_on(req);
    else
        finish(req, res);
}

/* Do the segments hold exactly len bytes? More would pass the disk's end. */
static bool segments_fit(const struct blk_req *req)
{
    uint64_t sum = 0;

    for (int i = 0; i < req->n_iov; i++)
        if (!checked_add(sum, req->iov[i].iov_len, &sum))
            return false;
    return sum == req->len;
}

static int check(const struct blk *blk, const struct blk_req *req)
{
    const struct blk_info *info = &blk->info;

    if (req->op == BLK_FLUSH)
        return 0;
    if (req->op != BLK_READ && info->read_only)
        return -EROFS;
    if ((req->offset | req->len) & (info->logical_block - 1))
        return -EINVAL;
    if (!range_ok(req->offset, req->len, info->size))
        return -EINVAL;
    if (req->op == BLK_DISCARD)
        return info->discard_align ? 0 : -EOPNOTSUPP;
    if (req->op == BLK_ZERO)
        return info->can_zero ? 0 : -EOPNOTSUPP;
    return segments_fit(req) ? 0 : -EINVAL;
}

void blk_submit(struct blk *blk, struct blk_req *req)
{
    int ret;

    BUG_ON(!blk->loop);
    req->io = (struct loop_op){.owner = blk};
    req->blk = blk;
    req->link = NULL;
    req->moved = 0;
    req->retries = 0;
    ret = blk->draining ? -ECANCELED : check(blk, req);
    if (ret < 0 || (req->len == 0 && req->op != BLK_FLUSH)) {
        blk_end_later(req, ret);
        return;
    }
    if (!loop_is_current(blk->loop)) {
        list_append(&blk->pending, req);
        wake_loop(blk);
    } else if (!blk->pending.first && may_start(blk, req)) {
        start(blk, req);
    } else {
        list_append(&blk->pending, req);
    }
}

/* Wait for what is in flight, for ever if the kernel has it. */
static void await_flight(struct blk *blk)
{
    uint64_t last = now_ns();

    while (blk->flight) {
        if (loop_turn_of(blk->loop, blk, BLK_PATIENCE_NS))
            last = now_ns();
        else if (blk->ops->give_up && now_ns() - last >= BLK_PATIENCE_NS)
            blk->ops->give_up(blk);
    }
}

void blk_drain(struct blk *blk)
{
    struct blk_req *req;

    if (!blk->loop)
        return;
    blk->draining = true;
    while ((req = list_take(&blk->held)))
        blk_end_later(req, -ECANCELED);
    while ((req = list_take(&blk->pending)))
        blk_end_later(req, -ECANCELED);
    for (req = blk->flight; req; req = req->next)
        loop_cancel(blk->loop, &req->io);
    await_flight(blk);
    run_ended(blk);
    blk->draining = false;
}

void blk_on_stop(struct blk *blk, blk_stopped_fn *stopped, void *owner)
{
    blk->stopped = stopped;
    blk->stopped_owner = owner;
}

bool blk_is_stopped(const struct blk *blk)
{
    return blk->held.first;
}

void blk_stop_text(const struct blk *blk, char text[BLK_STOP_TEXT])
{
    const struct blk_req *req = blk->held.first;

    text[0] = '\0';
    if (req)
        snprintf(text, BLK_STOP_TEXT, "%s of %llu bytes at %llu: %s",
                 op_names[req->op], (unsigned long long)req->len,
                 (unsigned long long)req->offset, strerror(-req->result));
}

void blk_never_stop(struct blk *blk)
{
    blk->stop_on_error = false;
}

void blk_retry(struct blk *blk)
{
    struct blk_req *req;

    if (!blk->held.first)
        return;
    for (req = blk->held.first; req; req = req->next)
        req->retries = 0;
    if (blk->pending.first) {
        *blk->held.end = blk->pending.first;
        blk->held.end = blk->pending.end;
    }
    blk->pending = blk->held;
    list_init(&blk->held);
    run_pending(blk);
}

int blk_resize(struct blk *blk)
{
    uint64_t size;
    const int ret = blk->ops->size(blk, &size);

    if (ret < 0) {
        log_error("disk %s: its size cannot be read: %s", blk->name,
                  strerror(-ret));
        return ret;
    }
    size -= size % blk->info.logical_block;
    if (size == blk->info.size)
        return 0;
    log_info("disk %s: %llu bytes, was %llu", blk->name,
             (unsigned long long)size, (unsigned long long)blk->info.size);
    blk->info.size = size;
    if (blk->resized)
        blk->resized(blk->front);
    return 0;
}

void blk_attach(struct blk *blk, blk_resized_fn *resized, void *owner)
{
    blk->resized = resized;
    blk->front = owner;
}

void blk_set_writethrough(struct blk *blk, bool on)
{
    blk->writethrough = on || blk->always_writethrough;
}

const struct blk_info *blk_info(const struct blk *blk)
{
    return &blk->info;
}

void blk_get_stats(const struct blk *blk, struct blk_stats *out)
{
    *out = blk->stats;
}

int blk_init(struct blk *blk, const struct blk_ops *ops,
             const struct blk_config *cfg)
{
    blk->ops = ops;
    blk->always_writethrough = cfg->cache == BLK_CACHE_WRITETHROUGH;
    blk->writethrough = blk->always_writethrough;
    list_init(&blk->ended);
    list_init(&blk->pending);
    list_init(&blk->held);
    blk->stop_on_error = cfg->on_error == BLK_ERROR_STOP;
    ratelimit_init(&blk->limit, cfg->iops, cfg->bps, now_ns());
    blk->timer = (struct loop_op){.fn = on_timer, .owner = blk};
    blk->wake = (struct loop_op){.fn = on_wake, .owner = blk};
    blk->name = strdup(cfg->path);
    if (!blk->name) {
        log_error("disk %s: out of memory", cfg->path);
        return -ENOMEM;
    }
    blk->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (blk->wake_fd < 0) {
        const int err = errno;

        log_error("disk %s: eventfd: %s", cfg->path, strerror(err));
        free(blk->name);
        return -err;
    }
    return 0;
}

void blk_exit(struct blk *blk)
{
    close(blk->wake_fd);
    free(blk->name);
}

struct blk *blk_open(const struct blk_config *cfg)
{
    if (strncmp(cfg->path, "nbd:", 4) == 0)
        return blk_nbd_open(cfg);
    return cfg->snapshot ? blk_overlay_open(cfg) : blk_raw_open(cfg);
}

int blk_start(struct blk *blk, struct loop *loop)
{
    blk->loop = loop;
    loop_watch(loop, &blk->wake, blk->wake_fd);
    if (blk->ops->start)
        blk->ops->start(blk);
    return 0;
}

static void on_last_flush(struct blk_req *req)
{
    *(bool *)req->owner = true;
}

/* What a guest wrote and did not flush is on storage when vmm has ended. */
static void flush_at_end(struct blk *blk)
{
    bool done = false;
    struct blk_req req = {
        .op = BLK_FLUSH,
        .done = on_last_flush,
        .owner = &done,
        .io.owner = blk,
        .blk = blk,
    };

    if (!blk->dirty)
        return;
    start(blk, &req);
    await_flight(blk);
    run_ended(blk);
    BUG_ON(!done);
}

void blk_close(struct blk *blk)
{
    if (!blk)
        return;
    if (blk->loop) {
        BUG_ON(blk->flight || blk->pending.first || blk->ended.first ||
               blk->held.first);
        flush_at_end(blk);
        loop_drain(blk->loop, &blk->timer);
        loop_drain(blk->loop, &blk->wake);
    }
    blk->ops->close(blk);
}
