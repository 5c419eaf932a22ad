// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disks whose host fails: what the kernel answers is changed on its way to
 * the disk (the linker puts our functions before the loop's, see --wrap in
 * CMakeLists.txt), and a file system of 1 MiB is filled.
 */
#include "blk_rig.h"

#include <limits.h>
#include <sys/mount.h>
#include <sys/uio.h>

#define SIZE  (1 * MIB)
#define NEVER UINT_MAX

static _Alignas(4096) unsigned char out[SIZE], in[SIZE];

/* What is to happen to operations of one kind. */
struct fault {
    int res;       /* instead of the kernel's; for FAULT_SHORT see below */
    unsigned left; /* so many times more; NEVER: without end */
    unsigned seen; /* operations so far */
    int flags;     /* of the last writev */
    bool cut;      /* transfers are cut to a random part instead */
};

static struct {
    struct fault read, write, sync, allocate;
    loop_fn *fn; /* of the one operation that is being changed */
    int res;
} faults;

/* The callback in place of the disk's. */
static void changed(struct loop_op *op, int res)
{
    (void)res;
    op->fn = faults.fn;
    op->fn(op, faults.res);
}

static bool strikes(struct fault *f)
{
    f->seen++;
    if (!f->left || f->cut)
        return false;
    if (f->left != NEVER)
        f->left--;
    return true;
}

/* Answer res without doing anything: a timer in the operation's place. */
static void answer(struct loop *loop, struct loop_op *op, int res)
{
    faults.fn = op->fn;
    faults.res = res;
    op->fn = changed;
    loop_timer(loop, op, 1);
}

static unsigned cut(const struct fault *f, size_t n)
{
    return (unsigned)(f->cut && n > 1 ? 1 + (size_t)rand() % (n - 1) : n);
}

void __real_loop_readv(struct loop *loop, struct loop_op *op, int fd,
                       const struct iovec *iov, unsigned n, uint64_t off);
void __real_loop_writev(struct loop *loop, struct loop_op *op, int fd,
                        const struct iovec *iov, unsigned n, uint64_t off,
                        int flags);
void __real_loop_read(struct loop *loop, struct loop_op *op, int fd, void *buf,
                      unsigned n, uint64_t off);
void __real_loop_fdatasync(struct loop *loop, struct loop_op *op, int fd);
void __real_loop_fallocate(struct loop *loop, struct loop_op *op, int fd,
                           int mode, uint64_t off, uint64_t len);

void __wrap_loop_readv(struct loop *loop, struct loop_op *op, int fd,
                       const struct iovec *iov, unsigned n, uint64_t off);
void __wrap_loop_writev(struct loop *loop, struct loop_op *op, int fd,
                        const struct iovec *iov, unsigned n, uint64_t off,
                        int flags);
void __wrap_loop_read(struct loop *loop, struct loop_op *op, int fd, void *buf,
                      unsigned n, uint64_t off);
void __wrap_loop_fdatasync(struct loop *loop, struct loop_op *op, int fd);
void __wrap_loop_fallocate(struct loop *loop, struct loop_op *op, int fd,
                           int mode, uint64_t off, uint64_t len);

void __wrap_loop_read(struct loop *loop, struct loop_op *op, int fd, void *buf,
                      unsigned n, uint64_t off)
{
    if (strikes(&faults.read))
        answer(loop, op, faults.read.res);
    else
        __real_loop_read(loop, op, fd, buf, cut(&faults.read, n), off);
}

/* The first segment only, and not all of it: as short as it may get. */
void __wrap_loop_readv(struct loop *loop, struct loop_op *op, int fd,
                       const struct iovec *iov, unsigned n, uint64_t off)
{
    if (strikes(&faults.read))
        answer(loop, op, faults.read.res);
    else if (faults.read.cut)
        __real_loop_read(loop, op, fd, iov->iov_base,
                         cut(&faults.read, iov->iov_len), off);
    else
        __real_loop_readv(loop, op, fd, iov, n, off);
}

void __wrap_loop_writev(struct loop *loop, struct loop_op *op, int fd,
                        const struct iovec *iov, unsigned n, uint64_t off,
                        int flags)
{
    static struct iovec part;

    faults.write.flags = flags;
    if (strikes(&faults.write)) {
        answer(loop, op, faults.write.res);
        return;
    }
    if (faults.write.cut) {
        part.iov_base = iov->iov_base;
        part.iov_len = cut(&faults.write, iov->iov_len);
        iov = &part;
        n = 1;
    }
    __real_loop_writev(loop, op, fd, iov, n, off, flags);
}

