// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Raw disks on real files: data, holes, checks, sizes. Every data test runs
 * on memory and on disk, and with each cache mode (blk_places.h).
 */
#include "blk_places.h"

#include <dirent.h>
#include <sys/resource.h>

static _Alignas(4096) unsigned char out[SIZE], in[SIZE];

static void data_comes_back(struct rig *rig)
{
    static const size_t sizes[] = {512, 4096, 65536, 1048576};

    assert_int_equal(blk_info(rig->blk)->size, SIZE);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const uint64_t at = SIZE - 2 * sizes[i];

        rig_fill(out, sizes[i], (unsigned)i);
        assert_int_equal(rig_move(rig, BLK_WRITE, at, out, sizes[i]), 0);
        assert_int_equal(rig_flush(rig), 0);
        assert_int_equal(rig_move(rig, BLK_READ, at, in, sizes[i]), 0);
        assert_memory_equal(out, in, sizes[i]);
    }
}

static void read_write_flush(void **state)
{
    (void)state;
    everywhere(data_comes_back);
}

/* Odd addresses and odd segments, which direct I/O does not take. */
static void odd_segments(struct rig *rig)
{
    const struct iovec to[] = {
        {out + 1, 511}, {out + 1024, 0}, {out + 1027, 1}, {out + 3001, 3584}};
    const struct iovec from[] = {{in + 3, 4000}, {in + 4003, 96}};
    struct blk_req write = {
        .op = BLK_WRITE, .offset = 512, .len = 4096, .iov = to, .n_iov = 4};
    struct blk_req read = {
        .op = BLK_READ, .offset = 512, .len = 4096, .iov = from, .n_iov = 2};

    rig_fill(out, 8192, 9);
    assert_int_equal(rig_do(rig, &write), 0);
    assert_int_equal(rig_do(rig, &read), 0);
    assert_memory_equal(in + 3, out + 1, 511);
    assert_int_equal(in[3 + 511], out[1027]);
    assert_memory_equal(in + 3 + 512, out + 3001, 3584);
}

static void any_memory_will_do(void **state)
{
    (void)state;
    everywhere(odd_segments);
}

/* More segments than the kernel takes at once. */
static void many_segments(struct rig *rig)
{
    enum { N = 3000 };
    static struct iovec to[N], from[N];
    struct blk_req write = {
        .op = BLK_WRITE, .len = N * 512, .iov = to, .n_iov = N};
    struct blk_req read = {
        .op = BLK_READ, .len = N * 512, .iov = from, .n_iov = N};

    rig_fill(out, N * 512, 77);
    for (size_t i = 0; i < N; i++) {
        to[i] = (struct iovec){out + 512 * i, 512};
        from[i] = (struct iovec){in + 512 * (N - 1 - i), 512};
    }
    assert_int_equal(rig_do(rig, &write), 0);
    assert_int_equal(rig_do(rig, &read), 0);
    for (size_t i = 0; i < N; i++)
        assert_memory_equal(in + 512 * (N - 1 - i), out + 512 * i, 512);
}

static void any_number_of_segments(void **state)
{
    (void)state;
    everywhere(many_segments);
}

