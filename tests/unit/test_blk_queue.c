// SPDX-License-Identifier: GPL-2.0-or-later
/* Many requests to a raw disk: queues, threads, rate limits, drains. */
#include "blk_places.h"

#include <pthread.h>
#include <time.h>

static _Alignas(4096) unsigned char out[SIZE], in[SIZE];

/* Far more requests than may be in flight, or than the ring has entries. */
static void many_at_once(struct rig *rig)
{
    enum { N = 1000 };
    static struct blk_req reqs[N];
    static struct iovec iov[N];
    struct blk_stats stats;

    rig_fill(out, N * 4096, 5);
    for (size_t i = 0; i < N; i++) {
        iov[i] = (struct iovec){out + 4096 * i, 4096};
        reqs[i] = (struct blk_req){.op = BLK_WRITE,
                                   .offset = 4096 * i,
                                   .len = 4096,
                                   .iov = &iov[i],
                                   .n_iov = 1};
        rig_submit(rig, &reqs[i]);
    }
    rig_wait(rig);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(reqs[i].result, 0);
    assert_int_equal(rig_move(rig, BLK_READ, 0, in, N * 4096), 0);
    assert_memory_equal(in, out, N * 4096);
    blk_get_stats(rig->blk, &stats);
    assert_int_equal(stats.writes, N);
    assert_int_equal(stats.written_bytes, N * 4096);
    assert_int_equal(stats.reads, 1);
    assert_int_equal(stats.read_bytes, N * 4096);
    assert_int_equal(stats.errors, 0);
}

static void queues_have_no_end(void **state)
{
    (void)state;
    everywhere(many_at_once);
}

/* A front-end that answers each completion with the next request. */
static void on_chained(struct blk_req *req)
{
    struct rig *rig = req->owner;

    assert_int_equal(req->result, 0);
    if (--rig->waiting == 0)
        loop_stop(rig->loop, 0);
    else
        blk_submit(rig->blk, req);
}

static void chained(struct rig *rig)
{
    const struct iovec iov = {in, 4096};
    struct blk_req req = {.op = BLK_READ,
                          .len = 4096,
                          .iov = &iov,
                          .n_iov = 1,
                          .done = on_chained,
                          .owner = rig};
    struct blk_stats stats;

    rig->waiting = 500;
    blk_submit(rig->blk, &req);
    rig_wait(rig);
    blk_get_stats(rig->blk, &stats);
    assert_int_equal(stats.reads, 500);
}

static void requests_follow_requests(void **state)
{
    const struct blk_config cfg = {0};

    (void)state;
    with_disk(chained, &cfg);
}

/* A register device submits from its vCPU's thread, under the board lock. */
struct vcpu {
    struct rig *rig;
    pthread_mutex_t lock;
    unsigned answered;
};

static void on_vcpu_done(struct blk_req *req)
{
    struct vcpu *vcpu = req->owner;

    assert_int_equal(req->result, 0);
    vcpu->answered++;
    if (vcpu->answered == 200)
        loop_stop(vcpu->rig->loop, 0);
}

static void *vcpu_thread(void *arg)
{
    static struct blk_req reqs[200];
    static const struct iovec iov = {in, 512};
    struct vcpu *vcpu = arg;

    for (size_t i = 0; i < 200; i++) {
        reqs[i] = (struct blk_req){.op = i % 10 ? BLK_READ : BLK_FLUSH,
                                   .len = 512,
                                   .iov = &iov,
                                   .n_iov = 1,
                                   .done = on_vcpu_done,
                                   .owner = vcpu};
        pthread_mutex_lock(&vcpu->lock);
        blk_submit(vcpu->rig->blk, &reqs[i]);
        pthread_mutex_unlock(&vcpu->lock);
        if (i % 16 == 0)
            usleep(200);
    }
    return NULL;
}