void __wrap_loop_fdatasync(struct loop *loop, struct loop_op *op, int fd)
{
    if (strikes(&faults.sync))
        answer(loop, op, faults.sync.res);
    else
        __real_loop_fdatasync(loop, op, fd);
}

void __wrap_loop_fallocate(struct loop *loop, struct loop_op *op, int fd,
                           int mode, uint64_t off, uint64_t len)
{
    if (strikes(&faults.allocate))
        answer(loop, op, faults.allocate.res);
    else
        __real_loop_fallocate(loop, op, fd, mode, off, len);
}

static void with_disk(void (*test)(struct rig *rig),
                      const struct blk_config *cfg)
{
    struct rig rig = {0};

    memset(&faults, 0, sizeof(faults));
    rig_dir(&rig, "/dev/shm");
    rig_image(rig.path, SIZE);
    rig_open(&rig, cfg);
    test(&rig);
    memset(&faults, 0, sizeof(faults));
    rig_close(&rig);
    rig_remove(&rig);
}

static const struct blk_config plain;
static const struct blk_config through = {.cache = BLK_CACHE_WRITETHROUGH};

static struct fault always(int res)
{
    return (struct fault){.res = res, .left = NEVER};
}

/* Case 54: each kind of failure is answered as it is, and passes. */
static void failing(struct rig *rig)
{
    static const int errors[] = {-EIO, -ENOSPC, -ENODEV, -ENOMEM};
    struct blk_stats stats;

    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        const int e = errors[i];

        faults.read = faults.write = faults.sync = faults.allocate = always(e);
        assert_int_equal(rig_move(rig, BLK_READ, 0, in, 4096), e);
        assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, 4096), e);
        assert_int_equal(rig_flush(rig), e);
        assert_int_equal(rig_range(rig, BLK_DISCARD, 0, 4096, false), e);
        assert_int_equal(rig_range(rig, BLK_ZERO, 0, 4096, false), e);
        assert_int_equal(rig_range(rig, BLK_ZERO, 0, 4096, true), e);
        memset(&faults, 0, sizeof(faults));
        assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, 4096), 0);
        assert_int_equal(rig_flush(rig), 0);
    }
    blk_get_stats(rig->blk, &stats);
    assert_int_equal(stats.errors, 6 * ARRAY_LEN(errors));
}

static void errors_are_answered(void **state)
{
    (void)state;
    with_disk(failing, &plain);
}

/* Case 56: transfers are cut anywhere, and still all of it moves. */
static void cut_short(struct rig *rig)
{
    const struct iovec to[] = {{out, 700}, {out + 700, 1}, {out + 701, 3395}};
    const struct iovec from[] = {{in, 33}, {in + 33, 4063}};
    struct blk_req write = {
        .op = BLK_WRITE, .offset = 4096, .len = 4096, .iov = to, .n_iov = 3};
    struct blk_req read = {
        .op = BLK_READ, .offset = 4096, .len = 4096, .iov = from, .n_iov = 2};

    srand(7);
    for (unsigned round = 0; round < 50; round++) {
        faults.read.cut = faults.write.cut = round > 0;
        rig_fill(out, 4096, round);
        assert_int_equal(rig_do(rig, &write), 0);
        assert_int_equal(rig_do(rig, &read), 0);
        assert_memory_equal(in, out, 4096);
    }
    assert_true(faults.read.seen > 200);
    assert_true(faults.write.seen > 200);
}

static void short_transfers_go_on(void **state)
{
    (void)state;
    with_disk(cut_short, &plain);
}

static void nothing_moves(struct rig *rig)
{
    faults.read = faults.write = always(0);
    assert_int_equal(rig_move(rig, BLK_READ, 0, in, 4096), -EIO);
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, 4096), -EIO);
    assert_int_equal(faults.read.seen, 1);
}

static void zero_bytes_are_an_error(void **state)
{
    (void)state;
    with_disk(nothing_moves, &plain);
}

