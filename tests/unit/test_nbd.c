// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disks behind NBD servers: our own in a thread, good and evil, and nbdkit
 * where it is installed.
 */
#include "nbd_server.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define ALL_FLAGS \
    (NBD_SEND_FLUSH | NBD_SEND_FUA | NBD_SEND_TRIM | NBD_SEND_WRITE_ZEROES)

static unsigned char out[NBD_SIZE], in[NBD_SIZE];
static struct nbd_server server;

/* A server with these flags and this trick, and a disk on it. */
static void begin(struct rig *rig, unsigned flags, const struct blk_config *cfg)
{
    struct blk_config with_path = *cfg;
    char path[192];

    memset(rig, 0, sizeof(*rig));
    rig_dir(rig, "/dev/shm");
    server.export_flags = (uint16_t)flags;
    srv_start(&server, rig->dir);
    snprintf(path, sizeof(path), "nbd:unix:%s:some name", server.path);
    with_path.path = path;
    rig_open(rig, &with_path);
}

static void end(struct rig *rig)
{
    rig_close(rig);
    srv_end(&server);
    rig_remove(rig);
}

static void reset(void)
{
    memset(&server, 0, sizeof(server));
}

static const struct blk_config plain;

/* Whole, split, and in many segments; 1 MiB goes in several requests. */
static void exercise(struct rig *rig)
{
    enum { N = 100 };
    static struct iovec to[N], from[N];
    struct blk_req write = {.op = BLK_WRITE, .iov = to, .n_iov = N};
    struct blk_req read = {.op = BLK_READ, .iov = from, .n_iov = N};
    size_t at = 0;

    for (size_t i = 0; i < N; i++) {
        const size_t n = i == N - 1 ? 1048576 - at : 1 + i * 97;

        to[i] = (struct iovec){out + at, n};
        from[i] = (struct iovec){in + at, n};
        at += n;
    }
    rig_fill(out, at, 21);
    write.len = read.len = at;
    write.offset = read.offset = 512;
    assert_int_equal(rig_do(rig, &write), 0);
    assert_int_equal(rig_flush(rig), 0);
    assert_memory_equal(server.mem + 512, out, at);
    assert_int_equal(rig_do(rig, &read), 0);
    assert_memory_equal(in, out, at);
}

static void a_good_server(void **state)
{
    const struct blk_info *info;
    struct rig rig;

    (void)state;
    reset();
    server.max_block = 65536;
    begin(&rig, ALL_FLAGS, &plain);
    info = blk_info(rig.blk);
    assert_int_equal(info->size, NBD_SIZE);
    assert_int_equal(info->logical_block, 512);
    assert_true(info->needs_flush && info->can_zero && info->discard_align);
    assert_false(info->read_only);
    exercise(&rig);
    assert_int_equal(server.requests[NBD_WRITE], 16);
    assert_int_equal(server.longest, 65536);
    memset(server.mem, 1, NBD_SIZE);
    assert_int_equal(rig_range(&rig, BLK_ZERO, 512, 1024, true), 0);
    assert_int_equal(server.no_hole, 0);
    assert_int_equal(rig_range(&rig, BLK_ZERO, 1536, 512, false), 0);
    assert_int_equal(server.no_hole, 1);
    assert_true(rig_is(server.mem + 512, 1536, 0));
    assert_int_equal(server.mem[2048], 1);
    assert_int_equal(rig_range(&rig, BLK_DISCARD, 0, NBD_SIZE, false), 0);
    assert_int_equal(server.requests[NBD_TRIM], 1);
    assert_int_equal(server.fua, 0);
    end(&rig);
    assert_string_equal(server.name, "some name");
    assert_int_equal(server.goodbyes, 1);
}

static void an_old_server(void **state)
{
    (void)state;
    for (int padding = 0; padding < 2; padding++) {
        struct rig rig;

        reset();
        server.old_style = true;
        server.padding = padding;
        begin(&rig, NBD_SEND_FLUSH, &plain);
        assert_false(blk_info(rig.blk)->can_zero);
        assert_int_equal(blk_info(rig.blk)->discard_align, 0);
        assert_int_equal(rig_range(&rig, BLK_ZERO, 0, 512, true), -EOPNOTSUPP);
        assert_int_equal(rig_range(&rig, BLK_DISCARD, 0, 512, true),
                         -EOPNOTSUPP);
        exercise(&rig);
        end(&rig);
        assert_string_equal(server.name, "some name");
    }
}

static void a_slow_trickle(void **state)
{
    struct rig rig;

    (void)state;
    reset();
    server.trick = TRICK_DRIP;
    begin(&rig, ALL_FLAGS, &plain);
    exercise(&rig);
    end(&rig);
}