static uint64_t blocks_of(const struct rig *rig)
{
    struct stat st;

    assert_int_equal(stat(rig->path, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

static void discard_and_zero_here(struct rig *rig)
{
    memset(out, 0xff, SIZE);
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, SIZE), 0);
    assert_int_equal(rig_flush(rig), 0);
    assert_true(blocks_of(rig) >= SIZE);
    assert_int_equal(rig_range(rig, BLK_DISCARD, 0, MIB, false), 0);
    assert_true(blocks_of(rig) <= SIZE - MIB + 65536);
    /* With unmap a hole, without it zeroes that keep their place. */
    assert_int_equal(rig_range(rig, BLK_ZERO, MIB, MIB, true), 0);
    assert_true(blocks_of(rig) <= SIZE - 2 * MIB + 65536);
    assert_int_equal(rig_range(rig, BLK_ZERO, 2 * MIB + 512, MIB, false), 0);
    assert_true(blocks_of(rig) >= SIZE - 2 * MIB);
    assert_int_equal(rig_flush(rig), 0);
    assert_int_equal(rig_move(rig, BLK_READ, 0, in, SIZE), 0);
    assert_true(rig_is(in + MIB, MIB, 0));
    assert_true(rig_is(in + 2 * MIB, 512, 0xff));
    assert_true(rig_is(in + 2 * MIB + 512, MIB, 0));
    assert_true(rig_is(in + 3 * MIB + 512, MIB - 512, 0xff));
}

static void discard_and_zero(void **state)
{
    (void)state;
    everywhere(discard_and_zero_here);
}

/* Case 23: what is out of range or not aligned, and the image is untouched. */
static void bad_requests(struct rig *rig)
{
    static const struct {
        enum blk_op op;
        uint64_t offset, len;
    } cases[] = {
        {BLK_READ, SIZE, 512},
        {BLK_WRITE, SIZE, 512},
        {BLK_WRITE, SIZE - 512, 1024},
        {BLK_WRITE, UINT64_MAX - 511, 512},
        {BLK_WRITE, UINT64_MAX - 511, 1024},
        {BLK_WRITE, (uint64_t)1 << 63, 512},
        {BLK_READ, 1, 512},
        {BLK_WRITE, 0, 511},
        {BLK_WRITE, 256, 512},
        {BLK_DISCARD, 0, SIZE + 512},
        {BLK_DISCARD, 512, UINT64_MAX - 511},
        {BLK_DISCARD, 1, 512},
        {BLK_ZERO, SIZE - 512, 1024},
        {BLK_ZERO, 0, 100},
    };
    struct stat st;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct iovec iov = {out, cases[i].len};
        struct blk_req req = {.op = cases[i].op,
                              .offset = cases[i].offset,
                              .len = cases[i].len,
                              .iov = &iov,
                              .n_iov = 1};

        assert_int_equal(rig_do(rig, &req), -EINVAL);
    }
    assert_int_equal(stat(rig->path, &st), 0);
    assert_int_equal(st.st_size, SIZE);
    assert_int_equal(st.st_blocks, 0);
}

static void range_and_alignment(void **state)
{
    const struct blk_config cfg = {0};

    (void)state;
    with_disk(bad_requests, &cfg);
}

/* A front-end whose segments do not sum up must not write past the end. */
static void wrong_sums(struct rig *rig)
{
    const struct iovec iov[] = {{out, 512}, {out, SIZE}, {out, SIZE_MAX}};
    struct blk_req req = {
        .op = BLK_WRITE, .offset = SIZE - 512, .len = 512, .iov = iov};
    struct stat st;

    for (req.n_iov = 0; req.n_iov <= 3; req.n_iov++)
        assert_int_equal(rig_do(rig, &req), req.n_iov == 1 ? 0 : -EINVAL);
    assert_int_equal(stat(rig->path, &st), 0);
    assert_int_equal(st.st_size, SIZE);
}

static void segments_must_sum_up(void **state)
{
    const struct blk_config cfg = {0};

    (void)state;
    with_disk(wrong_sums, &cfg);
}

/* How many worker threads io_uring has made for this process. */
static unsigned workers(void)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *e;
    char path[300], name[32];
    unsigned n = 0;

    assert_non_null(tasks);
    while ((e = readdir(tasks))) {
        FILE *f;

        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", e->d_name);
        f = fopen(path, "re");
        if (!f)
            continue;
        if (fgets(name, sizeof(name), f) && strstr(name, "iou-wrk"))
            n++;
        fclose(f);
    }
    closedir(tasks);
    return n;
}

static void on_the_spot(struct rig *rig)
{
    static unsigned char buf[4096];

    for (uint64_t i = 0; i < 16; i++) {
        assert_int_equal(rig_move(rig, BLK_WRITE, i * 4096, buf, 4096), 0);
        assert_int_equal(rig_move(rig, BLK_READ, i * 4096 + 512, buf, 512), 0);
    }
    assert_int_equal(workers(), 0);
}

/* An image in memory waits for nothing, and no thread waits for it. */
static void memory_needs_no_worker(void **state)
{
    static const struct blk_config cfg = {.cache = BLK_CACHE_WRITEBACK};
    const int fd =
        open("/dev/shm", O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);

    (void)state;
    if (fd < 0)
        skip(); /* before Linux 6.6 writes need one */
    close(fd);
    with_disk(on_the_spot, &cfg);
}

static void nothing_is_done_at_once(struct rig *rig)
{
    assert_int_equal(rig_range(rig, BLK_READ, 0, 0, false), 0);
    assert_int_equal(rig_range(rig, BLK_WRITE, SIZE, 0, false), 0);
    assert_int_equal(rig_range(rig, BLK_DISCARD, 0, 0, false), 0);
}