static void interrupted(struct rig *rig)
{
    static const int errors[] = {-EINTR, -EAGAIN};

    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        const struct fault some = {.res = errors[i], .left = 3};

        faults.read = faults.write = faults.sync = faults.allocate = some;
        rig_fill(out, 4096, (unsigned)i);
        assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, 4096), 0);
        assert_int_equal(rig_move(rig, BLK_READ, 0, in, 4096), 0);
        assert_memory_equal(in, out, 4096);
        assert_int_equal(rig_flush(rig), 0);
        assert_int_equal(faults.sync.seen, 4);
        assert_int_equal(rig_range(rig, BLK_ZERO, 0, 4096, true), 0);
        assert_int_equal(faults.allocate.seen, 4);
        /* But not for ever. */
        faults.read = faults.sync = always(errors[i]);
        assert_int_equal(rig_move(rig, BLK_READ, 0, in, 4096), errors[i]);
        assert_int_equal(rig_flush(rig), errors[i]);
        assert_int_equal(faults.read.seen, 17);
        assert_int_equal(faults.sync.seen, 17);
    }
}

static void interruptions_are_retried(void **state)
{
    (void)state;
    with_disk(interrupted, &plain);
}

/* A file system without holes: discards are hints, zeroes are written. */
static void no_holes(struct rig *rig)
{
    memset(out, 0xee, SIZE);
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, SIZE), 0);
    memset(&faults, 0, sizeof(faults));
    faults.allocate = always(-EOPNOTSUPP);
    assert_int_equal(rig_range(rig, BLK_DISCARD, 0, 4096, false), 0);
    assert_int_equal(rig_range(rig, BLK_DISCARD, 0, 4096, false), 0);
    assert_int_equal(faults.allocate.seen, 1); /* and is not asked again */
    assert_int_equal(rig_range(rig, BLK_ZERO, 512, SIZE - 1024, true), 0);
    assert_int_equal(faults.allocate.seen, 2); /* the other way, as vain */
    assert_int_equal(rig_range(rig, BLK_ZERO, 512, 1024, false), 0);
    assert_int_equal(faults.allocate.seen, 2);
    assert_int_equal(rig_move(rig, BLK_READ, 0, in, SIZE), 0);
    assert_true(rig_is(in, 512, 0xee));
    assert_true(rig_is(in + 512, SIZE - 1024, 0));
    assert_true(rig_is(in + SIZE - 512, 512, 0xee));
}

static void zeroes_are_written_where_nothing_else_works(void **state)
{
    (void)state;
    with_disk(no_holes, &plain);
    with_disk(no_holes, &through);
}

static void no_holes_and_short(struct rig *rig)
{
    srand(9);
    faults.allocate = always(-EOPNOTSUPP);
    memset(out, 0xee, SIZE);
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, SIZE), 0);
    faults.write.cut = true;
    assert_int_equal(rig_range(rig, BLK_ZERO, 512, 300032, false), 0);
    faults.write.cut = false;
    assert_int_equal(rig_move(rig, BLK_READ, 0, in, SIZE), 0);
    assert_true(rig_is(in, 512, 0xee));
    assert_true(rig_is(in + 512, 300032, 0));
    assert_true(rig_is(in + 300544, SIZE - 300544, 0xee));
}

static void written_zeroes_go_on_too(void **state)
{
    (void)state;
    with_disk(no_holes_and_short, &plain);
}

/* Case 58: without flushes each write is durable when it is answered. */
static void durable(struct rig *rig)
{
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, 4096), 0);
    assert_int_equal(faults.write.flags, RWF_DSYNC);
    assert_int_equal(faults.sync.seen, 0);
    assert_int_equal(rig_range(rig, BLK_ZERO, 0, 4096, true), 0);
    assert_int_equal(faults.sync.seen, 1);
    faults.sync = always(-EIO);
    assert_int_equal(rig_range(rig, BLK_ZERO, 0, 4096, true), -EIO);
}

static void toggled(struct rig *rig)
{
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, 4096), 0);
    assert_int_equal(faults.write.flags, 0);
    blk_set_writethrough(rig->blk, true);
    durable(rig);
    memset(&faults, 0, sizeof(faults));
    blk_set_writethrough(rig->blk, false);
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, 4096), 0);
    assert_int_equal(faults.write.flags, 0);
}

static void always_durable(struct rig *rig)
{
    blk_set_writethrough(rig->blk, false);
    durable(rig);
}

static void writethrough_is_durable(void **state)
{
    (void)state;
    with_disk(toggled, &plain);
    with_disk(always_durable, &through);
}

