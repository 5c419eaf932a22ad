// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * snapshot=on against a model: random reads, writes, zeroes and discards must
 * give what an array in memory gives, and leave the image as it was.
 */
#include "blk_rig.h"

#include <dirent.h>
#include <sys/mount.h>

#define SIZE    (1 * MIB)
#define SECTORS (SIZE / 512)

static unsigned char image[SIZE], model[SIZE], in[SIZE], out[SIZE];

static void write_file(const char *path, const unsigned char *data)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_int_equal(write(fd, data, SIZE), SIZE);
    close(fd);
}

static void assert_file_is(const char *path, const unsigned char *data)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_int_equal(read(fd, in, SIZE), SIZE);
    close(fd);
    assert_memory_equal(in, data, SIZE);
}

static void begin(struct rig *rig, enum blk_cache cache)
{
    const struct blk_config cfg = {.snapshot = true, .cache = cache};

    memset(rig, 0, sizeof(*rig));
    rig_dir(rig, "/var/tmp");
    rig_fill(image, SIZE, 1);
    memcpy(model, image, SIZE);
    write_file(rig->path, image);
    rig_open(rig, &cfg);
}

static void end(struct rig *rig)
{
    assert_int_equal(rig_move(rig, BLK_READ, 0, in, SIZE), 0);
    assert_memory_equal(in, model, SIZE);
    rig_close(rig);
    assert_file_is(rig->path, image);
    rig_remove(rig);
}

/* A stretch of 1 to 64 sectors, mostly; sometimes a long one. */
static void pick(uint64_t *offset, uint64_t *len)
{
    const uint64_t max = rand() % 16 ? 64 : SECTORS;
    const uint64_t at = (uint64_t)rand() % SECTORS;
    uint64_t n = 1 + (uint64_t)rand() % max;

    if (n > SECTORS - at)
        n = SECTORS - at;
    *offset = at * 512;
    *len = n * 512;
}

/* Discarded bytes may be anything the disk holds now: ask it. */
static void discard(struct rig *rig, uint64_t at, uint64_t len)
{
    assert_int_equal(rig_range(rig, BLK_DISCARD, at, len, false), 0);
    assert_int_equal(rig_move(rig, BLK_READ, at, model + at, len), 0);
}

static void step(struct rig *rig)
{
    uint64_t at, len;
    const int what = rand() % 8;

    pick(&at, &len);
    if (what < 4) {
        assert_int_equal(rig_move(rig, BLK_READ, at, in, len), 0);
        assert_memory_equal(in, model + at, len);
    } else if (what < 6) {
        rig_fill(out, len, (unsigned)rand());
        assert_int_equal(rig_move(rig, BLK_WRITE, at, out, len), 0);
        memcpy(model + at, out, len);
    } else if (what == 6) {
        assert_int_equal(rig_range(rig, BLK_ZERO, at, len, rand() % 2), 0);
        memset(model + at, 0, len);
    } else {
        discard(rig, at, len);
    }
}

static void random_operations(enum blk_cache cache)
{
    struct rig rig;

    srand(4711);
    begin(&rig, cache);
    for (int i = 0; i < 1500; i++)
        step(&rig);
    assert_int_equal(rig_flush(&rig), 0);
    end(&rig);
}

static void a_model_agrees(void **state)
{
    (void)state;
    random_operations(BLK_CACHE_WRITEBACK);
}

static void a_model_agrees_on_direct_io(void **state)
{
    (void)state;
    random_operations(BLK_CACHE_NONE);
}

/* The first and last bits of words, alone and across, in odd segments. */
static void edges_of_the_map(void **state)
{
    static const uint64_t at[] = {0, 63, 64, 127, 128, 191, SECTORS - 1};
    const struct iovec to[] = {{out, 100}, {out + 100, 412}};
    const struct iovec from[] = {
        {in, 7}, {in + 7, 1000}, {in + 1007, SIZE - 1007}};
    struct blk_req all = {.op = BLK_READ, .len = SIZE, .iov = from, .n_iov = 3};
    struct rig rig;

    (void)state;
    begin(&rig, BLK_CACHE_WRITEBACK);
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        struct blk_req one = {.op = BLK_WRITE,
                              .offset = at[i] * 512,
                              .len = 512,
                              .iov = to,
                              .n_iov = 2};

        rig_fill(out, 512, (unsigned)(100 + i));
        memcpy(model + one.offset, out, 512);
        assert_int_equal(rig_do(&rig, &one), 0);
        assert_int_equal(rig_do(&rig, &all), 0);
        assert_memory_equal(in, model, SIZE);
    }
    end(&rig);
}