static void other_threads_may_submit(void **state)
{
    const struct blk_config plain = {0};
    struct blk_config cfg = plain;
    struct rig rig = {0};
    struct vcpu vcpu = {.rig = &rig};
    pthread_t thread;

    (void)state;
    rig_dir(&rig, "/dev/shm");
    rig_image(rig.path, SIZE);
    cfg.path = rig.path;
    pthread_mutex_init(&vcpu.lock, NULL);
    assert_int_equal(loop_create(&rig.loop, &vcpu.lock), 0);
    rig.blk = blk_open(&cfg);
    assert_non_null(rig.blk);
    assert_int_equal(blk_start(rig.blk, rig.loop), 0);
    pthread_create(&thread, NULL, vcpu_thread, &vcpu);
    assert_int_equal(loop_run(rig.loop), 0);
    pthread_join(thread, NULL);
    assert_int_equal(vcpu.answered, 200);
    rig_close(&rig);
    rig_remove(&rig);
}

static uint64_t clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* 1000 a second: 250 take 0.2 s, for the first 50 are the burst. */
static void limited(struct rig *rig)
{
    enum { N = 250 };
    static struct blk_req reqs[N];
    const struct iovec iov = {in, 512};
    const uint64_t from = clock_ns();
    uint64_t took;

    for (size_t i = 0; i < N; i++) {
        reqs[i] = (struct blk_req){
            .op = BLK_READ, .len = 512, .iov = &iov, .n_iov = 1};
        rig_submit(rig, &reqs[i]);
    }
    rig_wait(rig);
    took = clock_ns() - from;
    assert_true(took >= 198000000);
    assert_true(took < 2000000000); /* others use this machine */
}

static void the_rate_is_kept(void **state)
{
    const struct blk_config cfg = {.iops = 1000};
    const struct blk_config bytes = {.bps = 512000};

    (void)state;
    with_disk(limited, &cfg);
    with_disk(limited, &bytes);
}

struct drainer {
    struct rig *rig;
    struct loop_op timer;
    unsigned answered;
    unsigned cancelled;
};

static void on_drained(struct blk_req *req)
{
    struct drainer *d = req->owner;

    d->answered++;
    d->cancelled += req->result == -ECANCELED;
    assert_true(req->result == 0 || req->result == -ECANCELED);
}

static void drain_now(struct loop_op *op, int res)
{
    struct drainer *d = op->owner;

    (void)res;
    blk_drain(d->rig->blk);
    loop_stop(d->rig->loop, 0);
}

/* Every request is answered when blk_drain returns, also those that wait. */
static void drained(struct rig *rig)
{
    enum { N = 400 };
    static struct blk_req reqs[N];
    const struct iovec iov = {in, 65536};
    struct drainer d = {.rig = rig, .timer = {.fn = drain_now, .owner = &d}};

    for (size_t i = 0; i < N; i++) {
        reqs[i] = (struct blk_req){.op = i % 50 ? BLK_READ : BLK_FLUSH,
                                   .len = 65536,
                                   .iov = &iov,
                                   .n_iov = 1,
                                   .done = on_drained,
                                   .owner = &d};
        blk_submit(rig->blk, &reqs[i]);
    }
    loop_timer(rig->loop, &d.timer, 1000);
    assert_int_equal(loop_run(rig->loop), 0);
    assert_int_equal(d.answered, N);
    /* And the disk goes on afterwards. */
    assert_int_equal(rig_move(rig, BLK_READ, 0, in, 4096), 0);
}

static void limited_drain(struct rig *rig)
{
    drained(rig);
}

static void drains_answer_everything(void **state)
{
    const struct blk_config slow = {.bps = 100 * MIB};

    (void)state;
    everywhere(drained);
    with_disk(limited_drain, &slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues_have_no_end),
        cmocka_unit_test(requests_follow_requests),
        cmocka_unit_test(other_threads_may_submit),
        cmocka_unit_test(the_rate_is_kept),
        cmocka_unit_test(drains_answer_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