/* The end of vmm brings to storage what the guest left, once. */
static void left_unflushed(struct rig *rig)
{
    const struct blk_config cfg = {.path = rig->path};

    rig_close(rig);
    assert_int_equal(faults.sync.seen, 0); /* nothing was written */
    rig_open(rig, &cfg);
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, 4096), 0);
    rig_close(rig);
    assert_int_equal(faults.sync.seen, 1);
    rig_open(rig, &cfg);
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, 4096), 0);
    assert_int_equal(rig_flush(rig), 0);
    rig_close(rig);
    assert_int_equal(faults.sync.seen, 2);
    rig_open(rig, &cfg);
}

static void closing_flushes(void **state)
{
    (void)state;
    with_disk(left_unflushed, &plain);
}

/* Case 55: a real file system that is full; and there is room again. */
static void no_space(void **state)
{
    struct rig rig = {0};
    char ballast[128];

    (void)state;
    memset(&faults, 0, sizeof(faults));
    rig_dir(&rig, "/dev/shm");
    if (mount("none", rig.dir, "tmpfs", 0, "size=1M") < 0) {
        rmdir(rig.dir);
        skip(); /* not root */
    }
    snprintf(ballast, sizeof(ballast), "%s/ballast", rig.dir);
    rig_image(rig.path, 16 * MIB);
    rig_image(ballast, 0);
    rig_open(&rig, &plain);
    memset(out, 0xaa, SIZE);
    assert_int_equal(rig_move(&rig, BLK_WRITE, 0, out, SIZE / 2), 0);
    assert_int_equal(rig_move(&rig, BLK_WRITE, 4 * MIB, out, SIZE), -ENOSPC);
    /* What was written before is whole, and a discard makes room. */
    assert_int_equal(rig_move(&rig, BLK_READ, 0, in, SIZE / 2), 0);
    assert_memory_equal(in, out, SIZE / 2);
    assert_int_equal(rig_range(&rig, BLK_DISCARD, 0, 16 * MIB, false), 0);
    assert_int_equal(rig_move(&rig, BLK_WRITE, 8 * MIB, out, SIZE / 2), 0);
    assert_int_equal(rig_flush(&rig), 0);
    rig_close(&rig);
    assert_int_equal(umount2(rig.dir, MNT_DETACH), 0);
    assert_int_equal(rmdir(rig.dir), 0);
}

/* ---- on-error=stop ---- */

static const struct blk_config stopping = {.on_error = BLK_ERROR_STOP};

static void on_stopped(void *owner)
{
    struct rig *rig = owner;

    loop_stop(rig->loop, 0);
}

static struct blk_req write_of(struct iovec *iov, uint64_t offset)
{
    return (struct blk_req){.op = BLK_WRITE,
                            .offset = offset,
                            .len = iov->iov_len,
                            .iov = iov,
                            .n_iov = 1};
}

/* Turns until the disk stops; so many requests have no answer then. */
static void run_to_stop(struct rig *rig, unsigned unanswered)
{
    struct rig_log log;
    const char *text;

    rig_catch(&log);
    assert_int_equal(loop_run(rig->loop), 0);
    text = rig_caught(&log);
    assert_non_null(strstr(text, "No space left"));
    assert_non_null(strstr(text, "paused"));
    assert_true(blk_is_stopped(rig->blk));
    assert_int_equal(rig->waiting, unanswered);
}

/* Nothing is answered, and nothing starts, until it is tried again. */
static void held(struct rig *rig)
{
    struct iovec iov[3] = {{out, 65536}, {out + 65536, 4096}, {in, 4096}};
    struct blk_req first = write_of(&iov[0], 0);
    struct blk_req second = write_of(&iov[1], 65536);
    struct blk_req third = write_of(&iov[2], 131072);
    struct blk_stats stats;
    char text[BLK_STOP_TEXT];

    rig_fill(out, SIZE, 1);
    blk_on_stop(rig->blk, on_stopped, rig);
    faults.write = (struct fault){.res = -ENOSPC, .left = 5};
    rig_submit(rig, &first);
    rig_submit(rig, &second);
    run_to_stop(rig, 2);
    blk_stop_text(rig->blk, text);
    assert_non_null(strstr(text, "write of "));
    assert_non_null(strstr(text, "No space left"));
    rig_submit(rig, &third);
    assert_int_equal(faults.write.seen, 2);
    blk_retry(rig->blk); /* all three fail */
    run_to_stop(rig, 3);
    assert_int_equal(faults.write.left, 0);
    /* Those that fail after the first may stop the disk once more. */
    while (rig->waiting) {
        blk_retry(rig->blk);
        assert_int_equal(loop_run(rig->loop), 0);
    }
    assert_false(blk_is_stopped(rig->blk));
    blk_stop_text(rig->blk, text);
    assert_string_equal(text, "");
    assert_int_equal(first.result | second.result | third.result, 0);
    assert_int_equal(rig_move(rig, BLK_READ, 0, in, 65536 + 4096), 0);
    assert_memory_equal(in, out, 65536 + 4096);
    blk_get_stats(rig->blk, &stats);
    assert_int_equal(stats.errors, 0);
    assert_int_equal(stats.writes, 3);
}