static void empty_requests_succeed(void **state)
{
    const struct blk_config cfg = {0};

    (void)state;
    with_disk(nothing_is_done_at_once, &cfg);
}

/* Cases 24 and 61: refused by us, and the descriptor could not do it. */
static void only_reads(struct rig *rig)
{
    const struct blk_info *info = blk_info(rig->blk);
    char link[64], path[256];
    unsigned writable = 0;
    struct stat st, other;

    assert_true(info->read_only);
    assert_false(info->can_zero);
    assert_int_equal(info->discard_align, 0);
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, 512), -EROFS);
    assert_int_equal(rig_range(rig, BLK_DISCARD, 0, 4096, false), -EROFS);
    assert_int_equal(rig_range(rig, BLK_ZERO, 0, 4096, true), -EROFS);
    assert_int_equal(rig_flush(rig), 0);
    assert_int_equal(rig_move(rig, BLK_READ, 0, in, 4096), 0);
    assert_int_equal(stat(rig->path, &st), 0);
    for (int fd = 0; fd < 64; fd++) {
        if (fstat(fd, &other) < 0 || other.st_ino != st.st_ino)
            continue;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        assert_true(readlink(link, path, sizeof(path)) > 0);
        writable += (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
    }
    assert_int_equal(writable, 0);
}

static void read_only_is_read_only(void **state)
{
    const struct blk_config cfg = {.read_only = true};
    const struct blk_config direct = {.read_only = true,
                                      .cache = BLK_CACHE_NONE};

    (void)state;
    with_disk(only_reads, &cfg);
    with_disk(only_reads, &direct);
}

/* Case 51: what is no image says so; nothing is guessed from content. */
static void what_is_no_disk(void **state)
{
    struct rig rig = {0};
    struct blk_config cfg = {0};
    char fifo[128], loop[128], missing[128];

    (void)state;
    rig_dir(&rig, "/dev/shm");
    snprintf(fifo, sizeof(fifo), "%s/fifo", rig.dir);
    snprintf(loop, sizeof(loop), "%s/loop", rig.dir);
    snprintf(missing, sizeof(missing), "%s/missing", rig.dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(symlink(loop, loop), 0);
    cfg.path = missing;
    RIG_REFUSED(&cfg, missing, "No such file", "truncate");
    cfg.path = rig.dir;
    RIG_REFUSED(&cfg, rig.dir, "directory");
    cfg.path = fifo;
    RIG_REFUSED(&cfg, fifo, "neither a file nor a block device");
    cfg.path = loop;
    RIG_REFUSED(&cfg, loop, "symbolic links");
    cfg.path = "/dev/null";
    RIG_REFUSED(&cfg, "/dev/null", "neither");
    cfg.path = "nbd:tcp:host";
    RIG_REFUSED(&cfg, "nbd:unix:PATH");
    cfg.path = rig.path;
    rig_image(rig.path, 0);
    RIG_REFUSED(&cfg, rig.path, "empty", "truncate");
    rig_image(rig.path, 511);
    RIG_REFUSED(&cfg, rig.path, "smaller than a sector");
    unlink(fifo);
    unlink(loop);
    rig_remove(&rig);
}

static void a_tail_is_hidden(void **state)
{
    const struct blk_config cfg = {0};
    struct rig rig = {0};
    struct rig_log log;

    (void)state;
    rig_dir(&rig, "/dev/shm");
    rig_image(rig.path, 1024 + 100);
    rig_catch(&log);
    rig_open(&rig, &cfg);
    assert_non_null(strstr(rig_caught(&log), "last 100 bytes"));
    assert_int_equal(blk_info(rig.blk)->size, 1024);
    assert_int_equal(rig_move(&rig, BLK_READ, 1024, in, 512), -EINVAL);
    rig_close(&rig);
    rig_remove(&rig);
}

/* The header of a qcow2 file with a backing file, written by the guest. */
static void looks_like_qcow2(struct rig *rig)
{
    static const unsigned char head[32] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 3,
                                           0,   0,   0,   0,    0, 0, 0, 32};
    const struct blk_config cfg = {.path = rig->path};

    memset(out, 0, 512);
    memcpy(out, head, sizeof(head));
    memcpy(out + 32, "/etc/passwd", 11);
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, 512), 0);
    rig_close(rig);
    rig_open(rig, &cfg);
    assert_int_equal(blk_info(rig->blk)->size, SIZE);
    assert_int_equal(rig_move(rig, BLK_READ, 0, in, 512), 0);
    assert_memory_equal(in, out, 512);
}