/* 200 reads at once, each with its own data, answered in any order. */
static void any_order(void **state)
{
    enum { N = 200 };
    static struct blk_req reqs[N];
    static struct iovec iov[N];
    struct rig rig;

    (void)state;
    reset();
    server.trick = TRICK_REORDER;
    begin(&rig, ALL_FLAGS, &plain);
    rig_fill(server.mem, NBD_SIZE, 8);
    for (size_t i = 0; i < N; i++) {
        iov[i] = (struct iovec){in + 8192 * i, 8192};
        reqs[i] = (struct blk_req){.op = i % 7 ? BLK_READ : BLK_FLUSH,
                                   .offset = 8192 * i,
                                   .len = 8192,
                                   .iov = &iov[i],
                                   .n_iov = 1};
        rig_submit(&rig, &reqs[i]);
    }
    rig_wait(&rig);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(reqs[i].result, 0);
        if (i % 7)
            assert_memory_equal(in + 8192 * i, server.mem + 8192 * i, 8192);
    }
    end(&rig);
}

static void errors_are_translated(void **state)
{
    static const struct {
        uint32_t wire;
        int want;
    } cases[] = {{1, -EPERM},   {5, -EIO},       {12, -ENOMEM}, {22, -EINVAL},
                 {28, -ENOSPC}, {4, -EIO},       {11, -EIO},    {108, -EIO},
                 {999, -EIO},   {1u << 31, -EIO}};
    struct rig rig;

    (void)state;
    reset();
    begin(&rig, ALL_FLAGS, &plain);
    server.trick = TRICK_ERROR;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        server.error = cases[i].wire;
        assert_int_equal(rig_move(&rig, BLK_READ, 0, in, 4096), cases[i].want);
        assert_int_equal(rig_move(&rig, BLK_WRITE, 0, out, 4096),
                         cases[i].want);
        assert_int_equal(rig_flush(&rig), cases[i].want);
    }
    server.trick = TRICK_NONE;
    exercise(&rig);
    end(&rig);
}

/* Whatever breaks: every request gets EIO, at once and for ever after. */
static void broken(void **state)
{
    static const enum trick tricks[] = {
        TRICK_BAD_MAGIC, TRICK_BAD_COOKIE, TRICK_OLD_COOKIE,
        TRICK_TWICE,     TRICK_HANG_UP,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tricks); i++) {
        struct rig rig;

        reset();
        begin(&rig, ALL_FLAGS, &plain);
        assert_int_equal(rig_move(&rig, BLK_WRITE, 0, out, 4096), 0);
        server.trick = tricks[i];
        /* The first answer of those given twice is a good one. */
        assert_int_equal(rig_move(&rig, BLK_WRITE, 0, out, 4096),
                         tricks[i] == TRICK_TWICE ? 0 : -EIO);
        assert_int_equal(rig_move(&rig, BLK_READ, 0, in, 4096), -EIO);
        assert_int_equal(rig_flush(&rig), -EIO);
        end(&rig);
    }
}

struct drainer {
    struct rig *rig;
    struct loop_op timer;
    unsigned answered;
    int result;
};

static void on_drained(struct blk_req *req)
{
    struct drainer *d = req->owner;

    d->answered++;
    d->result = req->result;
}

static void drain_now(struct loop_op *op, int res)
{
    struct drainer *d = op->owner;

    (void)res;
    blk_drain(d->rig->blk);
    loop_stop(d->rig->loop, 0);
}

/* Reads and big writes in flight; all answered when the drain is over. */
static void drain(struct rig *rig, struct drainer *d)
{
    enum { N = 160 };
    static struct blk_req reqs[N];
    const struct iovec iov = {in, 65536};

    *d = (struct drainer){.rig = rig, .timer = {.fn = drain_now, .owner = d}};
    for (size_t i = 0; i < N; i++) {
        reqs[i] = (struct blk_req){.op = i % 2 ? BLK_READ : BLK_WRITE,
                                   .len = 65536,
                                   .iov = &iov,
                                   .n_iov = 1,
                                   .done = on_drained,
                                   .owner = d};
        blk_submit(rig->blk, &reqs[i]);
    }
    loop_timer(rig->loop, &d->timer, 2000000);
    assert_int_equal(loop_run(rig->loop), 0);
    assert_int_equal(d->answered, N);
}

static void a_drain_waits_for_the_server(void **state)
{
    struct drainer d;
    struct rig rig;

    (void)state;
    reset();
    server.trick = TRICK_REORDER;
    begin(&rig, ALL_FLAGS, &plain);
    drain(&rig, &d);
    assert_int_equal(rig_move(&rig, BLK_READ, 0, in, 4096), 0);
    end(&rig);
}

static void a_drain_does_not_wait_for_ever(void **state)
{
    struct timespec from, to;
    struct drainer d;
    struct rig rig;

    (void)state;
    reset();
    server.trick = TRICK_SILENT;
    begin(&rig, ALL_FLAGS, &plain);
    clock_gettime(CLOCK_MONOTONIC, &from);
    drain(&rig, &d);
    clock_gettime(CLOCK_MONOTONIC, &to);
    assert_true(to.tv_sec - from.tv_sec >= 4);
    assert_true(to.tv_sec - from.tv_sec < 15);
    assert_int_equal(rig_move(&rig, BLK_READ, 0, in, 4096), -EIO);
    end(&rig);
}