static void a_failed_request_waits_to_be_tried_again(void **state)
{
    (void)state;
    with_disk(held, &stopping);
}

/* A guest that is to end is told, of what waits and of what comes. */
static void held_no_more(struct rig *rig)
{
    struct iovec iov = {out, 4096};
    struct blk_req first = write_of(&iov, 0);

    blk_on_stop(rig->blk, on_stopped, rig);
    faults.write = always(-ENOSPC);
    rig_submit(rig, &first);
    run_to_stop(rig, 1);
    blk_never_stop(rig->blk);
    blk_retry(rig->blk);
    assert_int_equal(rig_move(rig, BLK_WRITE, 4096, out, 4096), -ENOSPC);
    assert_int_equal(first.result, -ENOSPC);
    assert_int_equal(rig->waiting, 0);
    assert_false(blk_is_stopped(rig->blk));
}

static void to_end_nothing_is_held(void **state)
{
    (void)state;
    with_disk(held_no_more, &stopping);
}

/* What the guest itself did wrong, and a flush, is no reason to stop. */
static void not_held(struct rig *rig)
{
    blk_on_stop(rig->blk, on_stopped, rig);
    faults.sync = always(-EIO);
    assert_int_equal(rig_flush(rig), -EIO);
    assert_int_equal(rig_move(rig, BLK_WRITE, SIZE, out, 4096), -EINVAL);
    memset(&faults, 0, sizeof(faults));
    blk_on_stop(rig->blk, NULL, NULL);
    faults.write = always(-ENOSPC);
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, 4096), -ENOSPC);
}

static void some_errors_are_answered_anyway(void **state)
{
    (void)state;
    with_disk(not_held, &stopping);
}

static void drain_now(struct loop_op *op, int res)
{
    struct rig *rig = op->owner;

    (void)res;
    blk_drain(rig->blk);
}

/* A reset, or the end, gives up what waits. */
static void given_up(struct rig *rig)
{
    struct iovec iov = {out, 4096};
    struct blk_req first = write_of(&iov, 0), second = write_of(&iov, 4096);
    struct loop_op drain = {.fn = drain_now, .owner = rig};

    blk_on_stop(rig->blk, on_stopped, rig);
    faults.write = always(-ENOSPC);
    rig_submit(rig, &first);
    run_to_stop(rig, 1);
    rig_submit(rig, &second);
    loop_post(rig->loop, &drain);
    rig_wait(rig);
    assert_int_equal(first.result, -ECANCELED);
    assert_int_equal(second.result, -ECANCELED);
    assert_false(blk_is_stopped(rig->blk));
}

static void a_drain_gives_up_what_waits(void **state)
{
    (void)state;
    with_disk(given_up, &stopping);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_answered),
        cmocka_unit_test(short_transfers_go_on),
        cmocka_unit_test(zero_bytes_are_an_error),
        cmocka_unit_test(interruptions_are_retried),
        cmocka_unit_test(zeroes_are_written_where_nothing_else_works),
        cmocka_unit_test(written_zeroes_go_on_too),
        cmocka_unit_test(writethrough_is_durable),
        cmocka_unit_test(closing_flushes),
        cmocka_unit_test(no_space),
        cmocka_unit_test(a_failed_request_waits_to_be_tried_again),
        cmocka_unit_test(to_end_nothing_is_held),
        cmocka_unit_test(some_errors_are_answered_anyway),
        cmocka_unit_test(a_drain_gives_up_what_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