static void raw_is_raw(void **state)
{
    const struct blk_config cfg = {0};

    (void)state;
    with_disk(looks_like_qcow2, &cfg);
}

/* Case 60: the image shrinks, grows, and is deleted under the guest. */
static void size_changes(struct rig *rig)
{
    rig_fill(out, 4096, 3);
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, 4096), 0);
    assert_int_equal(truncate(rig->path, MIB), 0);
    assert_int_equal(rig_move(rig, BLK_READ, 2 * MIB, in, 4096), -EIO);
    assert_int_equal(rig_move(rig, BLK_READ, MIB - 4096, in, 8192), -EIO);
    assert_int_equal(rig_move(rig, BLK_READ, 0, in, 4096), 0);
    assert_memory_equal(in, out, 4096);
    /* A write beyond the new end is kept: the file grows again. */
    assert_int_equal(rig_move(rig, BLK_WRITE, 2 * MIB, out, 4096), 0);
    assert_int_equal(rig_move(rig, BLK_READ, 2 * MIB, in, 4096), 0);
    assert_int_equal(unlink(rig->path), 0);
    assert_int_equal(rig_move(rig, BLK_READ, 0, in, 4096), 0);
    assert_int_equal(rig_flush(rig), 0);
    rig_image(rig->path, 0); /* for the tear-down */
}

static void images_may_shrink_and_vanish(void **state)
{
    const struct blk_config cfg = {0};

    (void)state;
    with_disk(size_changes, &cfg);
}

static void count_resize(void *owner)
{
    ++*(unsigned *)owner;
}

static void resized(struct rig *rig)
{
    unsigned told = 0;

    blk_attach(rig->blk, count_resize, &told);
    assert_int_equal(blk_resize(rig->blk), 0);
    assert_int_equal(told, 0);
    assert_int_equal(truncate(rig->path, 2 * SIZE + 1), 0);
    assert_int_equal(rig_move(rig, BLK_WRITE, SIZE, out, 512), -EINVAL);
    assert_int_equal(blk_resize(rig->blk), 0);
    assert_int_equal(told, 1);
    assert_int_equal(blk_info(rig->blk)->size, 2 * SIZE);
    assert_int_equal(rig_move(rig, BLK_WRITE, SIZE, out, 512), 0);
    blk_attach(rig->blk, NULL, NULL);
    assert_int_equal(truncate(rig->path, SIZE), 0);
    assert_int_equal(blk_resize(rig->blk), 0);
    assert_int_equal(blk_info(rig->blk)->size, SIZE);
    assert_int_equal(told, 1);
}

static void size_follows_on_request(void **state)
{
    const struct blk_config cfg = {0};

    (void)state;
    with_disk(resized, &cfg);
}

/* A file-size limit is EFBIG to the guest, not a signal. */
static void too_big(struct rig *rig)
{
    struct rlimit old, low;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = MIB;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    assert_int_equal(rig_move(rig, BLK_WRITE, 2 * MIB, out, 4096), -EFBIG);
    assert_int_equal(rig_move(rig, BLK_WRITE, 4096, out, 4096), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
}

static void file_size_limit(void **state)
{
    const struct blk_config cfg = {0};

    (void)state;
    with_disk(too_big, &cfg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: workers of other tests live on for a while. */
        cmocka_unit_test(memory_needs_no_worker),
        cmocka_unit_test(read_write_flush),
        cmocka_unit_test(any_memory_will_do),
        cmocka_unit_test(any_number_of_segments),
        cmocka_unit_test(discard_and_zero),
        cmocka_unit_test(range_and_alignment),
        cmocka_unit_test(segments_must_sum_up),
        cmocka_unit_test(empty_requests_succeed),
        cmocka_unit_test(read_only_is_read_only),
        cmocka_unit_test(what_is_no_disk),
        cmocka_unit_test(a_tail_is_hidden),
        cmocka_unit_test(raw_is_raw),
        cmocka_unit_test(images_may_shrink_and_vanish),
        cmocka_unit_test(size_follows_on_request),
        cmocka_unit_test(file_size_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