static void what_the_guest_is_told(void **state)
{
    const struct blk_info *info;
    struct rig rig;

    (void)state;
    begin(&rig, BLK_CACHE_WRITEBACK);
    info = blk_info(rig.blk);
    assert_false(info->read_only);
    assert_false(info->needs_flush);
    assert_true(info->can_zero);
    assert_int_equal(info->logical_block, 512);
    assert_int_equal(info->size, SIZE);
    /* It does not grow with the image. */
    assert_int_equal(truncate(rig.path, 2 * SIZE), 0);
    assert_int_equal(blk_resize(rig.blk), 0);
    assert_int_equal(info->size, SIZE);
    assert_int_equal(truncate(rig.path, SIZE), 0);
    end(&rig);
}

/* The temporary file has no name, and takes no more than what is written. */
static void leaves_nothing_behind(void **state)
{
    struct rig rig;
    char dir[64] = "/var/tmp/vmm-blk-XXXXXX";
    struct dirent *entry;
    unsigned names = 0;
    DIR *d;

    (void)state;
    assert_non_null(mkdtemp(dir));
    setenv("TMPDIR", dir, 1);
    begin(&rig, BLK_CACHE_WRITEBACK);
    assert_int_equal(rig_move(&rig, BLK_WRITE, 0, out, 512), 0);
    memcpy(model, out, 512);
    d = opendir(dir);
    while ((entry = readdir(d)))
        names += entry->d_name[0] != '.';
    closedir(d);
    assert_int_equal(names, 0);
    end(&rig);
    assert_int_equal(rmdir(dir), 0);
    unsetenv("TMPDIR");
}

static void no_place_for_the_snapshot(void **state)
{
    struct blk_config cfg = {.snapshot = true};
    struct rig rig = {0};

    (void)state;
    rig_dir(&rig, "/dev/shm");
    rig_image(rig.path, SIZE);
    cfg.path = rig.path;
    setenv("TMPDIR", "/nonexistent", 1);
    RIG_REFUSED(&cfg, "snapshot in /nonexistent", "TMPDIR");
    unsetenv("TMPDIR");
    rig_remove(&rig);
}

/* ENOSPC half way: what was written shows, the rest is the image's. */
static void full_in_the_middle(void **state)
{
    char dir[64] = "/dev/shm/vmm-blk-XXXXXX";
    struct rig rig;
    size_t n = 0;

    (void)state;
    assert_non_null(mkdtemp(dir));
    if (mount("none", dir, "tmpfs", 0, "size=256k") < 0) {
        rmdir(dir);
        skip(); /* not root */
    }
    setenv("TMPDIR", dir, 1);
    begin(&rig, BLK_CACHE_WRITEBACK);
    memset(out, 0x5a, SIZE);
    assert_int_equal(rig_move(&rig, BLK_WRITE, 0, out, SIZE), -ENOSPC);
    assert_int_equal(rig_move(&rig, BLK_READ, 0, in, SIZE), 0);
    while (n < SIZE && in[n] == 0x5a)
        n++;
    assert_true(n > 0 && n <= 256 * KIB && n % 512 == 0);
    memset(model, 0x5a, n);
    end(&rig);
    unsetenv("TMPDIR");
    assert_int_equal(umount2(dir, MNT_DETACH), 0);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_agrees),
        cmocka_unit_test(a_model_agrees_on_direct_io),
        cmocka_unit_test(edges_of_the_map),
        cmocka_unit_test(what_the_guest_is_told),
        cmocka_unit_test(leaves_nothing_behind),
        cmocka_unit_test(no_place_for_the_snapshot),
        cmocka_unit_test(full_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