/* Case 58: FUA where the server has it, else a flush behind each write. */
static void writethrough(void **state)
{
    const struct blk_config through = {.cache = BLK_CACHE_WRITETHROUGH};
    struct rig rig;

    (void)state;
    reset();
    begin(&rig, ALL_FLAGS, &through);
    assert_false(blk_info(rig.blk)->needs_flush);
    assert_int_equal(rig_move(&rig, BLK_WRITE, 0, out, 4096), 0);
    assert_int_equal(rig_range(&rig, BLK_ZERO, 0, 4096, true), 0);
    assert_int_equal(server.fua, 2);
    assert_int_equal(server.requests[NBD_FLUSH], 0);
    end(&rig);
    reset();
    begin(&rig, NBD_SEND_FLUSH | NBD_SEND_WRITE_ZEROES, &plain);
    blk_set_writethrough(rig.blk, true);
    assert_int_equal(rig_move(&rig, BLK_WRITE, 0, out, 4096), 0);
    assert_int_equal(rig_range(&rig, BLK_ZERO, 0, 4096, true), 0);
    assert_int_equal(server.fua, 0);
    assert_int_equal(server.requests[NBD_FLUSH], 2);
    end(&rig);
    reset();
    begin(&rig, 0, &plain);
    blk_set_writethrough(rig.blk, true);
    assert_int_equal(rig_move(&rig, BLK_WRITE, 0, out, 4096), 0);
    assert_int_equal(rig_flush(&rig), 0);
    assert_int_equal(server.requests[NBD_FLUSH], 0);
    end(&rig);
}

static void a_read_only_export(void **state)
{
    const struct blk_config ro = {.read_only = true};
    struct rig rig;

    (void)state;
    reset();
    begin(&rig, ALL_FLAGS | NBD_READ_ONLY, &ro);
    assert_true(blk_info(rig.blk)->read_only);
    assert_int_equal(rig_move(&rig, BLK_WRITE, 0, out, 512), -EROFS);
    assert_int_equal(rig_move(&rig, BLK_READ, 0, in, 512), 0);
    end(&rig);
}

static pid_t spawn_nbdkit(const char *path)
{
    const pid_t pid = fork();

    if (pid == 0) {
        execlp("nbdkit", "nbdkit", "-f", "-U", path, "memory", "size=2M",
               (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* Is the server there? False: it could not be started. */
static bool wait_for(const char *path, pid_t pid)
{
    for (int i = 0; i < 500; i++) {
        if (access(path, F_OK) == 0)
            return true;
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return false;
        usleep(10000);
    }
    return false;
}

static void nbdkit(void **state)
{
    struct rig rig = {0};
    char socket_path[128], path[160];
    const struct blk_config cfg = {.path = path};
    pid_t pid;

    (void)state;
    rig_dir(&rig, "/dev/shm");
    snprintf(socket_path, sizeof(socket_path), "%s/nbd", rig.dir);
    snprintf(path, sizeof(path), "nbd:unix:%s", socket_path);
    pid = spawn_nbdkit(socket_path);
    if (!wait_for(socket_path, pid)) {
        rmdir(rig.dir);
        skip(); /* not installed */
    }
    rig_open(&rig, &cfg);
    assert_int_equal(blk_info(rig.blk)->size, NBD_SIZE);
    rig_fill(out, NBD_SIZE, 3);
    assert_int_equal(rig_move(&rig, BLK_WRITE, 0, out, NBD_SIZE), 0);
    assert_int_equal(rig_flush(&rig), 0);
    assert_int_equal(rig_range(&rig, BLK_ZERO, 4096, 8192, true), 0);
    assert_int_equal(rig_range(&rig, BLK_DISCARD, 65536, 4096, false), 0);
    memset(out + 4096, 0, 8192);
    assert_int_equal(rig_move(&rig, BLK_READ, 0, in, NBD_SIZE), 0);
    assert_memory_equal(in, out, 65536);
    assert_memory_equal(in + 69632, out + 69632, NBD_SIZE - 69632);
    /* And it dies under us. */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(rig_move(&rig, BLK_READ, 0, in, 512), -EIO);
    rig_close(&rig);
    unlink(socket_path);
    rig_remove(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_server),
        cmocka_unit_test(an_old_server),
        cmocka_unit_test(a_slow_trickle),
        cmocka_unit_test(any_order),
        cmocka_unit_test(errors_are_translated),
        cmocka_unit_test(broken),
        cmocka_unit_test(a_drain_waits_for_the_server),
        cmocka_unit_test(a_drain_does_not_wait_for_ever),
        cmocka_unit_test(writethrough),
        cmocka_unit_test(a_read_only_export),
        cmocka_unit_test(nbdkit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
